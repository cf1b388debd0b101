//! How many new violations a container may have reported in a while.
//!
//! A repeat costs a count, but a program that does something else each time makes a violation of
//! each: enough of them bury everything else, in the log of reports and in whoever reads it. So
//! of each rule, and within it of each severity by kind, a container has a number of *new*
//! violations in a time; what comes after is counted, exactly, in one violation
//! `sensor.degraded` of that container, with the rule and the first of them in its words. Noise of
//! one rule takes nothing from another, a change of `/etc/passwd` is not limited by that of ordinary
//! files, and a noisy container mutes no other, not even one of the same workload.
//!
//! What was only counted is not forgotten: it waits in the profile as any deviation does, as far
//! as there is room, and stays counted as long as that violation goes on. In another container,
//! or once the container was quiet for a day, it is new again. A container that nobody could name
//! has no profile; of what it did beyond the limit only the count is left.

use super::episodes::{Episodes, Moment};
use super::{Judge, Scene, report};
use lapwing_profile::entry::Entry;
use lapwing_profile::evidence::settings::duration;
use lapwing_profile::fingerprint;
use lapwing_profile::learn::Deviation;
use lapwing_profile::rule::{Rule, Severity};
use lapwing_proto::v1::watch_response::Item;
use std::collections::HashMap;

/// Containers times rules that are remembered, before what is over is looked for.
const KEPT: usize = 4_096;

/// How much is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// New violations of one rule and severity of a container.
    pub new: u32,
    /// In so much time, in nanoseconds.
    pub period: u64,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            new: 1_000,
            period: 600_000_000_000,
        }
    }
}

/// What was reported of one rule.
#[derive(Clone, Copy, Debug)]
struct Spent {
    /// Since when, since boot in nanoseconds.
    since: u64,
    count: u32,
}

/// What was reported of all.
#[derive(Debug, Default)]
pub(super) struct Limits {
    limit: Limit,
    /// By the container's cgroup.
    of: HashMap<(u64, Rule, Severity), Spent>,
}

impl Limits {
    /// Whether one more may be reported, which counts then.
    pub(super) fn admit(&mut self, home: u64, deviation: Deviation, now: u64) -> bool {
        let Limit { new, period } = self.limit;
        if self.of.len() >= KEPT {
            self.of
                .retain(|_, spent| now.saturating_sub(spent.since) < period);
        }
        let key = (home, deviation.rule, deviation.severity);
        let spent = self.of.entry(key).or_insert(Spent {
            since: now,
            count: 0,
        });
        if now.saturating_sub(spent.since) >= period {
            *spent = Spent {
                since: now,
                count: 0,
            };
        }
        let admitted = spent.count < new;
        spent.count = spent.count.saturating_add(u32::from(admitted));
        admitted
    }
}

impl Judge {
    /// A deviation is only counted. Answers the fingerprint of the violation that counts it, and
    /// what is to be reported.
    pub(super) fn only_counted(
        &mut self,
        deviation: Deviation,
        entry: &Entry,
        scene: Scene<'_>,
        at: Moment,
    ) -> (String, Vec<Item>) {
        const REASON: &str = "violations-limited";
        let (workload, rule) = (&scene.instance.workload, deviation.rule);
        let Limit { new, period } = self.limits.limit;
        let left = match scene.instance.is_named() {
            true => "all of them wait in its profile as far as there is room",
            false => "nobody could name it, so nothing else is kept of them",
        };
        let text = format!(
            "more than {new} new violations of {rule} of one container of {workload} came within \
             {period}: `count` tells how often it did what is beyond, first `{entry}`; {left}",
            rule = rule.id(),
            period = duration(i64::try_from(period).unwrap_or(i64::MAX)),
        );
        let mut violation = self.about_sensor(REASON, text);
        violation.workload = Some(report::workload(workload));
        violation.container = Some(report::container(scene.instance));
        let fingerprint = fingerprint::hex(&[
            REASON.as_bytes(),
            rule.id().as_bytes(),
            deviation.severity.word().as_bytes(),
            workload.to_string().as_bytes(),
        ]);
        let instance = scene.instance;
        let reports = self
            .episodes
            .occurred(&fingerprint, instance.home, &instance.id, at, || violation);
        let items = self.reported(reports).collect();
        (fingerprint, items)
    }

    /// With another limit than the default one.
    #[must_use]
    pub fn with_limit(mut self, limit: Limit) -> Self {
        self.limits.limit = limit;
        self
    }

    /// With another time between two reports of one violation than the default one, in nanoseconds. For
    /// the start: it forgets what was open.
    #[must_use]
    pub fn with_repeats(mut self, period: u64) -> Self {
        self.episodes = Episodes::every(period);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn deviation(rule: Rule, severity: Severity) -> Deviation {
        Deviation {
            rule,
            severity,
            attack: &[],
            pending: false,
            has_grace: false,
        }
    }

    #[test]
    fn each_rule_and_severity_of_each_container_has_its_own() {
        let mut limits = Limits {
            limit: Limit {
                new: 3,
                period: 10 * SECOND,
            },
            ..Limits::default()
        };
        let file = deviation(Rule::FileUnknown, Severity::Medium);
        let mut admit = |home: u64, deviation, now: u64| {
            (0..5)
                .filter(|_| limits.admit(home, deviation, now * SECOND))
                .count()
        };
        assert_eq!(admit(1, file, 0), 3);
        assert_eq!(admit(1, file, 9), 0);
        for (home, deviation) in [
            (2, file),
            (1, deviation(Rule::FileUnknown, Severity::Critical)),
            (1, deviation(Rule::ExecUnknown, Severity::Medium)),
        ] {
            assert_eq!(admit(home, deviation, 9), 3);
        }
        assert_eq!(admit(1, file, 10), 3, "the time is over");
    }

    #[test]
    fn what_is_remembered_is_bounded_by_what_runs() {
        let mut limits = Limits::default();
        let file = deviation(Rule::FileUnknown, Severity::Medium);
        for number in 0..3 * KEPT as u64 {
            assert!(limits.admit(number, file, number * SECOND));
        }
        assert!(limits.of.len() <= KEPT + 1, "{}", limits.of.len());
    }
}
