//! Loading programs, several at a time, and attaching them.
//!
//! Nearly all the time between the agent's start and the moment from which it sees is spent in the
//! verifier, which works on the programs of one process in parallel. So the programs that are
//! likely to be attached are loaded by several threads first; attaching them takes no time.
//! Where programs have twins, see [`spares`], those are loaded then too.

use super::spares;
use aya::programs::{
    CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, CgroupSockAddr, FEntry, FExit, KProbe,
    Program, ProgramError, ProgramFd, RawTracePoint,
};
use aya::{Btf, Ebpf};
use lapwing_abi::hooks::Attach;
use rustix::fd::OwnedFd;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The kernel's links are always shared; the flag for it is refused with links.
const LINK: CgroupAttachMode = CgroupAttachMode::Single;
/// Threads that load at a time: each may need tens of megabytes of the kernel's memory.
const THREADS_MAX: usize = 4;

/// A program to be loaded: what it will be attached to, as the table and as the kernel names it.
pub struct Wanted {
    /// How it is attached.
    pub attach: Attach,
    /// The kernel's function, where it is one.
    pub target: String,
}

/// What became of programs, by name.
#[derive(Default)]
pub struct Loaded {
    /// Those that the kernel did not take.
    pub failed: HashMap<String, ProgramError>,
    /// The twins of the others, where they have some.
    pub twins: HashMap<String, Vec<ProgramFd>>,
}

/// Loads these programs, by name, and the twins of those that have some.
pub fn preload(ebpf: &mut Ebpf, wanted: &HashMap<&str, Wanted>, btf: &Btf, spares: u32) -> Loaded {
    let work: Vec<_> = ebpf
        .programs_mut()
        .filter_map(|(name, program)| Some((name.to_owned(), program, wanted.get(name)?)))
        .collect();
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(THREADS_MAX)
        .min(work.len());
    let work = Mutex::new(work);
    let loaded = Mutex::new(Loaded::default());
    let run = || {
        loop {
            // The lock must not be held while the kernel works.
            let next = work.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((name, program, wanted)) = next else {
                return;
            };
            let result = load(program, wanted.attach, &wanted.target, btf).and_then(|()| {
                (0..spares::twins(spares, wanted.attach))
                    .map(|_| load_again(program, wanted, btf))
                    .collect::<Result<Vec<_>, _>>()
            });
            let mut loaded = loaded.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(twins) => drop(loaded.twins.insert(name, twins)),
                Err(error) => drop(loaded.failed.insert(name, error)),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
    loaded.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Loads a program that is loaded already, and answers with what was loaded before.
fn load_again(
    program: &mut Program,
    wanted: &Wanted,
    btf: &Btf,
) -> Result<ProgramFd, ProgramError> {
    let first = program.fd()?.try_clone()?;
    match program {
        Program::FEntry(program) => program.unload()?,
        Program::FExit(program) => program.unload()?,
        Program::RawTracePoint(program) => program.unload()?,
        _ => return Err(ProgramError::UnexpectedProgramType),
    }
    load(program, wanted.attach, &wanted.target, btf)?;
    Ok(first)
}

/// Loads a program, unless it is loaded already.
///
/// # Errors
/// What the kernel says.
pub fn load(
    program: &mut Program,
    attach: Attach,
    target: &str,
    btf: &Btf,
) -> Result<(), ProgramError> {
    let loaded = match attach {
        Attach::RawTracepoint(_) | Attach::SyscallExit(_) => {
            <&mut RawTracePoint>::try_from(program)?.load()
        }
        Attach::Fentry(_) => <&mut FEntry>::try_from(program)?.load(target, btf),
        Attach::Fexit(_) => <&mut FExit>::try_from(program)?.load(target, btf),
        Attach::Kprobe(_) | Attach::Kretprobe(_) => <&mut KProbe>::try_from(program)?.load(),
        Attach::CgroupSockAddr => <&mut CgroupSockAddr>::try_from(program)?.load(),
        Attach::CgroupEgress | Attach::CgroupIngress => <&mut CgroupSkb>::try_from(program)?.load(),
    };
    match loaded {
        Err(ProgramError::AlreadyLoaded) => Ok(()),
        other => other,
    }
}

/// Attaches a loaded program, and its twins, whose links are the answer.
///
/// They must come behind the program, in order. On a tracepoint what is attached later runs later; on
/// a function it runs earlier (`hlist_add_head` in `__bpf_trampoline_link_prog`).
///
/// # Errors
/// What the kernel says of the program; that it refuses a twin is said in the log.
pub fn attach_all(
    program: &mut Program,
    twins: &[ProgramFd],
    attached: Attach,
    target: &str,
    cgroup: Option<&OwnedFd>,
) -> Result<Vec<OwnedFd>, ProgramError> {
    let runs_first = matches!(attached, Attach::Fentry(_) | Attach::Fexit(_));
    let mut links = Vec::new();
    if runs_first {
        links = spares::attach(twins, attached, target);
    }
    attach(program, attached, target, cgroup)?;
    if !runs_first {
        links = spares::attach(twins, attached, target);
    }
    Ok(links)
}

/// Attaches a loaded program. Those for sockets are attached to `cgroup`, to none in a trial; one
/// for the exit of system calls is run by another.
///
/// # Errors
/// What the kernel says.
pub fn attach(
    program: &mut Program,
    attach: Attach,
    target: &str,
    cgroup: Option<&OwnedFd>,
) -> Result<(), ProgramError> {
    match attach {
        Attach::RawTracepoint(name) => {
            let program: &mut RawTracePoint = program.try_into()?;
            program.attach(name).map(drop)
        }
        Attach::Fentry(_) => {
            let program: &mut FEntry = program.try_into()?;
            program.attach().map(drop)
        }
        Attach::Fexit(_) => {
            let program: &mut FExit = program.try_into()?;
            program.attach().map(drop)
        }
        Attach::Kprobe(_) | Attach::Kretprobe(_) => {
            let program: &mut KProbe = program.try_into()?;
            program.attach(target, 0).map(drop)
        }
        Attach::SyscallExit(_) => Ok(()),
        Attach::CgroupSockAddr => {
            let program: &mut CgroupSockAddr = program.try_into()?;
            match cgroup {
                None => Ok(()),
                Some(cgroup) => program.attach(cgroup, LINK).map(drop),
            }
        }
        Attach::CgroupEgress | Attach::CgroupIngress => {
            let program: &mut CgroupSkb = program.try_into()?;
            let way = match attach {
                Attach::CgroupEgress => CgroupSkbAttachType::Egress,
                _ => CgroupSkbAttachType::Ingress,
            };
            match cgroup {
                None => Ok(()),
                Some(cgroup) => program.attach(cgroup, way, LINK).map(drop),
            }
        }
    }
}
