//! The one table of hooks.
//!
//! A [`Row`] is one thing the sensor sees; each row has one or more variants,
//! best first, and the agent takes the first that loads and attaches on the
//! running kernel. Loader, counters, status, `lapwing doctor` and the tests
//! derive from this table.

use crate::fields::Field;

macro_rules! rows {
    ($($(#[$meta:meta])* $name:ident = $id:literal,)+) => {
        /// One thing the sensor sees.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Row { $($(#[$meta])* $name,)+ }

        impl Row {
            /// Every row, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name in configuration, metrics and output.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }
        }
    };
}

rows! {
    /// A program is executed.
    ProcessExec = "process.exec",
    /// A process is forked.
    ProcessFork = "process.fork",
    /// A process ends.
    ProcessExit = "process.exit",
    /// A file is opened so that it can be written, or made by opening it.
    FileOpen = "file.open",
    /// A file is removed.
    FileUnlink = "file.unlink",
    /// A directory is removed.
    FileRmdir = "file.rmdir",
    /// A file or directory is renamed.
    FileRename = "file.rename",
    /// An IPv4 peer is connected to.
    EgressConnect4 = "egress.connect4",
    /// An IPv6 peer is connected to.
    EgressConnect6 = "egress.connect6",
    /// A datagram is sent to an IPv4 peer.
    EgressSendmsg4 = "egress.sendmsg4",
    /// A datagram is sent to an IPv6 peer.
    EgressSendmsg6 = "egress.sendmsg6",
    /// A cgroup is made.
    CgroupCreate = "cgroup.create",
    /// A cgroup is removed.
    CgroupRemove = "cgroup.remove",
    /// A process moves to a cgroup.
    CgroupAttach = "cgroup.attach",
}

/// How good a variant is: what it needs and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// The same on every kernel that can run the sensor: raw tracepoints of the
    /// scheduler and of cgroups, and cgroup socket programs.
    Base,
    /// Trampolines (fentry, fexit): x86_64 since Linux 5.5, arm64 since 6.4.
    A1,
    /// Raw tracepoint on the exit of every system call.
    B,
}

impl Tier {
    /// The name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::A1 => "A1",
            Self::B => "B",
        }
    }
}

/// What a program is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attach {
    /// A raw tracepoint.
    RawTracepoint(&'static str),
    /// The entry of the first of these functions that the kernel has.
    Fentry(&'static [&'static str]),
    /// The exit of the first of these functions that the kernel has.
    Fexit(&'static [&'static str]),
    /// Socket addresses of a cgroup v2 subtree.
    CgroupSockAddr,
}

/// One way to fill a row.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The tier it belongs to.
    pub tier: Tier,
    /// Name of the program in the object. Rows may share a program: it is loaded once.
    pub program: &'static str,
    /// What it is attached to.
    pub attach: Attach,
    /// Fields without which it cannot work, besides [`BASE_FIELDS`].
    pub needs: &'static [Field],
    /// What it does not see, in words for people; empty when nothing is known to be missed.
    pub misses: &'static str,
}

/// A row and its variants, best first.
#[derive(Clone, Copy, Debug)]
pub struct Hook {
    /// The row.
    pub row: Row,
    /// Ways to fill it, best first.
    pub variants: &'static [Variant],
}

/// Fields that every program needs: to know whose process acts, and to name a file.
pub const BASE_FIELDS: &[Field] = &[
    Field::TaskTgid,
    Field::TaskGroupLeader,
    Field::TaskRealParent,
    Field::TaskSignal,
    Field::SignalLive,
    Field::TaskFs,
    Field::TaskFiles,
    Field::TaskCgroups,
    Field::TaskThreadPid,
    Field::TaskStart,
    Field::PidLevel,
    Field::PidNumbers,
    Field::UpidSize,
    Field::UpidNr,
    Field::FilesFdt,
    Field::FdtableFd,
    Field::FdtableMax,
    Field::FilePath,
    Field::FsRoot,
    Field::PathMnt,
    Field::PathDentry,
    Field::DentryParent,
    Field::DentryName,
    Field::DentryInode,
    Field::DentrySb,
    Field::QstrName,
    Field::SuperMagic,
    Field::MountMnt,
    Field::MountParent,
    Field::MountPoint,
    Field::MountNamespace,
    Field::VfsmountRoot,
    Field::CssSetSubsys,
    Field::CssSetDefault,
    Field::CssCgroup,
    Field::CgroupKn,
    Field::CgroupRoot,
    Field::CgroupRootHierarchy,
    Field::KernfsId,
];

const FILE_FIELDS: &[Field] = &[Field::FileMode];
const SYSCALL_FIELDS: &[Field] = &[
    Field::TaskThreadInfo,
    Field::ThreadInfoFlags,
    Field::RegsSyscall,
    Field::RegsArg0,
    Field::FileMode,
    Field::FsPwd,
];
const ATTEMPTS: &str =
    "reports the attempt: a change that the file system then refuses is reported too";
const SYSCALL_MISSES: &str = "io_uring; 32-bit callers, which are counted as losses; names are the caller's words, links in them not followed";

const fn raw(program: &'static str, tracepoint: &'static str, needs: &'static [Field]) -> Variant {
    Variant {
        tier: Tier::Base,
        program,
        attach: Attach::RawTracepoint(tracepoint),
        needs,
        misses: "",
    }
}

const fn sock(program: &'static str) -> Variant {
    Variant {
        tier: Tier::Base,
        program,
        attach: Attach::CgroupSockAddr,
        needs: &[],
        misses: "raw and packet sockets; sockets that were connected elsewhere and handed over",
    }
}

const fn syscall(misses: &'static str) -> Variant {
    Variant {
        tier: Tier::B,
        program: "sys_exit",
        attach: Attach::RawTracepoint("sys_exit"),
        needs: SYSCALL_FIELDS,
        misses,
    }
}

const fn entry(program: &'static str, functions: &'static [&'static str]) -> Variant {
    Variant {
        tier: Tier::A1,
        program,
        attach: Attach::Fentry(functions),
        needs: &[],
        misses: ATTEMPTS,
    }
}

/// The table.
pub const HOOKS: &[Hook] = &[
    Hook {
        row: Row::ProcessExec,
        variants: &[raw(
            "process_exec",
            "sched_process_exec",
            &[
                Field::TaskMm,
                Field::FsPwd,
                Field::InodeNlink,
                Field::InodeSize,
                Field::MmExeFile,
                Field::MmArgStart,
                Field::MmArgEnd,
                Field::BprmFilename,
                Field::BprmInterp,
            ],
        )],
    },
    Hook {
        row: Row::ProcessFork,
        variants: &[raw("process_fork", "sched_process_fork", &[])],
    },
    Hook {
        row: Row::ProcessExit,
        variants: &[raw("process_exit", "sched_process_exit", &[])],
    },
    Hook {
        row: Row::FileOpen,
        variants: &[
            Variant {
                tier: Tier::A1,
                program: "file_open",
                // do_filp_open(int dfd, struct filename *, const struct open_flags *) up to
                // Linux 6.x; do_file_open(...) from 7.0, with the same arguments.
                attach: Attach::Fexit(&["do_filp_open", "do_file_open"]),
                needs: FILE_FIELDS,
                misses: "open_by_handle_at; truncation by an open for reading; descriptors opened before the agent or \
                         received over a socket",
            },
            syscall(
                "io_uring; truncation by an open for reading; descriptors opened before the agent or received over a \
                 socket; one that another thread reuses before the call returns is taken for the new file",
            ),
        ],
    },
    Hook {
        row: Row::FileUnlink,
        // security_path_unlink(const struct path *dir, struct dentry *dentry), since 2.6.29.
        variants: &[
            entry("file_unlink", &["security_path_unlink"]),
            syscall(SYSCALL_MISSES),
        ],
    },
    Hook {
        row: Row::FileRmdir,
        // security_path_rmdir(const struct path *dir, struct dentry *dentry), since 2.6.29.
        variants: &[
            entry("file_rmdir", &["security_path_rmdir"]),
            syscall(SYSCALL_MISSES),
        ],
    },
    Hook {
        row: Row::FileRename,
        // security_path_rename(old_dir, old_dentry, new_dir, new_dentry, flags), since 2.6.29.
        variants: &[
            entry("file_rename", &["security_path_rename"]),
            syscall(SYSCALL_MISSES),
        ],
    },
    Hook {
        row: Row::EgressConnect4,
        variants: &[sock("egress_connect4")],
    },
    Hook {
        row: Row::EgressConnect6,
        variants: &[sock("egress_connect6")],
    },
    Hook {
        row: Row::EgressSendmsg4,
        variants: &[sock("egress_sendmsg4")],
    },
    Hook {
        row: Row::EgressSendmsg6,
        variants: &[sock("egress_sendmsg6")],
    },
    Hook {
        row: Row::CgroupCreate,
        variants: &[raw("cgroup_create", "cgroup_mkdir", &[Field::KernfsParent])],
    },
    Hook {
        row: Row::CgroupRemove,
        variants: &[raw("cgroup_remove", "cgroup_rmdir", &[Field::KernfsParent])],
    },
    Hook {
        row: Row::CgroupAttach,
        variants: &[raw(
            "cgroup_attach",
            "cgroup_attach_task",
            &[Field::TaskMm, Field::MmArgStart, Field::MmArgEnd],
        )],
    },
];
