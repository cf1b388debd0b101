//! Decoding what the kernel, or whoever stands between, may send: any bytes.
//!
//! Nothing here may panic, and whatever decodes must be nothing but what stands
//! in the bytes. Arbitrary bytes are hardly ever a record, so most cases start
//! from a valid one and damage it.

use lapwing_abi::ABI_VERSION;
use lapwing_abi::decode::{
    Body, CgroupRecord, DecodeError, Location, Peer, Record, join, path_from_components,
};
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{
    CgroupChange, Contact, Direction, Family, Kind, Mount, Operation, Origin, Phase, Privileged,
    flags,
};
use lapwing_abi::record::{CGROUP_HEADER_LEN, HEADER_LEN, Header, SECTIONS};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Bytes of a record, laid out by hand: what the kernel programs write, not what the decoder reads.
fn encode(ids: [u8; 8], words: &[u8; WORDS], port: u16, sections: &[Vec<u8>]) -> Vec<u8> {
    let [
        hook,
        kind,
        phase,
        operation,
        origin,
        mount,
        protocol,
        family,
    ] = ids;
    let mut bytes = vec![ABI_VERSION, hook, kind, phase];
    // Flags, five words of 64 bits, eight of 32, three of 64.
    bytes.extend(&words[..100]);
    bytes.extend([operation, origin, mount, protocol, family, 0]);
    bytes.extend(port.to_le_bytes());
    bytes.extend(&words[100..]);
    for section in sections {
        bytes.extend((section.len() as u16).to_le_bytes());
    }
    assert_eq!(bytes.len(), HEADER_LEN);
    bytes.extend(sections.concat());
    bytes
}

/// What of a header may be anything, and the address.
const WORDS: usize = 116;

/// Texts as containers choose them: with the separators that matter, and without.
fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        vec(select(b"\0/.ab\\\xff".as_slice()), 0..40),
        (any::<u8>(), 4090..4100usize).prop_map(|(byte, len)| [byte].repeat(len)),
    ]
}

/// What the kind of a record makes of its operation, and the families that it may have.
fn operation(kind: Kind) -> (Vec<u8>, Vec<Family>) {
    let families = || Family::ALL.to_vec();
    match kind {
        Kind::Exec | Kind::Listen => (vec![0, 255], families()),
        Kind::File => (
            Operation::ALL.iter().map(|it| it.raw()).collect(),
            families(),
        ),
        Kind::Egress => (Contact::ALL.iter().map(|it| it.raw()).collect(), families()),
        Kind::Dns => (
            Direction::ALL.iter().map(|it| it.raw()).collect(),
            vec![Family::Ipv4, Family::Ipv6],
        ),
        Kind::Privilege => (
            Privileged::ALL.iter().map(|it| it.raw()).collect(),
            families(),
        ),
    }
}

fn record() -> impl Strategy<Value = Vec<u8>> {
    let kind = select(Kind::ALL).prop_flat_map(|kind| {
        let (operations, families) = operation(kind);
        (Just(kind), select(operations), select(families))
    });
    let ids = (
        kind,
        select(Phase::ALL),
        select(Origin::ALL),
        select(Mount::ALL),
        any::<u8>(),
        0..=Row::ALL.len() as u8,
    );
    let words =
        vec(any::<u8>(), WORDS).prop_map(|bytes| <[u8; WORDS]>::try_from(bytes).expect("all"));
    let sections = vec(text(), SECTIONS);
    (ids, words, any::<u16>(), sections).prop_map(|(ids, words, port, sections)| {
        let ((kind, operation, family), phase, origin, mount, protocol, hook) = ids;
        let ids = [
            hook,
            kind.raw(),
            phase.raw(),
            operation,
            origin.raw(),
            mount.raw(),
            protocol,
            family.raw(),
        ];
        encode(ids, &words, port, &sections)
    })
}

fn cgroup_record() -> impl Strategy<Value = Vec<u8>> {
    (select(CgroupChange::ALL), any::<[u64; 3]>(), text()).prop_map(|(change, words, path)| {
        let mut bytes = vec![ABI_VERSION, change.raw(), 0, 0];
        bytes.extend((path.len() as u32).to_le_bytes());
        for word in words {
            bytes.extend(word.to_le_bytes());
        }
        assert_eq!(bytes.len(), CGROUP_HEADER_LEN);
        bytes.extend(path);
        bytes
    })
}

/// Some damage: bytes changed, cut off, put in, or added at the end.
fn damaged(whole: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = (0..4u8, any::<Index>(), any::<u8>());
    (whole, vec(change, 1..4)).prop_map(|(mut bytes, changes)| {
        for (how, at, byte) in changes {
            // Most of a long record is payload; what matters stands at the front.
            let at = at.index(bytes.len() + 1).min(at.index(2 * HEADER_LEN));
            match how {
                0 if at < bytes.len() => bytes[at] = byte,
                0 | 1 => bytes.truncate(at),
                2 => bytes.insert(at.min(bytes.len()), byte),
                _ => bytes.extend(std::iter::repeat_n(byte, at)),
            }
        }
        bytes
    })
}

/// What any decoded record must be.
fn holds(bytes: &[u8], record: &Record<'_>) -> Result<(), TestCaseError> {
    let header = &record.header;
    let len = |index: usize| usize::from(header.sections[index]);
    prop_assert_eq!(header.abi, ABI_VERSION);
    prop_assert_eq!(record.hook().map_or(0, Row::raw), header.hook);
    prop_assert_eq!(
        HEADER_LEN + (0..SECTIONS).map(len).sum::<usize>(),
        bytes.len()
    );
    prop_assert_eq!(record.phase.raw(), header.phase);
    // The sections are those of the record, in order and without a byte between or behind.
    let in_order = |sections: [&[u8]; SECTIONS]| {
        prop_assert_eq!(sections.concat(), &bytes[HEADER_LEN..]);
        for (index, section) in sections.iter().enumerate() {
            prop_assert_eq!(section.len(), len(index));
        }
        Ok(())
    };
    match record.body {
        Body::Exec {
            path,
            filename,
            args,
            cwd,
            origin,
        } => {
            prop_assert_eq!(Kind::Exec.raw(), header.kind);
            prop_assert_eq!(origin.raw(), header.origin);
            in_order([path, filename, args, cwd])?;
            absolute(&path_from_components(path))
        }
        Body::File {
            operation,
            mount,
            path,
            target,
        } => {
            prop_assert_eq!(Kind::File.raw(), header.kind);
            prop_assert_eq!(operation.raw(), header.operation);
            let is_below = header.flags & flags::PATH_FROM_USER != 0 && path.passed.contains(&b'/');
            prop_assert_eq!(mount.raw(), if is_below { 0 } else { header.mount });
            in_order([
                path.components,
                path.passed,
                target.components,
                target.passed,
            ])?;
            location(&path)?;
            location(&target)
        }
        Body::Egress {
            contact,
            protocol,
            peer,
        } => {
            prop_assert_eq!(Kind::Egress.raw(), header.kind);
            prop_assert_eq!(contact.raw(), header.operation);
            prop_assert_eq!(protocol, header.protocol);
            end(bytes, header, &peer)
        }
        Body::Listen { protocol, at } => {
            prop_assert_eq!(Kind::Listen.raw(), header.kind);
            prop_assert_eq!(protocol, header.protocol);
            end(bytes, header, &at)
        }
        Body::Dns {
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
        } => {
            prop_assert_eq!(Kind::Dns.raw(), header.kind);
            prop_assert_eq!(direction.raw(), header.operation);
            prop_assert_eq!(protocol, header.protocol);
            prop_assert_eq!(u64::from(local_port), header.argument & 0xffff);
            prop_assert_eq!(u64::from(sequence), header.argument >> 32);
            let bits = [begins, ends, looped].map(u64::from);
            prop_assert_eq!(
                bits[0] | bits[1] << 1 | bits[2] << 2,
                header.argument >> 16 & 7
            );
            prop_assert_eq!(payload, &bytes[HEADER_LEN..][..len(0)]);
            end(bytes, header, &Peer::Ip(address, port))
        }
        Body::Privilege {
            operation,
            argument,
            path,
            name,
        } => {
            prop_assert_eq!(Kind::Privilege.raw(), header.kind);
            prop_assert_eq!(operation.raw(), header.operation);
            prop_assert_eq!(argument, header.argument);
            let rest = &bytes[bytes.len() - len(3)..];
            in_order([path.components, path.passed, name, rest])?;
            location(&path)
        }
    }
}

/// What one end of a socket must be.
fn end(bytes: &[u8], header: &Header, end: &Peer<'_>) -> Result<(), TestCaseError> {
    let family = Family::from_raw(header.family);
    let (components, passed) = bytes[HEADER_LEN..].split_at(usize::from(header.sections[0]));
    let passed = &passed[..usize::from(header.sections[1])];
    let is_abstract = header.flags & flags::ABSTRACT != 0;
    match *end {
        Peer::Ip(address, port) => {
            // One peer has one address, however it was written.
            prop_assert_eq!(address.to_canonical(), address);
            prop_assert_eq!(port, header.port);
            match family {
                Some(Family::Ipv4) => prop_assert!(address.is_ipv4()),
                family => prop_assert_eq!(family, Some(Family::Ipv6)),
            }
        }
        Peer::Unix(path) => {
            prop_assert!(family == Some(Family::Unix) && !is_abstract);
            prop_assert_eq!((path.components, path.passed), (components, passed));
            location(&path)?;
        }
        Peer::Abstract(name) => {
            prop_assert!(family == Some(Family::Unix) && is_abstract);
            prop_assert_eq!(name, passed);
        }
        Peer::Vsock(cid, port) => {
            prop_assert_eq!(family, Some(Family::Vsock));
            prop_assert_eq!(&cid.to_le_bytes()[..], &header.address[..4]);
            prop_assert_eq!(u64::from(port), header.argument & 0xffff_ffff);
        }
        Peer::Packet => prop_assert_eq!(family, Some(Family::Packet)),
        Peer::Xdp => prop_assert_eq!(family, Some(Family::Xdp)),
    }
    Ok(())
}

fn absolute(path: &[u8]) -> Result<(), TestCaseError> {
    prop_assert!(path.starts_with(b"/"), "{:?}", path);
    Ok(())
}

/// Absolute, and with nothing left to resolve.
fn resolved(path: &[u8]) -> Result<(), TestCaseError> {
    absolute(path)?;
    prop_assert!(path == b"/" || !path.ends_with(b"/"), "{:?}", path);
    for part in path[1..]
        .split(|&byte| byte == b'/')
        .filter(|_| path != b"/")
    {
        prop_assert!(![&b""[..], b".", b".."].contains(&part), "{:?}", path);
    }
    Ok(())
}

fn location(location: &Location<'_>) -> Result<(), TestCaseError> {
    let path = location.path();
    if location.passed.is_empty() {
        prop_assert_eq!(&path, &path_from_components(location.components));
        absolute(&path)
    } else {
        resolved(&path)
    }
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    match Record::decode(bytes) {
        Ok(record) => holds(bytes, &record),
        Err(error) => {
            prop_assert!(!error.name().is_empty());
            Ok(())
        }
    }
}

fn check_cgroup(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(record) = CgroupRecord::decode(bytes) else {
        return Ok(());
    };
    prop_assert_eq!(bytes[0], ABI_VERSION);
    prop_assert_eq!(record.change.raw(), bytes[1]);
    prop_assert_eq!(record.words, &bytes[CGROUP_HEADER_LEN..]);
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in vec(any::<u8>(), 0..400)) {
        check(&bytes)?;
        check_cgroup(&bytes)?;
    }

    #[test]
    fn any_bytes_of_this_version_are_a_record_or_an_error(mut bytes in vec(any::<u8>(), 1..400)) {
        bytes[0] = ABI_VERSION;
        check(&bytes)?;
        check_cgroup(&bytes)?;
    }

    #[test]
    fn a_whole_record_decodes(bytes in record()) {
        let record = Record::decode(&bytes);
        prop_assert!(record.is_ok(), "{:?}", record.err());
        check(&bytes)?;
    }

    #[test]
    fn a_damaged_record_is_a_record_or_an_error(bytes in damaged(record())) {
        check(&bytes)?;
    }

    #[test]
    fn another_length_is_an_error(bytes in record(), at in any::<Index>(), more in 1..9usize) {
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert_eq!(Record::decode(cut).err(), Some(DecodeError::Short));
        let long = [bytes.as_slice(), &vec![0; more]].concat();
        prop_assert_eq!(Record::decode(&long).err(), Some(DecodeError::Long));
    }

    #[test]
    fn a_whole_cgroup_record_decodes(bytes in cgroup_record(), at in any::<Index>()) {
        prop_assert!(CgroupRecord::decode(&bytes).is_ok());
        check_cgroup(&bytes)?;
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert_eq!(CgroupRecord::decode(cut).err(), Some(DecodeError::Short));
    }

    #[test]
    fn a_damaged_cgroup_record_is_a_record_or_an_error(bytes in damaged(cgroup_record())) {
        check_cgroup(&bytes)?;
    }

    #[test]
    fn components_come_back_in_order(names in vec(vec(1..=255u8, 1..20), 0..10)) {
        let mut list = Vec::new();
        for name in names.iter().rev() {
            list.extend(name);
            list.push(0);
        }
        let mut path = Vec::new();
        for name in &names {
            path.push(b'/');
            path.extend(name);
        }
        if names.is_empty() {
            path.push(b'/');
        }
        prop_assert_eq!(path_from_components(&list), path);
    }

    #[test]
    fn any_two_texts_join(base in text(), passed in text()) {
        let path = join(&base, &passed);
        resolved(&path)?;
        // What is resolved stays so, and an absolute name needs no base.
        prop_assert_eq!(&join(b"/", &path), &path);
        if passed.starts_with(b"/") {
            prop_assert_eq!(&join(b"/elsewhere", &passed), &path);
        }
        location(&Location { components: &base, passed: &passed })?;
        location(&Location { components: &base, passed: b"" })?;
    }
}
