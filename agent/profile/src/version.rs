//! Versions of the image that a profile is of, and the grace of a new one.
//!
//! A rollout must not begin at nothing: a new version of the image has the same profile, so it
//! inherits all that is approved. Nor may it flood whoever is on call: what only the new version
//! does, and what is not dangerous by its kind, is reported for a while at a lower severity and
//! marked as new in this version. That *grace* ends in ordinary violations, never in approval.
//!
//! It is narrow on purpose, for whoever brings another image brings another program:
//!
//! - It is of one repository. A profile knows the versions it describes: those that were seen
//!   while it learned, or, where nobody told (a profile that was written by hand, or by a version
//!   of lapwing that did not ask), the first that is seen. A version from a repository of which
//!   none is known has no grace.
//! - It is of one version: others, which run beside it, are reported in full.
//! - It is from the first sight of that version on, which stands in the profile, so that neither
//!   a restart nor a second container begins it anew.
//! - [`Rule::has_grace`](crate::rule::Rule::has_grace) says which rules know it; what is never
//!   learned, what a person refused and what entered from outside do not.
//! - Without a digest there is no version, and no grace: a tag is a name that anybody moves.
//!
//! Both sets are bounded and join: of one version the greater [`Sight`] stands, of all versions
//! the [`VERSIONS_MAX`] greatest, and both are maxima of a total order, so the order of joining
//! does not matter. For that the newest cannot be those with the latest *time*: the first sight of
//! a version is the earliest of all nodes', and what was forgotten with an early time could come
//! back with a late one, or not, by the order of joining. So versions are numbered: one more than
//! the greatest number that was known when it was seen.

use crate::profile::{Mode, Profile};
use crate::text;
use std::cmp::Reverse;
use std::collections::BTreeMap;

pub(crate) mod line;

/// Versions that are remembered: so many that are known, and so many that are new.
pub const VERSIONS_MAX: usize = 32;
/// Clocks of nodes may differ by so much, in nanoseconds.
const SKEW: i64 = 60_000_000_000;

/// One version of an image.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    repository: String,
    digest: String,
}

/// Whether a text is a digest, as `sha256:` and 64 hexadecimal digits.
pub(crate) fn is_digest(text: &str) -> bool {
    let Some((algorithm, hash)) = text.split_once(':') else {
        return false;
    };
    let digits = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    let hexadecimal = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    hash.len() == digits && hash.bytes().all(hexadecimal)
}

impl Version {
    /// From a repository, as `host:5000/team/web`, and a digest, as `sha256:` and 64 hexadecimal
    /// digits. `None` if one of them is none.
    #[must_use]
    pub fn new(repository: &str, digest: &str) -> Option<Self> {
        let is_name = !repository.is_empty() && text::is_canonical(repository);
        (is_digest(digest) && is_name).then(|| Self {
            repository: repository.to_owned(),
            digest: digest.to_owned(),
        })
    }

    /// Whose image it is, without tag and digest.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Which.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// The first sight of a version. Greater is later in number; of one number, earlier in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sight {
    /// One more than the greatest that was known then.
    pub number: u32,
    first: Reverse<i64>,
}

impl Sight {
    /// Of a number, at a time in nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn new(number: u32, first: i64) -> Self {
        Self {
            number,
            first: Reverse(first),
        }
    }

    /// When, in nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn first(self) -> i64 {
        self.first.0
    }
}

/// The greatest by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Newest(BTreeMap<Version, Sight>);

impl Newest {
    fn take(&mut self, version: &Version, sight: Sight) {
        let known = self.0.get(version).copied();
        self.0
            .insert(version.clone(), sight.max(known.unwrap_or(sight)));
        while self.0.len() > VERSIONS_MAX {
            let least = self
                .0
                .iter()
                .min_by_key(|(version, sight)| (**sight, *version));
            let Some(least) = least.map(|(version, _)| version.clone()) else {
                return;
            };
            self.0.remove(&least);
        }
    }

    fn join(&mut self, other: &Self) {
        for (version, sight) in &other.0 {
            self.take(version, *sight);
        }
    }

    fn greatest(&self) -> u32 {
        let numbers = self.0.values().map(|sight| sight.number);
        numbers.max().unwrap_or_default()
    }
}

/// What a profile remembers of versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Versions {
    /// Those that it describes.
    known: Newest,
    /// Those that came later.
    fresh: Newest,
}

impl Versions {
    /// Of these: number, first sight, and whether the profile describes it.
    pub(crate) fn of<'a>(all: impl Iterator<Item = (&'a Version, u32, i64, bool)>) -> Self {
        let mut versions = Self::default();
        for (version, number, first, is_known) in all {
            let set = match is_known {
                true => &mut versions.known,
                false => &mut versions.fresh,
            };
            set.take(version, Sight::new(number, first));
        }
        versions
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.known.join(&other.known);
        self.fresh.join(&other.fresh);
    }
}

/// A version that a profile remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered<'a> {
    /// Which.
    pub version: &'a Version,
    /// Its first sight.
    pub sight: Sight,
    /// Whether the profile describes it; else it came later.
    pub known: bool,
}

impl Profile {
    /// An instance of a version runs, or did something, at `at`, in nanoseconds since the Unix
    /// epoch. Answers whether that is new.
    pub fn sight(&mut self, version: &Version, at: i64) -> bool {
        let Versions { known, fresh } = &mut self.versions;
        if known.0.contains_key(version) {
            return false;
        }
        let describes = self.mode != Mode::Monitoring || known.0.is_empty();
        if !describes && fresh.0.contains_key(version) {
            return false;
        }
        let number = known.greatest().max(fresh.greatest()).saturating_add(1);
        let set = if describes { known } else { fresh };
        set.take(version, Sight::new(number, at));
        true
    }

    /// The number of a version, if it is remembered.
    pub(crate) fn number_of(&self, version: &Version) -> Option<u32> {
        let Versions { known, fresh } = &self.versions;
        let sight = known.0.get(version).max(fresh.0.get(version));
        sight.map(|sight| sight.number)
    }

    /// Until when a version has grace at `now`, both in nanoseconds since the Unix epoch; `None`
    /// if it has none. It lasts for `length` nanoseconds.
    #[must_use]
    pub fn grace(&self, version: &Version, now: i64, length: i64) -> Option<i64> {
        let until = self.grace_end(version, length)?;
        // A first sight that is yet to come was made up, or the time of day was set back.
        let is_past = until.saturating_sub(length) <= now.saturating_add(SKEW);
        (is_past && now < until).then_some(until)
    }

    /// When the grace of a version ends, or ended, if it lasts for `length`; `None` where it never
    /// had any.
    #[must_use]
    pub fn grace_end(&self, version: &Version, length: i64) -> Option<i64> {
        match self.mode {
            Mode::Monitoring => self.grace_compared(version, length),
            Mode::Learning | Mode::Review => None,
        }
    }

    /// The same, as if it were compared with: what is tried out is.
    #[must_use]
    pub fn grace_compared(&self, version: &Version, length: i64) -> Option<i64> {
        let Versions { known, fresh } = &self.versions;
        if known.0.contains_key(version) || length <= 0 {
            return None;
        }
        let first = fresh.0.get(version)?.first();
        let is_of_one_repository = known.0.keys().any(|it| it.repository == version.repository);
        is_of_one_repository.then(|| first.saturating_add(length))
    }

    /// The versions that are remembered, by their numbers.
    #[must_use]
    pub fn versions(&self) -> Vec<Remembered<'_>> {
        let Versions { known, fresh } = &self.versions;
        let all = known.0.iter().map(|one| (one, true));
        // What it learned from again is known.
        let later = fresh
            .0
            .iter()
            .filter(|(version, _)| !known.0.contains_key(*version));
        let mut all: Vec<_> = all
            .chain(later.map(|one| (one, false)))
            .map(|((version, sight), known)| Remembered {
                version,
                sight: *sight,
                known,
            })
            .collect();
        all.sort_by_key(|one| (one.sight.number, one.version));
        all
    }
}
