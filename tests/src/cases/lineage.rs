//! Who executes a program: a known one under another parent is reported, under its own it is not.

use super::common::{
    TOOL, learned_until_now, profile, promote, silent, violation, violations_until_now,
};
use super::execs::child;
use super::seen::{FEW, count, records};
use crate::agent::{Agent, Home, Mode};
use crate::expect::{Expect, Want};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::Session;
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

pub const CASES: &[Case] = &[
    Case {
        name: "lineage.new-parent",
        run: new_parent,
    },
    Case {
        name: "lineage.double-fork",
        run: double_fork,
    },
    Case {
        name: "lineage.verdicts-are-per-parent",
        run: verdicts,
    },
    Case {
        name: "lineage.runtime",
        run: runtime,
    },
    Case {
        name: "lineage.restart",
        run: restart,
    },
];

const BUSYBOX: &str = "/bin/busybox";
/// A program that does nothing.
const IDLE: [&str; 3] = [TOOL, TOOL, "nothing"];
const SHELL: [&str; 4] = [BUSYBOX, "sh", "-c", ":"];

/// The tool, run by the trigger, runs another program.
fn by_tool(argv: &[&str]) -> Act {
    Act::program(TOOL, TOOL).args(&[&["child"], argv].concat())
}

/// Has the trigger, and nobody else, run both programs while the profile learns, and promotes it.
fn teach(agent: &Agent, watch: &mut Watch, puppet: &mut Puppet<'_>) -> Result<()> {
    for argv in [&IDLE[..], &SHELL] {
        puppet.act(&child(argv))?;
    }
    learned_until_now(watch, puppet, "/data/learned")?;
    let workload = puppet.workload.clone();
    promote(&agent.home, &workload)
}

/// The report of a program that the tool executed and the profile knows under the trigger.
fn lineage(session: &Session, puppet: &Puppet<'_>, path: &str, severity: &str) -> Expect {
    violation(session, puppet, "exec.lineage", severity)
        .is("exec.path", path)
        .is("exec.script", "")
        .is("exec.origin", "IMAGE")
        .is("exec.parent", TOOL)
        .want("file", Want::Absent)
        .want("egress", Want::Absent)
        .is("process.exe", path)
        .is("process.phase", "MAIN")
        .is("process.ancestors.0.exe", TOOL)
        .is("process.ancestors.1.exe", TRIGGER)
}

fn new_parent(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut puppet = Puppet::start(session, "new-parent")?;
    teach(agent, watch, &mut puppet)?;

    // As it was learned, from here on and in another instance.
    let mut other = Puppet::start(session, "new-parent")?;
    for puppet in [&mut puppet, &mut other] {
        for argv in [&IDLE[..], &SHELL] {
            puppet.act(&child(argv))?;
        }
        let seen = violations_until_now(watch, puppet, "/data/end")?;
        silent(&seen, "under the parent that was learned")?;
    }

    puppet.act(&by_tool(&IDLE))?;
    let expect = lineage(session, &puppet, TOOL, "MEDIUM")
        .is("exec.name", "")
        .is("process.args", [TOOL, "nothing"].to_vec())
        .is("nearest", format!("{TOOL} executed by {TRIGGER}"))
        .is("patch", format!("- exec: {{path: {TOOL}, parent: {TOOL}}}"));
    let (report, _) = watch.expect("violation", "the program", &expect)?;
    puppet.act(&by_tool(&SHELL))?;
    let expect = lineage(session, &puppet, BUSYBOX, "HIGH")
        .is("exec.name", "sh")
        .is("process.args", SHELL[1..].to_vec())
        .is("nearest", format!("{BUSYBOX} (sh) executed by {TRIGGER}"))
        .is(
            "patch",
            format!("- exec: {{path: {BUSYBOX}, name: sh, parent: {TOOL}}}"),
        );
    watch.expect("violation", "the shell", &expect)?;
    // What nobody knows is unknown, whoever executes it.
    puppet.act(&by_tool(&[BUSYBOX, "id"]))?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.name", "id")
        .is("exec.parent", TOOL);
    watch.expect("violation", "another program", &expect)?;

    // The patch is enough, and approves no more than it says.
    let id = report["id"].as_str().context("no id")?;
    let why = ["--actor", "tests", "--reason", "it may"];
    agent
        .home
        .call(&[&["profile", "approve", id][..], &why].concat())?;
    other.act(&by_tool(&IDLE))?;
    let seen = violations_until_now(watch, &mut other, "/data/approved")?;
    let about = |path: &str| Expect::new().is("exec.path", path);
    let told = seen.iter().filter(|report| about(TOOL).accepts(report));
    ensure!(told.count() == 0, "what was approved is reported: {seen:?}");
    other.act(&by_tool(&SHELL))?;
    let expect = lineage(session, &other, BUSYBOX, "HIGH");
    watch.expect("violation", "the shell of another instance", &expect)?;
    Ok(Outcome::Passed)
}

/// Whoever loses its parent, or gets another one, is still who it was.
fn double_fork(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut puppet = Puppet::start(session, "double-fork")?;
    let orphan = |path| [TRIGGER, "orphan", path];
    puppet.act(&child(&[TRIGGER, TRIGGER, "nothing"]))?;
    teach(agent, watch, &mut puppet)?;
    // It ends at once, and who is left has the container's first process for a parent.
    let leave = |exe: &'static str| {
        move |path| Act::program(exe, exe).args(&[&["leave"], &orphan(path)[..]].concat())
    };
    puppet.act(&leave(TRIGGER)("/data/one"))?;
    let file = |path: &str| {
        Expect::new()
            .is("container.id", puppet.id.as_str())
            .is("file.path", path)
    };
    watch.expect("violation", "an orphan of its own", &file("/data/one"))?;
    let execs = |watch: &Watch| {
        let all = super::common::about(watch, "violation", &puppet);
        all.into_iter().filter(|report| report["exec"].is_object())
    };
    silent(&execs(watch).collect::<Vec<_>>(), "of its own child")?;
    puppet.act(&leave(TOOL)("/data/two"))?;
    let expect = lineage(session, &puppet, TRIGGER, "MEDIUM")
        .is("nearest", format!("{TRIGGER} executed by runtime"));
    watch.expect("violation", "an orphan of another", &expect)?;
    Ok(Outcome::Passed)
}

/// What the kernel holds back under one parent it does not hold back under another.
fn verdicts(context: &mut Context<'_>) -> Result<Outcome> {
    const TIMES: u64 = 100;
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut puppet = Puppet::start(session, "per-parent")?;
    teach(agent, watch, &mut puppet)?;
    let times = TIMES.to_string();
    let repeat = |exe: &str| {
        Act::program(exe, exe).args(&[&["repeat", &times, "child"], &IDLE[..]].concat())
    };
    let before = records(agent)?;
    puppet.act(&repeat(TRIGGER))?;
    let seen = violations_until_now(watch, &mut puppet, "/data/one")?;
    silent(&seen, "under the parent that was learned")?;
    puppet.act(&repeat(TOOL))?;
    let known = lineage(session, &puppet, TOOL, "MEDIUM");
    let known = known
        .want("count", Want::Text)
        .want("revision", Want::Count);
    count(watch, &puppet, &known, TIMES)?;
    puppet.act(&repeat(TRIGGER))?;
    violations_until_now(watch, &mut puppet, "/data/two")?;
    count(watch, &puppet, &known, TIMES)?;
    let read = records(agent)? - before;
    ensure!(
        read <= 2 * FEW,
        "of {TIMES} execs under each parent {read} records left the kernel"
    );
    Ok(Outcome::Measured(format!(
        "{read} records of three times {TIMES} execs"
    )))
}

/// What the container's runtime executes has no parent inside.
fn runtime(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut puppet = Puppet::start(session, "by-runtime")?;
    teach(agent, watch, &mut puppet)?;
    let name = profile(&agent.home, "by-runtime")?;
    let text = agent.home.call(&["profile", "export", &name])?;
    let spec = text.split("status:").next().unwrap_or_default();
    for line in [
        format!("{{path: {TRIGGER}, parent: runtime}}"),
        format!("{{path: {TRIGGER}, parent: {TRIGGER}}}"),
        format!("{{path: {TOOL}, parent: {TRIGGER}}}"),
        format!("{{path: {BUSYBOX}, name: sh, parent: {TRIGGER}}}"),
    ] {
        ensure!(
            spec.matches(&line).count() == 1,
            "not one line {line} in {spec}"
        );
    }
    ensure!(!spec.contains("unknown"), "of whom is not known: {spec}");
    let told = puppet.exec(&IDLE[1..]).output().context("runc exec")?;
    ensure!(told.status.success(), "runc exec: {told:?}");
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", TOOL)
        .is("exec.parent", "runtime")
        .is("process.phase", "EXEC")
        .is(
            "patch",
            format!("- exec: {{path: {TOOL}, parent: runtime, phase: exec}}"),
        );
    watch.expect("violation", "a guest", &expect)?;
    Ok(Outcome::Passed)
}

/// Parents that were there before the agent are known from outside.
fn restart(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "older-parent")?;
    teach(&agent, &mut watch, &mut puppet)?;
    drop(watch);
    let wait = format!("until [ -e /data/go ]; do sleep 0.1; done; {TOOL} nothing");
    puppet.begin(&Act::program(BUSYBOX, "sh").args(&["-c", &wait]))?;
    let agent = agent.stop()?.start()?;
    let mut watch = agent.watch()?;
    std::fs::write(puppet.root().join("data/go"), "")?;
    ensure!(puppet.end()? == 0, "the shell failed");
    let expect = violation(session, &puppet, "exec.lineage", "MEDIUM")
        .is("exec.path", TOOL)
        .is("exec.parent", BUSYBOX)
        .is("afterGap", true);
    watch.expect("violation", "an older parent", &expect)?;
    for argv in [&IDLE[..], &SHELL] {
        puppet.act(&child(argv))?;
    }
    let seen = violations_until_now(&mut watch, &mut puppet, "/data/end")?;
    let known = |report: &Value| {
        let exec = &report["exec"];
        exec["parent"] == TRIGGER && (exec["path"] == TOOL || exec["name"] == "sh")
    };
    let told: Vec<Value> = seen.into_iter().filter(known).collect();
    silent(&told, "after the restart")?;
    puppet.act(&by_tool(&SHELL))?;
    let expect = lineage(session, &puppet, BUSYBOX, "HIGH").is("afterGap", true);
    watch.expect("violation", "another parent", &expect)?;
    Ok(Outcome::Passed)
}
