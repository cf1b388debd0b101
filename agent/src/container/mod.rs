//! From a cgroup's id to the container and the workload it belongs to.
//!
//! The [`Registry`] is a state machine without I/O of its own but for the files
//! of the runtimes and of the kernel: cgroups come and go, processes act, time passes,
//! and each call answers with the [`Effect`]s that the caller has to carry out.
//!
//! A cgroup is a container because of its path, because runc's files name it, or
//! because a program with another root than the host's runs in it. What is below
//! a container belongs to it; where a container is recognised only after cgroups
//! were made below it, they join it then.
//!
//! Until something speaks for a cgroup it is undecided, and its records wait.
//! An undecided cgroup in which nothing happens costs nothing, so there is no
//! hurry: the time in which it has to show itself, [`DECIDE_AFTER`], begins with
//! its first record. Then it is looked at once more, with all that runs in it,
//! and left alone from there on.
//!
//! A name found in a path is a claim. Where runc's files say that the container
//! of that name has another cgroup, or where another container bears the name already,
//! the claimant is a container of its own, without a name, and shares
//! nothing with the one it names.

pub mod commands;
pub mod details;
pub mod digest;
mod fate;
pub mod hierarchy;
pub mod identity;
pub mod layers;
pub mod layout;
mod naming;
mod order;
pub mod pod;
mod registry;
pub mod scan;
pub mod snapshot;
pub mod states;
mod survey;
mod told;
pub mod workload;

pub use registry::Registry;

use identity::Question;
use lapwing_abi::state::{Cgroup, cgroup_state};
use lapwing_profile::workload::Workload;
use layout::Runtime;
use std::path::PathBuf;
use told::Told;
use workload::Details;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
/// How long a cgroup may act without a sign of a container, in nanoseconds.
pub const DECIDE_AFTER: u64 = 10_000 * MILLISECOND;
/// How long records wait for the runtime's files, in nanoseconds from the container's first
/// behaviour: the runtime's own steps before it may take as long as they like.
pub const NAME_AFTER: u64 = 500 * MILLISECOND;
/// How long a cgroup is remembered after it went, for records that are on their way.
pub const FORGET_AFTER: u64 = 10_000 * MILLISECOND;
/// Least time between two looks at the runtimes' files, unless something new happened.
pub const LOOK_EVERY: u64 = 25 * MILLISECOND;
/// Longest time between two looks for what is still missing.
pub const LOOK_LAST: u64 = 60_000 * MILLISECOND;
/// Containers at a time.
pub const INSTANCES_MAX: usize = 4_096;
/// Longest path of a cgroup that is kept, in bytes. Users may make cgroups below their sessions.
pub const PATH_MAX: usize = 1_024;

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell the kernel side what a cgroup is.
    Set(u64, Cgroup),
    /// Tell the kernel side to forget a cgroup.
    Forget(u64),
    /// Some records that wait can go on: their container is known, or there is none.
    Decided,
    /// A container went for good.
    Gone(u64),
    /// There is no room for another container or cgroup: this one is not traced.
    NoRoom(u64),
    /// Ask the runtimes for a container, see [`Registry::told`].
    Ask(Question),
    /// A container has as many cgroups below its own as one may: tell the kernel side to count that
    /// another found no room.
    Refused(u64),
}

/// Settings of a registry.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster's name, for workloads.
    pub cluster: String,
    /// Cgroup paths below which containers are traced; empty for everywhere.
    pub scope: Vec<String>,
    /// Whether the host's own processes are a container too.
    pub host: bool,
    /// Folder of the host's root.
    pub host_root: PathBuf,
    /// More folders of runc.
    pub runc_roots: Vec<PathBuf>,
    /// Cgroups that are known below one container's, as in the kernel.
    pub share: usize,
}

impl Options {
    fn in_scope(&self, path: &str) -> bool {
        self.scope.is_empty()
            || self.scope.iter().any(|prefix| {
                path.strip_prefix(prefix.trim_end_matches('/'))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }
}

/// One running container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Id of its cgroup.
    pub home: u64,
    /// Path of that, canonical text.
    pub path: String,
    /// Who runs it.
    pub runtime: Runtime,
    /// Its id.
    pub id: String,
    /// What the runtime says of it.
    pub details: Details,
    /// Whose profile it has, if it [is named](Self::is_named).
    pub workload: Workload,
    /// When its cgroup was made, or met, since boot in nanoseconds.
    pub since: u64,
    /// Whether it was seen from its first program.
    pub from_start: bool,
    search: Search,
    told: Told,
    proof: Proof,
    named: bool,
    /// When its name was looked for last while nothing needed it.
    looked: u64,
    /// When its cgroup went.
    removed: Option<u64>,
}

impl Instance {
    /// Whether its workload tells it from strangers. What is without a name is traced and
    /// reported; it must neither teach a profile nor be excused by one. The name may come later.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.named
    }

    /// Whether its records wait for its name, or for what the runtimes say.
    const fn is_awaited(&self) -> bool {
        matches!(self.search, Search::Sought(_)) || matches!(self.told, Told::Awaited(_))
    }
}

/// How far the search for a container's name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Search {
    /// Records wait for it, since the first behaviour.
    Sought(Option<u64>),
    /// What was said names it, and nothing waits for more. The runtime's file may say more: it is looked for again
    /// with the first behaviour, before which it is there, and so has its word whoever was faster.
    Said,
    /// Records wait no longer; it is still looked for.
    Late,
    /// It is over.
    Over,
}

/// What speaks for a container's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// The path of its cgroup.
    Claimed,
    /// The runtime's file names the cgroup.
    Confirmed,
    /// It was another's.
    Denied,
}

/// Whose a record is.
#[derive(Debug)]
pub enum Resolution<'a> {
    /// This container's.
    Instance(&'a Instance),
    /// Not known yet: hold it.
    Pending,
    /// Nobody's: drop it.
    Ignored,
    /// The cgroup was never heard of.
    Unheard,
}

/// A process of a cgroup that acts.
#[derive(Clone, Copy, Debug)]
pub struct Act {
    /// The cgroup.
    pub cgroup: u64,
    /// The process.
    pub pid: u32,
    /// Whether it executes a program with another root than the host's.
    pub foreign_root: bool,
    /// Whether it does something that is to be judged, unlike the runtime's own steps.
    pub behaviour: bool,
}

fn container(home: u64, started: bool) -> Cgroup {
    Cgroup {
        home,
        state: cgroup_state::CONTAINER,
        started: u32::from(started),
    }
}

#[cfg(test)]
mod tests;
