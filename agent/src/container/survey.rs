//! What the registry has to look for itself: what exists at the start, and what
//! changed while it was not told.

use super::layout::Runtime;
use super::registry::{Registry, State};
use super::scan::{self, Found, Met, Seed};
use super::{Effect, PATH_MAX, container};
use lapwing_abi::ids::Phase;
use std::collections::{HashMap, HashSet};
use std::path::Path;

impl Registry {
    /// The host's root folder.
    #[must_use]
    pub fn host_root(&self) -> &Path {
        &self.options.host_root
    }

    /// Whether a cgroup is known that was not removed.
    #[must_use]
    pub fn exists(&self, id: u64) -> bool {
        { self.entries.get(&id) }.is_some_and(|entry| entry.removed.is_none())
    }

    /// Takes in what exists already. To be called with the programs attached, so that nothing
    /// falls between.
    pub fn scan(&mut self, proc: &Path, now: u64) -> (Vec<Effect>, Vec<Seed>) {
        self.fresh = false;
        self.proc = proc.to_path_buf();
        let mut effects = Vec::new();
        let found = scan::cgroups(&self.hierarchy.root);
        for Found { id, parent, path } in &found {
            effects.extend(self.met(*id, *parent, path, now));
        }
        let paths: HashMap<&str, u64> = found
            .iter()
            .map(|found| (found.path.as_str(), found.id))
            .collect();
        // Parents first: the outermost is the container.
        for Found { id, path, .. } in &found {
            if self.is_undecided(*id) {
                effects.extend(self.ask_runc(*id, path, now).unwrap_or_default());
            }
        }
        let met = scan::processes(proc, &self.options.host_root, &self.hierarchy, &paths);
        for Met {
            cgroup, foreign, ..
        } in &met
        {
            if *foreign && self.is_undecided(*cgroup) {
                effects.extend(self.foreign_root(*cgroup, now));
            }
        }
        self.say_what_is_left_out(&found, &met);
        let homes: Vec<u64> = self.instances.keys().copied().collect();
        for home in homes {
            effects.extend(self.name(home, now));
        }
        // One that found no room in its container's share is the container's all the same.
        let parents: HashMap<u64, u64> =
            found.iter().map(|found| (found.id, found.parent)).collect();
        let host_root = &self.options.host_root;
        let mut seeds = scan::seeds(proc, host_root, &met, |cgroup| {
            std::iter::successors(Some(cgroup), |id| parents.get(id).copied())
                .take(PATH_MAX)
                .find(|id| self.entries.contains_key(id))
                .and_then(|id| self.home(id))
        });
        let main = u32::from(Phase::Main.raw());
        for seed in &mut seeds {
            let instance = self.instances.get(&seed.process.cgroup);
            if instance.is_some_and(|instance| instance.runtime == Runtime::Host) {
                // The host has no runtime that would still be at work on it.
                seed.process.phase = main;
            }
        }
        let runs: HashSet<u64> = seeds
            .iter()
            .filter(|seed| seed.process.phase == main)
            .map(|seed| seed.process.cgroup)
            .collect();
        for instance in self.instances.values_mut() {
            if !runs.contains(&instance.home) {
                continue;
            }
            instance.from_start = false;
            // The host keeps its state: its processes leave it on entering a container.
            if instance.runtime != Runtime::Host {
                effects.push(Effect::Set(instance.home, container(instance.home, true)));
            }
        }
        (effects, seeds)
    }

    /// Services with a root of their own are not containers; whoever misses one here may know why.
    fn say_what_is_left_out(&self, found: &[Found], met: &[Met]) {
        let foreign: HashSet<u64> = met
            .iter()
            .filter(|met| met.foreign)
            .map(|met| met.cgroup)
            .collect();
        for Found { id, path, .. } in found {
            let left = self.entries.get(id).map(|entry| entry.state) == Some(State::Ignored);
            if left && foreign.contains(id) && self.options.in_scope(path) {
                tracing::info!(
                    cgroup = path,
                    "not traced: a unit of systemd, though a process in it has a root of its own"
                );
            }
        }
    }

    /// Word of cgroups coming and going was lost: looks for itself. `listed` are those that the kernel
    /// side had just before: of one that came and went in silence nobody else would say so, and its
    /// entry would stay.
    pub fn resync(&mut self, listed: &[u64], now: u64) -> Vec<Effect> {
        self.fresh = false;
        let found = scan::cgroups(&self.hierarchy.root);
        let mut effects = Vec::new();
        for Found { id, parent, path } in &found {
            effects.extend(self.meet(*id, *parent, path, true, now));
        }
        let exist: HashSet<u64> = found.iter().map(|found| found.id).collect();
        let gone: Vec<u64> = self
            .entries
            .iter()
            .filter(|(id, entry)| entry.removed.is_none() && !exist.contains(id))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            effects.extend(self.removed(id, now));
        }
        let unheard = listed
            .iter()
            .filter(|id| !exist.contains(id) && !self.entries.contains_key(id));
        effects.extend(unheard.map(|id| Effect::Forget(*id)));
        effects
    }

    fn is_undecided(&self, id: u64) -> bool {
        self.entries
            .get(&id)
            .is_some_and(|entry| matches!(entry.state, State::Undecided(_)))
    }

    fn home(&self, id: u64) -> Option<u64> {
        match self.entries.get(&id)?.state {
            State::Container(home) => Some(home),
            State::Ignored | State::Undecided(_) => None,
        }
    }
}
