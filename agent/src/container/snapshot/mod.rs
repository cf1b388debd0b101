//! What containers run and hold when the agent starts: programs, files that are open for writing,
//! peers that are talked to, ports that are listened at.
//!
//! The hooks tell of acts, and these acts are over; what they left is in `/proc`. It becomes
//! records as the kernel side makes them, so that it is attributed, held and judged like all else.
//! Reports of it come "after a gap": when it was done nobody knows.
//!
//! Everything here is the word of `/proc`, and what a container can choose in it (names, numbers,
//! the count of things) is bounded: by process, by container, by time. What is left out for it is
//! counted. The reading is done by a thread of its own, because the kernel may keep a question
//! about a container's file waiting.
//!
//! A program is told once for each file, invoked name, script, origin and phase: see [`programs`].
//! What runs from outside the container's mounts, and was not started by a process of the
//! container, may be the runtime, about to start the container's program. It is looked at again a
//! little later, by when a runtime has done so, which the hooks tell. Where it stays the only
//! process, nothing tells it from a container that was created and not yet started: it is left out.
//!
//! Not told: what had ended, and programs that processes ran before their last; which program opened it, if the process has executed another since; a stream that
//! was accepted at a port where nobody listens any more looks like one that was made; sockets
//! of MPTCP, whose tables have other numbers; `AF_UNIX`, whose tables do not say who talks to whom.

mod descriptors;
mod mappings;
mod mounts;
mod programs;
mod sockets;

use super::scan;
use crate::clock;
use descriptors::Open;
use lapwing_abi::encode::{components, encode};
use lapwing_abi::ids::{Contact, Family, Kind, Mount, Operation, Origin, Phase, flags};
use lapwing_abi::record::{Header, PATH_MAX, SECTIONS};
use lapwing_abi::state::Process;
use lapwing_profile::name::invoked_name;
use lapwing_profile::text::canonical;
use mounts::Mounts;
use programs::{Place, Program};
use rustix::fs::stat;
use sockets::{Socket, Use};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records of one container.
    pub records: usize,
    /// Sockets of one container that are asked for.
    pub sockets: usize,
    /// For everything.
    pub time: Duration,
}

/// Bounds that no honest container comes near.
pub const LIMITS: Limits = Limits {
    records: 2_048,
    sockets: 16_384,
    time: Duration::from_secs(10),
};

/// Time in which a runtime that is about to start a program does so.
const SETTLING: Duration = Duration::from_secs(1);

/// Who runs and holds things.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Id on the host.
    pub pid: u32,
    /// What the scan knows of it.
    pub process: Process,
}

/// Where records go; answers whether there is still somebody to take them.
pub trait Offer: FnMut(Vec<u8>) -> bool {}
impl<F: FnMut(Vec<u8>) -> bool> Offer for F {}

/// Tells what the processes run and hold: each thing once for its container, by the process with
/// the lowest id. Answers with how many things were left out because of a bound, or could not be
/// looked at. `host_root` is the host's root folder.
pub fn take(
    proc: &Path,
    host_root: &Path,
    subjects: &[Subject],
    limits: Limits,
    offer: impl Offer,
) -> u64 {
    let runtime = u32::from(Phase::Runtime.raw());
    let mut subjects: Vec<Subject> = subjects
        .iter()
        .copied()
        // The runtime's own steps are nobody's behaviour.
        .filter(|subject| subject.process.phase > runtime)
        .collect();
    subjects.sort_unstable_by_key(|subject| subject.pid);
    let mut snapshot = Snapshot {
        proc,
        host_root,
        limits,
        offer,
        told: HashMap::new(),
        roots: HashMap::new(),
        foreign: Vec::new(),
        asked: HashMap::new(),
        cut: 0,
    };
    snapshot.run(&subjects);
    snapshot.cut
}

/// What is the same as something that was told, of one container.
#[derive(PartialEq, Eq, Hash)]
enum Thing {
    /// Path, invoked name, script, origin and phase.
    Program(Vec<u8>, Option<String>, Vec<u8>, Origin, u8),
    File(Operation, Vec<u8>),
    Socket(Socket),
}

/// Sockets to be looked up in one network namespace.
#[derive(Default)]
struct Namespace {
    /// Processes in it: by one of them its tables are read.
    members: Vec<u32>,
    /// By inode number: who has it.
    wanted: BTreeMap<u64, Vec<Actor>>,
}

struct Snapshot<'a, F> {
    proc: &'a Path,
    host_root: &'a Path,
    limits: Limits,
    offer: F,
    /// By container.
    told: HashMap<u64, HashSet<Thing>>,
    /// The mount at the root of each container's first process.
    roots: HashMap<u64, Option<u32>>,
    /// Who may be the runtime: to be looked at again.
    foreign: Vec<(Subject, Program)>,
    /// Sockets asked for, by container.
    asked: HashMap<u64, usize>,
    cut: u64,
}

/// A process as records name it.
#[derive(Clone, Copy)]
struct Actor(Header);

/// Nobody takes records any more.
struct Over;

impl<'a, F: Offer> Snapshot<'a, F> {
    fn run(&mut self, subjects: &[Subject]) {
        let begun = Instant::now();
        let end = begun + self.limits.time;
        let mut namespaces: BTreeMap<u64, Namespace> = BTreeMap::new();
        for (at, subject) in subjects.iter().enumerate() {
            if Instant::now() >= end {
                self.cut += (subjects.len() - at) as u64;
                break;
            }
            if self.process(subject, &mut namespaces).is_err() {
                return;
            }
        }
        for namespace in namespaces.into_values() {
            if Instant::now() >= end {
                self.cut += namespace.wanted.len() as u64;
                continue;
            }
            if self.sockets(namespace).is_err() {
                return;
            }
        }
        if !self.foreign.is_empty() {
            let settled = (begun + SETTLING).min(end);
            std::thread::sleep(settled.saturating_duration_since(Instant::now()));
            let _ = self.look_again(subjects);
        }
    }

    /// Tells of programs from outside that have stayed.
    fn look_again(&mut self, subjects: &[Subject]) -> Result<(), Over> {
        for (subject, before) in std::mem::take(&mut self.foreign) {
            let folder = self.proc.join(subject.pid.to_string());
            let mounts = Mounts::read(&folder);
            let Ok(now) = programs::program(&self.place(&folder, &mounts, &subject)) else {
                self.cut += 1;
                continue;
            };
            let now = now.filter(|now| now.file == before.file && now.is_foreign);
            let (Some(now), Some(actor)) = (now, Actor::of(&folder, &subject)) else {
                continue;
            };
            if scan::start(self.proc, subject.pid) != Some(subject.process.start) {
                continue;
            }
            let home = subject.process.cgroup;
            let of_home = |other: &&Subject| other.process.cgroup == home;
            if subjects.iter().filter(of_home).nth(1).is_none() {
                self.cut += 1;
                continue;
            }
            self.program(actor, now)?;
        }
        Ok(())
    }

    fn place<'b>(&self, folder: &'b Path, mounts: &'b Mounts, subject: &Subject) -> Place<'b>
    where
        'a: 'b,
    {
        let known = self.roots.get(&subject.process.cgroup);
        Place {
            folder,
            mounts,
            host_root: self.host_root,
            own_root: known.is_some_and(|root| root.is_some() && *root == mounts.root_id()),
        }
    }

    /// Tells the program and the files of one process, and notes its sockets.
    fn process(
        &mut self,
        subject: &Subject,
        namespaces: &mut BTreeMap<u64, Namespace>,
    ) -> Result<(), Over> {
        let folder = self.proc.join(subject.pid.to_string());
        let known = Mounts::read(&folder);
        let home = subject.process.cgroup;
        self.roots.entry(home).or_insert(known.root_id());
        let program = programs::program(&self.place(&folder, &known, subject));
        let mut mounts = || known.clone();
        let (open, cut) = descriptors::open(self.proc, subject.pid, &mut mounts);
        let (mapped, whole) = mappings::writable(&folder, &mut mounts);
        let Some(actor) = Actor::of(&folder, subject) else {
            return Ok(());
        };
        // Its id may have been given to another process in the middle of this.
        if scan::start(self.proc, subject.pid) != Some(subject.process.start) {
            return Ok(());
        }
        self.cut += cut + u64::from(!whole);
        match program {
            Ok(Some(program)) if program.is_foreign && subject.process.issuer == 0 => {
                self.foreign.push((*subject, program));
            }
            Ok(Some(program)) => self.program(actor, program)?,
            Ok(None) => {}
            // It has executed another, of which the hooks tell.
            Err(rustix::io::Errno::AGAIN) => {}
            Err(_) => self.cut += 1,
        }
        let mut sockets = Vec::new();
        for open in open {
            match open {
                Open::Socket(inode) => sockets.push(inode),
                Open::File(file) => {
                    // What was opened in other mounts was handed in from outside: it is not
                    // what this container does.
                    if let Some(mount) = known.of_id(file.mount) {
                        self.file(actor, file.path, mount, file.nameless)?;
                    }
                }
            }
        }
        for (path, mount) in mapped {
            self.file(actor, path, mount, false)?;
        }
        self.want(actor, &folder, sockets, namespaces);
        Ok(())
    }

    fn want(
        &mut self,
        actor: Actor,
        folder: &Path,
        sockets: Vec<u64>,
        namespaces: &mut BTreeMap<u64, Namespace>,
    ) {
        if sockets.is_empty() {
            return;
        }
        // A process that is in another namespace than its sockets were made in has them in vain.
        let Ok(namespace) = stat(folder.join("ns/net")) else {
            return;
        };
        let asked = self.asked.entry(actor.0.cgroup).or_default();
        let namespace = namespaces.entry(namespace.st_ino).or_default();
        namespace.members.push(actor.0.pid);
        for inode in sockets {
            if *asked >= self.limits.sockets {
                self.cut += 1;
                continue;
            }
            let holders = namespace.wanted.entry(inode).or_default();
            // Its children share it.
            if !holders.iter().any(|known| known.0.cgroup == actor.0.cgroup) {
                *asked += 1;
                holders.push(actor);
            }
        }
    }

    fn sockets(&mut self, namespace: Namespace) -> Result<(), Over> {
        let wanted = namespace.wanted.keys().copied().collect();
        let folder = namespace
            .members
            .iter()
            .map(|pid| self.proc.join(pid.to_string()).join("net"))
            .find(|net| net.join("tcp").exists());
        let Some(net) = folder else {
            return Ok(()); // All have ended, or the kernel has no IP.
        };
        let (found, unread) = sockets::sockets(&net, &wanted);
        self.cut += unread;
        for (inode, holders) in namespace.wanted {
            let uses = found.get(&inode).map_or(&[][..], Vec::as_slice);
            for (actor, socket) in holders
                .iter()
                .flat_map(|actor| uses.iter().map(move |socket| (*actor, *socket)))
            {
                self.socket(actor, socket)?;
            }
        }
        Ok(())
    }

    fn file(
        &mut self,
        actor: Actor,
        mut path: Vec<u8>,
        mount: Mount,
        nameless: bool,
    ) -> Result<(), Over> {
        let operation = match nameless {
            true => {
                // As the kernel side names it: by its folder.
                let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                path.truncate(end + 1);
                Operation::Create
            }
            false => Operation::OpenWrite,
        };
        let mut header = Header {
            kind: Kind::File.raw(),
            operation: operation.raw(),
            mount: mount.raw(),
            ..actor.0
        };
        let mut list = components(&path);
        if list.len() > PATH_MAX {
            // At the side of the root, which comes last.
            list.truncate(PATH_MAX);
            header.flags |= flags::PATH_TRUNCATED;
        }
        self.tell(header, Thing::File(operation, path), [&list, &[], &[], &[]])
    }

    fn program(&mut self, actor: Actor, program: Program) -> Result<(), Over> {
        let header = Header {
            kind: Kind::Exec.raw(),
            origin: program.origin.raw(),
            flags: program.flags,
            ..actor.0
        };
        let (path, cwd) = (components(&program.path), components(&program.cwd));
        let name = invoked_name(
            &canonical(&program.path),
            &crate::judge::sighting::arguments(&program.args),
        );
        let thing = Thing::Program(
            program.path,
            name,
            program.script.clone(),
            program.origin,
            header.phase,
        );
        let sections = [&path[..], &program.script, &program.args, &cwd];
        self.tell(header, thing, sections)
    }

    fn socket(&mut self, actor: Actor, socket: Socket) -> Result<(), Over> {
        let (kind, address, port) = match socket.used {
            Use::Peer(address, port) => (Kind::Egress, address, port),
            Use::Listen(address, port) => (Kind::Listen, address, port),
        };
        let family = match socket.is_v6 {
            true => Family::Ipv6,
            false => Family::Ipv4,
        };
        let mut bytes = [0; 16];
        match address {
            IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => bytes = address.octets(),
        }
        let header = Header {
            kind: kind.raw(),
            operation: Contact::Peer.raw(),
            protocol: socket.protocol,
            family: family.raw(),
            address: bytes,
            port,
            ..actor.0
        };
        self.tell(header, Thing::Socket(socket), [&[]; SECTIONS])
    }

    fn tell(
        &mut self,
        header: Header,
        thing: Thing,
        sections: [&[u8]; SECTIONS],
    ) -> Result<(), Over> {
        let told = self.told.entry(header.cgroup).or_default();
        if told.contains(&thing) {
            return Ok(());
        }
        if told.len() >= self.limits.records {
            self.cut += 1;
            return Ok(());
        }
        told.insert(thing);
        let header = Header {
            time: clock::since_boot(),
            ..header
        };
        match (self.offer)(encode(&header, sections)) {
            true => Ok(()),
            false => Err(Over),
        }
    }
}

impl Actor {
    /// `None` for a process that has ended.
    fn of(folder: &Path, subject: &Subject) -> Option<Self> {
        let status = std::fs::read(folder.join("status")).ok()?;
        let status = String::from_utf8_lossy(&status);
        let words = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or_default().split_ascii_whitespace()
        };
        let id = |key: &str, at: usize| -> Option<u32> { words(key).nth(at)?.parse().ok() };
        let process = subject.process;
        Some(Self(Header {
            phase: process.phase as u8,
            cgroup: process.cgroup,
            exec: process.exec,
            issuer: process.issuer,
            start: process.start,
            pid: subject.pid,
            tid: subject.pid,
            container_pid: process.container_pid,
            parent_pid: process.parent_pid,
            uid: id("Uid:", 0)?,
            euid: id("Uid:", 1)?,
            gid: id("Gid:", 0)?,
            egid: id("Gid:", 1)?,
            capabilities: u64::from_str_radix(words("CapEff:").next()?, 16).ok()?,
            ..Header::default()
        }))
    }
}

#[cfg(test)]
mod tests;
