//! Which files of its image a container uses, as `lapwing inventory` tells.

use super::common::{learned_until_now, profile, promote};
use super::loader::{LOADERS, found, libraries};
use crate::agent::{Agent, Home, Mode};
use crate::container::Spec;
use crate::expect::Expect;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

pub const CASES: &[Case] = &[
    Case {
        name: "inventory.use",
        run: uses,
    },
    Case {
        name: "inventory.flood",
        run: flood,
    },
];

const WORKLOAD: &str = "inventoried";
const BUSYBOX: &str = "/bin/busybox";
/// Files that a flood opens.
const FLOOD: usize = 20_000;

/// Goes below a root of its own, as a container in the container does, and uses two files there.
const NESTED: &str = "exec busybox unshare -m busybox sh -c 'set -e
busybox mount -t tmpfs none /tmp
cd /tmp
mkdir old
cp /bin/busybox busybox
echo > nested-file
busybox pivot_root . old
cd /
/busybox cat /nested-file'";

/// What was used, by path.
type Files = BTreeMap<String, Value>;

/// The inventory, once it holds all of these with these uses.
fn holding(home: &Home, wanted: &[(&str, &str)]) -> Result<(Value, Files)> {
    let mut last = String::new();
    let got = wait_for("the inventory", patience(), || {
        let export = home.json(&["inventory", WORKLOAD])?.swap_remove(0);
        let files = files(&export)?;
        let missing = wanted.iter().find(|(path, how)| {
            let uses = files.get(*path).and_then(|file| file["use"].as_array());
            !uses.is_some_and(|uses| uses.contains(&json!(how)))
        });
        if let Some((path, how)) = missing {
            last = format!("no {path} with {how} among {:?}", files.keys());
            return Ok(None);
        }
        Ok(Some((export, files)))
    });
    got.with_context(|| last)
}

fn files(export: &Value) -> Result<Files> {
    let list = export["files"].as_array().context("no files")?;
    let path = |file: &Value| file["path"].as_str().map(str::to_owned);
    list.iter()
        .map(|file| Ok((path(file).context("no path")?, file.clone())))
        .collect()
}

/// A dynamically linked program of this machine, put into the container with what it needs; what is to be
/// seen of it. None where there is none.
fn linked(context: &Context<'_>, root: &Path) -> Result<Vec<String>> {
    let runc = found(&context.session.tools.runc).context("runc is not in PATH")?;
    let Some(loader) = LOADERS.iter().map(Path::new).find(|path| path.exists()) else {
        return Ok(Vec::new());
    };
    let Some(libraries) = libraries(loader, &runc)? else {
        return Ok(Vec::new());
    };
    let mut needed = Vec::new();
    for file in libraries.iter().map(PathBuf::as_path).chain([loader]) {
        let to = root.join(file.strip_prefix("/")?);
        fs::create_dir_all(to.parent().context("a file without a folder")?)?;
        fs::copy(file, &to)?;
        needed.push(file.display().to_string());
    }
    fs::copy(&runc, root.join("usr/bin/linked"))?;
    Ok(needed)
}

/// Whether the agent sees opens by system calls alone.
fn by_calls(agent: &Agent) -> Result<bool> {
    let status = agent.status()?;
    let mut hooks = status["hooks"].as_array().into_iter().flatten();
    Ok(hooks.any(|hook| hook["row"] == "file.open" && hook["tier"] == "B"))
}

fn uses(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let spec = Spec::new(WORKLOAD, &[TRIGGER, "serve"]).capability("CAP_SYS_ADMIN");
    let mut puppet = Puppet::from_spec(session, &spec.overlay())?;
    let root = puppet.root();
    let needed = linked(context, &root)?;
    fs::write(
        root.join("usr/bin/script"),
        "#!/bin/sh\nread x < /etc/link\n",
    )?;
    fs::set_permissions(
        root.join("usr/bin/script"),
        fs::Permissions::from_mode(0o755),
    )?;
    symlink("group", root.join("etc/link"))?;

    puppet.act(&Act::program("/bin/cat", "cat").args(&["/etc/passwd"]))?;
    puppet.act(&Act::program("/bin/ls", "ls").args(&["/etc/../volume", "/usr/bin"]))?;
    puppet.act(&Act::program("/usr/bin/script", "script"))?;
    let mut wanted = vec![
        (TRIGGER, "exec"),
        (BUSYBOX, "exec"),
        ("/etc/passwd", "open"),
        ("/usr/bin", "list"),
        ("/usr/bin/script", "open"),
        // By a link: the file that it leads to.
        ("/etc/group", "open"),
    ];
    if !needed.is_empty() {
        puppet.act(&Act::program("/usr/bin/linked", "linked").args(&["--version"]))?;
        wanted.push(("/usr/bin/linked", "exec"));
        for path in &needed {
            let is_loader = LOADERS.contains(&path.as_str());
            wanted.push((path, if is_loader { "exec" } else { "open" }));
        }
    }
    // Where system calls alone are seen, programs are told by their execs, which do not know roots apart.
    if !by_calls(&agent)? {
        puppet.act(&Act::program("/bin/sh", "sh").args(&["-c", NESTED]))?;
        // It copies it.
        wanted.push((BUSYBOX, "open"));
    }
    learned_until_now(&mut watch, &mut puppet, "/data/mark")?;
    let (export, files) = holding(&agent.home, &wanted)?;
    // Neither what the runtime opens before it enters the root, nor what lies below another one.
    for path in files.keys() {
        let file = root.join(path.trim_start_matches('/'));
        ensure!(file.symlink_metadata().is_ok(), "the image has no {path}");
    }
    // What nobody opened, what is no file of the image, and what was made is not there.
    for path in [
        "/usr/bin/tool",
        "/usr/bin/sleep",
        "/etc/link",
        "/etc",
        "/volume",
        "/data/mark",
        "/bin/cat",
        "/bin/sh",
        "/proc",
        "/dev/null",
        "/etc/resolv.conf",
    ] {
        ensure!(
            !files.contains_key(path),
            "{path} was not used: {}",
            files[path]
        );
    }
    let is_overlay = puppet.is_overlay();
    for (path, changed) in [
        ("/etc/passwd", false),
        (BUSYBOX, false),
        ("/usr/bin/script", is_overlay),
    ] {
        ensure!(files[path]["changed"] == json!(changed), "{}", files[path]);
    }
    ensure!(
        export["instances"] == 1 && export["incomplete"] == json!([]),
        "{export}"
    );
    let text = agent.home.call(&["inventory", WORKLOAD])?;
    ensure!(text.contains("no proof that it is not needed"), "{text}");

    // Compared, it notes nothing; and what was noted outlasts the agent.
    promote(&agent.home, WORKLOAD)?;
    puppet.act(&Act::trigger(&["create", "/data/after"]))?;
    let after = Expect::new()
        .is("container.id", puppet.id.as_str())
        .is("file.path", "/data/after");
    watch.expect("violation", "the first deviation", &after)?;
    puppet.act(&Act::program("/bin/cat", "cat").args(&["/etc/resolv.conf"]))?;
    let home = agent.stop()?;
    let agent = home.start()?;
    puppet.act(&Act::program("/bin/cat", "cat").args(&["/etc/resolv.conf"]))?;
    let (again, after) = holding(&agent.home, &wanted)?;
    ensure!(
        !after.contains_key("/etc/resolv.conf"),
        "noted while it is compared"
    );
    let uses = |files: &Files| -> Vec<_> {
        let of = |(path, file): (&String, &Value)| (path.clone(), file["use"].clone());
        files.iter().map(of).collect()
    };
    ensure!(
        uses(&after) == uses(&files),
        "before {files:?}, after {after:?}"
    );
    ensure!(again["incomplete"] == json!([]), "{again}");
    drop(puppet);
    agent.stop()?;
    Ok(Outcome::Passed)
}

fn flood(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let mut puppet =
        Puppet::from_spec(session, &Spec::new(WORKLOAD, &[TRIGGER, "serve"]).overlay())?;
    let many = puppet.root().join("many");
    fs::create_dir(&many)?;
    for n in 0..FLOOD {
        fs::write(many.join(format!("f{n}")), "")?;
    }
    let before = agent.status()?["losses"].clone();
    let script =
        "cat /many/* > /dev/null & for n in a b c d e f g h; do echo > /data/during-$n; done; wait";
    puppet.act(&Act::program("/bin/sh", "sh").args(&["-c", script]))?;
    learned_until_now(&mut watch, &mut puppet, "/data/mark")?;
    let mut counts = (0, 0);
    let whole = wait_for("each file to be noted or shed", patience(), || {
        let (export, files) = holding(&agent.home, &[(BUSYBOX, "exec"), ("/many", "list")])?;
        let noted = { files.keys() }.filter(|path| path.starts_with("/many/f"));
        let noted = noted.count();
        let shed = export["missing"]["shed"].as_u64().context("no count")? as usize;
        counts = (noted, shed);
        ensure!(noted + shed <= FLOOD, "more than there are");
        Ok((noted + shed == FLOOD).then_some((export, noted, shed)))
    });
    let (export, noted, shed) =
        whole.with_context(|| format!("{counts:?} noted and shed of {FLOOD}"))?;
    ensure!(noted >= 4_096 && shed > 0, "{noted} noted, {shed} shed");
    let said = export["incomplete"][0].as_str().unwrap_or_default();
    ensure!(
        said.starts_with(&format!("{shed} first uses of files were shed")),
        "{export}"
    );
    // No behaviour was lost for it.
    let status = agent.status()?;
    ensure!(
        status["losses"] == before,
        "before {before}, after {}",
        status["losses"]
    );
    ensure!(
        status["containerLosses"]
            .as_array()
            .is_none_or(Vec::is_empty),
        "{}",
        status["containerLosses"]
    );
    let name = profile(&agent.home, WORKLOAD)?;
    let known = agent.home.call(&["profile", "show", &name])?;
    for path in ["/data/during-a", "/data/during-h", "/data/mark"] {
        ensure!(known.contains(path), "no {path} in {known}");
    }
    drop(puppet);
    agent.stop()?;
    Ok(Outcome::Passed)
}
