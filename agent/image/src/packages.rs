//! Which packages there are, and whose each file is.
//!
//! Databases are text of whoever made the image: what cannot be read is left out and told. Files of
//! packages of the system are known by the databases' own lists; those of Python by `RECORD`, or by the
//! names of their modules; those of Node by their folder; modules of Go by what the programs say, into which they are linked. A file has one
//! owner, the system's package before others; it counts for others as well that bring it or are in it.

mod given;
mod golang;
mod language;
mod linked;
mod rpm;
mod system;

use self::given::Given;
use crate::capture;
use crate::counted;
use crate::report::Package;
use crate::sbom::{Sbom, Told};
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
/// Files that are of a package beside their owner.
const SHARED_MAX: usize = 1_000_000;
/// Packages, and whose files are.
pub(crate) struct Packages {
    pub all: Vec<Package>,
    /// By the number of the inode: which of `all`.
    owners: Vec<Option<u32>>,
    /// Inodes and packages that they are of as well; whether the package is only a part of the file.
    shared: BTreeMap<(u32, u32), bool>,
    /// Packages of which not all files are known: too many are shared, a note in a program alone tells of them, or
    /// nothing lists them.
    unsure: BTreeSet<usize>,
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

    fn tell(self, packages: &mut Packages, what: &str, of: &str) {
        self.list(packages, &format!("damaged {what}"), of);
    }

    /// What one of them is, and what is said of all.
    fn list(self, packages: &mut Packages, what: &str, rest: &str) {
        if self.count > 0 {
            let (count, first) = (counted(self.count, what), self.first.join(", "));
            packages.not_read.push(format!("{count} {rest}: {first}"));
        }
    }
}

impl Packages {
    /// Those that are found; with an SBOM those that it names too, and what came of it. `same_image` is whether it
    /// is of this image.
    pub(crate) fn of(
        tree: &Tree,
        given: Option<(&Sbom<'_>, Option<bool>)>,
    ) -> (Self, Option<Told>) {
        let mut packages = Self {
            all: Vec::new(),
            owners: vec![None; tree.inodes.len()],
            shared: BTreeMap::new(),
            unsure: BTreeSet::new(),
            listed: BTreeSet::new(),
            not_read: Vec::new(),
        };
        let mut kept: BTreeMap<Vec<u8>, (Id, &[u8])> = BTreeMap::new();
        let (mut taken, mut left) = (0, 0);
        let mut seen = BTreeSet::new();
        let mut again = Damaged::default();
        tree.visit(|id, inode| {
            let Some(content) = inode.text() else {
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
                "{} of files that tell of packages, hard links: each file is read once, by \
                 its first name: {}",
                counted(again.count, "further name"),
                again.first.join(", ")
            ));
        }
        if left > 0 {
            let text = format!(
                "{} that tell of packages: their paths are too long together",
                counted(left, "file")
            );
            packages.not_read.push(text);
        }
        linked::follow(tree, &mut kept, &mut packages);
        system::dpkg(tree, &kept, &mut packages);
        system::distroless(tree, &kept, &mut packages);
        system::apk(tree, &kept, &mut packages);
        let read = rpm::rpm(tree, &mut packages);
        let mut sbom = given.map(|(sbom, _)| Given::of(sbom));
        if let Some(sbom) = &mut sbom {
            sbom.add(tree, &mut packages, true);
        }
        rpm::tell(tree, read, sbom.as_ref(), &mut packages);
        language::python(tree, &kept, &mut packages);
        language::node(tree, &kept, &mut packages);
        golang::go(tree, &mut packages);
        if let Some(sbom) = &mut sbom {
            sbom.add(tree, &mut packages, false);
        }
        if tree.is_exhausted() {
            let text = "paths in lists of packages lead through too many links, or are too long together: files of packages are incomplete";
            packages.not_read.push(text.to_owned());
        }
        let same_image = given.and_then(|(_, same_image)| same_image);
        let told = sbom.map(|sbom| sbom.told(&packages, same_image));
        if let Some(told) = &told {
            packages.doubt(told);
        }
        (packages, told)
    }

    /// Says why an SBOM may be wrong here.
    fn doubt(&mut self, told: &Told) {
        if told.same_image == Some(false) {
            self.not_read.push(
                "the SBOM says that it is of another image, by its digests: its packages and files may be none of \
                 this one. Some tools name a digest that they made themselves; one of the same file is sure"
                    .to_owned(),
            );
        }
        if told.damaged > 0 {
            let text = format!(
                "{} of the SBOM, or lists in them, could not be read",
                counted(told.damaged, "component")
            );
            self.not_read.push(text);
        }
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
            by_sbom: false,
            purl: None,
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

    /// Finds a file, also one that a link leads to.
    fn find_behind_links(tree: &Tree, path: &[u8]) -> Option<Id> {
        (!tree.is_exhausted()).then(|| tree.find(path, true))?
    }

    /// Packages that a file is of beside its owner, by the number of its inode; whether they are only a part of it.
    pub(crate) fn others(&self, inode: u32) -> impl Iterator<Item = (usize, bool)> {
        (self.shared.range((inode, 0)..=(inode, u32::MAX)))
            .map(|((_, package), is_part)| (*package as usize, *is_part))
    }

    /// Whether more may be in use of a package than its files say.
    pub(crate) fn is_unsure(&self, number: usize) -> bool {
        self.unsure.contains(&number)
    }

    /// Notes that a file is a package's as well; answers whether that is new.
    fn share(&mut self, inode: u32, number: usize, is_part: bool) -> bool {
        let Ok(package) = u32::try_from(number) else {
            return false;
        };
        if self.shared.contains_key(&(inode, package)) {
            return false;
        }
        if self.shared.len() >= SHARED_MAX {
            if self.unsure.is_empty() {
                let text = format!(
                    "more than {SHARED_MAX} files that several packages have: the use of some of these \
                     packages is unknown"
                );
                self.not_read.push(text);
            }
            self.unsure.insert(number);
            return false;
        }
        self.shared.insert((inode, package), is_part);
        true
    }

    /// Counts a file for a package, which owns it if nobody else does.
    fn take(&mut self, tree: &Tree, number: usize, id: Id) {
        let inode = tree.nodes[id as usize].inode;
        let one = tree.inode(id);
        if one.kind != Kind::File {
            return;
        }
        let Ok(owner) = u32::try_from(number) else {
            return;
        };
        let own = &mut self.owners[inode as usize];
        let is_free = own.is_none();
        let owned_by = *own.get_or_insert(owner);
        // What lies in a package of the system is counted for both; a file twice for none.
        let is_within = owned_by != owner && self.all[number].within.is_some();
        if is_free || is_within && self.share(inode, number, false) {
            let package = &mut self.all[number];
            package.bytes = package.bytes.saturating_add(one.size);
            package.files += 1;
            package.libraries += u64::from(is_library(&tree.nodes[id as usize].name));
        }
    }

    /// Counts a file for a package that is a part of it, of nobody knows how many bytes.
    fn link(&mut self, tree: &Tree, number: usize, id: Id) {
        let inode = tree.nodes[id as usize].inode;
        // The program of a module is its own already.
        if self.owner_number(tree, id) == Some(number) {
            return;
        }
        if tree.inode(id).kind == Kind::File && self.share(inode, number, true) {
            let package = &mut self.all[number];
            package.files += 1;
            package.libraries += u64::from(is_library(&tree.nodes[id as usize].name));
        }
    }
}

/// Whether it is called as shared libraries are.
pub(crate) fn is_library(name: &[u8]) -> bool {
    name.ends_with(b".so") || name.windows(4).any(|part| part == b".so.")
}
