//! A real containerd, driven over the Container Runtime Interface as a kubelet drives it: pods have a sandbox,
//! and containers in it.
//!
//! All that it keeps is in the run's folder, and its containers are in the run's cgroups. Pods are on this
//! machine's network, as a DaemonSet's may be: nothing else of a network is needed then.

mod messages;

use crate::pod::{self, MASKED, READ_ONLY};
use crate::rootfs;
use crate::session::{Session, patience, wait_for};
use anyhow::{Context as _, Result, ensure};
pub use messages::Mount;
use messages::{
    Capability, ContainerConfig, ContainerLinux, ContainerMetadata, ContainerSecurity,
    CreateContainer, ExecSync, ExecSyncDone, Id, ImageSpec, Int64, KeyValue, NamespaceOption,
    Nothing, RunPodSandbox, SandboxConfig, SandboxLinux, SandboxMetadata, SandboxSecurity,
    SecurityProfile,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::runtime::Runtime;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

/// The image of a container that does what it is told.
pub const IMAGE: &str = "lapwing.test/team/web:1";
/// The agent's.
pub const AGENT: &str = "lapwing.test/lapwing:1";
/// That of the sandboxes.
const PAUSE: &str = "lapwing.test/pause:1";
/// Where containerd keeps what a kubelet asks for.
const NAMESPACE: &str = "k8s.io";

/// What a pod is called.
#[derive(Clone)]
pub struct Pod {
    pub namespace: &'static str,
    pub name: &'static str,
    pub uid: &'static str,
    /// Whether it has the node's process ids.
    pub host_pid: bool,
}

/// A running containerd.
pub struct Containerd {
    folder: PathBuf,
    /// The cgroup of its pods.
    cgroup: String,
    programs: PathBuf,
    process: Child,
    runtime: Runtime,
    client: Grpc<Channel>,
    sandboxes: Vec<String>,
}

impl Containerd {
    /// Starts one that has these images. `None` where there is none.
    pub fn start(session: &Session) -> Result<Option<Self>> {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/containerd");
        if !programs.join("containerd").is_file() {
            return Ok(None);
        }
        let folder = session.folder("containerd")?;
        let runc = session.tools.runc.display().to_string();
        fs::write(folder.join("config.toml"), config(&folder, &runc))?;
        let log = File::create(folder.join("log"))?;
        let mut path = vec![programs.clone()];
        path.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        let process = Command::new(programs.join("containerd"))
            .arg("--config")
            .arg(folder.join("config.toml"))
            .env("PATH", std::env::join_paths(path)?)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot run containerd")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let endpoint =
            Endpoint::from_shared(format!("unix://{}", folder.join("socket").display()))?;
        let client = Grpc::new(runtime.block_on(async { endpoint.connect_lazy() }));
        let mut this = Self {
            folder,
            cgroup: format!("{}/kubepods/burstable", session.cgroups.scope()),
            programs,
            process,
            runtime,
            client,
            sandboxes: Vec::new(),
        };
        this.until_ready()?;
        let image = this.folder.join("image.tar");
        save(session, &this.folder, &image)?;
        this.ctr(&["images", "import"], &image)?;
        fs::remove_file(&image)?;
        Ok(Some(this))
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    fn until_ready(&mut self) -> Result<()> {
        let limit = patience();
        wait_for("containerd's CRI", limit, || {
            if let Some(status) = self.process.try_wait()? {
                let log = fs::read_to_string(self.folder.join("log"))?;
                anyhow::bail!("containerd ended with {status}: {log}");
            }
            let asked: Result<Nothing> = self.call("Version", Nothing {});
            Ok(asked.is_ok().then_some(()))
        })
    }

    fn ctr(&self, args: &[&str], file: &Path) -> Result<()> {
        let output = Command::new(self.programs.join("ctr"))
            .arg("--address")
            .arg(self.socket())
            .args(["--namespace", NAMESPACE])
            .args(args)
            .arg(file)
            .output()
            .context("cannot run ctr")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "ctr {args:?}: {said}");
        Ok(())
    }

    fn call<Q, A>(&mut self, name: &str, request: Q) -> Result<A>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let path = PathAndQuery::try_from(format!("/runtime.v1.RuntimeService/{name}"))?;
        let client = &mut self.client;
        let answer = self.runtime.block_on(async {
            client.ready().await?;
            let mut request = tonic::Request::new(request);
            request.set_timeout(Duration::from_secs(60));
            let answer = client
                .unary(request, path, ProstCodec::<Q, A>::default())
                .await?;
            anyhow::Ok(answer.into_inner())
        });
        answer.with_context(|| format!("CRI {name}"))
    }

    /// Runs the sandbox of a pod. Answers its id.
    pub fn sandbox(&mut self, pod: &Pod) -> Result<String> {
        let request = RunPodSandbox {
            config: Some(self.of_pod(pod)),
        };
        let made: Id = self.call("RunPodSandbox", request)?;
        self.sandboxes.push(made.id.clone());
        Ok(made.id)
    }

    fn of_pod(&self, pod: &Pod) -> SandboxConfig {
        SandboxConfig {
            metadata: Some(SandboxMetadata {
                name: pod.name.to_owned(),
                uid: pod.uid.to_owned(),
                namespace: pod.namespace.to_owned(),
            }),
            log_directory: self.folder.display().to_string(),
            labels: pod.labels(),
            annotations: [("kubernetes.io/config.source".to_owned(), "api".to_owned())].into(),
            linux: Some(SandboxLinux {
                // As the kubelet's cgroupfs driver calls it.
                cgroup_parent: format!("{}/pod{}", self.cgroup, pod.uid),
                security_context: Some(SandboxSecurity {
                    namespace_options: Some(pod.namespaces()),
                }),
            }),
        }
    }

    /// Makes a container of a pod and starts it. Answers its id, which `before` is given before it runs.
    pub fn container(
        &mut self,
        pod: &Pod,
        sandbox: &str,
        container: &Container<'_>,
        before: impl FnOnce(&str) -> Result<()>,
    ) -> Result<String> {
        let name = container.name.to_owned();
        let mut labels = pod.labels();
        labels.insert("io.kubernetes.container.name".to_owned(), name.clone());
        let config = ContainerConfig {
            metadata: Some(ContainerMetadata { name }),
            image: Some(ImageSpec {
                image: container.image.to_owned(),
            }),
            command: texts(container.command),
            args: texts(container.args),
            envs: { container.variables.iter() }
                .map(|(key, value)| KeyValue {
                    key: (*key).to_owned(),
                    value: (*value).to_owned(),
                })
                .collect(),
            mounts: container.mounts.clone(),
            labels,
            annotations: [(
                "io.kubernetes.container.restartCount".to_owned(),
                "0".to_owned(),
            )]
            .into(),
            log_path: format!("{}.log", container.name),
            linux: Some(ContainerLinux {
                security_context: Some(ContainerSecurity {
                    namespace_options: Some(pod.namespaces()),
                    // What a kubelet hides where the pod does not ask for it.
                    masked_paths: texts(MASKED),
                    readonly_paths: texts(READ_ONLY),
                    ..rights(container.rights)
                }),
            }),
        };
        let request = CreateContainer {
            sandbox: sandbox.to_owned(),
            config: Some(config),
            sandbox_config: Some(self.of_pod(pod)),
        };
        let made: Id = self.call("CreateContainer", request)?;
        before(&made.id)?;
        let _: Nothing = self.call(
            "StartContainer",
            Id {
                id: made.id.clone(),
            },
        )?;
        Ok(made.id)
    }

    /// What a container has written.
    pub fn log(&self, container: &Container<'_>) -> String {
        let file = self.folder.join(format!("{}.log", container.name));
        fs::read_to_string(file).unwrap_or_default()
    }

    /// Enters a container as the kubelet does for a probe, and `kubectl exec` much the same. Answers what was
    /// printed.
    pub fn exec(&mut self, container: &str, args: &[&str]) -> Result<String> {
        let request = ExecSync {
            container: container.to_owned(),
            command: args.iter().map(|&text| text.to_owned()).collect(),
            timeout: 30,
        };
        let done: ExecSyncDone = self.call("ExecSync", request)?;
        let error = String::from_utf8_lossy(&done.stderr);
        ensure!(
            done.exit_code == 0,
            "{args:?} ended with {}: {error}",
            done.exit_code
        );
        Ok(String::from_utf8(done.stdout)?)
    }

    /// Ends a pod, and removes it with its containers.
    pub fn remove(&mut self, sandbox: &str) -> Result<()> {
        let id = Id {
            id: sandbox.to_owned(),
        };
        let _: Nothing = self.call("StopPodSandbox", id.clone())?;
        let _: Nothing = self.call("RemovePodSandbox", id)?;
        self.sandboxes.retain(|known| known != sandbox);
        Ok(())
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        for sandbox in std::mem::take(&mut self.sandboxes) {
            if let Err(error) = self.remove(&sandbox) {
                println!("cannot remove a pod: {error:#}");
            }
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Pod {
    fn namespaces(&self) -> NamespaceOption {
        NamespaceOption {
            network: 2,
            pid: if self.host_pid { 2 } else { 1 },
        }
    }

    /// What a kubelet gives the sandbox and each container.
    fn labels(&self) -> HashMap<String, String> {
        [
            ("io.kubernetes.pod.name", self.name),
            ("io.kubernetes.pod.namespace", self.namespace),
            ("io.kubernetes.pod.uid", self.uid),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }
}

/// A container of a pod.
pub struct Container<'a> {
    pub name: &'a str,
    pub image: &'a str,
    /// Empty for the image's entry point.
    pub command: &'a [&'a str],
    pub args: &'a [&'a str],
    pub variables: &'a [(&'a str, &'a str)],
    pub mounts: Vec<Mount>,
    /// `securityContext` of its specification.
    pub rights: &'a Value,
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

/// A security context as the kubelet has it for a runtime.
fn rights(context: &Value) -> ContainerSecurity {
    let list = |name: &str| texts(&pod::texts(&context["capabilities"][name]));
    let id = |name: &str| context[name].as_i64().map(|value| Int64 { value });
    ContainerSecurity {
        capabilities: Some(Capability {
            add: list("add"),
            drop: list("drop"),
        }),
        run_as_user: id("runAsUser"),
        run_as_group: id("runAsGroup"),
        readonly_rootfs: context["readOnlyRootFilesystem"] == true,
        no_new_privs: context["allowPrivilegeEscalation"] == false,
        seccomp: Some(SecurityProfile {
            kind: i32::from(context["seccompProfile"]["type"] != "RuntimeDefault"),
        }),
        ..ContainerSecurity::default()
    }
}

/// The configuration. Its runc keeps its state in the folder too, and nobody needs the right to give a process
/// a lower `oom_score_adj` than its parent has.
fn config(folder: &Path, runc: &str) -> String {
    let at = |name: &str| json!(folder.join(name).display().to_string());
    let cri = "plugins.\"io.containerd.grpc.v1.cri\"";
    format!(
        "version = 2
root = {}
state = {}
disabled_plugins = [\"io.containerd.snapshotter.v1.btrfs\", \"io.containerd.snapshotter.v1.zfs\", \
         \"io.containerd.snapshotter.v1.devmapper\", \"io.containerd.snapshotter.v1.aufs\"]
[grpc]
address = {}
[plugins.\"io.containerd.internal.v1.opt\"]
path = {}
[{cri}]
sandbox_image = \"{PAUSE}\"
restrict_oom_score_adj = true
[{cri}.containerd]
snapshotter = \"overlayfs\"
[{cri}.containerd.runtimes.runc]
runtime_type = \"io.containerd.runc.v2\"
[{cri}.containerd.runtimes.runc.options]
BinaryName = {}
Root = {}
",
        at("root"),
        at("state"),
        at("socket"),
        at("opt"),
        json!(runc),
        at("runc"),
    )
}

/// Packs a folder. Answers the digest of what was written.
fn pack(from: &Path, to: &Path) -> Result<String> {
    let mut command = Command::new("tar");
    command.args(["--numeric-owner", "-C"]).arg(from);
    let output = command
        .arg("-cf")
        .arg(to)
        .arg(".")
        .output()
        .context("cannot run tar")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "tar: {said}");
    let sum = Sha256::digest(fs::read(to)?);
    Ok(sum.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Saves the images as `docker save` does.
fn save(session: &Session, folder: &Path, to: &Path) -> Result<()> {
    let (parts, tools, agent) = (
        folder.join("parts"),
        folder.join("tools"),
        folder.join("agent"),
    );
    rootfs::fill(session, &tools)?;
    fs::create_dir(&agent)?;
    fs::copy(&session.tools.lapwing, agent.join("lapwing")).context("cannot copy lapwing")?;
    fs::create_dir(&parts)?;
    let tools = (pack(&tools, &parts.join("tools.tar"))?, "tools.tar");
    let agent = (pack(&agent, &parts.join("agent.tar"))?, "agent.tar");
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    };
    let mut images = Vec::new();
    for (number, (name, (digest, layer), entry)) in [
        (PAUSE, &tools, json!(["/bin/sleep", "1000000"])),
        (IMAGE, &tools, json!([])),
        (AGENT, &agent, json!(["/lapwing"])),
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("{number}.json");
        let config = json!({
            "architecture": architecture, "os": "linux",
            "config": {"Entrypoint": entry, "Env": ["PATH=/bin:/usr/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]},
        });
        fs::write(parts.join(&file), serde_json::to_vec(&config)?)?;
        images.push(json!({"Config": file, "RepoTags": [name], "Layers": [layer]}));
    }
    fs::write(parts.join("manifest.json"), Value::from(images).to_string())?;
    pack(&parts, to)?;
    ["parts", "tools", "agent"]
        .iter()
        .try_for_each(|name| Ok(fs::remove_dir_all(folder.join(name))?))
}
