//! When is learning over? Evidence, and what follows from it.
//!
//! Nearly every system ends learning by a clock, so profiles are cut short or never done. Here
//! a profile is learned when what was sampled says that little is left to see:
//!
//! ```text
//! lapwing profile show shop
//!   shop  Learning
//!   egress: coverage 0.93 of 0.99, 3 of 41 seen at one time only; needs about 15 more samples without news
//!   quiet for 6 min of 15 min since the last news, of the class file; needs 2 more quiet samples
//!   seen from its first program once; needs a restart or another instance
//! ```
//!
//! The way of a sighting through this module:
//!
//! - [`window`]: of which sample is it? A sample is one slot (five minutes) of one instance. The
//!   first slot of an instance is the *start-up*, a stratum of its own that is sampled by
//!   instance: what happens once in a life would otherwise be a singleton for days.
//! - [`sketch`] and [`observed`]: what is kept. Each entry keeps just enough to say whether it
//!   was in one sample, in two, or in more, and in about how many instances; the profile keeps
//!   counters per instance. All of it is bounded and a join semilattice, so that replicas and
//!   nodes merge in any order, any number of times.
//! - `replicas`: which instances are two, and not one that was started again.
//! - [`coverage`]: the estimate of Chao and Jost, per class of behaviour and stratum.
//! - [`conditions`]: what must hold, each unmet one as a sentence with its number.
//!
//! Nothing here knows a clock. Time is counted while somebody looks, from one call of
//! [`Window::advance`] to the next: hours in which nothing ran, or nobody looked, are not quiet.
//!
//! A pattern of files (see [`crate::generalise`]) is one behaviour, seen wherever one of its
//! names was. Names that were counted in a sample before they became a pattern stay counted in
//! it: the number of incidences is too high by them until more samples outweigh them.
//!
//! Not counted: what entered from outside, which never teaches; and what waits for a decision
//! or was refused, which is reported at once and must not hold up the rest.

pub mod conditions;
pub mod coverage;
pub mod observed;
pub mod packed;
mod provisional;
mod replicas;
pub mod settings;
pub mod sketch;
pub(crate) mod text;
pub mod window;

use crate::entry::keyed::Keyed;
use crate::entry::{Entry, Phase};
use crate::place::{Change, Found};
use crate::profile::Profile;
use observed::Observed;
use sketch::Bottom;
use window::Window;

/// Instances that an entry remembers: up to so many they are counted exactly.
pub const INSTANCES_KEPT: usize = 8;
/// Samples that an entry remembers: enough to tell one and two from more.
pub const SAMPLES_KEPT: usize = 3;

/// Where an entry was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// In which instances.
    pub instances: Bottom<INSTANCES_KEPT>,
    /// In the start-up of which instances.
    pub starts: Bottom<SAMPLES_KEPT>,
    /// In which later samples.
    pub samples: Bottom<SAMPLES_KEPT>,
}

impl Evidence {
    /// The join of two.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        self.instances.join(&other.instances);
        self.starts.join(&other.starts);
        self.samples.join(&other.samples);
        self
    }
}

/// In how many instances an entry was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// Instances that showed it.
    pub shown: u64,
    /// Instances that were observed.
    pub of: u64,
}

impl Spread {
    /// Whether most instances did not show it.
    #[must_use]
    pub const fn is_minority(self) -> bool {
        self.shown > 0 && 2 * self.shown < self.of
    }
}

impl Profile {
    /// What was observed of the instances.
    #[must_use]
    pub const fn observed(&self) -> &Observed {
        &self.observed
    }

    /// An instance did something at `boot`, in nanoseconds since boot. Repeats within one sample
    /// are one incidence. What a pattern excuses, or another entry implies, is one of that; of what
    /// the profile has no record at all nothing is counted.
    pub fn witness(&mut self, window: &mut Window, entry: &Entry, boot: u64) {
        let keyed = Keyed::of(entry);
        let found = self.find(&keyed);
        self.witness_found(window, (&keyed, &found), boot);
    }

    /// The same of an entry that was looked up.
    pub fn witness_found(
        &mut self,
        window: &mut Window,
        (keyed, found): (&Keyed<'_>, &Found),
        boot: u64,
    ) {
        let entry = keyed.entry();
        if !entry.phase.is_learned() {
            return;
        }
        // A probe is no sample of what the workload does, nor is a hook its start.
        let is_sampled = entry.phase == Phase::Main;
        if let Some(place) = &found.place {
            let incidence = match found.is_accepted() && is_sampled {
                true => window.incidence(place.hash(keyed), entry.behaviour.kind(), boot),
                false => None,
            };
            let change = Change::Witnessed(window.id(), incidence, None);
            self.count_at(keyed, place, change);
        } else if let Some((made, Some(place))) = &found.implying {
            let made = Keyed::of(made);
            let kind = entry.behaviour.kind();
            let incidence = window.incidence(place.hash(&made), kind, boot);
            let last = window.watched().last;
            let change = Change::Witnessed(window.id(), incidence, Some(last));
            self.count_at(&made, place, change);
        }
    }

    /// Takes in what a window counted so far.
    pub fn attend(&mut self, window: &Window) {
        self.observed.take(window.id(), window.watched());
    }

    /// Something that an instance did may have been lost until `at`, in nanoseconds since the
    /// Unix epoch. That heals when enough was observed since.
    pub fn gap(&mut self, at: i64) {
        self.observed.gap = self.observed.gap.max(Some(at));
    }

    /// In how many instances an entry was seen; `None` where nobody counted.
    ///
    /// Where several ran at one time, those that showed it and of which no two did count as one, beside
    /// those that ran with it: see [`replicas`].
    ///
    /// Exact up to [`INSTANCES_KEPT`]. Beyond, the kept ids are those with the smallest hashes, as
    /// are those of all instances, so among the instances below the largest kept one the share of
    /// those that showed it is known.
    #[must_use]
    pub fn spread(&self, entry: &Entry) -> Option<Spread> {
        let shown = self.record(entry)?.evidence.evidence().instances;
        let (largest, of) = (shown.largest()?, self.observed.count());
        if let Some(of) = self.observed.one_replica(shown.ids()) {
            return Some(Spread { shown: 1, of });
        }
        if !shown.is_full() {
            let shown = shown.len() as u64;
            return Some(Spread {
                shown,
                of: of.max(shown),
            });
        }
        let below = self.observed.up_to(largest).max(shown.len());
        let share = shown.len() as f64 / below as f64;
        let shown = (share * of as f64).round() as u64;
        Some(Spread { shown, of })
    }
}
