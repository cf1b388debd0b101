//! Turning workloads to what is asked for, and telling of it.

use super::super::Judge;
use super::super::decide::Action;
use super::super::episodes::Moment;
use super::weigh::{About, Notes};
use super::{ACTOR, NOTES_MAX, REASON, Voice, Word};
use crate::cluster::namespaces::{Asked, LABEL};
use lapwing_profile::decide::By;
use lapwing_profile::fingerprint;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::{self, watch_response::Item};
use std::collections::{BTreeMap, HashMap};

/// Time until a mode is tried to be changed again that could not be, in nanoseconds.
const AGAIN: u64 = 60_000_000_000;
/// Words that are kept of workloads of which nothing runs.
const IDLE_MAX: usize = 1_024;

/// Whether the mode of a profile is as it is because a label promoted it.
fn is_promoted_by_label(profile: &Profile) -> bool {
    let turns = |action: &str| matches!(action, "promote" | "demote" | "review" | "import");
    let last = { profile.decisions() }
        .filter(|one| turns(&one.action))
        .last();
    last.is_some_and(|last| {
        last.action == "promote" && last.actor == ACTOR && last.reason.starts_with(LABEL)
    })
}

impl Judge {
    /// Turns the workloads that run to their words, and forgets those of the others.
    pub(super) fn turn_all(
        &mut self,
        words: &HashMap<Workload, Option<Word>>,
        notes: &mut Notes,
        now: Moment,
    ) {
        for (workload, word) in words {
            let before = { self.keeper.words.get(workload) }.map(|held| held.word.clone());
            let asked = |word: &Option<Word>| word.as_ref().map(|word| word.asked);
            if asked(&before) != asked(word) {
                self.modes.tried.remove(workload);
                self.turned(workload, before.as_ref(), word.as_ref(), now);
            }
            match word {
                None => drop(self.keeper.words.remove(workload)),
                Some(word) if before.as_ref() == Some(word) => {}
                Some(word) => {
                    let held = self.held(word.clone(), now.wall);
                    self.keeper.words.insert(workload.clone(), held);
                }
            }
        }
        // One that runs now and then is not turned each time.
        let labels = &self.modes.labels;
        let mut room = IDLE_MAX;
        self.keeper.words.retain(|workload, held| {
            if words.contains_key(workload) {
                return true;
            }
            let is_so = matches!(&held.word.voice, Voice::Namespace(name)
                if labels.get(name).is_some_and(|label| label.asked == Some(held.word.asked)));
            room = room.saturating_sub(usize::from(is_so));
            is_so && room > 0
        });
        self.modes
            .tried
            .retain(|workload, _| words.contains_key(workload));
        for (workload, word) in words {
            if let Some(word) = word {
                self.follow(workload, word, notes, now);
            }
        }
    }

    /// The audit record of a change, and what it means for what goes on.
    fn turned(
        &mut self,
        workload: &Workload,
        before: Option<&Word>,
        after: Option<&Word>,
        now: Moment,
    ) {
        let configured = self.keeper.configured();
        let name = |word: Option<&Word>| match word {
            Some(word) => word.asked.to_string(),
            None => format!("the configuration's {configured}"),
        };
        let rank = |word: Option<&Word>| word.map_or(configured, |word| word.asked);
        let (from, to) = (name(before), name(after));
        let reason = match (before, after) {
            (_, Some(after)) => after.reason(),
            (Some(before), None) if self.keeper.offers.contains_key(workload) => {
                format!("a BehaviorProfile goes before {}", before.voice)
            }
            (Some(before), None) => format!("{} asks no longer", before.voice),
            (None, None) => String::new(),
        };
        let workload_name = workload.to_string();
        match rank(after) < rank(before) {
            true => tracing::warn!(
                workload = workload_name,
                actor = ACTOR,
                reason,
                from,
                to,
                "what is asked of a workload was loosened"
            ),
            false => tracing::info!(
                workload = workload_name,
                actor = ACTOR,
                reason,
                from,
                to,
                "another mode is asked of a workload"
            ),
        }
        let is_off = |word: Option<&Word>| word.is_some_and(|word| word.asked == Asked::Off);
        if is_off(before) != is_off(after) {
            if is_off(before)
                && let Some(kept) = self.keeper.known(workload)
            {
                // What it did meanwhile nobody saw.
                kept.gap(now.wall);
            }
            self.anew(workload.clone());
        }
    }

    /// Has the profile of a workload be in the mode that is asked for, as far as a label may.
    fn follow(&mut self, workload: &Workload, word: &Word, notes: &mut Notes, now: Moment) {
        let settings = self.keeper.settings;
        let require = self.signatures.require;
        let Some(kept) = self.keeper.known(workload) else {
            return;
        };
        if kept.obeys.is_some() {
            return;
        }
        let action = match (word.asked, kept.profile.mode()) {
            (Asked::Monitor, Mode::Learning | Mode::Review) => Action::Promote,
            (Asked::Learn, Mode::Monitoring)
                if matches!(word.voice, Voice::Namespace(_))
                    && is_promoted_by_label(&kept.profile) =>
            {
                Action::Demote
            }
            (Asked::Monitor | Asked::Learn | Asked::Off, _) => {
                self.modes.tried.remove(workload);
                return;
            }
        };
        if require {
            let text = format!(
                "{workload}: {} asks for `{}`, and what it learned is not promoted, as nobody signed it and \
                 `signatures.require` is set: `lapwing profile export` it, promote and sign the file, and \
                 `lapwing profile import` it",
                word.voice, word.asked
            );
            notes.insert(About::Workload(format!("profile {workload}")), text);
            return;
        }
        let is_tried = { self.modes.tried.get(workload) }.is_some_and(|at| now.boot < at + AGAIN);
        if is_tried {
            return;
        }
        let profile = &kept.profile;
        let known: usize = profile.approved_by_kind().iter().sum();
        let progress = profile.progress(&settings);
        let evidence = match progress.is_complete() {
            true => progress.reason(),
            false => {
                let unmet: Vec<String> = progress.unmet.iter().map(ToString::to_string).collect();
                format!("evidence incomplete: {}", unmet.join("; "))
            }
        };
        if self.keeper.is_deciding(workload) {
            return;
        }
        let reason = match action {
            Action::Promote => format!("{}; {known} entries; {evidence}", word.reason()),
            _ => word.reason(),
        };
        if let (Action::Demote, Voice::Namespace(namespace)) = (&action, &word.voice) {
            self.modes.demoted.insert(namespace.clone());
        }
        self.modes.tried.insert(workload.clone(), now.boot);
        let by = By {
            actor: ACTOR,
            reason: &reason,
            at: now.wall,
        };
        let name = workload.to_string();
        tracing::info!(
            workload = name,
            actor = ACTOR,
            reason,
            "the mode of a profile is changed"
        );
        self.step(workload.clone(), action, by, move |answer| {
            if let Err(error) = answer {
                tracing::warn!("the mode of {name} stays, and is tried again: {error}");
            }
        });
    }

    /// What of the words in force loosens.
    pub(super) fn note_loosened(&mut self, notes: &mut Notes) {
        let configured = self.keeper.configured();
        let mut of: BTreeMap<(&str, Asked), usize> = BTreeMap::new();
        for home in self.modes.homes.values() {
            if let Some(word) = &home.word
                && let Voice::Namespace(name) = &word.voice
            {
                *of.entry((name, word.asked)).or_default() += 1;
            }
        }
        let (labels, demoted) = (&self.modes.labels, &mut self.modes.demoted);
        demoted.retain(|name| {
            labels
                .get(name)
                .is_some_and(|label| label.asked == Some(Asked::Learn))
        });
        for ((namespace, asked), containers) in of {
            let what = match asked {
                Asked::Off => {
                    "nothing of them is learned or reported, and what was learned is kept"
                }
                Asked::Learn if configured == Asked::Monitor => {
                    "what has no profile learns, where the configuration would compare it with none"
                }
                Asked::Learn if demoted.contains(namespace) => {
                    "what its label had promoted before learns again"
                }
                Asked::Learn | Asked::Monitor => continue,
            };
            let text = format!(
                "the namespace {namespace}: its label is `{LABEL}={asked}`, by which of {containers} containers on \
                 this node less is reported: {what}. `kubectl label namespace {namespace} {LABEL}-` ends it"
            );
            notes.insert(About::Namespace(format!("{asked} {namespace}")), text);
        }
    }

    /// Reports what is new of this, and what is over.
    pub(super) fn tell_notes(&mut self, notes: Notes, now: Moment) -> Vec<Item> {
        let mut items = Vec::new();
        let before = std::mem::take(&mut self.modes.notes);
        for (about, text) in &before {
            if !notes.contains_key(about) {
                tracing::info!("over: {text}");
                items.extend(self.over_note(about, now));
            }
        }
        let mut rooms = [NOTES_MAX; 2];
        let still = notes.keys().filter(|about| before.contains_key(*about));
        for about in still {
            let room = about.room(&mut rooms);
            *room = room.saturating_sub(1);
        }
        self.modes.more = 0;
        for (about, text) in notes {
            if !before.contains_key(&about) {
                let room = about.room(&mut rooms);
                if *room == 0 {
                    self.modes.more += 1;
                    continue;
                }
                *room -= 1;
                tracing::warn!("{text}");
                let fingerprint = self.note_id(&about);
                let violation = self.about_sensor(REASON, text.clone());
                let reports = self
                    .episodes
                    .occurred(&fingerprint, 0, "", now, || violation);
                items.extend(self.reported(reports));
            }
            self.modes.notes.insert(about, text);
        }
        items
    }

    fn over_note(&mut self, about: &About, now: Moment) -> Vec<Item> {
        let fingerprint = self.note_id(about);
        let reports = self.episodes.over(&fingerprint, 0, now, |violation| {
            if let Some(v1::violation::Detail::Degraded(degraded)) = &mut violation.detail {
                degraded.detail = format!("over; it was: {}", degraded.detail);
            }
        });
        self.reported(reports).collect()
    }

    fn note_id(&self, about: &About) -> String {
        let about = about.name().as_bytes();
        fingerprint::hex(&[REASON.as_bytes(), about, self.node.as_bytes()])
    }
}
