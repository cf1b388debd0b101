//! Cursors: names of places in the stream.
//!
//! A log has a number that no other log has (when it was begun), and its records are counted. That
//! is not enough for a place: a log that lost its end (the power failed, or the disk was full and
//! the agent was killed) goes on with numbers that clients may have met with another meaning. Where
//! that can be, an **era** begins, with the number of its first record. A cursor says in which era
//! it was given out, and so up to which number it and the log mean the same: up to the first record
//! of every later era.
//!
//! Behaviours and heartbeats are not in the log. They have the number of the record before them, and
//! behaviours are counted beside, by numbers that rise from one agent to the next.

use std::fmt::{self, Display};

/// When a history of numbers forked off, and at which number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Era {
    /// When it began, in nanoseconds since the Unix epoch; later than the era before.
    pub began: u64,
    /// Number of its first record.
    pub first: u64,
}

/// A log and its current era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// When the log was begun, in nanoseconds since the Unix epoch.
    pub log: u64,
    /// The era.
    pub era: Era,
}

impl Epoch {
    /// Of a log that begins now, in nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn begin(now: i64) -> Self {
        let log = now.cast_unsigned();
        let era = Era {
            began: log,
            first: 1,
        };
        Self { log, era }
    }
}

impl Display for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, era } = self;
        write!(out, "{log:x}")?;
        match era.began == *log && era.first == 1 {
            true => Ok(()),
            false => write!(out, ".{:x}.{}", era.began, era.first),
        }
    }
}

/// A cursor, taken apart. Clients keep it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Where it was given out.
    pub epoch: Epoch,
    /// Number of the record, or of the record before.
    pub number: u64,
    /// Time of the item, in nanoseconds since the Unix epoch.
    pub at: i64,
    /// Number of the behaviour, or of the last one; 0 for that of a record.
    pub behaviour: u64,
}

impl Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}-{:x}", self.epoch, self.number, self.at)?;
        match self.behaviour {
            0 => Ok(()),
            behaviour => write!(out, "-{behaviour:x}"),
        }
    }
}

impl Cursor {
    /// Reads what [`Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        let mut parts = text.split('-');
        let mut epoch = parts.next()?.split('.');
        let log = hex(epoch.next()?)?;
        let era = match epoch.next() {
            None => Era {
                began: log,
                first: 1,
            },
            Some(began) => Era {
                began: hex(began)?,
                first: epoch.next()?.parse().ok()?,
            },
        };
        let cursor = Self {
            epoch: Epoch { log, era },
            number: parts.next()?.parse().ok()?,
            at: hex(parts.next()?)?.cast_signed(),
            behaviour: parts.next().map_or(Some(0), hex)?,
        };
        (parts.next().is_none() && epoch.next().is_none() && cursor.number < u64::MAX)
            .then_some(cursor)
    }

    /// From which number on another log of these eras may mean something else than this cursor's.
    #[must_use]
    pub fn shared_until(&self, eras: &[Era]) -> u64 {
        let own = &self.epoch.era;
        let later = eras.iter().filter(|era| era.began > own.began);
        let known = eras.contains(own);
        let forks = later.chain((!known).then_some(own));
        forks.map(|era| era.first).min().unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn era(began: u64, first: u64) -> Era {
        Era { began, first }
    }

    #[test]
    fn what_is_written_is_read() {
        for (own, behaviour) in [(era(255, 1), 0), (era(256, 7), 0), (era(256, 7), 300)] {
            let cursor = Cursor {
                epoch: Epoch { log: 255, era: own },
                number: 12,
                at: -5,
                behaviour,
            };
            assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }
        let first = Cursor::parse("ff-12-10").unwrap();
        assert_eq!(first.epoch, Epoch::begin(255));
        for bad in [
            "",
            "ff",
            "ff-1",
            "ff-x-1",
            "ff-1-?",
            "xyz-1-1",
            "ff.-1-1",
            "ff.1-1-1",
            "ff.1.2.3-1-1",
            "ff-1-1-1-1",
            "ff-18446744073709551615-1",
        ] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_shared_up_to_where_histories_fork() {
        let cursor = |began, first| Cursor {
            epoch: Epoch {
                log: 1,
                era: era(began, first),
            },
            number: 0,
            at: 0,
            behaviour: 0,
        };
        let eras = [era(1, 1), era(5, 50), era(9, 40)];
        for (own, until) in [
            ((1, 1), 40),
            ((5, 50), 40),
            ((9, 40), u64::MAX),
            // Eras of which the log does not know: it was lost with what was in them.
            ((7, 60), 40),
            ((12, 60), 60),
        ] {
            assert_eq!(cursor(own.0, own.1).shared_until(&eras), until, "{own:?}");
        }
    }
}
