//! What the maps that both sides write hold.

/// What is known of a cgroup: the value of the map `CGROUPS`, keyed by id.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cgroup {
    /// The cgroup that stands for the container: itself, or an ancestor.
    pub home: u64,
    /// One of [`cgroup_state`].
    pub state: u32,
    /// Not 0 once a program with the container's root has run in it.
    pub started: u32,
}

/// States of a [`Cgroup`].
pub mod cgroup_state {
    /// Not classified yet: its processes are reported, never suppressed.
    pub const UNKNOWN: u32 = 0;
    /// A container, or part of one.
    pub const CONTAINER: u32 = 1;
    /// Not a container: its processes are not reported.
    pub const IGNORED: u32 = 2;
    /// Part of the pseudo-container `host`: reported, but left behind on entering a container.
    pub const HOST: u32 = 3;
}

/// One process of the tree: the value of the map `PROCESSES`, keyed by process id.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Id of the image it runs; 0 when not known.
    pub exec: u64,
    /// Id of the image that issued that exec; 0 when not known.
    pub issuer: u64,
    /// The container's cgroup at the time the process entered it.
    pub cgroup: u64,
    /// When it started, time since boot in nanoseconds.
    pub start: u64,
    /// Its id inside the container.
    pub container_pid: u32,
    /// Process that forked it.
    pub parent_pid: u32,
    /// A [`crate::ids::Phase`].
    pub phase: u32,
    /// Bits of [`process_marks`].
    pub marks: u32,
}

/// Marks of a [`Process`], inherited at fork.
pub mod process_marks {
    /// The container's program had run already when the process entered it.
    pub const LATE: u32 = 1;
    /// It was reported to have the host's root directory.
    pub const ESCAPED_ROOT: u32 = 1 << 1;
}

/// Ids of images that the agent gave to processes which ran before it have this bit.
pub const EXEC_SEEDED: u64 = 1 << 63;

/// Bytes of a name in the map `CREDENTIALS`, of which the last is 0.
pub const CREDENTIAL_NAME: usize = 32;
/// A key of the map `CREDENTIALS`: the last name of a path, cut if it does not fit, and zeros.
pub type CredentialName = [u8; CREDENTIAL_NAME];
/// Entries of the map `CREDENTIALS`.
pub const CREDENTIALS_MAX: u32 = 256;

/// The key of a file's last name, and the bit of its length that the programs look at first.
#[must_use]
pub fn credential_key(name: &[u8]) -> (CredentialName, u64) {
    let mut key = [0; CREDENTIAL_NAME];
    let len = name.len().min(CREDENTIAL_NAME - 1);
    key[..len].copy_from_slice(&name[..len]);
    (key, 1 << len)
}

/// Entries of the maps that note something of a thread between two hooks of one system call.
pub const THREADS_MAX: u32 = 2_048;
/// Entries of the map `CAPABILITIES`.
pub const CAPABILITIES_MAX: u32 = 4_096;
/// Entries of the map `PROCESSES`.
pub const PROCESSES_MAX: u32 = 32_768;
/// Entries of the map `CGROUPS`.
pub const CGROUPS_MAX: u32 = 16_384;

impl Cgroup {
    /// The value as the words a map holds (little endian, like the struct in memory).
    #[must_use]
    pub const fn to_words(self) -> [u64; 2] {
        [self.home, self.state as u64 | (self.started as u64) << 32]
    }

    /// Back from a map's words.
    #[must_use]
    pub const fn from_words([home, rest]: [u64; 2]) -> Self {
        Self {
            home,
            state: rest as u32,
            started: (rest >> 32) as u32,
        }
    }
}

impl Process {
    /// The value as the words a map holds.
    #[must_use]
    pub const fn to_words(self) -> [u64; 6] {
        [
            self.exec,
            self.issuer,
            self.cgroup,
            self.start,
            self.container_pid as u64 | (self.parent_pid as u64) << 32,
            self.phase as u64 | (self.marks as u64) << 32,
        ]
    }

    /// Back from a map's words.
    #[must_use]
    pub const fn from_words([exec, issuer, cgroup, start, pids, phase]: [u64; 6]) -> Self {
        Self {
            exec,
            issuer,
            cgroup,
            start,
            container_pid: pids as u32,
            parent_pid: (pids >> 32) as u32,
            phase: phase as u32,
            marks: (phase >> 32) as u32,
        }
    }
}

const _: () = assert!(size_of::<Cgroup>() == 16 && size_of::<Process>() == 48);
