//! When learning is over: the section `learning`.

use lapwing_profile::evidence::settings::{DAY, Settings};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A length of time, in nanoseconds; a number and a unit in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub i64);

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MILLISECOND;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// The longest that is read.
const LONGEST: Length = Length(366 * DAY);

impl Length {
    /// As a duration; there are no negative ones in a file.
    #[must_use]
    pub const fn duration(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0.unsigned_abs())
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits)?;
        let unit = match unit {
            "ms" => MILLISECOND,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            _ => return None,
        };
        let length = number.parse::<i64>().ok()?.checked_mul(unit)?;
        (length <= LONGEST.0).then_some(Self(length))
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{}` is no length of time: write a number and one of ms, s, m, h and d, as 15m; at most 366d",
                lapwing_profile::text::canonical(text.as_bytes())
            ))
        })
    }
}

/// Who ends the review of what was learned.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Promote {
    /// A person.
    #[default]
    Manual,
    /// Complete evidence.
    Automatic,
}

section! {
    /// When learning is over.
    Learning {
        /// Length of a sample.
        slot "slot": Length = Length(5 * MINUTE),
        /// The coverage that each class of behaviour must reach.
        coverage "coverage": f64 = 0.99,
        /// Unknown behaviours that a class may be expected to show in a day of one instance, where it
        /// does not reach its coverage.
        news_per_day "newsPerDay": f64 = 1.0,
        /// How long nothing new may have been seen.
        quiet "quiet": Length = Length(15 * MINUTE),
        /// How long a workload must have been observed.
        observed "observed": Length = Length(30 * MINUTE),
        /// How many instances must have been seen.
        instances "instances": u32 = 1,
        /// How many restarts or further instances must have been seen from their first program.
        restarts "restarts": u32 = 1,
        /// Whether each hour of the day must have been seen.
        whole_day "wholeDay": bool = false,
        /// After what time a person is asked to decide without all of that.
        cap "cap": Length = Length(7 * DAY),
        /// Who ends the review.
        promote "promote": Promote = Promote::Manual,
    }
}

impl Learning {
    /// What is wrong with a value: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |key, message: &str| Err((key, message.to_owned()));
        if !(SECOND..=HOUR).contains(&self.slot.0) {
            return wrong("learning.slot", "must be from 1s to 1h");
        }
        if !(self.coverage > 0.0 && self.coverage <= 1.0) {
            return wrong("learning.coverage", "must be above 0 and at most 1");
        }
        if !(self.news_per_day >= 0.0 && self.news_per_day.is_finite()) {
            return wrong("learning.newsPerDay", "must be 0 or more");
        }
        if !(1..=64).contains(&self.instances) {
            return wrong("learning.instances", "must be from 1 to 64");
        }
        if self.restarts > 64 {
            return wrong("learning.restarts", "must be at most 64");
        }
        if self.cap.0 <= self.observed.0.max(self.quiet.0) {
            return wrong(
                "learning.cap",
                "must be longer than `observed` and `quiet`, or nothing is ever learned completely",
            );
        }
        Ok(())
    }

    /// For the profiles.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            slot: self.slot.0,
            coverage: self.coverage,
            news_per_day: self.news_per_day,
            quiet: self.quiet.0,
            observed: self.observed.0,
            instances: self.instances,
            restarts: self.restarts,
            whole_day: self.whole_day,
            cap: self.cap.0,
            promote: self.promote == Promote::Automatic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_profiles() {
        assert_eq!(Learning::default().settings(), Settings::default());
        Learning::default().check().unwrap();
    }

    #[test]
    fn lengths_are_numbers_with_a_unit() {
        for (text, length) in [
            ("250ms", Some(250 * MILLISECOND)),
            ("1s", Some(SECOND)),
            ("15m", Some(15 * MINUTE)),
            ("2h", Some(2 * HOUR)),
            ("366d", Some(366 * DAY)),
            ("367d", None),
            ("15", None),
            ("m", None),
            ("-1s", None),
            ("1 s", None),
            ("99999999999999999999d", None),
            ("\u{e9}s", None),
        ] {
            assert_eq!(Length::parse(text), length.map(Length), "{text}");
        }
    }
}
