//! One hook on a function of the kernel, as two programs: a trampoline (tier A1) and a kprobe (A2).
//!
//! Both find the arguments and do the same. Trampolines get them in an array, kprobes
//! the registers as they were: those are read by offsets from the kernel's BTF, so one
//! object serves all architectures. Kprobes run with preemption off; trampolines have twins, see
//! `spare`.
//!
//! An argument is written with its place. Where kernels differ about that it is
//! `(field, number)`: the field's value and so many more.
//!
//! Trampolines read the array like any other memory of the kernel, and not by itself: the
//! verifier would take what it finds there for typed pointers, with which it forbids the
//! arithmetic that `path` does, and no place in it could be computed.

/// Programs at the entry of a function: `trampoline, kprobe => act(fixed; argument place, ...)`.
macro_rules! function_entry {
    ($(#[$doc:meta])* $fentry:ident, $kprobe:ident => $act:ident($($fixed:expr),*; $($name:ident $place:tt),+)) => {
        $(#[$doc])*
        #[aya_ebpf::macros::fentry]
        fn $fentry(ctx: aya_ebpf::programs::FEntryContext) -> i32 {
            $crate::spare::begin!(ctx, FUNCTIONS, $fentry);
            $(let $name = $crate::kernel::Kptr($crate::hooks::function::in_array!(ctx, $place).read());)+
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

/// The address of an argument in the array that a trampoline is given.
macro_rules! in_array {
    ($ctx:ident, $place:tt) => {
        $crate::kernel::Kptr(aya_ebpf::EbpfContext::as_ptr(&$ctx) as u64)
            .plus(8 * $crate::hooks::function::place!($place))
    };
}

/// The result, behind so many arguments. At a fixed place it is read by itself, which costs
/// nothing: nobody computes with it.
macro_rules! result {
    ($ctx:ident, $count:literal) => {
        $ctx.arg::<u64>($count)
    };
    ($ctx:ident, $place:tt) => {
        $crate::hooks::function::in_array!($ctx, $place).read::<u64>()
    };
}

/// An argument of a kprobe.
macro_rules! in_registers {
    ($regs:ident, $place:tt) => {
        $crate::kernel::function_argument($regs, $crate::hooks::function::place!($place) as u32)
    };
}

/// A place, counted from 0.
macro_rules! place {
    (($field:expr, $more:literal)) => {
        $crate::kernel::offset($field) + $more
    };
    ($index:literal) => {
        $index
    };
}

/// Programs at the exit of a function with so many arguments, a number or `(field, number)`:
/// `trampoline, kprobe, count => act(fixed; result)`.
macro_rules! function_exit {
    ($(#[$doc:meta])* $fexit:ident, $kretprobe:ident, $count:tt => $act:ident($($fixed:expr),*; $result:ident)) => {
        $(#[$doc])*
        #[aya_ebpf::macros::fexit]
        fn $fexit(ctx: aya_ebpf::programs::FExitContext) -> i32 {
            $crate::spare::begin!(ctx, FUNCTIONS, $fexit);
            // The result stands behind the arguments.
            let $result = $crate::kernel::Kptr($crate::hooks::function::result!(ctx, $count));
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

pub(super) use {function_entry, function_exit, in_array, in_registers, place, result};
