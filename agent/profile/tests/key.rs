//! What the kernel side takes of a program's arguments into the key of an exec decides its invoked
//! name: no argument behind that could change it.

use lapwing_abi::key::name_bytes;
use lapwing_profile::name::invoked_name;
use lapwing_profile::text::canonical;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn name(args: &[u8]) -> Option<String> {
    let args = args.strip_suffix(b"\0").unwrap_or(args);
    let args: Vec<String> = if args.is_empty() {
        Vec::new()
    } else {
        args.split(|byte| *byte == 0).map(canonical).collect()
    };
    invoked_name("/bin/file", &args)
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    let known: &[&[u8]] = &[
        b"busybox",
        b"/bin/busybox-1.36",
        b"-busybox",
        b"toybox",
        b"coreutils",
        b"uutils",
        b"box",
        b"sbase-box",
        b"ubase-box",
        b"9base",
        b"beastbox",
        b"dropbearmulti",
        b"sh",
        b"/bin/sh",
        b"--coreutils-prog=sh",
        b"--coreutils-prog=busybox",
        b"--coreutils-prog-shebang=/bin/box",
        b"-sh",
        b"sh/",
        b"",
        b"file",
    ];
    prop_oneof![
        3 => select(known).prop_map(<[u8]>::to_vec),
        1 => vec(1u8.., 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_name_stands_in_what_is_taken(words in vec(word(), 1..5)) {
        let mut args = words.join(&0);
        args.push(0);
        let taken = name_bytes(&args);
        prop_assert_eq!(name(&args[..taken]), name(&args));
    }
}
