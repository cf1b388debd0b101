//! Which variant of each row this kernel really loads and attaches: found out by trying, all rows
//! by their best variants first, then those that are left by the next.

use super::dispatcher::Call;
use super::load::{FOREIGN_OBJECT, Kernel};
use super::programs::{self, Wanted};
use super::refusal::{Because, Cause, Refusal, because, explain};
use super::sensor::HookState;
use anyhow::{Context, Result, anyhow};
use aya::Ebpf;
use aya::programs::{ProgramFd, RawTracePoint};
use lapwing_abi::hooks::{Attach, Hook, Row, Tier, Variant, hooks};
use lapwing_abi::spares::DISPATCHER;
use lapwing_abi::syscalls::Syscall;
use rustix::fd::OwnedFd;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// What is there where the kernel has kprobes: how one is made, since Linux 4.17.
const KPROBES: &str = "/sys/bus/event_source/devices/kprobe/type";

/// Tries, and keeps what works.
pub struct Attacher<'a> {
    kernel: &'a Kernel<'a>,
    ebpf: &'a mut Ebpf,
    /// Which programs have twins.
    spares: u32,
    /// The loaded twins, by their programs.
    pub twins: HashMap<String, Vec<ProgramFd>>,
    /// By which those that are not called by others are attached.
    pub links: Vec<OwnedFd>,
    /// Programs that serve several rows are attached once.
    attached: HashSet<&'static str>,
    /// Programs that were refused, and why: rows that share one are told the same.
    failed: HashMap<&'static str, Because>,
    /// Programs for the exits of system calls.
    pub calls: Vec<Call>,
}

impl<'a> Attacher<'a> {
    /// Of an object that is loaded, with which twins.
    #[must_use]
    pub fn new(kernel: &'a Kernel<'a>, ebpf: &'a mut Ebpf, spares: u32) -> Self {
        Self {
            kernel,
            ebpf,
            spares,
            twins: HashMap::new(),
            links: Vec::new(),
            attached: HashSet::new(),
            failed: HashMap::new(),
            calls: Vec::new(),
        }
    }

    /// Why the verifier does not take the programs that some rows have everywhere or on
    /// trampolines, where there are trampolines.
    #[must_use]
    pub fn refusal(mut self, rows: &[Row]) -> Option<Because> {
        let programs = hooks()
            .filter(|hook| rows.contains(&hook.row))
            .flat_map(|hook| hook.variants)
            .filter(|variant| matches!(variant.tier, Tier::Base | Tier::A1));
        self.preload(programs);
        self.failed
            .into_values()
            .find(|because| because.is(Cause::Verifier))
    }

    /// Fills the rows: all by their best variants first, then those that are left by the next.
    pub fn fill(&mut self) -> Vec<HookState> {
        let all: Vec<&'static Hook> = hooks().collect();
        let mut states: Vec<HookState> = all
            .iter()
            .map(|hook| HookState {
                row: hook.row,
                tier: None,
                target: String::new(),
                misses: "",
                refused: Vec::new(),
            })
            .collect();
        for round in 0.. {
            let open: Vec<(&Variant, &mut HookState)> = all
                .iter()
                .zip(&mut states)
                .filter(|(_, state)| state.tier.is_none())
                .filter_map(|(hook, state)| Some((hook.variants.get(round)?, state)))
                .collect();
            if open.is_empty() {
                break;
            }
            self.preload(open.iter().map(|(variant, _)| *variant));
            for (variant, state) in open {
                match self.attach(variant) {
                    Ok(target) => {
                        state.tier = Some(variant.tier);
                        state.target = target;
                        state.misses = variant.misses;
                    }
                    Err(error) => state.refused.push(Refusal::new(variant, &error)),
                }
            }
        }
        states
    }

    /// Loads the programs of these variants, as far as they may work here.
    fn preload<'v>(&mut self, variants: impl Iterator<Item = &'v Variant>) {
        let mut wanted = HashMap::new();
        let mut names = HashMap::new();
        for variant in variants {
            // Loading it anew would detach it: rows share programs.
            if self.twins.contains_key(variant.program) {
                continue;
            }
            if let Ok(target) = self.target(variant) {
                let attach = variant.attach;
                if matches!(attach, Attach::SyscallExit(_)) {
                    let target = target.clone();
                    if !self.twins.contains_key(DISPATCHER) {
                        wanted.insert(DISPATCHER, Wanted { attach, target });
                    }
                }
                names.insert(variant.program, attach);
                wanted.insert(variant.program, Wanted { attach, target });
            }
        }
        let loaded = programs::preload(self.ebpf, &wanted, self.kernel.aya_btf, self.spares);
        for (program, attach) in names {
            if let Some(error) = loaded.failed.get(program) {
                self.failed.insert(program, explain(Some(attach), error));
            }
        }
        self.twins.extend(loaded.twins);
    }

    /// What a variant would be attached to; an error where it cannot work.
    fn target(&self, variant: &Variant) -> Result<String, Because> {
        if let Some(error) = self.kernel.offsets.lack(variant.needs) {
            return Err(because(Cause::NoField, error.to_string()));
        }
        let best = self.kernel.settings.best;
        if variant.tier != Tier::Base && rank(variant.tier) < rank(best) {
            return Err(because(
                Cause::LeftOut,
                format!("left out: no better tier than {} is wanted", best.name()),
            ));
        }
        if matches!(variant.attach, Attach::Kprobe(_) | Attach::Kretprobe(_))
            && !Path::new(KPROBES).exists()
        {
            return Err(because(
                Cause::NoKprobes,
                format!("the kernel has no kprobes: there is no {KPROBES}"),
            ));
        }
        if is_of_cgroup(variant.attach) {
            self.kernel.settings.cgroup()?;
        }
        Ok(match variant.attach {
            Attach::RawTracepoint(name) => name.to_owned(),
            Attach::CgroupSockAddr => "cgroup socket address".to_owned(),
            Attach::CgroupEgress => "cgroup packets sent".to_owned(),
            Attach::CgroupIngress => "cgroup packets received".to_owned(),
            Attach::SyscallExit(_) => "sys_exit".to_owned(),
            Attach::Fentry(functions)
            | Attach::Fexit(functions)
            | Attach::Kprobe(functions)
            | Attach::Kretprobe(functions) => {
                match functions
                    .iter()
                    .find(|name| self.kernel.btf.has_function(name))
                {
                    Some(name) => (*name).to_owned(),
                    None => {
                        return Err(because(
                            Cause::NoFunction,
                            format!("the kernel has no function {}", functions.join(" or ")),
                        ));
                    }
                }
            }
        })
    }

    fn attach(&mut self, variant: &Variant) -> Result<String> {
        let target = self.target(variant)?;
        if self.attached.contains(variant.program) {
            if let Attach::SyscallExit(calls) = variant.attach {
                self.register(variant.program, calls)?;
            }
            return Ok(target);
        }
        if let Some(because) = self.failed.get(variant.program) {
            return Err(because.clone().into());
        }
        if matches!(variant.attach, Attach::SyscallExit(_)) && !self.attached.contains(DISPATCHER) {
            let program = self.ebpf.program_mut(DISPATCHER).context(FOREIGN_OBJECT)?;
            programs::load(program, variant.attach, &target, self.kernel.aya_btf)
                .map_err(|error| explain(None, &error))?;
            self.attached.insert(DISPATCHER);
        }
        let program = self.ebpf.program_mut(variant.program).ok_or_else(|| {
            anyhow!(
                "the object has no program {}: it was built from other sources",
                variant.program
            )
        })?;
        let cgroup = match is_of_cgroup(variant.attach) {
            true => self.kernel.settings.cgroup()?,
            false => None,
        };
        let attach = variant.attach;
        let twins = self
            .twins
            .get(variant.program)
            .map_or(&[][..], Vec::as_slice);
        match programs::load(program, attach, &target, self.kernel.aya_btf)
            .and_then(|()| programs::attach_all(program, twins, attach, &target, cgroup))
        {
            Ok(links) => self.links.extend(links),
            Err(error) => {
                let because = explain(Some(attach), &error);
                self.failed.insert(variant.program, because.clone());
                return Err(because.into());
            }
        }
        if let Attach::SyscallExit(calls) = variant.attach {
            self.register(variant.program, calls)?;
        }
        self.attached.insert(variant.program);
        Ok(target)
    }

    /// Notes a loaded program for the exits of these system calls.
    fn register(&mut self, program: &str, calls: &[Syscall]) -> Result<()> {
        let loaded = self.ebpf.program(program).context(FOREIGN_OBJECT)?;
        let loaded: &RawTracePoint = loaded.try_into()?;
        let twins = self.twins.get(program).map_or(&[][..], Vec::as_slice);
        for call in calls {
            self.calls.push(Call {
                name: *call,
                program: loaded.fd()?.try_clone()?,
                twins: twins
                    .iter()
                    .map(ProgramFd::try_clone)
                    .collect::<Result<_, _>>()?,
            });
        }
        Ok(())
    }
}

/// Whether it acts on all processes of a cgroup.
const fn is_of_cgroup(attach: Attach) -> bool {
    matches!(
        attach,
        Attach::CgroupSockAddr | Attach::CgroupEgress | Attach::CgroupIngress
    )
}

/// The better, the lower; what is the same on every kernel is never left out.
const fn rank(tier: Tier) -> u8 {
    match tier {
        Tier::Base => 0,
        Tier::A1 => 1,
        Tier::A2 => 2,
        Tier::B => 3,
    }
}
