//! Objects of which nothing is held, because they say nothing that is to be obeyed or find no room.
//!
//! Whoever may write in one namespace can make any number of them: of the first the whole text is known of what is
//! wrong, a share of them in each namespace, and of the others the word alone.

use super::object::{Key, Refusal, Version};
use super::room::SHARES;
use crate::judge::PROFILES_MAX;
use std::collections::{BTreeMap, BTreeSet};

/// Most of which all is known.
const NAMED_MAX: usize = 64;
/// Most that are known besides: as many as are listed, with some 250 bytes each.
const MORE_MAX: usize = 4 * PROFILES_MAX;
/// What is told of such a one.
pub const SHORT: &str = "more objects are refused than an agent keeps the texts of: mend or delete those that say \
                         what is wrong, and this one says so when it is applied again";

/// All of them.
#[derive(Default)]
pub struct Bad {
    named: BTreeMap<Key, (Version, Refusal)>,
    /// With the word of why.
    more: BTreeMap<Key, (Version, &'static str)>,
}

impl Bad {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.named.len() + self.more.len()
    }

    /// How many there are of which the word alone is known.
    pub fn unnamed(&self) -> usize {
        self.more.len()
    }

    /// These, with the word.
    pub fn more(&self) -> impl Iterator<Item = (&Key, &Version, &'static str)> {
        let all = self.more.iter();
        all.map(|(key, (version, reason))| (key, version, *reason))
    }

    /// What is wrong with one of which all is known.
    pub fn why(&self, key: &Key) -> Option<&(Version, Refusal)> {
        self.named.get(key)
    }

    /// There is this one.
    pub fn put(&mut self, key: Key, version: Version, why: Refusal) {
        let own = self.named.keys();
        let own = own.filter(|other| other.namespace == key.namespace);
        let has_room = self.named.len() < NAMED_MAX && own.count() < NAMED_MAX / SHARES;
        if has_room || self.named.contains_key(&key) {
            self.more.remove(&key);
            self.named.insert(key, (version, why));
        } else if self.more.len() < MORE_MAX || self.more.contains_key(&key) {
            self.more.insert(key, (version, why.reason));
        }
    }

    /// It went, or is held now.
    pub fn forget(&mut self, key: &Key) {
        self.named.remove(key);
        self.more.remove(key);
    }

    /// Forgets all that are not among these, and those of which the word alone is known, which will be told of again.
    /// Answers with the names of the others.
    pub fn keep(&mut self, there: &BTreeSet<&Key>) -> Vec<Key> {
        self.more.clear();
        let went = self.named.keys().filter(|key| !there.contains(key));
        let went: Vec<Key> = went.cloned().collect();
        self.named.retain(|key, _| there.contains(key));
        went
    }
}
