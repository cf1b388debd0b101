//! From what a runtime says of a container to the workload it belongs to.
//!
//! In order: the owner of the pod, as the API of the cluster has it; the label or annotation
//! `lapwing.dev/workload`; a pod that nobody owns; the Compose service, outside of pods;
//! the image's repository, within the pod's namespace where there is one; the
//! bundle of a bare runc container; a name a person gave; the cgroup's path,
//! where no runtime is known. Never a name that a machine made: a profile under
//! such a name would start from nothing with each new container. Nor one that
//! strangers share: what has no name at all has no profile either, is compared
//! with nothing, and teaches nothing.

use super::commands::Commands;
use super::layout::{Runtime, has_generated, is_generated};
use super::pod::{Evidence, InPod, Kind};
use crate::process::Entered;
use lapwing_profile::entry::Phase;
use lapwing_profile::text;
use lapwing_profile::version::Version;
use lapwing_profile::workload::Workload;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Label or annotation that names the workload.
pub const WORKLOAD_LABEL: &str = "lapwing.dev/workload";

/// What a runtime says of a container. All texts come from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Details {
    /// The container's name.
    pub name: String,
    /// The image, as the runtime writes it.
    pub image: String,
    /// The digest of the image, as `sha256:` and 64 digits; empty where no file tells it. That of
    /// the manifest where the image is named by it, else that of its configuration, which Docker,
    /// Podman and CRI-O call the image's id: either names one content.
    pub digest: String,
    /// The pod, for Kubernetes.
    pub pod: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's uid.
    pub pod_uid: String,
    /// Folder of the bundle, for bare runc.
    pub bundle: String,
    /// Those labels or annotations that name the workload.
    pub labels: BTreeMap<String, String>,
    /// What the API of the cluster says; none where it did not say anything.
    pub in_pod: Option<Box<InPod>>,
    /// By which a kubelet enters it. The pod alone says so: that is known before it is known whose the
    /// pod is.
    pub commands: Commands,
}

impl Details {
    /// The phase of what a process does, where its own is this. Whoever puts a container into a
    /// running pod enters that from outside: nothing of it is learned.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> Phase {
        let kind = self.in_pod.as_ref().and_then(|told| told.kind);
        match (kind, phase) {
            (Some(Kind::Ephemeral), Phase::Main) => Phase::Exec,
            _ => phase,
        }
    }

    /// Whether a program that entered the container so, with these arguments in canonical text, is
    /// a command of the pod's.
    #[must_use]
    pub fn is_commanded(&self, args: &[String], entered: &Entered) -> bool {
        self.commands.has(args, entered)
    }

    /// Whether what enters the container may be a command of the pod's, as far as anybody knows yet.
    #[must_use]
    pub const fn may_be_commanded(&self) -> bool {
        !self.pod.is_empty()
    }

    /// Which version of which image it is, where that is known.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        match repository(&self.image) {
            // An image that is known by its digest alone has no repository.
            "" | "sha256" => None,
            repository => Version::new(repository, &self.digest),
        }
    }

    /// Whether what it says of the pod's owner is what an agent before this one was told.
    #[must_use]
    pub fn is_told_before(&self) -> bool {
        { self.in_pod.as_ref() }.is_some_and(|told| told.told_before.is_some())
    }

    /// Without the labels that are not asked for: a container may have any number.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        self.labels.retain(|key, _| names_workload(key));
        self
    }

    /// With what another source says where this one says nothing. An image that is known by its id
    /// alone gets its name; another that has one keeps it. Labels are added, and those may name
    /// another workload than what was known before.
    #[must_use]
    pub fn completed(mut self, other: &Self) -> Self {
        let fill = |own: &mut String, other: &String| {
            if own.is_empty() {
                own.clone_from(other);
            }
        };
        if self.image.is_empty() || is_id(&self.image) {
            fill(&mut self.digest, &digest(&self.image));
            if !other.image.is_empty() {
                self.image.clone_from(&other.image);
            }
        }
        fill(&mut self.digest, &other.digest);
        fill(&mut self.name, &other.name);
        // The parts of a pod's name are of one source.
        if self.pod.is_empty() || self.pod == other.pod {
            fill(&mut self.pod, &other.pod);
            fill(&mut self.namespace, &other.namespace);
            fill(&mut self.pod_uid, &other.pod_uid);
            if other.in_pod.is_some() {
                self.in_pod.clone_from(&other.in_pod);
            }
            if other.in_pod.is_some() || other.commands != Commands::default() {
                self.commands.clone_from(&other.commands);
            }
        }
        fill(&mut self.bundle, &other.bundle);
        for (key, value) in &other.labels {
            let label = self.labels.entry(key.clone());
            label.or_insert_with(|| value.clone());
        }
        self
    }
}

/// Whether a label or an annotation has a say in the workload.
#[must_use]
pub fn names_workload(key: &str) -> bool {
    [WORKLOAD_LABEL, SERVICE_LABEL, PROJECT_LABEL].contains(&key)
}

/// What stands for the name of each container that was put into a running pod: that is made up each
/// time. No container of a pod may be called so: their names have no capitals.
const EPHEMERAL: &str = "EPHEMERAL";

/// Labels of Compose.
const SERVICE_LABEL: &str = "com.docker.compose.service";
const PROJECT_LABEL: &str = "com.docker.compose.project";

/// Longest text that is taken from a runtime's file, in bytes.
const TEXT_MAX: usize = 512;

/// Text from a runtime's file, bounded and made canonical. It is to be used once: canonical text
/// has backslashes of its own.
pub fn clean(text: &str) -> String {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text::canonical(&text.as_bytes()[..end])
}

/// The repository of an image reference, without registry defaults touched: what stands before
/// the tag and the digest.
#[must_use]
pub fn repository(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    match name.rsplit_once(':') {
        // A colon before a slash is the registry's port.
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

/// Whether an image is known by its id alone, with or without `sha256:`.
#[must_use]
pub fn is_id(image: &str) -> bool {
    is_generated(image.strip_prefix("sha256:").unwrap_or(image))
}

/// The digest in what a runtime says of an image: behind the `@` of a reference, or, of what stands
/// for an id, the whole of it, with or without `sha256:`. Empty where there is none.
#[must_use]
pub fn digest(image: &str) -> String {
    let (is_reference, text) = match image.rsplit_once('@') {
        Some((_, digest)) => (true, digest),
        None => (false, image),
    };
    let hash = text.strip_prefix("sha256:").unwrap_or(text);
    let is_hash = hash.len() == 64
        && hash
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match is_hash && (hash != text || !is_reference) {
        true => format!("sha256:{hash}"),
        false => String::new(),
    }
}

/// The workload of a container that has none.
#[must_use]
pub fn unnamed(cluster: &str, runtime: Runtime) -> Workload {
    Workload {
        cluster: cluster.to_owned(),
        kind: "Unnamed".to_owned(),
        name: runtime.name().to_owned(),
        ..Workload::default()
    }
}

/// The workload of a container, from canonical texts; `None` where nothing tells it from
/// strangers.
#[must_use]
pub fn workload(
    cluster: &str,
    runtime: Runtime,
    id: &str,
    path: &str,
    details: &Details,
) -> Option<Workload> {
    let make = |namespace: &str, kind: &str, name: &str, container: &str| {
        Some(Workload {
            cluster: cluster.to_owned(),
            namespace: namespace.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            container: container.to_owned(),
        })
    };
    let label = |key: &str| {
        details
            .labels
            .get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    };
    let told = details.in_pod.as_ref();
    let is_ephemeral = told.is_some_and(|told| told.kind == Some(Kind::Ephemeral));
    // A container's own name, within a workload, is stable for pods and Compose alone.
    let in_pod = match is_ephemeral {
        _ if details.pod.is_empty() => "",
        true => EPHEMERAL,
        false => details.name.as_str(),
    };
    if runtime == Runtime::Host {
        return make("", "Host", "host", "");
    }
    let owner = told.and_then(|told| told.owner.as_ref());
    // Whoever may make a pod may label it; what it is owned by, it cannot choose.
    if let Some(owner) = owner
        && owner.evidence != Evidence::Unowned
    {
        return make(&details.namespace, &owner.kind, &owner.name, in_pod);
    }
    if let Some(name) = label(WORKLOAD_LABEL) {
        return make(&details.namespace, "Workload", name, in_pod);
    }
    if let Some(owner) = owner {
        return make(&details.namespace, &owner.kind, &owner.name, in_pod);
    }
    // A pod's namespace is the cluster's to say, not its labels'.
    if details.pod.is_empty()
        && let Some(service) = label(SERVICE_LABEL)
    {
        let project = label(PROJECT_LABEL).unwrap_or_default();
        return make(project, "Service", service, "");
    }
    // An image known only by its digest has no repository.
    let image = repository(&details.image);
    if !image.is_empty() && image != "sha256" && !is_generated(image) {
        return make(&details.namespace, "Image", image, in_pod);
    }
    if !details.bundle.is_empty() && !has_generated(&details.bundle) {
        return make("", "Bundle", &details.bundle, "");
    }
    // Outside of pods, Docker and Podman make up names for those that got none.
    if !in_pod.is_empty() && !is_ephemeral {
        return make(&details.namespace, "Container", in_pod, in_pod);
    }
    if runtime == Runtime::Unknown {
        // A path that was cut does not begin with a slash.
        let name = path.strip_prefix('/').filter(|name| !name.is_empty())?;
        return (!has_generated(name)).then(|| make("", "Cgroup", name, ""))?;
    }
    if !id.is_empty() && !has_generated(id) {
        return make("", "Container", id, "");
    }
    None
}

#[cfg(test)]
mod tests;
