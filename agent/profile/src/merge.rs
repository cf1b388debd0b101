//! Joining two profiles of one workload.
//!
//! Commutative, associative and idempotent: replicas may merge in any order, any
//! number of times. Evidence grows (first is the least, last and count the
//! greatest, because sums would count twice what is merged twice); of two
//! verdicts the one with the higher revision stands, of equal revisions the
//! stricter. So where nobody decided otherwise, whatever one side accepts the
//! merged profile accepts.
//!
//! What was learned of files is joined on its own, with the patterns that come of
//! both sides together: [`crate::generalise`] says why that is a join too.
//!
//! For the same reason a merge drops nothing but old decisions, so it may exceed
//! the limits of one profile; reading its file then says so. [`Profile::try_merge`] says so
//! at once, and leaves the profile as it was.

use crate::decide::Refusal;
use crate::profile::{Profile, Record};

impl Record {
    /// The join of two records of the same entry.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let (revision, verdict) =
            (self.revision, self.verdict).max((other.revision, other.verdict));
        Self {
            verdict,
            revision,
            first: match (self.first, other.first) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            last: self.last.max(other.last),
            count: self.count.max(other.count),
            evidence: self.evidence.join(&other.evidence),
            provenance: self.provenance.join(other.provenance),
        }
    }
}

impl Profile {
    /// Takes in everything the other one holds. Both belong to the same workload.
    pub fn merge(&mut self, other: &Self) {
        for (entry, record) in other.records.iter() {
            let mine = self.records.get_or_default(entry);
            *mine = std::mem::take(mine).join(record.clone());
        }
        self.learned.join(&other.learned);
        (self.mode_revision, self.mode, self.incomplete) = (
            self.mode_revision,
            self.mode,
            self.incomplete,
        )
            .max((other.mode_revision, other.mode, other.incomplete));
        self.observed.join(&other.observed);
        self.versions.join(&other.versions);
        self.texts.join(&other.texts);
        self.widenings.join(&other.widenings);
        self.calls.join(&other.calls);
        self.written.join(&other.written);
        self.share();
        self.join_decisions(other.decisions().cloned());
        self.overflow = self.overflow.max(other.overflow);
        self.recount();
    }

    /// Takes in everything the other one holds, if all of it finds room.
    ///
    /// # Errors
    /// When a limit would be exceeded. Nothing is changed then.
    pub fn try_merge(&mut self, other: &Self) -> Result<(), Refusal> {
        let mut joined = self.clone();
        joined.merge(other);
        joined.check().map_err(Refusal::Full)?;
        *self = joined;
        Ok(())
    }
}
