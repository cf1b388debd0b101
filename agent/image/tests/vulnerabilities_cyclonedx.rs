//! Findings in CycloneDX, as both scanners write them, split by an inventory of use.

mod common;

use common::base::export;
use common::{Image, Layer, digest, read_used};
use lapwing_image::report::Report;
use lapwing_image::vulnerabilities::{Severity, Vulnerabilities};
use lapwing_image::{Limits, Wanted};
use lapwing_profile::inventory::uses;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Debian's libraries, of which one is used, and a module of Node.
fn report() -> Report {
    let paragraph =
        |name: &str| format!("Package: {name}\nStatus: install ok installed\nVersion: 1:2-3\n\n");
    let image = Image::of(vec![
        Layer::default()
            .program("usr/bin/perl", "\x7fELF")
            .file("usr/lib/libssl.so.3", "\x7fELF")
            .file(
                "var/lib/dpkg/status",
                ["libssl3", "perl-base"].map(paragraph).concat(),
            )
            .file("var/lib/dpkg/info/libssl3.list", "/usr/lib/libssl.so.3\n")
            .file("var/lib/dpkg/info/perl-base.list", "/usr/bin/perl\n")
            .file(
                "srv/node_modules/@a/b/package.json",
                r#"{"name":"@a/b","version":"1.0.0"}"#,
            ),
    ]);
    let used = export(&[("/usr/lib/libssl.so.3", uses::OPEN)]);
    let (wanted, limits) = (Wanted::default(), Limits::default());
    read_used(image.path(), wanted, limits, None, Some(&used)).unwrap()
}

const SSL: &str = "pkg:deb/debian/libssl3@1%3A2-3?arch=amd64&package-id=1";
const PERL: &str = "pkg:deb/debian/perl-base@2-3?epoch=1&arch=amd64";

fn component(reference: &str, name: &str, version: &str, purl: &str) -> Value {
    json!({"bom-ref": reference, "type": "library", "name": name, "version": version, "purl": purl})
}

fn finding(id: &str, severities: &[&str], affects: &[&str]) -> Value {
    let ratings: Vec<Value> = severities
        .iter()
        .map(|it| json!({"severity": it}))
        .collect();
    let affects: Vec<Value> = affects.iter().map(|it| json!({"ref": it})).collect();
    json!({"bom-ref": format!("urn:uuid:{id}"), "id": id, "ratings": ratings, "affects": affects})
}

/// With components in one another, references of several forms, and words of somebody who thinks otherwise.
fn document() -> Value {
    let mut denied = finding("CVE-2", &["low"], &["perl"]);
    denied["analysis"] = json!({"state": "not_affected", "justification": "code_not_reachable"});
    denied["affects"][0]["versions"] = json!([{"version": "1:2-3", "status": "unaffected"}]);
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "grype", "version": "0.85.0"}]},
            "component": {"bom-ref": "x", "type": "container", "name": "shop", "version": digest(b"another")},
        },
        "components": [
            {"bom-ref": "os", "type": "operating-system", "name": "debian", "components": [
                component(SSL, "libssl3", "1:2-3", SSL),
                component("perl", "perl-base", "1:2-3", PERL),
            ]},
            {"bom-ref": "b", "type": "library", "group": "@a", "name": "b", "version": "1.0.0",
             "properties": [{"name": "syft:package:type", "value": "npm"}]},
            {"bom-ref": "old", "type": "library", "name": "libssl3", "version": "9", "purl": "pkg:deb/debian/libssl3@9"},
        ],
        "vulnerabilities": [
            finding("CVE-1", &["medium", "critical", "none"], &[SSL]),
            denied,
            finding("CVE-3", &["high"], &["b", "old"]),
            finding("CVE-4", &["none"], &["urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1#perl"]),
            finding("CVE-5", &[], &["pkg:deb/debian/libssl3@1%3A2-3"]),
            finding("CVE-6", &["dire"], &["nowhere\u{1b}[2J"]),
            finding("CVE-7", &["high"], &[]),
        ],
    })
}

fn split(document: &Value) -> Result<Vulnerabilities, String> {
    Vulnerabilities::of(document.to_string().as_bytes(), &report())
}

#[test]
fn findings_go_to_the_components_that_they_name() {
    let split = split(&document()).unwrap();
    let ids = |of: &lapwing_image::report::First<_>| -> Vec<(String, Severity, String)> {
        let all = of.first.iter();
        all.map(|it: &lapwing_image::vulnerabilities::Finding| {
            (
                it.id.clone(),
                it.severity,
                format!("{} {}", it.package, it.version),
            )
        })
        .collect()
    };
    let is = |id: &str, severity, package: &str| (id.to_owned(), severity, package.to_owned());
    assert_eq!(split.scanner, "grype");
    assert_eq!(
        ids(&split.ran),
        [
            is("CVE-1", Severity::Critical, "libssl3 1:2-3"),
            is("CVE-5", Severity::Unknown, "libssl3 1:2-3"),
        ]
    );
    // Whoever says that it is not affected leaves none out, and is not repeated.
    assert_eq!(
        ids(&split.not_seen),
        [
            is("CVE-3", Severity::High, "@a/b 1.0.0"),
            is("CVE-2", Severity::Low, "perl-base 1:2-3"),
            is("CVE-4", Severity::Negligible, "perl-base 1:2-3"),
        ]
    );
    assert_eq!(
        ids(&split.unknown),
        [
            is("CVE-3", Severity::High, "libssl3 9"),
            is("CVE-7", Severity::High, " "),
            is("CVE-6", Severity::Unknown, "nowhere\\x1b[2J "),
        ]
    );
    let text = serde_json::to_string(&split).unwrap();
    let claims = text.replace("nothing of this says that the image is not affected", "");
    for word in ["not_affected", "unaffected", "not affected", "reachable"] {
        assert!(!claims.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_document_says_which_image_it_is_of() {
    let own = report().id.unwrap();
    let with = |version: &str, properties: Value| {
        let mut document = document();
        document["metadata"]["component"]["version"] = version.into();
        document["metadata"]["component"]["properties"] = properties;
        split(&document).unwrap().same_image
    };
    let trivy = |digest: &str| json!([{"name": "aquasecurity:trivy:ImageID", "value": digest}]);
    // A digest of the manifest says that it is the one, and one that is unknown not that it is another.
    assert_eq!(with(&own, json!([])), Some(true));
    assert_eq!(with(&digest(b"other"), json!([])), None);
    assert_eq!(with("", trivy(&own)), Some(true));
    assert_eq!(with("", trivy(&digest(b"other"))), Some(false));
    let mut document = document();
    document["metadata"]["tools"] = json!([{"vendor": "aquasecurity", "name": "trivy"}]);
    assert_eq!(split(&document).unwrap().scanner, "trivy");
    document.as_object_mut().unwrap().remove("metadata");
    let split = split(&document).unwrap();
    assert_eq!((split.scanner, split.same_image), ("CycloneDX", None));
}

#[test]
fn what_is_none_or_too_much_is_refused() {
    let with = |key: &str, value: Value| {
        let mut document = document();
        document[key] = value;
        split(&document).map(|_| ()).unwrap_err()
    };
    let mut without = document();
    without.as_object_mut().unwrap().remove("vulnerabilities");
    let why = split(&without).unwrap_err();
    assert!(why.contains("CycloneDX without `vulnerabilities`"), "{why}");
    let one = |changes: Value| {
        let mut one = finding("CVE-1", &["high"], &["perl"]);
        for (key, value) in changes.as_object().unwrap() {
            one[key] = value.clone();
        }
        json!([one])
    };
    let many = |count: usize| vec![json!({"ref": "perl"}); count];
    let all = vec![one(json!({"affects": many(9_000)}))[0].clone(); 12];
    for (why, words) in [
        (with("vulnerabilities", json!(null)), "CycloneDX without"),
        (with("vulnerabilities", json!("x")), "`vulnerabilities`"),
        (with("vulnerabilities", json!([1])), "one of them"),
        (
            with("vulnerabilities", one(json!({"id": null}))),
            "one of them",
        ),
        (
            with("vulnerabilities", one(json!({"affects": [1]}))),
            "`affects`: not all",
        ),
        (
            with("vulnerabilities", one(json!({"ratings": "x"}))),
            "`ratings`",
        ),
        (
            with("vulnerabilities", one(json!({"affects": many(10_001)}))),
            "more than 10000",
        ),
        (
            with("vulnerabilities", json!(all)),
            "more than the 100000 findings",
        ),
        (
            with("components", json!(vec![json!({"name": "x"}); 100_001])),
            "more than 100000",
        ),
        (with("bomFormat", json!("SPDX")), "neither Grype nor Trivy"),
        (with("matches", json!({})), "a list"),
    ] {
        assert!(why.contains(words), "no `{words}` in {why}");
    }
    // Components in one another, each of which names the next: work by the levels that are read.
    let mut nested = component("deep", "perl-base", "1:2-3", PERL);
    for number in 0..100 {
        nested = json!({"bom-ref": number.to_string(), "type": "library", "name": "x", "components": [nested]});
    }
    let mut deep = document();
    deep["components"] = json!([nested]);
    deep["vulnerabilities"] = json!([finding("CVE-1", &[], &["deep"])]);
    assert_eq!(split(&deep).unwrap().unknown.first[0].package, "deep");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn changed_bytes_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6),
    ) {
        let mut bytes = document().to_string().into_bytes();
        for (at, byte, is_cut) in changes {
            let at = at.index(bytes.len());
            match is_cut {
                true => drop(bytes.remove(at)),
                false => bytes[at] = byte,
            }
        }
        let _ = Vulnerabilities::of(&bytes, &report());
    }
}
