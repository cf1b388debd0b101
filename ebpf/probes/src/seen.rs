//! What user space has judged already, so that only news leaves the kernel.
//!
//! `SEEN` holds one map for each container that is decided, and each of those one
//! entry for each behaviour, by its key. An entry appears only once the behaviour's
//! record is in the ring, so what was shed or lost is news the next time. Until user
//! space has said what it is, repeats are counted for a second and then sent again;
//! afterwards they are counted and that is all.
//!
//! A cgroup without a map of its own is not decided: all it does is sent. The maps
//! inside are preallocated and evict nothing: a flood of distinct behaviours fills
//! the container's own map, after which its news are sent each time, within its
//! budget.
//!
//! Counts are raised with atomic instructions and never lowered. User space must not
//! write entries by itself, because that would overwrite a count that rises in the
//! same moment; it has [`judged`] do so, which it runs by itself (BPF_PROG_TEST_RUN of
//! raw tracepoints, since Linux 5.10), with what to do as arguments.

use crate::budget;
use crate::kernel;
use crate::{maps, share};
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use core::hint::black_box;
use lapwing_abi::ids::{Class, Loss};
use lapwing_abi::share::TABLES;
use lapwing_abi::state::{Budget, CLASSES, DEVIATIONS, PENDING_FOR, Seen, task, verdict};

/// Adds one to a number that others raise too.
#[inline(always)]
pub fn raise(number: *mut u64) {
    add(number, 1);
}

/// Adds to a number that others add to as well.
#[inline(always)]
pub fn add(number: *mut u64, more: u64) {
    // BPF_XADD, which all kernels have: the target's atomics in `core` end before it, because it
    // answers nothing.
    // SAFETY: the callers pass the address of a number in a map's value: aligned, and there as
    // long as the program runs.
    unsafe {
        core::arch::asm!("lock *(u64 *)({number} + 0) += {more}", number = in(reg) number, more = in(reg) more);
    }
}

/// Not 0 if a behaviour is no news; it is counted then. A function of its own for the verifier,
/// and for its place on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn is_known(home: u64, key: u64, now: u64) -> u32 {
    // SAFETY: the map is not kept.
    let Some(inner) = (unsafe { maps::SEEN.get(&home) }) else {
        return 0;
    };
    let Some(entry) = entry_of(inner, key) else {
        return 0;
    };
    // SAFETY: the map gave the pointer.
    let said = unsafe { (&raw const (*entry).verdict).read_volatile() };
    if said == verdict::RETIRED {
        return 0;
    }
    if said == verdict::PENDING {
        // SAFETY: as above.
        let sent = unsafe { (&raw const (*entry).sent).read_volatile() };
        if now.wrapping_sub(sent) > PENDING_FOR {
            return 0;
        }
    }
    // SAFETY: as above.
    unsafe {
        raise(&raw mut (*entry).count);
        (&raw mut (*entry).last).write_volatile(now);
    }
    if said == verdict::DEVIATION {
        deviates(inner);
    }
    1
}

/// Counts that there is a deviation to count.
#[inline(always)]
fn deviates(inner: &maps::Behaviours) {
    // On the stack: of a constant the compiler makes a section that the loader does not know.
    let deviations = black_box(DEVIATIONS);
    if let Some(all) = entry_of(inner, deviations) {
        // SAFETY: the map gave the pointer.
        unsafe { raise(&raw mut (*all).count) };
    }
}

/// What stands in a container's map under a key.
#[inline(always)]
fn entry_of(inner: &maps::Behaviours, key: u64) -> Option<*mut Seen> {
    inner.get_ptr_mut(&key).map(<*mut _>::cast)
}

/// Puts an entry where there is none. Answers whether it is there now.
#[inline(always)]
fn make_entry(inner: &maps::Behaviours, key: u64, fresh: Seen) -> bool {
    inner
        .insert(&key, &fresh.to_words(), u64::from(BPF_NOEXIST))
        .is_ok()
}

/// What user space has said of a behaviour, which is not counted; [`verdict::PENDING`] if nothing.
#[inline(always)]
pub fn says(home: u64, key: u64) -> u64 {
    // SAFETY: the map is not kept.
    let entry = unsafe { maps::SEEN.get(&home) }.and_then(|inner| entry_of(inner, key));
    // SAFETY: the map gave the pointer.
    entry.map_or(verdict::PENDING, |entry| unsafe {
        (&raw const (*entry).verdict).read_volatile()
    })
}

/// The record of a behaviour is in the ring.
#[inline(always)]
pub fn sent(home: u64, key: u64, now: u64, class: Class) {
    // SAFETY: the map is not kept.
    let Some(inner) = (unsafe { maps::SEEN.get(&home) }) else {
        return;
    };
    if let Some(entry) = entry_of(inner, key) {
        // SAFETY: the map gave the pointer.
        unsafe {
            (&raw mut (*entry).sent).write_volatile(now);
            // User space may have judged the record already.
            if (&raw const (*entry).verdict).read_volatile() == verdict::RETIRED {
                (&raw mut (*entry).verdict).write_volatile(verdict::PENDING);
            }
        }
        return;
    }
    let fresh = Seen {
        verdict: verdict::PENDING,
        count: 0,
        sent: now,
        last: now,
    };
    if !make_entry(inner, key, fresh) && entry_of(inner, key).is_none() {
        budget::lost_of(home, Loss::SeenFull, class);
    }
}

/// Not a hook: what user space has the kernel side do, see [`task`].
#[raw_tracepoint]
fn judged(ctx: RawTracePointContext) -> i32 {
    let (what, home): (u64, u64) = (ctx.arg(0), ctx.arg(1));
    let (key, said): (u64, u64) = (ctx.arg(2), ctx.arg(3));
    let done = match what {
        task::JUDGE => judge(home, key, said),
        task::FORGET => forget(home, key),
        task::WATCH => watch(home, key),
        task::CORRECT => share::correct(home, key as u32, said),
        task::REFUSE => {
            share::refused(home, key as u32);
            Some(())
        }
        _ => None,
    };
    if done.is_some() {
        task::DONE as i32
    } else {
        task::REFUSED as i32
    }
}

#[inline(always)]
fn judge(home: u64, key: u64, said: u64) -> Option<()> {
    // SAFETY: the map is not kept.
    let inner = unsafe { maps::SEEN.get(&home) }?;
    if entry_of(inner, key).is_none() {
        // The record was sent before the container had a map, or is just being sent.
        let fresh = Seen {
            verdict: said,
            count: 0,
            sent: kernel::now(),
            last: kernel::now(),
        };
        if make_entry(inner, key, fresh) {
            return Some(());
        }
    }
    let entry = entry_of(inner, key)?;
    // SAFETY: the map gave the pointer.
    let before = unsafe {
        (&raw mut (*entry).verdict).write_volatile(said);
        (&raw const (*entry).count).read_volatile()
    };
    // What was counted while nothing was said.
    if said == verdict::DEVIATION && before > 0 {
        deviates(inner);
    }
    Some(())
}

#[inline(always)]
fn forget(home: u64, key: u64) -> Option<()> {
    // SAFETY: the map is not kept.
    let inner = unsafe { maps::SEEN.get(&home) }?;
    let entry = entry_of(inner, key)?;
    // SAFETY: the map gave the pointer.
    if unsafe { (&raw const (*entry).verdict).read_volatile() } != verdict::RETIRED {
        return None;
    }
    inner.remove(&key).ok()
}

#[inline(always)]
fn watch(home: u64, watched: u64) -> Option<()> {
    if let Some(budget) = maps::BUDGETS.get_ptr_mut(&home) {
        // SAFETY: the map gave the pointer.
        unsafe { (&raw mut (*budget).watched).write_volatile(watched) };
        return Some(());
    }
    let fresh = Budget {
        watched,
        spent: [0; CLASSES],
        uses: [0; 4],
        held: [0; TABLES],
    };
    maps::BUDGETS.insert(&home, &fresh, 0).ok()
}
