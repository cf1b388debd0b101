//! The newest versions of an image that an entry was seen in.
//!
//! A version is a number, which rises with each that a profile meets ([`crate::version`]), and the
//! first digits of its digest. Nodes may number one version differently; the greatest number of it
//! counts, and of all versions the [`VERSIONS_KEPT`] with the greatest numbers are kept. Both are
//! maxima of one total order, so joining does not depend on any order: what a part dropped has so
//! many above it in the part already, and they are not lower in the whole.

use crate::version::Version;

/// Versions that are kept.
pub const VERSIONS_KEPT: usize = 4;

/// The first eight digits of a version's digest.
#[must_use]
pub fn id(version: &Version) -> u32 {
    let digits = version.digest().split_once(':').map_or("", |it| it.1);
    let first = digits.get(..8).unwrap_or_default();
    u32::from_str_radix(first, 16).unwrap_or_default()
}

/// Versions, the newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Newest {
    len: u8,
    /// Number and id, descending; zero beyond `len`.
    all: [(u32, u32); VERSIONS_KEPT],
}

impl Newest {
    /// Number and id of each, the newest first.
    #[must_use]
    pub fn all(&self) -> &[(u32, u32)] {
        &self.all[..usize::from(self.len)]
    }

    /// Whether there may be older ones.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len as usize == VERSIONS_KEPT
    }

    /// Whether one of this id is among them.
    #[must_use]
    pub fn has(&self, id: u32) -> bool {
        self.all().iter().any(|(_, known)| *known == id)
    }

    /// Takes a version.
    pub fn insert(&mut self, number: u32, id: u32) {
        let mut all: Vec<(u32, u32)> = self.all().to_vec();
        match all.iter_mut().find(|(_, known)| *known == id) {
            Some(known) => known.0 = known.0.max(number),
            None => all.push((number, id)),
        }
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.truncate(VERSIONS_KEPT);
        *self = Self::default();
        self.len = all.len() as u8;
        self.all[..all.len()].copy_from_slice(&all);
    }

    /// Takes all of another.
    pub fn join(&mut self, other: &Self) {
        for (number, id) in other.all() {
            self.insert(*number, *id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn of(facts: &[(u32, u32)]) -> Newest {
        let mut newest = Newest::default();
        facts.iter().for_each(|it| newest.insert(it.0, it.1));
        newest
    }

    fn facts() -> impl Strategy<Value = Vec<(u32, u32)>> {
        prop::collection::vec((0..9_u32, 0..9_u32), 0..12)
    }

    proptest! {
        #[test]
        fn the_greatest_number_of_each_counts_and_the_greatest_are_kept(facts in facts()) {
            let mut model = BTreeMap::new();
            for (number, id) in &facts {
                let known = model.entry(*id).or_insert(*number);
                *known = (*known).max(*number);
            }
            let mut all: Vec<(u32, u32)> = model.into_iter().map(|(id, number)| (number, id)).collect();
            all.sort_unstable_by(|a, b| b.cmp(a));
            all.truncate(VERSIONS_KEPT);
            let found = of(&facts);
            prop_assert_eq!(found.all(), all);
        }

        #[test]
        fn joining_is_that_of_sets(a in facts(), b in facts()) {
            let (x, y) = (of(&a), of(&b));
            let (mut one, mut other) = (x, y);
            one.join(&y);
            other.join(&x);
            prop_assert_eq!(one, of(&[a, b].concat()));
            prop_assert_eq!(one, other);
        }
    }
}
