//! Databases of packages that are reached over symbolic links, as `/var/lib/dpkg` that leads to
//! `/usr/lib/sysimage/dpkg`.
//!
//! Contents are kept by names while layers are read. What lies elsewhere was not kept, and that is told: an image
//! does not hide its packages by a link.

use super::system::Kept;
use super::{Damaged, Packages};
use crate::tree::{Kind, Tree};

/// Files that hold a database each.
const FILES: [&[u8]; 4] = [
    b"/var/lib/dpkg/status",
    b"/lib/apk/db/installed",
    b"/var/lib/rpm/rpmdb.sqlite",
    b"/var/lib/rpm/Packages",
];
/// Folders of files, and whether of each name there is one of these.
type Folder = (&'static [u8], fn(&[u8]) -> bool);
const FOLDERS: [Folder; 2] = [
    (b"/var/lib/dpkg/status.d", |_| true),
    (b"/var/lib/dpkg/info", |name| name.ends_with(b".list")),
];

/// Adds what is behind links, by the names that readers look for.
pub(super) fn follow<'a>(tree: &'a Tree, kept: &mut Kept<'a>, packages: &mut Packages) {
    let mut not_kept = Damaged::default();
    let found = |path: &[u8], kind: Kind| {
        let id = Packages::find_behind_links(tree, path)?;
        // What is reached without links was read, or told of, as it is.
        (tree.inode(id).kind == kind && tree.path(id) != path).then_some(id)
    };
    for path in FILES {
        let Some(id) = found(path, Kind::File) else {
            continue;
        };
        let inode = tree.inode(id);
        match inode.text() {
            // Of the others each place is looked at anyway.
            Some(_) if path != FILES[0] && kept.contains_key(&tree.path(id)) => {}
            Some(content) => drop(kept.insert(path.to_vec(), (id, content))),
            None if inode.content.is_some() => {}
            None => not_kept.take(path),
        }
    }
    for (folder, is_one) in FOLDERS {
        let Some(at) = found(folder, Kind::Folder) else {
            continue;
        };
        for (name, id) in &tree.nodes[at as usize].children {
            let inode = tree.inode(*id);
            if inode.kind != Kind::File || !is_one(name) {
                continue;
            }
            let path = [folder, b"/", name].concat();
            match inode.text() {
                Some(content) => drop(kept.insert(path, (*id, content))),
                None => not_kept.take(&path),
            }
        }
    }
    not_kept.list(
        packages,
        "file",
        "of databases of packages, behind links to places that are not read",
    );
}
