use super::*;
use lapwing_abi::decode::Location;
use lapwing_abi::ids::{Mount, Operation};
use lapwing_abi::record::Header;

mod sockets;

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
    assert_eq!(
        line(busybox),
        "exec: {path: /bin/busybox, name: sleep, parent: unknown}"
    );
    let script = exec(
        flags::SCRIPT,
        b"python3\0bin\0",
        b"./run.py\0",
        b"python3\0./run.py\0",
    );
    assert_eq!(
        line(script),
        "exec: {path: /bin/python3, script: /app/run.py, parent: unknown}"
    );
    let resolved = exec(
        flags::SCRIPT | flags::SCRIPT_RESOLVED | flags::TARGET_TRUNCATED,
        b"sh\0bin\0",
        b"job\0etc\0",
        b"/bin/sh\0../job\0",
    );
    assert_eq!(
        line(resolved),
        "exec: {path: /bin/sh, script: \"\u{2026}/etc/job\", parent: unknown}"
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
    assert_eq!(
        line(memory),
        "exec: {path: \"detached:/memfd:x\", name: x, parent: unknown}"
    );
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
            format!("exec: {{path: /bin/sh, script: {expected}, parent: unknown}}")
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

fn told(header: Header, body: Body<'_>, image: Option<&Image>) -> String {
    let record = Record {
        header,
        phase: lapwing_abi::ids::Phase::Main,
        body,
    };
    line(seen(&record, image).unwrap())
}

fn change<'a>(operation: Operation, path: &'a [u8], passed: &'a [u8]) -> Body<'a> {
    Body::File {
        operation,
        mount: Mount::Image,
        path: Location {
            components: path,
            passed: b"",
        },
        target: Location {
            components: b"",
            passed,
        },
    }
}

#[test]
fn words_that_name_no_file_stay_as_they_are() {
    let header = Header::default();
    for (operation, passed, expected) in [
        (
            Operation::Symlink,
            &b"../../x/./y\n"[..],
            "../../x/./y\\\\x0a",
        ),
        (Operation::Symlink, b"", ""),
        (Operation::Setxattr, b"user.a/../b\0", "user.a/../b"),
    ] {
        let found = told(header, change(operation, b"l\0", passed), None);
        let word = lapwing_profile::behaviour::Operation::from(operation).word();
        assert!(
            found.starts_with(&format!("file: {{operation: {word}, path: /l, target: ")),
            "{found}"
        );
        assert!(
            found.replace('"', "").ends_with(&format!(" {expected}}}")),
            "{found}"
        );
    }
    let cut = Header {
        flags: flags::TARGET_TRUNCATED,
        ..header
    };
    let found = told(cut, change(Operation::Symlink, b"l\0", b"abc"), None);
    assert!(found.contains("target: \"abc\u{2026}\""), "{found}");
    let link = change(Operation::Link, b"l\0", b"a/../b");
    assert_eq!(
        told(header, link, None),
        "file: {operation: LINK, path: /l, target: /b}"
    );
}

#[test]
fn modes_count_by_the_identity_they_give() {
    for (argument, expected, mode) in [
        (0o755, "", 0o755),
        (0o104_755, ", setId: USER", 0o4755),
        (0o2755, ", setId: GROUP", 0o2755),
    ] {
        let record = Record {
            header: Header {
                argument,
                ..Header::default()
            },
            phase: lapwing_abi::ids::Phase::Main,
            body: change(Operation::Chmod, b"x\0", b""),
        };
        let found = seen(&record, None).unwrap();
        assert_eq!(found.aside.mode, Some(mode));
        assert_eq!(
            line(found),
            format!("file: {{operation: CHMOD, path: /x{expected}}}")
        );
        // The number of another operation is no mode.
        let record = Record {
            body: change(Operation::Chown, b"x\0", b""),
            ..record
        };
        let found = seen(&record, None).unwrap();
        assert_eq!(found.aside.mode, None);
        assert_eq!(line(found), "file: {operation: CHOWN, path: /x}");
    }
}

#[test]
fn credentials_are_read_by_somebody() {
    let image = Image {
        exe: "/bin/cat".into(),
        ..Image::default()
    };
    for (image, by) in [(Some(&image), "/bin/cat"), (None, "\"\u{2026}\"")] {
        let read = change(Operation::OpenRead, b"shadow\0etc\0", b"");
        assert_eq!(
            told(Header::default(), read, image),
            format!("file: {{operation: OPEN_READ, path: /etc/shadow, by: {by}}}")
        );
    }
}

#[test]
fn memory_of_another_process_is_a_privilege_and_ones_own_is_a_file() {
    let header = Header {
        container_pid: 17,
        ..Header::default()
    };
    let privilege = "privilege: {operation: PROC_MEM}";
    for (path, mount, expected) in [
        (&b"mem\x0042\0proc\0"[..], Mount::ProcSys, privilege),
        (b"mem\x0043\0task\x0042\0proc\0", Mount::ProcSys, privilege),
        // Numbers of another namespace are nobody's here.
        (b"mem\x0017\0proc\0host\0", Mount::ProcSys, privilege),
        (
            b"mem\x0017\0proc\0",
            Mount::ProcSys,
            "file: {operation: OPEN_WRITE, path: /proc/17/mem}",
        ),
        (
            b"mem\x0099\0task\x0017\0proc\0",
            Mount::ProcSys,
            "file: {operation: OPEN_WRITE, path: /proc/17/task/99/mem}",
        ),
        (
            b"mem\x0042\0proc\0",
            Mount::Image,
            "file: {operation: OPEN_WRITE, path: /proc/42/mem}",
        ),
        (
            b"comm\x0042\0proc\0",
            Mount::ProcSys,
            "file: {operation: OPEN_WRITE, path: /proc/42/comm}",
        ),
        (
            b"mem\0proc\0",
            Mount::ProcSys,
            "file: {operation: OPEN_WRITE, path: /proc/mem}",
        ),
    ] {
        let body = Body::File {
            operation: Operation::OpenWrite,
            mount,
            path: Location {
                components: path,
                passed: b"",
            },
            target: Location::default(),
        };
        assert_eq!(told(header, body, None), expected);
    }
}

#[test]
fn privileges_and_names_have_a_text() {
    let mount = Body::Privilege {
        operation: lapwing_abi::ids::Privileged::Mount,
        argument: 0,
        path: Location {
            components: b"x\0",
            passed: b"",
        },
        name: b"tmpfs\0",
    };
    assert_eq!(
        told(Header::default(), mount, None),
        "privilege: {operation: MOUNT, detail: \"tmpfs at /x\"}"
    );
    let spelled = Spelled {
        name: "api.example.com".into(),
        kind: "AAAA".into(),
        many: false,
    };
    assert_eq!(
        line(asked(spelled)),
        "dns: {name: api.example.com, type: AAAA}"
    );
}

#[test]
fn an_image_says_what_is_known_of_its_file() {
    let (sure, unsure) = (0, flags::ORIGIN_UNSURE);
    for (origin, bits, file) in [
        (Wire::Image, sure, File::Named),
        (Wire::UpperLayer, sure, File::Drifted),
        (Wire::Unlinked, sure, File::Drifted),
        // Maybe an update removed it, long after it was executed.
        (Wire::Unlinked, unsure, File::Unsure),
        (Wire::Unknown, unsure, File::Named),
    ] {
        let body = Body::Exec {
            path: b"x\0",
            filename: b"",
            args: b"x\0",
            cwd: b"",
            origin,
        };
        let image = image(&record(bits, body)).unwrap();
        assert_eq!(image.file, file, "{origin:?} {bits}");
    }
}
