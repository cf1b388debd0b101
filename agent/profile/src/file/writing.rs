//! From a profile to its text.

use super::{API_VERSION, KIND, time};
use crate::behaviour::Kind;
use crate::entry::Entry;
use crate::evidence;
use crate::generalise::line::lines;
use crate::profile::{Decision, Profile, Record, Verdict};
use crate::provenance::line::Numbers;
use crate::version;
use crate::yaml::Flow;
use std::fmt::Write;

impl Profile {
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
        let mut widened = self.widenings.lines().peekable();
        if widened.peek().is_some() {
            list(out, "widened", widened);
        }
        if !self.calls.is_empty() {
            line(out, "  syscalls:");
            self.calls.write(out);
        }
        let mut written = self.written.lines().peekable();
        if written.peek().is_some() {
            list(out, "written", written);
        }
        let numbers = Numbers::of(self);
        numbers.write_all(out, &self.texts);
        list(out, "learned", lines(&self.learned, &numbers));
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
            let mut map = seen_line(entry, record, &numbers);
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
            refused.map(|(entry, record)| seen_line(entry, record, &numbers).finish()),
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

fn seen_line(entry: &Entry, record: &Record, numbers: &Numbers<'_>) -> Flow {
    let mut map = seen_fields(entry, record, numbers);
    if record.revision > 0 {
        map.number("revision", record.revision);
    }
    map
}

/// What each line says that tells of an entry that was seen.
pub(crate) fn seen_fields(entry: &Entry, record: &Record, numbers: &Numbers<'_>) -> Flow {
    let mut map = Flow::default();
    map.nested(entry.kind(), &entry.fields());
    for (key, value) in [("first", record.first), ("last", record.last)] {
        if let Some(value) = value {
            map.text(key, &time(value));
        }
    }
    map.number("count", record.count);
    record.evidence.evidence().write(&mut map);
    numbers.write(&mut map, &record.provenance);
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
