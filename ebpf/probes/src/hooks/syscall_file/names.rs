//! Names that come, go and change.

use super::{EMPTY_PATH, Last, Words, by_name, user_word};
use crate::emit::Builder;
use crate::hooks::file::{self, Change, EXCHANGE};
use crate::hooks::syscall::{Call, is, passed, served};
use crate::kernel;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Operation, flags};
use lapwing_abi::syscalls::Syscall;

const AT_REMOVEDIR: i32 = 0x200;
/// `AT_SYMLINK_FOLLOW`, include/uapi/linux/fcntl.h.
const FOLLOW: i32 = 0x400;

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
    let words = first_words(&call, at);
    by_name(
        &call,
        row,
        Change::new(Operation::Delete),
        words,
        Last::Itself,
        |_| 0,
    )
}

/// The words that begin a call: with a directory before them, or without.
#[inline(always)]
fn first_words(call: &Call, at: bool) -> Words {
    if at {
        Words::at(call.number(0), call.argument(1))
    } else {
        Words::here(call.argument(0))
    }
}

#[raw_tracepoint]
fn sys_rename(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(renamed);
    0
}

#[inline(always)]
fn renamed(call: Call) -> Option<()> {
    served(Row::FileRename)?;
    let name = call.name();
    let (mut from, mut to) = if is(name, Syscall::Rename) {
        (Words::here(call.argument(0)), Words::here(call.argument(1)))
    } else {
        (
            Words::at(call.number(0), call.argument(1)),
            Words::at(call.number(2), call.argument(3)),
        )
    };
    let how = if is(name, Syscall::Renameat2) {
        call.number(4) as u32
    } else {
        0
    };
    let change = Change::with(Operation::Rename, u64::from(how));
    for _ in 0..2 {
        by_name(
            &call,
            Row::FileRename,
            change,
            from,
            Last::Itself,
            |builder| to.write_second(builder, &call),
        )?;
        if how & EXCHANGE == 0 {
            break;
        }
        // The other file is renamed too.
        (from, to) = (to, from);
    }
    Some(())
}

#[raw_tracepoint]
fn sys_link(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(linked);
    0
}

#[inline(always)]
fn linked(call: Call) -> Option<()> {
    served(Row::FileLink)?;
    let change = Change::new(Operation::Link);
    if is(call.name(), Syscall::Link) {
        let (from, to) = (Words::here(call.argument(0)), Words::here(call.argument(1)));
        return by_name(
            &call,
            Row::FileLink,
            change,
            from,
            Last::Itself,
            |builder| to.write_second(builder, &call),
        );
    }
    let from = Words::at(call.number(0), call.argument(1));
    let to = Words::at(call.number(2), call.argument(3));
    let how = call.number(4);
    let fd = if how & EMPTY_PATH != 0 && from.is_empty() {
        Some(from.dir)
    } else if how & FOLLOW != 0 {
        descriptor_in(from.name)
    } else {
        None
    };
    let file = fd.and_then(|fd| kernel::descriptor(call.task, fd as u32));
    match (fd, file) {
        // It had no name (O_TMPFILE): with its first one it is a file like others.
        (_, Some(file)) if file.get::<u32>(Field::FileFlags) & file::TMPFILE != 0 => by_name(
            &call,
            Row::FileLink,
            Change::new(Operation::Create),
            to,
            Last::Itself,
            |_| 0,
        ),
        (Some(fd), Some(_)) => {
            // The descriptor's own file: no words.
            let from = Words::at(fd, 0);
            linked_to(&call, change, from, to)
        }
        _ => linked_to(&call, change, from, to),
    }
}

#[inline(always)]
fn linked_to(call: &Call, change: Change, from: Words, to: Words) -> Option<()> {
    by_name(call, Row::FileLink, change, from, Last::Itself, |builder| {
        to.write_second(builder, call)
    })
}

/// The descriptor in `/proc/self/fd/N`, as its manual page says to name a file without a name.
#[inline(always)]
fn descriptor_in(name: u64) -> Option<i32> {
    let [head, tail, digits] = [0, 6, 14].map(|at| user_word(name.wrapping_add(at)).to_ne_bytes());
    if u64::from_ne_bytes(head) != u64::from_ne_bytes(*b"/proc/se")
        || u64::from_ne_bytes(tail) != u64::from_ne_bytes(*b"self/fd/")
    {
        return None;
    }
    let mut fd = 0;
    for digit in digits {
        match digit {
            b'0'..=b'9' => fd = fd * 10 + i32::from(digit - b'0'),
            0 => return Some(fd),
            _ => return None,
        }
    }
    None
}

#[raw_tracepoint]
fn sys_symlink(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(symlinked);
    0
}

#[inline(always)]
fn symlinked(call: Call) -> Option<()> {
    served(Row::FileSymlink)?;
    let words = if is(call.name(), Syscall::Symlinkat) {
        Words::at(call.number(1), call.argument(2))
    } else {
        Words::here(call.argument(1))
    };
    let text = call.argument(0);
    let change = Change::new(Operation::Symlink);
    by_name(
        &call,
        Row::FileSymlink,
        change,
        words,
        Last::Itself,
        |builder| second_words(builder, text),
    )
}

/// Writes a text of the caller as the second name.
#[inline(always)]
pub(super) fn second_words(builder: &mut Builder, text: u64) -> u32 {
    builder.end_section();
    if passed(builder, text) {
        0
    } else {
        flags::TARGET_TRUNCATED
    }
}

#[raw_tracepoint]
fn sys_make(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(made);
    0
}

#[inline(always)]
fn made(call: Call) -> Option<()> {
    let name = call.name();
    let at = is(name, Syscall::Mkdirat) || is(name, Syscall::Mknodat);
    let words = first_words(&call, at);
    if is(name, Syscall::Mkdir) || is(name, Syscall::Mkdirat) {
        served(Row::FileMkdir)?;
        let change = Change::new(Operation::Mkdir);
        return by_name(&call, Row::FileMkdir, change, words, Last::Itself, |_| 0);
    }
    served(Row::FileMknod)?;
    let (mode, device) = if at {
        (call.number(2), call.number(3))
    } else {
        (call.number(1), call.number(2))
    };
    let change = file::file_of_mknod(u64::from(mode as u32), u64::from(device as u32));
    by_name(&call, Row::FileMknod, change, words, Last::Itself, |_| 0)
}
