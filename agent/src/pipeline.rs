//! The whole path, in one thread: read, decode, attribute, judge, offer.
//!
//! The thread waits on the two rings, on requests of the API, and on time. The
//! lifecycle ring is read first, and again whenever a record names a cgroup that
//! was never heard of, so a container is known before its first record is judged.
//! Records of a cgroup of which it is not known yet whose it is are held, in order and in
//! bounds; what does not fit is counted and becomes a gap.

mod adopted;
mod answer;
mod contents;
mod effects;
mod ended;
mod fills;
mod held;
mod inventory;
mod loss;
mod lost;
mod names;
mod pulse;
mod recall;
mod repeats;
mod standing;
mod upkeep;
mod used;
mod waker;
mod written;

pub(crate) use loss::{UserLoss, hides_behaviours};
pub use pulse::Pulse;
pub use waker::Waker;

use crate::api::control::Request;
use crate::clock::{self, Clock};
use crate::cluster::Said;
use crate::container::identity::Identity;
use crate::container::{Act, Registry, Resolution};
use crate::credentials::Credentials;
use crate::feed::Feed;
use crate::judge::{Judge, Scene};
use crate::kernel::fill::Meter;
use crate::kernel::sensor::{HookState, Sensor};
use crate::kernel::spares::Spares;
use crate::kernel::tables::{Rings, Tables};
use crate::kernel::used::{Recording, UsedCalls};
use crate::process::Images;
use crate::standby;
use adopted::Adopted;
use anyhow::Result;
use aya::Ebpf;
use held::Held;
use lapwing_abi::decode::{CgroupRecord, Record};
use lapwing_abi::ids::{CgroupChange, Kind, Phase, Privileged, flags};
use lapwing_abi::record::Header;
use lapwing_profile::text;
use loss::UserLosses;
use rustix::fd::AsFd;
use standing::Standing;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

type Ring = aya::maps::RingBuf<aya::maps::MapData>;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
/// Time between two looks at losses, changed profiles and risen counts.
const TICK: u64 = SECOND;
/// Longest time that a record waits which nobody was woken for: one of a container that learns.
const LEARNING: u64 = 200 * MILLISECOND;
/// Time between two heartbeats.
const HEARTBEAT: u64 = 5 * SECOND;
/// Time for what is on its way when the agent is told to stop.
const DRAIN: u64 = SECOND;
/// Records that are read before requests are looked at again.
const BATCH: usize = 4_096;

/// What the pipeline is made of.
pub struct Parts {
    /// The attached programs; dropping it detaches them.
    pub sensor: Sensor,
    /// The kernel side's maps.
    pub tables: Tables,
    /// Where system calls are recorded; none where they are not.
    pub calls: Option<UsedCalls>,
    /// The files whose reading is a behaviour.
    pub credentials: Credentials,
    /// The containers.
    pub registry: Registry,
    /// Who is asked for their names, besides the files; none for nobody.
    pub identity: Option<Identity>,
    /// The profiles.
    pub judge: Judge,
    /// What the cluster says of them.
    pub said: Said,
    /// How long names hold, and how many.
    pub names: crate::dns::Settings,
    /// Whether it is noted which files of their images containers use.
    pub inventory: bool,
    /// Where reports go.
    pub feed: Arc<Feed>,
    /// This node's name.
    pub node: String,
    /// The cluster's name.
    pub cluster: String,
    /// When the agent started, in nanoseconds since the Unix epoch.
    pub started: i64,
    /// When all programs were attached, in nanoseconds since the Unix epoch.
    pub attached: i64,
    /// Where whoever stands by is found.
    pub state_dir: PathBuf,
}

/// Everything behind the rings, apart from them: a record is borrowed from its ring while it
/// is judged.
struct Line {
    tables: Tables,
    credentials: Credentials,
    registry: Registry,
    identity: Option<Identity>,
    judge: Judge,
    said: Said,
    feed: Arc<Feed>,
    node: String,
    cluster: String,
    started: i64,
    state_dir: PathBuf,
    hooks: Vec<HookState>,
    images: Images,
    adopted: Adopted,
    ended: ended::Ended,
    recall: recall::Recall,
    clock: Clock,
    held: Held,
    /// Records read.
    records: u64,
    user_losses: UserLosses,
    /// How much of each loss was reported.
    reported: HashMap<&'static str, u64>,
    /// When losses were looked at last, in nanoseconds since the Unix epoch.
    looked: i64,
    /// When the last gap ended, since boot in nanoseconds; 0 for none.
    last_gap: u64,
    /// When images were swept last, since boot in nanoseconds.
    swept: u64,
    /// What the kernel side lost of each container.
    lost: lost::Ledger,
    /// Verdicts that the kernel side had no room for.
    unheld: u64,
    /// Names of peers.
    names: names::Names,
    contents: contents::Contents,
    uses: inventory::Uses,
    used: used::Used,
    written: written::Written,
}

/// The thread's work.
pub struct Pipeline {
    /// The twins of programs, see [`Sensor::spares`].
    spares: Spares,
    /// The attached programs; dropping it detaches them.
    ebpf: Ebpf,
    rings: Rings,
    line: Line,
    standing: Standing,
    requests: Receiver<Request>,
    waker: Waker,
    pulse: Pulse,
}

impl Pipeline {
    /// Takes in what runs already. The programs are attached, so nothing falls between.
    #[must_use]
    pub fn new(parts: Parts, rings: Rings, requests: Receiver<Request>, waker: Waker) -> Self {
        let Sensor {
            ebpf,
            spares,
            hooks,
            walks: _,
            walks_execs: _,
            recording,
            notes_uses,
        } = parts.sensor;
        let tells = inventory::Tells::of(&hooks, notes_uses);
        let host_root = parts.registry.host_root().to_path_buf();
        let mut line = Line {
            tables: parts.tables,
            credentials: parts.credentials,
            registry: parts.registry,
            identity: parts.identity,
            judge: parts.judge,
            said: parts.said,
            feed: parts.feed,
            node: parts.node,
            cluster: parts.cluster,
            started: parts.started,
            state_dir: parts.state_dir,
            hooks,
            images: Images::default(),
            adopted: Adopted::default(),
            ended: ended::Ended::new(),
            recall: recall::Recall::default(),
            clock: Clock::read(),
            held: Held::default(),
            records: 0,
            user_losses: UserLosses::default(),
            reported: HashMap::new(),
            looked: parts.started,
            last_gap: 0,
            swept: 0,
            lost: lost::Ledger::default(),
            unheld: 0,
            names: names::Names::new(parts.names),
            contents: contents::Contents::begin(waker.clone()),
            uses: inventory::Uses::begin(parts.inventory, tells, waker.clone()),
            used: used::Used::new(parts.calls),
            written: written::Written::begin(host_root, waker.clone()),
        };
        // One that took over from another was attached before that one went.
        if let Some(beat) = line.judge.store().last_beat()
            && beat < parts.attached
        {
            line.gap("agent-down", 0, beat, "node");
        }
        let proc = Path::new("/proc");
        line.report_blind_hooks();
        if let Recording::Refused(because) = recording {
            line.report_unrecorded(&because.to_string());
        }
        line.report_set_aside();
        // What was in force when it ran last, before anything is judged.
        while line.hear_cluster() {}
        line.uses.coming(&mut line.tables);
        let (effects, seeds) = line.registry.scan(proc, clock::since_boot());
        if let Some(identity) = &line.identity {
            identity.met(|home| line.registry.exists(home));
        }
        line.carry_out(effects);
        let standing = Standing::begin(line.registry.host_root(), &seeds, waker.clone());
        line.seed(proc, seeds);
        Self {
            ebpf,
            rings,
            line,
            standing,
            requests,
            waker,
            spares,
            pulse: Pulse::new(),
        }
    }

    /// By which others see that the loop moves.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// By which others see how full the rings are.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.rings.meter.clone()
    }

    /// Works until `stop` is set, then drains what is on its way, and stores everything.
    ///
    /// # Errors
    /// When waiting for the rings fails.
    pub fn run(mut self, stop: &AtomicBool) -> Result<()> {
        waker::prefer_this_thread();
        let mut next_tick = 0;
        let mut next_beat = 0;
        while !stop.load(Ordering::Acquire) {
            self.pulse.beat();
            let now = clock::since_boot();
            let until = self.line.registry.next_look().unwrap_or(next_tick);
            let until = until.min(next_tick).min(now + LEARNING);
            let rings = [self.rings.lifecycle.as_fd(), self.rings.behaviour.as_fd()];
            self.waker.wait(rings, until.saturating_sub(now))?;
            self.rings.meter.note();
            if self.line.read(&mut self.rings) {
                self.waker.wake();
            }
            if self
                .line
                .stand(&mut self.standing, &mut self.rings.lifecycle)
            {
                self.waker.wake();
            }
            if self.line.take_uses(&mut self.rings.uses) {
                self.waker.wake();
            }
            self.line.contents();
            let now = clock::since_boot();
            self.line.look(now);
            self.line.hear(now);
            if self.line.hear_cluster() {
                self.waker.wake();
            }
            while let Ok(request) = self.requests.try_recv() {
                self.line.answer(request);
            }
            self.line.judge.go_on();
            self.line.decided();
            if now >= next_tick {
                self.count_skipped();
                self.line.tick();
                next_tick = now + TICK;
            }
            if now >= next_beat {
                self.line.beat();
                next_beat = now + HEARTBEAT;
            }
        }
        self.end();
        Ok(())
    }

    /// Nothing more comes: what is on its way is judged, or counted where there is no time.
    fn end(self) {
        let Self {
            ebpf,
            spares,
            mut rings,
            mut line,
            ..
        } = self;
        // What is on its way may take a while to judge, in which nobody looks.
        let detached = clock::now();
        drop(spares);
        drop(ebpf);
        let deadline = clock::since_boot() + DRAIN;
        while line.read(&mut rings) {
            if clock::since_boot() >= deadline {
                let mut left = 0;
                while rings.behaviour.next().is_some() {
                    left += 1;
                }
                line.lose(UserLoss::Stopped, left);
            }
        }
        while line.take_uses(&mut rings.uses) && clock::since_boot() < deadline {}
        line.end(detached);
    }

    fn count_skipped(&mut self) {
        let lost = self.spares.look(&self.ebpf);
        self.line.lose(UserLoss::Skipped, lost);
    }
}

impl Line {
    fn lose(&mut self, reason: UserLoss, count: u64) {
        self.user_losses.add(reason, count);
    }

    /// Reads both rings. Answers whether there is more than a batch.
    fn read(&mut self, rings: &mut Rings) -> bool {
        let Rings {
            lifecycle,
            behaviour,
            uses: _,
            meter: _,
        } = rings;
        self.lifecycle(lifecycle);
        let mut more = true;
        for _ in 0..BATCH {
            let Some(item) = behaviour.next() else {
                more = false;
                break;
            };
            self.records += 1;
            self.take(&item, lifecycle);
        }
        if !more {
            self.recall.emptied();
        }
        if !more && !self.adopted.is_empty() && self.held.is_empty() {
            self.adopted.clear();
        }
        if self.images.wants_sweep() {
            self.sweep();
        }
        more
    }

    /// Reads the lifecycle ring until it is empty.
    fn lifecycle(&mut self, ring: &mut Ring) {
        while let Some(item) = ring.next() {
            let Ok(record) = CgroupRecord::decode(&item) else {
                self.lose(UserLoss::Undecodable, 1);
                continue;
            };
            let registry = &mut self.registry;
            let effects = match record.change {
                CgroupChange::Created => {
                    self.uses.coming(&mut self.tables);
                    let path = text::canonical(record.words);
                    registry.met(record.cgroup, record.parent, &path, record.time)
                }
                CgroupChange::Removed => registry.removed(record.cgroup, record.time),
                CgroupChange::Ordered => {
                    registry.ordered(record.cgroup, record.words);
                    Vec::new()
                }
            };
            drop(item);
            self.carry_out(effects);
        }
    }

    /// A record, with what the scan knows of its process.
    fn decode<'a>(&self, bytes: &'a [u8]) -> Option<Record<'a>> {
        let mut record = Record::decode(bytes).ok()?;
        self.adopted.complete(&mut record.header);
        Some(record)
    }

    /// One record: decode, attribute, judge, offer.
    fn take(&mut self, bytes: &[u8], lifecycle: &mut Ring) {
        let Some(record) = self.decode(bytes) else {
            self.lose(UserLoss::Undecodable, 1);
            return;
        };
        if !self.credentials.wants(&record) {
            return;
        }
        let now = clock::since_boot();
        self.remember(&record, now);
        self.recall(&record, now);
        let cgroup = record.header.cgroup;
        if matches!(self.registry.resolve(cgroup), Resolution::Unheard) {
            self.lifecycle(lifecycle);
        }
        // The runtime's own steps are nobody's behaviour.
        let behaviour = record.phase != Phase::Runtime;
        let foreign_root = record.header.flags & flags::FOREIGN_ROOT != 0;
        let act = Act {
            cgroup,
            pid: record.header.pid,
            foreign_root,
            behaviour,
        };
        let effects = self.registry.acted(act, now);
        self.carry_out(effects);
        if foreign_root && record.phase == Phase::Main {
            self.started(cgroup);
        }
        if !behaviour {
            return;
        }
        if self.held.holds(cgroup) {
            self.hold(&record, bytes);
            return;
        }
        match self.registry.resolve(cgroup) {
            Resolution::Instance(_) => self.judge(&record),
            Resolution::Pending => self.hold(&record, bytes),
            // For what is still unheard of there was no room, which is counted.
            Resolution::Ignored | Resolution::Unheard => {}
        }
    }

    /// The container's first program ran. The kernel side knows, unless the agent wrote to the
    /// entry at the same moment.
    fn started(&mut self, cgroup: u64) {
        if let Some(mut entry) = self.tables.cgroup(cgroup)
            && entry.started == 0
        {
            entry.started = 1;
            if self.tables.set_cgroup(cgroup, entry).is_err() {
                self.lose(UserLoss::NoRoom, 1);
            }
        }
    }

    fn judge(&mut self, record: &Record<'_>) {
        let Header {
            cgroup: home,
            kind,
            operation,
            pid,
            ..
        } = record.header;
        if kind == Kind::Privilege.raw()
            && operation == Privileged::Bpf.raw()
            && standby::is_it(&self.state_dir, pid)
        {
            return;
        }
        if let Resolution::Instance(instance) = self.registry.resolve(home)
            && self.judge.is_stale(instance)
        {
            self.renew(instance.home);
        }
        self.weigh_first(home);
        let Resolution::Instance(instance) = self.registry.resolve(home) else {
            return;
        };
        let instance = instance.clone();
        self.learn_resolvers(instance.home, record.header.pid);
        let asked = self.message(instance.home, record);
        let names = self.names_of(&instance, record);
        let scene = Scene {
            instance: &instance,
            images: &self.images,
            clock: self.clock,
            last_gap: self.last_gap.max(self.lost.last_gap(instance.home)),
            names: &names,
        };
        let mut results = vec![self.judge.take(record, scene)];
        for seen in asked {
            results.push(self.judge.take_seen(record, seen, scene));
        }
        for (at, items) in results {
            for item in items {
                self.feed.publish(at, item);
            }
        }
        self.tell(&instance);
        self.note_contact(instance.home, record);
        self.note_exec(record);
        self.ask_content(record);
    }

    fn hold(&mut self, record: &Record<'_>, bytes: &[u8]) {
        let cgroup = record.header.cgroup;
        if !self.held.push(cgroup, bytes) {
            let class = loss::class_of(record);
            self.lose_of(cgroup, UserLoss::HeldFull, class, 1);
        }
    }

    /// Judges what was held and need not wait any longer, in order.
    fn release(&mut self) {
        let registry = &self.registry;
        let ready = |cgroup| !matches!(registry.resolve(cgroup), Resolution::Pending);
        for (cgroup, records) in self.held.take(ready) {
            match self.registry.resolve(cgroup) {
                Resolution::Instance(_) => {
                    for bytes in records {
                        // It was decoded before it was held.
                        if let Some(record) = self.decode(&bytes) {
                            self.judge(&record);
                        }
                    }
                }
                Resolution::Ignored => {}
                Resolution::Pending | Resolution::Unheard => {
                    self.lose(UserLoss::Unattributed, records.len() as u64);
                }
            }
        }
    }
}
