//! A program that is never executed: the dynamic loader maps it and jumps into it.
//!
//! The loader and its libraries are this machine's, and the program is runc, which needs them wherever
//! it is not linked statically.

use super::common::violation;
use crate::agent::Mode;
use crate::expect::Want;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const CASES: &[Case] = &[Case {
    name: "process.loader",
    run: loader,
}];

/// Where distributions have it.
pub(super) const LOADERS: &[&str] = &["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
/// Where it is in the container, with its libraries.
const FOLDER: &str = "/lib64";

/// The libraries of a program, as its loader finds them; none if it has no use for a loader.
pub(super) fn libraries(loader: &Path, program: &Path) -> Result<Option<Vec<PathBuf>>> {
    let output = Command::new(loader)
        .arg("--list")
        .arg(program)
        .output()
        .with_context(|| format!("cannot run {}", loader.display()))?;
    if !output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8(output.stdout)?;
    let paths = text.lines().filter_map(|line| {
        let (_, path) = line.split_once("=> ")?;
        Some(PathBuf::from(path.split(" (").next()?))
    });
    Ok(Some(paths.collect()))
}

/// A program by its path, or by its name where a shell would find it.
pub(super) fn found(program: &Path) -> Option<PathBuf> {
    if program.parent() != Some(Path::new("")) {
        return fs::canonicalize(program).ok();
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find_map(|folder| fs::canonicalize(folder.join(program)).ok())
}

fn loader(context: &mut Context<'_>) -> Result<Outcome> {
    const LINKED: &str = "/scratch/linked";
    let session = context.session;
    let skipped = |why: &str| Ok(Outcome::Skipped(why.to_owned()));
    let Some(loader) = LOADERS.iter().map(Path::new).find(|path| path.exists()) else {
        return skipped("this machine has no dynamic loader");
    };
    let runc = found(&session.tools.runc).context("runc is not in PATH")?;
    let Some(libraries) = libraries(loader, &runc)? else {
        return skipped("runc is linked statically here");
    };
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "loader")?;
    let name = loader.file_name().context("a loader without a name")?;
    let inside = format!("{FOLDER}/{}", name.display());
    let folder = puppet.root().join(&FOLDER[1..]);
    fs::create_dir_all(&folder)?;
    for file in libraries.iter().map(PathBuf::as_path).chain([loader]) {
        let to = folder.join(file.file_name().context("a file without a name")?);
        fs::copy(file, &to).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    // It lies on a file system in memory, which only the container sees.
    let linked = format!("/proc/{}/root{LINKED}", puppet.pid()?);
    fs::copy(&runc, linked).context("cannot copy runc")?;

    let words = ["--library-path", FOLDER, LINKED, "--version"];
    puppet.act(&Act::program(&inside, &inside).args(&words))?;
    let said = puppet.words()?;
    ensure!(
        said.contains("runc version"),
        "the program did not run: {said}"
    );
    let argv: Vec<&str> = [&[inside.as_str()], &words[..]].concat();
    let first = puppet.pid()?;
    let report = |rule: &str, severity: &str| {
        violation(session, &puppet, rule, severity)
            .is("process.exe", inside.as_str())
            .is("process.args", argv.clone())
            .is("process.cwd", "/")
            .is("process.uid", 0)
            .is("process.phase", "MAIN")
            .is("process.ancestors.0.exe", TRIGGER)
            .is("process.ancestors.0.pid", first)
            .want("process.ancestors.1", Want::Absent)
            .want("file", Want::Absent)
    };
    let exec = report("exec.unknown", "HIGH")
        .is("exec.path", inside.as_str())
        .is("exec.name", "")
        .is("exec.script", "")
        .is("exec.origin", "IMAGE")
        .is("exec.parent", TRIGGER)
        .want("privilege", Want::Absent);
    watch.expect("violation", "the loader", &exec)?;
    let mapped = report("privilege.exec_mapping", "HIGH")
        .is("privilege.operation", "EXEC_MAPPING")
        .is("privilege.detail", format!("VOLUME {LINKED}"))
        .want("exec", Want::Absent);
    watch.expect("violation", "the program that it maps", &mapped)?;
    Ok(Outcome::Passed)
}
