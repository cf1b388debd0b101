//! A file of lines that is rotated.
//!
//! A batch is one append, and on the disk before it counts as delivered. What a kill in the middle of
//! it left, half a line, is cut off when the file is opened again: it is sent again whole. The
//! file may be moved away at any time, by this sink (`PATH.1`, `PATH.2`, and so on) or by
//! anybody else: who reads it by its inode misses nothing.

use super::outcome::{Kind, Outcome, Problem};
use super::record::Record;
use super::stdout::lines;
use crate::config::sinks;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Its mode: the owner writes, the group reads.
const MODE: u32 = 0o640;
/// How much is read at once to find where the last whole line ends, in bytes.
const STEP: u64 = 64 << 10;
/// How long somebody else may hold the file.
const LOCK: Duration = Duration::from_secs(1);

/// The file.
pub struct Rotated {
    config: sinks::File,
    open: Mutex<Option<Open>>,
}

struct Open {
    file: File,
    identity: (u64, u64),
    /// When it was begun.
    begun: SystemTime,
}

impl Rotated {
    /// Not opened yet.
    pub const fn new(config: sinks::File) -> Self {
        Self {
            config,
            open: Mutex::new(None),
        }
    }

    /// Appends them.
    pub async fn send(self: &Arc<Self>, records: &[Record]) -> Outcome {
        let text = lines(records);
        let this = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || this.append(&text)).await;
        match written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(()) => Outcome::taken(format!("written to {}", self.config.path.display())),
            Err(error) => Outcome::Not(Problem::new(
                Kind::Unreachable,
                format!("cannot write to {}: {error}", self.config.path.display()),
                remedy(&error),
            )),
        }
    }

    fn append(&self, text: &[u8]) -> io::Result<()> {
        // Whoever panicked had not stored a file that is not whole.
        let mut slot = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.config.path.as_path();
        // While anything fails there is no file, so that it is looked at anew.
        let open = match slot.take().filter(|open| is_at(open.identity, path)) {
            Some(open) => open,
            None => Open::at(path)?,
        };
        let open = match self.is_full(&open, text.len() as u64)? {
            true => {
                drop(open);
                self.rotate()?;
                Open::at(path)?
            }
            false => open,
        };
        let lock = Lock::of(&open.file)?;
        (&open.file).write_all(text)?;
        drop(lock);
        open.file.sync_data()?;
        *slot = Some(open);
        Ok(())
    }

    /// Whether it is moved away before so much is added.
    fn is_full(&self, open: &Open, more: u64) -> io::Result<bool> {
        let length = open.file.metadata()?.len();
        let rotate = &self.config.rotate;
        let age = open.begun.elapsed().unwrap_or_default();
        Ok(length > 0
            && (length.saturating_add(more) > rotate.bytes || age >= rotate.age.duration()))
    }

    fn rotate(&self) -> io::Result<()> {
        let numbered = |number: u32| -> PathBuf {
            let mut name = OsString::from(&self.config.path);
            name.push(format!(".{number}"));
            name.into()
        };
        for number in (1..self.config.rotate.files).rev() {
            match fs::rename(numbered(number), numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.config.path, numbered(1))
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "make its folder",
        io::ErrorKind::PermissionDenied => "let the agent's user write there",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on its disk",
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => "name a regular file",
        io::ErrorKind::WouldBlock => "another agent writes it: give each a file of its own",
        _ if error.raw_os_error() == Some(libc::ELOOP) => {
            "it must not be a symbolic link: name what it leads to"
        }
        _ => "see to its disk",
    }
}

/// Held while lines are written or cut: a test of the sink must not take a line that is being
/// written for half a one.
struct Lock<'a>(&'a File);

impl<'a> Lock<'a> {
    fn of(file: &'a File) -> io::Result<Self> {
        let begun = Instant::now();
        loop {
            match flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(Errno::WOULDBLOCK) if begun.elapsed() < LOCK => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // It ends with the file at the latest.
        let _ = flock(self.0, FlockOperation::Unlock);
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn is_at(known: (u64, u64), path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| identity(&metadata) == known)
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(MODE)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            let error = "it is not a regular file";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        let lock = Lock::of(&file)?;
        cut_half_line(&file)?;
        drop(lock);
        Ok(Self {
            identity: identity(&metadata),
            begun: metadata.created().unwrap_or_else(|_| SystemTime::now()),
            file,
        })
    }
}

/// Ends the file with its last line feed.
fn cut_half_line(mut file: &File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let mut bytes = vec![0; (end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
