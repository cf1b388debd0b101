//! Sockets that the standard library does not make.

use super::lacking;
use anyhow::{Context, Result, bail};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::{mem, ptr};

/// An address as the kernel takes it.
pub struct Name {
    bytes: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl Name {
    /// From one of IP.
    pub fn of(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(v4) => Self::from(libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr {
                    s_addr: u32::from_ne_bytes(v4.ip().octets()),
                },
                sin_zero: [0; 8],
            }),
            SocketAddr::V6(v6) => Self::from(libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr {
                    s6_addr: v6.ip().octets(),
                },
                sin6_scope_id: 0,
            }),
        }
    }

    /// From one of the kernel's structures.
    fn from<T: Copy>(name: T) -> Self {
        // SAFETY: bytes of nought are a valid address of no family.
        let mut bytes: libc::sockaddr_storage = unsafe { mem::zeroed() };
        // SAFETY: the storage is made for every kind of address, in size and alignment.
        unsafe { ptr::from_mut(&mut bytes).cast::<T>().write(name) };
        Self {
            bytes,
            len: size_of::<T>() as libc::socklen_t,
        }
    }

    /// As calls take it.
    pub const fn as_ptr(&self) -> *const libc::sockaddr {
        (&raw const self.bytes).cast()
    }

    /// Its length.
    pub const fn len(&self) -> libc::socklen_t {
        self.len
    }

    /// The family.
    pub fn family(&self) -> i32 {
        i32::from(self.bytes.ss_family)
    }
}

/// socket(2). A family or protocol that the kernel was built without is a lack.
pub fn socket(family: i32, of_type: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: the call takes numbers alone.
    let fd = unsafe { libc::socket(family, of_type | libc::SOCK_CLOEXEC, protocol) };
    if fd < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(
                libc::EAFNOSUPPORT
                | libc::EPROTONOSUPPORT
                | libc::ESOCKTNOSUPPORT
                | libc::ENOPROTOOPT,
            ) => Err(lacking(format!(
                "sockets of family {family}, type {of_type}, protocol {protocol}"
            ))),
            _ => Err(error).context("socket"),
        };
    }
    // SAFETY: the kernel has just given this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn connect(socket: &OwnedFd, name: &Name) {
    // SAFETY: the address is whole, and lives until the call is over. That nobody answers is no
    // failure.
    unsafe { libc::connect(socket.as_raw_fd(), name.as_ptr(), name.len()) };
}

/// A TCP socket with a port of its own choice, connected.
pub fn connect_bound(to: SocketAddr, own: u16) {
    let name = Name::of(to);
    let Ok(socket) = socket(name.family(), libc::SOCK_STREAM, 0) else {
        return;
    };
    let here = Name::of(match to {
        SocketAddr::V4(_) => SocketAddr::from(([0; 4], own)),
        SocketAddr::V6(_) => SocketAddr::from(([0; 16], own)),
    });
    // SAFETY: as in `connect`.
    unsafe { libc::bind(socket.as_raw_fd(), here.as_ptr(), here.len()) };
    connect(&socket, &name);
}

/// A socket of many TCP paths, connected.
pub fn connect_mptcp(to: SocketAddr) -> Result<()> {
    const IPPROTO_MPTCP: i32 = 262;
    let name = Name::of(to);
    let socket = socket(name.family(), libc::SOCK_STREAM, IPPROTO_MPTCP)?;
    connect(&socket, &name);
    Ok(())
}

/// An SCTP socket, connected.
pub fn connect_sctp(to: SocketAddr) -> Result<()> {
    let name = Name::of(to);
    let socket = socket(name.family(), libc::SOCK_STREAM, libc::IPPROTO_SCTP)?;
    connect(&socket, &name);
    Ok(())
}

/// A socket to another virtual machine, connected.
pub fn connect_vsock(cid: u32, port: u32) -> Result<()> {
    // SAFETY: bytes of nought are a valid address.
    let mut name: libc::sockaddr_vm = unsafe { mem::zeroed() };
    name.svm_family = libc::AF_VSOCK as libc::sa_family_t;
    name.svm_cid = cid;
    name.svm_port = port;
    let socket = socket(libc::AF_VSOCK, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0)?;
    connect(&socket, &Name::from(name));
    Ok(())
}

/// A first packet with data in it: sendto(2) that connects.
pub fn fast_open(to: SocketAddr) -> Result<()> {
    let name = Name::of(to);
    let socket = socket(name.family(), libc::SOCK_STREAM, 0)?;
    let data = b"lapwing";
    // SAFETY: data and address are whole, and live until the call is over.
    unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            data.as_ptr().cast(),
            data.len(),
            libc::MSG_FASTOPEN | libc::MSG_DONTWAIT,
            name.as_ptr(),
            name.len(),
        )
    };
    Ok(())
}

/// A message to a peer, or to nobody in particular, with control data.
fn message(name: Option<&Name>, data: &mut IoSlice<'_>, control: &mut [u8]) -> libc::msghdr {
    // SAFETY: bytes of nought are a message to nobody, of nothing.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    if let Some(name) = name {
        message.msg_name = name.as_ptr().cast_mut().cast();
        message.msg_namelen = name.len();
    }
    message.msg_iov = ptr::from_mut(data).cast();
    message.msg_iovlen = 1;
    if !control.is_empty() {
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = control.len() as _;
    }
    message
}

/// Datagrams to many peers by one call.
pub fn send_many(to: &[SocketAddr]) -> Result<()> {
    let names: Vec<Name> = to.iter().map(|to| Name::of(*to)).collect();
    let family = names.first().context("nobody to send to")?.family();
    let socket = socket(family, libc::SOCK_DGRAM, 0)?;
    let mut data = IoSlice::new(b"lapwing");
    let mut messages: Vec<libc::mmsghdr> = names
        .iter()
        .map(|name| libc::mmsghdr {
            msg_hdr: message(Some(name), &mut data, &mut []),
            msg_len: 0,
        })
        .collect();
    let count = messages.len() as libc::c_uint;
    let mut done = 0;
    // One that has no way to its peer ends the call: the rest follows in the next.
    while done < count {
        // SAFETY: the messages and all they point to live until the call is over.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                messages[done as usize..].as_mut_ptr(),
                count - done,
                0,
            )
        };
        done += u32::try_from(sent).unwrap_or(1).max(1);
    }
    Ok(())
}

/// A datagram of a connected socket, with control data and without a peer.
pub fn send_with_control(to: SocketAddr) -> Result<()> {
    let name = Name::of(to);
    if name.family() != libc::AF_INET {
        bail!("IPv4 alone");
    }
    let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    connect(&socket, &name);
    // struct cmsghdr, then struct in_pktinfo of nought.
    let mut control = [0u64; 4];
    // SAFETY: the buffer is aligned and longer than a head and what follows it.
    let control = unsafe {
        control
            .as_mut_ptr()
            .cast::<libc::cmsghdr>()
            .write(libc::cmsghdr {
                cmsg_len: (size_of::<libc::cmsghdr>() + size_of::<libc::in_pktinfo>()) as _,
                cmsg_level: libc::IPPROTO_IP,
                cmsg_type: libc::IP_PKTINFO,
            });
        std::slice::from_raw_parts_mut(control.as_mut_ptr().cast::<u8>(), size_of_val(&control))
    };
    let mut data = IoSlice::new(b"lapwing");
    let message = message(None, &mut data, control);
    // SAFETY: the message and all it points to live until the call is over.
    unsafe { libc::sendmsg(socket.as_raw_fd(), &message, 0) };
    Ok(())
}

fn send(socket: &OwnedFd, data: &[u8], name: &Name) {
    // SAFETY: data and address are whole, and live until the call is over.
    unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            data.as_ptr().cast(),
            data.len(),
            0,
            name.as_ptr(),
            name.len(),
        )
    };
}

/// A packet of a protocol of its own.
pub fn send_raw(to: SocketAddr, protocol: i32) -> Result<()> {
    let name = Name::of(to);
    let socket = socket(name.family(), libc::SOCK_RAW, protocol)?;
    send(&socket, b"lapwings", &name);
    Ok(())
}

/// A socket for a protocol of its own, connected.
pub fn connect_raw(to: SocketAddr, protocol: i32) -> Result<()> {
    let name = Name::of(to);
    let socket = socket(name.family(), libc::SOCK_RAW, protocol)?;
    connect(&socket, &name);
    Ok(())
}

/// An echo request by a socket that can send nothing else.
pub fn ping(to: SocketAddr) -> Result<()> {
    let (protocol, echo) = match to {
        SocketAddr::V4(_) => (libc::IPPROTO_ICMP, 8),
        SocketAddr::V6(_) => (libc::IPPROTO_ICMPV6, 128),
    };
    let name = Name::of(to);
    let socket = socket(name.family(), libc::SOCK_DGRAM, protocol)?;
    send(&socket, &[echo, 0, 0, 0, 0, 0, 0, 1], &name);
    Ok(())
}
