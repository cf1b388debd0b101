//! Which image of a store is meant, and what it is made of: `index.json` and `oci-layout` of the OCI
//! image layout 1.1, or `manifest.json` of `docker save`.

mod platform;

use self::platform::{Platform, own_platform};
use crate::error::Error;
use crate::reference::{blob, hash, is_same};
use crate::run::Run;
use crate::store::Store;
use lapwing_profile::text::canonical;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Bytes of one JSON document at most. What registries take is 4 MiB.
const DOCUMENT_MAX: u64 = 8 << 20;
/// Layers of an image at most: overlayfs stacks 500.
const LAYERS_MAX: usize = 1000;
/// Indexes that lie in one another.
const DEPTH_MAX: usize = 4;
/// Manifests that are listed in an error.
const LISTED_MAX: usize = 10;
const REFERENCE: &str = "org.opencontainers.image.ref.name";
const FULL_NAME: &str = "io.containerd.image.name";

/// Which image of a store is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its name or digest, where there are several.
    pub name: Option<String>,
    /// Its platform, as `linux/arm64`; that of this machine by default.
    pub platform: Option<String>,
}

/// An image, of which no layer was read.
#[derive(Debug)]
pub(crate) struct Layout {
    pub name: Option<String>,
    /// Of its manifest, where it has one by digest.
    pub digest: Option<String>,
    /// Of its configuration: what Docker calls the image's id. Folders of layers come without.
    pub id: Option<String>,
    /// Bytes of its configuration.
    pub config_bytes: u64,
    /// Folders of layers come without.
    pub config: Option<Config>,
    pub layers: Vec<Blob>,
}

/// One layer as it lies in the store.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub name: String,
    /// Of the bytes in the store.
    pub digest: Option<String>,
    /// Of the unpacked tar.
    pub diff_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    platform: Option<Platform>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    config: Descriptor,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

impl Saved {
    /// What the name of its configuration says of its digest.
    fn id(&self) -> String {
        let digits = self.config.rsplit('/').next().unwrap_or_default();
        format!("sha256:{}", digits.strip_suffix(".json").unwrap_or(digits))
    }
}

/// The configuration of an image, as far as it is used.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    pub config: Option<Run>,
    #[serde(default)]
    rootfs: Option<Rootfs>,
    #[serde(default)]
    pub history: Option<Vec<History>>,
}

#[derive(Debug, Deserialize)]
struct Rootfs {
    #[serde(default)]
    diff_ids: Option<Vec<String>>,
}

/// One step that made it.
#[derive(Debug, Deserialize)]
pub(crate) struct History {
    #[serde(default)]
    pub created_by: Option<String>,
    #[serde(default)]
    pub empty_layer: bool,
}

impl Config {
    /// As `linux/arm64`.
    pub(crate) fn platform(&self) -> String {
        let platform = Platform {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
            variant: self.variant.clone(),
        };
        platform.text()
    }
}

/// A digest as images write it.
pub(crate) fn digest_text(sum: &[u8]) -> String {
    let digits: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, Error> {
    // The library does not descend into what is not asked for, however deep it is.
    serde_json::from_slice(bytes).map_err(|error| {
        let shown = canonical(error.to_string().as_bytes());
        Error::format(
            canonical(name.as_bytes()),
            format!("not the JSON of an image: {shown}"),
        )
    })
}

/// A document whose bytes are what its digest says.
fn document<T: DeserializeOwned>(store: &Store, digest: &str) -> Result<T, Error> {
    measured(store, digest).map(|(document, _)| document)
}

/// The same, and how many bytes it has.
fn measured<T: DeserializeOwned>(store: &Store, digest: &str) -> Result<(T, u64), Error> {
    let name = blob(digest)?;
    let bytes = store.small(&name, DOCUMENT_MAX)?;
    let found = digest_text(&Sha256::digest(&bytes));
    if found != digest {
        return Err(Error::Digest {
            what: name,
            said: digest.to_owned(),
            found,
        });
    }
    Ok((parse(&name, &bytes)?, bytes.len() as u64))
}

impl Layout {
    /// What a container of it runs, as far as that is known.
    pub(crate) fn run(&self) -> Option<&Run> {
        self.config.as_ref()?.config.as_ref()
    }

    /// The steps that made it, as far as they are known.
    pub(crate) fn history(&self) -> &[History] {
        let history = self.config.as_ref().and_then(|it| it.history.as_deref());
        history.unwrap_or_default()
    }

    /// Finds the image.
    pub(crate) fn find(store: &Store, wanted: &Wanted) -> Result<Self, Error> {
        if store.has("index.json") {
            return of_index(store, wanted);
        }
        if store.has("manifest.json") {
            return of_saved(store, wanted);
        }
        Err(Error::format(
            "no image",
            "there is neither an index.json (OCI layout) nor a manifest.json (docker save)",
        ))
    }

    fn checked(mut self, config: Config, wanted: &Wanted) -> Result<Self, Error> {
        let diff_ids = diff_ids(&config);
        if self.layers.len() > LAYERS_MAX {
            let why = format!(
                "it has {} layers, and at most {LAYERS_MAX} are read",
                self.layers.len()
            );
            return Err(Error::format("the manifest", why));
        }
        let platform = config.platform();
        let own = Platform {
            os: config.os.clone(),
            architecture: config.architecture.clone(),
            variant: config.variant.clone(),
        };
        // Without an index there is nothing to choose, and any platform is read.
        if let Some(wanted) = wanted.platform.as_ref().filter(|wanted| !own.is(wanted)) {
            return Err(Error::Choice {
                why: format!("no image for {}", canonical(wanted.as_bytes())),
                there: platform,
            });
        }
        if diff_ids.len() != self.layers.len() {
            let why = format!(
                "it names {} layers, and the manifest {}",
                diff_ids.len(),
                self.layers.len()
            );
            return Err(Error::format("the configuration", why));
        }
        for (layer, diff_id) in self.layers.iter_mut().zip(diff_ids) {
            hash(&diff_id)?;
            layer.diff_id = Some(diff_id);
        }
        self.config = Some(config);
        Ok(self)
    }
}

fn diff_ids(config: &Config) -> Vec<String> {
    let ids = config
        .rootfs
        .as_ref()
        .and_then(|root| root.diff_ids.clone());
    ids.unwrap_or_default()
}

fn name_of(descriptor: &Descriptor) -> Option<&String> {
    let all = descriptor.annotations.as_ref()?;
    all.get(FULL_NAME).or_else(|| all.get(REFERENCE))
}

fn listed<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = all.collect();
    let mut text = (all
        .iter()
        .take(LISTED_MAX)
        .map(|one| canonical(one.as_bytes())))
    .collect::<Vec<_>>()
    .join(", ");
    if all.len() > LISTED_MAX {
        text.push_str(&format!(" and {} more", all.len() - LISTED_MAX));
    }
    match text.is_empty() {
        true => "none".to_owned(),
        false => text,
    }
}

fn of_index(store: &Store, wanted: &Wanted) -> Result<Layout, Error> {
    let bytes = store.small("index.json", DOCUMENT_MAX)?;
    let mut index: Index = parse("index.json", &bytes)?;
    if let Some(name) = &wanted.name {
        let there = listed(
            index
                .manifests
                .iter()
                .filter_map(name_of)
                .map(String::as_str),
        );
        let is = |one: &Descriptor| {
            let all = one.annotations.as_ref();
            let mut all = all
                .into_iter()
                .flat_map(|all| [all.get(FULL_NAME), all.get(REFERENCE)]);
            all.any(|known| known.is_some_and(|known| is_same(known, name))) || one.digest == *name
        };
        index.manifests.retain(is);
        if index.manifests.is_empty() {
            return Err(Error::Choice {
                why: format!("no image is called {}", canonical(name.as_bytes())),
                there,
            });
        }
    }
    let names: std::collections::BTreeSet<&String> =
        index.manifests.iter().filter_map(name_of).collect();
    if names.len() > 1 && !(wanted.name.is_some() && is_one(&index.manifests)) {
        return Err(Error::Choice {
            why: "there are several images: say which with --image NAME".to_owned(),
            there: listed(names.into_iter().map(String::as_str)),
        });
    }
    let name = names.into_iter().next().cloned();
    let chosen = choose(store, index, wanted, DEPTH_MAX)?;
    let manifest: Manifest = document(store, &chosen.digest)?;
    let (config, config_bytes) = measured::<Config>(store, &manifest.config.digest)?;
    let layers = (manifest.layers.iter().take(LAYERS_MAX + 1))
        .map(|layer| {
            let name = blob(&layer.digest)?;
            if layer.media_type.contains("encrypted") {
                return Err(Error::format(name, "the layer is encrypted"));
            }
            Ok(Blob {
                name,
                digest: Some(layer.digest.clone()),
                diff_id: None,
            })
        })
        .collect::<Result<_, _>>()?;
    let layout = Layout {
        name,
        digest: Some(chosen.digest),
        id: Some(manifest.config.digest),
        config_bytes,
        config: None,
        layers,
    };
    layout.checked(config, wanted)
}

/// Whether all are the same.
fn is_one(all: &[Descriptor]) -> bool {
    all.windows(2).all(|two| two[0].digest == two[1].digest)
}

/// The manifest that is meant, through indexes that lie in one another.
fn choose(store: &Store, index: Index, wanted: &Wanted, depth: usize) -> Result<Descriptor, Error> {
    let is_index = |one: &Descriptor| {
        one.media_type.contains("image.index") || one.media_type.contains("manifest.list")
    };
    // Attestations of builds are manifests of no platform.
    let is_image = |one: &Descriptor| match &one.platform {
        Some(platform) => platform.os != "unknown",
        None => true,
    };
    let all: Vec<Descriptor> = index.manifests.into_iter().filter(is_image).collect();
    let one = match all.len() {
        0 => return Err(Error::format("index.json", "it lists no image")),
        _ if is_one(&all) => &all[0],
        _ => {
            let platform = wanted.platform.clone().unwrap_or_else(own_platform);
            let is = |one: &&Descriptor| one.platform.as_ref().is_some_and(|own| own.is(&platform));
            // Of several of one platform, the one that is there: what saved the image may have left
            // out the others.
            let fitting: Vec<&Descriptor> = all.iter().filter(is).collect();
            let there = |one: &&Descriptor| blob(&one.digest).is_ok_and(|name| store.has(&name));
            let found = (fitting.iter().copied().find(there)).or(fitting.first().copied());
            let own = |one: &Descriptor| one.platform.as_ref().map(Platform::text);
            // Within an index, a digest chooses nothing.
            let others: Vec<&Descriptor> = match found {
                _ if depth < DEPTH_MAX => Vec::new(),
                None => all.iter().filter(|one| one.platform.is_none()).collect(),
                Some(found) => (fitting.iter().copied())
                    .filter(|one| there(one) && own(one) == own(found))
                    .filter(|one| one.digest != found.digest)
                    .collect(),
            };
            if !others.is_empty() {
                let all = found.into_iter().chain(others);
                return Err(Error::Choice {
                    why: "there are several images: say which with --image DIGEST".to_owned(),
                    there: listed(all.map(|one| &*one.digest)),
                });
            }
            found.ok_or_else(|| {
                let platforms: Vec<String> = (all.iter())
                    .map(|one| one.platform.as_ref().map_or("?".to_owned(), Platform::text))
                    .collect();
                Error::Choice {
                    why: format!(
                        "no image for {}: say which with --platform",
                        canonical(platform.as_bytes())
                    ),
                    there: listed(platforms.iter().map(String::as_str)),
                }
            })?
        }
    };
    if !is_index(one) {
        return Ok(one.clone());
    }
    if depth == 0 {
        return Err(Error::format(
            "index.json",
            "its indexes lie too deep in one another",
        ));
    }
    choose(store, document(store, &one.digest)?, wanted, depth - 1)
}

fn of_saved(store: &Store, wanted: &Wanted) -> Result<Layout, Error> {
    let bytes = store.small("manifest.json", DOCUMENT_MAX)?;
    let all: Vec<Saved> = parse("manifest.json", &bytes)?;
    let tags = |saved: &Saved| saved.repo_tags.clone().unwrap_or_default();
    let names: Vec<String> = (all.iter())
        .flat_map(|saved| match tags(saved) {
            none if none.is_empty() => vec![saved.id()],
            tags => tags,
        })
        .collect();
    let is = |saved: &&Saved| match &wanted.name {
        Some(name) => tags(saved).iter().any(|tag| is_same(tag, name)) || saved.id() == *name,
        None => true,
    };
    let fitting: Vec<&Saved> = all.iter().filter(is).collect();
    let [saved] = fitting[..] else {
        let why = match &wanted.name {
            Some(name) => format!("no image is called {}", canonical(name.as_bytes())),
            None => "there is not one image: say which with --image NAME or DIGEST".to_owned(),
        };
        let there = listed(names.iter().map(String::as_str));
        return Err(Error::Choice { why, there });
    };
    let bytes = store.small(&saved.config, DOCUMENT_MAX)?;
    let id = digest_text(&Sha256::digest(&bytes));
    let said = saved.id();
    if hash(&said).is_ok() && said != id {
        return Err(Error::Digest {
            what: canonical(saved.config.as_bytes()),
            said,
            found: id,
        });
    }
    let config: Config = parse(&saved.config, &bytes)?;
    let layers = (saved.layers.iter())
        .map(|name| Blob {
            name: name.clone(),
            digest: None,
            diff_id: None,
        })
        .collect();
    let layout = Layout {
        name: wanted
            .name
            .clone()
            .or_else(|| tags(saved).into_iter().next()),
        digest: None,
        id: Some(id),
        config_bytes: bytes.len() as u64,
        config: None,
        layers,
    };
    layout.checked(config, wanted)
}
