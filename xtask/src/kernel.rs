//! Kernels for virtual machines: Debian's, unpacked into the cache.

use crate::debian::{self, Package};
use crate::machine::{ARM64, Machine, X86_64};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a guest's control groups are mounted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cgroups {
    /// The unified hierarchy alone.
    Unified,
    /// One hierarchy for each controller, and the unified one beside them without controllers.
    Hybrid,
    /// One hierarchy for each controller, and no unified one.
    Legacy,
}

/// How much is tested on a kernel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Nearly everything: it is the kind of kernel that most have.
    Usual,
    /// What the kernel has a part in: it lacks most.
    Oldest,
    /// What depends most on the kernel.
    Other,
}

/// A kernel to test on.
pub struct Guest {
    /// What it is called here: the start of its version, behind the machine's name where that is
    /// not the usual one.
    pub label: &'static str,
    /// The machine it is for.
    pub machine: &'static Machine,
    /// The control groups it is tested with: between the guests all layouts are.
    pub cgroups: Cgroups,
    /// How much is tested on it.
    pub part: Part,
    /// Debian's release that has it.
    suite: &'static str,
    /// Its packages.
    packages: &'static [Package],
}

/// All of them, those that are tested on most first.
static GUESTS: [Guest; 6] = [
    Guest {
        label: "6.12",
        machine: &X86_64,
        cgroups: Cgroups::Unified,
        part: Part::Usual,
        suite: "bookworm",
        packages: &[Package::Newest("linux-image-6.12.", "+deb12-cloud-amd64")],
    },
    Guest {
        label: "5.10",
        machine: &X86_64,
        cgroups: Cgroups::Legacy,
        part: Part::Oldest,
        suite: "bullseye",
        packages: &[Package::Newest("linux-image-5.10.0-", "-cloud-amd64")],
    },
    Guest {
        label: "6.1",
        machine: &X86_64,
        cgroups: Cgroups::Hybrid,
        part: Part::Other,
        suite: "bookworm",
        packages: &[Package::Newest("linux-image-6.1.0-", "-cloud-amd64")],
    },
    Guest {
        label: "7.2",
        machine: &X86_64,
        cgroups: Cgroups::Unified,
        part: Part::Other,
        suite: "forky",
        packages: &[
            Package::Newest("linux-binary-7.2.", "+deb14-cloud-amd64"),
            Package::Newest("linux-modules-7.2.", "+deb14-cloud-amd64"),
        ],
    },
    Guest {
        label: "arm64-6.12",
        machine: &ARM64,
        cgroups: Cgroups::Unified,
        part: Part::Other,
        suite: "bookworm",
        packages: &[Package::Newest("linux-image-6.12.", "+deb12-cloud-arm64")],
    },
    Guest {
        label: "arm64-6.1",
        machine: &ARM64,
        cgroups: Cgroups::Unified,
        part: Part::Other,
        suite: "bookworm",
        packages: &[Package::Newest("linux-image-6.1.0-", "-cloud-arm64")],
    },
];

/// All of them; the first is for this machine's architecture.
pub fn guests() -> impl Iterator<Item = &'static Guest> {
    let (own, others): (Vec<_>, Vec<_>) = GUESTS.iter().partition(|guest| guest.machine.is_own());
    own.into_iter().chain(others)
}

/// The kernel with a label; without one, that on which most is tested.
pub fn find(label: Option<&str>) -> Result<&'static Guest> {
    guests()
        .find(|guest| label.is_none_or(|label| guest.label == label))
        .with_context(|| {
            let known: Vec<_> = guests().map(|guest| guest.label).collect();
            format!(
                "no kernel {}: there are {}",
                label.unwrap_or_default(),
                known.join(", ")
            )
        })
}

fn folder(guest: &Guest) -> PathBuf {
    crate::cache().join("kernels").join(guest.label)
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// The kernel's image: beside the modules since Debian 14.
pub fn image(guest: &Guest) -> Result<PathBuf> {
    let boot =
        entries(&folder(guest).join("boot")).find(|path| file_name(path).starts_with("vmlinuz-"));
    boot.or_else(|| {
        let path = modules(guest).ok()?.join("vmlinuz");
        path.is_file().then_some(path)
    })
    .with_context(|| format!("no kernel in {}", folder(guest).display()))
}

/// The folder of its modules.
fn modules(guest: &Guest) -> Result<PathBuf> {
    ["lib/modules", "usr/lib/modules"]
        .iter()
        .flat_map(|below| entries(&folder(guest).join(below)))
        .find(|path| path.join("kernel").is_dir())
        .with_context(|| format!("no modules in {}", folder(guest).display()))
}

/// Whether the kernel is there.
pub fn is_there(guest: &Guest) -> bool {
    image(guest).is_ok() && modules(guest).is_ok()
}

/// Fetches the kernel unless it is there already. Answers with its folder.
pub fn ensure(guest: &Guest) -> Result<PathBuf> {
    let folder = folder(guest);
    if !is_there(guest) {
        println!(
            "  {:<16} missing: fetching from Debian's {} ...",
            format!("Linux {}", guest.label),
            guest.suite
        );
        debian::unpack(guest.suite, guest.machine, guest.packages, &folder)?;
    }
    Ok(folder)
}

/// Modules with their names, in an order in which they can be loaded: those wanted, each behind
/// what it depends on. One that is not there is built in, or the kernel has it not.
pub fn load_order(guest: &Guest, wanted: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut all = Vec::new();
    walk(&modules(guest)?.join("kernel"), &mut all);
    let mut order = Vec::new();
    for name in wanted {
        push(name, &all, &mut order)?;
    }
    Ok(order)
}

fn push(name: &str, all: &[PathBuf], order: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    // A file may have a hyphen where the name has none.
    let name = name.replace('-', "_");
    let path = all.iter().find(|path| {
        let stem = file_name(path).split('.').next().unwrap_or_default();
        stem.replace('-', "_") == name
    });
    let Some(path) = path.filter(|_| order.iter().all(|(known, _)| *known != name)) else {
        return Ok(());
    };
    let data = unpack(path)?;
    for needed in dependencies(&data) {
        push(&needed, all, order)?;
    }
    order.push((name, data));
    Ok(())
}

/// What a module says that it depends on: `depends=a,b` in its section `.modinfo`
/// (Linux, scripts/mod/modpost.c, add_depends).
fn dependencies(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    module
        .windows(KEY.len())
        .position(|window| window == KEY)
        .and_then(|at| {
            module
                .get(at + KEY.len()..)?
                .split(|byte| *byte == 0)
                .next()
        })
        .map(|names| String::from_utf8_lossy(names).into_owned())
        .unwrap_or_default()
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn unpack(path: &Path) -> Result<Vec<u8>> {
    if path.extension().is_some_and(|ending| ending == "xz") {
        let output = Command::new("xz").arg("-dc").arg(path).output()?;
        if !output.status.success() {
            bail!("cannot unpack {}", path.display());
        }
        return Ok(output.stdout);
    }
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_says_what_it_depends_on() {
        let module =
            b"\x7fELF..\0license=GPL\0depends=udp_tunnel,libcrc32c\0name=sctp\0depends=x\0";
        assert_eq!(dependencies(module), ["udp_tunnel", "libcrc32c"]);
        assert!(dependencies(b"\0license=GPL\0depends=\0name=veth\0").is_empty());
        assert!(dependencies(b"no module").is_empty());
        assert_eq!(dependencies(b"\0depends=cut"), ["cut"]);
    }

    #[test]
    fn guests_have_labels_of_their_own_and_begin_with_this_machine_s() {
        let labels: Vec<_> = guests().map(|guest| guest.label).collect();
        let mut unique = labels.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), labels.len());
        assert!(find(None).unwrap().machine.is_own());
        assert_eq!(find(Some("arm64-6.1")).unwrap().label, "arm64-6.1");
        assert!(find(Some("6")).is_err(), "a label is given whole");
    }
}
