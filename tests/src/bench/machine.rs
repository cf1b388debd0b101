//! What the benches ask of the processor and the scheduler: the only unsafe code in them.

use anyhow::{Error, Result};
use std::io;

/// Has this process run only while nobody else wants to, sched(7).
pub fn run_when_idle() -> Result<()> {
    let param = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameters live until the call is over; 0 is the calling thread.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const param) } {
        0 => Ok(()),
        _ => Err(Error::from(io::Error::last_os_error()).context("SCHED_IDLE")),
    }
}

/// Executes exactly `2 * rounds` instructions, and a few around them.
#[cfg(target_arch = "x86_64")]
pub fn counted_loop(rounds: u64) {
    if rounds == 0 {
        return;
    }
    // SAFETY: changes nothing but a register that is said to be changed, and flags.
    unsafe {
        std::arch::asm!("2: dec {0}", "jnz 2b", inout(reg) rounds => _, options(nomem, nostack));
    }
}

/// Executes exactly `2 * rounds` instructions, and a few around them.
#[cfg(target_arch = "aarch64")]
pub fn counted_loop(rounds: u64) {
    if rounds == 0 {
        return;
    }
    // SAFETY: changes nothing but a register that is said to be changed, and flags.
    unsafe {
        std::arch::asm!("2: subs {0}, {0}, #1", "b.ne 2b", inout(reg) rounds => _, options(nomem, nostack));
    }
}
