//! Flags of the compiler, with the paths of this machine kept out of what it makes.
//!
//! Messages of panics name files of the project and of what it depends on, and the BTF of the eBPF programs
//! names the file of each line that a verifier quotes. Built elsewhere these would be other bytes: so each folder
//! has a name that is the same everywhere, and who builds one commit twice with the same compilers can compare.
//! Cargo leaves these flags out of the names of what it makes, which would differ otherwise.

use crate::{build, root};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable with flags in which paths may have spaces; it wins over `RUSTFLAGS` and over Cargo's configuration.
const VARIABLE: &str = "CARGO_ENCODED_RUSTFLAGS";
/// What stands between the flags there.
const BETWEEN: &str = "\x1f";

/// Gives Cargo the flags of a compiler, and the names of folders with them. The compiler is the one that Cargo
/// would run: by `RUSTC` or by `RUSTUP_TOOLCHAIN` in the variables of the command, if it has them.
pub fn apply(command: &mut Command, flags: &[&str]) -> Result<()> {
    let folders = vec![
        (cargo_home()?, "/cargo".to_owned()),
        sources(command)?,
        (root(), ".".to_owned()),
        (build::target(), "./target".to_owned()),
    ];
    let flags = { flags.iter() }
        .map(ToString::to_string)
        .chain(named(folders));
    command.env(VARIABLE, flags.collect::<Vec<_>>().join(BETWEEN));
    Ok(())
}

/// The flags that name folders so. Of two that a path begins with the last one counts, and any may lie within another.
fn named(mut folders: Vec<(PathBuf, String)>) -> impl Iterator<Item = String> {
    folders.sort_by_key(|(folder, _)| folder.components().count());
    { folders.into_iter() }.map(|(folder, name)| flag(&folder, &name))
}

fn flag(folder: &Path, name: &str) -> String {
    format!("--remap-path-prefix={}={name}", folder.display())
}

/// Where Cargo keeps what the project depends on.
fn cargo_home() -> Result<PathBuf> {
    let own = std::env::var_os("CARGO_HOME").filter(|folder| !folder.is_empty());
    let below_home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
    let folder = own.map(PathBuf::from).or_else(below_home);
    Ok(root().join(folder.context("neither CARGO_HOME nor HOME is set")?))
}

/// Where a compiler has the sources of its libraries, and what it calls the folder when it has none.
fn sources(cargo: &Command) -> Result<(PathBuf, String)> {
    let given = |wanted: &str| {
        let (_, value) = cargo.get_envs().find(|(name, _)| *name == wanted)?;
        value
    };
    let rustc = given("RUSTC").unwrap_or("rustc".as_ref());
    let ask = |question: &[&str]| {
        let mut command = Command::new(rustc);
        command.current_dir(root()).args(question);
        if let Some(toolchain) = given("RUSTUP_TOOLCHAIN") {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        let output =
            { command.output() }.with_context(|| format!("cannot run {}", rustc.display()))?;
        anyhow::Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let version = ask(&["-vV"])?;
    let commit = { version.lines() }
        .find_map(|line| line.strip_prefix("commit-hash: "))
        .with_context(|| format!("{} does not say its commit", rustc.display()))?;
    let folder = Path::new(&ask(&["--print", "sysroot"])?).join("lib/rustlib/src/rust");
    Ok((folder, format!("/rustc/{commit}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_folder_counts_wherever_it_lies() {
        let folders = [
            ("/src/lapwing/cache/cargo", "/cargo"),
            ("/src/lapwing", "."),
            ("/src/lapwing/a b", "./target"),
            ("/rust", "/rustc/x"),
        ];
        let folders = folders.map(|(folder, name)| (PathBuf::from(folder), name.to_owned()));
        assert_eq!(
            named(folders.into()).collect::<Vec<_>>(),
            [
                "--remap-path-prefix=/rust=/rustc/x",
                "--remap-path-prefix=/src/lapwing=.",
                "--remap-path-prefix=/src/lapwing/a b=./target",
                "--remap-path-prefix=/src/lapwing/cache/cargo=/cargo",
            ]
        );
    }
}
