//! What survives a restart and a kill, and that the time between is confessed.

use super::common::{
    file, learned_until_now, profile, promote, silent, violation, violations_until_now,
};
use crate::agent::{Agent, Home, Mode};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Duration;

pub const CASES: &[Case] = &[
    Case {
        name: "restart.terminate",
        // Told to end, it stores what it has.
        run: |context| restart(context, "terminate", Agent::stop, false),
    },
    Case {
        name: "restart.kill",
        run: |context| {
            let rounds = if context.soak { 25 } else { 1 };
            for _ in 0..rounds {
                restart(context, "kill", Agent::kill, true)?;
            }
            Ok(Outcome::Measured(format!("{rounds} kills")))
        },
    },
    Case {
        name: "restart.kill-at-any-moment",
        run: any_moment,
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
    end: fn(Agent) -> Result<Home>,
    stored_first: bool,
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
    let stored = |paths: &[&str]| paths.iter().all(|path| on_disk(&state, path));
    if stored_first {
        wait_for("the profile on disk", patience(), || {
            Ok(stored(&["/data/one", "/data/two"]).then_some(()))
        })?;
    }
    drop(watch);
    let home = end(agent)?;
    ensure!(
        stored(&["/data/one", "/data/two"]),
        "what was learned is not on disk"
    );
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    gap(&watch)?;
    learned_until_now(&mut watch, &mut puppet, "/data/three")?;
    wait_for("the profile on disk", patience(), || {
        Ok(stored(&["/data/three"]).then_some(()))
    })?;
    ensure!(stored(&["/data/one"]), "what was learned first is lost");

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
        // It lived through the time in which nobody looked.
        &expect.is("afterGap", true),
    )?;
    Ok(Outcome::Passed)
}

/// The paths that profiles on disk know.
fn known(state: &Path) -> Result<BTreeSet<String>> {
    let mut known = BTreeSet::new();
    for file in fs::read_dir(state.join("profiles"))? {
        let path = file?.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&path)?;
            let words = text.split([' ', ',', '{', '}', '\n']);
            known.extend(
                words
                    .filter(|word| word.starts_with("/data/"))
                    .map(str::to_owned),
            );
        }
    }
    Ok(known)
}

/// Kills the agent while a container does what it never did before. What was on disk stays there,
/// whole; the next start proves it, because it would set aside a profile that is broken.
fn any_moment(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let rounds = if context.soak { 50 } else { 2 };
    let mut puppet = Puppet::start(session, "any-moment")?;
    let mut home = Home::new(session, Mode::Learn)?;
    let state = home.state();
    let mut most = 0;
    for round in 0..rounds {
        let agent = home.start()?;
        let stem = format!("/data/{round}-");
        // It saves about once a second: some of it should be on disk, some not.
        puppet.act(&Act::trigger(&["create-words", &format!("{stem}a"), "50"]))?;
        wait_for("something on disk", patience(), || {
            Ok(on_disk(&state, &format!("{stem}a")).then_some(()))
        })?;
        puppet.begin(&Act::trigger(&[
            "create-words-slowly",
            &format!("{stem}b"),
            "300",
        ]))?;
        let moment = RandomState::new().hash_one(round) % 1500;
        std::thread::sleep(Duration::from_millis(moment));
        let before = known(&state)?;
        home = agent.kill()?;
        let after = known(&state)?;
        ensure!(puppet.end()? == 0, "the container could not go on");
        let lost: Vec<_> = before.difference(&after).collect();
        ensure!(lost.is_empty(), "{lost:?} were on disk before the kill");
        // The start takes it up and stores it again, with more.
        let agent = home.start()?;
        let profile = profile(&agent.home, "any-moment")?;
        let text = agent.home.call(&["profile", "export", &profile])?;
        let lost: Vec<_> = after.iter().filter(|path| !text.contains(*path)).collect();
        ensure!(lost.is_empty(), "{lost:?} were on disk before the start");
        gap(&agent.watch()?)?;
        ensure!(!state.join("damaged").exists(), "a kill broke a profile");
        home = agent.stop()?;
        most = most.max(known(&state)?.len());
    }
    Ok(Outcome::Measured(format!(
        "{rounds} kills, {most} paths on disk in the end"
    )))
}

/// The stream says that nothing was seen for a while.
fn gap(watch: &Watch) -> Result<()> {
    wait_for("the gap of the restart", patience(), || {
        Ok(watch.of_kind("gap").into_iter().find(|gap| {
            let time = |key: &str| gap[key].as_str().and_then(crate::expect::epoch_seconds);
            gap["reason"] == "agent-down"
                && gap["scope"] == "node"
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
