//! Ranges of addresses that people write: what they excuse, what they take away, and that it does not
//! matter in which order profiles with them merge.

use lapwing_profile::behaviour::Cidr;
use lapwing_profile::decide::By;
use lapwing_profile::diff::Diff;
use lapwing_profile::entry::Entry;
use lapwing_profile::learn::{Outcome, Sighting};
use lapwing_profile::profile::{Mode, Profile, Verdict};
use lapwing_profile::provenance::Source;
use lapwing_profile::rule::Rule;
use lapwing_profile::workload::Workload;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ANN: By<'_> = By {
    actor: "ann",
    reason: "the subnet of the databases",
    at: 1,
};

fn entry(line: &str) -> Entry {
    Entry::parse(&format!("egress: {{protocol: TCP, {line}}}")).unwrap()
}

fn at(peer: &str) -> Entry {
    let key = if peer.contains('/') {
        "cidr"
    } else {
        "address"
    };
    entry(&format!("{key}: \"{peer}\", port: 5432"))
}

fn new(mode: Mode) -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    Profile::new(workload, mode)
}

fn see(profile: &mut Profile, entry: Entry) -> Outcome {
    profile.observe(&Sighting { entry, at: 5 })
}

/// A file of it says the same.
fn again(profile: &Profile) -> Profile {
    let text = profile.to_yaml();
    let read = Profile::from_yaml(text.clone()).unwrap();
    assert_eq!(read.to_yaml(), text);
    assert_eq!(&read, profile);
    read
}

#[test]
fn what_is_in_it_passes_and_nothing_beside_it() {
    let mut profile = new(Mode::Monitoring);
    profile.approve(&at("10.1.0.0/16"), ANN).unwrap();
    for (line, passes) in [
        ("address: 10.1.2.3, port: 5432", true),
        ("address: 10.2.0.1, port: 5432", false),
        ("address: 10.1.2.3, port: 22", false),
        ("address: 10.1.2.3, port: 5432, phase: exec", false),
        ("domain: db.example.com, port: 5432", false),
        ("address: \"fd00::1\", port: 5432", false),
    ] {
        let entry = entry(line);
        assert_eq!(profile.accepts(&entry), passes, "{line}");
        assert_eq!(see(&mut profile, entry) == Outcome::Known, passes, "{line}");
    }
    let udp = Entry::parse("egress: {protocol: UDP, address: 10.1.2.3, port: 5432}").unwrap();
    assert!(!again(&profile).accepts(&udp));
}

fn approving(ranges: &[&str]) -> Profile {
    let mut profile = new(Mode::Monitoring);
    for range in ranges {
        profile.approve(&at(range), ANN).unwrap();
    }
    profile
}

/// Metadata services, and what hands out credentials, in IPv4, in IPv6 and behind NAT64.
const METADATA: [&str; 10] = [
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "fd20:ce::254",
    "fd00:42::42",
    "168.63.129.16",
    "192.0.0.192",
    "169.254.170.2",
    "169.254.170.23",
    "64:ff9b::a9fe:a9fe",
];

#[test]
fn it_excuses_no_metadata_service_however_narrow_it_is() {
    let ranges = [
        "0.0.0.0/0",
        "::/0",
        "100.64.0.0/10",
        "fd00::/8",
        "64:ff9b::/96",
        "64:ff9b::a9fe:0/112",
        "168.63.0.0/16",
        "192.0.0.0/24",
        "169.254.0.0/16",
        "169.254.170.0/24",
    ];
    let mut profile = again(&approving(&ranges));
    for metadata in METADATA {
        assert!(!profile.accepts(&at(metadata)), "{metadata}");
        match see(&mut profile, at(metadata)) {
            Outcome::Deviation(deviation) => {
                let is_ruled = ["169.254.169.254", "fd00:ec2::254"].contains(&metadata);
                let rule = match is_ruled {
                    true => Rule::EgressImds,
                    false => Rule::EgressUnknown,
                };
                assert_eq!(deviation.rule, rule, "{metadata}");
            }
            other => panic!("{metadata}: {other:?}"),
        }
        profile.approve(&at(metadata), ANN).unwrap();
        assert!(profile.accepts(&at(metadata)), "by its own name");
    }
    for beside in ["100.100.100.201", "fd20:ce::255", "169.254.170.3"] {
        assert_eq!(see(&mut profile, at(beside)), Outcome::Known, "{beside}");
    }
}

#[test]
fn it_excuses_this_host_and_this_link_only_if_it_was_written_for_them() {
    let mut all = approving(&["0.0.0.0/0", "::/0"]);
    for (address, own) in [
        ("127.0.0.1", "127.0.0.0/8"),
        ("0.0.0.0", "0.0.0.0/8"),
        ("169.254.20.10", "169.254.0.0/16"),
        ("224.0.0.251", "224.0.0.0/24"),
        ("::1", "::/96"),
        ("fe80::1", "fe80::/10"),
        ("ff02::fb", "ff02::/16"),
        ("64:ff9b::7f00:1", "64:ff9b::7f00:0/104"),
    ] {
        let outcome = see(&mut all, at(address));
        assert!(matches!(outcome, Outcome::Deviation(_)), "{address}");
        assert!(!all.accepts(&at(own)), "{own}");
        let mut written = approving(&[own]);
        assert_eq!(see(&mut written, at(address)), Outcome::Known, "{address}");
        // Whoever has the wide one does not have the narrow one, and is told so.
        assert_eq!(Diff::between(&all, &written).added, [at(own)]);
        assert_eq!(
            written.replay(std::iter::empty(), &all, None).open,
            [at(own)]
        );
    }
}

#[test]
fn a_refusal_of_it_takes_those_away_too() {
    let mut profile = new(Mode::Learning);
    for address in ["127.0.0.1", "100.100.100.200"] {
        assert_eq!(see(&mut profile, at(address)), Outcome::Learned);
        assert!(profile.accepts(&at(address)));
    }
    profile.refuse(&at("0.0.0.0/0"), ANN).unwrap();
    for address in ["127.0.0.1", "100.100.100.200", "169.254.20.10"] {
        assert!(!profile.accepts(&at(address)), "{address}");
        assert!(profile.is_refused(&at(address)), "{address}");
    }
}

#[test]
fn the_record_of_it_counts_and_names_the_addresses() {
    let mut profile = new(Mode::Learning);
    profile.approve(&at("10.1.0.0/16"), ANN).unwrap();
    let source = Source {
        executable: Some("/usr/bin/web"),
        uids: [33, 33],
        ..Source::default()
    };
    for address in ["10.1.0.7", "10.1.2.3", "10.1.0.7"] {
        assert_eq!(see(&mut profile, at(address)), Outcome::Known);
        assert!(profile.attribute(&at(address), &source));
    }
    let profile = again(&profile);
    assert_eq!((profile.len(), profile.approved_len()), (1, 1));
    assert_eq!(profile.record(&at("10.1.0.0/16")).unwrap().count, 3);
    let told = profile.provenance(&at("10.1.0.0/16")).unwrap();
    assert!(told.addresses.all.contains(&"10.1.0.7".to_owned()));
    assert_eq!(told.addresses.all.len(), 2);
}

#[test]
fn a_refusal_of_many_takes_what_was_learned_and_not_what_was_approved() {
    let mut profile = new(Mode::Learning);
    see(&mut profile, at("10.1.0.7"));
    profile.approve(&at("10.1.0.8"), ANN).unwrap();
    profile.refuse(&at("10.1.0.0/16"), ANN).unwrap();
    assert!(!profile.accepts(&at("10.1.0.7")));
    assert!(profile.accepts(&at("10.1.0.8")));
    assert_eq!(profile.approved_len(), 1);
    assert!(matches!(
        see(&mut profile, at("10.1.0.9")),
        Outcome::Deviation(_)
    ));
    let read = again(&profile);
    assert!(!read.accepts(&at("10.1.0.7")) && read.is_refused(&at("10.1.0.7")));
    // Whoever writes it into `spec` after that approves of it.
    let line = format!("    - {}\n", at("10.1.0.8").fields());
    let more = format!("{line}    - {}\n", at("10.1.0.7").fields());
    let text = profile.to_yaml();
    assert!(text.contains(&line), "{text}");
    let written = Profile::from_yaml(text.replacen(&line, &more, 1)).unwrap();
    assert!(written.accepts(&at("10.1.0.7")));
    // Approved again, it is as before, but for what was refused by name.
    profile.refuse(&at("10.1.0.9"), ANN).unwrap();
    profile.approve(&at("10.1.0.0/16"), ANN).unwrap();
    assert!(profile.accepts(&at("10.1.0.7")) && profile.accepts(&at("10.1.9.9")));
    assert!(!profile.accepts(&at("10.1.0.9")));
}

#[test]
fn a_narrower_one_is_no_wider() {
    let wide = approving(&["10.0.0.0/8"]);
    let narrow = approving(&["10.1.0.0/16", "10.2.0.1"]);
    assert!(!Diff::between(&wide, &narrow).widens());
    let wider = Diff::between(&narrow, &wide);
    assert_eq!(wider.added, [at("10.0.0.0/8")]);
    assert_eq!(wider.breadth, (16, 24));
}

#[test]
fn a_candidate_without_it_is_told_to_report_the_addresses() {
    let mut profile = new(Mode::Monitoring);
    profile.approve(&at("10.1.0.0/16"), ANN).unwrap();
    see(&mut profile, at("10.1.0.7"));
    let same = profile.replay(std::iter::empty(), &profile, None);
    assert!(same.reported.is_empty() && same.open.is_empty());
    let without = profile.replay(std::iter::empty(), &new(Mode::Monitoring), None);
    assert_eq!(without.open, [at("10.1.0.0/16")]);
}

#[test]
fn what_is_wrong_with_it_is_said_with_its_place() {
    let mut profile = new(Mode::Monitoring);
    profile.approve(&at("10.1.0.0/16"), ANN).unwrap();
    let text = profile.to_yaml().replacen("10.1.0.0/16", "10.1.0.1/16", 1);
    let error = Profile::from_yaml(text).unwrap_err().to_string();
    let words = ["line ", "column ", "`10.1.0.1/16` is written 10.1.0.0/16"];
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
}

#[derive(Clone, Debug)]
enum Step {
    See(&'static str),
    Approve(&'static str),
    Refuse(&'static str),
    /// Itself, as it is, or what somebody left of it.
    Import(bool),
    Promote,
}

const ADDRESSES: &[&str] = &[
    "10.1.0.7",
    "10.1.2.3",
    "10.2.0.1",
    "127.0.0.1",
    "169.254.20.10",
    "169.254.170.2",
];
const RANGES: &[&str] = &[
    "10.1.0.0/16",
    "10.1.0.0/24",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "169.0.0.0/8",
];

fn peers() -> impl Iterator<Item = &'static str> {
    ADDRESSES.iter().chain(RANGES).copied()
}

fn step() -> impl Strategy<Value = Step> {
    let peer = || prop::sample::select(peers().collect::<Vec<_>>());
    prop_oneof![
        prop::sample::select(ADDRESSES).prop_map(Step::See),
        peer().prop_map(Step::Approve),
        peer().prop_map(Step::Refuse),
        any::<bool>().prop_map(Step::Import),
        Just(Step::Promote),
    ]
}

fn profile() -> impl Strategy<Value = Profile> {
    prop::collection::vec(step(), 0..9).prop_map(|steps| {
        let mut profile = new(Mode::Learning);
        for step in steps {
            match step {
                Step::See(peer) => drop(see(&mut profile, at(peer))),
                Step::Approve(peer) => profile.approve(&at(peer), ANN).unwrap(),
                Step::Refuse(peer) => profile.refuse(&at(peer), ANN).unwrap(),
                Step::Import(whole) => {
                    let other = match whole {
                        true => profile.clone(),
                        false => new(Mode::Learning),
                    };
                    profile.import(&other, ANN).unwrap();
                }
                // The second time it is monitoring already.
                Step::Promote => drop(profile.promote(ANN)),
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
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn profiles_merge_in_any_order_and_survive_their_files(
        (a, b, c) in (profile(), profile(), profile()),
    ) {
        let both = merged(&a, &b);
        prop_assert_eq!(both.to_yaml(), merged(&b, &a).to_yaml());
        prop_assert_eq!(merged(&both, &a).to_yaml(), both.to_yaml());
        prop_assert_eq!(merged(&both, &c).to_yaml(), merged(&a, &merged(&b, &c)).to_yaml());
        let read = again(&both);
        for peer in peers() {
            let entry = at(peer);
            prop_assert_eq!(read.accepts(&entry), both.accepts(&entry), "{}", peer);
            // Where nobody decided against anything, whatever one side accepts both accept.
            let is_against = |one: &&Profile| {
                let waiting = one.entries(Verdict::Pending);
                !one.entries(Verdict::Refused).is_empty()
                    || waiting.values().any(|record| record.revision > 0)
            };
            if ![&a, &b].iter().any(is_against) && (a.accepts(&entry) || b.accepts(&entry)) {
                prop_assert!(both.accepts(&entry), "{}", peer);
            }
        }
    }

    /// What a profile approves by name stands above any range, and a narrow range is no more than a
    /// wide one: said in another way than the table is made.
    #[test]
    fn who_said_it_by_name_is_heard(profile in profile()) {
        let (approved, refused) = (profile.entries(Verdict::Approved), profile.entries(Verdict::Refused));
        for peer in ADDRESSES {
            let entry = at(peer);
            let is_refused = RANGES.iter().any(|it| refused.contains_key(&at(it)) && holds(it, peer));
            let is_excused = RANGES.iter().any(|it| approved.contains_key(&at(it)) && excuses(it, peer));
            let by_person = profile.record(&entry).is_some_and(|it| it.revision > 0);
            let expected = match (approved.contains_key(&entry), refused.contains_key(&entry)) {
                (_, true) => false,
                (true, _) if by_person => true,
                (learned, _) => !is_refused && (learned || is_excused),
            };
            prop_assert_eq!(profile.accepts(&entry), expected, "{}", peer);
            let outcome = see(&mut profile.clone(), entry);
            prop_assert_eq!(outcome == Outcome::Known, expected, "{}: {:?}", peer, outcome);
        }
    }

    /// A range that is accepted because of a wider one excuses no more than that one does; and of
    /// two ranges that both hold an address, the narrower excuses it if the wider does.
    #[test]
    fn what_a_wider_one_stands_for_it_excuses(
        near in prop_oneof![prop::sample::select(&NEAR[..]).prop_map(ip), any::<IpAddr>()],
        far in 0..128_u8,
        prefixes in (0..128_u8, 0..128_u8),
    ) {
        let (narrow, wide) = (prefixes.0.max(prefixes.1), prefixes.0.min(prefixes.1));
        let (Some(narrow), Some(wide)) = (Cidr::around(near, narrow), Cidr::around(near, wide)) else {
            return Ok(());
        };
        // Some other address, most often of the narrower one.
        let other = match near.to_canonical() {
            IpAddr::V4(it) => Ipv4Addr::from_bits(it.to_bits() ^ 1 << (far % 32)).into(),
            IpAddr::V6(it) => IpAddr::V6(Ipv6Addr::from_bits(it.to_bits() ^ 1 << far)).to_canonical(),
        };
        let (narrow, wide) = (narrow.to_string(), wide.to_string());
        let (by_narrow, by_wide) = (approving(&[&narrow]), approving(&[&wide]));
        let both = approving(&[&narrow, &wide]);
        let is_known = by_wide.accepts(&at(&narrow));
        for address in [near.to_canonical(), other] {
            let holds = narrow.parse::<Cidr>().unwrap().contains(address);
            let entry = at(&address.to_string());
            let excused = (by_narrow.accepts(&entry), by_wide.accepts(&entry));
            prop_assert!(!is_known || !excused.0 || excused.1, "{} in {}: {}", narrow, wide, entry);
            prop_assert!(!holds || !excused.1 || excused.0, "{} in {}: {}", narrow, wide, entry);
            prop_assert_eq!(both.accepts(&entry), excused.0 || excused.1);
        }
    }
}

/// At the borders of what is special.
const NEAR: [&str; 14] = [
    "0.0.0.1",
    "10.1.0.7",
    "126.255.255.255",
    "127.0.0.1",
    "169.254.0.0",
    "169.254.170.2",
    "100.100.100.200",
    "224.0.0.1",
    "::1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "fe80::1",
    "fd20:ce::254",
];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// What an approved range of those above excuses: the last address, of a metadata service, is in no
/// range, and those of the host and the link are in their own.
fn excuses(range: &str, address: &str) -> bool {
    let own = match address {
        "169.254.170.2" => return false,
        "127.0.0.1" => Some("127.0.0.0/8"),
        "169.254.20.10" => Some("169.254.0.0/16"),
        _ => None,
    };
    holds(range, address) && own.is_none_or(|own| range == own)
}

/// Whether an address is in a range, of those above: by its text.
fn holds(range: &str, address: &str) -> bool {
    let begins = match range {
        "10.1.0.0/16" => "10.1.",
        "10.1.0.0/24" => "10.1.0.",
        "10.0.0.0/8" => "10.",
        "127.0.0.0/8" => "127.",
        "169.254.0.0/16" => "169.254.",
        "169.0.0.0/8" => "169.",
        "0.0.0.0/0" => "",
        other => unreachable!("{other}"),
    };
    address.starts_with(begins)
}
