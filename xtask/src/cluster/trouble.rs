//! What goes wrong in a cluster: an agent, a controller and the API server are killed.

use super::reports::{self, At};
use super::servers;
use super::walk::{LIMIT, Walk};
use crate::cluster::cgroups;
use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};

/// How long an expired lease may stay with nobody: the others look every few seconds.
const LOOKS: u64 = 10;

/// The pod with a label of the component, and one name if there are several.
fn pod(walk: &Walk<'_>, component: &str, name: &str) -> Result<Value> {
    let label = format!("app.kubernetes.io/component={component}");
    let words = ["-n", "lapwing", "get", "pods", "-l", &label, "-o", "json"];
    let list: Value = serde_json::from_str(&walk.node.kubectl(&words)?)?;
    let mut pods = list["items"].as_array().into_iter().flatten();
    let is_it = |pod: &&Value| {
        let own = pod["metadata"]["name"].as_str().unwrap_or_default();
        own.starts_with(name) && pod["metadata"]["deletionTimestamp"].is_null()
    };
    pods.find(is_it)
        .cloned()
        .with_context(|| format!("no pod {component} {name}"))
}

/// Kills what a pod's only container runs.
fn kill(walk: &Walk<'_>, pod: &Value, command: &str) -> Result<()> {
    let uid = pod["metadata"]["uid"].as_str().context("no uid")?;
    let is_it = |pid: &i32| {
        let read =
            |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let line = read("cmdline");
        read("cgroup").contains(uid) && line.starts_with("/lapwing\0") && line.contains(command)
    };
    let found: Vec<i32> = { cgroups::processes(&walk.node.scope).into_iter() }
        .filter(is_it)
        .collect();
    ensure!(
        found.len() == 1,
        "not one process but {found:?} is {command}"
    );
    let pid = Pid::from_raw(found[0]).context("no process")?;
    kill_process(pid, Signal::KILL).context("cannot kill it")
}

/// Waits until the pod's container was started again and is ready.
fn again(walk: &Walk<'_>, component: &str, before: &Value) -> Result<()> {
    let restarts = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].as_u64();
    let name = before["metadata"]["name"].as_str().unwrap_or_default();
    walk.node.wait_for("new start", LIMIT, || {
        let now = pod(walk, component, name)?;
        let is_ready = now["status"]["containerStatuses"][0]["ready"] == true;
        Ok((is_ready && restarts(&now) > restarts(before)).then_some(()))
    })
}

/// The kubelet starts it again, and it tells of the time between.
pub fn agent(walk: &mut Walk<'_>) -> Result<()> {
    let before = pod(walk, "agent", "")?;
    kill(walk, &before, "agent")?;
    again(walk, "agent", &before)?;
    walk.connected(true)?;
    reports::read(walk.node, At::Agent, |items| {
        let is_told = { items.iter() }.any(|item| item["gap"]["reason"] == "agent-down");
        ensure!(is_told, "no gap says that the agent was away");
        Ok(())
    })
}

/// Who leads, by pod and by what is new with each start, and for how long without a word.
fn lease(walk: &Walk<'_>) -> Result<(String, String, u64)> {
    let words = [
        "-n",
        "lapwing",
        "get",
        "lease",
        "lapwing-controller",
        "-o",
        "json",
    ];
    let lease: Value = serde_json::from_str(&walk.node.kubectl(&words)?)?;
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
    let pod = holder.split(' ').next().unwrap_or_default();
    ensure!(!pod.is_empty(), "nobody leads");
    let seconds = lease["spec"]["leaseDurationSeconds"].as_u64();
    let seconds = seconds.context("a lease without an end")?;
    Ok((pod.to_owned(), holder.to_owned(), seconds))
}

/// The one that was killed is there again before its lease is over, and may win: as another, which knows nothing.
pub fn leader(walk: &mut Walk<'_>) -> Result<()> {
    let (first, holder, seconds) = lease(walk)?;
    let before = pod(walk, "controller", &first)?;
    let start = Instant::now();
    kill(walk, &before, "controller")?;
    let limit = Duration::from_secs(seconds + LOOKS);
    let next = walk.node.wait_for("other leader", limit, || {
        let (pod, now, _) = lease(walk)?;
        Ok((now != holder).then_some(pod))
    })?;
    let took = start.elapsed().as_secs_f64();
    let who = if next == first {
        "it itself, started anew"
    } else {
        "the other"
    };
    println!("             after {took:.1} s, of a lease of {seconds} s: {who}");
    again(walk, "controller", &before)
}

pub fn api(walk: &mut Walk<'_>) -> Result<()> {
    walk.node.kill(servers::API)?;
    // Long enough for every watch to have noticed.
    std::thread::sleep(Duration::from_secs(5));
    servers::serve(walk.node)?;
    walk.connected(true)
}
