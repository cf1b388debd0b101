//! A browser, for the test of the page that `lapwing advise image -o html` makes.
//!
//! It is Debian's Chromium without a screen: its package needs no desktop. One that is on the path already
//! is taken as it is, also Debian's with a screen; none of a snap, which may not read what a test writes.
//! `agent/tests/image_html.rs` looks for it there as well.

use crate::setup;
use crate::shell::which;
use anyhow::{Context, Result};
use std::path::PathBuf;

const PROGRAM: &str = "chromium-headless-shell";
/// Debian's with a screen: the command, and the program that a snap has elsewhere.
const WITH_SCREEN: [&str; 2] = ["/usr/bin/chromium", "/usr/lib/chromium/chromium"];
/// The second has letters to draw with.
const PACKAGES: &[&str] = &[PROGRAM, "fonts-dejavu-core"];

/// Where it is, installed unless it is there: 100 MB in 32 s.
pub fn ensure() -> Result<PathBuf> {
    let found = || {
        let [command, program] = WITH_SCREEN.map(PathBuf::from);
        let with_screen = command.is_file() && program.is_file();
        which(PROGRAM).or_else(|| with_screen.then_some(command))
    };
    if let Some(path) = found() {
        return Ok(path);
    }
    setup::install("Chromium", "the page of advice is looked at", PACKAGES)?;
    found().with_context(|| {
        format!(
            "{PROGRAM} is not on the path after installing the package {}",
            PACKAGES[0]
        )
    })
}
