//! What is known of an agent: its last status, what that changed by, and what its streams said.
//!
//! No clock and no network: what arrives is an [`Update`], and the time is an argument.

use super::reports::Reports;
use crate::feed::LOG_TOO_SHORT;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    Behaviour, Gap, GetStatusResponse, ListContainersResponse, TracedContainer, WatchResponse,
};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Rates are means over so much time, or as much of it as there was.
const WINDOW: Duration = Duration::from_secs(10);
/// Samples that are held, whatever their times say.
const SAMPLES: usize = 64;

/// What arrives.
#[derive(Debug)]
pub enum Update {
    /// The agent is reached.
    Connected,
    /// It is not any more, or not yet, for this reason.
    Lost(String),
    /// An answer.
    Status(Box<GetStatusResponse>),
    /// An answer.
    Containers(ListContainersResponse),
    /// An item of the stream of violations and gaps.
    Item(Box<WatchResponse>),
    /// An item of the stream of behaviours.
    Behaviour(Box<Behaviour>),
}

/// Whether the agent is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It is.
    Up,
    /// Since when it is not, in nanoseconds since the Unix epoch, and why.
    Lost {
        /// Since when.
        since: i64,
        /// Why.
        why: String,
    },
}

/// The counters of one status, and what came in since the one before.
#[derive(Clone, Debug, Default)]
struct Sample {
    at: Duration,
    records: u64,
    violations: u64,
    lost: u64,
    /// Behaviours by the names of their profiles.
    behaviours: HashMap<String, u64>,
}

/// How often a second; nothing while there is but one status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// Records read from the kernel.
    pub records: Option<f64>,
    /// Violations.
    pub violations: Option<f64>,
    /// Events that were lost.
    pub lost: Option<f64>,
    /// Behaviours that were new to a container, by the names of the profiles.
    pub behaviours: HashMap<String, f64>,
}

/// What is known.
#[derive(Clone, Debug)]
pub struct Model {
    /// Whether the agent is reached.
    pub link: Link,
    /// What it said last.
    pub status: Option<GetStatusResponse>,
    /// Its containers, by id.
    pub containers: HashMap<String, TracedContainer>,
    /// The latest violations and gaps.
    pub reports: Reports,
    /// That the log does not reach back as far as was asked.
    short: Option<Gap>,
    samples: VecDeque<Sample>,
    /// Since the last sample.
    behaviours: HashMap<String, u64>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            link: Link::Up,
            status: None,
            containers: HashMap::new(),
            reports: Reports::default(),
            short: None,
            samples: VecDeque::new(),
            behaviours: HashMap::new(),
        }
    }
}

/// Events that a status says were lost, for whatever reason.
pub fn lost(status: &GetStatusResponse) -> u64 {
    (status.losses.iter()).fold(0, |sum, loss| sum.saturating_add(loss.count))
}

/// Whether what is missing of the log is from before the agent started: one that is younger than the
/// hour that is asked for has lost nothing.
fn is_before(gap: &Gap, status: &GetStatusResponse) -> bool {
    let times = gap.to.as_ref().zip(status.start_time.as_ref());
    // The log begins a moment after the agent.
    times.is_some_and(|(to, start)| to.seconds <= start.seconds + 1)
}

impl Model {
    /// Takes up what arrived, `now` in nanoseconds since the Unix epoch, and `at` since any moment,
    /// by a clock that nobody sets.
    pub fn update(&mut self, update: Update, now: i64, at: Duration) {
        match update {
            Update::Connected => self.link = Link::Up,
            Update::Lost(why) => self.lose(why, now),
            Update::Status(status) => self.sample(*status, at),
            Update::Containers(answer) => {
                let by_id = |one: TracedContainer| {
                    let id = one.container.as_ref().map(|it| it.id.clone());
                    (id.unwrap_or_default(), one)
                };
                self.containers = answer.containers.into_iter().map(by_id).collect();
            }
            Update::Item(response) => match response.item {
                Some(Item::Violation(violation)) => self.reports.violation(violation),
                // Whether it is one the status tells.
                Some(Item::Gap(gap)) if gap.reason == LOG_TOO_SHORT => self.short = Some(gap),
                Some(Item::Gap(gap)) => self.reports.gap(gap),
                Some(Item::Behaviour(_) | Item::Heartbeat(_)) | None => {}
            },
            Update::Behaviour(behaviour) => {
                if let Some(workload) = &behaviour.workload {
                    let name = crate::judge::name_of(workload);
                    *self.behaviours.entry(name).or_default() += 1;
                }
            }
        }
    }

    fn lose(&mut self, why: String, now: i64) {
        // What happens while nobody counts is in no rate.
        self.samples.clear();
        self.behaviours.clear();
        let since = match self.link {
            Link::Lost { since, .. } => since,
            Link::Up => now,
        };
        self.link = Link::Lost { since, why };
    }

    fn sample(&mut self, status: GetStatusResponse, at: Duration) {
        let another = |last: &GetStatusResponse| last.start_time != status.start_time;
        if self.status.as_ref().is_some_and(another) {
            // Its counters began again.
            self.samples.clear();
        }
        self.samples.push_back(Sample {
            at,
            records: status.records,
            violations: status.violations,
            lost: lost(&status),
            behaviours: std::mem::take(&mut self.behaviours),
        });
        let is_old = |sample: &Sample| at.saturating_sub(sample.at) > WINDOW;
        // One that is older is where the window begins.
        while self.samples.len() > 2 && is_old(&self.samples[1]) || self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
        if let Some(gap) = self.short.take()
            && !is_before(&gap, &status)
        {
            self.reports.gap(gap);
        }
        self.status = Some(status);
    }

    /// How often a second, lately.
    pub fn rates(&self) -> Rates {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else {
            return Rates::default();
        };
        let seconds = last.at.saturating_sub(first.at).as_secs_f64();
        if seconds <= 0.0 {
            return Rates::default();
        }
        let rate = |from: u64, to: u64| Some(to.saturating_sub(from) as f64 / seconds);
        let mut behaviours = HashMap::new();
        for sample in self.samples.iter().skip(1) {
            for (name, count) in &sample.behaviours {
                *behaviours.entry(name.clone()).or_default() += *count as f64 / seconds;
            }
        }
        Rates {
            records: rate(first.records, last.records),
            violations: rate(first.violations, last.violations),
            lost: rate(first.lost, last.lost),
            behaviours,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::timestamp;
    use lapwing_proto::v1::Workload;
    use lapwing_proto::v1::get_status_response::Loss;

    fn status(records: u64, lost: u64) -> Update {
        Update::Status(Box::new(GetStatusResponse {
            start_time: Some(timestamp(1)),
            records,
            losses: vec![Loss {
                reason: "ring-full".into(),
                count: lost,
            }],
            ..GetStatusResponse::default()
        }))
    }

    fn behaviour(name: &str) -> Update {
        Update::Behaviour(Box::new(Behaviour {
            workload: Some(Workload {
                name: name.into(),
                ..Workload::default()
            }),
            ..Behaviour::default()
        }))
    }

    fn at(model: &mut Model, seconds: u64, update: Update) {
        model.update(update, 0, Duration::from_secs(seconds));
    }

    #[test]
    fn rates_are_differences_over_the_window() {
        let mut model = Model::default();
        at(&mut model, 0, behaviour("before"));
        at(&mut model, 0, status(1_000, 0));
        assert_eq!(model.rates(), Rates::default(), "one says nothing");
        at(&mut model, 1, behaviour("shop"));
        at(&mut model, 2, status(1_200, 10));
        let rates = model.rates();
        assert_eq!((rates.records, rates.lost), (Some(100.0), Some(5.0)));
        let shop = crate::judge::name_of(&Workload {
            name: "shop".into(),
            ..Workload::default()
        });
        assert_eq!(rates.behaviours, HashMap::from([(shop, 0.5)]));
        // Each second ten, from then on: the first two are forgotten.
        for second in 3..30 {
            at(&mut model, second, status(1_200 + 10 * second, 10));
        }
        let rates = model.rates();
        assert_eq!((rates.records, rates.lost), (Some(10.0), Some(0.0)));
        assert!(rates.behaviours.is_empty());
        assert!(model.samples.len() <= 12, "{}", model.samples.len());
    }

    #[test]
    fn counters_of_another_agent_are_not_compared() {
        let mut model = Model::default();
        at(&mut model, 0, status(1_000, 7));
        at(&mut model, 1, status(2_000, 7));
        let other = GetStatusResponse {
            start_time: Some(timestamp(2)),
            records: 5,
            ..GetStatusResponse::default()
        };
        at(&mut model, 2, Update::Status(Box::new(other.clone())));
        assert_eq!(model.rates(), Rates::default());
        let next = GetStatusResponse {
            records: 8,
            ..other
        };
        at(&mut model, 3, Update::Status(Box::new(next)));
        assert_eq!(model.rates().records, Some(3.0));
    }

    #[test]
    fn a_lost_agent_is_lost_since_the_first_failure() {
        let mut model = Model::default();
        at(&mut model, 0, status(1, 0));
        at(&mut model, 1, status(2, 0));
        model.update(Update::Lost("it ended".into()), 5, Duration::ZERO);
        model.update(Update::Lost("nobody".into()), 9, Duration::ZERO);
        let why = "nobody".to_owned();
        assert_eq!(model.link, Link::Lost { since: 5, why });
        assert_eq!(model.rates(), Rates::default());
        assert!(model.status.is_some(), "what was known is still shown");
        at(&mut model, 2, Update::Connected);
        assert_eq!(model.link, Link::Up);
    }

    #[test]
    fn a_clock_that_stands_still_divides_by_nothing_and_holds_little() {
        let mut model = Model::default();
        for records in 0..1_000 {
            at(&mut model, 1, status(records, 0));
        }
        assert_eq!(model.rates(), Rates::default());
        assert!(model.samples.len() <= SAMPLES);
    }
}
