//! The texts behind the ids of a profile's provenance, each once.
//!
//! Bounded like the sets of ids: those with the smallest ids are kept. That depends on nothing but
//! which texts were ever taken, neither on their order nor on which entries still have them, so
//! nodes that exchange profiles end with the same ones. An id whose text found no room is shown as
//! a number. Two texts of one id are taken for the lesser one.

use crate::evidence::window;
use crate::text::{self, CUT};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Executables whose paths are kept.
pub const EXECUTABLES_MAX: usize = 512;
/// Addresses that are kept.
pub const ADDRESSES_MAX: usize = 2_048;
/// Bytes of a path that are kept: of a longer one the end.
pub const PATH_MAX: usize = 256;

/// The id of a text.
#[must_use]
pub fn id(text: &str) -> u32 {
    window::id(&[text.as_bytes()])
}

/// Texts by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(super) executables: BTreeMap<u32, Box<str>>,
    pub(super) addresses: BTreeMap<u32, IpAddr>,
}

fn put<T: Ord>(map: &mut BTreeMap<u32, T>, most: usize, id: u32, text: T) {
    match map.remove(&id) {
        Some(known) => map.insert(id, known.min(text)),
        None => map.insert(id, text),
    };
    if map.len() > most {
        map.pop_last();
    }
}

/// The end of a path that is too long, as canonical text.
fn short(path: &str) -> Box<str> {
    if path.len() <= PATH_MAX {
        return path.into();
    }
    let least = path.len() - (PATH_MAX - CUT.len());
    // At a slash, before which no escape can be open; else nothing of it is sure.
    let from = path[..].char_indices().map(|(at, _)| at);
    let from = from.filter(|at| *at >= least && path[*at..].starts_with('/'));
    let end = from.min().map_or("", |at| &path[at..]);
    format!("{CUT}{end}").into()
}

impl Texts {
    /// Takes an executable's path.
    pub(super) fn executable(&mut self, path: &str) {
        put(
            &mut self.executables,
            EXECUTABLES_MAX,
            id(path),
            short(path),
        );
    }

    /// Takes an address.
    pub(super) fn address(&mut self, address: IpAddr) {
        let id = id(&address.to_string());
        put(&mut self.addresses, ADDRESSES_MAX, id, address);
    }

    pub(crate) fn join(&mut self, other: &Self) {
        for (id, path) in &other.executables {
            put(&mut self.executables, EXECUTABLES_MAX, *id, path.clone());
        }
        for (id, address) in &other.addresses {
            put(&mut self.addresses, ADDRESSES_MAX, *id, *address);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.executables.is_empty() && self.addresses.is_empty()
    }

    /// Takes an executable's path as it was written. Says what is wrong with it.
    pub(super) fn read_executable(&mut self, id: u32, path: &str) -> Result<(), String> {
        if path.len() > PATH_MAX || !text::is_canonical(path) {
            return Err(format!(
                "an executable of `provenance` is a canonical text of at most {PATH_MAX} bytes"
            ));
        }
        put(&mut self.executables, EXECUTABLES_MAX, id, path.into());
        Ok(())
    }

    /// Takes an address as it was written.
    pub(super) fn read_address(&mut self, id: u32, address: IpAddr) {
        put(&mut self.addresses, ADDRESSES_MAX, id, address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_path_is_known_by_its_end() {
        assert_eq!(&*short("/bin/sh"), "/bin/sh");
        let long = format!("/{}/{}/end", "a".repeat(300), "b".repeat(100));
        assert_eq!(&*short(&long), format!("{CUT}/{}/end", "b".repeat(100)));
        let whole = format!("/{}", "\\\\".repeat(200));
        assert_eq!(&*short(&whole), CUT);
    }

    proptest! {
        #[test]
        fn what_is_kept_depends_on_no_order(
            a in prop::collection::vec(0..3_000_u32, 0..900), b in prop::collection::vec(0..3_000_u32, 0..900),
        ) {
            let of = |numbers: &[u32]| {
                let mut texts = Texts::default();
                for number in numbers {
                    texts.executable(&format!("/bin/{number}"));
                    texts.address(IpAddr::from(number.to_be_bytes()));
                }
                texts
            };
            let (x, y) = (of(&a), of(&b));
            let (mut one, mut other) = (x.clone(), y.clone());
            one.join(&y);
            other.join(&x);
            prop_assert_eq!(&one, &other);
            prop_assert_eq!(&one, &of(&[a, b].concat()));
            prop_assert!(one.executables.len() <= EXECUTABLES_MAX);
        }
    }
}
