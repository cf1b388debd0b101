//! What came from which node. What is to be written of it is in [`super::due`].
//!
//! All of it is under one lock, which is held for short: what is read, merged, judged or put into text is
//! taken out first, and what comes of it is put back if nothing else did meanwhile.

use super::clocks;
use super::gone::Gone;
use super::object::Written;
use super::one::{One, Told};
use super::read::read;
use super::room::{self, Room};
use super::tally::{Reason, Tally};
use crate::container::pod::SANDBOX;
use lapwing_profile::collected::object::Status;
use lapwing_profile::collected::{Collected, Taken, Terms};
use lapwing_profile::decide::Refusal;
use lapwing_profile::profile::Profile;
use lapwing_profile::text::visible;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

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
    /// Whether what is ready is applied without a person.
    pub promotes: bool,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) all: BTreeMap<Arc<Workload>, One>,
    /// What each node that is connected told of.
    nodes: BTreeMap<String, BTreeSet<Arc<Workload>>>,
    /// Workloads that came first from which node, and bytes that its reports added: for as long as this
    /// replica leads, so that who comes back is no other.
    brought: BTreeMap<String, usize>,
    charged: BTreeMap<String, usize>,
    pub(super) bytes: usize,
    troubles: BTreeMap<(String, String), String>,
    /// Nodes whose clocks are ahead, since they are connected.
    ahead: BTreeSet<String>,
    /// Nodes that told all they know once.
    pub(super) told: BTreeSet<String>,
    /// Which workloads have a BehaviorProfile, as `shop/web`; `None` until all were listed.
    pub(super) promoted: Option<BTreeMap<Workload, String>>,
    /// Reports that were taken, and refused.
    pub(super) tally: Tally,
    /// Whether what the objects say was taken up.
    taken_up: bool,
    /// When an object was written last.
    pub(super) wrote: Option<Instant>,
    /// Namespaces in which nothing can be made.
    pub(super) gone: Gone,
}

/// All workloads.
pub struct Board {
    pub(super) rules: Rules,
    state: Mutex<State>,
    /// Of something to write.
    pub changed: Notify,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Board").finish_non_exhaustive()
    }
}

fn less(of: &mut BTreeMap<String, usize>, node: &str, by: usize) {
    if let Some(many) = of.get_mut(node) {
        *many = many.saturating_sub(by);
        if *many == 0 {
            of.remove(node);
        }
    }
}

impl State {
    /// Has a workload be what a report of a node makes of it.
    ///
    /// # Errors
    /// When there is no room for what the report adds.
    fn put(
        &mut self,
        node: &str,
        workload: &Workload,
        joined: Collected,
        bytes: usize,
        rules: &Rules,
    ) -> Result<(), (Reason, Refusal)> {
        let Some(one) = self.all.get_mut(workload) else {
            return Ok(());
        };
        let more = bytes.saturating_sub(one.bytes);
        let fewer = one.bytes.saturating_sub(bytes);
        let room = Room::new(self.bytes, self.charged.get(node), rules);
        room.fits(more)
            .map_err(|refusal| (Reason::Bytes, refusal))?;
        one.bytes = bytes;
        self.bytes = (self.bytes + more).saturating_sub(fewer);
        if more > 0 {
            *one.charged.entry(node.to_owned()).or_default() += more;
            *self.charged.entry(node.to_owned()).or_default() += more;
        } else if fewer > 0 {
            let back = one.charged.get(node).map_or(0, |many| fewer.min(*many));
            less(&mut one.charged, node, back);
            less(&mut self.charged, node, back);
        }
        one.collected = Arc::new(joined);
        Ok(())
    }

    /// The one of a workload, made where there is none.
    fn one(&mut self, workload: &Workload) -> &mut One {
        let promoted = { self.promoted.as_ref() }.and_then(|all| all.get(workload));
        let key = Arc::new(workload.clone());
        self.all.entry(key).or_insert_with(|| {
            let mut one = One::new(Collected::new(workload.clone()));
            one.beside.promoted = promoted.cloned();
            one
        })
    }

    pub(super) fn forget(&mut self, workload: &Workload) {
        let Some(one) = self.all.remove(workload) else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(one.bytes);
        for (node, bytes) in &one.charged {
            less(&mut self.charged, node, *bytes);
        }
        if let Some(node) = &one.brought {
            less(&mut self.brought, node, 1);
        }
        for node in one.running.keys() {
            if let Some(all) = self.nodes.get_mut(node) {
                all.remove(workload);
            }
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

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wanted.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A node tells of a workload, at `now` in nanoseconds since the Unix epoch. What is wrong with it is
    /// told of, and changes nothing. Sandboxes of pods are no workloads of a cluster: a node learns of each that it
    /// does nothing, and that is nothing to bring together.
    pub fn take(&self, node: &str, message: &v1::LearnedProfile, now: i64) {
        let is_sandbox = |of: &v1::Workload| of.container == SANDBOX;
        if message.workload.as_ref().is_some_and(is_sandbox) {
            return;
        }
        match read(message) {
            Ok(profile) if clocks::ahead(&profile, now) > 0 => {
                self.is_ahead(node, clocks::ahead(&profile, now));
            }
            Ok(profile) => self.merge(node, message.instances, &profile, now),
            Err(why) => self.refuse(node, &message.name, Reason::Invalid, &why),
        }
    }

    fn merge(&self, node: &str, instances: u32, profile: &Profile, now: i64) {
        let workload = Workload {
            cluster: String::new(),
            ..profile.workload.clone()
        };
        loop {
            // It may be forgotten meanwhile, too.
            let Some(before) = self.collected(&workload) else {
                match self.is_begun(node, instances, &workload, profile, now) {
                    true => continue,
                    false => return,
                }
            };
            let with = before.with(node, profile, now);
            let bytes = with.as_ref().map_or(0, |(joined, _)| joined.bytes());
            let mut state = self.lock();
            let now = state.all.get(&workload);
            // Where another report of it was taken meanwhile, this one is taken once more.
            if now.is_some_and(|one| Arc::ptr_eq(&one.collected, &before)) {
                let with = with.map_err(|refusal| (Reason::of(&refusal), refusal));
                let taken = with.and_then(|(joined, taken)| {
                    if taken.changed {
                        state.put(node, &workload, joined, bytes, &self.rules)?;
                    }
                    Ok(taken)
                });
                self.taken(&mut state, node, instances, &workload, taken);
                return;
            }
        }
    }

    fn collected(&self, workload: &Workload) -> Option<Arc<Collected>> {
        let state = self.lock();
        state
            .all
            .get(workload)
            .map(|one| Arc::clone(&one.collected))
    }

    /// Whether a workload that was not known is from now on.
    fn is_begun(
        &self,
        node: &str,
        instances: u32,
        workload: &Workload,
        profile: &Profile,
        now: i64,
    ) -> bool {
        let mut alone = Collected::new(workload.clone());
        let last = alone.take(node, profile, now).ok().and(alone.last_seen());
        let mut state = self.lock();
        // What was forgotten for its age, or with its namespace, does not come back because a node still has the file.
        let is_old = last.unwrap_or(0) < now.saturating_sub(self.rules.keep);
        if instances == 0 && (is_old || state.gone.has(&workload.namespace)) {
            state.tally.refuse(Reason::Stale);
            return false;
        }
        if state.all.contains_key(workload) {
            return true;
        }
        let brought = state.brought.get(node).copied().unwrap_or_default();
        if let Err(why) = room::has_place(state.all.len(), brought, &self.rules) {
            drop(state);
            self.refuse(node, &workload.to_string(), Reason::Workloads, &why);
            return false;
        }
        *state.brought.entry(node.to_owned()).or_default() += 1;
        state.one(workload).brought = Some(node.to_owned());
        true
    }

    /// What becomes of a report.
    fn taken(
        &self,
        state: &mut State,
        node: &str,
        instances: u32,
        workload: &Workload,
        taken: Result<Taken, (Reason, Refusal)>,
    ) {
        let State {
            all, nodes, tally, ..
        } = state;
        let Some((key, _)) = all.get_key_value(workload) else {
            return;
        };
        let key = Arc::clone(key);
        let Some(one) = all.get_mut(workload) else {
            return;
        };
        let ran = one.running.insert(node.to_owned(), instances);
        if ran.is_none() {
            nodes.entry(node.to_owned()).or_default().insert(key);
        }
        if ran != Some(instances) {
            // The namespace may be another by now.
            one.failing.take_if(|failing| failing.is_of_namespace);
        }
        match taken {
            Ok(taken) => {
                tally.take();
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
                    self.changed.notify_one();
                }
            }
            Err((reason, error)) => {
                tally.refuse(reason);
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

    fn refuse(&self, node: &str, name: &str, reason: Reason, why: &str) {
        let name: String = visible(name).chars().take(300).collect();
        let why: String = visible(why).chars().take(1_000).collect();
        let mut state = self.lock();
        state.tally.refuse(reason);
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

    /// The times of a node's report are so much later than the controller's.
    fn is_ahead(&self, node: &str, nanoseconds: i64) {
        let mut state = self.lock();
        state.tally.refuse(Reason::Clock);
        if state.ahead.insert(node.to_owned()) {
            drop(state);
            let minutes = nanoseconds / clocks::MINUTE;
            tracing::warn!(
                node,
                minutes,
                "what a node learned is not taken: it saw something so many minutes later than it is by the \
                 controller's clock, so one of the two is wrong: set both by NTP"
            );
        }
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
        let State {
            all,
            nodes,
            told,
            troubles,
            ahead,
            ..
        } = &mut *state;
        told.remove(node);
        ahead.remove(node);
        troubles.retain(|(of, _), _| of != node);
        for workload in nodes.remove(node).unwrap_or_default() {
            if let Some(one) = all.get_mut(&*workload)
                && one.running.remove(node).is_some()
            {
                one.beside.refused.remove(node);
                one.parted = true;
                one.touch(true);
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    /// What an object said, from before this replica led.
    pub fn take_up(
        &self,
        workload: &Workload,
        collected: Option<&Collected>,
        status: &Status,
        uid: &str,
    ) {
        let written = Arc::new(Written::of(status, uid));
        loop {
            let before = Arc::clone(&self.lock().one(workload).collected);
            let joined = collected.and_then(|of_object| {
                let mut joined = Collected::clone(&before);
                if let Err(error) = joined.merge(of_object) {
                    tracing::warn!(workload = %workload, "what its object has is not taken up: {error}");
                    return None;
                }
                Some((joined.bytes(), Arc::new(joined)))
            });
            let mut state = self.lock();
            let one = state.one(workload);
            // A node told of it meanwhile.
            if !Arc::ptr_eq(&one.collected, &before) {
                continue;
            }
            let known = one.bytes;
            if let Some((bytes, joined)) = joined {
                (one.bytes, one.collected) = (bytes, joined);
            }
            let bytes = one.bytes;
            one.written = Some(written);
            // Figures of it are no news because another replica leads.
            one.tried = Some(Instant::now());
            one.touch(true);
            state.bytes = (state.bytes + bytes).saturating_sub(known);
            return;
        }
    }

    /// All objects were.
    pub fn took_up(&self) {
        self.lock().taken_up = true;
    }

    /// Ready once they were.
    pub async fn is_taken_up(&self) {
        while !self.lock().taken_up {
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Since when the object of a workload says that it has this BehaviorProfile, as `shop/web`.
    pub fn promoted_since(&self, workload: &Workload, name: &str) -> Option<String> {
        let written = self.lock().all.get(workload)?.written.clone()?;
        written.promoted_since(name).map(str::to_owned)
    }

    /// Which workloads have a BehaviorProfile, as `shop/web`: all of them.
    pub fn promoted(&self, all: BTreeMap<Workload, String>) {
        let mut state = self.lock();
        for (workload, one) in &mut state.all {
            one.promoted(all.get(&**workload));
        }
        state.promoted = Some(all);
        drop(state);
        self.changed.notify_one();
    }

    /// Which one a workload has now.
    pub fn promoted_of(&self, workload: &Workload, name: Option<&String>) {
        let mut state = self.lock();
        if let Some(all) = &mut state.promoted {
            match name {
                Some(name) => all.insert(workload.clone(), name.clone()),
                None => all.remove(workload),
            };
        }
        if let Some(one) = state.all.get_mut(workload) {
            one.promoted(name);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Whether it is known which workloads have one.
    pub fn knows_promoted(&self) -> bool {
        self.lock().promoted.is_some()
    }

    /// How many have one.
    #[cfg(test)]
    pub fn promoted_ones(&self) -> usize {
        self.lock().promoted.as_ref().map_or(0, BTreeMap::len)
    }

    /// Forgets one.
    pub fn forget(&self, workload: &Workload) {
        self.lock().forget(workload);
    }

    /// All workloads.
    pub fn workloads(&self) -> Vec<Arc<Workload>> {
        self.lock().all.keys().cloned().collect()
    }

    /// What is wanted of evidence.
    pub const fn terms(&self) -> &Terms {
        &self.rules.terms
    }

    /// What comes of one so far.
    pub fn told(&self, workload: &Workload) -> Option<Told> {
        let snapshot = self.lock().all.get(workload)?.snapshot();
        Some(snapshot.told(&self.rules.terms))
    }

    /// The one with a name, as `shop/Deployment/web/app`.
    pub fn find(&self, name: &str) -> Option<Told> {
        let mut all = self.workloads().into_iter();
        self.told(&*all.find(|workload| workload.is_named(name))?)
    }
}
