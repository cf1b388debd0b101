//! Real containers by runc.

use crate::patch::{self, Applied};
use crate::rootfs::{self, Overlay};
use crate::session::Session;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The annotation that names the workload of a container.
const WORKLOAD: &str = "lapwing.dev/workload";
/// The annotation by which containerd names the namespace of the pod.
const NAMESPACE: &str = "io.kubernetes.cri.sandbox-namespace";
/// The annotation by which it names the pod.
const POD: &str = "io.kubernetes.cri.sandbox-name";
/// The annotation by which containerd names the image.
const IMAGE: &str = "io.kubernetes.cri.image-name";

/// Which network namespace a container gets.
#[derive(Clone, Copy)]
pub enum Network {
    /// Its own, with nothing but loopback.
    Own,
    /// The one of this process.
    Of(u32),
}

/// An image other than the one that is made on the fly.
pub struct Image {
    /// Its layers, the topmost first; nobody writes to them.
    pub layers: Vec<PathBuf>,
    /// As whom its program runs: a user and the group of the same number.
    pub user: u32,
}

/// What a container is made of.
pub struct Spec {
    /// Its image; BusyBox and the trigger where none is given.
    pub image: Option<Image>,
    /// Its workload.
    pub workload: String,
    /// Its program and arguments.
    pub args: Vec<String>,
    /// Whether its root is an overlay.
    pub overlay: bool,
    /// What it may do beyond what containers usually may.
    pub capabilities: Vec<String>,
    /// Settings of the kernel, in namespaces of its own.
    pub sysctls: Vec<(String, String)>,
    /// What is mounted beyond the usual, as the runtime is told it.
    pub mounts: Vec<Value>,
    /// Its network namespace.
    pub network: Network,
    /// The namespace of its pod, as containerd tells runc of it; none if empty.
    pub namespace: String,
    /// Its pod, told in the same way; none if empty.
    pub pod: String,
    /// Its image, as containerd tells runc of it; none if empty.
    pub image_name: String,
    /// Its id; a generated one if empty.
    pub id: String,
    /// Its cgroup below the run's, with `{id}` for the id.
    pub cgroup: String,
    /// Whether runc is told the bundle by its arguments, or by its working directory.
    pub told: bool,
    /// Whether it is made and not started.
    pub created: bool,
    /// A patch of advice that is applied to it.
    pub patch: Option<Value>,
    /// The seccomp profile that lies on the node, for a patch that names one.
    pub seccomp: Option<Value>,
}

impl Spec {
    /// A container of a workload that runs a program.
    pub fn new(workload: &str, args: &[&str]) -> Self {
        Self {
            image: None,
            workload: workload.to_owned(),
            args: args.iter().map(ToString::to_string).collect(),
            overlay: false,
            capabilities: Vec::new(),
            sysctls: Vec::new(),
            mounts: Vec::new(),
            network: Network::Own,
            namespace: String::new(),
            pod: String::new(),
            image_name: String::new(),
            id: String::new(),
            cgroup: "/{id}".to_owned(),
            told: true,
            created: false,
            patch: None,
            seccomp: None,
        }
    }

    /// So that runc's arguments do not say which bundle it runs.
    pub fn untold(mut self) -> Self {
        self.told = false;
        self
    }

    /// From an image, as `team/web:1@sha256:...`.
    pub fn image(mut self, image: &str) -> Self {
        image.clone_into(&mut self.image_name);
        self
    }

    /// Of a pod in a namespace.
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// Of a pod, which is in a namespace.
    pub fn pod(mut self, namespace: &str, pod: &str) -> Self {
        pod.clone_into(&mut self.pod);
        self.namespace(namespace)
    }

    /// With an id that a person chose.
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// With a cgroup as another runtime would lay it out.
    pub fn cgroup(mut self, cgroup: &str) -> Self {
        cgroup.clone_into(&mut self.cgroup);
        self
    }

    /// With an overlay as root and another as volume, where the kernel has it.
    pub fn overlay(mut self) -> Self {
        self.overlay = true;
        self
    }

    /// With a setting of the kernel, as `net.ipv4.ping_group_range`.
    pub fn sysctl(mut self, name: &str, value: &str) -> Self {
        self.sysctls.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a capability that containers usually do not have, as `CAP_SYS_PTRACE`.
    pub fn capability(mut self, name: &str) -> Self {
        self.capabilities.push(name.to_owned());
        self
    }

    /// With one more mount: an OCI `mount`. A relative source is taken from the bundle, so that
    /// `rootfs/usr` is a folder of the image.
    pub fn mount(mut self, mount: Value) -> Self {
        self.mounts.push(mount);
        self
    }

    /// With a patch of `lapwing advise pod` applied.
    pub fn patch(mut self, patch: Value) -> Self {
        self.patch = Some(patch);
        self
    }

    /// Made and not started, as runtimes above runc do at first: [`Container::begin`] starts it.
    pub fn created(mut self) -> Self {
        self.created = true;
        self
    }

    /// In the network namespace of a process.
    pub fn network_of(mut self, pid: u32) -> Self {
        self.network = Network::Of(pid);
        self
    }
}

/// A container; killed and removed when dropped.
pub struct Container<'s> {
    session: &'s Session,
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// Its workload.
    pub workload: String,
    /// When it was started, in seconds since the epoch.
    pub started: f64,
    /// What came of the patch.
    pub applied: Applied,
    cgroup: String,
    folder: PathBuf,
    /// Those of its root and its volume, as far as the kernel has them.
    overlays: Vec<Overlay>,
    is_overlay: bool,
    kept: Option<ChildStdin>,
    child: Child,
    /// Whether the child only made it.
    created: bool,
    /// The id of its first process, once it was asked for.
    pid: OnceCell<u32>,
}

impl<'s> Container<'s> {
    /// Starts a container. Its output can be taken with [`Self::streams`].
    pub fn start(session: &'s Session, spec: &Spec) -> Result<Self> {
        let folder = session.folder("container")?;
        let (image, root) = (folder.join("image"), folder.join("rootfs"));
        let mut overlays = Vec::new();
        match &spec.image {
            Some(image) => {
                let layers: Vec<_> = image.layers.iter().map(|it| it.as_os_str()).collect();
                let layers = layers.join(OsStr::new(":"));
                let overlay = Overlay::mount(Path::new(&layers), &root)?;
                overlays.push(overlay.context("this kernel has no overlay file system")?);
            }
            None => {
                rootfs::fill(session, &image)?;
                match spec.overlay {
                    true => overlays.extend(Overlay::mount(&image, &root)?),
                    false => fs::rename(&image, &root)?,
                }
            }
        }
        let is_overlay = !overlays.is_empty();
        if spec.overlay && !is_overlay {
            fs::remove_dir(&root)?;
            fs::rename(&image, &root)?;
        }
        let id = match spec.id.is_empty() {
            true => new_id(session),
            false => spec.id.clone(),
        };
        let cgroup = spec.cgroup.replace("{id}", &id);
        // A file system of its own, neither the root's nor in memory as far as can be seen.
        let (empty, volume) = (folder.join("empty"), folder.join("volume"));
        fs::create_dir(&empty)?;
        if spec.overlay {
            overlays.extend(Overlay::mount(&empty, &volume)?);
        } else {
            fs::create_dir(&volume)?;
        }
        let started = crate::expect::now();
        let mut config = config(session, spec, &cgroup, &volume);
        let applied = (spec.patch.as_ref())
            .map(|patch| patch::apply(&mut config, patch, spec.seccomp.as_ref()))
            .transpose()
            .context("cannot apply the advice")?
            .unwrap_or_default();
        for empty in &applied.folders {
            let path = folder.join(&empty.name);
            fs::create_dir(&path)?;
            if let Some(limit) = empty.limit_mi {
                overlays.push(Overlay::limited(&path, limit)?);
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(0o777))?;
        }
        fs::write(folder.join("config.json"), serde_json::to_vec(&config)?)?;
        let mut runc = session.runc();
        let verb = if spec.created { "create" } else { "run" };
        match spec.told {
            true => runc.args([verb, "--bundle"]).arg(&folder),
            false => runc.arg(verb).current_dir(&folder),
        };
        let child = runc
            .arg(&id)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.join("stderr"))?)
            .spawn()
            .with_context(|| format!("cannot run {}", session.tools.runc.display()))?;
        Ok(Self {
            session,
            id,
            cgroup,
            workload: spec.workload.clone(),
            started,
            applied,
            folder,
            overlays,
            is_overlay,
            kept: None,
            child,
            created: spec.created,
            pid: OnceCell::new(),
        })
    }

    /// Waits until one that was to be made is made.
    pub fn until_made(&mut self) -> Result<()> {
        let status = self.child.wait()?;
        ensure!(status.success(), "runc create: {status}: {}", self.stderr());
        Ok(())
    }

    /// Starts one that was made.
    pub fn begin(&self) -> Result<()> {
        let status = self.session.runc().args(["start", &self.id]).status()?;
        ensure!(status.success(), "runc start: {status}");
        Ok(())
    }

    /// The pipes to its first process; once.
    pub fn streams(&mut self) -> Result<(ChildStdin, ChildStdout)> {
        let stdin = self.child.stdin.take().context("standard input is taken")?;
        let stdout = self.child.stdout.take().context("output is taken")?;
        Ok((stdin, stdout))
    }

    /// Leaves its standard input open as long as it lives.
    pub fn keep(&mut self, stdin: ChildStdin) {
        self.kept = Some(stdin);
    }

    /// Whether its root is an overlay.
    pub fn is_overlay(&self) -> bool {
        self.is_overlay
    }

    /// The root folder as the host sees it.
    pub fn root(&self) -> PathBuf {
        self.folder.join("rootfs")
    }

    /// Its cgroup, below the run's.
    pub fn cgroup(&self) -> String {
        self.cgroup.clone()
    }

    /// What runc and the container wrote to standard error.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
    }

    /// The process id of its first process, as the host numbers it.
    pub fn pid(&self) -> Result<u32> {
        if let Some(pid) = self.pid.get() {
            return Ok(*pid);
        }
        let output = self.session.runc().args(["state", &self.id]).output()?;
        ensure!(
            output.status.success(),
            "runc state: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let state: Value = serde_json::from_slice(&output.stdout).context("runc state")?;
        let pid = state["pid"]
            .as_u64()
            .and_then(|pid| u32::try_from(pid).ok())
            .context("runc state has no pid")?;
        Ok(*self.pid.get_or_init(|| pid))
    }

    /// `runc exec`: a program that enters from outside.
    pub fn exec(&self, args: &[&str]) -> Command {
        let mut command = self.session.runc();
        command.args(["exec", &self.id]).args(args);
        command
    }

    /// Sends its first process a signal, by the name without `SIG`.
    pub fn signal(&self, name: &str) -> Result<()> {
        let output = self
            .session
            .runc()
            .args(["kill", &self.id, name])
            .output()?;
        ensure!(
            output.status.success(),
            "runc kill: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(())
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends by itself, and answers its exit code.
    pub fn wait(&mut self) -> Result<Option<i32>> {
        Ok(self.child.wait().context("runc run")?.code())
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        if self.created || !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self
                .session
                .runc()
                .args(["delete", "--force", &self.id])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        self.session.cgroups.remove(&self.cgroup());
        self.overlays.clear();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An id like those of real runtimes: 64 hexadecimal digits, unlike all others.
pub fn new_id(session: &Session) -> String {
    use std::hash::{BuildHasher, RandomState};
    let name = session.unique("id");
    let digits = |_| format!("{:016x}", RandomState::new().hash_one(&name));
    (0..4).map(digits).collect()
}

fn config(session: &Session, spec: &Spec, cgroup: &str, volume: &Path) -> Value {
    let mut capabilities = vec![
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_FOWNER",
        "CAP_FSETID",
        "CAP_KILL",
        "CAP_NET_BIND_SERVICE",
        "CAP_NET_RAW",
        "CAP_SETGID",
        "CAP_SETUID",
    ];
    capabilities.extend(spec.capabilities.iter().map(String::as_str));
    let (user, path) = match &spec.image {
        None => (0, "PATH=/bin:/usr/bin"),
        Some(image) => (image.user, "PATH=/usr/sbin:/usr/bin"),
    };
    let mut network = json!({"type": "network"});
    if let Network::Of(pid) = spec.network {
        network["path"] = format!("/proc/{pid}/ns/net").into();
    }
    let mut config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": {"uid": user, "gid": user},
            "args": spec.args,
            "env": [path],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            },
        },
        "root": {"path": "rootfs"},
        "hostname": "lapwing-test",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/volume", "type": "bind", "source": volume, "options": ["rbind", "rw"]},
            {"destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
        ],
        "annotations": {WORKLOAD: spec.workload},
        "linux": {
            "cgroupsPath": format!("{}{cgroup}", session.cgroups.scope()),
            "namespaces": [
                {"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, network,
            ],
        },
    });
    if !spec.image_name.is_empty() {
        config["annotations"][IMAGE] = spec.image_name.as_str().into();
    }
    if !spec.namespace.is_empty() {
        config["annotations"][NAMESPACE] = spec.namespace.as_str().into();
    }
    if !spec.pod.is_empty() {
        config["annotations"][POD] = spec.pod.as_str().into();
    }
    for (name, value) in &spec.sysctls {
        config["linux"]["sysctl"][name] = value.as_str().into();
    }
    if let Some(mounts) = config["mounts"].as_array_mut() {
        mounts.extend(spec.mounts.iter().cloned());
    }
    config
}
