//! What an agent reported of a container, up to now.

use super::processes::Tree;
use crate::cli::past::{Mark, Past};
use crate::cli::{Code, Failure, text};
use crate::feed::LOG_TOO_SHORT;
use anyhow::anyhow;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::watch_request::Kind;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    Container, Egress, Gap, Process, Violation, WatchResponse, Workload, behaviour, violation,
};
use lapwing_proto::{Timestamp, nanoseconds};
use std::collections::BTreeSet;
use tonic::transport::Channel;

/// Bytes of reports that are kept, as JSON.
const BYTES_MAX: usize = 256 << 20;

/// Reports, in their order.
#[derive(Default)]
pub struct Timeline {
    /// One JSON object a line.
    pub json: Vec<u8>,
    /// For people.
    pub text: Vec<u8>,
    /// Which program led to which.
    pub tree: Tree,
    /// Each peer that was reported, with whether as a violation, and when.
    pub peers: Vec<(Egress, bool, i64)>,
    /// Ids.
    pub violations: BTreeSet<String>,
    /// Behaviours that were seen for the first time.
    pub behaviours: u64,
    /// Where something was lost.
    pub gaps: u64,
    /// What is missing, as sentences.
    pub incomplete: Vec<String>,
}

/// The container and workload of a violation, by its id; or of an ended container, by what it was called.
pub async fn search(
    client: &mut AgentClient<Channel>,
    target: &str,
    age: u64,
    upto: Mark,
) -> Result<(Container, Workload, String), Failure> {
    let mut past = Past::begin(client, "", &[Kind::Violation], age, upto).await?;
    let mut found: Option<(Container, Workload, String)> = None;
    while let Some(response) = past.next().await? {
        let Some(Item::Violation(violation)) = response.item else {
            continue;
        };
        let Violation {
            id,
            container,
            workload,
            ..
        } = violation;
        let Some(container) = container else {
            continue;
        };
        let workload = workload.unwrap_or_default();
        if id == target {
            return Ok((container, workload, id));
        }
        if !super::is_called(&container, target) && !super::is_of(Some(&workload), target) {
            continue;
        }
        match &found {
            Some((other, ..)) if other.id != container.id => {
                let error = anyhow!(
                    "several containers that ended were called `{target}`, {} and {} among them: give more of \
                     the id",
                    other.id,
                    container.id
                );
                return Err(Failure::new(Code::Usage, error));
            }
            _ => found = Some((container, workload, String::new())),
        }
    }
    found.ok_or_else(|| {
        let error = anyhow!(
            "no container is called `{target}`, and no violation of that id or of such a container was reported \
             within --since: `lapwing containers` shows what runs, `lapwing watch --since 24h` what was reported"
        );
        Failure::new(Code::Failed, error)
    })
}

/// All that was reported of a container, and of the node.
pub async fn collect(
    client: &mut AgentClient<Channel>,
    container: &str,
    age: u64,
    upto: Mark,
) -> Result<Timeline, Failure> {
    let kinds = [Kind::Violation, Kind::Behaviour, Kind::Gap];
    let mut past = Past::begin(client, container, &kinds, age, upto).await?;
    let mut all = Timeline::default();
    let mut beyond = 0_u64;
    while let Some(response) = past.next().await? {
        if all.json.len() >= BYTES_MAX {
            beyond += 1;
            continue;
        }
        all.take(&response, container)?;
    }
    if beyond > 0 {
        all.incomplete.push(format!(
            "{beyond} later reports found no room: ask for less with --since"
        ));
    }
    Ok(all)
}

/// What a gap says, as a sentence.
fn missing(gap: &Gap) -> String {
    if gap.reason == LOG_TOO_SHORT {
        let to = gap.to.as_ref().map_or_else(String::new, |to| {
            format!(" before {}", crate::cli::profile_replay::time(Some(to)))
        });
        return format!("the agent keeps nothing of what was{to}: --since asks for more");
    }
    let count = match gap.count {
        0 => "an unknown number of".to_owned(),
        count => count.to_string(),
    };
    let Gap { reason, scope, .. } = gap;
    format!("{count} events or reports are missing: {reason} ({scope})")
}

impl Timeline {
    fn take(&mut self, response: &WatchResponse, container: &str) -> Result<(), Failure> {
        match &response.item {
            Some(Item::Violation(violation)) => {
                self.violations.insert(violation.id.clone());
                let peer = match &violation.detail {
                    Some(violation::Detail::Egress(peer)) => Some(peer),
                    _ => None,
                };
                // The entry alone, without what makes it a line of a list.
                let entry = violation.patch.trim_start_matches("- ");
                let note = format!("{} {entry}", violation.rule);
                self.process(violation.process.as_ref(), note.trim_end());
                self.peer(peer, true, violation.last_seen.as_ref());
            }
            Some(Item::Behaviour(behaviour)) => {
                self.behaviours += 1;
                let peer = match &behaviour.detail {
                    Some(behaviour::Detail::Egress(peer)) => Some(peer),
                    _ => None,
                };
                self.peer(peer, false, behaviour.time.as_ref());
            }
            Some(Item::Gap(gap)) => {
                // One that is another container's tells nothing of this one.
                let is_others = !["node", "stream", container].contains(&&gap.scope[..]);
                if is_others {
                    return Ok(());
                }
                self.gaps += 1;
                self.incomplete.push(missing(gap));
            }
            Some(Item::Heartbeat(_)) | None => return Ok(()),
        }
        self.json.extend(super::line(response)?);
        let mut text = anstream::StripStream::new(&mut self.text);
        text::item(&mut text, response)?;
        Ok(())
    }

    fn process(&mut self, process: Option<&Process>, note: &str) {
        if let Some(process) = process {
            self.tree.add(process, note);
        }
    }

    fn peer(&mut self, peer: Option<&Egress>, is_violation: bool, at: Option<&Timestamp>) {
        let at = at.map_or(0, nanoseconds);
        self.peers
            .extend(peer.map(|peer| (peer.clone(), is_violation, at)));
    }
}
