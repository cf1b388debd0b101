//! What is said of an image. The shape is that of `-o json`: fields may be added, and none changes its
//! meaning while `schema` stays.

use crate::base::Base;
use crate::inventory::{InUse, Split, Verdict};
use crate::map::Use;
use crate::sbom::Told;
use crate::score::Score;
use crate::tree::How;
use crate::vulnerabilities::Vulnerabilities;
use lapwing_advise::basis::Basis;
use serde::Serialize;

/// Number of the shape.
pub const SCHEMA: u32 = 1;

/// All that is said of an image. Names of files are canonical text (`lapwing_profile::text`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What the image is called, where the file says so.
    pub name: Option<String>,
    /// Digest of its manifest, where there is one. Of a container's layers, what its runtime tells, which may
    /// be the configuration's.
    pub digest: Option<String>,
    /// Digest of its configuration: Docker's image id. `None` of a container's layers, which come without one.
    pub id: Option<String>,
    /// As `linux/amd64`; `unknown` where there is no configuration.
    pub platform: String,
    /// The running container whose layers were read; `None` of a saved image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<FromContainer>,
    /// What its system calls itself (`PRETTY_NAME` of `os-release`).
    pub system: Option<String>,
    /// Its system as other programs call it: `ID` and `VERSION_ID` of `os-release`, as `debian-12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distro: Option<String>,
    /// Sums.
    pub size: Size,
    /// Layers, the lowest first.
    pub layers: Vec<Layer>,
    /// Bytes that are there and cannot be seen, or are there twice.
    pub waste: Waste,
    /// Packages, the largest first.
    pub packages: Vec<Package>,
    /// Databases of packages that are there and were not read, or in part, and why an SBOM may be wrong.
    pub packages_not_read: Vec<String>,
    /// What an SBOM says; `None` where none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sbom: Option<Told>,
    /// What is worth a look.
    pub notable: Notable,
    /// The user that its containers run as, where nobody says otherwise, in words.
    pub user: String,
    /// Likely secrets, by place and kind.
    pub secrets: First<Secret>,
    /// Files that were not searched for secrets to their end: those larger than 1 MiB, and those with more
    /// than 10,000 beginnings of what may be one.
    pub not_searched: u64,
    /// How hardened it is.
    pub score: Score,
    /// What can be saved, the most first. They overlap: their sum says nothing.
    pub savings: Vec<Saving>,
    /// Which kind of base would do.
    pub base: Base,
    /// What a profile saw run of it; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ran: Option<Ran>,
    /// What an inventory of use has of it; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<InUse>,
    /// A vulnerability report, split by what ran; `None` where none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<Vulnerabilities>,
    /// What was left out or not looked at, and what is odd.
    pub notes: Vec<String>,
}

impl Report {
    /// By what it can be known again: its digest or id; of a container's layers without either the container's id.
    #[must_use]
    pub fn told_id(&self) -> &str {
        let own = self.digest.as_deref().or(self.id.as_deref());
        let container = self.container.as_ref().map(|container| &*container.id);
        own.or(container).unwrap_or("unknown")
    }
}

/// Sums of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    /// Bytes of the layers as they lie in the file; of a container's layers those that files take on the disk.
    pub packed: u64,
    /// Bytes of files in all layers.
    pub bytes: u64,
    /// Bytes of files that a container sees.
    pub visible: u64,
    /// How many files a container sees, each once however many names it has.
    pub files: u64,
}

/// A running container whose layers were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FromContainer {
    /// Its id.
    pub id: String,
    /// What lies in the layer that it writes to, which is no part of the image; `None` where it has none.
    pub written: Option<Written>,
}

/// What a container wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// Bytes that files take on the disk, those of one with several names once.
    pub bytes: u64,
    /// How many files, each once however many names it has.
    pub files: u64,
    /// Whether there is more that was not counted.
    pub is_incomplete: bool,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// From 1.
    pub number: u32,
    /// Digest of the unpacked tar.
    pub diff_id: Option<String>,
    /// Where it lies on the node, of a container's layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Bytes as it lies in the file; of a container's layers those that its files take on the disk.
    pub packed: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// How many files.
    pub files: u64,
    /// How many names it deletes of the layers below.
    pub deletions: u64,
    /// Bytes of its files that this or a later layer hides.
    pub hidden: u64,
    /// What made it, secrets hidden; `None` where the history does not say.
    pub command: Option<String>,
}

/// The first of many, by size or by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct First<T> {
    /// These.
    pub first: Vec<T>,
    /// How many more there are.
    pub more: u64,
}

impl<T> Default for First<T> {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            more: 0,
        }
    }
}

impl<T> First<T> {
    /// How many there are in all.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.first.len() as u64 + self.more
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count() == 0
    }

    pub(crate) fn of(mut all: Vec<T>, most: usize) -> Self {
        let more = all.len().saturating_sub(most) as u64;
        all.truncate(most);
        Self { first: all, more }
    }

    /// Makes and adds one if there are fewer than so many.
    pub(crate) fn take(&mut self, most: usize, make: impl FnOnce() -> T) {
        match self.first.len() < most {
            true => self.first.push(make()),
            false => self.more += 1,
        }
    }
}

/// Bytes that nobody needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waste {
    /// Bytes of files that later layers hide.
    pub hidden: u64,
    /// Which layer hides how much of which, the most first.
    pub by_layer: Vec<HiddenBy>,
    /// Files that are hidden, the largest first; of one path all that are hidden.
    pub files: First<HiddenFile>,
    /// Bytes that files of the same contents take beyond the first of them.
    pub duplicate: u64,
    /// The same contents under several names that are no hard links, the most bytes first.
    pub duplicates: First<Duplicate>,
}

/// What one layer hides of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HiddenBy {
    /// The layer that has the bytes.
    pub layer: u32,
    /// The layer that hides them.
    pub by: u32,
    /// How.
    pub how: How,
    /// How many bytes.
    pub bytes: u64,
    /// Of how many files.
    pub files: u64,
}

/// A hidden file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HiddenFile {
    /// Its path.
    pub path: String,
    /// Bytes in all.
    pub bytes: u64,
    /// How often it was hidden.
    pub times: u64,
    /// The layer that has it, of the last time.
    pub layer: u32,
    /// The layer that hides it, of the last time.
    pub by: u32,
    /// How, the last time.
    pub how: How,
}

/// Files of the same contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Duplicate {
    /// Bytes beyond the first of them.
    pub bytes: u64,
    /// Bytes of each.
    pub each: u64,
    /// Where they are.
    pub paths: First<String>,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// `deb`, `apk`, `rpm`, `python`, `node` or `golang`; of an SBOM also `maven` and others, and `other`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is built for, where the system's database says so: `amd64`, `all`, `x86_64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Bytes of its files; 0 where they are not known, as of a module that is a part of a program.
    pub bytes: u64,
    /// How many files.
    pub files: u64,
    /// How many of these are shared libraries.
    pub libraries: u64,
    /// The package that brings it, whose bytes its own are too: one of the system, or the first program of Go
    /// that it is linked into.
    pub within: Option<String>,
    /// Whether only an SBOM says that it is there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_sbom: bool,
    /// The package URL that the SBOM has for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// Whether its programs were seen to run; `None` without a profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<Execution>,
    /// Whether something of it was used, or ran by a profile; `None` without an inventory of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_use: Option<Verdict>,
    /// Its files by their use; `None` without an inventory of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_use: Option<Split>,
}

impl Package {
    /// What is known of its use. It is used where the profile or the inventory says so; else the inventory
    /// goes before the profile, for it has libraries and data too.
    #[must_use]
    pub const fn known_use(&self) -> Use {
        match (self.in_use, self.execution) {
            (_, Some(Execution::Ran)) | (Some(Verdict::Used), _) => Use::Used,
            (Some(Verdict::NotSeen), _) | (None, Some(Execution::NotSeenToRun)) => Use::NotSeen,
            (Some(Verdict::Unknown), _) | (None, Some(Execution::Unknown) | None) => Use::Unknown,
        }
    }
}

/// What is known of a package's programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Execution {
    /// One of them was seen to run.
    Ran,
    /// It has programs, and none was seen to run. It may be in use all the same.
    NotSeenToRun,
    /// It has no programs, or a person approved of one that was not seen, or the profile says nothing of
    /// this image.
    Unknown,
}

/// A count and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Sum {
    pub(crate) const fn take(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(crate) const fn add(&mut self, other: Self) {
        self.count += other.count;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// What a profile saw run of an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ran {
    /// Whose profile it is.
    pub workload: String,
    /// What it rests on: how much was observed, what was lost, what is missing.
    pub basis: Basis,
    /// What nobody should take it for.
    pub caution: &'static str,
    /// Whether it says something of this image: a program of it ran, and where it is not known that the
    /// profile learned of this image, most of what ran from an image is here. Else nothing is said to be
    /// not seen.
    pub says: bool,
    /// Whether the profile learned of this image, by digest; `None` where nobody knows.
    pub same_image: Option<bool>,
    /// The images that it learned of.
    pub learned_of: Vec<String>,
    /// Programs and scripts of this image that ran.
    pub executed: First<RanProgram>,
    /// What ran from an image, and is not in this one.
    pub missing: First<String>,
    /// Files that ran.
    pub programs_ran: Sum,
    /// Programs that were not seen to run.
    pub programs_not_seen: Sum,
    /// All other files: libraries and data, of which nothing is known.
    pub other_files: Sum,
    /// Packages of which a program ran.
    pub packages_ran: Sum,
    /// Packages with programs of which none was seen to run.
    pub packages_not_seen: Sum,
    /// Packages of which nothing is known.
    pub packages_unknown: Sum,
}

/// A program that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RanProgram {
    /// Its path.
    pub path: String,
    /// Whose it is.
    pub package: Option<String>,
}

/// What of an image is worth a look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notable {
    /// Shells.
    pub shells: First<Program>,
    /// Package managers.
    pub package_managers: First<Program>,
    /// Compilers, linkers and what calls them.
    pub compilers: First<Program>,
    /// Programs with set-id bits.
    pub set_id: First<SetId>,
    /// Folders that everybody may write to, where everybody may remove what others wrote.
    pub world_writable: First<String>,
    /// Files that give capabilities.
    pub file_capabilities: First<Capable>,
    /// Caches, documentation and the like, the most first.
    pub bulk: Vec<Bulk>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Program {
    /// Its path.
    pub path: String,
    /// Where it leads, if it is a symbolic link.
    pub target: Option<String>,
    /// Its bytes.
    pub bytes: u64,
    /// Whose it is.
    pub package: Option<String>,
}

/// A program with set-id bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetId {
    /// Its path.
    pub path: String,
    /// Its mode, as `4755`.
    pub mode: String,
    /// Whose it is.
    pub package: Option<String>,
}

/// A file that gives capabilities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capable {
    /// Its path.
    pub path: String,
    /// Permitted and inheritable ones.
    pub capabilities: Vec<String>,
    /// Whose it is.
    pub package: Option<String>,
}

/// Files of one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bulk {
    /// Which.
    pub what: &'static str,
    /// How to do without.
    pub remedy: &'static str,
    /// Their bytes.
    pub bytes: u64,
    /// How many.
    pub files: u64,
    /// One of them.
    pub example: String,
}

/// A likely secret, which is not told itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// The path of a file, or which variable or step of the configuration.
    pub place: String,
    /// What kind.
    pub kind: &'static str,
    /// The layer that has it; `None` of the configuration.
    pub layer: Option<u32>,
    /// The layer that hides it, from which nobody is kept who has the image.
    pub hidden_by: Option<u32>,
}

/// Something to save.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Saving {
    /// Bytes.
    pub bytes: u64,
    /// Of what.
    pub what: String,
    /// How.
    pub remedy: String,
}
