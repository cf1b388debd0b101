//! What the recording of system calls adds to one, in a container that learns and beside it.
//!
//! Three variants take turns: no agent, an agent that learns, an agent that learns and records. The last
//! less the one before is what the recording costs; beside the containers it is what everybody pays.

use super::counting::{self, Soaker};
use super::figure::{figure, least, median};
use super::stage::{self, Inside, Outside};
use super::work::Op;
use super::{Args, note};
use crate::agent::{Agent, Home, Mode};
use crate::session::{Session, check_interrupt, patience, wait_for};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

const WORKLOAD: &str = "bench";
/// A call that does nothing, and one that does something.
const OPS: [Op; 2] = [Op::Null, Op::OpenRead];
const VARIANTS: [&str; 3] = ["nothing", "learning", "recording"];
const SITES: [&str; 2] = ["container", "untraced"];
/// Operations in a batch, of each of [`OPS`].
const COUNTS: [u32; 2] = [2_000, 500];
const BATCHES: u32 = 25;
/// Pause after a batch, in microseconds.
const PAUSE: u32 = 2_000;
/// Time for everything to settle where instructions are counted: ten million of them.
const SETTLE: Duration = Duration::from_millis(10);

/// Values of one operation, by its index, the site and the variant.
type Samples = HashMap<(usize, usize, usize), Vec<f64>>;

/// Measures and prints.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    let mut inside = Inside::start(session, WORKLOAD)?;
    let mut outside = Outside::start(session, &inside)?;
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
        for (variant, name) in VARIANTS.iter().enumerate() {
            check_interrupt()?;
            note(&format!(
                "syscalls: round {} of {rounds}, {name}",
                round + 1
            ));
            let agent = match variant {
                0 => None,
                _ => Some(start(session, variant == 2)?),
            };
            for site in 0..SITES.len() {
                let pipes = match site {
                    0 => &mut inside.pipes,
                    _ => &mut outside.pipes,
                };
                for (index, op) in OPS.iter().enumerate() {
                    let count = COUNTS[index];
                    pipes.run(*op, 20, 1, 0)?;
                    let values = samples.entry((index, site, variant)).or_default();
                    let Some(soaker) = &soaker else {
                        let batches = if args.quick { 5 } else { BATCHES };
                        let times = pipes.run(*op, count, batches, PAUSE)?;
                        values.extend(times.iter().map(|time| *time as f64 / f64::from(count)));
                        continue;
                    };
                    let mut measure = |count: u32| -> Result<f64> {
                        let mut all = Vec::new();
                        for _ in 0..5 {
                            let work = || pipes.run(*op, count, 1, 0).map(drop);
                            all.push(soaker.measure(SETTLE, work)? as f64);
                        }
                        Ok(median(&all))
                    };
                    let anyway = measure(0)?;
                    values.push((measure(10 * count)? - anyway) / f64::from(10 * count));
                }
            }
            if let Some(agent) = agent {
                check(&agent, variant == 2)?;
                agent.stop()?;
            }
        }
    }
    print(&samples, args.counting);
    Ok(())
}

fn start(session: &Session, records: bool) -> Result<Agent> {
    let mut home: Home = stage::home(session, Mode::Learn)?;
    if records {
        home.set("syscalls", "learning")?;
    }
    let agent = home.start()?;
    stage::wait_for_containers(&agent, 1)?;
    Ok(agent)
}

/// Whether what was to be measured happened: the calls are in the profile, or none is.
fn check(agent: &Agent, records: bool) -> Result<()> {
    let recorded = || -> Result<bool> {
        let profiles = agent.home.json(&["profile", "list"])?;
        let name = profiles.first().and_then(|one| one["name"].as_str());
        let Some(name) = name else {
            return Ok(false);
        };
        let advice = agent.home.json(&["advise", "pod", name])?;
        let names = &advice.first().context("no advice")?["seccomp"]["recorded"]["names"];
        Ok(names
            .as_array()
            .is_some_and(|all| all.iter().any(|it| it == "getppid")))
    };
    if records {
        return wait_for("the calls in the profile", patience(), || {
            Ok(recorded()?.then_some(()))
        });
    }
    ensure!(!recorded()?, "calls were recorded that nobody wanted");
    Ok(())
}

fn print(samples: &Samples, counting: bool) {
    let unit = if counting { "instructions" } else { "ns" };
    let value = |index, site, variant| {
        let values = samples
            .get(&(index, site, variant))
            .map_or(&[][..], Vec::as_slice);
        if counting {
            median(values)
        } else {
            least(values)
        }
    };
    for (index, op) in OPS.iter().enumerate() {
        for (site, place) in SITES.iter().enumerate() {
            let [nothing, learning, recording] =
                [0, 1, 2].map(|variant| value(index, site, variant));
            let detail = json!({"nothing": nothing, "learning": learning, "recording": recording});
            let name = format!("syscalls.{}.{place}", op.name());
            figure(
                &format!("{name}.added"),
                recording - learning,
                unit,
                &detail,
            );
            figure(&format!("{name}.ratio"), recording / nothing, "x", &detail);
        }
    }
}
