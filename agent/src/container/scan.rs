//! What already runs when the agent starts: the processes of containers, with
//! what can still be learned of them.

mod arriving;

use super::hierarchy::Hierarchy;
use crate::process::{Entered, File, Image};
use lapwing_abi::ids::Phase;
use lapwing_abi::state::{EXEC_SEEDED, Process, process_marks};
use lapwing_profile::text::canonical;
use rustix::fs::stat;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A cgroup that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its id: the inode number of its folder (kernfs, since Linux 5.5 on 64 bits).
    pub id: u64,
    /// Its parent's id.
    pub parent: u64,
    /// Its path below the root of the hierarchy.
    pub path: String,
}

/// All cgroups of a hierarchy, parents first.
pub fn cgroups(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    let mut open = vec![(root.to_path_buf(), String::from("/"), 0)];
    while let Some((folder, path, parent)) = open.pop() {
        // A cgroup may go while we look.
        let Ok(status) = stat(&folder) else { continue };
        let id = status.st_ino;
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let name = canonical(entry.file_name().as_bytes());
                open.push((
                    entry.path(),
                    format!("{}/{name}", path.trim_end_matches('/')),
                    id,
                ));
            }
        }
        found.push(Found { id, parent, path });
    }
    found
}

/// A process that was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met {
    /// Its id on the host.
    pub pid: u32,
    /// The cgroup it is in.
    pub cgroup: u64,
    /// Whether it has another root than the host's.
    pub foreign: bool,
}

/// A process that ran before the agent.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Its id on the host.
    pub pid: u32,
    /// Its entry in the kernel side's tree.
    pub process: Process,
    /// The program it runs.
    pub image: Image,
}

/// All processes in cgroups of the hierarchy. `cgroups` gives the id for each path.
pub fn processes(
    proc: &Path,
    host_root: &Path,
    hierarchy: &Hierarchy,
    cgroups: &HashMap<&str, u64>,
) -> Vec<Met> {
    let host = root_of(host_root);
    fs::read_dir(proc)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let file = fs::read(entry.path().join("cgroup")).ok()?;
            let cgroup = *cgroups.get(hierarchy.path_in(&file)?.as_str())?;
            let root = root_of(&entry.path().join("root"))?;
            Some(Met {
                pid,
                cgroup,
                foreign: host.is_some_and(|host| host != root),
            })
        })
        .collect()
}

/// Bytes of a process' arguments that are read; the kernel takes no more for one exec, execve(2).
const CMDLINE_MAX: u64 = 6 << 20;

/// Processes of a cgroup that are asked for their root.
const ASKED_MAX: usize = 64;

/// Whether a process with another root than the host's runs in the cgroup with this folder.
pub fn runs_foreign(proc: &Path, host_root: &Path, folder: Option<&Path>) -> bool {
    let list = folder.and_then(|folder| fs::read_to_string(folder.join("cgroup.procs")).ok());
    let Some(host) = root_of(host_root) else {
        return false;
    };
    list.unwrap_or_default()
        .lines()
        .take(ASKED_MAX)
        .any(|pid| root_of(&proc.join(pid).join("root")).is_some_and(|root| root != host))
}

/// What tells the root directory behind a link from another.
fn root_of(link: &Path) -> Option<(u64, u64)> {
    stat(link).ok().map(|root| (root.st_dev, root.st_ino))
}

/// The processes of containers, as the kernel side's tree is to have them. `home` gives the
/// container's cgroup for any cgroup of its.
pub fn seeds(
    proc: &Path,
    host_root: &Path,
    met: &[Met],
    home: impl Fn(u64) -> Option<u64>,
) -> Vec<Seed> {
    let mut seeds: Vec<Seed> = met
        .iter()
        .filter_map(|met| seed(proc, met, home(met.cgroup)?))
        .collect();
    let homes: HashMap<u32, u64> = seeds
        .iter()
        .map(|seed| (seed.pid, seed.process.cgroup))
        .collect();
    for seed in &mut seeds {
        // Its parent is the best guess at who issued it: the truth is gone.
        let parent = seed.process.parent_pid;
        if homes.get(&parent) == Some(&seed.process.cgroup) {
            seed.process.issuer = EXEC_SEEDED | u64::from(parent);
            seed.image.issuer = seed.process.issuer;
        }
    }
    admit_guests(proc, &mut seeds);
    // Beside a program of the container's, what still has the host's root is on its way in.
    let main = u32::from(Phase::Main.raw());
    let started: HashSet<u64> = seeds
        .iter()
        .filter(|seed| seed.process.phase == main)
        .map(|seed| seed.process.cgroup)
        .collect();
    for seed in &mut seeds {
        if started.contains(&seed.process.cgroup) {
            seed.process.marks |= process_marks::LATE;
        }
    }
    admit_escaped(proc, &mut seeds);
    arriving::admit(proc, host_root, &mut seeds);
    seeds
}

/// Who entered from outside, and whatever descends from it: its parent is in another namespace of
/// process ids, of which only the container's first process can say the same. In a namespace that
/// is not the container's own (the host's, or a pod's) such processes cannot be told from others,
/// nor can those whose parent has ended.
fn admit_guests(proc: &Path, seeds: &mut [Seed]) {
    let main = u32::from(Phase::Main.raw());
    let exec = u32::from(Phase::Exec.raw());
    let namespace = |pid: u32| pid_namespace(proc, pid);
    let first = |seed: &&Seed| seed.process.container_pid == 1 && seed.process.issuer == 0;
    let firsts: HashMap<u64, Option<u64>> = seeds
        .iter()
        .filter(first)
        .map(|seed| (seed.process.cgroup, namespace(seed.pid)))
        .collect();
    let is_guest = |seed: &Seed| {
        let process = &seed.process;
        if process.phase != main || process.issuer != 0 || process.container_pid == 1 {
            return false;
        }
        let (own, parent) = (namespace(seed.pid), namespace(process.parent_pid));
        own.is_some()
            && firsts.get(&process.cgroup) == Some(&own)
            && parent.is_some_and(|parent| Some(parent) != own)
    };
    let mut guests: HashSet<u32> = HashSet::new();
    for seed in &mut *seeds {
        if is_guest(seed) {
            seed.process.phase = exec;
            guests.insert(seed.pid);
        }
    }
    let mut before = 0;
    while before != guests.len() {
        before = guests.len();
        for seed in &mut *seeds {
            let descends = seed.process.issuer != 0 && guests.contains(&seed.process.parent_pid);
            if descends && seed.process.phase == main {
                seed.process.phase = exec;
                guests.insert(seed.pid);
            }
        }
    }
}

/// The namespace of process ids that a process is in. It never leaves it: only its children may
/// begin in another.
fn pid_namespace(proc: &Path, pid: u32) -> Option<u64> {
    let namespace = stat(proc.join(format!("{pid}/ns/pid"))).ok()?;
    Some(namespace.st_ino)
}

/// Who has the host's root and comes from a program of the container's has left it. Above the
/// runtime's own processes there are none of the container's. One whose parent has ended is known
/// by its namespace of process ids, where that is the container's: beside a program of the
/// container's a runtime has the host's root only while it is in the host's.
fn admit_escaped(proc: &Path, seeds: &mut [Seed]) {
    let [runtime, escaped] = [Phase::Runtime, Phase::Escaped].map(|phase| u32::from(phase.raw()));
    let orphans = orphans(proc, seeds);
    let mut members: HashSet<u32> = seeds
        .iter()
        .filter(|seed| seed.process.phase > runtime)
        .map(|seed| seed.pid)
        .collect();
    for seed in &mut *seeds {
        if orphans.contains(&seed.pid) {
            seed.process.phase = escaped;
            members.insert(seed.pid);
        }
    }
    let mut before = usize::MAX;
    while before != members.len() {
        before = members.len();
        for seed in &mut *seeds {
            if seed.process.phase <= runtime && members.contains(&seed.process.parent_pid) {
                seed.process.phase = escaped;
                members.insert(seed.pid);
            }
        }
    }
}

/// Processes with the host's root that began in a container's own namespace of process ids.
fn orphans(proc: &Path, seeds: &[Seed]) -> HashSet<u32> {
    let runtime = u32::from(Phase::Runtime.raw());
    let late = |seed: &&Seed| {
        seed.process.phase <= runtime && seed.process.marks & process_marks::LATE != 0
    };
    let doubtful: HashSet<u64> = seeds
        .iter()
        .filter(late)
        .map(|seed| seed.process.cgroup)
        .collect();
    let Some(hosts) = pid_namespace(proc, 1).filter(|_| !doubtful.is_empty()) else {
        return HashSet::new();
    };
    let own = |seed: &Seed| {
        let namespace = pid_namespace(proc, seed.pid).filter(|own| *own != hosts)?;
        Some((seed.process.cgroup, namespace))
    };
    let known: HashSet<(u64, u64)> = seeds
        .iter()
        .filter(|seed| seed.process.phase > runtime && doubtful.contains(&seed.process.cgroup))
        .filter_map(own)
        .collect();
    seeds
        .iter()
        .filter(late)
        .filter(|seed| own(seed).is_some_and(|own| known.contains(&own)))
        .map(|seed| seed.pid)
        .collect()
}

fn seed(proc: &Path, met: &Met, home: u64) -> Option<Seed> {
    let folder = proc.join(met.pid.to_string());
    let start = start(proc, met.pid)?;
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let number = |key: &str| -> Option<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().last()?.parse().ok()
    };
    let phase = if met.foreign {
        Phase::Main
    } else {
        Phase::Runtime
    };
    Some(Seed {
        pid: met.pid,
        process: Process {
            exec: EXEC_SEEDED | u64::from(met.pid),
            issuer: 0,
            cgroup: home,
            start,
            container_pid: number("NSpid:")?,
            parent_pid: number("PPid:")?,
            phase: u32::from(phase.raw()),
            marks: 0,
            // Unlike every other: what it was called at its exec is not known for sure.
            image: EXEC_SEEDED | u64::from(met.pid),
        },
        image: image(proc, met.pid),
    })
}

/// The program that a process runs, as far as it can be told from outside; who issued it cannot.
#[must_use]
pub fn image(proc: &Path, pid: u32) -> Image {
    let folder = proc.join(pid.to_string());
    let link = |name: &str| -> String {
        fs::read_link(folder.join(name))
            .map(|path: PathBuf| canonical(path.as_os_str().as_bytes()))
            .unwrap_or_default()
    };
    let args = cmdline(&folder.join("cmdline")).unwrap_or_default();
    let exe = link("exe");
    Image {
        // proc(5): what a removed file's path is followed by. One may also be called so.
        file: match exe.is_empty() || exe.ends_with(" (deleted)") {
            true => File::Unsure,
            false => File::Named,
        },
        exe,
        args: crate::judge::sighting::arguments(&args),
        cwd: link("cwd"),
        pid,
        issuer: 0,
        entered: Entered::Not,
    }
}

/// The arguments of a process, as far as they are looked at: it may have made them as long as its memory.
pub(super) fn cmdline(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut args = Vec::new();
    fs::File::open(file)?
        .take(CMDLINE_MAX)
        .read_to_end(&mut args)?;
    Ok(args)
}

/// When a living process started, since boot in nanoseconds; `None` for one that ended or ends.
/// What ends is seen so before the kernel side is told of it, whose entry must not be made anew.
#[must_use]
pub fn start(proc: &Path, pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(proc.join(pid.to_string()).join("stat")).ok()?;
    let start = start_time(&stat)?;
    (!is_ending(&stat)).then_some(start)
}

/// Whether the last thread is at its end: a flag of the task, include/linux/sched.h.
fn is_ending(stat: &str) -> bool {
    const PF_EXITING: u64 = 4;
    // Fields 9 and 20.
    let Some(flags) = number(stat, 9) else {
        return true;
    };
    flags & PF_EXITING != 0 && number(stat, 20).unwrap_or_default() <= 1
}

/// A field of /proc/PID/stat by its number in proc(5), from 3 on.
fn number(stat: &str, field: usize) -> Option<u64> {
    // The name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(field - 3)?.parse().ok()
}

/// Start since boot in nanoseconds, from field 22 of /proc/PID/stat, proc(5): ticks of a
/// hundredth of a second on every architecture we run on.
fn start_time(stat: &str) -> Option<u64> {
    Some(number(stat, 22)?.saturating_mul(10_000_000))
}

#[cfg(test)]
mod tests;
