//! What one profile approves and another does not.

use crate::entry::Entry;
use crate::profile::{Mode, Profile, Verdict};

/// The difference from one profile to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// Approved by the second alone: it is wider by these.
    pub added: Vec<Entry>,
    /// Approved by the first alone.
    pub removed: Vec<Entry>,
    /// Both modes, where they differ.
    pub mode: Option<(Mode, Mode)>,
}

impl Diff {
    /// From `a` to `b`.
    #[must_use]
    pub fn between(a: &Profile, b: &Profile) -> Self {
        let only = |in_this: &Profile, not_in: &Profile| -> Vec<Entry> {
            in_this
                .entries(Verdict::Approved)
                .into_keys()
                .filter(|entry| !not_in.accepts(entry))
                .collect()
        };
        Self {
            added: only(b, a),
            removed: only(a, b),
            mode: (a.mode() != b.mode()).then_some((a.mode(), b.mode())),
        }
    }

    /// Whether the second lets pass what the first does not: it approves of more, or it learns
    /// again where the first compares.
    #[must_use]
    pub fn widens(&self) -> bool {
        let learns_again = matches!(
            self.mode,
            Some((Mode::Monitoring, Mode::Learning | Mode::Review))
        );
        !self.added.is_empty() || learns_again
    }

    /// Whether both say the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.mode.is_none()
    }
}
