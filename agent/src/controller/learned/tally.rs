//! How many reports were taken and refused, and what all of it comes to: figures for metrics.

use super::board::Board;
use super::one::Failing;
use lapwing_profile::collected::object::Phase;
use lapwing_profile::decide::Refusal;
use lapwing_proto::v1::get_status_response::{Loss, fleet};

/// Why a report is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It makes no sense, or is of no workload of a cluster.
    Invalid,
    /// Of a workload for which there is no room.
    Workloads,
    /// There is no room for what it adds.
    Bytes,
    /// There is none in the profile.
    Profile,
    /// Of a workload that was forgotten for its age, or whose namespace went, and runs nowhere.
    Stale,
    /// Its times are later than the controller's.
    Clock,
}

impl Reason {
    /// Every one, in order.
    pub const ALL: [Self; 6] = [
        Self::Invalid,
        Self::Workloads,
        Self::Bytes,
        Self::Profile,
        Self::Stale,
        Self::Clock,
    ];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Workloads => "workloads_full",
            Self::Bytes => "bytes_full",
            Self::Profile => "profile_full",
            Self::Stale => "stale",
            Self::Clock => "clock",
        }
    }

    /// Why a profile does not take one.
    pub const fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Full(_) => Self::Profile,
            Refusal::Already(_) | Refusal::NoReason | Refusal::OtherWorkload { .. } => {
                Self::Invalid
            }
        }
    }
}

/// Reports since this replica leads.
#[derive(Debug, Default)]
pub struct Tally {
    taken: u64,
    refused: [u64; Reason::ALL.len()],
}

impl Tally {
    /// One more is taken.
    pub const fn take(&mut self) {
        self.taken += 1;
    }

    /// One more is not.
    pub const fn refuse(&mut self, reason: Reason) {
        self.refused[reason as usize] += 1;
    }
}

impl Board {
    /// What all of it comes to.
    pub fn figures(&self) -> fleet::Learned {
        let (rules, state) = (self.rules(), self.lock());
        let mut phases = [0; 3];
        let (mut unwritten, mut failing) = (0, 0);
        for one in state.all.values() {
            let written = one.written.as_ref().map(|written| written.phase);
            let phase = match (&one.beside.promoted, written) {
                (Some(_), _) | (None, Some(Phase::Promoted)) => 2,
                (None, Some(Phase::Ready)) => 1,
                (None, Some(Phase::Learning) | None) => 0,
            };
            phases[phase] += 1;
            unwritten += u32::from(one.dirty.is_some());
            let is_failing = |it: &Failing| !it.is_of_namespace;
            failing += u32::from(one.failing.as_ref().is_some_and(is_failing));
        }
        let [learning, ready, promoted] = phases;
        let Tally { taken, refused } = &state.tally;
        fleet::Learned {
            learning,
            ready,
            promoted,
            workloads_max: rules.workloads[0] as u32,
            bytes: state.bytes as u64,
            bytes_max: rules.bytes as u64,
            nodes: state.told.len() as u32,
            unwritten,
            failing,
            taken: *taken,
            refused: Reason::ALL
                .map(|reason| Loss {
                    reason: reason.word().to_owned(),
                    count: refused[reason as usize],
                })
                .into(),
        }
    }
}
