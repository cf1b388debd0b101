//! What the pipeline does besides the path of a record: the start, what is due from time to
//! time, and the end.

use super::Line;
use super::loss::{self, UserLoss};
use crate::clock::{self, Clock};
use crate::container::scan::{self, Seed};
use crate::judge::episodes::Moment;
use crate::kernel::refusal;
use lapwing_abi::ids::{Loss, Phase};
use lapwing_proto::timestamp;
use lapwing_proto::v1::{Gap, Heartbeat, watch_response::Item};
use std::collections::{HashMap, HashSet};
use std::path::Path;

impl Line {
    /// The processes that ran before the agent, for the kernel side's tree.
    pub(super) fn seed(&mut self, proc: &Path, seeds: Vec<Seed>) {
        // What one container may hold of the tree is bounded here as in the kernel.
        let share = self.tables.shares().processes();
        let mut held: HashMap<u64, usize> = HashMap::new();
        for seed in seeds {
            let pid = seed.pid;
            let entry = self.tables.process(pid);
            if let Some(process) = self.adopted.entry(&seed, entry) {
                let held = held.entry(process.cgroup).or_default();
                *held += 1;
                if *held > share && entry.is_none() {
                    if !self.tables.refuse_process(process.cgroup) {
                        self.lose(UserLoss::NoRoom, 1);
                    }
                    continue;
                }
                if self.tables.set_process(pid, process).is_err() {
                    self.lose(UserLoss::NoRoom, 1);
                }
                // If it ended meanwhile, the kernel side may have looked for the entry before.
                if scan::start(proc, pid) != Some(seed.process.start) {
                    self.tables.remove_process(pid);
                }
            }
            // The runtime's programs are nobody's ancestors: see `lapwing_profile::lineage`.
            if seed.process.phase > u32::from(Phase::Runtime.raw()) {
                self.images.insert(seed.process.exec, seed.image);
            }
        }
        self.tables.recount(true);
    }

    /// Reports the rows that no variant serves on this kernel: a profile that is silent about
    /// them must not look clean.
    pub(super) fn report_blind_hooks(&mut self) {
        let moment = self.moment();
        for hook in self.hooks.iter().filter(|hook| hook.tier.is_none()) {
            let text = format!("{}: {}", hook.row.id(), refusal::joined(&hook.refused));
            for item in self.judge.blind(hook.row.id(), text, moment) {
                self.feed.publish(moment.wall, item);
            }
        }
    }

    /// Reports the stored profiles that could not be taken up, or are not what was signed.
    pub(super) fn report_set_aside(&mut self) {
        let moment = self.moment();
        let mut items = self.judge.set_aside(moment);
        items.extend(self.judge.unsigned(moment));
        for item in items {
            self.feed.publish(moment.wall, item);
        }
    }

    /// Looks for names that are still to come, and forgets what is long gone.
    pub(super) fn look(&mut self, now: u64) {
        if self.registry.next_look().is_some_and(|at| at <= now) {
            let tables = &self.tables;
            let live = || -> HashSet<u64> {
                let processes = tables.processes();
                processes.map(|(_, process)| process.cgroup).collect()
            };
            let effects = self.registry.tick(now, live);
            self.carry_out(effects);
        }
    }

    /// Forgets processes whose end nobody told.
    fn forget_ended(&mut self, now: u64) {
        if !self.ended.is_due(now) {
            return;
        }
        let runs = |pid: u32| Path::new("/proc").join(pid.to_string()).exists();
        let tree = self.tables.processes();
        let tree = tree.map(|(pid, process)| (pid, process.start));
        for (pid, start) in self.ended.look(now, tree, runs) {
            // The id may have become another's just now.
            let same = self.tables.process(pid).map(|process| process.start) == Some(start);
            if same && !runs(pid) {
                tracing::debug!(pid, "a process has left the tree without its exit");
                self.tables.remove_process(pid);
            }
        }
    }

    pub(super) fn sweep(&mut self) {
        self.swept = clock::since_boot();
        let processes = self.tables.processes();
        let live = processes.flat_map(|(_, process)| [process.exec, process.issuer]);
        // The chain from a process may lead through images that wait in the kernel.
        let live: Vec<u64> = live.chain(self.issuers_of_kept()).collect();
        self.images.sweep(live.into_iter());
    }

    /// Publishes a gap that ends now.
    pub(super) fn gap(&mut self, reason: &str, count: u64, from: i64, scope: &str) {
        let now = clock::now();
        self.last_gap = clock::since_boot();
        self.feed.publish(
            now,
            Item::Gap(Gap {
                reason: reason.to_owned(),
                count,
                from: Some(timestamp(from)),
                to: Some(timestamp(now)),
                scope: scope.to_owned(),
                ..Gap::default()
            }),
        );
    }

    /// Every loss so far, by name.
    pub(super) fn losses(&self) -> Vec<(&'static str, u64)> {
        let kernel = Loss::ALL.iter().map(|reason| {
            let count = self.tables.losses(*reason) + self.lost.total(*reason);
            (reason.name(), count)
        });
        let user = self.user_losses.iter();
        let user = user.map(|(reason, count)| {
            let of_containers = self.lost.of_containers(reason);
            (reason.name(), count + of_containers)
        });
        kernel.chain(user).collect()
    }

    pub(super) fn tick(&mut self) {
        self.clock = Clock::read();
        let refused = self.images.take_refused();
        self.lose(UserLoss::ImagesFull, refused);
        let unpublished = self.judge.take_unpublished();
        self.lose(UserLoss::Unpublished, unpublished);
        let from = self.looked;
        let mut resync = false;
        self.report_lost(from);
        // What containers lost was told with their names.
        let node = Loss::ALL
            .iter()
            .map(|reason| (reason.name(), self.tables.losses(*reason)));
        let user = self.user_losses.iter();
        let user = user.map(|(reason, count)| (reason.name(), count));
        let node: Vec<_> = node.chain(user).collect();
        for (reason, count) in node {
            let reported = self.reported.insert(reason, count).unwrap_or_default();
            if count > reported && loss::leaves_a_gap(reason) {
                self.gap(reason, count - reported, from, "node");
                if loss::hides_behaviours(reason) {
                    self.judge.gap(clock::now());
                }
                resync |= reason == Loss::LifecycleRingFull.name();
            }
        }
        if resync {
            let listed = self.tables.cgroups();
            let effects = self.registry.resync(&listed, clock::since_boot());
            self.carry_out(effects);
        }
        self.look_through_kept();
        self.forget_ended(clock::since_boot());
        self.tables.recount(false);
        self.sweep_repeats(clock::since_boot());
        self.follow_names(clock::since_boot());
        self.count_unread();
        self.tick_uses(clock::since_boot(), false);
        self.look_at_calls();
        self.look_at_written();
        self.weigh();
        let moment = self.moment();
        self.judge.learn(self.registry.running(), moment);
        self.looked = moment.wall;
        let mut items = self.judge.due(moment);
        items.extend(self.judge.save(moment));
        let trouble = self.feed.trouble().map(|trouble| trouble.detail);
        items.extend(self.judge.feed(trouble, moment));
        for item in items {
            self.feed.publish(moment.wall, item);
        }
    }

    pub(super) fn moment(&self) -> Moment {
        let boot = clock::since_boot();
        let wall = self.clock.wall(boot);
        Moment { boot, wall }
    }

    pub(super) fn beat(&mut self) {
        let now = clock::now();
        self.judge.beat(self.moment());
        if let Some(profiles) = &self.said.profiles {
            profiles.runs(&crate::status::instances(&self.registry));
        }
        self.feed.publish(
            now,
            Item::Heartbeat(Heartbeat {
                time: Some(timestamp(now)),
                node: self.node.clone(),
                containers: self.registry.running().count() as u32,
                lost: self.losses().iter().map(|(_, count)| count).sum(),
                ..Heartbeat::default()
            }),
        );
    }

    /// Nothing more comes: what waits goes out with what is known, and everything is stored. The
    /// programs were detached at `detached`, in nanoseconds since the Unix epoch.
    pub(super) fn end(&mut self, detached: i64) {
        let effects = self.registry.finish(clock::since_boot());
        self.carry_out(effects);
        for (_, records) in self.held.take(|_| true) {
            self.lose(UserLoss::Stopped, records.len() as u64);
        }
        self.sweep_all();
        self.tick();
        self.tick_uses(clock::since_boot(), true);
        let moment = self.moment();
        let end = Moment {
            wall: detached,
            ..moment
        };
        for item in self.judge.end(end) {
            self.feed.publish(moment.wall, item);
        }
    }
}
