//! What must be right about changes of files besides that each is seen, which the coverage table proves.

use super::common::{violation, violations_until_now};
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

fn reading(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "reading")?;
    // The last one has the name of a credential, and stands elsewhere.
    let files = ["/etc/passwd", "/data/x", "/data/shadow"];
    fs::write(puppet.root().join("data/x"), "x")?;
    fs::write(puppet.root().join("data/shadow"), "x")?;
    for file in files {
        puppet.act(&Act::trigger(&["open-read", file]))?;
    }
    let before = violations_until_now(watch, &mut puppet, "/data/sentinel")?;
    let read: Vec<_> = before
        .iter()
        .filter(|report| files.iter().any(|file| report["file"]["path"] == *file))
        .collect();
    ensure!(read.is_empty(), "reading was reported: {read:?}");
    Ok(Outcome::Passed)
}
