//! Merging with generalisation and evidence: nodes that see parts of the same, in any order.

mod sources;

use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::entry::keyed::Keyed;
use lapwing_profile::evidence::window::{Moment, Opening, Window};
use lapwing_profile::learn::{Outcome, Sighting};
use lapwing_profile::profile::{Mode, Profile, Verdict};
use lapwing_profile::workload::Workload;
use proptest::prelude::*;
use sources::numbered;
use std::collections::BTreeMap;

fn workload() -> Workload {
    Workload {
        name: "web".into(),
        ..Workload::default()
    }
}

fn file(line: &str) -> Entry {
    Entry::parse(&format!("file: {{{line}}}")).unwrap()
}

/// Names of a few folders, so that classes fill and folders come together.
fn change() -> impl Strategy<Value = Entry> {
    let folder = prop_oneof![
        Just("/data".to_owned()),
        (0..24u32).prop_map(|n| format!("/srv/{n}")),
        (0..24u32).prop_map(|n| format!("/srv/{n}/in")),
        (0..3u32).prop_map(|n| format!("/etc/{n}")),
    ];
    let name = prop_oneof![
        4 => (0..40u32).prop_map(|n| n.to_string()),
        2 => (0..40u32).prop_map(|n| format!("tmp-{n}.log")),
        1 => (0..40u32).prop_map(|n| format!("{n:02x}")),
        1 => (0..40u32).prop_map(|n| format!("tmpab{n:04x}_z")),
        2 => (0..40u32).prop_map(|n| format!("run.{n}")),
        1 => prop::sample::select(vec!["in", "a", "*", "{digits}", "\\\\xff1"]).prop_map(str::to_owned),
    ];
    (0..4, folder, name).prop_map(|(operation, folder, name)| {
        let path = format!("{folder}/{name}");
        file(&match operation {
            0 => format!("operation: RENAME, path: \"{path}\", target: \"{path}.1\""),
            1 => format!("operation: DELETE, path: \"{path}\""),
            _ => format!("operation: CREATE, path: \"{path}\""),
        })
    })
}

#[derive(Clone, Debug)]
enum Step {
    /// By a process of this id.
    See(Vec<Entry>, i64, Option<u32>),
    Approve(Entry),
    Refuse(Entry),
    Promote,
}

/// What people decide of: names, and patterns that may be or not.
fn decided() -> impl Strategy<Value = Entry> {
    let pattern = prop::sample::select(vec![
        "operation: CREATE, pattern: \"/data/{digits}\"",
        "operation: CREATE, pattern: \"/srv/{digits}/{digits}\"",
        "operation: CREATE, pattern: \"/srv/1/{digits}\"",
        "operation: CREATE, pattern: \"/srv/**\"",
        "operation: DELETE, pattern: \"/data/*1*\"",
    ]);
    prop_oneof![pattern.prop_map(file), change()]
}

fn step() -> impl Strategy<Value = Step> {
    let pid = prop::option::of(8..40u32);
    let seen = (prop::collection::vec(change(), 1..60), 0..1_000_i64, pid);
    prop_oneof![
        8 => seen.prop_map(|(entries, at, pid)| Step::See(entries, at, pid)),
        1 => decided().prop_map(Step::Approve),
        1 => decided().prop_map(Step::Refuse),
        1 => Just(Step::Promote),
    ]
}

const ANN: By<'_> = By {
    actor: "ann",
    reason: "reviewed",
    at: 2,
};

fn run(steps: &[Step]) -> Profile {
    let mut profile = Profile::new(workload(), Mode::Learning);
    let mut windows: BTreeMap<u32, Window> = BTreeMap::new();
    let mut now = Moment { boot: 0, wall: 0 };
    for step in steps {
        let before = profile.clone();
        match step {
            Step::See(entries, at, pid) => {
                // One of a few instances, half of them seen from their start.
                now.boot += 20_000_000_000;
                now.wall = now.boot as i64;
                let id = (*at % 4) as u32;
                let opening = Opening {
                    id: id << 16,
                    node: id,
                    started: id.is_multiple_of(2).then_some(now.boot),
                    slot: 30_000_000_000,
                };
                let window =
                    (windows.entry(id)).or_insert_with(|| Window::open(opening, None, now));
                window.advance(now);
                for entry in entries {
                    let keyed = Keyed::of(entry);
                    let found = profile.find(&keyed);
                    let outcome = profile.observe_found((&keyed, &found), *at, *pid);
                    if outcome == Outcome::Learned {
                        assert!(profile.accepts(entry), "{entry}");
                    }
                    profile.witness(window, entry, now.boot);
                    numbered(*at as u64).attribute(&mut profile, entry);
                }
                profile.attend(window);
            }
            Step::Approve(entry) => {
                profile.approve(entry, ANN).unwrap();
                assert!(profile.accepts(entry));
            }
            Step::Refuse(entry) => {
                profile.refuse(entry, ANN).unwrap();
                assert!(!profile.accepts(entry));
            }
            Step::Promote => drop(profile.promote(ANN)),
        }
        assert_eq!(merged(&before, &profile), profile, "{step:?}");
    }
    profile
}

fn profile() -> impl Strategy<Value = Profile> {
    prop::collection::vec(step(), 0..6).prop_map(|steps| run(&steps))
}

fn merged(a: &Profile, b: &Profile) -> Profile {
    let mut joined = a.clone();
    joined.merge(b);
    joined
}

/// Which of the names it accepts that this file knows.
fn accepted(profile: &Profile, names: &[Entry]) -> Vec<bool> {
    names.iter().map(|name| profile.accepts(name)).collect()
}

/// How often each is tried: each case is many sightings, so a soak of many is cut to a tenth.
fn cases() -> u32 {
    let soak = std::env::var("PROPTEST_CASES").ok();
    let wanted = soak.and_then(|cases| cases.parse::<u32>().ok());
    wanted.map_or(64, |cases| (cases / 10).max(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

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
        prop_assert_eq!(&merged(&b, &once), &once);
    }

    #[test]
    fn acceptance_grows(
        seen in prop::collection::vec(prop::collection::vec(change(), 0..120), 2),
        names in prop::collection::vec(change(), 200),
    ) {
        // Where nobody decides; a decision may take away what the other side accepts.
        let [a, b] = [0, 1].map(|side| run(&[Step::See(seen[side].clone(), 1, None)]));
        let both = merged(&a, &b);
        for side in [&a, &b] {
            for name in names.iter().chain(seen.iter().flatten()) {
                prop_assert!(!side.accepts(name) || both.accepts(name), "{}", name);
            }
        }
    }

    #[test]
    fn files_read_as_they_are_written(profile in profile(), names in prop::collection::vec(change(), 50)) {
        let text = profile.to_yaml();
        let read = Profile::from_yaml(&text).unwrap();
        prop_assert_eq!(read.to_yaml(), text);
        prop_assert_eq!(&read, &profile);
        // What is compiled at once and what is compiled step by step are one.
        prop_assert_eq!(accepted(&read, &names), accepted(&profile, &names));
    }

    #[test]
    fn a_refusal_stands_above_patterns(profile in profile(), refused in change()) {
        let mut profile = profile;
        profile.refuse(&refused, ANN).unwrap();
        prop_assert!(!profile.accepts(&refused));
        let outcome = profile.observe(&Sighting { entry: refused.clone(), at: 9 });
        prop_assert!(matches!(outcome, Outcome::Deviation(_)));
        prop_assert!(!profile.accepts(&refused));
    }
}

/// Numbers from a seed (SplitMix64), so that a failure can be seen again.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// What one replica of a web server does: files of its own, and those of all.
fn replica(numbers: &mut Numbers, node: u64) -> Profile {
    let mut profile = Profile::new(workload(), Mode::Learning);
    for at in 0..50 {
        let number = numbers.below(2_000);
        let line = match numbers.below(6) {
            0 => format!("operation: CREATE, path: /var/lib/nginx/body/{number:010}"),
            1 => format!("operation: DELETE, path: /var/lib/nginx/body/{number:010}"),
            2 => format!(
                "operation: CREATE, path: /var/cache/nginx/{:x}/{:02x}/{:032x}",
                number % 16,
                number % 251,
                u128::from(number) << 64 | 0xabcd_ef00
            ),
            3 => {
                format!("operation: RENAME, path: /data/temp-{number}.rdb, target: /data/dump.rdb")
            }
            4 => format!("operation: OPEN_WRITE, path: /var/log/app/node-{node}.log"),
            _ => format!(
                "operation: CREATE, path: /tmp/word{}",
                ["a", "b", "c"][number as usize % 3]
            ),
        };
        let entry = file(&line);
        profile.observe(&Sighting {
            entry: entry.clone(),
            at,
        });
        let told = numbered(numbers.below(400)).attribute(&mut profile, &entry);
        assert!(told, "{entry} has no place");
    }
    profile
}

#[test]
fn fifty_nodes_that_merge_in_any_order_end_with_the_same_bytes() {
    const NODES: u64 = 50;
    let mut numbers = Numbers(4711);
    let first: Vec<Profile> = (0..NODES).map(|node| replica(&mut numbers, node)).collect();
    let mut nodes = first.clone();
    let mut exchanges = 0;
    // Each takes in what a random other one knows by then, until all are one; now and then
    // as a file, which is slow here.
    while nodes.windows(2).any(|two| two[0] != two[1]) {
        let (a, b) = (numbers.below(NODES) as usize, numbers.below(NODES) as usize);
        let mut other = nodes[b].clone();
        if exchanges % 8 == 0 {
            other = Profile::from_yaml(other.to_yaml()).unwrap();
        }
        nodes[a].merge(&other);
        exchanges += 1;
        assert!(exchanges < 5_000, "they do not come together");
    }
    let text = nodes[0].to_yaml();
    assert!(nodes.iter().all(|node| node.to_yaml() == text));
    // In one go, in the order of their numbers, it is the same.
    let mut all = Profile::new(workload(), Mode::Learning);
    first.iter().for_each(|node| all.merge(node));
    assert_eq!(all.to_yaml(), text);
    // Of most entries somebody told, and of some so much that not all is kept.
    let entries = all.entries(Verdict::Approved);
    let told: Vec<_> = entries.keys().filter_map(|it| all.provenance(it)).collect();
    assert_eq!(told.len(), entries.len());
    assert!(
        told.iter().any(|it| it.executables.more && it.uids.more),
        "{text}"
    );
    assert!(told.iter().any(|it| !it.executables.more), "{text}");
    for pattern in [
        "operation: CREATE, pattern: \"/var/lib/nginx/body/{digits:10}\"",
        "operation: RENAME, pattern: \"/data/temp-{digits}.rdb\", target: /data/dump.rdb",
        "operation: OPEN_WRITE, pattern: \"/var/log/app/node-{digits}.log\"",
    ] {
        assert!(all.accepts(&file(pattern)), "{pattern} in\n{text}");
    }
    let learned: usize = first.iter().map(Profile::approved_len).sum();
    let left = all.entries(Verdict::Approved).len();
    assert!(left * 10 < learned, "{left} of {learned}");
}
