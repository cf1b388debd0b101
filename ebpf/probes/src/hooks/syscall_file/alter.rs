//! Length, mode, owner and extended attributes.

use super::names::second_words;
use super::{EMPTY_PATH, Last, Words, by_descriptor, by_name, user_word};
use crate::hooks::file::{Change, MODE_BITS, REMOVED, alone, is_acl_start};
use crate::hooks::syscall::{Call, is, served};
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::Operation;
use lapwing_abi::syscalls::Syscall;

/// `AT_SYMLINK_NOFOLLOW`, include/uapi/linux/fcntl.h.
const NOFOLLOW: i32 = 0x100;

/// Which file a call is about.
#[derive(Clone, Copy)]
struct Subject {
    /// Its name, or where `is_open` the descriptor alone.
    words: Words,
    is_open: bool,
    last: Last,
}

impl Subject {
    #[inline(always)]
    fn open(fd: i32) -> Self {
        Self {
            words: Words::at(fd, 0),
            is_open: true,
            last: Last::Itself,
        }
    }

    #[inline(always)]
    fn named(name: u64, last: Last) -> Self {
        Self {
            words: Words::here(name),
            is_open: false,
            last,
        }
    }

    /// As the calls with a directory and flags say it.
    #[inline(always)]
    fn at(dir: i32, name: u64, how: i32) -> Self {
        let words = Words::at(dir, name);
        Self {
            words,
            is_open: how & EMPTY_PATH != 0 && words.is_empty(),
            last: if how & NOFOLLOW != 0 {
                Last::Itself
            } else {
                Last::Followed
            },
        }
    }
}

#[raw_tracepoint]
fn sys_alter(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(altered);
    0
}

#[inline(always)]
fn altered(call: Call) -> Option<()> {
    let name = call.name();
    let row = row_of(name);
    served(row)?;
    let subject =
        if is(name, Syscall::Fchmod) || is(name, Syscall::Fchown) || is(name, Syscall::Fchown32) {
            Subject::open(call.number(0))
        } else if is(name, Syscall::Fchmodat) {
            Subject::at(call.number(0), call.argument(1), 0)
        } else if is(name, Syscall::Fchmodat2) {
            Subject::at(call.number(0), call.argument(1), call.number(3))
        } else if is(name, Syscall::Fchownat) {
            Subject::at(call.number(0), call.argument(1), call.number(4))
        } else if is(name, Syscall::Lchown) || is(name, Syscall::Lchown32) {
            Subject::named(call.argument(0), Last::Itself)
        } else {
            Subject::named(call.argument(0), Last::Followed)
        };
    let change = match row {
        Row::FileTruncate => Change::new(Operation::Truncate),
        Row::FileChmod => {
            let at = is(name, Syscall::Fchmodat) || is(name, Syscall::Fchmodat2);
            let mode = if at {
                call.argument(2)
            } else {
                call.argument(1)
            };
            Change::with(Operation::Chmod, mode & MODE_BITS)
        }
        _ => Change::new(Operation::Chown),
    };
    if subject.is_open {
        by_descriptor(&call, row, change, subject.words.dir, alone)
    } else {
        by_name(&call, row, change, subject.words, subject.last, |_| 0)
    }
}

#[inline(always)]
fn row_of(name: u32) -> Row {
    if is(name, Syscall::Truncate) || is(name, Syscall::Truncate64) {
        Row::FileTruncate
    } else if is(name, Syscall::Chmod)
        || is(name, Syscall::Fchmod)
        || is(name, Syscall::Fchmodat)
        || is(name, Syscall::Fchmodat2)
    {
        Row::FileChmod
    } else {
        Row::FileChown
    }
}

#[raw_tracepoint]
fn sys_xattr(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(attribute_changed);
    0
}

#[inline(always)]
fn attribute_changed(call: Call) -> Option<()> {
    let name = call.name();
    let is_removed = is(name, Syscall::Removexattr)
        || is(name, Syscall::Lremovexattr)
        || is(name, Syscall::Fremovexattr)
        || is(name, Syscall::Removexattrat);
    let at = is(name, Syscall::Setxattrat) || is(name, Syscall::Removexattrat);
    // (dir, path, flags, name, ...) or (file, name, ...).
    let attribute = if at {
        call.argument(3)
    } else {
        call.argument(1)
    };
    let subject = if at {
        Subject::at(call.number(0), call.argument(1), call.number(2))
    } else if is(name, Syscall::Fsetxattr) || is(name, Syscall::Fremovexattr) {
        Subject::open(call.number(0))
    } else if is(name, Syscall::Lsetxattr) || is(name, Syscall::Lremovexattr) {
        Subject::named(call.argument(0), Last::Itself)
    } else {
        Subject::named(call.argument(0), Last::Followed)
    };
    let is_acl = is_acl_start(user_word(attribute), user_word(attribute.wrapping_add(8)));
    let row = match (is_removed, is_acl) {
        (false, false) => Row::FileSetxattr,
        (false, true) => Row::FileSetAcl,
        (true, false) => Row::FileRemovexattr,
        (true, true) => Row::FileRemoveAcl,
    };
    served(row)?;
    let argument = if is_removed { REMOVED } else { 0 };
    let change = Change::with(Operation::Setxattr, argument);
    if subject.is_open {
        by_descriptor(&call, row, change, subject.words.dir, |builder, _| {
            second_words(builder, attribute)
        })
    } else {
        by_name(&call, row, change, subject.words, subject.last, |builder| {
            second_words(builder, attribute)
        })
    }
}
