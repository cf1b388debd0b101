//! Why a variant of a hook is not used here: the kernel's own words, and what kind of lack it is,
//! on which the remedy depends.

use aya::programs::ProgramError;
use aya::sys::SyscallError;
use lapwing_abi::hooks::{Attach, Tier, Variant};
use std::fmt;
use std::path::Path;

/// Who may open events.
const PARANOID: &str = "/proc/sys/kernel/perf_event_paranoid";

/// What is lacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Whoever runs the agent wants no better tier.
    LeftOut,
    /// A member of a kernel struct has another name, or is not there.
    NoField,
    /// The kernel has none of the functions, or no entry to them.
    NoFunction,
    /// No trampolines: programs of this kind cannot be loaded or attached.
    NoTrampolines,
    /// No kprobes.
    NoKprobes,
    /// There are kprobes, and the agent may not open the events by which they are attached.
    NoPerfEvents,
    /// The agent may not do it.
    NoRight,
    /// No cgroup v2 to attach to.
    NoCgroup,
    /// The verifier does not accept the program.
    Verifier,
    /// What the kernel's words say.
    Other,
}

impl Cause {
    /// What can be done about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::LeftOut => {
                "`tier: best` in the configuration, or `--tier best`, lets the better tier in"
            }
            Self::NoField => {
                "no setting helps: the kernel's structs are laid out in a way that this version does not know; a \
                 newer Lapwing may"
            }
            Self::NoFunction => {
                "no setting helps: this kernel has no such function, or its compiler has merged it with its callers; a \
                 newer Lapwing may know another one"
            }
            Self::NoTrampolines => {
                "a kernel with CONFIG_BPF_JIT, CONFIG_DEBUG_INFO_BTF and CONFIG_FUNCTION_TRACER (x86_64 since Linux \
                 5.5, arm64 since 6.4), and no policy of the host against programs that trace the kernel"
            }
            Self::NoKprobes => {
                "a kernel with CONFIG_KPROBES, CONFIG_KPROBE_EVENTS and CONFIG_PERF_EVENTS, and \
                 /sys/bus/event_source visible to the agent"
            }
            Self::NoPerfEvents => {
                "`sysctl -w kernel.perf_event_paranoid=2` on the node where it is 3 or more: by that Debian's and Ubuntu's \
                 kernels refuse perf_event_open(2) to who has no CAP_SYS_ADMIN, be it with CAP_PERFMON; or \
                 CAP_SYS_ADMIN for the agent. Where it is 2 or less: CAP_PERFMON, and no lockdown, seccomp or security \
                 policy that forbids the call"
            }
            Self::NoRight => {
                "the capabilities BPF, PERFMON, NET_ADMIN and SYS_PTRACE (before Linux 5.11 also SYS_RESOURCE), and no \
                 lockdown, seccomp or security policy that forbids bpf(2)"
            }
            Self::NoCgroup => {
                "`mount -t cgroup2 none /sys/fs/cgroup/unified` on the host, or CAP_SYS_ADMIN for the agent, which then \
                 mounts it for itself"
            }
            Self::Verifier => {
                "no setting helps: this kernel's verifier refuses the program, which is a defect of Lapwing; please \
                 report it with the output of `lapwing doctor -o json`"
            }
            Self::Other => "the reason is the kernel's own word for it",
        }
    }

    /// The name in `-o json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeftOut => "left-out",
            Self::NoField => "no-field",
            Self::NoFunction => "no-function",
            Self::NoTrampolines => "no-trampolines",
            Self::NoKprobes => "no-kprobes",
            Self::NoPerfEvents => "no-perf-events",
            Self::NoRight => "no-right",
            Self::NoCgroup => "no-cgroup-v2",
            Self::Verifier => "verifier",
            Self::Other => "other",
        }
    }
}

/// Why one variant is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The variant's tier.
    pub tier: Tier,
    /// What is lacking.
    pub cause: Cause,
    /// In words, on one line.
    pub text: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "tier {}: {}", self.tier.name(), self.text)
    }
}

impl Refusal {
    /// From what attaching a variant ended with.
    #[must_use]
    pub fn new(variant: &Variant, error: &anyhow::Error) -> Self {
        let cause = error
            .downcast_ref::<Because>()
            .map_or(Cause::Other, |because| because.cause);
        Self {
            tier: variant.tier,
            cause,
            text: format!("{error:#}"),
        }
    }
}

/// All of a row, on one line.
#[must_use]
pub fn joined(refusals: &[Refusal]) -> String {
    let texts: Vec<String> = refusals.iter().map(Refusal::to_string).collect();
    texts.join("; ")
}

/// An error that knows what is lacking.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct Because {
    cause: Cause,
    text: String,
}

impl Because {
    /// Whether that is the cause.
    #[must_use]
    pub fn is(&self, cause: Cause) -> bool {
        self.cause == cause
    }
}

/// Such an error.
pub fn because(cause: Cause, text: impl Into<String>) -> Because {
    Because {
        cause,
        text: text.into(),
    }
}

/// What the kernel said to a program of a kind, in one line: the verifier's log is long, its last
/// words say why.
#[must_use]
pub fn explain(attach: Option<Attach>, error: &ProgramError) -> Because {
    if let ProgramError::LoadError {
        io_error,
        verifier_log,
    } = error
    {
        return not_loaded(attach, io_error, &verifier_log.to_string());
    }
    if let ProgramError::SyscallError(error) = error
        && error.call == OPEN_EVENT
        && is_denied(&error.io_error)
    {
        return not_opened(error, Path::new(PARANOID));
    }
    let mut text = error.to_string();
    let mut denied = false;
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        denied |= error.downcast_ref().is_some_and(is_denied);
        source = error.source();
    }
    because(lacking(attach, denied), format!("refused: {text}"))
}

fn not_loaded(attach: Option<Attach>, error: &std::io::Error, log: &str) -> Because {
    let last = log
        .lines()
        .rev()
        .find(|line| !line.is_empty() && !is_statistics(line));
    match last {
        Some(line) => because(
            Cause::Verifier,
            format!("refused at load: {error} ({line})"),
        ),
        None => because(
            lacking(attach, is_denied(error)),
            format!("refused at load: {error}"),
        ),
    }
}

/// How aya calls the system call that opens an event.
const OPEN_EVENT: &str = "perf_event_open";

/// What is said where the kernel lets the agent open no event. The file is one for the whole machine, also as a
/// container sees it. EACCES is what a kernel answers by its number, or by CAP_PERFMON alone
/// (`perf_kprobe_event_init`); lockdown and profiles for seccomp answer EPERM.
fn not_opened(error: &SyscallError, paranoid: &Path) -> Because {
    let mut text = format!("refused: {}: {}", error.call, error.io_error);
    if error.io_error.raw_os_error() == Some(rustix::io::Errno::ACCESS.raw_os_error())
        && let Ok(number) = std::fs::read_to_string(paranoid)
    {
        text = format!("{text}, and {PARANOID} is {}", number.trim());
    }
    because(Cause::NoPerfEvents, text)
}

/// Whether a line of the verifier's log only says how much it did.
fn is_statistics(line: &str) -> bool {
    ["processed", "stack depth", "verification time"]
        .iter()
        .any(|start| line.starts_with(start))
}

fn is_denied(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::PermissionDenied
}

/// What is lacking for a kind of program that the kernel does not take, whatever is in it.
const fn lacking(attach: Option<Attach>, denied: bool) -> Cause {
    match attach {
        Some(Attach::Fentry(_) | Attach::Fexit(_)) => Cause::NoTrampolines,
        Some(Attach::Kprobe(_) | Attach::Kretprobe(_)) if !denied => Cause::NoKprobes,
        _ if denied => Cause::NoRight,
        _ => Cause::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error;

    fn loaded(attach: Option<Attach>, log: &str, number: i32) -> Because {
        let error = Error::from_raw_os_error(number);
        not_loaded(attach, &error, log)
    }

    #[test]
    fn the_kind_of_a_lack_is_told_by_who_refused_what() {
        const PERM: i32 = 1;
        const INVAL: i32 = 22;
        let entry = Some(Attach::Fentry(&["do_it"]));
        let because = loaded(entry, "", PERM);
        assert_eq!(because.cause, Cause::NoTrampolines);
        assert!(because.text.starts_with("refused at load: "), "{because}");
        let because = loaded(entry, "0: r1 = 2\nR1 is bad\nprocessed 3 insns\n\n", INVAL);
        assert_eq!(because.cause, Cause::Verifier);
        assert!(because.text.ends_with("(R1 is bad)"), "{because}");
        let probe = Some(Attach::Kprobe(&["do_it"]));
        assert_eq!(loaded(probe, "", INVAL).cause, Cause::NoKprobes);
        assert_eq!(loaded(probe, "", PERM).cause, Cause::NoRight);
        assert_eq!(loaded(None, "", PERM).cause, Cause::NoRight);
        assert_eq!(loaded(None, "", INVAL).cause, Cause::Other);
    }

    #[test]
    fn who_may_open_no_event_is_told_by_which_number() {
        const ACCES: i32 = 13;
        let refused = |number: i32| SyscallError {
            call: OPEN_EVENT,
            io_error: Error::from_raw_os_error(number),
        };
        let folder = tempfile::tempdir().unwrap();
        let paranoid = folder.path().join("perf_event_paranoid");
        std::fs::write(&paranoid, "3\n").unwrap();
        let because = not_opened(&refused(ACCES), &paranoid);
        assert_eq!(because.cause, Cause::NoPerfEvents);
        let end = "/proc/sys/kernel/perf_event_paranoid is 3";
        assert!(because.text.ends_with(end), "{because}");
        // The number is not what seccomp or lockdown go by; and a file that cannot be read says nothing.
        for (number, file) in [(1, paranoid), (ACCES, folder.path().join("none"))] {
            let because = not_opened(&refused(number), &file);
            assert_eq!(because.cause, Cause::NoPerfEvents);
            assert!(!because.text.contains(PARANOID), "{because}");
        }
        // By what attaching ends with; what else the kernel says of a kprobe is no matter of rights.
        let attach = Some(Attach::Kprobe(&["do_it"]));
        let told = |number| explain(attach, &ProgramError::from(refused(number)));
        let because = told(ACCES);
        assert_eq!(because.cause, Cause::NoPerfEvents);
        assert!(
            because.text.starts_with("refused: perf_event_open: "),
            "{because}"
        );
        for word in ["kernel.perf_event_paranoid", "CAP_SYS_ADMIN"] {
            assert!(because.cause.remedy().contains(word), "{word}");
        }
        assert_eq!(told(2).cause, Cause::NoKprobes);
    }
}
