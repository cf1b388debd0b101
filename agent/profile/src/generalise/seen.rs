//! [`Known`] as it is kept of each leaf.

use super::{Known, Names};
use crate::evidence::packed::Packed;
use crate::place::Change;
use crate::profile::{Record, Verdict};
use crate::provenance::Provenance;

/// What was seen of a name or a pattern. A machine learned it, so it has no verdict of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// [`NEVER_FIRST`] where nobody knows.
    first: i64,
    /// [`NEVER_LAST`] where nobody knows.
    last: i64,
    count: u64,
    evidence: Packed,
    provenance: Provenance,
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
            evidence: record.evidence,
            provenance: record.provenance,
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
            evidence: self.evidence.clone(),
            provenance: self.provenance.clone(),
        }
    }

    pub(super) const fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    pub(super) const fn provenance_mut(&mut self) -> &mut Provenance {
        &mut self.provenance
    }

    pub(super) fn names(&self) -> Option<&Names> {
        self.names.as_deref()
    }

    pub(super) fn names_mut(&mut self) -> Option<&mut Names> {
        self.names.as_deref_mut()
    }

    /// Changes all but the names.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Seen(at) => {
                self.first = self.first.min(at);
                self.last = self.last.max(at);
                self.count = self.count.saturating_add(1);
            }
            Change::Repeated(count, last) => {
                self.last = self.last.max(last);
                self.count = self.count.saturating_add(count);
            }
            Change::Witnessed(instance, incidence, last) => {
                self.last = self.last.max(last.unwrap_or(NEVER_LAST));
                self.evidence.witness(instance, incidence);
            }
        }
    }
}
