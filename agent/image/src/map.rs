//! Where the bytes of an image are: by layer, package and folder, used or not, to be drawn.
//!
//! Only what a container sees is in it, a file of several names once. A folder is one of at most
//! [`DEPTH`] names; what lies deeper counts there. What is too small to be seen on a drawing is one area
//! together with its like, so that there are a few thousand at most, whatever is in the image; the sums
//! stay whole.

use crate::inventory::Split;
use crate::packages::Packages;
use crate::tree::{Id, Kind, ROOT, Tree};
use lapwing_profile::text::canonical;
use std::collections::BTreeMap;

/// Names in the path of a folder at most.
pub const DEPTH: usize = 3;
/// Layers that are shown in their order; of more the small ones are joined.
const LAYERS_MAX: usize = 200;
/// An area is shown on its own from this part of the whole on.
const PARTS: u64 = 4000;

/// What is known of the use of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It was used, or ran.
    Used,
    /// It was not seen to be used, or to run.
    NotSeen,
    /// Nothing is known.
    Unknown,
}

/// A part of an image, and what it consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// What it is, in canonical text: `layer 2`, a package with version and kind, a folder's path; or how
    /// many others it stands for.
    pub name: String,
    /// Its files by what is known of their use.
    pub files: Split,
    /// Its parts, the largest first, whose sums are its own; empty for a folder and for what stands for others.
    pub areas: Vec<Area>,
}

impl Area {
    /// Bytes in all.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let files = &self.files;
        [files.used, files.not_seen, files.unknown]
            .iter()
            .fold(0, |sum, one| sum.saturating_add(one.bytes))
    }

    fn take(&mut self, area: Self) {
        self.files.add(&area.files);
        self.areas.push(area);
    }

    /// Largest first; joins what is smaller than so many bytes, and what is empty goes.
    fn settle(&mut self, least: u64, what: &str) {
        self.sort();
        let large = (self.areas).partition_point(|area| area.bytes() >= least.max(1));
        // One alone is as well told by its name.
        if self.areas.len() > large + 1 {
            let small = self.areas.split_off(large);
            let mut rest = Self {
                name: format!("{} more {what}", small.len()),
                ..Self::default()
            };
            for area in &small {
                rest.files.add(&area.files);
            }
            self.areas.push(rest);
            self.sort();
        }
        self.areas.retain(|area| area.bytes() > 0);
    }

    fn sort(&mut self) {
        (self.areas)
            .sort_by(|one, other| (other.bytes(), &one.name).cmp(&(one.bytes(), &other.name)));
    }
}

/// The whole image as areas: layers from the lowest on, packages in them, folders in these. `uses` goes
/// by the numbers of inodes; what is not in it is unknown.
pub(crate) fn of(tree: &Tree, packages: &Packages, uses: &[Use]) -> Area {
    let mut folders: BTreeMap<(u32, Option<usize>, Id), Split> = BTreeMap::new();
    // Of each node the folder that stands for it, and of how many names that is.
    let mut stands = vec![(ROOT, 0_usize); tree.nodes.len()];
    let mut counted = vec![false; tree.inodes.len()];
    let mut total = 0_u64;
    tree.visit(|id, inode| {
        let node = &tree.nodes[id as usize];
        let (above, depth) = stands[node.parent as usize];
        if id != ROOT {
            stands[id as usize] = match depth < DEPTH {
                true => (id, depth + 1),
                false => (above, depth),
            };
        }
        let number = node.inode as usize;
        if inode.kind != Kind::File || std::mem::replace(&mut counted[number], true) {
            return;
        }
        let of = uses.get(number).copied().unwrap_or(Use::Unknown);
        let key = (inode.layer, packages.owner_number(tree, id), above);
        folders.entry(key).or_default().take(of, inode.size);
        total = total.saturating_add(inode.size);
    });
    let least = total / PARTS;
    let mut layers: BTreeMap<u32, BTreeMap<Option<usize>, Area>> = BTreeMap::new();
    for ((layer, package, folder), files) in folders {
        let of_layer = layers.entry(layer).or_default();
        of_layer.entry(package).or_default().take(Area {
            name: canonical(&tree.path(folder)),
            files,
            areas: Vec::new(),
        });
    }
    let mut whole = Area::default();
    for (layer, of_packages) in layers {
        let mut area = Area {
            name: format!("layer {}", layer.saturating_add(1)),
            ..Area::default()
        };
        for (package, mut one) in of_packages {
            let known = package.and_then(|number| packages.all.get(number));
            one.name = known.map_or_else(
                || "no package".to_owned(),
                |it| format!("{} {} ({})", it.name, it.version, it.kind),
            );
            one.settle(least, "folders");
            area.take(one);
        }
        area.settle(least, "packages");
        whole.take(area);
    }
    // They keep their order, so small ones are joined where they are no more than a line together.
    let count = whole.areas.len();
    whole.areas.retain(|area| area.bytes() > 0);
    if count > LAYERS_MAX {
        whole.settle(least, "layers");
    }
    whole
}
