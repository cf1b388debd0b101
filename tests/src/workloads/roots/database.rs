//! The records of Debian's package manager in a root folder.

use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where they are.
pub(super) const STATUS: &str = "var/lib/dpkg/status";
pub(super) const LISTS: &str = "var/lib/dpkg/info";
/// Fields that name packages without which one does not work.
const NEEDS: [&str; 2] = ["Pre-Depends", "Depends"];

/// A package.
pub(super) struct Package {
    /// Its paragraph of the status.
    pub(super) paragraph: String,
    needs: Vec<Vec<String>>,
}

/// All packages.
pub(super) struct Database {
    pub(super) packages: BTreeMap<String, Package>,
    provided: BTreeMap<String, String>,
}

/// Names in a field, each with what may be there in its stead.
fn names(field: &str) -> Vec<Vec<String>> {
    let one = |text: &str| {
        let name = text.split(['(', ':', '[']).next().unwrap_or_default();
        name.trim().to_owned()
    };
    (field.split(','))
        .map(|choice| choice.split('|').map(one).collect())
        .collect()
}

impl Database {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let path = root.join(STATUS);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        let mut database = Self {
            packages: BTreeMap::new(),
            provided: BTreeMap::new(),
        };
        for paragraph in text.split("\n\n").map(|text| text.trim_matches('\n')) {
            if paragraph.is_empty() {
                continue;
            }
            let field = |name: &str| {
                let mut lines = paragraph.lines().filter_map(|line| line.split_once(": "));
                lines.find_map(|(key, value)| (key == name).then_some(value))
            };
            let name = field("Package").context("a package without a name")?;
            for provided in names(field("Provides").unwrap_or_default()).concat() {
                database.provided.insert(provided, name.to_owned());
            }
            let needs = NEEDS.iter().filter_map(|need| field(need)).flat_map(names);
            let package = Package {
                paragraph: paragraph.to_owned(),
                needs: needs.collect(),
            };
            database.packages.insert(name.to_owned(), package);
        }
        Ok(database)
    }

    fn find<'d>(&'d self, name: &'d str) -> Option<&'d str> {
        let is_there = self.packages.contains_key(name);
        let provided = || self.provided.get(name).map(String::as_str);
        if is_there { Some(name) } else { provided() }
    }

    /// Packages with all that they depend on.
    ///
    /// # Errors
    ///
    /// One that is not there.
    pub(super) fn closure(&self, wanted: &[&str]) -> Result<BTreeSet<&str>> {
        let mut whole = BTreeSet::new();
        let mut waiting = Vec::new();
        for name in wanted {
            let (name, _) = (self.packages.get_key_value(*name))
                .with_context(|| format!("the image has no package {name}"))?;
            waiting.push(&**name);
        }
        while let Some(name) = waiting.pop() {
            if !whole.insert(name) {
                continue;
            }
            for choices in &self.packages[name].needs {
                let found = choices.iter().find_map(|choice| self.find(choice));
                waiting.push(found.with_context(|| {
                    format!(
                        "{name} needs {}, which the image lacks",
                        choices.join(" or ")
                    )
                })?);
            }
        }
        Ok(whole)
    }

    /// The packages that each name below a root belongs to.
    pub(super) fn owners(&self, root: &Path) -> BTreeMap<PathBuf, Vec<&str>> {
        let mut owners: BTreeMap<PathBuf, Vec<&str>> = BTreeMap::new();
        let entries = fs::read_dir(root.join(LISTS)).into_iter().flatten();
        for path in entries.flatten().map(|entry| entry.path()) {
            let stem = path.file_name().and_then(|name| name.to_str());
            let stem = stem.and_then(|name| name.strip_suffix(".list"));
            let Some(name) = stem.and_then(|stem| stem.split(':').next()) else {
                continue;
            };
            let Some((name, _)) = self.packages.get_key_value(name) else {
                continue;
            };
            for line in fs::read_to_string(&path).unwrap_or_default().lines() {
                let below = Path::new(line.trim_start_matches('/'));
                if below.as_os_str().is_empty() || below == Path::new(".") {
                    continue;
                }
                owners.entry(placed(root, below)).or_default().push(name);
            }
        }
        owners
    }
}

/// Where a name lies that packages still have in `/bin` and its like, which are links today.
fn placed(root: &Path, below: &Path) -> PathBuf {
    let mut parts = below.components();
    let first = parts.next().map(|part| Path::new(part.as_os_str()));
    let is_more = !parts.as_path().as_os_str().is_empty();
    let link = first
        .filter(|_| is_more)
        .and_then(|first| fs::read_link(root.join(first)).ok());
    match link {
        Some(link) => link.join(parts.as_path()),
        None => below.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Package: web\nDepends: libc6 (>= 2.3), perl:any | awk, mail [linux-any]\n\n\
        Package: libc6\nPre-Depends: base\nProvides: libc\n\nPackage: mawk\nProvides: awk (= 1), x\n\
        Depends: libc\n\nPackage: base\n\nPackage: postfix\nProvides: mail\n\nPackage: other\n\n";

    #[test]
    fn what_a_package_needs_is_followed_to_the_end() {
        let database = Database::parse(STATUS).unwrap();
        let whole = database.closure(&["web"]).unwrap();
        let whole: Vec<_> = whole.into_iter().collect();
        assert_eq!(whole, ["base", "libc6", "mawk", "postfix", "web"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let database = Database::parse("Package: a\nDepends: b | c\n").unwrap();
        let error = database.closure(&["a"]).unwrap_err();
        assert_eq!(error.to_string(), "a needs b or c, which the image lacks");
        assert!(database.closure(&["b"]).is_err());
        assert!(Database::parse("Version: 1\n").is_err());
    }
}
