//! What was reported: a bounded log with a cursor per item, from which any
//! number of clients follow, each at its own pace.
//!
//! Publishing never waits. A client that falls behind the log's end, or comes
//! back too late, gets a gap with the exact number of items it misses. The log
//! lives in memory; it has an epoch of its own, so a cursor of an earlier agent is
//! recognised and answered with a gap.

use lapwing_proto::timestamp;
use lapwing_proto::v1::{Gap, WatchResponse, watch_response::Item};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;
use tokio::sync::watch;

/// Gaps that the stream itself makes, in `reason`.
pub const SUBSCRIBER_SLOW: &str = "subscriber-slow";
/// As above: a cursor of which the log knows nothing any more.
pub const CURSOR_EXPIRED: &str = "cursor-expired";
/// Their `scope`.
pub const STREAM: &str = "stream";

/// The log.
pub struct Feed {
    epoch: String,
    log: Mutex<Log>,
    /// Number of the next item, to wake those who wait.
    next: watch::Sender<u64>,
    subscribers: AtomicU32,
}

struct Log {
    items: VecDeque<Entry>,
    next: u64,
    capacity: usize,
}

struct Entry {
    at: i64,
    item: Arc<Item>,
}

impl Log {
    fn first(&self) -> u64 {
        self.next - self.items.len() as u64
    }
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
    /// An empty log of so many items. `started` (nanoseconds since the Unix epoch) makes the
    /// epoch.
    #[must_use]
    pub fn new(capacity: usize, started: i64) -> Self {
        Self {
            epoch: format!("{started:x}"),
            log: Mutex::new(Log {
                items: VecDeque::new(),
                next: 1,
                capacity,
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
        let mut log = self.log();
        if log.items.len() >= log.capacity {
            log.items.pop_front();
        }
        log.items.push_back(Entry {
            at,
            item: Arc::new(item),
        });
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
        let (next, lost_epoch) = match start {
            Start::Now => (log.next, false),
            Start::Since(time) => {
                let skipped = log
                    .items
                    .iter()
                    .take_while(|entry| entry.at < *time)
                    .count();
                (log.first() + skipped as u64, false)
            }
            Start::After(cursor) => {
                let (epoch, number) = cursor.split_once('-').ok_or(BadCursor)?;
                let number: u64 = number.parse().map_err(|_| BadCursor)?;
                if epoch == self.epoch {
                    if number >= log.next {
                        return Err(BadCursor);
                    }
                    (number + 1, false)
                } else {
                    u64::from_str_radix(epoch, 16).map_err(|_| BadCursor)?;
                    (log.first(), true)
                }
            }
        };
        drop(log);
        self.subscribers.fetch_add(1, Ordering::Relaxed);
        Ok(Subscriber {
            feed: Arc::clone(self),
            woken,
            next,
            lost_epoch,
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

    fn cursor(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch)
    }
}

/// One client's place in the log.
pub struct Subscriber {
    feed: Arc<Feed>,
    woken: watch::Receiver<u64>,
    /// Number of the item that comes next.
    next: u64,
    /// The cursor was of another epoch, and the client is still to be told.
    lost_epoch: bool,
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
        if self.lost_epoch {
            self.lost_epoch = false;
            let to = log
                .items
                .front()
                .map_or_else(crate::clock::now, |entry| entry.at);
            return Some(self.gap(CURSOR_EXPIRED, 0, to, first.saturating_sub(1)));
        }
        if self.next < first {
            let count = first - self.next;
            let to = log
                .items
                .front()
                .map_or_else(crate::clock::now, |entry| entry.at);
            drop(log);
            self.next = first;
            return Some(self.gap(SUBSCRIBER_SLOW, count, to, first - 1));
        }
        let item = Arc::clone(&log.items.get((self.next - first) as usize)?.item);
        drop(log);
        let cursor = self.feed.cursor(self.next);
        self.next += 1;
        Some(WatchResponse {
            cursor,
            item: Some(Item::clone(&item)),
        })
    }

    /// A gap, with the cursor of the item before the next.
    fn gap(&self, reason: &str, count: u64, to: i64, before: u64) -> WatchResponse {
        WatchResponse {
            cursor: self.feed.cursor(before),
            item: Some(Item::Gap(Gap {
                reason: reason.to_owned(),
                count,
                from: None,
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

    fn feed(capacity: usize, items: i64) -> Arc<Feed> {
        let feed = Arc::new(Feed::new(capacity, 0xabc));
        for number in 1..=items {
            feed.publish(number * 100, beat(number));
        }
        feed
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

    #[test]
    fn clients_start_where_they_say() {
        let feed = feed(10, 4);
        let from = |start: Start| numbers(&mut feed.subscribe(&start).unwrap());
        assert_eq!(from(Start::Now), [0; 0]);
        assert_eq!(from(Start::Since(250)), [3, 4]);
        assert_eq!(from(Start::Since(0)), [1, 2, 3, 4]);
        assert_eq!(from(Start::After("abc-2".into())), [3, 4]);
        assert_eq!(from(Start::After("abc-4".into())), [0; 0]);
        for bad in ["", "abc", "abc-x", "abc-5", "xyz!-1"] {
            assert!(feed.subscribe(&Start::After(bad.into())).is_err(), "{bad}");
        }
    }

    #[test]
    fn cursors_resume_without_loss_or_repeat() {
        let feed = feed(10, 2);
        let mut first = feed.subscribe(&Start::Since(0)).unwrap();
        let cursor = first.try_next().unwrap().cursor;
        drop(first);
        feed.publish(300, beat(3));
        assert_eq!(
            numbers(&mut feed.subscribe(&Start::After(cursor)).unwrap()),
            [2, 3]
        );
    }

    #[test]
    fn what_was_dropped_is_counted_exactly() {
        let feed = feed(3, 0);
        let mut slow = feed.subscribe(&Start::Now).unwrap();
        for number in 1..=8 {
            feed.publish(number, beat(number));
        }
        assert_eq!(numbers(&mut slow), [-5, 6, 7, 8]);
        let mut late = feed.subscribe(&Start::After("abc-2".into())).unwrap();
        assert_eq!(numbers(&mut late), [-3, 6, 7, 8]);
    }

    #[test]
    fn a_cursor_of_another_epoch_gets_a_gap() {
        let feed = feed(10, 2);
        let mut back = feed.subscribe(&Start::After("ffff-77".into())).unwrap();
        let gap = back.try_next().unwrap();
        let Some(Item::Gap(gap)) = gap.item else {
            panic!("{gap:?}")
        };
        assert_eq!(gap.reason, CURSOR_EXPIRED);
        assert_eq!(numbers(&mut back), [1, 2]);
    }

    #[test]
    fn a_gap_s_cursor_resumes_behind_the_gap() {
        let feed = feed(3, 8);
        let mut late = feed.subscribe(&Start::After("abc-1".into())).unwrap();
        let gap = late.try_next().unwrap();
        assert_eq!(
            numbers(&mut feed.subscribe(&Start::After(gap.cursor)).unwrap()),
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
