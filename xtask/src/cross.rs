//! Rust's standard library for another machine.
//!
//! The toolchain in use has it once rustup has added the target. Where rustup
//! cannot fetch it, Debian's compiler is used with Debian's library for the
//! other machine, which is of the same version, unpacked into the cache.

use crate::debian::{self, Package};
use crate::machine::Machine;
use crate::setup::install;
use crate::shell::quiet;
use crate::toolchain::DEBIAN_RUSTC;
use crate::{cache, root};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's release from which compiler and library are, where it has to be that way.
pub const SUITE: &str = "bookworm";
const LIBRARY: &str = "libstd-rust-web-dev";

/// Who compiles for another machine.
pub enum Library {
    /// The toolchain in use.
    Toolchain,
    /// Debian's compiler, with the library in this folder.
    Debian(PathBuf),
}

impl Library {
    /// What to call it in a report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Toolchain => "rustup",
            Self::Debian(_) => "Debian",
        }
    }

    /// Has Cargo compile for the machine. Answers the compiler's flag that this takes, if it takes one.
    pub fn apply(&self, machine: &Machine, command: &mut Command) -> Option<String> {
        let target = machine.target.replace('-', "_");
        command
            .env(
                format!("CARGO_TARGET_{}_LINKER", target.to_uppercase()),
                machine.cross_compiler,
            )
            .env(format!("CC_{target}"), machine.cross_compiler);
        match self {
            Self::Toolchain => None,
            Self::Debian(library) => {
                command.env("RUSTC", DEBIAN_RUSTC);
                Some(format!("-L{}", library.display()))
            }
        }
    }
}

/// The library for a machine; fetched unless it is there.
pub fn find(machine: &Machine) -> Result<Library> {
    let name = format!("Rust for {}", machine.debian);
    if has_std(&toolchain_folder(machine)?) {
        return Ok(Library::Toolchain);
    }
    let unpacked = cache().join(format!("rust-std-{}", machine.debian));
    let library = unpacked
        .join("usr/lib/rustlib")
        .join(machine.target)
        .join("lib");
    if has_std(&library) && Path::new(DEBIAN_RUSTC).exists() {
        return Ok(Library::Debian(library));
    }
    println!("  {name:<16} missing: fetching the standard library by rustup ...");
    let rustup =
        quiet(
            Command::new("rustup")
                .current_dir(root())
                .args(["target", "add", machine.target]),
        );
    let Err(refusal) = rustup else {
        return Ok(Library::Toolchain);
    };
    println!("  {name:<16} not to be had by rustup: fetching Debian's ...");
    let debian = || {
        install("rustc-web", "compiles for other machines", &["rustc-web"])?;
        debian::unpack(SUITE, machine, &[Package::Named(LIBRARY)], &unpacked)
    };
    debian().with_context(|| format!("neither by rustup ({refusal:#}) nor from Debian"))?;
    Ok(Library::Debian(library))
}

/// Where the toolchain in use would have it.
fn toolchain_folder(machine: &Machine) -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(root()).args(["--print", "sysroot"]);
    let output = rustc.output().context("cannot run rustc")?;
    Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim())
        .join("lib/rustlib")
        .join(machine.target)
        .join("lib"))
}

fn has_std(folder: &Path) -> bool {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}
