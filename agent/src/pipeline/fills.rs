//! How full the kernel side's tables are that turn away what is new when they are full.
//!
//! Nothing is counted for this: each is looked through by somebody anyway, or written by the agent alone.
//! Tables that let go of the oldest instead (`USED`, `USED_BEYOND`, `CAPABILITIES`, `SCRIPTS`, `UNSHARING`) are full
//! as a rule, and lose nothing by it: what they let go is sent again. Nor is anything lost by the caches of
//! one processor, and `CREDENTIALS` is filled once, before the start is over.

use super::Line;
use lapwing_abi::share::table;
use lapwing_abi::state::{IMAGES_MAX, LOST_MAX, SEEN_MAX, budgets_of};
use lapwing_proto::v1::get_status_response::Table;

impl Line {
    /// Each with its entries and its room, of all containers together.
    pub(super) fn fills(&self, processes: u32) -> Vec<Table> {
        let (shares, sizes, seen) = (self.tables.shares(), self.tables.sizes, &self.tables.seen);
        let all = [
            ("processes", processes, sizes.processes),
            ("images", shares.counted(table::IMAGES), IMAGES_MAX),
            ("cgroups", shares.counted(table::CGROUPS), sizes.cgroups),
            ("budgets", shares.allowances(), budgets_of(sizes.cgroups)),
            ("lost", self.lost.entries(), LOST_MAX),
            ("seen", seen.len() as u32, SEEN_MAX as u32),
            (
                "behaviours",
                self.judge.told_most() as u32,
                seen.behaviours(),
            ),
        ];
        let calls = self.used.fill();
        let calls = calls.map(|(entries, room)| ("calls", entries, room));
        { all.into_iter().chain(calls) }
            .map(|(name, entries, entries_max)| Table {
                name: name.to_owned(),
                entries,
                entries_max,
            })
            .collect()
    }
}
