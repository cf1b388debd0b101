//! The thread that reads inventories, and packs, hashes and writes them: the rings are not read meanwhile
//! by who does that.
//!
//! The folder is bounded. What has no profile any more makes room, the oldest first.

use crate::judge::store::{MODE, StoreError, profiles_of, read_file, replace};
use lapwing_profile::inventory::Inventory;
use lapwing_profile::inventory::packed::{PACKED_MAX, pack, unpack};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::SystemTime;

/// Bytes of all that are stored, packed.
pub const FOLDER_BYTES_MAX: u64 = 256 << 20;
/// Files of these.
const FOLDER_FILES_MAX: usize = 16_384;
/// Jobs that wait at most.
const JOBS: usize = 64;

/// What the thread has to do.
pub(super) enum Job {
    /// To read the one of a name.
    Load { name: String, path: PathBuf },
    /// To store it.
    Save {
        name: String,
        path: PathBuf,
        known: Arc<Inventory>,
    },
}

/// What it did.
pub(super) enum Done {
    /// It read what is one, or is none.
    Loaded {
        name: String,
        found: Option<Inventory>,
    },
    /// It stored one, or says why not.
    Saved {
        name: String,
        result: Result<(), String>,
    },
}

/// An inventory that is not packed yet, or not read.
#[derive(Clone, Debug)]
pub enum Stored {
    /// It is in memory.
    Open(Arc<Inventory>),
    /// It is in this file, if there is one.
    Disk(PathBuf),
}

impl Stored {
    /// Its packed form; an empty one where nothing was ever noted. This takes milliseconds.
    ///
    /// # Errors
    /// When the stored one cannot be read.
    pub fn pack(self) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Open(known) => Ok(pack(&known)),
            Self::Disk(path) if path.exists() => read_file(&path, PACKED_MAX),
            Self::Disk(_) => Ok(pack(&Inventory::default())),
        }
    }
}

/// The thread's ends.
pub(super) struct Disk {
    jobs: Option<SyncSender<Job>>,
    done: Receiver<Done>,
    folder_bytes: u64,
}

impl Disk {
    /// Starts the thread, which ends with this. It calls `wake` after each job.
    pub(super) fn begin(wake: impl Fn() + Send + 'static) -> Self {
        let (jobs, todo) = sync_channel::<Job>(JOBS);
        let (tell, done) = sync_channel(2 * JOBS);
        let started = std::thread::Builder::new()
            .name("inventories".to_owned())
            .spawn(move || {
                for job in todo {
                    if tell.send(work(job, FOLDER_BYTES_MAX)).is_err() {
                        return;
                    }
                    wake();
                }
            });
        let jobs = match started {
            Ok(_) => Some(jobs),
            Err(error) => {
                tracing::warn!("inventories of use are stored at the end alone: {error}");
                None
            }
        };
        Self {
            jobs,
            done,
            folder_bytes: FOLDER_BYTES_MAX,
        }
    }

    /// Has something done. Answers whether it is going to be.
    pub(super) fn ask(&self, job: Job) -> bool {
        let jobs = self.jobs.as_ref();
        jobs.is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    /// What was done, if there is something.
    pub(super) fn done(&self) -> Option<Done> {
        self.done.try_recv().ok()
    }

    /// Whether there is no thread.
    pub(super) const fn is_ended(&self) -> bool {
        self.jobs.is_none()
    }

    /// Ends the thread when it has done everything. Answers what it did.
    pub(super) fn end(&mut self) -> Vec<Done> {
        self.jobs = None;
        self.done.iter().collect()
    }

    /// Stores one, at once.
    pub(super) fn write(&self, path: &Path, known: &Inventory) -> Result<(), String> {
        write(path, known, self.folder_bytes)
    }
}

fn work(job: Job, folder_bytes: u64) -> Done {
    match job {
        Job::Load { name, path } => Done::Loaded {
            found: load(&path),
            name,
        },
        Job::Save { name, path, known } => Done::Saved {
            result: write(&path, &known, folder_bytes),
            name,
        },
    }
}

/// What is stored; `None` if it is no inventory.
pub(super) fn load(path: &Path) -> Option<Inventory> {
    let bytes = read_file(path, PACKED_MAX).ok()?;
    unpack(&bytes)
}

fn write(path: &Path, known: &Inventory, folder_bytes: u64) -> Result<(), String> {
    let packed = pack(known);
    make_room(path, packed.len() as u64, folder_bytes)?;
    replace(path, &packed, MODE).map_err(|error| error.to_string())
}

/// Removes what has no profile, the oldest first, until a file of this length may be in the folder.
fn make_room(path: &Path, length: u64, folder_bytes: u64) -> Result<(), String> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let mut others = others(folder, path)
        .map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let mut bytes = others.iter().map(|(_, length, _)| length).sum::<u64>() + length;
    let mut files = others.len() + 1;
    others.sort();
    for (_, length, other) in others {
        if bytes <= folder_bytes && files <= FOLDER_FILES_MAX {
            return Ok(());
        }
        let has_profile = profiles_of(&other).is_some_and(|all| all.iter().any(|it| it.exists()));
        if has_profile {
            continue;
        }
        tracing::warn!(
            "{} is removed: the inventories of use have more than {folder_bytes} bytes, and this one is the oldest \
             without a profile",
            other.display()
        );
        std::fs::remove_file(&other)
            .map_err(|error| format!("cannot remove {}: {error}", other.display()))?;
        (bytes, files) = (bytes - length, files - 1);
    }
    match bytes <= folder_bytes && files <= FOLDER_FILES_MAX {
        true => Ok(()),
        false => Err(format!(
            "the {files} inventories in {} would have {bytes} bytes, {folder_bytes} are allowed, and all others have a \
             profile: remove those that nobody needs",
            folder.display()
        )),
    }
}

/// The files in a folder but this one: when they were written, their bytes and paths.
fn others(folder: &Path, path: &Path) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
    let mut others = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (other, about) = (entry.path(), entry.metadata()?);
        if about.is_file() && other != path {
            others.push((about.modified()?, about.len(), other));
        }
    }
    Ok(others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::store::Store;
    use std::time::Duration;

    #[test]
    fn the_folder_is_bounded_and_keeps_what_has_a_profile() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let now = SystemTime::now();
        for (age, name) in [(9, "kept"), (8, "oldest"), (7, "old"), (6, "new")] {
            let path = store.inventory_path(name);
            std::fs::write(&path, [0; 1_000]).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
        }
        std::fs::write(store.profile_path("kept"), "").unwrap();
        let there = |name: &str| store.inventory_path(name).exists();
        // The old text of the one that is written makes room.
        let room = |name: &str, length| make_room(&store.inventory_path(name), length, 4_000);
        room("new", 1_000).unwrap();
        assert!(there("oldest"));
        room("new", 1_001).unwrap();
        assert!(there("kept") && !there("oldest") && there("old"));
        room("another", 1_001).unwrap();
        assert!(there("kept") && !there("old") && there("new"));
        let error = room("another", 3_001).unwrap_err();
        assert!(error.contains("all others have a profile"), "{error}");
        assert!(there("kept") && !there("new"));
        let known = Inventory::default();
        let path = store.inventory_path("another");
        assert!(write(&path, &known, 1_000).is_err() && !path.exists());
        write(&path, &known, 4_000).unwrap();
        assert_eq!(load(&path), Some(known));
    }
}
