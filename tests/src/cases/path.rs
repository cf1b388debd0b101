//! Paths are what the container sees, whole or marked.

use super::common::{TOOL, about, file, violation, violations_until_now};
use crate::agent::Mode;
use crate::container::Spec;
use crate::expect::Want;
use crate::puppet::{Act, Lacking, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use anyhow::{Result, ensure};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;

/// Stands where the beginning of a path is missing.
const CUT: char = '\u{2026}';

/// The cases.
pub const CASES: &[Case] = &[
    Case {
        name: "path.long-names",
        run: |context| whole(context, 15, 200),
    },
    Case {
        name: "path.many-names",
        run: |context| whole(context, 100, 8),
    },
    Case {
        name: "path.longest",
        run: longest,
    },
    Case {
        name: "path.too-long",
        run: |context| cut(context, 25, 200),
    },
    Case {
        name: "path.too-many-names",
        run: |context| cut(context, 200, 8),
    },
    Case {
        name: "path.too-deep-to-work-in",
        run: deep,
    },
    Case {
        name: "path.moved-out",
        run: moved_out,
    },
    Case {
        name: "path.disconnected",
        run: disconnected,
    },
    Case {
        name: "path.renamed-meanwhile",
        run: renamed_meanwhile,
    },
];

/// A path of so many names, each so long, arrives whole.
fn whole(context: &mut Context<'_>, names: usize, len: usize) -> Result<Outcome> {
    let name = format!("/{}", "n".repeat(len));
    told(context, &format!("/data{}/leaf", name.repeat(names)))
}

/// The longest path that can be passed arrives whole: 4,095 bytes.
fn longest(context: &mut Context<'_>) -> Result<Outcome> {
    let mut path = "/data".to_owned();
    while path.len() < 3_900 {
        path += &format!("/{}", "n".repeat(200));
    }
    let rest = 4_095 - path.len() - 1;
    path += &format!("/{}", "l".repeat(rest));
    ensure!(path.len() == 4_095 && rest < 256, "{rest}");
    told(context, &path)
}

/// A file of this path is made and reported by it.
fn told(context: &mut Context<'_>, path: &str) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "path")?;
    // Through the container's own root: from outside it would be longer than paths can be.
    let root = fs::File::open(puppet.root())?;
    let mut folder = rustix::fd::OwnedFd::from(root);
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    for name in &names[..names.len() - 1] {
        use rustix::fs::{Mode, OFlags, mkdirat, openat};
        match mkdirat(&folder, *name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        folder = openat(
            &folder,
            *name,
            OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
    }
    puppet.act(&Act::trigger(&["create", path]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        path,
    );
    watch.expect("violation", "the file of a long path", &expect)?;
    Ok(Outcome::Passed)
}

/// Of a path that is longer than paths can be, or of more names than a walk has steps, the end is
/// told, and that something is missing.
fn cut(context: &mut Context<'_>, levels: usize, len: usize) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "cut")?;
    let name = "n".repeat(len);
    puppet.act(&Act::trigger(&[
        "create-deep",
        "/data",
        &name,
        &levels.to_string(),
        "leaf",
    ]))?;
    let expect = violation(session, &puppet, "file.unknown", "MEDIUM")
        .is("file.operation", "CREATE")
        .want("file.path", Want::Starts("\u{2026}".to_owned()));
    let (report, _) = watch.expect("violation", "the file", &expect)?;
    let path = report["file"]["path"].as_str().unwrap_or_default();
    ensure!(
        path.ends_with(&format!("/{name}/{name}/leaf")) && path.len() > 1_000,
        "not the end of the path: {path}"
    );
    Ok(Outcome::Passed)
}

/// Of a working directory as deep, at an exec.
fn deep(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "deep")?;
    let name = "d".repeat(8);
    let words = ["exec-deep", "/data", &name, "200", TOOL, "tool", "nothing"];
    puppet.act(&Act::trigger(&words))?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", TOOL)
        .is("process.args", ["tool", "nothing"].to_vec())
        .want("process.cwd", Want::Starts("\u{2026}".to_owned()));
    let (report, _) = watch.expect("violation", "the program", &expect)?;
    let cwd = report["process"]["cwd"].as_str().unwrap_or_default();
    ensure!(
        cwd.ends_with(&format!("/{name}/{name}")) && cwd.len() > 500,
        "not the end of the working directory: {cwd}"
    );
    Ok(Outcome::Passed)
}

/// A folder that was moved out of what a mount shows has no path in the container any more: what
/// is made in it must not pass for a file of the mount.
fn moved_out(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let spec = Spec::new("moved", &[TRIGGER, "serve"]).mount(json!({
        "destination": "/volume", "type": "bind", "source": "rootfs/data", "options": ["rbind"],
    }));
    let mut puppet = Puppet::from_spec(session, &spec)?;
    let root = puppet.root();
    fs::create_dir(root.join("data/inside"))?;
    puppet.begin(&Act::trigger(&[
        "create-when-moved",
        "/volume/inside",
        "made",
    ]))?;
    // It is there when its working directory is.
    let pid = puppet.pid()?;
    let children = format!("/proc/{pid}/task/{pid}/children");
    crate::session::wait_for(
        "the process to go there",
        crate::session::patience(),
        || {
            let children = fs::read_to_string(&children)?;
            Ok(children.split_whitespace().find_map(|child| {
                let cwd = fs::read_link(format!("/proc/{child}/cwd")).ok()?;
                cwd.ends_with("inside").then_some(())
            }))
        },
    )?;
    fs::rename(root.join("data/inside"), root.join("tmp/outside"))?;
    ensure!(
        puppet.end()? == 0,
        "the trigger failed: {}",
        puppet.stderr()
    );
    let expect = violation(session, &puppet, "file.unknown", "HIGH")
        .is("file.operation", "CREATE")
        .want("file.path", Want::Starts("detached:".to_owned()));
    let (report, _) = watch.expect("violation", "the file", &expect)?;
    let path = report["file"]["path"].as_str().unwrap_or_default();
    ensure!(path.ends_with("/tmp/outside/made"), "another path: {path}");
    Ok(Outcome::Passed)
}

/// A file that is opened by its handle, before anybody has looked up its name, has none: it is told
/// that nothing is known of it, and not that it is the root.
fn disconnected(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let spec = Spec::new("disconnected", &[TRIGGER, "serve"])
        .capability("CAP_SYS_ADMIN")
        .capability("CAP_DAC_READ_SEARCH");
    let mut puppet = Puppet::from_spec(session, &spec)?;
    let layers = puppet.root().join("data/layers");
    for folder in ["low", "up", "work", "one", "two"] {
        fs::create_dir_all(layers.join(folder))?;
    }
    fs::write(layers.join("up/file"), "x")?;
    let words = ["hold", "open-disconnected", "/data/layers", "file"];
    let held = match puppet.hold(&Act::trigger(&words)) {
        Ok(held) => held,
        Err(error) if error.is::<Lacking>() => return Ok(Outcome::Skipped(error.to_string())),
        Err(error) => return Err(error),
    };
    let expect = file(
        violation(session, &puppet, "file.unknown", "HIGH"),
        "OPEN_WRITE",
        "detached:/",
    )
    .is("file.mount", "VOLUME")
    .is("file.target", "")
    .is("file.pathFromCaller", false)
    .is("process.pid", held.pid);
    watch.expect("violation", "the file", &expect)?;
    Ok(Outcome::Passed)
}

/// While a folder is renamed between two places its file has one of two paths, and never a mixture
/// of both.
fn renamed_meanwhile(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "renamed")?;
    let root = puppet.root();
    for folder in ["data/here/a", "data/there"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::write(root.join("data/here/a/file"), "x")?;
    puppet.act(&Act::trigger(&[
        "open-while-renamed",
        "/data/here/a",
        "/data/there/b",
        "file",
        "20000",
    ]))?;
    violations_until_now(watch, &mut puppet, "/data/end")?;
    let paths: BTreeSet<String> = about(watch, "violation", &puppet)
        .iter()
        .filter(|report| report["file"]["operation"] == "OPEN_WRITE")
        .filter_map(|report| report["file"]["path"].as_str().map(str::to_owned))
        .collect();
    let true_ones = ["/data/here/a/file", "/data/there/b/file"];
    // A walk that was overtaken too often says that its beginning is missing, and tells the rest.
    let is_marked_end = |path: &str| {
        let end = path.strip_prefix(CUT);
        end.is_some_and(|end| true_ones.iter().any(|whole| whole.ends_with(end)))
    };
    let whole = paths.iter().map(String::as_str);
    ensure!(
        whole.filter(|path| !is_marked_end(path)).eq(true_ones),
        "the file had the paths {true_ones:?}, told were {paths:?}"
    );
    Ok(Outcome::Passed)
}
