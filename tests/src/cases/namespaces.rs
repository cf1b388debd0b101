//! Who goes into other namespaces stays in the container: what is done there is reported as the
//! container's, and by the paths and peers that the process sees there.

use super::common::{TOOL, about, egress, file, violation, violations_until_now};
use super::membership::{hosted, seen_folders};
use crate::agent::Mode;
use crate::expect::{Expect, Want};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::Session;
use crate::watch::Watch;
use anyhow::{Result, ensure};

pub const CASES: &[Case] = &[
    Case {
        name: "membership.nested-container",
        run: nested,
    },
    Case {
        name: "membership.namespaces-of-another",
        run: of_another,
    },
];

/// A program, a file and a peer: what to do, with the words that part acts.
fn acts<'a>(path: &'a str, peer: &'a str) -> Vec<&'a str> {
    let words = [
        &["child", TOOL, "tool", "nothing", "and"][..],
        &["create", path, "and"],
        &["connect-udp", peer, "4300"],
    ];
    words.concat()
}

/// Checks the reports of [`acts`]: all of them the container's, by a process of a phase that is
/// the so many-th below its first one.
fn reported(
    session: &Session,
    watch: &mut Watch,
    puppet: &Puppet<'_>,
    (path, peer): (&str, &str),
    phase: &str,
    generations: usize,
) -> Result<()> {
    let depth = |expect: Expect, generations: usize| -> Result<Expect> {
        let first = format!("process.ancestors.{}", generations - 1);
        let mut expect = expect
            .is("process.phase", phase)
            .is(&format!("{first}.exe"), TRIGGER)
            .is(&format!("{first}.pid"), puppet.pid()?)
            .want(&format!("process.ancestors.{generations}"), Want::Absent);
        for between in 0..generations {
            expect = expect.is(&format!("process.ancestors.{between}.exe"), TRIGGER);
        }
        Ok(expect)
    };
    let exec = violation(session, puppet, "exec.unknown", "HIGH")
        .is("exec.path", TOOL)
        .is("exec.name", "")
        .is("exec.script", "")
        .is("exec.origin", "IMAGE")
        .is("exec.parent", TRIGGER)
        .is("process.exe", TOOL)
        .is("process.args", vec!["tool", "nothing"])
        .is("process.cwd", "/")
        .is("process.uid", 0)
        .want("file", Want::Absent)
        .want("egress", Want::Absent);
    let exec = depth(exec, generations + 1)?;
    watch.expect("violation", "the program", &exec)?;
    let made = file(
        violation(session, puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        path,
    )
    .is("file.mount", "IMAGE")
    .is("process.exe", TRIGGER)
    .is("process.uid", 0);
    watch.expect("violation", "the file", &depth(made, generations)?)?;
    let contacted = egress(
        violation(session, puppet, "egress.unknown", "HIGH"),
        "UDP",
        peer,
        4300,
    )
    .is("process.exe", TRIGGER)
    .is("process.uid", 0);
    watch.expect("violation", "the peer", &depth(contacted, generations)?)?;
    Ok(())
}

/// A container in a container: a cgroup below its own with the name of one, and all namespaces of
/// its own. The outer one is the container.
fn nested(context: &mut Context<'_>) -> Result<Outcome> {
    const MADE: (&str, &str) = ("/data/within", "192.0.2.61");
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = hosted(session, "nested")?;
    let inner = "e1".repeat(32);
    let folders: Vec<String> = seen_folders(session, &puppet.cgroup())
        .into_iter()
        .map(|folder| format!("{folder}/docker-{inner}.scope"))
        .collect();
    let kinds = libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWCGROUP;
    let (folders, kinds) = (folders.join(":"), kinds.to_string());
    let mut words = vec!["nested", &folders, &kinds];
    words.extend(acts(MADE.0, MADE.1));
    puppet.act(&Act::trigger(&words))?;
    reported(session, watch, &puppet, MADE, "MAIN", 1)?;
    for report in violations_until_now(watch, &mut puppet, "/data/nested-end")? {
        ensure!(
            report["rule"] != "privilege.escape",
            "a cgroup of its own is taken for a way out: {report}"
        );
    }
    let known = agent.home.call(&["containers", "-o", "json"])?;
    ensure!(
        known.contains(&puppet.id) && !known.contains(&inner),
        "the inner one is said to be a container: {known}"
    );
    for kind in ["violation", "behaviour"] {
        let reports = watch.of_kind(kind).into_iter();
        let mut forged = reports.filter(|report| report["container"].to_string().contains(&inner));
        let first = forged.next();
        ensure!(first.is_none(), "a report by the inner name: {first:?}");
    }
    Ok(Outcome::Passed)
}

/// The mounts and the network of another container: who goes there does not become that one.
fn of_another(context: &mut Context<'_>) -> Result<Outcome> {
    const NETWORK: (&str, &str) = ("/data/in-network", "192.0.2.62");
    const BOTH: (&str, &str) = ("/data/in-both", "192.0.2.63");
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut victim = Puppet::start(session, "visited")?;
    let mut puppet = hosted(session, "visitor")?;
    violations_until_now(watch, &mut victim, "/data/visited-before")?;
    let before = about(watch, "violation", &victim).len();
    let folder = format!("/host/proc/{}/ns", victim.pid()?);
    for (names, made, phase) in [("net", NETWORK, "MAIN"), ("net,mnt", BOTH, "MAIN")] {
        let mut words = vec!["inside", &folder, names];
        words.extend(acts(made.0, made.1));
        puppet.act(&Act::trigger(&words))?;
        reported(session, watch, &puppet, made, phase, 1)?;
        let entered = violation(session, &puppet, "privilege.namespace", "HIGH")
            .is("privilege.operation", "SETNS")
            .is(
                "privilege.detail",
                names.rsplit(',').next().unwrap_or_default(),
            )
            .is("process.exe", TRIGGER)
            .is("process.phase", "MAIN");
        watch.expect("violation", "the way there", &entered)?;
    }
    let there = victim.root().join(&BOTH.0[1..]);
    ensure!(there.exists(), "the file is not in the other container");
    victim.act(&Act::trigger(&["nothing"]))?;
    violations_until_now(watch, &mut victim, "/data/visited-after")?;
    let after = about(watch, "violation", &victim);
    ensure!(
        after.len() == before + 1,
        "what a visitor did is said to be the other container's: {after:?}"
    );
    Ok(Outcome::Passed)
}
