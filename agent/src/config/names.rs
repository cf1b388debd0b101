//! How long the names of addresses hold: the section `names`.

use super::learning::Length;
use crate::dns::Settings;
use serde::Deserialize;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

section! {
    /// How long what a resolver told a container of a name holds; why these lengths, see
    /// [`crate::dns`].
    Names {
        /// The least time to live of an answer that counts.
        floor "floor": Length = Length(seconds(Settings::FLOOR)),
        /// The greatest.
        ceiling "ceiling": Length = Length(seconds(Settings::CEILING)),
        /// How much longer the name holds, for clients that connect late.
        grace "grace": Length = Length(seconds(Settings::GRACE)),
    }
}

const fn seconds(count: u32) -> i64 {
    count as i64 * SECOND
}

impl Names {
    /// What is wrong with a value: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let lengths = [
            ("names.floor", self.floor),
            ("names.ceiling", self.ceiling),
            ("names.grace", self.grace),
        ];
        for (key, Length(length)) in lengths {
            if length % SECOND != 0 {
                return Err((key, "must be whole seconds".to_owned()));
            }
        }
        if self.ceiling.0 < self.floor.0 {
            return Err((
                "names.ceiling",
                "must not be below `names.floor`".to_owned(),
            ));
        }
        Ok(())
    }

    /// For what keeps the names.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let whole = |Length(length): Length| u32::try_from(length / SECOND).unwrap_or(u32::MAX);
        Settings {
            floor: whole(self.floor),
            ceiling: whole(self.ceiling),
            grace: whole(self.grace),
            ..Settings::default()
        }
    }
}
