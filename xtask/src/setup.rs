//! Finding or installing what the other commands need.
//!
//! One table: each need says how it is found and how it is installed. The
//! machine's package sources stay as they are; kernels for virtual machines come
//! through a package configuration of their own and are unpacked, not installed.

use crate::kernel;
use crate::shell::{output, quiet, which};
use crate::toolchain::{self, Tools};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

struct Need {
    name: &'static str,
    why: &'static str,
    /// Where it is, if it is there.
    find: fn() -> Option<String>,
    /// Debian packages that bring it.
    packages: &'static [&'static str],
}

fn program(name: &str) -> Option<String> {
    which(name).map(|path| path.display().to_string())
}

fn static_busybox() -> Option<String> {
    let path = "/bin/busybox";
    // A static program has no interpreter: ldd says so by failing.
    (Path::new(path).is_file() && output("ldd", &[path]).is_none()).then(|| path.to_owned())
}

const NEEDS: &[Need] = &[
    Need {
        name: "C compiler",
        why: "links Rust programs, statically",
        find: || program("cc"),
        packages: &["gcc", "libc6-dev"],
    },
    Need {
        name: "runc",
        why: "runs the containers of tests and demo",
        find: || program("runc"),
        packages: &["runc"],
    },
    Need {
        name: "busybox-static",
        why: "userland of the containers and guests",
        find: static_busybox,
        packages: &["busybox-static"],
    },
    Need {
        name: "QEMU",
        why: "other kernels",
        find: || program("qemu-system-x86_64"),
        packages: &["qemu-system-x86"],
    },
    Need {
        name: "xz",
        why: "modules of other kernels",
        find: || program("xz"),
        packages: &["xz-utils"],
    },
    Need {
        name: "Debian's keys",
        why: "proves the packages of other kernels",
        find: || {
            Path::new(kernel::KEYS)
                .is_file()
                .then(|| kernel::KEYS.to_owned())
        },
        packages: &["debian-archive-keyring"],
    },
];

/// Finds or installs everything, and says what.
pub fn run() -> Result<Tools> {
    let start = Instant::now();
    println!("setup");
    for need in NEEDS {
        if (need.find)().is_none() {
            install(need.name, need.why, need.packages)?;
        }
        let found = (need.find)().with_context(|| {
            format!(
                "{} is not there after installing {}",
                need.name,
                need.packages.join(" ")
            )
        })?;
        say(need.name, &format!("{found}  ({})", need.why));
    }
    let tools = toolchain::find()?;
    for guest in kernel::GUESTS {
        let folder = kernel::ensure(guest)?;
        say(
            &format!("Linux {}", guest.label),
            &format!("{}  (virtual machine)", folder.display()),
        );
    }
    println!("setup took {:.1} s\n", start.elapsed().as_secs_f64());
    Ok(tools)
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
    let install = [&["install", "-y", "--no-install-recommends"], packages].concat();
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
