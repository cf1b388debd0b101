//! The cgroups that are known, and what becomes of them.

use super::details::Sources;
use super::hierarchy::Hierarchy;
use super::layout::{self, Claim};
use super::order::Order;
use super::states::States;
use super::{
    Act, DECIDE_AFTER, Effect, FORGET_AFTER, Instance, LOOK_EVERY, LOOK_LAST, MILLISECOND, Options,
    PATH_MAX, Resolution, SECOND, Search,
};
use lapwing_abi::state::CGROUPS_MAX;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

/// What is known of a cgroup.
pub(super) struct Entry {
    pub parent: u64,
    /// Canonical text; empty where it is not known or no longer needed.
    pub path: String,
    pub state: State,
    /// When it went.
    pub removed: Option<u64>,
    /// When it was made, or met.
    pub since: u64,
    /// Met by a record: its beginning was missed.
    pub late: bool,
    /// When it is looked at again; 0 for never.
    pub timer: u64,
    /// What the runtime was told when it moved the first process in.
    pub order: Option<Order>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A container's, or below one: the container's cgroup.
    Container(u64),
    /// None of ours.
    Ignored,
    /// No sign yet.
    Undecided(Undecided),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Undecided {
    /// When it acted first.
    pub active: Option<u64>,
    /// Whether behaviours of it wait.
    pub waits: bool,
    /// When it was looked at last.
    pub looked: u64,
    /// The process by which its path was looked for last.
    pub asked: u32,
}

/// All cgroups and containers.
pub struct Registry {
    pub(super) options: Options,
    pub(super) hierarchy: Hierarchy,
    pub(super) sources: Sources,
    pub(super) states: States,
    /// Whether runc's files were looked at in this call already.
    pub(super) fresh: bool,
    pub(super) entries: HashMap<u64, Entry>,
    pub(super) instances: HashMap<u64, Instance>,
    /// How many cgroups below a container's belong to it.
    pub(super) parts: HashMap<u64, usize>,
    /// When which cgroup is looked at again.
    pub(super) timers: BTreeSet<(u64, u64)>,
    pub(super) proc: PathBuf,
    /// How long records wait for what the runtimes say; none where they are not asked.
    pub(super) patience: Option<u64>,
    /// Whether the API of the cluster is among those that are asked.
    pub(super) owners: bool,
    /// Containers whose records did not wait until it came.
    pub(super) late: u64,
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new(options: Options, hierarchy: Hierarchy) -> Self {
        Self {
            sources: Sources::new(&options.host_root),
            states: States::new(&options.host_root, &options.runc_roots, hierarchy.clone()),
            fresh: false,
            options,
            hierarchy,
            entries: HashMap::new(),
            instances: HashMap::new(),
            parts: HashMap::new(),
            timers: BTreeSet::new(),
            proc: PathBuf::from("/proc"),
            patience: None,
            owners: false,
            late: 0,
        }
    }

    /// A cgroup exists.
    pub fn met(&mut self, id: u64, parent: u64, path: &str, now: u64) -> Vec<Effect> {
        self.meet(id, parent, path, false, now)
    }

    pub(super) fn meet(
        &mut self,
        id: u64,
        parent: u64,
        path: &str,
        late: bool,
        now: u64,
    ) -> Vec<Effect> {
        let entry = match self.entries.get(&id) {
            // One whose path is heard only now.
            Some(
                known @ Entry {
                    state: State::Undecided(_),
                    ..
                },
            ) if known.path.is_empty() => Entry {
                parent,
                path: bounded(path),
                order: known.order.clone(),
                ..*known
            },
            Some(_) => return Vec::new(),
            None if self.entries.len() >= CGROUPS_MAX as usize => return vec![Effect::NoRoom(id)],
            None => Entry {
                parent,
                path: bounded(path),
                state: State::Undecided(Undecided::default()),
                removed: None,
                since: now,
                late,
                timer: 0,
                order: None,
            },
        };
        self.entries.insert(id, entry);
        let above = self.entries.get(&parent).map(|entry| entry.state);
        let home = match above {
            Some(State::Container(home)) => Some(home),
            Some(State::Ignored | State::Undecided(_)) => None,
            // Its parent found no room in a container's share: its path says whose it is.
            None => self.container_above(path),
        };
        if let Some(home) = home
            && self.is_container(home)
        {
            // The kernel side inherits by itself; here it is said again, for those it missed.
            return self.join(id, home, now);
        }
        if !self.options.in_scope(path) {
            return self.leave(id, now);
        }
        match layout::claim(path) {
            Claim::Container(named) => self.open(id, &named, now),
            // A system manager may run in a container to be.
            Claim::Host if !matches!(above, Some(State::Undecided(_))) => self.leave(id, now),
            Claim::Host | Claim::Unknown => Vec::new(),
        }
    }

    /// The container whose cgroup has a path that this one is below.
    fn container_above(&self, path: &str) -> Option<u64> {
        let is_below = |above: &str| {
            let rest = path.strip_prefix(above);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        self.running()
            .find(|instance| is_below(&instance.path))
            .map(|instance| instance.home)
    }

    /// A runtime moved a first process into a cgroup, and these are its arguments.
    pub fn ordered(&mut self, id: u64, args: &[u8]) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.order = Order::parse(args).or_else(|| entry.order.take());
        }
    }

    /// A cgroup is gone.
    pub fn removed(&mut self, id: u64, now: u64) -> Vec<Effect> {
        let Some(entry) = self.entries.get_mut(&id) else {
            return vec![Effect::Forget(id)];
        };
        entry.removed = Some(now);
        let look = Some(entry.timer).filter(|at| *at != 0);
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.removed = Some(now);
        }
        // Records that name it are still on their way.
        self.rearm(id, look);
        Vec::new()
    }

    /// A process of a cgroup acts.
    pub fn acted(&mut self, act: Act, now: u64) -> Vec<Effect> {
        self.fresh = false;
        let id = act.cgroup;
        let pathless = match self.entries.get(&id) {
            None => true,
            Some(entry) => match entry.state {
                State::Undecided(undecided) => entry.path.is_empty() && undecided.asked != act.pid,
                State::Container(_) | State::Ignored => false,
            },
        };
        let mut effects = match pathless {
            true => self.find(id, act.pid, now),
            false => Vec::new(),
        };
        if let Some(State::Undecided(undecided)) =
            self.entries.get_mut(&id).map(|entry| &mut entry.state)
        {
            let active = *undecided.active.get_or_insert(now);
            let due = is_due(undecided.looked, active, now);
            undecided.waits |= act.behaviour;
            if due {
                undecided.looked = now;
            }
            if act.foreign_root {
                effects.extend(self.foreign_root(id, now));
            } else if due {
                effects.extend(self.decide(id, now));
            }
        }
        if let Some(State::Container(home)) = self.entries.get(&id).map(|entry| entry.state)
            && let Some(instance) = self.instances.get_mut(&home)
            && matches!(instance.search, Search::Sought(None) | Search::Said)
        {
            // The runtime's file may be there for no longer than the container's first program.
            if act.behaviour {
                instance.search = match instance.search {
                    Search::Said => Search::Late,
                    _ => Search::Sought(Some(now)),
                };
                effects.extend(self.name(home, now));
            } else if is_due(instance.looked, instance.since, now) {
                instance.looked = now;
                effects.extend(self.name(home, now));
            }
        }
        if act.behaviour
            && let Some(State::Container(home)) = self.entries.get(&id).map(|entry| entry.state)
        {
            self.begin_to_wait(home, now);
        }
        effects
    }

    /// Whose a record with this cgroup is.
    #[must_use]
    pub fn resolve(&self, id: u64) -> Resolution<'_> {
        match self.entries.get(&id).map(|entry| entry.state) {
            Some(State::Container(home)) => match self.instances.get(&home) {
                Some(instance) if instance.is_awaited() => Resolution::Pending,
                Some(instance) => Resolution::Instance(instance),
                None => Resolution::Ignored,
            },
            Some(State::Ignored) => Resolution::Ignored,
            Some(State::Undecided(_)) => Resolution::Pending,
            None => Resolution::Unheard,
        }
    }

    /// When [`Self::tick`] has something to do next.
    #[must_use]
    pub fn next_look(&self) -> Option<u64> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// The containers that run.
    pub fn running(&self) -> impl Iterator<Item = &Instance> {
        self.instances
            .values()
            .filter(|instance| instance.removed.is_none())
    }

    /// All containers, also those that went a moment ago, of which records may be on their way.
    pub fn known(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values()
    }

    /// Time has passed. `live` answers with the cgroups that living processes belong to:
    /// membership outlasts a cgroup, for a process that left it before it went.
    pub fn tick(&mut self, now: u64, live: impl Fn() -> HashSet<u64>) -> Vec<Effect> {
        self.fresh = false;
        let mut cgroups = None;
        let mut effects = Vec::new();
        let mut due = Vec::new();
        while let Some(&(at, id)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            due.push(id);
        }
        for id in due {
            let Some(entry) = self.entries.get_mut(&id) else {
                continue;
            };
            entry.timer = 0;
            let over = entry
                .removed
                .is_some_and(|removed| now.saturating_sub(removed) >= FORGET_AFTER);
            match entry.state {
                State::Undecided(_) => effects.extend(self.decide(id, now)),
                State::Ignored if over => effects.extend(self.forget(id, &HashSet::new(), now)),
                State::Container(_) if over => {
                    let live = cgroups.get_or_insert_with(&live);
                    effects.extend(self.forget(id, live, now));
                }
                State::Ignored => {}
                State::Container(home) if home == id => effects.extend(self.name(id, now)),
                State::Container(_) => {}
            }
        }
        effects
    }

    /// Nothing more comes: everything that waits is decided with what is known.
    pub fn finish(&mut self, now: u64) -> Vec<Effect> {
        self.fresh = false;
        let mut effects = Vec::new();
        let undecided: Vec<u64> = self
            .entries
            .iter()
            .filter(|(_, entry)| matches!(entry.state, State::Undecided(_)))
            .map(|(id, _)| *id)
            .collect();
        for id in undecided {
            effects.extend(self.decide(id, now + DECIDE_AFTER));
        }
        let homes: Vec<u64> = self.instances.keys().copied().collect();
        for home in homes {
            effects.extend(self.name(home, now));
            self.give_up(home);
            self.stop_waiting(home, u64::MAX);
        }
        effects.push(Effect::Decided);
        effects
    }

    /// Has a cgroup looked at again, not before the next moment that all looks share.
    pub(super) fn schedule(&mut self, id: u64, at: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            self.timers.remove(&(entry.timer, id));
            entry.timer = at.next_multiple_of(LOOK_EVERY);
            self.timers.insert((entry.timer, id));
        }
    }

    /// Has a cgroup looked at again at this time, or when it is to be forgotten.
    pub(super) fn rearm(&mut self, id: u64, look: Option<u64>) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        // All at once: it takes a look at every process.
        let forget = entry
            .removed
            .map(|removed| (removed + FORGET_AFTER).next_multiple_of(SECOND));
        let answer = self.instances.get(&id).and_then(|one| one.told.deadline());
        match look.into_iter().chain(forget).chain(answer).min() {
            Some(at) => self.schedule(id, at),
            None => {
                self.timers.remove(&(std::mem::take(&mut entry.timer), id));
            }
        }
    }

    /// Has what is missing looked for again: less often, the longer it is missing.
    pub(super) fn look_again(&mut self, id: u64, since: u64, deadline: Option<u64>, now: u64) {
        let pause = (now.saturating_sub(since) / 4).clamp(LOOK_EVERY, LOOK_LAST);
        self.rearm(id, Some((now + pause).min(deadline.unwrap_or(u64::MAX))));
    }
}

/// Whether something that just acted is to be looked at again. The first milliseconds count most.
fn is_due(looked: u64, since: u64, now: u64) -> bool {
    let pause = (now.saturating_sub(since) / 8).max(MILLISECOND);
    looked == 0 || now.saturating_sub(looked) >= pause
}

/// A path that is kept: one that was cut does not begin with a slash, so that it is no other's.
fn bounded(path: &str) -> String {
    if path.len() <= PATH_MAX {
        return path.to_owned();
    }
    let mut start = path.len() - PATH_MAX;
    while !path.is_char_boundary(start) {
        start += 1;
    }
    format!("\u{2026}{}", &path[start..])
}
