//! Which resolvers a container is configured to ask: its `/etc/resolv.conf`.
//!
//! Read as glibc reads it (`resolv/res_init.c`): a line starts with the word `nameserver`,
//! blanks, and an address; what follows is ignored, and so is a line whose address is none. Three
//! count, and without one it is 127.0.0.1. musl does the same.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many resolvers are asked (`MAXNS` of `resolv.h`).
const COUNT: usize = 3;
/// How much of the file is read, in bytes. It is the container's, so it may be of any length.
const LENGTH: usize = 64 << 10;

/// The addresses of the resolvers, at least one. Scopes (`fe80::1%eth0`) are left out: an address
/// of a packet has none.
#[must_use]
pub fn nameservers(file: &[u8]) -> Vec<IpAddr> {
    let file = &file[..file.len().min(LENGTH)];
    let found: Vec<IpAddr> = file
        .split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let rest = line.strip_prefix(b"nameserver")?;
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
            rest.first().filter(|byte| blank(byte))?;
            let word = rest.split(blank).find(|word| !word.is_empty())?;
            address(std::str::from_utf8(word).ok()?)
        })
        .take(COUNT)
        .collect();
    if found.is_empty() {
        vec![Ipv4Addr::LOCALHOST.into()]
    } else {
        found
    }
}

fn address(word: &str) -> Option<IpAddr> {
    if let Some(address) = inet_aton(word) {
        return Some(address.into());
    }
    let word = word.split_once('%').map_or(word, |(address, _)| address);
    word.parse::<Ipv6Addr>()
        .ok()
        .map(|address| IpAddr::from(address).to_canonical())
}

/// IPv4 in all forms of inet_aton(3): one to four numbers, decimal, octal or hexadecimal, the last
/// of which fills what is left.
fn inet_aton(word: &str) -> Option<Ipv4Addr> {
    let mut numbers = word.split('.').map(number);
    let mut value = 0u32;
    let mut left = 32u32;
    loop {
        let number = numbers.next()??;
        match numbers.clone().next() {
            None if left == 32 => return Some(Ipv4Addr::from(number)),
            None => return (number >> left == 0).then(|| Ipv4Addr::from(value | number)),
            Some(_) => {
                // Three whole numbers at most, each a byte.
                if number > 255 || left == 8 {
                    return None;
                }
                left -= 8;
                value |= number << left;
            }
        }
    }
}

fn number(digits: &str) -> Option<u32> {
    // `from_str_radix` takes signs.
    if !digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'x' || byte == b'X')
    {
        return None;
    }
    if let Some(hexadecimal) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        return u32::from_str_radix(hexadecimal, 16).ok();
    }
    let radix = if digits.len() > 1 && digits.starts_with('0') {
        8
    } else {
        10
    };
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> Vec<String> {
        nameservers(file.as_bytes())
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn resolvers_are_those_that_the_c_library_asks() {
        let file = "# nameserver 9.9.9.9\nsearch a b\n nameserver 8.8.8.8\nnameserver\t10.0.0.2  # x\n\
                    nameserver2 1.1.1.1\nnameserver name\nnameserver fe80::1%eth0\r\n\
                    nameserver ::ffff:10.0.0.9\nnameserver 10.0.0.4\n";
        assert_eq!(read(file), ["10.0.0.2", "fe80::1", "10.0.0.9"]);
    }

    #[test]
    fn without_one_it_is_the_local_one() {
        for file in [
            "",
            "nameserver",
            "nameserver \n",
            "options ndots:5\n",
            "\u{0}",
        ] {
            assert_eq!(read(file), ["127.0.0.1"], "{file:?}");
        }
    }

    #[test]
    fn numbers_are_read_as_inet_aton_does() {
        for (word, address) in [
            ("127.1", Some([127, 0, 0, 1])),
            ("0x7f.0.0.1", Some([127, 0, 0, 1])),
            ("010.0.0.1", Some([8, 0, 0, 1])),
            ("10.1.258", Some([10, 1, 1, 2])),
            ("4294967295", Some([255; 4])),
            ("0", Some([0; 4])),
            ("1.2.3.4", Some([1, 2, 3, 4])),
            ("1.2.3.256", None),
            ("256.1", None),
            ("1.2.3.4.5", None),
            ("1.2.3.", None),
            ("", None),
            ("+1.2.3.4", None),
            ("1.16777216", None),
            ("08.1.1.1", None),
        ] {
            assert_eq!(inet_aton(word), address.map(Ipv4Addr::from), "{word}");
        }
    }

    #[test]
    fn an_endless_file_is_not_read_to_its_end() {
        let mut file = vec![b'#'; LENGTH];
        file.extend(b"\nnameserver 10.0.0.1\n");
        assert_eq!(nameservers(&file), [IpAddr::from(Ipv4Addr::LOCALHOST)]);
    }
}
