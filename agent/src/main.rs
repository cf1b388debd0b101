//! The binary `lapwing`: parse, build, run, drain.
#![forbid(unsafe_code)]

use clap::Parser;
use lapwing_agent::cli::{self, Cli, Code, Command, Failure, Outcome};
use lapwing_agent::{controller, daemon, doctor};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            // There is nobody to tell if this fails too.
            let _ = writeln!(
                anstream::stderr(),
                "{}: {failure}",
                cli::styled(cli::BOLD, "lapwing")
            );
            ExitCode::from(failure.code as u8)
        }
    }
}

/// What runs on says so on standard error.
fn log() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_env_filter(
            EnvFilter::try_from_env("LAPWING_LOG")
                // What fails with the API of a cluster is said where it is asked.
                .unwrap_or_else(|_| EnvFilter::new("info,kube_client=off")),
        )
        .init();
}

fn run(cli: Cli) -> Outcome {
    let endpoint = cli::Endpoint::from(&cli);
    match cli.command {
        Command::Agent(args) => {
            log();
            daemon::run(&args, cli.endpoint.as_deref())
        }
        Command::Controller(args) => {
            log();
            controller::run(&args, cli.endpoint.as_deref())
        }
        Command::Doctor(args) => doctor::run(&args),
        command => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(Code::Failed, error))?
            .block_on(cli::run(&endpoint, command)),
    }
}
