//! What people decide. Each decision has an actor and a reason, gets the next
//! revision, and is kept for the record; observations never decide.

use crate::entry::Entry;
use crate::profile::{DECISIONS_MAX, Decision, Mode, Profile, Verdict};
use crate::workload::Workload;
use thiserror::Error;

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
        self.decisions.push(Decision {
            revision,
            at: by.at,
            actor: by.actor.to_owned(),
            action: action.to_owned(),
            entry: entry.map(ToString::to_string).unwrap_or_default(),
            reason: by.reason.to_owned(),
        });
        let excess = self.decisions.len().saturating_sub(DECISIONS_MAX);
        self.decisions.drain(..excess);
        revision
    }

    /// From learning to monitoring.
    ///
    /// # Errors
    /// When it is monitoring already.
    pub fn promote(&mut self, by: By<'_>) -> Result<(), Refusal> {
        if self.mode == Mode::Monitoring {
            return Err(Refusal::Already(self.mode.word()));
        }
        self.mode_revision = self.decide("promote", None, by);
        self.mode = Mode::Monitoring;
        Ok(())
    }

    /// Approves an entry, whether it was ever seen or not.
    pub fn approve(&mut self, entry: &Entry, by: By<'_>) {
        let revision = self.decide("approve", Some(entry), by);
        self.set(entry.clone(), Verdict::Approved, revision);
    }

    /// Refuses an entry: it is not learned again.
    pub fn refuse(&mut self, entry: &Entry, by: By<'_>) {
        let revision = self.decide("refuse", Some(entry), by);
        self.set(entry.clone(), Verdict::Refused, revision);
    }

    /// Replaces what is approved by what another profile of the same workload approves, and
    /// takes its mode. Evidence and earlier decisions stay.
    ///
    /// # Errors
    /// When the other one belongs to another workload.
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
        let revision = self.decide("import", None, by);
        let gone: Vec<Entry> = self
            .entries(Verdict::Approved)
            .into_keys()
            .filter(|entry| {
                other.records.get(*entry).map(|record| record.verdict) != Some(Verdict::Approved)
            })
            .cloned()
            .collect();
        for entry in gone {
            self.set(entry, Verdict::Pending, revision);
        }
        for (entry, record) in &other.records {
            match record.verdict {
                Verdict::Approved | Verdict::Refused => {
                    self.set(entry.clone(), record.verdict, revision);
                }
                Verdict::Pending => {}
            }
        }
        self.mode = other.mode;
        self.mode_revision = revision;
        Ok(())
    }
}
