//! Two runs that teach, a promotion, and a run that is compared.

use super::Args;
use super::load::Load;
use super::program::Program;
use super::report::{FalsePositive, Report};
use crate::agent::{Agent, Home, Mode};
use crate::container::{Container, Image, Spec};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context, Result, ensure};
use lapwing_profile::profile::{Profile, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to end when it is told to.
const STOP: Duration = Duration::from_secs(15);
/// Counters of the status that are no losses.
const TOLD: [&str; 2] = ["seen-full", "budget-table-full"];
/// What the package manager says of a package that it has installed.
const STEP: &str = "Setting up ";
/// Entries that are approved by one command.
const AT_ONCE: usize = 64;

/// Runs a program three times.
pub fn learn_and_compare(session: &Session, program: &Program, args: &Args) -> Result<Report> {
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let watch = agent.watch_kinds("violation,gap")?;
    let mut done = Vec::new();
    for _ in 0..2 {
        done.push(once(session, program, args)?.done);
        settled(&agent)?;
    }
    let learned = profile(&agent, program)?;
    let pending: Vec<String> = learned
        .entries(Verdict::Pending)
        .keys()
        .map(ToString::to_string)
        .collect();
    for some in pending.chunks(AT_ONCE) {
        let mut command = vec!["profile", "approve", "--profile", program.name];
        command.extend(["--reason", "seen in the learning runs"]);
        command.extend(some.iter().map(String::as_str));
        agent.home.call(&command)?;
    }
    let reason = ["--reason", "two runs"];
    agent
        .home
        .call(&[&["profile", "promote", program.name], &reason[..]].concat())?;
    let start = Instant::now();
    let third = once(session, program, args)?;
    let hours = start.elapsed().as_secs_f64() / 3600.0;
    done.push(third.done);
    settled(&agent)?;
    // The latest state of each. What the others were reported for while they taught may be told
    // once more when they end.
    let reported: BTreeMap<String, Value> = watch
        .of_kind("violation")
        .into_iter()
        .filter(|violation| violation["container"]["id"] == third.container)
        .filter_map(|violation| Some((violation["id"].as_str()?.to_owned(), violation)))
        .collect();
    let losses = agent.status()?["losses"].clone();
    if let Some(folder) = &args.keep {
        fs::create_dir_all(folder)?;
        let file = folder.join(format!("{}.yaml", program.name));
        fs::write(&file, learned.to_yaml())
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    drop(watch);
    agent.stop()?;
    // Of these nothing is missing: what is known was told once more.
    let (told, lost): (Vec<_>, Vec<_>) = losses
        .as_array()
        .into_iter()
        .flatten()
        .partition(|loss| TOLD.iter().any(|reason| loss["reason"] == *reason));
    ensure!(
        lost.is_empty(),
        "something was lost, so nobody knows what else was done: {lost:?}"
    );
    let repeats = told
        .iter()
        .filter_map(|loss| loss["count"].as_str()?.parse::<u64>().ok());
    Ok(Report {
        name: program.name,
        done,
        hours,
        learned,
        repeats: repeats.sum(),
        by_hand: pending,
        false_positives: reported.values().map(FalsePositive::of).collect(),
    })
}

/// A run.
struct Run {
    /// The container's id.
    container: String,
    /// How much was done.
    done: u64,
}

/// One run in a fresh container.
fn once(session: &Session, program: &Program, args: &Args) -> Result<Run> {
    let layer = session.folder("program")?;
    for (path, text) in program.files {
        let path = layer.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&layer))?;
        fs::write(path, text)?;
    }
    let mut spec = Spec::new(program.name, program.args);
    spec.image = Some(Image {
        layers: vec![layer, args.programs.join("root")],
        user: program.user,
    });
    let shared = json!({"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
        "options": ["nosuid", "nodev", "mode=1777", "size=64m"]});
    let mut container = Container::start(session, &spec.mount(shared))?;
    let (_stdin, mut stdout) = container.streams()?;
    // What nobody reads would stop the program.
    let output = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    });
    let pid = wait_for("the container", patience(), || Ok(container.pid().ok()))?;
    let done = match program.load {
        Load::Repository => repository(session, program, args, pid).map(|()| 0),
        client => load(session, program, client, args, pid),
    };
    let alive = container.is_running();
    if alive {
        container.signal("TERM")?;
    }
    let ended = wait_for("the program to end", STOP, || {
        Ok((!container.is_running()).then_some(()))
    });
    let stderr = container.stderr();
    let id = container.id.clone();
    drop(container);
    let output = output.join().unwrap_or_default();
    let said = || {
        let output = String::from_utf8_lossy(&output);
        let last = |text: &str| text.chars().rev().take(1500).collect::<Vec<_>>();
        let text = |last: Vec<char>| last.into_iter().rev().collect::<String>();
        format!("{}\n{}", text(last(&output)), text(last(&stderr)))
    };
    ensure!(alive, "it ended by itself: {}", said());
    ended.with_context(said)?;
    let done = match (done.with_context(said)?, program.load) {
        // What it did it said.
        (_, Load::Repository) => {
            let output = String::from_utf8_lossy(&output);
            output.lines().filter(|line| line.contains(STEP)).count() as u64
        }
        (done, _) => done,
    };
    ensure!(done > 0, "nothing was done: {}", said());
    Ok(Run {
        container: id,
        done,
    })
}

/// In the network of a process: BusyBox's `nsenter` becomes another program.
fn beside(session: &Session, pid: u32) -> Command {
    let mut command = Command::new(&session.tools.busybox);
    command.args(["nsenter", "-n", "-t", &pid.to_string()]);
    command
}

/// Lets the client work until its time is up.
fn load(session: &Session, program: &Program, client: Load, args: &Args, pid: u32) -> Result<u64> {
    use clap::ValueEnum;
    let name = client.to_possible_value().context("a client")?;
    let mut child = Client(
        beside(session, pid)
            .arg(std::env::current_exe()?)
            .args(["load", name.get_name(), &program.port.to_string()])
            .arg(args.seconds.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the client")?,
    );
    let limit = Duration::from_secs(u64::from(args.seconds)) + 2 * patience();
    let status = wait_for("the client", limit, || Ok(child.0.try_wait()?))?;
    let (mut done, mut error) = (String::new(), String::new());
    if let (Some(out), Some(err)) = (&mut child.0.stdout, &mut child.0.stderr) {
        out.read_to_string(&mut done)?;
        err.read_to_string(&mut error)?;
    }
    ensure!(status.success(), "the client ended with {status}: {error}");
    Ok(done.trim().parse()?)
}

/// Serves packages until the time is up.
fn repository(session: &Session, program: &Program, args: &Args, pid: u32) -> Result<()> {
    let _server = Client(
        beside(session, pid)
            .arg(&session.tools.busybox)
            .args(["httpd", "-f", "-p"])
            .arg(format!("127.0.0.1:{}", program.port))
            .arg("-h")
            .arg(args.programs.join("repository"))
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start the repository's server")?,
    );
    let end = Instant::now() + Duration::from_secs(args.seconds.into());
    while Instant::now() < end {
        crate::session::check_interrupt()?;
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// A process beside the container; killed when dropped.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the agent has read all there is.
fn settled(agent: &Agent) -> Result<()> {
    let mut last = None;
    wait_for("the agent to have read all", patience(), || {
        std::thread::sleep(Duration::from_millis(300));
        let records = Some(agent.status()?["records"].to_string());
        let still = last == records;
        last = records;
        Ok(still.then_some(()))
    })
}

fn profile(agent: &Agent, program: &Program) -> Result<Profile> {
    let yaml = agent.home.call(&["profile", "export", program.name])?;
    Profile::from_yaml(yaml).with_context(|| format!("the profile of {}", program.name))
}
