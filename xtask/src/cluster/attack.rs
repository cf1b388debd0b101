//! Somebody enters the workload's container by `kubectl exec`, and what has to be reported of it.

use super::node::{NAME, Node};
use super::reports::{self, At, Wanted};
use super::walk::IMAGE;
use crate::image::rfc3339;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The pod that is attacked.
pub struct Pod {
    pub name: String,
    uid: String,
    container: String,
}

pub struct Attack {
    /// When it began, as reports have it, in whole seconds.
    start: String,
    wanted: Vec<Wanted>,
}

/// The workload's pod that is not on its way out.
pub fn pod(node: &Node) -> Result<Pod> {
    let words = ["-n", "shop", "get", "pods", "-l", "app=web", "-o", "json"];
    let list: Value = serde_json::from_str(&node.kubectl(&words)?)?;
    let mut pods = list["items"].as_array().into_iter().flatten();
    let pod = pods.find(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    let pod = pod.context("the workload has no pod")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let id = text(&pod["status"]["containerStatuses"][0]["containerID"]);
    Ok(Pod {
        name: text(&pod["metadata"]["name"]),
        uid: text(&pod["metadata"]["uid"]),
        container: id.trim_start_matches("containerd://").to_owned(),
    })
}

/// Attacks; each leaves a file of its own.
pub fn run(node: &Node, number: u32) -> Result<Attack> {
    let pod = pod(node)?;
    let file = format!("/tmp/mine-{number}");
    let line = format!("echo > {file}; cat /etc/shadow");
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let start = rfc3339(now.as_secs());
    let words = ["-n", "shop", "exec", &pod.name, "--", "sh", "-c", &line];
    let said = node.kubectl(&words)?;
    ensure!(said.starts_with("root:"), "the attack read nothing: {said}");
    Ok(Attack {
        start: start.trim_end_matches('Z').to_owned(),
        wanted: wanted(&pod, &file, &line),
    })
}

/// What is to be reported: the shell, the file that it leaves, the program that it starts, and what that reads.
fn wanted(pod: &Pod, file: &str, line: &str) -> Vec<Wanted> {
    let common = || -> Wanted {
        vec![
            ("/node", json!(NAME)),
            ("/cluster", json!("")),
            ("/mode", json!("MONITORING")),
            ("/workload/namespace", json!("shop")),
            ("/workload/kind", json!("Deployment")),
            ("/workload/name", json!("web")),
            ("/workload/container", json!("web")),
            ("/container/id", json!(pod.container)),
            ("/container/name", json!("web")),
            ("/container/image", json!(IMAGE)),
            ("/container/pod", json!(pod.name)),
            ("/container/podUid", json!(pod.uid)),
            ("/container/podNamespace", json!("shop")),
            ("/process/exe", json!("/bin/busybox")),
            ("/process/phase", json!("EXEC")),
            ("/process/uid", json!(0)),
        ]
    };
    let with = |fields: Wanted| [common(), fields].concat();
    let exec = |name: &str, parent: &str| {
        with(vec![
            ("/rule", json!("exec.unknown")),
            ("/severity", json!("HIGH")),
            ("/exec/path", json!("/bin/busybox")),
            ("/exec/name", json!(name)),
            ("/exec/parent", json!(parent)),
            ("/exec/origin", json!("IMAGE")),
        ])
    };
    vec![
        exec("sh", "runtime"),
        with(vec![
            ("/rule", json!("file.unknown")),
            ("/severity", json!("MEDIUM")),
            ("/process/args", json!(["sh", "-c", line])),
            ("/file/operation", json!("CREATE")),
            ("/file/path", json!(file)),
            ("/file/mount", json!("IMAGE")),
        ]),
        exec("cat", "/bin/busybox"),
        with(vec![
            ("/rule", json!("file.credential")),
            ("/severity", json!("HIGH")),
            ("/process/args", json!(["cat", "/etc/shadow"])),
            ("/file/operation", json!("OPEN_READ")),
            ("/file/path", json!("/etc/shadow")),
        ]),
    ]
}

impl Attack {
    /// Waits until all of it is reported.
    pub fn seen(&self, node: &Node, at: At<'_>) -> Result<()> {
        reports::read(node, at, |items| {
            self.wanted.iter().try_for_each(|one| {
                let of = |place| {
                    one.iter()
                        .find(|(key, _)| *key == place)
                        .map(|(_, value)| value)
                };
                reports::find(items, one, &self.start).with_context(|| format!("{:?}", of("/rule")))
            })
        })
    }
}
