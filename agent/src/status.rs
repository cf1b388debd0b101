//! What the agent says of itself.

use crate::clock::Clock;
use crate::container::Registry;
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

/// The containers that run.
#[must_use]
pub fn containers(registry: &Registry, clock: Clock) -> v1::ListContainersResponse {
    let mut containers: Vec<_> = registry
        .running()
        .map(|instance| v1::TracedContainer {
            container: Some(report::container(instance)),
            workload: Some(report::workload(&instance.workload)),
            cgroup_path: instance.path.clone(),
            start_time: Some(timestamp(clock.wall(instance.since))),
            seen_from_start: instance.from_start,
        })
        .collect();
    containers.sort_by(|a, b| a.cgroup_path.cmp(&b.cgroup_path));
    v1::ListContainersResponse { containers }
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
