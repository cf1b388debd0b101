//! Uses of containers that are not decided yet, or whose inventory is not read: in bounds, and for a while.

use super::{SECOND, Seen};
use std::collections::HashMap;

/// Uses of one container, and bytes of all.
pub(super) const USES_MAX: usize = 16_384;
const BYTES_MAX: usize = 16 << 20;
/// How long they wait.
pub(super) const WAITING_FOR: u64 = 60 * SECOND;

/// Uses of one container.
pub(super) struct Of {
    pub(super) uses: Vec<Seen>,
    since: u64,
    /// Those that found no room.
    pub(super) refused: u64,
}

/// Uses of all, by container.
#[derive(Default)]
pub(super) struct Waiting {
    all: HashMap<u64, Of>,
    bytes: usize,
}

impl Waiting {
    /// Has a use wait, if there is room.
    pub(super) fn push(&mut self, home: u64, seen: Seen, now: u64) {
        let waiting = self.all.entry(home).or_insert_with(|| Of {
            uses: Vec::new(),
            since: now,
            refused: 0,
        });
        let bytes = bytes(&seen);
        if waiting.uses.len() >= USES_MAX || self.bytes + bytes > BYTES_MAX {
            waiting.refused += 1;
        } else {
            self.bytes += bytes;
            waiting.uses.push(seen);
        }
    }

    /// Whether something of a container waits.
    pub(super) fn has(&self, home: u64) -> bool {
        self.all.contains_key(&home)
    }

    /// Whose uses wait.
    pub(super) fn homes(&self) -> impl Iterator<Item = u64> {
        self.all.keys().copied()
    }

    /// Takes out what waits of a container.
    pub(super) fn withdraw(&mut self, home: u64) -> Option<Of> {
        let waiting = self.all.remove(&home)?;
        self.bytes -= waiting.uses.iter().map(bytes).sum::<usize>();
        Some(waiting)
    }

    /// Takes out what waited for too long, with whose it is.
    pub(super) fn withdraw_stale(&mut self, now: u64) -> Vec<(u64, Of)> {
        let is_stale = |(home, waiting): (&u64, &Of)| {
            (now.saturating_sub(waiting.since) >= WAITING_FOR).then_some(*home)
        };
        let stale: Vec<u64> = self.all.iter().filter_map(is_stale).collect();
        { stale.into_iter() }
            .filter_map(|home| Some((home, self.withdraw(home)?)))
            .collect()
    }

    /// Whether nothing does, and takes no room.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.bytes == 0
    }
}

fn bytes(seen: &Seen) -> usize {
    size_of::<Seen>() + seen.path.len()
}
