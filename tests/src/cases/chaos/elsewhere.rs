//! Where an image runs and what deviated there, asked of the controller of a small cluster: real agents, replicas
//! and containers, of which one agent goes.

use super::stage::{APPROVED, NODES, Stage};
use crate::puppet::Act;
use crate::runner::{Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::time::Instant;

const DIGEST: &str = "sha256:7d1f0ad7c2e4a7b0d8a9cb9ea1f7d3f6a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8e9";
/// What the approved profile does not allow.
const UNKNOWN: &str = "/data/elsewhere";

pub(super) fn image_where(context: &mut Context<'_>) -> Result<Outcome> {
    if context.label != "host" {
        let why = "it is about processes, and where each instruction is emulated two agents need minutes to start";
        return Ok(Outcome::Skipped(why.to_owned()));
    }
    context.alone();
    let mut stage = Stage::new(context.session)?;
    stage.image = Some(format!("team/web:1@{DIGEST}"));
    let outcome = all(&mut stage);
    outcome
        .map(|()| Outcome::Passed)
        .with_context(|| stage.last_words())
}

fn all(stage: &mut Stage<'_>) -> Result<()> {
    stage.start_agents()?;
    wait_for("the agents to answer", 3 * patience(), || {
        Ok(stage.look()?.then_some(()))
    })?;
    stage.populate()?;
    // On the second node alone.
    let member = { stage.members.iter_mut() }.find(|it| it.workload == APPROVED && it.node == 1);
    let puppet = member.and_then(|it| it.puppet.as_mut());
    let puppet = puppet.context("no container")?;
    let id = puppet.id.clone();
    puppet.act(&Act::trigger(&["create", UNKNOWN]))?;
    let mut told = Value::Null;
    let found = wait_for("both nodes and what deviated", 3 * patience(), || {
        stage.look()?;
        stage.tell();
        told = ask(stage, &DIGEST[..20])?;
        let place = place(&told, "shop/Deployment/web/app");
        let is_all = place["nodes"] == json!(NODES)
            && place["deviations"][0]["count"] == 1
            && learned(&told)["digest"] == DIGEST;
        Ok(is_all.then(|| place.clone()))
    })
    .with_context(|| told.to_string())?;
    let containers = found["containers"].as_array().context("no containers")?;
    let is_there = |one: &Value| one["id"] == id && one["node"] == NODES[1];
    ensure!(
        containers.len() == 2 && containers.iter().any(is_there),
        "{found}"
    );
    ensure!(
        containers.iter().all(|one| one["imageDigest"] == DIGEST),
        "{found}"
    );
    let deviation = &found["deviations"][0];
    ensure!(
        deviation["nodes"] == json!([NODES[1]]) && deviation["rule"] == "file.unknown",
        "{found}"
    );
    ensure!(
        told["node"] == Value::Null && told["answered"] == 2 && told["missing"] == json!([]),
        "{told}"
    );
    // Each container stands once, of its node.
    let of = |node: &str| {
        let places = told["workloads"].as_array().into_iter().flatten();
        let all = places.flat_map(|place| place["containers"].as_array().into_iter().flatten());
        all.filter(|one| one["node"] == node).count()
    };
    ensure!(NODES.iter().all(|node| of(node) == 3), "{told}");

    stage.nodes[1].agent.kill(Instant::now())?;
    let what = "the node whose agent is gone to be told as missing";
    wait_for(what, 3 * patience(), || {
        told = ask(stage, &DIGEST[7..])?;
        let missing = &told["missing"][0];
        let is_told = missing["node"] == NODES[1] && missing["reason"] == "AWAY";
        Ok((is_told && told["answered"] == 1).then_some(()))
    })
    .with_context(|| told.to_string())?;
    let place = place(&told, "shop/Deployment/web/app");
    ensure!(
        place["containers"]
            .as_array()
            .is_some_and(|all| all.len() == 1),
        "{told}"
    );
    // The agent has what it reported, so that is said to be missing.
    let incomplete = told["incomplete"].to_string();
    let owed = format!(
        "what deviated on 1 node is not all known, as the agent cannot be asked: {}",
        NODES[1]
    );
    ensure!(incomplete.contains(&owed), "{told}");
    let nowhere = ask(stage, "sha256:0123456789")?;
    ensure!(nowhere["workloads"] == json!([]), "{nowhere}");
    Ok(())
}

/// What the leader says, by the port of any replica; nothing while there is none.
fn ask(stage: &Stage<'_>, digest: &str) -> Result<Value> {
    let args = ["image", "where", digest, "--wait", "3s", "-o", "json"];
    let output = stage.at_controller(0, &args).output()?;
    if !output.status.success() {
        return Ok(json!(String::from_utf8_lossy(&output.stderr)));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What nodes learned of the image in a workload that is not compared with anything.
fn learned(told: &Value) -> &Value {
    &place(told, "shop/Deployment/api/app")["versions"][0]
}

/// What is said of a workload.
fn place<'a>(told: &'a Value, workload: &str) -> &'a Value {
    let mut all = told["workloads"].as_array().into_iter().flatten();
    all.find(|one| one["workload"] == workload)
        .unwrap_or(&Value::Null)
}
