//! The open descriptors of another process.
//!
//! They are listed in `/proc/PID/fd`, which belongs to the process's user. An agent without
//! CAP_DAC_READ_SEARCH may not look there if that user is not root, though CAP_SYS_PTRACE lets it
//! see all the rest. Then each descriptor is copied (pidfd_getfd(2), since Linux 5.6) and looked at
//! among the agent's own. Closing a copy can be heard by a FUSE file system, whose server may be
//! the container's and never answer: where that is known beforehand, such a file is not copied.

use super::mounts::Mounts;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, OFlags, StatxFlags, statx};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Descriptors of one process that are looked at.
pub const DESCRIPTORS_MAX: usize = 4_096;

/// Who can write the file, or what else a descriptor is.
#[derive(Debug, PartialEq, Eq)]
pub enum Open {
    /// A regular file that is open for writing.
    File(File),
    /// A socket, by its inode number.
    Socket(u64),
}

/// A regular file that is open for writing.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Its path as the kernel told it: below the root of the process's mount namespace.
    pub path: Vec<u8>,
    /// The mount that it lies on.
    pub mount: u32,
    /// Made without a name (`O_TMPFILE`).
    pub nameless: bool,
}

/// Those of a process, and how many could not be looked at.
pub fn open(proc: &Path, pid: u32, mounts: &mut impl FnMut() -> Mounts) -> (Vec<Open>, u64) {
    let process = proc.join(pid.to_string());
    let (numbers, mut cut) = match numbers(&process.join("fd")) {
        Ok(listed) => listed,
        Err(rustix::io::Errno::ACCESS) => return copied(&process, pid, &mounts()),
        // It has ended.
        Err(_) => return (Vec::new(), 0),
    };
    let mut found = Vec::new();
    for number in numbers {
        match look(&process, number) {
            Ok(open) => found.extend(open),
            Err(()) => cut += 1,
        }
    }
    (found, cut)
}

/// The numbers in a folder, and how many more there are.
fn numbers(folder: &Path) -> rustix::io::Result<(Vec<i32>, u64)> {
    let list = std::fs::read_dir(folder).map_err(|error| {
        rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::NOENT)
    })?;
    let mut all = list
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let numbers = all.by_ref().take(DESCRIPTORS_MAX).collect();
    Ok((numbers, all.count() as u64))
}

/// Looks at a descriptor by its links in a process's folder.
fn look(process: &Path, number: i32) -> Result<Option<Open>, ()> {
    let link = process.join(format!("fd/{number}"));
    let to = match std::fs::read_link(&link) {
        Ok(to) => to.into_os_string().into_vec(),
        // It was closed.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(()),
    };
    if let Some(inode) = to
        .strip_prefix(b"socket:[")
        .and_then(|rest| rest.strip_suffix(b"]"))
    {
        let inode = std::str::from_utf8(inode).map_err(|_| ())?;
        return Ok(Some(Open::Socket(inode.parse().map_err(|_| ())?)));
    }
    if !to.starts_with(b"/") {
        return Ok(None); // Pipes, event counters and the like.
    }
    let Some(info) = Info::read(process, number) else {
        return Ok(None);
    };
    // What is known already will do: a file system that asks a server could wait for ever.
    let status = match statx(
        CWD,
        &link,
        AtFlags::STATX_DONT_SYNC,
        StatxFlags::TYPE | StatxFlags::NLINK,
    ) {
        Ok(status) => status,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(_) => return Err(()),
    };
    if !info.writes || FileType::from_raw_mode(status.stx_mode.into()) != FileType::RegularFile {
        return Ok(None);
    }
    let path = match to.strip_suffix(b" (deleted)") {
        // With a link left it may be a part of the name.
        Some(path) if status.stx_nlink == 0 => path.to_vec(),
        _ => to,
    };
    Ok(Some(Open::File(File {
        path,
        mount: info.mount,
        nameless: info.nameless,
    })))
}

/// What `/proc/PID/fdinfo` says of a descriptor. The kernel's own lines come first.
struct Info {
    writes: bool,
    nameless: bool,
    mount: u32,
}

impl Info {
    fn read(process: &Path, number: i32) -> Option<Self> {
        let text = std::fs::read(process.join(format!("fdinfo/{number}"))).ok()?;
        Self::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Option<Self> {
        const TMPFILE: u32 = 1 << 22;
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
        let flags = u32::from_str_radix(value("flags:")?.trim(), 8).ok()?;
        let access = flags & OFlags::ACCMODE.bits();
        let opened = flags & OFlags::PATH.bits() == 0;
        Some(Self {
            writes: opened && [OFlags::WRONLY.bits(), OFlags::RDWR.bits()].contains(&access),
            nameless: flags & TMPFILE != 0,
            mount: value("mnt_id:")?.trim().parse().ok()?,
        })
    }
}

/// Looks at copies of a process's descriptors.
fn copied(process: &Path, pid: u32, mounts: &Mounts) -> (Vec<Open>, u64) {
    let handle = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let Some(handle) = handle else {
        return (Vec::new(), 0); // It has ended.
    };
    // Since Linux 5.14 this list is there for whoever may trace the process.
    let (numbers, mut cut) = match numbers(&process.join("fdinfo")) {
        Ok(listed) => listed,
        Err(_) => {
            let size = table_size(process);
            let known = size.min(DESCRIPTORS_MAX);
            ((0..known as i32).collect(), (size - known) as u64)
        }
    };
    let mut found = Vec::new();
    for number in numbers {
        if let Some(info) = Info::read(process, number) {
            if !info.writes {
                continue;
            }
            if mounts.is_asking(info.mount) {
                cut += 1;
                continue;
            }
        }
        let copy: OwnedFd = match pidfd_getfd(&handle, number, PidfdGetfdFlags::empty()) {
            Ok(copy) => copy,
            Err(rustix::io::Errno::BADF | rustix::io::Errno::SRCH) => continue,
            Err(_) => {
                cut += 1;
                continue;
            }
        };
        match look(&PathBuf::from("/proc/self"), copy.as_raw_fd()) {
            Ok(open) => found.extend(open),
            Err(()) => cut += 1,
        }
    }
    (found, cut)
}

/// How many descriptors the process has room for.
fn table_size(process: &Path) -> usize {
    let status = std::fs::read(process.join("status")).unwrap_or_default();
    String::from_utf8_lossy(&status)
        .lines()
        .find_map(|line| line.strip_prefix("FDSize:")?.trim().parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn files(found: &[Open]) -> Vec<&File> {
        found
            .iter()
            .filter_map(|open| match open {
                Open::File(file) => Some(file),
                Open::Socket(_) => None,
            })
            .collect()
    }

    /// Of this very process, by its links and by copies alike.
    #[test]
    fn files_are_found_that_are_open_for_writing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let path = |name: &str| folder.join(name);
        let hostile = path("new\nline (deleted)");
        let _writes = fs::File::create(&hostile).unwrap();
        let _gone = fs::File::create(path("gone")).unwrap();
        fs::remove_file(path("gone")).unwrap();
        fs::write(path("read"), "").unwrap();
        let _reads = fs::File::open(path("read")).unwrap();
        let _null = fs::File::options().write(true).open("/dev/null").unwrap();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();

        let pid = std::process::id();
        let mounts = || Mounts::read(Path::new("/proc/self"));
        let (linked, _) = open(Path::new("/proc"), pid, &mut mounts.clone());
        let (copies, _) = copied(Path::new("/proc/self"), pid, &mounts());
        for found in [linked, copies] {
            let ours: Vec<Vec<u8>> = files(&found)
                .iter()
                .map(|file| file.path.clone())
                .filter(|path| path.starts_with(folder.as_os_str().as_encoded_bytes()))
                .collect();
            for expected in [&hostile, &path("gone")] {
                let expected = expected.as_os_str().as_encoded_bytes();
                assert!(ours.iter().any(|path| path == expected), "{ours:?}");
            }
            assert!(!ours.iter().any(|path| path.ends_with(b"read")));
            assert!(!files(&found).iter().any(|file| file.path == b"/dev/null"));
            let link = fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap();
            let inode = link.to_str().unwrap();
            assert!(found.iter().any(|open| match open {
                Open::Socket(number) => inode == format!("socket:[{number}]"),
                Open::File(_) => false,
            }));
        }
    }

    #[test]
    fn flags_say_who_writes() {
        for (flags, writes, nameless) in [
            ("0100000", false, false),
            ("0100001", true, false),
            ("02100002", true, false),
            ("010100002", false, false),
            ("020300002", true, true),
        ] {
            let text = format!("pos:\t0\nflags:\t{flags}\nmnt_id:\t29\nflags:\t0100002\n");
            let info = Info::parse(&text).unwrap();
            assert_eq!(
                (info.writes, info.nameless, info.mount),
                (writes, nameless, 29),
                "{flags}"
            );
        }
        for text in ["", "flags:\t9\nmnt_id:\t1\n", "flags:\t01\n"] {
            assert!(Info::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_process_that_ended_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let (found, cut) = open(folder.path(), 7, &mut Mounts::default);
        assert_eq!((found.len(), cut), (0, 0));
    }
}
