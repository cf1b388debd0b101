//! Who belongs to a container, and who does not.

use super::common::{about, any_mode, file, violation, violations_until_now};
use super::seen::count;
use crate::agent::{Home, Mode};
use crate::container::Spec;
use crate::expect::{Expect, Want};
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
        name: "membership.escape.cgroup",
        run: escape_by_cgroup,
    },
    Case {
        name: "membership.escape.clone-into-cgroup",
        run: escape_by_clone,
    },
    Case {
        name: "membership.escape.root",
        run: escape_by_root,
    },
    Case {
        name: "membership.escape.excuses-nothing",
        run: escaped,
    },
    Case {
        name: "membership.forged-name",
        run: forged_name,
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

/// A container that has the host's root directory inside, and the rights to go there: what a
/// careless privileged pod looks like.
pub fn hosted<'s>(session: &'s Session, workload: &str) -> Result<Puppet<'s>> {
    let spec = Spec::new(workload, &[TRIGGER, "serve"])
        .capability("CAP_SYS_ADMIN")
        .capability("CAP_SYS_CHROOT")
        .capability("CAP_SYS_PTRACE")
        .mount(json!({
            "destination": "/host", "type": "bind", "source": "/", "options": ["rbind"],
        }));
    Puppet::from_spec(session, &spec)
}

/// What is reported of a way out.
fn escape(session: &Session, puppet: &Puppet<'_>, how: &str) -> Expect {
    violation(session, puppet, "privilege.escape", "CRITICAL")
        .is("privilege.operation", "ESCAPE")
        .is("privilege.detail", how)
        .is("process.phase", "MAIN")
        .is("process.ancestors.0.pid", puppet.pid().unwrap_or_default())
        .want("file", Want::Absent)
        .want("exec", Want::Absent)
}

/// The folders of a cgroup as the container sees them, below the host's root.
pub fn seen_folders(session: &Session, cgroup: &str) -> Vec<String> {
    let folders = session.cgroups.folders(cgroup);
    let seen = folders.iter().map(|at| format!("/host{}", at.display()));
    seen.collect()
}

/// Who moves itself to a cgroup outside of the container's stays in the container, and is
/// reported.
fn escape_by_cgroup(context: &mut Context<'_>) -> Result<Outcome> {
    const OUTSIDE: &str = "/outside";
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = hosted(session, "escape-cgroup")?;
    session.cgroups.make("", &OUTSIDE[1..])?;
    let folders = seen_folders(session, OUTSIDE);
    let mut words = vec!["enter-cgroups", "/data/outside"];
    words.extend(folders.iter().map(String::as_str));
    let done = puppet.act(&Act::trigger(&words));
    let expected = escape(session, &puppet, "cgroup").is("process.exe", TRIGGER);
    let reported = done
        .and_then(|()| watch.expect("violation", "the way out", &expected))
        .and_then(|(report, _)| {
            let made = file(
                violation(session, &puppet, "file.unknown", "MEDIUM"),
                "CREATE",
                "/data/outside",
            )
            .is("process.pid", report["process"]["pid"].clone());
            watch.expect("violation", "what it did outside", &made)
        });
    drop(puppet);
    session.cgroups.remove(OUTSIDE);
    reported?;
    Ok(Outcome::Passed)
}

/// The same for a child that is born there.
fn escape_by_clone(context: &mut Context<'_>) -> Result<Outcome> {
    const OUTSIDE: &str = "/elsewhere-born";
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    if session.cgroups.is_mixed() {
        return Ok(Outcome::Skipped(
            "containers are told apart by cgroup v1, whose cgroups take no children at birth"
                .to_owned(),
        ));
    }
    let mut puppet = hosted(session, "escape-clone")?;
    session.cgroups.make("", &OUTSIDE[1..])?;
    let folders = seen_folders(session, OUTSIDE);
    let folder = folders.first().context("no cgroup v2")?;
    let done = puppet.act(&Act::trigger(&["clone-into", folder, "/data/born"]));
    let expected = escape(session, &puppet, "cgroup").is("process.exe", TRIGGER);
    let reported = done
        .and_then(|()| watch.expect("violation", "the way out", &expected))
        .and_then(|_| {
            let made = file(
                violation(session, &puppet, "file.unknown", "MEDIUM"),
                "CREATE",
                "/data/born",
            );
            watch.expect("violation", "what the child did outside", &made)
        });
    drop(puppet);
    session.cgroups.remove(OUTSIDE);
    reported?;
    Ok(Outcome::Passed)
}

/// Who takes the host's root directory for its own and runs the host's programs stays in the
/// container, and is reported.
fn escape_by_root(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = hosted(session, "escape-root")?;
    let busybox = std::fs::canonicalize(&session.tools.busybox).context("busybox")?;
    let busybox = busybox.display().to_string();
    let words = ["chroot-exec", "/host", &busybox, "busybox", "true"];
    puppet.act(&Act::trigger(&words))?;
    watch.expect(
        "violation",
        "the way out",
        &escape(session, &puppet, "root"),
    )?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", format!("/host{busybox}"))
        .is("exec.origin", "VOLUME")
        .is("process.phase", "ESCAPED")
        .is("process.ancestors.0.exe", TRIGGER)
        .is("process.ancestors.1.pid", puppet.pid()?);
    watch.expect("violation", "the host's program", &expect)?;
    Ok(Outcome::Passed)
}

/// What is known of the container excuses nothing that is called the same outside of it, and what
/// is done outside is no later excuse inside.
fn escaped(context: &mut Context<'_>) -> Result<Outcome> {
    const TIMES: &str = "3";
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = hosted(session, "escaped")?;
    let folder = session.folder("outside")?;
    std::fs::write(folder.join("file"), "")?;
    std::fs::write(folder.join("other"), "")?;
    let name = |file: &str| folder.join(file).display().to_string();
    let [path, other] = ["file", "other"].map(name);
    // The same path inside.
    let above: Vec<_> = folder.ancestors().collect();
    for folder in above.iter().rev().skip(1) {
        // Some of it is there.
        let _ = puppet.act(&Act::trigger(&["mkdir", &folder.display().to_string()]));
    }
    for file in [&path, &other] {
        puppet.act(&Act::trigger(&["create", file]))?;
    }
    let opened = |path: &str, phase: &str| {
        file(
            violation(session, &puppet, "file.unknown", "MEDIUM"),
            "OPEN_WRITE",
            path,
        )
        .is("process.phase", phase)
    };
    let [inside, outside] = ["MAIN", "ESCAPED"].map(|phase| opened(&path, phase));
    let others = ["MAIN", "ESCAPED"].map(|phase| opened(&other, phase));
    puppet.act(&Act::trigger(&["repeat", TIMES, "open-write", &path]))?;
    watch.expect("violation", "the file inside", &inside)?;
    let act = |path: &str| {
        let words = [
            "from-host",
            "/host/proc",
            "repeat",
            TIMES,
            "open-write",
            path,
        ];
        Act::trigger(&words.map(str::to_owned))
    };
    puppet.act(&act(&path))?;
    watch.expect("violation", "the file of the same name outside", &outside)?;
    puppet.act(&act(&other))?;
    watch.expect("violation", "another outside", &others[1])?;
    puppet.act(&Act::trigger(&["repeat", TIMES, "open-write", &other]))?;
    watch.expect("violation", "and that inside", &others[0])?;
    for expect in [&inside, &outside, &others[0], &others[1]] {
        let grown = expect.clone().any("count").any("revision");
        count(watch, &puppet, &grown, 3)?;
    }
    Ok(Outcome::Passed)
}

/// A cgroup that a container makes below its own is its own, whatever it is called; to go there
/// is no way out.
fn forged_name(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = hosted(session, "forged")?;
    let forged = format!("docker-{}.scope", "f0".repeat(32));
    let folders: Vec<String> = seen_folders(session, &puppet.cgroup())
        .into_iter()
        .map(|folder| format!("{folder}/{forged}"))
        .collect();
    let mut words = vec!["nest-cgroups", "/data/nested"];
    words.extend(folders.iter().map(String::as_str));
    puppet.act(&Act::trigger(&words))?;
    let made = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/nested",
    )
    .is("process.phase", "MAIN");
    watch.expect("violation", "what it did under the false name", &made)?;
    for report in about(watch, "violation", &puppet) {
        ensure!(
            report["rule"] != "privilege.escape",
            "its own cgroup is taken for a way out: {report}"
        );
    }
    for kind in ["violation", "behaviour"] {
        for report in watch.of_kind(kind) {
            ensure!(
                !report["container"].to_string().contains(&forged[7..71]),
                "a report by the forged name: {report}"
            );
        }
    }
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
        // What the sensor says of itself has no container.
        let reports = watch.of_kind(kind).into_iter();
        for report in reports.filter(|report| report["degraded"].is_null()) {
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
