//! What each node told of each object, and what is to be written of it, when.

use super::nodes::Nodes;
use super::status::{Before, Hearing, Of, Status, status};
use super::words::{Place, Set, Words};
use crate::container::identity::bounded;
use crate::kubernetes::digest::Digest;
use lapwing_proto::v1::FollowBehaviorProfilesResponse;
use lapwing_proto::v1::get_status_response::fleet::Profiles as Figures;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long it is waited for what other nodes say of the same.
const SETTLE: Duration = Duration::from_secs(3);
/// Between two writes of one object where counts alone are others.
const COUNTS: Duration = Duration::from_secs(60);
/// How long it is waited for the next container of a workload of which the last one ended.
pub const REST: Duration = Duration::from_secs(600);
/// Longest wait after a write that was not taken.
pub const WAIT_MAX: Duration = Duration::from_secs(600);
/// Most objects of which one node may tell.
const OF_NODE: usize = 4_096;
/// Longest uid and name of a namespace, in bytes.
const UID_MAX: usize = 64;
const NAMESPACE_MAX: usize = 253;

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
    /// Of its `spec`.
    pub spec: Option<Digest>,
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
    /// Since when its workload runs nowhere, where it says that it does.
    rests: Option<Instant>,
    /// Something that a node said of this generation found no room.
    is_cut: bool,
    /// The generation of which this replica wrote since it leads.
    own: i64,
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
    /// Of objects, of which the API may not have told yet.
    words: Words,
    nodes: Nodes,
    hearing: Hearing,
    /// Objects of which the API may yet tell, and of which something found no room.
    cut: HashSet<String>,
    is_listed: bool,
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

impl Seen {
    /// Which state of it this is.
    pub const fn of(&self) -> Of {
        Of {
            generation: self.generation,
            spec: self.spec,
        }
    }
}

impl One {
    fn new(seen: Seen, is_cut: bool) -> Self {
        Self {
            seen,
            dirty: Some(Instant::now()),
            tried: None,
            failing: None,
            rests: None,
            is_cut,
            own: 0,
        }
    }

    fn touch(&mut self) {
        self.dirty.get_or_insert_with(Instant::now);
    }

    fn is_due(&self, interval: Duration) -> bool {
        let wait = { self.failing.as_ref() }.map_or(interval, |(wait, _)| *wait);
        let is_dirty = self.dirty.is_some_and(|since| since.elapsed() >= SETTLE);
        let is_rested = self.rests.is_some_and(|since| since.elapsed() >= REST);
        (is_dirty || is_rested) && self.tried.is_none_or(|tried| tried.elapsed() >= wait)
    }
}

impl State {
    fn touch(&mut self, uid: &str) {
        if let Some(one) = self.objects.get_mut(uid) {
            one.touch();
        }
    }

    fn forget(&mut self, node: &Arc<str>, uids: Vec<Arc<str>>) {
        for uid in uids {
            if self.words.unset(&uid, node) {
                self.touch(&uid);
            }
        }
    }

    /// There is this object, or it is another now. What it says is known from then on by what is written.
    fn put(&mut self, seen: Seen) {
        match self.objects.get_mut(&seen.uid) {
            None => {
                let is_cut = self.cut.remove(&seen.uid);
                let one = One::new(seen, is_cut);
                self.objects.insert(one.seen.uid.clone(), one);
            }
            Some(one) if one.seen.of() == seen.of() => {}
            Some(one) => {
                if one.seen.generation == seen.generation {
                    // The cluster is another: what was written is of a `spec` that there is no more.
                    (one.seen.status, one.own) = (None, 0);
                }
                (one.seen.generation, one.seen.spec) = (seen.generation, seen.spec);
                (one.failing, one.is_cut) = (None, false);
                one.touch();
            }
        }
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

    /// There are pods of agents for these nodes.
    pub fn expect<'n>(&self, nodes: impl Iterator<Item = &'n str>) {
        self.lock().nodes.expect(nodes);
    }

    /// There is a connection to the agent of a node; answers by which number it is known.
    pub fn joined(&self, node: &str) -> u64 {
        self.lock().nodes.joined(node)
    }

    /// That connection ended.
    pub fn left(&self, node: &str, join: u64) {
        self.lock().nodes.left(node, join);
    }

    /// Whether a node told all it will.
    pub fn knows(&self, node: &str) -> bool {
        self.lock().nodes.knows(node)
    }

    /// The agent on this connection cannot tell.
    pub fn is_mute(&self, node: &str, join: u64) {
        let mut state = self.lock();
        let gone = state.nodes.is_mute(node, join);
        state.forget(&node.into(), gone);
    }

    /// A node tells this.
    pub fn take(&self, node: &str, join: u64, message: &FollowBehaviorProfilesResponse) {
        let mut state = self.lock();
        let State {
            objects,
            words,
            nodes,
            cut,
            ..
        } = &mut *state;
        let Some((key, node)) = nodes.on(node, join) else {
            return;
        };
        for told in &message.profiles {
            let uid = told.uid.as_str();
            if uid.is_empty() || uid.len() > UID_MAX || told.namespace.len() > NAMESPACE_MAX {
                words.refused += 1;
                continue;
            }
            let mut one = objects.get_mut(uid);
            let set = match node.told.len() < OF_NODE || node.told.contains_key(uid) {
                true => {
                    let said = words.said(told);
                    // Of a share that is not theirs nodes take nothing by what they say.
                    let known = one.as_ref().map(|one| &*one.seen.namespace);
                    let place = Place {
                        namespace: known.unwrap_or(&told.namespace),
                        is_known: known.is_some(),
                    };
                    words.set(uid, place, &key, said)
                }
                false => Set::NoRoom,
            };
            match set {
                Set::Same => {
                    if let Some(of) = node.told.get_mut(uid) {
                        *of = join;
                    }
                    continue;
                }
                Set::News(uid) => {
                    node.told.insert(uid, join);
                }
                Set::NoRoom => {
                    words.refused += 1;
                    match &mut one {
                        Some(one) => one.is_cut = true,
                        None if cut.len() < OF_NODE => {
                            cut.insert(uid.to_owned());
                        }
                        None => {}
                    }
                }
            }
            if let Some(one) = one {
                one.touch();
            }
        }
        let mut gone = Vec::new();
        for uid in &message.gone {
            gone.extend(node.told.remove_entry(&**uid).map(|(uid, _)| uid));
        }
        if message.whole {
            node.is_whole();
        }
        state.forget(&key, gone);
    }

    /// Nodes whose agents are gone for long count no longer.
    pub fn sweep(&self) {
        let mut state = self.lock();
        for (node, gone) in state.nodes.sweep() {
            state.forget(&node, gone);
        }
        state.words.shed();
        let hearing = state.nodes.hearing();
        let before = std::mem::replace(&mut state.hearing, hearing);
        if hearing.differs(before) {
            state.objects.values_mut().for_each(One::touch);
        }
    }

    /// What all of it comes to.
    pub fn figures(&self) -> Figures {
        let state = self.lock();
        let mut figures = Figures {
            nodes: state.nodes.connected() as u32,
            ..Figures::default()
        };
        for one in state.objects.values() {
            figures.unwritten += u32::from(one.dirty.is_some());
            figures.failing += u32::from(one.failing.is_some());
            let Some(status) = &one.seen.status else {
                continue;
            };
            figures.refused += u32::from(status.holds("Refused").is_some());
            *match status.holds("InForce") {
                Some(_) => &mut figures.in_force,
                None if status.is_idle() => &mut figures.not_running,
                None => &mut figures.not_in_force,
            } += 1;
        }
        figures
    }

    /// How much that nodes told found no room, since this replica leads.
    pub fn refused(&self) -> u64 {
        self.lock().words.refused
    }

    /// Objects of which something may have to be written now, those first that wait longest.
    pub fn waiting(&self, most: usize) -> Vec<Due> {
        let now = crate::clock::now();
        let mut state = self.lock();
        let State {
            objects,
            words,
            hearing,
            ..
        } = &mut *state;
        let mut all: Vec<&mut One> = { objects.values_mut() }
            .filter(|one| one.is_due(self.interval))
            .collect();
        all.sort_by_key(|one| one.dirty);
        let mut due = Vec::new();
        for one in all {
            if due.len() >= most {
                break;
            }
            let of = one.seen.of();
            let before = one.seen.status.as_ref();
            let known = Before {
                status: before,
                is_own: one.own == of.generation,
            };
            let mut hearing = *hearing;
            hearing.mute += u32::from(one.is_cut);
            let status = status(of, words.of(&one.seen.uid), hearing, known, now);
            let rests = before.is_some_and(|before| status.rests_after(before));
            one.rests = rests.then(|| one.rests.unwrap_or_else(Instant::now));
            if one.rests.is_some_and(|since| since.elapsed() < REST) {
                one.dirty = None;
                continue;
            }
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
            one.own = due.status.observed_generation;
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
