//! The JSON of both scanners, as far as it is used, and CycloneDX, which they write too.
//!
//! Grype: `grype/presenter/models/document.go` and `package.go`. Trivy, schema 2: `pkg/types/report.go` and
//! `vulnerability.go`.

mod cyclonedx;

use super::BYTES_MAX;
use crate::json::{self, Raw, Word};
use crate::package_url::{self, IMAGE, OTHER};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// Members of one list of a report that are read.
const MOST: usize = 100_000;

/// A report in one form.
pub(super) struct Given<'a> {
    pub scanner: &'static str,
    /// Digests of the image that it is of.
    pub digests: Vec<String>,
    /// Digests that may be others of the same image: they say which it is, and never that it is another.
    pub other_digests: Vec<String>,
    pub findings: Vec<Finding<'a>>,
}

/// A finding in one form.
pub(super) struct Finding<'a> {
    pub id: Cow<'a, str>,
    pub severity: Cow<'a, str>,
    /// The kind of its package, where such are read.
    pub kind: Option<&'static str>,
    pub package: Cow<'a, str>,
    pub version: Cow<'a, str>,
    pub fixed: Option<String>,
}

/// A list that is not too long.
type Many<T> = json::Many<T, MOST>;

/// Text that may be null.
#[derive(Default, Deserialize)]
struct Text<'a>(#[serde(borrow)] Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    fn text(self) -> Cow<'a, str> {
        self.0.unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    matches: Option<Many<Match<'a>>>,
    #[serde(default)]
    source: Value,
    #[serde(borrow, rename = "Results")]
    results: Option<Many<Part<'a>>>,
    #[serde(rename = "SchemaVersion")]
    schema: Option<u64>,
    #[serde(default, rename = "Metadata")]
    metadata: Value,
    #[serde(borrow, default, rename = "bomFormat")]
    form: Word<'a>,
    #[serde(borrow, default, rename = "metadata")]
    about: Raw<'a>,
    #[serde(borrow, default)]
    components: Raw<'a>,
    #[serde(borrow, default)]
    vulnerabilities: Raw<'a>,
}

#[derive(Deserialize)]
struct Match<'a> {
    #[serde(borrow)]
    vulnerability: Vulnerability<'a>,
    #[serde(borrow)]
    artifact: Artifact<'a>,
}

#[derive(Deserialize)]
struct Vulnerability<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(default)]
    fix: Option<Fix>,
}

#[derive(Deserialize)]
struct Fix {
    #[serde(default)]
    versions: Option<Many<String>>,
}

#[derive(Deserialize)]
struct Artifact<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    version: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    purl: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part<'a> {
    #[serde(borrow, default, rename = "Type")]
    kind: Text<'a>,
    #[serde(borrow)]
    vulnerabilities: Option<Many<Detected<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Detected<'a> {
    #[serde(borrow, rename = "VulnerabilityID")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    pkg_name: Cow<'a, str>,
    #[serde(borrow, default)]
    pkg_identifier: Option<Identifier<'a>>,
    #[serde(borrow, default)]
    installed_version: Text<'a>,
    #[serde(default)]
    fixed_version: Option<String>,
    #[serde(borrow, default)]
    severity: Text<'a>,
}

#[derive(Deserialize)]
struct Identifier<'a> {
    #[serde(borrow, default, rename = "PURL")]
    purl: Text<'a>,
}

/// The kind of a package: by its package URL, and else by what the scanner calls it.
fn kind(purl: &str, other: &str) -> Option<&'static str> {
    let by_purl = purl
        .strip_prefix("pkg:")
        .and_then(|rest| rest.split_once('/'));
    match by_purl.map_or(other, |(kind, _)| kind) {
        "debian" | "ubuntu" => Some("deb"),
        "wolfi" | "chainguard" => Some("apk"),
        "alma" | "amazon" | "azurelinux" | "centos" | "fedora" | "oracle" | "redhat" | "rocky" => {
            Some("rpm")
        }
        "python-pkg" => Some("python"),
        "node-pkg" => Some("node"),
        "gobinary" => Some("golang"),
        "jar" => Some("maven"),
        other => Some(package_url::kind(other)).filter(|kind| ![OTHER, IMAGE].contains(kind)),
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Given<'_>, String> {
    if bytes.len() > BYTES_MAX {
        return Err(format!(
            "more than the {} MiB that are read",
            BYTES_MAX >> 20
        ));
    }
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(NEITHER.to_owned());
    }
    let document: Document<'_> =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let text = |value: &Value, path: &str| value.pointer(path)?.as_str().map(str::to_owned);
    match (document.matches, document.results, document.schema) {
        (Some(matches), None, None) => Ok(Given {
            scanner: "grype",
            digests: ["/target/imageID", "/target/manifestDigest"]
                .iter()
                .filter_map(|path| text(&document.source, path))
                .filter(|text| !text.is_empty())
                .collect(),
            other_digests: Vec::new(),
            findings: matches.0.into_iter().map(of_grype).collect(),
        }),
        (None, Some(results), _) => trivy(results, text(&document.metadata, "/ImageID")),
        // It leaves out what is empty.
        (None, None, Some(_)) => {
            trivy(json::Many(Vec::new()), text(&document.metadata, "/ImageID"))
        }
        (None, None, None) if document.form.0 == "CycloneDX" => match document.vulnerabilities {
            Some(_) => cyclonedx::read(&cyclonedx::Parts {
                metadata: document.about,
                components: document.components,
                vulnerabilities: document.vulnerabilities,
            }),
            None => Err(NO_FINDINGS.to_owned()),
        },
        _ => Err(NEITHER.to_owned()),
    }
}

const NEITHER: &str = "it is a report of neither Grype nor Trivy: make one with `grype IMAGE -o json` or \
     `trivy image -f json IMAGE`, or give CycloneDX JSON with `vulnerabilities`";
const NO_FINDINGS: &str = "it is CycloneDX without `vulnerabilities`, which says nothing of findings: make one with \
     `grype IMAGE -o cyclonedx-json` or `trivy image --format cyclonedx --scanners vuln IMAGE`";

fn of_grype(one: Match<'_>) -> Finding<'_> {
    let versions = one.vulnerability.fix.and_then(|fix| fix.versions);
    Finding {
        kind: kind(&one.artifact.purl.text(), &one.artifact.kind.text()),
        id: one.vulnerability.id,
        severity: one.vulnerability.severity.text(),
        package: one.artifact.name,
        version: one.artifact.version.text(),
        fixed: versions.and_then(|versions| versions.0.into_iter().next()),
    }
}

fn trivy<'a>(results: Many<Part<'a>>, image: Option<String>) -> Result<Given<'a>, String> {
    let mut findings = Vec::new();
    for part in results.0 {
        let by_part = part.kind.text();
        for one in part.vulnerabilities.map(|all| all.0).unwrap_or_default() {
            if findings.len() == MOST {
                return Err(format!("more than the {MOST} findings that are read"));
            }
            let purl = one.pkg_identifier.map(|it| it.purl.text());
            findings.push(Finding {
                kind: kind(&purl.unwrap_or_default(), &by_part),
                id: one.id,
                severity: one.severity.text(),
                package: one.pkg_name,
                version: one.installed_version.text(),
                fixed: one.fixed_version,
            });
        }
    }
    Ok(Given {
        scanner: "trivy",
        digests: image.into_iter().filter(|text| !text.is_empty()).collect(),
        other_digests: Vec::new(),
        findings,
    })
}
