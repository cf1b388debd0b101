//! What a client is owed of before its place in the stream, asked of the agents beside it.
//!
//! Each agent is asked for what it has from the client's mark up to what the relay had of it when it was
//! asked. An agent that is away then is asked when it is back. One that does not come to that end in its
//! [turn], because it has much, is slow or lies, goes on where it was in a later turn, after a rest that
//! grows; so it keeps nobody waiting, and what is owed of its node stays owed. With a connection that is
//! new, rests begin anew: that the last one broke says nothing of it.
//!
//! [turn]: TURN

use super::items::{records, whose};
use super::marks::{Marks, digest};
use super::relay::{Askable, Relay};
use crate::clock;
use crate::feed::cursor::Cursor as Place;
use crate::feed::{LOG_TOO_SHORT, STREAM};
use lapwing_proto::nanoseconds;
use lapwing_proto::v1::watch_request::Since;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Owed, WatchRequest, WatchResponse};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tonic::Status;

/// Agents that are asked at a time, for one client.
const ASKED: usize = 64;
/// Of whom something is owed a client is told the names, of so many.
const NAMED: usize = 100;
/// Clocks of agents may be behind or before by so many milliseconds.
const SLACK: i64 = 60_000;
/// One turn of an agent: so long is waited for it, however slow the client is, and for so many messages.
const TURN: Duration = Duration::from_secs(60);
const TURN_MESSAGES: usize = 50_000;
/// Rest between two turns, doubled from the first to the last.
const REST: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(300);

/// What is owed to one client. What is asked for it ends when this is dropped.
pub struct CatchUp {
    /// From where agents are asked.
    floor: Marks,
    /// The nodes of which that was done.
    done: BTreeSet<String>,
    /// Those that were asked, and are not done.
    turns: HashMap<String, Turn>,
    /// Whether the client asked for a time, and not to go on.
    by_time: bool,
    cluster: Arc<str>,
    room: Arc<Semaphore>,
    asking: JoinSet<()>,
    sender: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
}

/// How it stands with an agent that was asked.
#[derive(Default)]
struct Turn {
    /// Up to where the client has what it said.
    place: Option<Place>,
    /// How many turns it had on its connection, and which one of them that is.
    count: u32,
    joined: u64,
    /// When it may be asked again; none while it is asked.
    rested: Option<Instant>,
}

/// What comes of asking.
enum Told {
    Item(Box<Item>),
    /// A turn is over. Says whether all was told, and else up to where.
    Over {
        node: String,
        is_done: bool,
        place: Option<Place>,
    },
}

impl CatchUp {
    /// What agents have from these marks on.
    #[must_use]
    pub fn new(floor: Marks, by_time: bool, cluster: &str) -> Self {
        let (sender, told) = mpsc::channel(ASKED);
        Self {
            floor,
            done: BTreeSet::new(),
            turns: HashMap::new(),
            by_time,
            cluster: cluster.into(),
            room: Arc::new(Semaphore::new(ASKED)),
            asking: JoinSet::new(),
            sender,
            told,
        }
    }

    /// From where agents are asked.
    #[must_use]
    pub const fn floor(&self) -> &Marks {
        &self.floor
    }

    /// Whether nothing is owed any more.
    #[must_use]
    pub fn is_over(&self, relay: &Relay) -> bool {
        !relay.is_young() && relay.names().iter().all(|name| self.done.contains(name))
    }

    /// Of whom something is owed yet, for the client.
    #[must_use]
    pub fn left(&self, relay: &Relay) -> Owed {
        let askable = relay.askable().into_iter().map(|one| one.node);
        let is_left = |node: &String| !self.done.contains(node);
        let mut names: Vec<String> = askable.filter(is_left).collect();
        let asked: BTreeSet<String> = names.iter().cloned().collect();
        let others = relay.names().into_iter().filter(is_left);
        names.extend(others.filter(|node| !asked.contains(node)));
        let nodes = names.len() as u32;
        names.truncate(NAMED);
        Owed {
            nodes,
            asked: asked.len() as u32,
            names,
        }
    }

    /// These marks, and what is owed yet.
    #[must_use]
    pub fn marks(&self, relay: &Relay, marks: &Marks) -> Marks {
        if relay.is_young() {
            return self.floor.clone();
        }
        let names = relay.names().into_iter();
        let owed = names.filter(|name| !self.done.contains(name));
        let owed = owed.map(|name| digest(&name));
        marks
            .clone()
            .lowered(owed.map(|node| (node, self.floor.at(node))))
    }

    /// Asks the agents that are owed, can be asked, and had their rest.
    pub fn ask(&mut self, relay: &Relay) {
        // Of those that ended only what they told is of use.
        while self.asking.try_join_next().is_some() {}
        for one in relay.askable() {
            if self.done.contains(&one.node) {
                continue;
            }
            let turn = self.turns.entry(one.node.clone());
            let turn = turn.or_insert_with(|| Turn::new(one.joined));
            if !turn.begins(one.joined) {
                continue;
            }
            let mut reading = Reading {
                from: self.floor.at(digest(&one.node)),
                by_time: self.by_time,
                cluster: Arc::clone(&self.cluster),
                patience: relay.patience(),
                sender: self.sender.clone(),
                place: turn.place,
                one,
            };
            let room = Arc::clone(&self.room);
            self.asking.spawn(async move {
                let Ok(_turn) = room.acquire_owned().await else {
                    return;
                };
                let over = Told::Over {
                    is_done: reading.read().await.is_some(),
                    place: reading.place,
                    node: reading.one.node,
                };
                // The client may be gone.
                let _ = reading.sender.send(over).await;
            });
        }
    }

    /// What comes next of what is owed, by those that were asked. Nothing is lost where the future is dropped.
    pub async fn next(&mut self) -> Item {
        loop {
            // This holds a sender itself.
            let Some(told) = self.told.recv().await else {
                return std::future::pending().await;
            };
            match told {
                Told::Item(item) => return *item,
                Told::Over {
                    node,
                    is_done: true,
                    ..
                } => {
                    self.turns.remove(&node);
                    self.done.insert(node);
                }
                Told::Over { node, place, .. } => {
                    if let Some(turn) = self.turns.get_mut(&node) {
                        turn.place = place;
                        turn.ended();
                    }
                }
            }
        }
    }
}

impl Turn {
    fn new(joined: u64) -> Self {
        Self {
            rested: Some(Instant::now()),
            joined,
            ..Self::default()
        }
    }

    /// Whether it begins now, on the connection with this number.
    fn begins(&mut self, joined: u64) -> bool {
        if self.joined != joined {
            (self.joined, self.count) = (joined, 0);
            let soon = Instant::now() + REST;
            self.rested = self.rested.map(|at| at.min(soon));
        }
        if self.rested.is_none_or(|at| at > Instant::now()) {
            return false;
        }
        self.rested = None;
        self.count = self.count.saturating_add(1);
        true
    }

    /// It is over, and there is more.
    fn ended(&mut self) {
        self.rested = Some(Instant::now() + rest(self.count));
    }
}

/// After so many turns.
fn rest(count: u32) -> Duration {
    let doubled = 1_u32.checked_shl(count.saturating_sub(1));
    REST.saturating_mul(doubled.unwrap_or(u32::MAX))
        .min(REST_MAX)
}

/// One agent in its turn.
struct Reading {
    one: Askable,
    /// Its mark.
    from: i64,
    by_time: bool,
    cluster: Arc<str>,
    patience: Duration,
    sender: mpsc::Sender<Told>,
    place: Option<Place>,
}

impl Reading {
    /// Reads up to where the relay is; none where that does not come.
    async fn read(&mut self) -> Option<()> {
        let asked = timeout(self.patience, self.ask()).await.ok()?;
        let Ok(mut stream) = asked else {
            // That may be for the place.
            self.place = None;
            return None;
        };
        let mut left = TURN;
        for _ in 0..TURN_MESSAGES {
            let begun = Instant::now();
            let next = timeout(self.patience.min(left), stream.message()).await;
            left = left.saturating_sub(begun.elapsed());
            let response = next.ok()?.ok()??;
            let place = Place::parse(&response.cursor)?;
            let item = { response.item }
                .filter(|item| !is_whole(item, &place, self.from, self.by_time))
                .and_then(|item| whose(&self.one.agent, &self.cluster, item));
            if let Some(item) = item {
                self.sender.send(Told::Item(Box::new(item))).await.ok()?;
            }
            self.place = Some(place);
            if is_over(&place, &self.one.upto) {
                return Some(());
            }
        }
        None
    }

    async fn ask(&self) -> Result<tonic::Streaming<WatchResponse>, Status> {
        let now = clock::now().div_euclid(1_000_000);
        let age = now.saturating_sub(self.from).saturating_add(SLACK).max(0);
        let since = match self.place {
            Some(place) => Since::Cursor(place.to_string()),
            None => Since::AgeMilliseconds(age.unsigned_abs()),
        };
        let request = WatchRequest {
            since: Some(since),
            ..records()
        };
        Ok(self.one.client.clone().watch(request).await?.into_inner())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_up_to_a_bound() {
        let seconds = [1, 2, 5, 9, 10, 33, u32::MAX].map(|count| rest(count).as_secs());
        assert_eq!(seconds, [1, 2, 16, 256, 300, 300, 300]);
    }

    /// How many seconds it waits before its next turn.
    async fn waits(turn: &mut Turn, joined: u64) -> u64 {
        let begun = Instant::now();
        while !turn.begins(joined) {
            tokio::time::sleep(REST).await;
        }
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn rests_begin_anew_with_a_connection() {
        let mut turn = Turn::new(1);
        assert_eq!(waits(&mut turn, 1).await, 0);
        for _ in 0..20 {
            turn.ended();
            waits(&mut turn, 1).await;
        }
        turn.ended();
        tokio::time::sleep(REST * 10).await;
        assert!(!turn.begins(1), "it rests for long");
        assert_eq!(waits(&mut turn, 2).await, 1);
        turn.ended();
        assert_eq!(waits(&mut turn, 2).await, 1);
        turn.ended();
        assert_eq!(waits(&mut turn, 2).await, 2);
        // One that broke while it was asked is told of first.
        assert!(!turn.begins(3));
        turn.ended();
        assert_eq!(waits(&mut turn, 3).await, 1);
        // And one that breaks each time has its rest each time.
        turn.ended();
        assert!(!turn.begins(4));
    }
}
