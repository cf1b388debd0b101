//! Reads of kernel memory: the only place that follows kernel pointers.
//!
//! Nearly every read goes through `bpf_probe_read_kernel`, which answers with an error
//! for a bad address, so a pointer that went stale between two reads gives a
//! zero and never a fault. That is a call, and costs some 70 instructions.
//!
//! A trampoline's program may do with one: where the verifier knows from the kernel's BTF
//! what a pointer points to, it lets the program load from there ([`Kptr::direct`]), and the
//! kernel answers a fault with a zero just the same. It knows so of arguments, of results
//! and of what is reached from them by fields; it no longer does of a pointer that was
//! computed (the `struct mount` around a `struct vfsmount`) or kept in a map. Only what
//! every open of the machine passes is written so ([`crate::recall`]).

use crate::maps;
use aya_ebpf::helpers::{self, generated};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use lapwing_abi::fields::Field;

/// An address in the kernel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kptr(pub u64);

/// Types that any bytes are a value of.
pub trait Integer {}
impl Integer for u8 {}
impl Integer for u16 {}
impl Integer for u32 {}
impl Integer for u64 {}

/// Reads a setting that the agent fixed before loading.
macro_rules! setting {
    ($name:ident) => {
        // SAFETY: the static is initialised, aligned and never written by this program; the
        // volatile read keeps the compiler from folding the value the agent replaces.
        unsafe { core::ptr::read_volatile(&raw const $crate::maps::$name) }
    };
}
pub(crate) use setting;

/// The offset of a field in the running kernel.
#[inline(always)]
pub fn offset(field: Field) -> u64 {
    // SAFETY: `field` indexes inside the array by construction; volatile as in `setting!`.
    u64::from(unsafe { core::ptr::read_volatile(&raw const maps::OFFSETS[field as usize]) })
}

impl Kptr {
    /// Whether the pointer is null.
    #[inline(always)]
    pub fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The address of a field.
    #[inline(always)]
    pub fn at(self, field: Field) -> Self {
        Self(self.0.wrapping_add(offset(field)))
    }

    /// The address so many bytes further.
    #[inline(always)]
    pub fn plus(self, bytes: u64) -> Self {
        Self(self.0.wrapping_add(bytes))
    }

    /// What stands at the address; 0 where nothing can be read. The result of the helper is
    /// not looked at, because it fills the value with zeros when it fails and a branch would
    /// give the verifier two states to follow from each read.
    #[inline(always)]
    pub fn read<T: Integer>(self) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the helper checks the address and writes the whole value in any case; any
        // bytes are a valid integer.
        unsafe {
            generated::bpf_probe_read_kernel(
                value.as_mut_ptr().cast(),
                size_of::<T>() as u32,
                self.0 as *const c_void,
            );
            value.assume_init()
        }
    }

    /// What stands at this address of the caller's memory; 0 where nothing can be read.
    #[inline(always)]
    pub fn read_user<T: Integer>(self) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: as in `read`.
        unsafe {
            generated::bpf_probe_read_user(
                value.as_mut_ptr().cast(),
                size_of::<T>() as u32,
                self.0 as *const c_void,
            );
            value.assume_init()
        }
    }

    /// The value of a field, loaded without a helper: only for pointers of which the verifier knows
    /// the type, and it refuses the program for any other. 0 where nothing can be read.
    #[inline(always)]
    pub fn direct<T: Integer>(self, field: Field) -> T {
        // SAFETY: the verifier lets only loads pass that stay inside what its type says, and the
        // kernel answers a bad address with zeros; volatile, because others write there.
        unsafe { (self.at(field).0 as *const T).read_volatile() }
    }

    /// The pointer in a field, as [`Self::direct`].
    #[inline(always)]
    pub fn reach(self, field: Field) -> Self {
        Self(self.direct(field))
    }

    /// The value of a field of the running task ([`near_task`]) or of what is reached from it by
    /// [`Self::along`]: loaded without a helper where [`maps::DIRECT`] says so.
    #[inline(always)]
    pub fn near<T: Integer>(self, field: Field) -> T {
        if setting!(DIRECT) == 0 {
            self.get(field)
        } else {
            self.direct(field)
        }
    }

    /// The pointer in a field, as [`Self::near`].
    #[inline(always)]
    pub fn along(self, field: Field) -> Self {
        Self(self.near(field))
    }

    /// The value of a field, 0 where it can not be read.
    #[inline(always)]
    pub fn get<T: Integer>(self, field: Field) -> T {
        self.at(field).read()
    }

    /// The pointer in a field.
    #[inline(always)]
    pub fn follow(self, field: Field) -> Self {
        Self(self.get(field))
    }
}

/// The task that runs.
#[inline(always)]
pub fn current_task() -> Kptr {
    // SAFETY: the helper has no preconditions.
    Kptr(unsafe { generated::bpf_get_current_task() })
}

/// The task that runs, as a pointer to load from by [`Kptr::direct`]. Since Linux 5.11: to be
/// called only where [`maps::DIRECT`] says so.
#[inline(always)]
pub fn current_task_typed() -> Kptr {
    // SAFETY: the helper has no preconditions.
    Kptr(unsafe { generated::bpf_get_current_task_btf() } as u64)
}

/// The task that runs, to be asked by [`Kptr::near`].
#[inline(always)]
pub fn near_task() -> Kptr {
    if setting!(DIRECT) == 0 {
        current_task()
    } else {
        current_task_typed()
    }
}

/// Process id and thread id of the task that runs.
#[inline(always)]
pub fn current_ids() -> (u32, u32) {
    let both = helpers::bpf_get_current_pid_tgid();
    ((both >> 32) as u32, both as u32)
}

/// Time since boot in nanoseconds, suspend included.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: the helper has no preconditions.
    unsafe { generated::bpf_ktime_get_boot_ns() }
}

/// Id of a cgroup.
#[inline(always)]
pub fn cgroup_id(cgroup: Kptr) -> u64 {
    cgroup.follow(Field::CgroupKn).get(Field::KernfsId)
}

/// Whether a cgroup belongs to the hierarchy that tells containers apart.
#[inline(always)]
pub fn in_our_hierarchy(cgroup: Kptr) -> bool {
    cgroup
        .follow(Field::CgroupRoot)
        .get::<u32>(Field::CgroupRootHierarchy)
        == setting!(CGROUP_HIERARCHY)
}

/// Id of the cgroup a task is in, in the hierarchy that tells containers apart.
#[inline(always)]
pub fn cgroup_of(task: Kptr) -> u64 {
    let set = task.follow(Field::TaskCgroups);
    let subsys = setting!(CGROUP_SUBSYS);
    let cgroup = if subsys == u32::MAX {
        set.follow(Field::CssSetDefault)
    } else {
        let state = Kptr(
            set.at(Field::CssSetSubsys)
                .plus(u64::from(subsys) * 8)
                .read(),
        );
        state.follow(Field::CssCgroup)
    };
    cgroup_id(cgroup)
}

/// As [`cgroup_of`], of the task that runs, see [`current_task_typed`].
#[inline(always)]
pub fn cgroup_typed(task: Kptr) -> u64 {
    let set = task.reach(Field::TaskCgroups);
    let subsys = setting!(CGROUP_SUBSYS);
    let cgroup = if subsys == u32::MAX {
        set.reach(Field::CssSetDefault)
    } else {
        set.plus(u64::from(subsys) * 8)
            .reach(Field::CssSetSubsys)
            .reach(Field::CssCgroup)
    };
    cgroup.reach(Field::CgroupKn).direct(Field::KernfsId)
}

/// `OVERLAYFS_SUPER_MAGIC`, include/uapi/linux/magic.h.
pub const OVERLAYFS_MAGIC: u64 = 0x794c_7630;

/// What overlayfs keeps of the upper layer's entry behind an inode of its own; 0 where the file
/// does not lie there.
#[inline(always)]
pub fn upper_entry(inode: Kptr) -> u64 {
    // struct ovl_inode { ...; struct inode vfs_inode; struct dentry *__upperdentry; ... }
    inode.plus(offset(Field::InodeSize)).read()
}

/// Whether a thread of the process is left.
#[inline(always)]
pub fn is_alive(task: Kptr) -> bool {
    task.follow(Field::TaskSignal).get::<u32>(Field::SignalLive) != 0
}

/// The same of the running task, see [`near_task`].
#[inline(always)]
pub fn is_alive_near(task: Kptr) -> bool {
    task.along(Field::TaskSignal).near::<u32>(Field::SignalLive) != 0
}

/// The id a process has in its own pid namespace.
#[inline(always)]
pub fn container_pid(task: Kptr) -> u32 {
    container_pid_of_leader(task.follow(Field::TaskGroupLeader))
}

/// The same, of the first thread of a process.
#[inline(always)]
pub fn container_pid_of_leader(task: Kptr) -> u32 {
    let pid = task.follow(Field::TaskThreadPid);
    let level: u32 = pid.get(Field::PidLevel);
    pid.at(Field::PidNumbers)
        .plus(u64::from(level) * offset(Field::UpidSize))
        .get(Field::UpidNr)
}

/// A place in the file tree: a mount (`struct vfsmount`) and a directory entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The `struct vfsmount`.
    pub mnt: Kptr,
    /// The `struct dentry`.
    pub dentry: Kptr,
}

impl Place {
    /// The `struct path` at this address.
    #[inline(always)]
    pub fn at(path: Kptr) -> Self {
        Self {
            mnt: path.follow(Field::PathMnt),
            dentry: path.follow(Field::PathDentry),
        }
    }

    /// Number of the file system type.
    #[inline(always)]
    pub fn magic(self) -> u64 {
        self.dentry.follow(Field::DentrySb).get(Field::SuperMagic)
    }
}

/// The root directory of a task.
#[inline(always)]
pub fn root_of(task: Kptr) -> Place {
    Place::at(task.follow(Field::TaskFs).at(Field::FsRoot))
}

/// The `struct mount` around a `struct vfsmount`.
#[inline(always)]
pub fn mount_of(mnt: Kptr) -> Kptr {
    Kptr(mnt.0.wrapping_sub(offset(Field::MountMnt)))
}

/// The host's mount namespace, if it is known.
#[inline(always)]
pub fn host_mounts() -> Option<Kptr> {
    let namespace = Kptr(*maps::HOST_ROOT.get(1)?);
    (!namespace.is_null()).then_some(namespace)
}

/// Whether a root directory (`struct dentry`) is another one than the host's.
#[inline(always)]
pub fn is_foreign(root: Kptr) -> bool {
    maps::HOST_ROOT.get(0).is_some_and(|host| root.0 != *host)
}

/// An argument of a function that a kprobe stopped at: its context is the registers.
#[inline(always)]
pub fn function_argument(regs: Kptr, index: u32) -> u64 {
    if setting!(ARCH) == 0 {
        match index {
            0 => regs.get(Field::RegsArg0),
            1 => regs.get(Field::RegsArg1),
            2 => regs.get(Field::RegsArg2),
            3 => regs.get(Field::RegsCx),
            4 => regs.get(Field::RegsR8),
            // Six are in registers, of which the sixth is not asked for; the others follow the
            // return address.
            _ => regs
                .follow(Field::RegsSp)
                .plus(8 * (u64::from(index) - 5))
                .read(),
        }
    } else {
        regs.at(Field::RegsArray).plus(u64::from(index) * 8).read()
    }
}

/// The result of a function that a kretprobe stopped behind.
#[inline(always)]
pub fn function_result(regs: Kptr) -> u64 {
    if setting!(ARCH) == 0 {
        regs.get(Field::RegsAx)
    } else {
        regs.at(Field::RegsArray).read()
    }
}

/// The file behind a descriptor of a task.
#[inline(always)]
pub fn descriptor(task: Kptr, fd: u32) -> Option<Kptr> {
    let table = task.follow(Field::TaskFiles).follow(Field::FilesFdt);
    if fd >= table.get::<u32>(Field::FdtableMax) {
        return None;
    }
    let file = Kptr(
        table
            .follow(Field::FdtableFd)
            .plus(u64::from(fd) * 8)
            .read(),
    );
    (!file.is_null()).then_some(file)
}
