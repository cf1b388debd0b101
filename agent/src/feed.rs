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

/// An item as it goes over the wire, without its cursor: a fifth of what its fields take in memory,
/// in one block.
struct Entry {
    at: i64,
    bytes: Box<[u8]>,
}

/// What the allocator takes for a block besides.
const BLOCK: usize = 16;

impl Entry {
    fn new(at: i64, item: Item) -> Self {
        let response = WatchResponse {
            cursor: String::new(),
            item: Some(item),
        };
        let bytes = response.encode_to_vec().into();
        Self { at, bytes }
    }

    /// Memory that it takes.
    const fn size(&self) -> usize {
        size_of::<Self>() + BLOCK + self.bytes.len()
    }

    /// The item, with its cursor.
    fn response(bytes: &[u8], cursor: String) -> WatchResponse {
        match WatchResponse::decode(bytes) {
            Ok(response) => WatchResponse { cursor, ..response },
            Err(error) => unreachable!("it was encoded here: {error}"),
        }
    }
}

impl Log {
    fn first(&self) -> u64 {
        self.next - self.items.len() as u64
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.items.pop_front() {
            self.bytes -= entry.size();
        }
    }

    /// Time of the oldest item.
    fn begins(&self) -> i64 {
        (self.items.front()).map_or_else(crate::clock::now, |entry| entry.at)
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
        let entry = Entry::new(at, item);
        let bytes = entry.size();
        let mut log = self.log();
        while !log.items.is_empty()
            && (log.items.len() >= log.limits.items || log.bytes + bytes > log.limits.bytes)
        {
            log.drop_oldest();
        }
        log.bytes += bytes;
        log.items.push_back(entry);
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
        let (bytes, at) = (entry.bytes.clone(), entry.at);
        drop(log);
        let cursor = self.feed.cursor(self.next, at);
        self.next += 1;
        self.seen = self.seen.max(at);
        Some(Entry::response(&bytes, cursor))
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
mod tests;
