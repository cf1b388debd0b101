//! Go programs: what they say of the modules that they were built of. `fixtures/*.buildinfo` are the sections
//! `.go.buildinfo` of shfmt 3.14.1 as its authors built it, and of Debian's runc.

mod common;

use common::{Image, Layer, read_with, report};
use lapwing_image::cyclonedx::document;
use lapwing_image::inventory::Verdict;
use lapwing_image::report::{Execution, Package, Report};
use lapwing_image::vulnerabilities::Vulnerabilities;
use lapwing_image::{Limits, Wanted};
use lapwing_profile::entry::Entry;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use serde_json::{Value, json};

const SHFMT: &[u8] = include_bytes!("fixtures/shfmt.buildinfo");
const RUNC: &[u8] = include_bytes!("fixtures/runc.buildinfo");

/// A program with its section as far behind as that.
fn program(section: &[u8], before: usize) -> Vec<u8> {
    let mut all = b"\x7fELF\x02\x01\x01".to_vec();
    all.resize(before, 0);
    [&all[..], section, &[0; 4096]].concat()
}

/// A section of a version of Go and of lines of modules.
fn section(lines: &str) -> Vec<u8> {
    let mut all = [&b"\xff Go buildinf:\x08\x02"[..], &[0; 16]].concat();
    let framed = format!("{0}{lines}{0}", "f".repeat(16));
    for text in ["go1.22.1", &framed] {
        let mut length = text.len();
        while length >= 0x80 {
            all.push(length as u8 | 0x80);
            length >>= 7;
        }
        all.push(length as u8);
        all.extend_from_slice(text.as_bytes());
    }
    all
}

fn all(report: &Report) -> Vec<String> {
    let mut all: Vec<String> = (report.packages.iter())
        .map(|it: &Package| {
            let within = it.within.as_deref().unwrap_or("-");
            format!(
                "{} {} {} {} {} {within}",
                it.kind, it.name, it.version, it.files, it.bytes
            )
        })
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn a_program_says_what_it_was_built_of() {
    // Larger than what is read at once, and smaller.
    for before in [4096, 3 << 20] {
        let file = program(SHFMT, before);
        let size = file.len();
        let layer = Layer::default()
            .program("usr/bin/shfmt", &file)
            .hard_link("usr/bin/again", "usr/bin/shfmt")
            // Of another kind, cut off, and moved by a byte.
            .program("usr/bin/text", &file[4..])
            .program("usr/bin/cut", &file[..before + 100])
            .program("usr/bin/odd", program(SHFMT, before + 1));
        let report = Image::of(vec![layer]).read().unwrap();
        let within = "1 0 mvdan.cc/sh/v3";
        let expected = [
            format!("golang github.com/google/renameio/v2 v2.0.2 {within}"),
            format!("golang github.com/rogpeppe/go-internal v1.15.0 {within}"),
            format!("golang golang.org/x/sys v0.47.0 {within}"),
            format!("golang golang.org/x/term v0.45.0 {within}"),
            format!("golang mvdan.cc/editorconfig v0.3.0 {within}"),
            format!("golang mvdan.cc/sh/v3 v3.14.1 1 {size} -"),
            format!("golang stdlib go1.27.1 {within}"),
        ];
        assert_eq!(all(&report), expected);
        assert_eq!(report.packages_not_read, [""; 0]);
    }
}

#[test]
fn one_of_the_system_owns_its_file_and_what_is_linked_may_be_unsaid() {
    let status = "Package: runc\nStatus: install ok installed\nVersion: 1.1\n";
    let old = [&b"\xff Go buildinf:\x08\0"[..], &[7; 16]].concat();
    let layer = Layer::default()
        .program("usr/sbin/runc", program(RUNC, 64))
        .program("usr/bin/old", program(&old, 64))
        .file("var/lib/dpkg/status", status)
        .file("var/lib/dpkg/info/runc.list", "/usr/sbin/runc\n");
    let report = Image::of(vec![layer]).read().unwrap();
    let size = 64 + RUNC.len() + 4096;
    let name = "github.com/opencontainers/runc";
    let expected = [
        format!("deb runc 1.1 1 {size} -"),
        format!("golang {name}  1 {size} runc"),
        format!("golang stdlib go1.19.8 1 0 {name}"),
    ];
    assert_eq!(all(&report), expected);
    let not_read = report.packages_not_read.join("\n");
    for part in [
        "1 Go program of before Go 1.18, whose build information is not read: /usr/bin/old",
        "1 Go program without a word of modules, so that what is linked in is not known: /usr/sbin/runc",
    ] {
        assert!(not_read.contains(part), "no `{part}` in {not_read}");
    }
}

fn two() -> Layer {
    let one =
        "path\ta.b/one\nmod\ta.b/one\t(devel)\t\ndep\tx/shared\tv1.0.0\th1:=\ndep\tx/One\tv1.0.0\n";
    let two = "path\ta.b/two\nmod\ta.b/two\tv2.0.0\t\ndep\tx/shared\tv1.0.0\th1:=\ndep\tx/old\tv0.1.0\n\
        =>\tx/fork\tv0.2.0\t\nbuild\t-ldflags=-X main.token=hunter2\n";
    Layer::default()
        .program("usr/bin/one", program(&section(one), 64))
        .program("usr/bin/two", program(&section(two), 64))
}

#[test]
fn what_is_linked_is_used_where_one_of_its_programs_is() {
    let report = report(two(), &json!({}), &[("/usr/bin/one", false)]);
    let verdict = |name: &str| {
        let one = report.packages.iter().find(|it| it.name == name);
        one.unwrap_or_else(|| panic!("no {name}")).in_use.unwrap()
    };
    for used in ["a.b/one", "x/shared", "x/One", "stdlib"] {
        assert_eq!(verdict(used), Verdict::Used, "{used}");
    }
    for idle in ["a.b/two", "x/fork"] {
        assert_eq!(verdict(idle), Verdict::NotSeen, "{idle}");
    }
    // Bytes are those of files, each once.
    let bytes = |name: &str| {
        let one = report.packages.iter().find(|it| it.name == name).unwrap();
        one.by_use.unwrap().not_seen
    };
    let not_seen = report.used.as_ref().unwrap().not_seen;
    assert_eq!(bytes("a.b/two"), not_seen);
    assert_eq!((bytes("x/fork").count, bytes("x/fork").bytes), (1, 0));
    assert!(!format!("{report:?}").contains("hunter2"));
    let cdx = document(&report, "0");
    let urls: Vec<&str> = (cdx["components"].as_array().unwrap().iter())
        .filter_map(|it| it["purl"].as_str())
        .collect();
    for url in [
        "pkg:golang/a.b/one",
        "pkg:golang/a.b/two@v2.0.0",
        "pkg:golang/x/one@v1.0.0",
        "pkg:golang/stdlib@1.22.1",
    ] {
        assert!(urls.contains(&url), "no {url} in {urls:?}");
    }
}

#[test]
fn a_program_that_another_has_linked_in_is_counted() {
    let linking = "path\ta.b/all\nmod\ta.b/all\tv1.0.0\t\ndep\ta.b/one\tv1.0.0\n";
    let one = "path\ta.b/one/cmd\nmod\ta.b/one\tv1.0.0\t\n";
    let layer = Layer::default()
        .program("usr/bin/all", program(&section(linking), 64))
        .program("usr/bin/one", program(&section(one), 64));
    let report = report(layer, &json!({}), &[("/usr/bin/all", false)]);
    let found = report.packages.iter().find(|it| it.name == "a.b/one");
    let found = found.unwrap();
    let size = program(&section(one), 64).len() as u64;
    assert_eq!(
        (found.within.as_deref(), found.files, found.bytes),
        (None, 2, size)
    );
    // It is in use with the one that it is linked into.
    assert_eq!(found.in_use, Some(Verdict::Used));
}

#[test]
fn a_module_is_used_where_the_program_that_the_system_owns_is() {
    let one = "path\ta.b/one\nmod\ta.b/one\tv1.0.0\t\n";
    let status = "Package: one\nStatus: install ok installed\nVersion: 1\n";
    let layer = Layer::default()
        .program("usr/bin/one", program(&section(one), 64))
        .program("usr/sbin/one", program(&section(one), 64))
        .file("var/lib/dpkg/status", status)
        .file("var/lib/dpkg/info/one.list", "/usr/sbin/one\n");
    let report = report(layer, &json!({}), &[("/usr/sbin/one", false)]);
    let size = program(&section(one), 64).len();
    let expected = format!("golang a.b/one v1.0.0 2 {size} -");
    assert!(all(&report).contains(&expected), "{:?}", all(&report));
    let found = report.packages.iter().find(|it| it.name == "a.b/one");
    assert_eq!(found.unwrap().in_use, Some(Verdict::Used));
}

#[test]
fn findings_in_modules_go_by_the_programs_that_hold_them() {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    let entry = Entry::parse("exec: {path: /usr/bin/one}").unwrap();
    let at = 1_790_000_000_000_000_000;
    profile.observe(&Sighting { entry, at });
    let image = Image::of(vec![two()]);
    let (wanted, limits) = (Wanted::default(), Limits::default());
    let report = read_with(image.path(), wanted, limits, Some(&profile)).unwrap();
    let executions = |name: &str| {
        let one = report.packages.iter().find(|it| it.name == name);
        one.and_then(|it| it.execution)
    };
    assert_eq!(executions("x/fork"), Some(Execution::NotSeenToRun));
    assert_eq!(executions("x/shared"), Some(Execution::Ran));
    // What is in a program is no program more.
    assert_eq!(report.ran.as_ref().unwrap().packages_ran.count, 1);

    let finding = |id: &str, name: &str, version: &str| {
        json!({"vulnerability": {"id": id, "severity": "High"}, "artifact": {
            "name": name, "version": version, "type": "go-module", "purl": format!("pkg:golang/{name}@{version}"),
        }})
    };
    let given = json!({"matches": [
        finding("CVE-1", "x/shared", "v1.0.0"),
        finding("CVE-2", "x/fork", "v0.2.0"),
        finding("CVE-3", "stdlib", "1.22.1"),
        finding("CVE-4", "x/old", "v0.1.0"),
        finding("CVE-5", "x/shared", "v1.0.1"),
    ]});
    let split = Vulnerabilities::of(given.to_string().as_bytes(), &report).unwrap();
    let ids = |of: &lapwing_image::report::First<lapwing_image::vulnerabilities::Finding>| {
        of.first.iter().map(|it| it.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&split.ran), ["CVE-1", "CVE-3"]);
    assert_eq!(ids(&split.not_seen), ["CVE-2"]);
    assert_eq!(ids(&split.unknown), ["CVE-4", "CVE-5"]);
    let none: Value = json!({"matches": []});
    assert!(Vulnerabilities::of(none.to_string().as_bytes(), &report).is_ok());
}

#[test]
fn hostile_programs_make_bounded_work() {
    let many: String = (0..40_000).map(|n| format!("dep\tm/{n}\tv1\n")).collect();
    let odd = "path\t\u{1b}[2J\u{202e}\nmod\tx\u{1b}y\tv1\ndep\t\t\n=>\n=>\t\t\n\n\tz\ndep\n";
    let layer = Layer::default()
        .program("bin/many", program(&section(&many), 64))
        .program("bin/more", program(&section(&many.replace("m/", "n/")), 64))
        .program("bin/odd", program(&section(odd), 64))
        .program(
            "bin/magic",
            program(&b"\xff Go buildinf:\x08\x02".repeat(50_000), 64),
        );
    let report = Image::of(vec![layer]).read().unwrap();
    assert!(report.packages.len() <= 50_000);
    assert!(
        report
            .packages_not_read
            .join("\n")
            .contains("more than 50000 packages")
    );
    let layer = Layer::default().program("bin/odd", program(&section(odd), 64));
    let report = Image::of(vec![layer]).read().unwrap();
    assert_eq!(
        all(&report)
            .iter()
            .map(|it| it.split(' ').nth(1).unwrap())
            .collect::<Vec<_>>(),
        ["stdlib", "x\\x1by"]
    );
}
