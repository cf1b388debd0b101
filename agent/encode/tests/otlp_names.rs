//! Every kind of item as a log record, its attributes held against the published semantic conventions.
//!
//! What they have no attribute for begins with `lapwing.`; what they had once and renamed is none
//! of theirs. `cargo xtask setup` fetches the names.

mod common;

use common::published;
use lapwing_encode::Product;
use lapwing_encode::otlp::{Body, Mapper};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const NAME: &str = "every_attribute_is_of_the_published_conventions";
const OWN: &str = "lapwing.";

fn main() -> ExitCode {
    let folder = std::env::var_os("LAPWING_SEMCONV").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/semconv"),
        PathBuf::from,
    );
    let file = folder.join("names.json");
    published::main(NAME, &file, || check(&file))
}

/// The name of each attribute that is no own one, with why it is none of the conventions.
fn check(file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let published: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let current = published["current"].as_array().ok_or("no names")?;
    let current: BTreeSet<&str> = current.iter().filter_map(Value::as_str).collect();
    let fault = |name: &str| {
        let old = published["deprecated"][name].as_str();
        (!current.contains(name)).then(|| old.unwrap_or("is not in the conventions").to_owned())
    };
    // Names that take anything would prove nothing.
    for (name, is_one) in [
        ("process.pid", true),
        ("process.pids", false),
        ("lapwing.id", false),
        ("net.peer.ip", false),
    ] {
        if fault(name).is_none() != is_one {
            return Err(format!("these are other names: {name}"));
        }
    }
    let mapper = Mapper::new(
        Product::lapwing("0.1.0"),
        "prod-eu".into(),
        "node-7".into(),
        Body::Text,
    );
    let request = mapper.request(&common::items());
    let mut names = BTreeSet::new();
    for logs in &request.resource_logs {
        let resource = logs.resource.iter().flat_map(|it| &it.attributes);
        let records = logs.scope_logs.iter().flat_map(|it| &it.log_records);
        let of_records = records.flat_map(|it| &it.attributes);
        names.extend(resource.chain(of_records).map(|it| it.key.as_str()));
    }
    let (own, theirs): (Vec<&str>, Vec<&str>) =
        names.iter().partition(|name| name.starts_with(OWN));
    println!("{} attributes, and {} own", theirs.len(), own.len());
    let faults: BTreeMap<&str, String> = theirs
        .iter()
        .filter_map(|name| Some((*name, fault(name)?)))
        .collect();
    if theirs.len() < 30 || !faults.is_empty() {
        return Err(format!("of {theirs:?} are wrong: {faults:?}"));
    }
    Ok(())
}
