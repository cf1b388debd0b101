//! What the kernel side holds back, from this side: verdicts go out, counts come in.
//!
//! A container gets its map with its first judged record. Counts of deviations are
//! looked for at each tick, where there are any; those of known behaviours rarely, and at
//! the end. Where a profile changes, or a container gets its name, its map is put aside for
//! a new one: what it counted is taken to where it belongs, and what happens from then on
//! is judged anew.

use super::loss::UserLoss;
use super::{Line, SECOND};
use crate::container::{Instance, Resolution};
use crate::kernel::seen::Entries;
use lapwing_abi::state::verdict;

/// Time between two looks at the counts of known behaviours.
const KNOWN_EVERY: u64 = 30 * SECOND;
/// Behaviours that have not happened for so long make room where it is scarce.
const IDLE_FOR: u64 = 600 * SECOND;

impl Line {
    /// Tells the kernel side what the record that was judged last is.
    pub(super) fn tell(&mut self, instance: &Instance) {
        let home = instance.home;
        if let Some(watched) = self.judge.take_watched(instance)
            && !self.tables.seen.watch(home, watched)
        {
            self.lose(UserLoss::NoRoom, 1);
        }
        let Some(said) = self.judge.take_said() else {
            return;
        };
        let has_map = self.tables.seen.has(home) || self.tables.seen.renew(home).is_ok();
        if !has_map || !self.tables.seen.judge(home, said.key, said.verdict) {
            // There is no room for another: it is sent each time.
            self.unheld += 1;
            self.judge.forgot(home, said.key);
        }
    }

    /// Looks for counts of deviations, and now and then for all.
    pub(super) fn sweep_repeats(&mut self, now: u64) {
        let homes: Vec<u64> = self.tables.seen.homes().collect();
        for home in homes {
            if let Resolution::Instance(instance) = self.registry.resolve(home)
                && self.judge.is_stale(instance)
            {
                // It got its name, and does nothing new by which that would be noticed.
                self.renew(home);
                continue;
            }
            let all = self.tables.seen.deviations(home);
            let deviated = self.judge.deviated(home, all);
            let every = self.judge.count_every(home, KNOWN_EVERY);
            let due = self.judge.is_due(home, now, every);
            if deviated || due {
                let entries = self.tables.seen.entries(home);
                self.count(home, &entries);
                if due {
                    self.reclaim(home, &entries, now);
                }
            }
        }
    }

    /// Takes counts to where they belong.
    fn count(&mut self, home: u64, entries: &Entries) {
        for (key, count) in self.judge.repeated(home, entries, self.clock) {
            // The violation has ended, so the next occurrence must be one of its own.
            let _ = self.tables.seen.judge(home, key, verdict::RETIRED);
            self.judge.ended(home, key);
            self.lose(UserLoss::RepeatsUncounted, count);
        }
    }

    /// Makes room where it becomes scarce: what has not happened for long goes, in two steps, so
    /// that no count is lost between.
    fn reclaim(&mut self, home: u64, entries: &Entries, now: u64) {
        let scarce = entries.len() > self.tables.seen.behaviours() as usize / 4 * 3;
        for (key, seen) in entries {
            if seen.verdict == verdict::RETIRED {
                if self.tables.seen.forget(home, *key) {
                    self.judge.forgot(home, *key);
                }
            } else if scarce && now.saturating_sub(seen.last) >= IDLE_FOR {
                let _ = self.tables.seen.judge(home, *key, verdict::RETIRED);
            }
        }
    }

    /// What was said of a container holds no longer.
    pub(super) fn renew(&mut self, home: u64) {
        if self.tables.seen.has(home) {
            match self.tables.seen.renew(home) {
                Ok(entries) => self.count(home, &entries),
                Err(_) => self.unheld += 1,
            }
        }
        self.judge.unsay(home);
    }

    /// Profiles were decided of: what was said of their containers holds no longer.
    pub(super) fn decided(&mut self) {
        for home in self.judge.take_changed() {
            self.renew(home);
        }
        self.judge.settle();
    }

    /// A container is gone.
    pub(super) fn close(&mut self, home: u64) {
        let entries = self.tables.seen.close(home);
        self.count(home, &entries);
    }

    /// Everything that was counted and not taken yet.
    pub(super) fn sweep_all(&mut self) {
        let homes: Vec<u64> = self.tables.seen.homes().collect();
        for home in homes {
            let entries = self.tables.seen.entries(home);
            self.count(home, &entries);
        }
    }
}
