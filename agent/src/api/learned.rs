//! Following what this node learns: for the controller of a cluster, which brings together what all
//! nodes do, and for whoever else may read.
//!
//! The agent is asked and never writes anywhere: an agent of a node that is taken over cannot reach the
//! objects of a cluster, because it has no right to, and five thousand agents are not five thousand
//! writers.
//!
//! A message holds one profile whole. Profiles are a join semilattice, so it does not matter how often one
//! comes, and nothing has to be remembered of what a client has: a place in the stream is one number.
//! Of each workload there is at most one message in an interval, and one whose counts, times and samples
//! alone went on has a longer one: else a node on which nothing is new would send all that it knows each
//! minute. One profile at a time is asked of the pipeline and put into text.

use super::control::{Control, Ended, Request};
use super::reach::Namespaces;
use crate::judge::news::{Change, Told};
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::{self, FollowLearnedRequest, FollowLearnedResponse};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;
use tonic::Status;

/// Between two messages about one workload, unless the client says so.
const INTERVAL: u32 = 10;
/// Where nothing in it is new.
const EVIDENCE_INTERVAL: u32 = 300;
/// Longest that may be wanted.
const INTERVAL_MAX: u32 = 86_400;
/// Clients that follow at a time.
const FOLLOWERS_MAX: usize = 8;
/// How often it is asked for changes.
const LOOK: Duration = Duration::from_secs(1);

/// What a client wants.
struct Wanted {
    namespaces: Namespaces,
    namespace: String,
    interval: Duration,
    evidence: Duration,
}

impl Wanted {
    fn wants(&self, workload: &Workload) -> bool {
        let own = v1::Workload {
            namespace: workload.namespace.clone(),
            ..v1::Workload::default()
        };
        self.namespaces.has(Some(&own))
            && (self.namespace.is_empty() || self.namespace == workload.namespace)
    }
}

/// What was sent of a workload.
#[derive(Clone, Copy)]
struct Sent {
    told: u64,
    at: Instant,
}

/// A place in the stream.
struct Place {
    /// Of one run of the agent.
    epoch: String,
    /// Changes up to this number were sent, or had by who goes on; `None` where not even what was there
    /// when the agent started was.
    mark: Option<u64>,
    sent: HashMap<Workload, Sent>,
    /// Whether the client was told that it has all.
    caught_up: bool,
}

impl Place {
    /// Where a client goes on.
    fn new(epoch: &str, revision: &str) -> Self {
        let mark = { revision.split_once(':') }
            .filter(|(of, _)| *of == epoch)
            .and_then(|(_, number)| number.parse().ok());
        Self {
            epoch: epoch.to_owned(),
            mark,
            sent: HashMap::new(),
            caught_up: false,
        }
    }

    /// Whether a change is to be sent now. `None` where the client has it.
    fn is_due(&self, change: &Change, wanted: &Wanted, now: Instant) -> Option<bool> {
        let Told { changed, news } = change.told;
        let Some(sent) = self.sent.get(&change.workload) else {
            return Some(true);
        };
        if changed <= sent.told {
            return None;
        }
        let pause = match news > sent.told {
            true => wanted.interval,
            false => wanted.evidence,
        };
        Some(now.duration_since(sent.at) >= pause)
    }

    /// All was sent but what waits, of which this is the first number; `newest` is the last of all.
    fn goes_on(&mut self, waits: Option<u64>, newest: Option<u64>) {
        let upto = match waits {
            Some(first) => first.checked_sub(1),
            None => newest,
        };
        self.mark = self.mark.max(upto);
    }

    /// By which a client goes on from here.
    fn revision(&self) -> String {
        let mark = self.mark.map(|mark| format!("{}:{mark}", self.epoch));
        mark.unwrap_or_default()
    }
}

/// Who follows what is learned.
pub(super) struct Followers {
    /// Of this run of the agent.
    epoch: String,
    room: Arc<Semaphore>,
}

impl Default for Followers {
    fn default() -> Self {
        let number = || RandomState::new().hash_one(0_u8);
        Self {
            epoch: format!("{:016x}", number()),
            room: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
        }
    }
}

impl Followers {
    /// Follows what is learned, until the client or the agent ends.
    pub(super) fn follow(
        &self,
        control: Control,
        namespaces: Namespaces,
        request: FollowLearnedRequest,
        mut ending: watch::Receiver<bool>,
    ) -> Result<mpsc::Receiver<Result<FollowLearnedResponse, Status>>, Status> {
        let wanted = Wanted {
            namespaces,
            interval: interval(request.interval_seconds, INTERVAL)?,
            evidence: interval(request.evidence_interval_seconds, EVIDENCE_INTERVAL)?,
            namespace: request.namespace,
        };
        let turn = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            Status::resource_exhausted(format!(
                "{FOLLOWERS_MAX} clients follow what is learned: one controller for a cluster is enough"
            ))
        })?;
        let mut place = Place::new(&self.epoch, &request.revision);
        // One message is under way while the next is made: a profile may be large.
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let follow = run(&control, &wanted, &mut place, &sender);
            tokio::select! {
                _ = follow => {}
                () = sender.closed() => {}
                _ = ending.wait_for(|ending| *ending) => {}
            }
            drop(turn);
        });
        Ok(receiver)
    }
}

fn interval(given: u32, default: u32) -> Result<Duration, Status> {
    match given {
        0 => Ok(Duration::from_secs(default.into())),
        1..=INTERVAL_MAX => Ok(Duration::from_secs(given.into())),
        _ => Err(Status::invalid_argument(format!(
            "an interval of {given} seconds is longer than a day ({INTERVAL_MAX})"
        ))),
    }
}

async fn run(
    control: &Control,
    wanted: &Wanted,
    place: &mut Place,
    sender: &mpsc::Sender<Result<FollowLearnedResponse, Status>>,
) -> Result<(), Ended> {
    let mut spoke: Option<Instant> = None;
    loop {
        let mark = place.mark;
        let mut changes = control.ask(|reply| Request::Changes(mark, reply)).await?;
        changes.retain(|change| wanted.wants(&change.workload));
        changes.sort_by_key(|change| change.told.changed);
        let newest = changes.last().map(|change| change.told.changed);
        let now = Instant::now();
        let mut waits = VecDeque::new();
        let mut due = VecDeque::new();
        for change in changes {
            match place.is_due(&change, wanted, now) {
                Some(true) => due.push_back(change),
                Some(false) => waits.push_back(change),
                None => {}
            }
        }
        let waits = waits.front().map(|change| change.told.changed);
        while let Some(change) = due.pop_front() {
            let workload = change.workload.clone();
            let profile = control.ask(|reply| Request::Learned(workload, reply));
            let Some(profile) = profile.await? else {
                continue; // It went meanwhile.
            };
            let (told, at) = (change.told.changed, Instant::now());
            place.sent.insert(change.workload, Sent { told, at });
            let next = due.front().map(|change| change.told.changed);
            let first = [waits, next].into_iter().flatten().min();
            place.goes_on(first, newest);
            if !say(place, Some(profile), sender).await {
                return Ok(());
            }
            spoke = Some(Instant::now());
        }
        place.goes_on(waits, newest);
        // The first time at once: who follows knows then that it has all.
        let is_first = !std::mem::replace(&mut place.caught_up, true);
        if is_first || spoke.is_none_or(|at| at.elapsed() >= wanted.interval) {
            if !say(place, None, sender).await {
                return Ok(());
            }
            spoke = Some(Instant::now());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Answers whether anybody listens.
async fn say(
    place: &Place,
    profile: Option<v1::LearnedProfile>,
    sender: &mpsc::Sender<Result<FollowLearnedResponse, Status>>,
) -> bool {
    let revision = place.revision();
    let message = FollowLearnedResponse { revision, profile };
    sender.send(Ok(message)).await.is_ok()
}

#[cfg(test)]
mod tests;
