//! What is kept of the objects on disk, one file each, for a start while the API is away.

use super::object::Key;
use crate::judge::store::{MODE, StoreError, clean, replace};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Below the state folder.
const FOLDER: &str = "cluster/objects";
const EXTENSION: &str = "json";
/// Of a file beside one, which has the how manieth it was that went.
const MARK: &str = "gone";
/// Longest file that is read: the API stores no object of more than 1.5 MiB, and writes it longer.
const FILE_MAX: u64 = 8 << 20;

/// What is to be done to a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Write {
    /// Its name.
    pub name: String,
    /// What it is to hold; none for nothing more.
    pub bytes: Option<Vec<u8>>,
}

impl Write {
    /// What is kept of an object.
    pub fn object(key: &Key, bytes: Option<Vec<u8>>) -> Self {
        Self {
            name: format!("{}.{EXTENSION}", key.file_name()),
            bytes,
        }
    }

    /// The how manieth it was that went and stayed in force, if it did.
    pub fn mark(key: &Key, went: Option<u64>) -> Self {
        Self {
            name: format!("{}.{MARK}", key.file_name()),
            bytes: went.map(|number| number.to_string().into_bytes()),
        }
    }
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Cache(PathBuf);

impl Cache {
    /// Makes the folder where it is not.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        let folder = state.join(FOLDER);
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder);
        made.map_err(|error| StoreError::new("make the folder", &folder, error))?;
        clean(&folder).map_err(|error| StoreError::new("clean", &folder, error))?;
        Ok(Self(folder))
    }

    /// All files, in the order of their names, up to so many bytes of them. What cannot be read, or is more than
    /// that, is left out: the API has it.
    pub fn load(&self, most: u64) -> Result<Vec<(PathBuf, Vec<u8>)>, StoreError> {
        let wrong = |error| StoreError::new("list", &self.0, error);
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            if path.extension().is_some_and(|end| end == EXTENSION) {
                paths.push(path);
            }
        }
        paths.sort();
        let mut files = Vec::new();
        let mut room = most;
        for path in paths {
            let length = fs::metadata(&path).map(|about| about.len());
            let read = match length {
                Ok(length) if length > FILE_MAX.min(room) => {
                    Err(io::ErrorKind::FileTooLarge.into())
                }
                Ok(_) => fs::read(&path),
                Err(error) => Err(error),
            };
            match read {
                Ok(bytes) => {
                    room = room.saturating_sub(bytes.len() as u64);
                    files.push((path, bytes));
                }
                Err(error) => tracing::warn!("cannot read {}: {error}", path.display()),
            }
        }
        Ok(files)
    }

    /// The how manieth it was that went, of an object that is in this file; none where it did not.
    pub fn went(&self, path: &Path) -> Option<u64> {
        let text = fs::read_to_string(path.with_extension(MARK)).ok()?;
        text.trim().parse().ok()
    }

    /// Writes, or removes; not at all where the file is so already.
    pub fn apply(&self, write: &Write) -> Result<(), StoreError> {
        let path = self.0.join(&write.name);
        match &write.bytes {
            Some(bytes) if fs::read(&path).is_ok_and(|known| known == *bytes) => Ok(()),
            Some(bytes) => replace(&path, bytes, MODE),
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(StoreError::new("remove", &path, error))
                }
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }
}
