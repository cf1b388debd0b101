//! From what a runtime says of a container to the workload it belongs to.
//!
//! In order: the label or annotation `lapwing.dev/workload`; the Compose service;
//! the image's repository, within the pod's namespace where there is one; the
//! bundle of a bare runc container; a name a person gave; the cgroup's path,
//! where no runtime is known. Never a name that a machine made: a profile under
//! such a name would start from nothing with each new container. Nor one that
//! strangers share: what has no name at all has no profile either, is compared
//! with nothing, and teaches nothing.

use super::layout::{Runtime, has_generated, is_generated};
use lapwing_profile::text;
use lapwing_profile::workload::Workload;
use std::collections::BTreeMap;

/// Label or annotation that names the workload.
pub const WORKLOAD_LABEL: &str = "lapwing.dev/workload";

/// What a runtime says of a container. All texts come from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The container's name.
    pub name: String,
    /// The image, as the runtime writes it.
    pub image: String,
    /// The pod, for Kubernetes.
    pub pod: String,
    /// The pod's namespace.
    pub namespace: String,
    /// Folder of the bundle, for bare runc.
    pub bundle: String,
    /// Those labels or annotations that name the workload.
    pub labels: BTreeMap<String, String>,
}

impl Details {
    /// Without the labels that are not asked for: a container may have any number.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        self.labels
            .retain(|key, _| [WORKLOAD_LABEL, SERVICE_LABEL, PROJECT_LABEL].contains(&&**key));
        self
    }
}

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
    // A container's own name, within a workload, is stable for pods and Compose alone.
    let in_pod = if details.pod.is_empty() {
        ""
    } else {
        details.name.as_str()
    };
    if runtime == Runtime::Host {
        return make("", "Host", "host", "");
    }
    if let Some(name) = label(WORKLOAD_LABEL) {
        return make(&details.namespace, "Workload", name, in_pod);
    }
    if let Some(service) = label(SERVICE_LABEL) {
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
    if !in_pod.is_empty() {
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
mod tests {
    use super::*;

    fn details(name: &str, image: &str, labels: &[(&str, &str)]) -> Details {
        Details {
            name: name.into(),
            image: image.into(),
            labels: labels
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect(),
            ..Details::default()
        }
    }

    fn name(runtime: Runtime, id: &str, details: &Details) -> String {
        workload("", runtime, id, "/odd/box", details)
            .map_or_else(|| "-".to_owned(), |workload| workload.to_string())
    }

    #[test]
    fn repositories() {
        for (image, expected) in [
            ("nginx", "nginx"),
            ("nginx:1.2", "nginx"),
            ("host:5000/team/web", "host:5000/team/web"),
            ("host:5000/team/web:v1@sha256:00", "host:5000/team/web"),
            ("web@sha256:00", "web"),
            ("", ""),
        ] {
            assert_eq!(repository(image), expected);
        }
    }

    #[test]
    fn the_most_telling_name_wins() {
        let generated = "f".repeat(64);
        let labelled = details(
            "x",
            "nginx",
            &[
                (WORKLOAD_LABEL, "shop"),
                ("com.docker.compose.service", "web"),
            ],
        );
        assert_eq!(
            name(Runtime::Docker, &generated, &labelled),
            "/Workload/shop/"
        );
        let compose = details(
            "x",
            "nginx",
            &[
                ("com.docker.compose.service", "web"),
                ("com.docker.compose.project", "shop"),
            ],
        );
        assert_eq!(
            name(Runtime::Docker, &generated, &compose),
            "shop/Service/web/"
        );
        assert_eq!(
            name(
                Runtime::Docker,
                &generated,
                &details("happy_bohr", "team/web:1", &[])
            ),
            "/Image/team%2Fweb/"
        );
        let pod = Details {
            pod: "web-6d-x".into(),
            namespace: "shop".into(),
            ..details("app", "team/web:1", &[])
        };
        assert_eq!(
            name(Runtime::Containerd, &generated, &pod),
            "shop/Image/team%2Fweb/app"
        );
        let bundle = Details {
            bundle: "/srv/shop".into(),
            ..Details::default()
        };
        assert_eq!(name(Runtime::Runc, "c1", &bundle), "/Bundle/%2Fsrv%2Fshop/");
        assert_eq!(
            name(Runtime::Containerd, "web", &Details::default()),
            "/Container/web/"
        );
        assert_eq!(
            name(Runtime::Containerd, &generated, &Details::default()),
            "-"
        );
        assert_eq!(
            name(
                Runtime::Docker,
                &generated,
                // The name that Docker makes up.
                &details("happy_bohr", &format!("sha256:{generated}"), &[])
            ),
            "-"
        );
        let bundle = Details {
            bundle: format!("/data/docker/moby/{generated}"),
            ..Details::default()
        };
        assert_eq!(name(Runtime::Docker, &generated, &bundle), "-");
        assert_eq!(
            name(Runtime::Unknown, "box", &Details::default()),
            "/Cgroup/odd%2Fbox/"
        );
        let path = format!("/odd/{generated}");
        let found = workload("", Runtime::Unknown, &generated, &path, &Details::default());
        assert_eq!(found, None);
    }

    #[test]
    fn texts_from_files_are_bounded_and_canonical() {
        let found = clean(&"a\n".repeat(10_000));
        assert!(found.len() <= 4 * TEXT_MAX && !found.contains('\n'));
        assert_eq!(clean("\\x2d"), "\\\\x2d");
    }

    #[test]
    fn only_labels_that_are_asked_for_are_kept() {
        let found = details("", "", &[(WORKLOAD_LABEL, "shop"), ("other", "x")]).trimmed();
        assert_eq!(found.labels.len(), 1);
        assert_eq!(found.labels[WORKLOAD_LABEL], "shop");
    }
}
