//! File changes by the kernel's own functions: trampolines (tier A1) or kprobes (A2).
//!
//! What they share stands here: how a file is named in a record, and what it lies on.

mod attributes;
mod names;
mod open;

use crate::emit::{self, Builder, hit, lost};
use crate::kernel::{self, Kptr, Place};
use crate::path::{self, Walk};
use crate::process;
pub(super) use attributes::{REMOVED, is_acl_start};
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Kind, Loss, Mount, Operation, flags};
use lapwing_abi::state::Process;
pub(super) use names::{EXCHANGE, file_of_mknod};
pub(super) use open::{TMPFILE, cut_by_open, is_changed, opened, received};

const PROC_MAGIC: u64 = 0x9fa0;
const SYSFS_MAGIC: u64 = 0x6265_6572;
const CGROUP_MAGIC: u64 = 0x27_e0eb;
const CGROUP2_MAGIC: u64 = 0x6367_7270;
const TMPFS_MAGIC: u64 = 0x0102_1994;
const RAMFS_MAGIC: u64 = 0x8584_58f6;

/// The bits of a mode that chmod(2) sets: `S_IALLUGO`, include/linux/stat.h.
pub(super) const MODE_BITS: u64 = 0o7777;

/// What is done to a file.
#[derive(Clone, Copy)]
pub(super) struct Change {
    /// An [`Operation`].
    pub operation: u8,
    /// A number more, as the operation says.
    pub argument: u64,
    /// Whether it has no name, and `place` is its folder.
    pub is_nameless: bool,
}

impl Change {
    /// One that has no more to say.
    pub const fn new(operation: Operation) -> Self {
        Self::with(operation, 0)
    }

    /// One with a number.
    pub const fn with(operation: Operation, argument: u64) -> Self {
        Self {
            operation: operation.raw(),
            argument,
            is_nameless: false,
        }
    }
}

/// Reports a change by the process that runs, if it is traced.
#[inline(always)]
pub(super) fn report(
    row: Row,
    change: Change,
    place: Place,
    second: impl FnOnce(&mut Builder, Place) -> u32,
) -> Option<()> {
    let (process, known) = process::current()?;
    hit(row);
    send(row, (&process, known), change, place, second)
}

/// Sends a change; `second` writes the sections of the second name and answers flags.
#[inline(always)]
fn send(
    row: Row,
    (process, known): (&Process, bool),
    change: Change,
    place: Place,
    second: impl FnOnce(&mut Builder, Place) -> u32,
) -> Option<()> {
    let Some(mut builder) = Builder::new() else {
        lost(Loss::ScratchTaken);
        return None;
    };
    let root = kernel::root_of(kernel::current_task());
    let mut bits = if known { 0 } else { flags::PROCESS_UNKNOWN };
    path::append_nameless(&mut builder, change.is_nameless);
    let walk = path::append(&mut builder, place, root);
    bits |= walk.end;
    builder.end_section();
    builder.end_section();
    bits |= second(&mut builder, root);
    let mut header = emit::header(row, Kind::File, process, bits);
    header.operation = change.operation;
    header.argument = change.argument;
    let on = mount(place, walk).raw();
    header.mount = on;
    if on == Mount::ProcSys.raw() && change.operation <= Operation::Create.raw() {
        // /proc/N/mem is the process's own memory or another's: whose it is makes two behaviours.
        header.argument = u64::from(process.container_pid);
    }
    builder.send(&header);
    Some(())
}

/// There is no second name.
#[inline(always)]
pub(super) fn alone(_: &mut Builder, _: Place) -> u32 {
    0
}

/// The second name is that of a place.
#[inline(always)]
fn and(target: Place) -> impl FnOnce(&mut Builder, Place) -> u32 {
    move |builder, root| {
        let walk = path::append(builder, target, root);
        builder.end_section();
        path::for_target(walk.end)
    }
}

/// An entry of a directory that the function names by its path.
#[inline(always)]
fn in_folder(folder: Kptr, dentry: Kptr) -> Place {
    Place {
        mnt: folder.follow(Field::PathMnt),
        dentry,
    }
}

/// What kind of mount a place lies on.
#[inline(always)]
pub(super) fn mount(place: Place, walk: Walk) -> Mount {
    match place.magic() {
        0 => Mount::Unknown,
        PROC_MAGIC | SYSFS_MAGIC | CGROUP_MAGIC | CGROUP2_MAGIC => Mount::ProcSys,
        _ if walk.on_root != 0 => Mount::Image,
        TMPFS_MAGIC | RAMFS_MAGIC => Mount::Tmpfs,
        _ if walk.end == path::TRUNCATED => Mount::Unknown,
        _ => Mount::Volume,
    }
}
