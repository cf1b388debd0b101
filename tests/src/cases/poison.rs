//! One instance of ten is tampered with while the profile learns: the difference says so at once.

use super::common::{NOBODY4, TOOL, profile};
use crate::agent::{Agent, Home, Mode};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};

pub const CASES: &[Case] = &[Case {
    name: "poison.stands-first-in-the-diff",
    run: poison,
}];

const WORKLOAD: &str = "poisoned";
const INSTANCES: usize = 10;
/// The instance that is tampered with.
const VICTIM: usize = 6;
/// What is said of each step of the intruder: what it is, and what is marked beside it.
const STEPS: [(&str, &str); 3] = [
    (
        "exec: {path: /bin/busybox, name: sh, parent: /trigger}",
        "seen in 1 of 10 instances, shell, else HIGH exec.unknown",
    ),
    (
        "egress: {protocol: TCP, address: ",
        "seen in 1 of 10 instances, else HIGH egress.unknown",
    ),
    (
        "file: {operation: CREATE, path: /data/.cache.php}",
        "seen in 1 of 10 instances, else MEDIUM file.unknown",
    ),
];

/// What every instance does; those of a new version do more.
fn work(puppet: &mut Puppet<'_>, new: bool) -> Result<()> {
    puppet.act(&Act::trigger(&["create", "/data/orders"]))?;
    puppet.act(&Act::program(TOOL, "tool").args(&["nothing"]))?;
    if new {
        puppet.act(&Act::trigger(&["create", "/data/new-in-this-version"]))?;
        puppet.act(&Act::trigger(&["connect-tcp", NOBODY4, "443"]))?;
    }
    Ok(())
}

/// A shell that calls out, and something that stays.
fn intrude(puppet: &mut Puppet<'_>) -> Result<()> {
    puppet.act(&Act::program("/bin/busybox", "sh").args(&["-c", "true"]))?;
    puppet.act(&Act::trigger(&["connect-tcp", NOBODY4, "4444"]))?;
    puppet.act(&Act::trigger(&["create", "/data/.cache.php"]))
}

/// What is approved now, in a file.
fn export(agent: &Agent, name: &str) -> Result<PathBuf> {
    let file = agent.home.folder().join(name);
    let workload = profile(&agent.home, WORKLOAD)?;
    let path = file.display().to_string();
    agent.home.call(&["profile", "export", &workload, &path])?;
    Ok(file)
}

/// What `lapwing profile diff` prints, which must end with 1: the second is wider.
fn diff(agent: &Agent, a: &Path, b: &Path) -> Result<String> {
    let output = (agent.home.client(&["profile", "diff"]).args([a, b])).output()?;
    ensure!(
        output.status.code() == Some(1),
        "profile diff ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn poison(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Learn)?.start()?;
    // What was known before: one instance of the version before.
    let mut puppet = Puppet::start(session, WORKLOAD)?;
    work(&mut puppet, false)?;
    let old = learned(&agent, "old.yaml", TOOL)?;
    // As replicas do, they run side by side.
    let mut running = vec![puppet];
    for instance in 1..INSTANCES {
        let mut puppet = Puppet::start(session, WORKLOAD)?;
        work(&mut puppet, true)?;
        if instance == VICTIM {
            intrude(&mut puppet)?;
        }
        // One more each, so that it is known when all was read.
        let last = format!("/data/last-{}", "x".repeat(instance));
        puppet.act(&Act::trigger(&["create", &last]))?;
        learned(&agent, "new.yaml", &format!("path: {last}}}"))?;
        running.push(puppet);
    }
    // Instances are counted as time goes on.
    let head = format!("{} of 14 that are new", STEPS.len() + INSTANCES - 1);
    let text = wait_for("ten instances to be counted", patience(), || {
        let text = diff(&agent, &old, &export(&agent, "new.yaml")?)?;
        let counted = text.contains(&format!("of {INSTANCES} instances"));
        Ok(counted.then_some(text))
    })?;
    drop(running);
    // Below each entry stands who did it.
    let mut lines: Vec<&str> = text.lines().collect();
    let who = lines
        .iter()
        .filter(|line| line.starts_with("    by /trigger, uid 0"));
    ensure!(who.count() > 1, "nobody did it: {text}");
    lines.retain(|line| !line.starts_with("    "));
    // What either side rests on comes first.
    for (line, (file, basis)) in lines.drain(..2).zip([
        ("old.yaml", "instances: 0,"),
        ("new.yaml", "instances: 10,"),
    ]) {
        ensure!(
            line.contains(file) && line.contains(basis),
            "{line:?} in {text}"
        );
    }
    ensure!(
        lines.first().is_some_and(|line| line.starts_with(&head)),
        "{text}"
    );
    for (line, (entry, mark)) in lines[1..].iter().zip(STEPS.iter().take(2)) {
        ensure!(
            line.contains(entry) && line.ends_with(mark),
            "{line:?} in {text}"
        );
    }
    let (entry, mark) = STEPS[2];
    let of_files = lines.iter().find(|line| line.contains(entry));
    ensure!(of_files.is_some_and(|line| line.ends_with(mark)), "{text}");
    // What most did is not marked, and stands behind.
    let plain: Vec<usize> = (1..lines.len())
        .filter(|at| !lines[*at].contains("  ! "))
        .collect();
    ensure!(plain == [lines.len() - 2, lines.len() - 1], "{text}");
    agent.stop()?;
    Ok(Outcome::Passed)
}

/// Waits until a text stands in the profile, and answers its file.
fn learned(agent: &Agent, name: &str, text: &str) -> Result<PathBuf> {
    wait_for("it to be learned", patience(), || {
        let file = export(agent, name)?;
        let found = std::fs::read_to_string(&file)?.contains(text);
        Ok(found.then_some(file))
    })
    .with_context(|| text.to_owned())
}
