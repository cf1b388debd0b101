//! Workloads of which everything is known, learned by the real profile.
//!
//! A behaviour has a chance to be seen in each slot. True coverage is the share of all incidences
//! to come, in the long run, that are of behaviours seen by now; it is known here and estimated
//! there. Times are those of a workload that starts at 08:00 UTC and is restarted after 20 minutes.

use lapwing_profile::behaviour::{Exec, Origin, Parent};
use lapwing_profile::entry::{Entry, Phase};
use lapwing_profile::evidence::coverage::Sampled;
use lapwing_profile::evidence::settings::Settings;
use lapwing_profile::evidence::window::{Moment, Opening, Window};
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;

/// Length of a slot, in nanoseconds.
const SLOT: u64 = 300_000_000_000;
/// Slots of an hour.
pub const HOUR: usize = 12;
/// Slots of a course.
pub const SLOTS: usize = 36 * HOUR;
/// The slot with which the second instance starts.
const RESTART: usize = 4;
/// 08:00 on some day, in nanoseconds since the Unix epoch.
const MORNING: i64 = (1_700_006_400 + 8 * 3_600) * 1_000_000_000;

/// A workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// 300 behaviours, the i-th of which is seen with a rate of 3 / i^1.2 a slot.
    Zipf,
    /// 40 groups of five behaviours, in bursts of four slots.
    Bursty,
    /// 20 behaviours all day, and ten of a job from 02:00 to 02:30.
    Nightly,
    /// 150 behaviours at each start, and five after it.
    StartupHeavy,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Zipf, Self::Bursty, Self::Nightly, Self::StartupHeavy];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Zipf => "Zipf: few things often, many rarely",
            Self::Bursty => "Bursts of related things",
            Self::Nightly => "A nightly job at 02:00",
            Self::StartupHeavy => "Most of it at start-up",
        }
    }
}

/// What is known and estimated after a slot.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// The lowest estimate of all strata; `None` where one sample says nothing.
    pub estimate: Option<f64>,
    /// True coverage.
    pub truth: f64,
    /// The paper's estimate, which takes each slot for an independent sample.
    pub plain: Option<f64>,
    /// Whether all conditions hold.
    pub complete: bool,
    /// Hours of the day that were not seen, a bit each.
    pub hours_unseen: u32,
}

/// SplitMix64, as in Steele, Lea and Flood, OOPSLA 2014.
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ x >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What a workload does, slot by slot.
struct Model {
    scenario: Scenario,
    random: Random,
    /// Until which slot each group of a bursty workload is active.
    active: Vec<usize>,
    /// Mean incidences of each behaviour in a slot, in the long run.
    mean: Vec<f64>,
}

const GROUPS: usize = 40;
const GROUP: usize = 5;
const BURST: usize = 4;

fn zipf(i: usize) -> f64 {
    1.0 - (-3.0 / ((i + 1) as f64).powf(1.2)).exp()
}

/// The chance that a group that rests starts a burst.
fn burst(group: usize) -> f64 {
    0.4 / (group + 1) as f64
}

impl Model {
    fn new(scenario: Scenario, seed: u64) -> Self {
        let mean = match scenario {
            Scenario::Zipf => (0..300).map(zipf).collect(),
            Scenario::Bursty => (0..GROUPS * GROUP)
                .map(|i| {
                    // Of a cycle of rest and burst, so much is burst.
                    let start = burst(i / GROUP);
                    0.7 * BURST as f64 / (BURST as f64 + (1.0 - start) / start)
                })
                .collect(),
            Scenario::Nightly => {
                let nightly = 6.0 / (24 * HOUR) as f64;
                [[0.5].repeat(20), [nightly].repeat(10)].concat()
            }
            // After the start-up; what comes at a start is known apart.
            Scenario::StartupHeavy => [[0.0].repeat(150), [0.6].repeat(5)].concat(),
        };
        Self {
            scenario,
            random: Random(seed),
            active: vec![0; GROUPS],
            mean,
        }
    }

    /// What is done in a slot, which may be the first of an instance.
    fn slot(&mut self, number: usize, starts: bool) -> Vec<usize> {
        if self.scenario == Scenario::Bursty {
            for (group, until) in self.active.iter_mut().enumerate() {
                if *until <= number && self.random.next() < burst(group) {
                    *until = number + BURST;
                }
            }
        }
        let hour = 8.0 + number as f64 / HOUR as f64;
        let night = (2.0..2.5).contains(&(hour % 24.0));
        let chance = |i: usize| match self.scenario {
            Scenario::Zipf => self.mean[i],
            Scenario::Bursty if self.active[i / GROUP] > number => 0.7,
            Scenario::Bursty => 0.0,
            Scenario::Nightly if i < 20 => 0.5,
            Scenario::Nightly => f64::from(u8::from(night)),
            Scenario::StartupHeavy if i < 150 && starts => 0.98,
            Scenario::StartupHeavy => self.mean[i],
        };
        let chances: Vec<f64> = (0..self.mean.len()).map(chance).collect();
        let mut done = Vec::new();
        for (i, chance) in chances.into_iter().enumerate() {
            if self.random.next() < chance {
                done.push(i);
            }
        }
        done
    }

    /// The share of what is to come that is known.
    fn truth(&self, slots: &[u64]) -> f64 {
        let share = |mean: &[f64]| {
            let pairs = mean.iter().zip(slots);
            let seen: f64 = pairs
                .filter(|(_, slots)| **slots > 0)
                .map(|(mean, _)| mean)
                .sum();
            seen / mean.iter().sum::<f64>()
        };
        match self.scenario {
            // The worse of both strata.
            Scenario::StartupHeavy => {
                let starts = [[0.98].repeat(150), [0.6].repeat(5)].concat();
                share(&self.mean).min(share(&starts))
            }
            _ => share(&self.mean),
        }
    }
}

fn entry(i: usize) -> Entry {
    Entry {
        behaviour: Exec {
            path: format!("/{i}"),
            name: None,
            script: None,
            origin: Origin::Image,
            parent: Parent::Runtime,
            sha256: None,
        }
        .into(),
        phase: Phase::Main,
    }
}

/// A profile that learns, and the window of the instance that runs.
struct Learner {
    profile: Profile,
    window: Option<Window>,
}

impl Learner {
    fn new() -> Self {
        Self {
            profile: Profile::new(Workload::default(), Mode::Learning),
            window: None,
        }
    }

    fn start(&mut self, id: u32, now: Moment) {
        if let Some(mut window) = self.window.take() {
            window.close();
            self.profile.attend(&window);
        }
        let opening = Opening {
            id,
            node: 0,
            started: Some(now.boot),
            slot: SLOT,
        };
        self.window = Some(Window::open(opening, None, now));
    }

    fn slot(&mut self, done: &[usize], from: Moment) {
        let Some(window) = &mut self.window else {
            return;
        };
        window.advance(from);
        for i in done {
            let entry = entry(*i);
            self.profile.observe(&Sighting {
                entry: entry.clone(),
                at: from.wall,
            });
            self.profile.witness(window, &entry, from.boot);
        }
        // To the end of the slot, and no further.
        for part in 1..=4 {
            window.advance(later(from, part * SLOT / 4 - part / 4));
        }
        self.profile.attend(window);
    }
}

/// The paper's estimate from the number of slots in which each behaviour was seen.
fn plain(slots: &[u64], samples: u64) -> Option<f64> {
    let with = |count: u64| slots.iter().filter(|slots| **slots == count).count() as u64;
    let sampled = Sampled {
        samples,
        distinct: slots.len() as u64 - with(0),
        incidences: slots.iter().sum(),
        once: with(1),
        lone: with(1),
        twice: with(2),
    };
    sampled.coverage()
}

const fn later(moment: Moment, by: u64) -> Moment {
    Moment {
        boot: moment.boot + by,
        wall: moment.wall + by as i64,
    }
}

/// Learns a workload, slot by slot.
pub fn course(scenario: Scenario, seed: u64) -> Vec<Point> {
    let mut model = Model::new(scenario, seed);
    let mut slots = vec![0_u64; model.mean.len()];
    let mut learner = Learner::new();
    let morning = Moment {
        boot: SLOT,
        wall: MORNING,
    };
    let mut points = Vec::new();
    for number in 0..SLOTS {
        let now = later(morning, number as u64 * SLOT);
        let starts = number == 0 || number == RESTART;
        if starts {
            let id = 0x9e37_79b9_u32.wrapping_mul(number as u32 + 1);
            learner.start(id, now);
        }
        let done = model.slot(number, starts);
        done.iter().for_each(|i| slots[*i] += 1);
        learner.slot(&done, now);
        let progress = learner.profile.progress(&Settings::default());
        let estimates = (progress.classes.iter()).filter_map(|class| class.sampled.coverage());
        points.push(Point {
            estimate: estimates.min_by(f64::total_cmp),
            truth: model.truth(&slots),
            plain: plain(&slots, number as u64 + 1),
            complete: progress.is_complete(),
            hours_unseen: progress.hours_unseen,
        });
    }
    points
}
