//! What was reported: a log with a cursor per item, from which any number of clients follow, each at
//! its own pace, over restarts of theirs and of the agent.
//!
//! Violations and gaps are records: they are written to segments on disk before anybody gets them
//! (see [`spool`], [`writer`]). Behaviours and heartbeats are in memory alone. The end of the stream
//! is held in memory, bounded in items and in bytes; who is further behind reads the segments (see
//! [`subscriber`]). What a client missed it is told as a gap, with the exact number where that can be
//! known. Publishing never waits for a disk for longer than [`PATIENCE`], and that once: then
//! the feed goes on from memory, which [`Feed::trouble`] says, until the disk is back.
//!
//! A feed without a folder is in memory alone. A cursor of another log is recognised and answered
//! with a gap. Who asks for a time before the log begins gets a gap up to there. A cursor also carries
//! the time of its item, so that each gap says from when on something is missing. `docs/feed.md` is
//! for those who read the stream.

pub mod cursor;
mod late;
mod memory;
pub mod positions;
mod recover;
pub mod segment;
pub mod spool;
mod subscriber;
mod writer;

pub use memory::{Limits, Trouble};
pub use subscriber::Subscriber;
pub use writer::Sync;

use crate::clock;
use anyhow::{Context, Result};
use cursor::{Cursor, Epoch};
use lapwing_encode::redact::Redaction;
use lapwing_proto::v1::watch_response::Item;
use memory::{Entry, Memory};
use positions::Positions;
use spool::{Caps, Index, Spool};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;

/// Gaps that the stream itself makes, in `reason`: what a client had not read was dropped.
pub const SUBSCRIBER_SLOW: &str = "subscriber-slow";
/// As above: a cursor of which the log knows nothing any more.
pub const CURSOR_EXPIRED: &str = "cursor-expired";
/// As above: the log does not reach back as far as was asked.
pub const LOG_TOO_SHORT: &str = "log-too-short";
/// As above: records that were never written, or that cannot be read back.
pub const LOG_LOST: &str = "log-lost";
/// As above: behaviours, which are in memory alone, and were dropped there.
pub const BEHAVIOURS_DROPPED: &str = "behaviours-dropped";
/// Their `scope`.
pub const STREAM: &str = "stream";

/// How long the pipeline waits for a disk while memory is full of what is not written.
pub const PATIENCE: Duration = Duration::from_millis(100);

/// The log.
pub struct Feed {
    shared: Arc<Shared>,
    /// Whether there is to be one on disk.
    durable: bool,
    syncing: Arc<writer::Syncing>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Where the log in memory begins, in nanoseconds since the Unix epoch.
    started: i64,
    /// Number of the last behaviour of the agents before.
    first_behaviour: u64,
    subscribers: AtomicU32,
    /// What is hidden in each item, before it is kept anywhere.
    redaction: Redaction,
}

/// What the threads share.
struct Shared {
    memory: Mutex<Memory>,
    /// A record was published, or the feed ends.
    published: Condvar,
    /// Something was written, or will not be for now.
    room: Condvar,
    /// Ordinal of the first item that is not offered, to wake those who wait.
    offered: watch::Sender<u64>,
    /// Bytes that were written.
    written: AtomicU64,
    /// What is on disk, once it could be opened. It is set with memory locked.
    disk: OnceLock<Disk>,
}

/// The log on disk.
struct Disk {
    index: Arc<Index>,
    /// Where it begins, in nanoseconds since the Unix epoch.
    started: i64,
    /// How far those who follow by name have come.
    consumers: Positions,
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing that holds the lock can leave the memory in between.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes who waits for what was offered.
    fn offer(&self, offered: u64) {
        self.room.notify_all();
        self.offered.send_if_modified(|last| {
            let more = offered > *last;
            *last = offered.max(*last);
            more
        });
    }
}

/// Where and how the log is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder.
    pub folder: PathBuf,
    /// Most that it holds.
    pub caps: Caps,
    /// When it is synced.
    pub sync: Sync,
}

/// Where a client starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what is offered from now on.
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
    /// Number of the oldest record.
    pub first: u64,
    /// Number of the next record.
    pub next: u64,
    /// Clients that follow.
    pub subscribers: u32,
    /// What is on disk; `None` for a feed in memory alone.
    pub spool: Option<SpoolSummary>,
    /// Why nothing is written.
    pub trouble: Option<Trouble>,
    /// Records that were dropped before they could be written.
    pub lost: u64,
}

/// What is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolSummary {
    /// Segments.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest was begun, in nanoseconds since the Unix epoch.
    pub oldest: Option<i64>,
    /// Bytes that were written since the start.
    pub written: u64,
}

impl Feed {
    /// A feed in memory alone. `started` (nanoseconds since the Unix epoch) makes the epoch.
    #[must_use]
    pub fn new(limits: Limits, started: i64) -> Self {
        let Epoch { log, era } = Epoch::begin(started);
        let memory = Memory::new(limits, log, vec![era], 1, 0);
        Self::of(memory, false, started, 0)
    }

    fn of(memory: Memory, durable: bool, started: i64, first_behaviour: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                memory: Mutex::new(memory),
                published: Condvar::new(),
                room: Condvar::new(),
                offered: watch::Sender::new(0),
                written: AtomicU64::new(0),
                disk: OnceLock::new(),
            }),
            durable,
            syncing: Arc::default(),
            threads: Mutex::default(),
            started,
            first_behaviour,
            subscribers: AtomicU32::new(0),
            redaction: Redaction::default(),
        }
    }

    /// Hides what the rules say in all that is published from now on.
    #[must_use]
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// How far those who follow by name have come; `None` while the feed is in memory alone, and has
    /// nowhere to keep it.
    #[must_use]
    pub fn consumers(&self) -> Option<&Positions> {
        self.shared.disk.get().map(|disk| &disk.consumers)
    }

    fn index(&self) -> Option<&Arc<Index>> {
        self.shared.disk.get().map(|disk| &disk.index)
    }

    /// Where the log begins, in nanoseconds since the Unix epoch.
    fn started(&self) -> i64 {
        self.shared
            .disk
            .get()
            .map_or(self.started, |disk| disk.started)
    }

    /// A feed with a log on disk, which goes on where it ended. `started` is in nanoseconds since
    /// the Unix epoch.
    ///
    /// # Errors
    /// When the log can be neither read nor begun, or there is no room for a thread.
    pub fn open(limits: Limits, started: i64, settings: &Settings) -> Result<Self> {
        let (disk, opened) = late::open(settings, started)?;
        // Behaviours of this agent have higher numbers than those of the agents before.
        let behaviour = started.cast_unsigned();
        let (log, eras, next) = (opened.log, opened.eras, opened.next);
        let memory = Memory::new(limits, log, eras, next, behaviour);
        let feed = Self::of(memory, true, log.cast_signed(), behaviour);
        let _ = feed.shared.disk.set(disk);
        feed.begin(settings, |_| Some(opened.spool))?;
        Ok(feed)
    }

    /// A feed whose log could not be opened, for this reason. It says so by [`Feed::trouble`], holds
    /// reports in memory, and tries again, `first` after this much and then each time after twice as long,
    /// up to half a minute. When the log can be opened, it goes on with what memory holds.
    ///
    /// # Errors
    /// When there is no room for a thread.
    pub fn open_later(
        limits: Limits,
        started: i64,
        settings: &Settings,
        error: &anyhow::Error,
        first: Duration,
    ) -> Result<Self> {
        let Epoch { log, era } = Epoch::begin(started);
        let behaviour = started.cast_unsigned();
        let mut memory = Memory::new(limits, log, vec![era], 1, behaviour);
        let detail = late::detail(error);
        tracing::error!("{detail}");
        memory.trouble = Some(Trouble {
            detail,
            since: started,
        });
        let feed = Self::of(memory, true, started, behaviour);
        let again = settings.clone();
        feed.begin(settings, move |shared| {
            late::wait(shared, &again, started, first)
        })?;
        Ok(feed)
    }

    /// Begins the threads that write and sync, the former with what it writes to.
    fn begin(
        &self,
        settings: &Settings,
        spool: impl FnOnce(&Shared) -> Option<Spool> + Send + 'static,
    ) -> Result<()> {
        let mut threads = Vec::new();
        let begin = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.to_owned());
            thread
                .spawn(work)
                .context("no room for a thread of the feed")
        };
        let (shared, syncing) = (Arc::clone(&self.shared), Arc::clone(&self.syncing));
        let sync = settings.sync;
        let write = move || {
            if let Some(spool) = spool(&shared) {
                writer::write(&shared, &syncing, spool, sync);
            }
        };
        threads.push(begin("feed-write", Box::new(write))?);
        if let Sync::Interval(interval) = sync {
            let (shared, syncing) = (Arc::clone(&self.shared), Arc::clone(&self.syncing));
            let folder = settings.folder.clone();
            let sync = move || writer::sync(&shared, &syncing, &folder, interval);
            threads.push(begin("feed-sync", Box::new(sync))?);
        }
        self.threads().extend(threads);
        Ok(())
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item at a time, in nanoseconds since the Unix epoch.
    pub fn publish(&self, at: i64, item: Item) {
        let entry = Entry::new(at, item, &self.redaction);
        let durable = self.durable;
        let mut memory = self.shared.memory();
        while !memory.has_room(&entry) {
            if durable && !memory.may_drop() {
                let waited = self.shared.room.wait_timeout(memory, PATIENCE);
                let (woken, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                memory = woken;
                if waited.timed_out() && !memory.may_drop() {
                    let detail = format!(
                        "the disk of the feed takes longer than {} ms to write, and memory is full: reports \
                         are held in memory alone until it is back; look at its load, or raise `feed.bytes`",
                        PATIENCE.as_millis()
                    );
                    if memory.fail(detail.clone(), clock::now()) {
                        tracing::error!("{detail}");
                    }
                }
                continue;
            }
            memory.drop_oldest();
        }
        memory.push(entry);
        if !durable {
            memory.unwritten = memory.next;
            memory.offered = memory.end();
        }
        let (unwritten, offered) = (memory.unwritten < memory.next, memory.offered);
        drop(memory);
        if unwritten {
            self.shared.published.notify_one();
        }
        self.shared.offer(offered);
    }

    /// Follows from a place.
    ///
    /// # Errors
    /// When the cursor is none.
    pub fn subscribe(self: &Arc<Self>, start: &Start) -> Result<Subscriber, BadCursor> {
        Subscriber::begin(self, start)
    }

    /// The cursor of what was offered last: after it comes what is offered from now on.
    #[must_use]
    pub fn here(&self) -> String {
        let memory = self.shared.memory();
        let (number, behaviour) = memory.here();
        memory.cursor(number, clock::now(), behaviour)
    }

    /// Records behind a cursor, up to now; `None` if it is none.
    #[must_use]
    pub fn behind(&self, cursor: &str) -> Option<u64> {
        let cursor = Cursor::parse(cursor)?;
        let memory = self.shared.memory();
        let cursor = memory.own(cursor);
        let seen = match cursor.epoch.log == memory.log {
            true => (cursor.number + 1).min(cursor.shared_until(&memory.eras)),
            false => 1,
        };
        Some(memory.next.saturating_sub(seen))
    }

    /// Whether following may begin at a cursor, be it with a gap.
    #[must_use]
    pub fn knows(&self, cursor: &str) -> bool {
        let Some(cursor) = Cursor::parse(cursor) else {
            return false;
        };
        let memory = self.shared.memory();
        let cursor = memory.own(cursor);
        let own = cursor.epoch.log == memory.log && cursor.shared_until(&memory.eras) == u64::MAX;
        !own || cursor.number < memory.next
    }

    /// Whether a cursor may be one of the log on disk while that could not be opened: what is behind it
    /// there, nobody can say yet.
    #[must_use]
    pub fn awaits(&self, cursor: &str) -> bool {
        let memory = self.shared.memory();
        let own = Cursor::parse(cursor).is_some_and(|cursor| cursor.epoch.log == memory.log);
        self.durable && self.consumers().is_none() && !own
    }

    /// Whether the first cursor names a later place than the second; both of this log.
    #[must_use]
    pub fn is_later(&self, cursor: &str, than: &str) -> bool {
        let (Some(cursor), Some(than)) = (Cursor::parse(cursor), Cursor::parse(than)) else {
            return false;
        };
        let memory = self.shared.memory();
        let (cursor, than) = (memory.own(cursor), memory.own(than));
        let place = |cursor: &Cursor| {
            let until = cursor.shared_until(&memory.eras).saturating_sub(1);
            (cursor.number.min(until), cursor.behaviour, cursor.at)
        };
        // Of another log there is no order: who acknowledges knows what it follows.
        cursor.epoch.log != than.epoch.log || place(&cursor) > place(&than)
    }

    /// Why nothing is written, while nothing is.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.shared.memory().trouble.clone()
    }

    /// The state of the log.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let oldest = self.index().and_then(|index| index.oldest());
        let memory = self.shared.memory();
        let spool = self.index().map(|index| {
            let (segments, bytes) = index.size();
            SpoolSummary {
                segments: segments as u64,
                bytes,
                oldest: oldest.map(|(_, created)| created),
                written: self.shared.written.load(Ordering::Relaxed),
            }
        });
        Summary {
            epoch: memory.epoch().to_string(),
            first: oldest.map_or(memory.first(), |(first, _)| first.min(memory.first())),
            next: memory.next,
            subscribers: self.subscribers.load(Ordering::Relaxed),
            spool,
            trouble: memory.trouble.clone(),
            lost: memory.lost,
        }
    }

    /// Whether what is published now may be in memory alone, as [`Feed::end`] was called.
    #[must_use]
    pub fn ending(&self) -> bool {
        self.shared.memory().ending
    }

    /// Writes what is not written, has it synced, and ends the threads. What is published later is
    /// in memory alone.
    pub fn end(&self) {
        self.shared.memory().ending = true;
        self.shared.published.notify_all();
        for (index, thread) in self.threads().drain(..).enumerate() {
            if index == 1 {
                self.syncing.end();
            }
            if thread.join().is_err() {
                tracing::error!("a thread of the feed panicked");
            }
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests;
