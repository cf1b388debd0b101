//! Asking the API of a Kubernetes cluster for the pods of this node.
//!
//! The runtime knows that a container is there, its image and its pod's name; the API alone knows what
//! the pod is part of. So where both tell, the runtime's word counts for what it says (it made the
//! container), and the API's for the [owner](owner) and for how the pod came to have the container;
//! of a container that no runtime tells of, the API's word counts for all. Neither needs the other: a
//! pod is found by its uid, which the runtime tells, before the kubelet has told the API of the
//! container's id; else by that id, a second or two after the container began.
//!
//! The pods are [listed](crate::kubernetes::watch) once, for this node alone, and then watched. While the API is away
//! they are what they were, and only what is new has no owner: it goes by its label or image then, and
//! is asked for anew when the API is back. What was told of containers that run is [on disk](disk) too, so that
//! this is so for an agent that starts in that time.

mod disk;
mod follow;
mod memory;
mod object;
mod owner;
mod store;

#[cfg(test)]
mod tests;

pub use owner::is_name;
pub use store::Fact;

use super::Question;
use crate::container::layout::Runtime;
use crate::container::workload::Details;
use crate::kubernetes::Access;
use crate::kubernetes::api::{Api, Failure};
use crate::kubernetes::health::Health;
use crate::kubernetes::watch;
use disk::Disk;
use follow::Followed;
use lapwing_proto::timestamp;
use lapwing_proto::v1::get_status_response::Watch;
use lapwing_proto::v1::get_status_response::identity::{self as v1, source::State};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Store;
use tokio::sync::{Notify, watch as channel};

/// The pods of this node.
pub struct Pods {
    api: Api,
    node: String,
    health: Health,
    store: Mutex<Store>,
    told: AtomicU64,
    began: AtomicU64,
    /// There is a pod of which it is not known whose it is.
    open: Notify,
    /// It answers again.
    back: Notify,
    /// Where what was told is kept; none: nowhere.
    disk: Option<Disk>,
    /// It may be other than on disk.
    unwritten: Notify,
    /// When it was told is.
    is_older: AtomicBool,
}

impl std::fmt::Debug for Pods {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pods")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// The pods of a node, if anybody is to be asked for them. What was told of their containers is kept below the
/// state folder.
pub fn open(access: &Access, node: &str, timeout: Duration, state: &Path) -> Option<Arc<Pods>> {
    let pods = || Pods::new(Api::new(access.reach(), timeout), node).kept_in(state);
    access.is_open().then(|| Arc::new(pods()))
}

impl Pods {
    fn new(api: Api, node: &str) -> Self {
        Self {
            api,
            node: node.to_owned(),
            health: Health::new(),
            store: Mutex::new(Store::new(node)),
            told: AtomicU64::new(0),
            began: AtomicU64::new(0),
            open: Notify::new(),
            back: Notify::new(),
            disk: None,
            unwritten: Notify::new(),
            is_older: AtomicBool::new(false),
        }
    }

    /// With what is kept below a state folder, and kept there from now on.
    fn kept_in(mut self, state: &Path) -> Self {
        let disk = Disk::new(state, &self.node);
        let kept = disk.load();
        let unsound = self.store().memory.take(kept.entries, kept.heard);
        let (known, oldest) = self.store().memory.before();
        if let Some(oldest) = oldest {
            let time = jiff::Timestamp::from_nanosecond(oldest.into()).unwrap_or_default();
            tracing::info!(
                containers = known,
                "known from disk as the API told by {time}, until it answers"
            );
        }
        if unsound > 0 {
            tracing::warn!("{unsound} of the containers that are kept on disk are none: left out");
        }
        if kept.is_void || unsound > 0 {
            self.unwritten.notify_one();
        }
        self.disk = Some(disk);
        self
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is.
    pub fn state(&self) -> State {
        self.health.state()
    }

    /// How often it began to answer.
    pub fn began(&self) -> u64 {
        self.began.load(Ordering::Acquire)
    }

    /// Whether news may come soon.
    pub fn may_answer(&self) -> bool {
        matches!(self.state(), State::Unspecified | State::Connected)
    }

    /// What is known of a container, of which its runtime may have said something.
    pub fn fact(&self, id: &str, said: Option<&Details>) -> Fact {
        self.store().fact(id, said)
    }

    /// A container is asked for.
    pub fn seen(&self, question: &Question) {
        self.store().seen(question);
    }

    /// What a container is that no runtime tells of, if it is the sandbox of a pod.
    pub fn sandbox(&self, question: &Question) -> Option<Details> {
        self.store().sandbox(question)
    }

    /// What an agent before this one was told of a container, if that counts still.
    pub fn remembered(
        &self,
        question: &Question,
        said: Option<&Details>,
    ) -> Option<(Details, Runtime)> {
        self.store().memory.of(question, said)
    }

    /// A container is told of with these details.
    pub fn keep(&self, question: &Question, details: &Details, runtime: Runtime) {
        self.store().keep(question, details, runtime);
        self.unwritten.notify_one();
    }

    /// A container ended.
    pub fn forget(&self, home: u64) {
        if self.store().memory.forget(home) {
            self.unwritten.notify_one();
        }
    }

    /// These containers alone are there.
    pub fn met(&self, is_there: impl Fn(u64) -> bool) {
        if self.store().memory.retain(|entry| is_there(entry.home)) {
            self.unwritten.notify_one();
        }
    }

    /// The annotations of those pods that ask for a mode, by namespace and name.
    pub fn asked(&self) -> HashMap<(String, String), String> {
        self.store().asked()
    }

    /// Whether there is nothing to wait for: all is known, or nothing will be soon.
    pub fn has_said(&self, id: &str, said: Option<&Details>) -> bool {
        matches!(self.fact(id, said), Fact::Known(..)) || !self.may_answer()
    }

    /// Whether all that is missing is whose its pod is, and that may come.
    pub fn is_open(&self, id: &str, said: Option<&Details>) -> bool {
        matches!(self.fact(id, said), Fact::Open(_)) && self.may_answer()
    }

    /// A container was told of.
    pub fn count(&self) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }

    /// For `lapwing status`.
    pub fn status(&self) -> v1::Source {
        let (pods, note, (before, oldest)) = {
            let store = self.store();
            (store.len(), store.note(), store.memory.before())
        };
        let health = self.health.report();
        let notes = [health.last_error, note.unwrap_or_default()];
        let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).collect();
        v1::Source {
            protocol: "kubernetes".to_owned(),
            path: health.url,
            state: health.state.into(),
            runtime: String::new(),
            since: Some(timestamp(health.since)),
            told: self.told.load(Ordering::Relaxed),
            failed: health.failed,
            last_error: notes.join("; "),
            heard_time: (health.heard != 0).then(|| timestamp(health.heard)),
            pods: u32::try_from(pods).unwrap_or(u32::MAX),
            told_before: u32::try_from(before).unwrap_or(u32::MAX),
            told_before_time: oldest.map(timestamp),
        }
    }

    /// How the watch of pods goes.
    pub fn watched(&self) -> Watch {
        self.health.watch("pods")
    }

    /// Something went wrong that keeps it from nothing else.
    fn note(&self, failure: &Failure) {
        self.health.note(failure);
    }

    /// Watches them for as long as the agent runs. `changed` is told of all news.
    pub async fn watch(self: Arc<Self>, changed: channel::Sender<u64>) {
        if !is_name(&self.node) {
            let error = "the name of this node is not known, or is none: set NODE_NAME to the \
                         field spec.nodeName of the agent's pod, or identity.nodeName";
            (self.health).turn(State::Unsuitable, Some(&Failure::new(error)));
            changed.send_modify(|count| *count = count.wrapping_add(1));
            return;
        }
        let followed = Followed {
            pods: &self,
            changed: &changed,
        };
        tokio::join!(
            watch::follow(&followed),
            self.find_owners(&changed),
            self.write()
        );
    }
}
