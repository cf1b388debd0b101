//! What is read of pods and of their owners: of a pod's some thirtieth, and nothing else is kept or even
//! parsed into memory.

use crate::container::commands::{Commands, expanded};
use crate::container::workload::{clean, names_workload};
use crate::kubernetes::object::absent;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// A pod.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Pod {
    pub metadata: Meta,
    #[serde(deserialize_with = "absent")]
    pub spec: Spec,
    #[serde(deserialize_with = "absent")]
    pub status: Status,
}

/// What every object has.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    pub name: String,
    /// Not empty: the name was made from it by a machine.
    #[serde(deserialize_with = "absent")]
    pub generate_name: String,
    pub namespace: String,
    pub uid: String,
    #[serde(deserialize_with = "absent")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "absent")]
    pub annotations: HashMap<String, String>,
    #[serde(deserialize_with = "absent")]
    pub owner_references: Vec<Reference>,
}

/// Whose an object says that it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, Hash)]
#[serde(default, rename_all = "camelCase")]
pub struct Reference {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub uid: String,
    #[serde(deserialize_with = "absent")]
    pub controller: bool,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "absent")]
    pub containers: Vec<Container>,
    #[serde(deserialize_with = "absent")]
    pub init_containers: Vec<Container>,
    #[serde(deserialize_with = "absent")]
    pub ephemeral_containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    pub name: String,
    #[serde(deserialize_with = "absent")]
    pub image: String,
    /// `Always`, of an init container, makes a sidecar of it.
    #[serde(deserialize_with = "absent")]
    pub restart_policy: String,
    #[serde(deserialize_with = "absent")]
    pub env: Vec<Variable>,
    #[serde(deserialize_with = "absent")]
    pub liveness_probe: Handler,
    #[serde(deserialize_with = "absent")]
    pub readiness_probe: Handler,
    #[serde(deserialize_with = "absent")]
    pub startup_probe: Handler,
    #[serde(deserialize_with = "absent")]
    pub lifecycle: Lifecycle,
    /// What is kept of the five above.
    #[serde(skip)]
    pub commands: Commands,
}

/// A variable of a container.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Variable {
    pub name: String,
    /// Empty where it comes from elsewhere.
    #[serde(deserialize_with = "absent")]
    pub value: String,
}

/// When a container is entered besides.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
pub struct Lifecycle {
    #[serde(deserialize_with = "absent")]
    pub post_start: Handler,
    #[serde(deserialize_with = "absent")]
    pub pre_stop: Handler,
}

/// What a probe or a hook does; nothing but a command enters the container.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Handler {
    #[serde(deserialize_with = "absent")]
    pub exec: Action,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Action {
    #[serde(deserialize_with = "absent")]
    pub command: Vec<String>,
}

impl Container {
    /// Keeps of probes, hooks and variables the commands that they come to. `room` is what is left for
    /// them in the pod, in bytes.
    pub fn keep_commands(&mut self, room: &mut usize) {
        let env = std::mem::take(&mut self.env);
        let values: HashMap<&str, &str> = { env.iter() }
            .map(|one| (one.name.as_str(), one.value.as_str()))
            .collect();
        let probes = [
            &mut self.liveness_probe,
            &mut self.readiness_probe,
            &mut self.startup_probe,
        ];
        let probes = probes.map(|one| {
            let mut command = std::mem::take(one).exec.command;
            for text in &mut command {
                *text = expanded(text, |name| values.get(name).copied());
            }
            command
        });
        let Lifecycle {
            post_start,
            pre_stop,
        } = std::mem::take(&mut self.lifecycle);
        let hooks = [post_start, pre_stop].map(|one| one.exec.command);
        let commands = Commands::new(probes.into_iter().chain(hooks), room);
        self.commands = match values.get("PATH") {
            Some(path) => commands.found_in(path, room),
            None => commands,
        };
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "absent")]
    pub container_statuses: Vec<Ran>,
    #[serde(deserialize_with = "absent")]
    pub init_container_statuses: Vec<Ran>,
    #[serde(deserialize_with = "absent")]
    pub ephemeral_container_statuses: Vec<Ran>,
}

/// What became of a container.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Ran {
    pub name: String,
    /// As `containerd://` and the id; empty until it was made.
    #[serde(rename = "containerID", deserialize_with = "absent")]
    pub container_id: String,
    /// What the image was resolved to.
    #[serde(rename = "imageID", deserialize_with = "absent")]
    pub image_id: String,
    #[serde(rename = "lastState", deserialize_with = "absent")]
    pub last_state: LastState,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct LastState {
    #[serde(deserialize_with = "absent")]
    pub terminated: Terminated,
}

/// The one before, of which records may still come.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Terminated {
    #[serde(rename = "containerID", deserialize_with = "absent")]
    pub container_id: String,
}

/// An object that owns others.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Owner {
    pub metadata: Meta,
    #[serde(deserialize_with = "absent")]
    pub spec: OwnerSpec,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct OwnerSpec {
    /// Which objects are its: as labels alone, or labels and expressions.
    #[serde(deserialize_with = "absent")]
    pub selector: BTreeMap<String, serde_json::Value>,
}

impl Meta {
    /// Whose it says that it is: the one that is marked so.
    pub fn controller(&self) -> Option<&Reference> {
        self.owner_references.iter().find(|one| one.controller)
    }

    /// Those labels and annotations that name the workload, labels first.
    pub fn naming(&self) -> BTreeMap<String, String> {
        let mut kept = BTreeMap::new();
        for (key, value) in self.labels.iter().chain(&self.annotations) {
            if names_workload(key) {
                kept.entry(key.clone()).or_insert_with(|| clean(value));
            }
        }
        kept
    }
}

impl Owner {
    /// Whether its selector takes an object with these labels; `None` where it has no selector.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> Option<bool> {
        let selector = &self.spec.selector;
        if selector.is_empty() {
            return None;
        }
        let has = |key: &str, value: &serde_json::Value| {
            value.is_string() && labels.get(key).map(String::as_str) == value.as_str()
        };
        let is_whole =
            selector.contains_key("matchLabels") || selector.contains_key("matchExpressions");
        if !is_whole {
            // As of a ReplicationController.
            return Some(selector.iter().all(|(key, value)| has(key, value)));
        }
        let matches = match selector.get("matchLabels") {
            None | Some(serde_json::Value::Null) => true,
            Some(wanted) => (wanted.as_object())
                .is_some_and(|wanted| wanted.iter().all(|(key, value)| has(key, value))),
        };
        let expressed = match selector.get("matchExpressions") {
            None | Some(serde_json::Value::Null) => true,
            Some(list) => (list.as_array())
                .is_some_and(|list| list.iter().all(|one| is_expressed(one, labels))),
        };
        Some(matches && expressed)
    }
}

/// Whether labels are as an expression wants them; what is not known is not so.
fn is_expressed(expression: &serde_json::Value, labels: &BTreeMap<String, String>) -> bool {
    let text = |key: &str| expression.get(key).and_then(serde_json::Value::as_str);
    let (Some(key), Some(operator)) = (text("key"), text("operator")) else {
        return false;
    };
    let is_among = |value: &String| {
        let values = expression.get("values").and_then(|list| list.as_array());
        values.is_some_and(|list| list.iter().any(|one| one.as_str() == Some(value)))
    };
    let value = labels.get(key);
    match operator {
        "In" => value.is_some_and(is_among),
        "NotIn" => !value.is_some_and(is_among),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_as_the_api_reads_them() {
        let labels: BTreeMap<String, String> = [("app", "web"), ("tier", "front")]
            .map(|(key, value)| (key.into(), value.into()))
            .into();
        for (selector, expected) in [
            (r#"{}"#, None),
            (r#"{"app":"web"}"#, Some(true)),
            (r#"{"app":"db"}"#, Some(false)),
            (
                r#"{"matchLabels":{"app":"web","tier":"front"}}"#,
                Some(true),
            ),
            (r#"{"matchLabels":{"app":"web","x":"y"}}"#, Some(false)),
            (
                r#"{"matchLabels":null,"matchExpressions":[{"key":"app","operator":"In","values":["a","web"]}]}"#,
                Some(true),
            ),
            (
                r#"{"matchExpressions":[{"key":"app","operator":"NotIn","values":["web"]}]}"#,
                Some(false),
            ),
            (
                r#"{"matchExpressions":[{"key":"x","operator":"NotIn","values":["web"]}]}"#,
                Some(true),
            ),
            (
                r#"{"matchExpressions":[{"key":"x","operator":"Exists"}]}"#,
                Some(false),
            ),
            (
                r#"{"matchExpressions":[{"key":"x","operator":"DoesNotExist"}]}"#,
                Some(true),
            ),
            (
                r#"{"matchExpressions":[{"key":"app","operator":"Likes","values":["web"]}]}"#,
                Some(false),
            ),
            (r#"{"matchLabels":{"app":7}}"#, Some(false)),
        ] {
            let owner: Owner =
                serde_json::from_str(&format!(r#"{{"spec":{{"selector":{selector}}}}}"#)).unwrap();
            assert_eq!(owner.selects(&labels), expected, "{selector}");
        }
    }

    #[test]
    fn null_and_absent_are_the_same() {
        let text = r#"{"metadata":{"name":"a","labels":null,"ownerReferences":null},
            "spec":{"containers":null},"status":{"containerStatuses":[{"name":"b","lastState":{}}]}}"#;
        let pod: Pod = serde_json::from_str(text).unwrap();
        assert_eq!(
            (&*pod.metadata.name, pod.metadata.controller()),
            ("a", None)
        );
        assert_eq!(pod.status.container_statuses[0].container_id, "");
        for text in ["{}", r#"{"spec":null,"status":null}"#] {
            assert_eq!(serde_json::from_str::<Pod>(text).unwrap(), Pod::default());
        }
    }
}
