//! Objects of which nothing is held, because they say nothing that is to be obeyed or find no room.
//!
//! Whoever may write in one namespace can make any number of them: the first are known by name, with what is wrong,
//! a share of them in each namespace, and the others are counted.

use super::held::SHARES;
use super::object::{Key, Refusal, Version};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::BuildHasher;

/// Most that are known by name.
const NAMED_MAX: usize = 64;
/// Most that are counted besides.
const MORE_MAX: usize = 100_000;

/// All of them.
#[derive(Default)]
pub struct Bad {
    named: BTreeMap<Key, (Version, Refusal)>,
    /// Hashes of names: of two that have the same, which is rare, one is counted.
    more: HashSet<u64>,
    hash: RandomState,
}

impl Bad {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.named.len() + self.more.len()
    }

    /// How many of them are not known by name.
    pub fn unnamed(&self) -> usize {
        self.more.len()
    }

    /// What is wrong with one that is known by name.
    pub fn why(&self, key: &Key) -> Option<&(Version, Refusal)> {
        self.named.get(key)
    }

    /// There is this one.
    pub fn put(&mut self, key: Key, version: Version, why: Refusal) {
        let own = self.named.keys();
        let own = own.filter(|other| other.namespace == key.namespace);
        let has_room = self.named.len() < NAMED_MAX && own.count() < NAMED_MAX / SHARES;
        let hash = self.hash.hash_one(&key);
        if has_room || self.named.contains_key(&key) {
            self.more.remove(&hash);
            self.named.insert(key, (version, why));
        } else if self.more.len() < MORE_MAX {
            self.more.insert(hash);
        }
    }

    /// It went, or is held now.
    pub fn forget(&mut self, key: &Key) {
        self.named.remove(key);
        self.more.remove(&self.hash.hash_one(key));
    }

    /// Forgets all that are not among these, and those without a name, which will be told of again. Answers with
    /// the names of the others.
    pub fn keep(&mut self, there: &BTreeSet<&Key>) -> Vec<Key> {
        self.more.clear();
        let went = self.named.keys().filter(|key| !there.contains(key));
        let went: Vec<Key> = went.cloned().collect();
        self.named.retain(|key, _| there.contains(key));
        went
    }
}
