//! Names that come, go and change.

use super::{RIGHTS, file, more};
use crate::coverage::act::{Act, Prepare, Tiers};
use lapwing_abi::hooks::Row;

/// Every act of this kind.
pub const ACTS: &[Act] = &[
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
    .by_one_name(),
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
    .by_one_name(),
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
    .by_one_name(),
    file(
        "file.rename.exchange",
        Row::FileRename,
        "renameat2(2) with RENAME_EXCHANGE: both files are renamed",
        &["rename-with", "exchange", "/data/left", "/data/right"],
        "RENAME",
        "/data/left",
    )
    .to("/data/right")
    .after(&[Prepare::File("/data/left"), Prepare::File("/data/right")])
    .by_name()
    .also(&[more("RENAME", "/data/right", "/data/left")]),
    file(
        "file.rename.whiteout",
        Row::FileRename,
        "renameat2(2) with RENAME_WHITEOUT",
        &["rename-with", "whiteout", "/data/white", "/data/out"],
        "RENAME",
        "/data/white",
    )
    .to("/data/out")
    .after(&[Prepare::File("/data/white")])
    .by_name()
    .inside(RIGHTS)
    .root(),
    file(
        "file.rename.folder",
        Row::FileRename,
        "a folder, by names without a slash",
        &["rename", "near", "far"],
        "RENAME",
        "/data/near",
    )
    .to("/data/far")
    .after(&[Prepare::Folder("/data/near")])
    .cwd("/data")
    .by_one_name(),
    file(
        "file.link",
        Row::FileLink,
        "link(2)",
        &["link", "/data/linked-from", "/data/linked-to"],
        "LINK",
        "/data/linked-from",
    )
    .to("/data/linked-to")
    .after(&[Prepare::File("/data/linked-from")])
    .by_name()
    .root(),
    file(
        "file.link.descriptor",
        Row::FileLink,
        "linkat(2) of an open file by /proc/self/fd",
        &[
            "link-descriptor",
            "proc",
            "/data/open-from",
            "/data/open-to",
        ],
        "LINK",
        "/data/open-from",
    )
    .to("/data/open-to")
    .after(&[Prepare::File("/data/open-from")])
    .by_one_name()
    .root(),
    file(
        "file.link.empty",
        Row::FileLink,
        "linkat(2) of an open file with AT_EMPTY_PATH",
        &[
            "link-descriptor",
            "empty",
            "/data/empty-from",
            "/data/empty-to",
        ],
        "LINK",
        "/data/empty-from",
    )
    .to("/data/empty-to")
    .after(&[Prepare::File("/data/empty-from")])
    .by_one_name()
    .inside(RIGHTS)
    .root(),
    file(
        "file.link.unnamed",
        Row::FileLink,
        "a file without a name gets its first",
        &[
            "unnamed-link",
            "proc",
            "/data/nameless",
            "/data/nameless/named",
        ],
        "CREATE",
        "/data/nameless/named",
    )
    .after(&[Prepare::Folder("/data/nameless")])
    .by_name()
    .also(&[more("CREATE", "/data/nameless/", "")]),
    file(
        "file.link.unnamed-empty",
        Row::FileLink,
        "the same with AT_EMPTY_PATH",
        &[
            "unnamed-link",
            "empty",
            "/data/nameless2",
            "/data/nameless2/named",
        ],
        "CREATE",
        "/data/nameless2/named",
    )
    .after(&[Prepare::Folder("/data/nameless2")])
    .by_name()
    .inside(RIGHTS)
    .root()
    .also(&[more("CREATE", "/data/nameless2/", "")]),
    file(
        "file.symlink",
        Row::FileSymlink,
        "symlink(2): the second name is what it says",
        &["symlink", "../etc/passwd", "/data/made-link"],
        "SYMLINK",
        "/data/made-link",
    )
    .to("../etc/passwd")
    .by_name(),
    file(
        "file.symlink.symlinkat",
        Row::FileSymlink,
        "symlinkat(2)",
        &["symlinkat", "/etc/group", "/data", "symlinkat"],
        "SYMLINK",
        "/data/symlinkat",
    )
    .to("/etc/group")
    .by_one_name(),
    file(
        "file.mkdir",
        Row::FileMkdir,
        "mkdir(2)",
        &["mkdir", "/data/mkdir"],
        "MKDIR",
        "/data/mkdir",
    )
    .by_name(),
    file(
        "file.mkdir.mkdirat",
        Row::FileMkdir,
        "mkdirat(2)",
        &["mkdirat", "/data", "mkdirat"],
        "MKDIR",
        "/data/mkdirat",
    )
    .by_one_name(),
    file(
        "file.mknod",
        Row::FileMknod,
        "mknod(2) of a pipe",
        &["mknod", "fifo", "/data/fifo"],
        "MKNOD",
        "/data/fifo",
    )
    .by_name(),
    file(
        "file.mknod.file",
        Row::FileMknod,
        "mknod(2) of a regular file",
        &["mknod", "file", "/data/by-mknod"],
        "CREATE",
        "/data/by-mknod",
    )
    .by_name(),
    file(
        "file.mknod.device",
        Row::FileMknod,
        "mknod(2) of a device",
        &["mknod", "device", "/data/device"],
        "MKNOD",
        "/data/device",
    )
    .inside(RIGHTS)
    .root()
    .by_name(),
    file(
        "file.mknod.bind",
        Row::FileMknod,
        "a socket that bind(2) makes",
        &["bind", "/data/socket"],
        "MKNOD",
        "/data/socket",
    )
    .tiers(Tiers::A),
];
