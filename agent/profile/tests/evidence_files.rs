//! Evidence of files whose names become patterns: one behaviour, in all samples of its names.

use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::evidence::coverage::Sampled;
use lapwing_profile::evidence::settings::Settings;
use lapwing_profile::evidence::window::{self, Moment, Opening, Window};
use lapwing_profile::learn::{Outcome, Sighting};
use lapwing_profile::profile::{Mode, Profile, Verdict};
use lapwing_profile::workload::Workload;

const SECOND: u64 = 1_000_000_000;
const SLOT: u64 = 300 * SECOND;
const ANN: By<'_> = By {
    actor: "ann",
    reason: "reviewed",
    at: 1,
};

fn create(path: &str) -> Entry {
    Entry::parse(&format!("file: {{operation: CREATE, path: \"{path}\"}}")).unwrap()
}

fn pattern(pattern: &str) -> Entry {
    Entry::parse(&format!(
        "file: {{operation: CREATE, pattern: \"{pattern}\"}}"
    ))
    .unwrap()
}

fn learning() -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    Profile::new(workload, Mode::Learning)
}

/// An instance that was seen from its start, at boot.
fn window(name: &str) -> Window {
    let opening = Opening {
        id: window::id(&[name.as_bytes()]),
        node: 1,
        started: Some(0),
        slot: SLOT,
    };
    Window::open(opening, None, at(0))
}

fn at(boot: u64) -> Moment {
    Moment {
        boot,
        wall: boot as i64,
    }
}

/// An instance does that in a slot.
fn act(profile: &mut Profile, window: &mut Window, slot: u64, entry: &Entry) -> Outcome {
    let now = at(slot * SLOT + SECOND);
    while window.advance(now) {}
    let outcome = profile.observe(&Sighting {
        entry: entry.clone(),
        at: now.wall,
    });
    profile.witness(window, entry, now.boot);
    profile.attend(window);
    outcome
}

/// Starts and later samples in which it was seen.
fn seen(profile: &Profile, entry: &Entry) -> (usize, usize) {
    let evidence = profile.record(entry).unwrap().evidence.evidence();
    (evidence.starts.len(), evidence.samples.len())
}

/// What was sampled of files, in start-ups or after them.
fn files(profile: &Profile, startup: bool) -> Sampled {
    let progress = profile.progress(&Settings::default());
    let of = |class: &&lapwing_profile::evidence::conditions::Class| {
        class.kind.word() == "file" && class.startup == startup
    };
    progress.classes.iter().find(of).unwrap().sampled
}

#[test]
fn names_and_patterns_are_sampled_like_other_entries() {
    let mut profile = learning();
    let mut window = window("a");
    let word = create("/data/word");
    act(&mut profile, &mut window, 0, &word);
    assert_eq!(seen(&profile, &word), (1, 0));
    // Sixteen names of one form, in a sample each: each once, the pattern in all.
    let digits = pattern("/data/{digits}");
    for number in 0..16 {
        act(
            &mut profile,
            &mut window,
            1 + 2 * number,
            &create(&format!("/data/{number}")),
        );
    }
    assert_eq!(seen(&profile, &digits), (0, 3), "as many as are kept");
    let running = files(&profile, false);
    assert_eq!((running.distinct, running.once), (1, 0));
    let startup = files(&profile, true);
    assert_eq!((startup.distinct, startup.once), (1, 1));
    // What it stands for from now on is one incidence a sample, however many names there are.
    let before = profile.observed().of(window.id()).unwrap().running;
    for number in 100..120 {
        let name = create(&format!("/data/{number}"));
        assert_eq!(act(&mut profile, &mut window, 40, &name), Outcome::Known);
    }
    let after = profile.observed().of(window.id()).unwrap().running;
    assert_eq!(
        after.iter().sum::<u32>(),
        before.iter().sum::<u32>() + 1,
        "{before:?} {after:?}"
    );
    // To open for writing what may be made is an incidence of the pattern as well.
    let open = Entry::parse("file: {operation: OPEN_WRITE, path: /data/7777}").unwrap();
    let mut other = learning();
    other.approve(&digits, ANN).unwrap();
    let outcome = act(&mut other, &mut self::window("b"), 0, &open);
    assert_eq!(outcome, Outcome::Known);
    assert_eq!(seen(&other, &digits), (1, 0));
    profile.merge(&other);
    assert_eq!(seen(&profile, &digits), (1, 0), "of the decision");
    let running = files(&profile, false);
    assert_eq!((running.distinct, running.once), (1, 0), "of both");
}

#[test]
fn what_joins_into_a_pattern_is_the_same_in_any_order() {
    // Each of twenty nodes sees one name, in a sample of its own.
    let nodes: Vec<Profile> = (0..20)
        .map(|number| {
            let (mut profile, mut window) = (learning(), window(&format!("node {number}")));
            let name = create(&format!("/data/{number}"));
            act(&mut profile, &mut window, number % 3, &name);
            profile
        })
        .collect();
    let mut forth = learning();
    nodes.iter().for_each(|node| forth.merge(node));
    let mut halves = [learning(), learning()];
    for (number, node) in nodes.iter().enumerate().rev() {
        halves[number * 7 % 2].merge(node);
    }
    let [mut back, other] = halves;
    back.merge(&other);
    back.merge(&forth);
    assert_eq!(back.to_yaml(), forth.to_yaml());
    let digits = pattern("/data/{digits}");
    assert_eq!(seen(&forth, &digits), (3, 3));
    // All of them showed it, and no name of it is left that only one did.
    let spread = forth.spread(&digits).unwrap();
    assert_eq!(spread.of, 20);
    assert!(spread.shown > 10, "{spread:?}");
    assert!(!forth.is_provisional(&digits));
    let read = Profile::from_yaml(forth.to_yaml()).unwrap();
    assert_eq!(read, forth);
    assert_eq!(
        read.progress(&Settings::default()),
        forth.progress(&Settings::default())
    );
}

#[test]
fn a_file_or_a_pattern_of_one_of_many_instances_is_provisional() {
    let mut profile = learning();
    let (shared, lone) = (create("/data/shared"), create("/data/lone"));
    let digits = pattern("/tmp/{digits}");
    for number in 0..10 {
        let mut window = window(&format!("replica {number}"));
        act(&mut profile, &mut window, 0, &shared);
        if number == 4 {
            act(&mut profile, &mut window, 0, &lone);
            for name in 0..16 {
                act(
                    &mut profile,
                    &mut window,
                    0,
                    &create(&format!("/tmp/{name}")),
                );
            }
        }
    }
    assert!(!profile.is_provisional(&shared));
    assert!(profile.is_provisional(&lone) && profile.is_provisional(&digits));
    assert_eq!(profile.progress(&Settings::default()).provisional, 2);
    // A person looks at them: what was seen goes on, under the decision.
    profile.approve(&digits, ANN).unwrap();
    profile.refuse(&lone, ANN).unwrap();
    assert!(!profile.is_provisional(&digits));
    assert_eq!(seen(&profile, &digits), (1, 0));
    assert_eq!(profile.progress(&Settings::default()).provisional, 0);
    assert_eq!(
        files(&profile, true).distinct,
        2,
        "the refused one is not counted"
    );
}

#[test]
fn a_name_that_waited_is_counted_with_the_pattern_that_came_to_excuse_it() {
    // One node monitors and reports; the other still learns, and makes a pattern.
    let mut monitoring = learning();
    monitoring.promote(ANN).unwrap();
    let mut first = window("a");
    let name = create("/data/3");
    let outcome = act(&mut monitoring, &mut first, 0, &name);
    assert!(matches!(outcome, Outcome::Deviation(_)));
    let (mut profile, mut second) = (learning(), window("b"));
    for number in 0..16 {
        act(
            &mut profile,
            &mut second,
            0,
            &create(&format!("/data/{number}")),
        );
    }
    profile.merge(&monitoring);
    assert_eq!(profile.mode(), Mode::Monitoring);
    assert_eq!(profile.pending_len(), 0);
    let digits = pattern("/data/{digits}");
    let count = profile.record(&digits).unwrap().count;
    assert_eq!(act(&mut profile, &mut first, 1, &name), Outcome::Known);
    assert_eq!(profile.record(&digits).unwrap().count, count + 1);
    assert_eq!(seen(&profile, &digits), (1, 1));
    // A refused pattern takes it away again, and what is seen then is counted under its name.
    profile.refuse(&pattern("/data/**"), ANN).unwrap();
    let count = profile.record(&name).unwrap().count;
    assert!(matches!(
        act(&mut profile, &mut first, 2, &name),
        Outcome::Deviation(_)
    ));
    assert_eq!(profile.record(&name).unwrap().count, count + 1);
    assert_eq!(
        seen(&profile, &name),
        (0, 0),
        "it is no behaviour of its own"
    );
    assert_eq!(seen(&profile, &digits), (1, 1));
}

#[test]
fn files_of_versions_that_knew_one_of_the_two_are_read() {
    let head = "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {name: web}\n  mode: Learning\n";
    // Evidence without patterns: a learned file stood among the records.
    let text = format!(
        "{head}  files:\n    - {{operation: CREATE, path: /data/1}}\nstatus:\n  modeRevision: 0\n  overflow: 0\n  seen:\n    - {{file: {{operation: CREATE, path: /data/1}}, first: \"2026-11-23T10:00:00Z\", last: \"2026-11-23T10:00:00Z\", count: 2, instances: \"00000007 00000009\", samples: \"00000003\"}}\n"
    );
    let profile = Profile::from_yaml(&text).unwrap();
    assert_eq!(seen(&profile, &create("/data/1")), (0, 1));
    assert_eq!(
        profile
            .record(&create("/data/1"))
            .unwrap()
            .evidence
            .evidence()
            .instances
            .ids(),
        [7, 9]
    );
    let text = profile.to_yaml();
    assert!(
        text.contains("learned:\n    - {file: {operation: CREATE, path: /data/1}")
            && text.contains("instances: \"00000007 00000009\", samples: \"00000003\"}"),
        "{text}"
    );
    assert_eq!(Profile::from_yaml(&text).unwrap(), profile);
    // Patterns without evidence.
    let text = format!(
        "{head}  files:\n    - {{operation: CREATE, pattern: \"/data/{{digits}}\"}}\nstatus:\n  learned:\n    - {{file: {{operation: CREATE, pattern: \"/data/{{digits}}\"}}, count: 5, sketch: \"00000001\"}}\n"
    );
    let profile = Profile::from_yaml(&text).unwrap();
    let digits = pattern("/data/{digits}");
    assert_eq!(seen(&profile, &digits), (0, 0));
    assert_eq!(profile.spread(&digits), None);
    assert!(!profile.is_provisional(&digits));
    assert!(profile.entries(Verdict::Approved).contains_key(&digits));
    // What is wrong in it is said.
    let text = text.replace("count: 5", "count: 5, starts: \"7\"");
    let error = Profile::from_yaml(&text).unwrap_err().to_string();
    assert!(
        error.contains("/data/{digits}") && error.contains("eight hexadecimal digits"),
        "{error}"
    );
}

#[test]
fn a_profile_full_of_learned_files_takes_its_own_approval() {
    let (mut profile, mut window) = (learning(), window("a"));
    // Names and records of them together find no room.
    let long = "x".repeat(1_000);
    let letters = |number: usize| {
        let letter = |at: u32| char::from(b'a' + (number / 26_usize.pow(at) % 26) as u8);
        format!("/data/{}/{long}", (0..4).map(letter).collect::<String>())
    };
    for number in 0..3_000 {
        let outcome = act(&mut profile, &mut window, 0, &create(&letters(number)));
        assert_eq!(outcome, Outcome::Learned);
    }
    let approved = profile.clone();
    profile.import(&approved, ANN).unwrap();
    assert_eq!(profile.approved_len(), 3_000);
    assert_eq!(seen(&profile, &create(&letters(77))), (1, 0));
    assert!(profile.accepts(&create(&letters(77))));
}
