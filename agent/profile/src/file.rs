//! A profile as a file.
//!
//! ```yaml
//! apiVersion: lapwing.dev/v1alpha1
//! kind: BehaviorProfile
//! spec:
//!   workload: {namespace: shop, kind: Deployment, name: web, container: app}
//!   mode: Learning
//!   exec:
//!     - {path: /usr/sbin/nginx}
//!   files: []
//!   egress: []
//!   listen:
//!     - {protocol: TCP, port: 8080}
//!   dns: []
//!   privileges: []
//! status:
//!   modeRevision: 0
//!   overflow: 0
//!   evidence: ...   # where it was observed, see `evidence::text`
//!   learned: []
//!   seen:
//!     - {exec: {path: /usr/sbin/nginx}, first: "2026-11-23T10:00:00Z", last: "2026-11-23T10:00:00Z", count: 1}
//!   refused: []
//!   decisions: []
//! ```
//!
//! What stands in `spec` is approved, whether a machine learned it or a person
//! wrote it there; what stands only in `status.seen` is pending. `status.learned` holds
//! what was learned of files, and why a pattern came of it (see [`crate::generalise`]):
//! a line that somebody takes out of `spec` is not approved, whatever stands there. The
//! text is canonical: the same profile is always the same bytes.

use crate::behaviour::Kind;
use crate::entry::Entry;
use crate::entry::line::{
    DnsLine, EgressLine, ExecLine, FileLine, Lines, ListenLine, PrivilegeLine,
};
use crate::evidence::{self, Evidence};
use crate::generalise::line::{LearnedLine, lines};
use crate::generalise::{Known, is_general, is_pattern};
use crate::profile::{
    APPROVED_MAX, BYTES_MAX, DECISIONS_MAX, Decision, Mode, PENDING_MAX, Profile, REFUSED_MAX,
    Record, Verdict,
};
use crate::workload::Workload;
use crate::yaml::Flow;
use crate::yaml::{self, Limits};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use thiserror::Error;

const API_VERSION: &str = "lapwing.dev/v1alpha1";
const KIND: &str = "BehaviorProfile";

/// Longest text that is read: room for all that a profile may hold, and for people's comments.
pub const TEXT_MAX: usize = BYTES_MAX + (4 << 20);
/// Nodes of one entry at most: in `spec` a mapping of five pairs, in `status` another, its kind,
/// and nine pairs around it, of which one is a list of three, and its evidence.
const ENTRY_NODES: usize = 2 * 11 + 2 + 18 + 3 + evidence::text::ENTRY_NODES;
/// Nodes of one decision: a mapping of six pairs.
const DECISION_NODES: usize = 13;
/// Most that is read. Whatever is written can be read again.
pub const LIMITS: Limits = Limits {
    bytes: TEXT_MAX,
    nodes: (APPROVED_MAX + PENDING_MAX + REFUSED_MAX) * ENTRY_NODES
        + DECISIONS_MAX * DECISION_NODES
        + evidence::text::NODES
        + 64,
};
/// What is around an entry's text: times, counters, keys.
const AROUND: usize = 192 + evidence::text::ENTRY_BYTES;

/// Bytes that an entry takes in a file at most: once in `spec`, once in `status`.
pub(crate) fn weight(entry: &Entry) -> usize {
    2 * entry.fields().len() + AROUND
}

/// A file that holds no profile.
#[derive(Debug, Error)]
#[error("not a profile: {0}")]
pub struct NoProfile(String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    api_version: String,
    kind: String,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    workload: Workload,
    mode: Mode,
    #[serde(default)]
    exec: Vec<ExecLine>,
    #[serde(default)]
    files: Vec<FileLine>,
    #[serde(default)]
    egress: Vec<EgressLine>,
    #[serde(default)]
    listen: Vec<ListenLine>,
    #[serde(default)]
    dns: Vec<DnsLine>,
    #[serde(default)]
    privileges: Vec<PrivilegeLine>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Status {
    #[serde(default)]
    mode_revision: u64,
    #[serde(default)]
    incomplete: bool,
    #[serde(default)]
    overflow: u64,
    /// Missing in files of versions that did not generalise.
    #[serde(default)]
    learned: Option<Vec<LearnedLine>>,
    #[serde(default)]
    evidence: Option<evidence::text::ObservedLine>,
    #[serde(default)]
    seen: Vec<Seen>,
    #[serde(default)]
    refused: Vec<Seen>,
    #[serde(default)]
    decisions: Vec<Decided>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Seen {
    #[serde(default)]
    exec: Option<ExecLine>,
    #[serde(default)]
    file: Option<FileLine>,
    #[serde(default)]
    egress: Option<EgressLine>,
    #[serde(default)]
    listen: Option<ListenLine>,
    #[serde(default)]
    dns: Option<DnsLine>,
    #[serde(default)]
    privilege: Option<PrivilegeLine>,
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
    revision: u64,
    /// That a person wrote it into `spec` where a machine learned it as well.
    #[serde(default)]
    approved: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    revision: u64,
    at: jiff::Timestamp,
    actor: String,
    action: String,
    #[serde(default)]
    entry: String,
    #[serde(default)]
    reason: String,
}

/// Nanoseconds since the Unix epoch as a time of RFC 3339.
#[must_use]
pub fn time(nanoseconds: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanoseconds))
        .map_or_else(|_| nanoseconds.to_string(), |time| time.to_string())
}

pub(crate) fn nanoseconds(time: jiff::Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

impl Spec {
    /// What is approved, whatever its kind.
    fn entries(self) -> impl Iterator<Item = Result<Entry, String>> {
        fn read<L>(lines: Vec<L>) -> impl Iterator<Item = Result<Entry, String>>
        where
            Entry: TryFrom<L, Error = String>,
        {
            lines.into_iter().map(Entry::try_from)
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
    fn split(self) -> Result<(Entry, Record), NoProfile> {
        let lines = Lines {
            exec: self.exec,
            file: self.file,
            egress: self.egress,
            listen: self.listen,
            dns: self.dns,
            privilege: self.privilege,
        };
        let entry = lines
            .only()
            .map_err(|why| NoProfile(format!("an entry of `status`: {why}")))?;
        let wrong = |why| NoProfile(format!("{entry}: {why}"));
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
            evidence: evidence.map_err(wrong)?,
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
        let document: Document = yaml::read(text.as_ref(), LIMITS).map_err(NoProfile)?;
        if document.kind != KIND || document.api_version != API_VERSION {
            return Err(NoProfile(format!(
                "it is a {} of {}, this version reads a {KIND} of {API_VERSION}",
                crate::text::canonical(document.kind.as_bytes()),
                crate::text::canonical(document.api_version.as_bytes()),
            )));
        }
        let Document {
            mut spec, status, ..
        } = document;
        let mut profile = Self::new(std::mem::take(&mut spec.workload), spec.mode);
        profile.mode_revision = status.mode_revision;
        profile.incomplete = status.incomplete;
        profile.overflow = status.overflow;
        if let Some(evidence) = status.evidence {
            profile.observed = evidence.read().map_err(NoProfile)?;
        }
        for seen in status.seen {
            let (entry, record) = seen.split()?;
            profile.records.insert(entry, record);
        }
        for seen in status.refused {
            let (entry, mut record) = seen.split()?;
            record.verdict = Verdict::Refused;
            profile.records.insert(entry, record);
        }
        let old = status.learned.is_none();
        let mut learned = BTreeMap::new();
        for line in status.learned.into_iter().flatten() {
            let (entry, known) = line
                .read()
                .map_err(|why| NoProfile(format!("an entry of `learned`: {why}")))?;
            learned.insert(entry, known);
        }
        let mut approved = Vec::new();
        for entry in spec.entries() {
            approved.push(entry.map_err(|why| NoProfile(format!("an entry of `spec`: {why}")))?);
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
        profile.recount();
        profile.check().map_err(NoProfile)?;
        Ok(profile)
    }

    /// Puts together what `spec` approves and what `status` says was learned of it. Files of `old`
    /// versions do not say.
    fn take_up(&mut self, approved: Vec<Entry>, mut learned: BTreeMap<Entry, Known>, old: bool) {
        let mut both = Vec::new();
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
                self.records.entry(entry).or_default().verdict = Verdict::Approved;
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
        for entry in both {
            if self.learned.contains(&entry) && !self.stands(&entry) {
                self.records.entry(entry).or_default().verdict = Verdict::Approved;
            }
        }
        for (entry, known) in learned {
            if self.stands(&entry) {
                // Somebody took it out of `spec`.
                let record = Record {
                    verdict: Verdict::Pending,
                    ..known.record
                };
                self.records.entry(entry).or_insert(record);
            } else {
                self.learned.add(&entry, known);
            }
        }
    }

    /// The canonical text.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut out = self.to_spec();
        self.write_status(&mut out);
        out
    }

    /// The part of it that belongs to people: what is signed.
    #[must_use]
    pub fn to_spec(&self) -> String {
        let mut out = format!("apiVersion: {API_VERSION}\nkind: {KIND}\n");
        self.write_spec(&mut out);
        out
    }

    fn write_spec(&self, out: &mut String) {
        let workload = &self.workload;
        let mut map = Flow::default();
        for (key, value) in [
            ("cluster", &workload.cluster),
            ("namespace", &workload.namespace),
            ("kind", &workload.kind),
            ("name", &workload.name),
            ("container", &workload.container),
        ] {
            if key == "name" || !value.is_empty() {
                map.text(key, value);
            }
        }
        out.push_str("spec:\n");
        line(out, &format!("  workload: {}", map.finish()));
        line(out, &format!("  mode: {}", self.mode.word()));
        let approved = self.entries(Verdict::Approved);
        for kind in Kind::ALL {
            let lines = approved
                .keys()
                .filter(|entry| entry.behaviour.kind() == *kind)
                .map(Entry::fields);
            list(out, kind.list(), lines);
        }
    }

    fn write_status(&self, out: &mut String) {
        out.push_str("status:\n");
        line(out, &format!("  modeRevision: {}", self.mode_revision));
        if self.incomplete {
            line(out, "  incomplete: true");
        }
        line(out, &format!("  overflow: {}", self.overflow));
        evidence::text::write(out, &self.observed);
        list(out, "learned", lines(&self.learned));
        let records = self.records.iter();
        let seen = records.filter(|(entry, record)| match record.verdict {
            // One that was never seen nor decided has nothing to tell.
            Verdict::Approved => {
                record.last.is_some() || record.revision > 0 || self.learned.contains(entry)
            }
            Verdict::Pending => true,
            Verdict::Refused => false,
        });
        let seen = seen.map(|(entry, record)| {
            let mut map = seen_line(entry, record);
            if record.revision == 0
                && record.verdict == Verdict::Approved
                && self.learned.contains(entry)
            {
                map.number("approved", true);
            }
            map.finish()
        });
        list(out, "seen", seen);
        let refused = self.with(Verdict::Refused);
        list(
            out,
            "refused",
            refused.map(|(entry, record)| seen_line(entry, record).finish()),
        );
        list(out, "decisions", self.decisions().map(decided));
    }
}

/// The line of a decision.
pub(crate) fn decided(decision: &Decision) -> String {
    let mut map = Flow::default();
    map.number("revision", decision.revision);
    map.text("at", &time(decision.at));
    map.text("actor", &decision.actor);
    map.text("action", &decision.action);
    if !decision.entry.is_empty() {
        map.text("entry", &decision.entry);
    }
    map.text("reason", &decision.reason);
    map.finish()
}

fn seen_line(entry: &Entry, record: &Record) -> Flow {
    let mut map = seen_fields(entry, record);
    if record.revision > 0 {
        map.number("revision", record.revision);
    }
    map
}

/// What each line says that tells of an entry that was seen.
pub(crate) fn seen_fields(entry: &Entry, record: &Record) -> Flow {
    let mut map = Flow::default();
    map.nested(entry.kind(), &entry.fields());
    for (key, value) in [("first", record.first), ("last", record.last)] {
        if let Some(value) = value {
            map.text(key, &time(value));
        }
    }
    map.number("count", record.count);
    record.evidence.write(&mut map);
    map
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn list(out: &mut String, key: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        line(out, &format!("  {key}: []"));
        return;
    }
    line(out, &format!("  {key}:"));
    for text in lines {
        line(out, &format!("    - {text}"));
    }
}
