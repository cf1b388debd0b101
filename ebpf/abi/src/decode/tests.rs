use super::*;
extern crate std;
use alloc::vec;

fn record(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    out.extend([header.abi, header.hook, header.kind, header.phase]);
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
        header.euid,
        header.egid,
    ] {
        out.extend(word.to_le_bytes());
    }
    for word in [header.capabilities, header.key, header.argument] {
        out.extend(word.to_le_bytes());
    }
    out.extend([
        header.operation,
        header.origin,
        header.mount,
        header.protocol,
    ]);
    out.extend([header.family, header.wanted]);
    out.extend(header.port.to_le_bytes());
    out.extend(header.address);
    for len in header.sections {
        out.extend(len.to_le_bytes());
    }
    assert_eq!(out.len(), HEADER_LEN);
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
fn a_record_is_told_from_the_bytes_behind_it() {
    let header = Header {
        origin: 1,
        phase: 2,
        sections: [8, 2, 5, 4],
        ..header(Kind::Exec)
    };
    let whole = record(&header, b"sh\0bin\0\0shsh\0-c\0tm\0");
    let mut longer = whole.clone();
    longer.extend(b"of another");
    let decoded = Record::decode_first(&longer).expect("a record and more");
    assert_eq!(decoded.header, header);
    assert!(matches!(decoded.body, Body::Exec { cwd, .. } if cwd == b"\0tm\0"));
    assert!(Record::decode_first(&whole).is_ok());
    for len in 0..whole.len() {
        let cut = Record::decode_first(&whole[..len]);
        assert_eq!(cut.err(), Some(DecodeError::Short), "{len}");
    }
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
    let Body::Egress {
        peer: Peer::Ip(address, port),
        ..
    } = Record::decode(&bytes).expect("whole").body
    else {
        panic!("egress")
    };
    assert_eq!(
        (address, port),
        (core::net::Ipv4Addr::new(10, 0, 0, 1).into(), 443)
    );
}

#[test]
fn numbers_that_a_header_has_come_back_as_they_were() {
    let header = Header {
        operation: Privileged::Mount.raw(),
        uid: 1000,
        euid: 1,
        egid: 2,
        capabilities: 1 << 40 | 1,
        key: u64::MAX - 1,
        argument: 0x1234_5678_9abc_def0,
        sections: [4, 1, 5, 0],
        ..header(Kind::Privilege)
    };
    let bytes = record(&header, b"mnt\0xtmpfs");
    let decoded = Record::decode(&bytes).expect("whole");
    assert_eq!(decoded.header, header);
    let Body::Privilege {
        operation,
        argument,
        path,
        name,
    } = decoded.body
    else {
        panic!("a privilege")
    };
    assert_eq!(
        (operation, argument),
        (Privileged::Mount, 0x1234_5678_9abc_def0)
    );
    assert_eq!((path.path(), name), (b"/mnt/x".to_vec(), &b"tmpfs"[..]));
}

#[test]
fn every_family_has_ends_of_its_own() {
    let vsock = Header {
        family: 40,
        argument: 70_000,
        ..header(Kind::Listen)
    };
    let at = |header: &Header, payload: &[u8]| {
        let header = Header {
            address: [2, 1, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
            sections: [4, payload.len() as u16 - 4, 0, 0],
            ..*header
        };
        let bytes = record(&header, payload);
        let Body::Listen { at, .. } = Record::decode(&bytes).expect("whole").body else {
            panic!("a listen")
        };
        std::format!("{at:?}")
    };
    assert_eq!(at(&vsock, b"run\0"), "Vsock(258, 70000)");
    let unix = |flags| Header {
        family: 1,
        flags,
        ..header(Kind::Listen)
    };
    assert!(at(&unix(0), b"run\0x").starts_with("Unix(Location"));
    assert!(at(&unix(flags::ABSTRACT), b"run\0x").starts_with("Abstract([120])"));
    for (family, expected) in [(17, "Packet"), (44, "Xdp"), (4, "Ip(2.1.0.0, 0)")] {
        let header = Header { family, ..vsock };
        assert_eq!(at(&header, b"run\0"), expected);
    }
}

#[test]
fn a_message_says_which_way_it_went_and_where_in_the_stream_it_stands() {
    let header = Header {
        operation: Direction::Answer.raw(),
        protocol: 6,
        family: 4,
        port: 53,
        address: [10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        argument: 7 << 32 | 0x10000 | 40_000,
        sections: [3, 0, 0, 0],
        ..header(Kind::Dns)
    };
    let bytes = record(&header, b"abc");
    let Body::Dns {
        direction,
        protocol,
        address,
        port,
        local_port,
        sequence,
        begins,
        ends,
        looped,
        payload,
    } = Record::decode(&bytes).expect("whole").body
    else {
        panic!("a message")
    };
    assert_eq!((direction, protocol), (Direction::Answer, 6));
    assert_eq!(
        (address, port, local_port),
        (core::net::Ipv4Addr::new(10, 0, 0, 2).into(), 53, 40_000)
    );
    assert_eq!((sequence, payload), (7, &b"abc"[..]));
    assert_eq!((begins, ends, looped), (true, false, false));
    let unix = Header {
        family: 1,
        ..header
    };
    let error = Record::decode(&record(&unix, b"abc")).err();
    assert_eq!(error, Some(DecodeError::Family(1)));
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
        (
            Header {
                kind: 3,
                family: 4,
                operation: 2,
                ..good
            },
            b"a\0",
            DecodeError::Contact(2),
        ),
        (
            Header {
                kind: 5,
                family: 4,
                operation: 3,
                ..good
            },
            b"a\0",
            DecodeError::Direction(3),
        ),
        (
            Header {
                kind: 6,
                operation: 15,
                ..good
            },
            b"a\0",
            DecodeError::Privileged(15),
        ),
        (
            Header {
                hook: Row::ALL.len() as u8 + 1,
                ..good
            },
            b"a\0",
            DecodeError::Hook(Row::ALL.len() as u8 + 1),
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
