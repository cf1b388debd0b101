//! One hook on a function of the kernel, as two programs: a trampoline (tier A1) and a kprobe (A2).
//!
//! Both find the arguments and do the same. Trampolines get them in an array, kprobes
//! the registers as they were: those are read by offsets from the kernel's BTF, so one
//! object serves all architectures.
//!
//! An argument is written with its place. Where kernels differ about that it is
//! `(field + number: first | other)`: the place is the field's value and so many more, which
//! is one of the two.

/// Programs at the entry of a function: `trampoline, kprobe => act(fixed; argument place, ...)`.
macro_rules! function_entry {
    ($(#[$doc:meta])* $fentry:ident, $kprobe:ident => $act:ident($($fixed:expr),*; $($name:ident $place:tt),+)) => {
        $(#[$doc])*
        #[aya_ebpf::macros::fentry]
        fn $fentry(ctx: aya_ebpf::programs::FEntryContext) -> i32 {
            $(let $name = $crate::kernel::Kptr($crate::hooks::function::in_array!(ctx, $place));)+
            let _ = $act($($fixed,)* $($name),+);
            0
        }

        $(#[$doc])*
        #[aya_ebpf::macros::kprobe]
        fn $kprobe(ctx: aya_ebpf::programs::ProbeContext) -> u32 {
            let regs = $crate::kernel::Kptr(aya_ebpf::EbpfContext::as_ptr(&ctx) as u64);
            $(let $name = $crate::kernel::Kptr($crate::hooks::function::in_registers!(regs, $place));)+
            let _ = $act($($fixed,)* $($name),+);
            0
        }
    };
}

/// An argument of a trampoline.
///
/// Of two places, each is read in its own branch and hidden there: else the compiler makes one read
/// of the two at a pointer that moves, and programs may not move the pointer to their context.
macro_rules! in_array {
    ($ctx:ident, ($field:expr, $more:literal: $first:literal | $other:literal)) => {
        if $crate::kernel::offset($field) + $more == $first {
            core::hint::black_box($ctx.arg::<u64>($first))
        } else {
            core::hint::black_box($ctx.arg::<u64>($other))
        }
    };
    ($ctx:ident, $index:literal) => {
        $ctx.arg::<u64>($index)
    };
}

/// An argument of a kprobe.
macro_rules! in_registers {
    ($regs:ident, ($field:expr, $more:literal: $first:literal | $other:literal)) => {
        if $crate::kernel::offset($field) + $more == $first {
            $crate::kernel::function_argument($regs, $first)
        } else {
            $crate::kernel::function_argument($regs, $other)
        }
    };
    ($regs:ident, $index:literal) => {
        $crate::kernel::function_argument($regs, $index)
    };
}

/// Programs at the exit of a function with so many arguments, a number or a field and the two
/// numbers it may have: `trampoline, kprobe, count => act(fixed; result)`.
macro_rules! function_exit {
    ($(#[$doc:meta])* $fexit:ident, $kretprobe:ident, $count:tt => $act:ident($($fixed:expr),*; $result:ident)) => {
        $(#[$doc])*
        #[aya_ebpf::macros::fexit]
        fn $fexit(ctx: aya_ebpf::programs::FExitContext) -> i32 {
            // The result stands behind the arguments.
            let $result = $crate::kernel::Kptr($crate::hooks::function::in_array!(ctx, $count));
            let _ = $act($($fixed,)* $result);
            0
        }

        $(#[$doc])*
        #[aya_ebpf::macros::kretprobe]
        fn $kretprobe(ctx: aya_ebpf::programs::RetProbeContext) -> u32 {
            let regs = $crate::kernel::Kptr(aya_ebpf::EbpfContext::as_ptr(&ctx) as u64);
            let $result = $crate::kernel::Kptr($crate::kernel::function_result(regs));
            let _ = $act($($fixed,)* $result);
            0
        }
    };
}

pub(super) use {function_entry, function_exit, in_array, in_registers};
