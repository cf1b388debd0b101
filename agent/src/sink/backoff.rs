//! When to try again.

use crate::config::sinks::Retry;
use crate::jitter::{chance, jitter};
use std::time::Duration;

/// The longest that a receiver may ask for: one that asks for a year is mistaken.
pub const AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Waits that double.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// From the configuration.
    pub const fn new(retry: &Retry) -> Self {
        let first = retry.first.duration();
        Self {
            first,
            longest: retry.longest.duration(),
            next: first,
        }
    }

    /// It went well.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }

    /// How long to wait this time: never less than the receiver asked for.
    pub fn wait(&mut self, after: Option<Duration>) -> Duration {
        let wait = jitter(self.next, chance());
        self.next = self.next.saturating_mul(2).min(self.longest);
        wait.max(after.unwrap_or_default().min(AFTER_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Length;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::new(&Retry {
            first: Length(1_000_000),
            longest: Length(5_000_000),
            blocked: Length(1),
        });
        let within = |wait: Duration, milliseconds: u64| {
            let most = Duration::from_millis(milliseconds);
            assert!(wait >= most / 2 && wait <= most, "{wait:?} of {most:?}");
        };
        for expected in [1, 2, 4, 5, 5] {
            within(backoff.wait(None), expected);
        }
        backoff.reset();
        within(backoff.wait(None), 1);
        let asked = Duration::from_secs(7);
        assert_eq!(backoff.wait(Some(asked)), asked);
        let year = Duration::from_secs(365 * 86_400);
        assert_eq!(backoff.wait(Some(year)), AFTER_MAX);
    }
}
