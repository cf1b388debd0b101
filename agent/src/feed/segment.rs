//! The form of a segment: a header, then records one behind the other. No I/O here.
//!
//! All numbers are little-endian.
//!
//! ```text
//! header   "LWFEED01" | log u64 | first u64 | created i64 | boot [16] | eras u32
//!          | eras times (began u64 | first u64) | crc32 u32 of all before
//! record   length u32 | crc32 u32 of the payload | number u64 | time i64
//!          | crc32 u32 of the 24 bytes before | payload
//! ```
//!
//! The payload is a `WatchResponse` without its cursor. A record's header has a checksum of its own,
//! so that a length that was damaged is not taken for that of a record cut short: what is cut short
//! was never offered to anybody and may be cut off, what is damaged was.

use super::cursor::Era;

const MAGIC: &[u8; 8] = b"LWFEED01";
/// Bytes of a header without eras, and without its checksum.
const FIXED: usize = 52;
/// Eras that a header holds at most: the last ones.
pub const ERAS_MAX: usize = 64;
/// Bytes of the longest header.
pub const HEADER_MAX: usize = FIXED + ERAS_MAX * 16 + 4;
/// Bytes of a record besides its payload.
pub const FRAME: usize = 28;
/// Stands for the boot in a segment that was begun while records were given out before they were
/// written: a kill may have taken some of them. No boot has this id.
pub const AHEAD: [u8; 16] = [0xff; 16];
/// Longest payload that is believed, in bytes. Longer ones are not written.
pub const PAYLOAD_MAX: usize = 32 << 20;

/// What a segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The log that it belongs to: when that was begun, in nanoseconds since the Unix epoch.
    pub log: u64,
    /// Number of its first record.
    pub first: u64,
    /// When it was made, in nanoseconds since the Unix epoch.
    pub created: i64,
    /// The kernel's boot id: what was not synced is lost with it. Or else [`AHEAD`].
    pub boot: [u8; 16],
    /// Every era up to that of its records.
    pub eras: Vec<Era>,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(eight.try_into().ok()?))
}

impl Header {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let skipped = self.eras.len().saturating_sub(ERAS_MAX);
        let eras = &self.eras[skipped..];
        let mut out = MAGIC.to_vec();
        out.extend(self.log.to_le_bytes());
        out.extend(self.first.to_le_bytes());
        out.extend(self.created.to_le_bytes());
        out.extend(self.boot);
        out.extend((eras.len() as u32).to_le_bytes());
        for era in eras {
            out.extend(era.began.to_le_bytes());
            out.extend(era.first.to_le_bytes());
        }
        let crc = crc32fast::hash(&out);
        out.extend(crc.to_le_bytes());
        out
    }

    /// Reads a header, and says how long it is; `None` if it is damaged or none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        if bytes.get(..8)? != MAGIC {
            return None;
        }
        let count = word(bytes, 48)? as usize;
        if count > ERAS_MAX {
            return None;
        }
        let end = FIXED + 16 * count;
        if word(bytes, end)? != crc32fast::hash(bytes.get(..end)?) {
            return None;
        }
        let era = |index: usize| {
            Some(Era {
                began: long(bytes, FIXED + 16 * index)?,
                first: long(bytes, FIXED + 16 * index + 8)?,
            })
        };
        let header = Self {
            log: long(bytes, 8)?,
            first: long(bytes, 16)?,
            created: long(bytes, 24)?.cast_signed(),
            boot: bytes.get(32..48)?.try_into().ok()?,
            eras: (0..count).map(era).collect::<Option<_>>()?,
        };
        Some((header, end + 4))
    }
}

/// Puts a record behind others.
pub fn push(out: &mut Vec<u8>, number: u64, at: i64, payload: &[u8]) {
    let start = out.len();
    out.extend((payload.len() as u32).to_le_bytes());
    out.extend(crc32fast::hash(payload).to_le_bytes());
    out.extend(number.to_le_bytes());
    out.extend(at.to_le_bytes());
    let crc = crc32fast::hash(&out[start..]);
    out.extend(crc.to_le_bytes());
    out.extend(payload);
}

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A record.
    Whole {
        /// Its number.
        number: u64,
        /// Its time, in nanoseconds since the Unix epoch.
        at: i64,
        /// What it holds.
        payload: &'a [u8],
        /// Bytes that it takes.
        size: usize,
    },
    /// The beginning of a record, or nothing: it would end behind so many bytes.
    Short(usize),
    /// No record.
    Damaged,
}

/// Reads what stands at the beginning.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    let header = || {
        let (length, crc) = (word(bytes, 0)?, word(bytes, 4)?);
        let (number, at) = (long(bytes, 8)?, long(bytes, 16)?.cast_signed());
        Some((length as usize, crc, number, at, word(bytes, 24)?))
    };
    let Some((length, crc, number, at, own)) = header() else {
        return Parsed::Short(FRAME);
    };
    if crc32fast::hash(&bytes[..24]) != own || length > PAYLOAD_MAX {
        return Parsed::Damaged;
    }
    let size = FRAME + length;
    match bytes.get(FRAME..size) {
        None => Parsed::Short(size),
        Some(payload) if crc32fast::hash(payload) == crc => Parsed::Whole {
            number,
            at,
            payload,
            size,
        },
        Some(_) => Parsed::Damaged,
    }
}

/// Where the next record stands behind something damaged, if any does: its offset.
#[must_use]
pub fn find(bytes: &[u8]) -> Option<usize> {
    (1..bytes.len().saturating_sub(FRAME)).find(|at| {
        // Cheap where it is none: most bytes are no beginning of a header that is whole.
        let length = word(bytes, *at).unwrap_or(u32::MAX) as usize;
        length <= bytes.len() - at - FRAME && matches!(parse(&bytes[*at..]), Parsed::Whole { .. })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            log: 7,
            first: 3,
            created: -1,
            boot: [9; 16],
            eras: (1..=3).map(|n| Era { began: n, first: n }).collect(),
        }
    }

    #[test]
    fn a_header_is_read_and_a_damaged_one_is_not() {
        let bytes = header().encode();
        assert_eq!(Header::decode(&bytes), Some((header(), bytes.len())));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&damaged), None, "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert_eq!(Header::decode(&bytes[..length]), None);
        }
        let many = Header {
            eras: (0..100).map(|n| Era { began: n, first: n }).collect(),
            ..header()
        };
        let (read, length) = Header::decode(&many.encode()).unwrap();
        assert_eq!((read.eras.len(), read.eras[0].began), (ERAS_MAX, 36));
        assert_eq!(length, HEADER_MAX);
    }

    #[test]
    fn no_flipped_bit_and_no_cut_passes_for_a_record() {
        let mut bytes = Vec::new();
        push(&mut bytes, 5, 77, b"payload");
        let Parsed::Whole { payload, size, .. } = parse(&bytes) else {
            panic!("no record")
        };
        assert_eq!((payload, size), (&b"payload"[..], bytes.len()));
        for length in 0..bytes.len() {
            let expected = if length < FRAME { FRAME } else { bytes.len() };
            assert_eq!(parse(&bytes[..length]), Parsed::Short(expected));
        }
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Never one that was cut short: such would be cut off.
            assert_eq!(parse(&damaged), Parsed::Damaged, "bit {bit}");
        }
    }

    #[test]
    fn the_record_behind_a_damaged_one_is_found() {
        let mut bytes = Vec::new();
        push(&mut bytes, 5, 77, b"first");
        let first = bytes.len();
        push(&mut bytes, 6, 78, b"second");
        for byte in 0..first {
            let mut damaged = bytes.clone();
            damaged[byte] ^= 0x10;
            assert_eq!(find(&damaged), Some(first), "byte {byte}");
        }
        assert_eq!(find(&bytes[..bytes.len() - 1]), None);
    }
}
