//! File changes by the exit of system calls (tier B).
//!
//! Opens are resolved from the new descriptor and are as exact as the better tiers;
//! the names of removals and renames are the caller's words, read again after the
//! call, next to the directory they are relative to.

use super::file;
use super::syscall::{self, Call, HERE, is, location, served};
use crate::emit::{self, hit, lost};
use crate::kernel;
use crate::{path, process};
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Kind, Loss, Operation, flags};
use lapwing_abi::syscalls::Syscall;

/// The flags of a walk that say something of a path.
const PATH_BITS: u32 = flags::PATH_TRUNCATED | flags::PATH_DETACHED;
const AT_REMOVEDIR: i32 = 0x200;

#[raw_tracepoint]
fn sys_open(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(opened);
    0
}

#[inline(always)]
fn opened(call: Call) -> Option<()> {
    served(Row::FileOpen)?;
    let Some(file) = kernel::descriptor(call.task, call.result as u32) else {
        // Another thread has closed it already.
        if may_change(&call) {
            process::current()?;
            lost(Loss::DescriptorGone);
        }
        return None;
    };
    file::opened(file)
}

/// Whether a system call that opened a file may have made it, or asked to write it, as far as its
/// flags are at hand.
#[inline(always)]
fn may_change(call: &Call) -> bool {
    const O_ACCMODE: u64 = 3;
    const O_CREAT: u64 = 0o100;
    let name = call.name();
    let flags = if is(name, Syscall::Open) {
        call.argument(1)
    } else if is(name, Syscall::Openat) {
        call.argument(2)
    } else {
        return true;
    };
    flags & (O_ACCMODE | O_CREAT) != 0
}

#[raw_tracepoint]
fn sys_unlink(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(removed);
    0
}

#[inline(always)]
fn removed(call: Call) -> Option<()> {
    let name = call.name();
    let at = is(name, Syscall::Unlinkat);
    let is_folder = is(name, Syscall::Rmdir) || at && call.number(2) & AT_REMOVEDIR != 0;
    let row = if is_folder {
        Row::FileRmdir
    } else {
        Row::FileUnlink
    };
    served(row)?;
    let (process, known) = process::current()?;
    hit(row);
    let mut builder = syscall::begin()?;
    let mut bits = flags::PATH_FROM_USER | if known { 0 } else { flags::PROCESS_UNKNOWN };
    let (dir, name) = if at { (call.number(0), 1) } else { (HERE, 0) };
    bits |= location(&mut builder, call.task, dir, call.argument(name));
    let mut header = emit::header(Kind::File, &process, bits);
    header.operation = Operation::Delete.raw();
    builder.send(&header);
    Some(())
}

#[raw_tracepoint]
fn sys_rename(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(renamed);
    0
}

#[inline(always)]
fn renamed(call: Call) -> Option<()> {
    served(Row::FileRename)?;
    let (process, known) = process::current()?;
    hit(Row::FileRename);
    let mut builder = syscall::begin()?;
    let mut bits = flags::PATH_FROM_USER | if known { 0 } else { flags::PROCESS_UNKNOWN };
    let (from_dir, from, to_dir, to) = if is(call.name(), Syscall::Rename) {
        (HERE, 0, HERE, 1)
    } else {
        (call.number(0), 1, call.number(2), 3)
    };
    bits |= location(&mut builder, call.task, from_dir, call.argument(from));
    let target = location(&mut builder, call.task, to_dir, call.argument(to));
    bits |= target & !PATH_BITS | path::for_target(target & PATH_BITS);
    let mut header = emit::header(Kind::File, &process, bits);
    header.operation = Operation::Rename.raw();
    builder.send(&header);
    Some(())
}
