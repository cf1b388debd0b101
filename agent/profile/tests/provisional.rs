//! What one instance alone taught excuses no other.

use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::evidence::window::{Moment, Opening, Window, id};
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::rule::{Rule, Severity};
use lapwing_profile::workload::Workload;

const ANN: By<'_> = By {
    actor: "ann",
    reason: "reviewed",
    at: 1,
};
const LS: &str = "exec: {path: /bin/ls}";
const MINER: &str = "exec: {path: /tmp/.x/miner}";

fn entry(line: &str) -> Entry {
    Entry::parse(line).unwrap()
}

/// A number of instances, of which each does what is said.
fn learned(of: usize, does: impl Fn(usize) -> Vec<String>) -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    for number in 0..of {
        let opening = Opening {
            id: instance(number),
            node: 1,
            started: Some(0),
            slot: 1_000_000_000,
        };
        let mut window = Window::open(opening, None, Moment { boot: 0, wall: 0 });
        for line in does(number) {
            let entry = entry(&line);
            profile.observe(&Sighting {
                entry: entry.clone(),
                at: 1,
            });
            profile.witness(&mut window, &entry, 1);
        }
        profile.attend(&window);
    }
    profile
}

fn instance(number: usize) -> u32 {
    id(&[&number.to_le_bytes()])
}

/// Those of the first instances that are reported for it.
fn reported(profile: &Profile, line: &str, of: usize) -> Vec<usize> {
    let entry = entry(line);
    assert!(profile.accepts(&entry), "{line}");
    let is_reported = |number: &usize| profile.provisional(&entry, || instance(*number)).is_some();
    (0..of).filter(is_reported).collect()
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

#[test]
fn a_poisoned_replica_does_not_teach_the_rest() {
    let mut profile = learned(4, |number| match number {
        2 => lines(&[LS, MINER]),
        _ => lines(&[LS]),
    });
    assert!(reported(&profile, MINER, 4).is_empty(), "it still learns");
    profile.promote(ANN).unwrap();
    assert!(profile.is_lone(&entry(MINER)) && !profile.is_lone(&entry(LS)));
    assert_eq!(profile.provisional_len(), 1);
    assert_eq!(reported(&profile, MINER, 6), [0, 1, 3, 4, 5]);
    assert!(reported(&profile, LS, 6).is_empty());
    let said = profile.provisional(&entry(MINER), || 0).unwrap();
    assert_eq!(
        (said.rule, said.severity),
        (Rule::ExecUnknown, Severity::High)
    );
    assert!(!said.pending && !said.has_grace);
    // It stands in the file, and a file that says less excuses more to nobody's surprise: no
    // evidence is no witness against it.
    let read = Profile::from_yaml(profile.to_yaml()).unwrap();
    assert_eq!(reported(&read, MINER, 4), [0, 1, 3]);
    let spec = Profile::from_yaml(profile.to_spec()).unwrap();
    assert!(reported(&spec, MINER, 4).is_empty());
    // A person confirms it.
    profile.approve(&entry(MINER), ANN).unwrap();
    assert!(reported(&profile, MINER, 4).is_empty());
    assert_eq!(profile.provisional_len(), 0);
}

#[test]
fn a_second_instance_confirms_it_while_learning_and_not_after() {
    let mut profile = learned(10, |number| match number {
        2 | 3 => lines(&[LS, MINER]),
        _ => lines(&[LS]),
    });
    profile.promote(ANN).unwrap();
    assert!(profile.is_provisional(&entry(MINER)), "two of ten: listed");
    assert!(!profile.is_lone(&entry(MINER)));
    assert!(reported(&profile, MINER, 10).is_empty());

    let mut profile = learned(10, |number| match number {
        2 => lines(&[LS, MINER]),
        _ => lines(&[LS]),
    });
    profile.promote(ANN).unwrap();
    for at in 0..3 {
        profile.observe(&Sighting {
            entry: entry(MINER),
            at,
        });
    }
    assert_eq!(reported(&profile, MINER, 4), [0, 1, 3]);
}

#[test]
fn half_of_the_instances_are_no_minority() {
    for of in 1..=4 {
        let mut profile = learned(of, |number| match number {
            0 => lines(&[LS, MINER]),
            _ => lines(&[LS]),
        });
        profile.promote(ANN).unwrap();
        assert_eq!(!reported(&profile, MINER, of).is_empty(), of > 2, "of {of}");
    }
}

#[test]
fn files_stand_or_fall_with_what_excuses_them() {
    let create = |name: &str| format!("file: {{operation: CREATE, path: {name}}}");
    let mut profile = learned(5, |number| match number {
        1 => (0..16)
            .map(|name| create(&format!("/tmp/{name}")))
            .collect(),
        2 => vec![create("/data/lone")],
        _ => vec![create("/data/shared")],
    });
    profile.promote(ANN).unwrap();
    for (path, excused) in [
        ("/tmp/3", vec![1]),
        ("/tmp/4711", vec![1]),
        ("/data/lone", vec![2]),
        ("/data/shared", vec![0, 1, 2, 3, 4]),
    ] {
        for operation in ["CREATE", "OPEN_WRITE"] {
            let line = format!("file: {{operation: {operation}, path: {path}}}");
            let others: Vec<usize> = (0..5).filter(|number| !excused.contains(number)).collect();
            assert_eq!(reported(&profile, &line, 5), others, "{line}");
        }
    }
    let pattern = entry("file: {operation: CREATE, pattern: \"/tmp/{digits}\"}");
    profile.approve(&pattern, ANN).unwrap();
    assert!(reported(&profile, &create("/tmp/4711"), 5).is_empty());
}
