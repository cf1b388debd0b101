//! What programs of an image are linked with, and which of them need a library.

use super::NAMED_MAX;
use super::kind::Kind;
use crate::linkage::{Elf, Linkage, base};
use crate::packages::is_library;
use crate::report::First;
use crate::run::Run;
use crate::tree::{Id, Inode, Kind as Node, Magic, Tree};
use lapwing_profile::text::canonical;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Folders where containers look for programs that are named without one, if the image says nothing of it.
const FOLDERS: &[&str] = &[
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// All programs of an image by what they are linked with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Linked {
    /// With nothing.
    pub statically: u64,
    /// With glibc.
    pub glibc: u64,
    /// With musl.
    pub musl: u64,
    /// By another loader.
    pub other: u64,
    /// Nobody knows: what they say of it was not read.
    pub not_read: u64,
}

/// A libc, by its loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Libc {
    Glibc,
    Musl,
    Other,
}

impl Libc {
    pub(super) fn of(loader: &[u8]) -> Self {
        let name = base(loader);
        let is = |all: &[&str]| all.iter().any(|start| name.starts_with(start.as_bytes()));
        match (is(&["ld-musl-"]), is(&["ld-linux", "ld64.so", "ld.so.1"])) {
            (true, _) => Self::Musl,
            (false, true) => Self::Glibc,
            (false, false) => Self::Other,
        }
    }
}

/// What an ELF file says of how it is started.
pub(crate) fn elf(inode: &Inode) -> Option<&Elf> {
    inode.linkage.as_deref().and_then(Linkage::elf)
}

/// The name that others need a library by; `None` of what is none.
pub(crate) fn name_of(tree: &Tree, id: Id) -> Option<&[u8]> {
    let inode = tree.inode(id);
    let own = elf(inode).and_then(|it| it.name.as_deref());
    let name: &[u8] = &tree.nodes[id as usize].name;
    own.or_else(|| (inode.magic == Magic::Elf && is_library(name)).then_some(name))
}

/// Whether a file is an ELF program, and neither a library nor a loader.
pub(super) fn is_program(tree: &Tree, id: Id) -> bool {
    let inode = tree.inode(id);
    let is_one = match elf(inode) {
        Some(elf) => elf.loader.is_some() || elf.is_static(),
        None => true,
    };
    inode.kind == Node::File
        && inode.magic == Magic::Elf
        && is_one
        && (elf(inode).is_some_and(|it| it.loader.is_some()) || name_of(tree, id).is_none())
}

impl Linked {
    pub(super) fn of(tree: &Tree) -> Self {
        let mut all = Self::default();
        let mut counted = vec![false; tree.inodes.len()];
        tree.visit(|id, inode| {
            let number = tree.nodes[id as usize].inode as usize;
            if inode.mode & 0o111 == 0
                || !is_program(tree, id)
                || std::mem::replace(&mut counted[number], true)
            {
                return;
            }
            let of = match elf(inode) {
                None => &mut all.not_read,
                Some(elf) => match elf.loader.as_deref().map(Libc::of) {
                    None => &mut all.statically,
                    Some(Libc::Glibc) => &mut all.glibc,
                    Some(Libc::Musl) => &mut all.musl,
                    Some(Libc::Other) => &mut all.other,
                },
            };
            *of += 1;
        });
        all
    }
}

/// Whether a library comes with a libc, so that it is clear which base has it.
fn is_of_libc(name: &[u8]) -> bool {
    let kind = Kind::of_library(&String::from_utf8_lossy(name));
    matches!(kind, Some(Kind::Musl | Kind::Glibc))
}

/// Libraries that programs name, and others for these, each with whom it is needed by.
pub(super) struct Closure<'a> {
    pub libraries: BTreeMap<&'a [u8], First<Id>>,
    /// Whether all names were read, and all of them are those of a libc or of files of the image.
    pub is_whole: bool,
}

impl<'a> Closure<'a> {
    pub(super) fn of(tree: &'a Tree, programs: impl Iterator<Item = Id>) -> Self {
        let mut known: BTreeMap<&[u8], Id> = BTreeMap::new();
        // A loader goes by the names of files, which may be links.
        let mut names: BTreeSet<&[u8]> = BTreeSet::new();
        tree.visit(|id, _| {
            if let Some(name) = name_of(tree, id) {
                known.entry(name).or_insert(id);
            }
            let name = &*tree.nodes[id as usize].name;
            if is_library(name) {
                names.insert(name);
            }
        });
        let mut all = Self {
            libraries: BTreeMap::new(),
            is_whole: true,
        };
        let mut left: Vec<Id> = programs.collect();
        while let Some(id) = left.pop() {
            let Some(needed) = elf(tree.inode(id)).and_then(|it| it.needed.as_deref()) else {
                all.is_whole = false;
                continue;
            };
            for name in needed {
                let name = &**name;
                let is_there = known.contains_key(name) || names.contains(base(name));
                all.is_whole &= is_there || is_of_libc(name);
                let by = all.libraries.entry(name).or_insert_with(|| {
                    left.extend(known.get(name));
                    First::default()
                });
                by.take(NAMED_MAX, || id);
            }
        }
        all
    }
}

/// What came of looking for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    At(Id),
    /// It is in none of the places where it would be.
    Nowhere,
    /// Where it would be is not known, or paths took too much work before.
    NotSought,
}

impl Found {
    pub(crate) const fn found(self) -> Option<Id> {
        match self {
            Self::At(id) => Some(id),
            Self::Nowhere | Self::NotSought => None,
        }
    }
}

/// What comes of a path, with its links; it is not looked for where paths took too much work before.
pub(crate) fn sought(tree: &Tree, path: &[u8]) -> Found {
    match tree.is_exhausted() {
        true => Found::NotSought,
        false => tree.find(path, true).map_or(Found::Nowhere, Found::At),
    }
}

/// Why something was not looked for.
pub(crate) fn why_not(tree: &Tree) -> &'static str {
    match tree.is_exhausted() {
        true => "paths of the image lead through too many links",
        false => "where it would be is not known",
    }
}

/// A path that may go by the folder that containers of the image work in.
fn from_folder(run: Option<&Run>, path: &[u8]) -> Option<Vec<u8>> {
    if path.starts_with(b"/") {
        return Some(path.to_vec());
    }
    let folder = run?.folder()?;
    Some([folder.as_bytes(), b"/", path].concat())
}

/// A program that is looked for as a container does it: by the `PATH` that it has of the image, or that engines
/// give it where the image has none.
fn by_path(tree: &Tree, run: Option<&Run>, name: &[u8]) -> Found {
    let own = run.and_then(Run::path);
    let folders: Vec<&str> = match own {
        Some(path) => path.split(':').collect(),
        None => FOLDERS.to_vec(),
    };
    let mut is_whole = true;
    for folder in folders {
        let Some(folder) = from_folder(run, folder.as_bytes()) else {
            is_whole = false;
            continue;
        };
        match sought(tree, &[&folder, &b"/"[..], name].concat()) {
            Found::At(id) if tree.inode(id).kind == Node::File => return Found::At(id),
            Found::At(_) | Found::Nowhere => {}
            Found::NotSought => return Found::NotSought,
        }
    }
    match is_whole {
        true => Found::Nowhere,
        false => Found::NotSought,
    }
}

/// What a script names behind `#!`; of one without a slash, which `env` looks for, by the image's `PATH`.
pub(crate) fn interpreter(tree: &Tree, run: Option<&Run>, named: &[u8]) -> Found {
    match (named.first(), named.contains(&b'/')) {
        (Some(b'/'), _) => sought(tree, named),
        (_, false) => by_path(tree, run, named),
        // It goes by the folder of whoever starts it.
        (_, true) => Found::NotSought,
    }
}

/// The program that a word of the image's configuration names.
fn named(tree: &Tree, run: Option<&Run>, name: &str) -> Found {
    let name = name.as_bytes();
    match name.contains(&b'/') {
        false => by_path(tree, run, name),
        true => from_folder(run, name).map_or(Found::NotSought, |path| sought(tree, &path)),
    }
}

/// The program that the image's configuration names; `None` where it names none.
pub(crate) fn configured(tree: &Tree, run: Option<&Run>) -> Option<Found> {
    Some(named(tree, run, run?.program().first()?))
}

/// The program that the first word is called like that CMD gives to ENTRYPOINT; `None` where it gives none.
pub(crate) fn first_argument(tree: &Tree, run: Option<&Run>) -> Option<Found> {
    Some(named(tree, run, run?.arguments().first()?))
}

/// The same in words.
pub(super) fn program(tree: &Tree, run: Option<&Run>) -> Option<String> {
    let id = match configured(tree, run)? {
        Found::At(id) if tree.inode(id).kind == Node::File => id,
        Found::NotSought => {
            return Some(format!(
                "the program that the image's configuration names was not looked for: {}",
                why_not(tree)
            ));
        }
        Found::At(_) | Found::Nowhere => {
            return Some(
                "the program that the image's configuration names was not found in it".to_owned(),
            );
        }
    };
    let path = canonical(&tree.path(id));
    let inode = tree.inode(id);
    let what = match inode.linkage.as_deref() {
        None => "how it is started was not read".to_owned(),
        Some(Linkage::Script(name)) => format!("a script of {}", canonical(name)),
        Some(Linkage::Elf(elf)) => {
            let needed = match elf.needed.as_deref() {
                None => "; which libraries it needs was not read".to_owned(),
                Some([]) => String::new(),
                Some(all) => {
                    let first: Vec<String> =
                        all.iter().take(NAMED_MAX).map(|it| canonical(it)).collect();
                    let more = match all.len().saturating_sub(NAMED_MAX) {
                        0 => String::new(),
                        more => format!(" and {more} more"),
                    };
                    format!("; it needs {}{more}", first.join(", "))
                }
            };
            let go = if inode.built.is_some() { " of Go" } else { "" };
            match elf.loader.as_deref() {
                None if elf.is_static() => format!("a static program{go}"),
                None => format!("a program without a loader{needed}"),
                Some(loader) => {
                    let libc = match Libc::of(loader) {
                        Libc::Glibc => "with glibc",
                        Libc::Musl => "with musl",
                        Libc::Other => "for another loader than glibc's and musl's",
                    };
                    format!("a program{go} that is linked {libc}{needed}")
                }
            }
        }
    };
    Some(format!("{path}: {what}"))
}
