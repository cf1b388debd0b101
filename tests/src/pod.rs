//! The agent in a pod: a container by runc with the capabilities, mounts and namespaces that
//! `deploy/kubernetes.yaml` gives it. The runtime's own profiles for seccomp and AppArmor are not there,
//! nor are the limits of memory.
//!
//! What a node has elsewhere than a run of tests does is put where the manifest wants it: the state
//! and the configuration. The run's own store of runc is mounted besides.

use crate::agent::NODE;
use crate::session::Session;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The manifest.
const MANIFEST: &str = include_str!("../../deploy/kubernetes.yaml");
/// The one with the controller.
const WHOLE: &str = include_str!("../../deploy/kubernetes-controller.yaml");
/// What containerd keeps from every container that is not privileged.
pub const MASKED: &[&str] = &[
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
];
/// What it lets nobody write.
pub const READ_ONLY: &[&str] = &[
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// The DaemonSet's pod.
pub fn template() -> Result<Value> {
    template_of(MANIFEST)
}

/// The same of the manifest with the controller.
pub fn template_with_controller() -> Result<Value> {
    template_of(WHOLE)
}

fn template_of(manifest: &str) -> Result<Value> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(manifest).context("the manifest")?;
    let set = objects.iter().find(|object| object["kind"] == "DaemonSet");
    Ok(set.context("no DaemonSet")?["spec"]["template"]["spec"].clone())
}

/// The configuration of the agent in it.
pub fn configuration() -> Result<Value> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(MANIFEST).context("the manifest")?;
    let map = objects.iter().find(|object| object["kind"] == "ConfigMap");
    let text = map.context("no ConfigMap")?["data"]["lapwing.yaml"].as_str();
    serde_saphyr::from_str(text.context("no configuration")?).context("the configuration")
}

/// What a list of texts has.
pub fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect()
}

/// A pod that can be run.
#[derive(Clone)]
pub struct Pod {
    runc: PathBuf,
    store: PathBuf,
    bundle: PathBuf,
    id: String,
}

impl Pod {
    /// Of a program with a configuration file; `home` gets the folders `state` and `run`. The pod has
    /// these capabilities beyond its own.
    pub fn new(
        session: &Session,
        lapwing: &Path,
        config: &Path,
        home: &Path,
        more: &[&str],
    ) -> Result<Self> {
        let template = template()?;
        let container = &template["containers"][0];
        let bundle = home.join("pod");
        let root = bundle.join("rootfs");
        fs::create_dir_all(&root)?;
        fs::copy(lapwing, root.join("lapwing")).context("cannot copy lapwing")?;
        let etc = home.join("etc");
        fs::create_dir_all(&etc)?;
        fs::copy(config, etc.join("lapwing.yaml"))?;
        let id = session.unique("pod");
        let mut mounts = vec![
            json!({"destination": "/proc", "type": "proc", "source": "proc"}),
            json!({"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}),
            json!({"destination": "/sys", "type": "sysfs", "source": "sysfs",
                   "options": ["nosuid", "noexec", "nodev", "ro"]}),
        ];
        mounts.extend(self::mounts(&template, home, &etc)?);
        // The store of runc that the configuration names, as `extraVolumes` would bring it.
        let store = session.path("");
        mounts.push(json!({"destination": store, "type": "bind", "source": store, "options": ["rbind", "ro"]}));
        let rights = &container["securityContext"];
        ensure!(
            texts(&rights["capabilities"]["drop"]) == ["ALL"],
            "it keeps capabilities: {rights}"
        );
        let add = texts(&rights["capabilities"]["add"]);
        let mut capabilities: Vec<String> = add.iter().map(|name| format!("CAP_{name}")).collect();
        capabilities.extend(more.iter().map(ToString::to_string));
        let mut namespaces = vec!["mount", "ipc", "uts", "network", "cgroup"];
        if template["hostPID"] != true {
            namespaces.push("pid");
        }
        let namespaces: Vec<Value> = { namespaces.iter() }
            .map(|kind| json!({"type": kind}))
            .collect();
        let args: Vec<&str> = ["/lapwing"]
            .into_iter()
            .chain(texts(&container["args"]))
            .collect();
        let config = json!({
            "ociVersion": "1.0.2",
            "process": {
                "terminal": false,
                "user": {"uid": rights["runAsUser"], "gid": rights["runAsGroup"]},
                "args": args,
                "env": ["PATH=/", format!("NODE_NAME={NODE}")],
                "cwd": "/",
                "capabilities": {
                    "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
                },
                "noNewPrivileges": rights["allowPrivilegeEscalation"] == false,
            },
            "root": {"path": "rootfs", "readonly": rights["readOnlyRootFilesystem"]},
            "hostname": "lapwing-agent-x7k2p",
            "mounts": mounts,
            "linux": {
                "cgroupsPath": format!("{}/{id}", session.cgroups.scope()),
                "namespaces": namespaces,
                "maskedPaths": MASKED,
                "readonlyPaths": READ_ONLY,
            },
        });
        fs::write(bundle.join("config.json"), serde_json::to_vec(&config)?)?;
        Ok(Self {
            runc: session.tools.runc.clone(),
            store: session.path("runc"),
            bundle,
            id,
        })
    }

    /// Ends what may still run of it.
    pub fn delete(&self) {
        let mut command = Command::new(&self.runc);
        command.arg("--root").arg(&self.store);
        let _ = command.args(["delete", "--force", &self.id]).output();
    }

    /// Runs it, to its end.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.runc);
        command.arg("--root").arg(&self.store);
        command.args(["run", "--bundle"]).arg(&self.bundle);
        command.arg(&self.id);
        command
    }
}

/// The mounts of the manifest's container, as of runc's configuration; `home` gets the folders `state` and `run`,
/// and the configuration is in `etc`.
pub fn mounts(template: &Value, home: &Path, etc: &Path) -> Result<Vec<Value>> {
    let wanted = &template["containers"][0]["volumeMounts"];
    let wanted = wanted.as_array().context("no mounts")?;
    { wanted.iter() }
        .map(|mount| bind(template, mount, home, etc))
        .collect()
}

/// A mount of the manifest's, from where a run of tests has it.
fn bind(template: &Value, mount: &Value, home: &Path, etc: &Path) -> Result<Value> {
    let name = mount["name"].as_str().context("a mount without a name")?;
    let mut volumes = template["volumes"].as_array().context("no volumes")?.iter();
    let volume = volumes.find(|volume| volume["name"] == name);
    let volume = volume.with_context(|| format!("no volume {name}"))?;
    let at = mount["mountPath"].clone();
    let own = |folder: &str| -> Result<PathBuf> {
        let path = home.join(folder);
        fs::create_dir_all(&path)?;
        Ok(path)
    };
    let source = match (name, volume["hostPath"]["path"].as_str()) {
        ("config", None) if volume["configMap"].is_object() => etc.to_owned(),
        ("run", None) if volume["emptyDir"].is_object() => own("run")?,
        ("state", Some(_)) => own("state")?,
        ("cgroups", Some(path)) => path.into(),
        other => bail!("nobody knows what stands for the volume {other:?} on a node"),
    };
    let mode = if mount["readOnly"] == true {
        "ro"
    } else {
        "rw"
    };
    Ok(json!({"destination": at, "type": "bind", "source": source, "options": ["rbind", mode]}))
}
