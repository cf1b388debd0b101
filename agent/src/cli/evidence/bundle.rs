//! The file that evidence is handed on in: a tar in gzip with one folder, and in it a manifest with the
//! hash of every other file.

use super::changes::digits;
use crate::cli::{Code, Failure};
use anyhow::{Context, anyhow, bail, ensure};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use lapwing_profile::envelope::{self, Kind, Private, Public};
use lapwing_profile::text::{canonical, visible_json};
use ring::digest::{SHA256, digest};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tar::{Archive, Builder, EntryType, Header};

/// What is signed.
const MANIFEST: Kind = Kind {
    media_type: "application/vnd.lapwing.evidence.v1alpha1+json",
    what: "signature of a bundle of evidence",
};
/// Names in the folder.
const MANIFEST_NAME: &str = "manifest.json";
const SIGNATURE_NAME: &str = "manifest.sig.json";
/// What a bundle may hold when it is checked.
const FILES_MAX: usize = 64;
const FILE_MAX: u64 = 1 << 30;
const ALL_MAX: u64 = 4 << 30;
const TEXT_MAX: u64 = 1 << 20;
const END_MAX: usize = 1 << 20;

/// What a bundle says of itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The form of the bundle.
    pub api_version: String,
    /// As `EvidenceBundle`.
    pub kind: String,
    /// When it was made.
    pub created: String,
    /// The program that made it.
    pub tool: String,
    /// The agent that was asked.
    pub agent: Agent,
    /// What it is evidence of.
    pub subject: Subject,
    /// What was asked for, and is not there or not whole, as sentences.
    pub incomplete: Vec<String>,
    /// All other files but the signature.
    pub files: Vec<Listed>,
}

/// The agent that was asked.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its version.
    pub version: String,
    /// Its node.
    pub node: String,
    /// Its cluster.
    pub cluster: String,
    /// Its kernel.
    pub kernel: String,
}

/// What a bundle is evidence of.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// The violation that was asked for; empty where a container was.
    pub violation: String,
    /// The container's id.
    pub container: String,
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// The image's digest.
    pub image_digest: String,
    /// Its pod, where it has one, as `namespace/name`.
    pub pod: String,
    /// The name of its profile.
    pub workload: String,
    /// Whether it ran when the bundle was made.
    pub running: bool,
}

/// One file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// In the folder.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// In hexadecimal digits.
    pub sha256: String,
}

/// The form of bundles.
pub const API_VERSION: &str = "lapwing.dev/v1alpha1";
/// What the manifest says it is of.
pub const KIND: &str = "EvidenceBundle";

fn failed(error: anyhow::Error) -> Failure {
    Failure::new(Code::Failed, error)
}

fn listed(name: &str, bytes: &[u8]) -> Listed {
    Listed {
        name: name.to_owned(),
        size: bytes.len() as u64,
        sha256: digits(digest(&SHA256, bytes).as_ref()),
    }
}

/// Writes a bundle, whole or not at all; answers with its manifest. What stands there is not replaced:
/// it may be evidence.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    draft: &Draft,
    folder: &str,
    mut manifest: Manifest,
    files: &[(&str, Vec<u8>)],
    key: Option<&Private>,
) -> Result<Manifest, Failure> {
    manifest.files = files
        .iter()
        .map(|(name, bytes)| listed(name, bytes))
        .collect();
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| failed(error.into()))?;
    let lines = text
        .lines()
        .map(|line| visible_json(line).into_owned() + "\n");
    let text: String = lines.collect();
    let signature = key
        .map(|key| envelope::seal(MANIFEST, &text, key, None))
        .transpose()
        .map_err(|error| failed(error.into()))?;
    let own = [(MANIFEST_NAME, text.into_bytes())];
    let signature = signature.map(|text| (SIGNATURE_NAME, text.into_bytes()));
    let all = own.iter().chain(&signature).chain(files);
    pack(&draft.file, folder, all)
        .and_then(|()| draft.end())
        .with_context(|| format!("cannot write {}", draft.to.display()))
        .map_err(failed)?;
    Ok(manifest)
}

/// A file that nobody sees half of, and that only its owner may read. It is begun before there is
/// anything to write, so that whoever cannot write there learns it at once.
pub struct Draft {
    file: File,
    fresh: PathBuf,
    to: PathBuf,
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is not there any more where all went well.
        let _ = std::fs::remove_file(&self.fresh);
    }
}

impl Draft {
    /// Begins one.
    ///
    /// # Errors
    /// When it cannot be written, or stands there already: it may be evidence.
    pub fn begin(to: &Path) -> Result<Self, Failure> {
        let mut name = to.as_os_str().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let fresh = PathBuf::from(name);
        let there = to
            .symlink_metadata()
            .is_ok()
            .then_some(rustix::io::Errno::EXIST);
        let file = match there {
            Some(error) => Err(told(&error.into())),
            None => OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(&fresh)
                .map_err(|error| told(&error)),
        };
        let file =
            { file.with_context(|| format!("cannot write {}", to.display())) }.map_err(failed)?;
        let to = to.to_owned();
        Ok(Self { file, fresh, to })
    }

    fn end(&self) -> anyhow::Result<()> {
        self.file.sync_all()?;
        let renamed = renameat_with(CWD, &self.fresh, CWD, &self.to, RenameFlags::NOREPLACE);
        match renamed {
            // File systems over a network cannot do that.
            Err(rustix::io::Errno::INVAL) => {
                std::fs::hard_link(&self.fresh, &self.to).map_err(|error| told(&error))
            }
            renamed => renamed.map_err(|error| told(&error.into())),
        }
    }
}

/// With the remedy.
fn told(error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            anyhow!("it is there already: give another name with --to")
        }
        _ => anyhow!("{error}: another place is named by --to"),
    }
}

fn pack<'a>(
    file: &File,
    folder: &str,
    files: impl Iterator<Item = &'a (&'a str, Vec<u8>)>,
) -> anyhow::Result<()> {
    let mut tar = Builder::new(GzEncoder::new(file, Compression::default()));
    let seconds = jiff::Timestamp::now().as_second();
    for (name, bytes) in files {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(seconds.try_into().unwrap_or_default());
        tar.append_data(&mut header, format!("{folder}/{name}"), &bytes[..])?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

/// A bundle that was checked.
#[derive(Debug)]
pub struct Checked {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The names of the keys that signed it, of those that were given.
    pub signed_by: Vec<String>,
    /// Whether it has a signature at all.
    pub has_signature: bool,
}

/// Checks that a bundle holds what its manifest says, no more and no less, and who signed it, where keys
/// are given.
///
/// # Errors
/// When that is not so, with the file's name in it.
pub fn check(path: &Path, keys: &[Public]) -> Result<Checked, Failure> {
    check_whole(path, keys)
        .with_context(|| path.display().to_string())
        .map_err(failed)
}

fn check_whole(path: &Path, keys: &[Public]) -> anyhow::Result<Checked> {
    let mut found: BTreeMap<String, Listed> = BTreeMap::new();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut folder = None;
    let mut all = 0;
    // All that an unpacker would read: whatever follows the first part of a compressed file as well.
    let mut archive = Archive::new(MultiGzDecoder::new(File::open(path)?));
    // As they are: what a bundle is made of needs no extensions, whose length nobody bounds.
    let entries = archive.entries().context("it is no tar in gzip")?;
    for entry in entries.raw(true) {
        let mut entry = entry.context("it is damaged, or no tar in gzip")?;
        let whole = canonical(entry.path_bytes().as_ref());
        ensure!(
            entry.header().entry_type() == EntryType::Regular,
            "{whole} in it is no file: it was not made by `lapwing evidence`"
        );
        let parts = whole.split_once('/').filter(|(folder, name)| {
            !["", ".", ".."].contains(folder) && !name.is_empty() && !name.contains('/')
        });
        let Some((within, name)) = parts else {
            bail!(
                "{whole} in it does not lie in one folder: it was not made by `lapwing evidence`"
            );
        };
        ensure!(
            folder.get_or_insert_with(|| within.to_owned()) == within,
            "{whole} in it lies in another folder than the rest"
        );
        let name = name.to_owned();
        all += entry.size();
        ensure!(
            entry.size() <= FILE_MAX && all <= ALL_MAX,
            "{name} in it has more than {FILE_MAX} bytes, or all files more than {ALL_MAX}"
        );
        ensure!(
            found.len() < FILES_MAX,
            "more than {FILES_MAX} files are in it"
        );
        let is_text = name == MANIFEST_NAME || name == SIGNATURE_NAME;
        let mut kept = Vec::new();
        let mut hash = ring::digest::Context::new(&SHA256);
        let mut buffer = vec![0; 64 << 10];
        let mut size = 0;
        loop {
            let count = entry
                .read(&mut buffer)
                .with_context(|| format!("{name} in it is damaged"))?;
            if count == 0 {
                break;
            }
            hash.update(&buffer[..count]);
            size += count as u64;
            if is_text {
                ensure!(
                    size <= TEXT_MAX,
                    "{name} in it has more than {TEXT_MAX} bytes"
                );
                kept.extend(&buffer[..count]);
            }
        }
        if is_text {
            let text =
                String::from_utf8(kept).with_context(|| format!("{name} in it is no text"))?;
            texts.insert(name.clone(), text);
        }
        let sha256 = digits(hash.finish().as_ref());
        let listed = Listed {
            name: name.clone(),
            size,
            sha256,
        };
        ensure!(
            found.insert(name.clone(), listed).is_none(),
            "{name} is in it twice"
        );
    }
    nothing_follows(archive.into_inner())?;
    let text = texts
        .get(MANIFEST_NAME)
        .context("no manifest.json is in it")?;
    let signature = texts.get(SIGNATURE_NAME);
    let signed_by = match (signature, keys) {
        (_, []) => Vec::new(),
        (None, _) => bail!("it is not signed: nobody can tell who made it"),
        (Some(signature), keys) => {
            let (signed, by) = envelope::open(MANIFEST, signature.as_bytes(), keys)?;
            ensure!(
                signed == *text,
                "the signature is of another manifest: one of both was replaced"
            );
            by
        }
    };
    let manifest: Manifest = serde_json::from_str(text).context("manifest.json in it")?;
    ensure!(
        (&manifest.api_version[..], &manifest.kind[..]) == (API_VERSION, KIND),
        "manifest.json in it is of a {} {}, not of a {API_VERSION} {KIND}",
        canonical(manifest.api_version.as_bytes()),
        canonical(manifest.kind.as_bytes()),
    );
    found.remove(MANIFEST_NAME);
    found.remove(SIGNATURE_NAME);
    for wanted in &manifest.files {
        let name = canonical(wanted.name.as_bytes());
        match found.remove(&wanted.name) {
            None => bail!("{name} is missing in it"),
            Some(there) if there != *wanted => bail!(
                "{name} in it is not what the manifest says: {} bytes with SHA-256 {}, not {} with {}",
                there.size,
                there.sha256,
                wanted.size,
                canonical(wanted.sha256.as_bytes()),
            ),
            Some(_) => {}
        }
    }
    if let Some(name) = found.keys().next() {
        bail!("{name} in it is not in the manifest");
    }
    Ok(Checked {
        manifest,
        signed_by,
        has_signature: signature.is_some(),
    })
}

/// Behind the end of a tar there may be zeros: anything else others may take for files.
fn nothing_follows(mut rest: impl Read) -> anyhow::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    let mut all = 0;
    loop {
        let count = rest.read(&mut buffer).context("its end is damaged")?;
        if count == 0 {
            return Ok(());
        }
        all += count;
        let is_empty = buffer[..count].iter().all(|byte| *byte == 0);
        ensure!(
            is_empty && all <= END_MAX,
            "something follows the last file in it: it was not made by `lapwing evidence`"
        );
    }
}

#[cfg(test)]
mod tests;
