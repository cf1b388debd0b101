//! SPDX 3.0 as an SBOM. `fixtures/spdx-python-model.spdx3.json` was written by spdx-python-model 0.0.6, the bindings of
//! SPDX itself for 3.0.1; `fixtures/lib4sbom.spdx3.json` by lib4sbom 0.10.4, whose files have no `name`.

mod common;

use common::{Image, Layer, read_given};
use lapwing_image::inventory::Verdict;
use lapwing_image::report::{Package, Report};
use lapwing_image::sbom::Sbom;
use lapwing_image::{Limits, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use serde_json::{Value, json};

const WHOLE: &str = include_str!("fixtures/spdx-python-model.spdx3.json");
const LIB4SBOM: &str = include_str!("fixtures/lib4sbom.spdx3.json");
const CONTEXT: &str = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";

fn image() -> Image {
    Image::of(vec![
        Layer::default()
            .program("usr/bin/bash", b"\x7fELF bash")
            .file("usr/share/zoneinfo/UTC", "UTC")
            .file("var/lib/rpm/Packages", ""),
    ])
}

fn read(image: &Image, text: &str) -> Report {
    let mut known = Inventory::default();
    known.begin("c1", true);
    known.see(Sight {
        path: b"/usr/bin/bash",
        how: uses::EXEC,
        changed: false,
        at: 1_790_000_000,
        image: 0,
    });
    let export = Export::of("web", &known);
    let sbom = Sbom::read(text.as_bytes()).unwrap();
    let bounds = (Wanted::default(), Limits::default());
    read_given(image.path(), bounds, None, Some(&export), Some(&sbom)).unwrap()
}

fn one<'r>(report: &'r Report, name: &str) -> &'r Package {
    let mut found = report.packages.iter().filter(|it| it.name == name);
    let one = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(found.next().is_none(), "{name} twice");
    one
}

fn document(graph: &[Value]) -> String {
    json!({"@context": CONTEXT, "@graph": graph}).to_string()
}

fn package(id: &str) -> Value {
    json!({"type": "software_Package", "spdxId": id, "name": id, "software_packageVersion": "1",
        "software_packageUrl": format!("pkg:rpm/x/{id}@1")})
}

fn file(id: &str, path: &str) -> Value {
    json!({"type": "software_File", "spdxId": id, "name": path})
}

fn contains(from: &str, to: &[&str]) -> Value {
    json!({"type": "Relationship", "relationshipType": "contains", "from": from, "to": to})
}

fn error(text: &str) -> String {
    Sbom::read(text.as_bytes()).unwrap_err()
}

#[test]
fn packages_have_the_files_that_they_contain() {
    let image = image();
    let report = read(&image, WHOLE);
    let told = report.sbom.as_ref().unwrap();
    assert_eq!(told.form, "SPDX 3.0.1");
    assert_eq!((told.packages, told.damaged, told.missing_files), (2, 0, 0));
    let (bash, zones) = (one(&report, "bash"), one(&report, "tzdata"));
    for (it, version, bytes, in_use) in [
        (bash, "5.1.8-9.el9", 9, Verdict::Used),
        (zones, "2024a-1.el9", 3, Verdict::NotSeen),
    ] {
        assert_eq!((it.kind, &*it.version, it.files), ("rpm", version, 1));
        assert_eq!((it.bytes, it.in_use), (bytes, Some(in_use)));
        assert!(it.by_sbom && it.purl.is_some());
    }
    assert_eq!(bash.architecture.as_deref(), Some("x86_64"));
    // The digest of its image is made up.
    assert_eq!(told.same_image, Some(false));
    let own = image.read().unwrap().digest.unwrap();
    let text = WHOLE.replace(&"0".repeat(64), &own[7..]);
    assert_eq!(read(&image, &text).sbom.unwrap().same_image, Some(true));
    // One that no document is of says nothing.
    let text = text.replace("\"rootElement\"", "\"root\"");
    assert_eq!(read(&image, &text).sbom.unwrap().same_image, None);
}

#[test]
fn files_without_a_name_are_damaged_and_their_packages_are_named_all_the_same() {
    let report = read(&image(), LIB4SBOM);
    let told = report.sbom.as_ref().unwrap();
    assert_eq!((told.packages, told.damaged, told.without_files), (2, 1, 2));
    assert_eq!(one(&report, "bash").in_use, Some(Verdict::Unknown));
}

#[test]
fn packages_within_one_another_in_a_circle_have_their_own_files() {
    let text = document(&[
        contains("a", &["b", "a", "f"]),
        contains("b", &["a", "c"]),
        contains("c", &["b", "nowhere", "g", "g"]),
        contains("f", &["f", "a"]),
        package("a"),
        package("b"),
        package("c"),
        file("f", "usr/bin/bash"),
        file("g", "/usr/share/zoneinfo/../zoneinfo/UTC"),
    ]);
    let report = read(&image(), &text);
    let files = ["a", "b", "c"].map(|name| one(&report, name).files);
    assert_eq!(files, [1, 0, 1]);
    assert_eq!(report.sbom.unwrap().damaged, 0);
}

#[test]
fn what_is_not_understood_is_an_error_or_counts_as_damaged() {
    let of =
        |context: &str, graph: Value| json!({"@context": context, "@graph": graph}).to_string();
    let packages = json!([package("a")]);
    for (text, why) in [
        (
            of(CONTEXT, json!([])),
            "it is SPDX 3.0.1 whose `@graph` has no `software_Package`",
        ),
        (
            of(CONTEXT, json!([file("f", "x")])),
            "no `software_Package`",
        ),
        (of(CONTEXT, json!({"x": 1})), "`@graph`"),
        (of(CONTEXT, json!(7)), "`@graph`"),
        (
            json!({"@context": CONTEXT}).to_string(),
            "it is SPDX 3.0.1 without a `@graph`",
        ),
        (
            json!({"@context": CONTEXT, "type": "software_Package", "name": "x"}).to_string(),
            "without",
        ),
        (
            of(
                "https://spdx.org/rdf/3.1/spdx-context.jsonld",
                packages.clone(),
            ),
            "it is SPDX 3.1: taken",
        ),
        (
            of("https://spdx.org/rdf/3.01/x", packages.clone()),
            "it is SPDX 3.01: taken",
        ),
        (
            of("https://spdx.org/rdf/terms", packages.clone()),
            "none of SPDX",
        ),
        (
            of("https://example.org/", packages),
            "`@context` is none of SPDX: taken are",
        ),
        (
            json!({"@context": [CONTEXT], "@graph": []}).to_string(),
            "none of SPDX",
        ),
    ] {
        let error = error(&text);
        assert!(error.contains(why), "no `{why}` in {error}");
    }
    let long = format!("https://spdx.org/rdf/{}/x", "9".repeat(1 << 20));
    assert!(error(&of(&long, json!([]))).len() < 1000);
    let text = document(&[
        package("a"),
        json!(7),
        json!({"type": ["software_Package"], "name": "passed over"}),
        json!({"type": "software_Package"}),
        json!({"type": "software_File", "name": "/usr/bin/bash"}),
        json!({"type": "Relationship", "relationshipType": "contains", "from": "a"}),
        json!({"type": "Relationship", "relationshipType": "contains", "from": "a", "to": "f"}),
        json!({"type": "Relationship", "relationshipType": "contains", "from": package("b"), "to": ["f"]}),
        json!({"type": "Relationship", "relationshipType": "contains", "from": "a",
            "to": [file("f", "/usr/bin/bash"), "g"]}),
        json!({"type": "SpdxDocument", "rootElement": 7}),
        file("g", "usr/bin/bash"),
    ]);
    let report = read(&image(), &text);
    let told = report.sbom.as_ref().unwrap();
    assert_eq!((told.packages, told.damaged), (1, 8));
    assert_eq!(one(&report, "a").files, 1);
}

#[test]
fn a_huge_graph_ends_at_a_limit() {
    let element = |count: usize, one: &str| {
        format!(
            "{{\"@context\": \"{CONTEXT}\", \"@graph\": [{}1]}}",
            format!("{one},").repeat(count)
        )
    };
    assert!(error(&element(1_000_000, "1")).contains("a list of more than 1000000"));
    let packages = element(100_001, r#"{"type": "software_Package", "name": "x"}"#);
    assert!(error(&packages).contains("more than 100000 packages"));
    let to = ["\"f\""; 1000].join(",");
    let edge = format!(
        r#"{{"type": "Relationship", "relationshipType": "contains", "from": "a", "to": [{to}]}}"#
    );
    let edges = element(1001, &edge);
    assert!(error(&edges).contains("contain more than 1000000 elements"));
    // A long path by many names, which is no copy but where it is escaped.
    let path = format!("{}\n", "n".repeat(4000));
    let ids = vec!["f"; 40_000];
    let text = document(&[package("a"), file("f", &path), contains("a", &ids)]);
    assert!(error(&text).contains("more than 128 MiB"));
    let text = document(&[
        package("a"),
        file("f", &"n".repeat(5000)),
        contains("a", &["f"]),
    ]);
    assert_eq!(read(&image(), &text).sbom.unwrap().missing_files, 1);
}
