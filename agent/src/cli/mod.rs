//! The command line: one binary for the daemon and for everything one asks of it.

mod advise;
mod advise_image;
mod advise_pod_image;
mod advise_text;
mod args;
mod attest;
mod certificates;
pub(crate) mod client;
mod cluster;
mod evidence;
mod feed;
mod fleet;
mod hooks;
mod identity;
mod image;
mod image_container;
mod image_html;
mod image_text;
pub(crate) mod image_where;
mod inventory;
mod learning;
mod modes;
mod network;
mod past;
mod profile;
mod profile_decide;
mod profile_diff;
mod profile_file;
pub(crate) mod profile_object;
mod profile_replay;
mod profile_sign;
mod profile_target;
mod profile_text;
mod provenance;
mod show;
mod sink;
pub mod text;
mod top;
mod versions;
mod watch;
pub mod wrap;

pub use args::{
    AgentArgs, Cli, Command, ControllerArgs, DEFAULT_ENDPOINT, DoctorArgs, Output, ProfileCommand,
    SinkCommand,
};
pub use client::Endpoint;
pub use text::{BOLD, DIM, styled, table};

use lapwing_profile::text::visible;
use std::fmt;
use std::io;

/// How a command ends. The numbers are documented in `lapwing --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// An operation failed.
    Failed = 1,
    /// Bad usage or configuration.
    Usage = 2,
    /// The host cannot run the sensor, or does not let this user.
    Host = 3,
    /// The agent cannot be reached.
    Connection = 4,
}

/// Why a command fails, and how it ends.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: Code,
    /// The message, with a remedy.
    pub error: anyhow::Error,
}

impl Failure {
    /// With a code.
    pub fn new(code: Code, error: impl Into<anyhow::Error>) -> Self {
        Self {
            code,
            error: error.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parts of it may be another program's words; its own line breaks stay.
        let text = format!("{:#}", self.error);
        let lines: Vec<_> = text.lines().map(visible).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Code::Failed, error)
    }
}

/// The result of a command.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// Whether nobody reads what is written any more, as in `lapwing watch | head`: no failure.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Runs a command that talks to an agent or works on files. The daemon and the doctor are not
/// among them.
///
/// # Errors
/// With the message and the exit code.
pub async fn run(endpoint: &Endpoint, command: Command) -> Outcome {
    match command {
        Command::Watch(args) => watch::run(endpoint, args).await,
        Command::Certificates(args) if args.apply => certificates::apply::run(&args).await,
        Command::Certificates(args) => certificates::run(&args),
        Command::Top(args) => top::run(endpoint, args).await,
        Command::Profile { output, command } => profile::run(endpoint, output, command).await,
        Command::Advise { command } => advise::run(endpoint, command).await,
        Command::Image { command } => image::run(endpoint, command).await,
        Command::Inventory(args) => inventory::run(endpoint, args).await,
        Command::Evidence(args) => evidence::run(endpoint, args).await,
        Command::Status { output } => show::status(endpoint, output).await,
        Command::Feed { output, command } => feed::run(endpoint, output, command).await,
        Command::Sink { output, command } => sink::run(endpoint, output, command).await,
        Command::Containers { output } => show::containers(endpoint, output).await,
        Command::Agent(_) | Command::Controller(_) | Command::Doctor(_) => Ok(()),
    }
}
