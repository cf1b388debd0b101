//! NDB, by RPM's `lib/backend/ndb/rpmpkg.c`. Numbers are little-endian, and places are counted in blocks of 16 bytes.
//!
//! ```text
//! page 0      "RpmP"  4 version, 0  4 generation  4 pages of slots  4 next number  12 of nothing
//! each page   4096 bytes of slots (page 0 has two less):
//!             "Slot"  4 number of the package  4 first block  4 blocks      free where the first block is 0
//! a blob      "BlbS"  4 number  4 time  4 length   the header   zeros up to a block's end, less 12
//!             4 Adler-32 of all before  4 length  "BlbE"
//! ```
//!
//! RPM gives the whole database up where a slot is wrong. Here that slot is left out and counted, for the others are
//! still told; so is one that overlaps another or has its number again, and a blob whose sum is another.

use super::{BLOB_MAX, Blobs, Source};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

const BLOCK: usize = 16;
const PAGE: usize = 4096;
/// Slots whose place the head of the file takes.
const HEAD_SLOTS: usize = 2;
const HEAD: usize = 16;
const TAIL: usize = 12;
/// Pages of slots: more packages than are told.
const PAGES_MAX: usize = 1024;
/// Bytes of a blob with what is about it.
const SIZE_MAX: usize = BLOB_MAX + HEAD + TAIL + BLOCK;

struct Slot {
    number: u32,
    first: u32,
    count: u32,
}

/// A number of four bytes.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// What the blobs of a file hold, in their order there.
///
/// # Errors
/// What is wrong with the head of the file or with its pages of slots.
pub(super) fn read(source: Source<'_>) -> Result<Blobs<'_>, &'static str> {
    let head = source.start(HEAD);
    if !head.starts_with(b"RpmP") {
        return Err("it does not begin as one of SQLite, NDB or Berkeley DB does");
    }
    let (Some(version), Some(pages)) = (number(&head, 4), number(&head, 12)) else {
        return Err("it ends in its head");
    };
    if version != 0 {
        return Err("it is of an unknown version of NDB");
    }
    let pages = usize::try_from(pages).unwrap_or(usize::MAX);
    if pages > PAGES_MAX && pages as u64 <= source.len() / PAGE as u64 {
        return Err("it has more than 1024 pages of slots");
    }
    let table = pages.checked_mul(PAGE).filter(|it| *it > 0);
    let Some(table) = table.and_then(|size| source.get(0, size)) else {
        return Err("it has less pages of slots than it says");
    };
    let (slots, _) = table.as_chunks::<BLOCK>();
    let mut all = Vec::new();
    for slot in &slots[HEAD_SLOTS..] {
        let [Some(number), Some(first), Some(count)] = [4, 8, 12].map(|at| number(slot, at)) else {
            continue;
        };
        if !slot.starts_with(b"Slot") {
            return Err("a page of slots has something else");
        }
        if first != 0 {
            all.push(Slot {
                number,
                first,
                count,
            });
        }
    }
    all.sort_unstable_by_key(|slot| (slot.first, slot.number));
    let (mut end, mut numbers) = ((table.len() / BLOCK) as u64, HashSet::new());
    Ok(Box::new(all.into_iter().map(move |slot| {
        let first = u64::from(slot.first);
        let is_free = first >= end && slot.number != 0 && numbers.insert(slot.number);
        let next = first + u64::from(slot.count);
        if !is_free || next > source.len() / BLOCK as u64 {
            return None;
        }
        // Also one that is damaged has its place, or each byte could be summed once for each slot.
        end = next;
        let size = (slot.count as usize).checked_mul(BLOCK)?;
        let place = source.get(first * BLOCK as u64, (size <= SIZE_MAX).then_some(size)?)?;
        let held = blob(&place, slot.number)?;
        Some(match place {
            Cow::Borrowed(place) => Cow::Borrowed(&place[held]),
            Cow::Owned(mut place) => {
                place.truncate(held.end);
                place.drain(..held.start);
                Cow::Owned(place)
            }
        })
    })))
}

/// Where what a blob holds is in it, if all that is said of it is so.
fn blob(place: &[u8], of: u32) -> Option<Range<usize>> {
    let length = number(place, 12)?;
    let held = HEAD..HEAD.checked_add(usize::try_from(length).ok()?)?;
    let needed = held
        .end
        .checked_add(TAIL)?
        .checked_next_multiple_of(BLOCK)?;
    let (summed, tail) = place.split_at_checked(place.len().checked_sub(TAIL)?)?;
    let is_whole = needed == place.len()
        && place.starts_with(b"BlbS")
        && number(place, 4) == Some(of)
        && number(tail, 4) == Some(length)
        && tail.ends_with(b"BlbE")
        && number(tail, 0) == Some(adler2::adler32_slice(summed));
    (is_whole && held.end <= summed.len()).then_some(held)
}
