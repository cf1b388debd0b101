//! Files opened for writing, made, removed, renamed.

use super::common::{
    by, file, hits, hold, once, only, open_up, tier, violation, violations_until_now,
};
use crate::agent::Mode;
use crate::container::Spec;
use crate::expect::Want;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome, Tier};
use anyhow::{Result, ensure};
use lapwing_abi::hooks::Row;
use std::fs;
use std::os::unix::fs::symlink;

/// A change, by which system call, and what must be reported of it.
struct Change {
    row: Row,
    /// Makes what is to be changed.
    prepare: fn(&Puppet<'_>) -> Result<()>,
    /// The trigger's words.
    act: &'static [&'static str],
    operation: &'static str,
    path: &'static str,
    target: &'static str,
}

const fn change(
    row: Row,
    prepare: fn(&Puppet<'_>) -> Result<()>,
    act: &'static [&'static str],
    operation: &'static str,
    path: &'static str,
) -> Change {
    Change {
        row,
        prepare,
        act,
        operation,
        path,
        target: "",
    }
}

fn nothing(_: &Puppet<'_>) -> Result<()> {
    Ok(())
}

fn old_file(puppet: &Puppet<'_>) -> Result<()> {
    fs::write(puppet.root().join("data/old"), "x")?;
    open_up(puppet, "/data/old")
}

fn old_folder(puppet: &Puppet<'_>) -> Result<()> {
    Ok(fs::create_dir(puppet.root().join("data/old"))?)
}

const OPEN: Change = change(
    Row::FileOpen,
    old_file,
    &["hold", "open-write", "/data/old"],
    "OPEN_WRITE",
    "/data/old",
);
const CREATE: Change = change(
    Row::FileOpen,
    nothing,
    &["hold", "create", "/data/new"],
    "CREATE",
    "/data/new",
);
const CREAT: Change = change(
    Row::FileOpen,
    nothing,
    &["hold", "creat", "/data/new"],
    "CREATE",
    "/data/new",
);
const OPENAT2: Change = change(
    Row::FileOpen,
    nothing,
    &["hold", "openat2", "/data", "new"],
    "CREATE",
    "/data/new",
);
const UNLINK: Change = change(
    Row::FileUnlink,
    old_file,
    &["hold", "delete", "/data/old"],
    "DELETE",
    "/data/old",
);
const UNLINKAT: Change = change(
    Row::FileUnlink,
    old_file,
    &["hold", "unlinkat", "/data", "old"],
    "DELETE",
    "/data/old",
);
const RMDIR: Change = change(
    Row::FileRmdir,
    old_folder,
    &["hold", "rmdir", "/data/old"],
    "DELETE",
    "/data/old",
);
const RMDIRAT: Change = change(
    Row::FileRmdir,
    old_folder,
    &["hold", "rmdirat", "/data", "old"],
    "DELETE",
    "/data/old",
);
const RENAME: Change = Change {
    target: "/tmp/to",
    ..change(
        Row::FileRename,
        old_file,
        &["hold", "rename", "/data/old", "/tmp/to"],
        "RENAME",
        "/data/old",
    )
};
const RENAMEAT2: Change = Change {
    target: "/tmp/to",
    ..change(
        Row::FileRename,
        old_file,
        &["hold", "renameat2", "/data", "old", "/tmp", "to"],
        "RENAME",
        "/data/old",
    )
};

pub const CASES: &[Case] = &[
    Case {
        name: "file.open",
        run: |context| one(context, &OPEN),
    },
    Case {
        name: "file.create",
        run: |context| one(context, &CREATE),
    },
    Case {
        name: "file.create.creat",
        run: |context| one(context, &CREAT),
    },
    Case {
        name: "file.create.openat2",
        run: |context| one(context, &OPENAT2),
    },
    Case {
        name: "file.unlink",
        run: |context| one(context, &UNLINK),
    },
    Case {
        name: "file.unlink.unlinkat",
        run: |context| one(context, &UNLINKAT),
    },
    Case {
        name: "file.rmdir",
        run: |context| one(context, &RMDIR),
    },
    Case {
        name: "file.rmdir.unlinkat",
        run: |context| one(context, &RMDIRAT),
    },
    Case {
        name: "file.rename",
        run: |context| one(context, &RENAME),
    },
    Case {
        name: "file.rename.renameat2",
        run: |context| one(context, &RENAMEAT2),
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
        name: "file.too-deep",
        run: too_deep,
    },
    Case {
        name: "file.reading-is-silent",
        run: reading,
    },
];

/// Holds an act and expects one change, every field of it; counts the row's hits.
fn one(context: &mut Context<'_>, change: &Change) -> Result<Outcome> {
    let session = context.session;
    let forced = context.tier == Tier::B;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let tier = tier(agent, change.row)?;
    ensure!(!forced || tier == "B", "tier B was asked for, not {tier}");
    let mut puppet = Puppet::start(session, "file")?;
    open_up(&puppet, "/data")?;
    open_up(&puppet, "/tmp")?;
    (change.prepare)(&puppet)?;
    let before = hits(agent, change.row)?;
    let held = hold(&mut puppet, change.act)?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        change.operation,
        change.path,
    );
    // Tier B reads names where the caller keeps them, and so knows no mount.
    let by_name = change.row != Row::FileOpen && tier == "B";
    let expect = once(by(expect, &puppet, &held, change.act)?, &held)
        .is("file.target", change.target)
        .is("file.mount", if by_name { "UNKNOWN" } else { "IMAGE" })
        .is("file.pathFromCaller", by_name)
        .is("nearest", "")
        .want("patch", Want::Holds(change.path.to_owned()));
    watch.expect("violation", change.path, &expect)?;
    ensure!(
        hits(agent, change.row)? > before,
        "the hook counted nothing"
    );
    let seen = violations_until_now(watch, &mut puppet, "/data/end")?;
    only(&seen, &expect)?;
    Ok(Outcome::Passed)
}

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
