//! What the maps that both sides write hold.

use crate::share::TABLES;

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
    /// Identity of the program it runs: the same for every exec of the same program under the same
    /// name ([`crate::key::content`]); 0 when not known.
    pub image: u64,
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
/// A key of the map `CAPABILITIES`: the container's cgroup, the [identity](Process::image) of the program, and
/// the phase (upper half) with [who](crate::key::user) uses it.
pub type CapabilityUser = [u64; 3];

/// Who uses a capability, as far as a rule, a profile or advice tells users apart.
#[inline(always)]
#[must_use]
pub const fn capability_user(process: &Process, euid: u32) -> CapabilityUser {
    let user = crate::key::user(euid);
    [
        process.cgroup,
        process.image,
        (process.phase as u64) << 32 | user,
    ]
}

/// Entries of the map `PROCESSES`.
pub const PROCESSES_MAX: u32 = 32_768;
/// Entries of the map `IMAGES`: execs that were held back, until their processes end or the agent
/// takes them.
pub const IMAGES_MAX: u32 = 8_192;
/// Words of 64 bits of an entry of the map `IMAGES`: the record of an exec, as it would have been
/// sent, and behind it whatever. What is longer is sent.
pub const IMAGE_WORDS: usize = 64;
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
    pub const fn to_words(self) -> [u64; 7] {
        [
            self.exec,
            self.issuer,
            self.cgroup,
            self.start,
            self.container_pid as u64 | (self.parent_pid as u64) << 32,
            self.phase as u64 | (self.marks as u64) << 32,
            self.image,
        ]
    }

    /// Back from a map's words.
    #[must_use]
    pub const fn from_words([exec, issuer, cgroup, start, pids, phase, image]: [u64; 7]) -> Self {
        Self {
            exec,
            issuer,
            cgroup,
            start,
            container_pid: pids as u32,
            parent_pid: (pids >> 32) as u32,
            phase: phase as u32,
            marks: (phase >> 32) as u32,
            image,
        }
    }
}

/// What is known of one behaviour of one container: the value of a map inside `SEEN`, by the
/// behaviour's [`key`](crate::key::key).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// One of [`verdict`].
    pub verdict: u64,
    /// How often it was held back. It only rises: who sweeps remembers what it took.
    pub count: u64,
    /// When its record was sent last, since boot in nanoseconds.
    pub sent: u64,
    /// When it happened last, since boot in nanoseconds.
    pub last: u64,
}

impl Seen {
    /// Size in a map.
    pub const LEN: usize = size_of::<Self>();

    /// The value as the words a map holds.
    #[must_use]
    #[inline(always)]
    pub const fn to_words(self) -> [u64; Self::LEN / 8] {
        [self.verdict, self.count, self.sent, self.last]
    }

    /// Back from a map's words.
    #[must_use]
    pub const fn from_words([verdict, count, sent, last]: [u64; 4]) -> Self {
        Self {
            verdict,
            count,
            sent,
            last,
        }
    }
}

/// What was said of a [`Seen`] behaviour.
pub mod verdict {
    /// Nothing yet: its record is on its way. If nothing is said for [`super::PENDING_FOR`], it is
    /// sent again.
    pub const PENDING: u64 = 0;
    /// The profile knows it: counted, and no more.
    pub const KNOWN: u64 = 1;
    /// It was reported: counted, and counts are looked for often.
    pub const DEVIATION: u64 = 2;
    /// To be forgotten: the next occurrence is news, and if there is none, the entry goes.
    pub const RETIRED: u64 = 3;
}

/// How long a record may be on its way, in nanoseconds.
pub const PENDING_FOR: u64 = 1_000_000_000;
/// Under this key the maps inside `SEEN` count how often deviations were held back.
pub const DEVIATIONS: u64 = 1;
/// Entries of the map `SEEN`: containers at a time.
pub const SEEN_MAX: usize = 4_096;
/// Entries of a map inside `SEEN` in the object. The agent makes them as large as is configured.
pub const SEEN_INNER: usize = 64;

/// What user space has the kernel side do with `SEEN`, where entries are counted up at the same
/// moment and must not be overwritten.
pub mod task {
    /// Say what a behaviour is: arguments home, key, verdict.
    pub const JUDGE: u64 = 1;
    /// Take out an entry that nothing happened to since it was retired: arguments home, key.
    pub const FORGET: u64 = 2;
    /// Say how urgent the records of a container are: arguments home, and 1 if it is compared
    /// with its profile.
    pub const WATCH: u64 = 3;
    /// Correct what a container [holds](crate::share::Held) of a table: arguments home, table, and
    /// what is added.
    pub const CORRECT: u64 = 4;
    /// Count that a container got no entry of a table, because its share is spent: arguments home,
    /// table.
    pub const REFUSE: u64 = 5;

    /// The answer when it was done.
    pub const DONE: u32 = 0;
    /// The answer when there was no such entry or no room for it.
    pub const REFUSED: u32 = 1;
}

/// How much a container may send: the value of the map `BUDGETS`, by the container's cgroup.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// One of [`watched`].
    pub watched: u64,
    /// For each [`Class`](crate::ids::Class) until when its allowance is spent, since boot in
    /// nanoseconds.
    pub spent: [u64; CLASSES],
    /// Files of its image, see [`crate::inventory`]: until when the allowance for them is spent, since
    /// boot in nanoseconds; those that were noted; those that were shed; the directory entry of its root
    /// mount's root, 0 where its first program was not seen.
    pub uses: [u64; 4],
    /// What it holds of each [`table`](crate::share::table), as [`Held`](crate::share::Held).
    pub held: [u64; TABLES],
}

/// What user space has said of a container, in a [`Budget`].
pub mod watched {
    /// It learns: its records may wait, and the files of its image that it uses are noted.
    pub const LEARNING: u64 = 0;
    /// It is compared with its profile: its records are urgent, and no files are noted.
    pub const MONITORING: u64 = 1;
    /// Nothing yet: its records are urgent, and files are noted.
    pub const UNDECIDED: u64 = 2;
}

/// Words of 64 bits of a [`Budget`].
pub const BUDGET_WORDS: usize = size_of::<Budget>() / 8;

/// Number of classes.
pub const CLASSES: usize = crate::ids::Class::ALL.len();
/// Most entries of the map `BUDGETS`.
pub const BUDGETS_MAX: u32 = 4_096;
/// Least entries of it.
const BUDGETS_MIN: u32 = 64;

/// Entries of the map `BUDGETS` beside a table of so many cgroups, of which a container has some.
#[must_use]
pub const fn budgets_of(cgroups: u32) -> u32 {
    let budgets = cgroups / 4;
    if budgets < BUDGETS_MIN {
        BUDGETS_MIN
    } else if budgets > BUDGETS_MAX {
        BUDGETS_MAX
    } else {
        budgets
    }
}

/// What was lost of one container: the key of the map `LOST`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LostKey {
    /// The container's cgroup.
    pub home: u64,
    /// A [`Loss`](crate::ids::Loss).
    pub reason: u32,
    /// A [`Class`](crate::ids::Class).
    pub class: u32,
}

/// Entries of the map `LOST`.
pub const LOST_MAX: u32 = 8_192;

const _: () = assert!(size_of::<Cgroup>() == 16 && size_of::<Process>() == 56);
const _: () = assert!(Seen::LEN == 32 && size_of::<LostKey>() == 16);
