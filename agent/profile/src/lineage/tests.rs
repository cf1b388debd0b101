use crate::compare::nearest;
use crate::decide::By;
use crate::diff::Diff;
use crate::entry::Entry;
use crate::learn::{Outcome, Sighting};
use crate::profile::{Mode, Profile, Verdict};
use crate::rule::{Rule, Severity};
use crate::workload::Workload;

const ANN: By<'_> = By {
    actor: "ann",
    reason: "reviewed",
    at: 2,
};

fn entry(fields: &str) -> Entry {
    Entry::parse(&format!("exec: {{{fields}}}")).unwrap()
}

fn see(profile: &mut Profile, fields: &str) -> Outcome {
    let entry = entry(fields);
    profile.observe(&Sighting { entry, at: 1 })
}

fn learned(lines: &[&str]) -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    for fields in lines {
        assert_eq!(see(&mut profile, fields), Outcome::Learned, "{fields}");
    }
    profile
}

fn monitoring(lines: &[&str]) -> Profile {
    let mut profile = learned(lines);
    profile.promote(ANN).unwrap();
    profile
}

/// The rule of a sighting; `None` if it is known.
fn rule(profile: &mut Profile, fields: &str) -> Option<(Rule, Severity)> {
    match see(profile, fields) {
        Outcome::Known => None,
        Outcome::Deviation(deviation) => Some((deviation.rule, deviation.severity)),
        other => panic!("{fields}: {other:?}"),
    }
}

fn approved(profile: &Profile) -> Vec<String> {
    let approved = profile.entries(Verdict::Approved);
    approved.keys().map(Entry::fields).collect()
}

#[test]
fn a_known_program_under_an_unknown_parent_is_a_matter_of_lineage() {
    let mut profile = monitoring(&[
        "path: /usr/sbin/nginx, parent: runtime",
        "path: /bin/sh, script: /entry.sh, parent: runtime",
        "path: /bin/sh, parent: /usr/bin/cron",
        "path: /usr/bin/id, parent: /bin/sh",
        "path: /bin/busybox, name: ls, parent: /bin/sh",
    ]);
    let lineage = |severity| Some((Rule::ExecLineage, severity));
    let unknown = Some((Rule::ExecUnknown, Severity::High));
    for (fields, expected) in [
        ("path: /bin/sh, parent: /usr/bin/cron", None),
        (
            "path: /bin/sh, parent: /usr/sbin/nginx",
            lineage(Severity::High),
        ),
        ("path: /bin/sh, parent: runtime", lineage(Severity::High)),
        (
            "path: /usr/bin/id, parent: /usr/sbin/nginx",
            lineage(Severity::Medium),
        ),
        (
            "path: /usr/bin/id, parent: \"drifted:/bin/sh\"",
            lineage(Severity::High),
        ),
        // What makes another program of it makes it unknown.
        ("path: /usr/bin/env, parent: /bin/sh", unknown),
        (
            "path: /bin/sh, script: /x.sh, parent: /usr/bin/cron",
            unknown,
        ),
        ("path: /bin/sh, parent: /usr/bin/cron, phase: exec", unknown),
        ("path: /bin/busybox, name: nc, parent: /bin/sh", unknown),
        (
            "path: /bin/sh, origin: VOLUME, parent: /usr/bin/cron",
            unknown,
        ),
        // What is never learned stays under its own rule, whoever executes it.
        (
            "path: /usr/bin/id, origin: UPPER_LAYER, parent: /bin/sh",
            Some((Rule::ExecDrift, Severity::Critical)),
        ),
        (
            "path: /bin/busybox, name: \u{2026}, parent: /bin/sh",
            unknown,
        ),
    ] {
        assert_eq!(rule(&mut profile, fields), expected, "{fields}");
    }
    let shell = entry("path: /bin/sh, parent: /usr/sbin/nginx");
    assert_eq!(
        nearest(&profile, &shell).as_deref(),
        Some("/bin/sh executed by /usr/bin/cron")
    );
    assert_eq!(
        shell.patch(),
        "- exec: {path: /bin/sh, parent: /usr/sbin/nginx}"
    );
    profile.approve(&shell, ANN).unwrap();
    assert_eq!(
        rule(&mut profile, "path: /bin/sh, parent: /usr/sbin/nginx"),
        None
    );
    assert_eq!(
        rule(&mut profile, "path: /bin/sh, parent: /usr/bin/id"),
        lineage(Severity::High)
    );
}

#[test]
fn a_line_without_a_parent_approves_every_one_and_counts_it() {
    let mut profile = monitoring(&["path: /bin/ls"]);
    for parent in ["runtime", "unknown", "/bin/sh", "\"detached:/memfd:x\""] {
        let fields = format!("path: /bin/ls, parent: {parent}");
        assert_eq!(rule(&mut profile, &fields), None, "{parent}");
    }
    let line = entry("path: /bin/ls");
    assert_eq!(profile.record(&line).unwrap().count, 5);
    profile.repeated(&entry("path: /bin/ls, parent: /x"), 7, 9);
    assert_eq!(profile.record(&line).unwrap().count, 12);
    assert_eq!(profile.len(), 1);
}

#[test]
fn an_unknown_parent_is_neither_reported_nor_approved() {
    let mut profile = monitoring(&["path: /bin/ls, parent: /bin/sh"]);
    assert_eq!(rule(&mut profile, "path: /bin/ls, parent: unknown"), None);
    let line = entry("path: /bin/ls, parent: /bin/sh");
    assert_eq!(
        profile.record(&line).unwrap().count,
        1,
        "whose it was is not known"
    );
    assert_eq!(
        rule(&mut profile, "path: /bin/id, parent: unknown"),
        Some((Rule::ExecUnknown, Severity::High))
    );
    // Seen for the first time so, it excuses its like alone.
    let mut profile = monitoring(&["path: /bin/ls, parent: unknown"]);
    assert_eq!(rule(&mut profile, "path: /bin/ls, parent: unknown"), None);
    assert_eq!(
        rule(&mut profile, "path: /bin/ls, parent: /bin/sh"),
        Some((Rule::ExecLineage, Severity::Medium))
    );
    // What is known already gets no line for it.
    let mut profile = learned(&["path: /bin/ls, parent: /bin/sh"]);
    assert_eq!(
        see(&mut profile, "path: /bin/ls, parent: unknown"),
        Outcome::Known
    );
    assert_eq!(approved(&profile), ["{path: /bin/ls, parent: /bin/sh}"]);
    // Nor what was refused under a parent that it may have had.
    let mut profile = learned(&[]);
    let refused = entry("path: /bin/ls, parent: /bin/sh");
    profile.refuse(&refused, ANN).unwrap();
    assert_eq!(
        rule(&mut profile, "path: /bin/ls, parent: unknown"),
        Some((Rule::ExecUnknown, Severity::High))
    );
}

#[test]
fn what_a_program_from_elsewhere_executes_is_not_learned() {
    for mark in ["drifted:/tmp/x", "detached:/memfd:x", "\u{2026}/deep/x"] {
        let mut profile = learned(&["path: /bin/ls, parent: /bin/sh"]);
        for (path, expected) in [
            ("/bin/ls", Rule::ExecLineage),
            ("/bin/id", Rule::ExecUnknown),
        ] {
            let found = rule(&mut profile, &format!("path: {path}, parent: \"{mark}\""));
            assert_eq!(found.unwrap().0, expected, "{mark}");
        }
        assert_eq!(profile.approved_len(), 1);
        assert_eq!(profile.pending_len(), 2);
    }
}

#[test]
fn a_refusal_of_a_program_takes_what_was_learned_and_not_what_was_decided() {
    let mut profile = learned(&[
        "path: /bin/sh, parent: /bin/a",
        "path: /bin/sh, parent: /bin/b",
    ]);
    let kept = entry("path: /bin/sh, parent: /bin/b");
    profile.approve(&kept, ANN).unwrap();
    profile.refuse(&entry("path: /bin/sh"), ANN).unwrap();
    let is = |profile: &Profile| {
        let accepts = |parent| profile.accepts(&entry(&format!("path: /bin/sh, parent: {parent}")));
        ["/bin/a", "/bin/b", "/bin/c", "unknown"].map(accepts)
    };
    assert_eq!(is(&profile), [false, true, false, false]);
    assert_eq!(approved(&profile), ["{path: /bin/sh, parent: /bin/b}"]);
    assert_eq!(profile.approved_len(), 1);
    for parent in ["/bin/a", "/bin/c"] {
        let found = rule(&mut profile, &format!("path: /bin/sh, parent: {parent}"));
        assert_eq!(
            found.unwrap().0,
            Rule::ExecLineage,
            "nor is it learned again"
        );
    }
    // It survives a file, and comes back with the refusal's end.
    let text = profile.to_yaml();
    let mut read = Profile::from_yaml(&text).unwrap();
    assert_eq!(read, profile);
    assert_eq!(is(&read), [false, true, false, false]);
    read.approve(&entry("path: /bin/sh"), ANN).unwrap();
    assert_eq!(is(&read), [true; 4]);
    // Nor does another replica bring it back.
    let mut other = learned(&["path: /bin/sh, parent: /bin/d"]);
    other.merge(&profile);
    assert!(!other.accepts(&entry("path: /bin/sh, parent: /bin/d")));
    // What a person writes into `spec` counts.
    let line = "    - {path: /bin/sh, parent: /bin/a}\n";
    let (head, tail) = text.split_at(text.find("    - {path: /bin/sh").unwrap());
    let edited = format!("{head}{line}{tail}");
    let mut written = Profile::from_yaml(&edited).unwrap();
    assert_eq!(is(&written), [true, true, false, false]);
    assert_eq!(Profile::from_yaml(written.to_yaml()).unwrap(), written);
    written.import(&profile, ANN).unwrap();
    assert_eq!(is(&written), [false, true, false, false]);
}

#[test]
fn a_difference_of_parents_is_one_of_width() {
    let wide = monitoring(&["path: /bin/sh"]);
    let narrow = monitoring(&["path: /bin/sh, parent: /bin/a"]);
    let other = monitoring(&["path: /bin/sh, parent: /bin/b"]);
    assert!(!Diff::between(&wide, &narrow).widens());
    let widens = Diff::between(&narrow, &wide);
    assert_eq!(widens.added, [entry("path: /bin/sh")]);
    assert!(Diff::between(&narrow, &other).widens());
}

#[test]
fn an_import_without_a_line_takes_what_was_overruled_too() {
    let mut profile = learned(&["path: /bin/sh, parent: /bin/a"]);
    let shell = entry("path: /bin/sh");
    profile.refuse(&shell, ANN).unwrap();
    let mut all = learned(&[]);
    all.approve(&shell, ANN).unwrap();
    profile.import(&all, ANN).unwrap();
    assert!(profile.accepts(&entry("path: /bin/sh, parent: /bin/a")));
    profile.import(&learned(&[]), ANN).unwrap();
    assert!(!profile.accepts(&entry("path: /bin/sh, parent: /bin/a")));
}

#[test]
fn a_profile_without_parents_goes_on_as_it_was() {
    let text = "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {name: web}\n  mode: Learning\n  exec:\n    - {path: /bin/ls}\n  files: []\n  egress: []\n  listen: []\n  dns: []\n  privileges: []\n";
    let mut profile = Profile::from_yaml(text).unwrap();
    assert_eq!(
        profile.to_spec(),
        text,
        "what was signed is what is written"
    );
    assert_eq!(
        see(&mut profile, "path: /bin/ls, parent: /bin/sh"),
        Outcome::Known
    );
    assert_eq!(
        see(&mut profile, "path: /bin/id, parent: /bin/sh"),
        Outcome::Learned
    );
    assert_eq!(
        approved(&profile),
        ["{path: /bin/id, parent: /bin/sh}", "{path: /bin/ls}"]
    );
}
