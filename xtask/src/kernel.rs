//! Kernels for virtual machines: Debian's, fetched through a package configuration
//! of their own and unpacked into the cache.

use crate::shell::{self, quiet};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's keys.
pub const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A kernel to test on.
pub struct Guest {
    /// The start of its version.
    pub label: &'static str,
    /// Debian's release that has it.
    suite: &'static str,
    /// What stands before and behind the changing part of the package's name.
    package: (&'static str, &'static str),
}

/// All of them.
pub const GUESTS: &[Guest] = &[
    Guest {
        label: "6.12",
        suite: "bookworm",
        package: ("linux-image-6.12.", "+deb12-cloud-amd64"),
    },
    Guest {
        label: "5.10",
        suite: "bullseye",
        package: ("linux-image-5.10.0-", "-cloud-amd64"),
    },
];

/// The kernel with a label.
pub fn find(label: &str) -> Result<&'static Guest> {
    GUESTS
        .iter()
        .find(|guest| guest.label == label)
        .with_context(|| {
            let known: Vec<_> = GUESTS.iter().map(|guest| guest.label).collect();
            format!("no kernel {label}: there are {}", known.join(", "))
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
    let apt = Apt::new(guest.suite)?;
    apt.update()?;
    let package = newest(&apt.names()?, guest.package).with_context(|| {
        format!(
            "Debian's {} has no {}*{}",
            guest.suite, guest.package.0, guest.package.1
        )
    })?;
    let archive = apt.download(&package)?;
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
    fn new(suite: &str) -> Result<Self> {
        let folder = crate::cache().join("apt").join(suite);
        shell::folder(&folder.join("lists/partial"))?;
        shell::folder(&folder.join("cache/archives/partial"))?;
        let (main, security) = mirrors(&machine_sources());
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

/// Mirrors of Debian and of its security updates: those that the machine uses, else Debian's own.
fn mirrors(sources: &str) -> (String, String) {
    let addresses = || {
        sources
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(str::split_whitespace)
            .filter(|word| word.starts_with("http"))
            .map(|word| word.trim_end_matches('/'))
    };
    let security = addresses().find(|address| address.ends_with("debian-security"));
    let main = addresses().find(|address| address.ends_with("/debian"));
    (
        main.unwrap_or("http://deb.debian.org/debian").to_owned(),
        security
            .unwrap_or("http://deb.debian.org/debian-security")
            .to_owned(),
    )
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
    fn mirrors_are_the_machine_s_own() {
        let sources = "# deb http://old/debian x\nURIs: http://here/debian/\nURIs: https://sec/debian-security\n";
        assert_eq!(
            mirrors(sources),
            (
                "http://here/debian".to_owned(),
                "https://sec/debian-security".to_owned()
            )
        );
        let (main, _) = mirrors("deb http://archive.ubuntu.com/ubuntu x main");
        assert_eq!(main, "http://deb.debian.org/debian");
    }
}
