//! What one image has that another has not. The shape is that of `-o json`: fields may be added, and none
//! changes its meaning while `schema` stays.
//!
//! Both trees are gone through together, name by name, so that counts are of all there is and only what
//! is listed costs a path. Files are compared by path, size and contents (SHA-256), layers by the digest
//! of their unpacked tar, packages by kind and name. A file of several names counts by the first.

mod in_use;
mod parts;
mod walk;

pub use in_use::OfInventory;

use crate::Image;
use crate::report::{Capable, First, Layer, Program, Ran, Secret, SetId, Size, Sum};
use crate::score::Score;
use lapwing_advise::basis::Basis;
use serde::Serialize;

/// Number of the shape.
pub const SCHEMA: u32 = 1;

/// What differs between two images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The one that was there.
    pub old: Side,
    /// The one that takes its place.
    pub new: Side,
    /// Layers that both have, and that one has.
    pub layers: Layers,
    /// Files that a container sees.
    pub files: Files,
    /// Packages.
    pub packages: Packages,
    /// Shells.
    pub shells: Changes<Program>,
    /// Package managers.
    pub package_managers: Changes<Program>,
    /// Compilers, linkers and what calls them.
    pub compilers: Changes<Program>,
    /// Programs with set-id bits; added are also those that have a bit more than they had.
    pub set_id: Changes<SetId>,
    /// Files that give capabilities; added are also those that give one more than they did.
    pub file_capabilities: Changes<Capable>,
    /// Folders that everybody may write to without a sticky bit.
    pub world_writable: Changes<String>,
    /// Likely secrets, by place and kind. A step of the history or a variable without a name is the same
    /// where its text is.
    pub secrets: Changes<Secret>,
    /// Secrets of both images beyond those that are kept, which were not compared.
    pub secrets_not_compared: u64,
}

/// One of both images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// What it is called, where the file says so.
    pub name: Option<String>,
    /// Digest of its manifest, where there is one.
    pub digest: Option<String>,
    /// Digest of its configuration, where it comes with one.
    pub id: Option<String>,
    /// As `linux/amd64`.
    pub platform: String,
    /// What its system calls itself.
    pub system: Option<String>,
    /// Sums.
    pub size: Size,
    /// How many layers.
    pub layers: u64,
    /// How many packages.
    pub packages: u64,
    /// Databases of packages that were not read.
    pub packages_not_read: Vec<String>,
    /// Bytes of files that its later layers hide.
    pub hidden: u64,
    /// Bytes of visible files of the same contents beyond the first.
    pub duplicate: u64,
    /// Files that were not searched for secrets to their end.
    pub not_searched: u64,
    /// How hardened it is.
    pub score: Score,
    /// What a profile saw of it; `None` without one: then nothing is known.
    pub used: Option<Used>,
    /// What an inventory of use has of it; `None` without one.
    pub in_use: Option<OfInventory>,
    /// What was left out or not looked at, and what is odd.
    pub notes: Vec<String>,
}

/// How much of an image a profile saw in use, with what that rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Used {
    /// Whose profile it is.
    pub workload: String,
    /// Coverage and losses.
    pub basis: Basis,
    /// What nobody should take it for.
    pub caution: &'static str,
    /// Whether the profile says something of this image.
    pub says: bool,
    /// Whether it learned of this image, by digest; `None` where nobody knows.
    pub same_image: Option<bool>,
    /// Programs that ran.
    pub ran: Sum,
    /// Programs that were not seen to run.
    pub not_seen: Sum,
    /// All other files, of which nothing is known.
    pub unknown: Sum,
    /// Of the bytes that a container sees, those of programs that ran, in percent.
    pub ran_percent: f64,
    /// Those of programs that were not seen to run.
    pub not_seen_percent: f64,
    /// All others.
    pub unknown_percent: f64,
    /// Of the bytes of programs, those of programs that were not seen to run, in percent; `None` where no
    /// program is known.
    pub programs_not_seen_percent: Option<f64>,
}

/// Layers of both images, by the digests of their unpacked tars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Layers {
    /// Of the new image: those that the old one has too.
    pub shared: Sum,
    /// Those that only the new image has.
    pub added: First<Layer>,
    /// Their bytes.
    pub added_bytes: u64,
    /// Of these, those of files that later layers hide.
    pub added_hidden: u64,
    /// Those that only the old image has.
    pub removed: First<Layer>,
    /// Their bytes.
    pub removed_bytes: u64,
}

/// Files of both images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Files {
    /// Those that only the new image has.
    pub added: Sum,
    /// Those that only the old image has.
    pub removed: Sum,
    /// Those whose contents differ; bytes are those of the new image.
    pub changed: Sum,
    /// Bytes by which changed files grew; less than 0 where they shrank.
    pub changed_growth: i64,
    /// Those that grew or came, by growth.
    pub grown: First<File>,
    /// Those that shrank or went, by what they lost.
    pub shrunk: First<File>,
}

/// A file that takes more or less than it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Its path.
    pub path: String,
    /// Bytes in the old image; `None` where it has none of the name.
    pub before: Option<u64>,
    /// Bytes in the new image.
    pub after: Option<u64>,
    /// Whose it is in the new image, or was in the old one.
    pub package: Option<String>,
}

impl File {
    /// Bytes by which it grew.
    #[must_use]
    pub fn growth(&self) -> i64 {
        growth(
            self.before.unwrap_or_default(),
            self.after.unwrap_or_default(),
        )
    }
}

/// Bytes by which something grew.
#[must_use]
pub fn growth(before: u64, after: u64) -> i64 {
    let change = i128::from(after) - i128::from(before);
    i64::try_from(change).unwrap_or(match change < 0 {
        true => i64::MIN,
        false => i64::MAX,
    })
}

/// Packages of both images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Packages {
    /// Those that only the new image has, the largest first.
    pub added: First<Package>,
    /// Those that only the old image has, the largest first.
    pub removed: First<Package>,
    /// Those whose versions differ, by growth.
    pub changed: First<Package>,
}

/// A package that differs, with all that an image has of its kind and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// As in the report of an image.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Versions of the old image.
    pub before: First<String>,
    /// Versions of the new image.
    pub after: First<String>,
    /// Bytes of its files in the old image.
    pub bytes_before: u64,
    /// Bytes of its files in the new image.
    pub bytes_after: u64,
}

/// How many there are, and those that only one image has, by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes<T> {
    /// How many the old image has.
    pub old: u64,
    /// How many the new image has.
    pub new: u64,
    /// Those that only the new image has.
    pub added: First<T>,
    /// Those that only the old image has.
    pub removed: First<T>,
}

impl<T> Default for Changes<T> {
    fn default() -> Self {
        Self {
            old: 0,
            new: 0,
            added: First::default(),
            removed: First::default(),
        }
    }
}

impl<T> Changes<T> {
    /// Whether both images have the same ones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl Diff {
    /// Compares two images.
    #[must_use]
    pub fn of(old: &Image, new: &Image) -> Self {
        let mut diff = Self {
            schema: SCHEMA,
            old: Side::of(old),
            new: Side::of(new),
            layers: parts::layers(&old.report.layers, &new.report.layers),
            files: Files::default(),
            packages: parts::packages(&old.packages.all, &new.packages.all),
            shells: Changes::default(),
            package_managers: Changes::default(),
            compilers: Changes::default(),
            set_id: Changes::default(),
            file_capabilities: Changes::default(),
            world_writable: Changes::default(),
            secrets: parts::secrets(old, new),
            secrets_not_compared: old.report.secrets.more + new.report.secrets.more,
        };
        let (of_old, of_new) = (&old.report.sbom, &new.report.sbom);
        if of_old.is_some() != of_new.is_some() {
            let (side, which) = match of_old.is_some() {
                true => (&mut diff.old, "old"),
                false => (&mut diff.new, "new"),
            };
            side.packages_not_read.push(format!(
                "an SBOM was given of the {which} image alone: packages that only an SBOM names differ by that"
            ));
        }
        walk::compare(old, new, &mut diff);
        diff
    }
}

/// Part of a whole, in percent.
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        // Exact enough for sizes of images.
        _ => part as f64 * 100.0 / whole as f64,
    }
}

impl Side {
    fn of(image: &Image) -> Self {
        let report = &image.report;
        Self {
            name: report.name.clone(),
            digest: report.digest.clone(),
            id: report.id.clone(),
            platform: report.platform.clone(),
            system: report.system.clone(),
            size: report.size,
            layers: report.layers.len() as u64,
            packages: report.packages.len() as u64,
            packages_not_read: report.packages_not_read.clone(),
            hidden: report.waste.hidden,
            duplicate: report.waste.duplicate,
            not_searched: report.not_searched,
            score: report.score.clone(),
            used: report.ran.as_ref().map(Used::of),
            in_use: report.used.as_ref().map(OfInventory::of),
            notes: report.notes.clone(),
        }
    }
}

impl Used {
    fn of(ran: &Ran) -> Self {
        let (of_ran, of_not_seen, of_unknown) =
            (ran.programs_ran, ran.programs_not_seen, ran.other_files);
        let programs = of_ran.bytes.saturating_add(of_not_seen.bytes);
        let all = programs.saturating_add(of_unknown.bytes);
        Self {
            workload: ran.workload.clone(),
            basis: ran.basis.clone(),
            caution: ran.caution,
            says: ran.says,
            same_image: ran.same_image,
            ran: of_ran,
            not_seen: of_not_seen,
            unknown: of_unknown,
            ran_percent: percent(of_ran.bytes, all),
            not_seen_percent: percent(of_not_seen.bytes, all),
            unknown_percent: percent(of_unknown.bytes, all),
            programs_not_seen_percent: (programs > 0).then(|| percent(of_not_seen.bytes, programs)),
        }
    }
}
