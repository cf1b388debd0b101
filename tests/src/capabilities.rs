//! Running a program with no more capabilities than are named.

use anyhow::{Context, Result, bail};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, remove_capability_from_bounding_set,
    set_capabilities,
};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Becomes a program that has only these of the caller's capabilities (`CAP_BPF` and so on), as
/// with `CapabilityBoundingSet=` of systemd.exec(5). Returns only if that fails.
pub fn become_with(names: &[String], program: &[String]) -> Result<()> {
    let mut keep = CapabilitySet::empty();
    for name in names {
        let short = name.strip_prefix("CAP_").unwrap_or(name);
        keep |= CapabilitySet::from_name(short)
            .with_context(|| format!("there is no capability {name}"))?;
    }
    let held = capabilities(None).context("capabilities")?;
    for capability in held.permitted.iter() {
        if !keep.contains(capability) {
            remove_capability_from_bounding_set(capability)
                .with_context(|| format!("cannot drop {capability:?}"))?;
        }
    }
    let none = CapabilitySets {
        inheritable: CapabilitySet::empty(),
        ..held
    };
    set_capabilities(None, none).context("cannot clear what is inherited")?;
    let Some((program, args)) = program.split_first() else {
        bail!("no program");
    };
    Err(Command::new(program).args(args).exec()).with_context(|| format!("cannot run {program}"))
}
