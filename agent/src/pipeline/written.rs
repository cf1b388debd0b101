//! Looks at how much containers have written, while they learn: soon after their start, and ever more seldom.
//!
//! The looks themselves are another thread's, which rests after each. Which folders are looked at is worked out here, of one
//! profile at a time.

use super::{Line, SECOND, Waker};
use crate::clock;
use crate::container::{Instance, Resolution};
use crate::written::{Answer, Ask, Looker, PROCESSES_MAX, WAITING};
use lapwing_abi::ids::Phase;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// Time from a container's start to the first look, and between looks at first; it doubles up to the other.
const FIRST: u64 = SECOND;
const LAST: u64 = 60 * SECOND;
/// Containers of one workload that are asked for at a time.
const ASKED_MAX: usize = 4;
/// The clock of files may be so many nanoseconds behind that of records.
const SLACK: i64 = 20_000_000;

/// When a container is looked at.
struct Turn {
    due: u64,
    every: u64,
    asked: bool,
}

/// Who was looked at, and when.
pub(super) struct Written {
    looker: Looker,
    turns: HashMap<u64, Turn>,
    /// Whether it was told that a look does not come back.
    told: bool,
}

impl Written {
    /// Nothing yet.
    pub(super) fn begin(host_root: PathBuf, waker: Waker) -> Self {
        Self {
            looker: Looker::begin(host_root, waker),
            turns: HashMap::new(),
            told: false,
        }
    }

    /// Of those that learn the ones that are to be looked at now, the longest due first; all others are forgotten.
    fn due(&mut self, learners: &HashSet<u64>, now: u64) -> Vec<u64> {
        self.turns.retain(|home, _| learners.contains(home));
        for home in learners {
            self.turns.entry(*home).or_insert(Turn {
                due: now + FIRST,
                every: FIRST,
                asked: false,
            });
        }
        // Where the thread has its hands full, or one look does not come back, more need not be worked out.
        if self.turns.values().filter(|turn| turn.asked).count() >= WAITING {
            return Vec::new();
        }
        let due = self.turns.iter();
        let due = due.filter(|(_, turn)| turn.due <= now && !turn.asked);
        let mut due: Vec<(u64, u64)> = due.map(|(home, turn)| (turn.due, *home)).collect();
        due.sort_unstable();
        due.into_iter().map(|(_, home)| home).collect()
    }

    /// It was looked at, or there is nothing to look at.
    fn done(&mut self, home: u64, now: u64) {
        if let Some(turn) = self.turns.get_mut(&home) {
            turn.asked = false;
            turn.due = now + turn.every;
            turn.every = (turn.every * 2).min(LAST);
        }
    }
}

impl Line {
    /// Takes what was found, and asks for those whose turn it is.
    pub(super) fn look_at_written(&mut self) {
        let now = clock::since_boot();
        while let Some(answer) = self.written.looker.answer() {
            self.found_written(answer, now);
        }
        let learners: HashSet<u64> = { self.registry.running() }
            .filter(|instance| self.judge.wants_written(instance))
            .map(|instance| instance.home)
            .collect();
        if self.written.looker.is_stuck(now) && !std::mem::replace(&mut self.written.told, true) {
            tracing::warn!(
                "a look at how much a container has written does not come back: a file system does not answer; from now \
                 on no sizes are known, until the agent is started anew"
            );
        }
        let due = self.written.due(&learners, now);
        if due.is_empty() {
            return;
        }
        let running: HashMap<u64, &Instance> = { self.registry.running() }
            .map(|instance| (instance.home, instance))
            .collect();
        let mut due = due.iter().filter_map(|home| running.get(home)).peekable();
        let Some(workload) = due.peek().map(|first| &first.workload) else {
            return;
        };
        let due: Vec<Instance> = due
            .filter(|instance| instance.workload == *workload)
            .take(ASKED_MAX)
            .map(|instance| Instance::clone(instance))
            .collect();
        let folders = self.judge.written_folders(&due[0]);
        let mut inside: HashMap<u64, Vec<(u32, u32, u64)>> = { due.iter() }
            .map(|instance| (instance.home, Vec::new()))
            .collect();
        // Who is not in its root any more, or not yet, has another.
        let [runtime, escaped] =
            [Phase::Runtime, Phase::Escaped].map(|phase| u32::from(phase.raw()));
        let processes = self.tables.processes();
        for (pid, process) in processes.filter(|(_, it)| it.phase > runtime && it.phase != escaped)
        {
            if let Some(own) = inside.get_mut(&process.cgroup) {
                own.push((process.container_pid, pid, process.start));
            }
        }
        for instance in due {
            let home = instance.home;
            let mut own = inside.remove(&home).unwrap_or_default();
            own.sort_unstable();
            // One that ran before the agent began with its first process.
            let eldest = own.iter().map(|(_, _, start)| *start).min();
            let since = instance.since.min(eldest.unwrap_or(instance.since));
            let own = own.into_iter().take(PROCESSES_MAX);
            let ask = Ask {
                home,
                pids: own.map(|(_, pid, start)| (pid, start)).collect(),
                since: self.clock.wall(since) - SLACK,
                folders: folders.clone(),
            };
            if folders.is_empty() {
                self.written.done(home, now);
            } else if let Some(turn) = self.written.turns.get_mut(&home) {
                turn.asked = self.written.looker.ask(ask);
                turn.due = now + FIRST;
            }
        }
    }

    fn found_written(&mut self, answer: Answer, now: u64) {
        self.written.done(answer.home, now);
        let wall = self.clock.wall(now);
        if let (Some(counted), Resolution::Instance(instance)) =
            (answer.counted, self.registry.resolve(answer.home))
        {
            self.judge.take_written(instance, &counted, wall);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_come_ever_more_seldom() {
        let mut written = Written::begin(PathBuf::from("/"), Waker::new().unwrap());
        let learners: HashSet<u64> = (1..=6).collect();
        assert!(written.due(&learners, 0).is_empty());
        assert!(written.due(&learners, FIRST - 1).is_empty());
        assert_eq!(written.due(&learners, FIRST), [1, 2, 3, 4, 5, 6]);
        for home in 1..=4 {
            written.turns.get_mut(&home).unwrap().asked = true;
        }
        assert_eq!(written.due(&learners, FIRST), [5, 6]);
        let one = HashSet::from([1]);
        let mut now = FIRST;
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            written.done(1, now);
            assert!(written.due(&one, now + seconds * SECOND - 1).is_empty());
            now += seconds * SECOND;
            assert_eq!(written.due(&one, now), [1]);
        }
        // As many as the thread takes are asked for.
        let many: HashSet<u64> = (0..=WAITING as u64).collect();
        let mut busy = Written::begin(PathBuf::from("/"), Waker::new().unwrap());
        busy.due(&many, 0);
        for home in 1..WAITING as u64 {
            busy.turns.get_mut(&home).unwrap().asked = true;
        }
        assert_eq!(busy.due(&many, FIRST), [0, WAITING as u64]);
        busy.turns.get_mut(&0).unwrap().asked = true;
        assert!(busy.due(&many, FIRST).is_empty());
        // What comes back begins anew.
        written.due(&HashSet::new(), now);
        assert!(written.due(&one, now + FIRST - 1).is_empty());
    }
}
