//! The records of execs that the kernel side held back, for whoever asks: see `images` in the
//! kernel programs.

use super::sys;
use super::tables::take;
use anyhow::Result;
use aya::Ebpf;
use aya::maps::{HashMap, IterableMap, MapData};
use lapwing_abi::state::IMAGE_WORDS;
use rustix::fd::AsFd;

/// A record, and behind it whatever: for
/// [`Record::decode_first`](lapwing_abi::decode::Record::decode_first).
pub type Kept = Vec<u8>;

/// The map.
pub struct KeptImages(pub(super) HashMap<MapData, u64, [u64; IMAGE_WORDS]>);

impl KeptImages {
    /// Takes it out of a loaded object.
    ///
    /// # Errors
    /// When the object lacks it.
    pub fn take(ebpf: &mut Ebpf) -> Result<Self> {
        Ok(Self(take(ebpf, "IMAGES")?.try_into()?))
    }

    /// The record of the exec that made an image, if it waits.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<Kept> {
        self.0.get(&id, 0).ok().map(bytes)
    }

    /// All that wait.
    #[must_use]
    pub fn all(&self) -> Vec<(u64, Kept)> {
        // What cannot be read waits for the next time.
        let entries = sys::entries(self.0.map().fd().as_fd()).unwrap_or_default();
        let kept = entries.into_iter();
        kept.map(|(id, words)| (id, bytes(words))).collect()
    }

    /// Takes one out.
    pub fn remove(&mut self, id: u64) {
        // The kernel side may have been faster.
        let _ = self.0.remove(&id);
    }
}

fn bytes(words: [u64; IMAGE_WORDS]) -> Kept {
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}
