//! The stream itself: its form, its cursors, its filters, its pulse.

use super::common::violations_until_now;
use crate::agent::Mode;
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

pub const CASES: &[Case] = &[
    Case {
        name: "stream.form",
        run: form,
    },
    Case {
        name: "stream.resume",
        run: resume,
    },
    Case {
        name: "stream.filters",
        run: filters,
    },
    Case {
        name: "stream.heartbeat",
        run: heartbeat,
    },
];

const KINDS: &[&str] = &["violation", "behaviour", "gap", "heartbeat"];

/// Every line is an object with a cursor and one item.
fn form(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "form")?;
    violations_until_now(watch, &mut puppet, "/data/sentinel")?;
    let mut cursors = Vec::new();
    for item in watch.items().iter() {
        let value = item.value.as_ref().context("a line that is not JSON")?;
        let cursor = value["cursor"].as_str().unwrap_or_default();
        ensure!(!cursor.is_empty(), "no cursor: {value}");
        let kinds = KINDS.iter().filter(|kind| value[*kind].is_object()).count();
        ensure!(kinds == 1, "{kinds} items in {value}");
        cursors.push(cursor.to_owned());
    }
    let count = cursors.len();
    cursors.sort_unstable();
    cursors.dedup();
    ensure!(cursors.len() == count, "two items with one cursor");
    Ok(Outcome::Passed)
}

/// Paths of the files that violations are about.
fn paths(watch: &Watch) -> Vec<String> {
    watch
        .of_kind("violation")
        .iter()
        .filter_map(|report| Some(report["file"]["path"].as_str()?.to_owned()))
        .collect()
}

/// Who comes back with a cursor misses nothing and gets nothing twice.
fn resume(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "resume")?;
    for name in ["one", "two", "three"] {
        puppet.act(&Act::trigger(&["create", &format!("/data/resume-{name}")]))?;
    }
    violations_until_now(watch, &mut puppet, "/data/resume-end")?;
    let cursor = watch
        .items()
        .iter()
        .filter_map(|item| item.value.as_ref())
        .find(|value| value["violation"]["file"]["path"] == "/data/resume-two")
        .and_then(|value| value["cursor"].as_str().map(str::to_owned))
        .context("no cursor")?;
    let again = agent.home.client(&[
        "watch",
        "-o",
        "json",
        "--kind",
        "violation",
        "--since",
        &cursor,
    ]);
    let again = Watch::start(again)?;
    wait_for("the rest of the stream", patience(), || {
        Ok((paths(&again).len() >= 2).then_some(()))
    })?;
    let seen = paths(&again);
    ensure!(
        seen == ["/data/resume-three", "/data/resume-end"],
        "{seen:?}"
    );
    Ok(Outcome::Passed)
}

fn filters(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "filter-this")?;
    let mut other = Puppet::start(session, "filter-that")?;
    violations_until_now(watch, &mut other, "/data/that")?;
    violations_until_now(watch, &mut puppet, "/data/this")?;
    let only = agent.home.client(&[
        "watch",
        "-o",
        "json",
        "--since",
        "1h",
        "--kind",
        "violation",
        "--workload",
        "filter-this",
    ]);
    let only = Watch::start(only)?;
    wait_for("the filtered stream", patience(), || {
        Ok(paths(&only)
            .contains(&"/data/this".to_owned())
            .then_some(()))
    })?;
    let names: Vec<Value> = only
        .of_kind("violation")
        .iter()
        // What the sensor cannot see concerns every workload.
        .filter(|report| report["rule"] != "sensor.degraded")
        .map(|report| report["workload"]["name"].clone())
        .collect();
    ensure!(names.iter().all(|name| name == "filter-this"), "{names:?}");
    ensure!(
        only.of_kind("behaviour").is_empty(),
        "a kind that was not asked for"
    );
    Ok(Outcome::Passed)
}

fn heartbeat(context: &mut Context<'_>) -> Result<Outcome> {
    let (_, watch) = context.agent(Mode::Monitor)?;
    let before = watch.of_kind("heartbeat").len();
    wait_for("a heartbeat", patience(), || {
        Ok((watch.of_kind("heartbeat").len() > before).then_some(()))
    })?;
    Ok(Outcome::Passed)
}
