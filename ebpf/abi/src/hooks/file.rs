//! Changes of files, and reads of credentials.
//!
//! Functions of the layer of system calls (`security_path_*`, `vfs_truncate`) see a
//! change once, with its mount; those below (`security_inode_*`, `vfs_unlink`) see
//! it again on the upper layer of an overlay and know no mount. Only attributes have
//! no function above; theirs leave out what a file system does for itself, see
//! `path::mount_in` of the programs.

use super::{ATTEMPTS, Hook, Row, SYSCALL_MISSES, Variant, entry, exit, probe, syscall};
use crate::fields::Field;
use crate::syscalls::Syscall;

const FILE_FIELDS: &[Field] = &[
    Field::FileMode,
    Field::FileFlags,
    Field::QstrLen,
    Field::InodeNlink,
];
const MOUNT_FIELDS: &[Field] = &[Field::SuperMounts, Field::MountLink, Field::TaskRealCred];

/// What tier B cannot know of an open, beside what no tier sees.
const BY_DESCRIPTOR: &str = "io_uring; a descriptor that another thread reuses before the call returns is taken for the new file";
/// What hooks on attributes cannot know.
const ONE_OF_MOUNTS: &str = "reports the attempt: a change that the file system then refuses is reported too; \
     of a file that lies on several of the container's mounts one name is told";

/// do_filp_open(int dfd, struct filename *, const struct open_flags *) up to Linux 6.x;
/// do_file_open(...) from 7.0, with the same arguments.
const OPEN: Variant = exit(
    "file_open",
    &["do_filp_open", "do_file_open"],
    FILE_FIELDS,
    "descriptors opened before the agent, or received by io_uring",
);
/// The same, for reads.
const READ: Variant = Variant {
    misses: "other names of a credential (hard links), and descriptors received from other processes",
    ..OPEN
};
/// do_file_open_root(const struct path *root, const char *, const struct open_flags *) since 5.13,
/// (struct dentry *, struct vfsmount *, ...) before: what open_by_handle_at(2) ends in, and
/// nothing else that processes can ask for.
const HANDLE: Variant = exit(
    "file_handle",
    &["do_file_open_root"],
    &[
        Field::FileMode,
        Field::FileFlags,
        Field::InodeNlink,
        Field::RootedOpenParameters,
    ],
    "",
);
/// security_file_receive(struct file *file), since 2.6.12.
const RECEIVE: Variant = entry(
    "file_receive",
    &["security_file_receive"],
    &[
        Field::FileMode,
        Field::FileFlags,
        Field::InodeNlink,
        Field::SuperFlags,
    ],
    "files passed from one io_uring to another",
);
/// security_path_unlink(const struct path *dir, struct dentry *dentry), since 2.6.29.
const UNLINK: Variant = entry("file_unlink", &["security_path_unlink"], &[], ATTEMPTS);
/// security_path_rmdir(const struct path *dir, struct dentry *dentry), since 2.6.29.
const RMDIR: Variant = entry("file_rmdir", &["security_path_rmdir"], &[], ATTEMPTS);
/// security_path_rename(old_dir, old_dentry, new_dir, new_dentry, flags), since 2.6.29.
const RENAME: Variant = entry("file_rename", &["security_path_rename"], &[], ATTEMPTS);
/// security_path_link(old_dentry, const struct path *new_dir, new_dentry), since 2.6.29.
const LINK: Variant = entry(
    "file_link",
    &["security_path_link"],
    &[Field::InodeNlink],
    ATTEMPTS,
);
/// security_path_symlink(const struct path *dir, dentry, const char *old_name), since 2.6.29.
const SYMLINK: Variant = entry("file_symlink", &["security_path_symlink"], &[], ATTEMPTS);
/// security_path_mkdir(const struct path *dir, dentry, umode_t mode), since 2.6.29.
const MKDIR: Variant = entry("file_mkdir", &["security_path_mkdir"], &[], ATTEMPTS);
/// security_path_mknod(const struct path *dir, dentry, umode_t mode, unsigned int dev), since 2.6.29.
const MKNOD: Variant = entry(
    "file_mknod",
    &["security_path_mknod"],
    &[Field::TaskNameidata],
    ATTEMPTS,
);
/// vfs_truncate(const struct path *path, loff_t length), since 3.9: truncate(2), and no other.
const TRUNCATE: Variant = entry("file_truncate", &["vfs_truncate"], &[], ATTEMPTS);
/// do_truncate([struct mnt_idmap *,] struct dentry *, loff_t, unsigned int, struct file *filp).
const TRUNCATE_OPEN: Variant = entry(
    "file_truncate_open",
    &["do_truncate"],
    &[Field::FileMode, Field::TruncateFile],
    "",
);
/// security_path_chmod(const struct path *path, umode_t mode), since 3.2. Kernels without it
/// have chmod_common, which has the same arguments and is what calls it.
const CHMOD: Variant = entry(
    "file_chmod",
    &["security_path_chmod", "chmod_common"],
    &[],
    ATTEMPTS,
);
/// security_path_chown(const struct path *path, kuid_t uid, kgid_t gid), since 3.2; chown_common
/// as above.
const CHOWN: Variant = entry(
    "file_chown",
    &["security_path_chown", "chown_common"],
    &[],
    ATTEMPTS,
);
/// vfs_setxattr([struct mnt_idmap *,] struct dentry *, const char *name, ...).
const SETXATTR: Variant = entry(
    "file_setxattr",
    &["vfs_setxattr"],
    &[
        Field::SuperMounts,
        Field::MountLink,
        Field::TaskRealCred,
        Field::SetxattrDentry,
    ],
    ONE_OF_MOUNTS,
);
/// vfs_removexattr([struct mnt_idmap *,] struct dentry *, const char *name).
const REMOVEXATTR: Variant = entry(
    "file_removexattr",
    &["vfs_removexattr"],
    &[
        Field::SuperMounts,
        Field::MountLink,
        Field::TaskRealCred,
        Field::RemovexattrDentry,
    ],
    ONE_OF_MOUNTS,
);
/// vfs_set_acl(struct mnt_idmap *, struct dentry *, const char *name, struct posix_acl *), since
/// 6.2. Before, the lists are attributes like others.
const SET_ACL: Variant = entry(
    "file_set_acl",
    &["vfs_set_acl"],
    MOUNT_FIELDS,
    ONE_OF_MOUNTS,
);
/// vfs_remove_acl(struct mnt_idmap *, struct dentry *, const char *name), since 6.2.
const REMOVE_ACL: Variant = entry(
    "file_remove_acl",
    &["vfs_remove_acl"],
    MOUNT_FIELDS,
    ONE_OF_MOUNTS,
);

const OPENS: &[Syscall] = &[
    Syscall::Open,
    Syscall::Creat,
    Syscall::Openat,
    Syscall::Openat2,
];
const READS: &[Syscall] = &[
    Syscall::Open,
    Syscall::Openat,
    Syscall::Openat2,
    Syscall::OpenByHandleAt,
];
const MAKES: &[Syscall] = &[Syscall::Mknod, Syscall::Mknodat];
const SETS: &[Syscall] = &[
    Syscall::Setxattr,
    Syscall::Lsetxattr,
    Syscall::Fsetxattr,
    Syscall::Setxattrat,
];
const REMOVES: &[Syscall] = &[
    Syscall::Removexattr,
    Syscall::Lremovexattr,
    Syscall::Fremovexattr,
    Syscall::Removexattrat,
];

macro_rules! hook {
    ($row:ident: $best:ident, $kprobe:literal, $syscall:expr) => {
        Hook {
            row: Row::$row,
            variants: &[$best, probe($best, $kprobe), $syscall],
        }
    };
    ($row:ident: $best:ident, $kprobe:literal or $old:ident, $old_kprobe:literal, $syscall:expr) => {
        Hook {
            row: Row::$row,
            variants: &[
                $best,
                $old,
                probe($best, $kprobe),
                probe($old, $old_kprobe),
                $syscall,
            ],
        }
    };
}

pub const HOOKS: &[Hook] = &[
    hook!(FileOpen: OPEN, "file_open_kprobe", syscall(
        "sys_open",
        OPENS,
        "io_uring; descriptors opened before the agent; one that another thread reuses before the call returns is \
         taken for the new file",
    )),
    hook!(FileUnlink: UNLINK, "file_unlink_kprobe", syscall(
        "sys_unlink",
        &[Syscall::Unlink, Syscall::Unlinkat],
        SYSCALL_MISSES,
    )),
    hook!(FileRmdir: RMDIR, "file_rmdir_kprobe", syscall(
        "sys_unlink",
        &[Syscall::Rmdir, Syscall::Unlinkat],
        SYSCALL_MISSES,
    )),
    hook!(FileRename: RENAME, "file_rename_kprobe", syscall(
        "sys_rename",
        &[Syscall::Rename, Syscall::Renameat, Syscall::Renameat2],
        SYSCALL_MISSES,
    )),
    hook!(FileRead: READ, "file_open_kprobe", syscall(
        "sys_open",
        READS,
        "io_uring; other names of a credential (hard links), and descriptors received from other processes",
    )),
    hook!(FileHandle: HANDLE, "file_handle_kprobe", syscall(
        "sys_open",
        &[Syscall::OpenByHandleAt],
        BY_DESCRIPTOR,
    )),
    hook!(FileReceive: RECEIVE, "file_receive_kprobe", syscall(
        "sys_open",
        &[Syscall::PidfdGetfd],
        "descriptors that arrive with a message on a socket",
    )),
    hook!(FileLink: LINK, "file_link_kprobe", syscall(
        "sys_link",
        &[Syscall::Link, Syscall::Linkat],
        SYSCALL_MISSES,
    )),
    hook!(FileSymlink: SYMLINK, "file_symlink_kprobe", syscall(
        "sys_symlink",
        &[Syscall::Symlink, Syscall::Symlinkat],
        SYSCALL_MISSES,
    )),
    hook!(FileMkdir: MKDIR, "file_mkdir_kprobe", syscall(
        "sys_make",
        &[Syscall::Mkdir, Syscall::Mkdirat],
        SYSCALL_MISSES,
    )),
    hook!(FileMknod: MKNOD, "file_mknod_kprobe", syscall(
        "sys_make",
        MAKES,
        "io_uring; sockets that bind(2) makes; names are the caller's words, links in them not followed",
    )),
    hook!(FileTruncate: TRUNCATE, "file_truncate_kprobe", syscall(
        "sys_alter",
        &[Syscall::Truncate, Syscall::Truncate64],
        SYSCALL_MISSES,
    )),
    hook!(FileTruncateOpen: TRUNCATE_OPEN, "file_truncate_open_kprobe", syscall(
        "sys_open",
        READS,
        BY_DESCRIPTOR,
    )),
    hook!(FileChmod: CHMOD, "file_chmod_kprobe", syscall(
        "sys_alter",
        &[Syscall::Chmod, Syscall::Fchmod, Syscall::Fchmodat, Syscall::Fchmodat2],
        SYSCALL_MISSES,
    )),
    hook!(FileChown: CHOWN, "file_chown_kprobe", syscall(
        "sys_alter",
        &[
            Syscall::Chown,
            Syscall::Lchown,
            Syscall::Fchown,
            Syscall::Chown32,
            Syscall::Lchown32,
            Syscall::Fchown32,
            Syscall::Fchownat,
        ],
        SYSCALL_MISSES,
    )),
    hook!(FileSetxattr: SETXATTR, "file_setxattr_kprobe", syscall("sys_xattr", SETS, SYSCALL_MISSES)),
    hook!(FileRemovexattr: REMOVEXATTR, "file_removexattr_kprobe", syscall("sys_xattr", REMOVES, SYSCALL_MISSES)),
    hook!(FileSetAcl: SET_ACL, "file_set_acl_kprobe" or SETXATTR, "file_setxattr_kprobe",
        syscall("sys_xattr", SETS, SYSCALL_MISSES)),
    hook!(FileRemoveAcl: REMOVE_ACL, "file_remove_acl_kprobe" or REMOVEXATTR, "file_removexattr_kprobe",
        syscall("sys_xattr", REMOVES, SYSCALL_MISSES)),
];
