//! What an object says of itself, and of who wrote it.

use super::RECENT;
use crate::cluster::namespaces::LABEL;
use crate::kubernetes::object::absent;
pub use lapwing_profile::file::object::{ACTOR, REASON};
use lapwing_profile::fingerprint;
use lapwing_profile::text::visible;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Longest of them that is told, in bytes.
const TEXT_MAX: usize = 256;
/// Longest of them that is kept, by which it is known whether it is another.
const KEPT_MAX: usize = 4 << 10;

/// The metadata of an object, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    /// Of this object, and none that has its name later.
    #[serde(deserialize_with = "absent")]
    pub uid: String,
    #[serde(deserialize_with = "absent")]
    pub name: String,
    /// Empty for objects of the cluster.
    #[serde(deserialize_with = "absent")]
    pub namespace: String,
    /// Of what is asked for, counted from 1; 0 for objects without.
    #[serde(deserialize_with = "absent")]
    pub generation: i64,
    /// Another one after each change.
    #[serde(deserialize_with = "absent")]
    pub resource_version: String,
    #[serde(deserialize_with = "absent")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "absent")]
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) managed_fields: Value,
}

/// Who wrote something, and why, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    actor: Option<String>,
    reason: Option<String>,
    /// Whether both may have been left by an earlier change.
    is_unsure: bool,
    /// The name that the client gave itself.
    pub(super) manager: Option<String>,
    /// When that one wrote last, as the API has it.
    pub(super) time: Option<String>,
}

/// Text of somebody else's, in one line and cut.
fn told(text: &str) -> Option<String> {
    let text = text.trim();
    let cut = text.floor_char_boundary(TEXT_MAX);
    let mark = if cut < text.len() { "…" } else { "" };
    (!text.is_empty()).then(|| visible(&text[..cut]).to_string() + mark)
}

impl Meta {
    /// What matters of it alone: managed fields are as large as what an object says, and annotations of others may
    /// be too.
    pub fn pruned(mut self) -> Self {
        self.labels.retain(|key, _| key == LABEL);
        self.annotations
            .retain(|key, _| [ACTOR, REASON].contains(&&**key));
        for text in self.annotations.values_mut() {
            text.truncate(text.floor_char_boundary(KEPT_MAX));
            text.shrink_to_fit();
        }
        let fields = self.managed_fields.as_array_mut();
        for entry in fields.into_iter().flatten() {
            if let Some(fields) = entry.get_mut("fieldsV1") {
                prune(fields);
            }
        }
        self
    }

    /// Its memory.
    pub fn bytes(&self) -> usize {
        let texts = [
            &self.uid,
            &self.name,
            &self.namespace,
            &self.resource_version,
        ];
        let more = self.labels.iter().chain(&self.annotations);
        let more = more.map(|(key, value)| 2 * size_of::<String>() + key.len() + value.len());
        size_of::<Self>()
            + texts.map(String::len).iter().sum::<usize>()
            + more.sum::<usize>()
            + bytes(&self.managed_fields)
    }

    /// What its annotations say of who and why, to be compared; empty where they say nothing.
    pub fn record(&self) -> String {
        let text = |key| self.annotations.get(key).map_or("", String::as_str);
        match [text(ACTOR), text(REASON)] {
            ["", ""] => String::new(),
            both => fingerprint::hex(&both.map(str::as_bytes)),
        }
    }

    /// Who wrote the field at this path last: names as `f:spec`, as managed fields have them. `before` is the
    /// [record](Self::record) from before that, where it is known: one that is the same is of an earlier change, and
    /// does not tell of this one.
    pub fn said(&self, path: &[&str], before: Option<&str>) -> Said {
        let entries = self.managed_fields.as_array().map(Vec::as_slice);
        let has = |entry: &Value, path: &[&str]| {
            let mut fields = path.iter();
            let field = fields.try_fold(&entry["fieldsV1"], |at, name| at.get(name));
            field.is_some() && entry["subresource"].as_str().unwrap_or_default().is_empty()
        };
        let of_field = |entry: &&Value| has(entry, path);
        let time = |entry: &Value| entry["time"].as_str().map(str::to_owned);
        let newest = { entries.unwrap_or_default().iter() }
            .filter(of_field)
            .max_by_key(|entry| time(entry));
        let (is_of_it, is_unsure) = match before {
            Some(before) => (before != self.record(), false),
            // Who writes anew may have left it as it was, also by applying a file with it in. What another client
            // wrote is none of this one's.
            None => {
                let of_writer = |key| {
                    let field = ["f:metadata", "f:annotations", key];
                    newest.is_some_and(|entry| has(entry, &field))
                };
                let is_made = self.generation == 1;
                let is_of_it = is_made
                    || of_writer("f:lapwing.dev/actor")
                    || of_writer("f:lapwing.dev/reason");
                (is_of_it, !is_made)
            }
        };
        let annotation = |key| {
            let text = self.annotations.get(key).filter(|_| is_of_it);
            text.and_then(|text| told(text))
        };
        Said {
            actor: annotation(ACTOR),
            reason: annotation(REASON),
            is_unsure,
            manager: newest.and_then(|entry| told(entry["manager"].as_str()?)),
            time: newest.and_then(time),
        }
    }
}

/// Leaves of the fields that a writer owns those that are looked for.
fn prune(fields: &mut Value) {
    let Some(fields) = fields.as_object_mut() else {
        return;
    };
    fields.retain(|key, _| key == "f:spec" || key == "f:metadata");
    for (key, below) in fields {
        let Some(below) = below.as_object_mut() else {
            continue;
        };
        below.retain(|of, _| key == "f:metadata" && (of == "f:labels" || of == "f:annotations"));
        for names in below.values_mut().filter_map(Value::as_object_mut) {
            names.retain(|name, _| {
                let name = name.strip_prefix("f:").unwrap_or_default();
                [ACTOR, REASON, LABEL].contains(&name)
            });
        }
    }
}

/// The memory of a value, about.
pub fn bytes(value: &Value) -> usize {
    let below: usize = match value {
        Value::Array(values) => values.iter().map(bytes).sum(),
        Value::Object(values) => { values.iter() }
            .map(|(key, value)| size_of::<String>() + key.len() + bytes(value))
            .sum(),
        Value::String(text) => text.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + below
}

impl Said {
    /// For the log: whom the annotation names, if it is of this change, else the client.
    pub fn actor(&self) -> &str {
        let named = self.actor.as_deref().filter(|_| !self.is_unsure);
        named.or(self.manager.as_deref()).unwrap_or("unknown")
    }

    /// For the log.
    pub fn reason(&self) -> &str {
        let given = self.reason.as_deref().filter(|_| !self.is_unsure);
        given.unwrap_or("none given")
    }

    /// For people.
    pub fn text(&self) -> String {
        let client = { self.manager.as_ref() }.map(|name| format!("written by the client {name}"));
        let (actor, reason) = match self.is_unsure {
            true => (None, None),
            false => (self.actor.as_ref(), self.reason.as_ref()),
        };
        let who = match (actor, client) {
            (Some(actor), Some(client)) => format!("by {actor}, as {ACTOR} says, {client}"),
            (Some(actor), None) => format!("by {actor}, as {ACTOR} says"),
            (None, Some(client)) => format!("{client} (by whom is in the API server's audit log)"),
            (None, None) => "by whom is in the API server's audit log alone".to_owned(),
        };
        if self.is_unsure && (self.actor.is_some() || self.reason.is_some()) {
            let actor = self.actor.as_deref().unwrap_or("nobody");
            let reason = self.reason.as_deref().unwrap_or("no reason");
            return format!(
                "{who}; of this change or of an earlier one {ACTOR} says {actor}: {reason}"
            );
        }
        match reason {
            Some(reason) => format!("{who}: {reason}"),
            None => format!("{who}; no reason is given ({REASON})"),
        }
    }

    /// Whether it was written until then, a time as the API has them.
    pub fn is_by(&self, time: &str) -> bool {
        let read = |time: &str| time.parse::<jiff::Timestamp>().ok();
        let own = self.time.as_deref().and_then(read);
        matches!((own, read(time)), (Some(own), Some(time)) if own <= time)
    }

    /// Whether it was written a short time ago, by the clock of the API server and this one.
    pub fn is_recent(&self) -> bool {
        let time = self.time.as_ref().and_then(|time| time.parse().ok());
        time.is_some_and(|time: jiff::Timestamp| {
            time.as_second() > crate::clock::now() / 1_000_000_000 - RECENT
        })
    }
}
