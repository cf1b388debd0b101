//! One agent takes the place of another, be it of its version or not.
//!
//! Two agents share nothing in the kernel: each has programs and maps of its own, and neither is pinned,
//! so a kernel side of another version is no obstacle. What they share is the state folder.

use super::common::{about, file, violation, violations_until_now};
use super::start::{attached, no_losses};
use crate::agent::{Agent, Home, Mode};
use crate::expect::lookup;
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    Case {
        name: "start.replace",
        run: replace,
    },
    Case {
        name: "start.stand-by",
        run: stand_by,
    },
    Case {
        name: "start.replace.of-a-newer-version",
        run: newer,
    },
];

/// Where an agent takes so long to start, one that stands by twice at a time, the other does not wait for it.
pub const TOO_SLOW: Duration = Duration::from_secs(8);

pub const SLOW: &str = "an agent takes as long to attach here as the other one waits for it";

/// A profile as a version to come may write it.
const NEWER: &str = "apiVersion: lapwing.dev/v1\nkind: BehaviorProfile\nspec:\n  workload: {name: kept}\n  mode: Monitoring\n  colour: red\n";

/// An agent takes over from another while a container does one thing after the other: each of
/// them is reported by one of the two, and there is no gap.
fn replace(context: &mut Context<'_>) -> Result<Outcome> {
    take_over(context, "replace", Agent::replace).map(|(outcome, _)| outcome)
}

/// The same of an agent that stands by: it attaches when the other one is told to end. When the other is
/// killed it goes on, too, and says what nobody saw.
fn stand_by(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let begun = Instant::now();
    Home::new(context.session, Mode::Monitor)?.start()?.stop()?;
    if begun.elapsed() > TOO_SLOW {
        return Ok(Outcome::Skipped(SLOW.to_owned()));
    }
    let (outcome, mut agent) = take_over(context, "stand-by", |mut agent| {
        let mut next = agent.stand_by()?;
        let mut command = agent.home.agent_command();
        command.arg("--stand-by");
        let third = agent.home.run_to_end(command)?;
        let said = String::from_utf8_lossy(&third.stderr).into_owned();
        ensure!(
            third.status.code() == Some(1) && said.contains("another agent stands by already"),
            "a third agent ended with {}: {said}",
            third.status
        );
        ensure!(next.is_running(), "it ended: {}", next.log());
        next.follow(agent)
    })?;
    let next = agent.stand_by()?;
    let agent = next.outlive(agent)?;
    let mut watch = agent.watch()?;
    let session = context.session;
    let mut puppet = Puppet::start(session, "outlive")?;
    puppet.act(&Act::trigger(&["create", "/data/after"]))?;
    let after = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/after",
    )
    .any("afterGap");
    watch.expect("violation", "what the next agent sees", &after)?;
    let gaps = watch.of_kind("gap");
    ensure!(
        gaps.iter().filter(|gap| gap["scope"] == "node").count() == 1,
        "not the one gap: {gaps:?}"
    );
    Ok(outcome)
}

/// One agent takes over from another as it is told, while a container does one thing after the other.
fn take_over(
    context: &mut Context<'_>,
    name: &str,
    over: impl FnOnce(Agent) -> Result<Agent>,
) -> Result<(Outcome, Agent)> {
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, name)?;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let old = agent.watch()?;
    let stem = "/data/one-";
    let enough = "/data/enough";
    /// Of how many new violations of a workload each is reported, and no more.
    const MOST: u64 = 1_000;
    let files = |watch: &Watch, puppet: &Puppet<'_>| -> BTreeMap<String, String> {
        let text = |report: &Value, field: &str| Some(lookup(report, field)?.as_str()?.to_owned());
        about(watch, "violation", puppet)
            .iter()
            .filter_map(|report| Some((text(report, "id")?, text(report, "file.path")?)))
            .filter(|(_, path)| path.starts_with(stem))
            .collect()
    };
    puppet.begin(&Act::trigger(&[
        "create-until",
        stem,
        enough,
        &MOST.to_string(),
    ]))?;
    wait_for("the first file", patience(), || {
        Ok((!files(&old, &puppet).is_empty()).then_some(()))
    })?;
    let agent = over(agent)?;
    let mut new = agent.watch()?;
    wait_for("a file that only the next has seen", patience(), || {
        let (before, found) = (files(&old, &puppet), files(&new, &puppet));
        let is_new = found.keys().any(|id| !before.contains_key(id));
        Ok(is_new.then_some(()))
    })?;
    let before = files(&old, &puppet);
    let root = PathBuf::from(format!("/proc/{}/root", puppet.pid()?));
    fs::write(root.join(&enough[1..]), "")?;
    let code = puppet.end()?;
    ensure!(code == 0, "the container's program ended with {code}");
    let mut count = 0;
    for file in fs::read_dir(root.join("data"))? {
        let path = Path::new("/data").join(file?.file_name());
        count += usize::from(path.to_string_lossy().starts_with(stem));
    }
    violations_until_now(&mut new, &mut puppet, "/data/end")?;
    // The feed is one, so that what the one reported comes from the next too.
    let mut after = files(&new, &puppet);
    let given_on = before
        .keys()
        .filter(|id| after.remove(*id).is_some())
        .count();
    ensure!(
        given_on == before.len(),
        "of {} reports of the one the next gave on {given_on}",
        before.len()
    );
    let [before, after]: [BTreeSet<String>; 2] =
        [before, after].map(|files| files.into_values().collect());
    let all = before.union(&after).count();
    let twice = before.intersection(&after).count();
    ensure!(
        all == count,
        "of {count} files {all} were reported: {} by the one, {} by the other",
        before.len(),
        after.len()
    );
    ensure!(
        before.len() < count && after.len() < count,
        "nothing happened while one took over from the other: {} and {}",
        before.len(),
        after.len()
    );
    // Other gaps are the client's, who asks for more than the log has.
    let mut gaps = new.of_kind("gap");
    gaps.retain(|gap| gap["scope"] == "node");
    ensure!(gaps.is_empty(), "there is a gap: {gaps:?}");
    no_losses(&agent)?;
    let outcome = Outcome::Measured(format!(
        "{count} files: {} by the one agent, {} by the next, {twice} by both; {}",
        before.len(),
        after.len(),
        attached(&agent)?
    ));
    Ok((outcome, agent))
}

/// An agent that cannot read what another has stored does not take over from it, and says what to do.
/// The other goes on.
fn newer(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "newer")?;
    let profile = agent.home.state().join("profiles/w+++kept+.yaml");
    fs::write(&profile, NEWER)?;
    let mut command = agent.home.agent_command();
    command.arg("--replace");
    let output = agent.home.run_to_end(command)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1),
        "ended with {}: {said}",
        output.status
    );
    for words in [
        "lapwing.dev/v1",
        "w+++kept+.yaml",
        "move the file elsewhere",
    ] {
        ensure!(said.contains(words), "{words:?} is not said: {said}");
    }
    ensure!(said.lines().count() <= 3, "not one message: {said}");
    ensure!(
        fs::read_to_string(&profile)? == NEWER,
        "the profile was changed"
    );

    ensure!(agent.is_running(), "the other agent ended: {}", agent.log());
    let report = |path: &str, puppet: &Puppet<'_>| {
        file(
            violation(session, puppet, "file.unknown", "MEDIUM"),
            "CREATE",
            path,
        )
    };
    puppet.act(&Act::trigger(&["create", "/data/still"]))?;
    let still = report("/data/still", &puppet);
    watch.expect("violation", "what the other agent sees", &still)?;
    // Other gaps are the client's, who asks for more than the log has.
    let mut gaps = watch.of_kind("gap");
    gaps.retain(|gap| gap["scope"] == "node");
    ensure!(gaps.is_empty(), "there is a gap: {gaps:?}");

    // The remedy.
    fs::remove_file(&profile)?;
    let agent = agent.replace()?;
    let mut watch = agent.watch()?;
    puppet.act(&Act::trigger(&["create", "/data/after"]))?;
    let after = report("/data/after", &puppet).any("afterGap");
    watch.expect("violation", "what the next agent sees", &after)?;
    Ok(Outcome::Passed)
}
