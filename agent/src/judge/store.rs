//! What survives: profiles and the last heartbeat, in the state folder.
//!
//! Every file is replaced whole: written beside, synced, renamed over the old
//! one, and the folder synced. A reader, a crash or a full disk therefore meets
//! the old file or the new one, never a part.

use rustix::fs::{FlockOperation, flock};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

const PROFILES: &str = "profiles";
const EXTENSION: &str = "yaml";
const HEARTBEAT: &str = "heartbeat";
const LOCK: &str = "lock";

/// Why the state folder cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another agent holds it.
    #[error(
        "the state folder {0} belongs to an agent that runs: stop that one, or give this one another `stateDir`"
    )]
    Locked(PathBuf),
    /// The disk is full.
    #[error(
        "no space left for the state in {0}: free some, or set `stateDir` to a folder elsewhere; what is stored there was left as it is"
    )]
    Full(PathBuf),
    /// Anything else.
    #[error("cannot {action} {path}: {source}; `stateDir` must be a folder that root can write")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
}

impl StoreError {
    fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full(path.to_path_buf())
            }
            _ => Self::Io {
                action,
                path: path.to_path_buf(),
                source,
            },
        }
    }
}

/// The state folder, held by this process alone.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    _lock: File,
}

impl Store {
    /// Takes the folder, making it where it does not exist, and proves that it can be written.
    ///
    /// # Errors
    /// When another agent holds it, or it cannot be written.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let profiles = root.join(PROFILES);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&profiles)
            .map_err(|error| StoreError::new("make the folder", &profiles, error))?;
        let path = root.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| StoreError::new("open", &path, error))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| StoreError::Locked(root.to_path_buf()))?;
        let store = Self {
            root: root.to_path_buf(),
            _lock: lock,
        };
        // A page of data, because an empty file fits on a full disk.
        let probe = store.root.join("probe");
        let written = replace(&probe, &[0; 4096]);
        // Whether it was made or not, it is not needed further.
        let _ = fs::remove_file(&probe);
        written?;
        Ok(store)
    }

    /// Path of the file that holds a profile.
    #[must_use]
    pub fn profile_path(&self, name: &str) -> PathBuf {
        self.root.join(PROFILES).join(format!("{name}.{EXTENSION}"))
    }

    /// Text and path of every stored profile, in the order of their names.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn profiles(&self) -> Result<Vec<(PathBuf, String)>, StoreError> {
        let folder = self.root.join(PROFILES);
        let list = || -> io::Result<Vec<PathBuf>> {
            let mut paths = Vec::new();
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.extension() == Some(OsStr::new(EXTENSION)) {
                    paths.push(path);
                }
            }
            paths.sort();
            Ok(paths)
        };
        list()
            .map_err(|error| StoreError::new("list", &folder, error))?
            .into_iter()
            .map(|path| match fs::read_to_string(&path) {
                Ok(text) => Ok((path, text)),
                Err(error) => Err(StoreError::new("read", &path, error)),
            })
            .collect()
    }

    /// Replaces the text of a profile.
    ///
    /// # Errors
    /// When it cannot be written; the old text then stands.
    pub fn save(&self, name: &str, text: &str) -> Result<(), StoreError> {
        replace(&self.profile_path(name), text.as_bytes())
    }

    /// Notes that the agent was alive at this time (nanoseconds since the Unix epoch).
    ///
    /// # Errors
    /// When it cannot be written; the last one then stands.
    pub fn beat(&self, now: i64) -> Result<(), StoreError> {
        replace(&self.root.join(HEARTBEAT), format!("{now}\n").as_bytes())
    }

    /// When the agent was last known to be alive; `None` if it never ran here.
    #[must_use]
    pub fn last_beat(&self) -> Option<i64> {
        fs::read_to_string(self.root.join(HEARTBEAT))
            .ok()?
            .trim()
            .parse()
            .ok()
    }
}

/// Replaces a file whole.
///
/// # Errors
/// When that fails; the file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    let fresh = folder.join(name);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| {
        // What is left of it takes the space that is missing.
        let _ = fs::remove_file(&fresh);
        StoreError::new("write", path, error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        assert_eq!(store.last_beat(), None);
        store.beat(5).unwrap();
        store.save("b", "two").unwrap();
        store.save("a", "one").unwrap();
        store.save("b", "three").unwrap();
        drop(store);
        let store = Store::open(&folder.path().join("state")).unwrap();
        assert_eq!(store.last_beat(), Some(5));
        let texts: Vec<_> = store
            .profiles()
            .unwrap()
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        assert_eq!(texts, ["one", "three"]);
    }

    #[test]
    fn a_folder_has_one_agent() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::open(folder.path()).unwrap();
        let error = Store::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("belongs to an agent that runs"), "{error}");
        drop(first);
        Store::open(folder.path()).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.save("a", "old").unwrap();
        // A folder where the new file would be written: fails for root too.
        fs::create_dir(folder.path().join(PROFILES).join(".a.yaml.new")).unwrap();
        assert!(store.save("a", "new").is_err());
        assert_eq!(store.profiles().unwrap()[0].1, "old");
    }
}
