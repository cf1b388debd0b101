//! Ways to change files.

mod attributes;
mod names;

use super::act::{Act, Field, Is, OVERLAY, Prepare, Report, Shape, Tiers};
use crate::puppet::TRIGGER;
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

/// Tier B reads the names where the caller keeps them, and knows no mount of one with a slash.
const BY_NAME: &[(Tiers, &[Field])] = &[(
    Tiers::B,
    &[
        ("file.mount", Is::Text("UNKNOWN")),
        ("file.pathFromCaller", Is::Flag(true)),
    ],
)];
/// One without stands in its folder.
const BY_ONE_NAME: &[(Tiers, &[Field])] = &[(Tiers::B, &[("file.pathFromCaller", Is::Flag(true))])];

/// A container whose root may read every file, and make devices and programs with capabilities.
const RIGHTS: Shape = Shape {
    name: "rights",
    spec: |spec| {
        spec.capability("CAP_DAC_READ_SEARCH")
            .capability("CAP_SETFCAP")
            .capability("CAP_MKNOD")
    },
};

/// A container whose root may mount.
const MOUNTS: Shape = Shape {
    name: "mounts",
    spec: |spec| spec.capability("CAP_SYS_ADMIN"),
};

/// One more report of an act: something is mounted, or not any more.
const fn mounted(operation: &'static str, detail: &'static str) -> Report {
    let fields = [
        ("privilege.operation", Is::Text(operation)),
        ("privilege.detail", Is::Text(detail)),
    ];
    Report::new("privilege.mount", "HIGH", "privilege", fields)
}

/// One more report of an act: a change of a file of the image.
const fn more(operation: &'static str, path: &'static str, target: &'static str) -> Report {
    let fields = [
        ("file.operation", Is::Text(operation)),
        ("file.path", Is::Text(path)),
        ("file.target", Is::Text(target)),
    ];
    Report::new("file.unknown", "MEDIUM", "file", fields)
}

/// The reading of a credential.
const fn credential(
    id: &'static str,
    what: &'static str,
    words: &'static [&'static str],
    path: &'static str,
) -> Act {
    let fields = [
        ("file.operation", Is::Text("OPEN_READ")),
        ("file.path", Is::Text(path)),
        ("file.by", Is::Text(TRIGGER)),
        ("file.mount", Is::Text("IMAGE")),
        ("file.pathFromCaller", Is::Flag(false)),
    ];
    let report = Report::new("file.credential", "HIGH", "file", fields);
    Act::new(id, Row::FileRead, Tiers::ALL, what, words, report)
}

impl Act {
    /// To another name.
    const fn to(self, target: &'static str) -> Self {
        self.field(2, ("file.target", Is::Text(target)))
    }

    /// By a system call that is told names.
    const fn by_name(self) -> Self {
        self.per_tier(BY_NAME)
    }

    /// By a system call that is told a name in a folder.
    const fn by_one_name(self) -> Self {
        self.per_tier(BY_ONE_NAME)
    }
}

/// Every act of this area, by what is done.
pub const ACTS: &[&[Act]] = &[OPENS, names::ACTS, attributes::ACTS];

/// Files that are opened.
const OPENS: &[Act] = &[
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
        "file.create.unnamed",
        Row::FileOpen,
        "open(2) with O_TMPFILE: the path ends behind the folder",
        &["unnamed", "/data/unnamed"],
        "CREATE",
        "/data/unnamed/",
    )
    .after(&[Prepare::Folder("/data/unnamed")]),
    file(
        "file.open.mmap",
        Row::FileOpen,
        "a write by a shared mapping, at the open",
        &["write", "mmap", "/data/by-mmap"],
        "OPEN_WRITE",
        "/data/by-mmap",
    )
    .after(&[Prepare::File("/data/by-mmap")]),
    file(
        "file.open.sendfile",
        Row::FileOpen,
        "a write by sendfile(2), at the open",
        &["write", "sendfile", "/data/by-sendfile"],
        "OPEN_WRITE",
        "/data/by-sendfile",
    )
    .after(&[Prepare::File("/data/by-sendfile")]),
    file(
        "file.open.copy",
        Row::FileOpen,
        "a write by copy_file_range(2), at the open",
        &["write", "copy", "/data/by-copy"],
        "OPEN_WRITE",
        "/data/by-copy",
    )
    .after(&[Prepare::File("/data/by-copy")]),
    file(
        "file.open.splice",
        Row::FileOpen,
        "a write by splice(2), at the open",
        &["write", "splice", "/data/by-splice"],
        "OPEN_WRITE",
        "/data/by-splice",
    )
    .after(&[Prepare::File("/data/by-splice")]),
    file(
        "file.open.ftruncate",
        Row::FileOpen,
        "ftruncate(2), at the open",
        &["ftruncate", "/data/ftruncate"],
        "OPEN_WRITE",
        "/data/ftruncate",
    )
    .after(&[Prepare::File("/data/ftruncate")]),
    file(
        "file.open.uring",
        Row::FileOpen,
        "an open by io_uring",
        &["uring-open", "/data/uring"],
        "CREATE",
        "/data/uring",
    )
    .tiers(Tiers::A),
    file(
        "file.open.uring-write",
        Row::FileOpen,
        "a write by io_uring, at the open",
        &["write", "uring", "/data/by-uring"],
        "OPEN_WRITE",
        "/data/by-uring",
    )
    .after(&[Prepare::File("/data/by-uring")]),
    file(
        "file.open.aio",
        Row::FileOpen,
        "a write by io_submit(2), at the open",
        &["write", "aio", "/data/by-aio"],
        "OPEN_WRITE",
        "/data/by-aio",
    )
    .after(&[Prepare::File("/data/by-aio")]),
    file(
        "file.create.mount-namespace",
        Row::FileOpen,
        "in another mount namespace: the path is what this process sees there",
        &["create-apart", "/data/apart", "/data/apart/new"],
        "CREATE",
        "/data/apart/new",
    )
    .after(&[Prepare::Folder("/data/apart")])
    .inside(MOUNTS)
    .root()
    .field(3, ("file.mount", Is::Text("TMPFS")))
    .also(&[
        Report::new(
            "privilege.namespace",
            "HIGH",
            "privilege",
            [
                ("privilege.operation", Is::Text("UNSHARE")),
                ("privilege.detail", Is::Text("mnt")),
            ],
        ),
        mounted("MOUNT", "tmpfs at /data/apart"),
    ]),
    file(
        "file.open.proc",
        Row::FileOpen,
        "a file of /proc: the mount is a window to the kernel",
        &["open-write", "/proc/1/comm"],
        "OPEN_WRITE",
        "/proc/1/comm",
    )
    .root()
    .field(3, ("file.mount", Is::Text("PROC_SYS"))),
    file(
        "file.open.tmpfs",
        Row::FileOpen,
        "a file in memory",
        &["open-write", "/scratch/open"],
        "OPEN_WRITE",
        "/scratch/open",
    )
    .after(&[Prepare::File("/scratch/open")])
    .field(3, ("file.mount", Is::Text("TMPFS"))),
    file(
        "file.open.volume",
        Row::FileOpen,
        "a file on a volume",
        &["open-write", "/volume/open"],
        "OPEN_WRITE",
        "/volume/open",
    )
    .after(&[Prepare::File("/volume/open")])
    .inside(OVERLAY)
    .field(3, ("file.mount", Is::Text("VOLUME"))),
    file(
        "file.create.unmounted",
        Row::FileOpen,
        "on a file system that is mounted nowhere any more (MNT_DETACH): `detached:` and the path there",
        &["create-unmounted", "/data/unmounted", "new"],
        "CREATE",
        "detached:/inside/new",
    )
    .rule("file.unknown", "HIGH")
    .after(&[Prepare::Folder("/data/unmounted")])
    .inside(MOUNTS)
    .root()
    .field(3, ("file.mount", Is::Text("TMPFS")))
    .also(&[
        mounted("MOUNT", "tmpfs at /data/unmounted"),
        more("MKDIR", "/data/unmounted/inside", ""),
        mounted("UMOUNT", "/data/unmounted"),
    ]),
    file(
        "file.open.handle",
        Row::FileHandle,
        "open_by_handle_at(2)",
        &["open-handle", "/data/handle"],
        "OPEN_WRITE",
        "/data/handle",
    )
    .after(&[Prepare::File("/data/handle")])
    .inside(RIGHTS)
    .root(),
    file(
        "file.open.removed",
        Row::FileOpen,
        "an open by /proc/self/fd of a file that was removed: its path is the last that it had",
        &["open-removed", "/data/removed"],
        "OPEN_WRITE",
        "/data/removed",
    )
    .after(&[Prepare::File("/data/removed")])
    .also(&[more("DELETE", "/data/removed", "")]),
    file(
        "file.receive.socket",
        Row::FileReceive,
        "a descriptor in a message on a socket",
        &["receive", "socket", "/data/sent", "/data/received"],
        "OPEN_WRITE",
        "/data/received",
    )
    .after(&[Prepare::File("/data/sent")])
    .tiers(Tiers::A)
    .also(&[
        more("OPEN_WRITE", "/data/sent", ""),
        more("RENAME", "/data/sent", "/data/received"),
    ]),
    file(
        "file.receive.pidfd",
        Row::FileReceive,
        "pidfd_getfd(2)",
        &["receive", "pidfd", "/data/kept", "/data/fetched"],
        "OPEN_WRITE",
        "/data/fetched",
    )
    .after(&[Prepare::File("/data/kept")])
    .also(&[
        more("OPEN_WRITE", "/data/kept", ""),
        more("RENAME", "/data/kept", "/data/fetched"),
    ]),
    file(
        "file.truncate.open",
        Row::FileTruncateOpen,
        "open(2) with O_RDONLY and O_TRUNC",
        &["open-truncate", "/data/open-truncate"],
        "TRUNCATE",
        "/data/open-truncate",
    )
    .after(&[Prepare::File("/data/open-truncate")]),
    credential(
        "file.read.shadow",
        "a file of the list, by its path",
        &["open-read", "/etc/shadow"],
        "/etc/shadow",
    )
    .after(&[Prepare::File("/etc/shadow")]),
    credential(
        "file.read.link",
        "a file of the list, through a symbolic link",
        &["open-read", "/data/key"],
        "/root/.ssh/id_ed25519",
    )
    .after(&[
        Prepare::Folder("/root/.ssh"),
        Prepare::File("/root/.ssh/id_ed25519"),
        Prepare::Symlink("/root/.ssh/id_ed25519", "/data/key"),
    ]),
    credential(
        "file.read.cloud",
        "the keys of a cloud",
        &["open-read", "/root/.aws/credentials"],
        "/root/.aws/credentials",
    )
    .after(&[
        Prepare::Folder("/root/.aws"),
        Prepare::File("/root/.aws/credentials"),
    ]),
    credential(
        "file.read.token",
        "a token of a service account, as Kubernetes lays it out",
        &[
            "open-read",
            "/run/secrets/kubernetes.io/serviceaccount/token",
        ],
        "/run/secrets/kubernetes.io/serviceaccount/..data/token",
    )
    .after(&[
        Prepare::Folder(
            "/run/secrets/kubernetes.io/serviceaccount/..2026_11_25_22_26_40.123456789",
        ),
        Prepare::File(
            "/run/secrets/kubernetes.io/serviceaccount/..2026_11_25_22_26_40.123456789/token",
        ),
        Prepare::Symlink(
            "..2026_11_25_22_26_40.123456789",
            "/run/secrets/kubernetes.io/serviceaccount/..data",
        ),
        Prepare::Symlink(
            "..data/token",
            "/run/secrets/kubernetes.io/serviceaccount/token",
        ),
    ]),
    credential(
        "file.read.both",
        "a file of the list, opened for reading and writing",
        &["open-both", "/root/.netrc"],
        "/root/.netrc",
    )
    .after(&[Prepare::Folder("/root"), Prepare::File("/root/.netrc")])
    .also(&[more("OPEN_WRITE", "/root/.netrc", "")]),
];
