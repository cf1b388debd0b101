//! What the controller makes of what nodes learn.

use super::{Learning, Length, Promote};
use crate::controller::learned::Rules;
use lapwing_profile::collected::Terms;
use serde::Deserialize;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

section! {
    /// What nodes learn, brought together in LearnedProfiles.
    Learned {
        /// Whether agents are asked for it.
        enabled "enabled": bool = true,
        /// Nodes that have to have shown what most did not, where three or more run the workload.
        quorum "quorum": u32 = 2,
        /// When learning is over, as in the agents' configuration; of instances as many are wanted as run,
        /// three at the most.
        evidence "evidence": Learning = Learning::default(),
        /// Between two writes of one object at least.
        interval "interval": Length = Length(10 * SECOND),
        /// The same where counts, times and figures alone went on.
        evidence_interval "evidenceInterval": Length = Length(600 * SECOND),
        /// For how long a workload that is seen nowhere is kept.
        keep "keep": Length = Length(30 * DAY),
        /// Who makes a BehaviorProfile of what is ready. The controller needs the right to, which the
        /// chart's value gives.
        promote "promote": Promote = Promote::Manual,
        /// Workloads of all nodes.
        workloads "workloads": usize = 20_000,
        /// Workloads that one node may be the first to tell of.
        workloads_of_node "workloadsOfNode": usize = 1_000,
        /// Bytes of all that is known, as text.
        bytes "bytes": usize = 256 << 20,
    }
}

impl Learned {
    /// What is wrong with a value: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |key, message: &str| Err((key, message.to_owned()));
        if !(1..=64).contains(&self.quorum) {
            return wrong("learned.quorum", "must be from 1 to 64");
        }
        self.evidence
            .check()
            .map_err(|(key, message)| ("learned.evidence", format!("`{key}` {message}")))?;
        if !(SECOND..=3_600 * SECOND).contains(&self.interval.0) {
            return wrong("learned.interval", "must be from 1s to 1h");
        }
        if !(self.interval.0..=DAY).contains(&self.evidence_interval.0) {
            return wrong(
                "learned.evidenceInterval",
                "must be from `learned.interval` to 1d",
            );
        }
        if !(DAY..=3_650 * DAY).contains(&self.keep.0) {
            return wrong("learned.keep", "must be from 1d to 3650d");
        }
        if !(1..=100_000).contains(&self.workloads) {
            return wrong("learned.workloads", "must be from 1 to 100000");
        }
        if !(1..=self.workloads).contains(&self.workloads_of_node) {
            return wrong(
                "learned.workloadsOfNode",
                "must be from 1 to `learned.workloads`",
            );
        }
        if !(1 << 20..=1 << 34).contains(&self.bytes) {
            return wrong("learned.bytes", "must be from 1048576 to 17179869184");
        }
        Ok(())
    }

    /// The same for who brings it together.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            terms: Terms {
                settings: self.evidence.settings(),
                quorum: self.quorum,
            },
            interval: self.interval.duration(),
            evidence: self.evidence_interval.duration(),
            keep: self.keep.0,
            workloads: [self.workloads, self.workloads_of_node],
            bytes: self.bytes,
            promotes: self.promote == Promote::Automatic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::controller::Controller;
    use std::path::Path;

    #[test]
    fn values_are_checked_and_named() {
        let parse = |text: &str| {
            let text = format!(
                "listen: {{address: '0.0.0.0:7443', insecure: true, clients: [{{identity: anonymous, verbs: \
                 [read], namespaces: ['*']}}]}}\nlearned: {{{text}}}"
            );
            Controller::parse(Path::new("c.yaml"), text.as_bytes())
        };
        let good =
            parse("quorum: 3, interval: 5s, keep: 90d, promote: automatic, evidence: {quiet: 1h}")
                .unwrap();
        assert!(good.learned.rules().promotes && !Learned::default().rules().promotes);
        let rules = good.learned.rules();
        assert_eq!((rules.terms.quorum, rules.keep), (3, 90 * DAY));
        assert_eq!(rules.terms.settings.quiet, 3_600 * SECOND);
        for (text, key) in [
            ("quorum: 0", "learned.quorum"),
            ("interval: 10ms", "learned.interval"),
            ("evidenceInterval: 1s", "learned.evidenceInterval"),
            ("keep: 1h", "learned.keep"),
            ("workloads: 0", "learned.workloads"),
            ("workloadsOfNode: 30000", "learned.workloadsOfNode"),
            ("bytes: 1", "learned.bytes"),
            ("evidence: {coverage: 2}", "learned.evidence"),
            ("promote: always", "one of manual, automatic"),
            ("quorom: 2", "did you mean"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(key), "{text}: {error}");
        }
    }
}
