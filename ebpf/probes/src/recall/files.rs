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
use super::place::{self, File, KEPT_FOR, Mounts, PATH, WORDS, get, set};
use crate::class::PARTIAL;
use crate::kernel::{self, Kptr};
use crate::maps::{self, RECALLED, SCRATCH_SLOTS};
use crate::{emit, news, process, seen};
use aya_ebpf::helpers;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use lapwing_abi::fields::Field;
use lapwing_abi::ids::{Kind, Mount};
use lapwing_abi::record::{HEADER_LEN, Header};
use lapwing_abi::state::{Process, cgroup_state};

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

/// An open by the running task.
#[derive(Clone, Copy)]
pub struct Open {
    file: File,
    /// An [`Operation`](lapwing_abi::ids::Operation).
    operation: u8,
    index: u32,
    image: u64,
    how: u64,
    /// Whose open it is: containers may share a mount namespace.
    home: u64,
}

impl Open {
    /// By a process that is known; the verifier must know the type of the file's address
    /// (`struct file`).
    #[inline(always)]
    pub fn of(process: *const Process, file: Kptr, operation: u8) -> Self {
        let image = get!(process, image);
        let how = u64::from(get!(process, phase)) | u64::from(operation) << 32;
        let home = get!(process, cgroup);
        let file = File::at(file.at(Field::FilePath));
        let mixed = (file.number() ^ image ^ how << 8).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self {
            file,
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
        // SAFETY: the map gave the pointer.
        let (mounts, path) = unsafe { (&raw const (*entry).mounts, &raw const (*entry).path) };
        if get!(entry, image) != self.image
            || get!(entry, how) != self.how
            || get!(entry, home) != self.home
            || !place::are_its(mounts, self.file)
        {
            return None;
        }
        let now = kernel::now();
        if now > get!(entry, until)
            || !place::is_called(path.cast(), get!(entry, own), self.file, now)
            || !place::is_above(mounts)
        {
            return None;
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
        place::note(self.file);
    }

    /// Keeps the key of the record that the running task just sent, which was about this open.
    #[inline(always)]
    pub fn keep(self) {
        let slot = emit::slot(helpers::bpf_get_current_pid_tgid());
        keep(slot, self.index, self.operation.into());
    }
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
        || !place::are_still(mounts)
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
