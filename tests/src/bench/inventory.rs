//! What the inventory of use adds to an open, by what is known of the file.
//!
//! Four variants take turns: no agent; an agent whose inventory is off; one whose inventory is on
//! while no container learns, which is production; one with a container that learns. Files are opened
//! that were made before, so none of the agents has noted them: each for the first time, then each once
//! more. What the agent itself executes for a use comes later, when it reads the ring: it
//! is counted apart, by its processor time.

use super::counting::{self, Soaker};
use super::figure::{figure, least, median};
use super::overhead::promote;
use super::stage::{self, Counts, Inside, Outside, Pipes};
use super::work::Op;
use super::{Args, memory, note, programs};
use crate::agent::{Agent, Mode};
use crate::session::{Session, check_interrupt, patience, wait_for};
use anyhow::{Context, Result, ensure};
use aya::maps::{Array, Map, MapData, loaded_maps};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};

const WORKLOAD: &str = "bench";
/// Files of a batch, and batches: together fewer than a container may use at once.
const BATCH: u32 = 1_000;
const BATCHES: u32 = 5;
const STEM: &str = "/data/first-";
/// Time for everything to settle where instructions are counted: ten million of them.
const SETTLE: Duration = Duration::from_millis(10);
/// Longer than the agent leaves the ring of uses unread, and than from one look at profiles to the next.
const READ: Duration = Duration::from_millis(2_500);

/// What runs beside the workload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Variant {
    Nothing,
    /// `inventory: off`.
    Off,
    /// `inventory: learning`, and the only container is compared.
    Idle,
    /// The same, and it learns.
    Learning,
}

impl Variant {
    const ALL: [Self; 4] = [Self::Nothing, Self::Off, Self::Idle, Self::Learning];

    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Off => "off",
            Self::Idle => "idle",
            Self::Learning => "learning",
        }
    }
}

/// What is opened, and by whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum What {
    /// Files that the container has not opened before.
    First,
    /// The same once more.
    Again,
    /// One file, by a process beside the containers.
    Untraced,
}

impl What {
    const ALL: [Self; 3] = [Self::First, Self::Again, Self::Untraced];

    const fn name(self) -> &'static str {
        match self {
            Self::First => "open-first",
            Self::Again => "open-again",
            Self::Untraced => "open-untraced",
        }
    }
}

/// The value of one open in each batch.
type Samples = HashMap<(What, Variant), Vec<f64>>;

/// Measures and prints.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    let mut inside = Inside::start(session, WORKLOAD)?;
    let mut outside = Outside::start(session, &inside)?;
    inside
        .pipes
        .send(&format!("make {STEM} {} 0", BATCH * BATCHES))?;
    inside.pipes.answer()?;
    let soaker = match args.counting {
        true => {
            counting::check(&mut inside.pipes)?;
            Some(Soaker::start()?)
        }
        false => None,
    };
    let mut samples = Samples::new();
    let rounds = if args.quick || args.counting { 1 } else { 4 };
    for round in 0..rounds {
        for variant in Variant::ALL {
            check_interrupt()?;
            note(&format!(
                "inventory: round {} of {rounds}, {}",
                round + 1,
                variant.name()
            ));
            let agent = start(session, variant)?;
            for what in What::ALL {
                let pipes = match what {
                    What::First | What::Again => &mut inside.pipes,
                    What::Untraced => &mut outside.pipes,
                };
                let values = samples.entry((what, variant)).or_default();
                let begun = agent.as_ref().map(Own::begin).transpose()?;
                measure(soaker.as_ref(), pipes, what, agent.as_ref(), values)?;
                if what == What::First
                    && variant == Variant::Learning
                    && let Some(begun) = begun
                {
                    begun.print(args.counting)?;
                }
            }
            if let Some(agent) = agent {
                check(&agent, variant)?;
                agent.stop()?;
            }
        }
    }
    print(&samples, args.counting);
    Ok(())
}

/// Starts what runs beside the workload, and waits until it does what the variant says.
fn start(session: &Session, variant: Variant) -> Result<Option<Agent>> {
    if variant == Variant::Nothing {
        return Ok(None);
    }
    let mut home = stage::home(session, Mode::Learn)?;
    if variant == Variant::Off {
        home.set("inventory", "off")?;
    }
    let agent = home.start()?;
    stage::wait_for_containers(&agent, 1)?;
    Counts::settled(&agent)?;
    if variant == Variant::Idle {
        promote(&agent)?;
        wait_for("no container to learn", patience(), || {
            Ok((!is_noting(&agent)?).then_some(()))
        })?;
    } else {
        ensure!(
            is_noting(&agent)? == (variant == Variant::Learning),
            "{}: whether files are noted is not what was configured",
            variant.name()
        );
    }
    Ok(Some(agent))
}

/// Whether the kernel side looks at what is opened.
fn is_noting(agent: &Agent) -> Result<bool> {
    let (held, _) = memory::held(agent)?;
    for info in loaded_maps() {
        // One that was removed meanwhile is nobody's.
        let Ok(info) = info else { continue };
        if info.name_as_str() == Some("INVENTORY") && held.contains(&u64::from(info.id())) {
            let map = Map::Array(MapData::from_id(info.id())?);
            return Ok(Array::<_, u64>::try_from(map)?.get(&0, 0)? != 0);
        }
    }
    anyhow::bail!("the agent holds no map INVENTORY")
}

/// One batch, by its number.
fn work(pipes: &mut Pipes, what: What, batch: u32, count: u32) -> Result<Vec<u64>> {
    match what {
        What::First | What::Again => {
            pipes.times(&format!("open-each {STEM} {} {count}", batch * BATCH))
        }
        What::Untraced => pipes.run(Op::OpenRead, count, 1, 0),
    }
}

/// What one open took in each batch: without what the agent itself executed meanwhile, where instructions are
/// counted.
fn measure(
    soaker: Option<&Soaker>,
    pipes: &mut Pipes,
    what: What,
    agent: Option<&Agent>,
    values: &mut Vec<f64>,
) -> Result<()> {
    let Some(soaker) = soaker else {
        for batch in 0..BATCHES {
            let times = work(pipes, what, batch, BATCH)?;
            values.extend(times.iter().map(|time| *time as f64 / f64::from(BATCH)));
        }
        return Ok(());
    };
    let mut count = |batch: u32, count: u32| -> Result<f64> {
        let own = || agent.map_or(Ok(0), programs::run_by);
        let before = own()?;
        let executed = soaker.measure(SETTLE, || work(pipes, what, batch, count).map(drop))?;
        Ok(executed as f64 - (own()? - before) as f64)
    };
    let anyway = (0..BATCHES)
        .map(|_| count(0, 0))
        .collect::<Result<Vec<_>>>()?;
    let anyway = median(&anyway);
    for batch in 0..BATCHES {
        values.push((count(batch, BATCH)? - anyway) / f64::from(BATCH));
    }
    Ok(())
}

/// What the agent itself does.
struct Own<'a> {
    agent: &'a Agent,
    since: Instant,
    ran: u64,
}

impl<'a> Own<'a> {
    fn begin(agent: &'a Agent) -> Result<Self> {
        let (since, ran) = (Instant::now(), programs::run_by(agent)?);
        Ok(Self { agent, since, ran })
    }

    /// Once it has read all: what it did since, and in how long.
    fn end(self) -> Result<(f64, f64)> {
        std::thread::sleep(READ);
        let ran = programs::run_by(self.agent)? - self.ran;
        Ok((ran as f64, self.since.elapsed().as_secs_f64()))
    }

    /// Prints what it did for each file, less what it does anyway in such a time.
    fn print(self, counting: bool) -> Result<()> {
        let agent = self.agent;
        let (did, took) = self.end()?;
        let (rests, rested) = Self::begin(agent)?.end()?;
        let files = f64::from(BATCH * BATCHES);
        let each = (did - rests * took / rested) / files;
        let detail = json!({"all": did, "seconds": took, "atRest": rests, "files": files});
        figure("inventory.agent", each, unit(counting), &detail);
        Ok(())
    }
}

/// Whether what was to be measured happened: all files are in the inventory and none was shed, or none is.
fn check(agent: &Agent, variant: Variant) -> Result<()> {
    let expected = match variant {
        Variant::Learning => (BATCH * BATCHES) as usize,
        Variant::Nothing | Variant::Off | Variant::Idle => 0,
    };
    let mut last = Value::Null;
    let agrees = wait_for("the inventory", patience(), || {
        let mut all = agent.home.json(&["inventory", WORKLOAD])?;
        let export = all.pop().context("no inventory")?;
        let files = export["files"].as_array().context("no files")?;
        let path = |file: &&Value| file["path"].as_str().is_some_and(|it| it.starts_with(STEM));
        let noted = files.iter().filter(path).count();
        last = json!({"noted": noted, "missing": export["missing"]});
        Ok((noted == expected).then_some(()))
    });
    agrees.with_context(|| format!("{}: {expected} were expected, {last}", variant.name()))?;
    ensure!(
        stage::number(&last["missing"]["shed"]) == 0,
        "{}: uses were shed, so this is not what noting costs: {last}",
        variant.name()
    );
    Ok(())
}

const fn unit(counting: bool) -> &'static str {
    if counting { "instructions" } else { "ns" }
}

fn print(samples: &Samples, counting: bool) {
    for what in What::ALL {
        let value = |variant| match counting {
            true => median(&samples[&(what, variant)]),
            false => least(&samples[&(what, variant)]),
        };
        let bare = value(Variant::Nothing);
        for variant in &Variant::ALL[1..] {
            let with = value(*variant);
            let batches = &samples[&(what, *variant)];
            let detail = json!({"without": bare, "with": with, "batches": batches});
            let name = format!("inventory.{}.{}", what.name(), variant.name());
            figure(
                &format!("{name}.added"),
                with - bare,
                unit(counting),
                &detail,
            );
            figure(&format!("{name}.ratio"), with / bare, "x", &detail);
        }
    }
}
