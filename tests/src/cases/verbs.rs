//! What people do with profiles: approve, refuse, take out, put back.

use super::common::{file, hook_of, profile, violation, violations_until_now};
use crate::agent::{Agent, Mode};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::Session;
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::Row;
use serde_json::Value;
use std::fs;

pub const CASES: &[Case] = &[
    Case {
        name: "profile.approve-refuse-export-import",
        run: decide,
    },
    Case {
        name: "profile.capability-refused",
        run: capability,
    },
    Case {
        name: "profile.range-of-addresses",
        run: range,
    },
];

const WORKLOAD: &str = "verbs";
const PATH: &str = "/data/old";

fn decided(agent: &Agent, words: &[&str]) -> Result<String> {
    let by = ["--actor", "tests", "--reason", "it was looked at"];
    agent.home.call(&[&["profile"], words, &by].concat())
}

/// The reports of the one behaviour by a fresh instance: in an old one, a repeat is no news.
fn again(session: &Session, watch: &mut Watch, step: &str) -> Result<Vec<Value>> {
    let mut puppet = Puppet::start(session, WORKLOAD)?;
    fs::write(puppet.root().join(&PATH[1..]), "x")?;
    puppet.act(&Act::trigger(&["open-write", PATH]))?;
    let sentinel = format!("/data/{step}");
    let seen = violations_until_now(watch, &mut puppet, &sentinel)?;
    let seen: Vec<Value> = seen
        .into_iter()
        .filter(|report| report["file"]["path"] == PATH)
        .collect();
    if let Some(report) = seen.first() {
        let expect = file(
            violation(session, &puppet, "file.unknown", "MEDIUM"),
            "OPEN_WRITE",
            PATH,
        );
        ensure!(expect.accepts(report), "{}", expect.explain(seen.iter()));
    }
    Ok(seen)
}

fn decide(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let seen = again(session, watch, "first")?;
    ensure!(seen.len() == 1, "at first: {seen:?}");
    let text = |field: &str| seen[0][field].as_str().unwrap_or_default().to_owned();
    let id = text("id");

    decided(agent, &["approve", &id])?;
    let seen = again(session, watch, "approved")?;
    ensure!(seen.is_empty(), "approved, but reported: {seen:?}");
    let name = profile(&agent.home, WORKLOAD)?;
    let saved = session.path("verbs.yaml").display().to_string();
    agent.home.call(&["profile", "export", &name, &saved])?;
    let text = fs::read_to_string(&saved).context("the exported profile")?;
    ensure!(text.contains(PATH), "not in the exported profile: {text}");

    // The report is known after it was decided of: a person may have second thoughts.
    decided(agent, &["refuse", &id])?;
    let seen = again(session, watch, "refused")?;
    ensure!(seen.len() == 1, "refused, and reported so: {seen:?}");

    decided(agent, &["import", &saved])?;
    let seen = again(session, watch, "imported")?;
    ensure!(seen.is_empty(), "imported, but reported: {seen:?}");
    // Who decided, and why, stays in the profile.
    let text = agent.home.call(&["profile", "show", &name])?;
    ensure!(text.contains("tests"), "nobody decided: {text}");
    Ok(Outcome::Passed)
}

/// The kernel side tells of the first use of a capability by a program of a container; a decision makes its next use news.
fn capability(context: &mut Context<'_>) -> Result<Outcome> {
    const ROW: &str = "privilege.capability";
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let status = agent.status()?;
    if hook_of(&status, Row::PrivilegeCapability)?["tier"] == "" {
        return Ok(Outcome::Skipped(format!("nothing sees {ROW} here")));
    }
    let mut puppet = Puppet::start(session, "capable of decisions")?;
    let mut uses = |watch: &mut Watch, step: &str| -> Result<Vec<Value>> {
        puppet.act(&Act::trigger(&["bind-port", "80"]))?;
        let seen = violations_until_now(watch, &mut puppet, &format!("/data/{step}"))?;
        let seen = seen.into_iter().filter(|report| report["rule"] == ROW);
        Ok(seen.collect())
    };
    let seen = uses(watch, "first-use")?;
    ensure!(seen.len() == 1, "at first: {seen:?}");
    let id = seen[0]["id"].as_str().context("no id")?.to_owned();
    let again = uses(watch, "second-use")?;
    ensure!(again.len() == 1, "it is told once: {again:?}");
    decided(agent, &["approve", &id])?;
    let mark = uses(watch, "approved-use")?.len();
    ensure!(mark == 1, "approved, but reported");
    decided(agent, &["refuse", &id])?;
    let after = uses(watch, "refused-use")?;
    ensure!(
        after.len() == 2,
        "refused, and not reported anew: {after:?}"
    );
    Ok(Outcome::Passed)
}

/// A range that a person approves of passes all that is in it, and nothing beside it; refused, none.
fn range(context: &mut Context<'_>) -> Result<Outcome> {
    const WORKLOAD: &str = "ranges";
    const PORT: &str = "4210";
    const RANGE: &str = "egress: {protocol: UDP, cidr: 192.0.2.0/25, port: 4210}";
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, WORKLOAD)?;
    let mut steps = 0;
    let mut is_reported = |watch: &mut Watch, address: &str| -> Result<bool> {
        puppet.act(&Act::trigger(&["connect-udp", address, PORT]))?;
        steps += 1;
        let seen = violations_until_now(watch, &mut puppet, &format!("/data/range-{steps}"))?;
        Ok(seen
            .iter()
            .any(|report| report["egress"]["address"] == address))
    };
    ensure!(is_reported(watch, "192.0.2.9")?, "nothing is approved yet");
    let name = profile(&agent.home, WORKLOAD)?;
    decided(agent, &["approve", RANGE, "--profile", &name])?;
    for (address, expected) in [("192.0.2.10", false), ("192.0.2.200", true)] {
        ensure!(
            is_reported(watch, address)? == expected,
            "{RANGE} is approved; {address} has to be reported: {expected}"
        );
    }
    let text = agent.home.call(&["profile", "show", &name])?;
    ensure!(
        text.contains("cidr: \"192.0.2.0/25\"") && text.contains("at 192.0.2.10"),
        "the range, and which of its addresses were seen: {text}"
    );
    decided(agent, &["refuse", RANGE, "--profile", &name])?;
    ensure!(is_reported(watch, "192.0.2.11")?, "{RANGE} is refused");
    Ok(Outcome::Passed)
}
