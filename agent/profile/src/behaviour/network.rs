//! Peers, sockets and names.

use super::{Cidr, words};
use std::net::IpAddr;

/// A peer that is talked to, or a socket that is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Egress {
    /// By which protocol.
    pub protocol: Protocol,
    /// With whom.
    pub peer: Peer,
    /// At which port; 0 where there is none.
    pub port: u32,
}

/// With whom a socket talks. The best that is known of it: a domain name stands for all addresses
/// that the container was told for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// An address; IPv4 where IPv6 only wraps it.
    Address(IpAddr),
    /// A domain name, as [`domain`] makes it.
    Domain(String),
    /// A socket of this machine: a path, or [`ABSTRACT`] and a name that has no place in the file
    /// system.
    Path(String),
    /// A virtual machine, or the host of this one, by its context id.
    Cid(u32),
    /// Nobody yet, or nobody in particular: a socket of this type was made.
    Socket(SocketType),
    /// Any address of a range. Nobody is seen as such, so only a person writes it.
    Cidr(Cidr),
}

/// Stands before the name of an abstract socket, as in `ss` and in /proc/net/unix. All paths
/// start with another character.
pub const ABSTRACT: char = '@';

/// A protocol of sockets. Where a protocol has a word, it has no other form: see
/// [`Protocol::from_number`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP, and MPTCP, which looks the same to a peer.
    Tcp,
    /// UDP and UDP-Lite.
    Udp,
    /// SCTP.
    Sctp,
    /// ICMP.
    Icmp,
    /// ICMP for IPv6.
    Icmpv6,
    /// None: a socket of this machine.
    Unix,
    /// Frames of a network device.
    Packet,
    /// Between a virtual machine and its host.
    Vsock,
    /// Frames of a network device, by `AF_XDP`.
    Xdp,
    /// Another protocol above IP, by its number at IANA; 0 where it is not known, which nothing
    /// but old profiles say.
    Other(u8),
}

impl Egress {
    /// The range of addresses that it stands for, if it does.
    #[must_use]
    pub const fn range(&self) -> Option<Cidr> {
        match self.peer {
            Peer::Cidr(range) => Some(range),
            Peer::Address(_) | Peer::Domain(_) | Peer::Path(_) | Peer::Cid(_) | Peer::Socket(_) => {
                None
            }
        }
    }
}

impl Protocol {
    /// Those that have a word of their own.
    pub const NAMED: &[Self] = &[
        Self::Tcp,
        Self::Udp,
        Self::Sctp,
        Self::Icmp,
        Self::Icmpv6,
        Self::Unix,
        Self::Packet,
        Self::Vsock,
        Self::Xdp,
    ];

    /// From a number of `socket(2)`: those of IANA, and 262 for MPTCP, of which the low byte
    /// (6) arrives.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Icmp,
            6 => Self::Tcp,
            17 | 136 => Self::Udp,
            58 => Self::Icmpv6,
            132 => Self::Sctp,
            other => Self::Other(other),
        }
    }

    /// The word in profiles and output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
            Self::Icmp => "ICMP",
            Self::Icmpv6 => "ICMPV6",
            Self::Unix => "UNIX",
            Self::Packet => "PACKET",
            Self::Vsock => "VSOCK",
            Self::Xdp => "XDP",
            Self::Other(_) => "OTHER",
        }
    }

    /// The number, where the word does not tell it.
    #[must_use]
    pub const fn number(self) -> Option<u8> {
        match self {
            Self::Other(0) => None,
            Self::Other(number) => Some(number),
            _ => None,
        }
    }

    /// From a word and the number that belongs to `OTHER`.
    pub(crate) fn from_words(word: &str, number: Option<u8>) -> Result<Self, String> {
        if word == "OTHER" {
            let protocol = Self::from_number(number.unwrap_or(0));
            return match protocol {
                Self::Other(_) => Ok(protocol),
                named => Err(format!(
                    "the protocol with number {} is written {}",
                    number.unwrap_or(0),
                    named.word()
                )),
            };
        }
        let named = Self::NAMED.iter().find(|protocol| protocol.word() == word);
        match (named, number) {
            (Some(protocol), None) => Ok(*protocol),
            (Some(_), Some(_)) => Err(format!("`number` belongs to OTHER, not to {word}")),
            (None, _) => {
                let words: Vec<&str> = Self::NAMED.iter().map(|one| one.word()).collect();
                Err(format!(
                    "`{}` is no protocol: write one of {} and OTHER",
                    crate::text::visible(word),
                    words.join(", ")
                ))
            }
        }
    }

    /// Whether its ends have ports; `None` where it is not known. What stands in the place of a
    /// port where there is none is the caller's whim, and no part of a behaviour.
    #[must_use]
    pub const fn has_ports(self) -> Option<bool> {
        match self {
            Self::Tcp | Self::Udp | Self::Sctp | Self::Vsock => Some(true),
            Self::Icmp | Self::Icmpv6 | Self::Unix | Self::Packet | Self::Xdp => Some(false),
            Self::Other(_) => None,
        }
    }

    /// In a word, with the number where there is one.
    #[must_use]
    pub fn text(self) -> String {
        self.number().map_or_else(
            || self.word().to_owned(),
            |number| format!("{} {number}", self.word()),
        )
    }
}

words! {
    /// Type of a socket that is made, by its name in socket(2).
    SocketType {
        /// A stream of bytes.
        Stream = "STREAM",
        /// Datagrams.
        Dgram = "DGRAM",
        /// Packets with the headers that the caller writes.
        Raw = "RAW",
        /// Datagrams that arrive, in any order.
        Rdm = "RDM",
        /// Datagrams that arrive, in order.
        Seqpacket = "SEQPACKET",
        /// Could not be told.
        Unknown = "UNKNOWN",
    }
}

impl SocketType {
    /// From the number in socket(2), without its flags.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        match number & 0xf {
            1 => Self::Stream,
            2 => Self::Dgram,
            // SOCK_PACKET is raw in the old way.
            3 | 10 => Self::Raw,
            4 => Self::Rdm,
            5 => Self::Seqpacket,
            _ => Self::Unknown,
        }
    }
}

/// A socket that waits for connections.
///
/// The address is not part of it, but who can reach it is: a service on all interfaces and one on
/// loopback are as different as a door to the street and one between two rooms, while a
/// container's own address is another one in every instance. IPv4 and IPv6 are the same door.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Listen {
    /// By which protocol.
    pub protocol: Protocol,
    /// Who can reach it.
    pub reach: Reach,
    /// At which port, as [`listen_port`] folds it; 0 where there is none.
    pub port: u32,
}

/// Who can reach a socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// Others than this machine: all interfaces, or one of them.
    Network,
    /// Whoever shares the container's network.
    Loopback,
    /// Whoever sees the path, or shares the network where it is an abstract name.
    Path(String),
}

/// First and last port that Linux chooses by default for who does not choose
/// (`net.ipv4.ip_local_port_range`).
const EPHEMERAL: std::ops::RangeInclusive<u32> = 32_768..=60_999;

/// The port that stands in a behaviour for one that is listened at: itself, or 0 for all that the
/// kernel chooses by default. Such a port is another one at each start, so a profile that kept it
/// would never be complete; reports still show it. What it costs: a service that chose a port of
/// that range by itself is not told from another there.
#[must_use]
pub fn listen_port(port: u16) -> u32 {
    let port = u32::from(port);
    if EPHEMERAL.contains(&port) { 0 } else { port }
}

/// A name that is asked of the name service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dns {
    /// The name, as [`domain`] makes it.
    pub name: String,
    /// The type of record, as [`record_type`] names it.
    pub record: String,
}

/// A domain name in the one form that profiles know: canonical text, ASCII letters small (names
/// differ by no case, RFC 4343), without the dot of the root unless it is the root.
#[must_use]
pub fn domain(name: &[u8]) -> String {
    let name = match name.strip_suffix(b".") {
        Some(rest) if !rest.is_empty() => rest,
        _ => name,
    };
    crate::text::canonical(&name.to_ascii_lowercase())
}

/// Whether a text is what [`domain`] makes of some name.
pub(crate) fn is_domain(text: &str) -> bool {
    !text.is_empty() && crate::text::bytes(text).is_some_and(|bytes| domain(&bytes) == text)
}

/// Types of records by number, from IANA's registry: those that have a use today.
const RECORD_TYPES: &[(u16, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (10, "NULL"),
    (12, "PTR"),
    (15, "MX"),
    (16, "TXT"),
    (28, "AAAA"),
    (33, "SRV"),
    (35, "NAPTR"),
    (39, "DNAME"),
    (43, "DS"),
    (44, "SSHFP"),
    (46, "RRSIG"),
    (48, "DNSKEY"),
    (52, "TLSA"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (252, "AXFR"),
    (255, "ANY"),
    (257, "CAA"),
];

/// The word for a type of record; `TYPE` and the number where it has none (RFC 3597, section 5).
#[must_use]
pub fn record_type(number: u16) -> String {
    RECORD_TYPES
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("TYPE{number}"), |(_, word)| (*word).to_owned())
}

/// Stands for all types of records that have no word, where many names are one behaviour.
pub const ANY_OTHER_TYPE: &str = "TYPE*";

/// Whether a text is what [`record_type`] makes of some number, or [`ANY_OTHER_TYPE`].
pub(crate) fn is_record_type(text: &str) -> bool {
    if text == ANY_OTHER_TYPE {
        return true;
    }
    let number = match text.strip_prefix("TYPE") {
        Some(digits) => digits.parse().ok(),
        None => RECORD_TYPES
            .iter()
            .find(|(_, word)| *word == text)
            .map(|(number, _)| *number),
    };
    number.is_some_and(|number| record_type(number) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_one_protocol_and_none_is_lost() {
        let mut seen = std::collections::BTreeSet::new();
        for number in 0..=255 {
            let protocol = Protocol::from_number(number);
            let again = Protocol::from_words(protocol.word(), protocol.number());
            assert_eq!(again.as_ref(), Ok(&protocol), "{number}");
            seen.insert(protocol);
        }
        // UDP-Lite is UDP.
        assert_eq!(seen.len(), 255);
        for (word, number, part) in [
            ("OTHER", Some(6), "TCP"),
            ("TCP", Some(6), "belongs to OTHER"),
            ("tcp", None, "no protocol"),
        ] {
            let error = Protocol::from_words(word, number).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn names_and_types_have_one_form() {
        for (name, expected) in [
            (&b"API.Example.com."[..], "api.example.com"),
            (b"api.example.com", "api.example.com"),
            (b".", "."),
            (b"a\xff\n.b", "a\\xff\\x0a.b"),
        ] {
            assert_eq!(domain(name), expected);
            assert!(is_domain(expected));
        }
        for wrong in ["", "Example.com", "example.com.", "a\u{1b}"] {
            assert!(!is_domain(wrong), "{wrong:?}");
        }
        for number in 0..=u16::MAX {
            assert!(is_record_type(&record_type(number)), "{number}");
        }
        for wrong in ["a", "TYPE1", "TYPE01000", "", "TYPE"] {
            assert!(!is_record_type(wrong), "{wrong}");
        }
    }

    #[test]
    fn ports_that_the_kernel_chooses_are_one() {
        for (port, expected) in [
            (80, 80),
            (32_767, 32_767),
            (32_768, 0),
            (60_999, 0),
            (61_000, 61_000),
        ] {
            assert_eq!(listen_port(port), expected);
        }
    }
}
