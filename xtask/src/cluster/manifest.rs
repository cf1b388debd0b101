//! What of the plain manifest an old API needs otherwise, and this machine: all that the proof changes, in one place.

use crate::chart::plain::{CRDS, WHOLE};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Groups that came later than Kubernetes 1.20, and what there was before, with the same fields as far as the chart has
/// them.
const OLDER: &[(&str, &str, &str)] = &[
    ("CronJob", "batch/v1", "batch/v1beta1"),
    ("PodDisruptionBudget", "policy/v1", "policy/v1beta1"),
];
/// The group of kinds that 1.20 has nothing like.
const NEWER: &str = "admissionregistration.k8s.io/v1";
const NEWER_KINDS: &[&str] = &[
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];
/// Fields that it does not know, and kubectl refuses: rules in CEL, AppArmor as a field, and more pods than one during an
/// update.
const NEWER_FIELDS: &[(&str, &str)] = &[
    ("CustomResourceDefinition", "x-kubernetes-validations"),
    ("DaemonSet", "appArmorProfile"),
    ("DaemonSet", "rollingUpdate"),
];
const AGENT: &str = "lapwing-agent";

/// What this machine needs otherwise than a node that is a cluster's alone.
pub struct Place<'p> {
    /// The cgroup of the cluster's pods: all else of the machine is left alone.
    pub scope: &'p str,
    /// Where that is in cgroup v2.
    pub unified: Option<&'p Path>,
    /// The folder with the runtime's socket, where the agent is to have it.
    pub runtime: Option<&'p Path>,
}

/// The objects to apply, as a list, and what was changed of them, a line each.
fn adapted(place: &Place<'_>) -> Result<(Value, Vec<String>)> {
    let mut objects = Vec::new();
    for plain in [CRDS, WHOLE] {
        let file = plain.path();
        let text = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
        let read = serde_saphyr::from_multiple::<Value>(&text);
        objects.extend(read.with_context(|| file.display().to_string())?);
    }
    adapt(objects, place)
}

fn adapt(objects: Vec<Value>, place: &Place<'_>) -> Result<(Value, Vec<String>)> {
    let before = objects.len();
    let is_newer = |object: &Value| {
        object["apiVersion"] == NEWER && NEWER_KINDS.iter().any(|kind| object["kind"] == *kind)
    };
    let mut objects: Vec<Value> = { objects.into_iter() }
        .filter(|object| !is_newer(object))
        .collect();
    let left_out = before - objects.len();
    let mut changes = vec![format!(
        "left out: {left_out} of {}",
        NEWER_KINDS.join(", ")
    )];
    for object in &mut objects {
        for (kind, new, old) in OLDER {
            if object["kind"] == *kind && object["apiVersion"] == *new {
                object["apiVersion"] = json!(old);
                changes.push(format!("{kind}: {old}, and not {new}"));
            }
        }
    }
    for (kind, field) in NEWER_FIELDS {
        let of_kind = objects.iter_mut().filter(|object| object["kind"] == *kind);
        let removed: usize = of_kind.map(|object| remove(object, field)).sum();
        changes.push(format!("{kind}: {field} left out, {removed} times"));
    }
    let config = find(&mut objects, "ConfigMap")?;
    let text = &mut config["data"]["lapwing.yaml"];
    let mut parsed: Value = serde_saphyr::from_str(text.as_str().context("no configuration")?)?;
    let cgroups = match place.unified {
        Some(unified) => json!({"scope": [place.scope], "egress": unified}),
        None => json!({"scope": [place.scope]}),
    };
    changes.push(format!("agent's configuration: cgroups: {cgroups}"));
    parsed["cgroups"] = cgroups;
    *text = json!(parsed.to_string());
    if let Some(runtime) = place.runtime {
        let pod = &mut find(&mut objects, "DaemonSet")?["spec"]["template"]["spec"];
        push(
            &mut pod["volumes"],
            json!({"name": "runtime", "hostPath": {"path": runtime, "type": "Directory"}}),
        )?;
        let mount = json!({"name": "runtime", "mountPath": "/run/containerd"});
        push(&mut pod["containers"][0]["volumeMounts"], mount)?;
        changes.push("agent's pod: the runtime's socket mounted at /run/containerd".to_owned());
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    Ok((list, changes))
}

/// Removes a field wherever it is. Answers how often it was there.
fn remove(value: &mut Value, field: &str) -> usize {
    match value {
        Value::Object(fields) => {
            let here = usize::from(fields.remove(field).is_some());
            here + { fields.values_mut() }
                .map(|value| remove(value, field))
                .sum::<usize>()
        }
        Value::Array(items) => items.iter_mut().map(|item| remove(item, field)).sum(),
        _ => 0,
    }
}

fn find<'o>(objects: &'o mut [Value], kind: &str) -> Result<&'o mut Value> {
    { objects.iter_mut() }
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == AGENT)
        .with_context(|| format!("the manifest has no {kind} {AGENT}"))
}

fn push(list: &mut Value, item: Value) -> Result<()> {
    let list = list.as_array_mut().context("no list in the manifest")?;
    ensure!(
        list.iter().all(|other| other["name"] != item["name"]),
        "the manifest has {} already",
        item["name"]
    );
    list.push(item);
    Ok(())
}

/// Writes the list. Answers what was changed.
pub fn write(place: &Place<'_>, to: &Path) -> Result<Vec<String>> {
    let (list, changes) = adapted(place)?;
    fs::write(to, list.to_string())?;
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place {
        scope: "/mine",
        unified: None,
        runtime: None,
    };

    fn of<'l>(list: &'l Value, kind: &str, name: &str) -> Option<&'l Value> {
        { list["items"].as_array().unwrap().iter() }
            .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
    }

    #[test]
    fn an_old_api_gets_the_kinds_and_groups_that_it_has() {
        let (list, changes) = adapted(&PLACE).unwrap();
        let text = list.to_string();
        for word in [
            "ValidatingAdmissionPolicy",
            "\"policy/v1\"",
            "x-kubernetes-val",
        ] {
            assert!(!text.contains(word), "{word}");
        }
        let job = of(&list, "CronJob", "lapwing-certificates").unwrap();
        assert_eq!(job["apiVersion"], "batch/v1beta1");
        let jobs = list["items"].as_array().unwrap().iter();
        let jobs: Vec<_> = jobs.filter(|object| object["kind"] == "Job").collect();
        assert!(!jobs.is_empty() && jobs.iter().all(|job| job["apiVersion"] == "batch/v1"));
        assert_eq!(changes.len(), 7, "{changes:#?}");
        let is_idle = |change: &&String| change.ends_with(" 0 times");
        assert_eq!(changes.iter().find(is_idle), None, "nothing to leave out");
        assert!(changes[0].starts_with("left out: 6 "), "{changes:#?}");
    }

    #[test]
    fn the_agent_is_told_where_to_look_and_keeps_the_rest() {
        let unified = Path::new("/sys/fs/cgroup/unified/mine");
        let place = Place {
            unified: Some(unified),
            runtime: Some(Path::new("/node/cri")),
            ..PLACE
        };
        let (list, _) = adapted(&place).unwrap();
        let config = of(&list, "ConfigMap", AGENT).unwrap();
        let text = config["data"]["lapwing.yaml"].as_str().unwrap();
        let config: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(
            config["cgroups"],
            json!({"scope": ["/mine"], "egress": unified})
        );
        assert_eq!(config["profiles"]["namespaces"], "auto");
        let pod = &of(&list, "DaemonSet", AGENT).unwrap()["spec"]["template"]["spec"];
        let names = |list: &Value| -> Vec<Value> {
            let all = list.as_array().unwrap().iter();
            all.map(|one| one["name"].clone()).collect()
        };
        assert!(names(&pod["volumes"]).contains(&json!("runtime")));
        assert!(names(&pod["containers"][0]["volumeMounts"]).contains(&json!("runtime")));
        assert!(
            !adapted(&PLACE)
                .unwrap()
                .0
                .to_string()
                .contains("\"runtime\"")
        );
    }

    #[test]
    fn a_manifest_without_the_agent_is_no_manifest() {
        let error = adapt(Vec::new(), &PLACE).unwrap_err().to_string();
        assert!(error.contains("no ConfigMap lapwing-agent"), "{error}");
    }
}
