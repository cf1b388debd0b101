//! Opening the log, at once or later.
//!
//! A folder that cannot be used when the agent starts (read-only, full, another's, a file in its
//! place) may be one that can a moment later: it is tried again, and until then the feed is in memory.
//! What memory holds then is written behind what the log has, in its order. Its numbers grow by that,
//! and so do those of who follows; cursors that were given out meanwhile keep their meaning, because the
//! log has an era of their own for them (see [`super::memory::Memory::own`]).

use super::positions::Positions;
use super::spool::{Opened, Spool};
use super::{Disk, Settings, Shared};
use crate::clock;
use anyhow::{Context, Result};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Longest time between two attempts.
const LONGEST: Duration = Duration::from_secs(30);

/// Opens the log, and the positions of those who follow by name. `now` is in nanoseconds since the Unix
/// epoch.
pub(super) fn open(settings: &Settings, now: i64) -> Result<(Disk, Opened)> {
    let folder = &settings.folder;
    let opened = Spool::open(folder, settings.caps, now, clock::boot())
        .with_context(|| format!("cannot open the feed in {}", folder.display()))?;
    let disk = Disk {
        index: Arc::clone(&opened.index),
        started: opened.log.cast_signed(),
        consumers: Positions::open(folder.join("consumers"))?,
    };
    Ok((disk, opened))
}

/// What is said while it cannot be opened.
pub(super) fn detail(error: &anyhow::Error) -> String {
    format!(
        "{error:#}: until it can, reports are held in memory alone, and it is tried again; make the folder \
         one that the agent can write to, with space left"
    )
}

/// Opens the log as soon as that can be; `None` where the feed ends before.
pub(super) fn wait(
    shared: &Shared,
    settings: &Settings,
    started: i64,
    first: Duration,
) -> Option<Spool> {
    let mut pause = first;
    loop {
        let ending = pause_for(shared, pause);
        match open(settings, started) {
            Ok((disk, opened)) => return Some(adopt(shared, disk, opened)),
            Err(error) => {
                let mut memory = shared.memory();
                memory.fail(detail(&error), clock::now());
                if ending {
                    let left = memory.next - memory.unwritten;
                    tracing::error!("the agent ends with {left} records that are not written");
                    return None;
                }
            }
        }
        pause = (2 * pause).min(LONGEST);
    }
}

/// Waits, but not beyond the feed's end. Answers whether it ends.
fn pause_for(shared: &Shared, pause: Duration) -> bool {
    let until = Instant::now() + pause;
    let mut memory = shared.memory();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if memory.ending || left.is_zero() {
            return memory.ending;
        }
        let waited = shared.published.wait_timeout(memory, left);
        (memory, _) = waited.unwrap_or_else(PoisonError::into_inner);
    }
}

fn adopt(shared: &Shared, disk: Disk, opened: Opened) -> Spool {
    let mut memory = shared.memory();
    memory.adopt(opened.log, opened.eras, opened.next);
    // Nobody else sets it.
    let _ = shared.disk.set(disk);
    let held = memory.next - memory.unwritten;
    drop(memory);
    tracing::info!(
        held,
        "the feed could be opened in {}: what is held is written there",
        opened.spool.folder().display()
    );
    opened.spool
}
