//! What a candidate would have reported: see [`lapwing_profile::replay`].
//!
//! A replay of a large profile takes seconds, and whoever asks for one must not keep the judge from
//! its records. So the judge hands out a [`Snapshot`] of what is needed, which is a copy of one
//! profile and of bounded lists, and the replay works on that wherever there is time for it.
//!
//! # The grace of new versions
//!
//! Deviations of a new version of the image are reported as less bad for a while
//! ([`lapwing_profile::version`]). A profile keeps of each entry the versions that did it
//! ([`Profile::all_versions_of`]), so a behaviour is one of new versions where all that is known says
//! so: every version that did it has grace, it was seen for the first time since one of them was and
//! last within the grace of each, and no instance runs of which the version has none. Where it is not
//! known which versions did it (nobody told, or some were dropped) it is rated in full, which is as
//! bad as it gets.

use super::Judge;
use super::decide::AskError;
use super::report::severity;
use crate::container::Instance;
use lapwing_profile::entry::Entry;
use lapwing_profile::profile::Profile;
use lapwing_profile::replay::{Name, Reported, Times};
use lapwing_profile::rule::Severities;
use lapwing_profile::version::Version;
use lapwing_proto::{timestamp, v1};

/// A candidate, and whose behaviours it is compared with.
pub struct Candidate {
    /// The candidate.
    pub profile: Profile,
    /// The name of the profile that knows what was seen.
    pub name: String,
}

impl Candidate {
    /// Reads one. Without a `name` it says whose it is.
    ///
    /// # Errors
    /// When the text is no profile.
    pub fn read(yaml: &str, name: &str) -> Result<Self, AskError> {
        let profile =
            Profile::from_yaml(yaml).map_err(|error| AskError::BadProfile(error.to_string()))?;
        let name = match name {
            "" => profile.workload.to_string(),
            name => name.to_owned(),
        };
        Ok(Self { profile, name })
    }
}

/// What is known of a workload, as it was at one moment.
pub struct Snapshot {
    live: Profile,
    /// Names that the profile has no records of.
    names: Vec<(Entry, Times)>,
    /// From when on all of them are there, in nanoseconds since the Unix epoch.
    since: i64,
    severities: Severities,
    /// How long a new version has grace, in nanoseconds.
    grace: i64,
    /// The versions of the instances that run; `None` of one whose version nobody told.
    running: Vec<Option<Version>>,
}

/// The time in which a new version is judged less strictly, in nanoseconds since the Unix epoch.
struct Grace<'a> {
    version: &'a Version,
    from: i64,
    until: i64,
}

impl Judge {
    /// What a replay of a profile needs, `running` being the containers.
    ///
    /// # Errors
    /// When there is no such profile.
    pub fn snapshot<'a>(
        &self,
        name: &str,
        running: impl Iterator<Item = &'a Instance>,
    ) -> Result<Snapshot, AskError> {
        let live = self.keeper.find(name)?.profile.clone();
        let names = self.recent.of(&live.workload);
        let names = names.map(|name| (name.entry.clone(), name.times)).collect();
        let own = running.filter(|one| one.is_named() && one.workload == live.workload);
        let mut running: Vec<_> = own.map(|one| one.details.version()).collect();
        running.sort_unstable();
        running.dedup();
        Ok(Snapshot {
            live,
            names,
            since: self.recent.since(),
            severities: self.ratings.severities.clone(),
            grace: self.ratings.grace,
            running,
        })
    }
}

impl Snapshot {
    /// Takes what was seen to a candidate: all of it, or what was seen since a time, in nanoseconds
    /// since the Unix epoch.
    #[must_use]
    pub fn replay(&self, candidate: &Profile, since: Option<i64>) -> v1::ReplayProfileResponse {
        let names = self.names.iter();
        let names = names.map(|(entry, times)| Name {
            entry,
            times: *times,
        });
        let replay = self.live.replay(names, candidate, since);
        let graces = self.graces();
        let reported = replay.reported.into_iter();
        v1::ReplayProfileResponse {
            name: self.live.workload.to_string(),
            seen: replay.seen as u64,
            reported: reported.map(|one| self.report(one, &graces)).collect(),
            open: replay.open.iter().map(ToString::to_string).collect(),
            provisional: replay.lone.iter().map(ToString::to_string).collect(),
            names_since: Some(timestamp(self.since)),
        }
    }

    /// The graces of versions; none where an instance runs that has none.
    fn graces(&self) -> Vec<Grace<'_>> {
        let until = |version: &Version| self.live.grace_compared(version, self.grace);
        let has_grace = |version: &Option<Version>| version.as_ref().and_then(until).is_some();
        if !self.running.iter().all(has_grace) {
            return Vec::new();
        }
        let versions = self.live.versions().into_iter();
        let graces = versions.filter_map(|one| {
            Some(Grace {
                version: one.version,
                from: one.sight.first(),
                until: until(one.version)?,
            })
        });
        graces.collect()
    }

    /// Whether what was seen is of versions that had grace then.
    fn is_new(&self, one: &Reported, graces: &[Grace<'_>]) -> bool {
        let Times { first, last, .. } = one.times;
        let (true, Some(first)) = (one.has_grace && !graces.is_empty(), first) else {
            return false;
        };
        let Some(versions) = self.live.all_versions_of(&one.entry) else {
            return false;
        };
        let of = |version: &Version| graces.iter().find(|grace| grace.version == version);
        let did: Option<Vec<_>> = versions.iter().map(|one| of(one.version)).collect();
        did.is_some_and(|did| {
            did.iter().all(|grace| last < grace.until) && did.iter().any(|it| it.from <= first)
        })
    }

    fn report(&self, one: Reported, graces: &[Grace<'_>]) -> v1::replay_profile_response::Reported {
        let Times { first, last, count } = one.times;
        let new_in_version = self.is_new(&one, graces);
        let rated = self.severities.of(one.class.rule, one.class.severity);
        let rated = match new_in_version {
            true => rated.lower(),
            false => rated,
        };
        v1::replay_profile_response::Reported {
            rule: one.class.rule.id().to_owned(),
            severity: severity(rated).into(),
            attack: one.class.attack.iter().map(|&id| id.to_owned()).collect(),
            entry: one.entry.to_string(),
            first_seen: first.map(timestamp),
            last_seen: Some(timestamp(last)),
            count,
            nearest: one.nearest.unwrap_or_default(),
            new_in_version,
        }
    }
}
