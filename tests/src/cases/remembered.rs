//! An agent that starts while the API of the cluster is away: what that told of the containers counts, and nothing
//! that is only called like them.

use super::common::{about_since, learned_until_now, promote, silent};
use crate::agent::{Agent, Home, Mode};
use crate::api::{self, Api};
use crate::container::Spec;
use crate::expect::{Expect, lookup};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

pub const CASES: &[Case] = &[Case {
    name: "remembered.api-away",
    run: api_away,
}];

const UID: &str = "5a1d0c9e-2b7f-4f35-8f0a-6c1f9d3b7e42";
const OWNER: &str = "/apis/apps/v1/namespaces/shop/statefulsets/db";
/// Longest wait of an agent before it asks an API again that was away.
const LAST: Duration = Duration::from_secs(60);
/// What the labels of the containers say that they are.
const LABEL: &str = "claimed";

fn stateful_set() -> Value {
    json!({
        "metadata": {"name": "db", "namespace": "shop", "uid": "s1"},
        "spec": {"selector": {"matchLabels": {"app": "db"}}},
    })
}

/// The pod of the StatefulSet, with these containers.
fn pod(ids: &[(&str, &str)]) -> Value {
    let statuses = ids
        .iter()
        .map(|(name, id)| json!({"name": name, "containerID": format!("containerd://{id}")}));
    json!({
        "metadata": {"name": "db-0", "namespace": "shop", "uid": UID, "labels": {"app": "db"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "s1",
                "controller": true}]},
        "spec": {"nodeName": api::NODE, "containers": [{"name": "app", "image": "team/db:1"},
            {"name": "late", "image": "team/db:1"}]},
        "status": {"containerStatuses": statuses.collect::<Vec<_>>()},
    })
}

fn begin<'s>(session: &'s Session) -> Result<Puppet<'s>> {
    let spec = Spec::new(LABEL, &[TRIGGER, "serve"]).pod("shop", "db-0");
    Puppet::from_spec(session, &spec)
}

/// What the agent says of a container.
fn container(agent: &Agent, puppet: &Puppet<'_>) -> Result<Option<Value>> {
    let all = agent.home.json(&["containers"])?;
    let is_it = |one: &Value| lookup(one, "container.id") == Some(&json!(puppet.id));
    Ok(all.into_iter().find(is_it))
}

/// Waits until a container is of this workload.
fn until_of(agent: &Agent, puppet: &Puppet<'_>, kind: &str, name: &str) -> Result<Value> {
    let is_so = |one: &Value| {
        lookup(one, "workload.kind") == Some(&json!(kind))
            && lookup(one, "workload.name") == Some(&json!(name))
    };
    wait_for("the workload", patience(), || {
        Ok(container(agent, puppet)?.filter(is_so))
    })
    .with_context(|| format!("{:?}\n{}", container(agent, puppet), agent.log()))
}

fn verified(found: &Value) -> Result<()> {
    let evidence = lookup(found, "container.ownerEvidence");
    ensure!(evidence == Some(&json!("VERIFIED")), "{found}");
    Ok(())
}

/// What the agent says of the API.
fn api_source(agent: &Agent) -> Result<Value> {
    let status = agent.status()?;
    let sources = lookup(&status, "identity.sources").and_then(Value::as_array);
    let source = { sources.into_iter().flatten() }.find(|one| one["protocol"] == "kubernetes");
    source.cloned().with_context(|| format!("no API: {status}"))
}

/// How many containers are known from before the agent started.
fn told_before(agent: &Agent) -> Result<u64> {
    api_source(agent)?["toldBefore"]
        .as_u64()
        .context("no number")
}

fn api_away(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let api = Api::start("shop")?;
    api.own(OWNER, stateful_set());
    let mut home = Home::new(session, Mode::Learn)?;
    let kubeconfig = api.kubeconfig(home.folder())?;
    let asked =
        json!({"kubernetes": kubeconfig, "nodeName": api::NODE, "cri": "none", "docker": "none"});
    home.set("identity", asked)?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut known = begin(session)?;
    api.pod(pod(&[("app", &known.id)]));
    verified(&until_of(&agent, &known, "StatefulSet", "db")?)?;
    learned_until_now(&mut watch, &mut known, "/data/one")?;
    promote(&agent.home, "db")?;
    let file = agent.home.state().join("cluster/pods");
    wait_for("the container on disk", patience(), || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        Ok(text.contains(&known.id).then_some(()))
    })?;
    drop(watch);

    // Nobody looks, and the API is away: another container begins in the same pod, by its names and labels.
    let home = agent.kill()?;
    api.away(true);
    let mut late = begin(session)?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    verified(&until_of(&agent, &known, "StatefulSet", "db")?)?;
    let stranger = until_of(&agent, &late, "Workload", LABEL)?;
    let evidence = lookup(&stranger, "container.ownerEvidence");
    ensure!(
        evidence == Some(&json!("OWNER_EVIDENCE_UNSPECIFIED")),
        "{stranger}"
    );
    ensure!(told_before(&agent)? == 1, "{}", agent.status()?);
    let text = agent.home.call(&["status"])?;
    ensure!(text.contains("1 containers are known from disk"), "{text}");

    // The promoted profile is in force for the one alone.
    let mark = watch.mark();
    known.act(&Act::trigger(&["delete", "/data/one"]))?;
    known.act(&Act::trigger(&["create", "/data/one"]))?;
    known.act(&Act::trigger(&["create", "/data/two"]))?;
    let expect = Expect::new()
        .is("container.id", known.id.as_str())
        .is("workload.namespace", "shop")
        .is("workload.kind", "StatefulSet")
        .is("workload.name", "db")
        .is("rule", "file.unknown")
        .is("mode", "MONITORING")
        .is("file.path", "/data/two");
    watch.expect("violation", "a file that is not in the profile", &expect)?;
    let of_known = about_since(&watch, "violation", &known, mark);
    let of_one = of_known.into_iter().filter(|one| {
        lookup(one, "file.path") == Some(&json!("/data/one"))
            && lookup(one, "file.operation") == Some(&json!("CREATE"))
    });
    silent(&of_one.collect::<Vec<_>>(), "of a file in the profile")?;
    learned_until_now(&mut watch, &mut late, "/data/three")?;
    let of_late = about_since(&watch, "violation", &late, mark);
    silent(&of_late, "of the container that learns")?;

    // The API tells of both.
    api.pod(pod(&[("app", &known.id), ("late", &late.id)]));
    api.away(false);
    wait_for("the API to be asked again", patience() + LAST, || {
        Ok((api_source(&agent)?["state"] == "CONNECTED").then_some(()))
    })?;
    verified(&until_of(&agent, &late, "StatefulSet", "db")?)?;
    wait_for("the API's own word", patience(), || {
        Ok((told_before(&agent)? == 0).then_some(()))
    })?;
    verified(&until_of(&agent, &known, "StatefulSet", "db")?)?;
    // It ends, and what was told of it is not kept.
    drop(watch);
    let id = known.id.clone();
    drop(known);
    wait_for("the container's end on disk", patience(), || {
        let text = fs::read_to_string(&file)?;
        Ok((text.contains(&late.id) && !text.contains(&id)).then_some(()))
    })?;
    Ok(Outcome::Passed)
}
