//! Ways to change files.

use super::act::{Act, Field, Is, Prepare, Report, Tiers};
use lapwing_abi::hooks::Row;

/// A change of a file of the image by an ordinary user, seen by every tier.
const fn file(
    id: &'static str,
    row: Row,
    what: &'static str,
    words: &'static [&'static str],
    operation: &'static str,
    path: &'static str,
) -> Act {
    let fields = [
        ("file.operation", Is::Text(operation)),
        ("file.path", Is::Text(path)),
        ("file.target", Is::Text("")),
        ("file.mount", Is::Text("IMAGE")),
        ("file.pathFromCaller", Is::Flag(false)),
        ("patch", Is::Holds(path)),
    ];
    let report = Report::new("file.unknown", "MEDIUM", "file", fields);
    Act::new(id, row, Tiers::ALL, what, words, report)
}

/// Tier B reads the names where the caller keeps them, and so knows no mount.
const BY_NAME: &[(Tiers, &[Field])] = &[(
    Tiers::B,
    &[
        ("file.mount", Is::Text("UNKNOWN")),
        ("file.pathFromCaller", Is::Flag(true)),
    ],
)];

impl Act {
    /// To another name.
    const fn to(self, target: &'static str) -> Self {
        self.field(2, ("file.target", Is::Text(target)))
    }

    /// By a system call that is told names.
    const fn by_name(self) -> Self {
        self.per_tier(BY_NAME)
    }
}

/// Every act of this area.
pub const ACTS: &[Act] = &[
    file(
        "file.open",
        Row::FileOpen,
        "open(2) for writing",
        &["open-write", "/data/open"],
        "OPEN_WRITE",
        "/data/open",
    )
    .after(&[Prepare::File("/data/open")]),
    file(
        "file.create",
        Row::FileOpen,
        "open(2) that makes the file",
        &["create", "/data/create"],
        "CREATE",
        "/data/create",
    ),
    file(
        "file.create.creat",
        Row::FileOpen,
        "creat(2)",
        &["creat", "/data/creat"],
        "CREATE",
        "/data/creat",
    ),
    file(
        "file.create.openat2",
        Row::FileOpen,
        "openat2(2) with RESOLVE_BENEATH",
        &["openat2", "/data", "openat2"],
        "CREATE",
        "/data/openat2",
    ),
    file(
        "file.create.dots",
        Row::FileOpen,
        "a path with dots, from a working directory",
        &["create", "./below/../dots"],
        "CREATE",
        "/data/dots",
    )
    .after(&[Prepare::Folder("/data/below")])
    .cwd("/data"),
    file(
        "file.create.relative",
        Row::FileOpen,
        "a path from a working directory",
        &["create", "relative"],
        "CREATE",
        "/data/working/relative",
    )
    .after(&[Prepare::Folder("/data/working")])
    .cwd("/data/working"),
    file(
        "file.create.link",
        Row::FileOpen,
        "through a symbolic link to the folder",
        &["create", "/short/linked"],
        "CREATE",
        "/data/linked",
    )
    .after(&[Prepare::Symlink("data", "/short")]),
    file(
        "file.unlink",
        Row::FileUnlink,
        "unlink(2)",
        &["delete", "/data/unlink"],
        "DELETE",
        "/data/unlink",
    )
    .after(&[Prepare::File("/data/unlink")])
    .by_name(),
    file(
        "file.unlink.unlinkat",
        Row::FileUnlink,
        "unlinkat(2) with a descriptor of the folder",
        &["unlinkat", "/data", "unlinkat"],
        "DELETE",
        "/data/unlinkat",
    )
    .after(&[Prepare::File("/data/unlinkat")])
    .by_name(),
    file(
        "file.rmdir",
        Row::FileRmdir,
        "rmdir(2)",
        &["rmdir", "/data/rmdir"],
        "DELETE",
        "/data/rmdir",
    )
    .after(&[Prepare::Folder("/data/rmdir")])
    .by_name(),
    file(
        "file.rmdir.unlinkat",
        Row::FileRmdir,
        "unlinkat(2) with AT_REMOVEDIR",
        &["rmdirat", "/data", "rmdirat"],
        "DELETE",
        "/data/rmdirat",
    )
    .after(&[Prepare::Folder("/data/rmdirat")])
    .by_name(),
    file(
        "file.rename",
        Row::FileRename,
        "rename(2)",
        &["rename", "/data/rename", "/tmp/renamed"],
        "RENAME",
        "/data/rename",
    )
    .to("/tmp/renamed")
    .after(&[Prepare::File("/data/rename")])
    .by_name(),
    file(
        "file.rename.renameat2",
        Row::FileRename,
        "renameat2(2) with RENAME_NOREPLACE and descriptors of both folders",
        &["renameat2", "/data", "renameat2", "/tmp", "renamed2"],
        "RENAME",
        "/data/renameat2",
    )
    .to("/tmp/renamed2")
    .after(&[Prepare::File("/data/renameat2")])
    .by_name(),
];
