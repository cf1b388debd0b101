//! What runs already when the agent starts, what starts at that moment, and what lives but for one.

use super::common::{
    about, egress, file, learned_until_now, promote, silent, violation, violations_until_now,
};
use crate::agent::{Agent, Home, Mode};
use crate::container::{Container, Spec};
use crate::expect::{Expect, Want, lookup};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, check_interrupt, patience, wait_for};
use crate::trigger::standing::{ASKED_PORT, HELD, MAPPED, OF_CHILD, TCP_PORT, UDP_PORT};
use crate::watch::Watch;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    Case {
        name: "start.what-is-held",
        run: held,
    },
    Case {
        name: "start.what-is-held-is-what-was-done",
        run: agrees,
    },
    Case {
        name: "start.many-containers",
        run: many,
    },
    Case {
        name: "start.made-and-not-started",
        run: made,
    },
    Case {
        name: "start.five-milliseconds",
        run: moments,
    },
    Case {
        name: "start.blind-interval",
        run: blind,
    },
];

/// A container that is made while no agent runs, and started when one does: what waits in it is the runtime's, and its
/// first program is executed by that.
fn made(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let program = [
        "/bin/sh",
        "-c",
        "/bin/touch /data/mine; exec /bin/sleep 1000000",
    ];
    let mut container = Container::start(session, &Spec::new("made", &program).created())?;
    container.until_made()?;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    looked(&agent)?;
    let mut watch = agent.watch()?;
    container.begin()?;
    let first = violation(session, &container, "exec.unknown", "HIGH")
        .any("afterGap")
        .is("exec.path", "/bin/busybox")
        .is("exec.name", "sh")
        .is("exec.origin", "IMAGE")
        .is("exec.parent", "runtime")
        .is("process.args", program.to_vec())
        .is("process.phase", "MAIN")
        .want("process.ancestors.0", Want::Absent);
    watch.expect("violation", "the first program", &first)?;
    let change = file(
        violation(session, &container, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/mine",
    )
    .any("afterGap")
    .is("process.phase", "MAIN")
    .is("process.ancestors.0.exe", "/bin/busybox")
    .want("process.ancestors.1", Want::Absent);
    watch.expect("violation", "its file", &change)?;
    let known = agent.home.json(&["containers"])?;
    let is_it = |one: &&Value| lookup(one, "container.id") == Some(&container.id.as_str().into());
    let known = known.iter().find(is_it).context("the container")?;
    ensure!(known["seenFromStart"] == true, "{known}");
    Ok(Outcome::Passed)
}

/// A container that holds what [`crate::trigger::standing`] says.
fn holding<'s>(session: &'s Session, workload: &str) -> Result<Puppet<'s>> {
    Puppet::from_spec(session, &Spec::new(workload, &[TRIGGER, "serve-holding"]))
}

/// As reports write it.
fn canonical(path: &str) -> String {
    path.replace('\n', "\\x0a")
}

/// Waits until the agent has looked at everything that containers hold, and answers what it says
/// of that.
pub(super) fn looked(agent: &Agent) -> Result<String> {
    const SAID: &str = "what containers hold already";
    wait_for("the look at what containers hold", patience(), || {
        let log = agent.log();
        Ok(log
            .lines()
            .find(|line| line.contains(SAID))
            .map(str::to_owned))
    })
}

pub(super) fn no_losses(agent: &Agent) -> Result<()> {
    let losses = agent.status()?["losses"].clone();
    ensure!(
        losses.as_array().is_some_and(Vec::is_empty),
        "something was lost: {losses}"
    );
    Ok(())
}

/// In monitoring, with nothing known, everything is a violation, once and with all its fields.
fn held(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let puppet = holding(session, "held")?;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    let said = looked(&agent)?;
    let start = |rule: &str, severity: &str| {
        violation(session, &puppet, rule, severity)
            .is("afterGap", true)
            .is("process.exe", TRIGGER)
            .is("process.cwd", "/")
            .is("process.phase", "MAIN")
    };
    let first = |expect: Expect| -> Result<Expect> {
        Ok(expect
            .is("process.pid", puppet.pid()?)
            .is("process.containerPid", 1)
            .is("process.uid", 0)
            .is("process.args", vec![TRIGGER, "serve-holding"])
            .want("process.ancestors.0", Want::Absent))
    };
    let unknown = || start("file.unknown", "MEDIUM");
    let opened = |path: &str, mount: &str| {
        file(unknown(), "OPEN_WRITE", &canonical(path)).is("file.mount", mount)
    };
    let listen = |protocol: &str, port: u16| {
        start("listen.unknown", "HIGH")
            .any("attack.0")
            .is("listen.protocol", protocol)
            .is("listen.address", "0.0.0.0")
            .is("listen.port", port)
    };
    let talk = |protocol: &str, port: u16| {
        egress(start("egress.unknown", "HIGH"), protocol, "127.0.0.1", port)
    };
    let program = || {
        start("exec.unknown", "HIGH")
            .is("exec.path", TRIGGER)
            .is("exec.name", "")
            .is("exec.origin", "IMAGE")
    };
    // The same, executed by another than the runtime: what that is allowed this may not be.
    let child = |expect: Expect| -> Result<Expect> {
        Ok(expect
            .is("process.uid", 1000)
            .is("process.gid", 1000)
            .is("process.args", vec![TRIGGER, "hold-file", OF_CHILD])
            .is("process.ancestors.0.exe", TRIGGER)
            .is("process.ancestors.0.pid", puppet.pid()?))
    };
    let expected = [
        ("the program", first(program())?),
        (
            "the child's program",
            child(program().is("exec.parent", TRIGGER))?,
        ),
        ("the open file", first(opened(HELD, "IMAGE"))?),
        ("the mapped file", first(opened(MAPPED, "IMAGE"))?),
        ("the child's file", child(opened(OF_CHILD, "TMPFS"))?),
        ("the stream", first(talk("TCP", TCP_PORT))?),
        ("the datagrams", first(talk("UDP", ASKED_PORT))?),
        ("the server", first(listen("TCP", TCP_PORT))?),
        ("the receiver", first(listen("UDP", UDP_PORT))?),
    ];
    for (what, expect) in &expected {
        watch.expect("violation", what, expect)?;
    }
    let all = about(&watch, "violation", &puppet);
    ensure!(
        all.len() == expected.len(),
        "{} reports of {} things: {all:?}",
        all.len(),
        expected.len()
    );
    no_losses(&agent)?;
    Ok(Outcome::Measured(said))
}

/// What the hooks have taught is the same as what is found at a start: nothing of it is news. What
/// was opened while nobody looked is.
fn agrees(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let workload = "agrees";
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = holding(session, workload)?;
    puppet.act(&Act::trigger(&["create", "/data/mark"]))?;
    learned_until_now(&mut watch, &mut puppet, "/data/end")?;
    promote(&agent.home, workload)?;
    drop(watch);
    let home = agent.stop()?;
    let secret = "/scratch/unknown";
    puppet.begin(&Act::trigger(&["keep-file", secret]))?;
    wait_for("the file to be open", patience(), || {
        Ok(is_open(session, &puppet, secret).then_some(()))
    })?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    looked(&agent)?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "OPEN_WRITE",
        secret,
    )
    .is("afterGap", true)
    .is("process.ancestors.0.exe", TRIGGER);
    watch.expect("violation", "what was opened meanwhile", &expect)?;
    let other: Vec<Value> = about(&watch, "violation", &puppet)
        .into_iter()
        .filter(|report| !expect.accepts(report))
        .collect();
    silent(&other, "of what had been learned by hooks")?;
    no_losses(&agent)?;
    Ok(Outcome::Passed)
}

/// Whether a process of the container has a file open.
pub(super) fn is_open(session: &Session, puppet: &Puppet<'_>, path: &str) -> bool {
    session
        .cgroups
        .processes(&puppet.cgroup())
        .into_iter()
        .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok())
        .flat_map(Iterator::flatten)
        .any(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str() == path))
}

/// Many containers run, others start and end at the very moment at which the agent starts.
fn many(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let count = if context.soak { 300 } else { 30 };
    let mut running = Vec::new();
    for _ in 0..count {
        check_interrupt()?;
        running.push(holding(session, "many")?);
    }
    let ready = AtomicBool::new(false);
    let (agent, mut late, took) = std::thread::scope(|scope| -> Result<_> {
        // Started while the agent does, and alive when it is there.
        let starting = scope.spawn(|| -> Result<Vec<Puppet<'_>>> {
            let mut late = Vec::new();
            while !ready.load(Ordering::Acquire) {
                late.push(Puppet::start(session, "late")?);
            }
            late.push(Puppet::start(session, "late")?);
            Ok(late)
        });
        // Coming and going.
        let passing = scope.spawn(|| -> Result<()> {
            while !ready.load(Ordering::Acquire) {
                Container::start(session, &Spec::new("passing", &["/bin/true"]))?.wait()?;
            }
            Ok(())
        });
        let begin = Instant::now();
        let agent = Home::new(session, Mode::Learn).and_then(Home::start);
        let took = begin.elapsed();
        ready.store(true, Ordering::Release);
        let late = starting.join().map_err(|_| anyhow::anyhow!("a panic"))??;
        passing.join().map_err(|_| anyhow::anyhow!("a panic"))??;
        Ok((agent?, late, took))
    })?;
    let said = looked(&agent)?;
    let mut watch = agent.watch()?;
    let started = late.len();
    for (at, puppet) in running.iter_mut().chain(&mut late).enumerate() {
        puppet.act(&Act::trigger(&["create", "/data/after"]))?;
        let expect = Expect::new()
            .is("container.id", puppet.id.as_str())
            .is("workload.name", puppet.workload.as_str())
            .is("file.path", "/data/after")
            .is("process.exe", TRIGGER)
            .is("process.phase", "MAIN")
            .is("process.ancestors.0.exe", TRIGGER)
            .is("process.ancestors.0.pid", puppet.pid()?);
        watch.expect("behaviour", "the act after the start", &expect)?;
        if at >= count {
            continue;
        }
        let missing = missing(&watch, puppet)?;
        ensure!(
            missing.is_empty(),
            "{missing:?} are not known of {}",
            puppet.id
        );
    }
    no_losses(&agent)?;
    Ok(Outcome::Measured(format!(
        "{count} containers ran, {started} started meanwhile; answering after {} ms; {}",
        took.as_millis(),
        said.rsplit_once("already").map_or("", |(_, rest)| rest)
    )))
}

/// What a container holds and was not published of it, in short.
pub(super) fn missing(watch: &Watch, puppet: &Puppet<'_>) -> Result<Vec<String>> {
    let expected = [
        format!("exec {}", puppet.pid()?),
        format!("file {}", canonical(HELD)),
        format!("file {}", canonical(MAPPED)),
        format!("file {OF_CHILD}"),
        format!("egress {TCP_PORT}"),
        format!("egress {ASKED_PORT}"),
        format!("listen {TCP_PORT}"),
        format!("listen {UDP_PORT}"),
    ];
    let known = things(watch, puppet);
    Ok(expected
        .into_iter()
        .filter(|thing| !known.contains(thing))
        .collect())
}

/// What was published of a container, in short.
fn things(watch: &Watch, puppet: &Puppet<'_>) -> BTreeSet<String> {
    about(watch, "behaviour", puppet)
        .iter()
        .filter_map(|report| {
            let text = |field: &str| Some(lookup(report, field)?.as_str()?.to_owned());
            let number = |field: &str| lookup(report, field)?.as_u64();
            let program = || {
                text("exec.path")?;
                Some(format!("exec {}", number("process.pid")?))
            };
            program()
                .or_else(|| Some(format!("file {}", text("file.path")?)))
                .or_else(|| Some(format!("egress {}", number("egress.port")?)))
                .or_else(|| Some(format!("listen {}", number("listen.port")?)))
        })
        .collect()
}

/// Containers of which nothing is left after a few milliseconds: a cgroup with a name as a runtime
/// gives it, and one program with another root in it. A runtime takes longer to set one up, so
/// these are made by hand.
fn moments(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let count = if context.soak { 200 } else { 20 };
    // A runtime makes the run's folder in every hierarchy; this one stays as long as the case.
    let _first = Puppet::start(session, "first")?;
    let root = session.folder("moment")?;
    crate::rootfs::fill(session, &root)?;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let watch = agent.watch()?;
    let busybox = &session.tools.busybox;
    let mut ids = BTreeSet::new();
    let mut times = Vec::new();
    for index in 0..count {
        check_interrupt()?;
        let id = format!("{index:064x}");
        let begin = Instant::now();
        session.cgroups.make("", &id)?;
        let mut script = String::new();
        for folder in session.cgroups.folders(&format!("/{id}")) {
            script += &format!("echo $$ > {}/cgroup.procs && ", folder.display());
        }
        script += &format!(
            "exec {} chroot {} /bin/true",
            busybox.display(),
            root.display()
        );
        let status = Command::new(busybox).args(["sh", "-c", &script]).status()?;
        ensure!(status.success(), "the program ended with {status}");
        session.cgroups.remove(&format!("/{id}"));
        times.push(begin.elapsed());
        ids.insert(id);
    }
    let told = || -> BTreeSet<String> {
        watch
            .of_kind("violation")
            .iter()
            .filter(|report| {
                let text = |field: &str| {
                    let text = lookup(report, field).and_then(Value::as_str);
                    text.unwrap_or_default()
                };
                // Its root is a folder of the host's tree, by which its paths are named.
                text("exec.path").ends_with("/bin/busybox")
                    && text("exec.name") == "true"
                    && text("process.phase") == "MAIN"
            })
            .filter_map(|report| Some(lookup(report, "container.id")?.as_str()?.to_owned()))
            .collect()
    };
    let all = wait_for("each container's program", patience(), || {
        Ok(ids.is_subset(&told()).then_some(()))
    });
    if all.is_err() {
        let told = told();
        let missing: Vec<_> = ids.difference(&told).collect();
        bail!(
            "{} of {count} were not attributed, the first is {:?}; the first report of all is {}",
            missing.len(),
            missing.first(),
            watch
                .of_kind("violation")
                .first()
                .cloned()
                .unwrap_or_default()
        );
    }
    no_losses(&agent)?;
    times.sort_unstable();
    Ok(Outcome::Measured(format!(
        "{count} containers, all attributed; from cgroup to its removal {:.1} ms in the middle, {:.1} ms at least",
        milliseconds(times[times.len() / 2]),
        milliseconds(times[0])
    )))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A restart is a gap that begins no later than nobody looked any more, and ends no earlier than
/// everything was attached.
fn blind(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, "blind")?;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    violations_until_now(&mut watch, &mut puppet, "/data/before")?;
    drop(watch);
    let stopping = crate::expect::now();
    let home = agent.stop()?;
    let stopped = crate::expect::now();
    // Nobody sees it, and the gap has to say so.
    puppet.act(&Act::trigger(&["create", "/data/unseen"]))?;
    let unseen = crate::expect::now();
    let starting = Instant::now();
    let agent = home.start()?;
    let answers = starting.elapsed();
    let mut watch = agent.watch()?;
    let gap = wait_for("the gap", patience(), || {
        let gaps = watch.of_kind("gap");
        Ok(gaps.into_iter().find(|gap| gap["reason"] == "agent-down"))
    })?;
    let time = |key: &str| -> Result<f64> {
        let text = gap[key].as_str().context("no time")?;
        crate::expect::epoch_seconds(text).context("no time")
    };
    let (from, to) = (time("from")?, time("to")?);
    ensure!(
        (stopping - 10.0..=stopped).contains(&from) && from < unseen && unseen < to,
        "the gap from {from} to {to} does not hold the act at {unseen}"
    );
    let seen = violations_until_now(&mut watch, &mut puppet, "/data/after")?;
    let path = |report: &Value| report["file"]["path"] == "/data/unseen";
    ensure!(!seen.iter().any(path), "it was seen: {seen:?}");
    let attached = attached(&agent)?;
    Ok(Outcome::Measured(format!(
        "stopping {:.0} ms; answering {:.0} ms after its start; {attached}",
        (stopped - stopping) * 1e3,
        milliseconds(answers),
    )))
}

/// What the agent says of how long it took to attach everything.
pub(super) fn attached(agent: &Agent) -> Result<String> {
    let log = agent.log();
    let line = log.lines().rfind(|line| line.contains("hooks attached"));
    let line = line.context("the agent does not say that it is attached")?;
    let (_, said) = line.split_once("hooks ").unwrap_or(("", line));
    Ok(said.to_owned())
}
