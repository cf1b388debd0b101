//! Advice on a pod, applied to a real container.

use super::common::{
    IDS, NOBODY4, hook_of, learned_until_now, profile, promote, silent, violations_until_now,
};
use crate::agent::{Home, Mode};
use crate::container::{Confined, Spec};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::Row;
use serde_json::{Value, json};

pub const CASES: &[Case] = &[Case {
    name: "advise.pod",
    run: pod,
}];

const WORKLOAD: &str = "advised";

/// What the workload does: writes in two folders of its image, and where it needs no advice; talks
/// to a peer; uses a capability where that is seen.
fn work(puppet: &mut Puppet<'_>, uses_capability: bool) -> Result<()> {
    for act in [
        &["create", "/data/x"][..],
        &["rename", "/data/x", "/data/y"],
        &["create", "/tmp/z"],
        &["delete", "/tmp/z"],
        &["create", "/volume/x"],
        &["create", "/scratch/x"],
        &["connect-tcp", NOBODY4, "443"],
    ] {
        puppet.act(&Act::trigger(act))?;
    }
    if uses_capability {
        puppet.act(&Act::trigger(&["bind-port", "80"]))?;
    }
    Ok(())
}

fn texts(list: &Value, key: &str) -> Result<Vec<String>> {
    let all = list
        .as_array()
        .with_context(|| format!("no list: {list}"))?;
    let text = |one: &Value| one[key].as_str().map(str::to_owned);
    all.iter()
        .map(|one| text(one).with_context(|| format!("no {key} in {one}")))
        .collect()
}

/// The same container as the advice would have it.
fn confined(advice: &Value) -> Result<Spec> {
    let drops = advice["capabilities"]["dropAll"] == json!(true);
    let names = texts(&advice["capabilities"]["add"], "name")?;
    let names = names.iter().map(|name| format!("CAP_{name}")).collect();
    let mut spec = Spec::new(WORKLOAD, &[TRIGGER, "serve"]);
    spec.confined = Confined {
        read_only: advice["root"]["readOnly"] == json!(true),
        capabilities: drops.then_some(names),
        no_new_privileges: advice["escalation"]["forbid"] == json!(true),
        seccomp: None,
    };
    for path in texts(&advice["root"]["folders"], "path")? {
        spec = spec.mount(json!({
            "destination": path, "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"],
        }));
    }
    Ok(spec)
}

fn pod(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let is_seen = hook_of(&agent.status()?, Row::PrivilegeCapability)?["tier"] != "";
    {
        let mut puppet = Puppet::start(session, WORKLOAD)?;
        work(&mut puppet, is_seen)?;
        learned_until_now(&mut watch, &mut puppet, "/data/mark")?;
    }
    let name = profile(&agent.home, WORKLOAD)?;
    let advise = ["advise", "pod", &name];
    let advice = agent.home.json(&advise)?.swap_remove(0);
    ensure!(advice["root"]["readOnly"] == json!(true), "{advice}");
    let folders = texts(&advice["root"]["folders"], "path")?;
    ensure!(folders == ["/data", "/tmp"], "{folders:?} of {advice}");
    let used = texts(&advice["capabilities"]["add"], "name")?;
    let wanted: &[&str] = if is_seen { &["NET_BIND_SERVICE"] } else { &[] };
    ensure!(used == wanted, "{}", advice["capabilities"]);
    ensure!(
        advice["capabilities"]["dropAll"] == json!(is_seen),
        "dropped unseen: {}",
        advice["capabilities"]
    );
    if is_seen {
        let seen = &advice["capabilities"]["add"][0]["because"]["first"][0];
        ensure!(
            seen["by"] == json!([TRIGGER]) && seen["uids"] == json!([0]),
            "{seen}"
        );
    }
    let peers = texts(&advice["network"]["addresses"], "peer")?;
    ensure!(peers == [format!("{NOBODY4}/32")], "{}", advice["network"]);

    // It says that there may be more, and as a gate it is shut.
    ensure!(advice["basis"]["complete"] == json!(false), "{advice}");
    let text = agent.home.call(&advise)?;
    for word in ["incomplete:\n  the profile still learns", "/data", NOBODY4] {
        ensure!(text.contains(word), "no `{word}` in {text}");
    }
    let gate = [&advise[..], &["--require-complete"]].concat();
    let ended = agent.home.client(&gate).output()?;
    ensure!(ended.status.code() == Some(1), "{ended:?}");
    let patch = [&advise[..], &["-o", "patch", "--container", "app"]].concat();
    let patch = agent.home.call(&patch)?;
    ensure!(patch.contains("readOnlyRootFilesystem: true"), "{patch}");

    // Confined so, the workload does the same as before, and nobody has anything to report.
    promote(&agent.home, WORKLOAD)?;
    let mut puppet = Puppet::from_spec(session, &confined(&advice)?)?;
    work(&mut puppet, is_seen).context("with the advice applied")?;
    let seen = violations_until_now(&mut watch, &mut puppet, "/data/sentinel")?;
    silent(&seen, "with the advice applied")?;
    let outside = puppet.run(&Act::trigger(&["create", "/etc/x"]))?;
    ensure!(outside != 0, "the root is not read-only");
    if is_seen {
        let other = puppet.run(&Act::trigger(&["nothing"]).ids(IDS.0, IDS.1));
        ensure!(other.is_err(), "SETUID is left, which was not used");
    }
    drop(puppet);
    agent.stop()?;
    Ok(Outcome::Passed)
}
