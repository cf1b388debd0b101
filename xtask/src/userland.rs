//! What guests have besides the programs under test: a static BusyBox, and runc with its libraries.
//!
//! For this machine both are its own; for others they are fetched.

use crate::debian::{self, Package};
use crate::machine::Machine;
use crate::setup::say;
use crate::shell::{output, quiet, which};
use crate::{cache, shell};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's release from which the userland of other machines is.
const SUITE: &str = "bookworm";
const PACKAGES: &[Package] = &[
    Package::Named("busybox-static"),
    Package::Named("runc"),
    Package::Named("libc6"),
    Package::Named("libseccomp2"),
];

/// Where another machine's userland is.
fn folder(machine: &Machine) -> PathBuf {
    cache().join(format!("userland-{}", machine.debian))
}

fn first(below: &[&str], folder: &Path) -> Option<PathBuf> {
    below
        .iter()
        .map(|path| folder.join(path))
        .find(|path| path.is_file())
}

/// BusyBox of another machine.
pub fn foreign_busybox(machine: &Machine) -> Result<PathBuf> {
    first(&["bin/busybox", "usr/bin/busybox"], &folder(machine))
        .with_context(|| format!("no BusyBox in {}", folder(machine).display()))
}

fn foreign_runc(machine: &Machine) -> Result<PathBuf> {
    first(&["usr/sbin/runc", "usr/bin/runc"], &folder(machine))
        .with_context(|| format!("no runc in {}", folder(machine).display()))
}

/// Fetches another machine's userland unless it is there.
pub fn ensure(machine: &Machine) -> Result<PathBuf> {
    let folder = folder(machine);
    if foreign_busybox(machine).is_err() || foreign_runc(machine).is_err() {
        println!(
            "  {:<16} missing: fetching BusyBox and runc from Debian's {SUITE} ...",
            format!("{} guests", machine.debian)
        );
        debian::unpack(SUITE, machine, PACKAGES, &folder)?;
    }
    Ok(folder)
}

/// runc and its libraries: paths in the guest, and the files that belong there.
pub fn runc(machine: &Machine) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    if machine.is_own() {
        let runc = which("runc").context("runc is gone")?;
        // A static program has no libraries: ldd says so by failing.
        let text = output("ldd", &[&runc.display().to_string()]).unwrap_or_default();
        for library in text.split_whitespace().filter(|word| word.starts_with('/')) {
            files.insert(library.to_owned(), PathBuf::from(library));
        }
        files.insert("bin/runc".to_owned(), runc);
        return Ok(files);
    }
    let folder = folder(machine);
    let runc = foreign_runc(machine)?;
    add_libraries(machine, &folder, &runc, &mut files)?;
    files.insert(machine.loader.to_owned(), folder.join(machine.loader));
    files.insert("bin/runc".to_owned(), runc);
    Ok(files)
}

/// The libraries that a program of another machine needs, which its loader cannot be asked here.
fn add_libraries(
    machine: &Machine,
    folder: &Path,
    program: &Path,
    files: &mut BTreeMap<String, PathBuf>,
) -> Result<()> {
    let text = output("readelf", &["-d", &program.display().to_string()])
        .with_context(|| format!("cannot ask readelf for {}", program.display()))?;
    for name in needed(&text) {
        let at = format!("lib/{}/{name}", machine.gnu);
        // The loader has its own place.
        if files.contains_key(&at) || machine.loader.ends_with(name) {
            continue;
        }
        let file = first(&[&at, &format!("usr/{at}")], folder)
            .with_context(|| format!("{} needs {name}, which is not there", program.display()))?;
        files.insert(at, file.clone());
        add_libraries(machine, folder, &file, files)?;
    }
    Ok(())
}

/// The names of libraries in what `readelf -d` prints.
fn needed(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split_once('[')?.1.split_once(']'))
        .map(|(name, _)| name)
}

/// A statically linked BusyBox: the machine's, or one of Debian's package in the cache. Installing
/// the package would remove the machine's `busybox` where that is another.
pub fn busybox() -> Result<PathBuf> {
    let name = "busybox-static";
    // A static program has no interpreter: ldd says so by failing.
    let is_static =
        |path: &Path| path.is_file() && output("ldd", &[&path.display().to_string()]).is_none();
    let folder = cache().join(name);
    let cached = ["bin/busybox", "usr/bin/busybox"].map(|path| folder.join(path));
    let find = || {
        std::iter::once(PathBuf::from("/bin/busybox"))
            .chain(cached.clone())
            .find(|path| is_static(path))
    };
    let why = "userland of the containers and guests";
    if find().is_none() {
        println!("  {name:<16} missing ({why}): fetching into the cache ...");
        shell::folder(&folder)?;
        let download = || {
            quiet(Command::new("apt-get").current_dir(&folder).args([
                "-o",
                "APT::Sandbox::User=root",
                "download",
                name,
            ]))
        };
        if download().is_err() {
            // The lists may be missing, or name packages that are no longer there.
            quiet(Command::new("apt-get").arg("update"))?;
            download().with_context(|| format!("cannot fetch {name}"))?;
        }
        let package = fs::read_dir(&folder)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|ending| ending == "deb"))
            .with_context(|| format!("{name} was fetched, but is not in {}", folder.display()))?;
        quiet(
            Command::new("dpkg-deb")
                .arg("-x")
                .arg(&package)
                .arg(&folder),
        )?;
        fs::remove_file(&package)?;
    }
    let found = find().with_context(|| format!("{} has no static BusyBox", folder.display()))?;
    say(name, &format!("{}  ({why})", found.display()));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_from_what_readelf_prints() {
        let text = "\nDynamic section at offset 0x2d contains 3 entries:\n  Tag  Type  Name/Value\n \
            0x0000000000000001 (NEEDED)  Shared library: [libseccomp.so.2]\n \
            0x0000000000000001 (NEEDED)  Shared library: [libc.so.6]\n \
            0x000000000000000c (INIT)    0x1000\n";
        assert_eq!(
            needed(text).collect::<Vec<_>>(),
            ["libseccomp.so.2", "libc.so.6"]
        );
    }
}
