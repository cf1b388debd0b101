//! Where the instructions of an operation go: to which of the agent's programs.
//!
//! The kernel can time every run of every program (`BPF_ENABLE_STATS`, since Linux 5.8), and on
//! a clock that counts instructions its nanoseconds are instructions. Reading that clock
//! twice is in the figure of each run. What the figures do not hold is what the kernel does
//! to get to a program: the entry of a trampoline, the arguments of a tracepoint.

use super::figure::figure;
use super::stage::Pipes;
use super::work::Op;
use crate::agent::Agent;
use anyhow::{Context, Result};
use aya::programs::loaded_programs;
use aya::sys::{Stats, enable_stats};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;

/// Runs of programs, and what they took in nanoseconds, by name: the kernel keeps 15 letters.
type Taken = BTreeMap<String, (u64, u64)>;

/// Does each operation so often once more, and prints what the programs took of it, and what the
/// agent itself ran meanwhile.
pub fn print(pipes: &mut Pipes, counts: &[u32], agent: &Agent) -> Result<()> {
    let _enabled =
        enable_stats(Stats::RunTime).context("the kernel does not count what programs take")?;
    for (op, count) in Op::ALL.into_iter().zip(counts) {
        let listed = taken()?;
        let before = taken()?;
        let ran = run_by(agent)?;
        pipes.run(op, *count, 1, 0)?;
        let ran = run_by(agent)? - ran;
        let after = taken()?;
        let each = |number: u64| number as f64 / f64::from(*count);
        let mut all = 0.0;
        for (name, (runs, time)) in after {
            let (runs_then, time_then) = of(&before, &name);
            // Listing the programs runs some of them too.
            let (runs_before, time_before) = of(&listed, &name);
            let runs = (runs - runs_then).saturating_sub(runs_then - runs_before);
            let time = (time - time_then).saturating_sub(time_then - time_before);
            // What runs less often than every tenth time is not the operation's.
            if runs * 10 >= u64::from(*count) {
                all += each(time);
                let detail = json!({"runs": each(runs), "perBatch": count});
                figure(
                    &format!("program.{}.{name}", op.name()),
                    each(time),
                    "instructions",
                    &detail,
                );
            }
        }
        figure(
            &format!("agent.{}", op.name()),
            each(ran),
            "instructions",
            &json!({"perBatch": count}),
        );
        figure(
            &format!("programs.{}", op.name()),
            all,
            "instructions",
            &json!({"perBatch": count}),
        );
    }
    Ok(())
}

/// The processor time of an agent's threads, in nanoseconds.
pub fn run_by(agent: &Agent) -> Result<u64> {
    let mut all = 0;
    let threads = format!("/proc/{}/task", agent.pid().as_raw_nonzero());
    for thread in fs::read_dir(&threads).with_context(|| threads.clone())? {
        // A thread may have ended.
        let text = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let first = text.split(' ').next().unwrap_or_default();
        all += first.parse().unwrap_or(0);
    }
    Ok(all)
}

fn of(taken: &Taken, name: &str) -> (u64, u64) {
    taken.get(name).copied().unwrap_or_default()
}

fn taken() -> Result<Taken> {
    let mut all = Taken::new();
    for program in loaded_programs() {
        let program = program.context("cannot list the kernel's programs")?;
        let name = program.name_as_str().unwrap_or("?").to_owned();
        let (runs, time) = all.entry(name).or_default();
        *runs += program.run_count();
        *time += u64::try_from(program.run_time().as_nanos()).unwrap_or(u64::MAX);
    }
    Ok(all)
}
