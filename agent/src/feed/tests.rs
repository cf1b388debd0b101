use super::*;
use lapwing_proto::timestamp;
use lapwing_proto::v1::{Behaviour, Gap, Heartbeat, Violation, WatchResponse};

mod disk;

/// A record.
fn record(number: i64) -> Item {
    Item::Violation(Violation {
        count: number.unsigned_abs(),
        ..Violation::default()
    })
}

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
        feed.publish(number * 100, record(number));
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
            Item::Violation(violation) => i64::try_from(violation.count).unwrap(),
            Item::Heartbeat(beat) => i64::from(beat.time.unwrap().nanos),
            Item::Gap(gap) => -i64::try_from(gap.count).unwrap(),
            other @ Item::Behaviour(_) => panic!("{other:?}"),
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
        "",
        "32",
        "32-x-1",
        "32-1",
        "32-5-1",
        "32-1-1-1-1",
        "xyz!-1-1",
        "32-1-?",
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
    feed.publish(300, record(3));
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
        feed.publish(number * 100, record(number));
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
        Item::Violation(Violation {
            nearest: "x".repeat(1000),
            ..Default::default()
        })
    };
    let one = Entry::new(1, item(), &Redaction::default()).size();
    let bytes = 4 * one;
    let feed = Arc::new(Feed::new(Limits { items: 100, bytes }, 50));
    for number in 0..10 {
        feed.publish(100 + number, item());
    }
    let summary = feed.summary();
    assert_eq!((summary.first, summary.next), (7, 11));
    assert_eq!(feed.shared.memory().bytes, bytes);
    let huge = Item::Violation(Violation {
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

#[test]
fn behaviours_that_were_dropped_are_counted_and_heartbeats_are_not() {
    let behaviour = || Item::Behaviour(Behaviour::default());
    let kinds = |subscriber: &mut Subscriber| -> String {
        std::iter::from_fn(|| subscriber.try_next())
            .map(|response| match response.item.unwrap() {
                Item::Violation(_) => "v".to_owned(),
                Item::Behaviour(_) => "b".to_owned(),
                Item::Heartbeat(_) => "h".to_owned(),
                Item::Gap(gap) => format!("{}{}", gap.reason.chars().next().unwrap(), gap.count),
            })
            .collect()
    };
    let feed = feed(4, 1);
    let mut slow = feed.subscribe(&Start::Since(50)).unwrap();
    assert_eq!(kinds(&mut slow), "v");
    for item in [behaviour(), beat(1), behaviour(), beat(2)] {
        feed.publish(200, item);
    }
    assert_eq!(kinds(&mut slow), "bhbh");
    let mut all = feed.subscribe(&Start::Since(50)).unwrap();
    let cursors: Vec<_> = std::iter::from_fn(|| all.try_next())
        .map(|one| one.cursor)
        .collect();
    // The log is too short, then what is there.
    assert_eq!(cursors.len(), 5);
    let resumed = |cursor: &str| kinds(&mut feed.subscribe(&Start::After(cursor.into())).unwrap());
    // A heartbeat has the place of what is before it.
    assert_eq!(resumed(&cursors[1]), "bh");
    assert_eq!(resumed(&cursors[3]), "");
    for item in [
        behaviour(),
        behaviour(),
        behaviour(),
        beat(3),
        behaviour(),
        record(2),
    ] {
        feed.publish(300, item);
    }
    assert_eq!(kinds(&mut slow), "b2bhbv", "two of four are gone");
    let late = cursors[3].clone();
    assert_eq!(resumed(&late), "b2bhbv");
}

/// No thread writes here: what is published waits for ever.
#[test]
fn nobody_is_given_a_place_behind_what_is_not_written() {
    let eras = vec![cursor::Era { began: 5, first: 1 }];
    let mut memory = Memory::new(limits(10), 5, eras, 1, 7);
    let redaction = Redaction::default();
    let mut publish = |item| memory.push(Entry::new(1, item, &redaction));
    let behaviour = || Item::Behaviour(Behaviour::default());
    for item in [behaviour(), record(1), behaviour(), record(2)] {
        publish(item);
    }
    let feed = Arc::new(Feed::of(memory, false, 5, 7));
    let here = || {
        let now = feed.subscribe(&Start::Now).unwrap().cursor();
        let place = |text: String| {
            let cursor = Cursor::parse(&text).unwrap();
            (cursor.number, cursor.behaviour)
        };
        let here = place(feed.here());
        assert_eq!(place(now), here);
        here
    };
    assert_eq!(here(), (0, 8), "behind the first behaviour");
    let cursor = feed.here();
    let mut now = feed.subscribe(&Start::Now).unwrap();
    assert_eq!(now.try_next(), None);
    feed.shared.memory().written(2);
    assert_eq!(here(), (1, 9));
    feed.shared.memory().written(3);
    assert_eq!(here(), (2, 9));
    let mut after = feed.subscribe(&Start::After(cursor)).unwrap();
    for client in [&mut now, &mut after] {
        let items = std::iter::from_fn(|| client.try_next()?.item);
        assert_eq!(
            items.collect::<Vec<_>>(),
            [record(1), behaviour(), record(2)]
        );
    }
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

#[test]
fn what_arrives_though_it_was_dropped_is_not_lost() {
    let begun = cursor::Era { began: 0, first: 1 };
    let mut memory = Memory::new(limits(3), 1, vec![begun], 1, 0);
    let push = |memory: &mut Memory, number| {
        let entry = Entry::new(number, record(number), &Redaction::default());
        while !memory.has_room(&entry) {
            memory.drop_oldest();
        }
        memory.push(entry);
    };
    (1..=3).for_each(|number| push(&mut memory, number));
    let under_way = memory.to_write(1 << 20);
    (4..=6).for_each(|number| push(&mut memory, number));
    assert_eq!((under_way.len(), memory.lost), (3, 3));
    memory.arrived(&under_way);
    assert_eq!((memory.to_write(1 << 20).len(), memory.lost), (3, 0));
    // What nobody had taken is lost.
    let under_way = memory.to_write(1);
    (7..=8).for_each(|number| push(&mut memory, number));
    assert_eq!((under_way.len(), memory.lost), (1, 2));
    memory.arrived(&under_way);
    assert_eq!((memory.to_write(1 << 20).len(), memory.lost), (3, 1));
}
