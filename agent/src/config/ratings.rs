//! How bad violations are: the sections `severity` and `versions`.

use super::learning::Length;
use super::nearest;
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
