//! An API of a cluster that tests stand in for: it speaks HTTP, over pipes in memory, so that time can
//! be had to stand still; it lists what it has, keeps what came to be for those who watch, and fails as
//! it is told to.

mod apply;
mod reach;
mod selected;
mod slow;

pub use apply::{Ending, Written};
pub use slow::Pace;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Collected, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use selected::{GONE, SELECTED, Selected};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

/// The name of the node that asks.
pub const NODE: &str = "n1";

/// How it fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It does what it should.
    #[default]
    Well,
    /// Nobody listens.
    Down,
    /// It takes requests, and says nothing.
    Hung,
    /// It answers so: a status, and the seconds for which it wants to be left alone.
    Refusing(u16, Option<u32>),
    /// It ends each watch at once.
    Closing,
    /// It remembers nothing of the past: by status, or by a step of the watch.
    Forgetful(bool),
    /// It remembers nothing, and has not come as far as others had.
    Behind,
    /// It lists, and then breaks each watch within a step.
    Breaking,
}

#[derive(Default)]
struct State {
    version: u64,
    /// Pods, BehaviorProfiles and namespaces, by their uids.
    listed: BTreeMap<String, Value>,
    steps: Vec<(u64, Value)>,
    /// What is older is forgotten.
    oldest: u64,
    objects: HashMap<String, Value>,
    forbidden: Vec<String>,
    failing: Vec<String>,
    mood: Mood,
    pace: Pace,
    requests: Vec<String>,
    tokens: Vec<String>,
    /// What is written, by server-side apply and otherwise.
    writes: apply::Writes,
}

/// A cluster.
#[derive(Clone)]
pub struct Cluster {
    state: Arc<Mutex<State>>,
    /// Of each change, and of what to do with those who watch.
    changes: Arc<watch::Sender<u64>>,
    begun: tokio::time::Instant,
}

type Answer = Response<BoxBody<Bytes, std::io::Error>>;

impl Cluster {
    pub fn new() -> Self {
        Self {
            state: Arc::default(),
            changes: Arc::new(watch::channel(0).0),
            begun: tokio::time::Instant::now(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on it fares so; who watches is cut off.
    pub fn fare(&self, mood: Mood) {
        self.state().mood = mood;
        self.changes.send_modify(|count| *count += 1);
    }

    fn note(&self, kind: &str, mut pod: Value) {
        let mut state = self.state();
        state.version += 1;
        let version = state.version;
        pod["metadata"]["resourceVersion"] = json!(version.to_string());
        let uid = pod["metadata"]["uid"].as_str().unwrap().to_owned();
        match kind {
            "DELETED" => drop(state.listed.remove(&uid)),
            _ => {
                let before = state.listed.insert(uid, pod.clone());
                // Who selects hears of what is selected no longer as of what went.
                let was = before.is_some_and(|before| Selected::Namespaces.wants(&before));
                if was && !Selected::Namespaces.wants(&pod) {
                    let mut gone = pod.clone();
                    gone["metadata"]["labels"] = json!({SELECTED: GONE});
                    let step = json!({"type": "DELETED", "object": gone});
                    state.steps.push((version, step));
                }
            }
        }
        state
            .steps
            .push((version, json!({"type": kind, "object": pod})));
        drop(state);
        self.changes.send_modify(|count| *count += 1);
    }

    /// A pod, a profile, or a namespace, is there.
    pub fn put(&self, pod: Value) {
        let uid = pod["metadata"]["uid"].as_str().unwrap();
        let kind = match self.state().listed.contains_key(uid) {
            true => "MODIFIED",
            false => "ADDED",
        };
        self.note(kind, pod);
    }

    /// One of them as it is now, by its uid.
    pub fn there(&self, uid: &str) -> Option<Value> {
        self.state().listed.get(uid).cloned()
    }

    /// It goes.
    pub fn delete(&self, uid: &str) {
        let pod = self.state().listed.get(uid).unwrap().clone();
        self.note("DELETED", pod);
    }

    /// It says that nothing happened.
    pub fn bookmark(&self) {
        let mut state = self.state();
        state.version += 1;
        let version = state.version;
        let object = json!({"kind": "Pod", "metadata": {"resourceVersion": version.to_string()}});
        let step = json!({"type": "BOOKMARK", "object": object});
        state.steps.push((version, step));
        drop(state);
        self.changes.send_modify(|count| *count += 1);
    }

    /// It forgets all that was until now.
    pub fn forget(&self) {
        let mut state = self.state();
        state.oldest = state.version + 1;
        state.version += 1;
    }

    /// There is an object, which may own others.
    pub fn own(&self, path: &str, object: Value) {
        self.state().objects.insert(path.to_owned(), object);
    }

    /// Objects of this plural may not be read.
    pub fn forbid(&self, plural: &str) {
        self.state().forbidden.push(format!("/{plural}/"));
    }

    /// It fails where objects of this plural are asked for; until it is told of none.
    pub fn fail(&self, plural: Option<&str>) {
        self.state().failing = plural.iter().map(|plural| format!("/{plural}/")).collect();
    }

    /// What it was asked since it was asked this.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests)
    }

    /// Who asked.
    pub fn tokens(&self) -> Vec<String> {
        self.state().tokens.clone()
    }

    async fn exchange(self, request: Request<Body>) -> Result<Response<Incoming>, String> {
        let target = request.uri().to_string();
        if self.state().mood == Mood::Down {
            self.state().requests.push(target);
            return Err("connection refused".to_owned());
        }
        let (near, far) = tokio::io::duplex(1 << 16);
        let served = self.clone();
        tokio::spawn(async move { served.serve(far).await });
        let (mut sender, connection) = client::handshake(TokioIo::new(near))
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        sender
            .send_request(request)
            .await
            .map_err(|error| error.to_string())
    }

    /// Serves one connection.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: S) {
        let service = service_fn(|request| self.clone().answer(request));
        // A watch is broken off on purpose.
        let _ = server::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let target = request.uri().to_string();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query: HashMap<&str, &str> = query
            .split('&')
            .filter_map(|part| part.split_once('='))
            .collect();
        let mood = {
            let mut state = self.state();
            state.requests.push(target.clone());
            let token = request.headers().get("authorization");
            let token = token
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            state.tokens.push(token.to_owned());
            state.mood.clone()
        };
        match mood {
            Mood::Hung => std::future::pending().await,
            Mood::Refusing(status, after) => return Ok(refusal(status, after)),
            _ => {}
        }
        let (path, method) = (path.to_owned(), request.method().clone());
        if matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE") {
            let pause = self.state().writes.pause;
            tokio::time::sleep(pause).await;
            let query = { query.iter() }
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
            let body = request.into_body().collect().await;
            let body = body.map(Collected::to_bytes).unwrap_or_default();
            return Ok(match method.as_str() {
                "POST" | "PUT" => self.write(method.as_str(), &path, &body),
                _ => self.change(method.as_str(), &path, &query, &body),
            });
        }
        if let Some(list) = self.list_written(&path, &query).await {
            return Ok(list);
        }
        let Some(selected) = Selected::of(&path) else {
            let state = self.state();
            let is_one = |of: &[String]| of.iter().any(|plural| path.contains(&**plural));
            let is_forbidden = is_one(&state.forbidden);
            return Ok(match state.objects.get(&path) {
                _ if is_forbidden => refusal(403, None),
                _ if is_one(&state.failing) => refusal(503, None),
                Some(object) => whole(200, object),
                None => refusal(404, None),
            });
        };
        let expected = format!("spec.nodeName%3D{NODE}");
        if selected == Selected::Pods && query.get("fieldSelector") != Some(&&*expected) {
            return Ok(refusal(400, None));
        }
        let accepted = request.headers().get("accept").cloned();
        let selector = query.get("labelSelector").copied();
        let selected = match selected {
            Selected::Namespaces if selector.is_none() => Selected::AllNamespaces,
            selected => selected,
        };
        let is_right = match selected {
            Selected::Namespaces => selector == Some("lapwing.dev%2Fmode"),
            Selected::Pods | Selected::Profiles | Selected::AllNamespaces => selector.is_none(),
            Selected::PodsOf(_) => true,
        };
        if !is_right {
            return Ok(refusal(400, None));
        }
        match query.get("watch") {
            Some(&"true") => Ok(self.watched(selected, &query, &mood)),
            _ if mood == Mood::Behind && query.contains_key("resourceVersionMatch") => Ok(whole(
                504,
                &json!({"kind": "Status", "code": 504, "message": "Too large resource version",
                    "details": {"causes": [{"reason": "ResourceVersionTooLarge"}]}}),
            )),
            _ => {
                let accepted = accepted.as_ref().and_then(|value| value.to_str().ok());
                let of_names =
                    accepted.is_some_and(|it| it.contains("as=PartialObjectMetadataList"));
                Ok(self.listed(&selected, &query, of_names))
            }
        }
    }

    /// Makes an object, or replaces the one that has this version still.
    fn write(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let Ok(mut object) = serde_json::from_slice::<Value>(body) else {
            return refusal(400, None);
        };
        let mut state = self.state();
        if state
            .forbidden
            .iter()
            .any(|plural| format!("{path}/").contains(&**plural))
        {
            return refusal(403, None);
        }
        if let Some(refused) = state.writes.note(path, body.len()) {
            return refused;
        }
        if let Some(start) = object["metadata"]["generateName"].as_str() {
            object["metadata"]["name"] = json!(format!("{start}{}", state.version));
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if method == "POST"
            && let Some(refused) = state.writes.admit(&format!("{path}/"), name)
        {
            return refused;
        }
        let path = match method {
            "POST" => format!("{path}/{name}"),
            _ => path.to_owned(),
        };
        let had = state
            .objects
            .get(&path)
            .map(|had| had["metadata"]["resourceVersion"].clone());
        let said = &object["metadata"]["resourceVersion"];
        match (method, &had) {
            ("POST", Some(_)) => return refusal(409, None),
            ("PUT", None) => return refusal(404, None),
            ("PUT", Some(version)) if said != version => return refusal(409, None),
            _ => {}
        }
        state.version += 1;
        if method == "POST" && object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("made-{}", state.version));
        }
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        state.objects.insert(path, object.clone());
        whole(200, &object)
    }

    /// An object that is asked for by its path, as it is now.
    pub fn object(&self, path: &str) -> Option<Value> {
        self.state().objects.get(path).cloned()
    }

    /// Somebody deletes it.
    pub fn disown(&self, path: &str) {
        self.state().objects.remove(path);
    }

    fn listed(&self, selected: &Selected, query: &HashMap<&str, &str>, of_names: bool) -> Answer {
        let state = self.state();
        // From its memory it gives all at once, as an API server does.
        let limit = match query.get("resourceVersion") {
            Some(&"0") => usize::MAX,
            _ => query
                .get("limit")
                .map_or(usize::MAX, |limit| limit.parse().unwrap()),
        };
        let from: usize = query
            .get("continue")
            .map_or(0, |text| text.parse().unwrap());
        let named = { query.get("fieldSelector") }
            .and_then(|selector| selector.strip_prefix("metadata.name%3D"));
        let here = |object: &&Value| {
            selected.wants(object) && named.is_none_or(|name| object["metadata"]["name"] == *name)
        };
        let all: Vec<&Value> = state.listed.values().filter(here).collect();
        let items: Vec<&Value> = all.iter().copied().skip(from).take(limit).collect();
        let next = from + items.len();
        let more = if next < all.len() {
            next.to_string()
        } else {
            String::new()
        };
        let metadata = json!({"resourceVersion": state.version.to_string(), "continue": more});
        state.pace.clone().list(&metadata, &items, of_names)
    }

    fn watched(&self, selected: Selected, query: &HashMap<&str, &str>, mood: &Mood) -> Answer {
        let mut place: u64 = query["resourceVersion"].parse().unwrap();
        let gone = json!({"kind": "Status", "code": 410, "message": "too old"});
        let step = match mood {
            Mood::Closing => Some(String::new()),
            Mood::Breaking => Some("{\"type\":\"ADD".to_owned()),
            Mood::Forgetful(true) | Mood::Behind => return refusal(410, None),
            Mood::Forgetful(false) => {
                Some(format!("{}\n", json!({"type": "ERROR", "object": gone})))
            }
            _ if place + 1 < self.state().oldest => {
                Some(format!("{}\n", json!({"type": "ERROR", "object": gone})))
            }
            _ => None,
        };
        if let Some(step) = step {
            return plain(200, step);
        }
        let bookmarks = query.get("allowWatchBookmarks") == Some(&"true");
        let open = Duration::from_secs(query["timeoutSeconds"].parse().unwrap());
        let (frames, stream) = mpsc::channel(16);
        let cluster = self.clone();
        let mut changes = self.changes.subscribe();
        let follow = async move {
            loop {
                let due: Vec<(u64, Value)> = {
                    let state = cluster.state();
                    if state.mood != Mood::Well {
                        return;
                    }
                    let new = state.steps.iter().filter(|(version, _)| *version > place);
                    new.cloned().collect()
                };
                for (version, step) in due {
                    place = version;
                    let is_bookmark = step["type"] == "BOOKMARK";
                    let here = selected.wants(&step["object"]);
                    if !(here || is_bookmark && bookmarks) {
                        continue;
                    }
                    // In two parts: a step need not come in one.
                    let text = format!("{step}\n").into_bytes();
                    let (first, last) = text.split_at(text.len() / 2);
                    for part in [first, last] {
                        let frame = Frame::data(Bytes::copy_from_slice(part));
                        if frames.send(Ok::<_, std::io::Error>(frame)).await.is_err() {
                            return;
                        }
                    }
                }
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::spawn(tokio::time::timeout(open, follow));
        let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
        Response::new(BodyExt::boxed(StreamBody::new(stream)))
    }
}

fn plain(status: u16, text: String) -> Answer {
    let body = Full::new(Bytes::from(text))
        .map_err(|never| match never {})
        .boxed();
    Response::builder().status(status).body(body).unwrap()
}

fn whole(status: u16, object: &Value) -> Answer {
    plain(status, object.to_string())
}

fn refusal(status: u16, after: Option<u32>) -> Answer {
    let said = json!({"kind": "Status", "code": status, "message": "as it was told to"});
    let mut answer = whole(status, &said);
    if let Some(after) = after {
        answer.headers_mut().insert("retry-after", after.into());
    }
    answer
}
