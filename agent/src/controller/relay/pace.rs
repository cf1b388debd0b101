//! How fast one agent is read.
//!
//! The stream is bounded, and of all agents: one that reports ever others would have it drop what clients have not
//! read yet, of every agent, over and over. So each has its part of it at once, and then so much in a second: more than
//! an agent has to say that works, whose open violations ([`OPEN_MAX`](crate::judge::episodes::OPEN_MAX)) all repeat and are
//! told each [`PERIOD`](crate::judge::episodes::PERIOD). What is not read waits in the agent's log, as the connection takes no
//! more; with a shorter time between two reports of one violation so many would wait.

use std::time::Duration;
use tokio::time::Instant;

/// Messages at once, a quarter of what the stream holds by default, and in each second.
const BURST: u32 = 16_384;
const RATE: u32 = 2_000;
/// The same of their bytes.
const BURST_BYTES: u32 = 16 << 20;
const RATE_BYTES: u32 = 4 << 20;

/// What an agent used up of it.
#[derive(Debug)]
pub struct Pace {
    /// When it has all of its messages again, and of its bytes.
    full: [Instant; 2],
}

impl Pace {
    /// Of one that has all.
    pub fn new(now: Instant) -> Self {
        Self { full: [now; 2] }
    }

    /// A message of so many bytes was read. Answers how long to wait with the next.
    pub fn take(&mut self, bytes: usize, now: Instant) -> Duration {
        let seconds = |burst: u32, rate: u32| Duration::from_secs(1) * burst / rate;
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let costs = [seconds(1, RATE), seconds(bytes, RATE_BYTES)];
        let bursts = [seconds(BURST, RATE), seconds(BURST_BYTES, RATE_BYTES)];
        let mut wait = Duration::ZERO;
        for ((full, cost), burst) in self.full.iter_mut().zip(costs).zip(bursts) {
            *full = (*full).max(now) + cost;
            wait = wait.max(full.duration_since(now).saturating_sub(burst));
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::episodes::{OPEN_BYTES_MAX, OPEN_MAX, PERIOD};

    /// How long an agent is read that says so many messages of so many bytes.
    fn lasts(many: u32, bytes: usize) -> Duration {
        let begun = Instant::now();
        let (mut now, mut pace) = (begun, Pace::new(begun));
        for _ in 0..many {
            now += pace.take(bytes, now);
        }
        now.duration_since(begun)
    }

    #[tokio::test]
    async fn so_much_at_once_and_then_so_much_in_a_second() {
        assert_eq!(lasts(BURST, 100), Duration::ZERO);
        assert_eq!(lasts(BURST + 60 * RATE, 100), Duration::from_secs(60));
        assert_eq!(lasts(16, 1 << 20), Duration::ZERO);
        assert_eq!(lasts(26, 1 << 20), Duration::from_millis(2_500));
    }

    #[test]
    fn an_agent_that_works_is_not_kept_waiting() {
        let all = u64::from(RATE) * (PERIOD / 1_000_000_000);
        assert!(
            all > OPEN_MAX as u64
                && u64::from(RATE_BYTES) * (PERIOD / 1_000_000_000) > OPEN_BYTES_MAX as u64
        );
    }

    #[tokio::test]
    async fn who_rests_has_all_of_it_again() {
        let begun = Instant::now();
        let mut pace = Pace::new(begun);
        let mut at_once = |now| (0..=BURST).map(|_| pace.take(100, now)).max().unwrap();
        assert!(at_once(begun) > Duration::ZERO);
        let later = begun + Duration::from_secs(9);
        let rest = at_once(later);
        assert!(
            rest > Duration::ZERO && rest <= Duration::from_millis(2),
            "{rest:?}"
        );
    }
}
