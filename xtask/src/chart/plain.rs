//! The plain manifests, for clusters without Helm: what the chart makes, without what is Helm's own.

use super::{FILES, Helm, file};
use crate::root;
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Lines that say that Helm looks after an object, or how.
const HELMS: [&str; 3] = [
    "app.kubernetes.io/managed-by:",
    "helm.sh/chart:",
    "annotations: {helm.sh/",
];
const NAMESPACE: &str = "\
# Made from deploy/chart by `cargo xtask chart`; docs/kubernetes.md says what it does.
apiVersion: v1
kind: Namespace
metadata:
  name: lapwing
  labels:
    # The agent sees the processes of its node.
    pod-security.kubernetes.io/enforce: privileged
    pod-security.kubernetes.io/warn: privileged
    pod-security.kubernetes.io/audit: privileged
";

/// One of them.
pub struct Plain {
    name: &'static str,
    has: &'static str,
    has_controller: bool,
}

/// Agents alone: what a node needs.
pub const AGENTS: Plain = Plain {
    name: "kubernetes.yaml",
    has: "the agents alone",
    has_controller: false,
};
/// With the controller, and with the job that makes its certificates and the agents'.
const WHOLE: Plain = Plain {
    name: "kubernetes-controller.yaml",
    has: "agents and the controller",
    has_controller: true,
};

impl Plain {
    /// Where it is kept.
    pub fn path(&self) -> PathBuf {
        root().join("deploy").join(self.name)
    }

    fn text(&self, rendered: &Map<String, Value>) -> String {
        let mut text = format!(
            "# Lapwing in a cluster, without Helm, {}: kubectl apply -f deploy/{}\n{NAMESPACE}",
            self.has, self.name
        );
        for part in FILES.iter().filter_map(|name| file(rendered, name)) {
            text.push_str("---\n");
            for line in part.lines() {
                if !HELMS.iter().any(|label| line.trim().starts_with(label)) {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        text
    }
}

/// All of them as the chart makes them with its own values, besides whether there is a controller.
pub(super) fn all(helm: &Helm) -> Result<Vec<(Plain, String)>> {
    let plains = [AGENTS, WHOLE];
    let values = plains
        .each_ref()
        .map(|plain| json!({"controller": {"enabled": plain.has_controller}}));
    let rendered = helm.render(&values)?.into_iter();
    plains
        .into_iter()
        .zip(rendered)
        .map(|(plain, rendered)| {
            let rendered = rendered
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("the chart is refused for {}", plain.name))?;
            let text = plain.text(&rendered);
            Ok((plain, text))
        })
        .collect()
}
