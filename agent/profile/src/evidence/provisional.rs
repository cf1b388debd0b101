//! What one instance alone taught, and whether that excuses others.
//!
//! One poisoned replica must not teach the rest. Where several instances were observed, an entry
//! that a minority of them showed is *provisional*: it is listed for review. Such as several
//! showed are excused all the same, for much that is right is rare; but what *one* instance alone
//! showed is excused in that one only. Once the profile is compared with, any other that does it
//! is reported, at the severity of its rule, until a person approves of the entry. While learning,
//! a second instance that does it confirms it, unless it may be the same replica that was started
//! again: see [`super::replicas`].
//!
//! Two instances are no "several": where one of two does something, half of them do. Nor is
//! anybody else's witness needed for what a person approved, wrote down or imported.

use super::{Profile, Spread};
use crate::entry::Entry;
use crate::entry::keyed::Keyed;
use crate::learn::{Deviation, may_have_grace};
use crate::place::Found;
use crate::profile::{Mode, Verdict};
use crate::rule;

impl Profile {
    /// Whether an entry was learned from a minority of the instances, so that a person should look
    /// at it. What a person approved is not.
    #[must_use]
    pub fn is_provisional(&self, entry: &Entry) -> bool {
        let learned = self
            .record(entry)
            .is_some_and(|record| record.verdict == Verdict::Approved && record.revision == 0);
        learned && self.spread(entry).is_some_and(Spread::is_minority)
    }

    /// Whether an entry is provisional and only one instance showed it, so that it excuses no other.
    #[must_use]
    pub fn is_lone(&self, entry: &Entry) -> bool {
        let one = |spread: Spread| spread.shown == 1;
        self.is_provisional(entry) && self.spread(entry).is_some_and(one)
    }

    /// How many entries are provisional.
    #[must_use]
    pub fn provisional_len(&self) -> usize {
        let lone = Spread {
            shown: 1,
            of: self.observed.count(),
        };
        match lone.is_minority() {
            true => {
                let approved = self.entries(Verdict::Approved).into_keys();
                approved.filter(|entry| self.is_provisional(entry)).count()
            }
            false => 0,
        }
    }

    /// The entries that stand for an accepted one, if each was shown by one instance only.
    pub(crate) fn lone(&self, entry: &Entry) -> Vec<Entry> {
        let lone = Spread {
            shown: 1,
            of: self.observed.count(),
        };
        // Nearly always, so nothing is looked up.
        if !lone.is_minority() {
            return Vec::new();
        }
        let keyed = Keyed::of(entry);
        let Found {
            place, implying, ..
        } = self.find(&keyed);
        let counted = match (place, implying) {
            (Some(place), _) => Some((entry.clone(), place)),
            (None, Some((made, Some(place)))) => Some((made, place)),
            (None, _) => None,
        };
        let line = counted.map(|(entry, place)| place.other().unwrap_or(entry));
        match line {
            Some(line) if self.is_lone(&line) => vec![line],
            Some(_) => Vec::new(),
            // It passes because the program is known under some parent.
            None => {
                let lines: Vec<&Entry> = self.same_program(entry).collect();
                match lines.iter().all(|line| self.is_lone(line)) {
                    true => lines.into_iter().cloned().collect(),
                    false => Vec::new(),
                }
            }
        }
    }

    /// Why something that the profile accepts is reported all the same: it is compared with, and
    /// only another instance showed it. `instance` is asked where it matters.
    #[must_use]
    pub fn provisional(&self, entry: &Entry, instance: impl Fn() -> u32) -> Option<Deviation> {
        if self.mode != Mode::Monitoring {
            return None;
        }
        let is_anothers = |line: &Entry| {
            self.record(line).is_some_and(|record| {
                // One, or one that was started again.
                let shown = record.evidence.evidence().instances;
                !shown.ids().contains(&instance())
            })
        };
        let lines = self.lone(entry);
        if lines.is_empty() || !lines.iter().all(is_anothers) {
            return None;
        }
        let class = rule::classify(&entry.behaviour);
        Some(Deviation {
            rule: class.rule,
            severity: class.severity,
            attack: class.attack,
            pending: false,
            has_grace: may_have_grace(entry, class),
        })
    }
}
