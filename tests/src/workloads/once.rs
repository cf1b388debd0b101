//! One run of a program in a fresh container, with its client beside it.

use super::Args;
use super::load::Load;
use super::program::Program;
use super::view::{View, Wanted};
use crate::container::{Container, Image, Spec};
use crate::patch::Applied;
use crate::session::{Session, patience, wait_for};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the package manager says of a package that it has installed.
const STEP: &str = "Setting up ";

/// What the container of a run is made of.
#[derive(Clone)]
pub struct Setting {
    /// The layers of its image, the topmost first.
    pub layers: Vec<PathBuf>,
    /// The patch of advice that is applied to it.
    pub patch: Option<Value>,
    /// The seccomp profile that the patch names.
    pub seccomp: Option<Value>,
    /// Another user than the program's, and the group of the same number.
    pub user: Option<u32>,
}

/// Puts what a program has beside Debian's files into a folder.
pub fn put_files(program: &Program, folder: &Path) -> Result<()> {
    for (path, text) in program.files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// A run.
pub struct Run {
    /// The container's id.
    pub container: String,
    /// How much was done.
    pub done: u64,
    /// What was applied of the patch.
    pub applied: Applied,
    /// How the kernel had confined its first process.
    pub view: View,
}

/// One run in a fresh container.
///
/// # Errors
///
/// The program does not start, ends by itself, does nothing, or answers its client as it should not,
/// with the end of what it said; or the kernel has not confined it as the patch says.
pub fn once(session: &Session, program: &Program, args: &Args, setting: &Setting) -> Result<Run> {
    let mut spec = Spec::new(program.name, program.args);
    let user = setting.user.unwrap_or(program.user);
    spec.image = Some(Image {
        layers: setting.layers.clone(),
        user,
    });
    spec.patch.clone_from(&setting.patch);
    spec.seccomp.clone_from(&setting.seccomp);
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
    let view = View::of(pid);
    if alive {
        container.signal("TERM")?;
    }
    let ended = wait_for("the program to end", patience() / 2, || {
        Ok((!container.is_running()).then_some(()))
    });
    let stderr = container.stderr();
    let id = container.id.clone();
    let applied = std::mem::take(&mut container.applied);
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
    let view = view?;
    let own = View::of(std::process::id())?;
    Wanted::of(setting.patch.as_ref(), user)?.check(&view, &own)?;
    Ok(Run {
        container: id,
        done,
        applied,
        view,
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
            .arg(session.tools.patience.to_string())
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
