//! What must be right about programs and processes besides that each is seen, which the coverage table
//! proves.

use super::common::{TOOL, any_mode, by, file, hits, hold, number, open_up, violation};
use crate::agent::Mode;
use crate::expect::{Expect, Want};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::Row;
use lapwing_abi::record::ARGS_MAX;

pub const CASES: &[Case] = &[
    Case {
        name: "process.first",
        run: first,
    },
    Case {
        name: "process.exec.long-arguments",
        run: long_arguments,
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

/// The container's first program, entered by the runtime from outside.
fn first(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let puppet = Puppet::start(session, "first")?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", TRIGGER)
        .is("process.args", [TRIGGER, "serve"].to_vec())
        .is("process.phase", "MAIN")
        .is("process.pid", puppet.pid()?)
        .is("process.containerPid", 1)
        .want("process.ancestors.0", Want::Absent);
    watch.expect("violation", "the first program", &expect)?;
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
