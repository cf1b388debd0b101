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

const AT_FDCWD: i32 = -100;
const AT_REMOVEDIR: u64 = 0x200;
/// `TS_COMPAT`, arch/x86/include/asm/thread_info.h: the call came by a 32-bit entry.
const TS_COMPAT: u32 = 2;

/// What a system call does, where it concerns us. `dir` is the index of its first
/// argument that names a directory; calls without one take names relative to the working directory.
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

/// TP_PROTO(struct pt_regs *regs, long ret), since Linux 2.6.32.
#[raw_tracepoint]
fn sys_exit(ctx: RawTracePointContext) -> i32 {
    let result: i64 = ctx.arg(1);
    if result >= 0 {
        finished(Kptr(ctx.arg(0)), result);
    }
    0
}

#[inline(always)]
fn finished(regs: Kptr, result: i64) -> Option<()> {
    let number: u64 = if setting!(ARCH) == 0 {
        regs.get(Field::RegsSyscall)
    } else {
        u64::from(regs.get::<u32>(Field::RegsSyscall))
    };
    let call = call(number)?;
    let task = kernel::current_task();
    if setting!(ARCH) == 0
        && task
            .at(Field::TaskThreadInfo)
            .get::<u32>(Field::ThreadInfoStatus)
            & TS_COMPAT
            != 0
    {
        // The numbers mean other calls there; say so, but only for those we trace.
        process::current()?;
        lost(Loss::CompatSyscall);
        return None;
    }
    match call {
        Call::Open => {
            served(Row::FileOpen)?;
            file::opened(descriptor(task, result as u32)?)
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
    bits |= location(&mut builder, task, to_dir, argument(regs, to));
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
        descriptor(task, dir as u32).map(|file| Place::at(file.at(Field::FilePath)))
    };
    if let Some(place) = place
        && path::append(builder, place, kernel::root_of(task)) == path::TRUNCATED
    {
        bits |= flags::PATH_TRUNCATED;
    }
    builder.end_section();
    let read = builder.append(|at| {
        // SAFETY: NAME_MAX is below READ_MAX; the helper checks the address.
        let read = unsafe { bpf_probe_read_user_str(at.cast(), NAME_MAX as u32, name as *const _) };
        // Without the NUL that ends it.
        if read > 0 { read - 1 } else { read }
    });
    if read >= NAME_MAX as i64 - 1 {
        bits |= flags::USER_PATH_TRUNCATED;
    }
    builder.end_section();
    bits
}

/// The file behind a descriptor.
#[inline(always)]
fn descriptor(task: Kptr, fd: u32) -> Option<Kptr> {
    let table = task.follow(Field::TaskFiles).follow(Field::FilesFdt);
    if fd >= table.get::<u32>(Field::FdtableMax) {
        return None;
    }
    let file = Kptr(
        table
            .follow(Field::FdtableFd)
            .plus(u64::from(fd) * 8)
            .read(),
    );
    (!file.is_null()).then_some(file)
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
