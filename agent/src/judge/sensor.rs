//! Reports about the sensor itself: what was lost, and where it sees, stores or decides less than it
//! should.

use super::episodes::Moment;
use super::{Judge, Scene, report};
use lapwing_profile::fingerprint;
use lapwing_profile::profile::Mode;
use lapwing_profile::rule::Rule;
use lapwing_profile::text::visible;
use lapwing_proto::v1::{self, watch_response::Item};

impl Judge {
    /// Events of a container were lost, which the stream tells as a gap. Where its profile is
    /// compared with, that is a violation as well: what happened in the gap may have been one.
    /// Repeats of one reason count up in one violation.
    pub fn lost(&mut self, gap: v1::Gap, scene: Scene<'_>, now: Moment) -> Vec<Item> {
        let (workload, home) = (&scene.instance.workload, scene.instance.home);
        if self.modes.is_off(home) {
            return Vec::new(); // The gap itself is told.
        }
        let mode = match scene.instance.is_named() {
            true => self.keeper.of(workload).map(|kept| {
                kept.gap(now.wall);
                kept.profile.mode()
            }),
            false => Some(self.modes.start(home).unwrap_or(self.keeper.start)),
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

    /// Whether reports are not written to disk, and why. Reported when it begins, and by the next revision
    /// when it is over.
    pub fn feed(&mut self, trouble: Option<String>, now: Moment) -> Vec<Item> {
        const REASON: &str = "feed-not-written";
        let fingerprint = fingerprint::hex(&[REASON.as_bytes(), self.node.as_bytes()]);
        let open = self.episodes.is_open(&fingerprint, 0);
        let reports = match trouble {
            Some(detail) if !open => {
                let violation = self.about_sensor(REASON, visible(&detail).into_owned());
                self.episodes
                    .occurred(&fingerprint, 0, "", now, || violation)
            }
            None if open => self.episodes.over(&fingerprint, 0, now, |violation| {
                if let Some(v1::violation::Detail::Degraded(degraded)) = &mut violation.detail {
                    degraded.detail = format!(
                        "over: reports are written again, and so are those that were held; it was: {}",
                        degraded.detail
                    );
                }
            }),
            Some(_) | None => Vec::new(),
        };
        self.reported(reports).collect()
    }

    /// What goes wrong with the profile of a container.
    pub(super) fn degraded(
        &mut self,
        scene: Scene<'_>,
        at: Moment,
        reason: &str,
        detail: String,
    ) -> Vec<Item> {
        let mut violation = self.about_sensor(reason, detail);
        violation.workload = Some(report::workload(&scene.instance.workload));
        violation.container = Some(report::container(scene.instance));
        let fingerprint = fingerprint::hex(&[
            reason.as_bytes(),
            scene.instance.workload.to_string().as_bytes(),
        ]);
        let reports = self.episodes.occurred(
            &fingerprint,
            scene.instance.home,
            &scene.instance.id,
            at,
            || violation,
        );
        self.reported(reports).collect()
    }

    /// A violation that says so, of no container yet.
    pub(super) fn about_sensor(&self, reason: &str, detail: String) -> v1::Violation {
        let mut violation = v1::Violation {
            cluster: self.cluster.clone(),
            node: self.node.clone(),
            detail: Some(v1::violation::Detail::Degraded(v1::Degraded {
                reason: reason.to_owned(),
                detail,
            })),
            ..v1::Violation::default()
        };
        report::apply_rule(
            &mut violation,
            Rule::SensorDegraded,
            self.ratings.of(Rule::SensorDegraded),
            Rule::SensorDegraded.attack(),
        );
        violation
    }

    /// A hook that no program serves on this kernel.
    pub fn blind(&mut self, row: &str, text: String, now: Moment) -> Vec<Item> {
        let violation = self.about_sensor("hook", text);
        let fingerprint = fingerprint::hex(&[b"hook", row.as_bytes(), self.node.as_bytes()]);
        let reports = self
            .episodes
            .occurred(&fingerprint, 0, "", now, || violation);
        self.reported(reports).collect()
    }

    /// Files that held no profile when the agent started.
    pub fn set_aside(&mut self, now: Moment) -> Vec<Item> {
        let mut items = Vec::new();
        for aside in std::mem::take(&mut self.keeper.aside) {
            let path = aside.path.as_os_str().as_encoded_bytes();
            let fingerprint = fingerprint::hex(&[b"profile-damaged", path, self.node.as_bytes()]);
            let violation =
                self.about_sensor("profile-damaged", visible(&aside.to_string()).into_owned());
            let reports = self
                .episodes
                .occurred(&fingerprint, 0, "", now, || violation);
            items.extend(self.reported(reports));
        }
        items
    }
}
