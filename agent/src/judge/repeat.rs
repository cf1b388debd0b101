//! What the kernel side is told of judged behaviours, and the counts that come back.

use super::Judge;
use super::ledger::{Repeats, Said};
use crate::clock::Clock;
use crate::container::Instance;
use lapwing_abi::state::Seen;
use lapwing_profile::entry::keyed::Keyed;
use lapwing_profile::profile::Mode;

impl Judge {
    /// What the kernel side is to be told of the record that was taken last.
    pub fn take_said(&mut self) -> Option<Said> {
        self.said.take()
    }

    /// Whether the kernel side must be told how urgent a container's records are; with the answer.
    pub fn take_watched(&mut self, instance: &Instance) -> Option<bool> {
        let (workload, named) = (&instance.workload, instance.is_named());
        let asked = self.modes.start(instance.home).filter(|_| !named);
        let mode = asked.unwrap_or_else(|| self.keeper.mode(workload, named));
        let monitoring = mode == Mode::Monitoring && !self.modes.is_off(instance.home);
        self.ledger
            .watch((instance.home, workload, named), monitoring)
            .then_some(monitoring)
    }

    /// Whether a container's profile takes up what it does not know.
    #[must_use]
    pub fn learns(&self, instance: &Instance) -> bool {
        let (workload, named) = (&instance.workload, instance.is_named());
        self.keeper.mode(workload, named) != Mode::Monitoring && !self.modes.is_off(instance.home)
    }

    /// Whether what the kernel side was told of a container was said under another name.
    #[must_use]
    pub fn is_stale(&self, instance: &Instance) -> bool {
        self.ledger
            .is_stale(instance.home, &instance.workload, instance.is_named())
    }

    /// The containers whose profile was changed by decisions since the last call. What the kernel
    /// side was told of them holds no longer.
    pub fn take_changed(&mut self) -> Vec<u64> {
        let changed = std::mem::take(&mut self.changed);
        let homes = changed
            .iter()
            .flat_map(|workload| self.ledger.homes(workload));
        let mut homes: Vec<u64> = homes.collect();
        homes.append(&mut self.modes.changed);
        homes.sort_unstable();
        homes.dedup();
        homes
    }

    /// Whether deviations of a container were held back since the last call; `all` are those since
    /// the start.
    pub fn deviated(&mut self, home: u64, all: u64) -> bool {
        self.ledger.deviated(home, all)
    }

    /// Whether it is time to look for all counts of a container, which it is each `period`.
    pub fn is_due(&mut self, home: u64, now: u64, period: u64) -> bool {
        self.ledger.is_due(home, now, period)
    }

    /// Takes what the kernel side counted of a container. Answers the keys of behaviours whose
    /// violation has ended meanwhile, with the counts that nobody asks for any more: their next
    /// occurrence must be news.
    pub fn repeated(
        &mut self,
        home: u64,
        entries: &[(u64, Seen)],
        clock: Clock,
    ) -> Vec<(u64, u64)> {
        let repeats = self.ledger.take(home, entries, |boot| clock.wall(boot));
        let mut ended = Vec::new();
        for repeat in repeats {
            self.repeats += repeat.count;
            self.count(home, &repeat);
            let Some(fingerprint) = &repeat.fingerprint else {
                continue;
            };
            if !self
                .episodes
                .recurred(fingerprint, home, repeat.count, repeat.last)
            {
                ended.push((repeat.key, repeat.count));
            }
        }
        ended
    }

    fn count(&mut self, home: u64, repeat: &Repeats) {
        let Some((workload, true)) = self.ledger.workload(home) else {
            return;
        };
        if let Some(kept) = self.keeper.known(workload) {
            let keyed = Keyed::of(&repeat.entry);
            let found = kept.profile.find(&keyed);
            let repeated = (&keyed, &found);
            let (count, last) = (repeat.count, repeat.last);
            kept.profile.repeated_found(repeated, count, last.wall);
            kept.counts = true;
            self.recent.see(workload, repeated, count, last.wall);
            // What is only counted happened in some sample all the same.
            self.windows.repeated(home, kept, repeated, last.boot);
        }
    }

    /// Nothing that the kernel side was told of a container holds any longer.
    pub fn unsay(&mut self, home: u64) {
        self.attribute_anew();
        self.ledger.clear(home);
    }

    /// A violation ended whose repeats were still counted.
    pub fn ended(&mut self, home: u64, key: u64) {
        self.ledger.end(home, key);
    }

    /// The kernel side forgot a behaviour.
    pub fn forgot(&mut self, home: u64, key: u64) {
        self.ledger.forget(home, key);
    }

    /// Behaviours that the kernel side was told of.
    #[must_use]
    pub fn told(&self) -> usize {
        self.ledger.len()
    }

    /// Those of the container that has most.
    #[must_use]
    pub fn told_most(&self) -> usize {
        self.ledger.largest()
    }

    /// Repeats that the kernel side counted and that were taken from it.
    #[must_use]
    pub const fn repeats(&self) -> u64 {
        self.repeats
    }

    /// Closes the violations that were decided of; their repeats were counted before.
    pub fn settle(&mut self) {
        for fingerprint in std::mem::take(&mut self.closing) {
            self.late.extend(self.episodes.close(&fingerprint));
        }
    }
}
