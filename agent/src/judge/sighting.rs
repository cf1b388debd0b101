//! From a record to a behaviour, in the words of the container.

use crate::process::Image;
use lapwing_abi::decode::{Body, Record, join, path_from_components};
use lapwing_abi::ids::flags;
use lapwing_profile::behaviour::{Behaviour, Egress, Exec, FileChange, Protocol};
use lapwing_profile::name::invoked_name;
use lapwing_profile::text::{CUT, DETACHED, canonical};

/// What a record says, in canonical text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The behaviour.
    pub behaviour: Behaviour,
    /// For files: what they lie on.
    pub mount: Option<lapwing_abi::ids::Mount>,
    /// For files: whether the path is the caller's words.
    pub path_from_caller: bool,
}

/// Arguments, each ended by NUL, as canonical texts.
#[must_use]
pub fn arguments(args: &[u8]) -> Vec<String> {
    let args = args.strip_suffix(b"\0").unwrap_or(args);
    if args.is_empty() {
        return Vec::new();
    }
    args.split(|byte| *byte == 0).map(canonical).collect()
}

/// Flags that say of a path that it is not a whole path of the container.
#[derive(Clone, Copy)]
struct Marks {
    cut: u32,
    detached: u32,
}

/// Of the first path of a record.
const PATH: Marks = Marks {
    cut: flags::PATH_TRUNCATED | flags::USER_PATH_TRUNCATED,
    detached: flags::PATH_DETACHED,
};
/// Of the second.
const TARGET: Marks = Marks {
    cut: flags::TARGET_TRUNCATED | flags::USER_PATH_TRUNCATED,
    detached: flags::TARGET_DETACHED,
};
/// Of the working directory; one flag says both.
const CWD: Marks = Marks {
    cut: flags::CWD_PARTIAL,
    detached: 0,
};

/// A path as text, marked as the record's flags say.
fn marked(record: &Record<'_>, marks: Marks, path: &[u8]) -> String {
    let set = |bits| record.header.flags & bits != 0;
    let cut = if set(marks.cut) { CUT } else { "" };
    let detached = if set(marks.detached) { DETACHED } else { "" };
    format!("{detached}{cut}{}", canonical(path))
}

/// The image that an exec record makes.
#[must_use]
pub fn image(record: &Record<'_>) -> Option<Image> {
    match record.body {
        Body::Exec {
            path, args, cwd, ..
        } => Some(Image {
            exe: marked(record, PATH, &path_from_components(path)),
            args: {
                let mut args = arguments(args);
                if record.header.flags & flags::ARGS_UNREADABLE != 0 {
                    args.push(CUT.to_owned());
                } else if record.header.flags & flags::ARGS_TRUNCATED != 0 {
                    // On the argument that is cut: what is left of it must not pass for whole.
                    match args.last_mut() {
                        Some(last) => last.push_str(CUT),
                        None => args.push(CUT.to_owned()),
                    }
                }
                args
            },
            cwd: marked(record, CWD, &path_from_components(cwd)),
            pid: record.header.pid,
            issuer: record.header.issuer,
        }),
        Body::File { .. } | Body::Egress { .. } => None,
    }
}

/// The behaviour in a record. `image` is the one that acts; for an exec, the new one.
#[must_use]
pub fn seen(record: &Record<'_>, image: Option<&Image>) -> Seen {
    let flag = |bit| record.header.flags & bit != 0;
    let (behaviour, mount) = match record.body {
        Body::Exec {
            path,
            filename,
            args,
            cwd,
            origin,
        } => {
            let path = marked(record, PATH, &path_from_components(path));
            let args = image.map_or_else(|| arguments(args), |image| image.args.clone());
            let script = flag(flags::SCRIPT).then(|| {
                let passed = filename.strip_suffix(b"\0").unwrap_or(filename);
                if passed.starts_with(b"/") {
                    canonical(passed)
                } else {
                    marked(record, CWD, &join(&path_from_components(cwd), passed))
                }
            });
            let name = invoked_name(&path, &args);
            (
                Behaviour::Exec(Exec {
                    path,
                    name,
                    script,
                    origin: origin.into(),
                }),
                None,
            )
        }
        Body::File {
            operation,
            mount,
            path,
            target,
        } => {
            let renamed = operation == lapwing_abi::ids::Operation::Rename;
            let change = FileChange {
                operation: operation.into(),
                path: marked(record, PATH, &path.path()),
                target: renamed.then(|| marked(record, TARGET, &target.path())),
            };
            (Behaviour::File(change), Some(mount))
        }
        Body::Egress {
            protocol,
            address,
            port,
        } => {
            let protocol = Protocol::from_number(protocol);
            (
                Behaviour::Egress(Egress {
                    protocol,
                    address,
                    port,
                }),
                None,
            )
        }
    };
    Seen {
        behaviour,
        mount,
        path_from_caller: flag(flags::PATH_FROM_USER),
    }
}

#[cfg(test)]
mod tests {
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
        seen(&record, image(&record).as_ref())
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
            let entry = line(seen(&record(bits, rename), None));
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
        let renamed = seen(&record(flags::PATH_FROM_USER, rename), None);
        assert!(renamed.path_from_caller);
        assert_eq!(renamed.mount, Some(Mount::Image));
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
        let cut = seen(&record(flags::PATH_TRUNCATED, cut), None);
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
            line(seen(&record(0, open), None)),
            "file: {operation: OPEN_WRITE, path: /tmp/y}"
        );
    }
}
