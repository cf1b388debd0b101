//! Which addresses neither a name nor a range stands for.
//!
//! Whoever owns a zone can let its names lead to any address. A profile that approves
//! `cdn.example.com` must not thereby approve the metadata service, the node or a neighbour: so
//! some addresses never have a name, and private ones have it with a mark.
//!
//! Nor does somebody who writes `0.0.0.0/0` mean this host or this link: no range stands for their
//! addresses but one that lies among them, like `127.0.0.0/8`, which was written for them. A
//! metadata service hands out credentials, and no range stands for one, however narrow.
//!
//! What is special about an address in one place alone is not known here: the addresses of the
//! node, and the prefix under which a network of its own translates to IPv4.

use crate::behaviour::{Cidr, Peer};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a name for an address is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// On the Internet: the name stands for it.
    Public,
    /// Of this cluster or company (RFC 1918, RFC 6598, RFC 4193): the name counts only where the
    /// profile has learned the two together.
    Private,
    /// Never: this host, this link, no single host at all, or a metadata service.
    Nameless,
}

/// Metadata services of clouds, and what hands out credentials beside them.
const METADATA: [IpAddr; 16] = [
    // Amazon, Azure, Google and most others.
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    // Credentials of Amazon's ECS and EKS.
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    // Tencent Cloud, and Scaleway.
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 42, 42)),
    // Azure's WireServer, which is its name service too.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Alibaba Cloud, and Oracle Cloud as it was first.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    // Amazon, and credentials of its EKS.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    // Google, Oracle, Scaleway, Akamai (Linode) and Alibaba.
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200)),
    // OpenStack.
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
];

/// Names by which some clouds' guests ask for it.
const METADATA_NAMES: [&str; 5] = [
    "instance-data",
    "instance-data.ec2.internal",
    "metadata",
    "metadata.goog",
    "metadata.google.internal",
];

/// Whether a peer is a metadata service, by address or name, or a range that has one in it.
#[must_use]
pub fn reaches_metadata(peer: &Peer) -> bool {
    match peer {
        Peer::Address(address) => is_metadata(*address),
        Peer::Cidr(range) => METADATA.iter().any(|one| range.contains(*one)),
        Peer::Domain(name) => {
            let name = name.trim_end_matches('.');
            METADATA_NAMES
                .iter()
                .any(|one| name.eq_ignore_ascii_case(one))
        }
        Peer::Path(_) | Peer::Cid(_) | Peer::Socket(_) => false,
    }
}

/// The IPv4 address that one of IPv6 leads to, and how many bits stand before it.
fn embedded(address: Ipv6Addr) -> Option<(u8, IpAddr)> {
    let (before, high, low) = match address.segments() {
        // In a form that was given up (RFC 4291, 2.5.5.1), and NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (96, high, low),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => (16, high, low),
        _ => return None,
    };
    let bits = u32::from(high) << 16 | u32::from(low);
    Some((before, Ipv4Addr::from_bits(bits).into()))
}

/// Whether it is that of a metadata service, however it is written.
fn is_metadata(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let inside = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => embedded(address).map(|(_, inside)| inside),
    };
    METADATA.contains(&address) || inside.is_some_and(|inside| METADATA.contains(&inside))
}

/// The block of this host, of this link or of no single host that an address is in: how many bits
/// all of the block begin with. Blocks do not overlap.
fn block(address: IpAddr) -> Option<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => match address.octets() {
            // "This network", which Linux takes for this host, and loopback.
            [0 | 127, ..] => Some(8),
            [169, 254, ..] => Some(16),
            // Multicast, reserved and broadcast.
            [224..=255, ..] => Some(3),
            _ => None,
        },
        IpAddr::V6(address) => match address.segments() {
            // Unspecified, loopback, and the form that was given up.
            [0, 0, 0, 0, 0, 0, _, _] => Some(96),
            [0xfe80..=0xfebf, ..] => Some(10),
            [0xff00..=0xffff, ..] => Some(8),
            _ => {
                let (before, inside) = embedded(address)?;
                Some(before + block(inside)?)
            }
        },
    }
}

/// Whether all of a range is in one such block.
fn is_in_block(range: Cidr) -> bool {
    block(range.first()).is_some_and(|bits| bits <= range.prefix())
}

/// Whether a range stands for a peer: an address, or a range of which it stands for all that this
/// one stands for. If it does not, no wider range does.
pub(crate) fn stands_for(range: Cidr, peer: &Peer) -> bool {
    match *peer {
        Peer::Address(address) => {
            range.contains(address)
                && !is_metadata(address)
                && (block(address).is_none() || is_in_block(range))
        }
        Peer::Cidr(inner) => {
            inner.widened(range.prefix()) == Some(range)
                && (is_in_block(range) || !is_in_block(inner))
        }
        Peer::Domain(_) | Peer::Path(_) | Peer::Cid(_) | Peer::Socket(_) => false,
    }
}

impl Class {
    /// The class of an address, however it is written: IPv4 inside IPv6 counts as what it is.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        if is_metadata(address) || block(address).is_some() {
            return Self::Nameless;
        }
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => match embedded(address) {
                Some((_, inside)) => Self::of(inside),
                None => Self::of_v6(address),
            },
        }
    }

    const fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    const fn of_v6(address: Ipv6Addr) -> Self {
        match address.segments() {
            // NAT64 of one's own (RFC 8215): where the IPv4 address stands is not known.
            [0x64, 0xff9b, 1, ..] => Self::Private,
            // fc00::/7, and fec0::/10, which was given up for it.
            [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Self::Private,
            _ => Self::Public,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_class_of_their_range() {
        let class = |class: Class, addresses: &[&str]| {
            for address in addresses {
                assert_eq!(Class::of(address.parse().unwrap()), class, "{address}");
            }
        };
        class(
            Class::Nameless,
            &[
                "0.0.0.0",
                "0.1.2.3",
                "127.0.0.1",
                "127.255.255.255",
                "169.254.0.1",
                "169.254.169.254",
                "224.0.0.1",
                "239.255.255.250",
                "240.0.0.1",
                "255.255.255.255",
                "168.63.129.16",
                "100.100.100.200",
                "192.0.0.192",
                "::",
                "::1",
                "::127.0.0.1",
                "::ffff:127.0.0.1",
                "::ffff:169.254.169.254",
                "64:ff9b::169.254.169.254",
                "64:ff9b::7f00:1",
                "2002:7f00:1::",
                "fe80::1",
                "febf::1",
                "ff02::fb",
                "fd00:ec2::254",
                "fd20:ce::254",
                "fd00:42::42",
                "fd00:ec2::23",
                "fd00:c1::a9fe:a9fe",
                "fd00:a9fe:a9fe::1",
                "fd00:100::100:200",
                "fe80::a9fe:a9fe",
                "64:ff9b::6464:64c8",
                "2002:6464:64c8::1",
            ],
        );
        class(
            Class::Private,
            &[
                "10.0.0.1",
                "10.255.255.255",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "100.64.0.1",
                "100.127.255.255",
                "fc00::1",
                "fdff::1",
                "fec0::1",
                "::ffff:10.0.0.1",
                "64:ff9b::a00:1",
                "2002:a00:1::",
                "64:ff9b:1::1",
            ],
        );
        class(
            Class::Public,
            &[
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.1",
                "172.15.0.1",
                "172.32.0.1",
                "100.63.0.1",
                "100.128.0.1",
                "126.0.0.1",
                "128.0.0.1",
                "169.253.0.1",
                "223.255.255.255",
                "2606:4700::1111",
                "64:ff9b::101:101",
                "2002:101:101::",
                "::ffff:8.8.8.8",
            ],
        );
    }

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_are_of_a_block_or_reach_out_of_it() {
        for (range, expected) in [
            ("0.0.0.0/8", true),
            ("127.0.0.0/8", true),
            ("127.0.0.0/31", true),
            ("169.254.0.0/16", true),
            ("169.254.20.0/24", true),
            ("224.0.0.0/3", true),
            ("255.255.255.0/24", true),
            ("::/96", true),
            ("::/127", true),
            ("fe80::/10", true),
            ("fe80::/64", true),
            ("ff00::/8", true),
            ("64:ff9b::7f00:0/104", true),
            ("64:ff9b::a9fe:0/112", true),
            ("2002:7f00::/24", true),
            ("0.0.0.0/0", false),
            ("0.0.0.0/7", false),
            ("126.0.0.0/7", false),
            ("169.254.0.0/15", false),
            ("192.0.0.0/2", false),
            ("10.0.0.0/8", false),
            ("::/0", false),
            ("::/95", false),
            ("fe80::/9", false),
            ("fe00::/7", false),
            ("64:ff9b::/96", false),
            ("64:ff9b::7e00:0/103", false),
            ("2002::/16", false),
            ("2002:7e00::/23", false),
        ] {
            assert_eq!(is_in_block(cidr(range)), expected, "{range}");
        }
    }

    #[test]
    fn no_range_stands_for_a_metadata_service() {
        for address in METADATA {
            for prefix in 0..128 {
                let Some(range) = Cidr::around(address, prefix) else {
                    continue;
                };
                assert!(range.contains(address));
                assert!(!stands_for(range, &Peer::Address(address)), "{range}");
            }
        }
    }

    #[test]
    fn a_range_stands_for_this_host_or_link_if_it_was_written_for_it() {
        for (range, address, expected) in [
            ("127.0.0.0/8", "127.0.0.1", true),
            ("0.0.0.0/0", "127.0.0.1", false),
            ("169.254.0.0/16", "169.254.20.10", true),
            ("169.254.0.0/15", "169.254.20.10", false),
            ("fe80::/10", "fe80::1", true),
            ("::/0", "fe80::1", false),
            ("64:ff9b::/96", "64:ff9b::7f00:1", false),
            ("64:ff9b::7f00:0/104", "64:ff9b::7f00:1", true),
            ("64:ff9b::/96", "64:ff9b::808:808", true),
            ("64:ff9b::a9fe:0/112", "64:ff9b::a9fe:a9fe", false),
            ("2002:a9fe::/32", "2002:a9fe:a9fe::1", false),
            ("::/96", "::169.254.169.254", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
        ] {
            let peer = Peer::Address(address.parse().unwrap());
            assert_eq!(
                stands_for(cidr(range), &peer),
                expected,
                "{range} {address}"
            );
        }
    }
}
