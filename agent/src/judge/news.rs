//! Which profiles changed since when, for those who follow what this node learns
//! ([`crate::api::learned`]).
//!
//! A change is numbered when the profile is handed over for storing: with news at once, with counts
//! and samples alone once a minute. So who follows is told of what is, or is about to be, on disk, and
//! following costs the records that are judged nothing. Numbers are of one run of the agent.

use super::Judge;
use super::keep::Kept;
use super::report;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1;

/// When a profile changed, in numbers of [`Turns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// When it changed last; 0 where it did not since the agent started.
    pub changed: u64,
    /// When something in it was new last: an entry, a decision, a version.
    pub news: u64,
}

impl Told {
    /// Not since the agent started.
    pub(super) const NEVER: Self = Self {
        changed: 0,
        news: 0,
    };
}

/// Numbers changes.
#[derive(Debug)]
pub(super) struct Turns(u64);

impl Default for Turns {
    fn default() -> Self {
        // What was taken up from disk has 0, and is before all.
        Self(1)
    }
}

impl Turns {
    pub(super) const fn note(&mut self, told: &mut Told, is_news: bool) {
        told.changed = self.0;
        if is_news {
            told.news = self.0;
        }
        self.0 += 1;
    }
}

/// A profile, and when it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub workload: Workload,
    /// When.
    pub told: Told,
}

impl Judge {
    /// Profiles that changed after this number, in no order; all if there is none.
    #[must_use]
    pub fn changes(&self, after: Option<u64>) -> Vec<Change> {
        let all = self.keeper.profiles.values();
        let changed = all.filter(|kept| Some(kept.told.changed) > after);
        let change = |kept: &Kept| Change {
            workload: kept.profile.workload.clone(),
            told: kept.told,
        };
        changed.map(change).collect()
    }

    /// One of them, of which so many instances run, as other nodes can merge it.
    #[must_use]
    pub fn learned(&self, workload: &Workload, instances: u32) -> Option<v1::LearnedProfile> {
        let kept = self.keeper.profiles.get(workload)?;
        Some(v1::LearnedProfile {
            name: workload.to_string(),
            workload: Some(report::workload(workload)),
            yaml: kept.profile.to_yaml(),
            instances,
        })
    }
}
