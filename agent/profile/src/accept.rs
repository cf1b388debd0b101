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
use crate::generalise::{Learned, Names, is_pattern};
use crate::lineage;
use crate::matcher::{Exact, Matcher, Program};
use crate::profile::{Profile, Record, Verdict};
use crate::rule;
use std::collections::BTreeMap;

/// Where a sighting is counted.
#[derive(Clone, Debug)]
pub(crate) enum Place<'a> {
    /// In the record of this entry.
    Record(&'a Entry),
    /// In the record of this entry, which is the line without `parent` of a program.
    Parentless(Box<Entry>),
    /// In what was learned under this name or pattern.
    Learned(&'a Entry),
}

impl<'a> Place<'a> {
    /// By its own name, or with the pattern that excuses it, even if its name waited for a
    /// decision before there was one. `None` if nothing is known of it, or another entry implies
    /// it.
    fn find(
        records: &BTreeMap<Entry, Record>,
        learned: &Learned,
        matcher: &'a Matcher,
        entry: &'a Entry,
    ) -> Option<Self> {
        let own = records.get(entry).map(|it| (it.verdict, it.revision));
        let here = own.map(|_| Self::Record(entry));
        let is_decided = matches!(own, Some((Verdict::Approved | Verdict::Refused, _)));
        if is_decided || matcher.refuses(entry) {
            return here;
        }
        if own.is_none_or(|(_, revision)| revision == 0) && learned.get(entry).is_some() {
            return Some(Self::Learned(entry));
        }
        if own.is_none_or(|(verdict, _)| verdict == Verdict::Pending)
            && let Some(line) = lineage::parentless(entry)
            && matcher.program(entry).is_some_and(Program::allows_any)
        {
            return Some(Self::Parentless(Box::new(line)));
        }
        match matcher.excuse(entry) {
            Some(pattern) if learned.get(pattern).is_some() => Some(Self::Learned(pattern)),
            Some(pattern) => Some(Self::Record(pattern)),
            None => here,
        }
    }

    /// The entry there.
    pub(crate) fn entry(&self) -> &Entry {
        match self {
            Self::Record(entry) | Self::Learned(entry) => entry,
            Self::Parentless(entry) => entry,
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
                || self.matcher.excuse(entry).is_some()
                || self.knows_parent(entry)
                || self.implied(entry))
    }

    fn implied(&self, entry: &Entry) -> bool {
        self.implying(entry).is_some()
    }

    /// The pattern that excuses an entry, if one does.
    pub(crate) fn excuses(&self, entry: &Entry) -> Option<&Entry> {
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
    pub(crate) fn standing(&self) -> impl Iterator<Item = (&Entry, &Record)> {
        self.learned
            .iter()
            .filter(|(entry, _)| {
                let record = self.records.get(entry);
                record.is_none_or(|it| it.verdict != Verdict::Approved) && self.stands(entry)
            })
            .map(|(entry, known)| (entry, &known.record))
    }

    /// The names that a learned pattern replaced.
    #[must_use]
    pub fn names(&self, pattern: &Entry) -> Option<&Names> {
        self.learned.get(pattern)?.names.as_ref()
    }

    /// What is approved, with all that was seen of it: what was learned and then decided of has a
    /// record of the decision, and nodes that know nothing of that go on with the other.
    pub(crate) fn approved(&self) -> impl Iterator<Item = (&Entry, Record)> {
        let decided = self.decided_for().map(|(entry, record)| {
            let learned = self.learned.get(entry);
            let all = learned.map_or(*record, |known| record.join(known.record));
            (entry, all)
        });
        decided.chain(self.standing().map(|(entry, record)| (entry, *record)))
    }

    /// Where a sighting is counted.
    pub(crate) fn place<'a>(&'a self, entry: &'a Entry) -> Option<Place<'a>> {
        Place::find(&self.records, &self.learned, &self.matcher, entry)
    }

    /// The record to count a sighting in.
    pub(crate) fn counted(&mut self, entry: &Entry) -> Option<&mut Record> {
        let place = Place::find(&self.records, &self.learned, &self.matcher, entry)?;
        let room = self.room();
        match place {
            Place::Record(at) => self.records.get_mut(at),
            Place::Parentless(at) => self.records.get_mut(&*at),
            Place::Learned(at) => self.learned.see(at, entry, room),
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
            Some((Verdict::Pending, 0)) | None => self.learned.get(entry).map(|_| Exact::Learned),
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
        let learned = self.learned.iter().map(|(entry, _)| entry);
        for entry in self.records.keys().chain(learned) {
            if let Some(exact) = self.compiled(entry) {
                matcher.set(entry, exact);
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
