//! Syft's own JSON: packages with the lists of files that databases have of them, and the places where they
//! were found.

use super::{Component, Document, FILES_MAX, MOST, Sbom, list};
use crate::json::{Many, Raw, Word, typed};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Schema<'a> {
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

fn some<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> Vec<T> {
    typed::<Many<T, MOST>>(raw)
        .map(|all| all.0)
        .unwrap_or_default()
}

/// The version of its schema.
pub(super) fn version<'a>(document: &Document<'a>) -> Cow<'a, str> {
    let schema = typed::<Schema<'a>>(document.schema);
    schema.map(|it| it.version.0).unwrap_or_default()
}

pub(super) fn read<'a>(document: &Document<'a>, sbom: &mut Sbom<'a>) -> Result<(), String> {
    if let Some(source) = typed::<Source<'a>>(document.source)
        && source.kind.0 == "image"
        && let Some(image) = typed::<Image<'a>>(source.metadata.or(source.target))
    {
        let digests = some::<Word<'a>>(image.digests);
        for text in [image.id, image.manifest].iter().chain(&digests) {
            sbom.of_image(&text.0);
        }
        for layer in some::<Layer<'a>>(image.layers) {
            sbom.of_layer(&layer.digest.0);
        }
    }
    for raw in list::<MOST>(document.artifacts, "artifacts")? {
        let Some(one) = typed::<Artifact<'a>>(raw) else {
            sbom.damaged += 1;
            continue;
        };
        let places = some::<Place<'a>>(one.locations);
        let metadata = typed::<Metadata<'a>>(one.metadata);
        let name = one.name.0.into_owned();
        let mut component = Component::of(one.purl, &one.kind.0, name, &one.version.0);
        component.found_at(places.into_iter().map(|it| it.path.0).collect());
        match metadata.map(files) {
            Some(Some(files)) => component.files = files,
            Some(None) => sbom.damaged += 1,
            None => {}
        }
        sbom.add(component)?;
    }
    Ok(())
}

/// Files of a database are paths in the image; those of Python lead from its folder. `None` where they are no list,
/// or too long a one.
fn files(metadata: Metadata<'_>) -> Option<Vec<Cow<'_, str>>> {
    let root = metadata.root.0;
    let all = match metadata.files {
        Some(_) => typed::<Many<Raw<'_>, FILES_MAX>>(metadata.files)?.0,
        None => Vec::new(),
    };
    // Of some kinds they are texts.
    let paths = all
        .into_iter()
        .filter_map(|raw| match typed::<Place<'_>>(raw) {
            Some(place) => Some(place.path.0),
            None => typed::<Word<'_>>(raw).map(|it| it.0),
        });
    let paths = paths.filter(|path| !path.is_empty());
    let rooted = paths.map(|path| match path.starts_with('/') || root.is_empty() {
        true => path,
        false => Cow::Owned(format!("{root}/{path}")),
    });
    Some(rooted.collect())
}
