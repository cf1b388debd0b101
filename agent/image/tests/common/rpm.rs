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

/// A database of one page of slots, with blobs behind it: the number of each in its slot, and its bytes.
pub fn ndb(blobs: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut file = [&b"RpmP"[..], &numbers(&[0, 7, 1, blobs.len() as u32 + 1])].concat();
    file.resize(32, 0);
    let mut first = PAGE / 16;
    for slot in 0..(PAGE - 32) / 16 {
        file.extend(b"Slot");
        file.extend(match blobs.get(slot) {
            Some((number, blob)) => {
                let count = blob.len() / 16;
                first += count;
                numbers(&[*number, (first - count) as u32, count as u32])
            }
            None => vec![0; 12],
        });
    }
    assert!(blobs.len() <= (PAGE - 32) / 16);
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
