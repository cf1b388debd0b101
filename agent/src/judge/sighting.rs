//! From a record to a behaviour, in the words of the container.

use crate::process::Image;
use lapwing_abi::decode::{Body, Record, join, path_from_components};
use lapwing_abi::ids::flags;
use lapwing_profile::behaviour::{Behaviour, Egress, Exec, FileChange, Protocol, invoked_name};
use lapwing_profile::text::canonical;

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

/// Stands before a path of which a part is missing, and for arguments that are missing. No whole
/// path starts so, because all start with a slash.
pub const CUT: &str = "\u{2026}";

/// A path as text, marked where `cut` of the record's flags are set.
fn marked(record: &Record<'_>, cut: u32, path: &[u8]) -> String {
    let text = canonical(path);
    if record.header.flags & cut == 0 {
        text
    } else {
        format!("{CUT}{text}")
    }
}

/// The image that an exec record makes.
#[must_use]
pub fn image(record: &Record<'_>) -> Option<Image> {
    match record.body {
        Body::Exec {
            path, args, cwd, ..
        } => Some(Image {
            exe: marked(record, flags::PATH_TRUNCATED, &path_from_components(path)),
            args: {
                let mut args = arguments(args);
                if record.header.flags & (flags::ARGS_TRUNCATED | flags::ARGS_UNREADABLE) != 0 {
                    args.push(CUT.to_owned());
                }
                args
            },
            cwd: marked(record, flags::CWD_PARTIAL, &path_from_components(cwd)),
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
            let path = marked(record, flags::PATH_TRUNCATED, &path_from_components(path));
            let args = image.map_or_else(|| arguments(args), |image| image.args.clone());
            let script = flag(flags::SCRIPT).then(|| {
                let passed = filename.strip_suffix(b"\0").unwrap_or(filename);
                canonical(&join(&path_from_components(cwd), passed))
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
                path: marked(
                    record,
                    flags::PATH_TRUNCATED | flags::USER_PATH_TRUNCATED,
                    &path.path(),
                ),
                target: renamed.then(|| {
                    let cut = flags::TARGET_TRUNCATED | flags::USER_PATH_TRUNCATED;
                    marked(record, cut, &target.path())
                }),
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
