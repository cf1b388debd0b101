//! Which files of its image a container uses, while it learns.
//!
//! Every open of the machine looks at one number, which user space sets to 0 while no
//! container learns. Otherwise an open by a process of a container that learns, or of which
//! nothing is known yet, is looked for in a table of those that were noted: what stands there
//! goes no further, and all else is sent once. A file goes by its number, and by its name and
//! folder, for which the kernel keeps a hash that is salted with the folder's address: another
//! file in its place, or another name of it, is news.
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
use lapwing_abi::inventory::{UPPER, USE_BURST, USE_COST, Use, head};
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

/// A function of its own for the verifier, and for its place on the stack. Answers 0.
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
    // The runtime's own steps are none of the container's, but for the program that it executes.
    if mode & FMODE_CREATED != 0
        || phase == u32::from(Phase::Runtime.raw()) && !runs
        || phase == u32::from(Phase::Escaped.raw())
    {
        return None;
    }
    let place = Place::at(file.at(Field::FilePath));
    let root = kernel::root_of(kernel::current_task());
    if place.mnt != root.mnt {
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
    // SAFETY: only whether it is there is asked.
    if unsafe { maps::USED.get(&key) }.is_some() {
        return None;
    }
    send(budget, home, pid, how, place, root, key)
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
    // SAFETY: the map gave the pointer. Two processors that spend at the same moment may spend once.
    let [until, sent, shed] = unsafe {
        let uses = (&raw mut (*budget).uses).cast::<u64>();
        [uses, uses.add(1), uses.add(2)]
    };
    // SAFETY: as above.
    let spent = unsafe { until.read_volatile() };
    let after = if spent > now { spent } else { now } + USE_COST;
    if after - now > USE_BURST {
        raise(shed);
        return None;
    }
    let Some(mut builder) = Builder::new() else {
        raise(shed);
        return None;
    };
    let walk = path::append(&mut builder, place, root);
    if walk.end == path::AT_ROOT && walk.on_root == 0 {
        // Not the image's.
        let _ = maps::USED.insert(&key, &now, 0);
        return None;
    }
    let inode = place.dentry.follow(Field::DentryInode);
    let is_upper = place.magic() == OVERLAYFS_MAGIC && kernel::upper_entry(inode) != 0;
    let marks = if is_upper { UPPER } else { 0 };
    let words = head(home, pid, how, marks, now);
    if walk.end != path::AT_ROOT || !builder.put(words, &maps::USES) {
        raise(shed);
        return None;
    }
    // SAFETY: as above.
    unsafe { until.write_volatile(after) };
    raise(sent);
    let _ = maps::USED.insert(&key, &now, 0);
    Some(())
}
