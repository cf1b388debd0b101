//! What an image may come to: limits from a file, and whether a new image keeps to them.
//!
//! A limit is kept, exceeded, or cannot be judged. The last is never taken for the first: a budget is
//! within only where each line of it is known to be kept.

mod judge;
mod used;

use crate::report::First;
use lapwing_profile::yaml::{self, Limits};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;

/// Most that a file holds.
const LIMITS: Limits = Limits {
    bytes: Budget::BYTES_MAX,
    nodes: 1_000,
};
/// Offenders of one line that are listed.
const OFFENDERS_MAX: usize = 200;
/// Offenders that a sentence names.
const NAMED_MAX: usize = 3;

/// Something that an image should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Unwanted {
    /// A shell.
    Shell,
    /// A package manager.
    #[serde(alias = "package_manager")]
    PackageManager,
    /// A compiler, a linker or what calls them.
    Compiler,
    /// A program with set-id bits.
    #[serde(alias = "setuid", alias = "set_id")]
    SetId,
    /// A file that gives capabilities.
    Capability,
    /// A likely secret.
    Secret,
}

impl Unwanted {
    /// Its name in files.
    const fn key(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::PackageManager => "packageManager",
            Self::Compiler => "compiler",
            Self::SetId => "setId",
            Self::Capability => "capability",
            Self::Secret => "secret",
        }
    }

    /// Several of it.
    const fn many(self) -> &'static str {
        match self {
            Self::Shell => "shells",
            Self::PackageManager => "package managers",
            Self::Compiler => "compilers",
            Self::SetId => "set-id programs",
            Self::Capability => "files with capabilities",
            Self::Secret => "likely secrets",
        }
    }
}

/// Limits. MB are 1,000,000 bytes, and sizes those of the files of all layers, unpacked. Keys are taken with
/// underscores too (`max_growth_mb`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Budget {
    /// MB that the new image may have.
    #[serde(
        rename = "maxSizeMB",
        alias = "max_size_mb",
        deserialize_with = "number"
    )]
    max_size_mb: Option<f64>,
    /// MB that it may have beyond those of the old one.
    #[serde(
        rename = "maxGrowthMB",
        alias = "max_growth_mb",
        deserialize_with = "number"
    )]
    max_growth_mb: Option<f64>,
    /// The same, in percent of the old one.
    #[serde(alias = "max_growth_percent", deserialize_with = "number")]
    max_growth_percent: Option<f64>,
    /// Layers that it may have.
    #[serde(alias = "max_layers", deserialize_with = "some")]
    max_layers: Option<u64>,
    /// Percent of the bytes that a container sees which may be unused.
    #[serde(alias = "max_unused_percent", deserialize_with = "share")]
    max_unused_percent: Option<f64>,
    /// Percent of the bytes of programs which may be of programs that were not seen to run.
    #[serde(alias = "max_unused_programs_percent", deserialize_with = "share")]
    max_unused_programs_percent: Option<f64>,
    /// MB of files that later layers hide, and of files that are there twice.
    #[serde(
        rename = "maxWastedMB",
        alias = "max_wasted_mb",
        deserialize_with = "number"
    )]
    max_wasted_mb: Option<f64>,
    /// The score that it must have.
    #[serde(alias = "min_hardening_score", deserialize_with = "share")]
    min_hardening_score: Option<f64>,
    /// What it may not have.
    #[serde(deserialize_with = "listed")]
    forbid: BTreeSet<Unwanted>,
    /// What it may not have unless the old one has it.
    #[serde(alias = "forbid_new", deserialize_with = "listed")]
    forbid_new: BTreeSet<Unwanted>,
}

/// A key with nothing behind it is a mistake, and no missing limit.
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn from_0_to<'de, D: Deserializer<'de>>(from: D, most: f64) -> Result<Option<f64>, D::Error> {
    let value = f64::deserialize(from)?;
    match (0.0..=most).contains(&value) {
        true => Ok(Some(value)),
        false => Err(serde::de::Error::custom(format!(
            "{value} is no limit: a number from 0 to {most} is wanted here"
        ))),
    }
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    from_0_to(from, 1e12)
}

/// Of 100.
fn share<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    from_0_to(from, 100.0)
}

/// The same of a list.
fn listed<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<Unwanted>, D::Error> {
    let all = Vec::<Unwanted>::deserialize(from)?;
    match all.is_empty() {
        true => Err(serde::de::Error::custom(
            "nothing is in the list: say what is forbidden, or leave the key out",
        )),
        false => Ok(all.into_iter().collect()),
    }
}

/// Whether a line of a budget is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It is.
    Kept,
    /// It is not.
    Exceeded,
    /// Nobody knows; the text says what to supply.
    CannotBeJudged,
}

/// One line of a budget, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Which, as `maxSizeMB` or `forbid: shell`.
    pub limit: String,
    /// Whether it is kept.
    pub verdict: Verdict,
    /// What the image has, in the unit of the limit; `None` where it is not known.
    pub figure: Option<f64>,
    /// What it may have, or must have of a score.
    pub allowed: f64,
    /// All of it in a sentence.
    pub text: String,
    /// What makes it so, the most first; empty where it is kept.
    pub offenders: First<String>,
}

/// A budget, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// Whether all of it is known to be kept.
    pub within: bool,
    /// Its lines.
    pub lines: Vec<Line>,
}

impl Budget {
    /// Bytes that a file holds at most.
    pub const BYTES_MAX: usize = 64 << 10;

    /// Reads one, in YAML.
    ///
    /// # Errors
    /// In one line that begins with the place, where there is one: what is no budget, has keys that are
    /// not known, limits that no image can be held to, or none at all.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        // Of nothing but comments the parser says where it ends, which helps nobody.
        let is_line = |line: &[u8]| !matches!(line.trim_ascii(), [] | [b'#', ..]);
        if !bytes.split(|byte| *byte == b'\n').any(is_line) {
            return Err(NO_LIMIT.to_owned());
        }
        let read: Result<Self, String> = yaml::read(bytes, LIMITS);
        let budget = read.map_err(|why| twice(bytes).unwrap_or(why))?;
        match budget == Self::default() {
            true => Err(NO_LIMIT.to_owned()),
            false => Ok(budget),
        }
    }
}

/// Keys, each with its other form.
const KEYS: [(&str, &str); 9] = [
    ("maxSizeMB", "max_size_mb"),
    ("maxGrowthMB", "max_growth_mb"),
    ("maxGrowthPercent", "max_growth_percent"),
    ("maxLayers", "max_layers"),
    ("maxUnusedPercent", "max_unused_percent"),
    ("maxUnusedProgramsPercent", "max_unused_programs_percent"),
    ("maxWastedMB", "max_wasted_mb"),
    ("minHardeningScore", "min_hardening_score"),
    ("forbidNew", "forbid_new"),
];

/// A key that is there in both forms, which the library says without a place.
fn twice(bytes: &[u8]) -> Option<String> {
    KEYS.iter().find_map(|(key, other)| {
        let [one, again] = [key, other].map(|key| yaml::place_of(bytes, LIMITS, key));
        let (one, again) = (one?, again?);
        Some(format!(
            "{again}: `{other}` is `{key}`, which is set at {one} too: leave one out"
        ))
    })
}

const NO_LIMIT: &str =
    "it sets no limit, so anything would be within it: set one, as `maxGrowthMB: 5`";

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Budget::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_budget_of_all_keys() {
        let budget = Budget::parse(
            b"# of the shop\nmaxSizeMB: 120\nmaxGrowthMB: 2.5\nmaxGrowthPercent: 10\nmaxLayers: 12\n\
              maxUnusedPercent: 60\nmaxUnusedProgramsPercent: 50\nmaxWastedMB: 0\nminHardeningScore: 70\n\
              forbid: [secret, packageManager, secret]\nforbidNew:\n  - shell\n  - setId\n  - compiler\n  - capability\n",
        )
        .unwrap();
        assert_eq!(budget.max_growth_mb, Some(2.5));
        assert_eq!(budget.max_wasted_mb, Some(0.0));
        assert_eq!(
            (budget.max_layers, budget.min_hardening_score),
            (Some(12), Some(70.0))
        );
        let forbid: Vec<_> = budget.forbid.into_iter().collect();
        assert_eq!(forbid, [Unwanted::PackageManager, Unwanted::Secret]);
        assert_eq!(budget.forbid_new.len(), 4);
    }

    #[test]
    fn keys_are_taken_with_underscores_too_but_each_once() {
        let text = b"max_size_mb: 1\nmax_growth_mb: 2\nmax_growth_percent: 3\nmax_layers: 4\n\
            max_unused_percent: 5\nmax_unused_programs_percent: 6\nmax_wasted_mb: 7\nmin_hardening_score: 8\n\
            forbid: [setuid, package_manager]\nforbid_new: [set_id]\n";
        let same = b"maxSizeMB: 1\nmaxGrowthMB: 2\nmaxGrowthPercent: 3\nmaxLayers: 4\n\
            maxUnusedPercent: 5\nmaxUnusedProgramsPercent: 6\nmaxWastedMB: 7\nminHardeningScore: 8\n\
            forbid: [setId, packageManager]\nforbidNew: [setId]\n";
        assert_eq!(Budget::parse(text).unwrap(), Budget::parse(same).unwrap());
        let same = str::from_utf8(same).unwrap();
        let keys = { str::from_utf8(text).unwrap().lines() }
            .filter(|line| line.contains('_') && !line.starts_with("forbid:"));
        for line in keys {
            let (key, _) = line.split_once(':').unwrap();
            let message = wrong(&format!("{same}{line}\n"));
            let place = format!("line 11, column {}: `{key}` is `", key.len() + 3);
            assert!(message.starts_with(&place), "{line}: {message}");
        }
        assert_eq!(
            wrong("maxGrowthMB: 1\nmax_growth_mb: 2\n"),
            "line 2, column 16: `max_growth_mb` is `maxGrowthMB`, which is set at line 1, column 14 too: leave one out"
        );
    }

    #[test]
    fn what_is_no_budget_is_told_with_its_place() {
        for (text, place, part) in [
            (
                "maxSizeMB: 1\nmaxSizeMb: 2\n",
                "line 2, column 1",
                "did you mean `maxSizeMB`?",
            ),
            ("\nforbid: [shell, shel]\n", "line 2, column 17", "shel"),
            (
                "maxSizeMB: 1\nmaxLayers: -1\n",
                "line 2, column 12",
                "whole number",
            ),
            ("maxLayers: 1.5\n", "line 1, column 12", "whole number"),
            (
                "maxSizeMB: 10 MB\n",
                "line 1, column 12",
                "a number is wanted",
            ),
            ("maxSizeMB:\nmaxLayers: 3\n", "line 1", "number"),
            ("maxLayers: 3\nforbid:\n", "line 2", "list"),
            (
                "maxLayers: 3\nforbid: []\n",
                "line 2",
                "nothing is in the list",
            ),
            ("maxLayers: 3\nforbid: shell\n", "line 2", "list"),
            (
                "maxGrowthMB: -0.1\n",
                "line 1, column 14",
                "-0.1 is no limit",
            ),
            (
                "maxGrowthMB: .nan\n",
                "line 1, column 14",
                "NaN is no limit",
            ),
            (
                "maxGrowthMB: .inf\n",
                "line 1, column 14",
                "inf is no limit",
            ),
            (
                "maxLayers: 1\nmaxUnusedPercent: 101\n",
                "line 2, column 19",
                "0 to 100",
            ),
            ("minHardeningScore: 101\n", "line 1, column 20", "0 to 100"),
            (
                "maxLayers: 1\nmaxLayers: 2\n",
                "line 2, column 1",
                "maxLayers",
            ),
            ("- maxLayers\n", "line 1", ""),
            ("just text\n", "line 1", ""),
            ("maxLayers: [1\n", "line", ""),
            ("\u{feff}a\u{1b}[2J: 1\n", "line 1", ""),
            ("maxLayers: 1\n---\nmaxLayers: 2\n", "line", ""),
        ] {
            let message = wrong(text);
            assert!(message.starts_with(place), "{text:?}: {message}");
            assert!(message.contains(part), "{text:?}: {message}");
            assert!(!message.contains(|c: char| c.is_control()), "{message:?}");
        }
        for text in ["", "\n  \n", "# maxLayers: 1\n", "{}\n"] {
            assert!(wrong(text).starts_with("it sets no limit"), "{text:?}");
        }
        assert!(
            Budget::parse(b"maxLayers: 1\n\xff")
                .unwrap_err()
                .contains("UTF-8")
        );
        assert!(Budget::parse(&vec![b'#'; 1 << 20]).is_err());
        let many = format!("forbid: [{}]", "shell, ".repeat(5_000));
        assert!(!wrong(&many).is_empty());
    }
}
