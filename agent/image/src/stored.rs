//! Contents that are kept until the image is read, as databases of packages: small ones in memory, and large ones in a file that
//! is read by pieces.
//!
//! Of a layer that is streamed the file is a temporary one without a name, in `TMPDIR`, else in `/var/tmp` or `/tmp`; of one
//! that lies in a folder it is the layer's own.

use crate::rpmdb::Source;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::rc::Rc;

/// Bytes of one file.
const ONE_MAX: u64 = 256 << 20;
/// Bytes of all that are there at once: what a later layer hides goes. No more of them are there than files may be open,
/// for none is smaller than 1 MiB.
const ALL_MAX: u64 = 512 << 20;
/// Bytes that are written to temporary files of one image.
const WRITTEN_MAX: u64 = 4 << 30;

/// Contents.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Memory(Box<[u8]>),
    File(Rc<Stored>),
}

/// Contents in a file.
#[derive(Debug)]
pub(crate) struct Stored {
    file: File,
    size: u64,
    room: Rc<Cell<u64>>,
}

impl Content {
    pub(crate) fn source(&self) -> Source<'_> {
        match self {
            Self::Memory(bytes) => Source::Memory(bytes),
            Self::File(stored) => Source::File(&stored.file, stored.size),
        }
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.room.set(self.room.get() + self.size);
    }
}

/// Room for such files.
#[derive(Debug)]
pub(crate) struct Room {
    left: Rc<Cell<u64>>,
    unwritten: u64,
    /// Why there was no temporary file.
    pub failed: Option<String>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            left: Rc::new(Cell::new(ALL_MAX)),
            unwritten: WRITTEN_MAX,
            failed: None,
        }
    }
}

/// A file that is being written, or that is there.
#[derive(Debug)]
pub(crate) struct Storing {
    stored: Stored,
    is_written: bool,
}

impl Room {
    /// Begins with contents of a size, which lie in a file already or else are to be written; `None` if there is no room.
    pub(crate) fn begin(&mut self, size: u64, lies: Option<&File>) -> Option<Storing> {
        let left = self.left.get().checked_sub(size)?;
        if size > ONE_MAX {
            return None;
        }
        let file = match lies {
            Some(file) => file.try_clone(),
            None => {
                self.unwritten = self.unwritten.checked_sub(size)?;
                temporary()
            }
        };
        match file {
            Ok(file) => {
                self.left.set(left);
                Some(Storing {
                    stored: Stored {
                        file,
                        size,
                        room: self.left.clone(),
                    },
                    is_written: lies.is_none(),
                })
            }
            Err(error) => {
                self.fail(&error);
                None
            }
        }
    }

    pub(crate) fn fail(&mut self, error: &io::Error) {
        self.failed.get_or_insert_with(|| error.to_string());
    }
}

impl Storing {
    /// Takes the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.is_written {
            true => self.stored.file.write_all(bytes),
            false => Ok(()),
        }
    }

    pub(crate) fn end(self) -> Content {
        Content::File(Rc::new(self.stored))
    }
}

/// A temporary file without a name.
fn temporary() -> io::Result<File> {
    match std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => tempfile::tempfile_in(Path::new(&folder)),
        None => tempfile::tempfile_in("/var/tmp").or_else(|_| tempfile::tempfile_in("/tmp")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back_and_bounded() {
        let mut room = Room::default();
        let lies = temporary().unwrap();
        let mut begin = |size| room.begin(size, Some(&lies)).map(Storing::end);
        assert!(begin(ONE_MAX + 1).is_none());
        let first = begin(ONE_MAX);
        let second = begin(ONE_MAX);
        assert!(first.is_some() && second.is_some());
        assert!(begin(1).is_none());
        // Several may name it.
        let again = first.clone();
        drop(first);
        assert!(begin(1).is_none());
        drop(again);
        assert!(begin(ONE_MAX).is_some());
        assert_eq!(room.failed, None);
    }

    #[test]
    fn no_more_is_written_than_may_be() {
        let mut room = Room::default();
        for _ in 0..WRITTEN_MAX / ONE_MAX {
            assert!(room.begin(ONE_MAX, None).is_some());
        }
        assert!(room.begin(1, None).is_none());
    }
}
