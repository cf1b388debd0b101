//! Entries of a tar, one after another, none of them kept.
//!
//! Headers are read with the crate `tar`. Its own iterator is not used: it keeps records of PAX and
//! long names in memory whatever their size, ends PAX records at the first line feed, which values of
//! `security.capability` may hold, and knows the sparse files of GNU's old form alone. Here, what
//! describes a file is bounded by [`RECORDS_MAX`], and a file's bytes are read or passed over.

use std::io::{self, Read};
use tar::{EntryType, Header};

/// Bytes that describe one file at most: names and PAX records.
const RECORDS_MAX: u64 = 1 << 20;
const BLOCK: u64 = 512;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    HardLink,
    Symlink,
    Folder,
    /// A character or block device.
    Device,
    Fifo,
    /// Something that no runtime unpacks.
    Other,
}

/// One entry. Nothing in it can be trusted.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub name: Vec<u8>,
    pub kind: Kind,
    /// Bytes in the archive; of a sparse file those without the holes.
    pub size: u64,
    /// Whether there are holes in it; what is read then is not its contents.
    pub sparse: bool,
    pub mode: u32,
    /// Ids of the user and the group; what is no such number is root's.
    pub owner: [u32; 2],
    /// Target of a link.
    pub link: Vec<u8>,
    /// The value of `security.capability`.
    pub capability: Option<Vec<u8>>,
}

/// Something that can be read and passed over.
pub(crate) trait Forward: Read + Sized {
    /// Passes over bytes.
    fn forward(&mut self, count: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.by_ref().take(count), &mut io::sink())?;
        match passed == count {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl<R: Forward> Forward for &mut R {
    fn forward(&mut self, count: u64) -> io::Result<()> {
        (**self).forward(count)
    }
}

/// The entries of a tar.
pub(crate) struct Entries<R> {
    reader: R,
    /// Bytes of the entry that were not read.
    data: u64,
    /// Bytes behind it to the next block.
    padding: u64,
}

fn bad(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

/// What PAX records and GNU's long names say of the next entry.
#[derive(Default)]
struct Records {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    owner: [Option<u64>; 2],
    capability: Option<Vec<u8>>,
    sparse_name: Option<Vec<u8>>,
    sparse: bool,
}

impl Records {
    fn pax(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            let space = rest.iter().position(|byte| *byte == b' ');
            let length = space.and_then(|space| number(&rest[..space]));
            let length = length.and_then(|length| usize::try_from(length).ok());
            let (Some(space), Some(length)) = (space, length) else {
                return Err(bad("a PAX record has no length"));
            };
            let record =
                (rest.get(space + 1..length)).and_then(|record| record.strip_suffix(b"\n"));
            let record = record.ok_or_else(|| bad("a PAX record is longer than its block"))?;
            rest = &rest[length..];
            let equals = record.iter().position(|byte| *byte == b'=');
            let equals = equals.ok_or_else(|| bad("a PAX record has no value"))?;
            self.take(&record[..equals], &record[equals + 1..])?;
        }
        Ok(())
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let counted = || number(value).ok_or_else(|| bad("a PAX record has no number"));
        let text = || Some(value.to_vec());
        match key {
            b"path" => self.name = text(),
            b"linkpath" => self.link = text(),
            b"size" => self.size = Some(counted()?),
            b"uid" => self.owner[0] = Some(counted()?),
            b"gid" => self.owner[1] = Some(counted()?),
            b"SCHILY.xattr.security.capability" => self.capability = text(),
            b"GNU.sparse.name" => self.sparse_name = text(),
            _ => {}
        }
        self.sparse |= key.starts_with(b"GNU.sparse.");
        Ok(())
    }
}

fn number(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = is_number.then(|| str::from_utf8(text).ok())??;
    text.parse().ok()
}

fn unended(mut name: Vec<u8>) -> Vec<u8> {
    let end = name.iter().position(|byte| *byte == 0);
    name.truncate(end.unwrap_or(name.len()));
    name
}

impl<R: Forward> Entries<R> {
    pub(crate) const fn new(reader: R) -> Self {
        Self {
            reader,
            data: 0,
            padding: 0,
        }
    }

    /// The next entry; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut records = Records::default();
        let mut described = false;
        loop {
            self.reader.forward(self.data)?;
            self.reader.forward(self.padding)?;
            (self.data, self.padding) = (0, 0);
            let Some(header) = self.header()? else {
                return match described {
                    true => Err(bad("it ends behind the description of a file")),
                    false => Ok(None),
                };
            };
            self.begin(header.entry_size()?)?;
            let kind = header.entry_type();
            described = true;
            match kind {
                EntryType::GNULongName => records.name = Some(unended(self.whole()?)),
                EntryType::GNULongLink => records.link = Some(unended(self.whole()?)),
                EntryType::XHeader => records.pax(&self.whole()?)?,
                // Of archives as a whole: no tool that makes layers says anything of files so.
                EntryType::XGlobalHeader => described = false,
                _ => return self.entry(&header, kind, records).map(Some),
            }
        }
    }

    /// The reader, with its place behind what was read last.
    pub(crate) fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    fn begin(&mut self, size: u64) -> io::Result<()> {
        self.data = size;
        let ends = size.checked_next_multiple_of(BLOCK);
        self.padding = ends.ok_or_else(|| bad("a size beyond all bounds"))? - size;
        Ok(())
    }

    /// A header; `None` at the end, which is a block of zeros or nothing at all.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut block = [0; BLOCK as usize];
        let mut filled = 0;
        while filled < block.len() {
            match self.reader.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block).clone();
        let sum = |bytes: &[u8]| bytes.iter().copied().map(u32::from).sum::<u32>();
        let blanks = u32::from(b' ') * 8;
        if header.cksum().ok() != Some(sum(&block[..148]) + blanks + sum(&block[156..])) {
            return Err(bad(
                "a header without its checksum: no tar, or a damaged one",
            ));
        }
        Ok(Some(header))
    }

    fn whole(&mut self) -> io::Result<Vec<u8>> {
        if self.data > RECORDS_MAX {
            return Err(bad(format!(
                "the name or the PAX records of a file take {} bytes, and at most {RECORDS_MAX} are read",
                self.data
            )));
        }
        let mut bytes = vec![0; usize::try_from(self.data).unwrap_or_default()];
        self.reader.read_exact(&mut bytes)?;
        self.data = 0;
        Ok(bytes)
    }

    fn entry(&mut self, header: &Header, kind: EntryType, records: Records) -> io::Result<Entry> {
        let name = records.sparse_name.or(records.name);
        let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
        let in_header = || header.link_name_bytes().map(std::borrow::Cow::into_owned);
        let link = records.link.or_else(in_header).unwrap_or_default();
        let kind = match kind {
            // As it was before there were folders in headers.
            EntryType::Regular if name.ends_with(b"/") => Kind::Folder,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
            EntryType::Link => Kind::HardLink,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Directory => Kind::Folder,
            EntryType::Char | EntryType::Block => Kind::Device,
            EntryType::Fifo => Kind::Fifo,
            _ => Kind::Other,
        };
        if let Some(size) = records.size {
            self.begin(size)?;
        }
        let is_regular = header.entry_type() == EntryType::Regular;
        if !matches!(kind, Kind::File | Kind::Other) && !is_regular {
            // Sizes of these are of no data, as runtimes read them.
            self.begin(0)?;
        }
        let old_sparse = header.entry_type() == EntryType::GNUSparse;
        if let (true, Some(gnu)) = (old_sparse, header.as_gnu()) {
            let mut more = gnu.is_extended();
            while more {
                let mut block = tar::GnuExtSparseHeader::new();
                self.reader.read_exact(block.as_mut_bytes())?;
                more = block.is_extended();
            }
        }
        let [user, group] = records.owner;
        let owner = [
            user.or_else(|| header.uid().ok()),
            group.or_else(|| header.gid().ok()),
        ];
        Ok(Entry {
            name,
            kind,
            size: self.data,
            sparse: records.sparse || old_sparse,
            mode: header.mode()? & 0o7777,
            owner: owner.map(|id| id.and_then(|id| u32::try_from(id).ok()).unwrap_or_default()),
            link,
            capability: records.capability,
        })
    }
}

/// The bytes of the entry.
impl<R: Forward> Read for Entries<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.data)
            .unwrap_or(usize::MAX)
            .min(into.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.reader.read(&mut into[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.data -= count as u64;
        Ok(count)
    }
}
