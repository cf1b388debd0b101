//! Why a variant of a hook is not used here: the kernel's own words, and what kind of lack it is,
//! on which the remedy depends.

use aya::programs::ProgramError;
use lapwing_abi::hooks::{Attach, Tier, Variant};
use std::fmt;

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
        Some(Attach::Kprobe(_) | Attach::Kretprobe(_)) => Cause::NoKprobes,
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
        assert_eq!(loaded(None, "", PERM).cause, Cause::NoRight);
        assert_eq!(loaded(None, "", INVAL).cause, Cause::Other);
    }
}
