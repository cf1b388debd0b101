//! Looks at how much lies in the folders that containers write in, while they learn: a thread of its own.
//!
//! A process of the container is asked for its root, if it is still the one that was meant and has another root than the
//! host's; from then on that stays what it is. Nothing is looked at on a root whose files a program serves (FUSE),
//! which could keep the thread waiting; of an overlay it is not known what serves its layers, so a look that does not
//! come back is told of. No root is held from one look to the next: its file system could not be unmounted.

mod walk;

use crate::clock;
use crate::container::scan;
use crate::container::snapshot::mount_id;
use crate::container::snapshot::mounts::Mounts;
use crate::pipeline::Waker;
use lapwing_profile::text;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, fstat, open};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use walk::{Bounds, Counted};

/// Questions that wait at most.
pub(crate) const WAITING: usize = 64;
/// Processes that are asked for the root of one container.
pub(crate) const PROCESSES_MAX: usize = 16;
/// When a process started is told in ticks of this length, in nanoseconds.
const TICK: u64 = 10_000_000;
/// As many times as long as a look took there is none: a twentieth of the thread's time goes to looks.
const REST: u32 = 20;
/// One that takes longer than this, in nanoseconds, does not come back: the file system does not answer.
const STUCK: u64 = 60_000_000_000;
/// What one look may take.
const BOUNDS: Bounds = Bounds {
    names: 100_000,
    depth: 64,
    time: Duration::from_secs(5),
};

/// A question.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// The container's cgroup.
    pub(crate) home: u64,
    /// Processes that see it from inside, the best first, each with when it started, since boot in
    /// nanoseconds.
    pub(crate) pids: Vec<(u32, u64)>,
    /// Folders, in canonical text.
    pub(crate) folders: Vec<String>,
    /// What was changed since then is the container's, in nanoseconds since the Unix epoch.
    pub(crate) since: i64,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The container's cgroup.
    pub(crate) home: u64,
    /// By folder; `None` where nobody could be asked.
    pub(crate) counted: Option<Counted>,
}

/// The thread's ends.
pub(crate) struct Looker {
    asks: SyncSender<Ask>,
    answers: Receiver<Answer>,
    /// Since when it looks, in nanoseconds since boot; 0 while it does not.
    since: Arc<AtomicU64>,
}

impl Looker {
    /// Starts the thread, which ends with this. It wakes the pipeline.
    pub(crate) fn begin(host_root: PathBuf, waker: Waker) -> Self {
        let (asks, asked) = sync_channel::<Ask>(WAITING);
        let (answer, answers) = sync_channel(2 * WAITING);
        let since = Arc::new(AtomicU64::new(0));
        let busy = Arc::clone(&since);
        let started = std::thread::Builder::new()
            .name("written".to_owned())
            .spawn(move || {
                const LEAST: i32 = 19;
                // It works without, only not as unnoticed.
                let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), LEAST);
                for ask in asked {
                    let began = Instant::now();
                    busy.store(clock::since_boot(), Ordering::Relaxed);
                    let found = look(Path::new("/proc"), &host_root, ask);
                    busy.store(0, Ordering::Relaxed);
                    if answer.send(found).is_err() {
                        return;
                    }
                    waker.wake();
                    std::thread::sleep(began.elapsed() * REST);
                }
            });
        if let Err(error) = started {
            // Each question is refused by the closed channel, and advice says that nobody looked.
            tracing::warn!("nobody looks how much containers write: {error}");
        }
        Self {
            asks,
            answers,
            since,
        }
    }

    /// Whether a look does not come back.
    #[must_use]
    pub(crate) fn is_stuck(&self, now: u64) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        since != 0 && now.saturating_sub(since) > STUCK
    }

    /// Asks. Answers whether there was room.
    #[must_use]
    pub(crate) fn ask(&self, ask: Ask) -> bool {
        self.asks.try_send(ask).is_ok()
    }

    /// What was found, if there is something.
    #[must_use]
    pub(crate) fn answer(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

fn look(proc: &Path, host_root: &Path, ask: Ask) -> Answer {
    let folders: Vec<(String, Vec<u8>)> = { ask.folders.into_iter() }
        .filter_map(|folder| text::bytes(&folder).map(|path| (folder, path)))
        .collect();
    let pids = ask.pids.iter().take(PROCESSES_MAX);
    let root = { pids }.find_map(|(pid, started)| root(proc, host_root, *pid, *started));
    Answer {
        home: ask.home,
        counted: root.map(|root| walk::count(root.as_fd(), &folders, ask.since, BOUNDS)),
    }
}

/// The root of a process, if it is one of a container.
fn root(proc: &Path, host_root: &Path, pid: u32, started: u64) -> Option<OwnedFd> {
    let process = proc.join(pid.to_string());
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = open(process.join("root"), flags, Mode::empty()).ok()?;
    let mount = mount_id(root.as_fd())?;
    let mounts = Mounts::read(&process);
    let start = scan::start(proc, pid)?;
    if start.abs_diff(started) > TICK || !mounts.is_listed(mount) || mounts.is_asking(mount) {
        return None;
    }
    let host = open(host_root, flags, Mode::empty()).ok()?;
    let (own, host) = (fstat(&root).ok()?, fstat(&host).ok()?);
    ((own.st_dev, own.st_ino) != (host.st_dev, host.st_ino)).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_process_that_was_meant_is_asked_and_never_the_host_s_root() {
        let proc = Path::new("/proc");
        let pid = std::process::id();
        let started = scan::start(proc, pid).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let ask = |host_root: &Path, started| {
            let ask = Ask {
                home: 3,
                pids: vec![(pid, started)],
                folders: vec!["/none/at/all".to_owned(), "/\\zz".to_owned()],
                since: 0,
            };
            look(proc, host_root, ask).counted
        };
        let counted = ask(elsewhere.path(), started).unwrap();
        assert!(counted.contains_key("/none/at/all") && counted.len() == 1);
        assert!(ask(elsewhere.path(), started + 3 * TICK).is_none());
        assert!(ask(Path::new("/"), started).is_none());
    }
}
