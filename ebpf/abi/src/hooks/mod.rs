//! The one table of hooks.
//!
//! A [`Row`] is one thing the sensor sees; each row has one or more variants,
//! best first, and the agent takes the first that loads and attaches on the
//! running kernel. Loader, counters, status, `lapwing doctor` and the tests
//! derive from this table.

use crate::fields::Field;
use crate::syscalls::Syscall;

mod cgroup;
mod file;
mod network;
mod privilege;
mod process;
pub mod used;

macro_rules! rows {
    ($($(#[$meta:meta])* $name:ident = $id:literal,)+) => {
        /// One thing the sensor sees.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Row { $($(#[$meta])* $name,)+ }

        impl Row {
            /// Every row, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The row's bit in a set of rows.
            #[must_use]
            pub const fn bit(self) -> u64 {
                1 << self as u32
            }

            /// The number on the wire; 0 is none.
            #[must_use]
            pub const fn raw(self) -> u8 {
                self as u8 + 1
            }

            /// The row with this number, if there is one.
            #[must_use]
            pub const fn from_raw(raw: u8) -> Option<Self> {
                if raw == 0 || raw as usize > Self::ALL.len() {
                    return None;
                }
                Some(Self::ALL[raw as usize - 1])
            }

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
    /// A file on the list of credentials is opened for reading.
    FileRead = "file.read",
    /// A file is opened by a handle instead of a name.
    FileHandle = "file.handle",
    /// An open file is received from another process.
    FileReceive = "file.receive",
    /// A file gets a second name.
    FileLink = "file.link",
    /// A symbolic link is made.
    FileSymlink = "file.symlink",
    /// A directory is made.
    FileMkdir = "file.mkdir",
    /// A device, pipe, socket or regular file is made without opening it.
    FileMknod = "file.mknod",
    /// A file is cut by its name.
    FileTruncate = "file.truncate",
    /// A file is cut by opening it for reading.
    FileTruncateOpen = "file.truncate_open",
    /// A file's mode is changed.
    FileChmod = "file.chmod",
    /// A file's owner is changed.
    FileChown = "file.chown",
    /// An extended attribute is set.
    FileSetxattr = "file.setxattr",
    /// An extended attribute is removed.
    FileRemovexattr = "file.removexattr",
    /// An access control list is set.
    FileSetAcl = "file.set_acl",
    /// An access control list is removed.
    FileRemoveAcl = "file.remove_acl",
    /// An IPv4 peer is connected to.
    EgressConnect4 = "egress.connect4",
    /// An IPv6 peer is connected to.
    EgressConnect6 = "egress.connect6",
    /// A datagram is sent to an IPv4 peer.
    EgressSendmsg4 = "egress.sendmsg4",
    /// A datagram is sent to an IPv6 peer.
    EgressSendmsg6 = "egress.sendmsg6",
    /// An `AF_UNIX` socket is connected to.
    EgressUnix = "egress.unix",
    /// A datagram is sent to an `AF_UNIX` socket.
    EgressUnixSend = "egress.unix-send",
    /// A socket is made that reaches beside TCP and UDP.
    EgressSocket = "egress.socket",
    /// A peer is connected to by another protocol than TCP and UDP.
    EgressConnect = "egress.connect",
    /// A packet is sent to an IPv4 peer by a raw socket.
    EgressRaw4 = "egress.raw4",
    /// A packet is sent to an IPv6 peer by a raw socket.
    EgressRaw6 = "egress.raw6",
    /// An echo request is sent to an IPv4 peer by a datagram socket.
    EgressPing4 = "egress.ping4",
    /// An echo request is sent to an IPv6 peer by a datagram socket.
    EgressPing6 = "egress.ping6",
    /// A stream socket waits for connections.
    ListenStream = "listen.stream",
    /// A datagram socket is bound to an IPv4 port.
    ListenDatagram4 = "listen.datagram4",
    /// A datagram socket is bound to an IPv6 port.
    ListenDatagram6 = "listen.datagram6",
    /// A name is asked for, at port 53.
    DnsQuery = "dns.query",
    /// Port 53 answers.
    DnsAnswer = "dns.answer",
    /// A cgroup is made.
    CgroupCreate = "cgroup.create",
    /// A cgroup is removed.
    CgroupRemove = "cgroup.remove",
    /// A process moves to a cgroup.
    CgroupAttach = "cgroup.attach",
    /// A script is executed: which file it is.
    ProcessScript = "process.script",
    /// Control over another process is asked for.
    PrivilegePtrace = "privilege.ptrace",
    /// A process asks to be controlled by its parent.
    PrivilegeTraceme = "privilege.traceme",
    /// Another process's memory is written by a system call of its own.
    PrivilegeProcessVmWrite = "privilege.process-vm-write",
    /// A file system is mounted, or a mount changed, by mount(2).
    PrivilegeMount = "privilege.mount",
    /// A mount is put into place by move_mount(2).
    PrivilegeMoveMount = "privilege.move-mount",
    /// A file system is unmounted.
    PrivilegeUmount = "privilege.umount",
    /// The root mount is exchanged.
    PrivilegePivotRoot = "privilege.pivot-root",
    /// A namespace is entered.
    PrivilegeSetns = "privilege.setns",
    /// A user namespace is entered.
    PrivilegeSetnsUser = "privilege.setns-user",
    /// Namespaces are made for oneself.
    PrivilegeUnshare = "privilege.unshare",
    /// Namespaces are made for a child.
    PrivilegeClone = "privilege.clone",
    /// The root directory is changed to the host's.
    PrivilegeChroot = "privilege.chroot",
    /// A kernel module is loaded.
    PrivilegeModule = "privilege.module",
    /// bpf(2) is called.
    PrivilegeBpf = "privilege.bpf",
    /// An io_uring is made.
    PrivilegeIoUring = "privilege.io-uring",
    /// A file that is not from the image is mapped so that it can be executed.
    PrivilegeMmap = "privilege.mmap",
    /// A mapping of such a file is made executable.
    PrivilegeMprotect = "privilege.mprotect",
    /// A capability is used.
    PrivilegeCapability = "privilege.capability",
}

/// How good a variant is: what it needs and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// The same on every kernel that can run the sensor: raw tracepoints of the
    /// scheduler and of cgroups, and cgroup socket programs.
    Base,
    /// Trampolines (fentry, fexit): x86_64 since Linux 5.5, arm64 since 6.4.
    A1,
    /// Kprobes: what A1 sees, for more instructions at each call.
    A2,
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
            Self::A2 => "A2",
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
    /// The entry of the first of these functions that the kernel has, by a breakpoint.
    Kprobe(&'static [&'static str]),
    /// The exit of the first of these functions that the kernel has, by a replaced return address.
    Kretprobe(&'static [&'static str]),
    /// Socket addresses of a cgroup v2 subtree.
    CgroupSockAddr,
    /// Packets that leave a cgroup v2 subtree.
    CgroupEgress,
    /// Packets that come to a cgroup v2 subtree.
    CgroupIngress,
    /// The exits of these system calls: the program is run by the one at the exit of all.
    SyscallExit(&'static [Syscall]),
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
    Field::TaskCred,
    Field::CredEuid,
    Field::CredEgid,
    Field::CredCapabilities,
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
    Field::DentrySeq,
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

/// Fields that programs at the exit of system calls need, besides [`BASE_FIELDS`].
pub const SYSCALL_FIELDS: &[Field] = &[
    Field::TaskThreadInfo,
    Field::ThreadInfoFlags,
    Field::RegsSyscall,
    Field::RegsArg0,
    Field::FileMode,
    Field::FileFlags,
    Field::QstrLen,
    Field::InodeNlink,
    Field::FsPwd,
];
/// What every hook misses that fires before a change.
const ATTEMPTS: &str =
    "reports the attempt: a change that the file system then refuses is reported too";
/// What every hook misses that reads the caller's words.
const SYSCALL_MISSES: &str = "io_uring; names are the caller's words, links in them not followed";

const fn raw(program: &'static str, tracepoint: &'static str, needs: &'static [Field]) -> Variant {
    Variant {
        tier: Tier::Base,
        program,
        attach: Attach::RawTracepoint(tracepoint),
        needs,
        misses: "",
    }
}

const fn syscall(
    program: &'static str,
    calls: &'static [Syscall],
    misses: &'static str,
) -> Variant {
    Variant {
        tier: Tier::B,
        program,
        attach: Attach::SyscallExit(calls),
        needs: SYSCALL_FIELDS,
        misses,
    }
}

/// At the entry of a function, by a trampoline.
const fn entry(
    program: &'static str,
    functions: &'static [&'static str],
    needs: &'static [Field],
    misses: &'static str,
) -> Variant {
    Variant {
        tier: Tier::A1,
        program,
        attach: Attach::Fentry(functions),
        needs,
        misses,
    }
}

/// At the exit of a function, by a trampoline.
const fn exit(
    program: &'static str,
    functions: &'static [&'static str],
    needs: &'static [Field],
    misses: &'static str,
) -> Variant {
    Variant {
        tier: Tier::A1,
        program,
        attach: Attach::Fexit(functions),
        needs,
        misses,
    }
}

/// The same as a trampoline's variant, by a kprobe; its program is another one.
const fn probe(of: Variant, program: &'static str) -> Variant {
    Variant {
        tier: Tier::A2,
        program,
        attach: match of.attach {
            Attach::Fentry(functions) => Attach::Kprobe(functions),
            Attach::Fexit(functions) => Attach::Kretprobe(functions),
            other => other,
        },
        needs: of.needs,
        misses: of.misses,
    }
}

// Sets of rows are words.
const _: () = assert!(Row::ALL.len() <= 64);

/// The table, by area.
pub const AREAS: &[&[Hook]] = &[
    process::HOOKS,
    file::HOOKS,
    network::HOOKS,
    cgroup::HOOKS,
    privilege::HOOKS,
];

/// The table, row by row.
pub fn hooks() -> impl Iterator<Item = &'static Hook> {
    AREAS.iter().copied().flatten()
}
