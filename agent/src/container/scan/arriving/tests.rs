use super::*;
use crate::process::Image;
use lapwing_abi::state::Process;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

const RUNTIME: u32 = Phase::Runtime.raw() as u32;
const MAIN: u32 = Phase::Main.raw() as u32;
const EXEC: u32 = Phase::Exec.raw() as u32;
const ESCAPED: u32 = Phase::Escaped.raw() as u32;
const LATE: u32 = process_marks::LATE;
/// The parent outside, and one of the container's.
const SHIM: u32 = 2;
const MEMBER: u32 = 3;
const NOBODY: u32 = 4;

/// What `/proc` would have: pid 1 and the shim on the host, a member of the container.
struct Host(tempfile::TempDir);

/// A process that is met.
#[derive(Clone, Copy)]
struct Met {
    flags: u64,
    home: u64,
    issuer: u64,
    phase: u32,
    parent: u32,
    container_pid: u32,
    namespace: &'static str,
    exe: &'static str,
}

/// What waits to be started.
const WAITING: Met = Met {
    flags: 0x40,
    home: 5,
    issuer: 0,
    phase: MAIN,
    parent: SHIM,
    container_pid: 1,
    namespace: "container",
    exe: "runc",
};
/// A program of the container's.
const RUNNING: Met = Met {
    flags: 0x100,
    exe: "root/sh",
    ..WAITING
};

impl Host {
    fn new() -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        for folder in ["host", "root"] {
            fs::create_dir(this.at(folder)).unwrap();
        }
        for file in ["runc", "root/sh", "ns-host", "ns-container"] {
            fs::write(this.at(file), "").unwrap();
        }
        this.process(1, "host", "host", "runc", 0);
        this.process(SHIM, "host", "host", "runc", 0);
        this.process(MEMBER, "container", "root", "root/sh", 0);
        this
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn process(&self, pid: u32, namespace: &str, root: &str, exe: &str, flags: u64) {
        let folder = self.at(&format!("proc/{pid}"));
        fs::create_dir_all(folder.join("ns")).unwrap();
        symlink(self.at(&format!("ns-{namespace}")), folder.join("ns/pid")).unwrap();
        symlink(self.at(root), folder.join("root")).unwrap();
        symlink(self.at(exe), folder.join("exe")).unwrap();
        let stat = format!("{pid} (runc:[2:INIT]) 1) S 1 2 3 4 5 {flags} 7");
        fs::write(folder.join("stat"), stat).unwrap();
    }

    /// Where the program's name leads to within the container's root: as the kernel would print it there.
    fn within(&self, exe: &str) {
        if let Some(name) = exe.strip_prefix("root/") {
            let whole = self.at(exe);
            let place = self.at("root").join(whole.strip_prefix("/").unwrap());
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            let _ = fs::hard_link(self.at("root").join(name), place);
        }
    }

    /// The phases and marks of processes.
    fn admitted(&self, all: &[Met]) -> Vec<(u32, u32)> {
        let mut seeds = Vec::new();
        for (pid, met) in (10..).zip(all) {
            let _ = fs::remove_dir_all(self.at(&format!("proc/{pid}")));
            self.process(pid, met.namespace, "root", met.exe, met.flags);
            self.within(met.exe);
            seeds.push(Seed {
                pid,
                process: Process {
                    cgroup: met.home,
                    issuer: met.issuer,
                    phase: met.phase,
                    parent_pid: met.parent,
                    container_pid: met.container_pid,
                    marks: LATE,
                    ..Process::default()
                },
                image: Image::default(),
            });
        }
        admit(&self.at("proc"), &self.at("host"), &mut seeds);
        let found = seeds
            .iter()
            .map(|seed| (seed.process.phase, seed.process.marks));
        found.collect()
    }
}

#[test]
fn the_first_process_is_the_runtimes_until_it_executes() {
    let host = Host::new();
    assert_eq!(host.admitted(&[WAITING]), [(RUNTIME, 0)]);
    let others = Met {
        flags: 0x40_0140,
        ..WAITING
    };
    assert_eq!(host.admitted(&[others]), [(RUNTIME, 0)]);
    assert_eq!(host.admitted(&[RUNNING]), [(MAIN, LATE)]);
    // What made it has ended.
    let orphan = Met {
        parent: 1,
        ..WAITING
    };
    assert_eq!(host.admitted(&[orphan]), [(RUNTIME, 0)]);
    // Beside another container's.
    let second = Met { home: 6, ..RUNNING };
    assert_eq!(
        host.admitted(&[WAITING, second]),
        [(RUNTIME, 0), (MAIN, LATE)]
    );
}

#[test]
fn who_may_be_the_containers_is() {
    let host = Host::new();
    for (why, met) in [
        (
            "another of it forked it",
            Met {
                issuer: 9,
                ..WAITING
            },
        ),
        (
            "its parent is one of it",
            Met {
                parent: MEMBER,
                ..WAITING
            },
        ),
        // So it is of a process whose main thread has ended.
        (
            "its parent cannot be asked",
            Met {
                parent: NOBODY,
                ..WAITING
            },
        ),
        (
            "it is not the first of its namespace",
            Met {
                container_pid: 7,
                ..WAITING
            },
        ),
        (
            "it shares the host's",
            Met {
                namespace: "host",
                ..WAITING
            },
        ),
        (
            "it was restored from a checkpoint",
            Met {
                exe: "root/sh",
                ..WAITING
            },
        ),
        (
            "its program cannot be told",
            Met {
                exe: "gone",
                ..WAITING
            },
        ),
    ] {
        assert_eq!(host.admitted(&[met]), [(MAIN, LATE)], "{why}");
    }
    let beside = host.admitted(&[RUNNING, WAITING]);
    assert_eq!(beside, [(MAIN, LATE), (MAIN, LATE)]);
    let escaped = Met {
        phase: ESCAPED,
        ..WAITING
    };
    assert_eq!(host.admitted(&[escaped]), [(ESCAPED, LATE)]);
}

#[test]
fn who_enters_is_the_runtimes_until_it_executes() {
    let host = Host::new();
    let enters = Met {
        phase: EXEC,
        container_pid: 30,
        ..WAITING
    };
    let ran = Met { flags: 0, ..enters };
    let forked = Met {
        issuer: 12,
        ..enters
    };
    let by_a_member = Met {
        parent: MEMBER,
        ..enters
    };
    let all = host.admitted(&[RUNNING, enters, ran, forked, by_a_member]);
    let phases = [MAIN, RUNTIME, EXEC, EXEC, EXEC].map(|phase| (phase, LATE));
    assert_eq!(all, phases);
}

#[test]
fn who_is_gone_stays_what_it_was() {
    let host = Host::new();
    let proc = host.at("proc");
    assert!(!has_executed_nothing(&proc, 10));
    assert!(!is_arriving(&proc, &host.at("host"), 10, SHIM));
    // A test is a thread of a program that was executed.
    assert!(!has_executed_nothing(
        Path::new("/proc"),
        std::process::id()
    ));
}
