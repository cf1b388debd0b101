//! Naming a file as the container sees it.
//!
//! The walk goes from the file to the root of the acting task and writes each
//! name as it meets it, so the list comes out leaf first and nothing is ever
//! moved. It takes no lock: a rename at the same moment may mix two paths.

use crate::emit::Builder;
use crate::kernel::{Kptr, Place};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use lapwing_abi::fields::Field;
use lapwing_abi::record::PATH_MAX;

/// Names and mount crossings of one walk.
const STEPS: u32 = 128;
/// Longest name in a directory, NUL included.
const NAME_LEN: u32 = 256;

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At the root.
    Root,
    /// At a mount that hangs nowhere below the root.
    Detached,
    /// Too deep or too long: what is missing is the side of the root.
    Truncated,
}

/// Appends the names from `place` up to `root`.
#[inline(always)]
pub fn append(builder: &mut Builder, place: Place, root: Place) -> End {
    let start = builder.len();
    let mut dentry = place.dentry;
    let mut mnt = place.mnt;
    for _ in 0..STEPS {
        if dentry == root.dentry && mnt == root.mnt {
            return End::Root;
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
                return End::Detached;
            }
            dentry = mount.follow(Field::MountPoint);
            mnt = above.at(Field::MountMnt);
            continue;
        }
        if builder.len() - start > PATH_MAX - NAME_LEN as usize {
            return End::Truncated;
        }
        append_name(builder, dentry);
        dentry = parent;
    }
    End::Truncated
}

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
