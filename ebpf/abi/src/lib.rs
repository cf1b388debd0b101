//! Both ends of the wire between Lapwing's kernel programs and its agent.
//!
//! Only integers and byte arrays cross this boundary. The kernel side writes
//! the structures below; the agent reads them back with checks and without
//! `unsafe`, and an id it does not know is an error value, never undefined
//! behaviour. The tables of hooks ([`hooks`]) and of kernel struct fields
//! ([`fields`]) stand here too, because both ends derive from them.
#![no_std]
#![forbid(unsafe_code)]

// The BPF target has no allocator, and kernel programs only write.
#[cfg(not(target_arch = "bpf"))]
pub mod decode;
// Only user space has whole records in hand; the kernel side writes into its ring.
#[cfg(not(target_arch = "bpf"))]
pub mod encode;
pub mod fields;
pub mod hooks;
#[macro_use]
pub mod ids;
pub mod inventory;
pub mod key;
pub mod record;
pub mod share;
pub mod spares;
pub mod state;
pub mod syscalls;
pub mod used;

/// Version of everything in this crate; the object carries it and the agent
/// refuses an object that differs.
pub const ABI_VERSION: u8 = 3;
