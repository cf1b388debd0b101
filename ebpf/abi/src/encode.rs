//! Writing behaviour records, for what user space finds out by itself: laid out as the kernel
//! side does it, so that whatever reads records need not know where one comes from.

extern crate alloc;
use crate::ABI_VERSION;
use crate::record::{HEADER_LEN, Header, SECTIONS};
use alloc::vec::Vec;

/// A record's bytes. The version and the lengths of the sections in `header` are set here; a
/// section that is longer than its length can say, which no limit of a section allows, is cut.
#[must_use]
pub fn encode(header: &Header, sections: [&[u8]; SECTIONS]) -> Vec<u8> {
    let sections = sections.map(|bytes| &bytes[..bytes.len().min(usize::from(u16::MAX))]);
    let all: usize = sections.iter().map(|bytes| bytes.len()).sum();
    let mut out = Vec::with_capacity(HEADER_LEN + all);
    // Every field by name: one that is added does not compile before it is written here.
    let Header {
        abi: _,
        hook,
        kind,
        phase,
        flags,
        time,
        cgroup,
        exec,
        issuer,
        start,
        pid,
        tid,
        container_pid,
        parent_pid,
        uid,
        gid,
        euid,
        egid,
        capabilities,
        key,
        argument,
        operation,
        origin,
        mount,
        protocol,
        family,
        wanted,
        port,
        address,
        sections: _,
    } = *header;
    out.extend([ABI_VERSION, hook, kind, phase]);
    out.extend(flags.to_le_bytes());
    for word in [time, cgroup, exec, issuer, start] {
        out.extend(word.to_le_bytes());
    }
    for word in [pid, tid, container_pid, parent_pid, uid, gid, euid, egid] {
        out.extend(word.to_le_bytes());
    }
    for word in [capabilities, key, argument] {
        out.extend(word.to_le_bytes());
    }
    out.extend([operation, origin, mount, protocol, family, wanted]);
    out.extend(port.to_le_bytes());
    out.extend(address);
    for bytes in sections {
        out.extend((bytes.len() as u16).to_le_bytes());
    }
    for bytes in sections {
        out.extend(bytes);
    }
    out
}

/// Turns an absolute path round, as [`crate::decode::path_from_components`] expects it: `/a/b`
/// becomes `b\0a\0`. A path that ends with a slash keeps an empty last component.
#[must_use]
pub fn components(path: &[u8]) -> Vec<u8> {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let mut out = Vec::with_capacity(path.len() + 1);
    if path.is_empty() {
        return out;
    }
    for component in path.rsplit(|byte| *byte == b'/') {
        out.extend(component);
        out.push(0);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Body, Peer, Record, path_from_components};
    use crate::hooks::Row;
    use crate::ids::{Family, Kind, Operation, Phase};

    #[test]
    fn what_is_written_is_read_again() {
        let header = Header {
            hook: Row::FileRename.raw(),
            kind: Kind::File.raw(),
            phase: Phase::Main.raw(),
            flags: 3,
            time: 4,
            cgroup: 5,
            exec: 6,
            issuer: 7,
            start: 8,
            pid: 9,
            tid: 10,
            container_pid: 11,
            parent_pid: 12,
            uid: 13,
            gid: 14,
            euid: 15,
            egid: 16,
            capabilities: 17,
            key: 18,
            argument: 19,
            operation: Operation::Rename.raw(),
            mount: 1,
            protocol: 6,
            family: Family::Ipv6.raw(),
            port: 22,
            address: [23; 16],
            ..Header::default()
        };
        let bytes = encode(&header, [b"a\0", b"b", b"", b"dd"]);
        let record = Record::decode(&bytes).expect("a record");
        let expected = Header {
            abi: ABI_VERSION,
            sections: [2, 1, 0, 2],
            ..header
        };
        assert_eq!(record.header, expected);
        assert_eq!(record.hook(), Some(Row::FileRename));
        let Body::File { path, target, .. } = record.body else {
            panic!("another kind")
        };
        assert_eq!((path.components, path.passed), (&b"a\0"[..], &b"b"[..]));
        assert_eq!((target.components, target.passed), (&b""[..], &b"dd"[..]));
        let peer = Header {
            kind: Kind::Egress.raw(),
            operation: 0,
            ..header
        };
        let bytes = encode(&peer, [&[]; SECTIONS]);
        let Ok(Record {
            body:
                Body::Egress {
                    peer: Peer::Ip(address, 22),
                    ..
                },
            ..
        }) = Record::decode(&bytes)
        else {
            panic!("another peer")
        };
        assert_eq!(address, core::net::IpAddr::from([23; 16]));
    }

    #[test]
    fn a_path_is_turned_round_and_back() {
        for path in ["/", "/a", "/a/b c", "/a/b\n/c", "/a/"] {
            let list = components(path.as_bytes());
            assert_eq!(path_from_components(&list), path.as_bytes(), "{path:?}");
        }
        assert_eq!(components(b"/a/b"), b"b\0a\0");
    }

    #[test]
    fn a_section_that_is_too_long_is_cut() {
        let long = alloc::vec![b'x'; 70_000];
        let header = Header {
            kind: Kind::File.raw(),
            operation: Operation::Create.raw(),
            ..Header::default()
        };
        let bytes = encode(&header, [&long, b"", b"", b""]);
        assert_eq!(bytes.len(), HEADER_LEN + 65_535);
        assert!(Record::decode(&bytes).is_ok());
    }
}
