//! The published schema of OCSF, against which the events of Lapwing are tested.
//!
//! The schema comes as a package of Python, which makes JSON Schema of each class. It is installed
//! into the cache and nowhere else; what it made is copied to where the tests find it, also those
//! that run as a user who cannot look into the cache.

use crate::shell::{self, quiet};
use crate::{cache, pip, root, setup};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The version that `lapwing-encode` speaks.
const VERSION: &str = "1.8.0";
/// The package with its digest, as `pip` wants it.
const PACKAGE: &str = "ocsf-json-schema==1.2.0 \
    --hash=sha256:64d819042d20c3c04bc0d024c7c47c41006ebbe0209ce768ba6efa1240106708\n";
/// The profiles that events name, and the classes that they have.
const SCRIPT: &str = r#"
import json, sys
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
version, folder = sys.argv[1:3]
schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version))
for uid in (1001, 1007, 4001, 4003, 2004):
    name = schema.lookup_class_name_from_uid(uid)
    with open(f"{folder}/{uid}.json", "w") as file:
        json.dump(schema.get_class_schema(name, ["container", "host"]), file)
"#;
/// Written last.
const LAST: &str = "2004.json";

/// Where the schema is, one file a class, made unless it is there.
pub fn ensure() -> Result<PathBuf> {
    let made = cache().join(format!("ocsf-{VERSION}"));
    if !made.join(LAST).is_file() {
        make(&made)?;
    }
    let target = root().join(format!("target/ocsf-{VERSION}"));
    shell::folder(&target)?;
    for entry in fs::read_dir(&made)?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            fs::copy(&path, target.join(entry.file_name()))
                .with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(target)
}

fn make(folder: &std::path::Path) -> Result<()> {
    setup::say(
        "OCSF schema",
        "missing (events are held against it): by pip ...",
    );
    let packages = folder.join("python");
    let python = pip::install(PACKAGE, &packages)?;
    quiet(
        Command::new(&python)
            .env("PYTHONPATH", &packages)
            .args(["-c", SCRIPT, VERSION])
            .arg(folder),
    )
}
