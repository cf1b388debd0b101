//! Tenzir, a pipeline of security data: a receiver for the tests of deliveries.
//!
//! It comes as a package of Python that weighs 175 MB and holds several programs. Only the one that runs
//! pipelines is unpacked into the cache (530 MB); the package itself is not kept. The tests find
//! it under a second name, also those that run as a user who cannot look into the cache. It is
//! linked statically and is there for x86_64 and arm64.

use crate::shell;
use crate::{cache, pip, root, setup};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

const VERSION: &str = "6.20.0";
/// The package with its digests, as `pip` wants them: for x86_64, then for arm64.
const PACKAGE: &str = "tenzir==6.20.0 \
    --hash=sha256:f42006ada3280bbd2bdf1c378588ca0873bc96520cb4b1d3f255325151f44c41 \
    --hash=sha256:92e5a66c4a85deec3e13d44ead8bd8998ab3953dcc097b8bc59266d09bd23910\n";
/// Where the package has the program.
const MEMBER: &str = "tenzir/bundled/libexec/tenzir-engine";
const PROGRAM: &str = "tenzir-engine";

/// Where it is, fetched unless it is there.
pub fn ensure() -> Result<PathBuf> {
    let fetched = cache().join(format!("tenzir-{VERSION}"));
    let program = fetched.join(PROGRAM);
    if !program.is_file() {
        fetch(&fetched).context("no Tenzir")?;
    }
    let target = root().join("target/tenzir");
    shell::folder(&target)?;
    let known = target.join(PROGRAM);
    if fs::metadata(&known).map(|it| it.len()).ok()
        != fs::metadata(&program).map(|it| it.len()).ok()
    {
        let _ = fs::remove_file(&known);
        // It is large: a copy is for a cache on another file system.
        fs::hard_link(&program, &known)
            .or_else(|_| fs::copy(&program, &known).map(drop))
            .with_context(|| format!("cannot copy {}", program.display()))?;
    }
    Ok(target)
}

/// The program appears under its name only when all of it is there.
fn fetch(folder: &Path) -> Result<()> {
    setup::say(
        "Tenzir",
        "missing (OTLP, HEC and _bulk are delivered to it): 175 MB by pip ...",
    );
    let start = Instant::now();
    pip::unpack(PACKAGE, folder, &[MEMBER])?;
    let unpacked = folder.join(MEMBER);
    ensure!(
        unpacked.is_file(),
        "the package has no {MEMBER}: was it another one?"
    );
    fs::set_permissions(&unpacked, fs::Permissions::from_mode(0o755))?;
    fs::rename(&unpacked, folder.join(PROGRAM))?;
    fs::remove_dir_all(folder.join("tenzir"))?;
    let took = start.elapsed().as_secs_f64();
    setup::say("Tenzir", &format!("unpacked after {took:.0} s"));
    Ok(())
}
