//! Cgroups coming, going, and taking in processes.

use crate::emit::{hit, lost};
use crate::kernel::{self, Kptr};
use crate::maps::{self, SCRATCH_REACH, Scratch};
use crate::process;
use aya_ebpf::helpers;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::ABI_VERSION;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{CgroupChange, Loss, Phase};
use lapwing_abi::record::{CGROUP_HEADER_LEN, CgroupHeader};
use lapwing_abi::state::{Cgroup, cgroup_state};

/// Longest path the tracepoint hands over, NUL included.
const PATH_LEN: u32 = 4096;

/// TP_PROTO(struct cgroup *cgrp, const char *path), since Linux 4.7.
#[raw_tracepoint]
fn cgroup_create(ctx: RawTracePointContext) -> i32 {
    created(Kptr(ctx.arg(0)), Kptr(ctx.arg(1)));
    0
}

#[inline(always)]
fn created(group: Kptr, path: Kptr) {
    if !kernel::in_our_hierarchy(group) {
        return;
    }
    hit(Row::CgroupCreate);
    let id = kernel::cgroup_id(group);
    let parent = parent_id(group);
    let above = process::cgroup(parent);
    // What is made inside a container belongs to it, whatever it is called.
    let entry = if above.state == cgroup_state::CONTAINER {
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
        lost(Loss::CgroupTableFull);
    }
    send(CgroupChange::Created, id, parent, path);
}

/// TP_PROTO(struct cgroup *cgrp, const char *path), since Linux 4.7.
#[raw_tracepoint]
fn cgroup_remove(ctx: RawTracePointContext) -> i32 {
    let (group, path) = (Kptr(ctx.arg(0)), Kptr(ctx.arg(1)));
    if kernel::in_our_hierarchy(group) {
        hit(Row::CgroupRemove);
        // The entry stays until user space has read all records that name it.
        send(
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
    attached(Kptr(ctx.arg(0)), Kptr(ctx.arg(2)));
    0
}

#[inline(always)]
fn attached(group: Kptr, task: Kptr) -> Option<()> {
    if !kernel::in_our_hierarchy(group) {
        return None;
    }
    let pid: u32 = task.get(Field::TaskTgid);
    if let Some(process) = process::known(pid)
        && process::is_settled(&process)
    {
        return None; // Membership is sticky.
    }
    let cgroup = process::cgroup(kernel::cgroup_id(group));
    // A process that has ended, but was not waited for, can still be moved; nothing would ever
    // take its entry away.
    if cgroup.state == cgroup_state::IGNORED || !kernel::is_alive(task) {
        let _ = maps::PROCESSES.remove(&pid);
        return None;
    }
    hit(Row::CgroupAttach);
    if cgroup.state == cgroup_state::HOST && process::known(pid).is_some() {
        return None; // From one cgroup of the host to another.
    }
    process::remember(pid, &process::entering(task, &cgroup, Phase::Runtime));
    Some(())
}

#[inline(always)]
fn parent_id(group: Kptr) -> u64 {
    group
        .follow(Field::CgroupKn)
        .follow(Field::KernfsParent)
        .get(Field::KernfsId)
}

#[inline(always)]
fn send(change: CgroupChange, cgroup: u64, parent: u64, path: Kptr) {
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
    // SAFETY: PATH_LEN bytes follow the header inside the value; the helper checks the address.
    let read = unsafe {
        bpf_probe_read_kernel_str(
            bytes.add(CGROUP_HEADER_LEN).cast(),
            PATH_LEN,
            path.0 as *const _,
        )
    };
    // Without the NUL that ends it.
    let path_len = if read > 0 {
        (read - 1) as u32 & (PATH_LEN - 1)
    } else {
        0
    };
    let header = CgroupHeader {
        abi: ABI_VERSION,
        change: change.raw(),
        reserved: 0,
        path_len,
        time: kernel::now(),
        cgroup,
        parent,
    };
    // SAFETY: the bytes are aligned to 8 and longer than the header.
    unsafe { bytes.cast::<CgroupHeader>().write(header) };
    let len = core::hint::black_box(CGROUP_HEADER_LEN + path_len as usize) & (SCRATCH_REACH - 1);
    // SAFETY: `len` is inside the value.
    let record = unsafe { core::slice::from_raw_parts(bytes.cast_const(), len) };
    if maps::LIFECYCLE.output::<[u8]>(record, 0).is_err() {
        lost(Loss::LifecycleRingFull);
    }
}

const _: () = assert!(size_of::<Scratch>() > CGROUP_HEADER_LEN + PATH_LEN as usize);
