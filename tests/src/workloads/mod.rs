//! Real programs, learned twice and compared once: what is reported that should not be?
//!
//! Each program runs from Debian's packages in a container of runc, three times: a fresh
//! container each time, other process ids, other random names, other timing. Two runs
//! teach. Then a person approves what waits (the package manager writes programs, which is
//! never learned), and promotes the profile. Whatever the third run is reported for is a
//! false positive, and is listed with its rule and its entry.
//!
//! Clients run outside the containers, in their network: what is learned is the
//! program's alone. `cargo xtask workloads` runs this.

mod load;
mod program;
mod report;
mod run;
mod wire;

pub use load::{LoadArgs, main as load};

use crate::Tools;
use crate::agent::take_problems;
use crate::session::{Session, check_interrupt};
use anyhow::{Result, ensure};
use program::PROGRAMS;
use std::path::PathBuf;

/// Options of the command.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    tools: Tools,
    /// The folder with the programs' root file system and the repository.
    #[arg(long, value_name = "DIR")]
    programs: PathBuf,
    /// How long each run takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    seconds: u32,
    /// Only programs whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Where the learned profiles are left.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Runs them; answers whether the third run of each was silent.
pub fn run(args: &Args) -> Result<bool> {
    let chosen: Vec<_> = PROGRAMS
        .iter()
        .filter(|program| {
            let only = args.only.as_ref();
            only.is_none_or(|only| program.name.contains(only.as_str()))
        })
        .collect();
    ensure!(
        !chosen.is_empty(),
        "no program has {:?} in its name",
        args.only.as_deref().unwrap_or_default()
    );
    let (mut reports, mut failures) = (Vec::new(), Vec::new());
    for program in chosen {
        check_interrupt()?;
        // Each has folders and an agent of its own, and leaves nothing to the next.
        let session = Session::new(args.tools.clone())?;
        match run::learn_and_compare(&session, program, args) {
            Ok(report) => {
                print!("{}", report.text());
                reports.push(report);
            }
            Err(error) => failures.push(format!("{}: {error:#}", program.name)),
        }
        drop(session);
        failures.extend(take_problems());
    }
    print!("{}", report::table(&reports));
    for failure in &failures {
        println!("FAILED {failure}");
    }
    Ok(failures.is_empty() && reports.iter().all(report::Report::is_clean))
}
