//! What was reported: a bounded log with a cursor per item, from which any
//! number of clients follow, each at its own pace.
//!
//! Publishing never waits. The log is bounded in items and in bytes. A client that
//! falls behind the log's end, or comes back too late, gets a gap with the exact
//! number of items it misses. The log lives in memory; it has an epoch of its own,
//! so a cursor of an earlier agent is recognised and answered with a gap. Who asks
//! for a time before the log begins gets a gap up to there. A cursor also carries
//! the time of its item, so that each gap says from when on something is missing.

use lapwing_proto::timestamp;
use lapwing_proto::v1::{Gap, WatchResponse, watch_response::Item};
use prost::Message;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;
use tokio::sync::watch;

/// Gaps that the stream itself makes, in `reason`.
pub const SUBSCRIBER_SLOW: &str = "subscriber-slow";
/// As above: a cursor of which the log knows nothing any more.
pub const CURSOR_EXPIRED: &str = "cursor-expired";
/// As above: the log does not reach back as far as was asked.
pub const LOG_TOO_SHORT: &str = "log-too-short";
/// Their `scope`.
pub const STREAM: &str = "stream";

/// The log.
pub struct Feed {
    epoch: String,
    /// When it was begun, in nanoseconds since the Unix epoch.
    started: i64,
    log: Mutex<Log>,
    /// Number of the next item, to wake those who wait.
    next: watch::Sender<u64>,
    subscribers: AtomicU32,
}

struct Log {
    items: VecDeque<Entry>,
    next: u64,
    bytes: usize,
    limits: Limits,
}

/// Most that the log holds; one item is always held.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Items.
    pub items: usize,
    /// Bytes of memory, about.
    pub bytes: usize,
}

struct Entry {
    at: i64,
    item: Arc<Item>,
    bytes: usize,
}

impl Log {
    fn first(&self) -> u64 {
        self.next - self.items.len() as u64
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.items.pop_front() {
            self.bytes -= entry.bytes;
        }
    }

    /// Time of the oldest item.
    fn begins(&self) -> i64 {
        (self.items.front()).map_or_else(crate::clock::now, |entry| entry.at)
    }
}

/// Memory of an item: its fixed part and its texts.
fn size(item: &Item) -> usize {
    let texts = match item {
        Item::Violation(violation) => violation.encoded_len(),
        Item::Behaviour(behaviour) => behaviour.encoded_len(),
        Item::Gap(gap) => gap.encoded_len(),
        Item::Heartbeat(heartbeat) => heartbeat.encoded_len(),
    };
    size_of::<Entry>() + size_of::<Item>() + texts
}

/// Where a client starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what comes from now on.
    Now,
    /// After the item with this cursor.
    After(String),
    /// With what was reported since this time, in nanoseconds since the Unix epoch.
    Since(i64),
}

/// Not a cursor.
#[derive(Debug, PartialEq, Eq, Error)]
#[error(
    "not a cursor of this stream: give one that `lapwing watch -o json` printed, or a duration like 10m"
)]
pub struct BadCursor;

/// The state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its epoch.
    pub epoch: String,
    /// Number of the oldest item.
    pub first: u64,
    /// Number of the next item.
    pub next: u64,
    /// Clients that follow.
    pub subscribers: u32,
}

impl Feed {
    /// An empty log. `started` (nanoseconds since the Unix epoch) makes the epoch.
    #[must_use]
    pub fn new(limits: Limits, started: i64) -> Self {
        Self {
            epoch: format!("{started:x}"),
            started,
            log: Mutex::new(Log {
                items: VecDeque::new(),
                next: 1,
                bytes: 0,
                limits,
            }),
            next: watch::Sender::new(1),
            subscribers: AtomicU32::new(0),
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // Nothing that holds the lock can leave the log in between.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item at a time, in nanoseconds since the Unix epoch.
    pub fn publish(&self, at: i64, item: Item) {
        let bytes = size(&item);
        let item = Arc::new(item);
        let mut log = self.log();
        while !log.items.is_empty()
            && (log.items.len() >= log.limits.items || log.bytes + bytes > log.limits.bytes)
        {
            log.drop_oldest();
        }
        log.bytes += bytes;
        log.items.push_back(Entry { at, item, bytes });
        log.next += 1;
        let next = log.next;
        drop(log);
        self.next.send_replace(next);
    }

    /// Follows from a place.
    ///
    /// # Errors
    /// When the cursor is none.
    pub fn subscribe(self: &Arc<Self>, start: &Start) -> Result<Subscriber, BadCursor> {
        let woken = self.next.subscribe();
        let log = self.log();
        let (next, seen, lost) = match start {
            Start::Now => (log.next, crate::clock::now(), None),
            Start::Since(time) => {
                let skipped = log
                    .items
                    .iter()
                    .take_while(|entry| entry.at < *time)
                    .count();
                // Items were dropped, or the agent did not run yet.
                let short = *time < self.started || skipped == 0 && log.first() > 1;
                let lost = short.then_some(LOG_TOO_SHORT);
                (log.first() + skipped as u64, *time, lost)
            }
            Start::After(cursor) => {
                let cursor = Cursor::parse(cursor).ok_or(BadCursor)?;
                if cursor.epoch == self.epoch {
                    if cursor.number >= log.next {
                        return Err(BadCursor);
                    }
                    (cursor.number + 1, cursor.at, None)
                } else {
                    (log.first(), cursor.at, Some(CURSOR_EXPIRED))
                }
            }
        };
        drop(log);
        self.subscribers.fetch_add(1, Ordering::Relaxed);
        Ok(Subscriber {
            feed: Arc::clone(self),
            woken,
            next,
            seen,
            lost,
        })
    }

    /// The state of the log.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let log = self.log();
        Summary {
            epoch: self.epoch.clone(),
            first: log.first(),
            next: log.next,
            subscribers: self.subscribers.load(Ordering::Relaxed),
        }
    }

    fn cursor(&self, number: u64, at: i64) -> String {
        format!("{}-{number}-{at:x}", self.epoch)
    }
}

/// A cursor, taken apart. Clients keep it as it is.
struct Cursor<'a> {
    epoch: &'a str,
    number: u64,
    /// Time of the item.
    at: i64,
}

impl<'a> Cursor<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('-');
        let (epoch, number, at) = (parts.next()?, parts.next()?, parts.next()?);
        // A number of an epoch is a time like that of an item, written by `{:x}`.
        u64::from_str_radix(epoch, 16).ok()?;
        let cursor = Self {
            epoch,
            number: number.parse().ok()?,
            at: u64::from_str_radix(at, 16).ok()?.cast_signed(),
        };
        parts.next().is_none().then_some(cursor)
    }
}

/// One client's place in the log.
pub struct Subscriber {
    feed: Arc<Feed>,
    woken: watch::Receiver<u64>,
    /// Number of the item that comes next.
    next: u64,
    /// Up to when it has seen everything, in nanoseconds since the Unix epoch.
    seen: i64,
    /// Why items before the next are missing, and the client is still to be told.
    lost: Option<&'static str>,
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.feed.subscribers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Subscriber {
    /// The next item, as soon as there is one.
    pub async fn next(&mut self) -> WatchResponse {
        loop {
            if let Some(item) = self.try_next() {
                return item;
            }
            // The sender lives as long as the feed, which this holds.
            let _ = self.woken.changed().await;
        }
    }

    /// The next item, if there is one.
    pub fn try_next(&mut self) -> Option<WatchResponse> {
        self.woken.mark_unchanged();
        let log = self.feed.log();
        let first = log.first();
        if let Some(reason) = self.lost.take() {
            // What it missed before the log is not known; what the log dropped since follows.
            let to = match reason {
                LOG_TOO_SHORT if first == 1 => self.feed.started,
                _ => log.begins(),
            };
            self.next = self.next.max(first);
            return Some(self.gap(reason, 0, to));
        }
        if self.next < first {
            let count = first - self.next;
            self.next = first;
            return Some(self.gap(SUBSCRIBER_SLOW, count, log.begins()));
        }
        let entry = log.items.get((self.next - first) as usize)?;
        let (item, at) = (Arc::clone(&entry.item), entry.at);
        drop(log);
        let cursor = self.feed.cursor(self.next, at);
        self.next += 1;
        self.seen = self.seen.max(at);
        Some(WatchResponse {
            cursor,
            item: Some(Item::clone(&item)),
        })
    }

    /// A gap up to a time, with the cursor of the item before the next.
    fn gap(&self, reason: &str, count: u64, to: i64) -> WatchResponse {
        WatchResponse {
            cursor: self.feed.cursor(self.next - 1, to),
            item: Some(Item::Gap(Gap {
                reason: reason.to_owned(),
                count,
                // Clocks may be set back.
                from: Some(timestamp(self.seen.min(to))),
                to: Some(timestamp(to)),
                scope: STREAM.to_owned(),
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::v1::Heartbeat;

    fn beat(number: i64) -> Item {
        Item::Heartbeat(Heartbeat {
            time: Some(timestamp(number)),
            ..Heartbeat::default()
        })
    }

    fn limits(items: usize) -> Limits {
        let bytes = usize::MAX;
        Limits { items, bytes }
    }

    /// A log that begins at 50, with an item each 100.
    fn feed(capacity: usize, items: i64) -> Arc<Feed> {
        let feed = Arc::new(Feed::new(limits(capacity), 50));
        for number in 1..=items {
            feed.publish(number * 100, beat(number));
        }
        feed
    }

    fn gap(response: Option<WatchResponse>) -> Gap {
        match response.and_then(|response| response.item) {
            Some(Item::Gap(gap)) => gap,
            other => panic!("{other:?}"),
        }
    }

    fn times(gap: &Gap) -> (i64, i64) {
        let time = |time: &Option<lapwing_proto::Timestamp>| {
            lapwing_proto::nanoseconds(time.as_ref().unwrap())
        };
        (time(&gap.from), time(&gap.to))
    }

    fn numbers(subscriber: &mut Subscriber) -> Vec<i64> {
        std::iter::from_fn(|| subscriber.try_next())
            .map(|response| match response.item.unwrap() {
                Item::Heartbeat(beat) => i64::from(beat.time.unwrap().nanos),
                Item::Gap(gap) => -i64::try_from(gap.count).unwrap(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// The cursors of everything in the log.
    fn cursors(feed: &Arc<Feed>) -> Vec<String> {
        let mut all = feed.subscribe(&Start::Since(50)).unwrap();
        std::iter::from_fn(|| all.try_next())
            .map(|response| response.cursor)
            .collect()
    }

    #[test]
    fn clients_start_where_they_say() {
        let feed = feed(10, 4);
        let cursors = cursors(&feed);
        let from = |start: Start| numbers(&mut feed.subscribe(&start).unwrap());
        assert_eq!(from(Start::Now), [0; 0]);
        assert_eq!(from(Start::Since(250)), [3, 4]);
        assert_eq!(from(Start::Since(50)), [1, 2, 3, 4]);
        assert_eq!(from(Start::After(cursors[1].clone())), [3, 4]);
        assert_eq!(from(Start::After(cursors[3].clone())), [0; 0]);
        for bad in [
            "", "32", "32-x-1", "32-1", "32-5-1", "32-1-1-1", "xyz!-1-1", "32-1-?",
        ] {
            assert!(feed.subscribe(&Start::After(bad.into())).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_time_before_the_log_gets_a_gap_up_to_the_log() {
        let whole = feed(10, 4);
        let mut early = whole.subscribe(&Start::Since(20)).unwrap();
        let missing = gap(early.try_next());
        assert_eq!(missing.reason, LOG_TOO_SHORT);
        assert_eq!((missing.count, times(&missing)), (0, (20, 50)));
        assert_eq!(numbers(&mut early), [1, 2, 3, 4]);

        // Of eight, the last three are left: 600, 700, 800.
        let short = feed(3, 8);
        for (time, to) in [(20, 600), (450, 600)] {
            let mut early = short.subscribe(&Start::Since(time)).unwrap();
            assert_eq!(times(&gap(early.try_next())), (time, to));
            assert_eq!(numbers(&mut early), [6, 7, 8]);
        }
        let mut within = short.subscribe(&Start::Since(650)).unwrap();
        assert_eq!(numbers(&mut within), [7, 8]);
    }

    #[test]
    fn cursors_resume_without_loss_or_repeat() {
        let feed = feed(10, 2);
        let cursor = cursors(&feed).remove(0);
        feed.publish(300, beat(3));
        assert_eq!(
            numbers(&mut feed.subscribe(&Start::After(cursor)).unwrap()),
            [2, 3]
        );
    }

    #[test]
    fn what_was_dropped_is_counted_exactly_and_has_its_time() {
        let feed = feed(3, 2);
        let cursor = cursors(&feed).remove(1);
        let mut slow = feed.subscribe(&Start::Since(50)).unwrap();
        slow.try_next().unwrap();
        for number in 3..=8 {
            feed.publish(number * 100, beat(number));
        }
        let missing = gap(slow.try_next());
        assert_eq!(missing.reason, SUBSCRIBER_SLOW);
        assert_eq!((missing.count, times(&missing)), (4, (100, 600)));
        assert_eq!(numbers(&mut slow), [6, 7, 8]);
        let mut late = feed.subscribe(&Start::After(cursor)).unwrap();
        let missing = gap(late.try_next());
        assert_eq!((missing.count, times(&missing)), (3, (200, 600)));
        assert_eq!(numbers(&mut late), [6, 7, 8]);
    }

    #[test]
    fn the_log_is_bounded_in_bytes() {
        let item = || {
            Item::Violation(lapwing_proto::v1::Violation {
                nearest: "x".repeat(1000),
                ..Default::default()
            })
        };
        let one = size(&item());
        let bytes = 4 * one;
        let feed = Arc::new(Feed::new(Limits { items: 100, bytes }, 50));
        for number in 0..10 {
            feed.publish(100 + number, item());
        }
        let summary = feed.summary();
        assert_eq!((summary.first, summary.next), (7, 11));
        assert_eq!(feed.log().bytes, bytes);
        let huge = Item::Violation(lapwing_proto::v1::Violation {
            nearest: "x".repeat(10 * one),
            ..Default::default()
        });
        feed.publish(200, huge);
        assert_eq!(feed.summary().first, 11, "one is always held");
    }

    #[test]
    fn a_cursor_of_another_epoch_gets_a_gap() {
        let feed = feed(10, 2);
        let mut back = feed.subscribe(&Start::After("20-77-2a".into())).unwrap();
        let missing = gap(back.try_next());
        assert_eq!(missing.reason, CURSOR_EXPIRED);
        assert_eq!(times(&missing), (42, 100));
        assert_eq!(numbers(&mut back), [1, 2]);
    }

    #[test]
    fn a_gap_s_cursor_resumes_behind_the_gap() {
        let feed = feed(3, 8);
        let mut late = feed.subscribe(&Start::After("32-1-64".into())).unwrap();
        let cursor = late.try_next().unwrap().cursor;
        assert_eq!(
            numbers(&mut feed.subscribe(&Start::After(cursor)).unwrap()),
            [6, 7, 8]
        );
    }

    #[tokio::test]
    async fn those_who_wait_are_woken() {
        let feed = feed(10, 0);
        let mut subscriber = feed.subscribe(&Start::Now).unwrap();
        assert_eq!(feed.summary().subscribers, 1);
        let publisher = Arc::clone(&feed);
        let thread = std::thread::spawn(move || publisher.publish(1, beat(1)));
        assert!(matches!(
            subscriber.next().await.item,
            Some(Item::Heartbeat(_))
        ));
        thread.join().unwrap();
        drop(subscriber);
        assert_eq!(feed.summary().subscribers, 0);
    }
}
