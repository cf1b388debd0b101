//! What the nodes of a cluster learned of one workload, brought together.
//!
//! Each node reports its profile whole, as its own file has it. What is taken from it are [sightings](report)
//! alone: what was seen, when, in which samples and instances. Decisions that somebody took on a node are
//! that node's; in a cluster people decide of an object. So no stamp of a node, however far in the future,
//! stands above anything.
//!
//! The rest is [`crate::merge`]: reports join in any order, any number of times, from nodes that come and
//! go, and from what is [kept](stored) of those that are gone. Who brings them together needs no memory of
//! what came from whom, and one that starts anew and is told all once more comes to the same.
//!
//! # A node that lies
//!
//! A node that is taken over reports what it likes. It cannot make anybody *approve* of what nobody should
//! learn, because the class of each entry is judged anew here. What it alone shows of a workload that another
//! node tells of too is not confirmed ([`Terms::quorum`]) and [waits for a person](Collected::judge). For that
//! the ids of instances are bound to the node that reported them, and one node has [`IDS`] of them at most:
//! it can neither speak for others nor crowd them out of the bounded sketches. Of the [versions](versions) of the
//! image that it tells of neither numbers nor times count.
//!
//! What it can do: have learnable lines confirmed of a workload of which no other node tells, until one does;
//! of two nodes keep those of the other from being confirmed; make the figures of evidence look better than they
//! are, or worse, so that learning ends sooner or never; have people look at made-up lines that wait; refuse single
//! lines, which are then reported where they would have passed; and make the pattern of a form of names that other
//! nodes showed, as a pattern is shown by each node that showed one of its names. Of versions of the image it can
//! have made-up ones count where no other node tells of the workload; have one that others tell of count as
//! learned from, which leaves it no grace; with three others that lie push out versions that one node alone tells
//! of, until that node tells of them again; and have it not be known of a line in which versions it was seen.

mod judge;
pub mod object;
mod report;
mod stored;
mod versions;

pub use judge::{Judged, Running, Terms};
pub use report::last_said;
pub use stored::StoredError;

use crate::decide::Refusal;
use crate::profile::{Mode, Profile};
use crate::workload::Workload;
use versions::Told;

/// Ids of instances that one node may have in what is brought together.
pub const IDS: u32 = 16;

/// What was seen of one workload on all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    /// With samples and instances.
    seen: Profile,
    /// The same entries, with nodes in place of instances: which nodes showed what.
    nodes: Profile,
    /// Versions of the image; neither of the two has any.
    versions: Told,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Whether anything of it was news.
    pub changed: bool,
    /// Refusals of many at once (patterns, ranges, programs under any parent) that somebody decided on the
    /// node: they count there alone.
    pub refused_there: usize,
}

impl Collected {
    /// Nothing yet.
    #[must_use]
    pub fn new(workload: Workload) -> Self {
        let workload = Workload {
            cluster: String::new(),
            ..workload
        };
        Self {
            seen: Profile::new(workload.clone(), Mode::Learning),
            nodes: Profile::new(workload, Mode::Learning),
            versions: Told::default(),
        }
    }

    /// Whose it is; the cluster, of which all are, is left out.
    #[must_use]
    pub const fn workload(&self) -> &Workload {
        &self.seen.workload
    }

    /// Nodes that were ever heard of, or an estimate where there are more than 64.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        self.nodes.observed().count()
    }

    /// When something of it was seen last, in nanoseconds since the Unix epoch; `None` if never.
    #[must_use]
    pub fn last_seen(&self) -> Option<i64> {
        let watched = self.nodes.observed.instances.values();
        watched.map(|watched| watched.last).max()
    }

    /// Takes the profile of a node, at `now`, in nanoseconds since the Unix epoch: no time in it counts as
    /// later.
    ///
    /// # Errors
    /// When it is of another workload, or both together find no room. Nothing is changed then.
    pub fn take(&mut self, node: &str, profile: &Profile, now: i64) -> Result<Taken, Refusal> {
        let (joined, taken) = self.with(node, profile, now)?;
        *self = joined;
        Ok(taken)
    }

    /// The same, as another.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn with(&self, node: &str, profile: &Profile, now: i64) -> Result<(Self, Taken), Refusal> {
        let here = Workload {
            cluster: String::new(),
            ..profile.workload.clone()
        };
        if here != self.seen.workload {
            return Err(Refusal::OtherWorkload {
                found: here.to_string(),
                wanted: self.seen.workload.to_string(),
            });
        }
        let report = report::of(profile, node, now);
        let joined = self.joined(&Self {
            seen: report.seen,
            nodes: report.nodes,
            versions: report.versions,
        })?;
        let taken = Taken {
            changed: joined != *self,
            refused_there: report.refused_there,
        };
        Ok((joined, taken))
    }

    /// Takes what was brought together before, or elsewhere.
    ///
    /// # Errors
    /// When it is of another workload, or both together find no room. Nothing is changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), Refusal> {
        if other.seen.workload != self.seen.workload {
            return Err(Refusal::OtherWorkload {
                found: other.seen.workload.to_string(),
                wanted: self.seen.workload.to_string(),
            });
        }
        *self = self.joined(other)?;
        Ok(())
    }

    fn joined(&self, other: &Self) -> Result<Self, Refusal> {
        let mut joined = self.clone();
        for (own, others) in [
            (&mut joined.seen, &other.seen),
            (&mut joined.nodes, &other.nodes),
        ] {
            own.merge(others);
            own.check().map_err(Refusal::Full)?;
        }
        joined.versions.join(&other.versions);
        Ok(joined)
    }

    /// Bytes of text that its entries come to at most, for who has to bound many of these.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let room = |profile: &Profile| crate::profile::BYTES_MAX.saturating_sub(profile.room());
        room(&self.seen) + room(&self.nodes) + self.versions.bytes()
    }
}
