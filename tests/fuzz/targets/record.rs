//! Decoding of both kinds of records, and of the paths in them.
#![no_main]

use lapwing_abi::ABI_VERSION;
use lapwing_abi::decode::{Body, CgroupRecord, Location, Peer, Record, path_from_components};
use lapwing_abi::ids::{CgroupChange, Kind, Mount, Operation, Origin, Phase};
use lapwing_abi::record::{CGROUP_HEADER_LEN, HEADER_LEN, Header, SECTIONS};
use lapwing_fuzz::seeds;
use libfuzzer_sys::fuzz_target;

/// The bytes of a record, laid out from its fields.
fn encode(header: &Header, sections: [&[u8]; SECTIONS]) -> Vec<u8> {
    // No `..`: a field that is added has to be added here.
    let Header {
        abi,
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
        sections: lengths,
    } = *header;
    let mut out = vec![abi, hook, kind, phase];
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
    for length in lengths {
        out.extend(length.to_le_bytes());
    }
    assert_eq!(out.len(), HEADER_LEN);
    for section in sections {
        out.extend(section);
    }
    out
}

fn encode_cgroup(record: &CgroupRecord<'_>, reserved: [u8; 2]) -> Vec<u8> {
    let CgroupRecord {
        change,
        time,
        cgroup,
        parent,
        words,
    } = *record;
    let mut out = vec![ABI_VERSION, change.raw()];
    out.extend(reserved);
    out.extend((words.len() as u32).to_le_bytes());
    for word in [time, cgroup, parent] {
        out.extend(word.to_le_bytes());
    }
    assert_eq!(out.len(), CGROUP_HEADER_LEN);
    out.extend(words);
    out
}

/// A record of each kind, phase and operation, and of each change of a cgroup.
fn write_seeds() {
    let mut inputs = Vec::new();
    let mut add = |header: Header| {
        let sections = [&b"sh\0bin\0"[..], b"../x", b"sh\0-c\0id\0", b"tmp\0"];
        let header = Header {
            abi: ABI_VERSION,
            sections: sections.map(|section| section.len() as u16),
            origin: Origin::Image.raw(),
            operation: header.operation.max(Operation::ALL[0].raw()),
            mount: Mount::ALL[0].raw(),
            family: header.family.max(4),
            ..header
        };
        let bytes = encode(&header, sections);
        assert!(Record::decode(&bytes).is_ok(), "{header:?}");
        inputs.push(bytes);
    };
    for kind in Kind::ALL {
        for phase in Phase::ALL {
            add(Header {
                kind: kind.raw(),
                phase: phase.raw(),
                family: 6,
                ..Header::default()
            });
        }
    }
    for operation in Operation::ALL {
        add(Header {
            kind: Kind::File.raw(),
            operation: operation.raw(),
            ..Header::default()
        });
    }
    for &change in CgroupChange::ALL {
        let bytes = encode_cgroup(
            &CgroupRecord {
                change,
                time: 1,
                cgroup: 2,
                parent: 3,
                words: b"/a/b",
            },
            [0; 2],
        );
        assert!(CgroupRecord::decode(&bytes).is_ok());
        inputs.push(bytes);
    }
    seeds(&inputs);
}

fn absolute(path: &[u8]) {
    assert!(path.starts_with(b"/"), "{path:?}");
}

fn location(location: &Location<'_>) {
    let path = location.path();
    absolute(&path);
    if !location.passed.is_empty() {
        for part in path[1..]
            .split(|&byte| byte == b'/')
            .filter(|_| path != b"/")
        {
            assert!(![&b""[..], b".", b".."].contains(&part), "{path:?}");
        }
    }
}

/// Sections of which some mean nothing: they are the rest of the bytes.
fn rest(data: &[u8]) -> [&[u8]; SECTIONS] {
    [&data[HEADER_LEN..], &[], &[], &[]]
}

fuzz_target!(init: write_seeds(), |data: &[u8]| {
    if let Ok(record) = Record::decode(data) {
        let sections = match record.body {
            Body::Exec { path, filename, args, cwd, origin: _ } => {
                absolute(&path_from_components(path));
                absolute(&path_from_components(cwd));
                [path, filename, args, cwd]
            }
            Body::File { path, target, operation: _, mount: _ } => {
                location(&path);
                location(&target);
                [path.components, path.passed, target.components, target.passed]
            }
            Body::Egress { peer, .. } | Body::Listen { at: peer, .. } => {
                if let Peer::Ip(address, _) = peer {
                    assert_eq!(address, address.to_canonical());
                }
                if let Peer::Unix(path) = peer {
                    location(&path);
                }
                rest(data)
            }
            Body::Dns { payload, address, .. } => {
                assert_eq!(address, address.to_canonical());
                assert!(data[HEADER_LEN..].starts_with(payload));
                rest(data)
            }
            Body::Privilege { path, .. } => {
                location(&path);
                rest(data)
            }
        };
        assert_eq!(encode(&record.header, sections), data);
    }
    if let Ok(record) = CgroupRecord::decode(data) {
        assert_eq!(encode_cgroup(&record, [data[2], data[3]]), data);
    }
});
