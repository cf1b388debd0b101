//! Which packages there are, and whose each file is.
//!
//! Databases are text of whoever made the image: what cannot be read is left out and told. Files of
//! packages of the system are known by the databases' own lists; those of Python by `RECORD`; those of
//! Node by their folder. A file has one owner, the system's package before others.

mod language;
mod system;

use crate::capture;
use crate::report::Package;
use crate::tree::{Id, Kind, Tree};
use lapwing_profile::text::canonical;
use std::collections::{BTreeMap, BTreeSet};

/// Packages of an image at most.
const MOST: usize = 50_000;
/// Bytes of the paths of what tells of them.
const PATHS_MAX: usize = 64 << 20;
/// Bytes of a name or a version that are kept.
pub(crate) const TEXT_MAX: usize = 200;
/// Files that are named of those that were not read.
const NAMED_MAX: usize = 5;
/// The databases of RPM, in the places of Fedora, openSUSE and older ones.
const RPM: &[&str] = &[
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
    "/var/lib/rpm/Packages.db",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/Packages.db",
];

/// Packages, and whose files are.
pub(crate) struct Packages {
    pub all: Vec<Package>,
    /// By the number of the inode: which of `all`.
    owners: Vec<Option<u32>>,
    /// Lists of files that were gone through, by their inodes.
    listed: BTreeSet<u32>,
    /// What there is and was not read.
    pub not_read: Vec<String>,
}

/// Text of a database as it is told.
fn told(text: &[u8]) -> String {
    canonical(&text[..text.len().min(TEXT_MAX)])
}

/// Files of which something was not read: how many, and the first of them.
#[derive(Default)]
struct Damaged {
    count: u64,
    first: Vec<String>,
}

impl Damaged {
    fn take(&mut self, path: &[u8]) {
        self.count += 1;
        if self.first.len() < NAMED_MAX {
            self.first.push(told(path));
        }
    }

    fn tell(self, packages: &mut Packages, what: &str) {
        if self.count > 0 {
            let (count, first) = (self.count, self.first.join(", "));
            packages
                .not_read
                .push(format!("{count} damaged {what}: {first}"));
        }
    }
}

impl Packages {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut packages = Self {
            all: Vec::new(),
            owners: vec![None; tree.inodes.len()],
            listed: BTreeSet::new(),
            not_read: Vec::new(),
        };
        let mut kept: BTreeMap<Vec<u8>, (Id, &[u8])> = BTreeMap::new();
        let (mut taken, mut left) = (0, 0);
        let mut seen = BTreeSet::new();
        let mut again = Damaged::default();
        tree.visit(|id, inode| {
            let Some(content) = &inode.content else {
                return;
            };
            let path = tree.path(id);
            if !capture::is_wanted(&path) {
                return;
            }
            // Its contents are read once, however many names it has.
            if !seen.insert(tree.nodes[id as usize].inode) {
                again.take(&path);
                return;
            }
            taken += path.len();
            match taken <= PATHS_MAX {
                true => drop(kept.insert(path, (id, content))),
                false => left += 1,
            }
        });
        if again.count > 0 {
            packages.not_read.push(format!(
                "{} more names of files that tell of packages, hard links: each file is read once, by \
                 its first name: {}",
                again.count,
                again.first.join(", ")
            ));
        }
        if left > 0 {
            let text =
                format!("{left} files that tell of packages: their paths are too long together");
            packages.not_read.push(text);
        }
        system::dpkg(tree, &kept, &mut packages);
        system::distroless(tree, &kept, &mut packages);
        system::apk(tree, &kept, &mut packages);
        language::python(tree, &kept, &mut packages);
        language::node(tree, &kept, &mut packages);
        if tree.is_exhausted() {
            let text = "paths in lists of packages lead through too many links: files of packages are incomplete";
            packages.not_read.push(text.to_owned());
        }
        if let Some(path) = RPM
            .iter()
            .find(|path| tree.find(path.as_bytes(), true).is_some())
        {
            let text =
                format!("rpm database present, not read: {path}; its packages are missing here");
            packages.not_read.push(text);
        }
        let go = "build information of Go programs is not read: modules in them are missing here";
        packages.not_read.push(go.to_owned());
        packages
    }

    /// The package that a file is of.
    pub(crate) fn owner(&self, tree: &Tree, id: Id) -> Option<&Package> {
        self.owner_number(tree, id)
            .and_then(|number| self.all.get(number))
    }

    pub(crate) fn owner_number(&self, tree: &Tree, id: Id) -> Option<usize> {
        let inode = tree.nodes[id as usize].inode as usize;
        self.owners
            .get(inode)
            .copied()
            .flatten()
            .map(|number| number as usize)
    }

    /// The name of the package that a file is of.
    pub(crate) fn name(&self, tree: &Tree, id: Id) -> Option<String> {
        self.owner(tree, id).map(|package| package.name.clone())
    }

    /// Adds one; `None` where there are too many.
    fn add(
        &mut self,
        kind: &'static str,
        name: &[u8],
        version: &[u8],
        within: Option<String>,
    ) -> Option<usize> {
        if self.all.len() >= MOST {
            let text = format!("more than {MOST} packages: the rest are missing here");
            if self.not_read.last() != Some(&text) {
                self.not_read.push(text);
            }
            return None;
        }
        self.all.push(Package {
            kind,
            name: told(name),
            version: told(version),
            architecture: None,
            bytes: 0,
            files: 0,
            libraries: 0,
            within,
            execution: None,
            in_use: None,
            by_use: None,
        });
        Some(self.all.len() - 1)
    }

    /// Says what a package is built for.
    fn built_for(&mut self, number: usize, architecture: &[u8]) {
        self.all[number].architecture = (!architecture.is_empty()).then(|| told(architecture));
    }

    /// A list of files, the first time. Others that come to the same have nothing of their own, and all
    /// lists together are no longer than what is kept.
    fn list<'a>(&mut self, tree: &Tree, list: Option<&(Id, &'a [u8])>) -> &'a [u8] {
        match list {
            Some((id, text)) if self.listed.insert(tree.nodes[*id as usize].inode) => text,
            _ => b"",
        }
    }

    /// Finds a file that a list names.
    fn find(&self, tree: &Tree, path: &[u8]) -> Option<Id> {
        (!tree.is_exhausted()).then(|| tree.find(path, false))?
    }

    /// Counts a file for a package, which owns it if nobody else does.
    fn take(&mut self, tree: &Tree, number: usize, id: Id) {
        let inode = tree.nodes[id as usize].inode as usize;
        let one = &tree.inodes[inode];
        if one.kind != Kind::File {
            return;
        }
        let Ok(owner) = u32::try_from(number) else {
            return;
        };
        let package = &mut self.all[number];
        let is_free = self.owners[inode].is_none();
        if is_free {
            self.owners[inode] = Some(owner);
        }
        // What lies in a package of the system is counted for both; a file twice for none.
        if is_free || self.owners[inode] != Some(owner) && package.within.is_some() {
            package.bytes = package.bytes.saturating_add(one.size);
            package.files += 1;
            package.libraries += u64::from(is_library(&tree.nodes[id as usize].name));
        }
    }
}

/// Whether it is called as shared libraries are.
pub(crate) fn is_library(name: &[u8]) -> bool {
    name.ends_with(b".so") || name.windows(4).any(|part| part == b".so.")
}
