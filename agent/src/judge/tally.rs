//! How often the judge said what, for the status.

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

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Tally {
    /// By kind and outcome.
    judged: [[u64; OUTCOMES.len()]; Kind::ALL.len()],
    violations: u64,
    /// By rule and severity.
    reported: BTreeMap<(String, i32), u64>,
}

impl Tally {
    pub(super) fn judged(&mut self, kind: Kind, outcome: Outcome) {
        self.judged[kind as usize][outcome as usize] += 1;
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
        let each = |kind: &Kind| OUTCOMES.map(|outcome| (*kind, outcome));
        let all = Kind::ALL.iter().flat_map(each);
        let counted = all.map(|(kind, outcome)| status::Judged {
            kind: kind.word().to_owned(),
            outcome: outcome.into(),
            count: self.judged[kind as usize][outcome as usize],
        });
        counted.filter(|judged| judged.count > 0).collect()
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
    fn each_kind_and_outcome_has_a_counter_of_its_own() {
        let mut tally = Tally::default();
        let mut times = 0;
        for kind in Kind::ALL {
            for outcome in OUTCOMES {
                times += 1;
                for _ in 0..times {
                    tally.judged(*kind, outcome);
                }
            }
        }
        let counts: Vec<u64> = tally.by_outcome().iter().map(|it| it.count).collect();
        assert_eq!(counts, (1..=times).collect::<Vec<_>>());
        let last = tally.by_outcome().pop().unwrap();
        assert_eq!(
            (&*last.kind, last.outcome()),
            ("privilege", Outcome::RefusedFull)
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
