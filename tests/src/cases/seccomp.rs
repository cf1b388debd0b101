//! System calls that are recorded, and the filter that follows from them, applied to a real container.

use super::common::{NOBODY4, learned_until_now, profile};
use crate::agent::{Home, Mode};
use crate::container::Spec;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[Case {
    name: "advise.seccomp",
    run: seccomp,
}];

const WORKLOAD: &str = "filtered";
/// What the runtime calls before the container's program runs.
const OF_RUNTIME: &[&str] = &[
    "pivot_root",
    "mount",
    "unshare",
    "setns",
    "capset",
    "sethostname",
];

/// What the workload does, the last of it by a call that nothing else makes.
fn work(puppet: &mut Puppet<'_>) -> Result<()> {
    for act in [
        &["create", "/data/x"][..],
        &["delete", "/data/x"],
        &["connect-tcp", NOBODY4, "443"],
    ] {
        puppet.act(&Act::trigger(act))?;
    }
    Ok(())
}

fn seccomp(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Learn)?;
    home.set("syscalls", "learning")?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let name = {
        let mut puppet = Puppet::start(session, WORKLOAD)?;
        work(&mut puppet)?;
        learned_until_now(&mut watch, &mut puppet, "/data/mark")?;
        let name = profile(&agent.home, WORKLOAD)?;
        wait_for("the calls in the profile", patience(), || {
            let advice = agent.home.json(&["advise", "pod", &name])?.swap_remove(0);
            Ok(named(&advice, "connect").then_some(()))
        })?;
        name
    };
    let advice = agent.home.json(&["advise", "pod", &name])?.swap_remove(0);
    let recorded = &advice["seccomp"];
    ensure!(recorded["incomplete"] == json!([]), "{recorded}");
    for call in ["execve", "openat", "write", "exit_group"] {
        ensure!(named(&advice, call), "no {call} in {recorded}");
    }
    for call in OF_RUNTIME {
        ensure!(!named(&advice, call), "the runtime's {call} in {recorded}");
    }
    let shown = agent.home.call(&["profile", "show", &name])?;
    ensure!(shown.contains("system calls (from "), "{shown}");
    let filter = agent
        .home
        .call(&["advise", "pod", &name, "-o", "seccomp"])?;
    let filter: Value = serde_json::from_str(&filter).context("what `-o seccomp` prints")?;

    // With the filter the workload does the same again, and nothing else.
    let mut spec = Spec::new(WORKLOAD, &[TRIGGER, "serve"]);
    spec.seccomp = Some(filter);
    spec.patch = Some(
        json!({"spec": {"containers": [{"name": "app", "securityContext": {
            "allowPrivilegeEscalation": advice["escalation"]["forbid"] != true,
            "seccompProfile": {"type": "Localhost", "localhostProfile": "lapwing/shop/web-app.json"},
        }}]}}),
    );
    let mut puppet = Puppet::from_spec(session, &spec).context("with the filter")?;
    work(&mut puppet).context("with the filter")?;
    let other = puppet.run(&Act::trigger(&["mkdir", "/data/folder"]))?;
    ensure!(other != 0, "a call passed that was never made");
    let words = puppet.words()?;
    ensure!(words.contains("os error 1"), "it failed otherwise: {words}");
    drop(puppet);
    agent.stop()?;
    Ok(Outcome::Passed)
}

/// Whether a call was recorded of the container's own processes.
fn named(advice: &Value, call: &str) -> bool {
    let names = advice["seccomp"]["recorded"]["names"].as_array();
    names.is_some_and(|names| names.iter().any(|name| name == call))
}
