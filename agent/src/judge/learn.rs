//! Evidence: the samples of each container that teaches, and the end of learning.
//!
//! A container is looked at from its first record, or from the first tick at which it runs, so one
//! that does nothing is quiet and not unknown. What the kernel side only counts is taken at least
//! twice a slot, because a count tells of the last time alone.
//!
//! When all conditions hold, the profile goes to review, and from there, where the configuration
//! says so, to monitoring. Both are decisions on record, written to disk before they hold, as
//! those of people; their actor is [`ACTOR`].

use super::Judge;
use super::decide::Action;
use super::episodes::Moment;
use super::keep::Kept;
use crate::container::Instance;
use lapwing_profile::decide::By;
use lapwing_profile::entry::keyed::Keyed;
use lapwing_profile::evidence::settings::Settings;
use lapwing_profile::evidence::window::{self, Opening, Window};
use lapwing_profile::place::Found;
use lapwing_profile::profile::Mode;
use lapwing_profile::workload::Workload;
use std::collections::HashMap;

/// Who decides where evidence does.
pub const ACTOR: &str = "lapwing";

/// A container that teaches.
struct Open {
    workload: Workload,
    window: Window,
}

/// All of them, by cgroup.
#[derive(Default)]
pub(super) struct Windows {
    open: HashMap<u64, Open>,
    /// The id of this node.
    node: u32,
    /// Length of a slot, in nanoseconds.
    slot: u64,
}

impl Windows {
    /// The id of a container's evidence.
    pub(super) fn id(&self, instance: &Instance) -> u32 {
        window::id(&[
            &self.node.to_le_bytes(),
            instance.id.as_bytes(),
            &instance.home.to_le_bytes(),
        ])
    }

    /// The window of a container, opened where there is none.
    fn of(&mut self, instance: &Instance, kept: &mut Kept, now: Moment) -> &mut Window {
        let (node, slot) = (self.node, self.slot);
        let home = instance.home;
        let known = self.open.get(&home);
        if known.is_none_or(|open| open.workload != instance.workload) {
            let id = self.id(instance);
            let opening = Opening {
                id,
                node,
                started: instance.from_start.then_some(instance.since),
                slot,
            };
            let known = kept.profile.observed().of(id).copied();
            let window = Window::open(opening, known.as_ref(), at(now));
            if !instance.from_start {
                // What it did before nobody saw.
                kept.gap(now.wall);
            }
            kept.due = true;
            let workload = instance.workload.clone();
            self.open.insert(home, Open { workload, window });
        }
        match self.open.get_mut(&home) {
            Some(open) => &mut open.window,
            None => unreachable!("it was opened"),
        }
    }

    /// A container was seen to do something.
    pub(super) fn witness(
        &mut self,
        instance: &Instance,
        kept: &mut Kept,
        sighting: (&Keyed<'_>, &Found),
        moment: Moment,
    ) {
        let window = self.of(instance, kept, moment);
        kept.profile.witness_found(window, sighting, moment.boot);
    }

    /// What a container does was counted, at last at `boot`, in nanoseconds since boot.
    pub(super) fn repeated(
        &mut self,
        home: u64,
        kept: &mut Kept,
        sighting: (&Keyed<'_>, &Found),
        boot: u64,
    ) {
        let open = self.open.get_mut(&home);
        if let Some(open) = open.filter(|open| open.workload == kept.profile.workload) {
            let window = &mut open.window;
            kept.profile.witness_found(window, sighting, boot);
        }
    }
}

const fn at(now: Moment) -> window::Moment {
    window::Moment {
        boot: now.boot,
        wall: now.wall,
    }
}

impl Kept {
    /// Something may have been lost until now, in nanoseconds since the Unix epoch.
    pub(super) fn gap(&mut self, now: i64) {
        if self.profile.mode() != Mode::Monitoring {
            self.profile.gap(now);
            self.counts = true;
        }
    }

    /// What becomes of the mode, and why.
    fn next(&self, settings: &Settings) -> Option<(Action, String)> {
        let (mode, incomplete) = (self.profile.mode(), self.profile.is_incomplete());
        if mode == Mode::Monitoring || mode == Mode::Review && !incomplete && !settings.promote {
            return None;
        }
        let progress = self.profile.progress(settings);
        match (mode, progress.is_complete()) {
            // What the cluster says is promoted there.
            (Mode::Review, true) if !incomplete && self.obeys.is_some() => None,
            (Mode::Review, true) if !incomplete => {
                let reason = format!("`learning.promote` is automatic; {}", progress.reason());
                Some((Action::Promote, reason))
            }
            (Mode::Learning | Mode::Review, true) => {
                let incomplete = false;
                Some((Action::Review { incomplete }, progress.reason()))
            }
            (Mode::Learning, false) if progress.capped => {
                let incomplete = true;
                let reason = progress.reason_capped(settings.cap);
                Some((Action::Review { incomplete }, reason))
            }
            _ => None,
        }
    }
}

impl Judge {
    /// These containers run, and were looked at since the last call. Where learning is over, that
    /// is decided.
    pub fn learn<'a>(&mut self, running: impl Iterator<Item = &'a Instance>, now: Moment) {
        for instance in running.filter(|instance| instance.is_named()) {
            self.keeper.obey_from_start(&instance.workload);
            if self.modes.is_off(instance.home) {
                continue;
            }
            let Some(kept) = self.keeper.known(&instance.workload) else {
                continue;
            };
            kept.sight(instance, now.wall);
            if kept.profile.mode() == Mode::Monitoring {
                self.windows.open.remove(&instance.home);
                continue;
            }
            let window = self.windows.of(instance, kept, now);
            let another = window.advance(at(now));
            kept.profile.attend(window);
            kept.counts |= another;
            kept.due |= another;
        }
        self.end_learning(now);
    }

    fn end_learning(&mut self, now: Moment) {
        let settings = self.keeper.settings;
        let mut over = Vec::new();
        for kept in self.keeper.profiles.values_mut() {
            if std::mem::take(&mut kept.due)
                && let Some((action, reason)) = kept.next(&settings)
            {
                over.push((kept.profile.workload.clone(), action, reason));
            }
        }
        for (workload, action, reason) in over {
            if self.keeper.is_deciding(&workload) {
                continue; // It is asked again when that is done.
            }
            let name = workload.to_string();
            tracing::info!("learning of {name}: {reason}");
            let by = By {
                actor: ACTOR,
                reason: &reason,
                at: now.wall,
            };
            self.step(workload, action, by, move |answer| {
                if let Err(error) = answer {
                    tracing::warn!("the mode of {name} stays, and is tried again: {error}");
                }
            });
        }
    }

    /// Whoever teaches this profile begins anew: it is another now.
    pub(super) fn learn_anew(&mut self, workload: &Workload) {
        let windows = &mut self.windows.open;
        windows.retain(|_, open| open.workload != *workload);
    }

    /// A container is gone: its start-up is over if it was not yet.
    pub(super) fn learned_from(&mut self, home: u64) {
        if let Some(mut open) = self.windows.open.remove(&home)
            && let Some(kept) = self.keeper.known(&open.workload)
        {
            open.window.close();
            kept.profile.attend(&open.window);
            (kept.counts, kept.due) = (true, true);
        }
    }

    /// Something was lost until now, in nanoseconds since the Unix epoch, and nobody knows whose
    /// it was.
    pub fn gap(&mut self, now: i64) {
        for open in self.windows.open.values() {
            if let Some(kept) = self.keeper.known(&open.workload) {
                kept.gap(now);
            }
        }
    }

    /// How often all counts of a container are to be taken, in nanoseconds, if it is `usual` where
    /// nothing is learned.
    #[must_use]
    pub fn count_every(&self, home: u64, usual: u64) -> u64 {
        match self.windows.open.contains_key(&home) {
            true => usual.min(self.windows.slot / 2),
            false => usual,
        }
    }

    /// With other conditions for the end of learning than the default ones.
    #[must_use]
    pub fn with_learning(mut self, settings: Settings) -> Self {
        self.windows.slot = settings.slot.unsigned_abs();
        self.keeper.settings = settings;
        self
    }

    /// Windows for the containers of a node.
    pub(super) fn windows(node: &str) -> Windows {
        Windows {
            node: window::id(&[node.as_bytes()]),
            slot: Settings::default().slot.unsigned_abs(),
            ..Windows::default()
        }
    }
}
