//! How often one agent tells of a workload.
//!
//! Agents are asked to leave an interval between two reports of one workload. One that does not would have the
//! controller read, merge and judge for it alone.

use lapwing_proto::v1::Workload;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::Instant;

/// Workloads of one agent that are remembered at a time.
const MANY: usize = 10_000;

/// When an agent told of which workload last.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    told: HashMap<u64, Instant>,
}

impl Pace {
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            told: HashMap::new(),
        }
    }

    /// It tells of one. Answers how long to wait until that is taken.
    pub fn take(&mut self, workload: Option<&Workload>, now: Instant) -> Duration {
        let parts = workload.map(|it| [&it.namespace, &it.kind, &it.name, &it.container]);
        let mut hasher = DefaultHasher::new();
        parts.hash(&mut hasher);
        let key = hasher.finish();
        if self.told.len() >= MANY {
            let interval = self.interval;
            self.told.retain(|_, at| *at + interval > now);
        }
        let due = match self.told.get(&key) {
            Some(at) => *at + self.interval,
            // No node runs so many.
            None if self.told.len() >= MANY => now + self.interval,
            None => now,
        };
        let at = due.max(now);
        self.told.insert(key, at);
        at.duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn once_an_interval_of_each_and_not_of_ever_more() {
        let interval = Duration::from_secs(10);
        let (begun, mut pace) = (Instant::now(), Pace::new(interval));
        let mut take = |number: usize, now| {
            let workload = Workload {
                name: number.to_string(),
                ..Workload::default()
            };
            pace.take(Some(&workload), now)
        };
        assert_eq!(take(1, begun), Duration::ZERO);
        assert_eq!(take(2, begun), Duration::ZERO);
        assert_eq!(take(1, begun), interval);
        let soon = begun + Duration::from_secs(12);
        assert_eq!(take(1, soon), Duration::from_secs(8));
        assert_eq!(take(2, soon), Duration::ZERO);
        let mut now = soon;
        for number in 0..3 * MANY {
            now += take(100 + number, now);
        }
        assert!(now.duration_since(soon) >= interval * 2);
        assert!(pace.told.len() <= MANY + 1);
    }
}
