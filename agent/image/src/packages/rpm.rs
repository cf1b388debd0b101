//! Databases of RPM: the one that is read, and what is said of those that are not.

use super::Packages;
use super::given::Given;
use crate::rpmdb::{self, Blobs, Installed};
use crate::tree::{PATH_MAX, Tree};

/// In the places of Fedora, openSUSE, older ones, and images that are updated as a whole.
const DATABASES: &[&str] = &[
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
    "/var/lib/rpm/Packages.db",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/Packages.db",
    "/usr/lib/sysimage/rpm/Packages",
    "/usr/share/rpm/rpmdb.sqlite",
    "/usr/share/rpm/Packages",
];

/// Takes the packages of the first database that can be read; answers its path.
pub(super) fn rpm(tree: &Tree, packages: &mut Packages) -> Option<&'static str> {
    for path in DATABASES {
        let id = Packages::find_behind_links(tree, path.as_bytes());
        let Some(content) = id.and_then(|id| tree.inode(id).content.as_ref()) else {
            continue;
        };
        match rpmdb::read(content.source()) {
            Ok(blobs) => {
                take(tree, blobs, path, packages);
                return Some(path);
            }
            Err(why) => {
                let text = format!("rpm database damaged: {path}: {why}");
                packages.not_read.push(text);
            }
        }
    }
    None
}

fn take(tree: &Tree, blobs: Blobs<'_>, path: &str, packages: &mut Packages) {
    let mut damaged = 0_u64;
    for blob in blobs {
        let Some(one) = blob.as_deref().and_then(Installed::read) else {
            damaged += 1;
            continue;
        };
        let Some(number) = packages.add("rpm", one.name, &one.version, None) else {
            break;
        };
        packages.built_for(number, one.architecture);
        let Some(files) = one.files(PATH_MAX) else {
            damaged += 1;
            packages.unsure.insert(number);
            continue;
        };
        for path in files.take_while(|_| !tree.is_exhausted()) {
            tree.charge(&path);
            if let Some(id) = packages.find(tree, &path) {
                packages.take(tree, number, id);
            }
        }
    }
    if damaged > 0 {
        let text = format!("{damaged} entries of {path} could not be read: it is damaged");
        packages.not_read.push(text);
    }
    // What SQLite wrote last may stand there alone.
    let log = tree.find(format!("{path}-wal").as_bytes(), true);
    if log.is_some_and(|id| tree.inode(id).size > 0) {
        let text = format!("{path} may be out of date: its log, {path}-wal, is not read");
        packages.not_read.push(text);
    }
}

/// Says that a database of RPM is there which was not read, where its packages are not given, or none of their files.
pub(super) fn tell(
    tree: &Tree,
    read: Option<&str>,
    sbom: Option<&Given<'_, '_>>,
    packages: &mut Packages,
) {
    if read.is_none() && sbom.is_some_and(|sbom| sbom.lacks_files(DATABASES)) {
        let text = "the SBOM tells no files of RPM's packages, so their use is unknown: `syft IMAGE -o syft-json` \
                    tells them, and CycloneDX of Syft does not";
        packages.not_read.push(text.to_owned());
    }
    let find = |path: &str| tree.find(path.as_bytes(), true);
    // A folder of it may be a link to another.
    let read = read.and_then(find);
    let other = |path: &&&str| find(path).is_some_and(|id| Some(id) != read);
    let Some(path) = DATABASES.iter().find(other) else {
        return;
    };
    if sbom.is_some_and(|sbom| sbom.has("rpm")) {
        return;
    }
    let why = match sbom {
        Some(_) => "and the SBOM names no package of RPM",
        None => "give an SBOM of the image with --sbom (--old-sbom and --new-sbom of a comparison)",
    };
    packages.not_read.push(format!(
        "rpm database present, not read: {path}; its packages are missing here: {why}, made by \
         `syft IMAGE -o syft-json > sbom.json`, or by `trivy image -f cyclonedx IMAGE > sbom.json`, \
         which does not tell files"
    ));
}
