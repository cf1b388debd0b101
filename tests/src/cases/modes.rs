//! What a namespace asks for, from the API of a cluster to the kernel and back.

use super::common::profile;
use crate::agent::{Agent, Home, Mode};
use crate::api::Api;
use crate::container::Spec;
use crate::expect::{Expect, Want, lookup};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[Case {
    name: "modes.namespace",
    run: namespace,
}];

/// Times that a container does the same while it is off.
const TIMES: u64 = 400;

/// Waits until `lapwing containers` says that this is asked for of a container.
fn until_asked(agent: &Agent, puppet: &Puppet<'_>, wanted: &str) -> Result<()> {
    wait_for("what is asked for", patience(), || {
        let containers = agent.home.json(&["containers"])?;
        let is_it = |one: &&Value| lookup(one, "container.id") == Some(&json!(puppet.id));
        let ours = { containers.iter() }.find(is_it).context("no container")?;
        Ok((ours["askedMode"].as_str().unwrap_or_default() == wanted).then_some(()))
    })
    .with_context(|| format!("`{wanted}` of the namespace"))
}

fn status(agent: &Agent) -> Result<Value> {
    let mut status = agent.home.json(&["status"])?;
    Ok(status.pop().context("no status")?["clusterModes"].take())
}

/// A file that is made, as a report has it.
fn made(puppet: &Puppet<'_>, path: &str) -> Expect {
    Expect::new()
        .is("container.id", puppet.id.as_str())
        .is("file.path", path)
}

fn told(text: &'static str) -> Expect {
    Expect::new()
        .is("rule", "sensor.degraded")
        .is("degraded.reason", "namespace-mode")
        .want("degraded.detail", Want::Holds(text.to_owned()))
}

fn namespace(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let api = Api::start("shop")?;
    let mut home = Home::new(session, Mode::Learn)?;
    let kubeconfig = api.kubeconfig(home.folder())?;
    home.set("profiles", json!({"namespaces": kubeconfig}))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let spec = Spec::new("modes", &[TRIGGER, "serve"]).pod("shop", "web-1");
    let mut puppet = Puppet::from_spec(session, &spec)?;
    let mut other = Puppet::start(session, "modes-other")?;
    puppet.act(&Act::trigger(&["create", "/data/one"]))?;
    let expect = made(&puppet, "/data/one").is("outcome", "LEARNED");
    watch.expect("behaviour", "what is learned", &expect)?;
    let name = profile(&agent.home, "modes")?;

    api.label(Some("monitor"));
    wait_for("the promotion", patience(), || {
        let shown = agent.home.call(&["profile", "show", &name])?;
        Ok(
            (shown.contains("Monitoring") && shown.contains("lapwing.dev/mode=monitor"))
                .then_some(()),
        )
    })
    .with_context(|| format!("the status says {:?}", status(&agent)))?;
    puppet.act(&Act::trigger(&["create", "/data/two"]))?;
    watch.expect("violation", "what is new", &made(&puppet, "/data/two"))?;

    api.label(Some("off"));
    until_asked(&agent, &puppet, "off")?;
    watch.expect(
        "violation",
        "that it is off",
        &told("`lapwing.dev/mode=off`"),
    )?;
    let since = watch.mark();
    for _ in 0..TIMES {
        puppet.act(&Act::trigger(&["create", "/data/three"]))?;
        puppet.act(&Act::trigger(&["delete", "/data/three"]))?;
    }
    // By then all of that was judged, and what others do goes on.
    other.act(&Act::trigger(&["create", "/data/mark"]))?;
    let expect = made(&other, "/data/mark").is("outcome", "LEARNED");
    watch.expect("behaviour", "what another does", &expect)?;
    for kind in ["violation", "behaviour"] {
        let seen = watch.of_kind_since(kind, since);
        let of_it =
            { seen.iter() }.find(|one| lookup(one, "container.id") == Some(&json!(puppet.id)));
        ensure!(of_it.is_none(), "it is off, and reported: {of_it:?}");
    }
    let modes = status(&agent)?;
    let dropped: u64 = match modes["dropped"].as_str() {
        Some(text) => text.parse()?,
        None => 0,
    };
    ensure!(modes["off"] == 1 && dropped > 0, "the status says {modes}");
    // Two a round would be sent, and an exec each, were they not held back in the kernel.
    ensure!(
        dropped < TIMES,
        "{dropped} records came of {TIMES} rounds: the kernel side holds nothing back"
    );

    api.label(None);
    until_asked(&agent, &puppet, "")?;
    watch.expect("violation", "that it is on again", &told("over; it was"))?;
    puppet.act(&Act::trigger(&["create", "/data/three"]))?;
    let expect = made(&puppet, "/data/three");
    watch.expect_since("violation", "what is done again", &expect, since)?;
    Ok(Outcome::Measured(format!(
        "{dropped} records of {TIMES} rounds while it was off"
    )))
}
