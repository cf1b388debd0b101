//! Disks that are full, or so slow that nothing comes back from them, while the agent runs: it goes on, says
//! so, and writes what memory held when it can.

use super::common::{number, violations_until_now};
use super::feed::{follow, paths};
use crate::agent::{Agent, Home, Mode};
use crate::expect::{Expect, Want};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{MemoryMount, Session};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const CASES: &[Case] = &[
    Case {
        name: "feed.full",
        run: full,
    },
    Case {
        name: "feed.slow",
        run: slow,
    },
];

/// That the feed is not written, by revision, with words of the reason.
fn degraded(revision: u64, detail: &str) -> Expect {
    Expect::new()
        .is("rule", "sensor.degraded")
        .is("degraded.reason", "feed-not-written")
        .is("revision", revision)
        .want("degraded.detail", Want::Holds(detail.to_owned()))
}

/// The log as a new agent has it, up to the violation of a file that is made now: which files, and how
/// many records it says it lost.
fn anew(agent: Agent, puppet: &mut Puppet<'_>) -> Result<(Vec<String>, u64)> {
    let agent = agent.kill()?.start()?;
    let mut client = follow(&agent.home, &["--since", "1h"])?;
    violations_until_now(&mut client, puppet, "/data/end")?;
    let lost = client.of_kind("gap").into_iter();
    let lost = lost.filter(|gap| gap["reason"] == "log-lost");
    Ok((
        paths(&client),
        lost.filter_map(|gap| number(&gap["count"])).sum(),
    ))
}

fn lost(agent: &Agent) -> Result<u64> {
    let status = agent.status()?;
    Ok(number(&status["feed"]["lost"]).unwrap_or_default())
}

/// Fills a file system to the last byte.
fn fill(path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    for length in [4096, 1] {
        loop {
            match file.write(&vec![0; length]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// No room is left on the feed's file system, then there is some again.
fn full(context: &mut Context<'_>) -> Result<Outcome> {
    const FILES: u64 = 40;
    context.alone();
    let session = context.session;
    let home = Home::new(session, Mode::Monitor)?;
    let folder = home.state().join("feed");
    fs::create_dir_all(&folder)?;
    let _mount = MemoryMount::new(&folder, 1 << 20)?;
    let mut puppet = Puppet::start(session, "feed-full")?;
    let agent = home.start()?;
    let mut client = follow(&agent.home, &["--since", "1h"])?;
    violations_until_now(&mut client, &mut puppet, "/data/before")?;
    let filler = folder.join("filler");
    fill(&filler)?;
    puppet.act(&Act::trigger(&[
        "create-words",
        "/data/full-",
        &FILES.to_string(),
    ]))?;
    let told = degraded(1, "No space left on device");
    let (told, _) = client.expect("violation", "the trouble", &told)?;
    violations_until_now(&mut client, &mut puppet, "/data/held")?;
    ensure!(
        agent.status()?["feed"]["trouble"].is_string(),
        "the status does not tell of it"
    );
    fs::remove_file(&filler)?;
    let over = degraded(2, "over: ").is("id", told["id"].clone());
    client.expect("violation", "the end of it", &over)?;
    let given = paths(&client);
    ensure!(given.len() as u64 == FILES + 2, "{given:?}");
    ensure!(lost(&agent)? == 0, "memory had room for all");
    let (log, missing) = anew(agent, &mut puppet)?;
    ensure!(
        missing == 0 && log[..given.len()] == given,
        "the client was given {given:?}, the log has {log:?} and misses {missing}"
    );
    Ok(Outcome::Passed)
}

/// A file system on a loop device; gone when dropped.
struct Loop {
    busybox: PathBuf,
    at: PathBuf,
}

impl Loop {
    /// Mounts one on a folder; none where this machine has no loop devices or no ext4.
    fn new(session: &Session, at: &Path) -> Result<Option<Self>> {
        let systems = fs::read_to_string("/proc/filesystems")?;
        if !Path::new("/dev/loop-control").exists() || !systems.contains("\text4\n") {
            return Ok(None);
        }
        let image = session.folder("disk")?.join("image");
        File::create(&image)?.set_len(16 << 20)?;
        let this = Self {
            busybox: session.tools.busybox.clone(),
            at: at.to_path_buf(),
        };
        this.run(&["mke2fs", "-F"], &image)?;
        let image = image.to_str().context("a path that is no text")?;
        this.run(&["mount", "-t", "ext4", "-o", "loop", image], at)?;
        Ok(Some(this))
    }

    fn run(&self, words: &[&str], path: &Path) -> Result<()> {
        let mut command = Command::new(&self.busybox);
        command.args(words).arg(path).stdin(Stdio::null());
        let output = command.output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{words:?}: {error}");
        Ok(())
    }

    /// From here on no write to it ends, until what is answered is dropped.
    fn freeze(&self) -> Result<Frozen<'_>> {
        self.run(&["fsfreeze", "--freeze"], &self.at)?;
        Ok(Frozen(self))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = self.run(&["umount"], &self.at);
    }
}

/// Who writes waits, and cannot even be killed: so this must go before the agent.
struct Frozen<'l>(&'l Loop);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        let _ = self.0.run(&["fsfreeze", "--unfreeze"], &self.0.at);
    }
}

/// The disk takes nothing for a while. Memory holds what it may; then reports are offered without the
/// disk, and what memory drops is counted.
fn slow(context: &mut Context<'_>) -> Result<Outcome> {
    /// Reports that memory holds.
    const HELD: u64 = 50;
    const FILES: u64 = 200;
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("feed", json!({"items": HELD}))?;
    let folder = home.state().join("feed");
    fs::create_dir_all(&folder)?;
    let Some(disk) = Loop::new(session, &folder)? else {
        return Ok(Outcome::Skipped(
            "this machine has no loop devices, or no ext4".to_owned(),
        ));
    };
    let mut puppet = Puppet::start(session, "feed-slow")?;
    let agent = home.start()?;
    let mut client = follow(&agent.home, &["--since", "1h"])?;
    violations_until_now(&mut client, &mut puppet, "/data/before")?;
    let frozen = disk.freeze()?;
    puppet.act(&Act::trigger(&[
        "create-words-slowly",
        "/data/slow-",
        &FILES.to_string(),
    ]))?;
    let told = degraded(1, "takes longer than");
    let (told, _) = client.expect("violation", "the trouble", &told)?;
    // While it still takes nothing, the sensor goes on and is heard.
    violations_until_now(&mut client, &mut puppet, "/data/held")?;
    drop(frozen);
    let over = degraded(2, "over: ").is("id", told["id"].clone());
    client.expect("violation", "the end of it", &over)?;
    let given = paths(&client);
    let dropped = lost(&agent)?;
    ensure!(dropped > 0, "memory held more than {HELD}");
    // What it dropped before anybody could have it, the client is told of. Something else than these
    // files may be among it, as an update.
    let unseen = FILES + 2 - given.len() as u64;
    let gaps = client.of_kind("gap").into_iter();
    let told: u64 = gaps.filter_map(|gap| number(&gap["count"])).sum();
    ensure!(
        (unseen..=unseen + 2).contains(&told) && told <= dropped,
        "{unseen} files were not given to the client, {told} told of, {dropped} dropped"
    );
    let all = FILES + 2;
    let (log, missing) = anew(agent, &mut puppet)?;
    ensure!(
        missing == dropped,
        "{dropped} were dropped, but gaps of {missing}"
    );
    let kept = log.iter().filter(|path| *path != "/data/end").count() as u64;
    ensure!(
        (all - kept..=all - kept + 2).contains(&dropped),
        "of {all} files {kept} are in the log, and {dropped} reports were dropped"
    );
    ensure!(
        log.contains(&"/data/held".to_owned()),
        "what was held is not in the log: {log:?}"
    );
    Ok(Outcome::Measured(format!(
        "of {all} files' reports {dropped} found no room in memory, {told} of them before a client had them"
    )))
}
