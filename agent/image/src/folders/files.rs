//! How the files of a layer are opened: beneath its folder, by names that are no links.

use super::pending::{Name, Pending};
use crate::error::Limits;
use crate::report::Written;
use crate::tree::NAME_MAX;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, getxattr, openat2};
use rustix::io::Errno;
use std::collections::HashSet;
use std::path::PathBuf;

/// Bytes of an attribute that are looked at.
const VALUE_MAX: usize = 64;
/// How names in a layer are opened.
const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_XDEV)
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// Opens a name of a layer, of which no part is a link or a mount.
pub(super) fn open(layer: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = if path.is_empty() { b"." } else { path };
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    openat2(layer, path, flags, Mode::empty(), INSIDE)
}

/// The place of an open file, which cannot have become something else since.
fn place(file: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Opens a regular file for reading.
pub(super) fn reopen(file: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let open = |flags| rustix::fs::open(place(file), flags, Mode::empty());
    // That it was read is nothing to be noted in the node's image; others than the owner may not ask so.
    open(flags | OFlags::NOATIME).or_else(|_| open(flags))
}

/// The value of an attribute, if there is one of so few bytes.
pub(super) fn value(file: &OwnedFd, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; VALUE_MAX];
    match getxattr(place(file), name, &mut value[..]) {
        Ok(count) => {
            value.truncate(count);
            Some(value)
        }
        // A redirect is a path.
        Err(Errno::RANGE) => Some(Vec::new()),
        Err(_) => None,
    }
}

/// Bytes that a file takes: its blocks of stat(2), so of a sparse one those that were written.
pub(super) fn on_disk(status: &Stat) -> u64 {
    let blocks = u64::try_from(status.st_blocks).unwrap_or_default();
    blocks.saturating_mul(512)
}

/// Sums up what lies in a layer, of which nothing is read. A container may write while that is done.
pub(super) fn written(layer: BorrowedFd<'_>, limits: Limits) -> Written {
    let mut count = Count {
        layer,
        left: limits.entries,
        linked: HashSet::new(),
        sum: Written::default(),
    };
    let mut pending = Pending::default();
    pending.enter(count.folder(b""));
    let is_over = |count: &Count<'_>| count.left == 0 && count.sum.is_incomplete;
    while !is_over(&count)
        && let Some(folder) = pending.next()
    {
        let names = count.folder(folder);
        pending.enter(names);
    }
    count.sum
}

struct Count<'a> {
    layer: BorrowedFd<'a>,
    /// Names that may still be looked at.
    left: u64,
    /// Files of several names that were counted.
    linked: HashSet<(u64, u64)>,
    sum: Written,
}

impl Count<'_> {
    /// Counts what is in a folder; answers the folders in it.
    fn folder(&mut self, folder: &[u8]) -> Vec<Name> {
        let mut folders = Vec::new();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = open(self.layer, folder, flags);
        let dir = opened.and_then(|opened| Ok((Dir::read_from(&opened)?, opened)));
        let Ok((dir, opened)) = dir else {
            self.sum.is_incomplete = true;
            return folders;
        };
        for entry in dir.flatten() {
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let Some(left) = self.left.checked_sub(1) else {
                self.sum.is_incomplete = true;
                break;
            };
            self.left = left;
            let status = open(opened.as_fd(), name, OFlags::PATH).and_then(|file| fstat(&file));
            let Ok(status) = status else {
                self.sum.is_incomplete = true;
                continue;
            };
            match FileType::from_raw_mode(status.st_mode) {
                // Longer ones, as of FUSE, are none of a layer.
                FileType::Directory if name.len() > NAME_MAX => self.sum.is_incomplete = true,
                FileType::Directory => folders.push(Box::from(name)),
                FileType::RegularFile => self.file(&status),
                _ => {}
            }
        }
        folders
    }

    fn file(&mut self, status: &Stat) {
        let number = (status.st_dev, status.st_ino);
        if status.st_nlink < 2 || self.linked.insert(number) {
            self.sum.bytes = self.sum.bytes.saturating_add(on_disk(status));
            self.sum.files += 1;
        }
    }
}
