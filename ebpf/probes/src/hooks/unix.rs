//! Peers of `AF_UNIX` sockets.
//!
//! A peer is named by where it was bound, whatever links the caller followed: where
//! a socket of the host is mounted into a container, that is its name on the host,
//! outside the container's tree.

use super::function::function_entry;
use super::syscall;
use crate::emit::{self, hit};
use crate::kernel::{self, Kptr, Place};
use crate::{path, process};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use core::hint::black_box;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Family, Kind, flags};

/// `struct sockaddr_un`: the family, then the name.
const NAME_AT: u64 = 2;
/// Longest name (`UNIX_PATH_MAX` is 108), as a mask.
const NAME_MASK: u32 = 127;

function_entry! {
    /// int security_unix_stream_connect(struct sock *sock, struct sock *other, struct sock *newsk)
    unix_stream, unix_stream_kprobe => reached(Row::EgressUnix; other 1)
}

function_entry! {
    /// int security_unix_may_send(struct socket *sock, struct socket *other)
    unix_send, unix_send_kprobe => sent(Row::EgressUnixSend; other 1)
}

#[inline(always)]
fn sent(row: Row, other: Kptr) -> Option<()> {
    reached(row, other.follow(Field::SocketSk))
}

/// A socket is reached: reports it if it has a name.
#[inline(always)]
pub(super) fn reached(row: Row, other: Kptr) -> Option<()> {
    let place = Place::at(other.at(Field::UnixPath));
    let address = other.follow(Field::UnixAddress);
    if address.is_null() {
        return None; // Nameless: one of a pair.
    }
    let (process, known) = process::current()?;
    hit(row);
    let mut builder = syscall::begin()?;
    let mut bits = if known { 0 } else { flags::PROCESS_UNKNOWN };
    if place.dentry.is_null() {
        bits |= flags::ABSTRACT;
        builder.end_section();
        // The name follows a NUL, and ends where the address does.
        let len = address
            .get::<u32>(Field::UnixAddressLen)
            .wrapping_sub(NAME_AT as u32 + 1);
        let from = address.at(Field::UnixAddressName).plus(NAME_AT + 1);
        builder.append(|at| {
            let len = black_box(if len < NAME_MASK { len } else { NAME_MASK }) & NAME_MASK;
            // SAFETY: at most NAME_MASK bytes, below READ_MAX; the helper checks the address.
            let failed = unsafe { bpf_probe_read_kernel(at.cast(), len, from.0 as *const _) };
            if failed < 0 { failed } else { i64::from(len) }
        });
    } else {
        let root = kernel::root_of(kernel::current_task());
        bits |= path::append(&mut builder, place, root).end;
        builder.end_section();
    }
    builder.end_section();
    let mut header = emit::header(row, Kind::Egress, &process, bits);
    header.family = Family::Unix.raw();
    builder.send(&header);
    Some(())
}
