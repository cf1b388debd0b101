//! Kubernetes' own server of custom resources, and etcd, for tests that need more than a double of them; and its
//! code for admission policies.
//!
//! Debian's unstable release has its sources, what they need, and a compiler of Go. They are unpacked and
//! built in the cache, where only the programs stay: nothing is installed. Unstable changes each day, so
//! this is a command of its own and no part of `cargo xtask test` but with `--soak`.

mod admission;

use crate::debian;
use crate::report::Counts;
use crate::shell::{self, quiet};
use crate::{cache, machine, root, setup};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package of its sources.
const SOURCES: &str = "golang-k8s-apiextensions-apiserver-dev";
const PACKAGES: &[&str] = &[SOURCES, "golang-go", "etcd-server"];
const SERVER: &str = "apiextensions-apiserver";
const STORE: &str = "etcd";
/// The file that has the version of the sources.
const VERSION: &str = "version";

/// Runs the tests that need it. Answers whether all passed.
pub fn prove() -> Result<bool> {
    setup::run()?;
    let mut counts = Counts::default();
    let done = stage(&mut counts, &mut String::new());
    println!("{} passed, {} failed", counts.passed, counts.failed);
    done.map(|()| counts.failed == 0)
}

/// The same as a stage of all tests, which notes the version of the server.
pub fn stage(counts: &mut Counts, note: &mut String) -> Result<()> {
    let (programs, version) = ensure()?;
    *note = format!("k8s.io/apiextensions-apiserver {version}");
    println!("\nAdmission policies at {note}:");
    let policies = admission::prove(&programs, counts);
    println!("\nDefinitions, controller and agent at {note}:");
    let served = served(&programs, counts);
    policies.and(served)
}

/// The tests of the agent that need the server.
fn served(programs: &Path, counts: &mut Counts) -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--locked", "-p", "lapwing-agent", "--lib", "--"])
        .args(["--ignored", "served::"])
        .env("LAPWING_API_SERVER", programs)
        .current_dir(root());
    let before = counts.passed;
    let status = shell::follow(&mut command, |line| counts.add(line))?;
    if !status.success() {
        bail!("ended with {status}");
    }
    if counts.passed == before {
        bail!("no test has `served::` in its name any more: nothing was tried");
    }
    Ok(())
}

/// The folder with the programs, and the version of the server; built unless it is there.
fn ensure() -> Result<(PathBuf, String)> {
    let machine = machine::own().context("no machine that Lapwing is built for")?;
    let folder = cache().join(format!(
        "kubernetes-api-{}-{}",
        debian::UNSTABLE,
        machine.debian
    ));
    if !folder.join(VERSION).is_file() || !admission::is_in(&folder)? {
        setup::say(
            "Kubernetes' API",
            "missing (definitions are tried on it): building from Debian's sources, some minutes ...",
        );
        let make = |fresh: &Path, whole: &[PathBuf], _: &[PathBuf]| build(fresh, whole);
        debian::build(debian::UNSTABLE, machine, PACKAGES, &[], &folder, make)?;
    }
    let version = fs::read_to_string(folder.join(VERSION))?;
    Ok((folder, version))
}

fn build(folder: &Path, packages: &[PathBuf]) -> Result<()> {
    let version = { packages.iter() }
        .filter_map(|package| package.file_name()?.to_str()?.strip_prefix(SOURCES))
        .find_map(|rest| rest.split('_').nth(1))
        .with_context(|| format!("no {SOURCES} among what was fetched"))?;
    let unpacked = folder.join("unpacked");
    debian::extract(packages, &unpacked)?;
    let libraries = unpacked.join("usr/lib");
    let names = fs::read_dir(&libraries)?.flatten();
    let compiler = newest(names.filter_map(|entry| entry.file_name().into_string().ok()))
        .with_context(|| format!("no compiler of Go in {}", libraries.display()))?;
    let compiler = libraries.join(compiler);
    let go = |from: &Path, source: &str, program: &str| {
        quiet(
            Command::new(compiler.join("bin/go"))
                .args(["build", "-buildvcs=false", "-ldflags", "-s -w", "-o"])
                .arg(folder.join(program))
                .arg(source)
                .current_dir(from)
                .env("GOROOT", &compiler)
                .env("GOPATH", unpacked.join("usr/share/gocode"))
                .env("GOCACHE", unpacked.join("built"))
                .env("GO111MODULE", "off")
                .env("GOTOOLCHAIN", "local")
                .env("CGO_ENABLED", "0"),
        )
    };
    go(folder, "k8s.io/apiextensions-apiserver", SERVER)?;
    go(&admission::sources(), ".", admission::PROGRAM)?;
    admission::note(folder)?;
    fs::rename(unpacked.join("usr/bin").join(STORE), folder.join(STORE))?;
    fs::remove_dir_all(&unpacked)?;
    fs::write(folder.join(VERSION), version).context("cannot note the version of what was built")
}

/// The name of the newest compiler: `go-1.9` is older than `go-1.26`.
fn newest(names: impl Iterator<Item = String>) -> Option<String> {
    let number = |name: &str| -> Option<Vec<u32>> {
        let parts = name.strip_prefix("go-")?.split('.');
        parts.map(|part| part.parse().ok()).collect()
    };
    names
        .filter_map(|name| Some((number(&name)?, name)))
        .max()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_compiler_is_the_one_of_the_greatest_number() {
        let of = |names: &[&str]| newest(names.iter().map(ToString::to_string));
        let all = ["go", "go-1.9", "go-1.26", "go-x", "systemd"];
        assert_eq!(of(&all).as_deref(), Some("go-1.26"));
        assert_eq!(of(&["go", "go-x"]), None);
    }
}
