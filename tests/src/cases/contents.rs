//! A program on a volume is bound to what it held while it was learned; one that was written after the
//! start, to what it held when somebody approved of it.

use super::common::{
    TOOL, learned_until_now, profile, promote, silent, violation, violations_until_now,
};
use super::execs::child;
use crate::agent::{Agent, Home, Mode};
use crate::container::Spec;
use crate::expect::Expect;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

pub const CASES: &[Case] = &[
    Case {
        name: "contents.volume",
        run: volume,
    },
    Case {
        name: "contents.written-after-the-start",
        run: drifted,
    },
];

const PLUGIN: &str = "/volume/plugin";
const DROPPED: &str = "/data/dropped";
/// Under the name by which it knows what it is to do.
const IDLE: [&str; 2] = ["tool", "nothing"];

fn sha256(puppet: &Puppet<'_>, path: &str) -> Result<String> {
    let file = format!("/proc/{}/root{path}", puppet.pid()?);
    let digits = Sha256::digest(fs::read(file)?);
    Ok(digits.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Somebody outside writes behind the program's end, which goes on to work.
fn change(puppet: &Puppet<'_>, path: &str) -> Result<String> {
    let file = format!("/proc/{}/root{path}", puppet.pid()?);
    OpenOptions::new()
        .append(true)
        .open(file)?
        .write_all(b"!")?;
    settled(puppet, path)
}

/// The container puts a program there.
fn copy(puppet: &mut Puppet<'_>, path: &str) -> Result<String> {
    puppet.act(&Act::program("/bin/cp", "cp").args(&[TOOL, path]))?;
    settled(puppet, path)
}

/// What a file holds that was written just now.
fn settled(puppet: &Puppet<'_>, path: &str) -> Result<String> {
    // The times of files are coarse: one that is executed in the same moment may have changed since.
    std::thread::sleep(Duration::from_millis(100));
    sha256(puppet, path)
}

fn run(puppet: &mut Puppet<'_>, path: &str) -> Result<()> {
    puppet.act(&child(&[&[path], &IDLE[..]].concat()))
}

/// The report of a content that was not approved.
fn changed(session: &Session, puppet: &Puppet<'_>, path: &str, held: &str) -> Expect {
    violation(session, puppet, "exec.drift", "HIGH")
        .is("exec.path", path)
        .is("exec.sha256", held)
        .is("exec.name", "")
        .is("exec.parent", "")
        .is("process.exe", path)
        .is("process.ancestors.0.exe", TRIGGER)
}

fn approve(agent: &Agent, report: &Value) -> Result<String> {
    let id = report["id"].as_str().context("no id")?;
    let by = ["--actor", "tests", "--reason", "it was looked at"];
    (agent.home).call(&[&["profile", "approve", id][..], &by].concat())
}

/// Waits until a profile says what a file holds.
fn bound(agent: &Agent, workload: &str, held: &str) -> Result<()> {
    let name = profile(&agent.home, workload)?;
    wait_for("what the file holds", patience(), || {
        let text = agent.home.call(&["profile", "show", &name])?;
        Ok(text.contains(held).then_some(()))
    })
}

fn volume(context: &mut Context<'_>) -> Result<Outcome> {
    const WORKLOAD: &str = "contents";
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, WORKLOAD)?;
    let first = copy(&mut puppet, PLUGIN)?;
    run(&mut puppet, PLUGIN)?;
    learned_until_now(&mut watch, &mut puppet, "/data/learned")?;
    bound(&agent, WORKLOAD, &first)?;
    promote(&agent.home, WORKLOAD)?;
    run(&mut puppet, PLUGIN)?;
    silent(
        &violations_until_now(&mut watch, &mut puppet, "/data/same")?,
        "of what it held before",
    )?;

    let second = change(&puppet, PLUGIN)?;
    run(&mut puppet, PLUGIN)?;
    let expect = changed(session, &puppet, PLUGIN, &second)
        .is("exec.origin", "VOLUME")
        .is("nearest", format!("{PLUGIN} of sha256 {first}"));
    let (report, _) = watch.expect("violation", "another content", &expect)?;
    let said = approve(&agent, &report)?;
    ensure!(said.contains(&second), "{said}");

    // The agent forgets what it hashed, and not what was decided.
    drop(watch);
    let agent = agent.stop()?.start()?;
    let mut watch = agent.watch()?;
    run(&mut puppet, PLUGIN)?;
    let third = change(&puppet, PLUGIN)?;
    run(&mut puppet, PLUGIN)?;
    let expect = Expect::new()
        .is("rule", "exec.drift")
        .is("container.id", puppet.id.as_str())
        .is("exec.path", PLUGIN)
        .is("exec.sha256", third.as_str());
    watch.expect("violation", "a third content", &expect)?;
    let all = violations_until_now(&mut watch, &mut puppet, "/data/approved")?;
    // The stream has the first report of it from before the decision; there must be no second.
    let told = all.iter().filter(|report| report["exec"]["path"] == PLUGIN);
    let again = told.filter(|report| report["exec"]["sha256"] != third.as_str());
    ensure!(
        again.clone().all(|it| it["count"] == "1") && again.count() <= 1,
        "what was approved is reported: {all:?}"
    );
    agent.stop()?;
    Ok(Outcome::Passed)
}

fn drifted(context: &mut Context<'_>) -> Result<Outcome> {
    const WORKLOAD: &str = "contents-drift";
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    let spec = Spec::new(WORKLOAD, &[TRIGGER, "serve"]).overlay();
    let mut puppet = Puppet::from_spec(session, &spec)?;
    if !puppet.is_overlay() {
        return Ok(Outcome::Skipped(
            "the kernel has no overlay file system".to_owned(),
        ));
    }
    let first = copy(&mut puppet, DROPPED)?;
    run(&mut puppet, DROPPED)?;
    let drift = violation(session, &puppet, "exec.drift", "CRITICAL")
        .is("exec.path", DROPPED)
        .is("exec.sha256", "")
        .is("exec.origin", "UPPER_LAYER");
    let (report, _) = watch.expect("violation", "a program that was dropped", &drift)?;
    // It is hashed beside the path of records.
    // To approve of it once more does no harm.
    let said = wait_for("what the program held", patience(), || {
        let said = approve(&agent, &report)?;
        Ok(said.contains(&first).then_some(said))
    })?;
    ensure!(said.contains(DROPPED), "{said}");
    run(&mut puppet, DROPPED)?;
    let before = violations_until_now(&mut watch, &mut puppet, "/data/approved")?;
    let is_content = |report: &&Value| {
        report["exec"]["sha256"]
            .as_str()
            .is_some_and(|it| !it.is_empty())
    };
    ensure!(!before.iter().any(|it| is_content(&it)), "{before:?}");

    let second = change(&puppet, DROPPED)?;
    run(&mut puppet, DROPPED)?;
    let expect = changed(session, &puppet, DROPPED, &second).is("exec.origin", "UPPER_LAYER");
    watch.expect("violation", "another program in its place", &expect)?;
    agent.stop()?;
    Ok(Outcome::Passed)
}
