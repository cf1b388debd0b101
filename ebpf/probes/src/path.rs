//! Naming a file as the container sees it.
//!
//! The walk goes from the file to the root of the acting task and writes each
//! name as it meets it, so the list comes out leaf first and nothing is ever
//! moved. It takes no lock: a rename at the same moment may mix two paths.

use crate::emit::Builder;
use crate::kernel::{Kptr, Place};
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
/// It ended at a mount that hangs nowhere below the root.
pub const DETACHED: u32 = flags::PATH_DETACHED;

/// Appends the names from `place` up to `root`. Answers how the walk ended, as flags of a record.
#[inline(always)]
pub fn append(builder: &mut Builder, place: Place, root: Place) -> u32 {
    let start = builder.len();
    let mut end = TRUNCATED;
    let mut dentry = place.dentry;
    let mut mnt = place.mnt;
    for _ in 0..STEPS {
        if dentry == root.dentry && mnt == root.mnt {
            end = AT_ROOT;
            break;
        }
        let parent = dentry.follow(Field::DentryParent);
        if dentry == mnt.follow(Field::VfsmountRoot) || dentry == parent {
            // `struct vfsmount` lies inside `struct mount`.
            let mount = Kptr(mnt.0.wrapping_sub(crate::kernel::offset(Field::MountMnt)));
            let above = mount.follow(Field::MountParent);
            if above == mount || above.is_null() {
                // A memory file is its own root and has its name there.
                if builder.len() == start {
                    append_name(builder, dentry);
                }
                end = DETACHED;
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
        dentry = parent;
    }
    builder.forget(end)
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
pub fn append_name(builder: &mut Builder, dentry: Kptr) {
    let name = dentry.at(Field::DentryName).follow(Field::QstrName);
    builder.append(|at| {
        // SAFETY: `at` has room for READ_MAX bytes and the header stands before it, so even
        // the kernels that write one byte before the destination on a fault hurt nothing.
        unsafe { bpf_probe_read_kernel_str(at.cast(), NAME_LEN, name.0 as *const _) }
    });
}
