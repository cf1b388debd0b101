//! What survives a restart and a kill, and that the time between is confessed.

use super::common::{
    any_mode, file, learned_until_now, promote, silent, violation, violations_until_now,
};
use crate::agent::{Home, Mode};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Result, ensure};
use std::fs;
use std::path::Path;

pub const CASES: &[Case] = &[
    Case {
        name: "restart.terminate",
        run: |context| restart(context, "terminate", crate::agent::Agent::stop),
    },
    Case {
        name: "restart.kill",
        run: |context| {
            let rounds = if context.soak { 25 } else { 2 };
            for _ in 0..rounds {
                restart(context, "kill", crate::agent::Agent::kill)?;
            }
            Ok(Outcome::Measured(format!("{rounds} kills")))
        },
    },
    Case {
        name: "restart.end-is-clean",
        run: clean_end,
    },
];

/// Whether a profile on disk knows a text.
fn on_disk(state: &Path, text: &str) -> bool {
    let Ok(files) = fs::read_dir(state.join("profiles")) else {
        return false;
    };
    files
        .flatten()
        .filter_map(|file| fs::read_to_string(file.path()).ok())
        .any(|profile| profile.contains(text))
}

fn restart(
    context: &mut Context<'_>,
    workload: &str,
    end: fn(crate::agent::Agent) -> Result<Home>,
) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, workload)?;

    // While learning.
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    puppet.act(&Act::trigger(&["create", "/data/one"]))?;
    learned_until_now(&mut watch, &mut puppet, "/data/two")?;
    let state = agent.home.state();
    wait_for("the profile on disk", patience(), || {
        Ok((on_disk(&state, "/data/one") && on_disk(&state, "/data/two")).then_some(()))
    })?;
    drop(watch);
    let agent = end(agent)?.start()?;
    let mut watch = agent.watch()?;
    gap(&watch)?;
    learned_until_now(&mut watch, &mut puppet, "/data/three")?;
    wait_for("the profile on disk", patience(), || {
        Ok(on_disk(&state, "/data/three").then_some(()))
    })?;
    ensure!(
        on_disk(&state, "/data/one"),
        "what was learned first is lost"
    );

    // While comparing.
    promote(&agent.home, workload)?;
    drop(watch);
    let agent = end(agent)?.start()?;
    let mut watch = agent.watch()?;
    gap(&watch)?;
    for name in ["one", "two", "three"] {
        let path = format!("/data/{name}");
        puppet.act(&Act::trigger(&["delete", &path]))?;
        puppet.act(&Act::trigger(&["create", &path]))?;
    }
    let seen = violations_until_now(&mut watch, &mut puppet, "/data/end")?;
    let (deleted, other): (Vec<_>, Vec<_>) = seen
        .into_iter()
        .partition(|report| report["file"]["operation"] == "DELETE");
    silent(&other, "after the restart")?;
    ensure!(
        deleted.len() == 3,
        "of 3 unknown removals, {} were reported",
        deleted.len()
    );
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/end",
    );
    watch.expect(
        "violation",
        "the unknown file",
        &any_mode(expect).is("mode", "MONITORING"),
    )?;
    Ok(Outcome::Passed)
}

/// The stream says that nothing was seen for a while.
fn gap(watch: &Watch) -> Result<()> {
    wait_for("the gap of the restart", patience(), || {
        Ok(watch.of_kind("gap").into_iter().find(|gap| {
            let time = |key: &str| gap[key].as_str().and_then(crate::expect::epoch_seconds);
            gap["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty())
                && matches!((time("from"), time("to")), (Some(from), Some(to)) if from < to)
        }))
    })?;
    Ok(())
}

fn clean_end(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let agent = Home::new(context.session, Mode::Learn)?.start()?;
    let socket = agent.home.socket();
    ensure!(socket.exists());
    // A bad exit code fails the case: every agent's end is looked at.
    agent.stop()?;
    ensure!(!socket.exists(), "the socket is still there");
    Ok(Outcome::Passed)
}
