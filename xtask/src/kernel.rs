//! Kernels for virtual machines: Debian's, fetched through a package configuration
//! of their own and unpacked into the cache.

use crate::shell::{self, quiet};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's keys.
pub const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// How a guest's control groups are mounted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cgroups {
    /// The unified hierarchy alone.
    Unified,
    /// One hierarchy for each controller, and no unified one.
    Legacy,
}

/// A kernel to test on.
pub struct Guest {
    /// The start of its version.
    pub label: &'static str,
    /// The machine it is for.
    architecture: &'static str,
    /// The control groups it is tested with: between the guests and a usual host all are.
    pub cgroups: Cgroups,
    /// Debian's release that has it.
    suite: &'static str,
    /// What stands before and behind the changing part of the package's name.
    package: (&'static str, &'static str),
}

/// All of them.
const GUESTS: &[Guest] = &[
    Guest {
        label: "6.12",
        architecture: "x86_64",
        cgroups: Cgroups::Unified,
        suite: "bookworm",
        package: ("linux-image-6.12.", "+deb12-cloud-amd64"),
    },
    Guest {
        label: "5.10",
        architecture: "x86_64",
        cgroups: Cgroups::Legacy,
        suite: "bullseye",
        package: ("linux-image-5.10.0-", "-cloud-amd64"),
    },
];

/// Those for this machine's architecture.
pub fn guests() -> impl Iterator<Item = &'static Guest> {
    GUESTS
        .iter()
        .filter(|guest| guest.architecture == env!("XTASK_ARCH"))
}

/// The kernel with a label.
pub fn find(label: &str) -> Result<&'static Guest> {
    guests()
        .find(|guest| guest.label == label)
        .with_context(|| {
            let known: Vec<_> = guests().map(|guest| guest.label).collect();
            format!(
                "no kernel {label} for {}: there are {known:?}",
                env!("XTASK_ARCH")
            )
        })
}

fn folder(guest: &Guest) -> PathBuf {
    crate::cache().join("kernels").join(guest.label)
}

/// The kernel's image.
pub fn image(guest: &Guest) -> Result<PathBuf> {
    let boot = folder(guest).join("boot");
    fs::read_dir(&boot)
        .ok()
        .and_then(|mut entries| {
            entries.find_map(|entry| {
                let entry = entry.ok()?;
                entry
                    .file_name()
                    .to_str()?
                    .starts_with("vmlinuz-")
                    .then(|| entry.path())
            })
        })
        .with_context(|| format!("no kernel in {}", boot.display()))
}

/// The folder of its modules.
pub fn modules(guest: &Guest) -> Result<PathBuf> {
    let all = folder(guest).join("lib/modules");
    let first = fs::read_dir(&all)
        .ok()
        .and_then(|mut entries| entries.next()?.ok())
        .with_context(|| format!("no modules in {}", all.display()))?;
    Ok(first.path())
}

/// Fetches the kernel unless it is there already. Answers with its folder.
pub fn ensure(guest: &Guest) -> Result<PathBuf> {
    let folder = folder(guest);
    if image(guest).is_ok() && modules(guest).is_ok() {
        return Ok(folder);
    }
    println!(
        "  {:<16} missing: fetching from Debian's {} ...",
        format!("Linux {}", guest.label),
        guest.suite
    );
    let archive = fetch(guest)?;
    // Unpacked beside and renamed, so that an interrupted one does not pass for whole.
    let fresh = folder.with_extension("new");
    let _ = fs::remove_dir_all(&fresh);
    shell::folder(&fresh)?;
    quiet(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&fresh))?;
    let _ = fs::remove_dir_all(&folder);
    fs::rename(&fresh, &folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::remove_file(&archive)?;
    Ok(folder)
}

/// Fetches the package from the first mirror that has it.
fn fetch(guest: &Guest) -> Result<PathBuf> {
    let mut refusals = Vec::new();
    for mirror in mirrors(&machine_sources()) {
        let result = Apt::new(guest.suite, &mirror).and_then(|apt| {
            apt.update()?;
            let package = newest(&apt.names()?, guest.package)
                .with_context(|| format!("no {}*{}", guest.package.0, guest.package.1))?;
            apt.download(&package)
        });
        match result {
            Ok(archive) => return Ok(archive),
            Err(error) => refusals.push(format!("{}: {error:#}", mirror.main)),
        }
    }
    bail!(
        "no mirror has Linux {} of Debian's {}:\n{}",
        guest.label,
        guest.suite,
        refusals.join("\n")
    )
}

/// The package with the greatest number where the name changes.
fn newest(names: &[String], (front, back): (&str, &str)) -> Option<String> {
    names
        .iter()
        .filter_map(|name| {
            let number: u64 = name.strip_prefix(front)?.strip_suffix(back)?.parse().ok()?;
            Some((number, name))
        })
        .max()
        .map(|(_, name)| name.clone())
}

/// A package configuration that has nothing to do with the machine's own.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    fn new(suite: &str, Mirror { main, security }: &Mirror) -> Result<Self> {
        let folder = crate::cache().join("apt").join(suite);
        shell::folder(&folder.join("lists/partial"))?;
        shell::folder(&folder.join("cache/archives/partial"))?;
        let text = format!(
            "deb [signed-by={KEYS}] {main} {suite} main\ndeb [signed-by={KEYS}] {security} {suite}-security main\n"
        );
        fs::write(folder.join("sources.list"), text)?;
        Ok(Self { folder })
    }

    fn command(&self, program: &str) -> Command {
        let at = |below: &str| self.folder.join(below).display().to_string();
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        for option in [
            format!("Dir::Etc::sourcelist={}", at("sources.list")),
            "Dir::Etc::sourceparts=-".to_owned(),
            format!("Dir::State::lists={}", at("lists")),
            format!("Dir::Cache={}", at("cache")),
            "APT::Sandbox::User=root".to_owned(),
            // The lists of a release that is no longer maintained expire.
            "Acquire::Check-Valid-Until=false".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }

    fn update(&self) -> Result<()> {
        quiet(self.command("apt-get").arg("update"))
    }

    fn names(&self) -> Result<Vec<String>> {
        let output = self
            .command("apt-cache")
            .args(["pkgnames", "linux-image-"])
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect())
    }

    fn download(&self, package: &str) -> Result<PathBuf> {
        quiet(self.command("apt-get").args(["download", package]))?;
        let found = fs::read_dir(&self.folder)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| {
                let name = path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default();
                name.starts_with(package) && path.extension().is_some_and(|ending| ending == "deb")
            });
        match found {
            Some(path) => Ok(path),
            None => bail!(
                "{package} was fetched, but is not in {}",
                self.folder.display()
            ),
        }
    }
}

/// The text of the machine's own package sources, which are only read.
fn machine_sources() -> String {
    let mut text = fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
    for entry in fs::read_dir(Path::new("/etc/apt/sources.list.d"))
        .into_iter()
        .flatten()
        .flatten()
    {
        text.push_str(&fs::read_to_string(entry.path()).unwrap_or_default());
        text.push('\n');
    }
    text
}

/// Where Debian's packages are, and its security updates.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mirror {
    main: String,
    security: String,
}

/// The mirrors to ask, in order: those that the machine uses, as they are near; Debian's own, which
/// have every release that is maintained; the archive, which has the others.
fn mirrors(sources: &str) -> Vec<Mirror> {
    let address = |path: &str| {
        sources
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(str::split_whitespace)
            .map(|word| word.trim_end_matches('/'))
            // Others have folders of that name too: what Debian mirrors have is the whole path.
            .find(|word| {
                word.strip_prefix("http://")
                    .or_else(|| word.strip_prefix("https://"))
                    .and_then(|rest| rest.split_once('/'))
                    .is_some_and(|(_, below)| below == path)
            })
            .map(str::to_owned)
    };
    let at = |host: &str| Mirror {
        main: format!("http://{host}/debian"),
        security: format!("http://{host}/debian-security"),
    };
    let own = at("deb.debian.org");
    let near = Mirror {
        main: address("debian").unwrap_or_else(|| own.main.clone()),
        security: address("debian-security").unwrap_or_else(|| own.security.clone()),
    };
    let mut mirrors = vec![near, own, at("archive.debian.org")];
    mirrors.dedup();
    mirrors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_package_is_chosen_by_number() {
        let names = ["a-9-z", "a-117-z", "a-x-z", "a-200", "b-300-z"].map(str::to_owned);
        assert_eq!(newest(&names, ("a-", "-z")).as_deref(), Some("a-117-z"));
        assert_eq!(newest(&names, ("c-", "-z")), None);
    }

    #[test]
    fn mirrors_are_the_machine_s_own_then_debian_s() {
        let sources = "deb [signed-by=x] https://download.docker.com/linux/debian bookworm stable\n\
            # deb http://old/debian x\nURIs: http://here/debian/\nURIs: https://sec/debian-security\n";
        let mirrors_of = |sources: &str| -> Vec<(String, String)> {
            mirrors(sources)
                .into_iter()
                .map(|mirror| (mirror.main, mirror.security))
                .collect()
        };
        let pair = |main: &str, security: &str| (main.to_owned(), security.to_owned());
        let own = pair(
            "http://deb.debian.org/debian",
            "http://deb.debian.org/debian-security",
        );
        let archive = pair(
            "http://archive.debian.org/debian",
            "http://archive.debian.org/debian-security",
        );
        let here = pair("http://here/debian", "https://sec/debian-security");
        assert_eq!(mirrors_of(sources), [here, own.clone(), archive.clone()]);
        assert_eq!(
            mirrors_of("deb http://archive.ubuntu.com/ubuntu x main"),
            [own, archive]
        );
    }
}
