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
//!   seen:
//!     - {exec: {path: /usr/sbin/nginx}, first: "2026-11-23T10:00:00Z", last: "2026-11-23T10:00:00Z", count: 1}
//!   refused: []
//!   decisions: []
//! ```
//!
//! What stands in `spec` is approved, whether a machine learned it or a person
//! wrote it there; what stands only in `status.seen` is pending. The text is
//! canonical: the same profile is always the same bytes.

use crate::behaviour::Kind;
use crate::entry::Entry;
use crate::entry::line::{
    DnsLine, EgressLine, ExecLine, FileLine, Lines, ListenLine, PrivilegeLine,
};
use crate::evidence::{self, Evidence};
use crate::profile::{
    APPROVED_MAX, BYTES_MAX, DECISIONS_MAX, Decision, Mode, PENDING_MAX, Profile, REFUSED_MAX,
    Record, Verdict,
};
use crate::workload::Workload;
use crate::yaml::Flow;
use crate::yaml::{self, Limits};
use serde::Deserialize;
use std::fmt::Write;
use thiserror::Error;

const API_VERSION: &str = "lapwing.dev/v1alpha1";
const KIND: &str = "BehaviorProfile";

/// Longest text that is read: room for all that a profile may hold, and for people's comments.
pub const TEXT_MAX: usize = BYTES_MAX + (4 << 20);
/// Nodes of one entry at most: in `spec` a mapping of five pairs, in `status` another, its kind,
/// and four pairs around it.
const ENTRY_NODES: usize = 2 * 11 + 2 + 8 + evidence::text::ENTRY_NODES;
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
        let evidence = Evidence {
            instances: evidence::text::read("instances", &self.instances).map_err(wrong)?,
            starts: evidence::text::read("starts", &self.starts).map_err(wrong)?,
            samples: evidence::text::read("samples", &self.samples).map_err(wrong)?,
        };
        let record = Record {
            verdict: Verdict::Pending,
            revision: self.revision,
            first: self.first.map(nanoseconds),
            last: self.last.map(nanoseconds),
            count: self.count,
            evidence,
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
        for entry in spec.entries() {
            let entry = entry.map_err(|why| NoProfile(format!("an entry of `spec`: {why}")))?;
            // What a person wrote into `spec` counts, whatever `status` remembers.
            profile.records.entry(entry).or_default().verdict = Verdict::Approved;
        }
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
                .map(|entry| entry.fields());
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
        let mut seen = self.entries(Verdict::Approved);
        // An approved entry that was never seen nor decided has nothing to tell.
        seen.retain(|_, record| record.last.is_some() || record.revision > 0);
        seen.extend(self.entries(Verdict::Pending));
        list(out, "seen", seen.into_iter().map(seen_line));
        list(
            out,
            "refused",
            self.entries(Verdict::Refused).into_iter().map(seen_line),
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

fn seen_line((entry, record): (&Entry, &Record)) -> String {
    let mut map = Flow::default();
    map.nested(entry.kind(), &entry.fields());
    for (key, value) in [("first", record.first), ("last", record.last)] {
        if let Some(value) = value {
            map.text(key, &time(value));
        }
    }
    map.number("count", record.count);
    evidence::text::ids(&mut map, "instances", &record.evidence.instances);
    evidence::text::ids(&mut map, "starts", &record.evidence.starts);
    evidence::text::ids(&mut map, "samples", &record.evidence.samples);
    if record.revision > 0 {
        map.number("revision", record.revision);
    }
    map.finish()
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
