//! What ran before the agent came: as which of the profile's programs it is taken.
//!
//! The exec of such a program was not seen. Of what made it one behaviour or another, some is not
//! known any more, and what is not known must be neither a violation nor an excuse:
//!
//! - **The origin**, where the record says so. A layer that cannot be looked at, or a file that was
//!   removed, says nothing of how the program was executed. It is taken for what the profile
//!   approves of under the same path, from the image or a volume; where it approves of none, an
//!   unknown origin is taken for the image. Nothing is excused by that: what learning takes up
//!   so is a line of the image's, and the hooks, who see the layer, report a program at that path
//!   which is not from it the next time that it is executed. A removed file stays what it is.
//! - **The invoked name**, where the first argument is no word, or all behind it is blank: services
//!   write their titles there (`nginx: master process`). No program of many is chosen by such
//!   words. It may be any that the profile approves of, with any script.
//! - **The script**, where the process has changed its name, or the way to it. It may be any that
//!   the profile approves of and that stands in the arguments.
//! - **The parent**, which is the process that has its place now.
//!
//! A program whose path the profile does not know is unknown in any case.

use lapwing_abi::decode::{Body, Record};
use lapwing_abi::ids::flags;
use lapwing_abi::state::EXEC_SEEDED;
use lapwing_profile::behaviour::{Behaviour, Exec, Origin};
use lapwing_profile::compare::programs;
use lapwing_profile::entry::Entry;
use lapwing_profile::profile::Profile;
use lapwing_profile::text::CUT;

/// The entry as which a record's is taken; `None` where it is what it says.
pub fn taken_for(
    record: &Record<'_>,
    args: &[String],
    profile: &Profile,
    entry: &Entry,
) -> Option<Entry> {
    let Behaviour::Exec(exec) = &entry.behaviour else {
        return None;
    };
    let ran_before = record.header.exec & EXEC_SEEDED != 0;
    if !matches!(record.body, Body::Exec { .. }) || !ran_before || profile.accepts(entry) {
        return None;
    }
    let doubt = Doubt {
        origin: record.header.flags & flags::ORIGIN_UNSURE != 0,
        name: is_title(exec, args),
        args,
    };
    let known = programs(profile, exec)
        .find(|(known, program)| known.phase == entry.phase && doubt.allows(program, exec));
    if let Some((known, _)) = known {
        return Some(known.clone());
    }
    let mut likeliest = exec.clone();
    if doubt.origin && exec.origin == Origin::Unknown {
        likeliest.origin = Origin::Image;
    }
    if doubt.name {
        likeliest.name = None;
    }
    (likeliest != *exec).then(|| Entry {
        behaviour: likeliest.into(),
        phase: entry.phase,
    })
}

/// What is not known.
struct Doubt<'a> {
    origin: bool,
    name: bool,
    args: &'a [String],
}

impl Doubt<'_> {
    /// Whether what was found may be a known program.
    fn allows(&self, known: &Exec, found: &Exec) -> bool {
        let from = match known.origin {
            Origin::Image | Origin::Volume => self.origin,
            Origin::UpperLayer | Origin::Memfd | Origin::Unlinked | Origin::Unknown => false,
        };
        known.path == found.path
            && (known.origin == found.origin || from)
            && (self.name || known.name == found.name && self.is_script(known, found))
    }

    fn is_script(&self, known: &Exec, found: &Exec) -> bool {
        let Some(script) = &known.script else {
            return found.script.is_none();
        };
        known.script == found.script
            || self
                .args
                .iter()
                .skip(1)
                .take(2)
                .any(|arg| names(arg, script))
    }
}

/// Whether an argument names a script; a relative one may have meant a folder that is not the
/// process's any more.
fn names(arg: &str, script: &str) -> bool {
    if arg.starts_with('/') || arg.is_empty() {
        return arg == script;
    }
    let arg = arg.strip_prefix("./").unwrap_or(arg);
    script
        .strip_suffix(arg)
        .is_some_and(|folder| folder.ends_with('/'))
}

/// Whether the arguments are a title that a service gave itself. No program of many goes by such a
/// name: see [`lapwing_profile::name`].
fn is_title(exec: &Exec, args: &[String]) -> bool {
    let is_no_word = exec.name.as_ref().is_some_and(|name| name.ends_with(CUT));
    is_no_word || args.len() > 2 && args[1..].iter().all(String::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_abi::ids::{self, Phase};
    use lapwing_abi::record::Header;
    use lapwing_profile::profile::Mode;
    use lapwing_profile::workload::Workload;

    /// An exec of what ran before.
    fn record(flags: u32) -> Record<'static> {
        Record {
            header: Header {
                exec: EXEC_SEEDED | 7,
                flags,
                ..Header::default()
            },
            phase: Phase::Main,
            body: Body::Exec {
                path: b"",
                filename: b"",
                args: b"",
                cwd: b"",
                origin: ids::Origin::Image,
            },
        }
    }

    fn entry(text: &str) -> Entry {
        Entry::parse(&format!("exec: {{{text}}}")).unwrap()
    }

    /// A profile that has learned these.
    fn profile(known: &[&str]) -> Profile {
        let mut profile = Profile::new(Workload::default(), Mode::Learning);
        for text in known {
            let entry = entry(text);
            profile.observe(&lapwing_profile::learn::Sighting { entry, at: 1 });
        }
        profile
    }

    fn taken(known: &[&str], flags: u32, args: &str, found: &Entry) -> Option<Entry> {
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        taken_for(&record(flags), &args, &profile(known), found)
    }

    /// As the judge finds it, where no line can say it.
    fn found(path: &str, name: Option<&str>, origin: Origin) -> Entry {
        let mut entry = entry(&format!("path: {path}"));
        if let Behaviour::Exec(exec) = &mut entry.behaviour {
            exec.name = name.map(str::to_owned);
            exec.origin = origin;
        }
        entry
    }

    #[test]
    fn an_origin_that_cannot_be_told_is_no_violation_and_no_excuse() {
        let unsure = flags::ORIGIN_UNSURE;
        let learned = ["path: /app", "path: /vol/app, origin: VOLUME"];
        for (path, origin, flags, expected) in [
            ("/app", Origin::Unknown, unsure, Some(Origin::Image)),
            ("/vol/app", Origin::Unknown, unsure, Some(Origin::Volume)),
            ("/vol/app", Origin::Unlinked, unsure, Some(Origin::Volume)),
            // Of the image, as far as anybody knows; the profile does not know it.
            ("/new", Origin::Unknown, unsure, Some(Origin::Image)),
            ("/new", Origin::Unlinked, unsure, None),
            // What is known stays.
            ("/app", Origin::Unlinked, 0, None),
            ("/app", Origin::UpperLayer, 0, None),
            ("/app", Origin::Volume, 0, None),
            ("/app", Origin::Image, 0, None),
        ] {
            let entry = found(path, None, origin);
            let taken = taken(&learned, flags, path, &entry);
            let expected = expected.map(|origin| found(path, None, origin));
            assert_eq!(taken, expected, "{path} {origin:?}");
        }
        let mut record = record(unsure);
        let entry = found("/app", None, Origin::Unknown);
        assert!(taken_for(&record, &[], &profile(&learned), &entry).is_some());
        record.header.exec = 7;
        let taken = taken_for(&record, &[], &profile(&learned), &entry);
        assert_eq!(taken, None, "the hooks know what they say");
    }

    #[test]
    fn a_title_is_no_name_and_an_applet_is_one() {
        let learned = [
            "path: /usr/sbin/nginx",
            "path: /usr/bin/python3.12, name: python3, script: /usr/bin/gunicorn",
            "path: /bin/busybox, name: sleep",
        ];
        let take = |path, name: &str, args: &str| {
            let entry = found(path, Some(name), Origin::Image);
            taken(&learned, 0, args, &entry)
        };
        for (path, name, args, line) in [
            ("/usr/sbin/nginx", "nginx…", "nginx: master", 0),
            ("/usr/sbin/nginx", "worker", "worker   ", 0),
            ("/usr/sbin/nginx", "…", "", 0),
            ("/usr/bin/python3.12", "gunicorn…", "gunicorn: master", 1),
        ] {
            let expected = Some(entry(learned[line]));
            assert_eq!(take(path, name, args), expected, "{path} {name}");
        }
        for args in ["sh", "sh ", "sh -c id", "busybox sh"] {
            assert_eq!(take("/bin/busybox", "sh", args), None, "{args:?}");
        }
        // An unknown service is what its file says.
        let postgres = take("/usr/bin/postgres", "postgres…", "postgres: writer");
        assert_eq!(postgres, Some(entry("path: /usr/bin/postgres")));
    }

    #[test]
    fn a_script_is_found_in_the_arguments() {
        let learned = [
            "path: /bin/busybox, name: sh, script: /opt/run.sh",
            "path: /bin/busybox, name: ash, script: /opt/in/job",
        ];
        let take = |text: &str, args: &str| taken(&learned, 0, args, &entry(text));
        let (sh, ash) = (
            "path: /bin/busybox, name: sh",
            "path: /bin/busybox, name: ash",
        );
        for (text, args, line) in [
            (sh, "/bin/sh /opt/run.sh", Some(0)),
            (sh, "/bin/sh -eu /opt/run.sh x", Some(0)),
            (sh, "/bin/sh ./run.sh", Some(0)),
            (ash, "/bin/ash in/job", Some(1)),
            (ash, "/bin/ash job", Some(1)),
            (ash, "/bin/ash ob", None),
            (sh, "/bin/sh /run.sh", None),
            (sh, "/bin/sh -c id /opt/run.sh", None),
            (sh, "/bin/sh", None),
            (sh, "/bin/sh ", None),
            (ash, "/bin/ash /opt/run.sh", None),
        ] {
            let expected = line.map(|line: usize| entry(learned[line]));
            assert_eq!(take(text, args), expected, "{args}");
        }
        let other = "path: /bin/busybox, name: sh, script: /tmp/link";
        let taken = take(other, "/bin/sh /opt/run.sh");
        assert_eq!(taken, Some(entry(learned[0])), "the way to it was a link");
        let taken = take(other, "/bin/sh /tmp/link");
        assert_eq!(taken, None);
    }
}
