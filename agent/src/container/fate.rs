//! What becomes of a cgroup: a container, a part of one, the host's, or forgotten.

use super::layout::{self, Claim, Named, Runtime};
use super::registry::{Entry, Registry, State, Undecided};
use super::workload::{self, Details};
use super::{
    DECIDE_AFTER, Effect, FORGET_AFTER, INSTANCES_MAX, Instance, LOOK_EVERY, PATH_MAX, Proof,
    Search, Told, container, scan,
};
use lapwing_abi::state::{CGROUPS_MAX, Cgroup, cgroup_state};
use std::collections::HashSet;

impl Registry {
    /// Whether it is a container that takes in what is below it.
    pub(super) fn is_container(&self, home: u64) -> bool {
        self.instances
            .get(&home)
            .is_some_and(|above| above.runtime != Runtime::Host)
    }

    /// Looks for the path of a cgroup that a record names: its creation was lost. Its folders
    /// are met on the way.
    pub(super) fn find(&mut self, id: u64, pid: u32, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let file = self.proc.join(pid.to_string()).join("cgroup");
        let path = std::fs::read(file)
            .ok()
            .and_then(|file| self.hierarchy.path_in(&file))
            .unwrap_or_default();
        let mut parent = 0;
        // The record may name the container's cgroup, and the process be below it.
        for end in path
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([path.len()])
        {
            let part = if end == 0 { "/" } else { &path[..end] };
            if part.ends_with("/..") {
                break; // It is outside of what we can see.
            }
            let Some(found) = self.hierarchy.id_of(part) else {
                break;
            };
            if found != parent {
                effects.extend(self.meet(found, parent, part, true, now));
            }
            parent = found;
        }
        if !self.entries.contains_key(&id) {
            // Its process has ended. The cgroup may be there still.
            for scan::Found { id, parent, path } in scan::cgroups(&self.hierarchy.root) {
                effects.extend(self.meet(id, parent, &path, true, now));
            }
        }
        if let Some(entry) = self.entries.get_mut(&id) {
            if let State::Undecided(undecided) = &mut entry.state {
                undecided.asked = pid;
            }
        } else if self.entries.len() >= CGROUPS_MAX as usize {
            effects.push(Effect::NoRoom(id));
        } else {
            let gone = Entry {
                parent: 0,
                path: String::new(),
                // Of what is gone nobody can say that it was in scope.
                state: match self.options.scope.is_empty() {
                    true => State::Undecided(Undecided {
                        asked: pid,
                        ..Undecided::default()
                    }),
                    false => State::Ignored,
                },
                removed: Some(now),
                since: now,
                late: true,
                timer: 0,
                order: None,
            };
            self.entries.insert(id, gone);
            self.rearm(id, None);
        }
        effects
    }

    /// A program with another root than the host's runs in an undecided cgroup: a container,
    /// whatever it is called.
    pub(super) fn foreign_root(&mut self, id: u64, now: u64) -> Vec<Effect> {
        let mut home = id;
        // The order of a system manager is below the container that it runs in.
        while let Some(entry) = self.entries.get(&home)
            && layout::claim(&entry.path) == Claim::Host
            && let Some(above) = self.entries.get(&entry.parent)
            && matches!(above.state, State::Undecided(_))
        {
            home = entry.parent;
        }
        let Some(entry) = self.entries.get(&home) else {
            return Vec::new();
        };
        let leaf = entry.path.rsplit('/').next().unwrap_or_default();
        let named = Named {
            runtime: Runtime::Unknown,
            id: match leaf {
                "" => format!("cgroup-{home}"),
                leaf => leaf.to_owned(),
            },
        };
        let mut effects = self.open(home, &named, now);
        effects.extend(self.name(home, now));
        effects
    }

    /// Whether something speaks for an undecided cgroup by now, or its time is over.
    pub(super) fn decide(&mut self, id: u64, now: u64) -> Vec<Effect> {
        let Some(entry) = self.entries.get(&id) else {
            return Vec::new();
        };
        let (path, removed) = (entry.path.clone(), entry.removed);
        let State::Undecided(Undecided { active, .. }) = entry.state else {
            return Vec::new();
        };
        if let Some(effects) = self.ask_runc(id, &path, now) {
            return effects;
        }
        let times = [
            active.map(|active| active + DECIDE_AFTER),
            removed.map(|removed| removed + FORGET_AFTER),
        ];
        let Some(deadline) = times.into_iter().flatten().min() else {
            return Vec::new();
        };
        if now < deadline {
            self.look_again(id, active.unwrap_or(now), Some(deadline), now);
            return Vec::new();
        }
        let foreign = removed.is_none()
            && scan::runs_foreign(
                &self.proc,
                &self.options.host_root,
                self.hierarchy.folder(&path).as_deref(),
            );
        if foreign {
            self.foreign_root(id, now)
        } else {
            self.leave(id, now)
        }
    }

    /// Not a container.
    pub(super) fn leave(&mut self, id: u64, now: u64) -> Vec<Effect> {
        let Some(entry) = self.entries.get_mut(&id) else {
            return Vec::new();
        };
        if entry.path.is_empty() {
            // Nobody could say what it is: the next record has another try.
            self.entries.remove(&id);
            return vec![Effect::Forget(id), Effect::Decided];
        }
        if self.options.host && self.options.in_scope(&entry.path) {
            return self.join_host(id, now);
        }
        entry.state = State::Ignored;
        entry.path = String::new();
        if entry.removed.is_some() {
            self.rearm(id, None);
            return vec![Effect::Decided];
        }
        let ignored = Cgroup {
            home: id,
            state: cgroup_state::IGNORED,
            started: 0,
        };
        vec![Effect::Set(id, ignored), Effect::Decided]
    }

    /// A part of the pseudo-container of the host's own processes; its home is the first met.
    pub(super) fn join_host(&mut self, id: u64, now: u64) -> Vec<Effect> {
        let host = self
            .instances
            .values()
            .find(|instance| instance.runtime == Runtime::Host)
            .map(|instance| instance.home);
        let mut effects = Vec::new();
        let home = host.unwrap_or(id);
        if host.is_none() {
            let named = Named {
                runtime: Runtime::Host,
                id: "host".to_owned(),
            };
            let parts = self.open(id, &named, now);
            effects.extend(parts.into_iter().filter(|effect| {
                // The kernel side knows it as the host's, below.
                !matches!(effect, Effect::Set(..))
            }));
            if !self.instances.contains_key(&id) {
                return effects;
            }
        }
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.state = State::Container(home);
        }
        let entry = Cgroup {
            home,
            state: cgroup_state::HOST,
            started: 1,
        };
        effects.extend([Effect::Set(id, entry), Effect::Decided]);
        effects
    }

    /// A part of a container, if that has room for one more.
    pub(super) fn join(&mut self, id: u64, home: u64, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(before) = self.entries.get(&id).map(|entry| entry.state) else {
            return effects;
        };
        if before != State::Container(home) {
            let held = self.parts.get(&home).copied().unwrap_or_default();
            if held >= self.options.share {
                return self.refuse(id, home);
            }
            self.left(id, before);
            self.parts.insert(home, held + 1);
        }
        let Some(entry) = self.entries.get_mut(&id) else {
            return effects;
        };
        let mut waits = matches!(entry.state, State::Undecided(undecided) if undecided.waits);
        entry.state = State::Container(home);
        entry.path = String::new();
        self.rearm(id, None);
        if let Some(own) = self.instances.remove(&id) {
            self.parts.remove(&id);
            waits |= matches!(own.search, Search::Sought(Some(_)))
                || matches!(own.told, Told::Awaited(Some(_)));
            effects.push(Effect::Gone(id));
        }
        if waits
            && let Some(instance) = self.instances.get_mut(&home)
            && instance.search == Search::Sought(None)
        {
            instance.search = Search::Sought(Some(now));
            self.rearm(home, Some(now + LOOK_EVERY));
        }
        if waits {
            self.begin_to_wait(home, now);
        }
        effects.extend([Effect::Set(id, container(home, true)), Effect::Decided]);
        effects
    }

    /// A part of a container that finds no room in its share: it is not kept, so that it takes
    /// nobody's room. What acts there belongs to the container all the same, because membership is
    /// inherited. Of one whose beginning was missed the kernel side has judged by itself.
    fn refuse(&mut self, id: u64, home: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(entry) = self.entries.remove(&id) {
            self.timers.remove(&(entry.timer, id));
            self.left(id, entry.state);
            if !entry.late {
                effects.extend([Effect::Forget(id), Effect::Refused(home)]);
            }
        }
        if self.instances.remove(&id).is_some() {
            self.parts.remove(&id);
            effects.push(Effect::Gone(id));
        }
        effects.push(Effect::Decided);
        effects
    }

    /// A cgroup is no part any more of what it was.
    fn left(&mut self, id: u64, before: State) {
        if let State::Container(home) = before
            && home != id
            && let Some(held) = self.parts.get_mut(&home)
        {
            *held = held.saturating_sub(1);
        }
    }

    /// A container begins. Its name is still to be found.
    pub(super) fn open(&mut self, id: u64, named: &Named, now: u64) -> Vec<Effect> {
        let full = self.instances.len() >= INSTANCES_MAX;
        let Some(entry) = self.entries.get_mut(&id) else {
            return Vec::new();
        };
        // Its records are only now being read.
        entry.removed = entry.removed.map(|_| now);
        if full {
            entry.state = State::Ignored;
            entry.path = String::new();
            return vec![Effect::NoRoom(id), Effect::Decided];
        }
        let cluster = &self.options.cluster;
        let host = named.runtime == Runtime::Host;
        let none = Details::default();
        let workload = workload::workload(cluster, named.runtime, "", "", &none);
        let waits = matches!(entry.state, State::Undecided(undecided) if undecided.waits);
        let instance = Instance {
            home: id,
            path: entry.path.clone(),
            runtime: named.runtime,
            id: named.id.clone(),
            details: none,
            named: workload.is_some(),
            workload: workload.unwrap_or_else(|| workload::unnamed(cluster, named.runtime)),
            since: entry.since,
            from_start: !entry.late,
            search: match host {
                true => Search::Over,
                false => Search::Sought(waits.then_some(now)),
            },
            told: Told::Unasked,
            proof: Proof::Claimed,
            looked: 0,
            removed: entry.removed,
        };
        self.instances.insert(id, instance);
        entry.state = State::Container(id);
        self.rearm(id, waits.then_some(now + LOOK_EVERY));
        let mut effects = vec![Effect::Set(id, container(id, false))];
        effects.extend(self.ask(id, now));
        if !host {
            effects.extend(self.absorb(id, now));
        }
        effects
    }

    /// What was made below a container before it was known as one joins it.
    pub(super) fn absorb(&mut self, home: u64, now: u64) -> Vec<Effect> {
        if !self.entries.values().any(|entry| entry.parent == home) {
            return Vec::new();
        }
        let parent = |id: &u64| self.entries.get(id).map(|entry| entry.parent);
        let below = |id: u64| {
            std::iter::successors(parent(&id), parent)
                .take(PATH_MAX)
                .any(|above| above == home)
        };
        let found: Vec<u64> = self
            .entries
            .keys()
            .copied()
            .filter(|id| below(*id))
            .collect();
        found
            .into_iter()
            .flat_map(|id| self.join(id, home, now))
            .collect()
    }

    /// Drops what went long enough ago, unless processes of it live.
    pub(super) fn forget(&mut self, id: u64, live: &HashSet<u64>, now: u64) -> Vec<Effect> {
        let home = self.instances.contains_key(&id);
        let parts: Vec<u64> = match home {
            true => self
                .entries
                .iter()
                .filter(|(_, entry)| entry.state == State::Container(id))
                .map(|(id, _)| *id)
                .collect(),
            false => vec![id],
        };
        if parts.iter().any(|part| live.contains(part)) {
            self.schedule(id, now + FORGET_AFTER);
            return Vec::new();
        }
        let mut effects = Vec::new();
        for part in parts {
            if let Some(entry) = self.entries.remove(&part) {
                self.timers.remove(&(entry.timer, part));
                self.left(part, entry.state);
            }
            effects.push(Effect::Forget(part));
        }
        if home {
            self.instances.remove(&id);
            self.parts.remove(&id);
            effects.push(Effect::Gone(id));
        }
        effects
    }
}
