//! What ran before the agent came: as which of the profile's programs it is taken.
//!
//! The exec of such a program was not seen. Of what made it one behaviour or another, some is not
//! known any more, and what is not known is to be no violation and, where that can be, no excuse:
//!
//! - **The origin**, where the record says so. A layer that cannot be looked at, or a file that was
//!   removed, says nothing of how the program was executed. It is taken for what the profile
//!   approves of under the same path, from the image or a volume; where it approves of none, an
//!   unknown origin is taken for the image. That excuses a file which replaced one of those, as long
//!   as it runs: the hooks, who see the layer, report it the next time that it is executed. A
//!   container that closes its folders or keeps its program under another name can bring that
//!   about; where its files bar the way to the layer, it is counted as a loss. What learning takes
//!   up so is a line of the image's. A removed file stays what it is.
//! - **The invoked name**, where the first argument is no word, or all behind it is blank: services
//!   write their titles there (`nginx: master process`). No program of many is chosen by such
//!   words. It may be any that the profile approves of, with any script.
//! - **The script**, where the process has changed its name, or the way to it. It may be any that
//!   the profile approves of and that stands in the arguments.
//! - **The parent**, which is the process that has its place now: of a program whose parent ended,
//!   another one. A line under that very parent is the one that is meant. Where only others have
//!   the program, it is not known who executed it ([`lapwing_profile::lineage`]): it passes, and is
//!   no evidence for any of those lines. What a person refused under the parent that has its place
//!   stays refused.
//!
//! A program whose path the profile does not know is unknown in any case.

use lapwing_abi::decode::{Body, Record};
use lapwing_abi::ids::flags;
use lapwing_abi::state::EXEC_SEEDED;
use lapwing_profile::behaviour::{Behaviour, Exec, Origin, Parent};
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
    if exec.sha256.is_some() {
        return None; // What a file holds is known for sure or not at all.
    }
    let ran_before = record.header.exec & EXEC_SEEDED != 0;
    if !matches!(record.body, Body::Exec { .. }) || !ran_before {
        return None;
    }
    if profile.accepts(entry) || profile.is_refused(entry) {
        return None;
    }
    let doubt = Doubt {
        origin: record.header.flags & flags::ORIGIN_UNSURE != 0,
        name: is_title(exec, args),
        args,
    };
    let same: Vec<Entry> = programs(profile, exec)
        .filter(|(known, program)| known.phase == entry.phase && doubt.allows(program, exec))
        .map(|(known, _)| executed_by(known, &exec.parent))
        .collect();
    if let Some(first) = same.first() {
        let decided = same.iter().find(|line| profile.accepts(line));
        let decided = decided.or_else(|| same.iter().find(|line| profile.is_refused(line)));
        return Some(match decided {
            Some(line) => line.clone(),
            None => executed_by(first, &Parent::Unknown),
        });
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

/// The line of the same program under a parent.
fn executed_by(line: &Entry, parent: &Parent) -> Entry {
    let mut line = line.clone();
    if let Behaviour::Exec(exec) = &mut line.behaviour {
        exec.parent.clone_from(parent);
    }
    line
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
    use lapwing_profile::decide::By;
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

    const ANN: By<'_> = By {
        actor: "ann",
        reason: "reviewed",
        at: 2,
    };

    #[test]
    fn whose_parent_is_another_was_executed_by_nobody_knows_whom() {
        let learned = [
            "path: /bin/sh, parent: /bin/a",
            "path: /bin/sh, parent: /bin/b",
            "path: /bin/id, parent: /bin/b",
        ];
        let mut profile = profile(&learned);
        let take = |profile: &Profile, path: &str, name: Option<&str>, parent: &str| {
            let found = found(path, name, Origin::Image);
            let found = executed_by(&found, &Parent::from_text(parent.into()));
            let args = name.unwrap_or(path).split(' ').map(str::to_owned);
            taken_for(&record(0), &args.collect::<Vec<_>>(), profile, &found)
        };
        // A parent that has its place is no evidence for the lines of others.
        let unknown = entry("path: /bin/sh, parent: unknown");
        let taken = take(&profile, "/bin/sh", None, "/bin/c");
        assert_eq!(taken.as_ref(), Some(&unknown));
        assert!(profile.accepts(&unknown) && profile.record(&unknown).is_none());
        assert_eq!(take(&profile, "/bin/sh", None, "/bin/b"), None, "known");
        // A title is no name; who executed it is known all the same.
        let titled = |profile: &Profile, parent| take(profile, "/bin/sh", Some("sh…"), parent);
        assert_eq!(titled(&profile, "/bin/b"), Some(entry(learned[1])));
        assert_eq!(titled(&profile, "/bin/c"), Some(unknown.clone()));
        // A person's word about this very parent.
        let refused = entry("path: /bin/sh, parent: /bin/c");
        profile.refuse(&refused, ANN).unwrap();
        assert_eq!(take(&profile, "/bin/sh", None, "/bin/c"), None);
        assert_eq!(titled(&profile, "/bin/c"), Some(refused));
        assert_eq!(take(&profile, "/bin/sh", None, "/bin/d"), Some(unknown));
        // And about all but one.
        profile.approve(&entry(learned[2]), ANN).unwrap();
        profile.refuse(&entry("path: /bin/id"), ANN).unwrap();
        assert_eq!(take(&profile, "/bin/id", None, "/bin/b"), None, "approved");
        assert_eq!(take(&profile, "/bin/id", None, "/bin/a"), None, "refused");
    }
}
