//! The root file system of the real programs that `cargo xtask workloads` runs.
//!
//! Debian's packages with all that they depend on, unpacked without running what they
//! bring, and then given what their installation would have: users, the package
//! manager's own records, compiled modules of Python. One image serves all programs:
//! what a container starts is what tells them apart. Beside it lies a repository of
//! small packages, for the package manager to install from.

use crate::machine;
use crate::setup::say;
use crate::shell::{output, quiet};
use crate::{cache, debian, shell};
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SUITE: &str = "bookworm";
/// What the programs are and need; the rest follows from their dependencies.
const PACKAGES: &[&str] = &[
    "nginx-light",
    "postgresql-15",
    "redis-server",
    "python3",
    "nodejs",
    "apt",
    "dpkg",
    "base-passwd",
    "bash",
    "dash",
    "coreutils",
    "diffutils",
    "findutils",
    "grep",
    "sed",
    "gzip",
    "hostname",
    "perl-base",
    "procps",
    "util-linux",
    // The layout that machines have today, without the program that changes an older one.
    "usr-is-merged",
];
/// What the package manager installs and removes: each needs only what the image has.
const REPOSITORY: &[&str] = &["hello", "tree", "bc", "dc", "ed", "less", "nano"];
/// Written last: says which of these the folder has.
const MARK: &str = "made-of";
/// Folders that are links into `/usr`.
const MERGED: &[&str] = &["bin", "sbin", "lib", "lib64"];
/// Users that installing the packages would make, with their own groups.
const USERS: &[(&str, u32, &str)] = &[
    ("_apt", 42, "/nonexistent"),
    ("postgres", 100, "/var/lib/postgresql"),
    ("redis", 101, "/var/lib/redis"),
];
/// Where names of users and hosts are looked up.
const SOURCES: &str = "passwd: files\ngroup: files\nhosts: files dns\n";
/// Folders that belong to others than root.
const OWNED: &[(&str, u32)] = &[
    ("var/lib/postgresql", 100),
    ("run/postgresql", 100),
    ("var/log/postgresql", 100),
    ("var/lib/redis", 101),
    ("var/log/redis", 101),
    ("var/lib/apt/lists/partial", 42),
    ("var/cache/apt/archives/partial", 42),
];

/// The folder with `root` and `repository`, made unless it is there.
pub fn ensure() -> Result<PathBuf> {
    let machine = machine::own().context("no machine that Lapwing is built for")?;
    let folder = cache().join(format!("programs-{SUITE}-{}", machine.debian));
    let made_of = [PACKAGES, REPOSITORY].concat().join(" ");
    if fs::read_to_string(folder.join(MARK)).is_ok_and(|text| text == made_of) {
        return Ok(folder);
    }
    say(
        "programs",
        "missing (run in containers): fetching from Debian ...",
    );
    debian::build(
        SUITE,
        machine,
        PACKAGES,
        REPOSITORY,
        &folder,
        |fresh, whole, others| {
            let root = fresh.join("root");
            unpack(&root, whole)?;
            records(&root, whole)?;
            configure(&root)?;
            repository(&fresh.join("repository"), others)?;
            fs::write(fresh.join(MARK), &made_of)?;
            Ok(())
        },
    )?;
    Ok(folder)
}

fn unpack(root: &Path, archives: &[PathBuf]) -> Result<()> {
    for folder in MERGED {
        shell::folder(&root.join("usr").join(folder))?;
        symlink(format!("usr/{folder}"), root.join(folder))?;
    }
    for archive in archives {
        // Not `dpkg-deb -x`, which puts folders where the links are.
        let mut files = Command::new("dpkg-deb")
            .arg("--fsys-tarfile")
            .arg(archive)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run dpkg-deb")?;
        let status = Command::new("tar")
            .args(["-x", "-p", "--keep-directory-symlink", "-C"])
            .arg(root)
            .stdin(files.stdout.take().context("no output of dpkg-deb")?)
            .status()
            .context("cannot run tar")?;
        let whole = files.wait()?.success() && status.success();
        anyhow::ensure!(whole, "cannot unpack {}", archive.display());
    }
    Ok(())
}

/// The fields of a package.
fn control(archive: &Path) -> Result<String> {
    output("dpkg-deb", &["-f", &archive.display().to_string()])
        .with_context(|| format!("cannot read {}", archive.display()))
}

fn field<'t>(control: &'t str, name: &str) -> Option<&'t str> {
    let lines = control.lines().filter_map(|line| line.split_once(": "));
    lines
        .into_iter()
        .find_map(|(field, value)| (field == name).then_some(value))
}

/// What the package manager knows of what is installed.
fn records(root: &Path, archives: &[PathBuf]) -> Result<()> {
    let folder = root.join("var/lib/dpkg");
    for name in ["info", "updates", "triggers", "alternatives", "parts"] {
        shell::folder(&folder.join(name))?;
    }
    let mut status = String::new();
    for archive in archives {
        let control = control(archive)?;
        let name = field(&control, "Package").context("a package without a name")?;
        let machine = field(&control, "Architecture").unwrap_or("all");
        let (first, rest) = control.split_once('\n').unwrap_or((&control, ""));
        writeln!(status, "{first}\nStatus: install ok installed\n{rest}")?;
        let archive = archive.display().to_string();
        let listing = output(
            "sh",
            &["-c", "dpkg-deb --fsys-tarfile \"$0\" | tar -t", &archive],
        )
        .with_context(|| format!("cannot list {archive}"))?;
        let list: String = listing
            .lines()
            .map(|line| line.trim_start_matches('.').trim_end_matches('/'))
            .map(|path| {
                if path.is_empty() {
                    "/.\n".to_owned()
                } else {
                    format!("{path}\n")
                }
            })
            .collect();
        let same = field(&control, "Multi-Arch") == Some("same");
        let stem = if same {
            format!("{name}:{machine}")
        } else {
            name.to_owned()
        };
        fs::write(folder.join("info").join(format!("{stem}.list")), list)?;
    }
    fs::write(folder.join("status"), status)?;
    fs::write(folder.join("available"), "")?;
    fs::write(folder.join("info/format"), "1\n")?;
    Ok(())
}

/// What the packages' own scripts would have done, as far as the programs need it.
fn configure(root: &Path) -> Result<()> {
    let masters = root.join("usr/share/base-passwd");
    let master = |name: &str| {
        let path = masters.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let mut passwd = master("passwd.master")?;
    let mut group = master("group.master")?;
    for (name, id, home) in USERS {
        writeln!(passwd, "{name}:*:{id}:{id}::{home}:/bin/sh")?;
        writeln!(group, "{name}:*:{id}:")?;
    }
    fs::write(root.join("etc/passwd"), passwd)?;
    fs::write(root.join("etc/group"), group)?;
    fs::write(root.join("etc/nsswitch.conf"), SOURCES)?;
    let run = root.join("var/run");
    if run.is_dir() {
        fs::remove_dir_all(&run)?;
    }
    symlink("/run", run)?;
    for (folder, owner) in OWNED {
        let folder = root.join(folder);
        shell::folder(&folder)?;
        chown(&folder, Some(*owner), Some(*owner))
            .with_context(|| format!("cannot give {} away: are you root?", folder.display()))?;
    }
    let inside = |command: &[&str]| quiet(Command::new("chroot").arg(root).args(command));
    inside(&["/sbin/ldconfig"])?;
    let compile = ["/usr/bin/python3", "-m", "compileall", "-q"];
    inside(&[&compile[..], &["/usr/lib/python3.11", "/usr/lib/python3"]].concat())
}

/// A repository without signatures, as one lays it out for a network of one's own.
fn repository(folder: &Path, archives: &[PathBuf]) -> Result<()> {
    shell::folder(folder)?;
    let mut index = String::new();
    for archive in archives {
        let name = archive.file_name().unwrap_or_default();
        let to = folder.join(name);
        fs::copy(archive, &to)?;
        let path = to.display().to_string();
        let sum = output("sha256sum", &[&path]).context("cannot run sha256sum")?;
        let sum = sum.split_whitespace().next().unwrap_or_default();
        writeln!(
            index,
            "{}Filename: ./{}\nSize: {}\nSHA256: {sum}\n",
            control(archive)?,
            name.to_string_lossy(),
            fs::metadata(&to)?.len()
        )?;
    }
    fs::write(folder.join("Packages"), index)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_their_name() {
        let control =
            "Package: hello\nArchitecture: amd64\nDescription: Package: x\n Multi-Arch: no\n";
        assert_eq!(field(control, "Package"), Some("hello"));
        assert_eq!(field(control, "Architecture"), Some("amd64"));
        assert_eq!(field(control, "Multi-Arch"), None);
    }
}
