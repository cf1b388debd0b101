//! What needs a privilege, or gives one.

use super::{Attach, Hook, Row, SYSCALL_FIELDS, Tier, Variant, entry, probe, raw, syscall};
use crate::fields::Field;
use crate::syscalls::Syscall;

/// What every hook misses that fires before an act.
const ATTEMPTS: &str = "reports the attempt: one that is then refused is reported too";
/// What every hook misses that fires when a call has succeeded.
const SUCCESSES: &str = "calls that fail";

/// Fields to compare a task's namespaces before and after.
const NAMESPACES: &[Field] = &[
    Field::TaskNsproxy,
    Field::NsproxyUts,
    Field::NsproxyIpc,
    Field::NsproxyMount,
    Field::NsproxyPid,
    Field::NsproxyNet,
    Field::NsproxyTime,
    Field::NsproxyCgroup,
    Field::CredUserNs,
];
/// Fields to tell where a mapped file comes from.
const MAPPED: &[Field] = &[
    Field::TaskMm,
    Field::MmExeFile,
    Field::FileMode,
    Field::InodeNlink,
    Field::InodeSize,
];

/// security_ptrace_access_check(struct task_struct *child, unsigned int mode), since 2.6.27;
/// the kernel asks it when nothing else forbids the access.
const PTRACE: Variant = entry(
    "privilege_ptrace",
    &["security_ptrace_access_check"],
    &[],
    "attempts that users or capabilities forbid",
);
/// security_ptrace_traceme(struct task_struct *parent), since 2.6.27.
const TRACEME: Variant = entry(
    "privilege_traceme",
    &["security_ptrace_traceme"],
    &[],
    ATTEMPTS,
);
/// process_vm_rw(pid_t pid, const struct iovec *lvec, unsigned long liovcnt, const struct iovec *rvec,
/// unsigned long riovcnt, unsigned long flags, int vm_write), since 3.2. Trampolines take seven
/// arguments since Linux 6.6 on x86_64.
const PROCESS_VM_WRITE: Variant = entry(
    "privilege_process_vm_write",
    &["process_vm_rw"],
    &[],
    ATTEMPTS,
);
const PROCESS_VM_WRITE_PROBE: Variant = Variant {
    needs: &[Field::RegsSp],
    ..probe(PROCESS_VM_WRITE, "privilege_process_vm_write_kprobe")
};
/// security_sb_mount(const char *dev_name, const struct path *path, const char *type,
/// unsigned long flags, void *data), since 4.8.
const MOUNT: Variant = entry("privilege_mount", &["security_sb_mount"], &[], ATTEMPTS);
/// security_move_mount(const struct path *from_path, const struct path *to_path), since 5.2.
const MOVE_MOUNT: Variant = entry(
    "privilege_move_mount",
    &["security_move_mount"],
    &[Field::SuperType, Field::FileSystemName],
    "a file system that is mounted and never put into place (fsmount alone); mount_setattr; reports the attempt: one that is then refused is reported too",
);
/// path_umount(struct path *path, int flags), since 5.9. Trampolines are refused for
/// security_sb_umount: of its argument's type the kernel's BTF knows no more than the name.
const UMOUNT: Variant = entry("privilege_umount", &["path_umount"], &[], ATTEMPTS);
/// security_sb_pivotroot(const struct path *old_path, const struct path *new_path), since 4.8.
const PIVOT_ROOT: Variant = entry(
    "privilege_pivot_root",
    &["security_sb_pivotroot"],
    &[],
    ATTEMPTS,
);
/// switch_task_namespaces(struct task_struct *p, struct nsproxy *new), since 2.6.24: setns(2) by
/// namespace or by process, and unshare(2), when nothing can fail any more.
const SETNS: Variant = entry(
    "privilege_setns",
    &["switch_task_namespaces"],
    NAMESPACES,
    "calls that fail, or that change nothing",
);
/// userns_install(struct nsset *nsset, struct ns_common *ns), since 5.8.
const SETNS_USER: Variant = entry("privilege_setns_user", &["userns_install"], &[], ATTEMPTS);
/// unshare_nsproxy_namespaces(unsigned long unshare_flags, struct nsproxy **new_nsp,
/// struct cred *new_cred, struct fs_struct *new_fs), since 3.8.
const UNSHARE: Variant = entry(
    "privilege_unshare",
    &["unshare_nsproxy_namespaces"],
    &[],
    ATTEMPTS,
);
/// security_path_chroot(const struct path *path), since 2.6.34.
const CHROOT: Variant = entry("privilege_chroot", &["security_path_chroot"], &[], ATTEMPTS);
/// security_bpf(int cmd, union bpf_attr *attr, unsigned int size), since 4.15; a fourth argument
/// since 6.15.
const BPF: Variant = entry("privilege_bpf", &["security_bpf"], &[], ATTEMPTS);
/// security_mmap_file(struct file *file, unsigned long prot, unsigned long flags), since 3.5.
const MMAP: Variant = entry("privilege_mmap", &["security_mmap_file"], MAPPED, ATTEMPTS);
/// security_file_mprotect(struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot),
/// since 2.6.13.
const MPROTECT: Variant = entry(
    "privilege_mprotect",
    &["security_file_mprotect"],
    &[
        Field::TaskMm,
        Field::MmExeFile,
        Field::FileMode,
        Field::InodeNlink,
        Field::InodeSize,
        Field::VmaFile,
    ],
    ATTEMPTS,
);
/// security_capable(const struct cred *cred, struct user_namespace *ns, int cap, unsigned int opts),
/// since 5.1; without CONFIG_SECURITY the kernel asks cap_capable(...) with the same arguments.
const CAPABILITY: Variant = entry(
    "privilege_capability",
    &["security_capable", "cap_capable"],
    &[Field::TaskRealCred, Field::CredUserNs],
    "uses that the kernel does not audit; powers over namespaces that the container made itself; work that io_uring \
     does under other credentials",
);

const fn traced(
    program: &'static str,
    tracepoint: &'static str,
    needs: &'static [Field],
) -> Variant {
    Variant {
        misses: SUCCESSES,
        ..raw(program, tracepoint, needs)
    }
}

/// At the exit of setns(2), which needs to know what it led to.
const SETNS_EXIT: Variant = Variant {
    tier: Tier::B,
    program: "sys_setns",
    attach: Attach::SyscallExit(&[Syscall::Setns]),
    needs: SETNS_FIELDS,
    misses: SUCCESSES,
};
/// [`SYSCALL_FIELDS`], and those by which a namespace is told.
const SETNS_FIELDS: &[Field] = &join::<{ SYSCALL_FIELDS.len() + 3 }>(
    SYSCALL_FIELDS,
    &[Field::TaskNsproxy, Field::NsproxyMount, Field::InodePrivate],
);
/// [`SYSCALL_FIELDS`], and those by which a mapped file is told.
const MMAP_FIELDS: &[Field] =
    &join::<{ SYSCALL_FIELDS.len() + MAPPED.len() }>(SYSCALL_FIELDS, MAPPED);
/// [`SYSCALL_FIELDS`], and those by which a file system's type is told.
const MOVE_MOUNT_FIELDS: &[Field] = &join::<{ SYSCALL_FIELDS.len() + 2 }>(
    SYSCALL_FIELDS,
    &[Field::SuperType, Field::FileSystemName],
);

/// Two lists of fields in one.
const fn join<const N: usize>(first: &[Field], second: &[Field]) -> [Field; N] {
    assert!(first.len() + second.len() == N);
    let mut all = [Field::TaskTgid; N];
    let mut index = 0;
    while index < N {
        all[index] = if index < first.len() {
            first[index]
        } else {
            second[index - first.len()]
        };
        index += 1;
    }
    all
}

pub const HOOKS: &[Hook] = &[
    Hook {
        row: Row::PrivilegePtrace,
        variants: &[
            PTRACE,
            probe(PTRACE, "privilege_ptrace_kprobe"),
            syscall(
                "sys_ptrace",
                &[Syscall::Ptrace],
                "calls that fail; control that is taken otherwise than by ptrace(2) (pidfd_getfd, files of /proc)",
            ),
        ],
    },
    Hook {
        row: Row::PrivilegeTraceme,
        variants: &[
            TRACEME,
            probe(TRACEME, "privilege_traceme_kprobe"),
            syscall("sys_ptrace", &[Syscall::Ptrace], SUCCESSES),
        ],
    },
    Hook {
        row: Row::PrivilegeProcessVmWrite,
        variants: &[
            PROCESS_VM_WRITE,
            PROCESS_VM_WRITE_PROBE,
            syscall(
                "sys_process_vm_writev",
                &[Syscall::ProcessVmWritev],
                SUCCESSES,
            ),
        ],
    },
    Hook {
        row: Row::PrivilegeMount,
        variants: &[
            MOUNT,
            probe(MOUNT, "privilege_mount_kprobe"),
            syscall(
                "sys_mount",
                &[Syscall::Mount],
                "calls that fail; names are the caller's words, links in them not followed",
            ),
        ],
    },
    Hook {
        row: Row::PrivilegeMoveMount,
        variants: &[
            MOVE_MOUNT,
            probe(MOVE_MOUNT, "privilege_move_mount_kprobe"),
            Variant {
                needs: MOVE_MOUNT_FIELDS,
                ..syscall(
                    "sys_move_mount",
                    &[Syscall::MoveMount],
                    "calls that fail; a file system that is mounted and never put into place (fsmount alone); \
                     mount_setattr; names are the caller's words, links in them not followed",
                )
            },
        ],
    },
    Hook {
        row: Row::PrivilegeUmount,
        variants: &[
            UMOUNT,
            probe(UMOUNT, "privilege_umount_kprobe"),
            syscall(
                "sys_umount",
                &[Syscall::Umount2, Syscall::Umount],
                "calls that fail; names are the caller's words, links in them not followed",
            ),
        ],
    },
    Hook {
        row: Row::PrivilegePivotRoot,
        variants: &[
            PIVOT_ROOT,
            probe(PIVOT_ROOT, "privilege_pivot_root_kprobe"),
            syscall(
                "sys_pivot_root",
                &[Syscall::PivotRoot],
                "calls that fail; names are the caller's words, below the new root if they are relative",
            ),
        ],
    },
    Hook {
        row: Row::PrivilegeSetns,
        variants: &[SETNS, probe(SETNS, "privilege_setns_kprobe"), SETNS_EXIT],
    },
    Hook {
        row: Row::PrivilegeSetnsUser,
        variants: &[
            SETNS_USER,
            probe(SETNS_USER, "privilege_setns_user_kprobe"),
            SETNS_EXIT,
        ],
    },
    Hook {
        row: Row::PrivilegeUnshare,
        variants: &[
            UNSHARE,
            probe(UNSHARE, "privilege_unshare_kprobe"),
            syscall("sys_unshare", &[Syscall::Unshare], SUCCESSES),
        ],
    },
    Hook {
        row: Row::PrivilegeClone,
        variants: &[traced("process_fork", "sched_process_fork", NAMESPACES)],
    },
    Hook {
        row: Row::PrivilegeChroot,
        variants: &[
            CHROOT,
            probe(CHROOT, "privilege_chroot_kprobe"),
            syscall("sys_chroot", &[Syscall::Chroot], SUCCESSES),
        ],
    },
    Hook {
        row: Row::PrivilegeModule,
        variants: &[traced(
            "privilege_module",
            "module_load",
            &[Field::ModuleName],
        )],
    },
    Hook {
        row: Row::PrivilegeBpf,
        variants: &[
            BPF,
            probe(BPF, "privilege_bpf_kprobe"),
            syscall("sys_bpf", &[Syscall::Bpf], SUCCESSES),
        ],
    },
    Hook {
        row: Row::PrivilegeIoUring,
        variants: &[traced("privilege_io_uring", "io_uring_create", &[])],
    },
    Hook {
        row: Row::PrivilegeMmap,
        variants: &[
            MMAP,
            probe(MMAP, "privilege_mmap_kprobe"),
            Variant {
                needs: MMAP_FIELDS,
                ..syscall(
                    "sys_mmap",
                    &[Syscall::Mmap, Syscall::OldMmap],
                    "calls that fail; the loader of a program that is executed; a descriptor that another thread \
                     reuses before the call returns is taken for the mapped file",
                )
            },
        ],
    },
    // The exit of mprotect(2) does not tell which file is mapped there.
    Hook {
        row: Row::PrivilegeMprotect,
        variants: &[MPROTECT, probe(MPROTECT, "privilege_mprotect_kprobe")],
    },
    // No system call tells which capability it used.
    Hook {
        row: Row::PrivilegeCapability,
        variants: &[CAPABILITY, probe(CAPABILITY, "privilege_capability_kprobe")],
    },
];
