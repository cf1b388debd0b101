//! Versions of an image: what a profile remembers of them, and who has grace.

use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::learn::{Deviation, Outcome, Sighting};
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::rule::{Rule, Severity};
use lapwing_profile::version::{VERSIONS_MAX, Version};
use lapwing_profile::workload::Workload;
use proptest::prelude::*;

const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;
const ANN: By<'_> = By {
    actor: "ann",
    reason: "reviewed",
    at: 7,
};

fn version(repository: &str, number: u32) -> Version {
    Version::new(repository, &format!("sha256:{number:064x}")).unwrap()
}

fn new(mode: Mode) -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    Profile::new(workload, mode)
}

/// A profile that was learned from the first version of a repository.
fn learned() -> Profile {
    let mut profile = new(Mode::Learning);
    assert!(profile.sight(&version("team/web", 1), 0));
    profile.promote(ANN).unwrap();
    profile
}

#[test]
fn a_new_version_of_the_same_repository_has_grace_until_it_ends() {
    let mut profile = learned();
    let (first, second) = (version("team/web", 1), version("team/web", 2));
    assert!(!profile.sight(&first, HOUR), "it is known");
    assert_eq!(profile.grace(&second, HOUR, DAY), None, "nobody saw it");
    assert!(profile.sight(&second, HOUR) && !profile.sight(&second, 9 * HOUR));
    let until = HOUR + DAY;
    assert_eq!(profile.grace(&second, HOUR, DAY), Some(until));
    assert_eq!(profile.grace(&second, until - 1, DAY), Some(until));
    assert_eq!(profile.grace(&second, until, DAY), None);
    assert_eq!(profile.grace(&second, HOUR, 0), None, "switched off");
    assert_eq!(profile.grace(&first, HOUR, DAY), None);
    // It stands in the file.
    let read = Profile::from_yaml(profile.to_yaml()).unwrap();
    assert_eq!(read, profile);
    assert_eq!(read.grace(&second, 2 * HOUR, DAY), Some(until));
}

#[test]
fn another_repository_has_none_and_no_time_makes_any() {
    let mut profile = learned();
    let other = version("evil/web", 2);
    assert!(profile.sight(&other, HOUR));
    assert_eq!(profile.grace(&other, HOUR, DAY), None);
    // Nor has its next one: it describes nothing.
    let next = version("evil/web", 3);
    assert!(profile.sight(&next, HOUR));
    assert_eq!(profile.grace(&next, HOUR, DAY), None);
    // Seen in a future that somebody made up.
    let late = version("team/web", 4);
    assert!(profile.sight(&late, 1_000 * DAY));
    assert_eq!(profile.grace(&late, HOUR, DAY), None);
}

#[test]
fn where_nobody_told_the_first_that_is_seen_is_what_it_describes() {
    let mut profile = new(Mode::Monitoring);
    let (first, second) = (version("team/web", 1), version("team/web", 2));
    assert!(profile.sight(&first, 0));
    assert_eq!(profile.grace(&first, 0, DAY), None);
    assert!(profile.sight(&second, HOUR));
    assert!(profile.grace(&second, HOUR, DAY).is_some());
}

#[test]
fn what_it_learns_from_is_known() {
    let mut profile = new(Mode::Learning);
    for number in 1..=2 {
        assert!(profile.sight(&version("team/web", number), number.into()));
        assert_eq!(profile.grace(&version("team/web", number), 5, DAY), None);
    }
    profile.promote(ANN).unwrap();
    assert!(!profile.sight(&version("team/web", 2), 9));
    let known: Vec<_> = profile.versions().iter().map(|one| one.known).collect();
    assert_eq!(known, [true, true]);
}

#[test]
fn the_newest_are_remembered() {
    let mut profile = learned();
    for number in 2..100 {
        assert!(profile.sight(&version("team/web", number), number.into()));
    }
    let all = profile.versions();
    assert_eq!(all.len(), VERSIONS_MAX + 1);
    assert!(all[0].known && all[0].version == &version("team/web", 1));
    assert_eq!(
        all[1].version,
        &version("team/web", 100 - VERSIONS_MAX as u32)
    );
    assert_eq!(all.last().unwrap().version, &version("team/web", 99));
}

fn deviation(profile: &mut Profile, entry: &str) -> Deviation {
    let entry = Entry::parse(entry).unwrap();
    match profile.observe(&Sighting { entry, at: 5 }) {
        Outcome::Deviation(deviation) => deviation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_dangerous_by_its_kind_has_no_grace() {
    let mut profile = learned();
    profile
        .refuse(&Entry::parse("exec: {path: /bin/refused}").unwrap(), ANN)
        .unwrap();
    for (entry, rule, has_grace) in [
        ("exec: {path: /bin/ls}", Rule::ExecUnknown, true),
        ("exec: {path: /bin/refused}", Rule::ExecUnknown, false),
        (
            "exec: {path: /bin/ls, phase: exec}",
            Rule::ExecUnknown,
            false,
        ),
        (
            "exec: {path: /tmp/x, origin: UPPER_LAYER}",
            Rule::ExecDrift,
            false,
        ),
        ("exec: {path: /x, origin: MEMFD}", Rule::ExecFileless, false),
        (
            "file: {operation: CREATE, path: /data/x}",
            Rule::FileUnknown,
            true,
        ),
        (
            "file: {operation: OPEN_WRITE, path: /etc/passwd}",
            Rule::FileUnknown,
            false,
        ),
        (
            "file: {operation: CHMOD, path: /data/x, setId: USER}",
            Rule::FileUnknown,
            false,
        ),
        (
            "file: {operation: CREATE, path: /usr/bin/x}",
            Rule::FileBinaryDir,
            false,
        ),
        (
            "file: {operation: OPEN_READ, path: /etc/shadow, by: /bin/x}",
            Rule::FileCredential,
            false,
        ),
        (
            "egress: {protocol: TCP, address: 10.0.0.1, port: 1}",
            Rule::EgressUnknown,
            true,
        ),
        (
            "egress: {protocol: TCP, address: 169.254.169.254, port: 80}",
            Rule::EgressImds,
            false,
        ),
        (
            "egress: {protocol: UNIX, path: /run/docker.sock}",
            Rule::EgressUnix,
            false,
        ),
        (
            "egress: {protocol: ICMP, socket: RAW}",
            Rule::EgressRaw,
            false,
        ),
        (
            "listen: {protocol: TCP, port: 1}",
            Rule::ListenUnknown,
            true,
        ),
        ("dns: {name: a.example, type: A}", Rule::DnsUnknown, true),
        (
            "privilege: {operation: CAPABILITY, detail: CAP_CHOWN}",
            Rule::PrivilegeCapability,
            true,
        ),
        (
            "privilege: {operation: UNSHARE, detail: net}",
            Rule::PrivilegeNamespace,
            true,
        ),
        (
            "privilege: {operation: SETNS, detail: net}",
            Rule::PrivilegeNamespace,
            false,
        ),
        (
            "privilege: {operation: PTRACE, detail: ATTACH}",
            Rule::PrivilegePtrace,
            false,
        ),
    ] {
        let found = deviation(&mut profile, entry);
        assert_eq!((found.rule, found.has_grace), (rule, has_grace), "{entry}");
    }
}

#[test]
fn a_severity_is_lowered_by_one_step() {
    let lower: Vec<_> = Severity::ALL.iter().map(|one| one.lower()).collect();
    use Severity::{High, Low, Medium};
    assert_eq!(lower, [Low, Low, Medium, High]);
}

#[test]
fn a_version_is_a_repository_and_a_digest() {
    let digest = format!("sha256:{:064x}", 7);
    for (repository, digest, is_one) in [
        ("host:5000/team/web", &*digest, true),
        ("", &digest, false),
        ("a\u{1b}", &digest, false),
        ("web", &digest[7..], false),
        ("web", &digest.to_uppercase(), false),
        ("web", &digest[..70], false),
        ("web", "sha256:", false),
        ("web", "md5:0123456789abcdef0123456789abcdef", false),
    ] {
        let found = Version::new(repository, digest);
        assert_eq!(found.is_some(), is_one, "{repository} {digest}");
    }
}

#[test]
fn a_file_that_says_nonsense_of_versions_is_refused() {
    let text = learned().to_yaml();
    let line = text.lines().find(|line| line.contains("digest:")).unwrap();
    for (with, word) in [
        (line.replace("sha256:", "sha257:"), "small hexadecimal"),
        (line.replace("team/web", "\"\""), "canonical"),
        (format!("{line}\n{line}"), "twice"),
        (line.replace("number: 1", "number: -1"), "line"),
        (line.replace("known", "knwon"), "knwon"),
    ] {
        let error = Profile::from_yaml(text.replace(line, &with)).unwrap_err();
        assert!(error.to_string().contains(word), "{with}: {error}");
    }
}

/// Sightings of so many versions that not all find room, in both modes.
fn profile() -> impl Strategy<Value = Profile> {
    let sights = prop::collection::vec((0..3_u32, 0..60_u32, 0..1_000_i64), 0..90);
    (sights, any::<bool>(), 0..90_usize).prop_map(|(sights, forgets, promoted)| {
        let mut profile = new(Mode::Learning);
        for (index, (repository, number, at)) in sights.into_iter().enumerate() {
            if index == promoted {
                let _ = profile.promote(ANN);
            }
            let before = profile.clone();
            profile.sight(&version(&format!("team/{repository}"), number), at);
            assert_eq!(merged(&before, &profile), profile, "it only grows");
            if forgets && index % 20 == 0 {
                // A node that was away comes back with little, and numbers from there.
                profile = new(profile.mode());
            }
        }
        profile
    })
}

fn merged(a: &Profile, b: &Profile) -> Profile {
    let mut joined = a.clone();
    joined.merge(b);
    joined
}

proptest! {
    #[test]
    fn merging_is_a_join_however_many_versions_there_are(
        a in profile(),
        b in profile(),
        c in profile(),
    ) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&a, &a), a.clone());
        let all = merged(&merged(&a, &b), &c);
        let known = all.versions().into_iter().filter(|one| one.known).count();
        prop_assert!(known <= VERSIONS_MAX && all.versions().len() <= 2 * VERSIONS_MAX);
        prop_assert_eq!(Profile::from_yaml(all.to_yaml()).unwrap(), all);
    }

    /// Of two nodes that know the same, the earlier first sight counts.
    #[test]
    fn the_earlier_first_sight_counts(a in 0..1_000_i64, b in 0..1_000_i64) {
        let (mut one, mut other) = (learned(), learned());
        let second = version("team/web", 2);
        one.sight(&second, a);
        other.sight(&second, b);
        let until = merged(&one, &other).grace(&second, 0, DAY);
        prop_assert_eq!(until, Some(a.min(b) + DAY));
    }
}
