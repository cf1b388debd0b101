//! Lapwing's kernel programs.
//!
//! The path of an event inside the kernel: a hook ([`hooks`]) fires; [`process`]
//! says whose process acts, or that it is nobody's we trace; [`path`] names the
//! file as the container sees it; [`emit`] builds one record; [`news`] makes its key
//! ([`identity`]), asks whether the behaviour was judged already ([`seen`]; what is then not
//! told of an exec waits in [`images`]) and whether the container may send more ([`budget`])
//! of its [`class`], and puts it into the ring or counts why it could not. [`recall`] stands
//! before the path for what every process of a machine does often: it knows again what was
//! judged lately. [`share`] bounds what one container may fill of the tables that all use.
//! [`kernel`] is the only place that reads kernel memory, at offsets that the agent resolved
//! from the running kernel's BTF.
#![no_std]
#![no_main]
// For the one instruction that `core` does not offer, see `seen::raise`.
#![feature(asm_experimental_arch)]
// Never, because aya's attribute macros hand the context over by value.
#![allow(clippy::needless_pass_by_value)]
// Never, because maps take keys by reference, and the few that need not would look different.
#![allow(clippy::needless_borrows_for_generic_args)]

mod budget;
mod class;
mod emit;
mod hooks {
    mod cgroup;
    mod dns;
    mod file;
    mod function;
    mod listen;
    mod mapping;
    mod namespace;
    mod network;
    mod privilege;
    mod process;
    mod root;
    mod socket;
    mod syscall;
    mod syscall_file;
    mod syscall_privilege;
    mod syscall_socket;
    mod unix;
    mod used;
}
mod identity;
mod images;
mod inventory;
mod kernel;
mod maps;
mod news;
mod path;
mod process;
mod recall {
    pub mod execs;
    pub mod files;
    pub mod guard;
    pub mod peers;
    pub mod place;
}
mod seen;
mod share;
mod spare;

/// The kernel refuses several helpers to programs under another licence.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
