//! CycloneDX: components, which may be in one another, with places in their evidence, or in properties of
//! Syft and Trivy.

use super::{Component, Document, MOST, Sbom, list, some};
use crate::json::{Raw, Word, typed};
use serde::Deserialize;

/// Levels of components in one another below the first.
const DEPTH_MAX: usize = 15;

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    component: Raw<'a>,
    #[serde(borrow, default)]
    properties: Raw<'a>,
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
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
    evidence: Raw<'a>,
    #[serde(borrow, default)]
    hashes: Raw<'a>,
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
struct Hash<'a> {
    #[serde(borrow, default)]
    alg: Word<'a>,
    #[serde(borrow, default)]
    content: Word<'a>,
}

#[derive(Deserialize)]
struct Evidence<'a> {
    #[serde(borrow, default)]
    occurrences: Raw<'a>,
}

#[derive(Deserialize)]
struct Occurrence<'a> {
    #[serde(borrow, default)]
    location: Word<'a>,
}

pub(super) fn read<'a>(document: &Document<'a>, sbom: &mut Sbom<'a>) -> Result<(), String> {
    if let Some(metadata) = typed::<Metadata<'a>>(document.metadata) {
        if let Some(root) = typed::<One<'a>>(metadata.component) {
            of_image(&root, sbom);
        }
        // What this program writes: the version of its component may be another digest of the same image.
        for property in some::<Property<'a>>(metadata.properties, &mut sbom.damaged) {
            if property.name.0 == "lapwing:image:id" {
                sbom.of_image(&property.value.0);
            }
        }
    }
    components(document.components, DEPTH_MAX, sbom)
}

fn of_image(root: &One<'_>, sbom: &mut Sbom<'_>) {
    sbom.of_image(&root.version.0);
    let purl = root.purl.0.replace("%3A", ":").replace("%3a", ":");
    sbom.of_image(purl.split(['?', '#']).next().unwrap_or_default());
    for hash in some::<Hash<'_>>(root.hashes, &mut sbom.damaged) {
        if hash.alg.0 == "SHA-256" {
            sbom.of_image(&format!("sha256:{}", hash.content.0));
        }
    }
    for property in some::<Property<'_>>(root.properties, &mut sbom.damaged) {
        match property.name.0.rsplit(':').next() {
            Some("ImageID" | "RepoDigest") => sbom.of_image(&property.value.0),
            Some("DiffID") => sbom.of_layer(&property.value.0),
            _ => {}
        }
    }
}

/// Those of a list and those in them, so many levels deep: what lies deeper is read once for each level.
fn components<'a>(raw: Raw<'a>, depth: usize, sbom: &mut Sbom<'a>) -> Result<(), String> {
    for raw in list::<MOST>(raw, "components")? {
        let Some(one) = typed::<One<'a>>(raw) else {
            sbom.damaged += 1;
            continue;
        };
        let within = one.components;
        // An application without a package URL is a file that names others, of Trivy.
        let is_package = match &*one.kind.0 {
            "library" | "framework" | "firmware" | "platform" => true,
            "application" => !one.purl.0.is_empty(),
            _ => false,
        };
        if is_package {
            let component = component(one, &mut sbom.damaged);
            sbom.add(component)?;
        }
        match depth.checked_sub(1) {
            Some(depth) => components(within, depth, sbom)?,
            None => sbom.damaged += u64::from(within.is_some()),
        }
    }
    Ok(())
}

fn component<'a>(one: One<'a>, damaged: &mut u64) -> Component<'a> {
    let name = match one.group.0.is_empty() {
        true => one.name.0.into_owned(),
        false => format!("{}/{}", one.group.0, one.name.0),
    };
    let mut places = Vec::new();
    let mut kind = None;
    for property in some::<Property<'_>>(one.properties, damaged) {
        let parts: Vec<&str> = property.name.0.splitn(4, ':').collect();
        match parts[..] {
            ["syft", "package", "type"] => kind = Some(property.value.0),
            ["syft", "location", _, "path"] | ["aquasecurity", "trivy", "FilePath"] => {
                places.push(property.value.0);
            }
            _ => {}
        }
    }
    let kind = kind.unwrap_or_default();
    let mut component = Component::of(one.purl, &kind, name, &one.version.0);
    component.places = places;
    let evidence = typed::<Evidence<'_>>(one.evidence);
    let all = evidence.map(|it| some::<Occurrence<'_>>(it.occurrences, damaged));
    let all = all.unwrap_or_default().into_iter().map(|it| it.location.0);
    component.places.extend(all);
    component
}
