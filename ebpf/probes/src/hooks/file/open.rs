//! Files that are opened, or received open.
//!
//! Opening is rare beside reading and writing, and every way to write a file needs it
//! opened for that first: mappings, splice, sendfile, copy_file_range, io_uring and
//! asynchronous input and output. What opens for reading passes here too, so the way
//! out of that is kept short: a bit of the length of the file's name, then the name in
//! a table of those that credentials have.

use super::{Change, alone, report};
use crate::emit;
use crate::hooks::function::{function_entry, function_exit};
use crate::kernel::{self, Kptr, Place, setting};
use crate::recall::files::Open;
use crate::{inventory, maps, process, spare};
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use aya_ebpf::macros::{fexit, kretprobe};
use aya_ebpf::programs::{FExitContext, RetProbeContext};
use core::hint::black_box;
use core::ptr::null;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::Operation;
use lapwing_abi::state::{CREDENTIAL_NAME, CredentialName};

/// `FMODE_READ`, include/linux/fs.h.
const FMODE_READ: u32 = 1;
/// `FMODE_WRITE`, include/linux/fs.h.
const FMODE_WRITE: u32 = 2;
/// `FMODE_CREATED`, include/linux/fs.h, since Linux 4.19.
const FMODE_CREATED: u32 = 1 << CREATED_SHIFT;
const CREATED_SHIFT: u32 = 20;
/// `__O_TMPFILE`, include/uapi/asm-generic/fcntl.h, the same on x86 and arm64.
pub(in crate::hooks) const TMPFILE: u32 = 1 << TMPFILE_SHIFT;
const TMPFILE_SHIFT: u32 = 22;
/// `SB_NOUSER`, include/linux/fs.h: nobody can mount it. Sockets, pipes, memory files.
const SB_NOUSER: u64 = 1 << 31;
/// Pointers above are errors (`IS_ERR`).
const LAST_POINTER: u64 = u64::MAX - 4095;

/// Opening is numbered so that one bit more makes it the making of a file.
const _: () = assert!(Operation::OpenWrite.raw() + 1 == Operation::Create.raw());

/// struct file *do_filp_open(int dfd, struct filename *pathname, const struct open_flags *op)
///
/// Every open of the machine passes here, so this one does without helpers what it can.
#[fexit]
fn file_open(ctx: FExitContext) -> i32 {
    spare::begin!(ctx, FUNCTIONS, file_open);
    let file = Kptr(ctx.arg(3));
    if setting!(DIRECT) == 0 {
        let _ = opened_by(Row::FileOpen, file);
    } else {
        let _ = opened_typed(file);
    }
    inventory::opened(file);
    0
}

/// The same.
#[kretprobe]
fn file_open_kprobe(ctx: RetProbeContext) -> u32 {
    let regs = Kptr(ctx.as_ptr() as u64);
    let file = Kptr(kernel::function_result(regs));
    let _ = opened_by(Row::FileOpen, file);
    inventory::opened(file);
    0
}

function_exit! {
    /// struct file *do_file_open_root(const struct path *root, const char *name, const struct open_flags *op),
    /// since Linux 5.13; before, the two parts of the root came apart.
    file_handle, file_handle_kprobe, (Field::RootedOpenParameters, 0) => opened_by(Row::FileHandle; file)
}

function_entry! {
    /// int security_file_receive(struct file *file)
    file_receive, file_receive_kprobe => received(; file 0)
}

function_entry! {
    /// int do_truncate([struct mnt_idmap *idmap,] struct dentry *, loff_t, unsigned int, struct file *filp)
    file_truncate_open, file_truncate_open_kprobe => truncated(; file (Field::TruncateFile, 0))
}

#[inline(always)]
fn opened_by(row: Row, file: Kptr) -> Option<()> {
    if file.0 == 0 || file.0 >= LAST_POINTER {
        return None;
    }
    opened(row, file)
}

/// As [`opened_by`], of a file of which the verifier knows the type.
#[inline(always)]
fn opened_typed(file: Kptr) -> Option<()> {
    if file.0 == 0 || file.0 >= LAST_POINTER {
        return None;
    }
    let mode: u32 = file.direct(Field::FileMode);
    let dentry = file.at(Field::FilePath).reach(Field::PathDentry);
    let changes = mode & (FMODE_WRITE | FMODE_CREATED) != 0;
    let reads = mode & FMODE_READ != 0 && looks_like_credential(dentry);
    if !changes && !reads {
        return None;
    }
    let (pid, _) = kernel::current_ids();
    let process = maps::PROCESSES.get_ptr(&pid);
    if process.is_none() && process::is_ignored() {
        return None;
    }
    if changes {
        let created = (mode >> CREATED_SHIFT) & 1;
        let nameless = (file.direct::<u32>(Field::FileFlags) >> TMPFILE_SHIFT) & 1;
        let operation = Operation::OpenWrite.raw() + created as u8;
        let open = if nameless == 0 {
            // Hidden, so that the compiler does not make one question of both: of the answer to
            // that, the verifier of Linux 6.1 no longer knows that there is a process.
            let process = black_box(process.unwrap_or(null()));
            (!process.is_null()).then(|| Open::of(process, file, operation))
        } else {
            None
        };
        if open.is_some_and(Open::is_known) {
            emit::recalled(Row::FileOpen);
        } else {
            if let Some(open) = open {
                open.note();
            }
            if writable(Row::FileOpen, file, created).is_some()
                && let Some(open) = open
            {
                open.keep();
            }
        }
    }
    if reads && may_be_credential(file) {
        let place = Place::at(file.at(Field::FilePath));
        let change = Change::new(Operation::OpenRead);
        report(Row::FileRead, change, place, alone)?;
    }
    Some(())
}

/// A file was opened: reports it if it was made by that, or can be written through this
/// descriptor, or holds a credential.
#[inline(always)]
pub(in crate::hooks) fn opened(row: Row, file: Kptr) -> Option<()> {
    let mode: u32 = file.get(Field::FileMode);
    if mode & (FMODE_WRITE | FMODE_CREATED) != 0 {
        let created = (mode >> CREATED_SHIFT) & 1;
        writable(row, file, created);
    }
    if mode & FMODE_READ != 0 && may_be_credential(file) {
        let place = Place::at(file.at(Field::FilePath));
        report(
            Row::FileRead,
            Change::new(Operation::OpenRead),
            place,
            alone,
        )?;
    }
    Some(())
}

/// An open file comes from another process: reports it if it can be written. It was made
/// elsewhere, if it was.
#[inline(always)]
pub(in crate::hooks) fn received(file: Kptr) -> Option<()> {
    if file.get::<u32>(Field::FileMode) & FMODE_WRITE == 0 {
        return None;
    }
    let place = Place::at(file.at(Field::FilePath));
    let flags: u64 = place.dentry.follow(Field::DentrySb).get(Field::SuperFlags);
    if flags & SB_NOUSER != 0 {
        return None;
    }
    writable(Row::FileReceive, file, 0)
}

/// A file is cut that is not open for writing, which would have been reported: the kernel does
/// so for `O_RDONLY | O_TRUNC` alone.
#[inline(always)]
fn truncated(file: Kptr) -> Option<()> {
    if file.is_null() || file.get::<u32>(Field::FileMode) & FMODE_WRITE != 0 {
        return None;
    }
    cut_by_open(file)
}

/// Reports that a file was cut by opening it for reading.
#[inline(always)]
pub(in crate::hooks) fn cut_by_open(file: Kptr) -> Option<()> {
    let place = Place::at(file.at(Field::FilePath));
    report(
        Row::FileTruncateOpen,
        Change::new(Operation::Truncate),
        place,
        alone,
    )
}

/// Whether a file that has just been opened was made by that, or can be written.
#[inline(always)]
pub(in crate::hooks) fn is_changed(file: Kptr) -> bool {
    file.get::<u32>(Field::FileMode) & (FMODE_WRITE | FMODE_CREATED) != 0
}

/// Reports a file that can be written. A file without a name (`O_TMPFILE`) goes by its folder.
#[inline(always)]
fn writable(row: Row, file: Kptr, created: u32) -> Option<()> {
    let place = Place::at(file.at(Field::FilePath));
    let nameless = (file.get::<u32>(Field::FileFlags) >> TMPFILE_SHIFT) & 1;
    let is_nameless = nameless != 0 && is_unlinked(place) || reopened_nameless(place);
    // Made by this open, if it is not one that was received.
    let made = created
        | if let Row::FileReceive = row {
            0
        } else {
            nameless
        };
    let change = Change {
        operation: Operation::OpenWrite.raw() + made as u8,
        argument: 0,
        is_nameless,
    };
    let parent = place.dentry.follow(Field::DentryParent);
    let place = Place {
        mnt: place.mnt,
        dentry: if is_nameless { parent } else { place.dentry },
    };
    report(row, change, place, alone)
}

/// Whether no name leads to the file any more, or none has yet.
#[inline(always)]
pub(in crate::hooks) fn is_unlinked(place: Place) -> bool {
    place
        .dentry
        .follow(Field::DentryInode)
        .get::<u32>(Field::InodeNlink)
        == 0
}

/// Whether it is a nameless file that was opened once more, by its descriptor: the kernel calls
/// it by `#` and its number.
#[inline(always)]
fn reopened_nameless(place: Place) -> bool {
    let name = place.dentry.at(Field::DentryName).follow(Field::QstrName);
    name.read::<u8>() == b'#' && is_unlinked(place)
}

/// Whether credentials have names that are so long.
#[inline(always)]
fn may_be_credential_of(len: u32) -> bool {
    let lengths = setting!(CREDENTIAL_LENGTHS);
    (lengths >> len.min(CREDENTIAL_NAME as u32 - 1)) & 1 != 0
}

/// Whether the file's last name has a length that credentials have, and a first letter: asked
/// without helpers.
#[inline(always)]
fn looks_like_credential(dentry: Kptr) -> bool {
    let name = dentry.at(Field::DentryName);
    let text = dentry.at(Field::DentryShortName);
    let first: u8 = dentry.direct(Field::DentryShortName);
    may_be_credential_of(name.direct(Field::QstrLen))
        // A long name stands elsewhere.
        && (name.direct::<u64>(Field::QstrName) != text.0
            || (setting!(CREDENTIAL_LETTERS) >> (first & 63)) & 1 != 0)
}

/// Whether the file's last name is one that credentials have. User space looks at the others.
#[inline(always)]
fn may_be_credential(file: Kptr) -> bool {
    if setting!(CREDENTIAL_LENGTHS) == 0 {
        return false;
    }
    let dentry = file.at(Field::FilePath).follow(Field::PathDentry);
    let name = dentry.at(Field::DentryName);
    if !may_be_credential_of(name.get(Field::QstrLen)) {
        return false;
    }
    let mut key: CredentialName = [0; CREDENTIAL_NAME];
    // SAFETY: the key is as long as said; the helper checks the address.
    unsafe {
        bpf_probe_read_kernel_str(
            key.as_mut_ptr().cast(),
            CREDENTIAL_NAME as u32,
            name.follow(Field::QstrName).0 as *const _,
        );
    }
    // SAFETY: only whether it is there is asked.
    unsafe { maps::CREDENTIALS.get(&key) }.is_some()
}
