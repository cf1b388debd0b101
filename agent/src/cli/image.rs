//! `lapwing image`.

use super::Outcome;
use super::client::Endpoint;
use super::image_where::{self, WhereArgs};
use clap::Subcommand;

/// The commands of `lapwing image`.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Which workloads of a node run an image or ran it, since when, and what deviated
    ///
    /// By its digest, as when it turns out to be compromised.
    Where(WhereArgs),
}

/// Runs one of the commands.
pub async fn run(endpoint: &Endpoint, command: ImageCommand) -> Outcome {
    match command {
        ImageCommand::Where(args) => image_where::run(endpoint, &args).await,
    }
}
