//! The key of a behaviour changes with each field that user space reads of it, and with no other.

use lapwing_abi::ids::{Kind, Privileged, flags};
use lapwing_abi::key::{Sip, bytes, content, key, may_launch, name_bytes};
use lapwing_abi::record::Header;
use proptest::prelude::*;
use std::hash::Hasher;

const SECRET: [u64; 2] = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];

fn sip(words: &[u64], secret: [u64; 2]) -> u64 {
    let mut sip = Sip::new(secret);
    words.iter().for_each(|word| sip.word(*word));
    sip.finish()
}

/// As the kernel side: the sections that count, one behind the other, by words.
fn hash(header: &Header, image: u64, sections: [&[u8]; 4]) -> (u64, u64) {
    let taken = sections.map(|section| section.len() as u16);
    let [a, b, c, folder] = sections;
    let script = header.flags & flags::SCRIPT != 0;
    let (bytes, folder) = if script {
        (bytes(SECRET, &[a, b, c].concat()), bytes(SECRET, folder))
    } else {
        (bytes(SECRET, &sections.concat()), 0)
    };
    let content = content(SECRET, header, taken, bytes, folder);
    (key(SECRET, header, image, content), content)
}

#[test]
fn each_byte_of_long_texts_counts_and_so_does_their_length() {
    let text = vec![b'x'; 1500];
    let mut hashes = vec![bytes(SECRET, &text)];
    for at in [0, 7, 8, 511, 512, 1023, 1024, 1499] {
        let mut text = text.clone();
        text[at] ^= 1;
        hashes.push(bytes(SECRET, &text));
    }
    for len in [1, 7, 8, 9, 504, 505, 511, 512, 513, 1024, 1499] {
        hashes.push(bytes(SECRET, &text[..len]));
    }
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}

#[test]
fn it_is_siphash_1_3() {
    // The standard library's is the same with a secret of zeros.
    for words in [&[][..], &[1], &[1, 2], &[u64::MAX; 40]] {
        #[allow(deprecated)]
        let mut hasher = std::collections::hash_map::DefaultHasher::new();
        words
            .iter()
            .for_each(|word| hasher.write(&word.to_le_bytes()));
        assert_eq!(sip(words, [0, 0]), hasher.finish(), "{words:?}");
    }
    assert_ne!(sip(&[1], [0, 0]), sip(&[1], SECRET));
    assert_ne!(sip(&[1], [0, 1]), sip(&[1], [1, 0]));
}

fn header() -> Header {
    Header {
        kind: Kind::File.raw(),
        phase: 2,
        operation: 1,
        mount: 1,
        origin: 1,
        protocol: 6,
        family: 4,
        port: 443,
        argument: 0o644,
        address: *b"0123456789abcdef",
        ..Header::default()
    }
}

type Change = fn(&mut Header);

#[test]
fn each_field_that_is_read_makes_another_key() {
    let base = hash(&header(), 7, [b"a\0b\0", b"", b"", b""]).0;
    let changes: [Change; 9] = [
        |header| header.kind = Kind::Egress.raw(),
        |header| header.phase = 3,
        |header| header.operation = 2,
        |header| header.mount = 2,
        |header| header.origin = 2,
        |header| header.protocol = 17,
        |header| header.family = 6,
        |header| header.port = 444,
        |header| header.argument = 0o755,
    ];
    let mut keys = vec![base];
    for change in changes {
        let mut header = header();
        change(&mut header);
        keys.push(hash(&header, 7, [b"a\0b\0", b"", b"", b""]).0);
    }
    for bit in 0..32 {
        let mut header = header();
        header.flags = 1 << bit;
        let idle = [
            flags::FOREIGN_ROOT,
            flags::PROCESS_UNKNOWN,
            flags::CWD_PARTIAL,
        ];
        // Of who issued an exec the flag tells, and not the program's identity.
        let other = hash(&header, 7, [b"a\0b\0", b"", b"", b""]).0;
        if idle.contains(&header.flags) {
            assert_eq!(other, base, "bit {bit} says nothing of the behaviour");
        } else {
            keys.push(other);
        }
    }
    for byte in 0..16 {
        let mut header = header();
        header.address[byte] ^= 1;
        keys.push(hash(&header, 7, [b"a\0b\0", b"", b"", b""]).0);
    }
    keys.push(hash(&header(), 8, [b"a\0b\0", b"", b"", b""]).0);
    for sections in [
        [&b"a\0c\0"[..], b"", b"", b""],
        [b"a\0", b"b\0", b"", b""],
        [b"a\0", b"", b"b\0", b""],
        [b"a\0", b"", b"", b"b\0"],
        [b"a\0b\0\0", b"", b"", b""],
    ] {
        keys.push(hash(&header(), 7, sections).0);
    }
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[test]
fn what_only_tells_when_where_and_by_which_process_makes_no_other_key() {
    let base = hash(&header(), 7, [b"x", b"", b"", b""]);
    let changes: [Change; 9] = [
        |header| header.hook = 1,
        |header| header.time = 1,
        |header| header.pid = 1,
        |header| header.tid = 1,
        |header| header.container_pid = 1,
        |header| header.parent_pid = 1,
        |header| header.start = 1,
        |header| header.exec = 1,
        |header| header.issuer = 1,
    ];
    for change in changes {
        let mut header = header();
        change(&mut header);
        assert_eq!(hash(&header, 7, [b"x", b"", b"", b""]), base);
    }
}

#[test]
fn whether_it_is_root_is_of_the_behaviour_where_a_capability_is_used_and_nowhere_else() {
    let key = |operation: Privileged, euid| {
        let mut header = header();
        header.kind = Kind::Privilege.raw();
        header.operation = operation.raw();
        header.argument = 10;
        header.euid = euid;
        hash(&header, 7, [b"", b"", b"", b""]).0
    };
    assert_ne!(
        key(Privileged::Capability, 0),
        key(Privileged::Capability, 33)
    );
    // Who takes one id after the other has no more to tell.
    assert_eq!(
        key(Privileged::Capability, 34),
        key(Privileged::Capability, 33)
    );
    assert_eq!(key(Privileged::Ptrace, 0), key(Privileged::Ptrace, 33));
}

#[test]
fn a_script_that_is_named_from_a_folder_needs_the_folder_whole() {
    let script = |bits| {
        let mut header = header();
        header.flags = flags::SCRIPT | bits;
        hash(&header, 7, [b"sh\0", b"./x\0", b"sh\0", b"app\0"]).0
    };
    assert_ne!(script(0), script(flags::CWD_PARTIAL));
}

#[test]
fn the_identity_of_a_program_does_not_tell_who_issued_it() {
    let exec = |image, phase, origin| {
        let mut header = header();
        header.kind = Kind::Exec.raw();
        header.phase = phase;
        header.origin = origin;
        hash(&header, image, [b"sh\0bin\0", b"/bin/sh\0", b"sh\0", b""])
    };
    let (base, other) = (exec(1, 2, 1), exec(2, 3, 1));
    assert_eq!(base.1, other.1);
    assert_ne!(base.0, other.0);
    assert_ne!(base.1, exec(1, 2, 2).1, "its origin is");
}

#[test]
fn parents_that_a_profile_tells_apart_make_keys_apart() {
    let exec = |bits, image, origin, path: &[u8]| {
        let mut header = header();
        header.kind = Kind::Exec.raw();
        (header.argument, header.flags, header.origin) = (0, bits, origin);
        hash(&header, image, [path, b"/bin/sh\0", b"sh\0", b""])
    };
    // A parent is its path, with what marks that, and whether it is from the image.
    let parents = [
        (0, 1, &b"sh\0bin\0"[..]),
        (0, 1, b"sh\0usr\0bin\0"),
        (0, 2, b"sh\0bin\0"),
        (flags::PATH_TRUNCATED, 1, b"sh\0bin\0"),
        (flags::PATH_DETACHED, 1, b"sh\0bin\0"),
    ];
    let child = |bits, image| exec(bits, image, 1, b"id\0bin\0");
    let identity = |(bits, origin, path)| exec(bits, 7, origin, path).1;
    let mut keys: Vec<u64> = parents.map(|parent| child(0, identity(parent)).0).to_vec();
    // The runtime, by a program of the host's with the same path as one of the container's.
    let host = identity(parents[0]);
    keys.push(child(flags::FROM_RUNTIME, host).0);
    assert_eq!(child(flags::FROM_RUNTIME, host).1, child(0, host).1);
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
    assert_eq!(
        child(flags::FROM_RUNTIME, 0).0,
        0,
        "one that is not known is not held back"
    );
}

#[test]
fn nothing_is_held_back_of_unknown_programs_and_of_the_name_service() {
    let mut header = header();
    assert_eq!(hash(&header, 0, [b"x", b"", b"", b""]).0, 0);
    header.kind = Kind::Dns.raw();
    assert_eq!(hash(&header, 7, [b"x", b"", b"", b""]).0, 0);
}

#[test]
fn arguments_count_as_far_as_they_tell_the_name() {
    let long = [&[b'a'; 200][..], b"\0x\0"].concat();
    for (args, expected) in [
        (&b"ls\0-l\0"[..], 3),
        (b"/bin/ls\0", 8),
        (b"-sh\0-c\0id\0", 4),
        (b"busybox\0sh\0-c\0", 11),
        (b"-busybox\0sh\0-c\0", 12),
        (b"/bin/busybox\0/bin/sh\0-c\0", 21),
        (b"busybox\0busybox\0sh\0-c\0", 22),
        (b"coreutils\0--coreutils-prog=busybox\0ls\0", 38),
        (b"bu", 2),
        (b"busybox\0", 8),
        (b"", 0),
        (&long, long.len()),
    ] {
        let text = String::from_utf8_lossy(args);
        assert_eq!(name_bytes(args), expected, "{text:?}");
    }
    assert!(may_launch(*b"toy") && !may_launch(*b"cat"));
}

proptest! {
    /// What is left out stands behind the first argument, and never is the whole of it.
    #[test]
    fn at_least_the_first_argument_counts(args in prop::collection::vec(any::<u8>(), 0..300)) {
        let taken = name_bytes(&args);
        let first = args.iter().position(|byte| *byte == 0).map_or(args.len(), |at| at + 1);
        prop_assert!(taken >= first && taken <= args.len());
    }
}
