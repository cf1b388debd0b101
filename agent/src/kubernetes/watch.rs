//! The list of objects of one kind, and what becomes of them.
//!
//! One request lists them, from what the API server has in its memory, and another stays open for the
//! changes since; bookmarks keep its place in history fresh where nothing happens. A server that
//! ends it is asked to go on from there, and one that has forgotten that place for a new list, from its
//! memory too if that is as new: what all servers agree upon is read from their common store, for each
//! node anew, and has brought down more than one cluster. It is wanted of servers only that refuse, or whose list
//! is too long for one answer, or was too late twice, and once: if that fails, the next is from memory again.
//! Such a list comes [in parts](super::list). Each
//! list but the first waits: from [`FIRST`] on, twice as long each time, until a watch has lasted.
//! So however it fails, no server gets more than two of them in [`LAST`] once it has failed for long,
//! or four that only forgets, and agents of many nodes that lost it together do not come back together.

use super::api::{Api, Failure};
use super::failure;
use super::health::Health;
use super::list::{From, list};
use super::object::{Event, Placed, Refusal};
use crate::jitter::{chance, jitter};
use lapwing_proto::v1::get_status_response::identity::source::State;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

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

/// How a watch ended.
enum Ended {
    /// As it should.
    Well,
    /// Its place in history is forgotten.
    Gone,
    Badly(Failure),
}

/// Who follows objects of one kind.
pub trait Follower: Sync {
    /// What it makes of an object.
    type Item: Send;
    /// What they are called, for people.
    const WHAT: &'static str;
    /// Objects in one answer at most, where the server does not give all at once in any case.
    const PAGE: usize;
    /// Objects of one list at most, where it comes in more than one answer.
    const OBJECTS_MAX: usize;

    /// Whether it knows of some from before the first list.
    const REMEMBERS: bool = false;

    /// The way to the API.
    fn api(&self) -> &Api;
    /// How it goes.
    fn health(&self) -> &Health;
    /// Path of the list, with a question mark and what is selected, if anything.
    fn target(&self) -> String;
    /// Reads an object; `None` where nothing can be made of it.
    fn read(&self, object: &RawValue) -> Option<Self::Item>;
    /// What it keeps of one until the list is whole, in bytes: no more than all of it.
    fn kept(&self, object: &RawValue, _item: &Self::Item) -> usize {
        object.get().len()
    }
    /// These are all there are.
    fn replace(&self, items: Vec<Self::Item>);
    /// There is this one, or it is another now.
    fn put(&self, item: Self::Item);
    /// This one went.
    fn remove(&self, item: Self::Item);
    /// The API answers since now, at this address.
    fn answers(&self, url: &str);
    /// It does not since now, for this reason.
    fn is_away(&self, url: &str, failure: &Failure);
    /// Something of this may be another now.
    fn news(&self);
}

fn connected<F: Follower>(follower: &F) {
    if let Some(url) = follower.health().turn(State::Connected, None) {
        follower.answers(&url);
    }
}

fn fail<F: Follower>(follower: &F, failure: &Failure) {
    let health = follower.health();
    health.failed();
    if let Some(url) = health.turn(State::Retrying, Some(failure)) {
        follower.is_away(&url, failure);
    }
}

/// Lists and watches, for ever.
pub async fn follow<F: Follower>(follower: &F) {
    let mut backoff = Backoff::new();
    let mut from = From::Any;
    let mut page = F::PAGE;
    let (mut was_listed, mut was_late) = (F::REMEMBERS, false);
    loop {
        let listed = match list(follower, &from, &mut page).await {
            Ok(listed) => listed,
            Err(failure) => {
                // Once it may be that all ask at the same time.
                let is_late_again = failure.is_late && was_late;
                was_late = failure.is_late;
                // A list that goes on where nobody knows any more begins anew.
                let is_refused = failure.status == 400 && matches!(from, From::Place(_));
                let is_gone = failure.is_gone() || failure.is_behind;
                from = match from {
                    From::Agreed if !is_gone && !failure.is_long => From::Any,
                    // What is too much for one answer comes in parts from there alone.
                    _ if is_gone || is_refused || failure.is_long || is_late_again => From::Agreed,
                    _ => from,
                };
                fail(follower, &failure);
                follower.news();
                sleep(backoff.next(failure.after)).await;
                continue;
            }
        };
        let mut place = listed.place;
        follower.health().listed(listed.left_out);
        // What cannot be had now is as it was, as far as anything is known of it.
        match listed.left_out > 0 && was_listed {
            false => follower.replace(listed.items),
            true => listed.items.into_iter().for_each(|item| follower.put(item)),
        }
        (was_listed, was_late) = (true, false);
        connected(follower);
        follower.news();
        loop {
            let begun = Instant::now();
            let ended = changes(follower, &mut place).await;
            if begun.elapsed() >= CALM {
                backoff = Backoff::new();
            }
            let after = match &ended {
                Ended::Well | Ended::Gone => None,
                Ended::Badly(failure) => {
                    fail(follower, failure);
                    follower.news();
                    failure.after
                }
            };
            sleep(backoff.next(after)).await;
            match ended {
                Ended::Well => {}
                Ended::Gone => break,
                // What it is reached with may be another now.
                Ended::Badly(_) => {
                    if let Err(failure) = follower.api().connect().await {
                        fail(follower, &failure);
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

/// Follows the changes since a place in history.
async fn changes<F: Follower>(follower: &F, place: &mut String) -> Ended {
    let open = jitter(OPEN, chance()).as_secs();
    let target = format!(
        "{}&watch=true&allowWatchBookmarks=true&timeoutSeconds={open}&resourceVersion={}",
        follower.target(),
        escaped(place)
    );
    let mut steps = match follower.api().watch(&target).await {
        Ok(steps) => steps,
        Err(failure) if failure.is_gone() => return Ended::Gone,
        Err(failure) => return Ended::Badly(failure),
    };
    follower.health().heard();
    if follower.health().state() != State::Connected {
        connected(follower);
        follower.news();
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
        follower.health().heard();
        match step(follower, &line, place) {
            Ok(Step::Bookmark) => patience = patience.min(SILENT),
            Ok(Step::Change) => follower.news(),
            Err(failure) if failure.is_gone() => return Ended::Gone,
            Err(failure) => return Ended::Badly(failure),
        }
    }
}

/// Takes one step.
fn step<F: Follower>(follower: &F, line: &[u8], place: &mut String) -> Result<Step, Failure> {
    let wrong = |error: serde_json::Error| Failure::new(format!("a step of the watch: {error}"));
    let event: Event<'_> = serde_json::from_slice(line).map_err(wrong)?;
    let object = event.object.get();
    if event.kind == "ERROR" {
        let said: Refusal = serde_json::from_str(object).map_err(wrong)?;
        let status = said.code;
        return Err(failure::told(&said, status));
    }
    let placed: Placed = serde_json::from_str(object).map_err(wrong)?;
    if !placed.metadata.resource_version.is_empty() {
        *place = placed.metadata.resource_version;
    }
    if event.kind == "BOOKMARK" {
        return Ok(Step::Bookmark);
    }
    let Some(item) = follower.read(event.object) else {
        return Ok(Step::Change);
    };
    match event.kind.as_str() {
        "ADDED" | "MODIFIED" => follower.put(item),
        "DELETED" => follower.remove(item),
        // Of kinds that are not known, the place alone counts.
        _ => {}
    }
    Ok(Step::Change)
}

/// What a step was.
enum Step {
    Bookmark,
    Change,
}

/// Text for a query.
pub fn escaped(text: &str) -> String {
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
