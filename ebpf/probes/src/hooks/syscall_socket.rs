//! Sockets by the exit of system calls (tier B).

use super::socket::{self, Address, Memory, SOCK_RAW, Sort};
use super::syscall::{self, Call, HERE, is, location, served};
use super::unix;
use crate::emit::{self, hit};
use crate::kernel::{self, Kptr, Place};
use crate::process;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Family, Kind, flags};
use lapwing_abi::syscalls::Syscall;

/// `S_IFMT` and `S_IFSOCK`, include/uapi/linux/stat.h.
const FILE_TYPE: u16 = 0o170_000;
const FILE_IS_SOCKET: u16 = 0o140_000;

/// The `struct sock` behind a descriptor.
#[inline(always)]
fn sock(call: &Call, fd: u32) -> Option<Kptr> {
    let file = kernel::descriptor(call.task, fd)?;
    let place = Place::at(file.at(Field::FilePath));
    let mode: u16 = place
        .dentry
        .follow(Field::DentryInode)
        .get(Field::InodeMode);
    if mode & FILE_TYPE != FILE_IS_SOCKET {
        return None;
    }
    Some(file.follow(Field::FilePrivate).follow(Field::SocketSk))
}

/// socket(2)
#[raw_tracepoint]
fn sys_socket(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of_socket(&ctx).and_then(created);
    0
}

#[inline(always)]
fn created(call: Call) -> Option<()> {
    socket::created(Sort {
        family: call.argument(0) as u32,
        of_type: call.argument(1) as u32,
        protocol: call.argument(2) as u32,
    })
}

/// connect(2)
#[raw_tracepoint]
fn sys_connect(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of_socket(&ctx).and_then(connected);
    0
}

#[inline(always)]
fn connected(call: Call) -> Option<()> {
    let sock = sock(&call, call.argument(0) as u32)?;
    let sort = Sort::of(sock);
    if sort.family == socket::AF_UNIX {
        served(Row::EgressUnix)?;
        // Connected, so it has the other end: that bears the listener's name.
        return unix::reached(Row::EgressUnix, sock.follow(Field::UnixPeer));
    }
    if !socket::has_other_peers(sort) {
        return None;
    }
    served(Row::EgressConnect)?;
    let address = Address::read(Kptr(call.argument(1)), Memory::Caller);
    socket::addressed(Row::EgressConnect, sort, address)
}

/// sendto(2), sendmsg(2)
#[raw_tracepoint]
fn sys_send(ctx: RawTracePointContext) -> i32 {
    let _ = Call::of_socket(&ctx).and_then(sent);
    0
}

#[inline(always)]
fn sent(call: Call) -> Option<()> {
    let name = if is(call.name(), Syscall::Sendto) {
        call.argument(4)
    } else {
        // struct user_msghdr, and struct compat_msghdr, begin with the address.
        let message = Kptr(call.argument(1));
        if call.is_compat() {
            message.read_user::<u32>().into()
        } else {
            message.read_user()
        }
    };
    if name == 0 {
        return None; // Connected: its peer was reported.
    }
    let sort = Sort::of(sock(&call, call.argument(0) as u32)?);
    if sort.family == socket::AF_UNIX {
        return sent_to_name(&call, name);
    }
    let is_v4 = sort.family() == Family::Ipv4.raw();
    let row = if sort.of_type == SOCK_RAW && is_v4 {
        Row::EgressRaw4
    } else if sort.of_type == SOCK_RAW {
        Row::EgressRaw6
    } else if sort.is_ping() && is_v4 {
        Row::EgressPing4
    } else if sort.is_ping() {
        Row::EgressPing6
    } else {
        return None;
    };
    served(row)?;
    socket::addressed(row, sort, Address::read(Kptr(name), Memory::Caller))
}

/// A datagram to an `AF_UNIX` socket, by the caller's words.
#[inline(always)]
fn sent_to_name(call: &Call, name: u64) -> Option<()> {
    served(Row::EgressUnixSend)?;
    let path = Kptr(name).plus(2);
    if path.read_user::<u8>() == 0 {
        return None; // Abstract: how long it is does not stand in the name.
    }
    let (process, known) = process::current()?;
    hit(Row::EgressUnixSend);
    let mut builder = syscall::begin()?;
    let mut bits = flags::PATH_FROM_USER | if known { 0 } else { flags::PROCESS_UNKNOWN };
    bits |= location(&mut builder, call.task, HERE, path.0);
    let mut header = emit::header(Row::EgressUnixSend, Kind::Egress, &process, bits);
    header.family = Family::Unix.raw();
    builder.send(&header);
    Some(())
}
