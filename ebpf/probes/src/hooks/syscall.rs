//! File changes by the exit of system calls (tier B), for kernels that refuse trampolines.
//!
//! Every system call of the machine passes here, so the number is looked at
//! first. Opens are resolved from the new descriptor and are as exact as tier
//! A1; the names of removals and renames are the caller's words, read again
//! after the call, next to the directory they are relative to.

use super::file;
use crate::emit::{self, Builder, hit, lost};
use crate::kernel::{self, Kptr, Place, setting};
use crate::path;
use crate::{maps, process};
use aya_ebpf::helpers::generated::bpf_probe_read_user_str;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Kind, Loss, Operation, flags};
use lapwing_abi::record::NAME_MAX;

/// The flags of a walk that say something of a path.
const PATH_BITS: u32 = flags::PATH_TRUNCATED | flags::PATH_DETACHED;
const AT_FDCWD: i32 = -100;
const AT_REMOVEDIR: u64 = 0x200;
/// `TS_COMPAT`, arch/x86/include/asm/thread_info.h: the call came by a 32-bit entry.
const TS_COMPAT: u32 = 2;

/// `TIF_32BIT`, arch/arm64/include/asm/thread_info.h: the task runs 32-bit code.
const TIF_32BIT: u64 = 1 << 22;

/// What a system call does, where it concerns us. The calls named `at` have arguments that name
/// directories; those without take names relative to the working directory.
enum Call {
    Open,
    Unlink { at: bool },
    Rmdir,
    Rename { at: bool },
}

/// Numbers of arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
#[inline(always)]
fn call(number: u64) -> Option<Call> {
    if setting!(ARCH) == 0 {
        match number {
            2 | 85 | 257 | 304 | 437 => Some(Call::Open),
            87 => Some(Call::Unlink { at: false }),
            263 => Some(Call::Unlink { at: true }),
            84 => Some(Call::Rmdir),
            82 => Some(Call::Rename { at: false }),
            264 | 316 => Some(Call::Rename { at: true }),
            _ => None,
        }
    } else {
        match number {
            56 | 265 | 437 => Some(Call::Open),
            35 => Some(Call::Unlink { at: true }),
            38 | 276 => Some(Call::Rename { at: true }),
            _ => None,
        }
    }
}

/// Whether a 32-bit system call opens a file (`true`) or changes names (`false`). Numbers of
/// arch/x86/entry/syscalls/syscall_32.tbl and arch/arm/tools/syscall.tbl.
#[inline(always)]
fn compat_opens(number: u64) -> Option<bool> {
    let opens = match number {
        5 | 8 | 437 => true,
        10 | 38 | 40 => false,
        _ if setting!(ARCH) == 0 => match number {
            295 | 342 => true,
            301 | 302 | 353 => false,
            _ => return None,
        },
        322 | 371 => true,
        328 | 329 | 382 => false,
        _ => return None,
    };
    Some(opens)
}

/// TP_PROTO(struct pt_regs *regs, long ret), since Linux 2.6.32.
#[raw_tracepoint]
fn sys_exit(ctx: RawTracePointContext) -> i32 {
    let result: i64 = ctx.arg(1);
    if result >= 0 {
        finished(Kptr(ctx.arg(0)), result);
    }
    0
}

/// Whether the running system call came by a 32-bit entry, where numbers mean other calls.
#[inline(always)]
fn is_compat(task: Kptr) -> bool {
    let info = task.at(Field::TaskThreadInfo);
    if setting!(ARCH) == 0 {
        info.get::<u32>(Field::ThreadInfoStatus) & TS_COMPAT != 0
    } else {
        info.get::<u64>(Field::ThreadInfoFlags) & TIF_32BIT != 0
    }
}

#[inline(always)]
fn finished(regs: Kptr, result: i64) -> Option<()> {
    let number: u64 = if setting!(ARCH) == 0 {
        regs.get(Field::RegsSyscall)
    } else {
        u64::from(regs.get::<u32>(Field::RegsSyscall))
    };
    let task = kernel::current_task();
    let call = if is_compat(task) {
        if !compat_opens(number)? {
            // Where its arguments lie is not known: said, but only of those we trace.
            process::current()?;
            lost(Loss::CompatSyscall);
            return None;
        }
        Call::Open
    } else {
        call(number)?
    };
    match call {
        Call::Open => {
            served(Row::FileOpen)?;
            let Some(file) = kernel::descriptor(task, result as u32) else {
                // Another thread has closed it already.
                if may_change(regs, number) {
                    process::current()?;
                    lost(Loss::DescriptorGone);
                }
                return None;
            };
            file::opened(file)
        }
        Call::Rmdir => removed(task, regs, Row::FileRmdir, false),
        Call::Unlink { at } => {
            let row = if at && argument(regs, 2) & AT_REMOVEDIR != 0 {
                Row::FileRmdir
            } else {
                Row::FileUnlink
            };
            removed(task, regs, row, at)
        }
        Call::Rename { at } => renamed(task, regs, at),
    }
}

/// Whether a system call that opened a file may have made it, or asked to write it, as far as its
/// flags are at hand.
#[inline(always)]
fn may_change(regs: Kptr, number: u64) -> bool {
    const O_ACCMODE: u64 = 3;
    const O_CREAT: u64 = 0o100;
    let flags = match (setting!(ARCH), number) {
        (0, 2) => argument(regs, 1),
        (0, 257) | (1, 56) => argument(regs, 2),
        _ => return true,
    };
    flags & (O_ACCMODE | O_CREAT) != 0
}

/// Whether no better variant serves this row.
#[inline(always)]
fn served(row: Row) -> Option<()> {
    let rows = maps::SYSCALL_ROWS.get(0)?;
    (*rows & (1 << row as u32) != 0).then_some(())
}

#[inline(always)]
fn removed(task: Kptr, regs: Kptr, row: Row, at: bool) -> Option<()> {
    served(row)?;
    let (process, known) = process::current()?;
    hit(row);
    let mut builder = begin()?;
    let mut bits = flags::PATH_FROM_USER | if known { 0 } else { flags::PROCESS_UNKNOWN };
    let (dir, name) = if at {
        (argument(regs, 0) as i32, 1)
    } else {
        (AT_FDCWD, 0)
    };
    bits |= location(&mut builder, task, dir, argument(regs, name));
    let mut header = emit::header(Kind::File, &process, bits);
    header.operation = Operation::Delete.raw();
    builder.send(&header);
    Some(())
}

#[inline(always)]
fn renamed(task: Kptr, regs: Kptr, at: bool) -> Option<()> {
    served(Row::FileRename)?;
    let (process, known) = process::current()?;
    hit(Row::FileRename);
    let mut builder = begin()?;
    let mut bits = flags::PATH_FROM_USER | if known { 0 } else { flags::PROCESS_UNKNOWN };
    let (from_dir, from, to_dir, to) = if at {
        (argument(regs, 0) as i32, 1, argument(regs, 2) as i32, 3)
    } else {
        (AT_FDCWD, 0, AT_FDCWD, 1)
    };
    bits |= location(&mut builder, task, from_dir, argument(regs, from));
    let target = location(&mut builder, task, to_dir, argument(regs, to));
    bits |= target & !PATH_BITS | path::for_target(target & PATH_BITS);
    let mut header = emit::header(Kind::File, &process, bits);
    header.operation = Operation::Rename.raw();
    builder.send(&header);
    Some(())
}

#[inline(always)]
fn begin() -> Option<Builder> {
    let builder = Builder::new();
    if builder.is_none() {
        lost(Loss::ScratchTaken);
    }
    builder
}

/// Writes the two sections of a location: the directory, and the name relative to it.
#[inline(always)]
fn location(builder: &mut Builder, task: Kptr, dir: i32, name: u64) -> u32 {
    let mut bits = 0;
    let place = if dir == AT_FDCWD {
        Some(Place::at(task.follow(Field::TaskFs).at(Field::FsPwd)))
    } else {
        kernel::descriptor(task, dir as u32).map(|file| Place::at(file.at(Field::FilePath)))
    };
    if let Some(place) = place {
        bits |= path::append(builder, place, kernel::root_of(task)).end;
    }
    builder.end_section();
    let read = builder.append(|at| {
        // SAFETY: NAME_MAX is below READ_MAX; the helper checks the address.
        let read = unsafe { bpf_probe_read_user_str(at.cast(), NAME_MAX as u32, name as *const _) };
        // Without the NUL that ends it.
        if read > 0 { read - 1 } else { read }
    });
    // One that is there no longer is cut to nothing.
    if read < 0 || read >= NAME_MAX as i64 - 1 {
        bits |= flags::USER_PATH_TRUNCATED;
    }
    builder.end_section();
    bits
}

/// An argument of the system call.
#[inline(always)]
fn argument(regs: Kptr, index: u32) -> u64 {
    if setting!(ARCH) == 0 {
        match index {
            0 => regs.get(Field::RegsArg0),
            1 => regs.get(Field::RegsArg1),
            2 => regs.get(Field::RegsArg2),
            _ => regs.get(Field::RegsArg3),
        }
    } else if index == 0 {
        regs.get(Field::RegsArg0)
    } else {
        regs.at(Field::RegsArray).plus(u64::from(index) * 8).read()
    }
}
