//! Violations that repeat: the first occurrence is reported at once, later ones
//! raise a count, and the count is reported anew at most once a period.

use lapwing_profile::fingerprint;
use lapwing_proto::timestamp;
use lapwing_proto::v1::Violation;
use std::collections::HashMap;

const SECOND: i64 = 1_000_000_000;
/// Least time between two reports of one episode, in nanoseconds.
pub const PERIOD: i64 = 10 * SECOND;
/// Quiet that ends an episode, in nanoseconds.
pub const QUIET: i64 = 24 * 3600 * SECOND;
/// Episodes that are held open.
pub const EPISODES_MAX: usize = 16_384;

struct Episode {
    violation: Violation,
    last: i64,
    reported: i64,
    reported_count: u64,
}

/// Fingerprint of the deviation, and the container's cgroup.
type Key = (String, u64);

/// Episodes that go on.
#[derive(Default)]
pub struct Episodes {
    open: HashMap<Key, Episode>,
}

impl Episodes {
    /// An occurrence at a time. `make` builds the report of a new episode; id, fingerprint,
    /// revision, count and times are filled in here. Answers with what is to be reported now.
    pub fn occurred(
        &mut self,
        fingerprint: &str,
        home: u64,
        instance: &str,
        at: i64,
        make: impl FnOnce() -> Violation,
    ) -> Option<Violation> {
        let key = (fingerprint.to_owned(), home);
        if let Some(episode) = self.open.get_mut(&key) {
            episode.last = episode.last.max(at);
            let violation = &mut episode.violation;
            violation.count += 1;
            violation.last_seen = Some(timestamp(episode.last));
            return None;
        }
        let mut violation = make();
        violation.id = fingerprint::violation(fingerprint, instance, at);
        violation.fingerprint = fingerprint.to_owned();
        violation.revision = 1;
        violation.count = 1;
        for time in [
            &mut violation.time,
            &mut violation.first_seen,
            &mut violation.last_seen,
        ] {
            *time = Some(timestamp(at));
        }
        if self.open.len() >= EPISODES_MAX {
            self.close_oldest();
        }
        let episode = Episode {
            violation: violation.clone(),
            last: at,
            reported: at,
            reported_count: 1,
        };
        self.open.insert(key, episode);
        Some(violation)
    }

    /// Counts that rose since they were reported last, a period ago or longer.
    pub fn due(&mut self, now: i64) -> Vec<Violation> {
        let mut due = Vec::new();
        for episode in self.open.values_mut() {
            if episode.violation.count > episode.reported_count && now - episode.reported >= PERIOD
            {
                due.push(episode.report(now));
            }
        }
        self.open.retain(|_, episode| now - episode.last < QUIET);
        due
    }

    /// Counts that rose since they were reported last, however short ago: for the end.
    pub fn flush(&mut self, now: i64) -> Vec<Violation> {
        self.open
            .values_mut()
            .filter(|episode| episode.violation.count > episode.reported_count)
            .map(|episode| episode.report(now))
            .collect()
    }

    /// The line that would approve what an id or a fingerprint names.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Violation> {
        self.open
            .values()
            .map(|episode| &episode.violation)
            .find(|violation| violation.id == name || violation.fingerprint == name)
    }

    /// An approved deviation repeats no more: its next occurrence, if refused later, is new.
    pub fn close(&mut self, fingerprint: &str) {
        self.open.retain(|(of, _), _| of != fingerprint);
    }

    fn close_oldest(&mut self) {
        let oldest = self
            .open
            .iter()
            .min_by_key(|(_, episode)| episode.last)
            .map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            self.open.remove(&key);
        }
    }
}

impl Episode {
    fn report(&mut self, now: i64) -> Violation {
        self.violation.revision += 1;
        self.reported = now;
        self.reported_count = self.violation.count;
        self.violation.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occur(episodes: &mut Episodes, fingerprint: &str, at: i64) -> Option<Violation> {
        episodes.occurred(fingerprint, 1, "c1", at, Violation::default)
    }

    #[test]
    fn repeats_raise_the_count_of_one_report() {
        let mut episodes = Episodes::default();
        let first = occur(&mut episodes, "f", 100).unwrap();
        assert_eq!((first.revision, first.count), (1, 1));
        assert_eq!(occur(&mut episodes, "f", 101), None);
        assert_eq!(occur(&mut episodes, "f", 102), None);
        assert!(episodes.due(100 + PERIOD - 1).is_empty());
        let update = episodes.due(100 + PERIOD).pop().unwrap();
        assert_eq!((update.revision, update.count), (2, 3));
        assert_eq!(
            (&update.id, update.first_seen),
            (&first.id, first.first_seen)
        );
        assert_eq!(update.last_seen, Some(timestamp(102)));
        assert!(episodes.due(100 + 3 * PERIOD).is_empty(), "nothing new");
        assert_eq!(
            episodes.find(&first.id).map(|violation| violation.count),
            Some(3)
        );
    }

    #[test]
    fn a_day_of_quiet_ends_an_episode() {
        let mut episodes = Episodes::default();
        let first = occur(&mut episodes, "f", 0).unwrap();
        episodes.due(QUIET);
        let second = occur(&mut episodes, "f", QUIET + 1).unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(first.fingerprint, second.fingerprint);
    }

    #[test]
    fn the_end_reports_what_is_not_reported_yet() {
        let mut episodes = Episodes::default();
        occur(&mut episodes, "f", 0);
        occur(&mut episodes, "f", 1);
        occur(&mut episodes, "g", 1);
        let last = episodes.flush(2);
        assert_eq!(last.len(), 1);
        assert_eq!(last[0].count, 2);
    }

    #[test]
    fn the_number_of_open_episodes_is_bounded() {
        let mut episodes = Episodes::default();
        for n in 0..EPISODES_MAX as i64 + 10 {
            assert!(occur(&mut episodes, &n.to_string(), n).is_some());
        }
        assert_eq!(episodes.open.len(), EPISODES_MAX);
        assert!(
            !episodes.open.contains_key(&("0".to_owned(), 1)),
            "the oldest went"
        );
    }
}
