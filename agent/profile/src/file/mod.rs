//! A profile as a file.
//!
//! ```yaml
//! apiVersion: lapwing.dev/v1alpha1
//! kind: BehaviorProfile
//! spec:
//!   workload: {namespace: shop, kind: Deployment, name: web, container: app}
//!   mode: Learning
//!   exec:
//!     - {path: /usr/sbin/nginx, parent: runtime}
//!   files: []
//!   egress: []
//!   listen:
//!     - {protocol: TCP, port: 8080}
//!   dns: []
//!   privileges: []
//! status:
//!   modeRevision: 0
//!   overflow: 0
//!   evidence: ...   # where it was observed, see `evidence::text`
//!   versions: ...   # of the image, see `version::line`
//!   widened: []    # when patterns came, see `widened`
//!   syscalls: ...  # where they are recorded, see `syscalls`
//!   provenance: ... # who did what, see `provenance::line`
//!   learned: []
//!   seen:
//!     - {exec: {path: /usr/sbin/nginx, parent: runtime}, first: "2026-11-23T10:00:00Z", last: "2026-11-23T10:00:00Z", count: 1}
//!   refused: []
//!   decisions: []
//! ```
//!
//! What stands in `spec` is approved, whether a machine learned it or a person
//! wrote it there; what stands only in `status.seen` is pending. `status.learned` holds
//! what was learned of files, and why a pattern came of it (see [`crate::generalise`]):
//! a line that somebody takes out of `spec` is not approved, whatever stands there. The
//! text is canonical: the same profile is always the same bytes.

pub(crate) mod document;
pub mod object;
mod reading;
mod writing;

pub(crate) use writing::{decided, seen_fields};

use crate::entry::Entry;
use crate::evidence;
use crate::profile::{APPROVED_MAX, BYTES_MAX, DECISIONS_MAX, PENDING_MAX, REFUSED_MAX};
use crate::provenance;
use crate::syscalls;
use crate::version;
use crate::widened;
use crate::written;
use crate::yaml::{Limits, Placed};
use thiserror::Error;

pub use reading::other_version;

/// The version of this form.
pub const API_VERSION: &str = "lapwing.dev/v1alpha1";
/// The kind of the object.
pub const KIND: &str = "BehaviorProfile";

/// Longest text that is read: room for all that a profile may hold, and for people's comments.
pub const TEXT_MAX: usize = BYTES_MAX + provenance::line::BYTES + (4 << 20);
/// Nodes of one entry at most: in `spec` a mapping of six pairs, in `status` another, its kind,
/// and nine pairs around it, of which one is a list of three, and its evidence.
const ENTRY_NODES: usize =
    2 * 13 + 2 + 18 + 3 + evidence::text::ENTRY_NODES + provenance::line::ENTRY_NODES;
/// Nodes of one decision: a mapping of six pairs.
const DECISION_NODES: usize = 13;
/// Most that is read. Whatever is written can be read again.
pub const LIMITS: Limits = Limits {
    bytes: TEXT_MAX,
    nodes: (APPROVED_MAX + PENDING_MAX + REFUSED_MAX) * ENTRY_NODES
        + DECISIONS_MAX * DECISION_NODES
        + evidence::text::NODES
        + version::line::NODES
        + provenance::line::NODES
        + widened::NODES
        + syscalls::NODES
        + written::NODES
        + 64,
};
/// What is around an entry's text: times, counters, keys.
const AROUND: usize = 192 + evidence::text::ENTRY_BYTES;

/// Bytes that an entry takes in a file at most: once in `spec`, once in `status`.
pub(crate) fn weight(entry: &Entry) -> usize {
    2 * entry.fields().len() + AROUND
}

/// A file that holds no profile.
#[derive(Debug, Error)]
#[error("not a profile: {0}")]
pub struct NoProfile(String);

/// Nanoseconds since the Unix epoch as a time of RFC 3339.
#[must_use]
pub fn time(nanoseconds: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanoseconds))
        .map_or_else(|_| nanoseconds.to_string(), |time| time.to_string())
}

pub(crate) fn nanoseconds(time: jiff::Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

/// Reads a part of a file; what is wrong with it is said with its place.
pub(crate) fn placed<L, T>(
    part: Placed<L>,
    what: &str,
    read: impl FnOnce(L) -> Result<T, String>,
) -> Result<T, String> {
    let (value, place) = part.split();
    read(value).map_err(|why| place.wrong(format_args!("{what}: {why}")))
}
