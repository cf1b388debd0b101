//! Twins: what runs for an event that the kernel skipped a program for.
//!
//! See [`lapwing_abi::spares`] for why there are any. A program marks each event that it
//! runs for, by the id of the running task; its twins, which the kernel runs behind it for
//! the same event, see the mark, or find none and do the work. The last takes it away. Kernel
//! and twins count: what the kernel skipped and no twin made up for is lost. It takes a task that is
//! preempted on this processor inside the program, and another inside each twin.
//!
//! Turning preemption off inside the program (`bpf_preempt_disable`, since Linux 6.10) is no
//! remedy: it must be on again before the program ends, a task that is due to go goes at that
//! very instruction, and the kernel still takes the program for running.
//!
//! Marks share slots, where ids of tasks are alike in their low bits. Where another task takes a
//! slot between a program and a twin the event is seen twice, and counted as made up for, which
//! may hide as many losses of the same second from the count. So it is where an interrupt runs
//! the same program there, which of all of them only that on the states of sockets can do, and
//! not for a state that it looks at.

use crate::kernel::setting;
use crate::{maps, seen};
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers;
use aya_ebpf::helpers::generated::bpf_get_attach_cookie;
use aya_ebpf::macros::fentry;
use aya_ebpf::programs::FEntryContext;
use lapwing_abi::spares::{MARKS, twins};

/// First of all in a program, whose marks are at this place if it is of a sort that has twins here:
/// which twin it is, 0 for the program itself; nothing where a twin has nothing to do.
#[inline(always)]
pub fn turn(ctx: &impl EbpfContext, sort: u32, place: u32) -> Option<u32> {
    if setting!(SPARES) & sort == 0 {
        return Some(0);
    }
    let me = helpers::bpf_get_current_pid_tgid();
    let mark = maps::MARKS.get_ptr_mut(place * MARKS + (me as u32 & (MARKS - 1)))?;
    // Never 0, which is no mark: the idle task's id is.
    let me = !me;
    // SAFETY: the helper asks for the program's own context. Kernels without it have no twins.
    let twin = unsafe { bpf_get_attach_cookie(ctx.as_ptr()) } as u32;
    if twin == 0 {
        // SAFETY: the map gave the pointer.
        unsafe { mark.write_volatile(me) };
        return Some(0);
    }
    // SAFETY: as above.
    if unsafe { mark.read_volatile() } == me {
        if twin == twins(sort) {
            // SAFETY: as above.
            unsafe { mark.write_volatile(0) };
        }
        return None;
    }
    if let Some(count) = maps::SPARED.get_ptr_mut(0) {
        // Atomic: other twins run where this one may be preempted.
        seen::raise(count);
    }
    if twin < twins(sort) {
        // SAFETY: as above.
        unsafe { mark.write_volatile(me) };
    }
    Some(twin)
}

/// First of all in a program: answers which twin it is, or ends one that has nothing to do.
/// `begin!(the context, TRACEPOINTS or FUNCTIONS, the program's name)`.
macro_rules! begin {
    ($ctx:ident, $sort:ident, $program:ident) => {
        match $crate::spare::turn(
            &$ctx,
            lapwing_abi::spares::$sort,
            const { lapwing_abi::spares::place(stringify!($program)) },
        ) {
            Some(twin) => twin,
            None => return 0,
        }
    };
}
pub(crate) use begin;

/// Not attached: where the kernel takes it, programs on functions can tell their links apart.
#[fentry]
fn spare_probe(ctx: FEntryContext) -> i32 {
    // SAFETY: as in `turn`.
    unsafe { bpf_get_attach_cookie(ctx.as_ptr()) as i32 & 1 }
}
