//! An image of a program's own.

use super::copy::Copier;
use super::database::{Database, LISTS, STATUS};
use super::each;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What each image has beside the program: what Debian has in each of its own, as far as the shared
/// image has it.
const BASE: &[&str] = &[
    "apt",
    "base-files",
    "base-passwd",
    "bash",
    "coreutils",
    "dash",
    "debianutils",
    "diffutils",
    "dpkg",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "init-system-helpers",
    "libc-bin",
    "perl-base",
    "sed",
    "sysvinit-utils",
    "tar",
    "usr-is-merged",
    "util-linux",
];

/// Fills a folder with packages of a root and all that they depend on, and what belongs to no package
/// and lies in no folder of another.
///
/// # Errors
///
/// A package that is not there, or files that cannot be copied.
pub fn own(root: &Path, packages: &[&str], to: &Path) -> Result<()> {
    let database = Database::read(root)?;
    let chosen = database.closure(&[packages, BASE].concat())?;
    let owners = database.owners(root);
    let mut copier = Copier::default();
    let mut left: BTreeSet<PathBuf> = BTreeSet::new();
    each(root, &mut |path, metadata| {
        let below = path.strip_prefix(root)?;
        let is_below_left = below.parent().is_some_and(|above| left.contains(above));
        if is_below_left || !is_chosen(below, &owners, &chosen) {
            if metadata.is_dir() {
                left.insert(below.to_path_buf());
            }
            return Ok(());
        }
        copier.copy(path, metadata, &to.join(below))
    })?;
    records(&database, &chosen, to)
}

/// Whether a package that is chosen has a name; of names that none has, the folder above decides.
fn is_chosen(path: &Path, owners: &BTreeMap<PathBuf, Vec<&str>>, chosen: &BTreeSet<&str>) -> bool {
    let owned = path.ancestors().find_map(|above| owners.get(above));
    owned.is_none_or(|owners| owners.iter().any(|owner| chosen.contains(owner)))
}

/// Leaves in the package manager's records what is there.
fn records(database: &Database, chosen: &BTreeSet<&str>, to: &Path) -> Result<()> {
    let mut status = String::new();
    for name in chosen {
        writeln!(status, "{}\n", database.packages[*name].paragraph)?;
    }
    fs::write(to.join(STATUS), status).context("cannot write the status of packages")?;
    for entry in fs::read_dir(to.join(LISTS))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let list = name.strip_suffix(".list");
        let package = list.and_then(|stem| stem.split(':').next());
        if package.is_some_and(|package| !chosen.contains(package)) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_no_package_go_with_the_folder_they_are_in() {
        let owners = [
            (PathBuf::from("usr/lib"), vec!["a", "b"]),
            (PathBuf::from("usr/lib/b"), vec!["b"]),
        ];
        let (owners, chosen) = (owners.into(), ["a"].into());
        for (path, expected) in [
            ("usr/lib", true),
            ("usr/lib/cache", true),
            ("usr/lib/b", false),
            ("usr/lib/b/cache/x.pyc", false),
            ("etc/passwd", true),
        ] {
            assert_eq!(
                is_chosen(Path::new(path), &owners, &chosen),
                expected,
                "{path}"
            );
        }
    }
}
