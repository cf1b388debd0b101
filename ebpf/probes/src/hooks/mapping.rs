//! Executable mappings of files that are not the image's: how `ld.so ./program`, `dlopen` and
//! code in a memory file are seen, of which no exec tells.
//!
//! Nearly every mapping is one of the image. Those are told by a few reads and go no further.

use super::function::in_array;
use super::privilege::actor;
use super::process::{is_upper, origin};
use crate::emit::{self, Builder, hit, lost};
use crate::kernel::{self, Kptr, OVERLAYFS_MAGIC, Place, setting};
use crate::recall::place::File;
use crate::{path, spare};
use aya_ebpf::EbpfContext;
use aya_ebpf::macros::{fentry, kprobe};
use aya_ebpf::programs::{FEntryContext, ProbeContext};
use lapwing_abi::fields::{Field, MISSING};
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Kind, Loss, Origin, Privileged};

// include/uapi/asm-generic/mman-common.h
const PROT_READ: u64 = 1;
const PROT_EXEC: u64 = 4;
/// `READ_IMPLIES_EXEC`, include/uapi/linux/personality.h.
const READ_IMPLIES_EXEC: u32 = 0x40_0000;

/// int security_mmap_file(struct file *file, unsigned long prot, unsigned long flags)
#[fentry]
fn privilege_mmap(ctx: FEntryContext) -> i32 {
    spare::begin!(ctx, FUNCTIONS, privilege_mmap);
    let file = Kptr(ctx.arg(0));
    if !file.is_null()
        && asks_to_execute(ctx.arg(1), || {
            kernel::near_task().near(Field::TaskPersonality)
        })
        && !is_plain(file)
    {
        let _ = report(Row::PrivilegeMmap, Kptr(in_array!(ctx, 0).read()));
    }
    0
}

/// The same.
#[kprobe]
fn privilege_mmap_kprobe(ctx: ProbeContext) -> u32 {
    let regs = Kptr(ctx.as_ptr() as u64);
    let (file, prot) = (
        Kptr(kernel::function_argument(regs, 0)),
        kernel::function_argument(regs, 1),
    );
    if !file.is_null() && is_executable(prot) {
        let _ = report(Row::PrivilegeMmap, file);
    }
    0
}

/// Whether a mapping that is asked for can be executed: also one that is to be read only, for
/// programs that were made so.
#[inline(always)]
pub(super) fn is_executable(prot: u64) -> bool {
    asks_to_execute(prot, || kernel::current_task().get(Field::TaskPersonality))
}

#[inline(always)]
fn asks_to_execute(prot: u64, personality: impl FnOnce() -> u32) -> bool {
    prot & PROT_EXEC != 0 || prot & PROT_READ != 0 && personality() & READ_IMPLIES_EXEC != 0
}

/// int security_file_mprotect(struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)
#[fentry]
fn privilege_mprotect(ctx: FEntryContext) -> i32 {
    spare::begin!(ctx, FUNCTIONS, privilege_mprotect);
    let prot: u64 = ctx.arg(2);
    if prot & PROT_EXEC != 0 && !is_plainly_mapped(Kptr(ctx.arg(0))) {
        let _ = protected(Kptr(in_array!(ctx, 0).read()));
    }
    0
}

/// The same.
#[kprobe]
fn privilege_mprotect_kprobe(ctx: ProbeContext) -> u32 {
    let regs = Kptr(ctx.as_ptr() as u64);
    if kernel::function_argument(regs, 2) & PROT_EXEC != 0 {
        let _ = protected(Kptr(kernel::function_argument(regs, 0)));
    }
    0
}

#[inline(always)]
fn protected(vma: Kptr) -> Option<()> {
    let file = vma.follow(Field::VmaFile);
    if file.is_null() {
        return None;
    }
    report(Row::PrivilegeMprotect, file)
}

/// Whether nothing is to be said of a file that is mapped, as [`report`] asks first of all: without
/// helpers, of an address of which the verifier knows the type. A file that overlayfs opened
/// behind another is none of those: it lies on a mount that nobody sees.
#[inline(always)]
fn is_plain(file: Kptr) -> bool {
    if setting!(DIRECT) == 0 {
        return false;
    }
    let task = kernel::current_task_typed();
    if task.reach(Field::TaskMm).reach(Field::MmExeFile) == file {
        return true;
    }
    let root = File::at(task.reach(Field::TaskFs).at(Field::FsRoot));
    let File { mnt, dentry } = File::at(file.at(Field::FilePath));
    let inode = dentry.reach(Field::DentryInode);
    let magic: u64 = dentry.reach(Field::DentrySb).direct(Field::SuperMagic);
    mnt == root.mnt
        && inode.direct::<u32>(Field::InodeNlink) != 0
        && (magic != OVERLAYFS_MAGIC || kernel::upper_entry(inode) == 0)
}

/// The same of what is mapped already, by the address of its `struct vm_area_struct`.
#[inline(always)]
fn is_plainly_mapped(vma: Kptr) -> bool {
    if setting!(DIRECT) == 0 {
        return false;
    }
    let file = vma.reach(Field::VmaFile);
    file.is_null() || is_plain(file)
}

/// A file is mapped so that it can be executed: reports it unless it is the image's, or the program
/// that runs, which its exec told of.
#[inline(always)]
pub(super) fn report(row: Row, file: Kptr) -> Option<()> {
    let task = kernel::current_task();
    let root = kernel::root_of(task);
    let place = opened(file);
    let links: u32 = place
        .dentry
        .follow(Field::DentryInode)
        .get(Field::InodeNlink);
    let on_root = place.mnt == root.mnt;
    if on_root && links != 0 && !is_upper(place) {
        return None;
    }
    if task.follow(Field::TaskMm).follow(Field::MmExeFile) == file {
        return None;
    }
    let (process, mut bits) = actor()?;
    let Some(mut builder) = Builder::new() else {
        lost(Loss::ScratchTaken);
        return None;
    };
    let walk = path::append(&mut builder, place, root);
    let from = origin(place, walk);
    if from == Origin::Image {
        return None;
    }
    hit(row);
    bits |= walk.end;
    builder.end_section();
    let mut header = emit::header(row, Kind::Privilege, &process, bits);
    header.operation = Privileged::ExecMapping.raw();
    header.argument = u64::from(from.raw());
    builder.send(&header);
    Some(())
}

/// What was opened: overlayfs maps a file that it opened itself behind the one of the caller, and
/// that one says which it stands for. In other files something else is at that place, but never
/// a place on an overlay.
#[inline(always)]
fn opened(file: Kptr) -> Place {
    let place = Place::at(file.at(Field::FilePath));
    if kernel::offset(Field::BackingUserPath) == u64::from(MISSING) {
        return place;
    }
    let user = Place::at(file.at(Field::BackingUserPath));
    let is_overlay = user.magic() == OVERLAYFS_MAGIC
        && user.mnt.follow(Field::VfsmountSuper) == user.dentry.follow(Field::DentrySb);
    if is_overlay { user } else { place }
}
