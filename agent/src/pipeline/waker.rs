//! What the pipeline waits for: the rings, the time, and other threads that want its attention.

use super::SECOND;
use anyhow::{Context, Result};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::sync::Arc;

/// Wakes the pipeline from another thread.
#[derive(Clone)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    /// A new one.
    ///
    /// # Errors
    /// When there are no file descriptors left.
    pub fn new() -> Result<Self> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .context("cannot make an event descriptor")?;
        Ok(Self(Arc::new(fd)))
    }

    /// Wakes it.
    pub fn wake(&self) {
        // It fails only if it is full, and then it is awake already.
        let _ = rustix::io::write(&*self.0, &1u64.to_ne_bytes());
    }

    /// Waits until it is called, or a ring has something, or the time is over. Takes note of the
    /// call.
    ///
    /// # Errors
    /// When the kernel refuses to wait for these.
    pub(super) fn wait(&self, rings: [BorrowedFd<'_>; 2], nanoseconds: u64) -> Result<()> {
        let [lifecycle, behaviour] = rings;
        let mut fds = [lifecycle, behaviour, self.as_fd()]
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let timeout = Timespec {
            tv_sec: (nanoseconds / SECOND) as i64,
            tv_nsec: (nanoseconds % SECOND) as i64,
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the ring buffers"),
        }
        let _ = rustix::io::read(&*self.0, &mut [0; 8]);
        Ok(())
    }
}

/// Lets this thread run before others that want to: a ring that is not read in time loses
/// records, and a container that lives for a few milliseconds must be named while it does.
pub(super) fn prefer_this_thread() {
    const NICE: i32 = -10;
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        // It goes without as a pod, by design: that is no trouble to look for.
        let why = match error {
            Errno::ACCESS | Errno::PERM => "without the right to it".to_owned(),
            other => other.to_string(),
        };
        tracing::info!(
            "the reader of the rings has no priority over others ({why}): on a busy machine records may be lost, \
             which is counted; `LimitNICE=-10` in the unit or CAP_SYS_NICE gives it"
        );
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
