//! How bad violations are, and how many there may be: the sections `severity`, `versions` and
//! `suppression`.

use super::learning::Length;
use super::nearest;
use crate::judge::limits::Limit;
use crate::judge::rating::{GRACE, Ratings};
use lapwing_profile::rule::{Rule, Severities, Severity};
use lapwing_profile::text::canonical;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

section! {
    /// New versions of images.
    Versions {
        /// How long what only a new version does is reported at a lower severity.
        grace "grace": Length = Length(GRACE),
    }
}

section! {
    /// How many violations are reported one by one.
    Suppression {
        /// New violations of one rule and severity of a workload, before more are only counted.
        new "new": u32 = 1_000,
        /// In so much time.
        period "period": Length = Length(600_000_000_000),
    }
}

impl Suppression {
    /// What is wrong with a value: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.new == 0 {
            return Err(("suppression.new", "must be at least 1".to_owned()));
        }
        if self.period.0 < 1_000_000_000 {
            return Err(("suppression.period", "must be at least 1s".to_owned()));
        }
        Ok(())
    }

    /// For the judge.
    #[must_use]
    pub fn limit(&self) -> Limit {
        Limit {
            new: self.new,
            period: self.period.0.unsigned_abs(),
        }
    }
}

/// What is wrong with an override.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// There is no such rule; the one that looks most like it.
    Rule(String, Option<&'static str>),
    /// There is no such severity, with what to write.
    Severity(String),
}

/// Reads severities by the names of rules.
pub(super) fn severities(given: &BTreeMap<String, String>) -> Result<Severities, Wrong> {
    let mut severities = Severities::default();
    for (name, word) in given {
        let Some(rule) = Rule::ALL.iter().find(|rule| rule.id() == name) else {
            let rules: Vec<&'static str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
            return Err(Wrong::Rule(
                canonical(name.as_bytes()),
                nearest(name, &rules),
            ));
        };
        let Some(severity) = Severity::ALL.iter().find(|one| one.word() == word) else {
            let words: Vec<&str> = Severity::ALL.iter().map(|one| one.word()).collect();
            return Err(Wrong::Severity(format!(
                "`{}` of `{name}` is no severity: write one of {}; a rule cannot be switched off",
                canonical(word.as_bytes()),
                words.join(", ")
            )));
        };
        severities.set(*rule, *severity);
    }
    Ok(severities)
}

/// For the judge. Of a configuration that was checked.
pub(super) fn ratings(severity: &BTreeMap<String, String>, versions: &Versions) -> Ratings {
    Ratings {
        severities: severities(severity).unwrap_or_default(),
        grace: versions.grace.0,
    }
}
