//! What was lost, container by container: by the kernel side, and behind the rings.

use super::Line;
use super::loss::UserLoss;
use crate::clock;
use crate::container::Resolution;
use crate::judge::Scene;
use lapwing_abi::ids::{Class, Loss};
use lapwing_abi::state::LostKey;
use lapwing_proto::timestamp;
use lapwing_proto::v1::{Gap, get_status_response::ContainerLoss, watch_response::Item};
use std::collections::HashMap;

/// What was lost of each container, and how much of it was told.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    told: HashMap<LostKey, u64>,
    /// Of containers that are gone, by reason.
    gone: HashMap<u32, u64>,
    /// When the last gap of a container ended, since boot in nanoseconds.
    gaps: HashMap<u64, u64>,
    /// What was lost of each in user space.
    own: HashMap<(u64, UserLoss, Class), Own>,
    /// All of that, of containers that are gone too.
    of_containers: HashMap<UserLoss, u64>,
}

/// What was lost of a container in user space, of one class and for one reason.
#[derive(Debug, Default)]
struct Own {
    lost: u64,
    /// How much of it was told.
    told: u64,
    /// The last look before the first that was not told, in nanoseconds since the Unix epoch.
    since: i64,
}

impl Ledger {
    /// Entries of the kernel side's table at the last look: of containers that are gone there is none.
    pub fn entries(&self) -> u32 {
        self.told.len() as u32
    }

    /// What was lost of containers in user space for a reason.
    pub fn of_containers(&self, reason: UserLoss) -> u64 {
        self.of_containers.get(&reason).copied().unwrap_or_default()
    }

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

    /// What was lost of containers that run, in order.
    fn all(&self) -> Vec<(LostKey, u64)> {
        let told = self.told.iter().filter(|(_, count)| **count > 0);
        let mut all: Vec<_> = told.map(|(key, count)| (*key, *count)).collect();
        all.sort_unstable_by_key(|(key, _)| (key.home, key.reason, key.class));
        all
    }
}

/// Whether records are lost for the reason, or only sent more often than they need be.
pub(super) const fn is_loss(reason: Loss) -> bool {
    !matches!(
        reason,
        Loss::SeenFull | Loss::BudgetTableFull | Loss::ImageShareSpent | Loss::ImageTableFull
    )
}

impl Line {
    /// Counts what was lost of a container in user space.
    pub(super) fn lose_of(&mut self, home: u64, reason: UserLoss, class: Class, count: u64) {
        if count == 0 {
            return;
        }
        *self.lost.of_containers.entry(reason).or_default() += count;
        let own = self.lost.own.entry((home, reason, class)).or_default();
        if own.lost == own.told {
            own.since = self.looked;
        }
        own.lost += count;
    }

    /// Reports what was lost of containers since the last call, each as a gap of its own that
    /// began at `from`, in nanoseconds since the Unix epoch, or before.
    pub(super) fn report_lost(&mut self, from: i64) {
        // How much, and since when.
        let mut gaps: HashMap<(u64, &'static str), (u64, i64)> = HashMap::new();
        for (key, count) in self.tables.lost() {
            let told = self.lost.told.insert(key, count).unwrap_or_default();
            if count > told
                && let Some(reason) = Loss::from_raw(key.reason)
                && is_loss(reason)
            {
                gaps.entry((key.home, reason.name())).or_insert((0, from)).0 += count - told;
            }
        }
        let registry = &self.registry;
        self.lost.own.retain(|(home, reason, _), own| {
            let whose = registry.resolve(*home);
            // Until it is known whose it is it cannot be told.
            if matches!(whose, Resolution::Pending) {
                return true;
            }
            if own.lost > own.told {
                let gap = gaps.entry((*home, reason.name())).or_insert((0, from));
                gap.0 += own.lost - own.told;
                gap.1 = gap.1.min(own.since);
                own.told = own.lost;
            }
            matches!(whose, Resolution::Instance(_))
        });
        for ((home, reason), (count, from)) in gaps {
            self.lost.gaps.insert(home, clock::since_boot());
            self.container_gap(home, reason, count, from);
        }
    }

    /// The same for the status.
    pub(super) fn container_losses(&self) -> Vec<ContainerLoss> {
        let loss = |home, reason: &str, class: Class, count| ContainerLoss {
            container: match self.registry.resolve(home) {
                Resolution::Instance(instance) => instance.id.clone(),
                _ => format!("cgroup:{home}"),
            },
            reason: reason.to_owned(),
            class: class.name().to_owned(),
            count,
        };
        let kernel = self.lost.all().into_iter().filter_map(|(key, count)| {
            let reason = Loss::from_raw(key.reason)?;
            let class = Class::from_raw(key.class)?;
            Some(loss(key.home, reason.name(), class, count))
        });
        let mut own: Vec<_> = self.lost.own.iter().collect();
        own.sort_unstable_by_key(|((home, reason, class), _)| (*home, reason.name(), *class));
        let own = own
            .into_iter()
            .map(|((home, reason, class), own)| loss(*home, reason.name(), *class, own.lost));
        kernel.chain(own).collect()
    }

    /// A gap of a container; while it is compared with its profile, that is a violation too.
    fn container_gap(&mut self, home: u64, reason: &str, count: u64, from: i64) {
        let now = self.moment();
        let mut gap = Gap {
            reason: reason.to_owned(),
            count,
            from: Some(timestamp(from)),
            to: Some(timestamp(now.wall)),
            // Of a container nobody can name, or that is not one.
            scope: "node".to_owned(),
            ..Gap::default()
        };
        let mut items = Vec::new();
        if let Resolution::Instance(instance) = self.registry.resolve(home) {
            gap.scope.clone_from(&instance.id);
            let scene = Scene {
                instance,
                images: &self.images,
                clock: self.clock,
                last_gap: 0,
                names: &[],
            };
            items = self.judge.lost(gap.clone(), scene, now);
        }
        items.insert(0, Item::Gap(gap));
        for item in items {
            self.feed.publish(now.wall, item);
        }
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
        self.lost.own.retain(|(of, _, _), _| *of != home);
    }
}
