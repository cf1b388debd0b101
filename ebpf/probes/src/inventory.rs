//! Which files of its image a container uses, while it learns.
//!
//! Every open of the machine looks at one number, which user space sets to 0 while no
//! container learns. Otherwise an open by a process of a container that learns, or of which
//! nothing is known yet, is looked for in a table of those that were noted: what stands there
//! goes no further, and all else is sent once. A file goes by its number, and by its name and
//! folder, for which the kernel keeps a hash that is salted with the folder's address: another
//! file in its place, or another name of it, is news. A container that uses more files than its share
//! of that table goes to another one, with others that do.
//!
//! A process of the container may have a root of its own, as those of a container in it do. Its names are
//! none of the image's. The container's root is known by that of its first program.
//!
//! All of it is apart from behaviours, table, ring and allowance: a flood of opens takes nothing
//! from them. What is shed is counted with the container, and is news the next time.

use crate::emit::{Builder, lost};
use crate::kernel::{self, Kptr, OVERLAYFS_MAGIC, Place, setting};
use crate::seen::raise;
use crate::{budget, maps, path, process};
use aya_ebpf::bindings::BPF_NOEXIST;
use lapwing_abi::fields::Field;
use lapwing_abi::ids::{Loss, Phase};
use lapwing_abi::inventory::{UPPER, USE_BURST, USE_COST, USE_PATH, USED_SHARE, Use, head};
use lapwing_abi::record::HEADER_LEN;
use lapwing_abi::state::{Budget, cgroup_state, watched};

/// Pointers above are errors (`IS_ERR`).
const LAST_POINTER: u64 = u64::MAX - 4095;
// include/linux/fs.h: the first stands in `f_flags`, as `open_exec` asks for it.
const FMODE_EXEC: u32 = 1 << 5;
const FMODE_CREATED: u32 = 1 << 20;
// include/uapi/linux/stat.h
const S_IFMT: u16 = 0o170_000;
const S_IFREG: u16 = 0o100_000;
const S_IFDIR: u16 = 0o040_000;

/// A file was opened, or not (then it is an error).
#[inline(always)]
pub fn opened(file: Kptr) {
    if maps::INVENTORY.get(0).is_some_and(|on| *on != 0) {
        // A function of its own takes numbers, and to the verifier what an fexit is given is a pointer,
        // however it is copied: read by a helper, it is a number.
        note_use(Kptr(&raw const file.0 as u64).read());
    }
}

/// A cgroup was made: what comes in it may be a container that learns.
#[inline(always)]
pub fn begins() {
    if setting!(INVENTORIES) != 0
        && let Some(on) = maps::INVENTORY.get_ptr_mut(0)
    {
        // SAFETY: the map gave the pointer.
        unsafe { on.write_volatile(1) };
    }
}

/// The runtime has executed a container's program: the root that it runs below is the container's.
///
/// Here and below functions of their own for the verifier, and for their place on the stack. Answers 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn begins_below(home: u64) -> u32 {
    if setting!(INVENTORIES) != 0
        && let Some(budget) = maps::BUDGETS.get_ptr_mut(&home)
    {
        let own = word(budget, ROOT);
        // SAFETY: as in `word`.
        unsafe {
            if own.read_volatile() == 0 {
                let root = kernel::root_of(kernel::current_task());
                own.write_volatile(root.mnt.follow(Field::VfsmountRoot).0);
            }
        }
    }
    0
}

/// Looks at an open. Answers 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn note_use(file: u64) -> u32 {
    let _ = noted(Kptr(file));
    0
}

#[inline(always)]
fn noted(file: Kptr) -> Option<()> {
    if setting!(INVENTORIES) == 0 || file.0 == 0 || file.0 >= LAST_POINTER {
        return None;
    }
    let (pid, _) = kernel::current_ids();
    let (process, state) = process::known_in(pid)?;
    let home = process.cgroup;
    let budget = allowance(home)?;
    // SAFETY: the map gave the pointer.
    let said = unsafe { (&raw const (*budget).watched).read_volatile() };
    if state == cgroup_state::HOST || said == watched::MONITORING {
        return None;
    }
    let mode: u32 = file.get(Field::FileMode);
    let runs = file.get::<u32>(Field::FileFlags) & FMODE_EXEC != 0;
    let phase = process.phase;
    if mode & FMODE_CREATED != 0 || phase == u32::from(Phase::Escaped.raw()) {
        return None;
    }
    let place = Place::at(file.at(Field::FilePath));
    let root = kernel::root_of(kernel::current_task());
    if place.mnt != root.mnt {
        return None;
    }
    // The runtime's own steps are none of the container's, but for the program that it executes there.
    if phase == u32::from(Phase::Runtime.raw()) && !(runs && kernel::is_foreign(root.dentry)) {
        return None;
    }
    let inode = place.dentry.follow(Field::DentryInode);
    let how = match inode.get::<u16>(Field::InodeMode) & S_IFMT {
        S_IFDIR => Use::List,
        S_IFREG if runs => Use::Exec,
        S_IFREG => Use::Open,
        _ => return None,
    };
    let number: u64 = inode.get(Field::InodeNumber);
    let hash: u64 = place.dentry.at(Field::DentryName).get(Field::QstrHash);
    let key = key(home, number, hash, how);
    if is_noted(budget, &key) {
        return None;
    }
    send(budget, home, pid, how, place, root, key)
}

/// One of the words that a container's allowance has for uses.
#[inline(always)]
fn word(budget: *mut Budget, which: usize) -> *mut u64 {
    // SAFETY: the map gave the pointer, and there are four words.
    unsafe { (&raw mut (*budget).uses).cast::<u64>().add(which) }
}

/// Until when the allowance is spent.
const SPENT: usize = 0;
const NOTED: usize = 1;
const SHED: usize = 2;
/// The directory entry at the root of the container's root mount.
const ROOT: usize = 3;

#[inline(always)]
fn is_noted(budget: *mut Budget, key: &u64) -> bool {
    // SAFETY: as in `word`; of the maps only whether it is there is asked.
    unsafe {
        maps::USED.get(key).is_some()
            || word(budget, NOTED).read_volatile() > USED_SHARE
                && maps::USED_BEYOND.get(key).is_some()
    }
}

/// Has a use go no further from now on.
#[inline(always)]
fn note(budget: *mut Budget, key: &u64, now: u64) {
    let noted = word(budget, NOTED);
    // SAFETY: as in `word`.
    let _ = match unsafe { noted.read_volatile() } < USED_SHARE {
        true => maps::USED.insert(key, &now, 0),
        false => maps::USED_BEYOND.insert(key, &now, 0),
    };
    raise(noted);
}

/// What the allowance of a container is kept in.
#[inline(always)]
fn allowance(home: u64) -> Option<*mut Budget> {
    if let Some(budget) = maps::BUDGETS.get_ptr_mut(&home) {
        return Some(budget);
    }
    let _ = maps::BUDGETS.insert(&home, &budget::FRESH, u64::from(BPF_NOEXIST));
    let budget = maps::BUDGETS.get_ptr_mut(&home);
    if budget.is_none() {
        lost(Loss::BudgetTableFull);
    }
    budget
}

/// Under which key a use is remembered: mixed, so that it is another's as seldom as chance has it.
#[inline(always)]
fn key(home: u64, number: u64, hash: u64, how: Use) -> u64 {
    let [one, other] = setting!(SECRET);
    let mut mixed = (home ^ one).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 32 ^ number).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 32 ^ hash ^ other).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ mixed >> 32).wrapping_add(u64::from(how.raw()))
}

#[inline(always)]
fn send(
    budget: *mut Budget,
    home: u64,
    pid: u32,
    how: Use,
    place: Place,
    root: Place,
    key: u64,
) -> Option<()> {
    let now = kernel::now();
    let (until, shed) = (word(budget, SPENT), word(budget, SHED));
    // SAFETY: as in `word`. Two processors that spend at the same moment may spend once.
    let spent = unsafe { until.read_volatile() };
    let after = if spent > now { spent } else { now } + USE_COST;
    if after - now > USE_BURST {
        raise(shed);
        return None;
    }
    // Before what it pays for, which may lead nowhere.
    // SAFETY: as above.
    unsafe { until.write_volatile(after) };
    let Some(mut builder) = Builder::new() else {
        raise(shed);
        return None;
    };
    let walk = path::append(&mut builder, place, root);
    // SAFETY: as above.
    let own = Kptr(unsafe { word(budget, ROOT).read_volatile() });
    let top = root.mnt.follow(Field::VfsmountRoot);
    let is_own = own.is_null() || own == top;
    if walk.end == path::AT_ROOT && (walk.on_root == 0 || !is_own) {
        // Not the image's; or, below another root of the same file system, maybe by another name.
        if walk.on_root != 0 && own.follow(Field::DentrySb) == top.follow(Field::DentrySb) {
            raise(shed);
        }
        note(budget, &key, now);
        return None;
    }
    let inode = place.dentry.follow(Field::DentryInode);
    let is_upper = place.magic() == OVERLAYFS_MAGIC && kernel::upper_entry(inode) != 0;
    let marks = if is_upper { UPPER } else { 0 };
    let words = head(home, pid, how, marks, now);
    let path = (builder.len() - HEADER_LEN) as u64;
    // SAFETY: as above.
    unsafe { until.write_volatile(after + path / USE_PATH * USE_COST) };
    if walk.end != path::AT_ROOT || !builder.put(words, &maps::USES) {
        raise(shed);
        return None;
    }
    note(budget, &key, now);
    Some(())
}
