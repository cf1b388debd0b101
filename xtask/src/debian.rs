//! Packages of other releases and machines of Debian, unpacked into the cache.
//!
//! Or a whole root file system of packages with all that they depend on.
//!
//! They come through a package configuration that has nothing to do with the
//! machine's own, which is only read, to learn of mirrors that are near.

use crate::machine::Machine;
use crate::shell::{self, quiet};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's keys.
pub const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The release that has everything, changes each day, and has no security updates of its own.
pub const UNSTABLE: &str = "sid";

/// A package, by its name or by what stands before and behind the changing part of it.
#[derive(Clone, Copy)]
pub enum Package {
    Named(&'static str),
    /// The one with the greatest number between.
    Newest(&'static str, &'static str),
}

/// Unpacks packages into a folder, which appears only when it is whole. They come from the first
/// mirror that has them all.
pub fn unpack(suite: &str, machine: &Machine, packages: &[Package], folder: &Path) -> Result<()> {
    let mut refusals = Vec::new();
    for mirror in mirrors(&machine_sources()) {
        let archives = Apt::new(suite, machine, &mirror).and_then(|apt| {
            apt.update()?;
            let names = apt.choose(packages)?;
            apt.download(&names)
        });
        match archives {
            Ok(archives) => return place(&archives, folder),
            Err(error) => refusals.push(format!("{}: {error:#}", mirror.main)),
        }
    }
    bail!(
        "no mirror has what is needed of Debian's {suite} for {}:\n{}",
        machine.debian,
        refusals.join("\n")
    )
}

/// Unpacks packages with all that they depend on into a folder, which appears only when it is whole.
pub fn unpack_whole(
    suite: &str,
    machine: &Machine,
    packages: &[&str],
    folder: &Path,
) -> Result<()> {
    build(suite, machine, packages, &[], folder, |fresh, whole, _| {
        extract(whole, fresh)
    })
}

/// Fetches packages with all that they depend on, as an empty machine would, and others as they
/// are; from the first mirror that has them all. `make` fills a folder of both, which appears only
/// when it is whole.
pub fn build(
    suite: &str,
    machine: &Machine,
    packages: &[&str],
    others: &[&str],
    folder: &Path,
    make: impl Fn(&Path, &[PathBuf], &[PathBuf]) -> Result<()>,
) -> Result<()> {
    let mut refusals = Vec::new();
    for mirror in mirrors(&machine_sources()) {
        let fetched = Apt::new(suite, machine, &mirror).and_then(|apt| {
            apt.update()?;
            let whole = apt.resolve(packages)?;
            let names: Vec<String> = others.iter().map(ToString::to_string).collect();
            Ok((whole, apt.download(&names)?))
        });
        match fetched {
            Ok((whole, others)) => {
                whole_or_not(folder, |fresh| make(fresh, &whole, &others))?;
                return remove(whole.iter().chain(&others));
            }
            Err(error) => refusals.push(format!("{}: {error:#}", mirror.main)),
        }
    }
    bail!(
        "no mirror has what is needed of Debian's {suite} for {}:\n{}",
        machine.debian,
        refusals.join("\n")
    )
}

/// Fetches the upstream part of a source package; `make` fills a folder of it, which appears only when
/// it is whole.
pub fn source(
    suite: &str,
    machine: &Machine,
    name: &str,
    folder: &Path,
    make: impl Fn(&Path, &Path) -> Result<()>,
) -> Result<()> {
    let mut refusals = Vec::new();
    for mirror in mirrors(&machine_sources()) {
        let fetched = Apt::new(suite, machine, &mirror).and_then(|apt| {
            apt.add_sources(suite, &mirror)?;
            apt.update()?;
            apt.source(name)
        });
        match fetched {
            Ok(archive) => {
                whole_or_not(folder, |fresh| make(fresh, &archive))?;
                // Making may have taken long, and another run may have tidied up meanwhile.
                let _ = fs::remove_file(&archive);
                return Ok(());
            }
            Err(error) => refusals.push(format!("{}: {error:#}", mirror.main)),
        }
    }
    bail!(
        "no mirror has the sources of {name} in Debian's {suite}:\n{}",
        refusals.join("\n")
    )
}

fn place(archives: &[PathBuf], folder: &Path) -> Result<()> {
    whole_or_not(folder, |fresh| extract(archives, fresh))?;
    remove(archives.iter())
}

/// Unpacks packages into a folder.
pub fn extract(archives: &[PathBuf], folder: &Path) -> Result<()> {
    archives
        .iter()
        .try_for_each(|archive| quiet(Command::new("dpkg-deb").arg("-x").arg(archive).arg(folder)))
}

fn remove<'a>(archives: impl Iterator<Item = &'a PathBuf>) -> Result<()> {
    for archive in archives {
        fs::remove_file(archive).with_context(|| format!("cannot remove {}", archive.display()))?;
    }
    Ok(())
}

/// Made beside and renamed, so that an interrupted one does not pass for whole.
fn whole_or_not(folder: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = folder.with_file_name(name);
    let _ = fs::remove_dir_all(&fresh);
    shell::folder(&fresh)?;
    make(&fresh)?;
    let _ = fs::remove_dir_all(folder);
    fs::rename(&fresh, folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// The package with the greatest number where the name changes.
fn newest(names: &[String], front: &str, back: &str) -> Option<String> {
    names
        .iter()
        .filter_map(|name| {
            let number: u64 = name.strip_prefix(front)?.strip_suffix(back)?.parse().ok()?;
            Some((number, name))
        })
        .max()
        .map(|(_, name)| name.clone())
}

/// A package configuration for one release and one machine.
struct Apt {
    folder: PathBuf,
    architecture: &'static str,
}

impl Apt {
    fn new(suite: &str, machine: &Machine, Mirror { main, security }: &Mirror) -> Result<Self> {
        let folder = crate::cache()
            .join("apt")
            .join(format!("{suite}-{}", machine.debian));
        // What an interrupted run left would pass for what this one fetches.
        for name in ["lists/partial", "cache/archives/partial", "packages"] {
            shell::folder(&folder.join(name))?;
        }
        let mut text = format!("deb [signed-by={KEYS}] {main} {suite} main\n");
        if suite != UNSTABLE {
            text.push_str(&format!(
                "deb [signed-by={KEYS}] {security} {suite}-security main\n"
            ));
        }
        fs::write(folder.join("sources.list"), text)?;
        Ok(Self {
            folder,
            architecture: machine.debian,
        })
    }

    fn command(&self, program: &str) -> Command {
        let at = |below: &str| self.folder.join(below).display().to_string();
        let mut command = Command::new(program);
        command.current_dir(self.folder.join("packages"));
        for option in [
            format!("Dir::Etc::sourcelist={}", at("sources.list")),
            "Dir::Etc::sourceparts=-".to_owned(),
            format!("Dir::State::lists={}", at("lists")),
            format!("Dir::Cache={}", at("cache")),
            format!("APT::Architecture={}", self.architecture),
            format!("APT::Architectures={}", self.architecture),
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

    /// Has it know source packages too.
    fn add_sources(&self, suite: &str, mirror: &Mirror) -> Result<()> {
        let list = self.folder.join("sources.list");
        let mut text = fs::read_to_string(&list)?;
        let main = &mirror.main;
        text.push_str(&format!("deb-src [signed-by={KEYS}] {main} {suite} main\n"));
        Ok(fs::write(list, text)?)
    }

    /// Fetches the upstream part of a source package.
    fn source(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join("packages");
        fs::remove_dir_all(&folder)?;
        shell::folder(&folder)?;
        quiet(
            self.command("apt-get")
                .args(["source", "--download-only"])
                .arg(name),
        )?;
        let files = fs::read_dir(&folder)?.flatten().map(|entry| entry.path());
        { files }
            .filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)))
            .find(|(file, _)| file.contains(".orig.tar."))
            .map(|(_, path)| path)
            .with_context(|| format!("no sources of {name} in {}", folder.display()))
    }

    /// The names of packages.
    fn choose(&self, packages: &[Package]) -> Result<Vec<String>> {
        packages
            .iter()
            .map(|package| match *package {
                Package::Named(name) => Ok(name.to_owned()),
                Package::Newest(front, back) => newest(&self.names(front)?, front, back)
                    .with_context(|| format!("no {front}*{back}")),
            })
            .collect()
    }

    fn names(&self, front: &str) -> Result<Vec<String>> {
        let output = self
            .command("apt-cache")
            .args(["pkgnames", front])
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect())
    }

    /// Fetches packages with what they depend on, where nothing is installed.
    fn resolve(&self, packages: &[&str]) -> Result<Vec<PathBuf>> {
        let archives = self.folder.join("cache/archives");
        for file in archives_in(&archives)? {
            fs::remove_file(file)?;
        }
        let nothing = self.folder.join("nothing-is-installed");
        fs::write(&nothing, "")?;
        let status = format!("Dir::State::status={}", nothing.display());
        let options = ["install", "-y", "-d", "--no-install-recommends", "-o"];
        quiet(
            self.command("apt-get")
                .args(options)
                .arg(status)
                .args(packages),
        )?;
        archives_in(&archives)
    }

    fn download(&self, packages: &[String]) -> Result<Vec<PathBuf>> {
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        let folder = self.folder.join("packages");
        fs::remove_dir_all(&folder)?;
        shell::folder(&folder)?;
        quiet(self.command("apt-get").arg("download").args(packages))?;
        let found = archives_in(&folder)?;
        if found.len() != packages.len() {
            bail!(
                "{} were fetched, but are not all in {}",
                packages.join(", "),
                folder.display()
            );
        }
        Ok(found)
    }
}

/// The packages in a folder, in the order of their names.
fn archives_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .collect();
    found.sort_unstable();
    Ok(found)
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
        assert_eq!(newest(&names, "a-", "-z").as_deref(), Some("a-117-z"));
        assert_eq!(newest(&names, "c-", "-z"), None);
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
