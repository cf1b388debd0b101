//! Where a file lies and what it is called, compared with what was found there before: see
//! [`files`](super::files) for what is compared, and why that is enough.

use crate::emit;
use crate::kernel::{self, Kptr, mount_of};
use crate::maps::{self, SCRATCH_SLOTS};
use aya_ebpf::helpers;
use core::hint::black_box;
use lapwing_abi::fields::Field;

/// Longest path that is kept, a NUL behind each name: a power of two.
pub const PATH: usize = 128;
/// Names below the root of a mount.
const NAMES: u32 = 8;
/// Words of a name with its NUL. Names that fit stand in their entries: `DNAME_INLINE_LEN` of
/// include/linux/dcache.h is 32 or more on machines of 64 bits.
pub const WORDS: u64 = 4;
/// Names above the root of a mount: a power of two.
const ABOVE: usize = 4;
/// Steps of the way up from there.
const STEPS: u32 = 16;
/// How long a path is kept, in nanoseconds.
pub const KEPT_FOR: u64 = 60_000_000_000;

/// What stands in a place of a value of a map.
macro_rules! get {
    ($of:expr, $($field:tt)+) => {
        // SAFETY: the map gave the pointer.
        unsafe { (&raw const (*$of).$($field)+).read_volatile() }
    };
}

/// Writes a place of a value of a map.
macro_rules! set {
    ($of:expr, $value:expr, $($field:tt)+) => {
        // SAFETY: the map gave the pointer.
        unsafe { (&raw mut (*$of).$($field)+).write_volatile($value) }
    };
}

pub(super) use {get, set};

/// The mounts of a file that is opened.
#[repr(C)]
pub struct Mounts {
    /// Who noted them (`bpf_get_current_pid_tgid`): where programs are preempted, tasks share
    /// buffers.
    pub owner: u64,
    /// The file's (`struct vfsmount`); 0 where nothing is noted.
    pub mnt: u64,
    /// That of the task's root.
    root: u64,
    /// The task's namespace of mounts.
    namespace: u64,
    /// Its number.
    event: u64,
    /// How many names stand above the root of the file's mount.
    pub count: u64,
    /// How many bytes they have, with their NULs.
    pub len: u64,
    /// Their entries.
    places: [u64; ABOVE],
    /// The sequences of those.
    sequences: [u64; ABOVE],
}

/// A file, by addresses of which the verifier knows the types.
#[derive(Clone, Copy)]
pub struct File {
    /// The `struct vfsmount`.
    pub mnt: Kptr,
    /// The `struct dentry`.
    pub dentry: Kptr,
}

impl File {
    /// At the address of a `struct path`.
    #[inline(always)]
    pub fn at(path: Kptr) -> Self {
        Self {
            mnt: path.reach(Field::PathMnt),
            dentry: path.reach(Field::PathDentry),
        }
    }

    /// A number for the file. Not its address: the verifier lets nothing be computed with that but
    /// the distance of two.
    #[inline(always)]
    pub fn number(self) -> u64 {
        self.dentry.0.wrapping_sub(self.mnt.0)
    }
}

/// The mount of the running task's root, and its namespace of mounts.
#[inline(always)]
fn of_task() -> (Kptr, Kptr) {
    let task = kernel::current_task_typed();
    let root = task
        .reach(Field::TaskFs)
        .at(Field::FsRoot)
        .reach(Field::PathMnt);
    (
        root,
        task.reach(Field::TaskNsproxy).reach(Field::NsproxyMount),
    )
}

/// Whether the mounts of a file that the running task has at hand are those.
#[inline(always)]
pub fn are_its(mounts: *const Mounts, file: File) -> bool {
    let (root, namespace) = of_task();
    let event: u64 = namespace.direct(Field::NamespaceEvent);
    get!(mounts, mnt) == file.mnt.0
        && get!(mounts, root) == root.0
        && get!(mounts, namespace) == namespace.0
        && get!(mounts, event) == event
}

/// Whether the names above the root of the file's mount are what they were.
#[inline(always)]
pub fn is_above(mounts: *const Mounts) -> bool {
    for at in 0..ABOVE {
        // Read each time: if it were known before, it would become the bound of the loop, and the
        // verifier would not know how far that is.
        if at as u64 >= get!(mounts, count) {
            break;
        }
        let place = Kptr(get!(mounts, places[at]));
        if u64::from(place.get::<u32>(Field::DentrySeq)) != get!(mounts, sequences[at]) {
            return false;
        }
    }
    true
}

/// Notes the mounts of a file in the running task's buffer, before its path is walked.
#[inline(always)]
pub fn note(file: File) {
    let (root, namespace) = of_task();
    let me = helpers::bpf_get_current_pid_tgid();
    let slot = emit::slot(me);
    let Some(scratch) = maps::SCRATCH.get_ptr_mut(slot) else {
        return;
    };
    set!(scratch, me, mounts.owner);
    set!(scratch, file.mnt.0, mounts.mnt);
    set!(scratch, root.0, mounts.root);
    set!(scratch, namespace.0, mounts.namespace);
    set!(
        scratch,
        namespace.direct(Field::NamespaceEvent),
        mounts.event
    );
    // Once more: another may have begun to note its own meanwhile.
    set!(scratch, me, mounts.owner);
    above(slot);
}

/// Whether a file is called what a path says, of which so many bytes are below the root of its mount.
/// The path has room for [`PATH`] bytes and a name more. `unknown` is any number that the verifier
/// does not know.
#[inline(always)]
pub fn is_called(path: *const u8, own: u64, file: File, unknown: u64) -> bool {
    let top = file.mnt.reach(Field::VfsmountRoot);
    let mut dentry = file.dentry;
    let mut at = 0_u64;
    for _ in 0..NAMES {
        if dentry == top {
            return at == own;
        }
        let sequence: u32 = dentry.direct(Field::DentrySeq);
        let parent = dentry.reach(Field::DentryParent);
        let name = dentry.at(Field::DentryName);
        let len = u64::from(name.direct::<u32>(Field::QstrLen));
        let text = dentry.at(Field::DentryShortName);
        if sequence & 1 != 0
            || len >= 8 * WORDS
            || name.direct::<u64>(Field::QstrName) != text.0
            || at >= PATH as u64
        {
            return false;
        }
        // SAFETY: the mask keeps it inside the path; WORDS words follow.
        let kept = unsafe { path.add(black_box(at) as usize & (PATH - 1)) };
        let len = len + 1;
        for word in 0..WORDS {
            if 8 * word >= len {
                break;
            }
            let left = len - 8 * word;
            let differs = word_at(text, word) ^ unaligned(kept, word);
            // Behind the NUL stands anything.
            let beyond = if left < 8 { 64 - 8 * left } else { 0 };
            if differs << (beyond & 63) != 0 {
                return false;
            }
        }
        if dentry.direct::<u32>(Field::DentrySeq) != sequence {
            return false;
        }
        // The verifier is to see the rounds as one state, and not one for each length of each
        // name: of what is changed twice by a number that it does not know, it knows nothing.
        at = black_box((at + len) ^ unknown) ^ unknown;
        dentry = parent;
    }
    false
}

#[inline(always)]
fn word_at(text: Kptr, word: u64) -> u64 {
    // SAFETY: as in `Kptr::direct`.
    unsafe { (text.plus(8 * word).0 as *const u64).read_volatile() }
}

/// A word of a text that may begin anywhere.
#[inline(always)]
fn unaligned(text: *const u8, word: u64) -> u64 {
    let out: u64;
    // By hand: of a place that may begin anywhere the compiler reads the bytes one by one. The
    // verifier asks for no alignment in maps where the processor does not.
    // SAFETY: the callers pass a place in a map's value that WORDS words follow.
    unsafe {
        core::arch::asm!("{out} = *(u64 *)({text} + 0)", out = out(reg) out, text = in(reg) text.add(8 * word as usize));
    }
    out
}
/// Notes the names above the root of the mount that is noted in a buffer; nothing is noted if
/// there are too many, or if the mounts are not of the task's namespace. Answers 0.
///
/// A function of its own for the verifier, and for its place on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn above(slot: u32) -> u32 {
    let Some(scratch) = maps::SCRATCH.get_ptr_mut(slot & (SCRATCH_SLOTS - 1)) else {
        return 0;
    };
    set!(scratch, 0, mounts.count);
    set!(scratch, 0, mounts.len);
    let namespace = Kptr(get!(scratch, mounts.namespace));
    let root = mount_of(Kptr(get!(scratch, mounts.root)));
    let mut mount = mount_of(Kptr(get!(scratch, mounts.mnt)));
    let is_ours = root.follow(Field::MountNamespace) == namespace
        && mount.follow(Field::MountNamespace) == namespace;
    let mut dentry = mount.at(Field::MountMnt).follow(Field::VfsmountRoot);
    let mut top = dentry;
    let mut is_whole = false;
    for _ in 0..STEPS {
        if dentry == top {
            let parent = mount.follow(Field::MountParent);
            if parent == mount || parent.is_null() {
                is_whole = true;
                break;
            }
            dentry = mount.follow(Field::MountPoint);
            mount = parent;
            top = mount.at(Field::MountMnt).follow(Field::VfsmountRoot);
            continue;
        }
        let count = get!(scratch, mounts.count) as usize;
        if count >= ABOVE {
            break;
        }
        let index = black_box(count) & (ABOVE - 1);
        let sequence: u32 = dentry.get(Field::DentrySeq);
        let len: u32 = dentry.at(Field::DentryName).get(Field::QstrLen);
        // SAFETY: the mask keeps the index inside.
        unsafe {
            (&raw mut (*scratch).mounts.places)
                .cast::<u64>()
                .add(index)
                .write_volatile(dentry.0);
            (&raw mut (*scratch).mounts.sequences)
                .cast::<u64>()
                .add(index)
                .write_volatile(sequence.into());
        }
        set!(scratch, count as u64 + 1, mounts.count);
        let before = get!(scratch, mounts.len);
        set!(scratch, before + u64::from(len) + 1, mounts.len);
        dentry = dentry.follow(Field::DentryParent);
    }
    if !is_whole || !is_ours {
        set!(scratch, 0, mounts.mnt);
    }
    0
}

/// Whether the mounts that are noted in a buffer are still where they were.
#[inline(always)]
pub fn are_still(mounts: *const Mounts) -> bool {
    let event: u64 = Kptr(get!(mounts, namespace)).get(Field::NamespaceEvent);
    let mut changed = event ^ get!(mounts, event);
    let count = get!(mounts, count);
    for at in 0..ABOVE {
        if at as u64 >= count {
            break;
        }
        let sequence: u32 = Kptr(get!(mounts, places[at])).get(Field::DentrySeq);
        let before = get!(mounts, sequences[at]);
        // Odd while a rename goes on.
        changed |= u64::from(sequence) ^ before | before & 1;
    }
    changed == 0 && event != 0
}
