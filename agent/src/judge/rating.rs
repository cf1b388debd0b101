//! How bad a deviation is here and now: what its rule says, what the configuration says of the
//! rule, and whether it is of a new version of the image that is given time.
//!
//! The first sight of a version stands in the profile, and so on disk; what a new version did in
//! its grace stands in the episodes, which end it: then the violation is reported anew, as bad as
//! any other.

use super::episodes::Grace;
use super::keep::Kept;
use super::{Judge, report};
use crate::container::Instance;
use lapwing_profile::learn::Deviation;
use lapwing_profile::rule::{Rule, Severities, Severity};
use lapwing_profile::version::Version;
use lapwing_proto::{timestamp, v1};

/// How long a new version has grace where nothing else is configured, in nanoseconds: a day.
pub const GRACE: i64 = 24 * 3_600_000_000_000;

/// What the configuration says.
#[derive(Clone, Debug)]
pub struct Ratings {
    /// Severities in place of those of the rules.
    pub severities: Severities,
    /// How long a new version of an image has grace, in nanoseconds; 0 for not at all.
    pub grace: i64,
}

impl Default for Ratings {
    fn default() -> Self {
        Self {
            severities: Severities::default(),
            grace: GRACE,
        }
    }
}

/// What is said of a deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rating {
    /// How bad it is now.
    pub(super) severity: Severity,
    /// Whether a person has to decide of it.
    pub(super) pending: bool,
    /// The end of its grace, and what it is from then on.
    pub(super) grace: Option<Grace>,
}

impl Ratings {
    /// Of a rule about the sensor itself.
    pub(super) fn of(&self, rule: Rule) -> Severity {
        self.severities.of(rule, rule.severity())
    }

    /// Rates a deviation of a container at `at`, in nanoseconds since the Unix epoch.
    pub(super) fn rate(
        &self,
        deviation: Deviation,
        kept: &Kept,
        instance: &Instance,
        at: i64,
    ) -> Rating {
        let severity = self.severities.of(deviation.rule, deviation.severity);
        let version = instance.details.version();
        let until = version
            .filter(|_| deviation.has_grace && instance.is_named())
            .and_then(|version| kept.profile.grace(&version, at, self.grace));
        match until {
            None => Rating {
                severity,
                pending: deviation.pending,
                grace: None,
            },
            Some(until) => Rating {
                severity: severity.lower(),
                pending: true,
                grace: Some(Grace {
                    until,
                    severity: report::severity(severity),
                }),
            },
        }
    }
}

impl Kept {
    /// A container runs, or did something, at `at`, in nanoseconds since the Unix epoch: its
    /// version is noted.
    pub(super) fn sight(&mut self, instance: &Instance, at: i64) {
        let version = instance.details.version();
        if let Some(version) = version.filter(|_| instance.is_named())
            && self.profile.sight(&version, at)
        {
            self.news();
        }
    }

    /// Says until when versions have grace, if it lasts for `grace` nanoseconds.
    pub(super) fn until(&self, summary: &mut v1::ProfileSummary, grace: i64) {
        for version in &mut summary.versions {
            let until = Version::new(&version.repository, &version.digest)
                .and_then(|version| self.profile.grace_end(&version, grace));
            version.grace_until = until.map(timestamp);
        }
    }
}

impl Judge {
    /// With other ratings than the default ones.
    #[must_use]
    pub fn with_ratings(mut self, ratings: Ratings) -> Self {
        self.keeper.grace = ratings.grace;
        self.ratings = ratings;
        self
    }
}
