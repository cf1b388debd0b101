//! Which files of their images containers use: from their ring to the inventories of workloads.
//!
//! The ring wakes nobody and is read after the others, so it takes no time from behaviours. Who
//! learns is looked at each second; while nobody does, and no container is about to come, the kernel side
//! is told to note nothing.

use super::{Line, Ring, SECOND, Waker};
use crate::clock;
use crate::container::{Instance, Resolution};
use crate::inventory::disk::Stored;
use crate::inventory::look::{Ask, Found, Looker, PROCESSES_MAX, Wanted};
use crate::inventory::{Inventories, Learner, Seen};
use crate::judge::decide::AskError;
use crate::kernel::sensor::HookState;
use crate::kernel::tables::Tables;
use lapwing_abi::decode::{Body, Record, path_from_components};
use lapwing_abi::hooks::{Row, Tier};
use lapwing_abi::ids::{Origin, Phase, flags};
use lapwing_abi::inventory::UseRecord;
use lapwing_profile::inventory::uses;
use std::collections::HashMap;
use std::mem::take;
use std::sync::Arc;

const NANOSECONDS: i64 = SECOND as i64;
/// How long a cgroup that was made may become a container, for which all is noted.
const COMING: u64 = 5 * SECOND;
/// Uses, and answers of who looks things up, that are taken before behaviours are read again.
const USES: usize = 512;
const ANSWERS: usize = 16;
/// Programs of one container whose loader is looked up in a second; those of others are counted.
const LOADERS: u32 = 128;
/// Questions that wait for the next look over all processes.
const LATER_MAX: usize = 1_024;

/// What of uses the kernel side tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tells {
    /// Whether it notes any.
    pub(super) files: bool,
    /// Whether it sees what the kernel opens by itself: the loaders of programs.
    pub(super) loaders: bool,
}

impl Tells {
    /// What it does by the hooks that are attached, where uses are noted or not.
    pub(super) fn of(hooks: &[HookState], files: bool) -> Self {
        let opens = hooks.iter().find(|state| state.row == Row::FileOpen);
        let tier = opens.and_then(|state| state.tier);
        Self {
            files,
            loaders: files && tier.is_some_and(|tier| tier != Tier::B),
        }
    }
}

/// What is known of the files that containers use.
pub(super) struct Uses {
    /// Whether they are noted.
    on: bool,
    tells: Tells,
    all: Inventories,
    looker: Looker,
    /// When a cgroup was made last, since boot in nanoseconds.
    coming: u64,
    /// Loaders that were wanted since the last tick, by container.
    asked: HashMap<u64, u32>,
    /// What is asked at the next one.
    later: Vec<(u64, Wanted)>,
}

impl Uses {
    /// Nothing yet.
    pub(super) fn begin(on: bool, tells: Tells, waker: Waker) -> Self {
        let wakes = waker.clone();
        Self {
            on,
            tells,
            all: Inventories::begin(move || wakes.wake()),
            looker: Looker::begin(waker),
            coming: clock::since_boot(),
            asked: HashMap::new(),
            later: Vec::new(),
        }
    }

    /// A container may be about to come.
    pub(super) fn coming(&mut self, tables: &mut Tables) {
        self.coming = clock::since_boot();
        tables.note_uses(self.on);
    }

    /// Asks now, or counts that nobody could.
    fn ask(&mut self, ask: Ask) {
        let home = ask.home;
        if !self.looker.ask(ask) {
            self.all.no_loader(home);
        }
    }

    /// Asks at the next tick, whom one look over all processes finds.
    fn ask_later(&mut self, home: u64, wanted: Wanted) {
        if self.later.len() < LATER_MAX {
            self.later.push((home, wanted));
        } else {
            self.all.no_loader(home);
        }
    }
}

impl Line {
    /// Reads the ring of uses, and what was looked up. Answers whether there is more than a batch.
    pub(super) fn take_uses(&mut self, ring: &mut Ring) -> bool {
        let now = clock::since_boot();
        let mut more = true;
        for _ in 0..USES {
            let Some(item) = ring.next() else {
                more = false;
                break;
            };
            let Some(record) = UseRecord::decode(&item) else {
                self.lose(super::UserLoss::Undecodable, 1);
                continue;
            };
            let seen = Seen {
                path: path_from_components(record.components).into(),
                how: uses::of(record.how),
                changed: record.is_upper,
                at: self.clock.wall(record.time) / NANOSECONDS,
                pid: record.pid,
            };
            self.use_of(record.home, seen, now);
        }
        self.catch_up(false, now);
        for _ in 0..ANSWERS {
            let Some(found) = self.uses.looker.found() else {
                return more;
            };
            self.looked_up(found, now);
        }
        true
    }

    fn catch_up(&mut self, all: bool, now: u64) {
        let programs = self.uses.all.catch_up(all, self.judge.store(), now);
        for (home, program) in programs {
            self.want_loader(home, program);
        }
    }

    /// A container's program was executed: where the kernel side sees the kernel's own opens, it notes that
    /// as one. A script is opened by its interpreter too, and noted if it lies on the root's mount,
    /// which is not known here.
    pub(super) fn note_exec(&mut self, record: &Record<'_>) {
        let Body::Exec { path, origin, .. } = record.body else {
            return;
        };
        // What the runtime executes, and what left the container, is no use by it.
        let is_own = !matches!(
            Phase::from_raw(record.header.phase),
            None | Some(Phase::Runtime | Phase::Escaped)
        );
        // A path that was cut is no file's.
        let is_cut = record.header.flags & flags::PATH_TRUNCATED != 0;
        let is_on_root = matches!(origin, Origin::Image | Origin::UpperLayer);
        if !self.uses.on || self.uses.tells.loaders || !is_own || is_cut || !is_on_root {
            return;
        }
        let seen = Seen {
            path: path_from_components(path).into(),
            how: uses::EXEC,
            changed: origin == Origin::UpperLayer,
            at: self.clock.wall(record.header.time) / NANOSECONDS,
            pid: record.header.pid,
        };
        self.use_of(record.header.cgroup, seen, clock::since_boot());
    }

    fn use_of(&mut self, home: u64, seen: Seen, now: u64) {
        if !self.uses.all.has(home) {
            self.decide_uses(home, now);
        }
        let programs = self.uses.all.take(home, seen, self.judge.store(), now);
        for program in programs {
            self.want_loader(home, program);
        }
    }

    /// The loader of a program, by the process that runs it, which sees it from inside; else by another of
    /// the container.
    fn want_loader(&mut self, home: u64, program: Seen) {
        if self.uses.tells.loaders {
            return;
        }
        let asked = self.uses.asked.entry(home).or_default();
        *asked += 1;
        if *asked > LOADERS {
            self.uses.all.no_loader(home);
            return;
        }
        let wanted = Wanted::Loader(program.path);
        let runs = self.tables.process(program.pid);
        match runs.filter(|process| process.cgroup == home) {
            Some(process) => self.uses.ask(Ask {
                home,
                pids: [(program.pid, process.start)].into(),
                wanted,
                is_last: false,
            }),
            // It has ended.
            None => self.uses.ask_later(home, wanted),
        }
    }

    /// Whether the uses of a container count, if that is known by now.
    fn decide_uses(&mut self, home: u64, now: u64) {
        let Resolution::Instance(instance) = self.registry.resolve(home) else {
            return;
        };
        // Without a profile nobody could ask for it, and nobody would remove it.
        if !instance.is_named()
            || !self.judge.learns(instance)
            || !self.judge.has_profile(&instance.workload)
        {
            return;
        }
        let details = &instance.details;
        let image = match details.digest.as_str() {
            "" => details.image.clone(),
            digest => digest.to_owned(),
        };
        let file_name = instance.workload.file_name();
        let (id, from_start) = (instance.id.clone(), instance.from_start);
        let learner = Learner {
            home,
            file_name: &file_name,
            image: &image,
            id: &id,
            from_start,
        };
        let programs = self.uses.all.learns(learner, self.judge.store(), now);
        for program in programs {
            self.want_loader(home, program);
        }
        if !self.uses.tells.files {
            self.uses.all.blind(home);
        }
        if !from_start {
            self.uses.ask_later(home, Wanted::Mapped);
        }
    }

    /// Asks what waited: of each container all processes that see it from inside, by one look at all.
    fn ask_later(&mut self) {
        let later = take(&mut self.uses.later);
        if later.is_empty() {
            return;
        }
        let mut inside: HashMap<u64, Vec<(u32, u32, u64)>> = { later.iter() }
            .map(|(home, _)| (*home, Vec::new()))
            .collect();
        for (pid, process) in self.tables.processes() {
            if let Some(own) = inside.get_mut(&process.cgroup) {
                own.push((process.container_pid, pid, process.start));
            }
        }
        let pids: HashMap<u64, Arc<[(u32, u64)]>> = { inside.into_iter() }
            .map(|(home, mut own)| {
                own.sort_unstable();
                let own = own.into_iter().take(PROCESSES_MAX);
                (home, own.map(|(_, pid, start)| (pid, start)).collect())
            })
            .collect();
        for (home, wanted) in later {
            self.uses.ask(Ask {
                home,
                pids: pids.get(&home).cloned().unwrap_or_default(),
                wanted,
                is_last: true,
            });
        }
    }

    fn looked_up(&mut self, found: Found, now: u64) {
        let Some(files) = found.files else {
            match found.is_last {
                true => self.uses.all.no_loader(found.home),
                false => self.uses.ask_later(found.home, found.wanted),
            }
            return;
        };
        let how = match found.wanted {
            Wanted::Mapped => uses::MAPPED,
            Wanted::Loader(_) => uses::EXEC,
        };
        for path in files {
            let seen = Seen {
                path: path.into(),
                how,
                changed: false,
                at: clock::now() / NANOSECONDS,
                pid: 0,
            };
            // A loader needs none.
            let _ = self
                .uses
                .all
                .take(found.home, seen, self.judge.store(), now);
        }
    }

    /// Once a second: who learns, and what was shed; what changed is stored.
    pub(super) fn tick_uses(&mut self, now: u64, all: bool) {
        if !self.uses.on {
            return;
        }
        let running: Vec<Instance> = self.registry.running().cloned().collect();
        let mut wanted = now.saturating_sub(self.uses.coming) < COMING;
        for instance in running {
            let home = instance.home;
            let learns = !instance.is_named() || self.judge.learns(&instance);
            wanted |= learns;
            if let Some(watched) = self.judge.take_watched(&instance)
                && !self.tables.seen.watch(home, watched)
            {
                self.lose(super::UserLoss::NoRoom, 1);
            }
            if !learns {
                self.take_shed(home);
                self.uses.all.rests(home, self.judge.store(), now);
            } else if instance.is_named() {
                if !self.uses.all.has(home) {
                    self.decide_uses(home, now);
                }
                self.take_shed(home);
            }
        }
        for home in self.uses.all.undecided() {
            match self.registry.resolve(home) {
                Resolution::Instance(_) => self.decide_uses(home, now),
                Resolution::Ignored => self.uses.all.rests(home, self.judge.store(), now),
                Resolution::Pending => wanted = true,
                Resolution::Unheard => {}
            }
        }
        self.tables.note_uses(wanted);
        self.uses.asked.clear();
        self.catch_up(true, now);
        match all {
            true => self.uses.all.finish(self.judge.store(), now),
            false => self.uses.all.save(now),
        }
        self.ask_later();
    }

    fn take_shed(&mut self, home: u64) {
        if self.uses.all.has(home) {
            let (_, shed) = self.tables.seen.uses(home);
            self.uses.all.shed(home, shed);
        }
    }

    /// A container is gone, and its allowance is about to be.
    pub(super) fn uses_end(&mut self, home: u64) {
        self.take_shed(home);
        self.uses.all.gone(home, clock::since_boot());
    }

    /// The inventory of the workload of a profile, and the profile's name.
    pub(super) fn inventory(&mut self, name: &str) -> Result<(String, Stored), AskError> {
        let running: Vec<u64> = { self.registry.running() }
            .map(|instance| instance.home)
            .collect();
        for home in running {
            self.take_shed(home);
        }
        self.catch_up(true, clock::since_boot());
        let workload = self.judge.workload(name)?;
        let stored = self
            .uses
            .all
            .stored(&workload.file_name(), self.judge.store());
        Ok((workload.to_string(), stored))
    }
}
