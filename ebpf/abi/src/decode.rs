//! Reading records: checked, without `unsafe`, and never by guess.

extern crate alloc;
use crate::ABI_VERSION;
use crate::ids::{CgroupChange, Kind, Mount, Operation, Origin, Phase};
use crate::record::{Header, SECTIONS};
use alloc::vec::Vec;

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Fewer bytes than the header or the sections need.
    Short,
    /// More bytes than the sections need.
    Long,
    /// Written by an object of another version.
    Abi(u16),
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
    /// Not an address family.
    Family(u8),
}

impl DecodeError {
    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Long => "long",
            Self::Abi(_) => "abi",
            Self::Kind(_) => "kind",
            Self::Phase(_) => "phase",
            Self::Operation(_) => "operation",
            Self::Origin(_) => "origin",
            Self::Mount(_) => "mount",
            Self::Family(_) => "family",
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
        /// The second file, of a rename.
        target: Location<'a>,
    },
    /// A peer was addressed.
    Egress {
        /// IP protocol number.
        protocol: u8,
        /// The peer.
        address: core::net::IpAddr,
        /// The peer's port.
        port: u16,
    },
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
    /// Reads one record from the behaviour ring.
    ///
    /// # Errors
    /// Says what does not fit; nothing is ever guessed.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let abi = reader.u16()?;
        if abi != ABI_VERSION {
            return Err(DecodeError::Abi(abi));
        }
        let header = Header {
            abi,
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
            operation: reader.u8()?,
            origin: reader.u8()?,
            mount: reader.u8()?,
            protocol: reader.u8()?,
            family: reader.u8()?,
            reserved: reader.u8()?,
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
        let kind = Kind::from_raw(header.kind).ok_or(DecodeError::Kind(header.kind))?;
        let phase = Phase::from_raw(header.phase).ok_or(DecodeError::Phase(header.phase))?;
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
                mount: Mount::from_raw(header.mount).ok_or(DecodeError::Mount(header.mount))?,
                path: Location {
                    components: sections[0],
                    passed: sections[1],
                },
                target: Location {
                    components: sections[2],
                    passed: sections[3],
                },
            },
            Kind::Egress => Body::Egress {
                protocol: header.protocol,
                address: match header.family {
                    4 => {
                        let [a, b, c, d, ..] = header.address;
                        core::net::Ipv4Addr::new(a, b, c, d).into()
                    }
                    6 => core::net::Ipv6Addr::from(header.address).to_canonical(),
                    other => return Err(DecodeError::Family(other)),
                },
                port: header.port,
            },
        };
        Ok(Self {
            header,
            phase,
            body,
        })
    }
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
    /// Path below the root of its hierarchy.
    pub path: &'a [u8],
}

impl<'a> CgroupRecord<'a> {
    /// Reads one record from the lifecycle ring.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let abi = reader.u16()?;
        if abi != ABI_VERSION {
            return Err(DecodeError::Abi(abi));
        }
        let change = reader.u8()?;
        let _reserved = reader.u8()?;
        let path_len = reader.u32()? as usize;
        let record = Self {
            change: CgroupChange::from_raw(change).ok_or(DecodeError::Kind(change))?,
            time: reader.u64()?,
            cgroup: reader.u64()?,
            parent: reader.u64()?,
            path: reader.take(path_len)?,
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
mod tests {
    use super::*;
    use alloc::vec;

    fn record(header: &Header, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![];
        out.extend(header.abi.to_le_bytes());
        out.extend([header.kind, header.phase]);
        out.extend(header.flags.to_le_bytes());
        for word in [
            header.time,
            header.cgroup,
            header.exec,
            header.issuer,
            header.start,
        ] {
            out.extend(word.to_le_bytes());
        }
        for word in [
            header.pid,
            header.tid,
            header.container_pid,
            header.parent_pid,
            header.uid,
            header.gid,
        ] {
            out.extend(word.to_le_bytes());
        }
        out.extend([
            header.operation,
            header.origin,
            header.mount,
            header.protocol,
        ]);
        out.extend([header.family, header.reserved]);
        out.extend(header.port.to_le_bytes());
        out.extend(header.address);
        for len in header.sections {
            out.extend(len.to_le_bytes());
        }
        assert_eq!(out.len(), crate::record::HEADER_LEN);
        out.extend(payload);
        out
    }

    fn header(kind: Kind) -> Header {
        Header {
            abi: ABI_VERSION,
            kind: kind.raw(),
            ..Header::default()
        }
    }

    #[test]
    fn an_exec_comes_back_with_every_section() {
        let header = Header {
            origin: 1,
            phase: 2,
            pid: 7,
            sections: [8, 2, 5, 4],
            ..header(Kind::Exec)
        };
        let bytes = record(&header, b"sh\0bin\0\0shsh\0-c\0tm\0");
        // Lengths: "sh\0bin\0\0" is 8, "sh" 2, "sh\0-c" 5, "\0tm\0" 4.
        let decoded = Record::decode(&bytes).expect("a whole record");
        assert_eq!(decoded.header, header);
        assert_eq!(decoded.phase, Phase::Main);
        let Body::Exec {
            filename,
            args,
            cwd,
            origin,
            ..
        } = decoded.body
        else {
            panic!("an exec")
        };
        assert_eq!(
            (filename, args, cwd),
            (&b"sh"[..], &b"sh\0-c"[..], &b"\0tm\0"[..])
        );
        assert_eq!(origin, Origin::Image);
    }

    #[test]
    fn mapped_addresses_are_the_addresses_they_stand_for() {
        let mut header = Header {
            family: 6,
            port: 443,
            protocol: 6,
            ..header(Kind::Egress)
        };
        header.address[10..].copy_from_slice(&[0xff, 0xff, 10, 0, 0, 1]);
        let bytes = record(&header, b"");
        let Body::Egress { address, port, .. } = Record::decode(&bytes).expect("whole").body else {
            panic!("egress")
        };
        assert_eq!(
            (address, port),
            (core::net::Ipv4Addr::new(10, 0, 0, 1).into(), 443)
        );
    }

    #[test]
    fn what_is_cut_or_unknown_is_an_error_that_says_so() {
        let good = Header {
            origin: 1,
            sections: [2, 0, 0, 0],
            ..header(Kind::Exec)
        };
        let cases = [
            (good, &b"a"[..], DecodeError::Short),
            (good, b"a\0b", DecodeError::Long),
            (Header { abi: 9, ..good }, b"a\0", DecodeError::Abi(9)),
            (Header { kind: 77, ..good }, b"a\0", DecodeError::Kind(77)),
            (Header { phase: 99, ..good }, b"a\0", DecodeError::Phase(99)),
            (
                Header {
                    origin: 200,
                    ..good
                },
                b"a\0",
                DecodeError::Origin(200),
            ),
            (
                Header {
                    kind: 2,
                    operation: 0,
                    ..good
                },
                b"a\0",
                DecodeError::Operation(0),
            ),
            (
                Header {
                    kind: 2,
                    operation: 1,
                    mount: 9,
                    ..good
                },
                b"a\0",
                DecodeError::Mount(9),
            ),
            (
                Header {
                    kind: 3,
                    family: 5,
                    ..good
                },
                b"a\0",
                DecodeError::Family(5),
            ),
        ];
        for (header, payload, error) in cases {
            assert_eq!(Record::decode(&record(&header, payload)).err(), Some(error));
        }
        assert_eq!(Record::decode(&[]).err(), Some(DecodeError::Short));
    }

    #[test]
    fn every_prefix_of_a_record_is_an_error() {
        let header = Header {
            origin: 1,
            sections: [6, 2, 3, 1],
            ..header(Kind::Exec)
        };
        let bytes = record(&header, b"sh\0b\0\0shsh\0\0");
        assert!(Record::decode(&bytes).is_ok());
        for len in 0..bytes.len() {
            assert!(Record::decode(&bytes[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn components_turn_round() {
        assert_eq!(path_from_components(b"c\0b\0a\0"), b"/a/b/c");
        assert_eq!(path_from_components(b""), b"/");
        assert_eq!(path_from_components(b"odd\nname\0tmp\0"), b"/tmp/odd\nname");
    }

    #[test]
    fn joined_names_resolve_by_their_letters() {
        assert_eq!(join(b"/srv/data", b"x/../y"), b"/srv/data/y");
        assert_eq!(join(b"/srv", b"/etc/./passwd"), b"/etc/passwd");
        assert_eq!(join(b"/srv", b"../../.."), b"/");
    }
}
