//! What survives: profiles and the last heartbeat, in the state folder.
//!
//! Every file is replaced whole: written beside, synced, renamed over the old
//! one, and the folder synced. A reader, a crash or a full disk therefore meets
//! the old file or the new one, never a part. The file written beside has a name
//! of its own (`.NAME.PID.new`); what a killed agent left of these goes at the next
//! start.

use lapwing_profile::file::{TEXT_MAX, other_version};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

const PROFILES: &str = "profiles";
/// Folder of profiles that obey an object of the cluster.
const OBEYED: &str = "cluster/profiles";
/// Folder of what was stored as a profile and is none.
const DAMAGED: &str = "damaged";
/// Files of one name that are set aside.
const DAMAGED_MAX: u32 = 1_000;
/// Folder of which files of their images workloads use.
const INVENTORY: &str = "inventory";
const EXTENSION: &str = "yaml";
const SIGNATURE: &str = "sig.json";
const HEARTBEAT: &str = "heartbeat";
/// Permissions of what is stored.
pub const MODE: u32 = 0o600;
const LOCK: &str = "lock";
/// How the name of a file ends that is being written.
const UNFINISHED: &str = ".new";

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
    /// A profile is there, and the system does not give it.
    #[error(
        "cannot read the profile {path}: {source}; without it what was decided of its workload would be \
         forgotten, so the agent does not start. Start it again when the cause is mended, or move the file \
         elsewhere to start without it"
    )]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
    /// Another version of this program wrote a profile.
    #[error(
        "the profile {path} is of {version}, which this version does not read: another version wrote it, and \
         what was decided there would be forgotten, so the agent does not start. Start the other version, or \
         move the file elsewhere to start without it"
    )]
    Foreign {
        /// Which.
        path: PathBuf,
        /// Of which version it says to be.
        version: String,
    },
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
    /// What happened, without what it means for the state folder.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Locked(_) => "another agent holds it".to_owned(),
            Self::Full(_) => "no space left".to_owned(),
            Self::Foreign { version, .. } => format!("it is of {version}"),
            Self::Unreadable { source, .. } | Self::Io { source, .. } => source.to_string(),
        }
    }

    pub(crate) fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
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

/// Of the state folder: who has it holds the folder, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it, making the folder where it does not exist.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another agent holds it; another when it cannot be had at all.
    pub fn take(root: &Path) -> Result<Self, StoreError> {
        make(root)?;
        let path = root.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| StoreError::new("open", &path, error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(StoreError::Locked(root.to_path_buf())),
            Err(error) => Err(StoreError::new("lock", &path, error.into())),
        }
    }
}

fn make(folder: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| StoreError::new("make the folder", folder, error))
}

/// The state folder, held by this process alone.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    _lock: Arc<Lock>,
}

impl Store {
    /// Takes the folder, making it where it does not exist, and proves that it can be written.
    ///
    /// # Errors
    /// When another agent holds it, or it cannot be written.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        Self::hold(root, Arc::new(Lock::take(root)?))
    }

    /// The same of a folder whose lock is held already, by whoever keeps it longest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn hold(root: &Path, lock: Arc<Lock>) -> Result<Self, StoreError> {
        let [profiles, obeyed, inventory] =
            [PROFILES, OBEYED, INVENTORY].map(|name| root.join(name));
        for folder in [&profiles, &obeyed, &inventory] {
            make(folder)?;
        }
        let store = Self {
            root: root.to_path_buf(),
            _lock: lock,
        };
        for folder in [&store.root, &profiles, &obeyed, &inventory] {
            clean(folder).map_err(|error| StoreError::new("clean", folder, error))?;
        }
        // A page of data, because an empty file fits on a full disk.
        let probe = store.root.join("probe");
        let written = replace(&probe, &[0; 4096], MODE);
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

    /// Path of the file that holds a profile which obeys an object of the cluster.
    #[must_use]
    pub fn obeyed_path(&self, name: &str) -> PathBuf {
        self.root.join(OBEYED).join(format!("{name}.{EXTENSION}"))
    }

    /// Path of the file that says which files of its image a workload uses, by the name of its profile's file.
    #[must_use]
    pub fn inventory_path(&self, name: &str) -> PathBuf {
        self.root.join(INVENTORY).join(name)
    }

    /// Path of every stored profile that obeys an object of the cluster, in the order of their names.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn obeyed(&self) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.root.join(OBEYED);
        let wanted = |path: &Path| path.extension() == Some(OsStr::new(EXTENSION));
        list(&folder, wanted).map_err(|error| StoreError::new("list", &folder, error))
    }

    /// Path of the file that holds the signature of a profile.
    #[must_use]
    pub fn signature_path(&self, name: &str) -> PathBuf {
        self.root.join(PROFILES).join(format!("{name}.{SIGNATURE}"))
    }

    /// Path of the signature that belongs to the profile in a file.
    #[must_use]
    pub fn signature_of(profile: &Path) -> PathBuf {
        profile.with_extension(SIGNATURE)
    }

    /// Path of every stored profile, in the order of their names.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn profiles(&self) -> Result<Vec<PathBuf>, StoreError> {
        self.list(|path| path.extension() == Some(OsStr::new(EXTENSION)))
    }

    /// Path of every signature of a profile, whether that is there or not, in the order of their
    /// names.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn signatures(&self) -> Result<Vec<PathBuf>, StoreError> {
        let end = format!(".{SIGNATURE}");
        self.list(|path| path.as_os_str().as_bytes().ends_with(end.as_bytes()))
    }

    /// The files in the folder of the profiles that are wanted, in the order of their names.
    fn list(&self, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.root.join(PROFILES);
        list(&folder, wanted).map_err(|error| StoreError::new("list", &folder, error))
    }

    /// The bytes of a file, of which at most so many are read.
    ///
    /// # Errors
    /// When it cannot be read, or has more.
    pub fn read(&self, path: &Path, max: usize) -> Result<Vec<u8>, StoreError> {
        read_file(path, max)
    }

    /// Moves a file out of the way, unchanged, to where it overwrites nothing. Answers where it is
    /// now: in `damaged`, or in a numbered folder there if one of its name is there already.
    ///
    /// # Errors
    /// When that fails; the file then is where it was.
    pub fn set_aside(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let fail = |error| StoreError::new("set aside", path, error);
        let name = path.file_name().unwrap_or_default();
        let top = self.root.join(DAMAGED);
        let numbered = (2..=DAMAGED_MAX).map(|number| top.join(number.to_string()));
        let mut folders = std::iter::once(top.clone()).chain(numbered);
        let folder = folders
            .find(|folder| fs::symlink_metadata(folder.join(name)).is_err())
            .ok_or_else(|| fail(io::ErrorKind::AlreadyExists.into()))?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(fail)?;
        let to = folder.join(name);
        fs::rename(path, &to).map_err(fail)?;
        for moved in [path, &to, &folder, &top] {
            sync_folder(moved).map_err(fail)?;
        }
        Ok(to)
    }

    /// Gives a file another name in its folder, which no other file has.
    ///
    /// # Errors
    /// When that fails; the file then has its old name.
    pub fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        fs::rename(from, to)
            .and_then(|()| sync_folder(to))
            .map_err(|error| StoreError::new("rename", from, error))
    }

    /// The file that says when the agent was last alive, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn heartbeat_path(&self) -> PathBuf {
        self.root.join(HEARTBEAT)
    }

    /// When the agent was last known to be alive; `None` if it never ran here.
    #[must_use]
    pub fn last_beat(&self) -> Option<i64> {
        fs::read_to_string(self.heartbeat_path())
            .ok()?
            .trim()
            .parse()
            .ok()
    }
}

/// The bytes of a file, of which at most so many are read.
///
/// # Errors
/// When it cannot be read, or has more.
pub fn read_file(path: &Path, max: usize) -> Result<Vec<u8>, StoreError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = max as u64 + 1;
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
        match bytes.len() > max {
            true => Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("more than {max} bytes"),
            )),
            false => Ok(bytes),
        }
    };
    read().map_err(|error| StoreError::new("read", path, error))
}

/// Where the profile may be that an inventory belongs to, by the inventory's path.
#[must_use]
pub fn profiles_of(inventory: &Path) -> Option<[PathBuf; 2]> {
    let root = inventory.parent()?.parent()?;
    let mut name = inventory.file_name()?.to_owned();
    name.push(".");
    name.push(EXTENSION);
    Some([PROFILES, OBEYED].map(|folder| root.join(folder).join(&name)))
}

/// Looks whether another version of this program wrote profiles in a state folder, which another agent
/// may hold.
///
/// # Errors
/// [`StoreError::Foreign`] names the first. What cannot be read is left to who takes it up.
pub fn check_versions(root: &Path) -> Result<(), StoreError> {
    let is_profile = |path: &Path| path.extension() == Some(OsStr::new(EXTENSION));
    for path in list(&root.join(PROFILES), is_profile).unwrap_or_default() {
        let mut bytes = Vec::new();
        let read =
            File::open(&path).and_then(|file| file.take(TEXT_MAX as u64).read_to_end(&mut bytes));
        if read.is_ok()
            && let Some(version) = other_version(&bytes)
        {
            return Err(StoreError::Foreign { path, version });
        }
    }
    Ok(())
}

/// The files in a folder that are wanted, in the order of their names.
fn list(folder: &Path, wanted: impl Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if wanted(&path) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Replaces a file whole; the new one has these permissions, less what the umask takes.
///
/// # Errors
/// When that fails; the file is then as it was.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StoreError> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}{UNFINISHED}", std::process::id()));
    let fresh = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            // Nobody else's file is overwritten.
            .create_new(true)
            .write(true)
            .mode(mode)
            .open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        sync_folder(path)
    };
    write().map_err(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            // What is left of it takes the space that is missing.
            let _ = fs::remove_file(&fresh);
        }
        StoreError::new("write", path, error)
    })
}

fn sync_folder(of: &Path) -> io::Result<()> {
    let folder = match of.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

/// Removes what a killed agent did not finish.
///
/// # Errors
/// When the folder cannot be read, or a file not removed.
pub(crate) fn clean(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_bytes();
        if name.starts_with(b".")
            && name.ends_with(UNFINISHED.as_bytes())
            && entry.file_type()?.is_file()
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        assert_eq!(store.last_beat(), None);
        replace(&store.heartbeat_path(), b"5\n", MODE).unwrap();
        let (a, b) = (store.profile_path("a"), store.profile_path("b"));
        for (path, text) in [(&b, "two"), (&a, "one"), (&b, "three")] {
            replace(path, text.as_bytes(), MODE).unwrap();
        }
        fs::write(b.with_file_name(".b.yaml.77.new"), "half of a profi").unwrap();
        drop(store);
        let store = Store::open(&folder.path().join("state")).unwrap();
        assert_eq!(store.last_beat(), Some(5));
        assert_eq!(store.profiles().unwrap(), [a.clone(), b.clone()]);
        assert_eq!(store.read(&a, 5).unwrap(), b"one");
        assert_eq!(store.read(&b, 5).unwrap(), b"three");
        assert_eq!(fs::read_dir(b.parent().unwrap()).unwrap().count(), 2);
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
        let path = folder.path().join("a.yaml");
        replace(&path, b"old", MODE).unwrap();
        // Somebody's file where the new one would be written.
        let fresh = format!(".a.yaml.{}.new", std::process::id());
        let fresh = folder.path().join(fresh);
        fs::write(&fresh, "precious").unwrap();
        assert!(replace(&path, b"new", MODE).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read(&fresh).unwrap(), b"precious");
    }
}
