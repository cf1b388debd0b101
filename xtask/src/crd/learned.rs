//! The definition of LearnedProfiles: what the controller writes, and machines own.

use super::{bound, convert, read, structural, written};
use crate::root;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

const SCHEMA: &str = "deploy/learned-profile.schema.json";
/// References within each other.
const DEPTH: usize = 16;

/// The file that the chart reads: `spec` of the definition.
pub fn path() -> PathBuf {
    root().join("deploy/chart/crd/learnedprofiles.yaml")
}

/// The text of the file.
pub fn text() -> Result<String> {
    written(SCHEMA, &definition(&read(SCHEMA)?)?)
}

/// `spec` of the definition.
pub fn definition(schema: &Value) -> Result<Value> {
    let known = &schema["definitions"];
    let part =
        |name: &str| convert(&schema["properties"][name], known, DEPTH).context(name.to_owned());
    let (mut spec, mut status) = (part("spec")?, part("status")?);
    let workload = &mut spec["properties"]["workload"];
    bound(workload)?;
    workload["x-kubernetes-validations"] = json!([{
        "rule": "self == oldSelf",
        "message": "a LearnedProfile is of one workload for good",
    }]);
    let conditions = &mut status["properties"]["conditions"];
    conditions["maxItems"] = 16.into();
    conditions["x-kubernetes-list-type"] = "map".into();
    conditions["x-kubernetes-list-map-keys"] = json!(["type"]);
    conditions["items"]["properties"]["lastTransitionTime"] =
        json!({"type": "string", "format": "date-time", "description": "Since when."});
    let object = json!({
        "description": "What all nodes learned of one container of a workload. The controller of Lapwing writes \
                        it: review status.profile, and apply that.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    });
    structural::check(&object)?;
    let column =
        |name: &str, kind: &str, path: &str| json!({"name": name, "type": kind, "jsonPath": path});
    let wide = |name: &str, kind: &str, path: &str| json!({"name": name, "type": kind, "jsonPath": path, "priority": 1});
    Ok(json!({
        "group": "lapwing.dev",
        "scope": "Namespaced",
        "names": {
            "kind": "LearnedProfile",
            "listKind": "LearnedProfileList",
            "plural": "learnedprofiles",
            "singular": "learnedprofile",
            "shortNames": ["lp"],
            "categories": ["lapwing"],
        },
        "versions": [{
            "name": "v1alpha1",
            "served": true,
            "storage": true,
            "subresources": {"status": {}},
            "additionalPrinterColumns": [
                wide("Kind", "string", ".spec.workload.kind"),
                column("Workload", "string", ".spec.workload.name"),
                wide("Container", "string", ".spec.workload.container"),
                column("Phase", "string", ".status.phase"),
                column("Nodes", "integer", ".status.nodes"),
                column("Instances", "integer", ".status.instances"),
                column("Coverage", "string", ".status.coverage"),
                column("Behaviours", "integer", ".status.behaviours"),
                wide("Pending", "integer", ".status.pending"),
                column("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
                {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
            ],
            "schema": {"openAPIV3Schema": object},
        }],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_committed_definition_is_fresh() {
        let committed = fs::read_to_string(path()).unwrap_or_default();
        assert!(
            committed == text().unwrap(),
            "{} is stale: run cargo xtask chart",
            path().display()
        );
    }

    #[test]
    fn an_api_server_takes_what_the_controller_writes_and_refuses_what_is_none() {
        let definition = definition(&read(SCHEMA).unwrap()).unwrap();
        let schema = &definition["versions"][0]["schema"]["openAPIV3Schema"];
        let takes = |object: &Value| jsonschema::draft7::new(schema).unwrap().is_valid(object);
        let good = json!({
            "spec": {"workload": {"namespace": "shop", "kind": "Deployment", "name": "web", "container": "app"}},
            "status": {"phase": "Ready", "nodes": 3, "coverage": "0.993", "images": [],
                "conditions": [{"type": "Ready", "status": "True", "reason": "EvidenceComplete", "message": "",
                    "lastTransitionTime": "2026-11-27T10:00:00Z"}],
                "profile": "x".repeat(900_000), "evidence": "x".repeat(90_000)},
        });
        assert!(takes(&good));
        for (pointer, wrong) in [
            ("/spec/workload/container", json!("")),
            ("/spec/workload/name", json!("x".repeat(254))),
            ("/status/phase", json!("Done")),
            ("/status/nodes", json!(-1)),
            ("/status/profile", json!("x".repeat(1_000_001))),
            ("/status/conditions/0/status", json!("Yes")),
        ] {
            let mut object = good.clone();
            *object.pointer_mut(pointer).unwrap() = wrong;
            assert!(!takes(&object), "{pointer}");
        }
        // Each column has its value.
        let columns = definition["versions"][0]["additionalPrinterColumns"]
            .as_array()
            .unwrap();
        for column in columns {
            let path = column["jsonPath"].as_str().unwrap();
            let plain = path.split('[').next().unwrap();
            let mut at = schema;
            for part in plain
                .trim_start_matches('.')
                .split('.')
                .filter(|_| !path.starts_with(".metadata"))
            {
                at = &at["properties"][part];
                assert!(at.is_object(), "{path}");
            }
        }
    }
}
