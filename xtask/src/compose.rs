//! Docker Compose, which merges what `lapwing advise pod -o compose` prints with users' files in a test.
//!
//! Debian's package, proved by Debian's keys, is unpacked into the cache and nowhere else; the program in it is copied
//! to where the test finds it, also as a user who cannot look into the cache. No daemon is needed to merge files.

use crate::debian::{self, Package};
use crate::shell::{self, quiet};
use crate::{cache, machine, root, setup};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Debian's release from which it is: the one before has a Compose without `!override`.
const SUITE: &str = "trixie";
const PACKAGES: &[Package] = &[Package::Named("docker-compose")];
const MEMBER: &str = "usr/libexec/docker/cli-plugins/docker-compose";
const PROGRAM: &str = "docker-compose";

/// Where it is, fetched unless it is there.
pub fn ensure() -> Result<PathBuf> {
    let machine = machine::own().context("no machine that Lapwing is built for")?;
    let fetched = cache().join(format!("compose-{SUITE}-{}", machine.debian));
    let program = fetched.join(MEMBER);
    if !program.is_file() {
        setup::say(
            "Docker Compose",
            "missing (advice is merged by it): 13 MB from Debian ...",
        );
        debian::unpack(SUITE, machine, PACKAGES, &fetched)?;
    }
    let target = root().join("target/compose");
    let copy = target.join(PROGRAM);
    if !copy.is_file() {
        shell::folder(&target)?;
        // One whose copy was cut short must not pass for whole.
        let fresh = target.join("docker-compose.new");
        quiet(Command::new("cp").arg(&program).arg(&fresh))?;
        fs::rename(&fresh, &copy)?;
    }
    Ok(target)
}
