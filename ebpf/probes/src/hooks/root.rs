//! Learning what the host's root and mount namespace are, and telling which version this object is of.
//!
//! Not a hook: the agent runs this program once, by itself (BPF_PROG_TEST_RUN of
//! raw tracepoints, since Linux 5.10), with a descriptor of the host's root
//! directory as its only argument.

use crate::kernel::{self, Kptr, Place};
use crate::maps;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::fields::Field;

/// Leaves the map as it is, at 0, where the descriptor leads nowhere.
#[raw_tracepoint]
fn host_root(ctx: RawTracePointContext) -> i32 {
    let fd: u64 = ctx.arg(0);
    if let Some(version) = maps::ABI.get_ptr_mut(0) {
        // SAFETY: the map gave the pointer; the agent runs this before it attaches anything.
        unsafe { *version = u32::from(lapwing_abi::ABI_VERSION) };
    }
    take(fd as u32);
    0
}

#[inline(always)]
fn take(fd: u32) -> Option<()> {
    let file = kernel::descriptor(kernel::current_task(), fd)?;
    let root = Place::at(file.at(Field::FilePath));
    let namespace = kernel::mount_of(root.mnt).follow(Field::MountNamespace);
    for (index, Kptr(address)) in [(0, root.dentry), (1, namespace)] {
        let slot = maps::HOST_ROOT.get_ptr_mut(index)?;
        // SAFETY: the map gave the pointer; the agent runs this before it attaches anything.
        unsafe { *slot = address };
    }
    Some(())
}
