//! Violations that repeat: the first occurrence is reported at once, later ones
//! raise a count, and the count is reported anew at most once a period.
//!
//! An episode is open while it may recur: until a day of quiet, until its
//! container is gone, or until there is no room, when the one that was quiet
//! longest ends early. What an ended one counted and did not report is reported as
//! it ends. Of ended ones the line that would approve them is kept, in bounds, so
//! that a person may still decide of them. Durations are measured by the time
//! since boot, which nobody sets; what is reported is the time of day.

use lapwing_profile::fingerprint;
use lapwing_proto::timestamp;
use lapwing_proto::v1::Violation;
use lapwing_proto::v1::violation::Severity;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::mem::size_of;

const SECOND: u64 = 1_000_000_000;
/// Least time between two reports of one episode, in nanoseconds, unless another is configured.
pub const PERIOD: u64 = 10 * SECOND;
/// Quiet that ends an episode, in nanoseconds.
pub const QUIET: u64 = 24 * 3600 * SECOND;
/// Episodes that are open at most.
pub const OPEN_MAX: usize = 16_384;
/// Bytes that they take at most.
pub const OPEN_BYTES_MAX: usize = 6 << 20;
/// Bytes that the lines of ended ones take at most.
pub const ENDED_BYTES_MAX: usize = 2 << 20;

/// A point in time on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds since boot.
    pub boot: u64,
    /// Nanoseconds since the Unix epoch.
    pub wall: i64,
}

/// Fingerprint of the deviation, and the container's cgroup.
type Key = (String, u64);

/// What a new version of an image did is reported milder for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// Until when, in nanoseconds since the Unix epoch.
    pub until: i64,
    /// How bad it is from then on.
    pub severity: Severity,
}

struct Episode {
    key: Key,
    violation: Violation,
    grace: Option<Grace>,
    /// Since boot.
    last: u64,
    reported: u64,
    reported_count: u64,
    bytes: usize,
}

/// What is kept of an ended episode.
struct Ended {
    id: String,
    fingerprint: String,
    target: Target,
}

/// What a person would approve or refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The profile's name.
    pub profile: String,
    /// The line; empty where nothing can be approved.
    pub patch: String,
}

/// Episodes that go on, and what is remembered of others.
pub struct Episodes {
    /// Least time between two reports of one, in nanoseconds.
    period: u64,
    /// By a number that rises.
    open: BTreeMap<u64, Episode>,
    numbers: HashMap<Key, u64>,
    /// By the last occurrence.
    order: BTreeSet<(u64, u64)>,
    /// Those in grace, by its end.
    graces: BTreeSet<(i64, u64)>,
    next: u64,
    bytes: usize,
    ended: VecDeque<Ended>,
    ended_bytes: usize,
    ended_early: u64,
    forgotten: u64,
}

impl Default for Episodes {
    fn default() -> Self {
        Self::every(PERIOD)
    }
}

impl Episodes {
    /// None yet. What repeats is reported anew after that time at the earliest, in nanoseconds.
    #[must_use]
    pub fn every(period: u64) -> Self {
        Self {
            period,
            open: BTreeMap::new(),
            numbers: HashMap::new(),
            order: BTreeSet::new(),
            graces: BTreeSet::new(),
            next: 0,
            bytes: 0,
            ended: VecDeque::new(),
            ended_bytes: 0,
            ended_early: 0,
            forgotten: 0,
        }
    }

    /// An occurrence. `make` builds the report of a new episode; id, fingerprint, revision, count
    /// and times are filled in here. Answers with what is to be reported now: a new one has
    /// revision 1, others ended for lack of room.
    pub fn occurred(
        &mut self,
        fingerprint: &str,
        home: u64,
        instance: &str,
        at: Moment,
        make: impl FnOnce() -> Violation,
    ) -> Vec<Violation> {
        let key = (fingerprint.to_owned(), home);
        if let Some(number) = self.numbers.get(&key)
            && let Some(episode) = self.open.get_mut(number)
        {
            if at.boot >= episode.last {
                self.order.remove(&(episode.last, *number));
                self.order.insert((at.boot, *number));
                episode.last = at.boot;
                episode.violation.last_seen = Some(timestamp(at.wall));
            }
            episode.violation.count += 1;
            return Vec::new();
        }
        let mut violation = make();
        violation.id = fingerprint::violation(fingerprint, instance, at.wall);
        violation.fingerprint = fingerprint.to_owned();
        violation.revision = 1;
        violation.count = 1;
        for time in [
            &mut violation.time,
            &mut violation.first_seen,
            &mut violation.last_seen,
        ] {
            *time = Some(timestamp(at.wall));
        }
        // The key twice, its places in the maps, and the report itself.
        let bytes = size_of::<Episode>() + violation.encoded_len() + 2 * key.0.len() + 96;
        let mut reports = Vec::new();
        while !self.open.is_empty()
            && (self.open.len() >= OPEN_MAX || self.bytes + bytes > OPEN_BYTES_MAX)
        {
            let Some((_, number)) = self.order.first().copied() else {
                break;
            };
            self.ended_early += 1;
            reports.extend(self.end(number));
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(key.clone(), number);
        self.order.insert((at.boot, number));
        self.bytes += bytes;
        let episode = Episode {
            key,
            violation: violation.clone(),
            grace: None,
            last: at.boot,
            reported: at.boot,
            reported_count: 1,
            bytes,
        };
        self.open.insert(number, episode);
        reports.push(violation);
        reports
    }

    /// Whether a deviation of a container is reported already, and may recur.
    #[must_use]
    pub fn is_open(&self, fingerprint: &str, home: u64) -> bool {
        self.numbers.contains_key(&(fingerprint.to_owned(), home))
    }

    /// Occurrences that were only counted. Answers whether the episode is still open.
    pub fn recurred(&mut self, fingerprint: &str, home: u64, count: u64, last: Moment) -> bool {
        let key = (fingerprint.to_owned(), home);
        let Some(number) = self.numbers.get(&key) else {
            return false;
        };
        let Some(episode) = self.open.get_mut(number) else {
            return false;
        };
        if last.boot >= episode.last {
            self.order.remove(&(episode.last, *number));
            self.order.insert((last.boot, *number));
            episode.last = last.boot;
            episode.violation.last_seen = Some(timestamp(last.wall));
        }
        episode.violation.count += count;
        true
    }

    /// Takes an episode out. Answers with what it did not report yet.
    fn take(&mut self, number: u64) -> Option<Episode> {
        let episode = self.open.remove(&number)?;
        self.numbers.remove(&episode.key);
        self.order.remove(&(episode.last, number));
        if let Some(grace) = episode.grace {
            self.graces.remove(&(grace.until, number));
        }
        self.bytes -= episode.bytes;
        Some(episode)
    }

    /// A new episode has grace; one that goes on keeps what it has.
    pub fn grant(&mut self, fingerprint: &str, home: u64, grace: Grace) {
        let key = (fingerprint.to_owned(), home);
        if let Some(number) = self.numbers.get(&key)
            && let Some(episode) = self.open.get_mut(number)
            && episode.violation.new_in_version
            && episode.grace.is_none()
        {
            episode.grace = Some(grace);
            self.graces.insert((grace.until, *number));
        }
    }

    /// Violations whose grace is over: from now on they are as bad as any other, and wait for
    /// nobody.
    pub fn overdue(&mut self, now: Moment) -> Vec<Violation> {
        let mut overdue = Vec::new();
        while let Some((until, number)) = self.graces.first().copied()
            && until <= now.wall
        {
            self.graces.remove(&(until, number));
            let Some(episode) = self.open.get_mut(&number) else {
                continue;
            };
            if let Some(grace) = episode.grace.take() {
                episode.violation.severity = grace.severity.into();
                episode.violation.new_in_version = false;
                episode.violation.pending = false;
                overdue.push(episode.report(now.boot));
            }
        }
        overdue
    }

    /// Ends an episode, and remembers what it would take to approve it.
    fn end(&mut self, number: u64) -> Option<Violation> {
        let mut episode = self.take(number)?;
        let report = episode.is_behind().then(|| episode.report(episode.last));
        let ended = Ended {
            target: target(&episode.violation),
            id: episode.violation.id,
            fingerprint: episode.violation.fingerprint,
        };
        self.ended_bytes += ended.bytes();
        self.ended.push_back(ended);
        while self.ended_bytes > ENDED_BYTES_MAX
            && let Some(oldest) = self.ended.pop_front()
        {
            self.ended_bytes -= oldest.bytes();
            self.forgotten += 1;
        }
        report
    }

    /// Counts that rose since they were reported last, a period ago or longer.
    pub fn due(&mut self, now: u64) -> Vec<Violation> {
        let mut due = Vec::new();
        while let Some((last, number)) = self.order.first().copied()
            && now.saturating_sub(last) >= QUIET
        {
            due.extend(self.end(number));
        }
        for episode in self.open.values_mut() {
            if episode.is_behind() && now.saturating_sub(episode.reported) >= self.period {
                due.push(episode.report(now));
            }
        }
        due
    }

    /// Counts that rose since they were reported last, however short ago: for the end.
    pub fn flush(&mut self, now: u64) -> Vec<Violation> {
        self.open
            .values_mut()
            .filter(|episode| episode.is_behind())
            .map(|episode| episode.report(now))
            .collect()
    }

    /// A container is gone: none of its episodes recurs. Answers with what they did not report
    /// yet.
    pub fn gone(&mut self, home: u64) -> Vec<Violation> {
        self.end_all(|(_, of)| *of == home)
    }

    /// What was decided repeats no more: its next occurrence, if refused later, is new. Answers
    /// with what was not reported yet.
    pub fn close(&mut self, fingerprint: &str) -> Vec<Violation> {
        self.end_all(|(of, _)| of == fingerprint)
    }

    /// What went on is over, which is a report of its own: the last of the episode, with a change.
    pub fn over(
        &mut self,
        fingerprint: &str,
        home: u64,
        now: Moment,
        change: impl FnOnce(&mut Violation),
    ) -> Vec<Violation> {
        let key = (fingerprint.to_owned(), home);
        let Some(number) = self.numbers.get(&key).copied() else {
            return Vec::new();
        };
        let mut last = None;
        if let Some(episode) = self.open.get_mut(&number) {
            episode.violation.last_seen = Some(timestamp(now.wall));
            change(&mut episode.violation);
            last = Some(episode.report(now.boot));
        }
        last.into_iter().chain(self.end(number)).collect()
    }

    fn end_all(&mut self, which: impl Fn(&Key) -> bool) -> Vec<Violation> {
        let numbers: Vec<u64> = self
            .numbers
            .iter()
            .filter(|(key, _)| which(key))
            .map(|(_, number)| *number)
            .collect();
        numbers
            .into_iter()
            .filter_map(|number| self.end(number))
            .collect()
    }

    /// What an id or a fingerprint would have approved.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Target> {
        let open = self
            .open
            .values()
            .map(|episode| &episode.violation)
            .find(|violation| violation.id == name || violation.fingerprint == name)
            .map(target);
        open.or_else(|| {
            self.ended
                .iter()
                .rev()
                .find(|ended| ended.id == name || ended.fingerprint == name)
                .map(|ended| ended.target.clone())
        })
    }

    /// Episodes that ended before their time for lack of room.
    #[must_use]
    pub const fn ended_early(&self) -> u64 {
        self.ended_early
    }

    /// Ended episodes of which nothing is remembered, for lack of room.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

fn target(violation: &Violation) -> Target {
    Target {
        profile: violation
            .workload
            .as_ref()
            .map(super::name_of)
            .unwrap_or_default(),
        patch: violation.patch.clone(),
    }
}

impl Ended {
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.id.len()
            + self.fingerprint.len()
            + self.target.profile.len()
            + self.target.patch.len()
    }
}

impl Episode {
    const fn is_behind(&self) -> bool {
        self.violation.count > self.reported_count
    }

    fn report(&mut self, now: u64) -> Violation {
        self.violation.revision += 1;
        self.reported = now;
        self.reported_count = self.violation.count;
        self.violation.clone()
    }
}

#[cfg(test)]
mod tests;
