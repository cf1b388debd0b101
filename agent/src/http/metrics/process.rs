//! What the agent's process costs.

use crate::status;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Figures of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// CPU time, in seconds.
    pub cpu: f64,
    /// Resident memory, in bytes.
    pub memory: u64,
    /// Open file descriptors; `None` where they cannot be counted.
    pub files: Option<u64>,
    /// How many may be open; `None` for any number.
    pub files_max: Option<u64>,
}

impl Process {
    /// As they are now.
    #[must_use]
    pub fn read() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        // The folder that is read is open itself.
        let files = std::fs::read_dir("/proc/self/fd").map(|open| open.count() as u64);
        Self {
            cpu: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            memory: status::memory(),
            files: files.ok().map(|count| count.saturating_sub(1)),
            files_max: getrlimit(Resource::Nofile).current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_files_are_counted() {
        let before = Process::read();
        let held: Vec<_> = (0..50)
            .map(|_| std::fs::File::open("/dev/null").unwrap())
            .collect();
        let mut work = 0u64;
        while Process::read().cpu < before.cpu + 0.05 {
            work = std::hint::black_box(work + 1);
        }
        let after = Process::read();
        // Other tests may open and close any number meanwhile, but not these.
        assert!(after.files.unwrap() >= held.len() as u64);
        assert!(after.memory > 1 << 20 && after.files_max.is_none_or(|most| most >= 50));
        // There is a moment in which no other test does.
        let one = (0..1_000).any(|_| {
            let [first, second] = [Process::read(), Process::read()].map(|it| it.files.unwrap());
            let more = std::fs::File::open("/dev/null").unwrap();
            let third = Process::read().files.unwrap();
            drop(more);
            first == second && third == second + 1
        });
        assert!(one, "one more that is open is not one more that is counted");
    }
}
