//! Running a program with no more capabilities than are named.

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, remove_capability_from_bounding_set,
    set_capabilities,
};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What the unit sets besides: memory that programs may lock, and the priority they may give
/// themselves (20 less the value of nice).
const LOCKED: Rlimit = Rlimit {
    current: None,
    maximum: None,
};
const PRIORITY: Rlimit = Rlimit {
    current: Some(30),
    maximum: Some(30),
};
const NONE: Rlimit = Rlimit {
    current: Some(0),
    maximum: Some(0),
};
/// What a process has without a unit that says so: 64 KiB until Linux 5.16.
const LOCKED_BY_DEFAULT: Rlimit = Rlimit {
    current: Some(64 << 10),
    maximum: Some(64 << 10),
};

/// Becomes a program that has only these of the caller's capabilities (`CAP_BPF` and so on), as
/// with `CapabilityBoundingSet=` of systemd.exec(5). Returns only if that fails.
///
/// With `limits` it has those of the unit, else those that processes have by default.
pub fn become_with(names: &[String], limits: bool, program: &[String]) -> Result<()> {
    let (locked, priority) = match limits {
        true => (LOCKED, PRIORITY),
        false => (LOCKED_BY_DEFAULT, NONE),
    };
    for (limit, bound) in [(Resource::Memlock, locked), (Resource::Nice, priority)] {
        match setrlimit(limit, bound) {
            // Where the tests themselves may not raise a limit, it stays: `/proc` says so.
            Ok(()) | Err(Errno::PERM) => {}
            Err(error) => return Err(error).context("cannot set a limit"),
        }
    }
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
