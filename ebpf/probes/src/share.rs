//! How much of the tables that all containers use one of them may fill.
//!
//! Processes, execs that are held back and cgroups stand in one table each, for all containers. Full, a
//! table would cost everybody: a neighbour's children would have neither ancestors nor phase, its
//! known execs would be sent. So each container has a share of each, above which its own further
//! entries are refused and counted as its own loss. Four that work together can fill a table still;
//! a smaller share would refuse what large containers do in earnest.
//!
//! What a container holds is counted beside its allowance, in one word that is added to without
//! a lock ([`Held`]). Who makes an entry claims room for it before, and gives it back if there was
//! none in the table after all; who takes one out, and really did, releases it. That is right
//! whatever runs at the same moment but for two cases, which user space corrects, because it counts
//! what is in the tables now and then:
//!
//! - **User space writes to the tables itself**: processes that ran before it, images that it
//!   takes over, cgroups that are gone. To count each would cost it a system call for each.
//! - **An allowance goes** with its container, or finds no room. Then the count begins anew,
//!   or there is none, and nobody is refused for it.
//!
//! A count that is too high refuses a container its own room for a moment; one that is too low is
//! found before it matters, because user space looks often where much is held.

use crate::budget::{FRESH, lost_of};
use crate::emit::lost;
use crate::maps;
use crate::seen::add;
use aya_ebpf::bindings::BPF_NOEXIST;
use core::hint::black_box;
use lapwing_abi::ids::{Class, Loss};
use lapwing_abi::share::{Held, TABLES, table};

/// Asks for room for one more entry of a container in a [`table`]. Answers 0 if it has none left,
/// and counts that.
///
/// A function of its own for the verifier, and for its place on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn claim(home: u64, table: u32) -> u32 {
    let Some(held) = held_anew(home, table) else {
        lost(Loss::BudgetTableFull);
        return 1;
    };
    // SAFETY: the map gave the pointer.
    let count = Held(unsafe { held.read_volatile() }).count();
    let index = black_box(table as usize) & (TABLES - 1);
    // SAFETY: the mask keeps the index inside; volatile as in `setting!`.
    let share = unsafe {
        (&raw const maps::SHARES)
            .cast::<u32>()
            .add(index)
            .read_volatile()
    };
    if count >= share as i32 {
        refused(home, table);
        return 0;
    }
    add(held, Held::MADE);
    1
}

/// An entry of a container is gone, or was not made after all. Answers 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn release(home: u64, table: u32) -> u32 {
    if let Some(held) = held(home, table) {
        add(held, Held::GONE);
    }
    0
}

/// Counts that a container got no entry.
#[inline(always)]
pub fn refused(home: u64, table: u32) {
    let (reason, class) = match table {
        table::PROCESSES => (Loss::ProcessShareSpent, Class::Exec),
        table::IMAGES => (Loss::ImageShareSpent, Class::Exec),
        _ => (Loss::CgroupShareSpent, Class::Privilege),
    };
    lost_of(home, reason, class);
}

/// Adds to what a container holds, as user space has counted.
#[inline(always)]
pub fn correct(home: u64, table: u32, more: u64) -> Option<()> {
    add(held_anew(home, table)?, more);
    Some(())
}

/// What a container holds of a table, if it has an allowance.
#[inline(always)]
fn held(home: u64, table: u32) -> Option<*mut u64> {
    let budget = maps::BUDGETS.get_ptr_mut(&home)?;
    let index = black_box(table as usize) & (TABLES - 1);
    // SAFETY: the map gave the pointer, and the mask keeps the index inside.
    Some(unsafe { (&raw mut (*budget).held).cast::<u64>().add(index) })
}

/// The same; it gets an allowance if it has none yet.
#[inline(always)]
fn held_anew(home: u64, table: u32) -> Option<*mut u64> {
    if let Some(held) = held(home, table) {
        return Some(held);
    }
    let _ = maps::BUDGETS.insert(&home, &FRESH, u64::from(BPF_NOEXIST));
    held(home, table)
}
