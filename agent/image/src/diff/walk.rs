//! Both trees gone through together.

use super::{Changes, Diff, File, growth};
use crate::Image;
use crate::notable::{self, Tool};
use crate::report::First;
use crate::tree::{Id, Inode, Kind, ROOT};
use crate::waste::LISTED_MAX;
use lapwing_profile::text::canonical;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One of both images, on the way.
struct Way<'a> {
    image: &'a Image,
    /// Which inodes were met, by an earlier name.
    met: Vec<bool>,
}

impl<'a> Way<'a> {
    fn of(image: &'a Image) -> Self {
        let met = vec![false; image.tree.inodes.len()];
        Self { image, met }
    }

    /// A file by its first name.
    fn file(&mut self, id: Option<Id>) -> Option<&'a Inode> {
        let tree = &self.image.tree;
        let number = tree.nodes[id? as usize].inode as usize;
        let inode = &tree.inodes[number];
        let is_first = !std::mem::replace(&mut self.met[number], true);
        (inode.kind == Kind::File && is_first).then_some(inode)
    }

    fn children(&self, id: Option<Id>) -> Option<&'a BTreeMap<Arc<[u8]>, Id>> {
        id.map(|id| &self.image.tree.nodes[id as usize].children)
    }
}

/// What is known of a node by itself.
#[derive(Default)]
struct Marks {
    tool: Option<Tool>,
    set_id: u32,
    capabilities: Option<Vec<String>>,
    is_open: bool,
}

impl Marks {
    fn of(image: &Image, id: Option<Id>) -> Self {
        let Some(id) = id else {
            return Self::default();
        };
        let inode = image.tree.inode(id);
        Self {
            tool: notable::tool(&image.tree, id),
            set_id: notable::set_id_bits(inode),
            capabilities: notable::capabilities_of(inode),
            is_open: notable::is_open(inode),
        }
    }

    /// Whether these give what others do not.
    fn give_beyond(&self, others: &Self) -> bool {
        match (&self.capabilities, &others.capabilities) {
            (Some(own), Some(theirs)) => own.iter().any(|one| !theirs.contains(one)),
            (own, _) => own.is_some(),
        }
    }
}

/// A path that one or both images have.
#[derive(Clone, Copy)]
struct Pair {
    old: Option<Id>,
    new: Option<Id>,
}

/// Files whose sizes differ, by what they grew.
#[derive(Default)]
struct Sizes(Vec<(i64, Pair, Option<u64>, Option<u64>)>);

pub(super) fn compare(old: &Image, new: &Image, diff: &mut Diff) {
    let (mut old, mut new) = (Way::of(old), Way::of(new));
    let mut sizes = Sizes::default();
    let mut stack = vec![Pair {
        old: Some(ROOT),
        new: Some(ROOT),
    }];
    while let Some(pair) = stack.pop() {
        file(&mut old, &mut new, pair, diff, &mut sizes);
        marks(old.image, new.image, pair, diff);
        let mut below: BTreeMap<&[u8], Pair> = BTreeMap::new();
        for (name, id) in old.children(pair.old).into_iter().flatten() {
            let pair = Pair {
                old: Some(*id),
                new: None,
            };
            below.insert(name, pair);
        }
        for (name, id) in new.children(pair.new).into_iter().flatten() {
            let none = Pair {
                old: None,
                new: None,
            };
            below.entry(name).or_insert(none).new = Some(*id);
        }
        stack.extend(below.into_values().rev());
    }
    sizes.list(&old, &new, diff);
}

fn file(old: &mut Way<'_>, new: &mut Way<'_>, pair: Pair, diff: &mut Diff, sizes: &mut Sizes) {
    let (before, after) = (old.file(pair.old), new.file(pair.new));
    let files = &mut diff.files;
    match (before, after) {
        (None, None) => return,
        (None, Some(after)) => files.added.take(after.size),
        (Some(before), None) => files.removed.take(before.size),
        (Some(before), Some(after)) => {
            if (before.size, before.hash) == (after.size, after.hash) {
                return;
            }
            files.changed.take(after.size);
            let grown = growth(before.size, after.size);
            files.changed_growth = files.changed_growth.saturating_add(grown);
        }
    }
    let (before, after) = (before.map(|it| it.size), after.map(|it| it.size));
    let grown = growth(before.unwrap_or_default(), after.unwrap_or_default());
    if grown != 0 {
        sizes.0.push((grown, pair, before, after));
    }
}

impl Sizes {
    fn list(self, old: &Way<'_>, new: &Way<'_>, diff: &mut Diff) {
        let told = |(_, pair, before, after): &(i64, Pair, Option<u64>, Option<u64>)| {
            let of = |way: &Way<'_>, id| {
                let tree = &way.image.tree;
                (canonical(&tree.path(id)), way.image.packages.name(tree, id))
            };
            let found = (pair.new.filter(|_| after.is_some()).map(|id| of(new, id)))
                .or_else(|| pair.old.map(|id| of(old, id)));
            let (path, package) = found.unwrap_or_default();
            File {
                path,
                before: *before,
                after: *after,
                package,
            }
        };
        // The order of names stays where growth is the same.
        let (mut grown, mut shrunk): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|(growth, ..)| *growth > 0);
        grown.sort_by_key(|(growth, ..)| Reverse(*growth));
        shrunk.sort_by_key(|(growth, ..)| *growth);
        for (list, of) in [
            (&mut diff.files.grown, grown),
            (&mut diff.files.shrunk, shrunk),
        ] {
            for one in &of {
                list.take(LISTED_MAX, || told(one));
            }
        }
    }
}

/// Counts on both sides, and lists what only one has.
fn change<T>(
    changes: &mut Changes<T>,
    (was, is): (bool, bool),
    (is_less, is_more): (bool, bool),
    make: impl Fn(bool) -> Option<T>,
) {
    changes.old += u64::from(was);
    changes.new += u64::from(is);
    let mut take = |list: fn(&mut Changes<T>) -> &mut First<T>, is_new| {
        // There is a node on that side, or nothing would be marked.
        let list = list(changes);
        match list.first.len() < LISTED_MAX {
            true => list.first.extend(make(is_new)),
            false => list.more += 1,
        }
    };
    if is && is_more {
        take(|changes| &mut changes.added, true);
    }
    if was && is_less {
        take(|changes| &mut changes.removed, false);
    }
}

fn marks(old: &Image, new: &Image, pair: Pair, diff: &mut Diff) {
    let (was, is) = (Marks::of(old, pair.old), Marks::of(new, pair.new));
    let side = |is_new| match is_new {
        true => pair.new.map(|id| (new, id)),
        false => pair.old.map(|id| (old, id)),
    };
    for (tool, changes) in [
        (Tool::Shell, &mut diff.shells),
        (Tool::Manager, &mut diff.package_managers),
        (Tool::Compiler, &mut diff.compilers),
    ] {
        let (had, has) = (was.tool == Some(tool), is.tool == Some(tool));
        change(changes, (had, has), (!has, !had), |is_new| {
            let (image, id) = side(is_new)?;
            Some(notable::program(&image.tree, &image.packages, id))
        });
    }
    change(
        &mut diff.set_id,
        (was.set_id != 0, is.set_id != 0),
        (was.set_id & !is.set_id != 0, is.set_id & !was.set_id != 0),
        |is_new| {
            let (image, id) = side(is_new)?;
            Some(notable::set_id(&image.tree, &image.packages, id))
        },
    );
    change(
        &mut diff.file_capabilities,
        (was.capabilities.is_some(), is.capabilities.is_some()),
        (was.give_beyond(&is), is.give_beyond(&was)),
        |is_new| {
            let (image, id) = side(is_new)?;
            Some(notable::capable(&image.tree, &image.packages, id))
        },
    );
    change(
        &mut diff.world_writable,
        (was.is_open, is.is_open),
        (!is.is_open, !was.is_open),
        |is_new| side(is_new).map(|(image, id)| canonical(&image.tree.path(id))),
    );
}
