//! Records that wait until it is known whose they are.
//!
//! In order for each cgroup, and in bounds: for each, so that a busy one cannot
//! take the room of the others, and for all. Who offers a record is told when there was no room, and counts.

use std::collections::HashMap;

/// Records that wait for one cgroup.
const RECORDS_MAX: usize = 8_192;
/// Their bytes.
const BYTES_MAX: usize = 2 << 20;
/// Bytes that wait in all.
const ALL_BYTES_MAX: usize = 32 << 20;

/// The queues.
#[derive(Debug, Default)]
pub struct Held {
    queues: HashMap<u64, Queue>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    records: Vec<Vec<u8>>,
    bytes: usize,
}

impl Held {
    /// Whether records of a cgroup wait: the next must wait behind them.
    #[must_use]
    pub fn holds(&self, cgroup: u64) -> bool {
        self.queues.contains_key(&cgroup)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Adds a record. Answers whether there was room.
    #[must_use]
    pub fn push(&mut self, cgroup: u64, record: &[u8]) -> bool {
        let queue = self.queues.entry(cgroup).or_default();
        if queue.records.len() >= RECORDS_MAX
            || queue.bytes + record.len() > BYTES_MAX
            || self.bytes + record.len() > ALL_BYTES_MAX
        {
            return false;
        }
        queue.records.push(record.to_vec());
        queue.bytes += record.len();
        self.bytes += record.len();
        true
    }

    /// Takes out what need not wait any longer.
    pub fn take(&mut self, ready: impl Fn(u64) -> bool) -> Vec<(u64, Vec<Vec<u8>>)> {
        let cgroups: Vec<u64> = self
            .queues
            .keys()
            .copied()
            .filter(|id| ready(*id))
            .collect();
        let mut taken = Vec::new();
        for cgroup in cgroups {
            if let Some(queue) = self.queues.remove(&cgroup) {
                self.bytes -= queue.bytes;
                taken.push((cgroup, queue.records));
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_out_in_order_when_they_are_ready() {
        let mut held = Held::default();
        assert!(held.push(1, b"a") && held.push(2, b"x") && held.push(1, b"b"));
        assert!(held.holds(1) && !held.holds(3));
        let taken = held.take(|id| id == 1);
        assert_eq!(taken, [(1, vec![b"a".to_vec(), b"b".to_vec()])]);
        assert!(!held.holds(1) && !held.is_empty());
        assert_eq!(held.take(|_| true).len(), 1);
        assert!(held.is_empty() && held.bytes == 0);
    }

    #[test]
    fn one_cgroup_cannot_take_the_room_of_the_others() {
        let mut held = Held::default();
        let record = vec![0; 16 << 10];
        let room = (0..).take_while(|_| held.push(1, &record)).count();
        assert_eq!(room, BYTES_MAX / record.len());
        assert!(held.push(2, &record));
        for n in 0..RECORDS_MAX {
            assert!(held.push(3, &[]), "{n}");
        }
        assert!(!held.push(3, &[]));
    }

    #[test]
    fn all_together_are_bounded() {
        let mut held = Held::default();
        let record = vec![0; 64 << 10];
        let room: usize = (0..100)
            .map(|cgroup| (0..).take_while(|_| held.push(cgroup, &record)).count())
            .sum();
        assert_eq!(room, ALL_BYTES_MAX / record.len());
        assert_eq!(held.bytes, ALL_BYTES_MAX);
    }
}
