//! The recording of system calls: no row, because it is attached only where the configuration wants it
//! and sends no record.

use super::{Attach, Tier, Variant};
use crate::fields::Field;

/// Its name in output.
pub const ID: &str = "syscall.used";

/// What it is attached to, and what it does not see.
pub const VARIANT: Variant = Variant {
    tier: Tier::Base,
    program: "sys_enter",
    attach: Attach::RawTracepoint("sys_enter"),
    needs: &[Field::TaskThreadInfo, Field::ThreadInfoFlags],
    misses: "system calls of containers that learn are recorded only with `syscalls: learning`; what io_uring does is \
         no call; calls that a seccomp filter refuses do not come here",
};
