//! What a candidate would have reported: programs with their parents, and much at once.

use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::replay::{Name, Replay, Times};
use lapwing_profile::workload::Workload;
use std::fmt::Write;
use std::time::{Duration, Instant};

const ANN: By<'_> = By {
    actor: "ann",
    reason: "reviewed",
    at: 1,
};
const LS: &str = "exec: {path: /bin/ls}";
const LS_BY_SH: &str = "exec: {path: /bin/ls, parent: /bin/sh}";
const LS_BY_NGINX: &str = "exec: {path: /bin/ls, parent: /usr/sbin/nginx}";
const SEEN: Times = Times {
    first: Some(1),
    last: 9,
    count: 3,
};

fn entry(line: &str) -> Entry {
    Entry::parse(line).unwrap()
}

fn workload() -> Workload {
    Workload {
        name: "web".into(),
        ..Workload::default()
    }
}

fn approving(lines: &[&str]) -> Profile {
    let mut profile = Profile::new(workload(), Mode::Monitoring);
    for line in lines {
        profile.approve(&entry(line), ANN).unwrap();
    }
    profile
}

fn seen(mut profile: Profile, lines: &[&str]) -> Profile {
    for line in lines {
        profile.observe(&Sighting {
            entry: entry(line),
            at: 5,
        });
    }
    profile
}

fn replay(live: &Profile, candidate: &Profile, names: &[&str]) -> Replay {
    let names: Vec<Entry> = names.iter().map(|line| entry(line)).collect();
    let names = names.iter().map(|entry| Name { entry, times: SEEN });
    live.replay(names, candidate, None)
}

/// What is reported, by rule and entry.
fn reported(replay: &Replay) -> Vec<(&'static str, String)> {
    let reported = replay.reported.iter();
    reported
        .map(|one| (one.class.rule.id(), one.entry.to_string()))
        .collect()
}

#[test]
fn a_known_program_under_another_parent_falls_under_the_rule_of_the_agent() {
    let live = Profile::new(workload(), Mode::Learning);
    let live = seen(live, &[LS_BY_SH, LS_BY_NGINX]);
    let found = replay(&live, &approving(&[LS_BY_SH]), &[]);
    assert_eq!(reported(&found), [("exec.lineage", LS_BY_NGINX.to_owned())]);
    let found = replay(&live, &approving(&[]), &[]);
    assert!(
        found
            .reported
            .iter()
            .all(|one| one.class.rule.id() == "exec.unknown")
    );
    assert_eq!(found.reported.len(), 2);
}

#[test]
fn a_line_without_a_parent_is_not_known_where_a_candidate_names_parents() {
    let live = seen(approving(&[LS]), &[LS_BY_SH, LS_BY_SH]);
    let narrow = approving(&[LS_BY_SH]);
    let found = replay(&live, &narrow, &[]);
    assert_eq!(reported(&found), []);
    assert_eq!((found.seen, found.open), (1, vec![entry(LS)]));
    // Somebody kept the parents: all of them are approved, or one is not.
    let found = replay(&live, &narrow, &[LS_BY_SH]);
    assert_eq!(
        (reported(&found), found.open),
        (Vec::new(), vec![entry(LS)])
    );
    let found = replay(&live, &narrow, &[LS_BY_SH, LS_BY_NGINX]);
    assert_eq!(reported(&found), [("exec.lineage", LS_BY_NGINX.to_owned())]);
    assert_eq!((found.reported[0].times, found.open), (SEEN, Vec::new()));
    // A program that the candidate does not know is reported, whoever executed it.
    let none = approving(&[]);
    let found = replay(&live, &none, &[]);
    assert_eq!(reported(&found), [("exec.unknown", LS.to_owned())]);
    assert_eq!((found.seen, found.reported[0].times.count), (1, 2));
    let found = replay(&live, &none, &[LS_BY_SH]);
    assert_eq!(reported(&found), [("exec.unknown", LS_BY_SH.to_owned())]);
    let found = replay(&live, &approving(&[LS]), &[LS_BY_SH]);
    assert_eq!((reported(&found), found.open), (Vec::new(), Vec::new()));
}

#[test]
fn many_patterns_and_many_names_are_looked_at_once_each() {
    const PATTERNS: usize = 1_000;
    const NAMES: usize = 4_000;
    let mut text = String::from(
        "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {name: web}\n  mode: Monitoring\n  files:\n",
    );
    let mut status = String::from("status:\n  seen:\n");
    for number in 0..PATTERNS {
        let pattern = format!("{{operation: CREATE, pattern: \"/data/{number}/*\"}}");
        writeln!(text, "    - {pattern}").unwrap();
        writeln!(
            status,
            "    - {{file: {pattern}, last: \"2026-11-23T10:00:00Z\", count: 1}}"
        )
        .unwrap();
    }
    let live = Profile::from_yaml(text + &status).unwrap();
    let names: Vec<Entry> = (0..NAMES)
        .map(|number| {
            let folder = number % PATTERNS;
            entry(&format!(
                "file: {{operation: CREATE, path: /data/{folder}/{number}}}"
            ))
        })
        .collect();
    let candidate = approving(&["file: {operation: CREATE, pattern: \"/data/**\"}"]);
    let names = || names.iter().map(|entry| Name { entry, times: SEEN });
    let begun = Instant::now();
    assert!(names().all(|name| candidate.accepts(name.entry) && live.accepts(name.entry)));
    let once = begun.elapsed().max(Duration::from_millis(1));
    let begun = Instant::now();
    let found = live.replay(names(), &candidate, None);
    let took = begun.elapsed();
    assert_eq!(
        (found.seen, found.reported.len(), found.open.len()),
        (PATTERNS + NAMES, 0, PATTERNS)
    );
    // Each name for each pattern takes a thousand times as long.
    assert!(took < once * 100, "{took:?}, and once {once:?}");
}
