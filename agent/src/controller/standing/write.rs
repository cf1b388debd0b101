//! Writing the status of objects, and Events of it.

use super::board::{Board, Due, WAIT_MAX};
use super::status::Status;
use crate::controller::learned::GROUP;
use crate::kubernetes::api::{Api, Failure};
use crate::kubernetes::watch::{Backoff, LAST};
use lapwing_profile::fingerprint;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Who writes: of `spec` it is another.
const MANAGER: &str = "lapwing-controller-status";
/// Objects that are written at a time, and in one look.
const WRITES: usize = 8;
const ONCE: usize = 32;
/// How often it is looked for what is due.
const LOOK: Duration = Duration::from_secs(1);
/// Longest note of an Event, in bytes; the API takes 1,024.
const NOTE_MAX: usize = 1_000;
/// Bytes of the object's name in that of the Event.
const NAME_MAX: usize = 200;

/// Who writes.
#[derive(Clone, Debug)]
pub struct Writer {
    pub api: Arc<Api>,
    pub board: Arc<Board>,
    /// This replica.
    pub instance: String,
}

/// An Event.
struct Turn {
    kind: &'static str,
    reason: &'static str,
    note: String,
}

/// What became so that people are told of it, once for each generation.
fn turns(before: Option<&Status>, now: &Status) -> Vec<Turn> {
    let begins = |kind: &str| {
        let before = before.and_then(|before| before.holds(kind));
        now.holds(kind).is_some() && now.holds(kind) != before
    };
    let mut all = Vec::new();
    if begins("Refused") {
        all.push(Turn {
            kind: "Warning",
            reason: "Refused",
            note: format!("it is refused by {}", now.message("Refused")),
        });
    }
    if begins("InForce") {
        all.push(Turn {
            kind: "Normal",
            reason: "InForce",
            note: format!("it is {}", now.message("InForce")),
        });
    }
    all
}

fn log(due: &Due, turn: &Turn) {
    let Turn { reason, note, .. } = turn;
    let object = format!("{}/{}", due.seen.namespace, due.seen.name);
    tracing::info!(object, reason, "{note}");
}

fn hint(failure: &Failure) -> &'static str {
    match failure.status {
        403 => ": give the controller the chart's ClusterRole, with behaviorprofiles/status",
        _ => "",
    }
}

impl Writer {
    /// Writes what comes, for ever; not before `settled` is ready. `expect` tells the board of which nodes it should
    /// hear.
    pub async fn run(&self, settled: impl Future<Output = ()>, expect: impl Fn(&Board)) {
        settled.await;
        while !self.board.is_listed() {
            sleep(LOOK / 4).await;
        }
        let mut backoff = Backoff::new();
        let mut told = String::new();
        loop {
            expect(&self.board);
            self.board.sweep();
            let Err(failure) = self.write_due().await else {
                backoff = Backoff::new();
                sleep(LOOK).await;
                continue;
            };
            if told != failure.text {
                let hint = hint(&failure);
                let error = &failure.text;
                tracing::warn!(
                    error,
                    "the status of BehaviorProfiles is not written, it is tried again{hint}"
                );
                told.clone_from(&failure.text);
            }
            sleep(backoff.next(failure.after)).await;
            // What it is reached with may be another now.
            let _ = self.api.connect().await;
        }
    }

    /// Writes what is due.
    ///
    /// # Errors
    /// When the API does not take it: the rest waits.
    pub async fn write_due(&self) -> Result<(), Failure> {
        self.write_by(|writer, due| async move { writer.write(due).await })
            .await
    }

    /// The same, each by this.
    pub async fn write_by<W>(&self, write: impl Fn(Self, Due) -> W) -> Result<(), Failure>
    where
        W: Future<Output = Result<(), (Due, Failure)>> + Send + 'static,
    {
        let mut waiting = self.board.waiting(ONCE).into_iter();
        let mut writes = JoinSet::new();
        let mut begun = HashMap::new();
        let (mut failed, mut unclear) = (None, Vec::new());
        loop {
            while failed.is_none()
                && writes.len() < WRITES
                && let Some(due) = waiting.next()
            {
                let task = writes.spawn(write(self.clone(), due.clone()));
                begun.insert(task.id(), due);
            }
            let Some(ended) = writes.join_next_with_id().await else {
                break;
            };
            match ended {
                Ok((_, Ok(()))) => {}
                Ok((_, Err((due, failure)))) => match failure.status {
                    // It went, or goes with its namespace, as whoever follows objects will hear.
                    _ if failure.is_of_namespace => {}
                    404 => {}
                    400 | 409 | 413 | 422 => self.not_taken(&due, &failure),
                    // Of this object alone, as by a policy, if others are taken.
                    403 | 500 => unclear.push((due, failure)),
                    _ => {
                        self.board.back(&due);
                        failed = Some(failure);
                    }
                },
                // It panicked.
                Err(error) => {
                    if let Some(due) = begun.remove(&error.id()) {
                        self.board.back(&due);
                    }
                    failed = Some(Failure::new(error.to_string()));
                }
            }
        }
        for due in waiting {
            self.board.back(&due);
        }
        for (due, failure) in unclear {
            match self.board.wrote_lately() {
                true => self.not_taken(&due, &failure),
                false => {
                    self.board.failed(&due, &failure.text, LAST);
                    failed.get_or_insert(failure);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Has it wait longer each time, and says why once.
    fn not_taken(&self, due: &Due, failure: &Failure) {
        let error = &failure.text;
        if self.board.failed(due, error, WAIT_MAX) {
            let object = format!("{}/{}", due.seen.namespace, due.seen.name);
            tracing::warn!(
                object,
                error,
                "the status of a BehaviorProfile is not taken, it is tried again"
            );
        }
    }

    async fn write(&self, due: Due) -> Result<(), (Due, Failure)> {
        let seen = &due.seen;
        let object = json!({
            "apiVersion": "lapwing.dev/v1alpha1", "kind": "BehaviorProfile",
            // Another one of its name is none of which this was said.
            "metadata": {"name": seen.name, "namespace": seen.namespace, "uid": seen.uid},
            "status": due.status,
        });
        let target = format!(
            "{GROUP}/namespaces/{}/behaviorprofiles/{}/status?fieldManager={MANAGER}&force=true",
            seen.namespace, seen.name
        );
        let body = object.to_string().into_bytes();
        // Before the status says so: a leader that ends between the two has the next tell it, which the API knows.
        let mut untold = Vec::new();
        for turn in turns(seen.status.as_ref(), &due.status) {
            untold.extend(self.tell(&due, turn).await);
        }
        if let Err(failure) = self.api.apply(&target, body).await {
            return Err((due, failure));
        }
        for turn in untold {
            log(&due, &turn);
        }
        self.board.wrote(&due);
        Ok(())
    }

    /// Says so, in an Event of the cluster and in the log, once. An Event that is not taken is none that matters: it is
    /// for the log alone, and answered with, as it is tried again for as long as the status is not taken either.
    async fn tell(&self, due: &Due, turn: Turn) -> Option<Turn> {
        let Turn { kind, reason, note } = &turn;
        let seen = &due.seen;
        let (namespace, name) = (&seen.namespace, &seen.name);
        let generation = due.status.observed_generation.to_string();
        let spec = seen.spec.unwrap_or_default();
        let of = [
            seen.uid.as_bytes(),
            reason.as_bytes(),
            generation.as_bytes(),
            &spec,
        ];
        let digits = fingerprint::hex(&of);
        let start = &name[..name.floor_char_boundary(NAME_MAX)];
        let cut = &note[..note.floor_char_boundary(NOTE_MAX)];
        let event = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": {"name": format!("{start}-{}", &digits[..16]), "namespace": namespace},
            "eventTime": crate::controller::lease::micro_time(),
            "reportingController": "lapwing.dev/controller", "reportingInstance": self.instance,
            "action": "Obey", "reason": reason, "type": kind, "note": cut,
            "regarding": {
                "apiVersion": "lapwing.dev/v1alpha1", "kind": "BehaviorProfile",
                "name": name, "namespace": namespace, "uid": seen.uid,
            },
        });
        let target = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        let made = self.api.create(&target, event.to_string().into_bytes());
        match made.await {
            // It was told before.
            Err(failure) if failure.is_conflict() => None,
            Err(failure) => {
                tracing::debug!(error = failure.text, "the Event was not taken");
                Some(turn)
            }
            Ok(_) => {
                log(due, &turn);
                None
            }
        }
    }
}
