//! What the agent itself takes while a container does what it always does.

use super::figure::figure;
use super::stage::{self, Counts, Inside};
use super::work::Op;
use super::{Args, note, overhead};
use crate::agent::{Agent, Mode};
use crate::session::Session;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

/// Operations a second.
const RATE: u64 = 10_000;

/// Processor time of all threads of the agent, in nanoseconds. The kernel's own sum of utime and
/// stime (proc(5)) counts in hundredths of a second, which is a tenth of the target in this bench.
fn taken(agent: &Agent) -> Result<u64> {
    let threads = format!("/proc/{}/task", agent.pid().as_raw_nonzero());
    let mut sum = 0;
    for thread in fs::read_dir(&threads)? {
        let file = thread?.path().join("schedstat");
        // A thread that has just ended is not there any more.
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let first = text.split(' ').next().unwrap_or_default();
        sum += first
            .parse::<u64>()
            .with_context(|| format!("{}: {text:?}", file.display()))?;
    }
    Ok(sum)
}

/// The share of one processor that the agent takes while something goes on.
fn share(agent: &Agent, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let (start, before) = (Instant::now(), taken(agent)?);
    work()?;
    // What is still on its way belongs to it.
    std::thread::sleep(Duration::from_millis(200));
    let used = taken(agent)? - before;
    Ok(used as f64 / start.elapsed().as_nanos() as f64)
}

/// Measures and prints.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    let seconds = if args.quick { 2 } else { 10 };
    let mut inside = Inside::start(session, "bench")?;
    let home = stage::home(session, Mode::Learn)?;
    let start = Instant::now();
    let agent = home.start()?;
    // Until it answers, which is a little after everything is attached.
    figure(
        "start.seconds",
        start.elapsed().as_secs_f64(),
        "s",
        &json!({}),
    );
    stage::wait_for_containers(&agent, 1)?;
    inside.pipes.run(Op::OpenWrite, 20, 1, 0)?;
    Counts::settled(&agent)?;
    overhead::promote(&agent)?;
    let before = Counts::settled(&agent)?;
    note(&format!("cpu: {seconds} s at rest, then at work"));
    let rest = share(&agent, || {
        std::thread::sleep(Duration::from_secs(seconds));
        Ok(())
    })?;
    let mut done = 0;
    let busy = share(&agent, || {
        let order = format!("pace {} {RATE} {seconds}", Op::OpenWrite.name());
        inside.pipes.send(&order)?;
        let answer = inside.pipes.answer()?;
        done = answer["done"].as_u64().context("no count")?;
        let rate = done as f64 / (answer["ns"].as_u64().context("no time")? as f64 / 1e9);
        ensure!(
            rate >= 0.95 * RATE as f64,
            "this machine did {rate:.0} operations a second, not {RATE}"
        );
        Ok(())
    })?;
    let after = Counts::settled(&agent)?;
    ensure!(
        after.lost == before.lost && after.violations == before.violations,
        "this was not the steady state: lost {}, {} violations",
        after.losses(),
        after.violations - before.violations
    );
    let fired = after.hits("file.open") - before.hits("file.open");
    ensure!(
        fired == done,
        "{done} files were opened, file.open fired {fired} times"
    );
    let detail = json!({
        "operations": done,
        "records": after.records - before.records,
        "rest": 100.0 * rest,
        "seconds": seconds,
    });
    figure("cpu.at-10000-per-second", 100.0 * busy, "%", &detail);
    figure("cpu.at-rest", 100.0 * rest, "%", &json!({}));
    Ok(())
}
