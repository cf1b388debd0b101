//! Syft's own JSON: packages with the lists of files that databases have of them, and the places where they
//! were found.

use super::{Component, Document, FILES_MAX, MOST, Sbom, list, some};
use crate::json::{Many, Raw, Word, typed};
use serde::Deserialize;
use std::borrow::Cow;

/// Of the schema, and of the tool that wrote it.
#[derive(Deserialize)]
struct Version<'a> {
    #[serde(borrow, default)]
    version: Word<'a>,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow, default)]
    metadata: Raw<'a>,
    /// Of older ones, in its place.
    #[serde(borrow, default)]
    target: Raw<'a>,
}

#[derive(Deserialize)]
struct Image<'a> {
    #[serde(borrow, default, rename = "imageID")]
    id: Word<'a>,
    #[serde(borrow, default, rename = "manifestDigest")]
    manifest: Word<'a>,
    #[serde(borrow, default, rename = "repoDigests")]
    digests: Raw<'a>,
    #[serde(borrow, default)]
    layers: Raw<'a>,
}

#[derive(Deserialize)]
struct Layer<'a> {
    #[serde(borrow, default)]
    digest: Word<'a>,
}

#[derive(Deserialize)]
struct Artifact<'a> {
    #[serde(borrow, default)]
    name: Word<'a>,
    #[serde(borrow, default)]
    version: Word<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow, default)]
    purl: Word<'a>,
    #[serde(borrow, default)]
    locations: Raw<'a>,
    #[serde(borrow, default)]
    metadata: Raw<'a>,
}

#[derive(Deserialize)]
struct Place<'a> {
    #[serde(borrow, default)]
    path: Word<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    files: Raw<'a>,
    /// From where names of Python's files lead.
    #[serde(borrow, default, rename = "sitePackagesRootPath")]
    root: Word<'a>,
}

/// The version of its schema.
pub(super) fn version<'a>(document: &Document<'a>) -> Cow<'a, str> {
    let schema = typed::<Version<'a>>(document.schema);
    schema.map(|it| it.version.0).unwrap_or_default()
}

/// The version of the tool; empty where it does not say.
pub(super) fn tool<'a>(document: &Document<'a>) -> Cow<'a, str> {
    let tool = typed::<Version<'a>>(document.descriptor);
    tool.map(|it| it.version.0).unwrap_or_default()
}

pub(super) fn read<'a>(document: &Document<'a>, sbom: &mut Sbom<'a>) -> Result<(), String> {
    if let Some(source) = typed::<Source<'a>>(document.source)
        && source.kind.0 == "image"
        && let Some(image) = typed::<Image<'a>>(source.metadata.or(source.target))
    {
        let digests = some::<Word<'a>>(image.digests, &mut sbom.damaged);
        for text in [image.id, image.manifest].iter().chain(&digests) {
            sbom.of_image(&text.0);
        }
        for layer in some::<Layer<'a>>(image.layers, &mut sbom.damaged) {
            sbom.of_layer(&layer.digest.0);
        }
    }
    for raw in list::<MOST>(document.artifacts, "artifacts")? {
        let Some(one) = typed::<Artifact<'a>>(raw) else {
            sbom.damaged += 1;
            continue;
        };
        let places = some::<Place<'a>>(one.locations, &mut sbom.damaged);
        let metadata = typed::<Metadata<'a>>(one.metadata);
        let name = one.name.0.into_owned();
        let mut component = Component::of(one.purl, &one.kind.0, name, &one.version.0);
        component.places = places.into_iter().map(|it| it.path.0).collect();
        if let Some(metadata) = metadata {
            component.files = files(metadata, sbom)?;
        }
        sbom.add(component)?;
    }
    Ok(())
}

/// Files of a database are paths in the image; those of Python lead from its folder. A list that is none, or too long
/// a one, counts as damaged.
fn files<'a>(metadata: Metadata<'a>, sbom: &mut Sbom<'a>) -> Result<Vec<Cow<'a, str>>, String> {
    let root = metadata.root.0;
    let listed = typed::<Many<Raw<'a>, FILES_MAX>>(metadata.files);
    if listed.is_none() {
        sbom.damaged += u64::from(metadata.files.is_some());
    }
    let mut files = Vec::new();
    for raw in listed.into_iter().flat_map(|all| all.0) {
        // Of some kinds they are texts.
        let path = typed::<Place<'a>>(raw).map(|place| place.path.0);
        let path = path.or_else(|| typed::<Word<'a>>(raw).map(|word| word.0));
        let Some(path) = path.filter(|path| !path.is_empty()) else {
            continue;
        };
        let is_whole = path.starts_with('/') || root.is_empty();
        let length = match is_whole {
            true => path.len(),
            false => root.len() + 1 + path.len(),
        };
        if !sbom.can_be(length) {
            continue;
        }
        files.push(match is_whole {
            true => path,
            false => {
                sbom.copy(length)?;
                Cow::Owned(format!("{root}/{path}"))
            }
        });
    }
    Ok(files)
}
