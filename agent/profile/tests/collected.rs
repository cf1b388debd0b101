//! What nodes learn of one workload, brought together: in any order, by nodes that lie too.

use lapwing_profile::collected::{Collected, Running, Terms};
use lapwing_profile::decide::{By, Refusal};
use lapwing_profile::entry::Entry;
use lapwing_profile::evidence::window::{self, Moment, Opening, Window};
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile, Verdict};
use lapwing_profile::version::Version;
use lapwing_profile::workload::Workload;
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
/// Midnight.
const EPOCH: i64 = 1_700_006_400 * SECOND as i64;
/// When reports come.
const NOW: i64 = EPOCH + 3_600 * SECOND as i64;
const ANN: By<'_> = By {
    actor: "ann",
    reason: "reviewed",
    at: EPOCH,
};

fn workload() -> Workload {
    Workload {
        cluster: "c1".into(),
        namespace: "shop".into(),
        kind: "Deployment".into(),
        name: "web".into(),
        container: "app".into(),
    }
}

fn line(text: &str) -> Entry {
    Entry::parse(text).unwrap()
}

fn exec(name: &str) -> String {
    format!("exec: {{path: /bin/{name}, parent: runtime}}")
}

fn see(profile: &mut Profile, text: &str, at: i64) {
    let entry = line(text);
    profile.observe(&Sighting { entry, at });
}

/// What a node knows after it looked at so many instances for so many minutes, in which each did all of this
/// at its start and each five minutes.
fn node(name: &str, instances: usize, minutes: u64, lines: &[&str]) -> Profile {
    let mut profile = Profile::new(workload(), Mode::Learning);
    let start = 7 * SECOND;
    let moment = |boot: u64| Moment {
        boot,
        wall: EPOCH + boot as i64,
    };
    let mut windows: Vec<Window> = (0..instances)
        .map(|number| {
            let opening = Opening {
                id: window::id(&[name.as_bytes(), &number.to_le_bytes()]),
                node: window::id(&[name.as_bytes()]),
                started: Some(start),
                slot: 5 * MINUTE,
            };
            Window::open(opening, None, moment(start))
        })
        .collect();
    let mut boot = start;
    while boot <= start + minutes * MINUTE {
        for window in &mut windows {
            window.advance(moment(boot));
            if (boot - start).is_multiple_of(5 * MINUTE) {
                for text in lines {
                    see(&mut profile, text, moment(boot).wall);
                    profile.witness(window, &line(text), boot);
                }
            }
            profile.attend(window);
        }
        boot += 10 * SECOND;
    }
    profile
}

fn collected(reports: &[(&str, &Profile)]) -> Collected {
    let mut all = Collected::new(workload());
    for (name, profile) in reports {
        all.take(name, profile, NOW).unwrap();
    }
    all
}

const ALL: Running = Running {
    nodes: 3,
    instances: 3,
};

fn approves(all: &Collected, text: &str) -> bool {
    all.judge(&Terms::default(), ALL)
        .profile
        .accepts(&line(text))
}

fn waits(all: &Collected, text: &str) -> bool {
    let judged = all.judge(&Terms::default(), ALL).profile;
    judged.entries(Verdict::Pending).contains_key(&line(text))
}

#[test]
fn what_one_node_alone_shows_waits_and_what_a_quorum_shows_does_not() {
    let (a, b, c) = (
        exec("a"),
        exec("b"),
        "file: {operation: CREATE, path: /srv/c}",
    );
    let three = [
        node("n1", 1, 40, &[&a, &b, c]),
        node("n2", 1, 40, &[&a, &b]),
        node("n3", 1, 40, &[&a]),
    ];
    let mut all = collected(&[("n1", &three[0]), ("n2", &three[1]), ("n3", &three[2])]);
    assert!(approves(&all, &a) && approves(&all, &b));
    assert!(!approves(&all, c) && waits(&all, c));
    let judged = all.judge(&Terms::default(), ALL);
    assert_eq!(judged.unconfirmed, [line(c)]);
    assert_eq!((judged.nodes, judged.instances), (3, 3));
    // The node says so again, from as many instances as it likes.
    let loud = node("n1", 40, 40, &[c]);
    all.take("n1", &loud, NOW).unwrap();
    assert!(waits(&all, c));
    assert_eq!(all.nodes(), 3);
    // Of five nodes two are no majority, and a quorum.
    let fifth = node("n5", 1, 40, &[&a, c]);
    all.take("n4", &three[2], NOW).unwrap();
    all.take("n5", &fifth, NOW).unwrap();
    assert!(approves(&all, c));
    let strict = Terms {
        quorum: 3,
        ..Terms::default()
    };
    assert!(!all.judge(&strict, ALL).profile.accepts(&line(c)));
}

/// A report of which the node says no more than what was seen.
fn claims(lists: &str) -> Profile {
    Profile::from_yaml(format!(
        "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {{cluster: c1, namespace: \
         shop, kind: Deployment, name: web, container: app}}\n  mode: Learning\n{lists}"
    ))
    .unwrap()
}

#[test]
fn one_node_of_two_confirms_nothing_alone_whatever_instances_it_invents() {
    let (a, b, lie) = (exec("a"), exec("b"), exec("lie"));
    let honest = node("n1", 1, 40, &[&a, &b]);
    let liar = node("liar", 40, 40, &[&a, &lie]);
    let running = Running {
        nodes: 2,
        instances: 41,
    };
    // In whatever order they come.
    for reports in [
        [("n1", &honest), ("liar", &liar)],
        [("liar", &liar), ("n1", &honest)],
    ] {
        let all = collected(&reports);
        let judged = all.judge(&Terms::default(), running);
        assert!(judged.profile.accepts(&line(&a)), "both showed it");
        for text in [&lie, &b] {
            assert!(!judged.profile.accepts(&line(text)), "{text}");
            assert!(waits(&all, text), "{text}");
        }
        assert_eq!(judged.unconfirmed, [line(&b), line(&lie)]);
    }
    let one = Terms {
        quorum: 1,
        ..Terms::default()
    };
    let all = collected(&[("n1", &honest), ("liar", &liar)]);
    let judged = all.judge(&one, running);
    assert!(judged.profile.accepts(&line(&lie)), "it is asked for");
    // Alone it is believed, until another node tells.
    let mut all = collected(&[("liar", &liar)]);
    assert!(approves(&all, &lie));
    all.take("n1", &honest, NOW).unwrap();
    assert!(!approves(&all, &lie) && approves(&all, &a));
}

#[test]
fn a_node_that_tells_of_no_instance_is_a_node() {
    let (a, lie) = (exec("a"), exec("lie"));
    let honest = node("n1", 1, 40, &[&a]);
    let time = "2023-11-14T00:00:00Z";
    let liar = claims(&format!(
        "  exec:\n    - {{path: /bin/lie, parent: runtime}}\nstatus:\n  seen:\n    - {{exec: {{path: /bin/lie, \
         parent: runtime}}, first: \"{time}\", last: \"{time}\", count: 5}}\n"
    ));
    assert!(liar.observed().is_empty() && liar.accepts(&line(&lie)));
    let all = collected(&[("n1", &honest), ("liar", &liar)]);
    assert_eq!(all.nodes(), 2);
    assert!(!approves(&all, &lie) && waits(&all, &lie));
    let three = collected(&[("n1", &honest), ("n2", &honest), ("liar", &liar)]);
    assert!(approves(&three, &a) && waits(&three, &lie));
}

#[test]
fn learning_is_over_when_the_evidence_of_all_nodes_is_complete() {
    let lines = [exec("a"), exec("b")];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let short = [node("n1", 1, 12, &lines), node("n2", 1, 12, &lines)];
    let all = collected(&[("n1", &short[0]), ("n2", &short[1])]);
    let judged = all.judge(&Terms::default(), ALL);
    assert_eq!(
        judged.unmet,
        [
            "quiet for 12 min of 15 min since the last news, of the class exec; needs 1 more quiet sample",
            "observed for 12 min of 30 min; needs 18 min more",
            "seen on 2 of the 3 nodes that run it; needs 3",
        ]
    );
    assert_eq!(judged.profile.mode(), Mode::Learning);
    let long: Vec<Profile> = (1..=3)
        .map(|number| node(&format!("n{number}"), 1, 40, &lines))
        .collect();
    let all = collected(&[("n1", &long[0]), ("n2", &long[1]), ("n3", &long[2])]);
    let judged = all.judge(&Terms::default(), ALL);
    assert!(judged.is_complete(), "{:?}", judged.unmet);
    assert_eq!(judged.profile.mode(), Mode::Review);
    assert!(judged.coverage.unwrap() > 0.99);
    assert!(judged.reason.contains("instances: 3"), "{}", judged.reason);
    assert_eq!(judged.profile.decisions().len(), 0);
    // One instance on one node is one, whatever else runs nowhere.
    let one = Running {
        nodes: 1,
        instances: 1,
    };
    let alone = collected(&[("n1", &long[0])]).judge(&Terms::default(), one);
    assert_eq!(
        alone.unmet.len(),
        1,
        "a restart is missing: {:?}",
        alone.unmet
    );
    let nothing = Collected::new(workload()).judge(&Terms::default(), one);
    assert!(
        nothing
            .unmet
            .iter()
            .any(|unmet| unmet == "nothing was seen yet")
    );
}

#[test]
fn decisions_of_a_node_are_that_nodes() {
    let (a, refused) = (exec("a"), exec("r"));
    let mut one = node("n1", 1, 10, &[&a, &refused]);
    one.refuse(&line(&refused), ANN).unwrap();
    one.refuse(&line("exec: {path: /bin/all}"), ANN).unwrap();
    one.approve(&line("exec: {path: /bin/never-seen}"), ANN)
        .unwrap();
    one.approve(&line("exec: {path: /opt/x, origin: MEMFD}"), ANN)
        .unwrap();
    one.promote(ANN).unwrap();
    see(&mut one, &exec("new"), EPOCH + 1);
    let two = node("n2", 1, 10, &[&a, &refused]);
    let mut all = collected(&[("n2", &two)]);
    assert!(approves(&all, &refused));
    let taken = all.take("n1", &one, NOW).unwrap();
    assert_eq!(taken.refused_there, 1);
    assert!(!approves(&all, &refused), "a person refused it by its name");
    assert!(approves(&all, &a));
    // What monitoring reported waits, and is not learned.
    assert!(waits(&all, &exec("new")) && !approves(&all, &exec("new")));
    assert!(!approves(&all, "exec: {path: /bin/never-seen}"));
    assert!(!approves(&all, "exec: {path: /opt/x, origin: MEMFD}"));
    let judged = all.judge(&Terms::default(), ALL).profile;
    assert_eq!((judged.revision(), judged.mode()), (0, Mode::Learning));
}

#[test]
fn a_node_that_obeys_an_object_tells_what_it_saw_besides() {
    let (a, b) = (exec("a"), exec("b"));
    let learned = node(
        "n1",
        1,
        10,
        &[&a, "file: {operation: CREATE, path: /srv/x}"],
    );
    let mut object = Profile::new(workload(), Mode::Monitoring);
    object.approve(&line(&a), ANN).unwrap();
    let mut obeys = learned;
    obeys.import(&object, ANN).unwrap();
    see(&mut obeys, &b, EPOCH + 5);
    let all = collected(&[("n1", &obeys)]);
    assert!(approves(&all, &a), "it was seen, and anybody may learn it");
    assert!(waits(&all, &b));
    // The object does not have it any more.
    assert!(waits(&all, "file: {operation: CREATE, path: /srv/x}"));
}

#[test]
fn a_report_of_lies_approves_of_nothing_that_is_never_learned() {
    let text = |approved: &str, status: &str| {
        format!(
            "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {{namespace: shop, kind: \
             Deployment, name: web, container: app}}\n  mode: Learning\n{approved}status:\n{status}"
        )
    };
    let seen = "first: \"2100-01-01T00:00:00Z\", last: \"2200-01-01T00:00:00Z\", count: 5";
    let lies = [
        "exec: {path: /tmp/x, origin: MEMFD, parent: runtime}",
        "exec: {path: /bin/sh}",
        "exec: {path: /bin/sh, parent: runtime, phase: exec}",
        "egress: {protocol: TCP, cidr: 0.0.0.0/0, port: 443}",
        "egress: {protocol: TCP, address: 169.254.169.254, port: 80}",
        "file: {operation: CREATE, pattern: \"/srv/**\"}",
        "file: {operation: OPEN_WRITE, path: /etc/passwd}",
    ];
    let mut spec = String::new();
    for (list, kind) in [("exec", "exec"), ("files", "file"), ("egress", "egress")] {
        spec.push_str(&format!("  {list}:\n"));
        for lie in lies
            .iter()
            .filter(|lie| lie.starts_with(&format!("{kind}:")))
        {
            spec.push_str(&format!("    - {}\n", &lie[kind.len() + 2..]));
        }
    }
    let mut status = "  modeRevision: 9000000000000000000\n  learned: []\n  seen:\n".to_owned();
    for lie in lies {
        let (kind, fields) = lie.split_once(": ").unwrap();
        status.push_str(&format!(
            "    - {{{kind}: {fields}, {seen}, revision: 9000000000000000000}}\n"
        ));
    }
    let liar = Profile::from_yaml(text(&spec, &status)).unwrap();
    for lie in lies {
        assert!(liar.accepts(&line(lie)), "it says so itself: {lie}");
    }
    let all = collected(&[("n1", &liar)]);
    for lie in lies {
        assert!(!approves(&all, lie), "{lie}");
        assert!(waits(&all, lie), "it was told: {lie}");
    }
    let judged = all.judge(&Terms::default(), ALL).profile;
    let last = judged.entries(Verdict::Pending).into_values();
    let last = last.filter_map(|record| record.last).max();
    assert_eq!(last, Some(NOW), "no time is later than the report");
    // A pattern that no machine makes is no report at all.
    let made_up = "  learned:\n    - {file: {operation: CREATE, pattern: \"/srv/**\"}, count: 5}\n";
    assert!(Profile::from_yaml(text("", made_up)).is_err());
}

#[test]
fn a_node_cannot_crowd_out_others() {
    let (a, lie) = (exec("a"), exec("lie"));
    let honest: Vec<Profile> = (0..4)
        .map(|number| node(&format!("n{number}"), 1, 20, &[&a]))
        .collect();
    let mut all = Collected::new(workload());
    for (number, profile) in honest.iter().enumerate() {
        all.take(&format!("n{number}"), profile, NOW).unwrap();
    }
    for generation in 0..20 {
        // Ever other instances.
        let liar = node(&format!("x{generation}"), 40, 10, &[&lie]);
        all.take("liar", &liar, NOW).unwrap();
    }
    let judged = all.judge(&Terms::default(), ALL);
    assert_eq!(judged.nodes, 5);
    assert!(judged.instances <= 4 + 16, "{}", judged.instances);
    assert!(approves(&all, &a) && waits(&all, &lie));
}

fn version(number: u32) -> Version {
    Version::new("team/web", &format!("sha256:{number:064x}")).unwrap()
}

/// A profile that met these versions one after another.
fn of_versions(name: &str, numbers: impl IntoIterator<Item = u32>) -> Profile {
    let mut profile = node(name, 1, 10, &[&exec("a")]);
    for number in numbers {
        profile.sight(&version(number), EPOCH);
    }
    profile
}

/// The versions that count, in their order.
fn versions(all: &Collected) -> Vec<Version> {
    let judged = all.judge(&Terms::default(), ALL).profile;
    judged
        .versions()
        .iter()
        .map(|one| one.version.clone())
        .collect()
}

/// Of a liar that says its numbers are the greatest there are.
fn greatest(liar: &Profile) -> Profile {
    let mut text = liar.to_yaml();
    for number in 1..=64 {
        text = text.replace(
            &format!("number: {number},"),
            &format!("number: {},", u32::MAX),
        );
    }
    Profile::from_yaml(text).unwrap()
}

#[test]
fn a_node_cannot_push_out_versions_by_their_numbers() {
    let mut all = Collected::new(workload());
    for generation in 0..40 {
        let made_up = (0..32).map(|number| 1_000 + 32 * generation + number);
        let liar = greatest(&of_versions("liar", made_up));
        assert_eq!(liar.versions().len(), 32);
        all.take("liar", &liar, NOW).unwrap();
        if generation == 0 {
            for name in ["n1", "n2"] {
                all.take(name, &of_versions(name, [1, 2]), NOW).unwrap();
            }
        }
    }
    assert_eq!(versions(&all), [version(1), version(2)]);
    // And what comes later is the newest.
    let later = NOW + 60 * SECOND as i64;
    for name in ["n1", "n2"] {
        let profile = of_versions(name, [1, 2, 3]);
        all.take(name, &profile, later).unwrap();
    }
    assert_eq!(versions(&all), [version(1), version(2), version(3)]);
    assert!(all.to_text().len() < 16 << 10, "what it made up is bounded");
    let text = all.to_text();
    assert_eq!(Collected::from_text(&text).unwrap(), all);
    assert!(Collected::from_text(&text[..text.len() - 9]).is_err());
    // Who does not know of versions reads the rest.
    let (_, nodes) = text.split_once("--- nodes\n").unwrap();
    Profile::from_yaml(nodes).unwrap();
}

#[test]
fn versions_count_as_lines_do() {
    let mut all = collected(&[("n1", &of_versions("n1", [5, 4]))]);
    assert_eq!(
        versions(&all),
        [version(5), version(4)],
        "there is no other"
    );
    all.take("n2", &of_versions("n2", [4]), NOW).unwrap();
    assert_eq!(versions(&all), [version(4)]);
    all.take("n3", &of_versions("n3", [6]), NOW).unwrap();
    assert_eq!(versions(&all), [version(4)]);
    all.take("n4", &of_versions("n4", [6]), NOW).unwrap();
    assert_eq!(versions(&all).len(), 2);
    let all_do = Terms {
        quorum: 1,
        ..Terms::default()
    };
    assert_eq!(all.judge(&all_do, ALL).profile.versions().len(), 3);
}

/// Where it stands as it was stored once, with numbers that nodes said.
#[test]
fn versions_that_were_stored_count_when_they_are_told_of_again() {
    let text = collected(&[("n1", &node("n1", 1, 10, &[&exec("a")]))]).to_text();
    let stored = greatest(&of_versions("n1", (1_000..1_032).chain([1])));
    let (_, lines) = stored.to_yaml().split_once("  versions:\n").map_or_else(
        || panic!("{}", stored.to_yaml()),
        |(before, after)| (before.len(), after.to_owned()),
    );
    let lines: String = { lines.lines() }
        .take_while(|line| line.starts_with("    - "))
        .map(|line| format!("{line}\n"))
        .collect();
    let text = text.replacen(
        "--- nodes\n",
        &format!("  versions:\n{lines}--- nodes\n"),
        1,
    );
    let mut all = Collected::from_text(&text).unwrap();
    for name in ["n2", "n3"] {
        all.take(name, &of_versions(name, [1]), NOW).unwrap();
    }
    assert_eq!(versions(&all), [version(1)]);
}

#[test]
fn another_workload_is_refused() {
    let mut all = Collected::new(workload());
    let mut other = node("n1", 1, 10, &[]);
    other.workload.namespace = "kube-system".into();
    let before = all.clone();
    let refused = all.take("n1", &other, NOW);
    assert!(matches!(refused, Err(Refusal::OtherWorkload { .. })));
    assert!(all.merge(&Collected::new(other.workload)).is_err());
    assert_eq!(all, before);
}

#[test]
fn damaged_text_is_told_of() {
    let all = collected(&[("n1", &node("n1", 1, 10, &[&exec("a")]))]);
    let text = all.to_text();
    for damaged in [
        "",
        "--- nodes\n",
        &text[..text.len() / 2],
        &text.replace("v1alpha1", "v9"),
        &text.replacen("name: web", "name: other", 1),
    ] {
        assert!(Collected::from_text(damaged).is_err(), "{damaged}");
    }
}

/// What nodes see: names that become patterns, and programs.
fn seen() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..6_u32).prop_map(|number| exec(&number.to_string())),
        (0..40_u32).prop_map(|n| format!("file: {{operation: CREATE, path: /srv/{n}}}")),
        (0..3_u32)
            .prop_map(|n| format!("exec: {{path: /tmp/{n}, origin: MEMFD, parent: runtime}}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_order_of_reports_does_not_matter(
        nodes in prop::collection::vec((prop::collection::vec(seen(), 1..30), any::<bool>()), 2..5),
        order in any::<prop::sample::Index>(),
    ) {
        let reports: Vec<(String, Profile)> = { nodes.iter().enumerate() }
            .map(|(number, (lines, decides))| {
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                let name = format!("n{number}");
                let mut profile = node(&name, 1 + number, 6, &lines);
                if *decides {
                    profile.refuse(&line(lines[0]), ANN).unwrap();
                    profile.promote(ANN).unwrap();
                }
                for one in 0..=number as u32 {
                    profile.sight(&version(one), EPOCH);
                }
                (name, profile)
            })
            .collect();
        let all: Vec<(&str, &Profile)> =
            reports.iter().map(|(name, profile)| (name.as_str(), profile)).collect();
        let expected = collected(&all);
        let mut turned = all.clone();
        turned.rotate_left(order.index(all.len()));
        turned.extend(all.iter().rev());
        let found = collected(&turned);
        prop_assert_eq!(found.to_text(), expected.to_text());
        // In parts, and through the text.
        let (first, second) = all.split_at(all.len() / 2);
        let mut parts = Collected::from_text(&collected(second).to_text()).unwrap();
        parts.merge(&collected(first)).unwrap();
        prop_assert_eq!(parts.to_text(), expected.to_text());
        prop_assert_eq!(&Collected::from_text(&expected.to_text()).unwrap(), &expected);
        let mut again = expected.clone();
        prop_assert!(!again.take(all[0].0, all[0].1, NOW).unwrap().changed);
    }
}
