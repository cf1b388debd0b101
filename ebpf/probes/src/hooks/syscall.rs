//! Tier B: the exit of system calls, for kernels that refuse better.
//!
//! Every system call of the machine passes one program, which looks for the number
//! in a table of programs and goes on to the one it finds there; the agent fills in
//! only what no better variant serves. What the calls' own programs share stands
//! here: which call it is, its arguments by architecture and by 32-bit callers, and
//! names as the caller wrote them.

use crate::emit::{Builder, lost};
use crate::kernel::{self, Kptr, Place, setting};
use crate::{maps, path, spare};
use aya_ebpf::helpers::generated::bpf_probe_read_user_str;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Loss, flags};
use lapwing_abi::record::NAME_MAX;
use lapwing_abi::syscalls::{NUMBERS, SLOTS, Syscall};

const AT_FDCWD: i32 = -100;
/// `TS_COMPAT`, arch/x86/include/asm/thread_info.h: the call came by a 32-bit entry.
const TS_COMPAT: u32 = 2;
/// socketcall(2), arch/x86/entry/syscalls/syscall_32.tbl: one number of 32-bit callers for all that is
/// about sockets.
const SOCKETCALL: u32 = 102;
/// `TIF_32BIT`, arch/arm64/include/asm/thread_info.h: the task runs 32-bit code.
const TIF_32BIT: u64 = 1 << 22;

/// A call that succeeded.
#[derive(Clone, Copy)]
pub(super) struct Call {
    /// The caller.
    pub task: Kptr,
    /// Its registers at the entry, and the result.
    pub regs: Kptr,
    /// The result, 0 or more.
    pub result: i64,
    /// Which slot it has, of [`maps::SYSCALLS`].
    slot: u32,
    /// Where the caller lists the arguments of one that came by socketcall(2); null otherwise.
    list: Kptr,
}

/// Every call of the machine passes here: those that somebody asked for go on to their program.
///
/// TP_PROTO(struct pt_regs *regs, long ret), since Linux 2.6.32.
#[raw_tracepoint]
fn sys_exit(ctx: RawTracePointContext) -> i32 {
    let twin = spare::begin!(ctx, TRACEPOINTS, sys_exit);
    if let Some(call) = Call::of_socket(&ctx) {
        // It only comes back where there is none.
        // SAFETY: the programs in the map are raw tracepoints with the same arguments.
        unsafe { maps::SYSCALLS.tail_call(&ctx, call.slot + twin * SLOTS) };
    }
    0
}

impl Call {
    /// The call that ends, unless it failed or is none we could want.
    #[inline(always)]
    pub fn of(ctx: &RawTracePointContext) -> Option<Self> {
        let result: i64 = ctx.arg(1);
        if result < 0 {
            return None;
        }
        let regs = Kptr(ctx.arg(0));
        let number = if setting!(ARCH) == 0 {
            regs.get::<u64>(Field::RegsSyscall)
        } else {
            // An int there; the half above belongs to another field.
            u64::from(regs.get::<u32>(Field::RegsSyscall))
        };
        if number >= u64::from(NUMBERS) {
            return None;
        }
        let task = kernel::current_task();
        let base = if is_compat(task) { NUMBERS } else { 0 };
        Some(Self {
            task,
            regs,
            result,
            slot: number as u32 + base,
            list: Kptr(0),
        })
    }

    /// The same, where it may be one that came by socketcall(2): it is taken for what it stands for.
    #[inline(always)]
    pub fn of_socket(ctx: &RawTracePointContext) -> Option<Self> {
        let call = Self::of(ctx)?;
        if call.slot != NUMBERS + SOCKETCALL || setting!(ARCH) != 0 {
            return Some(call);
        }
        let listed: u32 = call.regs.get(Field::RegsBx);
        // include/uapi/linux/net.h, and numbers of syscall_32.tbl.
        let number = match listed {
            1 => 359,
            3 => 362,
            11 => 369,
            16 => 370,
            _ => return None,
        };
        Some(Self {
            slot: NUMBERS + number,
            list: Kptr(call.regs.get::<u32>(Field::RegsCx).into()),
            ..call
        })
    }

    /// Which call it is, as a [`Syscall`]; compare with `is`.
    #[inline(always)]
    pub fn name(&self) -> u32 {
        maps::SYSCALL_NAMES
            .get(self.slot)
            .map_or(u32::MAX, |name| *name)
    }

    /// Whether a 32-bit program called.
    #[inline(always)]
    pub fn is_compat(&self) -> bool {
        self.slot >= NUMBERS
    }

    /// An argument. The registers have those of the entry, where the kernel does not use them
    /// for the result.
    #[inline(always)]
    pub fn argument(&self, index: u32) -> u64 {
        let regs = self.regs;
        if setting!(ARCH) != 0 {
            return if index == 0 {
                regs.get(Field::RegsArg0)
            } else {
                regs.at(Field::RegsArray).plus(u64::from(index) * 8).read()
            };
        }
        if !self.list.is_null() {
            // Read again after the call, so another thread may have changed them.
            return u64::from(self.list.plus(4 * u64::from(index)).read_user::<u32>());
        }
        if self.is_compat() {
            // The halves above are not the caller's.
            return u64::from(match index {
                0 => regs.get::<u32>(Field::RegsBx),
                1 => regs.get(Field::RegsCx),
                2 => regs.get(Field::RegsArg2),
                3 => regs.get(Field::RegsArg1),
                4 => regs.get(Field::RegsArg0),
                _ => regs.get(Field::RegsBp),
            });
        }
        match index {
            0 => regs.get(Field::RegsArg0),
            1 => regs.get(Field::RegsArg1),
            2 => regs.get(Field::RegsArg2),
            3 => regs.get(Field::RegsArg3),
            _ => regs.get(Field::RegsR8),
        }
    }

    /// A descriptor, or another 32-bit number, among the arguments.
    #[inline(always)]
    pub fn number(&self, index: u32) -> i32 {
        self.argument(index) as i32
    }
}

/// Whether the task makes a 32-bit call.
#[inline(always)]
pub(super) fn is_compat(task: Kptr) -> bool {
    let info = task.at(Field::TaskThreadInfo);
    if setting!(ARCH) == 0 {
        info.get::<u32>(Field::ThreadInfoStatus) & TS_COMPAT != 0
    } else {
        info.get::<u64>(Field::ThreadInfoFlags) & TIF_32BIT != 0
    }
}

/// Whether the call is this one.
#[inline(always)]
pub(super) fn is(name: u32, call: Syscall) -> bool {
    name == call as u32
}

/// Whether no better variant serves this row.
#[inline(always)]
pub(super) fn served(row: Row) -> Option<()> {
    let rows = maps::SYSCALL_ROWS.get(0)?;
    (*rows & row.bit() != 0).then_some(())
}

/// A builder; none is counted.
#[inline(always)]
pub(super) fn begin() -> Option<Builder> {
    let builder = Builder::new();
    if builder.is_none() {
        lost(Loss::ScratchTaken);
    }
    builder
}

/// The directory that names are relative to which have none.
pub(super) const HERE: i32 = AT_FDCWD;

/// The place behind a descriptor, or the working directory.
#[inline(always)]
pub(super) fn directory(task: Kptr, dir: i32) -> Option<Place> {
    if dir == AT_FDCWD {
        Some(Place::at(task.follow(Field::TaskFs).at(Field::FsPwd)))
    } else {
        kernel::descriptor(task, dir as u32).map(|file| Place::at(file.at(Field::FilePath)))
    }
}

/// Writes the two sections of a location: the directory, and the name relative to it.
#[inline(always)]
pub(super) fn location(builder: &mut Builder, task: Kptr, dir: i32, name: u64) -> u32 {
    let mut bits = 0;
    if let Some(place) = directory(task, dir) {
        bits |= path::append(builder, place, kernel::root_of(task)).end;
    }
    builder.end_section();
    if !passed(builder, name) {
        bits |= flags::USER_PATH_TRUNCATED;
    }
    bits
}

/// Writes a section with a text as the caller passed it; answers whether all of it is there.
#[inline(always)]
pub(super) fn passed(builder: &mut Builder, text: u64) -> bool {
    let read = builder.append(|at| {
        // SAFETY: NAME_MAX is below READ_MAX; the helper checks the address.
        let read = unsafe { bpf_probe_read_user_str(at.cast(), NAME_MAX as u32, text as *const _) };
        // Without the NUL that ends it.
        if read > 0 { read - 1 } else { read }
    });
    builder.end_section();
    // One that is there no longer is cut to nothing.
    read >= 0 && read < NAME_MAX as i64 - 1
}
