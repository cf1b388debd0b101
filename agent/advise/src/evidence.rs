//! What advice follows from: entries of the profile, and who did them, when, how often.

use lapwing_profile::entry::{Entry, Phase};
use lapwing_profile::file::time;
use lapwing_profile::profile::{Profile, Verdict};
use lapwing_profile::provenance::mounts::Mounts;
use serde::Serialize;
use std::fmt;

/// Entries that one piece of advice names; the others are counted.
pub const NAMED_MAX: usize = 8;

/// An entry as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The entry, as it stands in the profile.
    pub entry: String,
    /// How often, as far as the sensor was told; 0 where a person wrote it and nobody saw it.
    pub count: u64,
    /// First seen, in RFC 3339.
    pub first: Option<String>,
    /// Last seen.
    pub last: Option<String>,
    /// The executables that did it.
    pub by: Vec<String>,
    /// Whether there were more.
    pub more_by: bool,
    /// User ids, real and effective, in the host's numbering.
    pub uids: Vec<u32>,
    /// Whether there were more.
    pub more_uids: bool,
    /// In how many instances.
    pub instances: Option<u64>,
    /// Of how many.
    pub of_instances: Option<u64>,
}

/// A time of RFC 3339 for people: whole seconds.
pub(crate) fn seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => time.to_owned(),
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.entry)?;
        match (self.count, &self.last) {
            (0, _) => write!(f, "  approved and never seen")?,
            (count, None) => write!(f, "  x{count}")?,
            (count, Some(last)) => write!(f, "  x{count}, last {}", seconds(last))?,
        }
        let more = |more| if more { " and more" } else { "" };
        if !self.by.is_empty() {
            write!(f, ", by {}{}", self.by.join(" "), more(self.more_by))?;
        }
        if !self.uids.is_empty() {
            let uids: Vec<String> = self.uids.iter().map(u32::to_string).collect();
            write!(f, ", uid {}{}", uids.join(" "), more(self.more_uids))?;
        }
        if let (Some(shown), Some(of)) = (self.instances, self.of_instances) {
            write!(f, ", in {shown} of {of} instances")?;
        }
        Ok(())
    }
}

/// Some of the entries that something follows from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// The first of them, in the order of the profile.
    pub first: Vec<Seen>,
    /// How many there are besides.
    pub more: usize,
}

impl Named {
    /// Takes one.
    pub fn push(&mut self, seen: Seen) {
        if self.first.len() < NAMED_MAX {
            self.first.push(seen);
        } else {
            self.more += 1;
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len() + self.more
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

impl FromIterator<Seen> for Named {
    fn from_iter<T: IntoIterator<Item = Seen>>(all: T) -> Self {
        let mut named = Self::default();
        all.into_iter().for_each(|seen| named.push(seen));
        named
    }
}

/// An approved entry and what is known of it.
pub(crate) struct Fact {
    pub(crate) entry: Entry,
    pub(crate) seen: Seen,
    /// What its files lay on; none where nobody told.
    pub(crate) mounts: Mounts,
}

/// What the advice follows from.
pub(crate) struct Facts {
    /// Entries of the container, and of who entered it.
    pub(crate) all: Vec<Fact>,
    /// Approved entries of processes that left the container: what they do is none of its business.
    pub(crate) escaped: usize,
}

impl Facts {
    pub(crate) fn of(profile: &Profile) -> Self {
        let mut facts = Self {
            all: Vec::new(),
            escaped: 0,
        };
        for (entry, record) in profile.entries(Verdict::Approved) {
            if entry.phase == Phase::Escaped {
                facts.escaped += 1;
                continue;
            }
            let told = profile.provenance(&entry);
            let spread = profile.spread(&entry);
            let mut seen = Seen {
                entry: entry.to_string(),
                count: record.count,
                first: record.first.map(time),
                last: record.last.map(time),
                by: Vec::new(),
                more_by: false,
                uids: Vec::new(),
                more_uids: false,
                instances: spread.map(|it| it.shown),
                of_instances: spread.map(|it| it.of),
            };
            let mut mounts = Mounts::default();
            if let Some(told) = told {
                mounts = told.mounts;
                (seen.by, seen.more_by) = (told.executables.all, told.executables.more);
                (seen.uids, seen.more_uids) = (told.uids.all, told.uids.more);
            }
            facts.all.push(Fact {
                entry,
                seen,
                mounts,
            });
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_whole_seconds_and_programs_all() {
        let seen = Seen {
            entry: "exec: {path: /bin/a}".to_owned(),
            count: 3,
            first: None,
            last: Some("2026-11-28T05:52:00.722178175Z".to_owned()),
            by: Vec::new(),
            more_by: false,
            uids: Vec::new(),
            more_uids: false,
            instances: None,
            of_instances: None,
        };
        assert_eq!(
            seen.to_string(),
            "exec: {path: /bin/a}  x3, last 2026-11-28T05:52:00Z"
        );
        let value = serde_json::to_value(&seen).unwrap();
        assert_eq!(value["last"], "2026-11-28T05:52:00.722178175Z");
        assert_eq!(seconds("2026-11-28T05:52:00Z"), "2026-11-28T05:52:00Z");
    }
}
