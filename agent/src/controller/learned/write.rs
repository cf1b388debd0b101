//! Writing objects: what is news, and no more than the API likes.

use super::board::{Board, Due};
use super::object::{self, GROUP, MANAGER};
use crate::kubernetes::api::{Api, Failure};
use crate::kubernetes::object::{List, absent};
use crate::kubernetes::watch::{Backoff, escaped};
use lapwing_profile::collected::object::{LearnedProfile, Spec, Status};
use lapwing_profile::workload::Workload;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Objects that are written at a time.
const WRITES: usize = 8;
/// Objects of one answer, where the server does not give all at once: each may have a megabyte.
const PAGE: usize = 50;
/// Answers of one list.
const PAGES_MAX: usize = 2_000;
/// How often it is looked for workloads that are seen nowhere.
const SWEEP: Duration = Duration::from_secs(600);
/// How often it is looked for what is due.
const LOOK: Duration = Duration::from_secs(1);

/// Who writes.
#[derive(Clone, Debug)]
pub struct Writer {
    pub api: Arc<Api>,
    pub board: Arc<Board>,
    /// This replica.
    pub instance: String,
    /// Whether a profile that is ready is applied without a person.
    pub promotes: bool,
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
    name: String,
    #[serde(deserialize_with = "absent")]
    namespace: String,
}

/// What a failure is about.
enum Fault {
    /// The API, or the way to it: everything waits.
    Api,
    /// The object is not there any more.
    Missing,
    /// This object.
    Object,
}

impl Fault {
    const fn of(failure: &Failure) -> Self {
        match failure.status {
            404 => Self::Missing,
            400 | 409 | 413 | 422 => Self::Object,
            _ => Self::Api,
        }
    }
}

impl Writer {
    /// Takes up what is there, and writes what comes, for ever; not before `settled` is ready.
    pub async fn run(&self, settled: impl Future<Output = ()>) {
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
                self.sweep(crate::clock::now()).await;
            }
            // News wakes it, and what waits for its interval has to be looked for.
            let _ = timeout(LOOK, self.board.changed.notified()).await;
            sleep(LOOK / 4).await;
        }
    }

    /// Takes up all objects: what came from nodes that are gone is nowhere else.
    ///
    /// # Errors
    /// When the API does not give them. Nothing may be written then.
    pub async fn take_up(&self) -> Result<(), Failure> {
        self.api.connect().await?;
        let mut more = String::new();
        let mut many = 0;
        for _ in 0..PAGES_MAX {
            let next = match more.as_str() {
                "" => String::new(),
                more => format!("&continue={}", escaped(more)),
            };
            let target = format!("{GROUP}/learnedprofiles?limit={PAGE}{next}");
            let body = self.api.get(&target).await?;
            let list: List<'_> = serde_json::from_slice(&body)
                .map_err(|error| Failure::new(format!("the list of LearnedProfiles: {error}")))?;
            for item in list.items.unwrap_or_default() {
                match serde_json::from_str::<Read>(item.get()) {
                    Ok(read) => many += usize::from(self.take_up_one(read)),
                    Err(error) => tracing::warn!("a LearnedProfile makes no sense: {error}"),
                }
            }
            more = list.metadata.more;
            if more.is_empty() {
                tracing::info!("{many} LearnedProfiles are taken up");
                return Ok(());
            }
        }
        Err(Failure::new("the list of LearnedProfiles has no end"))
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
        self.board.take_up(&workload, collected, object.status);
        true
    }

    /// Writes all that is due.
    ///
    /// # Errors
    /// When the API does not take it: the rest waits.
    pub async fn write_due(&self) -> Result<(), Failure> {
        let mut waiting = self.board.waiting().into_iter();
        let mut writes = JoinSet::new();
        let mut failed = None;
        loop {
            while failed.is_none()
                && writes.len() < WRITES
                && let Some(workload) = waiting.next()
            {
                let writer = self.clone();
                writes.spawn(async move { writer.write(&workload).await });
            }
            let Some(ended) = writes.join_next().await else {
                return failed.map_or(Ok(()), Err);
            };
            let ended = ended.unwrap_or_else(|error| Err(Failure::new(error.to_string())));
            failed = failed.or(ended.err());
        }
    }

    /// Writes one, if that is news.
    async fn write(&self, workload: &Workload) -> Result<(), Failure> {
        let now = crate::clock::now();
        let (board, of) = (Arc::clone(&self.board), workload.clone());
        // A large profile takes its time.
        let due = tokio::task::spawn_blocking(move || board.due(&of, now)).await;
        let due = due.map_err(|error| Failure::new(error.to_string()))?;
        let Some(due) = due else { return Ok(()) };
        match self.put(workload, &due).await {
            Ok(uid) => {
                self.board.wrote(workload, due.status.clone());
                if due.becomes_ready {
                    let reason = due.status.condition("Ready").map_or("", |one| &one.message);
                    let text = format!("{workload} can be reviewed: {reason}");
                    self.tell(workload, &uid, "Normal", "Ready", "Review", &text)
                        .await;
                    if self.promotes {
                        self.promote_ready(workload, &uid, &due.status).await;
                    }
                }
                Ok(())
            }
            Err(failure) => {
                let fault = Fault::of(&failure);
                let exists = due.exists && !matches!(fault, Fault::Missing);
                self.board.failed(workload, exists);
                let error = &failure.text;
                match fault {
                    Fault::Api => return Err(failure),
                    Fault::Missing if due.exists => {
                        tracing::warn!(workload = %workload, "its LearnedProfile was deleted, it is made anew");
                    }
                    Fault::Missing | Fault::Object => {
                        tracing::warn!(workload = %workload, error, "its LearnedProfile is not taken");
                    }
                }
                Ok(())
            }
        }
    }

    /// Makes the object where there is none, and has it say what it is to. Answers with its uid.
    async fn put(&self, workload: &Workload, due: &Due) -> Result<String, Failure> {
        let path = object::path(workload);
        let query = format!("fieldManager={MANAGER}&force=true");
        let head = |part: &str, value: Value| {
            json!({
                "apiVersion": "lapwing.dev/v1alpha1", "kind": "LearnedProfile",
                "metadata": {"name": object::name_of(workload), "namespace": workload.namespace},
                part: value,
            })
            .to_string()
            .into_bytes()
        };
        if !due.exists {
            let spec = Spec {
                workload: workload.clone(),
            };
            let spec =
                serde_json::to_value(spec).map_err(|error| Failure::new(error.to_string()))?;
            self.api
                .apply(&format!("{path}?{query}"), head("spec", spec))
                .await?;
        }
        let status =
            serde_json::to_value(&due.status).map_err(|error| Failure::new(error.to_string()))?;
        let target = format!("{path}/status?{query}");
        let answer = self.api.apply(&target, head("status", status)).await?;
        let object: Value = serde_json::from_slice(&answer).unwrap_or_default();
        Ok(object["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Forgets workloads that are seen nowhere.
    pub async fn sweep(&self, now: i64) {
        for workload in self.board.expired(now) {
            let path = object::path(&workload);
            match self.api.delete(&path).await {
                Ok(()) => {}
                Err(failure) if failure.is_missing() => {}
                Err(failure) => {
                    let error = &failure.text;
                    tracing::warn!(workload = %workload, error, "its LearnedProfile cannot be deleted");
                    return;
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

    /// Applies the profile of a workload that is ready, where nobody has to review it.
    async fn promote_ready(&self, workload: &Workload, uid: &str, status: &Status) {
        let Some(text) = &status.profile else {
            let text = format!(
                "{workload} is ready, and its profile too large for an object: it is not promoted"
            );
            self.tell(workload, uid, "Warning", "NotPromoted", "Promote", &text)
                .await;
            return;
        };
        let reason = status.condition("Ready").map_or("", |one| &one.message);
        let left = match status.provisional {
            0 => String::new(),
            many => format!("; {many} behaviours that one node alone showed are left out"),
        };
        let why = format!(
            "by {MANAGER}, as the cluster's configuration allows (`learned.promote: automatic`): {reason}{left}"
        );
        // It is told of.
        let _ = self.promote(workload, uid, text, &why).await;
    }

    /// Makes a BehaviorProfile of this text, and tells of that or why it is not.
    ///
    /// # Errors
    /// With the status 409 where there is one of that name.
    pub async fn promote(
        &self,
        workload: &Workload,
        uid: &str,
        text: &str,
        why: &str,
    ) -> Result<(), Failure> {
        match self.create_profile(workload, text).await {
            Ok(object) => {
                let text = format!("the BehaviorProfile {object} is made {why}");
                self.tell(workload, uid, "Normal", "Promoted", "Promote", &text)
                    .await;
                Ok(())
            }
            Err(failure) => {
                let text = format!(
                    "the BehaviorProfile of {workload} is not made ({why}): {}",
                    failure.text
                );
                self.tell(workload, uid, "Warning", "NotPromoted", "Promote", &text)
                    .await;
                Err(failure)
            }
        }
    }

    /// Makes a BehaviorProfile of this text, if there is none of that name. Answers its name, as `shop/web`.
    ///
    /// # Errors
    /// With the status 409 where there is one: what people wrote is not touched.
    async fn create_profile(&self, workload: &Workload, text: &str) -> Result<String, Failure> {
        let object: Value =
            serde_saphyr::from_str(text).map_err(|error| Failure::new(error.to_string()))?;
        let namespace = &workload.namespace;
        let target =
            format!("{GROUP}/namespaces/{namespace}/behaviorprofiles?fieldManager={MANAGER}");
        self.api
            .create(&target, object.to_string().into_bytes())
            .await?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        Ok(format!("{namespace}/{name}"))
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
