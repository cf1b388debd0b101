//! What is lost is counted, to the record, and told where it belongs in the stream.

use super::common::{about, file, number, violation, violations_until_now};
use crate::agent::{Agent, Home, Mode};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use rustix::process::{Signal, kill_process};
use serde_json::json;

pub const CASES: &[Case] = &[Case {
    name: "losses.behaviour-ring-full",
    run: ring_full,
}];

const REASON: &str = "behaviour-ring-full";
const STEM: &str = "/data/many-";

/// Records lost for the reason, as the status tells.
fn lost(agent: &Agent) -> Result<u64> {
    let status = agent.status()?;
    let losses = status["losses"].as_array().context("no losses")?;
    for loss in losses {
        ensure!(loss["reason"] == REASON, "another loss: {status}");
    }
    Ok(losses
        .iter()
        .filter_map(|loss| number(&loss["count"]))
        .sum())
}

/// Files of the flood that were reported.
fn received(watch: &Watch, puppet: &Puppet<'_>) -> u64 {
    let flood = about(watch, "violation", puppet);
    let of_flood = flood.iter().filter(|report| {
        let path = report["file"]["path"].as_str().unwrap_or_default();
        path.starts_with(STEM)
    });
    of_flood.count() as u64
}

/// Sums up the gaps for the reason.
fn confessed(watch: &Watch) -> u64 {
    let gaps = watch.of_kind("gap");
    let ours = gaps.iter().filter(|gap| gap["reason"] == REASON);
    ours.filter_map(|gap| number(&gap["count"])).sum()
}

/// An agent that does not get to run while a container floods a small ring.
fn ring_full(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let count: u64 = if context.soak { 100_000 } else { 3_000 };
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("ring", json!({"bytes": 65536}))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "losses")?;
    violations_until_now(&mut watch, &mut puppet, "/data/before")?;
    ensure!(lost(&agent)? == 0, "lost before anything was flooded");

    kill_process(agent.pid(), Signal::STOP)?;
    let flooded = puppet.act(&Act::trigger(&["create-many", STEM, &count.to_string()]));
    kill_process(agent.pid(), Signal::CONT)?;
    flooded?;
    let mut sums = (0, 0);
    wait_for("received and lost to be all", patience(), || {
        sums = (received(&watch, &puppet), lost(&agent)?);
        Ok((sums.0 + sums.1 >= count).then_some(()))
    })
    .with_context(|| format!("of {count}: received and lost {sums:?}"))?;
    let (received, lost) = sums;
    ensure!(
        lost > 0 && received > 0 && received + lost == count,
        "of {count}, {received} were received and {lost} are said to be lost"
    );
    wait_for("the gap", patience(), || {
        Ok((confessed(&watch) >= lost).then_some(()))
    })
    .with_context(|| format!("{lost} lost, gaps: {:?}", watch.of_kind("gap")))?;
    ensure!(
        confessed(&watch) == lost,
        "{lost} lost, but gaps of {}",
        confessed(&watch)
    );

    // Whoever lived through the gap may have lost something; whoever came later has not.
    let mut later = Puppet::start(session, "losses-later")?;
    for (puppet, path, after_gap) in [
        (&mut puppet, "/data/after", true),
        (&mut later, "/data/later", false),
    ] {
        puppet.act(&Act::trigger(&["create", path]))?;
        let expect = file(
            violation(session, puppet, "file.unknown", "MEDIUM"),
            "CREATE",
            path,
        )
        .is("afterGap", after_gap);
        watch.expect("violation", path, &expect)?;
    }
    Ok(Outcome::Measured(format!(
        "of {count} records {received} received, {lost} lost and counted"
    )))
}
