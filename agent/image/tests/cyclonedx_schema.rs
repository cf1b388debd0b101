//! What is said of an image as CycloneDX, held against the published schema, which `cargo xtask setup`
//! fetches. Without it the test says so as a skipped one.

mod common;

use common::{Image, Layer, read_used};
use jsonschema::{Registry, Validator};
use lapwing_image::cyclonedx::{VERSION, document};
use lapwing_image::inventory::Verdict;
use lapwing_image::report::{Execution, Report};
use lapwing_image::{Limits, Wanted};
use lapwing_profile::entry::Entry;
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const NAME: &str = "a_document_of_cyclonedx_is_one_by_the_published_schema";
/// The schema, and what it refers to.
const SCHEMA: &str = "bom-1.6.SNAPSHOT.schema.json";
const OTHERS: &[&str] = &[
    "spdx.SNAPSHOT.schema.json",
    "jsf-0.82.SNAPSHOT.schema.json",
    "cryptography-defs.SNAPSHOT.schema.json",
];

fn main() -> ExitCode {
    let folder = std::env::var_os("LAPWING_CYCLONEDX").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/cyclonedx-{VERSION}")),
        PathBuf::from,
    );
    // Lists of tests are asked for by other runners.
    if std::env::args().any(|arg| arg == "--list") {
        println!("{NAME}: test");
        return ExitCode::SUCCESS;
    }
    println!("\nrunning 1 test");
    let (passed, ignored) = match folder.join(SCHEMA).is_file() {
        true => {
            check(&folder);
            println!("test {NAME} ... ok");
            (1, 0)
        }
        false => {
            println!(
                "test {NAME} ... ignored, no {}: run cargo xtask setup",
                folder.display()
            );
            (0, 1)
        }
    };
    println!(
        "\ntest result: ok. {passed} passed; 0 failed; {ignored} ignored; 0 measured; 0 filtered out\n"
    );
    ExitCode::SUCCESS
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn complaints(schema: &Validator, document: &Value) -> Vec<String> {
    let all = schema.iter_errors(document);
    all.map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// The value of a property.
fn property<'d>(of: &'d Value, name: &str) -> &'d str {
    let all = of["properties"].as_array().unwrap();
    let one = all
        .iter()
        .find(|one| one["name"] == format!("lapwing:{name}"));
    one.unwrap_or_else(|| panic!("no {name} in {of}"))["value"]
        .as_str()
        .unwrap()
}

fn check(folder: &Path) {
    let mut registry = Registry::new();
    for name in OTHERS {
        let uri = format!("http://cyclonedx.org/schema/{name}");
        registry = registry.add(uri, read(&folder.join(name))).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let schema = jsonschema::options()
        .with_registry(&registry)
        .should_validate_formats(true)
        .build(&read(&folder.join(SCHEMA)))
        .unwrap();

    let document = made();
    assert_eq!(
        complaints(&schema, &document),
        Vec::<String>::new(),
        "{document:#}"
    );
    // It would complain.
    for (place, value) in [
        ("/serialNumber", json!("urn:uuid:1")),
        ("/components/0/name", json!(1)),
        ("/components/0/use", json!("used")),
        ("/metadata/component/type", json!("image")),
    ] {
        let mut other = document.clone();
        let (above, name) = place.rsplit_once('/').unwrap();
        other.pointer_mut(above).unwrap()[name] = value;
        assert!(!complaints(&schema, &other).is_empty(), "{place}");
    }
    says_what_is_known(&document);
    says_what_ran(&schema);
    assert_eq!(document, made(), "the same twice");
}

fn made() -> Value {
    document(&report(None), "0.0.0")
}

fn report(profile: Option<&Profile>) -> Report {
    let paragraph = |name: &str, version: &str| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
        )
    };
    let long = format!("1.{}", "0".repeat(300));
    let status: String = [
        paragraph("web", "1:2.0+deb12~1"),
        paragraph("libx11-6", "1"),
        paragraph("none", "3"),
        paragraph("job", "4"),
        paragraph("long", &long),
        paragraph("a/b", "1"),
        "Package: free\nStatus: install ok installed\n\n".to_owned(),
        paragraph("<b>\" \u{202e}\u{1b}", "\" 1"),
    ]
    .concat();
    let image = Image::of(vec![
        Layer::default()
            .file(
                "etc/os-release",
                "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n",
            )
            .file("var/lib/dpkg/status", status)
            .file("var/lib/dpkg/info/web.list", "/usr/sbin/web\n")
            .file("var/lib/dpkg/info/libx11-6.list", "/usr/lib/libx.so\n")
            .file("var/lib/dpkg/info/job.list", "/usr/bin/job\n")
            .program("usr/sbin/web", b"\x7fELF web")
            .program("usr/bin/job", b"\x7fELF job")
            .file("usr/lib/libx.so", "x")
            .file(
                "lib/a.dist-info/METADATA",
                "Name: Flask_Login\nVersion: 1\n\n",
            )
            .file(
                "srv/node_modules/@a/b/package.json",
                r#"{"name":"@a/b","version":"1.0.0"}"#,
            ),
        named(),
    ]);
    let mut known = Inventory::default();
    known.begin("c1", true);
    for path in ["/usr/sbin/web", "/etc/os-release"] {
        known.see(Sight {
            path: path.as_bytes(),
            how: uses::EXEC,
            changed: false,
            at: 1_790_000_000,
            image: 0,
        });
    }
    let mut export = Export::of("web", &known);
    export.incomplete.push("12 uses were shed".to_owned());
    read_used(
        image.path(),
        Wanted::default(),
        Limits::default(),
        profile,
        Some(&export),
    )
    .unwrap()
}

/// Names of Node that are none.
const NAMELESS: &[&str] = &[
    "/x", "a/b", "@a/b/c", "@/x", "@a/", "@a", "x@1", "@@a/b", "a b", "%40a",
];

/// Packages of Node with such names, and with a usual one.
fn named() -> Layer {
    let names = NAMELESS.iter().chain(&["usual.js"]);
    (0..)
        .zip(names)
        .fold(Layer::default(), |layer, (number, name)| {
            let described = json!({"name": name, "version": "1"}).to_string();
            let path = format!("srv/node_modules/{number}/package.json");
            layer.file(&path, described)
        })
}

/// What ran is used, though the inventory lacks it.
fn says_what_ran(schema: &Validator) {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    for line in ["exec: {path: /usr/bin/job}", "exec: {path: /usr/sbin/web}"] {
        let entry = Entry::parse(line).unwrap();
        profile.observe(&Sighting { entry, at: 1 });
    }
    let mut report = report(Some(&profile));
    let job = report
        .packages
        .iter()
        .position(|it| it.name == "job")
        .unwrap();
    let used = report.used.as_ref().unwrap();
    assert!(used.says && report.ran.as_ref().unwrap().says);
    // The program of job, beside what the inventory has.
    assert_eq!(used.used.count, 3);
    let (in_use, execution) = (report.packages[job].in_use, report.packages[job].execution);
    assert_eq!(
        (in_use, execution),
        (Some(Verdict::Used), Some(Execution::Ran))
    );
    for in_use in [Verdict::Used, Verdict::NotSeen, Verdict::Unknown] {
        report.packages[job].in_use = Some(in_use);
        let made = document(&report, "0.0.0");
        assert_eq!(complaints(schema, &made), Vec::<String>::new());
        let all = made["components"].as_array().unwrap();
        let one = |name: &str| all.iter().find(|one| one["name"] == name).unwrap();
        assert_eq!(property(one("job"), "use"), "used", "{in_use:?}");
        assert_eq!(property(one("web"), "use"), "used");
        assert_eq!(property(one("libx11-6"), "use"), "not-seen");
        assert_eq!(
            property(&made["metadata"], "use:source"),
            "inventory+profile"
        );
    }
}

fn says_what_is_known(document: &Value) {
    let all = document["components"].as_array().unwrap();
    let one = |name: &str| {
        let one = all.iter().find(|one| one["name"] == name);
        one.unwrap_or_else(|| panic!("no {name} in {document:#}"))
    };
    assert_eq!(property(one("web"), "use"), "used");
    assert_eq!(
        one("web")["purl"],
        "pkg:deb/debian/web@1:2.0%2Bdeb12~1?arch=amd64&distro=debian-12"
    );
    assert_eq!(one("free")["purl"], "pkg:deb/debian/free?distro=debian-12");
    assert_eq!(one("usual.js")["purl"], "pkg:npm/usual.js@1");
    for name in NAMELESS.iter().chain(&["long"]) {
        assert!(one(name).get("purl").is_none(), "{}", one(name));
    }
    let slash = all.iter().filter(|it| it["name"] == "a/b");
    assert_eq!(slash.filter(|it| it.get("purl").is_none()).count(), 2);
    assert_eq!(property(one("libx11-6"), "use"), "not-seen");
    assert_eq!(property(one("none"), "use"), "unknown");
    assert_eq!(property(one("job"), "use"), "not-seen");
    assert_eq!(one("Flask_Login")["purl"], "pkg:pypi/flask-login@1");
    assert_eq!(one("@a/b")["purl"], "pkg:npm/%40a/b@1.0.0");
    let odd = one("<b>\" \\xe2\\x80\\xae\\x1b");
    assert!(odd.get("purl").is_none(), "{odd}");
    let basis = &document["metadata"];
    assert_eq!(property(basis, "use:source"), "inventory");
    assert_eq!(property(basis, "inventory:coverage"), "unknown");
    assert_eq!(property(basis, "inventory:instances"), "1");
    assert!(!property(basis, "inventory:caution").is_empty());
}
