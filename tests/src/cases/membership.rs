//! Who belongs to a container, and who does not.

use super::common::{any_mode, file, violation, violations_until_now};
use crate::agent::{Home, Mode};
use crate::expect::Expect;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::Session;
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::process::{Child, Command, Stdio};

pub const CASES: &[Case] = &[
    Case {
        name: "membership.sticks",
        run: sticks,
    },
    Case {
        name: "membership.strangers-are-silent",
        run: strangers,
    },
    Case {
        name: "membership.strangers-are-silent.without-scope",
        run: strangers_without_scope,
    },
    Case {
        name: "membership.host-if-asked-for",
        run: host,
    },
];

/// Who leaves the container's cgroup stays in the container.
fn sticks(context: &mut Context<'_>) -> Result<Outcome> {
    const ELSEWHERE: &str = "/elsewhere";
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "sticks")?;
    session.cgroups.make("", &ELSEWHERE[1..])?;
    session.cgroups.enter(ELSEWHERE, puppet.pid()?)?;
    ensure!(
        session.cgroups.processes(&puppet.cgroup()).is_empty(),
        "the container's cgroup is not empty"
    );
    puppet.act(&Act::trigger(&["create", "/data/moved"]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/moved",
    )
    .is("process.exe", TRIGGER)
    .is("process.phase", "MAIN")
    .is("process.ancestors.0.pid", puppet.pid()?);
    let reported = watch.expect("violation", "the file of one that left", &expect);
    drop(puppet);
    session.cgroups.remove(ELSEWHERE);
    reported?;
    Ok(Outcome::Passed)
}

/// A file and a program outside of every container, both by this run. Answers with what tells them.
fn act_outside(session: &Session) -> Result<(String, u32)> {
    let path = session.path(&session.unique("stranger"));
    let path = path.display().to_string();
    let mut child = Command::new(&session.tools.busybox)
        .args(["sh", "-c", "echo > \"$0\"; rm \"$0\"; : > \"$0\"", &path])
        .spawn()
        .context("busybox")?;
    let pid = child.id();
    ensure!(child.wait()?.success(), "the stranger failed");
    Ok((path, pid))
}

/// Nothing was said of an act outside once a container's later act was.
fn silent_about_strangers(session: &Session, watch: &mut Watch) -> Result<()> {
    let mut puppet = Puppet::start(session, "strangers")?;
    let mut acts = Vec::new();
    for _ in 0..3 {
        acts.push(act_outside(session)?);
    }
    violations_until_now(watch, &mut puppet, "/data/sentinel")?;
    for kind in ["violation", "behaviour"] {
        for report in watch.of_kind(kind) {
            let text = report.to_string();
            for (path, pid) in &acts {
                ensure!(
                    !text.contains(path.as_str()) && report["process"]["pid"] != *pid,
                    "a stranger's act was reported: {text}"
                );
            }
        }
    }
    Ok(())
}

fn strangers(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    silent_about_strangers(session, watch)?;
    for kind in ["violation", "behaviour"] {
        for report in watch.of_kind(kind) {
            ensure!(
                report["workload"]["kind"] == "Workload",
                "a report without one of our containers: {report}"
            );
        }
    }
    Ok(Outcome::Passed)
}

/// An agent that looks at the whole machine still tells containers from everything else.
fn strangers_without_scope(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = without_scope(session, Mode::Monitor)?.start()?;
    silent_about_strangers(session, &mut agent.watch()?)?;
    Ok(Outcome::Passed)
}

/// The configuration of an agent that is not kept to this run's cgroup, but for sockets.
fn without_scope(session: &Session, mode: Mode) -> Result<Home> {
    let mut home = Home::new(session, mode)?;
    let egress = session.cgroups.egress();
    let cgroups = egress.map_or_else(|| json!({}), |egress| json!({"egress": egress}));
    home.set("cgroups", cgroups)?;
    Ok(home)
}

/// The host's own processes are traced where that is asked for, as one pseudo-container: one that
/// was there before, in a cgroup that nothing speaks for, and one that is started later.
fn host(context: &mut Context<'_>) -> Result<Outcome> {
    const PLAIN: &str = "/plain";
    context.alone();
    let session = context.session;
    session.cgroups.make("", &PLAIN[1..])?;
    let path = session.path(&session.unique("host")).display().to_string();
    let text = "while :; do : > \"$0\"; sleep 0.2; \"$1\" true; done";
    // The path that the kernel reports: links resolved.
    let busybox = std::fs::canonicalize(&session.tools.busybox).context("busybox")?;
    let busybox = busybox.display().to_string();
    let daemon = Daemon(
        Command::new(&busybox)
            .args(["sh", "-c", text, &path, &busybox])
            .stdin(Stdio::null())
            .spawn()
            .context("busybox")?,
    );
    let pid = daemon.0.id();
    session.cgroups.enter(PLAIN, pid)?;
    let mut home = Home::new(session, Mode::Learn)?;
    home.set("host", true)?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let common = any_mode(Expect::new())
        .is("workload.kind", "Host")
        .is("workload.name", "host")
        .is("container.runtime", "host")
        .is("process.phase", "MAIN");
    let file = common
        .clone()
        .is("file.path", path.as_str())
        .is("process.pid", pid)
        .is("process.containerPid", pid);
    watch.expect("behaviour", "the file of an older process", &file)?;
    let exec = common
        .is("exec.path", busybox.as_str())
        .is("process.args", [busybox.as_str(), "true"].to_vec());
    watch.expect("behaviour", "a program that it runs", &exec)?;
    drop(daemon);
    session.cgroups.remove(PLAIN);
    Ok(Outcome::Passed)
}

/// A process of the host; killed when dropped.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
