//! Names that come, go and change: entries of directories.

use super::{Change, alone, and, in_folder, report, send};
use crate::emit::{Builder, hit};
use crate::hooks::function::function_entry;
use crate::kernel::{self, Kptr, Place};
use crate::process;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Operation, flags};
use lapwing_abi::record::NAME_MAX;

/// `RENAME_EXCHANGE`, include/uapi/linux/fs.h.
pub(in crate::hooks) const EXCHANGE: u32 = 2;
/// `S_IFMT`, include/uapi/linux/stat.h: the type of a file.
const TYPE: u64 = 0o170_000;
/// `S_IFREG`.
const REGULAR: u64 = 0o100_000;

function_entry! {
    /// int security_path_unlink(const struct path *dir, struct dentry *dentry)
    file_unlink, file_unlink_kprobe => removed(Row::FileUnlink; dir 0, dentry 1)
}

function_entry! {
    /// int security_path_rmdir(const struct path *dir, struct dentry *dentry)
    file_rmdir, file_rmdir_kprobe => removed(Row::FileRmdir; dir 0, dentry 1)
}

function_entry! {
    /// int security_path_rename(const struct path *old_dir, struct dentry *old_dentry,
    ///                          const struct path *new_dir, struct dentry *new_dentry, unsigned int flags)
    file_rename, file_rename_kprobe => renamed(; old_dir 0, old 1, new_dir 2, new 3, flags 4)
}

function_entry! {
    /// int security_path_link(struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry)
    file_link, file_link_kprobe => linked(; old 0, dir 1, new 2)
}

function_entry! {
    /// int security_path_symlink(const struct path *dir, struct dentry *dentry, const char *old_name)
    file_symlink, file_symlink_kprobe => symlinked(; dir 0, dentry 1, text 2)
}

function_entry! {
    /// int security_path_mkdir(const struct path *dir, struct dentry *dentry, umode_t mode)
    file_mkdir, file_mkdir_kprobe => folder_made(; dir 0, dentry 1)
}

function_entry! {
    /// int security_path_mknod(const struct path *dir, struct dentry *dentry, umode_t mode, unsigned int dev)
    file_mknod, file_mknod_kprobe => made(; dir 0, dentry 1, mode 2, device 3)
}

#[inline(always)]
fn removed(row: Row, dir: Kptr, dentry: Kptr) -> Option<()> {
    report(
        row,
        Change::new(Operation::Delete),
        in_folder(dir, dentry),
        alone,
    )
}

#[inline(always)]
fn renamed(old_dir: Kptr, old: Kptr, new_dir: Kptr, new: Kptr, how: Kptr) -> Option<()> {
    let (process, known) = process::current()?;
    hit(Row::FileRename);
    let how = how.0 as u32;
    let change = Change::with(Operation::Rename, u64::from(how));
    let mut from = in_folder(old_dir, old);
    let mut to = in_folder(new_dir, new);
    for _ in 0..2 {
        send(Row::FileRename, (&process, known), change, from, and(to))?;
        if how & EXCHANGE == 0 {
            break;
        }
        // The other file is renamed too.
        (from, to) = (to, from);
    }
    Some(())
}

/// Links do not cross mounts, so both names have one.
#[inline(always)]
fn linked(old: Kptr, dir: Kptr, new: Kptr) -> Option<()> {
    let from = in_folder(dir, old);
    let to = in_folder(dir, new);
    if super::open::is_unlinked(from) {
        // It had no name (O_TMPFILE): with its first one it is a file like others.
        return report(Row::FileLink, Change::new(Operation::Create), to, alone);
    }
    report(Row::FileLink, Change::new(Operation::Link), from, and(to))
}

#[inline(always)]
fn symlinked(dir: Kptr, dentry: Kptr, text: Kptr) -> Option<()> {
    let change = Change::new(Operation::Symlink);
    report(
        Row::FileSymlink,
        change,
        in_folder(dir, dentry),
        |builder, _| second_text(builder, text, NAME_MAX as u32),
    )
}

/// Writes a text of the kernel as the second name.
#[inline(always)]
pub(super) fn second_text(builder: &mut Builder, text: Kptr, max: u32) -> u32 {
    builder.end_section();
    let read = builder.append(|at| {
        // SAFETY: `max` is at most READ_MAX; the helper checks the address.
        let read = unsafe { bpf_probe_read_kernel_str(at.cast(), max, text.0 as *const _) };
        // Without the NUL that ends it.
        read - 1
    });
    builder.end_section();
    if read >= i64::from(max) - 1 {
        flags::TARGET_TRUNCATED
    } else {
        0
    }
}

#[inline(always)]
fn folder_made(dir: Kptr, dentry: Kptr) -> Option<()> {
    report(
        Row::FileMkdir,
        Change::new(Operation::Mkdir),
        in_folder(dir, dentry),
        alone,
    )
}

/// The kernel asks the same question before an open makes a file, which is reported when it has:
/// then, and only then, the task is looking a path up.
#[inline(always)]
fn made(dir: Kptr, dentry: Kptr, mode: Kptr, device: Kptr) -> Option<()> {
    let task = kernel::current_task();
    if mode.0 & TYPE == REGULAR && !task.follow(Field::TaskNameidata).is_null() {
        return None;
    }
    let place: Place = in_folder(dir, dentry);
    report(
        Row::FileMknod,
        file_of_mknod(mode.0, device.0),
        place,
        alone,
    )
}

/// What mknod(2) makes: a regular file is made as if by opening it.
#[inline(always)]
pub(in crate::hooks) fn file_of_mknod(mode: u64, device: u64) -> Change {
    let kind = mode & TYPE;
    if kind == REGULAR || kind == 0 {
        Change::new(Operation::Create)
    } else {
        Change::with(Operation::Mknod, type_and_device(kind, device))
    }
}

/// The argument of [`Operation::Mknod`]; only devices have a number.
#[inline(always)]
fn type_and_device(kind: u64, device: u64) -> u64 {
    const CHARACTER: u64 = 0o020_000;
    const BLOCK: u64 = 0o060_000;
    if kind == CHARACTER || kind == BLOCK {
        device << 32 | kind
    } else {
        kind
    }
}
