//! containerd, for the tests of pods: Debian's package, unpacked into the cache and nowhere else. No service is
//! installed or started; the tests run one of their own. What was unpacked is copied to where they find it.

use crate::debian::{self, Package};
use crate::shell::{self, quiet};
use crate::{cache, machine, root, setup};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Debian's release from which it is.
const SUITE: &str = "bookworm";
const PACKAGES: &[Package] = &[Package::Named("containerd")];
/// What of it is used; the first is last to appear.
const PROGRAMS: &[&str] = &["containerd", "containerd-shim-runc-v2", "ctr"];

/// Where its programs are, fetched unless they are there.
pub fn ensure() -> Result<PathBuf> {
    let machine = machine::own().context("no machine that Lapwing is built for")?;
    let fetched = cache().join(format!("containerd-{SUITE}-{}", machine.debian));
    let programs = fetched.join("usr/bin");
    if !programs.join(PROGRAMS[0]).is_file() {
        setup::say(
            "containerd",
            "missing (pods are made by it): fetching from Debian ...",
        );
        debian::unpack(SUITE, machine, PACKAGES, &fetched)?;
    }
    let target = root().join("target/containerd");
    if !target.join(PROGRAMS[0]).is_file() {
        shell::folder(&target)?;
        for name in PROGRAMS.iter().rev() {
            // One whose copy was cut short must not pass for whole.
            let fresh = target.join(format!("{name}.new"));
            quiet(Command::new("cp").arg(programs.join(name)).arg(&fresh))?;
            fs::rename(&fresh, target.join(name))?;
        }
    }
    Ok(target)
}
