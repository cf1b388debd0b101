//! Growth of what patterns leave open is on record, whoever makes them.

use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::learn::{Outcome, Sighting};
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::widened::WIDENED_MAX;
use lapwing_profile::workload::Workload;

const PATTERN: &str = "file: {operation: CREATE, pattern: \"/data/{digits}\"}";
const WIDE: &str = "file: {operation: CREATE, pattern: \"/srv/**\"}";

fn by(at: i64) -> By<'static> {
    By {
        actor: "ann",
        reason: "reviewed",
        at,
    }
}

fn profile() -> Profile {
    let workload = Workload {
        name: "db".into(),
        ..Workload::default()
    };
    Profile::new(workload, Mode::Learning)
}

fn entry(line: &str) -> Entry {
    Entry::parse(line).unwrap()
}

fn create(profile: &mut Profile, path: &str, at: i64) -> Outcome {
    let entry = entry(&format!("file: {{operation: CREATE, path: {path}}}"));
    profile.observe(&Sighting { entry, at })
}

/// When, and which, after a file was written and read.
fn widened(profile: &Profile) -> Vec<(i64, String)> {
    let read = Profile::from_yaml(profile.to_yaml()).unwrap();
    assert_eq!(read, *profile);
    let all = read.widened();
    all.map(|one| (one.at, one.entry.to_string())).collect()
}

#[test]
fn a_pattern_that_is_learned_is_on_record_and_names_are_not() {
    let mut profile = profile();
    for number in 0..15 {
        create(&mut profile, &format!("/data/{number}"), number);
    }
    assert_eq!((widened(&profile), profile.breadth()), (Vec::new(), 0));
    for number in 15..30 {
        create(&mut profile, &format!("/data/{number}"), number);
    }
    let once = vec![(15, PATTERN.to_owned())];
    assert_eq!((widened(&profile), profile.breadth()), (once, 2));
}

#[test]
fn in_monitoring_only_people_widen_and_that_is_on_record() {
    let mut profile = profile();
    create(&mut profile, "/data/1", 1);
    profile.promote(by(2)).unwrap();
    for number in 2..40 {
        let outcome = create(&mut profile, &format!("/data/{number}"), number);
        assert!(matches!(outcome, Outcome::Deviation(_)));
    }
    assert_eq!((widened(&profile), profile.breadth()), (Vec::new(), 0));
    profile.refuse(&entry(PATTERN), by(50)).unwrap();
    assert!(widened(&profile).is_empty());
    profile.approve(&entry(WIDE), by(51)).unwrap();
    profile.approve(&entry(WIDE), by(52)).unwrap();
    let mut known = vec![(51, WIDE.to_owned())];
    assert_eq!((widened(&profile), profile.breadth()), (known.clone(), 50));
    // A file that is imported may do so as well.
    let mut other = profile.clone();
    let opt = "file: {operation: CREATE, pattern: \"/opt/*\"}";
    other.approve(&entry(opt), by(53)).unwrap();
    profile.import(&other, by(60)).unwrap();
    known.push((60, opt.to_owned()));
    assert_eq!(widened(&profile), known);
}

#[test]
fn a_long_pattern_is_on_record_as_any_other() {
    let mut profile = profile();
    let deep = format!("/{}", "long".repeat(50)).repeat(12);
    for number in 0..30 {
        create(&mut profile, &format!("{deep}/{number}"), number);
    }
    let known = widened(&profile);
    assert_eq!(known.len(), 1, "of {} bytes", deep.len());
    assert!(known[0].1.contains("{digits}"));
}

#[test]
fn the_latest_are_kept_whatever_the_order_of_merging() {
    let of = |from: i64| {
        let mut profile = profile();
        for number in from..from + 12 {
            let line = format!("file: {{operation: CREATE, pattern: \"/srv/{number}/*\"}}");
            profile.approve(&entry(&line), by(number)).unwrap();
        }
        profile
    };
    let (a, b) = (of(0), of(100));
    let (mut one, mut other) = (a.clone(), b.clone());
    one.merge(&b);
    other.merge(&a);
    assert_eq!(widened(&one), widened(&other));
    assert_eq!(widened(&one).len(), WIDENED_MAX);
    assert_eq!(widened(&one)[0].0, 8);
}

#[test]
fn a_line_that_is_none_says_where() {
    let mut profile = profile();
    profile.approve(&entry(WIDE), by(1)).unwrap();
    let text = profile.to_yaml();
    let (spec, status) = text.split_once("  widened:").unwrap();
    let status = status.replacen("pattern: \"/srv/**\"", "path: /srv/x", 1);
    let error = Profile::from_yaml(format!("{spec}  widened:{status}")).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("is no pattern") && error.contains("line "),
        "{error}"
    );
}
