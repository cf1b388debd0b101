//! Versions of the image that nodes told of.
//!
//! A profile [numbers](crate::version) the versions that it meets, and keeps those with the greatest numbers. That
//! is for who meets them itself: a number that a node says could be the greatest there is, and push out all others
//! for good. So of what a node says only the order of its own versions counts. Here a version has the time at which
//! it was told of first, by the clock of who brings together, and the nodes that told of it:
//!
//! - Of one report the [`OF_NODE`] newest count, and of versions that one node alone tells of as many: who tells of
//!   ever others pushes out its own.
//! - A version counts when as many nodes told of it as have to show a line ([`Terms::quorum`]).
//! - Those that several nodes told of have room of their own.
//!
//! Up to these bounds joining is a union, of which the order does not matter. What is dropped for a bound comes back
//! with the next report of whoever tells of it.

use super::Terms;
use super::object::REPOSITORY_MAX;
use crate::evidence::sketch::Bottom;
use crate::profile::Profile;
use crate::version::{VERSIONS_MAX, Version, Versions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Versions of one report, and such that one node alone tells of.
pub const OF_NODE: usize = 8;
/// Nodes that are remembered of each.
const NODES: usize = 8;
/// Before each line.
const COMMENT: &str = "# ";

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Heard {
    /// When it was told of first, in nanoseconds since the Unix epoch.
    first: i64,
    /// Whether a node learned from it.
    known: bool,
    /// Who told of it.
    nodes: Bottom<NODES>,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told(BTreeMap<Version, Heard>);

/// One as text.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    repository: String,
    digest: String,
    first: i64,
    known: bool,
    nodes: Vec<u32>,
}

impl Told {
    /// What a node says at `now`, in the order in which it met them.
    pub(super) fn by(node: u32, profile: &Profile, now: i64) -> Self {
        let mut nodes = Bottom::default();
        nodes.insert(node);
        let all = profile.versions().into_iter().rev();
        let all = all.filter(|one| one.version.repository().len() <= REPOSITORY_MAX);
        let one = |(age, one): (i64, crate::version::Remembered<'_>)| {
            let heard = Heard {
                first: now.saturating_sub(age),
                known: one.known,
                nodes,
            };
            (one.version.clone(), heard)
        };
        Self((0..).zip(all.take(OF_NODE)).map(one).collect())
    }

    /// From before it was noted who told of them: so nobody did, until somebody does again.
    pub(super) fn by_nobody(profile: &Profile) -> Self {
        let one = |one: crate::version::Remembered<'_>| {
            let heard = Heard {
                first: one.sight.first(),
                known: one.known,
                nodes: Bottom::default(),
            };
            (one.version.clone(), heard)
        };
        let mut told = Self(profile.versions().into_iter().map(one).collect());
        told.trim();
        told
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (version, heard) in &other.0 {
            let known = self.0.entry(version.clone()).or_insert(*heard);
            known.first = known.first.min(heard.first);
            known.known |= heard.known;
            known.nodes.join(&heard.nodes);
        }
        self.trim();
    }

    /// Drops what is too many, the oldest first.
    fn trim(&mut self) {
        let mut order: Vec<(Version, Heard)> = { self.0.iter() }
            .map(|(version, heard)| (version.clone(), *heard))
            .collect();
        order.sort_by(|(a, of_a), (b, of_b)| {
            let key = |heard: &Heard| (!heard.nodes.is_empty(), heard.first);
            (key(of_b), b).cmp(&(key(of_a), a))
        });
        let (mut of_node, mut several, mut alone) = (BTreeMap::<u32, usize>::new(), 0, 0);
        for (version, heard) in order {
            let has_room = match heard.nodes.ids() {
                [_, _, ..] => {
                    several += 1;
                    several <= VERSIONS_MAX
                }
                one => {
                    let own = { one.first() }.map(|node| of_node.entry(*node).or_default());
                    let has_own = own.is_none_or(|own| {
                        *own += 1;
                        *own <= OF_NODE
                    });
                    alone += usize::from(has_own);
                    has_own && alone <= VERSIONS_MAX
                }
            };
            if !has_room {
                self.0.remove(&version);
            }
        }
    }

    /// Those that count where so many nodes told of the workload, numbered in the order in which they came.
    pub(super) fn confirmed(&self, nodes: u64, terms: &Terms) -> Versions {
        let wanted = match nodes {
            0 | 1 => 0,
            2 => u64::from(terms.quorum).min(2),
            several => u64::from(terms.quorum)
                .min(several / 2 + 1)
                .min(NODES as u64),
        };
        let counts = |(_, heard): &(&Version, &Heard)| heard.nodes.len() as u64 >= wanted;
        let mut all: Vec<_> = self.0.iter().filter(counts).collect();
        all.sort_by_key(|(version, heard)| (heard.first, *version));
        let all = (1..).zip(all);
        let all = all.map(|(number, (version, heard))| (version, number, heard.first, heard.known));
        Versions::of(all)
    }

    /// Bytes of text that it comes to.
    pub(super) fn bytes(&self) -> usize {
        let names = self.0.keys();
        names
            .map(|one| one.repository().len() + one.digest().len())
            .sum()
    }

    /// A line each.
    pub(super) fn to_text(&self) -> String {
        let line = |(version, heard): (&Version, &Heard)| {
            let line = Line {
                repository: version.repository().to_owned(),
                digest: version.digest().to_owned(),
                first: heard.first,
                known: heard.known,
                nodes: heard.nodes.ids().to_vec(),
            };
            // Nothing of it can fail to be JSON.
            let line = serde_json::to_string(&line).unwrap_or_default();
            format!("{COMMENT}{line}\n")
        };
        self.0.iter().map(line).collect()
    }

    /// Reads them. Says what is wrong with one.
    pub(super) fn from_text(text: &str) -> Result<Self, String> {
        let mut told = Self::default();
        for line in text.lines() {
            let line = line.strip_prefix(COMMENT).ok_or("a version is cut short")?;
            let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
            let version = Version::new(&line.repository, &line.digest);
            let version = version.ok_or("one of its versions is none")?;
            let mut nodes = Bottom::default();
            line.nodes.iter().for_each(|id| nodes.insert(*id));
            let heard = Heard {
                first: line.first,
                known: line.known,
                nodes,
            };
            told.0.insert(version, heard);
        }
        told.trim();
        Ok(told)
    }
}
