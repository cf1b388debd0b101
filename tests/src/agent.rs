//! The agent under test, as a process of its own, driven by its command line only.

use crate::pod::Pod;
use crate::session::{Session, wait_for};
use crate::watch::Watch;
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Loading programs takes seconds where every instruction is emulated.
const START: Duration = Duration::from_secs(90);
const STOP: Duration = Duration::from_secs(20);
/// The cluster in reports.
pub const CLUSTER: &str = "tests";
/// The node in reports.
pub const NODE: &str = "test node";
/// All that an agent says.
const ALL_KINDS: &str = "violation,behaviour,gap,heartbeat";

/// How profiles start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Learning.
    Learn,
    /// Comparing with nothing: everything is a violation.
    Monitor,
}

/// The folder of one agent: its configuration, its state, its socket, its log.
pub struct Home {
    folder: PathBuf,
    lapwing: PathBuf,
    config: Value,
    /// Names of the only capabilities of the agent, if they are limited.
    capabilities: Option<String>,
    /// Whether it has the limits of the unit then.
    limits: bool,
    /// BusyBox, and the process whose network is to be the node's for the agent.
    node: Option<(PathBuf, u32)>,
    /// The pod that it runs in.
    pod: Option<Pod>,
}

impl Home {
    /// Makes a folder with the configuration of an agent that sees only this run's containers.
    pub fn new(session: &Session, mode: Mode) -> Result<Self> {
        let folder = session.folder("agent")?;
        let mut config = json!({
            "version": 1,
            "stateDir": folder.join("state"),
            "endpoint": format!("unix://{}", folder.join("socket").display()),
            "mode": match mode { Mode::Learn => "learn", Mode::Monitor => "monitor" },
            "cluster": CLUSTER,
            "node": NODE,
            "cgroups": {"scope": [session.cgroups.scope()]},
            "runc": {"roots": [session.path("runc")]},
            // Sooner than by default, so that counts need not be waited for.
            "suppression": {"repeats": "1s"},
        });
        // Without a cgroup v2 of the machine's, the agent has one of its own.
        if let Some(egress) = session.cgroups.egress() {
            config["cgroups"]["egress"] = egress.display().to_string().into();
        }
        let home = Self {
            folder,
            lapwing: session.tools.lapwing.clone(),
            config,
            capabilities: None,
            limits: false,
            node: None,
            pod: None,
        };
        home.write()?;
        Ok(home)
    }

    /// Changes the configuration.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<()> {
        self.config[key] = value.into();
        self.write()
    }

    /// What the configuration says.
    pub fn value(&self, key: &str) -> Value {
        self.config[key].clone()
    }

    // JSON is YAML.
    fn write(&self) -> Result<()> {
        Ok(fs::write(
            self.config_file(),
            serde_json::to_vec(&self.config)?,
        )?)
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("lapwing.yaml")
    }

    /// The folder of the state.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// The socket of the API.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The agent is to have no more capabilities than these.
    pub fn with_capabilities(mut self, names: &[&str]) -> Self {
        self.capabilities = Some(names.join(","));
        self
    }

    /// And the limits that the unit sets.
    pub fn with_limits(mut self) -> Self {
        self.limits = true;
        self
    }

    /// Has the configuration that an agent in a pod of `deploy/kubernetes.yaml` is given.
    pub fn for_pod(mut self) -> Result<Self> {
        for key in ["stateDir", "endpoint", "node"] {
            let config = self.config.as_object_mut().context("a configuration")?;
            config.remove(key);
        }
        self.write()?;
        // While another agent listens there it comes later.
        if !self.socket().exists() {
            self.link_socket()?;
        }
        Ok(self)
    }

    /// Has clients find the pod's socket.
    fn link_socket(&self) -> Result<()> {
        std::os::unix::fs::symlink(self.folder.join("run/lapwing.sock"), self.socket())?;
        Ok(())
    }

    /// What the agent says of itself.
    pub fn status(&self) -> Result<Value> {
        let status = self.json(&["status"])?.into_iter().next();
        status.context("no status")
    }

    /// Follows what it says of some kinds, from its start on.
    pub fn watch(&self, kinds: &str) -> Result<Watch> {
        Watch::start(self.client(&["watch", "-o", "json", "--since", "1h", "--kind", kinds]))
    }

    /// The agent is to run as the pod of `deploy/kubernetes.yaml`, with these capabilities beyond its
    /// own.
    pub fn in_pod(self, session: &Session, more: &[&str]) -> Result<Self> {
        let this = self.for_pod()?;
        let (config, folder) = (this.config_file(), &this.folder);
        let pod = Pod::new(session, &this.lapwing, &config, folder, more)?;
        Ok(Self {
            pod: Some(pod),
            ..this
        })
    }

    /// The agent is to take the network of this process for the node's: what the kernel tells of it
    /// stands where the first process's would, in a mount namespace of the agent's own.
    pub fn with_node_network_of(mut self, session: &Session, pid: u32) -> Self {
        self.node = Some((session.tools.busybox.clone(), pid));
        self
    }

    /// `lapwing agent` with the configuration, not started.
    pub fn agent_command(&self) -> Command {
        if let Some(pod) = &self.pod {
            let mut command = pod.command();
            command.stdin(Stdio::null());
            return command;
        }
        let mut command = match (&self.capabilities, &self.node) {
            (None, None) => Command::new(&self.lapwing),
            (None, Some((busybox, pid))) => {
                const SCRIPT: &str =
                    "\"$0\" mount -o bind \"/proc/$1/net\" /proc/1/net && shift && exec \"$@\"";
                let mut with = Command::new(busybox);
                with.args(["unshare", "-m"]).arg(busybox);
                with.args(["sh", "-c", SCRIPT])
                    .arg(busybox)
                    .arg(pid.to_string());
                with.arg(&self.lapwing);
                with
            }
            (Some(names), _) => {
                let mut with = Command::new("/proc/self/exe");
                with.args(["with", "--capabilities", names]);
                if self.limits {
                    with.arg("--limits");
                }
                with.arg(&self.lapwing);
                with
            }
        };
        command.args(["agent", "--config"]).arg(self.config_file());
        command.stdin(Stdio::null());
        command
    }

    /// `lapwing`, told nothing.
    pub fn program(&self) -> Command {
        let mut command = Command::new(&self.lapwing);
        command.stdin(Stdio::null());
        command
    }

    /// `lapwing` as a client of this agent.
    pub fn client(&self, args: &[&str]) -> Command {
        let mut command = self.program();
        command
            .arg("--endpoint")
            .arg(format!("unix://{}", self.socket().display()))
            .args(args);
        command
    }

    /// Runs a client command that must succeed, and answers its output.
    pub fn call(&self, args: &[&str]) -> Result<String> {
        let output = self.client(args).output()?;
        ensure!(
            output.status.success(),
            "lapwing {} ended with {}: {}",
            args.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a client command with `-o json`, and answers the objects it printed.
    pub fn json(&self, args: &[&str]) -> Result<Vec<Value>> {
        let text = self.call(&[args, &["-o", "json"]].concat())?;
        text.lines()
            .map(|line| {
                serde_json::from_str(line)
                    .with_context(|| format!("lapwing {} printed {line:?}", args.join(" ")))
            })
            .collect()
    }

    /// Runs an agent that must end by itself.
    pub fn run_to_end(&self, mut command: Command) -> Result<Output> {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {command:?}"))?;
        let mut guard = Ended(Some(child));
        wait_for("the agent to end by itself", START, || {
            let child = guard.0.as_mut().context("child")?;
            Ok(child.try_wait()?)
        })?;
        let child = guard.0.take().context("child")?;
        Ok(child.wait_with_output()?)
    }

    /// Starts the agent and waits until it answers.
    pub fn start(self) -> Result<Agent> {
        self.start_with(&[])
    }

    /// Starts the agent with more arguments and waits until it answers.
    pub fn start_with(self, args: &[&str]) -> Result<Agent> {
        let mut agent = self.launch(args)?;
        agent.answers()?;
        Ok(agent)
    }

    fn launch(self, args: &[&str]) -> Result<Agent> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))?;
        let child = self
            .agent_command()
            .args(args)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {}", self.lapwing.display()))?;
        Ok(Agent {
            home: self,
            child,
            killed: false,
        })
    }
}

/// A child that is killed if it is still there.
struct Ended(Option<Child>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What agents did since the last look that no agent may do: die, end badly, panic.
static PROBLEMS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn problem(text: String) {
    PROBLEMS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(text);
}

/// Takes them.
pub fn take_problems() -> Vec<String> {
    std::mem::take(&mut *PROBLEMS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A running agent; stopped when dropped. However it ends, it is looked at: see [`take_problems`].
pub struct Agent {
    /// Its folder, and the client commands.
    pub home: Home,
    child: Child,
    /// Whether it was killed on purpose.
    killed: bool,
}

impl Agent {
    /// Follows everything it says, from its start on.
    pub fn watch(&self) -> Result<Watch> {
        self.home.watch(ALL_KINDS)
    }

    /// Follows some kinds, from its start on.
    pub fn watch_kinds(&self, kinds: &str) -> Result<Watch> {
        self.home.watch(kinds)
    }

    /// What it wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.folder.join("log")).unwrap_or_default()
    }

    /// Its resident memory in bytes.
    pub fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }

    /// Its status.
    pub fn status(&self) -> Result<Value> {
        self.home.status()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Keeps it from running, and waits until none of its threads does, until [`Self::go_on`].
    pub fn pause(&self) -> Result<()> {
        kill_process(self.pid(), Signal::STOP)?;
        let tasks = format!("/proc/{}/task", self.child.id());
        wait_for("the agent's threads to stop", STOP, || {
            for task in fs::read_dir(&tasks)? {
                let stat = fs::read_to_string(task?.path().join("stat")).unwrap_or_default();
                let state = stat
                    .rsplit(") ")
                    .next()
                    .and_then(|rest| rest.chars().next());
                if state.is_some_and(|state| state != 'T') {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
    }

    /// Lets it run again.
    pub fn go_on(&self) -> Result<()> {
        Ok(kill_process(self.pid(), Signal::CONT)?)
    }

    /// Stops it as an init system does, and answers its folder for another start.
    pub fn stop(mut self) -> Result<Home> {
        self.terminate()?;
        Ok(self.folder())
    }

    /// Kills it without warning, and answers its folder for another start.
    pub fn kill(mut self) -> Result<Home> {
        self.killed = true;
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.folder())
    }

    /// Has another agent take over, with the same folder, and waits until that one answers.
    pub fn replace(mut self) -> Result<Self> {
        let mut next = self.folder().launch(&["--replace"])?;
        let ended = wait_for("the agent to make way", START, || {
            if let Some(status) = next.child.try_wait()? {
                bail!("the new agent ended: {status}: {}", next.log());
            }
            Ok(self.child.try_wait()?)
        });
        let status = ended.with_context(|| next.log())?;
        ensure!(
            status.success(),
            "the agent that made way ended with {status}"
        );
        next.answers()?;
        Ok(next)
    }

    /// Starts another agent that waits for this one to end, with the same folder.
    pub fn stand_by(&mut self) -> Result<Self> {
        let next = self.folder().launch(&["--stand-by"])?;
        self.is_stood_by(next)
    }

    /// The same by the pod of the manifest.
    pub fn stand_by_in_pod(&mut self, session: &Session, more: &[&str]) -> Result<Self> {
        let next = self.folder().in_pod(session, more)?.launch(&[])?;
        self.is_stood_by(next)
    }

    fn is_stood_by(&mut self, mut next: Self) -> Result<Self> {
        wait_for("another agent to stand by", START, || {
            if let Some(status) = next.child.try_wait()? {
                bail!("the new agent ended: {status}: {}", next.log());
            }
            Ok(next.log().contains("this one stands by").then_some(()))
        })?;
        ensure!(
            self.is_running(),
            "the agent ended: another one stands by: {}",
            self.log()
        );
        Ok(next)
    }

    /// Has the agent end, for which this one stood by, and waits until this one answers.
    pub fn follow(mut self, mut other: Self) -> Result<Self> {
        let status = other.terminate().with_context(|| self.log())?;
        ensure!(
            status.success(),
            "the agent that made way ended with {status}"
        );
        if self.home.pod.is_some() {
            self.home.link_socket()?;
        }
        self.answers()?;
        Ok(self)
    }

    /// Kills the agent for which this one stood by, and waits until this one answers.
    pub fn outlive(mut self, other: Self) -> Result<Self> {
        other.kill()?;
        self.answers()?;
        Ok(self)
    }

    fn answers(&mut self) -> Result<()> {
        wait_for("the agent to answer", START, || {
            if let Some(status) = self.child.try_wait()? {
                bail!("the agent ended: {status}: {}", self.log());
            }
            Ok(self.home.call(&["status", "-o", "json"]).ok())
        })
        .with_context(|| self.log())?;
        Ok(())
    }

    fn folder(&self) -> Home {
        Home {
            folder: self.home.folder.clone(),
            lapwing: self.home.lapwing.clone(),
            config: self.home.config.clone(),
            capabilities: self.home.capabilities.clone(),
            limits: self.home.limits,
            node: self.home.node.clone(),
            pod: self.home.pod.clone(),
        }
    }

    fn terminate(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        kill_process(self.pid(), Signal::TERM)?;
        let end = Instant::now() + STOP;
        // Also once the run was interrupted.
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the agent did not stop within {} s", STOP.as_secs())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        match self.terminate() {
            Ok(status) if status.success() || self.killed => {}
            Ok(status) => problem(format!("the agent ended with {status}: {}", self.log())),
            Err(error) => {
                problem(format!("{error:#}: {}", self.log()));
                let _ = self.child.kill();
                let _ = self.child.wait();
                if let Some(pod) = &self.home.pod {
                    // What was killed is its runtime.
                    pod.delete();
                }
            }
        }
        let log = self.log();
        if log.contains("panicked") {
            problem(format!("the agent panicked: {log}"));
        }
    }
}
