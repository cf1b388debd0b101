//! One question to the API, and its answer, in bounds of memory and of time.

use super::asked::{Asked, Outcome, Verb};
pub use super::failure::Failure;
use super::failure::{AFTER_MAX, late, told, too_long};
use super::object::Refusal;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::Body as _;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::http::request::Builder;
use hyper::{Request, Response};
use kube::Client;
use kube::client::Body;
use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

/// Longest answer that is read, in bytes: some hundred pods, with all that was ever applied to them.
pub const ANSWER_MAX: usize = 64 << 20;
/// Longest time for one answer of a list, however steadily it comes.
const LIST_TIME: Duration = Duration::from_secs(120);
/// A list of the metadata of its objects, without what they say.
const NAMES_ALONE: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/// Longest step of a watch: an object of the API is at most 1.5 MiB in its store.
const STEP_MAX: usize = 4 << 20;
/// Longest refusal.
const REFUSAL_MAX: usize = 64 << 10;
/// How long who looks for a way waits for another to have found one: less than any of them has for all of it
/// where that was not set to less.
const TURN: Duration = Duration::from_secs(1);
/// Where a cluster mounts what its API is reached with.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// A way to the API, and its address.
pub type Reached = (Client, String);
type Reaching = Pin<Box<dyn Future<Output = Result<Reached, String>> + Send>>;
/// How a way is found.
pub type Reach = Arc<dyn Fn() -> Reaching + Send + Sync>;

/// Whether the agent runs in a pod that may ask.
pub fn is_in_cluster() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() && Path::new(TOKEN).exists()
}

/// By the agent's own service account; or by a file, as people have one. That may name a program for
/// credentials, which is waited for without asking anybody: so a thread of its own waits, one at a
/// time, which neither keeps others from their work nor the agent from its end.
pub fn reach(file: Option<PathBuf>) -> Reach {
    let turns = Arc::new(Semaphore::new(1));
    Arc::new(move || {
        let file = file.clone();
        let turn = Arc::clone(&turns).acquire_owned();
        Box::pin(async move {
            // Several ask at once where a replica comes to lead, and most ways are found at once.
            let turn = tokio::time::timeout(TURN, turn).await;
            let Ok(Ok(turn)) = turn else {
                return Err(
                    "the program for credentials (exec) that the kubeconfig names has not ended yet"
                        .to_owned(),
                );
            };
            let runtime = Handle::current();
            let (sender, found) = oneshot::channel();
            let work = move || {
                let way = runtime.block_on(way(file.as_deref()));
                drop(turn);
                // Nobody waits for it any longer if it took too long.
                let _ = sender.send(way);
            };
            std::thread::Builder::new()
                .name("api-access".to_owned())
                .spawn(work)
                .map_err(|error| format!("no thread for the way to the API: {error}"))?;
            let ended = |_| Err("the way to the API was not looked for to its end".to_owned());
            found.await.unwrap_or_else(ended)
        })
    })
}

async fn way(file: Option<&Path>) -> Result<Reached, String> {
    let config = match file {
        None => kube::Config::incluster().map_err(|error| cause(&error)),
        Some(file) => by_file(file).await,
    };
    let mut config = config?;
    // Who asks waits by its own rules, and is the only one to ask again.
    config.default_retry = false;
    // Nothing is encrypted, so no authority is needed: a machine may have none, and that would be an error.
    if config.cluster_url.scheme_str() == Some("http") {
        config.root_cert.get_or_insert_default();
    }
    let url = config.cluster_url.to_string();
    let client = Client::try_from(config).map_err(|error| cause(&error))?;
    Ok((client, url.trim_end_matches('/').to_owned()))
}

async fn by_file(file: &Path) -> Result<kube::Config, String> {
    let shown = file.display();
    let read = kube::config::Kubeconfig::read_from(file)
        .map_err(|error| format!("{shown}: {}", cause(&error)))?;
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(read, &options).await;
    config.map_err(|error| format!("{shown}: {}", cause(&error)))
}

/// What went wrong, below all layers.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let told = inner.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        source = inner.source();
    }
    text
}

/// The API.
pub struct Api {
    reach: Reach,
    reached: Mutex<Option<Client>>,
    timeout: Duration,
    /// What was asked so far.
    pub asked: Asked,
}

impl fmt::Debug for Api {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Api").finish_non_exhaustive()
    }
}

impl Api {
    pub fn new(reach: Reach, timeout: Duration) -> Self {
        Self {
            reach,
            reached: Mutex::new(None),
            timeout,
            asked: Asked::default(),
        }
    }

    /// Finds the way anew: certificates and keys may be others now. Answers with the address.
    pub async fn connect(&self) -> Result<String, Failure> {
        let reached = tokio::time::timeout(self.timeout, (self.reach)()).await;
        let reached = reached.unwrap_or_else(|_| {
            let limit = self.timeout.as_millis();
            Err(format!(
                "no way to the API in {limit} ms: see whether files, and a program for credentials \
                 (exec), that the kubeconfig names can be read and end"
            ))
        });
        let (client, url) = reached.map_err(Failure::new)?;
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
        Ok(url)
    }

    fn client(&self) -> Result<Client, Failure> {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let not_yet = || Failure::new("not connected");
        reached.clone().ok_or_else(not_yet)
    }

    fn too_late(&self) -> Failure {
        late(format!("no answer in {} ms", self.timeout.as_millis()))
    }

    /// The head of an answer that is one.
    async fn ask(&self, target: &str) -> Result<Response<Body>, Failure> {
        self.send(Request::get(target), Vec::new()).await
    }

    async fn send(&self, request: Builder, body: Vec<u8>) -> Result<Response<Body>, Failure> {
        let mut request = request
            .body(Body::from(body))
            .map_err(|error| Failure::new(error.to_string()))?;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().entry(ACCEPT).or_insert(json);
        let client = self.client()?;
        let answer = client.send(request).await;
        let answer = answer.map_err(|error| Failure::new(cause(&error)))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(refused(answer).await)
    }

    /// A list, or a part of it. Its head has to come within the time for an answer, and each piece within that
    /// time after the one before; all of it has [`LIST_TIME`].
    pub async fn list(&self, target: &str) -> Result<Bytes, Failure> {
        self.listed(Request::get(target)).await
    }

    /// The same with the metadata of its objects alone.
    pub async fn list_names(&self, target: &str) -> Result<Bytes, Failure> {
        let request = Request::get(target).header(ACCEPT, NAMES_ALONE);
        self.listed(request).await
    }

    async fn listed(&self, request: Builder) -> Result<Bytes, Failure> {
        let answer = tokio::time::timeout(LIST_TIME, async {
            let head = tokio::time::timeout(self.timeout, self.send(request, Vec::new()));
            let answer = head.await.unwrap_or_else(|_| Err(self.too_late()))?;
            self.gathered(answer.into_body()).await
        });
        let answer = answer.await.unwrap_or_else(|_| {
            let limit = LIST_TIME.as_secs();
            Err(late(format!("an answer is not at its end after {limit} s")))
        });
        self.asked.note(Verb::Get, Outcome::of(&answer));
        answer
    }

    /// The whole of an answer, whose pieces come one soon after the other.
    async fn gathered(&self, mut body: Body) -> Result<Bytes, Failure> {
        let announced = body.size_hint().lower();
        if announced > ANSWER_MAX as u64 {
            return Err(too_long());
        }
        let mut whole = BytesMut::with_capacity(announced as usize);
        loop {
            let frame = tokio::time::timeout(self.timeout, body.frame()).await;
            let frame = frame.map_err(|_| {
                let (limit, many) = (self.timeout.as_millis(), whole.len());
                late(format!(
                    "nothing more of an answer in {limit} ms, after {many} bytes"
                ))
            })?;
            let Some(frame) = frame else {
                return Ok(whole.freeze());
            };
            let frame = frame.map_err(|error| Failure::new(cause(&error)))?;
            if let Ok(data) = frame.into_data() {
                if whole.len() + data.len() > ANSWER_MAX {
                    return Err(too_long());
                }
                whole.extend_from_slice(&data);
            }
        }
    }

    /// An object.
    pub async fn get(&self, target: &str) -> Result<Bytes, Failure> {
        self.whole(Verb::Get, Request::get(target), Vec::new())
            .await
    }

    /// Makes an object, below the path of its kind. Answers with it as it is then.
    pub async fn create(&self, target: &str, object: Vec<u8>) -> Result<Bytes, Failure> {
        let request = Request::post(target).header(CONTENT_TYPE, "application/json");
        self.whole(Verb::Create, request, object).await
    }

    /// Replaces an object, if it is still the one whose `resourceVersion` is in it; else that is a
    /// failure with the status 409. Answers with it as it is then.
    pub async fn replace(&self, target: &str, object: Vec<u8>) -> Result<Bytes, Failure> {
        let request = Request::put(target).header(CONTENT_TYPE, "application/json");
        self.whole(Verb::Update, request, object).await
    }

    /// Has an object, or the part of it at this path, be as this says, by server-side apply: made where
    /// there is none, and without regard to who else owned of it what is said here. The target has the
    /// name of the field manager as `fieldManager`. Answers with it as it is then.
    pub async fn apply(&self, target: &str, object: Vec<u8>) -> Result<Bytes, Failure> {
        let request = Request::patch(target).header(CONTENT_TYPE, "application/apply-patch+yaml");
        self.whole(Verb::Patch, request, object).await
    }

    /// Deletes an object.
    pub async fn delete(&self, target: &str) -> Result<(), Failure> {
        self.whole(Verb::Delete, Request::delete(target), Vec::new())
            .await
            .map(drop)
    }

    async fn whole(&self, verb: Verb, request: Builder, body: Vec<u8>) -> Result<Bytes, Failure> {
        self.asked.write(body.len());
        let answer = tokio::time::timeout(self.timeout, async {
            let answer = self.send(request, body).await?;
            self.gathered(answer.into_body()).await
        });
        let answer = answer.await.unwrap_or_else(|_| Err(self.too_late()));
        self.asked.note(verb, Outcome::of(&answer));
        answer
    }

    /// Steps, one a line, as they happen.
    pub async fn watch(&self, target: &str) -> Result<Steps, Failure> {
        let answer = tokio::time::timeout(self.timeout, self.ask(target));
        let answer = answer.await.unwrap_or_else(|_| Err(self.too_late()));
        self.asked.note(Verb::Watch, Outcome::of(&answer));
        Ok(Steps {
            body: answer?.into_body(),
            read: BytesMut::new(),
            searched: 0,
        })
    }
}

async fn refused(answer: Response<Body>) -> Failure {
    let status = answer.status();
    let seconds = answer.headers().get(RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = Limited::new(answer.into_body(), REFUSAL_MAX).collect();
    let body = body.await.map(Collected::to_bytes).unwrap_or_default();
    let said: Refusal = serde_json::from_slice(&body).unwrap_or_default();
    let mut failure = told(&said, status.as_u16());
    if let Some(seconds) = seconds {
        failure.after = Some(Duration::from_secs(seconds).min(AFTER_MAX));
    }
    failure
}

/// An answer that goes on.
#[derive(Debug)]
pub struct Steps {
    body: Body,
    read: BytesMut,
    /// How much of it has no end of a line.
    searched: usize,
}

impl Steps {
    /// The next, without its end of line; none after the last.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let unseen = &self.read[self.searched..];
            if let Some(end) = unseen.iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(self.searched + end + 1).freeze();
                self.searched = 0;
                return Ok(Some(line.slice(..line.len() - 1)));
            }
            self.searched = self.read.len();
            if self.read.len() > STEP_MAX {
                return Err(Failure::new(format!(
                    "a step of more than {STEP_MAX} bytes"
                )));
            }
            match self.body.frame().await {
                None if self.read.is_empty() => return Ok(None),
                None => return Err(Failure::new("the watch ended within a step")),
                Some(Err(error)) => return Err(Failure::new(cause(&error))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.read.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}
