//! The judge: holds the profiles, takes each sighting to the one it belongs to,
//! and says what is to be reported.

pub mod decide;
pub mod episodes;
pub mod keep;
mod learn;
pub mod ledger;
pub mod limits;
pub mod rating;
mod recent;
mod repeat;
mod replay;
pub mod report;
mod sensor;
pub mod sighting;
pub mod signed;
mod standing;
pub mod store;
pub mod taken_up;
mod writer;

use crate::clock::Clock;
use crate::container::Instance;
use crate::process::Images;
use episodes::{Episodes, Moment};
use keep::Keeper;
use lapwing_abi::decode::Record;
use lapwing_profile::behaviour::Behaviour;
use lapwing_profile::compare;
use lapwing_profile::entry::Entry;
use lapwing_profile::fingerprint;
use lapwing_profile::learn::{Outcome, Sighting, phase};
use lapwing_profile::lineage;
use lapwing_profile::profile::Mode;
use lapwing_profile::rule::Rule;
use lapwing_profile::text::visible;
use lapwing_profile::workload::Workload;
use lapwing_proto::timestamp;
use lapwing_proto::v1::{self, watch_response::Item};
use ledger::{Ledger, Said, verdict_of};
use rating::Ratings;
use report::Detail;
use sighting::Seen;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use store::Store;

/// Profiles that are kept in memory.
pub const PROFILES_MAX: usize = 10_000;
/// Behaviours that are remembered as published, per container.
const PUBLISHED_MAX: usize = 32_768;
/// And of all containers.
const PUBLISHED_ALL_MAX: usize = 262_144;

/// Behaviours of each container that were published: hashes of them, under a secret key, by the
/// container's cgroup. They have one size, however long the names are.
#[derive(Default)]
struct Published {
    key: RandomState,
    of: HashMap<u64, HashSet<u64>>,
    all: usize,
    /// Behaviours that found no room, and were not published for it.
    refused: u64,
}

impl Published {
    /// Whether the container did this for the first time, as far as is remembered.
    fn is_news(&mut self, home: u64, entry: &Entry) -> bool {
        let hash = self.key.hash_one(entry);
        let known = self.of.entry(home).or_default();
        if known.contains(&hash) {
            return false;
        }
        if known.len() >= PUBLISHED_MAX || self.all >= PUBLISHED_ALL_MAX {
            self.refused += 1;
            return false;
        }
        self.all += 1;
        known.insert(hash)
    }

    fn gone(&mut self, home: u64) {
        self.all -= self.of.remove(&home).map_or(0, |known| known.len());
    }
}

/// All profiles of this node.
pub struct Judge {
    cluster: String,
    node: String,
    keeper: Keeper,
    episodes: Episodes,
    /// Counts of episodes that ended, to be reported at the next tick.
    late: Vec<v1::Violation>,
    published: Published,
    /// Which signatures are wanted.
    signatures: signed::Signatures,
    /// What was found wrong with signatures at the start, and not reported yet.
    found: Vec<signed::Finding>,
    /// Names that the profiles have no records of.
    recent: recent::Recent,
    violations: u64,
    /// What the kernel side was told.
    ledger: Ledger,
    /// The samples that are taken of containers that teach.
    windows: learn::Windows,
    /// How bad violations are.
    ratings: Ratings,
    /// How many are reported.
    limits: limits::Limits,
    /// Repeats that it counted and that were taken from it.
    repeats: u64,
    /// What it is to be told of the last record.
    said: Option<Said>,
    /// Whose profiles were changed by decisions.
    changed: Vec<Workload>,
    /// Fingerprints of what was decided.
    closing: Vec<String>,
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
    /// Names under which the peer of a contact is known, the newest last.
    pub names: &'a [Arc<str>],
}

impl Judge {
    /// The state folder.
    #[must_use]
    pub const fn store(&self) -> &Store {
        self.keeper.store()
    }

    /// Violations since the start, updates not counted.
    #[must_use]
    pub const fn violations(&self) -> u64 {
        self.violations
    }

    /// Episodes that go on and went.
    #[must_use]
    pub const fn episodes(&self) -> &Episodes {
        &self.episodes
    }

    /// Behaviours that were not published for lack of room, since the last call.
    pub fn take_unpublished(&mut self) -> u64 {
        std::mem::take(&mut self.published.refused)
    }

    /// Judges one record. Answers with what is to be reported, and when it happened.
    pub fn take(&mut self, record: &Record<'_>, scene: Scene<'_>) -> (i64, Vec<Item>) {
        self.said = None;
        match sighting::seen(record, scene.images.get(record.header.exec)) {
            Some(mut seen) => {
                if let Behaviour::Exec(exec) = &mut seen.behaviour {
                    exec.parent = sighting::parent(record, scene.images);
                }
                self.take_seen(record, seen, scene)
            }
            None => (scene.clock.wall(record.header.time), Vec::new()),
        }
    }

    /// Judges what was seen by a record.
    pub fn take_seen(
        &mut self,
        record: &Record<'_>,
        mut seen: Seen,
        scene: Scene<'_>,
    ) -> (i64, Vec<Item>) {
        let at = scene.clock.wall(record.header.time);
        let moment = Moment {
            boot: record.header.time,
            wall: at,
        };
        self.said = None;
        self.settle();
        let Some(phase) = phase(record.phase) else {
            return (at, Vec::new()); // The runtime's own steps.
        };
        let workload = &scene.instance.workload;
        let named = scene.instance.is_named();
        // What has no name is compared with an empty profile, which nobody keeps.
        let mut stranger = None;
        let kept = match named {
            true => self.keeper.of(workload),
            false => Some(stranger.insert(self.keeper.fresh(workload))),
        };
        let Some(kept) = kept else {
            let text =
                format!("{PROFILES_MAX} profiles are kept already: {workload} is not judged");
            return (at, self.degraded(scene, moment, "profiles-full", text));
        };
        let mut entry = Entry {
            behaviour: seen.behaviour.clone(),
            phase,
        };
        let image = scene.images.get(record.header.exec);
        let args = image.map_or(&[][..], |image| &image.args);
        if let Some(known) = standing::taken_for(record, args, &kept.profile, &entry) {
            entry = known;
        }
        // A contact goes by the name that the profile knows, else by the newest; by its address
        // where that is what the profile knows.
        if !scene.names.is_empty() && !kept.profile.accepts(&entry) {
            for named in sighting::by_name(&seen, scene.names) {
                entry.behaviour.clone_from(&named.behaviour);
                seen = named;
                if kept.profile.accepts(&entry) {
                    break;
                }
            }
        }
        let sighting = Sighting { entry, at };
        let mode = kept.profile.mode();
        let outcome = kept.observe(&sighting);
        let entry = sighting.entry;
        if outcome != Outcome::Known {
            kept.sight(scene.instance, at);
        }
        // Excused by what one other instance did, and nothing else.
        let provisional = match outcome {
            Outcome::Known if named => {
                let id = || self.windows.id(scene.instance);
                kept.profile.provisional(&entry, id)
            }
            _ => None,
        };
        let outcome = provisional.map_or(outcome, Outcome::Deviation);
        if named && outcome == Outcome::Known {
            self.recent.see(&kept.profile, &entry, 1, at);
        }
        if named && mode != Mode::Monitoring {
            self.windows.witness(scene.instance, kept, &entry, moment);
        }
        let learned = kept.profile.packed(&entry).cloned();
        let mut items = Vec::new();
        let mut told = Some((verdict_of(false), None));
        let said = match outcome {
            Outcome::Known => v1::behaviour::Outcome::Known,
            Outcome::Learned if !named => {
                let text = "the container has no name that tells its workload from others: \
                            nothing it does is learned. Give it the label lapwing.dev/workload";
                items.extend(self.degraded(scene, moment, "unnamed", text.to_owned()));
                v1::behaviour::Outcome::Unspecified
            }
            Outcome::Learned => v1::behaviour::Outcome::Learned,
            Outcome::Deviation(deviation) => 'told: {
                let fingerprint = fingerprint::of(workload, deviation.rule, &entry);
                if !self.episodes.is_open(&fingerprint, scene.instance.home)
                    && !self
                        .limits
                        .admit(scene.instance.home, deviation, moment.boot)
                {
                    let (fingerprint, limited) =
                        self.only_counted(deviation, &entry, scene, moment);
                    items.extend(limited);
                    told = Some((verdict_of(true), Some(fingerprint)));
                    break 'told v1::behaviour::Outcome::Deviation;
                }
                let rating = self.ratings.rate(deviation, kept, scene.instance, at);
                let reports = self.episodes.occurred(
                    &fingerprint,
                    scene.instance.home,
                    &scene.instance.id,
                    moment,
                    || {
                        let mut violation = v1::Violation {
                            cluster: self.cluster.clone(),
                            node: self.node.clone(),
                            pending: rating.pending,
                            provisional: provisional.is_some(),
                            new_in_version: rating.grace.is_some(),
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
                            // Without a name there is no profile that could approve of it.
                            patch: if named { entry.patch() } else { String::new() },
                            after_gap: scene.last_gap > scene.instance.since
                                || !scene.instance.from_start,
                            ..v1::Violation::default()
                        };
                        report::apply_rule(
                            &mut violation,
                            deviation.rule,
                            rating.severity,
                            deviation.attack,
                        );
                        violation
                    },
                );
                if let Some(grace) = rating.grace {
                    self.episodes
                        .grant(&fingerprint, scene.instance.home, grace);
                }
                items.extend(self.reported(reports));
                told = Some((verdict_of(true), Some(fingerprint)));
                v1::behaviour::Outcome::Deviation
            }
            Outcome::Full => {
                // There may be room later.
                told = None;
                if !kept.said_full {
                    kept.said_full = true;
                    let text = format!(
                        "the profile of {workload} is full: what it does not know yet is neither learned nor reported"
                    );
                    items.extend(self.degraded(scene, moment, "profile-full", text));
                }
                v1::behaviour::Outcome::RefusedFull
            }
        };
        if lineage::is_unknown(&entry) {
            // The kernel side knows the parent, or will the next time: what is said of this one
            // must not stand for that.
            told = None;
        }
        let (home, key) = (scene.instance.home, record.header.key);
        if key != 0
            && let Some((verdict, fingerprint)) = told
        {
            let whose = (home, workload, named);
            let what = (&entry, learned.as_ref());
            (self.ledger).note(whose, key, what, fingerprint.as_deref());
            self.said = Some(Said { home, key, verdict });
        }
        if self.published.is_news(home, &entry) {
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

    fn degraded(
        &mut self,
        scene: Scene<'_>,
        at: Moment,
        reason: &str,
        detail: String,
    ) -> Vec<Item> {
        let mut violation = self.about_sensor(reason, detail);
        violation.workload = Some(report::workload(&scene.instance.workload));
        violation.container = Some(report::container(scene.instance));
        let fingerprint = fingerprint::hex(&[
            reason.as_bytes(),
            scene.instance.workload.to_string().as_bytes(),
        ]);
        let reports = self.episodes.occurred(
            &fingerprint,
            scene.instance.home,
            &scene.instance.id,
            at,
            || violation,
        );
        self.reported(reports).collect()
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
            self.ratings.of(Rule::SensorDegraded),
            Rule::SensorDegraded.attack(),
        );
        violation
    }

    /// Counts of violations that rose, and are to be reported anew.
    pub fn due(&mut self, now: Moment) -> Vec<Item> {
        self.settle();
        let mut due = std::mem::take(&mut self.late);
        due.extend(self.episodes.overdue(now));
        due.extend(self.episodes.due(now.boot));
        due.into_iter().map(Item::Violation).collect()
    }

    /// A container is gone.
    pub fn gone(&mut self, home: u64) {
        self.published.gone(home);
        self.learned_from(home);
        self.ledger.clear(home);
        self.late.extend(self.episodes.gone(home));
    }

    /// Hands over what changed for storing. What cannot be stored is tried again the next time,
    /// and reported once.
    pub fn save(&mut self, now: Moment) -> Vec<Item> {
        let Some(text) = self.keeper.save(now.boot) else {
            return Vec::new();
        };
        let violation = self.about_sensor("store", text);
        let fingerprint = fingerprint::hex(&[b"store", self.node.as_bytes()]);
        let reports = self
            .episodes
            .occurred(&fingerprint, 0, "", now, || violation);
        self.reported(reports).collect()
    }

    /// A hook that no program serves on this kernel.
    pub fn blind(&mut self, row: &str, text: String, now: Moment) -> Vec<Item> {
        let violation = self.about_sensor("hook", text);
        let fingerprint = fingerprint::hex(&[b"hook", row.as_bytes(), self.node.as_bytes()]);
        let reports = self
            .episodes
            .occurred(&fingerprint, 0, "", now, || violation);
        self.reported(reports).collect()
    }

    /// Files that held no profile when the agent started.
    pub fn set_aside(&mut self, now: Moment) -> Vec<Item> {
        let mut items = Vec::new();
        for aside in std::mem::take(&mut self.keeper.aside) {
            let path = aside.path.as_os_str().as_encoded_bytes();
            let fingerprint = fingerprint::hex(&[b"profile-damaged", path, self.node.as_bytes()]);
            let violation =
                self.about_sensor("profile-damaged", visible(&aside.to_string()).into_owned());
            let reports = self
                .episodes
                .occurred(&fingerprint, 0, "", now, || violation);
            items.extend(self.reported(reports));
        }
        items
    }

    /// Notes that the agent is alive.
    pub fn beat(&mut self, now: Moment) {
        self.keeper.beat(now.wall);
    }

    /// The end: everything is stored before this returns. Answers with what was not reported yet.
    pub fn end(&mut self, now: Moment) -> Vec<Item> {
        let done = self.keeper.end(now.wall);
        self.decided(done);
        self.settle();
        let mut last = std::mem::take(&mut self.late);
        last.extend(self.episodes.flush(now.boot));
        last.into_iter().map(Item::Violation).collect()
    }

    fn reported(&mut self, reports: Vec<v1::Violation>) -> impl Iterator<Item = Item> + use<> {
        self.violations += reports.iter().filter(|report| report.revision == 1).count() as u64;
        reports.into_iter().map(Item::Violation)
    }
}

/// The name of a profile, from its owner.
#[must_use]
pub fn name_of(workload: &v1::Workload) -> String {
    workload_of(workload).to_string()
}

/// The owner of a profile, its cluster aside.
#[must_use]
pub fn workload_of(workload: &v1::Workload) -> Workload {
    Workload {
        cluster: String::new(),
        namespace: workload.namespace.clone(),
        kind: workload.kind.clone(),
        name: workload.name.clone(),
        container: workload.container.clone(),
    }
}

#[cfg(test)]
mod tests;
