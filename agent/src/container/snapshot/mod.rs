//! What containers run and hold when the agent starts: programs, files that are open for writing,
//! peers that are talked to, ports that are listened at.
//!
//! The hooks tell of acts, and these acts are over; what they left is in `/proc`. It becomes
//! records as the kernel side makes them, so that it is attributed, held and judged like all else.
//! Reports of it come "after a gap": when it was done nobody knows.
//!
//! Everything here is the word of `/proc`, and what a container can choose in it (names, numbers,
//! the count of things) is bounded: by process, by container, by time. What is left out for it is
//! counted. Programs come first, then files, then sockets, each within a bound of its own: what
//! one process holds hides no program of another. The reading is done by a thread of its own, because the kernel may keep a question
//! about a container's file waiting.
//!
//! A program is told once for each file, invoked name, script, origin and phase, and each program
//! that executed it: see [`programs`]. Where more is known of its file than its path says, every
//! other process that runs it is told besides ([`Found::Same`]), for the sake of what it executes.
//! What runs from outside the container's mounts, and was not started by a process of the
//! container, may be the runtime, about to start the container's program. It is looked at again a
//! little later, by when a runtime has done so, which the hooks tell. Where it stays the only
//! process, nothing tells it from a container that was created and not yet started: it is left out.
//!
//! Not told: what had ended, and programs that processes ran before their last; which program opened it, if the process has executed another since; a stream that
//! was accepted at a port where nobody listens any more looks like one that was made; sockets
//! of MPTCP, whose tables have other numbers; `AF_UNIX`, whose tables do not say who talks to whom.

mod actor;
mod descriptors;
mod mappings;
pub(crate) mod mounts;
mod programs;
pub mod sockets;
mod thing;

use super::scan;
use crate::clock;
use actor::Actor;
use descriptors::Open;
use lapwing_abi::encode::{components, encode};
use lapwing_abi::ids::{Contact, Family, Kind, Mount, Operation, Phase, flags};
use lapwing_abi::record::{Header, PATH_MAX, SECTIONS};
use lapwing_abi::state::{EXEC_SEEDED, Process};
use lapwing_profile::name::invoked_name;
use lapwing_profile::text::canonical;
use mounts::Mounts;
pub(crate) use programs::mount_id;
use programs::{Place, Program};
use rustix::fs::stat;
use sockets::{Socket, Use};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem::{Discriminant, discriminant};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use thing::Thing;

pub use mounts::{Line, table, unescape};
pub use programs::writable_layer;

/// Bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records of one container: so many programs, so many files, so many sockets.
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

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A record of what was not told before.
    News(Vec<u8>),
    /// The record of a program that is told already, or is left out: it makes the image of its
    /// process what it is, and is nothing to be judged.
    Same(Vec<u8>),
}

/// Where it goes; answers whether there is still somebody to take it.
pub trait Offer: FnMut(Found) -> bool {}
impl<F: FnMut(Found) -> bool> Offer for F {}

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
    let mut snapshot = Snapshot::new(proc, host_root, limits, offer);
    snapshot.run(&subjects);
    snapshot.cut
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
    /// By container and kind.
    told: HashMap<(u64, Discriminant<Thing>), HashSet<Thing>>,
    /// The mount at the root of each container's first process.
    roots: HashMap<u64, Option<u32>>,
    /// Who may be the runtime: to be looked at again.
    foreign: Vec<(Subject, Program)>,
    /// Sockets asked for, by container.
    asked: HashMap<u64, usize>,
    cut: u64,
}

/// Nobody takes records any more.
struct Over;

impl<'a, F: Offer> Snapshot<'a, F> {
    fn new(proc: &'a Path, host_root: &'a Path, limits: Limits, offer: F) -> Self {
        Self {
            proc,
            host_root,
            limits,
            offer,
            told: HashMap::new(),
            roots: HashMap::new(),
            foreign: Vec::new(),
            asked: HashMap::new(),
            cut: 0,
        }
    }

    fn run(&mut self, subjects: &[Subject]) {
        let begun = Instant::now();
        let end = begun + self.limits.time;
        if self.all(subjects, end).is_ok() && !self.foreign.is_empty() {
            let settled = (begun + SETTLING).min(end);
            std::thread::sleep(settled.saturating_duration_since(Instant::now()));
            let _ = self.look_again(subjects);
        }
    }

    fn all(&mut self, subjects: &[Subject], end: Instant) -> Result<(), Over> {
        let reached = self.each(subjects, end, Self::program_of)?;
        let mut namespaces: BTreeMap<u64, Namespace> = BTreeMap::new();
        self.each(reached, end, |it, subject| {
            it.held_by(subject, &mut namespaces)
        })?;
        for namespace in namespaces.into_values() {
            if Instant::now() >= end {
                self.cut += namespace.wanted.len() as u64;
                continue;
            }
            self.sockets(namespace)?;
        }
        Ok(())
    }

    /// Looks at one process after the other. Answers those for which there was time, and counts the
    /// others.
    fn each<'s>(
        &mut self,
        subjects: &'s [Subject],
        end: Instant,
        mut look: impl FnMut(&mut Self, &Subject) -> Result<(), Over>,
    ) -> Result<&'s [Subject], Over> {
        for (at, subject) in subjects.iter().enumerate() {
            if Instant::now() >= end {
                self.cut += (subjects.len() - at) as u64;
                return Ok(&subjects[..at]);
            }
            look(self, subject)?;
        }
        Ok(subjects)
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
            let (Some(now), Some(actor)) = (now, self.actor(&folder, &subject)) else {
                continue;
            };
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

    /// Who acts in what was just read of a process. `None` if it has ended: its id may have been
    /// given to another in the middle of that.
    fn actor(&self, folder: &Path, subject: &Subject) -> Option<Actor> {
        let actor = Actor::of(folder, subject)?;
        (scan::start(self.proc, subject.pid) == Some(subject.process.start)).then_some(actor)
    }

    /// Tells the program of one process.
    fn program_of(&mut self, subject: &Subject) -> Result<(), Over> {
        let folder = self.proc.join(subject.pid.to_string());
        let mounts = Mounts::read(&folder);
        let home = subject.process.cgroup;
        self.roots.entry(home).or_insert(mounts.root_id());
        let program = programs::program(&self.place(&folder, &mounts, subject));
        let Some(actor) = self.actor(&folder, subject) else {
            return Ok(());
        };
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
        Ok(())
    }

    /// Tells the files of one process, and notes its sockets.
    fn held_by(
        &mut self,
        subject: &Subject,
        namespaces: &mut BTreeMap<u64, Namespace>,
    ) -> Result<(), Over> {
        let folder = self.proc.join(subject.pid.to_string());
        let known = Mounts::read(&folder);
        let mut mounts = || known.clone();
        let (open, cut) = descriptors::open(self.proc, subject.pid, &mut mounts);
        let (mapped, whole) = mappings::writable(&folder, &mut mounts);
        let Some(actor) = self.actor(&folder, subject) else {
            return Ok(());
        };
        self.cut += cut + u64::from(!whole);
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
        // It is told all the same, and may be taken for a file that it replaced.
        self.cut += u64::from(program.is_barred);
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
        let thing = Thing::Program {
            path: program.path,
            name,
            script: program.script.clone(),
            origin: program.origin,
            phase: header.phase,
            parent: self.runs(header.issuer),
        };
        let sections = [&path[..], &program.script, &program.args, &cwd];
        self.tell(header, thing, sections)
    }

    /// What the process with an image of the scan runs.
    fn runs(&self, image: u64) -> Option<PathBuf> {
        let pid = (image != 0).then_some(image & !EXEC_SEEDED)?;
        std::fs::read_link(self.proc.join(pid.to_string()).join("exe")).ok()
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
        let whose = (header.cgroup, discriminant(&thing));
        let told = self.told.entry(whose).or_default();
        let is_known = told.contains(&thing);
        let has_room = told.len() < self.limits.records;
        self.cut += u64::from(!is_known && !has_room);
        let is_news = !is_known && has_room;
        if !is_news && !thing.is_more_than_its_path() {
            return Ok(());
        }
        if is_news {
            told.insert(thing);
        }
        let header = Header {
            time: clock::since_boot(),
            ..header
        };
        let record = encode(&header, sections);
        let found = match is_news {
            true => Found::News(record),
            false => Found::Same(record),
        };
        match (self.offer)(found) {
            true => Ok(()),
            false => Err(Over),
        }
    }
}

#[cfg(test)]
mod tests;
