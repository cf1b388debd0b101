//! A database of RPM: `rpmdb.sqlite`, as of Fedora and Red Hat, or NDB (`Packages.db`), as of SUSE.
//!
//! Both hold blobs, each the header of a package ([`header`]); [`sqlite`] and [`ndb`] find them. RPM's third format,
//! Berkeley DB (`Packages`), is not read and needs an SBOM. All lengths and places are those of whoever made the image:
//! what does not hold is left out and counted, and no byte is gone through more than a few times.

mod header;
mod ndb;
mod sqlite;

use self::header::Header;
use crate::tree::PATH_MAX;
use std::borrow::Cow;

/// Folders of one package.
const FOLDERS_MAX: usize = 100_000;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const ARCHITECTURE: u32 = 1022;
const FOLDER_OF_FILE: u32 = 1116;
const FILES: u32 = 1117;
const FOLDERS: u32 = 1118;

/// What a database has.
#[derive(Debug)]
pub(crate) struct Database<'a> {
    /// Headers of packages, in the order in which they lie there.
    blobs: Vec<Cow<'a, [u8]>>,
    /// Entries that could not be read.
    pub damaged: u64,
}

/// A package of it.
#[derive(Debug)]
pub(crate) struct Installed<'a> {
    pub name: &'a [u8],
    /// As `EPOCH:VERSION-RELEASE`, without an epoch where there is none.
    pub version: Vec<u8>,
    /// Empty of keys, which stand there as packages.
    pub architecture: &'a [u8],
    header: Header<'a>,
}

impl<'a> Database<'a> {
    /// Reads a database.
    ///
    /// # Errors
    /// What is wrong with all of it.
    pub(crate) fn read(file: &'a [u8]) -> Result<Self, &'static str> {
        match file.starts_with(sqlite::MAGIC) {
            true => sqlite::read(file),
            false => ndb::read(file),
        }
    }

    /// Its packages; `None` for a blob that is no header, or one without a name.
    pub(crate) fn packages(&self) -> impl Iterator<Item = Option<Installed<'_>>> {
        let headers = self.blobs.iter().map(|blob| Header::read(blob));
        headers.map(|header| header.and_then(Installed::of))
    }
}

impl<'a> Installed<'a> {
    fn of(header: Header<'a>) -> Option<Self> {
        let text = |tag| header.text(tag).unwrap_or_default();
        let mut version = match header.number(EPOCH) {
            Some(epoch) => format!("{epoch}:").into_bytes(),
            None => Vec::new(),
        };
        version.extend_from_slice(text(VERSION));
        version.push(b'-');
        version.extend_from_slice(text(RELEASE));
        Some(Self {
            name: header.text(NAME).filter(|name| !name.is_empty())?,
            version,
            architecture: text(ARCHITECTURE),
            header,
        })
    }

    /// Paths of its files, one after another: as `rpm -ql` has them, also of files that were not installed. `None`
    /// where the lists do not fit one another.
    pub(crate) fn files(&self) -> Option<impl Iterator<Item = Vec<u8>>> {
        let header = self.header;
        let folders = header.texts(FOLDERS);
        let folders: Vec<&[u8]> = folders.take(FOLDERS_MAX + 1).collect();
        let count = header.count(FILES);
        let is_whole = folders.len() <= FOLDERS_MAX
            && folders.len() == header.count(FOLDERS)
            && header.texts(FILES).count() == count
            && header.numbers(FOLDER_OF_FILE).count() == count
            && { header.numbers(FOLDER_OF_FILE) }.all(|number| (number as usize) < folders.len());
        let all = header.texts(FILES).zip(header.numbers(FOLDER_OF_FILE));
        let paths = all.filter_map(move |(name, number)| {
            let folder = folders.get(number as usize)?;
            // A longer one names nothing, and would be copied for each file.
            (folder.len() + name.len() <= PATH_MAX).then(|| [folder, name].concat())
        });
        is_whole.then_some(paths)
    }
}
