//! The profile: what is approved for one container of one workload, and what
//! was seen besides.
//!
//! In memory there is one record per entry, in which the verdict and the
//! evidence stand together; a verdict with a higher revision replaces one with a
//! lower, evidence only grows. That makes a profile a join semilattice (see
//! [`crate::merge`]). What a machine learned of files is kept beside the records, because
//! patterns come of it (see [`crate::generalise`]); a record of the same entry says what was
//! decided of it. As YAML it falls into two halves: `spec` lists what is
//! approved and belongs to people, `status` holds counters, times, pending and
//! refused entries and the record of decisions, and belongs to machines.

use crate::entry::{Entry, Phase};
use crate::evidence::observed::Observed;
use crate::evidence::packed::Packed;
use crate::file;
use crate::generalise::Learned;
use crate::matcher::Matcher;
use crate::provenance::texts::Texts;
use crate::provenance::{Provenance, Shared};
use crate::sorted::Sorted;
use crate::syscalls::Calls;
use crate::version::Versions;
use crate::widened::Widenings;
use crate::workload::Workload;
use crate::written::Written;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Approved entries that a profile holds at most.
pub const APPROVED_MAX: usize = 20_000;
/// Of them, those that a machine learns of probes at most: so a probe that does something else each time
/// leaves room for what the workload does.
pub const PROBES_MAX: usize = 512;
/// Entries besides that wait for a decision.
pub const PENDING_MAX: usize = 2_000;
/// Entries besides that are refused.
pub const REFUSED_MAX: usize = 2_000;
/// Bytes of the file that entries take at most, however few there are.
pub const BYTES_MAX: usize = 12 << 20;
/// Bytes besides for what people decide of entries that were learned, so that a full profile can be
/// cleared.
pub const DECIDED_BYTES_MAX: usize = 1 << 20;
/// Decisions that are remembered.
pub const DECISIONS_MAX: usize = 256;
/// Bytes of the file that they take at most.
pub const DECISIONS_BYTES_MAX: usize = 1 << 20;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// In which samples and instances.
    pub evidence: Packed,
    /// Who did it, in which versions of the image.
    pub provenance: Provenance,
}

/// A decision, of a person or of what a person configured, for the record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// Its number in this profile, rising from 1.
    pub revision: u64,
    /// When, in nanoseconds since the Unix epoch.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What: `review`, `promote`, `demote`, `approve`, `refuse` or `import`.
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
    /// Whether it is in review because the time was up, not for its evidence.
    pub(crate) incomplete: bool,
    /// What was observed of its instances.
    pub(crate) observed: Observed,
    /// Of which versions of the image it is.
    pub(crate) versions: Versions,
    /// The texts of what entries come from.
    pub(crate) texts: Texts,
    /// What entries share of it.
    pub(crate) shared: Shared,
    /// When it became wider.
    pub(crate) widenings: Widenings,
    /// Which system calls were made, where that was recorded. It is no part of what is approved.
    pub calls: Calls,
    /// How much there was in folders that are written in. It is no part of what is approved either.
    pub written: Written,
    /// In the order of the file, in which what is alike lies together.
    pub(crate) records: Sorted<Entry, Record>,
    /// Files that were learned, and patterns of them.
    pub(crate) learned: Learned,
    /// What both come to.
    pub(crate) matcher: Matcher,
    /// In the order of revisions.
    decisions: VecDeque<Decision>,
    /// Bytes that they take in a file.
    decisions_bytes: usize,
    /// How many of `records` have each verdict, in the order of [`Verdict`].
    counts: [usize; 3],
    /// How many of `records` were learned of probes.
    probes: usize,
    /// Bytes that `records` take in a file at most.
    bytes: usize,
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
            incomplete: false,
            observed: Observed::default(),
            versions: Versions::default(),
            texts: Texts::default(),
            widenings: Widenings::default(),
            calls: Calls::default(),
            written: Written::default(),
            shared: Shared::default(),
            records: Sorted::default(),
            learned: Learned::default(),
            matcher: Matcher::default(),
            decisions: VecDeque::new(),
            decisions_bytes: 0,
            counts: [0; 3],
            probes: 0,
            bytes: 0,
            overflow: 0,
        }
    }

    /// What becomes of behaviours that it does not know.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether it is in review because the time was up, not for its evidence.
    #[must_use]
    pub const fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// Number of the last decision; 0 if there was none.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.decisions
            .back()
            .map_or(0, |decision| decision.revision)
    }

    /// What is known of an entry: of one that was learned and decided of, what was decided.
    #[must_use]
    pub fn record(&self, entry: &Entry) -> Option<Record> {
        let own = self.records.get(entry);
        let waits = |it: &Record| it.verdict == Verdict::Pending && it.revision == 0;
        let learned = || self.learned.record(entry);
        match own.filter(|it| !waits(it)) {
            Some(decided) => Some(decided.clone()),
            None => learned().or_else(|| own.cloned()),
        }
    }

    /// Number of approved entries.
    #[must_use]
    pub fn approved_len(&self) -> usize {
        self.counts[Verdict::Approved as usize] + self.standing_len() - self.overruled().count()
    }

    /// Number of entries that wait for a decision.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.waiting().count()
    }

    /// Bytes of memory that comparing takes besides the entries and what is known of them.
    #[must_use]
    pub fn compiled_bytes(&self) -> usize {
        self.matcher.bytes()
    }

    /// Number of all entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len() + self.learned.len()
    }

    /// Whether it knows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When it last learned an entry, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn last_learned(&self) -> Option<i64> {
        let records = self.records.values().filter(|record| record.revision == 0);
        records
            .filter(|record| record.verdict == Verdict::Approved)
            .filter_map(|record| record.first)
            .chain(
                self.learned
                    .records()
                    .filter_map(|(_, record)| record.first),
            )
            .max()
    }

    /// Behaviours that were seen and found no room.
    #[must_use]
    pub const fn overflow(&self) -> u64 {
        self.overflow
    }

    /// All decisions, oldest first.
    #[must_use]
    pub fn decisions(&self) -> impl ExactSizeIterator<Item = &Decision> {
        self.decisions.iter()
    }

    /// Entries with a verdict, in the order of the file.
    #[must_use]
    pub fn entries(&self, verdict: Verdict) -> BTreeMap<Entry, Record> {
        let own = |(entry, record): (&Entry, &Record)| (entry.clone(), record.clone());
        match verdict {
            Verdict::Pending => self.waiting().map(own).collect(),
            Verdict::Refused => self.with(verdict).map(own).collect(),
            Verdict::Approved => {
                let decided = self.decided_for().map(own);
                decided.chain(self.standing()).collect()
            }
        }
    }

    /// Records with a verdict.
    pub(crate) fn with(&self, verdict: Verdict) -> impl Iterator<Item = (&Entry, &Record)> {
        self.records
            .iter()
            .filter(move |(_, record)| record.verdict == verdict)
    }

    /// Records that nobody decided of and nothing excuses.
    fn waiting(&self) -> impl Iterator<Item = (&Entry, &Record)> {
        self.with(Verdict::Pending)
            .filter(|(entry, _)| !self.accepts(entry))
    }

    /// Whether an entry may get a verdict without a limit being exceeded.
    pub(crate) fn has_room(&self, entry: &Entry, verdict: Verdict) -> bool {
        let known = self.records.get(entry);
        let counted = known.is_some_and(|record| record.verdict == verdict)
            || self.count(verdict) < verdict.limit();
        let besides = match self.learned.contains(entry) {
            true => DECIDED_BYTES_MAX,
            false => 0,
        };
        let room = (BYTES_MAX + besides).saturating_sub(self.bytes + self.learned.bytes());
        counted && (known.is_some() || file::weight(entry) <= room)
    }

    /// Whether one more entry of its phase may be learned, besides what there is room for.
    pub(crate) fn may_learn_of(&self, phase: Phase) -> bool {
        phase != Phase::Probe || self.probes + self.learned.probes() < PROBES_MAX
    }

    /// Entries that count as having a verdict.
    fn count(&self, verdict: Verdict) -> usize {
        let learned = match verdict {
            Verdict::Approved => self.learned.len(),
            Verdict::Pending | Verdict::Refused => 0,
        };
        self.counts[verdict as usize] + learned
    }

    /// Bytes that are left.
    pub(crate) fn room(&self) -> usize {
        BYTES_MAX.saturating_sub(self.bytes + self.learned.bytes())
    }

    /// Sets the verdict of an entry.
    pub(crate) fn set(&mut self, entry: &Entry, verdict: Verdict, revision: u64) -> &mut Record {
        self.put(entry, verdict, revision);
        self.note(entry);
        self.records.get_or_default(entry)
    }

    /// Sets the verdict of an entry and keeps count; it has to be compiled then.
    pub(crate) fn put(&mut self, entry: &Entry, verdict: Verdict, revision: u64) -> &mut Record {
        if !self.records.contains_key(entry) {
            self.bytes += file::weight(entry);
            self.counts[Verdict::default() as usize] += 1;
        }
        let record = self.records.get_or_default(entry);
        self.counts[record.verdict as usize] -= 1;
        self.counts[verdict as usize] += 1;
        self.probes -= usize::from(is_of_probe(entry, record));
        record.verdict = verdict;
        record.revision = revision;
        self.probes += usize::from(is_of_probe(entry, record));
        record
    }

    /// Takes an entry out and keeps count; what is left has to be compiled then.
    pub(crate) fn remove(&mut self, entry: &Entry) -> Option<Record> {
        let record = self.records.remove(entry)?;
        self.counts[record.verdict as usize] -= 1;
        self.probes -= usize::from(is_of_probe(entry, &record));
        self.bytes -= file::weight(entry);
        Some(record)
    }

    /// Counts anew.
    pub(crate) fn recount(&mut self) {
        self.counts = [0; 3];
        for record in self.records.values() {
            self.counts[record.verdict as usize] += 1;
        }
        let of_probes = |(entry, record): &(&Entry, &Record)| is_of_probe(entry, record);
        self.probes = self.records.iter().filter(of_probes).count();
        self.bytes = self.records.keys().map(file::weight).sum();
        self.compile();
    }

    /// Whether all limits are kept; says which is not.
    pub(crate) fn check(&self) -> Result<(), String> {
        for verdict in [Verdict::Pending, Verdict::Approved, Verdict::Refused] {
            let (count, limit) = (self.count(verdict), verdict.limit());
            if count > limit {
                return Err(format!(
                    "{count} entries are {}, and at most {limit} can be",
                    verdict.word()
                ));
            }
        }
        let bytes = self.bytes + self.learned.bytes();
        if bytes > BYTES_MAX + DECIDED_BYTES_MAX {
            return Err(format!(
                "its entries take {bytes} bytes, and at most {BYTES_MAX} are kept"
            ));
        }
        Ok(())
    }

    /// Adds a decision with the next revision.
    pub(crate) fn push_decision(&mut self, decision: Decision) {
        self.decisions_bytes += file::decided(&decision).len();
        self.decisions.push_back(decision);
        while self.decisions.len() > DECISIONS_MAX || self.decisions_bytes > DECISIONS_BYTES_MAX {
            let Some(oldest) = self.decisions.pop_front() else {
                return;
            };
            self.decisions_bytes -= file::decided(&oldest).len();
        }
    }

    /// Brings decisions together, in order, and drops the oldest beyond the limits. What is kept
    /// is the longest end within them, so it does not matter in which parts they come together.
    pub(crate) fn join_decisions(&mut self, other: impl Iterator<Item = Decision>) {
        let all: BTreeSet<_> = self.decisions.drain(..).chain(other).collect();
        self.decisions_bytes = 0;
        all.into_iter()
            .for_each(|decision| self.push_decision(decision));
    }
}

/// Whether a machine learned it of a probe.
fn is_of_probe(entry: &Entry, record: &Record) -> bool {
    entry.phase == Phase::Probe && record.verdict == Verdict::Approved && record.revision == 0
}

impl Verdict {
    const fn limit(self) -> usize {
        match self {
            Self::Pending => PENDING_MAX,
            Self::Approved => APPROVED_MAX,
            Self::Refused => REFUSED_MAX,
        }
    }

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }
}
