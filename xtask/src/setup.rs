//! Finding or installing what the other commands need.
//!
//! One table: each need says how it is found and how it is installed. The
//! machine's package sources stay as they are, and no package of it is removed;
//! kernels for virtual machines come through a package configuration of their
//! own, and they and BusyBox are unpacked into the cache, not installed.

use crate::kernel;
use crate::shell::{self, output, quiet, which};
use crate::toolchain::{self, Tools};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

struct Need {
    name: &'static str,
    why: &'static str,
    /// Where it is, if it is there.
    find: fn() -> Option<String>,
    from: Source,
}

/// What brings a thing that is missing.
#[derive(Clone, Copy)]
enum Source {
    /// Debian packages.
    Packages(&'static [&'static str]),
    /// A component of rustup, for the toolchain in use.
    Component(&'static str),
}

fn program(name: &str) -> Option<String> {
    which(name).map(|path| path.display().to_string())
}

/// The answer of a part of Cargo to the question for its version.
fn part_of_cargo(name: &str) -> Option<String> {
    output("cargo", &[name, "--version"]).map(|text| text.trim().to_owned())
}

const NEEDS: &[Need] = &[
    Need {
        name: "C compiler",
        why: "links Rust programs, statically",
        find: || program("cc"),
        from: Source::Packages(&["gcc", "libc6-dev"]),
    },
    Need {
        name: "C++ compiler",
        why: "builds the engine of the fuzz targets",
        find: || program("c++"),
        from: Source::Packages(&["g++"]),
    },
    Need {
        name: "rustfmt",
        why: "the format of the code is tested",
        find: || part_of_cargo("fmt"),
        from: Source::Component("rustfmt"),
    },
    Need {
        name: "clippy",
        why: "so are its lints",
        find: || part_of_cargo("clippy"),
        from: Source::Component("clippy"),
    },
    Need {
        name: "runc",
        why: "runs the containers of tests and demo",
        find: || program("runc"),
        from: Source::Packages(&["runc"]),
    },
    Need {
        name: "setpriv",
        why: "unit tests run without rights",
        find: || program("setpriv"),
        from: Source::Packages(&["util-linux"]),
    },
];

/// What only virtual machines need.
const GUEST_NEEDS: &[Need] = &[
    Need {
        name: "QEMU",
        why: "other kernels",
        find: || program("qemu-system-x86_64"),
        from: Source::Packages(&["qemu-system-x86"]),
    },
    Need {
        name: "xz",
        why: "modules of other kernels",
        find: || program("xz"),
        from: Source::Packages(&["xz-utils"]),
    },
    Need {
        name: "Debian's keys",
        why: "proves the packages of other kernels",
        find: || {
            Path::new(kernel::KEYS)
                .is_file()
                .then(|| kernel::KEYS.to_owned())
        },
        from: Source::Packages(&["debian-archive-keyring"]),
    },
];

/// What is needed here.
fn needs() -> impl Iterator<Item = &'static Need> {
    let guests = kernel::guests().next().map_or(&[][..], |_| GUEST_NEEDS);
    NEEDS.iter().chain(guests)
}

/// Finds or installs everything, and says what.
pub fn run() -> Result<Tools> {
    let start = Instant::now();
    println!("setup");
    check_rights()?;
    for need in needs() {
        if (need.find)().is_none() {
            match need.from {
                Source::Packages(packages) => install(need.name, need.why, packages)?,
                Source::Component(component) => {
                    println!("  {:<16} missing ({}): by rustup ...", need.name, need.why);
                    quiet(Command::new("rustup").args(["component", "add", component]))?;
                }
            }
        }
        let found = (need.find)()
            .with_context(|| format!("{} is not there after installing it", need.name))?;
        say(need.name, &format!("{found}  ({})", need.why));
    }
    let busybox = busybox()?;
    let (compiler, linker) = toolchain::find()?;
    let mut guests = kernel::guests().peekable();
    if guests.peek().is_none() {
        say("other kernels", concat!("none for ", env!("XTASK_ARCH")));
    }
    for guest in guests {
        let folder = kernel::ensure(guest)?;
        say(
            &format!("Linux {}", guest.label),
            &format!("{}  (virtual machine)", folder.display()),
        );
    }
    println!("setup took {:.1} s\n", start.elapsed().as_secs_f64());
    Ok(Tools {
        compiler,
        linker,
        busybox,
    })
}

/// Who may not install packages is told all that are missing at once.
fn check_rights() -> Result<()> {
    if output("id", &["-u"]).is_some_and(|id| id.trim() == "0") {
        return Ok(());
    }
    let missing: Vec<&str> = needs()
        .filter(|need| (need.find)().is_none())
        .flat_map(|need| match need.from {
            Source::Packages(packages) => packages,
            Source::Component(_) => &[],
        })
        .copied()
        .collect();
    ensure!(
        missing.is_empty(),
        "packages are missing, and only root can install them:\n\n  \
         sudo apt-get install --no-install-recommends --no-remove {}\n",
        missing.join(" ")
    );
    Ok(())
}

/// A statically linked BusyBox: the machine's, or one of Debian's package in the cache. Installing
/// the package would remove the machine's `busybox` where that is another.
fn busybox() -> Result<PathBuf> {
    let name = "busybox-static";
    // A static program has no interpreter: ldd says so by failing.
    let is_static =
        |path: &Path| path.is_file() && output("ldd", &[&path.display().to_string()]).is_none();
    let folder = crate::cache().join(name);
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
        let package = std::fs::read_dir(&folder)?
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
        std::fs::remove_file(&package)?;
    }
    let found = find().with_context(|| format!("{} has no static BusyBox", folder.display()))?;
    say(name, &format!("{}  ({why})", found.display()));
    Ok(found)
}

/// One line of the report.
pub fn say(name: &str, text: &str) {
    println!("  {name:<16} {text}");
}

/// Installs packages from the machine's own sources.
pub fn install(name: &str, why: &str, packages: &[&str]) -> Result<()> {
    if which("apt-get").is_none() {
        bail!(
            "{name} is missing ({why}), and this is no Debian-like machine: install what matches {}",
            packages.join(", ")
        );
    }
    println!(
        "  {name:<16} missing ({why}): installing {} ...",
        packages.join(" ")
    );
    let start = Instant::now();
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive");
        quiet(&mut command)
    };
    let options = ["install", "-y", "--no-install-recommends", "--no-remove"];
    let install = [&options, packages].concat();
    if apt(&install).is_err() {
        // The lists may be missing, or name packages that are no longer there.
        apt(&["update"])?;
        apt(&install).with_context(|| {
            format!(
                "cannot install {name}; this needs root and package sources that can be reached"
            )
        })?;
    }
    println!(
        "  {name:<16} installed in {:.0} s",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
