//! What was observed of the instances of a workload, in bounds, and mergeable.
//!
//! The estimate needs the number of samples and of incidences over all instances. A sum is no
//! join: it counts twice what is merged twice. But each instance runs on one node, whose agent is
//! the only one to count for it, and its counters only rise; so per instance the greater counter
//! is the later one, and sums are taken when they are asked for (the construction of a grow-only
//! counter: Shapiro et al., "A comprehensive study of convergent and commutative replicated data
//! types", 2011).
//!
//! Instances come and go without end, so the map keeps the [`INSTANCES_MAX`] with the smallest
//! ids, a bottom-k sketch as in [`super::sketch`]. Ids are hashes, so the kept instances are a
//! random sample. Beyond the bound, the number of all is estimated by `(k - 1) / x`, `x` being
//! the largest kept id as a fraction of all, and sums are scaled by it: a standard error of
//! `1 / sqrt(k - 2)`, 13 %, in the number of samples and incidences alone. One minus coverage is
//! wrong by no more than that: 0.9900 stands for 0.9885 to 0.9912. Below the bound all is exact.

use crate::behaviour::Kind;
use std::collections::BTreeMap;

/// Instances that are remembered.
pub const INSTANCES_MAX: usize = 64;
/// Classes of behaviour.
pub const CLASSES: usize = Kind::ALL.len();

/// What was observed of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// A hash of the node that it runs on.
    pub node: u32,
    /// Whether its start-up was seen whole, from its first program on.
    pub from_start: bool,
    /// When it was looked at first, in nanoseconds since the Unix epoch.
    pub first: i64,
    /// When last.
    pub last: i64,
    /// For how long it was looked at, in nanoseconds.
    pub watched: i64,
    /// Samples after the start-up.
    pub samples: u32,
    /// Hours of the day in which it was looked at, a bit each, in UTC.
    pub hours: u32,
    /// Incidences in the start-up, by class.
    pub startup: [u32; CLASSES],
    /// Incidences in later samples, by class.
    pub running: [u32; CLASSES],
}

impl Watched {
    /// The join of two of the same instance.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let greater =
            |a: &[u32; CLASSES], b: &[u32; CLASSES]| std::array::from_fn(|i| a[i].max(b[i]));
        Self {
            node: self.node.max(other.node),
            from_start: self.from_start || other.from_start,
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            watched: self.watched.max(other.watched),
            samples: self.samples.max(other.samples),
            hours: self.hours | other.hours,
            startup: greater(&self.startup, &other.startup),
            running: greater(&self.running, &other.running),
        }
    }

    /// For how long it was looked at after a time, in nanoseconds, at most.
    fn since(&self, after: i64) -> i64 {
        let span = self.last.saturating_sub(self.first.max(after));
        span.clamp(0, self.watched)
    }
}

/// What was observed of all instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// By the hash of the instance: those with the smallest.
    pub(crate) instances: BTreeMap<u32, Watched>,
    /// Until when something may have been lost, in nanoseconds since the Unix epoch.
    pub(crate) gap: Option<i64>,
    /// Whether three of these ran at one time. It follows from them alone: what was known of others
    /// that were forgotten since would depend on the order in which parts were joined.
    pub(crate) several: bool,
}

/// What stands for one of those that are remembered, where not all are.
fn times(value: u64, scale: f64) -> u64 {
    (value as f64 * scale).round() as u64
}

impl Observed {
    /// When something of it was last lost, in nanoseconds since the Unix epoch; `None` if never.
    #[must_use]
    pub const fn last_gap(&self) -> Option<i64> {
        self.gap
    }

    /// Whether nothing was observed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty() && self.gap.is_none()
    }

    /// What is remembered of an instance.
    #[must_use]
    pub fn of(&self, id: u32) -> Option<&Watched> {
        self.instances.get(&id)
    }

    /// Takes what was observed of an instance so far.
    pub fn take(&mut self, id: u32, watched: &Watched) {
        self.put(id, watched);
        self.settle();
    }

    fn put(&mut self, id: u32, watched: &Watched) {
        let joined = (self.of(id)).map_or(*watched, |known| known.join(watched));
        self.instances.insert(id, joined);
    }

    /// Keeps the bound, and tells anew what follows.
    fn settle(&mut self) {
        while self.instances.len() > INSTANCES_MAX {
            self.instances.pop_last();
        }
        self.several = self.instances.keys().any(|id| self.is_third(*id));
    }

    /// Whether three of the remembered instances ran at one time.
    #[must_use]
    pub const fn several(&self) -> bool {
        self.several
    }

    /// Takes all that another knows.
    pub fn join(&mut self, other: &Self) {
        for (id, watched) in &other.instances {
            self.put(*id, watched);
        }
        self.gap = self.gap.max(other.gap);
        self.settle();
    }

    /// Number of instances; beyond [`INSTANCES_MAX`] an estimate.
    #[must_use]
    pub fn count(&self) -> u64 {
        times(self.instances.len() as u64, self.scale())
    }

    fn scale(&self) -> f64 {
        match self.instances.last_key_value() {
            Some((largest, _)) if self.instances.len() == INSTANCES_MAX => {
                let share = (f64::from(*largest) + 1.0) / (f64::from(u32::MAX) + 1.0);
                let all = (INSTANCES_MAX as f64 - 1.0) / share;
                (all / INSTANCES_MAX as f64).max(1.0)
            }
            _ => 1.0,
        }
    }

    /// Remembered instances whose hash is no larger.
    pub(crate) fn up_to(&self, largest: u32) -> usize {
        self.instances.range(..=largest).count()
    }

    /// Sums over all instances.
    fn sum(&self, of: impl Fn(&Watched) -> u64) -> u64 {
        times(self.instances.values().map(of).sum(), self.scale())
    }

    /// Instances whose start-up was seen whole, from their first program on: the samples of the start-up.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.sum(|one| one.from_start.into())
    }

    /// Those of them that were not the first instance of all: restarts and further ones.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        let first = self.instances.values().min_by_key(|one| one.first);
        let first = first.is_some_and(|one| one.from_start);
        self.starts().saturating_sub(first.into())
    }

    /// Samples after the start-up.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.sum(|one| one.samples.into())
    }

    /// Incidences of a class, in start-ups or after them.
    #[must_use]
    pub fn incidences(&self, kind: Kind, startup: bool) -> u64 {
        self.sum(|one| match startup {
            true => one.startup[kind as usize].into(),
            false => one.running[kind as usize].into(),
        })
    }

    /// For how long all instances together were looked at, in nanoseconds.
    #[must_use]
    pub fn sum_watched(&self) -> u64 {
        self.sum(|one| one.watched.unsigned_abs())
    }

    /// Distinct nodes among the remembered instances.
    #[must_use]
    pub fn nodes(&self) -> usize {
        let nodes: std::collections::BTreeSet<u32> =
            self.instances.values().map(|one| one.node).collect();
        nodes.len()
    }

    /// Hours of the day, UTC, in which some instance was looked at, a bit each.
    #[must_use]
    pub fn hours(&self) -> u32 {
        (self.instances.values()).fold(0, |hours, one| hours | one.hours)
    }

    /// From the first look, or a later time, to the last look, in nanoseconds.
    #[must_use]
    pub(crate) fn span_after(&self, after: i64) -> i64 {
        let first = self.instances.values().map(|one| one.first).min();
        let last = self.instances.values().map(|one| one.last).max();
        match (first, last) {
            (Some(first), Some(last)) => last.saturating_sub(first.max(after)).max(0),
            _ => 0,
        }
    }

    /// For how long some instance was looked at after a time, in nanoseconds: neither longer than
    /// it is ago, nor than all instances together were looked at. So ten instances are no reason
    /// to wait for a tenth of the time, and a job that runs for a minute a night was not observed
    /// for days.
    #[must_use]
    pub fn since(&self, after: Option<i64>) -> i64 {
        let after = after.unwrap_or(i64::MIN);
        let together: i128 = (self.instances.values())
            .map(|one| i128::from(one.since(after)))
            .sum();
        let together = (together as f64 * self.scale()) as i64;
        self.span_after(after).min(together)
    }
}
