//! Ways to run a program.
//!
//! The program is always a trigger, so that it can be held and looked at, and
//! always has another path or name, so that each is news.

use super::act::{Act, Is, OVERLAY, Prepare, Report, Shape, Tiers};
use crate::cases::common::{IDS, TOOL};
use crate::puppet::TRIGGER;
use anyhow::Context as _;
use lapwing_abi::hooks::Row;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A program of the image run by an ordinary user. `argv` is what the report must say.
const fn exec(
    id: &'static str,
    what: &'static str,
    words: &'static [&'static str],
    path: &'static str,
    argv: &'static [&'static str],
) -> Act {
    let fields = [
        ("exec.path", Is::Text(path)),
        ("exec.name", Is::Text("")),
        ("exec.script", Is::Text("")),
        ("exec.origin", Is::Text("IMAGE")),
        ("exec.parent", Is::Text(TRIGGER)),
        ("process.exe", Is::Text(path)),
        ("process.args", Is::Texts(argv)),
    ];
    let report = Report::new("exec.unknown", "HIGH", "exec", fields);
    Act::new(id, Row::ProcessExec, Tiers::BASE, what, words, report)
}

impl Act {
    /// Under another name than its file's.
    const fn named(self, name: &'static str) -> Self {
        self.field(1, ("exec.name", Is::Text(name)))
    }

    /// Reported by another row as well.
    const fn row(mut self, row: Row) -> Self {
        self.row = row;
        self
    }

    /// As the interpreter of a script.
    const fn script(self, script: &'static str) -> Self {
        self.field(2, ("exec.script", Is::Text(script)))
    }

    /// From elsewhere than the image.
    const fn from(self, origin: &'static str) -> Self {
        self.field(3, ("exec.origin", Is::Text(origin)))
    }
}

/// A container that may change its root.
const CHROOT: Shape = Shape {
    name: "chroot",
    spec: |spec| spec.capability("CAP_SYS_CHROOT"),
};
/// A container with a folder of its image under one more name.
const BOUND: Shape = Shape {
    name: "bound",
    spec: |spec| {
        spec.mount(json!({
            "destination": "/bound", "type": "bind", "source": "rootfs/usr/bin", "options": ["bind"],
        }))
    },
};

/// `struct vfs_cap_data` of the second version, little-endian on every machine: CAP_DAC_OVERRIDE (1)
/// and CAP_NET_RAW (13) are permitted, and effective from the start.
/// include/uapi/linux/capability.h.
const FILE_CAPABILITIES: [u8; 20] = {
    let mut bytes = [0; 20];
    bytes[0] = 1; // VFS_CAP_FLAGS_EFFECTIVE
    bytes[3] = 2; // VFS_CAP_REVISION_2
    bytes[4] = 1 << 1;
    bytes[5] = 1 << (13 - 8);
    bytes
};

/// Every act of this area.
pub const ACTS: &[Act] = &[
    exec(
        "exec.execve",
        "execve(2), under a name of the caller's choice",
        &["nothing", "a b", "\u{e9}"],
        TOOL,
        &["another name", "hold", "nothing", "a b", "\u{e9}"],
    )
    .named("another\u{2026}")
    .program(TOOL, "another name")
    .cwd("/data"),
    exec(
        "exec.relative",
        "a relative path, without a fork",
        &["exec", "../usr/bin/tool", "relative", "hold", "nothing"],
        TOOL,
        &["relative", "hold", "nothing"],
    )
    .named("relative")
    .becoming()
    .cwd("/data"),
    exec(
        "exec.symlink",
        "a symbolic link: the path is the file's",
        &["nothing"],
        "/data/real",
        &["tool", "hold", "nothing"],
    )
    .named("tool")
    .after(&[
        Prepare::Trigger("/data/real"),
        Prepare::Symlink("real", "/data/symlink"),
    ])
    .program("/data/symlink", "tool"),
    exec(
        "exec.hard-link",
        "a hard link: the path is the one that was used",
        &["nothing"],
        "/data/hardlink",
        &["tool", "hold", "nothing"],
    )
    .named("tool")
    .after(&[Prepare::Trigger("/data/hardlink")])
    .program("/data/hardlink", "tool"),
    exec(
        "exec.proc-root",
        "through /proc/self/root",
        &["nothing"],
        TOOL,
        &["proc-root", "hold", "nothing"],
    )
    .named("proc-root")
    .program("/proc/self/root/usr/bin/tool", "proc-root"),
    exec(
        "exec.bind-mount",
        "a bind mount of a folder of the image",
        &["nothing"],
        "/bound/tool",
        &["bound", "hold", "nothing"],
    )
    .named("bound")
    .from("VOLUME")
    .inside(BOUND)
    .program("/bound/tool", "bound"),
    exec(
        "exec.chroot",
        "chroot(2) first: the path is the container's, not the new root's",
        &[
            "chroot-exec",
            "/usr",
            "/bin/tool",
            "tool",
            "hold",
            "nothing",
        ],
        TOOL,
        &["tool", "hold", "nothing"],
    )
    .inside(CHROOT)
    .root()
    .becoming()
    .fields(&[("process.cwd", Is::Text("/usr"))]),
    exec(
        "exec.execveat",
        "execveat(2) with a descriptor of the folder",
        &[
            "execveat", "/usr/bin", "tool", "execveat", "hold", "nothing",
        ],
        TOOL,
        &["execveat", "hold", "nothing"],
    )
    .named("execveat")
    .becoming(),
    exec(
        "exec.execveat.empty-path",
        "execveat(2) with AT_EMPTY_PATH and a descriptor of the program",
        &["execveat", TOOL, "", "empty", "hold", "nothing"],
        TOOL,
        &["empty", "hold", "nothing"],
    )
    .named("empty")
    .becoming(),
    exec(
        "exec.thread",
        "execve(2) by a thread that is not the first",
        &["exec-thread", TOOL, "thread", "hold", "nothing"],
        TOOL,
        &["thread", "hold", "nothing"],
    )
    .named("thread")
    .becoming(),
    exec(
        "exec.vfork",
        "posix_spawn(3): a child with the memory of its parent, which waits",
        &["child", TOOL, "vfork", "nothing"],
        TOOL,
        &["vfork", "nothing"],
    )
    .named("vfork")
    .by_child(),
    exec(
        "exec.script",
        "a script: the file and its interpreter",
        &["nothing"],
        TOOL,
        &[TOOL, "hold", "/data/job", "hold", "nothing"],
    )
    .after(&[Prepare::Script("#!/usr/bin/tool hold\n", "/data/job")])
    .program("/data/job", "job")
    .script("/data/job"),
    exec(
        "exec.script.chain",
        "a script whose interpreter is a script: the first and the program in the end",
        &["nothing"],
        TOOL,
        &[
            TOOL,
            "hold",
            "/data/inner",
            "/data/outer",
            "hold",
            "nothing",
        ],
    )
    .after(&[
        Prepare::Script("#!/data/inner\n", "/data/outer"),
        Prepare::Script("#!/usr/bin/tool hold\n", "/data/inner"),
    ])
    .program("/data/outer", "outer")
    .script("/data/outer"),
    exec(
        "exec.script-file.symlink",
        "a script by a symbolic link: its path is the file's",
        &["nothing"],
        TOOL,
        &[TOOL, "hold", "/data/script-link", "hold", "nothing"],
    )
    .row(Row::ProcessScript)
    .tiers(Tiers::A)
    .after(&[
        Prepare::Script("#!/usr/bin/tool hold\n", "/data/script-file"),
        Prepare::Symlink("script-file", "/data/script-link"),
    ])
    .program("/data/script-link", "job")
    .script("/data/script-file"),
    exec(
        "exec.script-file.relative",
        "a script by a relative path",
        &["nothing"],
        TOOL,
        &[TOOL, "hold", "../data/relative-job", "hold", "nothing"],
    )
    .row(Row::ProcessScript)
    .tiers(Tiers::A)
    .after(&[Prepare::Script(
        "#!/usr/bin/tool hold\n",
        "/data/relative-job",
    )])
    .program("../data/relative-job", "job")
    .cwd("/data")
    .script("/data/relative-job"),
    exec(
        "exec.set-user-id",
        "a set-user-id program: whose it is and as whom it acts",
        &["nothing"],
        "/data/set-user-id",
        &["tool", "hold", "nothing"],
    )
    .named("tool")
    .after(&[
        Prepare::Copy("/data/set-user-id"),
        Prepare::By(|puppet| {
            let path = puppet.root().join("data/set-user-id");
            Ok(fs::set_permissions(
                path,
                fs::Permissions::from_mode(0o4755),
            )?)
        }),
    ])
    .program("/data/set-user-id", "tool")
    .fields(&[
        ("process.uid", Is::Number(IDS.0 as i64)),
        ("process.gid", Is::Number(IDS.1 as i64)),
        ("process.effectiveUid", Is::Number(0)),
        ("process.effectiveGid", Is::Number(IDS.1 as i64)),
        (
            "process.capabilities",
            Is::Texts(&[
                "CAP_CHOWN",
                "CAP_DAC_OVERRIDE",
                "CAP_FOWNER",
                "CAP_FSETID",
                "CAP_KILL",
                "CAP_SETGID",
                "CAP_SETUID",
                "CAP_NET_BIND_SERVICE",
                "CAP_NET_RAW",
            ]),
        ),
    ]),
    exec(
        "exec.file-capabilities",
        "a program whose file has capabilities, run by an ordinary user: which it may use",
        &["nothing"],
        "/data/file-capabilities",
        &["tool", "hold", "nothing"],
    )
    .named("tool")
    .after(&[
        Prepare::Copy("/data/file-capabilities"),
        Prepare::By(|puppet| {
            let path = puppet.root().join("data/file-capabilities");
            rustix::fs::setxattr(
                path,
                "security.capability",
                &FILE_CAPABILITIES,
                rustix::fs::XattrFlags::empty(),
            )
            .context("cannot give a file capabilities")
        }),
    ])
    .program("/data/file-capabilities", "tool")
    .fields(&[
        ("process.effectiveUid", Is::Number(IDS.0 as i64)),
        ("process.effectiveGid", Is::Number(IDS.1 as i64)),
        (
            "process.capabilities",
            Is::Texts(&["CAP_DAC_OVERRIDE", "CAP_NET_RAW"]),
        ),
    ]),
    exec(
        "exec.tmpfs",
        "a program on a file system in memory",
        &["nothing"],
        "/scratch/program",
        &["tool", "hold", "nothing"],
    )
    .named("tool")
    .from("VOLUME")
    .after(&[Prepare::Copy("/scratch/program")])
    .program("/scratch/program", "tool"),
    exec(
        "exec.volume",
        "a program on a volume",
        &["nothing"],
        "/volume/program",
        &["tool", "hold", "nothing"],
    )
    .named("tool")
    .from("VOLUME")
    .inside(OVERLAY)
    .after(&[Prepare::Copy("/volume/program")])
    .program("/volume/program", "tool"),
    exec(
        "exec.upper-layer",
        "a program written after the container started: not from its image",
        &["nothing"],
        "/data/program",
        &["tool", "hold", "nothing"],
    )
    .named("tool")
    .from("UPPER_LAYER")
    .rule("exec.drift", "CRITICAL")
    .inside(OVERLAY)
    .after(&[Prepare::Copy("/data/program")])
    .program("/data/program", "tool"),
    exec(
        "exec.lower-layer",
        "a program of the image, below an overlay",
        &["nothing"],
        TOOL,
        &["lower", "hold", "nothing"],
    )
    .named("lower")
    .inside(OVERLAY)
    .program(TOOL, "lower"),
    exec(
        "exec.memfd",
        "a program in a memory file",
        &["exec-memfd", TRIGGER, "tool", "hold", "nothing"],
        "detached:/memfd:copy",
        &["tool", "hold", "nothing"],
    )
    .named("tool")
    .from("MEMFD")
    .rule("exec.fileless", "CRITICAL")
    .becoming(),
    exec(
        "exec.memfd.empty-path",
        "a program in a memory file, by execveat(2) with AT_EMPTY_PATH",
        &["execveat-memfd", TRIGGER, "shop", "hold", "nothing"],
        "detached:/memfd:copy",
        &["shop", "hold", "nothing"],
    )
    .named("shop")
    .from("MEMFD")
    .rule("exec.fileless", "CRITICAL")
    .becoming(),
    exec(
        "exec.unlinked",
        "a program whose file is removed while it is open",
        &["exec-unlinked", "/data/going", "tool", "hold", "nothing"],
        "/data/going",
        &["tool", "hold", "nothing"],
    )
    .named("tool")
    .from("UNLINKED")
    .rule("exec.fileless", "CRITICAL")
    .after(&[Prepare::Copy("/data/going")])
    .becoming()
    .also(&[Report::new(
        "file.unknown",
        "MEDIUM",
        "file",
        [
            ("file.operation", Is::Text("DELETE")),
            ("file.path", Is::Text("/data/going")),
        ],
    )]),
];
