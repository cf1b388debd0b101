//! One container makes as many new files as it can, another sends to as many new peers: beside each a
//! neighbour goes on quietly.
//!
//! The neighbour is judged by its client: what it did must be in the stream, each file
//! once. The flooder is judged by sums: what was reported of it and what was counted as
//! lost must be what it did, to the file.

use super::figure::figure;
use super::stage::{self, Counts, Inside, times};
use super::{Args, note};
use crate::agent::Mode;
use crate::session::{Session, check_interrupt};
use crate::watch::Watch;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

const STEM: &str = "/data/flood-";
/// Files of the neighbour, and microseconds between them.
const QUIET: (u32, u32) = (500, 3_000);
/// The one loss of something that was judged and reported: it is not listed as news as well.
const TOLD: &str = "behaviours-unpublished";

/// What a container floods with.
struct Flood {
    /// Stands behind `flood.` in the figures.
    name: &'static str,
    /// The order that makes so many.
    order: fn(u32) -> String,
    /// The row that fires for each.
    row: &'static str,
}

const FLOODS: [Flood; 2] = [
    Flood {
        name: "",
        order: |count| format!("make {STEM} {count} 0"),
        row: "file.open",
    },
    Flood {
        name: "peers-",
        order: |count| format!("reach {count}"),
        row: "egress.sendmsg4",
    },
];
/// The row that fires for each file of the neighbour.
const QUIET_ROW: &str = "file.open";

/// Files of the neighbour that its client was told of.
fn told(watch: &Watch) -> usize {
    let violations = watch.of_kind("violation");
    let paths: BTreeSet<&str> = violations
        .iter()
        .filter_map(|report| report["file"]["path"].as_str())
        .filter(|path| path.starts_with(STEM))
        .collect();
    paths.len()
}

/// Measures and prints.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    FLOODS
        .iter()
        .try_for_each(|flood| flood.run(session, args.quick))
}

impl Flood {
    fn run(&self, session: &Session, quick: bool) -> Result<()> {
        let count: u32 = if quick { 10_000 } else { 100_000 };
        let agent = stage::home(session, Mode::Monitor)?.start()?;
        let mut flooder = Inside::start(session, "flooder")?;
        let mut neighbour = Inside::start(session, "neighbour")?;
        stage::wait_for_containers(&agent, 2)?;
        let words = ["watch", "-o", "json", "--since", "1h", "--workload"];
        let words = [&words[..], &["neighbour", "--kind", "violation,gap"]].concat();
        let watch = Watch::start(agent.home.client(&words))?;
        // A loss while monitoring is a violation of its own, beside those that are counted here.
        let words = [
            "watch",
            "-o",
            "json",
            "--since",
            "1h",
            "--rule",
            "sensor.gap",
        ];
        let confessions = Watch::start(agent.home.client(&words))?;
        let before = Counts::settled(&agent)?;
        let order = (self.order)(count);
        note(&format!("flood: {order}"));
        neighbour
            .pipes
            .send(&format!("make {STEM} {} {}", QUIET.0, QUIET.1))?;
        std::thread::sleep(Duration::from_millis(100));
        flooder.pipes.send(&order)?;
        let flooded = flooder.pipes.answer()?;
        ensure!(
            flooded["done"] == count,
            "not all of the flood was done: {}",
            flooded["done"]
        );
        let seconds = flooded["total"].as_u64().context("no time")? as f64 / 1e9;
        ensure!(
            times(&neighbour.pipes.answer()?)?.len() == QUIET.0 as usize,
            "the neighbour's files are missing"
        );
        let after = Counts::settled(&agent)?;
        // The client may be behind the agent; what does not come in this time does not come.
        let mut known = 0;
        for _ in 0..20 {
            check_interrupt()?;
            std::thread::sleep(Duration::from_millis(100));
            known = told(&watch);
            if known == QUIET.0 as usize {
                break;
            }
        }
        let done = u64::from(count + QUIET.0);
        let mut rows = vec![self.row, QUIET_ROW];
        rows.dedup();
        let fired: u64 = rows
            .iter()
            .map(|row| after.hits(row) - before.hits(row))
            .sum();
        // On a busy host it fires for others too: a cgroup that is made meanwhile is traced until the
        // agent has judged it.
        ensure!(
            fired >= done,
            "{done} were done, {rows:?} fired {fired} times"
        );
        let confessed = confessions.of_kind("violation");
        let confessed: BTreeSet<&str> = confessed
            .iter()
            .filter_map(|report| report["id"].as_str())
            .collect();
        let received = after.violations - before.violations - confessed.len() as u64;
        let lost = records_lost(&after) - records_lost(&before);
        let detail = json!({
            "done": done,
            "reported": received,
            "lost": lost,
            "losses": after.losses(),
            "perSecond": f64::from(count) / seconds,
            "gaps": watch.of_kind("gap").len(),
        });
        let name = |what: &str| format!("flood.{}{what}", self.name);
        let unheard = f64::from(QUIET.0) - known as f64;
        figure(&name("neighbour-lost"), unheard, "files", &detail);
        let unexplained = done as f64 - received as f64 - lost as f64;
        figure(&name("unexplained"), unexplained.abs(), "records", &detail);
        figure(&name("own-lost"), lost as f64, "records", &detail);
        figure(&name("seconds"), seconds, "s", &detail);
        Ok(())
    }
}

/// Records that did not come. Other counters tell of what came and could not be remembered.
fn records_lost(counts: &Counts) -> u64 {
    let kept = [TOLD, "seen-full", "budget-table-full"];
    let kept: u64 = kept.iter().map(|reason| counts.lost_for(reason)).sum();
    counts.lost - kept
}
