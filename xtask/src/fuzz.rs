//! The fuzz targets of `tests/fuzz`: built with coverage instrumentation, run side by side.
//!
//! The engine is libFuzzer, built from source with the targets. The instrumentation is a pass of
//! LLVM that the stable compiler runs when told to, so no nightly is needed, and no `cargo fuzz`.
//! What was found interesting stays in `target/fuzz/work` and is where the next run begins.

use crate::report::Counts;
use crate::root;
use crate::shell;
use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

/// How long each target runs, if nothing else is said. They run at once, so one more takes no more time: each has less
/// of the processors.
pub const SECONDS: u64 = 60;
/// With `--soak`: an hour, or this many executions.
const SOAK_SECONDS: u64 = 3600;
const SOAK_RUNS: u64 = 100_000_000;
/// A target that executed less did not run in earnest.
const LEAST_PER_SECOND: u64 = 10;

/// The binary for this machine, and not for the one whose kernel is seen.
const TARGET: &str = concat!(env!("XTASK_ARCH"), "-unknown-linux-gnu");
/// Where everything is, below the workspace.
const FOLDER: &str = "target/fuzz";
/// Named in `tests/fuzz/src/lib.rs` too.
const SEEDS: &str = "LAPWING_FUZZ_SEEDS";
/// Edges are counted, and what is compared is seen. `fuzzing` is the cfg that crates look for which
/// behave otherwise under a fuzzer.
const FLAGS: &str = "-C passes=sancov-module \
    -C llvm-args=-sanitizer-coverage-level=4 \
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
    -C llvm-args=-sanitizer-coverage-pc-table \
    -C llvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";

/// Name and longest input in bytes of each.
const TARGETS: [(&str, u32); 6] = [
    ("record", 16_384),
    ("btf", 8192),
    ("dns", 4096),
    ("profile", 1024),
    ("linkage", 4096),
    ("rpmdb", 32_768),
];

/// When a target has run enough: whichever comes first.
#[derive(Clone, Copy)]
struct Limit {
    seconds: u64,
    runs: Option<u64>,
}

impl Limit {
    const fn new(soak: bool) -> Self {
        if soak {
            Self {
                seconds: SOAK_SECONDS,
                runs: Some(SOAK_RUNS),
            }
        } else {
            Self {
                seconds: SECONDS,
                runs: None,
            }
        }
    }
}

/// How long the stage may take, building included.
pub const fn budget(soak: bool) -> u64 {
    Limit::new(soak).seconds + 240
}

/// The stage of `cargo xtask test`: one test for each target.
pub fn stage(soak: bool, counts: &mut Counts, note: &mut String) -> Result<()> {
    let outcomes = all(Limit::new(soak))?;
    counts.failed = outcomes.iter().filter(|o| o.finding.is_some()).count() as u64;
    counts.passed = outcomes.len() as u64 - counts.failed;
    let executions: Vec<_> = outcomes
        .iter()
        .map(|outcome| format!("{} {}", outcome.name, outcome.executions))
        .collect();
    *note = format!("executions: {}", executions.join(", "));
    verdict(&outcomes)
}

/// `cargo xtask fuzz`.
pub fn run(seconds: u64) -> Result<bool> {
    ensure!(seconds > 0, "--seconds has to be at least 1");
    let outcomes = all(Limit {
        seconds,
        runs: None,
    })?;
    verdict(&outcomes).map(|()| true)
}

fn verdict(outcomes: &[Outcome]) -> Result<()> {
    let findings: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.finding.as_deref())
        .collect();
    ensure!(findings.is_empty(), "{}", findings.join("\n"));
    Ok(())
}

/// What came of a target.
struct Outcome {
    name: &'static str,
    executions: u64,
    /// What was found, and how to see it again.
    finding: Option<String>,
}

struct Running {
    name: &'static str,
    program: PathBuf,
    log: PathBuf,
    child: Child,
    start: Instant,
}

fn all(limit: Limit) -> Result<Vec<Outcome>> {
    let folder = build()?;
    let mut running = Vec::new();
    for (name, longest) in TARGETS {
        match start(&folder, name, longest, limit) {
            Ok(target) => running.push(target),
            Err(error) => {
                for mut target in running {
                    let _ = target.child.kill();
                    let _ = target.child.wait();
                }
                return Err(error);
            }
        }
    }
    // Every one is waited for, whatever came of another.
    let outcomes: Vec<_> = running.into_iter().map(finish).collect();
    outcomes.into_iter().collect()
}

/// Builds the targets, and says where they are.
fn build() -> Result<PathBuf> {
    let start = Instant::now();
    let status = Command::new("cargo")
        .current_dir(root())
        .args(["build", "--locked", "--profile", "fuzz"])
        .args(["-p", "lapwing-fuzz", "--target", TARGET, "--target-dir"])
        .arg(root().join(FOLDER))
        .env("RUSTFLAGS", FLAGS)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the fuzz targets did not build");
    println!(
        "fuzz: the targets were built in {:.0} s",
        start.elapsed().as_secs_f64()
    );
    Ok(root().join(FOLDER).join(TARGET).join("fuzz"))
}

fn start(folder: &Path, name: &'static str, longest: u32, limit: Limit) -> Result<Running> {
    let work = root().join(FOLDER).join("work").join(name);
    let corpus = work.join("corpus");
    let findings = work.join("findings");
    shell::folder(&corpus)?;
    shell::folder(&findings)?;
    let log = work.join("log");
    let file = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
    let program = folder.join(format!("fuzz-{name}"));
    let mut command = Command::new(&program);
    command
        .current_dir(&work)
        .arg(&corpus)
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .arg(format!("-max_total_time={}", limit.seconds))
        .arg(format!("-max_len={longest}"))
        .args(limit.runs.map(|runs| format!("-runs={runs}")))
        // An input that takes this many seconds, or this much memory, is a finding.
        .args(["-timeout=20", "-rss_limit_mb=1024"])
        .arg("-print_final_stats=1")
        .env(SEEDS, &corpus)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file);
    let child = command
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    Ok(Running {
        name,
        program,
        log,
        child,
        start: Instant::now(),
    })
}

fn finish(mut target: Running) -> Result<Outcome> {
    let name = target.name;
    let status = target
        .child
        .wait()
        .with_context(|| format!("cannot wait for the fuzz target {name}"))?;
    let took = target.start.elapsed().as_secs().max(1);
    let log =
        fs::read(&target.log).with_context(|| format!("cannot read {}", target.log.display()))?;
    let log = String::from_utf8_lossy(&log);
    let executions = executions(&log);
    let finding = finding(&log, status, &target);
    println!(
        "fuzz {name}: {} executions in {took} s, {}/s, {}",
        executions.map_or_else(|| "unknown".to_owned(), |count| count.to_string()),
        executions.unwrap_or_default() / took,
        if finding.is_none() {
            "no finding"
        } else {
            "A FINDING"
        }
    );
    let executions = executions.unwrap_or_default();
    if finding.is_none() && executions < LEAST_PER_SECOND * took {
        bail!(
            "the fuzz target {name} executed {executions} inputs in {took} s, which is next to none; \
             see {}",
            target.log.display()
        );
    }
    Ok(Outcome {
        name,
        executions,
        finding,
    })
}

/// How often a target was executed, by its closing statistics.
fn executions(log: &str) -> Option<u64> {
    let line = log
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    line.trim().parse().ok()
}

/// The file that an input which is a finding was written to.
fn input(log: &str) -> Option<&str> {
    log.lines()
        .find_map(|line| Some(line.split_once("Test unit written to ")?.1.trim()))
}

fn finding(log: &str, status: ExitStatus, target: &Running) -> Option<String> {
    if status.success() {
        return None;
    }
    // What was panicked about stands before the engine's own report.
    let told: Vec<&str> = log
        .lines()
        .skip_while(|line| !line.contains("panicked at") && !line.contains("ERROR: "))
        .take(12)
        .collect();
    let again = input(log).map_or_else(
        || "it left no input".to_owned(),
        |input| format!("once more: {} {input}", target.program.display()),
    );
    Some(format!(
        "the fuzz target {} ended with {status}\n  {}\n  all of it: {}\n  {again}",
        target.name,
        told.join("\n  "),
        target.log.display(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_report_is_understood() {
        let log = "#5\tINITED cov: 9\nthread '<unnamed>' panicked at x.rs:1:1:\n\
                   artifact_prefix='/w/'; Test unit written to /w/crash-0a\nBase64: AA==\n\
                   stat::number_of_executed_units: 4096\nstat::average_exec_per_sec:     12\n";
        assert_eq!(executions(log), Some(4096));
        assert_eq!(input(log), Some("/w/crash-0a"));
        assert_eq!((executions("Done"), input("Done")), (None, None));
    }
}
