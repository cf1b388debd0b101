//! Databases of RPM in Berkeley DB, byte by byte, by its `dbinc/db_page.h` and `dbinc/hash.h`: such as its own tools do not
//! make, and large ones. Those of its tools are in `fixtures` and in the test `syft`.

/// Bytes of a page before what it holds.
pub const HEAD: usize = 26;

/// How a database is written.
#[derive(Clone, Copy)]
pub struct Form {
    pub page: usize,
    pub is_big: bool,
    /// Kind of the pages of a bucket: 13, or 2 of old ones.
    pub bucket: u8,
}

pub const FORM: Form = Form {
    page: 512,
    is_big: false,
    bucket: 13,
};

impl Form {
    pub fn long(self, number: u32) -> [u8; 4] {
        match self.is_big {
            true => number.to_be_bytes(),
            false => number.to_le_bytes(),
        }
    }

    fn short(self, number: usize) -> [u8; 2] {
        match self.is_big {
            true => (number as u16).to_be_bytes(),
            false => (number as u16).to_le_bytes(),
        }
    }

    /// A page with its number, the next one, how many items it has and how much it is filled.
    fn page(self, kind: u8, [number, next]: [u32; 2], items: usize, filled: usize) -> Vec<u8> {
        let mut page = vec![0; self.page];
        page[8..12].copy_from_slice(&self.long(number));
        page[16..20].copy_from_slice(&self.long(next));
        page[20..22].copy_from_slice(&self.short(items));
        page[22..24].copy_from_slice(&self.short(filled));
        page[25] = kind;
        page
    }
}

/// A database with one bucket, whose pages are behind the first: each of so many pairs of a key and a value, of which those
/// of less than a quarter of a page stand there, and others in chains behind all of these.
pub fn with_pairs(form: Form, pairs: &[(Vec<u8>, Vec<u8>)], of_page: usize) -> Vec<u8> {
    let buckets = pairs.len().div_ceil(of_page).max(1);
    let mut chains: Vec<Vec<u8>> = Vec::new();
    let mut file = vec![0; form.page];
    for number in 1..=buckets {
        let pairs = pairs.iter().skip((number - 1) * of_page).take(of_page);
        let next = if number == buckets { 0 } else { number + 1 };
        let ends = [number, next].map(|it| it as u32);
        let mut page = form.page(form.bucket, ends, pairs.len() * 2, 0);
        let mut place = form.page;
        let items = pairs.flat_map(|(key, value)| [key, value]);
        for (at, bytes) in items.enumerate() {
            let item = match bytes.len() < form.page / 4 {
                true => [&[1], &bytes[..]].concat(),
                false => {
                    let first = (1 + buckets + chains.len()) as u32;
                    let parts = bytes.chunks(form.page - HEAD);
                    let last = first + parts.len() as u32 - 1;
                    for (number, part) in (first..).zip(parts) {
                        let next = if number == last { 0 } else { number + 1 };
                        let mut page = form.page(7, [number, next], 1, part.len());
                        page[HEAD..HEAD + part.len()].copy_from_slice(part);
                        chains.push(page);
                    }
                    let length = form.long(bytes.len() as u32);
                    [&[3, 0, 0, 0], &form.long(first)[..], &length].concat()
                }
            };
            place -= item.len();
            page[place..place + item.len()].copy_from_slice(&item);
            page[HEAD + at * 2..HEAD + at * 2 + 2].copy_from_slice(&form.short(place));
        }
        file.extend(page);
    }
    file.extend(chains.concat());
    let last = (file.len() / form.page - 1) as u32;
    let mut put = |at: usize, number| file[at..at + 4].copy_from_slice(&form.long(number));
    put(12, 0x0006_1561);
    put(16, 9);
    put(20, form.page as u32);
    put(32, last);
    for spare in 0..32 {
        put(96 + spare * 4, 1);
    }
    file[25] = 8;
    file
}

/// One as RPM makes it, with the number of the next package before all others.
pub fn berkeley(form: Form, headers: &[Vec<u8>]) -> Vec<u8> {
    let key = |number: usize| form.long(number as u32).to_vec();
    let mut pairs = vec![(key(0), key(headers.len() + 1))];
    pairs.extend(
        (1..)
            .zip(headers)
            .map(|(number, it)| (key(number), it.clone())),
    );
    with_pairs(form, &pairs, (form.page / 2 - HEAD) / 40)
}
