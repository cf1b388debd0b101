//! SQLite, by its "Database File Format" (sqlite.org/fileformat2.html), as far as it is needed to go through one table:
//! `Packages`, whose second column is a blob (RPM's `lib/backend/sqlite.c`). Numbers are big-endian, and pages are
//! counted from 1.
//!
//! ```text
//! page 1       "SQLite format 3\0"  at 16: 2 size of a page, 1 for 65536  at 20: 1 bytes that end each page unused
//!              at 100 a page of the table of tables
//! inner page   5  ...  at 3: 2 cells  at 8: 4 last child  at 12: 2 for the place of each cell: 4 child, number
//! leaf page    13 ...  at 3: 2 cells  at 8: 2 for the place of each cell: length, number, as much of the row as fits,
//!              4 next page of it
//! next page    4 next page  the rest
//! a row        length of this head, type of each column; then their values
//! ```
//!
//! Each page is read once, so circles end, and all rows together are no longer than the file: cells may overlap.

use super::{BLOB_MAX, Blobs, Source};
use std::borrow::Cow;
use std::ops::Range;

/// How a file begins.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";
const TABLE: &[u8] = b"Packages";
/// Bytes of the file's own head.
const HEAD: usize = 100;
/// Bytes of a row: a number and the header of a package, with what says of which kind these are.
const ROW_MAX: usize = BLOB_MAX + 32;

/// The first bytes as a number, and what is behind them. Nine bytes at most, of seven bits each but the last.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        let (more, low) = (byte & 0x80 != 0, u64::from(byte & 0x7f));
        if at == 8 {
            return Some((number << 8 | u64::from(*byte), &bytes[9..]));
        }
        number = number << 7 | low;
        if !more {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

fn number(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.get(..size)?;
    Some(
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
    )
}

/// Where the value of a column of a row is; of an integer its bytes.
fn column(row: &[u8], wanted: usize) -> Option<Range<usize>> {
    let (head, mut types) = varint(row)?;
    let head = usize::try_from(head).ok()?;
    types = types.get(..head.checked_sub(row.len() - types.len())?)?;
    let mut at = head;
    for column in 0..=wanted {
        let (kind, rest) = varint(types)?;
        types = rest;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let size = usize::try_from(size).ok()?;
        if column == wanted {
            let value = at..at.checked_add(size)?;
            return (value.end <= row.len()).then_some(value);
        }
        at = at.checked_add(size)?;
    }
    None
}

struct Pages<'a> {
    source: Source<'a>,
    size: usize,
    /// Bytes of a page that are used.
    usable: usize,
    seen: Vec<bool>,
    /// Bytes of rows that may be put together.
    left: u64,
}

impl<'a> Pages<'a> {
    fn of(source: Source<'a>) -> Option<Self> {
        let head = source.get(0, HEAD)?;
        let size = match number(&head, 16, 2)? {
            1 => 65_536,
            size => size,
        };
        let usable = size.checked_sub(usize::from(head[20]))?;
        let is_one = size.is_power_of_two() && size >= 512 && usable >= 480;
        let count = usize::try_from(source.len() / (size as u64).max(1)).ok()?;
        is_one.then(|| Self {
            source,
            size,
            usable,
            seen: vec![false; count],
            left: source.len(),
        })
    }

    /// A page by its number, the first time.
    fn page(&mut self, number: usize) -> Option<Cow<'a, [u8]>> {
        let index = number.checked_sub(1)?;
        let seen = self.seen.get_mut(index)?;
        let at = index as u64 * self.size as u64;
        (!std::mem::replace(seen, true)).then(|| self.source.get(at, self.usable))?
    }

    /// A row, with what of it stands in other pages.
    fn row(&mut self, cell: &[u8]) -> Option<Vec<u8>> {
        let (length, cell) = varint(cell)?;
        let (_, cell) = varint(cell)?;
        self.left = self.left.checked_sub(length)?;
        let length = usize::try_from(length).ok().filter(|it| *it <= ROW_MAX)?;
        let most = self.usable - 35;
        if length <= most {
            return cell.get(..length).map(<[u8]>::to_vec);
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (self.usable - 4);
        let local = if fitting <= most { fitting } else { least };
        let mut row = cell.get(..local)?.to_vec();
        let mut next = number(cell, local, 4)?;
        while row.len() < length {
            let page = self.page(next)?;
            next = number(&page, 0, 4)?;
            let rest = &page[4..];
            row.extend_from_slice(&rest[..rest.len().min(length - row.len())]);
        }
        Some(row)
    }
}

/// A page of rows.
struct Leaf<'a> {
    page: Cow<'a, [u8]>,
    /// Where the place of the next row stands, and where there are no more.
    places: Range<usize>,
}

/// Rows of a table in the order of their numbers, `None` for each and each page that could not be read.
struct Rows<'a> {
    pages: Pages<'a>,
    /// Pages that are still to be read, the next one last.
    next: Vec<usize>,
    leaf: Option<Leaf<'a>>,
    damaged: u64,
}

impl<'a> Rows<'a> {
    /// Opens a page; `None` if it is none of a table.
    fn open(&mut self, number_of_it: usize) -> Option<()> {
        let page = self.pages.page(number_of_it)?;
        // The table of tables begins behind the head of the file.
        let start = if number_of_it == 1 { HEAD } else { 0 };
        let count = number(&page, start + 3, 2)?;
        let is_leaf = match page.get(start)? {
            13 => true,
            5 => false,
            _ => return None,
        };
        let first = start + if is_leaf { 8 } else { 12 };
        let places = first..first + count * 2;
        let (all, _) = page.get(places.clone())?.as_chunks();
        if is_leaf {
            self.leaf = Some(Leaf { page, places });
            return Some(());
        }
        // The last one is taken first.
        self.next.push(number(&page, start + 8, 4)?);
        for place in all.iter().rev() {
            let cell = usize::from(u16::from_be_bytes(*place));
            match number(&page, cell, 4) {
                // So many are pushed at most as are not read yet.
                Some(child) if self.next.len() <= self.pages.seen.len() => self.next.push(child),
                _ => self.damaged += 1,
            }
        }
        Some(())
    }

    /// The next row of the page that is open, if there is one.
    fn row(&mut self) -> Option<Option<Vec<u8>>> {
        let leaf = self.leaf.as_mut()?;
        let place = leaf.places.next()?;
        leaf.places.next();
        let cell = number(&leaf.page, place, 2).and_then(|at| leaf.page.get(at..));
        Some(cell.and_then(|cell| self.pages.row(cell)))
    }
}

impl Iterator for Rows<'_> {
    type Item = Option<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.row() {
                return Some(row);
            }
            if let Some(less) = self.damaged.checked_sub(1) {
                self.damaged = less;
                return Some(None);
            }
            let number = self.next.pop()?;
            self.leaf = None;
            if self.open(number).is_none() {
                return Some(None);
            }
        }
    }
}

/// The blobs of a file's table of packages.
///
/// # Errors
/// What is wrong with the head of the file, or that it has no such table.
pub(super) fn read(source: Source<'_>) -> Result<Blobs<'_>, &'static str> {
    let Some(pages) = Pages::of(source) else {
        return Err("its head of SQLite is damaged");
    };
    let mut rows = Rows {
        pages,
        next: vec![1],
        leaf: None,
        damaged: 0,
    };
    let (mut root, mut damaged) = (None, 0);
    for row in &mut rows {
        let Some(row) = row else {
            damaged += 1;
            continue;
        };
        let value = |wanted| column(&row, wanted).map(|value| &row[value]);
        if root.is_none() && value(0) == Some(b"table") && value(1) == Some(TABLE) {
            root = value(3).and_then(|root| number(root, 0, root.len()));
        }
    }
    rows.next.push(root.ok_or("it has no table of packages")?);
    rows.damaged = damaged;
    Ok(Box::new(rows.map(|row| {
        let mut row = row?;
        let blob = column(&row, 1)?;
        row.truncate(blob.end);
        row.drain(..blob.start);
        Some(Cow::Owned(row))
    })))
}
