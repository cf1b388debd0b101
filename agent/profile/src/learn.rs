//! Taking a sighting to a profile: is it known, is it learned, is it reported?

use crate::behaviour::Kind;
use crate::entry::{Entry, Phase};
use crate::generalise::{Known, is_general};
use crate::profile::{Mode, Profile, Record, Verdict};
use crate::rule::{Rule, Severity};

/// A behaviour that was just seen.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// What, and by a process of which phase.
    pub entry: Entry,
    /// When, in nanoseconds since the Unix epoch.
    pub at: i64,
}

/// What the profile says to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is approved.
    Known,
    /// It is approved from now on.
    Learned,
    /// It is to be reported.
    Deviation(Deviation),
    /// It would have been learned, but the profile is full.
    Full,
}

/// Why a sighting is reported. The nearest approved entry, [`crate::compare::nearest`], is left to
/// who reports: repeats do not need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// The rule it falls under.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// Techniques of MITRE ATT&CK.
    pub attack: &'static [&'static str],
    /// Whether the profile still learns, so that a person has to decide of this one.
    pub pending: bool,
    /// Whether a new version of the image may be given time for it: see [`crate::version`].
    pub has_grace: bool,
}

/// The phase of the profile for a phase of the wire; `None` for the runtime's own steps, which
/// are nobody's behaviour.
#[must_use]
pub const fn phase(wire: lapwing_abi::ids::Phase) -> Option<Phase> {
    use lapwing_abi::ids::Phase as Wire;
    match wire {
        // Of a process that ran before the agent, the container's own is by far the likeliest.
        Wire::Unknown | Wire::Main => Some(Phase::Main),
        Wire::Exec => Some(Phase::Exec),
        Wire::Escaped => Some(Phase::Escaped),
        Wire::Runtime => None,
    }
}

impl Profile {
    /// Takes a sighting.
    pub fn observe(&mut self, sighting: &Sighting) -> Outcome {
        let entry = &sighting.entry;
        if self.accepts(entry) {
            self.count_in(entry, |record| see(record, sighting.at));
            return Outcome::Known;
        }
        let class = self.class_of(entry);
        let learning = match self.mode {
            Mode::Learning | Mode::Review => true,
            Mode::Monitoring => false,
        };
        let refused =
            self.is_refused(entry) || self.is_withheld(entry) || self.may_be_refused(entry);
        // What enters from outside is a person or a tool, not the workload.
        if learning && class.learnable && !refused && entry.phase == Phase::Main {
            if !self.has_room(entry, Verdict::Approved)
                || is_general(entry) && !self.learned.has_room(entry, self.room())
            {
                self.overflow += 1;
                return Outcome::Full;
            }
            if is_general(entry) && self.records.get(entry).is_none_or(|it| it.revision == 0) {
                let mut record = Record {
                    verdict: Verdict::Approved,
                    ..Record::default()
                };
                see(&mut record, sighting.at);
                self.generalise(entry, record);
                return Outcome::Learned;
            }
            // A decision may have made it pending before: its revision stands.
            let revision = self.record(entry).map_or(0, |record| record.revision);
            see(self.set(entry, Verdict::Approved, revision), sighting.at);
            return Outcome::Learned;
        }
        if let Some(record) = self.records.get_mut(entry) {
            see(record, sighting.at);
        } else if self.has_room(entry, Verdict::Pending) {
            see(self.set(entry, Verdict::Pending, 0), sighting.at);
        } else {
            self.overflow += 1;
        }
        Outcome::Deviation(Deviation {
            rule: class.rule,
            severity: class.severity,
            attack: class.attack,
            pending: learning,
            has_grace: class.learnable
                && class.rule.has_grace()
                && !refused
                && entry.phase == Phase::Main,
        })
    }

    /// Learns a file, and what follows from it.
    fn generalise(&mut self, entry: &Entry, record: Record) {
        let known = Known {
            record,
            names: None,
        };
        let new = self.learned.add(entry, known);
        self.note(entry);
        for pattern in new {
            self.note(&pattern);
        }
    }

    /// How many entries of each kind are approved, in the order of [`Kind::ALL`].
    #[must_use]
    pub fn approved_by_kind(&self) -> [usize; Kind::ALL.len()] {
        let mut counts = [0; Kind::ALL.len()];
        for (entry, _) in self.decided_for() {
            counts[entry.behaviour.kind() as usize] += 1;
        }
        // Nothing else is learned so.
        counts[Kind::File as usize] += self.standing_len();
        counts
    }
}

fn see(record: &mut Record, at: i64) {
    record.first = Some(record.first.map_or(at, |first| first.min(at)));
    record.last = Some(record.last.map_or(at, |last| last.max(at)));
    record.count += 1;
}
