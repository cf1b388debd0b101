//! Taking a sighting to a profile: is it known, is it learned, is it reported?

use crate::behaviour::Kind;
use crate::entry::keyed::Keyed;
use crate::entry::{Entry, Phase};
use crate::generalise::{Known, by_own_id, is_general};
use crate::place::{Change, Found};
use crate::profile::{Mode, Profile, Record, Verdict};
use crate::rule::{Class, Rule, Severity};

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

/// Whether a new version of the image may be given time for an entry of a class that nobody
/// refused: of what the container itself does. By which commands it is entered its pod says, not its image.
pub(crate) fn may_have_grace(entry: &Entry, class: Class) -> bool {
    class.learnable && class.rule.has_grace() && entry.phase == Phase::Main
}

impl Profile {
    /// Takes a sighting.
    pub fn observe(&mut self, sighting: &Sighting) -> Outcome {
        let keyed = Keyed::of(&sighting.entry);
        let found = self.find(&keyed);
        self.observe_found((&keyed, &found), sighting.at, None)
    }

    /// The same of an entry that was looked up. Where the outcome is [`Outcome::Known`], what was
    /// found stands; else it is to be looked up anew. `pid` is the id that the process has in its
    /// container, where it is known.
    pub fn observe_found(
        &mut self,
        (keyed, found): (&Keyed<'_>, &Found),
        at: i64,
        pid: Option<u32>,
    ) -> Outcome {
        let entry = keyed.entry();
        let seen = Change::Seen(at);
        if found.is_accepted() {
            self.count_found(keyed, found, seen);
            return Outcome::Known;
        }
        let class = self.class_of(entry);
        let learning = match self.mode {
            Mode::Learning | Mode::Review => true,
            Mode::Monitoring => false,
        };
        let refused = self.is_barred(entry);
        let may_learn = entry.phase.is_learned() && self.may_learn_of(entry.phase);
        if learning && class.learnable && !refused && may_learn {
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
                record.apply(seen);
                self.generalise(entry, record, pid);
                return Outcome::Learned;
            }
            // A decision may have made it pending before: its revision stands.
            let revision = self.record(entry).map_or(0, |record| record.revision);
            self.set(entry, Verdict::Approved, revision).apply(seen);
            return Outcome::Learned;
        }
        if let Some(record) = self.records.get_mut(entry) {
            record.apply(seen);
        } else if self.has_room(entry, Verdict::Pending) {
            self.set(entry, Verdict::Pending, 0).apply(seen);
        } else {
            self.overflow += 1;
        }
        Outcome::Deviation(Deviation {
            rule: class.rule,
            severity: class.severity,
            attack: class.attack,
            pending: learning,
            has_grace: !refused && may_have_grace(entry, class),
        })
    }

    /// Whether learning passes by what it does not accept, whoever does it. What is refused to whoever
    /// enters is refused to probes, of which a person approved nothing else.
    pub(crate) fn is_barred(&self, entry: &Entry) -> bool {
        let is_refused = |entry: &Entry| self.is_refused(entry) || self.may_be_refused(entry);
        let entered = (entry.phase == Phase::Probe).then(|| Entry {
            behaviour: entry.behaviour.clone(),
            phase: Phase::Exec,
        });
        is_refused(entry) || self.is_withheld(entry) || entered.as_ref().is_some_and(is_refused)
    }

    /// Learns a file, and what follows from it.
    fn generalise(&mut self, entry: &Entry, record: Record, pid: Option<u32>) {
        let at = record.last;
        let own = pid.and_then(|pid| by_own_id(entry, pid));
        let new = match own {
            Some((pattern, names)) => {
                let names = Some(names);
                self.learned.add(&pattern, Known { record, names })
            }
            None => {
                let names = None;
                let new = self.learned.add(entry, Known { record, names });
                self.note(entry);
                new
            }
        };
        for pattern in new {
            self.note(&pattern);
            if let Some(at) = at {
                self.widen(&pattern, at);
            }
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

#[cfg(test)]
mod tests;
