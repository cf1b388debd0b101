//! How the files of a layer are opened: beneath its folder, by names that are no links.

use crate::error::Limits;
use crate::report::Written;
use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, fstat, getxattr, openat2};
use rustix::io::Errno;
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

/// Sums up what lies in a layer, of which nothing is read.
pub(super) fn written(layer: BorrowedFd<'_>, limits: Limits) -> Written {
    let mut sum = Written::default();
    let mut names = 0;
    let mut folders = vec![Vec::new()];
    while let Some(folder) = folders.pop() {
        let dir = open(layer, &folder, OFlags::RDONLY | OFlags::DIRECTORY).and_then(Dir::new);
        let Ok(dir) = dir else {
            sum.is_incomplete = true;
            continue;
        };
        for entry in dir.flatten() {
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            names += 1;
            if names > limits.entries {
                sum.is_incomplete = true;
                return sum;
            }
            let path = match folder.is_empty() {
                true => name.to_vec(),
                false => [&folder[..], b"/", name].concat(),
            };
            let status = open(layer, &path, OFlags::PATH).and_then(|file| fstat(&file));
            let Ok(status) = status else {
                sum.is_incomplete = true;
                continue;
            };
            match FileType::from_raw_mode(status.st_mode) {
                FileType::Directory => folders.push(path),
                FileType::RegularFile => {
                    let size = u64::try_from(status.st_size).unwrap_or_default();
                    sum.bytes = sum.bytes.saturating_add(size);
                    sum.files += 1;
                }
                _ => {}
            }
        }
    }
    sum
}
