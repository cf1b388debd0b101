//! Which files of an image an inventory of use has, and which not.
//!
//! A file that is not in it was *not seen to be used*, and that is all: beside it stands for how long and
//! in how many instances the workload was observed, and what was lost. Only of the image under which the
//! inventory was made, or of one that has most of its files, anything is said to be not seen.
//!
//! Paths of an inventory are those of the files, links resolved. So a symbolic link is never in it: which are
//! copied goes by where they lead, see [`copy`].
//!
//! What a profile saw run is used too, whether or not the inventory has it: either may have seen what the
//! other lost.

pub mod copy;
mod dockerfile;
mod links;
mod program;
mod rests;

use crate::counted;
use crate::map::Use;
use crate::packages::Packages;
use crate::report::{First, Package, Saving, Sum};
use crate::run::Run;
use crate::tree::{Id, Kind, Magic, Tree};
use crate::waste::LISTED_MAX;
use copy::Copy;
use lapwing_profile::inventory::export::{Export, Learning};
use lapwing_profile::inventory::{Inventory, uses};
use lapwing_profile::text::canonical;
pub(crate) use rests::rests;
use serde::Serialize;

/// What nobody should take it for.
pub const CAUTION: &str = "what was not seen to be used may be needed tomorrow, and a file whose existence alone is asked for is \
     not seen at all: try the image without it before you rely on that";
/// Letters of a name in a warning: a line of a build has room for a few.
const NAME_MAX: usize = 200;
/// Bytes from which data is large.
const LARGE: u64 = 1_000_000;

/// What an inventory has of an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InUse {
    /// Whose inventory it is.
    pub workload: String,
    /// Since when the workload was observed, and until when something new was seen; `None` for never.
    pub since: Option<String>,
    /// See `since`.
    pub until: Option<String>,
    /// Instances that were observed.
    pub instances: u64,
    /// How far its profile had come with learning; `None` where nobody said.
    pub learning: Option<Learning>,
    /// Why more may have been used, in words; empty where nothing is known to be missing.
    pub incomplete: Vec<String>,
    /// Those of these that the inventory lacks; empty where nothing is known to be lost.
    pub losses: Vec<String>,
    /// What nobody should take it for.
    pub caution: &'static str,
    /// Whether it says something of this image; else nothing is said to be not seen.
    pub says: bool,
    /// Whether it was made under this image, by digest; `None` where nobody knows.
    pub same_image: Option<bool>,
    /// The images under which it was made.
    pub made_under: Vec<String>,
    /// Files that were used, those that a profile saw run among them; a file of several names counts once.
    pub used: Sum,
    /// Files that were not seen to be used.
    pub not_seen: Sum,
    /// Files of which nothing is known.
    pub unknown: Sum,
    /// The same of each layer, of what a container sees of it, the lowest first.
    pub layers: Vec<OfLayer>,
    /// The same of each package, the most that was not seen first.
    pub packages: First<OfPackage>,
    /// The same of files that no package owns.
    pub no_package: Split,
    /// Large data that was not seen to be read, the largest first.
    pub large: First<LargeFile>,
    /// The bytes of all of it, listed or not.
    pub large_bytes: u64,
    /// What was used, and is not in this image: made in the container, or another image's.
    pub missing: First<String>,
    /// What is needed to have what was used, and nothing else.
    pub copy: Copy,
}

/// Files by whether they were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Split {
    /// Used.
    pub used: Sum,
    /// Not seen to be used.
    pub not_seen: Sum,
    /// Nothing is known.
    pub unknown: Sum,
}

/// A layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfLayer {
    /// From 1.
    pub number: u32,
    /// Its files.
    #[serde(flatten)]
    pub files: Split,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfPackage {
    /// As in the list of packages.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether something of it was used.
    pub verdict: Verdict,
    /// Its files.
    #[serde(flatten)]
    pub files: Split,
}

/// Whether something of a package was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// One of its files was.
    Used,
    /// None was seen to be.
    NotSeen,
    /// It has no files, or nothing is known of this image.
    Unknown,
}

/// A large file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LargeFile {
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
    /// Whose it is.
    pub package: Option<String>,
}

impl Split {
    pub(crate) const fn take(&mut self, of: Use, bytes: u64) {
        match of {
            Use::Used => self.used.take(bytes),
            Use::NotSeen => self.not_seen.take(bytes),
            Use::Unknown => self.unknown.take(bytes),
        }
    }

    pub(crate) const fn add(&mut self, other: &Self) {
        self.used.add(other.used);
        self.not_seen.add(other.not_seen);
        self.unknown.add(other.unknown);
    }

    const fn verdict(&self) -> Verdict {
        match (self.used.count, self.not_seen.count) {
            (0, 0) => Verdict::Unknown,
            (0, _) => Verdict::NotSeen,
            _ => Verdict::Used,
        }
    }
}

/// The nodes of what was used.
pub(crate) struct Nodes {
    /// Files, by the number of the node.
    files: Vec<bool>,
    /// Folders that were listed.
    listed: Vec<bool>,
}

/// What an inventory has of an image, and of each file by the number of its inode.
pub(crate) struct OfImage {
    pub used: InUse,
    pub uses: Vec<Use>,
    /// Bits of [`uses`] that it has.
    pub how: Vec<u8>,
}

/// Marks packages, and answers what an inventory has of an image.
/// `ran` goes by these numbers too: what a profile saw run, empty without one.
pub(crate) fn of(
    tree: &Tree,
    packages: &mut Packages,
    (export, known): (&Export, &Inventory),
    (digests, layers): (&[&str], usize),
    (run, ran): (Option<&Run>, &[Use]),
) -> OfImage {
    let mut nodes = Nodes {
        files: vec![false; tree.nodes.len()],
        listed: vec![false; tree.nodes.len()],
    };
    let mut used = vec![false; tree.inodes.len()];
    let mut how = vec![0; tree.inodes.len()];
    let (mut found, mut lost) = (0_usize, 0_usize);
    let mut missing = Vec::new();
    let mut awaited: Vec<&[u8]> = Vec::new();
    for (path, one) in &known.files {
        if one.changed {
            awaited.push(path);
        }
        match (!tree.is_exhausted())
            .then(|| tree.find(path, true))
            .flatten()
        {
            Some(id) if tree.inode(id).kind == Kind::Folder => nodes.listed[id as usize] = true,
            Some(id) => {
                nodes.files[id as usize] = true;
                let number = tree.nodes[id as usize].inode as usize;
                used[number] = true;
                how[number] |= one.how;
                found += usize::from(!one.changed);
            }
            None if one.how != uses::LIST => {
                lost += usize::from(!one.changed);
                missing.push(canonical(path));
            }
            None => {}
        }
    }
    let unseen = program::add(tree, run, &mut nodes.files);
    let same_image = (!export.images.is_empty() && !digests.is_empty()).then(|| {
        let is = |name: &String| digests.iter().any(|digest| name.ends_with(digest));
        export.images.iter().any(is)
    });
    // Names without a digest do not tell images apart.
    let named = export.images.iter().any(|name| name.contains("sha256:"));
    let same_image = same_image.filter(|same| *same || named);
    let says = match same_image {
        Some(true) => found > 0,
        Some(false) | None => found > lost,
    };
    let mut result = InUse {
        workload: canonical(export.workload.as_bytes()),
        since: export.since.map(|time| time.to_string()),
        until: export.until.map(|time| time.to_string()),
        instances: export.instances,
        learning: export.learning.clone(),
        incomplete: reasons(export, known),
        losses: known.incomplete(),
        caution: CAUTION,
        says,
        same_image,
        made_under: { export.images.iter() }
            .map(|name| canonical(name.as_bytes()))
            .collect(),
        used: Sum::default(),
        not_seen: Sum::default(),
        unknown: Sum::default(),
        layers: (1..=layers as u32)
            .map(|number| OfLayer {
                number,
                files: Split::default(),
            })
            .collect(),
        packages: First::default(),
        no_package: Split::default(),
        large: First::default(),
        large_bytes: 0,
        missing: First::of(missing, LISTED_MAX),
        copy: Copy::of(
            tree,
            &nodes,
            awaited.into_iter(),
            run.map(Run::folders).unwrap_or_default().iter(),
        ),
    };
    result.copy.warnings.splice(0..0, unseen);
    for (used, of) in used.iter_mut().zip(ran) {
        *used |= *of == Use::Used;
    }
    let uses = count(tree, packages, &used, &mut result);
    OfImage {
        used: result,
        uses,
        how,
    }
}

/// A name or a path as it stands in a warning.
fn cut(mut name: String) -> String {
    if let Some((end, _)) = name.char_indices().nth(NAME_MAX) {
        name.truncate(end);
        name.push('…');
    }
    name
}

/// Why more may have been used: by what the inventory lacks, and by what the profile does.
fn reasons(export: &Export, known: &Inventory) -> Vec<String> {
    let mut all = known.incomplete();
    let learning = export.learning.iter().flat_map(|it| &it.incomplete);
    all.extend(learning.map(|why| canonical(why.as_bytes())));
    all
}

fn count(tree: &Tree, packages: &mut Packages, used: &[bool], result: &mut InUse) -> Vec<Use> {
    let mut uses = vec![Use::Unknown; tree.inodes.len()];
    let mut of_packages = vec![Split::default(); packages.all.len()];
    let mut counted = vec![false; tree.inodes.len()];
    let mut all = Split::default();
    let mut large: Vec<(u64, Id)> = Vec::new();
    tree.visit(|id, inode| {
        let number = tree.nodes[id as usize].inode as usize;
        if inode.kind != Kind::File || std::mem::replace(&mut counted[number], true) {
            return;
        }
        let of = match (used[number], result.says) {
            (true, _) => Use::Used,
            (false, true) => Use::NotSeen,
            (false, false) => Use::Unknown,
        };
        uses[number] = of;
        all.take(of, inode.size);
        if let Some(layer) = result.layers.get_mut(inode.layer as usize) {
            layer.files.take(of, inode.size);
        }
        match packages.owner_number(tree, id) {
            Some(owner) => of_packages[owner].take(of, inode.size),
            None => result.no_package.take(of, inode.size),
        }
        for (other, is_part) in packages.others(tree.nodes[id as usize].inode) {
            of_packages[other].take(of, if is_part { 0 } else { inode.size });
        }
        if of == Use::NotSeen && inode.magic == Magic::Other && inode.size >= LARGE {
            large.push((inode.size, id));
        }
    });
    (result.used, result.not_seen, result.unknown) = (all.used, all.not_seen, all.unknown);
    large.sort_unstable_by_key(|(bytes, id)| (std::cmp::Reverse(*bytes), *id));
    for (bytes, id) in large {
        result.large_bytes = result.large_bytes.saturating_add(bytes);
        result.large.take(LISTED_MAX, || LargeFile {
            path: canonical(&tree.path(id)),
            bytes,
            package: packages.name(tree, id),
        });
    }
    for (number, files) in of_packages.iter_mut().enumerate() {
        if files.used.count == 0 && packages.is_unsure(number) {
            files.unknown.add(std::mem::take(&mut files.not_seen));
        }
    }
    for (package, files) in packages.all.iter_mut().zip(&of_packages) {
        package.in_use = Some(files.verdict());
        package.by_use = Some(*files);
    }
    let mut all: Vec<OfPackage> = packages
        .all
        .iter()
        .zip(of_packages)
        .map(|(package, files)| OfPackage {
            kind: package.kind,
            name: package.name.clone(),
            version: package.version.clone(),
            verdict: files.verdict(),
            files,
        })
        .collect();
    all.sort_by(|one, other| {
        let key = |it: &OfPackage| std::cmp::Reverse(it.files.not_seen.bytes);
        (key(one), &one.name).cmp(&(key(other), &other.name))
    });
    result.packages = First::of(all, LISTED_MAX);
    uses
}

/// What could be saved, by what was not seen, of all packages from the largest on.
pub(crate) fn savings(of: &InUse, packages: &[Package]) -> Vec<Saving> {
    if !of.says {
        return Vec::new();
    }
    let doubt = match (of.same_image, of.incomplete.is_empty()) {
        (Some(false), true) => ", by an inventory of another image",
        (Some(false), false) => ", by an inventory of another image, which is incomplete",
        (_, true) => "",
        (_, false) => ", by an inventory that is INCOMPLETE",
    };
    let mut all = vec![Saving {
        bytes: of.not_seen.bytes,
        what: format!(
            "{} not seen to be used{doubt}",
            counted(of.not_seen.count, "file")
        ),
        remedy: "a multi-stage build that copies what was used (`-o dockerfile`), and a test of it"
            .to_owned(),
    }];
    let mut idle = Sum::default();
    let mut names = Vec::new();
    // What lies in a package of the system, or in a program, is counted there.
    let unseen =
        { packages.iter() }.filter(|it| it.in_use == Some(Verdict::NotSeen) && it.within.is_none());
    for package in unseen {
        idle.take(package.by_use.unwrap_or_default().not_seen.bytes);
        if names.len() < 5 {
            names.push(&*package.name);
        }
    }
    all.push(Saving {
        bytes: idle.bytes,
        what: format!(
            "packages of which no file was seen to be used{doubt}: {} of them, the largest {}",
            idle.count,
            names.join(", ")
        ),
        remedy: "leave out those that nothing else needs".to_owned(),
    });
    all.push(Saving {
        bytes: of.large_bytes,
        what: format!(
            "data of 1 MB and more that was not seen to be read{doubt}: {}",
            counted(of.large.count(), "file")
        ),
        remedy: "keep it on a volume or in object storage, if somebody needs it at all".to_owned(),
    });
    all
}
