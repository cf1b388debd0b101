//! What stands beside a BehaviorProfile: whether it is in force, and why it is not.

use super::walk::{LIMIT, Walk};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;

/// A second profile of the workload: of two the older is in force.
const SECOND: &str = "web-again";

fn condition<'o>(object: &'o Value, kind: &str) -> Result<&'o Value> {
    let all = object["status"]["conditions"].as_array();
    let mut all = all.into_iter().flatten();
    all.find(|one| one["type"] == kind)
        .with_context(|| format!("no condition {kind}: {}", object["status"]))
}

/// The columns that people read.
fn shown(walk: &Walk<'_>, name: &str) -> Result<String> {
    let text = walk.node.kubectl(&["-n", "shop", "get", "bp", name])?;
    for line in text.lines() {
        println!("             {line}");
    }
    Ok(text)
}

/// How often an Event tells of it.
fn events(walk: &Walk<'_>, name: &str, reason: &str) -> Result<usize> {
    let words = ["-n", "shop", "get", "events.v1.events.k8s.io", "-o", "json"];
    let list: Value = serde_json::from_str(&walk.node.kubectl(&words)?)?;
    let all = list["items"].as_array().context("no list")?;
    let is_it = |one: &&Value| {
        let of = &one["regarding"];
        of["kind"] == "BehaviorProfile" && of["name"] == name && one["reason"] == reason
    };
    Ok(all.iter().filter(is_it).count())
}

/// The only node obeys it.
pub fn in_force(walk: &mut Walk<'_>) -> Result<()> {
    walk.node.wait_for("status", LIMIT, || {
        let object = walk.behavior_profile()?;
        let status = &object["status"];
        ensure!(
            condition(&object, "InForce")?["status"] == "True"
                && condition(&object, "Refused")?["status"] == "False"
                && status["nodes"]["summary"] == "1/1"
                && status["observedGeneration"] == object["metadata"]["generation"],
            "it is {status}"
        );
        Ok(Some(()))
    })?;
    let text = shown(walk, "deployment-web-web")?;
    ensure!(text.contains("1/1") && text.contains("AllNodes"), "{text}");
    let told = events(walk, "deployment-web-web", "InForce")?;
    ensure!(told == 1, "{told} Events");
    let condition = "--for=condition=InForce";
    let words = [
        "-n",
        "shop",
        "wait",
        condition,
        "bp/deployment-web-web",
        "--timeout=10s",
    ];
    walk.node.kubectl(&words).map(drop)
}

/// A second one for the same workload is, by all agents; and it goes again.
pub fn refused(walk: &mut Walk<'_>) -> Result<()> {
    let text = fs::read_to_string(walk.node.path("web.yaml"))?;
    let name = "name: deployment-web-web";
    ensure!(text.contains(name), "it has another name: {text}");
    let file = walk.node.path("again.yaml");
    fs::write(&file, text.replacen(name, &format!("name: {SECOND}"), 1))?;
    let file = file.display().to_string();
    walk.node
        .kubectl(&["apply", "--server-side", "-f", &file])?;
    walk.node.wait_for("status", LIMIT, || {
        let words = ["-n", "shop", "get", "bp", SECOND, "-o", "json"];
        let object: Value = serde_json::from_str(&walk.node.kubectl(&words)?)?;
        let refused = condition(&object, "Refused")?;
        let message = refused["message"].as_str().unwrap_or_default();
        ensure!(
            refused["status"] == "True"
                && refused["reason"] == "Superseded"
                && message.contains(super::node::NAME)
                && message.contains("shop/deployment-web-web is older")
                && condition(&object, "InForce")?["status"] == "False",
            "it is {}",
            object["status"]
        );
        Ok(Some(()))
    })?;
    let text = shown(walk, SECOND)?;
    ensure!(
        text.contains("0/1") && text.contains("Superseded"),
        "{text}"
    );
    let told = events(walk, SECOND, "Refused")?;
    ensure!(told == 1, "{told} Events");
    walk.node
        .kubectl(&["-n", "shop", "delete", "bp", SECOND])
        .map(drop)?;
    walk.node.wait_for("end of the refusal", LIMIT, || {
        let refused = walk.status()?["clusterProfiles"]["refused"].clone();
        ensure!(refused == 0, "{refused} refused");
        Ok(Some(()))
    })
}
