//! Packages of Python, in a folder of their own and nowhere else.

use crate::setup;
use crate::shell::{self, quiet, which};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes members of wheels, given by their names' beginnings, below a folder: each beside the wheels first, so that
/// none is there under its name before all of it is.
const UNPACK: &str = r#"
import glob, os, sys, zipfile
wheels, target, *wanted = sys.argv[1:]
for wheel in glob.glob(wheels + "/*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(tuple(wanted)) and not name.endswith("/"):
                fresh = archive.extract(name, wheels)
                place = os.path.join(target, os.path.relpath(fresh, wheels))
                os.makedirs(os.path.dirname(place), exist_ok=True)
                os.replace(fresh, place)
"#;
/// The beginning of names of folders for wheels, each with the number of the process that has it.
const WHEELS: &str = "wheels-";
/// Seconds that an index which says nothing is waited for, and how often it is asked again.
const WAIT: [&str; 4] = ["--timeout", "20", "--retries", "2"];

/// Puts packages, with their digests as `pip` wants them, into a folder. Answers the Python that can
/// use them.
pub fn install(packages: &str, folder: &Path) -> Result<PathBuf> {
    run(packages, folder, &["install", "--upgrade", "--target"])
}

/// Puts no more of packages into a folder than what has names that begin so; nothing else of what
/// was fetched stays on this machine.
pub fn unpack(packages: &str, folder: &Path, wanted: &[&str]) -> Result<()> {
    sweep(folder)?;
    let wheels = folder.join(format!("{WHEELS}{}", std::process::id()));
    let unpacked = run(packages, &wheels, &["download", "--no-cache-dir", "--dest"]);
    let unpacked = unpacked.and_then(|python| members(&python, &wheels, folder, wanted));
    let removed =
        fs::remove_dir_all(&wheels).with_context(|| format!("cannot remove {}", wheels.display()));
    // Where nothing could be fetched there may be no such folder.
    unpacked.and(removed)
}

fn members(python: &Path, wheels: &Path, folder: &Path, wanted: &[&str]) -> Result<()> {
    let mut command = Command::new(python);
    quiet(
        command
            .args(["-c", UNPACK])
            .args([wheels, folder])
            .args(wanted),
    )
}

/// Removes wheels of processes that ended without doing so.
fn sweep(folder: &Path) -> Result<()> {
    shell::folder(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let process = { name.to_str() }
            .and_then(|name| name.strip_prefix(WHEELS))
            .and_then(|number| number.parse::<u32>().ok());
        if process.is_some_and(|number| !Path::new(&format!("/proc/{number}")).exists()) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
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
                .args(WAIT)
                .args(&what[1..])
                .arg(folder)
                .arg("-r")
                .arg(&list),
        )
    };
    if let Err(error) = pip() {
        // Debian has Python without it.
        if which("pip3").is_some() || which("apt-get").is_none() {
            bail!(
                "cannot install {}: {error:#}\npip needs an index that has it and can be reached (PIP_INDEX_URL, \
                 PIP_PROXY); then run `cargo xtask setup` again",
                packages.trim()
            );
        }
        setup::install("pip", "installs packages of Python", &["python3-pip"])?;
        pip()?;
    }
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wheel of two files, with nothing compressed, and one byte of the second changed if wanted.
    const WHEEL: &str = r#"
import sys, zipfile
path, is_cut = sys.argv[1:]
with zipfile.ZipFile(path, "w") as archive:
    archive.writestr("tool/data/other", "whole")
    archive.writestr("tool/bin/program", "program" * 20_000)
    archive.writestr("no/part", "of it")
if is_cut == "yes":
    data = open(path, "rb").read()
    at = data.rindex(b"programprogram")
    open(path, "wb").write(data[:at] + b"P" + data[at + 1:])
"#;

    fn wheels(folder: &Path, is_cut: &str) -> Option<(PathBuf, PathBuf)> {
        let python = which("python3")?;
        let wheels = folder.join(format!("{WHEELS}{}", std::process::id()));
        fs::create_dir_all(&wheels).unwrap();
        let mut make = Command::new(&python);
        make.args(["-c", WHEEL]).arg(wheels.join("tool.whl"));
        quiet(make.arg(is_cut)).unwrap();
        Some((python, wheels))
    }

    #[test]
    fn a_file_is_there_when_all_of_it_is() {
        let folder = std::env::temp_dir().join(format!("lapwing-pip-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("tool/bin/program");
        let Some((python, of)) = wheels(&folder, "yes") else {
            return;
        };
        let error = members(&python, &of, &folder, &["tool/bin/"]).unwrap_err();
        assert!(error.to_string().contains("CRC"), "{error}");
        assert!(
            !program.exists(),
            "a file whose contents are wrong passes for whole"
        );
        wheels(&folder, "no").unwrap();
        members(&python, &of, &folder, &["tool/bin/"]).unwrap();
        assert_eq!(fs::read(&program).unwrap(), b"program".repeat(20_000));
        assert!(!folder.join("tool/data").exists() && !folder.join("no").exists());
        // What a process left that is no more goes, and what one has that runs stays.
        let left = folder.join(format!("{WHEELS}{}", u32::MAX));
        fs::create_dir_all(&left).unwrap();
        sweep(&folder).unwrap();
        assert!(!left.exists() && of.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
