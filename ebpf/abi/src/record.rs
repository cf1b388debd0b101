//! Records: what travels in the two rings.
//!
//! A behaviour record is a [`Header`] and up to four sections of bytes, whose
//! lengths stand in the header. What a section holds depends on the kind:
//!
//! | kind | 0 | 1 | 2 | 3 |
//! |---|---|---|---|---|
//! | exec | path | file name as passed, or the script's path | arguments, NUL between | working directory |
//! | file | path or base directory | name as passed | second path or base | second name as passed |
//! | egress (AF_UNIX only) | path or base directory | name as passed | | |
//! | listen (AF_UNIX only) | path or base directory | name as passed | | |
//! | dns | the message | | | |
//! | privilege | path or base directory | name as passed | a name, as the operation says | |
//!
//! The name of an abstract socket stands in section 1 as it was passed, without
//! the NUL before it.
//!
//! Paths are *component lists*, last component first, each followed by a NUL:
//! the kernel walks from the leaf to the root and never has to move a byte.
//! [`crate::decode::path_from_components`] turns one round. A file that never had a
//! name (`O_TMPFILE`) has an empty one, so its path ends with a slash.

/// Number of sections a record may carry.
pub const SECTIONS: usize = 4;
/// Length of a path section from which on no further name is written: a longer path is cut at
/// the side of the root.
pub const PATH_MAX: usize = 4096;
/// Longest arguments section in bytes.
pub const ARGS_MAX: usize = 2048;
/// Longest name as passed by a caller, in bytes.
pub const NAME_MAX: usize = 1024;
/// Longest message of the name service, in bytes; a longer one is cut.
pub const PAYLOAD_MAX: usize = 1500;

/// Bits of [`Header::argument`] of a message of the name service: the own port below, the sequence
/// number of a stream above.
pub mod message {
    /// The stream begins with it (SYN).
    pub const BEGIN: u64 = 1 << 16;
    /// The stream ends with it (FIN or RST).
    pub const END: u64 = 1 << 17;
    /// It went over the loopback device of the container's network.
    pub const LOOPED: u64 = 1 << 18;
    /// Where the sequence number begins.
    pub const SEQUENCE_SHIFT: u32 = 32;
}

/// The fixed part of a behaviour record, as laid out in memory on both sides
/// (all little endian; the BPF target and the hosts share it).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// [`crate::ABI_VERSION`].
    pub abi: u8,
    /// The [`crate::hooks::Row`] that sends it; 0 of what user space found out by itself. It says
    /// nothing of the behaviour: what two hooks see of one is the same news.
    pub hook: u8,
    /// A [`crate::ids::Kind`].
    pub kind: u8,
    /// A [`crate::ids::Phase`].
    pub phase: u8,
    /// Bits of [`crate::ids::flags`].
    pub flags: u32,
    /// Time since boot, suspend included, in nanoseconds.
    pub time: u64,
    /// The container's cgroup, or the process's own where no container is known.
    pub cgroup: u64,
    /// Id of the image (one exec of one program) that acts; for an exec, the new one.
    pub exec: u64,
    /// Id of the image that issued `exec`; 0 when not known.
    pub issuer: u64,
    /// When the process started, time since boot in nanoseconds.
    pub start: u64,
    /// Process (thread group) id on the host.
    pub pid: u32,
    /// Thread id on the host.
    pub tid: u32,
    /// Process id inside the container.
    pub container_pid: u32,
    /// Process that forked this one.
    pub parent_pid: u32,
    /// User id, in the host's numbering.
    pub uid: u32,
    /// Group id, in the host's numbering.
    pub gid: u32,
    /// Effective user id, in the host's numbering: differs from `uid` in a set-user-id program.
    pub euid: u32,
    /// Effective group id.
    pub egid: u32,
    /// Effective capabilities, one bit each.
    pub capabilities: u64,
    /// Stands for everything that makes this behaviour the same as another one of the container:
    /// under it user space says what it found. 0 where nothing may be held back.
    pub key: u64,
    /// One number more, whose meaning the operation gives; for a listening or connecting socket of
    /// AF_VSOCK, its port.
    pub argument: u64,
    /// An [`crate::ids::Operation`] for files, [`crate::ids::Contact`] for egress,
    /// [`crate::ids::Direction`] for names, [`crate::ids::Privileged`] for privileges.
    pub operation: u8,
    /// An [`crate::ids::Origin`], for execs.
    pub origin: u8,
    /// A [`crate::ids::Mount`], for files. Of names as the caller passed them it is that of the
    /// directory they are relative to, see [`crate::decode`].
    pub mount: u8,
    /// IP protocol number, for sockets.
    pub protocol: u8,
    /// A [`crate::ids::Family`], for sockets.
    pub family: u8,
    /// For execs: not 0 if the image must stay known when its process has ended. In the map
    /// `IMAGES` that is noted once something refers to it.
    pub wanted: u8,
    /// Peer's port, for egress; own port, for listening. That of AF_VSOCK is in `argument`.
    pub port: u16,
    /// Peer's address in network order, IPv4 in the first four bytes; for listening, the own one;
    /// for AF_VSOCK the context id, little endian, in the first four bytes.
    pub address: [u8; 16],
    /// Lengths of the sections in bytes.
    pub sections: [u16; SECTIONS],
}

/// Size of [`Header`] on the wire, in bytes.
pub const HEADER_LEN: usize = size_of::<Header>();
const _: () = assert!(HEADER_LEN == 136);

/// A record on the lifecycle ring; words follow it, see [`crate::decode::CgroupRecord`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CgroupHeader {
    /// [`crate::ABI_VERSION`].
    pub abi: u8,
    /// A [`crate::ids::CgroupChange`].
    pub change: u8,
    /// Not used.
    pub reserved: u16,
    /// Length of the words in bytes.
    pub words_len: u32,
    /// Time since boot in nanoseconds.
    pub time: u64,
    /// Id of the cgroup.
    pub cgroup: u64,
    /// Id of its parent; 0 when not known.
    pub parent: u64,
}

/// Size of [`CgroupHeader`] on the wire, in bytes.
pub const CGROUP_HEADER_LEN: usize = size_of::<CgroupHeader>();
const _: () = assert!(CGROUP_HEADER_LEN == 32);
