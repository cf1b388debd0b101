//! The header of a package: an index of tags, and the values that they point at (RPM's `lib/header.c`, "Header
//! format" of its manual). Numbers are big-endian.
//!
//! ```text
//! 4 entries of the index   4 bytes of the values
//! 16 each: 4 tag, 4 type, 4 offset of its value, 4 count
//! the values
//! ```

/// What RPM itself takes: entries of an index.
const ENTRIES_MAX: usize = 0xffff;
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;

/// A header whose parts are as long as it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a> {
    index: &'a [[u8; 16]],
    values: &'a [u8],
}

/// A number of four bytes.
fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.first_chunk()?))
}

impl<'a> Header<'a> {
    /// One that fills a blob; `None` if it does not.
    pub(super) fn read(blob: &'a [u8]) -> Option<Self> {
        let entries = number(blob)? as usize;
        let length = number(blob.get(4..)?)? as usize;
        let rest = &blob[8..];
        if entries > ENTRIES_MAX {
            return None;
        }
        let (index, values) = rest.split_at_checked(entries * 16)?;
        let (index, _) = index.as_chunks();
        (values.len() == length).then_some(Self { index, values })
    }

    /// Where the value of a tag begins, and how many it has. What was added when the package was installed stands
    /// behind what it came with, and holds.
    fn find(&self, tag: u32, kind: u32) -> Option<(&'a [u8], usize)> {
        let field = |entry: &[u8; 16], at: usize| number(&entry[at..]);
        let is_it = |entry: &&[u8; 16]| field(entry, 0) == Some(tag);
        let entry = self.index.iter().rfind(is_it)?;
        if field(entry, 4)? != kind {
            return None;
        }
        let value = self.values.get(field(entry, 8)? as usize..)?;
        Some((value, field(entry, 12)? as usize))
    }

    pub(super) fn text(&self, tag: u32) -> Option<&'a [u8]> {
        let (value, _) = self.find(tag, STRING)?;
        value.split(|byte| *byte == 0).next()
    }

    pub(super) fn number(&self, tag: u32) -> Option<u32> {
        self.numbers(tag).next()
    }

    /// How many texts a tag has, as its entry says.
    pub(super) fn count(&self, tag: u32) -> usize {
        self.find(tag, STRING_ARRAY).map_or(0, |(_, count)| count)
    }

    /// Texts of a tag: no more than its entry says, and those alone that end.
    pub(super) fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (value, count) = self.find(tag, STRING_ARRAY).unwrap_or_default();
        let texts = value.split_inclusive(|byte| *byte == 0);
        texts.map_while(|text| text.strip_suffix(b"\0")).take(count)
    }

    /// Numbers of a tag: no more than its entry says.
    pub(super) fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> + use<'a> {
        let (value, count) = self.find(tag, INT32).unwrap_or_default();
        let (all, _) = value.as_chunks();
        all.iter().take(count).map(|one| u32::from_be_bytes(*one))
    }
}
