//! Length, mode, owner and extended attributes of files.
//!
//! Functions on extended attributes are told no mount, and an overlay calls them
//! again for its upper layer. The mount is looked for among those of the container;
//! what lies on none of them and is done by the kernel on its own account
//! (`override_creds`) is the overlay's.

use super::names::second_text;
use super::{Change, MODE_BITS, alone, report};
use crate::hooks::function::function_entry;
use crate::kernel::{self, Kptr, Place};
use crate::path;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::Operation;

/// `XATTR_NAME_MAX`, include/uapi/linux/limits.h, and a NUL.
const ATTRIBUTE_MAX: u32 = 256;
/// What the names of access control lists begin with: `system.posix_acl_access` and `_default`.
const ACL: [u8; 16] = *b"system.posix_acl";
/// The argument of [`Operation::Setxattr`] for a removal.
pub(in crate::hooks) const REMOVED: u64 = 1;

function_entry! {
    /// long vfs_truncate(const struct path *path, loff_t length)
    file_truncate, file_truncate_kprobe => truncated(; path 0)
}

function_entry! {
    /// int security_path_chmod(const struct path *path, umode_t mode)
    file_chmod, file_chmod_kprobe => mode_changed(; path 0, mode 1)
}

function_entry! {
    /// int security_path_chown(const struct path *path, kuid_t uid, kgid_t gid)
    file_chown, file_chown_kprobe => owner_changed(; path 0)
}

function_entry! {
    /// int vfs_setxattr([struct mnt_idmap *idmap,] struct dentry *dentry, const char *name, const void *value,
    ///                  size_t size, int flags)
    file_setxattr, file_setxattr_kprobe =>
        set(Row::FileSetxattr, Row::FileSetAcl, 0; dentry (Field::SetxattrDentry, 0),
            name (Field::SetxattrDentry, 1))
}

function_entry! {
    /// int vfs_removexattr([struct mnt_idmap *idmap,] struct dentry *dentry, const char *name)
    file_removexattr, file_removexattr_kprobe =>
        set(Row::FileRemovexattr, Row::FileRemoveAcl, REMOVED; dentry (Field::RemovexattrDentry, 0),
            name (Field::RemovexattrDentry, 1))
}

function_entry! {
    /// int vfs_set_acl(struct mnt_idmap *idmap, struct dentry *dentry, const char *acl_name, struct posix_acl *kacl)
    file_set_acl, file_set_acl_kprobe => set(Row::FileSetAcl, Row::FileSetAcl, 0; dentry 1, name 2)
}

function_entry! {
    /// int vfs_remove_acl(struct mnt_idmap *idmap, struct dentry *dentry, const char *acl_name)
    file_remove_acl, file_remove_acl_kprobe =>
        set(Row::FileRemoveAcl, Row::FileRemoveAcl, REMOVED; dentry 1, name 2)
}

#[inline(always)]
fn truncated(path: Kptr) -> Option<()> {
    report(
        Row::FileTruncate,
        Change::new(Operation::Truncate),
        Place::at(path),
        alone,
    )
}

#[inline(always)]
fn mode_changed(path: Kptr, mode: Kptr) -> Option<()> {
    let change = Change::with(Operation::Chmod, mode.0 & MODE_BITS);
    report(Row::FileChmod, change, Place::at(path), alone)
}

#[inline(always)]
fn owner_changed(path: Kptr) -> Option<()> {
    report(
        Row::FileChown,
        Change::new(Operation::Chown),
        Place::at(path),
        alone,
    )
}

#[inline(always)]
fn set(row: Row, acl_row: Row, argument: u64, dentry: Kptr, name: Kptr) -> Option<()> {
    let task = kernel::current_task();
    let mnt = path::mount_in(dentry, kernel::root_of(task));
    let is_internal = task.follow(Field::TaskCred) != task.follow(Field::TaskRealCred);
    if mnt.is_null() && is_internal {
        return None;
    }
    // Kernels before 6.2 take lists for attributes like others.
    let row = if is_acl(name) { acl_row } else { row };
    let change = Change::with(Operation::Setxattr, argument);
    report(row, change, Place { mnt, dentry }, |builder, _| {
        second_text(builder, name, ATTRIBUTE_MAX)
    })
}

/// Whether it is the name of an access control list.
#[inline(always)]
pub(in crate::hooks) fn is_acl_start(head: u64, tail: u64) -> bool {
    let [a, b, c, d, e, f, g, h, rest @ ..] = ACL;
    head == u64::from_ne_bytes([a, b, c, d, e, f, g, h]) && tail == u64::from_ne_bytes(rest)
}

#[inline(always)]
fn is_acl(name: Kptr) -> bool {
    is_acl_start(name.read(), name.plus(8).read())
}
