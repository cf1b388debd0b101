//! What the kernel side lost, container by container.

use super::Line;
use crate::clock;
use crate::container::Resolution;
use lapwing_abi::ids::{Class, Loss};
use lapwing_abi::state::LostKey;
use std::collections::HashMap;

/// What was lost of each container, and how much of it was told.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    told: HashMap<LostKey, u64>,
    /// Of containers that are gone, by reason.
    gone: HashMap<u32, u64>,
    /// When the last gap of a container ended, since boot in nanoseconds.
    gaps: HashMap<u64, u64>,
}

impl Ledger {
    /// When the last gap of a container ended, since boot in nanoseconds; 0 for none.
    pub fn last_gap(&self, home: u64) -> u64 {
        self.gaps.get(&home).copied().unwrap_or_default()
    }

    /// What was lost of all containers for a reason.
    pub fn total(&self, reason: Loss) -> u64 {
        let told = self.told.iter();
        let alive: u64 = told
            .filter(|(key, _)| key.reason == reason.raw())
            .map(|(_, count)| count)
            .sum();
        alive + self.gone.get(&reason.raw()).copied().unwrap_or_default()
    }

    /// What was lost of a container, by reason and class.
    pub fn of(&self, home: u64) -> Vec<(Loss, Class, u64)> {
        let mut losses: Vec<_> = self
            .told
            .iter()
            .filter(|(key, _)| key.home == home)
            .filter_map(|(key, count)| {
                let reason = Loss::from_raw(key.reason)?;
                Some((reason, Class::from_raw(key.class)?, *count))
            })
            .collect();
        losses.sort_unstable();
        losses
    }
}

/// Whether records are lost for the reason, or only sent more often than they need be.
const fn is_loss(reason: Loss) -> bool {
    !matches!(reason, Loss::SeenFull | Loss::BudgetTableFull)
}

impl Line {
    /// Reports what was lost of containers since the last call, each as a gap of its own that
    /// began at `from`, in nanoseconds since the Unix epoch.
    pub(super) fn report_lost(&mut self, from: i64) {
        let mut gaps: HashMap<(u64, Loss), u64> = HashMap::new();
        for (key, count) in self.tables.lost() {
            let told = self.lost.told.insert(key, count).unwrap_or_default();
            if count > told
                && let Some(reason) = Loss::from_raw(key.reason)
                && is_loss(reason)
            {
                *gaps.entry((key.home, reason)).or_default() += count - told;
            }
        }
        for ((home, reason), count) in gaps {
            self.lost.gaps.insert(home, clock::since_boot());
            let scope = match self.registry.resolve(home) {
                Resolution::Instance(instance) => instance.id.clone(),
                // Of a container nobody can name, or that is not one.
                _ => "node".to_owned(),
            };
            self.publish_gap(reason.name(), count, from, &scope);
            self.report_gap(home, reason.name(), count);
        }
    }

    /// A gap of a container that is compared with its profile is a violation too.
    fn report_gap(&mut self, home: u64, reason: &str, count: u64) {
        let _ = (home, reason, count);
    }

    /// A container is gone: its counters make room.
    pub(super) fn forget_lost(&mut self, home: u64) {
        self.report_lost(self.looked);
        let keys: Vec<LostKey> = self.lost.told.keys().copied().collect();
        for key in keys.into_iter().filter(|key| key.home == home) {
            self.tables.forget_lost(key);
            let count = self.lost.told.remove(&key).unwrap_or_default();
            *self.lost.gone.entry(key.reason).or_default() += count;
        }
        self.lost.gaps.remove(&home);
    }
}
