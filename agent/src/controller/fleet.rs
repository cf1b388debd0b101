//! The agents: found by their pods, and each followed by one connection while this replica leads.
//!
//! Pods of the controller's own namespace with the agents' labels are listed once and watched. Each that
//! runs is connected to at its address, with mutual TLS: agents know the controller by its certificate,
//! and the controller them by one DNS name that the certificates of all agents have. A pod's address is
//! given to another pod when it goes, and a name for each would need a certificate for each; who can have
//! that name is an agent, and which one it is, is told by the pod that was asked for.
//!
//! Who wants something of agents is an [`Attendant`]: it gets each connection as it is made. One that fails
//! is given it again after a wait, by itself, as long as the agent answers on it: what one of them does not
//! get, as of an agent of an older version, is no trouble of the others. If the agent does not answer all
//! let go of the connection, and it is made anew.

mod dial;

use super::Known;
use super::pod::{Pod, nanoseconds};
use crate::kubernetes::api::{Api, Failure};
use crate::kubernetes::health::Health;
use crate::kubernetes::watch::Follower;
use dial::Dialling;
use lapwing_proto::v1::agent_client::AgentClient;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tonic::transport::Channel;

/// Connections that are made at a time.
const DIALS: usize = 64;
/// Most agents.
pub(super) const AGENTS_MAX: usize = 20_000;

/// A client of one agent.
pub type Client = AgentClient<Channel>;

/// A connection to one agent.
#[derive(Clone, Debug)]
pub struct Line {
    /// For calls with one answer, or of which much is asked at once.
    pub client: Client,
    /// For those that [last](super::told).
    pub channel: Channel,
}

/// What an attendant does.
pub type Attending = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Who wants something of each agent, while this replica leads.
pub trait Attendant: Send + Sync + 'static {
    /// There is a connection to this agent. What comes of it runs until the connection ends, this replica
    /// leads no more, or the agent's pod goes, and is dropped then at any await. After an error it is called
    /// again, with a wait, with this connection or, where that is of no use any more, the next. Who is done says
    /// so by `Ok`, and keeps nobody from going on.
    fn attend(&self, agent: Arc<Agent>, line: Line) -> Attending;

    /// Runs beside, once, from when this replica leads, and is dropped when it leads no more. If it ends
    /// nothing else does.
    fn lead(&self, _fleet: Arc<Fleet>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

/// How a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It was not tried yet.
    New,
    /// It is there.
    Connected,
    /// It is tried again.
    Away,
}

/// One agent: a pod of theirs that has a node, or was made for one.
#[derive(Debug)]
pub struct Agent {
    /// Its node.
    pub node: String,
    /// Its pod, by name.
    pub pod: String,
    /// And by uid.
    pub uid: String,
    /// When the pod was made, in nanoseconds since the Unix epoch.
    pub created: i64,
    state: Mutex<State>,
    /// When it was last heard of, by the controller's clock in nanoseconds since the Unix epoch; 0 for
    /// never.
    heard: AtomicI64,
    /// The time of what it said last, by its own clock.
    said: AtomicI64,
    /// Events that it lost since it started, as its last heartbeat has it.
    lost: AtomicU64,
    /// Reports of it that were relayed.
    relayed: AtomicU64,
    /// When the last attempt to reach it began that failed.
    tried: Mutex<Option<Instant>>,
    /// It is to be tried now, and not when its turn comes; and since when.
    wanted: Notify,
    wanted_since: Mutex<Option<Instant>>,
}

/// What changes of it.
#[derive(Clone, Debug)]
pub struct State {
    /// Where it is; none before the pod has an address, and runs.
    pub address: Option<SocketAddr>,
    /// How the connection is.
    pub link: Link,
    /// Since when, in nanoseconds since the Unix epoch.
    pub since: i64,
    /// Why there is none, last.
    pub error: String,
}

impl Agent {
    fn new(node: &str, pod: &Pod) -> Self {
        let now = crate::clock::now();
        let Pod { metadata, .. } = pod;
        let created = nanoseconds(&metadata.creation_timestamp).unwrap_or(now);
        Self::of(node, &metadata.name, &metadata.uid, created)
    }

    /// Of a node that had one once: there is no pod, and it is older than any.
    pub(super) fn absent(node: &str) -> Self {
        Self::of(node, "", "", i64::MIN)
    }

    fn of(node: &str, pod: &str, uid: &str, created: i64) -> Self {
        Self {
            node: node.to_owned(),
            pod: pod.to_owned(),
            uid: uid.to_owned(),
            created,
            state: Mutex::new(State {
                address: None,
                link: Link::New,
                since: crate::clock::now(),
                error: String::new(),
            }),
            heard: AtomicI64::new(0),
            said: AtomicI64::new(0),
            lost: AtomicU64::new(0),
            relayed: AtomicU64::new(0),
            tried: Mutex::default(),
            wanted: Notify::new(),
            wanted_since: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is.
    #[must_use]
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    fn turn(&self, link: Link, error: Option<String>) {
        let mut state = self.lock();
        if state.link != link {
            state.link = link;
            state.since = crate::clock::now();
        }
        if let Some(error) = error {
            state.error = crate::container::identity::bounded(&error);
        }
    }

    /// An attempt to reach it failed that began then.
    fn missed(&self, begun: Instant) {
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
    }

    /// Whether somebody tried in vain to reach it since; else somebody tries now.
    pub(super) fn is_missed_since(&self, since: Instant) -> bool {
        let tried = *self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let is_missed = tried.is_some_and(|begun| begun >= since);
        if !is_missed {
            let mut wanted = { self.wanted_since.lock() }.unwrap_or_else(PoisonError::into_inner);
            *wanted = Some(since);
            drop(wanted);
            self.wanted.notify_one();
        }
        is_missed
    }

    /// Waits until somebody wants it tried, where what began then is not what is wanted.
    async fn is_wanted(&self, begun: Instant) {
        loop {
            self.wanted.notified().await;
            let wanted = *{ self.wanted_since.lock() }.unwrap_or_else(PoisonError::into_inner);
            if wanted.is_some_and(|since| since > begun) {
                return;
            }
        }
    }

    /// It said something, of this time by its own clock, in nanoseconds since the Unix epoch.
    pub fn hear(&self, said: i64) {
        self.heard.store(crate::clock::now(), Ordering::Release);
        self.said.store(said, Ordering::Release);
    }

    /// When it was last heard of, by the controller's clock in nanoseconds since the Unix epoch; 0 for
    /// never.
    #[must_use]
    pub fn heard(&self) -> i64 {
        self.heard.load(Ordering::Acquire)
    }

    /// The time of what it said last, by its own clock.
    #[must_use]
    pub fn said(&self) -> i64 {
        self.said.load(Ordering::Acquire)
    }

    /// Its heartbeat says that it lost so many events since it started.
    pub fn set_lost(&self, lost: u64) {
        self.lost.store(lost, Ordering::Relaxed);
    }

    /// How many that are.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Something of it was relayed.
    pub fn relay(&self) {
        self.relayed.fetch_add(1, Ordering::Relaxed);
    }

    /// How much that is.
    #[must_use]
    pub fn relayed(&self) -> u64 {
        self.relayed.load(Ordering::Relaxed)
    }
}

/// Which pods are agents.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Their namespace.
    pub namespace: String,
    /// Their labels.
    pub selector: String,
    /// Their port.
    pub port: u16,
}

struct Followed {
    agent: Arc<Agent>,
    task: Option<AbortHandle>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// All agents, while this replica leads; the connections end when it is dropped.
pub struct Fleet {
    api: Arc<Api>,
    selection: Selection,
    known: Arc<Known>,
    attendants: Arc<[Arc<dyn Attendant>]>,
    health: Health,
    followed: Mutex<BTreeMap<String, Followed>>,
    dials: Arc<Semaphore>,
    /// Turns true with the first list.
    listed: std::sync::atomic::AtomicBool,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Fleet")
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}

impl Fleet {
    /// Of which nobody is known yet: [`watch::follow`](crate::kubernetes::watch::follow) finds them.
    #[must_use]
    pub fn new(
        api: Arc<Api>,
        selection: Selection,
        known: Arc<Known>,
        attendants: Vec<Arc<dyn Attendant>>,
    ) -> Self {
        Self {
            api,
            selection,
            known,
            attendants: attendants.into(),
            health: Health::new(),
            followed: Mutex::default(),
            dials: Arc::new(Semaphore::new(DIALS)),
            listed: std::sync::atomic::AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Followed>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who wants something of them.
    pub(super) fn attendants(&self) -> &[Arc<dyn Attendant>] {
        &self.attendants
    }

    /// All that there are, by the uids of their pods.
    #[must_use]
    pub fn agents(&self) -> Vec<Arc<Agent>> {
        self.lock()
            .values()
            .map(|one| Arc::clone(&one.agent))
            .collect()
    }

    /// Whether the API has told of them all once.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.listed.load(Ordering::Acquire)
    }

    fn place(&self, all: &mut BTreeMap<String, Followed>, pod: &Pod) {
        let uid = &pod.metadata.uid;
        let Some(node) = pod.node().filter(|_| !pod.is_over()) else {
            all.remove(uid);
            return;
        };
        if all.get(uid).is_some_and(|one| one.agent.node != node) {
            all.remove(uid);
        }
        if all.len() >= AGENTS_MAX && !all.contains_key(uid) {
            let text = format!("there are more than {AGENTS_MAX} agents: some are not followed");
            self.health.note(&Failure::new(text));
            return;
        }
        let address = pod.address(self.selection.port);
        let followed = all.entry(uid.clone()).or_insert_with(|| Followed {
            agent: Arc::new(Agent::new(node, pod)),
            task: None,
        });
        let before = std::mem::replace(&mut followed.agent.lock().address, address);
        if before == address && followed.task.is_some() == address.is_some() {
            return;
        }
        if let Some(task) = followed.task.take() {
            task.abort();
            followed
                .agent
                .turn(Link::Away, Some("its pod does not run".to_owned()));
        }
        if let Some(address) = address {
            let dialling = Dialling {
                agent: Arc::clone(&followed.agent),
                address,
                known: Arc::clone(&self.known),
                attendants: Arc::clone(&self.attendants),
                dials: Arc::clone(&self.dials),
            };
            followed.task = Some(tokio::spawn(dialling.run()).abort_handle());
        }
    }
}

impl Follower for Fleet {
    type Item = Pod;
    const WHAT: &'static str = "pods of agents";
    const PAGE: usize = 500;
    const OBJECTS_MAX: usize = 2 * AGENTS_MAX;

    fn api(&self) -> &Api {
        &self.api
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn target(&self) -> String {
        let Selection {
            namespace,
            selector,
            ..
        } = &self.selection;
        let selector = crate::kubernetes::watch::escaped(selector);
        format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")
    }

    fn read(&self, object: &RawValue) -> Option<Pod> {
        let read = serde_json::from_str::<Pod>(object.get());
        read.inspect_err(|error| self.health.note(&Failure::new(format!("a pod: {error}"))))
            .ok()
            .filter(|pod| !pod.metadata.uid.is_empty())
    }

    fn kept(&self, _: &RawValue, pod: &Pod) -> usize {
        pod.bytes()
    }

    fn replace(&self, pods: Vec<Pod>) {
        let uids: HashSet<&str> = pods.iter().map(|pod| pod.metadata.uid.as_str()).collect();
        let mut all = self.lock();
        all.retain(|uid, _| uids.contains(uid.as_str()));
        for pod in &pods {
            self.place(&mut all, pod);
        }
        drop(all);
        self.listed.store(true, Ordering::Release);
    }

    fn put(&self, pod: Pod) {
        self.place(&mut self.lock(), &pod);
    }

    fn remove(&self, pod: Pod) {
        self.lock().remove(&pod.metadata.uid);
    }

    fn answers(&self, url: &str) {
        let Selection {
            namespace,
            selector,
            ..
        } = &self.selection;
        tracing::info!(url, namespace, selector, "agents are found here");
    }

    fn is_away(&self, url: &str, failure: &Failure) {
        let error = &failure.text;
        let hint = match failure.status {
            403 => ": the controller may not list and watch pods; give it the chart's Role",
            _ => "",
        };
        tracing::warn!(
            url,
            error,
            "new agents are not found, known ones are followed on{hint}"
        );
    }

    fn news(&self) {}
}
