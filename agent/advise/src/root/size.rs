//! How large a folder that becomes a mount may be.
//!
//! The limit is twice the most that was ever seen there, rounded up to a power of two of MiB, and [`LEAST`] at the least:
//! a pod that holds more is evicted, and what was made and removed between two looks was never seen. Where a
//! look was not at all of it there is no limit.

use super::folders::within;
use crate::evidence::seconds;
use lapwing_profile::file::time;
use lapwing_profile::written::{Found, Peak, Written};
use serde::Serialize;
use std::fmt;

const MIB: u64 = 1 << 20;
/// The smallest limit, in bytes.
pub const LEAST: u64 = 16 * MIB;
/// What is said where a limit is advised.
pub const EVICTED: &str = "a pod with more than its sizeLimit in an emptyDir is evicted, and Docker's tmpfs is full then; \
     what came and went between two looks is in none of these numbers";

const UNSEEN: &str = "nobody looked how much is there: the agent does while the profile learns, on the container's root";
const FULL: &str = "more folders are written in than are looked at, and this one is not among them";
const BOUND: &str =
    "a look at it ended at its bounds (files, depth, time), so there may have been more";
const UNREAD: &str =
    "there were folders that the agent may not read, which takes the capability DAC_READ_SEARCH";
const HUGE: &str = "there was more than a limit can say";

/// How large a folder may be, and what that follows from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    /// The limit in MiB; `None` where none is advised.
    pub limit_mi: Option<u64>,
    /// Why none is.
    pub why: Option<&'static str>,
    /// What was seen; `None` where nobody looked.
    pub seen: Option<Looked>,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Looked {
    /// The most allocated bytes.
    pub bytes: u64,
    /// The most files, folders among them.
    pub files: u64,
    /// When the bytes were so many, in RFC 3339.
    pub at: String,
    /// How often somebody looked.
    pub looks: u64,
    /// When first.
    pub first: String,
    /// When last.
    pub last: String,
}

impl Size {
    /// Of a folder, as the profile writes it.
    pub(super) fn of(folder: &str, written: &Written) -> Self {
        let Some(peak) = peak(folder, written) else {
            return Self {
                why: Some(if written.is_full() { FULL } else { UNSEEN }),
                ..Self::default()
            };
        };
        let limit_mi = limit(peak.most.bytes).map(|bytes| bytes / MIB);
        let why = match peak.most {
            Found { unread: true, .. } => Some(UNREAD),
            Found { bound: true, .. } => Some(BOUND),
            _ if limit_mi.is_none() => Some(HUGE),
            _ => None,
        };
        Self {
            limit_mi: limit_mi.filter(|_| why.is_none()),
            why,
            seen: Some(Looked {
                bytes: peak.most.bytes,
                files: peak.most.files,
                at: time(peak.at),
                looks: peak.looks,
                first: time(peak.first),
                last: time(peak.last),
            }),
        }
    }

    /// As `sizeLimit` has it.
    #[must_use]
    pub fn quantity(&self) -> Option<String> {
        self.limit_mi.map(|limit| format!("{limit}Mi"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.quantity(), self.why) {
            (Some(limit), _) => write!(f, "sizeLimit {limit}")?,
            (None, why) => write!(f, "no sizeLimit: {}", why.unwrap_or(UNSEEN))?,
        }
        let Some(seen) = &self.seen else {
            return Ok(());
        };
        // In tenths, and never less than there were.
        let tenths = seen.bytes.saturating_mul(10).div_ceil(MIB);
        let files = match seen.files {
            1 => "1 file".to_owned(),
            many => format!("{many} files"),
        };
        write!(
            f,
            "; the most seen was {}.{} MiB at {}, and {files}; ",
            tenths / 10,
            tenths % 10,
            seconds(&seen.at),
        )?;
        match seen.looks {
            1 => write!(f, "looked once, at {}", seconds(&seen.last)),
            many => {
                let (first, last) = (seconds(&seen.first), seconds(&seen.last));
                write!(f, "looked {many} times from {first} to {last}")
            }
        }
    }
}

/// The limit for so many bytes, if there can be one.
fn limit(bytes: u64) -> Option<u64> {
    let limit = bytes.checked_mul(2)?.checked_next_power_of_two()?;
    Some(limit.max(LEAST)).filter(|limit| i64::try_from(*limit).is_ok())
}

/// What is known of a folder: what was seen in it, or else in all of those below it that were looked at. Of such
/// a one nobody saw all, so none may be missing.
fn peak(folder: &str, written: &Written) -> Option<Peak> {
    if let Some(peak) = written.get(folder) {
        return Some(*peak);
    }
    if written.is_full() {
        return None;
    }
    // The uppermost come first.
    let mut tops: Vec<(&str, &Peak)> = Vec::new();
    for (path, peak) in written.all() {
        if within(path, folder) && !tops.iter().any(|(top, _)| within(path, top)) {
            tops.push((path, peak));
        }
    }
    let peaks = tops.into_iter().map(|(_, peak)| *peak);
    peaks.reduce(|a, b| Peak {
        most: Found {
            bytes: a.most.bytes.saturating_add(b.most.bytes),
            files: a.most.files.saturating_add(b.most.files),
            bound: a.most.bound || b.most.bound,
            unread: a.most.unread || b.most.unread,
        },
        at: a.at.max(b.at),
        looks: a.looks.min(b.looks),
        first: a.first.max(b.first),
        last: a.last.min(b.last),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_room_and_are_powers_of_two() {
        for (bytes, mebibytes) in [
            (0, Some(16)),
            (8 * MIB, Some(16)),
            (8 * MIB + 1, Some(32)),
            (9 * MIB, Some(32)),
            (1_000 * MIB, Some(2_048)),
            (1 << 61, Some(1 << 42)),
            ((1 << 61) + 1, None),
            (u64::MAX, None),
        ] {
            assert_eq!(limit(bytes), mebibytes.map(|it: u64| it * MIB), "{bytes}");
        }
    }

    #[test]
    fn a_folder_above_has_what_those_below_it_have() {
        let mut written = Written::default();
        let found = |mebibytes: u64, bound| Found {
            bytes: mebibytes * MIB,
            files: 2,
            bound,
            unread: false,
        };
        for (path, mebibytes) in [
            ("/data/a", 5),
            ("/data/b", 7),
            ("/data/b/c", 6),
            ("/datax", 90),
        ] {
            written.take(path, found(mebibytes, false), 1_790_000_000_000_000_000);
        }
        let of = |folder: &str, written: &Written| Size::of(folder, written);
        let above = of("/data", &written);
        assert_eq!(above.limit_mi, Some(32));
        assert_eq!(above.seen.as_ref().map(|seen| seen.bytes), Some(12 * MIB));
        let text = above.to_string();
        assert!(
            text.starts_with("sizeLimit 32Mi; the most seen was 12.0 MiB at 2026"),
            "{text}"
        );
        let mut odd = Written::default();
        odd.take("/x", found(1, false), 1_790_000_000_722_178_175);
        let size = of("/x", &odd);
        assert!(!size.to_string().contains("722178175"), "{size}");
        let told = size.seen.map(|seen| seen.at);
        assert_eq!(told.as_deref(), Some("2026-09-21T14:13:20.722178175Z"));
        assert_eq!(of("/data/b", &written).limit_mi, Some(16));
        let unseen = of("/tmp", &written);
        assert_eq!((unseen.limit_mi, unseen.why), (None, Some(UNSEEN)));
        written.take("/data/a", found(1, true), 5);
        for folder in ["/data/a", "/data"] {
            let cut = of(folder, &written);
            assert_eq!((cut.limit_mi, cut.why), (None, Some(BOUND)), "{folder}");
            assert!(
                cut.to_string().contains("no sizeLimit: a look at it ended"),
                "{cut}"
            );
        }
        for number in 0..100 {
            written.take(&format!("/{number}"), found(1, false), 6);
        }
        assert_eq!(of("/data", &written).why, Some(FULL));
    }
}
