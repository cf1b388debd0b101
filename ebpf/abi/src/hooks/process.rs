//! Programs, forks and ends.

use super::{Hook, Row, Variant, entry, probe, raw};
use crate::fields::Field;

/// security_bprm_check(struct linux_binprm *bprm), since 2.6.29; in its turns the script's comes
/// first. The file is still there when the program runs: the kernel lets go of it on the way
/// back to the caller, and not before.
const SCRIPT: Variant = entry(
    "process_script",
    &["security_bprm_check"],
    &[
        Field::BprmFile,
        Field::BprmFilename,
        Field::BprmInterp,
        Field::BprmBuf,
    ],
    "programs of this machine's own format that are handed to an interpreter (binfmt_misc)",
);

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
        row: Row::ProcessScript,
        variants: &[SCRIPT, probe(SCRIPT, "process_script_kprobe")],
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
