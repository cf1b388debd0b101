//! `cargo xtask test`: everything that can be tested, in stages.
//!
//! A stage that fails does not keep the others from running. Each says its
//! time budget before and its time behind; the summary says what ran where.

use crate::build::Built;
use crate::shell::follow;
use crate::{build, demo, kernel, root, setup, vm};
use anyhow::{Result, bail};
use std::process::Command;
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
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    /// Adds the closing line of a test runner, if it is one: `test result: ok. 3 passed; 0 failed; ...`
    /// or `3 passed, 0 failed, 1 skipped`.
    fn add(&mut self, line: &str) {
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

struct Runner {
    reports: Vec<Report>,
}

impl Runner {
    /// Runs a stage with a budget in seconds. A stage without tests of its own counts as one.
    fn stage<T>(
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
    fn close(self) -> bool {
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

/// Runs a command whose output may hold closing lines.
fn counted(command: &mut Command, counts: &mut Counts) -> Result<()> {
    let status = follow(command.current_dir(root()), |line| counts.add(line))?;
    if !status.success() {
        bail!("ended with {status}");
    }
    Ok(())
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args);
    command
}

/// All stages.
pub fn run(soak: bool) -> Result<bool> {
    let start = Instant::now();
    let mut runner = Runner {
        reports: Vec::new(),
    };
    let tools = runner.stage("setup", 600, |_, _| setup::run());
    runner.stage("format", 30, |counts, _| {
        counted(&mut cargo(&["fmt", "--all", "--check"]), counts)
    });
    runner.stage("lints", 300, |counts, _| {
        counted(
            &mut cargo(&[
                "clippy",
                "--locked",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]),
            counts,
        )?;
        counted(
            &mut cargo(&[
                "clippy",
                "--locked",
                "-p",
                "lapwing-tests",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]),
            counts,
        )
    });
    runner.stage("unit and property", 420, |counts, _| {
        let mut command = cargo(&["test", "--locked", "--no-fail-fast"]);
        if soak {
            command.env("PROPTEST_CASES", "20000");
        }
        counted(&mut command, counts)
    });
    let built = tools.and_then(|tools| runner.stage("build", 420, |_, _| build::run(&tools)));
    if let Some(built) = &built {
        kernels(&mut runner, built, soak);
    }
    println!("\nall stages took {:.0} s", start.elapsed().as_secs_f64());
    Ok(runner.close() && built.is_some())
}

/// The tests that need root: on this kernel, then on others.
fn kernels(runner: &mut Runner, built: &Built, soak: bool) {
    let factor = if soak { 20 } else { 1 };
    let soak_arg = soak.then_some("--soak");
    runner.stage("on this kernel", 300 * factor, |counts, note| {
        if let Err(reason) = demo::host_can(built)? {
            *note = format!("not run: {reason}");
            counts.skipped = 1;
            return Ok(());
        }
        let mut command = Command::new(&built.tests);
        command
            .arg("--lapwing")
            .arg(&built.lapwing)
            .args(["--kernel-label", "host"])
            .args(soak_arg);
        counted(&mut command, counts)
    });
    for guest in kernel::GUESTS {
        runner.stage(
            &format!("on Linux {}", guest.label),
            420 * factor,
            |counts, _| {
                let mut command: Vec<String> = [
                    "lapwing-tests",
                    "--lapwing",
                    "/bin/lapwing",
                    "--kernel-label",
                    guest.label,
                ]
                .map(str::to_owned)
                .into();
                command.extend(soak_arg.map(str::to_owned));
                let limit = Duration::from_secs(900 * factor);
                let code = vm::boot(guest, built, &command, limit, |line| counts.add(line))?;
                if code != 0 {
                    bail!("the tests ended with {code}");
                }
                Ok(())
            },
        );
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
