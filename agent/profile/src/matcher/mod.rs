//! What a profile approves of and what it refuses, compiled for comparing.
//!
//! No second copy of any entry is needed: entries are looked up by 62 bits of keyed hash (see
//! [`crate::entry::keyed`]), beside the two that say what is known of them. That one meets another
//! by chance which a full profile does not know is one case in
//! 2 * 10^14, and less likely than with the keys under which the kernel side counts, which are
//! of 64 bits too. Programs are looked up so once more, whoever executes them. Patterns (see
//! [`patterns`]) are compared from their first segment on, so those that begin elsewhere cost nothing.
//!
//! A pattern never excuses what is never learned, unless its own text falls under the same rule:
//! `/srv/**` does not excuse `/srv/.ssh/authorized_keys`, and `/usr/lib/app/*.so` excuses what
//! its folder's rule would report. A range of addresses (see [`ranges`]) excuses none of them, nor
//! what no range stands for (see [`crate::address`]); a range that was refused takes those away too.

mod patterns;
mod ranges;

use crate::behaviour::{Behaviour, Exec, Parent};
use crate::content;
use crate::entry::keyed::{Keyed, Plain, keyed};
use crate::entry::packed::Packed;
use crate::entry::{Entry, Phase};
use crate::lineage;
use crate::rule;
use patterns::Patterns;
use ranges::Ranges;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};

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
    exact: HashSet<Slot, BuildHasherDefault<Plain>>,
    allowed: Patterns,
    refused: Patterns,
    /// Programs, whoever executes them, by the hashes of what makes them the same.
    programs: HashMap<u64, Program, BuildHasherDefault<Plain>>,
    /// Of how many the line without a parent is refused.
    refused_programs: usize,
    /// How many contents are approved of a file outside the image, by the hashes of what makes it
    /// the same.
    contents: HashMap<u64, u32, BuildHasherDefault<Plain>>,
    /// Ranges of addresses that are approved.
    open: Ranges,
    /// And refused.
    closed: Ranges,
}

impl PartialEq for Matcher {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Matcher {}

impl Matcher {
    /// An empty one for so many entries.
    pub(crate) fn sized(entries: usize) -> Self {
        let mut exact = HashSet::default();
        exact.reserve(entries);
        Self {
            exact,
            ..Self::default()
        }
    }

    /// Bytes that it has room for.
    pub(crate) fn bytes(&self) -> usize {
        let exact = table_bytes::<Slot>(self.exact.capacity());
        let programs = table_bytes::<(u64, Program)>(self.programs.capacity());
        let contents = table_bytes::<(u64, u32)>(self.contents.capacity());
        exact
            + programs
            + contents
            + self.allowed.bytes()
            + self.refused.bytes()
            + self.open.bytes()
            + self.closed.bytes()
    }

    /// What is known of an entry by its own name.
    pub(crate) fn exact(&self, entry: &Keyed<'_>) -> Option<Exact> {
        let wanted = Slot::of(entry.hash(), Exact::Learned);
        self.exact.get(&wanted).map(|slot| slot.exact())
    }

    /// Takes up an entry, and what it matches if it is a pattern.
    pub(crate) fn set(&mut self, keyed: &Keyed<'_>, exact: Exact) {
        let entry = keyed.entry();
        let was = self.exact.replace(Slot::of(keyed.hash(), exact));
        self.count(entry, was.map(Slot::exact), Some(exact));
        match exact {
            Exact::Learned | Exact::Approved => {
                self.allowed.add(entry);
                self.open.add(entry);
            }
            Exact::Refused => {
                self.refused.add(entry);
                self.closed.add(entry);
            }
        }
    }

    /// Nothing is known of an entry that stands for no others.
    pub(crate) fn unset(&mut self, keyed: &Keyed<'_>) {
        let was = self.exact.take(&Slot::of(keyed.hash(), Exact::Learned));
        self.count(keyed.entry(), was.map(Slot::exact), None);
    }

    /// Whether a pattern that was refused stands for something.
    pub(crate) const fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Whether a pattern that was refused stands for it, a range, or a line without a parent.
    pub(crate) fn refuses(&self, entry: &Entry) -> bool {
        match &entry.behaviour {
            Behaviour::Exec(exec) => {
                self.refused_programs > 0
                    && exec.parent != Parent::Any
                    && self.program(entry).is_some_and(Program::refuses_any)
            }
            Behaviour::Egress(_) => self.closed.find(entry).is_some(),
            _ => self.has_refused() && self.refused.find(entry).is_some(),
        }
    }

    /// Whether any program is refused whoever executes it, or any range of addresses.
    pub(crate) fn refuses_many(&self) -> bool {
        self.refused_programs > 0 || !self.closed.is_empty()
    }

    /// The approved range that excuses an address, or another range, if one does.
    pub(crate) fn excusing_range(&self, entry: &Entry) -> Option<Entry> {
        let found = self.open.find_standing(entry)?;
        rule::classify(&entry.behaviour).learnable.then_some(found)
    }

    /// The range that was refused and that an address, or another range, is in: whatever it is.
    pub(crate) fn refusing_range(&self, entry: &Entry) -> Option<Entry> {
        self.closed.find(entry)
    }

    /// What is known of the program in an entry, whoever executes it. `None` if nothing is, or it
    /// is no program.
    pub(crate) fn program(&self, entry: &Entry) -> Option<&Program> {
        let Behaviour::Exec(exec) = &entry.behaviour else {
            return None;
        };
        self.programs.get(&program_key(exec, entry.phase))
    }

    /// Keeps count of what is known of a program.
    fn count(&mut self, entry: &Entry, was: Option<Exact>, is: Option<Exact>) {
        let Behaviour::Exec(exec) = &entry.behaviour else {
            return;
        };
        if exec.sha256.is_some() {
            return self.count_content(exec, entry.phase, was, is);
        }
        let key = program_key(exec, entry.phase);
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

    fn count_content(&mut self, exec: &Exec, phase: Phase, was: Option<Exact>, is: Option<Exact>) {
        let one = |exact| u32::from(matches!(exact, Some(Exact::Learned | Exact::Approved)));
        let key = content_key(exec, phase);
        let count = self.contents.entry(key).or_default();
        *count = *count + one(is) - one(was);
        if *count == 0 {
            self.contents.remove(&key);
        }
    }

    /// Whether some content is approved of the file that a program is.
    pub(crate) fn has_content(&self, exec: &Exec, phase: Phase) -> bool {
        !self.contents.is_empty() && self.contents.contains_key(&content_key(exec, phase))
    }

    /// The approved pattern that excuses it, if one does.
    pub(crate) fn excuse(&self, entry: &Entry) -> Option<&Packed> {
        if self.allowed.is_empty() {
            return None;
        }
        let found = self.allowed.find(entry)?;
        let class = rule::classify(&entry.behaviour);
        (class.learnable || found.guarded == Some(class.rule)).then_some(&found.entry)
    }
}

fn content_key(exec: &Exec, phase: Phase) -> u64 {
    keyed((content::file(exec), phase))
}

fn program_key(exec: &Exec, phase: Phase) -> u64 {
    keyed(lineage::identity(exec, phase))
}
