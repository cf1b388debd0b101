//! When learning is over, as it is configured.

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
/// A day, in nanoseconds.
pub const DAY: i64 = 24 * 60 * MINUTE;

/// Slots within which sightings are of one burst.
pub const BURST: i64 = 6;

/// The conditions. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Length of a sample.
    pub slot: i64,
    /// The coverage that each class must reach.
    pub coverage: f64,
    /// Unknown behaviours that each class may be expected to show in a day of one instance, where
    /// it does not reach its coverage: a class in which hardly anything happens never would.
    pub news_per_day: f64,
    /// How long nothing new may have been seen.
    pub quiet: i64,
    /// How long it must have been observed.
    pub observed: i64,
    /// How many instances must have been seen.
    pub instances: u32,
    /// How many restarts, or further instances, must have been seen from their first program.
    pub restarts: u32,
    /// Whether each hour of the day must have been seen.
    pub whole_day: bool,
    /// After what time a person is asked to decide without.
    pub cap: i64,
    /// Whether what was learned is compared with at once, without a person's review.
    pub promote: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slot: 5 * MINUTE,
            coverage: 0.99,
            news_per_day: 1.0,
            quiet: 15 * MINUTE,
            observed: 30 * MINUTE,
            instances: 1,
            restarts: 1,
            whole_day: false,
            cap: 7 * DAY,
            promote: false,
        }
    }
}

/// A length of time as people say it, to the unit that matters.
#[must_use]
pub fn duration(nanoseconds: i64) -> String {
    said(nanoseconds, 0)
}

/// The same, of what is missing: never less.
#[must_use]
pub fn missing(nanoseconds: i64) -> String {
    said(nanoseconds, 1)
}

fn said(nanoseconds: i64, up: i64) -> String {
    const HOUR: i64 = 60 * MINUTE;
    let (unit, word) = match nanoseconds {
        ..MINUTE => (SECOND, "s"),
        MINUTE..HOUR => (MINUTE, "min"),
        HOUR..DAY => (HOUR, "h"),
        DAY.. => (DAY, "d"),
    };
    // Tenths of the unit; ten of it and more are whole ones.
    let step = if nanoseconds >= 10 * unit { 10 } else { 1 };
    let length = unit / 10 * step;
    let tenths = nanoseconds.saturating_add(up * (length - 1)) / length * step;
    match tenths % 10 {
        0 => format!("{} {word}", tenths / 10),
        rest => format!("{}.{rest} {word}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_unit_that_matters() {
        for (time, said) in [
            (0, "0 s"),
            (1_500_000_000, "1.5 s"),
            (15 * MINUTE, "15 min"),
            (90 * MINUTE, "1.5 h"),
            (59 * MINUTE + 30 * SECOND, "59 min"),
            (7 * DAY, "7 d"),
        ] {
            assert_eq!(duration(time), said);
        }
        assert_eq!(duration(4_999_999_999), "4.9 s");
        assert_eq!(missing(4_999_999_999), "5 s");
        assert_eq!(missing(18 * MINUTE + 1), "19 min");
        assert_eq!(missing(18 * MINUTE), "18 min");
    }
}
