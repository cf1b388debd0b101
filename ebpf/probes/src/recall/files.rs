//! Opens for writing that were judged lately.
//!
//! The key of such a behaviour is a hash of the file's path, so to know it the path must be
//! walked, name by name, by helpers, and hashed. Here stands what a walk has found. It is
//! not trusted but *compared with the file that is opened now*: whoever makes a directory
//! under the address or the inode number of another, or moves one, cannot have his file
//! taken for it, because no address of a directory and no inode number is looked at.
//!
//! - **Below the root of the file's mount** the names are read again from the entries
//!   themselves (`struct dentry`), up to the mount's root, and each is compared with what
//!   stands here, its sequence read before and after as in [`path`](crate::path). What
//!   costs in a walk are the helpers and the hash; loads without a helper
//!   ([`Kptr::direct`]) cost a tenth. Renames, removals, links, other files under the same
//!   name: what is compared is what the file is called at this moment.
//! - **The mounts** are the same, in the same places, as long as the namespace says so: it
//!   counts the changes of its tree (`mnt_namespace.event`, for those who poll
//!   `/proc/mounts`) from one counter of all namespaces, so a namespace that stands at the
//!   address of another has another number. The task's root must lie on the same mount
//!   as then. That both mounts belong to the task's own namespace was made sure of then.
//! - **Above the root of the file's mount**, up to the namespace's, the entries cannot
//!   go away, because the mounts hold them, but they can be renamed. Each has a sequence
//!   that a rename raises; they are compared. The root mount of a container has none.
//! - **After a minute** a path is walked again in any case, so no counter can be made to
//!   come round to the same number.
//! - Everything else that is in the key ([`lapwing_abi::key`]) is compared, or the same by
//!   the above: program, phase, operation; the kind of the mount. Paths that are cut or
//!   detached, what a process that is not known opens, `/proc` (there the process is in the
//!   key), files without a name, and names that do not stand in their entry (32 bytes and
//!   more) are not kept.
//!
//! So what is found is the key under which the same open would be found by walking.
//! Whether it may be held back is asked of [`seen`] each time, where it is counted: what is
//! retired, forgotten or pending for too long takes the long way as if nothing stood here.
//!
//! One entry for each hash of the file's address, program and operation: another one of the same
//! hash takes its place, and costs a walk. Only the trampoline (tier A1) comes here, and only where
//! [`maps::DIRECT`] says so; kprobes and system calls walk each time.

use super::guard::{self, Guard};
use crate::class::PARTIAL;
use crate::kernel::{self, Kptr, mount_of};
use crate::maps::{self, RECALLED, SCRATCH_SLOTS};
use crate::{emit, news, process, seen};
use aya_ebpf::helpers;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use core::hint::black_box;
use lapwing_abi::fields::Field;
use lapwing_abi::ids::{Kind, Mount};
use lapwing_abi::record::{HEADER_LEN, Header};
use lapwing_abi::state::{Process, cgroup_state};

/// Longest path that is kept, a NUL behind each name: a power of two.
const PATH: usize = 128;
/// Names below the root of a mount.
const NAMES: u32 = 8;
/// Words of a name with its NUL. Names that fit stand in their entries: `DNAME_INLINE_LEN` of
/// include/linux/dcache.h is 32 or more on machines of 64 bits.
const WORDS: u64 = 4;
/// Names above the root of a mount: a power of two.
const ABOVE: usize = 4;
/// Steps of the way up from there.
const STEPS: u32 = 16;
/// How long a path is kept, in nanoseconds.
const KEPT_FOR: u64 = 60_000_000_000;

/// The mounts of a file that is opened.
#[repr(C)]
pub struct Mounts {
    /// Who noted them (`bpf_get_current_pid_tgid`): where programs are preempted, tasks share
    /// buffers.
    owner: u64,
    /// The file's (`struct vfsmount`); 0 where nothing is noted.
    mnt: u64,
    /// That of the task's root.
    root: u64,
    /// The task's namespace of mounts.
    namespace: u64,
    /// Its number.
    event: u64,
    /// How many names stand above the root of the file's mount.
    count: u64,
    /// How many bytes they have, with their NULs.
    len: u64,
    /// Their entries.
    places: [u64; ABOVE],
    /// The sequences of those.
    sequences: [u64; ABOVE],
}

/// An open that was judged.
#[repr(C)]
pub struct Opened {
    guard: Guard,
    /// The program that acts.
    image: u64,
    /// The phase, and above it the operation.
    how: u64,
    /// The container.
    home: u64,
    mounts: Mounts,
    /// How many bytes of the path are below the root of the mount.
    own: u64,
    key: u64,
    /// Until when it is kept, since boot in nanoseconds.
    until: u64,
    path: [u8; PATH + 8 * WORDS as usize],
}

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

/// An open by the running task.
#[derive(Clone, Copy)]
pub struct Open {
    /// The `struct vfsmount` of the file, of which the verifier knows the type.
    mnt: Kptr,
    /// Its `struct dentry`, the same.
    dentry: Kptr,
    /// An [`Operation`](lapwing_abi::ids::Operation).
    operation: u8,
    index: u32,
    image: u64,
    how: u64,
    /// Whose open it is: containers may share a mount namespace.
    home: u64,
}

impl Open {
    /// By a process that is known; the verifier must know the types of both addresses.
    #[inline(always)]
    pub fn of(process: *const Process, file: Kptr, dentry: Kptr, operation: u8) -> Self {
        let image = get!(process, image);
        let how = u64::from(get!(process, phase)) | u64::from(operation) << 32;
        let home = get!(process, cgroup);
        let mnt = file.at(Field::FilePath).reach(Field::PathMnt);
        // The distance of two addresses, because the verifier lets nothing else be computed.
        let distance = dentry.0.wrapping_sub(mnt.0);
        let mixed = (distance ^ image ^ how << 8).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self {
            mnt,
            dentry,
            operation,
            index: (mixed >> 40) as u32,
            image,
            how,
            home,
        }
    }

    #[inline(always)]
    fn entry(self) -> Option<*mut Opened> {
        maps::OPENED.get_ptr_mut(self.index & (RECALLED - 1))
    }

    /// Whether it is no news; it is counted then.
    #[inline(always)]
    pub fn is_known(self) -> bool {
        self.known().is_some()
    }

    #[inline(always)]
    fn known(self) -> Option<()> {
        let entry = self.entry()?;
        let round = guard::round(entry.cast())?;
        let task = kernel::current_task_typed();
        let root = task
            .reach(Field::TaskFs)
            .at(Field::FsRoot)
            .reach(Field::PathMnt);
        let namespace = task.reach(Field::TaskNsproxy).reach(Field::NsproxyMount);
        let event: u64 = namespace.direct(Field::NamespaceEvent);
        if get!(entry, image) != self.image
            || get!(entry, how) != self.how
            || get!(entry, home) != self.home
            || get!(entry, mounts.mnt) != self.mnt.0
            || get!(entry, mounts.root) != root.0
            || get!(entry, mounts.namespace) != namespace.0
            || get!(entry, mounts.event) != event
        {
            return None;
        }
        let now = kernel::now();
        if now > get!(entry, until) || !is_called(entry, self, now) {
            return None;
        }
        let count = get!(entry, mounts.count);
        for at in 0..ABOVE {
            if at as u64 >= count {
                break;
            }
            let place = Kptr(get!(entry, mounts.places[at]));
            if u64::from(place.get::<u32>(Field::DentrySeq)) != get!(entry, mounts.sequences[at]) {
                return None;
            }
        }
        let key = get!(entry, key);
        if !guard::is_still(entry.cast(), round) {
            return None;
        }
        (seen::is_known(self.home, key, now) != 0).then_some(())
    }

    /// Notes the mounts of the file, before its path is walked.
    #[inline(always)]
    pub fn note(self) {
        let task = kernel::current_task_typed();
        let root = task
            .reach(Field::TaskFs)
            .at(Field::FsRoot)
            .reach(Field::PathMnt);
        let namespace = task.reach(Field::TaskNsproxy).reach(Field::NsproxyMount);
        let me = helpers::bpf_get_current_pid_tgid();
        let slot = emit::slot(me);
        let Some(scratch) = maps::SCRATCH.get_ptr_mut(slot) else {
            return;
        };
        set!(scratch, me, mounts.owner);
        set!(scratch, self.mnt.0, mounts.mnt);
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

    /// Keeps the key of the record that the running task just sent, which was about this open.
    #[inline(always)]
    pub fn keep(self) {
        let slot = emit::slot(helpers::bpf_get_current_pid_tgid());
        keep(slot, self.index, self.operation.into());
    }
}

/// Whether the file is called what the entry says, below the root of its mount.
#[inline(always)]
fn is_called(entry: *mut Opened, open: Open, unknown: u64) -> bool {
    let top = open.mnt.reach(Field::VfsmountRoot);
    let mut dentry = open.dentry;
    let mut at = 0_u64;
    for _ in 0..NAMES {
        if dentry == top {
            return at == get!(entry, own);
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
        let kept = unsafe {
            (&raw const (*entry).path)
                .cast::<u8>()
                .add(black_box(at) as usize & (PATH - 1))
        };
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
fn are_still(mounts: *const Mounts) -> bool {
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

/// Keeps what the record in a buffer says. Answers 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn keep(slot: u32, index: u32, operation: u64) -> u32 {
    let _ = kept(slot, index, operation);
    0
}

#[inline(always)]
fn kept(slot: u32, index: u32, operation: u64) -> Option<()> {
    let header: *const Header = news::last()?;
    let scratch = maps::SCRATCH.get_ptr_mut(slot & (SCRATCH_SLOTS - 1))?;
    // SAFETY: the map gave the pointer.
    let mounts = unsafe { &raw const (*scratch).mounts };
    let (home, key) = (get!(header, cgroup), get!(header, key));
    let [own, rest @ ..] = get!(header, sections);
    let own = u64::from(own);
    let len = get!(mounts, len);
    if get!(header, kind) != Kind::File.raw()
        || u64::from(get!(header, operation)) != operation
        || get!(header, flags) & PARTIAL != 0
        || get!(header, mount) == Mount::ProcSys.raw()
        || get!(header, mount) == Mount::Unknown.raw()
        || key == 0
        || rest != [0; 3]
        || own > PATH as u64
        || own < len
        || get!(mounts, mnt) == 0
        || get!(mounts, owner) != helpers::bpf_get_current_pid_tgid()
        || !are_still(mounts)
        || process::cgroup(home).state != cgroup_state::CONTAINER
    {
        return None;
    }
    let (pid, _) = kernel::current_ids();
    let process = maps::PROCESSES.get_ptr(&pid)?;
    let (image, phase) = (get!(process, image), get!(process, phase));
    if phase != u32::from(get!(header, phase)) {
        return None;
    }
    let entry = maps::OPENED.get_ptr_mut(index & (RECALLED - 1))?;
    let until = kernel::now() + KEPT_FOR;
    guard::write(entry.cast(), || {
        set!(entry, image, image);
        set!(entry, u64::from(phase) | operation << 32, how);
        set!(entry, home, home);
        set!(entry, key, key);
        set!(entry, own - len, own);
        // SAFETY: both are values of maps, and as long as said.
        unsafe {
            bpf_probe_read_kernel(
                (&raw mut (*entry).mounts).cast(),
                size_of::<Mounts>() as u32,
                mounts.cast(),
            );
            bpf_probe_read_kernel(
                (&raw mut (*entry).path).cast(),
                PATH as u32,
                (&raw const (*scratch).bytes)
                    .cast::<u8>()
                    .add(HEADER_LEN)
                    .cast(),
            );
        }
        // Another task may have written into the buffer meanwhile.
        let is_whole =
            news::last().is_some() && get!(mounts, owner) == helpers::bpf_get_current_pid_tgid();
        set!(entry, if is_whole { until } else { 0 }, until);
    });
    Some(())
}
