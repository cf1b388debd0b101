//! What needs a privilege, or gives one, by the exit of system calls (tier B): those that
//! succeeded. Names are the caller's words, as in the file's own programs.

use super::mapping;
use super::namespace::{self, CLONE_NEWNS, CLONE_NEWUSER};
use super::privilege::{self, ATTACH, MS_MOVE, NAME_LEN, actor, append_name, escaped, type_of};
use super::syscall::{self, Call, HERE, is, location, served};
use crate::emit::{self, Builder, hit};
use crate::kernel::{self, Kptr, Place};
use aya_ebpf::helpers::generated::{bpf_probe_read_user, bpf_probe_read_user_str};
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::fields::{Field, MISSING};
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Escape, Kind, Privileged, flags};
use lapwing_abi::state::Process;
use lapwing_abi::syscalls::Syscall;

// include/uapi/linux/ptrace.h
const PTRACE_TRACEME: i32 = 0;
const PTRACE_ATTACH: i32 = 16;
const PTRACE_SEIZE: i32 = 0x4206;
/// `MOVE_MOUNT_F_EMPTY_PATH`, include/uapi/linux/mount.h: the descriptor is the mount.
const MOVE_MOUNT_F_EMPTY_PATH: i32 = 4;
/// `MS_MGC_VAL` and its mask: what mount(2) drops from its flags.
const MS_MGC_VAL: u64 = 0xc0ed_0000;
const MS_MGC_MSK: u64 = 0xffff_0000;
/// `NSFS_MAGIC`, include/uapi/linux/magic.h.
const NSFS_MAGIC: u64 = 0x6e73_6673;

#[raw_tracepoint]
fn sys_ptrace(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(traced);
    0
}

#[inline(always)]
fn traced(call: Call) -> Option<()> {
    let row = match call.number(0) {
        PTRACE_TRACEME => Row::PrivilegeTraceme,
        PTRACE_ATTACH | PTRACE_SEIZE => Row::PrivilegePtrace,
        _ => return None,
    };
    served(row)?;
    privilege::report(row, Privileged::Ptrace, ATTACH)
}

#[raw_tracepoint]
fn sys_process_vm_writev(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(wrote);
    0
}

#[inline(always)]
fn wrote(_call: Call) -> Option<()> {
    served(Row::PrivilegeProcessVmWrite)?;
    privilege::report(Row::PrivilegeProcessVmWrite, Privileged::ProcessVmWrite, 0)
}

#[raw_tracepoint]
fn sys_bpf(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(commanded);
    0
}

#[inline(always)]
fn commanded(call: Call) -> Option<()> {
    served(Row::PrivilegeBpf)?;
    let command = call.argument(0) & u64::from(u32::MAX);
    privilege::report(Row::PrivilegeBpf, Privileged::Bpf, command)
}

#[raw_tracepoint]
fn sys_unshare(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(unshared);
    0
}

#[inline(always)]
fn unshared(call: Call) -> Option<()> {
    served(Row::PrivilegeUnshare)?;
    let kinds = namespace::kinds(call.argument(0));
    if kinds == 0 {
        return None;
    }
    privilege::report(Row::PrivilegeUnshare, Privileged::Unshare, kinds)
}

#[raw_tracepoint]
fn sys_setns(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(entered);
    0
}

#[inline(always)]
fn entered(call: Call) -> Option<()> {
    let mut kinds = namespace::kinds(call.argument(1));
    if kinds == 0 {
        kinds = kind_of(&call);
    }
    let row = if kinds == CLONE_NEWUSER {
        Row::PrivilegeSetnsUser
    } else {
        Row::PrivilegeSetns
    };
    served(row)?;
    let (process, bits) = actor()?;
    hit(row);
    privilege::send(row, (&process, bits), Privileged::Setns, kinds);
    let is_out = namespace::has_host_mounts(call.task.follow(Field::TaskNsproxy));
    if kinds & CLONE_NEWNS != 0 && is_out {
        escaped(row, (&process, bits), Escape::Namespace);
    }
    Some(())
}

/// What kind of namespace a descriptor stands for; 0 for a process.
#[inline(always)]
fn kind_of(call: &Call) -> u64 {
    let Some(file) = kernel::descriptor(call.task, call.number(0) as u32) else {
        return 0;
    };
    let place = Place::at(file.at(Field::FilePath));
    if place.magic() != NSFS_MAGIC {
        return 0;
    }
    let namespace = place
        .dentry
        .follow(Field::DentryInode)
        .follow(Field::InodePrivate);
    let kind = if kernel::offset(Field::NamespaceType) == u64::from(MISSING) {
        namespace
            .follow(Field::NamespaceOps)
            .get::<u32>(Field::NamespaceOpsType)
    } else {
        namespace.get(Field::NamespaceType)
    };
    namespace::kinds(u64::from(kind))
}

#[raw_tracepoint]
fn sys_chroot(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(rooted);
    0
}

#[inline(always)]
fn rooted(call: Call) -> Option<()> {
    served(Row::PrivilegeChroot)?;
    namespace::to_root(kernel::root_of(call.task))
}

/// Sends a record of an act on a place that the caller named, with the name that `name` appends.
#[inline(always)]
fn report_at(
    row: Row,
    actor: (Process, u32),
    call: &Call,
    (operation, argument): (Privileged, u64),
    (dir, path): (i32, u64),
    name: impl FnOnce(&mut Builder),
) -> Option<()> {
    let (process, mut bits) = actor;
    let mut builder = syscall::begin()?;
    bits |= flags::PATH_FROM_USER;
    bits |= location(&mut builder, call.task, dir, path);
    name(&mut builder);
    builder.end_section();
    let mut header = emit::header(row, Kind::Privilege, &process, bits);
    header.operation = operation.raw();
    header.argument = argument;
    builder.send(&header);
    Some(())
}

#[raw_tracepoint]
fn sys_mount(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(mounted);
    0
}

#[inline(always)]
fn mounted(call: Call) -> Option<()> {
    served(Row::PrivilegeMount)?;
    let actor = actor()?;
    hit(Row::PrivilegeMount);
    let mut flags = call.argument(3);
    if flags & MS_MGC_MSK == MS_MGC_VAL {
        flags &= !MS_MGC_MSK;
    }
    let kind = call.argument(2);
    report_at(
        Row::PrivilegeMount,
        actor,
        &call,
        (Privileged::Mount, flags),
        (HERE, call.argument(1)),
        |builder| {
            builder.append(|at| {
                // SAFETY: NAME_LEN is below READ_MAX; the helper checks the address.
                unsafe { bpf_probe_read_user_str(at.cast(), NAME_LEN, kind as *const _) - 1 }
            });
        },
    )
}

#[raw_tracepoint]
fn sys_move_mount(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(moved_mount);
    0
}

#[inline(always)]
fn moved_mount(call: Call) -> Option<()> {
    served(Row::PrivilegeMoveMount)?;
    let actor = actor()?;
    hit(Row::PrivilegeMoveMount);
    let mut flags = MS_MOVE;
    let mut kind = Kptr(0);
    if call.number(4) & MOVE_MOUNT_F_EMPTY_PATH != 0 {
        flags = 0;
        if let Some(file) = kernel::descriptor(call.task, call.number(0) as u32) {
            kind = type_of(Place::at(file.at(Field::FilePath)).dentry);
        }
    }
    report_at(
        Row::PrivilegeMoveMount,
        actor,
        &call,
        (Privileged::Mount, flags),
        (call.number(2), call.argument(3)),
        |builder| append_name(builder, kind),
    )
}

#[raw_tracepoint]
fn sys_umount(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(unmounted);
    0
}

#[inline(always)]
fn unmounted(call: Call) -> Option<()> {
    served(Row::PrivilegeUmount)?;
    let actor = actor()?;
    hit(Row::PrivilegeUmount);
    let path = (HERE, call.argument(0));
    report_at(
        Row::PrivilegeUmount,
        actor,
        &call,
        (Privileged::Umount, 0),
        path,
        |_| (),
    )
}

#[raw_tracepoint]
fn sys_pivot_root(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(pivoted);
    0
}

#[inline(always)]
fn pivoted(call: Call) -> Option<()> {
    served(Row::PrivilegePivotRoot)?;
    let actor = actor()?;
    hit(Row::PrivilegePivotRoot);
    let path = (HERE, call.argument(0));
    report_at(
        Row::PrivilegePivotRoot,
        actor,
        &call,
        (Privileged::PivotRoot, 0),
        path,
        |_| (),
    )
}

#[raw_tracepoint]
fn sys_mmap(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of(&ctx).and_then(mapped);
    0
}

/// The arguments of the oldest mmap of 32-bit x86, which stand in memory
/// (`struct mmap_arg_struct`, mm/util.c): address, length, protection, flags, descriptor, offset.
type OldMmap = [u32; 6];

#[inline(always)]
fn mapped(call: Call) -> Option<()> {
    served(Row::PrivilegeMmap)?;
    let (prot, fd) = if is(call.name(), Syscall::OldMmap) {
        let mut arguments: OldMmap = [0; 6];
        // SAFETY: the helper checks the address and writes the whole value in any case.
        unsafe {
            bpf_probe_read_user(
                arguments.as_mut_ptr().cast(),
                size_of::<OldMmap>() as u32,
                call.argument(0) as *const _,
            );
        }
        (u64::from(arguments[2]), arguments[4])
    } else {
        (call.argument(2), call.number(4) as u32)
    };
    if !mapping::is_executable(prot) {
        return None;
    }
    mapping::report(Row::PrivilegeMmap, kernel::descriptor(call.task, fd)?)
}
