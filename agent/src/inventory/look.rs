//! What a use brings with it that the kernel does not tell: a thread looks in `/proc`.
//!
//! - The loader of a program stands in the program. Where opens are seen at the exit of system calls
//!   (tier B), nobody tells that the kernel opens it.
//! - What ran before the agent has opened its files: those that are still mapped stand in
//!   `/proc/PID/maps`. What was opened, read and closed is not known, and counted so.
//!
//! Paths are looked up in the container's root, which they cannot leave, and a file is opened only if
//! it is a regular one; names and sizes are bounded. No other mount is entered: one that hangs would stop
//! the thread. A process is asked only if it is still the one that was meant, by when it started.

use crate::container::scan;
use crate::pipeline::Waker;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, open, openat2};
use rustix::io::pread;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Questions that wait at most.
const WAITING: usize = 1_024;
/// Processes that are asked for a container's files.
pub const PROCESSES_MAX: usize = 64;
/// When a process started is told in ticks of this length, in nanoseconds.
const TICK: u64 = 10_000_000;
/// Bytes of a list that are read.
const LIST_BYTES: u64 = 1 << 20;
/// Files of one answer.
const FILES_MAX: usize = 4_096;
/// Program headers that are looked at.
const HEADERS_MAX: u16 = 64;
/// Longest path of a loader, NUL included.
const PATH_MAX: usize = 4_096;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The files that the processes have mapped.
    Mapped,
    /// The loader of the program with this path.
    Loader(Box<[u8]>),
}

/// A question.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The container's cgroup.
    pub home: u64,
    /// Processes that see it from inside, the best first, each with when it started, since boot in
    /// nanoseconds.
    pub pids: Arc<[(u32, u64)]>,
    /// What is wanted.
    pub wanted: Wanted,
    /// Whether nobody else is asked after these.
    pub is_last: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The container's cgroup.
    pub home: u64,
    /// What was wanted.
    pub wanted: Wanted,
    /// As it was asked.
    pub is_last: bool,
    /// Paths in the container; `None` where nobody could be asked.
    pub files: Option<Vec<Vec<u8>>>,
}

/// The thread's ends.
pub struct Looker {
    asks: SyncSender<Ask>,
    answers: Receiver<Found>,
}

impl Looker {
    /// Starts the thread, which ends with this. It wakes the pipeline.
    #[must_use]
    pub fn begin(waker: Waker) -> Self {
        let (asks, asked) = sync_channel::<Ask>(WAITING);
        let (answer, answers) = sync_channel(2 * WAITING);
        let started = std::thread::Builder::new()
            .name("inventory".to_owned())
            .spawn(move || {
                const LEAST: i32 = 19;
                // It works without, only not as unnoticed.
                let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), LEAST);
                for ask in asked {
                    if answer.send(look(Path::new("/proc"), ask)).is_err() {
                        return;
                    }
                    waker.wake();
                }
            });
        if let Err(error) = started {
            // Each question is refused by the closed channel, and counted.
            tracing::warn!("loaders of programs are not looked up: {error}");
        }
        Self { asks, answers }
    }

    /// Asks. Answers whether there was room.
    #[must_use]
    pub fn ask(&self, ask: Ask) -> bool {
        self.asks.try_send(ask).is_ok()
    }

    /// What was found, if there is something.
    #[must_use]
    pub fn found(&self) -> Option<Found> {
        self.answers.try_recv().ok()
    }
}

fn look(proc: &Path, ask: Ask) -> Found {
    let is_same = |(pid, started): (u32, u64)| {
        scan::start(proc, pid).is_some_and(|start| start.abs_diff(started) <= TICK)
    };
    let pids = ask.pids.iter().take(PROCESSES_MAX);
    let files = match &ask.wanted {
        Wanted::Mapped => {
            let mut files = BTreeSet::new();
            for one in pids {
                let mapped = mapped(&proc.join(one.0.to_string()));
                // It may have become another's before that was read.
                if is_same(*one) {
                    files.extend(mapped);
                }
            }
            Some(files.into_iter().take(FILES_MAX).collect())
        }
        Wanted::Loader(program) => {
            let found = { pids }.find_map(|one| {
                let process = proc.join(one.0.to_string());
                loader(&process, program, || is_same(*one))
            });
            found.map(|file| file.into_iter().collect())
        }
    };
    Found {
        home: ask.home,
        wanted: ask.wanted,
        is_last: ask.is_last,
        files,
    }
}

/// The loader of a program, its links resolved, as a process sees both; `None` if the program cannot be
/// looked at, and nothing if it needs none.
fn loader(process: &Path, program: &[u8], is_same: impl Fn() -> bool) -> Option<Option<Vec<u8>>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = open(process.join("root"), flags, Mode::empty()).ok()?;
    // From here on the root stays what it is.
    if !is_same() {
        return None;
    }
    let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let path = |path: &[u8]| {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        openat2(&root, path, flags, Mode::empty(), inside).ok()
    };
    let Some(wanted) = interpreter(&path(program)?)? else {
        return Some(None);
    };
    // Where it leads nowhere, the program cannot have been executed by it.
    let Some(found) = path(&wanted) else {
        return Some(None);
    };
    let (found, root) = (name(&found)?, name(&root)?);
    let below = if root == b"/" {
        &found[..]
    } else {
        found.strip_prefix(&root[..])?
    };
    Some(Some(below.to_vec()))
}

/// What the kernel calls an open file.
fn name(file: &OwnedFd) -> Option<Vec<u8>> {
    let link = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
    let name = link.into_os_string().into_vec();
    name.starts_with(b"/").then_some(name)
}

/// The path of its loader that an ELF file holds (`PT_INTERP`); nothing of a file that has none, `None` of one
/// that cannot be read.
fn interpreter(program: &OwnedFd) -> Option<Option<Vec<u8>>> {
    const PT_INTERP: u32 = 3;
    if !FileType::from_raw_mode(fstat(program).ok()?.st_mode).is_file() {
        return Some(None);
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let path = format!("/proc/self/fd/{}", program.as_raw_fd());
    let file = open(path, flags, Mode::empty()).ok()?;
    let read = |at: u64, len: usize| {
        let mut bytes = vec![0; len];
        let read = pread(&file, &mut bytes, at).ok()?;
        bytes.truncate(read);
        Some(bytes)
    };
    let head = read(0, 64)?;
    // Little endian, as all machines that this runs on.
    if !head.starts_with(b"\x7fELF") || head.get(5) != Some(&1) {
        return Some(None);
    }
    let wide = head[4] == 2;
    let number = |bytes: &[u8], at: usize, len: usize| -> Option<u64> {
        let bytes = bytes.get(at..at + len)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    let found = || -> Option<Vec<u8>> {
        let (table, size, count) = match wide {
            true => (
                number(&head, 32, 8)?,
                number(&head, 54, 2)?,
                number(&head, 56, 2)?,
            ),
            false => (
                number(&head, 28, 4)?,
                number(&head, 42, 2)?,
                number(&head, 44, 2)?,
            ),
        };
        for index in 0..count.min(HEADERS_MAX.into()) {
            let header = read(table.checked_add(index * size)?, 56)?;
            if number(&header, 0, 4)? != u64::from(PT_INTERP) {
                continue;
            }
            let (at, len) = match wide {
                true => (number(&header, 8, 8)?, number(&header, 32, 8)?),
                false => (number(&header, 4, 4)?, number(&header, 16, 4)?),
            };
            let mut path = read(at, usize::try_from(len).ok()?.min(PATH_MAX))?;
            let end = path.iter().position(|byte| *byte == 0)?;
            path.truncate(end);
            return (!path.is_empty()).then_some(path);
        }
        None
    };
    Some(found())
}

/// The files below the root's own mount that a process has mapped.
fn mapped(process: &Path) -> Vec<Vec<u8>> {
    let lines = |name: &str| -> Vec<Vec<u8>> {
        let Ok(file) = std::fs::File::open(process.join(name)) else {
            return Vec::new();
        };
        let lines = BufReader::new(file.take(LIST_BYTES)).split(b'\n');
        lines.map_while(Result::ok).collect()
    };
    let mounts: Vec<Vec<u8>> = lines("mountinfo")
        .iter()
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(4).map(octal))
        .filter(|point| point != b"/")
        .collect();
    let on_root = |path: &[u8]| {
        !mounts.iter().any(|point| {
            path.strip_prefix(&point[..])
                .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        })
    };
    lines("maps")
        .iter()
        .filter_map(|line| {
            let mut words = line.splitn(6, |byte| *byte == b' ');
            let path = words.nth(5)?.trim_ascii_start();
            (path.starts_with(b"/") && !path.ends_with(b" (deleted)")).then(|| octal(path))
        })
        .filter(|path| on_root(path))
        .collect()
}

/// A path of a list, in which some bytes are written as a backslash and three octal digits.
fn octal(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..3).filter(|_| *first == b'\\');
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match byte {
            Some(byte) => {
                out.push(byte);
                rest = &tail[3..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// An ELF file with the loader that it asks for.
    fn elf(loader: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 64 + 2 * 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32] = 64;
        file[54] = 56;
        file[56] = 2;
        file[64] = 1;
        file[64 + 56] = 3;
        file[64 + 56 + 8] = 176;
        file[64 + 56 + 32] = loader.len() as u8;
        file.extend(loader);
        file
    }

    #[test]
    fn a_loader_is_found_in_the_container_s_root_and_nowhere_else() {
        let process = tempfile::tempdir().unwrap();
        let root = process.path().join("root");
        for folder in ["usr/lib", "bin"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink("usr/lib", root.join("lib")).unwrap();
        std::os::unix::fs::symlink("/usr/lib/ld-2.so", root.join("usr/lib/ld.so")).unwrap();
        std::os::unix::fs::symlink("../../../../etc/passwd", root.join("usr/lib/out.so")).unwrap();
        fs::write(root.join("usr/lib/ld-2.so"), "").unwrap();
        let of = |bytes: &[u8]| {
            fs::write(root.join("bin/a"), bytes).unwrap();
            loader(process.path(), b"/bin/a", || true)
        };
        let found = Some(Some(b"/usr/lib/ld-2.so".to_vec()));
        assert_eq!(of(&elf(b"/lib/ld.so\0")), found);
        assert_eq!(of(&elf(b"/../../lib/ld.so\0")), found);
        let none: [&[u8]; 8] = [
            b"",
            b"#!/bin/sh\n",
            b"\x7fELF\x02\x01",
            &elf(b"/lib/ld.so"),
            &elf(b"\0"),
            &elf(b"/lib/none.so\0"),
            &elf(b"/lib/out.so\0"),
            &elf(b"/lib/ld.so\0")[..150],
        ];
        for bytes in none {
            assert_eq!(of(bytes), Some(None), "{bytes:?}");
        }
        assert_eq!(loader(process.path(), b"/bin/none", || true), None);
        assert_eq!(loader(process.path(), b"/bin/a", || false), None, "another");
        // The test's own, which is dynamically linked or not, is no error.
        let own = std::env::current_exe().unwrap();
        let own = open(own, OFlags::PATH, Mode::empty()).unwrap();
        assert!(interpreter(&own).is_some());
    }

    #[test]
    fn mappings_on_other_mounts_are_left_out() {
        let process = tempfile::tempdir().unwrap();
        let line =
            |path: &str| format!("7f0-7f1 r-xp 00000000 fe:0a 1234                 {path}\n");
        let maps: String = [
            "/bin/a",
            "/lib/b c.so",
            "/data/x",
            "/database",
            "[heap]",
            "/x (deleted)",
            "/new\\012line",
            "",
        ]
        .map(line)
        .concat();
        fs::write(process.path().join("maps"), maps).unwrap();
        let mounts = "1 0 0:1 / / rw - overlay o rw\n2 1 0:2 / /data rw - ext4 d rw\n3 1 0:3 / /a\\040b rw - x x rw\n";
        fs::write(process.path().join("mountinfo"), mounts).unwrap();
        assert_eq!(
            mapped(process.path()),
            [&b"/bin/a"[..], b"/lib/b c.so", b"/database", b"/new\nline"]
        );
    }

    #[test]
    fn a_process_that_is_another_by_now_is_not_asked() {
        let pid = std::process::id();
        let started = scan::start(Path::new("/proc"), pid).unwrap();
        let found = |proc: &str, started, wanted| {
            let ask = Ask {
                home: 3,
                pids: [(pid, started)].into(),
                wanted,
                is_last: true,
            };
            look(Path::new(proc), ask).files
        };
        let own = |started| found("/proc", started, Wanted::Mapped).unwrap().len();
        assert!(own(started) > 0 && own(started + 1) > 0);
        assert_eq!(own(started + 3 * TICK), 0);
        let program = std::env::current_exe().unwrap().into_os_string();
        let program = Wanted::Loader(program.into_vec().into());
        assert_eq!(found("/proc", started + 3 * TICK, program.clone()), None);
        assert_eq!(found("/nowhere", started, program), None);
        assert_eq!(found("/nowhere", started, Wanted::Mapped), Some(vec![]));
    }
}
