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
//!
//! With advice ([`proof`]) each program has an image of its own, and after the third run what `lapwing
//! advise pod` says is applied to a fourth. `cargo xtask advise-proof` runs that.

mod load;
mod once;
mod program;
mod proof;
mod report;
mod roots;
mod run;
mod table;
mod user;
mod view;
mod wire;

pub use load::{LoadArgs, main as load};

use crate::Tools;
use crate::agent::take_problems;
use crate::session::{Session, check_interrupt};
use anyhow::{Context, Result, ensure};
use once::Setting;
use program::{PROGRAMS, Program};
use proof::Proof;
use report::Report;
use run::Lesson;
use std::fs;
use std::path::PathBuf;

/// Lines around the table of the advice, by which who reads the output finds it, as in the documentation.
const BEGIN: &str = "<!-- proof: begin -->";
const END: &str = "<!-- proof: end -->";

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
    /// Only programs whose name contains one of these.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    only: Vec<String>,
    /// Where the learned profiles are left.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Has a further run work with the advice that follows applied.
    #[arg(long)]
    advice: bool,
    /// The program that builds the Dockerfile of the advice; without it files are copied as it says.
    #[arg(long, value_name = "PATH", requires = "advice")]
    buildah: Option<PathBuf>,
    /// Where the table of the advice is left.
    #[arg(long, value_name = "FILE", requires = "advice")]
    markdown: Option<PathBuf>,
}

/// Runs them; answers whether the third run of each was silent.
pub fn run(args: &Args) -> Result<bool> {
    let chosen = chosen(&args.only)?;
    let (mut reports, mut proofs, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for program in chosen {
        check_interrupt()?;
        // Each has folders and an agent of its own, and leaves nothing to the next.
        let session = Session::new(args.tools.clone())?;
        match one(&session, program, args) {
            Ok((report, proof)) => {
                print!("{}", report.text());
                if let Some(proof) = &proof {
                    print!("{}", table::text(proof));
                }
                reports.push(report);
                proofs.extend(proof);
            }
            Err(error) => failures.push(format!("{}: {error:#}", program.name)),
        }
        drop(session);
        failures.extend(take_problems());
    }
    print!("{}", report::table(&reports));
    if args.advice {
        let table = table::markdown(&proofs);
        print!("\n{BEGIN}\n{table}{END}\n");
        if let Some(path) = &args.markdown {
            fs::write(path, table).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    for failure in &failures {
        println!("FAILED {failure}");
    }
    let is_well = match args.advice {
        true => proofs.iter().all(Proof::holds),
        false => reports.iter().all(Report::is_clean),
    };
    Ok(failures.is_empty() && is_well)
}

/// The programs with one of these in their names; all where there are none.
///
/// # Errors
///
/// One that is in no name.
fn chosen(only: &[String]) -> Result<Vec<&'static Program>> {
    let has = |program: &Program, word: &String| program.name.contains(word.as_str());
    for word in only {
        let is_known = PROGRAMS.iter().any(|program| has(program, word));
        ensure!(is_known, "no program has {word:?} in its name");
    }
    let is_chosen = |program: &&Program| only.is_empty() || only.iter().any(|it| has(program, it));
    Ok(PROGRAMS.iter().filter(is_chosen).collect())
}

/// Learns a program, compares it, and tries the advice.
fn one(
    session: &Session,
    program: &'static Program,
    args: &Args,
) -> Result<(Report, Option<Proof>)> {
    let all = args.programs.join("root");
    let own = session.folder("image")?;
    let layers = match args.advice {
        true => {
            roots::own(&all, program.packages, &own).context("an image of its own")?;
            vec![own.clone()]
        }
        false => vec![own.clone(), all],
    };
    once::put_files(program, &own)?;
    let setting = Setting {
        layers,
        patch: None,
        seccomp: None,
        user: None,
    };
    let lesson = Lesson::learn(session, program, args, &setting)?;
    let third = lesson.compare(&setting)?;
    let proof = match args.advice {
        true => Some(Proof::of(&lesson, &own, &third)?),
        false => None,
    };
    let mut report = Report {
        name: program.name,
        done: lesson.done.iter().copied().chain([third.done]).collect(),
        hours: third.taken.as_secs_f64() / 3600.0,
        learned: lesson.learned.clone(),
        repeats: 0,
        by_hand: lesson.by_hand.clone(),
        false_positives: third.reported,
    };
    report.repeats = lesson.end()?;
    Ok((report, proof))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_programs_are_chosen_by_parts_of_their_names() {
        let names = |only: &[&str]| {
            let only: Vec<_> = only.iter().map(ToString::to_string).collect();
            let chosen = chosen(&only)?;
            anyhow::Ok(chosen.iter().map(|it| it.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["redis", "ngin"]).unwrap(), ["nginx", "redis"]);
        assert_eq!(names(&[]).unwrap().len(), PROGRAMS.len());
        let error = names(&["redis", "java"]).unwrap_err().to_string();
        assert!(error.contains("java"), "{error}");
    }
}
