//! An entry with what it is looked up by, each made once.
//!
//! What is asked of a profile about one sighting is asked of several tables: whether the entry is
//! accepted, where it is counted, in which sample it was seen. Names are long, so that hashing and
//! packing them is most of the work; both are done here, and every table takes what it needs.
//!
//! The hash is keyed, and the key random per process: who makes names cannot make two that meet.
//! One key serves all profiles, so that a hash stays what it is when an entry goes from one to
//! another, or to whoever remembers entries besides.

use super::packed::{self, Packed};
use super::{Entry, Phase};
use crate::behaviour::Behaviour;
use std::cell::OnceCell;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The keyed hash of anything.
pub(crate) fn keyed(of: impl Hash) -> u64 {
    KEYS.hash_one(of)
}

/// Takes a keyed hash for the hash: what names are hashed to needs no other.
#[derive(Clone, Debug, Default)]
pub struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// An entry, its hash, and its packed form where it is a change of a file.
#[derive(Debug)]
pub struct Keyed<'a> {
    entry: &'a Entry,
    hash: u64,
    bytes: OnceCell<Option<Vec<u8>>>,
}

impl<'a> Keyed<'a> {
    /// Hashes an entry. It is packed when that is asked for.
    #[must_use]
    pub fn of(entry: &'a Entry) -> Self {
        Self {
            entry,
            hash: hash(entry),
            bytes: OnceCell::new(),
        }
    }

    /// The entry.
    #[must_use]
    pub const fn entry(&self) -> &'a Entry {
        self.entry
    }

    /// Its keyed hash: the same for equal entries as long as the process lives, and no longer.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// Its packed form; `None` of what is no file change.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        let bytes = self.bytes.get_or_init(|| packed::bytes(self.entry));
        bytes.as_deref()
    }

    /// The same, to keep.
    #[must_use]
    pub fn packed(&self) -> Option<Packed> {
        self.bytes().map(Packed::from_bytes)
    }
}

/// The hash of an entry. That of a change of a file is the one of its packed form.
fn hash(entry: &Entry) -> u64 {
    let Behaviour::File(file) = &entry.behaviour else {
        return keyed(entry);
    };
    let is_plain = file.target.is_none()
        && file.set_id.is_none()
        && file.by.is_none()
        && entry.phase == Phase::Main;
    let (operation, path) = (file.operation as u8, file.path.as_bytes());
    match is_plain {
        true => of_parts(operation, path, packed::plain(file.pattern)),
        false => of_parts(operation, path, &packed::behind(file, entry.phase)),
    }
}

/// In pieces that a path alone decides of, as a hasher may make a difference between one piece and
/// two.
fn of_parts(operation: u8, path: &[u8], behind: &[u8]) -> u64 {
    let mut hasher = KEYS.build_hasher();
    hasher.write(path);
    hasher.write(behind);
    hasher.write_u8(operation);
    hasher.finish()
}

impl Packed {
    /// The keyed hash of the entry: that of [`Keyed::hash`].
    #[must_use]
    pub fn hash(&self) -> u64 {
        let (operation, path, behind) = self.parts();
        of_parts(operation, path, behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_hash_is_that_of_the_packed_form_and_every_field_counts() {
        let mut hashes = HashSet::new();
        for line in [
            "file: {operation: CREATE, path: /a}",
            "file: {operation: DELETE, path: /a}",
            "file: {operation: CREATE, path: /b}",
            "file: {operation: CREATE, path: \"/{digits}\"}",
            "file: {operation: CREATE, pattern: \"/{digits}\"}",
            "file: {operation: CREATE, path: /a, phase: exec}",
            "file: {operation: RENAME, path: /a, target: /b}",
            "file: {operation: RENAME, path: /a, target: /c}",
            "file: {operation: CHMOD, path: /a}",
            "file: {operation: CHMOD, path: /a, setId: USER}",
            "file: {operation: CHMOD, path: /a, setId: GROUP}",
            "file: {operation: OPEN_READ, path: /etc/shadow, by: /a}",
            "file: {operation: OPEN_READ, path: /etc/shadow, by: /b}",
            "file: {operation: OPEN_READ, path: /etc/shadow, by: /b, phase: escaped}",
        ] {
            let entry = Entry::parse(line).unwrap();
            let packed = Packed::of(&entry).unwrap();
            let keyed = Keyed::of(&entry);
            assert_eq!(keyed.hash(), packed.hash(), "{line}");
            assert_eq!(keyed.hash(), Keyed::of(&packed.entry()).hash(), "{line}");
            assert_eq!(keyed.bytes(), Some(std::borrow::Borrow::borrow(&packed)));
            assert!(hashes.insert(keyed.hash()), "{line}");
        }
        let exec = Entry::parse("exec: {path: /a}").unwrap();
        assert!(Keyed::of(&exec).bytes().is_none());
        assert!(hashes.insert(Keyed::of(&exec).hash()));
    }
}
