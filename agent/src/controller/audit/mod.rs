//! The record of decisions: who had more or less reported, of what, and why.
//!
//! Three things decide what is reported, and people write them into the API past the controller: the label
//! `lapwing.dev/mode` of a [Namespace](modes), the [BehaviorProfiles](profiles), and their mode. Each
//! change is an Event beside the object and a line of the controller's log. (What the controller itself makes has
//! its own, see [`super::learned`].)
//!
//! **Who it was the API does not say.** An object tells by which field manager it was written, which is the name
//! that a client gives itself, as `kubectl-label`; the user's name is in the API server's audit log alone. So the
//! annotation `lapwing.dev/actor` is for people to say it, as `lapwing.dev/reason` is for why. The chart's
//! admission policies refuse an actor who is not the one that writes, and can ask for both. What is deleted
//! says nothing of who deleted it.
//!
//! **A change is told once**, whoever leads: the name of its Event is made of the object and its
//! generation, or the time of its label, so that a second one is refused by the API. A leader that is new
//! tells what was changed within [`RECENT`], and of the rest takes only note: what was deleted before it led
//! it does not know.

mod meta;
pub mod modes;
pub mod own;
pub mod profiles;

#[cfg(test)]
mod tests;

pub use meta::{ACTOR, Meta, REASON, bytes};

use crate::kubernetes::api::{Api, Failure};
use meta::Said;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// How far back a leader that is new tells of changes, in seconds: as long as clusters keep Events.
const RECENT: i64 = 3_600;
/// Events that wait. What finds no room is in the log alone.
const WAITING: usize = 1_024;
/// How often an Event is tried, and the first time between two tries, which is doubled.
const TRIES: u32 = 6;
const FIRST: Duration = Duration::from_secs(1);
/// Longest note of an Event, in bytes; the API takes 1,024.
const NOTE_MAX: usize = 1_000;
/// Bytes of the object's name in that of the Event.
const NAME_MAX: usize = 200;

/// The object that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Subject {
    version: &'static str,
    kind: &'static str,
    namespace: String,
    name: String,
    uid: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    subject: Subject,
    /// What tells this change of the object from its others.
    which: String,
    /// Whether people should look at it: less is reported than before, or what was written means nothing.
    warns: bool,
    /// A word of the Event.
    reason: &'static str,
    /// What was changed, for people.
    what: String,
    /// By whom and why, as far as the object says.
    said: Said,
    /// Whether it happened while this replica led: then nobody else told of it.
    is_live: bool,
}

impl Record {
    fn text(&self) -> String {
        format!("{}, {}", self.what, self.said.text())
    }

    fn log(&self) {
        let Subject {
            kind,
            namespace,
            name,
            ..
        } = &self.subject;
        let (reason, actor) = (self.said.reason(), self.said.actor());
        tracing::info!(
            kind,
            namespace,
            name,
            actor,
            reason,
            warns = self.warns,
            "{}",
            self.text()
        );
    }

    fn event(&self, instance: &str) -> Value {
        let subject = &self.subject;
        let digest = Sha256::digest(format!("{}\n{}", subject.uid, self.which));
        let digits: String = digest[..8].iter().map(|it| format!("{it:02x}")).collect();
        let start = &subject.name[..subject.name.floor_char_boundary(NAME_MAX)];
        let mut note = self.text();
        note.truncate(note.floor_char_boundary(NOTE_MAX));
        json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": {"name": format!("{start}-{digits}"), "namespace": subject.namespace},
            "eventTime": super::lease::micro_time(),
            "reportingController": "lapwing.dev/controller", "reportingInstance": instance,
            "action": "Decide", "reason": self.reason, "note": note,
            "type": if self.warns { "Warning" } else { "Normal" },
            "regarding": {
                "apiVersion": subject.version, "kind": subject.kind, "namespace": subject.namespace,
                "name": subject.name, "uid": subject.uid,
            },
        })
    }
}

/// Where changes are told.
#[derive(Clone, Debug)]
pub struct Audit(mpsc::Sender<Record>);

/// Who writes Events of them.
#[derive(Debug)]
pub struct Clerk {
    api: Arc<Api>,
    instance: String,
    records: mpsc::Receiver<Record>,
}

/// Both ends; `instance` is this replica.
#[must_use]
pub fn begin(api: Arc<Api>, instance: &str) -> (Audit, Clerk) {
    let (sender, records) = mpsc::channel(WAITING);
    let clerk = Clerk {
        api,
        instance: instance.to_owned(),
        records,
    };
    (Audit(sender), clerk)
}

impl Audit {
    fn tell(&self, record: Record) {
        if record.is_live {
            record.log();
        }
        if let Err(error) = self.0.try_send(record) {
            let record = error.into_inner();
            let name = &record.subject.name;
            tracing::warn!(name, "too many changes at once: of this there is no Event");
            if !record.is_live {
                record.log();
            }
        }
    }
}

impl Clerk {
    /// Writes Events for as long as this replica leads.
    pub async fn run(mut self) {
        while let Some(record) = self.records.recv().await {
            match self.write(&record).await {
                Ok(()) if record.is_live => {}
                Ok(()) => record.log(),
                // It was told before.
                Err(failure) if failure.is_conflict() => {}
                // What goes with its namespace is in the log alone.
                Err(failure) if failure.is_of_namespace => {
                    let (why, name) = (&failure.text, &record.subject.name);
                    tracing::info!(name, why, "there is no Event of a change");
                    if !record.is_live {
                        record.log();
                    }
                }
                Err(failure) => {
                    let (error, name) = (&failure.text, &record.subject.name);
                    tracing::warn!(name, error, "there is no Event of a change");
                    if !record.is_live {
                        record.log();
                    }
                }
            }
        }
    }

    async fn write(&self, record: &Record) -> Result<(), Failure> {
        let namespace = &record.subject.namespace;
        let target = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        let event = record.event(&self.instance).to_string().into_bytes();
        let mut wait = FIRST;
        let mut tries = 1;
        loop {
            let Err(failure) = self.api.create(&target, event.clone()).await else {
                return Ok(());
            };
            let may_pass = matches!(failure.status, 0 | 429 | 500..);
            if !may_pass || tries == TRIES {
                return Err(failure);
            }
            tries += 1;
            sleep(failure.after.unwrap_or_default().max(wait)).await;
            wait *= 2;
        }
    }
}
