//! What becomes of each BehaviorProfile, in its `status`.
//!
//! ```text
//! agent of each node --FollowBehaviorProfiles--> board: count --server-side apply--> status of the BehaviorProfile
//! ```
//!
//! Whether an object is obeyed only agents know: their configuration says who has to sign, and their rules what makes
//! sense. So each tells, of the objects whose workloads run on its node and of those that it refuses, what it made of
//! which generation, and the leader says beside the object what all of them said: on how many nodes it is in force, who
//! refuses it and why.
//!
//! **Agents write nothing**, as of what they [learn](super::learned). A node that lies is told by name in what it says,
//! and can neither have an object obeyed nor keep another node from it.
//!
//! **Writes.** Whoever writes the status of an object has the API send all of it to all agents again, so little is
//! written: once in `learned.interval` for each object at most where a condition or the generation is another, once in a
//! minute where counts alone are, nothing where nothing is; all of them together 32 in a second. What the object says
//! already is where a new leader begins, so that it writes what is another. A workload that runs for a while, again and
//! again, as of a CronJob, is said to run nowhere when it did not for ten minutes.
//!
//! **Who is not heard.** That it is in force wherever it runs, that nobody refuses it and that it runs nowhere is known
//! from all nodes alone. Each that has a pod of an agent is expected: what it said last counts while that is away, for
//! ten minutes at most, and while one is waited for that said nothing yet, what the object says of its generation stays,
//! or is that it is not known. After that it is counted as not heard and keeps nobody from a statement, as a node that
//! died would for ever, as long as no more are not heard than are. An agent of a version that cannot tell is there, and
//! keeps all from it.
//!
//! Events tell of it once for each generation: their names are made of that, and the API refuses a second one while it
//! has the first.
//!
//! | part | does |
//! |---|---|
//! | `board` | takes what nodes say, and tells what is due |
//! | `nodes` | who is heard, and who should be |
//! | `words` | what they said, with bounds |
//! | `status` | what all of it comes to |
//! | `write` | applies, and tells |

mod board;
mod nodes;
mod status;
mod words;
mod write;

#[cfg(test)]
mod tests;

pub use board::{Board, Seen};
pub use status::Status;

use super::fleet::{Agent, Attendant, Attending, Fleet, Line};
use super::learned::settled;
use super::told::{self, Told};
use crate::api::access::NO_METHOD;
use crate::kubernetes::api::Api;
use lapwing_proto::v1::{FollowBehaviorProfilesRequest, FollowBehaviorProfilesResponse};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use write::Writer;

/// How agents are asked.
const FOLLOW: &str = "/lapwing.v1.Agent/FollowBehaviorProfiles";
/// Longest message of an agent, in bytes: 64 objects with all their texts.
const MESSAGE_MAX: usize = 128 << 10;
/// In which an agent says that it lives, in seconds.
const INTERVAL: u32 = 10;
/// An agent that says nothing for so long is asked anew.
const SILENT: Duration = Duration::from_secs(60);

/// Who asks all agents, and writes what comes of it.
#[derive(Debug)]
pub struct Standing {
    writer: Writer,
}

impl Standing {
    /// `instance` is this replica. The board has to be told of all objects by who follows them.
    #[must_use]
    pub fn new(api: Arc<Api>, board: Arc<Board>, instance: &str) -> Self {
        Self {
            writer: Writer {
                api,
                board,
                instance: instance.to_owned(),
            },
        }
    }
}

/// Says that a connection ended.
struct Leaving {
    board: Arc<Board>,
    node: String,
    join: u64,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.board.left(&self.node, self.join);
    }
}

/// Whether an agent of an earlier version says so of a method that it does not have.
fn is_older(status: &tonic::Status) -> bool {
    match status.code() {
        tonic::Code::Unimplemented => true,
        tonic::Code::PermissionDenied => status.message().ends_with(NO_METHOD),
        _ => false,
    }
}

impl Attendant for Standing {
    fn attend(&self, agent: Arc<Agent>, line: Line) -> Attending {
        let board = Arc::clone(&self.writer.board);
        let mut channel = line.channel;
        Box::pin(async move {
            let node = agent.node.clone();
            let join = board.joined(&node);
            let _leaving = Leaving {
                board: Arc::clone(&board),
                node: node.clone(),
                join,
            };
            let request = FollowBehaviorProfilesRequest {
                interval_seconds: INTERVAL,
            };
            let nothing = |_| {
                let seconds = SILENT.as_secs();
                format!("nothing of what it makes of BehaviorProfiles in {seconds} s")
            };
            let asked = told::ask(&mut channel, FOLLOW, &request, MESSAGE_MAX);
            let asked = timeout(SILENT, asked).await.map_err(nothing)?;
            let mut stream: Told<FollowBehaviorProfilesResponse> = match asked {
                Ok(stream) => stream,
                Err(status) if is_older(&status) => {
                    board.is_mute(&node, join);
                    tracing::debug!(
                        node,
                        "the agent is of a version that does not tell what it makes of BehaviorProfiles: what \
                         all make of them is not known"
                    );
                    // Until the connection ends it is there, and cannot tell.
                    return std::future::pending().await;
                }
                Err(status) => return Err(status.message().to_owned()),
            };
            loop {
                let message = timeout(SILENT, stream.message()).await.map_err(nothing)?;
                let message = message.map_err(|status| status.message().to_owned())?;
                let Some(message) = message else {
                    return Err("the agent ended".to_owned());
                };
                board.take(&node, join, &message);
            }
        })
    }

    fn lead(&self, fleet: Arc<Fleet>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let writer = self.writer.clone();
        Box::pin(async move {
            let board = Arc::clone(&writer.board);
            let knows = |node: &str| board.knows(node);
            let settled = settled(&fleet, knows, "what they make of BehaviorProfiles");
            let expect = |board: &Board| {
                if fleet.is_listed() {
                    let agents = fleet.agents();
                    board.expect(agents.iter().map(|agent| &*agent.node));
                }
            };
            writer.run(settled, expect).await;
        })
    }
}
