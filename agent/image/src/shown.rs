//! An image as advice on a pod asks about it: what lies below its mounts, and the user it names.

use crate::tree::{Id, Inode, Kind, Tree};
use crate::{Image, Report};
use lapwing_advise::image::{About, Below, Contents, EXAMPLES_MAX, Example};
use lapwing_profile::text::{bytes, canonical};
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// An image that advice asks about.
pub struct Shown<'a> {
    tree: &'a Tree,
    about: About,
}

impl<'a> Shown<'a> {
    /// Of an image; whether the profile learned of it is known where it was read with that profile.
    #[must_use]
    pub fn of(image: &'a Image) -> Self {
        let report: &Report = &image.report;
        let digest = report.digest.clone().or_else(|| report.id.clone());
        Self {
            tree: &image.tree,
            about: About {
                name: report.name.clone(),
                digest,
                same_image: report.ran.as_ref().and_then(|ran| ran.same_image),
                user: image.user.clone(),
                notes: report.notes.clone(),
            },
        }
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

impl Contents for Shown<'_> {
    fn about(&self) -> &About {
        &self.about
    }

    fn below(&self, folders: &[&str]) -> Vec<Below> {
        let tree = self.tree;
        let find = |text: &&str| bytes(text).and_then(|path| tree.find(&path, true));
        let found: Vec<Option<Id>> = folders.iter().map(find).collect();
        // Several may be one by a link: each node is gone through once, whatever the profile has.
        let mut all: BTreeMap<Id, Below> = BTreeMap::new();
        for id in found.iter().flatten() {
            all.entry(*id).or_default();
        }
        let mounts: Vec<Id> = all.keys().copied().collect();
        for (id, below) in &mut all {
            *below = match tree.inode(*id).kind {
                Kind::Folder => walk(tree, *id, &mounts),
                Kind::File | Kind::Symlink | Kind::Device | Kind::Fifo => Below {
                    no_folder: true,
                    ..Below::default()
                },
            };
        }
        let of = |id: Option<Id>| id.and_then(|id| all.get(&id)).cloned().unwrap_or_default();
        found.into_iter().map(of).collect()
    }

    fn lacks(&self, path: &str) -> bool {
        // What was refused, or is no path, is not known.
        let is_whole = self.about.notes.is_empty();
        is_whole && bytes(path).is_some_and(|path| self.tree.find(&path, false).is_none())
    }
}

/// What lies below a folder, without what lies below other mounts, in order.
fn walk(tree: &Tree, folder: Id, mounts: &[Id]) -> Below {
    let mut below = Below::default();
    let mut largest: Vec<(u64, Id)> = Vec::new();
    let mut others = Vec::new();
    let mut seen = HashSet::new();
    let mut stack: Vec<Id> = tree.nodes[folder as usize]
        .children
        .values()
        .rev()
        .copied()
        .collect();
    while let Some(id) = stack.pop() {
        let node = &tree.nodes[id as usize];
        let inode: &Inode = tree.inode(id);
        match inode.kind {
            Kind::Folder => {
                below.folders += 1;
                if mounts.binary_search(&id).is_err() {
                    stack.extend(node.children.values().rev());
                }
            }
            Kind::Symlink => below.links += 1,
            Kind::File | Kind::Device | Kind::Fifo => {
                below.files += 1;
                if seen.insert(node.inode) {
                    below.bytes = below.bytes.saturating_add(inode.size);
                }
                let at = largest.partition_point(|(size, _)| *size >= inode.size);
                if at < EXAMPLES_MAX {
                    largest.insert(at, (inode.size, id));
                    largest.truncate(EXAMPLES_MAX);
                }
                continue;
            }
        }
        if others.len() < EXAMPLES_MAX {
            others.push(id);
        }
    }
    let files = largest.into_iter().map(|(size, id)| (id, Some(size)));
    let all = files.chain(others.into_iter().map(|id| (id, None)));
    let example = |(id, bytes)| Example {
        path: canonical(&tree.path(id)),
        bytes,
    };
    below.first = all.take(EXAMPLES_MAX).map(example).collect();
    below.more = below.files + below.links + below.folders - below.first.len() as u64;
    below
}
