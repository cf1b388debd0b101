//! What a program needs to be started, found while its bytes go by: the interpreter of a script; of an ELF
//! file its loader and the shared libraries that it names.
//!
//! The headers say where the names stand. They stand near the beginning, and the table that points at them
//! (`PT_DYNAMIC`) may stand anywhere, so the first [`HEAD_MAX`] bytes of a large file are kept while it is
//! read, and that table. Names elsewhere, or more than are taken, are *not read*, which is told apart from
//! none. Offsets and sizes are those of whoever made the file: all are checked.

/// Bytes of the beginning of a file that are kept while it is read.
const HEAD_MAX: usize = 4 << 20;
/// Bytes of the table, and program headers, that are looked at.
const TABLE_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 128;
/// Libraries that one file names, and bytes of a name.
const NEEDED_MAX: usize = 128;
const NAME_MAX: usize = 255;
/// Bytes that a file takes beside its names, and each name.
const WEIGHT: usize = 64;

const LOAD: u64 = 1;
const DYNAMIC: u64 = 2;
const INTERPRETER: u64 = 3;
const NEEDED: u64 = 1;
const STRINGS: u64 = 5;
const OWN_NAME: u64 = 14;

/// What starts a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Linkage {
    /// What a script names behind `#!`, or behind `env` there.
    Script(Box<[u8]>),
    /// An executable or a shared library.
    Elf(Elf),
}

/// What an ELF file says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Elf {
    /// The path of its loader; `None` of static programs and of libraries.
    pub loader: Option<Box<[u8]>>,
    /// Whether it has a table for a loader, as libraries and static programs at no fixed address do too.
    pub is_dynamic: bool,
    /// The name that others need it by.
    pub name: Option<Box<[u8]>>,
    /// The libraries that it needs; `None` where they were not read.
    pub needed: Option<Box<[Box<[u8]>]>>,
}

impl Linkage {
    /// The bytes of memory that it takes, about.
    pub(crate) fn weight(&self) -> usize {
        let of = |text: &[u8]| text.len() + WEIGHT;
        match self {
            Self::Script(name) => of(name),
            Self::Elf(elf) => {
                let needed = elf.needed.iter().flatten();
                let one = [&elf.loader, &elf.name].into_iter().flatten();
                let all = one.chain(needed).map(|text| of(text));
                WEIGHT + all.sum::<usize>()
            }
        }
    }

    pub(crate) const fn elf(&self) -> Option<&Elf> {
        match self {
            Self::Elf(elf) => Some(elf),
            Self::Script(_) => None,
        }
    }
}

impl Elf {
    /// Whether it is linked with nothing and needs no loader. A library without a name is none.
    pub(crate) fn is_static(&self) -> bool {
        let needs_none = self.needed.as_ref().is_some_and(|all| all.is_empty());
        self.loader.is_none() && (!self.is_dynamic || needs_none && self.name.is_none())
    }
}

/// Bytes of a file: its beginning, and a part of what comes after.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    head: &'a [u8],
    part: &'a [u8],
    /// Where the part begins.
    from: u64,
}

impl<'a> Bytes<'a> {
    /// As many as there are, up to so many.
    fn at(self, offset: u64, most: usize) -> Option<&'a [u8]> {
        let of = |bytes: &'a [u8], from: u64| {
            let start = usize::try_from(offset.checked_sub(from)?).ok()?;
            let rest = bytes.get(start..)?;
            (!rest.is_empty()).then(|| &rest[..rest.len().min(most)])
        };
        of(self.head, 0).or_else(|| of(self.part, self.from))
    }
}

/// How numbers are written.
#[derive(Clone, Copy)]
struct Form {
    is_64: bool,
    is_big: bool,
}

impl Form {
    fn number(self, bytes: &[u8], at: usize, size: usize) -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(size)?)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(match self.is_big {
            true => bytes.iter().fold(0, add),
            false => bytes.iter().rev().fold(0, add),
        })
    }

    /// A number at one place in files of 64 bits, and at another in those of 32.
    fn address(self, bytes: &[u8], wide: usize, narrow: usize) -> Option<u64> {
        match self.is_64 {
            true => self.number(bytes, wide, 8),
            false => self.number(bytes, narrow, 4),
        }
    }
}

/// A program header.
#[derive(Clone, Copy)]
struct Segment {
    kind: u64,
    offset: u64,
    address: u64,
    size: u64,
}

/// The segments of an executable or a library; `None` where it is neither, or is damaged.
fn segments(head: &[u8]) -> Option<(Form, Vec<Segment>)> {
    let form = Form {
        is_64: match head.get(4)? {
            1 => false,
            2 => true,
            _ => return None,
        },
        is_big: match head.get(5)? {
            1 => false,
            2 => true,
            _ => return None,
        },
    };
    if !matches!(form.number(head, 16, 2)?, 2 | 3) {
        return None;
    }
    let (sizes, each) = if form.is_64 { (54, 56) } else { (42, 32) };
    let count = usize::try_from(form.number(head, sizes + 2, 2)?).ok()?;
    if count > HEADERS_MAX || count > 0 && form.number(head, sizes, 2)? != each as u64 {
        return None;
    }
    let start = usize::try_from(form.address(head, 32, 28)?).ok()?;
    let all = head.get(start..start.checked_add(count * each)?)?;
    let segment = |one: &[u8]| {
        Some(Segment {
            kind: form.number(one, 0, 4)?,
            offset: form.address(one, 8, 4)?,
            address: form.address(one, 16, 8)?,
            size: form.address(one, 32, 16)?,
        })
    };
    let all: Option<Vec<Segment>> = all.chunks_exact(each).map(segment).collect();
    Some((form, all?))
}

/// A name up to its end, if it is one.
fn name(bytes: &[u8]) -> Option<Box<[u8]>> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    (1..=NAME_MAX).contains(&end).then(|| bytes[..end].into())
}

/// What the table says: its own name, and what it needs.
fn dynamic(form: Form, all: &[Segment], bytes: Bytes<'_>, elf: &mut Elf) -> Option<()> {
    let table = all.iter().find(|one| one.kind == DYNAMIC)?;
    let size = usize::try_from(table.size).ok()?;
    let table = bytes.at(table.offset, size.min(TABLE_MAX))?;
    let (mut strings, mut own, mut needed) = (None, None, Vec::new());
    let mut is_whole = false;
    let each = if form.is_64 { 16 } else { 8 };
    for entry in table.chunks_exact(each) {
        let value = form.address(entry, 8, 4)?;
        match form.address(entry, 0, 0)? {
            0 => {
                is_whole = true;
                break;
            }
            NEEDED if needed.len() == NEEDED_MAX => return None,
            NEEDED => needed.push(value),
            STRINGS => strings = Some(value),
            OWN_NAME => own = Some(value),
            _ => {}
        }
    }
    if !is_whole {
        return None;
    }
    let place = |address: u64| {
        let is_in = |one: &&Segment| {
            let within = address.checked_sub(one.address);
            one.kind == LOAD && within.is_some_and(|at| at < one.size)
        };
        let segment = all.iter().find(is_in)?;
        segment.offset.checked_add(address - segment.address)
    };
    let text = |at: u64| {
        let offset = place(strings?)?.checked_add(at)?;
        name(bytes.at(offset, NAME_MAX + 1)?)
    };
    elf.name = own.and_then(text);
    let needed: Option<Vec<_>> = needed.into_iter().map(text).collect();
    elf.needed = Some(needed?.into());
    Some(())
}

fn elf(bytes: Bytes<'_>) -> Option<Elf> {
    let (form, all) = segments(bytes.head)?;
    let mut elf = Elf::default();
    if let Some(one) = all.iter().find(|one| one.kind == INTERPRETER) {
        let loader = bytes.at(one.offset, NAME_MAX + 1).and_then(name);
        // One that cannot be read is one all the same.
        elf.loader = Some(loader.unwrap_or_default());
    }
    elf.is_dynamic = all.iter().any(|one| one.kind == DYNAMIC);
    match elf.is_dynamic {
        true => {
            let _ = dynamic(form, &all, bytes, &mut elf);
        }
        false => elf.needed = Some(Box::default()),
    }
    Some(elf)
}

/// What a script names.
fn script(head: &[u8]) -> Option<Linkage> {
    let line = head.strip_prefix(b"#!")?;
    let line = &line[..line.len().min(NAME_MAX)];
    let line = line.split(|byte| *byte == b'\n').next()?;
    let mut words = { line.split(u8::is_ascii_whitespace) }.filter(|word| !word.is_empty());
    let first = words.next()?;
    let mut of_env = || words.find(|word| !word.starts_with(b"-") && !word.contains(&b'='));
    let named = match base(first) {
        b"env" => of_env(),
        _ => Some(first),
    };
    named.map(|word| Linkage::Script(word.into()))
}

/// The last name of a path.
pub(crate) fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// What a whole file says.
pub(crate) fn of(file: &[u8]) -> Option<Linkage> {
    let bytes = Bytes {
        head: file,
        part: &[],
        from: 0,
    };
    match file {
        [0x7f, b'E', b'L', b'F', ..] => elf(bytes).map(Linkage::Elf),
        _ => script(file),
    }
}

/// A file that goes by.
#[derive(Default)]
pub(crate) struct Scan {
    head: Vec<u8>,
    /// Bytes that went by.
    passed: u64,
    part: Vec<u8>,
    /// Where the table stands, once that is known: from and to.
    wanted: Option<(u64, u64)>,
}

impl Scan {
    /// For the next file.
    pub(crate) fn begin(&mut self) {
        self.head.clear();
        self.part.clear();
        (self.passed, self.wanted) = (0, None);
    }

    /// The next bytes of the file.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let room = HEAD_MAX - self.head.len();
        let (head, rest) = bytes.split_at(bytes.len().min(room));
        self.head.extend_from_slice(head);
        let from = self.passed + head.len() as u64;
        self.passed += bytes.len() as u64;
        if rest.is_empty() {
            return;
        }
        // The head is full, and nothing of the rest went by yet, or it was looked for then.
        let (start, end) = *self.wanted.get_or_insert_with(|| {
            let all = segments(&self.head).map(|(_, all)| all).unwrap_or_default();
            let table = all.iter().find(|one| one.kind == DYNAMIC);
            let table = table.filter(|one| one.offset >= HEAD_MAX as u64);
            table.map_or((0, 0), |one| {
                let size = one.size.min(TABLE_MAX as u64);
                (one.offset, one.offset.saturating_add(size))
            })
        });
        let index = |at: u64| usize::try_from(at.saturating_sub(from)).unwrap_or(usize::MAX);
        let part = index(start).min(rest.len())..index(end).min(rest.len());
        self.part.extend_from_slice(&rest[part]);
    }

    /// What was found in all of it.
    pub(crate) fn end(&mut self) -> Option<Linkage> {
        let (head, from) = (&self.head[..], self.wanted.map_or(0, |(start, _)| start));
        match head {
            [0x7f, b'E', b'L', b'F', ..] => {
                let part = &self.part[..];
                elf(Bytes { head, part, from }).map(Linkage::Elf)
            }
            _ => script(head),
        }
    }
}

// A fuzz target takes this file by its path, from where modules below it are looked for elsewhere.
#[cfg(test)]
#[path = "linkage/tests.rs"]
mod tests;
