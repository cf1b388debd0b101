//! What gets lost behind the rings.

use lapwing_abi::decode::{Body, Record};
use lapwing_abi::ids::{Class, Loss};

/// Why something was lost in user space; the names join those of
/// [`Loss`](lapwing_abi::ids::Loss).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserLoss {
    /// Too many records waited for their container.
    HeldFull,
    /// A record could not be read.
    Undecodable,
    /// Too many programs at a time: ancestors are missing.
    ImagesFull,
    /// Too many containers, cgroups or processes at a time.
    NoRoom,
    /// Nobody could say whose a record is: its cgroup was gone, or unknown.
    Unattributed,
    /// The agent was told to stop, and had no time for what was on its way.
    Stopped,
    /// Too many behaviours: some were judged and not published.
    Unpublished,
    /// The kernel skipped a program, because another run of it had not ended on that processor.
    Skipped,
    /// What containers ran and held when the agent started was too much, or could not be looked at.
    SnapshotCut,
    /// Too much of the name service at a time: messages were not read, and names are missing.
    NamesUnread,
    /// Repeats of a violation that had ended when they were counted: the next is a new one.
    RepeatsUncounted,
    /// Which program acts in a record nobody could say: its exec was lost, and the process is gone.
    ImageUnknown,
    /// What an approved program outside of the image held nobody could say.
    ContentUnknown,
}

impl UserLoss {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::HeldFull,
        Self::Undecodable,
        Self::ImagesFull,
        Self::NoRoom,
        Self::Unattributed,
        Self::Stopped,
        Self::Unpublished,
        Self::Skipped,
        Self::SnapshotCut,
        Self::NamesUnread,
        Self::RepeatsUncounted,
        Self::ImageUnknown,
        Self::ContentUnknown,
    ];

    /// The name in gaps and `lapwing status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeldFull => "held-full",
            Self::Undecodable => "undecodable",
            Self::ImagesFull => "images-full",
            Self::NoRoom => "containers-full",
            Self::Unattributed => "unattributed",
            Self::Stopped => "stopped",
            Self::Unpublished => "behaviours-unpublished",
            Self::Skipped => "program-skipped",
            Self::SnapshotCut => "snapshot-cut",
            Self::NamesUnread => "names-unread",
            Self::RepeatsUncounted => "repeats-uncounted",
            Self::ImageUnknown => "image-unknown",
            Self::ContentUnknown => "content-unknown",
        }
    }
}

/// Whether behaviours may be missing for the reason, of the kernel side or of this one, so that
/// profiles that learn are the poorer for it.
pub(crate) fn hides_behaviours(reason: &str) -> bool {
    let judged = [
        UserLoss::Unpublished,
        UserLoss::RepeatsUncounted,
        // The behaviour is there; who did it is not said in full.
        UserLoss::ImageUnknown,
        UserLoss::ImagesFull,
        // That it was executed is known, and by whom.
        UserLoss::ContentUnknown,
    ];
    let harmless = |loss: &&Loss| !super::lost::is_loss(**loss);
    !judged.iter().any(|loss| loss.name() == reason)
        && !Loss::ALL
            .iter()
            .filter(harmless)
            .any(|loss| loss.name() == reason)
}

/// The class of a record that was lost, as far as its kind tells it.
pub(super) const fn class_of(record: &Record<'_>) -> Class {
    match record.body {
        Body::Exec { .. } => Class::Exec,
        Body::File { .. } => Class::File,
        Body::Egress { .. } | Body::Listen { .. } => Class::Egress,
        Body::Dns { .. } => Class::Dns,
        Body::Privilege { .. } => Class::Privilege,
    }
}

/// Whether events are missing for the reason, so that there is a gap in the stream. What a file held is
/// no event: that it was executed was told.
pub(super) fn leaves_a_gap(reason: &str) -> bool {
    reason != UserLoss::ContentUnknown.name()
}

/// A counter for each reason.
#[derive(Debug, Default)]
pub struct UserLosses([u64; UserLoss::ALL.len()]);

impl UserLosses {
    /// Counts.
    pub fn add(&mut self, reason: UserLoss, count: u64) {
        self.0[reason as usize] += count;
    }

    /// All counters.
    pub fn iter(&self) -> impl Iterator<Item = (UserLoss, u64)> {
        UserLoss::ALL
            .iter()
            .map(|reason| (*reason, self.0[*reason as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_has_a_counter_and_a_name_of_its_own() {
        let mut losses = UserLosses::default();
        for (index, reason) in UserLoss::ALL.into_iter().enumerate() {
            losses.add(reason, index as u64 + 1);
        }
        let counts: Vec<u64> = losses.iter().map(|(_, count)| count).collect();
        let all = UserLoss::ALL.len() as u64;
        assert_eq!(counts, (1..=all).collect::<Vec<_>>());
        let user = UserLoss::ALL.iter().map(|reason| reason.name());
        let names: HashSet<_> = Loss::ALL
            .iter()
            .map(|reason| reason.name())
            .chain(user)
            .collect();
        assert_eq!(names.len(), Loss::ALL.len() + UserLoss::ALL.len());
    }

    #[test]
    fn what_is_only_told_late_or_twice_hides_nothing() {
        for (reason, hides) in [
            (Loss::SeenFull.name(), false),
            (UserLoss::Unpublished.name(), false),
            (UserLoss::RepeatsUncounted.name(), false),
            (UserLoss::ImageUnknown.name(), false),
            (UserLoss::ImagesFull.name(), false),
            (UserLoss::HeldFull.name(), true),
            (UserLoss::Skipped.name(), true),
            (Loss::LifecycleRingFull.name(), true),
        ] {
            assert_eq!(hides_behaviours(reason), hides, "{reason}");
        }
    }
}
