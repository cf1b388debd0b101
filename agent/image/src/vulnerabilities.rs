//! A vulnerability report of Grype or Trivy, or in CycloneDX, split by what a profile saw run of each package, and by what an
//! inventory of use has of it.
//!
//! That a package was used does not say that the flaw in it can be reached, and that nothing of it was seen
//! does not say that it cannot: nothing here says that an image is not affected. A package is told as present
//! and not seen only where that means something. By a profile that is where it has programs, of which none
//! ran, and holds neither shared libraries nor modules of a language, which others may load unseen. By an
//! inventory it is where none of its files was used, nothing is known to be missing in the inventory, and it
//! is of no other image.

mod given;

use crate::inventory::{InUse, Verdict};
use crate::package_url::{is_of_system, plain_name, plain_version};
use crate::report::{Execution, First, Package, Report};
use lapwing_profile::text::canonical;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Bytes of a report that are read.
pub const BYTES_MAX: usize = 32 << 20;
/// Findings of one part that are listed.
const LISTED_MAX: usize = 10_000;
/// Bytes of a text of the report that are told.
const TEXT_MAX: usize = 200;

/// What nobody should take it for.
pub const CAUTION: &str = "nothing of this says that the image is not affected: a package that was used may not run the \
     flawed code, and one that was not seen may run tomorrow, or be read by others";

/// Findings by what is known of their packages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Vulnerabilities {
    /// Who made the report: `grype` or `trivy`, or `CycloneDX` where such a document names another or none.
    pub scanner: &'static str,
    /// Whether it is of this image, by digest; `None` where one of both has none.
    pub same_image: Option<bool>,
    /// What nobody should take it for.
    pub caution: &'static str,
    /// How many of each severity, the worst first.
    pub severities: Vec<Count>,
    /// A program of the package was seen to run, or a file of it to be used.
    pub ran: First<Finding>,
    /// The package is present, and none of its programs was seen to run, or none of its files to be used.
    pub not_seen: First<Finding>,
    /// Nobody knows.
    pub unknown: First<Finding>,
}

/// How many findings of one severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// Which.
    pub severity: Severity,
    /// Of packages that ran or were used.
    pub ran: u64,
    /// Of packages that were not seen.
    pub not_seen: u64,
    /// Of packages of which nothing is known.
    pub unknown: u64,
}

/// How bad a finding is, by the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The worst.
    Critical,
    /// High.
    High,
    /// Medium.
    Medium,
    /// Low.
    Low,
    /// Of Grype, less than low.
    Negligible,
    /// The report does not say.
    Unknown,
}

impl Severity {
    fn of(text: &str) -> Self {
        let known = [
            Self::Critical,
            Self::High,
            Self::Medium,
            Self::Low,
            Self::Negligible,
        ];
        let is = |one: &Self| one.word().eq_ignore_ascii_case(text);
        known.into_iter().find(is).unwrap_or(Self::Unknown)
    }

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Negligible => "negligible",
            Self::Unknown => "unknown",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// As `CVE-2024-1234`.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// The package, as the report calls it.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The first version without it, where there is one.
    pub fixed: Option<String>,
    /// Why it is told so.
    pub why: &'static str,
}

const RAN: &str = "a program of its package was seen to run";
const NOT_SEEN: &str = "no program of its package was seen to run";
const USED: &str = "a file of its package was seen to be used";
const NOT_USED: &str = "no file of its package was seen to be used, by an inventory that is not known to lack anything";
const INCOMPLETE: &str = "no file of its package was seen to be used, but the inventory is incomplete, or of another image";
const LIBRARIES: &str = "its package holds shared libraries, which are loaded unseen";
const MODULES: &str = "modules of a language are loaded unseen";
const NO_PROGRAMS: &str = "its package has no programs, or the profile says nothing of them";
const NO_FILES: &str =
    "no file of its package is known, or the inventory says nothing of this image";
const NO_PACKAGE: &str = "the image has no package of this kind and name that is known";
const NO_VERSION: &str = "the image has another version of the package than the report";
const NO_KIND: &str = "packages of this kind are not read";

/// What is known of one package, for all that is in it. `used` is the inventory's, if there is one.
fn known(package: &Package, used: Option<&InUse>) -> (Execution, &'static str) {
    let is_whole =
        |used: &InUse| used.incomplete.is_empty() && used.same_image != Some(false) && used.says;
    match (package.execution, package.in_use.zip(used)) {
        (Some(Execution::Ran), _) => return (Execution::Ran, RAN),
        (_, Some((Verdict::Used, _))) => return (Execution::Ran, USED),
        (_, Some((Verdict::NotSeen, used))) if is_whole(used) => {
            return (Execution::NotSeenToRun, NOT_USED);
        }
        _ => {}
    }
    match (package.execution, package.in_use) {
        (None, Some(Verdict::NotSeen)) => (Execution::Unknown, INCOMPLETE),
        (None, Some(_)) => (Execution::Unknown, NO_FILES),
        _ if !is_of_system(package.kind) && !matches!(package.kind, "golang" | "generic") => {
            (Execution::Unknown, MODULES)
        }
        _ if package.libraries > 0 => (Execution::Unknown, LIBRARIES),
        (Some(Execution::NotSeenToRun), _) => (Execution::NotSeenToRun, NOT_SEEN),
        _ => (Execution::Unknown, NO_PROGRAMS),
    }
}

/// Of several packages of one name and version, the one that says most that something runs.
fn of_all<'a>(
    all: impl Iterator<Item = &'a Package>,
    used: Option<&InUse>,
) -> Option<(Execution, &'static str)> {
    let all = all.map(|package| known(package, used));
    all.min_by_key(|(execution, _)| match execution {
        Execution::Ran => 0,
        Execution::Unknown => 1,
        Execution::NotSeenToRun => 2,
    })
}

fn told(text: &str) -> String {
    canonical(&text.as_bytes()[..text.len().min(TEXT_MAX)])
}

impl Vulnerabilities {
    /// Splits a report by an image that was read with a profile, an inventory of use, or both.
    ///
    /// # Errors
    /// In one line, where the bytes are no such report, or too large a one.
    pub fn of(bytes: &[u8], image: &Report) -> Result<Self, String> {
        let given = given::read(bytes)?;
        let mut packages: HashMap<(&str, String), Vec<&Package>> = HashMap::new();
        for package in &image.packages {
            let key = (package.kind, plain_name(package.kind, &package.name));
            packages.entry(key).or_default().push(package);
        }
        let mut all: Vec<(Execution, Finding)> = (given.findings.iter())
            .map(|one| {
                let (execution, why) = judge(one, &packages, image.used.as_ref());
                let fixed = one.fixed.as_deref().filter(|text| !text.is_empty());
                let finding = Finding {
                    id: told(&one.id),
                    severity: Severity::of(&one.severity),
                    package: told(&one.package),
                    version: told(&one.version),
                    fixed: fixed.map(told),
                    why,
                };
                (execution, finding)
            })
            .collect();
        all.sort_by(|(_, one), (_, other)| {
            let key = |it: &Finding| it.severity;
            (key(one).cmp(&key(other)))
                .then_with(|| one.id.cmp(&other.id))
                .then_with(|| one.package.cmp(&other.package))
        });
        let own: Vec<&String> = image.digest.iter().chain(&image.id).collect();
        let is_known = !given.digests.is_empty() && !own.is_empty();
        let is_in = |all: &[String]| own.iter().any(|own| all.contains(own));
        let same_image = match is_in(&given.digests) || is_in(&given.other_digests) {
            true => Some(true),
            false => is_known.then_some(false),
        };
        let mut split = Self {
            scanner: given.scanner,
            same_image,
            caution: CAUTION,
            severities: Vec::new(),
            ran: First::default(),
            not_seen: First::default(),
            unknown: First::default(),
        };
        let mut counts: BTreeMap<Severity, Count> = BTreeMap::new();
        for (execution, finding) in all {
            let severity = finding.severity;
            let count = counts.entry(severity).or_insert(Count {
                severity,
                ran: 0,
                not_seen: 0,
                unknown: 0,
            });
            let (list, count) = match execution {
                Execution::Ran => (&mut split.ran, &mut count.ran),
                Execution::NotSeenToRun => (&mut split.not_seen, &mut count.not_seen),
                Execution::Unknown => (&mut split.unknown, &mut count.unknown),
            };
            *count += 1;
            list.take(LISTED_MAX, || finding);
        }
        split.severities = counts.into_values().collect();
        Ok(split)
    }
}

fn judge(
    one: &given::Finding<'_>,
    packages: &HashMap<(&str, String), Vec<&Package>>,
    used: Option<&InUse>,
) -> (Execution, &'static str) {
    let Some(kind) = one.kind else {
        return (Execution::Unknown, NO_KIND);
    };
    // Names and versions of images are kept as they are told.
    let name = plain_name(kind, &told(&one.package));
    let Some(named) = packages.get(&(kind, name)) else {
        return (Execution::Unknown, NO_PACKAGE);
    };
    let version = told(&one.version);
    let version = plain_version(kind, &version);
    let same = named
        .iter()
        .filter(|package| plain_version(kind, &package.version) == version);
    of_all(same.copied(), used).unwrap_or((Execution::Unknown, NO_VERSION))
}
