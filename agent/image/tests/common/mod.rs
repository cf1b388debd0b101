//! Images that tests make, entry by entry, also such as no tool makes.

#![allow(dead_code, reason = "each test uses a part")]

pub mod base;
pub mod berkeley;
pub mod elf;
pub mod pod;
pub mod rpm;

use flate2::Compression;
use flate2::write::GzEncoder;
use lapwing_image::inventory::copy::Copy;
use lapwing_image::report::Report;
use lapwing_image::sbom::Sbom;
use lapwing_image::{Error, Limits, Options, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use lapwing_profile::profile::Profile;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::Path;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

/// A layer that grows.
pub struct Layer(pub Builder<Vec<u8>>);

impl Default for Layer {
    fn default() -> Self {
        Self(Builder::new(Vec::new()))
    }
}

impl Layer {
    /// An entry whose name is written as it is, with what a crate would refuse.
    pub fn entry(
        mut self,
        kind: EntryType,
        name: &[u8],
        mode: u32,
        link: &[u8],
        data: &[u8],
    ) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(data.len() as u64);
        let long = |kind, text: &[u8]| {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(text.len() as u64 + 1);
            header.as_mut_bytes()[..13].copy_from_slice(b"././@LongLink");
            header.set_cksum();
            (header, [text, b"\0"].concat())
        };
        if name.len() > 100 {
            let (header, text) = long(EntryType::GNULongName, name);
            self.0.append(&header, &text[..]).unwrap();
        }
        if link.len() > 100 {
            let (header, text) = long(EntryType::GNULongLink, link);
            self.0.append(&header, &text[..]).unwrap();
        }
        let length = name.len().min(100);
        header.as_mut_bytes()[..length].copy_from_slice(&name[..length]);
        let length = link.len().min(100);
        header.as_mut_bytes()[157..157 + length].copy_from_slice(&link[..length]);
        header.set_cksum();
        self.0.append(&header, data).unwrap();
        self
    }

    pub fn file(self, name: &str, data: impl AsRef<[u8]>) -> Self {
        self.entry(
            EntryType::Regular,
            name.as_bytes(),
            0o644,
            b"",
            data.as_ref(),
        )
    }

    pub fn program(self, name: &str, data: impl AsRef<[u8]>) -> Self {
        self.entry(
            EntryType::Regular,
            name.as_bytes(),
            0o755,
            b"",
            data.as_ref(),
        )
    }

    pub fn folder(self, name: &str, mode: u32) -> Self {
        self.entry(EntryType::Directory, name.as_bytes(), mode, b"", b"")
    }

    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(
            EntryType::Symlink,
            name.as_bytes(),
            0o777,
            target.as_bytes(),
            b"",
        )
    }

    pub fn hard_link(self, name: &str, target: &str) -> Self {
        self.entry(
            EntryType::Link,
            name.as_bytes(),
            0o644,
            target.as_bytes(),
            b"",
        )
    }

    /// PAX records for the next entry.
    pub fn pax(mut self, records: &[(&str, &[u8])]) -> Self {
        let records = records.iter().map(|(key, value)| (*key, *value));
        self.0.append_pax_extensions(records).unwrap();
        self
    }

    pub fn tar(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

pub fn digest(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    format!(
        "sha256:{}",
        sum.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    )
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// An OCI layout in a folder.
pub struct Image {
    pub folder: TempDir,
}

impl Image {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn put(&self, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let blobs = self.path().join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        fs::write(blobs.join(&digest[7..]), bytes).unwrap();
        digest
    }

    pub fn empty() -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(
            folder.path().join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
        Self { folder }
    }

    pub fn index(&self, manifests: &Value) {
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        fs::write(self.path().join("index.json"), index.to_string()).unwrap();
    }

    /// Layers as (tar, blob); answers the descriptor of the manifest.
    pub fn manifest(&self, layers: &[(Vec<u8>, Vec<u8>)], config: &Value) -> Value {
        let mut config = config.clone();
        let ids: Vec<String> = layers.iter().map(|(tar, _)| digest(tar)).collect();
        config["rootfs"] = json!({"type": "layers", "diff_ids": ids});
        let config = self.descriptor("config.v1+json", config.to_string().as_bytes());
        let layers: Vec<Value> = (layers.iter())
            .map(|(_, blob)| {
                let packed = match blob[..] {
                    [0x1f, 0x8b, ..] => "+gzip",
                    [0x28, 0xb5, ..] => "+zstd",
                    _ => "",
                };
                self.descriptor(&format!("layer.v1.tar{packed}"), blob)
            })
            .collect();
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
        self.descriptor("manifest.v1+json", manifest.to_string().as_bytes())
    }

    fn descriptor(&self, kind: &str, bytes: &[u8]) -> Value {
        let kind = format!("application/vnd.oci.image.{kind}");
        json!({"mediaType": kind, "digest": self.put(bytes), "size": bytes.len()})
    }

    /// Of layers that are not compressed, for this machine.
    pub fn of(layers: Vec<Layer>) -> Self {
        let tars = layers
            .into_iter()
            .map(Layer::tar)
            .map(|tar| (tar.clone(), tar));
        let image = Self::empty();
        let config = json!({"os": "linux", "architecture": "amd64"});
        let manifest = image.manifest(&tars.collect::<Vec<_>>(), &config);
        image.index(&json!([manifest]));
        image
    }

    pub fn read(&self) -> Result<Report, Error> {
        read(self.path())
    }
}

pub fn read(path: &Path) -> Result<Report, Error> {
    read_as(path, Wanted::default(), Limits::default())
}

pub fn read_as(path: &Path, wanted: Wanted, limits: Limits) -> Result<Report, Error> {
    read_with(path, wanted, limits, None)
}

pub fn read_with(
    path: &Path,
    wanted: Wanted,
    limits: Limits,
    profile: Option<&Profile>,
) -> Result<Report, Error> {
    read_used(path, wanted, limits, profile, None)
}

pub fn read_used(
    path: &Path,
    wanted: Wanted,
    limits: Limits,
    profile: Option<&Profile>,
    export: Option<&Export>,
) -> Result<Report, Error> {
    read_given(path, (wanted, limits), profile, export, None)
}

/// With an SBOM beside it.
pub fn read_given(
    path: &Path,
    (wanted, limits): (Wanted, Limits),
    profile: Option<&Profile>,
    export: Option<&Export>,
    sbom: Option<&Sbom<'_>>,
) -> Result<Report, Error> {
    let known = export.map(|export| export.inventory().unwrap());
    let hide = |text: &mut String| {
        // A value alone, and one that is known by the option before it.
        let mut hidden = 0;
        for secret in ["hunter2", "--token swordfish"] {
            hidden += text.matches(secret).count();
            *text = text.replace(secret, "[redacted]");
        }
        hidden
    };
    let options = Options {
        wanted,
        limits,
        hide: &hide,
        profile,
        inventory: export.zip(known.as_ref()),
        sbom,
    };
    lapwing_image::read(path, &options)
}

/// A tar of files, as `docker save` writes one.
pub fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let layer = files
        .iter()
        .fold(Layer::default(), |tar, (name, bytes)| tar.file(name, bytes));
    layer.tar()
}

/// What is copied of an image with a configuration; `true` beside a path that the container changed.
pub fn copy(layer: Layer, config: &Value, used: &[(&str, bool)]) -> Copy {
    report(layer, config, used).used.unwrap().copy
}

/// The report of such an image.
pub fn report(layer: Layer, config: &Value, used: &[(&str, bool)]) -> Report {
    report_within(layer, config, used, Limits::default())
}

/// The same within limits.
pub fn report_within(
    layer: Layer,
    config: &Value,
    used: &[(&str, bool)],
    limits: Limits,
) -> Report {
    let mut known = Inventory::default();
    known.begin("c1", true);
    for (path, changed) in used {
        known.see(Sight {
            path: path.as_bytes(),
            how: uses::OPEN,
            changed: *changed,
            at: 1_790_000_000,
            image: 0,
        });
    }
    let image = Image::empty();
    let tar = layer.tar();
    let config = json!({"os": "linux", "architecture": "amd64", "config": config});
    let manifest = image.manifest(&[(tar.clone(), tar)], &config);
    image.index(&json!([manifest]));
    let export = Export::of("web", &known);
    let wanted = Wanted::default();
    read_used(image.path(), wanted, limits, None, Some(&export)).unwrap()
}
