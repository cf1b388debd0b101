//! What namespaces ask for by their label, and who has them ask for something else.
//!
//! All namespaces are watched, those without the label too: of one that loses it the API would tell a watch of
//! labels only how it was before.

use super::{Audit, Meta, Record, Subject};
use crate::cluster::namespaces::{Asked, LABEL, no_word};
use crate::config::StartMode;
use crate::container::identity::pods::is_name;
use crate::kubernetes::api::{Api, Failure};
use crate::kubernetes::health::Health;
use crate::kubernetes::watch::Follower;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the label is in managed fields.
const FIELD: [&str; 3] = ["f:metadata", "f:labels", "f:lapwing.dev/mode"];
/// Most that are listed.
const NAMESPACES_MAX: usize = 40_000;

/// A namespace.
#[derive(Debug, Deserialize)]
pub struct Namespace {
    metadata: Meta,
}

/// What is known of one.
struct Seen {
    uid: String,
    /// Of the label.
    value: Option<String>,
    /// What stands beside it of who and why.
    record: String,
}

/// All of them, by their names.
type Known = BTreeMap<String, Seen>;

/// Follows them.
pub struct Modes {
    api: Arc<Api>,
    health: Health,
    audit: Audit,
    /// How much is reported without the label.
    configured: u8,
    /// None before the first list.
    known: Mutex<Option<Known>>,
}

impl std::fmt::Debug for Modes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Modes").finish_non_exhaustive()
    }
}

/// How much is reported with this value of the label, as the admission policy has it: none had, or has. A word that
/// is none, which that policy lets nobody write, agents take for what was asked for before, or for `monitor`.
fn rank(value: Option<&str>, none: u8) -> u8 {
    match value.map(Asked::parse) {
        None => none,
        Some(Some(Asked::Off)) => 0,
        Some(Some(Asked::Learn)) => 1,
        Some(Some(Asked::Monitor) | None) => 2,
    }
}

fn named(value: Option<&str>) -> String {
    value.map_or_else(|| "no mode".to_owned(), no_word)
}

impl Modes {
    /// Of which none is known yet; `unlabelled` is what agents do without the label.
    #[must_use]
    pub fn new(api: Arc<Api>, audit: Audit, unlabelled: StartMode) -> Self {
        Self {
            api,
            health: Health::new(),
            audit,
            configured: match unlabelled {
                StartMode::Learn => 1,
                StartMode::Monitor => 2,
            },
            known: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one up; `before` is what was known of it, or nothing is known of any.
    fn take(&self, known: &mut Known, meta: &Meta, before: Option<Option<&Seen>>) {
        let value = meta.labels.get(LABEL);
        let seen = Seen {
            uid: meta.uid.clone(),
            value: value.cloned(),
            record: meta.record(),
        };
        known.insert(meta.name.clone(), seen);
        let value = value.map(String::as_str);
        let before = before.map(|before| before.filter(|seen| seen.uid == meta.uid));
        let noted = before.map(|before| before.map_or("", |seen| &*seen.record));
        let said = meta.said(&FIELD, noted);
        let from = match before {
            None if value.is_none() || !said.is_recent() => return,
            None => None,
            Some(before) => {
                let from = before.and_then(|seen| seen.value.as_deref());
                if from == value {
                    return;
                }
                // What a label promoted goes on being monitored without it; one that is new was nothing before.
                let none = if before.is_some() { 2 } else { self.configured };
                Some((from, none))
            }
        };
        let to = rank(value, self.configured);
        let (loosens, mut what) = match from {
            Some((from, none)) => (
                to < rank(from, none),
                format!("{} -> {}", named(from), named(value)),
            ),
            // It may have been anything.
            None => (to < 2, format!("is {}", named(value))),
        };
        let is_wrong = value.is_some_and(|value| Asked::parse(value).is_none());
        if is_wrong {
            what += ", which is none of monitor, learn, off";
        }
        // A leader that comes later has the time of a label, and tells of none that went: of that, any change of the
        // object is another.
        let which = match &said.time {
            Some(time) if value.is_some() => time,
            _ => &meta.resource_version,
        };
        let which = format!("{} {which}", named(value));
        self.audit.tell(Record {
            subject: Subject {
                version: "v1",
                kind: "Namespace",
                // Of an object of the cluster it would be in the namespace `default`.
                namespace: meta.name.clone(),
                name: meta.name.clone(),
                uid: meta.uid.clone(),
            },
            which,
            warns: loosens || is_wrong,
            reason: "ModeChanged",
            what: format!("{LABEL} of the namespace {}: {what}", meta.name),
            said,
            is_live: from.is_some(),
        });
    }
}

impl Follower for Modes {
    type Item = Namespace;
    const WHAT: &'static str = "namespaces";
    const PAGE: usize = 500;
    const OBJECTS_MAX: usize = NAMESPACES_MAX;

    fn api(&self) -> &Api {
        &self.api
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn target(&self) -> String {
        "/api/v1/namespaces?pretty=false".to_owned()
    }

    fn read(&self, object: &RawValue) -> Option<Namespace> {
        let read = serde_json::from_str::<Namespace>(object.get());
        let read = read.ok().filter(|one| is_name(&one.metadata.name));
        read.map(|Namespace { metadata }| Namespace {
            metadata: metadata.pruned(),
        })
    }

    fn kept(&self, _: &RawValue, Namespace { metadata }: &Namespace) -> usize {
        metadata.bytes()
    }

    fn replace(&self, items: Vec<Namespace>) {
        let mut place = self.lock();
        let before = place.take();
        let mut known = Known::new();
        for Namespace { metadata } in &items {
            let of_it = before.as_ref().map(|before| before.get(&metadata.name));
            self.take(&mut known, metadata, of_it);
        }
        *place = Some(known);
    }

    fn put(&self, Namespace { metadata }: Namespace) {
        let mut place = self.lock();
        let known = place.get_or_insert_default();
        let before = known.remove(&metadata.name);
        self.take(known, &metadata, Some(before.as_ref()));
    }

    /// With it goes all that could be reported of it.
    fn remove(&self, Namespace { metadata }: Namespace) {
        if let Some(known) = &mut *self.lock() {
            known.remove(&metadata.name);
        }
    }

    fn answers(&self, url: &str) {
        tracing::info!(url, "who changes the mode of namespaces is watched here");
    }

    fn is_away(&self, url: &str, failure: &Failure) {
        let hint = match failure.status {
            403 => ": give the controller the chart's ClusterRole",
            _ => "",
        };
        let error = &failure.text;
        tracing::warn!(
            url,
            error,
            "who changes the mode of namespaces is not known{hint}"
        );
    }

    fn news(&self) {}
}
