//! A range of addresses, in the notation of CIDR (RFC 4632, section 3.1; RFC 4291, section 2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// All addresses that begin with the same bits. One form for each: the bits behind the prefix are
/// zero, IPv4 is never wrapped in IPv6, and one address alone is no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// An address with zeros behind so many bits.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let shift = u32::from(bits(address).saturating_sub(prefix));
    match address {
        IpAddr::V4(address) => {
            let kept = u32::MAX.checked_shl(shift).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & kept).into()
        }
        IpAddr::V6(address) => {
            let kept = u128::MAX.checked_shl(shift).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & kept).into()
        }
    }
}

impl Cidr {
    /// The range of so many bits around an address; `None` where that is one address, or the
    /// address has no so many bits.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Option<Self> {
        let address = address.to_canonical();
        (prefix < bits(address)).then(|| Self {
            address: masked(address, prefix),
            prefix,
        })
    }

    /// How many bits are the same.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// How many are not.
    #[must_use]
    pub const fn open(self) -> u8 {
        bits(self.address) - self.prefix
    }

    /// The first address of it.
    pub(crate) const fn first(self) -> IpAddr {
        self.address
    }

    /// Whether it is of IPv6.
    #[must_use]
    pub const fn is_v6(self) -> bool {
        self.address.is_ipv6()
    }

    /// Whether an address is in it. IPv4 that IPv6 only wraps is IPv4.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv6() == self.is_v6() && masked(address, self.prefix) == self.address
    }

    /// The range of so many bits that it is in.
    pub(crate) fn widened(self, prefix: u8) -> Option<Self> {
        (prefix <= self.prefix).then(|| Self {
            address: masked(self.address, prefix),
            prefix,
        })
    }
}

/// `10.0.0.0/8`.
impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{}` is no range of addresses: write one like 10.0.0.0/8 or fd00::/8",
                crate::text::visible(text)
            )
        };
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let number: u8 = prefix.parse().map_err(|_| wrong())?;
        if number > bits(address) {
            return Err(wrong());
        }
        if number == bits(address) {
            return Err(format!(
                "`{text}` is one address: write it as `address: {address}`"
            ));
        }
        if address.to_canonical() != address {
            return Err(format!(
                "`{text}` is of IPv4: write it as such, like 10.0.0.0/8"
            ));
        }
        let one = Self {
            address: masked(address, number),
            prefix: number,
        };
        match one.to_string() == text {
            true => Ok(one),
            false => Err(format!("`{text}` is written {one}")),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Cidr {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_range_has_one_form() {
        for text in [
            "0.0.0.0/0",
            "10.0.0.0/8",
            "192.0.2.2/31",
            "::/0",
            "fd00::/8",
        ] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
        }
        for (text, word) in [
            ("10.0.0.1/8", "is written 10.0.0.0/8"),
            ("10.0.0.0/08", "is written 10.0.0.0/8"),
            ("FD00::/8", "is written fd00::/8"),
            ("10.0.0.1/32", "`address: 10.0.0.1`"),
            ("::1/128", "`address: ::1`"),
            ("::ffff:10.0.0.0/104", "of IPv4"),
            ("10.0.0.0/33", "10.0.0.0/8 or"),
            ("10.0.0.0", "10.0.0.0/8 or"),
            ("api.example.com/8", "10.0.0.0/8 or"),
            ("10.0.0.0/-1", "10.0.0.0/8 or"),
        ] {
            let error = text.parse::<Cidr>().unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_in_it_begins_as_it_does() {
        let inside = |range: &str, address: &str| {
            let range: Cidr = range.parse().unwrap();
            range.contains(address.parse().unwrap())
        };
        assert!(inside("10.0.0.0/8", "10.255.0.1"));
        assert!(inside("10.0.0.0/8", "::ffff:10.0.0.1"));
        assert!(inside("0.0.0.0/0", "255.255.255.255"));
        assert!(inside("fd00::/8", "fdff::1"));
        assert!(!inside("10.0.0.0/8", "11.0.0.0"));
        assert!(!inside("::/0", "10.0.0.1"));
        assert!(!inside("0.0.0.0/0", "::1"));
    }

    proptest! {
        #[test]
        fn around_an_address_is_the_range_that_it_is_in(
            address in any::<IpAddr>(), other in any::<IpAddr>(), prefix in 0..128_u8,
        ) {
            let address = address.to_canonical();
            let Some(range) = Cidr::around(address, prefix) else {
                prop_assert!(prefix >= bits(address));
                return Ok(());
            };
            prop_assert!(range.contains(address));
            prop_assert_eq!(range.to_string().parse(), Ok(range));
            prop_assert_eq!(range.contains(other), Cidr::around(other, prefix) == Some(range));
            for wider in 0..=prefix {
                prop_assert_eq!(range.widened(wider), Cidr::around(address, wider));
            }
        }
    }
}
