//! Asking whose a container is: the runtimes, over their sockets, and the API of the cluster.
//!
//! The files of a runtime ([`super::details`], [`super::states`]) are read first and have the last
//! word, also where an answer was faster than they: they need no daemon, and no socket gives another value to
//! what they tell. What they leave open
//! is asked for: containerd's tell no digest of an image and nothing of a pod but its name, and the
//! files of one that keeps them elsewhere are not found at all. It may name the workload too: a pod's
//! labels come from the socket alone, so one that answers late gives the container another workload
//! from then on.
//!
//! The pipeline never waits for a daemon. It hands in a [`Question`] and goes on; the [`Resolver`]
//! asks as tasks of the API's runtime, and what it finds comes back as a [`Reply`] that the pipeline
//! takes when it is woken. Only the records of that container wait, in bounds, and for no longer than
//! configured; without a socket that answers they do not wait at all.
//!
//! Of a container in a pod the API of the cluster is asked besides, see [`pods`]; it has the word for
//! the owner of the pod. The runtime's answer waits for it, for a little less than records do, and then
//! goes out without; what the API says later follows, however late the owner is found.
//!
//! An answer is an allegation like a file: it says what the daemon holds of an id, not that the
//! cgroup which bears the id in its name is that container's. That is for the registry to judge.
//! Whatever a daemon says, it takes bounded memory and time, and all texts are made canonical.

mod cri;
mod docker;
mod places;
pub mod pods;
mod resolver;
mod source;

#[cfg(test)]
mod tests;

pub use crate::kubernetes::Access;
pub use places::Place;
pub use resolver::Resolver;
pub(crate) use source::bounded;

use super::INSTANCES_MAX;
use super::layout::Runtime;
use super::workload::Details;
use lapwing_proto::v1::get_status_response as v1;
use pods::Pods;
use source::Source;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// Who is asked, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The host's root folder.
    pub host_root: PathBuf,
    /// Where the CRI socket is.
    pub cri: Place,
    /// Where the socket of the Docker Engine API is.
    pub docker: Place,
    /// How the API of the cluster is reached.
    pub kubernetes: Access,
    /// The name that this node has there.
    pub node: String,
    /// How long records wait for what the API says.
    pub wait: Duration,
    /// How long a connection, and an answer, may take.
    pub timeout: Duration,
}

/// A container whose name is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its cgroup.
    pub home: u64,
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// Whose its cgroup is, by the path.
    pub seat: Option<Seat>,
}

/// Where a pod's containers are, as the path of a cgroup has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The pod's uid.
    pub pod: String,
    /// Who lays paths out so.
    pub runtime: Runtime,
}

/// What became of a question. One may have several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Whose.
    pub question: Question,
    /// What.
    pub answer: Answer,
}

/// What the runtimes, and the API of the cluster, say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This, by this runtime. More may come of the API of the cluster, as another one.
    Said(Box<Details>, Runtime),
    /// Nothing yet: who waits need not wait longer, though it may still come.
    Later,
    /// The API of the cluster has its pod, and not yet whose that is: what it said
    /// [before](Details::is_told_before) counts no more. Who waits may wait on, for more comes.
    Open,
    /// None of them knows it. Nothing more comes.
    Nothing,
    /// One that may know it did not answer for long. Nothing more comes, unless it is asked anew when
    /// there [is one back](Identity::is_back).
    Away,
}

/// What both sides know of each other.
#[derive(Debug)]
struct Board {
    sources: Vec<Arc<Source>>,
    pods: Option<Arc<Pods>>,
    asked: AtomicU64,
    told: AtomicU64,
    unknown: AtomicU64,
    refused: AtomicU64,
    waiting: AtomicU32,
    /// Somebody answers who did not before.
    back: AtomicBool,
}

/// The pipeline's end.
#[derive(Debug)]
pub struct Identity {
    questions: tokio::sync::mpsc::Sender<Question>,
    replies: mpsc::Receiver<Reply>,
    board: Arc<Board>,
}

/// Both ends. `wake` is called when there is a reply. What the API of the cluster told is kept below the state
/// folder.
#[must_use]
pub fn open(
    settings: &Settings,
    state: &Path,
    wake: Arc<dyn Fn() + Send + Sync>,
) -> (Identity, Resolver) {
    let Settings {
        kubernetes,
        node,
        timeout,
        ..
    } = settings;
    let pods = pods::open(kubernetes, node, *timeout, state);
    open_with(settings, pods, wake)
}

fn open_with(
    settings: &Settings,
    pods: Option<Arc<Pods>>,
    wake: Arc<dyn Fn() + Send + Sync>,
) -> (Identity, Resolver) {
    // As many as there are containers: more cannot be of use.
    let (questions, asked) = tokio::sync::mpsc::channel(INSTANCES_MAX);
    let (answers, replies) = mpsc::channel();
    let board = Arc::new(Board {
        sources: source::all(settings),
        pods,
        asked: AtomicU64::new(0),
        told: AtomicU64::new(0),
        unknown: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        waiting: AtomicU32::new(0),
        back: AtomicBool::new(false),
    });
    let identity = Identity {
        questions,
        replies,
        board: Arc::clone(&board),
    };
    let resolver = Resolver::new(asked, answers, board, wake, settings.wait);
    (identity, resolver)
}

impl Identity {
    /// Whether the API of the cluster is asked too.
    #[must_use]
    pub fn has_pods(&self) -> bool {
        self.board.pods.is_some()
    }

    /// How the watch of the pods of this node goes, where the API of the cluster is asked.
    #[must_use]
    pub fn watched(&self) -> Option<v1::Watch> {
        self.board.pods.as_ref().map(|pods| pods.watched())
    }

    /// The annotations of those pods of this node that ask for a mode, by namespace and name.
    #[must_use]
    pub fn asked_modes(&self) -> HashMap<(String, String), String> {
        { self.board.pods.as_ref() }.map_or_else(HashMap::new, |pods| pods.asked())
    }

    /// A container ended: what was told of it need not be kept.
    pub fn gone(&self, home: u64) {
        if let Some(pods) = &self.board.pods {
            pods.forget(home);
        }
    }

    /// All that exist were met: of no other, by the id of its cgroup, need be kept what was told.
    pub fn met(&self, is_there: impl Fn(u64) -> bool) {
        if let Some(pods) = &self.board.pods {
            pods.met(is_there);
        }
    }

    /// Asks for a container. Answers whether it is worth waiting for: somebody may answer soon.
    #[must_use]
    pub fn ask(&self, question: Question) -> bool {
        self.board.asked.fetch_add(1, Ordering::Relaxed);
        // Before it is sent: its answer counts down, and may be faster.
        self.board.waiting.fetch_add(1, Ordering::Relaxed);
        if self.questions.try_send(question).is_err() {
            self.board.waiting.fetch_sub(1, Ordering::Relaxed);
            self.board.refused.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.board.may_answer()
    }

    /// The next reply, if there is one.
    #[must_use]
    pub fn reply(&self) -> Option<Reply> {
        self.replies.try_recv().ok()
    }

    /// Whether somebody answers who did not when this was called last. To be called before
    /// [`Self::reply`]: what was away is then among the replies.
    #[must_use]
    pub fn is_back(&self) -> bool {
        self.board.back.swap(false, Ordering::AcqRel)
    }

    /// How it goes. `late` is counted by who waits.
    #[must_use]
    pub fn status(&self, late: u64) -> v1::Identity {
        let board = &self.board;
        let sources = board.sources.iter().filter_map(|source| source.status());
        let pods = board.pods.iter().map(|pods| pods.status());
        v1::Identity {
            sources: sources.chain(pods).collect(),
            asked: board.asked.load(Ordering::Relaxed),
            told: board.told.load(Ordering::Relaxed),
            unknown: board.unknown.load(Ordering::Relaxed),
            waiting: board.waiting.load(Ordering::Relaxed),
            refused: board.refused.load(Ordering::Relaxed),
            late,
        }
    }
}
