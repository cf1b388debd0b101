use super::*;
use lapwing_proto::v1::Heartbeat;

fn beat(number: i64) -> Item {
    Item::Heartbeat(Heartbeat {
        time: Some(timestamp(number)),
        ..Heartbeat::default()
    })
}

fn limits(items: usize) -> Limits {
    let bytes = usize::MAX;
    Limits { items, bytes }
}

/// A log that begins at 50, with an item each 100.
fn feed(capacity: usize, items: i64) -> Arc<Feed> {
    let feed = Arc::new(Feed::new(limits(capacity), 50));
    for number in 1..=items {
        feed.publish(number * 100, beat(number));
    }
    feed
}

fn gap(response: Option<WatchResponse>) -> Gap {
    match response.and_then(|response| response.item) {
        Some(Item::Gap(gap)) => gap,
        other => panic!("{other:?}"),
    }
}

fn times(gap: &Gap) -> (i64, i64) {
    let time = |time: &Option<lapwing_proto::Timestamp>| {
        lapwing_proto::nanoseconds(time.as_ref().unwrap())
    };
    (time(&gap.from), time(&gap.to))
}

fn numbers(subscriber: &mut Subscriber) -> Vec<i64> {
    std::iter::from_fn(|| subscriber.try_next())
        .map(|response| match response.item.unwrap() {
            Item::Heartbeat(beat) => i64::from(beat.time.unwrap().nanos),
            Item::Gap(gap) => -i64::try_from(gap.count).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The cursors of everything in the log.
fn cursors(feed: &Arc<Feed>) -> Vec<String> {
    let mut all = feed.subscribe(&Start::Since(50)).unwrap();
    std::iter::from_fn(|| all.try_next())
        .map(|response| response.cursor)
        .collect()
}

#[test]
fn clients_start_where_they_say() {
    let feed = feed(10, 4);
    let cursors = cursors(&feed);
    let from = |start: Start| numbers(&mut feed.subscribe(&start).unwrap());
    assert_eq!(from(Start::Now), [0; 0]);
    assert_eq!(from(Start::Since(250)), [3, 4]);
    assert_eq!(from(Start::Since(50)), [1, 2, 3, 4]);
    assert_eq!(from(Start::After(cursors[1].clone())), [3, 4]);
    assert_eq!(from(Start::After(cursors[3].clone())), [0; 0]);
    for bad in [
        "", "32", "32-x-1", "32-1", "32-5-1", "32-1-1-1", "xyz!-1-1", "32-1-?",
    ] {
        assert!(feed.subscribe(&Start::After(bad.into())).is_err(), "{bad}");
    }
}

#[test]
fn a_time_before_the_log_gets_a_gap_up_to_the_log() {
    let whole = feed(10, 4);
    let mut early = whole.subscribe(&Start::Since(20)).unwrap();
    let missing = gap(early.try_next());
    assert_eq!(missing.reason, LOG_TOO_SHORT);
    assert_eq!((missing.count, times(&missing)), (0, (20, 50)));
    assert_eq!(numbers(&mut early), [1, 2, 3, 4]);

    // Of eight, the last three are left: 600, 700, 800.
    let short = feed(3, 8);
    for (time, to) in [(20, 600), (450, 600)] {
        let mut early = short.subscribe(&Start::Since(time)).unwrap();
        assert_eq!(times(&gap(early.try_next())), (time, to));
        assert_eq!(numbers(&mut early), [6, 7, 8]);
    }
    let mut within = short.subscribe(&Start::Since(650)).unwrap();
    assert_eq!(numbers(&mut within), [7, 8]);
}

#[test]
fn cursors_resume_without_loss_or_repeat() {
    let feed = feed(10, 2);
    let cursor = cursors(&feed).remove(0);
    feed.publish(300, beat(3));
    assert_eq!(
        numbers(&mut feed.subscribe(&Start::After(cursor)).unwrap()),
        [2, 3]
    );
}

#[test]
fn what_was_dropped_is_counted_exactly_and_has_its_time() {
    let feed = feed(3, 2);
    let cursor = cursors(&feed).remove(1);
    let mut slow = feed.subscribe(&Start::Since(50)).unwrap();
    slow.try_next().unwrap();
    for number in 3..=8 {
        feed.publish(number * 100, beat(number));
    }
    let missing = gap(slow.try_next());
    assert_eq!(missing.reason, SUBSCRIBER_SLOW);
    assert_eq!((missing.count, times(&missing)), (4, (100, 600)));
    assert_eq!(numbers(&mut slow), [6, 7, 8]);
    let mut late = feed.subscribe(&Start::After(cursor)).unwrap();
    let missing = gap(late.try_next());
    assert_eq!((missing.count, times(&missing)), (3, (200, 600)));
    assert_eq!(numbers(&mut late), [6, 7, 8]);
}

#[test]
fn the_log_is_bounded_in_bytes() {
    let item = || {
        Item::Violation(lapwing_proto::v1::Violation {
            nearest: "x".repeat(1000),
            ..Default::default()
        })
    };
    let one = Entry::new(1, item()).size();
    let bytes = 4 * one;
    let feed = Arc::new(Feed::new(Limits { items: 100, bytes }, 50));
    for number in 0..10 {
        feed.publish(100 + number, item());
    }
    let summary = feed.summary();
    assert_eq!((summary.first, summary.next), (7, 11));
    assert_eq!(feed.log().bytes, bytes);
    let huge = Item::Violation(lapwing_proto::v1::Violation {
        nearest: "x".repeat(10 * one),
        ..Default::default()
    });
    feed.publish(200, huge);
    assert_eq!(feed.summary().first, 11, "one is always held");
}

#[test]
fn a_cursor_of_another_epoch_gets_a_gap() {
    let feed = feed(10, 2);
    let mut back = feed.subscribe(&Start::After("20-77-2a".into())).unwrap();
    let missing = gap(back.try_next());
    assert_eq!(missing.reason, CURSOR_EXPIRED);
    assert_eq!(times(&missing), (42, 100));
    assert_eq!(numbers(&mut back), [1, 2]);
}

#[test]
fn a_gap_s_cursor_resumes_behind_the_gap() {
    let feed = feed(3, 8);
    let mut late = feed.subscribe(&Start::After("32-1-64".into())).unwrap();
    let cursor = late.try_next().unwrap().cursor;
    assert_eq!(
        numbers(&mut feed.subscribe(&Start::After(cursor)).unwrap()),
        [6, 7, 8]
    );
}

#[tokio::test]
async fn those_who_wait_are_woken() {
    let feed = feed(10, 0);
    let mut subscriber = feed.subscribe(&Start::Now).unwrap();
    assert_eq!(feed.summary().subscribers, 1);
    let publisher = Arc::clone(&feed);
    let thread = std::thread::spawn(move || publisher.publish(1, beat(1)));
    assert!(matches!(
        subscriber.next().await.item,
        Some(Item::Heartbeat(_))
    ));
    thread.join().unwrap();
    drop(subscriber);
    assert_eq!(feed.summary().subscribers, 0);
}
