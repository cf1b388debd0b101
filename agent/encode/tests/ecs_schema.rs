//! Every kind of item as a document for Elasticsearch, held against the published fields of ECS.
//!
//! Each field is one that ECS has, of its type, with values that ECS allows; what ECS has no field for
//! stands under `lapwing`. There, and everywhere, a field has one type in all documents, for an
//! index that has taken the one type refuses documents with another. `cargo xtask setup`
//! fetches the fields.

mod common;

use common::published;
use lapwing_encode::{ECS_VERSION, Encoding};
use lapwing_proto::v1::WatchResponse;
use regex::Regex;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const NAME: &str = "every_document_has_fields_of_the_published_schema";
/// The one namespace of what ECS has no field for.
const OWN: &str = "lapwing";

fn main() -> ExitCode {
    let folder = std::env::var_os("LAPWING_ECS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/ecs-{ECS_VERSION}")),
        PathBuf::from,
    );
    let file = folder.join("fields.json");
    published::main(NAME, &file, || check(&file))
}

/// Fields by their whole names.
struct Schema(Map<String, Value>);

impl Schema {
    fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let mut all: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if all["version"] != ECS_VERSION {
            return Err(format!("these are fields of {}", all["version"]));
        }
        match all["fields"].take() {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err("no fields".to_owned()),
        }
    }

    /// Whether there are fields below.
    fn is_above(&self, path: &str) -> bool {
        let start = format!("{path}.");
        self.0.keys().any(|name| name.starts_with(&start))
    }

    /// Every complaint about a document, by the field.
    fn complaints(&self, document: &Value) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for (name, _) in self.0.iter().filter(|(_, it)| it["required"] == true) {
            if document
                .pointer(&format!("/{}", name.replace('.', "/")))
                .is_none()
            {
                out.push((name.clone(), "is required".to_owned()));
            }
        }
        self.object("", document, &mut out);
        if let Err(text) = self.categories(document) {
            out.push(("event.type".to_owned(), text));
        }
        out
    }

    fn object(&self, path: &str, value: &Value, out: &mut Vec<(String, String)>) {
        let Some(fields) = value.as_object() else {
            out.push((path.to_owned(), format!("{value} is no object")));
            return;
        };
        for (key, value) in fields {
            let path = match path {
                "" if key == OWN => continue,
                "" => key.clone(),
                _ => format!("{path}.{key}"),
            };
            let Some(field) = self.0.get(&path) else {
                if key.contains('.') || !self.is_above(&path) {
                    out.push((path, "is no field of ECS".to_owned()));
                } else {
                    self.object(&path, value, out);
                }
                continue;
            };
            // One that may have several values always is a list of them.
            let values = match (field["array"] == true, value) {
                (true, Value::Array(values)) => values.as_slice(),
                (false, Value::Array(_)) | (true, _) => {
                    out.push((path, format!("{value}: a list, or none")));
                    continue;
                }
                (false, one) => std::slice::from_ref(one),
            };
            for value in values {
                if let Err(text) = fits(field, value) {
                    out.push((path.clone(), text));
                } else if value.is_object() && self.is_above(&path) {
                    self.object(&path, value, out);
                }
            }
        }
    }

    /// Each category of an event says which types it may have.
    fn categories(&self, document: &Value) -> Result<(), String> {
        let list = |name: &str| {
            let list = document["event"][name].as_array();
            list.filter(|list| !list.is_empty())
                .ok_or_else(|| format!("event.{name} is empty"))
        };
        let (categories, types) = (list("category")?, list("type")?);
        for category in categories.iter().filter_map(Value::as_str) {
            let expected = &self.0["event.category"]["types"][category];
            let expected = expected.as_array().ok_or("a category without types")?;
            if let Some(other) = types.iter().find(|one| !expected.contains(one)) {
                return Err(format!("{other} is no type of the category {category}"));
            }
        }
        Ok(())
    }
}

/// Whether a value is one of this field.
fn fits(field: &Value, value: &Value) -> Result<(), String> {
    let kind = field["type"].as_str().unwrap_or_default();
    let text = value.as_str();
    let right = match kind {
        "keyword" | "constant_keyword" | "wildcard" | "match_only_text" => {
            text.is_some_and(|text| !text.is_empty())
        }
        "date" => text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        "ip" => text.is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        "long" => value.is_i64(),
        "integer" => value.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
        "float" | "double" | "scaled_float" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" | "nested" | "flattened" => value.is_object(),
        _ => return Err(format!("the type {kind} is not known here")),
    };
    if !right {
        return Err(format!("{value} is no {kind}"));
    }
    if let Some(values) = field["values"].as_array()
        && !values.contains(value)
    {
        return Err(format!("{value} is not one of {values:?}"));
    }
    if let Some(pattern) = field["pattern"].as_str() {
        let pattern = Regex::new(pattern).map_err(|error| error.to_string())?;
        if !pattern.is_match(text.unwrap_or_default()) {
            return Err(format!("{value} does not match {pattern}"));
        }
    }
    Ok(())
}

/// The types that fields were seen with, by their names.
fn types(path: &str, value: &Value, seen: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Object(fields) => {
            for (key, value) in fields {
                types(&format!("{path}.{key}"), value, seen);
            }
            "object"
        }
        // A list is of the type of what is in it.
        Value::Array(values) => return values.iter().for_each(|value| types(path, value, seen)),
    };
    seen.entry(path.to_owned()).or_default().insert(name);
}

/// A check that takes anything would prove nothing.
fn takes_no_other(schema: &Schema, document: &Value) -> Result<(), String> {
    for (pointer, wrong) in [
        ("/process/pid", json!("17")),
        ("/process/args", json!("sh")),
        ("/process/start", json!("yesterday")),
        ("/process/executable", json!(["/bin/sh"])),
        ("/process/thread/capabilities/effective", json!(["net_raw"])),
        ("/event/kind", json!("violation")),
        ("/event/category", json!(["container"])),
        ("/event/type", json!(["connection"])),
        ("/event/severity", json!(7.5)),
        ("/host/os/type", json!("bsd")),
        ("/container/image", json!("web:2.1")),
        ("/container", json!({"pod": "web"})),
        ("/ecs", json!({})),
    ] {
        let mut other = document.clone();
        let place = other.pointer_mut(pointer);
        *place.ok_or_else(|| format!("{pointer} is not in the example"))? = wrong;
        if schema.complaints(&other).is_empty() {
            return Err(format!("another {pointer} was taken"));
        }
    }
    let mut other = document.clone();
    other["violation"] = json!({"id": "1"});
    if schema.complaints(&other).is_empty() {
        return Err("a field set of nobody was taken".to_owned());
    }
    Ok(())
}

/// What does not fit, one complaint for each field.
fn check(file: &Path) -> Result<(), String> {
    let schema = Schema::read(file)?;
    let encoder = common::encoder(Encoding::Ecs);
    let document = |item: &WatchResponse| -> Result<Value, String> {
        let line = encoder
            .encode(item)
            .ok_or_else(|| format!("no record of {item:?}"))?;
        serde_json::from_str(&line).map_err(|error| error.to_string())
    };
    takes_no_other(&schema, &document(&common::example())?)?;
    let mut complaints = BTreeMap::new();
    let mut seen = BTreeMap::new();
    let items = common::items();
    for item in &items {
        let document = document(item)?;
        if document["ecs"]["version"] != ECS_VERSION {
            return Err(format!("the version of {document}"));
        }
        for (field, text) in schema.complaints(&document) {
            complaints
                .entry(field)
                .or_insert_with(|| format!("{text}\n    in {document}"));
        }
        types("", &document, &mut seen);
    }
    for (field, types) in &seen {
        if types.len() > 1 {
            complaints.insert(field.clone(), format!("has several types: {types:?}"));
        }
    }
    println!("{} documents, {} fields", items.len(), seen.len());
    if complaints.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = complaints
        .iter()
        .map(|(field, text)| format!("{field}: {text}"))
        .collect();
    Err(lines.join("\n"))
}
