//! How full the rings are, for who asks: also while nobody reads them.
//!
//! A ring that is read in time is nearly always empty when somebody looks. So whoever reads notes before each
//! turn how much waits, and the highest of that is kept, for longer than two scrapes are apart. What comes
//! while a turn lasts is noted by the next.

use super::sys::Positions;
use anyhow::{Context, Result};
use aya::maps::MapData;
use rustix::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For so long, and up to twice as long, the highest is kept.
const WINDOW: Duration = Duration::from_secs(60);

/// How full a ring is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The ring.
    pub ring: &'static str,
    /// Its bytes.
    pub size: u64,
    /// Bytes that wait to be read, with what is being written, and with the head of each record.
    pub waiting: u64,
    /// The most that waited in the last one to two minutes.
    pub highest: u64,
}

/// The most of a window and of the one before it.
#[derive(Clone, Copy, Debug, Default)]
struct Highest {
    window: u64,
    now: u64,
    before: u64,
}

impl Highest {
    fn note(&mut self, waiting: u64, window: u64) {
        if window != self.window {
            self.before = match window == self.window + 1 {
                true => self.now,
                false => 0,
            };
            (self.now, self.window) = (0, window);
        }
        self.now = self.now.max(waiting);
    }
}

#[derive(Debug)]
struct Ring {
    name: &'static str,
    size: u64,
    positions: Positions,
    highest: Mutex<Highest>,
}

impl Ring {
    /// What waits, and the most that did, this look among them.
    fn look(&self, window: u64) -> (u64, u64) {
        let mut highest = self.highest.lock().unwrap_or_else(PoisonError::into_inner);
        // Of what comes and goes between the looks at the two positions there may be more.
        let waiting = (self.positions.between() as u64).min(self.size);
        highest.note(waiting, window);
        (waiting, highest.now.max(highest.before))
    }
}

/// Looks at rings, from any thread.
#[derive(Clone, Debug)]
pub struct Meter {
    base: Instant,
    rings: Arc<[Ring]>,
}

impl Meter {
    /// Of rings by their names.
    ///
    /// # Errors
    /// When a map is no ring, or cannot be looked at.
    pub fn of<const RINGS: usize>(rings: [(&'static str, &MapData); RINGS]) -> Result<Self> {
        let each = rings.into_iter().map(|(name, map)| {
            let look = || -> Result<Ring> {
                Ok(Ring {
                    name,
                    size: map.info()?.max_entries().into(),
                    positions: Positions::of(map.fd().as_fd())?,
                    highest: Mutex::default(),
                })
            };
            look().with_context(|| format!("cannot look at the ring {name}"))
        });
        Ok(Self {
            base: Instant::now(),
            rings: each.collect::<Result<_>>()?,
        })
    }

    /// They are about to be read.
    pub fn note(&self) {
        let window = self.window();
        for ring in &*self.rings {
            ring.look(window);
        }
    }

    /// How full they are.
    #[must_use]
    pub fn fills(&self) -> Vec<Fill> {
        let window = self.window();
        let fill = |ring: &Ring| {
            let (waiting, highest) = ring.look(window);
            Fill {
                ring: ring.name,
                size: ring.size,
                waiting,
                highest,
            }
        };
        self.rings.iter().map(fill).collect()
    }

    fn window(&self) -> u64 {
        self.base.elapsed().as_secs() / WINDOW.as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_outlasts_its_window_by_one() {
        let mut highest = Highest::default();
        let mut after = |waiting, window| {
            highest.note(waiting, window);
            highest.now.max(highest.before)
        };
        assert_eq!(after(7, 0), 7);
        assert_eq!(after(3, 0), 7);
        assert_eq!(after(1, 1), 7);
        assert_eq!(after(2, 1), 7);
        assert_eq!(after(0, 2), 2);
        // Nobody looked in the fourth.
        assert_eq!(after(0, 4), 0);
        assert_eq!(after(9, 5), 9);
    }

    #[test]
    fn what_is_no_ring_is_refused() {
        let file = tempfile::tempfile().unwrap();
        assert!(Positions::of(std::fs::File::open("/proc/self/status").unwrap().as_fd()).is_err());
        file.set_len(2 * rustix::param::page_size() as u64).unwrap();
        // Of what can be mapped the words are taken as they stand.
        use std::os::unix::fs::FileExt;
        let positions = Positions::of(file.as_fd()).unwrap();
        assert_eq!(positions.between(), 0);
        let page = rustix::param::page_size() as u64;
        file.write_all_at(&(usize::MAX - 3).to_le_bytes(), 0)
            .unwrap();
        file.write_all_at(&20_usize.to_le_bytes(), page).unwrap();
        assert_eq!(positions.between(), 24, "a position that has gone round");
    }
}
