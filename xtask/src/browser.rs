//! A browser, for the test of the page that `lapwing advise image -o html` makes.
//!
//! It is Debian's Chromium without a screen: its package needs no desktop. One that is on the path already,
//! with a screen or without, is taken as it is. `agent/tests/image_html.rs` looks for it there as well.

use crate::setup;
use crate::shell::which;
use anyhow::{Context, Result};
use std::path::PathBuf;

/// The names of the programs, the one that is installed first.
const PROGRAMS: &[&str] = &["chromium-headless-shell", "chromium"];
/// The second has letters to draw with.
const PACKAGES: &[&str] = &["chromium-headless-shell", "fonts-dejavu-core"];

/// Where it is, installed unless it is there: 100 MB in 32 s.
pub fn ensure() -> Result<PathBuf> {
    let found = || PROGRAMS.iter().find_map(|name| which(name));
    if let Some(path) = found() {
        return Ok(path);
    }
    setup::install("Chromium", "the page of advice is looked at", PACKAGES)?;
    found().context("Chromium is not there after installing it")
}
