//! Egress by socket address programs of a cgroup v2 subtree.
//!
//! They run before the connect or send, see every way into it (io_uring, fast
//! open, many messages at once), and always allow.

use super::dns;
use crate::emit::{self, hit};
use crate::process;
use crate::recall::peers::{self, Contacted};
use aya_ebpf::macros::cgroup_sock_addr;
use aya_ebpf::programs::SockAddrContext;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Family, Kind, flags};

const ALLOW: i32 = 1;

/// struct bpf_sock_addr at connect(2) of an AF_INET socket, since Linux 4.17.
#[cgroup_sock_addr(connect4)]
fn egress_connect4(ctx: SockAddrContext) -> i32 {
    v4(Row::EgressConnect4, &ctx);
    ALLOW
}

/// struct bpf_sock_addr at connect(2) of an AF_INET6 socket, since Linux 4.17.
#[cgroup_sock_addr(connect6)]
fn egress_connect6(ctx: SockAddrContext) -> i32 {
    v6(Row::EgressConnect6, &ctx);
    ALLOW
}

/// struct bpf_sock_addr at sendmsg(2) of a datagram socket, since Linux 4.18.
#[cgroup_sock_addr(sendmsg4)]
fn egress_sendmsg4(ctx: SockAddrContext) -> i32 {
    if names_a_peer(&ctx) {
        v4(Row::EgressSendmsg4, &ctx);
    }
    ALLOW
}

/// As above, for AF_INET6.
#[cgroup_sock_addr(sendmsg6)]
fn egress_sendmsg6(ctx: SockAddrContext) -> i32 {
    if names_a_peer(&ctx) {
        v6(Row::EgressSendmsg6, &ctx);
    }
    ALLOW
}

/// Whether the message says where it goes. On a connected socket it need not, and is seen here all
/// the same where it carries control data: its peer was reported at the connect. The kernel
/// refuses port 0 elsewhere.
#[inline(always)]
fn names_a_peer(ctx: &SockAddrContext) -> bool {
    // SAFETY: the context is valid for the call and this field may be read by these programs.
    unsafe { (*ctx.sock_addr).user_port != 0 }
}

#[inline(always)]
fn v4(row: Row, ctx: &SockAddrContext) {
    // SAFETY: the context is valid for the call and these fields may be read by these programs.
    let (address, port, protocol) = unsafe {
        let sock = ctx.sock_addr;
        ((*sock).user_ip4, (*sock).user_port, (*sock).protocol)
    };
    let words = [u64::from(address), 0];
    report(ctx, row, Family::Ipv4, words, port, protocol);
}

#[inline(always)]
fn v6(row: Row, ctx: &SockAddrContext) {
    // SAFETY: as in `v4`.
    let (a, b, c, d, port, protocol) = unsafe {
        let sock = ctx.sock_addr;
        let ip = &raw const (*sock).user_ip6;
        (
            (*ip)[0],
            (*ip)[1],
            (*ip)[2],
            (*ip)[3],
            (*sock).user_port,
            (*sock).protocol,
        )
    };
    let words = [
        u64::from(a) | u64::from(b) << 32,
        u64::from(c) | u64::from(d) << 32,
    ];
    report(ctx, row, Family::Ipv6, words, port, protocol);
}

/// `address` are its bytes in the order in which they stand in memory, as two words.
#[inline(always)]
fn report(
    ctx: &SockAddrContext,
    row: Row,
    family: Family,
    address: [u64; 2],
    port: u32,
    protocol: u32,
) -> Option<()> {
    // The low half, in network order.
    let port = (port as u16).swap_bytes();
    let who = Contacted::new(family, protocol as u8, port, address);
    // Of those who ask for names the record is needed each time.
    if port != dns::PORT && peers::is_known(who) {
        emit::recalled(row);
    } else {
        let (process, known) = process::current()?;
        hit(row);
        let mut header = emit::header(
            row,
            Kind::Egress,
            &process,
            if known { 0 } else { flags::PROCESS_UNKNOWN },
        );
        header.family = family.raw();
        header.address = (u128::from(address[1]) << 64 | u128::from(address[0])).to_le_bytes();
        header.port = port;
        header.protocol = protocol as u8;
        if emit::send(&header) {
            let _ = peers::keep(who);
        }
    }
    if port == dns::PORT {
        dns::expect(ctx);
    }
    Some(())
}
