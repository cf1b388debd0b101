//! The whole path, in one thread: read, decode, attribute, judge, offer.
//!
//! The thread waits on the two rings, on requests of the API, and on time. The
//! lifecycle ring is read first, and again whenever a record names a cgroup that
//! was never heard of, so a container is known before its first record is judged.
//! Records of a container whose name is still to come are held, in order and in
//! bounds; what does not fit is counted and becomes a gap.

use crate::api::control::Request;
use crate::clock::{self, Clock};
use crate::container::{Effect, NAME_AFTER, Registry, Resolution};
use crate::feed::Feed;
use crate::judge::episodes::Moment;
use crate::judge::{Judge, Scene, sighting};
use crate::kernel::sensor::Sensor;
use crate::kernel::tables::{Rings, Tables};
use crate::process::Images;
use crate::status;
use anyhow::{Context, Result};
use lapwing_abi::decode::{CgroupRecord, Record};
use lapwing_abi::ids::{CgroupChange, Loss, Phase, flags};
use lapwing_profile::decide::By;
use lapwing_profile::text;
use lapwing_proto::timestamp;
use lapwing_proto::v1::{self, Gap, Heartbeat, watch_response::Item};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::{AsFd, OwnedFd};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
/// Time between two looks at names that are still to come.
const WAITING_TICK: u64 = 25 * MILLISECOND;
/// Time between two looks at losses, changed profiles and risen counts.
const TICK: u64 = SECOND;
/// Time between two heartbeats.
const HEARTBEAT: u64 = 5 * SECOND;
/// Records that are read before requests are looked at again.
const BATCH: usize = 4_096;
/// Records held for one container.
const HELD_MAX: usize = 8_192;
/// Bytes held for all.
const HELD_BYTES_MAX: usize = 32 << 20;

/// Wakes the pipeline from another thread.
#[derive(Clone)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    /// A new one.
    ///
    /// # Errors
    /// When there are no file descriptors left.
    pub fn new() -> Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .context("cannot make an event descriptor")?;
        Ok(Self(Arc::new(fd)))
    }

    /// Wakes it.
    pub fn wake(&self) {
        // It fails only if it is full, and then it is awake already.
        let _ = rustix::io::write(&*self.0, &1u64.to_ne_bytes());
    }

    fn clear(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0; 8]);
    }
}

/// Why something was lost in user space; the names join those of [`Loss`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserLoss {
    /// Too many records waited for the name of their container.
    HeldFull,
    /// A record could not be read.
    Undecodable,
    /// Too many programs at a time: ancestors are missing.
    ImagesFull,
    /// Too many containers or cgroups at a time.
    NoRoom,
    /// Too many behaviours: some were judged and not published.
    Unpublished,
}

impl UserLoss {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::HeldFull,
        Self::Undecodable,
        Self::ImagesFull,
        Self::NoRoom,
        Self::Unpublished,
    ];

    /// The name in gaps and `lapwing status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeldFull => "held-full",
            Self::Undecodable => "undecodable",
            Self::ImagesFull => "images-full",
            Self::NoRoom => "containers-full",
            Self::Unpublished => "behaviours-unpublished",
        }
    }
}

/// Records that wait for the name of their container.
#[derive(Default)]
struct Held {
    records: HashMap<u64, Vec<Vec<u8>>>,
    bytes: usize,
}

/// What the pipeline is made of.
pub struct Parts {
    /// The attached programs; dropping it detaches them.
    pub sensor: Sensor,
    /// The kernel side's maps.
    pub tables: Tables,
    /// The containers.
    pub registry: Registry,
    /// The profiles.
    pub judge: Judge,
    /// Where reports go.
    pub feed: Arc<Feed>,
    /// This node's name.
    pub node: String,
    /// The cluster's name.
    pub cluster: String,
    /// When the agent started, in nanoseconds since the Unix epoch.
    pub started: i64,
}

/// Everything behind the rings, apart from them: a record is borrowed from its ring while it
/// is judged.
struct Line {
    parts: Parts,
    images: Images,
    clock: Clock,
    held: Held,
    /// Records read.
    records: u64,
    user_losses: [u64; UserLoss::ALL.len()],
    /// How much of each loss was reported.
    reported: HashMap<&'static str, u64>,
    /// When losses were looked at last, in nanoseconds since the Unix epoch.
    looked: i64,
    /// When the last gap ended, since boot in nanoseconds; 0 for none.
    last_gap: u64,
}

/// The thread's work.
pub struct Pipeline {
    rings: Rings,
    line: Line,
    requests: Receiver<Request>,
    waker: Waker,
}

impl Pipeline {
    /// Takes in what runs already. The programs are attached, so nothing falls between.
    #[must_use]
    pub fn new(parts: Parts, rings: Rings, requests: Receiver<Request>, waker: Waker) -> Self {
        let mut line = Line {
            images: Images::default(),
            clock: Clock::read(),
            held: Held::default(),
            records: 0,
            user_losses: [0; UserLoss::ALL.len()],
            reported: HashMap::new(),
            looked: parts.started,
            last_gap: 0,
            parts,
        };
        if let Some(beat) = line.parts.judge.store().last_beat() {
            line.gap("agent-down", 0, beat, "node");
        }
        let (effects, seeds) = line
            .parts
            .registry
            .scan(Path::new("/proc"), clock::since_boot());
        line.carry_out(effects);
        for seed in seeds {
            line.images.insert(seed.process.exec, seed.image);
            line.parts.tables.seed_process(seed.pid, seed.process);
        }
        Self {
            rings,
            line,
            requests,
            waker,
        }
    }

    /// Works until `stop` is set, then drains what is on its way, and stores everything.
    ///
    /// # Errors
    /// When waiting for the rings fails.
    pub fn run(mut self, stop: &AtomicBool) -> Result<()> {
        let mut next_tick = 0;
        let mut next_beat = 0;
        loop {
            let now = clock::since_boot();
            let waiting = self.line.parts.registry.is_waiting();
            let until = if waiting {
                now + WAITING_TICK
            } else {
                next_tick
            };
            self.wait(until.min(next_tick).saturating_sub(now))?;
            let stopping = stop.load(Ordering::Acquire);
            let more = self.read();
            let now = clock::since_boot();
            if waiting || self.line.parts.registry.is_waiting() {
                let effects = self.line.parts.registry.tick(now);
                self.line.carry_out(effects);
            }
            while let Ok(request) = self.requests.try_recv() {
                self.line.answer(request);
            }
            self.line.parts.judge.go_on();
            if now >= next_tick {
                self.line.tick();
                next_tick = now + TICK;
            }
            if now >= next_beat {
                self.line.beat();
                next_beat = now + HEARTBEAT;
            }
            if more {
                self.waker.wake();
            } else if stopping {
                break;
            }
        }
        self.line.end();
        Ok(())
    }

    fn wait(&self, nanoseconds: u64) -> Result<()> {
        let mut fds = [
            PollFd::new(&self.rings.lifecycle, PollFlags::IN),
            PollFd::new(&self.rings.behaviour, PollFlags::IN),
            PollFd::from_borrowed_fd(self.waker.0.as_fd(), PollFlags::IN),
        ];
        let timeout = Timespec {
            tv_sec: (nanoseconds / SECOND) as i64,
            tv_nsec: (nanoseconds % SECOND) as i64,
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the ring buffers"),
        }
        self.waker.clear();
        Ok(())
    }

    /// Reads both rings. Answers whether there is more than a batch.
    fn read(&mut self) -> bool {
        let Rings {
            lifecycle,
            behaviour,
        } = &mut self.rings;
        self.line.lifecycle(lifecycle);
        for _ in 0..BATCH {
            let Some(item) = behaviour.next() else {
                if self.line.images.wants_sweep() {
                    self.line.sweep();
                }
                return false;
            };
            self.line.records += 1;
            self.line.take(&item, lifecycle);
        }
        true
    }
}

impl Line {
    fn lose(&mut self, reason: UserLoss, count: u64) {
        self.user_losses[reason as usize] += count;
    }

    /// Reads the lifecycle ring until it is empty.
    fn lifecycle(&mut self, ring: &mut aya::maps::RingBuf<aya::maps::MapData>) {
        while let Some(item) = ring.next() {
            let Ok(record) = CgroupRecord::decode(&item) else {
                self.lose(UserLoss::Undecodable, 1);
                continue;
            };
            let registry = &mut self.parts.registry;
            let effects = match record.change {
                CgroupChange::Created => {
                    let path = text::canonical(record.path);
                    registry.met(record.cgroup, record.parent, &path, record.time)
                }
                CgroupChange::Removed => registry.removed(record.cgroup, record.time),
            };
            drop(item);
            self.carry_out(effects);
        }
    }

    /// One record: decode, attribute, judge, offer.
    fn take(&mut self, bytes: &[u8], lifecycle: &mut aya::maps::RingBuf<aya::maps::MapData>) {
        let Ok(record) = Record::decode(bytes) else {
            self.lose(UserLoss::Undecodable, 1);
            return;
        };
        // The runtime's own steps are nobody's ancestors: a container begins with its program.
        if record.phase != Phase::Runtime
            && let Some(image) = sighting::image(&record)
        {
            self.images.insert(record.header.exec, image);
        }
        let cgroup = record.header.cgroup;
        if matches!(self.parts.registry.resolve(cgroup), Resolution::Unheard) {
            self.lifecycle(lifecycle);
        }
        if matches!(self.parts.registry.resolve(cgroup), Resolution::Unheard) {
            // Its creation was lost, or it is older than the scan.
            let effects = self.parts.registry.met(cgroup, 0, "", record.header.time);
            self.carry_out(effects);
        }
        if record.header.flags & flags::FOREIGN_ROOT != 0 {
            let effects = self.parts.registry.foreign_root(cgroup, record.header.time);
            self.carry_out(effects);
            if record.phase == Phase::Main {
                self.started(cgroup);
            }
        }
        if record.phase == Phase::Runtime {
            return; // The runtime's own steps are nobody's behaviour.
        }
        if self.held.records.contains_key(&cgroup) {
            self.hold(cgroup, bytes);
        } else {
            let effects = self.parts.registry.needed(cgroup, record.header.time);
            self.carry_out(effects);
            match self.parts.registry.resolve(cgroup) {
                Resolution::Instance(_) => self.judge(&record),
                Resolution::Pending => self.hold(cgroup, bytes),
                Resolution::Ignored | Resolution::Unheard => {}
            }
        }
    }

    /// The container's first program ran. The kernel side knows, unless the agent wrote to the
    /// entry at the same moment.
    fn started(&mut self, cgroup: u64) {
        if let Some(mut entry) = self.parts.tables.cgroup(cgroup)
            && entry.started == 0
        {
            entry.started = 1;
            if self.parts.tables.set_cgroup(cgroup, entry).is_err() {
                self.lose(UserLoss::NoRoom, 1);
            }
        }
    }

    fn judge(&mut self, record: &Record<'_>) {
        let Resolution::Instance(instance) = self.parts.registry.resolve(record.header.cgroup)
        else {
            return;
        };
        let scene = Scene {
            instance,
            images: &self.images,
            clock: self.clock,
            last_gap: self.last_gap,
        };
        let (at, items) = self.parts.judge.take(record, scene);
        for item in items {
            self.parts.feed.publish(at, item);
        }
    }

    fn hold(&mut self, cgroup: u64, bytes: &[u8]) {
        let queue = self.held.records.entry(cgroup).or_default();
        if queue.len() >= HELD_MAX || self.held.bytes + bytes.len() > HELD_BYTES_MAX {
            self.lose(UserLoss::HeldFull, 1);
            return;
        }
        queue.push(bytes.to_vec());
        self.held.bytes += bytes.len();
    }

    /// Judges what was held for a cgroup, in order.
    fn release(&mut self, cgroup: u64) {
        let Some(queue) = self.held.records.remove(&cgroup) else {
            return;
        };
        for bytes in queue {
            self.held.bytes -= bytes.len();
            // It was decoded before it was held.
            if let Ok(record) = Record::decode(&bytes) {
                self.judge(&record);
            }
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Set(id, mut cgroup) => {
                    // The kernel side sets this one; it must not be taken back.
                    cgroup.started |= self
                        .parts
                        .tables
                        .cgroup(id)
                        .map_or(0, |known| known.started);
                    if self.parts.tables.set_cgroup(id, cgroup).is_err() {
                        self.lose(UserLoss::NoRoom, 1);
                    }
                }
                Effect::Forget(id) => self.parts.tables.remove_cgroup(id),
                Effect::Decided(id) => self.release(id),
                Effect::Gone(id) => self.parts.judge.gone(id),
                Effect::NoRoom(_) => self.lose(UserLoss::NoRoom, 1),
            }
        }
    }

    fn sweep(&mut self) {
        let live: Vec<u64> = self
            .parts
            .tables
            .processes()
            .flat_map(|(_, process)| [process.exec, process.issuer])
            .collect();
        self.images.sweep(live.into_iter());
    }

    /// Publishes a gap that ends now.
    fn gap(&mut self, reason: &str, count: u64, from: i64, scope: &str) {
        let now = clock::now();
        self.last_gap = clock::since_boot();
        self.parts.feed.publish(
            now,
            Item::Gap(Gap {
                reason: reason.to_owned(),
                count,
                from: Some(timestamp(from)),
                to: Some(timestamp(now)),
                scope: scope.to_owned(),
            }),
        );
    }

    /// Every loss so far, by name.
    fn losses(&self) -> Vec<(&'static str, u64)> {
        let kernel = Loss::ALL
            .iter()
            .map(|reason| (reason.name(), self.parts.tables.losses(*reason)));
        let user = UserLoss::ALL
            .iter()
            .map(|reason| (reason.name(), self.user_losses[*reason as usize]));
        kernel.chain(user).collect()
    }

    fn tick(&mut self) {
        self.clock = Clock::read();
        let refused = self.images.take_refused();
        self.lose(UserLoss::ImagesFull, refused);
        let unpublished = self.parts.judge.take_unpublished();
        self.lose(UserLoss::Unpublished, unpublished);
        let from = self.looked;
        for (reason, count) in self.losses() {
            let reported = self.reported.insert(reason, count).unwrap_or_default();
            if count > reported {
                self.gap(reason, count - reported, from, "node");
            }
        }
        let moment = self.moment();
        self.looked = moment.wall;
        let mut items = self.parts.judge.due(moment);
        items.extend(self.parts.judge.save(moment));
        for item in items {
            self.parts.feed.publish(moment.wall, item);
        }
        let effects = self.parts.registry.tick(clock::since_boot());
        self.carry_out(effects);
    }

    fn moment(&self) -> Moment {
        let boot = clock::since_boot();
        let wall = self.clock.wall(boot);
        Moment { boot, wall }
    }

    fn beat(&mut self) {
        let now = clock::now();
        self.parts.judge.beat(self.moment());
        self.parts.feed.publish(
            now,
            Item::Heartbeat(Heartbeat {
                time: Some(timestamp(now)),
                node: self.parts.node.clone(),
                containers: self.parts.registry.running().count() as u32,
            }),
        );
    }

    /// Nothing more comes: what waits goes out with what is known, and everything is stored.
    fn end(&mut self) {
        let waiting: Vec<u64> = self.held.records.keys().copied().collect();
        let later = clock::since_boot() + NAME_AFTER;
        let effects = self.parts.registry.tick(later);
        self.carry_out(effects);
        for cgroup in waiting {
            self.release(cgroup);
        }
        self.tick();
        let moment = self.moment();
        for item in self.parts.judge.end(moment) {
            self.parts.feed.publish(moment.wall, item);
        }
    }

    fn answer(&mut self, request: Request) {
        // A client that went away needs no answer.
        match request {
            Request::Status(reply) => drop(reply.send(self.status())),
            Request::Containers(reply) => {
                drop(reply.send(status::containers(&self.parts.registry, self.clock)));
            }
            Request::Profiles(reply) => {
                let profiles = self
                    .parts
                    .judge
                    .summaries(&status::instances(&self.parts.registry));
                drop(reply.send(v1::ListProfilesResponse { profiles }));
            }
            Request::Profile(request, reply) => {
                let answer = self.parts.judge.profile(&request.name);
                drop(
                    reply.send(answer.map(|(summary, yaml)| v1::GetProfileResponse {
                        summary: Some(summary),
                        yaml,
                    })),
                );
            }
            Request::Promote(request, reply) => {
                let decider = request.decider.unwrap_or_default();
                let judge = &mut self.parts.judge;
                judge.promote(&request.name, by(&decider), |answer| {
                    drop(reply.send(answer.map(|summary| v1::PromoteProfileResponse {
                        summary: Some(summary),
                    })));
                });
            }
            Request::Decide(request, reply) => {
                let decider = request.decider.clone().unwrap_or_default();
                let verdict = request.verdict();
                let judge = &mut self.parts.judge;
                let (name, entries) = (&request.name, &request.entries);
                judge.decide(verdict, name, entries, by(&decider), |answer| {
                    let answer = answer
                        .map(|(entries, profiles)| v1::DecideEntriesResponse { entries, profiles });
                    drop(reply.send(answer));
                });
            }
            Request::Import(request, reply) => {
                let decider = request.decider.unwrap_or_default();
                let judge = &mut self.parts.judge;
                judge.import(&request.yaml, by(&decider), |answer| {
                    drop(reply.send(answer.map(|summary| v1::ImportProfileResponse {
                        summary: Some(summary),
                    })));
                });
            }
        }
    }

    fn status(&self) -> v1::GetStatusResponse {
        let parts = &self.parts;
        let feed = parts.feed.summary();
        v1::GetStatusResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: parts.node.clone(),
            cluster: parts.cluster.clone(),
            kernel: status::kernel(),
            start_time: Some(timestamp(parts.started)),
            containers: parts.registry.running().count() as u32,
            processes: parts.tables.processes().count() as u32,
            records: self.records,
            violations: parts.judge.violations(),
            hooks: status::hooks(&parts.sensor, &parts.tables),
            losses: self
                .losses()
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(reason, count)| v1::get_status_response::Loss {
                    reason: reason.to_owned(),
                    count,
                })
                .collect(),
            profiles: parts.judge.summaries(&status::instances(&parts.registry)),
            feed: Some(v1::get_status_response::Feed {
                epoch: feed.epoch,
                first: feed.first,
                next: feed.next,
                subscribers: feed.subscribers,
            }),
            memory_bytes: status::memory(),
            violations_ended_early: parts.judge.episodes().ended_early(),
            violations_forgotten: parts.judge.episodes().forgotten(),
        }
    }
}

fn by(decider: &v1::Decider) -> By<'_> {
    By {
        actor: &decider.actor,
        reason: &decider.reason,
        at: clock::now(),
    }
}
