//! Processes whose end nobody told.
//!
//! The kernel side takes a process out of its tree when it ends. Where the program on
//! `sched_process_exit` did not run (a kernel that preempts programs skips one that comes while
//! another runs on the same processor), or an entry was made just while a process ended, the entry
//! would stay for good, and with it its place in the share of its container.

use std::collections::HashMap;

/// Between two looks, in nanoseconds.
const EACH: u64 = 10_000_000_000;
/// The namespace in which the tree has its ids: `PROC_PID_INIT_INO`, include/linux/proc_ns.h.
const HOST: &str = "pid:[4026531836]";

/// What was missing when it was looked last.
#[derive(Debug)]
pub struct Ended {
    /// Whether `/proc` tells of the processes of the tree.
    sees: bool,
    /// When it was looked last, since boot in nanoseconds.
    looked: u64,
    /// Processes of the tree that did not run, with their starts.
    missing: HashMap<u32, u64>,
}

impl Ended {
    /// Nothing was looked at yet. From within another namespace nothing ever is: there a number is
    /// another process.
    pub fn new() -> Self {
        let space = std::fs::read_link("/proc/self/ns/pid");
        Self::of(space.is_ok_and(|space| space.as_os_str() == HOST))
    }

    fn of(sees: bool) -> Self {
        Self {
            sees,
            looked: 0,
            missing: HashMap::new(),
        }
    }

    /// Whether it is time for a look.
    pub fn is_due(&self, now: u64) -> bool {
        self.sees && now.saturating_sub(self.looked) >= EACH
    }

    /// Looks through the tree, of which each process comes with its start. Answers those that did
    /// not run the last time either: one that ends just now is left to the kernel side.
    pub fn look(
        &mut self,
        now: u64,
        tree: impl Iterator<Item = (u32, u64)>,
        runs: impl Fn(u32) -> bool,
    ) -> Vec<(u32, u64)> {
        self.looked = now;
        let missing: HashMap<u32, u64> = tree.filter(|(pid, _)| !runs(*pid)).collect();
        let before = std::mem::replace(&mut self.missing, missing);
        let both = self.missing.iter().filter(|(pid, start)| {
            // An id that is used again is another process.
            before.get(pid) == Some(start)
        });
        both.map(|(pid, start)| (*pid, *start)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_twice_has_ended() {
        assert!(!Ended::of(false).is_due(EACH));
        let mut ended = Ended::of(true);
        let tree = [(1, 10), (2, 20), (3, 30)];
        assert!(ended.is_due(EACH));
        assert!(
            ended
                .look(EACH, tree.into_iter(), |pid| pid == 1)
                .is_empty()
        );
        assert!(!ended.is_due(2 * EACH - 1));
        // The id 2 is another's by now, who ended as well.
        let tree = [(1, 10), (2, 25), (3, 30)];
        assert_eq!(
            ended.look(2 * EACH, tree.into_iter(), |pid| pid == 1),
            [(3, 30)]
        );
        assert_eq!(
            ended.look(3 * EACH, tree.into_iter().take(2), |pid| pid == 1),
            [(2, 25)]
        );
        assert!(
            ended
                .look(4 * EACH, tree.into_iter().take(1), |_| true)
                .is_empty()
        );
    }
}
