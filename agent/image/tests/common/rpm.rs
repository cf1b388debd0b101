//! Databases of RPM in its format NDB, and headers, byte by byte: RPM of Debian is built without NDB, so nothing here
//! writes one. By RPM's `lib/backend/ndb/rpmpkg.c` and `lib/header.c`.

pub const PAGE: usize = 4096;

pub enum Value<'a> {
    Number(&'a [u32]),
    Text(&'a str),
    Texts(&'a [&'a str]),
}

/// A header of a package: tags and values.
pub fn header(fields: &[(u32, Value<'_>)]) -> Vec<u8> {
    let (mut index, mut values) = (Vec::new(), Vec::new());
    for (tag, value) in fields {
        if let Value::Number(_) = value {
            values.resize(values.len().next_multiple_of(4), 0);
        }
        let offset = values.len();
        let (kind, count) = match value {
            Value::Number(all) => {
                values.extend(all.iter().flat_map(|one| one.to_be_bytes()));
                (4, all.len())
            }
            Value::Text(text) => {
                values.extend([text.as_bytes(), b"\0"].concat());
                (6, 1)
            }
            Value::Texts(all) => {
                for text in *all {
                    values.extend([text.as_bytes(), b"\0"].concat());
                }
                (8, all.len())
            }
        };
        let entry = [*tag, kind, offset as u32, count as u32];
        index.extend(entry.iter().flat_map(|one| one.to_be_bytes()));
    }
    let sizes = [fields.len() as u32, values.len() as u32];
    let sizes = sizes.iter().flat_map(|one| one.to_be_bytes());
    sizes.chain(index).chain(values).collect()
}

/// The header of a package with files, each a folder's number and a name.
pub fn package(name: &str, folders: &[&str], files: &[(u32, &str)]) -> Vec<u8> {
    let numbers: Vec<u32> = files.iter().map(|(number, _)| *number).collect();
    let names: Vec<&str> = files.iter().map(|(_, name)| *name).collect();
    header(&[
        (1000, Value::Text(name)),
        (1001, Value::Text("1.2")),
        (1002, Value::Text("3")),
        (1022, Value::Text("x86_64")),
        (1116, Value::Number(&numbers)),
        (1117, Value::Texts(&names)),
        (1118, Value::Texts(folders)),
    ])
}

pub fn adler32(bytes: &[u8]) -> u32 {
    let (one, two) = bytes.iter().fold((1, 0), |(one, two), byte| {
        let one = (one + u32::from(*byte)) % 65521;
        (one, (two + one) % 65521)
    });
    two << 16 | one
}

pub fn numbers(all: &[u32]) -> Vec<u8> {
    all.iter().flat_map(|one| one.to_le_bytes()).collect()
}

/// A blob, of so many bytes as fill its blocks.
pub fn blob(number: u32, header: &[u8]) -> Vec<u8> {
    let length = header.len() as u32;
    let head = numbers(&[number, 1_790_000_000, length]);
    let mut blob = [b"BlbS", &head[..], header].concat();
    blob.resize((blob.len() + 12).next_multiple_of(16) - 12, 0);
    blob.extend(numbers(&[adler32(&blob), length]));
    blob.extend(b"BlbE");
    blob
}

/// The page of slots of blobs that stand behind it: the number of each, and how many bytes it has.
pub fn slots(blobs: &[(u32, usize)]) -> Vec<u8> {
    let mut file = [&b"RpmP"[..], &numbers(&[0, 7, 1, blobs.len() as u32 + 1])].concat();
    file.resize(32, 0);
    let mut first = PAGE / 16;
    for slot in 0..(PAGE - 32) / 16 {
        file.extend(b"Slot");
        file.extend(match blobs.get(slot) {
            Some((number, size)) => {
                let count = size / 16;
                first += count;
                numbers(&[*number, (first - count) as u32, count as u32])
            }
            None => vec![0; 12],
        });
    }
    assert!(blobs.len() <= (PAGE - 32) / 16);
    file
}

/// A database of one page of slots, with blobs behind it: the number of each in its slot, and its bytes.
pub fn ndb(blobs: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let sizes = blobs.iter().map(|(number, blob)| (*number, blob.len()));
    let mut file = slots(&sizes.collect::<Vec<_>>());
    blobs.iter().for_each(|(_, blob)| file.extend(blob));
    file
}

/// One of whole headers.
pub fn database(headers: &[Vec<u8>]) -> Vec<u8> {
    let all = (1..)
        .zip(headers)
        .map(|(number, it)| (number, blob(number, it)));
    ndb(&all.collect::<Vec<_>>())
}

/// A number of SQLite, seven bits a byte.
fn varint(number: usize) -> Vec<u8> {
    let mut bytes = vec![(number & 0x7f) as u8];
    let mut rest = number >> 7;
    while rest > 0 {
        bytes.insert(0, 0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    bytes
}

/// Size of a page of [`sqlite`].
pub const SMALL_PAGE: usize = 512;

/// A database of SQLite by its "Database File Format": page 1 has the table of tables, page 2 the inner page of
/// `Packages`, and from page 3 on each package has a leaf, with its further pages behind it.
pub fn sqlite(headers: &[Vec<u8>]) -> Vec<u8> {
    let leaf = |start: usize, cell: &[u8]| {
        let mut page = vec![0; SMALL_PAGE];
        let place = SMALL_PAGE - cell.len();
        page[start] = 13;
        page[start + 4] = 1;
        page[start + 8..start + 10].copy_from_slice(&(place as u16).to_be_bytes());
        page[place..].copy_from_slice(cell);
        page
    };
    let table = [&[6, 23, 29, 29, 1, 13][..], b"tablePackagesPackages", &[2]].concat();
    let mut file = leaf(100, &[&varint(table.len())[..], &[1], &table].concat());
    file[..16].copy_from_slice(b"SQLite format 3\0");
    file[16..18].copy_from_slice(&(SMALL_PAGE as u16).to_be_bytes());
    let (mut inner, mut leaves) = (vec![0; SMALL_PAGE], Vec::new());
    inner[0] = 5;
    let mut place = SMALL_PAGE;
    for (number, header) in headers.iter().enumerate() {
        let page = 3 + leaves.len() / SMALL_PAGE;
        if number + 1 == headers.len() {
            inner[8..12].copy_from_slice(&(page as u32).to_be_bytes());
        } else {
            place -= 5;
            inner[4] = number as u8 + 1;
            inner[12 + number * 2..14 + number * 2].copy_from_slice(&(place as u16).to_be_bytes());
            inner[place..place + 4].copy_from_slice(&(page as u32).to_be_bytes());
            inner[place + 4] = number as u8 + 1;
        }
        let kind = varint(12 + header.len() * 2);
        let row = [&[kind.len() as u8 + 2, 0][..], &kind, header].concat();
        // As the format has it, of pages of 512 bytes.
        let least = (SMALL_PAGE - 12) * 32 / 255 - 23;
        let local = match row.len() <= SMALL_PAGE - 35 {
            true => row.len(),
            false => match least + (row.len() - least) % (SMALL_PAGE - 4) {
                fitting if fitting <= SMALL_PAGE - 35 => fitting,
                _ => least,
            },
        };
        let mut cell = [&varint(row.len())[..], &[number as u8 + 1], &row[..local]].concat();
        let more = row[local..].chunks(SMALL_PAGE - 4);
        if more.len() > 0 {
            cell.extend((page as u32 + 1).to_be_bytes());
        }
        leaves.extend(leaf(0, &cell));
        let count = more.len();
        for (at, part) in more.enumerate() {
            let next = if at + 1 == count { 0 } else { page + 2 + at };
            leaves.extend((next as u32).to_be_bytes());
            leaves.extend(part);
            leaves.resize(leaves.len().next_multiple_of(SMALL_PAGE), 0);
        }
    }
    [file, inner, leaves].concat()
}
