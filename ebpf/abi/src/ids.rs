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
        /// A socket was connected, or a datagram sent to a peer.
        Egress = 3,
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
    }
}

ids! {
    /// What was done to a file.
    Operation: u8 {
        /// Opened so that it can be written.
        OpenWrite = 1,
        /// Made by opening it.
        Create = 2,
        /// Removed (file or directory).
        Delete = 3,
        /// Renamed; the record carries both names.
        Rename = 4,
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
        /// A removal or renaming by a 32-bit system call, whose arguments the hook cannot read.
        CompatSyscall = 5,
        /// A file that was opened for writing was closed again by another thread before the hook
        /// could look at it.
        DescriptorGone = 6,
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
}
