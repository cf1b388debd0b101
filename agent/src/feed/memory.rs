//! The end of the stream in memory: what clients who keep up are served from, and what waits to be
//! written.
//!
//! Each item has an ordinal, and a place: the number of the record it is or follows, and for what is
//! not a record the number of the behaviour it is or follows. Items are **offered** in their order: a
//! record once it is written, the others once the records before them are. While nothing can be
//! written, everything is offered at once, in a new era (see [`super::cursor`]).

use super::cursor::{Cursor, Epoch, Era};
use super::spool::{History, Record};
use lapwing_encode::redact::Redaction;
use lapwing_proto::v1::{WatchResponse, watch_response::Item};
use prost::Message;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long no sync may have failed before the trouble is over: a disk that takes writes and fails
/// each sync would begin and end one, and an era, with each.
pub(super) const CALM: Duration = Duration::from_secs(60);

/// Most that memory holds; one item is always held.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Items.
    pub items: usize,
    /// Bytes of memory, about.
    pub bytes: usize,
}

/// What an item is to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A violation or a gap: it is written.
    Record,
    /// A behaviour: it is counted, and in memory alone.
    Behaviour,
    /// A heartbeat: it is not missed.
    Heartbeat,
}

impl Kind {
    const fn of(item: &Item) -> Self {
        match item {
            Item::Violation(_) | Item::Gap(_) => Self::Record,
            Item::Behaviour(_) => Self::Behaviour,
            Item::Heartbeat(_) => Self::Heartbeat,
        }
    }
}

/// An item as it goes over the wire, without its cursor: a fifth of what its fields take in memory,
/// in one block.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub at: i64,
    pub kind: Kind,
    /// Of the record it is or follows.
    pub number: u64,
    /// Of the behaviour it is or follows.
    pub behaviour: u64,
    pub bytes: Arc<[u8]>,
}

/// What the allocator takes for a block besides, and the two counts of one that is shared.
const BLOCK: usize = 32;

impl Entry {
    /// It has no numbers before it is pushed.
    pub fn new(at: i64, item: Item, redaction: &Redaction) -> Self {
        let kind = Kind::of(&item);
        let mut response = WatchResponse {
            cursor: String::new(),
            item: Some(item),
        };
        redaction.apply(&mut response);
        Self {
            at,
            kind,
            number: 0,
            behaviour: 0,
            bytes: response.encode_to_vec().into(),
        }
    }

    /// Memory that it takes.
    pub fn size(&self) -> usize {
        size_of::<Self>() + BLOCK + self.bytes.len()
    }

    /// Its place: a record stands before what follows it.
    pub const fn key(&self) -> (u64, u64) {
        match self.kind {
            Kind::Record => (self.number, 0),
            Kind::Behaviour | Kind::Heartbeat => (self.number, self.behaviour),
        }
    }

    /// Behaviours up to before it.
    pub const fn behaviours_before(&self) -> u64 {
        match self.kind {
            Kind::Behaviour => self.behaviour - 1,
            Kind::Record | Kind::Heartbeat => self.behaviour,
        }
    }
}

/// Why nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What fails, and what would help.
    pub detail: String,
    /// Since when, in nanoseconds since the Unix epoch.
    pub since: i64,
}

pub(super) struct Memory {
    pub items: VecDeque<Entry>,
    limits: Limits,
    pub bytes: usize,
    /// Ordinal of the first item.
    pub base: u64,
    /// Ordinal of the first item that is not offered.
    pub offered: u64,
    /// Number of the next record.
    pub next: u64,
    /// Number of the last behaviour.
    pub behaviour: u64,
    /// Number of the first record that is not written; all are where there is no spool.
    pub unwritten: u64,
    pub log: u64,
    /// All, the current one last.
    pub eras: Vec<Era>,
    /// By how much numbers grew when the log was taken into that on disk.
    pub shift: u64,
    /// While it lasts, everything is offered at once.
    pub trouble: Option<Trouble>,
    /// When a sync failed last.
    pub sync_failed: Option<Instant>,
    /// Records that were dropped before they could be written.
    pub lost: u64,
    pub ending: bool,
}

impl Memory {
    pub fn new(limits: Limits, log: u64, eras: Vec<Era>, next: u64, behaviour: u64) -> Self {
        Self {
            items: VecDeque::new(),
            limits,
            bytes: 0,
            base: 0,
            offered: 0,
            next,
            behaviour,
            unwritten: next,
            log,
            eras,
            shift: 0,
            trouble: None,
            sync_failed: None,
            lost: 0,
            ending: false,
        }
    }

    /// Ordinal of the next item.
    pub fn end(&self) -> u64 {
        self.base + self.items.len() as u64
    }

    pub fn epoch(&self) -> Epoch {
        let era = self.eras.last().copied();
        Epoch {
            log: self.log,
            era: era.unwrap_or(Epoch::begin(self.log.cast_signed()).era),
        }
    }

    pub fn history(&self) -> History {
        History {
            eras: self.eras.clone(),
            ahead: self.trouble.is_some(),
        }
    }

    /// What was begun in memory, at 1, is taken into the log on disk: as an era of it, by numbers behind
    /// those that it has.
    pub fn adopt(&mut self, log: u64, mut eras: Vec<Era>, next: u64) {
        let own = self.epoch().era.began;
        let before = eras.last().map_or(0, |era| era.began);
        let era = Era {
            began: own.max(before),
            first: next,
        };
        if eras.last() != Some(&era) {
            let began = own.max(before + 1);
            eras.push(Era { began, ..era });
        }
        self.shift = next - 1;
        for entry in &mut self.items {
            entry.number += self.shift;
        }
        self.next += self.shift;
        self.unwritten += self.shift;
        (self.log, self.eras) = (log, eras);
    }

    /// A cursor as one of this log, where it was given out before [`Self::adopt`], by this agent or one
    /// before: the era began as a log of its own.
    pub fn own(&self, cursor: Cursor) -> Cursor {
        let Epoch { log, era } = cursor.epoch;
        let began_so = |own: &&Era| own.began == log && era == Epoch::begin(log.cast_signed()).era;
        match self.eras.iter().find(began_so) {
            Some(own) if log != self.log => Cursor {
                epoch: Epoch {
                    log: self.log,
                    era: *own,
                },
                // Whoever makes up a cursor gets one behind which there still is a number.
                number: (cursor.number.saturating_add(own.first - 1)).min(u64::MAX - 1),
                ..cursor
            },
            Some(_) | None => cursor,
        }
    }

    pub fn cursor(&self, number: u64, at: i64, behaviour: u64) -> String {
        Cursor {
            epoch: self.epoch(),
            number,
            at,
            behaviour,
        }
        .to_string()
    }

    /// The place of the last item that is offered: what is behind it may never be what its number
    /// says now.
    pub fn here(&self) -> (u64, u64) {
        match self.get(self.offered) {
            // What waits is a record, for all others only wait for one.
            Some(entry) => (entry.number - 1, entry.behaviour),
            None => (self.next - 1, self.behaviour),
        }
    }

    /// Whether an entry finds room.
    pub fn has_room(&self, entry: &Entry) -> bool {
        self.items.is_empty()
            || self.items.len() < self.limits.items
                && self.bytes + entry.size() <= self.limits.bytes
    }

    /// Whether the oldest item may go.
    pub fn may_drop(&self) -> bool {
        self.base < self.offered
    }

    pub fn drop_oldest(&mut self) {
        let Some(entry) = self.items.pop_front() else {
            return;
        };
        self.bytes -= entry.size();
        self.base += 1;
        self.offered = self.offered.max(self.base);
        if entry.kind == Kind::Record && entry.number >= self.unwritten {
            self.lost += 1;
            self.unwritten = entry.number + 1;
        }
    }

    /// Takes an item in. What finds no room any more was dropped before.
    pub fn push(&mut self, mut entry: Entry) {
        match entry.kind {
            Kind::Record => self.next += 1,
            Kind::Behaviour => self.behaviour += 1,
            Kind::Heartbeat => {}
        }
        entry.number = self.next - 1;
        entry.behaviour = self.behaviour;
        self.bytes += entry.size();
        let all = self.offered == self.end();
        let volatile = entry.kind != Kind::Record;
        self.items.push_back(entry);
        if self.trouble.is_some() || all && volatile {
            self.offered = self.end();
        }
    }

    pub fn get(&self, ordinal: u64) -> Option<&Entry> {
        self.items
            .get(usize::try_from(ordinal.checked_sub(self.base)?).ok()?)
    }

    /// Ordinal of the first item behind a place.
    pub fn behind(&self, key: (u64, u64)) -> u64 {
        self.base + self.items.partition_point(|entry| entry.key() <= key) as u64
    }

    /// Number of the first record that memory has, or will have.
    pub fn first(&self) -> u64 {
        self.items
            .front()
            .map_or(self.next, |entry| match entry.kind {
                Kind::Record => entry.number,
                Kind::Behaviour | Kind::Heartbeat => entry.number + 1,
            })
    }

    /// Records that are to be written next, of at most so many bytes; one at least, where there is
    /// one.
    pub fn to_write(&self, max: usize) -> Vec<Record> {
        let mut bytes = 0;
        let start = self
            .items
            .partition_point(|entry| entry.number < self.unwritten);
        self.items
            .range(start..)
            .filter(|entry| entry.kind == Kind::Record)
            .take_while(|entry| {
                let fits = bytes == 0 || bytes + entry.bytes.len() <= max;
                bytes += entry.bytes.len();
                fits
            })
            .map(|entry| Record {
                number: entry.number,
                at: entry.at,
                payload: Arc::clone(&entry.bytes),
            })
            .collect()
    }

    /// These were written. Those that were dropped while the disk took its time are not lost.
    pub fn arrived(&mut self, records: &[Record]) {
        let dropped = records
            .iter()
            .filter(|record| record.number < self.unwritten);
        self.lost = self.lost.saturating_sub(dropped.count() as u64);
        if let Some(last) = records.last() {
            self.written(last.number + 1);
        }
    }

    /// Everything up to before this record is written.
    pub fn written(&mut self, upto: u64) {
        self.unwritten = self.unwritten.max(upto);
        let waits = |entry: &Entry| entry.kind == Kind::Record && entry.number >= upto;
        while let Some(entry) = self.get(self.offered)
            && !waits(entry)
        {
            self.offered += 1;
        }
    }

    /// Ends the trouble if everything is written, and no sync failed for a while. Answers whether it
    /// was ended.
    pub fn recover(&mut self, now: Instant) -> bool {
        let calm = (self.sync_failed).is_none_or(|at| now.saturating_duration_since(at) >= CALM);
        let over = self.trouble.is_some() && self.unwritten == self.next && calm;
        if over {
            self.trouble = None;
            self.sync_failed = None;
        }
        over
    }

    /// Nothing can be written: from here on everything is offered at once, in an era of its own.
    /// Answers whether that is news.
    pub fn fail(&mut self, detail: String, now: i64) -> bool {
        if let Some(trouble) = &mut self.trouble {
            trouble.detail = detail;
            return false;
        }
        self.trouble = Some(Trouble { detail, since: now });
        let first = self
            .get(self.offered)
            .map_or(self.next, |entry| match entry.kind {
                Kind::Record => entry.number,
                Kind::Behaviour | Kind::Heartbeat => entry.number + 1,
            });
        let before = self.eras.last().map_or(self.log, |era| era.began);
        let began = now.cast_unsigned().max(before + 1);
        self.eras.push(Era { began, first });
        self.offered = self.end();
        true
    }
}
