//! What a candidate would have reported: see [`lapwing_profile::replay`].

use super::Judge;
use super::decide::AskError;
use super::report::severity;
use lapwing_profile::profile::Profile;
use lapwing_proto::{timestamp, v1};

impl Judge {
    /// Takes what was seen of a workload to a candidate for its profile: all of it, or what was
    /// seen since a time, in nanoseconds since the Unix epoch. Without a `name` the candidate says
    /// whose it is.
    ///
    /// # Errors
    /// When the text is no profile, or there is no profile of that workload.
    pub fn replay(
        &self,
        yaml: &str,
        name: &str,
        since: Option<i64>,
    ) -> Result<v1::ReplayProfileResponse, AskError> {
        let candidate =
            Profile::from_yaml(yaml).map_err(|error| AskError::BadProfile(error.to_string()))?;
        let name = match name {
            "" => candidate.workload.to_string(),
            name => name.to_owned(),
        };
        let live = &self.keeper.find(&name)?.profile;
        let names = self.recent.of(&live.workload);
        let replay = live.replay(names, &candidate, since);
        let reported = replay.reported.into_iter().map(|one| {
            let times = one.times;
            v1::replay_profile_response::Reported {
                rule: one.class.rule.id().to_owned(),
                severity: severity(one.class.severity).into(),
                attack: one.class.attack.iter().map(|&id| id.to_owned()).collect(),
                entry: one.entry.to_string(),
                first_seen: times.first.map(timestamp),
                last_seen: Some(timestamp(times.last)),
                count: times.count,
                nearest: one.nearest.unwrap_or_default(),
            }
        });
        Ok(v1::ReplayProfileResponse {
            name: live.workload.to_string(),
            seen: replay.seen as u64,
            reported: reported.collect(),
            open: replay.open.iter().map(ToString::to_string).collect(),
            names_since: Some(timestamp(self.recent.since())),
        })
    }
}
