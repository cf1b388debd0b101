//! How much of the tables that all containers use one of them may fill.
//!
//! The kernel programs count what each container holds, and user space, which also writes to the
//! tables, recounts: see `share` in the programs and in the agent.

/// The tables of which each container has a share: indices into
/// [`Budget::held`](crate::state::Budget::held) and the setting `SHARES`.
pub mod table {
    /// The map `PROCESSES`.
    pub const PROCESSES: u32 = 0;
    /// The map `IMAGES`.
    pub const IMAGES: u32 = 1;
    /// The map `CGROUPS`: cgroups that were made below a container's.
    pub const CGROUPS: u32 = 2;
    /// Each of them.
    pub const ALL: [u32; 3] = [PROCESSES, IMAGES, CGROUPS];
}

/// Places for tables: a power of two, for the mask that keeps an index inside.
pub const TABLES: usize = 4;
/// A container's share of a table is one part in so many.
pub const PARTS: u32 = 4;

/// The entries that a container may hold of a table with so many.
#[must_use]
pub const fn share(entries: u32) -> u32 {
    let share = entries / PARTS;
    if share == 0 { 1 } else { share }
}

/// How many entries of a table a container holds: in one word, which can be read at once and added
/// to without a lock. The lower half counts those that were made, the upper half those that went.
///
/// Both wrap. When the lower one does, the carry makes the upper one wrong by one, until the next
/// recount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held(pub u64);

impl Held {
    /// What is added when an entry is made.
    pub const MADE: u64 = 1;
    /// What is added when one goes.
    pub const GONE: u64 = 1 << 32;

    /// Entries that were made.
    #[must_use]
    pub const fn made(self) -> u32 {
        self.0 as u32
    }

    /// Entries that went.
    #[must_use]
    pub const fn gone(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Entries that are there; below 0 if more are said to have gone than were made.
    #[must_use]
    pub const fn count(self) -> i32 {
        self.made().wrapping_sub(self.gone()) as i32
    }

    /// What must be added so that the count is right, after `counted` entries were found by a look
    /// at the table that began when the word was `self` and ended when it was `after`; 0 if it may
    /// be right.
    ///
    /// What came or went during the look was found or not. So the count before it lies between what
    /// was found less all that came, and what was found and all that went; one outside is moved to
    /// the nearer end. Of a container that does nothing at that time both are what was found.
    #[must_use]
    pub const fn correction(self, after: Self, counted: u32) -> u64 {
        let counted = counted as i64;
        let least = counted - after.made().wrapping_sub(self.made()) as i64;
        let most = counted + after.gone().wrapping_sub(self.gone()) as i64;
        let count = self.count() as i64;
        if count < least {
            (least - count) as u32 as u64 * Self::MADE
        } else if count > most {
            (count - most) as u32 as u64 * Self::GONE
        } else {
            0
        }
    }
}

const _: () = assert!(TABLES.is_power_of_two() && table::ALL.len() <= TABLES);

#[cfg(test)]
mod tests {
    use super::*;

    fn held(made: u32, gone: u32) -> Held {
        Held(u64::from(made) * Held::MADE + u64::from(gone) * Held::GONE)
    }

    #[test]
    fn a_quiet_container_is_corrected_to_what_was_found() {
        for (made, gone) in [(0, 0), (9, 4), (4, 9), (3, u32::MAX)] {
            let before = held(made, gone);
            for found in [0, 5, 30_000] {
                let after = Held(before.0.wrapping_add(before.correction(before, found)));
                assert_eq!(after.count(), found as i32, "{made} {gone}");
            }
        }
    }

    #[test]
    fn what_came_or_went_meanwhile_is_no_error() {
        // Ten, of which two go and to which three come: each may have been found or not.
        let (before, after) = (held(10, 0), held(13, 2));
        for found in 8..=13 {
            assert_eq!(before.correction(after, found), 0, "{found}");
        }
        assert_eq!(before.correction(after, 7), Held::GONE);
        assert_eq!(before.correction(after, 15), 2 * Held::MADE);
    }

    #[test]
    fn counts_go_on_when_the_halves_wrap() {
        assert_eq!(held(5, u32::MAX).count(), 6);
        let wrapped = Held(held(u32::MAX, u32::MAX - 6).0.wrapping_add(Held::MADE));
        // The carry has added one to those that went.
        assert_eq!(wrapped.count(), 6);
    }

    #[test]
    fn every_table_has_room_for_something_of_everybody() {
        assert_eq!((share(32_768), share(64), share(3)), (8_192, 16, 1));
    }
}
