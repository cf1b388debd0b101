//! Programs, forks and ends.

use super::{Hook, Row, raw};
use crate::fields::Field;

pub const HOOKS: &[Hook] = &[
    Hook {
        row: Row::ProcessExec,
        variants: &[raw(
            "process_exec",
            "sched_process_exec",
            &[
                Field::TaskMm,
                Field::FsPwd,
                Field::InodeNlink,
                Field::InodeSize,
                Field::MmExeFile,
                Field::MmArgStart,
                Field::MmArgEnd,
                Field::BprmFilename,
                Field::BprmInterp,
            ],
        )],
    },
    Hook {
        row: Row::ProcessFork,
        variants: &[raw("process_fork", "sched_process_fork", &[])],
    },
    Hook {
        row: Row::ProcessExit,
        variants: &[raw("process_exit", "sched_process_exit", &[])],
    },
];
