//! A database of RPM: `rpmdb.sqlite`, as of Fedora and Red Hat 9, `Packages.db` (NDB), as of SUSE, or `Packages`
//! (Berkeley DB), as of Red Hat to 8 and Amazon Linux 2.
//!
//! All hold blobs, each the header of a package ([`header`]); [`sqlite`], [`ndb`] and [`berkeley`] find them, one after
//! another, in a file that need not be in memory ([`Source`]). All lengths and places are those of whoever made the
//! image: what does not hold is left out and counted, and no byte is gone through more than a few times.

mod berkeley;
mod header;
mod ndb;
mod source;
mod sqlite;

pub(crate) use self::source::Source;

use self::header::Header;
use std::borrow::Cow;

/// Bytes of the header of one package.
const BLOB_MAX: usize = 32 << 20;
/// Bytes that tell which kind of database it is.
const HEAD: usize = 16;
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

/// Headers of packages, in the order in which they lie there; `None` for each entry that could not be read.
pub(crate) type Blobs<'a> = Box<dyn Iterator<Item = Option<Cow<'a, [u8]>>> + 'a>;

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

/// Reads a database.
///
/// # Errors
/// What is wrong with all of it.
pub(crate) fn read(source: Source<'_>) -> Result<Blobs<'_>, &'static str> {
    let head = source.start(HEAD);
    match () {
        () if head.starts_with(sqlite::MAGIC) => sqlite::read(source),
        () if berkeley::is_it(&head) => berkeley::read(source),
        () => ndb::read(source),
    }
}

impl<'a> Installed<'a> {
    /// One by its header; `None` for a blob that is no header, or one without a name.
    pub(crate) fn read(blob: &'a [u8]) -> Option<Self> {
        let header = Header::read(blob)?;
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
    /// where the lists do not fit one another. Paths of more than `path_max` bytes are left out.
    pub(crate) fn files(&self, path_max: usize) -> Option<impl Iterator<Item = Vec<u8>>> {
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
            (folder.len() + name.len() <= path_max).then(|| [folder, name].concat())
        });
        is_whole.then_some(paths)
    }
}
