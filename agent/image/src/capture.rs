//! Files whose contents are kept while the image is read: what says which packages and users there are.

use crate::stored::{Room, Storing};
use lapwing_profile::text::canonical;
use std::fs::File;

/// Bytes of one such file, and of all.
const ONE_MAX: u64 = 16 << 20;
const ALL_MAX: u64 = 64 << 20;
/// A database of RPM of more bytes goes to a file.
const STORED_MIN: u64 = 1 << 20;
/// Names of such that found no room.
const NAMED_MAX: usize = 10;

/// How much is kept, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    taken: u64,
    /// For databases of RPM.
    pub room: Room,
    /// The first that found no room.
    pub refused: Vec<String>,
    pub refused_count: u64,
}

impl Budget {
    pub(crate) const fn has_room(&self, size: u64) -> bool {
        size <= ONE_MAX && self.taken + size <= ALL_MAX
    }

    pub(crate) fn take(&mut self, name: &[u8], bytes: &[u8]) -> Option<Box<[u8]>> {
        let size = bytes.len() as u64;
        if !self.has_room(size) {
            self.refuse(name);
            return None;
        }
        // What a later layer hides is let go, and still counts: the sum of what is read is bounded.
        self.taken += size;
        Some(bytes.into())
    }

    /// Begins with a file that is read by pieces, if it is one and large; `lies` is where its contents are already.
    pub(crate) fn store(&mut self, name: &[u8], size: u64, lies: Option<&File>) -> Option<Storing> {
        let is_one = size > STORED_MIN && is_database(&parts(name));
        is_one.then(|| self.room.begin(size, lies))?
    }

    pub(crate) fn refuse(&mut self, name: &[u8]) {
        self.refused_count += 1;
        if self.refused.len() < NAMED_MAX {
            self.refused.push(canonical(&name[..name.len().min(200)]));
        }
    }
}

fn parts(name: &[u8]) -> Vec<&[u8]> {
    let parts = name.split(|byte| *byte == b'/');
    parts.filter(|part| !matches!(*part, b"" | b".")).collect()
}

/// Whether it is a database of RPM, which is read by pieces.
fn is_database(parts: &[&[u8]]) -> bool {
    let [folder @ .., name] = parts else {
        return false;
    };
    let (b"rpmdb.sqlite" | b"Packages.db" | b"Packages") = *name else {
        return false;
    };
    matches!(
        folder,
        [b"var", b"lib", b"rpm"]
            | [b"usr", b"lib", b"sysimage", b"rpm"]
            | [b"usr", b"share", b"rpm"]
    )
}

/// Whether a file tells of packages, the system or its users.
pub(crate) fn is_wanted(name: &[u8]) -> bool {
    let parts = parts(name);
    match parts[..] {
        [b"etc", b"passwd" | b"group"] => true,
        [b"etc" | b"lib", b"os-release"] | [b"usr", b"lib", b"os-release"] => true,
        [b"var", b"lib", b"dpkg", ref rest @ ..]
        | [b"usr", b"lib", b"sysimage", b"dpkg", ref rest @ ..] => match rest {
            [b"status"] | [b"status.d", _] => true,
            [b"info", file] => file.ends_with(b".list"),
            _ => false,
        },
        [b"lib", b"apk", b"db", b"installed"] | [b"usr", b"lib", b"apk", b"db", b"installed"] => {
            true
        }
        _ if is_database(&parts) => true,
        [.., folder, b"METADATA" | b"RECORD"] => folder.ends_with(b".dist-info"),
        [.., folder, b"PKG-INFO" | b"installed-files.txt"] => folder.ends_with(b".egg-info"),
        [.., folder, b"top_level.txt"] => {
            folder.ends_with(b".dist-info") || folder.ends_with(b".egg-info")
        }
        [.., b"node_modules", _, b"package.json"] => true,
        [.., b"node_modules", scope, _, b"package.json"] => scope.starts_with(b"@"),
        [.., file] => file.ends_with(b".egg-info"),
        [] => false,
    }
}
