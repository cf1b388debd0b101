//! Execs that were judged lately.
//!
//! What makes an exec the same as another is a hash of its record's bytes: the path of the file,
//! the name as passed, the arguments that tell the invoked name, and who issued it
//! ([`lapwing_abi::key`]). The record is built in any case, because its arguments and
//! its working directory are what a report asks for later, but two parts of that are spared:
//!
//! - **The walk of the path.** As of an open, see [`files`](super::files): the names are read
//!   again, and compared with what stands here; then the path is copied from here.
//! - **The hashes.** All bytes that they are made of are compared with those that stand here, and
//!   so is whatever else is in the key: the issuing program, the phase, the container.
//!
//! Kept is only what may be held back and what is simple: a program of the image that nobody has
//! changed or removed (looked at each time), no script, nothing cut or unreadable, nothing the
//! runtime executes, and nothing that left its container. Of arguments that are compared only in
//! part the rest may be another and longer, because it is known from the bytes in front that no more
//! of them tell the name.
//!
//! As with opens, whether it may be held back is asked of [`seen`](crate::seen) each time, it
//! is counted there, and after a minute a path is walked again in any case.

use super::guard::{self, Guard};
use super::place::{self, File, KEPT_FOR, Mounts, PATH, WORDS, get, set};
use crate::kernel::{self, OVERLAYFS_MAGIC};
use crate::maps::{self, EXECS_RECALLED, SCRATCH_SLOTS};
use crate::{emit, news, process};
use aya_ebpf::helpers;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use core::ptr::null;
use lapwing_abi::fields::Field;
use lapwing_abi::ids::{Kind, Origin, flags};
use lapwing_abi::record::{HEADER_LEN, Header};
use lapwing_abi::state::{Process, cgroup_state};

/// Most bytes of a path, a name and arguments that are kept.
const BYTES: usize = 256;
/// Flags that an exec may have which is kept: none of them is in its key.
const IDLE: u32 = flags::FOREIGN_ROOT | flags::PROCESS_UNKNOWN | flags::CWD_PARTIAL;

/// An exec that was judged.
#[repr(C)]
pub struct Executed {
    guard: Guard,
    /// The program that issued it.
    issuer: u64,
    phase: u64,
    /// The container.
    home: u64,
    mounts: Mounts,
    /// How many bytes of the path are below the root of the mount.
    own: u64,
    /// Until when it is kept, since boot in nanoseconds.
    until: u64,
    /// The identity of the program.
    image: u64,
    key: u64,
    /// Bytes of the path, the name, the arguments, and of those that tell the invoked name.
    path: u64,
    name: u64,
    args: u64,
    told: u64,
    /// The first three.
    bytes: [u8; BYTES],
}

/// An exec by the running task: where it stands. Nothing is a place that there is not, and not an
/// [`Option`], of whose content the compiler writes nothing to the stack where there is none, and
/// reads it all the same, which verifiers before Linux 6.3 do not take.
#[derive(Clone, Copy)]
pub struct Exec {
    index: u32,
}

/// What stands here of an exec whose file has the path that stands here; null for nothing, as above.
#[derive(Clone, Copy)]
pub struct Found {
    entry: *const Executed,
    round: u64,
}

impl Exec {
    /// Nothing that could be known again.
    pub const NONE: Self = Self { index: u32::MAX };

    /// By a process that is known, in whose entry the program that issues it still stands.
    #[inline(always)]
    pub fn of(process: &Process, file: File) -> Self {
        let mixed = (file.number() ^ process.image ^ u64::from(process.phase) << 8)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self {
            index: (mixed >> 40) as u32,
        }
    }

    /// Whether it can be known again.
    #[inline(always)]
    pub fn is_some(self) -> bool {
        self.index != u32::MAX
    }

    /// Looks for it.
    #[inline(always)]
    pub fn find(self, process: &Process, file: File) -> Found {
        self.found(process, file).unwrap_or(Found::NOTHING)
    }

    #[inline(always)]
    fn found(self, process: &Process, file: File) -> Option<Found> {
        let entry = maps::EXECUTED.get_ptr(self.index & (EXECS_RECALLED - 1))?;
        let round = guard::round(entry.cast())?;
        // SAFETY: the map gave the pointer.
        let (mounts, bytes) = unsafe { (&raw const (*entry).mounts, &raw const (*entry).bytes) };
        if get!(entry, issuer) != process.image
            || get!(entry, phase) != u64::from(process.phase)
            || get!(entry, home) != process.cgroup
            || !place::are_its(mounts, file)
        {
            return None;
        }
        let now = kernel::now();
        if now > get!(entry, until)
            || !place::is_called(bytes.cast(), get!(entry, own), file, now)
            || !place::is_above(mounts)
        {
            return None;
        }
        let inode = file.dentry.reach(Field::DentryInode);
        let magic: u64 = file.dentry.reach(Field::DentrySb).direct(Field::SuperMagic);
        if inode.direct::<u32>(Field::InodeNlink) == 0
            || magic == OVERLAYFS_MAGIC && kernel::upper_entry(inode) != 0
        {
            return None;
        }
        Some(Found { entry, round })
    }

    /// Whether the record in the running task's buffer says what stands here, but for what is not
    /// in the key. It has its key then, and the process its program. If not, what stands here makes
    /// room for the next exec that is kept.
    #[inline(always)]
    pub fn is(self, found: Found) -> bool {
        let slot = emit::slot(helpers::bpf_get_current_pid_tgid());
        is_executed(slot, self.index, found.round) != 0
    }

    /// Keeps what the record says that the running task just sent, which was about this exec, and of
    /// whose file it noted the mounts before it walked the path. Of one whose path was copied it
    /// noted none: what stands in the buffer then is of whatever file it noted before.
    #[inline(always)]
    pub fn keep(self, process: &Process) {
        let slot = emit::slot(helpers::bpf_get_current_pid_tgid());
        keep_executed(slot, self.index, process.image);
    }
}

impl Found {
    /// Nothing was found.
    pub const NOTHING: Self = Self {
        entry: null(),
        round: 0,
    };

    /// Whether something was.
    #[inline(always)]
    pub fn is_some(self) -> bool {
        !self.entry.is_null()
    }

    /// Writes the path, and answers its length; less than 0 if another was written here since.
    #[inline(always)]
    pub fn copy_path(self, to: *mut u8) -> i64 {
        let len = get!(self.entry, path) & (2 * PATH as u64 - 1);
        // SAFETY: the caller's place has room for READ_MAX bytes; the helper checks the other.
        unsafe {
            bpf_probe_read_kernel(
                to.cast(),
                len as u32,
                (&raw const (*self.entry).bytes).cast(),
            );
        }
        if self.is_still() { len as i64 } else { -1 }
    }

    /// Whether what was found still stands there.
    #[inline(always)]
    fn is_still(self) -> bool {
        guard::is_still(self.entry.cast(), self.round)
    }

    /// Whether a directory is known to be the root of the namespace, so that its path has no names;
    /// by the file that is executed.
    #[inline(always)]
    pub fn is_top(self, folder: File, file: File) -> bool {
        // A program of the image lies on the root mount, with no names above that.
        get!(self.entry, mounts.count) == 0
            && self.is_still()
            && folder.mnt == file.mnt
            && folder.dentry == folder.mnt.reach(Field::VfsmountRoot)
    }
}

/// See [`Exec::is`]. Answers 0 if not.
///
/// Here and below functions of their own for the verifier, and for their place on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn is_executed(slot: u32, index: u32, round: u64) -> u32 {
    if executed(slot, index, round).is_some() {
        return 1;
    }
    if let Some(entry) = maps::EXECUTED.get_ptr_mut(index & (EXECS_RECALLED - 1)) {
        guard::write(entry.cast(), || set!(entry, 0, until));
    }
    0
}

#[inline(always)]
fn executed(slot: u32, index: u32, round: u64) -> Option<()> {
    let scratch = maps::SCRATCH.get_ptr_mut(slot & (SCRATCH_SLOTS - 1))?;
    let entry = maps::EXECUTED.get_ptr(index & (EXECS_RECALLED - 1))?;
    // SAFETY: the map gave the pointers; the bytes are longer than a header, aligned to 8.
    let (record, header, bytes) = unsafe {
        let record = (&raw mut (*scratch).bytes).cast::<u8>();
        (
            record.add(HEADER_LEN).cast::<u64>(),
            record.cast::<Header>(),
            (&raw const (*entry).bytes).cast::<u64>(),
        )
    };
    let [path, name, args, _] = get!(header, sections).map(u64::from);
    let (kept, told) = (get!(entry, args), get!(entry, told));
    if get!(header, flags) & !IDLE != 0
        || path != get!(entry, path)
        || name != get!(entry, name)
        || args != kept && (told >= kept || told > args)
    {
        return None;
    }
    let len = path + name + told;
    for word in 0..BYTES / 8 {
        let at = 8 * word as u64;
        if at >= len {
            break;
        }
        // SAFETY: both are longer.
        let differs = unsafe { record.add(word).read_volatile() ^ bytes.add(word).read_volatile() };
        let left = len - at;
        let beyond = if left < 8 { 64 - 8 * left } else { 0 };
        if differs << (beyond & 63) != 0 {
            return None;
        }
    }
    let (key, image) = (get!(entry, key), get!(entry, image));
    if !guard::is_still(entry.cast(), round) {
        return None;
    }
    set!(header, key, key);
    process::runs(kernel::current_ids().0, image);
    Some(())
}

/// See [`Exec::keep`]. Answers 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn keep_executed(slot: u32, index: u32, issuer: u64) -> u32 {
    let _ = kept(slot, index, issuer);
    0
}

#[inline(always)]
fn kept(slot: u32, index: u32, issuer: u64) -> Option<()> {
    let header: *const Header = news::last()?;
    let scratch = maps::SCRATCH.get_ptr_mut(slot & (SCRATCH_SLOTS - 1))?;
    // SAFETY: the map gave the pointer.
    let mounts = unsafe { &raw const (*scratch).mounts };
    let (home, key) = (get!(header, cgroup), get!(header, key));
    let [path, name, args, _] = get!(header, sections).map(u64::from);
    let (above, told) = (get!(mounts, len), get!(scratch, told));
    if get!(header, kind) != Kind::Exec.raw()
        || get!(header, flags) & !IDLE != 0
        || get!(header, origin) != Origin::Image.raw()
        || get!(header, wanted) != 0
        || key == 0
        || issuer == 0
        || path > PATH as u64
        || path < above
        || told > args
        || path + name + told > BYTES as u64
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
    if image == 0 || phase != u32::from(get!(header, phase)) {
        return None;
    }
    let entry = maps::EXECUTED.get_ptr_mut(index & (EXECS_RECALLED - 1))?;
    let until = kernel::now() + KEPT_FOR;
    guard::write(entry.cast(), || {
        set!(entry, issuer, issuer);
        set!(entry, phase.into(), phase);
        set!(entry, home, home);
        set!(entry, path - above, own);
        set!(entry, image, image);
        set!(entry, key, key);
        set!(entry, path, path);
        set!(entry, name, name);
        set!(entry, args, args);
        set!(entry, told, told);
        // SAFETY: both are values of maps, and as long as said.
        unsafe {
            bpf_probe_read_kernel(
                (&raw mut (*entry).mounts).cast(),
                size_of::<Mounts>() as u32,
                mounts.cast(),
            );
            bpf_probe_read_kernel(
                (&raw mut (*entry).bytes).cast(),
                BYTES as u32,
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

const _: () = assert!(BYTES >= PATH + 8 * WORDS as usize && BYTES.is_multiple_of(8));
