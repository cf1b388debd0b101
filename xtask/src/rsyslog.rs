//! rsyslog with GnuTLS, a receiver for the tests of deliveries.
//!
//! Debian's packages are unpacked into the cache and nowhere else: no service is installed or started.
//! The rest of its libraries are this machine's. What was unpacked is copied to where the tests
//! find it, also those that run as a user who cannot look into the cache.

use crate::debian::{self, Package};
use crate::shell::{self, quiet};
use crate::{cache, machine, root, setup};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's release from which it is.
const SUITE: &str = "bookworm";
const PACKAGES: &[Package] = &[
    Package::Named("rsyslog"),
    Package::Named("rsyslog-gnutls"),
    Package::Named("libestr0"),
    Package::Named("libfastjson4"),
];
const PROGRAM: &str = "usr/sbin/rsyslogd";

/// Where it is, fetched unless it is there.
pub fn ensure() -> Result<PathBuf> {
    let machine = machine::own().context("no machine that Lapwing is built for")?;
    let fetched = cache().join(format!("rsyslog-{SUITE}-{}", machine.debian));
    if !fetched.join(PROGRAM).is_file() {
        setup::say(
            "rsyslog",
            "missing (syslog is delivered to it): fetching from Debian ...",
        );
        debian::unpack(SUITE, machine, PACKAGES, &fetched)?;
    }
    let target = root().join("target/rsyslog");
    if !target.join(PROGRAM).is_file() {
        shell::folder(&target)?;
        let usr: &Path = &fetched.join("usr");
        quiet(Command::new("cp").arg("-r").arg(usr).arg(&target))?;
    }
    Ok(target)
}
