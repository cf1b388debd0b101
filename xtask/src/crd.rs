//! The CustomResourceDefinitions of profiles, made from the JSON Schemas of their types: of BehaviorProfiles
//! here, of what nodes learn in [`learned`].
//!
//! That schema is itself made from the types that read a profile, and proved fresh by a test of
//! `lapwing-profile`; this is made from it, and proved fresh by a test here. So an API server takes
//! what an agent reads, and neither is written by hand. An API server wants its schemas
//! [structural](structural): no references, a type for every value, and no alternatives.
//!
//! Of a profile's file `spec` alone is in it: what people own. What the file has as `status` is what
//! one node counted, and stays there. No default is declared: what people wrote is what is stored, in
//! git and in the cluster, and the agent reads what is absent as it does in a file.
//!
//! Each text and each list has a bound, so that an API server can tell what a [rule](RULES) costs at
//! most. It refuses a definition with rules that may cost too much.

pub mod learned;
pub mod rules;
pub mod structural;

use crate::root;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::PathBuf;

/// Longest text in characters: a path of 4,096 bytes, each written as `\xNN`.
const TEXT: u64 = 4 * 4_096;
/// Longest part of a workload's name: a name in Kubernetes is no longer.
const NAME: u64 = 253;
/// Parts of a workload's name that each container of a cluster has: without one of them an agent refuses the object.
const NEEDED: &[&str] = &["container", "kind", "name"];
/// Most entries of one kind. An object is at most some 1.5 MiB in the store of the API, which is full
/// sooner.
const ENTRIES: u64 = 10_000;
/// References within each other; none of a profile's is near it.
const DEPTH: usize = 16;

/// The file that the chart reads: `spec` of the definition.
pub fn path() -> PathBuf {
    root().join("deploy/chart/crd/behaviorprofiles.yaml")
}

/// The JSON Schema of a profile's file.
fn schema() -> Result<Value> {
    read("deploy/behavior-profile.schema.json")
}

fn read(file: &str) -> Result<Value> {
    let path = root().join(file);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// The text of the file.
pub fn text() -> Result<String> {
    written(
        "deploy/behavior-profile.schema.json",
        &definition(&schema()?)?,
    )
}

fn written(from: &str, spec: &Value) -> Result<String> {
    let body = serde_saphyr::to_string(spec).context("the definition is no YAML")?;
    Ok(format!(
        "# Made from {from} by `cargo xtask chart`; a test proves it fresh.\n{body}"
    ))
}

/// `spec` of the definition.
pub fn definition(schema: &Value) -> Result<Value> {
    let known = &schema["definitions"];
    let mut spec = convert(&schema["properties"]["spec"], known, DEPTH).context("spec")?;
    rules::put(&mut spec)?;
    bound(&mut spec["properties"]["workload"])?;
    spec["description"] = "What people decide, and what is signed.".into();
    let object = json!({
        "description": "What one container of a workload may do: what it does besides is reported, or learned, by the \
                        agents of Lapwing.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status(),
        },
    });
    structural::check(&object)?;
    rules::check(&object)?;
    Ok(json!({
        "group": "lapwing.dev",
        "scope": "Namespaced",
        "names": {
            "kind": "BehaviorProfile",
            "listKind": "BehaviorProfileList",
            "plural": "behaviorprofiles",
            "singular": "behaviorprofile",
            "shortNames": ["bp"],
            "categories": ["lapwing"],
        },
        "versions": [{
            "name": "v1alpha1",
            "served": true,
            "storage": true,
            "subresources": {"status": {}},
            "additionalPrinterColumns": columns(),
            "schema": {"openAPIV3Schema": object},
        }],
    }))
}

/// Has a workload be one of a cluster.
fn bound(workload: &mut Value) -> Result<()> {
    for (name, part) in workload["properties"]
        .as_object_mut()
        .context("a workload has no parts")?
    {
        part["maxLength"] = NAME.into();
        if NEEDED.contains(&name.as_str()) {
            part["minLength"] = 1.into();
        }
    }
    // A file may leave two of them out, of a workload outside of clusters.
    workload["required"] = json!(NEEDED);
    Ok(())
}

/// What machines say of an object.
fn status() -> Value {
    let text = |most: u64| json!({"type": "string", "maxLength": most});
    let generation = || json!({"type": "integer", "format": "int64", "minimum": 0});
    let count = |what: &str| {
        let most = u32::MAX;
        json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": most, "description": what})
    };
    let mut summary = text(32);
    summary["description"] = "inForce of running, for people.".into();
    let mut observed = generation();
    observed["description"] = "The generation of which this is.".into();
    json!({
        "description": "What the agents of all nodes make of it, as the controller says. Agents write nothing here.",
        "type": "object",
        "properties": {
            "observedGeneration": observed,
            "nodes": {
                "description": "How many nodes.",
                "type": "object",
                "properties": {
                    "summary": summary,
                    "running": count("On which its workload runs."),
                    "inForce": count("Of these: which obey this generation."),
                    "behind": count("Of these: which know another `spec` alone, of an earlier generation or of the same."),
                    "refused": count("Which refuse this generation, be it that its workload runs there or not."),
                },
            },
            "conditions": {
                "description": "InForce: whether all nodes on which its workload runs obey it. Refused: whether any node \
                                refuses it, which, and why.",
                "type": "array",
                "maxItems": 16,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
                "items": {
                    "type": "object",
                    "required": ["type", "status", "lastTransitionTime", "reason", "message"],
                    "properties": {
                        "type": text(316),
                        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                        "observedGeneration": generation(),
                        "lastTransitionTime": {"type": "string", "format": "date-time"},
                        "reason": text(1_024),
                        "message": text(32_768),
                    },
                },
            },
        },
    })
}

/// What `kubectl get` shows. Of the entries no column can tell: it shows the first of a list, and has no way to
/// count.
fn columns() -> Value {
    let column = |name: &str, path: &str| json!({"name": name, "type": "string", "jsonPath": path});
    json!([
        column("Kind", ".spec.workload.kind"),
        column("Workload", ".spec.workload.name"),
        column("Container", ".spec.workload.container"),
        column("Mode", ".spec.mode"),
        column("In force", ".status.nodes.summary"),
        column("Reason", ".status.conditions[?(@.type==\"InForce\")].reason"),
        {"name": "Refused", "type": "integer", "jsonPath": ".status.nodes.refused", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ])
}

/// The same, as an API server wants it.
fn convert(schema: &Value, known: &Value, depth: usize) -> Result<Value> {
    ensure!(depth > 0, "a schema that holds itself: {schema}");
    let map = schema.as_object().context("a schema is no mapping")?;
    let mut out = match inner(map)? {
        Some(inner) => convert(inner, known, depth - 1)?,
        None => match map.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let name = reference.strip_prefix("#/definitions/");
                let found = name.and_then(|name| known.get(name));
                let found = found.with_context(|| format!("{reference} is not there"))?;
                convert(found, known, depth - 1)?
            }
            None => plain(map, known, depth)?,
        },
    };
    if let Some(text) = map.get("description").and_then(Value::as_str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        out["description"] = words.join(" ").into();
    }
    Ok(out)
}

/// The only alternative to being absent, which a value has by not being required.
fn inner(map: &Map<String, Value>) -> Result<Option<&Value>> {
    let Some(all) = map.get("allOf").or_else(|| map.get("anyOf")) else {
        return Ok(None);
    };
    let all = all.as_array().context("alternatives are no list")?;
    let mut real = all.iter().filter(|one| one["type"] != "null");
    match (real.next(), real.next()) {
        (Some(one), None) => Ok(Some(one)),
        _ => bail!("an API server knows no alternatives: {all:?}"),
    }
}

/// A schema that is neither a reference nor around another one.
fn plain(map: &Map<String, Value>, known: &Value, depth: usize) -> Result<Value> {
    if let Some(words) = map.get("oneOf") {
        let words = words.as_array().context("words are no list")?;
        let word = |one: &Value| one["const"].as_str().map(str::to_owned);
        let words: Option<Vec<String>> = words.iter().map(word).collect();
        let words = words.with_context(|| format!("not words alone: {map:?}"))?;
        return Ok(json!({"type": "string", "enum": words}));
    }
    let kind = match &map["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => {
            let mut real = kinds.iter().filter(|kind| *kind != "null");
            let only = real.next().and_then(Value::as_str);
            only.filter(|_| real.next().is_none())
                .with_context(|| format!("several types: {kinds:?}"))?
        }
        other => bail!("no type: {other}"),
    };
    let format = map.get("format").and_then(Value::as_str);
    Ok(match kind {
        "object" => {
            let mut properties = Map::new();
            for (key, property) in map["properties"].as_object().into_iter().flatten() {
                let converted = convert(property, known, depth - 1).context(key.clone())?;
                properties.insert(key.clone(), converted);
            }
            let mut out = json!({"type": "object", "properties": properties});
            if let Some(required) = map.get("required") {
                out["required"] = required.clone();
            }
            out
        }
        "array" => {
            let items = convert(&map["items"], known, depth - 1).context("items")?;
            json!({"type": "array", "maxItems": ENTRIES, "items": items})
        }
        "string" => match map.get("enum") {
            Some(words) => json!({"type": "string", "enum": words}),
            None => {
                let most = map.get("maxLength").and_then(Value::as_u64);
                json!({"type": "string", "maxLength": most.unwrap_or(TEXT)})
            }
        },
        "integer" => {
            let (format, most) = match format {
                Some("uint8") => ("int32", u64::from(u8::MAX)),
                Some("uint32") => ("int64", u64::from(u32::MAX)),
                other => bail!("numbers of another size: {other:?}"),
            };
            json!({"type": "integer", "format": format, "minimum": 0, "maximum": most})
        }
        "boolean" => json!({"type": "boolean"}),
        other => bail!("no API server's type: {other}"),
    })
}

#[cfg(test)]
mod tests;
