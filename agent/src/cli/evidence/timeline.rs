//! What an agent reported of a container, up to now.

use super::Found;
use super::processes::Tree;
use crate::cli::past::{Mark, Past};
use crate::cli::{Code, Failure, text};
use crate::feed::LOG_TOO_SHORT;
use anyhow::anyhow;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::watch_request::Kind;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    Egress, Gap, Process, Violation, WatchRequest, WatchResponse, behaviour, violation,
};
use lapwing_proto::{Timestamp, nanoseconds};
use std::collections::{BTreeMap, BTreeSet};
use tonic::transport::Channel;

/// Bytes of reports that are kept, as JSON.
const BYTES_MAX: usize = 256 << 20;

/// Other containers that are named.
const OTHERS_MAX: usize = 16;

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
    /// What gaps say, by reason and place: how many, and whether nobody knows.
    missing: BTreeMap<(String, String), (u64, bool)>,
    /// Up to when the log keeps nothing.
    begins: Option<i64>,
    /// Reports that found no room.
    beyond: u64,
    /// Other containers of the workload of which violations were reported.
    others: BTreeSet<String>,
}

/// Items of these kinds; about a container where its id is given.
fn wanted(container: &str, kinds: &[Kind]) -> WatchRequest {
    WatchRequest {
        kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        container: container.to_owned(),
        ..WatchRequest::default()
    }
}

/// The container of a violation, by its id; or an ended container, by what it was called.
pub async fn search(
    client: &mut AgentClient<Channel>,
    target: &str,
    age: u64,
    upto: Mark,
) -> Result<Found, Failure> {
    let mut past = Past::begin(client, wanted("", &[Kind::Violation]), age, upto).await?;
    let mut found: Option<Found> = None;
    let new = |container, workload, violation| Found {
        container,
        workload,
        violation,
        traced: None,
    };
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
            return Ok(new(container, workload, id));
        }
        if !super::is_called(&container, target) && !super::is_of(Some(&workload), target) {
            continue;
        }
        match &found {
            Some(Found {
                container: other, ..
            }) if other.id != container.id => {
                let error = anyhow!(
                    "several containers that ended were called `{target}`, {} and {} among them: give more of \
                     the id",
                    other.id,
                    container.id
                );
                return Err(Failure::new(Code::Usage, error));
            }
            _ => found = Some(new(container, workload, String::new())),
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
    found: &Found,
    age: u64,
    upto: Mark,
) -> Result<Timeline, Failure> {
    let id = &found.container.id;
    let kinds = [Kind::Violation, Kind::Behaviour, Kind::Gap];
    let mut past = Past::begin(client, wanted(id, &kinds), age, upto.clone()).await?;
    let mut all = Timeline::default();
    while let Some(response) = past.next().await? {
        if all.json.len() >= BYTES_MAX {
            all.beyond += 1;
            continue;
        }
        all.take(&response, id)?;
    }
    // One that was restarted goes by the same name.
    let mut past = Past::begin(client, wanted("", &[Kind::Violation]), age, upto).await?;
    while let Some(response) = past.next().await? {
        if let Some(Item::Violation(violation)) = response.item
            && violation.workload.as_ref() == Some(&found.workload)
            && let Some(container) = violation.container
            && container.id != *id
            && all.others.len() < OTHERS_MAX
        {
            all.others.insert(container.id);
        }
    }
    Ok(all)
}

impl Timeline {
    /// What is missing, as sentences.
    pub fn incomplete(&self) -> Vec<String> {
        let mut all = Vec::new();
        if let Some(begins) = self.begins {
            let begins = super::time(begins);
            all.push(format!(
                "the agent keeps nothing of what was before {begins}: --since asks for more"
            ));
        }
        for ((reason, scope), (count, is_unknown)) in &self.missing {
            let more = match (count, is_unknown) {
                (0, _) => "an unknown number of".to_owned(),
                (count, true) => format!("{count} and an unknown number of"),
                (count, false) => count.to_string(),
            };
            all.push(format!(
                "{more} events or reports are missing: {reason} ({scope})"
            ));
        }
        if self.beyond > 0 {
            let count = self.beyond;
            all.push(format!(
                "{count} later reports found no room: ask for less with --since"
            ));
        }
        if !self.others.is_empty() {
            let others: Vec<&str> = self.others.iter().map(String::as_str).collect();
            all.push(format!(
                "of the same workload violations of other containers were reported, which are not in this: {}",
                others.join(", ")
            ));
        }
        all
    }

    fn gap(&mut self, gap: &Gap) {
        self.gaps += 1;
        if let (LOG_TOO_SHORT, Some(to)) = (&gap.reason[..], &gap.to) {
            self.begins = self.begins.max(Some(nanoseconds(to)));
            return;
        }
        let key = (gap.reason.clone(), gap.scope.clone());
        let (count, is_unknown) = self.missing.entry(key).or_default();
        *count = count.saturating_add(gap.count);
        *is_unknown |= gap.count == 0;
    }

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
                self.gap(gap);
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
