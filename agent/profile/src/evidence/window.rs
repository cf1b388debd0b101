//! The samples of one running instance, as they are taken.
//!
//! A window lies on the clock that runs since boot, because the time of day jumps. It holds the
//! slot that runs and the one before: counts that the kernel side kept arrive some time after
//! what they count. Samples are numbered through, not by time, so an agent that comes back goes
//! on where its evidence ends; slots in which nobody looked are none.

use super::observed::Watched;
use crate::behaviour::Kind;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

const SECOND: u64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND as i64;
/// Nobody looked where so much time passed between two looks, slots that are longer aside.
const ABSENT: u64 = 10 * SECOND;

/// One moment on both clocks, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Since boot.
    pub boot: u64,
    /// Since the Unix epoch.
    pub wall: i64,
}

/// What an entry was seen in, for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incidence {
    /// The start-up of this instance.
    Start(u32),
    /// A later sample.
    Sample(u32),
}

/// A hash of texts, the same everywhere.
#[must_use]
pub fn id(parts: &[&[u8]]) -> u32 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let bytes: [u8; 32] = hash.finalize().into();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// The id of a sample: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), which
/// maps each pair to another number of 64 bits, cut to 32.
pub(crate) fn sample_id(instance: u32, number: u32) -> u32 {
    let mut x = u64::from(instance) << 32 | u64::from(number);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ x >> 31) as u32
}

#[derive(Clone, Debug)]
struct Slot {
    /// Where it begins, since boot.
    from: u64,
    /// Its number; 0 for the start-up.
    number: u32,
    /// Hashes of the entries that were seen in it, half of each.
    seen: HashSet<u32>,
}

impl Slot {
    fn new(from: u64, number: u32) -> Self {
        Self {
            from,
            number,
            seen: HashSet::new(),
        }
    }
}

/// One running instance.
#[derive(Clone, Debug)]
pub struct Window {
    id: u32,
    /// Length of a slot, in nanoseconds.
    length: u64,
    watched: Watched,
    current: Slot,
    previous: Option<Slot>,
    /// When it was looked at last, since boot.
    looked: u64,
}

/// What is known of an instance when it is looked at first.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Its id: see [`id`].
    pub id: u32,
    /// The id of its node.
    pub node: u32,
    /// Since when it is seen from its first program, in nanoseconds since boot; `None` if it ran
    /// before.
    pub started: Option<u64>,
    /// Length of a slot, in nanoseconds.
    pub slot: u64,
}

impl Window {
    /// Begins to look, at `now`. `known` is what is remembered of the instance.
    #[must_use]
    pub fn open(opening: Opening, known: Option<&Watched>, now: Moment) -> Self {
        let Opening {
            id,
            node,
            started,
            slot,
        } = opening;
        let mut watched = known.copied().unwrap_or(Watched {
            node,
            from_start: false,
            first: now.wall,
            last: now.wall,
            watched: 0,
            samples: 0,
            hours: 0,
            startup: Default::default(),
            running: Default::default(),
        });
        let (current, looked) = match (started, known) {
            (Some(started), None) => {
                let age = now.boot.saturating_sub(started);
                watched.first = now.wall.saturating_sub_unsigned(age);
                (Slot::new(started, 0), started)
            }
            _ => {
                watched.samples += 1;
                (Slot::new(now.boot, watched.samples), now.boot)
            }
        };
        let mut window = Self {
            id,
            length: slot.max(1),
            watched,
            current,
            previous: None,
            looked,
        };
        window.advance(now);
        window
    }

    /// The instance.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// What was counted so far.
    #[must_use]
    pub const fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Time has passed, in which the instance ran and was looked at. Answers whether another
    /// sample began.
    pub fn advance(&mut self, now: Moment) -> bool {
        let passed = now.boot.saturating_sub(self.looked);
        self.looked = self.looked.max(now.boot);
        let before = self.current.number;
        if passed > self.length.max(ABSENT) {
            self.next(now.boot);
        } else {
            self.watched.watched = self.watched.watched.saturating_add_unsigned(passed);
            self.watched.from_start |=
                self.current.number == 0 && now.boot >= self.current.from + self.length;
            while now.boot >= self.current.from.saturating_add(self.length) {
                self.next(self.current.from + self.length);
            }
        }
        self.watched.first = self.watched.first.min(now.wall);
        self.watched.last = self.watched.last.max(now.wall);
        self.watched.hours |= 1 << now.wall.div_euclid(HOUR).rem_euclid(24);
        before != self.current.number
    }

    /// The instance ended: if that was in its start-up, that was all of it.
    pub fn close(&mut self) {
        self.watched.from_start |= self.current.number == 0;
    }

    fn next(&mut self, from: u64) {
        self.watched.samples = self.watched.samples.saturating_add(1);
        let next = Slot::new(from, self.watched.samples);
        self.previous = Some(std::mem::replace(&mut self.current, next));
    }

    /// An entry of a kind was seen at a time since boot; `hash` is its keyed one. Answers with the
    /// sample, if it is the first time in it, and counts it.
    pub(crate) fn incidence(&mut self, hash: u64, kind: Kind, boot: u64) -> Option<Incidence> {
        let length = self.length;
        let within =
            |slot: &&mut Slot| (slot.from..slot.from.saturating_add(length)).contains(&boot);
        // What is later than the last look is of the slot that runs.
        let slot = match boot >= self.current.from {
            true => &mut self.current,
            false => self.previous.as_mut().filter(within)?,
        };
        if !slot.seen.insert(hash as u32) {
            return None;
        }
        let counters = match slot.number {
            0 => &mut self.watched.startup,
            _ => &mut self.watched.running,
        };
        let counter = &mut counters[kind as usize];
        *counter = counter.saturating_add(1);
        Some(match slot.number {
            0 => Incidence::Start(self.id),
            number => Incidence::Sample(sample_id(self.id, number)),
        })
    }
}
