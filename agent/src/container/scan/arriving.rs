//! Who is on its way into a container while the agent looks.
//!
//! A runtime makes a container and starts it later: until then its first process has the container's root and is
//! still the runtime's program, waiting (runc, on `exec.fifo`). On a node that boots many are met so. Taken for
//! the container's own, it would be what executes the container's first program, which no profile
//! knows. The same goes, for a moment, for whoever enters.
//!
//! Such a process was forked and has executed nothing since, which the kernel notes of each
//! (`PF_FORKNOEXEC`, include/linux/sched.h), and its parent is none of the container's. A process of the container may
//! fork without executing too; whoever loses its parent there is the child of the container's
//! first process, if there are namespaces of process ids. Where there are none it may seem to come from outside,
//! but not while it is alone: that first process has executed, and the container ends with it.

use super::{Seed, number};
use lapwing_abi::ids::Phase;
use lapwing_abi::state::process_marks;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

const PF_FORKNOEXEC: u64 = 0x40;

/// Gives those back to the runtime: what they execute next is what enters.
pub fn admit(proc: &Path, seeds: &mut [Seed]) {
    let [runtime, main, exec] =
        [Phase::Runtime, Phase::Main, Phase::Exec].map(|phase| u32::from(phase.raw()));
    let mut company: HashMap<u64, usize> = HashMap::new();
    for seed in { seeds.iter() }.filter(|seed| seed.process.phase > runtime) {
        *company.entry(seed.process.cgroup).or_default() += 1;
    }
    for seed in seeds {
        let process = &mut seed.process;
        let is_first = process.phase == main && company.get(&process.cgroup) == Some(&1);
        let is_guest = process.phase == exec;
        if process.issuer == 0 && (is_first || is_guest) && has_executed_nothing(proc, seed.pid) {
            process.phase = runtime;
            if is_first {
                process.marks &= !process_marks::LATE;
            }
        }
    }
}

fn has_executed_nothing(proc: &Path, pid: u32) -> bool {
    let stat = fs::read_to_string(proc.join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| number(&stat, 9).is_some_and(|flags| flags & PF_FORKNOEXEC != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Image;
    use lapwing_abi::state::Process;

    const RUNTIME: u32 = Phase::Runtime.raw() as u32;
    const MAIN: u32 = Phase::Main.raw() as u32;
    const EXEC: u32 = Phase::Exec.raw() as u32;
    const ESCAPED: u32 = Phase::Escaped.raw() as u32;

    /// The phases and marks of processes: each with its flags, its container, its issuer and its phase so far.
    fn admitted(all: &[(u64, u64, u64, u32)]) -> Vec<(u32, u32)> {
        let proc = tempfile::tempdir().unwrap();
        let mut seeds = Vec::new();
        for (pid, (flags, cgroup, issuer, phase)) in (10..).zip(all) {
            let folder = proc.path().join(pid.to_string());
            fs::create_dir(&folder).unwrap();
            let stat = format!("{pid} (runc:[2:INIT]) 1) S 1 2 3 4 5 {flags} 7");
            fs::write(folder.join("stat"), stat).unwrap();
            seeds.push(Seed {
                pid,
                process: Process {
                    cgroup: *cgroup,
                    issuer: *issuer,
                    phase: *phase,
                    marks: process_marks::LATE,
                    ..Process::default()
                },
                image: Image::default(),
            });
        }
        admit(proc.path(), &mut seeds);
        let found = seeds
            .iter()
            .map(|seed| (seed.process.phase, seed.process.marks));
        found.collect()
    }

    #[test]
    fn the_first_process_is_the_runtimes_until_it_executes() {
        let late = process_marks::LATE;
        assert_eq!(admitted(&[(0x40, 5, 0, MAIN)]), [(RUNTIME, 0)]);
        assert_eq!(admitted(&[(0x40_0140, 5, 0, MAIN)]), [(RUNTIME, 0)]);
        assert_eq!(admitted(&[(0x100, 5, 0, MAIN)]), [(MAIN, late)]);
        // Beside another container's.
        let two = admitted(&[(0x40, 5, 0, MAIN), (0, 6, 0, MAIN)]);
        assert_eq!(two, [(RUNTIME, 0), (MAIN, late)]);
    }

    #[test]
    fn who_forked_in_the_container_is_the_containers() {
        let late = process_marks::LATE;
        let of_first = admitted(&[(0, 5, 0, MAIN), (0x40, 5, 10, MAIN)]);
        assert_eq!(of_first, [(MAIN, late), (MAIN, late)]);
        // One that lost its parent, where there are no namespaces of process ids.
        let orphan = admitted(&[(0, 5, 0, MAIN), (0x40, 5, 0, MAIN)]);
        assert_eq!(orphan, [(MAIN, late), (MAIN, late)]);
        let escaped = admitted(&[(0x40, 5, 0, ESCAPED)]);
        assert_eq!(escaped, [(ESCAPED, late)]);
    }

    #[test]
    fn who_enters_is_the_runtimes_until_it_executes() {
        let late = process_marks::LATE;
        let all = admitted(&[
            (0, 5, 0, MAIN),
            (0x40, 5, 0, EXEC),
            (0, 5, 0, EXEC),
            (0x40, 5, 12, EXEC),
        ]);
        let phases = [MAIN, RUNTIME, EXEC, EXEC].map(|phase| (phase, late));
        assert_eq!(all, phases);
    }

    #[test]
    fn who_is_gone_stays_what_it_was() {
        let proc = tempfile::tempdir().unwrap();
        assert!(!has_executed_nothing(proc.path(), 10));
        // A test is a thread of a program that was executed.
        assert!(!has_executed_nothing(
            Path::new("/proc"),
            std::process::id()
        ));
    }
}
