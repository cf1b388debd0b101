//! On which kinds of mounts the files of an entry lay.
//!
//! A set of five, joined by union. What could not be told is a member of its own: an entry of which
//! some files lay on a volume, and of others nobody knows, is not one of volumes alone.

use lapwing_abi::ids::Mount as Wire;

/// What a file lay on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mount {
    /// The container's root: its image, and what was written above it.
    Image,
    /// Another mount with contents of its own.
    Volume,
    /// Memory: tmpfs, devtmpfs, ramfs.
    Tmpfs,
    /// A window to the kernel: proc, sysfs, cgroup.
    Kernel,
    /// Could not be told.
    Unknown,
}

impl Mount {
    /// Every kind, in order.
    pub const ALL: &[Self] = &[
        Self::Image,
        Self::Volume,
        Self::Tmpfs,
        Self::Kernel,
        Self::Unknown,
    ];

    /// The word in profiles and output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Volume => "vol",
            Self::Tmpfs => "tmpfs",
            Self::Kernel => "proc",
            Self::Unknown => "?",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl From<Wire> for Mount {
    fn from(mount: Wire) -> Self {
        match mount {
            Wire::Unknown => Self::Unknown,
            Wire::Image => Self::Image,
            Wire::Volume => Self::Volume,
            Wire::Tmpfs => Self::Tmpfs,
            Wire::ProcSys => Self::Kernel,
        }
    }
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mounts(u8);

impl Mounts {
    /// Takes one.
    pub const fn insert(&mut self, mount: Mount) {
        self.0 |= mount.bit();
    }

    /// Takes all of another set.
    pub const fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether one is among them.
    #[must_use]
    pub const fn has(self, mount: Mount) -> bool {
        self.0 & mount.bit() != 0
    }

    /// Those that are among them, in order.
    pub fn all(self) -> impl Iterator<Item = Mount> {
        (Mount::ALL.iter().copied()).filter(move |mount| self.has(*mount))
    }
}
