//! Databases of dpkg, also in the form of distroless images, and of apk.

use super::{Damaged, Packages, told};
use crate::counted;
use crate::tree::{Id, PATH_MAX, Tree};
use std::collections::BTreeMap;
use std::iter::from_fn;

pub(super) type Kept<'a> = BTreeMap<Vec<u8>, (Id, &'a [u8])>;

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
}

/// The value of a field that stands on a line.
fn field<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (key, value) = line.split_at_checked(name.len())?;
    let is_it = key.eq_ignore_ascii_case(name.as_bytes());
    is_it.then(|| value.strip_prefix(b":").map(<[u8]>::trim_ascii))?
}

/// The parts of a text between blank lines, one after another: there may be millions.
fn blocks(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    from_fn(move || {
        while !rest.is_empty() {
            let filled = (rest.split_inclusive(|byte| *byte == b'\n'))
                .take_while(|line| !line.trim_ascii().is_empty());
            let (block, behind) = rest.split_at(filled.map(<[u8]>::len).sum());
            let blank = behind.iter().position(|byte| *byte == b'\n');
            rest = &behind[blank.map_or(behind.len(), |end| end + 1)..];
            if !block.is_empty() {
                return Some(block);
            }
        }
        None
    })
}

/// What a paragraph of dpkg says.
#[derive(Default)]
struct Paragraph<'a> {
    name: Option<&'a [u8]>,
    version: &'a [u8],
    architecture: &'a [u8],
    status: Option<&'a [u8]>,
}

impl<'a> Paragraph<'a> {
    /// Lines that go on are of no interest.
    fn of(block: &'a [u8]) -> Self {
        let mut it = Self::default();
        for line in lines(block) {
            if let Some(name) = field(line, "Package") {
                it.name = Some(name).filter(|name| !name.is_empty());
            } else if let Some(version) = field(line, "Version") {
                it.version = version;
            } else if let Some(architecture) = field(line, "Architecture") {
                it.architecture = architecture;
            } else if let Some(status) = field(line, "Status") {
                it.status = Some(status);
            }
        }
        it
    }
}

fn broken(packages: &mut Packages, path: &[u8], count: u64) {
    if count > 0 {
        let text = format!(
            "{} of {} without a package's name: it is damaged",
            counted(count, "paragraph"),
            told(path)
        );
        packages.not_read.push(text);
    }
}

fn take_list(tree: &Tree, packages: &mut Packages, number: usize, list: &[u8]) {
    let paths = lines(list).filter(|path| !path.is_empty());
    for path in paths.take_while(|_| !tree.is_exhausted()) {
        if let Some(id) = packages.find(tree, path) {
            packages.take(tree, number, id);
        }
    }
}

pub(super) fn dpkg(tree: &Tree, kept: &Kept<'_>, packages: &mut Packages) {
    const STATUS: &[u8] = b"/var/lib/dpkg/status";
    let Some((_, text)) = kept.get(STATUS) else {
        return;
    };
    let mut damaged = 0;
    for paragraph in blocks(text).map(Paragraph::of) {
        let Some(name) = paragraph.name else {
            damaged += 1;
            continue;
        };
        // Of packages that were removed, configuration may be left.
        let is_there = paragraph
            .status
            .is_some_and(|status| status.ends_with(b" installed"));
        if !is_there {
            continue;
        }
        let Some(number) = packages.add("deb", name, paragraph.version, None) else {
            return;
        };
        packages.built_for(number, paragraph.architecture);
        let list = |end: &[&[u8]]| {
            let path = [&b"/var/lib/dpkg/info/"[..], name, &end.concat(), b".list"].concat();
            kept.get(&path)
        };
        let found = list(&[]).or_else(|| list(&[b":", paragraph.architecture]));
        let list = packages.list(tree, found);
        take_list(tree, packages, number, list);
    }
    broken(packages, STATUS, damaged);
}

/// Distroless images have one file for each package, and beside it the sums of its files.
pub(super) fn distroless(tree: &Tree, kept: &Kept<'_>, packages: &mut Packages) {
    const FOLDER: &[u8] = b"/var/lib/dpkg/status.d/";
    let mut damaged = Damaged::default();
    'all: for (path, (_, text)) in kept {
        if !path.starts_with(FOLDER) || path.ends_with(b".md5sums") {
            continue;
        }
        let mut is_whole = true;
        for paragraph in blocks(text).map(Paragraph::of) {
            let Some(name) = paragraph.name else {
                is_whole = false;
                continue;
            };
            let Some(number) = packages.add("deb", name, paragraph.version, None) else {
                break 'all;
            };
            packages.built_for(number, paragraph.architecture);
            let sums = packages.list(tree, kept.get(&[&path[..], b".md5sums"].concat()));
            for line in lines(sums).take_while(|_| !tree.is_exhausted()) {
                let path = line
                    .iter()
                    .position(|byte| *byte == b' ')
                    .map(|at| &line[at..]);
                let found = path.and_then(|path| packages.find(tree, path.trim_ascii()));
                if let Some(id) = found {
                    packages.take(tree, number, id);
                }
            }
        }
        if !is_whole {
            damaged.take(path);
        }
    }
    damaged.tell(packages, "description", "of Debian packages");
}

pub(super) fn apk(tree: &Tree, kept: &Kept<'_>, packages: &mut Packages) {
    let places = [&b"/lib/apk/db/installed"[..], b"/usr/lib/apk/db/installed"];
    let Some((path, text)) = places
        .iter()
        .find_map(|path| Some((path, kept.get(*path)?.1)))
    else {
        return;
    };
    let mut damaged = 0;
    for paragraph in blocks(text) {
        let value = |key: &[u8]| lines(paragraph).find_map(|line| line.strip_prefix(key));
        let name = value(b"P:").filter(|name| !name.trim_ascii().is_empty());
        let Some(name) = name else {
            damaged += 1;
            continue;
        };
        let version = value(b"V:").unwrap_or_default();
        let Some(number) = packages.add("apk", name, version, None) else {
            return;
        };
        packages.built_for(number, value(b"A:").unwrap_or_default());
        let mut folder: &[u8] = b"";
        for line in lines(paragraph).take_while(|_| !tree.is_exhausted()) {
            if let Some(name) = line.strip_prefix(b"F:") {
                // Of a longer one there is nothing, and it would be copied for each file.
                folder = &name[..name.len().min(PATH_MAX)];
            } else if let Some(name) = line.strip_prefix(b"R:")
                && let Some(id) = packages.find(tree, &[folder, b"/", name].concat())
            {
                packages.take(tree, number, id);
            }
        }
    }
    broken(packages, path, damaged);
}
