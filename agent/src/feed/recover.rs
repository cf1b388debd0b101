//! Finding the log again at a start.
//!
//! Only the last segment is read, so that a start does not wait for the whole log; the others are
//! checked when they are read. What a kill cut short at the end was offered to nobody and is cut
//! off; the log then goes on in the same era. A new era begins where numbers may have been given
//! out that are not in the log any more: when something at the end is damaged, when the machine
//! was started anew, because then what was not synced is lost without a trace, and when the last
//! segment is of a time in which records were given out before they were written.

use super::cursor::Era;
use super::segment::{self, Header, Parsed};
use super::spool::{EXTENSION, Segment, header, path};
use std::collections::VecDeque;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// What was found.
pub(super) struct Found {
    pub log: u64,
    /// All, the current one last.
    pub eras: Vec<Era>,
    pub segments: VecDeque<Segment>,
    /// Number of the next record.
    pub next: u64,
    /// The segment that may grow.
    pub grows: Option<PathBuf>,
}

/// Reads what is in the folder.
pub(super) fn recover(folder: &Path, now: i64, boot: [u8; 16]) -> io::Result<Found> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let (mut headers, mut damaged) = list(folder)?;
    let Some((last, _)) = headers.last().cloned() else {
        let log = now.cast_unsigned();
        let era = Era {
            began: log,
            first: 1,
        };
        return Ok(Found {
            log,
            eras: vec![era],
            segments: VecDeque::new(),
            next: 1,
            grows: None,
        });
    };
    // Of another log: somebody put files together.
    let (own, foreign) = headers
        .into_iter()
        .partition(|(one, _)| one.log == last.log);
    headers = own;
    for (one, _) in foreign {
        damaged = true;
        set_aside(&path(folder, one.first), "it is of another log")?;
    }
    let mut segments = VecDeque::new();
    for (index, (one, length)) in headers.iter().enumerate() {
        let bytes = fs::metadata(path(folder, one.first))?.len();
        let next = headers
            .get(index + 1)
            .map_or(one.first, |(next, _)| next.first);
        segments.push_back(Segment {
            first: one.first,
            next,
            bytes,
            header: *length,
            created: one.created,
        });
    }
    let mut next = last.first;
    if let Some(segment) = segments.back_mut() {
        damaged |= mend(&path(folder, last.first), segment)?;
        next = segment.next;
    }
    let mut eras = last.eras.clone();
    // Of a time ahead of the disk the boot is none at all.
    let anew = damaged || last.boot != boot || eras.is_empty();
    if anew {
        let before = eras.last().map_or(last.log, |era| era.began);
        let began = now.cast_unsigned().max(before + 1);
        eras.push(Era { began, first: next });
    }
    let grows = (!anew).then(|| path(folder, last.first));
    Ok(Found {
        log: last.log,
        eras,
        segments,
        next,
        grows,
    })
}

/// The headers of all segments and their lengths, in the order of their numbers, and whether
/// something was set aside that has none.
fn list(folder: &Path) -> io::Result<(Vec<(Header, u64)>, bool)> {
    let mut headers = Vec::new();
    let mut damaged = false;
    for entry in fs::read_dir(folder)? {
        let at = entry?.path();
        let name = at.file_name().and_then(|name| name.to_str());
        let Some(first) = name.and_then(|name| name.strip_suffix(EXTENSION)) else {
            continue;
        };
        match header(&at)? {
            Some((header, length)) if first.parse() == Ok(header.first) => {
                headers.push((header, length));
            }
            // The agent was killed between making the file and writing to it.
            None if fs::metadata(&at)?.len() == 0 => fs::remove_file(&at)?,
            _ => {
                damaged = true;
                set_aside(&at, "its header is damaged")?;
            }
        }
    }
    headers.sort_by_key(|(header, _)| header.first);
    Ok((headers, damaged))
}

fn set_aside(at: &Path, why: &str) -> io::Result<()> {
    let mut to = at.as_os_str().to_owned();
    to.push(".damaged");
    fs::rename(at, &to)?;
    tracing::error!(
        "{} is no segment of the feed ({why}); the file is now {}",
        at.display(),
        Path::new(&to).display()
    );
    Ok(())
}

/// Finds the end of the last segment, and cuts off what was cut short. Answers whether something is
/// damaged.
fn mend(at: &Path, segment: &mut Segment) -> io::Result<bool> {
    let bytes = fs::read(at)?;
    let mut offset = segment.header as usize;
    let mut damaged = false;
    loop {
        match segment::parse(&bytes[offset..]) {
            Parsed::Whole { number, size, .. } => {
                segment.next = segment.next.max(number + 1);
                offset += size;
            }
            Parsed::Short(_) => break,
            Parsed::Damaged => {
                damaged = true;
                match segment::find(&bytes[offset..]) {
                    Some(further) => offset += further,
                    None => break,
                }
            }
        }
    }
    let left = bytes.len() - offset;
    segment.bytes = offset as u64;
    if damaged {
        tracing::error!(
            "records in {} are damaged: clients are told by a gap what is missing",
            at.display()
        );
    } else if left > 0 {
        tracing::warn!(
            "the agent was killed while it wrote to {}: {left} bytes of a record that was offered to \
             nobody are cut off",
            at.display()
        );
        OpenOptions::new()
            .write(true)
            .open(at)?
            .set_len(offset as u64)?;
    }
    Ok(damaged)
}
