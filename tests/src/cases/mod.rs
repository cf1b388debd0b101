//! The cases, by area.

mod harness;

use crate::runner::Case;

/// Every case, in the order of the run.
pub const ALL: &[&[Case]] = &[harness::CASES];
