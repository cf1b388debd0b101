//! Reading records: checked, without `unsafe`, and never by guess.

extern crate alloc;
use crate::ABI_VERSION;
use crate::hooks::Row;
use crate::ids::{
    CgroupChange, Contact, Direction, Family, Kind, Mount, Operation, Origin, Phase, Privileged,
    flags,
};
use crate::record::{HEADER_LEN, Header, SECTIONS, message};
use alloc::vec::Vec;

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Fewer bytes than the header or the sections need.
    Short,
    /// More bytes than the sections need.
    Long,
    /// Written by an object of another version.
    Abi(u8),
    /// Not a [`Row`].
    Hook(u8),
    /// Not a [`Kind`] or [`CgroupChange`].
    Kind(u8),
    /// Not a [`Phase`].
    Phase(u8),
    /// Not an [`Operation`].
    Operation(u8),
    /// Not an [`Origin`].
    Origin(u8),
    /// Not a [`Mount`].
    Mount(u8),
    /// Not a [`Family`], or none that this kind of record can have.
    Family(u8),
    /// Not a [`Contact`].
    Contact(u8),
    /// Not a [`Direction`].
    Direction(u8),
    /// Not a [`Privileged`] operation.
    Privileged(u8),
}

impl DecodeError {
    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Long => "long",
            Self::Abi(_) => "abi",
            Self::Hook(_) => "hook",
            Self::Kind(_) => "kind",
            Self::Phase(_) => "phase",
            Self::Operation(_) => "operation",
            Self::Origin(_) => "origin",
            Self::Mount(_) => "mount",
            Self::Family(_) => "family",
            Self::Contact(_) => "contact",
            Self::Direction(_) => "direction",
            Self::Privileged(_) => "privileged",
        }
    }
}

/// A behaviour record, read and checked.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The fixed part.
    pub header: Header,
    /// Which phase the process is in.
    pub phase: Phase,
    /// What it reports.
    pub body: Body<'a>,
}

/// What a record reports.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// A program was executed.
    Exec {
        /// Component list of the executed file.
        path: &'a [u8],
        /// File name as passed to the kernel.
        filename: &'a [u8],
        /// Arguments, each ended by NUL.
        args: &'a [u8],
        /// Component list of the working directory.
        cwd: &'a [u8],
        /// Where the file comes from.
        origin: Origin,
    },
    /// A file was changed.
    File {
        /// What was done.
        operation: Operation,
        /// What the file lies on.
        mount: Mount,
        /// The file.
        path: Location<'a>,
        /// The second file, of a rename or a link; what a symbolic link says; the name of an
        /// extended attribute.
        target: Location<'a>,
    },
    /// A peer was addressed, or a socket made.
    Egress {
        /// Which of the two.
        contact: Contact,
        /// IP protocol number.
        protocol: u8,
        /// The peer; of a socket that was only made, its family.
        peer: Peer<'a>,
    },
    /// A socket waits for connections.
    Listen {
        /// IP protocol number.
        protocol: u8,
        /// Where.
        at: Peer<'a>,
    },
    /// A message of the name service.
    Dns {
        /// Which way it went.
        direction: Direction,
        /// IP protocol number: 17, a datagram; 6, a piece of a stream.
        protocol: u8,
        /// The server.
        address: core::net::IpAddr,
        /// Its port.
        port: u16,
        /// The container's own port.
        local_port: u16,
        /// Sequence number of the first byte, of a piece of a stream.
        sequence: u32,
        /// Whether the stream begins here.
        begins: bool,
        /// Whether it ends here.
        ends: bool,
        /// Whether it went over the loopback device of the container's network.
        looped: bool,
        /// The message, or as much of it as fits ([`flags::PAYLOAD_TRUNCATED`]).
        payload: &'a [u8],
    },
    /// Something that needs a privilege, or gives one.
    Privilege {
        /// What was done.
        operation: Privileged,
        /// A number more, see [`Privileged`].
        argument: u64,
        /// The file it was done to.
        path: Location<'a>,
        /// A name, see [`Privileged`].
        name: &'a [u8],
    },
}

/// One end of a socket.
#[derive(Clone, Copy, Debug)]
pub enum Peer<'a> {
    /// TCP, UDP and all others above IP. The port is 0 where the protocol has none.
    Ip(core::net::IpAddr, u16),
    /// A socket of the file system.
    Unix(Location<'a>),
    /// A socket that has a name, and no place in the file system.
    Abstract(&'a [u8]),
    /// Another virtual machine, or the host: context id and port.
    Vsock(u32, u32),
    /// Frames of a network device: no peer is known.
    Packet,
    /// Frames of a network device, by `AF_XDP`: no peer is known.
    Xdp,
}

impl<'a> Peer<'a> {
    fn of(header: &Header, path: Location<'a>) -> Result<Self, DecodeError> {
        let family = Family::from_raw(header.family).ok_or(DecodeError::Family(header.family))?;
        let [a, b, c, d, ..] = header.address;
        Ok(match family {
            Family::Unix if header.flags & flags::ABSTRACT != 0 => Self::Abstract(path.passed),
            Family::Unix => Self::Unix(path),
            Family::Ipv4 => Self::Ip(core::net::Ipv4Addr::new(a, b, c, d).into(), header.port),
            Family::Ipv6 => Self::Ip(
                core::net::Ipv6Addr::from(header.address).to_canonical(),
                header.port,
            ),
            Family::Vsock => Self::Vsock(u32::from_le_bytes([a, b, c, d]), header.argument as u32),
            Family::Packet => Self::Packet,
            Family::Xdp => Self::Xdp,
        })
    }
}

/// A file as the kernel names it: a component list, and for hooks that see only
/// the caller's words, those words, relative to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Location<'a> {
    /// Component list, last component first.
    pub components: &'a [u8],
    /// What the caller passed; empty where `components` says it all.
    pub passed: &'a [u8],
}

impl Location<'_> {
    /// The absolute path in the container, without `.` and `..`.
    #[must_use]
    pub fn path(&self) -> Vec<u8> {
        let base = path_from_components(self.components);
        if self.passed.is_empty() {
            base
        } else {
            join(&base, self.passed)
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(DecodeError::Short)?;
        self.0 = tail;
        Ok(head)
    }
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::Short)
    }
    fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_le_bytes(self.bytes()?))
    }
    fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_le_bytes(self.bytes()?))
    }
    fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }
    fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }
}

impl<'a> Record<'a> {
    /// The hook that sent it; none of what user space found out by itself.
    #[must_use]
    pub const fn hook(&self) -> Option<Row> {
        Row::from_raw(self.header.hook)
    }

    /// Reads a record behind which other bytes stand: one of the map `IMAGES`.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_first(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut sections = Reader(bytes.get(..HEADER_LEN).ok_or(DecodeError::Short)?);
        sections.take(HEADER_LEN - SECTIONS * size_of::<u16>())?;
        let mut len = HEADER_LEN;
        for _ in 0..SECTIONS {
            len += usize::from(sections.u16()?);
        }
        Self::decode(bytes.get(..len).ok_or(DecodeError::Short)?)
    }

    /// Reads one record from the behaviour ring.
    ///
    /// # Errors
    /// Says what does not fit; nothing is ever guessed.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let abi = reader.u8()?;
        if abi != ABI_VERSION {
            return Err(DecodeError::Abi(abi));
        }
        let header = Header {
            abi,
            hook: reader.u8()?,
            kind: reader.u8()?,
            phase: reader.u8()?,
            flags: reader.u32()?,
            time: reader.u64()?,
            cgroup: reader.u64()?,
            exec: reader.u64()?,
            issuer: reader.u64()?,
            start: reader.u64()?,
            pid: reader.u32()?,
            tid: reader.u32()?,
            container_pid: reader.u32()?,
            parent_pid: reader.u32()?,
            uid: reader.u32()?,
            gid: reader.u32()?,
            euid: reader.u32()?,
            egid: reader.u32()?,
            capabilities: reader.u64()?,
            key: reader.u64()?,
            argument: reader.u64()?,
            operation: reader.u8()?,
            origin: reader.u8()?,
            mount: reader.u8()?,
            protocol: reader.u8()?,
            family: reader.u8()?,
            wanted: reader.u8()?,
            port: reader.u16()?,
            address: reader.bytes()?,
            sections: [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?],
        };
        let mut sections = [&bytes[..0]; SECTIONS];
        for (section, len) in sections.iter_mut().zip(header.sections) {
            *section = reader.take(usize::from(len))?;
        }
        if !reader.0.is_empty() {
            return Err(DecodeError::Long);
        }
        if header.hook != 0 && Row::from_raw(header.hook).is_none() {
            return Err(DecodeError::Hook(header.hook));
        }
        let kind = Kind::from_raw(header.kind).ok_or(DecodeError::Kind(header.kind))?;
        let phase = Phase::from_raw(header.phase).ok_or(DecodeError::Phase(header.phase))?;
        let path = Location {
            components: sections[0],
            passed: sections[1],
        };
        let body = match kind {
            Kind::Exec => Body::Exec {
                path: sections[0],
                filename: sections[1],
                args: sections[2],
                cwd: sections[3],
                origin: Origin::from_raw(header.origin)
                    .ok_or(DecodeError::Origin(header.origin))?,
            },
            Kind::File => Body::File {
                operation: Operation::from_raw(header.operation)
                    .ok_or(DecodeError::Operation(header.operation))?,
                mount: Mount::from_raw(header.mount)
                    .map(|mount| {
                        if leads_elsewhere(&header, path) {
                            Mount::Unknown
                        } else {
                            mount
                        }
                    })
                    .ok_or(DecodeError::Mount(header.mount))?,
                path,
                target: Location {
                    components: sections[2],
                    passed: sections[3],
                },
            },
            Kind::Egress => Body::Egress {
                contact: Contact::from_raw(header.operation)
                    .ok_or(DecodeError::Contact(header.operation))?,
                protocol: header.protocol,
                peer: Peer::of(&header, path)?,
            },
            Kind::Listen => Body::Listen {
                protocol: header.protocol,
                at: Peer::of(&header, path)?,
            },
            Kind::Dns => {
                let Peer::Ip(address, port) = Peer::of(&header, path)? else {
                    return Err(DecodeError::Family(header.family));
                };
                Body::Dns {
                    direction: Direction::from_raw(header.operation)
                        .ok_or(DecodeError::Direction(header.operation))?,
                    protocol: header.protocol,
                    address,
                    port,
                    local_port: header.argument as u16,
                    sequence: (header.argument >> message::SEQUENCE_SHIFT) as u32,
                    begins: header.argument & message::BEGIN != 0,
                    ends: header.argument & message::END != 0,
                    looped: header.argument & message::LOOPED != 0,
                    payload: sections[0],
                }
            }
            Kind::Privilege => Body::Privilege {
                operation: Privileged::from_raw(header.operation)
                    .ok_or(DecodeError::Privileged(header.operation))?,
                argument: header.argument,
                path,
                name: sections[2],
            },
        };
        Ok(Self {
            header,
            phase,
            body,
        })
    }
}

/// Whether a name that the caller passed may lie on another mount than the directory it is
/// relative to: it has more than one part.
fn leads_elsewhere(header: &Header, path: Location<'_>) -> bool {
    header.flags & flags::PATH_FROM_USER != 0 && path.passed.contains(&b'/')
}

/// A cgroup that came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CgroupRecord<'a> {
    /// What happened.
    pub change: CgroupChange,
    /// Time since boot in nanoseconds.
    pub time: u64,
    /// Id of the cgroup.
    pub cgroup: u64,
    /// Id of its parent; 0 when not known.
    pub parent: u64,
    /// Its path below the root of its hierarchy; where a runtime moved a process in, the
    /// runtime's arguments, each ended by NUL.
    pub words: &'a [u8],
}

impl<'a> CgroupRecord<'a> {
    /// Reads one record from the lifecycle ring.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let abi = reader.u8()?;
        if abi != ABI_VERSION {
            return Err(DecodeError::Abi(abi));
        }
        let change = reader.u8()?;
        let _reserved = reader.u16()?;
        let words_len = reader.u32()? as usize;
        let record = Self {
            change: CgroupChange::from_raw(change).ok_or(DecodeError::Kind(change))?,
            time: reader.u64()?,
            cgroup: reader.u64()?,
            parent: reader.u64()?,
            words: reader.take(words_len)?,
        };
        if reader.0.is_empty() {
            Ok(record)
        } else {
            Err(DecodeError::Long)
        }
    }
}

/// Turns a component list round: `c\0b\0a\0` becomes `/a/b/c`.
#[must_use]
pub fn path_from_components(components: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(components.len() + 1);
    let list = components.strip_suffix(b"\0").unwrap_or(components);
    if list.is_empty() {
        path.push(b'/');
        return path;
    }
    for component in list.rsplit(|&byte| byte == 0) {
        path.push(b'/');
        path.extend_from_slice(component);
    }
    path
}

/// Joins `passed` to the directory `base` and resolves `.` and `..` by their
/// letters alone: links are not followed, which is why such a path is marked
/// [`crate::ids::flags::PATH_FROM_USER`].
#[must_use]
pub fn join(base: &[u8], passed: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    let base = if passed.starts_with(b"/") {
        &[][..]
    } else {
        base
    };
    for part in base
        .split(|&b| b == b'/')
        .chain(passed.split(|&b| b == b'/'))
    {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    let mut path = Vec::new();
    for part in &parts {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    if parts.is_empty() {
        path.push(b'/');
    }
    path
}

#[cfg(test)]
mod tests;
