//! The judge: holds the profiles, takes each sighting to the one it belongs to,
//! and says what is to be reported.

mod attribution;
mod calls;
pub mod contents;
pub mod decide;
pub mod episodes;
pub mod keep;
mod learn;
pub mod ledger;
pub mod limits;
pub mod modes;
pub mod news;
mod obeyed;
mod phase;
mod published;
pub mod rating;
mod recent;
mod repeat;
pub mod replay;
pub mod report;
mod sensor;
pub mod sighting;
pub mod signed;
mod standing;
pub mod store;
mod take;
pub mod taken_up;
mod tally;
mod wider;
mod writer;
mod written;

use crate::clock::Clock;
use crate::container::Instance;
use crate::process::Images;
use episodes::{Episodes, Moment};
use keep::Keeper;
use lapwing_profile::fingerprint;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::{self, watch_response::Item};
use ledger::{Ledger, Said};
use published::Published;
use rating::Ratings;
use std::sync::Arc;
use store::Store;
use tally::Tally;

/// Profiles that are kept in memory.
pub const PROFILES_MAX: usize = 10_000;

/// All profiles of this node.
pub struct Judge {
    cluster: String,
    node: String,
    keeper: Keeper,
    episodes: Episodes,
    /// Counts of episodes that ended, to be reported at the next tick.
    late: Vec<v1::Violation>,
    published: Published,
    /// Who did what, as profiles were told.
    attribution: attribution::Attribution,
    /// Which signatures are wanted.
    signatures: signed::Signatures,
    /// What was found wrong with signatures at the start, and not reported yet.
    found: Vec<signed::Finding>,
    /// Names that the profiles have no records of.
    recent: recent::Recent,
    /// What was said, and how often.
    tally: Tally,
    /// What the kernel side was told.
    ledger: Ledger,
    /// The samples that are taken of containers that teach.
    windows: learn::Windows,
    /// How bad violations are.
    ratings: Ratings,
    /// How many are reported.
    limits: limits::Limits,
    /// What namespaces and pods ask for.
    modes: modes::Modes,
    /// Repeats that it counted and that were taken from it.
    repeats: u64,
    /// What it is to be told of the last record.
    said: Option<Said>,
    /// The program that was judged last, if it matters what it holds.
    open: Option<contents::Program>,
    /// What programs held that were reported.
    reported_contents: contents::Reported,
    /// Whose profiles were changed by decisions.
    changed: Vec<Workload>,
    /// Fingerprints of what was decided.
    closing: Vec<String>,
}

/// Where a record comes from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The container.
    pub instance: &'a Instance,
    /// Who runs what.
    pub images: &'a Images,
    /// The time of day.
    pub clock: Clock,
    /// End of the last gap, since boot in nanoseconds; 0 for none.
    pub last_gap: u64,
    /// Names under which the peer of a contact is known, the newest last.
    pub names: &'a [Arc<str>],
}

impl Judge {
    /// The state folder.
    #[must_use]
    pub const fn store(&self) -> &Store {
        self.keeper.store()
    }

    /// What was said since the start, and how often.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Episodes that go on and went.
    #[must_use]
    pub const fn episodes(&self) -> &Episodes {
        &self.episodes
    }

    /// Behaviours that were not published for lack of room, since the last call.
    pub fn take_unpublished(&mut self) -> u64 {
        std::mem::take(&mut self.published.refused)
    }

    /// Counts of violations that rose, and are to be reported anew.
    pub fn due(&mut self, now: Moment) -> Vec<Item> {
        self.settle();
        let mut due = std::mem::take(&mut self.late);
        due.extend(self.episodes.overdue(now));
        due.extend(self.episodes.due(now.boot));
        due.into_iter().map(Item::Violation).collect()
    }

    /// A container is gone.
    pub fn gone(&mut self, home: u64) {
        self.published.gone(home);
        self.modes.gone(home);
        self.learned_from(home);
        self.ledger.clear(home);
        self.late.extend(self.episodes.gone(home));
    }

    /// Hands over what changed for storing. What cannot be stored is tried again the next time,
    /// and reported once.
    pub fn save(&mut self, now: Moment) -> Vec<Item> {
        let Some(text) = self.keeper.save(now.boot) else {
            return Vec::new();
        };
        let violation = self.about_sensor("store", text);
        let fingerprint = fingerprint::hex(&[b"store", self.node.as_bytes()]);
        let reports = self
            .episodes
            .occurred(&fingerprint, 0, "", now, || violation);
        self.reported(reports).collect()
    }

    /// Notes that the agent is alive.
    pub fn beat(&mut self, now: Moment) {
        self.keeper.beat(now.wall);
    }

    /// The end: everything is stored before this returns. Answers with what was not reported yet.
    pub fn end(&mut self, now: Moment) -> Vec<Item> {
        let done = self.keeper.end(now.wall);
        self.decided(done);
        self.settle();
        let mut last = std::mem::take(&mut self.late);
        last.extend(self.episodes.flush(now.boot));
        last.into_iter().map(Item::Violation).collect()
    }

    fn reported(&mut self, reports: Vec<v1::Violation>) -> impl Iterator<Item = Item> + use<> {
        self.tally.reported(&reports);
        reports.into_iter().map(Item::Violation)
    }
}

/// The name of a profile, from its owner.
#[must_use]
pub fn name_of(workload: &v1::Workload) -> String {
    workload_of(workload).to_string()
}

/// The owner of a profile, its cluster aside.
#[must_use]
pub fn workload_of(workload: &v1::Workload) -> Workload {
    Workload {
        cluster: String::new(),
        namespace: workload.namespace.clone(),
        kind: workload.kind.clone(),
        name: workload.name.clone(),
        container: workload.container.clone(),
    }
}

#[cfg(test)]
mod tests;
