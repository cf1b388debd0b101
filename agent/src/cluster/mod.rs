//! Profiles that the cluster holds: BehaviorProfiles, as agents obey them.
//!
//! People own `spec` of such an object, as they own it in a file. The agent lists and [follows](follow)
//! them all, [reads](object) each as it reads a file, and hands over to the judge which one is [in
//! force](held) for which workload. An object counts for workloads of its own namespace alone. While it
//! is there it goes before what is stored on the node for its workload, which is laid aside and comes
//! back when the object goes. The agent writes none.
//!
//! One that makes no sense, or is not signed where signatures are required, changes nothing: what it
//! said last that did, goes on. Each good one is [kept on disk](cache), so an agent that starts
//! while the API is away begins with what it knew.
//!
//! Where signatures are required, that an object goes is nobody's signed decision: without it the
//! workload might learn again, and whoever may delete could switch reports off. So what was signed last
//! stays in force, and that is reported. It goes for good with its [namespace](ended), and where its [room](room) is
//! needed.
//!
//! What became of each object here is [told](states) to who follows that, as the controller does, which writes it
//! beside the object.
//!
//! What namespaces ask for by a label stands behind such an object: see [`namespaces`].

mod bad;
mod cache;
mod ended;
mod follow;
mod held;
pub mod namespaces;
pub(crate) mod object;
mod room;
mod states;

#[cfg(test)]
pub(crate) mod tests;

pub use object::{Terms, Version};

use crate::config::Profiles as Asked;
use crate::judge::store::StoreError;
use crate::kubernetes::Access;
use crate::kubernetes::api::Api;
use crate::kubernetes::health::Health;
use cache::Cache;
use held::Held;
use lapwing_profile::profile::Mode;
use lapwing_profile::workload::Workload;
use lapwing_proto::timestamp;
use lapwing_proto::v1::get_status_response as v1;
use namespaces::Namespaces;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::Notify;

/// Troubles that `lapwing status` tells of.
const TROUBLES_MAX: usize = 16;

/// What the judge is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// For this workload, its cluster aside, an object is in force from now on, or says something else.
    InForce(Offer),
    /// For this one there is none any more.
    Gone(Workload),
    /// An object is not obeyed, or not any more.
    Refused {
        /// As `shop/web`.
        object: String,
        /// Whose it would be, if that can be told.
        workload: Option<Workload>,
        /// Why, and what to do.
        text: String,
    },
    /// It is again, or it went.
    Mended(String),
    /// All that there are were told of.
    Listed,
}

/// What an object says for a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The workload, its cluster aside.
    pub workload: Workload,
    /// The object, as `shop/web`.
    pub object: String,
    /// Of it.
    pub version: Version,
    /// The canonical text of its `spec`.
    pub text: Arc<str>,
    /// The mode in it.
    pub mode: Mode,
}

/// Both sides of it.
struct Board {
    api: Api,
    health: Health,
    terms: Terms,
    held: Mutex<Held>,
    cache: Cache,
    /// What is to be written to the cache, by the names of files.
    writes: Mutex<BTreeMap<String, Option<Vec<u8>>>>,
    written: Notify,
    news: Mutex<mpsc::Sender<News>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Board").finish_non_exhaustive()
    }
}

/// The pipeline's end.
#[derive(Debug)]
pub struct Profiles {
    news: mpsc::Receiver<News>,
    board: Arc<Board>,
}

/// The end that asks the API.
#[derive(Debug)]
pub struct Watcher(Arc<Board>);

/// The pipeline's ends of all that the cluster says of profiles.
#[derive(Debug, Default)]
pub struct Said {
    /// BehaviorProfiles; none where they are not asked for.
    pub profiles: Option<Profiles>,
    /// What namespaces ask for; none where that is not asked.
    pub namespaces: Option<Namespaces>,
}

/// The ends that ask the API.
#[derive(Debug, Default)]
pub struct Watchers {
    profiles: Option<Watcher>,
    namespaces: Option<namespaces::Watcher>,
}

/// Both ends, of what is to be asked. What is kept on disk is the first that the pipeline hears of.
/// `wake` is called when there is news.
///
/// # Errors
/// When the folder for what is kept cannot be made or read.
pub fn open(
    asked: &Asked,
    timeout: Duration,
    state: &Path,
    terms: Terms,
    wake: Arc<dyn Fn() + Send + Sync>,
) -> Result<(Said, Watchers), StoreError> {
    let api = |access: &Access| Api::new(access.reach(), timeout);
    let (mut said, mut watchers) = (Said::default(), Watchers::default());
    if asked.kubernetes.is_open() {
        let both = open_with(api(&asked.kubernetes), state, terms, Arc::clone(&wake))?;
        (said.profiles, watchers.profiles) = (Some(both.0), Some(both.1));
    }
    if asked.namespaces.is_open() {
        let both = namespaces::open(api(&asked.namespaces), state, wake)?;
        (said.namespaces, watchers.namespaces) = (Some(both.0), Some(both.1));
    }
    Ok((said, watchers))
}

impl Watchers {
    /// Ask for as long as the agent runs.
    pub async fn run(self) {
        let profiles = async {
            if let Some(watcher) = self.profiles {
                watcher.run().await;
            }
        };
        let namespaces = async {
            if let Some(watcher) = self.namespaces {
                watcher.run().await;
            }
        };
        tokio::join!(profiles, namespaces);
    }
}

fn open_with(
    api: Api,
    state: &Path,
    terms: Terms,
    wake: Arc<dyn Fn() + Send + Sync>,
) -> Result<(Profiles, Watcher), StoreError> {
    let cache = Cache::open(state)?;
    let (sender, news) = mpsc::channel();
    let board = Arc::new(Board {
        api,
        health: Health::new(),
        held: Mutex::new(Held::new(terms.signatures.require)),
        terms,
        cache,
        writes: Mutex::default(),
        written: Notify::new(),
        news: Mutex::new(sender),
        wake,
    });
    board.take_up()?;
    let profiles = Profiles {
        news,
        board: Arc::clone(&board),
    };
    Ok((profiles, Watcher(board)))
}

impl Board {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the cache has.
    fn take_up(&self) -> Result<(), StoreError> {
        let mut objects = Vec::new();
        for (path, bytes) in self.cache.load(room::BYTES_MAX as u64)? {
            let read = serde_json::from_slice(&bytes).map_err(|error| error.to_string());
            match read.and_then(|raw| object::read(raw, &self.terms)) {
                Ok(object) => objects.push((object, self.cache.went(&path))),
                Err(why) => tracing::warn!("{}: not a BehaviorProfile: {why}", path.display()),
            }
        }
        let mut changed = self.held().take_up(objects);
        // What is to be written of it is there.
        changed.writes.retain(|write| write.bytes.is_none());
        self.take(changed);
        Ok(())
    }

    fn tell(&self, news: Vec<News>) {
        if news.is_empty() {
            return;
        }
        let sender = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        for one in news {
            // Nobody listens where the agent ends.
            let _ = sender.send(one);
        }
        (self.wake)();
    }
}

impl Profiles {
    /// The next news, if there is any.
    #[must_use]
    pub fn next(&self) -> Option<News> {
        self.news.try_recv().ok()
    }

    /// So many instances run of each workload on this node: what went and is in force for them gives way last.
    pub fn runs(&self, running: &HashMap<Workload, u32>) {
        if !self.board.terms.signatures.require {
            return;
        }
        let of = |workload: &Workload| Workload {
            cluster: String::new(),
            ..workload.clone()
        };
        self.board.held().runs(running.keys().map(of).collect());
    }

    /// How their watch goes.
    #[must_use]
    pub fn watched(&self) -> v1::Watch {
        self.board.health.watch("behaviorprofiles")
    }

    /// How it goes. For how many workloads of this node one is in force, and since when, in nanoseconds since
    /// the Unix epoch, the judge says; 0 for never.
    #[must_use]
    pub fn status(&self, in_force: u32, since: i64) -> v1::ClusterProfiles {
        let report = self.board.health.report();
        let held = self.board.held();
        let mut troubles: Vec<_> = held.troubles().collect();
        let refused = u32::try_from(held.refused()).unwrap_or(u32::MAX);
        troubles.truncate(TROUBLES_MAX);
        let time = |at: i64| (at != 0).then(|| timestamp(at));
        v1::ClusterProfiles {
            state: report.state.into(),
            url: report.url,
            since: Some(timestamp(report.since)),
            heard_time: time(report.heard),
            failed: report.failed,
            last_error: report.last_error,
            objects: u32::try_from(held.len()).unwrap_or(u32::MAX),
            in_force,
            changed_time: time(since),
            refused,
            gave_way: held.gave_way(),
            troubles: { troubles.into_iter() }
                .map(|(object, text)| v1::cluster_profiles::Trouble { object, text })
                .collect(),
        }
    }
}
