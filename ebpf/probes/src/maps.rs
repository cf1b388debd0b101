//! Every map and every setting.

use crate::recall::execs::Executed;
use crate::recall::files::Opened;
use crate::recall::peers::Peer;
use crate::recall::place::Mounts;
use aya_ebpf::btf_maps::{HashMap as Inner, HashOfMaps, SkStorage};
use aya_ebpf::macros::{btf_map, map};
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, ProgramArray, RingBuf};
use lapwing_abi::fields::FIELD_COUNT;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::Loss;
use lapwing_abi::inventory::{BEYOND_MAX, USED_MAX, USES_RING};
use lapwing_abi::record::Header;
use lapwing_abi::share::TABLES;
use lapwing_abi::spares::{MARKS as MARKS_EACH, PLACES, TWINS_MAX};
use lapwing_abi::state::{
    BUDGETS_MAX, Budget, CAPABILITIES_MAX, CGROUPS_MAX, CLASSES, CREDENTIALS_MAX, CapabilityUser,
    Cgroup, CredentialName, IMAGE_WORDS, IMAGES_MAX, LOST_MAX, LostKey, PROCESSES_MAX, Process,
    SEEN_INNER, SEEN_MAX, Seen, THREADS_MAX,
};
use lapwing_abi::syscalls::SLOTS;

/// Cgroups coming and going: apart, so that a burst of behaviours cannot push them out.
#[map]
pub static LIFECYCLE: RingBuf = RingBuf::with_byte_size(512 * 1024, 0);

/// Behaviours. The agent sets the size before loading.
#[map]
pub static BEHAVIOUR: RingBuf = RingBuf::with_byte_size(8 * 1024 * 1024, 0);

/// The process tree of containers, by process id.
#[map]
pub static PROCESSES: HashMap<u32, Process> = HashMap::with_max_entries(PROCESSES_MAX, 0);

/// What is known of each cgroup, by id.
#[map]
pub static CGROUPS: HashMap<u64, Cgroup> = HashMap::with_max_entries(CGROUPS_MAX, 0);

/// The behaviours of each container that user space has judged, by its cgroup; the agent makes the
/// map inside, by the keys of behaviours, when the container is decided.
#[btf_map]
pub static SEEN: HashOfMaps<u64, Behaviours, SEEN_MAX> = HashOfMaps::new();
/// Those of one container: each is a [`Seen`], by its words. A map that is put inside must be like the
/// one that the object describes, and the agent's has no type information. From Linux 5.15 to
/// 6.2 they differ where a value is said to be a struct: of one the kernel knows that it holds no
/// timer, of any other value that it cannot say (`bpf_map_meta_equal`, `timer_off`).
pub type Behaviours = Inner<u64, [u64; Seen::LEN / 8], SEEN_INNER>;

/// Execs that were held back: their records, by the id of the image, see `images`.
#[map]
pub static IMAGES: HashMap<u64, [u64; IMAGE_WORDS]> = HashMap::with_max_entries(IMAGES_MAX, 0);

/// What each container may send, by its cgroup.
#[map]
pub static BUDGETS: HashMap<u64, Budget> = HashMap::with_max_entries(BUDGETS_MAX, 0);

/// What was lost of each container.
#[map]
pub static LOST: HashMap<LostKey, u64> = HashMap::with_max_entries(LOST_MAX, 0);

/// When the consumer of behaviours was called last, since boot in nanoseconds.
#[map]
pub static CALLED: Array<u64> = Array::with_max_entries(1, 0);

/// How often each row fired for a traced process, by [`Row`], and how often of that the behaviour
/// was known by what [`recall`](crate::recall) keeps.
#[map]
pub static HITS: PerCpuArray<[u64; 2]> = PerCpuArray::with_max_entries(Row::ALL.len() as u32, 0);

/// What was lost of nobody in particular, by [`Loss`].
#[map]
pub static LOSSES: PerCpuArray<u64> = PerCpuArray::with_max_entries(Loss::ALL.len() as u32, 0);

/// Last image id given out on each CPU: by the program, and by its twins.
#[map]
pub static EXEC_SEQUENCE: PerCpuArray<u64> = PerCpuArray::with_max_entries(1 + TWINS_MAX, 0);

/// For which task each program ran last that has twins, see `spare`. The agent makes it small where
/// none has.
#[map]
pub static MARKS: Array<u64> = Array::with_max_entries(PLACES * MARKS_EACH, 0);

/// How often a twin made up for a run that the kernel skipped.
#[map]
pub static SPARED: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

/// Programs at the exit of system calls, by the slots of [`lapwing_abi::syscalls::Syscall::slots`]: the agent fills in
/// those whose rows no better variant serves. Behind them their twins, for those of the program at
/// the exit of all.
#[map]
pub static SYSCALLS: ProgramArray = ProgramArray::with_max_entries(SLOTS * (1 + TWINS_MAX), 0);

/// Which call each slot is, as a [`lapwing_abi::syscalls::Syscall`]. The agent fills it in for its architecture.
#[map]
pub static SYSCALL_NAMES: Array<u32> = Array::with_max_entries(SLOTS, 0);

/// Which rows the programs at the exit of system calls serve: [`Row::bit`] of each.
/// A map and not a setting, because it is known only after the better variants were tried.
#[map]
pub static SYSCALL_ROWS: Array<u64> = Array::with_max_entries(1, 0);

/// Sockets that talk to port 53: whose they are, as the head of the records about them. It lies with
/// the socket and goes with it, so no flood of sockets takes the place of another's.
#[btf_map]
pub static DNS_SOCKETS: SkStorage<Header> = SkStorage::new();

/// Buffers for messages of the name service, one for each way: packets come while others are sent.
#[map]
pub static MESSAGES: PerCpuArray<Message> = PerCpuArray::with_max_entries(2, 0);

/// A record with such a message.
#[repr(C)]
pub struct Message {
    /// As [`Scratch::owner`]: here the time at which the record was begun.
    pub owner: u64,
    /// The head of the record.
    pub header: Header,
    /// The message.
    pub payload: [u8; MESSAGE_REACH],
}

/// Bytes of a message's buffer: a power of two, above [`lapwing_abi::record::PAYLOAD_MAX`].
pub const MESSAGE_REACH: usize = 2048;

/// Address of the host's root directory (`struct dentry`): what tells a container's root from it.
/// Numbers of devices and inodes do not, where subvolumes of one file system share them (btrfs).
/// Behind it that of the mount namespace in which the host's root is mounted.
#[map]
pub static HOST_ROOT: Array<u64> = Array::with_max_entries(2, 0);

/// Files that threads are about to execute and that need an interpreter: `struct linux_binprm` and
/// `struct file`, by thread.
#[map]
pub static SCRIPTS: LruHashMap<u32, [u64; 2]> = LruHashMap::with_max_entries(THREADS_MAX, 0);

/// Threads that are about to get namespaces of their own: where the kernel will note them.
#[map]
pub static UNSHARING: LruHashMap<u32, u64> = LruHashMap::with_max_entries(THREADS_MAX, 0);

/// 1 while files that containers open are noted, see `inventory`: what every open looks at.
#[map]
pub static INVENTORY: Array<u64> = Array::with_max_entries(1, 0);

/// Files that were noted, by container, file and use. What is evicted is sent again.
#[map]
pub static USED: LruHashMap<u64, u64> = LruHashMap::with_max_entries(USED_MAX, 0);

/// The same of containers that noted more than their share of it.
#[map]
pub static USED_BEYOND: LruHashMap<u64, u64> = LruHashMap::with_max_entries(BEYOND_MAX, 0);

/// Files that containers use: apart, so that they cannot take the room of behaviours.
#[map]
pub static USES: RingBuf = RingBuf::with_byte_size(USES_RING, 0);

/// Capabilities that were reported of each user of them in a container, one bit each. What is evicted
/// is reported again.
#[map]
pub static CAPABILITIES: LruHashMap<CapabilityUser, u64> =
    LruHashMap::with_max_entries(CAPABILITIES_MAX, 0);

/// Version of what crosses between the programs and the agent, which refuses any but its own.
#[map]
pub static ABI: Array<u32> = Array::with_max_entries(1, 0);

/// The last names of credentials. The agent fills it in before the programs are attached.
#[map]
pub static CREDENTIALS: HashMap<CredentialName, u8> = HashMap::with_max_entries(CREDENTIALS_MAX, 0);

/// Buffers in which records are built; which one a task takes depends on its id.
#[map]
pub static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(SCRATCH_SLOTS, 0);

/// Buffers per CPU.
pub const SCRATCH_SLOTS: u32 = 4;
/// Bytes of a buffer that offsets may reach.
pub const SCRATCH_REACH: usize = 16 * 1024;
/// Longest single read into a buffer.
pub const READ_MAX: usize = 4096;

/// One buffer. The owner stands apart from the bytes, so that a task which was
/// preempted in the middle of a record can tell that another one wrote over it.
#[repr(C)]
pub struct Scratch {
    /// The task that builds a record here, as the pid/tgid pair; 0 for nobody.
    pub owner: u64,
    /// Bytes of the record so far. Kept here and not in a register, because the verifier knows
    /// nothing of what it reads from a map: it then sees the rounds of a loop as one state,
    /// where it would follow every possible length through every round.
    pub len: u64,
    /// The mount whose root covers the place that a walk has reached, see `path`.
    pub cover: u64,
    /// A value on its way through the eye of the verifier's needle, see `Builder::forget`.
    pub value: u32,
    /// Where the last part of an argument starts, see `identity`.
    pub part: u32,
    /// Bytes of the arguments that tell the invoked name of the exec in the record.
    pub told: u64,
    /// What [`crate::recall::place`] notes before a path is walked.
    pub mounts: Mounts,
    /// The record. Reads start below `SCRATCH_REACH` and are at most `READ_MAX` long.
    pub bytes: [u8; SCRATCH_REACH + READ_MAX],
}

/// Opens for writing that were judged lately, see [`crate::recall::files`].
#[map]
pub static OPENED: PerCpuArray<Opened> = PerCpuArray::with_max_entries(RECALLED, 0);

/// Peers that were judged lately, see [`crate::recall::peers`].
#[map]
pub static PEERS: PerCpuArray<Peer> = PerCpuArray::with_max_entries(RECALLED, 0);

/// Execs that were judged lately, see [`crate::recall::execs`].
#[map]
pub static EXECUTED: PerCpuArray<Executed> = PerCpuArray::with_max_entries(EXECS_RECALLED, 0);

/// Entries of that, for each processor: a power of two.
pub const EXECS_RECALLED: u32 = 128;

/// Entries of each of the others, for each processor: a power of two.
pub const RECALLED: u32 = 512;

/// 1 where trampolines can load what they need without helpers: the kernel has
/// `bpf_get_current_task_btf` (since Linux 5.11), and the fields of [`crate::recall`].
#[unsafe(no_mangle)]
pub static DIRECT: u32 = 0;

/// Offsets of [`lapwing_abi::fields::FIELDS`] in the running kernel.
#[unsafe(no_mangle)]
pub static OFFSETS: [u32; FIELD_COUNT] = [0; FIELD_COUNT];

/// Index of the cgroup v1 controller that tells containers apart, or
/// `u32::MAX` where that is the v2 hierarchy.
#[unsafe(no_mangle)]
pub static CGROUP_SUBSYS: u32 = u32::MAX;

/// Id of the hierarchy that tells containers apart; 0 for v2.
#[unsafe(no_mangle)]
pub static CGROUP_HIERARCHY: u32 = 0;

/// 0 on x86_64, 1 on arm64: which numbers system calls have.
#[unsafe(no_mangle)]
pub static ARCH: u32 = 0;

/// Which programs have twins: bits of [`lapwing_abi::spares`].
#[unsafe(no_mangle)]
pub static SPARES: u32 = 0;

/// Which lengths the names in [`CREDENTIALS`] have, one bit each; those that do not fit have the last.
#[unsafe(no_mangle)]
pub static CREDENTIAL_LENGTHS: u64 = 0;

/// Which first letters they have, one bit each for the lower six bits of a letter.
#[unsafe(no_mangle)]
pub static CREDENTIAL_LETTERS: u64 = 0;

/// 1 where the configuration wants to know which files containers use.
#[unsafe(no_mangle)]
pub static INVENTORIES: u32 = 0;

/// The secret under which keys of behaviours are made.
#[unsafe(no_mangle)]
pub static SECRET: [u64; 2] = [0; 2];

/// Size of the ring for behaviours in bytes.
#[unsafe(no_mangle)]
pub static RING_BYTES: u64 = 0;

/// What a byte costs of each [`Class`](lapwing_abi::ids::Class), in nanoseconds of its allowance.
#[unsafe(no_mangle)]
pub static BUDGET_COST: [u64; CLASSES] = [0; CLASSES];

/// Entries that a container may hold of each [`table`](lapwing_abi::share::table).
#[unsafe(no_mangle)]
pub static SHARES: [u32; TABLES] = [0; TABLES];

/// How far ahead each class may spend its allowance, in nanoseconds.
#[unsafe(no_mangle)]
pub static BUDGET_BURST: [u64; CLASSES] = [0; CLASSES];
