//! Executable mappings of files that are not the image's: how `ld.so ./program`, `dlopen` and
//! code in a memory file are seen, of which no exec tells.
//!
//! Nearly every mapping is one of the image. Those are told by a few reads and go no further.

use super::function::function_entry;
use super::privilege::actor;
use super::process::{OVERLAYFS_MAGIC, is_upper, origin};
use crate::emit::{self, Builder, hit, lost};
use crate::kernel::{self, Kptr, Place};
use crate::path;
use lapwing_abi::fields::{Field, MISSING};
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Kind, Loss, Origin, Privileged};

// include/uapi/asm-generic/mman-common.h
const PROT_READ: u64 = 1;
const PROT_EXEC: u64 = 4;
/// `READ_IMPLIES_EXEC`, include/uapi/linux/personality.h.
const READ_IMPLIES_EXEC: u32 = 0x40_0000;

function_entry! {
    /// int security_mmap_file(struct file *file, unsigned long prot, unsigned long flags)
    privilege_mmap, privilege_mmap_kprobe => mapped(; file 0, prot 1)
}

#[inline(always)]
fn mapped(file: Kptr, Kptr(prot): Kptr) -> Option<()> {
    if file.is_null() || !is_executable(prot) {
        return None;
    }
    report(Row::PrivilegeMmap, file)
}

/// Whether a mapping that is asked for can be executed: also one that is to be read only, for
/// programs that were made so.
#[inline(always)]
pub(super) fn is_executable(prot: u64) -> bool {
    prot & PROT_EXEC != 0
        || prot & PROT_READ != 0
            && kernel::current_task().get::<u32>(Field::TaskPersonality) & READ_IMPLIES_EXEC != 0
}

function_entry! {
    /// int security_file_mprotect(struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)
    privilege_mprotect, privilege_mprotect_kprobe => protected(; vma 0, prot 2)
}

#[inline(always)]
fn protected(vma: Kptr, Kptr(prot): Kptr) -> Option<()> {
    if prot & PROT_EXEC == 0 {
        return None;
    }
    let file = vma.follow(Field::VmaFile);
    if file.is_null() {
        return None;
    }
    report(Row::PrivilegeMprotect, file)
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
    let mut header = emit::header(Kind::Privilege, &process, bits);
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
