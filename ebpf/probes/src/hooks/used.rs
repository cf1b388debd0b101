//! Which system calls containers make: for a seccomp profile.
//!
//! Attached only where the configuration wants it, because from then on every system call of the
//! machine passes a slower way into the kernel. Nothing is sent: a call that was not made before sets a
//! byte, and the agent looks at the bytes. Most calls find theirs set, after two lookups.
//!
//! An entry is made with the first call of a container, before the agent has decided whose it is, so
//! that none of its start is missed; the agent takes it out or closes it where nobody wants to know.
//! The runtime's steps before the container's first program are none of the container's.

use super::syscall::is_compat;
use crate::kernel::{self, setting};
use crate::maps;
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::macros::{map, raw_tracepoint};
use aya_ebpf::maps::HashMap;
use aya_ebpf::programs::RawTracePointContext;
use core::hint::black_box;
use lapwing_abi::ids::Phase;
use lapwing_abi::state::cgroup_state;
use lapwing_abi::used::{BYTES, Entry, Used, X32_BIT, index};

/// The calls of each container. The agent makes it as large as containers may be recorded at a time,
/// and small where none is.
#[map]
static CALLS_MADE: HashMap<u64, Used> = HashMap::with_max_entries(64, 0);

/// Of a container that made none yet. Not on the stack, where it would not fit.
static FRESH: Used = Used {
    off: 0,
    calls: [0; BYTES],
};

/// TP_PROTO(struct pt_regs *regs, long id), since Linux 2.6.32.
#[raw_tracepoint]
fn sys_enter(ctx: RawTracePointContext) -> i32 {
    let _ = note(&ctx);
    0
}

#[inline(always)]
fn note(ctx: &RawTracePointContext) -> Option<()> {
    let (pid, _) = kernel::current_ids();
    // SAFETY: the reference is not kept.
    let process = unsafe { maps::PROCESSES.get(&pid) }?;
    let (home, phase) = (process.cgroup, process.phase);
    if phase == u32::from(Phase::Runtime.raw()) || phase == u32::from(Phase::Escaped.raw()) {
        return None;
    }
    let used = of(home)?;
    // SAFETY: the map gave the pointer.
    if unsafe { (&raw const (*used).off).read_volatile() } != 0 {
        return None;
    }
    let id: u64 = ctx.arg(1);
    // A tracer or a filter has it skipped.
    if (id as i64) < 0 {
        return None;
    }
    let (entry, number) = if is_compat(kernel::current_task()) {
        (Entry::Compat, id)
    } else if setting!(ARCH) == 0 && id & X32_BIT != 0 {
        (Entry::X32, id & !X32_BIT)
    } else {
        (Entry::Native, id)
    };
    let entered = phase == u32::from(Phase::Exec.raw());
    let at = black_box(index(entry, number, entered) as usize) & (BYTES - 1);
    // SAFETY: the map gave the pointer, and the mask keeps the index inside.
    let byte = unsafe { (&raw mut (*used).calls).cast::<u8>().add(at) };
    // SAFETY: as above.
    unsafe {
        if byte.read_volatile() == 0 {
            byte.write_volatile(1);
        }
    }
    Some(())
}

/// What is known of a container; nothing where it is none, or there is no room for it, which the agent
/// finds out.
#[inline(always)]
fn of(home: u64) -> Option<*mut Used> {
    if let Some(used) = CALLS_MADE.get_ptr_mut(&home) {
        return Some(used);
    }
    // SAFETY: the reference is not kept.
    let state = unsafe { maps::CGROUPS.get(&home) }?.state;
    if state != cgroup_state::UNKNOWN && state != cgroup_state::CONTAINER {
        return None;
    }
    let _ = CALLS_MADE.insert(&home, &FRESH, u64::from(BPF_NOEXIST));
    CALLS_MADE.get_ptr_mut(&home)
}
