//! The profiles in memory and on disk.
//!
//! On start they are taken up, see [`super::taken_up`]. What is new in a profile is handed to the writer at
//! the next tick. Counts and times alone change with every record; they are stored once a minute, and at the
//! end. A decision is written first and holds once it is on disk; meanwhile the pipeline goes on as it was.

use super::PROFILES_MAX;
use super::decide::{Action, AskError, Decision, Step};
use super::modes::Held;
use super::news::{Told, Turns};
use super::obeyed::{Obeyed, Obeys};
use super::report;
use super::store::{Store, StoreError};
use super::taken_up::{Aside, take_up};
use super::writer::{Wake, Writer};
use crate::config::StartMode;
use lapwing_profile::entry::keyed::Keyed;
use lapwing_profile::evidence::settings::Settings;
use lapwing_profile::learn::Outcome;
use lapwing_profile::place::Found;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use lapwing_proto::v1;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;
use thiserror::Error;

/// Time between two times that counts alone are stored, in nanoseconds.
const COUNTS_PERIOD: u64 = 60_000_000_000;

/// Why the profiles cannot be taken up.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The state folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no thread to write.
    #[error("cannot start the thread that stores profiles: {0}")]
    Writer(#[from] std::io::Error),
}

/// A profile, and what of it is not stored.
pub(super) struct Kept {
    pub(super) profile: Profile,
    /// It holds something new that is not stored.
    pub(super) news: bool,
    /// Its counts rose since it was stored.
    pub(super) counts: bool,
    /// Evidence changed since it was asked whether learning is over.
    pub(super) due: bool,
    /// When it was handed over for storing last, since boot in nanoseconds.
    stored: u64,
    /// Whether it was said that it is full.
    pub(super) said_full: bool,
    /// The object of the cluster that it obeys, see [`super::obeyed`].
    pub(super) obeys: Option<Obeys>,
    /// For those who follow it.
    pub(super) told: Told,
}

impl Kept {
    pub(super) const fn new(profile: Profile) -> Self {
        Self {
            profile,
            news: false,
            counts: false,
            due: true,
            stored: 0,
            said_full: false,
            obeys: None,
            told: Told::NEVER,
        }
    }

    /// Takes a sighting to the profile, at a time in nanoseconds since the Unix epoch, of a process
    /// with this id in its container; 0 where that is not known.
    pub(super) fn observe(&mut self, sighting: (&Keyed<'_>, &Found), at: i64, pid: u32) -> Outcome {
        let known = self.profile.len();
        let pid = (pid != 0).then_some(pid);
        let outcome = self.profile.observe_found(sighting, at, pid);
        self.counts = true;
        self.say_wider(outcome, at);
        self.news |= outcome == Outcome::Learned || self.profile.len() != known;
        outcome
    }

    /// Where it is stored.
    fn path(&self, store: &Store) -> PathBuf {
        path(store, &self.profile.workload, self.obeys.is_some())
    }

    /// It holds something new that is to be stored.
    pub(super) const fn news(&mut self) {
        self.news = true;
    }

    pub(super) fn summary(
        &self,
        instances: Option<u32>,
        (settings, grace): (Settings, i64),
    ) -> v1::ProfileSummary {
        let mut summary = report::summary(&self.profile, instances);
        summary.learning = report::learning(&self.profile, &settings);
        self.until(&mut summary, grace);
        let obeys = self.obeys.as_ref();
        summary.object = obeys.map_or_else(String::new, |obeys| obeys.object.clone());
        summary
    }
}

/// Where the profile of a workload is stored.
fn path(store: &Store, workload: &Workload, obeys: bool) -> PathBuf {
    match obeys {
        true => store.obeyed_path(&workload.file_name()),
        false => store.profile_path(&workload.file_name()),
    }
}

/// All profiles of this node.
pub struct Keeper {
    cluster: String,
    pub(super) start: Mode,
    /// When learning is over.
    pub(super) settings: Settings,
    /// How long a new version of an image has grace, in nanoseconds.
    pub(super) grace: i64,
    pub(super) profiles: HashMap<Workload, Kept>,
    /// The node's own profiles of workloads that obey an object of the cluster.
    pub(super) aside_own: HashMap<Workload, Kept>,
    /// What the cluster says of workloads, be they on this node or not.
    pub(super) offers: HashMap<Workload, Obeyed>,
    /// What is asked for workloads by their namespaces and pods, where that is obeyed.
    pub(super) words: HashMap<Workload, Held>,
    /// Ends before the folder is given up: it stands before it.
    writer: Writer,
    store: Store,
    /// Files that were set aside at the start, and not reported yet.
    pub(super) aside: Vec<Aside>,
    /// Numbers of changes.
    pub(super) turns: Turns,
    /// Whether it was said that something cannot be stored.
    failing: bool,
    /// In the order they came; the first is being written.
    decisions: VecDeque<Decision>,
    writing: Option<Receiver<Result<(), StoreError>>>,
}

impl Keeper {
    /// Takes up the stored profiles.
    ///
    /// # Errors
    /// When the state folder fails. A file that is no profile is set aside.
    pub fn open(
        store: Store,
        cluster: &str,
        start: StartMode,
        wake: Wake,
    ) -> Result<Self, OpenError> {
        let (taken, aside) = take_up(&store, cluster)?;
        let profiles = taken.into_iter().map(|taken| {
            let mut kept = Kept::new(taken.profile);
            kept.news = taken.moved;
            (taken.workload, kept)
        });
        let profiles = profiles.collect();
        Ok(Self {
            cluster: cluster.to_owned(),
            start: match start {
                StartMode::Learn => Mode::Learning,
                StartMode::Monitor => Mode::Monitoring,
            },
            settings: Settings::default(),
            grace: super::rating::GRACE,
            profiles,
            aside_own: HashMap::new(),
            offers: HashMap::new(),
            words: HashMap::new(),
            writer: Writer::start(wake)?,
            store,
            aside,
            turns: Turns::default(),
            failing: false,
            decisions: VecDeque::new(),
            writing: None,
        })
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    /// What a profile in short depends on besides.
    pub(super) const fn terms(&self) -> (Settings, i64) {
        (self.settings, self.grace)
    }

    pub(super) fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The profile of a workload, a new one where there is none; `None` if there are too many.
    pub(super) fn of(&mut self, workload: &Workload) -> Option<&mut Kept> {
        if !self.profiles.contains_key(workload) {
            if self.profiles.len() >= PROFILES_MAX {
                return None;
            }
            let obeying = self.obeying(workload);
            let mut kept = obeying.unwrap_or_else(|| self.fresh(workload));
            kept.news = true;
            self.profiles.insert(workload.clone(), kept);
        }
        self.profiles.get_mut(workload)
    }

    /// Takes up a profile that is to be stored; answers whether there was room for it.
    pub(super) fn take_up(&mut self, profile: Profile) -> bool {
        let room = self.profiles.len() < PROFILES_MAX;
        if room {
            let mut kept = Kept::new(profile);
            kept.news();
            self.profiles.insert(kept.profile.workload.clone(), kept);
        }
        room
    }

    /// The folder, and all profiles in it.
    pub(super) fn stored(&mut self) -> (&Store, impl Iterator<Item = &mut Kept>) {
        (&self.store, self.profiles.values_mut())
    }

    /// The profile of a workload, if it has one.
    pub(super) fn known(&mut self, workload: &Workload) -> Option<&mut Kept> {
        self.profiles.get_mut(workload)
    }

    /// An empty profile that is not kept.
    pub(super) fn fresh(&self, workload: &Workload) -> Kept {
        Kept::new(self.new_profile(workload))
    }

    /// The one with a name, special bytes as `%NN` or as they are.
    pub(super) fn find(&self, name: &str) -> Result<&Kept, AskError> {
        self.profiles
            .values()
            .find(|kept| kept.profile.workload.to_string() == name)
            .or_else(|| {
                self.profiles
                    .values()
                    .find(|kept| kept.profile.workload.is_named(name))
            })
            .ok_or_else(|| AskError::NoProfile(lapwing_profile::text::canonical(name.as_bytes())))
    }

    /// All profiles in short, in the order of their names.
    pub(super) fn summaries(&self, running: &HashMap<Workload, u32>) -> Vec<v1::ProfileSummary> {
        let mut all: Vec<_> = self
            .profiles
            .values()
            .map(|kept| {
                let instances = running.get(&kept.profile.workload).copied();
                kept.summary(Some(instances.unwrap_or_default()), self.terms())
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Of each profile its mode and how many entries are pending, and nothing else, in no order.
    pub(super) fn modes(&self) -> Vec<v1::ProfileSummary> {
        let mode = |kept: &Kept| v1::ProfileSummary {
            mode: report::mode(kept.profile.mode()).into(),
            pending: kept.profile.pending_len() as u32,
            ..v1::ProfileSummary::default()
        };
        self.profiles.values().map(mode).collect()
    }

    /// Takes a decision. It is answered when it is on disk, and holds from then on; one that
    /// cannot be stored has changed nothing.
    pub(super) fn decide(&mut self, decision: Decision) {
        self.decisions.push_back(decision);
    }

    /// Whether a decision about a workload waits.
    pub(super) fn is_deciding(&self, workload: &Workload) -> bool {
        let mut steps = self.decisions.iter().flat_map(|decision| &decision.steps);
        steps.any(|step| step.workload == *workload)
    }

    /// Goes on with decisions as far as that needs no waiting. Answers with the steps that were
    /// done.
    pub(super) fn go_on(&mut self) -> Vec<Step> {
        let mut done = Vec::new();
        while let Some(mut decision) = self.decisions.pop_front() {
            let result = match self.writing.take() {
                None => self.begin(&decision),
                Some(answered) => match answered.try_recv() {
                    Err(TryRecvError::Empty) => {
                        self.writing = Some(answered);
                        self.decisions.push_front(decision);
                        return done;
                    }
                    // The writer lives as long as this.
                    Err(TryRecvError::Disconnected) => self.begin(&decision),
                    Ok(result) => self.finish(&mut decision, result, &mut done),
                },
            };
            match result {
                Err(error) => (decision.done)(Err(error)),
                Ok(()) if decision.steps.is_empty() => (decision.done)(Ok(decision.changed)),
                Ok(()) => self.decisions.push_front(decision),
            }
        }
        done
    }

    /// Begins to write what the next step makes of its profile.
    fn begin(&mut self, decision: &Decision) -> Result<(), AskError> {
        let Some(step) = decision.steps.front() else {
            return Ok(());
        };
        let changed = self.changed(step, decision)?;
        let obeys = { self.profiles.get(&step.workload) }.is_some_and(|kept| kept.obeys.is_some());
        let path = path(&self.store, &step.workload, obeys);
        let text = changed.to_yaml().into_bytes();
        let signature = match &step.action {
            Action::Import(_, Some(envelope)) => {
                let path = self.store.signature_path(&step.workload.file_name());
                Some((path, envelope.clone().into_bytes()))
            }
            _ => None,
        };
        self.writing = Some(self.writer.begin(&path, text, signature));
        Ok(())
    }

    /// The profile after a step, made where there is none.
    fn changed(&self, step: &Step, decision: &Decision) -> Result<Profile, AskError> {
        let known = self.profiles.get(&step.workload);
        if let Some(obeys) = known.and_then(|kept| kept.obeys.as_ref())
            && !matches!(step.action, Action::Review { .. })
        {
            return Err(AskError::Obeys {
                name: step.workload.to_string(),
                object: obeys.object.clone(),
            });
        }
        if known.is_none() && self.profiles.len() >= PROFILES_MAX {
            return Err(AskError::NoRoom);
        }
        let mut profile = known.map_or_else(
            || self.new_profile(&step.workload),
            |kept| kept.profile.clone(),
        );
        step.action.apply(&mut profile, decision.by())?;
        Ok(profile)
    }

    /// What the step wrote is on disk, or not.
    fn finish(
        &mut self,
        decision: &mut Decision,
        result: Result<(), StoreError>,
        done: &mut Vec<Step>,
    ) -> Result<(), AskError> {
        let Some(step) = decision.steps.pop_front() else {
            return Ok(());
        };
        // What was seen meanwhile counts too: the step is taken on what is known now.
        let changed = match result {
            Ok(()) => self.changed(&step, decision),
            Err(error) => Err(error.into()),
        };
        match changed {
            Ok(profile) => {
                let terms = self.terms();
                let kept = self
                    .profiles
                    .entry(step.workload.clone())
                    .or_insert_with(|| Kept::new(profile.clone()));
                kept.say_decided(&profile);
                kept.profile = profile;
                kept.due = true;
                self.turns.note(&mut kept.told, true);
                decision.changed.push(kept.summary(None, terms));
                done.push(step);
                Ok(())
            }
            Err(error) => {
                if let Some(kept) = self.profiles.get_mut(&step.workload) {
                    // The file may not be what is known: what waited for it gave way.
                    kept.news = true;
                }
                if let Some(own) = self.aside_own.get_mut(&step.workload) {
                    own.news = true;
                }
                Err(error)
            }
        }
    }

    /// Whose profile a decision is being written for: what is known without the decision must not
    /// overwrite it.
    fn deciding(&self) -> Option<Workload> {
        self.writing.as_ref()?;
        let step = self.decisions.front()?.steps.front()?;
        Some(step.workload.clone())
    }

    /// Hands over what changed. Answers with what failed, if it was not said yet.
    pub(super) fn save(&mut self, now: u64) -> Option<String> {
        let said = self.take_results();
        let deciding = self.deciding();
        for kept in self
            .profiles
            .values_mut()
            .chain(self.aside_own.values_mut())
        {
            if deciding.as_ref() == Some(&kept.profile.workload) {
                continue;
            }
            let counts = kept.counts && now.saturating_sub(kept.stored) >= COUNTS_PERIOD;
            if !(kept.news || counts) {
                continue;
            }
            self.turns.note(&mut kept.told, kept.news);
            let path = kept.path(&self.store);
            if !self.writer.offer(path, kept.profile.to_yaml().into_bytes()) {
                break; // The rest waits for the next tick.
            }
            (kept.news, kept.counts, kept.stored) = (false, false, now);
        }
        said
    }

    fn take_results(&mut self) -> Option<String> {
        let results = self.writer.results();
        let mut failed = results.failed.into_iter();
        let Some((path, error)) = failed.next() else {
            self.failing &= results.written == 0;
            return None;
        };
        for path in std::iter::once(path).chain(failed.map(|(path, _)| path)) {
            for kept in self
                .profiles
                .values_mut()
                .chain(self.aside_own.values_mut())
            {
                kept.news |= kept.path(&self.store) == path;
            }
        }
        let said = std::mem::replace(&mut self.failing, true);
        (!said).then(|| error.to_string())
    }

    /// Notes that the agent is alive at this time of day.
    pub(super) fn beat(&mut self, now: i64) {
        let text = format!("{now}\n").into_bytes();
        // One that finds no room is followed by another.
        let _ = self.writer.offer(self.store.heartbeat_path(), text);
    }

    /// Answers every decision, stores everything, and ends the writer.
    pub(super) fn end(&mut self, now: i64) -> Vec<Step> {
        let mut done = self.go_on();
        while !self.decisions.is_empty() {
            std::thread::sleep(Duration::from_millis(1));
            done.extend(self.go_on());
        }
        let all = self.profiles.values().chain(self.aside_own.values());
        let changed = all.filter(|kept| kept.news || kept.counts);
        for kept in changed {
            let path = kept.path(&self.store);
            let text = kept.profile.to_yaml().into_bytes();
            // One at a time, so that no more than one is held as text.
            if let Ok(Err(error)) = self.writer.begin(&path, text, None).recv() {
                tracing::error!("{error}");
            }
        }
        self.beat(now);
        self.writer.end();
        for (_, error) in self.writer.results().failed {
            tracing::error!("{error}");
        }
        done
    }
}
