//! Many containers that live for a moment.

use super::common::number;
use crate::agent::{Home, Mode};
use crate::container::{Container, Spec};
use crate::expect::lookup;
use crate::runner::{Case, Context, Outcome};
use crate::session::{check_interrupt, patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use std::collections::BTreeSet;

pub const CASES: &[Case] = &[Case {
    name: "many.short-lived-containers",
    run: short_lived,
}];

/// Bytes of the log of reports.
const FEED: u64 = 256 << 10;
/// Growth of memory that counts as flat.
const SLACK: u64 = 4 << 20;
/// The same, in the second half of many.
const SOAK_SLACK: u64 = 1 << 20;

/// Containers of which a watch has told the one program, with the right workload.
fn attributed(watch: &Watch, workload: &str) -> BTreeSet<String> {
    watch
        .of_kind("violation")
        .iter()
        .filter(|report| {
            lookup(report, "exec.path").and_then(|path| path.as_str()) == Some("/bin/busybox")
                && lookup(report, "process.phase").and_then(|phase| phase.as_str()) == Some("MAIN")
                && lookup(report, "workload.name").and_then(|name| name.as_str()) == Some(workload)
        })
        .filter_map(|report| Some(lookup(report, "container.id")?.as_str()?.to_owned()))
        .collect()
}

fn short_lived(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let count = if context.soak { 1000 } else { 12 };
    let mut home = Home::new(session, Mode::Monitor)?;
    // The log of reports fills up to its bound, which is no leak: a small one is soon full.
    home.set("feed", json!({"bytes": FEED}))?;
    let agent = home.start()?;
    let watch = agent.watch_kinds("violation,gap")?;
    let mut started = BTreeSet::new();
    let mut memory = Vec::new();
    for index in 0..count {
        check_interrupt()?;
        let mut container = Container::start(session, &Spec::new("short", &["/bin/true"]))?;
        started.insert(container.id.clone());
        let code = container.wait()?;
        ensure!(
            code == Some(0),
            "container {index} ended with {code:?}: {}",
            container.stderr()
        );
        drop(container);
        if index % (count / 10).max(1) == 0 {
            memory.push(agent.memory()?);
        }
    }
    memory.push(agent.memory()?);
    let waited = wait_for("the last container", patience(), || {
        Ok(started
            .is_subset(&attributed(&watch, "short"))
            .then_some(()))
    });
    if waited.is_err() {
        let known = attributed(&watch, "short");
        let missing: Vec<_> = started.difference(&known).collect();
        let told: Vec<_> = watch
            .of_kind("violation")
            .into_iter()
            .filter(|report| {
                let id = lookup(report, "container.id").and_then(|id| id.as_str());
                id.is_some_and(|id| missing.iter().any(|known| *known == id))
            })
            .collect();
        bail!(
            "{} of {count} containers were not attributed; {} reports are about them, the first: {}",
            missing.len(),
            told.len(),
            told.first().cloned().unwrap_or_default()
        );
    }
    let lost: u64 = agent.status()?["losses"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|loss| number(&loss["count"]))
        .sum();
    ensure!(lost == 0, "{lost} records were lost: {}", agent.status()?);
    wait_for("the containers to leave the list", patience(), || {
        Ok(agent.home.json(&["containers"])?.is_empty().then_some(()))
    })?;
    let processes = || -> Result<Option<u64>> { Ok(number(&agent.status()?["processes"])) };
    wait_for("the processes to leave the table", patience(), || {
        Ok((processes()? == Some(0)).then_some(()))
    })
    .with_context(|| format!("{:?} processes are left", processes()))?;
    // The first tenth warms caches up; after it nothing may grow. With large counts there is no
    // doubt any more after the first half.
    let (warm, slack) = match context.soak {
        true => (memory[memory.len() / 2], SOAK_SLACK),
        false => (memory[1], SLACK),
    };
    let end = agent.memory()?;
    let figure = format!(
        "{count} containers, all attributed, none lost; agent memory {} at first, {} at the end (MiB: {})",
        mebibytes(warm),
        mebibytes(end),
        memory
            .iter()
            .map(|bytes| mebibytes(*bytes))
            .collect::<Vec<_>>()
            .join(", ")
    );
    ensure!(end <= warm + slack, "memory grew: {figure}");
    Ok(Outcome::Measured(figure))
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}
