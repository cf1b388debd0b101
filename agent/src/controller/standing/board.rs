//! What each node told of each object, and what is to be written of it, when.
//!
//! A node's word counts from when it told it until its agent is silent or gone for [`GRACE`]: an agent that is started
//! anew has told all of it again by then, and nothing is written of that.

use super::status::{Refusal, Said, Status, status};
use crate::container::identity::bounded;
use lapwing_profile::text::visible;
use lapwing_proto::v1::behavior_profile_state::Verdict;
use lapwing_proto::v1::get_status_response::fleet::Profiles as Figures;
use lapwing_proto::v1::{BehaviorProfileState, FollowBehaviorProfilesResponse};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a node counts whose agent is gone.
pub const GRACE: Duration = Duration::from_secs(30);
/// How long it is waited for what other nodes say of the same.
const SETTLE: Duration = Duration::from_secs(3);
/// Between two writes of one object where counts alone are others.
const COUNTS: Duration = Duration::from_secs(60);
/// Longest wait after a write that was not taken.
pub const WAIT_MAX: Duration = Duration::from_secs(600);
/// Most objects of which one node may tell.
const OF_NODE: usize = 4_096;
/// Longest texts of a refusal, in bytes.
const REASON_MAX: usize = 64;
const MESSAGE_MAX: usize = 512;

/// An object, as the API has it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Of this object, and none that has its name later.
    pub uid: String,
    /// The one that it is in.
    pub namespace: String,
    /// Its own.
    pub name: String,
    /// Of what is asked for.
    pub generation: i64,
    /// What it says already.
    pub status: Option<Status>,
}

/// The same, as long as this replica leads.
struct One {
    seen: Seen,
    /// Since when something may have to be written.
    dirty: Option<Instant>,
    /// When it was written last, or that failed.
    tried: Option<Instant>,
    /// What failed last, and how long it is waited after that.
    failing: Option<(Duration, String)>,
}

struct Node {
    /// Which connection to it is the present one.
    join: u64,
    /// Of what it told, on which connection.
    told: HashMap<String, u64>,
    /// Whether it told all.
    is_whole: bool,
    /// Since when its agent is gone.
    left: Option<Instant>,
}

/// What is to be written of an object.
#[derive(Clone, Debug)]
pub struct Due {
    pub seen: Seen,
    pub status: Status,
}

#[derive(Default)]
struct State {
    objects: HashMap<String, One>,
    /// By the uids of objects, of which the API may not have told yet.
    told: HashMap<String, BTreeMap<Arc<str>, Said>>,
    nodes: HashMap<Arc<str>, Node>,
    joins: u64,
    is_listed: bool,
    /// What found no room.
    refused: u64,
    /// When an object was written last.
    wrote: Option<Instant>,
}

/// All of it.
pub struct Board {
    state: Mutex<State>,
    interval: Duration,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Board").finish_non_exhaustive()
    }
}

impl One {
    fn new(seen: Seen) -> Self {
        Self {
            seen,
            dirty: Some(Instant::now()),
            tried: None,
            failing: None,
        }
    }

    fn touch(&mut self) {
        self.dirty.get_or_insert_with(Instant::now);
    }

    fn is_due(&self, interval: Duration) -> bool {
        let wait = { self.failing.as_ref() }.map_or(interval, |(wait, _)| *wait);
        self.dirty.is_some_and(|since| since.elapsed() >= SETTLE)
            && self.tried.is_none_or(|tried| tried.elapsed() >= wait)
    }
}

impl State {
    fn touch(&mut self, uid: &str) {
        if let Some(one) = self.objects.get_mut(uid) {
            one.touch();
        }
    }

    /// A node says so of an object; or nothing any more.
    fn set(&mut self, uid: &str, node: &Arc<str>, said: Option<Said>) {
        let is_known = self.told.get(uid).and_then(|all| all.get(node)) == said.as_ref();
        if is_known {
            return;
        }
        match said {
            Some(said) => {
                let all = self.told.entry(uid.to_owned()).or_default();
                all.insert(Arc::clone(node), said);
            }
            None => {
                if let Some(all) = self.told.get_mut(uid) {
                    all.remove(node);
                    if all.is_empty() {
                        self.told.remove(uid);
                    }
                }
            }
        }
        self.touch(uid);
    }

    fn forget(&mut self, node: &Arc<str>, uids: Vec<String>) {
        for uid in uids {
            self.set(&uid, node, None);
        }
    }

    /// There is this object, or it is another now. What it says is known from then on by what is written.
    fn put(&mut self, seen: Seen) {
        match self.objects.get_mut(&seen.uid) {
            None => drop(self.objects.insert(seen.uid.clone(), One::new(seen))),
            Some(one) if one.seen.generation == seen.generation => {}
            Some(one) => {
                one.seen.generation = seen.generation;
                one.failing = None;
                one.touch();
            }
        }
    }
}

/// A word as conditions have them.
fn word(reason: &str) -> String {
    let is_word = (1..=REASON_MAX).contains(&reason.len())
        && reason.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && reason.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_word { reason } else { "Other" }.to_owned()
}

fn said(state: &BehaviorProfileState) -> Said {
    let refusal = || {
        let cut = state.message.floor_char_boundary(MESSAGE_MAX);
        Arc::new(Refusal {
            reason: word(&state.reason),
            message: visible(&state.message[..cut]).to_string(),
        })
    };
    Said {
        generation: state.generation,
        instances: state.instances,
        refusal: match state.verdict() {
            Verdict::InForce => None,
            // What a newer agent says is not that it obeys.
            Verdict::Refused | Verdict::Unspecified => Some(refusal()),
        },
    }
}

impl Board {
    /// Of which nothing is known; one object is written once in this interval at most.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            state: Mutex::default(),
            interval,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These are all objects there are.
    pub fn replace(&self, all: Vec<Seen>) {
        let mut state = self.lock();
        let mut before = std::mem::take(&mut state.objects);
        for seen in all {
            if let Some(one) = before.remove(&seen.uid) {
                state.objects.insert(seen.uid.clone(), one);
            }
            state.put(seen);
        }
        state.is_listed = true;
    }

    /// There is this one, or it is another now.
    pub fn put(&self, seen: Seen) {
        self.lock().put(seen);
    }

    /// It went.
    pub fn remove(&self, uid: &str) {
        self.lock().objects.remove(uid);
    }

    /// Whether the API told of all of them once.
    pub fn is_listed(&self) -> bool {
        self.lock().is_listed
    }

    /// There is a connection to the agent of a node; answers by which number it is known.
    pub fn joined(&self, node: &str) -> u64 {
        let mut state = self.lock();
        state.joins += 1;
        let join = state.joins;
        let node = state.nodes.entry(node.into()).or_insert_with(|| Node {
            join,
            told: HashMap::new(),
            is_whole: false,
            left: None,
        });
        (node.join, node.left) = (join, None);
        join
    }

    /// That connection ended.
    pub fn left(&self, node: &str, join: u64) {
        let mut state = self.lock();
        if let Some(node) = state.nodes.get_mut(node).filter(|node| node.join == join) {
            node.left = Some(Instant::now());
        }
    }

    /// Whether a node told all.
    pub fn knows(&self, node: &str) -> bool {
        self.lock()
            .nodes
            .get(node)
            .is_some_and(|node| node.is_whole)
    }

    /// An agent cannot tell: its node is not counted.
    pub fn is_mute(&self, node: &str, join: u64) {
        let whole = FollowBehaviorProfilesResponse {
            whole: true,
            ..FollowBehaviorProfilesResponse::default()
        };
        self.take(node, join, whole);
    }

    /// A node tells this.
    pub fn take(&self, node: &str, join: u64, message: FollowBehaviorProfilesResponse) {
        let mut state = self.lock();
        let Some((key, _)) = state.nodes.get_key_value(node) else {
            return;
        };
        let key = Arc::clone(key);
        let mut gone = Vec::new();
        let mut refused = 0;
        let mut told = Vec::new();
        {
            let Some(node) = state.nodes.get_mut(&key).filter(|node| node.join == join) else {
                return;
            };
            for one in &message.profiles {
                let has_room = node.told.len() < OF_NODE || node.told.contains_key(&one.uid);
                if !has_room || one.uid.is_empty() || one.uid.len() > 64 {
                    refused += 1;
                    continue;
                }
                node.told.insert(one.uid.clone(), join);
                told.push((one.uid.clone(), said(one)));
            }
            for uid in message.gone {
                if node.told.remove(&uid).is_some() {
                    gone.push(uid);
                }
            }
            if message.whole {
                node.is_whole = true;
                gone.extend(node.only(join));
            }
        }
        state.refused += refused;
        for (uid, said) in told {
            state.set(&uid, &key, Some(said));
        }
        state.forget(&key, gone);
    }

    /// Nodes whose agents are gone for long count no longer.
    pub fn sweep(&self) {
        let mut state = self.lock();
        let is_over = |node: &Node| node.left.is_some_and(|left| left.elapsed() >= GRACE);
        let over = state.nodes.iter().filter(|(_, node)| is_over(node));
        let over: Vec<Arc<str>> = over.map(|(name, _)| Arc::clone(name)).collect();
        for name in over {
            if let Some(node) = state.nodes.remove(&name) {
                state.forget(&name, node.told.into_keys().collect());
            }
        }
    }

    /// What all of it comes to.
    pub fn figures(&self) -> Figures {
        let state = self.lock();
        let told = state.nodes.values();
        let mut figures = Figures {
            nodes: told
                .filter(|node| node.is_whole && node.left.is_none())
                .count() as u32,
            ..Figures::default()
        };
        for one in state.objects.values() {
            figures.unwritten += u32::from(one.dirty.is_some());
            figures.failing += u32::from(one.failing.is_some());
            let Some(status) = &one.seen.status else {
                continue;
            };
            figures.refused += u32::from(status.holds("Refused").is_some());
            *match (status.holds("InForce"), status.nodes.running) {
                (Some(_), _) => &mut figures.in_force,
                (None, 0) => &mut figures.not_running,
                (None, _) => &mut figures.not_in_force,
            } += 1;
        }
        figures
    }

    /// How much that nodes told found no room, since this replica leads.
    pub fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// Objects of which something may have to be written now, those first that wait longest.
    pub fn waiting(&self, most: usize) -> Vec<Due> {
        let now = crate::clock::now();
        let mut state = self.lock();
        let State { objects, told, .. } = &mut *state;
        let mut all: Vec<&mut One> = { objects.values_mut() }
            .filter(|one| one.is_due(self.interval))
            .collect();
        all.sort_by_key(|one| one.dirty);
        let mut due = Vec::new();
        for one in all {
            if due.len() >= most {
                break;
            }
            let before = one.seen.status.as_ref();
            let of_it = told.get(&one.seen.uid).into_iter().flatten();
            let of_it = of_it.map(|(node, said)| (&**node, said));
            let status = status(one.seen.generation, of_it, before, now);
            let waits = one.tried.is_some_and(|tried| tried.elapsed() < COUNTS);
            match before {
                Some(before) if *before == status => one.dirty = None,
                Some(before) if waits && !status.is_news(before) => {}
                _ => {
                    // What is told from now on is news.
                    (one.dirty, one.tried) = (None, Some(Instant::now()));
                    due.push(Due {
                        seen: one.seen.clone(),
                        status,
                    });
                }
            }
        }
        due
    }

    /// It was written.
    pub fn wrote(&self, due: &Due) {
        let mut state = self.lock();
        state.wrote = Some(Instant::now());
        if let Some(one) = state.objects.get_mut(&due.seen.uid) {
            one.seen.status = Some(due.status.clone());
            one.failing = None;
        }
    }

    /// Whether another was a short time ago.
    pub fn wrote_lately(&self) -> bool {
        { self.lock().wrote }.is_some_and(|wrote| wrote.elapsed() < COUNTS)
    }

    /// It was not, for what is nothing of its own: it is tried again when others are.
    pub fn back(&self, due: &Due) {
        let mut state = self.lock();
        if let Some(one) = state.objects.get_mut(&due.seen.uid) {
            one.touch();
            one.tried = None;
        }
    }

    /// It was not, and is tried again after a wait, longer each time up to this. Answers whether what is said of that
    /// is news.
    pub fn failed(&self, due: &Due, text: &str, most: Duration) -> bool {
        let mut state = self.lock();
        let Some(one) = state.objects.get_mut(&due.seen.uid) else {
            return false;
        };
        one.touch();
        let before = one.failing.take();
        let wait = before.as_ref().map_or(self.interval, |(wait, _)| *wait * 2);
        let text = bounded(text);
        let is_news = before.is_none_or(|(_, told)| told != text);
        one.failing = Some((wait.min(most.max(self.interval)), text));
        is_news
    }
}

impl Node {
    /// Forgets what it told on earlier connections alone. Answers what that is.
    fn only(&mut self, join: u64) -> Vec<String> {
        let old = self.told.iter().filter(|(_, of)| **of != join);
        let old: Vec<String> = old.map(|(uid, _)| uid.clone()).collect();
        self.told.retain(|_, of| *of == join);
        old
    }
}
