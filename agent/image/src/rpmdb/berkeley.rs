//! Berkeley DB, a table by hash, by its `dbinc/db_page.h` and `dbinc/hash.h`, and as RPM reads it without that library
//! (`lib/backend/bdb_ro.c`). Numbers are of whichever byte order wrote the file, which the magic number shows; pages are
//! counted from 0.
//!
//! ```text
//! page 0         at 12: 4 magic  4 version  4 size of a page  1 cipher  1 kind of page, 8  1 flags
//!                at 32: 4 last page  at 48: 4 more flags  at 72: 4 last bucket  at 96: 32 of 4, where buckets lie
//! each other     at 8: 4 its own number  4 page before  4 next page  2 items  2 length  1 level  1 kind of page
//! of a bucket    2 or 13; at 26: 2 for the place of each item, a key and its value in turn, laid from the end of the page
//!                an item: 1 kind, and 1: the bytes   3: 3 of nothing, 4 first page of a chain, 4 length of all of it
//! of a chain     7; at 26: as many bytes as its length says
//! ```
//!
//! A key of RPM is the number of a package, and what is under number 0 is no package. Values in sets of duplicates
//! or beside the file, which RPM has none of, count as damaged.
//!
//! Each page is read once, so circles end and chains share nothing, and of items that overlap the first holds.

use super::{BLOB_MAX, Blobs, Source};
use std::borrow::Cow;

/// Bytes of the first page that are looked at, and the least size of one.
const HEAD: usize = 512;
const PAGE_MAX: usize = 65_536;
const HASH: u32 = 0x0006_1561;
/// Of a tree and a queue.
const OTHERS: [u32; 2] = [0x0005_3162, 0x0004_2253];
/// Versions of Berkeley DB 4.2 to 18.
const VERSIONS: std::ops::RangeInclusive<u32> = 8..=10;
/// How many places of buckets there are, each for twice as many buckets as the one before.
const SPARES: usize = 32;
/// Bytes of a page before what it holds.
const PAGE_HEAD: usize = 26;

/// Kinds of pages.
const NEVER_WRITTEN: u8 = 0;
const BUCKET_UNSORTED: u8 = 2;
const CHAIN: u8 = 7;
const FIRST: u8 = 8;
const BUCKET: u8 = 13;

/// Kinds of items.
const HERE: u8 = 1;
const IN_CHAIN: u8 = 3;

/// How numbers are written.
#[derive(Clone, Copy, Debug)]
struct Order {
    is_big: bool,
}

impl Order {
    fn long(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self.is_big {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        })
    }

    fn short(self, bytes: &[u8], at: usize) -> Option<usize> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(usize::from(match self.is_big {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        }))
    }
}

/// The magic number, and in which order it is written.
fn magic(head: &[u8]) -> Option<(u32, Order)> {
    let orders = [false, true].map(|is_big| Order { is_big });
    let mut all = orders
        .into_iter()
        .filter_map(|it| Some((it.long(head, 12)?, it)));
    all.find(|(magic, _)| *magic == HASH || OTHERS.contains(magic))
}

/// Whether a file begins as one of Berkeley DB does.
pub(super) fn is_it(head: &[u8]) -> bool {
    magic(head).is_some()
}

struct Pages<'a> {
    source: Source<'a>,
    order: Order,
    size: usize,
    seen: Vec<bool>,
}

impl<'a> Pages<'a> {
    /// A page by its number, the first time; with what kind of page it is.
    fn page(&mut self, number: u32) -> Option<(u8, Cow<'a, [u8]>)> {
        let seen = self.seen.get_mut(number as usize)?;
        if std::mem::replace(seen, true) {
            return None;
        }
        let at = u64::from(number) * self.size as u64;
        let page = self.source.get(at, self.size)?;
        let kind = page[25];
        // Of one that was never written all is 0.
        let is_it = self.order.long(&page, 8) == Some(number) || kind == NEVER_WRITTEN;
        is_it.then_some((kind, page))
    }

    /// What a chain of pages holds.
    fn chain(&mut self, first: u32, length: u32) -> Option<Vec<u8>> {
        let length = usize::try_from(length).ok().filter(|it| *it <= BLOB_MAX)?;
        let (mut blob, mut next) = (Vec::new(), first);
        while blob.len() < length {
            let (kind, page) = self.page(next)?;
            let held = PAGE_HEAD..PAGE_HEAD + self.order.short(&page, 22)?;
            if kind != CHAIN || held.is_empty() || blob.len() + held.len() > length {
                return None;
            }
            blob.extend_from_slice(page.get(held)?);
            next = self.order.long(&page, 16)?;
        }
        Some(blob)
    }
}

/// A page of a bucket, and where it is gone through.
struct Bucket<'a> {
    page: Cow<'a, [u8]>,
    items: usize,
    /// The next item, which is a key.
    at: usize,
    /// Where the last item that was taken begins.
    end: usize,
}

impl Bucket<'_> {
    /// The key and the value of the next pair; none of one that is damaged.
    fn pair(&mut self, order: Order) -> Option<Option<[&[u8]; 2]>> {
        if self.at + 1 >= self.items {
            return None;
        }
        let place = |item: usize| order.short(&self.page, PAGE_HEAD + item * 2);
        let before = match self.at {
            0 => Some(self.page.len()),
            at => place(at - 1),
        };
        let places = before.zip(place(self.at)).zip(place(self.at + 1));
        self.at += 2;
        let least = PAGE_HEAD + self.items * 2;
        let is_one = |((before, key), value): &((usize, usize), usize)| {
            least <= *value && value < key && key < before && *before <= self.end
        };
        Some(places.filter(is_one).map(|((before, key), value)| {
            self.end = value;
            [&self.page[key..before], &self.page[value..key]]
        }))
    }
}

struct Pairs<'a> {
    pages: Pages<'a>,
    /// Where buckets lie, by the number of bits of theirs.
    spares: [u32; SPARES],
    /// The next bucket, and the last.
    bucket: u32,
    last: u32,
    /// The next page of this one; 0 at its end.
    next: u32,
    open: Option<Bucket<'a>>,
}

/// What a pair comes to.
enum Pair {
    Package(Vec<u8>),
    Damaged,
    /// It is none of a package.
    Other,
}

impl<'a> Pairs<'a> {
    /// The first page of the next bucket; `None` behind the last.
    fn bucket(&mut self) -> Option<Option<u32>> {
        if self.bucket > self.last {
            return None;
        }
        let bits = u32::BITS - self.bucket.leading_zeros();
        let spare = self.spares.get(bits as usize).copied();
        // It may lie before where it would without: the sum is one of 32 bits, as there.
        let page = spare.map(|spare| self.bucket.wrapping_add(spare));
        self.bucket += 1;
        Some(page)
    }

    fn open(&mut self, number: u32) -> Option<Bucket<'a>> {
        let order = self.pages.order;
        let (kind, page) = self.pages.page(number)?;
        let items = match kind {
            NEVER_WRITTEN => 0,
            BUCKET | BUCKET_UNSORTED => order.short(&page, 20)?,
            _ => return None,
        };
        if PAGE_HEAD + items * 2 > page.len() {
            return None;
        }
        if kind != NEVER_WRITTEN {
            self.next = order.long(&page, 16)?;
        }
        Some(Bucket {
            end: page.len(),
            page,
            items,
            at: 0,
        })
    }

    fn value(pages: &mut Pages<'_>, [key, value]: [&[u8]; 2]) -> Pair {
        let blob = match (key, value) {
            ([HERE, 0, 0, 0, 0], _) => return Pair::Other,
            ([HERE, _, _, _, _], [HERE, blob @ ..]) => Some(blob.to_vec()),
            ([HERE, _, _, _, _], [IN_CHAIN, ..]) if value.len() == 12 => {
                let first = pages.order.long(value, 4);
                let length = pages.order.long(value, 8);
                { first.zip(length) }.and_then(|(first, length)| pages.chain(first, length))
            }
            _ => None,
        };
        blob.map_or(Pair::Damaged, Pair::Package)
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Option<Cow<'a, [u8]>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let order = self.pages.order;
            while let Some(pair) = self.open.as_mut().and_then(|it| it.pair(order)) {
                let pair = pair.map_or(Pair::Damaged, |pair| Self::value(&mut self.pages, pair));
                match pair {
                    Pair::Package(blob) => return Some(Some(Cow::Owned(blob))),
                    Pair::Damaged => return Some(None),
                    Pair::Other => {}
                }
            }
            let page = match std::mem::take(&mut self.next) {
                0 => self.bucket()?,
                next => Some(next),
            };
            self.open = page.and_then(|page| self.open(page));
            if self.open.is_none() {
                return Some(None);
            }
        }
    }
}

/// The values of a file's packages, in the order of its buckets.
///
/// # Errors
/// What is wrong with its first page, or why it is none of RPM's packages.
pub(super) fn read(source: Source<'_>) -> Result<Blobs<'_>, &'static str> {
    const CUT: &str = "it ends in its head of Berkeley DB";
    let head = source.get(0, HEAD).ok_or(CUT)?;
    let Some((HASH, order)) = magic(&head) else {
        return Err("it is a Berkeley DB of another kind than a table by hash");
    };
    let long = |at: usize| order.long(&head, at).ok_or(CUT);
    if !VERSIONS.contains(&long(16)?) {
        return Err("it is of an unknown version of Berkeley DB");
    }
    if head[24] != 0 {
        return Err("it is an encrypted Berkeley DB");
    }
    match head[26] {
        0 => {}
        flags if flags & 1 != 0 => return Err("it is a Berkeley DB with checksums"),
        _ => return Err("it is a Berkeley DB of several files"),
    }
    if long(48)? != 0 {
        return Err(
            "it is a Berkeley DB with duplicates or of several tables, and RPM's has neither",
        );
    }
    let size = usize::try_from(long(20)?).unwrap_or_default();
    let is_one = size.is_power_of_two() && (HEAD..=PAGE_MAX).contains(&size) && head[25] == FIRST;
    let count = source.len() / (size as u64).max(1);
    let (last_page, last) = (long(32)?, long(72)?);
    if !is_one || u64::from(last) >= count {
        return Err("its head of Berkeley DB is damaged");
    }
    let count = count.min(u64::from(last_page).saturating_add(1));
    let mut seen = vec![false; usize::try_from(count).unwrap_or_default()];
    // What it says of itself is no page of a bucket.
    if let Some(first) = seen.first_mut() {
        *first = true;
    }
    let mut spares = [0; SPARES];
    for (number, spare) in spares.iter_mut().enumerate() {
        *spare = long(96 + number * 4)?;
    }
    Ok(Box::new(Pairs {
        pages: Pages {
            source,
            order,
            size,
            seen,
        },
        spares,
        bucket: 0,
        last,
        next: 0,
        open: None,
    }))
}
