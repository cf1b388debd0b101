//! Writing files without making the pipeline wait.
//!
//! Syncing a file takes milliseconds to seconds, and the pipeline's ring fills
//! meanwhile. So a thread of its own replaces the files. What it has not begun to
//! write yet is superseded by a later text for the same file, so the queue never
//! holds two of one file, and it is bounded in bytes: what finds no room is refused
//! and offered again at the next tick. Files are replaced whole (see
//! [`super::store`]), so a kill at any time leaves the old text or the new one.
//!
//! A decision of a person goes to the front of the queue. Its answer waits until it
//! is on disk; the pipeline does not, and is woken when it is.

use super::store::{MODE, StoreError, replace};
use std::collections::VecDeque;
use std::io;
use std::mem::take;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Bytes that wait at most; a single text is always taken.
const QUEUE_BYTES_MAX: usize = 8 << 20;

struct Job {
    path: PathBuf,
    text: Vec<u8>,
    /// What is written before it.
    first: Option<(PathBuf, Vec<u8>)>,
    /// Who waits for it.
    answer: Option<SyncSender<Result<(), StoreError>>>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    bytes: usize,
    ending: bool,
    results: Results,
}

/// Makes the pipeline look at what was answered.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// What came of the texts that nobody waited for.
#[derive(Default)]
pub struct Results {
    /// Files that were written.
    pub written: usize,
    /// Files that could not be.
    pub failed: Vec<(PathBuf, StoreError)>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing that holds the lock can leave the queue in between.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn remove(&mut self, path: &Path) {
        // What somebody waits for is not superseded: that one is the latest there is.
        if let Some(at) =
            (self.jobs.iter()).position(|job| job.path == path && job.answer.is_none())
            && let Some(job) = self.jobs.remove(at)
        {
            self.bytes -= job.text.len();
        }
    }
}

/// The thread that writes. Dropping it waits until everything is written.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there is no room for another thread.
    pub fn start(wake: Wake) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || work(&theirs, &*wake))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Has a file written, some time soon. Answers whether there was room.
    #[must_use]
    pub fn offer(&self, path: PathBuf, text: Vec<u8>) -> bool {
        let mut queue = self.shared.queue();
        queue.remove(&path);
        if !queue.jobs.is_empty() && queue.bytes + text.len() > QUEUE_BYTES_MAX {
            return false;
        }
        queue.bytes += text.len();
        queue.jobs.push_back(Job {
            path,
            text,
            first: None,
            answer: None,
        });
        drop(queue);
        self.shared.changed.notify_all();
        true
    }

    /// Has a file written next. What comes of it is received; where it cannot be written, the
    /// old text stands. Of two files the one given as `first` is written before the other.
    pub fn begin(
        &self,
        path: &Path,
        text: Vec<u8>,
        first: Option<(PathBuf, Vec<u8>)>,
    ) -> Receiver<Result<(), StoreError>> {
        let (answer, answered) = sync_channel(1);
        let mut queue = self.shared.queue();
        // The text that waited is older than this one.
        queue.remove(path);
        queue.bytes += text.len();
        queue.jobs.push_front(Job {
            path: path.to_path_buf(),
            text,
            first,
            answer: Some(answer),
        });
        drop(queue);
        self.shared.changed.notify_all();
        answered
    }

    /// What came of the texts since the last call.
    pub fn results(&self) -> Results {
        take(&mut self.shared.queue().results)
    }

    /// Writes what waits, and ends.
    pub fn end(&mut self) {
        self.shared.queue().ending = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that stores profiles panicked");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

fn work(shared: &Shared, wake: &dyn Fn()) {
    loop {
        let mut queue = shared.queue();
        let job = loop {
            if let Some(job) = queue.jobs.pop_front() {
                break job;
            }
            if queue.ending {
                return;
            }
            queue = (shared.changed.wait(queue)).unwrap_or_else(PoisonError::into_inner);
        };
        queue.bytes -= job.text.len();
        drop(queue);
        let first = job.first.iter();
        let result = first
            .map(|(path, text)| (path, text))
            .chain([(&job.path, &job.text)])
            .try_for_each(|(path, text)| replace(path, text, MODE));
        match (job.answer, result) {
            (Some(answer), result) => {
                // Whoever waited is gone only if the pipeline panicked.
                drop(answer.send(result));
                wake();
            }
            (None, Ok(())) => shared.queue().results.written += 1,
            (None, Err(error)) => shared.queue().results.failed.push((job.path, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_last_text_of_each_file_is_written_at_the_latest_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::start(Arc::new(|| ())).unwrap();
        for round in 0..200 {
            for name in ["a", "b"] {
                let text = format!("{name}{round}").into_bytes();
                assert!(writer.offer(folder.path().join(name), text));
            }
        }
        writer.end();
        for name in ["a", "b"] {
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            assert_eq!(text, format!("{name}199"));
        }
        let results = writer.results();
        assert!(results.failed.is_empty() && results.written >= 2);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn who_waits_is_answered_when_it_is_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let writer = Writer::start(Arc::new(|| ())).unwrap();
        for round in 0..20 {
            assert!(writer.offer(path.clone(), b"older".to_vec()));
            let text = format!("decision {round}");
            let answered = writer.begin(&path, text.clone().into_bytes(), None);
            answered.recv().unwrap().unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let failed = writer.begin(&path.join("x"), Vec::new(), None);
        assert!(failed.recv().unwrap().is_err());
    }

    #[test]
    fn one_file_that_fails_does_not_hinder_another() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::start(Arc::new(|| ())).unwrap();
        assert!(writer.offer(folder.path().join("no-such-folder/a"), b"a".to_vec()));
        assert!(writer.offer(folder.path().join("b"), b"b".to_vec()));
        writer.end();
        let results = writer.results();
        assert_eq!((results.failed.len(), results.written), (1, 1));
        assert!(results.failed[0].0.ends_with("no-such-folder/a"));
    }

    #[test]
    fn the_queue_is_bounded_in_bytes() {
        let shared = Arc::new(Shared::default());
        // A writer that never comes to work.
        let writer = Writer {
            shared: Arc::clone(&shared),
            thread: None,
        };
        let path = |name: usize| PathBuf::from(format!("/{name}"));
        assert!(writer.offer(path(0), vec![0; QUEUE_BYTES_MAX - 1]));
        assert!(!writer.offer(path(1), vec![0; 2]));
        assert!(writer.offer(path(0), vec![0; 1]), "it takes its own place");
        assert!(writer.offer(path(1), vec![0; 2]));
        let queue = shared.queue();
        assert_eq!((queue.bytes, queue.jobs.len()), (3, 2));
    }
}
