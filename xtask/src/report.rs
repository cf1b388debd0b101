//! Stages: each says its time budget before and its time behind, and the summary what ran where.

use anyhow::Result;
use std::time::{Duration, Instant};

/// What came of a stage.
struct Report {
    name: String,
    budget: u64,
    took: Duration,
    counts: Counts,
    /// Why it failed; `None` if it did not.
    failure: Option<String>,
    note: String,
}

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Counts {
    /// Adds the closing line of a test runner, if it is one: `test result: ok. 3 passed; 0 failed; ...`
    /// or `3 passed, 0 failed, 1 skipped`.
    pub fn add(&mut self, line: &str) {
        let line = line.trim();
        let line = match line.strip_prefix("test result: ") {
            Some(rest) => rest.split_once(". ").map_or(rest, |(_, rest)| rest),
            None => line,
        };
        let counts: Vec<(u64, &str)> = line
            .split([',', ';'])
            .map_while(|part| {
                let (number, word) = part.trim().split_once(' ')?;
                Some((number.parse().ok()?, word))
            })
            .collect();
        let get = |word| {
            counts
                .iter()
                .find(|(_, name)| *name == word)
                .map(|(count, _)| *count)
        };
        if let (Some(passed), Some(failed)) = (get("passed"), get("failed")) {
            self.passed += passed;
            self.failed += failed;
            self.skipped += get("skipped").or(get("ignored")).unwrap_or_default();
        }
    }
}

/// Runs stages one after the other, and keeps what came of them.
#[derive(Default)]
pub struct Runner {
    reports: Vec<Report>,
}

impl Runner {
    /// Runs a stage with a budget in seconds. A stage without tests of its own counts as one.
    pub fn stage<T>(
        &mut self,
        name: &str,
        budget: u64,
        work: impl FnOnce(&mut Counts, &mut String) -> Result<T>,
    ) -> Option<T> {
        println!("\n=== {name} (budget {budget} s)");
        let start = Instant::now();
        let mut counts = Counts::default();
        let mut note = String::new();
        let result = work(&mut counts, &mut note);
        let took = start.elapsed();
        let (value, failure) = match result {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        if counts == Counts::default() {
            counts.passed = u64::from(failure.is_none());
        }
        if failure.is_some() && counts.failed == 0 {
            counts.failed = 1;
        }
        println!(
            "=== {name}: {} in {:.1} s",
            if failure.is_none() { "ok" } else { "FAILED" },
            took.as_secs_f64()
        );
        if let Some(failure) = &failure {
            println!("{failure}");
        }
        self.reports.push(Report {
            name: name.to_owned(),
            budget,
            took,
            counts,
            failure,
            note,
        });
        value
    }

    /// The table and the closing line. Answers whether all is well.
    pub fn close(self) -> bool {
        println!(
            "\n{:<24} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "stage", "passed", "failed", "skipped", "seconds", "budget"
        );
        let mut sum = Counts::default();
        for report in &self.reports {
            let seconds = report.took.as_secs_f64();
            let over = if seconds > report.budget as f64 {
                "  over its budget"
            } else {
                ""
            };
            let note = if report.note.is_empty() {
                String::new()
            } else {
                format!("  {}", report.note)
            };
            println!(
                "{:<24} {:>8} {:>8} {:>8} {seconds:>8.1} {:>8}{over}{note}",
                report.name,
                report.counts.passed,
                report.counts.failed,
                report.counts.skipped,
                report.budget
            );
            sum.passed += report.counts.passed;
            sum.failed += report.counts.failed;
            sum.skipped += report.counts.skipped;
        }
        for report in &self.reports {
            if let Some(failure) = &report.failure {
                println!("\n{} failed: {failure}", report.name);
            }
        }
        println!(
            "\n{} passed, {} failed, {} skipped",
            sum.passed, sum.failed, sum.skipped
        );
        sum.failed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_both_runners_are_counted() {
        let mut counts = Counts::default();
        for line in [
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "  4 passed, 2 failed, 1 skipped",
            "test x ... ok",
            "5 passed",
            "",
        ] {
            counts.add(line);
        }
        assert_eq!(
            counts,
            Counts {
                passed: 7,
                failed: 2,
                skipped: 2
            }
        );
    }
}
