//! Ends what a cluster was made of, whatever becomes of whoever made it.
//!
//! It is a process of its own, in a group of its own, so that a Ctrl-C in a terminal does not reach it: it waits
//! until the other end of its input is gone, by a good end, a failure or a kill, and then ends every process that has
//! the cluster's mark in its environment or lives in its cgroup. Mounts, interfaces and addresses go with the last
//! process of the cluster's namespaces. It holds the lock by which there is one cluster for each folder, until all is gone.

use super::cgroups;
use crate::shell;
use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The variable that marks processes; its value is the cluster's folder.
pub const MARK: &str = "LAPWING_CLUSTER_PROOF";
/// The hidden command by which it is started.
pub const COMMAND: &str = "cluster-keeper";
/// Below the cluster's folder, what is removed at the end.
pub const NODE: &str = "node";
const LOCK: &str = "lock";
/// How often it looks whether what it killed is gone: for 10 s.
const LOOKS: u32 = 100;

/// The other end of it.
pub struct Keeper(Child);

impl Keeper {
    /// Starts one, which first ends what a cluster left there that was killed together with its keeper.
    pub fn start(folder: &Path) -> Result<Self> {
        shell::folder(folder)?;
        let program = std::env::current_exe().context("where this program is")?;
        let mut keeper = Command::new(program)
            .arg(COMMAND)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("cannot start the keeper")?;
        let answer = keeper.stdout.take().context("no output of the keeper")?;
        let mut line = String::new();
        BufReader::new(answer).read_line(&mut line)?;
        ensure!(
            line == "ready\n",
            "no cluster can be made in {}",
            folder.display()
        );
        Ok(Self(keeper))
    }

    /// Has it end the cluster, and waits until that is done.
    pub fn end(mut self) -> Result<()> {
        drop(self.0.stdin.take());
        let status = self.0.wait().context("cannot wait for the keeper")?;
        ensure!(
            status.success(),
            "not all of the cluster was ended: {status}"
        );
        Ok(())
    }
}

/// What the process does.
pub fn run(folder: &Path) -> Result<()> {
    let lock = File::create(folder.join(LOCK)).context("cannot make the lock")?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("another cluster runs in {}", folder.display());
    }
    end(folder).context("what an earlier cluster left")?;
    println!("ready");
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    end(folder)
}

/// Ends everything of a cluster.
fn end(folder: &Path) -> Result<()> {
    gone("processes with the cluster's mark", || marked(folder))?;
    let scope = cgroups::scope(folder);
    gone("processes in the cluster's cgroup", || {
        cgroups::processes(&scope)
    })?;
    cgroups::remove(&scope)?;
    let node = folder.join(NODE);
    if node.exists() {
        fs::remove_dir_all(&node).with_context(|| format!("cannot remove {}", node.display()))?;
    }
    Ok(())
}

/// Kills until there are none.
fn gone(what: &str, find: impl Fn() -> Vec<i32>) -> Result<()> {
    for _ in 0..LOOKS {
        let found = find();
        if found.is_empty() {
            return Ok(());
        }
        for pid in found.into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("{what} do not end: {:?}", find())
}

fn marked(folder: &Path) -> Vec<i32> {
    let wanted = format!("{MARK}={}", folder.display()).into_bytes();
    let is_marked = |path: PathBuf| {
        let text = fs::read(path.join("environ")).unwrap_or_default();
        text.split(|byte| *byte == 0).any(|entry| entry == wanted)
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    { processes }
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(_, path)| is_marked(path.clone()))
        .map(|(pid, _)| pid)
        .collect()
}
