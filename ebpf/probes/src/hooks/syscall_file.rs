//! File changes by the exit of system calls (tier B).
//!
//! What comes by a descriptor is resolved from it and as exact as in the better tiers.
//! Names are the caller's words, read again after the call, next to the directory they
//! are relative to: a name without a slash stands in it, so its kind of mount is known.

mod alter;
mod names;

use super::file::{self, Change};
use super::syscall::{self, Call, HERE, directory, is, location, served};
use crate::emit::{self, Builder, hit, lost};
use crate::inventory;
use crate::kernel::{self, Place};
use crate::path;
use crate::process;
use aya_ebpf::helpers::generated::bpf_probe_read_user;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Kind, Loss, Mount, flags};
use lapwing_abi::syscalls::Syscall;

/// The flags of a walk that say something of a path.
const PATH_BITS: u32 = flags::PATH_TRUNCATED | flags::PATH_DETACHED;
const O_ACCMODE: u64 = 3;
const O_CREAT: u64 = 0o100;
const O_TRUNC: u64 = 0o1000;
/// `AT_EMPTY_PATH`, include/uapi/linux/fcntl.h: without a name the descriptor's own file is meant.
const EMPTY_PATH: i32 = 0x1000;

/// A name as the caller wrote it.
#[derive(Clone, Copy)]
struct Words {
    /// Descriptor of the directory it is relative to.
    dir: i32,
    /// Its address.
    name: u64,
}

/// Whether the kernel followed a link that is the last part of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// The name itself was meant, so it stands in its directory.
    Itself,
    /// It was, and the link may lead to another mount.
    Followed,
}

#[raw_tracepoint]
fn sys_open(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(opened);
    0
}

#[inline(always)]
fn opened(call: Call) -> Option<()> {
    let name = call.name();
    let Some(file) = kernel::descriptor(call.task, call.result as u32) else {
        // Another thread has closed it already.
        if asked(&call) & (O_ACCMODE | O_CREAT | O_TRUNC) != 0 {
            process::current()?;
            lost(Loss::DescriptorGone);
        }
        return None;
    };
    if is(name, Syscall::PidfdGetfd) {
        served(Row::FileReceive)?;
        return file::received(file);
    }
    if is(name, Syscall::OpenByHandleAt) {
        served(Row::FileHandle)?;
        file::opened(Row::FileHandle, file);
    } else {
        served(Row::FileOpen)?;
        file::opened(Row::FileOpen, file);
    }
    inventory::opened(file);
    if !file::is_changed(file) && asked(&call) & O_TRUNC != 0 {
        served(Row::FileTruncateOpen)?;
        file::cut_by_open(file)?;
    }
    Some(())
}

/// The flags that a system call opened a file with.
#[inline(always)]
fn asked(call: &Call) -> u64 {
    let name = call.name();
    if is(name, Syscall::Open) {
        call.argument(1)
    } else if is(name, Syscall::Openat2) {
        // struct open_how begins with them.
        user_word(call.argument(2))
    } else if is(name, Syscall::Creat) || is(name, Syscall::PidfdGetfd) {
        // Always for writing; or not known.
        O_CREAT | O_TRUNC
    } else {
        // openat and open_by_handle_at.
        call.argument(2)
    }
}

/// A word of the caller's memory; 0 where it cannot be read.
#[inline(always)]
fn user_word(from: u64) -> u64 {
    let mut word = 0u64;
    // SAFETY: the destination is as long as said; the helper checks the address.
    unsafe { bpf_probe_read_user((&raw mut word).cast(), 8, from as *const _) };
    word
}

/// The first byte of a text in the caller's memory; 0 where it cannot be read.
#[inline(always)]
fn user_byte(from: u64) -> u8 {
    let mut byte = 0u8;
    // SAFETY: as above.
    unsafe { bpf_probe_read_user((&raw mut byte).cast(), 1, from as *const _) };
    byte
}

/// Reports a change of the file behind a descriptor.
#[inline(always)]
fn by_descriptor(
    call: &Call,
    row: Row,
    change: Change,
    fd: i32,
    second: impl FnOnce(&mut Builder, Place) -> u32,
) -> Option<()> {
    let Some(place) = directory(call.task, fd) else {
        process::current()?;
        lost(Loss::DescriptorGone);
        return None;
    };
    file::report(row, change, place, second)
}

/// Reports a change of a file that the caller named; `second` writes the sections of the second
/// name and answers flags.
#[inline(always)]
fn by_name(
    call: &Call,
    row: Row,
    change: Change,
    words: Words,
    last: Last,
    second: impl FnOnce(&mut Builder) -> u32,
) -> Option<()> {
    let (process, known) = process::current()?;
    hit(row);
    let mut builder = syscall::begin()?;
    let mut bits = flags::PATH_FROM_USER | if known { 0 } else { flags::PROCESS_UNKNOWN };
    // Hidden, because the callers set constants by many branches.
    let operation = builder.forget(u32::from(change.operation));
    let (end, mount) = words.write(&mut builder, call);
    bits |= end;
    bits |= second(&mut builder);
    let mut header = emit::header(row, Kind::File, &process, bits);
    header.operation = operation as u8;
    header.argument = change.argument;
    if let Last::Itself = last {
        header.mount = mount.raw();
    }
    builder.send(&header);
    Some(())
}

impl Words {
    /// Words relative to the working directory.
    #[inline(always)]
    fn here(name: u64) -> Self {
        Self { dir: HERE, name }
    }

    /// Words relative to a descriptor's directory.
    #[inline(always)]
    fn at(dir: i32, name: u64) -> Self {
        Self { dir, name }
    }

    /// Whether there are none, so that the descriptor's own file is meant.
    #[inline(always)]
    fn is_empty(self) -> bool {
        user_byte(self.name) == 0
    }

    /// Writes the two sections of a location. Answers flags, and what the directory lies on.
    #[inline(always)]
    fn write(self, builder: &mut Builder, call: &Call) -> (u32, Mount) {
        let dir = builder.forget(self.dir as u32) as i32;
        let mut bits = 0;
        let mut mount = Mount::Unknown;
        if let Some(place) = directory(call.task, dir) {
            let walk = path::append(builder, place, kernel::root_of(call.task));
            bits |= walk.end;
            mount = file::mount(place, walk);
        }
        builder.end_section();
        if self.name == 0 {
            // The descriptor's own file.
            builder.end_section();
        } else if !syscall::passed(builder, self.name) {
            bits |= flags::USER_PATH_TRUNCATED;
        }
        (bits, mount)
    }

    /// Writes the two sections of a second location, and answers flags.
    #[inline(always)]
    fn write_second(self, builder: &mut Builder, call: &Call) -> u32 {
        let bits = location(builder, call.task, self.dir, self.name);
        bits & !PATH_BITS | path::for_target(bits & PATH_BITS)
    }
}
