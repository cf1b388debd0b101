//! The floor: what any useful sensor on these hooks must do, and nothing else.
//!
//! On each hook that the benches make fire it checks once whether the cgroup is
//! the one that is traced, and looks once into a map, where it counts. It reads no
//! name, no process and no file, so nothing that tells behaviours apart can cost
//! less. What Lapwing adds to an operation is compared with what this adds, in the
//! same run: the difference is Lapwing's own, and not the price of the hooks.
//!
//! The counts are also what the benches check themselves with: as many operations
//! must have passed here as the workload says that it did.
#![no_std]
#![no_main]
// Never, because aya's attribute macros hand the context over by value.
#![allow(clippy::needless_pass_by_value)]

use aya_ebpf::helpers::generated::{bpf_get_current_cgroup_id, bpf_probe_read_kernel};
use aya_ebpf::macros::{cgroup_sock_addr, fexit, map, raw_tracepoint};
use aya_ebpf::maps::PerCpuHashMap;
use aya_ebpf::programs::{FExitContext, RawTracePointContext, SockAddrContext};
use core::ffi::c_void;

const EXEC: u32 = 0;
const FORK: u32 = 1;
const EXIT: u32 = 2;
const OPEN: u32 = 3;
const CONNECT: u32 = 4;
const SEND: u32 = 5;

const ALLOW: i32 = 1;

/// How often each hook fired in the traced cgroup. The loader makes the entries.
#[map]
static COUNTS: PerCpuHashMap<u32, u64> = PerCpuHashMap::with_max_entries(64, 0);

/// Id of the traced cgroup, in the v2 hierarchy.
#[unsafe(no_mangle)]
static CGROUP: u64 = 0;

/// Offset of `orig_ax` in `struct pt_regs` of x86_64, arch/x86/include/uapi/asm/ptrace.h.
const SYSCALL_NUMBER: u64 = 120;

#[inline(always)]
fn pass(hook: u32) {
    // SAFETY: the static is initialised, aligned and never written by this program; the volatile
    // read keeps the compiler from folding the value that the loader replaces.
    let traced = unsafe { core::ptr::read_volatile(&raw const CGROUP) };
    // SAFETY: the helper has no preconditions.
    if unsafe { bpf_get_current_cgroup_id() } != traced {
        return;
    }
    if let Some(count) = COUNTS.get_ptr_mut(hook) {
        // SAFETY: the slot belongs to this CPU, and the traced container has one process that acts.
        unsafe { *count += 1 };
    }
}

/// TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm), since Linux 3.4.
#[raw_tracepoint]
fn floor_exec(_ctx: RawTracePointContext) -> i32 {
    pass(EXEC);
    0
}

/// TP_PROTO(struct task_struct *parent, struct task_struct *child), since Linux 2.6.28.
#[raw_tracepoint]
fn floor_fork(_ctx: RawTracePointContext) -> i32 {
    pass(FORK);
    0
}

/// TP_PROTO(struct task_struct *p), with a second argument since Linux 6.16.
#[raw_tracepoint]
fn floor_exit(_ctx: RawTracePointContext) -> i32 {
    pass(EXIT);
    0
}

/// struct file *do_filp_open(int dfd, struct filename *pathname, const struct open_flags *op), or
/// do_file_open(...) with the same arguments since Linux 7.0.
#[fexit]
fn floor_open(_ctx: FExitContext) -> i32 {
    pass(OPEN);
    0
}

/// TP_PROTO(struct pt_regs *regs, long ret), since Linux 2.6.30: the same where the kernel refuses
/// trampolines. Every system call passes here, so its number comes first.
#[raw_tracepoint]
fn floor_sys_exit(ctx: RawTracePointContext) -> i32 {
    let regs: u64 = ctx.arg(0);
    let mut number = 0_u64;
    // SAFETY: the helper checks the address and writes no more than the value.
    unsafe {
        bpf_probe_read_kernel(
            (&raw mut number).cast(),
            size_of::<u64>() as u32,
            (regs + SYSCALL_NUMBER) as *const c_void,
        );
    }
    // open, creat, openat, open_by_handle_at, openat2: arch/x86/entry/syscalls/syscall_64.tbl.
    if matches!(number, 2 | 85 | 257 | 304 | 437) {
        pass(OPEN);
    }
    0
}

/// struct bpf_sock_addr at connect(2) of an AF_INET socket, since Linux 4.17.
#[cgroup_sock_addr(connect4)]
fn floor_connect4(_ctx: SockAddrContext) -> i32 {
    pass(CONNECT);
    ALLOW
}

/// struct bpf_sock_addr at connect(2) of an AF_INET6 socket, since Linux 4.17.
#[cgroup_sock_addr(connect6)]
fn floor_connect6(_ctx: SockAddrContext) -> i32 {
    pass(CONNECT);
    ALLOW
}

/// struct bpf_sock_addr at sendmsg(2) of a datagram socket, since Linux 4.18.
#[cgroup_sock_addr(sendmsg4)]
fn floor_sendmsg4(_ctx: SockAddrContext) -> i32 {
    pass(SEND);
    ALLOW
}

/// As above, for AF_INET6.
#[cgroup_sock_addr(sendmsg6)]
fn floor_sendmsg6(_ctx: SockAddrContext) -> i32 {
    pass(SEND);
    ALLOW
}

/// The kernel refuses several helpers to programs under another licence.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
