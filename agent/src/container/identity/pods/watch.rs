//! The list of this node's pods, and what becomes of them.
//!
//! One request lists them, from what the API server has in its memory, and another stays open for the
//! changes since; bookmarks keep its place in history fresh where nothing happens. A server that
//! ends it is asked to go on from there, and one that has forgotten that place for a new list, from its
//! memory too if that is as new: what all servers agree upon is read from their common store, for each
//! node anew, and has brought down more than one cluster. It is wanted of servers only that refuse. Each
//! request but the first waits: from [`FIRST`] on, twice as long each time, until a watch has lasted.
//! So however it fails, no server gets more than two requests in [`LAST`] once it has failed for long,
//! or four that only forgets, and agents of many nodes that lost it together do not come back together.
//! Owners are asked for one after the other, and wait by the same rule, or until the API is back.

use super::Pods;
use super::api::{self, Failure};
use super::object::{Event, List, Placed, Pod, Refusal};
use super::owner::Owners;
use crate::jitter::{chance, jitter};
use lapwing_proto::v1::get_status_response::identity::source::State;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Time until it is asked again: doubled from the first to the last, half of it by chance.
pub const FIRST: Duration = Duration::from_millis(500);
pub const LAST: Duration = Duration::from_secs(60);
/// A watch that lasted so long is a good one.
pub const CALM: Duration = Duration::from_secs(10);
/// How long the server is to keep a watch open: from the half on, by chance.
const OPEN: Duration = Duration::from_secs(560);
/// Time for it to do so.
const LATE: Duration = Duration::from_secs(30);
/// Bookmarks come each minute; where some did, so long without anything is a connection that is dead.
const SILENT: Duration = Duration::from_secs(180);
/// Pods in one answer, where the server does not give all at once in any case.
const PAGE: usize = 500;
/// Answers of one list.
const PAGES_MAX: usize = 16;

/// How long to wait.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Backoff {
    pub const fn new() -> Self {
        Self(FIRST)
    }

    /// The next wait; no shorter than the server asked for.
    pub fn next(&mut self, after: Option<Duration>) -> Duration {
        let wait = jitter(self.0, chance());
        self.0 = self.0.saturating_mul(2).min(LAST);
        match after {
            Some(after) => after + wait,
            None => wait,
        }
    }
}

/// How new a list has to be.
enum From {
    /// As a server has it in memory, however old.
    Any,
    /// The same, from this place in history on.
    Place(String),
    /// As all servers agree upon.
    Agreed,
}

/// How a watch ended.
enum Ended {
    /// As it should.
    Well,
    /// Its place in history is forgotten.
    Gone,
    Badly(Failure),
}

impl Pods {
    fn targets(&self) -> String {
        format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{}", self.node)
    }

    fn news(changed: &watch::Sender<u64>) {
        changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Lists and watches, for ever.
    pub(super) async fn follow(&self, changed: &watch::Sender<u64>) {
        let mut backoff = Backoff::new();
        let mut from = From::Any;
        loop {
            let mut place = match self.list(&from).await {
                Ok(place) => place,
                Err(failure) => {
                    // A list that goes on where nobody knows any more begins anew.
                    let is_refused = failure.status == 400 && matches!(from, From::Place(_));
                    if failure.is_gone() || failure.is_behind || is_refused {
                        from = From::Agreed;
                    }
                    self.fail(&failure);
                    Self::news(changed);
                    sleep(backoff.next(failure.after)).await;
                    continue;
                }
            };
            self.heard();
            self.turn(State::Connected, None);
            Self::news(changed);
            loop {
                let begun = Instant::now();
                let ended = self.changes(&mut place, changed).await;
                if begun.elapsed() >= CALM {
                    backoff = Backoff::new();
                }
                let after = match &ended {
                    Ended::Well | Ended::Gone => None,
                    Ended::Badly(failure) => {
                        self.fail(failure);
                        Self::news(changed);
                        failure.after
                    }
                };
                sleep(backoff.next(after)).await;
                match ended {
                    Ended::Well => {}
                    Ended::Gone => break,
                    // What it is reached with may be another now.
                    Ended::Badly(_) => {
                        if let Err(failure) = self.api.connect().await {
                            self.fail(&failure);
                        }
                    }
                }
            }
            from = match place.is_empty() {
                true => From::Any,
                false => From::Place(place),
            };
        }
    }

    /// Lists all pods. Answers with the place in history at which that was so.
    async fn list(&self, from: &From) -> Result<String, Failure> {
        let url = self.api.connect().await?;
        self.health().url = url;
        let mut pods = Vec::new();
        let mut more = String::new();
        for _ in 0..PAGES_MAX {
            let mut target = self.targets();
            target.push_str(&match from {
                _ if !more.is_empty() => format!("&limit={PAGE}&continue={}", escaped(&more)),
                From::Any => format!("&limit={PAGE}&resourceVersion=0"),
                // With a limit it is not answered from memory.
                From::Place(place) => format!(
                    "&resourceVersion={}&resourceVersionMatch=NotOlderThan",
                    escaped(place)
                ),
                From::Agreed => format!("&limit={PAGE}"),
            });
            let body = self.api.get(&target).await?;
            let list: List<'_> = serde_json::from_slice(&body)
                .map_err(|error| Failure::new(format!("the list of pods: {error}")))?;
            let items = list.items.unwrap_or_default();
            pods.extend(items.into_iter().filter_map(|item| self.read(item)));
            more = list.metadata.more;
            if more.is_empty() {
                self.store().replace(pods);
                self.open.notify_one();
                return Ok(list.metadata.resource_version);
            }
        }
        Err(Failure::new("the list of pods does not end"))
    }

    /// Follows the changes since a place in history.
    async fn changes(&self, place: &mut String, changed: &watch::Sender<u64>) -> Ended {
        let open = jitter(OPEN, chance()).as_secs();
        let target = format!(
            "{}&watch=true&allowWatchBookmarks=true&timeoutSeconds={open}&resourceVersion={}",
            self.targets(),
            escaped(place)
        );
        let mut steps = match self.api.watch(&target).await {
            Ok(steps) => steps,
            Err(failure) if failure.is_gone() => return Ended::Gone,
            Err(failure) => return Ended::Badly(failure),
        };
        if self.state() != State::Connected {
            self.turn(State::Connected, None);
            Self::news(changed);
        }
        let mut patience = Duration::from_secs(open) + LATE;
        loop {
            let line = match timeout(patience, steps.next()).await {
                Ok(Ok(Some(line))) => line,
                Ok(Ok(None)) => return Ended::Well,
                Ok(Err(failure)) => return Ended::Badly(failure),
                Err(_) => {
                    let text = format!("nothing in {} s", patience.as_secs());
                    return Ended::Badly(Failure::new(text));
                }
            };
            self.heard();
            match self.step(&line, place) {
                Ok(Step::Bookmark) => patience = patience.min(SILENT),
                Ok(Step::Change) => Self::news(changed),
                Err(failure) if failure.is_gone() => return Ended::Gone,
                Err(failure) => return Ended::Badly(failure),
            }
        }
    }

    /// Takes one step.
    fn step(&self, line: &[u8], place: &mut String) -> Result<Step, Failure> {
        let wrong =
            |error: serde_json::Error| Failure::new(format!("a step of the watch: {error}"));
        let event: Event<'_> = serde_json::from_slice(line).map_err(wrong)?;
        let object = event.object.get();
        if event.kind == "ERROR" {
            let said: Refusal = serde_json::from_str(object).map_err(wrong)?;
            let status = said.code;
            return Err(api::told(&said, status));
        }
        let placed: Placed = serde_json::from_str(object).map_err(wrong)?;
        if !placed.metadata.resource_version.is_empty() {
            *place = placed.metadata.resource_version;
        }
        let Some(pod) = self.read(event.object) else {
            return Ok(Step::Change);
        };
        match event.kind.as_str() {
            "ADDED" | "MODIFIED" => self.store().put(pod),
            "DELETED" => self.store().remove(&pod.metadata.uid),
            "BOOKMARK" => return Ok(Step::Bookmark),
            // Of kinds that are not known, the place alone counts.
            _ => {}
        }
        self.open.notify_one();
        Ok(Step::Change)
    }

    /// A pod, if it is one. What is none is counted, and told of, and nothing else comes of it: asked
    /// for again it would be the same.
    fn read(&self, object: &RawValue) -> Option<Pod> {
        let read = serde_json::from_str(object.get());
        read.inspect_err(|error| self.note(&Failure::new(format!("a pod: {error}"))))
            .ok()
    }

    /// Finds out whose the pods are, one question at a time.
    pub(super) async fn find_owners(&self, changed: &watch::Sender<u64>) {
        let mut owners = Owners::default();
        let mut backoff = Backoff::new();
        loop {
            let (open, next) = self.store().open();
            let Some(pod) = open else {
                let later = async {
                    match next {
                        Some(at) => sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = self.open.notified() => {}
                    () = later => {}
                }
                continue;
            };
            match owners.of(&self.api, &pod, &self.node).await {
                Ok(settled) => {
                    backoff = Backoff::new();
                    self.store().settle(&pod, settled);
                    Self::news(changed);
                }
                Err(failure) => {
                    self.note(&failure);
                    self.store().tried(&pod);
                    sleep(failure.after.unwrap_or_default()).await;
                    // Where the API was away, the wait was for it to be back.
                    tokio::select! {
                        () = sleep(backoff.next(None)) => {}
                        () = self.back.notified() => {}
                    }
                }
            }
        }
    }
}

/// What a step was.
enum Step {
    Bookmark,
    Change,
}

/// Text for a query.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
