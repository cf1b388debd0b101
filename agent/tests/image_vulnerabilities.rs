//! `lapwing advise image --vulnerabilities` with the real binary and both scanners' forms.

mod saved;

use lapwing_profile::entry::Entry;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use saved::{save, tar_of};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    /// An image with a package that runs, one that does not, one with a library, one without programs, and
    /// modules of Python and Node.
    fn new() -> Self {
        let elf = b"\x7fELF and more".to_vec();
        let paragraph = |name: &str| {
            format!("Package: {name}\nStatus: install ok installed\nVersion: 1:2-3\n\n")
        };
        let status: String = ["web", "tool", "lib", "data"].map(paragraph).concat();
        let layer = tar_of(&[
            (b"usr/bin/web", 0o755, elf.clone()),
            (b"usr/bin/tool", 0o755, elf.clone()),
            (b"usr/bin/libtool", 0o755, elf),
            (b"usr/lib/lib.so.1", 0o644, b"x".to_vec()),
            (b"usr/share/data", 0o644, b"x".to_vec()),
            (b"var/lib/dpkg/status", 0o644, status.into()),
            (
                b"var/lib/dpkg/info/web.list",
                0o644,
                b"/usr/bin/web\n".to_vec(),
            ),
            (
                b"var/lib/dpkg/info/tool.list",
                0o644,
                b"/usr/bin/tool\n".to_vec(),
            ),
            (
                b"var/lib/dpkg/info/lib.list",
                0o644,
                b"/usr/bin/libtool\n/usr/lib/lib.so.1\n".to_vec(),
            ),
            (
                b"var/lib/dpkg/info/data.list",
                0o644,
                b"/usr/share/data\n".to_vec(),
            ),
            (
                b"lib/Flask_Login-1.dist-info/METADATA",
                0o644,
                b"Name: Flask_Login\nVersion: 1\n\n".to_vec(),
            ),
            (
                b"srv/node_modules/left-pad/package.json",
                0o644,
                br#"{"name":"left-pad","version":"1.0.0"}"#.to_vec(),
            ),
        ]);
        let folder = Self(TempDir::new().unwrap());
        save(&folder.0.path().join("image.tar"), &[("shop:1", &[layer])]);
        let workload = Workload {
            name: "web".into(),
            ..Workload::default()
        };
        let mut profile = Profile::new(workload, Mode::Learning);
        profile.observe(&Sighting {
            entry: Entry::parse("exec: {path: /usr/bin/web, parent: runtime}").unwrap(),
            at: 1_790_000_000_000_000_000,
        });
        folder.put("web.yaml", profile.to_yaml());
        folder
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }

    fn run(&self, line: &str) -> (i32, String, String) {
        let line = format!("advise image image.tar {line}");
        saved::lapwing(self.0.path(), &line)
    }

    fn split(&self, report: &Value) -> Value {
        self.put("report.json", report.to_string());
        let (code, out, errors) = self.run(WITH_JSON);
        assert_eq!((code, &*errors), (0, ""));
        let whole: Value = serde_json::from_str(&out).unwrap();
        whole["vulnerabilities"].clone()
    }
}

const WITH: &str = "--profile web.yaml --vulnerabilities report.json";
const WITH_JSON: &str = "--profile web.yaml --vulnerabilities report.json -o json";

/// The package, its version, the kind by both scanners, and what is to be told of it.
const FINDINGS: &[(&str, &str, &str, &str, &str)] = &[
    ("web", "1:2-3", "deb", "debian", "ran"),
    ("tool", "1:2-3", "deb", "debian", "notSeen"),
    ("lib", "1:2-3", "deb", "debian", "unknown"),
    ("data", "1:2-3", "deb", "debian", "unknown"),
    ("web", "9", "deb", "debian", "unknown"),
    ("gone", "1", "deb", "debian", "unknown"),
    ("flask-login", "1", "python", "python-pkg", "unknown"),
    ("left-pad", "1.0.0", "npm", "node-pkg", "unknown"),
    ("golang.org/x/net", "1", "go-module", "gobinary", "unknown"),
    ("\u{1b}[2Jevil", "\u{202e}1", "deb", "debian", "unknown"),
];

fn grype() -> Value {
    let severities = ["Critical", "High", "Medium", "Low", "Negligible", "Unknown"];
    let matches = FINDINGS
        .iter()
        .enumerate()
        .map(|(number, (name, version, kind, ..))| {
            json!({
                "vulnerability": {
                    "id": format!("CVE-2024-{number}"),
                    "severity": severities[number % 6],
                    "fix": {"versions": ["99"], "state": "fixed"},
                    "advisories": [],
                },
                "relatedVulnerabilities": [],
                "matchDetails": [{"type": "exact-direct-match", "found": {}}],
                "artifact": {
                    "id": "a", "name": name, "version": version, "type": kind, "language": "",
                    "locations": [{"path": "/var/lib/dpkg/status"}], "licenses": [], "cpes": [],
                    "purl": "", "upstreams": [],
                },
            })
        });
    json!({
        "matches": matches.collect::<Vec<_>>(),
        "source": {"type": "image", "target": {"userInput": "shop:1", "imageID": "sha256:00"}},
        "distro": {"name": "debian"},
        "descriptor": {"name": "grype", "version": "0.90.0"},
    })
}

fn trivy() -> Value {
    let of = |class: &str| -> Vec<Value> {
        let all = FINDINGS.iter().enumerate().filter(|(_, it)| it.3 == class);
        all.map(|(number, (name, version, ..))| {
            json!({
                "VulnerabilityID": format!("CVE-2024-{number}"),
                "PkgName": name,
                "InstalledVersion": version,
                "Severity": "HIGH",
                "Layer": {"DiffID": "sha256:00"},
            })
        })
        .collect()
    };
    let results = ["debian", "python-pkg", "node-pkg", "gobinary"]
        .map(|class| json!({"Target": "t", "Class": "os-pkgs", "Type": class, "Vulnerabilities": of(class)}));
    json!({"SchemaVersion": 2, "ArtifactName": "shop:1", "Results": results})
}

#[test]
fn each_finding_goes_where_what_is_known_puts_it() {
    let folder = Folder::new();
    for (report, scanner) in [(grype(), "grype"), (trivy(), "trivy")] {
        let split = folder.split(&report);
        assert_eq!(split["scanner"], scanner);
        for (number, (name, .., part)) in FINDINGS.iter().enumerate() {
            let id = format!("CVE-2024-{number}");
            let has = |part: &str| {
                let all = split[part]["first"].as_array().unwrap();
                all.iter().any(|one| one["id"] == id.as_str())
            };
            for each in ["ran", "notSeen", "unknown"] {
                assert_eq!(has(each), each == *part, "{scanner} {name} {each}: {split}");
            }
        }
        let text = split.to_string().to_lowercase();
        assert!(
            text.contains("nothing of this says that the image is not affected"),
            "{text}"
        );
        assert_eq!(text.matches("not affected").count(), 1, "{text}");
        assert!(
            !text.contains('\u{202e}') && text.contains("\\\\x1b[2jevil"),
            "{text}"
        );
    }
    let split = folder.split(&grype());
    assert_eq!(split["sameImage"], false);
    assert_eq!(split["ran"]["first"][0]["fixed"], "99");
    assert_eq!(
        split["severities"][0],
        json!({"severity": "critical", "ran": 1, "notSeen": 0, "unknown": 1})
    );
    assert_eq!(folder.split(&trivy())["sameImage"], Value::Null);
    let (code, out, errors) = folder.run(WITH);
    assert_eq!((code, &*errors), (0, ""));
    for part in [
        "vulnerabilities  10 in the report of trivy\n",
        "coverage unknown, losses unknown",
        "  it is incomplete, see above: more may have run\n",
        "high      1            1         8\n",
        "  its package ran or was used:\n    high        CVE-2024-0  web 1:2-3\n",
        "  present, not seen in use:\n    high        CVE-2024-1  tool 1:2-3\n",
    ] {
        assert!(out.contains(part), "no `{part}` in {out}");
    }
}

#[test]
fn forms_that_scanners_write_of_nothing_are_reports_too() {
    let folder = Folder::new();
    let (_, out, _) = folder.run("-o json");
    let whole: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(whole["vulnerabilities"], Value::Null);
    let id = &whole["id"];
    for report in [
        json!({"matches": [], "source": {"target": {"imageID": id}}}),
        json!({"SchemaVersion": 2, "Metadata": {"ImageID": id}}),
        json!({"SchemaVersion": 2, "Metadata": {"ImageID": id}, "Results": null}),
        json!({"SchemaVersion": 2, "Metadata": {"ImageID": id}, "Results": [{"Target": "t", "Vulnerabilities": null}]}),
    ] {
        let split = folder.split(&report);
        assert_eq!(
            (&split["sameImage"], &split["severities"]),
            (&json!(true), &json!([]))
        );
    }
    // A package URL says more than the scanner's word, and null is nothing.
    let one = json!({
        "vulnerability": {"id": "X-1", "severity": null, "fix": null},
        "artifact": {"name": "tool", "version": "1:2-3", "type": null, "purl": "pkg:deb/debian/tool@1%3A2-3"},
    });
    let split = folder.split(&json!({"matches": [one], "source": {"target": "/folder"}}));
    assert_eq!(split["notSeen"]["first"][0]["severity"], "unknown");
    assert_eq!(split["sameImage"], Value::Null);
}

#[test]
fn what_is_no_report_is_told_with_2() {
    let folder = Folder::new();
    let deep = "[".repeat(100_000);
    for (text, part) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("{}", "neither Grype nor Trivy"),
        ("[{\"Target\": \"x\"}]", "neither Grype nor Trivy"),
        (
            "{\"matches\": [], \"Results\": []}",
            "neither Grype nor Trivy",
        ),
        ("{\"matches\": {}}", "a list"),
        (
            "{\"matches\": [{\"artifact\": {\"name\": \"x\"}}]}",
            "vulnerability",
        ),
        ("{\"matches\": [], \"matches\": []}", "duplicate"),
        ("{\"matches\": [1]}\u{1b}[2J", "line 1"),
        (&format!("{{\"other\": {deep}"), "line 1"),
        (&format!("{{\"source\": {deep}"), "recursion"),
        (
            &format!(
                "{{\"matches\": [{}1]}}",
                "{\"vulnerability\":{\"id\":\"\"},\"artifact\":{\"name\":\"\"}},".repeat(100_001)
            ),
            "more than 100000",
        ),
        (&" ".repeat((32 << 20) + 1), "more than the 32 MiB"),
    ] {
        folder.put("report.json", text);
        let (code, out, errors) = folder.run(WITH);
        assert_eq!((code, &*out), (2, ""), "{errors}");
        assert!(
            errors.contains("report.json: ") && errors.contains(part),
            "no `{part}` in {errors}"
        );
        assert!(!errors.trim_end().contains(char::is_control), "{errors:?}");
    }
    let (code, _, errors) = folder.run("--vulnerabilities report.json");
    assert!(code == 2 && errors.contains("--profile"), "{errors}");
    let (code, _, errors) = folder.run("--profile web.yaml --vulnerabilities none.json");
    assert!(
        code == 2 && errors.contains("cannot read none.json"),
        "{errors}"
    );
}
