//! Nodes that are Ready, and whose agent is silent: what containers do there is not seen, which is a
//! violation of its own, reported when it begins and by its next revision when it is over.
//!
//! Whether a node is Ready is asked of the API only where its agent is silent: to watch all nodes would bring
//! down, for each of them, whatever its kubelet says of images and volumes. A node that is not Ready, or is
//! gone, has nobody to be silent.
//!
//! Many may be silent at once, as where a switch fails or an update goes wrong: nodes without a report are asked
//! for before the others, and where there is no room for more reports one says of how many nodes it is missing.
//!
//! What is reported is the controller's own, in no agent's log; so it goes from one leader to the next in the
//! note of the Lease, with its ids: the next one reports it again as it was, and ends it.

use super::lease::NOTE_MAX;
use crate::judge::report;
use crate::kubernetes::api::Api;
use crate::kubernetes::object::absent;
use lapwing_profile::fingerprint;
use lapwing_profile::rule::{Rule, Severity};
use lapwing_proto::timestamp;
use lapwing_proto::v1::violation::Detail;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Degraded, Violation};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// `reason` of such a report.
pub const REASON: &str = "agent-silent";
/// Nodes that are asked for in one round, how many of these are kept for such that have a report, and how soon
/// one is asked for again.
const ASKED_MAX: usize = 8;
const REPORTED_MAX: usize = 2;
const AGAIN: Duration = Duration::from_secs(15);
/// Reports of a node that are kept, how many bytes they may have in the note of the Lease, and how long one that
/// is over is kept, in nanoseconds.
pub(super) const KEPT_MAX: usize = 256;
const KEPT_BYTES: usize = NOTE_MAX - (8 << 10);
const KEPT: i64 = 3_600_000_000_000;
/// By so much one grows when it is over, at most.
const OVER_BYTES: usize = 128;
/// Longest part of a report that says what is known, in bytes.
const DETAIL_MAX: usize = 160;

/// One report.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The node; empty in that of the nodes for which there is no room.
    pub node: String,
    /// Since when, in nanoseconds since the Unix epoch.
    pub since: i64,
    /// What is known of it.
    pub detail: String,
    /// When it was over, and how.
    pub over: Option<(i64, String)>,
    /// Of how many nodes it is where it is of several, how often it was told anew, and when last, in nanoseconds
    /// since the Unix epoch.
    #[serde(default)]
    more: (u32, u32, i64),
}

impl Report {
    /// How long it is in the note, at most.
    fn size(&self) -> usize {
        serde_json::to_string(self).map_or(KEPT_BYTES, |text| text.len() + OVER_BYTES)
    }

    /// Whether it is of the nodes for which there is no room.
    fn is_of_more(&self) -> bool {
        self.node.is_empty()
    }

    fn violation(&self, cluster: &str, over: Option<&(i64, String)>) -> Violation {
        let fingerprint =
            fingerprint::hex(&[REASON.as_bytes(), cluster.as_bytes(), self.node.as_bytes()]);
        let (_, again, told) = self.more;
        let last = over.map_or(self.since.max(told), |(at, _)| *at);
        let detail = match over {
            None => self.detail.clone(),
            Some((_, how)) => format!("over: {how}; it was: {}", self.detail),
        };
        let mut violation = Violation {
            id: fingerprint::violation(&fingerprint, &self.node, self.since),
            fingerprint,
            revision: again.saturating_add(1 + u32::from(over.is_some())),
            time: Some(timestamp(last)),
            first_seen: Some(timestamp(self.since)),
            last_seen: Some(timestamp(last)),
            cluster: cluster.to_owned(),
            node: self.node.clone(),
            count: 1,
            detail: Some(Detail::Degraded(Degraded {
                reason: REASON.to_owned(),
                detail,
            })),
            ..Violation::default()
        };
        let rule = Rule::SensorDegraded;
        report::apply_rule(&mut violation, rule, Severity::High, rule.attack());
        violation
    }
}

/// A node, and how long nothing was heard of its agent.
#[derive(Clone, Debug)]
pub struct Quiet {
    /// The node.
    pub node: String,
    /// How long.
    pub hearing: Hearing,
    /// What is known of it.
    pub detail: String,
}

/// When an agent was heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// In time.
    InTime,
    /// Not yet by this leader, and there is time.
    Awaited,
    /// Not for so long, which is too long.
    Silent(Duration),
}

/// What a look at a node said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Ready,
    Not,
    Gone,
}

/// All such nodes.
#[derive(Debug)]
pub struct Silence {
    cluster: String,
    reports: Mutex<Vec<Report>>,
    /// When a node was asked for last, and what was said.
    asked: Mutex<HashMap<String, (Instant, Option<Standing>)>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Node {
    #[serde(deserialize_with = "absent")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(deserialize_with = "absent")]
    conditions: Vec<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

impl Silence {
    /// With what a leader before had reported.
    #[must_use]
    pub fn new(cluster: &str, mut reports: Vec<Report>) -> Self {
        reports.truncate(KEPT_MAX + 1);
        Self {
            cluster: cluster.to_owned(),
            reports: Mutex::new(reports),
            asked: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Report>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was reported and is not forgotten, for the next leader.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.lock().clone()
    }

    /// The nodes of which it is not over.
    #[must_use]
    pub fn open(&self) -> Vec<Report> {
        let all = self.lock();
        all.iter()
            .filter(|one| one.over.is_none())
            .cloned()
            .collect()
    }

    /// All of that as it was reported, from a time on, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn items(&self, from: i64) -> Vec<Item> {
        let mut items = Vec::new();
        for report in &*self.lock() {
            let last = report.over.as_ref().map_or(i64::MAX, |(at, _)| *at);
            if last < from {
                continue;
            }
            items.push(report.violation(&self.cluster, None));
            if report.over.is_some() {
                items.push(report.violation(&self.cluster, report.over.as_ref()));
            }
        }
        items.into_iter().map(Item::Violation).collect()
    }

    /// Looks at all nodes whose agents are known. Answers with what is to be reported.
    pub async fn round(&self, api: &Api, nodes: &[Quiet]) -> Vec<Item> {
        let mut items = Vec::new();
        let open: HashSet<String> = self.open().into_iter().map(|it| it.node).collect();
        let (mut fresh, mut reported) = (Vec::new(), Vec::new());
        for one in nodes {
            match (one.hearing, open.contains(&one.node)) {
                (Hearing::InTime, true) => {
                    items.extend(self.end(&one.node, "its agent is heard of again"));
                }
                (Hearing::InTime, false) => drop(self.asked().remove(&one.node)),
                (Hearing::Silent(quiet), false) => fresh.push((one, quiet)),
                (Hearing::Silent(_), true) => reported.push((one.node.as_str(), true)),
                (Hearing::Awaited, _) => {}
            }
        }
        // What nobody knows any more: the node went, and with it its pods.
        let known: HashSet<&str> = nodes.iter().map(|one| one.node.as_str()).collect();
        let is_forgotten = |node: &&String| !node.is_empty() && !known.contains(node.as_str());
        reported.extend(
            { open.iter() }
                .filter(is_forgotten)
                .map(|node| (node.as_str(), false)),
        );
        self.asked()
            .retain(|node, _| known.contains(node.as_str()) || open.contains(node));
        let mut fresh = self.due(fresh, |(one, _)| &one.node);
        let mut reported = self.due(reported, |(node, _)| node);
        fresh.truncate(ASKED_MAX - REPORTED_MAX.min(reported.len()));
        reported.truncate(ASKED_MAX - fresh.len());
        let mut is_full = false;
        for (one, quiet) in fresh {
            if self.ask(api, &one.node).await == Some(Standing::Ready) {
                let begun = self.begin(one, quiet);
                is_full |= begun.is_none();
                items.extend(begun);
            }
        }
        for (node, is_known) in reported {
            let how = match (self.ask(api, node).await, is_known) {
                (Some(Standing::Gone), _) => "the node is no part of the cluster any more",
                (Some(_), false) => "no agent is meant to be there any more",
                // While the API does not answer nobody knows.
                (Some(_), true) | (None, _) => continue,
            };
            items.extend(self.end(node, how));
        }
        items.extend(self.count(nodes, is_full));
        items
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<String, (Instant, Option<Standing>)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that may be asked for, first who was not for the longest time.
    fn due<T>(&self, all: Vec<T>, node: impl Fn(&T) -> &str) -> Vec<T> {
        let asked = self.asked();
        let at = |one: &T| asked.get(node(one)).map(|(at, _)| *at);
        let mut due: Vec<T> = { all.into_iter() }
            .filter(|one| at(one).is_none_or(|at| at.elapsed() >= AGAIN))
            .collect();
        due.sort_by_key(|one| at(one));
        due
    }

    async fn ask(&self, api: &Api, node: &str) -> Option<Standing> {
        let standing = standing(api, node).await;
        self.asked()
            .insert(node.to_owned(), (Instant::now(), standing));
        standing
    }

    /// None where there is no room.
    fn begin(&self, one: &Quiet, quiet: Duration) -> Option<Item> {
        let now = crate::clock::now();
        let report = Report {
            node: one.node.clone(),
            since: now,
            detail: format!(
                "the node is Ready, and its agent was not heard of for {} s: {}; what containers do there is \
                 not seen. `lapwing status` of the controller says how it is",
                quiet.as_secs(),
                shortened(&one.detail)
            ),
            over: None,
            more: (0, 0, 0),
        };
        let mut all = self.lock();
        all.retain(|it| { it.over.as_ref() }.is_none_or(|(at, _)| now.saturating_sub(*at) < KEPT));
        let size = report.size();
        let has_room = |all: &[Report]| {
            let bytes = || all.iter().map(Report::size).sum::<usize>();
            let named = all.iter().filter(|it| !it.is_of_more()).count();
            named < KEPT_MAX && bytes() + size <= KEPT_BYTES
        };
        while !has_room(&all) {
            let oldest = all.iter().position(|it| it.over.is_some())?;
            all.remove(oldest);
        }
        tracing::error!(node = report.node, "{}", report.detail);
        let violation = report.violation(&self.cluster, None);
        all.push(report);
        Some(Item::Violation(violation))
    }

    /// What is to be said of nodes for which there is no room: when that begins, when there are twice as many,
    /// and when it is over.
    fn count(&self, nodes: &[Quiet], is_full: bool) -> Option<Item> {
        let mut all = self.lock();
        let open: HashSet<&str> = { all.iter() }
            .filter(|it| it.over.is_none())
            .map(|it| it.node.as_str())
            .collect();
        let (mut ready, mut is_known) = (0_u32, true);
        {
            let asked = self.asked();
            for one in nodes.iter().filter(|one| !open.contains(&*one.node)) {
                let standing = asked.get(&one.node).and_then(|(_, standing)| *standing);
                match (one.hearing, standing) {
                    (Hearing::InTime, _) => {}
                    (Hearing::Silent(_), Some(Standing::Ready)) => ready += 1,
                    (Hearing::Silent(_), Some(Standing::Not | Standing::Gone)) => {}
                    (Hearing::Silent(_), None) | (Hearing::Awaited, _) => is_known = false,
                }
            }
        }
        let detail = format!(
            "{ready} more nodes are Ready whose agents are silent: what containers do there is not seen. There is \
             no room to report each by its name"
        );
        let now = crate::clock::now();
        let last = { all.iter_mut() }.find(|it| it.is_of_more() && it.over.is_none());
        let report = match last {
            None if !is_full || ready == 0 => return None,
            None => {
                all.retain(|it| !it.is_of_more());
                all.push(Report {
                    node: String::new(),
                    since: now,
                    detail,
                    over: None,
                    more: (ready, 0, now),
                });
                all.last()?
            }
            Some(report) if ready == 0 && is_known => {
                report.over = Some((now, "there are none, or each has its own report".to_owned()));
                report
            }
            Some(report) => {
                let (before, again, _) = report.more;
                if ready < before.saturating_mul(2).max(1) {
                    return None;
                }
                report.detail = detail;
                report.more = (ready, again.saturating_add(1), now);
                report
            }
        };
        match &report.over {
            None => tracing::error!("{}", report.detail),
            Some((_, how)) => tracing::info!("over: {how}; it was: {}", report.detail),
        }
        let violation = report.violation(&self.cluster, report.over.as_ref());
        Some(Item::Violation(violation))
    }

    fn end(&self, node: &str, how: &str) -> Option<Item> {
        self.asked().remove(node);
        let mut all = self.lock();
        let report = all
            .iter_mut()
            .find(|it| it.node == node && it.over.is_none())?;
        report.over = Some((crate::clock::now(), how.to_owned()));
        tracing::info!(node, "over: {how}");
        let violation = report.violation(&self.cluster, report.over.as_ref());
        Some(Item::Violation(violation))
    }
}

/// What is known, in short.
fn shortened(detail: &str) -> String {
    let end = detail.floor_char_boundary(DETAIL_MAX);
    match end < detail.len() {
        true => format!("{} ...", &detail[..end]),
        false => detail.to_owned(),
    }
}

/// What the API says of a node; none where it does not.
async fn standing(api: &Api, node: &str) -> Option<Standing> {
    let answer = match api.get(&format!("/api/v1/nodes/{node}")).await {
        Ok(answer) => answer,
        Err(failure) if failure.is_missing() => return Some(Standing::Gone),
        Err(failure) => {
            let error = &failure.text;
            tracing::warn!(
                node,
                error,
                "whether the node of a silent agent is Ready is not known"
            );
            return None;
        }
    };
    let read: Node = serde_json::from_slice(&answer).ok()?;
    let is_ready = |it: &Condition| it.kind == "Ready" && it.status == "True";
    Some(match read.status.conditions.iter().any(is_ready) {
        true => Standing::Ready,
        false => Standing::Not,
    })
}
