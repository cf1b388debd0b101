//! Where the bytes of a database are: in memory, or in a file that is read by pieces.

use std::borrow::Cow;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// A database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    Memory(&'a [u8]),
    /// A file, and its size as it was read.
    File(&'a File, u64),
}

impl<'a> Source<'a> {
    /// How many bytes there are.
    pub(super) fn len(self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, size) => size,
        }
    }

    /// So many bytes at a place; `None` beyond the end, or if they cannot be read. Whoever asks bounds how many.
    pub(super) fn get(self, at: u64, size: usize) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Memory(bytes) => {
                let rest = bytes.get(usize::try_from(at).ok()?..)?;
                rest.get(..size).map(Cow::Borrowed)
            }
            Self::File(file, all) => {
                if at.checked_add(size as u64)? > all {
                    return None;
                }
                let mut bytes = vec![0; size];
                file.read_exact_at(&mut bytes, at).ok()?;
                Some(Cow::Owned(bytes))
            }
        }
    }

    /// The first bytes, as many as there are of these.
    pub(super) fn start(self, most: usize) -> Cow<'a, [u8]> {
        let size = usize::try_from(self.len()).unwrap_or(most).min(most);
        self.get(0, size).unwrap_or_default()
    }
}
