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
use rustix::fd::{AsFd, OwnedFd};
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
    let release = name.release().to_string_lossy();
    let model = read(&host_root.join(MODEL)).or_else(|| read(&Path::new("/").join(MODEL)));
    let says = Says {
        version: &name.version().to_string_lossy(),
        model: model.as_deref(),
        asked: &read(Path::new("/proc/cmdline")).unwrap_or_default(),
        config: &read(&host_root.join(format!("boot/config-{release}"))).unwrap_or_default(),
    };
    if !says.may_preempt() {
        0
    } else if major(&release).is_none_or(|major| major >= TRACEPOINTS_PREEMPTED) {
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

/// What a kernel says of itself.
struct Says<'s> {
    /// `UTS_VERSION`: it names every preemption model but the two that never preempt a program
    /// (init/Makefile). `PREEMPT_DYNAMIC` may be any.
    version: &'s str,
    /// The models that there are, the one that is used in parentheses, where that can be read.
    model: Option<&'s str>,
    /// The words with which it was booted.
    asked: &'s str,
    /// How it was built; empty where that is not known.
    config: &'s str,
}

impl Says<'_> {
    /// Whether it may preempt a program: one of which it is not known may.
    fn may_preempt(&self) -> bool {
        const NEVER: [&str; 2] = ["none", "voluntary"];
        let mut words = self.version.split_whitespace();
        if !words.any(|word| word == "PREEMPT" || word.starts_with("PREEMPT_")) {
            return false;
        }
        if let Some(model) = self.model {
            return !NEVER
                .iter()
                .any(|never| model.contains(&format!("({never})")));
        }
        if !self.version.contains("PREEMPT_DYNAMIC") {
            return true;
        }
        let words = self.asked.split_whitespace();
        if let Some(asked) = words
            .filter_map(|word| word.strip_prefix("preempt="))
            .next_back()
        {
            return !NEVER.contains(&asked);
        }
        !self
            .config
            .lines()
            .any(|line| matches!(line, "CONFIG_PREEMPT_NONE=y" | "CONFIG_PREEMPT_VOLUNTARY=y"))
    }
}

/// The first number of a version.
fn major(release: &str) -> Option<u32> {
    release.split('.').next()?.parse().ok()
}

/// How many twins a program has that is attached so.
#[must_use]
pub const fn twins(spares: u32, attach: Attach) -> u32 {
    let sort = match attach {
        Attach::RawTracepoint(_) | Attach::SyscallExit(_) => TRACEPOINTS,
        Attach::Fentry(_) | Attach::Fexit(_) => FUNCTIONS,
        _ => 0,
    };
    if spares & sort != 0 {
        lapwing_abi::spares::twins(sort)
    } else {
        0
    }
}

/// Attaches the twins of a program, so that they run in order; dropping the links detaches them.
/// Those that another program calls have none, nor has one that the kernel refuses, which the log
/// says: its program works, and what it is skipped for is lost and counted.
#[must_use]
pub fn attach(twins: &[ProgramFd], attach: Attach, target: &str) -> Vec<OwnedFd> {
    const ENTRY: u32 = 24;
    const EXIT: u32 = 25;
    let of = |(cookie, twin): (u64, &ProgramFd)| {
        let twin = twin.as_fd();
        let link = match attach {
            Attach::RawTracepoint(name) => {
                let name = CString::new(name).ok()?;
                sys::open_tracepoint(twin, &name, cookie)
            }
            Attach::Fentry(_) => sys::link_function(twin, ENTRY, cookie),
            Attach::Fexit(_) => sys::link_function(twin, EXIT, cookie),
            _ => return None,
        };
        link.inspect_err(|error| {
            tracing::warn!(
                "the kernel refuses a second program at {target} ({error}): what it preempts there is lost, \
                 and counted as program-skipped"
            );
        })
        .ok()
    };
    let numbered = (1..).zip(twins);
    match attach {
        // There the last runs first.
        Attach::Fentry(_) | Attach::Fexit(_) => {
            let numbered: Vec<_> = numbered.collect();
            numbered.into_iter().rev().filter_map(of).collect()
        }
        _ => numbered.filter_map(of).collect(),
    }
}

/// How often the kernel skipped a program because another run of it was going on on that
/// processor, and how often a twin made up for that. The first is counted since Linux 5.12; before,
/// programs cannot interrupt one another. That a twin is skipped is no loss.
fn counts(ebpf: &Ebpf) -> (u64, u64) {
    // First, because a twin runs after its program was skipped.
    let spared = ebpf
        .map("SPARED")
        .and_then(|map| PerCpuArray::<_, u64>::try_from(map).ok())
        .and_then(|map| Some(map.get(&0, 0).ok()?.iter().sum()));
    let skipped = ebpf
        .programs()
        .filter_map(|(_, program)| sys::skipped(program.fd().ok()?.as_fd()).ok())
        .sum();
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
        // Where a mark was lost a twin did what was done: that makes up for nothing later.
        self.early = self.early.max(spared.saturating_sub(skipped));
        let spared = spared - self.early;
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

/// How many looks in a row something has to be missing.
const LOOKS: usize = 6;

/// What is missing may be on its way, between a program and its twin. What is lost is missing for
/// ever, so it is the least of the latest looks. Two of them are too few: where a virtual machine
/// waits for its processors, each second one may find another run on its way.
#[derive(Debug, Default)]
struct Missing {
    /// What was missing at the latest looks, in a ring.
    latest: [u64; LOOKS],
    looks: usize,
    /// What was said to be lost.
    told: u64,
}

impl Missing {
    /// What is lost, that was not told before.
    fn lost(&mut self, missing: u64) -> u64 {
        self.latest[self.looks % LOOKS] = missing;
        self.looks += 1;
        let lost = self.latest.into_iter().min().unwrap_or_default();
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
        const VOLUNTARY: &str =
            "CONFIG_PREEMPT_BUILD=y\nCONFIG_PREEMPT_VOLUNTARY=y\nCONFIG_PREEMPT_DYNAMIC=y\n";
        const FULL: &str = "CONFIG_PREEMPT=y\n# CONFIG_PREEMPT_VOLUNTARY is not set\n";
        for (version, model, asked, config, expected) in [
            (DYNAMIC, None, "quiet", "", true),
            (DYNAMIC, None, "quiet", FULL, true),
            (DYNAMIC, None, "quiet", VOLUNTARY, false),
            (
                DYNAMIC,
                Some("none (voluntary) full lazy \n"),
                "",
                "",
                false,
            ),
            (
                DYNAMIC,
                Some("none voluntary (full) \n"),
                "",
                VOLUNTARY,
                true,
            ),
            (
                DYNAMIC,
                Some("(none) voluntary full \n"),
                "preempt=full",
                FULL,
                false,
            ),
            (DYNAMIC, Some("full (lazy) \n"), "preempt=none", "", true),
            (DYNAMIC, None, "quiet preempt=voluntary ro", FULL, false),
            (DYNAMIC, None, "preempt=none preempt=full", VOLUNTARY, true),
            (
                "#1 SMP PREEMPT_LAZY Debian 7.2.1-1",
                None,
                "preempt=none",
                "",
                true,
            ),
            (
                "#7 PREEMPT Tue Jan 1 00:00:00 UTC 2030",
                None,
                "",
                VOLUNTARY,
                true,
            ),
            ("#1 SMP PREEMPT_RT x", None, "", "", true),
            ("#1 SMP Debian 5.10.1-1", None, "preempt=full", FULL, false),
            ("#1 SMP PREEMPTIVE", None, "", FULL, false),
        ] {
            let says = Says {
                version,
                model,
                asked,
                config,
            };
            let text = format!("{version} {model:?} {asked} {config}");
            assert_eq!(says.may_preempt(), expected, "{text}");
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
        let mut told =
            |looks: &[u64]| -> Vec<u64> { looks.iter().map(|now| missing.lost(*now)).collect() };
        // Others each time, however often.
        assert_eq!(told(&[0, 1, 0, 2, 2, 2, 1, 1, 0]), [0; 9]);
        assert_eq!(told(&[2, 3, 2, 2, 5, 2, 3, 2]), [0, 0, 0, 0, 0, 2, 0, 0]);
        assert_eq!(told(&[3, 3, 3, 3, 3, 3]), [0, 0, 0, 0, 0, 1]);
    }
}
