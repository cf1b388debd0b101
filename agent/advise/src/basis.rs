//! What advice rests on: how much was observed, what was lost, what is missing.

use crate::Given;
use crate::evidence::{Facts, seconds};
use lapwing_profile::evidence::conditions::Progress;
use lapwing_profile::evidence::settings::{Settings, duration};
use lapwing_profile::profile::{Mode, Profile, Verdict};
use serde::Serialize;

/// Coverage and losses of the profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Basis {
    /// Whether nothing speaks against relying on it.
    pub complete: bool,
    /// What does.
    pub reasons: Vec<String>,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
    /// The profile's mode.
    pub mode: &'static str,
    /// For how long the workload was observed, in seconds.
    pub observed_seconds: u64,
    /// The same, in words.
    pub observed: String,
    /// In how many instances.
    pub instances: u64,
    /// How many of these were seen from their first program.
    pub starts: u64,
    /// The lowest estimate of all classes of behaviour: the share of what happens that was seen.
    /// `None` where there is too little for one.
    pub coverage: Option<f64>,
    /// Classes of behaviour, at the start and later, for which there is too little for one: `coverage` says nothing
    /// of them.
    pub coverage_unknown: usize,
    /// When events of it were last lost, in RFC 3339; `None` if never, as far as is known.
    pub last_loss: Option<String>,
    /// Whether the profile holds evidence of when and where it was learned; without, `last_loss` says
    /// nothing.
    pub has_evidence: bool,
    /// Behaviours that found no room in the profile.
    pub overflow: u64,
    /// What the agent lost in all since it started, reason by reason; `None` where no agent was asked.
    pub agent_losses: Option<Vec<Loss>>,
    /// Entries that the advice follows from.
    pub entries: usize,
    /// Of these, those of which nobody told who did them.
    pub without_provenance: usize,
}

/// Events that an agent lost, of all containers of its node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
}

impl Basis {
    /// Of a profile alone, by the default conditions of learning.
    #[must_use]
    pub fn of_profile(profile: &Profile) -> Self {
        let progress = profile.progress(&Settings::default());
        Self::of(profile, &progress, &Given::default(), &Facts::of(profile))
    }

    /// For how long and where it was observed, and what was lost, in a line.
    #[must_use]
    pub fn line(&self) -> String {
        let coverage = match self.coverage {
            // Never rounded up to all.
            Some(share) => format!(
                "coverage at least {:.3}{}",
                (share * 1_000.0).floor() / 1_000.0,
                self.without()
            ),
            None => "coverage unknown".to_owned(),
        };
        let losses = match &self.last_loss {
            Some(last) => format!("events were lost, last at {}", seconds(last)),
            None if self.has_evidence => "no losses known".to_owned(),
            None => "losses unknown".to_owned(),
        };
        format!(
            "observed for {}, instances: {}, {coverage}, {losses}, entries: {}",
            self.observed, self.instances, self.entries
        )
    }

    /// What stands beside the lowest estimate where classes have none; else nothing.
    #[must_use]
    pub fn without(&self) -> String {
        match self.coverage_unknown {
            0 => String::new(),
            1 => " (unknown for 1 class)".to_owned(),
            many => format!(" (unknown for {many} classes)"),
        }
    }

    pub(crate) fn of(
        profile: &Profile,
        progress: &Progress,
        given: &Given<'_>,
        facts: &Facts,
    ) -> Self {
        let observed = profile.observed();
        let shares = || progress.classes.iter().map(|it| it.sampled.coverage());
        let told = |fact: &&crate::evidence::Fact| fact.seen.uids.is_empty();
        let mut basis = Self {
            complete: false,
            reasons: Vec::new(),
            notes: progress.note().into_iter().collect(),
            mode: profile.mode().word(),
            observed_seconds: progress.observed.unsigned_abs() / 1_000_000_000,
            observed: duration(progress.observed),
            instances: progress.instances,
            starts: observed.starts(),
            coverage: shares().flatten().reduce(f64::min),
            coverage_unknown: shares().filter(Option::is_none).count(),
            last_loss: observed.last_gap().map(lapwing_profile::file::time),
            has_evidence: !observed.is_empty(),
            overflow: profile.overflow(),
            agent_losses: None,
            entries: facts.all.len(),
            without_provenance: facts.all.iter().filter(told).count(),
        };
        let defaults = || progress.unmet.iter().map(ToString::to_string).collect();
        let unmet = given.unmet.map_or_else(defaults, <[String]>::to_vec);
        basis.reasons = basis.missing(profile, unmet, facts);
        if given.sees_capabilities == Some(false) {
            basis.reasons.push(crate::capability::UNSEEN.to_owned());
        }
        basis.complete = basis.reasons.is_empty();
        basis
    }

    fn missing(&mut self, profile: &Profile, unmet: Vec<String>, facts: &Facts) -> Vec<String> {
        let mut reasons = Vec::new();
        match profile.mode() {
            Mode::Learning => reasons.push("the profile still learns".to_owned()),
            Mode::Review => reasons.push("the profile is in review: nobody approved it".to_owned()),
            Mode::Monitoring => {}
        }
        if !self.has_evidence {
            reasons
                .push("the profile holds no evidence of when and where it was learned".to_owned());
        }
        reasons.extend(unmet);
        if self.overflow > 0 {
            let count = self.overflow;
            reasons.push(format!(
                "{count} behaviours were seen and not kept: the profile was full"
            ));
        }
        let pending = profile.entries(Verdict::Pending);
        if let Some(first) = pending.keys().next() {
            reasons.push(format!(
                "entries that wait for a decision and are left out: {}, the first is {first}; \
                 `lapwing profile show` has all",
                pending.len()
            ));
        }
        if facts.escaped > 0 {
            self.notes.push(format!(
                "{} approved entries are of processes that left the container, and are left out",
                facts.escaped
            ));
        }
        reasons
    }
}
