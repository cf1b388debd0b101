//! The small integers of the wire and what they mean.
//!
//! Each id has `from_raw`, which answers `None` for a number it does not know.

macro_rules! ids {
    ($(#[$meta:meta])* $name:ident: $raw:ty { $($(#[$vmeta:meta])* $variant:ident = $value:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr($raw)]
        pub enum $name { $($(#[$vmeta])* $variant = $value,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The value with this number, if there is one.
            #[must_use]
            pub const fn from_raw(raw: $raw) -> Option<Self> {
                match raw { $($value => Some(Self::$variant),)+ _ => None }
            }

            /// The number on the wire.
            #[must_use]
            pub const fn raw(self) -> $raw { self as $raw }
        }
    };
}

ids! {
    /// What a record reports.
    Kind: u8 {
        /// A program was executed.
        Exec = 1,
        /// A file was changed, or opened so that it can be.
        File = 2,
        /// A socket was connected, or a datagram sent to a peer; or a socket was made that reaches
        /// beside TCP and UDP.
        Egress = 3,
        /// A socket waits for connections.
        Listen = 4,
        /// A message from or to port 53.
        Dns = 5,
        /// Something was done that needs a privilege, or gives one.
        Privilege = 6,
    }
}

ids! {
    /// What happened to a cgroup.
    CgroupChange: u8 {
        /// A cgroup was made.
        Created = 1,
        /// A cgroup was removed.
        Removed = 2,
        /// A process of the host moved a first process in: how a runtime starts a container.
        Ordered = 3,
    }
}

ids! {
    /// Where in a container's life a process belongs. Inherited at fork.
    Phase: u8 {
        /// Not known: the process was met in the middle of its life.
        Unknown = 0,
        /// The container runtime's own steps, before the first exec whose root is the container's.
        Runtime = 1,
        /// Descends from the container's first program.
        Main = 2,
        /// Entered a running container from outside.
        Exec = 3,
        /// Has left its container: took the host's root directory, or the host's mounts.
        Escaped = 4,
    }
}

ids! {
    /// What was done to a file.
    Operation: u8 {
        /// Opened so that it can be written.
        OpenWrite = 1,
        /// Made: by opening it, by mknod(2) of a regular file, or unnamed (`O_TMPFILE`, whose path
        /// ends with a slash behind its folder) and later by the link that names it.
        Create = 2,
        /// Removed (file or directory).
        Delete = 3,
        /// Renamed; the record carries both names, `argument` the flags of renameat2(2). An
        /// exchange gives two records, one for each of the files.
        Rename = 4,
        /// Opened for reading, and on the list of credentials.
        OpenRead = 5,
        /// Given a second name; the record carries both.
        Link = 6,
        /// A symbolic link was made; the second name is what it says.
        Symlink = 7,
        /// A folder was made.
        Mkdir = 8,
        /// A device, pipe or socket file was made; the low half of `argument` is its type
        /// (`S_IFMT`), the high half the device's number as mknod(2) takes it.
        Mknod = 9,
        /// Cut by its name, or by opening it for reading; other ways need it opened for writing,
        /// which is reported.
        Truncate = 10,
        /// Its mode was changed; `argument` is the new one.
        Chmod = 11,
        /// Its owner was changed.
        Chown = 12,
        /// An extended attribute was set or removed; the second name is that of the attribute,
        /// `argument` is 1 where it was removed.
        Setxattr = 13,
    }
}

ids! {
    /// What an egress record tells of.
    Contact: u8 {
        /// A peer was addressed.
        Peer = 0,
        /// A socket was made whose peers are not known yet, or never; `argument` is its type
        /// (`SOCK_*`), 0 if unknown.
        Socket = 1,
    }
}

ids! {
    /// Address family of a socket. The numbers are our own for IP, the kernel's for the others.
    Family: u8 {
        /// `AF_UNIX`.
        Unix = 1,
        /// IPv4.
        Ipv4 = 4,
        /// IPv6.
        Ipv6 = 6,
        /// `AF_PACKET`.
        Packet = 17,
        /// `AF_VSOCK`.
        Vsock = 40,
        /// `AF_XDP`.
        Xdp = 44,
    }
}

ids! {
    /// Which way a message of the name service went.
    Direction: u8 {
        /// From the container to port 53.
        Query = 1,
        /// From port 53 to the container.
        Answer = 2,
    }
}

ids! {
    /// An act that needs a privilege, or gives one.
    Privileged: u8 {
        /// Control over another process was asked for, or over oneself by the parent; `argument` is
        /// the kernel's access mode (`PTRACE_MODE_*`).
        Ptrace = 1,
        /// Another process's memory was written (process_vm_writev).
        ProcessVmWrite = 2,
        /// A file system was mounted or a mount changed; `argument` holds the flags, the first
        /// location the mount point, the third section the type.
        Mount = 3,
        /// A file system was unmounted.
        Umount = 4,
        /// The root mount was exchanged.
        PivotRoot = 5,
        /// A namespace was entered; `argument` is its kind (`CLONE_NEW*`), 0 if unknown.
        Setns = 6,
        /// Namespaces were made; `argument` has their kinds (`CLONE_NEW*`).
        Unshare = 7,
        /// A kernel module was loaded; the third section is its name.
        Module = 8,
        /// bpf(2) was called; `argument` is the command.
        Bpf = 9,
        /// An io_uring was made.
        IoUring = 10,
        /// A file was mapped executable that is not the image's; `argument` is an [`Origin`].
        ExecMapping = 11,
        /// A capability was used for the first time; `argument` is its number.
        Capability = 12,
        /// Another process's memory was opened for writing by `/proc/PID/mem`.
        ProcMem = 13,
        /// A process left its container; `argument` is an [`Escape`].
        Escape = 14,
    }
}

ids! {
    /// How a process left its container. It stays a member, and so do its descendants.
    Escape: u8 {
        /// By moving itself or another one to a cgroup outside the container's.
        Cgroup = 1,
        /// By entering the host's mount namespace.
        Namespace = 2,
        /// By having the host's root directory.
        Root = 3,
    }
}

ids! {
    /// Where an executable comes from.
    Origin: u8 {
        /// Could not be told.
        Unknown = 0,
        /// On the container's root file system, in the image or on a root that has no layers.
        Image = 1,
        /// Written or changed after the container started: the overlay's upper layer.
        UpperLayer = 2,
        /// On another mount than the container's root.
        Volume = 3,
        /// A memory file, or another file system that no path leads to.
        Memfd = 4,
        /// A file without a name left.
        Unlinked = 5,
    }
}

ids! {
    /// What kind of mount a file lies on.
    Mount: u8 {
        /// Could not be told.
        Unknown = 0,
        /// The container's root mount.
        Image = 1,
        /// Another mount with contents of its own.
        Volume = 2,
        /// Memory: tmpfs, devtmpfs, ramfs.
        Tmpfs = 3,
        /// A window to the kernel: proc, sysfs, cgroup.
        ProcSys = 4,
    }
}

ids! {
    /// Why something was lost or is incomplete; one counter each.
    Loss: u32 {
        /// The ring for cgroups coming and going was full.
        LifecycleRingFull = 0,
        /// The ring for behaviours was full.
        BehaviourRingFull = 1,
        /// Another task took the buffer in which a record was being built.
        ScratchTaken = 2,
        /// The table of processes was full: ancestry and phase are missing.
        ProcessTableFull = 3,
        /// The table of cgroups was full: the cgroup stays unknown.
        CgroupTableFull = 4,
        /// A system call by an entry whose numbers are not known.
        CompatSyscall = 5,
        /// A file that was opened for writing was closed again by another thread before the hook
        /// could look at it.
        DescriptorGone = 6,
        /// A container had sent more records of a class than it may.
        BudgetSpent = 7,
        /// The table of judged behaviours of a container was full: a behaviour is sent each time.
        SeenFull = 8,
        /// The table of budgets was full: a container's records are sent without one.
        BudgetTableFull = 9,
        /// A container's share of the table of processes was spent: ancestry and phase are missing
        /// of its own processes. Counted as often as an entry was wanted.
        ProcessShareSpent = 10,
        /// A container's share of the table of cgroups was spent: what it makes below its own stays
        /// unknown.
        CgroupShareSpent = 11,
        /// A container's share of the table of execs that are held back was spent: it is sent,
        /// though it is known.
        ImageShareSpent = 12,
        /// That table was full: an exec is sent, though it is known.
        ImageTableFull = 13,
        /// A socket that talks to port 53 had no room for the note of whose it is: names that are
        /// asked for by it are not seen.
        DnsSocketFull = 14,
    }
}

ids! {
    /// What a budget is for. Each class has its own, so that a flood of one cannot hide another.
    Class: u32 {
        /// Programs of the image.
        Exec = 0,
        /// Programs that nobody should learn: written later, in memory, or removed.
        ExecGuarded = 1,
        /// Peers and listening sockets.
        Egress = 2,
        /// Peers that nobody should learn: metadata services, link-local addresses, raw sockets.
        EgressGuarded = 3,
        /// Privileged acts.
        Privilege = 4,
        /// Changes to folders of programs, settings and accounts.
        FileGuarded = 5,
        /// Changes to other files.
        File = 6,
        /// Messages of the name service.
        Dns = 7,
    }
}

impl Class {
    /// The name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::ExecGuarded => "exec-guarded",
            Self::Egress => "egress",
            Self::EgressGuarded => "egress-guarded",
            Self::Privilege => "privilege",
            Self::FileGuarded => "file-guarded",
            Self::File => "file",
            Self::Dns => "dns",
        }
    }

    /// How full the ring may be for a record of this class, in eighths: the rest is kept for what
    /// matters more.
    #[must_use]
    pub const fn ring_share(self) -> u64 {
        match self {
            Self::File | Self::Dns => 4,
            Self::Exec | Self::Egress => 6,
            Self::FileGuarded => 7,
            Self::ExecGuarded | Self::EgressGuarded | Self::Privilege => 8,
        }
    }
}

impl Loss {
    /// The name in metrics, gaps and `lapwing status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LifecycleRingFull => "lifecycle-ring-full",
            Self::BehaviourRingFull => "behaviour-ring-full",
            Self::ScratchTaken => "scratch-taken",
            Self::ProcessTableFull => "process-table-full",
            Self::CgroupTableFull => "cgroup-table-full",
            Self::CompatSyscall => "compat-syscall",
            Self::DescriptorGone => "descriptor-gone",
            Self::BudgetSpent => "budget-spent",
            Self::SeenFull => "seen-full",
            Self::BudgetTableFull => "budget-table-full",
            Self::ProcessShareSpent => "process-share-spent",
            Self::CgroupShareSpent => "cgroup-share-spent",
            Self::ImageShareSpent => "image-share-spent",
            Self::ImageTableFull => "image-table-full",
            Self::DnsSocketFull => "dns-socket-full",
        }
    }
}

/// Flags of a record.
pub mod flags {
    /// The first path is cut at the side of the root.
    pub const PATH_TRUNCATED: u32 = 1;
    /// The first path does not hang below the root of the process's mount namespace (a memory file, a detached
    /// mount).
    pub const PATH_DETACHED: u32 = 1 << 1;
    /// The second path is cut at the side of the root.
    pub const TARGET_TRUNCATED: u32 = 1 << 2;
    /// The second path does not hang below that root.
    pub const TARGET_DETACHED: u32 = 1 << 3;
    /// The paths are what the caller passed, relative to a directory that the kernel named.
    pub const PATH_FROM_USER: u32 = 1 << 4;
    /// The arguments are cut.
    pub const ARGS_TRUNCATED: u32 = 1 << 5;
    /// The arguments could not be read.
    pub const ARGS_UNREADABLE: u32 = 1 << 6;
    /// The process's root is not the host's root.
    pub const FOREIGN_ROOT: u32 = 1 << 7;
    /// The kernel had no entry for the process: its issuer is not known.
    pub const PROCESS_UNKNOWN: u32 = 1 << 8;
    /// The working directory is cut, or not below the root.
    pub const CWD_PARTIAL: u32 = 1 << 9;
    /// The executed file was named by a script: the second section is its path as passed.
    pub const SCRIPT: u32 = 1 << 10;
    /// The path is the one the user passed and was cut.
    pub const USER_PATH_TRUNCATED: u32 = 1 << 11;
    /// The message is cut.
    pub const PAYLOAD_TRUNCATED: u32 = 1 << 12;
    /// The name is that of an abstract socket: it has no place in the file system.
    pub const ABSTRACT: u32 = 1 << 13;
    /// The second section of an exec is the script's file as a component list, and not the name as
    /// passed; the flags of the second path are about it.
    pub const SCRIPT_RESOLVED: u32 = 1 << 14;
    /// The container's runtime executed the program: it is the first of the container's that the
    /// process runs.
    pub const FROM_RUNTIME: u32 = 1 << 15;
    /// The origin is what is known of it now; at the exec it may have been the image, or a volume.
    /// Only user space says so, of what ran before it.
    pub const ORIGIN_UNSURE: u32 = 1 << 16;
}
