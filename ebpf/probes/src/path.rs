//! Naming a file as the container sees it.
//!
//! The walk goes from the file to the root of the acting task's mount namespace
//! and writes each name as it meets it, so the list comes out leaf first and
//! nothing is ever moved. It takes no lock: a rename at the same moment may mix
//! two paths.
//!
//! The namespace's root and not the task's own: a process that changed its root
//! within the container (chroot) must not give its files the names of others.
//! The mount at that root is the container's root mount; where mounts cover one
//! another there (a root that was moved over the first one), it is the top one.

use crate::emit::Builder;
use crate::kernel::{Kptr, Place, mount_of};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use lapwing_abi::fields::Field;
use lapwing_abi::ids::flags;
use lapwing_abi::record::PATH_MAX;

/// Names and mount crossings of one walk.
const STEPS: u32 = 128;
/// Longest name in a directory, NUL included.
const NAME_LEN: u32 = 256;

/// The walk ended at the root.
pub const AT_ROOT: u32 = 0;
/// It ran out of steps or of room: what is missing is the side of the root.
pub const TRUNCATED: u32 = flags::PATH_TRUNCATED;
/// It ended at a mount of another namespace, or of none.
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
pub fn append(builder: &mut Builder, place: Place, root: Place) -> Walk {
    let start = builder.len();
    let namespace = mount_of(root.mnt).follow(Field::MountNamespace);
    let mut end = TRUNCATED;
    let mut on_root = 0;
    let mut dentry = place.dentry;
    let mut mnt = place.mnt;
    builder.uncover();
    for _ in 0..STEPS {
        let parent = dentry.follow(Field::DentryParent);
        if dentry == mnt.follow(Field::VfsmountRoot) || dentry == parent {
            let mount = mount_of(mnt);
            let above = mount.follow(Field::MountParent);
            builder.cover(mnt);
            if above == mount || above.is_null() {
                if mount.follow(Field::MountNamespace) == namespace {
                    end = AT_ROOT;
                    on_root = u32::from(builder.covering() == place.mnt);
                } else {
                    // A memory file is its own root and has its name there.
                    if builder.len() == start {
                        append_name(builder, dentry);
                    }
                    end = DETACHED;
                }
                break;
            }
            dentry = mount.follow(Field::MountPoint);
            mnt = above.at(Field::MountMnt);
            continue;
        }
        if builder.len() - start > PATH_MAX - NAME_LEN as usize {
            break;
        }
        append_name(builder, dentry);
        builder.uncover();
        dentry = parent;
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

/// Appends one name.
#[inline(always)]
fn append_name(builder: &mut Builder, dentry: Kptr) {
    let name = dentry.at(Field::DentryName).follow(Field::QstrName);
    builder.append(|at| {
        // SAFETY: `at` has room for READ_MAX bytes and the header stands before it, so even
        // the kernels that write one byte before the destination on a fault hurt nothing.
        unsafe { bpf_probe_read_kernel_str(at.cast(), NAME_LEN, name.0 as *const _) }
    });
}
