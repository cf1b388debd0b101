//! What of a base goes at least, and what in use has to be brought along.

use super::needs::Needs;
use super::{Brought, Kind, Known, Language, linked};
use crate::map::Use;
use crate::report::{First, Sum};
use crate::tree::Id;
use crate::waste::LISTED_MAX;
use lapwing_profile::text::canonical;

/// Folders of documentation, which slim variants of Debian leave out.
const DOCUMENTATION: &[&str] = &[
    "/usr/share/doc/",
    "/usr/share/man/",
    "/usr/share/info/",
    "/usr/share/locale/",
];
/// Libraries that Python's own modules need and that its runtimes without a shell bring.
const OF_PYTHON: &[&str] = &[
    "libbz2.",
    "libcom_err.",
    "libcrypt.",
    "libdb-",
    "libexpat.",
    "libffi.",
    "libgssapi_krb5.",
    "libk5crypto.",
    "libkeyutils.",
    "libkrb5",
    "liblzma.",
    "libncursesw.",
    "libnsl.",
    "libpanelw.",
    "libreadline.",
    "libsqlite3.",
    "libtinfo.",
    "libtirpc.",
    "libuuid.",
    "libz.",
];
/// Folders of runtimes, whose own libraries come with them.
const OF_RUNTIMES: &[&str] = &[
    "/python3",
    "/jvm/",
    "/openjdk/",
    "/java/",
    "/ruby/",
    "/perl/",
    "/perl5/",
    "/php",
    "/dotnet/",
];

/// What goes at least of the files of the base.
pub(super) fn saves(known: &Known<'_>, kind: Kind, files: &[Id]) -> Option<Sum> {
    let is_known = match kind {
        Kind::Slim => known.system == Some("debian"),
        _ => true,
    };
    if files.is_empty() || known.how.is_none() || !is_known {
        return None;
    }
    let tree = known.tree;
    let goes = |id: Id| match kind {
        Kind::Slim => {
            let path = tree.path(id);
            let is_text = DOCUMENTATION
                .iter()
                .any(|folder| path.starts_with(folder.as_bytes()));
            is_text && !path.ends_with(b"/copyright")
        }
        kind => { known.packages.owner(tree, id) }
            .filter(|package| ["deb", "apk", "rpm"].contains(&package.kind))
            .is_some_and(|package| !kind.may_have(&package.name)),
    };
    let mut sum = Sum::default();
    for id in files {
        let number = tree.nodes[*id as usize].inode as usize;
        if known.uses.get(number) == Some(&Use::NotSeen) && goes(*id) {
            sum.take(tree.inode(*id).size);
        }
    }
    Some(sum)
}

/// Whether a file is below a folder of a runtime.
pub(super) fn is_of_runtime(path: &[u8]) -> bool {
    let path = String::from_utf8_lossy(path);
    OF_RUNTIMES.iter().any(|folder| path.contains(folder))
}

/// What is in use of the base and what one of the kind lacks.
pub(super) fn bring(
    known: &Known<'_>,
    needs: &Needs,
    kind: Kind,
    layers: u32,
    data: Vec<Id>,
) -> First<Brought> {
    if kind == Kind::Slim {
        return First::default();
    }
    let tree = known.tree;
    let is_python = needs.languages.contains(&Language::Python);
    let comes = |id: Id, name: &[u8]| {
        let name = String::from_utf8_lossy(name);
        let of_kind = kind == Kind::Runtime && {
            Language::of(&name, false).is_some()
                || is_of_runtime(&tree.path(id))
                || is_python && OF_PYTHON.iter().any(|start| name.starts_with(start))
        };
        // One with musl has none of glibc's and GCC's, and the other way round.
        let has = Kind::of_library(&name).is_some_and(|it| match kind {
            Kind::Musl => it == Kind::Musl,
            _ => it <= kind && it != Kind::Musl,
        });
        has || of_kind
    };
    let mut found = data;
    found.extend(&needs.programs);
    if kind < Kind::Runtime {
        found.extend(&needs.runtimes);
    }
    let mut counted = vec![false; tree.inodes.len()];
    tree.visit(|id, inode| {
        let number = tree.nodes[id as usize].inode as usize;
        if inode.layer < layers
            && !counted[number]
            && let Some(name) = linked::name_of(tree, id)
            && (known.is_used(number as u32) || needs.libraries.contains(name))
        {
            counted[number] = true;
            if !comes(id, name) {
                found.push(id);
            }
        }
    });
    found.retain(|id| tree.inode(*id).layer < layers);
    found.sort_by_key(|id| (std::cmp::Reverse(tree.inode(*id).size), *id));
    let mut all = First::default();
    for id in found {
        all.take(LISTED_MAX, || Brought {
            path: canonical(&tree.path(id)),
            bytes: tree.inode(id).size,
            package: known.packages.name(tree, id),
        });
    }
    all
}
