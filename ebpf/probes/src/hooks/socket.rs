//! Sockets that no program of a cgroup sees: `AF_UNIX`, raw ones, other protocols and families.
//!
//! By the kernel's own functions (tiers A1 and A2) or by the exit of system calls
//! (B). TCP and UDP are left to [`super::network`]; what listens to [`super::listen`].

use super::function::{function_entry, in_array};
use crate::emit::{self, hit};
use crate::kernel::{self, Kptr};
use crate::{process, spare};
use aya_ebpf::EbpfContext;
use aya_ebpf::macros::{fentry, kprobe};
use aya_ebpf::programs::{FEntryContext, ProbeContext};
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Contact, Family, Kind, flags};

pub(super) const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const AF_PACKET: u32 = 17;
const AF_VSOCK: u32 = 40;
const AF_XDP: u32 = 44;
const SOCK_STREAM: u32 = 1;
const SOCK_DGRAM: u32 = 2;
pub(super) const SOCK_RAW: u32 = 3;
/// The type, without the flags that socket(2) takes with it.
const SOCK_TYPE_MASK: u32 = 0xf;
const IPPROTO_ICMP: u32 = 1;
const IPPROTO_TCP: u32 = 6;
const IPPROTO_UDP: u32 = 17;
const IPPROTO_ICMPV6: u32 = 58;
const IPPROTO_SCTP: u32 = 132;
const IPPROTO_UDPLITE: u32 = 136;
const IPPROTO_MPTCP: u32 = 262;

/// What a socket is.
#[derive(Clone, Copy)]
pub(super) struct Sort {
    pub family: u32,
    pub of_type: u32,
    pub protocol: u32,
}

impl Sort {
    /// That of a `struct sock`.
    #[inline(always)]
    pub fn of(sock: Kptr) -> Self {
        Self {
            family: u32::from(sock.get::<u16>(Field::SockFamily)),
            of_type: u32::from(sock.get::<u16>(Field::SockType)),
            protocol: u32::from(sock.get::<u16>(Field::SockProtocol)),
        }
    }

    /// As [`Self::of`], where the verifier knows the type of the pointer.
    #[inline(always)]
    fn of_typed(sock: Kptr) -> Self {
        Self {
            family: u32::from(sock.direct::<u16>(Field::SockFamily)),
            of_type: u32::from(sock.direct::<u16>(Field::SockType)),
            protocol: u32::from(sock.direct::<u16>(Field::SockProtocol)),
        }
    }

    /// Whether the socket programs of cgroups see its peers.
    #[inline(always)]
    pub fn is_common(self) -> bool {
        match self.of_type {
            SOCK_STREAM => matches!(self.protocol, IPPROTO_TCP | IPPROTO_MPTCP),
            SOCK_DGRAM => matches!(self.protocol, IPPROTO_UDP | IPPROTO_UDPLITE),
            _ => false,
        }
    }

    /// Whether it sends echo requests, without the right to send others.
    #[inline(always)]
    pub fn is_ping(self) -> bool {
        self.of_type == SOCK_DGRAM && matches!(self.protocol, IPPROTO_ICMP | IPPROTO_ICMPV6)
    }

    /// The family of records about it; 0 for one of which none are made.
    #[inline(always)]
    pub fn family(self) -> u8 {
        match self.family {
            AF_UNIX => Family::Unix.raw(),
            AF_INET => Family::Ipv4.raw(),
            AF_INET6 => Family::Ipv6.raw(),
            AF_PACKET => Family::Packet.raw(),
            AF_VSOCK => Family::Vsock.raw(),
            AF_XDP => Family::Xdp.raw(),
            _ => 0,
        }
    }
}

/// Where an address lies.
#[derive(Clone, Copy)]
pub(super) enum Memory {
    /// The kernel's copy.
    Kernel,
    /// The caller's memory.
    Caller,
}

impl Memory {
    #[inline(always)]
    fn word(self, at: Kptr) -> u32 {
        match self {
            Self::Kernel => at.read(),
            Self::Caller => at.read_user(),
        }
    }
}

/// A peer: address, port, and the port of `AF_VSOCK`.
#[derive(Clone, Copy)]
pub(super) struct Address {
    family: u32,
    bytes: [u8; 16],
    port: u16,
    argument: u64,
}

impl Address {
    /// From a `struct sockaddr`.
    #[inline(always)]
    pub fn read(at: Kptr, memory: Memory) -> Self {
        let head = memory.word(at);
        let mut address = Self {
            family: head & 0xffff,
            bytes: [0; 16],
            port: 0,
            argument: 0,
        };
        match address.family {
            AF_INET => {
                address.port = ((head >> 16) as u16).swap_bytes();
                address.put(0, memory.word(at.plus(4)));
            }
            AF_INET6 => {
                address.port = ((head >> 16) as u16).swap_bytes();
                address.put(0, memory.word(at.plus(8)));
                address.put(4, memory.word(at.plus(12)));
                address.put(8, memory.word(at.plus(16)));
                address.put(12, memory.word(at.plus(20)));
            }
            AF_VSOCK => {
                // struct sockaddr_vm { family, reserved, u32 port, u32 cid, ... }
                address.argument = u64::from(memory.word(at.plus(4)));
                address.put(0, memory.word(at.plus(8)));
            }
            _ => {}
        }
        address
    }

    #[inline(always)]
    fn put(&mut self, from: usize, word: u32) {
        self.bytes[from..from + 4].copy_from_slice(&word.to_ne_bytes());
    }
}

/// int security_socket_post_create(struct socket *sock, int family, int type, int protocol, int kern)
#[fentry]
fn socket_created(ctx: FEntryContext) -> i32 {
    spare::begin!(ctx, FUNCTIONS, socket_created);
    // Numbers, and no pointers that the verifier would have to know: they are loaded.
    let [family, of_type, protocol, kern] =
        [ctx.arg(1), ctx.arg(2), ctx.arg(3), ctx.arg(4)].map(Kptr);
    let _ = created_by(family, of_type, protocol, kern);
    0
}

/// The same.
#[kprobe]
fn socket_created_kprobe(ctx: ProbeContext) -> u32 {
    let regs = Kptr(ctx.as_ptr() as u64);
    let [family, of_type, protocol, kern] =
        [1, 2, 3, 4].map(|index| Kptr(kernel::function_argument(regs, index)));
    let _ = created_by(family, of_type, protocol, kern);
    0
}

#[inline(always)]
fn created_by(family: Kptr, of_type: Kptr, protocol: Kptr, kern: Kptr) -> Option<()> {
    if kern.0 as u32 != 0 {
        return None; // The kernel's own.
    }
    created(Sort {
        family: family.0 as u32,
        of_type: of_type.0 as u32,
        protocol: protocol.0 as u32,
    })
}

/// A socket was made: reports it if its peers are beyond TCP and UDP.
#[inline(always)]
pub(super) fn created(sort: Sort) -> Option<()> {
    let sort = Sort {
        of_type: sort.of_type & SOCK_TYPE_MASK,
        ..sort
    };
    let told = match sort.family {
        AF_INET | AF_INET6 => {
            sort.of_type == SOCK_RAW || sort.is_ping() || sort.protocol == IPPROTO_SCTP
        }
        AF_PACKET | AF_VSOCK | AF_XDP => true,
        _ => false,
    };
    if !told {
        return None;
    }
    let (process, known) = process::current()?;
    hit(Row::EgressSocket);
    let mut header = emit::header(
        Row::EgressSocket,
        Kind::Egress,
        &process,
        if known { 0 } else { flags::PROCESS_UNKNOWN },
    );
    header.operation = Contact::Socket.raw();
    header.family = sort.family();
    // AF_PACKET's are numbers of Ethernet, of which all are one to us.
    if matches!(sort.family, AF_INET | AF_INET6) {
        header.protocol = sort.protocol as u8;
    }
    header.argument = u64::from(sort.of_type);
    emit::send(&header);
    Some(())
}

/// int security_socket_connect(struct socket *sock, struct sockaddr *address, int addrlen)
///
/// Every connect of the machine passes here, most to be left to [`super::network`]: so it is
/// found out without helpers.
#[fentry]
fn socket_connect(ctx: FEntryContext) -> i32 {
    spare::begin!(ctx, FUNCTIONS, socket_connect);
    let sort = Sort::of_typed(Kptr(ctx.arg(0)).reach(Field::SocketSk));
    if has_other_peers(sort) {
        let _ = connecting(sort, in_array!(ctx, 1).read());
    }
    0
}

/// The same.
#[kprobe]
fn socket_connect_kprobe(ctx: ProbeContext) -> u32 {
    let regs = Kptr(ctx.as_ptr() as u64);
    let socket = Kptr(kernel::function_argument(regs, 0));
    let sort = Sort::of(socket.follow(Field::SocketSk));
    if has_other_peers(sort) {
        let _ = connecting(sort, kernel::function_argument(regs, 1));
    }
    0
}

#[inline(always)]
fn connecting(sort: Sort, address: u64) -> Option<()> {
    let address = Kptr(address);
    addressed(
        Row::EgressConnect,
        sort,
        Address::read(address, Memory::Kernel),
    )
}

/// Whether connects of such sockets are reported here.
#[inline(always)]
pub(super) fn has_other_peers(sort: Sort) -> bool {
    match sort.family {
        AF_INET | AF_INET6 => !sort.is_common(),
        AF_VSOCK => true,
        _ => false,
    }
}

/// A peer was addressed by such a socket.
#[inline(always)]
pub(super) fn addressed(row: Row, sort: Sort, address: Address) -> Option<()> {
    let family = Sort {
        family: address.family,
        ..sort
    }
    .family();
    if family == 0 {
        return None; // AF_UNSPEC: a connection is given up.
    }
    let (process, known) = process::current()?;
    hit(row);
    let mut header = emit::header(
        row,
        Kind::Egress,
        &process,
        if known { 0 } else { flags::PROCESS_UNKNOWN },
    );
    header.operation = Contact::Peer.raw();
    header.family = family;
    header.address = address.bytes;
    // Raw sockets take what stands there for nothing, or for a number of their own.
    if sort.of_type != SOCK_RAW && !sort.is_ping() {
        header.port = address.port;
    }
    header.protocol = sort.protocol as u8;
    header.argument = address.argument;
    emit::send(&header);
    Some(())
}

function_entry! {
    /// static int raw_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
    raw_send4, raw_send4_kprobe => sending(Row::EgressRaw4; sock 0, message 1)
}

function_entry! {
    /// static int rawv6_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
    raw_send6, raw_send6_kprobe => sending(Row::EgressRaw6; sock 0, message 1)
}

function_entry! {
    /// static int ping_v4_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
    ping_send4, ping_send4_kprobe => sending(Row::EgressPing4; sock 0, message 1)
}

function_entry! {
    /// static int ping_v6_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
    ping_send6, ping_send6_kprobe => sending(Row::EgressPing6; sock 0, message 1)
}

#[inline(always)]
fn sending(row: Row, sock: Kptr, message: Kptr) -> Option<()> {
    let name = message.follow(Field::MsgName);
    if name.is_null() {
        return None; // Connected: its peer was reported.
    }
    addressed(row, Sort::of(sock), Address::read(name, Memory::Kernel))
}
