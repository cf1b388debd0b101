//! What an SBOM says of packages, held against the image: which files say something of their use, and which packages
//! are the same.

mod common;

use common::{Image, Layer, read_given};
use lapwing_image::inventory::Verdict;
use lapwing_image::report::{Package, Report};
use lapwing_image::sbom::Sbom;
use lapwing_image::vulnerabilities::Vulnerabilities;
use lapwing_image::{Limits, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use serde_json::{Value, json};

/// By an inventory that saw one program used.
fn read(layer: Layer, sbom: &Value) -> Report {
    let mut known = Inventory::default();
    known.begin("c1", true);
    known.see(Sight {
        path: b"/usr/bin/run",
        how: uses::EXEC,
        changed: false,
        at: 1_790_000_000,
        image: 0,
    });
    let export = Export::of("web", &known);
    let text = sbom.to_string();
    let sbom = Sbom::read(text.as_bytes()).unwrap();
    let bounds = (Wanted::default(), Limits::default());
    let image = Image::of(vec![layer.program("usr/bin/run", b"\x7fELF run")]);
    read_given(image.path(), bounds, None, Some(&export), Some(&sbom)).unwrap()
}

fn one<'r>(report: &'r Report, name: &str) -> &'r Package {
    let found = report.packages.iter().find(|it| it.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {:?}", report.packages))
}

/// Places where a scanner finds one package, and which hold none of it.
const MANIFESTS: &[&str] = &[
    "usr/lib/R/library/boot/DESCRIPTION",
    "usr/lib/luarocks/rocks-5.1/lpeg/1.0/lpeg-1.0.rockspec",
    "home/opam/fmt.opam",
    "home/opam/opam",
    "var/db/pkg/app-misc/tree/CONTENTS",
    "srv/Package.resolved",
    "usr/lib/node_modules/left/package.json",
    "usr/lib/python3/x.dist-info/METADATA",
    "opt/conda/conda-meta/zlib-1.3.json",
    "usr/local/bundle/specifications/rake.gemspec",
    "usr/lib/jvm/release",
    "usr/lib/swipl/pack/x/pack.pl",
    "srv/setup.py",
    "srv/Cellar/jq/1.7/.brew/jq.rb",
];
/// And places of which it is known whether somebody reads them.
const CODE: &[&str] = &[
    "srv/app.jar",
    "srv/Newtonsoft.Json.DLL",
    "srv/one.py",
    "srv/main.js",
    "srv/wp-content/plugins/x/x.php",
];

fn layer(paths: &[&str]) -> Layer {
    paths
        .iter()
        .fold(Layer::default(), |layer, path| layer.file(path, "1"))
}

#[test]
fn a_place_that_holds_no_code_says_nothing_of_use() {
    let all = [MANIFESTS, CODE].concat();
    let artifacts: Vec<Value> = (all.iter())
        .map(|path| {
            json!({"name": path, "version": "1", "type": "novel",
                "locations": [{"path": format!("/{path}")}]})
        })
        .collect();
    let components: Vec<Value> = (all.iter())
        .map(|path| {
            json!({"type": "library", "name": path, "version": "1", "evidence": {
                "occurrences": [{"location": format!("/{path}")}]}})
        })
        .collect();
    let numbered = || (0..).zip(&all);
    let files: Vec<Value> = numbered()
        .map(|(number, path)| json!({"SPDXID": format!("f{number}"), "fileName": path}))
        .collect();
    let packages: Vec<Value> = numbered()
        .map(|(number, path)| {
            json!({"SPDXID": format!("p{number}"), "name": path, "versionInfo": "1",
                "hasFiles": [format!("f{number}")]})
        })
        .collect();
    for sbom in [
        json!({"artifacts": artifacts}),
        json!({"bomFormat": "CycloneDX", "components": components}),
        json!({"spdxVersion": "SPDX-2.3", "files": files, "packages": packages}),
    ] {
        let report = read(layer(&all), &sbom);
        for path in MANIFESTS {
            let one = one(&report, path);
            assert_eq!(
                (one.files, one.in_use),
                (0, Some(Verdict::Unknown)),
                "{path}"
            );
        }
        for path in CODE {
            let one = one(&report, path);
            assert_eq!(
                (one.files, one.in_use),
                (1, Some(Verdict::NotSeen)),
                "{path}"
            );
        }
        let told = report.sbom.unwrap();
        assert_eq!(told.without_files as usize, MANIFESTS.len());
    }
}

#[test]
fn what_a_package_contains_is_whole_where_code_is_in_it_or_a_system_says_so() {
    let paths = [
        "opt/conda/conda-meta/x.json",
        "opt/conda/x.py",
        "usr/share/zone",
    ];
    let file = |number: usize| json!({"SPDXID": number.to_string(), "fileName": paths[number]});
    let sbom = json!({"spdxVersion": "SPDX-2.3", "files": [file(0), file(1), file(2)], "packages": [
        {"name": "x", "versionInfo": "1", "hasFiles": ["0", "1"]},
        {"name": "zone", "hasFiles": ["2"], "externalRefs": [
            {"referenceType": "purl", "referenceLocator": "pkg:rpm/fedora/zone@1"}]},
    ]});
    let report = read(layer(&paths), &sbom);
    assert_eq!(
        (one(&report, "x").files, one(&report, "zone").files),
        (2, 1)
    );
}

#[test]
fn a_place_that_one_component_names_twice_is_its_own() {
    let twice = json!([{"path": "/srv/one.py"}, {"path": "/srv/one.py"}, {"path": "/srv/two.py"}]);
    let sbom = json!({"artifacts": [
        {"name": "x", "version": "1", "type": "novel", "locations": twice},
        {"name": "y", "version": "1", "type": "novel", "locations": [{"path": "/srv/two.py"}]},
    ]});
    let report = read(layer(&["srv/one.py", "srv/two.py"]), &sbom);
    assert_eq!((one(&report, "x").files, one(&report, "y").files), (1, 0));
}

#[test]
fn a_module_of_go_that_syft_parts_is_one() {
    let sbom = |name: &str, purl: &str| {
        json!({"artifacts": [
        {"name": name, "version": "v3.3.0", "type": "go-module", "purl": purl}]})
    };
    for (name, purl, expected) in [
        (
            "github.com/Masterminds/semver/v3",
            "pkg:golang/github.com/Masterminds/semver@v3.3.0#v3",
            "github.com/Masterminds/semver/v3",
        ),
        ("go.x.io/a", "pkg:golang/go.x.io/a@v3.3.0#b", "go.x.io/a"),
        ("x", "pkg:golang/go.x.io/a@v3.3.0", "go.x.io/a"),
    ] {
        let report = read(Layer::default(), &sbom(name, purl));
        one(&report, expected);
        assert_eq!(report.packages.len(), 1);
    }
}

#[test]
fn what_spdx_calls_evident_is_a_place() {
    let other = |comment: &str| {
        json!({"spdxElementId": "p", "relatedSpdxElement": "f",
        "relationshipType": "OTHER", "comment": comment})
    };
    let sbom = |comment: &str| {
        json!({"spdxVersion": "SPDX-2.3",
        "files": [{"SPDXID": "f", "fileName": "usr/bin/run"}],
        "packages": [{"SPDXID": "p", "name": "x", "versionInfo": "1"}],
        "relationships": [other(comment)]})
    };
    let found = "evident-by: indicates the package's existence is evident by the given file";
    for (comment, files, in_use) in [
        (found, 1, Verdict::Used),
        ("ownership-by-file-overlap: x", 0, Verdict::Unknown),
    ] {
        let report = read(Layer::default(), &sbom(comment));
        let one = one(&report, "x");
        assert_eq!((one.files, one.in_use), (files, Some(in_use)), "{comment}");
    }
}

/// As Syft tells what was found by a note in an ELF file.
fn noted(kind: &str, name: &str, version: &str, path: &str) -> Value {
    json!({"name": name, "version": version, "type": kind, "purl": format!("pkg:{kind}/{name}@{version}"),
        "locations": [{"path": path}], "foundBy": "elf-binary-package-cataloger",
        "metadata": {"type": kind, "architecture": "amd64"}})
}

#[test]
fn a_note_in_a_program_names_the_package_that_has_it() {
    let rpm = json!({"name": "hello", "version": "1:2-3", "type": "rpm",
        "purl": "pkg:rpm/fedora/hello@2-3?arch=x86_64&epoch=1",
        "metadata": {"files": [{"path": "/usr/bin/hello"}]}});
    let bare = json!({"name": "bare", "version": "1:2-3", "type": "rpm",
        "purl": "pkg:rpm/fedora/bare@2-3?arch=x86_64&epoch=1"});
    let database =
        "Package: libx1\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n";
    let layer = Layer::default()
        .file("var/lib/dpkg/status", database)
        .file("var/lib/dpkg/info/libx1.list", "/usr/lib/libx.so.1\n")
        .file("usr/lib/libx.so.1", b"\x7fELF x")
        .program("usr/bin/hello", b"\x7fELF hello")
        .program("usr/bin/bare", b"\x7fELF bare")
        .program("usr/bin/stray", b"\x7fELF stray");
    let sbom = json!({"artifacts": [
        noted("deb", "x", "1", "/usr/lib/libx.so.1"),
        // Before what the database lists.
        noted("rpm", "hello-source", "2-3", "/usr/bin/hello"),
        noted("rpm", "bare", "2-3", "/usr/bin/bare"),
        noted("rpm", "stray", "1", "/usr/bin/stray"),
        noted("rpm", "run", "1", "/usr/bin/run"),
        rpm, bare]});
    let report = read(layer, &sbom);
    let mut all: Vec<_> = (report.packages.iter())
        .map(|it| (&*it.name, it.files, it.in_use.unwrap()))
        .collect();
    all.sort_unstable_by_key(|one| one.0);
    // Of what is known by a note alone, other files may be in use.
    let expected = [
        ("bare", 1, Verdict::Unknown),
        ("hello", 1, Verdict::NotSeen),
        ("libx1", 1, Verdict::NotSeen),
        ("run", 1, Verdict::Used),
        ("stray", 1, Verdict::Unknown),
    ];
    assert_eq!(all, expected);
    assert_eq!(report.sbom.unwrap().merged, 3);
}

#[test]
fn builds_for_several_architectures_are_several_packages() {
    let rpm = |name: &str, of: &str, path: &str| {
        json!({"name": name, "version": "2", "type": "rpm", "purl": format!("pkg:rpm/fedora/{name}@2{of}"),
            "metadata": {"files": [{"path": path}]}})
    };
    let sbom = json!({"artifacts": [
        rpm("glibc", "?arch=i686", "/lib/libc.so.6"),
        rpm("glibc", "?arch=x86_64", "/lib64/libc.so.6"),
        rpm("glibc", "?arch=x86_64", "/lib64/libm.so.6"),
        rpm("glibc", "", "/lib/libm.so.6"),
        rpm("data", "?arch=noarch", "/usr/share/data"),
        rpm("data", "?arch=x86_64", "/usr/share/more"),
    ]});
    let files = [
        "lib/libc.so.6",
        "lib/libm.so.6",
        "lib64/libc.so.6",
        "lib64/libm.so.6",
    ];
    let layer = layer(&files)
        .file("usr/share/data", "1")
        .file("usr/share/more", "1");
    let report = read(layer, &sbom);
    let mut all: Vec<(&str, Option<&str>, u64)> = (report.packages.iter())
        .map(|it| (&*it.name, it.architecture.as_deref(), it.files))
        .collect();
    all.sort_unstable();
    // One that does not say is the first of its name and version.
    let expected = [
        ("data", Some("noarch"), 2),
        ("glibc", Some("i686"), 2),
        ("glibc", Some("x86_64"), 2),
    ];
    assert_eq!(all, expected);
    assert_eq!(report.sbom.unwrap().merged, 3);
}

#[test]
fn many_versions_of_one_name_make_little_work() {
    // Each against each would be 3.6 billion comparisons.
    let once: Vec<Value> = (0..30_000)
        .map(|number| json!({"name": "x", "version": number.to_string(), "type": "npm"}))
        .collect();
    let twice = [once.clone(), once].concat();
    let sbom = json!({"artifacts": twice});
    let report = read(Layer::default(), &sbom);
    let told = report.sbom.unwrap();
    assert_eq!((told.packages, told.merged), (60_000, 30_000));
    assert_eq!(report.packages.len(), 30_000);
}

#[test]
fn findings_of_an_image_whose_digests_are_unknown_are_not_of_another() {
    let mut report = read(Layer::default(), &json!({"artifacts": []}));
    let other = format!("sha256:{}", "a".repeat(64));
    let given = json!({"matches": [], "source": {"type": "image", "target": {"imageID": other}}});
    let given = given.to_string();
    let same = |report: &Report| {
        let split = Vulnerabilities::of(given.as_bytes(), report);
        split.unwrap().same_image
    };
    assert_eq!(same(&report), Some(false));
    (report.digest, report.id) = (None, None);
    assert_eq!(same(&report), None);
}
