//! Programs, forks and ends of processes.

use crate::emit::{self, Builder, append_user, hit, lost};
use crate::kernel::{self, Kptr, Place};
use crate::path;
use crate::{maps, process};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Kind, Loss, Origin, Phase, flags};
use lapwing_abi::record::{ARGS_MAX, NAME_MAX};
use lapwing_abi::state::{Cgroup, cgroup_state};

const OVERLAYFS_MAGIC: u64 = 0x794c_7630;

/// TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm), since Linux 3.4.
#[raw_tracepoint]
fn process_exec(ctx: RawTracePointContext) -> i32 {
    exec(Kptr(ctx.arg(0)), Kptr(ctx.arg(2)));
    0
}

#[inline(always)]
fn exec(task: Kptr, bprm: Kptr) -> Option<()> {
    let (mut process, known) = process::current()?;
    hit(Row::ProcessExec);
    let root = kernel::root_of(task);
    let foreign = kernel::is_foreign(root);
    if process.phase <= u32::from(Phase::Runtime.raw()) {
        let phase = if process::cgroup(process.cgroup).state == cgroup_state::HOST {
            Phase::Main
        } else if foreign {
            first_phase(process.cgroup)
        } else {
            Phase::Runtime
        };
        process.phase = u32::from(phase.raw());
    }
    process.issuer = process.exec;
    process.exec = next_exec();
    let (pid, _) = kernel::current_ids();
    // The runtime starts containers in namespaces of their own: the id may be new.
    process.container_pid = kernel::container_pid(task);
    process::remember(pid, &process);

    let Some(mut builder) = Builder::new() else {
        lost(Loss::ScratchTaken);
        return None;
    };
    let mut bits = if foreign { flags::FOREIGN_ROOT } else { 0 };
    if !known {
        bits |= flags::PROCESS_UNKNOWN;
    }
    let mm = task.follow(Field::TaskMm);
    let file = Place::at(mm.follow(Field::MmExeFile).at(Field::FilePath));
    let end = path::append(&mut builder, file, root);
    builder.end_section();
    bits |= end;

    let name = bprm.follow(Field::BprmFilename);
    builder.append(|at| {
        // SAFETY: NAME_MAX is below READ_MAX; the helper checks the address.
        unsafe { bpf_probe_read_kernel_str(at.cast(), NAME_MAX as u32, name.0 as *const _) }
    });
    builder.end_section();
    if bprm.follow(Field::BprmInterp) != name {
        bits |= flags::SCRIPT;
    }

    let args: u64 = mm.get(Field::MmArgStart);
    let args_len = mm.get::<u64>(Field::MmArgEnd).wrapping_sub(args);
    if args_len >= ARGS_MAX as u64 {
        bits |= flags::ARGS_TRUNCATED;
    }
    if append_user(&mut builder, Kptr(args), args_len, ARGS_MAX as u64) < 0 {
        bits |= flags::ARGS_UNREADABLE;
    }
    builder.end_section();

    let cwd = Place::at(task.follow(Field::TaskFs).at(Field::FsPwd));
    if path::append(&mut builder, cwd, root) != path::AT_ROOT {
        bits |= flags::CWD_PARTIAL;
    }
    builder.end_section();

    let mut header = emit::header(Kind::Exec, &process, bits);
    header.origin = origin(file, root, end).raw();
    builder.send(&header);
    Some(())
}

/// The phase of the first program with the container's root: the container's own, or a guest.
#[inline(always)]
fn first_phase(home: u64) -> Phase {
    match maps::CGROUPS.get_ptr_mut(&home) {
        Some(cgroup) => {
            // SAFETY: the map gave the pointer. Two first programs at once cannot be: the
            // runtime starts a container's first process alone.
            let cgroup: &mut Cgroup = unsafe { &mut *cgroup };
            if cgroup.started != 0 {
                return Phase::Exec;
            }
            cgroup.started = 1;
        }
        None => {
            let cgroup = Cgroup {
                home,
                state: cgroup_state::UNKNOWN,
                started: 1,
            };
            if maps::CGROUPS.insert(&home, &cgroup, 0).is_err() {
                lost(Loss::CgroupTableFull);
            }
        }
    }
    Phase::Main
}

/// A new image id, unlike every other since boot.
#[inline(always)]
fn next_exec() -> u64 {
    // SAFETY: the helper has no preconditions.
    let cpu = u64::from(unsafe { aya_ebpf::helpers::generated::bpf_get_smp_processor_id() });
    match maps::EXEC_SEQUENCE.get_ptr_mut(0) {
        Some(sequence) => {
            // SAFETY: the slot belongs to this CPU, and the tracepoint runs with preemption off.
            let next = unsafe { *sequence + 1 };
            // SAFETY: as above.
            unsafe { *sequence = next };
            ((cpu + 1) << 40) | (next & ((1 << 40) - 1))
        }
        None => 0,
    }
}

#[inline(always)]
fn origin(file: Place, root: Place, end: u32) -> Origin {
    let inode = file.dentry.follow(Field::DentryInode);
    if end == path::DETACHED {
        return Origin::Memfd;
    }
    if inode.get::<u32>(Field::InodeNlink) == 0 {
        return Origin::Unlinked;
    }
    if file.mnt != root.mnt {
        return Origin::Volume;
    }
    if file.magic() == OVERLAYFS_MAGIC {
        // struct ovl_inode { ...; struct inode vfs_inode; struct dentry *__upperdentry; ... }
        let upper: u64 = inode.plus(kernel::offset(Field::InodeSize)).read();
        if upper != 0 {
            return Origin::UpperLayer;
        }
    }
    Origin::Image
}

/// TP_PROTO(struct task_struct *parent, struct task_struct *child), since Linux 2.6.28.
#[raw_tracepoint]
fn process_fork(ctx: RawTracePointContext) -> i32 {
    fork(Kptr(ctx.arg(0)), Kptr(ctx.arg(1)));
    0
}

#[inline(always)]
fn fork(parent: Kptr, child: Kptr) -> Option<()> {
    let parent_pid: u32 = parent.get(Field::TaskTgid);
    let child_pid: u32 = child.get(Field::TaskTgid);
    if parent_pid == child_pid {
        return None; // A thread.
    }
    let process = match process::known(parent_pid) {
        // Membership is sticky.
        Some(process) if process::cgroup(process.cgroup).state == cgroup_state::CONTAINER => {
            process
        }
        known => {
            let cgroup = process::cgroup(kernel::cgroup_of(child));
            match known {
                Some(process) if process.cgroup == cgroup.home => process,
                // Born into another cgroup by clone3(CLONE_INTO_CGROUP), or of a parent that
                // was not met yet.
                _ if cgroup.state == cgroup_state::IGNORED => return None,
                _ => {
                    let phase = process::met_phase(child, &cgroup);
                    process::entering(child, cgroup.home, phase)
                }
            }
        }
    };
    hit(Row::ProcessFork);
    let process = lapwing_abi::state::Process {
        start: child.get(Field::TaskStart),
        container_pid: kernel::container_pid(child),
        parent_pid,
        ..process
    };
    process::remember(child_pid, &process);
    Some(())
}

/// TP_PROTO(struct task_struct *p), with a second argument since Linux 6.16.
#[raw_tracepoint]
fn process_exit(ctx: RawTracePointContext) -> i32 {
    let task = Kptr(ctx.arg(0));
    let alive: u32 = task.follow(Field::TaskSignal).get(Field::SignalLive);
    if alive == 0 {
        let pid: u32 = task.get(Field::TaskTgid);
        if maps::PROCESSES.remove(&pid).is_ok() {
            hit(Row::ProcessExit);
        }
    }
    0
}
