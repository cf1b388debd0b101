//! Execs that are no news: nothing leaves the kernel, and yet a report about such a process tells
//! its program, arguments and ancestors.

use super::common::{
    TOOL, decide, learned_until_now, number, profile, promote, silent, violations_until_now,
};
use super::seen::{FEW, PERIOD, count, held, records};
use crate::agent::Mode;
use crate::expect::Expect;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;

pub const CASES: &[Case] = &[
    Case {
        name: "seen.exec.repeats-are-counted",
        run: repeats,
    },
    Case {
        name: "seen.exec.each-field-is-news",
        run: fields,
    },
    Case {
        name: "seen.exec.decisions-are-news",
        run: decisions,
    },
    Case {
        name: "seen.exec.reports-tell-all",
        run: reports,
    },
    Case {
        name: "seen.exec.ancestors-are-gone",
        run: ancestors,
    },
    Case {
        name: "seen.exec.what-does-not-fit-is-sent",
        run: long,
    },
    Case {
        name: "seen.exec.not-from-the-image",
        run: elsewhere,
    },
];

/// Programs that are executed, one after the other.
const TIMES: u64 = 200;
/// Processes that each do something of their own: well above what an agent reads besides.
const MANY: u64 = 2 * FEW;
const BUSYBOX: &str = "/bin/busybox";

/// A child of the trigger that runs a program to its end.
pub fn child(argv: &[&str]) -> Act {
    Act::trigger(&[&["child"], argv].concat())
}

fn repeats(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut puppet = Puppet::start(session, "exec-repeats")?;
    let tool = [TOOL, "tool", "nothing"];
    puppet.act(&child(&tool))?;
    learned_until_now(watch, &mut puppet, "/data/learned")?;
    let times = TIMES.to_string();
    let again = Act::trigger(&[&["repeat", &times, "child"], &tool[..]].concat());
    // Of what was learned and, then, of what is compared.
    let mut read = Vec::new();
    for mark in ["/data/one", "/data/two"] {
        let before = records(agent)?;
        puppet.act(&again)?;
        if mark == "/data/one" {
            learned_until_now(watch, &mut puppet, mark)?;
            promote(&agent.home, "exec-repeats")?;
            // What was known before is asked for once more.
            puppet.act(&child(&tool))?;
        } else {
            let violations = violations_until_now(watch, &mut puppet, mark)?;
            silent(&violations, "of programs that were learned")?;
        }
        read.push(records(agent)? - before);
        ensure!(
            read.iter().all(|read| *read <= FEW),
            "of {TIMES} execs at a time {read:?} records left the kernel"
        );
    }
    // One that was reported: its repeats come as counts.
    let other = [TOOL, "other", "nothing"];
    puppet.act(&child(&other))?;
    violations_until_now(watch, &mut puppet, "/data/three")?;
    let before = records(agent)?;
    puppet.act(&Act::trigger(
        &[&["repeat", &times, "child"], &other[..]].concat(),
    ))?;
    violations_until_now(watch, &mut puppet, "/data/four")?;
    read.push(records(agent)? - before);
    ensure!(
        read[2] <= FEW,
        "of {TIMES} deviations {} were sent",
        read[2]
    );
    let named = Expect::new().is("exec.path", TOOL).is("exec.name", "other");
    count(watch, &puppet, &named, TIMES + 1)?;
    wait_for("the repeats", patience() + PERIOD, || {
        Ok((held(agent, "repeats")? >= TIMES).then_some(()))
    })?;
    Ok(Outcome::Measured(format!(
        "of {TIMES} execs at a time {read:?} records left the kernel"
    )))
}

/// Execs that differ from one that is known in one thing each.
fn fields(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-fields")?;
    for script in ["data/one", "data/two"] {
        let path = puppet.root().join(script);
        fs::write(&path, "#!/usr/bin/tool nothing\n")?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    let known = [
        &[TOOL, "tool", "nothing"][..],
        &[BUSYBOX, "true"],
        &[BUSYBOX, "busybox", "true"],
        &["/data/one", "one"],
    ];
    for argv in known {
        puppet.act(&child(argv))?;
    }
    violations_until_now(watch, &mut puppet, "/data/before")?;
    let exec = |path: &str, name: &str| {
        Expect::new()
            .is("exec.path", path)
            .is("exec.name", name)
            .is("exec.origin", "IMAGE")
    };
    let news: [(&[&str], Expect); 6] = [
        // Another name, told by the first argument or by the second.
        (&[TOOL, "other", "nothing"], exec(TOOL, "other")),
        (&[BUSYBOX, "echo"], exec(BUSYBOX, "echo")),
        (&[BUSYBOX, "busybox", "id"], exec(BUSYBOX, "id")),
        // The same file by another path.
        (&["/usr/bin/sleep", "true"], exec("/usr/bin/sleep", "true")),
        (
            &["/data/two", "two"],
            exec(TOOL, "").is("exec.script", "/data/two"),
        ),
        // The same program from a memory file.
        (
            &[TOOL, "tool", "exec-memfd", TOOL, "tool", "nothing"],
            Expect::new().is("exec.origin", "MEMFD"),
        ),
    ];
    for (argv, expect) in news {
        puppet.act(&child(argv))?;
        let expect = expect.is("container.id", puppet.id.as_str());
        watch.expect("violation", &argv.join(" "), &expect)?;
    }
    // By who entered from outside.
    let told = puppet.exec(&[TOOL, "nothing"]).output();
    let told = told.context("runc exec")?;
    ensure!(told.status.success(), "runc exec: {told:?}");
    let guest = exec(TOOL, "")
        .is("process.phase", "EXEC")
        .is("container.id", puppet.id.as_str());
    watch.expect("violation", "the same by a guest", &guest)?;
    Ok(Outcome::Passed)
}

/// A decision makes news of what was known or reported before.
fn decisions(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut puppet = Puppet::start(session, "exec-decided")?;
    let act = child(&[TOOL, "tool", "nothing"]);
    for _ in 0..3 {
        puppet.act(&act)?;
    }
    learned_until_now(watch, &mut puppet, "/data/mark")?;
    promote(&agent.home, "exec-decided")?;
    puppet.act(&act)?;
    silent(
        &violations_until_now(watch, &mut puppet, "/data/end")?,
        "after the promotion",
    )?;
    let name = profile(&agent.home, "exec-decided")?;
    let entry = format!("exec: {{path: {TOOL}}}");
    decide(&agent.home, "refuse", &entry, &name)?;
    let refused = Expect::new().is("exec.path", TOOL).is("exec.name", "");
    for _ in 0..5 {
        puppet.act(&act)?;
    }
    count(watch, &puppet, &refused, 5)?;
    decide(&agent.home, "approve", &entry, &name)?;
    for _ in 0..3 {
        puppet.act(&act)?;
    }
    let after = violations_until_now(watch, &mut puppet, "/data/last")?;
    let counts = after.iter().filter(|report| refused.accepts(report));
    ensure!(
        counts.filter_map(|report| number(&report["count"])).max() == Some(5),
        "what was approved is reported: {after:?}"
    );
    Ok(Outcome::Passed)
}

/// Processes whose exec was held back, and that have ended by the time somebody looks.
fn reports(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-reports")?;
    let tool = |args: &[&str]| Act::program(TOOL, "tool").args(args).cwd("/volume");
    puppet.act(&tool(&["nothing"]))?;
    violations_until_now(watch, &mut puppet, "/data/before")?;
    let before = records(agent)?;
    for index in 0..MANY {
        puppet.act(&tool(&["create", &format!("/data/{index}")]))?;
    }
    for index in 0..MANY {
        let path = format!("/data/{index}");
        let expect = Expect::new()
            .is("container.id", puppet.id.as_str())
            .is("file.path", path.as_str())
            .is("process.exe", TOOL)
            .is("process.args", ["tool", "create", &path].to_vec())
            .is("process.cwd", "/volume")
            .is("process.ancestors.0.exe", TRIGGER)
            .is("process.ancestors.0.pid", puppet.pid()?);
        watch.expect("violation", &path, &expect)?;
    }
    let read = records(agent)? - before;
    ensure!(
        read < MANY + FEW,
        "of {MANY} files and as many execs {read} records left the kernel"
    );
    Ok(Outcome::Measured(format!(
        "{read} records of {MANY} processes"
    )))
}

/// Ancestors whose exec was held back and that are gone: just now, and for longer than the agent
/// leaves in the kernel what nobody needs.
fn ancestors(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-ancestors")?;
    let leave = |args: &[&str]| Act::program(TOOL, "tool").args(&[&["leave"], args].concat());
    let shell = |wait: &str, file: &str| format!("sleep {wait}; echo > {file}");
    puppet.act(&leave(&[TRIGGER, "orphan", "/data/o0"]))?;
    puppet.act(&leave(&[BUSYBOX, "sh", "-c", &shell("0", "/data/s0")]))?;
    let about = |path: &str| {
        Expect::new()
            .is("container.id", puppet.id.as_str())
            .is("file.path", path)
    };
    for path in ["/data/o0", "/data/s0"] {
        watch.expect("violation", path, &about(path))?;
    }
    let before = records(agent)?;
    let words = shell("4", "/data/s1");
    let pid = puppet.pid()?;
    let expects = [
        about("/data/o1")
            .is("process.exe", TRIGGER)
            .is("process.args", [TRIGGER, "orphan", "/data/o1"].to_vec()),
        about("/data/s1")
            .is("process.exe", BUSYBOX)
            .is("process.args", [BUSYBOX, "sh", "-c", &words].to_vec()),
    ];
    puppet.act(&leave(&[TRIGGER, "orphan", "/data/o1"]))?;
    puppet.act(&leave(&[BUSYBOX, "sh", "-c", &words]))?;
    for expect in expects {
        let expect = expect
            .is("process.ancestors.0.exe", TOOL)
            .is("process.ancestors.1.exe", TRIGGER)
            .is("process.ancestors.1.pid", pid);
        watch.expect("violation", "what an orphan does", &expect)?;
    }
    let read = records(agent)? - before;
    ensure!(read <= FEW, "{read} records left the kernel");
    let losses = agent.status()?["losses"].clone();
    let unknown = losses.as_array().into_iter().flatten();
    let mut unknown = unknown.filter(|loss| loss["reason"] == "image-unknown");
    ensure!(
        unknown.all(|loss| number(&loss["count"]).unwrap_or_default() == 0),
        "a program was not found: {losses}"
    );
    Ok(Outcome::Passed)
}

/// An exec with arguments that are too long to be kept is sent, known or not.
fn long(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-too-long")?;
    let long = "x".repeat(1_000);
    for path in ["/data/one", "/data/two"] {
        let command = format!("echo > {path}");
        puppet.act(&child(&[BUSYBOX, "sh", "-c", &command, &long]))?;
        let expect = Expect::new()
            .is("container.id", puppet.id.as_str())
            .is("file.path", path)
            .is("process.exe", BUSYBOX)
            .is("process.args", ["sh", "-c", &command, &long].to_vec());
        watch.expect("violation", path, &expect)?;
    }
    Ok(Outcome::Passed)
}

/// A program that is not from the image may be another one each time: all its execs are sent.
fn elsewhere(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-elsewhere")?;
    let act = child(&[TOOL, "tool", "exec-memfd", TOOL, "tool", "nothing"]);
    puppet.act(&act)?;
    violations_until_now(watch, &mut puppet, "/data/before")?;
    let before = records(agent)?;
    for _ in 0..MANY {
        puppet.act(&act)?;
    }
    let fileless = Expect::new().is("exec.origin", "MEMFD");
    count(watch, &puppet, &fileless, MANY + 1)?;
    let read = records(agent)? - before;
    ensure!(read >= MANY, "of {MANY} such execs {read} were sent");
    Ok(Outcome::Passed)
}
