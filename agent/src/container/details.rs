//! What the runtimes' own files say of a container.
//!
//! Read where they lie, without asking a daemon: that works with a daemon that
//! is stopped, and needs no rights beyond reading. Files are bounded and any
//! content is borne. What they leave open the daemons are asked for, see
//! [`super::identity`].

use super::commands::Commands;
use super::layout::{Named, Runtime};
use super::workload::{Details, clean, digest};
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest file that is read, in bytes.
const FILE_MAX: u64 = 4 << 20;

/// Where the daemons keep their files.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The host's root folder.
    host: PathBuf,
    /// Docker's own folder.
    docker: PathBuf,
}

/// The value in a file of JSON.
pub fn read(path: &Path) -> Option<Value> {
    let mut text = Vec::new();
    File::open(path)
        .ok()?
        .take(FILE_MAX)
        .read_to_end(&mut text)
        .ok()?;
    serde_json::from_slice(&text).ok()
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(clean)
        .unwrap_or_default()
}

fn map(value: Option<&Value>) -> Labels {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((clean(key), clean(value.as_str()?))))
        .collect()
}

impl Sources {
    /// With the well-known folders below the host's root, and where Docker was told to put its own.
    #[must_use]
    pub fn new(host: &Path) -> Self {
        let configured = read(&host.join("etc/docker/daemon.json"))
            .and_then(|config| Some(config.get("data-root")?.as_str()?.to_owned()));
        let docker = configured.as_deref().unwrap_or("/var/lib/docker");
        Self {
            host: host.to_path_buf(),
            docker: host.join(docker.trim_start_matches('/')),
        }
    }

    /// What the files say of a container that a path named.
    #[must_use]
    pub fn details(&self, named: &Named) -> Option<Details> {
        // The id becomes a part of paths.
        if named.id.contains('/') || named.id.starts_with('.') {
            return None;
        }
        let found = match named.runtime {
            Runtime::Docker => self.docker(&named.id),
            Runtime::Containerd => self
                .containerd(&named.id)
                .or_else(|| self.docker(&named.id)),
            Runtime::CriO | Runtime::Podman => self.containers_storage(&named.id),
            Runtime::Runc | Runtime::Lxc | Runtime::Unknown | Runtime::Host => None,
        };
        found.map(Details::trimmed)
    }

    /// Docker's own record, api/types of moby.
    fn docker(&self, id: &str) -> Option<Details> {
        let folder = self.docker.join("containers").join(id);
        Some(docker(&read(&folder.join("config.v2.json"))?))
    }

    /// The bundles of containerd, one folder per namespace.
    fn containerd(&self, id: &str) -> Option<Details> {
        let tasks = self
            .host
            .join("run/containerd/io.containerd.runtime.v2.task");
        std::fs::read_dir(tasks)
            .ok()?
            .flatten()
            .find_map(|namespace| read(&namespace.path().join(id).join("config.json")))
            .map(|config| bundled(&config))
    }

    /// The storage that CRI-O and Podman share, containers/storage.
    fn containers_storage(&self, id: &str) -> Option<Details> {
        let stores = ["run/containers/storage", "var/lib/containers/storage"];
        let labels = stores.iter().find_map(|store| {
            let folder = self.host.join(store).join("overlay-containers").join(id);
            Some(map(
                read(&folder.join("userdata/config.json"))?.get("annotations")
            ))
        });
        let list = read(
            &self
                .host
                .join("var/lib/containers/storage/overlay-containers/containers.json"),
        );
        let metadata = list
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .find(|container| container.get("id").and_then(Value::as_str) == Some(id))
            .and_then(|container| container.get("metadata")?.as_str())
            .and_then(|metadata| serde_json::from_str::<Value>(metadata).ok());
        if labels.is_none() && metadata.is_none() {
            return None;
        }
        let metadata = metadata.unwrap_or_default();
        let pod = in_pod(labels.unwrap_or_default(), "io.kubernetes.");
        let image = first([
            annotated(&pod.labels, CRIO_NAME),
            text(&metadata, "/image-name"),
        ]);
        Some(Details {
            name: first([pod.name.clone(), text(&metadata, "/name")]),
            digest: first([
                digest(&image),
                digest(&annotated(&pod.labels, CRIO_REFERENCE)),
                digest(&text(&metadata, "/image-id")),
            ]),
            image,
            ..pod
        })
    }
}

/// What Docker says of a container, in its file as by its API.
#[must_use]
pub fn docker(record: &Value) -> Details {
    let labels = map(record.pointer("/Config/Labels"));
    let image = text(record, "/Config/Image");
    Details {
        name: text(record, "/Name").trim_start_matches('/').to_owned(),
        // What it was told to run may be a digest; the image's id is always there.
        digest: first([digest(&image), digest(&text(record, "/Image"))]),
        image,
        ..in_pod(labels, "io.kubernetes.")
    }
}

/// Annotations with which CRI-O and containerd tell runc of the image. CRI-O's reference is what
/// the image's name was resolved to: a digest, or the image's id. containerd tells no digest but
/// one that stands in the name.
const CRIO_NAME: &str = "io.kubernetes.cri-o.ImageName";
const CRIO_REFERENCE: &str = "io.kubernetes.cri-o.ImageRef";
const CONTAINERD_NAME: &str = "io.kubernetes.cri.image-name";

/// Labels, or annotations.
pub type Labels = std::collections::BTreeMap<String, String>;

fn annotated(labels: &Labels, key: &str) -> String {
    labels.get(key).cloned().unwrap_or_default()
}

/// The first that says something.
fn first<const N: usize>(texts: [String; N]) -> String {
    let mut texts = texts.into_iter();
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

/// The image and its digest, as annotations tell runc.
fn image(labels: &Labels) -> (String, String) {
    let name = first([
        annotated(labels, CONTAINERD_NAME),
        annotated(labels, CRIO_NAME),
    ]);
    let digest = first([digest(&name), digest(&annotated(labels, CRIO_REFERENCE))]);
    (name, digest)
}

/// What the configuration of a bundle says, OCI runtime specification.
#[must_use]
pub fn bundled(config: &Value) -> Details {
    by_annotations(map(config.get("annotations")))
}

/// What the annotations of a bundle say, as the CRI plugin of containerd and nerdctl write them.
pub fn by_annotations(labels: Labels) -> Details {
    let get = |key: &str| annotated(&labels, key);
    let (image, digest) = image(&labels);
    Details {
        name: first([get("io.kubernetes.cri.container-name"), get("nerdctl/name")]),
        image,
        digest,
        pod: get("io.kubernetes.cri.sandbox-name"),
        namespace: get("io.kubernetes.cri.sandbox-namespace"),
        pod_uid: get("io.kubernetes.cri.sandbox-uid"),
        bundle: String::new(),
        labels,
        in_pod: None,
        commands: Commands::default(),
    }
}

/// Details of a pod's container, from labels with a common prefix.
fn in_pod(labels: Labels, prefix: &str) -> Details {
    let get = |key: &str| {
        labels
            .get(&format!("{prefix}{key}"))
            .cloned()
            .unwrap_or_default()
    };
    Details {
        name: get("container.name"),
        pod: get("pod.name"),
        namespace: get("pod.namespace"),
        pod_uid: get("pod.uid"),
        labels,
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn details(root: &Path, runtime: Runtime, id: &str) -> Option<Details> {
        Sources::new(root).details(&Named {
            runtime,
            id: id.into(),
        })
    }

    #[test]
    fn docker_s_files() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &format!("var/lib/docker/containers/{ID}/config.v2.json"),
            &format!(
                r#"{{"Name":"/web","Image":"sha256:{ID}","Config":{{"Image":"team/web:1","Labels":{{"com.docker.compose.service":"web"}}}}}}"#
            ),
        );
        let found = details(root.path(), Runtime::Docker, ID).unwrap();
        assert_eq!(found.digest, format!("sha256:{ID}"));
        assert_eq!(
            (found.name.as_str(), found.image.as_str()),
            ("web", "team/web:1")
        );
        assert_eq!(found.labels["com.docker.compose.service"], "web");
        write(
            root.path(),
            "etc/docker/daemon.json",
            r#"{"data-root":"/data/docker"}"#,
        );
        assert_eq!(details(root.path(), Runtime::Docker, ID), None);
        write(
            root.path(),
            &format!("data/docker/containers/{ID}/config.v2.json"),
            r#"{"Config":{"Image":"team/moved:1"}}"#,
        );
        let found = details(root.path(), Runtime::Docker, ID).unwrap();
        assert_eq!(found.image, "team/moved:1");
    }

    #[test]
    fn containerd_s_files() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &format!("run/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}/config.json"),
            r#"{"annotations":{"io.kubernetes.cri.container-name":"app","io.kubernetes.cri.sandbox-name":"web-1",
                "io.kubernetes.cri.sandbox-namespace":"shop","io.kubernetes.cri.image-name":"team/web:1"}}"#,
        );
        let found = details(root.path(), Runtime::Containerd, ID).unwrap();
        assert_eq!(
            (
                found.name.as_str(),
                found.pod.as_str(),
                found.namespace.as_str()
            ),
            ("app", "web-1", "shop")
        );
        assert_eq!(found.image, "team/web:1");
        assert_eq!(found.version(), None, "a tag tells no version");
        assert_eq!(details(root.path(), Runtime::Containerd, "../x"), None);
        let pinned = format!("team/web:1@sha256:{ID}");
        let config = serde_json::json!({"annotations": {CONTAINERD_NAME: pinned}});
        let version = bundled(&config).version().unwrap();
        assert_eq!(
            (version.repository(), version.digest()),
            ("team/web", &*format!("sha256:{ID}"))
        );
    }

    #[test]
    fn podman_s_and_cri_o_s_files() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            "var/lib/containers/storage/overlay-containers/containers.json",
            &format!(
                r#"[{{"id":"{ID}","metadata":"{{\"image-name\":\"host/web:1\",\"image-id\":\"{ID}\",\"name\":\"web\"}}"}}]"#
            ),
        );
        let found = details(root.path(), Runtime::Podman, ID).unwrap();
        assert_eq!(found.digest, format!("sha256:{ID}"));
        assert_eq!(
            (found.name.as_str(), found.image.as_str()),
            ("web", "host/web:1")
        );
        write(
            root.path(),
            &format!("run/containers/storage/overlay-containers/{ID}/userdata/config.json"),
            &format!(
                r#"{{"annotations":{{"io.kubernetes.container.name":"app","io.kubernetes.pod.name":"web-1",
                "io.kubernetes.pod.namespace":"shop","io.kubernetes.cri-o.ImageName":"team/web:2",
                "io.kubernetes.cri-o.ImageRef":"team/web@sha256:{other}"}}}}"#,
                other = "1".repeat(64)
            ),
        );
        let found = details(root.path(), Runtime::CriO, ID).unwrap();
        assert_eq!(found.digest, format!("sha256:{}", "1".repeat(64)));
        assert_eq!(
            (
                found.name.as_str(),
                found.pod.as_str(),
                found.image.as_str()
            ),
            ("app", "web-1", "team/web:2")
        );
    }

    #[test]
    fn broken_files_are_as_if_absent() {
        let root = tempfile::tempdir().unwrap();
        for text in ["", "{", "[]", "{\"Config\": 7}", "null"] {
            write(
                root.path(),
                &format!("var/lib/docker/containers/{ID}/config.v2.json"),
                text,
            );
            let found = details(root.path(), Runtime::Docker, ID);
            assert!(found.is_none_or(|found| found.image.is_empty()), "{text}");
        }
    }
}
