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
const MADE: &str =
    "Made from deploy/chart by `cargo xtask chart`; docs/kubernetes.md says what it does.";
const NAMESPACE: &str = "\
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

/// The file of the chart with the definitions of resources.
const DEFINITIONS: &str = "crd";

/// One of them.
pub struct Plain {
    name: &'static str,
    has: &'static str,
    /// Whether there is a controller; none for the definitions of resources, which are the same with and without.
    controller: Option<bool>,
}

/// The definitions of resources. All profiles go with them, so who deletes what another file has keeps these.
pub const CRDS: Plain = Plain {
    name: "kubernetes-crds.yaml",
    has: "the definitions of its resources",
    controller: None,
};
/// Agents alone: what a node needs.
pub const AGENTS: Plain = Plain {
    name: "kubernetes.yaml",
    has: "the agents alone",
    controller: Some(false),
};
/// With the controller, and with the job that makes its certificates and the agents'.
pub const WHOLE: Plain = Plain {
    name: "kubernetes-controller.yaml",
    has: "agents and the controller",
    controller: Some(true),
};

impl Plain {
    /// Where it is kept.
    pub fn path(&self) -> PathBuf {
        root().join("deploy").join(self.name)
    }

    fn text(&self, rendered: &Map<String, Value>) -> String {
        let mut text = format!(
            "# Lapwing in a cluster, without Helm, {}:\n# {}\n# {MADE}\n",
            self.has,
            self.applied()
        );
        let mut parts = Vec::new();
        if self.controller.is_some() {
            parts.push(NAMESPACE);
        }
        let of_it = |name: &&&str| (**name == DEFINITIONS) == self.controller.is_none();
        let files = FILES.iter().filter(of_it);
        parts.extend(files.filter_map(|name| file(rendered, name)));
        for (number, part) in parts.into_iter().enumerate() {
            if number > 0 {
                text.push_str("---\n");
            }
            for line in part.lines() {
                if !HELMS.iter().any(|label| line.trim().starts_with(label)) {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        text
    }

    /// How it is applied.
    fn applied(&self) -> String {
        match self.controller {
            None => format!(
                "kubectl delete -f deploy/{} deletes every profile of the cluster.",
                self.name
            ),
            Some(_) => format!(
                "kubectl apply -f deploy/{} -f deploy/{}",
                CRDS.name, self.name
            ),
        }
    }
}

/// All of them as the chart makes them with its own values, besides whether there is a controller.
pub(super) fn all(helm: &Helm) -> Result<Vec<(Plain, String)>> {
    let plains = [CRDS, AGENTS, WHOLE];
    let values = plains
        .each_ref()
        .map(|plain| json!({"controller": {"enabled": plain.controller == Some(true)}}));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind and name of all objects of a file.
    fn objects(plain: &Plain) -> Vec<String> {
        let text = std::fs::read_to_string(plain.path()).unwrap();
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let named = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
        objects.iter().map(named).collect()
    }

    #[test]
    fn who_deletes_a_manifest_keeps_the_profiles() {
        let is_definition = |object: &String| object.contains("CustomResourceDefinition");
        let definitions = objects(&CRDS);
        assert_eq!(definitions.len(), 2, "{definitions:?}");
        assert!(definitions.iter().all(is_definition), "{definitions:?}");
        for plain in [AGENTS, WHOLE] {
            let all = objects(&plain);
            assert!(!all.iter().any(is_definition), "{all:?}");
            assert!(all.iter().any(|object| object.contains("DaemonSet")));
            assert_eq!(all[0], "\"Namespace\" \"lapwing\"");
        }
    }

    /// A number that begins with 0 is octal to kubectl, which reads YAML 1.1, and decimal to who reads 1.2, as
    /// [`serde_saphyr`] does: the proof of a cluster would mount another mode than people do.
    #[test]
    fn no_number_is_read_in_two_ways() {
        let is_octal = |word: &str| {
            word.strip_prefix('0').is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|one| one.is_ascii_digit())
            })
        };
        for plain in [CRDS, AGENTS, WHOLE] {
            let text = std::fs::read_to_string(plain.path()).unwrap();
            let values = text.lines().filter_map(|line| line.split_once(": "));
            let found: Vec<_> = values
                .filter(|(key, value)| !key.contains('#') && is_octal(value.trim()))
                .collect();
            assert!(found.is_empty(), "{}: {found:?}", plain.name);
        }
        let text = std::fs::read_to_string(WHOLE.path()).unwrap();
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        for (kind, mode) in [("DaemonSet", 0o400), ("Deployment", 0o440)] {
            let pod = { objects.iter().find(|one| one["kind"] == kind) }.unwrap();
            let volumes = pod["spec"]["template"]["spec"]["volumes"].as_array();
            let tls = { volumes.unwrap().iter() }.find(|one| one["name"] == "tls");
            assert_eq!(
                tls.unwrap()["secret"]["defaultMode"].as_u64(),
                Some(mode),
                "{kind}"
            );
        }
    }
}
