//! The one node: namespaces of its own for the network and for mounts, and what runs in them.
//!
//! A kubelet writes below `/run`, `/var/lib` and `/var/log` whatever it is told, and sets limits of the kernel; in its
//! mounts those are folders and files of the cluster's own. Process ids and cgroups are the machine's, as on a node.

use super::keeper::{Keeper, MARK, NODE};
use super::{cgroups, pki};
use crate::shell::{self, quiet};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Its name in the cluster.
pub const NAME: &str = "node-1";
/// Its address, and that of the API server in all of the cluster.
pub const ADDRESS: &str = "192.168.77.2";
pub const SERVICE: &str = "10.96.0.1";
/// The folders that are its own.
const OWN: &[&str] = &["/run", "/var/lib", "/var/log"];
/// What a kubelet sets for all of a machine.
const LIMITS: &[&str] = &[
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/panic",
    "/proc/sys/kernel/panic_on_oops",
    "/proc/sys/kernel/keys/root_maxkeys",
    "/proc/sys/kernel/keys/root_maxbytes",
];
/// The longest path that a socket may have, `sun_path` of unix(7).
const SOCKET: usize = 107;

pub struct Node {
    folder: PathBuf,
    /// Where programs are found, in order.
    path: std::ffi::OsString,
    /// Whose namespaces they are.
    holder: Child,
    running: BTreeMap<&'static str, Child>,
    /// The cgroup of its pods, and where that is in cgroup v2.
    pub scope: String,
    pub unified: Option<PathBuf>,
    keeper: Keeper,
}

impl Node {
    /// Makes it in a folder, with programs from some folders.
    pub fn start(folder: &Path, programs: &[&Path]) -> Result<Self> {
        if let Some(own) = OWN.iter().find(|own| folder.starts_with(own)) {
            bail!("{} is below {own}, which a node hides", folder.display());
        }
        let keeper = Keeper::start(folder)?;
        let node = folder.join(NODE);
        let log = folder.join("log");
        let _ = fs::remove_dir_all(&log);
        shell::folder(&log)?;
        shell::folder(&node)?;
        let scope = cgroups::scope(folder);
        let unified = cgroups::make(&scope)?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = { programs.iter() }
            .map(PathBuf::from)
            .chain(std::env::split_paths(&path))
            .chain(["/usr/sbin".into(), "/sbin".into()]);
        let holder = Command::new("unshare")
            .args(["--mount", "--net", "--", "sleep", "infinity"])
            .env(MARK, folder)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot run unshare")?;
        let made = Self {
            path: std::env::join_paths(all).context("PATH")?,
            folder: folder.to_path_buf(),
            holder,
            running: BTreeMap::new(),
            scope,
            unified,
            keeper,
        };
        let socket = made.socket();
        ensure!(
            socket.as_os_str().len() <= SOCKET,
            "{} is too long for a socket",
            socket.display()
        );
        made.wait_for("namespaces of its own", Duration::from_secs(10), || {
            let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net")).ok();
            let held = of(&made.holder.id().to_string());
            Ok((held.is_some() && held != of("self")).then_some(()))
        })?;
        made.mount()?;
        made.connect()?;
        Ok(made)
    }

    /// A path of the node's own.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.join(NODE).join(below)
    }

    /// The runtime's socket.
    pub fn socket(&self) -> PathBuf {
        self.path("cri/containerd.sock")
    }

    /// What a server printed.
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join("log").join(format!("{name}.log"))
    }

    fn mount(&self) -> Result<()> {
        for own in OWN {
            let from = self.path(&format!("own{own}"));
            shell::folder(&from)?;
            self.quiet("mount", &["--bind".as_ref(), from.as_ref(), own.as_ref()])?;
        }
        for limit in LIMITS {
            let Ok(value) = fs::read(limit) else { continue };
            let from = self.path(&format!("own{limit}"));
            shell::folder(from.parent().unwrap_or(&from))?;
            fs::write(&from, value)?;
            self.quiet("mount", &["--bind".as_ref(), from.as_ref(), limit.as_ref()])?;
        }
        shell::folder(&self.path("cri"))
    }

    fn connect(&self) -> Result<()> {
        let address = format!("{ADDRESS}/24");
        let service = format!("{SERVICE}/32");
        for words in [
            "link set lo up",
            "link add node0 type veth peer name node0p",
            "link set node0p up",
            &format!("address add {address} dev node0"),
            "link set node0 up",
            // Nothing is there; but pods ask the node's own addresses by it.
            "route add default via 192.168.77.1 dev node0",
            &format!("address add {service} dev lo"),
        ] {
            let words: Vec<&OsStr> = words.split(' ').map(OsStr::new).collect();
            self.quiet("ip", &words)?;
        }
        Ok(())
    }

    /// A command in the node's namespaces.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg("--target")
            .arg(self.holder.id().to_string())
            .args(["--mount", "--net", "--"])
            .arg(program)
            .env(MARK, &self.folder)
            .env("PATH", &self.path)
            // Where kubectl keeps what it asked before.
            .env("HOME", self.path(""))
            .env("KUBECONFIG", pki::kubeconfig(&self.path("pki"), "admin"))
            .stdin(Stdio::null())
            .process_group(0);
        command
    }

    fn quiet(&self, program: &str, words: &[&OsStr]) -> Result<()> {
        quiet(self.command(program).args(words))
    }

    /// Starts a server; its output goes to its log.
    pub fn run(&mut self, name: &'static str, arguments: &[String]) -> Result<()> {
        let mut options = File::options();
        let log = options.create(true).append(true).open(self.log(name))?;
        let child = self
            .command(name)
            .args(arguments)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {name}"))?;
        self.running.insert(name, child);
        Ok(())
    }

    /// Kills a server.
    pub fn kill(&mut self, name: &str) -> Result<()> {
        let mut child = self
            .running
            .remove(name)
            .with_context(|| format!("{name} does not run"))?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// What kubectl prints.
    pub fn kubectl(&self, words: &[&str]) -> Result<String> {
        let output = self.ask(words)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let shown = words.join(" ");
        ensure!(output.status.success(), "kubectl {shown}: {}", said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What has to stand before a command of a person's for it to run there.
    pub fn shown(&self) -> String {
        format!(
            "KUBECONFIG={} PATH={} nsenter --target {} --mount --net --",
            pki::kubeconfig(&self.path("pki"), "admin").display(),
            self.path.display(),
            self.holder.id()
        )
    }

    /// How kubectl ends.
    pub fn ask(&self, words: &[&str]) -> Result<Output> {
        let mut command = self.command("kubectl");
        command.args(words).output().context("cannot run kubectl")
    }

    /// Looks until there is an answer.
    pub fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let start = Instant::now();
        loop {
            let looked = look();
            let failure = match looked {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => String::new(),
                Err(error) => format!(": {error:#}"),
            };
            if start.elapsed() > limit {
                bail!("no {what} within {} s{failure}", limit.as_secs());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Ends all of it.
    pub fn end(mut self) -> Result<()> {
        let ended = self.keeper.end();
        for child in self.running.values_mut().chain([&mut self.holder]) {
            let _ = child.wait();
        }
        ended
    }
}
