//! How often the judge said what, for the status.

use lapwing_abi::hooks::Row;
use lapwing_profile::behaviour::Kind;
use lapwing_proto::v1::behaviour::Outcome;
use lapwing_proto::v1::{Violation, get_status_response as status};
use std::collections::BTreeMap;

/// What may be said of a behaviour.
const OUTCOMES: [Outcome; 5] = [
    Outcome::Unspecified,
    Outcome::Known,
    Outcome::Learned,
    Outcome::Deviation,
    Outcome::RefusedFull,
];

/// Counters by kind and outcome.
type Counts = [[u64; OUTCOMES.len()]; Kind::ALL.len()];

/// Counters since the start.
#[derive(Debug)]
pub struct Tally {
    /// By hook: first of what none saw, then in the order of the rows.
    judged: Box<[Counts]>,
    violations: u64,
    /// By rule and severity.
    reported: BTreeMap<(String, i32), u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            judged: vec![Counts::default(); 1 + Row::ALL.len()].into(),
            violations: 0,
            reported: BTreeMap::new(),
        }
    }
}

impl Tally {
    /// Counts what a hook saw; none if the agent found it out by itself.
    pub(super) fn judged(&mut self, hook: Option<Row>, kind: Kind, outcome: Outcome) {
        let of_hook = &mut self.judged[hook.map_or(0, |row| usize::from(row.raw()))];
        of_hook[kind as usize][outcome as usize] += 1;
    }

    /// Counts those that are new; updates have been counted.
    pub(super) fn reported(&mut self, reports: &[Violation]) {
        for report in reports.iter().filter(|report| report.revision == 1) {
            self.violations += 1;
            let rule = (report.rule.clone(), report.severity);
            *self.reported.entry(rule).or_default() += 1;
        }
    }

    /// Violations, updates not counted.
    #[must_use]
    pub const fn violations(&self) -> u64 {
        self.violations
    }

    /// What was said of behaviours; only what was.
    #[must_use]
    pub fn by_outcome(&self) -> Vec<status::Judged> {
        let hooks = std::iter::once("").chain(Row::ALL.iter().map(|row| row.id()));
        let each = |(hook, counts): (&str, &Counts)| -> Vec<_> {
            let all = Kind::ALL.iter().zip(counts);
            all.flat_map(|(kind, counts)| {
                let counted = OUTCOMES.iter().zip(counts).filter(|(_, count)| **count > 0);
                counted.map(|(outcome, count)| status::Judged {
                    hook: hook.to_owned(),
                    kind: kind.word().to_owned(),
                    outcome: (*outcome).into(),
                    count: *count,
                })
            })
            .collect()
        };
        hooks.zip(&self.judged).flat_map(each).collect()
    }

    /// Violations by rule and severity; only those that happened.
    #[must_use]
    pub fn by_rule(&self) -> Vec<status::Reported> {
        let one = |((rule, severity), count): (&(String, i32), &u64)| status::Reported {
            rule: rule.clone(),
            severity: *severity,
            count: *count,
        };
        self.reported.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::v1::violation::Severity;

    #[test]
    fn each_hook_kind_and_outcome_has_a_counter_of_its_own() {
        let mut tally = Tally::default();
        let mut times = 0;
        for hook in [None, Some(Row::ProcessExec), Row::ALL.last().copied()] {
            for kind in Kind::ALL {
                for outcome in OUTCOMES {
                    times += 1;
                    for _ in 0..times {
                        tally.judged(hook, *kind, outcome);
                    }
                }
            }
        }
        let told = tally.by_outcome();
        let counts: Vec<u64> = told.iter().map(|it| it.count).collect();
        assert_eq!(counts, (1..=times).collect::<Vec<_>>());
        let (first, last) = (told.first().unwrap(), told.last().unwrap());
        assert_eq!(
            (&*first.hook, &*first.kind, first.outcome()),
            ("", "exec", Outcome::Unspecified)
        );
        assert_eq!(
            (&*last.hook, &*last.kind, last.outcome()),
            ("privilege.capability", "privilege", Outcome::RefusedFull)
        );
    }

    #[test]
    fn an_update_is_no_violation_more() {
        let report = |rule: &str, severity: Severity, revision| Violation {
            rule: rule.to_owned(),
            severity: severity.into(),
            revision,
            ..Violation::default()
        };
        let mut tally = Tally::default();
        tally.reported(&[
            report("exec.unknown", Severity::High, 1),
            report("exec.unknown", Severity::High, 2),
            report("exec.unknown", Severity::Medium, 1),
            report("dns.unknown", Severity::Medium, 1),
        ]);
        tally.reported(&[report("exec.unknown", Severity::High, 1)]);
        let by_rule = tally.by_rule();
        let told: Vec<_> = { by_rule.iter() }
            .map(|it| (&*it.rule, it.severity(), it.count))
            .collect();
        assert_eq!(
            told,
            [
                ("dns.unknown", Severity::Medium, 1),
                ("exec.unknown", Severity::Medium, 1),
                ("exec.unknown", Severity::High, 2),
            ]
        );
        assert_eq!(tally.violations(), 4);
    }
}
