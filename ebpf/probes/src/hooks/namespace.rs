//! Namespaces made and entered, and what leads out of a container by them.
//!
//! The kernel gives a task other namespaces in one function, for setns(2) in all its forms and
//! for unshare(2), and which of the two it was is not told there: unshare is seen on its way, and
//! leaves a note of where the kernel will put what it makes.
//!
//! Of the host's namespaces the one of its mounts is the way out: into a process namespace above
//! its own the kernel lets nobody, and all others a runtime may share with a container from the
//! start.

use super::function::function_entry;
use super::privilege::{self, actor, escaped};
use crate::emit::hit;
use crate::kernel::{self, Kptr, Place};
use crate::maps;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Escape, Privileged};

// include/uapi/linux/sched.h
pub(super) const CLONE_NEWTIME: u64 = 0x80;
pub(super) const CLONE_NEWNS: u64 = 0x2_0000;
pub(super) const CLONE_NEWCGROUP: u64 = 0x200_0000;
pub(super) const CLONE_NEWUTS: u64 = 0x400_0000;
pub(super) const CLONE_NEWIPC: u64 = 0x800_0000;
pub(super) const CLONE_NEWUSER: u64 = 0x1000_0000;
pub(super) const CLONE_NEWPID: u64 = 0x2000_0000;
pub(super) const CLONE_NEWNET: u64 = 0x4000_0000;
/// All that a `struct nsproxy` holds.
const KINDS: u64 = CLONE_NEWTIME
    | CLONE_NEWNS
    | CLONE_NEWCGROUP
    | CLONE_NEWUTS
    | CLONE_NEWIPC
    | CLONE_NEWPID
    | CLONE_NEWNET;

/// Which namespaces two sets of them (`struct nsproxy`) do not share, as flags of clone(2).
#[inline(always)]
pub(super) fn differing(before: Kptr, after: Kptr) -> u64 {
    let mut kinds = 0;
    for (field, kind) in [
        (Field::NsproxyUts, CLONE_NEWUTS),
        (Field::NsproxyIpc, CLONE_NEWIPC),
        (Field::NsproxyMount, CLONE_NEWNS),
        (Field::NsproxyPid, CLONE_NEWPID),
        (Field::NsproxyNet, CLONE_NEWNET),
        (Field::NsproxyTime, CLONE_NEWTIME),
        (Field::NsproxyCgroup, CLONE_NEWCGROUP),
    ] {
        kinds |= u64::from(before.follow(field) != after.follow(field)) * kind;
    }
    kinds
}

/// The flag of user namespaces, if the running task ([`kernel::near_task`]) and another are in
/// different ones.
#[inline(always)]
pub(super) fn differing_user(task: Kptr, other: Kptr) -> u64 {
    let own = task.along(Field::TaskCred).along(Field::CredUserNs);
    let others = other.follow(Field::TaskCred).follow(Field::CredUserNs);
    u64::from(own != others) * CLONE_NEWUSER
}

/// Kinds of namespaces in flags of unshare(2) or setns(2).
#[inline(always)]
pub(super) fn kinds(flags: u64) -> u64 {
    flags & (KINDS | CLONE_NEWUSER)
}

function_entry! {
    /// int unshare_nsproxy_namespaces(unsigned long unshare_flags, struct nsproxy **new_nsp,
    ///                                struct cred *new_cred, struct fs_struct *new_fs)
    privilege_unshare, privilege_unshare_kprobe => unshared(; flags 0, new 1)
}

#[inline(always)]
fn unshared(Kptr(flags): Kptr, new: Kptr) -> Option<()> {
    let kinds = kinds(flags);
    if kinds == 0 {
        return None;
    }
    privilege::report(Row::PrivilegeUnshare, Privileged::Unshare, kinds)?;
    if kinds & KINDS != 0 {
        let (_, thread) = kernel::current_ids();
        // Full it can not be: the oldest make room.
        let _ = maps::UNSHARING.insert(&thread, &new.0, 0);
    }
    Some(())
}

function_entry! {
    /// void switch_task_namespaces(struct task_struct *p, struct nsproxy *new)
    privilege_setns, privilege_setns_kprobe => switched(; task 0, new 1)
}

#[inline(always)]
fn switched(task: Kptr, new: Kptr) -> Option<()> {
    // Whoever ends has none any more.
    if new.is_null() {
        return None;
    }
    let (process, bits) = actor()?;
    let old = task.follow(Field::TaskNsproxy);
    if is_own(new) {
        return None;
    }
    let kinds = differing(old, new);
    if kinds == 0 {
        return None;
    }
    hit(Row::PrivilegeSetns);
    privilege::send(
        Row::PrivilegeSetns,
        (&process, bits),
        Privileged::Setns,
        kinds,
    );
    if has_host_mounts(new) && !has_host_mounts(old) {
        escaped(Row::PrivilegeSetns, (&process, bits), Escape::Namespace);
    }
    Some(())
}

/// Whether unshare(2) made these namespaces for the thread that runs. A note that a call which
/// failed has left behind leads to a place where the kernel has put something else since.
#[inline(always)]
fn is_own(new: Kptr) -> bool {
    let (_, thread) = kernel::current_ids();
    // SAFETY: the reference is not kept; only this thread writes the entry.
    let Some(place) = (unsafe { maps::UNSHARING.get(&thread) }).map(|place| Kptr(*place)) else {
        return false;
    };
    let _ = maps::UNSHARING.remove(&thread);
    place.read::<u64>() == new.0
}

/// Whether a set of namespaces has the host's mounts.
#[inline(always)]
pub(super) fn has_host_mounts(set: Kptr) -> bool {
    kernel::host_mounts() == Some(set.follow(Field::NsproxyMount))
}

function_entry! {
    /// int userns_install(struct nsset *nsset, struct ns_common *ns)
    privilege_setns_user, privilege_setns_user_kprobe => entered_user(; ns 1)
}

#[inline(always)]
fn entered_user(_ns: Kptr) -> Option<()> {
    privilege::report(Row::PrivilegeSetnsUser, Privileged::Setns, CLONE_NEWUSER)
}

function_entry! {
    /// int security_path_chroot(const struct path *path)
    privilege_chroot, privilege_chroot_kprobe => rooted(; path 0)
}

#[inline(always)]
fn rooted(path: Kptr) -> Option<()> {
    to_root(Place::at(path))
}

/// Somebody has a new root directory: the host's is a way out.
#[inline(always)]
pub(super) fn to_root(root: Place) -> Option<()> {
    if kernel::is_foreign(root.dentry) {
        return None;
    }
    let (process, bits) = actor()?;
    hit(Row::PrivilegeChroot);
    escaped(Row::PrivilegeChroot, (&process, bits), Escape::Root)
}
