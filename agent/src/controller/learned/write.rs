//! Writing objects: what is news, and no more than the API likes.

use super::board::Board;
use super::clocks;
use super::due::{Due, WAIT_MAX};
use super::hand::Hand;
use super::object::{self, GROUP, MANAGER};
use crate::kubernetes::api::Failure;
use crate::kubernetes::object::{List, absent};
use crate::kubernetes::watch::{Backoff, LAST, escaped};
use lapwing_profile::collected::object::{LearnedProfile, Spec};
use lapwing_profile::workload::Workload;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Objects that are written at a time.
pub const WRITES: usize = 8;
/// Objects of one answer, where the server does not give all at once: each may have a megabyte. Half as many
/// where that is too long, or takes too long.
const PAGE: usize = 10;
/// Answers of one list.
const PAGES_MAX: usize = 100_000;
/// How often it is looked for workloads that are seen nowhere.
const SWEEP: Duration = Duration::from_secs(600);
/// How often it is looked for what is due.
const LOOK: Duration = Duration::from_secs(1);

/// Who writes.
#[derive(Clone, Debug)]
pub struct Writer {
    pub api: Hand,
    pub board: Arc<Board>,
    /// This replica.
    pub instance: String,
    /// The user that it is to the API; empty where that is not known.
    pub user: String,
}

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    metadata: Meta,
    #[serde(flatten)]
    object: LearnedProfile,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    #[serde(deserialize_with = "absent")]
    uid: String,
    #[serde(deserialize_with = "absent")]
    name: String,
    #[serde(deserialize_with = "absent")]
    namespace: String,
}

/// An object of which only that it is matters.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    metadata: Meta,
}

/// What an object is to say, in one of its parts.
fn body(workload: &Workload, part: &str, said: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let said = serde_json::to_value(said).map_err(|error| Failure::new(error.to_string()))?;
    let object = json!({
        "apiVersion": "lapwing.dev/v1alpha1", "kind": "LearnedProfile",
        "metadata": {"name": object::name_of(workload), "namespace": workload.namespace},
        part: said,
    });
    Ok(object.to_string().into_bytes())
}

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The API, or the way to it: everything waits.
    Api,
    /// The object is not there any more.
    Missing,
    /// The namespace is not, or not for long.
    Namespace,
    /// This object.
    Object,
    /// This object, if others are taken; else the API. A right that is missing is one of all; a
    /// quota or a policy is not; and what etcd finds too large is an error of the server.
    Either,
}

impl Fault {
    const fn of(failure: &Failure) -> Self {
        match failure.status {
            _ if failure.is_of_namespace => Self::Namespace,
            404 => Self::Missing,
            400 | 409 | 413 | 422 => Self::Object,
            403 | 500 => Self::Either,
            _ => Self::Api,
        }
    }
}

/// What was not written.
struct Failed {
    workload: Arc<Workload>,
    due: Due,
    failure: Failure,
}

impl Writer {
    /// Takes up what is there, and writes what comes, for ever; not before `settled` is ready. What agents that are
    /// connected `said` last was at these times by their clocks.
    pub async fn run(&self, settled: impl Future<Output = ()>, said: impl Fn() -> Vec<i64>) {
        let mut backoff = Backoff::new();
        while let Err(failure) = self.take_up().await {
            let hint = hint(&failure);
            let error = &failure.text;
            tracing::warn!(
                error,
                "LearnedProfiles cannot be had, nothing is written until they are{hint}"
            );
            sleep(backoff.next(failure.after)).await;
        }
        settled.await;
        // What has a BehaviorProfile is not ready for one.
        while !self.board.knows_promoted() {
            sleep(LOOK / 4).await;
        }
        let mut backoff = Backoff::new();
        let mut told = String::new();
        let mut swept = Instant::now();
        loop {
            if let Err(failure) = self.write_due().await {
                if told != failure.text {
                    let hint = hint(&failure);
                    let error = &failure.text;
                    tracing::warn!(
                        error,
                        "LearnedProfiles are not written, it is tried again{hint}"
                    );
                    told.clone_from(&failure.text);
                }
                sleep(backoff.next(failure.after)).await;
                // What it is reached with may be another now.
                let _ = self.api.connect().await;
                continue;
            }
            backoff = Backoff::new();
            if swept.elapsed() >= SWEEP {
                swept = Instant::now();
                self.sweep(crate::clock::now(), &said()).await;
            }
            // News wakes it, and what waits for its interval has to be looked for.
            let _ = timeout(LOOK, self.board.changed.notified()).await;
            sleep(LOOK / 4).await;
        }
    }

    /// Takes up all objects: what came from nodes that are gone is nowhere else. A list that takes longer than the
    /// API remembers what was goes on with what is: each object is taken up by itself.
    ///
    /// # Errors
    /// When the API does not give them. Nothing may be written then.
    pub async fn take_up(&self) -> Result<(), Failure> {
        self.api.connect().await?;
        let (mut more, mut many, mut page) = (String::new(), 0, PAGE);
        for _ in 0..PAGES_MAX {
            let next = match more.as_str() {
                "" => String::new(),
                more => format!("&continue={}", escaped(more)),
            };
            let target = format!("{GROUP}/learnedprofiles?limit={page}{next}");
            let body = match self.api.list(&target).await {
                Err(failure) if page > 1 && (failure.is_long || failure.is_late) => {
                    page /= 2;
                    continue;
                }
                Err(failure) if failure.is_gone() && !failure.more.is_empty() => {
                    more = failure.more;
                    continue;
                }
                body => body?,
            };
            let writer = self.clone();
            let read = tokio::task::spawn_blocking(move || writer.take_up_page(&body)).await;
            let (of_page, next) = read.map_err(|error| Failure::new(error.to_string()))??;
            many += of_page;
            more = next;
            if more.is_empty() {
                tracing::info!("{many} LearnedProfiles are taken up");
                self.board.took_up();
                return Ok(());
            }
        }
        Err(Failure::new("the list of LearnedProfiles has no end"))
    }

    /// Answers how many were taken up, and where the list goes on.
    fn take_up_page(&self, body: &[u8]) -> Result<(usize, String), Failure> {
        let list: List<'_> = serde_json::from_slice(body)
            .map_err(|error| Failure::new(format!("the list of LearnedProfiles: {error}")))?;
        let mut many = 0;
        for item in list.items.unwrap_or_default() {
            match serde_json::from_str::<Read>(item.get()) {
                Ok(read) => many += usize::from(self.take_up_one(read)),
                Err(error) => tracing::warn!("a LearnedProfile makes no sense: {error}"),
            }
        }
        Ok((many, list.metadata.more))
    }

    /// Answers whether it is one of this controller's.
    fn take_up_one(&self, read: Read) -> bool {
        let Read { metadata, object } = read;
        let workload = object.spec.workload;
        let (namespace, name) = (&metadata.namespace, &metadata.name);
        let is_own = object::check(&workload).is_ok()
            && workload.namespace == *namespace
            && object::name_of(&workload) == *name;
        if !is_own {
            tracing::warn!(
                "the LearnedProfile {namespace}/{name} is not the controller's, and is left alone"
            );
            return false;
        }
        let collected = match object.status.evidence.as_deref() {
            None => None,
            Some(evidence) => match object::decode(evidence) {
                Ok(collected) => Some(collected),
                Err(why) => {
                    tracing::warn!(
                        "{namespace}/{name}: its evidence is lost, what nodes that are gone saw with it: {why}"
                    );
                    None
                }
            },
        };
        let workload = Workload {
            cluster: String::new(),
            ..workload
        };
        self.board
            .take_up(&workload, collected.as_ref(), &object.status, &metadata.uid);
        true
    }

    /// Writes all that is due.
    ///
    /// # Errors
    /// When the API does not take it: the rest waits.
    pub async fn write_due(&self) -> Result<(), Failure> {
        let mut waiting = self.board.waiting().into_iter();
        let mut writes = JoinSet::new();
        let (mut failed, mut unclear) = (None, Vec::new());
        loop {
            while failed.is_none()
                && writes.len() < WRITES
                && (unclear.len() < WRITES || self.board.wrote_lately())
                && let Some(workload) = waiting.next()
            {
                let writer = self.clone();
                writes.spawn(async move { writer.write(workload).await });
            }
            let Some(ended) = writes.join_next().await else {
                break;
            };
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(one)) if Fault::of(&one.failure) == Fault::Either => unclear.push(one),
                Ok(Err(one)) => failed = failed.or(self.not_written(&one)),
                Err(error) => failed = Some(Failure::new(error.to_string())),
            }
        }
        let is_of_objects = failed.is_none() && self.board.wrote_lately();
        for one in &unclear {
            let failure = &one.failure;
            match is_of_objects {
                true => self.not_taken(one),
                false => {
                    let exists = one.due.exists;
                    self.board
                        .failed(&one.workload, &one.due, exists, &failure.text, LAST);
                    failed.get_or_insert_with(|| failure.clone());
                }
            }
        }
        if let Some(failure) = failed {
            return Err(failure);
        }
        if self.board.rules().promotes {
            self.promote_ready().await;
        }
        Ok(())
    }

    /// Has one that was not written wait. Answers why all have to.
    fn not_written(&self, one: &Failed) -> Option<Failure> {
        let Failed {
            workload,
            due,
            failure,
        } = one;
        match Fault::of(failure) {
            Fault::Api => {
                let once = self.board.rules().interval;
                self.board
                    .failed(workload, due, due.exists, &failure.text, once);
                return Some(failure.clone());
            }
            Fault::Missing if due.exists => {
                let once = self.board.rules().interval;
                self.board.failed(workload, due, false, &failure.text, once);
                tracing::warn!(workload = %workload, "its LearnedProfile was deleted: it is made anew, unless its namespace goes");
            }
            Fault::Namespace => self.lost_namespace(one),
            Fault::Missing | Fault::Object | Fault::Either => self.not_taken(one),
        }
        None
    }

    /// Forgets it, or has it wait where it runs still. Nothing is wrong, so nobody is warned.
    fn lost_namespace(&self, one: &Failed) {
        let (workload, why) = (&one.workload, &one.failure.text);
        match self.board.lost_namespace(workload, &one.due, &one.failure) {
            (true, _) => {
                tracing::info!(workload = %workload, why, "it runs nowhere there: what was learned of it goes too");
            }
            (false, true) => {
                tracing::info!(workload = %workload, why, "its LearnedProfile is not written while it ends");
            }
            (false, false) => {}
        }
    }

    /// Has it wait longer each time, and says why once.
    fn not_taken(&self, one: &Failed) {
        let (workload, error) = (&one.workload, &one.failure.text);
        let exists = one.due.exists && Fault::of(&one.failure) != Fault::Missing;
        if self
            .board
            .failed(workload, &one.due, exists, error, WAIT_MAX)
        {
            tracing::warn!(workload = %workload, error, "its LearnedProfile is not taken, it is tried again");
        }
    }

    /// Writes one, if that is news.
    async fn write(&self, workload: Arc<Workload>) -> Result<(), Failed> {
        let now = crate::clock::now();
        let (board, of) = (Arc::clone(&self.board), Arc::clone(&workload));
        // A large profile takes its time.
        let due = tokio::task::spawn_blocking(move || board.due(&of, now)).await;
        let Some(mut due) = due.unwrap_or_else(|error| {
            tracing::error!(workload = %workload, "what to write of it is not known: {error}");
            None
        }) else {
            return Ok(());
        };
        match self.put(&workload, &due).await {
            Ok(uid) => {
                due.written.uid.clone_from(&uid);
                self.board.wrote(&workload, due.written, !due.exists);
                if due.becomes_ready {
                    let reason = due.status.condition("Ready").map_or("", |one| &one.message);
                    let text = format!("{workload} can be reviewed: {reason}");
                    self.tell(&workload, &uid, "Normal", "Ready", "Review", &text)
                        .await;
                }
                Ok(())
            }
            Err(failure) => Err(Failed {
                workload,
                due,
                failure,
            }),
        }
    }

    /// Makes the object where there is none, and has it say what it is to. Answers with its uid.
    async fn put(&self, workload: &Workload, due: &Due) -> Result<String, Failure> {
        let path = object::path(workload);
        let query = format!("fieldManager={MANAGER}&force=true");
        if !due.exists {
            let spec = Spec {
                workload: workload.clone(),
            };
            self.api
                .apply(&format!("{path}?{query}"), body(workload, "spec", &spec)?)
                .await?;
        }
        let (of, status) = (workload.clone(), due.status.clone());
        // A megabyte of it takes its time.
        let said = tokio::task::spawn_blocking(move || body(&of, "status", &status)).await;
        let said = said.map_err(|error| Failure::new(error.to_string()))??;
        let target = format!("{path}/status?{query}");
        let answer = self.api.apply(&target, said).await?;
        // All else is skipped. Without a uid Events name the object alone.
        let answer = serde_json::from_slice::<Answer>(&answer).unwrap_or_default();
        Ok(answer.metadata.uid)
    }

    /// Forgets workloads that are seen nowhere, where it is about `now` by the clocks of most agents, too: what they
    /// said last was at these times.
    pub async fn sweep(&self, now: i64, said: &[i64]) {
        let expired = self.board.expired(now);
        if !expired.is_empty() && !clocks::agree(said, now) {
            let (agents, workloads) = (said.len(), expired.len());
            tracing::warn!(
                agents,
                workloads,
                "what is seen nowhere is not forgotten: by the clocks of most agents that are connected, if there \
                 are any, it is not so late yet: set all clocks by NTP"
            );
            return;
        }
        for workload in expired {
            let path = object::path(&workload);
            match self.api.delete(&path).await {
                Ok(()) => {}
                Err(failure) if failure.is_missing() => {}
                Err(failure) => {
                    let error = &failure.text;
                    tracing::warn!(workload = %workload, error, "its LearnedProfile cannot be deleted");
                    match Fault::of(&failure) {
                        Fault::Api => return,
                        Fault::Missing | Fault::Namespace | Fault::Object | Fault::Either => {
                            continue;
                        }
                    }
                }
            }
            self.board.forget(&workload);
            let days = self.board.rules().keep / 86_400_000_000_000;
            let text = format!(
                "{workload} was seen nowhere for {days} days: what was learned of it is forgotten"
            );
            self.tell(&workload, "", "Warning", "Forgotten", "Delete", &text)
                .await;
        }
    }

    /// Says so, in an Event of the cluster and in the log. An Event that is not taken is none that matters.
    pub async fn tell(
        &self,
        workload: &Workload,
        uid: &str,
        kind: &str,
        reason: &str,
        action: &str,
        text: &str,
    ) {
        tracing::info!(workload = %workload, reason, "{text}");
        let namespace = &workload.namespace;
        let mut note = text.to_owned();
        note.truncate(note.floor_char_boundary(1_000));
        let name = object::name_of(workload);
        let event = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": {"generateName": format!("{}-", &name[..name.len().min(200)]), "namespace": namespace},
            "eventTime": crate::controller::lease::micro_time(),
            "reportingController": "lapwing.dev/controller", "reportingInstance": self.instance,
            "action": action, "reason": reason, "type": kind, "note": note,
            "regarding": {
                "apiVersion": "lapwing.dev/v1alpha1", "kind": "LearnedProfile",
                "name": name, "namespace": namespace, "uid": uid,
            },
        });
        let target = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        if let Err(failure) = self
            .api
            .create(&target, event.to_string().into_bytes())
            .await
        {
            tracing::debug!(error = failure.text, "the Event was not taken");
        }
    }
}

fn hint(failure: &Failure) -> &'static str {
    match failure.status {
        403 => ": give the controller the chart's ClusterRole",
        404 => {
            ": the cluster has no such resource, apply the CustomResourceDefinition (`crds.create` of the chart)"
        }
        _ => "",
    }
}
