//! Nodes that are Ready, and whose agent is silent: what containers do there is not seen, which is a
//! violation of its own, reported when it begins and by its next revision when it is over.
//!
//! Whether a node is Ready is asked of the API only where its agent is silent: to watch all nodes would bring
//! down, for each of them, whatever its kubelet says of images and volumes. A node that is not Ready, or is
//! gone, has nobody to be silent.
//!
//! What is reported is the controller's own, in no agent's log; so it goes from one leader to the next in the
//! note of the Lease, with its ids: the next one reports it again as it was, and ends it.

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
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// `reason` of such a report.
pub const REASON: &str = "agent-silent";
/// Nodes that are asked for in one round, and how soon one is again.
const ASKED_MAX: usize = 8;
const AGAIN: Duration = Duration::from_secs(15);
/// Reports that are kept, and how long one that is over is, in nanoseconds.
const KEPT_MAX: usize = 256;
const KEPT: i64 = 3_600_000_000_000;

/// One report.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The node.
    pub node: String,
    /// Since when, in nanoseconds since the Unix epoch.
    pub since: i64,
    /// What is known of it.
    pub detail: String,
    /// When it was over, and how.
    pub over: Option<(i64, String)>,
}

impl Report {
    fn violation(&self, cluster: &str, over: Option<&(i64, String)>) -> Violation {
        let fingerprint =
            fingerprint::hex(&[REASON.as_bytes(), cluster.as_bytes(), self.node.as_bytes()]);
        let last = over.map_or(self.since, |(at, _)| *at);
        let detail = match over {
            None => self.detail.clone(),
            Some((_, how)) => format!("over: {how}; it was: {}", self.detail),
        };
        let mut violation = Violation {
            id: fingerprint::violation(&fingerprint, &self.node, self.since),
            fingerprint,
            revision: 1 + u32::from(over.is_some()),
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
    /// How long; none where it was heard of in time.
    pub quiet: Option<Duration>,
    /// What is known of it.
    pub detail: String,
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
    /// When a node was asked for last.
    asked: Mutex<BTreeMap<String, Instant>>,
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
        reports.truncate(KEPT_MAX);
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
        let mut room = ASKED_MAX;
        for one in nodes {
            let is_open = self
                .lock()
                .iter()
                .any(|it| it.node == one.node && it.over.is_none());
            match one.quiet {
                None if is_open => items.extend(self.end(&one.node, "its agent is heard of again")),
                None => drop(self.asked().remove(&one.node)),
                Some(_) if room == 0 || !self.is_due(&one.node) => {}
                Some(quiet) => {
                    room -= 1;
                    match (standing(api, &one.node).await, is_open) {
                        (Some(Standing::Ready), false) => items.extend(self.begin(one, quiet)),
                        (Some(Standing::Gone), true) => {
                            items.extend(
                                self.end(&one.node, "the node is no part of the cluster any more"),
                            );
                        }
                        // While the API does not answer nobody knows.
                        _ => {}
                    }
                }
            }
        }
        // What nobody knows any more: the node went, and with it its pods.
        let known = |node: &str| nodes.iter().any(|one| one.node == node);
        let forgotten = self.open().into_iter().filter(|one| !known(&one.node));
        for report in forgotten.collect::<Vec<_>>() {
            if room == 0 || !self.is_due(&report.node) {
                continue;
            }
            room -= 1;
            let how = match standing(api, &report.node).await {
                Some(Standing::Gone) => "the node is no part of the cluster any more",
                Some(_) => "no agent is meant to be there any more",
                None => continue,
            };
            items.extend(self.end(&report.node, how));
        }
        items
    }

    fn asked(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self, node: &str) -> bool {
        let mut asked = self.asked();
        let is_due = asked.get(node).is_none_or(|at| at.elapsed() >= AGAIN);
        if is_due {
            asked.insert(node.to_owned(), Instant::now());
        }
        is_due
    }

    fn begin(&self, one: &Quiet, quiet: Duration) -> Option<Item> {
        let mut all = self.lock();
        let now = crate::clock::now();
        all.retain(|it| it.over.as_ref().is_none_or(|(at, _)| now - at < KEPT));
        if all.len() >= KEPT_MAX {
            let oldest = all.iter().position(|it| it.over.is_some())?;
            all.remove(oldest);
        }
        let report = Report {
            node: one.node.clone(),
            since: now,
            detail: format!(
                "the node is Ready, and its agent was not heard of for {} s: {}; what containers do there is \
                 not seen. `lapwing status` of the controller says how it is",
                quiet.as_secs(),
                one.detail
            ),
            over: None,
        };
        tracing::error!(node = report.node, "{}", report.detail);
        let violation = report.violation(&self.cluster, None);
        all.push(report);
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
