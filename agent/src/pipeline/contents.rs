//! What programs outside the image hold: a thread hashes them, and what it finds is judged like all
//! else ([`lapwing_profile::content`]).
//!
//! The file is taken hold of when the record is read, by `/proc/PID/exe`, which leads to the very
//! file that is executed, whatever its name leads to by then; that the process has not executed
//! another since is asked of the kernel side's table. A process that has ended already leaves its
//! path, as its parent or the container's first process sees it: what lies there counts if it was not
//! changed since the exec. Both without opening the file, which a file system of the container's could make wait. The thread opens
//! it, with the least priority, and remembers what it hashed by what a change would change.
//!
//! What could not be hashed of a program that the profile lets be executed is counted: the whole
//! container was gone, the file was changed or removed, it may not be read by root without
//! further capabilities, it is longer than [`BYTES_MAX`], or too many waited.

use super::loss::UserLoss;
use super::{Line, Waker};
use crate::container::Resolution;
use crate::judge::Scene;
use crate::judge::contents::Program;
use lapwing_abi::decode::{Body, Record, path_from_components};
use lapwing_abi::ids::{Origin, Phase};
use lapwing_abi::record::Header;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat2};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Longest file that is hashed, in bytes.
const BYTES_MAX: u64 = 256 << 20;
/// Files that wait to be hashed at most.
const WAITING: usize = 64;
/// Hashes that are remembered.
const KNOWN_MAX: usize = 1_024;
/// Between two changes of a file in so many nanoseconds its times may be the same.
const RACY: i64 = 1_000_000_000;
/// The clock of files may be so many nanoseconds behind that of records.
const SLACK: i64 = 20_000_000;
const NANOSECONDS: i64 = 1_000_000_000;

/// What is to be said of a file when it is hashed.
struct Subject {
    header: Header,
    phase: Phase,
    program: Program,
}

struct Ask {
    file: OwnedFd,
    /// The file must not have been changed since, in nanoseconds since the Unix epoch; `None` where
    /// it is the one that was executed for sure.
    unchanged_since: Option<i64>,
    subject: Subject,
}

struct Answer {
    subject: Subject,
    sha256: Option<String>,
}

/// The thread's ends.
pub(super) struct Contents {
    asks: SyncSender<Ask>,
    answers: Receiver<Answer>,
    /// By container a process that saw it from inside the last time.
    inside: HashMap<u64, u32>,
}

impl Contents {
    /// Starts the thread, which ends with this. It wakes the pipeline.
    pub(super) fn begin(waker: Waker) -> Self {
        let (asks, asked) = sync_channel::<Ask>(WAITING);
        // Never full: so many wait at most, and one is worked at.
        let (answer, answers) = sync_channel(2 * WAITING);
        let started = std::thread::Builder::new()
            .name("contents".to_owned())
            .spawn(move || {
                const LEAST: i32 = 19;
                // It works without, only not as unnoticed.
                let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), LEAST);
                let mut hasher = Hasher::default();
                for ask in asked {
                    let sha256 = hasher.hash(&ask.file, ask.unchanged_since);
                    let subject = ask.subject;
                    if answer.send(Answer { subject, sha256 }).is_err() {
                        return;
                    }
                    waker.wake();
                }
            });
        if let Err(error) = started {
            // Each file is refused by the closed channel, and counted.
            tracing::warn!("what programs outside of images hold is not looked at: {error}");
        }
        Self {
            asks,
            answers,
            inside: HashMap::new(),
        }
    }
}

/// Hashes files.
#[derive(Default)]
struct Hasher {
    known: HashMap<Stamp, String>,
}

/// What a change of a file changes: its place, length, and the times of its content and attributes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Stamp {
    device: u64,
    inode: u64,
    length: i64,
    changed: [i64; 2],
}

impl Stamp {
    fn of(stat: &Stat) -> Self {
        let at = |seconds: i64, rest: i64| seconds.saturating_mul(NANOSECONDS).saturating_add(rest);
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            length: stat.st_size,
            changed: [
                at(stat.st_mtime, stat.st_mtime_nsec as i64),
                at(stat.st_ctime, stat.st_ctime_nsec as i64),
            ],
        }
    }

    /// When its attributes, content or name changed last.
    const fn last(&self) -> i64 {
        self.changed[1]
    }
}

impl Hasher {
    /// What a file holds; `None` where that cannot be told for sure.
    fn hash(&mut self, file: &OwnedFd, unchanged_since: Option<i64>) -> Option<String> {
        // One that is a pipe must not keep us waiting, one that is a terminal not become ours.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let mut file = File::from(open(path, flags, Mode::empty()).ok()?);
        let stat = fstat(&file).ok()?;
        let stamp = Stamp::of(&stat);
        let is_changed = unchanged_since.is_some_and(|since| stamp.last() > since - SLACK);
        let is_file = FileType::from_raw_mode(stat.st_mode).is_file();
        if is_changed || !is_file || stamp.length.unsigned_abs() > BYTES_MAX {
            return None;
        }
        if let Some(known) = self.known.get(&stamp) {
            return Some(known.clone());
        }
        let sha256 = digest(&mut file)?;
        if Stamp::of(&fstat(&file).ok()?) != stamp {
            return None;
        }
        if stamp.last() < crate::clock::now() - RACY {
            if self.known.len() >= KNOWN_MAX {
                self.known.clear();
            }
            self.known.insert(stamp, sha256.clone());
        }
        Some(sha256)
    }
}

/// The SHA-256 of a file, in hexadecimal.
fn digest(file: &mut File) -> Option<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    let mut read = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => {
                read += len as u64;
                if read > BYTES_MAX {
                    return None; // It grew.
                }
                hash.update(&buffer[..len]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    let digits = hash.finalize();
    Some(digits.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Line {
    /// Has the file hashed that a record says was executed, if the judge wants to know what it holds.
    pub(super) fn ask_content(&mut self, record: &Record<'_>) {
        let Some(program) = self.judge.take_open() else {
            return;
        };
        let is_approved = program.is_approved;
        let asked = self
            .executed(record)
            .is_some_and(|(file, unchanged_since)| {
                let ask = Ask {
                    file,
                    unchanged_since,
                    subject: Subject {
                        header: record.header,
                        phase: record.phase,
                        program,
                    },
                };
                self.contents.asks.try_send(ask).is_ok()
            });
        if !asked && is_approved {
            self.lose(UserLoss::ContentUnknown, 1);
        }
    }

    /// Takes hold of the file that was executed; with it, since when it must not have been changed.
    fn executed(&mut self, record: &Record<'_>) -> Option<(OwnedFd, Option<i64>)> {
        let header = &record.header;
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let file = open(format!("/proc/{}/exe", header.pid), flags, Mode::empty());
        let runs = self.tables.process(header.pid);
        if let Ok(file) = file
            && runs.is_some_and(|process| process.exec == header.exec)
        {
            return Some((file, None));
        }
        let Body::Exec { path, origin, .. } = record.body else {
            return None;
        };
        if !matches!(origin, Origin::Volume | Origin::UpperLayer) {
            return None;
        }
        let beside = self.inside(header)?;
        let root = open(format!("/proc/{beside}/root"), flags, Mode::empty()).ok()?;
        let path = path_from_components(path);
        let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let file = openat2(root, &*path, flags, Mode::empty(), inside).ok()?;
        Some((file, Some(self.clock.wall(header.time))))
    }

    /// A process that sees the container as one saw it that has ended: its parent, else the first of
    /// those that live.
    fn inside(&mut self, header: &Header) -> Option<u32> {
        let home = header.cgroup;
        let known = self.contents.inside.get(&home).copied();
        let lives = |pid: &u32| {
            let process = self.tables.process(*pid);
            process.is_some_and(|process| process.cgroup == home)
        };
        if let Some(pid) = [Some(header.parent_pid), known]
            .into_iter()
            .flatten()
            .find(lives)
        {
            return Some(pid);
        }
        let own = self
            .tables
            .processes()
            .filter(|(_, one)| one.cgroup == home);
        let (pid, _) = own.min_by_key(|(pid, one)| (one.container_pid, *pid))?;
        if self.contents.inside.len() >= KNOWN_MAX {
            self.contents.inside.clear();
        }
        self.contents.inside.insert(home, pid);
        Some(pid)
    }

    /// Judges what was hashed since the last time.
    pub(super) fn contents(&mut self) {
        while let Ok(Answer { subject, sha256 }) = self.contents.answers.try_recv() {
            let is_approved = subject.program.is_approved;
            if !self.judge_content(subject, sha256) && is_approved {
                self.lose(UserLoss::ContentUnknown, 1);
            }
        }
    }

    /// Answers whether it could be judged.
    fn judge_content(&mut self, subject: Subject, sha256: Option<String>) -> bool {
        let Subject {
            header,
            phase,
            program,
        } = subject;
        let (Some(sha256), Resolution::Instance(instance)) =
            (sha256, self.registry.resolve(header.cgroup))
        else {
            return false;
        };
        // It is no record of the kernel side's, which knows nothing of contents.
        let record = Record {
            header: Header {
                key: 0,
                hook: 0,
                ..header
            },
            phase,
            body: Body::Exec {
                path: &[],
                filename: &[],
                args: &[],
                cwd: &[],
                origin: Origin::Unknown,
            },
        };
        let scene = Scene {
            instance,
            images: &self.images,
            clock: self.clock,
            last_gap: self.last_gap.max(self.lost.last_gap(instance.home)),
            names: &[],
        };
        let (at, items) = self.judge.take_content(&record, &program, &sha256, scene);
        for item in items {
            self.feed.publish(at, item);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::path::Path;

    fn held(path: &Path) -> OwnedFd {
        open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
    }

    /// What sha256sum(1) says of nothing, and of `abc`.
    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_file_is_hashed_as_it_is_now_and_by_no_other_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        std::fs::write(&path, "").unwrap();
        let mut hasher = Hasher::default();
        let first = held(&path);
        assert_eq!(hasher.hash(&first, None).as_deref(), Some(NOTHING));
        // What changed within the resolution of its times is not remembered.
        assert!(hasher.known.is_empty());
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap();
        file.write_all(b"abc").unwrap();
        assert_eq!(hasher.hash(&first, None).as_deref(), Some(ABC));
        // Another file under the name is not the one that was held.
        std::fs::rename(&path, folder.path().join("moved")).unwrap();
        std::fs::write(&path, "other").unwrap();
        assert_eq!(hasher.hash(&first, None).as_deref(), Some(ABC));
        assert_ne!(hasher.hash(&held(&path), None).as_deref(), Some(ABC));
    }

    #[test]
    fn what_was_changed_since_or_is_no_file_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        std::fs::write(&path, "abc").unwrap();
        let mut hasher = Hasher::default();
        let now = crate::clock::now();
        let file = held(&path);
        assert_eq!(hasher.hash(&file, Some(now - 60 * NANOSECONDS)), None);
        let later = Some(now + 60 * NANOSECONDS);
        assert_eq!(hasher.hash(&file, later).as_deref(), Some(ABC));
        assert_eq!(hasher.hash(&held(folder.path()), None), None, "a folder");
        let long = folder.path().join("long");
        let sparse = File::create(&long).unwrap();
        sparse.set_len(BYTES_MAX + 1).unwrap();
        assert_eq!(hasher.hash(&held(&long), None), None, "too long");
    }

    #[test]
    fn what_is_remembered_goes_by_what_a_change_changes() {
        let program = std::env::current_exe().unwrap();
        let mut hasher = Hasher::default();
        let settled = Stamp::of(&fstat(held(&program)).unwrap());
        let first = hasher.hash(&held(&program), None).unwrap();
        if settled.last() < crate::clock::now() - RACY {
            assert_eq!(hasher.known.get(&settled), Some(&first));
        }
        assert_eq!(hasher.hash(&held(&program), None), Some(first));
        // Whatever is remembered of a stamp is what is told of it.
        hasher.known.insert(settled, "remembered".to_owned());
        assert_eq!(
            hasher.hash(&held(&program), None).as_deref(),
            Some("remembered")
        );
    }
}
