//! What one profile approves and another does not.

use crate::entry::Entry;
use crate::generalise;
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
    /// How much the patterns of both leave open, all together.
    pub breadth: (u32, u32),
}

/// How much the approved patterns leave open.
fn breadth(profile: &Profile) -> u32 {
    let approved = profile.entries(Verdict::Approved).into_keys();
    approved.map(generalise::breadth).sum()
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
                .cloned()
                .collect()
        };
        Self {
            added: only(b, a),
            removed: only(a, b),
            breadth: (breadth(a), breadth(b)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Workload;

    #[test]
    fn growth_of_breadth_is_part_of_it() {
        let profile = |lines: &[&str]| {
            let mut profile = Profile::new(Workload::default(), Mode::Monitoring);
            for line in lines {
                profile.set(&Entry::parse(line).unwrap(), Verdict::Approved, 1);
            }
            profile
        };
        let narrow = "file: {operation: CREATE, pattern: \"/data/t-{digits}\"}";
        let wide = "file: {operation: CREATE, pattern: \"/data/**\"}";
        let literal = "file: {operation: CREATE, path: /data/t-1}";
        let of = |a: &[&str], b: &[&str]| Diff::between(&profile(a), &profile(b)).breadth;
        assert_eq!(of(&[literal], &[narrow]), (0, 2));
        assert_eq!(of(&[narrow], &[narrow, wide]), (2, 52));
        assert_eq!(of(&[narrow], &[literal]), (2, 0));
    }
}
