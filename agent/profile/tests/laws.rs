//! What must hold of every profile, whatever was seen and decided.

mod entries;
mod sources;

use entries::{entry, parent};
use lapwing_profile::behaviour::{Behaviour, Exec, FileChange, Kind, Operation, Origin, Parent};
use lapwing_profile::compare::nearest;
use lapwing_profile::decide::By;
use lapwing_profile::diff::Diff;
use lapwing_profile::entry::{Entry, Phase};
use lapwing_profile::evidence::window::{Moment, Opening, Window};
use lapwing_profile::fingerprint;
use lapwing_profile::learn::{Outcome, Sighting};
use lapwing_profile::profile::{Mode, Profile, Verdict};
use lapwing_profile::rule::{self, Rule};
use lapwing_profile::workload::Workload;
use proptest::prelude::*;
use sources::{Origin as From, source};
use std::collections::BTreeMap;

fn workload() -> Workload {
    Workload {
        kind: "Image".into(),
        name: "shop/web".into(),
        container: "app".into(),
        ..Workload::default()
    }
}

#[derive(Clone, Debug)]
enum Step {
    See(Entry, i64),
    /// Something that may be known comes from there.
    Attribute(Entry, From),
    Approve(Entry),
    Refuse(Entry),
    Promote,
    Review(bool),
    /// An instance does something, so long after the step before, in seconds.
    Do(u32, Entry, u64, From),
    Gap(i64),
    /// A profile that learns and approves of these.
    Import(Vec<Entry>),
}

fn step() -> impl Strategy<Value = Step> {
    // On the heap: values of many kinds side by side are more than a test's stack holds.
    let entry = || entry().boxed();
    prop_oneof![
        12 => (entry(), 0..1_000_000_000_000_i64).prop_map(|(entry, at)| Step::See(entry, at)),
        1 => entry().prop_map(Step::Approve),
        1 => entry().prop_map(Step::Refuse),
        1 => Just(Step::Promote),
        1 => any::<bool>().prop_map(Step::Review),
        12 => (0..80_u32, entry(), 0..40_u64, source())
            .prop_map(|(id, entry, after, from)| Step::Do(id, entry, after, from)),
        6 => (entry(), source()).prop_map(|(entry, from)| Step::Attribute(entry, from)),
        1 => (0..1_000_000_000_000_i64).prop_map(Step::Gap),
        1 => prop::collection::vec(entry(), 0..4).prop_map(Step::Import),
    ]
}

fn run(steps: &[Step]) -> Profile {
    let mut profile = Profile::new(workload(), Mode::Learning);
    let by = By {
        actor: "ann: #1",
        reason: "because \"I\" say so\n",
        at: 7,
    };
    let mut windows: BTreeMap<u32, Window> = BTreeMap::new();
    let mut now = Moment { boot: 0, wall: 0 };
    for step in steps {
        let before = profile.clone();
        match step {
            Step::See(entry, at) => {
                profile.observe(&Sighting {
                    entry: entry.clone(),
                    at: *at,
                });
            }
            Step::Approve(entry) => profile.approve(entry, by).unwrap(),
            Step::Refuse(entry) => profile.refuse(entry, by).unwrap(),
            Step::Import(entries) => {
                let mut given = Profile::new(workload(), Mode::Learning);
                for entry in entries {
                    given.approve(entry, by).unwrap();
                }
                profile.import(&given, by).unwrap();
            }
            Step::Attribute(entry, from) => drop(from.attribute(&mut profile, entry)),
            Step::Do(id, entry, after, from) => {
                now.boot += after * 1_000_000_000;
                now.wall = now.boot as i64;
                let opening = Opening {
                    id: id << 16,
                    node: id % 3,
                    started: (id % 2 == 0).then_some(now.boot),
                    slot: 30_000_000_000,
                };
                let known = profile.observed().of(opening.id).copied();
                let window = (windows.entry(*id))
                    .or_insert_with(|| Window::open(opening, known.as_ref(), now));
                window.advance(now);
                profile.observe(&Sighting {
                    entry: entry.clone(),
                    at: now.wall,
                });
                profile.witness(window, entry, now.boot);
                from.attribute(&mut profile, entry);
                profile.attend(window);
            }
            Step::Gap(at) => profile.gap(*at),
            // Where it is there already, nothing changes.
            Step::Review(incomplete) => drop(profile.review(*incomplete, by)),
            // The second time it is monitoring already.
            Step::Promote => drop(profile.promote(by)),
        }
        // Whoever merges the two takes the later for the later.
        assert_eq!(merged(&before, &profile), profile, "{step:?}");
    }
    profile
}

fn profile() -> impl Strategy<Value = Profile> {
    prop::collection::vec(step(), 0..24).prop_map(|steps| run(&steps))
}

fn merged(a: &Profile, b: &Profile) -> Profile {
    let mut joined = a.clone();
    joined.merge(b);
    joined
}

/// The line of the same program that says nothing of a parent.
fn parentless(entry: &Entry) -> Option<Entry> {
    let mut line = entry.clone();
    match &mut line.behaviour {
        Behaviour::Exec(exec) => exec.parent = Parent::Any,
        _ => return None,
    }
    Some(line)
}

proptest! {
    /// What is said of a program by name stands above what is said of it under every parent, and
    /// a parent that is not known is no reason for a report.
    #[test]
    fn parents_are_known_by_name_or_not_at_all(
        profile in profile(),
        phase in prop::sample::select(Phase::ALL),
        parents in prop::collection::vec(parent(), 1..6),
    ) {
        let line = |parent: &Parent| {
            let mut entry = exec("/bin/sh", None);
            if let Behaviour::Exec(exec) = &mut entry.behaviour {
                exec.parent = parent.clone();
            }
            entry.phase = phase;
            entry
        };
        let approved = profile.entries(Verdict::Approved);
        let of_program = || approved.keys().filter(|it| parentless(it) == Some(line(&Parent::Any)));
        let known = of_program().count() > 0;
        let by_several = of_program().any(|it| !profile.is_lone(it));
        let decided = |entry: &Entry| {
            profile.record(entry).filter(|it| it.revision > 0).map(|it| it.verdict)
        };
        let any = profile.accepts(&line(&Parent::Any));
        let refused = decided(&line(&Parent::Any)) == Some(Verdict::Refused);
        for parent in parents {
            let entry = line(&parent);
            let by_name = approved.contains_key(&entry);
            let expected = match decided(&entry) {
                Some(Verdict::Refused) => false,
                Some(Verdict::Approved) => true,
                _ if refused => false,
                _ => by_name || any || parent == Parent::Unknown && known,
            };
            prop_assert_eq!(profile.accepts(&entry), expected, "{}", entry);
            let mut profile = profile.clone();
            drop(profile.promote(ANN));
            if let Outcome::Deviation(deviation) = see(&mut profile, &entry) {
                prop_assert!(!expected);
                let rule = if by_several { Rule::ExecLineage } else { Rule::ExecUnknown };
                prop_assert_eq!(deviation.rule, rule, "{}", entry);
                prop_assert!(parent != Parent::Unknown || !known || refused || decided(&entry).is_some());
            } else {
                prop_assert!(expected, "{}", entry);
            }
        }
    }

    #[test]
    fn what_is_learned_is_accepted(entries in prop::collection::vec(entry(), 1..20)) {
        let mut profile = Profile::new(workload(), Mode::Learning);
        for (at, entry) in entries.iter().enumerate() {
            let sighting = Sighting { entry: entry.clone(), at: at as i64 };
            match profile.observe(&sighting) {
                Outcome::Learned | Outcome::Known => {
                    prop_assert!(profile.accepts(entry));
                    prop_assert_eq!(profile.observe(&sighting), Outcome::Known);
                }
                Outcome::Deviation(deviation) => {
                    prop_assert!(deviation.pending);
                    prop_assert!(!profile.accepts(entry));
                    let class = rule::classify(&entry.behaviour);
                    prop_assert!(!class.learnable || entry.phase != Phase::Main);
                }
                Outcome::Full => prop_assert!(false, "twenty entries fill no profile"),
            }
        }
    }

    #[test]
    fn monitoring_learns_nothing(profile in profile(), entry in entry()) {
        let mut profile = profile;
        // It may be monitoring already.
        drop(profile.promote(By { actor: "a", reason: "r", at: 0 }));
        let before = profile.entries(Verdict::Approved).into_keys().collect::<Vec<_>>();
        let accepted = profile.accepts(&entry);
        let outcome = profile.observe(&Sighting { entry: entry.clone(), at: 1 });
        let after = profile.entries(Verdict::Approved).into_keys().collect::<Vec<_>>();
        prop_assert_eq!(before, after);
        match outcome {
            Outcome::Known => prop_assert!(accepted),
            Outcome::Deviation(deviation) => {
                prop_assert!(!accepted && !deviation.pending);
                let patch = Entry::parse(&entry.patch()).unwrap();
                prop_assert_eq!(&patch, &entry);
                // The patch is enough.
                profile.approve(&patch, By { actor: "a", reason: "r", at: 0 }).unwrap();
                prop_assert!(profile.accepts(&entry));
            }
            Outcome::Learned | Outcome::Full => prop_assert!(false, "{outcome:?}"),
        }
    }

    #[test]
    fn every_entry_has_one_text_and_one_fingerprint(a in entry(), b in entry()) {
        prop_assert_eq!(&Entry::parse(&a.to_string()).unwrap(), &a);
        let of = |entry: &Entry| {
            fingerprint::of(&workload(), rule::classify(&entry.behaviour).rule, entry)
        };
        prop_assert_eq!(a == b, a.to_string() == b.to_string());
        prop_assert_eq!(a == b, of(&a) == of(&b));
    }

    #[test]
    fn counts_are_those_of_the_kinds(profile in profile()) {
        let counts = profile.approved_by_kind();
        prop_assert_eq!(counts.iter().sum::<usize>(), profile.approved_len());
        for (kind, count) in Kind::ALL.iter().zip(counts) {
            let approved = profile.entries(Verdict::Approved);
            let of_kind = approved.keys().filter(|entry| entry.kind() == kind.word());
            prop_assert_eq!(of_kind.count(), count);
        }
    }

    #[test]
    fn merging_is_commutative(a in profile(), b in profile()) {
        prop_assert_eq!(merged(&a, &b).to_yaml(), merged(&b, &a).to_yaml());
    }

    #[test]
    fn merging_is_associative(a in profile(), b in profile(), c in profile()) {
        prop_assert_eq!(
            merged(&merged(&a, &b), &c).to_yaml(),
            merged(&a, &merged(&b, &c)).to_yaml()
        );
    }

    #[test]
    fn merging_is_idempotent(a in profile(), b in profile()) {
        prop_assert_eq!(&merged(&a, &a), &a);
        let once = merged(&a, &b);
        prop_assert_eq!(&merged(&once, &b), &once);
    }

    #[test]
    fn merging_keeps_what_was_learned(a in profile(), b in profile()) {
        let joined = merged(&a, &b);
        for side in [&a, &b] {
            for entry in side.entries(Verdict::Approved).keys() {
                let is_decided = |entry: &Entry| {
                    joined.record(entry).is_some_and(|record| record.revision > 0)
                };
                let decided = is_decided(entry) || parentless(entry).is_some_and(|it| is_decided(&it));
                prop_assert!(joined.accepts(entry) || decided, "{}", entry);
            }
        }
    }

    #[test]
    fn files_read_as_they_are_written(profile in profile()) {
        let text = profile.to_yaml();
        let read = Profile::from_yaml(&text).unwrap();
        prop_assert_eq!(read.to_yaml(), text);
        prop_assert_eq!(read, profile);
    }

    #[test]
    fn a_difference_is_what_it_says(a in profile(), b in profile()) {
        let diff = Diff::between(&a, &b);
        prop_assert!(diff.added.iter().all(|entry| b.accepts(entry) && !a.accepts(entry)));
        prop_assert!(diff.removed.iter().all(|entry| a.accepts(entry) && !b.accepts(entry)));
        prop_assert!(Diff::between(&a, &a).is_empty());
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        // Most is refused; none may panic.
        drop(Profile::from_yaml(&text));
        drop(Entry::parse(&text));
    }
}

fn exec(path: &str, name: Option<&str>) -> Entry {
    Entry {
        behaviour: Exec {
            path: path.into(),
            name: name.map(Into::into),
            script: None,
            origin: Origin::Image,
            parent: Parent::Any,
            sha256: None,
        }
        .into(),
        phase: Phase::Main,
    }
}

fn see(profile: &mut Profile, entry: &Entry) -> Outcome {
    profile.observe(&Sighting {
        entry: entry.clone(),
        at: 1,
    })
}

const ANN: By<'_> = By {
    actor: "ann",
    reason: "reviewed",
    at: 2,
};

#[test]
fn learning_sleep_does_not_approve_sh() {
    let mut profile = Profile::new(workload(), Mode::Learning);
    assert_eq!(
        see(&mut profile, &exec("/bin/busybox", Some("sleep"))),
        Outcome::Learned
    );
    profile.promote(ANN).unwrap();
    let shell = exec("/bin/busybox", Some("sh"));
    let Outcome::Deviation(found) = see(&mut profile, &shell) else {
        panic!("the shell passed");
    };
    assert_eq!(found.rule, Rule::ExecUnknown);
    assert_eq!(
        nearest(&profile, &shell).as_deref(),
        Some("/bin/busybox (sleep)")
    );
    assert_eq!(shell.patch(), "- exec: {path: /bin/busybox, name: sh}");
}

#[test]
fn a_refused_entry_is_not_learned_again() {
    let mut profile = Profile::new(workload(), Mode::Learning);
    let curl = exec("/usr/bin/curl", None);
    profile.refuse(&curl, ANN).unwrap();
    assert!(matches!(see(&mut profile, &curl), Outcome::Deviation(_)));
    assert!(!profile.accepts(&curl));
}

#[test]
fn a_file_that_may_be_made_may_be_written() {
    let mut profile = Profile::new(workload(), Mode::Learning);
    let file = |operation| Entry {
        behaviour: FileChange::new(operation, "/data/x").into(),
        phase: Phase::Main,
    };
    see(&mut profile, &file(Operation::Create));
    profile.promote(ANN).unwrap();
    assert_eq!(
        see(&mut profile, &file(Operation::OpenWrite)),
        Outcome::Known
    );
    assert!(matches!(
        see(&mut profile, &file(Operation::Delete)),
        Outcome::Deviation(_)
    ));
}

#[test]
fn what_enters_from_outside_is_not_learned_and_not_excused() {
    let mut profile = Profile::new(workload(), Mode::Learning);
    let shell = exec("/bin/busybox", Some("sh"));
    see(&mut profile, &shell);
    let entered = Entry {
        phase: Phase::Exec,
        ..shell
    };
    let Outcome::Deviation(found) = see(&mut profile, &entered) else {
        panic!("the shell from outside passed");
    };
    assert!(found.pending);
    assert_eq!(
        entered.patch(),
        "- exec: {path: /bin/busybox, name: sh, phase: exec}"
    );
}

#[test]
fn a_profile_of_an_older_version_reads_and_means_the_same() {
    let text = "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {name: web}\n  mode: Monitoring\n  exec:\n    - {path: /bin/ls}\n  files:\n    - {operation: RENAME, path: /a, target: /b}\n  egress:\n    - {protocol: TCP, address: \"10.0.0.1\", port: 80}\n    - {protocol: OTHER, address: \"10.0.0.1\", port: 7}\nstatus:\n  modeRevision: 0\n  overflow: 0\n  seen:\n    - {egress: {protocol: UDP, address: \"::1\", port: 53}, count: 3}\n  refused: []\n  decisions: []\n";
    let profile = Profile::from_yaml(text).unwrap();
    assert_eq!(profile.approved_by_kind(), [1, 1, 2, 0, 0, 0]);
    assert_eq!(profile.pending_len(), 1);
    for entry in [
        "exec: {path: /bin/ls}",
        "file: {operation: RENAME, path: /a, target: /b}",
        "egress: {protocol: TCP, address: 10.0.0.1, port: 80}",
    ] {
        assert!(profile.accepts(&Entry::parse(entry).unwrap()), "{entry}");
    }
    let read = Profile::from_yaml(profile.to_yaml()).unwrap();
    assert_eq!(read, profile);
}

#[test]
fn a_person_may_edit_the_spec() {
    let text = "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {name: web}\n  mode: Monitoring\n  exec:\n    - path: /bin/ls\n";
    let profile = Profile::from_yaml(text).unwrap();
    assert!(profile.accepts(&exec("/bin/ls", None)));
    assert_eq!(profile.approved_len(), 1);
    for (wrong, word) in [
        (text.replace("path:", "pth:"), "pth"),
        (text.replace("Monitoring", "Watching"), "Watching"),
        (text.replace("v1alpha1", "v9"), "this version reads"),
        (text.replace("  workload: {name: web}\n", ""), "workload"),
    ] {
        let error = Profile::from_yaml(&wrong).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn an_import_replaces_what_is_approved() {
    let mut profile = Profile::new(workload(), Mode::Learning);
    see(&mut profile, &exec("/a", None));
    let mut reviewed = Profile::new(workload(), Mode::Learning);
    see(&mut reviewed, &exec("/b", None));
    reviewed.promote(ANN).unwrap();
    profile.import(&reviewed, ANN).unwrap();
    assert_eq!(profile.mode(), Mode::Monitoring);
    assert!(profile.accepts(&exec("/b", None)) && !profile.accepts(&exec("/a", None)));
    let mut other = workload();
    other.name = "other".into();
    assert!(
        profile
            .import(&Profile::new(other, Mode::Learning), ANN)
            .is_err()
    );
}

#[test]
fn a_difference_that_learns_again_is_wider() {
    let mut compares = Profile::new(workload(), Mode::Learning);
    let learns = compares.clone();
    compares.promote(ANN).unwrap();
    assert!(Diff::between(&compares, &learns).widens());
    assert!(!Diff::between(&learns, &compares).widens());
    let mut more = compares.clone();
    more.approve(&exec("/a", None), ANN).unwrap();
    assert!(Diff::between(&compares, &more).widens());
    assert!(!Diff::between(&more, &compares).widens());
}

#[test]
fn the_last_thing_learned_is_found_in_the_file() {
    let mut profile = Profile::new(workload(), Mode::Learning);
    assert_eq!(profile.last_learned(), None);
    for (path, at) in [("/a", 5), ("/b", 9), ("/a", 20)] {
        profile.observe(&Sighting {
            entry: exec(path, None),
            at,
        });
    }
    profile.approve(&exec("/c", None), ANN).unwrap();
    assert_eq!(profile.last_learned(), Some(9));
    let read = Profile::from_yaml(profile.to_yaml()).unwrap();
    assert_eq!(read.last_learned(), Some(9));
}
