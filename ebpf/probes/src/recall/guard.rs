//! Entries that several tasks of one processor read and write.
//!
//! The tables of what was judged lately are one for each processor, so nobody writes an
//! entry while another processor reads it, and no order of memory has to be thought of.
//! But on kernels that preempt programs a task can be stopped in the middle of an entry
//! and another go on there. Who writes announces itself and gives up if it is not alone;
//! the round is odd while an entry is written and another one afterwards, so who read in
//! between knows. Giving up costs a walk of a path or a hash, and nothing else.

use crate::seen::{add, raise};

/// Stands at the head of an entry.
#[repr(C)]
pub struct Guard {
    writers: u64,
    round: u64,
}

/// The round of an entry that can be read; `None` while one is written.
#[inline(always)]
pub fn round(guard: *const Guard) -> Option<u64> {
    // SAFETY: the callers pass the head of a map's value.
    let round = unsafe { (&raw const (*guard).round).read_volatile() };
    (round & 1 == 0).then_some(round)
}

/// Whether an entry is still that of a round.
#[inline(always)]
pub fn is_still(guard: *const Guard, round: u64) -> bool {
    // SAFETY: as above.
    unsafe { (&raw const (*guard).round).read_volatile() == round }
}

/// Writes an entry, if nobody else does.
#[inline(always)]
pub fn write(guard: *mut Guard, fill: impl FnOnce()) {
    // SAFETY: as above; that of two that add at least one reads more than one, so no two write.
    unsafe {
        let writers = &raw mut (*guard).writers;
        raise(writers);
        if writers.read_volatile() == 1 {
            let round = &raw mut (*guard).round;
            raise(round);
            fill();
            raise(round);
        }
        add(writers, u64::MAX);
    }
}
