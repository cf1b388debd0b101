//! The compiled programs inside this binary.
//!
//! `cargo xtask build` names them by `LAPWING_BPF_OBJECT`. A binary built without
//! is whole but for the sensor, and says so when asked to start it.
//!
//! They are compressed, to a sixth (RFC 1951), and needed for the moment of a start alone: as they
//! are, they would be an eighth of the binary, and stay in memory with it.

use anyhow::{Result, anyhow};

/// The object as it was built.
pub struct Object {
    bytes: Vec<u8>,
    /// Where it begins: readers of ELF want their headers aligned.
    from: usize,
}

/// Alignment of the headers of ELF with 64 bits.
const ALIGNMENT: usize = 8;

#[cfg(lapwing_sensor)]
const PACKED: Option<(&[u8], &str)> = Some((
    include_bytes!(concat!(env!("OUT_DIR"), "/object.deflate")),
    env!("LAPWING_BPF_OBJECT_LEN"),
));
#[cfg(not(lapwing_sensor))]
const PACKED: Option<(&[u8], &str)> = None;

impl Object {
    /// Unpacks the programs.
    ///
    /// # Errors
    /// When this binary was built without.
    pub fn unpack() -> Result<Self> {
        let (packed, len) = PACKED.ok_or_else(|| {
            anyhow!("this binary was built without sensor: build it by `cargo xtask build`")
        })?;
        Self::inflate(packed, len.parse()?)
    }

    fn inflate(packed: &[u8], len: usize) -> Result<Self> {
        let mut bytes = vec![0; len + ALIGNMENT];
        let from = bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        let room = &mut bytes[from..from + len];
        let parts = std::iter::once(packed);
        let done = miniz_oxide::inflate::decompress_slice_iter_to_slice(room, parts, false, true);
        match done {
            Ok(done) if done == len => Ok(Self { bytes, from }),
            other => Err(anyhow!(
                "the kernel programs inside this binary are damaged ({other:?} of {len} bytes): install it anew"
            )),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.from..self.bytes.len() + self.from - ALIGNMENT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_and_damage_is_found() {
        let plain: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let packed = miniz_oxide::deflate::compress_to_vec(&plain, 6);
        let object = Object::inflate(&packed, plain.len()).unwrap();
        assert_eq!(object.bytes(), plain);
        assert_eq!(object.bytes().as_ptr().align_offset(ALIGNMENT), 0);
        for (packed, len) in [
            (&packed[..packed.len() / 2], plain.len()),
            (&packed[..], plain.len() - 1),
            (&packed[..], plain.len() + 1),
            (&[], plain.len()),
        ] {
            let error = Object::inflate(packed, len).err().unwrap().to_string();
            assert!(error.contains("damaged"), "{error}");
        }
    }
}
