//! The path of reports to one receiver.
//!
//! What is taken is stored as a position; what cannot be taken now is tried again for as long as it
//! takes; what the receiver refuses is halved until what it refuses stands alone, and that is given
//! up: counted, and told of by a gap in the feed, so that no receiver, this one included, is
//! left to believe that it has everything. A refusal of the agent itself gives nothing up: a person
//! mends it, and until then the sink is blocked and says so.
//!
//! Gaps of many such losses are one: a gap for the first, then at most one a minute. Until one is told
//! the position stays before what was given up, so that an agent that is killed or ends meets it
//! again, and tells of it then.
//!
//! While the log on disk cannot be opened, a position in it means nothing to the feed. What is reported
//! meanwhile is delivered, and the position stays: when the log is there the sink goes on from it, and so
//! delivers what it had not read, and then what it delivered meanwhile once more, by the same ids.

use super::backoff::Backoff;
use super::outcome::{Kind, Outcome, Problem, Verdict};
use super::record::{Encoder, Record};
use super::state::Shared;
use super::transport::Transport;
use crate::config::sinks::Sink;
use crate::feed::positions::Positions;
use crate::feed::{Feed, Start, Subscriber};
use crate::jitter::{chance, jitter};
use lapwing_proto::timestamp;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Gap, WatchResponse};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

/// The reason of gaps that say what a receiver refused.
pub const SINK_REFUSED: &str = "sink-refused";
/// How long at least between two of them.
const TELL: Duration = Duration::from_secs(60);
/// How often the position is stored while nothing is sent.
const IDLE: Duration = Duration::from_secs(30);
/// How often it is looked whether the log is there that has the position.
const AWAITED: Duration = Duration::from_secs(1);
/// How long after its time a batch may take what is there already.
const LATE: Duration = Duration::from_millis(50);

/// One sink at work.
pub struct Delivery {
    /// Its name.
    pub name: String,
    /// Where reports come from, and gaps go to.
    pub feed: Arc<Feed>,
    /// Where its position is stored.
    pub positions: Arc<Positions>,
    /// Writes reports.
    pub encoder: Encoder,
    /// Sends them.
    pub transport: Transport,
    /// How many at once, and when again.
    pub config: Sink,
    /// What is shown of it.
    pub state: Arc<Shared>,
    /// Turns true when the agent ends.
    pub ending: watch::Receiver<bool>,
    /// Whether its position is in a log that could not be opened yet. It stays while this is so.
    pub awaits: bool,
}

/// What is sent at once.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    bytes: usize,
    /// The place behind the last report that was looked at, wanted or not.
    cursor: String,
}

/// The agent ends before the receiver has taken what it was sent.
struct Ending;

/// What was given up and not told of.
#[derive(Default)]
struct Lost {
    count: u64,
    from: i64,
    to: i64,
    told: Option<Instant>,
}

impl Delivery {
    /// Delivers until the agent ends.
    pub async fn run(mut self, mut subscriber: Subscriber) {
        let mut lost = Lost::default();
        let mut held = None;
        loop {
            if self.awaits && self.feed.consumers().is_some() {
                // What is held lies behind the position: it comes again.
                held = None;
                subscriber = self.subscribe().await;
                tracing::info!(
                    sink = self.name,
                    "the log of the feed is there: the sink goes on from its position in it"
                );
            }
            let (batch, ended) = self.collect(&mut subscriber, &mut held).await;
            let cursor = batch.cursor.clone();
            if self.deliver(batch.records, &mut lost).await.is_err() {
                self.tell(&mut lost, true);
                return;
            }
            self.tell(&mut lost, ended);
            // What is held lies behind it.
            if !cursor.is_empty() && lost.count == 0 {
                self.store(cursor).await;
            }
            if ended {
                return;
            }
        }
    }

    /// Goes on where it was, or begins now. Where the log is not there in which it was, it delivers from
    /// memory until then.
    pub async fn subscribe(&mut self) -> Subscriber {
        let position = match self.positions.get(&self.name) {
            Some(position) => position,
            None => {
                let here = self.feed.here();
                self.store(here.clone()).await;
                here
            }
        };
        self.awaits = self.feed.awaits(&position);
        if self.awaits {
            tracing::warn!(
                sink = self.name,
                "the log that has the sink's position cannot be opened: it delivers from memory, and goes on \
                 from that position when it can"
            );
        }
        (self.feed.subscribe(&Start::After(position))).unwrap_or_else(|error| {
            tracing::warn!(
                sink = self.name,
                "the stored position cannot be used ({error}): everything that is kept is sent"
            );
            (self.feed.subscribe(&Start::Since(0)))
                .unwrap_or_else(|error| unreachable!("a time is no cursor: {error}"))
        })
    }

    /// Takes what is there, and what comes in a moment. Says whether nothing comes any more.
    async fn collect(
        &mut self,
        subscriber: &mut Subscriber,
        held: &mut Option<Record>,
    ) -> (Batch, bool) {
        let mut batch = Batch::default();
        if let Some(record) = held.take() {
            batch.add(record);
        }
        let idle = Instant::now() + if self.awaits { AWAITED } else { IDLE };
        let wait = self.config.batch.wait.duration();
        let mut until = if batch.records.is_empty() {
            idle
        } else {
            Instant::now() + wait
        };
        loop {
            let ending = *self.ending.borrow();
            let response = match ending {
                true => subscriber.try_next(),
                false => tokio::select! {
                    biased;
                    response = timeout_at(until, subscriber.next()) => response.ok(),
                    _ = self.ending.wait_for(|ending| *ending) => continue,
                },
            };
            let Some(response) = response else {
                return (batch, ending);
            };
            let cursor = response.cursor.clone();
            if let Some(record) = self.record(response) {
                if !batch.records.is_empty() {
                    if batch.bytes + record.body.len() > self.config.batch.bytes {
                        *held = Some(record);
                        return (batch, false);
                    }
                } else {
                    until = Instant::now() + wait;
                }
                batch.add(record);
            }
            batch.cursor = cursor;
            self.state.seen();
            if batch.records.len() >= self.config.batch.items
                || batch.bytes >= self.config.batch.bytes
                // Where something is always there, waiting for more never ends by itself.
                || Instant::now() >= until + LATE
            {
                return (batch, false);
            }
        }
    }

    fn record(&self, response: WatchResponse) -> Option<Record> {
        match self.encoder.wants(&response) {
            true => self.encoder.record(response),
            false => None,
        }
    }

    /// Sends all of it, in order.
    async fn deliver(&mut self, records: Vec<Record>, lost: &mut Lost) -> Result<(), Ending> {
        let mut backoff = Backoff::new(&self.config.retry);
        let mut waiting = VecDeque::from([records]);
        while let Some(mut records) = waiting.pop_front() {
            if records.is_empty() {
                continue;
            }
            let problem = match self.transport.send(&records).await {
                outcome @ (Outcome::Taken(_) | Outcome::Partly(..)) => {
                    match outcome {
                        Outcome::Partly(count, why) => self.partly(&records, count, &why, lost),
                        _ => self.taken(records.iter()),
                    }
                    backoff.reset();
                    // What comes behind it may take long.
                    if let (Some(last), false, 0) = (records.last(), waiting.is_empty(), lost.count)
                    {
                        self.store(last.response.cursor.clone()).await;
                    }
                    continue;
                }
                Outcome::Each(verdicts, problem) => {
                    let again = self.each(records, &verdicts, lost);
                    let moved = verdicts.iter().any(|verdict| *verdict != Verdict::Again);
                    if moved {
                        backoff.reset();
                    }
                    records = again;
                    match problem {
                        Some(problem) => problem,
                        None if moved => {
                            waiting.push_front(records);
                            continue;
                        }
                        None => Problem::new(Kind::Busy, "nothing was taken, nothing refused", ""),
                    }
                }
                Outcome::Not(problem) => problem,
            };
            let wait = match problem.kind {
                Kind::TooLarge | Kind::Refused if records.len() > 1 => {
                    let second = records.split_off(records.len() / 2);
                    waiting.push_front(second);
                    waiting.push_front(records);
                    continue;
                }
                Kind::TooLarge | Kind::Refused => {
                    self.give_up(&records, problem.kind, &problem.detail, lost);
                    continue;
                }
                Kind::Unreachable | Kind::Busy => backoff.wait(problem.after),
                Kind::Unauthorised | Kind::Misconfigured => {
                    let blocked = jitter(self.config.retry.blocked.duration(), chance());
                    blocked.max(
                        problem
                            .after
                            .unwrap_or_default()
                            .min(super::backoff::AFTER_MAX),
                    )
                }
            };
            self.state.failed(&problem, records.len(), wait);
            waiting.push_front(records);
            self.pause(wait).await?;
        }
        Ok(())
    }

    /// What became of each; gives back what is to be sent again.
    fn each(&self, records: Vec<Record>, verdicts: &[Verdict], lost: &mut Lost) -> Vec<Record> {
        let mut again = Vec::new();
        for (record, verdict) in records.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Taken => self.taken(std::iter::once(&record)),
                Verdict::Refused(why) => self.give_up(&[record], Kind::Refused, why, lost),
                Verdict::Again => again.push(record),
            }
        }
        again
    }

    fn taken<'a>(&self, records: impl Iterator<Item = &'a Record>) {
        let (count, bytes) = records.fold((0, 0), |(count, bytes), record| {
            (count + 1, bytes + record.body.len() as u64)
        });
        self.state.delivered(count, bytes);
    }

    /// So many of them were refused, and nobody says which.
    fn partly(&self, records: &[Record], refused: usize, why: &str, lost: &mut Lost) {
        let taken = records.len().saturating_sub(refused);
        if taken > 0 {
            self.taken(records.iter().take(taken));
        }
        self.state.refused(refused as u64, Kind::Refused, why);
        lost.add(self.told_of(records), refused);
    }

    fn give_up(&self, records: &[Record], kind: Kind, why: &str, lost: &mut Lost) {
        self.state.refused(records.len() as u64, kind, why);
        lost.add(self.told_of(records), records.len());
    }

    /// The times of those whose loss is told: a gap that says of a gap that it was refused would be
    /// refused too.
    fn told_of<'a>(&self, records: &'a [Record]) -> impl Iterator<Item = i64> + 'a {
        let own = format!("sink:{}", self.name);
        let others = records.iter().filter(
            move |record| !matches!(&record.response.item, Some(Item::Gap(gap)) if gap.scope == own),
        );
        others.map(|record| record.time)
    }

    /// Tells by a gap of what was given up, if it is time.
    fn tell(&self, lost: &mut Lost, at_once: bool) {
        let early = lost.told.is_some_and(|told| told.elapsed() < TELL);
        if lost.count == 0 || (early && !at_once) || self.feed.ending() {
            return;
        }
        let gap = Gap {
            reason: SINK_REFUSED.to_owned(),
            count: lost.count,
            from: Some(timestamp(lost.from)),
            to: Some(timestamp(lost.to)),
            scope: format!("sink:{}", self.name),
            ..Gap::default()
        };
        self.feed.publish(crate::clock::now(), Item::Gap(gap));
        // Whether it is still written, nobody knows then.
        if self.feed.ending() {
            return;
        }
        *lost = Lost {
            told: Some(Instant::now()),
            ..Lost::default()
        };
    }

    /// Waits, unless the agent ends.
    async fn pause(&mut self, wait: Duration) -> Result<(), Ending> {
        tokio::select! {
            biased;
            _ = self.ending.wait_for(|ending| *ending) => Err(Ending),
            () = sleep(wait) => Ok(()),
        }
    }

    async fn store(&self, cursor: String) {
        if self.awaits {
            return;
        }
        let (positions, name) = (Arc::clone(&self.positions), self.name.clone());
        let stored = tokio::task::spawn_blocking(move || positions.set(&name, &cursor)).await;
        if let Ok(Err(error)) = stored {
            self.state.position_not_stored(&error);
        }
    }
}

impl Lost {
    /// So many of these, by their times; all of them where there are fewer.
    fn add(&mut self, times: impl Iterator<Item = i64>, most: usize) {
        let (mut count, most) = (0, most as u64);
        for time in times {
            if self.count == 0 && count == 0 {
                (self.from, self.to) = (time, time);
            }
            count += 1;
            self.from = self.from.min(time);
            self.to = self.to.max(time);
        }
        self.count += most.min(count);
    }
}

impl Batch {
    fn add(&mut self, record: Record) {
        self.bytes += record.body.len();
        self.cursor.clone_from(&record.response.cursor);
        self.records.push(record);
    }
}
