//! How far each consumer of the feed has come, by name: where it goes on when it comes back.
//!
//! One small file each, replaced whole, so that one that is damaged costs its consumer alone, and
//! a kill at any time leaves the old position or the new one. Readers never wait for a disk: what
//! is stored is also held. A position that could not be stored is held all the same, so a full
//! disk costs repeats after a restart and nothing before.

use crate::clock;
use crate::judge::store::{MODE, replace};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Longest name, in bytes.
pub const NAME_MAX: usize = 64;
/// Most names: each costs a file, and whoever may open the socket can make one.
pub const NAMES_MAX: usize = 1024;
/// What stands between a client's name and the digest of its identity in the key of a position. No
/// name of a client has it.
pub const OWNER: char = '@';
/// Longest cursor, in bytes. Those of the feed have some 50.
const CURSOR_MAX: usize = 256;
/// What files end with, so that no name is one of the folder's own or of a file being written.
const EXTENSION: &str = ".cursor";
/// What a file that could not be read is renamed to end with.
const DAMAGED: &str = ".damaged";

/// Names and their cursors. Shared between threads.
#[derive(Debug)]
pub struct Positions {
    folder: PathBuf,
    held: Mutex<BTreeMap<String, Position>>,
    /// Held while a file is replaced, and taken before the other: of two positions the later is what
    /// is stored.
    storing: Mutex<()>,
}

/// How far one has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// What it acknowledged last.
    pub cursor: String,
    /// When that was stored, in nanoseconds since the Unix epoch.
    pub stored: i64,
}

/// Whether a consumer may have this name: 1 to [`NAME_MAX`] of `a-z`, `0-9`, `.` and `-`.
///
/// # Errors
/// Says what would be right.
pub fn check_name(name: &str) -> Result<()> {
    let fits = (1..=NAME_MAX).contains(&name.len());
    let of_these = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    if !fits || !name.bytes().all(of_these) {
        bail!(
            "`{}` is no name of a consumer: take 1 to {NAME_MAX} of a-z, 0-9, `.` and `-`",
            lapwing_profile::text::canonical(&name.as_bytes()[..name.len().min(2 * NAME_MAX)])
        );
    }
    Ok(())
}

/// Whether a position may be kept under a key: a name, or one and [`OWNER`] and 16 hexadecimal digits.
fn check_key(key: &str) -> Result<()> {
    match key.split_once(OWNER) {
        None => check_name(key),
        Some((name, owner)) => {
            let of_these = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            if owner.len() != 16 || !owner.bytes().all(of_these) {
                bail!("not 16 hexadecimal digits behind `{OWNER}`");
            }
            check_name(name)
        }
    }
}

/// Whether it can be a cursor: printable, and not long.
fn is_cursor(text: &str) -> bool {
    (1..=CURSOR_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Positions {
    /// Reads the positions in a folder, which is made if it is not there. A file that holds none is
    /// renamed to end with `.damaged` and told of in the log; the others are read.
    ///
    /// # Errors
    /// When the folder can be neither made nor listed.
    pub fn open(folder: PathBuf) -> Result<Self> {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder);
        made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("cannot list the folder {}", folder.display()))?;
        let mut held = BTreeMap::new();
        for entry in entries {
            let path = entry
                .with_context(|| format!("cannot list the folder {}", folder.display()))?
                .path();
            let file = path.file_name().and_then(|name| name.to_str());
            let Some(file) = file else { continue };
            if file.starts_with('.') && file.ends_with(".new") {
                // Of an agent that was killed while it wrote. If it stays it takes a few bytes.
                let _ = fs::remove_file(&path);
                continue;
            }
            let Some(name) = file.strip_suffix(EXTENSION) else {
                continue;
            };
            match check_key(name).and_then(|()| read(&path)) {
                Ok(position) => {
                    held.insert(name.to_owned(), position);
                }
                Err(error) => set_aside(&path, &error),
            }
        }
        let held = Mutex::new(held);
        Ok(Self {
            folder,
            held,
            storing: Mutex::new(()),
        })
    }

    fn storing(&self) -> MutexGuard<'_, ()> {
        self.storing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Position>> {
        // Nothing that holds the lock can leave the map in between.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{EXTENSION}"))
    }

    /// The cursor that was set last.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.position(name).map(|position| position.cursor)
    }

    /// As [`Self::get`], with its time.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<Position> {
        self.held().get(name).cloned()
    }

    /// Sets a cursor, and stores it: when this returns, it outlasts a power failure. Waits for the
    /// disk, so it is not for a thread that must not.
    ///
    /// # Errors
    /// When the name or the cursor is none, when there are too many names, or when it cannot be
    /// stored; in the last case it is held until the agent ends.
    pub fn set(&self, name: &str, cursor: &str) -> Result<()> {
        self.set_if(name, cursor, |_| true).map(drop)
    }

    /// As [`Self::set`], but where there is a cursor, only if it `may_go` for the new one. Nobody else
    /// sets one in between. Answers with the cursor that is there then.
    ///
    /// # Errors
    /// As of [`Self::set`].
    pub fn set_if(
        &self,
        name: &str,
        cursor: &str,
        may_go: impl FnOnce(&str) -> bool,
    ) -> Result<String> {
        check_key(name)?;
        if !is_cursor(cursor) {
            bail!("not a cursor: 1 to {CURSOR_MAX} printable characters are expected");
        }
        let _storing = self.storing();
        // Whoever compares may take other locks: never under that of the readers.
        if let Some(old) = self.get(name)
            && (old == cursor || !may_go(&old))
        {
            return Ok(old);
        }
        let mut held = self.held();
        if held.len() >= NAMES_MAX && !held.contains_key(name) {
            bail!(
                "there are {NAMES_MAX} names already: forget those that are gone by `lapwing feed forget`"
            );
        }
        let position = Position {
            cursor: cursor.to_owned(),
            stored: clock::now(),
        };
        held.insert(name.to_owned(), position);
        drop(held);
        replace(&self.path(name), format!("{cursor}\n").as_bytes(), MODE)
            .with_context(|| format!("the position of `{name}` is held, but not stored"))?;
        Ok(cursor.to_owned())
    }

    /// Every name, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.held().keys().cloned().collect()
    }

    /// Forgets a name. Answers with what was there.
    ///
    /// # Errors
    /// When its file cannot be removed; the name then is there again after a restart.
    pub fn remove(&self, name: &str) -> Result<Option<Position>> {
        let _storing = self.storing();
        let Some(was) = self.held().remove(name) else {
            return Ok(None);
        };
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove the position of `{name}`"))
            }
            Ok(()) | Err(_) => Ok(Some(was)),
        }
    }
}

/// The position in a file.
fn read(path: &Path) -> Result<Position> {
    let mut text = String::new();
    let file = File::open(path)?;
    let changed = file.metadata()?.modified()?;
    let stored = changed
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    file.take(CURSOR_MAX as u64 + 2).read_to_string(&mut text)?;
    match text.strip_suffix('\n') {
        Some(cursor) if is_cursor(cursor) => Ok(Position {
            cursor: cursor.to_owned(),
            stored: i64::try_from(stored.as_nanos()).unwrap_or(i64::MAX),
        }),
        _ => bail!("it does not hold a cursor and a line end"),
    }
}

/// Where it cannot be renamed it stays, and is told of again at the next start.
fn set_aside(path: &Path, error: &anyhow::Error) {
    let mut to = path.as_os_str().to_owned();
    to.push(DAMAGED);
    let moved = fs::rename(path, &to);
    tracing::error!(
        "the position in {} is damaged ({error:#}): its consumer begins anew{}",
        path.display(),
        match moved {
            Ok(()) => format!("; the file is now {}", Path::new(&to).display()),
            Err(error) => format!("; the file cannot be renamed: {error}"),
        }
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("feed/consumers");
        let positions = Positions::open(place.clone()).unwrap();
        assert_eq!(positions.get("siem"), None);
        for (name, cursor) in [("siem", "1-2-3"), ("a.b-0", "1-1-1"), ("siem", "1-5-3")] {
            positions.set(name, cursor).unwrap();
        }
        drop(positions);
        // Half of a file that was being written.
        fs::write(place.join(".siem.cursor.77.new"), "1-").unwrap();
        let positions = Positions::open(place.clone()).unwrap();
        assert_eq!(positions.names(), ["a.b-0", "siem"]);
        assert_eq!(positions.get("siem").as_deref(), Some("1-5-3"));
        let was = positions.position("siem");
        let stored = was.as_ref().unwrap().stored;
        assert!((1..=clock::now()).contains(&stored), "{stored}");
        assert_eq!(positions.remove("siem").unwrap(), was);
        assert_eq!(positions.remove("siem").unwrap(), None);
        let positions = Positions::open(place.clone()).unwrap();
        assert_eq!(positions.names(), ["a.b-0"]);
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
    }

    #[test]
    fn of_many_at_once_the_latest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let positions = Positions::open(folder.path().to_path_buf()).unwrap();
        let later = |new: u32| move |old: &str| new > old.parse().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let positions = &positions;
                scope.spawn(move || {
                    for number in (thread..200).step_by(8) {
                        let stays = |old: &str| {
                            // The others have time to come between.
                            std::thread::yield_now();
                            later(number)(old)
                        };
                        let there = positions.set_if("a", &number.to_string(), stays);
                        assert!(there.unwrap().parse::<u32>().unwrap() >= number);
                    }
                });
            }
        });
        assert_eq!(positions.get("a").as_deref(), Some("199"));
        let stored = fs::read(folder.path().join("a.cursor")).unwrap();
        assert_eq!(stored, b"199\n");
        assert_eq!(positions.set_if("a", "7", later(7)).unwrap(), "199");
        assert_eq!(positions.set_if("b", "7", |_| false).unwrap(), "7");
    }

    #[test]
    fn a_damaged_file_costs_its_consumer_alone() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_path_buf();
        let positions = Positions::open(place.clone()).unwrap();
        for name in ["a", "b", "c", "d", "e"] {
            positions.set(name, "1-2-3").unwrap();
        }
        let long = "x".repeat(CURSOR_MAX + 1) + "\n";
        for (name, bytes) in [
            ("a", &b""[..]),
            ("b", b"1-2"),
            ("c", b"\xff\xff\n"),
            ("d", long.as_bytes()),
        ] {
            fs::write(place.join(format!("{name}.cursor")), bytes).unwrap();
        }
        let positions = Positions::open(place.clone()).unwrap();
        assert_eq!(positions.names(), ["e"]);
        assert_eq!(fs::read(place.join("b.cursor.damaged")).unwrap(), b"1-2");
        positions.set("b", "1-9-9").unwrap();
        let positions = Positions::open(place).unwrap();
        assert_eq!(positions.names(), ["b", "e"]);
    }

    #[test]
    fn names_and_cursors_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let positions = Positions::open(folder.path().join("below")).unwrap();
        let long = "a".repeat(NAME_MAX + 1);
        for name in [
            "",
            "A",
            "a/b",
            "a_b",
            "ä",
            "a\0",
            &long,
            "@0123456789abcdef",
        ] {
            let error = positions.set(name, "1-2-3").unwrap_err().to_string();
            assert!(error.contains("a-z, 0-9"), "{error}");
        }
        for cursor in ["", "1 2", "1\n2", "\u{1b}[0m"] {
            assert!(positions.set("a", cursor).is_err(), "{cursor:?}");
        }
        // Names that are those of folders elsewhere are files like others here.
        for name in [".", "..", "a", &long[1..]] {
            positions.set(name, "1-2-3").unwrap();
        }
        // Of a client over TCP.
        positions.set("a@0123456789abcdef", "1-2-3").unwrap();
        for name in [
            "a@",
            "a@0123456789abcdeg",
            "a@@123456789abcdef",
            "a@../../../../etc",
        ] {
            assert!(positions.set(name, "1-2-3").is_err(), "{name}");
            assert!(check_name(name).is_err(), "{name}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(positions.names().len(), 5);
    }

    #[test]
    fn a_position_that_cannot_be_stored_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("gone");
        let positions = Positions::open(place.clone()).unwrap();
        fs::remove_dir(&place).unwrap();
        let error = positions.set("a", "1-2-3").unwrap_err().to_string();
        assert!(error.contains("held, but not stored"), "{error}");
        assert_eq!(positions.get("a").as_deref(), Some("1-2-3"));
    }
}
