//! An open that was judged lately is known again without a walk of its path, and nothing else is
//! taken for it.
//!
//! The kernel side keeps what it knows of a path for each processor, so all that is done here
//! is done on one. Each step warms what is kept, changes what the path depends on, and opens
//! again: what is opened then must be told under the name that it has then.

use super::common::violations_until_now;
use super::seen::count;
use crate::agent::{Agent, Mode};
use crate::container::Spec;
use crate::expect::Expect;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::{Value, json};
use std::fs;

pub const CASES: &[Case] = &[
    Case {
        name: "seen.judged-lately-is-recalled",
        run: recalled,
    },
    Case {
        name: "seen.opens-are-compared",
        run: compared,
    },
    Case {
        name: "seen.others-are-not-recalled",
        run: others,
    },
];

/// The file that is opened again and again.
const FILE: &str = "/data/d/e/f";
/// How often it is opened to be known.
const TIMES: u64 = 5;
/// A container whose processes all run on one processor, and how often [`FILE`] was opened.
struct Stage<'w, 's> {
    puppet: Puppet<'s>,
    watch: &'w mut Watch,
    opened: u64,
}

impl Stage<'_, '_> {
    fn act(&mut self, act: &[&str]) -> Result<()> {
        self.puppet
            .act(&Act::trigger(act))
            .with_context(|| act.join(" "))
    }

    fn warm(&mut self, path: &str) -> Result<()> {
        self.act(&["repeat", &TIMES.to_string(), "open-write", path])?;
        if path == FILE {
            self.opened += TIMES;
        }
        Ok(())
    }

    /// Opens a file, which must be told under this name.
    fn is_told(&mut self, path: &str, mount: &str, why: &str) -> Result<()> {
        self.warm(path)?;
        let expect = self.open_of(path, mount);
        self.watch.expect("violation", why, &expect)?;
        Ok(())
    }

    fn open_of(&self, path: &str, mount: &str) -> Expect {
        Expect::new()
            .is("file.operation", "OPEN_WRITE")
            .is("file.path", path)
            .is("file.mount", mount)
            .is("container.id", self.puppet.id.as_str())
    }

    /// Waits until the last report of a violation says that it happened so often.
    fn is_counted(&mut self, expect: &Expect, times: u64) -> Result<()> {
        count(self.watch, &self.puppet, expect, times).map(drop)
    }
}

/// Keeps a container's processes on the first processor that they may use.
pub fn pin(puppet: &Puppet<'_>) -> Result<()> {
    let pid = i32::try_from(puppet.pid()?)
        .ok()
        .and_then(Pid::from_raw)
        .context("no process")?;
    let may = sched_getaffinity(Some(pid)).context("sched_getaffinity")?;
    let first = (0..CpuSet::MAX_CPU)
        .find(|cpu| may.is_set(*cpu))
        .context("no processor")?;
    let mut only = CpuSet::new();
    only.set(first);
    sched_setaffinity(Some(pid), &only).context("sched_setaffinity")
}

/// What `doctor` says of opens is so, and peers are recalled everywhere.
fn recalled(context: &mut Context<'_>) -> Result<Outcome> {
    const MORE: u64 = 200;
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let doctor: Value = serde_json::from_str(&agent.home.call(&["doctor", "-o", "json"])?)?;
    let walks = doctor["walks"].as_str().context("doctor says no word")?;
    let mut stage = Stage {
        puppet: Puppet::start(session, "recalled")?,
        watch,
        opened: 0,
    };
    pin(&stage.puppet)?;
    for folder in ["/data/d", "/data/d/e"] {
        stage.act(&["mkdir", folder])?;
    }
    stage.act(&["create", FILE])?;
    stage.is_told(FILE, "IMAGE", "the first open")?;
    let peer = ["connect-udp", "192.0.2.9", "5000"];
    stage.act(&peer)?;
    let told = Expect::new()
        .is("egress.address", "192.0.2.9")
        .is("container.id", stage.puppet.id.as_str());
    stage.watch.expect("violation", "the first peer", &told)?;
    let rows = ["file.open", "egress.connect4"];
    let before = rows.map(|row| known_again(agent, row));
    let times = MORE.to_string();
    stage.act(&["repeat", &times, "open-write", FILE])?;
    stage.act(&[&["repeat", &times][..], &peer].concat())?;
    let mut recalled = [0; 2];
    for ((row, before), count) in rows.iter().zip(before).zip(&mut recalled) {
        *count = known_again(agent, row)? - before?;
    }
    let [opens, peers] = recalled;
    // The first of them may be kept only then: what was told before was told by others.
    let all = MORE - 2..=MORE;
    ensure!(all.contains(&peers), "{peers} of {MORE} peers");
    if walks.is_empty() {
        ensure!(all.contains(&opens), "{opens} of {MORE} opens");
        return Ok(Outcome::Measured(format!("{opens} of {MORE} opens")));
    }
    ensure!(opens == 0, "{opens} opens, though {walks}");
    Ok(Outcome::Measured(format!("no opens: {walks}")))
}

/// How often what a row sees was known again.
pub fn known_again(agent: &Agent, row: &str) -> Result<u64> {
    let status = agent.status()?;
    let hooks = status["hooks"].as_array().context("no hooks")?;
    let hook = hooks
        .iter()
        .find(|hook| hook["row"] == row)
        .with_context(|| format!("no hook {row}"))?;
    let count = hook["recalled"].as_str().unwrap_or("0");
    count.parse().with_context(|| hook.to_string())
}

fn compared(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let spec = Spec::new("compared", &[TRIGGER, "serve"])
        .overlay()
        .capability("CAP_SYS_ADMIN")
        .capability("CAP_SYS_CHROOT")
        .mount(json!({
            "destination": "/deep/mnt/v", "type": "bind", "source": "rootfs/usr", "options": ["rbind"],
        }));
    let mut stage = Stage {
        puppet: Puppet::from_spec(session, &spec)?,
        watch,
        opened: 0,
    };
    pin(&stage.puppet)?;
    for folder in ["/data/d", "/data/d/e", "/data/o", "/deep/mnt/v/a"] {
        stage.act(&["mkdir", folder])?;
    }
    for file in [FILE, "/data/o/f", "/deep/mnt/v/a/f"] {
        stage.act(&["create", file])?;
    }
    violations_until_now(stage.watch, &mut stage.puppet, "/data/before")?;
    stage.is_told(FILE, "IMAGE", "the first open")?;
    moved(&mut stage)?;
    made_anew(&mut stage)?;
    volume(&mut stage)?;
    mounted_over(&mut stage)?;
    // None of it was taken for the file, and each open of it was counted.
    let file = stage.open_of(FILE, "IMAGE").any("file.mount");
    let opened = stage.opened;
    stage.is_counted(&file, opened)?;
    Ok(Outcome::Measured(format!("{opened} opens of one file")))
}

/// The file, and folders above it, under other names.
fn moved(stage: &mut Stage<'_, '_>) -> Result<()> {
    stage.act(&["rename", FILE, "/data/d/e/g"])?;
    stage.is_told("/data/d/e/g", "IMAGE", "the file was renamed")?;
    stage.act(&["rename", "/data/d/e/g", FILE])?;
    stage.warm(FILE)?;
    stage.act(&["rename", "/data/d", "/data/x"])?;
    stage.is_told("/data/x/e/f", "IMAGE", "a folder above was renamed")?;
    stage.act(&["rename", "/data/x", "/data/d"])?;
    stage.warm(FILE)?;
    // Another folder of the same names in the other order.
    stage.act(&["rename-with", "exchange", "/data/d", "/data/o"])?;
    stage.is_told("/data/o/e/f", "IMAGE", "two folders were exchanged")?;
    stage.act(&["rename-with", "exchange", "/data/d", "/data/o"])?;
    stage.act(&["link", FILE, "/data/l"])?;
    stage.warm(FILE)?;
    stage.is_told("/data/l", "IMAGE", "a hard link")?;
    // From another root the path is still the container's, and it counts.
    stage.act(&["link", TRIGGER, "/data/trigger"])?;
    let act = ["chroot-exec", "/data", "/trigger", "trigger"];
    stage.act(&[&act[..], &["open-write", "/d/e/f"]].concat())?;
    stage.opened += 1;
    Ok(())
}

/// Other files and folders, which may get the addresses and inode numbers of those before.
fn made_anew(stage: &mut Stage<'_, '_>) -> Result<()> {
    stage.warm(FILE)?;
    stage.act(&["delete", FILE])?;
    stage.act(&["create", FILE])?;
    stage.warm(FILE)?;
    for round in 0..5 {
        stage.act(&["delete", FILE])?;
        stage.act(&["rmdir", "/data/d/e"])?;
        let folder = format!("/data/o/{round}");
        let file = format!("{folder}/f");
        stage.act(&["mkdir", &folder])?;
        stage.act(&["create", &file])?;
        stage.is_told(&file, "IMAGE", "another folder")?;
        stage.act(&["mkdir", "/data/d/e"])?;
        stage.act(&["create", FILE])?;
        stage.warm(FILE)?;
    }
    Ok(())
}

/// A volume whose folders the host moves, and whose place the container moves.
fn volume(stage: &mut Stage<'_, '_>) -> Result<()> {
    stage.is_told("/deep/mnt/v/a/f", "VOLUME", "the first open on a volume")?;
    // As the runtime found it: below the container's root, which is not that of the host.
    let usr = format!("/proc/{}/root/usr", stage.puppet.pid()?);
    fs::rename(format!("{usr}/a"), format!("{usr}/b")).context("rename on the host")?;
    stage.is_told("/deep/mnt/v/b/f", "VOLUME", "the host renamed a folder")?;
    stage.act(&["rename", "/deep", "/deeper"])?;
    stage.is_told("/deeper/mnt/v/b/f", "VOLUME", "a folder above the volume")
}

/// Another folder in the place of one, by a mount.
fn mounted_over(stage: &mut Stage<'_, '_>) -> Result<()> {
    stage.warm(FILE)?;
    stage.act(&["bind", "/data/o", "/data/d/e"])?;
    // What the mount hides is told by what it shows.
    stage.act(&["create", "/data/d/e/shown"])?;
    stage.is_told("/data/d/e/shown", "VOLUME", "below a mount")?;
    stage.warm(FILE)?;
    stage.act(&["rename", "/data/d", "/data/y"])?;
    stage.is_told("/data/y/e/f", "VOLUME", "a folder above the mount")?;
    stage.act(&["rename", "/data/y", "/data/d"])?;
    stage.act(&["unmount", "/data/d/e"])?;
    stage.is_told("/data/o/shown", "IMAGE", "below no mount any more")?;
    stage.warm(FILE)
}

/// What differs in something else than the path, or in the address, is not what was judged.
fn others(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut stage = Stage {
        puppet: Puppet::start(session, "others")?,
        watch,
        opened: 0,
    };
    pin(&stage.puppet)?;
    for folder in ["/data/d", "/data/d/e"] {
        stage.act(&["mkdir", folder])?;
    }
    stage.act(&["create", FILE])?;
    violations_until_now(stage.watch, &mut stage.puppet, "/data/before")?;
    stage.is_told(FILE, "IMAGE", "the first open")?;
    stage.warm(FILE)?;
    let known = stage.open_of(FILE, "IMAGE");
    // Names that begin or end alike, and of the lengths at which words end.
    for name in [
        "ff",
        "f1234567",
        "f12345678",
        "g",
        "f123456789abcdef0123456789abcd",
    ] {
        let file = format!("/data/d/e/{name}");
        stage.act(&["create", &file])?;
        stage.is_told(&file, "IMAGE", "another name")?;
        let longer = format!("{file}x");
        stage.act(&["create", &longer])?;
        stage.is_told(&longer, "IMAGE", "a longer name")?;
    }
    // Longer than names that stand in their entries, deeper than what is kept.
    let long = format!("/data/d/e/{}", "n".repeat(60));
    let deep = format!("/data/{}f", "a/".repeat(9));
    stage.act(&["create", &long])?;
    stage.is_told(&long, "IMAGE", "a long name")?;
    for depth in 1..=9 {
        stage.act(&["mkdir", &format!("/data/{}", "a/".repeat(depth))])?;
    }
    stage.act(&["create", &deep])?;
    stage.is_told(&deep, "IMAGE", "a deep path")?;
    // Another operation, and another phase.
    stage.act(&["delete", FILE])?;
    stage.act(&["create", FILE])?;
    let made = Expect::new()
        .is("file.operation", "CREATE")
        .is("file.path", FILE);
    let told = stage
        .puppet
        .exec(&[TRIGGER, "open-write", FILE])
        .output()
        .context("runc exec")?;
    ensure!(told.status.success(), "runc exec: {told:?}");
    let guest = known.clone().is("process.phase", "EXEC");
    stage.watch.expect("violation", "by a guest", &guest)?;
    // Peers: each word of the address, the port, the protocol.
    let mut peers = Vec::new();
    for (act, address, port) in [
        (["connect-udp", "2001:db8::1", "5000"], "2001:db8::1", 5000),
        (
            ["connect-udp", "2001:db8:0:1::1", "5000"],
            "2001:db8:0:1::1",
            5000,
        ),
        (
            ["connect-udp", "2001:db8:0:1::1", "5001"],
            "2001:db8:0:1::1",
            5001,
        ),
        (["connect-udp", "192.0.2.9", "5000"], "192.0.2.9", 5000),
        (["connect-udp", "192.0.2.10", "5000"], "192.0.2.10", 5000),
    ] {
        stage.act(&act)?;
        let peer = Expect::new()
            .is("egress.address", address)
            .is("egress.port", port)
            .is("egress.protocol", "UDP")
            .is("container.id", stage.puppet.id.as_str());
        stage.watch.expect("violation", "another peer", &peer)?;
        let times = TIMES.to_string();
        stage.act(&[&["repeat", &times][..], &act].concat())?;
        peers.push(peer);
    }
    // Counts come once in a while, so all of them last.
    stage.is_counted(&made, 2)?;
    for peer in &peers {
        stage.is_counted(peer, TIMES + 1)?;
    }
    // None of them was taken for the file.
    let opened = stage.opened;
    stage.is_counted(&known.is("process.phase", "MAIN"), opened)?;
    Ok(Outcome::Passed)
}
