//! Packages of Python, in a folder of their own and nowhere else.

use crate::setup;
use crate::shell::{self, quiet, which};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes members of wheels, given by their names' beginnings, below a folder.
const UNPACK: &str = r#"
import glob, sys, zipfile
wheels, target, *wanted = sys.argv[1:]
for wheel in glob.glob(wheels + "/*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(tuple(wanted)):
                archive.extract(name, target)
"#;

/// Puts packages, with their digests as `pip` wants them, into a folder. Answers the Python that can
/// use them.
pub fn install(packages: &str, folder: &Path) -> Result<PathBuf> {
    run(packages, folder, &["install", "--upgrade", "--target"])
}

/// Puts no more of packages into a folder than what has names that begin so; nothing else of what
/// was fetched stays on this machine.
pub fn unpack(packages: &str, folder: &Path, wanted: &[&str]) -> Result<()> {
    let wheels = folder.join("wheels");
    let unpacked = run(packages, &wheels, &["download", "--no-cache-dir", "--dest"]);
    let unpacked = unpacked.and_then(|python| {
        quiet(
            Command::new(python)
                .args(["-c", UNPACK])
                .args([&wheels, folder])
                .args(wanted),
        )
    });
    let removed =
        fs::remove_dir_all(&wheels).with_context(|| format!("cannot remove {}", wheels.display()));
    // Where nothing could be fetched there may be no such folder.
    unpacked.and(removed)
}

fn run(packages: &str, folder: &Path, what: &[&str]) -> Result<PathBuf> {
    let python = which("python3").context("python3 is not there")?;
    shell::folder(folder)?;
    let list = folder.join("requirements.txt");
    fs::write(&list, packages)?;
    let pip = || {
        quiet(
            Command::new(&python)
                .args(["-m", "pip", what[0], "--quiet"])
                .args([
                    "--disable-pip-version-check",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--require-hashes",
                ])
                .args(&what[1..])
                .arg(folder)
                .arg("-r")
                .arg(&list),
        )
    };
    if let Err(error) = pip() {
        // Debian has Python without it.
        if which("pip3").is_some() || which("apt-get").is_none() {
            bail!("cannot install {}: {error:#}", packages.trim());
        }
        setup::install("pip", "installs packages of Python", &["python3-pip"])?;
        pip()?;
    }
    Ok(python)
}
