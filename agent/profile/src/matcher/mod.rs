//! What a profile approves of and what it refuses, compiled for comparing.
//!
//! No second copy of any entry is needed: entries are looked up by 62 bits of keyed hash, beside
//! the two that say what is known of them. The key is random per process: who makes names cannot
//! make two that meet. That one does by chance which a full profile does not know is one case in
//! 2 * 10^14, and less likely than with the keys under which the kernel side counts, which are
//! of 64 bits too. Programs are looked up so once more, whoever executes them. Patterns (see
//! [`patterns`]) are compared from their first segment on, so those that begin elsewhere cost nothing.
//!
//! A pattern never excuses what is never learned, unless its own text falls under the same rule:
//! `/srv/**` does not excuse `/srv/.ssh/authorized_keys`, and `/usr/lib/app/*.so` excuses what
//! its folder's rule would report.

mod patterns;

use crate::behaviour::{Behaviour, Exec, Parent};
use crate::entry::{Entry, Phase};
use crate::lineage;
use crate::rule;
use patterns::Patterns;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

/// What is known of an entry by its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exact {
    /// A machine learned it, so a pattern that a person refused may take it away.
    Learned,
    /// Approved.
    Approved,
    /// A person refused it.
    Refused,
}

/// The hash of an entry, and in two bits of it what is known of it: two that the table, which
/// looks at the lowest and the highest ones, does not miss.
#[derive(Clone, Copy, Debug)]
struct Slot(u64);

impl Slot {
    const SHIFT: u32 = 40;
    const STATE: u64 = 0b11 << Self::SHIFT;

    const fn key(self) -> u64 {
        self.0 & !Self::STATE
    }

    const fn of(hash: u64, exact: Exact) -> Self {
        Self(hash & !Self::STATE | (exact as u64) << Self::SHIFT)
    }

    const fn exact(self) -> Exact {
        match (self.0 & Self::STATE) >> Self::SHIFT {
            0 => Exact::Learned,
            1 => Exact::Approved,
            _ => Exact::Refused,
        }
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Slot {}

impl Hash for Slot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.key());
    }
}

/// Takes what is a hash already for the hash.
#[derive(Clone, Debug, Default)]
pub(super) struct Plain(u64);

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

/// Bytes of a hash table that holds so many values of a type: a power of two, of which it fills seven
/// in eight, and a byte for each place.
pub(super) const fn table_bytes<T>(capacity: usize) -> usize {
    match capacity {
        0 => 0,
        _ => (capacity * 8 / 7).next_power_of_two() * (size_of::<T>() + 1),
    }
}

/// What is known of a program, whoever executes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program {
    /// Of its line without a parent.
    any: Option<Exact>,
    /// How many of its lines with a parent are what, in the order of [`Exact`].
    lines: [u32; 3],
}

impl Program {
    /// Whether it is approved under every parent.
    pub(crate) fn allows_any(&self) -> bool {
        matches!(self.any, Some(Exact::Learned | Exact::Approved))
    }

    /// Whether it is refused under every parent for which nobody decided otherwise.
    pub(crate) fn refuses_any(&self) -> bool {
        self.any == Some(Exact::Refused)
    }

    /// Whether it is approved under some parent.
    pub(crate) fn is_known(&self) -> bool {
        self.allows_any()
            || self.lines[Exact::Approved as usize] > 0
            || self.lines[Exact::Learned as usize] > 0 && !self.refuses_any()
    }

    /// Whether it is refused under some parent.
    pub(crate) fn is_refused(&self) -> bool {
        self.refuses_any() || self.lines[Exact::Refused as usize] > 0
    }
}

/// The compiled profile. It follows from the profile, so any two are equal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    keys: RandomState,
    exact: HashSet<Slot, BuildHasherDefault<Plain>>,
    allowed: Patterns,
    refused: Patterns,
    /// Programs, whoever executes them, by the hashes of what makes them the same.
    programs: HashMap<u64, Program, BuildHasherDefault<Plain>>,
    /// Of how many the line without a parent is refused.
    refused_programs: usize,
}

impl PartialEq for Matcher {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Matcher {}

impl Matcher {
    /// An empty one for so many entries, with the same keys.
    pub(crate) fn emptied(&self, entries: usize) -> Self {
        let mut exact = HashSet::default();
        exact.reserve(entries);
        Self {
            keys: self.keys.clone(),
            exact,
            ..Self::default()
        }
    }

    /// Bytes that it has room for.
    pub(crate) fn bytes(&self) -> usize {
        let exact = table_bytes::<Slot>(self.exact.capacity());
        let programs = table_bytes::<(u64, Program)>(self.programs.capacity());
        exact + programs + self.allowed.bytes() + self.refused.bytes()
    }

    fn slot(&self, entry: &Entry, exact: Exact) -> Slot {
        Slot::of(self.keys.hash_one(entry), exact)
    }

    /// What is known of an entry by its own name.
    pub(crate) fn exact(&self, entry: &Entry) -> Option<Exact> {
        let wanted = self.slot(entry, Exact::Learned);
        self.exact.get(&wanted).map(|slot| slot.exact())
    }

    /// Takes up an entry, and what it matches if it is a pattern.
    pub(crate) fn set(&mut self, entry: &Entry, exact: Exact) {
        let was = self.exact.replace(self.slot(entry, exact));
        self.count(entry, was.map(Slot::exact), Some(exact));
        match exact {
            Exact::Learned | Exact::Approved => self.allowed.add(entry),
            Exact::Refused => self.refused.add(entry),
        }
    }

    /// Nothing is known of an entry that is no pattern.
    pub(crate) fn unset(&mut self, entry: &Entry) {
        let was = self.exact.take(&self.slot(entry, Exact::Learned));
        self.count(entry, was.map(Slot::exact), None);
    }

    /// Whether a pattern that was refused stands for something.
    pub(crate) const fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Whether a pattern that was refused stands for it, or a line without a parent.
    pub(crate) fn refuses(&self, entry: &Entry) -> bool {
        match &entry.behaviour {
            Behaviour::Exec(exec) => {
                self.refused_programs > 0
                    && exec.parent != Parent::Any
                    && self.program(entry).is_some_and(Program::refuses_any)
            }
            _ => self.has_refused() && self.refused.find(entry).is_some(),
        }
    }

    /// Whether any program is refused whoever executes it.
    pub(crate) const fn refuses_programs(&self) -> bool {
        self.refused_programs > 0
    }

    fn program_key(&self, exec: &Exec, phase: Phase) -> u64 {
        self.keys.hash_one(lineage::identity(exec, phase))
    }

    /// What is known of the program in an entry, whoever executes it. `None` if nothing is, or it
    /// is no program.
    pub(crate) fn program(&self, entry: &Entry) -> Option<&Program> {
        let Behaviour::Exec(exec) = &entry.behaviour else {
            return None;
        };
        self.programs.get(&self.program_key(exec, entry.phase))
    }

    /// Keeps count of what is known of a program.
    fn count(&mut self, entry: &Entry, was: Option<Exact>, is: Option<Exact>) {
        let Behaviour::Exec(exec) = &entry.behaviour else {
            return;
        };
        let key = self.program_key(exec, entry.phase);
        let program = self.programs.entry(key).or_default();
        if exec.parent == Parent::Any {
            program.any = is;
            self.refused_programs -= usize::from(was == Some(Exact::Refused));
            self.refused_programs += usize::from(is == Some(Exact::Refused));
        } else {
            if let Some(was) = was {
                program.lines[was as usize] -= 1;
            }
            if let Some(is) = is {
                program.lines[is as usize] += 1;
            }
        }
        if *program == Program::default() {
            self.programs.remove(&key);
        }
    }

    /// Whether an approved pattern excuses it.
    pub(crate) fn excuses(&self, entry: &Entry) -> bool {
        self.found(entry).is_some()
    }

    /// The approved pattern that excuses it, if one does.
    pub(crate) fn excuse(&self, entry: &Entry) -> Option<Entry> {
        self.found(entry).map(|end| end.entry.entry())
    }

    fn found(&self, entry: &Entry) -> Option<&patterns::End> {
        if self.allowed.is_empty() {
            return None;
        }
        let found = self.allowed.find(entry)?;
        let class = rule::classify(&entry.behaviour);
        (class.learnable || found.guarded == Some(class.rule)).then_some(found)
    }
}
