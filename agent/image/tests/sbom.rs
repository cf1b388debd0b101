//! An SBOM beside an image. `fixtures/lib4sbom.*` were written by lib4sbom 0.10.4, in Python; Syft's and Trivy's forms
//! are written here, by the names of fields in their sources.

mod common;

use common::{Image, Layer, digest, read_given};
use lapwing_image::cyclonedx::document;
use lapwing_image::diff::Diff;
use lapwing_image::inventory::Verdict;
use lapwing_image::report::{Package, Report};
use lapwing_image::sbom::{BYTES_MAX, Sbom};
use lapwing_image::{Limits, Options, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use serde_json::{Value, json};

const CYCLONEDX: &str = include_str!("fixtures/lib4sbom.cyclonedx.json");
const SPDX: &str = include_str!("fixtures/lib4sbom.spdx.json");

/// An image of Red Hat's kind, whose database was emptied.
fn image() -> Image {
    Image::of(vec![
        Layer::default()
            .symlink("bin", "usr/bin")
            .program("usr/bin/bash", b"\x7fELF bash")
            .program("usr/bin/ls", b"\x7fELF ls")
            .file("usr/share/zoneinfo/UTC", "UTC")
            .file("srv/app.jar", "PK")
            .file("srv/package-lock.json", "{}")
            .file(
                "srv/x.dist-info/METADATA",
                "Name: Known_One\nVersion: 1.0\n\n",
            )
            .file("var/lib/rpm/Packages", ""),
    ])
}

/// By an inventory that saw bash used.
fn read(image: &Image, sbom: Option<&str>) -> Report {
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
    let sbom = sbom.map(|text| Sbom::read(text.as_bytes()).unwrap());
    let bounds = (Wanted::default(), Limits::default());
    read_given(image.path(), bounds, None, Some(&export), sbom.as_ref()).unwrap()
}

fn one<'r>(report: &'r Report, name: &str) -> &'r Package {
    let mut found = report.packages.iter().filter(|it| it.name == name);
    let one = found
        .next()
        .unwrap_or_else(|| panic!("no {name} in {:?}", report.packages));
    assert!(found.next().is_none(), "{name} twice");
    one
}

fn syft(artifacts: &Value, source: &Value) -> String {
    json!({
        "artifacts": artifacts,
        "artifactRelationships": [],
        "source": {"type": "image", "metadata": source},
        "descriptor": {"name": "syft", "version": "1.0"},
        "schema": {"version": "16.0.3"},
    })
    .to_string()
}

fn rpm(name: &str, files: &Value) -> Value {
    json!({
        "name": name, "version": "5.1-1.el9", "type": "rpm",
        "purl": format!("pkg:rpm/redhat/{name}@5.1-1.el9?arch=x86_64"),
        "locations": [{"path": "/var/lib/rpm/Packages", "layerID": "sha256:0"}],
        "metadataType": "rpm-db-entry", "metadata": {"name": name, "files": files},
    })
}

#[test]
fn documents_of_a_tool_name_packages_and_files() {
    let image = image();
    for text in [CYCLONEDX, SPDX] {
        let report = read(&image, Some(text));
        let bash = one(&report, "bash");
        assert_eq!(
            (bash.kind, &*bash.version, bash.files, bash.bytes),
            ("rpm", "5.1.8-9.el9", 1, 9)
        );
        assert_eq!((bash.in_use, bash.by_sbom), (Some(Verdict::Used), true));
        assert_eq!(bash.architecture.as_deref(), Some("x86_64"));
        // Without files it is never said to be unused.
        let tz = one(&report, "tzdata");
        assert_eq!((tz.files, tz.in_use), (0, Some(Verdict::Unknown)));
        let told = report.sbom.as_ref().unwrap();
        assert_eq!(
            (
                told.packages,
                told.merged,
                told.without_files,
                told.missing_files
            ),
            (2, 0, 1, 0)
        );
        assert_eq!(told.same_image, None);
        assert_eq!(report.packages_not_read, [""; 0]);
        let cdx = document(&report, "0");
        let all = cdx["components"].as_array().unwrap();
        let bash = all.iter().find(|it| it["name"] == "bash").unwrap();
        assert_eq!(
            bash["purl"],
            "pkg:rpm/redhat/bash@5.1.8-9.el9?arch=x86_64&distro=rhel-9.4"
        );
    }
    assert_eq!(read(&image, Some(SPDX)).sbom.unwrap().form, "SPDX 2.3");
}

#[test]
fn a_database_of_rpm_asks_for_an_sbom() {
    let image = image();
    let not_read = read(&image, None).packages_not_read.join("\n");
    for part in [
        "/var/lib/rpm/Packages",
        "--sbom",
        "syft IMAGE -o syft-json",
        "trivy image",
    ] {
        assert!(not_read.contains(part), "no `{part}` in {not_read}");
    }
    let none = syft(&json!([]), &json!({}));
    let not_read = read(&image, Some(&none)).packages_not_read.join("\n");
    assert!(
        not_read.contains("the SBOM names no package of RPM"),
        "{not_read}"
    );
}

#[test]
fn the_lists_of_syft_are_files_and_the_places_of_databases_are_none() {
    let text = syft(
        &json!([
            rpm("bash", &json!([{"path": "/bin/bash"}, {"path": "/usr/bin"}, {"path": "/gone"}])),
            rpm("coreutils", &json!([{"path": "/usr/bin/ls"}])),
            rpm("gpg-pubkey", &Value::Null),
            {"name": "known-one", "version": "1.0", "type": "python", "purl": "pkg:pypi/known-one@1.0",
                "locations": [{"path": "/srv/x.dist-info/METADATA"}],
                "metadata": {"sitePackagesRootPath": "/srv", "files": [{"path": "../usr/share/zoneinfo/UTC"}]}},
            {"name": "core", "version": "2", "type": "java-archive", "purl": "pkg:maven/org.x/core@2",
                "locations": [{"path": "/srv/app.jar"}]},
            {"name": "util", "version": "2", "type": "java-archive", "purl": "pkg:maven/org.x/util@2",
                "locations": [{"path": "/srv/app.jar"}]},
            {"name": "left", "version": "2", "type": "npm", "purl": "pkg:npm/left@2",
                "locations": [{"path": "/srv/package-lock.json"}]},
            {"name": "odd", "type": "novel", "metadata": {"files": ["/usr/bin/none", 7]}},
            7,
        ]),
        &json!({}),
    );
    let report = read(&image(), Some(&text));
    assert_eq!(
        (one(&report, "bash").files, one(&report, "bash").in_use),
        (1, Some(Verdict::Used))
    );
    assert_eq!(
        (
            one(&report, "coreutils").files,
            one(&report, "coreutils").in_use
        ),
        (1, Some(Verdict::NotSeen))
    );
    assert_eq!(one(&report, "gpg-pubkey").in_use, Some(Verdict::Unknown));
    // Found without it, under another spelling; it brings a file more.
    let known = one(&report, "Known_One");
    assert_eq!((known.by_sbom, known.files), (false, 2));
    // Two that are in one file have no bytes of their own.
    for name in ["org.x:core", "org.x:util"] {
        let one = one(&report, name);
        assert_eq!(
            (one.kind, one.files, one.bytes, one.in_use),
            ("maven", 1, 0, Some(Verdict::NotSeen))
        );
    }
    // A lock file that nobody reads says nothing of what it names.
    assert_eq!(
        (one(&report, "left").files, one(&report, "left").in_use),
        (0, Some(Verdict::Unknown))
    );
    assert_eq!(
        (one(&report, "odd").kind, one(&report, "odd").files),
        ("other", 0)
    );
    let told = report.sbom.as_ref().unwrap();
    assert_eq!(
        (&*told.form, told.packages, told.merged),
        ("Syft 1.0", 8, 1)
    );
    assert_eq!((told.missing_files, told.damaged), (2, 1));
    assert!(
        report
            .packages_not_read
            .join("\n")
            .contains("1 component of the SBOM, or lists in them, could not be read")
    );
}

#[test]
fn a_package_of_a_database_is_the_same_one() {
    let status =
        "Package: libstdc++6\nStatus: install ok installed\nVersion: 1:12-1\nArchitecture: amd64\n";
    let image = Image::of(vec![
        Layer::default()
            .file("usr/lib/libstdc++.so.6", "lib")
            .file("var/lib/dpkg/status", status)
            .file(
                "var/lib/dpkg/info/libstdc++6:amd64.list",
                "/usr/lib/libstdc++.so.6\n",
            ),
    ]);
    // As Trivy has it: the epoch is a qualifier.
    let purl = "pkg:deb/debian/libstdc%2B%2B6@12-1?arch=amd64&epoch=1";
    let library = |purl: &str| json!({"type": "library", "name": "libstdc++6", "version": "12-1", "purl": purl});
    let text = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "components": [
            library(purl), library(purl),
            {"type": "operating-system", "name": "debian"},
            {"type": "application", "name": "srv/package-lock.json", "components": [
                {"type": "library", "group": "@a", "name": "b", "version": "1", "purl": "pkg:npm/%40a/b@1"}
            ]},
        ],
    });
    let report = read(&image, Some(&text.to_string()));
    let lib = one(&report, "libstdc++6");
    assert_eq!(
        (lib.files, lib.by_sbom, &*lib.version),
        (1, false, "1:12-1")
    );
    assert_eq!(one(&report, "@a/b").kind, "node");
    let told = report.sbom.unwrap();
    assert_eq!((told.packages, told.merged), (3, 2));
}

#[test]
fn a_document_of_another_image_is_told() {
    let image = image();
    let own = read(&image, None);
    let (id, manifest, layer) = (
        &own.id,
        own.digest.as_ref().unwrap(),
        own.layers[0].diff_id.as_ref().unwrap(),
    );
    let other = digest(b"other");
    let same = |text: &str| {
        let report = read(&image, Some(text));
        let same = report.sbom.as_ref().unwrap().same_image;
        let warned = report
            .packages_not_read
            .join("\n")
            .contains("it is of another image");
        assert_eq!(warned, same == Some(false), "{text}");
        same
    };
    let none = json!([rpm("bash", &json!([]))]);
    assert_eq!(same(&syft(&none, &json!({}))), None);
    assert_eq!(
        same(&syft(
            &none,
            &json!({"imageID": id, "manifestDigest": other})
        )),
        Some(true)
    );
    assert_eq!(
        same(&syft(
            &none,
            &json!({"imageID": other, "layers": [{"digest": layer}]})
        )),
        Some(true)
    );
    assert_eq!(
        same(&syft(
            &none,
            &json!({"imageID": other, "layers": [{"digest": other}]})
        )),
        Some(false)
    );
    let cyclonedx = |root: Value| {
        json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": root}})
            .to_string()
    };
    assert_eq!(
        same(&cyclonedx(json!({"name": "x", "version": manifest}))),
        Some(true)
    );
    assert_eq!(same(&cyclonedx(json!({"version": "1.0"}))), None);
    let purl = format!("pkg:oci/x@{}?arch=amd64", other.replace(':', "%3A"));
    assert_eq!(same(&cyclonedx(json!({"purl": purl}))), Some(false));
    let trivy = json!([{"name": "aquasecurity:trivy:ImageID", "value": id}]);
    assert_eq!(
        same(&cyclonedx(json!({"purl": purl, "properties": trivy}))),
        Some(true)
    );
    let spdx = |sum: &str| {
        json!({"spdxVersion": "SPDX-2.3", "packages": [
            {"SPDXID": "SPDXRef-DocumentRoot-Image-x", "name": "x", "primaryPackagePurpose": "CONTAINER",
                "checksums": [{"algorithm": "SHA256", "checksumValue": &sum[7..]}]},
        ], "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
            "relatedSpdxElement": "SPDXRef-DocumentRoot-Image-x"}]})
        .to_string()
    };
    assert_eq!(
        (same(&spdx(manifest)), same(&spdx(&other))),
        (Some(true), Some(false))
    );
    // What this program writes itself is of the image that it read.
    let mut written = document(&own, "0");
    assert_eq!(same(&written.to_string()), Some(true));
    // Also where the two know different digests of it.
    written["metadata"]["component"]["version"] = json!(other);
    assert_eq!(same(&written.to_string()), Some(true));
    written["metadata"]["properties"] = json!([]);
    assert_eq!(same(&written.to_string()), Some(false));
}

#[test]
fn what_is_none_is_refused_with_what_is_taken() {
    for (bytes, why) in [
        (&b""[..], "no JSON object"),
        (b"[]", "no JSON object"),
        (b"{}", "no SBOM of a known kind"),
        (b"{\"bomFormat\": \"CycloneDX\", ", "cannot be read"),
        (b"<?xml version=\"1.0\"?><bom/>", "XML"),
        (b"SPDXVersion: SPDX-2.3\n", "tags and values"),
        (b"\xff\xfe{\0", "UTF-8"),
        (br#"{"spdxVersion": "SPDX-3.0"}"#, "SPDX 3.0"),
        (
            br#"{"@context": "https://schema.org", "@graph": []}"#,
            "none of SPDX",
        ),
        (br#"{"matches": []}"#, "--vulnerabilities"),
        (
            br#"{"SchemaVersion": 2, "Results": []}"#,
            "--vulnerabilities",
        ),
        (
            br#"{"bomFormat": "CycloneDX", "components": 1}"#,
            "`components`",
        ),
        (br#"{"artifacts": {}}"#, "`artifacts`"),
    ] {
        let error = Sbom::read(bytes).unwrap_err();
        assert!(error.contains(why), "no `{why}` in {error}");
    }
    assert!(
        Sbom::read(&vec![b' '; BYTES_MAX + 1])
            .unwrap_err()
            .contains("128 MiB")
    );
    let many = format!("{{\"artifacts\": [{}1]}}", "1,".repeat(100_000));
    assert!(
        Sbom::read(many.as_bytes())
            .unwrap_err()
            .contains("more than 100000")
    );
    let many = format!(
        "{{\"spdxVersion\": \"SPDX-2.3\", \"files\": [{}1]}}",
        "1,".repeat(1_000_000)
    );
    let error = Sbom::read(many.as_bytes()).unwrap_err();
    assert!(
        error.contains("`files`: a list of more than 1000000"),
        "{error}"
    );
    // Each level would be read by all above it.
    let (open, close) = (
        "[{\"type\": \"library\", \"name\": \"x\", \"components\": ",
        "}]",
    );
    let deep = [open.repeat(20_000), "[]".to_owned(), close.repeat(20_000)].concat();
    let deep = format!("{{\"bomFormat\": \"CycloneDX\", \"components\": {deep}}}");
    let sbom = Sbom::read(deep.as_bytes()).unwrap();
    let report = read(&image(), Some(&deep));
    assert_eq!(report.sbom.unwrap().damaged, 1, "{sbom:?}");
    assert!(Sbom::read(&[b"\xef\xbb\xbf", CYCLONEDX.as_bytes()].concat()).is_ok());
}

#[test]
fn hostile_names_are_told_as_text_and_lead_nowhere() {
    let long = "n".repeat(100_000);
    let path = format!("/{}", "../".repeat(20_000));
    let text = syft(
        &json!([
            rpm("\u{1b}[2J\u{202e}", &json!([{"path": "../../../usr/bin/bash"}, {"path": "/usr/bin/ls\u{0}"}])),
            rpm(&long, &json!([{"path": path}, {"path": "/"}, {"path": "usr/bin/ls"}])),
            {"name": "", "version": "1"},
            {"name": "x", "version": long, "purl": format!("pkg:npm/x?{long}")},
            {"name": "<b>", "purl": "pkg:generic/<b>@\"1"},
        ]),
        &json!({"imageID": long}),
    );
    let report = read(&image(), Some(&text));
    let escaped = one(&report, "\\x1b[2J\\xe2\\x80\\xae");
    // Below the root, as all names of an image are.
    assert_eq!((escaped.files, escaped.in_use), (1, Some(Verdict::Used)));
    assert_eq!(one(&report, "<b>").purl, None);
    let told: Vec<&Package> = report.packages.iter().collect();
    assert!(
        told.iter()
            .all(|it| it.name.len() <= 800 && it.version.len() <= 800)
    );
    assert_eq!(report.sbom.as_ref().unwrap().damaged, 1);
    let printed = serde_json::to_string(&report).unwrap();
    assert!(
        printed.len() < 60_000 && !printed.contains('\u{202e}'),
        "{}",
        printed.len()
    );
}

#[test]
fn a_comparison_says_where_one_side_alone_has_an_sbom() {
    let image = image();
    let sbom = Sbom::read(SPDX.as_bytes()).unwrap();
    let read = |sbom| {
        let options = Options {
            wanted: Wanted::default(),
            limits: Limits::default(),
            hide: &|_| 0,
            profile: None,
            inventory: None,
            sbom,
        };
        lapwing_image::Image::read(image.path(), &options).unwrap()
    };
    let (with, without) = (read(Some(&sbom)), read(None));
    let diff = Diff::of(&without, &with);
    assert_eq!(diff.packages.added.count(), 2);
    let told = "an SBOM was given of the new image alone";
    assert!(
        diff.new.packages_not_read.join("\n").contains(told),
        "{:?}",
        diff.new
    );
    let both = Diff::of(&with, &with);
    assert_eq!(
        (both.packages.added.count(), both.new.packages_not_read),
        (0, Vec::new())
    );
}
