//! Packages that an SBOM names, beside those that are found.
//!
//! One of a kind, name and version that is known is that package, and may bring files that it lacked. Files of a
//! list are the package's. The place where one was found is only its file where it holds code: databases, manifests
//! and lock files of any kind merely name packages, and if nobody reads these, that says nothing of what they name.

mod known;

use super::Packages;
use crate::package_url::is_of_system;
use crate::sbom::{Component, Sbom, Told};
use crate::tree::{Id, Kind, Magic, Tree};
use known::Known;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Letters of a package URL that is told.
const URL_MAX: usize = 1024;
/// Ends of names of what holds packages whole.
const ARCHIVES: &[&str] = &[
    "ear", "egg", "hpi", "jar", "jmod", "jpi", "par", "phar", "war", "whl",
];
/// Ends of names of code that is no ELF.
const CODE: &[&str] = &[
    "beam", "cjs", "class", "dll", "exe", "js", "lua", "mjs", "php", "pl", "pm", "py", "pyc",
    "pyd", "sh", "wasm",
];
/// Names of code that names packages.
const MANIFESTS: &[&[u8]] = &[b"conanfile.py", b"pack.pl", b"setup.py"];

/// What a file can tell of the use of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Nothing: it may merely name it.
    Nothing,
    /// Code of one.
    Code,
    /// What several packages may be built into.
    Whole,
}

fn holds(name: &[u8], magic: Magic) -> Holds {
    let end = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let end = if end.len() == name.len() { b"" } else { end };
    let is_in = |all: &[&str]| {
        all.iter()
            .any(|one| one.as_bytes().eq_ignore_ascii_case(end))
    };
    // Programs in a language seldom have an end; of what has one it says more than how the text begins.
    let is_script = magic == Magic::Script && end.is_empty();
    match () {
        () if magic == Magic::Elf || is_in(ARCHIVES) => Holds::Whole,
        () if MANIFESTS.contains(&name) => Holds::Nothing,
        () if is_in(CODE) || is_script => Holds::Code,
        () => Holds::Nothing,
    }
}

/// What came of a document.
pub(super) struct Given<'a, 's> {
    sbom: &'a Sbom<'s>,
    /// How many components were found at a place.
    places: HashMap<&'a str, u32>,
    /// Of which packages something was said.
    numbers: BTreeSet<usize>,
    merged: u64,
    missing: u64,
}

impl<'a, 's> Given<'a, 's> {
    pub(super) fn of(sbom: &'a Sbom<'s>) -> Self {
        let mut places = HashMap::new();
        for component in &sbom.components {
            // Each once: some name a path again for each layer that has it.
            let own: HashSet<&str> = component.places.iter().map(|it| &**it).collect();
            for place in own {
                *places.entry(place).or_default() += 1;
            }
        }
        Self {
            sbom,
            places,
            numbers: BTreeSet::new(),
            merged: 0,
            missing: sbom.missing,
        }
    }

    /// Whether the document names packages of a kind.
    pub(super) fn has(&self, kind: &str) -> bool {
        self.sbom.components.iter().any(|it| it.kind == kind)
    }

    /// Whether it names packages that were found in one of these databases, and not one file that such a package has.
    pub(super) fn lacks_files(&self, databases: &[&str]) -> bool {
        let is_of = |one: &&Component<'_>| one.places.iter().any(|it| databases.contains(&&**it));
        let mut all = self.sbom.components.iter().filter(is_of).peekable();
        all.peek().is_some() && all.all(|one| one.files.is_empty())
    }

    /// Adds packages of systems, or all others.
    pub(super) fn add(&mut self, tree: &Tree, packages: &mut Packages, of_system: bool) {
        let mut known = Known::of(packages);
        let sbom = self.sbom;
        let all = { sbom.components.iter() }.filter(|one| is_of_system(one.kind) == of_system);
        // What a database lists comes first: a note names the same by what it was built of.
        let (noted, listed): (Vec<_>, Vec<_>) =
            all.partition(|one| of_system && is_noted(tree, packages, one));
        for one in listed {
            let files = self.files(tree, packages, one);
            let found = known.find(packages, one);
            if self
                .put(tree, packages, &mut known, one, &files, found)
                .is_none()
            {
                return;
            }
        }
        for one in noted {
            let files = self.files(tree, packages, one);
            let owners = files
                .iter()
                .filter_map(|(id, _)| packages.owner_number(tree, *id));
            let owners: BTreeSet<usize> = owners
                .filter(|number| packages.all[*number].kind == one.kind)
                .collect();
            if !owners.is_empty() {
                self.merged += 1;
                self.numbers.extend(owners);
                continue;
            }
            let found = known.find_without_epoch(one);
            let found = found.or_else(|| known.find(packages, one));
            let has_list = found.is_some_and(|number| packages.all[number].files > 0);
            let Some(number) = self.put(tree, packages, &mut known, one, &files, found) else {
                return;
            };
            if !has_list {
                packages.unsure.insert(number);
            }
        }
    }

    /// Gives files of a component to the package that it was found to be, else to a new one; `None` where there are
    /// too many.
    fn put(
        &mut self,
        tree: &Tree,
        packages: &mut Packages,
        known: &mut Known,
        one: &Component<'_>,
        files: &[(Id, bool)],
        found: Option<usize>,
    ) -> Option<usize> {
        let number = match found {
            Some(number) => {
                self.merged += 1;
                number
            }
            None => {
                let first = files.first().filter(|_| !is_of_system(one.kind));
                let within = first.and_then(|(id, _)| packages.name(tree, *id));
                let (name, version) = (one.name.as_bytes(), one.version.as_bytes());
                let number = packages.add(one.kind, name, version, within)?;
                packages.built_for(number, one.architecture.as_bytes());
                packages.all[number].by_sbom = true;
                packages.all[number].purl = url(&one.purl);
                known.add(number, &packages.all[number]);
                number
            }
        };
        self.numbers.insert(number);
        for (id, is_part) in files {
            match is_part {
                true => packages.link(tree, number, *id),
                false => packages.take(tree, number, *id),
            }
        }
        Some(number)
    }

    /// Files of a component that are there; whether it is only a part of each.
    fn files(&mut self, tree: &Tree, packages: &Packages, one: &Component<'_>) -> Vec<(Id, bool)> {
        let mut all = Vec::new();
        for path in &one.files {
            if tree.is_exhausted() {
                break;
            }
            match packages.find(tree, path.as_bytes()) {
                Some(id) => all.push((id, false)),
                None => self.missing += 1,
            }
        }
        if one.may_name {
            let is_code = |(id, _): &(Id, bool)| {
                let inode = tree.inode(*id);
                inode.kind == Kind::File
                    && holds(&tree.nodes[*id as usize].name, inode.magic) != Holds::Nothing
            };
            if !all.iter().any(is_code) {
                all.clear();
            }
        }
        for path in &one.places {
            if tree.is_exhausted() {
                break;
            }
            let is_shared = self.places.get(&**path).is_some_and(|count| *count > 1);
            let found = packages.find(tree, path.as_bytes());
            let found = found.filter(|id| tree.inode(*id).kind == Kind::File);
            let Some(id) = found else { continue };
            let holds = holds(&tree.nodes[id as usize].name, tree.inode(id).magic);
            if holds == Holds::Whole || holds == Holds::Code && !is_shared {
                all.push((id, is_shared));
            }
        }
        all
    }

    pub(super) fn told(&self, packages: &Packages, same_image: Option<bool>) -> Told {
        let bare = self
            .numbers
            .iter()
            .filter(|number| packages.all[**number].files == 0);
        Told {
            form: self.sbom.form.clone(),
            same_image,
            packages: self.sbom.components.len() as u64,
            merged: self.merged,
            without_files: bare.count() as u64,
            missing_files: self.missing,
            damaged: self.sbom.damaged,
        }
    }
}

/// Whether a package of a system was found by what ELF files say of themselves (systemd's "Package Metadata for
/// Executable Files"), which names what they were built of and is no list.
fn is_noted(tree: &Tree, packages: &Packages, one: &Component<'_>) -> bool {
    let is_elf = |path: &str| {
        let found = packages.find(tree, path.as_bytes());
        found.is_some_and(|id| tree.inode(id).magic == Magic::Elf)
    };
    one.files.is_empty() && one.places.iter().any(|path| is_elf(path))
}

/// A package URL that may be told as it is.
fn url(text: &str) -> Option<String> {
    let is_one = text.starts_with("pkg:")
        && text.len() <= URL_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\\\"<>".contains(&byte));
    is_one.then(|| text.to_owned())
}
