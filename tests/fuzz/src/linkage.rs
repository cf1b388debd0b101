//! `agent/image/src/linkage.rs`, and what holds of all that it says of a file.

#[path = "../../../agent/image/tests/common/elf.rs"]
pub mod made;
#[path = "../../../agent/image/src/linkage.rs"]
mod read;

use read::{Elf, Linkage, Scan};

/// What a file of an image names at most, as the module has it.
const NEEDED_MAX: usize = 128;
const NAME_MAX: usize = 255;

/// What was found of a file, for a target that asserts that its seeds are read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The interpreter of a script.
    pub script: String,
    /// The path of an ELF file's loader.
    pub loader: String,
    /// Libraries that it needs; `None` where they were not read.
    pub needed: Option<Vec<String>>,
    /// The name that others need it by.
    pub own: String,
}

fn is_name(text: &[u8]) -> bool {
    (1..=NAME_MAX).contains(&text.len()) && !text.contains(&0)
}

/// That names are bounded, and no program is called static that names anything.
fn bounds(found: &Linkage) {
    assert!(found.weight() <= (NEEDED_MAX + 3) * (NAME_MAX + 64));
    match found {
        Linkage::Script(word) => {
            assert!(is_name(word) || word.contains(&0) && word.len() <= NAME_MAX);
            assert!(!word.is_empty() && !word.iter().any(u8::is_ascii_whitespace));
            assert!(!read::base(word).contains(&b'/'));
        }
        Linkage::Elf(elf) => {
            let all = elf.needed.iter().flatten();
            assert!(all.chain(&elf.name).all(|text| is_name(text)));
            // One that cannot be read is empty.
            let loader = elf.loader.as_deref().unwrap_or_default();
            assert!(loader.is_empty() || is_name(loader));
            assert!(
                elf.needed
                    .as_ref()
                    .is_none_or(|all| all.len() <= NEEDED_MAX)
            );
            let names = elf.needed.as_ref().is_some_and(|all| !all.is_empty());
            let is_linked = elf.loader.is_some() || elf.is_dynamic && (names || elf.name.is_some());
            assert!(!(elf.is_static() && is_linked), "{elf:?}");
        }
    }
}

fn scan(file: &[u8], block: usize) -> Option<Linkage> {
    let mut scan = Scan::default();
    // What is left of another file counts for nothing.
    scan.take(b"\x7fELF\x02\x01 of another");
    scan.begin();
    file.chunks(block).for_each(|part| scan.take(part));
    scan.end()
}

/// Whether a part of a file says no more than the whole, and nothing else.
fn is_less(part: &Elf, whole: &Elf) -> bool {
    let of = |one: &Option<Box<[u8]>>, all: &Option<Box<[u8]>>| one.is_none() || one == all;
    let loader = part.loader.as_deref();
    part.is_dynamic == whole.is_dynamic
        && (loader == whole.loader.as_deref() || whole.loader.is_some() && loader == Some(b""))
        && of(&part.name, &whole.name)
        && (part.needed.is_none() || part.needed == whole.needed)
}

/// Reads a file as a whole, and as it goes by in blocks of a size and of another: no panic, bounded, and the same; of
/// one larger than what is kept no more than the whole says.
///
/// # Panics
/// Where that does not hold.
pub fn read(file: &[u8], block: usize, is_large: bool) -> Option<Found> {
    let whole = read::of(file);
    let part = scan(file, block);
    assert_eq!(part, scan(file, 65_536), "in blocks of {block}");
    match (&part, &whole) {
        (part, whole) if part == whole => {}
        (None, Some(Linkage::Elf(_))) if is_large => {}
        (Some(Linkage::Elf(part)), Some(Linkage::Elf(whole))) if is_large => {
            assert!(is_less(part, whole), "{part:?} of {whole:?}");
        }
        different => panic!("{different:?}"),
    }
    whole.iter().chain(&part).for_each(bounds);
    assert_eq!(
        part.as_ref().is_some_and(|it| it.elf().is_none()),
        file.starts_with(b"#!") && part.is_some()
    );
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(match part? {
        Linkage::Script(word) => Found {
            script: text(&word),
            ..Found::default()
        },
        Linkage::Elf(elf) => Found {
            loader: text(elf.loader.as_deref().unwrap_or_default()),
            needed: elf
                .needed
                .map(|all| all.iter().map(|it| text(it)).collect()),
            own: text(elf.name.as_deref().unwrap_or_default()),
            ..Found::default()
        },
    })
}
