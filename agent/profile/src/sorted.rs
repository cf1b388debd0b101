//! A map in the order of its keys that wastes little room.
//!
//! Runs of up to [`RUN`] entries, each of them a vector with hardly more room than it needs. A
//! B-tree of the standard library is half empty where keys come in order and a third where they do
//! not, and a hash table at times more than half; what is kept here by the hundred thousand makes
//! that tens of megabytes. An insertion moves at most one run.

use std::borrow::Borrow;
use std::cmp::Ordering;

/// Entries of a run at most.
const RUN: usize = 64;
/// Entries that a run grows by.
const STEP: usize = 4;

/// The map.
#[derive(Clone, Debug)]
pub struct Sorted<K, V> {
    /// None is empty.
    runs: Vec<Vec<(K, V)>>,
    len: usize,
}

/// Where an entry is: its run, and the place in it.
type Place = (usize, usize);

/// Where an entry was found: it is found there again without a search, as long as it lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot(Place);

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self {
            runs: Vec::new(),
            len: 0,
        }
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Sorted<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K: Eq, V: Eq> Eq for Sorted<K, V> {}

impl<K, V> Sorted<K, V> {
    /// Number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.runs.iter().flatten().map(|(key, value)| (key, value))
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K, V> Sorted<K, V> {
    /// All values, in the order of their keys.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.runs.iter_mut().flatten().map(|(_, value)| value)
    }
}

impl<K: Ord, V> Sorted<K, V> {
    /// Where a key is, or would be.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Place, Place>
    where
        K: Borrow<Q>,
    {
        let is_before = |run: &Vec<(K, V)>| {
            let last = run.last().map(|(last, _)| last.borrow().cmp(key));
            last == Some(Ordering::Less)
        };
        let run = self.runs.partition_point(is_before);
        match self.runs.get(run) {
            None => Err((run, 0)),
            Some(entries) => entries
                .binary_search_by(|(known, _)| known.borrow().cmp(key))
                .map(|at| (run, at))
                .map_err(|at| (run, at)),
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// A key as it is kept, and its value.
    #[must_use]
    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.place(key).ok()?;
        let (key, value) = &self.runs[run][at];
        Some((key, value))
    }

    /// Where a key is.
    #[must_use]
    pub fn spot<Q: Ord + ?Sized>(&self, key: &Q) -> Option<Spot>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(Spot)
    }

    /// A spot, if the key still is there.
    fn stays<Q: Ord + ?Sized>(&self, Spot((run, at)): Spot, key: &Q) -> Option<Place>
    where
        K: Borrow<Q>,
    {
        let (known, _) = self.runs.get(run)?.get(at)?;
        (known.borrow() == key).then_some((run, at))
    }

    /// A key as it is kept, and its value: where it was found, or wherever it went since.
    #[must_use]
    pub fn get_at<Q: Ord + ?Sized>(&self, spot: Spot, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.stays(spot, key).or_else(|| self.place(key).ok())?;
        let (key, value) = &self.runs[run][at];
        Some((key, value))
    }

    /// The value of a key: where it was found, or wherever it went since.
    pub fn get_mut_at<Q: Ord + ?Sized>(&mut self, spot: Spot, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.stays(spot, key).or_else(|| self.place(key).ok())?;
        Some(&mut self.runs[run][at].1)
    }

    /// The value of a key.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.place(key).ok()?;
        Some(&mut self.runs[run][at].1)
    }

    /// Whether there is such a key.
    #[must_use]
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// Sets the value of a key. Answers the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok((run, at)) => Some(std::mem::replace(&mut self.runs[run][at].1, value)),
            Err(place) => {
                self.insert_at(place, key, value);
                None
            }
        }
    }

    /// The value of a key: the default one where it had none.
    pub fn get_or_default(&mut self, key: &K) -> &mut V
    where
        K: Clone,
        V: Default,
    {
        let (run, at) = match self.place(key) {
            Ok(place) => place,
            Err(place) => self.insert_at(place, key.clone(), V::default()),
        };
        &mut self.runs[run][at].1
    }

    /// Puts in what is not there, where it would be. Answers where it is.
    fn insert_at(&mut self, (mut run, mut at): Place, key: K, value: V) -> Place {
        // Behind the last of all is the end of the last run, while that has room.
        if run == self.runs.len()
            && let Some(last) = self.runs.last().filter(|last| last.len() < RUN)
        {
            (run, at) = (run - 1, last.len());
        }
        match self.runs.get_mut(run) {
            None => self.runs.push(Vec::new()),
            Some(full) if full.len() >= RUN => {
                let behind = full.split_off(RUN / 2);
                full.shrink_to(RUN / 2 + STEP);
                self.runs.insert(run + 1, behind);
                if at > RUN / 2 {
                    (run, at) = (run + 1, at - RUN / 2);
                }
            }
            Some(_) => {}
        }
        let entries = &mut self.runs[run];
        if entries.len() == entries.capacity() {
            entries.reserve_exact(STEP);
        }
        entries.insert(at, (key, value));
        self.len += 1;
        (run, at)
    }

    /// Takes an entry out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.place(key).ok()?;
        let entries = &mut self.runs[run];
        let (_, value) = entries.remove(at);
        self.len -= 1;
        if entries.is_empty() {
            self.runs.remove(run);
        } else if entries.capacity() > 2 * entries.len() + 2 * STEP {
            entries.shrink_to(entries.len() + STEP);
        }
        Some(value)
    }

    /// What is not before a key, in order.
    pub fn from<'a, Q: Ord + ?Sized>(
        &'a self,
        key: &Q,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, Q, K, V>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.place(key).unwrap_or_else(|place| place);
        let first = self.runs.get(run).map_or(&[][..], |entries| &entries[at..]);
        let rest = self.runs.iter().skip(run + 1).flatten();
        first.iter().chain(rest).map(|(key, value)| (key, value))
    }

    /// What is before a key, the nearest first.
    pub fn before<Q: Ord + ?Sized>(&self, key: &Q) -> impl Iterator<Item = (&K, &V)>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.place(key).unwrap_or_else(|place| place);
        let first = self.runs.get(run).map_or(&[][..], |entries| &entries[..at]);
        let rest = self.runs[..run].iter().rev();
        let rest = rest.flat_map(|entries| entries.iter().rev());
        (first.iter().rev().chain(rest)).map(|(key, value)| (key, value))
    }
}

impl<K, V> IntoIterator for Sorted<K, V> {
    type Item = (K, V);
    type IntoIter = std::iter::Flatten<std::vec::IntoIter<Vec<(K, V)>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.runs.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn check(sorted: &Sorted<u32, u32>, model: &BTreeMap<u32, u32>) -> Result<(), TestCaseError> {
        prop_assert_eq!(sorted.len(), model.len());
        prop_assert!(sorted.iter().eq(model.iter()));
        prop_assert!(sorted.keys().eq(model.keys()) && sorted.values().eq(model.values()));
        prop_assert!(sorted.clone().into_iter().eq(model.clone()));
        for run in &sorted.runs {
            prop_assert!(!run.is_empty() && run.len() <= RUN);
            prop_assert!(run.capacity() <= 2 * run.len() + 2 * STEP);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((any::<bool>(), 0..400_u32), 0..1_500)) {
            let mut sorted = Sorted::default();
            let mut model = BTreeMap::new();
            for (value, (adds, key)) in (0..).zip(steps) {
                if value % 5 == 0 {
                    *sorted.get_or_default(&key) += 7;
                    *model.entry(key).or_default() += 7;
                } else if adds || key % 3 == 0 {
                    prop_assert_eq!(sorted.insert(key, value), model.insert(key, value));
                } else {
                    prop_assert_eq!(sorted.remove(&key), model.remove(&key));
                }
            }
            check(&sorted, &model)?;
            // Wherever they are said to be.
            let spots: Vec<_> = (0..400).map(|key| sorted.spot(&key)).collect();
            for (key, spot) in (0..).zip(&spots) {
                prop_assert_eq!(spot.is_some(), model.contains_key(&key));
                for other in spots.iter().flatten().step_by(37) {
                    let found = sorted.get_at(*other, &key);
                    prop_assert_eq!(found, model.get_key_value(&key));
                    prop_assert_eq!(sorted.get_mut_at(*other, &key).copied(), model.get(&key).copied());
                }
            }
            for key in [0, 1, 77, 200, 399, 400] {
                prop_assert_eq!(sorted.get(&key), model.get(&key));
                prop_assert_eq!(sorted.contains_key(&key), model.contains_key(&key));
                prop_assert!(sorted.from(&key).eq(model.range(key..)));
                prop_assert!(sorted.before(&key).eq(model.range(..key).rev()));
            }
        }
    }

    #[test]
    fn little_room_is_wasted_whatever_the_order() {
        for step in [1, 7_919, 9_999] {
            let mut sorted = Sorted::default();
            for n in 0..10_000_u32 {
                assert_eq!(sorted.insert(n * step % 10_000, ()), None);
            }
            let room: usize = sorted.runs.iter().map(Vec::capacity).sum();
            assert!(room < 13_000, "{step}: room for {room}");
        }
    }
}
