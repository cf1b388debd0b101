//! `agent/image/src/rpmdb`, and what holds of all that it says of a file.

#[path = "../../../agent/image/src/rpmdb/mod.rs"]
mod read;

use read::{Installed, Source};
use std::fs::File;
use std::io::{self, Write as _};

/// Bytes of a path of a file, as `tree.rs` has them.
const PATH_MAX: usize = 4096;

/// What was found in a database.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Name, version and architecture of each package.
    pub packages: Vec<Vec<u8>>,
    /// The files of each, if their lists fit.
    pub files: Vec<Option<Vec<Vec<u8>>>>,
    /// Entries that could not be read.
    pub damaged: usize,
}

/// A file in memory or on a disk, of so many bytes: no panic, and bounded.
fn of(source: Source<'_>, size: usize) -> Result<Found, &'static str> {
    let (mut found, mut taken) = (Found::default(), 0);
    for blob in read::read(source)? {
        taken += blob.as_ref().map_or(0, |blob| blob.len());
        let Some(one) = blob.as_deref().and_then(Installed::read) else {
            found.damaged += 1;
            continue;
        };
        assert!(!one.name.is_empty());
        let files = one.files(PATH_MAX).map(Iterator::collect::<Vec<_>>);
        assert!({ files.iter().flatten() }.all(|path| path.len() <= PATH_MAX));
        assert!(files.as_ref().is_none_or(|files| files.len() <= size));
        found.files.push(files);
        let text = [one.name, b" ", &one.version, b" ", one.architecture].concat();
        found.packages.push(text);
    }
    assert!(taken <= size, "{taken} bytes of {size}");
    assert!(found.packages.len() + found.damaged <= size);
    Ok(found)
}

/// Reads a database in memory, and by pieces of a file if there is one, which says the same.
///
/// # Errors
/// What is wrong with all of it.
///
/// # Panics
/// If one of these does not hold.
pub fn read(database: &[u8], file: Option<&File>) -> Result<Found, &'static str> {
    let found = of(Source::Memory(database), database.len());
    if let Some(file) = file {
        let written = write(file, database);
        assert!(written.is_ok(), "{written:?}");
        let by_pieces = of(Source::File(file, database.len() as u64), database.len());
        assert_eq!(by_pieces, found);
    }
    found
}

fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    use std::io::Seek as _;
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(bytes)
}
