//! What of an image is worth a look: programs that attackers are glad of, rights, and bulk.

use crate::packages::Packages;
use crate::report::{Bulk, Capable, Notable, Program, SetId};
use crate::tree::{Id, Inode, Kind, Tree};
use crate::waste::LISTED_MAX;
use lapwing_profile::behaviour::privilege;
use lapwing_profile::text::canonical;
use std::collections::BTreeSet;

const SHELLS: &[&str] = &[
    "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "pwsh", "rbash", "sh", "tcsh",
    "toybox", "yash", "zsh",
];
const MANAGERS: &[&str] = &[
    "apk", "apt", "apt-get", "bundle", "cargo", "composer", "conda", "dnf", "dnf5", "dpkg", "gem",
    "microdnf", "npm", "opkg", "pacman", "pip", "pip3", "pipx", "pnpm", "poetry", "rpm", "snap",
    "uv", "yarn", "yum", "zypper",
];
const COMPILERS: &[&str] = &[
    "as", "c++", "cc", "clang", "clang++", "cmake", "cpp", "g++", "gcc", "gfortran", "go", "gold",
    "javac", "ld", "ld.bfd", "ld.lld", "make", "ninja", "rustc", "tcc",
];

/// Bulk that images rarely need, by folders from the root.
const FOLDERS: &[(&str, &str, &[&str])] = &[
    (
        "package lists of apt",
        "end the RUN that calls apt-get with: rm -rf /var/lib/apt/lists/*",
        &["/var/lib/apt/lists/"],
    ),
    (
        "packages that apt downloaded",
        "end the RUN that calls apt-get with: apt-get clean",
        &["/var/cache/apt/"],
    ),
    (
        "cache of apk",
        "use apk add --no-cache",
        &["/var/cache/apk/", "/etc/apk/cache/"],
    ),
    (
        "cache of dnf, yum or zypper",
        "end the RUN that calls it with: dnf clean all (yum clean all, zypper clean -a)",
        &[
            "/var/cache/dnf/",
            "/var/cache/libdnf5/",
            "/var/cache/yum/",
            "/var/cache/zypp/",
        ],
    ),
    (
        "other caches of the system",
        "remove them in the RUN that makes them",
        &["/var/cache/"],
    ),
    (
        "logs",
        "remove them in the RUN that makes them",
        &["/var/log/"],
    ),
    (
        "temporary files",
        "remove them in the RUN that makes them",
        &["/tmp/", "/var/tmp/"],
    ),
    (
        "documentation",
        "leave it out (dpkg: path-exclude=/usr/share/doc/* and man; dnf: --nodocs); licences that have to \
         be passed on lie there too",
        &[
            "/usr/share/doc/",
            "/usr/share/man/",
            "/usr/share/info/",
            "/usr/share/gtk-doc/",
            "/usr/local/share/doc/",
            "/usr/local/share/man/",
        ],
    ),
    (
        "translations",
        "leave them out where programs speak one language (dpkg: path-exclude=/usr/share/locale/*)",
        &["/usr/share/locale/"],
    ),
    (
        "headers",
        "compile in another stage, and COPY --from what comes of it",
        &["/usr/include/", "/usr/local/include/"],
    ),
];

/// Bulk by the name of a folder, wherever it is.
const NAMES: &[(&str, &str, &[&str])] = &[
    (
        "caches of users (pip, npm and others)",
        "use pip install --no-cache-dir, npm cache clean --force, or RUN --mount=type=cache",
        &[".cache", ".npm", "_cacache"],
    ),
    ("history of git", "list .git in .dockerignore", &[".git"]),
    (
        "compiled Python",
        "set PYTHONDONTWRITEBYTECODE=1 and use pip install --no-compile; programs start a little slower",
        &["__pycache__"],
    ),
];

/// The name without a version or the triple of a target before it.
fn is_one(name: &[u8], of: &[&str]) -> bool {
    let Ok(name) = str::from_utf8(name) else {
        return false;
    };
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let plain = match name.rsplit_once('-') {
        Some((plain, version)) if !version.is_empty() && version.chars().all(digits) => plain,
        _ => name,
    };
    let plain = match plain
        .rsplit_once("-linux-gnu-")
        .or(plain.rsplit_once("-linux-musl-"))
    {
        Some((_, plain)) => plain,
        None => plain,
    };
    of.contains(&plain) || of.contains(&plain.trim_end_matches(digits))
}

/// The names of the capabilities that a file gives (VFS_CAP_REVISION_1 to 3, linux/capability.h).
fn capabilities(value: &[u8]) -> Vec<String> {
    let word = |at: usize| {
        let bytes = value
            .get(at * 4..at * 4 + 4)
            .and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_le_bytes)
    };
    // Permitted and inheritable alternate, the lower halves first.
    let of = |low: usize| {
        let high = word(low + 2).unwrap_or_default();
        u64::from(word(low).unwrap_or_default()) | u64::from(high) << 32
    };
    privilege::capabilities(of(1) | of(2))
}

/// A kind of program that is worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Shell,
    Manager,
    Compiler,
}

/// Which kind of program a node is: by its name, in a folder of programs.
pub(crate) fn tool(tree: &Tree, id: Id) -> Option<Tool> {
    let node = &tree.nodes[id as usize];
    let inode = tree.inode(id);
    let is_program = match inode.kind {
        Kind::File => inode.mode & 0o111 != 0,
        Kind::Symlink => true,
        _ => false,
    };
    let folder = &*tree.nodes[node.parent as usize].name;
    if !is_program || !matches!(folder, b"bin" | b"sbin" | b"") {
        return None;
    }
    let kinds = [
        (SHELLS, Tool::Shell),
        (MANAGERS, Tool::Manager),
        (COMPILERS, Tool::Compiler),
    ];
    let found = kinds.iter().find(|(names, _)| is_one(&node.name, names));
    found.map(|(_, tool)| *tool)
}

/// The set-id bits of a program; 0 of anything else.
pub(crate) fn set_id_bits(inode: &Inode) -> u32 {
    match inode.kind == Kind::File && inode.mode & 0o111 != 0 {
        true => inode.mode & 0o6000,
        false => 0,
    }
}

/// Whether everybody may write to a folder, and remove what others wrote.
pub(crate) fn is_open(inode: &Inode) -> bool {
    inode.kind == Kind::Folder && inode.mode & 0o1002 == 0o002
}

/// The capabilities of a file; `None` where it has none.
pub(crate) fn capabilities_of(inode: &Inode) -> Option<Vec<String>> {
    let value = inode.capability.as_ref()?;
    (inode.kind == Kind::File).then(|| capabilities(value))
}

/// A program as it is told.
pub(crate) fn program(tree: &Tree, packages: &Packages, id: Id) -> Program {
    let inode = tree.inode(id);
    Program {
        path: canonical(&tree.path(id)),
        target: inode.target.as_ref().map(|target| canonical(target)),
        bytes: inode.size,
        package: packages.name(tree, id),
    }
}

/// A program with set-id bits as it is told.
pub(crate) fn set_id(tree: &Tree, packages: &Packages, id: Id) -> SetId {
    SetId {
        path: canonical(&tree.path(id)),
        mode: format!("{:04o}", tree.inode(id).mode),
        package: packages.name(tree, id),
    }
}

/// A file with capabilities as it is told.
pub(crate) fn capable(tree: &Tree, packages: &Packages, id: Id) -> Capable {
    Capable {
        path: canonical(&tree.path(id)),
        capabilities: capabilities_of(tree.inode(id)).unwrap_or_default(),
        package: packages.name(tree, id),
    }
}

impl Notable {
    fn count(&mut self, path: &[u8], inode: &Inode) {
        let below = |folders: &[&str]| folders.iter().any(|one| path.starts_with(one.as_bytes()));
        let named = |names: &[&str]| {
            let mut parts = path.split(|byte| *byte == b'/');
            parts.any(|part| names.iter().any(|name| name.as_bytes() == part))
        };
        let kind = (NAMES.iter().find(|(_, _, names)| named(names)))
            .or_else(|| FOLDERS.iter().find(|(_, _, folders)| below(folders)));
        let Some((what, remedy, _)) = kind else {
            return;
        };
        let at = self
            .bulk
            .iter()
            .position(|bulk| bulk.what == *what)
            .unwrap_or_else(|| {
                self.bulk.push(Bulk {
                    what,
                    remedy,
                    bytes: 0,
                    files: 0,
                    example: canonical(path),
                });
                self.bulk.len() - 1
            });
        let bulk = &mut self.bulk[at];
        bulk.bytes = bulk.bytes.saturating_add(inode.size);
        bulk.files += 1;
    }
}

/// Looks at everything that a container sees. Answers too, by their numbers, whose the compilers are.
pub(crate) fn of(tree: &Tree, packages: &Packages) -> (Notable, BTreeSet<usize>) {
    let mut owners = BTreeSet::new();
    let mut found = Notable::default();
    let mut counted = vec![false; tree.inodes.len()];
    tree.visit(|id, inode| {
        let node = &tree.nodes[id as usize];
        if let Some(tool) = tool(tree, id) {
            let list = match tool {
                Tool::Shell => &mut found.shells,
                Tool::Manager => &mut found.package_managers,
                Tool::Compiler => &mut found.compilers,
            };
            list.take(LISTED_MAX, || program(tree, packages, id));
            if tool == Tool::Compiler && owners.len() < LISTED_MAX {
                owners.extend(packages.owner_number(tree, id));
            }
        }
        if is_open(inode) {
            let path = || canonical(&tree.path(id));
            found.world_writable.take(LISTED_MAX, path);
        }
        if inode.kind != Kind::File {
            return;
        }
        if set_id_bits(inode) != 0 {
            let list = &mut found.set_id;
            list.take(LISTED_MAX, || set_id(tree, packages, id));
        }
        if inode.capability.is_some() {
            let list = &mut found.file_capabilities;
            list.take(LISTED_MAX, || capable(tree, packages, id));
        }
        // A file of several names is there once.
        if !std::mem::replace(&mut counted[node.inode as usize], true) && inode.size > 0 {
            found.count(&tree.path(id), inode);
        }
    });
    found.bulk.sort_by_key(|bulk| std::cmp::Reverse(bulk.bytes));
    (found, owners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tools_have_versions_and_targets() {
        for name in [
            "gcc",
            "gcc-12",
            "x86_64-linux-gnu-g++-12",
            "aarch64-linux-gnu-ld.bfd",
            "clang-17.0",
        ] {
            assert!(is_one(name.as_bytes(), COMPILERS), "{name}");
        }
        assert!(is_one(b"pip3.11", MANAGERS) && is_one(b"zsh-5.9", SHELLS));
        assert!(is_one(b"pwsh", SHELLS), "PowerShell");
        for name in [&b"gcc-ranlib"[..], b"-12", b"bashful", b"\xff", b""] {
            assert!(
                !is_one(name, COMPILERS) && !is_one(name, SHELLS),
                "{name:?}"
            );
        }
        assert!(SHELLS.is_sorted() && MANAGERS.is_sorted() && COMPILERS.is_sorted());
    }

    #[test]
    fn capabilities_of_files_in_each_revision() {
        let words = |words: &[u32]| {
            words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            capabilities(&words(&[0x0200_0001, 1 << 10, 0, 0, 0])),
            ["CAP_NET_BIND_SERVICE"]
        );
        assert_eq!(
            capabilities(&words(&[0x0300_0001, 0, 1 << 13, 1 << 7, 0, 9])),
            ["CAP_NET_RAW", "CAP_BPF"]
        );
        assert_eq!(capabilities(&words(&[0x0100_0001, 1, 0])), ["CAP_CHOWN"]);
        assert_eq!(capabilities(b"\x01\x02"), [""; 0]);
    }
}
