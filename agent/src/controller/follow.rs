//! One client of the relay: what is in its stream, and before that, where the client comes with a cursor of
//! another leader or asks for the past, what the agents have in their logs since then.
//!
//! The place in the stream is taken first, then each agent is asked for what it has from the client's mark up
//! to what the relay had of it at that place; so together nothing is missing. An agent that is away then is
//! asked when it is back. Until all were, cursors keep the marks that the client came with, and say that
//! something is owed: who ends in between and comes again begins with that again.

use super::items::{records, whose};
use super::marks::{Cursor, Marks, digest};
use super::relay::{Askable, Relay};
use crate::api::reach::Namespaces;
use crate::api::wanted::Wanted;
use crate::clock;
use crate::feed::cursor::Cursor as Place;
use crate::feed::{LOG_TOO_SHORT, STREAM, Start, Subscriber};
use lapwing_proto::nanoseconds;
use lapwing_proto::v1::watch_request::Since;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{WatchRequest, WatchResponse};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::Status;

/// Agents that are asked again at a time, for one client.
const ASKED: usize = 64;
/// Clocks of agents may be behind or before by so many milliseconds.
const SLACK: i64 = 60_000;

/// Where a client begins.
#[derive(Clone, Debug)]
pub enum Begin {
    /// With what comes from now on.
    Now,
    /// After a cursor.
    After(Cursor),
    /// With what was reported since this time, in milliseconds since the Unix epoch.
    Since(i64),
}

/// One client.
pub struct Following {
    relay: Arc<Relay>,
    subscriber: Subscriber,
    wanted: Wanted,
    namespaces: Namespaces,
    cluster: String,
    /// Marks of the place in the stream.
    marks: Marks,
    /// From where agents are asked again, and of which nodes that was done; none where nothing is owed.
    owed: Option<(Marks, BTreeSet<String>)>,
    /// Whether the client asked for a time, and not to go on.
    by_time: bool,
    sender: mpsc::Sender<Result<WatchResponse, Status>>,
}

/// The client is gone.
struct Gone;

impl Following {
    /// Takes the place where the client begins.
    ///
    /// # Errors
    /// When there is no such place.
    pub fn new(
        relay: Arc<Relay>,
        cluster: String,
        begin: Begin,
        wanted: Wanted,
        namespaces: Namespaces,
        sender: mpsc::Sender<Result<WatchResponse, Status>>,
    ) -> Result<Self, Status> {
        let by_time = matches!(begin, Begin::Since(_));
        // Before the place: what is heard in between is behind it, and may come twice.
        let marks = relay.marks();
        let (start, marks, floor) = match begin {
            Begin::Now => (Start::Now, marks, None),
            Begin::Since(at) => (Start::Now, marks, Some(Marks::all(at))),
            Begin::After(cursor) => match is_here(&relay, &cursor.place) {
                true => {
                    let owed = cursor.owed.then(|| cursor.marks.clone());
                    (Start::After(cursor.place.to_string()), cursor.marks, owed)
                }
                false => (Start::Now, marks, Some(cursor.marks)),
            },
        };
        let subscriber = relay.feed.subscribe(&start);
        let subscriber = subscriber.map_err(|error| Status::invalid_argument(error.to_string()))?;
        Ok(Self {
            relay,
            subscriber,
            wanted,
            namespaces,
            cluster,
            marks,
            owed: floor.map(|floor| (floor, BTreeSet::new())),
            by_time,
            sender,
        })
    }

    /// Follows until the client goes, or this replica leads no more.
    pub async fn run(mut self, mut ending: watch::Receiver<bool>) {
        let sender = self.sender.clone();
        tokio::select! {
            Err(Gone) = self.follow() => {}
            () = sender.closed() => {}
            _ = ending.wait_for(|ending| *ending) => {
                let status = Status::unavailable(
                    "this replica leads no more: connect again, and go on from the last cursor",
                );
                // It may have gone, or not read for long.
                let _ = sender.try_send(Err(status));
            }
        }
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, Gone> {
        self.begin_again().await?;
        loop {
            let WatchResponse { cursor, item } = self.subscriber.next().await;
            let Some(mut item) = item else {
                continue;
            };
            if let Item::Heartbeat(beat) = &mut item {
                if let Some(marks) = Marks::parse(&std::mem::take(&mut beat.heard)) {
                    self.marks = marks;
                }
                self.catch_up().await?;
            }
            if let Item::Gap(gap) = &item
                && gap.scope == STREAM
            {
                // It reads slower than agents report, and what it had not read is not held any more: the
                // agents have it.
                self.owed = Some((self.marks.clone(), BTreeSet::new()));
                self.begin_again().await?;
                continue;
            }
            let cursor = self.cursor(&cursor);
            self.give(item, cursor).await?;
        }
    }

    /// What came before the place in the stream, if that is owed.
    async fn begin_again(&mut self) -> Result<(), Gone> {
        let Some((floor, _)) = &self.owed else {
            return Ok(());
        };
        let from = floor.at(0).saturating_mul(1_000_000);
        let cursor = self.cursor(&self.subscriber.cursor());
        for item in self.relay.silence.items(from) {
            self.give(item, cursor.clone()).await?;
        }
        self.catch_up().await
    }

    /// The cursor of an item at a place in the stream.
    fn cursor(&self, place: &str) -> String {
        let marks = match &self.owed {
            None => self.marks.clone(),
            Some((floor, _)) if self.relay.is_young() => floor.clone(),
            Some((floor, done)) => {
                let names = self.relay.names().into_iter();
                let owed = names
                    .filter(|name| !done.contains(name))
                    .map(|name| digest(&name));
                let owed = owed.map(|node| (node, floor.at(node)));
                self.marks.clone().lowered(owed)
            }
        };
        match Place::parse(place) {
            Some(place) => Cursor {
                place,
                marks,
                owed: self.owed.is_some(),
            }
            .to_string(),
            None => place.to_owned(),
        }
    }

    async fn give(&self, item: Item, cursor: String) -> Result<(), Gone> {
        if !self.wanted.wants(&item) {
            return Ok(());
        }
        let Some(item) = self.namespaces.item(None, item).await else {
            return Ok(());
        };
        let item = Some(item);
        let sent = self.sender.send(Ok(WatchResponse { cursor, item })).await;
        sent.map_err(|_| Gone)
    }

    /// Asks the agents again that were not yet and can be.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        let Some((floor, done)) = self.owed.clone() else {
            return Ok(());
        };
        let mut asked = self.relay.askable();
        asked.retain(|one| !done.contains(&one.node));
        let cursor = self.cursor(&self.subscriber.cursor());
        let (sender, mut items) = mpsc::channel(ASKED);
        let room = Arc::new(Semaphore::new(ASKED));
        let mut asking = JoinSet::new();
        for one in asked {
            let from = floor.at(digest(&one.node));
            let (room, sender, patience) =
                (Arc::clone(&room), sender.clone(), self.relay.patience());
            let (cluster, by_time) = (self.cluster.clone(), self.by_time);
            asking.spawn(async move {
                let _turn = room.acquire_owned().await.ok()?;
                let node = one.node.clone();
                let asked = timeout(patience, ask(&one, from)).await.ok()?;
                let mut stream = asked.ok()?;
                loop {
                    let next = timeout(patience, stream.message()).await.ok()?;
                    let response = next.ok()??;
                    let place = Place::parse(&response.cursor)?;
                    let item =
                        { response.item }.filter(|item| !is_whole(item, &place, from, by_time));
                    let item = item.and_then(|item| whose(&one.agent, &cluster, item));
                    if let Some(item) = item {
                        sender.send(item).await.ok()?;
                    }
                    if is_over(&place, &one.upto) {
                        return Some(node);
                    }
                }
            });
        }
        drop(sender);
        while let Some(item) = items.recv().await {
            self.give(item, cursor.clone()).await?;
        }
        let mut found = Vec::new();
        while let Some(one) = asking.join_next().await {
            found.extend(one.ok().flatten());
        }
        let young = self.relay.is_young();
        let names = self.relay.names();
        if let Some((_, done)) = &mut self.owed {
            done.extend(found);
            if !young && names.iter().all(|name| done.contains(name)) {
                self.owed = None;
            }
        }
        Ok(())
    }
}

/// Whether this leader gave out a place, and has what comes after it.
fn is_here(relay: &Relay, place: &Place) -> bool {
    let summary = relay.feed.summary();
    let text = place.to_string();
    text.split('-').next() == Some(summary.epoch.as_str())
        && relay.feed.knows(&text)
        && place.number.saturating_add(1) >= summary.first
}

/// Whether this only says that a log begins later than it was asked for, and nothing is missing for that: it
/// was asked for a little more than is owed; and who goes on is owed nothing of a log from before it began.
fn is_whole(item: &Item, place: &Place, from: i64, by_time: bool) -> bool {
    let Item::Gap(gap) = item else {
        return false;
    };
    let to = gap.to.as_ref().map_or(i64::MAX, nanoseconds);
    gap.reason == LOG_TOO_SHORT
        && gap.scope == STREAM
        && (to.div_euclid(1_000_000) <= from || !by_time && place.number == 0)
}

/// Whether an agent has told all up to a place.
fn is_over(place: &Place, upto: &Place) -> bool {
    match place.epoch.log == upto.epoch.log {
        true => place.number >= upto.number,
        // Its log is another one by now.
        false => place.at >= upto.at,
    }
}

async fn ask(one: &Askable, from: i64) -> Result<tonic::Streaming<WatchResponse>, Status> {
    let now = clock::now().div_euclid(1_000_000);
    let age = now.saturating_sub(from).saturating_add(SLACK).max(0);
    let request = WatchRequest {
        since: Some(Since::AgeMilliseconds(age.unsigned_abs())),
        ..records()
    };
    Ok(one.client.clone().watch(request).await?.into_inner())
}
