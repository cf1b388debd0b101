use super::*;

/// The time of day is set back an hour after the first second.
fn moment(boot: u64) -> Moment {
    let step = if boot > SECOND { 3600 } else { 0 };
    Moment {
        boot,
        wall: 1_000_000_000_000_000 + boot as i64 - step * SECOND as i64,
    }
}

fn occur(episodes: &mut Episodes, fingerprint: &str, at: u64) -> Vec<Violation> {
    let make = || Violation {
        patch: format!("- {fingerprint}"),
        ..Violation::default()
    };
    episodes.occurred(fingerprint, 1, "c1", moment(at), make)
}

#[test]
fn repeats_raise_the_count_of_one_report() {
    let mut episodes = Episodes::default();
    let first = occur(&mut episodes, "f", 100).pop().unwrap();
    assert_eq!((first.revision, first.count), (1, 1));
    assert!(occur(&mut episodes, "f", 101).is_empty());
    assert!(occur(&mut episodes, "f", 102).is_empty());
    assert!(episodes.due(100 + PERIOD - 1).is_empty());
    let update = episodes.due(100 + PERIOD).pop().unwrap();
    assert_eq!((update.revision, update.count), (2, 3));
    assert_eq!(
        (&update.id, update.first_seen),
        (&first.id, first.first_seen)
    );
    assert_eq!(update.last_seen, Some(timestamp(moment(102).wall)));
    assert!(episodes.due(100 + 3 * PERIOD).is_empty(), "nothing new");
}

#[test]
fn another_time_between_two_reports_is_kept() {
    let mut episodes = Episodes::every(3 * PERIOD);
    occur(&mut episodes, "f", 100);
    occur(&mut episodes, "f", 101);
    assert!(episodes.due(100 + 3 * PERIOD - 1).is_empty());
    assert_eq!(episodes.due(100 + 3 * PERIOD).len(), 1);
}

#[test]
fn what_was_only_counted_counts() {
    let mut episodes = Episodes::default();
    occur(&mut episodes, "f", 0);
    assert!(episodes.recurred("f", 1, 998, moment(PERIOD)));
    assert!(episodes.recurred("f", 1, 1, moment(5)), "late");
    let update = episodes.due(PERIOD).pop().unwrap();
    assert_eq!((update.revision, update.count), (2, 1000));
    assert_eq!(update.last_seen, Some(timestamp(moment(PERIOD).wall)));
    assert!(
        !episodes.recurred("f", 2, 1, moment(5)),
        "another container"
    );
    episodes.close("f");
    assert!(!episodes.recurred("f", 1, 1, moment(5)));
}

#[test]
fn a_day_of_quiet_ends_an_episode_whatever_the_time_of_day() {
    let mut episodes = Episodes::default();
    let first = occur(&mut episodes, "f", 0).pop().unwrap();
    occur(&mut episodes, "f", 2 * SECOND);
    assert_eq!(episodes.due(2 * SECOND + PERIOD).len(), 1);
    occur(&mut episodes, "f", QUIET);
    assert!(occur(&mut episodes, "f", 2 * QUIET - 1).is_empty());
    let ended = episodes.due(3 * QUIET).pop().unwrap();
    assert_eq!((ended.count, ended.revision), (4, 3));
    let second = occur(&mut episodes, "f", 3 * QUIET + 1).pop().unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(first.fingerprint, second.fingerprint);
}

#[test]
fn no_end_loses_a_count() {
    let ends: [fn(&mut Episodes) -> Vec<Violation>; 3] = [
        |episodes| episodes.flush(2),
        |episodes| episodes.gone(1),
        |episodes| episodes.close("f"),
    ];
    for end in ends {
        let mut episodes = Episodes::default();
        for (fingerprint, at) in [("f", 0), ("f", 1), ("g", 1)] {
            occur(&mut episodes, fingerprint, at);
        }
        let last = end(&mut episodes);
        assert_eq!(last.len(), 1);
        assert_eq!((last[0].count, last[0].revision), (2, 2));
    }
}

#[test]
fn a_flood_ends_the_quietest_with_its_count() {
    let mut episodes = Episodes::default();
    occur(&mut episodes, "busy", 0);
    occur(&mut episodes, "quiet", 1);
    occur(&mut episodes, "quiet", 2);
    let mut reports = Vec::new();
    for n in 0..OPEN_MAX as u64 {
        reports.extend(occur(&mut episodes, &n.to_string(), 3 + n));
        occur(&mut episodes, "busy", 3 + n);
    }
    assert!(episodes.open.len() <= OPEN_MAX && episodes.bytes <= OPEN_BYTES_MAX);
    assert!(episodes.numbers.contains_key(&("busy".to_owned(), 1)));
    let ended: Vec<_> = reports
        .iter()
        .filter(|report| report.revision > 1)
        .collect();
    assert_eq!(ended.len(), 1, "the others told all when they came");
    assert_eq!((&*ended[0].fingerprint, ended[0].count), ("quiet", 2));
    let open = episodes.open.len() as u64;
    assert_eq!(episodes.ended_early(), OPEN_MAX as u64 + 2 - open);
    assert_eq!(episodes.order.len(), episodes.open.len());
    assert_eq!(episodes.numbers.len(), episodes.open.len());
}

#[test]
fn long_names_are_bounded_in_bytes_and_counted() {
    let mut episodes = Episodes::default();
    let long = "x".repeat(20_000);
    for n in 0..1_000 {
        let make = || Violation {
            patch: long.clone(),
            ..Violation::default()
        };
        episodes.occurred(&n.to_string(), 1, "c1", moment(n), make);
    }
    assert!(episodes.bytes <= OPEN_BYTES_MAX && episodes.ended_bytes <= ENDED_BYTES_MAX);
    let (open, ended) = (episodes.open.len() as u64, episodes.ended.len() as u64);
    assert!(open > 100 && ended > 50, "{open} {ended}");
    assert_eq!(episodes.ended_early(), 1_000 - open);
    assert_eq!(episodes.forgotten(), 1_000 - open - ended);
}

#[test]
fn the_id_of_a_container_that_is_gone_still_approves() {
    let mut episodes = Episodes::default();
    let first = occur(&mut episodes, "f", 0).pop().unwrap();
    assert!(episodes.gone(2).is_empty() && !episodes.open.is_empty());
    assert!(episodes.gone(1).is_empty() && episodes.open.is_empty());
    assert_eq!((episodes.bytes, episodes.order.len()), (0, 0));
    for name in [&*first.id, "f"] {
        assert_eq!(episodes.find(name).unwrap().patch, "- f");
    }
    assert_eq!(episodes.find("g"), None);
}
