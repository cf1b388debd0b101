//! Capabilities: the first use by each program, user and phase of a container is news, and no other.

use super::common::{TOOL, about, hits, hook_of, violations_until_now};
use crate::agent::Mode;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::watch::Watch;
use anyhow::{Result, ensure};
use lapwing_abi::hooks::Row;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Stdio;

pub const CASES: &[Case] = &[Case {
    name: "profile.capability-first-use",
    run: first_use,
}];

const WORKLOAD: &str = "capable once";
const BIND: &str = "CAP_NET_BIND_SERVICE";
const RAW: &str = "CAP_NET_RAW";

/// What was reported of the two capabilities in a container so far: which, how often by the
/// report's own word, and in which version of the report.
fn told(
    watch: &mut Watch,
    puppet: &mut Puppet<'_>,
    mark: &str,
) -> Result<Vec<(String, String, Value)>> {
    let seen = violations_until_now(watch, puppet, mark)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(seen
        .iter()
        .filter(|report| report["rule"] == "privilege.capability")
        .map(|report| {
            (
                text(&report["privilege"]["detail"]),
                text(&report["count"]),
                report["revision"].clone(),
            )
        })
        .filter(|(detail, ..)| [BIND, RAW].contains(&&**detail))
        .collect())
}

fn first_use(context: &mut Context<'_>) -> Result<Outcome> {
    const ROW: Row = Row::PrivilegeCapability;
    const PING: [&str; 4] = ["socket", "2", "3", "1"];
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    if hook_of(&agent.status()?, ROW)?["tier"] == "" {
        return Ok(Outcome::Skipped(format!("nothing sees {} here", ROW.id())));
    }
    let once = |name: &str| (name.to_owned(), "1".to_owned(), Value::from(1));
    let mut puppet = Puppet::start(session, WORKLOAD)?;
    puppet.act(&Act::trigger(&["bind-port", "80"]))?;
    let seen = told(watch, &mut puppet, "/data/first")?;
    ensure!(seen == [once(BIND)], "the first use: {seen:?}");

    // The same port, and another: it is the capability that is known. The kernel's side says nothing.
    let before = hits(agent, ROW)?;
    for port in ["80", "81"] {
        puppet.act(&Act::trigger(&["bind-port", port]))?;
    }
    let seen = told(watch, &mut puppet, "/data/second")?;
    ensure!(seen == [once(BIND)], "used once more: {seen:?}");
    let fired = hits(agent, ROW)? - before;
    ensure!(fired == 0, "a use that is no news was sent {fired} times");

    puppet.act(&Act::trigger(&PING))?;
    puppet.act(&Act::trigger(&PING))?;
    let seen = told(watch, &mut puppet, "/data/another")?;
    ensure!(
        seen == [once(BIND), once(RAW)],
        "another capability, used twice: {seen:?}"
    );

    // Another instance of the same workload has uses of its own, and takes none from the first.
    let mut other = Puppet::start(session, WORKLOAD)?;
    other.act(&Act::trigger(&["bind-port", "80"]))?;
    let seen = told(watch, &mut other, "/data/other")?;
    ensure!(seen == [once(BIND)], "in another container: {seen:?}");

    // Who enters comes first, and has no part in what the container's own program is told of.
    let mut entered = Puppet::start(session, "capable when entered")?;
    let status = { entered.exec(&[TRIGGER, "bind-port", "80"]) }
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "runc exec: {status}");
    entered.act(&Act::trigger(&["bind-port", "80"]))?;
    // Another program of the container's is told of to who judges, for whom it is the same violation.
    let before = hits(agent, ROW)?;
    for _ in 0..2 {
        entered.act(&Act::program(TOOL, "tool").args(&["bind-port", "80"]))?;
    }
    let fired = hits(agent, ROW)? - before;
    ensure!(
        fired == 1,
        "the first use by another program was sent {fired} times"
    );
    violations_until_now(watch, &mut entered, "/data/entered")?;
    let seen = about(watch, "violation", &entered);
    let users: BTreeSet<[&str; 2]> = (seen.iter())
        .filter(|report| report["rule"] == "privilege.capability")
        .filter(|report| report["privilege"]["detail"] == BIND)
        .map(|report| {
            ["phase", "exe"].map(|field| report["process"][field].as_str().unwrap_or_default())
        })
        .collect();
    ensure!(
        users == BTreeSet::from([["EXEC", TRIGGER], ["MAIN", TRIGGER]]),
        "by whom: {users:?}"
    );
    Ok(Outcome::Passed)
}
