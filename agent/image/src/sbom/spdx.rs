//! SPDX 2: packages, files, and what contains what.

use super::{Component, Document, FILES_MAX, MOST, Sbom, digest, list, some};
use crate::json::{Raw, Word, typed};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow, default, rename = "SPDXID")]
    id: Word<'a>,
    #[serde(borrow, default)]
    name: Word<'a>,
    #[serde(borrow, default, rename = "versionInfo")]
    version: Word<'a>,
    #[serde(borrow, default, rename = "primaryPackagePurpose")]
    purpose: Word<'a>,
    #[serde(borrow, default, rename = "externalRefs")]
    references: Raw<'a>,
    #[serde(borrow, default)]
    checksums: Raw<'a>,
    #[serde(borrow, default, rename = "attributionTexts")]
    attributions: Raw<'a>,
    #[serde(borrow, default)]
    annotations: Raw<'a>,
    #[serde(borrow, default, rename = "hasFiles")]
    files: Raw<'a>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow, default, rename = "referenceType")]
    kind: Word<'a>,
    #[serde(borrow, default, rename = "referenceLocator")]
    locator: Word<'a>,
}

#[derive(Deserialize)]
struct Checksum<'a> {
    #[serde(borrow, default)]
    algorithm: Word<'a>,
    #[serde(borrow, default, rename = "checksumValue")]
    value: Word<'a>,
}

#[derive(Deserialize)]
struct Annotation<'a> {
    #[serde(borrow, default)]
    comment: Word<'a>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default, rename = "SPDXID")]
    id: Word<'a>,
    #[serde(borrow, default, rename = "fileName")]
    name: Word<'a>,
}

#[derive(Deserialize)]
struct Relationship<'a> {
    #[serde(borrow, default, rename = "spdxElementId")]
    of: Word<'a>,
    #[serde(borrow, default, rename = "relationshipType")]
    kind: Word<'a>,
    #[serde(borrow, default, rename = "relatedSpdxElement")]
    to: Word<'a>,
    #[serde(borrow, default)]
    comment: Word<'a>,
}

/// Names that elements have in the document.
pub(super) type Ids<'a> = Vec<Cow<'a, str>>;

/// Which elements the document is of, and which files its packages contain or were found at.
struct Edges<'a> {
    described: HashSet<Cow<'a, str>>,
    contained: HashMap<Cow<'a, str>, Ids<'a>>,
    evident: HashMap<Cow<'a, str>, Ids<'a>>,
}

fn edges<'a>(document: &Document<'a>, damaged: &mut u64) -> Result<Edges<'a>, String> {
    let described = some::<Word<'a>>(document.describes, damaged);
    let mut edges = Edges {
        described: described.into_iter().map(|it| it.0).collect(),
        contained: HashMap::new(),
        evident: HashMap::new(),
    };
    for raw in list::<FILES_MAX>(document.relationships, "relationships")? {
        let Some(one) = typed::<Relationship<'a>>(raw) else {
            continue;
        };
        let (package, file) = match &*one.kind.0 {
            "DESCRIBES" => {
                edges.described.insert(one.to.0);
                continue;
            }
            "DESCRIBED_BY" => {
                edges.described.insert(one.of.0);
                continue;
            }
            "CONTAINS" => (one.of.0, one.to.0),
            "CONTAINED_BY" => (one.to.0, one.of.0),
            // Of Syft, for which SPDX 2 has no word.
            "OTHER" if one.comment.0.starts_with("evident-by:") => {
                edges.evident.entry(one.of.0).or_default().push(one.to.0);
                continue;
            }
            _ => continue,
        };
        edges.contained.entry(package).or_default().push(file);
    }
    Ok(edges)
}

pub(super) fn read<'a>(document: &Document<'a>, sbom: &mut Sbom<'a>) -> Result<(), String> {
    let mut edges = edges(document, &mut sbom.damaged)?;
    let mut files: HashMap<Cow<'a, str>, Cow<'a, str>> = HashMap::new();
    for raw in list::<FILES_MAX>(document.files, "files")? {
        match typed::<File<'a>>(raw) {
            Some(file) if sbom.can_be(file.name.0.len()) => {
                files.insert(file.id.0, file.name.0);
            }
            Some(_) => {}
            None => sbom.damaged += 1,
        }
    }
    for raw in list::<MOST>(document.packages, "packages")? {
        let Some(mut one) = typed::<Package<'a>>(raw) else {
            sbom.damaged += 1;
            continue;
        };
        let is_purl = |it: &Reference<'a>| it.kind.0 == "purl";
        let references = some::<Reference<'a>>(one.references, &mut sbom.damaged);
        let purl = references.into_iter().find(is_purl).map(|it| it.locator);
        let purl = purl.unwrap_or_default();
        if is_image(&one, &purl.0) {
            if edges.described.contains(&one.id.0) {
                of_image(&one, &purl.0, sbom);
            }
            continue;
        }
        // Of Trivy: the system, and files that name others.
        let is_frame = one.purpose.0 == "OPERATING-SYSTEM"
            || one.purpose.0 == "APPLICATION" && purl.0.is_empty();
        if is_frame {
            continue;
        }
        let mut ids = edges.contained.remove(&one.id.0).unwrap_or_default();
        let more = some::<Word<'a>>(one.files, &mut sbom.damaged);
        ids.extend(more.into_iter().map(|it| it.0));
        let contained = paths(&ids, &files, sbom)?;
        let evident = edges.evident.remove(&one.id.0).unwrap_or_default();
        let places = paths(&evident, &files, sbom)?;
        let name = std::mem::take(&mut one.name.0).into_owned();
        let mut component = Component::of(purl, "", name, &one.version.0);
        component.contains(contained);
        component.places = places;
        sbom.add(component)?;
    }
    Ok(())
}

/// What files are called.
pub(super) fn paths<'a>(
    ids: &Ids<'a>,
    files: &HashMap<Cow<'a, str>, Cow<'a, str>>,
    sbom: &mut Sbom<'a>,
) -> Result<Vec<Cow<'a, str>>, String> {
    let mut all = Vec::new();
    for path in ids.iter().filter_map(|id| files.get(id)) {
        if let Cow::Owned(path) = path {
            sbom.copy(path.len())?;
        }
        all.push(path.clone());
    }
    Ok(all)
}

/// Whether a package URL is one of an image.
pub(super) fn is_of_image(purl: &str) -> bool {
    let starts = ["pkg:oci/", "pkg:docker/"];
    starts.iter().any(|start| purl.starts_with(start))
}

/// Takes the digest of an image from its package URL.
pub(super) fn of_url(purl: &str, sbom: &mut Sbom<'_>) {
    let purl = purl.replace("%3A", ":").replace("%3a", ":");
    sbom.of_image(purl.split(['?', '#']).next().unwrap_or_default());
}

fn is_image(one: &Package<'_>, purl: &str) -> bool {
    one.purpose.0 == "CONTAINER"
        || is_of_image(purl)
        || one.id.0.starts_with("SPDXRef-DocumentRoot-")
}

fn of_image(one: &Package<'_>, purl: &str, sbom: &mut Sbom<'_>) {
    sbom.of_image(&one.version.0);
    of_url(purl, sbom);
    for sum in some::<Checksum<'_>>(one.checksums, &mut sbom.damaged) {
        if sum.algorithm.0 == "SHA256" {
            sbom.of_image(&format!("sha256:{}", sum.value.0));
        }
    }
    // Of Trivy: a key, a colon, and the value.
    let texts = some::<Word<'_>>(one.attributions, &mut sbom.damaged)
        .into_iter()
        .map(|it| it.0);
    let comments = some::<Annotation<'_>>(one.annotations, &mut sbom.damaged)
        .into_iter()
        .map(|it| it.comment.0);
    for text in texts.chain(comments) {
        let Some((key, value)) = text.split_once(": ") else {
            continue;
        };
        match key {
            "ImageID" | "RepoDigest" => sbom.of_image(value),
            "DiffID" if digest(value).is_some() => sbom.of_layer(value),
            _ => {}
        }
    }
}
