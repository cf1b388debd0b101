//! The log on disk: segments in a folder, of which the last one grows.
//!
//! One thread appends ([`Spool`]); any number reads ([`Index`]). A record is there when `write()`
//! has returned, and so outlasts the agent's death; [`super::writer`] has it synced. The log is
//! bounded by whole segments, the oldest go first. An append that fails, be it to be synced where that
//! is asked for, is taken back, or else is what a reader finds cut short at the end of a segment.

use super::cursor::Era;
use super::recover;
use super::segment::{self, AHEAD, HEADER_MAX, Header, PAYLOAD_MAX, Parsed};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that a client reads at a time.
const CHUNK: usize = 64 << 10;
/// What names of segments end with.
pub const EXTENSION: &str = ".segment";

/// Most that the log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Bytes of all segments; the last segment is always held.
    pub bytes: u64,
    /// Bytes of one segment; one record is always taken.
    pub segment: u64,
    /// Nanoseconds after which a segment goes.
    pub age: i64,
}

/// A segment, as far as it is known without reading it.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Number of its first record; names the file.
    pub first: u64,
    /// Number of the record behind its last one.
    pub next: u64,
    /// Bytes that are written.
    pub bytes: u64,
    /// Length of its header.
    pub header: u64,
    /// When it was made, in nanoseconds since the Unix epoch.
    pub created: i64,
}

/// What is on disk, for those who read.
#[derive(Debug)]
pub struct Index {
    folder: PathBuf,
    segments: Mutex<VecDeque<Segment>>,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub number: u64,
    /// Its time, in nanoseconds since the Unix epoch.
    pub at: i64,
    /// A `WatchResponse` without its cursor.
    pub payload: Arc<[u8]>,
}

/// Where reading goes on: a segment's first number, and an offset in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    segment: u64,
    offset: u64,
}

/// Some records.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk {
    /// In the order of their numbers.
    pub records: Vec<Record>,
    /// Everything up to before this number is among them, or is lost.
    pub upto: u64,
    /// Where the next ones stand.
    pub place: Option<Place>,
}

/// What came of reading.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// Some records.
    Chunk(Chunk),
    /// The record is gone; the oldest one has this number.
    Evicted(u64),
    /// The record is not written yet.
    End,
}

/// The file of a segment.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}{EXTENSION}"))
}

impl Index {
    pub(super) fn new(folder: PathBuf, segments: VecDeque<Segment>) -> Self {
        let segments = Mutex::new(segments);
        Self { folder, segments }
    }

    pub(super) fn segments(&self) -> MutexGuard<'_, VecDeque<Segment>> {
        // Nothing that holds the lock can leave the list in between.
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of the oldest record, and when its segment was made; `None` while there is none.
    #[must_use]
    pub fn oldest(&self) -> Option<(u64, i64)> {
        let segments = self.segments();
        let oldest = segments.iter().find(|segment| segment.next > segment.first);
        oldest.map(|segment| (segment.first, segment.created))
    }

    /// Segments, and their bytes.
    #[must_use]
    pub fn size(&self) -> (usize, u64) {
        let segments = self.segments();
        let bytes = segments.iter().map(|segment| segment.bytes).sum();
        (segments.len(), bytes)
    }

    /// A number from which on all records are that are not older than a time.
    #[must_use]
    pub fn since(&self, time: i64) -> Option<u64> {
        let segments = self.segments();
        let behind = segments.partition_point(|segment| segment.created <= time);
        let segment = segments.get(behind.saturating_sub(1))?;
        Some(segment.first)
    }

    /// Reads the record with a number and some behind it. May wait for the disk.
    #[must_use]
    pub fn read(&self, number: u64, place: Option<Place>) -> Read {
        loop {
            let (segment, is_last) = {
                let segments = self.segments();
                match segments.front() {
                    None => return Read::End,
                    Some(oldest) if number < oldest.first => return Read::Evicted(oldest.first),
                    Some(_) => {}
                }
                let behind = segments.partition_point(|segment| segment.next <= number);
                let Some(segment) = segments.get(behind) else {
                    return Read::End;
                };
                (segment.clone(), behind + 1 == segments.len())
            };
            let offset = place
                .filter(|place| place.segment == segment.first)
                .map_or(segment.header, |place| place.offset);
            match self.read_at(&segment, number.max(segment.first), offset) {
                Ok(chunk) => return Read::Chunk(chunk),
                Err(error) => {
                    let gone = !self.segments().iter().any(|one| one.first == segment.first);
                    if gone {
                        // It was evicted while it was opened.
                        continue;
                    }
                    tracing::error!(
                        "the segment {} of the feed cannot be read: {error}",
                        path(&self.folder, segment.first).display()
                    );
                    // The last one goes on: what comes is in memory too.
                    let upto = match is_last {
                        true => self
                            .segments()
                            .back()
                            .map_or(segment.next, |last| last.next),
                        false => segment.next,
                    };
                    return Read::Chunk(Chunk {
                        records: Vec::new(),
                        upto,
                        place: None,
                    });
                }
            }
        }
    }

    fn read_at(&self, segment: &Segment, number: u64, mut offset: u64) -> io::Result<Chunk> {
        let file = File::open(path(&self.folder, segment.first))?;
        let end = segment.bytes;
        let mut records = Vec::new();
        let mut want = CHUNK;
        let mut upto = number;
        while records.is_empty() && offset < end {
            let length = want.min((end - offset) as usize);
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, offset)?;
            let mut at = 0;
            want = CHUNK;
            loop {
                match segment::parse(&bytes[at..]) {
                    Parsed::Whole {
                        number: found,
                        at: time,
                        payload,
                        size,
                    } => {
                        if found >= upto {
                            upto = found + 1;
                            records.push(Record {
                                number: found,
                                at: time,
                                payload: payload.into(),
                            });
                        }
                        at += size;
                    }
                    Parsed::Short(size) if offset + at as u64 + size as u64 <= end => {
                        want = want.max(size);
                        break;
                    }
                    // Cut short, or damaged: up to the next record that is whole.
                    Parsed::Short(_) | Parsed::Damaged if records.is_empty() => {
                        let mut rest = vec![0; (end - offset) as usize - at];
                        file.read_exact_at(&mut rest, offset + at as u64)?;
                        at += segment::find(&rest).unwrap_or(rest.len());
                        break;
                    }
                    Parsed::Short(_) | Parsed::Damaged => break,
                }
            }
            offset += at as u64;
        }
        if offset >= end {
            upto = upto.max(segment.next);
        }
        Ok(Chunk {
            records,
            upto,
            place: Some(Place {
                segment: segment.first,
                offset,
            }),
        })
    }
}

/// What numbers of records mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Every era, the current one last.
    pub eras: Vec<Era>,
    /// Records are given out before they are written. What a kill then leaves of them is followed by
    /// an era of its own, or else their numbers would be given out again.
    pub ahead: bool,
}

/// The end at which the log grows.
pub struct Spool {
    index: Arc<Index>,
    caps: Caps,
    log: u64,
    boot: [u8; 16],
    /// What the last segment's header says.
    history: History,
    /// The last segment, while it may grow.
    file: Option<Arc<File>>,
    /// Bytes that were written, headers included.
    written: u64,
}

/// What was opened, and what was found.
pub struct Opened {
    /// The end at which it grows.
    pub spool: Spool,
    /// What is on disk.
    pub index: Arc<Index>,
    /// The log's number.
    pub log: u64,
    /// Every era, the current one last.
    pub eras: Vec<Era>,
    /// Number of the next record.
    pub next: u64,
}

impl Spool {
    /// Opens the log in a folder, and mends its end. `now` is in nanoseconds since the Unix epoch.
    ///
    /// # Errors
    /// When the folder cannot be made, or something in it can neither be read nor set aside.
    pub fn open(folder: &Path, caps: Caps, now: i64, boot: [u8; 16]) -> io::Result<Opened> {
        let found = recover::recover(folder, now, boot)?;
        let file = found
            .grows
            .map(|path| OpenOptions::new().write(true).open(path));
        let index = Arc::new(Index::new(folder.to_path_buf(), found.segments));
        let spool = Self {
            index: Arc::clone(&index),
            caps,
            log: found.log,
            boot,
            history: History {
                eras: found.eras.clone(),
                ahead: false,
            },
            file: file.transpose()?.map(Arc::new),
            written: 0,
        };
        Ok(Opened {
            spool,
            index,
            log: found.log,
            eras: found.eras,
            next: found.next,
        })
    }

    /// Bytes that were written so far, headers included.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// The file that grows.
    #[must_use]
    pub fn file(&self) -> Option<Arc<File>> {
        self.file.clone()
    }

    /// Appends records of a history: all, or none. Answers whether a segment was begun. `now` is in
    /// nanoseconds since the Unix epoch. `settle` is called when they are written, with the file and
    /// whether it was begun: nobody reads them before it has returned.
    ///
    /// # Errors
    /// When they cannot be written, or what `settle` says. What is then left of them is behind the
    /// end, and they may be appended again, to another segment: of what could not be synced the
    /// system keeps nothing that a second sync would write.
    pub fn append(
        &mut self,
        records: &[Record],
        history: &History,
        now: i64,
        settle: impl FnOnce(&File, bool) -> io::Result<()>,
    ) -> io::Result<bool> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Ok(false);
        };
        let mut bytes = Vec::new();
        for record in records {
            if record.payload.len() > PAYLOAD_MAX {
                return Err(io::Error::other(format!(
                    "a record of {} bytes: more than {PAYLOAD_MAX} are not written",
                    record.payload.len()
                )));
            }
            segment::push(&mut bytes, record.number, record.at, &record.payload);
        }
        let begun = self.begin(first.number, bytes.len() as u64, history, now)?;
        self.evict(bytes.len() as u64, now);
        let offset = self.index.segments().back().map_or(0, |last| last.bytes);
        let Some(file) = &self.file else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let written = file.write_all_at(&bytes, offset);
        if let Err(error) = written.and_then(|()| settle(file, begun)) {
            // What is left is cut off by the next start, if not here; no reader goes there.
            let _ = file.set_len(offset);
            self.file = None;
            return Err(error);
        }
        self.written += bytes.len() as u64;
        if let Some(segment) = self.index.segments().back_mut() {
            segment.bytes += bytes.len() as u64;
            segment.next = last.number + 1;
        }
        Ok(begun)
    }

    /// Begins a segment where the last one is full, old, of another history, or failed.
    fn begin(&mut self, first: u64, more: u64, history: &History, now: i64) -> io::Result<bool> {
        let last = self.index.segments().back().cloned();
        let grows = last.as_ref().is_some_and(|last| {
            let empty = last.bytes <= last.header;
            let full = last.bytes + more > self.caps.segment && !empty;
            let old = now.saturating_sub(last.created) > self.caps.age / 4 && !empty;
            !full && !old && self.history == *history
        });
        if grows && self.file.is_some() {
            return Ok(false);
        }
        self.file = None;
        let folder = self.index.folder.clone();
        if let Some(last) = last.filter(|last| last.next == last.first) {
            // Nothing is in it, and it may have the name of the new one.
            self.index.segments().pop_back();
            remove(&path(&folder, last.first));
        }
        let header = Header {
            log: self.log,
            first,
            created: now,
            boot: match history.ahead {
                true => AHEAD,
                false => self.boot,
            },
            eras: history.eras.clone(),
        };
        let bytes = header.encode();
        let at = path(&folder, first);
        let begin = || -> io::Result<File> {
            let file = OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(&at)?;
            file.write_all_at(&bytes, 0).inspect_err(|_| remove(&at))?;
            Ok(file)
        };
        let file = begin()?;
        self.file = Some(Arc::new(file));
        self.written += bytes.len() as u64;
        self.history = history.clone();
        self.index.segments().push_back(Segment {
            first,
            next: first,
            bytes: bytes.len() as u64,
            header: bytes.len() as u64,
            created: now,
        });
        Ok(true)
    }

    /// Removes the oldest segments: for what is to come, and those whose records are all too old.
    pub fn evict(&mut self, more: u64, now: i64) {
        loop {
            let mut segments = self.index.segments();
            let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
            let too_many = bytes + more > self.caps.bytes;
            // It ended when the next one began.
            let too_old = (segments.get(1))
                .is_some_and(|next| now.saturating_sub(next.created) > self.caps.age);
            if segments.len() < 2 || !(too_many || too_old) {
                return;
            }
            let Some(oldest) = segments.pop_front() else {
                return;
            };
            drop(segments);
            remove(&path(&self.index.folder, oldest.first));
        }
    }

    /// Where the segments are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.index.folder
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::error!("cannot remove {}: {error}", path.display());
    }
}

/// The header of a segment's file, with its length.
pub(super) fn header(path: &Path) -> io::Result<Option<(Header, u64)>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len().min(HEADER_MAX as u64) as usize;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Header::decode(&bytes).map(|(header, length)| (header, length as u64)))
}
