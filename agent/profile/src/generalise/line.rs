//! What was learned of files, as lines of a profile's `status`.

use super::seen::Seen;
use super::{Known, Learned, Names, check_made, is_general};
use crate::behaviour::Behaviour;
use crate::entry::Entry;
use crate::entry::line::FileLine;
use crate::evidence::Evidence;
use crate::evidence::packed::Packed;
use crate::file::{nanoseconds, seen_fields};
use crate::pattern;
use crate::profile::{Record, Verdict};
use crate::provenance::line::{Numbers, Read};
use crate::yaml::scalar;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// One line of `learned`. What follows from the rest is written for people and not read.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct LearnedLine {
    file: FileLine,
    #[serde(default)]
    first: Option<jiff::Timestamp>,
    #[serde(default)]
    last: Option<jiff::Timestamp>,
    #[serde(default)]
    count: u64,
    #[serde(default)]
    instances: String,
    #[serde(default)]
    starts: String,
    #[serde(default)]
    samples: String,
    #[serde(default)]
    provenance: Option<u32>,
    #[serde(default, rename = "names")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    _names: IgnoredAny,
    #[serde(default, rename = "breadth")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    _breadth: IgnoredAny,
    #[serde(default, rename = "because")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    _because: IgnoredAny,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    sketch: String,
}

impl LearnedLine {
    /// Says what is wrong with it.
    pub(crate) fn read(self, sets: &Read) -> Result<(Entry, Known), String> {
        let entry = Entry::try_from(self.file)?;
        if !is_general(&entry) {
            return Err(format!("{entry}: this is never learned so"));
        }
        let names = match &entry.behaviour {
            Behaviour::File(file) if file.pattern => {
                check_made(file)?;
                Some(Names::read(&self.sketch, self.examples)?)
            }
            _ => None,
        };
        let wrong = |why| format!("{entry}: {why}");
        let evidence = Evidence::read(&self.instances, &self.starts, &self.samples);
        let record = Record {
            verdict: Verdict::Approved,
            revision: 0,
            first: self.first.map(nanoseconds),
            last: self.last.map(nanoseconds),
            count: self.count,
            evidence: Packed::of(evidence.map_err(wrong)?),
            provenance: sets.of(self.provenance).map_err(wrong)?,
        };
        Ok((entry, Known { record, names }))
    }
}

/// All lines of it.
pub(crate) fn lines(learned: &Learned, numbers: &Numbers<'_>) -> impl Iterator<Item = String> {
    (learned.iter()).map(|(entry, seen)| line(&entry, seen, numbers))
}

fn line(entry: &Entry, seen: &Seen, numbers: &Numbers<'_>) -> String {
    let mut map = seen_fields(entry, &seen.record(), numbers);
    if let Some(names) = seen.names() {
        map.number("names", names.count());
        map.number("breadth", breadth(entry));
        map.text("because", &names.because(entry));
        let examples: Vec<String> = names.examples().map(scalar).collect();
        map.nested("examples", &format!("[{}]", examples.join(", ")));
        map.text("sketch", &names.sketch());
    }
    map.finish()
}

/// The most that a pattern of one path leaves open, and so the most that a range of addresses does.
const BREADTH_MAX: u32 = 50;

/// How much an entry leaves open; 0 where it is neither a pattern nor a range of addresses, of which
/// it is the number of bits that are open.
#[must_use]
pub fn breadth(entry: &Entry) -> u32 {
    match &entry.behaviour {
        Behaviour::File(file) if file.pattern => {
            let target = file
                .target
                .as_deref()
                .filter(|target| target.starts_with('/'));
            pattern::breadth(&file.path) + target.map_or(0, pattern::breadth)
        }
        Behaviour::Egress(egress) => {
            let range = egress.range();
            range.map_or(0, |range| BREADTH_MAX.min(u32::from(range.open())))
        }
        _ => 0,
    }
}
