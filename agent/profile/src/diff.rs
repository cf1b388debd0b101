//! What one profile approves and another does not, and what of it a reviewer should see first.

use crate::entry::Entry;
use crate::evidence::Spread;
use crate::lint::{Check, lint};
use crate::profile::{Mode, Profile, Verdict};
use crate::rule::{self, Class};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

/// An entry that the second profile alone approves, with what speaks against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// In how many instances it was seen; `None` where nobody counted.
    pub spread: Option<Spread>,
    /// What else is wrong with it, by name.
    pub checks: Vec<Check>,
    /// What it would be reported as.
    pub class: Class,
}

impl Addition<'_> {
    /// Whether most instances did not show it: what a poisoned one taught is such.
    #[must_use]
    pub fn is_rare(&self) -> bool {
        self.spread.is_some_and(Spread::is_minority)
    }

    /// What speaks against it; empty if nothing does.
    #[must_use]
    pub fn because(&self) -> String {
        let rare = self.spread.filter(|_| self.is_rare());
        let rare = rare.map(|it| format!("seen in {} of {} instances", it.shown, it.of));
        let checks = self.checks.iter().map(|check| check.id().to_owned());
        let mut parts: Vec<String> = rare.into_iter().chain(checks).collect();
        if !parts.is_empty() {
            parts.push(format!(
                "else {} {}",
                self.class.severity.word(),
                self.class.rule.id()
            ));
        }
        parts.join(", ")
    }

    /// The share of the instances that showed it, in thousandths; all where nobody counted.
    fn share(&self) -> u64 {
        self.spread
            .map_or(1000, |it| it.shown * 1000 / it.of.max(1))
    }
}

/// `+ exec: {path: /bin/sh}  ! seen in 1 of 10 instances, shell, else HIGH exec.unknown`.
impl fmt::Display for Addition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+ {}", self.entry)?;
        match self.because() {
            because if because.is_empty() => Ok(()),
            because => write!(f, "  ! {because}"),
        }
    }
}

/// The difference from one profile to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// Approved by the second alone: it is wider by these.
    pub added: Vec<Entry>,
    /// Approved by the first alone.
    pub removed: Vec<Entry>,
    /// Lines that say in the second alone what a file may hold, which in the first may hold anything:
    /// it is narrower by these.
    pub bound: Vec<Entry>,
    /// Of those that were removed, the lines of files that the second lets be executed, whatever
    /// they hold: it is wider by these.
    pub unbound: Vec<Entry>,
    /// Both modes, where they differ.
    pub mode: Option<(Mode, Mode)>,
    /// How much the patterns of both leave open, all together.
    pub breadth: (u32, u32),
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
        let (bound, added) = (only(b, a).into_iter()).partition(|it| a.leaves_content_open(it));
        let removed = only(a, b);
        let is_unbound = |it: &&Entry| b.leaves_content_open(it) && b.executes(it);
        Self {
            added,
            bound,
            unbound: removed.iter().filter(is_unbound).cloned().collect(),
            removed,
            breadth: (a.breadth(), b.breadth()),
            mode: (a.mode() != b.mode()).then_some((a.mode(), b.mode())),
        }
    }

    /// What was added to `b`, in the order in which a reviewer should look: first what few instances
    /// showed, as one that was tampered with may have taught it to all; of that, and of the rest,
    /// first what would be worst, then what speaks against it by name, then the rarest.
    #[must_use]
    pub fn review<'a>(&'a self, b: &'a Profile) -> Vec<Addition<'a>> {
        let mut checks: BTreeMap<Entry, Vec<Check>> = BTreeMap::new();
        for finding in lint(b) {
            if let Some(entry) = finding.entry {
                checks.entry(entry).or_default().push(finding.check);
            }
        }
        let mut all: Vec<Addition<'_>> = (self.added.iter())
            .map(|entry| Addition {
                entry,
                spread: b.spread(entry),
                checks: checks.remove(entry).unwrap_or_default(),
                class: rule::classify(&entry.behaviour),
            })
            .collect();
        all.sort_by_key(|one| {
            let (rare, severity) = (one.is_rare(), one.class.severity);
            let named = one.checks.is_empty();
            (Reverse((rare, severity)), named, one.share(), one.entry)
        });
        all
    }

    /// Whether the second lets pass what the first does not: it approves of more, no longer says
    /// what a file may hold, or learns again where the first compares.
    #[must_use]
    pub fn widens(&self) -> bool {
        let learns_again = matches!(
            self.mode,
            Some((Mode::Monitoring, Mode::Learning | Mode::Review))
        );
        !self.added.is_empty() || !self.unbound.is_empty() || learns_again
    }

    /// Whether both say the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let lines = [&self.added, &self.removed, &self.bound];
        lines.iter().all(|lines| lines.is_empty()) && self.mode.is_none()
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
