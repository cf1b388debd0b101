//! How much a container may send, and the count of what it may not.
//!
//! All containers share one ring. So that one of them cannot fill it, each has an
//! allowance for each class of behaviours, in bytes a second with a burst: spent as
//! time (the virtual schedule of a leaky bucket), which needs one number a class and no
//! timer. What matters more has an allowance of its own and finds more room in the ring:
//! noise in files leaves half of it free, ordinary programs and peers a quarter, and
//! what nobody should ever learn may fill it to the end. So a flood neither takes the
//! room of the neighbours nor hides the flooder's own next step.
//!
//! Numbers are read and written without a lock: two processors that spend at the same
//! moment may spend once. Losses are exact: they are counted with atomic instructions,
//! by container, reason and class, and what finds no place there is counted for the node.

use crate::kernel::setting;
use crate::maps;
use crate::seen::raise;
use aya_ebpf::bindings::{BPF_NOEXIST, BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use core::hint::black_box;
use lapwing_abi::ids::{Class, Loss};
use lapwing_abi::share::TABLES;
use lapwing_abi::state::{Budget, CLASSES, LostKey, watched};

/// Least time between two calls of the consumer that are forced, in nanoseconds: one that was
/// called so recently is still reading.
const CALL_EVERY: u64 = 500_000;

/// Of a container that is not known yet: it may be anything, so its records are urgent. Not on the
/// stack, which would be filled byte by byte.
pub static FRESH: Budget = Budget {
    watched: watched::UNDECIDED,
    spent: [0; CLASSES],
    uses: [0; 4],
    held: [0; TABLES],
};

/// Counts a loss of a container.
#[inline(always)]
pub fn lost_of(home: u64, reason: Loss, class: Class) {
    let key = LostKey {
        home,
        reason: reason.raw(),
        class: class.raw(),
    };
    if maps::LOST.get_ptr_mut(&key).is_none() {
        // On the stack: of a constant the compiler makes a section that the loader does not know.
        let none = black_box(0);
        let _ = maps::LOST.insert(&key, &none, u64::from(BPF_NOEXIST));
    }
    match maps::LOST.get_ptr_mut(&key) {
        Some(count) => raise(count),
        None => crate::emit::lost(reason),
    }
}

/// The answer to a record that may not be sent.
pub const REFUSED: u64 = u64::MAX;

/// Beside a class: the record may wait in the ring, because the behaviour is known.
pub const PATIENT: u32 = 1 << 31;

/// Asks whether a record of so many bytes and a [`Class`] may be sent. Answers with the flags to
/// send it with, or [`REFUSED`], and counts it then.
///
/// A function of its own for the verifier, and for its place on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn admit(home: u64, class: u32, len: u64, now: u64) -> u64 {
    let patient = class & PATIENT != 0;
    let class = Class::from_raw(class & !PATIENT).unwrap_or(Class::File);
    let ring: u64 = setting!(RING_BYTES);
    let level = maps::BEHAVIOUR.query(u64::from(BPF_RB_AVAIL_DATA));
    if level + len > ring / 8 * class.ring_share() {
        lost_of(home, Loss::BehaviourRingFull, class);
        return REFUSED;
    }
    let mut budget = maps::BUDGETS.get_ptr_mut(&home);
    if budget.is_none() {
        let _ = maps::BUDGETS.insert(&home, &FRESH, u64::from(BPF_NOEXIST));
        budget = maps::BUDGETS.get_ptr_mut(&home);
    }
    let watched = match budget {
        Some(budget) => {
            let index = black_box(class.raw() as usize) & (CLASSES - 1);
            // SAFETY: the map gave the pointer, and the mask keeps the index inside.
            let spent = unsafe { (&raw mut (*budget).spent).cast::<u64>().add(index) };
            // SAFETY: as above.
            let until = unsafe { spent.read_volatile() };
            let until = if until > now { until } else { now };
            // SAFETY: the mask keeps the index inside; volatile as in `setting!`.
            let (cost, burst) = unsafe {
                (
                    (&raw const maps::BUDGET_COST)
                        .cast::<u64>()
                        .add(index)
                        .read_volatile(),
                    (&raw const maps::BUDGET_BURST)
                        .cast::<u64>()
                        .add(index)
                        .read_volatile(),
                )
            };
            let after = until + len * cost;
            if after - now > burst {
                lost_of(home, Loss::BudgetSpent, class);
                return REFUSED;
            }
            // SAFETY: as above.
            unsafe {
                spent.write_volatile(after);
                (&raw const (*budget).watched).read_volatile() != 0
            }
        }
        // What has no budget of its own shares what is left of the first quarter.
        None => {
            let refused = level > ring / 4 && !is_guarded(class);
            let reason = if refused {
                Loss::BehaviourRingFull
            } else {
                Loss::BudgetTableFull
            };
            lost_of(home, reason, class);
            if refused {
                return REFUSED;
            }
            true
        }
    };
    let urgent = watched && !patient || is_guarded(class) || level > ring / 8;
    if urgent {
        call(now)
    } else {
        u64::from(BPF_RB_NO_WAKEUP)
    }
}

/// How to send a record that must not wait.
///
/// Without a flag the kernel wakes the consumer only if it has read everything before, which it
/// has not where records came before that could wait. With force it wakes it at every record.
#[inline(always)]
fn call(now: u64) -> u64 {
    let Some(called) = maps::CALLED.get_ptr_mut(0) else {
        return u64::from(BPF_RB_FORCE_WAKEUP);
    };
    // SAFETY: the map gave the pointer; of two that write, either is right.
    unsafe {
        if now.wrapping_sub(called.read_volatile()) < CALL_EVERY {
            return 0;
        }
        called.write_volatile(now);
    }
    u64::from(BPF_RB_FORCE_WAKEUP)
}

#[inline(always)]
fn is_guarded(class: Class) -> bool {
    match class {
        Class::ExecGuarded | Class::EgressGuarded | Class::Privilege | Class::FileGuarded => true,
        Class::Exec | Class::Egress | Class::File | Class::Dns => false,
    }
}

const _: () = assert!(CLASSES.is_power_of_two());
