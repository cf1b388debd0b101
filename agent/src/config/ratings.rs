//! How bad violations are, and how many there may be: the sections `severity`, `versions` and
//! `suppression`.

use super::learning::Length;
use crate::judge::episodes::PERIOD;
use crate::judge::limits::Limit;
use crate::judge::rating::{GRACE, Ratings};
use lapwing_profile::rule::{Rule, Severities, Severity};
use lapwing_profile::text::canonical;
use serde::Deserialize;
use std::collections::BTreeMap;

/// In nanoseconds.
const SECOND: i64 = 1_000_000_000;

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
        /// Least time between two reports of one violation that repeats.
        repeats "repeats": Length = Length(PERIOD.cast_signed()),
    }
}

impl Suppression {
    /// What is wrong with a value: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.new == 0 {
            return Err(("suppression.new", "must be at least 1".to_owned()));
        }
        if self.period.0 < SECOND {
            return Err(("suppression.period", "must be at least 1s".to_owned()));
        }
        if !(SECOND..=3_600 * SECOND).contains(&self.repeats.0) {
            let right = "must be from 1s to 1h".to_owned();
            return Err(("suppression.repeats", right));
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

    /// Least time between two reports of one violation, in nanoseconds.
    #[must_use]
    pub const fn repeats(&self) -> u64 {
        self.repeats.0.unsigned_abs()
    }
}

/// Reads severities by the names of rules; says what is wrong with them, and what would be right.
pub(super) fn severities(given: &BTreeMap<String, String>) -> Result<Severities, String> {
    let mut severities = Severities::default();
    for (name, word) in given {
        let Some(rule) = Rule::ALL.iter().find(|rule| rule.id() == name) else {
            let rules: Vec<&'static str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
            let suggestion = nearest(name, &rules)
                .map(|known| format!(": did you mean `{known}`?"))
                .unwrap_or_default();
            let name = canonical(name.as_bytes());
            return Err(format!("there is no rule `{name}`{suggestion}"));
        };
        let Some(severity) = Severity::ALL.iter().find(|one| one.word() == word) else {
            let words: Vec<&str> = Severity::ALL.iter().map(|one| one.word()).collect();
            return Err(format!(
                "`{}` of `{name}` is no severity: write one of {}; a rule cannot be switched off",
                canonical(word.as_bytes()),
                words.join(", ")
            ));
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

/// The known name that looks most like this one, if any comes near.
fn nearest(name: &str, names: &[&'static str]) -> Option<&'static str> {
    let name = name.to_lowercase();
    names
        .iter()
        .map(|known| {
            (
                strsim::normalized_damerau_levenshtein(&name, &known.to_lowercase()),
                *known,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}
