//! Which instances surely are different replicas.
//!
//! A container that is started again is another instance, by another id; most runtimes keep no name
//! for the replica that it is (a pod of a Deployment and a container of `docker run` have made-up
//! names, another each time). So names are not asked. What tells replicas apart everywhere is time:
//! one container of a replica ends before the next begins, so *two instances that ran at one time are
//! two replicas*. Those that did not may be one that was started again.
//!
//! Where three or more instances were seen to run at one time, that is what counts as distinct: an
//! entry that several instances showed, of which no two ran at one time, was shown by one replica as
//! far as anybody knows, and its restarts confirm nothing ([`super::Profile::spread`]). An intruder
//! who survives restarts in a volume so teaches nobody else by these. The price: in such a workload, what is
//! seen now and then by one instance of each generation alone stays provisional until a person
//! approves of it.
//!
//! Where no three ever ran at one time (a service of one replica, or of two), there are no several
//! replicas whose majority could bear witness, and instances count as they come, restarts included.
//!
//! Nor is that a proof. A rolling update starts the next instance of a replica before it ends the one
//! before, and both run at one time: an intruder in a volume that they share confirms itself by each
//! rollout. Nothing that is told here (ids, times, nodes) sets such two apart from two that stay.
//!
//! Times of one node are of one clock; those of two may differ by [`SKEW`], so instances of two nodes
//! have to have run together for longer than that. Beyond [`super::observed::INSTANCES_MAX`] instances
//! some are forgotten: of one that is, nobody knows when it ran, and it counts as another. An entry
//! remembers the [`super::INSTANCES_KEPT`] instances with the smallest ids that showed it. When these are
//! full, those with greater ids may have shown it too and are no witnesses against it: a replica that
//! starts more often than that may find none left, and its entry counts as before.

use super::observed::{Observed, Watched};

/// Clocks of nodes may differ by so much, in nanoseconds.
const SKEW: i64 = 60_000_000_000;

impl Watched {
    /// Whether both ran at one time.
    fn meets(&self, other: &Self) -> bool {
        let skew = if self.node == other.node { 0 } else { SKEW };
        let from = self.first.max(other.first).saturating_add(skew);
        from <= self.last.min(other.last)
    }
}

impl Observed {
    /// Those that ran at one time with another.
    fn beside(&self, id: u32) -> impl Iterator<Item = u32> {
        let one = self.of(id);
        let others = self
            .instances
            .iter()
            .filter(move |(other, _)| **other != id);
        let beside = others.filter(move |(_, other)| one.is_some_and(|one| other.meets(one)));
        beside.map(|(other, _)| *other)
    }

    /// Whether one ran at one time with two others, which did so too.
    pub(super) fn is_third(&self, id: u32) -> bool {
        let beside: Vec<u32> = self.beside(id).collect();
        let mut each = beside.iter();
        each.any(|two| self.beside(*two).any(|three| beside.contains(&three)))
    }

    /// Of some instances, of which no two ran at one time although several did: how many ran at one
    /// time with one of them, itself included. `None` where some surely are two replicas, or no
    /// several were seen. The ids ascend.
    pub(super) fn one_replica(&self, ids: &[u32]) -> Option<u64> {
        if !self.several || ids.len() < 2 {
            return None;
        }
        let mut known: [Option<&Watched>; super::INSTANCES_KEPT] = Default::default();
        for (at, id) in ids.iter().enumerate() {
            let watched = self.of(*id)?;
            if known.iter().flatten().any(|other| other.meets(watched)) {
                return None;
            }
            known[at] = Some(watched);
        }
        // Of a full sketch it is known up to its largest id which instances did not show it; those
        // beyond may have.
        let last = match ids.len() {
            super::INSTANCES_KEPT => ids.last().copied()?,
            _ => u32::MAX,
        };
        let beside = |id: &u32| self.beside(*id).filter(|other| *other <= last).count();
        let together = |id: &u32| 1 + beside(id) as u64;
        // Beside one other only it is half of them, and instances count as they come.
        ids.iter().map(together).max().filter(|of| *of > 2)
    }
}
