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
//! those lines what a pattern is to names: see [`crate::lineage`]. So is a range of addresses to those
//! in it; only people write one, because who is beside a known peer in a cloud is somebody else. What
//! it excuses is less than what is in it: see [`crate::address`].
//!
//! What was learned and then taken back by a decision (an import that does not approve of
//! it) stands in the record of decisions as pending, with their revision, and counts for
//! nothing here until it is approved. If it is a pattern, what falls under it is not learned
//! anew either: it is for people, name by name.

use crate::behaviour::{Behaviour, Peer};
use crate::entry::Entry;
use crate::entry::keyed::Keyed;
use crate::entry::packed::Packed;
use crate::generalise::{Names, by_any_id, is_pattern, is_wide};
use crate::matcher::{Exact, Matcher};
use crate::place::made;
use crate::profile::{Profile, Record, Verdict};
use std::collections::BTreeMap;

/// Whether a refusal of something wider may take away what was learned.
pub(crate) fn may_be_overruled(entry: &Entry) -> bool {
    match &entry.behaviour {
        Behaviour::Exec(_) => true,
        Behaviour::Egress(egress) => matches!(egress.peer, Peer::Address(_)),
        Behaviour::File(_) | Behaviour::Listen(_) | Behaviour::Dns(_) | Behaviour::Privilege(_) => {
            false
        }
    }
}

impl Profile {
    /// Whether it approves of an entry.
    #[must_use]
    pub fn accepts(&self, entry: &Entry) -> bool {
        let exact = self.matcher.exact(&Keyed::of(entry));
        match exact {
            Some(Exact::Approved) => return true,
            Some(Exact::Refused) => return false,
            Some(Exact::Learned) | None => {}
        }
        !self.matcher.refuses(entry)
            && (exact.is_some()
                || self.matcher.excuse(entry).is_some()
                || self.matcher.excusing_range(entry).is_some()
                || self.knows_parent(entry)
                || self.implied(entry))
    }

    fn implied(&self, entry: &Entry) -> bool {
        made(entry).is_some_and(|made| self.accepts(&made))
    }

    /// The pattern, or the range of addresses, that excuses an entry, if one does.
    pub(crate) fn excuses(&self, entry: &Entry) -> Option<Entry> {
        let pattern = self.matcher.excuse(entry).map(Packed::entry);
        pattern.or_else(|| self.matcher.excusing_range(entry))
    }

    /// Whether a person refused it, or what stands for it: a pattern, or a program's line without a
    /// parent.
    #[must_use]
    pub fn is_refused(&self, entry: &Entry) -> bool {
        self.matcher.exact(&Keyed::of(entry)) == Some(Exact::Refused) || self.matcher.refuses(entry)
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

    /// What is approved, with all that was seen of it: what was learned and then decided of has a
    /// record of the decision, and nodes that know nothing of that go on with the other.
    pub(crate) fn approved(&self) -> impl Iterator<Item = (Entry, Record)> {
        let decided = self.decided_for().map(|(entry, record)| {
            let learned = self.learned.record(entry);
            let all = learned.map_or_else(|| record.clone(), |known| record.clone().join(known));
            (entry.clone(), all)
        });
        decided.chain(self.standing())
    }

    /// Everything that was seen, whatever was decided of it, by its own name.
    pub(crate) fn all_seen(&self) -> impl Iterator<Item = (Entry, Record)> {
        let learned = self.learned.records().map(|(entry, record)| {
            let own = self.records.get(&entry).cloned().unwrap_or_default();
            (entry, own.join(record))
        });
        let others = self.records.iter();
        let others = others.filter(|(entry, _)| !self.learned.contains(entry));
        let others = others.map(|(entry, record)| (entry.clone(), record.clone()));
        let all: BTreeMap<_, _> = learned.chain(others).collect();
        all.into_iter().filter(|(_, record)| record.first.is_some())
    }

    /// What is to be compiled of an entry.
    fn compiled(&self, entry: &Entry) -> Option<Exact> {
        let record = self.records.get(entry);
        match record.map(|it| (it.verdict, it.revision)) {
            // What nobody decided of by this name may be refused under any parent, or with its range.
            Some((Verdict::Approved, 0)) if may_be_overruled(entry) => Some(Exact::Learned),
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
        let keyed = Keyed::of(entry);
        let was = self.matcher.exact(&keyed);
        match self.compiled(entry) {
            // A pattern stands in more than one place.
            exact if was.is_some() && was != exact && is_wide(entry) => self.compile(),
            Some(exact) => self.matcher.set(&keyed, exact),
            None => self.matcher.unset(&keyed),
        }
    }

    /// Compiles all anew, because something may have been taken away.
    pub(crate) fn compile(&mut self) {
        let mut matcher = Matcher::sized(self.len());
        for entry in self.records.keys() {
            if let Some(exact) = self.compiled(entry) {
                matcher.set(&Keyed::of(entry), exact);
            }
        }
        for entry in self.learned.entries() {
            if let Some(exact) = self.compiled(&entry) {
                matcher.set(&Keyed::of(&entry), exact);
            }
        }
        self.matcher = matcher;
    }

    /// Whether a learned entry that is a pattern was taken back, so that what falls under it is
    /// for people to decide.
    pub(crate) fn is_withheld(&self, name: &Entry) -> bool {
        let taken_back = |pattern: &Entry| is_pattern(pattern) && !self.stands(pattern);
        // A pattern by the id of a process is of no class, by which the first would find it.
        self.learned
            .pattern_of(name)
            .is_some_and(|it| taken_back(&it))
            || by_any_id(name).any(|it| self.learned.contains(&it) && taken_back(&it))
    }
}
