//! Which kind of base would do, by what of an image was seen in use.
//!
//! A base brings what programs need that are not built with all of it: a libc, certificates, a shell. Each
//! requirement goes by evidence: what was executed, the loader and the libraries that these programs name, and
//! the files that were opened. The kind that is told is the smallest that meets all of these, and the requirements
//! that keep it from the next smaller one are named. It is no promise: what was not seen may be needed, so what
//! has to be checked stands beside it. Without evidence the kind is *unknown*.
//!
//! How much goes at least is what packages own in the layers of the base that no base of the kind has, and that
//! was not seen to be used; libraries and programs that it lacks and that are in use are named, to be brought along, and
//! how many other files of the base were in use is told.

mod check;
mod data;
mod executed;
mod goes;
mod kind;
mod layers;
pub(crate) mod linked;
mod needs;

pub use kind::{Kind, Language};
pub use layers::{BaseLayers, By};
pub use linked::Linked;
pub use needs::{Need, Requirement};

use crate::inventory::{InUse, Split};
use crate::layout::Layout;
use crate::map::Use;
use crate::packages::Packages;
use crate::report::{First, Ran, Saving, Sum};
use crate::tree::{Id, Kind as Node, Tree};
use lapwing_profile::inventory::{Inventory, uses};
use lapwing_profile::profile::Profile;
use needs::Needs;
use serde::Serialize;

/// Names that are given of those who need something.
const NAMED_MAX: usize = 5;
/// What nobody should take it for.
pub const CAUTION: &str = "it follows from what was seen in use, and is no promise that the program works on such a base: build \
     it, and try all that it does";
/// What is said of the base.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Base {
    /// The smallest kind that has what programs and libraries in use ask for.
    pub kind: Kind,
    /// What bases of the kind contain.
    pub contains: &'static str,
    /// Public families of such; no version of any is promised.
    pub known: String,
    /// Languages whose runtimes are in use.
    pub languages: Vec<Language>,
    /// What it follows from: `inventory`, `profile`, `inventory+profile` or `none`.
    pub by: &'static str,
    /// Why the kind is not known; `None` where it is.
    pub why_unknown: Option<&'static str>,
    /// Why more may be needed, in words; empty where nothing is known to be missing.
    pub incomplete: Vec<String>,
    /// What a base has to have, the largest base first.
    pub requirements: Vec<Need>,
    /// What would do without those that decide.
    pub next_smaller: Option<Kind>,
    /// The layers that are the base now.
    pub layers: BaseLayers,
    /// Files in them that a container sees, by use.
    pub files: Split,
    /// What goes at least of these; `None` where that is not known.
    pub saves: Option<Sum>,
    /// Libraries, programs and scripts of the base in use that one of the kind lacks, the largest first; of a kind
    /// that has none of them, certificates, time zones and users in use too. Other files are told in `check`.
    pub bring: First<Brought>,
    /// What has to be looked at before.
    pub check: Vec<String>,
    /// The program that the image's configuration names, in words; `None` where there is none.
    pub program: Option<String>,
    /// Programs of the image by what they are linked with.
    pub linked: Linked,
    /// What nobody should take it for.
    pub caution: &'static str,
}

/// Something that a smaller base lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Brought {
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
    /// Whose it is.
    pub package: Option<String>,
}

/// What is known of an image and of its use.
pub(crate) struct Known<'a> {
    pub tree: &'a Tree,
    pub packages: &'a Packages,
    pub layout: &'a Layout,
    /// What each file is, by the number of its inode.
    pub uses: &'a [Use],
    /// How each was used, by the inventory, by the number of its inode; `None` where that says nothing.
    pub how: Option<&'a [u8]>,
    pub inventory: Option<&'a Inventory>,
    pub used: Option<&'a InUse>,
    /// What ran, by the profile; `None` where that says nothing.
    pub ran: Option<&'a [Use]>,
    pub profile: Option<&'a Profile>,
    pub told: Option<&'a Ran>,
    /// `ID` of `os-release`.
    pub system: Option<&'a str>,
    pub user: &'a str,
}

impl Known<'_> {
    fn is_executed(&self, inode: u32) -> bool {
        let at = inode as usize;
        let how = self
            .how
            .and_then(|all| all.get(at))
            .copied()
            .unwrap_or_default();
        let ran = self.ran.and_then(|all| all.get(at)) == Some(&Use::Used);
        how & (uses::EXEC | uses::MAPPED) != 0 || ran
    }

    fn is_used(&self, inode: u32) -> bool {
        self.uses.get(inode as usize) == Some(&Use::Used)
    }

    fn source(&self) -> &'static str {
        match (self.how, self.ran) {
            (Some(_), Some(_)) => "inventory+profile",
            (Some(_), None) => "inventory",
            (None, Some(_)) => "profile",
            (None, None) => "none",
        }
    }

    /// Why nothing is said, as far as it is seen before anything is looked at.
    const fn why_unknown(&self) -> Option<&'static str> {
        match (self.how, self.ran, self.used, self.told) {
            (Some(_), ..) | (_, Some(_), ..) => None,
            (None, None, None, None) => Some(
                "neither an inventory of use (--use) nor a profile (--profile) was given, so it is not known what \
                 is needed",
            ),
            (None, None, ..) => Some(
                "what is known of use is of another image, as too few of its files are here, so it is not known \
                 what is needed",
            ),
        }
    }

    fn incomplete(&self) -> Vec<String> {
        match (self.how, self.used, self.told) {
            (Some(_), Some(used), _) => used.incomplete.clone(),
            (_, _, Some(told)) => told.basis.reasons.clone(),
            _ => Vec::new(),
        }
    }
}

/// The smallest kind that has all of these. One of glibc has no musl: there all that is beyond it is brought along.
fn smallest(needs: &mut Needs) -> Kind {
    let has = |what: Requirement| needs.all.iter().any(|one| one.requirement == what);
    if has(Requirement::Musl) && !has(Requirement::Glibc) {
        let glibc = |one: &&mut Need| (Kind::Glibc..=Kind::Runtime).contains(&one.base);
        needs
            .all
            .iter_mut()
            .filter(glibc)
            .for_each(|one| one.base = Kind::Musl);
    }
    let bases = needs.all.iter().map(|one| one.base);
    bases.max().unwrap_or(Kind::Scratch)
}

/// What is said of it.
pub(crate) fn of(known: &Known<'_>) -> Base {
    let layers = BaseLayers::of(known.layout, known.tree);
    let mut result = Base {
        kind: Kind::Unknown,
        contains: Kind::Unknown.contains(),
        known: String::new(),
        languages: Vec::new(),
        by: known.source(),
        why_unknown: known.why_unknown(),
        incomplete: known.incomplete(),
        requirements: Vec::new(),
        next_smaller: None,
        layers,
        files: Split::default(),
        saves: None,
        bring: First::default(),
        check: Vec::new(),
        program: linked::program(known.tree, known.layout.run()),
        linked: Linked::of(known.tree),
        caution: CAUTION,
    };
    let base_files = files(known, result.layers.count, &mut result.files);
    if result.why_unknown.is_some() {
        return result;
    }
    let mut needs = needs::of(known);
    if needs.executed == 0 {
        result.why_unknown = Some("no program of the image was seen to be executed");
        return result;
    }
    let mut kind = smallest(&mut needs);
    // What was not looked at may be needed, so nothing smaller is told.
    if known.how.is_none() {
        kind = kind.max(Kind::Static);
    }
    if needs.is_unsure {
        let is_musl = result.linked.musl > 0 && result.linked.glibc == 0;
        kind = kind.max(if is_musl { Kind::Musl } else { Kind::Glibc });
    }
    for one in &mut needs.all {
        one.decides = one.base == kind;
    }
    needs
        .all
        .sort_by(|one, other| (other.base, one.requirement).cmp(&(one.base, other.requirement)));
    let rest = needs
        .all
        .iter()
        .filter(|one| !one.decides)
        .map(|one| one.base)
        .max();
    let is_decided = needs.all.iter().any(|one| one.decides);
    result.next_smaller = is_decided.then(|| rest.unwrap_or(Kind::Scratch));
    result.languages = needs.languages.iter().copied().collect();
    result.known = kind::known(kind, &result.languages, known.system);
    result.contains = kind.contains();
    let mut data = data::Data::of(known, &needs, kind, &base_files);
    let brought = std::mem::take(&mut data.bring);
    result.check = check::of(known, &needs, kind);
    result.check.extend(data.text(kind));
    result.bring = goes::bring(known, &needs, kind, result.layers.count, brought);
    result.saves = goes::saves(known, kind, &base_files);
    result.requirements = needs.all;
    result.kind = kind;
    result
}

/// Files of the base that a container sees, each once.
fn files(known: &Known<'_>, layers: u32, sum: &mut Split) -> Vec<Id> {
    let tree = known.tree;
    let mut counted = vec![false; tree.inodes.len()];
    let mut all = Vec::new();
    tree.visit(|id, inode| {
        let number = tree.nodes[id as usize].inode as usize;
        if inode.kind != Node::File
            || inode.layer >= layers
            || std::mem::replace(&mut counted[number], true)
        {
            return;
        }
        sum.take(
            known.uses.get(number).copied().unwrap_or(Use::Unknown),
            inode.size,
        );
        all.push(id);
    });
    all
}

impl BaseLayers {
    /// Which they are, in words.
    #[must_use]
    pub fn text(&self) -> String {
        match self.count {
            0 => "none that is known".to_owned(),
            1 => "the first layer".to_owned(),
            count => format!("the first {count} layers"),
        }
    }
}

impl Base {
    /// What the image itself says of its programs, a line each.
    #[must_use]
    pub fn facts(&self) -> Vec<String> {
        let of = &self.linked;
        let all = [
            (of.statically, "static"),
            (of.glibc, "linked with glibc"),
            (of.musl, "linked with musl"),
            (of.other, "for another loader"),
            (of.not_read, "of unknown linkage"),
        ];
        let told: Vec<String> = { all.iter() }
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let told = match told.is_empty() {
            true => "none that is an ELF file".to_owned(),
            false => told.join(", "),
        };
        let own = self.program.iter().map(|it| format!("its program: {it}"));
        own.chain([format!("programs in it: {told}")]).collect()
    }

    /// As something to save.
    pub(crate) fn saving(&self) -> Option<Saving> {
        let saves = self.saves?;
        let doubt = match self.incomplete.is_empty() {
            true => "",
            false => ", by evidence that is INCOMPLETE",
        };
        Some(Saving {
            bytes: saves.bytes,
            what: format!(
                "files of the base ({}) that one of the kind `{}` has not and that were not seen to be used{doubt}",
                self.layers.text(),
                self.kind.word()
            ),
            remedy: format!("a smaller base: {}", self.known),
        })
    }
}
