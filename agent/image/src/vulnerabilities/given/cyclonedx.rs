//! Findings in CycloneDX (1.4 to 1.6, `bom-1.6.schema.json`): `vulnerabilities`, each of which names components by their
//! `bom-ref`. Grype: `grype/presenter/cyclonedx/vulnerability.go`. Trivy: `pkg/sbom/cyclonedx/marshal.go`.
//!
//! What an `analysis` says of one, or the `status` of a version, is not looked at: somebody's word that an image is not
//! affected leaves no finding out, and is not repeated.

use super::{Finding, Given, MOST};
use crate::json::{Raw, Word, typed};
use crate::package_url::{IMAGE, OTHER, PackageUrl};
use crate::sbom::{Component, digest, list};
use crate::vulnerabilities::Severity;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;

/// Levels of components in one another below the first.
const DEPTH_MAX: usize = 15;
/// Members of what belongs to one finding that are read: ratings, and packages.
const OF_ONE: usize = 10_000;

/// The parts of a document that findings are in.
pub(super) struct Parts<'a> {
    pub metadata: Raw<'a>,
    pub components: Raw<'a>,
    pub vulnerabilities: Raw<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    component: Raw<'a>,
    #[serde(borrow, default)]
    tools: Raw<'a>,
}

/// Tools since 1.5.
#[derive(Deserialize)]
struct Tools<'a> {
    #[serde(borrow, default)]
    components: Raw<'a>,
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow, default, rename = "bom-ref")]
    reference: Word<'a>,
    #[serde(borrow, default)]
    group: Word<'a>,
    #[serde(borrow, default)]
    name: Word<'a>,
    #[serde(borrow, default)]
    version: Word<'a>,
    #[serde(borrow, default)]
    purl: Word<'a>,
    #[serde(borrow, default)]
    properties: Raw<'a>,
    #[serde(borrow, default)]
    components: Raw<'a>,
}

#[derive(Deserialize)]
struct Property<'a> {
    #[serde(borrow, default)]
    name: Word<'a>,
    #[serde(borrow, default)]
    value: Word<'a>,
}

#[derive(Deserialize)]
struct Vulnerability<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    ratings: Raw<'a>,
    #[serde(borrow, default)]
    affects: Raw<'a>,
}

#[derive(Deserialize)]
struct Rating<'a> {
    #[serde(borrow, default)]
    severity: Word<'a>,
}

#[derive(Deserialize)]
struct Affected<'a> {
    #[serde(borrow, default, rename = "ref")]
    reference: Word<'a>,
}

/// A component that findings may name.
struct Named {
    kind: Option<&'static str>,
    name: String,
    version: String,
}

type Components<'a> = HashMap<Cow<'a, str>, Named>;

pub(super) fn read<'a>(parts: &Parts<'a>) -> Result<Given<'a>, String> {
    let mut named = Components::new();
    let mut count = 0;
    components(parts.components, DEPTH_MAX, &mut count, &mut named)?;
    let metadata = typed::<Metadata<'a>>(parts.metadata);
    let mut given = Given {
        scanner: scanner(metadata.as_ref().and_then(|it| it.tools)),
        digests: Vec::new(),
        other_digests: Vec::new(),
        findings: Vec::new(),
    };
    if let Some(root) = metadata.and_then(|it| typed::<One<'a>>(it.component)) {
        of_image(&root, &mut given);
    }
    for raw in list::<MOST>(parts.vulnerabilities, "vulnerabilities")? {
        let read = raw.map_or("null", |raw| raw.get());
        let one: Vulnerability<'a> = serde_json::from_str(read)
            .map_err(|error| format!("`vulnerabilities`: one of them: {error}"))?;
        let severity = worst(one.ratings)?;
        let mut affected: Vec<Affected<'a>> = members(one.affects, "affects")?;
        if affected.is_empty() {
            // A finding without a package is one all the same.
            affected.push(Affected {
                reference: Word::default(),
            });
        }
        for one_of in affected {
            if given.findings.len() == MOST {
                return Err(format!("more than the {MOST} findings that are read"));
            }
            let (kind, package, version) = package(one_of.reference.0, &named);
            given.findings.push(Finding {
                id: one.id.clone(),
                severity: severity.into(),
                kind,
                package,
                version,
                fixed: None,
            });
        }
    }
    Ok(given)
}

/// Members of a list, each of its type: one that is of another is an error, for it may be what matters.
fn members<'a, T: Deserialize<'a>>(raw: Raw<'a>, what: &str) -> Result<Vec<T>, String> {
    let all = list::<OF_ONE>(raw, what)?;
    let read = |raw: Raw<'a>| typed(raw).ok_or_else(|| format!("`{what}`: not all can be read"));
    all.into_iter().map(read).collect()
}

/// The worst of the ratings, which several sources may have given.
fn worst(ratings: Raw<'_>) -> Result<&'static str, String> {
    let all: Vec<Rating<'_>> = members(ratings, "ratings")?;
    let all = all.iter().map(|one| match &*one.severity.0 {
        // Grype's words for what is negligible, and less.
        "none" | "info" => Severity::Negligible,
        text => Severity::of(text),
    });
    Ok(all.min().unwrap_or(Severity::Unknown).word())
}

/// What a reference names: a component of the document, also of another by its BOM-Link, or a package by its URL.
fn package<'a>(
    reference: Cow<'a, str>,
    named: &Components<'a>,
) -> (Option<&'static str>, Cow<'a, str>, Cow<'a, str>) {
    let link = { reference.strip_prefix("urn:cdx:") }.and_then(|rest| rest.split_once('#'));
    let own = link.map_or(&*reference, |(_, own)| own);
    if let Some(found) = named.get(own) {
        let version = found.version.clone().into();
        return (found.kind, found.name.clone().into(), version);
    }
    match PackageUrl::read(own) {
        Some(url) => (known(url.kind), url.name.into(), url.version.into()),
        None => (None, reference, "".into()),
    }
}

fn known(kind: &'static str) -> Option<&'static str> {
    Some(kind).filter(|kind| ![OTHER, IMAGE].contains(kind))
}

/// Those of a list and those in them, so many levels deep.
fn components<'a>(
    raw: Raw<'a>,
    depth: usize,
    count: &mut usize,
    named: &mut Components<'a>,
) -> Result<(), String> {
    for raw in list::<MOST>(raw, "components")? {
        let Some(one) = typed::<One<'a>>(raw) else {
            // What names it has no package then, and is told so.
            continue;
        };
        *count += 1;
        if *count > MOST {
            return Err(format!("more than the {MOST} components that are read"));
        }
        if let Some(depth) = depth.checked_sub(1) {
            components(one.components, depth, count, named)?;
        }
        let name = match one.group.0.is_empty() {
            true => one.name.0.into_owned(),
            false => format!("{}/{}", one.group.0, one.name.0),
        };
        let kind = property(one.properties, "syft:package:type").unwrap_or_default();
        let component = Component::of(one.purl, &kind, name, &one.version.0);
        let found = Named {
            kind: known(component.kind),
            name: component.name,
            version: component.version,
        };
        if !one.reference.0.is_empty() {
            named.entry(one.reference.0).or_insert(found);
        }
    }
    Ok(())
}

fn property<'a>(properties: Raw<'a>, name: &str) -> Option<Cow<'a, str>> {
    let all = list::<OF_ONE>(properties, "properties").ok()?;
    let mut all = all.into_iter().filter_map(typed::<Property<'a>>);
    all.find(|one| one.name.0 == name).map(|one| one.value.0)
}

/// Who made it.
fn scanner(tools: Raw<'_>) -> &'static str {
    let names = list::<OF_ONE>(tools, "tools").or_else(|_| {
        let since = typed::<Tools<'_>>(tools).and_then(|it| it.components);
        list::<OF_ONE>(since, "tools")
    });
    let names = names.unwrap_or_default();
    let names: Vec<One<'_>> = names.into_iter().filter_map(typed).collect();
    let is = |name: &&&str| names.iter().any(|one| one.name.0 == **name);
    let known = ["grype", "trivy"];
    known.iter().find(is).copied().unwrap_or("CycloneDX")
}

/// Digests of the image that it is of. The version of the component may be another digest of the same image.
fn of_image(root: &One<'_>, given: &mut Given<'_>) {
    let of_trivy = property(root.properties, "aquasecurity:trivy:ImageID");
    given.digests.extend(of_trivy.as_deref().and_then(digest));
    let purl = root.purl.0.replace("%3A", ":").replace("%3a", ":");
    let purl = purl.split(['?', '#']).next().unwrap_or_default();
    let others = [&*root.version.0, purl];
    given
        .other_digests
        .extend(others.into_iter().filter_map(digest));
}
