//! A manifest with the advice in it.
//!
//! `kubectl patch` merges by the schemas of the API: objects by their keys, the lists of containers and volumes by
//! `name`, mounts by `mountPath`, and other lists are replaced whole (`patchMergeKey` in `core/v1`). A patch of
//! [`crate::document::patch`] has no other lists of objects than these, so their keys are all that has to be known.

use super::{LIMITS, Wrong};
use lapwing_profile::yaml;
use serde_json::{Map, Value};

/// What the API server writes into an object: with it, an object that was read cannot be applied after another change.
const OF_SERVER: [&str; 6] = [
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];
/// Labels that the API server gives to a Job's pods, by which its selector selects them: a Job that is made anew has
/// others, and one that comes with those of another is refused (`generateSelector` of the registry's `job/strategy.go`).
const OF_JOB: [&str; 4] = [
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
];
/// `kubectl apply` writes it anew.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A manifest, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest(Value);

impl Manifest {
    /// Reads one, and takes out what a server wrote into it.
    ///
    /// # Errors
    /// When it is no object with `apiVersion`, `kind` and `metadata.name`.
    pub fn read(bytes: &[u8]) -> Result<Self, Wrong> {
        let mut object: Value = yaml::read_1_1(bytes, LIMITS).map_err(Wrong::Text)?;
        for (at, name) in [
            ("/apiVersion", "apiVersion"),
            ("/kind", "kind"),
            ("/metadata/name", "metadata.name"),
        ] {
            let text = object.pointer(at).and_then(Value::as_str);
            if text.is_none_or(str::is_empty) {
                return Err(Wrong::Part(name));
            }
        }
        let is_generated =
            object["kind"] == "Job" && object.pointer("/spec/manualSelector") != Some(&true.into());
        let mut without = |at: &str, names: &[&str]| {
            if let Some(Value::Object(map)) = object.pointer_mut(at) {
                map.retain(|key, _| !names.contains(&key.as_str()));
            }
        };
        without("", &["status"]);
        without("/metadata", &OF_SERVER);
        without("/metadata/annotations", &[LAST_APPLIED]);
        if is_generated {
            without("/spec", &["selector"]);
            without("/metadata/labels", &OF_JOB);
            without("/spec/template/metadata/labels", &OF_JOB);
        }
        Ok(Self(object))
    }

    /// With a patch in it, and with a namespace where it names none.
    #[must_use]
    pub fn patched(&self, patch: &Value, namespace: &str) -> Value {
        let mut object = self.0.clone();
        merge(&mut object, patch);
        if !self.names_namespace() && !namespace.is_empty() {
            object["metadata"]["namespace"] = namespace.into();
        }
        object
    }

    /// Whether it names its namespace; else `kubectl` takes its own.
    #[must_use]
    pub fn names_namespace(&self) -> bool {
        let namespace = self.0.pointer("/metadata/namespace");
        namespace
            .and_then(Value::as_str)
            .is_some_and(|name| !name.is_empty())
    }

    /// Whether the API lets nobody change the pod in it once it is made.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        matches!(self.0["kind"].as_str(), Some("Pod" | "Job"))
    }
}

/// The field by which objects of a list are told apart.
fn key_of(list: &str) -> Option<&'static str> {
    match list {
        "containers" | "initContainers" | "volumes" => Some("name"),
        "volumeMounts" => Some("mountPath"),
        _ => None,
    }
}

fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    for (name, new) in fields {
        let old = &mut into[name.as_str()];
        match (key_of(name), &mut *old, new) {
            (Some(key), Value::Array(old), Value::Array(new)) => {
                for new in new {
                    match old.iter_mut().find(|old| old[key] == new[key]) {
                        Some(old) => merge(old, new),
                        None => old.push(new.clone()),
                    }
                }
            }
            _ => merge(old, new),
        }
    }
}
