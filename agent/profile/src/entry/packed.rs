//! A file change in few bytes: its texts in one block, which clones share.
//!
//! ```text
//! operation  path  0  pattern  [1 target]  [0 set-id phase [reader]]
//! ```
//!
//! The bytes are in the order of the entries (see [`Entry`]), as far as they differ in nothing but
//! operation, path and target: texts are canonical, so none has a zero byte in it.

use super::{Entry, Phase};
use crate::behaviour::{Behaviour, FileChange, Operation, SetId};
use std::borrow::Borrow;
use std::sync::Arc;

/// Ends the path, and begins what few changes have.
const END: u8 = 0;
/// Begins the target.
const TARGET: u8 = 1;
/// Whether it is a pattern: never [`END`], so that no path reaches over it.
const IS: [u8; 2] = [1, 2];

/// The entry of a file change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packed(Arc<[u8]>);

impl Borrow<[u8]> for Packed {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// The first bytes of all changes of a path, or of a second path behind the first.
pub(crate) fn prefix(operation: Operation, paths: [Option<&str>; 2], pattern: bool) -> Vec<u8> {
    let mut bytes = vec![operation as u8];
    let [path, target] = paths;
    bytes.extend_from_slice(path.unwrap_or_default().as_bytes());
    if let Some(target) = target {
        bytes.extend([END, IS[usize::from(pattern)], TARGET]);
        bytes.extend_from_slice(target.as_bytes());
    }
    bytes
}

/// The bytes of an entry; `None` of what is no file change, or has a text that is not canonical.
pub(crate) fn bytes(entry: &Entry) -> Option<Vec<u8>> {
    let Behaviour::File(file) = &entry.behaviour else {
        return None;
    };
    let texts = [Some(&file.path), file.target.as_ref(), file.by.as_ref()];
    if texts.iter().flatten().any(|text| has_zero(text)) {
        return None;
    }
    let len = texts.iter().flatten().map(|text| text.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(len + 8);
    bytes.push(file.operation as u8);
    bytes.extend_from_slice(file.path.as_bytes());
    write_behind(file, entry.phase, &mut bytes);
    Some(bytes)
}

/// As of [`str::contains`], which is slower for texts of this length.
fn has_zero(text: &str) -> bool {
    text.as_bytes().contains(&0)
}

/// What stands behind the path.
pub(super) fn behind(file: &FileChange, phase: Phase) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_behind(file, phase, &mut bytes);
    bytes
}

/// The same of a change in the main phase that has no more to it than operation and path.
pub(super) const fn plain(pattern: bool) -> &'static [u8] {
    match pattern {
        false => &[END, IS[0]],
        true => &[END, IS[1]],
    }
}

fn write_behind(file: &FileChange, phase: Phase, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(plain(file.pattern));
    if let Some(target) = &file.target {
        bytes.push(TARGET);
        bytes.extend_from_slice(target.as_bytes());
    }
    if file.set_id.is_some() || file.by.is_some() || phase != Phase::Main {
        let set_id = file.set_id.map_or(0, |set_id| 1 + set_id as u8);
        bytes.extend_from_slice(&[END, set_id, phase as u8]);
        if let Some(by) = &file.by {
            bytes.push(TARGET);
            bytes.extend_from_slice(by.as_bytes());
        }
    }
}

impl Packed {
    /// Packs an entry; `None` of what is no file change.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        bytes(entry).map(|bytes| Self(bytes.into()))
    }

    /// From the bytes of an entry.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The operation, the path, and what stands behind it.
    pub(super) fn parts(&self) -> (u8, &[u8], &[u8]) {
        let (operation, rest) = self.0.split_first().unwrap_or((&0, &[]));
        let end = rest.iter().position(|byte| *byte == END);
        let (path, behind) = rest.split_at(end.unwrap_or(rest.len()));
        (*operation, path, behind)
    }

    /// The entry.
    #[must_use]
    pub fn entry(&self) -> Entry {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (first, path, behind) = self.parts();
        let (is, rest) = match behind {
            [END, is, rest @ ..] => (*is, rest),
            _ => (IS[0], &[][..]),
        };
        let mut parts = rest.splitn(2, |byte| *byte == END);
        let target = parts.next().and_then(|part| part.strip_prefix(&[TARGET]));
        let (set_id, phase, by) = match parts.next() {
            Some([set_id, phase, by @ ..]) => (*set_id, *phase, by.strip_prefix(&[TARGET])),
            _ => (0, 0, None),
        };
        let set_id = usize::from(set_id).checked_sub(1);
        let operation = Operation::ALL.get(usize::from(first)).copied();
        Entry {
            behaviour: FileChange {
                pattern: is == IS[1],
                target: target.map(text),
                set_id: set_id.and_then(|set_id| SetId::ALL.get(set_id).copied()),
                by: by.map(text),
                // Written by this module alone, which knows no other.
                ..FileChange::new(operation.unwrap_or(Operation::OpenWrite), text(path))
            }
            .into(),
            phase: (Phase::ALL.get(usize::from(phase)).copied()).unwrap_or_default(),
        }
    }

    /// Whether another shares its bytes.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = String> {
        "(/|/a|-|é|\\.|\\\\xff|b){1,4}"
    }

    fn change() -> impl Strategy<Value = FileChange> {
        let target = prop::option::of(text());
        (0..Operation::ALL.len(), text(), any::<bool>(), target).prop_map(
            |(operation, path, pattern, target)| FileChange {
                pattern,
                target,
                ..FileChange::new(Operation::ALL[operation], path)
            },
        )
    }

    fn main(file: FileChange) -> Entry {
        Entry {
            behaviour: file.into(),
            phase: Phase::Main,
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_is_what_comes_out(
            file in change(),
            by in prop::option::of(text()),
            set_id in 0..4_usize,
            phase in prop::sample::select(Phase::ALL),
        ) {
            let set_id = set_id.checked_sub(1).map(|at| SetId::ALL[at]);
            let behaviour = FileChange { by, set_id, ..file }.into();
            let entry = Entry { behaviour, phase };
            prop_assert_eq!(Packed::of(&entry).unwrap().entry(), entry);
        }

        #[test]
        fn the_order_is_that_of_entries(a in change(), b in change()) {
            let (a, b) = (main(a), main(b));
            let (left, right) = (Packed::of(&a).unwrap(), Packed::of(&b).unwrap());
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
        }
    }

    #[test]
    fn what_is_no_file_has_no_such_form() {
        let entry = Entry::parse("exec: {path: /bin/ls}").unwrap();
        assert_eq!(Packed::of(&entry), None);
    }
}
