//! Cgroups coming, going, and taking in processes.

use super::{Hook, Row, raw};
use crate::fields::Field;

pub const HOOKS: &[Hook] = &[
    Hook {
        row: Row::CgroupCreate,
        variants: &[raw("cgroup_create", "cgroup_mkdir", &[Field::KernfsParent])],
    },
    Hook {
        row: Row::CgroupRemove,
        variants: &[raw("cgroup_remove", "cgroup_rmdir", &[Field::KernfsParent])],
    },
    Hook {
        row: Row::CgroupAttach,
        variants: &[raw(
            "cgroup_attach",
            "cgroup_attach_task",
            &[Field::TaskMm, Field::MmArgStart, Field::MmArgEnd],
        )],
    },
];
