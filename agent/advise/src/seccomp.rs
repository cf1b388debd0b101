//! A seccomp profile from the system calls that were recorded.
//!
//! What was called is allowed, and besides:
//!
//! - **what the runtime calls** between installing the filter and executing the program ([`RUNTIME`]).
//!   runc installs it last but for this where the container has `no_new_privs`, and else before it sets
//!   the user and the capabilities ([`RUNTIME_PRIVILEGED`]): without `no_new_privs` only a privileged
//!   process may install one (`libcontainer/standard_init_linux.go`, `setns_init_linux.go`). It does so
//!   for each `exec` into the container too. Whether a container will have `no_new_privs` is not for the filter
//!   to say, so these are left out only where what sets it is advised with the filter. These calls cannot be told from the recording, which leaves
//!   out the runtime's steps, most of which come before the filter.
//! - **what a process may call at any time** whatever its program is ([`ALWAYS`]): to end, to return from
//!   a signal, and what the vDSO answers by itself only on machines with a clock that may be read so.
//!
//! All else fails with `EPERM`. Calls that came with Linux 5.1 or later (numbers from 424 on, which are
//! the same for all architectures, and of 32-bit ones those from 403 on, which take times of 64 bits) fail with
//! `ENOSYS`, as an older kernel answers: the C library asks for some of them first (`clone3`, `faccessat2`,
//! `futex_time64`), and takes the older one only for that answer. None of them is allowed by it.
//!
//! A call does not say which behaviour it was part of. So those of behaviours that wait for a decision, or
//! were refused, are in the filter as well.
//!
//! Names count for all architectures of a profile; a name that one has not is passed over there by
//! libseccomp. Calls of an architecture that is not listed kill the process, which is libseccomp's answer.

use crate::capability::Capabilities;
use crate::evidence::{Fact, Facts, Named};
use crate::manifest::Applied;
use lapwing_profile::behaviour::{Behaviour, Privileged};
use lapwing_profile::entry::{Entry, Phase};
use lapwing_profile::file::time;
use lapwing_profile::profile::Profile;
use lapwing_profile::syscalls::{Calls, Table};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is said where nothing was recorded.
const UNRECORDED: &str = "system calls were not recorded: the runtime's default profile is advised, which common programs \
     run with; `syscalls: learning` in the agent's configuration records them";
/// What is said where something was.
const RECORDED: &str = "`-o seccomp` prints a profile of the calls that were recorded; without `--seccomp` a patch has \
     the runtime's default profile, which needs no file on the nodes";
/// What is said where the runtime's default profile is not advised.
const REFUSING: &str = "what the runtime's default profile may refuse is approved, so the profile that is there stays; `-o seccomp` \
     prints one of the calls that were recorded (`syscalls: learning` in the agent's configuration), which `--seccomp` has a patch use";

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
/// First number that all architectures share: the calls of Linux 5.1 and later.
const UNIFIED: u16 = 424;
/// First number of those that 32-bit architectures alone have beside these.
const TIME64: u16 = 403;

/// What a runtime may call after it installed the filter: runc's last steps, its Go scheduler, and the
/// start of a thread by the C library.
pub const RUNTIME: &[&str] = &[
    "brk",
    "clone",
    "close",
    "dup3",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "eventfd2",
    "execve",
    "exit",
    "exit_group",
    "faccessat",
    "fcntl",
    "fstat",
    "fstatfs",
    "futex",
    "getdents64",
    "getpid",
    "getppid",
    "gettid",
    "madvise",
    "mmap",
    "mprotect",
    "munmap",
    "nanosleep",
    "newfstatat",
    "openat",
    "pipe2",
    "prctl",
    "pread64",
    "read",
    "readlinkat",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "sigaltstack",
    "statx",
    "tgkill",
    "write",
];

/// What it calls besides where the container has no `no_new_privs`: who the program runs as, and what
/// it may do.
pub const RUNTIME_PRIVILEGED: &[&str] = &[
    "capget",
    "capset",
    "chdir",
    "fchown",
    "getcwd",
    "getegid",
    "geteuid",
    "getgid",
    "getuid",
    "lseek",
    "setgid",
    "setgroups",
    "setresgid",
    "setresuid",
    "setuid",
    "umask",
];

/// What any program may call, though it was not seen to.
pub const ALWAYS: &[&str] = &[
    "clock_gettime",
    "clock_gettime64",
    "exit",
    "exit_group",
    "getcpu",
    "gettimeofday",
    "restart_syscall",
    "rt_sigreturn",
    "sigreturn",
    "time",
];

/// What is advised of system calls.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seccomp {
    /// What is advised, and why.
    pub why: &'static str,
    /// Whether the runtime's default profile is advised where no other is.
    pub default: bool,
    /// What it may refuse.
    pub because: Named,
    /// What was recorded; `None` if nothing was.
    pub recorded: Option<Recorded>,
    /// What speaks against relying on it.
    pub incomplete: Vec<String>,
}

/// What was recorded.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// From when, in RFC 3339.
    pub first: String,
    /// Until when.
    pub last: Option<String>,
    /// When a call was last new.
    pub newest: Option<String>,
    /// Architectures that were called by, as libseccomp names them.
    pub architectures: Vec<&'static str>,
    /// Calls of the container's own processes, by name.
    pub names: BTreeSet<&'static str>,
    /// Calls that only processes made which entered the container.
    pub entered: BTreeSet<&'static str>,
    /// Whether those are part of the profile: where the profile approves of an entry of such a process.
    pub with_entered: bool,
    /// Numbers without a name, and how they were called.
    pub unnamed: Vec<String>,
    /// Newer calls that were not made.
    #[serde(skip)]
    unseen: BTreeSet<&'static str>,
    /// What is allowed besides what was called.
    pub besides: BTreeSet<&'static str>,
}

impl Seccomp {
    pub(crate) fn of(
        profile: &Profile,
        facts: &Facts,
        capabilities: &Capabilities,
        applied: Option<&Applied>,
    ) -> Self {
        // What was seen under a profile was not refused by it.
        let is_confined = applied.is_some_and(Applied::is_confined);
        let because: Named = (facts.all.iter())
            .filter(|fact| !is_confined && may_be_refused(fact, capabilities, applied))
            .map(|fact| fact.seen.clone())
            .collect();
        let default = because.is_empty();
        let why = |why| if default { why } else { REFUSING };
        let calls = &profile.calls;
        let Some(first) = calls.first else {
            return Self {
                why: why(UNRECORDED),
                default,
                because,
                recorded: None,
                incomplete: Vec::new(),
            };
        };
        let approved = profile.entries(lapwing_profile::profile::Verdict::Approved);
        let with_entered = approved.keys().any(has_entered);
        let mut recorded = Recorded {
            first: time(first),
            last: calls.last.map(time),
            newest: calls.newest.map(time),
            architectures: architectures(calls, with_entered),
            names: BTreeSet::new(),
            entered: BTreeSet::new(),
            with_entered,
            unnamed: Vec::new(),
            unseen: BTreeSet::new(),
            besides: BTreeSet::new(),
        };
        for ((table, entered), numbers) in &calls.sets {
            for number in numbers {
                match name(*table, *number) {
                    Some(name) if *entered => drop(recorded.entered.insert(name)),
                    Some(name) => drop(recorded.names.insert(name)),
                    None => {
                        let call = format!("{} {number}", table.word());
                        recorded.unnamed.push(call);
                    }
                }
            }
        }
        let names = &recorded.names;
        recorded.entered.retain(|name| !names.contains(name));
        let besides = [RUNTIME, RUNTIME_PRIVILEGED, ALWAYS].concat();
        recorded.besides = { besides.into_iter() }
            .filter(|name| !names.contains(name))
            .collect();
        let allowed = recorded.allowed(false);
        let is_listed = |table: &Table| {
            let numbers = |entered| calls.numbers(*table, entered).next().is_some();
            numbers(false) || with_entered && numbers(true)
        };
        let older = [Table::I386, Table::Arm].into_iter().filter(is_listed);
        let older = older.flat_map(|table| (TIME64..UNIFIED).map(move |number| (table, number)));
        let newer = (UNIFIED..512).map(|number| (Table::X86_64, number));
        recorded.unseen = { newer.chain(older) }
            .filter_map(|(table, number)| name(table, number))
            .filter(|name| !allowed.contains(name))
            .collect();
        Self {
            why: why(RECORDED),
            default,
            because,
            incomplete: lacks(calls, &recorded),
            recorded: Some(recorded),
        }
    }
}

/// Whether the default profile of a runtime may refuse what was done: those of containerd 2 and Docker 25, which allow
/// some calls to containers with a capability and some to none.
fn may_be_refused(fact: &Fact, capabilities: &Capabilities, applied: Option<&Applied>) -> bool {
    let Behaviour::Privilege(it) = &fact.entry.behaviour else {
        return false;
    };
    let has = |name: &str| {
        let added = applied.map_or(&[][..], |applied| &applied.add[..]);
        // What is left as it is stays with it.
        let stays = !capabilities.drop_all;
        capabilities.names().contains(&name)
            || stays && (added.iter()).any(|one| one.strip_prefix("CAP_").unwrap_or(one) == name)
    };
    match it.operation {
        Privileged::IoUring | Privileged::PivotRoot => true,
        Privileged::Mount
        | Privileged::Umount
        | Privileged::Setns
        | Privileged::Unshare
        | Privileged::Bpf => !has("SYS_ADMIN"),
        Privileged::Module => !has("SYS_MODULE"),
        Privileged::Ptrace
        | Privileged::ProcessVmWrite
        | Privileged::ExecMapping
        | Privileged::Capability
        | Privileged::ProcMem
        | Privileged::Escape => false,
    }
}

/// Whether an entry is of a process that entered its container.
fn has_entered(entry: &Entry) -> bool {
    matches!(entry.phase, Phase::Exec | Phase::Probe)
}

fn lacks(calls: &Calls, recorded: &Recorded) -> Vec<String> {
    let mut lacks = Vec::new();
    if !calls.from_start {
        lacks.push(
            "no container was recorded from its first program: what it called before is missing; start one anew \
             while the profile learns"
                .to_owned(),
        );
    }
    if calls.from_start && calls.partial {
        lacks.push(
            "a container was not recorded, or not from its first program, because it ran before or there was no room: \
             what it alone called is missing"
                .to_owned(),
        );
    }
    if let Some(gap) = calls.gap {
        let gap = time(gap);
        lacks.push(format!(
            "the kernel skipped calls, last at {gap}: one that was made once may be missing"
        ));
    }
    if !recorded.unnamed.is_empty() {
        let all = recorded.unnamed.join(", ");
        lacks.push(format!("numbers without a name, which are left out: {all}"));
    }
    lacks
}

impl Recorded {
    /// What it rests on, in a line.
    #[must_use]
    pub fn basis(&self) -> String {
        let last = self.last.as_deref().unwrap_or("an unknown time");
        let newest = self.newest.as_deref().unwrap_or("never");
        let entered = match (self.entered.len(), self.with_entered) {
            (0, _) => String::new(),
            (count, true) => format!("; {count} by processes alone that entered the container"),
            (count, false) => format!(
                "; {count} by processes alone that entered the container are left out, because the profile approves of \
                 none: {}",
                list(&self.entered)
            ),
        };
        format!(
            "{} calls recorded from {} to {last}, the last new one at {newest}{entered}",
            self.names.len(),
            self.first
        )
    }

    /// All that is allowed; of a container that is sure to have `no_new_privs` less of what is not called.
    #[must_use]
    pub fn allowed(&self, no_new_privs: bool) -> BTreeSet<&'static str> {
        let mut besides = self.besides.clone();
        if no_new_privs {
            besides.retain(|name| !RUNTIME_PRIVILEGED.contains(name));
        }
        let mut all: BTreeSet<&'static str> = &self.names | &besides;
        if self.with_entered {
            all.extend(&self.entered);
        }
        all
    }

    /// The profile, as the OCI runtime specification has it, and Docker and Kubernetes read it. With
    /// `no_new_privs` containers without it do not start.
    #[must_use]
    pub fn document(&self, no_new_privs: bool) -> Value {
        let mut rules = vec![json!({
            "names": self.allowed(no_new_privs),
            "action": "SCMP_ACT_ALLOW",
        })];
        if !self.unseen.is_empty() {
            rules.push(json!({
                "names": self.unseen,
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": ENOSYS,
            }));
        }
        json!({
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": EPERM,
            "architectures": self.architectures,
            "syscalls": rules,
        })
    }
}

fn list(names: &BTreeSet<&'static str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(" ")
}

/// Those that were called by, and of each the one that it belongs to.
fn architectures(calls: &Calls, with_entered: bool) -> Vec<&'static str> {
    let mut all = BTreeSet::new();
    for ((table, entered), numbers) in &calls.sets {
        if numbers.is_empty() || *entered && !with_entered {
            continue;
        }
        let (own, of) = match table {
            Table::X86_64 => ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86_64"),
            Table::I386 => ("SCMP_ARCH_X86", "SCMP_ARCH_X86_64"),
            Table::X32 => ("SCMP_ARCH_X32", "SCMP_ARCH_X86_64"),
            Table::Aarch64 => ("SCMP_ARCH_AARCH64", "SCMP_ARCH_AARCH64"),
            Table::Arm => ("SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64"),
        };
        all.extend([own, of]);
    }
    all.into_iter().collect()
}

/// Calls of x32 that differ from those of x86_64, from 512 on: arch/x86/entry/syscalls/syscall_64.tbl.
const X32: &[&str] = &[
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];

/// The name of a call, as libseccomp has it; `None` for a number that is none.
#[must_use]
pub fn name(table: Table, number: u16) -> Option<&'static str> {
    let id = usize::from(number);
    let found = match table {
        Table::X86_64 => syscalls::x86_64::Sysno::new(id)?.name(),
        Table::I386 => syscalls::x86::Sysno::new(id)?.name(),
        Table::X32 => match id.checked_sub(512) {
            Some(late) => X32.get(late)?,
            None => syscalls::x86_64::Sysno::new(id)?.name(),
        },
        Table::Aarch64 => syscalls::aarch64::Sysno::new(id)?.name(),
        Table::Arm => syscalls::arm::Sysno::new(id)?.name(),
    };
    Some(match (table, found) {
        // As the header of all architectures calls it.
        (Table::Aarch64, "fstatat") => "newfstatat",
        _ => found,
    })
}
