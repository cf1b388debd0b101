//! Processes: who acted, and who made them.

use super::act::{Act, Is, Report, Tiers};
use lapwing_abi::hooks::Row;

/// Every act of this area.
pub const ACTS: &[Act] = &[Act::new(
    "process.fork",
    Row::ProcessFork,
    Tiers::BASE,
    "fork(2): a child without a program of its own is known by its parent's",
    &["fork-create", "/data/forked"],
    Report::new(
        "file.unknown",
        "MEDIUM",
        "file",
        [
            ("file.operation", Is::Text("CREATE")),
            ("file.path", Is::Text("/data/forked")),
        ],
    ),
)
.by_fork()];
