//! The coverage table: every way to do a thing, and the proof that it is seen.
//!
//! An [`Act`] is one thing done in a real container by exactly known system
//! calls, and the one report that must come of it, field by field. From the
//! table come the tests `coverage.ID` (the best tier that the kernel allows),
//! `tier-a2.coverage.ID` and `tier-b.coverage.ID`, the lines
//! `row ROW TIER ok|FAILED|skipped`, and `tests/COVERAGE.md`.
//!
//! # How to add an act
//!
//! 1. If the trigger does not know how to do it, add a verb to the file of the
//!    area in `trigger/`: one arm of its `act`, with system calls in
//!    `trigger/syscall.rs` (or one file for each area beside it). What a kernel
//!    may be built without ends with `lacking("...")`, which is a skip.
//! 2. Add five to ten lines to the area's `ACTS`: the constructor of the area
//!    (`file(...)`, `exec(...)`, `egress(...)`) takes the id, the technique in
//!    words, the trigger's words, and what must be reported; then what is
//!    unusual, as `.after(&[Prepare::File(...)])`, `.root()`,
//!    `.tiers(Tiers::A)`, `.per_tier(...)`, `.fields(...)`, `.inside(SHAPE)`.
//!    Acts share a container: every path, port and name must be the act's own,
//!    because what was reported once is only counted the second time.
//! 3. A part of reports that is new gets a constructor like `file`; a rule that
//!    is new gets its technique in `cases::common::attack`.
//! 4. `lapwing-tests --coverage > tests/COVERAGE.md`, and a line in
//!    `tests/expected-skips.txt` for each kernel that cannot do it.
//!
//! What takes more than one act is a case, and a line in `steps.rs`.
//!
//! One agent serves a tier and one container serves many acts; the acts of a
//! row are done one after the other, then a last file is made, and once that is
//! reported everything before it has been. So a missing report fails at once,
//! and a report that no act accounts for fails too.

mod act;
mod answers;
mod compat;
mod docs;
mod exec;
mod file;
mod names;
mod network;
mod privilege;
mod process;
mod run;
mod sockets;
mod steps;

pub use docs::document;
pub use run::run;

use crate::runner::Tier;
use act::Act;
use lapwing_abi::hooks::{Row, hooks};

/// Areas and their acts, in the order of the run.
const AREAS: &[(&str, &[&[Act]])] = &[
    ("Programs", &[exec::ACTS]),
    ("Processes", &[process::ACTS]),
    ("Files", file::ACTS),
    ("32-bit programs", &[compat::ACTS]),
    ("Network", &[network::ACTS, sockets::ACTS]),
    ("Names", &[names::ACTS, answers::ACTS]),
    ("Privilege", &[privilege::ACTS]),
];

/// Rows that no single act in a container can prove, the case that does, and why.
const ELSEWHERE: &[(Row, &str, &str)] = &[
    (
        Row::ProcessExit,
        "process.exit",
        "nothing is reported: the process is forgotten",
    ),
    (
        Row::CgroupCreate,
        "cgroup.create-and-remove",
        "nothing is reported: the container is known",
    ),
    (
        Row::CgroupRemove,
        "cgroup.create-and-remove",
        "nothing is reported: the container is forgotten",
    ),
    (
        Row::CgroupAttach,
        "cgroup.create-and-remove",
        "nothing is reported: the process is traced",
    ),
];

/// The rows that a case proves.
pub fn elsewhere(case: &str) -> impl Iterator<Item = &'static (Row, &'static str, &'static str)> {
    ELSEWHERE.iter().filter(move |(_, known, _)| *known == case)
}

/// Every act.
fn all() -> impl Iterator<Item = &'static Act> {
    AREAS
        .iter()
        .flat_map(|(_, parts)| parts.iter().copied().flatten())
}

/// The acts that are tried with a tier, row by row.
fn acts(tier: Tier) -> impl Iterator<Item = (Row, Vec<&'static Act>)> {
    Row::ALL.iter().map(move |row| {
        let acts = all().filter(|act| act.row == *row && is_tried(act, tier));
        (*row, acts.collect())
    })
}

/// The names of the tests with a tier, without the prefix of the tier.
pub fn names(tier: Tier) -> Vec<String> {
    acts(tier).flat_map(|(_, acts)| acts).map(name).collect()
}

fn name(act: &Act) -> String {
    format!("coverage.{}", act.id)
}

/// A tier that is forced is tried where it can see the act and the sensor has it for the row.
fn is_tried(act: &Act, tier: Tier) -> bool {
    tier.forced().is_none_or(|name| {
        let variants = hooks().filter(|hook| hook.row == act.row);
        let mut variants = variants.flat_map(|hook| hook.variants);
        act.tiers.has(name) && variants.any(|variant| variant.tier.name() == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;
    use std::collections::HashSet;

    #[test]
    fn every_row_is_proved() {
        for row in Row::ALL {
            let here = all().any(|act| act.row == *row);
            let elsewhere = ELSEWHERE.iter().find(|(known, _, _)| known == row);
            assert!(
                here != elsewhere.is_some(),
                "{}: an act, or an entry in ELSEWHERE, but not both",
                row.id()
            );
            if let Some((_, case, _)) = elsewhere {
                assert!(cases::names().any(|name| name == *case), "no case {case}");
            }
        }
    }

    #[test]
    fn steps_are_proved_by_cases() {
        let mut told = HashSet::new();
        for (what, case) in steps::STEPS.iter().flat_map(|(_, steps)| *steps) {
            assert!(cases::names().any(|name| name == *case), "no case {case}");
            assert!(told.insert(case), "{case} stands there twice");
            assert!(!what.is_empty() && !what.contains(['|', '\n']));
        }
    }

    #[test]
    fn acts_are_told_apart() {
        let mut ids = HashSet::new();
        for act in all() {
            assert!(ids.insert(act.id), "two acts {}", act.id);
            assert!(!act.what.is_empty() && !act.what.contains(['|', '\n']));
            let twins = all()
                .filter(|other| other.shape.name == act.shape.name && other.report == act.report);
            assert_eq!(twins.count(), 1, "{}: another act reports the same", act.id);
        }
    }

    #[test]
    fn tiers_are_those_of_the_row() {
        for act in all() {
            let hook = hooks().find(|hook| hook.row == act.row);
            let known: Vec<_> = hook
                .into_iter()
                .flat_map(|hook| hook.variants)
                .map(|variant| variant.tier.name())
                .collect();
            assert!(
                act.tiers.names().any(|tier| known.contains(&tier)),
                "{}: none of its tiers is one of {}'s: {known:?}",
                act.id,
                act.row.id()
            );
        }
    }

    #[test]
    fn the_document_is_fresh() {
        assert!(
            include_str!("../../COVERAGE.md") == document(),
            "run `lapwing-tests --coverage > tests/COVERAGE.md`"
        );
    }
}
