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

use super::Database;
use std::borrow::Cow;

/// How a file begins.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";
const TABLE: &[u8] = b"Packages";

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

/// The value of a column of a row; of an integer its bytes.
fn column(row: &[u8], wanted: usize) -> Option<&[u8]> {
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
            return row.get(at..)?.get(..size);
        }
        at = at.checked_add(size)?;
    }
    None
}

struct Pages<'a> {
    file: &'a [u8],
    size: usize,
    /// Bytes of a page that are used.
    usable: usize,
    seen: Vec<bool>,
    /// Bytes of rows that may be put together.
    left: usize,
    damaged: u64,
}

impl<'a> Pages<'a> {
    fn of(file: &'a [u8]) -> Option<Self> {
        let size = match number(file, 16, 2)? {
            1 => 65_536,
            size => size,
        };
        let usable = size.checked_sub(usize::from(*file.get(20)?))?;
        let is_one = size.is_power_of_two() && size >= 512 && usable >= 480;
        is_one.then(|| Self {
            file,
            size,
            usable,
            seen: vec![false; file.len() / size],
            left: file.len(),
            damaged: 0,
        })
    }

    /// A page by its number, the first time.
    fn page(&mut self, number: usize) -> Option<&'a [u8]> {
        let index = number.checked_sub(1)?;
        let seen = self.seen.get_mut(index)?;
        let page = self.file.get(index * self.size..)?.get(..self.usable)?;
        (!std::mem::replace(seen, true)).then_some(page)
    }

    /// Rows of the table that begins at a page, in the order of their numbers.
    fn rows(&mut self, root: usize) -> Vec<Vec<u8>> {
        let (mut rows, mut next) = (Vec::new(), vec![root]);
        while let Some(number) = next.pop() {
            let found = self.page(number).map(|page| {
                // The table of tables begins behind the head of the file.
                let start = if number == 1 { 100 } else { 0 };
                self.cells(page, start, &mut rows, &mut next)
            });
            self.damaged += u64::from(found.flatten().is_none());
        }
        rows
    }

    fn cells(
        &mut self,
        page: &[u8],
        start: usize,
        rows: &mut Vec<Vec<u8>>,
        next: &mut Vec<usize>,
    ) -> Option<()> {
        let count = number(page, start + 3, 2)?;
        let is_leaf = match page.get(start)? {
            13 => true,
            5 => false,
            _ => return None,
        };
        let first = start + if is_leaf { 8 } else { 12 };
        let places = page.get(first..)?.get(..count * 2)?;
        let (places, _) = places.as_chunks();
        let cell = |place: &[u8; 2]| page.get(usize::from(u16::from_be_bytes(*place))..);
        if is_leaf {
            for place in places {
                match cell(place).and_then(|cell| self.row(cell)) {
                    Some(row) => rows.push(row),
                    None => self.damaged += 1,
                }
            }
            return Some(());
        }
        // The last one is taken first.
        next.push(number(page, start + 8, 4)?);
        for place in places.iter().rev() {
            match cell(place).and_then(|cell| number(cell, 0, 4)) {
                // So many are pushed at most as are not read yet.
                Some(child) if next.len() <= self.seen.len() => next.push(child),
                _ => self.damaged += 1,
            }
        }
        Some(())
    }

    /// A row, with what of it stands in other pages.
    fn row(&mut self, cell: &[u8]) -> Option<Vec<u8>> {
        let (length, cell) = varint(cell)?;
        let (_, cell) = varint(cell)?;
        let length = usize::try_from(length).ok()?;
        self.left = self.left.checked_sub(length)?;
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
            next = number(page, 0, 4)?;
            let rest = &page[4..];
            row.extend_from_slice(&rest[..rest.len().min(length - row.len())]);
        }
        Some(row)
    }
}

/// The blobs of a file's table of packages; pages and rows that could not be read count as damaged.
///
/// # Errors
/// What is wrong with the head of the file, or that it has no such table.
pub(super) fn read(file: &[u8]) -> Result<Database<'_>, &'static str> {
    let Some(mut pages) = Pages::of(file) else {
        return Err("its head of SQLite is damaged");
    };
    let tables = pages.rows(1);
    let is_it = |row: &&Vec<u8>| column(row, 0) == Some(b"table") && column(row, 1) == Some(TABLE);
    let root = tables.iter().find(is_it).and_then(|row| column(row, 3));
    let Some(root) = root.and_then(|root| number(root, 0, root.len())) else {
        return Err("it has no table of packages");
    };
    let rows = pages.rows(root);
    let count = rows.len();
    let blobs = rows.into_iter().filter_map(|row| {
        let blob = column(&row, 1)?;
        Some(Cow::Owned(blob.to_vec()))
    });
    let blobs: Vec<_> = blobs.collect();
    let damaged = pages.damaged + (count - blobs.len()) as u64;
    Ok(Database { blobs, damaged })
}
