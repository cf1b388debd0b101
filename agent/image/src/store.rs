//! Where the blobs of an image lie: a tar, or a folder. Nothing outside of it is ever opened.

use crate::error::Error;
use crate::tarball::{Entries, Forward, Kind};
use lapwing_profile::text::canonical;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Files that a tar of an image has at most.
const MEMBERS_MAX: usize = 100_000;
/// Bytes of a name or a link at most (PATH_MAX), and of all of them.
const NAME_MAX: usize = 4096;
const NAMES_MAX: usize = 32 << 20;
/// Links that are followed from one name.
const LINKS_MAX: usize = 8;

/// What a name of a tar stands for.
pub(crate) enum Member {
    File { offset: u64, size: u64 },
    Link(Vec<u8>),
}

/// A tar or a folder that holds an image.
pub(crate) enum Store {
    Tar {
        file: Arc<File>,
        members: HashMap<Vec<u8>, Member>,
    },
    Folder(File),
}

/// A part of a file.
pub(crate) struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Part {
    /// Bytes that are left.
    pub(crate) const fn len(&self) -> u64 {
        self.end - self.at
    }
}

impl Read for Part {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.len())
            .unwrap_or(usize::MAX)
            .min(into.len());
        let count = self.file.read_at(&mut into[..most], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Forward for Part {
    fn forward(&mut self, count: u64) -> io::Result<()> {
        if count > self.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += count;
        Ok(())
    }
}

/// A name within the store as its parts; `None` where it leads out of it. Links in tars of Docker begin
/// with `..`, so it is relative to a folder.
fn within(folder: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in folder
        .split(|byte| *byte == b'/')
        .chain(name.split(|byte| *byte == b'/'))
    {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let is_inside = !name.starts_with(b"/") && !name.contains(&0) && !parts.is_empty();
    is_inside.then(|| parts.join(&b'/'))
}

fn folder_of(name: &[u8]) -> &[u8] {
    let slash = name.iter().rposition(|byte| *byte == b'/');
    slash.map_or(&[], |slash| &name[..slash])
}

impl Store {
    /// Opens a tar or a folder.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let io = |source| Error::Io {
            what: shown.clone(),
            source,
        };
        // A pipe without a writer would wait for one.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file =
            rustix::fs::open(path, flags, Mode::empty()).map_err(|error| io(error.into()))?;
        let file = File::from(file);
        let kind = file.metadata().map_err(io)?;
        if kind.is_dir() {
            return Ok(Self::Folder(file));
        }
        if !kind.is_file() {
            let why =
                "it is neither a file nor a folder: save the image to a file (docker save -o FILE)";
            return Err(Error::format(shown, why));
        }
        let mut magic = [0; 4];
        let known = file.read_at(&mut magic, 0).map_err(io)?;
        if magic[..known].starts_with(&[0x1f, 0x8b]) || magic == [0x28, 0xb5, 0x2f, 0xfd] {
            let why = "the file as a whole is compressed: unpack it first (gunzip, unzstd)";
            return Err(Error::format(shown, why));
        }
        let file = Arc::new(file);
        let all = Part {
            file: file.clone(),
            at: 0,
            end: kind.len(),
        };
        let members = members(all).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Error::format(&shown, error.to_string()),
            _ => Error::io(&shown, error),
        })?;
        Ok(Self::Tar { file, members })
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.part(name.as_bytes()).is_ok()
    }

    /// A file of it.
    pub(crate) fn part(&self, name: &[u8]) -> Result<Part, Error> {
        let shown = canonical(name);
        let out = || {
            Error::format(
                &shown,
                "the name leads out of the image, and is not followed",
            )
        };
        let mut name = within(b"", name).ok_or_else(out)?;
        match self {
            Self::Folder(folder) => beneath(folder, &name).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => missing(&shown),
                _ if source.raw_os_error() == Some(rustix::io::Errno::XDEV.raw_os_error()) => out(),
                _ => Error::Io {
                    what: shown.clone(),
                    source,
                },
            }),
            Self::Tar { file, members } => {
                for _ in 0..LINKS_MAX {
                    match members.get(&name) {
                        None => return Err(missing(&shown)),
                        Some(Member::File { offset, size }) => {
                            return Ok(Part {
                                file: file.clone(),
                                at: *offset,
                                end: offset + size,
                            });
                        }
                        Some(Member::Link(target)) => {
                            name = within(folder_of(&name), target).ok_or_else(out)?;
                        }
                    }
                }
                Err(Error::format(
                    shown,
                    "its links lead from one to another, and to no file",
                ))
            }
        }
    }

    /// A small file of it.
    pub(crate) fn small(&self, name: &str, most: u64) -> Result<Vec<u8>, Error> {
        let part = self.part(name.as_bytes())?;
        if part.len() > most {
            let why = format!("it takes {} bytes, and at most {most} are read", part.len());
            return Err(Error::format(canonical(name.as_bytes()), why));
        }
        let mut bytes = Vec::new();
        (part.take(most).read_to_end(&mut bytes))
            .map_err(|error| Error::io(&canonical(name.as_bytes()), error))?;
        Ok(bytes)
    }
}

fn missing(shown: &str) -> Error {
    let why = "it is not in the image, which may have been saved for another platform or in part";
    Error::format(shown, why)
}

fn beneath(folder: &File, name: &[u8]) -> io::Result<Part> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = File::from(rustix::fs::openat2(
        folder,
        name,
        flags,
        Mode::empty(),
        inside,
    )?);
    let kind = file.metadata()?;
    if !kind.is_file() {
        return Err(io::Error::other("no regular file"));
    }
    Ok(Part {
        file: Arc::new(file),
        at: 0,
        end: kind.len(),
    })
}

fn members(all: Part) -> io::Result<HashMap<Vec<u8>, Member>> {
    let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut members = HashMap::new();
    let mut taken = 0;
    let mut entries = Entries::new(all);
    while let Some(entry) = entries.next()? {
        if entry.name.len() > NAME_MAX || entry.link.len() > NAME_MAX {
            continue;
        }
        let Some(name) = within(b"", &entry.name) else {
            continue;
        };
        let member = match entry.kind {
            Kind::File if entry.sparse => {
                return Err(bad("it has sparse files: save the image again without"));
            }
            Kind::File => Member::File {
                offset: entries.reader().at,
                size: entry.size,
            },
            Kind::Symlink => Member::Link(entry.link),
            // The target of a hard link is a name from the root.
            Kind::HardLink => match within(b"", &entry.link).map(|target| members.get(&target)) {
                Some(Some(Member::File { offset, size })) => Member::File {
                    offset: *offset,
                    size: *size,
                },
                _ => continue,
            },
            Kind::Folder | Kind::Device | Kind::Fifo | Kind::Other => continue,
        };
        taken += name.len();
        if let Member::Link(target) = &member {
            taken += target.len();
        }
        if taken > NAMES_MAX {
            return Err(bad(
                "names and links in it take more than 32 MiB, which those of no saved image do",
            ));
        }
        if members.insert(name, member).is_none() && members.len() > MEMBERS_MAX {
            return Err(bad(
                "it has more than 100000 files, which no saved image has",
            ));
        }
    }
    Ok(members)
}
