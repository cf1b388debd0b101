//! Attaching the twins of programs, and counting what the kernel skipped and no twin made up for.
//!
//! Why there are twins: see [`lapwing_abi::spares`]. Each costs the time in which its program is loaded
//! once more, and some instructions at each event: there are some only where the kernel preempts
//! programs. Where it does and cannot tell links apart (before Linux 5.19), what it skips is lost, and
//! counted as such.

use super::sys;
use aya::maps::PerCpuArray;
use aya::programs::{FEntry, ProgramFd, ProgramType};
use aya::sys::{BpfHelper, is_helper_supported};
use aya::{Btf, Ebpf};
use lapwing_abi::hooks::Attach;
use lapwing_abi::spares::{FUNCTIONS, TRACEPOINTS};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use std::ffi::CString;
use std::path::Path;

/// Where a kernel with more than one preemption model says which it uses, below the root.
const MODEL: &str = "sys/kernel/debug/sched/preempt";

/// Since which version programs on tracepoints run with preemption on (`__DO_TRACE` in
/// include/linux/tracepoint.h takes SRCU instead of switching it off). Nothing else tells.
const TRACEPOINTS_PREEMPTED: u32 = 7;

/// Which programs need twins on this kernel: bits of [`lapwing_abi::spares`].
#[must_use]
pub fn needed(host_root: &Path) -> u32 {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let name = rustix::system::uname();
    let model = read(&host_root.join(MODEL)).or_else(|| read(&Path::new("/").join(MODEL)));
    let asked = read(Path::new("/proc/cmdline")).unwrap_or_default();
    let version = name.version().to_string_lossy();
    if !may_preempt(&version, model.as_deref(), &asked) {
        return 0;
    }
    let release = name.release().to_string_lossy();
    if major(&release).is_none_or(|major| major >= TRACEPOINTS_PREEMPTED) {
        FUNCTIONS | TRACEPOINTS
    } else {
        FUNCTIONS
    }
}

/// Of these, the ones whose links this kernel can tell apart.
#[must_use]
pub fn possible(needed: u32, ebpf: &mut Ebpf, btf: &Btf) -> u32 {
    // There since Linux 5.5: the kernel's own programs are tried with it.
    const FUNCTION: &str = "bpf_fentry_test1";
    let mut bits = needed;
    let helper = BpfHelper::BPF_FUNC_get_attach_cookie;
    if bits & TRACEPOINTS != 0
        && !is_helper_supported(ProgramType::RawTracePoint, helper).unwrap_or(false)
    {
        bits &= !TRACEPOINTS;
    }
    if bits & FUNCTIONS != 0 {
        let probe: Option<&mut FEntry> = ebpf
            .program_mut("spare_probe")
            .and_then(|probe| probe.try_into().ok());
        if !probe.is_some_and(|probe| probe.load(FUNCTION, btf).is_ok() && probe.unload().is_ok()) {
            bits &= !FUNCTIONS;
        }
    }
    bits
}

/// Whether a kernel may preempt a program.
///
/// `UTS_VERSION` names every preemption model but the two that do not (init/Makefile).
/// `PREEMPT_DYNAMIC` can be any: the model that is used stands in parentheses among those that
/// there are, where that can be read; or the kernel was asked for it when it was booted. One that
/// is not known may.
fn may_preempt(version: &str, model: Option<&str>, asked: &str) -> bool {
    const NEVER: [&str; 2] = ["none", "voluntary"];
    if !version
        .split_whitespace()
        .any(|word| word == "PREEMPT" || word.starts_with("PREEMPT_"))
    {
        return false;
    }
    if let Some(model) = model {
        return !NEVER
            .iter()
            .any(|never| model.contains(&format!("({never})")));
    }
    let asked = asked
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("preempt="))
        .next_back();
    !(version.contains("PREEMPT_DYNAMIC") && asked.is_some_and(|asked| NEVER.contains(&asked)))
}

/// The first number of a version.
fn major(release: &str) -> Option<u32> {
    release.split('.').next()?.parse().ok()
}

/// Whether a program that is attached so needs a twin.
#[must_use]
pub const fn has_twin(spares: u32, attach: Attach) -> bool {
    let sort = match attach {
        Attach::RawTracepoint(_) | Attach::SyscallExit(_) => TRACEPOINTS,
        Attach::Fentry(_) | Attach::Fexit(_) => FUNCTIONS,
        _ => 0,
    };
    spares & sort != 0
}

/// Attaches a twin; dropping the link detaches it. One that another program calls has none, nor has
/// one that the kernel refuses, which the log says: its program works, and what it is skipped for
/// is lost and counted.
#[must_use]
pub fn attach(twin: &ProgramFd, attach: Attach, target: &str) -> Option<OwnedFd> {
    const ENTRY: u32 = 24;
    const EXIT: u32 = 25;
    let link = match attach {
        Attach::RawTracepoint(name) => {
            let name = CString::new(name).ok()?;
            sys::open_tracepoint(twin.as_fd(), &name)
        }
        Attach::Fentry(_) => sys::link_function(twin.as_fd(), ENTRY),
        Attach::Fexit(_) => sys::link_function(twin.as_fd(), EXIT),
        _ => return None,
    };
    link.inspect_err(|error| {
        tracing::warn!(
            "the kernel refuses a second program at {target} ({error}): what it preempts there is lost, \
             and counted as program-skipped"
        );
    })
    .ok()
}

/// How often the kernel skipped a program because another run of it was going on on that
/// processor, and how often a twin made up for that. The first is from `/proc/self/fdinfo`, since
/// Linux 5.12; before, programs cannot interrupt one another. That a twin is skipped is no loss.
fn counts(ebpf: &Ebpf) -> (u64, u64) {
    let skipped = ebpf
        .programs()
        .filter_map(|(_, program)| {
            let fd = program.fd().ok()?.as_fd().as_raw_fd();
            let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()?;
            let count = text
                .lines()
                .find_map(|line| line.strip_prefix("recursion_misses:"))?;
            count.trim().parse::<u64>().ok()
        })
        .sum();
    let spared = ebpf
        .map("SPARED")
        .and_then(|map| PerCpuArray::<_, u64>::try_from(map).ok())
        .and_then(|map| Some(map.get(&0, 0).ok()?.iter().sum()));
    (skipped, spared.unwrap_or_default())
}

/// The twins that are attached, and the count of events that neither they nor their programs ran for.
#[derive(Debug, Default)]
pub struct Spares {
    links: Vec<OwnedFd>,
    /// Runs of twins before their programs were attached: nobody counts these as skipped.
    early: u64,
    /// Runs that twins made up for.
    spared: u64,
    missing: Missing,
}

impl Spares {
    /// These were attached, all programs are now.
    #[must_use]
    pub fn begin(ebpf: &Ebpf, links: Vec<OwnedFd>) -> Self {
        let (skipped, spared) = counts(ebpf);
        Self {
            links,
            early: spared.saturating_sub(skipped),
            ..Self::default()
        }
    }

    /// Events that were lost since the last call.
    pub fn look(&mut self, ebpf: &Ebpf) -> u64 {
        let (skipped, spared) = counts(ebpf);
        let spared = spared.saturating_sub(self.early);
        if spared > self.spared {
            tracing::debug!(
                "{skipped} runs of kernel programs skipped, {spared} made up for by {} twins",
                self.links.len()
            );
        }
        self.spared = spared;
        self.missing.lost(skipped.saturating_sub(spared))
    }
}

/// What is missing may be on its way, between a program and its twin.
#[derive(Debug, Default)]
struct Missing {
    /// What was missing at the last look.
    last: u64,
    /// What was said to be lost.
    told: u64,
}

impl Missing {
    /// What is lost, that was not told before: what is missing twice in a row.
    fn lost(&mut self, missing: u64) -> u64 {
        let lost = missing.min(std::mem::replace(&mut self.last, missing));
        let new = lost.saturating_sub(self.told);
        self.told += new;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_preempts_unless_it_says_that_it_does_not() {
        const DYNAMIC: &str = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.1-1 (2025-01-01)";
        for (version, model, asked, expected) in [
            (DYNAMIC, None, "quiet", true),
            (DYNAMIC, Some("none (voluntary) full lazy \n"), "", false),
            (
                DYNAMIC,
                Some("(none) voluntary full \n"),
                "preempt=full",
                false,
            ),
            (DYNAMIC, Some("full (lazy) \n"), "preempt=none", true),
            (DYNAMIC, None, "quiet preempt=voluntary ro", false),
            (DYNAMIC, None, "preempt=none preempt=full", true),
            (
                "#1 SMP PREEMPT_LAZY Debian 7.2.1-1",
                None,
                "preempt=none",
                true,
            ),
            ("#7 PREEMPT Tue Jan 1 00:00:00 UTC 2030", None, "", true),
            ("#1 SMP PREEMPT_RT x", None, "", true),
            ("#1 SMP Debian 5.10.1-1", None, "preempt=full", false),
            ("#1 SMP PREEMPTIVE", None, "", false),
        ] {
            assert_eq!(
                may_preempt(version, model, asked),
                expected,
                "{version} {model:?} {asked}"
            );
        }
    }

    #[test]
    fn the_first_number_of_a_release_is_read() {
        assert_eq!(major("7.2.12+deb14-cloud-amd64"), Some(7));
        assert_eq!(major("10.0-rc1"), Some(10));
        assert_eq!(major("next"), None);
    }

    #[test]
    fn what_is_on_its_way_is_not_lost_and_what_is_lost_is_told_once() {
        let mut missing = Missing::default();
        let told: Vec<u64> = [0, 1, 0, 2, 2, 2, 5, 3, 3, 3]
            .into_iter()
            .map(|now| missing.lost(now))
            .collect();
        assert_eq!(told, [0, 0, 0, 0, 2, 0, 0, 1, 0, 0]);
    }
}
