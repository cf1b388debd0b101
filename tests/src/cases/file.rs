//! What must be right about changes of files besides that each is seen, which the coverage table proves.

use super::common::{file, violation, violations_until_now};
use crate::agent::Mode;
use crate::container::Spec;
use crate::expect::Want;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use anyhow::{Result, ensure};
use std::fs;

pub const CASES: &[Case] = &[
    Case {
        name: "file.mounts",
        run: mounts,
    },
    Case {
        name: "file.deep",
        run: deep,
    },
    Case {
        name: "file.too-deep",
        run: too_deep,
    },
    Case {
        name: "file.reading-is-silent",
        run: reading,
    },
];

fn mounts(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let spec = Spec::new("mounts", &[TRIGGER, "serve"]).overlay();
    let mut puppet = Puppet::from_spec(session, &spec)?;
    if !puppet.is_overlay() {
        return Ok(Outcome::Skipped(
            "the kernel has no overlay file system for the volume".to_owned(),
        ));
    }
    for (verb, path, mount) in [
        ("create", "/data/new", "IMAGE"),
        ("create", "/volume/new", "VOLUME"),
        ("create", "/scratch/new", "TMPFS"),
        ("open-write", "/proc/self/comm", "PROC_SYS"),
    ] {
        puppet.act(&Act::trigger(&[verb, path]))?;
        // Where a link in /proc names the caller, the kernel tells its number.
        let end = path.rsplit('/').next().unwrap_or_default();
        let expect = violation(session, &puppet, "file.unknown", "MEDIUM")
            .want("file.path", Want::Holds(format!("/{end}")))
            .is("file.mount", mount);
        watch.expect("violation", path, &expect)?;
    }
    Ok(Outcome::Passed)
}

/// A path of many long names arrives whole.
fn deep(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "deep")?;
    let mut path = "/data".to_owned();
    for level in 0..15 {
        path += &format!("/{level}-{}", "n".repeat(200));
    }
    fs::create_dir_all(puppet.root().join(&path[1..]))?;
    path += "/leaf";
    puppet.act(&Act::trigger(&["create", &path]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        &path,
    );
    watch.expect("violation", "the deep file", &expect)?;
    Ok(Outcome::Passed)
}

/// Of a path that is longer than paths can be, the end is told, and that something is missing.
fn too_deep(context: &mut Context<'_>) -> Result<Outcome> {
    const LEVELS: usize = 25;
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "too-deep")?;
    let name = "n".repeat(200);
    puppet.act(&Act::trigger(&[
        "create-deep",
        "/data",
        &name,
        &LEVELS.to_string(),
        "leaf",
    ]))?;
    let expect = violation(session, &puppet, "file.unknown", "MEDIUM")
        .is("file.operation", "CREATE")
        .want("file.path", Want::Starts("\u{2026}".to_owned()));
    let (report, _) = watch.expect("violation", "the file", &expect)?;
    let path = report["file"]["path"].as_str().unwrap_or_default();
    ensure!(
        path.ends_with(&format!("/{name}/{name}/leaf")) && path.len() > 3000,
        "not the end of the path: {path}"
    );
    Ok(Outcome::Passed)
}

fn reading(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "reading")?;
    puppet.act(&Act::trigger(&["open-read", "/etc/passwd"]))?;
    let before = violations_until_now(watch, &mut puppet, "/data/sentinel")?;
    let read: Vec<_> = before
        .iter()
        .filter(|report| report["file"]["path"] == "/etc/passwd")
        .collect();
    ensure!(read.is_empty(), "reading was reported: {read:?}");
    Ok(Outcome::Passed)
}
