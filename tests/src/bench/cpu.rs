//! What the agent itself takes while a container does what it always does.

use super::figure::figure;
use super::stage::{self, Counts, Inside};
use super::work::Op;
use super::{Args, note, overhead};
use crate::agent::{Agent, Mode};
use crate::session::Session;
use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

/// Operations a second.
const RATE: u64 = 10_000;
/// How often it is measured at most: another program on this machine may have been in the way.
const TRIES: u32 = 3;

/// What was measured at work.
struct Work {
    /// The share of one processor.
    share: f64,
    done: u64,
    /// Operations a second.
    rate: f64,
    /// Records that the agent was sent.
    records: u64,
}

impl Work {
    fn is_in_time(&self) -> bool {
        self.rate >= 0.95 * RATE as f64
    }

    fn miss(&self) -> String {
        let rate = self.rate;
        format!("this machine did {rate:.0} operations a second, not {RATE}")
    }
}

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
    let work = at_work(&mut inside, &agent, before, seconds)?;
    let mut detail = json!({
        "operations": work.done,
        "records": work.records,
        "rest": 100.0 * rest,
        "seconds": seconds,
    });
    let mut busy = 100.0 * work.share;
    if !work.is_in_time() {
        // A whole run is for the figure; a quick one shows that the bench works.
        ensure!(args.quick, "{}, {TRIES} times", work.miss());
        note(&format!("cpu: not measured: {}", work.miss()));
        detail["notMeasured"] = work.miss().into();
        busy = f64::NAN;
    }
    figure("cpu.at-10000-per-second", busy, "%", &detail);
    figure("cpu.at-rest", 100.0 * rest, "%", &json!({}));
    Ok(())
}

/// Measures at work: again where the machine did not keep the rate, or where the agent traced somebody else's
/// new cgroup until it had judged it.
fn at_work(
    inside: &mut Inside<'_>,
    agent: &Agent,
    mut before: Counts,
    seconds: u64,
) -> Result<Work> {
    let order = format!("pace {} {RATE} {seconds}", Op::OpenWrite.name());
    for left in (0..TRIES).rev() {
        let mut answer = json!(null);
        let share = share(agent, || {
            inside.pipes.send(&order)?;
            answer = inside.pipes.answer()?;
            Ok(())
        })?;
        let done = answer["done"].as_u64().context("no count")?;
        let seconds = answer["ns"].as_u64().context("no time")? as f64 / 1e9;
        let after = Counts::settled(agent)?;
        ensure!(
            after.lost == before.lost && after.violations == before.violations,
            "this was not the steady state: lost {}, {} violations",
            after.losses(),
            after.violations - before.violations
        );
        let fired = after.hits("file.open") - before.hits("file.open");
        let work = Work {
            share,
            done,
            rate: done as f64 / seconds,
            records: after.records - before.records,
        };
        let strangers = after.strangers(&before);
        if fired != done {
            ensure!(
                strangers > 0 && left > 0,
                "{done} files were opened, file.open fired {fired} times; {strangers} cgroups were made meanwhile"
            );
            note(&format!(
                "cpu: again: {strangers} cgroups were made meanwhile"
            ));
        } else if work.is_in_time() || left == 0 {
            return Ok(work);
        } else {
            note(&format!("cpu: again: {}", work.miss()));
        }
        before = after;
    }
    bail!("it was not measured")
}
