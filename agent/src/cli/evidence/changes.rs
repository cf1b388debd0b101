//! What a container changed of its image: the writable layer of its root, overlayfs'
//! "upper" folder (Documentation/filesystems/overlayfs.rst).
//!
//! The container writes there while this reads. So nothing in it is followed, nothing but a regular
//! file is opened for reading, and how much is looked at is bounded; what was not looked at is told.

use lapwing_profile::text::canonical;
use ring::digest::{Context as Hash, SHA256};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fgetxattr, fstat, major, minor, openat2,
    readlinkat,
};
use rustix::io::Errno;
use serde::Serialize;
use std::fs::File;
use std::io::Read;

/// How much of a layer is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Entries that are listed.
    pub entries: usize,
    /// Bytes of their names and of what links say.
    pub names: usize,
    /// Bytes that are read for hashes, of all files together: the smallest files first, so that a large
    /// one takes none from others.
    pub hashed: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            entries: 200_000,
            names: 32 << 20,
            hashed: 8 << 30,
        }
    }
}

/// One entry of the writable layer.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// As the container names it, special bytes escaped as `\x0a`.
    pub path: String,
    /// What is there now.
    pub kind: Kind,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Of what was read of a file, in hexadecimal digits; absent where it was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What a symbolic link says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// In octal digits.
    pub mode: String,
    /// In the host's numbering.
    pub uid: u32,
    /// In the host's numbering.
    pub gid: u32,
    /// When its content changed last, as the container has it.
    pub modified: String,
    /// When anything of it changed last, which a container cannot set.
    pub changed: String,
    /// Whether the file gives capabilities to who executes it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub capabilities: bool,
    /// Whether a folder hides what the image has there; false as well where that was not seen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replaces: bool,
    /// Why something of it is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A regular file, written or created.
    #[default]
    File,
    /// A folder, made or changed itself, or on the way to something that was.
    Folder,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A Unix socket.
    Socket,
    /// A device node.
    Device,
    /// The image has something here, and the container does not any more.
    Deleted,
}

/// What was found in a layer.
#[derive(Debug, Default)]
pub struct Changes {
    /// By their paths.
    pub entries: Vec<Change>,
    /// What is missing in them, as sentences.
    pub incomplete: Vec<String>,
}

/// How paths in the layer are followed.
const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_XDEV)
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// Lists a layer. Who does not see overlayfs' own marks, see [`sees_marks`](crate::container::layers::sees_marks),
/// tells nothing that rests on their absence.
#[must_use]
pub fn list(layer: &OwnedFd, sees_marks: bool, bounds: Bounds) -> Changes {
    let mut walk = Walk {
        layer: layer.as_fd(),
        sees_marks,
        bounds,
        found: Changes::default(),
        folders: vec![Vec::new()],
        names: 0,
        files: Vec::new(),
        unread: 0,
        unhashed: 0,
        beyond: false,
    };
    while let Some(folder) = walk.folders.pop() {
        if walk.folder(&folder).is_err() {
            walk.unread += 1;
        }
        if walk.beyond {
            break;
        }
    }
    walk.end()
}

struct Walk<'a> {
    layer: BorrowedFd<'a>,
    sees_marks: bool,
    bounds: Bounds,
    found: Changes,
    /// Still to be looked at, from the layer on.
    folders: Vec<Vec<u8>>,
    /// Bytes of names so far.
    names: usize,
    /// Files by their sizes, with their places among the entries, to be hashed.
    files: Vec<(u64, usize, Vec<u8>)>,
    unread: u64,
    unhashed: u64,
    beyond: bool,
}

impl Walk<'_> {
    fn open(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        openat2(self.layer, path, flags, Mode::empty(), INSIDE)
    }

    fn folder(&mut self, folder: &[u8]) -> Result<(), Errno> {
        let file = self.open(folder, OFlags::RDONLY | OFlags::DIRECTORY)?;
        for entry in Dir::new(file)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if self.found.entries.len() >= self.bounds.entries || self.names >= self.bounds.names {
                self.beyond = true;
                return Ok(());
            }
            let mut path = folder.to_vec();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend(name);
            match self.entry(&path) {
                Ok(change) => {
                    let (kind, size) = (change.kind, change.size.unwrap_or_default());
                    let target = change.target.as_ref().map_or(0, String::len);
                    self.names += change.path.len() + target;
                    let place = self.found.entries.len();
                    self.found.entries.push(change);
                    match kind {
                        Kind::Folder => self.folders.push(path),
                        Kind::File => self.files.push((size, place, path)),
                        _ => {}
                    }
                }
                // It was there a moment ago.
                Err(Errno::NOENT) => {}
                Err(_) => self.unread += 1,
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &[u8]) -> Result<Change, Errno> {
        let file = self.open(path, OFlags::PATH)?;
        let status = fstat(&file)?;
        let kind = kind(&status);
        let mut change = Change {
            path: format!("/{}", canonical(path)),
            kind,
            size: None,
            sha256: None,
            target: None,
            mode: format!("{:04o}", status.st_mode & 0o7777),
            uid: status.st_uid,
            gid: status.st_gid,
            modified: time(status.st_mtime, status.st_mtime_nsec),
            changed: time(status.st_ctime, status.st_ctime_nsec),
            capabilities: false,
            replaces: false,
            trouble: None,
        };
        match kind {
            Kind::File => change.size = u64::try_from(status.st_size).ok(),
            Kind::Folder => {
                if let Ok(folder) = reopen(&file, OFlags::RDONLY | OFlags::DIRECTORY) {
                    let opaque = [c"trusted.overlay.opaque", c"user.overlay.opaque"];
                    change.replaces = opaque.into_iter().any(|name| has(&folder, name));
                }
            }
            Kind::Link => {
                let target = readlinkat(&file, c"", Vec::new())?;
                change.target = Some(canonical(target.as_bytes()));
            }
            Kind::Fifo | Kind::Socket | Kind::Device | Kind::Deleted => {}
        }
        Ok(change)
    }

    /// Hashes what was listed, the smallest first.
    fn hash(&mut self) {
        self.files.sort();
        for (_, place, path) in std::mem::take(&mut self.files) {
            let mut change = std::mem::take(&mut self.found.entries[place]);
            if let Err(trouble) = self.hash_one(&path, &mut change) {
                change.trouble = Some(trouble);
            }
            self.unhashed += u64::from(change.sha256.is_none());
            self.found.entries[place] = change;
        }
    }

    fn hash_one(&mut self, path: &[u8], change: &mut Change) -> Result<(), String> {
        let unread = |error: &dyn std::fmt::Display| format!("cannot be read: {error}");
        let file = self
            .open(path, OFlags::PATH)
            .map_err(|error| unread(&error))?;
        let status = fstat(&file).map_err(|error| unread(&error))?;
        if kind(&status) != Kind::File {
            return Err("became something else while it was looked at".to_owned());
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        // The time of the last reading is the container's; others than the owner change it.
        let file = { reopen(&file, flags | OFlags::NOATIME) }
            .or_else(|_| reopen(&file, flags))
            .map_err(|error| unread(&error))?;
        change.capabilities = has(&file, c"security.capability");
        let metacopy = [c"trusted.overlay.metacopy", c"user.overlay.metacopy"];
        if metacopy.into_iter().any(|name| has(&file, name)) {
            return Err(
                "its owner or mode alone was changed: its content is the image's".to_owned(),
            );
        }
        let mut hash = Hash::new(&SHA256);
        let mut buffer = vec![0; 64 << 10];
        // It may grow while it is read: not beyond what is left for all of them.
        let mut file = File::from(file).take(self.bounds.hashed);
        let mut is_zeros = true;
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    is_zeros = is_zeros && buffer[..count].iter().all(|byte| *byte == 0);
                    hash.update(&buffer[..count]);
                }
                Err(error) => return Err(unread(&error)),
            }
        }
        let is_whole = file.limit() > 0 || change.size == Some(self.bounds.hashed);
        let read = self.bounds.hashed - file.limit();
        self.bounds.hashed = file.limit();
        if !is_whole {
            return Err("not read: too much is changed to hash all".to_owned());
        }
        // As a file reads of which overlayfs copied owner and mode alone.
        if is_zeros && read > 0 && !self.sees_marks {
            return Err("is all zeros, which may stand for the image's content".to_owned());
        }
        change.sha256 = Some(digits(hash.finish().as_ref()));
        match change.size == Some(read) {
            true => Ok(()),
            false => Err(format!("changed while it was read: {read} bytes then")),
        }
    }

    fn end(mut self) -> Changes {
        self.hash();
        let mut found = self.found;
        found.entries.sort_by(|a, b| a.path.cmp(&b.path));
        if self.beyond {
            let most = found.entries.len();
            found.incomplete.push(format!(
                "the writable layer has more than {most} entries: what is beyond is not listed"
            ));
        }
        if self.unread > 0 {
            let count = self.unread;
            found.incomplete.push(format!(
                "{count} entries of the writable layer could not be looked at"
            ));
        }
        if !self.sees_marks && !found.entries.is_empty() {
            found.incomplete.push(
                "overlayfs' own marks were not seen, which takes CAP_SYS_ADMIN on the host: whether a folder \
                 replaces the image's is not told"
                    .to_owned(),
            );
        }
        if self.unhashed > 0 {
            let count = self.unhashed;
            found.incomplete.push(format!(
                "{count} files of the writable layer have no hash, each says why"
            ));
        }
        found
    }
}

/// Opens what a path stands for, which cannot have become something else since.
fn reopen(file: &OwnedFd, flags: OFlags) -> Result<OwnedFd, Errno> {
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::open(link, flags | OFlags::CLOEXEC, Mode::empty())
}

fn has(file: &OwnedFd, name: &std::ffi::CStr) -> bool {
    // Its length is asked for, which may be 0.
    fgetxattr(file, name, &mut [0_u8; 0][..]).is_ok()
}

fn kind(status: &Stat) -> Kind {
    match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        // Overlayfs' whiteout.
        FileType::CharacterDevice if (major(status.st_rdev), minor(status.st_rdev)) == (0, 0) => {
            Kind::Deleted
        }
        _ => Kind::Device,
    }
}

fn time(seconds: i64, nanoseconds: impl TryInto<i32>) -> String {
    let nanoseconds = nanoseconds.try_into().unwrap_or_default();
    jiff::Timestamp::new(seconds, nanoseconds).map_or_else(|_| String::new(), |at| at.to_string())
}

/// In hexadecimal digits.
#[must_use]
pub fn digits(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
