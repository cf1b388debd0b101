//! Stages: each says its time budget before and its time behind, and the summary what ran where.

use crate::matrix::{Matrix, Proof};
use anyhow::Result;
use std::sync::Mutex;
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

/// What the lines begin with that say why a test in containers failed.
const DETAIL: &str = "             ";

/// What the output of a stage told: tests by how they ended, and rows that were proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Whose column of the matrix the proofs belong to; empty for a stage that has none.
    pub kernel: String,
    proofs: Vec<Proof>,
    /// The tests that failed, each with what it said.
    failures: Vec<String>,
    /// Whether the lines that follow belong to the last of them.
    telling: bool,
}

/// How a test ended badly: `test NAME ... FAILED` of `cargo test`, `0.51 s  FAILED  NAME` of the
/// tests in containers with the reason below it, or `FAILED` with the whole of it.
fn failure(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("test ") {
        return name.strip_suffix(" ... FAILED");
    }
    if let Some(rest) = line.strip_prefix("FAILED ") {
        return Some(rest);
    }
    let (seconds, rest) = line.split_once(" s  FAILED")?;
    seconds.parse::<f64>().ok()?;
    Some(rest.trim_start())
}

impl Counts {
    /// Adds a proof of a row, a failure, or the closing line of a test runner, if it is one: `test
    /// result: ok. 3 passed; 0 failed; ...` or `3 passed, 0 failed, 1 skipped`.
    pub fn add(&mut self, line: &str) {
        if let Some(proof) = Proof::of(line) {
            self.proofs.push(proof);
            return;
        }
        if let Some(failure) = failure(line) {
            self.failures.push(failure.to_owned());
            self.telling = true;
            return;
        }
        self.telling &= line.starts_with(DETAIL);
        if self.telling {
            if let Some(failure) = self.failures.last_mut() {
                failure.push_str("\n    ");
                failure.push_str(line.trim_start());
            }
            return;
        }
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

/// A stage that may run beside others.
pub struct Stage<'s> {
    /// Its name.
    pub name: String,
    /// What it may take, in seconds.
    pub budget: u64,
    /// As for [`Runner::stage`].
    pub work: Work<'s>,
}

/// What a stage does, with its counts and its note.
pub type Work<'s> = Box<dyn FnOnce(&mut Counts, &mut String) -> Result<()> + Send + 's>;

/// Runs stages, and keeps what came of them.
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
        let (value, report) = measure(name, budget, work);
        self.reports.push(report);
        value
    }

    /// Runs stages so many at a time; each next one starts when one is done. They are reported in
    /// their order.
    pub fn side_by_side(&mut self, at_a_time: usize, stages: Vec<Stage<'_>>) {
        let count = stages.len();
        let waiting = Mutex::new(stages.into_iter().enumerate());
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..at_a_time.min(count) {
                scope.spawn(|| {
                    loop {
                        let next = unpoisoned(&waiting).next();
                        let Some((index, stage)) = next else { break };
                        let (_, report) = measure(&stage.name, stage.budget, stage.work);
                        unpoisoned(&done).push((index, report));
                    }
                });
            }
        });
        let mut done = std::mem::take(&mut *unpoisoned(&done));
        done.sort_by_key(|(index, _)| *index);
        self.reports
            .extend(done.into_iter().map(|(_, report)| report));
    }

    /// The table and the closing line. Answers whether all is well.
    pub fn close(self) -> bool {
        println!(
            "\n{:<24} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "stage", "passed", "failed", "skipped", "seconds", "budget"
        );
        let mut sum = Counts::default();
        let mut matrix = Matrix::default();
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
            if !report.counts.kernel.is_empty() {
                matrix.add(&report.counts.kernel, &report.counts.proofs);
            }
            sum.passed += report.counts.passed;
            sum.failed += report.counts.failed;
            sum.skipped += report.counts.skipped;
        }
        let table = matrix.lines();
        if !table.is_empty() {
            println!("\n{}", table.join("\n"));
        }
        if matrix.failures() > 0 {
            println!("\n{} proofs of that table failed", matrix.failures());
        }
        if matrix.untried() > 0 {
            println!("\n{} cells of that table were not tried", matrix.untried());
        }
        for report in &self.reports {
            if let Some(failure) = &report.failure {
                println!("\n{} failed: {failure}", report.name);
            }
            for failure in &report.counts.failures {
                println!("  {failure}");
            }
        }
        println!(
            "\n{} passed, {} failed, {} skipped",
            sum.passed, sum.failed, sum.skipped
        );
        // A proof that failed belongs to a test that did; if not, that test is wrong. What was not
        // tried may hide a tier that is gone.
        sum.failed == 0 && matrix.failures() == 0 && matrix.untried() == 0
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn measure<T>(
    name: &str,
    budget: u64,
    work: impl FnOnce(&mut Counts, &mut String) -> Result<T>,
) -> (Option<T>, Report) {
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
    if counts.passed + counts.failed + counts.skipped == 0 {
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
    let report = Report {
        name: name.to_owned(),
        budget,
        took,
        counts,
        failure,
        note,
    };
    (value, report)
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
                skipped: 2,
                ..Counts::default()
            }
        );
    }

    #[test]
    fn failures_are_gathered_with_what_they_said() {
        let mut counts = Counts::default();
        for line in [
            "   0.51 s  FAILED  file.open",
            "             no violation",
            "             of this kind",
            "   0.10 s  passed   file.read",
            "             3 records",
            "test judge::tests::known ... FAILED",
            "FAILED at the end: a container is left",
            "2 passed, 3 failed, 0 skipped",
        ] {
            counts.add(line);
        }
        assert_eq!(
            counts.failures,
            [
                "file.open\n    no violation\n    of this kind",
                "judge::tests::known",
                "at the end: a container is left"
            ]
        );
        assert_eq!((counts.passed, counts.failed, counts.skipped), (2, 3, 0));
    }

    #[test]
    fn proofs_are_gathered_and_are_not_tests() {
        let mut counts = Counts::default();
        counts.add("  row file.open A1 ok");
        counts.add("row file.open B FAILED");
        assert_eq!(counts.proofs.len(), 2);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (0, 0, 0));
    }

    #[test]
    fn stages_side_by_side_all_run_two_at_a_time_and_keep_their_order() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        // Two stages can only both pass the barrier if they run at the same time.
        let barrier = std::sync::Barrier::new(2);
        let stages = (0..4)
            .map(|number| {
                let (running, most, barrier) = (&running, &most, &barrier);
                Stage {
                    name: format!("s{number}"),
                    budget: 60,
                    work: Box::new(move |counts, note| {
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        barrier.wait();
                        counts.passed = number;
                        note.push('x');
                        running.fetch_sub(1, Ordering::SeqCst);
                        anyhow::ensure!(number != 1, "as it should");
                        Ok(())
                    }),
                }
            })
            .collect();
        let mut runner = Runner::default();
        runner.side_by_side(2, stages);
        let names: Vec<_> = runner.reports.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["s0", "s1", "s2", "s3"]);
        assert_eq!(most.load(Ordering::SeqCst), 2);
        let passed: Vec<_> = runner.reports.iter().map(|r| r.counts.passed).collect();
        assert_eq!(passed, [1, 1, 2, 3], "what has no tests counts as one");
        assert!(runner.reports[1].failure.is_some());
        assert!(!runner.close());
    }
}
