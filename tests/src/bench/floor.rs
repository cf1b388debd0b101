//! The floor program (`tests/benches/floor`), loaded and attached.

use super::work::Op;
use anyhow::{Context, Result, anyhow, bail};
use aya::maps::{MapData, PerCpuHashMap, PerCpuValues};
use aya::programs::{CgroupAttachMode, CgroupSockAddr, FExit, RawTracePoint};
use aya::{Btf, Ebpf, EbpfLoader};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The hooks that the floor counts, by their number in the program.
const HOOKS: u32 = 6;
const EXEC: u32 = 0;
const FORK: u32 = 1;
const EXIT: u32 = 2;
const OPEN: u32 = 3;
const CONNECT: u32 = 4;
const SEND: u32 = 5;

/// `do_filp_open` up to Linux 6.x, `do_file_open` from 7.0.
const OPENS: [&str; 2] = ["do_filp_open", "do_file_open"];
const TRACEPOINTS: [(&str, &str); 3] = [
    ("floor_exec", "sched_process_exec"),
    ("floor_fork", "sched_process_fork"),
    ("floor_exit", "sched_process_exit"),
];
const SOCKETS: [&str; 4] = [
    "floor_connect4",
    "floor_connect6",
    "floor_sendmsg4",
    "floor_sendmsg6",
];

/// The attached program; dropping it detaches it.
pub struct Floor {
    counts: PerCpuHashMap<MapData, u32, u64>,
    _ebpf: Ebpf,
}

impl Floor {
    /// Loads the object and attaches it for one cgroup of the v2 hierarchy; what it hooks of
    /// sockets, it hooks below `egress`. Opens are hooked by trampolines only if `trampolines`.
    pub fn attach(object: &Path, traced: &Path, egress: &Path, trampolines: bool) -> Result<Self> {
        let bytes = fs::read(object).with_context(|| {
            format!(
                "cannot read the floor program {}: `cargo xtask bench` builds it",
                object.display()
            )
        })?;
        let cgroup = fs::metadata(traced)?.ino();
        let mut ebpf = EbpfLoader::new()
            .override_global("CGROUP", &cgroup, true)
            .load(&bytes)
            .context("the kernel refuses the floor's maps")?;
        let map = ebpf
            .take_map("COUNTS")
            .context("the floor has no map COUNTS")?;
        let mut counts = PerCpuHashMap::try_from(map)?;
        let cpus = aya::util::nr_cpus().map_err(|(file, error)| anyhow!("{file}: {error}"))?;
        for hook in 0..HOOKS {
            counts.insert(hook, PerCpuValues::try_from(vec![0; cpus])?, 0)?;
        }
        for (name, tracepoint) in TRACEPOINTS {
            tracepoint_of(&mut ebpf, name, tracepoint)?;
        }
        match trampolines {
            true => {
                let program: &mut FExit = program(&mut ebpf, "floor_open")?.try_into()?;
                let btf = Btf::from_sys_fs()?;
                if !OPENS
                    .iter()
                    .any(|function| program.load(function, &btf).is_ok())
                {
                    bail!(
                        "the kernel takes no trampoline on {}, but the agent uses one",
                        OPENS.join(" or ")
                    );
                }
                program.attach()?;
            }
            false if cfg!(target_arch = "x86_64") => {
                tracepoint_of(&mut ebpf, "floor_sys_exit", "sys_exit")?;
            }
            false => bail!("without trampolines, the floor knows system calls of x86_64 only"),
        }
        let folder = File::open(egress)?;
        for name in SOCKETS {
            let program: &mut CgroupSockAddr = program(&mut ebpf, name)?.try_into()?;
            program.load()?;
            program.attach(&folder, CgroupAttachMode::Single)?;
        }
        Ok(Self {
            counts,
            _ebpf: ebpf,
        })
    }

    /// How often each hook fired in the cgroup.
    pub fn counts(&self) -> Result<[u64; HOOKS as usize]> {
        let mut all = [0; HOOKS as usize];
        for (hook, count) in (0..).zip(&mut all) {
            *count = self.counts.get(&hook, 0)?.iter().sum();
        }
        Ok(all)
    }
}

fn program<'e>(ebpf: &'e mut Ebpf, name: &str) -> Result<&'e mut aya::programs::Program> {
    ebpf.program_mut(name)
        .with_context(|| format!("the floor has no program {name}"))
}

fn tracepoint_of(ebpf: &mut Ebpf, name: &str, tracepoint: &str) -> Result<()> {
    let program: &mut RawTracePoint = program(ebpf, name)?.try_into()?;
    program
        .load()
        .and_then(|()| program.attach(tracepoint).map(drop))
        .with_context(|| format!("the kernel refuses {name}"))
}

/// How often one operation makes each hook fire that it must; hooks it has nothing to do with, or
/// that the executed program may fire by itself, are not in the list.
const fn fires(op: Op) -> &'static [(u32, u64)] {
    match op {
        Op::Exec => &[(EXEC, 1), (FORK, 1), (EXIT, 1), (CONNECT, 0), (SEND, 0)],
        Op::OpenRead | Op::OpenWrite => &[(OPEN, 1), (EXEC, 0), (FORK, 0), (CONNECT, 0)],
        Op::Connect => &[(CONNECT, 1), (OPEN, 0), (EXEC, 0), (SEND, 0)],
        Op::UdpSend => &[(SEND, 1), (OPEN, 0), (EXEC, 0), (CONNECT, 0)],
        Op::Null | Op::Write => &[(OPEN, 0), (EXEC, 0), (FORK, 0), (CONNECT, 0), (SEND, 0)],
    }
}

/// Compares what the floor counted with what was done.
pub fn check(op: Op, done: u64, before: &[u64], after: &[u64]) -> Result<()> {
    for &(hook, each) in fires(op) {
        let seen = after[hook as usize] - before[hook as usize];
        if seen != each * done {
            bail!(
                "{done} times {} were done, but the floor's hook {hook} fired {seen} times, not {}",
                op.name(),
                each * done
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_differs_by_one_is_an_error() {
        let before = [5; HOOKS as usize];
        let mut after = before;
        after[CONNECT as usize] += 10;
        assert!(check(Op::Connect, 10, &before, &after).is_ok());
        assert!(check(Op::Connect, 11, &before, &after).is_err());
        assert!(check(Op::Null, 10, &before, &after).is_err());
        after[OPEN as usize] += 1;
        assert!(check(Op::Connect, 10, &before, &after).is_err());
    }
}
