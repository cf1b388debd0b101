//! What a profile accepts: by name, by pattern, or because of what else it accepts.
//!
//! Who decided stands above who learned, and what is said of one name above what is said of
//! many:
//!
//! 1. a name that a person approved or refused is what it is;
//! 2. what a refused pattern stands for is refused, learned or not;
//! 3. what was learned is accepted, and so is what an approved pattern stands for;
//! 4. a file that may be made may also be opened for writing once it is there.
//!
//! A line of a program that has no `parent` stands for the program under every parent, and is to
//! those lines what a pattern is to names: see [`crate::lineage`].
//!
//! What was learned and then taken back by a decision (an import that does not approve of
//! it) stands in the record of decisions as pending, with their revision, and counts for
//! nothing here until it is approved. If it is a pattern, what falls under it is not learned
//! anew either: it is for people, name by name.

use crate::behaviour::{Behaviour, Kind, Operation};
use crate::entry::Entry;
use crate::entry::packed::Packed;
use crate::generalise::{Names, is_pattern};
use crate::lineage;
use crate::matcher::{Exact, Program};
use crate::profile::{Profile, Record, Verdict};
use crate::rule;

/// Where a sighting is counted.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In the record of this entry.
    Record(Entry),
    /// In the record of this entry, which is the line without `parent` of a program.
    Parentless(Entry),
    /// In what was learned under this name or pattern.
    Learned(Entry),
}

impl Place {
    /// The entry there.
    pub(crate) const fn entry(&self) -> &Entry {
        match self {
            Self::Record(entry) | Self::Parentless(entry) | Self::Learned(entry) => entry,
        }
    }
}

impl Profile {
    /// Whether it approves of an entry.
    #[must_use]
    pub fn accepts(&self, entry: &Entry) -> bool {
        let exact = self.matcher.exact(entry);
        match exact {
            Some(Exact::Approved) => return true,
            Some(Exact::Refused) => return false,
            Some(Exact::Learned) | None => {}
        }
        !self.matcher.refuses(entry)
            && (exact.is_some()
                || self.matcher.excuses(entry)
                || self.knows_parent(entry)
                || self.implied(entry))
    }

    /// Whether an accepted entry stands in the profile by its own name, and not by what excuses it.
    #[must_use]
    pub fn names_itself(&self, entry: &Entry) -> bool {
        self.matcher.exact(entry).is_some()
    }

    fn implied(&self, entry: &Entry) -> bool {
        self.implying(entry).is_some()
    }

    /// The pattern that excuses an entry, if one does.
    pub(crate) fn excuses(&self, entry: &Entry) -> Option<Entry> {
        self.matcher.excuse(entry)
    }

    /// The accepted entry that implies another.
    pub(crate) fn implying(&self, entry: &Entry) -> Option<Entry> {
        let Behaviour::File(file) = &entry.behaviour else {
            return None;
        };
        if file.operation != Operation::OpenWrite || !rule::classify(&entry.behaviour).learnable {
            return None;
        }
        let mut made = entry.clone();
        if let Behaviour::File(file) = &mut made.behaviour {
            file.operation = Operation::Create;
        }
        self.accepts(&made).then_some(made)
    }

    /// Whether a person refused it, or what stands for it: a pattern, or a program's line without a
    /// parent.
    #[must_use]
    pub fn is_refused(&self, entry: &Entry) -> bool {
        self.matcher.exact(entry) == Some(Exact::Refused) || self.matcher.refuses(entry)
    }

    /// Whether nothing that was decided takes a learned entry away.
    pub(crate) fn stands(&self, entry: &Entry) -> bool {
        match self.records.get(entry).map(|it| (it.verdict, it.revision)) {
            Some((Verdict::Approved, _)) => true,
            Some((Verdict::Pending, 0)) | None => !self.matcher.refuses(entry),
            Some((Verdict::Pending | Verdict::Refused, _)) => false,
        }
    }

    /// Learned entries that are approved, and have no record that says so.
    pub(crate) fn standing(&self) -> impl Iterator<Item = (Entry, Record)> {
        self.learned.records().filter(|(entry, _)| {
            let record = self.records.get(entry);
            record.is_none_or(|it| it.verdict != Verdict::Approved) && self.stands(entry)
        })
    }

    /// How many they are.
    pub(crate) fn standing_len(&self) -> usize {
        if self.matcher.has_refused() {
            return self.standing().count();
        }
        // Nothing but its own record takes one away.
        let waits = |it: &Record| it.verdict == Verdict::Pending && it.revision == 0;
        let records = self.records.iter().filter(|(_, record)| !waits(record));
        let decided = records.filter(|(entry, _)| self.learned.contains(entry));
        self.learned.len() - decided.count()
    }

    /// The names that a learned pattern replaced.
    #[must_use]
    pub fn names(&self, pattern: &Entry) -> Option<&Names> {
        self.learned.names(pattern)
    }

    /// The entry of a file change that was learned, as it is kept here: who keeps it too needs no
    /// room for it.
    #[must_use]
    pub fn packed(&self, entry: &Entry) -> Option<&Packed> {
        self.learned.packed(entry)
    }

    /// What is approved, with all that was seen of it: what was learned and then decided of has a
    /// record of the decision, and nodes that know nothing of that go on with the other.
    pub(crate) fn approved(&self) -> impl Iterator<Item = (Entry, Record)> {
        let decided = self.decided_for().map(|(entry, record)| {
            let learned = self.learned.record(entry);
            let all = learned.map_or(*record, |known| record.join(known));
            (entry.clone(), all)
        });
        decided.chain(self.standing())
    }

    /// Where a sighting is counted: by its own name, or with the pattern that excuses it, even if
    /// its name waited for a decision before there was one. `None` if nothing is known of it, or
    /// another entry implies it.
    pub(crate) fn place(&self, entry: &Entry) -> Option<Place> {
        let own = self.records.get(entry).map(|it| (it.verdict, it.revision));
        let here = || own.map(|_| Place::Record(entry.clone()));
        let is_decided = matches!(own, Some((Verdict::Approved | Verdict::Refused, _)));
        if is_decided || self.matcher.refuses(entry) {
            return here();
        }
        if own.is_none_or(|(_, revision)| revision == 0) && self.learned.contains(entry) {
            return Some(Place::Learned(entry.clone()));
        }
        if own.is_none_or(|(verdict, _)| verdict == Verdict::Pending)
            && let Some(line) = lineage::parentless(entry)
            && self.matcher.program(entry).is_some_and(Program::allows_any)
        {
            return Some(Place::Parentless(line));
        }
        match self.matcher.excuse(entry) {
            Some(pattern) if self.learned.contains(&pattern) => Some(Place::Learned(pattern)),
            Some(pattern) => Some(Place::Record(pattern)),
            None => here(),
        }
    }

    /// Changes the record in which a sighting is counted. Answers whether there is one.
    pub(crate) fn count_in(&mut self, entry: &Entry, change: impl FnOnce(&mut Record)) -> bool {
        let place = self.place(entry);
        place.is_some_and(|place| self.count_at(&place, entry, change))
    }

    /// The same, where it is counted being known.
    pub(crate) fn count_at(
        &mut self,
        place: &Place,
        entry: &Entry,
        change: impl FnOnce(&mut Record),
    ) -> bool {
        let room = self.room();
        match place {
            Place::Record(at) | Place::Parentless(at) => {
                let record = self.records.get_mut(at);
                record.map(change).is_some()
            }
            Place::Learned(at) => self.learned.see(at, entry, room, change),
        }
    }

    /// What is to be compiled of an entry.
    fn compiled(&self, entry: &Entry) -> Option<Exact> {
        let record = self.records.get(entry);
        match record.map(|it| (it.verdict, it.revision)) {
            // What nobody decided of by this name may be refused under any parent.
            Some((Verdict::Approved, 0)) if entry.behaviour.kind() == Kind::Exec => {
                Some(Exact::Learned)
            }
            Some((Verdict::Approved, _)) => Some(Exact::Approved),
            Some((Verdict::Refused, _)) => Some(Exact::Refused),
            Some((Verdict::Pending, 1..)) => None,
            Some((Verdict::Pending, 0)) | None => {
                self.learned.contains(entry).then_some(Exact::Learned)
            }
        }
    }

    /// Compiles what is known of one entry.
    pub(crate) fn note(&mut self, entry: &Entry) {
        let was = self.matcher.exact(entry);
        match self.compiled(entry) {
            // A pattern stands in more than one place.
            exact if was.is_some() && was != exact && is_pattern(entry) => self.compile(),
            Some(exact) => self.matcher.set(entry, exact),
            None => self.matcher.unset(entry),
        }
    }

    /// Compiles all anew, because something may have been taken away.
    pub(crate) fn compile(&mut self) {
        let mut matcher = self.matcher.emptied(self.len());
        for entry in self.records.keys() {
            if let Some(exact) = self.compiled(entry) {
                matcher.set(entry, exact);
            }
        }
        for entry in self.learned.entries() {
            if let Some(exact) = self.compiled(&entry) {
                matcher.set(&entry, exact);
            }
        }
        self.matcher = matcher;
    }

    /// Whether a learned entry that is a pattern was taken back, so that what falls under it is
    /// for people to decide.
    pub(crate) fn is_withheld(&self, name: &Entry) -> bool {
        let pattern = self.learned.pattern_of(name);
        pattern.is_some_and(|pattern| is_pattern(&pattern) && !self.stands(&pattern))
    }
}
