//! Messages of the name service, as they go by.
//!
//! A socket that addresses port 53 gets a note of whose it is: that is known where it
//! connects or sends, and no longer where packets go by, least of all those that come.
//! The note lies with the socket (`BPF_MAP_TYPE_SK_STORAGE`, for these programs since
//! Linux 5.8): a table that all containers share would let one of them push the notes of
//! others out. Packets from and to port 53 of a noted socket are handed to
//! the agent, which believes none of them unasked, and so are those that it sends to
//! loopback addresses. All others cost a look at their ports.

use crate::budget;
use crate::emit::{hit, lost};
use crate::images;
use crate::kernel;
use crate::maps::{self, MESSAGE_REACH, Message};
use crate::news;
use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::helpers::generated::{bpf_sk_fullsock, bpf_sk_storage_get, bpf_skb_load_bytes};
use aya_ebpf::macros::cgroup_skb;
use aya_ebpf::programs::{SkBuffContext, SockAddrContext};
use core::hint::black_box;
use core::ptr::null_mut;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Class, Direction, Family, Kind, Loss, flags};
use lapwing_abi::record::{HEADER_LEN, Header, PAYLOAD_MAX, message};

/// The port of the name service, RFC 1035 section 4.2.
pub(super) const PORT: u16 = 53;
/// Index of the loopback device, in every network.
const LOOPBACK: u32 = 1;
const TCP_FIN: u8 = 1;
const TCP_SYN: u8 = 2;
const TCP_RST: u8 = 4;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const ALLOW: i32 = 1;

/// Notes a socket that addresses port 53, with the header of the record that was just sent of it.
#[inline(always)]
pub(super) fn expect(ctx: &SockAddrContext) {
    // Where it stands: there is no room for another on the stack.
    let Some(header) = news::last() else {
        lost(Loss::ScratchTaken);
        return;
    };
    header.kind = Kind::Dns.raw();
    // The agent needs each message: an answer is what gives addresses their names.
    header.key = 0;
    news::complete(header);
    // Its messages may come when the process is gone.
    images::want(header.exec);
    let home = header.cgroup;
    // SAFETY: the verifier knows the context's socket, and the helper copies the header.
    let note = unsafe { maps::DNS_SOCKETS.get_or_insert_ptr_mut(ctx, Some(&mut *header)) };
    if note.is_null() {
        budget::lost_of(home, Loss::DnsSocketFull, Class::Dns);
        return;
    }
    // Who uses it now may not be who did when it was noted.
    // SAFETY: the map gave the pointer; a packet that goes by meanwhile gets the old or the new words.
    unsafe { note.write(*header) };
}

/// What was noted of a packet's socket.
#[inline(always)]
fn noted(skb: *mut __sk_buff) -> Option<&'static Header> {
    // SAFETY: the context is valid for the call; the helpers take what the verifier knows to be a
    // socket, and nothing is made. The reference is not kept; a concurrent note gives the old or
    // the new words.
    unsafe {
        let sk = (*skb).__bindgen_anon_2.sk;
        if sk.is_null() {
            return None;
        }
        let sk = bpf_sk_fullsock(sk);
        if sk.is_null() {
            return None;
        }
        let map = (&raw const maps::DNS_SOCKETS).cast_mut().cast();
        bpf_sk_storage_get(map, sk.cast(), null_mut(), 0)
            .cast::<Header>()
            .as_ref()
    }
}

/// struct __sk_buff of a packet that leaves, at its network header; since Linux 4.10.
#[cgroup_skb]
fn dns_query(ctx: SkBuffContext) -> i32 {
    let _ = pass(&ctx, Direction::Query);
    ALLOW
}

/// As above, of a packet that comes.
#[cgroup_skb]
fn dns_answer(ctx: SkBuffContext) -> i32 {
    let _ = pass(&ctx, Direction::Answer);
    ALLOW
}

/// Where things stand in a packet.
struct Layout {
    /// The number of the protocol above IP.
    protocol: u8,
    /// Where its header begins.
    transport: u32,
    /// Port of the sender and of the receiver, as one big-endian word.
    ports: u32,
    /// Whether it is IPv6.
    is_v6: bool,
    /// Whether it goes to a loopback address: what answers there may have another port, as
    /// Docker's resolver does behind an address translation in the container's network.
    to_loopback: bool,
}

#[inline(always)]
fn layout(ctx: &SkBuffContext) -> Option<Layout> {
    let skb = ctx.skb.skb;
    const V4: usize = 20;
    const V6: usize = 40;
    const PORTS: usize = 4;
    // SAFETY: the context is valid for the call and the program may read these fields.
    let (data, end) = unsafe { ((*skb).data as usize, (*skb).data_end as usize) };
    if data + V4 + PORTS > end {
        return None;
    }
    // SAFETY: the byte is inside the packet, as was compared.
    let byte = |at: usize| unsafe { *((data + at) as *const u8) };
    // SAFETY: the caller has compared that four bytes from here are inside the packet.
    let word = |at: usize| u32::from_be(unsafe { ((data + at) as *const u32).read_unaligned() });
    match byte(0) {
        // Without options, as hosts send it unless a program asks for some.
        0x45 => Some(Layout {
            protocol: byte(9),
            transport: V4 as u32,
            ports: word(V4),
            is_v6: false,
            to_loopback: byte(16) == 127,
        }),
        first if first >> 4 == 6 => {
            if data + V6 + PORTS > end {
                return None;
            }
            Some(Layout {
                protocol: byte(6),
                transport: V6 as u32,
                ports: word(V6),
                is_v6: true,
                to_loopback: false,
            })
        }
        first if first >> 4 == 4 => {
            let transport = u32::from(first & 15) * 4;
            if transport < V4 as u32 {
                return None;
            }
            Some(Layout {
                protocol: byte(9),
                transport,
                ports: u32::from_be(ctx.load(transport as usize).ok()?),
                is_v6: false,
                to_loopback: byte(16) == 127,
            })
        }
        _ => None,
    }
}

#[inline(always)]
fn pass(ctx: &SkBuffContext, direction: Direction) -> Option<()> {
    let skb = ctx.skb.skb;
    let layout = layout(ctx)?;
    let (from, to) = ((layout.ports >> 16) as u16, layout.ports as u16);
    let (peer, own) = match direction {
        Direction::Query => (to, from),
        Direction::Answer => (from, to),
    };
    if peer != PORT && !(direction == Direction::Query && layout.to_loopback) {
        return None;
    }
    let mut argument = u64::from(own);
    let start = match layout.protocol {
        IPPROTO_UDP => layout.transport + 8,
        IPPROTO_TCP => {
            let at = layout.transport as usize;
            let sequence = u32::from_be(ctx.load(at + 4).ok()?);
            argument |= u64::from(sequence) << message::SEQUENCE_SHIFT;
            let offset: u8 = ctx.load(at + 12).ok()?;
            let bits: u8 = ctx.load(at + 13).ok()?;
            if bits & TCP_SYN != 0 {
                argument |= message::BEGIN;
            }
            if bits & (TCP_FIN | TCP_RST) != 0 {
                argument |= message::END;
            }
            layout.transport + u32::from(offset >> 4) * 4
        }
        _ => return None,
    };
    let len = ctx.len().checked_sub(start)?;
    if len == 0 && argument & (message::BEGIN | message::END) == 0 {
        return None;
    }
    // SAFETY: the context is valid for the call and the program may read this field.
    if unsafe { (*skb).ifindex } == LOOPBACK {
        argument |= message::LOOPED;
    }
    let socket = noted(skb)?;
    let (row, slot) = match direction {
        Direction::Query => (Row::DnsQuery, 0),
        Direction::Answer => (Row::DnsAnswer, 1),
    };
    hit(row);
    // The peer of this packet: a socket that is not connected may talk to several.
    let (family, address) = if layout.is_v6 {
        let at = if direction == Direction::Query { 24 } else { 8 };
        (Family::Ipv6, ctx.load(at).ok()?)
    } else {
        let at = if direction == Direction::Query {
            16
        } else {
            12
        };
        let mut address = [0; 16];
        address[..4].copy_from_slice(&ctx.load::<[u8; 4]>(at).ok()?);
        (Family::Ipv4, address)
    };
    let taken = len.min(PAYLOAD_MAX as u32);
    let header = Header {
        hook: row.raw(),
        time: kernel::now(),
        operation: direction.raw(),
        protocol: layout.protocol,
        family: family.raw(),
        address,
        port: peer,
        argument,
        flags: socket.flags
            | if taken < len {
                flags::PAYLOAD_TRUNCATED
            } else {
                0
            },
        sections: [taken as u16, 0, 0, 0],
        ..*socket
    };
    let buffer = maps::MESSAGES.get_ptr_mut(slot)?;
    send(skb, buffer, header, start, taken)
}

#[inline(always)]
fn send(
    skb: *mut __sk_buff,
    message: *mut Message,
    header: Header,
    start: u32,
    len: u32,
) -> Option<()> {
    let (owner, home) = (header.time, header.cgroup);
    let len = black_box(len) & (MESSAGE_REACH as u32 - 1);
    // SAFETY: the map gave the pointer; writes stay inside the value.
    unsafe {
        (&raw mut (*message).owner).write_volatile(owner);
        (&raw mut (*message).header).write(header);
    }
    if len > 0 {
        // One less, masked, and one more: before Linux 6.8 the verifier learns nothing of a number
        // from its not being 0.
        let some = (black_box(len - 1) & (MESSAGE_REACH as u32 - 1)) + 1;
        // SAFETY: as above; `some` is at most the room.
        let failed = unsafe {
            let at = (&raw mut (*message).payload).cast();
            bpf_skb_load_bytes(skb.cast(), start, at, some)
        };
        if failed != 0 {
            return None;
        }
    }
    // SAFETY: as above. Another packet may have come between, on kernels that allow it.
    if unsafe { (&raw const (*message).owner).read_volatile() } != owner {
        lost(Loss::ScratchTaken);
        return None;
    }
    let room = (HEADER_LEN as u64) + u64::from(len);
    let flags = budget::admit(home, Class::Dns.raw(), room, owner);
    if flags == budget::REFUSED {
        return None;
    }
    // Once more: Linux 5.10 forgets over the call how long it may be.
    let len = black_box(len) & (MESSAGE_REACH as u32 - 1);
    // SAFETY: as above: the header and `len` bytes behind it are inside the value.
    let record = unsafe {
        core::slice::from_raw_parts(
            (&raw const (*message).header).cast::<u8>(),
            HEADER_LEN + len as usize,
        )
    };
    if maps::BEHAVIOUR.output::<[u8]>(record, flags).is_err() {
        budget::lost_of(home, Loss::BehaviourRingFull, Class::Dns);
    }
    Some(())
}
