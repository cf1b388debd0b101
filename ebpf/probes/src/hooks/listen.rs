//! What waits for others: stream sockets that listen, datagram sockets that are bound.

use super::socket::Sort;
use crate::emit::{self, hit};
use crate::kernel::Kptr;
use crate::{process, spare};
use aya_ebpf::macros::{cgroup_sock_addr, raw_tracepoint};
use aya_ebpf::programs::{RawTracePointContext, SockAddrContext};
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Family, Kind, flags};

/// `TCP_LISTEN`, include/net/tcp_states.h; DCCP and SCTP share it.
const LISTEN: u64 = 10;
const SOCK_DGRAM: u32 = 2;
const ALLOW: i32 = 1;

/// TP_PROTO(const struct sock *sk, const int oldstate, const int newstate), since Linux 4.16.
#[raw_tracepoint]
fn listen_stream(ctx: RawTracePointContext) -> i32 {
    spare::begin!(ctx, TRACEPOINTS, listen_stream);
    let state: u64 = ctx.arg(2);
    if state == LISTEN {
        listening(Kptr(ctx.arg(0)));
    }
    0
}

#[inline(always)]
fn listening(sock: Kptr) -> Option<()> {
    let sort = Sort::of(sock);
    let mut address = [0; 16];
    if sort.family() == Family::Ipv4.raw() {
        address[..4].copy_from_slice(&sock.get::<u32>(Field::SockAddress4).to_ne_bytes());
    } else {
        let own = sock.at(Field::SockAddress6);
        address[..8].copy_from_slice(&own.read::<u64>().to_ne_bytes());
        address[8..].copy_from_slice(&own.plus(8).read::<u64>().to_ne_bytes());
    }
    // One that was not bound has no port yet: the kernel chooses it a moment later.
    let port = sock.get::<u16>(Field::SockPort);
    report(
        Row::ListenStream,
        sort.family(),
        sort.protocol as u8,
        address,
        port,
    )
}

/// struct bpf_sock_addr at bind(2) of an AF_INET socket, since Linux 4.17.
#[cgroup_sock_addr(bind4)]
fn listen_datagram4(ctx: SockAddrContext) -> i32 {
    // SAFETY: the context is valid for the call and these fields may be read by these programs.
    let (address, port, of_type, protocol) = unsafe {
        let sock = ctx.sock_addr;
        (
            (*sock).user_ip4,
            (*sock).user_port,
            (*sock).type_,
            (*sock).protocol,
        )
    };
    if waits(of_type, port) {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&address.to_ne_bytes());
        report(
            Row::ListenDatagram4,
            Family::Ipv4.raw(),
            protocol as u8,
            bytes,
            (port as u16).swap_bytes(),
        );
    }
    ALLOW
}

/// As above, for AF_INET6.
#[cgroup_sock_addr(bind6)]
fn listen_datagram6(ctx: SockAddrContext) -> i32 {
    // SAFETY: as above.
    let (a, b, c, d, port, of_type, protocol) = unsafe {
        let sock = ctx.sock_addr;
        let ip = &raw const (*sock).user_ip6;
        (
            (*ip)[0],
            (*ip)[1],
            (*ip)[2],
            (*ip)[3],
            (*sock).user_port,
            (*sock).type_,
            (*sock).protocol,
        )
    };
    if waits(of_type, port) {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&a.to_ne_bytes());
        bytes[4..8].copy_from_slice(&b.to_ne_bytes());
        bytes[8..12].copy_from_slice(&c.to_ne_bytes());
        bytes[12..].copy_from_slice(&d.to_ne_bytes());
        report(
            Row::ListenDatagram6,
            Family::Ipv6.raw(),
            protocol as u8,
            bytes,
            (port as u16).swap_bytes(),
        );
    }
    ALLOW
}

/// Whether a socket that is bound waits for others: a datagram socket with a port of its choice.
/// What takes any port is a client, and streams say when they listen.
#[inline(always)]
fn waits(of_type: u32, port: u32) -> bool {
    of_type == SOCK_DGRAM && port != 0
}

#[inline(always)]
fn report(row: Row, family: u8, protocol: u8, address: [u8; 16], port: u16) -> Option<()> {
    let (process, known) = process::current()?;
    hit(row);
    let mut header = emit::header(
        row,
        Kind::Listen,
        &process,
        if known { 0 } else { flags::PROCESS_UNKNOWN },
    );
    header.family = family;
    header.protocol = protocol;
    header.address = address;
    header.port = port;
    emit::send(&header);
    Some(())
}
