//! System calls from the kernel side's map to the profiles of who made them.

use super::Line;
use crate::container::Resolution;
use crate::kernel::used::UsedCalls;
use lapwing_abi::hooks::used::ID;
use std::collections::HashSet;

/// The recording, where there is one.
#[derive(Default)]
pub(super) struct Used {
    calls: Option<UsedCalls>,
    /// Whose entries nobody claimed at the last look.
    unclaimed: HashSet<u64>,
    /// Entries at the last look.
    entries: u32,
}

impl Used {
    /// With a map; without one nothing is recorded.
    pub(super) fn new(calls: Option<UsedCalls>) -> Self {
        Self {
            calls,
            unclaimed: HashSet::new(),
            entries: 0,
        }
    }

    /// Entries of the map at the last look, and how many there may be; none where there is no map.
    pub(super) fn fill(&self) -> Option<(u32, u32)> {
        (self.calls.as_ref()).map(|calls| (self.entries, calls.room()))
    }
}

impl Line {
    /// Takes what was called since the last look, and says whose calls are wanted from now on.
    pub(super) fn look_at_calls(&mut self) {
        let Some(calls) = &mut self.used.calls else {
            return;
        };
        let now = self.clock.wall(crate::clock::since_boot());
        let has_skipped = calls.take_skipped();
        let homes: HashSet<u64> = calls.homes().into_iter().collect();
        let mut unclaimed = HashSet::new();
        for home in &homes {
            match self.registry.resolve(*home) {
                Resolution::Instance(instance) => {
                    let wanted = self.judge.wants_calls(instance);
                    if wanted && let Some(sets) = calls.calls(*home) {
                        self.judge.take_calls(instance, &sets, now);
                    }
                    // It has an entry, so there is room.
                    let _ = calls.want(*home, wanted);
                }
                Resolution::Pending => {}
                Resolution::Ignored => calls.forget(*home),
                Resolution::Unheard => {
                    if self.used.unclaimed.contains(home) {
                        calls.forget(*home);
                    } else {
                        unclaimed.insert(*home);
                    }
                }
            }
        }
        self.used.unclaimed = unclaimed;
        self.used.entries = homes.len() as u32;
        for instance in self.registry.running() {
            // The kernel side makes entries by itself, as long as there is room.
            let is_without = !homes.contains(&instance.home) && self.judge.wants_calls(instance);
            if is_without && has_skipped {
                self.judge.missed_first_calls(instance, now);
            }
            if is_without && !calls.want(instance.home, true) {
                self.judge.no_room_for_calls(instance);
            }
        }
        // Also of those that were looked at for the first time.
        if has_skipped {
            self.judge.missed_calls(now);
        }
    }

    /// A container is gone; what it called last was taken by then.
    pub(super) fn forget_calls(&mut self, home: u64) {
        if let Some(calls) = &mut self.used.calls {
            calls.forget(home);
        }
    }

    /// Reports that the kernel refuses what the configuration wants.
    pub(super) fn report_unrecorded(&mut self, because: &str) {
        let moment = self.moment();
        let text = format!("{ID}: {because}");
        for item in self.judge.blind(ID, text, moment) {
            self.feed.publish(moment.wall, item);
        }
    }
}
