//! Cgroups coming, going, and taking in processes.

use super::privilege;
use crate::emit::{hit, lost};
use crate::kernel::{self, Kptr};
use crate::maps::{self, SCRATCH_REACH, Scratch};
use crate::{inventory, process, share, spare};
use aya_ebpf::helpers;
use aya_ebpf::helpers::generated::{bpf_probe_read_kernel_str, bpf_probe_read_user};
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use core::hint::black_box;
use lapwing_abi::ABI_VERSION;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{CgroupChange, Escape, Loss, Phase, flags};
use lapwing_abi::record::{ARGS_MAX, CGROUP_HEADER_LEN, CgroupHeader};
use lapwing_abi::share::table;
use lapwing_abi::state::{Cgroup, Process, cgroup_state};

/// Room for words: the longest path that the tracepoint hands over, NUL included.
const WORDS_LEN: u32 = 4096;

/// TP_PROTO(struct cgroup *cgrp, const char *path), since Linux 4.7.
#[raw_tracepoint]
fn cgroup_create(ctx: RawTracePointContext) -> i32 {
    spare::begin!(ctx, TRACEPOINTS, cgroup_create);
    created(Kptr(ctx.arg(0)), Kptr(ctx.arg(1)));
    0
}

#[inline(always)]
fn created(group: Kptr, path: Kptr) {
    if !kernel::in_our_hierarchy(group) {
        return;
    }
    hit(Row::CgroupCreate);
    inventory::begins();
    let id = kernel::cgroup_id(group);
    let parent = parent_id(group);
    let above = process::cgroup(parent);
    // What is made inside a container belongs to it, whatever it is called.
    let entry = if above.state == cgroup_state::CONTAINER {
        // What finds no room is unknown to user space as well, whose own table it would fill. What
        // acts in it belongs to the container nonetheless, because membership is inherited.
        if share::claim(above.home, table::CGROUPS) == 0 {
            return;
        }
        Cgroup {
            home: above.home,
            state: cgroup_state::CONTAINER,
            started: 1,
        }
    } else {
        Cgroup {
            home: id,
            state: cgroup_state::UNKNOWN,
            started: 0,
        }
    };
    if maps::CGROUPS.insert(&id, &entry, 0).is_err() {
        if entry.home != id {
            share::release(entry.home, table::CGROUPS);
        }
        lost(Loss::CgroupTableFull);
    }
    send_path(CgroupChange::Created, id, parent, path);
}

/// TP_PROTO(struct cgroup *cgrp, const char *path), since Linux 4.7.
#[raw_tracepoint]
fn cgroup_remove(ctx: RawTracePointContext) -> i32 {
    spare::begin!(ctx, TRACEPOINTS, cgroup_remove);
    let (group, path) = (Kptr(ctx.arg(0)), Kptr(ctx.arg(1)));
    if kernel::in_our_hierarchy(group) {
        hit(Row::CgroupRemove);
        // The entry stays until user space has read all records that name it.
        send_path(
            CgroupChange::Removed,
            kernel::cgroup_id(group),
            parent_id(group),
            path,
        );
    }
    0
}

/// TP_PROTO(struct cgroup *dst_cgrp, const char *path, struct task_struct *task, bool threadgroup),
/// since Linux 4.7.
#[raw_tracepoint]
fn cgroup_attach(ctx: RawTracePointContext) -> i32 {
    spare::begin!(ctx, TRACEPOINTS, cgroup_attach);
    attached(Kptr(ctx.arg(0)), Kptr(ctx.arg(2)));
    0
}

#[inline(always)]
fn attached(group: Kptr, task: Kptr) -> Option<()> {
    if !kernel::in_our_hierarchy(group) {
        return None;
    }
    let pid: u32 = task.get(Field::TaskTgid);
    let cgroup = process::cgroup(kernel::cgroup_id(group));
    if let Some(process) = process::known(pid)
        && process::is_settled(&process)
        && !is_early(&process, cgroup.home)
    {
        if cgroup.home != process.cgroup {
            moved_out(&process);
        }
        return None; // Membership is sticky.
    }
    // A process that has ended, but was not waited for, can still be moved; nothing would ever
    // take its entry away.
    if cgroup.state == cgroup_state::IGNORED || !kernel::is_alive(task) {
        process::forget(pid);
        return None;
    }
    hit(Row::CgroupAttach);
    if cgroup.state == cgroup_state::HOST && process::known(pid).is_some() {
        return None; // From one cgroup of the host to another.
    }
    process::remember(pid, &process::entering(task, &cgroup, Phase::Runtime));
    if cgroup.started == 0 {
        ordered(cgroup.home);
    }
    Some(())
}

/// A member was moved out of its container's cgroups: a way out, if a member did it. Who does so
/// from outside has a right to.
#[inline(always)]
fn moved_out(moved: &Process) -> Option<()> {
    let (process, known) = process::current()?;
    if process.cgroup != moved.cgroup || process.phase == u32::from(Phase::Runtime.raw()) {
        return None;
    }
    let bits = if known { 0 } else { flags::PROCESS_UNKNOWN };
    privilege::escaped(Row::CgroupAttach, (&process, bits), Escape::Cgroup)
}

/// Whether a process was met in the cgroup a moment before it was said to be moved there.
#[inline(always)]
fn is_early(process: &Process, home: u64) -> bool {
    process.cgroup == home && process.phase == u32::from(Phase::Runtime.raw())
}

#[inline(always)]
fn parent_id(group: Kptr) -> u64 {
    group
        .follow(Field::CgroupKn)
        .follow(Field::KernfsParent)
        .get(Field::KernfsId)
}

/// Sends the words of the runtime that moves a container's first process in. Of root processes of
/// the host alone: a container could say anything.
#[inline(always)]
fn ordered(cgroup: u64) -> Option<()> {
    let task = kernel::current_task();
    if helpers::bpf_get_current_uid_gid() as u32 != 0
        || kernel::is_foreign(kernel::root_of(task).dentry)
    {
        return None;
    }
    let mm = task.follow(Field::TaskMm);
    let args: u64 = mm.get(Field::MmArgStart);
    let len = mm.get::<u64>(Field::MmArgEnd).wrapping_sub(args);
    send(CgroupChange::Ordered, cgroup, 0, |at| {
        let most = ARGS_MAX as u64 - 1;
        let len = black_box(if len < most { len } else { most }) & most;
        // SAFETY: at most WORDS_LEN bytes, checked by the mask; the helper checks the address.
        let failed = unsafe { bpf_probe_read_user(at.cast(), len as u32, args as *const _) };
        if failed < 0 { 0 } else { len as i64 }
    });
    Some(())
}

/// Sends a record with the words that `write` puts at an address, where WORDS_LEN bytes have room;
/// it answers how many there are.
#[inline(always)]
fn send(change: CgroupChange, cgroup: u64, parent: u64, write: impl FnOnce(*mut u8) -> i64) {
    let slot = helpers::bpf_get_current_pid_tgid() as u32 & (maps::SCRATCH_SLOTS - 1);
    let Some(scratch) = maps::SCRATCH.get_ptr_mut(slot) else {
        lost(Loss::ScratchTaken);
        return;
    };
    // Tracepoints run with preemption off; a preempted builder of a longer record finds
    // that the buffer is no longer its own.
    // SAFETY: the map gave the pointer; all writes stay inside the value.
    let bytes = unsafe {
        (&raw mut (*scratch).owner).write_volatile(0);
        (&raw mut (*scratch).bytes).cast::<u8>()
    };
    // SAFETY: WORDS_LEN bytes follow the header inside the value.
    let written = write(unsafe { bytes.add(CGROUP_HEADER_LEN) });
    let words_len = if written > 0 {
        written as u32 & (WORDS_LEN - 1)
    } else {
        0
    };
    let header = CgroupHeader {
        abi: ABI_VERSION,
        change: change.raw(),
        reserved: 0,
        words_len,
        time: kernel::now(),
        cgroup,
        parent,
    };
    // SAFETY: the bytes are aligned to 8 and longer than the header.
    unsafe { bytes.cast::<CgroupHeader>().write(header) };
    let len = black_box(CGROUP_HEADER_LEN + words_len as usize) & (SCRATCH_REACH - 1);
    // SAFETY: `len` is inside the value.
    let record = unsafe { core::slice::from_raw_parts(bytes.cast_const(), len) };
    if maps::LIFECYCLE.output::<[u8]>(record, 0).is_err() {
        lost(Loss::LifecycleRingFull);
    }
}

/// Sends a record with a path.
#[inline(always)]
fn send_path(change: CgroupChange, cgroup: u64, parent: u64, path: Kptr) {
    send(change, cgroup, parent, |at| {
        // SAFETY: there is room; the helper checks the address.
        let read = unsafe { bpf_probe_read_kernel_str(at.cast(), WORDS_LEN, path.0 as *const _) };
        // Without the NUL that ends it.
        read - 1
    });
}

const _: () = assert!(size_of::<Scratch>() > CGROUP_HEADER_LEN + WORDS_LEN as usize);
const _: () = assert!(ARGS_MAX <= WORDS_LEN as usize);
