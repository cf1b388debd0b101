//! One hook on a function of the kernel, as two programs: a trampoline (tier A1) and a kprobe (A2).
//!
//! Both find the arguments and do the same. Trampolines get them in an array, kprobes
//! the registers as they were: those are read by offsets from the kernel's BTF, so one
//! object serves all architectures.

/// Programs at the entry of a function: `trampoline, kprobe => act(fixed; argument index, ...)`.
macro_rules! function_entry {
    ($(#[$doc:meta])* $fentry:ident, $kprobe:ident => $act:ident($($fixed:expr),*; $($name:ident $index:literal),+)) => {
        $(#[$doc])*
        #[aya_ebpf::macros::fentry]
        fn $fentry(ctx: aya_ebpf::programs::FEntryContext) -> i32 {
            $(let $name = $crate::kernel::Kptr(ctx.arg($index));)+
            let _ = $act($($fixed,)* $($name),+);
            0
        }

        $(#[$doc])*
        #[aya_ebpf::macros::kprobe]
        fn $kprobe(ctx: aya_ebpf::programs::ProbeContext) -> u32 {
            let regs = $crate::kernel::Kptr(aya_ebpf::EbpfContext::as_ptr(&ctx) as u64);
            $(let $name = $crate::kernel::Kptr($crate::kernel::function_argument(regs, $index));)+
            let _ = $act($($fixed,)* $($name),+);
            0
        }
    };
}

/// Programs at the exit of a function with so many arguments: `trampoline, kprobe, count => act(result)`.
macro_rules! function_exit {
    ($(#[$doc:meta])* $fexit:ident, $kretprobe:ident, $count:literal => $act:ident($result:ident)) => {
        $(#[$doc])*
        #[aya_ebpf::macros::fexit]
        fn $fexit(ctx: aya_ebpf::programs::FExitContext) -> i32 {
            // The result stands behind the arguments.
            let $result = $crate::kernel::Kptr(ctx.arg($count));
            let _ = $act($result);
            0
        }

        $(#[$doc])*
        #[aya_ebpf::macros::kretprobe]
        fn $kretprobe(ctx: aya_ebpf::programs::RetProbeContext) -> u32 {
            let regs = $crate::kernel::Kptr(aya_ebpf::EbpfContext::as_ptr(&ctx) as u64);
            let $result = $crate::kernel::Kptr($crate::kernel::function_result(regs));
            let _ = $act($result);
            0
        }
    };
}

pub(super) use {function_entry, function_exit};
