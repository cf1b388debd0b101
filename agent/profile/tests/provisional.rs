//! What one instance alone taught excuses no other.

use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::evidence::window::{Moment, Opening, Window, id};
use lapwing_profile::learn::{Outcome, Sighting};
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
    assert!(!said.pending && said.has_grace);
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
fn what_one_taught_of_a_program_makes_it_known_to_no_other() {
    const OWN: &str = "exec: {path: /bin/sh, parent: /tmp/.x/miner}";
    const OTHER: &str = "exec: {path: /bin/sh, parent: /usr/sbin/nginx}";
    const UNKNOWN: &str = "exec: {path: /bin/sh, parent: unknown}";
    let mut profile = learned(4, |number| match number {
        2 => lines(&[LS, OWN]),
        _ => lines(&[LS]),
    });
    profile.promote(ANN).unwrap();
    // By whom nobody knows: it passes in the one that did it.
    assert_eq!(reported(&profile, UNKNOWN, 4), [0, 1, 3]);
    let report = |profile: &mut Profile| {
        let outcome = profile.observe(&Sighting {
            entry: entry(OTHER),
            at: 2,
        });
        match outcome {
            Outcome::Deviation(deviation) => (deviation.rule, deviation.severity),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(report(&mut profile), (Rule::ExecUnknown, Severity::High));
    // Once a person has approved of it, only its parent is strange.
    profile.approve(&entry(OWN), ANN).unwrap();
    assert!(reported(&profile, UNKNOWN, 4).is_empty());
    assert_eq!(report(&mut profile).0, Rule::ExecLineage);
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

#[test]
fn a_replay_tells_what_other_instances_would_be_reported_for() {
    let does = |number: usize| match number {
        0 => vec![LS.to_owned(), MINER.to_owned()],
        _ => vec![LS.to_owned()],
    };
    let live = learned(5, does);
    let none = std::iter::empty;
    let replay = live.replay(none(), &live, None);
    assert!(replay.reported.is_empty());
    assert_eq!(replay.lone, [entry(MINER)]);
    // What a person approves of excuses all.
    let mut decided = live.clone();
    decided.approve(&entry(MINER), ANN).unwrap();
    assert_eq!(live.replay(none(), &decided, None).lone, []);
    // What a candidate was never observed to do is not its own learning.
    let mut written = Profile::new(live.workload.clone(), Mode::Monitoring);
    written.import(&live, ANN).unwrap();
    assert_eq!(live.replay(none(), &written, None).lone, []);
}

/// An instance of a node that ran from one second to another, and what it did.
fn ran(profile: &mut Profile, number: usize, node: u32, (from, to): (i64, i64), does: &[&str]) {
    const SECOND: i64 = 1_000_000_000;
    let moment = |at: i64| Moment {
        boot: (at * SECOND) as u64,
        wall: at * SECOND,
    };
    let opening = Opening {
        id: instance(number),
        node,
        started: Some((from * SECOND) as u64),
        slot: 300 * SECOND as u64,
    };
    let mut window = Window::open(opening, None, moment(from));
    for line in does {
        let entry = entry(line);
        profile.observe(&Sighting {
            entry: entry.clone(),
            at: from * SECOND,
        });
        profile.witness(&mut window, &entry, (from * SECOND) as u64);
    }
    window.advance(moment(to));
    profile.attend(&window);
}

/// Two clean replicas, and one that is started so often and does something each time.
fn restarted(times: i64, node: impl Fn(i64) -> u32) -> Profile {
    let mut profile = learned(0, |_| Vec::new());
    for number in 0..2 {
        ran(&mut profile, number, 1, (0, 1000 * times), &[LS]);
    }
    for start in 0..times {
        let span = (1000 * start, 1000 * start + 990);
        ran(
            &mut profile,
            10 + start as usize,
            node(start),
            span,
            &[LS, MINER],
        );
    }
    profile
}

#[test]
fn a_replica_that_is_started_again_confirms_nothing() {
    // Often enough that its instances are the most.
    for times in [2, 3, 5, 7] {
        let mut profile = restarted(times, |_| 1);
        profile.promote(ANN).unwrap();
        let profile = Profile::from_yaml(profile.to_yaml()).unwrap();
        let spread = profile.spread(&entry(MINER)).unwrap();
        assert_eq!((spread.shown, spread.of), (1, 3), "{times}");
        assert!(profile.is_lone(&entry(MINER)) && !profile.is_provisional(&entry(LS)));
        let others = reported(&profile, MINER, 3);
        assert_eq!(others, [0, 1, 2], "{times}");
        assert!(
            profile
                .provisional(&entry(MINER), || instance(999))
                .is_some()
        );
    }
    // More often than an entry remembers: what all showed is never taken for one replica's.
    for times in [8, 20, 60] {
        let mut profile = restarted(times, |_| 1);
        profile.promote(ANN).unwrap();
        assert!(!profile.is_provisional(&entry(LS)), "{times}");
    }
    let mut profile = restarted(2, |_| 1);
    profile.promote(ANN).unwrap();
    let own = |number| {
        profile
            .provisional(&entry(MINER), || instance(number))
            .is_none()
    };
    assert!(own(10) && own(11), "what it did itself passes in it");
}

#[test]
fn another_replica_that_runs_at_the_same_time_does() {
    let mut profile = restarted(3, |_| 1);
    ran(&mut profile, 20, 1, (500, 600), &[MINER]);
    profile.promote(ANN).unwrap();
    assert!(!profile.is_lone(&entry(MINER)));
    assert!(reported(&profile, MINER, 3).is_empty());
}

#[test]
fn clocks_of_two_nodes_may_differ() {
    // It moved, and the clock of its new node is behind: both seem to have run for some seconds.
    let of = |beyond: i64| {
        let mut profile = restarted(1, |_| 1);
        let span = (990 - beyond, 1500);
        ran(&mut profile, 11, 2, span, &[MINER]);
        profile.promote(ANN).unwrap();
        profile.is_lone(&entry(MINER))
    };
    assert!(of(30), "half a minute is no witness");
    assert!(!of(90), "a minute and a half is");
}

#[test]
fn restarts_of_the_only_replica_count_as_they_come() {
    let mut profile = learned(0, |_| Vec::new());
    for start in 0..4 {
        let does: &[&str] = if start < 2 { &[LS, MINER] } else { &[LS] };
        let span = (1000 * start, 1000 * start + 990);
        ran(&mut profile, start as usize, 1, span, does);
    }
    profile.promote(ANN).unwrap();
    assert!(
        !profile.is_lone(&entry(MINER)),
        "two starts of four showed it"
    );
}

/// Three that ran at one time came from two nodes, beside more than are remembered: whoever is joined
/// first, the same is known of them.
#[test]
fn several_are_known_in_whatever_order_they_are_joined() {
    let part = |together: &[usize], alone: std::ops::Range<usize>| {
        let mut profile = learned(0, |_| Vec::new());
        for number in together {
            ran(&mut profile, *number, 1, (0, 100), &[LS, MINER]);
        }
        for number in alone {
            let from = 1000 * (1 + number as i64);
            ran(&mut profile, number, 1, (from, from + 9), &[LS]);
        }
        profile
    };
    // Those with the greatest ids are forgotten first.
    let mut last: Vec<usize> = (0..80).collect();
    last.sort_by_key(|number| std::cmp::Reverse(instance(*number)));
    let (one, other) = (part(&last[..2], 0..40), part(&last[2..3], 40..80));
    let joined = |a: &Profile, b: &Profile| {
        let mut joined = a.clone();
        joined.merge(b);
        joined
    };
    let (forth, back) = (joined(&one, &other), joined(&other, &one));
    assert_eq!(forth.observed(), back.observed());
    let miner = entry(MINER);
    assert_eq!(forth.spread(&miner), back.spread(&miner));
    let read = Profile::from_yaml(forth.to_yaml()).unwrap();
    assert_eq!(read.observed(), forth.observed());
    // Of three that are remembered it is known, wherever they were seen.
    let first: Vec<usize> = last.iter().rev().copied().take(3).collect();
    let (one, other) = (part(&first[..2], 0..0), part(&first[2..], 0..0));
    assert!(joined(&one, &other).observed().several());
    assert!(
        joined(&joined(&one, &other), &part(&[], 0..80))
            .observed()
            .several()
    );
    assert!(!one.observed().several());
}

/// Nor does what is done as by a probe of one replica.
#[test]
fn a_probe_of_one_instance_alone_excuses_no_other() {
    let line = "exec: {path: /bin/check, phase: probe}";
    let one = learned(10, |number| match number {
        0 => vec![LS.to_owned(), line.to_owned()],
        _ => vec![LS.to_owned()],
    });
    assert!(one.is_provisional(&entry(line)));
    let mut one = one;
    one.promote(ANN).unwrap();
    assert_eq!(reported(&one, line, 10), (1..10).collect::<Vec<_>>());
    let all = learned(10, |_| vec![line.to_owned()]);
    assert!(!all.is_provisional(&entry(line)));
}
