//! Profiles that older versions stored: what people decided, and what was learned, holds on.
//!
//! `older/*.yaml` has the form in which those versions wrote, `older/*.now.yaml` is what this one makes of
//! it when it stores it again.

use lapwing_profile::entry::Entry;
use lapwing_profile::learn::{Outcome, Sighting};
use lapwing_profile::profile::{Mode, Profile, Verdict};
use std::fs;
use std::path::Path;

fn entry(line: &str) -> Entry {
    Entry::parse(line).unwrap()
}

/// Reads a file of an older version; what is written of it now is what is committed, and is read as
/// the same.
fn taken_over(name: &str) -> Profile {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/older");
    let old = fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
    let profile = Profile::from_yaml(old).unwrap();
    let now = profile.to_yaml();
    let path = folder.join(format!("{name}.now.yaml"));
    if std::env::var_os("LAPWING_REGENERATE").is_some() {
        fs::write(&path, &now).unwrap();
    }
    assert_eq!(
        now,
        fs::read_to_string(&path).unwrap_or_default(),
        "{}: if a change of the form is meant, LAPWING_REGENERATE=1 writes it anew",
        path.display()
    );
    assert_eq!(Profile::from_yaml(now).unwrap(), profile);
    profile
}

/// The first form: programs without who executes them, files name by name, no evidence and no
/// provenance.
#[test]
fn before_patterns_parents_and_evidence() {
    let mut profile = taken_over("before-patterns");
    assert_eq!((profile.mode(), profile.revision()), (Mode::Monitoring, 3));
    assert_eq!((profile.approved_len(), profile.pending_len()), (8, 1));
    assert_eq!(profile.overflow(), 2);
    for (line, accepted) in [
        // A line without a parent stands for all, as it did.
        ("exec: {path: /usr/sbin/nginx, parent: /bin/sh}", true),
        (
            "exec: {path: /bin/busybox, name: date, parent: runtime}",
            true,
        ),
        (
            "exec: {path: /bin/busybox, name: sh, parent: runtime}",
            false,
        ),
        ("file: {operation: CREATE, path: /data/temp-1.rdb}", true),
        ("file: {operation: CREATE, path: /data/temp-3.rdb}", false),
        ("file: {operation: CREATE, path: /data/temp-666.rdb}", false),
        ("file: {operation: CREATE, path: /srv/approved}", true),
        (
            "egress: {protocol: TCP, address: 10.77.0.2, port: 8080}",
            true,
        ),
    ] {
        assert_eq!(profile.accepts(&entry(line)), accepted, "{line}");
    }
    let refused = entry("file: {operation: CREATE, path: /data/temp-666.rdb}");
    assert!(profile.entries(Verdict::Refused).contains_key(&refused));
    let date = entry("exec: {path: /bin/busybox, name: date}");
    assert_eq!(profile.record(&date).unwrap().count, 74);
    let sighting = Sighting {
        entry: entry("egress: {protocol: TCP, address: 10.77.0.3, port: 8080}"),
        at: 1,
    };
    assert!(matches!(profile.observe(&sighting), Outcome::Deviation(_)));
}

/// Names that it had learned become a pattern with those that come, as if they had been learned now;
/// what was refused stays out of it.
#[test]
fn names_of_old_files_become_patterns_when_it_learns_again() {
    let mut profile = taken_over("before-patterns");
    profile
        .demote(lapwing_profile::decide::By {
            actor: "ann",
            reason: "to learn patterns",
            at: 1,
        })
        .unwrap();
    for number in 3..20 {
        let line = format!("file: {{operation: CREATE, path: /data/temp-{number}.rdb}}");
        profile.observe(&Sighting {
            entry: entry(&line),
            at: 2,
        });
    }
    let pattern = entry("file: {operation: CREATE, pattern: \"/data/temp-{digits}.rdb\"}");
    assert_eq!(
        profile.names(&pattern).unwrap().count(),
        19,
        "{}",
        profile.to_yaml()
    );
    assert!(profile.accepts(&entry("file: {operation: CREATE, path: /data/temp-21.rdb}")));
    assert!(!profile.accepts(&entry(
        "file: {operation: CREATE, path: /data/temp-666.rdb}"
    )));
}
