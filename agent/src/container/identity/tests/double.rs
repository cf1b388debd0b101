//! Runtimes that tests stand in for.

use super::{DIGEST, ID, POD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use lapwing_proto::cri::v1::runtime_service_server::{RuntimeService, RuntimeServiceServer};
use lapwing_proto::cri::v1::{
    Container, ContainerMetadata, ContainerStatus, ContainerStatusRequest, ContainerStatusResponse,
    ImageSpec, ListContainersRequest, ListContainersResponse, PodSandboxMetadata, PodSandboxStatus,
    PodSandboxStatusRequest, PodSandboxStatusResponse, VersionRequest, VersionResponse,
};
use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::task::AbortHandle;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Response as Answer, Status};

/// A runtime that speaks CRI, with one pod.
#[derive(Clone, Default)]
pub struct Cri {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    also: Vec<String>,
    labels: HashMap<String, String>,
    /// The image in its list of containers.
    asked_for: Option<ImageSpec>,
    /// The id that it answers with, whatever it is asked.
    echo: Option<String>,
    slow: bool,
    /// Connections that outlast the server get nothing either.
    down: bool,
    pods: usize,
    server: Option<AbortHandle>,
    calls: tokio::task::JoinSet<()>,
}

impl Cri {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Its containers have a label more.
    pub fn with_label(self, key: &str, value: &str) -> Self {
        self.state().labels.insert(key.into(), value.into());
        self
    }

    /// Its list has this image, and the id of it or another name.
    pub fn with_image(self, user_specified_image: &str, image: &str) -> Self {
        self.state().asked_for = Some(ImageSpec {
            image: image.into(),
            user_specified_image: user_specified_image.into(),
        });
        self
    }

    /// It answers for this one, whoever is asked for.
    pub fn echoing(self, id: &str) -> Self {
        self.state().echo = Some(id.into());
        self
    }

    /// It speaks of no container before the test is over.
    pub fn slow(self) -> Self {
        self.state().slow = true;
        self
    }

    /// There is another container.
    pub fn knows_also(&self, id: &str) {
        self.state().also.push(id.into());
    }

    /// How often it was asked for a pod that it knows.
    pub fn pods_asked(&self) -> usize {
        self.state().pods
    }

    /// Listens in a folder.
    pub async fn serve(&self, folder: &Path) -> PathBuf {
        let _ = std::fs::create_dir(folder);
        let path = folder.join("cri.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let (ends, ended) = tokio::sync::oneshot::channel::<()>();
        let server = tonic::transport::Server::builder()
            .add_service(RuntimeServiceServer::new(self.clone()))
            .serve_with_incoming_shutdown(UnixListenerStream::new(listener), async {
                let _ = ended.await;
            });
        let mut state = self.state();
        state.down = false;
        state.server = Some(state.calls.spawn(async move {
            let _ends = ends;
            server.await.unwrap();
        }));
        path
    }

    /// Ends it, and its connections.
    pub fn stop(&self) {
        let mut state = self.state();
        state.down = true;
        if let Some(server) = state.server.take() {
            server.abort();
        }
    }

    fn is_up(&self) -> Result<(), Status> {
        match self.state().down {
            true => Err(Status::unavailable("it is gone")),
            false => Ok(()),
        }
    }

    fn knows(&self, id: &str) -> bool {
        id == ID || self.state().also.iter().any(|other| other == id)
    }
}

#[tonic::async_trait]
impl RuntimeService for Cri {
    async fn version(
        &self,
        _: tonic::Request<VersionRequest>,
    ) -> Result<Answer<VersionResponse>, Status> {
        self.is_up()?;
        Ok(Answer::new(VersionResponse {
            version: "0.1.0".into(),
            runtime_name: "containerd".into(),
            runtime_version: "1.7.2".into(),
            runtime_api_version: "v1".into(),
        }))
    }

    async fn pod_sandbox_status(
        &self,
        request: tonic::Request<PodSandboxStatusRequest>,
    ) -> Result<Answer<PodSandboxStatusResponse>, Status> {
        let id = request.into_inner().pod_sandbox_id;
        if id != POD {
            return Err(Status::not_found("no such sandbox"));
        }
        self.state().pods += 1;
        let status = PodSandboxStatus {
            id,
            metadata: Some(PodSandboxMetadata {
                name: "web-0".into(),
                uid: "0d7a9c52-6f3e-4b1a-9c58-2e41f7b6a3d0".into(),
                namespace: "shop".into(),
                attempt: 0,
            }),
            created_at: 1,
            labels: [("app".into(), "web".into())].into(),
            annotations: [("lapwing.dev/workload".into(), "checkout".into())].into(),
        };
        Ok(Answer::new(PodSandboxStatusResponse {
            status: Some(status),
        }))
    }

    async fn list_containers(
        &self,
        request: tonic::Request<ListContainersRequest>,
    ) -> Result<Answer<ListContainersResponse>, Status> {
        let wanted = request.into_inner().filter.unwrap_or_default().id;
        let container = |id: String| Container {
            id,
            pod_sandbox_id: POD.into(),
            metadata: None,
            image: self.state().asked_for.clone(),
        };
        let containers = self.knows(&wanted).then(|| container(wanted));
        Ok(Answer::new(ListContainersResponse {
            containers: containers.into_iter().collect(),
        }))
    }

    async fn container_status(
        &self,
        request: tonic::Request<ContainerStatusRequest>,
    ) -> Result<Answer<ContainerStatusResponse>, Status> {
        self.is_up()?;
        let id = request.into_inner().container_id;
        if self.state().slow {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
        }
        if !self.knows(&id) {
            return Err(Status::not_found("no such container"));
        }
        let state = self.state();
        let status = ContainerStatus {
            id: state.echo.clone().unwrap_or(id),
            metadata: Some(ContainerMetadata {
                name: "app".into(),
                attempt: 0,
            }),
            created_at: 1,
            // Another name of the same content, as containerd answers.
            image: Some(ImageSpec {
                image: "mirror.example/copy-of-web:2".into(),
                user_specified_image: String::new(),
            }),
            image_ref: format!("registry.example:5000/shop/web@{DIGEST}"),
            labels: state.labels.clone(),
            annotations: HashMap::new(),
            image_id: String::new(),
        };
        Ok(Answer::new(ContainerStatusResponse {
            status: Some(status),
        }))
    }
}

type Reply = dyn Fn(&str) -> (u16, String) + Send + Sync;

/// A daemon that speaks HTTP.
pub struct Docker(Arc<Reply>);

impl Docker {
    /// By the target of the request: a status and a body.
    pub fn answering(reply: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(reply))
    }

    /// Listens in a folder, for as long as the test runs.
    pub async fn serve(&self, folder: &Path) -> PathBuf {
        let _ = std::fs::create_dir(folder);
        let path = folder.join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let reply = Arc::clone(&self.0);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let reply = Arc::clone(&reply);
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let (status, body) = reply(request.uri().path());
                    async move {
                        let mut response = Response::new(Full::new(Bytes::from(body)));
                        *response.status_mut() = status.try_into().unwrap();
                        Ok::<_, Infallible>(response)
                    }
                });
                let io = TokioIo::new(stream);
                tokio::spawn(http1::Builder::new().serve_connection(io, service));
            }
        });
        path
    }
}
