//! System calls of containers that learn, to their profiles.

use super::Judge;
use crate::container::Instance;
use crate::container::layout::Runtime;
use lapwing_profile::profile::Mode;
use lapwing_profile::syscalls::Sets;

impl Judge {
    /// Whether what a container calls is recorded: its profile learns, or waits for a person, and is not off.
    #[must_use]
    pub fn wants_calls(&self, instance: &Instance) -> bool {
        // Of the host nothing is advised.
        if instance.runtime == Runtime::Host || self.modes.is_off(instance.home) {
            return false;
        }
        let mode = self.keeper.mode(&instance.workload, instance.is_named());
        mode != Mode::Monitoring
    }

    /// Takes what a container had called until now, in nanoseconds since the Unix epoch.
    pub fn take_calls(&mut self, instance: &Instance, sets: &Sets, now: i64) {
        // One that is not named yet is looked at again.
        if !instance.is_named() {
            return;
        }
        if let Some(kept) = self.keeper.known(&instance.workload) {
            let is_new = (kept.profile.calls).take(sets, instance.from_start, now);
            kept.news |= is_new;
        }
    }

    /// There was no room to record a container.
    pub fn no_room_for_calls(&mut self, instance: &Instance) {
        if let Some(kept) = self.keeper.known(&instance.workload)
            && !kept.profile.calls.partial
        {
            // That is no recording: without one there is no filter.
            kept.profile.calls.partial = true;
            kept.news = true;
        }
    }

    /// The kernel skipped calls, maybe the first ones of a container that has none recorded yet.
    pub fn missed_first_calls(&mut self, instance: &Instance, now: i64) {
        if let Some(kept) = self.keeper.known(&instance.workload) {
            kept.profile.calls.missed(now);
            kept.counts = true;
        }
    }

    /// The kernel skipped what nobody knows whose it was.
    pub fn missed_calls(&mut self, now: i64) {
        for kept in self.keeper.profiles.values_mut() {
            let learns = kept.profile.mode() != Mode::Monitoring;
            if learns && !kept.profile.calls.is_empty() {
                kept.profile.calls.missed(now);
                kept.counts = true;
            }
        }
    }
}
