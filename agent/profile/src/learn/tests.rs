//! What is learned of probes, beside what a workload does.

use super::*;
use crate::decide::By;
use crate::profile::PROBES_MAX;
use crate::workload::Workload;

const ANN: By<'_> = By {
    actor: "ann",
    reason: "",
    at: 1,
};

fn profile() -> Profile {
    Profile::new(Workload::default(), Mode::Learning)
}

fn see(profile: &mut Profile, line: &str) -> Outcome {
    let entry = Entry::parse(line).unwrap();
    profile.observe(&Sighting { entry, at: 1 })
}

fn deviation(outcome: Outcome) -> Option<Deviation> {
    match outcome {
        Outcome::Deviation(deviation) => Some(deviation),
        Outcome::Known | Outcome::Learned | Outcome::Full => None,
    }
}

/// A name without digits, of which no two are of one class.
fn word(mut number: usize) -> String {
    let mut word = String::from("w");
    for _ in 0..4 {
        word.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number /= 26;
    }
    word
}

#[test]
fn a_probe_that_does_something_else_each_time_leaves_room_for_the_workload() {
    let mut profile = profile();
    for number in 0..=20_000 {
        // Some of files, and some of names, which are kept elsewhere.
        let line = match number % 2 {
            0 => format!(
                "file: {{operation: CREATE, path: /data/{}, phase: probe}}",
                word(number)
            ),
            _ => format!(
                "dns: {{name: {}.test, type: A, phase: probe}}",
                word(number)
            ),
        };
        let outcome = see(&mut profile, &line);
        match number < PROBES_MAX {
            true => assert_eq!(outcome, Outcome::Learned, "{line}"),
            false => assert!(deviation(outcome).unwrap().pending, "{line}: {outcome:?}"),
        }
    }
    assert_eq!(profile.approved_len(), PROBES_MAX);
    // What was learned stays known, and counts after it was written and read.
    let first = "file: {operation: CREATE, path: /data/waaaa, phase: probe}";
    let one_more = "exec: {path: /bin/more, phase: probe}";
    let mut read = Profile::from_yaml(profile.to_yaml()).unwrap();
    for profile in [&mut profile, &mut read] {
        assert_eq!(see(profile, first), Outcome::Known);
        assert!(deviation(see(profile, one_more)).is_some());
        let main = "file: {operation: CREATE, path: /data/own}";
        assert_eq!(see(profile, main), Outcome::Learned);
        assert_eq!(see(profile, "exec: {path: /bin/more}"), Outcome::Learned);
    }
    // A person has the last word, which counts for no machine's.
    let entry = Entry::parse(one_more).unwrap();
    profile.approve(&entry, ANN).unwrap();
    assert_eq!(see(&mut profile, one_more), Outcome::Known);
    // One that is refused makes room for another.
    profile
        .refuse(
            &Entry::parse("dns: {name: wbaaa.test, type: A, phase: probe}").unwrap(),
            ANN,
        )
        .unwrap();
    assert_eq!(
        see(&mut profile, "exec: {path: /bin/another, phase: probe}"),
        Outcome::Learned
    );
}

#[test]
fn files_of_probes_come_under_patterns_of_their_own() {
    let mut profile = profile();
    for number in 0..16 {
        let line = format!("file: {{operation: CREATE, path: /run/{number}, phase: probe}}");
        see(&mut profile, &line);
    }
    let pattern = "file: {operation: CREATE, pattern: \"/run/{digits}\", phase: probe}";
    for mut profile in [Profile::from_yaml(profile.to_yaml()).unwrap(), profile] {
        let approved = profile.entries(Verdict::Approved);
        let approved: Vec<String> = approved.keys().map(Entry::to_string).collect();
        assert_eq!(approved, [Entry::parse(pattern).unwrap().to_string()]);
        let name = "file: {operation: CREATE, path: /run/99, phase: probe}";
        assert_eq!(see(&mut profile, name), Outcome::Known);
        // The workload makes none.
        let main = "file: {operation: CREATE, path: /run/99}";
        assert_eq!(see(&mut profile, main), Outcome::Learned);
        assert_eq!(profile.approved_len(), 2);
    }
}

#[test]
fn what_is_refused_to_whoever_enters_is_not_learned_of_probes() {
    let mut profile = profile();
    let refused = "exec: {path: /bin/nc, parent: runtime, phase: exec}";
    profile
        .refuse(&Entry::parse(refused).unwrap(), ANN)
        .unwrap();
    let of_probe = refused.replace("phase: exec", "phase: probe");
    assert!(deviation(see(&mut profile, &of_probe)).is_some());
    // Nothing else is meant.
    for other in [
        "exec: {path: /bin/nc, parent: runtime}",
        "exec: {path: /bin/sh, parent: runtime, phase: probe}",
    ] {
        assert_eq!(see(&mut profile, other), Outcome::Learned, "{other}");
    }
    // Nor where all of a program is refused.
    let refused = Entry::parse("exec: {path: /bin/id, phase: exec}").unwrap();
    profile.refuse(&refused, ANN).unwrap();
    let line = "exec: {path: /bin/id, parent: /bin/sh, phase: probe}";
    assert!(deviation(see(&mut profile, line)).is_some());
    let entry = Entry::parse(&of_probe).unwrap();
    profile.approve(&entry, ANN).unwrap();
    assert_eq!(see(&mut profile, &of_probe), Outcome::Known);
}

/// By which commands a container is entered its pod says, and no version of its image.
#[test]
fn probes_have_no_grace() {
    let mut profile = profile();
    profile.promote(ANN).unwrap();
    for (phase, expected) in [("main", true), ("probe", false), ("exec", false)] {
        let outcome = see(
            &mut profile,
            &format!("exec: {{path: /bin/ls, phase: {phase}}}"),
        );
        assert_eq!(deviation(outcome).unwrap().has_grace, expected, "{phase}");
    }
}
