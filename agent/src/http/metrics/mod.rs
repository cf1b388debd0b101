//! `/metrics`: the status that `lapwing status` shows, as numbers.

mod families;
mod process;
mod samples;
mod text;

#[cfg(test)]
mod tests;

pub use families::{Family, Type};
pub use process::Process;

use lapwing_proto::v1::GetStatusResponse;
use std::sync::Arc;

/// What is known at a moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// What the agent says of itself; none while the pipeline does not answer.
    pub status: Option<Arc<GetStatusResponse>>,
    /// Whether it is ready.
    pub ready: bool,
    /// For how long the pipeline has not moved.
    pub quiet: std::time::Duration,
    /// Connections for probes and metrics that found no room.
    pub refused: u64,
    /// What the process costs.
    pub process: Process,
}

/// In the text format.
#[must_use]
pub fn render(snapshot: &Snapshot) -> String {
    let mut out = String::with_capacity(32 << 10);
    for family in Family::ALL {
        text::write(&mut out, *family, &samples::of(*family, snapshot));
    }
    out
}
