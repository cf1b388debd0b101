//! The room that objects have, and who gives way where there is none.
//!
//! What went and stays in force because it was signed has nobody who deletes it, and would fill the room in time. It is
//! held for as long as nobody else needs the room, and gives way to one that is there: in its own namespace first, what
//! does not run on this node before what does, and what went first before what went later.
//!
//! Who may write in one namespace takes nothing from another by that. A namespace has its share of all room, and what
//! it holds up to an equal part of it, as many as there are that hold anything, gives way to its own objects alone; beyond
//! that to one of a namespace that holds less.

use super::object::Key;
use crate::judge::PROFILES_MAX;
use std::collections::{BTreeSet, HashMap};

/// Most bytes that are held of all objects together: of each its text, or what is kept of it on disk, whichever is
/// longer.
pub const BYTES_MAX: usize = 64 << 20;
/// The part of all room that one namespace may have: who may write there takes nobody else's.
pub const SHARES: usize = 8;

/// Room that is used.
#[derive(Clone, Copy, Default)]
struct Used {
    many: usize,
    bytes: usize,
}

impl Used {
    const fn add(&mut self, size: usize) {
        self.many += 1;
        self.bytes += size;
    }

    const fn sub(&mut self, size: usize) {
        self.many -= 1;
        self.bytes -= size;
    }

    /// Whether it is no more than one of so many parts.
    const fn fits(self, parts: usize) -> bool {
        self.many <= PROFILES_MAX / parts && self.bytes <= BYTES_MAX / parts
    }

    /// How much of all room that is, of [`WHOLE`].
    fn part(self) -> u64 {
        (self.many * BYTES_MAX).max(self.bytes * PROFILES_MAX) as u64
    }
}

const WHOLE: u64 = (PROFILES_MAX * BYTES_MAX) as u64;

/// When one gives way: what is less does first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// It is of the same workload, and is replaced in any case.
    Replaced,
    /// It did not go, and is in force for nothing.
    Spare,
    /// Its workload does not run on this node, as far as is known.
    Idle,
    Runs,
}

/// One that went.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Gone {
    /// The how manieth.
    number: u64,
    key: Key,
}

/// All of it.
#[derive(Default)]
pub struct Room {
    /// By all, and by those of each namespace.
    used: Used,
    shares: HashMap<String, Used>,
    /// Those that went, by their namespaces.
    gone: HashMap<String, BTreeSet<Gone>>,
}

impl Room {
    /// Something is held of this one.
    pub fn add(&mut self, key: &Key, size: usize) {
        self.used.add(size);
        let share = self.shares.entry(key.namespace.clone()).or_default();
        share.add(size);
    }

    /// It is not any more; if it went, as the how manieth.
    pub fn sub(&mut self, key: &Key, size: usize, went: Option<u64>) {
        self.used.sub(size);
        if let Some(share) = self.shares.get_mut(&key.namespace) {
            share.sub(size);
            if share.many == 0 {
                self.shares.remove(&key.namespace);
            }
        }
        if let Some(number) = went {
            self.is_back(key, number);
        }
    }

    /// It went, and is held.
    pub fn went(&mut self, key: &Key, number: u64) {
        let gone = self.gone.entry(key.namespace.clone()).or_default();
        gone.insert(Gone {
            number,
            key: key.clone(),
        });
    }

    /// It is there again.
    pub fn is_back(&mut self, key: &Key, number: u64) {
        if let Some(gone) = self.gone.get_mut(&key.namespace) {
            gone.remove(&Gone {
                number,
                key: key.clone(),
            });
            if gone.is_empty() {
                self.gone.remove(&key.namespace);
            }
        }
    }

    /// Those of a namespace that went.
    pub fn gone_of(&self, namespace: &str) -> Vec<Key> {
        let gone = self.gone.get(namespace).into_iter().flatten();
        gone.map(|gone| gone.key.clone()).collect()
    }

    /// The namespaces of which all went that is held, and how many.
    pub fn abandoned(&self) -> Vec<(String, usize)> {
        let all = self.gone.iter().filter(|(namespace, gone)| {
            let share = self.shares.get(*namespace);
            share.is_some_and(|share| share.many == gone.len())
        });
        all.map(|(namespace, gone)| (namespace.clone(), gone.len()))
            .collect()
    }

    /// Room with one more, in all and in its namespace: in the place of one of this size, if there is one.
    fn with(&self, key: &Key, before: Option<usize>, size: usize) -> (Used, Used) {
        let mut own = self.shares.get(&key.namespace).copied().unwrap_or_default();
        let mut all = self.used;
        for used in [&mut own, &mut all] {
            if let Some(before) = before {
                used.sub(before);
            }
            used.add(size);
        }
        (all, own)
    }

    /// Whether there is room for one more.
    pub fn has(&self, key: &Key, before: Option<usize>, size: usize) -> bool {
        let (all, own) = self.with(key, before, size);
        all.fits(1) && own.fits(SHARES)
    }

    /// Which have to give way for one more; none where that is not enough. `about` says of one that went how large it is,
    /// and when it gives way; `spare` are those of the same namespace that did not and are in force for nothing.
    pub fn give_way(
        &self,
        key: &Key,
        before: Option<usize>,
        size: usize,
        spare: &[(Key, usize)],
        about: impl Fn(&Key) -> (Rank, usize),
    ) -> Option<Vec<Key>> {
        let (mut all, mut own) = self.with(key, before, size);
        let in_order = |namespace: &str, spare: &[(Key, usize)]| {
            let gone = self.gone.get(namespace).into_iter().flatten();
            let gone = gone.map(|gone| (about(&gone.key), gone.key.clone()));
            let spare = spare.iter().cloned();
            let spare = spare.map(|(key, size)| ((Rank::Spare, size), key));
            let mut ranked: Vec<_> = gone.chain(spare).collect();
            ranked.retain(|(_, other)| other != key);
            // Of one rank they stay in the order in which they went.
            ranked.sort_by_key(|((rank, _), _)| *rank);
            ranked.into_iter().map(|((_, size), key)| (size, key))
        };
        let mut out = Vec::new();
        for (size, gone) in in_order(&key.namespace, spare) {
            if all.fits(1) && own.fits(SHARES) {
                break;
            }
            own.sub(size);
            all.sub(size);
            out.push(gone);
        }
        if !own.fits(SHARES) {
            return None;
        }
        if all.fits(1) {
            return Some(out);
        }
        let is_new = !self.shares.contains_key(&key.namespace);
        let equal = WHOLE / (self.shares.len() + usize::from(is_new)) as u64;
        let floor = equal.max(own.part());
        let mut others: Vec<_> = { self.gone.keys() }
            .filter(|namespace| **namespace != key.namespace)
            .filter_map(|namespace| Some((*self.shares.get(namespace)?, namespace)))
            .filter(|(used, _)| used.part() > floor)
            .map(|(used, namespace)| (used, in_order(namespace, &[]).peekable()))
            .collect();
        while !all.fits(1) {
            let left = others.iter_mut().filter_map(|(used, gone)| {
                let mut after = *used;
                after.sub(gone.peek()?.0);
                (after.part() >= floor).then_some((used, gone))
            });
            let (used, gone) = left.max_by_key(|(used, _)| used.part())?;
            let (size, gone) = gone.next()?;
            used.sub(size);
            all.sub(size);
            out.push(gone);
        }
        Some(out)
    }
}
