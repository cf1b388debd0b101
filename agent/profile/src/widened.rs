//! Growth of what patterns leave open, on record.
//!
//! A pattern accepts names that nobody saw, so each new one makes a profile wider than what it was
//! seen to do. Two make them: the machine while a profile learns or is in review, and people, who may
//! approve of any, in monitoring too. Either is remembered here, with its time.
//!
//! It is no violation. Nothing was done that is not approved of, and a sensor that makes a pattern
//! works as it should; patterns come in the first minutes of most workloads, and what comes always is
//! muted. It is an event in the agent's log, with the pattern and why it came, or the breadth before and after a
//! decision; and it stands in
//! `status.widened` and so in `lapwing profile show`, where whoever is to promote the profile looks;
//! `lapwing profile diff` tells the sum of two profiles. What a merge of nodes makes of both sides has
//! no time of its own, and is seen there.
//!
//! The latest [`WIDENED_MAX`] are kept, which are maxima of a total order, so profiles join in any order.

use crate::behaviour::{Behaviour, FileChange};
use crate::entry::Entry;
use crate::entry::line::FileLine;
use crate::file::{nanoseconds, time};
use crate::generalise::breadth;
use crate::profile::{Profile, Verdict};
use crate::yaml::Flow;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Times of growth that are remembered.
pub const WIDENED_MAX: usize = 16;
/// Bytes of a pattern that is remembered, with its target: as many as two paths of the kernel's
/// `PATH_MAX` have, each byte escaped. What learning makes is never longer; of what a person writes
/// the growth in breadth is in the log, however long it is.
const PATTERN_MAX: usize = 2 * 4 * 4_096;
/// Nodes of all of it: a mapping of two pairs each, of which one is a mapping of six.
pub(crate) const NODES: usize = 2 + WIDENED_MAX * (5 + 13);

/// A pattern that was not there before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Widened {
    /// When, in nanoseconds since the Unix epoch.
    pub at: i64,
    /// The pattern.
    pub entry: Entry,
}

/// The latest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Widenings(BTreeSet<Widened>);

impl Widenings {
    fn take(&mut self, one: Widened) {
        self.0.insert(one);
        if self.0.len() > WIDENED_MAX {
            self.0.pop_first();
        }
    }

    pub(crate) fn join(&mut self, other: &Self) {
        other.0.iter().for_each(|one| self.take(one.clone()));
    }

    /// The lines of it.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|one| {
            let mut map = Flow::default();
            map.text("at", &time(one.at));
            map.nested("file", &one.entry.fields());
            map.finish()
        })
    }
}

/// One line.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct WidenedLine {
    at: jiff::Timestamp,
    file: FileLine,
}

impl WidenedLine {
    /// Takes it up. Says what is wrong with it.
    pub(crate) fn read(self, into: &mut Widenings) -> Result<(), String> {
        let one = Widened {
            at: nanoseconds(self.at),
            entry: Entry::try_from(self.file)?,
        };
        if breadth(&one.entry) == 0 {
            return Err(format!("{} is no pattern", one.entry));
        }
        if into.0.len() == WIDENED_MAX {
            return Err(format!("at most {WIDENED_MAX} are kept"));
        }
        into.take(one);
        Ok(())
    }
}

fn is_short(entry: &Entry) -> bool {
    match &entry.behaviour {
        Behaviour::File(FileChange { path, target, .. }) => {
            path.len() + target.as_ref().map_or(0, String::len) <= PATTERN_MAX
        }
        _ => false,
    }
}

impl Profile {
    /// How much the approved patterns leave open, all together.
    #[must_use]
    pub fn breadth(&self) -> u32 {
        let decided = self.decided_for().map(|(entry, _)| breadth(entry));
        let learned = self.standing().map(|(entry, _)| breadth(&entry));
        decided.chain(learned).sum()
    }

    /// When patterns were added, the latest last.
    pub fn widened(&self) -> impl DoubleEndedIterator<Item = &Widened> + ExactSizeIterator {
        self.widenings.0.iter()
    }

    /// A pattern is approved from now on.
    pub(crate) fn widen(&mut self, entry: &Entry, at: i64) {
        if breadth(entry) > 0 && is_short(entry) {
            let entry = entry.clone();
            self.widenings.take(Widened { at, entry });
        }
    }

    /// Those of the approved patterns of another profile that this one does not approve of.
    pub(crate) fn wider(&self, other: &Self) -> Vec<Entry> {
        let approved = other.entries(Verdict::Approved).into_keys();
        let patterns = approved.filter(|entry| breadth(entry) > 0);
        patterns.filter(|entry| !self.accepts(entry)).collect()
    }
}
