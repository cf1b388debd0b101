//! What tracing adds to an operation.
//!
//! Four variants take turns in one run: no agent, the floor program, an agent that
//! learns, an agent that compares; each with a worker in a container that is traced
//! and one beside it that is not. Turns even out what changes slowly (frequencies,
//! neighbours, caches); what disturbs for a moment is evened out by the least of
//! many short batches on a real clock, and by the median where instructions are
//! counted, where nothing can disturb but the machine's own timers.
//!
//! A figure is worth nothing if what was measured did not happen, so each turn
//! ends with questions: did the floor's hooks, or the agent's, fire as often as the
//! operation was done; did the agent lose nothing; was there really no violation.

use super::counting::{self, Soaker};
use super::figure::{figure, least, median, percentile};
use super::floor::{self, Floor};
use super::programs;
use super::stage::{self, Counts, Inside, Outside, Pipes};
use super::work::Op;
use super::{Args, note};
use crate::agent::{Agent, Home, Mode};
use crate::session::{Session, check_interrupt};
use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

const WORKLOAD: &str = "bench";
/// What a batch should take on a real clock, in nanoseconds: less than a slice of the scheduler.
const BATCH: u64 = 1_500_000;
/// More would overrun the ring of an agent that is told everything.
const BATCH_MAX: u32 = 2_000;
/// Pause after a batch, in microseconds: time for the agent to read what came.
const PAUSE: u32 = 5_000;
/// Time for everything to settle where instructions are counted: ten million of them.
const SETTLE: Duration = Duration::from_millis(10);
/// How often it is measured at most where others made cgroups meanwhile.
const TRIES: u32 = 3;

/// What runs beside the workload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Variant {
    Nothing,
    Floor,
    Learning,
    Monitoring,
}

impl Variant {
    const ALL: [Self; 4] = [Self::Nothing, Self::Floor, Self::Learning, Self::Monitoring];

    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Floor => "floor",
            Self::Learning => "learning",
            Self::Monitoring => "monitoring",
        }
    }
}

/// Where an operation is done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Site {
    Container,
    Untraced,
}

impl Site {
    const ALL: [Self; 2] = [Self::Container, Self::Untraced];

    const fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Untraced => "untraced",
        }
    }
}

/// The row of an agent's hooks that an operation makes fire once.
const fn row(op: Op) -> Option<&'static str> {
    match op {
        Op::Exec => Some("process.exec"),
        Op::OpenWrite => Some("file.open"),
        Op::Connect => Some("egress.connect4"),
        Op::UdpSend => Some("egress.sendmsg4"),
        Op::OpenRead | Op::Null | Op::Write => None,
    }
}

/// What runs now; ends when dropped.
enum Running {
    Nothing,
    Floor(Box<Floor>),
    Agent(Box<Agent>),
}

/// The value of one operation in each batch, by where it was done and beside what.
type Samples = HashMap<(usize, Site, Variant), Vec<f64>>;

struct Bench<'s> {
    session: &'s Session,
    args: &'s Args,
    inside: Inside<'s>,
    outside: Outside,
    soaker: Option<Soaker>,
    homes: HashMap<Variant, Home>,
    /// Operations in a batch, in the order of [`Op::ALL`].
    counts: Vec<u32>,
    trampolines: bool,
    samples: Samples,
    /// Records that the agent was sent, and operations that were done.
    records: HashMap<(usize, Variant), (u64, u64)>,
}

/// Measures and prints.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    let inside = Inside::start(session, WORKLOAD)?;
    let outside = Outside::start(session, &inside)?;
    let mut bench = Bench {
        session,
        args,
        inside,
        outside,
        soaker: None,
        homes: HashMap::new(),
        counts: Vec::new(),
        trampolines: false,
        samples: Samples::new(),
        records: HashMap::new(),
    };
    if args.counting {
        let ratio = counting::check(&mut bench.inside.pipes)?;
        figure("self-check.counted-per-instruction", ratio, "x", &json!({}));
        bench.soaker = Some(Soaker::start()?);
    }
    bench.choose_counts()?;
    bench.teach()?;
    let rounds = match (args.quick, args.counting) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 6,
    };
    for round in 0..rounds {
        for turn in 0..Variant::ALL.len() {
            // Each variant is first once, second once, and so on.
            let variant = Variant::ALL[(turn + round) % Variant::ALL.len()];
            note(&format!(
                "overhead: round {} of {rounds}, {}",
                round + 1,
                variant.name()
            ));
            bench.turn(variant)?;
        }
    }
    bench.print();
    Ok(())
}

impl Bench<'_> {
    fn pipes(&mut self, site: Site) -> &mut Pipes {
        match site {
            Site::Container => &mut self.inside.pipes,
            Site::Untraced => &mut self.outside.pipes,
        }
    }

    /// How often each operation is done in a batch.
    fn choose_counts(&mut self) -> Result<()> {
        for op in Op::ALL {
            let count = if self.args.counting {
                // About ten million instructions each, so that what a batch takes besides counts little.
                let count = match op {
                    Op::Exec => 100,
                    Op::Connect => 200,
                    Op::UdpSend | Op::OpenRead | Op::OpenWrite => 1_000,
                    Op::Null | Op::Write => 50_000,
                };
                count / if self.args.quick { 4 } else { 1 }
            } else {
                let times = self.inside.pipes.run(op, 20, 5, 0)?;
                let each = times.iter().min().copied().unwrap_or_default() / 20;
                let count = BATCH / each.max(1);
                u32::try_from(count)
                    .unwrap_or(BATCH_MAX)
                    .clamp(1, BATCH_MAX)
            };
            self.counts.push(count);
        }
        Ok(())
    }

    /// Has two agents learn everything that will be done, and promotes what one of them learned.
    fn teach(&mut self) -> Result<()> {
        for variant in [Variant::Learning, Variant::Monitoring] {
            note(&format!(
                "overhead: an agent learns, for {}",
                variant.name()
            ));
            let agent = stage::home(self.session, Mode::Learn)?.start()?;
            stage::wait_for_containers(&agent, 1)?;
            self.warm_up()?;
            let counts = Counts::settled(&agent)?;
            self.trampolines = counts.tiers()["file.open"] == "A1";
            if variant == Variant::Learning {
                figure("self-check.tiers", 0.0, "", &counts.tiers());
            } else {
                promote(&agent)?;
            }
            self.homes.insert(variant, agent.stop()?);
        }
        Ok(())
    }

    /// Each operation a few times, everywhere.
    fn warm_up(&mut self) -> Result<()> {
        for op in Op::ALL {
            for site in Site::ALL {
                self.pipes(site).run(op, 20, 1, 0)?;
            }
        }
        Ok(())
    }

    fn start(&mut self, variant: Variant) -> Result<Running> {
        let session = self.session;
        Ok(match variant {
            Variant::Nothing => Running::Nothing,
            Variant::Floor => Running::Floor(Box::new(Floor::attach(
                &self.args.floor,
                &stage::unified(session, &self.inside.container)?,
                &session.cgroups.egress().context("no cgroup v2")?,
                self.trampolines,
            )?)),
            Variant::Learning | Variant::Monitoring => {
                let home = self.homes.remove(&variant).context("no home")?;
                let agent = home.start()?;
                stage::wait_for_containers(&agent, 1)?;
                Running::Agent(Box::new(agent))
            }
        })
    }

    /// One variant's turn.
    fn turn(&mut self, variant: Variant) -> Result<()> {
        let running = self.start(variant)?;
        self.warm_up()?;
        let mut known = match &running {
            Running::Agent(agent) => Counts::settled(agent)?,
            Running::Nothing | Running::Floor(_) => Counts::default(),
        };
        for index in 0..Op::ALL.len() {
            for site in Site::ALL {
                check_interrupt()?;
                match &running {
                    Running::Nothing => {
                        self.measured(index, site, variant)?;
                    }
                    Running::Floor(floor) => {
                        let before = floor.counts()?;
                        let done = self.measured(index, site, variant)?;
                        let done = if site == Site::Container { done } else { 0 };
                        floor::check(Op::ALL[index], done, &before, &floor.counts()?)?;
                    }
                    Running::Agent(agent) => {
                        known = self.watched(index, site, variant, agent, &known)?;
                    }
                }
            }
        }
        if let Running::Agent(agent) = &running
            && variant == Variant::Monitoring
            && self.soaker.is_some()
        {
            programs::print(&mut self.inside.pipes, &self.counts, agent)?;
        }
        if let Running::Agent(agent) = running {
            self.homes.insert(variant, agent.stop()?);
        }
        Ok(())
    }

    /// Measures beside an agent, and asks it afterwards. Answers what it has counted by then.
    fn watched(
        &mut self,
        index: usize,
        site: Site,
        variant: Variant,
        agent: &Agent,
        before: &Counts,
    ) -> Result<Counts> {
        let op = Op::ALL[index];
        let what = format!("{} beside an agent, {}", op.name(), variant.name());
        let mut before = before.clone();
        for left in (0..TRIES).rev() {
            let (done, values) = self.measure(index, site)?;
            // Where instructions are counted, all has settled already, and asking takes long.
            let after = match self.soaker {
                Some(_) => Counts::now(agent)?,
                None => Counts::settled(agent)?,
            };
            ensure!(
                after.lost == before.lost,
                "{what}: the agent lost records, so this is not its cost: {}",
                after.losses()
            );
            ensure!(
                after.violations == before.violations,
                "{what}: {} violations, so this is not the steady state",
                after.violations - before.violations
            );
            if let Some(row) = row(op) {
                let fired = after.hits(row) - before.hits(row);
                let expected = if site == Site::Container { done } else { 0 };
                let strangers = after.strangers(&before);
                if fired != expected && strangers > 0 && left > 0 {
                    note(&format!(
                        "overhead: {what} again: {strangers} cgroups were made meanwhile"
                    ));
                    before = after;
                    continue;
                }
                ensure!(
                    fired == expected,
                    "{what}: {row} fired {fired} times for a traced process, not {expected}; {strangers} cgroups \
                     were made meanwhile"
                );
            }
            if site == Site::Container {
                let sums = self.records.entry((index, variant)).or_default();
                sums.0 += after.records - before.records;
                sums.1 += done;
            }
            self.keep(index, site, variant, values);
            return Ok(after);
        }
        bail!("{what}: it was not measured")
    }

    /// Does an operation in batches and keeps what that took. Answers how often it did.
    fn measured(&mut self, index: usize, site: Site, variant: Variant) -> Result<u64> {
        let (done, values) = self.measure(index, site)?;
        self.keep(index, site, variant, values);
        Ok(done)
    }

    fn keep(&mut self, index: usize, site: Site, variant: Variant, values: Vec<f64>) {
        self.samples
            .entry((index, site, variant))
            .or_default()
            .extend(values);
    }

    /// Does an operation in batches. Answers how often it did, and the value of one in each batch.
    fn measure(&mut self, index: usize, site: Site) -> Result<(u64, Vec<f64>)> {
        let (op, count) = (Op::ALL[index], self.counts[index]);
        let quick = self.args.quick;
        let mut values = Vec::new();
        if let Some(soaker) = self.soaker.take() {
            // So many that what the agent does once a second falls into the fewer of them.
            let repeats = if quick { 5 } else { 9 };
            let mut measure = |count: u32| -> Result<Vec<f64>> {
                let pipes = self.pipes(site);
                let mut all = Vec::new();
                for _ in 0..repeats {
                    let executed =
                        soaker.measure(SETTLE, || pipes.run(op, count, 1, 0).map(drop))?;
                    all.push(executed as f64);
                }
                Ok(all)
            };
            // What the machine does anyway in such a time, and what giving an order takes.
            let anyway = median(&measure(0)?);
            let each = |executed: &f64| (executed - anyway) / f64::from(count);
            values.extend(measure(count)?.iter().map(each));
            self.soaker = Some(soaker);
        } else {
            let batches = if quick { 5 } else { 25 };
            let times = self.pipes(site).run(op, count, batches, PAUSE)?;
            values.extend(times.iter().map(|time| *time as f64 / f64::from(count)));
        }
        Ok((values.len() as u64 * u64::from(count), values))
    }

    /// The value of an operation: see the module.
    fn value(&self, index: usize, site: Site, variant: Variant) -> f64 {
        let samples = &self.samples[&(index, site, variant)];
        if self.args.counting {
            median(samples)
        } else {
            least(samples)
        }
    }

    fn print(&self) {
        let unit = if self.args.counting {
            "instructions"
        } else {
            "ns"
        };
        for (index, op) in Op::ALL.into_iter().enumerate() {
            for site in Site::ALL {
                let bare = self.value(index, site, Variant::Nothing);
                let middle = |variant| median(&self.samples[&(index, site, variant)]);
                let added = |variant| self.value(index, site, variant) - bare;
                for variant in &Variant::ALL[1..] {
                    let samples = &self.samples[&(index, site, *variant)];
                    let bare_samples = &self.samples[&(index, site, Variant::Nothing)];
                    let name = format!("{}.{}.{}", op.name(), site.name(), variant.name());
                    let detail = json!({
                        "unit": unit,
                        "without": bare,
                        "withoutRange": [least(bare_samples), most(bare_samples)],
                        "with": self.value(index, site, *variant),
                        "withRange": [least(samples), most(samples)],
                        "batches": samples.len(),
                        "perBatch": self.counts[index],
                        "medianRatio": middle(*variant) / middle(Variant::Nothing),
                        "noise": spread(samples) + spread(bare_samples),
                    });
                    let with = self.value(index, site, *variant);
                    figure(&format!("overhead.{name}"), with / bare, "x", &detail);
                    figure(&format!("added.{name}"), added(*variant), unit, &detail);
                    // A real clock cannot tell the floor from its own noise, and not every floor
                    // can be told from that of a counting one.
                    let floor = added(Variant::Floor);
                    let noise = spread(&self.samples[&(index, site, Variant::Floor)])
                        + spread(bare_samples);
                    let tells = self.args.counting && site == Site::Container && row(op).is_some();
                    if tells && *variant != Variant::Floor {
                        let over_floor = match floor > noise {
                            true => added(*variant) / floor,
                            false => f64::NAN,
                        };
                        figure(&format!("to-floor.{name}"), over_floor, "x", &detail);
                    }
                }
            }
            for variant in [Variant::Learning, Variant::Monitoring] {
                if let Some((records, done)) = self.records.get(&(index, variant)) {
                    figure(
                        &format!("records.{}.container.{}", op.name(), variant.name()),
                        *records as f64 / *done as f64,
                        "records",
                        &json!({"records": records, "operations": done}),
                    );
                }
            }
        }
    }
}

/// How far the middle of some values may be off: half the width of their middle half, over the
/// root of their number.
fn spread(values: &[f64]) -> f64 {
    let width = percentile(values, 0.75) - percentile(values, 0.25);
    width / 2.0 / (values.len() as f64).sqrt()
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Promotes the bench's profile.
pub fn promote(agent: &Agent) -> Result<()> {
    let profiles = agent.home.json(&["profile", "list"])?;
    let profile = profiles
        .iter()
        .find(|profile| profile["workload"]["name"] == WORKLOAD)
        .with_context(|| format!("there is no profile {WORKLOAD}"))?;
    let name = profile["name"].as_str().context("a profile's name")?;
    let args = ["profile", "promote", name, "--actor", "bench", "--reason"];
    agent.home.call(&[&args[..], &["steady state"]].concat())?;
    Ok(())
}
