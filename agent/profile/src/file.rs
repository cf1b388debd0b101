//! A profile as a file.
//!
//! ```yaml
//! apiVersion: lapwing.dev/v1alpha1
//! kind: BehaviorProfile
//! spec:
//!   workload: {namespace: shop, kind: Deployment, name: web, container: app}
//!   mode: Learning
//!   exec:
//!     - {path: /usr/sbin/nginx, parent: runtime}
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
//!   versions: ...   # of the image, see `version::line`
//!   learned: []
//!   seen:
//!     - {exec: {path: /usr/sbin/nginx, parent: runtime}, first: "2026-11-23T10:00:00Z", last: "2026-11-23T10:00:00Z", count: 1}
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
use crate::evidence::text::ObservedLine;
use crate::evidence::{self, Evidence};
use crate::generalise::line::{LearnedLine, lines};
use crate::generalise::{Known, is_general, is_pattern};
use crate::profile::{
    APPROVED_MAX, BYTES_MAX, DECISIONS_MAX, Decision, Mode, PENDING_MAX, Profile, REFUSED_MAX,
    Record, Verdict,
};
use crate::version;
use crate::workload::Workload;
use crate::yaml::{self, Flow, Limits, Placed};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use thiserror::Error;

pub(crate) const API_VERSION: &str = "lapwing.dev/v1alpha1";
pub(crate) const KIND: &str = "BehaviorProfile";

/// Longest text that is read: room for all that a profile may hold, and for people's comments.
pub const TEXT_MAX: usize = BYTES_MAX + (4 << 20);
/// Nodes of one entry at most: in `spec` a mapping of six pairs, in `status` another, its kind,
/// and nine pairs around it, of which one is a list of three, and its evidence.
const ENTRY_NODES: usize = 2 * 13 + 2 + 18 + 3 + evidence::text::ENTRY_NODES;
/// Nodes of one decision: a mapping of six pairs.
const DECISION_NODES: usize = 13;
/// Most that is read. Whatever is written can be read again.
pub const LIMITS: Limits = Limits {
    bytes: TEXT_MAX,
    nodes: (APPROVED_MAX + PENDING_MAX + REFUSED_MAX) * ENTRY_NODES
        + DECISIONS_MAX * DECISION_NODES
        + evidence::text::NODES
        + version::line::NODES
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Document {
    #[cfg_attr(test, schemars(with = "crate::schema::ApiVersion"))]
    api_version: Placed<String>,
    #[cfg_attr(test, schemars(with = "crate::schema::Kind"))]
    kind: Placed<String>,
    /// What people decide, and what is signed.
    spec: Spec,
    /// What a machine keeps: counters, times, what waits for a decision. Need not be there.
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Spec {
    /// Whose it is.
    workload: Workload,
    mode: Mode,
    #[serde(default)]
    exec: Vec<Placed<ExecLine>>,
    #[serde(default)]
    files: Vec<Placed<FileLine>>,
    #[serde(default)]
    egress: Vec<Placed<EgressLine>>,
    #[serde(default)]
    listen: Vec<Placed<ListenLine>>,
    #[serde(default)]
    dns: Vec<Placed<DnsLine>>,
    #[serde(default)]
    privileges: Vec<Placed<PrivilegeLine>>,
}

#[derive(Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    learned: Option<Vec<Placed<LearnedLine>>>,
    #[serde(default)]
    evidence: Option<Placed<ObservedLine>>,
    #[serde(default)]
    versions: Vec<Placed<version::line::VersionLine>>,
    #[serde(default)]
    seen: Vec<Placed<Seen>>,
    #[serde(default)]
    refused: Vec<Placed<Seen>>,
    #[serde(default)]
    decisions: Vec<Decided>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// That a person wrote it into `spec` where a machine learned it as well, or that it was
    /// approved before all of its program were refused.
    #[serde(default)]
    approved: bool,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// What stands in `seen` and `refused`, in errors.
const STATUS: &str = "an entry of `status`";

/// Reads a part of a file; what is wrong with it is said with its place.
pub(crate) fn placed<L, T>(
    part: Placed<L>,
    what: &str,
    read: impl FnOnce(L) -> Result<T, String>,
) -> Result<T, String> {
    let (value, place) = part.split();
    read(value).map_err(|why| place.wrong(format_args!("{what}: {why}")))
}

/// What stands at the top of every file of this kind, whatever else is in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Top {
    api_version: Placed<String>,
    kind: Placed<String>,
}

/// Says so where a text is of another kind or version.
fn another(text: &[u8]) -> Option<String> {
    let top: Top = yaml::read(text, LIMITS).ok()?;
    is_another(&top.kind, &top.api_version)
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
    fn split(self) -> Result<(Entry, Record), String> {
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
        let document: Document = match yaml::read(text.as_ref(), LIMITS) {
            Ok(document) => document,
            // What another version wrote has other keys, which is not what is wrong with it.
            Err(why) => return Err(NoProfile(another(text.as_ref()).unwrap_or(why))),
        };
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
        for seen in status.seen {
            let (entry, record) = placed(seen, STATUS, Seen::split).map_err(NoProfile)?;
            profile.records.insert(entry, record);
        }
        for seen in status.refused {
            let (entry, mut record) = placed(seen, STATUS, Seen::split).map_err(NoProfile)?;
            record.verdict = Verdict::Refused;
            profile.records.insert(entry, record);
        }
        let old = status.learned.is_none();
        let mut learned = BTreeMap::new();
        for line in status.learned.into_iter().flatten() {
            let (entry, known) =
                placed(line, "an entry of `learned`", LearnedLine::read).map_err(NoProfile)?;
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
        profile.recount();
        profile.check().map_err(NoProfile)?;
        Ok(profile)
    }

    /// Puts together what `spec` approves and what `status` says was learned of it. Files of `old`
    /// versions do not say.
    fn take_up(&mut self, approved: Vec<Entry>, mut learned: BTreeMap<Entry, Known>, old: bool) {
        let mut both = Vec::new();
        let is_exec = |entry: &&Entry| entry.behaviour.kind() == Kind::Exec;
        let execs: Vec<Entry> = approved.iter().filter(is_exec).cloned().collect();
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
        self.uphold(execs);
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
        if !self.versions.is_empty() {
            list(out, "versions", version::line::lines(&self.versions));
        }
        list(out, "learned", lines(&self.learned));
        let records = self.records.iter();
        let seen = records.filter(|(entry, record)| match record.verdict {
            // One that was never seen nor decided has nothing to tell.
            Verdict::Approved => {
                record.last.is_some()
                    || record.revision > 0
                    || self.learned.contains(entry)
                    || self.is_overruled(entry, record)
            }
            Verdict::Pending => true,
            Verdict::Refused => false,
        });
        let seen = seen.map(|(entry, record)| {
            let mut map = seen_line(entry, record);
            // `spec` does not say it: a pattern, or a line without `parent`, was refused since.
            let unsaid = self.learned.contains(entry) || self.is_overruled(entry, record);
            if record.revision == 0 && record.verdict == Verdict::Approved && unsaid {
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
