//! Judging one record: as which entry it is taken, what the profile says to that, and what is told
//! of it.
//!
//! The entry is looked up once ([`Profile::find`]); all that counts it goes by what was found.

use super::contents::Program;
use super::episodes::Moment;
use super::ledger::{Said, verdict_of};
use super::report::{self, Detail};
use super::sighting::{self, Aside, Seen};
use super::{Judge, PROFILES_MAX, Scene, phase, standing};
use lapwing_abi::decode::Record;
use lapwing_profile::behaviour::Behaviour;
use lapwing_profile::compare;
use lapwing_profile::entry::keyed::Keyed;
use lapwing_profile::entry::{Entry, Phase};
use lapwing_profile::fingerprint;
use lapwing_profile::learn::Outcome;
use lapwing_profile::lineage;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_proto::timestamp;
use lapwing_proto::v1::{self, watch_response::Item};

/// What is judged.
struct Taken {
    entry: Entry,
    /// The behaviour as it is told of, where that is not the one it is taken for.
    as_seen: Option<Behaviour>,
    aside: Aside,
}

impl Taken {
    /// As which entry a sighting is taken.
    fn of(
        record: &Record<'_>,
        seen: Seen,
        phase: Phase,
        scene: Scene<'_>,
        profile: &Profile,
    ) -> Self {
        let Seen { behaviour, aside } = seen;
        let mut taken = Self {
            entry: Entry { behaviour, phase },
            as_seen: None,
            aside,
        };
        let image = scene.images.get(record.header.exec);
        let args = image.map_or(&[][..], |image| &image.args);
        if let Some(known) = standing::taken_for(record, args, profile, &taken.entry) {
            taken.as_seen = Some(std::mem::replace(&mut taken.entry, known).behaviour);
        }
        // A contact goes by the name that the profile knows, else by the newest; by its address
        // where that is what the profile knows.
        if !scene.names.is_empty() && !profile.accepts(&taken.entry) {
            let contact = &taken.entry.behaviour;
            for named in sighting::by_name(contact, &taken.aside, scene.names) {
                (taken.entry.behaviour, taken.aside) = (named.behaviour, named.aside);
                if profile.accepts(&taken.entry) {
                    break;
                }
            }
        }
        if let Some(entered) = phase::approved_for_all(&taken.entry, profile) {
            taken.entry = entered;
        }
        taken
    }

    /// As it was seen.
    fn behaviour(&self) -> &Behaviour {
        self.as_seen.as_ref().unwrap_or(&self.entry.behaviour)
    }

    fn detail(&self) -> Detail {
        Detail::of(self.behaviour(), &self.aside)
    }
}

impl Judge {
    /// Judges one record. Answers with what is to be reported, and when it happened.
    pub fn take(&mut self, record: &Record<'_>, scene: Scene<'_>) -> (i64, Vec<Item>) {
        self.said = None;
        self.open = None;
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
        seen: Seen,
        scene: Scene<'_>,
    ) -> (i64, Vec<Item>) {
        match phase::of(record, scene) {
            Some(phase) => self.take_as(record, (seen, phase), scene),
            // The runtime's own steps.
            None => (scene.clock.wall(record.header.time), Vec::new()),
        }
    }

    /// Judges what was seen by a record of a process in a phase.
    pub(super) fn take_as(
        &mut self,
        record: &Record<'_>,
        (seen, phase): (Seen, Phase),
        scene: Scene<'_>,
    ) -> (i64, Vec<Item>) {
        let at = scene.clock.wall(record.header.time);
        let moment = Moment {
            boot: record.header.time,
            wall: at,
        };
        self.said = None;
        self.settle();
        let home = scene.instance.home;
        if self.modes.is_off(home) {
            self.modes.drop_one();
            let (key, verdict) = (record.header.key, verdict_of(false));
            self.said = (key != 0).then_some(Said { home, key, verdict });
            return (at, Vec::new());
        }
        let workload = &scene.instance.workload;
        let named = scene.instance.is_named();
        // What has no name is compared with an empty profile, which nobody keeps.
        let mut stranger = None;
        let kept = match named {
            true => self.keeper.of(workload),
            false => Some(stranger.insert(self.stranger(workload, home))),
        };
        let Some(kept) = kept else {
            let text =
                format!("{PROFILES_MAX} profiles are kept already: {workload} is not judged");
            return (at, self.degraded(scene, moment, "profiles-full", text));
        };
        let taken = Taken::of(record, seen, phase, scene, &kept.profile);
        let entry = &taken.entry;
        let keyed = Keyed::of(entry);
        let mode = kept.profile.mode();
        let mut found = kept.profile.find(&keyed);
        let outcome = kept.observe((&keyed, &found), at, record.header.container_pid);
        if outcome != Outcome::Known {
            kept.sight(scene.instance, at);
            found = kept.profile.find(&keyed);
        }
        if named {
            let what = (taken.behaviour(), &taken.aside, entry);
            self.attribution.tell(record, what, scene, kept);
        }
        // Excused by what one other instance did, and nothing else.
        let provisional = match outcome {
            Outcome::Known if named => {
                let id = || self.windows.id(scene.instance);
                kept.profile.provisional(entry, id)
            }
            _ => None,
        };
        let outcome = provisional.map_or(outcome, Outcome::Deviation);
        if named && outcome == Outcome::Known {
            self.recent.see(workload, (&keyed, &found), 1, at);
        }
        if named && mode != Mode::Monitoring {
            let sighting = (&keyed, &found);
            self.windows.witness(scene.instance, kept, sighting, moment);
        }
        let key = record.header.key;
        let leaf = match key {
            0 => None,
            _ => kept.profile.leaf(&keyed, &found).cloned(),
        };
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
                let fingerprint = fingerprint::of(workload, deviation.rule, entry);
                if !self.episodes.is_open(&fingerprint, scene.instance.home)
                    && !self
                        .limits
                        .admit(scene.instance.home, deviation, moment.boot)
                {
                    let (fingerprint, limited) = self.only_counted(deviation, entry, scene, moment);
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
                                phase::told(record.phase, phase),
                                scene.images,
                                scene.clock,
                            )),
                            detail: Some(taken.detail().into()),
                            nearest: compare::nearest(&kept.profile, entry).unwrap_or_default(),
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
        self.tally
            .judged(record.hook(), entry.behaviour.kind(), said);
        // The kernel side knows the parent, or will the next time: what is said of this one must
        // not stand for that. And it does not know a probe from others that enter.
        if lineage::is_unknown(entry) || phase::is_open(record, scene) {
            told = None;
        }
        if named {
            let is_approved = matches!(outcome, Outcome::Known | Outcome::Learned);
            self.open = Program::of(entry, is_approved);
        }
        if key != 0
            && let Some((verdict, fingerprint)) = told
        {
            let whose = (home, workload, named);
            let what = (&keyed, leaf);
            (self.ledger).note(whose, key, what, fingerprint.as_deref());
            self.said = Some(Said { home, key, verdict });
        }
        if self.published.is_news(home, &keyed) {
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
                    phase::told(record.phase, phase),
                    scene.images,
                    scene.clock,
                )),
                detail: Some(taken.detail().into()),
            }));
        }
        (at, items)
    }
}
