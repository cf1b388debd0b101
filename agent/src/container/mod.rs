//! From a cgroup's id to the container and the workload it belongs to.
//!
//! The registry is a state machine without I/O of its own but for the runtimes'
//! files: cgroups come and go, time passes, and each call answers with the
//! [`Effect`]s that the caller has to carry out. A cgroup is a container because
//! of its path, because runc's files name it, or because a program with another
//! root than the host's runs in it. What is below a container belongs to it.
//! What nothing speaks for within [`DECIDE_AFTER`] is left alone from then on.

pub mod details;
pub mod hierarchy;
pub mod layout;
pub mod scan;
pub mod workload;

use details::Sources;
use hierarchy::Hierarchy;
use lapwing_abi::state::{CGROUPS_MAX, Cgroup, cgroup_state};
use lapwing_profile::workload::Workload;
use layout::{Claim, Named, Runtime};
use scan::{Found, Seed};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use workload::{Details, clean};

const MILLISECOND: u64 = 1_000_000;
/// How long a cgroup may stay without a sign of a container, in nanoseconds.
pub const DECIDE_AFTER: u64 = 10_000 * MILLISECOND;
/// How long records wait for the runtime's files, in nanoseconds from the container's first
/// behaviour: the runtime's own steps before it may take as long as they like.
pub const NAME_AFTER: u64 = 500 * MILLISECOND;
/// How long a container is remembered after it went, for records that are on their way.
pub const FORGET_AFTER: u64 = 10_000 * MILLISECOND;
/// Containers at a time.
pub const INSTANCES_MAX: usize = 4_096;

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell the kernel side what a cgroup is.
    Set(u64, Cgroup),
    /// Tell the kernel side to forget a cgroup.
    Forget(u64),
    /// Records of this cgroup can go on: its container is known, or there is none.
    Decided(u64),
    /// A container went for good.
    Gone(u64),
    /// There is no room for another container or cgroup: this one is not traced.
    NoRoom(u64),
}

/// Settings of a registry.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster's name, for workloads.
    pub cluster: String,
    /// Cgroup paths below which containers are traced; empty for everywhere.
    pub scope: Vec<String>,
    /// Whether the host's own processes are a container too.
    pub host: bool,
    /// Folder of the host's root.
    pub host_root: PathBuf,
    /// More folders of runc.
    pub runc_roots: Vec<PathBuf>,
}

/// One running container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Id of its cgroup.
    pub home: u64,
    /// Path of that.
    pub path: String,
    /// Who runs it.
    pub runtime: Runtime,
    /// Its id.
    pub id: String,
    /// What the runtime says of it.
    pub details: Details,
    /// Whose profile it has.
    pub workload: Workload,
    /// When its cgroup was made, or met, since boot in nanoseconds.
    pub since: u64,
    /// Whether it was seen from its first program.
    pub from_start: bool,
    named: bool,
    /// Since when its name is needed.
    needed: Option<u64>,
    /// When its cgroup went.
    removed: Option<u64>,
}

/// What is known of a cgroup.
enum Entry {
    /// A container's, or below one: the container's cgroup.
    Container(u64),
    /// None of ours.
    Ignored,
    /// Met at this time; its path, and no sign yet.
    Undecided(u64, String),
}

/// Whose a record is.
#[derive(Debug)]
pub enum Resolution<'a> {
    /// This container's.
    Instance(&'a Instance),
    /// Not known yet: hold it.
    Pending,
    /// Nobody's: drop it.
    Ignored,
    /// The cgroup was never heard of.
    Unheard,
}

/// All cgroups and containers.
pub struct Registry {
    options: Options,
    hierarchy: Hierarchy,
    sources: Sources,
    entries: HashMap<u64, Entry>,
    instances: HashMap<u64, Instance>,
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new(options: Options, hierarchy: Hierarchy) -> Self {
        let sources = Sources::new(&options.host_root, &options.runc_roots);
        Self {
            options,
            hierarchy,
            sources,
            entries: HashMap::new(),
            instances: HashMap::new(),
        }
    }

    /// Takes in what exists already. To be called with the programs attached, so that nothing
    /// falls between.
    pub fn scan(&mut self, proc: &Path, now: u64) -> (Vec<Effect>, Vec<Seed>) {
        let mut effects = Vec::new();
        let found = scan::cgroups(&self.hierarchy.root);
        for Found { id, parent, path } in &found {
            effects.extend(self.met(*id, *parent, path, now));
        }
        let homes: HashMap<String, u64> = found
            .into_iter()
            .filter_map(|found| match self.entries.get(&found.id) {
                Some(Entry::Container(home)) => Some((found.path, *home)),
                Some(Entry::Ignored | Entry::Undecided(..)) | None => None,
            })
            .collect();
        let seeds = scan::processes(proc, &self.options.host_root, &self.hierarchy, &homes);
        for instance in self.instances.values_mut() {
            let runs = seeds.iter().any(|seed| {
                seed.process.cgroup == instance.home
                    && seed.process.phase == u32::from(lapwing_abi::ids::Phase::Main.raw())
            });
            if runs {
                instance.from_start = false;
                effects.push(Effect::Set(instance.home, container(instance.home, true)));
            }
        }
        (effects, seeds)
    }

    /// A cgroup exists.
    pub fn met(&mut self, id: u64, parent: u64, path: &str, now: u64) -> Vec<Effect> {
        match self.entries.get(&id) {
            Some(Entry::Container(_) | Entry::Ignored) => return Vec::new(),
            Some(Entry::Undecided(_, known)) if !known.is_empty() => return Vec::new(),
            Some(Entry::Undecided(..)) | None => {}
        }
        if self.entries.len() >= CGROUPS_MAX as usize {
            return vec![Effect::NoRoom(id)];
        }
        // The kernel side inherits by itself; here it is said again, for those it missed.
        if let Some(Entry::Container(home)) = self.entries.get(&parent)
            && self
                .instances
                .get(home)
                .is_some_and(|above| above.runtime != Runtime::Host)
        {
            let home = *home;
            self.entries.insert(id, Entry::Container(home));
            return vec![Effect::Set(id, container(home, true)), Effect::Decided(id)];
        }
        if !self.in_scope(path) {
            return self.leave(id, path, now);
        }
        match layout::claim(path) {
            Claim::Container(named) => self.claim(id, path, &named, now),
            Claim::Host => self.leave(id, path, now),
            Claim::Unknown => {
                self.entries
                    .insert(id, Entry::Undecided(now, path.to_owned()));
                self.ask_runc(id, path, now).unwrap_or_default()
            }
        }
    }

    /// A cgroup is gone.
    pub fn removed(&mut self, id: u64, now: u64) -> Vec<Effect> {
        match self.entries.get(&id) {
            Some(Entry::Container(home)) if *home == id => {
                if let Some(instance) = self.instances.get_mut(&id) {
                    instance.removed = Some(now);
                }
                Vec::new()
            }
            Some(Entry::Undecided(..)) => {
                // It may have been too short-lived for runc's files; records that wait
                // tell, so it stays until it is decided.
                Vec::new()
            }
            Some(Entry::Container(_) | Entry::Ignored) => {
                self.entries.remove(&id);
                vec![Effect::Forget(id)]
            }
            None => vec![Effect::Forget(id)],
        }
    }

    /// A program with another root than the host's runs in a cgroup: a container, whatever it is
    /// called.
    pub fn foreign_root(&mut self, id: u64, now: u64) -> Vec<Effect> {
        let Some(Entry::Undecided(_, path)) = self.entries.get(&id) else {
            return Vec::new();
        };
        let path = path.clone();
        if let Some(effects) = self.ask_runc(id, &path, now) {
            return effects;
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        let named = Named {
            runtime: Runtime::Unknown,
            id: clean(name),
        };
        self.claim(id, &path, &named, now)
    }

    /// A behaviour of a container waits for its name.
    pub fn needed(&mut self, id: u64, now: u64) -> Vec<Effect> {
        let Some(Entry::Container(home)) = self.entries.get(&id) else {
            return Vec::new();
        };
        let home = *home;
        match self.instances.get_mut(&home) {
            Some(instance) if !instance.named && instance.needed.is_none() => {
                instance.needed = Some(now);
                // Most runtimes have written their files by now.
                self.name(home, now)
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// Whose a record with this cgroup is.
    #[must_use]
    pub fn resolve(&self, id: u64) -> Resolution<'_> {
        match self.entries.get(&id) {
            Some(Entry::Container(home)) => match self.instances.get(home) {
                Some(instance) if instance.named => Resolution::Instance(instance),
                Some(_) => Resolution::Pending,
                None => Resolution::Ignored,
            },
            Some(Entry::Ignored) => Resolution::Ignored,
            Some(Entry::Undecided(..)) => Resolution::Pending,
            None => Resolution::Unheard,
        }
    }

    /// Whether something waits for time to pass.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.instances
            .values()
            .any(|instance| !instance.named && instance.needed.is_some())
            || self
                .entries
                .values()
                .any(|entry| matches!(entry, Entry::Undecided(..)))
    }

    /// The containers that run.
    pub fn running(&self) -> impl Iterator<Item = &Instance> {
        self.instances
            .values()
            .filter(|instance| instance.removed.is_none())
    }

    /// Time has passed.
    pub fn tick(&mut self, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let undecided: Vec<(u64, u64, String)> = self
            .entries
            .iter()
            .filter_map(|(id, entry)| match entry {
                Entry::Undecided(since, path) => Some((*id, *since, path.clone())),
                Entry::Container(_) | Entry::Ignored => None,
            })
            .collect();
        for (id, since, path) in undecided {
            if let Some(found) = self.ask_runc(id, &path, now) {
                effects.extend(found);
            } else if now.saturating_sub(since) >= DECIDE_AFTER {
                effects.extend(self.leave(id, &path, now));
            }
        }
        let unnamed: Vec<u64> = self
            .instances
            .values()
            .filter(|instance| !instance.named)
            .map(|instance| instance.home)
            .collect();
        for home in unnamed {
            effects.extend(self.name(home, now));
        }
        effects.extend(self.forget(now));
        effects
    }

    fn in_scope(&self, path: &str) -> bool {
        let scope = &self.options.scope;
        scope.is_empty()
            || scope.iter().any(|prefix| {
                path.strip_prefix(prefix.trim_end_matches('/'))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }

    /// Not a container.
    fn leave(&mut self, id: u64, path: &str, now: u64) -> Vec<Effect> {
        if self.options.host && self.in_scope(path) {
            return self.join_host(id, now);
        }
        self.entries.insert(id, Entry::Ignored);
        let ignored = Cgroup {
            home: id,
            state: cgroup_state::IGNORED,
            started: 0,
        };
        vec![Effect::Set(id, ignored), Effect::Decided(id)]
    }

    /// A part of the pseudo-container of the host's own processes; its home is the first met.
    fn join_host(&mut self, id: u64, now: u64) -> Vec<Effect> {
        let host = self
            .instances
            .values()
            .find(|instance| instance.runtime == Runtime::Host)
            .map(|instance| instance.home);
        let home = host.unwrap_or_else(|| {
            let named = Named {
                runtime: Runtime::Host,
                id: "host".to_owned(),
            };
            self.add(id, "/", &named, Details::default(), true, now);
            id
        });
        self.entries.insert(id, Entry::Container(home));
        let entry = Cgroup {
            home,
            state: cgroup_state::HOST,
            started: 1,
        };
        vec![Effect::Set(id, entry), Effect::Decided(id)]
    }

    fn claim(&mut self, id: u64, path: &str, named: &Named, now: u64) -> Vec<Effect> {
        if self.instances.len() >= INSTANCES_MAX {
            self.entries.insert(id, Entry::Ignored);
            return vec![Effect::NoRoom(id), Effect::Decided(id)];
        }
        // A path is the weaker word: bare runc may be told to lay cgroups out like any other.
        let found = self
            .sources
            .details(named)
            .map(|details| (named.clone(), details));
        let found = found.or_else(|| self.sources.runc_by_cgroup(path));
        let known = found.is_some();
        let (named, details) = found.unwrap_or_else(|| (named.clone(), Details::default()));
        self.add(id, path, &named, details, known, now);
        self.entries.insert(id, Entry::Container(id));
        let mut effects = vec![Effect::Set(id, container(id, false))];
        if known {
            effects.push(Effect::Decided(id));
        }
        effects
    }

    fn add(&mut self, id: u64, path: &str, by: &Named, details: Details, known: bool, now: u64) {
        let instance = Instance {
            home: id,
            path: clean(path),
            runtime: by.runtime,
            id: clean(&by.id),
            workload: workload::workload(&self.options.cluster, by.runtime, &by.id, &details),
            details,
            since: now,
            from_start: true,
            named: known,
            needed: None,
            removed: None,
        };
        self.instances.insert(id, instance);
    }

    /// Whether runc's files name the cgroup.
    fn ask_runc(&mut self, id: u64, path: &str, now: u64) -> Option<Vec<Effect>> {
        if path.is_empty() {
            return None;
        }
        let (named, details) = self.sources.runc_by_cgroup(path)?;
        if self.instances.len() >= INSTANCES_MAX {
            self.entries.insert(id, Entry::Ignored);
            return Some(vec![Effect::NoRoom(id), Effect::Decided(id)]);
        }
        self.add(id, path, &named, details, true, now);
        self.entries.insert(id, Entry::Container(id));
        Some(vec![
            Effect::Set(id, container(id, false)),
            Effect::Decided(id),
        ])
    }

    /// Looks for the name of a container that has none yet.
    fn name(&mut self, home: u64, now: u64) -> Vec<Effect> {
        let Some(instance) = self.instances.get_mut(&home) else {
            return Vec::new();
        };
        let named = Named {
            runtime: instance.runtime,
            id: instance.id.clone(),
        };
        let by_path = || self.sources.runc_by_cgroup(&instance.path);
        let found = match instance.runtime {
            Runtime::Unknown => by_path(),
            _ => self
                .sources
                .details(&named)
                .map(|details| (named, details))
                .or_else(by_path),
        };
        match found {
            Some((named, details)) => {
                instance.runtime = named.runtime;
                instance.workload =
                    workload::workload(&self.options.cluster, named.runtime, &named.id, &details);
                instance.id = named.id;
                instance.details = details;
            }
            None => match instance.needed {
                Some(needed) if now.saturating_sub(needed) >= NAME_AFTER => {}
                Some(_) | None => return Vec::new(),
            },
        }
        instance.named = true;
        vec![Effect::Decided(home)]
    }

    /// Drops what went long enough ago.
    fn forget(&mut self, now: u64) -> Vec<Effect> {
        let gone: Vec<u64> = self
            .instances
            .values()
            .filter(|instance| {
                instance
                    .removed
                    .is_some_and(|removed| now.saturating_sub(removed) >= FORGET_AFTER)
            })
            .map(|instance| instance.home)
            .collect();
        let mut effects = Vec::new();
        for home in gone {
            self.instances.remove(&home);
            self.entries.retain(|id, entry| {
                let below = matches!(entry, Entry::Container(of) if *of == home);
                if below {
                    effects.push(Effect::Forget(*id));
                }
                !below
            });
            effects.push(Effect::Gone(home));
        }
        effects
    }
}

fn container(home: u64, started: bool) -> Cgroup {
    Cgroup {
        home,
        state: cgroup_state::CONTAINER,
        started: u32::from(started),
    }
}

#[cfg(test)]
mod tests;
