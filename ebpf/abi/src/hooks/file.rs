//! Changes of files.

use super::{ATTEMPTS, Hook, Row, SYSCALL_MISSES, Variant, entry, exit, probe, syscall};
use crate::fields::Field;
use crate::syscalls::Syscall;

const FILE_FIELDS: &[Field] = &[Field::FileMode];

/// do_filp_open(int dfd, struct filename *, const struct open_flags *) up to Linux 6.x;
/// do_file_open(...) from 7.0, with the same arguments.
const OPEN: Variant = exit(
    "file_open",
    &["do_filp_open", "do_file_open"],
    FILE_FIELDS,
    "open_by_handle_at; truncation by an open for reading; descriptors opened before the agent or received over a \
     socket",
);
/// security_path_unlink(const struct path *dir, struct dentry *dentry), since 2.6.29.
const UNLINK: Variant = entry("file_unlink", &["security_path_unlink"], &[], ATTEMPTS);
/// security_path_rmdir(const struct path *dir, struct dentry *dentry), since 2.6.29.
const RMDIR: Variant = entry("file_rmdir", &["security_path_rmdir"], &[], ATTEMPTS);
/// security_path_rename(old_dir, old_dentry, new_dir, new_dentry, flags), since 2.6.29.
const RENAME: Variant = entry("file_rename", &["security_path_rename"], &[], ATTEMPTS);

pub const HOOKS: &[Hook] = &[
    Hook {
        row: Row::FileOpen,
        variants: &[
            OPEN,
            probe(OPEN, "file_open_kprobe"),
            syscall(
                "sys_open",
                &[
                    Syscall::Open,
                    Syscall::Creat,
                    Syscall::Openat,
                    Syscall::Openat2,
                    Syscall::OpenByHandleAt,
                ],
                "io_uring; truncation by an open for reading; descriptors opened before the agent or received over a \
                 socket; one that another thread reuses before the call returns is taken for the new file",
            ),
        ],
    },
    Hook {
        row: Row::FileUnlink,
        variants: &[
            UNLINK,
            probe(UNLINK, "file_unlink_kprobe"),
            syscall(
                "sys_unlink",
                &[Syscall::Unlink, Syscall::Unlinkat],
                SYSCALL_MISSES,
            ),
        ],
    },
    Hook {
        row: Row::FileRmdir,
        variants: &[
            RMDIR,
            probe(RMDIR, "file_rmdir_kprobe"),
            syscall(
                "sys_unlink",
                &[Syscall::Rmdir, Syscall::Unlinkat],
                SYSCALL_MISSES,
            ),
        ],
    },
    Hook {
        row: Row::FileRename,
        variants: &[
            RENAME,
            probe(RENAME, "file_rename_kprobe"),
            syscall(
                "sys_rename",
                &[Syscall::Rename, Syscall::Renameat, Syscall::Renameat2],
                SYSCALL_MISSES,
            ),
        ],
    },
];
