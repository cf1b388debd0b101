//! Every kind of item as OCSF, held against the published schema.
//!
//! `cargo xtask setup` fetches the schema and makes one file of it per class.

mod common;

use common::published;
use lapwing_encode::{Encoding, OCSF_VERSION};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The classes that Lapwing uses.
const CLASSES: [u64; 5] = [1001, 1007, 2004, 4001, 4003];
const NAME: &str = "every_kind_fits_the_published_schema";

fn main() -> ExitCode {
    let folder = std::env::var_os("LAPWING_OCSF").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/ocsf-{OCSF_VERSION}")),
        PathBuf::from,
    );
    published::main(NAME, &folder.join("2004.json"), || check(&folder))
}

/// What does not fit, one complaint of each kind.
fn check(folder: &Path) -> Result<(), String> {
    let mut validators = BTreeMap::new();
    for class in CLASSES {
        let path = folder.join(format!("{class}.json"));
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let schema: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let validator = jsonschema::draft202012::new(&schema).map_err(|error| error.to_string())?;
        // One that takes anything would prove nothing.
        if validator.is_valid(&serde_json::json!({})) {
            return Err(format!("the schema of {class} takes an empty event"));
        }
        validators.insert(class, validator);
    }
    let encoder = common::encoder(Encoding::Ocsf);
    let mut complaints = BTreeMap::new();
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    for item in common::items() {
        let Some(line) = encoder.encode(&item) else {
            return Err(format!("no record of {item:?}"));
        };
        let event: Value = serde_json::from_str(&line).map_err(|error| error.to_string())?;
        let class = event["class_uid"].as_u64().unwrap_or_default();
        *seen.entry(class).or_default() += 1;
        let Some(validator) = validators.get(&class) else {
            return Err(format!("class {class} has no schema: {line}"));
        };
        // An event of these profiles has no container at its top.
        let mut wrong = event.clone();
        wrong["container"] = serde_json::json!({"uid": "1"});
        if validator.is_valid(&wrong) {
            return Err(format!(
                "the schema of {class} takes a container at the top"
            ));
        }
        for error in validator.iter_errors(&event) {
            complaints
                .entry((
                    class,
                    error.instance_path().to_string(),
                    error.schema_path().to_string(),
                ))
                .or_insert_with(|| format!("{error}\n    in {line}"));
        }
    }
    println!("events by class: {seen:?}");
    if seen.len() != CLASSES.len() {
        return Err(format!("not every class was made: {seen:?}"));
    }
    if complaints.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = complaints
        .iter()
        .map(|((class, at, rule), text)| format!("{class} {at} ({rule}): {text}"))
        .collect();
    Err(lines.join("\n"))
}
