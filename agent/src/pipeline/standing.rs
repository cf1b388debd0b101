//! What containers ran and held before the agent came, as it is found by a thread beside this one.
//!
//! The scan of processes has to be over before the first record; this has not, and it may take
//! seconds. Its records come through a channel, and then take the way of all others.

use super::loss::UserLoss;
use super::{Line, MILLISECOND, Ring, Waker};
use crate::clock;
use crate::container::scan::Seed;
use crate::container::snapshot::{self, LIMITS, Subject};
use crate::judge::sighting;
use lapwing_abi::decode::Record;
use lapwing_profile::text::DETACHED;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

/// Records that are on their way at most; also, how many are taken at a time.
const WAITING: usize = 256;
/// A thread that does not end in this time waits for a file system that does not answer, in
/// nanoseconds.
const PATIENCE: u64 = 2 * LIMITS.time.as_nanos() as u64;

/// What the thread says.
enum Word {
    /// A record.
    Record(Vec<u8>),
    /// It is done, and left out so much.
    Done(u64),
}

/// The thread's end of the pipeline.
pub struct Standing {
    words: Option<Receiver<Word>>,
    /// Records taken.
    records: u64,
    /// When the thread began, since boot in nanoseconds.
    begun: u64,
}

impl Standing {
    /// Has a thread look at what these processes run and hold. It wakes the pipeline.
    pub fn begin(host_root: &Path, seeds: &[Seed], waker: Waker) -> Self {
        let host_root = host_root.to_path_buf();
        let subjects: Vec<Subject> = seeds
            .iter()
            .map(|seed| Subject {
                pid: seed.pid,
                process: seed.process,
            })
            .collect();
        let (send, words) = sync_channel(WAITING);
        let started = std::thread::Builder::new()
            .name("snapshot".to_owned())
            .spawn(move || look(&host_root, &subjects, &send, &waker));
        if let Err(error) = started {
            tracing::warn!("what containers hold already is not looked at: {error}");
        }
        Self {
            // Where there is no thread, its end has gone with it, which is counted.
            words: Some(words),
            records: 0,
            begun: clock::since_boot(),
        }
    }
}

fn look(host_root: &Path, subjects: &[Subject], send: &SyncSender<Word>, waker: &Waker) {
    let cut = snapshot::take(Path::new("/proc"), host_root, subjects, LIMITS, |record| {
        let taken = send.send(Word::Record(record)).is_ok();
        waker.wake();
        taken
    });
    // Where nobody listens, the agent ends.
    let _ = send.send(Word::Done(cut));
    waker.wake();
}

impl Line {
    /// Whether a process ran another program when it was looked at than at the scan: of that one
    /// its hook has told, and the scan's image is not to become it.
    fn has_moved_on(&self, bytes: &[u8]) -> bool {
        let Ok(record) = Record::decode(bytes) else {
            return false;
        };
        let header = &record.header;
        let Some(image) = sighting::image(&record) else {
            return false;
        };
        let now = self.tables.process(header.pid);
        if now.is_some_and(|now| now.exec == header.exec) {
            return false;
        }
        let path = image.exe.strip_prefix(DETACHED).unwrap_or(&image.exe);
        let met = self.images.get(header.exec);
        met.is_some_and(|met| {
            met.exe
                .strip_prefix(path)
                .is_none_or(|rest| !["", " (deleted)"].contains(&rest))
        })
    }

    /// Takes what the thread found since the last time. Answers whether there may be more.
    pub(super) fn stand(&mut self, standing: &mut Standing, lifecycle: &mut Ring) -> bool {
        let Some(words) = &standing.words else {
            return false;
        };
        let begun = standing.begun;
        let took = || clock::since_boot().saturating_sub(begun);
        for _ in 0..WAITING {
            let left_out = match words.try_recv() {
                Ok(Word::Record(record)) => {
                    standing.records += 1;
                    if !self.has_moved_on(&record) {
                        self.take(&record, lifecycle);
                    }
                    continue;
                }
                Ok(Word::Done(cut)) => cut,
                Err(TryRecvError::Empty) if took() < PATIENCE => return false,
                // How much it would have been nobody knows.
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => 1,
            };
            self.lose(UserLoss::SnapshotCut, left_out);
            tracing::info!(
                "what containers hold already was looked at in {} ms: {} programs, files and sockets, {left_out} left out",
                took() / MILLISECOND,
                standing.records
            );
            standing.words = None;
            return false;
        }
        true
    }
}
