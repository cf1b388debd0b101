//! Packages that an SBOM names, beside those that are found.
//!
//! One of a kind, name and version that is known is that package, and may bring files that it lacked. Files of a
//! list are the package's. The place where one was found is only its file where nothing says that it merely names
//! packages, as databases and lock files do: if nobody reads these, that says nothing of what they name.

use super::{Packages, told};
use crate::package_url::{is_of_system, plain_name, plain_version};
use crate::sbom::{Component, Sbom, Told};
use crate::tree::{Id, Kind, Magic, Tree};
use std::collections::{BTreeSet, HashMap};

/// Letters of a package URL that is told.
const URL_MAX: usize = 1024;
/// Ends of names of what names packages and holds none.
const LISTS: &[&str] = &[
    "csproj", "db", "gemspec", "json", "list", "lock", "lockfile", "md", "md5sums", "mod",
    "sqlite", "sum", "toml", "txt", "xml", "yaml", "yml",
];
/// Names of such.
const LIST_NAMES: &[&str] = &[
    "METADATA",
    "PKG-INFO",
    "Packages",
    "RECORD",
    "installed",
    "status",
];
/// Ends of names of what holds packages whole.
const ARCHIVES: &[&str] = &["ear", "egg", "jar", "jmod", "par", "war", "whl"];

/// The end of a name, behind its last point.
fn end(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, end)| end)
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
        for place in sbom.components.iter().flat_map(|it| &it.places) {
            *places.entry(&**place).or_default() += 1;
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

    /// Adds packages of systems, or all others.
    pub(super) fn add(&mut self, tree: &Tree, packages: &mut Packages, of_system: bool) {
        let mut known: HashMap<(&'static str, String), Vec<usize>> = HashMap::new();
        for (number, package) in packages.all.iter().enumerate() {
            let key = (package.kind, plain_name(package.kind, &package.name));
            known.entry(key).or_default().push(number);
        }
        for one in &self.sbom.components {
            if is_of_system(one.kind) != of_system {
                continue;
            }
            let files = self.files(tree, packages, one);
            let name = told(one.name.as_bytes());
            let numbers = known
                .entry((one.kind, plain_name(one.kind, &name)))
                .or_default();
            let number = match same(packages, numbers, one) {
                Some(number) => {
                    self.merged += 1;
                    number
                }
                None => {
                    let first = files.first().filter(|_| !of_system);
                    let within = first.and_then(|(id, _)| packages.name(tree, *id));
                    let (name, version) = (one.name.as_bytes(), one.version.as_bytes());
                    let Some(number) = packages.add(one.kind, name, version, within) else {
                        return;
                    };
                    packages.built_for(number, one.architecture.as_bytes());
                    packages.all[number].by_sbom = true;
                    packages.all[number].purl = url(&one.purl);
                    numbers.push(number);
                    number
                }
            };
            self.numbers.insert(number);
            for (id, is_part) in files {
                match is_part {
                    true => packages.link(tree, number, id),
                    false => packages.take(tree, number, id),
                }
            }
        }
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
        for path in &one.places {
            if tree.is_exhausted() {
                break;
            }
            let is_shared = self.places.get(&**path).is_some_and(|count| *count > 1);
            let found = packages.find(tree, path.as_bytes());
            let found = found.filter(|id| tree.inode(*id).kind == Kind::File);
            let name = path.rsplit('/').next().unwrap_or_default();
            let Some(id) = found else { continue };
            let holds = tree.inode(id).magic == Magic::Elf || ARCHIVES.contains(&end(name));
            let names = LISTS.contains(&end(name)) || LIST_NAMES.contains(&name);
            if holds || !is_shared && !names {
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

/// Which of the packages of a name a component is.
fn same(packages: &mut Packages, numbers: &[usize], one: &Component<'_>) -> Option<usize> {
    let version = told(one.version.as_bytes());
    // That of a folder, by Go and by Syft.
    if matches!(&*version, "" | "(devel)" | "UNKNOWN") {
        return numbers.first().copied();
    }
    let is = |number: &&usize| {
        let own = &packages.all[**number].version;
        plain_version(one.kind, own) == plain_version(one.kind, &version)
    };
    if let Some(number) = numbers.iter().find(is) {
        return Some(*number);
    }
    // One that does not know its version, as a program that is built of a folder.
    let bare = numbers
        .iter()
        .find(|number| packages.all[**number].version.is_empty());
    if let Some(number) = bare {
        packages.all[*number].version = version;
    }
    bare.copied()
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
