//! Workloads that run an image or ran it.

use crate::container::digest::Digits;
use lapwing_proto::v1::{self, ProfileSummary, TracedContainer, Version, Violation, Workload};
use lapwing_proto::{Timestamp, nanoseconds};
use std::collections::{BTreeMap, BTreeSet};

/// One workload.
#[derive(Debug, Default)]
pub struct Place {
    /// Its containers that run.
    pub containers: Vec<TracedContainer>,
    /// What its profile knows of the image: more than one where so few digits were given that several are meant.
    pub versions: Vec<Version>,
    /// What its profile is in; none where there is no profile.
    pub mode: Option<v1::Mode>,
    /// The last revision of each, by its id and its node: no node speaks for another.
    violations: BTreeMap<(String, String), Violation>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Places {
    /// By the names of their profiles.
    pub all: BTreeMap<String, Place>,
    /// Violations of containers whose digest nobody told.
    pub untold: BTreeSet<(String, String)>,
}

/// What is known in short of the violations of one rule and entry in several instances.
#[derive(Debug)]
pub struct Deviation<'a> {
    /// One of them.
    pub of: &'a Violation,
    /// How often it happened.
    pub count: u64,
    /// The violations.
    pub ids: Vec<&'a str>,
    /// Where.
    pub nodes: BTreeSet<&'a str>,
    /// When it was seen first, and last.
    pub first: Option<&'a Timestamp>,
    pub last: Option<&'a Timestamp>,
}

impl Places {
    fn of(&mut self, workload: Option<&Workload>) -> &mut Place {
        let name = workload.map(crate::judge::name_of).unwrap_or_default();
        self.all.entry(name).or_default()
    }

    /// A container runs.
    pub fn run(&mut self, traced: TracedContainer) {
        let place = self.of(traced.workload.as_ref());
        place.containers.push(traced);
    }

    /// What a profile knows of the image.
    pub fn know(&mut self, profile: &ProfileSummary, digits: &Digits) {
        let versions = profile.versions.iter();
        let own: Vec<_> = versions
            .filter(|version| digits.are_of(&version.digest))
            .cloned()
            .collect();
        if own.is_empty() && !self.all.contains_key(&profile.name) {
            return;
        }
        let place = self.all.entry(profile.name.clone()).or_default();
        place.versions = own;
        place.mode = Some(profile.mode());
    }

    /// A violation was reported.
    pub fn deviated(&mut self, violation: Violation, digits: &Digits) {
        let Some(container) = &violation.container else {
            return;
        };
        let key = (violation.id.clone(), violation.node.clone());
        match digits.fit(&container.image_digest) {
            Some(true) => {}
            Some(false) => return,
            None => {
                self.untold.insert(key);
                return;
            }
        }
        let place = self.of(violation.workload.as_ref());
        // Revisions follow one another of an agent; by a controller they may come in any order.
        let known = place.violations.get(&key);
        if known.is_none_or(|known| known.revision <= violation.revision) {
            place.violations.insert(key, violation);
        }
    }
}

impl Place {
    /// The nodes where it runs, or something deviated.
    #[must_use]
    pub fn nodes(&self) -> BTreeSet<&str> {
        let running = self.containers.iter().map(|one| one.node.as_str());
        let deviated = self.violations.values().map(|one| one.node.as_str());
        let all = running.chain(deviated);
        all.filter(|node| !node.is_empty()).collect()
    }

    /// Since when it runs.
    #[must_use]
    pub fn since(&self) -> Option<&Timestamp> {
        let starts = self.containers.iter();
        let starts = starts.filter_map(|one| one.start_time.as_ref());
        starts.min_by_key(|at| nanoseconds(at))
    }

    /// The worst first.
    #[must_use]
    pub fn deviations(&self) -> Vec<Deviation<'_>> {
        let mut all: BTreeMap<&str, Deviation<'_>> = BTreeMap::new();
        let at = |time: &&Timestamp| nanoseconds(time);
        for ((id, _), violation) in &self.violations {
            let one = { all.entry(&violation.fingerprint) }.or_insert_with(|| Deviation {
                of: violation,
                count: 0,
                ids: Vec::new(),
                nodes: BTreeSet::new(),
                first: None,
                last: None,
            });
            one.count = one.count.saturating_add(violation.count);
            one.ids.push(id);
            one.nodes.insert(&violation.node);
            one.first = one
                .first
                .into_iter()
                .chain(&violation.first_seen)
                .min_by_key(at);
            one.last = one
                .last
                .into_iter()
                .chain(&violation.last_seen)
                .max_by_key(at);
        }
        let mut all: Vec<_> = all.into_values().collect();
        all.sort_by_key(|one| (std::cmp::Reverse(one.of.severity), one.of.rule.clone()));
        all
    }
}
