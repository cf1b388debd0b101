//! A bounded set that merges: the `K` smallest of the ids it was given.
//!
//! Ids are hashes, so the smallest are a random choice of all, the same choice wherever it is
//! made: a *bottom-k sketch* (Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC
//! 2007). Whatever is among the `K` smallest of a union is among the `K` smallest of the part it
//! comes from, so nothing that matters was dropped before, and joining is commutative,
//! associative and idempotent. Up to `K - 1` ids the set is exact.

/// The `K` smallest ids, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bottom<const K: usize> {
    len: u8,
    /// Ascending; zero beyond `len`.
    ids: [u32; K],
}

impl<const K: usize> Default for Bottom<K> {
    fn default() -> Self {
        Self {
            len: 0,
            ids: [0; K],
        }
    }
}

impl<const K: usize> Bottom<K> {
    /// The kept ids, ascending.
    #[must_use]
    pub fn ids(&self) -> &[u32] {
        &self.ids[..usize::from(self.len)]
    }

    /// How many are kept.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether none is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether there may be more than are kept.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len as usize == K
    }

    /// The largest that is kept.
    #[must_use]
    pub fn largest(&self) -> Option<u32> {
        self.ids().last().copied()
    }

    /// Takes an id.
    pub fn insert(&mut self, id: u32) {
        let Err(at) = self.ids().binary_search(&id) else {
            return;
        };
        if at == K {
            return;
        }
        let end = (usize::from(self.len) + 1).min(K);
        self.ids[at..end].rotate_right(1);
        self.ids[at] = id;
        self.len = end as u8;
    }

    /// Takes all ids of another.
    pub fn join(&mut self, other: &Self) {
        other.ids().iter().for_each(|id| self.insert(*id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn of(ids: &[u32]) -> Bottom<3> {
        let mut sketch = Bottom::default();
        ids.iter().for_each(|id| sketch.insert(*id));
        sketch
    }

    fn joined(mut a: Bottom<3>, b: &Bottom<3>) -> Bottom<3> {
        a.join(b);
        a
    }

    proptest! {
        #[test]
        fn the_smallest_are_kept(ids in prop::collection::vec(0..40_u32, 0..12)) {
            let all: BTreeSet<u32> = ids.iter().copied().collect();
            let smallest: Vec<u32> = all.iter().copied().take(3).collect();
            let found = of(&ids);
            prop_assert_eq!(found.ids(), smallest);
        }

        #[test]
        fn joining_is_that_of_sets(
            a in prop::collection::vec(0..20_u32, 0..8),
            b in prop::collection::vec(0..20_u32, 0..8),
            c in prop::collection::vec(0..20_u32, 0..8),
        ) {
            let (x, y, z) = (of(&a), of(&b), of(&c));
            prop_assert_eq!(joined(x, &y), of(&[a, b].concat()));
            prop_assert_eq!(joined(x, &y), joined(y, &x));
            prop_assert_eq!(joined(joined(x, &y), &z), joined(x, &joined(y, &z)));
            prop_assert_eq!(joined(x, &x), x);
        }
    }
}
