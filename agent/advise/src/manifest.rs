//! What a pod has already, from a manifest of it or of what makes it.
//!
//! Fields that are not looked at may be anything; those that are must have the types of the API
//! (`core/v1` `PodSpec`, as of Kubernetes 1.34), and a mistake is told with its place.

mod merged;

pub use merged::Manifest;

use lapwing_profile::text::visible;
use lapwing_profile::yaml::{self, Limits};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Most that is read: far more than etcd keeps of an object (1.5 MiB).
const LIMITS: Limits = Limits {
    bytes: 2 << 20,
    nodes: 100_000,
};

/// A manifest that says nothing of a pod.
#[derive(Debug, Error)]
pub enum Wrong {
    /// It is no YAML, or a field has another type.
    #[error(
        "{0}; give one manifest of a Pod or of what makes one (Deployment, StatefulSet, DaemonSet, \
         ReplicaSet, Job, CronJob), as `kubectl get -o yaml` prints it"
    )]
    Text(String),
    /// Its kind makes no pods.
    #[error(
        "{place}: the kind `{kind}` has no pod in it; give a Pod, Deployment, StatefulSet, DaemonSet, \
         ReplicaSet, ReplicationController, Job or CronJob, one document alone"
    )]
    Kind {
        /// The kind.
        kind: String,
        /// Where it stands.
        place: String,
    },
    /// It is no whole object, so nothing can be applied with it.
    #[error("it has no `{0}`, without which nobody takes it: give it whole")]
    Part(&'static str),
    /// None of its containers is the one that is asked for, or nobody said which.
    #[error("{place}: {what}; name one of its containers with --container: {names}")]
    Container {
        /// What is wrong.
        what: String,
        /// Where the containers stand.
        place: String,
        /// Their names.
        names: String,
    },
}

/// How deep the pod lies in a manifest, which a patch follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `spec`.
    Pod,
    /// `spec.template.spec`.
    Template,
    /// `spec.jobTemplate.spec.template.spec`.
    CronJob,
}

impl Shape {
    /// Of a kind; `None` where it makes no pods.
    #[must_use]
    pub fn of(kind: &str) -> Option<Self> {
        match kind {
            "Pod" => Some(Self::Pod),
            "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "ReplicaSet"
            | "ReplicationController"
            | "Job" => Some(Self::Template),
            "CronJob" => Some(Self::CronJob),
            _ => None,
        }
    }

    /// The key of the pod.
    const fn key(self) -> &'static str {
        match self {
            Self::Pod => "spec",
            Self::Template => "spec.template.spec",
            Self::CronJob => "spec.jobTemplate.spec.template.spec",
        }
    }
}

/// A list of containers of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum List {
    /// Those that run together.
    #[default]
    Containers,
    /// Those that run before them, or start before them and stay.
    Init,
}

impl List {
    /// Its key in the pod.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::Init => "initContainers",
        }
    }
}

/// The setting of the host's network, as manifests have it.
pub(crate) const HOST_NETWORK: &str = "hostNetwork";

/// What is known of the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// How deep it lies in its manifest.
    pub shape: Shape,
    /// Its namespace; empty where the manifest has none.
    pub namespace: String,
    /// The labels of the pod.
    pub labels: BTreeMap<String, String>,
    /// The container that is advised of.
    pub container: String,
    /// Which list it stands in.
    pub list: List,
    /// The names of the other containers of the pod.
    pub others: Vec<String>,
    /// Where something is mounted in it.
    pub mounts: Vec<String>,
    /// Names of the pod's volumes.
    pub volumes: BTreeSet<String>,
    /// What it has of each setting.
    pub applied: Applied,
}

/// What a container has, its own settings before those of its pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// `readOnlyRootFilesystem`.
    pub read_only: Option<bool>,
    /// `runAsNonRoot`.
    pub non_root: Option<bool>,
    /// `runAsUser`.
    pub user: Option<i64>,
    /// `capabilities.drop`.
    pub drop: Vec<String>,
    /// `capabilities.add`.
    pub add: Vec<String>,
    /// `allowPrivilegeEscalation`.
    pub escalation: Option<bool>,
    /// `privileged`.
    pub privileged: bool,
    /// `seccompProfile.type`.
    pub seccomp: Option<String>,
    /// Which namespaces of the host the pod has, as the manifest names them.
    pub host: Vec<&'static str>,
}

impl Applied {
    /// Whether a seccomp profile holds it.
    #[must_use]
    pub fn is_confined(&self) -> bool {
        let profile = self.seccomp.as_deref();
        matches!(profile, Some("RuntimeDefault" | "Localhost")) && !self.privileged
    }
}

#[derive(Deserialize)]
struct Head {
    kind: String,
    #[serde(default)]
    metadata: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Of<T> {
    spec: T,
    #[serde(default)]
    metadata: Meta,
}

#[derive(Deserialize)]
struct Template {
    template: Of<PodSpec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cron {
    job_template: Of<Template>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    containers: Vec<Container>,
    #[serde(default)]
    init_containers: Option<Vec<Container>>,
    #[serde(default)]
    security_context: Option<Security>,
    #[serde(default)]
    volumes: Option<Vec<Volume>>,
    #[serde(default)]
    host_network: Option<bool>,
    #[serde(default, rename = "hostPID")]
    host_pid: Option<bool>,
    #[serde(default, rename = "hostIPC")]
    host_ipc: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: String,
    #[serde(default)]
    security_context: Option<Security>,
    #[serde(default)]
    volume_mounts: Option<Vec<VolumeMount>>,
}

#[derive(Deserialize)]
struct Volume {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VolumeMount {
    mount_path: String,
}

/// Of a container or a pod; a pod has some of it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Security {
    #[serde(default)]
    read_only_root_filesystem: Option<bool>,
    #[serde(default)]
    run_as_non_root: Option<bool>,
    #[serde(default)]
    run_as_user: Option<i64>,
    #[serde(default)]
    capabilities: Option<CapabilityLists>,
    #[serde(default)]
    allow_privilege_escalation: Option<bool>,
    #[serde(default)]
    privileged: Option<bool>,
    #[serde(default)]
    seccomp_profile: Option<Seccomp>,
}

#[derive(Default, Deserialize)]
struct CapabilityLists {
    #[serde(default)]
    add: Option<Vec<String>>,
    #[serde(default)]
    drop: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Seccomp {
    r#type: String,
}

impl Pod {
    /// Reads a manifest, and finds a container in it: the one of this name or, where none is given,
    /// the one of `usual` or, where that is empty, the only one.
    ///
    /// # Errors
    /// When it has no pod or no such container, with place and remedy.
    pub fn read(bytes: &[u8], container: Option<&str>, usual: &str) -> Result<Self, Wrong> {
        let head: Head = yaml::read(bytes, LIMITS).map_err(Wrong::Text)?;
        let place = |key: &str| {
            yaml::place_of(bytes, LIMITS, key).unwrap_or_else(|| "line 1, column 1".to_owned())
        };
        let Some(shape) = Shape::of(&head.kind) else {
            return Err(Wrong::Kind {
                kind: visible(&head.kind).into_owned(),
                place: place("kind"),
            });
        };
        let (spec, meta) = match shape {
            Shape::Pod => {
                let read: Of<PodSpec> = yaml::read(bytes, LIMITS).map_err(Wrong::Text)?;
                (read.spec, read.metadata)
            }
            Shape::Template => {
                let read: Of<Template> = yaml::read(bytes, LIMITS).map_err(Wrong::Text)?;
                (read.spec.template.spec, read.spec.template.metadata)
            }
            Shape::CronJob => {
                let read: Of<Cron> = yaml::read(bytes, LIMITS).map_err(Wrong::Text)?;
                let job = read.spec.job_template.spec;
                (job.template.spec, job.template.metadata)
            }
        };
        let init = spec.init_containers.iter().flatten();
        let all: Vec<(List, &Container)> = (spec.containers.iter())
            .map(|one| (List::Containers, one))
            .chain(init.map(|one| (List::Init, one)))
            .collect();
        let (list, chosen) = choose(&all, container, usual).map_err(|what| {
            let names = all.iter().map(|(_, one)| visible(&one.name));
            Wrong::Container {
                what,
                place: place(&format!("{}.containers", shape.key())),
                names: names.collect::<Vec<_>>().join(", "),
            }
        })?;
        let mounts = chosen.volume_mounts.iter().flatten();
        Ok(Self {
            shape,
            namespace: head.metadata.namespace.unwrap_or_default(),
            labels: meta.labels.unwrap_or_default(),
            container: chosen.name.clone(),
            others: (all.iter())
                .filter(|(_, one)| one.name != chosen.name)
                .map(|(_, one)| one.name.clone())
                .collect(),
            mounts: mounts
                .map(|mount| lapwing_profile::text::canonical(mount.mount_path.as_bytes()))
                .collect(),
            volumes: (spec.volumes.iter().flatten())
                .map(|volume| volume.name.clone())
                .collect(),
            applied: applied(&spec, chosen),
            list,
        })
    }
}

fn choose<'a>(
    all: &[(List, &'a Container)],
    name: Option<&str>,
    usual: &str,
) -> Result<(List, &'a Container), String> {
    let named = |name: &str| all.iter().find(|(_, one)| one.name == name).copied();
    match (name, usual, all) {
        (Some(name), ..) => {
            named(name).ok_or_else(|| format!("it has no container `{}`", visible(name)))
        }
        (None, _, []) => Err("it has no containers".to_owned()),
        (None, "", [one]) => Ok(*one),
        (None, "", _) => {
            Err("it has several containers, and the profile names none of them".to_owned())
        }
        (None, usual, _) => named(usual).ok_or_else(|| {
            let usual = visible(usual);
            format!("it has no container `{usual}`, which the profile is of")
        }),
    }
}

fn applied(pod: &PodSpec, container: &Container) -> Applied {
    let empty = Security::default();
    let own = container.security_context.as_ref().unwrap_or(&empty);
    let pods = pod.security_context.as_ref().unwrap_or(&empty);
    let list = |of: fn(&CapabilityLists) -> &Option<Vec<String>>| {
        let lists = own.capabilities.as_ref();
        lists.and_then(|it| of(it).clone()).unwrap_or_default()
    };
    let seccomp = own
        .seccomp_profile
        .as_ref()
        .or(pods.seccomp_profile.as_ref());
    let host = [
        (pod.host_network, HOST_NETWORK),
        (pod.host_pid, "hostPID"),
        (pod.host_ipc, "hostIPC"),
    ];
    Applied {
        read_only: own.read_only_root_filesystem,
        non_root: own.run_as_non_root.or(pods.run_as_non_root),
        user: own.run_as_user.or(pods.run_as_user),
        drop: list(|it| &it.drop),
        add: list(|it| &it.add),
        escalation: own.allow_privilege_escalation,
        privileged: own.privileged.unwrap_or_default(),
        seccomp: seccomp.map(|it| it.r#type.clone()),
        host: host
            .into_iter()
            .filter(|(set, _)| *set == Some(true))
            .map(|(_, name)| name)
            .collect(),
    }
}
