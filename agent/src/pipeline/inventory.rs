//! Which files of their images containers use: from their ring to the inventories of workloads.
//!
//! The ring wakes nobody and is read after the others, so it takes no time from behaviours. Who
//! learns is looked at each second; while nobody does, and no container is about to come, the kernel side
//! is told to note nothing.

use super::{BATCH, Line, Ring, SECOND, Waker};
use crate::clock;
use crate::container::{Instance, Resolution};
use crate::inventory::look::{Ask, Found, Looker, Wanted};
use crate::inventory::{Inventories, Learner, Seen};
use crate::judge::decide::AskError;
use crate::kernel::tables::Tables;
use lapwing_abi::decode::{Body, Record, path_from_components};
use lapwing_abi::ids::{Origin, flags};
use lapwing_abi::inventory::UseRecord;
use lapwing_profile::inventory::packed::pack;
use lapwing_profile::inventory::{Inventory, uses};

const NANOSECONDS: i64 = SECOND as i64;
/// How long a cgroup that was made may become a container, for which all is noted.
const COMING: u64 = 5 * SECOND;
/// Processes that are asked for a container's files.
const PIDS_MAX: usize = 64;

/// What is known of the files that containers use.
pub(super) struct Uses {
    /// Whether they are noted.
    on: bool,
    all: Inventories,
    looker: Looker,
    /// When a cgroup was made last, since boot in nanoseconds.
    coming: u64,
}

impl Uses {
    /// Nothing yet.
    pub(super) fn begin(on: bool, waker: Waker) -> Self {
        Self {
            on,
            all: Inventories::default(),
            looker: Looker::begin(waker),
            coming: clock::since_boot(),
        }
    }

    /// A container may be about to come.
    pub(super) fn coming(&mut self, tables: &mut Tables) {
        self.coming = clock::since_boot();
        tables.note_uses(self.on);
    }
}

impl Line {
    /// Reads the ring of uses; what is left after a batch comes the next time.
    pub(super) fn take_uses(&mut self, ring: &mut Ring) {
        let now = clock::since_boot();
        for _ in 0..BATCH {
            let Some(item) = ring.next() else {
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
            };
            self.use_of(record.home, record.pid, seen, now);
        }
        while let Some(found) = self.uses.looker.found() {
            self.looked_up(found, now);
        }
    }

    /// A container's program was executed: the kernel side notes that as an open only where it sees the
    /// kernel's own.
    pub(super) fn note_exec(&mut self, record: &Record<'_>) {
        let Body::Exec {
            path,
            filename,
            origin,
            ..
        } = record.body
        else {
            return;
        };
        if !self.uses.on || !matches!(origin, Origin::Image | Origin::UpperLayer) {
            return;
        }
        let (home, pid) = (record.header.cgroup, record.header.pid);
        let seen = |path: &[u8]| Seen {
            path: path_from_components(path).into(),
            how: uses::EXEC,
            changed: origin == Origin::UpperLayer,
            at: self.clock.wall(record.header.time) / NANOSECONDS,
        };
        let program = seen(path);
        let script = (record.header.flags & flags::SCRIPT_RESOLVED != 0).then(|| seen(filename));
        let now = clock::since_boot();
        // A program may be the host's, which a runtime executes.
        if record.header.flags & flags::PATH_TRUNCATED == 0 {
            self.use_of(home, pid, program, now);
        }
        if let Some(script) = script
            && record.header.flags & (flags::TARGET_TRUNCATED | flags::TARGET_DETACHED) == 0
        {
            self.use_of(home, pid, script, now);
        }
    }

    fn use_of(&mut self, home: u64, pid: u32, seen: Seen, now: u64) {
        if !self.uses.all.has(home) {
            self.decide_uses(home, now);
        }
        let path = seen.path.clone();
        if self.uses.all.take(home, seen, self.judge.store(), now) {
            self.want_loader(home, Some(pid), path);
        }
    }

    /// Whether the uses of a container count, if that is known by now.
    fn decide_uses(&mut self, home: u64, now: u64) {
        let Resolution::Instance(instance) = self.registry.resolve(home) else {
            return;
        };
        if !instance.is_named() || !self.judge.learns(instance) {
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
            self.want_loader(home, None, program);
        }
        if !from_start {
            let pids = self.inside_of(home, None);
            let wanted = Wanted::Mapped;
            if !self.uses.looker.ask(Ask { home, pids, wanted }) {
                self.uses
                    .all
                    .no_loader(home, self.judge.store(), clock::since_boot());
            }
        }
    }

    fn want_loader(&mut self, home: u64, pid: Option<u32>, program: Box<[u8]>) {
        let pids = self.inside_of(home, pid);
        let wanted = Wanted::Loader(program);
        if !self.uses.looker.ask(Ask { home, pids, wanted }) {
            self.uses
                .all
                .no_loader(home, self.judge.store(), clock::since_boot());
        }
    }

    /// Processes that see a container from inside, this one first.
    fn inside_of(&self, home: u64, first: Option<u32>) -> Vec<u32> {
        let mut own: Vec<(u32, u32)> = self
            .tables
            .processes()
            .filter(|(_, process)| process.cgroup == home)
            .map(|(pid, process)| (process.container_pid, pid))
            .collect();
        own.sort_unstable();
        let own = own.into_iter().map(|(_, pid)| pid);
        first.into_iter().chain(own).take(PIDS_MAX).collect()
    }

    fn looked_up(&mut self, found: Found, now: u64) {
        let Some(files) = found.files else {
            self.uses.all.no_loader(found.home, self.judge.store(), now);
            return;
        };
        let how = if found.mapped {
            uses::MAPPED
        } else {
            uses::EXEC
        };
        for path in files {
            let seen = Seen {
                path: path.into(),
                how,
                changed: false,
                at: clock::now() / NANOSECONDS,
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
                self.uses.all.rests(home);
            } else if instance.is_named() {
                if !self.uses.all.has(home) {
                    self.decide_uses(home, now);
                }
                self.take_shed(home);
            }
        }
        for home in self.uses.all.waiting() {
            match self.registry.resolve(home) {
                Resolution::Instance(_) => self.decide_uses(home, now),
                Resolution::Ignored => self.uses.all.rests(home),
                Resolution::Pending => wanted = true,
                Resolution::Unheard => {}
            }
        }
        self.tables.note_uses(wanted);
        let judge = &self.judge;
        self.uses
            .all
            .save(now, all, |path, text| judge.write(path, text));
    }

    fn take_shed(&mut self, home: u64) {
        if self.uses.all.has(home) {
            let (_, shed) = self.tables.seen.uses(home);
            self.uses
                .all
                .shed(home, shed, self.judge.store(), clock::since_boot());
        }
    }

    /// A container is gone, and its allowance is about to be.
    pub(super) fn uses_end(&mut self, home: u64) {
        self.take_shed(home);
        self.uses.all.gone(home, clock::since_boot());
    }

    /// The packed inventory of the workload of a profile, and the profile's name.
    pub(super) fn inventory(&mut self, name: &str) -> Result<(String, Vec<u8>), AskError> {
        let running: Vec<u64> = { self.registry.running() }
            .map(|instance| instance.home)
            .collect();
        for home in running {
            self.take_shed(home);
        }
        let workload = self.judge.workload(name)?;
        let stored = self
            .uses
            .all
            .packed(&workload.file_name(), self.judge.store())?;
        let packed = stored.unwrap_or_else(|| pack(&Inventory::default()));
        Ok((workload.to_string(), packed))
    }
}
