//! Bytes that are in the image and of no use.

use crate::report::{Duplicate, First, HiddenBy, HiddenFile, Waste};
use crate::tree::{Hidden, Id, Kind, Tree};
use lapwing_profile::text::canonical;
use std::collections::{BTreeMap, HashMap};

/// Entries of a list at most.
pub(crate) const LISTED_MAX: usize = 200;
/// Names of one content that are given.
const NAMES_MAX: usize = 10;

impl Waste {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut by_layer: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        let mut hidden = 0_u64;
        for one in &tree.hidden {
            let sum = by_layer.entry((one.layer, one.by, one.how)).or_default();
            sum.0 = sum.0.saturating_add(one.bytes);
            sum.1 += 1;
            hidden = hidden.saturating_add(one.bytes);
        }
        let mut by_layer: Vec<HiddenBy> = (by_layer.into_iter())
            .map(|((layer, by, how), (bytes, files))| HiddenBy {
                layer: layer + 1,
                by: by + 1,
                how,
                bytes,
                files,
            })
            .collect();
        by_layer.sort_by_key(|one| std::cmp::Reverse(one.bytes));
        let (duplicate, duplicates) = duplicates(tree);
        Self {
            hidden,
            by_layer,
            files: files(tree),
            duplicate,
            duplicates,
        }
    }
}

/// A path without making its text: the hidden nodes of one path are children of one name in one folder,
/// unless the folder was hidden too and made again.
type Place<'a> = (Id, &'a [u8]);

fn files(tree: &Tree) -> First<HiddenFile> {
    let mut all: HashMap<Place<'_>, (u64, u64, &Hidden)> = HashMap::new();
    for one in &tree.hidden {
        let node = &tree.nodes[one.node as usize];
        let sum = all.entry((node.parent, &node.name)).or_insert((0, 0, one));
        sum.0 = sum.0.saturating_add(one.bytes);
        sum.1 += 1;
        sum.2 = one;
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by_key(|(bytes, _, last)| (std::cmp::Reverse(*bytes), last.node));
    let more = all.len().saturating_sub(LISTED_MAX) as u64;
    let first = (all.into_iter().take(LISTED_MAX))
        .map(|(bytes, times, last)| HiddenFile {
            path: canonical(&tree.path(last.node)),
            bytes,
            times,
            layer: last.layer + 1,
            by: last.by + 1,
            how: last.how,
        })
        .collect();
    First { first, more }
}

/// A hash, and one of its names.
type Content = ([u8; 32], Id);

fn duplicates(tree: &Tree) -> (u64, First<Duplicate>) {
    let mut seen = vec![false; tree.inodes.len()];
    let mut all: Vec<Content> = Vec::new();
    tree.visit(|id, inode| {
        let number = tree.nodes[id as usize].inode as usize;
        let is_first = !std::mem::replace(&mut seen[number], true);
        if let (true, Kind::File, Some(hash)) = (is_first, inode.kind, inode.hash) {
            all.push((hash, id));
        }
    });
    all.sort_unstable();
    let size = |id: Id| tree.inode(id).size;
    let mut sum = 0_u64;
    let mut groups: Vec<(u64, &[Content])> = Vec::new();
    for group in all.chunk_by(|one, other| one.0 == other.0) {
        let bytes = size(group[0].1).saturating_mul(group.len() as u64 - 1);
        if bytes > 0 {
            sum = sum.saturating_add(bytes);
            groups.push((bytes, group));
        }
    }
    groups.sort_by_key(|(bytes, group)| (std::cmp::Reverse(*bytes), group[0].1));
    let more = groups.len().saturating_sub(LISTED_MAX) as u64;
    let first = (groups.into_iter().take(LISTED_MAX))
        .map(|(bytes, group)| Duplicate {
            bytes,
            each: size(group[0].1),
            paths: First {
                first: (group.iter().take(NAMES_MAX))
                    .map(|(_, id)| canonical(&tree.path(*id)))
                    .collect(),
                more: group.len().saturating_sub(NAMES_MAX) as u64,
            },
        })
        .collect();
    (sum, First { first, more })
}
