//! Which files of its image a container uses: records of a ring of their own.
//!
//! A record is three words and the file's path as a component list. It says of a file, once
//! for each way of using it, that a process of the container opened it. Files that this open
//! made are left out; so is what does not lie on the container's root mount.

use crate::ABI_VERSION;

ids! {
    /// How a file was used.
    Use: u8 {
        /// Opened, to read, write or map it, or for its name alone (`O_PATH`).
        Open = 1,
        /// Opened to be executed: a program, a script, or the loader of a program.
        Exec = 2,
        /// A folder was opened: nearly always to list it.
        List = 3,
    }
}

/// The file lies in the upper layer: it was made or changed in the container, or is a folder in which
/// something was.
pub const UPPER: u8 = 1;

/// Entries of the map `USED`.
pub const USED_MAX: u32 = 32_768;
/// How many of them one container may make: what it uses beyond goes to `USED_BEYOND`, and takes no
/// room of those that use less.
pub const USED_SHARE: u64 = 4_096;
/// Entries of the map `USED_BEYOND`.
pub const BEYOND_MAX: u32 = 16_384;
/// Bytes of the ring `USES`.
pub const USES_RING: u32 = 1 << 20;
/// Bytes of it where nobody wants it: one page of the largest.
pub const USES_RING_OFF: u32 = 1 << 16;
/// What a record costs a container of its allowance, in nanoseconds: so many of them each second.
pub const USE_COST: u64 = 1_000_000_000 / 512;
/// Bytes of a path for which it costs that once more: of shorter ones the ring holds a burst.
pub const USE_PATH: u64 = 96;
/// How far ahead the allowance may be spent, in nanoseconds: what large programs open when they start.
pub const USE_BURST: u64 = 8_192 * USE_COST;

const _: () = assert!(
    USE_BURST / USE_COST * (8 + USE_HEADER_LEN as u64 + USE_PATH) <= USES_RING as u64,
    "the kernel puts 8 bytes before each record"
);

/// Bytes of a record before the path.
pub const USE_HEADER_LEN: usize = 24;

/// A record's first words: the container, how, by whom; then the time.
#[must_use]
pub const fn head(home: u64, pid: u32, how: Use, marks: u8, time: u64) -> [u64; 3] {
    let ids = ABI_VERSION as u64 | (how.raw() as u64) << 16 | (marks as u64) << 24;
    [home, ids | (pid as u64) << 32, time]
}

/// A record of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseRecord<'a> {
    /// The container's cgroup.
    pub home: u64,
    /// The process that opened it.
    pub pid: u32,
    /// How it was used.
    pub how: Use,
    /// Whether it lies in the upper layer, see [`UPPER`].
    pub is_upper: bool,
    /// Time since boot in nanoseconds.
    pub time: u64,
    /// The file, as a component list.
    pub components: &'a [u8],
}

impl<'a> UseRecord<'a> {
    /// Reads a record; nothing of what does not fit.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (head, components) = bytes.split_at_checked(USE_HEADER_LEN)?;
        let word = |at: usize| -> Option<u64> {
            Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?))
        };
        let ids = word(8)?;
        if ids as u16 != u16::from(ABI_VERSION) {
            return None;
        }
        let marks = (ids >> 24) as u8;
        if marks & !UPPER != 0 {
            return None;
        }
        Some(Self {
            home: word(0)?,
            pid: (ids >> 32) as u32,
            how: Use::from_raw((ids >> 16) as u8)?,
            is_upper: marks & UPPER != 0,
            time: word(16)?,
            components,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_nothing_else_does() {
        let mut bytes = [0; USE_HEADER_LEN + 6];
        for how in Use::ALL {
            for marks in [0, UPPER] {
                let words = head(7 << 40, 0xffff_fff0, *how, marks, 9);
                for (at, word) in words.iter().enumerate() {
                    bytes[8 * at..8 * at + 8].copy_from_slice(&word.to_le_bytes());
                }
                bytes[USE_HEADER_LEN..].copy_from_slice(b"b\0etc\0");
                let record = UseRecord::decode(&bytes).unwrap();
                assert_eq!((record.home, record.pid), (7 << 40, 0xffff_fff0));
                assert_eq!((record.how, record.is_upper), (*how, marks == UPPER));
                assert_eq!((record.time, record.components), (9, &b"b\0etc\0"[..]));
            }
        }
        for (at, value) in [(8, 0), (9, 99), (10, 0), (10, 4), (11, 2)] {
            let mut broken = bytes;
            broken[at] = value;
            assert_eq!(UseRecord::decode(&broken), None, "{at} {value}");
        }
        for len in 0..USE_HEADER_LEN {
            assert_eq!(UseRecord::decode(&bytes[..len]), None, "{len}");
        }
    }
}
