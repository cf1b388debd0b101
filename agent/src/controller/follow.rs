//! One client of the relay: what is in its stream, and before that, where the client comes with a cursor of
//! another leader or asks for the past, what the agents have in their logs since then.
//!
//! The place in the stream is taken first, then each agent is [asked](super::catch_up) for what it has from the
//! client's mark up to what the relay had of it at that place; so together nothing is missing. What agents say
//! comes between what is new, for which nobody has to wait. Until all were asked, cursors keep the marks that the
//! client came with, and say that something is owed: who ends in between and comes again begins with that again.

use super::catch_up::CatchUp;
use super::marks::{Cursor, Marks};
use super::relay::Relay;
use crate::api::reach::Namespaces;
use crate::api::wanted::Wanted;
use crate::feed::cursor::Cursor as Place;
use crate::feed::{STREAM, Start, Subscriber};
use lapwing_proto::v1::WatchResponse;
use lapwing_proto::v1::watch_response::Item;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tonic::Status;

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
    /// Those of cursors: the same, and what is owed.
    shown: Marks,
    /// What agents are asked for; none where nothing is owed.
    owed: Option<CatchUp>,
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
        let owed = floor.map(|floor| CatchUp::new(floor, by_time, &cluster));
        Ok(Self {
            relay,
            subscriber,
            wanted,
            namespaces,
            cluster,
            shown: marks.clone(),
            marks,
            owed,
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
            tokio::select! {
                response = self.subscriber.next() => self.live(response).await?,
                item = caught(&mut self.owed) => {
                    let cursor = self.cursor(&self.subscriber.cursor());
                    self.give(item, cursor).await?;
                }
            }
        }
    }

    /// What is new.
    async fn live(&mut self, response: WatchResponse) -> Result<(), Gone> {
        let WatchResponse { cursor, item } = response;
        let Some(mut item) = item else {
            return Ok(());
        };
        if let Item::Heartbeat(beat) = &mut item {
            if let Some(marks) = Marks::parse(&std::mem::take(&mut beat.heard)) {
                self.marks = marks;
            }
            self.catch_up();
            beat.owed = { self.owed.as_ref() }.map(|owed| owed.left(&self.relay));
        }
        if let Item::Gap(gap) = &item
            && gap.scope == STREAM
        {
            // It reads slower than agents report, and what it had not read is not held any more: the agents
            // have it, and what was owed before.
            self.show();
            let floor = self.shown.clone();
            self.owed = Some(CatchUp::new(floor, self.by_time, &self.cluster));
            return self.begin_again().await;
        }
        let cursor = self.cursor(&cursor);
        self.give(item, cursor).await
    }

    /// What came before the place in the stream, if that is owed.
    async fn begin_again(&mut self) -> Result<(), Gone> {
        let Some(owed) = &self.owed else {
            return Ok(());
        };
        let from = owed.floor().at(0).saturating_mul(1_000_000);
        self.catch_up();
        let cursor = self.cursor(&self.subscriber.cursor());
        for item in self.relay.silence.items(from) {
            self.give(item, cursor.clone()).await?;
        }
        Ok(())
    }

    /// Has agents asked that were not yet and can be.
    fn catch_up(&mut self) {
        if let Some(owed) = &mut self.owed {
            owed.ask(&self.relay);
        }
        self.show();
    }

    /// What cursors say from now on.
    fn show(&mut self) {
        if { self.owed.as_ref() }.is_some_and(|owed| owed.is_over(&self.relay)) {
            self.owed = None;
        }
        self.shown = match &self.owed {
            None => self.marks.clone(),
            Some(owed) => owed.marks(&self.relay, &self.marks),
        };
    }

    /// The cursor of an item at a place in the stream.
    fn cursor(&self, place: &str) -> String {
        match Place::parse(place) {
            Some(place) => Cursor {
                place,
                marks: self.shown.clone(),
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
}

/// What comes next of what is owed, if anything is.
async fn caught(owed: &mut Option<CatchUp>) -> Item {
    match owed {
        Some(owed) => owed.next().await,
        None => std::future::pending().await,
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
