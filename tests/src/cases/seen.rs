//! Only news leaves the kernel: repeats are counted there, to the one, and sent once.

use super::common::{
    NOBODY4, about, decide, learned_until_now, number, profile, promote, silent,
    violations_until_now,
};
use crate::agent::{Agent, Home, Mode};
use crate::container::Spec;
use crate::expect::{Expect, lookup};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;

pub const CASES: &[Case] = &[
    Case {
        name: "seen.repeats-are-counted",
        run: repeats,
    },
    Case {
        name: "seen.learning-counts-too",
        run: learning,
    },
    Case {
        name: "seen.each-field-is-news",
        run: fields,
    },
    Case {
        name: "seen.decisions-are-news",
        run: decisions,
    },
    Case {
        name: "seen.goes-with-its-container",
        run: reclaimed,
    },
];

/// Acts of one kind.
const TIMES: u64 = 1_000;
/// Records of an agent's own measuring: programs and forks of the puppet, the mark at the end.
pub const FEW: u64 = 20;
/// Longest time between two reports of one violation.
pub const PERIOD: Duration = Duration::from_secs(11);

pub fn records(agent: &Agent) -> Result<u64> {
    number(&agent.status()?["records"]).context("no records in the status")
}

/// A number that the status tells of what is held back.
pub fn held(agent: &Agent, what: &str) -> Result<u64> {
    number(&agent.status()?["held"][what]).with_context(|| format!("no {what} in the status"))
}

/// Waits until the last report of a violation says that it happened so often.
pub fn count(watch: &Watch, puppet: &Puppet<'_>, is: &Expect, expected: u64) -> Result<Value> {
    let mut last = Value::Null;
    wait_for("the count", patience() + PERIOD, || {
        let found = about(watch, "violation", puppet);
        let mut ours = found.into_iter().filter(|report| is.accepts(report));
        last = ours.next_back().unwrap_or_default();
        Ok((number(&last["count"]) == Some(expected)).then_some(()))
    })
    .with_context(|| format!("{expected} were done, the last report is {last}"))?;
    Ok(last)
}

fn repeat(puppet: &mut Puppet<'_>, act: &[&str]) -> Result<()> {
    let times = TIMES.to_string();
    puppet.act(&Act::trigger(&[&["repeat", &times], act].concat()))
}

fn repeats(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "repeats")?;
    puppet.act(&Act::trigger(&["create", "/data/a"]))?;
    violations_until_now(watch, &mut puppet, "/data/before")?;
    let before = records(agent)?;
    repeat(&mut puppet, &["open-write", "/data/a"])?;
    repeat(&mut puppet, &["connect-udp", NOBODY4, "4000"])?;
    violations_until_now(watch, &mut puppet, "/data/after")?;
    let read = records(agent)? - before;
    ensure!(read <= FEW, "of {} acts {read} left the kernel", 2 * TIMES);
    let opened = Expect::new()
        .is("file.path", "/data/a")
        .is("file.operation", "OPEN_WRITE");
    let report = count(watch, &puppet, &opened, TIMES)?;
    ensure!(
        lookup(&report, "lastSeen") != lookup(&report, "firstSeen"),
        "the count rose, the time did not: {report}"
    );
    let asked = Expect::new()
        .is("egress.address", NOBODY4)
        .is("egress.port", 4000);
    count(watch, &puppet, &asked, TIMES)?;
    ensure!(
        held(agent, "repeats")? >= 2 * (TIMES - 1),
        "the status knows of {} repeats",
        held(agent, "repeats")?
    );
    Ok(Outcome::Measured(format!(
        "of {} acts {read} records left the kernel",
        2 * TIMES
    )))
}

/// What is known is counted into the profile, at the latest when the agent ends.
fn learning(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "counted")?;
    puppet.act(&Act::trigger(&["create", "/data/a"]))?;
    learned_until_now(&mut watch, &mut puppet, "/data/before")?;
    let before = records(&agent)?;
    // Of an open that is implied by the making no record is kept, but of a removal.
    let times = TIMES.to_string();
    for act in [&["create", "/data/b"][..], &["delete", "/data/b"]] {
        puppet.act(&Act::trigger(act))?;
    }
    puppet.act(&Act::trigger(&["repeat", &times, "open-write", "/data/a"]))?;
    puppet.act(&Act::trigger(&[
        "repeat",
        &times,
        "connect-udp",
        NOBODY4,
        "4001",
    ]))?;
    learned_until_now(&mut watch, &mut puppet, "/data/after")?;
    let read = records(&agent)? - before;
    ensure!(read <= FEW, "of {} acts {read} left the kernel", 2 * TIMES);
    let name = profile(&agent.home, "counted")?;
    drop(watch);
    let home = agent.stop()?;
    let agent = home.start()?;
    let shown = agent.home.call(&["profile", "show", &name])?;
    let line = shown
        .lines()
        .find(|line| line.contains("4001"))
        .with_context(|| format!("no peer in {shown}"))?;
    ensure!(
        line.contains(&format!(" x{TIMES}  first ")),
        "{TIMES} were done: {line}"
    );
    Ok(Outcome::Measured(format!(
        "of {} acts {read} records left the kernel",
        2 * TIMES
    )))
}

/// Acts that differ from one that is known in one thing each.
fn fields(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "fields")?;
    let known = [
        &["create", "/data/a"][..],
        &["open-write", "/data/a"],
        &["link", "/data/a", "/data/l"],
        &["create", "/volume/a"],
        &["connect-udp", NOBODY4, "5000"],
    ];
    for act in known {
        puppet.act(&Act::trigger(act))?;
    }
    violations_until_now(watch, &mut puppet, "/data/before")?;
    let path = |operation: &str, path: &str| {
        Expect::new()
            .is("file.operation", operation)
            .is("file.path", path)
    };
    let peer = |protocol: &str, address: &str, port: u16| {
        Expect::new()
            .is("egress.protocol", protocol)
            .is("egress.address", address)
            .is("egress.port", port)
    };
    let news: [(&[&str], Expect); 11] = [
        // Another name of the same file, and the same name on another mount.
        (&["open-write", "/data/l"], path("OPEN_WRITE", "/data/l")),
        (
            &["open-write", "/volume/a"],
            path("OPEN_WRITE", "/volume/a"),
        ),
        // The same file under a new name, and another under the old one.
        (&["rename", "/data/a", "/data/b"], path("RENAME", "/data/a")),
        (&["open-write", "/data/b"], path("OPEN_WRITE", "/data/b")),
        (&["rename", "/data/b", "/data/c"], path("RENAME", "/data/b")),
        (&["delete", "/data/c"], path("DELETE", "/data/c")),
        (&["delete", "/data/l"], path("DELETE", "/data/l")),
        (
            &["connect-udp", NOBODY4, "5001"],
            peer("UDP", NOBODY4, 5001),
        ),
        (
            &["connect-udp", "192.0.2.2", "5000"],
            peer("UDP", "192.0.2.2", 5000),
        ),
        (
            &["connect-tcp", NOBODY4, "5000"],
            peer("TCP", NOBODY4, 5000),
        ),
        (&["create", "/data/aa"], path("CREATE", "/data/aa")),
    ];
    for (act, expect) in news {
        puppet.act(&Act::trigger(act))?;
        let expect = expect.is("container.id", puppet.id.as_str());
        watch.expect("violation", &act.join(" "), &expect)?;
    }
    // Made anew it is the same behaviour, and counts.
    for _ in 0..2 {
        puppet.act(&Act::trigger(&["create", "/data/a"]))?;
        puppet.act(&Act::trigger(&["delete", "/data/a"]))?;
    }
    count(watch, &puppet, &path("CREATE", "/data/a"), 3)?;
    count(watch, &puppet, &path("DELETE", "/data/a"), 2)?;
    // Another program, and a process that entered from outside.
    let told = puppet
        .exec(&["/trigger", "create", "/data/a"])
        .output()
        .context("runc exec")?;
    ensure!(told.status.success(), "runc exec: {told:?}");
    let guest = path("CREATE", "/data/a")
        .is("process.phase", "EXEC")
        .is("container.id", puppet.id.as_str());
    watch.expect("violation", "the same by a guest", &guest)?;
    Ok(Outcome::Passed)
}

/// A decision makes news of what was known or reported before.
fn decisions(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut puppet = Puppet::start(session, "decided")?;
    let act = Act::trigger(&["connect-udp", NOBODY4, "6000"]);
    for _ in 0..3 {
        puppet.act(&act)?;
    }
    learned_until_now(watch, &mut puppet, "/data/mark")?;
    promote(&agent.home, "decided")?;
    puppet.act(&act)?;
    silent(
        &violations_until_now(watch, &mut puppet, "/data/end")?,
        "after the promotion",
    )?;
    let name = profile(&agent.home, "decided")?;
    let entry = format!("egress: {{protocol: UDP, address: {NOBODY4}, port: 6000}}");
    decide(&agent.home, "refuse", &entry, &name)?;
    let refused = Expect::new()
        .is("egress.port", 6000)
        .is("container.id", puppet.id.as_str());
    for _ in 0..5 {
        puppet.act(&act)?;
    }
    count(watch, &puppet, &refused, 5)?;
    decide(&agent.home, "approve", &entry, &name)?;
    puppet.act(&act)?;
    let after = violations_until_now(watch, &mut puppet, "/data/last")?;
    let counts = after.iter().filter(|report| refused.accepts(report));
    ensure!(
        counts.filter_map(|report| number(&report["count"])).max() == Some(5),
        "what was approved is reported: {after:?}"
    );
    Ok(Outcome::Passed)
}

/// What the kernel side knows of a container goes with it, and its counts are not lost.
fn reclaimed(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    let spec = Spec::new("reclaimed", &["/trigger", "serve"]);
    let mut puppet = Puppet::from_spec(session, &spec)?;
    violations_until_now(&mut watch, &mut puppet, "/data/before")?;
    wait_for("a container that is known", patience(), || {
        Ok((held(&agent, "containers")? == 1).then_some(()))
    })?;
    let act = ["repeat", "500", "connect-udp", NOBODY4, "7000"];
    puppet.act(&Act::trigger(&act))?;
    let id = puppet.id.clone();
    drop(puppet);
    // A container is remembered for a while after it went.
    wait_for("nothing to be known", patience() + PERIOD, || {
        Ok((held(&agent, "containers")? == 0 && held(&agent, "behaviours")? == 0).then_some(()))
    })?;
    wait_for("the last count", patience(), || {
        let reports = watch.of_kind("violation");
        let ours = reports.iter().filter(|report| {
            lookup(report, "container.id") == Some(&json!(id))
                && lookup(report, "egress.port") == Some(&json!(7000))
        });
        let counted = ours.filter_map(|report| number(&report["count"])).max();
        Ok((counted == Some(500)).then_some(()))
    })?;
    Ok(Outcome::Passed)
}
