//! The Container Runtime Interface, v1: containerd, CRI-O and cri-dockerd.
//!
//! A container's status has what its image was resolved to and the kubelet's labels; the pod, with its
//! own labels and annotations, is its sandbox's, whose id only the list of containers tells. So is the
//! image as the pod's specification has it: in a status of containerd stands the first of the names
//! that such an image has on the node, which may be another on the next one. A sandbox is a container
//! too, which holds the pod's namespaces open, and goes by the name `POD`.

use super::source::{Failed, Said};
use crate::container::layout::Runtime;
use crate::container::pod::SANDBOX;
use crate::container::workload::{Details, clean, digest, is_id, names_workload};
use lapwing_proto::cri::v1::runtime_service_client::RuntimeServiceClient;
use lapwing_proto::cri::v1::{
    Container, ContainerFilter, ContainerStatus, ContainerStatusRequest, ImageSpec,
    ListContainersRequest, PodSandboxStatus, PodSandboxStatusRequest, VersionRequest,
};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// Longest answer that is read, in bytes: labels and mounts of one container.
const ANSWER_MAX: usize = 1 << 20;
/// Pods that are remembered; what is asked of one never changes.
const PODS_MAX: usize = 512;

type Client = RuntimeServiceClient<Channel>;

/// A runtime that speaks it.
#[derive(Debug, Default)]
pub struct Cri(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    client: Option<Client>,
    runtime: Option<Runtime>,
    pods: HashMap<String, Details>,
}

impl Cri {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the connection.
    pub fn disconnect(&self) {
        *self.kept() = Kept::default();
    }

    /// Which runtime answers; connects where that is not done.
    pub async fn version(&self, socket: &Path) -> Result<String, Failed> {
        let kept = self.kept().client.clone();
        let mut client = match kept {
            Some(client) => client,
            None => connect(socket).await?,
        };
        let request = VersionRequest {
            version: "v1".to_owned(),
        };
        let version = client
            .version(request)
            .await
            .map_err(|status| failed(&status))?;
        let version = version.into_inner();
        if version.runtime_api_version != "v1" {
            let spoken = &version.runtime_api_version;
            return Err(Failed::Unsuitable(format!(
                "it speaks CRI {spoken}, not v1"
            )));
        }
        let mut kept = self.kept();
        kept.client = Some(client);
        kept.runtime = Some(match version.runtime_name.as_str() {
            "cri-o" => Runtime::CriO,
            "docker" => Runtime::Docker,
            _ => Runtime::Containerd,
        });
        Ok(format!(
            "{} {}",
            version.runtime_name, version.runtime_version
        ))
    }

    /// What it says of a container, or of a sandbox.
    pub async fn container(&self, id: &str) -> Result<Option<Said>, Failed> {
        let (client, runtime) = {
            let kept = self.kept();
            (kept.client.clone(), kept.runtime)
        };
        let (Some(mut client), Some(runtime)) = (client, runtime) else {
            return Err(Failed::Trouble("not connected".to_owned()));
        };
        let request = ContainerStatusRequest {
            container_id: id.to_owned(),
            verbose: false,
        };
        let status = match client.container_status(request).await {
            Ok(answer) => answer.into_inner().status.ok_or_else(nothing_said)?,
            Err(status) if is_unknown(&status) => {
                let pod = self.pod(&mut client, id).await?;
                return Ok(pod.map(|pod| {
                    let name = SANDBOX.to_owned();
                    (Details { name, ..pod }, runtime)
                }));
            }
            Err(status) => return Err(failed(&status)),
        };
        same(id, &status.id)?;
        let listed = listed(&mut client, id).await?;
        let pod = match &listed {
            Some(listed) => self.pod(&mut client, &listed.pod_sandbox_id).await?,
            None => None,
        };
        let asked_for = listed.and_then(|listed| listed.image);
        Ok(Some((details(&status, asked_for.as_ref(), pod), runtime)))
    }

    /// What a sandbox says of its pod.
    async fn pod(&self, client: &mut Client, id: &str) -> Result<Option<Details>, Failed> {
        let known = self.kept().pods.get(id).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let request = PodSandboxStatusRequest {
            pod_sandbox_id: id.to_owned(),
            verbose: false,
        };
        let status = match client.pod_sandbox_status(request).await {
            Ok(answer) => answer.into_inner().status.ok_or_else(nothing_said)?,
            Err(status) if is_unknown(&status) => return Ok(None),
            Err(status) => return Err(failed(&status)),
        };
        same(id, &status.id)?;
        let pod = in_sandbox(status);
        let mut kept = self.kept();
        if kept.pods.len() >= PODS_MAX {
            kept.pods.clear();
        }
        kept.pods.insert(id.to_owned(), pod.clone());
        Ok(Some(pod))
    }
}

async fn connect(socket: &Path) -> Result<Client, Failed> {
    let trouble = |error: tonic::transport::Error| {
        // The cause says more than the layers above it.
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        Failed::Trouble(format!("cannot connect: {cause}"))
    };
    let endpoint =
        Endpoint::from_shared(format!("unix://{}", socket.display())).map_err(trouble)?;
    let channel = endpoint.connect().await.map_err(trouble)?;
    Ok(Client::new(channel).max_decoding_message_size(ANSWER_MAX))
}

/// A container, as the list has it.
async fn listed(client: &mut Client, id: &str) -> Result<Option<Container>, Failed> {
    let filter = ContainerFilter {
        id: id.to_owned(),
        pod_sandbox_id: String::new(),
    };
    let request = ListContainersRequest {
        filter: Some(filter),
    };
    let answer = client.list_containers(request).await;
    let answer = answer.map_err(|status| failed(&status))?.into_inner();
    let mut found = answer.containers.into_iter();
    Ok(found.find(|container| container.id == id))
}

/// Whether it says that there is none. cri-dockerd hands on the words of Docker.
fn is_unknown(status: &Status) -> bool {
    match status.code() {
        Code::NotFound => true,
        Code::Unknown => status
            .message()
            .to_lowercase()
            .contains("no such container"),
        _ => false,
    }
}

fn failed(status: &Status) -> Failed {
    match status.code() {
        Code::Unimplemented => {
            Failed::Unsuitable("it does not speak CRI v1, or that is switched off".to_owned())
        }
        code => Failed::Trouble(format!("{code}: {}", status.message())),
    }
}

fn nothing_said() -> Failed {
    Failed::Trouble("it answered without a status".to_owned())
}

/// That it speaks of what it was asked for.
fn same(asked: &str, answered: &str) -> Result<(), Failed> {
    match asked == answered {
        true => Ok(()),
        false => Err(Failed::Trouble("it answered for another id".to_owned())),
    }
}

type Map = HashMap<String, String>;

/// Those labels and annotations that name the workload, the first of each name.
fn naming<'m>(maps: impl IntoIterator<Item = &'m Map>) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for (key, value) in maps.into_iter().flatten() {
        if names_workload(key) {
            kept.entry(key.clone()).or_insert_with(|| clean(value));
        }
    }
    kept
}

fn label(labels: &Map, key: &str) -> String {
    labels.get(key).map(|text| clean(text)).unwrap_or_default()
}

fn in_sandbox(status: PodSandboxStatus) -> Details {
    let metadata = status.metadata.unwrap_or_default();
    Details {
        pod: clean(&metadata.name),
        namespace: clean(&metadata.namespace),
        pod_uid: clean(&metadata.uid),
        labels: naming([&status.labels, &status.annotations]),
        ..Details::default()
    }
}

fn details(
    status: &ContainerStatus,
    asked_for: Option<&ImageSpec>,
    pod: Option<Details>,
) -> Details {
    let labels = &status.labels;
    let pod = pod.unwrap_or_else(|| Details {
        pod: label(labels, "io.kubernetes.pod.name"),
        namespace: label(labels, "io.kubernetes.pod.namespace"),
        pod_uid: label(labels, "io.kubernetes.pod.uid"),
        ..Details::default()
    });
    let named = status
        .metadata
        .as_ref()
        .map(|metadata| clean(&metadata.name));
    let images = || [asked_for, status.image.as_ref()].into_iter().flatten();
    let written = images().map(|image| &image.user_specified_image);
    let used = images().map(|image| &image.image);
    // As people wrote it; never by its id alone, where anything else is told.
    let references: Vec<String> = written
        .chain(used)
        .chain([&status.image_ref])
        .map(|text| clean(text))
        .filter(|text| !text.is_empty())
        .collect();
    let mut named_by = references.iter().filter(|text| !is_id(text));
    let image = named_by.next().or(references.first());
    let told = [&status.image_ref, &status.image_id].into_iter();
    let mut digests = told.chain(&references).map(|text| digest(text));
    let mut own = naming([labels, &status.annotations]);
    for (key, value) in pod.labels {
        own.entry(key).or_insert(value);
    }
    Details {
        name: named
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| label(labels, "io.kubernetes.container.name")),
        image: image.cloned().unwrap_or_default(),
        digest: digests
            .find(|digest| !digest.is_empty())
            .unwrap_or_default(),
        labels: own,
        ..pod
    }
}
