//! A report of vulnerabilities, split by an inventory of use.

mod common;

use common::base::export;
use common::{Image, Layer, read_used};
use lapwing_image::report::{First, Report};
use lapwing_image::vulnerabilities::{Finding, Severity, Vulnerabilities};
use lapwing_image::{Limits, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::uses;
use serde_json::{Value, json};

/// Debian's libraries, and modules of Python and Node; `six` has no list of its files.
fn image() -> Image {
    let site = "usr/lib/python3/dist-packages";
    let paragraph =
        |name: &str| format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n\n");
    let python = |name: &str| format!("Name: {name}\nVersion: 1\n");
    Image::of(vec![
        Layer::default()
            .program("usr/bin/python3", "\x7fELF")
            .program("usr/bin/perl", "\x7fELF")
            .file("usr/lib/libssl.so.3", "\x7fELF")
            .file(
                "var/lib/dpkg/status",
                ["libssl3", "perl-base"].map(paragraph).concat(),
            )
            .file("var/lib/dpkg/info/libssl3.list", "/usr/lib/libssl.so.3\n")
            .file("var/lib/dpkg/info/perl-base.list", "/usr/bin/perl\n")
            .file(
                &format!("{site}/requests-1.dist-info/METADATA"),
                python("requests"),
            )
            .file(
                &format!("{site}/requests-1.dist-info/RECORD"),
                "requests/api.py,,\n",
            )
            .file(&format!("{site}/requests/api.py"), "api")
            .file(&format!("{site}/six-1.egg-info"), python("six"))
            .file(&format!("{site}/six.py"), "six")
            .file(
                "srv/node_modules/left-pad/package.json",
                r#"{"name":"left-pad","version":"1"}"#,
            ),
    ])
}

fn inventory() -> Export {
    export(&[
        ("/usr/bin/python3", uses::EXEC),
        ("/usr/lib/libssl.so.3", uses::OPEN),
        ("/usr/lib/python3/dist-packages/requests/api.py", uses::OPEN),
        ("/usr/lib/python3/dist-packages/six.py", uses::OPEN),
    ])
}

fn split(export: &Export) -> (Report, Vulnerabilities) {
    let finding = |id: &str, name: &str, kind: &str| {
        json!({"vulnerability": {"id": id, "severity": "High"},
               "artifact": {"name": name, "version": "1", "type": kind}})
    };
    let given: Value = json!({"matches": [
        finding("CVE-1", "libssl3", "deb"),
        finding("CVE-2", "perl-base", "deb"),
        finding("CVE-3", "requests", "python"),
        finding("CVE-4", "six", "python"),
        finding("CVE-5", "left-pad", "npm"),
    ]});
    let (wanted, limits) = (Wanted::default(), Limits::default());
    let report = read_used(image().path(), wanted, limits, None, Some(export)).unwrap();
    let split = Vulnerabilities::of(given.to_string().as_bytes(), &report).unwrap();
    (report, split)
}

fn ids(of: &First<Finding>) -> Vec<&str> {
    of.first.iter().map(|it| &*it.id).collect()
}

#[test]
fn what_an_inventory_has_is_in_use_and_what_a_whole_one_lacks_was_never_seen() {
    let (report, split) = split(&inventory());
    assert!(report.ran.is_none());
    assert_eq!(ids(&split.ran), ["CVE-1", "CVE-3"]);
    assert_eq!(ids(&split.not_seen), ["CVE-2", "CVE-5"]);
    assert_eq!(ids(&split.unknown), ["CVE-4"]);
    let counts: Vec<_> = { split.severities.iter() }
        .map(|it| (it.severity, it.ran, it.not_seen, it.unknown))
        .collect();
    assert_eq!(counts, [(Severity::High, 2, 2, 1)]);
    assert!(split.ran.first[0].why.contains("was seen to be used"));
    assert!(
        split
            .caution
            .contains("nothing of this says that the image is not affected")
    );
}

#[test]
fn nothing_is_never_seen_by_an_inventory_that_lacks_something_or_is_of_another_image() {
    let mut shed = inventory();
    shed.missing.shed = 1;
    let mut full = inventory();
    full.missing.no_room = 1;
    let mut gap = inventory();
    gap.missing.gaps = 1;
    let mut none = inventory();
    none.instances = 0;
    let mut other = inventory();
    other.images = vec![format!("web@sha256:{}", "0".repeat(64))];
    let foreign = export(&[("/opt/a", uses::OPEN), ("/usr/lib/libssl.so.3", uses::OPEN)]);
    for (what, export) in [
        ("shed", shed),
        ("full", full),
        ("gap", gap),
        ("none", none),
        ("other", other),
    ] {
        let (_, split) = split(&export);
        assert_eq!(ids(&split.ran), ["CVE-1", "CVE-3"], "{what}");
        assert!(split.not_seen.is_empty(), "{what}");
        let why = |id: &str| {
            let found = split.unknown.first.iter().find(|it| it.id == id);
            found.unwrap().why
        };
        assert!(
            why("CVE-2").contains("the inventory is incomplete"),
            "{what}"
        );
        assert!(
            why("CVE-4").contains("no file of its package is known"),
            "{what}"
        );
    }
    let (report, split) = split(&foreign);
    assert!(!report.used.unwrap().says);
    assert_eq!(ids(&split.ran), ["CVE-1"]);
    assert!(split.not_seen.is_empty());
}
