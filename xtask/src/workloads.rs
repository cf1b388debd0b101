//! `cargo xtask workloads`: what is learned of real programs, and what is reported that should
//! not be.
//!
//! Not a bench: benches compare figures with targets, and repeat to the last digit. This runs
//! for minutes, needs a root file system of Debian's packages, and what it prints is a list of
//! names, to be read.

mod guest;

use crate::build::{self, Built};
use crate::{kernel, programs, setup, shell};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Options of the command.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    runs: Runs,
    /// Where the learned profiles are left, to be looked at
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Which programs run, and for how long.
#[derive(clap::Args)]
struct Runs {
    /// Runs of 15 seconds instead of 90: shows that it works
    #[arg(long)]
    quick: bool,
    /// Only programs whose name contains one of these: nginx, postgresql, redis, apt, python, node
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    only: Vec<String>,
    /// How long each of the runs takes
    #[arg(long, value_name = "SECONDS", conflicts_with = "quick")]
    seconds: Option<u32>,
    /// How long an answer of the agent or of a program may take [default: 30, in a guest 240]
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u32>,
}

impl Runs {
    fn seconds(&self) -> u32 {
        match (self.seconds, self.quick) {
            (Some(seconds), _) => seconds,
            (None, true) => 15,
            (None, false) => 90,
        }
    }

    fn command(&self, built: &Built) -> Result<Command> {
        let mut command = command(built, self.seconds())?;
        if !self.only.is_empty() {
            command.args(["--only", &self.only.join(",")]);
        }
        if let Some(patience) = self.patience {
            command.args(["--patience", &patience.to_string()]);
        }
        Ok(command)
    }
}

/// Learns and compares. Answers whether nothing was reported that should not be.
pub fn run(args: &Args) -> Result<bool> {
    let built = build::run(&setup::run()?)?;
    let mut command = args.runs.command(&built)?;
    if let Some(keep) = &args.keep {
        command.arg("--keep").arg(keep);
    }
    let status = command.status().context("cannot run the workloads")?;
    Ok(status.success())
}

/// Options of `advise-proof`.
#[derive(clap::Args)]
pub struct ProofArgs {
    #[command(flatten)]
    runs: Runs,
    /// Where the table is left, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// In a virtual machine with this kernel of this machine's architecture, such as 6.12
    #[arg(long, value_name = "LABEL")]
    kernel: Option<String>,
}

/// Learns, applies what is advised, and has each program do its work again. Answers whether all did, and
/// nothing was reported that is not reported without the advice.
pub fn prove(args: &ProofArgs) -> Result<bool> {
    if let Some(label) = &args.kernel {
        return guest::prove(kernel::find(Some(label))?, args);
    }
    let built = build::run(&setup::run()?)?;
    let mut command = args.runs.command(&built)?;
    command.arg("--advice");
    if shell::which(BUILDER).is_none() {
        setup::install("Buildah", "builds the Dockerfile of the advice", &[BUILDER])?;
    }
    let buildah = shell::which(BUILDER).context("Debian's package buildah brings no buildah")?;
    command.arg("--buildah").arg(buildah);
    if let Some(file) = &args.markdown {
        command.arg("--markdown").arg(file);
    }
    let status = command.status().context("cannot run the workloads")?;
    Ok(status.success())
}

/// One program for a short time, as a test that the rest still runs; with the advice that follows.
pub fn smoke(built: &Built) -> Result<String> {
    let mut command = command(built, SMOKE_SECONDS)?;
    command.args(["--advice", "--only", SMOKE]);
    if let Some(buildah) = shell::which(BUILDER) {
        command.arg("--buildah").arg(buildah);
    }
    let mut said = String::new();
    let status = shell::follow(&mut command, |line| {
        said.push_str("\n  ");
        said.push_str(line);
    })?;
    if !status.success() {
        bail!(
            "the workload {SMOKE} failed, also with what is advised applied, or something was reported \
             that was learned:{said}"
        );
    }
    Ok(format!(
        "{SMOKE}, runs of {SMOKE_SECONDS} s, the last with what is advised"
    ))
}

/// Builds images without a daemon.
const BUILDER: &str = "buildah";
/// How long each of its runs takes: five of them have the stage's budget. What the client has it do to be
/// learned does not depend on it.
const SMOKE_SECONDS: u32 = 8;
/// The program that starts fastest and has names that are new each time.
const SMOKE: &str = "redis";

fn command(built: &Built, seconds: u32) -> Result<Command> {
    let programs = programs::ensure()?;
    let mut command = Command::new(&built.tests);
    command
        .arg("workloads")
        .arg("--lapwing")
        .arg(&built.lapwing)
        .arg("--busybox")
        .arg(&built.busybox)
        .arg("--programs")
        .arg(programs)
        .args(["--seconds", &seconds.to_string()])
        .stdin(Stdio::null());
    Ok(command)
}
