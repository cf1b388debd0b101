use super::*;
use lapwing_abi::decode::Location;
use lapwing_abi::ids::{Mount, Operation};
use lapwing_abi::record::Header;

fn record<'a>(flags: u32, body: Body<'a>) -> Record<'a> {
    Record {
        header: Header {
            flags,
            ..Header::default()
        },
        phase: lapwing_abi::ids::Phase::Main,
        body,
    }
}

fn exec<'a>(flags: u32, path: &'a [u8], filename: &'a [u8], args: &'a [u8]) -> Seen {
    let origin = lapwing_abi::ids::Origin::Image;
    let record = record(
        flags,
        Body::Exec {
            path,
            filename,
            args,
            cwd: b"app\0",
            origin,
        },
    );
    seen(&record, image(&record).as_ref()).unwrap()
}

fn line(seen: Seen) -> String {
    let phase = lapwing_profile::entry::Phase::Main;
    lapwing_profile::entry::Entry {
        behaviour: seen.behaviour,
        phase,
    }
    .to_string()
}

#[test]
fn programs_get_their_invoked_name_and_script() {
    let busybox = exec(0, b"busybox\0bin\0", b"/proc/self/exe\0", b"sleep\x001\0");
    assert_eq!(line(busybox), "exec: {path: /bin/busybox, name: sleep}");
    let script = exec(
        flags::SCRIPT,
        b"python3\0bin\0",
        b"./run.py\0",
        b"python3\0./run.py\0",
    );
    assert_eq!(
        line(script),
        "exec: {path: /bin/python3, script: /app/run.py}"
    );
    assert_eq!(arguments(b""), Vec::<String>::new());
    assert_eq!(arguments(b"a\0\0b\n"), ["a", "", "b\\x0a"]);
}

#[test]
fn what_lies_outside_the_root_equals_no_inside_path() {
    let here = Location {
        components: b"passwd\0etc\0",
        passed: b"",
    };
    let rename = Body::File {
        operation: Operation::Rename,
        mount: Mount::Volume,
        path: here,
        target: here,
    };
    for (bits, expected) in [
        (0, "path: /etc/passwd, target: /etc/passwd"),
        (
            flags::PATH_DETACHED,
            "path: \"detached:/etc/passwd\", target: /etc/passwd",
        ),
        (
            flags::TARGET_DETACHED,
            "path: /etc/passwd, target: \"detached:/etc/passwd\"",
        ),
        (
            flags::PATH_DETACHED | flags::PATH_TRUNCATED,
            "path: \"detached:\u{2026}/etc/passwd\", target: /etc/passwd",
        ),
    ] {
        let entry = line(seen(&record(bits, rename), None).unwrap());
        assert_eq!(entry, format!("file: {{operation: RENAME, {expected}}}"));
    }
    let memory = exec(
        flags::PATH_DETACHED,
        b"memfd:x\0",
        b"/proc/self/fd/3\0",
        b"x\0",
    );
    assert_eq!(line(memory), "exec: {path: \"detached:/memfd:x\", name: x}");
}

#[test]
fn a_script_in_a_folder_that_is_not_known_says_so() {
    let bits = flags::SCRIPT | flags::CWD_PARTIAL;
    for (passed, expected) in [
        (&b"./run.sh\0"[..], "\"\u{2026}/app/run.sh\""),
        (b"/run.sh\0", "/run.sh"),
    ] {
        let seen = exec(bits, b"sh\0bin\0", passed, b"/bin/sh\0x\0");
        assert_eq!(
            line(seen),
            format!("exec: {{path: /bin/sh, script: {expected}}}")
        );
    }
}

#[test]
fn files_keep_both_names_and_say_whose_words_they_are() {
    let here = Location {
        components: b"data\0",
        passed: b"../x",
    };
    let there = Location {
        components: b"y\0tmp\0",
        passed: b"",
    };
    let rename = Body::File {
        operation: Operation::Rename,
        mount: Mount::Image,
        path: here,
        target: there,
    };
    let renamed = seen(&record(flags::PATH_FROM_USER, rename), None).unwrap();
    assert!(renamed.aside.path_from_caller);
    assert_eq!(renamed.aside.mount, Some(Mount::Image));
    assert_eq!(
        line(renamed),
        "file: {operation: RENAME, path: /x, target: /tmp/y}"
    );
    let cut = Body::File {
        operation: Operation::Delete,
        mount: Mount::Image,
        path: there,
        target: Location::default(),
    };
    let cut = seen(&record(flags::PATH_TRUNCATED, cut), None).unwrap();
    assert_eq!(
        line(cut),
        "file: {operation: DELETE, path: \"\u{2026}/tmp/y\"}"
    );
    let open = Body::File {
        operation: Operation::OpenWrite,
        mount: Mount::Tmpfs,
        path: there,
        target: Location::default(),
    };
    assert_eq!(
        line(seen(&record(0, open), None).unwrap()),
        "file: {operation: OPEN_WRITE, path: /tmp/y}"
    );
}
