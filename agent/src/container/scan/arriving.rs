//! Who is on its way into a container while the agent looks.
//!
//! A runtime makes a container and starts it later: until then its first process has the container's root and is
//! still the runtime's program, waiting (runc, on `exec.fifo`). On a node that boots many are met so. Taken for
//! the container's own, it would be what executes the container's first program, which no profile
//! knows. The same goes, for a moment, for whoever enters.
//!
//! Whoever is taken for the runtime is not reported, so nobody may come to be by a will of its own. All of this has to
//! be seen, and what cannot be seen speaks against it:
//!
//! - It was forked and has executed nothing since, which the kernel notes of each (`PF_FORKNOEXEC`,
//!   include/linux/sched.h).
//! - It is the first process of a namespace of process ids that is not the host's, and alone in its container; or it
//!   has entered such a one beside its first process.
//! - Its parent is outside, with the host's root. A process of the container has there another of it, or its
//!   first process, which is asked too, and has no answer once its main thread has ended.
//! - Its program is no file of the container's: one that was restored from a checkpoint (CRIU) has executed nothing
//!   either, and runs what the container runs.

use super::{Seed, number, pid_namespace, root_of};
use lapwing_abi::ids::Phase;
use lapwing_abi::state::process_marks;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

const PF_FORKNOEXEC: u64 = 0x40;

/// Gives those back to the runtime: what they execute next is what enters.
pub fn admit(proc: &Path, host_root: &Path, seeds: &mut [Seed]) {
    let [runtime, main, exec] =
        [Phase::Runtime, Phase::Main, Phase::Exec].map(|phase| u32::from(phase.raw()));
    let mut company: HashMap<u64, usize> = HashMap::new();
    for seed in { seeds.iter() }.filter(|seed| seed.process.phase > runtime) {
        *company.entry(seed.process.cgroup).or_default() += 1;
    }
    for seed in seeds {
        let process = &mut seed.process;
        let is_first = process.phase == main
            && process.container_pid == 1
            && company.get(&process.cgroup) == Some(&1);
        let may_be = process.issuer == 0 && (is_first || process.phase == exec);
        if may_be && is_arriving(proc, host_root, seed.pid, process.parent_pid) {
            process.phase = runtime;
            if is_first {
                process.marks &= !process_marks::LATE;
            }
        }
    }
}

fn is_arriving(proc: &Path, host_root: &Path, pid: u32, parent: u32) -> bool {
    // Not every machine lets its first process be asked; the agent is in the host's namespace too.
    let hosts = pid_namespace(proc, 1).or_else(|| pid_namespace(proc, std::process::id()));
    let (Some(own), Some(hosts)) = (pid_namespace(proc, pid), hosts) else {
        return false;
    };
    // Nor is it needed: no container begins with that one.
    let is_outside = || {
        let root = root_of(&proc.join(format!("{parent}/root")));
        parent == 1 || root.is_some_and(|root| Some(root) == root_of(host_root))
    };
    own != hosts
        && is_outside()
        && has_executed_nothing(proc, pid)
        && !runs_a_file_of_the_container(proc, pid)
}

fn has_executed_nothing(proc: &Path, pid: u32) -> bool {
    let stat = fs::read_to_string(proc.join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| number(&stat, 9).is_some_and(|flags| flags & PF_FORKNOEXEC != 0))
}

/// Whether its program is what the container has by that name, or cannot be told.
fn runs_a_file_of_the_container(proc: &Path, pid: u32) -> bool {
    let folder = proc.join(pid.to_string());
    let (Ok(name), Some(runs)) = (
        fs::read_link(folder.join("exe")),
        root_of(&folder.join("exe")),
    ) else {
        return true;
    };
    let name = name.strip_prefix("/").unwrap_or(&name);
    root_of(&folder.join("root").join(name)) == Some(runs)
}

#[cfg(test)]
mod tests;
