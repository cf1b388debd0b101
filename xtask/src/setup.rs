//! Finding or installing what the other commands need.
//!
//! One table: each need says how it is found and how it is installed. The
//! machine's package sources stay as they are, and no package of it is removed;
//! kernels and userlands for virtual machines come through package configurations
//! of their own, and they and BusyBox are unpacked into the cache, not installed.
//! What only virtual machines need is looked for when one is to run.

use crate::kernel::{self, Guest};
use crate::machine::Machine;
use crate::shell::{output, quiet, which};
use crate::toolchain::{self, Bpf, Tools};
use crate::{
    browser, chart, compose, containerd, cross, cyclonedx, debian, ecs, ocsf, programs, qemu,
    rotel, rsyslog, semconv, syft, tenzir, userland,
};
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How a need is found.
#[derive(Clone, Copy)]
enum Find {
    /// A program on the path.
    Program(&'static str),
    /// A part of Cargo, by its answer to the question for its version.
    PartOfCargo(&'static str),
    /// A file.
    File(&'static str),
}

impl Find {
    /// Where it is, if it is there.
    fn found(self) -> Option<String> {
        match self {
            Self::Program(name) => which(name).map(|path| path.display().to_string()),
            Self::PartOfCargo(name) => {
                output("cargo", &[name, "--version"]).map(|text| text.trim().to_owned())
            }
            Self::File(path) => Path::new(path).is_file().then(|| path.to_owned()),
        }
    }
}

/// What brings a thing that is missing.
#[derive(Clone, Copy)]
enum Source {
    /// Debian packages.
    Packages(&'static [&'static str]),
    /// A component of rustup, for the toolchain in use.
    Component(&'static str),
}

struct Need {
    name: &'static str,
    why: &'static str,
    find: Find,
    from: Source,
}

use Find::{File, PartOfCargo, Program};
use Source::{Component, Packages};

const C_COMPILER: Need = Need {
    name: "C compiler",
    why: "links Rust programs, statically",
    find: Program("cc"),
    from: Packages(&["gcc", "libc6-dev"]),
};

const DEBIAN_KEYS: Need = Need {
    name: "Debian's keys",
    why: "proves the packages of other kernels and machines",
    find: File(debian::KEYS),
    from: Packages(&["debian-archive-keyring"]),
};

const NEEDS: &[Need] = &[
    C_COMPILER,
    Need {
        name: "C++ compiler",
        why: "builds the engine of the fuzz targets",
        find: Program("c++"),
        from: Packages(&["g++"]),
    },
    Need {
        name: "rustfmt",
        why: "the format of the code is tested",
        find: PartOfCargo("fmt"),
        from: Component("rustfmt"),
    },
    Need {
        name: "clippy",
        why: "so are its lints",
        find: PartOfCargo("clippy"),
        from: Component("clippy"),
    },
    Need {
        name: "runc",
        why: "runs the containers of tests and demo",
        find: Program("runc"),
        from: Packages(&["runc"]),
    },
    Need {
        name: "setpriv",
        why: "unit tests run without rights",
        find: Program("setpriv"),
        from: Packages(&["util-linux"]),
    },
];

fn cross_compiler(machine: &'static Machine) -> Need {
    Need {
        name: "cross compiler",
        why: "links programs for other machines",
        find: Program(machine.cross_compiler),
        from: Packages(machine.cross_packages),
    }
}

/// What a machine's guests need.
fn guest_needs(machine: &'static Machine) -> Vec<Need> {
    let mut needs = vec![
        Need {
            name: "xz",
            why: "modules of other kernels",
            find: Program("xz"),
            from: Packages(&["xz-utils"]),
        },
        DEBIAN_KEYS,
    ];
    if !machine.is_own() {
        needs.extend([
            cross_compiler(machine),
            Need {
                name: "readelf",
                why: "finds the libraries of other machines' programs",
                find: Program("readelf"),
                from: Packages(&["binutils"]),
            },
        ]);
    }
    needs
}

/// Finds or installs what building and testing on this kernel needs, and says what.
pub fn run() -> Result<Tools> {
    let start = Instant::now();
    println!("setup");
    check_rights(NEEDS.iter())?;
    for need in NEEDS {
        say(need.name, &provide(need)?);
    }
    let busybox = userland::busybox()?;
    let bpf = toolchain::find()?;
    println!("setup took {:.1} s\n", start.elapsed().as_secs_f64());
    Ok(Tools { bpf, busybox })
}

/// Finds or installs what building `lapwing` for a machine needs, and no more.
pub fn agent(machine: &'static Machine) -> Result<Bpf> {
    let mut needs = vec![C_COMPILER];
    if !machine.is_own() {
        needs.extend([DEBIAN_KEYS, cross_compiler(machine)]);
    }
    println!("setup");
    check_rights(needs.iter())?;
    for need in &needs {
        say(need.name, &provide(need)?);
    }
    let bpf = toolchain::find()?;
    if !machine.is_own() {
        cross::find(machine)?;
    }
    Ok(bpf)
}

/// The same, and whatever all guests need, and the programs that are learned. What cannot be had is
/// reported and does not keep the others from running; whether all can.
pub fn everything() -> Result<(Tools, bool)> {
    let tools = run()?;
    let start = Instant::now();
    println!("setup of virtual machines");
    let mut whole = true;
    for guest in kernel::guests() {
        let text = match self::guest(guest) {
            Ok(text) => text,
            Err(error) => {
                whole = false;
                format!("FAILED: {error:#}")
            }
        };
        say(&format!("Linux {}", guest.label), &text);
    }
    println!(
        "setup of virtual machines took {:.1} s\n",
        start.elapsed().as_secs_f64()
    );
    match programs::ensure() {
        Ok(folder) => say("programs", &folder.display().to_string()),
        Err(error) => {
            whole = false;
            say("programs", &format!("FAILED: {error:#}"));
        }
    }
    // Without it the stage that needs it fails, and says so.
    match chart::ensure() {
        Ok(folder) => say("Helm", &folder.display().to_string()),
        Err(error) => say("Helm", &format!("not there: {error:#}")),
    }
    // Without one of these one test is skipped, and says so.
    match rsyslog::ensure() {
        Ok(folder) => say("rsyslog", &folder.display().to_string()),
        Err(error) => say("rsyslog", &format!("not there: {error:#}")),
    }
    match containerd::ensure() {
        Ok(folder) => say("containerd", &folder.display().to_string()),
        Err(error) => say("containerd", &format!("not there: {error:#}")),
    }
    match compose::ensure() {
        Ok(folder) => say("Docker Compose", &folder.display().to_string()),
        Err(error) => say("Docker Compose", &format!("not there: {error:#}")),
    }
    match browser::ensure() {
        Ok(program) => say("Chromium", &program.display().to_string()),
        Err(error) => say("Chromium", &format!("not there: {error:#}")),
    }
    match rotel::ensure() {
        Ok(folder) => say("rotel", &folder.display().to_string()),
        Err(error) => say("rotel", &format!("not there: {error:#}")),
    }
    match tenzir::ensure() {
        Ok(folder) => say("Tenzir", &folder.display().to_string()),
        Err(error) => say("Tenzir", &format!("not there: {error:#}")),
    }
    match ocsf::ensure() {
        Ok(folder) => say("OCSF schema", &folder.display().to_string()),
        Err(error) => say("OCSF schema", &format!("not there: {error:#}")),
    }
    match cyclonedx::ensure() {
        Ok(folder) => say("CycloneDX schema", &folder.display().to_string()),
        Err(error) => say("CycloneDX schema", &format!("not there: {error:#}")),
    }
    match syft::ensure() {
        Ok(folder) => say("Syft", &folder.display().to_string()),
        Err(error) => say("Syft", &format!("not there: {error:#}")),
    }
    match ecs::ensure() {
        Ok(folder) => say("ECS fields", &folder.display().to_string()),
        Err(error) => say("ECS fields", &format!("not there: {error:#}")),
    }
    match semconv::ensure() {
        Ok(folder) => say("OTel names", &folder.display().to_string()),
        Err(error) => say("OTel names", &format!("not there: {error:#}")),
    }
    Ok((tools, whole))
}

/// Held by who installs: guests that start side by side may lack the same.
static ONE: Mutex<()> = Mutex::new(());

/// Finds or installs what a guest needs, and says only what is new. Answers where its kernel is.
pub fn guest(guest: &Guest) -> Result<String> {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    needs_of(guest.machine)?;
    qemu::ensure(guest.machine)?;
    let kernel = kernel::ensure(guest)?.display().to_string();
    if guest.machine.is_own() {
        return Ok(kernel);
    }
    Ok(format!("{kernel}, {}", foreign(guest.machine)?))
}

/// Finds or installs what building for another machine needs, and says only what is new.
pub fn cross(machine: &'static Machine) -> Result<()> {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    needs_of(machine)?;
    foreign(machine).map(|_| ())
}

fn needs_of(machine: &'static Machine) -> Result<()> {
    let needs = guest_needs(machine);
    check_rights(needs.iter())?;
    needs.iter().try_for_each(|need| provide(need).map(|_| ()))
}

/// What programs for another machine are built with. Answers where it is.
fn foreign(machine: &Machine) -> Result<String> {
    let userland = userland::ensure(machine)?;
    let library = cross::find(machine)?;
    Ok(format!("{}, std of {}", userland.display(), library.name()))
}

/// Installs a thing unless it is there. Answers where it is, and what for.
fn provide(need: &Need) -> Result<String> {
    if need.find.found().is_none() {
        match need.from {
            Packages(packages) => install(need.name, need.why, packages)?,
            Component(component) => {
                println!("  {:<16} missing ({}): by rustup ...", need.name, need.why);
                quiet(Command::new("rustup").args(["component", "add", component]))?;
            }
        }
    }
    let found = need
        .find
        .found()
        .with_context(|| format!("{} is not there after installing it", need.name))?;
    Ok(format!("{found}  ({})", need.why))
}

/// Who may not install packages is told all that are missing at once.
fn check_rights<'n>(needs: impl Iterator<Item = &'n Need>) -> Result<()> {
    if output("id", &["-u"]).is_some_and(|id| id.trim() == "0") {
        return Ok(());
    }
    let missing: Vec<&str> = needs
        .filter(|need| need.find.found().is_none())
        .flat_map(|need| match need.from {
            Packages(packages) => packages,
            Component(_) => &[],
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
