//! Programs executed, processes forked and ended.

use super::common::{TOOL, any_mode, by, file, hits, hold, number, once, open_up, violation};
use crate::agent::Mode;
use crate::container::Spec;
use crate::expect::{Expect, Want};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::Row;
use lapwing_abi::record::ARGS_MAX;
use std::fs;
use std::os::unix::fs::PermissionsExt;

pub const CASES: &[Case] = &[
    Case {
        name: "process.exec",
        run: exec,
    },
    Case {
        name: "process.exec.relative",
        run: relative,
    },
    Case {
        name: "process.exec.script",
        run: script,
    },
    Case {
        name: "process.exec.volume",
        run: volume,
    },
    Case {
        name: "process.exec.upper-layer",
        run: upper_layer,
    },
    Case {
        name: "process.exec.memfd",
        run: |context| fileless(context, &["exec-memfd", "/bin/busybox", "true"], "MEMFD"),
    },
    Case {
        name: "process.exec.unlinked",
        run: |context| {
            fileless(
                context,
                &["exec-unlinked", "/bin/busybox", "/data/copy", "true"],
                "UNLINKED",
            )
        },
    },
    Case {
        name: "process.exec.long-arguments",
        run: long_arguments,
    },
    Case {
        name: "process.fork",
        run: fork,
    },
    Case {
        name: "process.exit",
        run: exit,
    },
    Case {
        name: "process.orphan",
        run: orphan,
    },
];

fn exec(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec")?;
    let before = hits(agent, Row::ProcessExec)?;
    let args = ["hold", "nothing", "a b", "\u{e9}"];
    let act = Act::program(TOOL, "another name").args(&args);
    let held = puppet.hold(&act.cwd("/data").ids(1000, 1001))?;
    let expect = by(
        once(violation(session, &puppet, "exec.unknown", "HIGH"), &held),
        &puppet,
        &held,
        &args,
    )?
    .is("nearest", "")
    .is(
        "patch",
        format!("- exec: {{path: {TOOL}, name: \"another\u{2026}\"}}"),
    )
    .is("process.exe", TOOL)
    .is(
        "process.args",
        ["another name", "hold", "nothing", "a b", "\u{e9}"].to_vec(),
    )
    .is("process.cwd", "/data")
    .is("exec.path", TOOL)
    .is("exec.name", "another\u{2026}")
    .is("exec.script", "")
    .is("exec.origin", "IMAGE")
    .want("file", Want::Absent)
    .want("egress", Want::Absent);
    watch.expect("violation", "the program", &expect)?;

    // The container's first program, entered by the runtime from outside.
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", TRIGGER)
        .is("process.args", [TRIGGER, "serve"].to_vec())
        .is("process.phase", "MAIN")
        .is("process.pid", puppet.pid()?)
        .is("process.containerPid", 1)
        .want("process.ancestors.0", Want::Absent);
    watch.expect("violation", "the first program", &expect)?;
    ensure!(
        hits(agent, Row::ProcessExec)? > before,
        "the hook counted nothing"
    );
    Ok(Outcome::Passed)
}

fn relative(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-relative")?;
    // By another process that becomes the program, without a fork of its own.
    puppet.act(&Act::trigger(&["exec", "../usr/bin/tool", "x", "nothing"]).cwd("/data"))?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", TOOL)
        .is("process.exe", TOOL)
        .is("process.cwd", "/data")
        .is("process.ancestors.0.exe", TRIGGER)
        .is("process.ancestors.1.exe", TRIGGER)
        .is("process.ancestors.1.pid", puppet.pid()?)
        .want("process.ancestors.2", Want::Absent);
    watch.expect("violation", "the program", &expect)?;
    Ok(Outcome::Passed)
}

fn script(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-script")?;
    let path = puppet.root().join("data/job");
    fs::write(&path, "#!/bin/sh\nexit 0\n")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    puppet.act(&Act::program("/data/job", "/data/job").args(&["now"]))?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", "/bin/busybox")
        .is("exec.script", "/data/job")
        .is("process.exe", "/bin/busybox")
        .is("process.args", ["/bin/sh", "/data/job", "now"].to_vec());
    watch.expect("violation", "the script", &expect)?;
    Ok(Outcome::Passed)
}

fn volume(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-volume")?;
    puppet.act(&Act::program("/bin/cp", "cp").args(&[TOOL, "/scratch/tool"]))?;
    puppet.act(&Act::program("/scratch/tool", "tool").args(&["nothing"]))?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", "/scratch/tool")
        .is("exec.origin", "VOLUME");
    watch.expect("violation", "the program on another mount", &expect)?;
    Ok(Outcome::Passed)
}

/// Written after the container started: not from its image.
fn upper_layer(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let spec = Spec::new("exec-upper", &[TRIGGER, "serve"]).overlay();
    let mut puppet = Puppet::from_spec(session, &spec)?;
    if !puppet.is_overlay() {
        return Ok(Outcome::Skipped(
            "the kernel has no overlay file system".to_owned(),
        ));
    }
    puppet.act(&Act::program("/bin/cp", "cp").args(&[TOOL, "/data/tool"]))?;
    puppet.act(&Act::program("/data/tool", "tool").args(&["nothing"]))?;
    let expect = violation(session, &puppet, "exec.drift", "CRITICAL")
        .is("exec.path", "/data/tool")
        .is("exec.origin", "UPPER_LAYER");
    watch.expect("violation", "the program that was written", &expect)?;
    // What was there before is from the image still.
    puppet.act(&Act::program(TOOL, "tool").args(&["nothing"]))?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", TOOL)
        .is("exec.origin", "IMAGE");
    watch.expect("violation", "the program of the image", &expect)?;
    Ok(Outcome::Passed)
}

/// A program that no path leads to.
fn fileless(context: &mut Context<'_>, act: &[&str], origin: &str) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-fileless")?;
    puppet.act(&Act::trigger(act))?;
    let expect = violation(session, &puppet, "exec.fileless", "CRITICAL")
        .want("exec.path", Want::Text)
        .is("exec.origin", origin)
        .is("process.args", ["true"].to_vec())
        .is("process.ancestors.0.exe", TRIGGER);
    watch.expect("violation", "the program without a file", &expect)?;
    Ok(Outcome::Passed)
}

/// Of arguments that are too long, what there is room for is told, and that something is missing.
fn long_arguments(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-long")?;
    let long = "a".repeat(ARGS_MAX);
    let kept = ARGS_MAX - 1 - "tool nothing ".len();
    puppet.act(&Act::program(TOOL, "tool").args(&["nothing", &long, "last"]))?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", TOOL)
        .is("process.args.1", "nothing")
        .is("process.args.2", format!("{}\u{2026}", "a".repeat(kept)))
        .want("process.args.3", Want::Absent);
    watch.expect("violation", "the program", &expect)?;
    Ok(Outcome::Passed)
}

fn fork(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "fork")?;
    let before = hits(agent, Row::ProcessFork)?;
    // Two forks and no exec: the writer is a grandchild that runs the shell's image.
    let text = "( ( echo > /data/forked; : ); : ); :";
    puppet.act(&Act::program("/bin/sh", "sh").args(&["-c", text]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/forked",
    )
    .is("process.exe", "/bin/busybox")
    .is("process.args", ["sh", "-c", text].to_vec())
    .is("process.phase", "MAIN")
    .is("process.ancestors.0.exe", TRIGGER)
    .want("process.ancestors.1", Want::Absent);
    let (report, _) = watch.expect("violation", "the grandchild's file", &expect)?;
    // Inside are the trigger, the shell, its child and the writer.
    let inner = report["process"]["containerPid"].as_u64();
    ensure!(
        inner.is_some_and(|pid| pid > 3),
        "the writer is {inner:?} inside"
    );
    // The trigger's, and two of the shell's.
    let forks = hits(agent, Row::ProcessFork)? - before;
    ensure!(forks >= 3, "3 forks, but {forks} were counted");
    Ok(Outcome::Passed)
}

fn exit(context: &mut Context<'_>) -> Result<Outcome> {
    const TIMES: u64 = 5;
    let session = context.session;
    let (agent, _) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exit")?;
    let processes = || -> Result<u64> {
        let status = agent.status()?;
        number(&status["processes"]).with_context(|| format!("no processes in {status}"))
    };
    let (before, alive) = (hits(agent, Row::ProcessExit)?, processes()?);
    ensure!(alive > 0, "the container's first process is not known");
    for _ in 0..TIMES {
        puppet.act(&Act::trigger(&["nothing"]))?;
    }
    wait_for("the ends of the processes", patience(), || {
        Ok((hits(agent, Row::ProcessExit)? >= before + TIMES).then_some(()))
    })?;
    // Who has ended is not kept, and in the end nobody is.
    ensure!(
        processes()? <= alive,
        "{alive} processes before, {} after",
        processes()?
    );
    drop(puppet);
    wait_for("the table of processes to shrink", patience(), || {
        Ok((processes()? < alive).then_some(()))
    })?;
    Ok(Outcome::Passed)
}

/// A process whose parent is gone is adopted by the container's first process; who made it stays
/// known.
fn orphan(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "orphan")?;
    puppet.act(&Act::program(TOOL, "tool").args(&["leave", TRIGGER, "orphan", "/data/orphan"]))?;
    let expect = any_mode(file(Expect::new(), "CREATE", "/data/orphan"))
        .is("container.id", puppet.id.as_str())
        .is("process.exe", TRIGGER)
        .is("process.ancestors.0.exe", TOOL)
        .is("process.ancestors.1.exe", TRIGGER)
        .is("process.ancestors.1.pid", puppet.pid()?)
        .want("process.ancestors.2", Want::Absent);
    watch.expect("violation", "the orphan's file", &expect)?;
    // The trigger's own program, held, still has its one ancestor.
    open_up(&puppet, "/data")?;
    let held = hold(&mut puppet, &["hold", "create", "/data/kept"])?;
    let expect = by(
        file(
            violation(session, &puppet, "file.unknown", "MEDIUM"),
            "CREATE",
            "/data/kept",
        ),
        &puppet,
        &held,
        &["hold", "create", "/data/kept"],
    )?;
    watch.expect("violation", "the file", &expect)?;
    Ok(Outcome::Passed)
}
