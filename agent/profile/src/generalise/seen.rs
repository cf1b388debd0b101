//! [`Known`] as it is kept of each leaf.

use super::{Known, Names};
use crate::evidence::packed::Packed;
use crate::profile::{Record, Verdict};

/// What was seen of a name or a pattern. A machine learned it, so it has no verdict of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// [`NEVER_FIRST`] where nobody knows.
    first: i64,
    /// [`NEVER_LAST`] where nobody knows.
    last: i64,
    count: u64,
    evidence: Packed,
    /// Boxed because most leaves are names.
    names: Option<Box<Names>>,
}

/// No time, and later than each.
const NEVER_FIRST: i64 = i64::MAX;
/// No time, and earlier than each.
const NEVER_LAST: i64 = i64::MIN;

impl Seen {
    pub(super) fn of(known: Known) -> Self {
        let Known { record, names } = known;
        Self {
            first: record.first.unwrap_or(NEVER_FIRST),
            last: record.last.unwrap_or(NEVER_LAST),
            count: record.count,
            evidence: Packed::of(record.evidence),
            names: names.map(Box::new),
        }
    }

    pub(super) fn known(&self) -> Known {
        Known {
            record: self.record(),
            names: self.names.as_deref().cloned(),
        }
    }

    pub(super) fn record(&self) -> Record {
        Record {
            verdict: Verdict::Approved,
            revision: 0,
            first: (self.first != NEVER_FIRST).then_some(self.first),
            last: (self.last != NEVER_LAST).then_some(self.last),
            count: self.count,
            evidence: self.evidence.evidence(),
        }
    }

    pub(super) fn names(&self) -> Option<&Names> {
        self.names.as_deref()
    }

    pub(super) fn names_mut(&mut self) -> Option<&mut Names> {
        self.names.as_deref_mut()
    }

    /// Changes all but the names.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Record)) {
        let mut record = self.record();
        change(&mut record);
        self.first = record.first.unwrap_or(NEVER_FIRST);
        self.last = record.last.unwrap_or(NEVER_LAST);
        self.count = record.count;
        self.evidence.set(record.evidence);
    }
}
