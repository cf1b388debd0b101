//! The published schema of CycloneDX, against which what `lapwing advise image -o cyclonedx` prints is tested.
//!
//! It comes within a package of Python, of which nothing else is kept; it is copied to where the tests find
//! it, also those that run as a user who cannot look into the cache.

use crate::shell;
use crate::{cache, pip, root, setup};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

/// The version that `lapwing-image` speaks.
const VERSION: &str = "1.6";
/// The package with its digest, as `pip` wants it.
const PACKAGE: &str = "cyclonedx-python-lib==11.12.0 \
    --hash=sha256:0e807521a921a5c3cb8ce1153f8a61d29eedfe76a46aac2796b7c6b573391a54\n";
/// Where the package has the schema and what it refers to.
const MEMBERS: &str = "cyclonedx/schema/_res/";
const FILES: &[&str] = &[
    "bom-1.6.SNAPSHOT.schema.json",
    "spdx.SNAPSHOT.schema.json",
    "jsf-0.82.SNAPSHOT.schema.json",
    "cryptography-defs.SNAPSHOT.schema.json",
];

/// Where the schema is, fetched unless it is there.
pub fn ensure() -> Result<PathBuf> {
    let fetched = cache().join(format!("cyclonedx-{VERSION}"));
    let members = fetched.join(MEMBERS);
    if !FILES.iter().all(|name| members.join(name).is_file()) {
        setup::say(
            "CycloneDX schema",
            "missing (documents are held against it): by pip ...",
        );
        let wanted = FILES.iter().map(|name| format!("{MEMBERS}{name}"));
        let wanted: Vec<String> = wanted.collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        pip::unpack(PACKAGE, &fetched, &wanted)?;
    }
    let target = root().join(format!("target/cyclonedx-{VERSION}"));
    shell::folder(&target)?;
    for name in FILES {
        fs::copy(members.join(name), target.join(name))
            .with_context(|| format!("the package has no {name}: was it another one?"))?;
    }
    Ok(target)
}
