//! An exec that was judged lately is known again without a walk of its path and without a hash, and
//! nothing else is taken for it.
//!
//! As with opens ([`super::recall`]) all is done on one processor: what is kept is warmed, then one
//! thing changes on which the exec's key depends, or of which the record tells.

use super::common::{TOOL, violations_until_now};
use super::execs::child;
use super::recall::{known_again, pin};
use super::seen::count;
use crate::agent::Mode;
use crate::container::Spec;
use crate::expect::Expect;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

pub const CASES: &[Case] = &[
    Case {
        name: "seen.exec.judged-lately-is-recalled",
        run: recalled,
    },
    Case {
        name: "seen.exec.recall-is-compared",
        run: compared,
    },
    Case {
        name: "seen.exec.recall-keeps-no-other-mount",
        run: mounted,
    },
];

const BUSYBOX: &str = "/bin/busybox";
/// How often a program is executed to be known.
const TIMES: u64 = 5;
/// How often it is executed then.
const MORE: u64 = 100;
/// What is executed all the time.
const KNOWN: [&str; 3] = [TOOL, "tool", "nothing"];

fn repeat(puppet: &mut Puppet<'_>, times: u64, argv: &[&str]) -> Result<()> {
    let times = times.to_string();
    puppet
        .act(&Act::trigger(
            &[&["repeat", &times, "child"], argv].concat(),
        ))
        .with_context(|| argv.join(" "))
}

/// What `doctor` says of execs is so.
fn recalled(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let doctor: Value = serde_json::from_str(&agent.home.call(&["doctor", "-o", "json"])?)?;
    let walks = doctor["walksExecs"]
        .as_str()
        .context("doctor says no word")?;
    let mut puppet = Puppet::start(session, "exec-recalled")?;
    pin(&puppet)?;
    puppet.act(&child(&KNOWN))?;
    violations_until_now(watch, &mut puppet, "/data/before")?;
    repeat(&mut puppet, TIMES, &KNOWN)?;
    let before = known_again(agent, "process.exec")?;
    repeat(&mut puppet, MORE, &KNOWN)?;
    let again = known_again(agent, "process.exec")? - before;
    let is = Expect::new().is("exec.path", TOOL).is("exec.name", "");
    count(watch, &puppet, &is, 1 + TIMES + MORE)?;
    if walks.is_empty() {
        // Each is issued by the trigger, whose own exec may be among them.
        ensure!(
            (MORE - 2..=MORE + 2).contains(&again),
            "{again} of {MORE} execs"
        );
        return Ok(Outcome::Measured(format!("{again} of {MORE} execs")));
    }
    ensure!(again == 0, "{again} execs, though {walks}");
    Ok(Outcome::Measured(format!("no execs: {walks}")))
}

struct Stage<'w, 's> {
    puppet: Puppet<'s>,
    watch: &'w mut Watch,
    known: u64,
}

impl Stage<'_, '_> {
    fn warm(&mut self) -> Result<()> {
        self.known += TIMES;
        repeat(&mut self.puppet, TIMES, &KNOWN)
    }

    /// Executes what must be told, and the known program again.
    fn is_told(&mut self, argv: &[&str], expect: Expect, why: &str) -> Result<()> {
        repeat(&mut self.puppet, 1, argv)?;
        let expect = expect.is("container.id", self.puppet.id.as_str());
        self.watch.expect("violation", why, &expect)?;
        self.warm()
    }

    fn act(&mut self, act: &[&str]) -> Result<()> {
        self.puppet
            .act(&Act::trigger(act))
            .with_context(|| act.join(" "))
    }
}

fn exec(path: &str, name: &str) -> Expect {
    Expect::new().is("exec.path", path).is("exec.name", name)
}

fn compared(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut stage = Stage {
        puppet: Puppet::start(session, "exec-compared")?,
        watch,
        known: 0,
    };
    pin(&stage.puppet)?;
    stage.warm()?;
    violations_until_now(stage.watch, &mut stage.puppet, "/data/before")?;
    // The invoked name, told by the first argument, by a longer one, and by the second.
    for name in ["other", "tool2", "too", "t"] {
        stage.is_told(&[TOOL, name, "nothing"], exec(TOOL, name), "another name")?;
    }
    repeat(&mut stage.puppet, TIMES, &[BUSYBOX, "busybox", "true"])?;
    stage.is_told(
        &[BUSYBOX, "busybox", "id"],
        exec(BUSYBOX, "id"),
        "another second argument",
    )?;
    // By another parent.
    repeat(
        &mut stage.puppet,
        TIMES,
        &[BUSYBOX, "sh", "-c", "/usr/bin/tool nothing; true"],
    )?;
    let by_shell = exec(TOOL, "")
        .is("exec.parent", BUSYBOX)
        .is("container.id", stage.puppet.id.as_str());
    stage
        .watch
        .expect("violation", "by another parent", &by_shell)?;
    stage.warm()?;
    // The file by another name, folders above it under other names, and back.
    stage.act(&["link", TOOL, "/usr/bin/linked"])?;
    stage.is_told(
        &["/usr/bin/linked", "tool", "nothing"],
        exec("/usr/bin/linked", "tool"),
        "a hard link",
    )?;
    stage.act(&["rename", "/usr/bin", "/usr/moved"])?;
    repeat(
        &mut stage.puppet,
        1,
        &["/usr/moved/tool", "tool", "nothing"],
    )?;
    let moved = exec("/usr/moved/tool", "").is("container.id", stage.puppet.id.as_str());
    stage.watch.expect("violation", "a moved folder", &moved)?;
    stage.act(&["rename", "/usr/moved", "/usr/bin"])?;
    stage.warm()?;
    // What is not in the key is told nonetheless: arguments and working directory.
    for (index, folder) in ["/", "/volume", "/data", "/"].into_iter().enumerate() {
        let path = format!("/data/file{index}");
        let act = Act::program(TOOL, "tool")
            .args(&["create", &path])
            .cwd(folder);
        stage.puppet.act(&act)?;
        stage.known += 1;
        let expect = Expect::new()
            .is("container.id", stage.puppet.id.as_str())
            .is("file.path", path.as_str())
            .is("process.exe", TOOL)
            .is("process.args", ["tool", "create", &path].to_vec())
            .is("process.cwd", folder);
        stage.watch.expect("violation", &path, &expect)?;
    }
    let known = exec(TOOL, "")
        .is("exec.parent", TRIGGER)
        .is("container.id", stage.puppet.id.as_str());
    count(stage.watch, &stage.puppet, &known, stage.known)?;
    drifted(context)
}

/// A program that was changed after it was known lies in the upper layer.
fn drifted(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let spec = Spec::new("exec-drifted", &[TRIGGER, "serve"]).overlay();
    let mut stage = Stage {
        puppet: Puppet::from_spec(session, &spec)?,
        watch,
        known: 0,
    };
    pin(&stage.puppet)?;
    stage.warm()?;
    violations_until_now(stage.watch, &mut stage.puppet, "/data/before")?;
    stage.warm()?;
    stage.act(&["chmod-to", "755", TOOL])?;
    repeat(&mut stage.puppet, 1, &KNOWN)?;
    let drift = Expect::new()
        .is("exec.path", TOOL)
        .is("exec.origin", "UPPER_LAYER")
        .is("container.id", stage.puppet.id.as_str());
    stage
        .watch
        .expect("violation", "a changed program", &drift)?;
    Ok(Outcome::Passed)
}

/// A program of the image is known; another name of it is news, by a process that has opened a file on
/// a volume for writing. What is kept of that must not be taken for a program on the volume, of the
/// same name, whose path is as long.
fn mounted(context: &mut Context<'_>) -> Result<Outcome> {
    const OURS: &str = "/folder/tool";
    const THEIRS: &str = "/volume/tool";
    const RENAMED: [&str; 3] = ["./tool", "other", "nothing"];
    /// With so many entries of the folder it is nineteen to one that one has the place of the one
    /// that is kept: that is told by their addresses. More have no room in the table of what was seen.
    const ENTRIES: &str = "360";
    const AFTER: u64 = 50;
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "exec-mounted")?;
    pin(&puppet)?;
    for act in [
        Act::trigger(&["mkdir", "/folder"]),
        Act::trigger(&["link", TOOL, OURS]),
        child(&[BUSYBOX, "busybox", "cp", TOOL, "/volume/copy"]),
        Act::trigger(&["repeat", "5", "child", "./tool", "tool", "nothing"]).cwd("/folder"),
    ] {
        puppet.act(&act)?;
    }
    violations_until_now(watch, &mut puppet, "/data/before")?;
    let write = ["write-exec", "/volume/new"];
    puppet.act(&Act::trigger(&[&write[..], &RENAMED].concat()).cwd("/folder"))?;
    let entries = ["child-entries", "/volume/copy", "./tool", ENTRIES];
    puppet.act(&Act::trigger(&[&entries[..], &RENAMED[1..]].concat()).cwd("/volume"))?;
    let theirs = exec(THEIRS, "other")
        .is("exec.origin", "VOLUME")
        .is("container.id", puppet.id.as_str());
    watch.expect("violation", "a program of the volume", &theirs)?;
    let after = AFTER.to_string();
    let again = ["repeat", &after, "child"];
    puppet.act(&Act::trigger(&[&again[..], &RENAMED].concat()).cwd("/folder"))?;
    count(watch, &puppet, &exec(OURS, "other"), 1 + AFTER)?;
    Ok(Outcome::Passed)
}
