//! rotel, a collector of OpenTelemetry: a receiver for the tests of deliveries.
//!
//! It comes as a package of Python, which is unpacked into the cache and nowhere else; the program in it
//! is copied to where the tests find it, also those that run as a user who cannot look into the
//! cache. It is there for x86_64 and needs the library of Python 3.11.

use crate::shell;
use crate::{cache, pip, root, setup};
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// The package with its digest, as `pip` wants it.
const PACKAGE: &str = "rotel==0.0.1a15 \
    --hash=sha256:2f4117e58410c933e0dc042a268ef738dab2e3a5d63b5831209acdac2a6ddcb7\n";
const PROGRAM: &str = "rotel-agent";

/// Where it is, fetched unless it is there.
pub fn ensure() -> Result<PathBuf> {
    let fetched = cache().join("rotel-0.0.1a15");
    let program = fetched.join("rotel").join(PROGRAM);
    if !program.is_file() {
        setup::say("rotel", "missing (OTLP is delivered to it): by pip ...");
        pip::install(PACKAGE, &fetched)?;
    }
    let target = root().join("target/rotel");
    shell::folder(&target)?;
    let copy = target.join(PROGRAM);
    if !copy.is_file() {
        fs::copy(&program, &copy).with_context(|| format!("cannot copy {}", program.display()))?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
    }
    Ok(target)
}
