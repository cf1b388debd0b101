//! The profile: what is approved for one container of one workload, and what
//! was seen besides.
//!
//! In memory there is one record per entry, in which the verdict and the
//! evidence stand together; a verdict with a higher revision replaces one with a
//! lower, evidence only grows. That makes a profile a join semilattice (see
//! [`crate::merge`]). As YAML it falls into two halves: `spec` lists what is
//! approved and belongs to people, `status` holds counters, times, pending and
//! refused entries and the record of decisions, and belongs to machines.

use crate::entry::Entry;
use crate::rule;
use crate::workload::Workload;
use std::collections::{BTreeMap, HashMap};

/// Approved entries that a profile holds at most.
pub const APPROVED_MAX: usize = 20_000;
/// Entries besides, pending and refused.
pub const PENDING_MAX: usize = 2_000;
/// Decisions that are remembered.
pub const DECISIONS_MAX: usize = 256;

crate::behaviour::words! {
    /// What becomes of behaviours that the profile does not know.
    #[derive(Default)]
    Mode {
        /// They are taken up.
        #[default]
        Learning = "Learning",
        /// As learning, while a person decides.
        Review = "Review",
        /// They are violations.
        Monitoring = "Monitoring",
    }
}

/// What was decided of an entry. The order is that of [`crate::merge`]: of two verdicts of the
/// same revision, the stricter stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Seen, and neither approved nor refused.
    #[default]
    Pending,
    /// Learned, or approved by a person.
    Approved,
    /// Refused by a person: never learned, always reported.
    Refused,
}

/// What is known of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The verdict.
    pub verdict: Verdict,
    /// Revision of the decision behind it; 0 where it was learned.
    pub revision: u64,
    /// First seen, in nanoseconds since the Unix epoch; `None` if never.
    pub first: Option<i64>,
    /// Last seen.
    pub last: Option<i64>,
    /// How often, as far as the sensor was told.
    pub count: u64,
}

/// A decision of a person, for the record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// Its number in this profile, rising from 1.
    pub revision: u64,
    /// When, in nanoseconds since the Unix epoch.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What: `promote`, `approve`, `refuse` or `import`.
    pub action: String,
    /// About which entry, if about one.
    pub entry: String,
    /// Why.
    pub reason: String,
}

/// The behaviours approved for one container of one workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Whose it is.
    pub workload: Workload,
    pub(crate) mode: Mode,
    /// Revision of the decision that set the mode; 0 for the first.
    pub(crate) mode_revision: u64,
    pub(crate) records: HashMap<Entry, Record>,
    /// In the order of revisions.
    pub(crate) decisions: Vec<Decision>,
    /// Approved entries among `records`.
    pub(crate) approved: usize,
    /// Entries that were seen and found no room.
    pub(crate) overflow: u64,
}

impl Profile {
    /// A profile that knows nothing.
    #[must_use]
    pub fn new(workload: Workload, mode: Mode) -> Self {
        Self {
            workload,
            mode,
            mode_revision: 0,
            records: HashMap::new(),
            decisions: Vec::new(),
            approved: 0,
            overflow: 0,
        }
    }

    /// What becomes of behaviours that it does not know.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Number of the last decision; 0 if there was none.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.decisions
            .last()
            .map_or(0, |decision| decision.revision)
    }

    /// What is known of an entry.
    #[must_use]
    pub fn record(&self, entry: &Entry) -> Option<&Record> {
        self.records.get(entry)
    }

    /// Number of approved entries.
    #[must_use]
    pub const fn approved_len(&self) -> usize {
        self.approved
    }

    /// Number of entries that wait for a decision.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.records
            .values()
            .filter(|record| record.verdict == Verdict::Pending)
            .count()
    }

    /// Behaviours that were seen and found no room.
    #[must_use]
    pub const fn overflow(&self) -> u64 {
        self.overflow
    }

    /// All decisions, oldest first.
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Entries with a verdict, in the order of the file.
    #[must_use]
    pub fn entries(&self, verdict: Verdict) -> BTreeMap<&Entry, &Record> {
        self.records
            .iter()
            .filter(|(_, record)| record.verdict == verdict)
            .collect()
    }

    /// Whether it approves of an entry: by name, or because a file that may be made may also be
    /// opened for writing once it is there.
    #[must_use]
    pub fn accepts(&self, entry: &Entry) -> bool {
        match self.records.get(entry).map(|record| record.verdict) {
            Some(Verdict::Approved) => true,
            Some(Verdict::Refused) => false,
            Some(Verdict::Pending) | None => self.implied(entry),
        }
    }

    fn implied(&self, entry: &Entry) -> bool {
        use crate::behaviour::{Behaviour, Operation};
        let Behaviour::File(file) = &entry.behaviour else {
            return false;
        };
        if file.operation != Operation::OpenWrite || !rule::classify(&entry.behaviour).learnable {
            return false;
        }
        let mut made = file.clone();
        made.operation = Operation::Create;
        let made = Entry {
            behaviour: Behaviour::File(made),
            phase: entry.phase,
        };
        self.records
            .get(&made)
            .is_some_and(|record| record.verdict == Verdict::Approved)
    }

    /// Sets the verdict of an entry and keeps count.
    pub(crate) fn set(&mut self, entry: Entry, verdict: Verdict, revision: u64) {
        let record = self.records.entry(entry).or_default();
        self.approved -= usize::from(record.verdict == Verdict::Approved);
        self.approved += usize::from(verdict == Verdict::Approved);
        record.verdict = verdict;
        record.revision = revision;
    }

    /// Counts the approved entries anew.
    pub(crate) fn recount(&mut self) {
        self.approved = self
            .records
            .values()
            .filter(|record| record.verdict == Verdict::Approved)
            .count();
    }
}
