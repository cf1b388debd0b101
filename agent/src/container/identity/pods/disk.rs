//! The file in which that is kept, and what becomes of one that is damaged.
//!
//! Its first line says what it is, of which version, and what the rest comes to by SHA-256; the rest is one
//! JSON object. It is replaced whole, some moments after there is news. What cannot be read, is of another version,
//! another node or another boot of the kernel counts as if it were not there, and is replaced by what is known next.

use super::memory::Entry;
use crate::clock::boot;
use crate::judge::store::{MODE, StoreError, clean, replace};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Below the state folder.
const FOLDER: &str = "cluster";
const FILE: &str = "pods";
/// Longest file that is written or read, in bytes.
pub const FILE_MAX: usize = 4 << 20;
/// What of that is left for all but the containers.
const FRAME: usize = 4 << 10;
const KIND: &str = "lapwing-pods";
const VERSION: &str = "1";

/// What it holds, read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    boot: String,
    node: String,
    heard: i64,
    containers: Vec<Entry>,
}

/// What it holds, to be written.
#[derive(Debug, Serialize)]
struct Written<'w> {
    /// The kernel's id of this boot: the ids of cgroups are of this one alone.
    boot: &'w str,
    node: &'w str,
    /// When the API said something last.
    heard: i64,
    containers: &'w [Box<RawValue>],
}

/// What is known of the containers, as it was last.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub entries: Vec<Entry>,
    /// When the API said something last, in nanoseconds since the Unix epoch.
    pub heard: i64,
    /// Whether there was a file that counts for nothing.
    pub is_void: bool,
}

/// Why a file counts for nothing.
enum Void {
    /// That is to be expected.
    Other(&'static str),
    /// Somebody has to know.
    Damaged(String),
}

/// Where it is.
#[derive(Clone, Debug)]
pub struct Disk {
    file: PathBuf,
    node: String,
    boot: String,
}

impl Disk {
    /// Below this state folder, of this node.
    pub fn new(state: &Path, node: &str) -> Self {
        let boot = boot().map(|byte| format!("{byte:02x}")).concat();
        Self {
            file: state.join(FOLDER).join(FILE),
            node: node.to_owned(),
            boot,
        }
    }

    /// What is kept there. Of what is not as it should be, the log tells.
    pub fn load(&self) -> Kept {
        if let Some(folder) = self.file.parent() {
            // What cannot be cleaned cannot be written either, which is told then.
            let _ = clean(folder);
        }
        let text = match read(&self.file) {
            Ok(Some(text)) => text,
            Ok(None) => return Kept::default(),
            Err(error) => return self.void(&Void::Damaged(error.to_string())),
        };
        match self.parse(&text) {
            Ok((entries, heard)) => Kept {
                entries,
                heard,
                is_void: false,
            },
            Err(void) => self.void(&void),
        }
    }

    fn void(&self, void: &Void) -> Kept {
        let file = self.file.display();
        match void {
            Void::Other(of) => tracing::info!("{file}: of {of}, and not for this one"),
            Void::Damaged(error) => tracing::warn!(
                "{file}: not what the API told of the containers here, so their owners are not known until it \
                 answers: {error}; the file is made anew"
            ),
        }
        Kept {
            is_void: true,
            ..Kept::default()
        }
    }

    fn parse(&self, text: &[u8]) -> Result<(Vec<Entry>, i64), Void> {
        let damaged = |text: &str| Void::Damaged(text.to_owned());
        let end = text.iter().position(|byte| *byte == b'\n');
        let (head, body) = text.split_at(end.ok_or_else(|| damaged("it has no head"))?);
        let body = &body[1..];
        let head = std::str::from_utf8(head).unwrap_or_default();
        let mut words = head.split(' ');
        if words.next() != Some(KIND) {
            return Err(damaged("it has another head"));
        }
        if words.next() != Some(VERSION) {
            return Err(Void::Other("another version of this program"));
        }
        if words.next() != Some(&*sum(body)) || words.next().is_some() {
            return Err(damaged("its parts do not add up"));
        }
        let found: Found =
            serde_json::from_slice(body).map_err(|error| Void::Damaged(error.to_string()))?;
        if found.node != self.node {
            return Err(Void::Other("another node"));
        }
        // Zeros are no boot's: nothing tells its cgroups from another's.
        if found.boot != self.boot || self.boot.bytes().all(|byte| byte == b'0') {
            return Err(Void::Other("another boot of the kernel"));
        }
        Ok((found.containers, found.heard))
    }

    /// Writes it. Answers what the containers come to, which is not written where that is as it was, and how
    /// many of them found no room.
    pub fn store(
        &self,
        entries: &[Entry],
        heard: i64,
        before: Option<&str>,
    ) -> Result<(String, usize), String> {
        let mut room = FILE_MAX - FRAME;
        let mut containers = Vec::new();
        for entry in entries {
            let text = to_raw_value(entry).map_err(|error| error.to_string())?;
            // With the comma.
            if let Some(left) = room.checked_sub(text.get().len() + 1) {
                room = left;
                containers.push(text);
            }
        }
        let left_out = entries.len() - containers.len();
        let mut hash = Sha256::new();
        for text in &containers {
            hash.update(text.get());
        }
        let all = hex(&hash.finalize());
        if before == Some(&*all) {
            return Ok((all, left_out));
        }
        let body = serde_json::to_vec(&Written {
            boot: &self.boot,
            node: &self.node,
            heard,
            containers: &containers,
        })
        .map_err(|error| error.to_string())?;
        let mut text = format!("{KIND} {VERSION} {}\n", sum(&body)).into_bytes();
        text.extend(body);
        self.put(&text).map_err(|error| error.to_string())?;
        Ok((all, left_out))
    }

    fn put(&self, text: &[u8]) -> Result<(), StoreError> {
        if let Some(folder) = self.file.parent() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| StoreError::new("make the folder", folder, error))?;
        }
        replace(&self.file, text, MODE)
    }
}

/// The file, if it is there.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = Vec::new();
    file.take(FILE_MAX as u64 + 1).read_to_end(&mut text)?;
    match text.len() > FILE_MAX {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(Some(text)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
