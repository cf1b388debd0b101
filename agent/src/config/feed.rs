//! The log behind `lapwing watch`: the section `feed`.

use super::learning::Length;
use crate::feed::spool::Caps;
use crate::feed::{Limits, Settings, Sync};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// When what was written is synced to the disk.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Fsync {
    /// Each time that `fsyncInterval` has passed.
    #[default]
    Interval,
    /// Before a client gets it.
    Always,
    /// When the system likes.
    Never,
}

section! {
    /// The log behind `lapwing watch`.
    Feed {
        /// Entries that are held in memory.
        items "items": usize = 16_384,
        /// Memory that they take at most, in bytes.
        bytes "bytes": usize = 8 << 20,
        /// Bytes of disk that violations and gaps take at most.
        max_bytes "maxBytes": u64 = 128 << 20,
        /// How long they are kept at most, in whole files.
        max_age "maxAge": Length = Length(14 * 24 * 3600 * 1_000_000_000),
        /// Bytes of one file.
        segment_bytes "segmentBytes": u64 = 4 << 20,
        /// When they are synced.
        fsync "fsync": Fsync = Fsync::Interval,
        /// Time between two syncs.
        fsync_interval "fsyncInterval": Length = Length(1_000_000_000),
    }
}

impl Feed {
    /// What is wrong with a value: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |key, message: String| Err((key, message));
        if self.items == 0 {
            return wrong("feed.items", "must be at least 1".to_owned());
        }
        if self.bytes < 64 << 10 {
            return wrong("feed.bytes", format!("{} is less than 65536", self.bytes));
        }
        if !(64 << 10..=1 << 30).contains(&self.segment_bytes) {
            return wrong(
                "feed.segmentBytes",
                format!("{} is not between 65536 and 1073741824", self.segment_bytes),
            );
        }
        if self.max_bytes / 4 < self.segment_bytes {
            return wrong(
                "feed.maxBytes",
                format!(
                    "{} is less than four times `feed.segmentBytes`: whole files are dropped",
                    self.max_bytes
                ),
            );
        }
        if self.max_age.0 < 60_000_000_000 {
            return wrong("feed.maxAge", "must be at least 1m".to_owned());
        }
        if !(10_000_000..=60_000_000_000).contains(&self.fsync_interval.0) {
            return wrong("feed.fsyncInterval", "must be from 10ms to 1m".to_owned());
        }
        Ok(())
    }

    /// What memory holds.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        Limits {
            items: self.items,
            bytes: self.bytes,
        }
    }

    /// Where and how the log is kept, in the folder of the state.
    #[must_use]
    pub fn settings(&self, state: &Path) -> Settings {
        Settings {
            folder: state.join("feed"),
            caps: Caps {
                bytes: self.max_bytes,
                segment: self.segment_bytes,
                age: self.max_age.0,
            },
            sync: match self.fsync {
                Fsync::Interval => {
                    Sync::Interval(Duration::from_nanos(self.fsync_interval.0.unsigned_abs()))
                }
                Fsync::Always => Sync::Always,
                Fsync::Never => Sync::Never,
            },
        }
    }
}
