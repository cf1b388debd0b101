//! What the nodes learn, brought together in objects of the cluster.
//!
//! ```text
//! agent of each node --FollowLearned--> board: merge, judge --server-side apply--> LearnedProfile
//!                                                                                        | people
//! agents of all nodes <--------------------- watch ------------------------------- BehaviorProfile
//! ```
//!
//! Two resources, and each has one owner. A LearnedProfile is the machine's: this controller alone writes it,
//! and it is as new as what nodes see. A BehaviorProfile is people's: it says what is approved, and nothing
//! that is seen changes it. So a pull request is about the second alone, an editor of workloads may be
//! given the first to read and none of the second, and a controller that is taken over cannot approve.
//!
//! **Agents write nothing.** The leader [asks](Learner) each for what is news
//! (`FollowLearned`), of which it remembers nothing: profiles merge in any order, any number of times. So
//! a leader that is new asks all for all they know and comes to the same, and what agents of nodes that are
//! gone told stands in the objects, which it [takes up](write) before it writes anything.
//!
//! | part | does |
//! |---|---|
//! | [`board`] | takes reports, refuses what makes no sense by name |
//! | `clocks` | whether the clocks of nodes and of the controller agree |
//! | `due` | what is to be written of it, when, and what becomes of that |
//! | `gone` | which namespaces are being deleted |
//! | `hand` | notes which BehaviorProfiles the controller makes |
//! | [`object`] | what an object says, and whether that is news |
//! | `pace` | how often one agent tells of a workload |
//! | [`promoted`] | which workloads have a BehaviorProfile |
//! | `answer` | `lapwing profile list`, `show`, `export` and `promote` at the controller's endpoint |
//! | `promote` | makes BehaviorProfiles, where the configuration or a person says so |
//! | `room` | how much of the room one node may have |
//! | `tally` | what was taken and refused, and figures for metrics |
//! | `turn` | whose turn it is to tell all |
//! | [`write`] | lists, applies, deletes, tells |
//!
//! **Writes.** What people look at (behaviours, phase, nodes, conditions) is news and written once in
//! `learned.interval` for each workload at most; counts, times and figures alone once in
//! `learned.evidenceInterval`, and at once when a node that told of them goes. A failure of the API has all
//! wait, twice as long each time; one of an object has that one wait, up to ten minutes.

mod answer;
mod board;
mod clocks;
mod due;
mod gone;
mod hand;
mod object;
mod one;
mod pace;
mod promote;
mod promoted;
mod read;
mod room;
mod tally;
mod turn;
mod write;

#[cfg(test)]
mod tests;

pub use board::Rules;
pub use object::GROUP;
#[cfg(test)]
pub use promoted::seen;

use super::audit::Audit;
use super::audit::own::Own;
use super::audit::profiles::Profiles;
use super::fleet::{Agent, Attendant, Attending, Fleet, Line, Link, State};
use super::{standing, told};
use crate::kubernetes::api::Api;
use crate::kubernetes::health::Health;
use board::Board;
use hand::Hand;
use lapwing_proto::v1::{FollowLearnedRequest, FollowLearnedResponse};
use pace::Pace;
use promoted::Promoted;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use turn::{TURN, Turn};
use write::Writer;

/// Reports that are read at a time: each may have tens of megabytes.
const READS: usize = 2;
/// Agents that tell all they know at a time. What one says is in memory before its turn to be read comes.
const TELLING: usize = 16;
/// Longest message of an agent: a profile, and its name.
const MESSAGE_MAX: usize = lapwing_profile::file::TEXT_MAX + (1 << 20);
/// How agents are asked.
const FOLLOW: &str = "/lapwing.v1.Agent/FollowLearned";
/// Longest time until what is known is written at first.
const SETTLING: Duration = Duration::from_secs(60);
/// Longest time that BehaviorProfiles wait for what LearnedProfiles say of them.
const TAKING_UP: Duration = Duration::from_secs(10);
/// An agent that says nothing for so long is asked anew: it says each interval that it lives.
const SILENT: Duration = Duration::from_secs(120);

/// Who asks all agents, and writes what comes of it.
pub struct Learner {
    writer: Writer,
    reads: Arc<Semaphore>,
    telling: Arc<Semaphore>,
    /// Between two reports of one workload by one agent, in seconds.
    interval: u32,
    audit: Option<Arc<Profiles>>,
    standing: Option<Arc<standing::Board>>,
    /// Of the watch of BehaviorProfiles.
    health: Health,
}

impl std::fmt::Debug for Learner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Learner").finish_non_exhaustive()
    }
}

impl Learner {
    /// One that knows nothing yet; `instance` is this replica.
    #[must_use]
    pub fn new(api: Arc<Api>, rules: Rules, instance: &str) -> Self {
        let interval = u32::try_from(rules.interval.as_secs()).unwrap_or(u32::MAX);
        Self {
            writer: Writer {
                api: Hand::new(api),
                board: Arc::new(Board::new(rules)),
                instance: instance.to_owned(),
                user: String::new(),
            },
            reads: Arc::new(Semaphore::new(READS)),
            telling: Arc::new(Semaphore::new(TELLING)),
            interval: interval.clamp(1, 3_600),
            audit: None,
            standing: None,
            health: Health::new(),
        }
    }

    /// The same, which says on BehaviorProfiles that it makes that this user of the API made them.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> Self {
        user.clone_into(&mut self.writer.user);
        self
    }

    /// The same, which tells of BehaviorProfiles that others make, change and delete.
    #[must_use]
    pub fn with_audit(mut self, audit: Audit) -> Self {
        let own = Arc::new(Own::new(audit.clone()));
        self.writer.api.note(Arc::clone(&own));
        self.audit = Some(Arc::new(Profiles::new(audit, own, object::MANAGER)));
        self
    }

    /// The same, which tells this board of all BehaviorProfiles.
    #[must_use]
    pub fn with_standing(mut self, board: Arc<standing::Board>) -> Self {
        self.standing = Some(board);
        self
    }
}

impl Learner {
    /// What all that nodes told comes to.
    #[must_use]
    pub fn figures(&self) -> lapwing_proto::v1::get_status_response::fleet::Learned {
        self.writer.board.figures()
    }

    /// How the watch of BehaviorProfiles goes.
    pub(super) const fn health(&self) -> &Health {
        &self.health
    }

    /// And what they make of BehaviorProfiles.
    #[must_use]
    pub fn profiles(&self) -> Option<lapwing_proto::v1::get_status_response::fleet::Profiles> {
        self.standing.as_ref().map(|board| board.figures())
    }
}

/// Waits until all agents that can be reached told all they know, or that takes too long: what the first of
/// them says is not what the cluster does, and must not be taken for complete.
pub(super) async fn settled(fleet: &Fleet, knows: impl Fn(&str) -> bool, what: &str) {
    let begun = Instant::now();
    let has_told = |agent: &Arc<Agent>| match agent.state() {
        // One that does not run yet, or waits for its node, has nothing to tell.
        State { address, .. } if address.is_none() => true,
        State { link, .. } => match link {
            Link::New => false,
            Link::Connected => knows(&agent.node),
            Link::Away => true,
        },
    };
    while begun.elapsed() < SETTLING {
        if fleet.is_listed() && fleet.agents().iter().all(has_told) {
            return;
        }
        sleep(Duration::from_millis(250)).await;
    }
    tracing::warn!(
        "not all agents told {what} in {} s: what the others did is written",
        SETTLING.as_secs()
    );
}

/// When agents that are connected said something last, by their clocks.
fn said(fleet: &Fleet) -> Vec<i64> {
    let agents = fleet.agents().into_iter();
    let connected = agents.filter(|agent| agent.state().link == Link::Connected);
    connected.map(|agent| agent.said()).collect()
}

/// Says that a node is gone when its connection ends.
struct Leaving {
    board: Arc<Board>,
    node: String,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.board.gone(&self.node);
    }
}

impl Attendant for Learner {
    fn attend(&self, agent: Arc<Agent>, line: Line) -> Attending {
        let (board, reads) = (Arc::clone(&self.writer.board), Arc::clone(&self.reads));
        let mut channel = line.channel;
        let mut turn = Turn::new(Arc::clone(&self.telling));
        let mut pace = Pace::new(Duration::from_secs(self.interval.into()));
        let request = FollowLearnedRequest {
            interval_seconds: self.interval,
            ..FollowLearnedRequest::default()
        };
        Box::pin(async move {
            let node = agent.node.clone();
            let _leaving = Leaving {
                board: Arc::clone(&board),
                node: node.clone(),
            };
            let wrong = |status: tonic::Status| match status.code() {
                tonic::Code::Unimplemented => {
                    "the agent is of a version that does not tell what it learns: update it"
                        .to_owned()
                }
                _ => status.message().to_owned(),
            };
            turn.take().await?;
            let nothing =
                |in_time: Duration| format!("nothing of what it learns in {} s", in_time.as_secs());
            let asked = told::ask(&mut channel, FOLLOW, &request, MESSAGE_MAX);
            let asked = timeout(TURN, asked).await;
            let mut stream: told::Told<FollowLearnedResponse> =
                asked.map_err(|_| nothing(TURN))?.map_err(wrong)?;
            let mut silent = Duration::ZERO;
            loop {
                // It waits there, and its connection with it, while it is not its turn.
                turn.take().await?;
                let quiet = SILENT.saturating_sub(silent);
                let patience = turn.left().map_or(quiet, |left| left.min(quiet));
                let begun = Instant::now();
                let Ok(message) = timeout(patience, stream.message()).await else {
                    silent += begun.elapsed();
                    if silent >= SILENT {
                        return Err(nothing(SILENT));
                    }
                    continue;
                };
                silent = Duration::ZERO;
                let Some(message) = message.map_err(wrong)? else {
                    return Err("the agent ended".to_owned());
                };
                let Some(profile) = message.profile else {
                    board.has_told(&node);
                    turn.end();
                    continue;
                };
                let rest = pace.take(profile.workload.as_ref(), Instant::now());
                if !rest.is_zero() {
                    turn.rest();
                    sleep(rest).await;
                }
                let read = Arc::clone(&reads).acquire_owned().await;
                let read = read.map_err(|error| error.to_string())?;
                let (board, node) = (Arc::clone(&board), node.clone());
                let taken = tokio::task::spawn_blocking(move || {
                    board.take(&node, &profile, crate::clock::now());
                    drop(read);
                });
                taken.await.map_err(|error| error.to_string())?;
            }
        })
    }

    fn lead(&self, fleet: Arc<Fleet>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let writer = self.writer.clone();
        let promoted = Promoted::new(
            writer.api.api(),
            Arc::clone(&writer.board),
            self.audit.clone(),
            self.standing.clone(),
            self.health.clone(),
        );
        Box::pin(async move {
            let knows = |node: &str| writer.board.knows(node);
            let followed = async {
                // Their objects say which BehaviorProfiles were told of already.
                let _ = timeout(TAKING_UP, writer.board.is_taken_up()).await;
                crate::kubernetes::watch::follow(&promoted).await;
            };
            tokio::select! {
                () = followed => {}
                () = writer.run(settled(&fleet, knows, "what they learned"), || said(&fleet)) => {}
            }
        })
    }
}
