//! The published names of attributes of OpenTelemetry's semantic conventions, which log records for its
//! collectors are tested to have.
//!
//! They come as a package of Python, whose source has them with what is said of each. It is unpacked
//! into the cache and nowhere else; the names are copied to where the tests find them, also those
//! that run as a user who cannot look into the cache.

use crate::shell::{self, quiet};
use crate::{cache, pip, root, setup};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The package, which has the conventions 1.44.0.
const VERSION: &str = "0.66b2";
/// The same with its digest, as `pip` wants it.
const PACKAGE: &str = "opentelemetry-semantic-conventions==0.66b2 \
    --hash=sha256:4cbe61e5f9275d57ab31708446e7938ef4291ebbe6a7fca6f7a629c5acae87d8\n";
/// Where an attribute became stable its older definition says `Deprecated in favor of` the new one, by
/// the same name; where it was renamed or removed it says `Deprecated:`.
const SCRIPT: &str = r#"
import json, pathlib, re, sys
packages, file = sys.argv[1:]
attribute = re.compile(
    r'^[A-Z0-9_]+: Final = "([a-z0-9_.]+)"\n(?:"""\s*(Deprecated: [^\n]*))?', re.M)
current, old = set(), {}
for source in pathlib.Path(packages, "opentelemetry/semconv").rglob("attributes/*.py"):
    for name, deprecated in attribute.findall(source.read_text()):
        if deprecated:
            old[name] = deprecated
        else:
            current.add(name)
with open(file, "w") as out:
    json.dump({"current": sorted(current), "deprecated": old}, out)
"#;
const NAMES: &str = "names.json";

/// Where the names are, made unless they are there.
pub fn ensure() -> Result<PathBuf> {
    let made = cache().join(format!("semconv-{VERSION}"));
    let names = made.join(NAMES);
    if !names.is_file() {
        setup::say(
            "OTel names",
            "missing (log records are held against them): by pip ...",
        );
        let packages = made.join("python");
        let python = pip::install(PACKAGE, &packages)?;
        let whole = packages.join(NAMES);
        quiet(
            Command::new(python)
                .args(["-c", SCRIPT])
                .args([&packages, &whole]),
        )?;
        fs::rename(&whole, &names).with_context(|| format!("cannot make {}", names.display()))?;
    }
    let target = root().join("target/semconv");
    shell::folder(&target)?;
    fs::copy(&names, target.join(NAMES))
        .with_context(|| format!("cannot copy {}", names.display()))?;
    Ok(target)
}
