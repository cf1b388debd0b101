//! Ways to use and to gain rights.

use super::act::Act;

/// Every act of this area.
pub const ACTS: &[Act] = &[];
