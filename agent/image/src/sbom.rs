//! A bill of materials (SBOM) that somebody else made of an image: CycloneDX, SPDX or Syft's own, in JSON.
//!
//! It names packages of kinds that are not read here, as those of Java, and which files they have.
//! Which kind it is says its content. What it says is taken as a claim: its packages and files are looked for in the
//! image, and one whose files are not told is of unknown use.

mod cyclonedx;
mod spdx;
mod spdx3;
mod syft;

use crate::json::{Many, Raw, Word, typed};
use crate::package_url::{self, IMAGE, OTHER, PackageUrl};
use crate::tree::PATH_MAX;
use lapwing_profile::text::canonical;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Bytes of a document that are read.
pub const BYTES_MAX: usize = 128 << 20;
/// Packages, and members of other lists.
const MOST: usize = 100_000;
/// Files of all packages, and what says whose they are.
const FILES_MAX: usize = 1_000_000;
/// Bytes of paths that are put together or copied, beside those that stand in the document: a short text may name a
/// long one many times.
const PATHS_MAX: usize = BYTES_MAX;
/// Bytes of what the document says of itself.
const TEXT_MAX: usize = 100;
/// Digests of images and layers that are kept.
const DIGESTS_MAX: usize = 1_000;

/// Where to get one from.
const TAKEN: &str = "taken are JSON of CycloneDX, SPDX 2, SPDX 3.0 and Syft, as of `syft IMAGE -o syft-json`, \
     `syft IMAGE -o spdx-json` or `trivy image -f cyclonedx IMAGE`";

/// A document that was read.
#[derive(Debug)]
pub struct Sbom<'a> {
    /// As `CycloneDX 1.6`.
    pub(crate) form: String,
    /// Digests of the image that it is of.
    pub(crate) digests: Vec<String>,
    /// Digests of the unpacked layers of it.
    pub(crate) layers: Vec<String>,
    pub(crate) components: Vec<Component<'a>>,
    /// Components, and lists of what belongs to one, that could not be read.
    pub(crate) damaged: u64,
    /// Files in paths that are longer than any of an image.
    pub(crate) missing: u64,
    files: usize,
    /// Bytes of paths that were put together or copied.
    copied: usize,
}

/// A package of it.
#[derive(Debug, Default)]
pub(crate) struct Component<'a> {
    pub kind: &'static str,
    pub name: String,
    pub version: String,
    pub architecture: String,
    /// Its package URL as it stands there.
    pub purl: Cow<'a, str>,
    /// Its files, below the root of the image.
    pub files: Vec<Cow<'a, str>>,
    /// Whether these may merely name it: then they count where one of them holds code.
    pub may_name: bool,
    /// Where it was found: its own file, or what names it, as the database of a system.
    pub places: Vec<Cow<'a, str>>,
}

/// What a document said, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// As `CycloneDX 1.6`.
    pub form: String,
    /// Whether it is of this image, by digests; `None` where it does not say, or those of this image are unknown.
    pub same_image: Option<bool>,
    /// Packages that it names.
    pub packages: u64,
    /// Of these, the ones that the image's own databases name too, or that it names again.
    pub merged: u64,
    /// Of these, the ones of which no file of the image is known: their use is unknown.
    pub without_files: u64,
    /// Files that it names and the image does not have.
    pub missing_files: u64,
    /// Components, and lists of what belongs to one, that could not be read.
    pub damaged: u64,
}

/// All documents, as far as they tell them apart.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default, rename = "bomFormat")]
    format: Word<'a>,
    #[serde(borrow, default, rename = "specVersion")]
    version: Word<'a>,
    #[serde(borrow, default, rename = "spdxVersion")]
    spdx: Word<'a>,
    #[serde(borrow, default)]
    metadata: Raw<'a>,
    #[serde(borrow, default)]
    components: Raw<'a>,
    #[serde(borrow, default)]
    packages: Raw<'a>,
    #[serde(borrow, default)]
    files: Raw<'a>,
    #[serde(borrow, default)]
    relationships: Raw<'a>,
    #[serde(borrow, default, rename = "documentDescribes")]
    describes: Raw<'a>,
    #[serde(borrow, default)]
    artifacts: Raw<'a>,
    #[serde(borrow, default)]
    source: Raw<'a>,
    #[serde(borrow, default)]
    schema: Raw<'a>,
    #[serde(borrow, default)]
    descriptor: Raw<'a>,
    #[serde(borrow, default, rename = "@context")]
    context: Raw<'a>,
    #[serde(borrow, default, rename = "@graph")]
    graph: Raw<'a>,
    #[serde(borrow, default)]
    matches: Raw<'a>,
    #[serde(borrow, default, rename = "Results")]
    results: Raw<'a>,
}

/// The members of a list, which are looked into one by one.
pub(crate) fn list<'a, const MOST: usize>(
    raw: Raw<'a>,
    what: &str,
) -> Result<Vec<Raw<'a>>, String> {
    let Some(raw) = raw else {
        return Ok(Vec::new());
    };
    let all: Result<Many<_, MOST>, _> = serde_json::from_str(raw.get());
    all.map(|all| all.0)
        .map_err(|error| format!("`{what}`: {error}"))
}

/// What can be read of a list that matters less than what it is of; one that cannot counts as damaged.
fn some<'a, T: Deserialize<'a>>(raw: Raw<'a>, damaged: &mut u64) -> Vec<T> {
    match typed::<Many<T, MOST>>(raw) {
        Some(all) => all.0,
        None => {
            *damaged += u64::from(raw.is_some());
            Vec::new()
        }
    }
}

/// Whether a text is a digest.
fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:");
    digits.is_some_and(|it| it.len() == 64 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A digest at the end of a text, as of `NAME@sha256:...`.
pub(crate) fn digest(text: &str) -> Option<String> {
    let end = text.rsplit('@').next().unwrap_or_default();
    is_digest(end).then(|| end.to_ascii_lowercase())
}

impl<'a> Sbom<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// In one line, where the bytes are none of these documents, or too large a one.
    pub fn read(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.len() > BYTES_MAX {
            let most = BYTES_MAX >> 20;
            return Err(format!("it has more than the {most} MiB that are read"));
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(text)
            .map_err(|error| format!("it is no text in UTF-8 ({error}): {TAKEN}"))?;
        let start = text.trim_start();
        if start.starts_with('<') {
            return Err(format!("it is XML: {TAKEN}"));
        }
        if start.starts_with("SPDXVersion:") {
            return Err(format!("it is SPDX of tags and values: {TAKEN}"));
        }
        if !start.starts_with('{') {
            return Err(format!("it is no JSON object: {TAKEN}"));
        }
        let document: Document<'a> =
            serde_json::from_str(text).map_err(|error| format!("it cannot be read: {error}"))?;
        let mut sbom = Self {
            form: String::new(),
            digests: Vec::new(),
            layers: Vec::new(),
            components: Vec::new(),
            damaged: 0,
            missing: 0,
            files: 0,
            copied: 0,
        };
        let of = |name: &str, version: &str| {
            let end = version.len().min(TEXT_MAX);
            format!("{name} {}", canonical(&version.as_bytes()[..end]))
                .trim_end()
                .to_owned()
        };
        if document.format.0 == "CycloneDX" {
            sbom.form = of("CycloneDX", &document.version.0);
            cyclonedx::read(&document, &mut sbom)?;
        } else if let Some(version) = document.spdx.0.strip_prefix("SPDX-") {
            sbom.form = of("SPDX", version);
            if !version.starts_with("2.") {
                return Err(format!("it is {}: {TAKEN}", sbom.form));
            }
            spdx::read(&document, &mut sbom)?;
        } else if let Some(version) = spdx3::version(&document) {
            sbom.form = of("SPDX", &version);
            if version != "3.0" && !version.starts_with("3.0.") {
                return Err(format!("it is {}: {TAKEN}", sbom.form));
            }
            spdx3::read(&document, &mut sbom)?;
        } else if document.graph.is_some() {
            return Err(format!(
                "it is JSON-LD whose `@context` is none of SPDX: {TAKEN}"
            ));
        } else if document.artifacts.is_some() {
            sbom.form = match (&*syft::tool(&document), &*syft::version(&document)) {
                ("", "") => "Syft".to_owned(),
                ("", schema) => of("Syft, schema", schema),
                (version, _) => of("Syft", version),
            };
            syft::read(&document, &mut sbom)?;
        } else if document.matches.is_some() || document.results.is_some() {
            return Err(format!(
                "it is a report of vulnerabilities, which `advise image` takes with --vulnerabilities: {TAKEN}"
            ));
        } else {
            return Err(format!("it is no SBOM of a known kind: {TAKEN}"));
        }
        Ok(sbom)
    }

    /// Whether it is of an image of these digests and layers; `None` where it does not say, or nobody knows these.
    pub(crate) fn is_of(&self, digests: &[&str], layers: &[&str]) -> Option<bool> {
        // Some list layers in an order of their own.
        let mut own: Vec<&str> = self.layers.iter().map(String::as_str).collect();
        let mut layers = layers.to_vec();
        own.sort_unstable();
        layers.sort_unstable();
        let is_same = self.digests.iter().any(|one| digests.contains(&&**one))
            || !own.is_empty() && own == layers;
        let has_digests = !self.digests.is_empty() && !digests.is_empty();
        let has_layers = !own.is_empty() && !layers.is_empty();
        (has_digests || has_layers).then_some(is_same)
    }

    fn of_image(&mut self, text: &str) {
        if let Some(digest) = digest(text).filter(|_| self.digests.len() < DIGESTS_MAX) {
            self.digests.push(digest);
        }
    }

    fn of_layer(&mut self, text: &str) {
        if let Some(digest) = digest(text).filter(|_| self.layers.len() < DIGESTS_MAX) {
            self.layers.push(digest);
        }
    }

    /// Counts files, of which there may be so many.
    fn count(&mut self, files: usize) -> Result<(), String> {
        self.files += files;
        match self.files > FILES_MAX {
            true => Err(format!(
                "it names more than {FILES_MAX} files, which are more than are read"
            )),
            false => Ok(()),
        }
    }

    /// Whether a path of so many bytes can be one of an image; else its file is missing.
    fn can_be(&mut self, length: usize) -> bool {
        let can_be = length <= PATH_MAX;
        self.missing += u64::from(!can_be);
        can_be
    }

    /// Counts the bytes of a path before it is put together or copied.
    fn copy(&mut self, length: usize) -> Result<(), String> {
        self.copied += length;
        match self.copied > PATHS_MAX {
            true => Err(format!(
                "its paths take more than {} MiB together, which are more than are read",
                PATHS_MAX >> 20
            )),
            false => Ok(()),
        }
    }

    fn add(&mut self, component: Component<'a>) -> Result<(), String> {
        self.count(component.files.len() + component.places.len())?;
        // Images in it are what it is of.
        if component.kind == IMAGE {
            return Ok(());
        }
        if component.name.is_empty() {
            self.damaged += 1;
            return Ok(());
        }
        if self.components.len() == MOST {
            return Err(format!(
                "it names more than {MOST} packages, which are more than are read"
            ));
        }
        self.components.push(component);
        Ok(())
    }
}

impl<'a> Component<'a> {
    /// What it is said to contain. Of a package of a system that is the list of its database, of others it may be
    /// the place where a scanner found it.
    fn contains(&mut self, files: Vec<Cow<'a, str>>) {
        self.may_name = !package_url::is_of_system(self.kind);
        self.files = files;
    }

    /// By its package URL, else by what the document calls it.
    pub(crate) fn of(purl: Word<'a>, kind: &str, name: String, version: &str) -> Self {
        let purl = purl.0;
        match PackageUrl::read(&purl) {
            Some(url) => Self {
                kind: url.kind,
                // Syft parts `semver/v3` of Go where the last folder ends that hosts of code have.
                name: match format!("{}/{}", url.name, url.subpath) {
                    whole if url.kind == "golang" && whole.eq_ignore_ascii_case(&name) => whole,
                    _ => url.name,
                },
                version: match url.version.is_empty() {
                    true => version.to_owned(),
                    false => url.version,
                },
                architecture: url.architecture,
                purl,
                ..Self::default()
            },
            None => Self {
                kind: match kind {
                    "" => OTHER,
                    kind => package_url::kind(kind),
                },
                name,
                version: version.to_owned(),
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests;
