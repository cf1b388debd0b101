//! From a text to a profile.

use super::document::{Document, Seen, Spec};
use super::{API_VERSION, KIND, LIMITS, NoProfile, nanoseconds, placed};
use crate::accept::may_be_overruled;
use crate::entry::Entry;
use crate::entry::line::Lines;
use crate::evidence::Evidence;
use crate::evidence::packed::Packed;
use crate::evidence::text::ObservedLine;
use crate::generalise::{Known, is_general, is_pattern};
use crate::profile::{Decision, Profile, Record, Verdict};
use crate::provenance::line::{ProvenanceLine, Read};
use crate::syscalls::CallsLine;
use crate::version;
use crate::yaml::{self, Placed};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What stands in `seen` and `refused`, in errors.
const STATUS: &str = "an entry of `status`";

/// What stands at the top of every file of this kind, whatever else is in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Top {
    api_version: Placed<String>,
    kind: Placed<String>,
}

/// Says so where a text is of another kind or version.
pub(super) fn another(text: &[u8]) -> Option<String> {
    let top: Top = yaml::read(text, LIMITS).ok()?;
    is_another(&top.kind, &top.api_version)
}

/// The version by which a text calls itself a profile, if that is another than this one reads: what
/// another version of this program wrote is not damaged.
#[must_use]
pub fn other_version(text: &[u8]) -> Option<String> {
    let top: Top = yaml::read(text, LIMITS).ok()?;
    let (group, _) = API_VERSION.split_once('/')?;
    let (kind, version) = (&top.kind.value, &top.api_version.value);
    let is_ours = version.strip_prefix(group)?.starts_with('/');
    (kind == KIND && is_ours && version != API_VERSION)
        .then(|| crate::text::canonical(version.as_bytes()))
}

fn is_another(kind: &Placed<String>, version: &Placed<String>) -> Option<String> {
    let wrong = match (kind.value == KIND, version.value == API_VERSION) {
        (true, true) => return None,
        (false, _) => kind,
        (true, false) => version,
    };
    let why = format!(
        "it is a {} of {}, this version reads a {KIND} of {API_VERSION}",
        crate::text::canonical(kind.value.as_bytes()),
        crate::text::canonical(version.value.as_bytes()),
    );
    Some(wrong.wrong(why))
}

impl Spec {
    /// What is approved, whatever its kind.
    fn entries(self) -> impl Iterator<Item = Result<Entry, String>> {
        fn read<L>(lines: Vec<Placed<L>>) -> impl Iterator<Item = Result<Entry, String>>
        where
            Entry: TryFrom<L, Error = String>,
        {
            lines
                .into_iter()
                .map(|line| placed(line, "an entry of `spec`", |line| Entry::try_from(line)))
        }
        read(self.exec)
            .chain(read(self.files))
            .chain(read(self.egress))
            .chain(read(self.listen))
            .chain(read(self.dns))
            .chain(read(self.privileges))
    }
}

impl Seen {
    fn split(self, sets: &Read) -> Result<(Entry, Record), String> {
        let lines = Lines {
            exec: self.exec,
            file: self.file,
            egress: self.egress,
            listen: self.listen,
            dns: self.dns,
            privilege: self.privilege,
        };
        let entry = lines.only()?;
        let wrong = |why| format!("{entry}: {why}");
        let evidence = Evidence::read(&self.instances, &self.starts, &self.samples);
        let record = Record {
            verdict: match self.approved {
                true => Verdict::Approved,
                false => Verdict::Pending,
            },
            revision: self.revision,
            first: self.first.map(nanoseconds),
            last: self.last.map(nanoseconds),
            count: self.count,
            evidence: Packed::of(evidence.map_err(wrong)?),
            provenance: sets.of(self.provenance).map_err(wrong)?,
        };
        Ok((entry, record))
    }
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// Says where the text is another thing.
    pub fn from_yaml(text: impl AsRef<[u8]>) -> Result<Self, NoProfile> {
        Self::from_bytes(text.as_ref())
    }

    /// Apart, so that it is not compiled anew for each kind of text.
    fn from_bytes(text: &[u8]) -> Result<Self, NoProfile> {
        let document: Document = match yaml::read(text, LIMITS) {
            Ok(document) => document,
            // What another version wrote has other keys, which is not what is wrong with it.
            Err(why) => return Err(NoProfile(another(text).unwrap_or(why))),
        };
        Self::from_document(document)
    }

    pub(super) fn from_document(document: Document) -> Result<Self, NoProfile> {
        if let Some(why) = is_another(&document.kind, &document.api_version) {
            return Err(NoProfile(why));
        }
        let Document {
            mut spec, status, ..
        } = document;
        let mut profile = Self::new(std::mem::take(&mut spec.workload), spec.mode);
        profile.mode_revision = status.mode_revision;
        profile.incomplete = status.incomplete;
        profile.overflow = status.overflow;
        if let Some(evidence) = status.evidence {
            profile.observed =
                placed(evidence, "`evidence`", ObservedLine::read).map_err(NoProfile)?;
        }
        profile.versions = version::line::read(status.versions).map_err(NoProfile)?;
        for line in status.widened {
            let widenings = &mut profile.widenings;
            placed(line, "a line of `widened`", |line| line.read(widenings)).map_err(NoProfile)?;
        }
        if let Some(line) = status.syscalls {
            profile.calls = placed(line, "`syscalls`", CallsLine::read).map_err(NoProfile)?;
        }
        for line in status.written {
            let written = &mut profile.written;
            placed(line, "a line of `written`", |line| line.read(written)).map_err(NoProfile)?;
        }
        let sets = match status.provenance {
            Some(line) => placed(line, "`provenance`", ProvenanceLine::read).map_err(NoProfile)?,
            None => Read::default(),
        };
        for seen in status.seen {
            let (entry, record) =
                placed(seen, STATUS, |seen| seen.split(&sets)).map_err(NoProfile)?;
            profile.records.insert(entry, record);
        }
        for seen in status.refused {
            let (entry, mut record) =
                placed(seen, STATUS, |seen| seen.split(&sets)).map_err(NoProfile)?;
            record.verdict = Verdict::Refused;
            profile.records.insert(entry, record);
        }
        let old = status.learned.is_none();
        let mut learned = BTreeMap::new();
        for line in status.learned.into_iter().flatten() {
            let (entry, known) = placed(line, "an entry of `learned`", |line| line.read(&sets))
                .map_err(NoProfile)?;
            learned.insert(entry, known);
        }
        let mut approved = Vec::new();
        for entry in spec.entries() {
            approved.push(entry.map_err(NoProfile)?);
        }
        profile.take_up(approved, learned, old);
        profile.join_decisions(status.decisions.into_iter().map(|decided| Decision {
            revision: decided.revision,
            at: nanoseconds(decided.at),
            actor: decided.actor,
            action: decided.action,
            entry: decided.entry,
            reason: decided.reason,
        }));
        profile.texts = sets.texts;
        profile.share();
        profile.recount();
        profile.check().map_err(NoProfile)?;
        Ok(profile)
    }

    /// Puts together what `spec` approves and what `status` says was learned of it. Files of `old`
    /// versions do not say.
    fn take_up(&mut self, approved: Vec<Entry>, mut learned: BTreeMap<Entry, Known>, old: bool) {
        let mut both = Vec::new();
        let may_fall = |entry: &&Entry| may_be_overruled(entry);
        let written: Vec<Entry> = approved.iter().filter(may_fall).cloned().collect();
        for entry in approved {
            let seen = self.records.get(&entry).map(|record| record.revision);
            let by_machine = old && is_general(&entry) && !is_pattern(&entry);
            if let Some(known) = learned.remove(&entry) {
                self.learned.add(&entry, known);
                both.push(entry);
            } else if by_machine && seen == Some(0) {
                let record = self.records.remove(&entry).unwrap_or_default();
                let known = Known {
                    record: Record {
                        verdict: Verdict::Approved,
                        ..record
                    },
                    names: None,
                };
                self.learned.add(&entry, known);
            } else {
                // What a person wrote into `spec` counts, whatever `status` remembers.
                self.records.get_or_default(&entry).verdict = Verdict::Approved;
            }
        }
        for entry in &both {
            if let Some(record) = self.records.get_mut(entry)
                && (record.revision > 0 || record.verdict == Verdict::Refused)
            {
                record.verdict = Verdict::Approved;
            }
        }
        self.compile();
        self.uphold(written);
        for entry in both {
            if self.learned.contains(&entry) && !self.stands(&entry) {
                self.records.get_or_default(&entry).verdict = Verdict::Approved;
            }
        }
        for (entry, known) in learned {
            if self.stands(&entry) {
                // Somebody took it out of `spec`.
                let record = Record {
                    verdict: Verdict::Pending,
                    ..known.record
                };
                if !self.records.contains_key(&entry) {
                    self.records.insert(entry, record);
                }
            } else {
                self.learned.add(&entry, known);
            }
        }
    }
}
