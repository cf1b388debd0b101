//! Naming a file as the container sees it.
//!
//! The walk goes from the file to the root of the acting task's mount namespace
//! and writes each name as it meets it, so the list comes out leaf first and
//! nothing is ever moved. It takes no lock. A name and the folder it stands in are
//! taken together: the entry's sequence is read before and after, and where a rename
//! came between, both are read again. So a path holds one rename or none of it; only
//! two renames of two folders, one after the other within one walk, can give a path
//! that stood at no single moment.
//!
//! The namespace's root and not the task's own: a process that changed its root
//! within the container (chroot) must not give its files the names of others.
//! The mount at that root is the container's root mount; where mounts cover one
//! another there (a root that was moved over the first one), it is the top one.

use crate::emit::Builder;
use crate::kernel::{self, Kptr, Place, mount_of};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use core::hint::black_box;
use lapwing_abi::fields::{Field, MISSING};
use lapwing_abi::ids::flags;
use lapwing_abi::record::PATH_MAX;

/// Names and mount crossings of one walk.
const STEPS: u32 = 128;
/// Longest name in a directory, NUL included.
const NAME_LEN: u32 = 256;
/// Steps of the search for a mount: comparisons of one folder with one mount's root.
const MOUNT_STEPS: u32 = 512;

/// The walk ended at the root.
pub const AT_ROOT: u32 = 0;
/// It ran out of steps or of room: what is missing is the side of the root.
pub const TRUNCATED: u32 = flags::PATH_TRUNCATED;
/// It ended at a mount of another namespace, or of none, or at a folder that hangs nowhere: a
/// handle opened a file whose folders nobody looked up, or what a bind mount shows a part of was
/// moved out of that part.
pub const DETACHED: u32 = flags::PATH_DETACHED;

/// How a walk ended.
#[derive(Clone, Copy)]
pub struct Walk {
    /// One of the constants above: flags of a record.
    pub end: u32,
    /// Not 0 if the place lies on the root mount itself.
    pub on_root: u32,
}

/// Appends the names from `place` up to the root of the namespace that `root` is mounted in.
#[inline(always)]
pub fn append(_builder: &mut Builder, place: Place, root: Place) -> Walk {
    let end = append_names(place.dentry.0, place.mnt.0, root.mnt.0);
    Walk {
        end: end as u32,
        on_root: (end >> 32) as u32,
    }
}

/// [`append`], as a function of its own (in the kernel's words a global one, since Linux 5.6): the
/// verifier follows its loop once for each program, and not once for each path and each way that
/// leads to it.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn append_names(dentry: u64, mnt: u64, root: u64) -> u64 {
    let Some(mut builder) = Builder::resume() else {
        return u64::from(TRUNCATED);
    };
    let place = Place {
        mnt: Kptr(mnt),
        dentry: Kptr(dentry),
    };
    let walk = walk(&mut builder, place, Kptr(root));
    u64::from(walk.on_root) << 32 | u64::from(walk.end)
}

#[inline(always)]
fn walk(builder: &mut Builder, place: Place, root: Kptr) -> Walk {
    let start = builder.len();
    let namespace = mount_of(root).follow(Field::MountNamespace);
    let mut end = TRUNCATED;
    let mut on_root = 0;
    let mut dentry = place.dentry;
    let mut mnt = place.mnt;
    let mut top = mnt.follow(Field::VfsmountRoot);
    builder.uncover();
    for _ in 0..STEPS {
        if dentry == top {
            let mount = mount_of(mnt);
            let above = mount.follow(Field::MountParent);
            builder.cover(mnt);
            if above == mount || above.is_null() {
                if mount.follow(Field::MountNamespace) == namespace {
                    end = AT_ROOT;
                    on_root = u32::from(builder.covering() == place.mnt);
                } else {
                    if builder.len() == start {
                        append_top(builder, dentry);
                    }
                    end = DETACHED;
                }
                break;
            }
            dentry = mount.follow(Field::MountPoint);
            mnt = above.at(Field::MountMnt);
            top = mnt.follow(Field::VfsmountRoot);
            continue;
        }
        let sequence: u32 = dentry.get(Field::DentrySeq);
        let parent = dentry.follow(Field::DentryParent);
        if dentry == parent {
            append_top(builder, dentry);
            end = DETACHED;
            break;
        }
        if builder.len() - start >= PATH_MAX {
            break;
        }
        let moved = append_name(builder, dentry, sequence);
        builder.uncover();
        // Once more, if it moved: a choice without a branch, for the verifier.
        dentry = Kptr(parent.0 & !moved | dentry.0 & moved);
    }
    Walk {
        end: builder.forget(end),
        on_root: builder.forget(on_root),
    }
}

/// The flags of a walk, for the second path of a record.
#[inline(always)]
pub fn for_target(end: u32) -> u32 {
    end << 2
}

const _: () =
    assert!(TRUNCATED << 2 == flags::TARGET_TRUNCATED && DETACHED << 2 == flags::TARGET_DETACHED);

/// Appends one name, unless the entry was renamed since its sequence was this: answers all ones
/// then, else 0.
#[inline(always)]
fn append_name(builder: &mut Builder, dentry: Kptr, sequence: u32) -> u64 {
    let mut moved = 0;
    builder.append(|at| {
        let name = dentry.at(Field::DentryName).follow(Field::QstrName);
        // SAFETY: `at` has room for READ_MAX bytes and the header stands before it, so even
        // the kernels that write one byte before the destination on a fault hurt nothing.
        let read = unsafe { bpf_probe_read_kernel_str(at.cast(), NAME_LEN, name.0 as *const _) };
        let now: u32 = dentry.get(Field::DentrySeq);
        // Odd while a rename goes on.
        let difference = i64::from((now ^ sequence) | (sequence & 1));
        moved = black_box(difference.wrapping_neg() >> 63) as u64;
        // Below 0 nothing is appended.
        read | moved as i64
    });
    moved
}

/// Appends the name of an entry that has no folder above: a memory file has one, the root of a
/// file system does not.
#[inline(always)]
fn append_top(builder: &mut Builder, dentry: Kptr) {
    let name = dentry.at(Field::DentryName).follow(Field::QstrName);
    builder.append(|at| {
        // SAFETY: as in `append_name`.
        let read = unsafe { bpf_probe_read_kernel_str(at.cast(), NAME_LEN, name.0 as *const _) };
        if name.read::<u8>() == b'/' { -1 } else { read }
    });
}

/// Appends the name of a file that has none and never had: the path ends behind its folder.
#[inline(always)]
pub fn append_nameless(builder: &mut Builder, is_nameless: bool) {
    builder.append(|at| {
        // SAFETY: `at` has room for READ_MAX bytes.
        unsafe { at.write(0) };
        i64::from(is_nameless)
    });
}

/// A mount (`struct vfsmount`) of the namespace that `root` is mounted in, below whose root the
/// entry lies: for functions that are told no mount. Null where there is none, or none within
/// so many steps.
///
/// The mounts of the entry's file system are tried in turn, each of the namespace with every
/// folder above the entry.
#[inline(always)]
pub fn mount_in(dentry: Kptr, root: Place) -> Kptr {
    let namespace = mount_of(root.mnt).follow(Field::MountNamespace);
    let head = dentry.follow(Field::DentrySb).at(Field::SuperMounts);
    // A list of members, or since Linux 6.18 of the mounts themselves.
    let link = kernel::offset(Field::MountLink);
    let is_list = kernel::offset(Field::MountInstance) != u64::from(MISSING);
    let (back, forth) = if is_list { (link, 0) } else { (0, link) };
    let last = if is_list { head.0 } else { 0 };
    let mut entry: u64 = head.read();
    let mut folder = dentry;
    let mut found = Kptr(0);
    for _ in 0..MOUNT_STEPS {
        if entry == last || entry == 0 {
            break;
        }
        let mount = Kptr(entry.wrapping_sub(back));
        if mount.follow(Field::MountNamespace) == namespace {
            let mnt = mount.at(Field::MountMnt);
            if mnt.follow(Field::VfsmountRoot) == folder {
                found = mnt;
                break;
            }
            let parent = folder.follow(Field::DentryParent);
            if parent != folder {
                folder = parent;
                continue;
            }
        }
        folder = dentry;
        entry = Kptr(entry.wrapping_add(forth)).read();
    }
    found
}
