//! The judge: holds the profiles, takes each sighting to the one it belongs to,
//! and says what is to be reported.

pub mod episodes;
pub mod report;
pub mod sighting;
pub mod store;

use crate::clock::Clock;
use crate::config::StartMode;
use crate::container::Instance;
use crate::process::Images;
use episodes::Episodes;
use lapwing_abi::decode::Record;
use lapwing_profile::compare;
use lapwing_profile::decide::{By, Refusal};
use lapwing_profile::entry::Entry;
use lapwing_profile::fingerprint;
use lapwing_profile::learn::{Outcome, Sighting, phase};
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::rule::Rule;
use lapwing_profile::workload::Workload;
use lapwing_proto::timestamp;
use lapwing_proto::v1::{self, watch_response::Item};
use report::Detail;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use store::{Store, StoreError};
use thiserror::Error;

/// Profiles that are kept in memory.
pub const PROFILES_MAX: usize = 10_000;
/// Behaviours that are remembered as published, per container.
const PUBLISHED_MAX: usize = 50_000;

/// Why the profiles cannot be taken up.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The state folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A profile that is none. It is left as it is.
    #[error(
        "{path}: {message}\nThe file was left as it is: repair it, or move it elsewhere to have the workload learned anew"
    )]
    Profile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// Why a request about profiles fails.
#[derive(Debug, Error)]
pub enum AskError {
    /// There is none by this name.
    #[error("no profile `{0}`: `lapwing profile list` shows what there is")]
    NoProfile(String),
    /// There is no such violation, and it is no entry either.
    #[error(
        "`{0}` is neither the id of a violation of this agent nor an entry like `exec: {{path: /bin/ls}}`"
    )]
    NoEntry(String),
    /// An entry without a profile to put it in.
    #[error("name the profile that `{0}` belongs to")]
    NoName(String),
    /// The profile does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Not a profile.
    #[error("{0}")]
    BadProfile(String),
    /// There are too many.
    #[error("there are {PROFILES_MAX} profiles already, and no room for another")]
    NoRoom,
    /// It was decided, but cannot be stored; it was taken back.
    #[error("not done, because it cannot be stored: {0}")]
    Store(#[from] StoreError),
}

struct Kept {
    profile: Profile,
    /// Not stored since it changed.
    dirty: bool,
    /// When it last learned something, in nanoseconds since the Unix epoch.
    learned: Option<i64>,
    /// Whether it was said that it is full.
    said_full: bool,
}

/// All profiles of this node.
pub struct Judge {
    cluster: String,
    node: String,
    start: Mode,
    profiles: HashMap<Workload, Kept>,
    episodes: Episodes,
    /// Behaviours of each container that were published, by the container's cgroup.
    published: HashMap<u64, HashSet<Entry>>,
    store: Store,
    violations: u64,
}

/// Where a record comes from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The container.
    pub instance: &'a Instance,
    /// Who runs what.
    pub images: &'a Images,
    /// The time of day.
    pub clock: Clock,
    /// End of the last gap, since boot in nanoseconds; 0 for none.
    pub last_gap: u64,
}

impl Judge {
    /// Takes up the stored profiles.
    ///
    /// # Errors
    /// When one of them cannot be read, or is none.
    pub fn open(
        store: Store,
        cluster: &str,
        node: &str,
        start: StartMode,
    ) -> Result<Self, OpenError> {
        let mut profiles = HashMap::new();
        for (path, text) in store.profiles()? {
            let profile = Profile::from_yaml(&text).map_err(|error| OpenError::Profile {
                path,
                message: error.to_string(),
            })?;
            profiles.insert(profile.workload.clone(), Kept::new(profile));
        }
        Ok(Self {
            cluster: cluster.to_owned(),
            node: node.to_owned(),
            start: match start {
                StartMode::Learn => Mode::Learning,
                StartMode::Monitor => Mode::Monitoring,
            },
            profiles,
            episodes: Episodes::default(),
            published: HashMap::new(),
            store,
            violations: 0,
        })
    }

    /// The state folder.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Violations since the start, updates not counted.
    #[must_use]
    pub const fn violations(&self) -> u64 {
        self.violations
    }

    /// Judges one record. Answers with what is to be reported, and when it happened.
    pub fn take(&mut self, record: &Record<'_>, scene: Scene<'_>) -> (i64, Vec<Item>) {
        let at = scene.clock.wall(record.header.time);
        let Some(phase) = phase(record.phase) else {
            return (at, Vec::new()); // The runtime's own steps.
        };
        let seen = sighting::seen(record, scene.images.get(record.header.exec));
        let entry = Entry {
            behaviour: seen.behaviour.clone(),
            phase,
        };
        let workload = &scene.instance.workload;
        if scene.instance.is_named()
            && !self.profiles.contains_key(workload)
            && self.profiles.len() >= PROFILES_MAX
        {
            let text =
                format!("{PROFILES_MAX} profiles are kept already: {workload} is not judged");
            return (
                at,
                self.degraded(scene, at, "profiles-full", text)
                    .into_iter()
                    .collect(),
            );
        }
        let named = scene.instance.is_named();
        // What has no name is compared with an empty profile, which nobody keeps.
        let mut stranger = None;
        let fresh = || Kept::new(Profile::new(workload.clone(), self.start));
        let kept = match named {
            true => self.profiles.entry(workload.clone()).or_insert_with(fresh),
            false => stranger.insert(fresh()),
        };
        let sighting = Sighting { entry, at };
        let mode = kept.profile.mode();
        let outcome = kept.profile.observe(&sighting);
        kept.dirty = true;
        let entry = sighting.entry;
        let mut items = Vec::new();
        let said = match outcome {
            Outcome::Known => v1::behaviour::Outcome::Known,
            Outcome::Learned if !named => {
                let text = "the container has no name that tells its workload from others: \
                            nothing it does is learned. Give it the label lapwing.dev/workload";
                items.extend(self.degraded(scene, at, "unnamed", text.to_owned()));
                v1::behaviour::Outcome::Unspecified
            }
            Outcome::Learned => {
                kept.learned = Some(at);
                v1::behaviour::Outcome::Learned
            }
            Outcome::Deviation(deviation) => {
                let fingerprint = fingerprint::of(workload, deviation.rule, &entry);
                let new = self.episodes.occurred(
                    &fingerprint,
                    scene.instance.home,
                    &scene.instance.id,
                    at,
                    || {
                        let mut violation = v1::Violation {
                            cluster: self.cluster.clone(),
                            node: self.node.clone(),
                            pending: deviation.pending,
                            mode: report::mode(mode).into(),
                            workload: Some(report::workload(workload)),
                            container: Some(report::container(scene.instance)),
                            process: Some(report::process(
                                &record.header,
                                record.phase,
                                scene.images,
                                scene.clock,
                            )),
                            detail: Some(Detail::of(&seen).into()),
                            nearest: compare::nearest(&kept.profile, &entry).unwrap_or_default(),
                            patch: entry.patch(),
                            after_gap: scene.last_gap > scene.instance.since
                                || !scene.instance.from_start,
                            ..v1::Violation::default()
                        };
                        report::apply_rule(&mut violation, deviation.rule, deviation.severity);
                        violation
                    },
                );
                if let Some(violation) = new {
                    self.violations += 1;
                    items.push(Item::Violation(violation));
                }
                v1::behaviour::Outcome::Deviation
            }
            Outcome::Full => {
                if !kept.said_full {
                    kept.said_full = true;
                    let text = format!(
                        "the profile of {workload} is full: what it does not know yet is neither learned nor reported"
                    );
                    items.extend(self.degraded(scene, at, "profile-full", text));
                }
                v1::behaviour::Outcome::RefusedFull
            }
        };
        if self.is_news(scene.instance.home, entry) {
            items.push(Item::Behaviour(v1::Behaviour {
                time: Some(timestamp(at)),
                cluster: self.cluster.clone(),
                node: self.node.clone(),
                outcome: said.into(),
                mode: report::mode(mode).into(),
                workload: Some(report::workload(workload)),
                container: Some(report::container(scene.instance)),
                process: Some(report::process(
                    &record.header,
                    record.phase,
                    scene.images,
                    scene.clock,
                )),
                detail: Some(Detail::of(&seen).into()),
            }));
        }
        (at, items)
    }

    /// Whether the container did this for the first time, as far as is remembered.
    fn is_news(&mut self, home: u64, entry: Entry) -> bool {
        let known = self.published.entry(home).or_default();
        known.len() < PUBLISHED_MAX && known.insert(entry)
    }

    fn degraded(
        &mut self,
        scene: Scene<'_>,
        at: i64,
        reason: &str,
        detail: String,
    ) -> Option<Item> {
        let mut violation = self.about_sensor(reason, detail);
        violation.workload = Some(report::workload(&scene.instance.workload));
        violation.container = Some(report::container(scene.instance));
        let fingerprint = fingerprint::hex(&[
            reason.as_bytes(),
            scene.instance.workload.to_string().as_bytes(),
        ]);
        self.episodes
            .occurred(
                &fingerprint,
                scene.instance.home,
                &scene.instance.id,
                at,
                || violation,
            )
            .map(Item::Violation)
    }

    fn about_sensor(&self, reason: &str, detail: String) -> v1::Violation {
        let mut violation = v1::Violation {
            cluster: self.cluster.clone(),
            node: self.node.clone(),
            detail: Some(v1::violation::Detail::Degraded(v1::Degraded {
                reason: reason.to_owned(),
                detail,
            })),
            ..v1::Violation::default()
        };
        report::apply_rule(
            &mut violation,
            Rule::SensorDegraded,
            Rule::SensorDegraded.severity(),
        );
        violation
    }

    /// Counts of violations that rose, and are to be reported anew.
    pub fn due(&mut self, now: i64) -> Vec<Item> {
        self.episodes
            .due(now)
            .into_iter()
            .map(Item::Violation)
            .collect()
    }

    /// As [`Judge::due`], without waiting: for the end.
    pub fn flush(&mut self, now: i64) -> Vec<Item> {
        self.episodes
            .flush(now)
            .into_iter()
            .map(Item::Violation)
            .collect()
    }

    /// A container is gone.
    pub fn gone(&mut self, home: u64) {
        self.published.remove(&home);
    }

    /// Stores what changed. What cannot be stored is tried again the next time, and reported.
    pub fn save(&mut self, now: i64) -> Option<Item> {
        let mut failure = None;
        for kept in self.profiles.values_mut().filter(|kept| kept.dirty) {
            match self
                .store
                .save(&kept.profile.workload.file_name(), &kept.profile.to_yaml())
            {
                Ok(()) => kept.dirty = false,
                // One full disk needs no report for each profile.
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let error = failure?;
        let violation = self.about_sensor("store", error.to_string());
        let fingerprint = fingerprint::hex(&[b"store", self.node.as_bytes()]);
        self.episodes
            .occurred(&fingerprint, 0, "", now, || violation)
            .map(Item::Violation)
    }

    /// All profiles in short, in the order of their names.
    #[must_use]
    pub fn summaries(&self, running: &HashMap<Workload, u32>) -> Vec<v1::ProfileSummary> {
        let mut all: Vec<_> = self
            .profiles
            .values()
            .map(|kept| {
                kept.summary(
                    running
                        .get(&kept.profile.workload)
                        .copied()
                        .unwrap_or_default(),
                )
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn find(&mut self, name: &str) -> Result<&mut Kept, AskError> {
        self.profiles
            .values_mut()
            .find(|kept| kept.profile.workload.to_string() == name)
            .ok_or_else(|| AskError::NoProfile(lapwing_profile::text::canonical(name.as_bytes())))
    }

    /// One profile, in short and as YAML.
    ///
    /// # Errors
    /// When there is none by this name.
    pub fn profile(&mut self, name: &str) -> Result<(v1::ProfileSummary, String), AskError> {
        let kept = self.find(name)?;
        Ok((kept.summary(0), kept.profile.to_yaml()))
    }

    /// From learning to monitoring.
    ///
    /// # Errors
    /// When there is no such profile, it is monitoring already, or it cannot be stored.
    pub fn promote(&mut self, name: &str, by: By<'_>) -> Result<v1::ProfileSummary, AskError> {
        self.change(name, |profile| Ok(profile.promote(by)?))
    }

    /// Changes a profile and stores it; if it cannot be stored, nothing has changed.
    fn change(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Profile) -> Result<(), AskError>,
    ) -> Result<v1::ProfileSummary, AskError> {
        let kept = self.find(name)?;
        let mut changed = kept.profile.clone();
        change(&mut changed)?;
        let (file, text) = (changed.workload.file_name(), changed.to_yaml());
        self.store.save(&file, &text)?;
        let kept = self.find(name)?;
        kept.profile = changed;
        kept.dirty = false;
        Ok(kept.summary(0))
    }

    /// Approves or refuses entries, each the id or fingerprint of a violation or an entry itself.
    ///
    /// # Errors
    /// When one of them is neither, or cannot be stored. All are looked up before any is decided.
    pub fn decide(
        &mut self,
        verdict: v1::decide_entries_request::Verdict,
        name: &str,
        entries: &[String],
        by: By<'_>,
    ) -> Result<(Vec<String>, Vec<v1::ProfileSummary>), AskError> {
        let mut wanted: Vec<(String, Entry)> = Vec::new();
        for text in entries {
            let (profile, line) = match self.episodes.find(text) {
                Some(violation) => {
                    let of = violation.workload.as_ref().map(name_of).unwrap_or_default();
                    self.episode_entry(text).map(|line| (of, line))
                }
                None => Some((name.to_owned(), text.clone())),
            }
            .ok_or_else(|| AskError::NoEntry(text.clone()))?;
            let entry = Entry::parse(&line).map_err(|_| {
                AskError::NoEntry(lapwing_profile::text::canonical(text.as_bytes()))
            })?;
            if profile.is_empty() {
                return Err(AskError::NoName(entry.to_string()));
            }
            self.find(&profile)?;
            wanted.push((profile, entry));
        }
        let mut changed = Vec::new();
        for (profile, entry) in &wanted {
            use v1::decide_entries_request::Verdict;
            changed.push(self.change(profile, |profile| {
                match verdict {
                    Verdict::Approve => profile.approve(entry, by),
                    Verdict::Refuse => profile.refuse(entry, by),
                    Verdict::Unspecified => {
                        return Err(AskError::BadProfile("a verdict is needed".to_owned()));
                    }
                }
                Ok(())
            })?);
            let workload = self.find(profile)?.profile.workload.clone();
            let rule = lapwing_profile::rule::classify(&entry.behaviour).rule;
            self.episodes
                .close(&fingerprint::of(&workload, rule, entry));
        }
        changed.sort_by(|a, b| (&a.name, b.revision).cmp(&(&b.name, a.revision)));
        changed.dedup_by(|a, b| a.name == b.name);
        Ok((
            wanted
                .into_iter()
                .map(|(_, entry)| entry.to_string())
                .collect(),
            changed,
        ))
    }

    fn episode_entry(&self, name: &str) -> Option<String> {
        let patch = &self.episodes.find(name)?.patch;
        (!patch.is_empty()).then(|| patch.clone())
    }

    /// Replaces what a profile approves, or takes up a new one.
    ///
    /// # Errors
    /// When the text is no profile, there is no room, or it cannot be stored.
    pub fn import(&mut self, yaml: &str, by: By<'_>) -> Result<v1::ProfileSummary, AskError> {
        let mut given =
            Profile::from_yaml(yaml).map_err(|error| AskError::BadProfile(error.to_string()))?;
        given.workload.cluster.clone_from(&self.cluster);
        let name = given.workload.to_string();
        if !self.profiles.contains_key(&given.workload) {
            if self.profiles.len() >= PROFILES_MAX {
                return Err(AskError::NoRoom);
            }
            let empty = Profile::new(given.workload.clone(), self.start);
            self.profiles
                .insert(given.workload.clone(), Kept::new(empty));
        }
        self.change(&name, |profile| Ok(profile.import(&given, by)?))
    }
}

/// The name of a profile, from its owner.
#[must_use]
pub fn name_of(workload: &v1::Workload) -> String {
    Workload {
        cluster: String::new(),
        namespace: workload.namespace.clone(),
        kind: workload.kind.clone(),
        name: workload.name.clone(),
        container: workload.container.clone(),
    }
    .to_string()
}

impl Kept {
    const fn new(profile: Profile) -> Self {
        Self {
            profile,
            dirty: false,
            learned: None,
            said_full: false,
        }
    }

    fn summary(&self, instances: u32) -> v1::ProfileSummary {
        let [exec, file, egress] = self
            .profile
            .approved_by_kind()
            .map(|(_, count)| count as u32);
        v1::ProfileSummary {
            name: self.profile.workload.to_string(),
            workload: Some(report::workload(&self.profile.workload)),
            mode: report::mode(self.profile.mode()).into(),
            exec,
            file,
            egress,
            pending: self.profile.pending_len() as u32,
            revision: self.profile.revision(),
            instances,
            last_learned: self.learned.map(timestamp),
        }
    }
}
