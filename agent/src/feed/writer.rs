//! The threads that make the log outlast the agent and the power.
//!
//! The pipeline publishes into memory and goes on. The **writer** takes what is there, writes it with
//! one `write()`, and then offers it: under load that groups by itself. The **syncer** has what was
//! written synced, by default each second, apart from the writer, because a sync takes as long as
//! the disk likes. Where each record is to outlast a power failure, the writer syncs before it offers.
//!
//! When writing fails, the feed goes on from memory and says so; the writer tries again each second
//! and writes what memory still holds. A sync that failed is not tried again: of what it could not
//! write the system keeps nothing. The trouble is over when no sync failed for a while.

use super::Shared;
use super::memory::Memory;
use super::spool::{History, Record, Spool};
use crate::clock;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that are written at a time, about.
const BATCH: usize = 1 << 20;
/// Between two attempts, and between two looks at the age of segments.
const RETRY: Duration = Duration::from_secs(1);

/// When what was written is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Each time that this has passed, if there was something.
    Interval(Duration),
    /// Before it is offered.
    Always,
    /// When the system likes.
    Never,
}

/// What is to be synced.
#[derive(Default)]
struct Unsynced {
    files: Vec<Arc<File>>,
    /// A segment was begun.
    folder: bool,
    ending: bool,
}

/// What the writer leaves to the syncer.
#[derive(Default)]
pub(super) struct Syncing {
    unsynced: Mutex<Unsynced>,
    changed: Condvar,
}

impl Syncing {
    fn unsynced(&self) -> MutexGuard<'_, Unsynced> {
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, file: Option<Arc<File>>, folder: bool) {
        let mut unsynced = self.unsynced();
        unsynced.folder |= folder;
        if let Some(file) = file
            && !unsynced.files.iter().any(|one| Arc::ptr_eq(one, &file))
        {
            unsynced.files.push(file);
        }
    }

    pub(super) fn end(&self) {
        self.unsynced().ending = true;
        self.changed.notify_all();
    }
}

/// The writer's work: until the feed ends and everything is written, or cannot be.
pub(super) fn write(shared: &Shared, syncing: &Syncing, mut spool: Spool, sync: Sync) {
    // After a failure.
    let mut retry: Option<Instant> = None;
    loop {
        let mut memory = shared.memory();
        loop {
            let some = memory.unwritten < memory.next;
            let now = Instant::now();
            if retry.is_none() {
                recover(&mut memory, &spool);
            }
            if some && (memory.ending || retry.is_none_or(|at| at <= now)) {
                break;
            }
            if memory.ending {
                return;
            }
            let wait = match retry {
                Some(at) if some => at.saturating_duration_since(now),
                Some(_) | None => RETRY,
            };
            let waited = shared.published.wait_timeout(memory, wait);
            let (woken, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            memory = woken;
            if waited.timed_out() && !some {
                drop(memory);
                spool.evict(0, clock::now());
                memory = shared.memory();
            }
        }
        let records = memory.to_write(BATCH);
        let (history, ending) = (memory.history(), memory.ending);
        drop(memory);
        let result = append(&mut spool, syncing, &records, &history, sync);
        let mut memory = shared.memory();
        match result {
            // What was to be written was dropped: the pipeline did not wait any longer.
            Ok(()) if records.is_empty() => {}
            Ok(()) => {
                retry = None;
                memory.arrived(&records);
                recover(&mut memory, &spool);
            }
            Err(error) => {
                retry = Some(Instant::now() + RETRY);
                let detail = format!(
                    "the feed cannot be written to {}: {error}; until it can, reports are held in memory \
                     alone: free space there, or make it writable",
                    spool.folder().display()
                );
                if memory.fail(detail.clone(), clock::now()) {
                    tracing::error!("{detail}");
                }
                if ending {
                    let left = memory.next - memory.unwritten;
                    tracing::error!("the agent ends with {left} records that are not written");
                    return;
                }
            }
        }
        shared.written.store(spool.written(), Ordering::Relaxed);
        let offered = memory.offered;
        drop(memory);
        shared.offer(offered);
    }
}

fn recover(memory: &mut Memory, spool: &Spool) {
    if memory.recover(Instant::now()) {
        tracing::info!("the feed is written again to {}", spool.folder().display());
    }
}

fn append(
    spool: &mut Spool,
    syncing: &Syncing,
    records: &[Record],
    history: &History,
    sync: Sync,
) -> io::Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let before = spool.file();
    let folder = spool.folder().to_path_buf();
    let settle = |file: &File, begun| match sync {
        Sync::Never | Sync::Interval(_) => Ok(()),
        Sync::Always => {
            file.sync_data()?;
            match begun {
                true => File::open(folder)?.sync_all(),
                false => Ok(()),
            }
        }
    };
    let begun = spool.append(records, history, clock::now(), settle)?;
    if let Sync::Interval(_) = sync {
        if begun {
            syncing.note(before, true);
        }
        syncing.note(spool.file(), begun);
    }
    Ok(())
}

/// The syncer's work: until the feed ends, and then once more.
pub(super) fn sync(shared: &Shared, syncing: &Syncing, folder: &Path, interval: Duration) {
    loop {
        let unsynced = syncing.unsynced();
        let (mut unsynced, _) = syncing
            .changed
            .wait_timeout_while(unsynced, interval, |unsynced| !unsynced.ending)
            .unwrap_or_else(PoisonError::into_inner);
        let ending = unsynced.ending;
        let files = std::mem::take(&mut unsynced.files);
        let begun = std::mem::take(&mut unsynced.folder);
        drop(unsynced);
        let mut result = files.iter().try_for_each(|file| file.sync_data());
        if begun && result.is_ok() {
            result = File::open(folder).and_then(|folder| folder.sync_all());
        }
        if let Err(error) = result {
            // The system may have dropped what it could not write: it is not known what is there.
            let detail = format!(
                "the feed cannot be synced to {}: {error}; look at the disk, its records may be damaged",
                folder.display()
            );
            let mut memory = shared.memory();
            memory.sync_failed = Some(Instant::now());
            let news = memory.fail(detail.clone(), clock::now());
            let offered = memory.offered;
            drop(memory);
            if news {
                tracing::error!("{detail}");
            }
            shared.offer(offered);
        }
        if ending {
            return;
        }
    }
}
