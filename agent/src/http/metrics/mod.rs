//! `/metrics`: the status that `lapwing status` shows, as numbers.

mod families;
mod fleet;
mod process;
mod samples;
mod text;

#[cfg(test)]
mod tests;

pub use families::{Family, Type};
pub use process::Process;

use crate::kernel::fill::Fill;
use lapwing_proto::v1::GetStatusResponse;
use std::collections::HashMap;
use std::sync::Arc;
use text::{Number, Sample};

/// What is known at a moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// What the agent says of itself; none while the pipeline does not answer.
    pub status: Option<Arc<GetStatusResponse>>,
    /// Whether it is ready.
    pub ready: bool,
    /// For how long the pipeline has not moved.
    pub quiet: std::time::Duration,
    /// How full the rings are; none of a controller.
    pub rings: Vec<Fill>,
    /// Connections for probes and metrics that found no room.
    pub refused: u64,
    /// What the process costs.
    pub process: Process,
}

/// What counters of the kernel side stood at, at most. A map that cannot be read for once counts
/// nothing, which a scraper would take for a new start, and what comes next for a rise by all of it.
#[derive(Debug, Default)]
pub struct Highest(HashMap<(Family, Vec<String>), u64>);

impl Highest {
    fn keep(&mut self, family: Family, samples: &mut [Sample]) {
        if !matches!(
            family,
            Family::HookEvents | Family::HookRecalled | Family::Lost
        ) {
            return;
        }
        for sample in samples {
            if let Number::Whole(value) = &mut sample.value {
                let highest = self.0.entry((family, sample.labels.clone())).or_default();
                *highest = (*highest).max(*value);
                *value = *highest;
            }
        }
    }
}

/// Of an agent that stands by: it has nothing to count.
#[must_use]
pub fn standing_by() -> String {
    let mut out = String::new();
    text::write(&mut out, Family::Ready, &samples::plain(false));
    out
}

/// In the text format.
#[must_use]
pub fn render(snapshot: &Snapshot, highest: &mut Highest) -> String {
    let mut out = String::with_capacity(32 << 10);
    for family in Family::ALL {
        let mut samples = samples::of(*family, snapshot);
        highest.keep(*family, &mut samples);
        text::write(&mut out, *family, &samples);
    }
    out
}
