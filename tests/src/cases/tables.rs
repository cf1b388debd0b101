//! The tables of the kernel side that all containers use: what one of them can fill is its share, and
//! what finds no room in that is its own loss.

use super::common::{TOOL, any_mode, file, number};
use crate::agent::{Agent, Home, Mode};
use crate::expect::{Expect, Want};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

pub const CASES: &[Case] = &[
    Case {
        name: "losses.tables.processes",
        run: processes,
    },
    Case {
        name: "losses.tables.processes-before-the-agent",
        run: processes_before,
    },
    Case {
        // Not where each of thousands of programs takes an emulated machine's time.
        name: "losses.execs-held-back",
        run: images,
    },
    Case {
        name: "losses.tables.cgroups",
        run: cgroups,
    },
    Case {
        name: "losses.cgroups-before-the-agent",
        run: cgroups_before,
    },
];

/// Entries of the tables here.
const ENTRIES: u64 = 1_024;
/// What of them is one container's.
const SHARE: u64 = ENTRIES / lapwing_abi::share::PARTS as u64;
/// Processes of a bomb: more than the table holds.
const CROWD: u64 = 2_000;
const READY: &str = "/data/ready";
const END: &str = "/data/end";

/// Starts so many processes in a container, which live until [`disperse`].
fn crowd(puppet: &mut Puppet<'_>, count: u64) -> Result<()> {
    gathered(puppet, &["crowd", &count.to_string(), READY, END])
}

/// Starts a crowd, and waits until it is there.
fn gathered(puppet: &mut Puppet<'_>, words: &[&str]) -> Result<()> {
    for left in [READY, END] {
        let _ = fs::remove_file(puppet.root().join(&left[1..]));
    }
    puppet.begin(&Act::trigger(words))?;
    let ready = puppet.root().join(&READY[1..]);
    wait_for("the crowd", patience(), || Ok(ready.exists().then_some(())))
}

fn disperse(puppet: &mut Puppet<'_>) -> Result<()> {
    fs::write(puppet.root().join(&END[1..]), "")?;
    ensure!(puppet.end()? == 0, "the crowd failed: {}", puppet.stderr());
    Ok(())
}

/// Losses by reason: of a container, or of all and none.
pub fn losses(status: &Value, container: Option<&str>, reason: &str) -> u64 {
    let list = if container.is_some() {
        "containerLosses"
    } else {
        "losses"
    };
    let all = status[list].as_array().map(Vec::as_slice);
    let ours = all.unwrap_or_default().iter().filter(|loss| {
        loss["reason"] == reason && container.is_none_or(|id| loss["container"] == id)
    });
    ours.filter_map(|loss| number(&loss["count"])).sum()
}

/// Waits until so many losses of a container are told, and answers how many there are when all are.
pub fn refused(agent: &Agent, puppet: &Puppet<'_>, reason: &str, least: u64) -> Result<u64> {
    let count = || -> Result<u64> { Ok(losses(&agent.status()?, Some(&puppet.id), reason)) };
    wait_for(reason, patience(), || Ok((count()? >= least).then_some(())))
        .with_context(|| format!("{:?} of {least}", count()))?;
    // What did not happen tells nothing: losses are told once a second.
    std::thread::sleep(Duration::from_millis(2_500));
    count()
}

/// Crowds of half the share find room, one after the other: those that end release it.
fn has_room(agent: &Agent, puppet: &mut Puppet<'_>, reason: &str) -> Result<()> {
    let before = refused(agent, puppet, reason, 0)?;
    for _ in 0..3 {
        crowd(puppet, SHARE / 2)?;
        disperse(puppet)?;
    }
    let after = refused(agent, puppet, reason, 0)?;
    ensure!(
        before == after,
        "{} were refused though there is room again",
        after - before
    );
    Ok(())
}

/// Nothing at all was lost of a container, and nothing for want of room in the tables.
pub fn unharmed(agent: &Agent, puppet: &Puppet<'_>) -> Result<()> {
    let status = agent.status()?;
    let all = status["containerLosses"].as_array().map(Vec::as_slice);
    let ours = all.unwrap_or_default().iter();
    let ours: Vec<_> = ours
        .filter(|loss| loss["container"] == *puppet.id)
        .collect();
    ensure!(ours.is_empty(), "the neighbour lost {ours:?}");
    for reason in ["process-table-full", "cgroup-table-full"] {
        ensure!(
            losses(&status, None, reason) == 0,
            "{reason}: {}",
            status["losses"]
        );
    }
    Ok(())
}

/// A container runs a program, which runs another, whose child makes a file: who they are is told
/// in full.
pub fn forks_and_execs(watch: &mut Watch, puppet: &mut Puppet<'_>, path: &str) -> Result<()> {
    let inner = ["child", TRIGGER, TRIGGER, "fork-create", path];
    puppet.act(&Act::program(TOOL, "tool").args(&inner))?;
    let expect = any_mode(file(Expect::new(), "CREATE", path))
        .is("container.id", puppet.id.as_str())
        .is("process.exe", TRIGGER)
        .is("process.args", [TRIGGER, "fork-create", path].to_vec())
        .is("process.phase", "MAIN")
        .is("process.ancestors.0.exe", TOOL)
        .is("process.ancestors.1.exe", TRIGGER)
        .is("process.ancestors.1.pid", puppet.pid()?)
        .want("process.ancestors.2", Want::Absent);
    watch.expect("violation", path, &expect)?;
    Ok(())
}

/// A gap that is the container's own, with the reason.
fn confessed(watch: &mut Watch, puppet: &Puppet<'_>, reason: &str) -> Result<()> {
    let expect = Expect::new()
        .is("rule", "sensor.gap")
        .is("gap.reason", reason)
        .is("gap.scope", puppet.id.as_str())
        .is("container.id", puppet.id.as_str());
    watch.expect("violation", reason, &expect)?;
    let gaps = watch.of_kind("gap");
    let others = gaps
        .iter()
        .find(|gap| gap["reason"] == reason && gap["scope"] != *puppet.id);
    ensure!(others.is_none(), "another's gap: {others:?}");
    Ok(())
}

fn start(context: &Context<'_>, key: &str) -> Result<(Agent, Watch)> {
    let mut home = Home::new(context.session, Mode::Monitor)?;
    home.set("tables", json!({ key: ENTRIES }))?;
    let agent = home.start()?;
    let watch = agent.watch()?;
    Ok((agent, watch))
}

/// More processes in one container than the tree has room for.
fn processes(context: &mut Context<'_>) -> Result<Outcome> {
    const REASON: &str = "process-share-spent";
    context.alone();
    let session = context.session;
    let (agent, mut watch) = start(context, "processes")?;
    let mut noisy = Puppet::start(session, "tables-noisy")?;
    let mut quiet = Puppet::start(session, "tables-quiet")?;
    forks_and_execs(&mut watch, &mut noisy, "/data/before")?;
    forks_and_execs(&mut watch, &mut quiet, "/data/before")?;

    crowd(&mut noisy, CROWD)?;
    forks_and_execs(&mut watch, &mut quiet, "/data/meanwhile")?;
    let mut late = Puppet::start(session, "tables-late")?;
    forks_and_execs(&mut watch, &mut late, "/data/late")?;
    let refused = refused(&agent, &noisy, REASON, CROWD - SHARE)?;
    let status = agent.status()?;
    // The container's own few have their place in its share as well.
    ensure!(
        (CROWD - SHARE..=CROWD - SHARE + 16).contains(&refused),
        "of {CROWD} processes {refused} found no room in a share of {SHARE}: {}",
        status["containerLosses"]
    );
    let held = number(&status["processes"]).context("no processes")?;
    ensure!(
        (SHARE..ENTRIES / 2).contains(&held),
        "{held} processes are in the tree"
    );
    confessed(&mut watch, &noisy, REASON)?;
    for puppet in [&quiet, &late] {
        unharmed(&agent, puppet)?;
    }

    // Those that end make room again, for a crowd that fits and for what comes after it.
    disperse(&mut noisy)?;
    forks_and_execs(&mut watch, &mut noisy, "/data/after")?;
    has_room(&agent, &mut noisy, REASON)?;
    Ok(Outcome::Measured(format!(
        "of {CROWD} processes {refused} had no room in a share of {SHARE}; neighbours lost nothing"
    )))
}

/// The same, of processes that the agent meets when it starts, and counts by itself.
fn processes_before(context: &mut Context<'_>) -> Result<Outcome> {
    const REASON: &str = "process-share-spent";
    context.alone();
    let session = context.session;
    let mut noisy = Puppet::start(session, "tables-noisy-before")?;
    let mut quiet = Puppet::start(session, "tables-quiet-before")?;
    crowd(&mut noisy, CROWD)?;
    let (agent, mut watch) = start(context, "processes")?;
    let inner = ["child", TRIGGER, TRIGGER, "fork-create", "/data/met"];
    quiet.act(&Act::program(TOOL, "tool").args(&inner))?;
    let expect = any_mode(file(Expect::new(), "CREATE", "/data/met"))
        .is("container.id", quiet.id.as_str())
        .is("process.exe", TRIGGER)
        .is("process.ancestors.0.exe", TOOL)
        .is("process.ancestors.1.exe", TRIGGER)
        .is("process.ancestors.1.pid", quiet.pid()?);
    watch.expect("violation", "/data/met", &expect)?;
    let met = refused(&agent, &noisy, REASON, CROWD - SHARE)?;
    ensure!(
        (CROWD - SHARE..=CROWD - SHARE + 16).contains(&met),
        "of {CROWD} processes {met} found no room in a share of {SHARE}"
    );
    unharmed(&agent, &quiet)?;
    // The share is spent for those that come later as well: what was met was counted.
    let done = noisy.exec(&[TRIGGER, "nothing"]).output();
    let done = done.context("runc exec")?;
    ensure!(done.status.success(), "runc exec: {done:?}");
    refused(&agent, &noisy, REASON, met + 1)?;
    disperse(&mut noisy)?;
    has_room(&agent, &mut noisy, REASON)?;
    Ok(Outcome::Passed)
}

/// More programs in a moment, each executed before, than one container's share of the execs that are
/// held back: those beyond are sent, nothing is lost, and a neighbour's go on being held back.
fn images(context: &mut Context<'_>) -> Result<Outcome> {
    const REASON: &str = "image-share-spent";
    const SLEEP: &[&str] = &["/bin/sleep", "600"];
    const TIMES: u64 = 50;
    const MOST: u64 = lapwing_abi::share::share(lapwing_abi::state::IMAGES_MAX) as u64;
    const MADE: u64 = MOST + 200;
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    let mut noisy = Puppet::start(session, "execs-noisy")?;
    let mut quiet = Puppet::start(session, "execs-quiet")?;
    forks_and_execs(&mut watch, &mut noisy, "/data/before")?;
    forks_and_execs(&mut watch, &mut quiet, "/data/before")?;
    let gather = |puppet: &mut Puppet<'_>, count: u64| -> Result<()> {
        let count = count.to_string();
        let words = [&["crowd-of", &count, READY, END], SLEEP].concat();
        gathered(puppet, &words)
    };
    // Known from here on.
    gather(&mut noisy, 1)?;
    disperse(&mut noisy)?;
    let slept = Expect::new()
        .is("container.id", noisy.id.as_str())
        .is("exec.path", "/bin/busybox")
        .is("exec.name", "sleep");
    watch.expect("violation", "the program", &slept)?;

    // The agent takes over what is held back, once a second; here it does not get to it.
    agent.pause()?;
    let tool = ["child", TOOL, "tool", "nothing"];
    let times = TIMES.to_string();
    let words = [&["repeat", times.as_str()][..], &tool].concat();
    let done = gather(&mut noisy, MADE).and_then(|()| quiet.act(&Act::trigger(&words)));
    agent.go_on()?;
    done?;
    let refused = refused(&agent, &noisy, REASON, MADE - MOST)?;
    // The container's own few have their place in its share as well.
    ensure!(
        (MADE - MOST..=MADE - MOST + 16).contains(&refused),
        "of {MADE} programs {refused} found no room in a share of {MOST}"
    );
    unharmed(&agent, &quiet)?;
    let told = Expect::new().is("exec.path", TOOL).any("exec.name");
    super::seen::count(&watch, &quiet, &told, TIMES + 1)?;
    disperse(&mut noisy)?;
    // Every one was counted, whether it was held back or sent.
    super::seen::count(&watch, &noisy, &slept, MADE + 1)?;
    let lost = agent.status()?["losses"].clone();
    let others = lost.as_array().map(Vec::as_slice).unwrap_or_default();
    let others: Vec<_> = others.iter().filter(|it| it["reason"] != REASON).collect();
    ensure!(others.is_empty(), "something was lost: {others:?}");
    Ok(Outcome::Measured(format!(
        "of {MADE} programs {refused} had no room in a share of {MOST}; neighbours lost nothing"
    )))
}

/// More cgroups below a container's than are its share.
fn cgroups(context: &mut Context<'_>) -> Result<Outcome> {
    const REASON: &str = "cgroup-share-spent";
    const MADE: u64 = SHARE + 100;
    context.alone();
    let session = context.session;
    let (agent, mut watch) = start(context, "cgroups")?;
    let mut noisy = Puppet::start(session, "tables-cgroups")?;
    forks_and_execs(&mut watch, &mut noisy, "/data/before")?;
    let home = noisy.cgroup();
    for index in 0..MADE {
        session.cgroups.make(&home, &format!("n{index}"))?;
    }
    let mut late = Puppet::start(session, "tables-cgroups-late")?;
    forks_and_execs(&mut watch, &mut late, "/data/late")?;
    let without = refused(&agent, &noisy, REASON, MADE - SHARE)?;
    ensure!(
        without == MADE - SHARE,
        "{without} of {MADE} found no room in a share of {SHARE}"
    );
    confessed(&mut watch, &noisy, REASON)?;
    unharmed(&agent, &late)?;

    // One that found no room is the container's nonetheless, when its own process goes there.
    let inner = format!("{home}/n{}", MADE - 1);
    session.cgroups.enter(&inner, noisy.pid()?)?;
    forks_and_execs(&mut watch, &mut noisy, "/data/inner")?;
    session.cgroups.enter(&home, noisy.pid()?)?;
    // Removed, they make room, once all records that name them were read.
    for index in 0..MADE {
        session.cgroups.remove(&format!("{home}/n{index}"));
    }
    wait_for("room for another", patience() * 2, || {
        let before = refused(&agent, &noisy, REASON, 0)?;
        session.cgroups.make(&home, "again")?;
        session.cgroups.remove(&format!("{home}/again"));
        let after = refused(&agent, &noisy, REASON, 0)?;
        Ok((before == after).then_some(()))
    })?;
    Ok(Outcome::Measured(format!(
        "of {MADE} cgroups {without} had no room in a share of {SHARE}"
    )))
}

/// The same, of cgroups that the agent meets when it starts, and counts by itself.
fn cgroups_before(context: &mut Context<'_>) -> Result<Outcome> {
    const REASON: &str = "cgroup-share-spent";
    const MADE: u64 = SHARE + 100;
    context.alone();
    let session = context.session;
    let mut noisy = Puppet::start(session, "tables-cgroups-before")?;
    let quiet = Puppet::start(session, "tables-cgroups-before-quiet")?;
    let (home, other) = (noisy.cgroup(), quiet.cgroup());
    for index in 0..MADE {
        session.cgroups.make(&home, &format!("n{index}"))?;
    }
    session.cgroups.make(&other, "inner")?;
    // Whether or not this one finds room.
    session
        .cgroups
        .enter(&format!("{home}/n{}", MADE - 1), noisy.pid()?)?;
    let (agent, mut watch) = start(context, "cgroups")?;
    let met = refused(&agent, &noisy, REASON, MADE - SHARE)?;
    ensure!(
        met == MADE - SHARE,
        "{met} of {MADE} found no room in a share of {SHARE}"
    );
    confessed(&mut watch, &noisy, REASON)?;
    unharmed(&agent, &quiet)?;
    noisy.act(&Act::trigger(&["create", "/data/met"]))?;
    let expect = any_mode(file(Expect::new(), "CREATE", "/data/met"))
        .is("container.id", noisy.id.as_str())
        .is("process.exe", TRIGGER)
        .is("process.phase", "MAIN")
        .is("process.ancestors.0.pid", noisy.pid()?);
    watch.expect("violation", "/data/met", &expect)?;

    // The share is spent for those that come later as well: what was met was counted.
    session.cgroups.make(&home, "late")?;
    let after = refused(&agent, &noisy, REASON, met + 1)?;
    ensure!(after == met + 1, "{} were refused for one", after - met);
    session.cgroups.make(&other, "late")?;
    unharmed(&agent, &quiet)?;
    session.cgroups.enter(&home, noisy.pid()?)?;
    Ok(Outcome::Measured(format!(
        "of {MADE} cgroups {met} had no room in a share of {SHARE}"
    )))
}
