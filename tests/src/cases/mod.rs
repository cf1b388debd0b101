//! The cases, by area.

mod cgroup;
mod common;
mod deploy;
mod egress;
mod errors;
mod file;
mod harness;
mod learning;
mod losses;
mod many;
mod membership;
mod names;
mod process;
mod restart;
mod sensor;
mod stream;
mod verbs;

use crate::runner::{Case, Group, Tier};

const fn group(cases: &'static [Case]) -> Group {
    Group {
        prefix: "",
        tier: Tier::Best,
        cases,
    }
}

/// Every case, in the order of the run: those that share an agent stand together.
pub const ALL: &[Group] = &[
    group(harness::CASES),
    group(sensor::CASES),
    group(process::CASES),
    group(file::CASES),
    group(egress::CASES),
    group(cgroup::CASES),
    group(membership::CASES),
    group(names::CASES),
    group(stream::CASES),
    group(verbs::CASES),
    // Where the kernel allows a better one, this tier would never be tried.
    Group {
        prefix: "tier-b.",
        tier: Tier::B,
        cases: file::CASES,
    },
    group(learning::CASES),
    group(losses::CASES),
    group(restart::CASES),
    group(deploy::CASES),
    group(errors::CASES),
    group(many::CASES),
];
