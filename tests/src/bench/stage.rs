//! What the benches run on: workers inside containers and beside them.

use super::work::Op;
use crate::agent::{Agent, Home, Mode};
use crate::container::{Container, Spec};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Containers are below this folder of the run's cgroup, and agents look nowhere else.
const TRACED: &str = "/traced";
/// The cgroup of the untraced process: egress programs reach it as they reach all of a host, but
/// it is nobody's container.
const UNTRACED: &str = "untraced";

/// The pipes of a worker.
pub struct Pipes {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Pipes {
    fn new(stdin: ChildStdin, stdout: ChildStdout) -> Self {
        let stdout = BufReader::new(stdout);
        Self { stdin, stdout }
    }

    /// Gives an order.
    pub fn send(&mut self, order: &str) -> Result<()> {
        writeln!(self.stdin, "{order}").context("the worker does not listen")
    }

    /// Waits for the answer to an order.
    pub fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        let answer: Value =
            serde_json::from_str(&line).with_context(|| format!("an answer like {line:?}"))?;
        ensure!(
            answer["error"].is_null(),
            "the worker failed: {}",
            answer["error"]
        );
        Ok(answer)
    }

    /// Gives an order and waits for the list of times it answers with, in nanoseconds.
    pub fn times(&mut self, order: &str) -> Result<Vec<u64>> {
        self.send(order)?;
        times(&self.answer()?)
    }

    /// An operation so often in each of some batches, with a pause of so many microseconds after
    /// each. Answers what each batch took, in nanoseconds.
    pub fn run(&mut self, op: Op, count: u32, batches: u32, pause: u32) -> Result<Vec<u64>> {
        self.times(&format!("run {} {count} {batches} {pause}", op.name()))
    }
}

/// The list of times in an answer.
pub fn times(answer: &Value) -> Result<Vec<u64>> {
    let times = answer["ns"].as_array().context("no times")?;
    times
        .iter()
        .map(|time| time.as_u64().context("a time"))
        .collect()
}

/// A container whose first process is a worker.
pub struct Inside<'s> {
    /// Its orders.
    pub pipes: Pipes,
    /// The container.
    pub container: Container<'s>,
}

impl<'s> Inside<'s> {
    /// Starts one.
    pub fn start(session: &'s Session, workload: &str) -> Result<Self> {
        let spec = Spec::new(workload, &["/trigger", "bench", "/data", "/bin/true"])
            .cgroup(&format!("{TRACED}/{{id}}"));
        let mut container = Container::start(session, &spec)?;
        let (stdin, stdout) = container.streams()?;
        let mut pipes = Pipes::new(stdin, stdout);
        pipes
            .answer()
            .with_context(|| format!("the container did not start: {}", container.stderr()))?;
        Ok(Self { pipes, container })
    }
}

/// A worker that no container runs, in the network namespace of one; killed when dropped.
pub struct Outside {
    /// Its orders.
    pub pipes: Pipes,
    child: Child,
}

impl Outside {
    /// Starts one.
    pub fn start(session: &Session, beside: &Inside<'_>) -> Result<Self> {
        session.cgroups.make("", UNTRACED)?;
        let folder = session.folder("untraced")?;
        let mut child = Command::new(&session.tools.busybox)
            .args(["nsenter", "-n", "-t", &beside.container.pid()?.to_string()])
            .arg(session.path("shared/trigger"))
            .arg("bench")
            .arg(&folder)
            .arg(beside.container.root().join("bin/true"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run BusyBox's nsenter")?;
        let stdin = child.stdin.take().context("no input")?;
        let stdout = child.stdout.take().context("no output")?;
        let mut outside = Self {
            pipes: Pipes::new(stdin, stdout),
            child,
        };
        outside
            .pipes
            .answer()
            .context("the untraced worker did not start")?;
        session
            .cgroups
            .enter(&format!("/{UNTRACED}"), outside.child.id())?;
        Ok(outside)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The configuration of an agent that traces the benches' containers and nothing else.
pub fn home(session: &Session, mode: Mode) -> Result<Home> {
    let mut home = Home::new(session, mode)?;
    let mut cgroups = json!({"scope": [format!("{}{TRACED}", session.cgroups.scope())]});
    if let Some(egress) = session.cgroups.egress() {
        cgroups["egress"] = egress.display().to_string().into();
    }
    home.set("cgroups", cgroups)?;
    // A flood of reports is measured as one.
    home.set("suppression", json!({"new": 1 << 30}))?;
    Ok(home)
}

/// The folder of a container's cgroup in the v2 hierarchy.
pub fn unified(session: &Session, container: &Container<'_>) -> Result<PathBuf> {
    let root = session
        .cgroups
        .egress()
        .context("no cgroup v2 is mounted: mount -t cgroup2 none /sys/fs/cgroup/unified")?;
    let below = container.cgroup();
    let folder = root.join(below.trim_start_matches('/'));
    let listed = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    let pid = container.pid()?.to_string();
    ensure!(
        listed.lines().any(|line| line == pid),
        "the container's process {pid} is not in {}: the floor program could not tell it",
        folder.display()
    );
    Ok(folder)
}

/// A number of proto3 JSON, where 64 bits are text; 0 where there is none.
pub fn number(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.parse().unwrap_or_default(),
        other => other.as_u64().unwrap_or_default(),
    }
}

/// What an agent has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that it read from the kernel.
    pub records: u64,
    /// Everything that was lost, whatever the reason.
    pub lost: u64,
    /// Violations.
    pub violations: u64,
    status: Value,
}

/// Longer than between two looks of the agent at what was lost.
const LOOKED_AT: Duration = Duration::from_millis(1_300);

impl Counts {
    /// Asks once.
    pub fn now(agent: &Agent) -> Result<Self> {
        let status = agent.status()?;
        let losses = status["losses"].as_array().into_iter().flatten();
        Ok(Self {
            records: number(&status["records"]),
            lost: losses.map(|loss| number(&loss["count"])).sum(),
            violations: number(&status["violations"]),
            status,
        })
    }

    /// Asks until nothing is on its way any more: what containers lost is looked at once a second.
    pub fn settled(agent: &Agent) -> Result<Self> {
        let mut last = Self::now(agent)?;
        let mut since = Instant::now();
        wait_for("the agent to have read all", patience(), || {
            std::thread::sleep(Duration::from_millis(100));
            let next = Self::now(agent)?;
            if (next.records, next.lost) != (last.records, last.lost) {
                since = Instant::now();
            }
            last = next;
            Ok((since.elapsed() > LOOKED_AT).then(|| last.clone()))
        })
    }

    /// How often a row fired for a traced process.
    pub fn hits(&self, row: &str) -> u64 {
        let hooks = self.status["hooks"].as_array().into_iter().flatten();
        hooks
            .filter(|hook| hook["row"] == row)
            .map(|hook| number(&hook["hits"]))
            .sum()
    }

    /// Cgroups that were made on this machine since then. Each is traced until the agent has judged whether it
    /// is a container's, and what is done in it counts meanwhile.
    pub fn strangers(&self, before: &Self) -> u64 {
        self.hits("cgroup.create") - before.hits("cgroup.create")
    }

    /// The tier of each row, by its name.
    pub fn tiers(&self) -> Value {
        let hooks = self.status["hooks"].as_array().into_iter().flatten();
        hooks
            .filter_map(|hook| Some((hook["row"].as_str()?.to_owned(), hook["tier"].clone())))
            .collect()
    }

    /// What was lost for one reason.
    pub fn lost_for(&self, reason: &str) -> u64 {
        let losses = self.status["losses"].as_array().into_iter().flatten();
        losses
            .filter(|loss| loss["reason"] == reason)
            .map(|loss| number(&loss["count"]))
            .sum()
    }

    /// What was lost, for people.
    pub fn losses(&self) -> String {
        self.status["losses"].to_string()
    }
}

/// Waits until an agent traces so many containers by their workloads' names.
pub fn wait_for_containers(agent: &Agent, count: usize) -> Result<()> {
    wait_for("the containers to be traced", patience(), || {
        let containers = agent.home.json(&["containers"])?;
        Ok((containers.len() == count).then_some(()))
    })
}
