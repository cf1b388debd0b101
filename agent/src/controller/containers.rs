//! Which containers are of an image, on all nodes: `ListContainers` of a controller.
//!
//! The agents that are connected are asked side by side, each for the containers of that image alone. Nothing is kept
//! between two questions, so nothing has to be told when containers come and go; and an answer is as of now, or
//! says which nodes it has nothing of, and why. Those that were heard lately are asked first: who hangs holds
//! nobody up but those that may hang too.
//!
//! What an agent answers may be anything. An older one tells all its containers; one that is taken over tells
//! what it likes, of its own node alone. So what is wanted is looked for again, each answer has bounds, and of the room
//! for all of them none takes more than a part.

mod answer;

use super::fleet::{Fleet, Line};
use super::relay::{Relay, Whom};
use super::told;
use crate::api::reach::Namespaces;
use crate::container::digest::Digits;
use crate::container::identity::bounded;
use crate::kubernetes::watch::Follower;
use answer::Answer;
use lapwing_proto::v1::get_status_response::identity::source::State;
use lapwing_proto::v1::list_containers_response::{Missing, missing::Reason};
use lapwing_proto::v1::{ListContainersRequest, ListContainersResponse, TracedContainer};
use prost::Message;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tonic::{Code, Status};

/// The call.
const LIST: &str = "/lapwing.v1.Agent/ListContainers";
/// Agents that are asked at a time, for one client.
const ASKED: usize = 16;
/// How long one may take, and all of them.
const PATIENCE: Duration = Duration::from_secs(5);
const ROUND: Duration = Duration::from_secs(30);
/// Bytes of one answer; older agents tell all that their node runs.
const ANSWER_MAX: usize = 4 << 20;
/// Bytes of what is answered to a client, of which one node may have a part of what is left.
const ROOM: usize = 16 << 20;
const SHARE: usize = 8;

/// What is asked, and by whom.
pub struct Question {
    /// The image.
    pub digits: Digits,
    /// Of which namespaces the client may see workloads.
    pub namespaces: Namespaces,
}

/// What an agent did not answer.
type Refusal = (Reason, String);

impl Question {
    /// Asks the agents that are connected.
    pub async fn ask(&self, relay: &Relay, fleet: &Fleet) -> ListContainersResponse {
        let mut found = Found::default();
        let health = fleet.health().report();
        if !fleet.is_listed() || health.state != State::Connected {
            let detail = match health.last_error.as_str() {
                "" => "the API of the cluster has not told yet which agents there are",
                error => error,
            };
            found.miss("", Reason::Unheard, detail.to_owned(), 0);
        }
        let mut waiting = VecDeque::new();
        for Whom {
            node,
            line,
            is_heard,
            detail,
        } in relay.all(fleet)
        {
            match line {
                None => found.miss(&node, Reason::Away, detail, 0),
                Some(line) if is_heard => waiting.push_front((node, line)),
                Some(line) => waiting.push_back((node, line)),
            }
        }
        let over = Instant::now() + ROUND;
        let patience = relay.patience().min(PATIENCE);
        let mut asking = JoinSet::new();
        loop {
            while asking.len() < ASKED
                && let Some((node, line)) = waiting.pop_front()
            {
                asking.spawn(one(node, line, self.digits.clone(), over, patience));
            }
            match asking.join_next().await {
                None => break,
                Some(Ok((node, told))) => found.take(self, &node, told),
                // It has no name any more, and no way to fail either.
                Some(Err(error)) => found.miss("", Reason::Failed, error.to_string(), 0),
            }
        }
        found.response(self)
    }
}

/// Asks one agent, until it has answered, had its time, or that of all is up.
async fn one(
    node: String,
    mut line: Line,
    digits: Digits,
    over: Instant,
    patience: Duration,
) -> (String, Result<Answer, Refusal>) {
    let begun = Instant::now();
    if begun >= over {
        let why = format!(
            "no time was left to ask it: others took {} s",
            ROUND.as_secs()
        );
        return (node, Err((Reason::Late, why)));
    }
    let asked = timeout(patience, timeout_at(over, call(&mut line, &digits))).await;
    let answer = match asked {
        Ok(Ok(answer)) => answer.map_err(|status| match status.code() {
            Code::Unimplemented => (
                Reason::Unable,
                "its version does not know the call".to_owned(),
            ),
            _ => (Reason::Failed, bounded(status.message())),
        }),
        Ok(Err(_)) | Err(_) => {
            let seconds = begun.elapsed().as_secs_f32();
            Err((Reason::Late, format!("no answer within {seconds:.0} s")))
        }
    };
    (node, answer)
}

async fn call(line: &mut Line, digits: &Digits) -> Result<Answer, Status> {
    let request = ListContainersRequest {
        image_digest: digits.text().to_owned(),
    };
    let mut told = told::ask(&mut line.channel, LIST, &request, ANSWER_MAX).await?;
    let answer = told.message().await?;
    answer.ok_or_else(|| Status::internal("it ended without an answer"))
}

/// What was told.
#[derive(Default)]
struct Found {
    containers: Vec<TracedContainer>,
    bytes: usize,
    answered: u32,
    missing: Vec<Missing>,
}

impl Found {
    fn miss(&mut self, node: &str, reason: Reason, detail: String, containers: u64) {
        self.missing.push(Missing {
            node: node.to_owned(),
            reason: reason.into(),
            detail,
            containers,
        });
    }

    /// What a node told.
    fn take(&mut self, question: &Question, node: &str, told: Result<Answer, Refusal>) {
        let answer = match told {
            Ok(answer) => answer,
            Err((reason, detail)) => return self.miss(node, reason, detail, 0),
        };
        self.answered += 1;
        let mut share = ROOM.saturating_sub(self.bytes) / SHARE;
        let (mut without, mut cut) = (0, 0);
        for mut one in answer.containers {
            let digest = one.container.as_ref().map(|it| it.image_digest.as_str());
            let fits = question.digits.fit(digest.unwrap_or_default());
            if fits == Some(false) || !question.namespaces.has(one.workload.as_ref()) {
                continue;
            }
            if fits.is_none() {
                without += 1;
                continue;
            }
            // Where it runs is known, whatever it says.
            node.clone_into(&mut one.node);
            let length = one.encoded_len();
            match share.checked_sub(length) {
                Some(left) => share = left,
                None => {
                    cut += 1;
                    continue;
                }
            }
            self.bytes += length;
            self.containers.push(one);
        }
        if without > 0 {
            self.miss(node, Reason::NoDigest, String::new(), without);
        }
        if cut > 0 {
            let detail = "the answer has no room for more of it".to_owned();
            self.miss(node, Reason::Cut, detail, cut);
        }
        if answer.more > 0 {
            let detail = format!(
                "it told of {} containers more than are taken of a node; of which image they are was not looked at",
                answer.more
            );
            self.miss(node, Reason::Cut, detail, 0);
        }
    }

    fn response(mut self, question: &Question) -> ListContainersResponse {
        let at = |one: &TracedContainer| (one.node.clone(), one.cgroup_path.clone());
        self.containers.sort_by_cached_key(at);
        self.missing
            .sort_by(|one, other| (&one.node, one.reason).cmp(&(&other.node, other.reason)));
        if question.namespaces != Namespaces::All {
            for one in &mut self.missing {
                one.detail.clear();
            }
        }
        ListContainersResponse {
            containers: self.containers,
            answered: self.answered,
            missing: self.missing,
        }
    }
}

#[cfg(test)]
mod tests;
