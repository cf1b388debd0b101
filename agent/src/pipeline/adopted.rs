//! Processes that acted between the attaching of the programs and the scan.
//!
//! The kernel side took them in because of their cgroup, and could not know which
//! program they run: the entry and the records say 0. The scan knows. It completes the
//! entry for all that comes later, and here the records that are on their way already.

use crate::container::scan::Seed;
use lapwing_abi::ids::{Kind, flags};
use lapwing_abi::record::Header;
use lapwing_abi::state::{EXEC_SEEDED, Process};
use std::collections::HashMap;

/// What the scan knows of a process, and the kernel side did not.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// When it started: the id may be another's by now.
    start: u64,
    /// The image it ran when it was met; 0 if it has executed another since.
    exec: u64,
    /// Who issued that.
    issuer: u64,
    /// Who issued the first program that the kernel side saw it execute.
    next_issuer: u64,
}

/// Those processes.
#[derive(Debug, Default)]
pub struct Adopted(HashMap<u32, Known>);

impl Adopted {
    /// What the kernel side's entry of a process is to be; `None` if it is to stay as it is.
    pub fn entry(&mut self, seed: &Seed, entry: Option<Process>) -> Option<Process> {
        let given = seed.process;
        let (completed, known) = match entry {
            Some(entry) if entry.exec != 0 => {
                // It executed a program under our eyes, but of whom it came is not known. An
                // entry without a parent is one of the kernel side's first.
                if entry.issuer != 0 || given.issuer == 0 {
                    return None;
                }
                let completed = Process {
                    issuer: given.issuer,
                    ..entry
                };
                let known = Known {
                    start: given.start,
                    exec: 0,
                    issuer: 0,
                    next_issuer: given.issuer,
                };
                (completed, known)
            }
            entry => {
                // Where it belongs, and when it started, the kernel side knows best.
                let completed = entry.map_or(given, |entry| Process {
                    cgroup: entry.cgroup,
                    start: entry.start,
                    ..given
                });
                let known = Known {
                    start: given.start,
                    exec: given.exec,
                    issuer: given.issuer,
                    next_issuer: given.exec,
                };
                (completed, known)
            }
        };
        self.0.insert(seed.pid, known);
        Some(completed)
    }

    /// Completes a record.
    pub fn complete(&self, header: &mut Header) {
        let Some(known) = self.0.get(&header.pid) else {
            return;
        };
        // The one comes from the kernel in nanoseconds, the other from /proc in ticks.
        if header.start.abs_diff(known.start) > TICK {
            return;
        }
        if header.kind == Kind::Exec.raw() {
            // Of what ran before, the scan has said who issued it.
            if header.issuer == 0 && header.exec & EXEC_SEEDED == 0 {
                header.issuer = known.next_issuer;
                if known.exec == 0 {
                    // It may have executed more than the one program that the scan found.
                    header.flags |= flags::PROCESS_UNKNOWN;
                }
            }
        } else if header.exec == 0 {
            header.exec = known.exec;
            header.issuer = known.issuer;
        }
    }

    /// What the entry of a process is to be that executed a program in the very moment in which
    /// its entry was completed: `entry` says still what the scan knew.
    #[must_use]
    pub fn overtaken(&self, header: &Header, entry: Option<Process>) -> Option<Process> {
        let known = self.0.get(&header.pid)?;
        let entry = entry?;
        let overtaken = header.kind == Kind::Exec.raw()
            && header.exec & EXEC_SEEDED == 0
            && known.exec != 0
            && entry.exec == known.exec;
        overtaken.then_some(Process {
            exec: header.exec,
            issuer: header.issuer,
            phase: u32::from(header.phase),
            // Unlike every other, and unlike that of the program before it.
            image: header.exec,
            ..entry
        })
    }

    /// The records of that time are read.
    pub fn clear(&mut self) {
        self.0 = HashMap::new();
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The resolution of starts in /proc, in nanoseconds.
const TICK: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Image;

    fn seed(issuer: u64) -> Seed {
        Seed {
            pid: 7,
            process: Process {
                exec: EXEC_SEEDED | 7,
                issuer,
                cgroup: 5,
                start: 100 * TICK,
                ..Process::default()
            },
            image: Image::default(),
        }
    }

    fn header(kind: Kind, exec: u64, issuer: u64) -> Header {
        Header {
            kind: kind.raw(),
            pid: 7,
            start: 100 * TICK + 5,
            exec,
            issuer,
            ..Header::default()
        }
    }

    #[test]
    fn a_process_that_was_not_met_is_added_as_it_is() {
        let mut adopted = Adopted::default();
        assert_eq!(adopted.entry(&seed(0), None), Some(seed(0).process));
    }

    #[test]
    fn one_that_was_adopted_is_completed_and_its_records_with_it() {
        let mut adopted = Adopted::default();
        let met = Process {
            cgroup: 6,
            start: 100 * TICK + 5,
            ..Process::default()
        };
        let entry = adopted.entry(&seed(9), Some(met)).unwrap();
        assert_eq!(entry.start, met.start);
        assert_eq!((entry.exec, entry.issuer), (EXEC_SEEDED | 7, 9));
        assert_eq!(entry.cgroup, 6, "membership is the kernel side's to say");

        let mut file = header(Kind::File, 0, 0);
        adopted.complete(&mut file);
        assert_eq!((file.exec, file.issuer), (EXEC_SEEDED | 7, 9));
        let mut exec = header(Kind::Exec, 77, 0);
        adopted.complete(&mut exec);
        assert_eq!((exec.exec, exec.issuer), (77, EXEC_SEEDED | 7));
        assert_eq!(exec.flags, 0, "it ran that until then");
        let mut told = header(Kind::Exec, EXEC_SEEDED | 7, 0);
        adopted.complete(&mut told);
        assert_eq!(told.issuer, 0, "what ran at the scan did not issue itself");
        assert_eq!(adopted.overtaken(&told, Some(entry)), None);
        let mut known = header(Kind::File, 77, 66);
        adopted.complete(&mut known);
        assert_eq!((known.exec, known.issuer), (77, 66));

        let overtaken = adopted.overtaken(&exec, Some(entry)).unwrap();
        assert_eq!((overtaken.exec, overtaken.issuer), (77, EXEC_SEEDED | 7));
        assert_eq!(overtaken.image, 77);
        assert_eq!(adopted.overtaken(&exec, Some(overtaken)), None);
        assert_eq!(adopted.overtaken(&file, Some(entry)), None);

        let mut other = header(Kind::File, 0, 0);
        other.start += 2 * TICK;
        adopted.complete(&mut other);
        assert_eq!(other.exec, 0, "another process with the same id");
    }

    #[test]
    fn one_that_executed_since_keeps_its_program_and_learns_its_issuer() {
        let mut adopted = Adopted::default();
        let met = Process {
            exec: 77,
            ..Process::default()
        };
        assert_eq!(adopted.entry(&seed(0), Some(met)), None);
        let entry = adopted.entry(&seed(9), Some(met)).unwrap();
        assert_eq!((entry.exec, entry.issuer), (77, 9));
        let mut exec = header(Kind::Exec, 77, 0);
        adopted.complete(&mut exec);
        assert_eq!((exec.exec, exec.issuer), (77, 9));
        assert_eq!(exec.flags, flags::PROCESS_UNKNOWN, "a guess, and no parent");
        let mut before = header(Kind::File, 0, 0);
        adopted.complete(&mut before);
        assert_eq!(before.exec, 0, "what it ran before is not known");
        let done = Process { issuer: 3, ..met };
        assert_eq!(adopted.entry(&seed(9), Some(done)), None);
    }
}
