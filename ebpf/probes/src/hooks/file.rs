//! File changes by the kernel's own functions: trampolines (tier A1) or kprobes (A2).

use super::function::{function_entry, function_exit};
use crate::emit::{self, Builder, hit, lost};
use crate::kernel::{self, Kptr, Place};
use crate::path::{self, Walk};
use crate::process;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Kind, Loss, Mount, Operation, flags};
use lapwing_abi::state::Process;

/// `FMODE_WRITE`, include/linux/fs.h.
const FMODE_WRITE: u32 = 2;
/// `FMODE_CREATED`, include/linux/fs.h, since Linux 4.19.
const FMODE_CREATED: u32 = 0x10_0000;
/// Pointers above are errors (`IS_ERR`).
const LAST_POINTER: u64 = u64::MAX - 4095;

const PROC_MAGIC: u64 = 0x9fa0;
const SYSFS_MAGIC: u64 = 0x6265_6572;
const CGROUP_MAGIC: u64 = 0x27_e0eb;
const CGROUP2_MAGIC: u64 = 0x6367_7270;
const TMPFS_MAGIC: u64 = 0x0102_1994;
const RAMFS_MAGIC: u64 = 0x8584_58f6;

function_exit! {
    /// struct file *do_filp_open(int dfd, struct filename *pathname, const struct open_flags *op)
    file_open, file_open_kprobe, 3 => opened_by(file)
}

#[inline(always)]
fn opened_by(Kptr(file): Kptr) -> Option<()> {
    if file == 0 || file >= LAST_POINTER {
        return None;
    }
    opened(Kptr(file))
}

/// A file was opened: reports it if it was made by that, or can be written through this descriptor.
#[inline(always)]
pub(super) fn opened(file: Kptr) -> Option<()> {
    let mode: u32 = file.get(Field::FileMode);
    if mode & (FMODE_WRITE | FMODE_CREATED) == 0 {
        return None;
    }
    let (process, known) = process::current()?;
    hit(Row::FileOpen);
    let operation = if mode & FMODE_CREATED == 0 {
        Operation::OpenWrite
    } else {
        Operation::Create
    };
    let place = Place::at(file.at(Field::FilePath));
    changed(&process, known, operation, place, None)
}

function_entry! {
    /// int security_path_unlink(const struct path *dir, struct dentry *dentry)
    file_unlink, file_unlink_kprobe => removed(Row::FileUnlink; dir 0, dentry 1)
}

function_entry! {
    /// int security_path_rmdir(const struct path *dir, struct dentry *dentry)
    file_rmdir, file_rmdir_kprobe => removed(Row::FileRmdir; dir 0, dentry 1)
}

#[inline(always)]
fn removed(row: Row, dir: Kptr, dentry: Kptr) -> Option<()> {
    let (process, known) = process::current()?;
    hit(row);
    let place = Place {
        mnt: dir.follow(Field::PathMnt),
        dentry,
    };
    changed(&process, known, Operation::Delete, place, None)
}

function_entry! {
    /// int security_path_rename(const struct path *old_dir, struct dentry *old_dentry,
    ///                          const struct path *new_dir, struct dentry *new_dentry, unsigned int flags)
    file_rename, file_rename_kprobe => renamed(Row::FileRename; old_dir 0, old 1, new_dir 2, new 3)
}

#[inline(always)]
fn renamed(row: Row, old_dir: Kptr, old: Kptr, new_dir: Kptr, new: Kptr) -> Option<()> {
    let (process, known) = process::current()?;
    hit(row);
    let from = Place {
        mnt: old_dir.follow(Field::PathMnt),
        dentry: old,
    };
    let to = Place {
        mnt: new_dir.follow(Field::PathMnt),
        dentry: new,
    };
    changed(&process, known, Operation::Rename, from, Some(to))
}

#[inline(always)]
fn changed(
    process: &Process,
    known: bool,
    operation: Operation,
    place: Place,
    target: Option<Place>,
) -> Option<()> {
    let Some(mut builder) = Builder::new() else {
        lost(Loss::ScratchTaken);
        return None;
    };
    let root = kernel::root_of(kernel::current_task());
    let mut bits = if known { 0 } else { flags::PROCESS_UNKNOWN };
    let walk = path::append(&mut builder, place, root);
    bits |= walk.end;
    builder.end_section();
    builder.end_section();
    if let Some(target) = target {
        bits |= path::for_target(path::append(&mut builder, target, root).end);
    }
    builder.end_section();
    let mut header = emit::header(Kind::File, process, bits);
    header.operation = operation.raw();
    header.mount = mount(place, walk).raw();
    builder.send(&header);
    Some(())
}

/// What kind of mount a place lies on.
#[inline(always)]
fn mount(place: Place, walk: Walk) -> Mount {
    match place.magic() {
        0 => Mount::Unknown,
        PROC_MAGIC | SYSFS_MAGIC | CGROUP_MAGIC | CGROUP2_MAGIC => Mount::ProcSys,
        _ if walk.on_root != 0 => Mount::Image,
        TMPFS_MAGIC | RAMFS_MAGIC => Mount::Tmpfs,
        _ if walk.end == path::TRUNCATED => Mount::Unknown,
        _ => Mount::Volume,
    }
}
