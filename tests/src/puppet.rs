//! A container that does what it is told, by its own first process.
//!
//! What a puppet does comes from inside (phase `main`), unlike `runc exec`.

use crate::container::{Container, Spec};
use crate::session::{Session, patience, wait_for};
use crate::trigger::{LACKING, LACKING_STEM, hex};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::Deref;
use std::process::{ChildStdin, ChildStdout};
use std::time::Duration;

/// The trigger inside a container.
pub const TRIGGER: &str = "/trigger";

/// One program to run inside.
pub struct Act {
    exe: Vec<u8>,
    argv: Vec<Vec<u8>>,
    cwd: Option<Vec<u8>>,
    ids: Option<(u32, u32)>,
}

impl Act {
    /// The trigger with arguments.
    pub fn trigger<T: AsRef<[u8]>>(args: &[T]) -> Self {
        Self::program(TRIGGER, TRIGGER).args(args)
    }

    /// A program under a name.
    pub fn program(exe: impl AsRef<[u8]>, name: impl AsRef<[u8]>) -> Self {
        Self {
            exe: exe.as_ref().to_vec(),
            argv: vec![name.as_ref().to_vec()],
            cwd: None,
            ids: None,
        }
    }

    /// With arguments.
    pub fn args<T: AsRef<[u8]>>(mut self, args: &[T]) -> Self {
        self.argv
            .extend(args.iter().map(|arg| arg.as_ref().to_vec()));
        self
    }

    /// In a folder.
    pub fn cwd(mut self, cwd: impl AsRef<[u8]>) -> Self {
        self.cwd = Some(cwd.as_ref().to_vec());
        self
    }

    /// As a user and group.
    pub fn ids(mut self, uid: u32, gid: u32) -> Self {
        self.ids = Some((uid, gid));
        self
    }

    fn request(&self, hold: bool) -> Value {
        let mut request = json!({
            "exe": hex(&self.exe),
            "argv": self.argv.iter().map(|arg| hex(arg)).collect::<Vec<_>>(),
            "hold": hold,
        });
        if let Some(cwd) = &self.cwd {
            request["cwd"] = hex(cwd).into();
        }
        if let Some((uid, gid)) = self.ids {
            request["uid"] = uid.into();
            request["gid"] = gid.into();
        }
        request
    }
}

/// A process that has acted and waits to be let go.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Its id on the host.
    pub pid: u32,
    /// Its id inside the container.
    pub container_pid: u32,
    /// When it started, in seconds since the epoch.
    pub start: f64,
    /// The user and group it acts as.
    pub ids: (u32, u32),
}

/// What this kernel does not have, so that an act cannot be done at all.
#[derive(Debug)]
pub struct Lacking(pub String);

impl fmt::Display for Lacking {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "this kernel lacks {}", self.0)
    }
}

impl std::error::Error for Lacking {}

/// A container with the trigger as its first process.
pub struct Puppet<'s> {
    container: Container<'s>,
    session: &'s Session,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// How much of standard error had been said before the program that was told last.
    said: usize,
}

impl<'s> Puppet<'s> {
    /// Starts one that only waits for orders.
    pub fn start(session: &'s Session, workload: &str) -> Result<Self> {
        Self::from_spec(session, &Spec::new(workload, &[TRIGGER, "serve"]))
    }

    /// Starts one from a specification whose program speaks the trigger's protocol.
    pub fn from_spec(session: &'s Session, spec: &Spec) -> Result<Self> {
        let mut container = Container::start(session, spec)?;
        let (stdin, stdout) = container.streams()?;
        let mut puppet = Self {
            container,
            session,
            stdin,
            stdout: BufReader::new(stdout),
            said: 0,
        };
        puppet.answer()?;
        Ok(puppet)
    }

    /// Runs a program to its end, which must be a good one.
    pub fn act(&mut self, act: &Act) -> Result<()> {
        match self.run(act)? {
            0 => Ok(()),
            code => Err(self.failure(code)),
        }
    }

    /// Runs a program to its end, and answers its exit code.
    pub fn run(&mut self, act: &Act) -> Result<i64> {
        self.begin(act)?;
        self.end()
    }

    /// Starts a program; [`Self::end`] waits for it.
    pub fn begin(&mut self, act: &Act) -> Result<()> {
        self.said = self.stderr().len();
        self.send(&act.request(false))?;
        self.answer()?;
        Ok(())
    }

    /// Waits for a program's end, and answers its exit code.
    pub fn end(&mut self) -> Result<i64> {
        self.answer()?["exit"].as_i64().context("no exit code")
    }

    /// Has the trigger (its arguments begin with `hold`) act and then wait; looks at the process
    /// from outside; lets it go.
    pub fn hold(&mut self, act: &Act) -> Result<Held> {
        self.said = self.stderr().len();
        self.send(&act.request(true))?;
        let pid = self.answer()?["pid"].as_u64().context("no pid")?;
        let pid = u32::try_from(pid)?;
        let held = wait_for("a process inside the container", patience(), || {
            let held = self.find(pid, act.ids.unwrap_or_default());
            // One that has ended is not in its cgroup any more, and its exit code says why.
            Ok((held.is_some() || self.has_ended(pid)?).then_some(held))
        });
        self.send(&json!({"release": true}))?;
        let code = self.end()?;
        if code != 0 {
            return Err(self.failure(code));
        }
        held?.context("the process did not hold")
    }

    /// Why a trigger ended with this code: [`Lacking`], or what it wrote last.
    fn failure(&self, code: i64) -> anyhow::Error {
        let text = self
            .words()
            .unwrap_or_else(|_| "it said nothing".to_owned());
        let last = text.lines().last().unwrap_or_default();
        match last.strip_prefix(LACKING_STEM) {
            Some(what) if code == i64::from(LACKING) => Lacking(what.to_owned()).into(),
            _ => anyhow::anyhow!("the trigger ended with {code}: {last}"),
        }
    }

    /// What the program that was told last has said, which must be something: the runtime carries
    /// it on, and may come behind the exit code.
    pub fn words(&self) -> Result<String> {
        const CARRIED: Duration = Duration::from_secs(10);
        wait_for("what the program said", CARRIED, || {
            let text = self.stderr().get(self.said..).map(str::to_owned);
            Ok(text.filter(|text| text.ends_with('\n')))
        })
    }

    /// Whether a child of the first process waits to be taken notice of.
    fn has_ended(&self, container_pid: u32) -> Result<bool> {
        let stat = format!("/proc/{}/root/proc/{container_pid}/stat", self.pid()?);
        let stat = fs::read_to_string(stat).unwrap_or_default();
        Ok(stat
            .rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')))
    }

    /// The process that has this id inside.
    fn find(&self, container_pid: u32, ids: (u32, u32)) -> Option<Held> {
        self.session
            .cgroups
            .processes(&self.cgroup())
            .into_iter()
            .find(|pid| inner_pid(*pid) == Some(container_pid))
            .and_then(|pid| {
                Some(Held {
                    pid,
                    container_pid,
                    start: start_time(pid)?,
                    ids,
                })
            })
    }

    /// Whether the first process still answers.
    pub fn is_running(&mut self) -> bool {
        self.container.is_running()
    }

    fn send(&mut self, request: &Value) -> Result<()> {
        writeln!(self.stdin, "{request}").context("the container does not listen")
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            bail!("the container ended: {}", self.stderr().trim());
        }
        let answer: Value =
            serde_json::from_str(&line).with_context(|| format!("an answer like {line:?}"))?;
        match answer["error"].as_str() {
            Some(error) => bail!("the trigger cannot: {error}"),
            None => Ok(answer),
        }
    }
}

impl<'s> Deref for Puppet<'s> {
    type Target = Container<'s>;

    fn deref(&self) -> &Self::Target {
        &self.container
    }
}

/// The id of a process in its innermost namespace.
fn inner_pid(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}

/// When a process started, in seconds since the epoch.
fn start_time(pid: u32) -> Option<f64> {
    /// Ticks a second of every Linux user interface.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks: f64 = stat
        .rsplit(')')
        .next()?
        .split_whitespace()
        .nth(19)?
        .parse()
        .ok()?;
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = stat
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .parse()
        .ok()?;
    Some(boot + ticks / TICKS)
}
