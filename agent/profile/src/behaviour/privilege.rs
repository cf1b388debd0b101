//! What needs a privilege, or gives one.
//!
//! The detail is one text, and a part of the key: it holds what tells two such
//! acts apart for whoever approves of one, and nothing that is another in every
//! instance (no process id, no address).

use super::Origin;
use super::words;
use crate::text::{CUT, canonical};
use lapwing_abi::ids::Privileged as Wire;

/// Something done that needs a privilege, or gives one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Privilege {
    /// What is done.
    pub operation: Privileged,
    /// More of it, as [`detail`] says; may be empty.
    pub detail: String,
}

words! {
    /// An act that needs a privilege, or gives one.
    Privileged {
        /// Control over another process.
        Ptrace = "PTRACE",
        /// Memory of another process written, by process_vm_writev(2).
        ProcessVmWrite = "PROCESS_VM_WRITE",
        /// A file system mounted, or a mount changed.
        Mount = "MOUNT",
        /// A file system unmounted.
        Umount = "UMOUNT",
        /// The root mount exchanged.
        PivotRoot = "PIVOT_ROOT",
        /// A namespace entered.
        Setns = "SETNS",
        /// Namespaces made.
        Unshare = "UNSHARE",
        /// A kernel module loaded.
        Module = "MODULE",
        /// bpf(2) called.
        Bpf = "BPF",
        /// An io_uring made.
        IoUring = "IO_URING",
        /// A file mapped executable that is not from the image.
        ExecMapping = "EXEC_MAPPING",
        /// A capability used.
        Capability = "CAPABILITY",
        /// Memory of another process opened for writing.
        ProcMem = "PROC_MEM",
        /// The container left.
        Escape = "ESCAPE",
    }
}

impl From<Wire> for Privileged {
    fn from(operation: Wire) -> Self {
        match operation {
            Wire::Ptrace => Self::Ptrace,
            Wire::ProcessVmWrite => Self::ProcessVmWrite,
            Wire::Mount => Self::Mount,
            Wire::Umount => Self::Umount,
            Wire::PivotRoot => Self::PivotRoot,
            Wire::Setns => Self::Setns,
            Wire::Unshare => Self::Unshare,
            Wire::Module => Self::Module,
            Wire::Bpf => Self::Bpf,
            Wire::IoUring => Self::IoUring,
            Wire::ExecMapping => Self::ExecMapping,
            Wire::Capability => Self::Capability,
            Wire::ProcMem => Self::ProcMem,
            Wire::Escape => Self::Escape,
        }
    }
}

/// The detail of an act: from the number, the path and the name that the kernel side tells.
/// `path` is canonical text, `name` raw bytes.
#[must_use]
pub fn detail(operation: Wire, argument: u64, path: &str, name: &[u8]) -> String {
    let name = name.strip_suffix(b"\0").unwrap_or(name);
    match operation {
        Wire::Ptrace => access(argument),
        Wire::Mount => format!("{} at {path}", mount(argument, name)),
        Wire::Umount | Wire::PivotRoot => path.to_owned(),
        Wire::Setns | Wire::Unshare => namespaces(argument),
        Wire::Module => canonical(name),
        Wire::Bpf => numbered(BPF_COMMANDS, argument, "BPF_"),
        Wire::ExecMapping => {
            let origin = u8::try_from(argument)
                .ok()
                .and_then(lapwing_abi::ids::Origin::from_raw)
                .map_or(Origin::Unknown, Origin::from);
            format!("{} {path}", origin.word())
        }
        Wire::Capability => capability(argument),
        Wire::Escape => match argument {
            1 => "cgroup".to_owned(),
            2 => "namespace".to_owned(),
            3 => "root".to_owned(),
            other => other.to_string(),
        },
        // Whose memory it was is said by a process id, which is another one each time.
        Wire::ProcessVmWrite | Wire::ProcMem | Wire::IoUring => String::new(),
    }
}

/// The word at an index, or the prefix and the number.
fn numbered(words: &[&str], number: u64, prefix: &str) -> String {
    usize::try_from(number)
        .ok()
        .and_then(|index| words.get(index))
        .map_or_else(
            || format!("{prefix}{number}"),
            |word| format!("{prefix}{word}"),
        )
}

/// `PTRACE_MODE_*` of include/linux/ptrace.h: to read of a process, or to command it. Which
/// credentials the kernel compares with says nothing of the act.
fn access(mode: u64) -> String {
    match mode & 3 {
        1 => "READ".to_owned(),
        2 | 3 => "ATTACH".to_owned(),
        _ => String::new(),
    }
}

/// What `mount` does, in the order in which the kernel asks its flags (`path_mount` in
/// fs/namespace.c); the type where something new is mounted.
fn mount(flags: u64, kind: &[u8]) -> String {
    const REMOUNT: u64 = 1 << 5;
    const BIND: u64 = 1 << 12;
    const MOVE: u64 = 1 << 13;
    const PROPAGATION: &[(u64, &str)] = &[
        (1 << 17, "unbindable"),
        (1 << 18, "private"),
        (1 << 19, "slave"),
        (1 << 20, "shared"),
    ];
    if flags & REMOUNT != 0 {
        return "remount".to_owned();
    }
    if flags & BIND != 0 {
        return "bind".to_owned();
    }
    if let Some((_, word)) = PROPAGATION.iter().find(|(flag, _)| flags & flag != 0) {
        return (*word).to_owned();
    }
    if flags & MOVE != 0 {
        return "move".to_owned();
    }
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    match std::str::from_utf8(kind) {
        Ok("") => "mount".to_owned(),
        Ok(kind) if kind.bytes().all(|byte| word(&byte)) => kind.to_owned(),
        // The caller's words, and no type that a kernel has.
        Ok(_) | Err(_) => CUT.to_owned(),
    }
}

/// Kinds of namespaces, by their flags in clone(2), as in /proc/PID/ns.
const NAMESPACES: &[(u64, &str)] = &[
    (0x0200_0000, "cgroup"),
    (0x0800_0000, "ipc"),
    (0x0002_0000, "mnt"),
    (0x4000_0000, "net"),
    (0x2000_0000, "pid"),
    (0x0000_0080, "time"),
    (0x1000_0000, "user"),
    (0x0400_0000, "uts"),
];

fn namespaces(flags: u64) -> String {
    let words: Vec<&str> = NAMESPACES
        .iter()
        .filter(|(flag, _)| flags & flag != 0)
        .map(|(_, word)| *word)
        .collect();
    if words.is_empty() {
        "unknown".to_owned()
    } else {
        words.join(",")
    }
}

/// Commands of bpf(2) in order (include/uapi/linux/bpf.h, to Linux 6.18).
const BPF_COMMANDS: &[&str] = &[
    "MAP_CREATE",
    "MAP_LOOKUP_ELEM",
    "MAP_UPDATE_ELEM",
    "MAP_DELETE_ELEM",
    "MAP_GET_NEXT_KEY",
    "PROG_LOAD",
    "OBJ_PIN",
    "OBJ_GET",
    "PROG_ATTACH",
    "PROG_DETACH",
    "PROG_TEST_RUN",
    "PROG_GET_NEXT_ID",
    "MAP_GET_NEXT_ID",
    "PROG_GET_FD_BY_ID",
    "MAP_GET_FD_BY_ID",
    "OBJ_GET_INFO_BY_FD",
    "PROG_QUERY",
    "RAW_TRACEPOINT_OPEN",
    "BTF_LOAD",
    "BTF_GET_FD_BY_ID",
    "TASK_FD_QUERY",
    "MAP_LOOKUP_AND_DELETE_ELEM",
    "MAP_FREEZE",
    "BTF_GET_NEXT_ID",
    "MAP_LOOKUP_BATCH",
    "MAP_LOOKUP_AND_DELETE_BATCH",
    "MAP_UPDATE_BATCH",
    "MAP_DELETE_BATCH",
    "LINK_CREATE",
    "LINK_UPDATE",
    "LINK_GET_FD_BY_ID",
    "LINK_GET_NEXT_ID",
    "ENABLE_STATS",
    "ITER_CREATE",
    "LINK_DETACH",
    "PROG_BIND_MAP",
    "TOKEN_CREATE",
    "PROG_STREAM_READ_BY_FD",
];

/// Capabilities in order (include/uapi/linux/capability.h, to Linux 6.18).
const CAPABILITIES: &[&str] = &[
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The name of a capability; `CAP_` and the number where this version knows none.
#[must_use]
pub fn capability(number: u64) -> String {
    numbered(CAPABILITIES, number, "CAP_")
}

/// The names of a set of capabilities.
#[must_use]
pub fn capabilities(set: u64) -> Vec<String> {
    (0..64)
        .filter(|number| set & (1 << number) != 0)
        .map(capability)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_stable_words() {
        for (operation, argument, path, name, expected) in [
            (Wire::Ptrace, 2 | 16, "/", &b""[..], "ATTACH"),
            (Wire::Ptrace, 1 | 8, "/", b"", "READ"),
            (Wire::Mount, 0, "/x", b"tmpfs\0", "tmpfs at /x"),
            (Wire::Mount, 4096 | 16384, "/x", b"none", "bind at /x"),
            (Wire::Mount, 32 | 4096, "/x", b"", "remount at /x"),
            (Wire::Mount, 1 << 18 | 16384, "/", b"", "private at /"),
            (Wire::Mount, 0, "/x", b"a at /y", "\u{2026} at /x"),
            (Wire::Umount, 0, "/x", b"", "/x"),
            (Wire::Setns, 0, "/", b"", "unknown"),
            (Wire::Unshare, 0x1002_0000, "/", b"", "mnt,user"),
            (Wire::Module, 0, "/", b"evil\n\0", "evil\\x0a"),
            (Wire::Bpf, 5, "/", b"", "BPF_PROG_LOAD"),
            (Wire::Bpf, 999, "/", b"", "BPF_999"),
            (
                Wire::ExecMapping,
                2,
                "/tmp/x.so",
                b"",
                "UPPER_LAYER /tmp/x.so",
            ),
            (Wire::ExecMapping, 999, "/x", b"", "UNKNOWN /x"),
            (Wire::Capability, 21, "/", b"", "CAP_SYS_ADMIN"),
            (Wire::Capability, 41, "/", b"", "CAP_41"),
            (Wire::ProcMem, 0, "/proc/17/mem", b"", ""),
            (Wire::Escape, 1, "/", b"", "cgroup"),
        ] {
            assert_eq!(detail(operation, argument, path, name), expected);
        }
    }

    #[test]
    fn a_set_of_capabilities_is_their_names() {
        let set = 1 | 1 << 40 | 1 << 63;
        let names = ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE", "CAP_63"];
        assert_eq!(capabilities(set), names);
        assert!(capabilities(0).is_empty());
    }
}
