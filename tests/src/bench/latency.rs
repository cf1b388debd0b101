//! From a system call in a container to the client of the agent.
//!
//! The worker notes the time before each system call; `lapwing watch -o json`, a client
//! of the gRPC stream, prints the report of it, and the time of its line is taken when it
//! is read. Both are the machine's one monotonic clock. So the agent's path, the stream and
//! the client's own work are in the figure.

use super::Args;
use super::figure::{figure, percentile};
use super::stage::{self, Counts, Inside};
use super::work::now;
use crate::agent::Mode;
use crate::session::{Session, patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::collections::HashMap;
use std::time::Instant;

const STEM: &str = "/data/latency-";
/// Between two system calls, in microseconds: with the calls themselves about 1,000 a second.
const PAUSE: u32 = 900;

/// When the report of each file was read, in nanoseconds of the monotonic clock, by the file's
/// number.
fn reported(watch: &Watch, zero: (Instant, u64)) -> HashMap<usize, u64> {
    let items = watch.items();
    let of_item = |item: &crate::watch::Item| {
        let path = item.value.as_ref()?["violation"]["file"]["path"].as_str()?;
        let index = path.strip_prefix(STEM)?.parse().ok()?;
        let since = item.at.duration_since(zero.0).as_nanos() as u64;
        Some((index, zero.1 + since))
    };
    let mut times = HashMap::new();
    for (index, at) in items.iter().filter_map(of_item) {
        // The first report, not the update of its count.
        times.entry(index).or_insert(at);
    }
    times
}

/// Measures and prints.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    let count: u32 = if args.quick { 200 } else { 10_000 };
    let agent = stage::home(session, Mode::Monitor)?.start()?;
    let mut inside = Inside::start(session, "bench")?;
    stage::wait_for_containers(&agent, 1)?;
    Counts::settled(&agent)?;
    let watch = agent.watch_kinds("violation,gap")?;
    // The stream is there once it tells of what was before.
    wait_for("the stream", patience(), || {
        Ok((!watch.items().is_empty()).then_some(()))
    })?;
    let zero = (Instant::now(), now());
    let called = inside
        .pipes
        .times(&format!("make {STEM} {count} {PAUSE}"))?;
    wait_for("all reports", patience(), || {
        Ok((reported(&watch, zero).len() == called.len()).then_some(()))
    })
    .with_context(|| {
        let told = reported(&watch, zero).len();
        format!("{told} of {count} files were reported")
    })?;
    let reports = reported(&watch, zero);
    let mut milliseconds = Vec::with_capacity(called.len());
    for (index, called) in called.iter().enumerate() {
        let at = reports.get(&index).context("a report is missing")?;
        ensure!(
            at >= called,
            "the report of file {index} came before the system call"
        );
        milliseconds.push((at - called) as f64 / 1e6);
    }
    let seconds = match (called.first(), called.last()) {
        (Some(first), Some(last)) => (last - first) as f64 / 1e9,
        _ => 0.0,
    };
    let rate = milliseconds.len() as f64 / seconds;
    let detail = json!({"reports": milliseconds.len(), "perSecond": rate});
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("worst", 1.0)] {
        let value = percentile(&milliseconds, share);
        figure(&format!("latency.{name}"), value, "ms", &detail);
    }
    Ok(())
}
