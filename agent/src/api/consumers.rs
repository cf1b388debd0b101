//! Those who follow by name: where they begin, and how far they have come.
//!
//! Clients over TCP have names of their own, by identity, so that nobody moves another's position.

use super::access::Caller;
use super::identity::digest;
use super::reach::Namespaces;
use crate::feed::positions::{NAME_MAX, OWNER, Positions, check_name};
use crate::feed::{Feed, Start, Subscriber};
use crate::status;
use lapwing_profile::text::{canonical, visible as shown};
use lapwing_proto::v1::{AckRequest, ForgetConsumerRequest, get_status_response::Consumer};
use std::sync::Arc;
use tonic::Status;

/// Most names of one client over TCP.
const NAMES_MAX: usize = 32;
/// Most names that an error lists.
const TOLD_MAX: usize = 20;

/// Under which name a position is kept.
fn key(caller: &Caller, name: &str) -> Result<String, Status> {
    check_name(name).map_err(|error| Status::invalid_argument(error.to_string()))?;
    Ok(match caller.identity() {
        None => name.to_owned(),
        Some(identity) => format!("{name}{OWNER}{}", digest(identity)),
    })
}

/// Leaves the consumers that a client may know of: all, or its own, as it calls them.
pub(super) fn visible(caller: &Caller, consumers: &mut Vec<Consumer>) {
    if let Some(identity) = caller.identity()
        && caller.namespaces() != Namespaces::All
    {
        let end = format!("{OWNER}{}", digest(identity));
        consumers.retain_mut(|one| {
            let own = one.name.strip_suffix(&end).map(str::to_owned);
            own.map(|name| one.name = name).is_some()
        });
    }
}

/// Whether a client over TCP may have one name more.
fn room(feed: &Feed, key: &str) -> Result<(), Status> {
    let Some((_, owner)) = key.split_once(OWNER) else {
        return Ok(());
    };
    let names = positions(feed)?.names();
    let own = names.iter().filter(|name| name.ends_with(owner));
    match own.count() < NAMES_MAX {
        true => Ok(()),
        false => Err(Status::resource_exhausted(format!(
            "this client has {NAMES_MAX} names of consumers already: forget one by `Ack` with an \
             empty cursor"
        ))),
    }
}

/// Who keeps the positions.
fn positions(feed: &Feed) -> Result<&Positions, Status> {
    feed.consumers().ok_or_else(|| {
        Status::failed_precondition(
            "this agent keeps no positions: it reports from memory alone; `lapwing status` says why",
        )
    })
}

/// Stores a position, apart from the threads that serve: that waits for the disk. One that is there
/// goes only if it `may_go`. Answers with what is there then.
async fn store(
    feed: &Arc<Feed>,
    name: String,
    cursor: String,
    may_go: impl FnOnce(&Feed, &str) -> bool + Send + 'static,
) -> Result<String, Status> {
    let feed = Arc::clone(feed);
    let stored = tokio::task::spawn_blocking(move || {
        let positions = positions(&feed)?;
        let stored = match cursor.is_empty() {
            true => positions.remove(&name).map(|_| cursor),
            false => positions.set_if(&name, &cursor, |old| may_go(&feed, old)),
        };
        stored.map_err(|error| Status::unavailable(format!("{error:#}")))
    });
    let failed = |error: tokio::task::JoinError| Status::internal(error.to_string());
    stored.await.map_err(failed)?
}

/// Forgets a consumer that the client may know of, by the name under which it is told of it. Who did it,
/// and why, is on record in the log.
pub(super) async fn forget(
    feed: &Arc<Feed>,
    caller: &Caller,
    request: ForgetConsumerRequest,
) -> Result<Consumer, Status> {
    let decider = request.decider.unwrap_or_default();
    let name = request.name;
    let key = match caller.namespaces() {
        Namespaces::All => name.clone(),
        Namespaces::Only(_) => key(caller, &name)?,
    };
    let mut known = status::feed(feed).consumers;
    visible(caller, &mut known);
    let of = Arc::clone(feed);
    let removed = tokio::task::spawn_blocking(move || {
        let removed = positions(&of)?.remove(&key);
        let removed = removed.map_err(|error| Status::unavailable(format!("{error:#}")))?;
        Ok(removed.map(|position| (key, position)))
    });
    let failed = |error: tokio::task::JoinError| Status::internal(error.to_string());
    let removed: Result<_, Status> = removed.await.map_err(failed)?;
    let Some((key, position)) = removed? else {
        return Err(unknown(&name, &known));
    };
    tracing::info!(
        actor = %shown(&decider.actor),
        reason = %shown(&decider.reason),
        cursor = position.cursor,
        "the consumer `{key}` of the feed is forgotten"
    );
    Ok(status::consumer(feed, name, position))
}

/// There is no such consumer, and which there are. A header carries it, of which clients take 16 KiB in all.
fn unknown(name: &str, known: &[Consumer]) -> Status {
    let shown: Vec<&str> = (known.iter().take(TOLD_MAX))
        .map(|one| one.name.as_str())
        .collect();
    let there = match (shown.is_empty(), known.len() - shown.len()) {
        (true, _) => "there is none".to_owned(),
        (false, 0) => format!("there are {}", shown.join(", ")),
        (false, more) => format!(
            "there are {} and {more} more: `lapwing feed consumers`",
            shown.join(", ")
        ),
    };
    let name = canonical(&name.as_bytes()[..name.len().min(2 * NAME_MAX)]);
    Status::not_found(format!("there is no consumer `{name}`: {there}"))
}

/// Follows from where the client says, else from where the consumer has come to, else from now on.
pub(super) async fn subscribe(
    feed: &Arc<Feed>,
    caller: &Caller,
    since: Option<Start>,
    consumer: &str,
) -> Result<Subscriber, Status> {
    let (mut stored, mut consumer) = (None, consumer.to_owned());
    if !consumer.is_empty() {
        consumer = key(caller, &consumer)?;
        stored = positions(feed)?.get(&consumer);
    }
    let is_new = !consumer.is_empty() && stored.is_none();
    if is_new {
        room(feed, &consumer)?;
    }
    let start = since
        .or_else(|| stored.map(Start::After))
        .unwrap_or(Start::Now);
    let subscriber = feed
        .subscribe(&start)
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    if is_new {
        // So that what comes before its first acknowledgement waits for it too.
        let begin = subscriber.cursor();
        store(feed, consumer, begin, |_, _| false).await?;
    }
    Ok(subscriber)
}

/// Answers with what is stored then.
pub(super) async fn ack(
    feed: &Arc<Feed>,
    caller: &Caller,
    request: AckRequest,
) -> Result<String, Status> {
    let AckRequest { consumer, cursor } = request;
    let consumer = key(caller, &consumer)?;
    let is_new = positions(feed)?.get(&consumer).is_none();
    if !cursor.is_empty() {
        if !feed.knows(&cursor) {
            return Err(Status::invalid_argument(
                "not a cursor of this stream: acknowledge one that came with an item",
            ));
        }
        if is_new {
            room(feed, &consumer)?;
        }
    }
    let later = cursor.clone();
    let may_go = move |feed: &Feed, old: &str| feed.is_later(&later, old);
    store(feed, consumer, cursor, may_go).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: usize) -> Vec<Consumer> {
        let name = |number| format!("{number:0>NAME_MAX$}{OWNER}{}", "0".repeat(16));
        let one = |number| Consumer {
            name: name(number),
            ..Consumer::default()
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn of_many_names_an_error_lists_some() {
        for (count, end) in [
            (0, "`typo`: there is none"),
            (1, "00@0000000000000000"),
            (20, "19@0000000000000000"),
            (21, "and 1 more: `lapwing feed consumers`"),
            (1024, "and 1004 more: `lapwing feed consumers`"),
        ] {
            let status = unknown("typo", &of(count));
            assert_eq!(status.code(), tonic::Code::NotFound);
            let told = status.message();
            assert!(told.ends_with(end), "{told}");
            assert_eq!(told.matches(OWNER).count(), count.min(TOLD_MAX), "{told}");
        }
        // Each byte may become three on its way.
        let longest = unknown(&"\u{1b}".repeat(100_000), &of(1024));
        let length = 3 * longest.message().len();
        assert!(length < 8 << 10, "{length} bytes of header");
    }
}
