//! What is lost is counted, to the record and by container, and told where it belongs in the stream.

use super::common::{about, number, say_after_gap, violations_until_now};
use crate::agent::{Agent, Home, Mode};
use crate::expect::{Expect, epoch_seconds, now};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use rustix::process::{Signal, kill_process};
use serde_json::json;

pub const CASES: &[Case] = &[Case {
    name: "losses.agent-that-does-not-run",
    run: not_run,
}];

/// What the paths of a flood's files begin with.
pub const STEM: &str = "/data/many-";
/// Longer than the agent goes between two looks at what was lost, in seconds.
const LOOKS: f64 = 5.0;

/// Events lost of a container, as the status tells.
pub fn lost(agent: &Agent, puppet: &Puppet<'_>) -> Result<u64> {
    let status = agent.status()?;
    let losses = status["containerLosses"].as_array();
    let losses = losses.map(Vec::as_slice).unwrap_or_default();
    // Where there is no room to remember a behaviour it is sent each time: nothing is lost.
    let ours = losses
        .iter()
        .filter(|loss| loss["container"] == *puppet.id && loss["reason"] != "seen-full");
    Ok(ours.filter_map(|loss| number(&loss["count"])).sum())
}

/// What the status tells of a container for one reason.
pub fn lost_for(agent: &Agent, puppet: &Puppet<'_>, reason: &str) -> Result<u64> {
    let status = agent.status()?;
    let losses = status["containerLosses"].as_array();
    let losses = losses.map(Vec::as_slice).unwrap_or_default();
    let ours = losses
        .iter()
        .filter(|loss| loss["container"] == *puppet.id && loss["reason"] == reason);
    Ok(ours.filter_map(|loss| number(&loss["count"])).sum())
}

/// Events lost in all.
fn lost_in_all(agent: &Agent) -> Result<u64> {
    let status = agent.status()?;
    let losses = status["losses"].as_array();
    let losses = losses.map(Vec::as_slice).unwrap_or_default();
    Ok(losses
        .iter()
        .filter_map(|loss| number(&loss["count"]))
        .sum())
}

/// Files of a flood that were reported, each once.
pub fn received(watch: &Watch, puppet: &Puppet<'_>) -> u64 {
    let reports = about(watch, "violation", puppet);
    let of_flood = reports.iter().filter(|report| {
        let path = report["file"]["path"].as_str().unwrap_or_default();
        path.starts_with(STEM) && report["revision"] == 1
    });
    of_flood.count() as u64
}

/// Sums up the gaps of a container.
fn confessed(watch: &Watch, puppet: &Puppet<'_>) -> u64 {
    let gaps = watch.of_kind("gap");
    let ours = gaps.iter().filter(|gap| gap["scope"] == *puppet.id);
    ours.filter_map(|gap| number(&gap["count"])).sum()
}

/// When a flood began and ended, in seconds since the epoch.
pub type Span = (f64, f64);

/// Runs a flood, and answers when.
pub fn timed<T>(flood: impl FnOnce() -> Result<T>) -> Result<(T, Span)> {
    let began = now();
    let done = flood()?;
    Ok((done, (began, now())))
}

/// Checks that each gap of a container says an interval in which something of the flood was lost:
/// from the last look before to the next one after.
pub fn in_time(watch: &Watch, puppet: &Puppet<'_>, (began, ended): Span) -> Result<()> {
    let gaps = watch.of_kind("gap");
    for gap in gaps.iter().filter(|gap| gap["scope"] == *puppet.id) {
        let at = |end: &str| gap[end].as_str().and_then(epoch_seconds);
        let (from, to) = at("from").zip(at("to")).context("a gap without times")?;
        ensure!(
            from < to && from <= ended && began <= to,
            "a flood from {began} to {ended}, and a gap from {from} to {to}: {gap}"
        );
        ensure!(
            began - from <= LOOKS && to - ended <= LOOKS + patience().as_secs_f64(),
            "a flood from {began} to {ended}, and a gap from {from} to {to}: {gap}"
        );
    }
    Ok(())
}

/// Checks that the first gap of a container, for which nobody looked during the flood, holds all of
/// it.
fn covered(watch: &Watch, puppet: &Puppet<'_>, (began, ended): Span) -> Result<()> {
    let gaps = watch.of_kind("gap");
    let gap = gaps.iter().find(|gap| gap["scope"] == *puppet.id);
    let gap = gap.context("no gap")?;
    let at = |end: &str| gap[end].as_str().and_then(epoch_seconds);
    ensure!(
        at("from").is_some_and(|from| from <= began) && at("to").is_some_and(|to| ended <= to),
        "a flood from {began} to {ended} that nobody saw is not inside of {gap}"
    );
    Ok(())
}

/// Waits until all that a container did was received or counted as lost, and told in gaps.
pub fn accounted(
    agent: &Agent,
    watch: &Watch,
    puppet: &Puppet<'_>,
    done: u64,
    span: Span,
) -> Result<(u64, u64)> {
    let mut sums = (0, 0);
    wait_for("received and lost to be all", patience(), || {
        sums = (received(watch, puppet), lost(agent, puppet)?);
        Ok((sums.0 + sums.1 >= done).then_some(()))
    })
    .with_context(|| format!("of {done}: received and lost {sums:?}"))?;
    let (received, lost) = sums;
    ensure!(
        received + lost == done,
        "of {done}, {received} were received and {lost} are said to be lost"
    );
    wait_for("the gaps", patience(), || {
        Ok((confessed(watch, puppet) >= lost).then_some(()))
    })
    .with_context(|| format!("{lost} lost, gaps: {:?}", watch.of_kind("gap")))?;
    ensure!(
        confessed(watch, puppet) == lost,
        "{lost} lost, but gaps of {}",
        confessed(watch, puppet)
    );
    in_time(watch, puppet, span)?;
    Ok(sums)
}

/// An agent that does not get to run while containers fill a small ring.
fn not_run(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let count: u64 = if context.soak { 100_000 } else { 3_000 };
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("ring", json!({"bytes": 65536}))?;
    // Each is to be seen by itself.
    home.set("suppression", json!({"new": 1 << 30}))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut puppets = Vec::new();
    for _ in 0..3 {
        let mut puppet = Puppet::start(session, "losses")?;
        violations_until_now(&mut watch, &mut puppet, "/data/before")?;
        puppets.push(puppet);
    }
    ensure!(
        lost_in_all(&agent)? == 0,
        "lost before anything was flooded: {}",
        agent.status()?["losses"]
    );

    kill_process(agent.pid(), Signal::STOP)?;
    let many = Act::trigger(&["create-many", STEM, &count.to_string()]);
    let flooded = timed(|| puppets.iter_mut().try_for_each(|puppet| puppet.act(&many)));
    kill_process(agent.pid(), Signal::CONT)?;
    let ((), span) = flooded?;
    let mut told = Vec::new();
    for puppet in &puppets {
        let (received, lost) = accounted(&agent, &watch, puppet, count, span)?;
        ensure!(lost > 0, "nothing was lost of {count}");
        covered(&watch, puppet, span)?;
        told.push(format!("{received}+{lost}"));
        let expect = Expect::new()
            .is("rule", "sensor.gap")
            .is("severity", "HIGH")
            .is("gap.scope", puppet.id.as_str())
            .is("container.id", puppet.id.as_str());
        watch.expect("violation", "the gap while monitoring", &expect)?;
    }
    let reasons = |reason: &str| {
        let gaps = watch.of_kind("gap");
        gaps.iter().any(|gap| gap["reason"] == reason)
    };
    ensure!(
        reasons("budget-spent") && reasons("behaviour-ring-full"),
        "one container spends its budget, several fill the ring: {:?}",
        watch.of_kind("gap")
    );

    // Whoever lived through the gap may have lost something; whoever came later has not.
    let mut puppet = puppets.remove(0);
    let mut later = Puppet::start(session, "losses-later")?;
    let acts = [
        (&mut puppet, "/data/after", true),
        (&mut later, "/data/later", false),
    ];
    say_after_gap(session, &mut watch, acts)?;
    Ok(Outcome::Measured(format!(
        "of {count} records each, received and lost: {}",
        told.join(", ")
    )))
}
