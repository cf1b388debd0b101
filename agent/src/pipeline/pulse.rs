//! Whether the loop that reads the rings moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Beaten by the loop itself on each turn, an idle one too, at least five times a second; looked at
/// by who asks whether the agent lives. Time in which the machine sleeps does not count.
#[derive(Clone, Debug)]
pub struct Pulse {
    base: Instant,
    /// The last beat, in nanoseconds since the base.
    last: Arc<AtomicU64>,
}

impl Pulse {
    /// One that beats now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            base: Instant::now(),
            last: Arc::default(),
        }
    }

    /// The loop turns.
    pub fn beat(&self) {
        let since = u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Release);
    }

    /// How long it has not.
    #[must_use]
    pub fn quiet(&self) -> Duration {
        let last = Duration::from_nanos(self.last.load(Ordering::Acquire));
        self.base.elapsed().saturating_sub(last)
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_ends_the_quiet() {
        let pulse = Pulse::new();
        let seen = pulse.clone();
        std::thread::sleep(Duration::from_millis(30));
        assert!(seen.quiet() >= Duration::from_millis(30));
        let before = Instant::now();
        pulse.beat();
        assert!(seen.quiet() <= before.elapsed());
    }
}
