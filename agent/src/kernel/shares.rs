//! What each container may fill of the tables that all use, and the recount of what it holds: see
//! `share` in the kernel programs.
//!
//! The kernel programs count by themselves. Their counts go wrong where this side writes to the
//! tables, and are put right here: what is found in a table is compared with what was counted
//! before and after the look, and the difference is *added*, because to write the right number
//! would take back what is counted at the same moment ([`Held::correction`]).
//!
//! A look at a large table is dear (some milliseconds for ten thousands of entries), so each is
//! looked at rarely, and every second while some container holds half of what it may.

use super::sys;
use super::tables::Tables;
use aya::Pod;
use aya::maps::{HashMap as Map, IterableMap, MapData};
use lapwing_abi::record::Header;
use lapwing_abi::share::{Held, TABLES, share, table};
use lapwing_abi::state::{
    BUDGET_WORDS, Cgroup, IMAGE_WORDS, IMAGES_MAX, Process, cgroup_state, task,
};
use rustix::fd::AsFd;
use std::collections::{HashMap, HashSet};
use std::io;

/// Recounts between two of a table of which nobody holds much.
const RARELY: u32 = 10;
/// Where in the words of a budget what is held begins.
const HELD: usize = BUDGET_WORDS - TABLES;
/// Which word of a record is the container's cgroup.
const HOME: usize = core::mem::offset_of!(Header, cgroup) / 8;

/// Entries that one container may hold of each table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    words: [u32; TABLES],
    /// Recounts until all tables are looked at again.
    until_all: u32,
    /// Entries of each table, when it was counted last.
    counted: [u32; TABLES],
    /// Containers that have an allowance, at the last recount.
    allowances: u32,
}

impl Shares {
    /// Of tables with so many entries.
    #[must_use]
    pub const fn of(processes: u32, cgroups: u32) -> Self {
        let mut words = [0; TABLES];
        words[table::PROCESSES as usize] = share(processes);
        words[table::IMAGES as usize] = share(IMAGES_MAX);
        words[table::CGROUPS as usize] = share(cgroups);
        Self {
            words,
            until_all: 0,
            counted: [0; TABLES],
            allowances: 0,
        }
    }

    /// As the kernel programs want them.
    #[must_use]
    pub const fn words(&self) -> [u32; TABLES] {
        self.words
    }

    /// Processes that one container may have in the tree.
    #[must_use]
    pub const fn processes(&self) -> usize {
        self.words[table::PROCESSES as usize] as usize
    }

    /// Cgroups that one container may have below its own.
    #[must_use]
    pub const fn cgroups(&self) -> usize {
        self.words[table::CGROUPS as usize] as usize
    }

    /// Entries of a table, whosever, as of when it was counted last: at most some ten seconds ago, and a second where
    /// a container holds half of what it may.
    #[must_use]
    pub const fn counted(&self, table: u32) -> u32 {
        self.counted[table as usize]
    }

    /// Containers that have an allowance, at the last recount.
    #[must_use]
    pub const fn allowances(&self) -> u32 {
        self.allowances
    }

    /// Whether so many entries are so much that the count must be right.
    const fn is_much(&self, table: u32, held: Held) -> bool {
        held.count() >= (self.words[table as usize] / 2) as i32
    }
}

/// What each container holds of each table, as the kernel programs count.
type Counts = HashMap<u64, [Held; TABLES]>;

impl Tables {
    /// What one container may hold.
    #[must_use]
    pub const fn shares(&self) -> Shares {
        self.shares
    }

    /// Puts right what the kernel programs think that containers hold: of every table from time to
    /// time and if `all`, and of those of which some container holds much. For once a second.
    pub fn recount(&mut self, all: bool) {
        let all = all || self.shares.until_all == 0;
        self.shares.until_all = if all {
            RARELY
        } else {
            self.shares.until_all - 1
        };
        // What cannot be read is not corrected; it is tried again.
        let Ok(before) = self.held() else {
            return;
        };
        self.shares.allowances = before.len() as u32;
        for table in table::ALL {
            let much = |held: &[Held; TABLES]| self.shares.is_much(table, held[table as usize]);
            if (all || before.values().any(much))
                && let Ok(counted) = self.recount_table(table)
            {
                self.shares.counted[table as usize] = counted;
            }
        }
    }

    /// Answers how many entries the table has.
    fn recount_table(&self, table: u32) -> io::Result<u32> {
        let before = self.held()?;
        let (found, counted) = match table {
            table::PROCESSES => homes(&self.processes, |_: u32, words| {
                Some(Process::from_words(words).cgroup)
            }),
            table::IMAGES => homes(&self.images.0, |_: u64, words: [u64; IMAGE_WORDS]| {
                Some(words[HOME])
            }),
            _ => homes(&self.cgroups, |id: u64, words| {
                let Cgroup { home, state, .. } = Cgroup::from_words(words);
                (home != id && state == cgroup_state::CONTAINER).then_some(home)
            }),
        }?;
        let after = self.held()?;
        for (home, more) in corrections(table, &before, &found, &after) {
            // Without room for the budget nobody is refused for it either.
            let _ = self.seen.run([task::CORRECT, home, u64::from(table), more]);
        }
        Ok(counted)
    }

    /// Counts that a container got no entry in the tree, because its share is spent. Answers whether
    /// there was room to count it.
    #[must_use]
    pub fn refuse_process(&self, home: u64) -> bool {
        self.refuse(home, table::PROCESSES)
    }

    /// The same, of a cgroup below the container's.
    #[must_use]
    pub fn refuse_cgroup(&self, home: u64) -> bool {
        self.refuse(home, table::CGROUPS)
    }

    fn refuse(&self, home: u64, table: u32) -> bool {
        self.seen.run([task::REFUSE, home, u64::from(table), 0])
    }

    fn held(&self) -> io::Result<Counts> {
        let entries: Vec<(u64, [u64; BUDGET_WORDS])> =
            sys::entries(self.seen.budgets.map().fd().as_fd())?;
        let held = |words: [u64; BUDGET_WORDS]| core::array::from_fn(|n| Held(words[HELD + n]));
        Ok(entries
            .into_iter()
            .map(|(home, words)| (home, held(words)))
            .collect())
    }
}

/// How many entries of a table each container has, and how many there are, whosever.
fn homes<K: Pod + Default, const N: usize>(
    map: &Map<MapData, K, [u64; N]>,
    home: impl Fn(K, [u64; N]) -> Option<u64>,
) -> io::Result<(HashMap<u64, u32>, u32)> {
    let mut homes = HashMap::new();
    let entries = sys::entries(map.map().fd().as_fd())?;
    let all = entries.len() as u32;
    for (key, words) in entries {
        if let Some(home) = home(key, words) {
            *homes.entry(home).or_default() += 1;
        }
    }
    Ok((homes, all))
}

/// What must be added to which container's count.
fn corrections(
    table: u32,
    before: &Counts,
    found: &HashMap<u64, u32>,
    after: &Counts,
) -> Vec<(u64, u64)> {
    let of = |counts: &Counts, home| {
        counts
            .get(&home)
            .map_or_else(Held::default, |held| held[table as usize])
    };
    let homes: HashSet<u64> = before.keys().chain(found.keys()).copied().collect();
    homes
        .into_iter()
        // Where an allowance went or began anew meanwhile there is nothing to compare.
        .filter(|home| before.contains_key(home) == after.contains_key(home))
        .filter_map(|home| {
            let found = found.get(&home).copied().unwrap_or_default();
            let more = of(before, home).correction(of(after, home), found);
            (more != 0).then_some((home, more))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(all: &[(u64, u64)]) -> Counts {
        let held = |made| [Held(made * Held::MADE), Held(0), Held(0), Held(0)];
        all.iter()
            .map(|(home, made)| (*home, held(*made)))
            .collect()
    }

    #[test]
    fn only_wrong_counts_are_corrected() {
        let before = counts(&[(1, 5), (2, 5), (3, 5), (4, 5)]);
        let after = counts(&[(1, 5), (2, 5), (3, 7), (5, 1)]);
        // 4 went meanwhile and 5 came; 6 has no allowance yet.
        let found = HashMap::from([(1, 5), (2, 3), (3, 6), (4, 9), (5, 9), (6, 2)]);
        let mut all = corrections(table::PROCESSES, &before, &found, &after);
        all.sort_unstable();
        assert_eq!(all, [(2, 2 * Held::GONE), (6, 2 * Held::MADE)]);
        // Nothing is there of another table.
        assert_eq!(
            corrections(table::IMAGES, &before, &HashMap::new(), &after),
            []
        );
    }

    #[test]
    fn who_holds_half_of_what_it_may_is_looked_at_often() {
        let shares = Shares::of(1_024, 64);
        assert_eq!(shares.words(), [256, IMAGES_MAX / 4, 16, 0]);
        let much = |table, made| shares.is_much(table, Held(made));
        assert!(much(table::PROCESSES, 128) && !much(table::PROCESSES, 127));
        assert!(much(table::CGROUPS, 8) && !much(table::CGROUPS, 7));
    }
}
