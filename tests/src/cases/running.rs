//! Programs that run already when the agent starts.

use super::common::{TOOL, about, learned_until_now, promote, silent, violation};
use super::start::{is_open, looked, no_losses};
use crate::agent::{Home, Mode};
use crate::container::Spec;
use crate::expect::{Expect, Want};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use anyhow::{Result, ensure};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

pub const CASES: &[Case] = &[
    Case {
        name: "start.what-runs",
        run: runs,
    },
    Case {
        name: "start.what-runs-is-what-was-learned",
        run: agrees,
    },
];

/// A file that a program keeps open tells that it runs.
fn in_place(session: &Session, puppet: &Puppet<'_>, file: &str) -> Result<()> {
    wait_for("a program to be in its place", patience(), || {
        Ok(is_open(session, puppet, file).then_some(()))
    })
}

/// Has a program started whose parent ends at once, and waits until it keeps its file open.
fn leave(session: &Session, puppet: &mut Puppet<'_>, words: &[&str]) -> Result<()> {
    puppet.act(&Act::trigger(&[&["leave"], words].concat()))?;
    in_place(session, puppet, words[words.len() - 1])
}

/// Copies the trigger within a container.
fn copy(puppet: &mut Puppet<'_>, to: &str) -> Result<()> {
    puppet.act(&Act::program("/bin/cp", "cp").args(&[TRIGGER, to]))
}

/// Leaves a script, which runs a program.
fn leave_script(session: &Session, puppet: &mut Puppet<'_>) -> Result<()> {
    let file = puppet.root().join(&SCRIPT[1..]);
    fs::write(
        &file,
        format!("#!/bin/sh\n{TOOL} keep-file /scratch/script\ntrue\n"),
    )?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    leave(session, puppet, &[SCRIPT, "/scratch/script"])
}

/// The script.
const SCRIPT: &str = "/data/run";

/// Every program that runs is reported, once and with all its fields, as its exec would have been.
fn runs(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let spec = Spec::new("runs", &[TRIGGER, "serve"]).overlay();
    let mut puppet = Puppet::from_spec(session, &spec)?;
    if !puppet.is_overlay() {
        return Ok(Outcome::Skipped(
            "the kernel has no overlay file system".to_owned(),
        ));
    }
    for to in ["/data/tool", "/data/shop", "/volume/tool"] {
        copy(&mut puppet, to)?;
    }
    for words in [
        &["/data/tool", "keep-file", "/scratch/dropped"][..],
        // A second one is the same behaviour.
        &["/data/tool", "keep-file", "/scratch/again"],
        &[
            TRIGGER,
            "exec-memfd",
            TRIGGER,
            "tool",
            "keep-file",
            "/scratch/memory",
        ],
        &[
            TRIGGER,
            "exec-unlinked",
            "/data/shop",
            "shop",
            "keep-file",
            "/scratch/going",
        ],
        &["/volume/tool", "keep-file", "/scratch/volume"],
    ] {
        leave(session, &mut puppet, words)?;
    }
    leave_script(session, &mut puppet)?;
    let mut guest = puppet
        .exec(&[TOOL, "keep-file", "/scratch/guest"])
        .stdin(Stdio::null())
        .spawn()?;
    in_place(session, &puppet, "/scratch/guest")?;

    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    let said = looked(&agent)?;
    let program = |rule: &str, severity: &str, path: &str, origin: &str, args: &[&str]| {
        violation(session, &puppet, rule, severity)
            .is("afterGap", true)
            .is("exec.path", path)
            .is("exec.name", "")
            .is("exec.script", "")
            .is("exec.origin", origin)
            .is("process.exe", path)
            .is("process.args", args.to_vec())
            .is("process.cwd", "/")
            .is("process.uid", 0)
            .is("process.phase", "MAIN")
    };
    let left = |expect: Expect| -> Result<Expect> {
        Ok(expect
            .is("process.ancestors.0.exe", TRIGGER)
            .is("process.ancestors.0.pid", puppet.pid()?))
    };
    let (unknown, drift, fileless) = ("exec.unknown", "exec.drift", "exec.fileless");
    let expected = [
        (
            "the first process",
            program(unknown, "HIGH", TRIGGER, "IMAGE", &[TRIGGER, "serve"])
                .is("process.pid", puppet.pid()?)
                .is("process.containerPid", 1)
                .want("process.ancestors.0", Want::Absent),
        ),
        (
            "the dropped program",
            left(program(
                drift,
                "CRITICAL",
                "/data/tool",
                "UPPER_LAYER",
                &["/data/tool", "keep-file", "/scratch/dropped"],
            ))?,
        ),
        (
            "the program in memory",
            left(program(
                fileless,
                "CRITICAL",
                "detached:/memfd:copy",
                "MEMFD",
                &["tool", "keep-file", "/scratch/memory"],
            ))?
            .is("exec.name", "tool"),
        ),
        (
            "the removed program",
            left(program(
                fileless,
                "CRITICAL",
                "/data/shop",
                "UNLINKED",
                &["shop", "keep-file", "/scratch/going"],
            ))?,
        ),
        (
            "the volume's program",
            left(program(
                unknown,
                "HIGH",
                "/volume/tool",
                "VOLUME",
                &["/volume/tool", "keep-file", "/scratch/volume"],
            ))?,
        ),
        (
            "the script",
            left(program(
                unknown,
                "HIGH",
                "/bin/busybox",
                "IMAGE",
                &["/bin/sh", SCRIPT, "/scratch/script"],
            ))?
            .is("exec.name", "sh")
            .is("exec.script", SCRIPT),
        ),
        (
            "the script's program",
            program(
                unknown,
                "HIGH",
                TOOL,
                "IMAGE",
                &[TOOL, "keep-file", "/scratch/script"],
            )
            .is("process.ancestors.0.exe", "/bin/busybox"),
        ),
        (
            "the guest",
            program(
                unknown,
                "HIGH",
                TOOL,
                "IMAGE",
                &[TOOL, "keep-file", "/scratch/guest"],
            )
            .is("process.phase", "EXEC")
            .want("process.ancestors.0", Want::Absent),
        ),
    ];
    for (what, expect) in &expected {
        watch.expect("violation", what, expect)?;
    }
    let mut all = about(&watch, "violation", &puppet);
    all.retain(|report| report["exec"].is_object());
    ensure!(
        all.len() == expected.len(),
        "{} reports of {} programs: {all:?}",
        all.len(),
        expected.len()
    );
    no_losses(&agent)?;
    drop(puppet);
    guest.wait()?;
    Ok(Outcome::Measured(said))
}

/// A restart reports nothing of what was learned by hooks, whatever became of it; what was brought
/// in meanwhile it does report.
fn agrees(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let workload = "runs-on";
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let spec = Spec::new(workload, &[TRIGGER, "serve"]).overlay();
    let mut puppet = Puppet::from_spec(session, &spec)?;
    copy(&mut puppet, "/volume/tool")?;
    copy(&mut puppet, "/volume/shop")?;
    for words in [
        &["/volume/tool", "keep-file", "/scratch/volume"][..],
        &["/volume/shop", "keep-file", "/scratch/removed"],
        &["/usr/bin/shop", "keep-file", "/scratch/shop"],
        // As services that write their title over their arguments.
        &[
            TOOL,
            "keep-titled",
            "tool: master process",
            "/scratch/title",
        ],
        &[TOOL, "keep-titled", "worker", "/scratch/word"],
    ] {
        leave(session, &mut puppet, words)?;
    }
    leave_script(session, &mut puppet)?;
    learned_until_now(&mut watch, &mut puppet, "/data/end")?;
    promote(&agent.home, workload)?;
    drop(watch);
    let home = agent.stop()?;
    // An update on the volume, and one in the container.
    for gone in ["/volume/shop", "/usr/bin/shop"] {
        puppet.act(&Act::trigger(&["delete", gone]))?;
    }
    copy(&mut puppet, "/data/tool")?;
    let words = ["/data/tool", "keep-file", "/scratch/dropped"];
    leave(session, &mut puppet, &words)?;

    let agent = home.start()?;
    let mut watch = agent.watch()?;
    looked(&agent)?;
    let (rule, severity, origin) = match puppet.is_overlay() {
        true => ("exec.drift", "CRITICAL", "UPPER_LAYER"),
        false => ("exec.unknown", "HIGH", "IMAGE"),
    };
    let expect = violation(session, &puppet, rule, severity)
        .is("afterGap", true)
        .is("exec.path", "/data/tool")
        .is("exec.origin", origin);
    watch.expect("violation", "what was dropped meanwhile", &expect)?;
    let other: Vec<Value> = about(&watch, "violation", &puppet)
        .into_iter()
        .filter(|report| !expect.accepts(report))
        // The files that it keeps open are news as well.
        .filter(|report| report["file"]["path"] != "/scratch/dropped")
        .collect();
    silent(&other, "of what had been learned by hooks")?;
    no_losses(&agent)?;
    Ok(Outcome::Passed)
}
