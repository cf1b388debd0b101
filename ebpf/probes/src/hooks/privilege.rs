//! What needs a privilege, or gives one, by the kernel's own functions: trampolines (tier A1) or
//! kprobes (A2); modules, io_uring and clone by tracepoints that every kernel has.
//!
//! A runtime does all of this while it makes a container, and when it enters one: nobody is
//! reported before the first program of the container runs.

use super::function::function_entry;
use super::namespace;
use crate::emit::{self, Builder, hit, lost};
use crate::kernel::{self, Kptr, Place};
use crate::{maps, path, process, spare};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Escape, Kind, Loss, Phase, Privileged, flags};
use lapwing_abi::state::{Process, capability_user};

/// `PTRACE_MODE_ATTACH`, include/linux/ptrace.h.
const PTRACE_MODE_ATTACH: u64 = 2;
/// `PTRACE_MODE_REALCREDS`: ptrace(2) asks so.
const PTRACE_MODE_REALCREDS: u64 = 16;
/// The mode with which ptrace(2) takes control.
pub(super) const ATTACH: u64 = PTRACE_MODE_ATTACH | PTRACE_MODE_REALCREDS;
/// `MS_MOVE`, include/uapi/linux/mount.h.
pub(super) const MS_MOVE: u64 = 1 << 13;
/// `CAP_OPT_NOAUDIT`, include/linux/security.h: the answer is wanted, the power is not used.
const CAP_OPT_NOAUDIT: u64 = 2;
/// Longest name of a file system's type, or of a module, NUL included.
pub(super) const NAME_LEN: u32 = 64;

/// The process that acts, and the flags of what is said of it; nobody if it is the runtime that
/// still makes the container.
#[inline(always)]
pub(super) fn actor() -> Option<(Process, u32)> {
    let (process, known) = process::current()?;
    if process.phase == u32::from(Phase::Runtime.raw()) {
        return None;
    }
    Some((process, if known { 0 } else { flags::PROCESS_UNKNOWN }))
}

/// Sends a record without path and name; answers whether it was sent.
#[inline(always)]
pub(super) fn send(
    row: Row,
    (process, bits): (&Process, u32),
    operation: Privileged,
    argument: u64,
) -> bool {
    let mut header = emit::header(row, Kind::Privilege, process, bits);
    header.operation = operation.raw();
    header.argument = argument;
    emit::send(&header)
}

/// Reports an act that a number says it all of.
#[inline(always)]
pub(super) fn report(row: Row, operation: Privileged, argument: u64) -> Option<()> {
    let (process, bits) = actor()?;
    hit(row);
    send(row, (&process, bits), operation, argument);
    Some(())
}

/// Reports that a member of a container left it, unless it was never bound to it. Where it sees
/// other files from now on, what it does is no container's behaviour any more, even if it is
/// called the same.
#[inline(always)]
pub(super) fn escaped(row: Row, (process, bits): (&Process, u32), how: Escape) -> Option<()> {
    if !process::is_settled(process) {
        return None;
    }
    let argument = u64::from(how.raw());
    send(row, (process, bits), Privileged::Escape, argument);
    if how != Escape::Cgroup && process.phase > u32::from(Phase::Runtime.raw()) {
        process::enters(Phase::Escaped);
    }
    Some(())
}

/// Reports an act on a place, with a name in the kernel's memory.
#[inline(always)]
fn report_at(
    row: Row,
    operation: Privileged,
    argument: u64,
    place: Place,
    name: Kptr,
) -> Option<()> {
    let (process, mut bits) = actor()?;
    hit(row);
    let mut builder = begin()?;
    bits |= path::append(&mut builder, place, kernel::root_of(kernel::current_task())).end;
    builder.end_section();
    builder.end_section();
    append_name(&mut builder, name);
    builder.end_section();
    let mut header = emit::header(row, Kind::Privilege, &process, bits);
    header.operation = operation.raw();
    header.argument = argument;
    builder.send(&header);
    Some(())
}

/// A builder; none is counted.
#[inline(always)]
fn begin() -> Option<Builder> {
    let builder = Builder::new();
    if builder.is_none() {
        lost(Loss::ScratchTaken);
    }
    builder
}

/// Appends a name in the kernel's memory, without the NUL that ends it.
#[inline(always)]
pub(super) fn append_name(builder: &mut Builder, name: Kptr) {
    builder.append(|at| {
        // SAFETY: NAME_LEN is below READ_MAX; the helper checks the address.
        unsafe { bpf_probe_read_kernel_str(at.cast(), NAME_LEN, name.0 as *const _) - 1 }
    });
}

function_entry! {
    /// int security_ptrace_access_check(struct task_struct *child, unsigned int mode)
    privilege_ptrace, privilege_ptrace_kprobe => accessed(; mode 1)
}

#[inline(always)]
fn accessed(Kptr(mode): Kptr) -> Option<()> {
    // The half above an int is not the caller's.
    let mode = mode & u64::from(u32::MAX);
    if mode & PTRACE_MODE_ATTACH == 0 {
        return None;
    }
    report(Row::PrivilegePtrace, Privileged::Ptrace, mode)
}

function_entry! {
    /// int security_ptrace_traceme(struct task_struct *parent)
    privilege_traceme, privilege_traceme_kprobe => traced(; parent 0)
}

#[inline(always)]
fn traced(_parent: Kptr) -> Option<()> {
    report(Row::PrivilegeTraceme, Privileged::Ptrace, ATTACH)
}

function_entry! {
    /// ssize_t process_vm_rw(pid_t pid, const struct iovec *lvec, unsigned long liovcnt,
    ///                       const struct iovec *rvec, unsigned long riovcnt, unsigned long flags, int vm_write)
    privilege_process_vm_write, privilege_process_vm_write_kprobe => accessed_memory(; vm_write 6)
}

#[inline(always)]
fn accessed_memory(Kptr(vm_write): Kptr) -> Option<()> {
    if vm_write as u32 == 0 {
        return None;
    }
    report(Row::PrivilegeProcessVmWrite, Privileged::ProcessVmWrite, 0)
}

function_entry! {
    /// int security_sb_mount(const char *dev_name, const struct path *path, const char *type,
    ///                       unsigned long flags, void *data)
    privilege_mount, privilege_mount_kprobe => mounted(; path 1, kind 2, flags 3)
}

#[inline(always)]
fn mounted(path: Kptr, kind: Kptr, Kptr(flags): Kptr) -> Option<()> {
    report_at(
        Row::PrivilegeMount,
        Privileged::Mount,
        flags,
        Place::at(path),
        kind,
    )
}

function_entry! {
    /// int security_move_mount(const struct path *from_path, const struct path *to_path)
    privilege_move_mount, privilege_move_mount_kprobe => moved_mount(; from 0, to 1)
}

#[inline(always)]
fn moved_mount(from: Kptr, to: Kptr) -> Option<()> {
    let from = Place::at(from);
    let mount = kernel::mount_of(from.mnt);
    // What has a place already is moved; what has none was just made.
    let flags = if mount.follow(Field::MountParent) == mount {
        0
    } else {
        MS_MOVE
    };
    report_at(
        Row::PrivilegeMoveMount,
        Privileged::Mount,
        flags,
        Place::at(to),
        type_of(from.dentry),
    )
}

/// The name of the type of the file system that a directory entry belongs to.
#[inline(always)]
pub(super) fn type_of(dentry: Kptr) -> Kptr {
    dentry
        .follow(Field::DentrySb)
        .follow(Field::SuperType)
        .follow(Field::FileSystemName)
}

function_entry! {
    /// int path_umount(struct path *path, int flags)
    privilege_umount, privilege_umount_kprobe => unmounted(; path 0)
}

#[inline(always)]
fn unmounted(path: Kptr) -> Option<()> {
    report_at(
        Row::PrivilegeUmount,
        Privileged::Umount,
        0,
        Place::at(path),
        Kptr(0),
    )
}

function_entry! {
    /// int security_sb_pivotroot(const struct path *old_path, const struct path *new_path)
    privilege_pivot_root, privilege_pivot_root_kprobe => pivoted(; new 1)
}

#[inline(always)]
fn pivoted(new: Kptr) -> Option<()> {
    report_at(
        Row::PrivilegePivotRoot,
        Privileged::PivotRoot,
        0,
        Place::at(new),
        Kptr(0),
    )
}

function_entry! {
    /// int security_bpf(int cmd, union bpf_attr *attr, unsigned int size)
    privilege_bpf, privilege_bpf_kprobe => commanded(; cmd 0)
}

#[inline(always)]
fn commanded(Kptr(cmd): Kptr) -> Option<()> {
    let command = cmd & u64::from(u32::MAX);
    report(Row::PrivilegeBpf, Privileged::Bpf, command)
}

function_entry! {
    /// int security_capable(const struct cred *cred, struct user_namespace *ns, int cap, unsigned int opts)
    privilege_capability, privilege_capability_kprobe => asked(; cred 0, ns 1, cap 2, opts 3)
}

/// The kernel asks whether somebody has a capability, and goes on to what it is needed for. Many
/// questions are asked of credentials that are not the process's own (overlayfs acts as whoever
/// mounted it) or for the answer's sake only: neither is a use.
#[inline(always)]
fn asked(cred: Kptr, ns: Kptr, Kptr(cap): Kptr, Kptr(opts): Kptr) -> Option<()> {
    let number = cap & 63;
    let bit = 1 << number;
    if opts & CAP_OPT_NOAUDIT != 0 || cred.get::<u64>(Field::CredCapabilities) & bit == 0 {
        return None;
    }
    let own = kernel::current_task().follow(Field::TaskRealCred);
    if own != cred || cred.follow(Field::CredUserNs) != ns {
        return None;
    }
    let (process, bits) = actor()?;
    let euid = cred.get(Field::CredEuid);
    let user = capability_user(&process, euid);
    let used = maps::CAPABILITIES.get_ptr_mut(&user);
    // SAFETY: the map gave the pointer; a bit that another CPU overwrites is reported once more.
    let before = used.map_or(0, |used| unsafe { used.read_volatile() });
    if before & bit != 0 {
        return None;
    }
    hit(Row::PrivilegeCapability);
    let row = Row::PrivilegeCapability;
    let mut header = emit::header(row, Kind::Privilege, &process, bits);
    header.operation = Privileged::Capability.raw();
    header.argument = number;
    // Part of the behaviour's key.
    header.euid = euid;
    if emit::send(&header) {
        match used {
            // SAFETY: as above.
            Some(used) => unsafe { used.write_volatile(before | bit) },
            None => {
                // Full it can not be: the oldest make room.
                let _ = maps::CAPABILITIES.insert(&user, &bit, 0);
            }
        }
    }
    Some(())
}

/// TP_PROTO(struct module *mod), since Linux 2.6.32.
#[raw_tracepoint]
fn privilege_module(ctx: RawTracePointContext) -> i32 {
    spare::begin!(ctx, TRACEPOINTS, privilege_module);
    let _ = loaded(Kptr(ctx.arg(0)));
    0
}

#[inline(always)]
fn loaded(module: Kptr) -> Option<()> {
    let (process, bits) = actor()?;
    hit(Row::PrivilegeModule);
    let mut builder = begin()?;
    builder.end_section();
    builder.end_section();
    append_name(&mut builder, module.at(Field::ModuleName));
    builder.end_section();
    let mut header = emit::header(Row::PrivilegeModule, Kind::Privilege, &process, bits);
    header.operation = Privileged::Module.raw();
    builder.send(&header);
    Some(())
}

/// TP_PROTO(int fd, void *ctx, u32 sq_entries, u32 cq_entries, u32 flags), since Linux 5.5.
#[raw_tracepoint]
fn privilege_io_uring(ctx: RawTracePointContext) -> i32 {
    spare::begin!(ctx, TRACEPOINTS, privilege_io_uring);
    let _ = report(Row::PrivilegeIoUring, Privileged::IoUring, 0);
    0
}

/// A task was cloned by the running one ([`kernel::near_task`]): reports the namespaces that were
/// made for it.
#[inline(always)]
pub(super) fn cloned(parent: Kptr, child: Kptr, is_thread: bool) -> Option<()> {
    let (before, after) = (
        parent.along(Field::TaskNsproxy),
        child.follow(Field::TaskNsproxy),
    );
    let mut kinds = 0;
    if before != after {
        kinds |= namespace::differing(before, after);
    }
    // Threads share it.
    if !is_thread {
        kinds |= namespace::differing_user(parent, child);
    }
    if kinds == 0 {
        return None;
    }
    report(Row::PrivilegeClone, Privileged::Unshare, kinds)
}
