//! The benches: what tracing costs, and what it holds.
//!
//! They are a part of the tests' program and not one of their own, because they
//! start the same containers and the same agent, run unchanged in the same guests,
//! and leave as little behind. `cargo xtask bench` runs them, compares the figures
//! with the design's targets and prints the table; `tests/benches/README.md` says how
//! to read it.
//!
//! A bench prints its figures to standard output, one JSON object a line, and what it
//! is doing to standard error. It fails if what it measured is not what it says: each
//! checks itself by counts that must agree to the last operation.

mod compare;
mod counting;
mod cpu;
mod feed;
mod figure;
mod flood;
mod floor;
mod inventory;
mod latency;
mod machine;
mod memory;
mod overhead;
mod path;
mod programs;
mod stage;
mod syscalls;
mod work;

pub use counting::soak;
pub use work::main as work;

use crate::Tools;
use crate::agent::take_problems;
use crate::session::{Session, check_interrupt};
use anyhow::Result;
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

/// Options of the benches.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    tools: Tools,
    /// The compiled floor program.
    #[arg(long, value_name = "PATH")]
    floor: PathBuf,
    /// Small counts: shows that the benches work, not what anything costs.
    #[arg(long)]
    quick: bool,
    /// This machine's clock counts instructions.
    #[arg(long)]
    counting: bool,
    /// Only benches whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

type Bench = fn(&Session, &Args) -> Result<()>;

/// Every bench, and whether it says something where instructions are counted.
const BENCHES: &[(&str, Bench, bool)] = &[
    ("overhead", overhead::run, true),
    ("syscalls", syscalls::run, true),
    ("inventory", inventory::run, true),
    ("cpu", cpu::run, false),
    ("latency", latency::run, false),
    ("compare", compare::run, false),
    ("path", path::run, false),
    ("feed", feed::run, false),
    ("flood", flood::run, false),
    ("memory", memory::run, false),
];

/// Says what goes on.
fn note(text: &str) {
    eprintln!("bench: {text}");
}

/// Runs them; answers whether none failed.
pub fn run(args: Args) -> Result<bool> {
    let chosen: Vec<_> = BENCHES
        .iter()
        .filter(|(name, _, counts)| {
            let asked = args.only.as_ref().is_none_or(|only| name.contains(only));
            asked && (*counts || !args.counting)
        })
        .collect();
    anyhow::ensure!(
        !chosen.is_empty(),
        "no bench has {:?} in its name: there are {}",
        args.only.unwrap_or_default(),
        BENCHES
            .iter()
            .map(|(name, ..)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    );
    let mut good = true;
    for (name, bench, _) in chosen {
        check_interrupt()?;
        note(name);
        let start = Instant::now();
        // Each has folders of its own, so that what one leaves in memory is not another's.
        let session = Session::new(args.tools.clone())?;
        let result = bench(&session, &args);
        drop(session);
        let problems = take_problems();
        let failures: Vec<String> = result
            .err()
            .map(|error| format!("{error:#}"))
            .into_iter()
            .chain(problems)
            .collect();
        let error = (!failures.is_empty()).then(|| failures.join("; "));
        if let Some(error) = &error {
            good = false;
            note(&format!("{name} FAILED: {error}"));
        }
        let line = json!({
            "bench": name,
            "seconds": start.elapsed().as_secs_f64().round(),
            "error": error,
        });
        println!("{line}");
    }
    Ok(good)
}
