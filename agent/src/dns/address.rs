//! Which addresses a name may stand for.
//!
//! Whoever owns a zone can let its names lead to any address. A profile that approves
//! `cdn.example.com` must not thereby approve the metadata service, the node or a neighbour: so
//! some addresses never have a name, and private ones have it with a mark.

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

/// Metadata services of clouds that are not on the link: Azure's WireServer, Alibaba Cloud,
/// Oracle Cloud, and in IPv6 Amazon, Google and Scaleway. The others answer at 169.254.169.254,
/// which is link-local.
const METADATA: [IpAddr; 6] = [
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
];

impl Class {
    /// The class of an address, however it is written: IPv4 inside IPv6 counts as what it is.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        if METADATA.contains(&address) {
            return Self::Nameless;
        }
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            // "This network", loopback, link-local, multicast, reserved and broadcast. Linux
            // takes 0.0.0.0 for this host.
            [0 | 127 | 224.., ..] | [169, 254, ..] => Self::Nameless,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let embedded = |high: u16, low: u16| {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Self::of(Ipv4Addr::new(a, b, c, d).into())
        };
        match address.segments() {
            // Unspecified, loopback, and IPv4 in a form that was given up (RFC 4291, 2.5.5.1).
            [0, 0, 0, 0, 0, 0, _, _] => Self::Nameless,
            // Translated to IPv4 on the way: NAT64 (RFC 6052) and 6to4 (RFC 3056).
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
            // NAT64 of one's own (RFC 8215): where the IPv4 address stands is not known.
            [0x64, 0xff9b, 1, ..] => Self::Private,
            // fe80::/10 and ff00::/8.
            [0xfe80..=0xfebf | 0xff00.., ..] => Self::Nameless,
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
                "64:ff9b::6464:64c8",
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
}
