//! Reports about the sensor itself that belong to a container.

use super::episodes::Moment;
use super::{Judge, Scene, report};
use lapwing_profile::fingerprint;
use lapwing_profile::profile::Mode;
use lapwing_profile::rule::Rule;
use lapwing_proto::v1::{self, watch_response::Item};

impl Judge {
    /// Events of a container were lost, which the stream tells as a gap. Where its profile is
    /// compared with, that is a violation as well: what happened in the gap may have been one.
    /// Repeats of one reason count up in one violation.
    pub fn lost(&mut self, gap: v1::Gap, scene: Scene<'_>, now: Moment) -> Vec<Item> {
        let workload = &scene.instance.workload;
        let mode = match scene.instance.is_named() {
            true => self.keeper.of(workload).map(|kept| {
                kept.gap(now.wall);
                kept.profile.mode()
            }),
            false => Some(self.keeper.fresh(workload).profile.mode()),
        };
        match mode {
            Some(Mode::Monitoring) => {}
            // A profile that learns is the poorer for it, which the gap says.
            Some(Mode::Learning | Mode::Review) | None => return Vec::new(),
        }
        let rule = Rule::SensorGap;
        let parts = [
            rule.id().to_owned(),
            gap.reason.clone(),
            workload.to_string(),
        ];
        let fingerprint = fingerprint::hex(&parts.each_ref().map(String::as_bytes));
        let mut violation = v1::Violation {
            cluster: self.cluster.clone(),
            node: self.node.clone(),
            mode: report::mode(Mode::Monitoring).into(),
            workload: Some(report::workload(workload)),
            container: Some(report::container(scene.instance)),
            detail: Some(v1::violation::Detail::Gap(gap)),
            ..v1::Violation::default()
        };
        report::apply_rule(&mut violation, rule, self.ratings.of(rule), rule.attack());
        let reports = self.episodes.occurred(
            &fingerprint,
            scene.instance.home,
            &scene.instance.id,
            now,
            || violation,
        );
        self.reported(reports).collect()
    }
}
