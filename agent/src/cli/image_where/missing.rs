//! What a controller's answer does not have, in sentences.

use crate::cli::profile_replay::time;
use crate::feed::LOG_TOO_SHORT;
use lapwing_proto::v1::get_status_response::Fleet;
use lapwing_proto::v1::list_containers_response::Missing;
use lapwing_proto::v1::list_containers_response::missing::Reason;
use lapwing_proto::v1::{Gap, Owed};
use lapwing_proto::{Timestamp, nanoseconds};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// Nodes that are named in one sentence; the others are counted.
const NAMED: usize = 8;
/// The scope of a gap that concerns all of a node.
const NODE: &str = "node";

/// The first of some nodes, each with what is known of it.
fn named<D: Display>(nodes: impl IntoIterator<Item = (impl AsRef<str>, D)>) -> String {
    let mut nodes = nodes.into_iter();
    let one = |(node, detail): (_, D)| {
        let (node, detail): (&str, String) = (AsRef::<str>::as_ref(&node), detail.to_string());
        match detail.as_str() {
            "" => node.to_owned(),
            detail => format!("{node} ({detail})"),
        }
    };
    let mut text: Vec<String> = nodes.by_ref().take(NAMED).map(one).collect();
    match nodes.count() {
        0 => {}
        more => text.push(format!("{more} more")),
    }
    text.join(", ")
}

/// `1 node`, `2 nodes`.
pub(super) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}

/// Nodes of which containers are missing.
pub(super) fn of_nodes(missing: &[Missing], incomplete: &mut Vec<String>) {
    let mut by_reason: BTreeMap<i32, Vec<&Missing>> = BTreeMap::new();
    for one in missing {
        by_reason.entry(one.reason).or_default().push(one);
    }
    for (reason, all) in by_reason {
        let nodes = counted(all.len(), "node");
        let told = || named(all.iter().map(|one| (&one.node, &one.detail)));
        let sum: u64 = all.iter().map(|one| one.containers).sum();
        incomplete.push(match Reason::try_from(reason) {
            Ok(Reason::Away) => format!(
                "what runs on {nodes} is not known, as the agent is not connected: {}",
                told()
            ),
            Ok(Reason::Late) => {
                format!("what runs on {nodes} is not known, as the agent took too long: {}", told())
            }
            Ok(Reason::Unable) => format!(
                "what runs on {nodes} is not known, as the agent's version cannot say it: {}",
                told()
            ),
            Ok(Reason::Failed) => format!(
                "what runs on {nodes} is not known, as the agent gave no answer that is of use: {}",
                told()
            ),
            Ok(Reason::Cut) => {
                let more = |one: &&Missing| match one.containers {
                    0 => one.detail.clone(),
                    more => format!("{more} more"),
                };
                let told = named(all.iter().map(|one| (&one.node, more(one))));
                format!("not all containers of {nodes} are told: {told}")
            }
            Ok(Reason::NoDigest) => {
                let told = named(all.iter().map(|one| (&one.node, one.containers)));
                format!(
                    "of {sum} running containers nobody told the digest: whether they are of this image is not \
                     known: {told}"
                )
            }
            Ok(Reason::Unheard) => {
                let why = all.first().map_or("", |one| one.detail.as_str());
                format!("there may be agents that the controller does not know of: {why}")
            }
            Ok(Reason::Unspecified) | Err(_) => {
                format!("of {nodes} something is missing that this program has no word for: {}", told())
            }
        });
    }
}

/// Nodes that have not told all that they reported.
pub(super) fn of_owed(owed: &Owed, incomplete: &mut Vec<String>) {
    if owed.nodes == 0 {
        return;
    }
    let unnamed = (owed.nodes as usize).saturating_sub(owed.names.len());
    let names = owed.names.iter().map(|name| (name.as_str(), ""));
    let others = std::iter::repeat_n(("", ""), unnamed);
    let remedy = match owed.asked {
        0 => "as the agent cannot be asked",
        _ => "there may be more with a longer --wait",
    };
    incomplete.push(format!(
        "what deviated on {} is not all known, {remedy}: {}",
        counted(owed.nodes as usize, "node"),
        named(names.chain(others))
    ));
}

/// What agents lost, and who of them is silent.
pub(super) fn of_fleet(fleet: &Fleet, incomplete: &mut Vec<String>) {
    let silent: Vec<_> = { fleet.silent.iter() }
        .map(|one| (&one.node, format!("since {}", time(one.since.as_ref()))))
        .collect();
    if !silent.is_empty() {
        incomplete.push(format!(
            "what happens on {} is not seen, as the agent is silent: {}",
            counted(silent.len(), "node"),
            named(silent)
        ));
    }
    let mut lost: Vec<_> = { fleet.agents.iter() }
        .filter(|one| one.lost > 0)
        .map(|one| (&one.node, one.lost))
        .collect();
    lost.sort_by_key(|(_, lost)| std::cmp::Reverse(*lost));
    if !lost.is_empty() {
        let all: u64 = lost
            .iter()
            .fold(0, |all, (_, lost)| all.saturating_add(*lost));
        incomplete.push(format!(
            "agents lost {all} events since they started, `lapwing status` there says why: {}",
            named(lost)
        ));
    }
}

/// What is missing in what agents reported.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// From when on nodes have their logs, where that is not far enough.
    short: BTreeMap<String, Timestamp>,
    /// The nodes of each other reason, and how much of each is missing.
    others: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Gaps {
    /// One of them. Those of single containers are told of by what agents lost.
    pub(super) fn take(&mut self, gap: Gap) {
        match (gap.reason.as_str(), gap.to) {
            (LOG_TOO_SHORT, Some(to)) => {
                let known = self.short.entry(gap.node).or_insert(to);
                if nanoseconds(known) < nanoseconds(&to) {
                    *known = to;
                }
            }
            _ if gap.scope == NODE => {
                let nodes = self.others.entry(gap.reason).or_default();
                let count = nodes.entry(gap.node).or_default();
                *count = count.saturating_add(gap.count);
            }
            _ => {}
        }
    }

    /// All of it.
    pub(super) fn tell(&self, incomplete: &mut Vec<String>) {
        if !self.short.is_empty() {
            let mut nodes: Vec<_> = self.short.iter().collect();
            nodes.sort_by_key(|(_, to)| std::cmp::Reverse(nanoseconds(to)));
            let told = nodes
                .iter()
                .map(|(node, to)| (node, format!("before {}", time(Some(to)))));
            incomplete.push(format!(
                "the agents of {} keep nothing of what was earlier: {}",
                counted(nodes.len(), "node"),
                named(told)
            ));
        }
        for (reason, nodes) in &self.others {
            let count = |count: u64| match count {
                0 => String::new(),
                count => count.to_string(),
            };
            let told = nodes.iter().map(|(node, lost)| (node, count(*lost)));
            incomplete.push(format!(
                "reports of {} are missing for a time, {reason}: {}",
                counted(nodes.len(), "node"),
                named(told)
            ));
        }
    }
}

/// Nodes by their names, in short.
pub(super) fn names(nodes: &BTreeSet<&str>) -> String {
    named(nodes.iter().map(|node| (node, "")))
}

#[cfg(test)]
mod tests;
