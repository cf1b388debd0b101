//! Counts cases, and judges skips.
//!
//! A skip is a hole in the proof, so each one must be on the list for its
//! kernel; one that is not fails the run, and so does one on the list that ran. Only programs of others
//! that set-up could not fetch are on no list.

use crate::runner::{self, Outcome, Verdict};
use anyhow::Result;

/// The cases that were run so far.
pub struct Tally {
    expected: ExpectedSkips<'static>,
    /// How many proved what they are for.
    pub passed: u32,
    /// How many did not.
    pub failed: u32,
    /// How many could not run, as expected.
    pub skipped: u32,
}

impl Tally {
    /// Of no cases yet.
    pub fn new(expected: ExpectedSkips<'static>) -> Self {
        Self {
            expected,
            passed: 0,
            failed: 0,
            skipped: 0,
        }
    }

    /// Counts a case that took so many seconds, and prints how it ended.
    pub fn judge(&mut self, name: &str, took: f64, outcome: Result<Outcome>) -> Verdict {
        let listed = self.expected.has(name);
        let (verdict, detail) = match outcome {
            Ok(Outcome::Passed | Outcome::Measured(_)) if listed => (
                Verdict::Failed,
                "ran, but is on the list of expected skips: take it off".to_owned(),
            ),
            Ok(Outcome::Passed) => (Verdict::Passed, String::new()),
            Ok(Outcome::Measured(figure)) => (Verdict::Passed, figure),
            Ok(Outcome::Skipped(reason)) if listed => (Verdict::Skipped, reason),
            Ok(Outcome::Skipped(reason)) => (
                Verdict::Failed,
                format!("skipped, but not on the list of expected skips: {reason}"),
            ),
            Err(error) => (Verdict::Failed, format!("{error:#}")),
        };
        let (word, count) = match verdict {
            Verdict::Passed => ("passed", &mut self.passed),
            Verdict::Failed => ("FAILED", &mut self.failed),
            Verdict::Skipped => ("skipped", &mut self.skipped),
        };
        *count += 1;
        println!("{took:7.2} s  {word:7}  {name}");
        for line in detail.lines() {
            println!("             {line}");
        }
        verdict
    }

    /// Counts what went wrong outside of any case.
    pub fn problems(&mut self, problems: &[String], when: &str) {
        for problem in problems {
            self.failed += 1;
            println!("FAILED {when}: {problem}");
        }
    }
}

/// The skips that were looked at and accepted.
pub struct ExpectedSkips<'l>(Vec<&'l str>);

/// Stands on the list for a kernel on which nothing can run.
const EVERY_CASE: &str = "*";
/// The label of what `cargo xtask test` runs before any kernel, and judges itself.
const UNIT: &str = "unit";
/// One line for each: kernel label, name of the case or `STEM*`, reason.
const EXPECTED_SKIPS: &str = include_str!("../expected-skips.txt");

impl ExpectedSkips<'static> {
    /// Those on the list for a kernel.
    pub fn of(label: &str) -> Result<Self> {
        let mut names = Vec::new();
        for line in EXPECTED_SKIPS.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (Some(on), Some(name), Some(_reason)) = (words.next(), words.next(), words.next())
            else {
                anyhow::bail!("expected-skips.txt: {line:?} is not `LABEL CASE REASON`");
            };
            // Of one sort of machine, or of all.
            if on.split('-').next() == Some(UNIT) {
                continue;
            }
            anyhow::ensure!(
                name == EVERY_CASE || runner::names().any(|known| covers(name, &known)),
                "expected-skips.txt: there is no case {name}"
            );
            if on == label {
                names.push(name);
            }
        }
        Ok(Self(names))
    }

    /// Whether a whole run is on the list.
    pub fn nothing_can_run(&self) -> bool {
        self.0.contains(&EVERY_CASE)
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|entry| covers(entry, name))
    }
}

/// Whether an entry names a case; `STEM*` names every case that begins so.
fn covers(entry: &str, name: &str) -> bool {
    match entry.strip_suffix('*') {
        Some(stem) => name.starts_with(stem),
        None => entry == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_skips_is_well_formed() {
        ExpectedSkips::of("host").unwrap();
    }

    #[test]
    fn an_entry_covers_a_case_or_a_stem() {
        assert!(covers("file.open", "file.open"));
        assert!(!covers("file.open", "file.open.more"));
        assert!(covers("tier-b.coverage.*", "tier-b.coverage.file.open"));
        assert!(!covers("tier-b.coverage.*", "coverage.file.open"));
    }
}
