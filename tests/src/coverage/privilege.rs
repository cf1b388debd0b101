//! Ways to use and to gain rights.
//!
//! One container serves many acts, and what was reported of it once is only
//! counted from then on: acts that look alike to whoever approves of one are done
//! in containers of their own.

use super::act::{Act, Is, OVERLAY, PLAIN, Prepare, Report, Shape, Tiers};
use lapwing_abi::hooks::Row;
use serde_json::json;
use std::fs;

/// A container that may do what only few may.
const PRIVILEGED: Shape = Shape {
    name: "privileged",
    spec: |spec| {
        ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE"]
            .into_iter()
            .fold(spec, crate::container::Spec::capability)
    },
};
/// The same, with a module to load.
const MODULE: Shape = Shape {
    name: "module",
    spec: |spec| spec.capability("CAP_SYS_MODULE"),
};
/// A container with the host's root directory inside, and the rights to go there.
const HOSTED: Shape = Shape {
    name: "hosted",
    spec: |spec| {
        (PRIVILEGED.spec)(spec).mount(json!({
            "destination": "/host", "type": "bind", "source": "/", "options": ["rbind"],
        }))
    },
};
/// Plain ones, for acts that look like others.
const SECOND: Shape = Shape {
    name: "second",
    spec: PLAIN.spec,
};
const THIRD: Shape = Shape {
    name: "third",
    spec: PLAIN.spec,
};
const CAPABLE: Shape = Shape {
    name: "capable",
    spec: PLAIN.spec,
};

/// What is reported of an operation.
const fn report(
    rule: &'static str,
    severity: &'static str,
    operation: &'static str,
    detail: &'static str,
) -> Report {
    Report::new(
        rule,
        severity,
        "privilege",
        [
            ("privilege.operation", Is::Text(operation)),
            ("privilege.detail", Is::Text(detail)),
        ],
    )
}

const fn ptrace(detail: &'static str) -> Report {
    report("privilege.ptrace", "HIGH", "PTRACE", detail)
}

const fn mount(operation: &'static str, detail: &'static str) -> Report {
    report("privilege.mount", "HIGH", operation, detail)
}

const fn namespace(operation: &'static str, detail: &'static str) -> Report {
    report("privilege.namespace", "HIGH", operation, detail)
}

const fn mapping(detail: &'static str) -> Report {
    report("privilege.exec_mapping", "HIGH", "EXEC_MAPPING", detail)
}

const fn escape(detail: &'static str) -> Report {
    report("privilege.escape", "CRITICAL", "ESCAPE", detail)
}

/// An act in the privileged container, as root.
const fn privileged(
    id: &'static str,
    row: Row,
    what: &'static str,
    words: &'static [&'static str],
    report: Report,
) -> Act {
    Act::new(id, row, Tiers::ALL, what, words, report)
        .root()
        .inside(PRIVILEGED)
}

/// An act of an ordinary user in the plain container.
const fn plain(
    id: &'static str,
    row: Row,
    what: &'static str,
    words: &'static [&'static str],
    report: Report,
) -> Act {
    Act::new(id, row, Tiers::ALL, what, words, report)
}

/// A container of its own, in which nobody was traced before.
const MEMORY: Shape = Shape {
    name: "memory",
    spec: |spec| spec,
};
/// A container of its own: acts on files and peers make rings too, and only the first of a
/// container is news.
const RINGS: Shape = Shape {
    name: "rings",
    spec: |spec| spec,
};

/// Every act of this area.
pub const ACTS: &[Act] = &[
    plain(
        "privilege.ptrace.attach",
        Row::PrivilegePtrace,
        "ptrace(2) of a child, PTRACE_ATTACH",
        &["ptrace-attach"],
        ptrace("ATTACH"),
    ),
    plain(
        "privilege.ptrace.seize",
        Row::PrivilegePtrace,
        "ptrace(2) of a child, PTRACE_SEIZE",
        &["ptrace-seize"],
        ptrace("ATTACH"),
    )
    .inside(SECOND),
    plain(
        "privilege.ptrace.traceme",
        Row::PrivilegeTraceme,
        "ptrace(2), PTRACE_TRACEME",
        &["ptrace-traceme"],
        ptrace("ATTACH"),
    )
    .inside(CAPABLE),
    plain(
        "privilege.process-vm-writev",
        Row::PrivilegeProcessVmWrite,
        "process_vm_writev(2) to a child",
        &["process-vm-writev"],
        report("privilege.ptrace", "HIGH", "PROCESS_VM_WRITE", ""),
    )
    .inside(THIRD)
    // The kernel asks as for ptrace whether that may be.
    .also_on(&[(Tiers::A, &[ptrace("ATTACH")])]),
    privileged(
        "privilege.mount",
        Row::PrivilegeMount,
        "mount(2) of a new file system",
        &["mount", "tmpfs", "/scratch/mount"],
        mount("MOUNT", "tmpfs at /scratch/mount"),
    )
    .after(&[Prepare::Folder("/scratch/mount")]),
    privileged(
        "privilege.mount.bind",
        Row::PrivilegeMount,
        "mount(2) of a folder at a second place",
        &["bind", "/data", "/scratch/bind"],
        mount("MOUNT", "bind at /scratch/bind"),
    )
    .after(&[Prepare::Folder("/scratch/bind")]),
    privileged(
        "privilege.mount.propagation",
        Row::PrivilegeMount,
        "mount(2) that changes how mounts spread",
        &["mount-private", "/scratch"],
        mount("MOUNT", "private at /scratch"),
    ),
    privileged(
        "privilege.move-mount",
        Row::PrivilegeMoveMount,
        "fsopen(2), fsmount(2) and move_mount(2)",
        &["fsmount", "tmpfs", "/scratch/fsmount"],
        mount("MOUNT", "tmpfs at /scratch/fsmount"),
    )
    .after(&[Prepare::Folder("/scratch/fsmount")]),
    privileged(
        "privilege.umount",
        Row::PrivilegeUmount,
        "umount2(2)",
        &["umount", "tmpfs", "/scratch/umount"],
        mount("UMOUNT", "/scratch/umount"),
    )
    .after(&[Prepare::Folder("/scratch/umount")])
    .also(&[mount("MOUNT", "tmpfs at /scratch/umount")]),
    privileged(
        "privilege.pivot-root",
        Row::PrivilegePivotRoot,
        "pivot_root(2) in a mount namespace of its own",
        &["pivot-root", "/scratch/pivot"],
        mount("PIVOT_ROOT", "/scratch/pivot"),
    )
    .after(&[Prepare::Folder("/scratch/pivot")])
    .also(&[
        namespace("UNSHARE", "mnt"),
        mount("MOUNT", "tmpfs at /scratch/pivot"),
    ])
    .fields(&[("process.cwd", Is::Text("/"))]),
    privileged(
        "privilege.setns",
        Row::PrivilegeSetns,
        "setns(2) by a file of /proc/PID/ns",
        // CLONE_NEWUTS
        &["setns", "uts", "67108864"],
        namespace("SETNS", "uts"),
    )
    .also(&[namespace("UNSHARE", "uts")]),
    privileged(
        "privilege.setns.pidfd",
        Row::PrivilegeSetns,
        "setns(2) by a process, several namespaces at once",
        // CLONE_NEWUTS and CLONE_NEWIPC
        &["setns-pidfd", "201326592"],
        namespace("SETNS", "ipc,uts"),
    )
    .also(&[namespace("UNSHARE", "ipc,uts")]),
    privileged(
        "privilege.setns.user",
        Row::PrivilegeSetnsUser,
        "setns(2) to a user namespace",
        &["setns-user"],
        namespace("SETNS", "user"),
    )
    .also(&[namespace("UNSHARE", "user")]),
    privileged(
        "privilege.unshare",
        Row::PrivilegeUnshare,
        "unshare(2)",
        // CLONE_NEWIPC and CLONE_NEWNET
        &["unshare", "1207959552"],
        namespace("UNSHARE", "ipc,net"),
    ),
    privileged(
        "privilege.clone",
        Row::PrivilegeClone,
        "clone(2) with namespaces for the child",
        // CLONE_NEWCGROUP and CLONE_NEWPID
        &["clone", "570425344"],
        namespace("UNSHARE", "cgroup,pid"),
    )
    .tiers(Tiers::BASE),
    privileged(
        "privilege.escape.chroot",
        Row::PrivilegeChroot,
        "chroot(2) to the host's root directory",
        &["chroot", "/host"],
        escape("root"),
    )
    .inside(HOSTED),
    privileged(
        "privilege.escape.setns",
        Row::PrivilegeSetns,
        "setns(2) to the host's mount namespace",
        &["setns-host", "/host/proc"],
        namespace("SETNS", "mnt"),
    )
    .inside(HOSTED)
    .also(&[escape("namespace")]),
    privileged(
        "privilege.module",
        Row::PrivilegeModule,
        "finit_module(2)",
        &["load-module", "/data/dummy.ko", "dummy"],
        report("privilege.module", "CRITICAL", "MODULE", "dummy"),
    )
    .tiers(Tiers::BASE)
    .inside(MODULE)
    .after(&[Prepare::By(|puppet| {
        // Where there is none the act says so.
        if let Ok(module) = fs::read("/lib/lapwing/dummy.ko") {
            fs::write(puppet.root().join("data/dummy.ko"), module)?;
        }
        Ok(())
    })]),
    privileged(
        "privilege.bpf",
        Row::PrivilegeBpf,
        "bpf(2)",
        &["bpf"],
        report("privilege.bpf", "HIGH", "BPF", "BPF_PROG_GET_NEXT_ID"),
    ),
    // An open for writing, of which the name says whose memory it is.
    plain(
        "privilege.proc-mem",
        Row::FileOpen,
        "another process's memory opened for writing, by /proc/PID/mem",
        &["open-write", "/proc/1/mem"],
        report("privilege.ptrace", "HIGH", "PROC_MEM", ""),
    )
    .inside(MEMORY)
    .root()
    .also_on(&[(Tiers::A, &[ptrace("ATTACH")])]),
    plain(
        "privilege.io-uring",
        Row::PrivilegeIoUring,
        "io_uring_setup(2)",
        &["io-uring"],
        report("privilege.io_uring", "MEDIUM", "IO_URING", ""),
    )
    .tiers(Tiers::BASE)
    .inside(RINGS),
    plain(
        "privilege.mmap.tmpfs",
        Row::PrivilegeMmap,
        "code mapped from a file in memory: dlopen(3), or ld.so with a program",
        &["map", "/scratch/library"],
        mapping("VOLUME /scratch/library"),
    )
    .after(&[Prepare::Copy("/scratch/library")]),
    plain(
        "privilege.mmap.implied",
        Row::PrivilegeMmap,
        "code mapped to be read only, by a program to which that is the same",
        &["map-implied", "/scratch/implied"],
        mapping("VOLUME /scratch/implied"),
    )
    .after(&[Prepare::Copy("/scratch/implied")]),
    plain(
        "privilege.mmap.memfd",
        Row::PrivilegeMmap,
        "code mapped from a memory file",
        &["map-memfd", "/bin/busybox"],
        mapping("MEMFD detached:/memfd:copy"),
    ),
    plain(
        "privilege.mmap.unlinked",
        Row::PrivilegeMmap,
        "code mapped from a file that has no name any more",
        &["map-unlinked", "/data/library"],
        mapping("UNLINKED /data/library"),
    )
    .after(&[Prepare::Copy("/data/library")])
    .also(&[Report::new(
        "file.unknown",
        "MEDIUM",
        "file",
        [
            ("file.operation", Is::Text("DELETE")),
            ("file.path", Is::Text("/data/library")),
        ],
    )]),
    plain(
        "privilege.mmap.upper-layer",
        Row::PrivilegeMmap,
        "code mapped from a file that was written after the container started",
        &["map", "/data/library"],
        mapping("UPPER_LAYER /data/library"),
    )
    .after(&[Prepare::Copy("/data/library")])
    .inside(OVERLAY),
    plain(
        "privilege.mmap.volume",
        Row::PrivilegeMmap,
        "code mapped from a volume",
        &["map", "/volume/library"],
        mapping("VOLUME /volume/library"),
    )
    .after(&[Prepare::Copy("/volume/library")])
    .inside(OVERLAY),
    plain(
        "privilege.mprotect",
        Row::PrivilegeMprotect,
        "mprotect(2) of a mapped file",
        &["protect", "/scratch/protected"],
        mapping("VOLUME /scratch/protected"),
    )
    .tiers(Tiers::A)
    .after(&[Prepare::Copy("/scratch/protected")]),
    plain(
        "privilege.mprotect.upper-layer",
        Row::PrivilegeMprotect,
        "mprotect(2) of a mapped file that was written after the container started",
        &["protect", "/data/protected"],
        mapping("UPPER_LAYER /data/protected"),
    )
    .tiers(Tiers::A)
    .after(&[Prepare::Copy("/data/protected")])
    .inside(OVERLAY),
    privileged(
        "privilege.capability",
        Row::PrivilegeCapability,
        "a capability used for the first time: a port below 1024",
        &["bind-port", "80"],
        report(
            "privilege.capability",
            "MEDIUM",
            "CAPABILITY",
            "CAP_NET_BIND_SERVICE",
        ),
    )
    .tiers(Tiers::A)
    .inside(CAPABLE),
];
