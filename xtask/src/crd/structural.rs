//! What an API server wants of a schema before it takes a definition: that it is structural, and that
//! all in it has bounds.
//!
//! The rules are those of `apiextensions.k8s.io/v1`: every value has one type, and says so outside of
//! alternatives; `properties` and `additionalProperties` stand in no schema together; there is no
//! `$ref`, and nothing of JSON Schema that is not of OpenAPI v3 as Kubernetes has it; a default is of
//! the type; `metadata` at the top is left alone.

use anyhow::{Result, bail, ensure};
use serde_json::Value;

/// What may stand in a schema, of those that mean something here.
const KEYWORDS: &[&str] = &[
    "type",
    "description",
    "properties",
    "required",
    "items",
    "maxItems",
    "minItems",
    "maxLength",
    "minLength",
    "minimum",
    "maximum",
    "enum",
    "format",
    "pattern",
    "default",
    "x-kubernetes-validations",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
];
/// Formats that an API server knows, of those that are used.
const FORMATS: &[&str] = &["int32", "int64", "date-time"];

/// Says what an API server would refuse in the schema of an object.
pub fn check(object: &Value) -> Result<()> {
    ensure!(object["type"] == "object", "an object is of type object");
    let metadata = &object["properties"]["metadata"];
    ensure!(
        *metadata == serde_json::json!({"type": "object"}),
        "metadata is the API server's: {metadata}"
    );
    for (name, schema) in object["properties"].as_object().into_iter().flatten() {
        // These three are known to it, and need no bounds.
        if !["apiVersion", "kind", "metadata"].contains(&name.as_str()) {
            each(schema, name)?;
        }
    }
    Ok(())
}

fn each(schema: &Value, place: &str) -> Result<()> {
    let Some(map) = schema.as_object() else {
        bail!("{place}: a schema is a mapping, not {schema}");
    };
    if let Some(word) = map.keys().find(|key| !KEYWORDS.contains(&key.as_str())) {
        bail!("{place}: `{word}` has no place in a structural schema");
    }
    let has = |key: &str| map.contains_key(key);
    if let Some(format) = map.get("format").and_then(Value::as_str) {
        ensure!(FORMATS.contains(&format), "{place}: the format {format}");
    }
    let Some(kind) = map.get("type").and_then(Value::as_str) else {
        bail!("{place}: it has no type, or several");
    };
    let fits = match kind {
        "object" => has("properties"),
        "array" => has("items") && has("maxItems"),
        "string" => has("maxLength") || has("enum") || has("format"),
        "integer" => has("format"),
        "boolean" => true,
        other => bail!("{place}: {other} is no type"),
    };
    ensure!(
        fits,
        "{place}: of type {kind}, and without a bound or what it holds"
    );
    for (key, of) in [
        ("properties", "object"),
        ("required", "object"),
        ("items", "array"),
        ("enum", "string"),
    ] {
        ensure!(!has(key) || kind == of, "{place}: {key} of type {kind}");
    }
    if let Some(default) = map.get("default") {
        let is = match kind {
            "object" => default.is_object(),
            "array" => default.is_array(),
            "string" => default.is_string(),
            "integer" => default.is_i64() || default.is_u64(),
            _ => default.is_boolean(),
        };
        ensure!(is, "{place}: the default {default} is not of type {kind}");
    }
    let properties = schema["properties"].as_object();
    for name in schema["required"].as_array().into_iter().flatten() {
        let is_there = name
            .as_str()
            .is_some_and(|name| properties.is_some_and(|all| all.contains_key(name)));
        ensure!(is_there, "{place}: {name} is required, and not there");
    }
    for (name, property) in properties.into_iter().flatten() {
        each(property, &format!("{place}.{name}"))?;
    }
    match map.get("items") {
        Some(items) => each(items, &format!("{place}[]")),
        None => Ok(()),
    }
}
