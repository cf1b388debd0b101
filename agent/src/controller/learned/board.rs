//! What came from which node, and what is to be written of it.

use super::object::{self, Beside};
use lapwing_profile::collected::object::{Phase, Status};
use lapwing_profile::collected::{Collected, Judged, Running, Terms};
use lapwing_profile::decide::Refusal;
use lapwing_profile::file;
use lapwing_profile::profile::Profile;
use lapwing_profile::text::visible;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Refusals that are remembered, of reports that are of no workload here.
const TROUBLES_MAX: usize = 1_000;
/// Nodes of which a workload says that their reports were refused.
const REFUSED_MAX: usize = 16;

/// How much is taken, and when it is written.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// What is wanted of evidence.
    pub terms: Terms,
    /// Between two writes of one object at least.
    pub interval: Duration,
    /// The same where figures alone went on.
    pub evidence: Duration,
    /// For how long a workload that is seen nowhere is kept, in nanoseconds.
    pub keep: i64,
    /// Workloads of all nodes, and of one.
    pub workloads: [usize; 2],
    /// Bytes of all that is known.
    pub bytes: usize,
}

/// A workload.
#[derive(Debug)]
struct One {
    collected: Collected,
    /// Instances that run, by node, as the agents that are connected say.
    running: BTreeMap<String, u32>,
    beside: Beside,
    /// Since when something is not written.
    dirty: Option<Instant>,
    /// Whether it may be news.
    may_be_news: bool,
    /// What the object says; none where there is none.
    written: Option<Status>,
    /// When it was written last, or that failed.
    tried: Option<Instant>,
    /// Whether a node went that told of it, since it was written.
    parted: bool,
    bytes: usize,
}

#[derive(Default)]
struct State {
    all: BTreeMap<Workload, One>,
    /// Workloads that came first from which node.
    brought: BTreeMap<String, usize>,
    bytes: usize,
    troubles: BTreeMap<(String, String), String>,
    /// Nodes that told all they know once.
    told: BTreeSet<String>,
    /// Which workloads have a BehaviorProfile, as `shop/web`; `None` until all were listed.
    promoted: Option<BTreeMap<Workload, String>>,
    /// Reports of workloads that are seen nowhere any more.
    stale: u64,
}

/// All workloads.
pub struct Board {
    rules: Rules,
    state: Mutex<State>,
    /// Of something to write.
    pub changed: Notify,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Board").finish_non_exhaustive()
    }
}

/// What to write of a workload.
#[derive(Clone, Debug)]
pub struct Due {
    /// All that the object is to say.
    pub status: Status,
    /// Whether there is an object.
    pub exists: bool,
    /// Whether it is ready for a person now, and was not before.
    pub becomes_ready: bool,
}

impl One {
    fn new(collected: Collected) -> Self {
        Self {
            collected,
            running: BTreeMap::new(),
            beside: Beside::default(),
            dirty: None,
            may_be_news: false,
            written: None,
            tried: None,
            parted: false,
            bytes: 0,
        }
    }

    fn touch(&mut self, may_be_news: bool) {
        self.dirty.get_or_insert_with(Instant::now);
        self.may_be_news |= may_be_news;
    }

    fn judge(&self, terms: &Terms) -> Judged {
        let runs = self.running.values().filter(|instances| **instances > 0);
        let running = Running {
            nodes: runs.clone().count() as u32,
            instances: runs.fold(0, |all, one| all.saturating_add(*one)),
        };
        self.collected.judge(terms, running)
    }
}

impl One {
    fn told(&self, terms: &Terms) -> (Judged, u32, Option<String>) {
        let running = self.running.values();
        let instances = running.fold(0_u32, |all, one| all.saturating_add(*one));
        (self.judge(terms), instances, self.beside.promoted.clone())
    }
}

impl State {
    /// Counts anew what a workload takes.
    fn weigh(&mut self, workload: &Workload) {
        if let Some(one) = self.all.get_mut(workload) {
            let bytes = one.collected.bytes();
            self.bytes = (self.bytes + bytes).saturating_sub(one.bytes);
            one.bytes = bytes;
        }
    }

    /// Why a report finds no room.
    fn room(&self, node: &str, rules: &Rules) -> Result<(), String> {
        let [all, of_one] = rules.workloads;
        if self.all.len() >= all {
            return Err(format!(
                "{all} workloads are known already, and it is another"
            ));
        }
        if self.brought.get(node).copied().unwrap_or_default() >= of_one {
            return Err(format!(
                "this node told first of {of_one} workloads already, and it is another"
            ));
        }
        Ok(())
    }

    /// The one of a workload, made where there is none.
    fn one(&mut self, workload: &Workload) -> &mut One {
        let promoted = { self.promoted.as_ref() }.and_then(|all| all.get(workload));
        self.all.entry(workload.clone()).or_insert_with(|| {
            let mut one = One::new(Collected::new(workload.clone()));
            one.beside.promoted = promoted.cloned();
            one
        })
    }

    fn forget(&mut self, workload: &Workload) {
        if let Some(one) = self.all.remove(workload) {
            self.bytes = self.bytes.saturating_sub(one.bytes);
        }
    }
}

impl Board {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wanted.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A node tells of a workload, at `now` in nanoseconds since the Unix epoch. What is wrong with it is
    /// told of, and changes nothing.
    pub fn take(&self, node: &str, message: &v1::LearnedProfile, now: i64) {
        match read(message) {
            Ok(profile) => self.merge(node, message.instances, &profile, now),
            Err(why) => self.refuse(node, &message.name, &why),
        }
    }

    fn merge(&self, node: &str, instances: u32, profile: &Profile, now: i64) {
        let workload = Workload {
            cluster: String::new(),
            ..profile.workload.clone()
        };
        let mut state = self.lock();
        if !state.all.contains_key(&workload) {
            let mut alone = Collected::new(workload.clone());
            let last = alone.take(node, profile, now).ok().and(alone.last_seen());
            // What was forgotten for its age does not come back because a node still has the file.
            if instances == 0 && last.unwrap_or(0) < now.saturating_sub(self.rules.keep) {
                state.stale += 1;
                return;
            }
            if let Err(why) = state.room(node, &self.rules) {
                drop(state);
                self.refuse(node, &workload.to_string(), &why);
                return;
            }
            *state.brought.entry(node.to_owned()).or_default() += 1;
            state.one(&workload);
        }
        let is_full = state.bytes >= self.rules.bytes;
        let Some(one) = state.all.get_mut(&workload) else {
            return;
        };
        let ran = one.running.insert(node.to_owned(), instances);
        let taken = match is_full {
            true => Err(Refusal::Full(format!(
                "all workloads together take {} MiB",
                self.rules.bytes >> 20
            ))),
            false => one.collected.take(node, profile, now),
        };
        match taken {
            Ok(taken) => {
                let was_refused = match taken.refused_there {
                    0 => one.beside.refused.remove(node).is_some(),
                    many => {
                        let why = format!(
                            "{many} refusals of patterns, ranges or programs under any parent, which count on \
                             that node alone: refuse them in the BehaviorProfile"
                        );
                        one.beside.refused.insert(node.to_owned(), why.clone()) != Some(why)
                    }
                };
                if taken.changed || was_refused || ran != Some(instances) {
                    one.touch(true);
                    drop(state);
                    self.weigh(&workload);
                    self.changed.notify_one();
                }
            }
            Err(error) => {
                let why = visible(&error.to_string()).into_owned();
                let refused = &mut one.beside.refused;
                let has_room = refused.len() < REFUSED_MAX || refused.contains_key(node);
                let is_new =
                    has_room && refused.insert(node.to_owned(), why.clone()).as_ref() != Some(&why);
                if is_new {
                    one.touch(true);
                    tracing::warn!(node, workload = %workload, why, "what a node learned is not taken");
                    self.changed.notify_one();
                }
            }
        }
    }

    fn weigh(&self, workload: &Workload) {
        self.lock().weigh(workload);
    }

    fn refuse(&self, node: &str, name: &str, why: &str) {
        let name: String = visible(name).chars().take(300).collect();
        let why: String = visible(why).chars().take(1_000).collect();
        let mut state = self.lock();
        let key = (node.to_owned(), name.clone());
        let is_known = state.troubles.get(&key) == Some(&why);
        if is_known || state.troubles.len() >= TROUBLES_MAX && !state.troubles.contains_key(&key) {
            return;
        }
        state.troubles.insert(key, why.clone());
        drop(state);
        tracing::warn!(
            node,
            workload = name,
            why,
            "what a node learned is not taken"
        );
    }

    /// A node told all that it knows.
    pub fn has_told(&self, node: &str) {
        self.lock().told.insert(node.to_owned());
    }

    /// Whether it did.
    pub fn knows(&self, node: &str) -> bool {
        self.lock().told.contains(node)
    }

    /// What was refused and is of no workload here: the node, what it called the workload, and why.
    #[cfg(test)]
    pub fn troubles(&self) -> Vec<(String, String, String)> {
        let state = self.lock();
        let all = state.troubles.iter();
        all.map(|((node, name), why)| (node.clone(), name.clone(), why.clone()))
            .collect()
    }

    /// A node is not heard of any more. What came from it stays, and is written soon: nobody will tell it
    /// again.
    pub fn gone(&self, node: &str) {
        let mut state = self.lock();
        state.brought.remove(node);
        state.told.remove(node);
        state.troubles.retain(|(of, _), _| of != node);
        for one in state.all.values_mut() {
            if one.running.remove(node).is_some() {
                one.beside.refused.remove(node);
                one.parted = true;
                one.touch(true);
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    /// What an object said, from before this replica led.
    pub fn take_up(&self, workload: &Workload, collected: Option<Collected>, status: Status) {
        let mut state = self.lock();
        let one = state.one(workload);
        if let Some(collected) = collected
            && let Err(error) = one.collected.merge(&collected)
        {
            tracing::warn!(workload = %workload, "what its object has is not taken up: {error}");
        }
        one.written = Some(status);
        // Figures of it are no news because another replica leads.
        one.tried = Some(Instant::now());
        one.touch(true);
        state.weigh(workload);
    }

    /// Which workloads have a BehaviorProfile, as `shop/web`: all of them.
    pub fn promoted(&self, all: BTreeMap<Workload, String>) {
        let mut state = self.lock();
        for (workload, one) in &mut state.all {
            let promoted = all.get(workload).cloned();
            if one.beside.promoted != promoted {
                one.beside.promoted = promoted;
                one.touch(true);
            }
        }
        state.promoted = Some(all);
        drop(state);
        self.changed.notify_one();
    }

    /// Whether it is known which workloads have one.
    pub fn knows_promoted(&self) -> bool {
        self.lock().promoted.is_some()
    }

    /// Workloads of which something is to be written now.
    pub fn waiting(&self) -> Vec<Workload> {
        let state = self.lock();
        let now = Instant::now();
        let is_due = |one: &One| {
            let Some(since) = one.dirty else { return false };
            let pause = match one.may_be_news {
                true => self.rules.interval,
                false => self.rules.evidence,
            };
            match one.tried {
                Some(tried) => now.duration_since(tried) >= pause,
                // The first of a workload waits for others that come with it.
                None => {
                    now.duration_since(since) >= self.rules.interval.min(Duration::from_secs(2))
                }
            }
        };
        let due = state.all.iter().filter(|(_, one)| is_due(one));
        due.map(|(workload, _)| workload.clone()).collect()
    }

    /// What is to be written of a workload, at `now` in nanoseconds since the Unix epoch; `None` where it is no
    /// news after all.
    pub fn due(&self, workload: &Workload, now: i64) -> Option<Due> {
        let mut state = self.lock();
        let one = state.all.get_mut(workload)?;
        let judged = one.judge(&self.rules.terms);
        let empty = Status::default();
        let before = one.written.as_ref().unwrap_or(&empty);
        let status = object::status(&one.collected, &judged, &one.beside, before, now);
        let exists = one.written.is_some();
        let is_news = !exists || object::is_news(before, &status);
        let waited = one
            .tried
            .is_none_or(|tried| tried.elapsed() >= self.rules.evidence);
        if *before == status && exists {
            (one.dirty, one.may_be_news, one.parted) = (None, false, false);
            return None;
        }
        // What nobody will tell again is not left for later.
        if !is_news && !waited && !one.parted {
            one.may_be_news = false;
            return None;
        }
        (one.dirty, one.may_be_news, one.tried) = (None, false, Some(Instant::now()));
        Some(Due {
            exists,
            becomes_ready: before.phase == Phase::Learning && status.phase == Phase::Ready,
            status,
        })
    }

    /// It was written.
    pub fn wrote(&self, workload: &Workload, status: Status) {
        if let Some(one) = self.lock().all.get_mut(workload) {
            one.written = Some(status);
            one.parted = false;
        }
    }

    /// It was not; `exists` says whether there is an object still. It is tried again after the interval.
    pub fn failed(&self, workload: &Workload, exists: bool) {
        if let Some(one) = self.lock().all.get_mut(workload) {
            if !exists {
                one.written = None;
            }
            one.touch(true);
        }
    }

    /// Workloads that were seen nowhere for as long as they are kept.
    pub fn expired(&self, now: i64) -> Vec<Workload> {
        let state = self.lock();
        let until = now.saturating_sub(self.rules.keep);
        let runs_nowhere = |one: &One| one.running.values().all(|instances| *instances == 0);
        let old = |one: &One| one.collected.last_seen().is_some_and(|last| last < until);
        let expired = state
            .all
            .iter()
            .filter(|(_, one)| runs_nowhere(one) && old(one));
        expired.map(|(workload, _)| workload.clone()).collect()
    }

    /// Forgets one.
    pub fn forget(&self, workload: &Workload) {
        self.lock().forget(workload);
    }

    /// All workloads, with what comes of each so far, how many instances run, and its BehaviorProfile.
    pub fn all(&self) -> Vec<(Judged, u32, Option<String>)> {
        let state = self.lock();
        { state.all.values() }
            .map(|one| one.told(&self.rules.terms))
            .collect()
    }

    /// The one with a name, as `shop/Deployment/web/app`.
    pub fn find(&self, name: &str) -> Option<(Judged, u32, Option<String>)> {
        let state = self.lock();
        let mut all = state.all.iter();
        let (_, one) = all.find(|(workload, _)| workload.is_named(name))?;
        Some(one.told(&self.rules.terms))
    }
}

/// The profile in a report. Says what is wrong with it.
fn read(message: &v1::LearnedProfile) -> Result<Profile, String> {
    if message.yaml.len() > file::TEXT_MAX {
        return Err(format!(
            "its profile has {} bytes, and no profile has more than {}",
            message.yaml.len(),
            file::TEXT_MAX
        ));
    }
    let profile = Profile::from_yaml(&message.yaml).map_err(|error| error.to_string())?;
    let workload = &profile.workload;
    let told = message.workload.as_ref().map(crate::judge::workload_of);
    let own = Workload {
        cluster: String::new(),
        ..workload.clone()
    };
    if told.as_ref() != Some(&own) {
        return Err(format!("its profile is of another workload, {own}"));
    }
    object::check(workload)?;
    Ok(profile)
}
