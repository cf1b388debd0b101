//! Tests that need root: real containers on a real kernel.
//!
//! One static binary is both sides of every test. Outside, it starts
//! containers and the agent, and compares what `lapwing watch` says with what
//! was done. Inside a container, copied there as `/trigger`, it does one thing
//! by exactly known system calls. So it runs unchanged on the host and in a
//! guest whose userland is BusyBox, runc and `lapwing`.

mod agent;
mod api;
mod authority;
mod bench;
mod capabilities;
mod cases;
mod cgroup;
mod cluster;
mod container;
mod coverage;
mod cri;
mod demo;
mod expect;
mod filter;
mod letters;
mod lost;
mod netns;
mod patch;
mod pod;
mod puppet;
mod receiver;
mod rootfs;
mod runner;
mod session;
mod sweep;
mod tally;
mod terminal;
mod trigger;
mod watch;
mod workloads;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs Lapwing against real containers. Needs root, runc and a static BusyBox.
#[derive(Parser)]
#[command(
    name = "lapwing-tests",
    version,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Command {
    /// Tells the whole story once: a service is learned, promoted, attacked, and each deviation shown.
    Demo(demo::DemoArgs),
    /// Measures what tracing costs, and prints one figure a line.
    Bench(bench::Args),
    /// Learns real programs in two runs, and counts what is reported of a third.
    Workloads(workloads::Args),
    /// A client of such a program.
    #[command(hide = true)]
    Load(workloads::LoadArgs),
    /// Is the API of a cluster, for the nodes and controllers of a test.
    #[command(hide = true)]
    ClusterApi(cluster::server::Args),
    /// Takes the time that nobody else wants, so that a counting machine is never idle.
    #[command(hide = true)]
    Soak,
    /// Becomes another program, with no more capabilities than these.
    #[command(hide = true)]
    With {
        /// The capabilities, as `CAP_BPF`.
        #[arg(long, value_delimiter = ',')]
        capabilities: Vec<String>,
        /// With the limits of the unit, not those that processes have by default.
        #[arg(long)]
        limits: bool,
        /// The program and its arguments.
        #[arg(trailing_var_arg = true, required = true)]
        program: Vec<String>,
    },
}

/// The programs a run needs.
#[derive(Args, Clone)]
struct Tools {
    /// The binary under test.
    #[arg(long, default_value = "lapwing", value_name = "PATH")]
    lapwing: PathBuf,
    /// The container runtime.
    #[arg(long, default_value = "runc", value_name = "PATH")]
    runc: PathBuf,
    /// A statically linked BusyBox.
    #[arg(long, default_value = "/bin/busybox", value_name = "PATH")]
    busybox: PathBuf,
    /// Folder under which everything is made and removed again.
    #[arg(long, default_value = "/tmp", value_name = "DIR")]
    scratch: PathBuf,
    /// How long to wait for a report before it counts as missing; guests are slow.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    patience: u32,
}

/// Options of a test run.
#[derive(Args)]
struct Run {
    #[command(flatten)]
    tools: Tools,
    /// Which kernel this is: chooses the list of expected skips.
    #[arg(long, default_value = "host", value_name = "LABEL")]
    kernel_label: String,
    /// The same cases with large counts.
    #[arg(long)]
    soak: bool,
    /// Only cases whose name contains this, from the beginning of a word; of several, one is enough.
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// Prints the names of the cases and runs none.
    #[arg(long)]
    list: bool,
    /// Prints the table of techniques and the tests that prove them, and runs none.
    #[arg(long, conflicts_with = "list")]
    coverage: bool,
}

fn main() -> ExitCode {
    // Inside a container the program has another name, and another job.
    if let Some(code) = trigger::main_if_inside() {
        return code;
    }
    let cli = Cli::parse();
    let result = match cli.command {
        Some(Command::Demo(args)) => demo::run(args),
        Some(Command::Bench(args)) => bench::run(args),
        Some(Command::Workloads(args)) => workloads::run(&args),
        Some(Command::Load(args)) => workloads::load(&args).map(|()| true),
        Some(Command::ClusterApi(args)) => cluster::server::run(&args).map(|()| true),
        Some(Command::Soak) => bench::soak(),
        Some(Command::With {
            capabilities: names,
            limits,
            program,
        }) => capabilities::become_with(&names, limits, &program).map(|()| false),
        None if cli.run.list => {
            runner::list(&filter::Filter(cli.run.filter));
            Ok(true)
        }
        None if cli.run.coverage => {
            print!("{}", coverage::document());
            Ok(true)
        }
        None => runner::run(&runner::Options {
            tools: cli.run.tools,
            label: cli.run.kernel_label,
            soak: cli.run.soak,
            filter: filter::Filter(cli.run.filter),
        }),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lapwing-tests: {error:#}");
            ExitCode::FAILURE
        }
    }
}
