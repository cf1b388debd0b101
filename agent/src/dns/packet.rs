//! What the kernel's side hands over.

use std::net::SocketAddr;

/// Which way a packet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Out of the container.
    Query,
    /// Into it.
    Answer,
}

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A whole datagram.
    Udp,
    /// A segment of a connection.
    Tcp {
        /// Sequence number of the segment.
        sequence: u32,
        /// Whether the connection begins with it (SYN). A connection whose beginning was not seen
        /// is taken to begin with its first segment.
        syn: bool,
        /// Whether it ends with it (FIN or RST).
        end: bool,
    },
}

/// A packet from or to port 53 of a peer.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Which container.
    pub container: u64,
    /// Which way.
    pub direction: Direction,
    /// By what.
    pub transport: Transport,
    /// The peer, as the container's socket knows it. Programs on egress see a packet after
    /// address translation in its network namespace, which may have changed the peer's port; the
    /// port of a question does not matter here, the address does.
    pub peer: SocketAddr,
    /// The container's port.
    pub port: u16,
    /// Whether it went over the loopback device of the container's network namespace.
    pub looped: bool,
    /// Time since boot in nanoseconds.
    pub time: u64,
    /// What it carries, without the headers of IP, UDP and TCP.
    pub payload: &'a [u8],
    /// Whether the end of the payload is missing.
    pub cut: bool,
}
