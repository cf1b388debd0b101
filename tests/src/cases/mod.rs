//! The cases, by area.

mod cgroup;
mod common;
mod egress;
mod errors;
mod file;
mod harness;
mod learning;
mod many;
mod names;
mod process;
mod restart;
mod sensor;
mod stream;

use crate::runner::Case;

/// Every case, in the order of the run: those that share an agent stand together.
pub const ALL: &[&[Case]] = &[
    harness::CASES,
    sensor::CASES,
    process::CASES,
    file::CASES,
    egress::CASES,
    cgroup::CASES,
    names::CASES,
    stream::CASES,
    learning::CASES,
    restart::CASES,
    errors::CASES,
    many::CASES,
];
