//! The cases, by area.

mod advise;
mod candidates;
mod capability;
mod cgroup;
mod chaos;
pub mod common;
mod contents;
mod deploy;
mod dns;
mod errors;
mod evidence;
mod execs;
mod feed;
mod feed_disk;
mod file;
mod full;
mod harness;
mod incident;
mod inodes;
mod inventory;
mod keys;
mod layers;
mod learning;
mod lineage;
mod loader;
mod losses;
mod many;
mod membership;
mod metrics;
mod modes;
mod names;
mod namespaces;
mod neighbours;
mod network;
mod path;
mod pending;
mod phases;
mod pods;
mod poison;
mod process;
mod provenance;
mod recall;
mod recall_execs;
mod receivers;
mod remembered;
mod restart;
mod running;
mod seccomp;
mod seen;
mod sensor;
mod sink;
mod start;
mod stream;
mod tables;
mod top;
mod upgrade;
mod verbs;
mod versions;

use crate::runner::{Case, Cases, Group, Tier};

const fn group(cases: &'static [Case]) -> Group {
    Group {
        prefix: "",
        tier: Tier::Best,
        cases: Cases::These(cases),
    }
}

/// The coverage table with a tier.
const fn coverage(prefix: &'static str, tier: Tier) -> Group {
    Group {
        prefix,
        tier,
        cases: Cases::Coverage,
    }
}

/// The names of the cases that are not acts of the coverage table.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().flat_map(|group| match group.cases {
        Cases::These(cases) => cases.iter().map(|case| case.name).collect(),
        Cases::Coverage => Vec::new(),
    })
}

/// Every case, in the order of the run: those that share an agent stand together.
pub const ALL: &[Group] = &[
    group(harness::CASES),
    group(sensor::CASES),
    coverage("", Tier::Best),
    group(process::CASES),
    group(inventory::CASES),
    group(loader::CASES),
    group(file::CASES),
    group(path::CASES),
    group(inodes::CASES),
    group(cgroup::CASES),
    group(membership::CASES),
    group(namespaces::CASES),
    group(names::CASES),
    group(dns::CASES),
    group(stream::CASES),
    group(verbs::CASES),
    group(capability::CASES),
    group(candidates::CASES),
    // Where the kernel allows a better one, these tiers would never be tried.
    coverage("tier-a2.", Tier::A2),
    coverage("tier-b.", Tier::B),
    group(learning::CASES),
    group(evidence::CASES),
    group(versions::CASES),
    group(poison::CASES),
    group(provenance::CASES),
    group(contents::CASES),
    group(advise::CASES),
    group(seccomp::CASES),
    group(seen::CASES),
    group(keys::CASES),
    group(execs::CASES),
    group(lineage::CASES),
    group(pending::CASES),
    group(recall::CASES),
    group(recall_execs::CASES),
    group(losses::CASES),
    group(neighbours::CASES),
    group(tables::CASES),
    group(full::CASES),
    group(restart::CASES),
    group(feed::CASES),
    group(feed_disk::CASES),
    group(network::CASES),
    group(sink::CASES),
    group(top::CASES),
    group(metrics::CASES),
    group(modes::CASES),
    group(phases::CASES),
    group(pods::CASES),
    group(remembered::CASES),
    group(incident::CASES),
    group(layers::CASES),
    group(receivers::CASES),
    group(start::CASES),
    group(upgrade::CASES),
    group(running::CASES),
    group(deploy::CASES),
    group(errors::CASES),
    group(many::CASES),
    group(chaos::CASES),
];
