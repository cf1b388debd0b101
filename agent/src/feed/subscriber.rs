//! One client's place in the stream.
//!
//! A client that keeps up is served from memory. One that is behind what memory holds reads the
//! segments, some tens of KiB at a time and not on a thread that serves others, until it has
//! caught up. Its place is the number of the last record it got, so that neither way gives one twice
//! or leaves one out; a number that neither has any more is told as a gap.

use super::cursor::Cursor;
use super::memory::{Entry, Kind, Memory};
use super::spool::{Index, Place, Read, Record};
use super::{
    BEHAVIOURS_DROPPED, BadCursor, CURSOR_EXPIRED, Feed, LOG_LOST, LOG_TOO_SHORT, STREAM,
    SUBSCRIBER_SLOW, Start,
};
use crate::clock;
use lapwing_proto::timestamp;
use lapwing_proto::v1::{Gap, WatchResponse, watch_response::Item};
use prost::Message;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;

/// One client's place in the log.
pub struct Subscriber {
    feed: Arc<Feed>,
    woken: watch::Receiver<u64>,
    /// Number of the record that comes next.
    next: u64,
    /// What numbers had grown by when that was set, see [`Memory::adopt`].
    shift: u64,
    /// Number of the last behaviour it got, in the place of which the next record is.
    passed: u64,
    /// Number of the last behaviour that is accounted for; `None` where it never followed them.
    behaviour: Option<u64>,
    /// Ordinal of the next item, while memory has it.
    ordinal: Option<u64>,
    /// Where the segments are read on.
    place: Option<Place>,
    /// What was read from them.
    read: VecDeque<Record>,
    /// Everything up to before this was read or is lost.
    read_upto: u64,
    /// What is older is not wanted, up to the first that is.
    since: Option<i64>,
    /// Up to when it has seen everything, in nanoseconds since the Unix epoch.
    seen: i64,
    /// Why something before the next is missing, how many, and up to when; still to be told.
    lost: Option<(&'static str, u64, Option<i64>)>,
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.feed.subscribers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is to be done next.
#[expect(
    clippy::large_enum_variant,
    reason = "it is on the stack for a moment, once for each item"
)]
enum Step {
    Give(WatchResponse),
    /// Read from the segments what memory has not: everything before this number.
    Read(Arc<Index>, u64),
    Wait,
}

impl Subscriber {
    pub(super) fn begin(feed: &Arc<Feed>, start: &Start) -> Result<Self, BadCursor> {
        let woken = feed.shared.offered.subscribe();
        let memory = feed.shared.memory();
        let (number, behaviour) = memory.here();
        let mut new = Self {
            feed: Arc::clone(feed),
            woken,
            next: number + 1,
            shift: memory.shift,
            passed: behaviour,
            behaviour: Some(behaviour),
            ordinal: Some(memory.offered),
            place: None,
            read: VecDeque::new(),
            read_upto: 0,
            since: None,
            seen: clock::now(),
            lost: None,
        };
        match start {
            Start::Now => {}
            Start::Since(time) => new.since(*time, &memory),
            Start::After(cursor) => {
                let cursor = Cursor::parse(cursor).ok_or(BadCursor)?;
                new.after(cursor, &memory)?;
            }
        }
        drop(memory);
        feed.subscribers.fetch_add(1, Ordering::Relaxed);
        Ok(new)
    }

    fn since(&mut self, time: i64, memory: &Memory) {
        let held = memory.items.front().is_some_and(|first| first.at <= time);
        let oldest = self.feed.index().and_then(|index| index.oldest());
        self.seen = time;
        self.since = Some(time);
        self.behaviour = None;
        match (self.feed.index(), oldest) {
            (Some(index), Some((first, created))) if !held && first < memory.first() => {
                self.ordinal = None;
                self.next = index.since(time).unwrap_or(first);
                self.passed = 0;
                let begins = self.feed.started();
                if time < begins || time < created && first > 1 {
                    let to = (first == 1).then_some(begins);
                    self.lost = Some((LOG_TOO_SHORT, 0, to));
                }
            }
            _ => {
                let skipped = memory.items.iter().take_while(|entry| entry.at < time);
                let skipped = skipped.count() as u64;
                self.ordinal = Some(memory.base + skipped);
                self.next = memory.first();
                // Items were dropped, or the agent did not run yet.
                if time < self.feed.started() || skipped == 0 && memory.base > 0 {
                    let to = (memory.base == 0).then_some(self.feed.started());
                    self.lost = Some((LOG_TOO_SHORT, 0, to));
                }
            }
        }
    }

    fn after(&mut self, cursor: Cursor, memory: &Memory) -> Result<(), BadCursor> {
        let cursor = memory.own(cursor);
        self.seen = cursor.at;
        self.ordinal = None;
        self.passed = cursor.behaviour;
        self.behaviour = (cursor.behaviour > self.feed.first_behaviour).then_some(cursor.behaviour);
        if cursor.epoch.log != memory.log {
            self.next = 1;
            self.passed = 0;
            self.behaviour = None;
            self.next = match self.feed.index().and_then(|index| index.oldest()) {
                Some((first, _)) => first.min(memory.first()),
                None => memory.first(),
            };
            self.lost = Some((CURSOR_EXPIRED, 0, None));
            return Ok(());
        }
        let until = cursor.shared_until(&memory.eras).min(memory.next.max(1));
        if cursor.number >= until {
            if cursor.shared_until(&memory.eras) == u64::MAX {
                // Of this very era, and of a record that was never published.
                return Err(BadCursor);
            }
            // What the client got from here on is not in the log any more.
            self.lost = Some((LOG_LOST, 0, None));
            self.passed = 0;
        }
        self.next = (cursor.number + 1).min(until);
        Ok(())
    }

    /// The cursor of where it is: to begin there is to go on.
    #[must_use]
    pub fn cursor(&self) -> String {
        let memory = self.feed.shared.memory();
        let next = self.next + (memory.shift - self.shift);
        memory.cursor(next.saturating_sub(1), self.seen, self.passed)
    }

    /// The next item, as soon as there is one. Nothing is lost where the future is dropped.
    pub async fn next(&mut self) -> WatchResponse {
        loop {
            self.woken.mark_unchanged();
            match self.step() {
                Step::Give(response) => return response,
                Step::Read(index, first) => {
                    let (next, place) = (self.next, self.place);
                    let read = match tokio::runtime::Handle::try_current() {
                        Ok(runtime) => runtime
                            .spawn_blocking(move || index.read(next, place))
                            .await
                            .unwrap_or(Read::End),
                        Err(_) => index.read(next, place),
                    };
                    self.take(read, first);
                }
                // The sender lives as long as the feed, which this holds.
                Step::Wait => drop(self.woken.changed().await),
            }
        }
    }

    /// The next item, if there is one. May wait for the disk.
    pub fn try_next(&mut self) -> Option<WatchResponse> {
        loop {
            match self.step() {
                Step::Give(response) => return Some(response),
                Step::Read(index, first) => {
                    let read = index.read(self.next, self.place);
                    self.take(read, first);
                }
                Step::Wait => return None,
            }
        }
    }

    fn take(&mut self, read: Read, first: u64) {
        match read {
            Read::Chunk(mut chunk) => {
                // What the writer has not said to be written is offered by memory, in its time.
                let unwritten = self.feed.shared.memory().unwritten;
                if chunk.upto <= unwritten {
                    self.place = chunk.place;
                } else {
                    chunk.records.retain(|record| record.number < unwritten);
                }
                self.read_upto = chunk.upto.min(unwritten);
                self.read.extend(chunk.records);
            }
            Read::Evicted(first) => {
                let missed = first.saturating_sub(self.next);
                self.miss(SUBSCRIBER_SLOW, missed);
                self.next = first;
            }
            // Memory had dropped them before, and none of them was written.
            Read::End => {
                let missed = first.saturating_sub(self.next);
                self.miss(LOG_LOST, missed);
                self.next = self.next.max(first);
            }
        }
    }

    fn miss(&mut self, reason: &'static str, count: u64) {
        let to = self.lost.take();
        self.lost = Some(match to {
            // What it missed before is not known; this belongs to it.
            Some((reason, 0, to)) => (reason, 0, to),
            Some((_, before, _)) => (reason, before + count, None),
            None => (reason, count, None),
        });
        self.place = None;
    }

    fn step(&mut self) -> Step {
        if let Some(step) = self.give_read() {
            return step;
        }
        let feed = Arc::clone(&self.feed);
        let memory = feed.shared.memory();
        // Before this nothing can have been read from the segments.
        self.next += memory.shift - std::mem::replace(&mut self.shift, memory.shift);
        let held = self.ordinal.filter(|ordinal| *ordinal >= memory.base);
        let ordinal = match held {
            Some(ordinal) => ordinal,
            None if self.next >= memory.first() => memory.behind((self.next - 1, self.passed)),
            None => {
                let first = memory.first();
                self.ordinal = None;
                let written = self.next < memory.unwritten;
                if let Some(index) = feed.index()
                    && written
                    && index.oldest().is_some_and(|(oldest, _)| oldest < first)
                {
                    return Step::Read(Arc::clone(index), first);
                }
                // Dropped from memory, and not on disk.
                let missed = first - self.next;
                self.miss(SUBSCRIBER_SLOW, missed);
                self.next = first;
                memory.behind((first - 1, 0)).max(memory.base)
            }
        };
        self.ordinal = Some(ordinal);
        self.place = None;
        if ordinal >= memory.offered {
            return match self.lost.is_some() && memory.offered == memory.end() {
                true => Step::Give(self.tell(&memory, clock::now())),
                false => Step::Wait,
            };
        }
        let Some(entry) = memory.get(ordinal) else {
            return Step::Wait;
        };
        if self.lost.is_some() {
            return Step::Give(self.tell(&memory, entry.at));
        }
        if let Some(known) = self.behaviour
            && entry.behaviours_before() > known
        {
            let missed = entry.behaviours_before() - known;
            self.behaviour = Some(entry.behaviours_before());
            self.lost = Some((BEHAVIOURS_DROPPED, missed, None));
            return Step::Give(self.tell(&memory, entry.at));
        }
        self.since = None;
        let response = self.of_entry(entry, &memory);
        Step::Give(response)
    }

    /// An item from memory.
    fn of_entry(&mut self, entry: &Entry, memory: &Memory) -> WatchResponse {
        let behaviour = entry.key().1;
        let cursor = memory.cursor(entry.number, entry.at, behaviour);
        self.ordinal = self.ordinal.map(|ordinal| ordinal + 1);
        self.next = entry.number + 1;
        self.passed = behaviour;
        self.behaviour = match entry.kind {
            Kind::Heartbeat => self.behaviour,
            Kind::Record | Kind::Behaviour => Some(entry.behaviour),
        };
        self.seen = self.seen.max(entry.at);
        response(&entry.bytes, cursor)
    }

    /// What was read from the segments.
    fn give_read(&mut self) -> Option<Step> {
        loop {
            let Some(record) = self.read.front() else {
                let missed = self.read_upto.saturating_sub(self.next);
                if self.read_upto > self.next {
                    self.next = self.read_upto;
                    let place = self.place;
                    self.miss(LOG_LOST, missed);
                    self.place = place;
                }
                self.read_upto = 0;
                return None;
            };
            let (number, at) = (record.number, record.at);
            if number < self.next || self.since.is_some_and(|since| at < since) {
                self.next = self.next.max(number + 1);
                self.read.pop_front();
                continue;
            }
            let feed = Arc::clone(&self.feed);
            let memory = feed.shared.memory();
            if number > self.next {
                let missed = number - self.next;
                self.next = number;
                let place = self.place;
                self.miss(LOG_LOST, missed);
                self.place = place;
            }
            if self.lost.is_some() {
                return Some(Step::Give(self.tell(&memory, at)));
            }
            let record = self.read.pop_front()?;
            self.since = None;
            self.next = number + 1;
            self.passed = 0;
            self.seen = self.seen.max(at);
            let cursor = memory.cursor(number, at, 0);
            drop(memory);
            return Some(Step::Give(response(&record.payload, cursor)));
        }
    }

    /// Tells what is missing up to a time, with a cursor after which the next item comes.
    fn tell(&mut self, memory: &Memory, to: i64) -> WatchResponse {
        let (reason, count, up_to) = self.lost.take().unwrap_or((SUBSCRIBER_SLOW, 0, None));
        let to = up_to.unwrap_or(to);
        let from = self.seen.min(to);
        WatchResponse {
            cursor: memory.cursor(self.next - 1, to, self.passed),
            item: Some(Item::Gap(Gap {
                reason: reason.to_owned(),
                count,
                // Clocks may be set back.
                from: Some(timestamp(from)),
                to: Some(timestamp(to)),
                scope: STREAM.to_owned(),
                ..Gap::default()
            })),
        }
    }
}

/// The item, with its cursor. What has its checksum and is no item (another agent's format) is told
/// as lost.
fn response(bytes: &[u8], cursor: String) -> WatchResponse {
    match WatchResponse::decode(bytes) {
        Ok(response) => WatchResponse { cursor, ..response },
        Err(_) => WatchResponse {
            cursor,
            item: Some(Item::Gap(Gap {
                reason: LOG_LOST.to_owned(),
                count: 1,
                scope: STREAM.to_owned(),
                ..Gap::default()
            })),
        },
    }
}
