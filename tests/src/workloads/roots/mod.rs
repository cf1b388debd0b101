//! Root folders of one program: of its packages, and of a list of files.
//!
//! The image that all programs share would make any figure of what is left out look good. So each is
//! learned on an image of its own: its packages, what they depend on, and what Debian's own smallest
//! image has.

mod built;
mod copy;
mod database;
mod own;
mod slim;

pub use built::built;
pub use own::own;
pub use slim::slim;

use anyhow::{Context, Result};
use database::Database;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What a root folder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Bytes of regular files, of several names of one only once.
    pub bytes: u64,
    /// Regular files, by their names.
    pub files: usize,
    /// Packages of which there is at least one of these, by the records of the package manager.
    pub packages: usize,
}

/// What a root folder has, by the records of the package manager in another, which it was made of.
///
/// # Errors
///
/// A folder that cannot be read, or records that are none.
pub fn contents(root: &Path, records: &Path) -> Result<Contents> {
    let database = Database::read(records)?;
    let owners = database.owners(records);
    let mut contents = Contents {
        bytes: 0,
        files: 0,
        packages: 0,
    };
    let mut known = BTreeSet::new();
    let mut packages: BTreeSet<&str> = BTreeSet::new();
    each(root, &mut |path, metadata| {
        if !metadata.is_file() {
            return Ok(());
        }
        contents.files += 1;
        if known.insert((metadata.dev(), metadata.ino())) {
            contents.bytes += metadata.len();
        }
        let below = path.strip_prefix(root)?;
        packages.extend(owners.get(below).into_iter().flatten());
        Ok(())
    })?;
    contents.packages = packages.len();
    Ok(contents)
}

/// All that is below a folder, folders before what they hold; no symbolic link is followed.
fn each(folder: &Path, act: &mut impl FnMut(&Path, &fs::Metadata) -> Result<()>) -> Result<()> {
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        let entries = fs::read_dir(&folder);
        for entry in entries.with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            let metadata = fs::symlink_metadata(&path)
                .with_context(|| format!("cannot look at {}", path.display()))?;
            act(&path, &metadata)?;
            if metadata.is_dir() {
                waiting.push(path);
            }
        }
    }
    Ok(())
}
