//! Provenance in a profile's `status`.
//!
//! ```yaml
//! provenance:
//!   executables:
//!     - {id: "0a1b2c3d", path: /usr/sbin/nginx}
//!   addresses:
//!     - {id: "4e5f6a7b", address: "192.0.2.7"}
//!   sets:
//!     - {executables: "0a1b2c3d", uids: "33", versions: "2:1f2e3d4c 1:89abcdef", mounts: "image vol"}
//! ```
//!
//! and in each entry's line of `seen` or `learned`, as `provenance`, the number of its set, counted
//! from 0. Versions are their number and the first digits of their digest; mounts are
//! words of [`super::mounts`]. The sets are those that
//! entries have, each once, in order. A file without it has none, as those of older versions.

use super::mounts::{Mount, Mounts};
use super::newest::{Newest, VERSIONS_KEPT};
use super::texts::{ADDRESSES_MAX, EXECUTABLES_MAX, Texts};
use super::{Provenance, Sources};
use crate::evidence::text::{ids, one, read as read_ids};
use crate::file::placed;
use crate::profile::{APPROVED_MAX, PENDING_MAX, Profile, REFUSED_MAX};
use crate::yaml::{Flow, Placed};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

/// Sets of a profile: each entry may have its own.
const SETS_MAX: usize = APPROVED_MAX + PENDING_MAX + REFUSED_MAX;
/// Bytes of one at most.
const SET_BYTES: usize = 356;
/// Bytes of one text at most: each byte of a path may be quoted.
const TEXT_BYTES: usize = 2 * super::texts::PATH_MAX + 48;
/// Bytes of the number of a set in an entry's line.
const NUMBER_BYTES: usize = 20;
/// Bytes that all of it takes in a file at most.
pub(crate) const BYTES: usize =
    SETS_MAX * (SET_BYTES + NUMBER_BYTES) + (EXECUTABLES_MAX + ADDRESSES_MAX) * TEXT_BYTES + 128;
// As docs/profiles.md says.
const _: () = assert!(BYTES <= 10 << 20);
/// Nodes of it: a set has five pairs, a text two.
pub(crate) const NODES: usize = 16 + SETS_MAX * 11 + (EXECUTABLES_MAX + ADDRESSES_MAX) * 5;
/// Nodes of an entry's: one pair.
pub(crate) const ENTRY_NODES: usize = 2;

#[derive(Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ProvenanceLine {
    #[serde(default)]
    executables: Vec<Placed<ExecutableLine>>,
    #[serde(default)]
    addresses: Vec<Placed<AddressLine>>,
    #[serde(default)]
    sets: Vec<Placed<SetLine>>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ExecutableLine {
    id: String,
    path: String,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct AddressLine {
    id: String,
    address: IpAddr,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct SetLine {
    #[serde(default)]
    executables: String,
    #[serde(default)]
    uids: String,
    #[serde(default)]
    addresses: String,
    #[serde(default)]
    versions: String,
    #[serde(default)]
    mounts: String,
}

/// What was read: texts, and sets by their numbers.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) texts: Texts,
    sets: Vec<Provenance>,
}

impl Read {
    /// The set of a number. Says that there is none.
    pub(crate) fn of(&self, number: Option<u32>) -> Result<Provenance, String> {
        let Some(number) = number else {
            return Ok(Provenance::default());
        };
        let set = self.sets.get(number as usize).cloned();
        set.ok_or_else(|| {
            let count = self.sets.len();
            format!("`provenance: {number}` is none of the {count} `sets` of `status.provenance`")
        })
    }
}

impl ProvenanceLine {
    /// Says what is wrong with it, and where.
    pub(crate) fn read(self) -> Result<Read, String> {
        let Self {
            executables,
            addresses,
            sets,
        } = self;
        let mut read = Read::default();
        for (count, most, what) in [
            (executables.len(), EXECUTABLES_MAX, "executables"),
            (addresses.len(), ADDRESSES_MAX, "addresses"),
            (sets.len(), SETS_MAX, "sets"),
        ] {
            if count > most {
                return Err(format!(
                    "`status.provenance` has {count} {what}, and at most {most} are kept"
                ));
            }
        }
        for line in executables {
            placed(line, WHAT, |line| {
                read.texts.read_executable(one(&line.id)?, &line.path)
            })?;
        }
        for line in addresses {
            placed(line, WHAT, |line| {
                read.texts.read_address(one(&line.id)?, line.address);
                Ok(())
            })?;
        }
        for line in sets {
            let sources = placed(line, WHAT, SetLine::read)?;
            read.sets.push(Provenance::of(sources));
        }
        Ok(read)
    }
}

/// What stands there, in errors.
const WHAT: &str = "a line of `provenance`";

impl SetLine {
    fn read(self) -> Result<Sources, String> {
        let mut sources = Sources {
            executables: read_ids("executables", &self.executables)?,
            addresses: read_ids("addresses", &self.addresses)?,
            ..Sources::default()
        };
        let mut before = None;
        for word in words(&self.uids) {
            let uid: u32 = canonical(word).ok_or("`uids` holds numbers of 32 bits")?;
            if before.is_some_and(|before| before >= uid) || sources.uids.is_full() {
                return Err(format!(
                    "`uids` holds at most {} numbers, each greater than the one before",
                    super::UIDS_KEPT
                ));
            }
            sources.uids.insert(uid);
            before = Some(uid);
        }
        let mut versions = Vec::new();
        for word in words(&self.versions) {
            let pair = word.split_once(':');
            let pair = pair.and_then(|(number, id)| Some((canonical(number)?, one(id).ok()?)));
            versions.push(pair.ok_or("`versions` holds numbers with eight digits of a digest")?);
        }
        let mut newest = Newest::default();
        versions.iter().for_each(|it| newest.insert(it.0, it.1));
        if newest.all() != versions {
            return Err(format!(
                "`versions` holds at most {VERSIONS_KEPT}, the newest first, each once"
            ));
        }
        sources.versions = newest;
        sources.mounts = mounts(&self.mounts)?;
        Ok(sources)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// Words in their order, each once.
fn mounts(text: &str) -> Result<Mounts, String> {
    let mut all = Mounts::default();
    for word in words(text) {
        let known = Mount::ALL.iter().find(|mount| mount.word() == word);
        let known = known.filter(|mount| all.all().all(|before| before < **mount));
        all.insert(*known.ok_or_else(|| {
            let words: Vec<&str> = Mount::ALL.iter().map(|mount| mount.word()).collect();
            format!(
                "`mounts` holds words of `{}`, in this order, each once",
                words.join(" ")
            )
        })?);
    }
    Ok(all)
}

/// A number as it is written.
fn canonical(word: &str) -> Option<u32> {
    let number: u32 = word.parse().ok()?;
    (number.to_string() == word).then_some(number)
}

/// The number of each set that an entry of a profile has.
pub(crate) struct Numbers<'a>(BTreeMap<&'a Sources, usize>);

impl<'a> Numbers<'a> {
    pub(crate) fn of(profile: &'a Profile) -> Self {
        let records = profile.records.values().map(|record| &record.provenance);
        let all = records.chain(profile.learned.provenances());
        let mut numbers: BTreeMap<&Sources, usize> =
            all.filter_map(|it| Some((it.sources()?, 0))).collect();
        (numbers.values_mut().enumerate()).for_each(|(at, number)| *number = at);
        Self(numbers)
    }

    /// Writes it into the line of its entry.
    pub(crate) fn write(&self, map: &mut Flow, provenance: &Provenance) {
        if let Some(number) = provenance.sources().and_then(|it| self.0.get(it)) {
            map.number("provenance", number);
        }
    }

    /// The lines below `status`; nothing where nobody told of any.
    pub(crate) fn write_all(&self, out: &mut String, texts: &Texts) {
        if self.0.is_empty() && texts.is_empty() {
            return;
        }
        out.push_str("  provenance:\n");
        let executables = texts.executables.iter().map(|(id, path)| {
            let mut map = Flow::default();
            map.nested("id", &format!("\"{id:08x}\""));
            map.text("path", path);
            map.finish()
        });
        list(out, "executables", executables);
        let addresses = texts.addresses.iter().map(|(id, address)| {
            let mut map = Flow::default();
            map.nested("id", &format!("\"{id:08x}\""));
            map.text("address", &address.to_string());
            map.finish()
        });
        list(out, "addresses", addresses);
        list(out, "sets", self.0.keys().map(|sources| set(sources)));
    }
}

fn set(sources: &Sources) -> String {
    let mut map = Flow::default();
    let text = |map: &mut Flow, key: &str, words: Vec<String>| {
        if !words.is_empty() {
            map.nested(key, &format!("\"{}\"", words.join(" ")));
        }
    };
    ids(&mut map, "executables", &sources.executables);
    let uids = sources.uids.ids().iter().map(u32::to_string);
    text(&mut map, "uids", uids.collect());
    ids(&mut map, "addresses", &sources.addresses);
    let versions = sources.versions.all().iter();
    let versions = versions.map(|(number, id)| format!("{number}:{id:08x}"));
    text(&mut map, "versions", versions.collect());
    let mounts = sources.mounts.all().map(|mount| mount.word().to_owned());
    text(&mut map, "mounts", mounts.collect());
    map.finish()
}

fn list(out: &mut String, key: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = writeln!(out, "    {key}:");
    for line in lines {
        let _ = writeln!(out, "      - {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_find_room() {
        let mut sources = Sources::default();
        for number in 0..40 {
            sources.executables.insert(u32::MAX - number);
            sources.uids.insert(u32::MAX - number);
            sources.addresses.insert(u32::MAX - number);
            sources.versions.insert(u32::MAX - number, number);
        }
        Mount::ALL.iter().for_each(|it| sources.mounts.insert(*it));
        let line = format!("      - {}\n", set(&sources));
        assert!(line.len() <= SET_BYTES, "{} bytes: {line}", line.len());
        let number = format!(", provenance: {}", SETS_MAX - 1);
        assert!(number.len() <= NUMBER_BYTES, "{number}");
        let mut texts = Texts::default();
        texts.executable(&"/\"".repeat(super::super::texts::PATH_MAX / 2));
        let mut out = String::new();
        Numbers(BTreeMap::new()).write_all(&mut out, &texts);
        assert!(out.len() <= TEXT_BYTES + 32, "{} bytes: {out}", out.len());
    }
}
