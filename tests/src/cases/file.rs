//! Files opened for writing, made, removed, renamed.

use super::common::{by, file, hits, hold, tier, violation};
use crate::agent::Mode;
use crate::expect::Want;
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use anyhow::{Result, ensure};
use lapwing_abi::hooks::Row;
use std::fs;
use std::os::unix::fs::symlink;

pub const CASES: &[Case] = &[
    Case {
        name: "file.open",
        run: open,
    },
    Case {
        name: "file.create",
        run: create,
    },
    Case {
        name: "file.unlink",
        run: unlink,
    },
    Case {
        name: "file.rmdir",
        run: rmdir,
    },
    Case {
        name: "file.rename",
        run: rename,
    },
    Case {
        name: "file.mounts",
        run: mounts,
    },
    Case {
        name: "file.links",
        run: links,
    },
    Case {
        name: "file.deep",
        run: deep,
    },
    Case {
        name: "file.reading-is-silent",
        run: reading,
    },
];

/// Holds an act and expects one change, every field of it; counts the row's hits.
fn one(
    context: &mut Context<'_>,
    name: &str,
    row: Row,
    prepare: fn(&Puppet<'_>) -> Result<()>,
    args: &[&str],
    (operation, path, target): (&str, &str, &str),
) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let before = hits(agent, row)?;
    let mut puppet = Puppet::start(session, name)?;
    prepare(&puppet)?;
    let held = hold(&mut puppet, args)?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        operation,
        path,
    );
    // Tier B reads names where the caller keeps them, and so knows no mount.
    let by_name = row != Row::FileOpen && tier(agent, row)? == "B";
    let expect = by(expect, &puppet, &held, args)?
        .is("file.target", target)
        .is("file.mount", if by_name { "UNKNOWN" } else { "IMAGE" })
        .is("file.pathFromCaller", by_name);
    watch.expect("violation", path, &expect)?;
    ensure!(hits(agent, row)? > before, "the hook counted nothing");
    Ok(Outcome::Passed)
}

fn open(context: &mut Context<'_>) -> Result<Outcome> {
    one(
        context,
        "open",
        Row::FileOpen,
        |puppet| Ok(fs::write(puppet.root().join("data/old"), "x")?),
        &["hold", "open-write", "/data/old"],
        ("OPEN_WRITE", "/data/old", ""),
    )
}

fn create(context: &mut Context<'_>) -> Result<Outcome> {
    one(
        context,
        "create",
        Row::FileOpen,
        |_| Ok(()),
        &["hold", "create", "/data/new"],
        ("CREATE", "/data/new", ""),
    )
}

fn unlink(context: &mut Context<'_>) -> Result<Outcome> {
    one(
        context,
        "unlink",
        Row::FileUnlink,
        |puppet| Ok(fs::write(puppet.root().join("data/old"), "x")?),
        &["hold", "delete", "/data/old"],
        ("DELETE", "/data/old", ""),
    )
}

fn rmdir(context: &mut Context<'_>) -> Result<Outcome> {
    one(
        context,
        "rmdir",
        Row::FileRmdir,
        |puppet| Ok(fs::create_dir(puppet.root().join("data/folder"))?),
        &["hold", "rmdir", "/data/folder"],
        ("DELETE", "/data/folder", ""),
    )
}

fn rename(context: &mut Context<'_>) -> Result<Outcome> {
    one(
        context,
        "rename",
        Row::FileRename,
        |puppet| Ok(fs::write(puppet.root().join("data/from"), "x")?),
        &["hold", "rename", "/data/from", "/tmp/to"],
        ("RENAME", "/data/from", "/tmp/to"),
    )
}

fn mounts(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "mounts")?;
    for (verb, path, mount) in [
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

/// Paths are those of the file, not of the links and dots that led to it.
fn links(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "links")?;
    symlink("data", puppet.root().join("short"))?;
    for (act, path) in [
        (Act::trigger(&["create", "/short/a"]), "/data/a"),
        (
            Act::trigger(&["create", "./x/../b"]).cwd("/data"),
            "/data/b",
        ),
        (Act::trigger(&["create", "c"]).cwd("/data/x"), "/data/x/c"),
    ] {
        fs::create_dir_all(puppet.root().join("data/x"))?;
        puppet.act(&act)?;
        let expect = file(
            violation(session, &puppet, "file.unknown", "MEDIUM"),
            "CREATE",
            path,
        );
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

fn reading(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "reading")?;
    puppet.act(&Act::trigger(&["open-read", "/etc/passwd"]))?;
    let before = super::common::violations_until_now(watch, &mut puppet, "/data/sentinel")?;
    let read: Vec<_> = before
        .iter()
        .filter(|report| report["file"]["path"] == "/etc/passwd")
        .collect();
    ensure!(read.is_empty(), "reading was reported: {read:?}");
    Ok(Outcome::Passed)
}
