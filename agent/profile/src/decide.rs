//! What people decide. Each decision has an actor and a reason, gets the next
//! revision, and is kept for the record; observations never decide of entries.
//! When evidence ends learning, that is on record in the same way.

use crate::entry::Entry;
use crate::profile::{Decision, Mode, Profile, Record, Verdict};
use crate::workload::Workload;
use thiserror::Error;

/// The action of a decision that a profile learns again.
const DEMOTE: &str = "demote";

/// Who decides, why and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Who.
    pub actor: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When, in nanoseconds since the Unix epoch.
    pub at: i64,
}

/// Why a decision cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The profile is in that mode.
    #[error("the profile is {0} already")]
    Already(&'static str),
    /// A decision that lets more pass has to say why.
    #[error("say why (`--reason`): what it does from now on is learned, not reported")]
    NoReason,
    /// A limit would be exceeded.
    #[error("the profile is full: {0}; refuse or remove what it does not need first")]
    Full(String),
    /// Another workload's.
    #[error("this is the profile of {found}, not of {wanted}")]
    OtherWorkload {
        /// Whose it is.
        found: String,
        /// Whose was wanted.
        wanted: String,
    },
}

impl Profile {
    fn decide(&mut self, action: &str, entry: Option<&Entry>, by: By<'_>) -> u64 {
        let revision = self.revision() + 1;
        self.push_decision(Decision {
            revision,
            at: by.at,
            actor: by.actor.to_owned(),
            action: action.to_owned(),
            entry: entry.map(ToString::to_string).unwrap_or_default(),
            reason: by.reason.to_owned(),
        });
        revision
    }

    fn verdict(
        &mut self,
        entry: &Entry,
        verdict: Verdict,
        action: &str,
        by: By<'_>,
    ) -> Result<(), Refusal> {
        if !self.has_room(entry, verdict) {
            let text = format!("no room for another entry that is {}", verdict.word());
            return Err(Refusal::Full(text));
        }
        let revision = self.decide(action, Some(entry), by);
        let learned = self.learned.record(entry);
        let record = self.set(entry, verdict, revision);
        if let Some(learned) = learned {
            // What was seen of it before it was decided of.
            let evidence = record.clone().join(learned);
            *record = Record {
                verdict,
                revision,
                ..evidence
            };
        }
        Ok(())
    }

    /// From learning or review to monitoring.
    ///
    /// # Errors
    /// When it is monitoring already.
    pub fn promote(&mut self, by: By<'_>) -> Result<(), Refusal> {
        if self.mode == Mode::Monitoring {
            return Err(Refusal::Already(self.mode.word()));
        }
        self.mode_revision = self.decide("promote", None, by);
        self.mode = Mode::Monitoring;
        self.incomplete = false;
        Ok(())
    }

    /// From monitoring or review back to learning, because what the workload does has changed. What
    /// is approved and refused stays; what waited for a decision is learned when it is seen again,
    /// if it is of a class that is learned at all.
    ///
    /// Nothing was sampled while it was compared with, and whoever demotes wants it to learn: so the
    /// conditions of time (observed, quiet, the cap) begin anew, see [`Profile::demoted`].
    ///
    /// # Errors
    /// When it learns already, or no reason is given.
    pub fn demote(&mut self, by: By<'_>) -> Result<(), Refusal> {
        if self.mode == Mode::Learning {
            return Err(Refusal::Already(self.mode.word()));
        }
        if by.reason.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
        self.mode_revision = self.decide(DEMOTE, None, by);
        self.mode = Mode::Learning;
        self.incomplete = false;
        Ok(())
    }

    /// When it was demoted last, in nanoseconds since the Unix epoch, as far as decisions are
    /// remembered.
    #[must_use]
    pub fn demoted(&self) -> Option<i64> {
        let demotions = self.decisions().filter(|one| one.action == DEMOTE);
        demotions.map(|one| one.at).max()
    }

    /// From learning to review, because the evidence is complete, or `incomplete` because the time
    /// is up. What is in review incomplete may become complete.
    ///
    /// # Errors
    /// When it is there already, or monitoring.
    pub fn review(&mut self, incomplete: bool, by: By<'_>) -> Result<(), Refusal> {
        let completes = self.mode == Mode::Review && self.incomplete && !incomplete;
        if self.mode != Mode::Learning && !completes {
            return Err(Refusal::Already(self.mode.word()));
        }
        self.mode_revision = self.decide("review", None, by);
        self.mode = Mode::Review;
        self.incomplete = incomplete;
        Ok(())
    }

    /// Approves an entry, whether it was ever seen or not.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn approve(&mut self, entry: &Entry, by: By<'_>) -> Result<(), Refusal> {
        let known = self.accepts(entry);
        self.verdict(entry, Verdict::Approved, "approve", by)?;
        if !known {
            self.widen(entry, by.at);
        }
        Ok(())
    }

    /// Refuses an entry: it is not learned again.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn refuse(&mut self, entry: &Entry, by: By<'_>) -> Result<(), Refusal> {
        self.verdict(entry, Verdict::Refused, "refuse", by)
    }

    /// Replaces what is approved by what another profile of the same workload approves, and
    /// takes its mode. Evidence and earlier decisions stay.
    ///
    /// # Errors
    /// When the other one belongs to another workload, or both together find no room.
    pub fn import(&mut self, other: &Self, by: By<'_>) -> Result<(), Refusal> {
        // The cluster is a name of this place, not of the workload.
        let at_home = Workload {
            cluster: self.workload.cluster.clone(),
            ..other.workload.clone()
        };
        if at_home != self.workload {
            return Err(Refusal::OtherWorkload {
                found: other.workload.to_string(),
                wanted: self.workload.to_string(),
            });
        }
        let mut joined = self.clone();
        let revision = joined.decide("import", None, by);
        let overruled = self.overruled();
        let overruled = overruled.map(|(entry, record)| (entry.clone(), record.clone()));
        let gone: Vec<(Entry, Record)> = self
            .approved()
            .chain(overruled)
            .map(|(entry, record)| {
                // What was learned stays so, and what is decided of it now stands above that.
                let own = joined.remove(&entry);
                let all = own.unwrap_or_default().join(record);
                (entry, all)
            })
            .collect();
        for verdict in [Verdict::Approved, Verdict::Refused] {
            for entry in other.entries(verdict).into_keys() {
                joined.put(&entry, verdict, revision);
            }
        }
        if joined.check().is_err() {
            // No room for both: what was seen of it goes on in the records.
            let learned: Vec<Entry> = gone.iter().map(|(entry, _)| entry.clone()).collect();
            joined.learned.remove(&learned);
        }
        let mut unknown = Vec::new();
        // What was approved and is no more waits for a decision, where there is room.
        for (entry, evidence) in gone {
            let verdict = match joined.records.get(&entry) {
                Some(record) => record.verdict,
                None if joined.has_room(&entry, Verdict::Pending) => Verdict::Pending,
                None => {
                    joined.overflow += 1;
                    unknown.push(entry);
                    continue;
                }
            };
            let record = joined.put(&entry, verdict, revision);
            *record = Record {
                verdict,
                revision,
                ..evidence
            };
        }
        joined.learned.remove(&unknown);
        joined.compile();
        joined.check().map_err(Refusal::Full)?;
        for pattern in self.wider(other) {
            joined.widen(&pattern, by.at);
        }
        joined.mode = other.mode;
        joined.incomplete = other.incomplete;
        joined.mode_revision = revision;
        *self = joined;
        Ok(())
    }
}
