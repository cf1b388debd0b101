//! Layers that lie unpacked in folders, as overlayfs has them (Documentation/filesystems/overlayfs.rst).
//!
//! A layer is read through its open folder alone: each name is opened beneath it, without following any
//! link or entering another mount, and looked at before it is opened for reading, which is done with
//! regular files and folders alone. What overlayfs notes in extended attributes is believed only where
//! the mount goes by them: an image may bring attributes called `user.overlay.*`, and overlayfs does not
//! heed them unless it was mounted with `userxattr`.

mod files;
mod pending;

use crate::error::{Error, Limits};
use crate::layout::{Blob, Layout};
use crate::read::{Contents, Figures, Odd, Reader, Seen};
use crate::report::FromContainer;
use crate::tarball::{Entry, Kind as Entity};
use crate::tree::{Id, NAME_MAX, Refused, Stop};
use files::{on_disk, open, reopen, value, written};
use lapwing_profile::text::canonical;
use pending::{Name, Pending};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Dir, FileType, OFlags, Stat, fstat, major, minor, readlinkat};
use rustix::io::Errno;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};

/// Layers at most: overlayfs stacks 500.
const LAYERS_MAX: usize = 500;
/// Where a layer notes what it takes away from those below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// In attributes called `trusted.overlay.*`, which who has CAP_SYS_ADMIN alone sees, and in devices of
    /// number 0:0.
    Trusted,
    /// In attributes called `user.overlay.*`, as overlayfs does with the option `userxattr`, and in such devices.
    User,
    /// Nowhere: it is a root of its own, without layers below.
    None,
}

/// A layer in a folder.
#[derive(Debug)]
pub struct Folder {
    /// Where it lies, for people.
    pub path: String,
    /// The folder, opened for reading or as a path.
    pub folder: OwnedFd,
}

/// The layers of a running container.
#[derive(Debug)]
pub struct Layers {
    /// What its image is called, where that is known.
    pub name: Option<String>,
    /// The digest of its image, where the runtime tells one: of the manifest, or of the configuration.
    pub digest: Option<String>,
    /// The container's id.
    pub container: String,
    /// The layers of its image, the lowest first.
    pub folders: Vec<Folder>,
    /// How they were laid over one another.
    pub marks: Marks,
    /// The layer that it writes to, which is no part of the image.
    pub writable: Option<OwnedFd>,
    /// What whoever reads the report has to know besides.
    pub notes: Vec<String>,
}

impl Layers {
    /// What is known of the image without having read it.
    pub(crate) fn layout(&self) -> Layout {
        let blob = |one: &Folder| Blob {
            name: one.path.clone(),
            digest: None,
            diff_id: None,
        };
        Layout {
            name: self.name.clone(),
            digest: self.digest.clone(),
            id: None,
            config_bytes: 0,
            config: None,
            layers: self.folders.iter().map(blob).collect(),
        }
    }

    /// Whose layers they are, and what it wrote itself.
    pub(crate) fn told(&self, limits: Limits) -> FromContainer {
        let writable = self.writable.as_ref();
        FromContainer {
            id: self.container.clone(),
            written: writable.map(|layer| written(layer.as_fd(), limits)),
        }
    }

    pub(crate) fn read(&self, limits: Limits) -> Result<Contents, Error> {
        if self.folders.len() > LAYERS_MAX {
            let why = format!(
                "there are {} layers, and at most {LAYERS_MAX} are read, which overlayfs stacks",
                self.folders.len()
            );
            return Err(Error::format("the container's root", why));
        }
        self.check_twice()?;
        let mut contents = Contents::new(limits);
        let mut reader = Reader::new();
        let mut left = limits.bytes;
        for (number, layer) in (0..).zip(&self.folders) {
            contents.layers.push(Figures::default());
            let mut walk = Walk {
                contents: &mut contents,
                reader: &mut reader,
                layer: layer.folder.as_fd(),
                what: canonical(layer.path.as_bytes()),
                number,
                marks: self.marks,
                left: &mut left,
                limits,
                linked: HashMap::new(),
            };
            walk.run()?;
        }
        Ok(contents)
    }

    /// A layer that lies over itself is none that the kernel would have mounted.
    fn check_twice(&self) -> Result<(), Error> {
        let mut seen = HashMap::new();
        for one in &self.folders {
            let path = canonical(one.path.as_bytes());
            let status = fstat(&one.folder).map_err(|error| Error::io(&path, error.into()))?;
            if let Some(other) = seen.insert((status.st_dev, status.st_ino), path.clone()) {
                let why = format!(
                    "it is the same folder as the layer {other}: the mount was not understood; save the \
                     image to a file instead (docker save -o FILE)"
                );
                return Err(Error::format(path, why));
            }
        }
        Ok(())
    }
}

/// What of the layers is not told, or not as in a tar.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    redirects: Odd,
    metadata: Odd,
    unread: Odd,
    mounts: Odd,
}

impl Aside {
    pub(crate) fn all(&self) -> [(&Odd, &'static str); 4] {
        [
            (
                &self.redirects,
                "folders were renamed by overlayfs (redirect): what lower layers have in them is not told",
            ),
            (
                &self.metadata,
                "files of which a layer changes owner or mode alone (metacopy): told as the lower layers have \
                 them, so their owner and mode are unknown",
            ),
            (
                &self.unread,
                "names that could not be looked at, so what they are is unknown",
            ),
            (
                &self.mounts,
                "names that something else is mounted at: what the root has there is not told",
            ),
        ]
    }
}

struct Walk<'a> {
    contents: &'a mut Contents,
    reader: &'a mut Reader,
    layer: BorrowedFd<'a>,
    what: String,
    number: u32,
    marks: Marks,
    /// Bytes that may still be read.
    left: &'a mut u64,
    limits: Limits,
    /// The first name of each file that has several.
    linked: HashMap<(u64, u64), Id>,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), Error> {
        let root = open(self.layer, b"", OFlags::PATH | OFlags::DIRECTORY);
        let root = root.map_err(|error| Error::io(&self.what, error.into()))?;
        let status = fstat(&root).map_err(|error| Error::io(&self.what, error.into()))?;
        self.folder_entry(b"/", &root, &status)?;
        // In the order of names, each folder before what is in it, as layers are packed.
        let mut pending = Pending::default();
        let names = self.names(b"")?;
        pending.enter(names.map_err(|error| Error::io(&self.what, error.into()))?);
        while let Some(path) = pending.next() {
            if self.entry(path)? {
                match self.names(path)? {
                    Ok(names) => pending.enter(names),
                    Err(error) => self.aside(path, error),
                }
            }
        }
        Ok(())
    }

    /// The names in a folder, of which none is longer than those of a tree. Each counts, also of one that changes
    /// while it is read.
    fn names(&mut self, folder: &[u8]) -> Result<Result<Vec<Name>, Errno>, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let mut names = Vec::new();
        let dir = match open(self.layer, folder, flags).and_then(Dir::new) {
            Ok(dir) => dir,
            Err(error) => return Ok(Err(error)),
        };
        for entry in dir {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Ok(Err(error)),
            };
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                self.contents.count(&self.what)?;
                // FUSE has such.
                if name.len() > NAME_MAX {
                    let refused = &mut self.contents.refused;
                    refused.entry(Refused::TooLong).or_default().take(name);
                    continue;
                }
                names.push(Box::from(name));
            }
        }
        names.sort_unstable();
        Ok(Ok(names))
    }

    /// Notes why a name is not looked at.
    fn aside(&mut self, path: &[u8], error: Errno) {
        let aside = &mut self.contents.aside;
        match error {
            // It was there a moment ago.
            Errno::NOENT => {}
            Errno::XDEV => aside.mounts.take(path),
            _ => aside.unread.take(path),
        }
    }

    /// Takes a name; answers whether it is a folder to go into.
    fn entry(&mut self, path: &[u8]) -> Result<bool, Error> {
        let looked = open(self.layer, path, OFlags::PATH).and_then(|file| {
            let status = fstat(&file)?;
            Ok((file, status))
        });
        let (file, status) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                self.aside(path, error);
                return Ok(false);
            }
        };
        let kind = match FileType::from_raw_mode(status.st_mode) {
            FileType::Directory => return self.folder_entry(path, &file, &status),
            FileType::RegularFile => return self.file(path, &file, &status).map(|()| false),
            FileType::CharacterDevice
                if self.marks != Marks::None
                    && (major(status.st_rdev), minor(status.st_rdev)) == (0, 0) =>
            {
                return self.white_out(path).map(|()| false);
            }
            FileType::CharacterDevice | FileType::BlockDevice => Entity::Device,
            FileType::Fifo => Entity::Fifo,
            FileType::Symlink => Entity::Symlink,
            FileType::Socket | FileType::Unknown => Entity::Other,
        };
        let mut entry = entry(path, kind, &status);
        if kind == Entity::Symlink {
            match readlinkat(&file, c"", Vec::new()) {
                Ok(target) => entry.link = target.into_bytes(),
                Err(error) => {
                    self.aside(path, error);
                    return Ok(false);
                }
            }
        }
        if let Some(first) = self.first_name(&status) {
            (entry.kind, entry.link) = (Entity::HardLink, first);
        }
        self.put(&entry, None, &status)?;
        Ok(false)
    }

    /// The name under which this file was met before, if it was.
    fn first_name(&self, status: &Stat) -> Option<Vec<u8>> {
        let first = self.linked.get(&(status.st_dev, status.st_ino))?;
        Some(self.contents.tree.path(*first))
    }

    /// Takes what is no folder.
    fn put(&mut self, entry: &Entry, seen: Option<Seen>, status: &Stat) -> Result<(), Error> {
        match self.contents.put(entry, seen, self.number) {
            Ok(Some(id)) if status.st_nlink > 1 => {
                let number = (status.st_dev, status.st_ino);
                self.linked.entry(number).or_insert(id);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(stop) => self.stopped(stop, &entry.name),
        }
    }

    fn stopped(&mut self, stop: Stop, path: &[u8]) -> Result<(), Error> {
        match stop {
            Stop::Limit(error) => Err(error),
            Stop::Refused(why) => {
                self.contents.refused.entry(why).or_default().take(path);
                Ok(())
            }
        }
    }

    fn white_out(&mut self, path: &[u8]) -> Result<(), Error> {
        match self.contents.tree.white_out(path, self.number) {
            Ok(()) => self.contents.deleted(),
            Err(stop) => self.stopped(stop, path)?,
        }
        Ok(())
    }

    /// The value of a mark of overlayfs.
    fn mark(&self, file: &OwnedFd, name: &str) -> Option<Vec<u8>> {
        let prefix = match self.marks {
            Marks::Trusted => "trusted.overlay.",
            Marks::User => "user.overlay.",
            Marks::None => return None,
        };
        value(file, &format!("{prefix}{name}"))
    }

    fn folder_entry(&mut self, path: &[u8], file: &OwnedFd, status: &Stat) -> Result<bool, Error> {
        let put = self
            .contents
            .put(&entry(path, Entity::Folder, status), None, self.number);
        if let Err(stop) = put {
            self.stopped(stop, path)?;
            return Ok(false);
        }
        // By its old name the kernel goes on below a renamed one, and by this name no more.
        let is_renamed = self.mark(file, "redirect").is_some();
        if is_renamed {
            self.contents.aside.redirects.take(path);
        }
        let is_opaque = self.mark(file, "opaque").is_some_and(|value| value == b"y");
        if is_renamed || is_opaque {
            match self.contents.tree.make_opaque(path, self.number) {
                Ok(()) if is_opaque => self.contents.deleted(),
                Ok(()) => {}
                Err(stop) => self.stopped(stop, path)?,
            }
        }
        Ok(true)
    }

    fn file(&mut self, path: &[u8], file: &OwnedFd, status: &Stat) -> Result<(), Error> {
        if status.st_size == 0 && self.mark(file, "whiteout").is_some() {
            return self.white_out(path);
        }
        if self.mark(file, "metacopy").is_some() {
            self.contents.aside.metadata.take(path);
            return Ok(());
        }
        let mut entry = entry(path, Entity::File, status);
        if let Some(first) = self.first_name(status) {
            (entry.kind, entry.link) = (Entity::HardLink, first);
            return self.put(&entry, None, status);
        }
        entry.capability = value(file, "security.capability");
        // Before any of it is read: a file of nothing but holes is as long as it says.
        let Some(left) = self.left.checked_sub(entry.size) else {
            return Err(Error::Limit {
                what: self.what.clone(),
                limit: self.limits.bytes >> 20,
                of: "MiB of files in all layers",
                option: Limits::BYTES_OPTION,
            });
        };
        *self.left = left;
        let seen = match entry.size {
            0 => None,
            size => {
                let opened = reopen(file).map_err(io::Error::from).map(File::from);
                let seen = opened.and_then(|file| {
                    let mut bytes = (&file).take(size);
                    let contents = &mut self.contents;
                    contents.file(&mut bytes, &entry, Some(&file), self.reader)
                });
                match seen {
                    Ok(seen) => Some(seen),
                    Err(_) => {
                        self.contents.aside.unread.take(path);
                        self.contents.unsearched += 1;
                        None
                    }
                }
            }
        };
        if let Some(figures) = self.contents.layers.last_mut() {
            figures.packed = figures.packed.saturating_add(on_disk(status));
        }
        self.put(&entry, seen, status)
    }
}

fn entry(path: &[u8], kind: Entity, status: &Stat) -> Entry {
    Entry {
        name: path.to_vec(),
        kind,
        size: u64::try_from(status.st_size).unwrap_or_default(),
        sparse: false,
        mode: status.st_mode & 0o7777,
        owner: [status.st_uid, status.st_gid],
        link: Vec::new(),
        capability: None,
    }
}
