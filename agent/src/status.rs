//! What the agent says of itself.

use crate::clock::Clock;
use crate::container::Registry;
use crate::feed::Feed;
use crate::feed::positions::Position;
use crate::judge::modes::Word;
use crate::judge::report;
use crate::kernel::sensor::HookState;
use crate::kernel::tables::Tables;
use lapwing_profile::workload::Workload;
use lapwing_proto::timestamp;
use lapwing_proto::v1::{self, get_status_response::Hook};
use std::collections::HashMap;

/// The kernel that runs, as `uname -r` says.
#[must_use]
pub fn kernel() -> String {
    rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned()
}

/// This host's name.
#[must_use]
pub fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// The agent's resident memory in bytes; 0 where it cannot be read.
#[must_use]
pub fn memory() -> u64 {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split(' ').nth(1)?.parse().ok())
        .unwrap_or_default();
    pages * rustix::param::page_size() as u64
}

/// Each row of the hook table.
#[must_use]
pub fn hooks(hooks: &[HookState], tables: &Tables) -> Vec<Hook> {
    hooks
        .iter()
        .map(|state| (state, tables.hits(state.row)))
        .map(|(state, (hits, recalled))| Hook {
            row: state.row.id().to_owned(),
            tier: state
                .tier
                .map(|tier| tier.name().to_owned())
                .unwrap_or_default(),
            target: state.target.clone(),
            misses: state.misses.to_owned(),
            refused: state.refused.iter().map(ToString::to_string).collect(),
            hits,
            recalled,
        })
        .collect()
}

/// The log of what was reported, and who follows it.
#[must_use]
pub fn feed(feed: &Feed) -> v1::get_status_response::Feed {
    use v1::get_status_response::Spool;
    let summary = feed.summary();
    let consumers = feed.consumers().into_iter().flat_map(|consumers| {
        let named = consumers.names().into_iter();
        named.filter_map(|name| consumers.position(&name).map(|it| (name, it)))
    });
    v1::get_status_response::Feed {
        epoch: summary.epoch,
        first: summary.first,
        next: summary.next,
        subscribers: summary.subscribers,
        spool: summary.spool.map(|spool| Spool {
            bytes: spool.bytes,
            segments: spool.segments,
            oldest: spool.oldest.map(timestamp),
            written_bytes: spool.written,
        }),
        trouble: (summary.trouble).map_or_else(String::new, |trouble| trouble.detail),
        lost: summary.lost,
        consumers: consumers
            .map(|(name, position)| consumer(feed, name, position))
            .collect(),
    }
}

/// How far one who follows by name has come.
#[must_use]
pub fn consumer(
    feed: &Feed,
    name: String,
    position: Position,
) -> v1::get_status_response::Consumer {
    v1::get_status_response::Consumer {
        name,
        behind: feed.behind(&position.cursor).unwrap_or_default(),
        cursor: position.cursor,
        stored_time: Some(timestamp(position.stored)),
    }
}

/// The containers that run, and what is asked for of each.
#[must_use]
pub fn containers<'a>(
    registry: &Registry,
    clock: Clock,
    asked: impl Fn(u64) -> Option<&'a Word>,
) -> v1::ListContainersResponse {
    let mut containers: Vec<_> = registry
        .running()
        .map(|instance| v1::TracedContainer {
            container: Some(report::container(instance)),
            workload: Some(report::workload(&instance.workload)),
            cgroup_path: instance.path.clone(),
            start_time: Some(timestamp(clock.wall(instance.since))),
            seen_from_start: instance.from_start,
            asked_mode: { asked(instance.home) }
                .map_or_else(String::new, |word| word.asked.to_string()),
            asked_by: { asked(instance.home) }
                .map_or_else(String::new, |word| word.voice.to_string()),
            node: String::new(),
        })
        .collect();
    containers.sort_by(|a, b| a.cgroup_path.cmp(&b.cgroup_path));
    v1::ListContainersResponse {
        containers,
        ..v1::ListContainersResponse::default()
    }
}

/// How many containers run of each workload.
#[must_use]
pub fn instances(registry: &Registry) -> HashMap<Workload, u32> {
    let mut counts = HashMap::new();
    for instance in registry.running().filter(|instance| instance.is_named()) {
        *counts.entry(instance.workload.clone()).or_default() += 1;
    }
    counts
}
