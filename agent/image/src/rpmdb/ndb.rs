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

use super::Database;
use std::borrow::Cow;
use std::collections::HashSet;

const BLOCK: usize = 16;
const PAGE: usize = 4096;
/// Slots whose place the head of the file takes.
const HEAD_SLOTS: usize = 2;
const HEAD: usize = 16;
const TAIL: usize = 12;

struct Slot {
    number: u32,
    first: usize,
    count: usize,
}

/// A number of four bytes.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// What the blobs of a file hold, in their order there.
///
/// # Errors
/// What is wrong with the head of the file or with its pages of slots.
pub(super) fn read(file: &[u8]) -> Result<Database<'_>, &'static str> {
    if !file.starts_with(b"RpmP") {
        return Err("it does not begin as one of SQLite or NDB does");
    }
    let (Some(version), Some(pages)) = (number(file, 4), number(file, 12)) else {
        return Err("it ends in its head");
    };
    if version != 0 {
        return Err("it is of an unknown version of NDB");
    }
    let table = usize::try_from(pages)
        .ok()
        .and_then(|it| it.checked_mul(PAGE));
    let Some(table) = table.filter(|it| *it > 0).and_then(|it| file.get(..it)) else {
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
            let (first, count) = (first as usize, count as usize);
            all.push(Slot {
                number,
                first,
                count,
            });
        }
    }
    all.sort_unstable_by_key(|slot| (slot.first, slot.number));
    let (mut end, mut numbers) = (table.len() / BLOCK, HashSet::new());
    let (mut blobs, mut damaged) = (Vec::new(), 0);
    for slot in all {
        let is_free = slot.first >= end && slot.number != 0 && numbers.insert(slot.number);
        let place = is_free.then(|| place(file, &slot)).flatten();
        // Also one that is damaged has its place, or each byte could be summed once for each slot.
        end = place.map_or(end, |_| slot.first + slot.count);
        match place.and_then(|place| blob(place, slot.number)) {
            Some(blob) => blobs.push(Cow::Borrowed(blob)),
            None => damaged += 1,
        }
    }
    Ok(Database { blobs, damaged })
}

/// The bytes that a slot names.
fn place<'a>(file: &'a [u8], slot: &Slot) -> Option<&'a [u8]> {
    let start = slot.first.checked_mul(BLOCK)?;
    file.get(start..)?.get(..slot.count.checked_mul(BLOCK)?)
}

/// What a blob holds, if all that is said of it is so.
fn blob(place: &[u8], of: u32) -> Option<&[u8]> {
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
    is_whole.then(|| summed.get(held)).flatten()
}
