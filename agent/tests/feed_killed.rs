//! Kill -9 at any moment of an agent that writes its feed: what a client got is in the log with the
//! same meaning, and a client that resumes gets each record once.
//!
//! The test starts itself as another process, which publishes without pause and tells what its own
//! subscriber is given. It is killed wherever it is: in a write, between two segments, before a
//! record is offered. Few times by default, hundreds with LAPWING_SOAK=1.

use lapwing_agent::feed::segment::PAYLOAD_MAX;
use lapwing_agent::feed::spool::Caps;
use lapwing_agent::feed::{Feed, Limits, Settings, Start, Subscriber, Sync};
use lapwing_proto::v1::{Violation, WatchResponse, watch_response::Item};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Set where this is the process to be killed: its folder, and its round.
const FOLDER: &str = "LAPWING_TEST_FEED_FOLDER";
const ROUND: &str = "LAPWING_TEST_FEED_ROUND";
/// How many more are published than were given.
const AHEAD: u64 = 48;
const AHEAD_NAME: &str = "a_kill_ahead_of_the_disk_gives_no_number_a_second_meaning";
const NAME: &str = "a_kill_at_any_moment_loses_nothing_that_a_client_got";

fn open(folder: &Path, started: i64) -> Arc<Feed> {
    // Small, so that often one is begun.
    open_with(folder, started, 1 << 13)
}

fn open_with(folder: &Path, started: i64, segment: u64) -> Arc<Feed> {
    let settings = Settings {
        folder: folder.to_path_buf(),
        caps: Caps {
            bytes: 1 << 30,
            segment,
            age: i64::MAX,
        },
        sync: Sync::Interval(Duration::from_millis(10)),
    };
    let limits = Limits {
        items: 64, // More than `AHEAD`.
        bytes: 1 << 27,
    };
    Arc::new(Feed::open(limits, started, &settings).unwrap())
}

fn id(response: &WatchResponse) -> Option<&str> {
    match &response.item {
        Some(Item::Violation(violation)) => Some(&violation.id),
        _ => None,
    }
}

fn named(id: &str, bytes: usize) -> Item {
    Item::Violation(Violation {
        id: id.to_owned(),
        nearest: "x".repeat(bytes),
        ..Violation::default()
    })
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The process that is killed while its feed is ahead of the disk: `b` is written by a retry, `c`
/// is too large to be written ever, and clients got both.
fn be_ahead_of_the_disk(folder: &Path) -> ! {
    // Each record begins a segment, and so needs the folder.
    let feed = open_with(folder, 1_000, 1);
    let mut client = feed.subscribe(&Start::Now).unwrap();
    let tell = |client: &mut Subscriber| {
        until("nothing comes", || match client.try_next() {
            Some(response) => {
                println!("\ngot {} {}", response.cursor, id(&response).unwrap());
                true
            }
            None => false,
        });
    };
    feed.publish(100, named("a", 1));
    tell(&mut client);
    let away = folder.with_extension("away");
    std::fs::rename(folder, &away).unwrap();
    feed.publish(200, named("b", 1));
    feed.publish(300, named("c", PAYLOAD_MAX + 1));
    until("no trouble", || feed.trouble().is_some());
    tell(&mut client);
    tell(&mut client);
    std::fs::rename(&away, folder).unwrap();
    until("no retry", || feed.summary().spool.unwrap().segments == 2);
    assert!(feed.trouble().is_some());
    println!("\nready");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_kill_ahead_of_the_disk_gives_no_number_a_second_meaning() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        be_ahead_of_the_disk(Path::new(&folder));
    }
    let base = tempfile::tempdir().unwrap();
    let folder = base.path().join("feed");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", AHEAD_NAME, "--nocapture"])
        .env(FOLDER, &folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut cursors = HashMap::new();
    for line in lines.map(Result::unwrap).take_while(|line| line != "ready") {
        if let Some((cursor, id)) = line.strip_prefix("got ").and_then(|it| it.split_once(' ')) {
            cursors.insert(id.to_owned(), cursor.to_owned());
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(cursors.len(), 3, "{cursors:?}");

    let feed = open_with(&folder, 2_000, 1);
    for name in ["d", "e"] {
        feed.publish(400, named(name, 1));
    }
    let mut all = feed.subscribe(&Start::After(cursors["a"].clone())).unwrap();
    let next = |client: &mut Subscriber| {
        let mut next = None;
        until("nothing comes", || {
            next = client.try_next();
            next.is_some()
        });
        match next.unwrap() {
            WatchResponse {
                item: Some(Item::Gap(gap)),
                ..
            } => gap.reason,
            response => id(&response).unwrap().to_owned(),
        }
    };
    assert_eq!([(); 3].map(|()| next(&mut all)), ["b", "d", "e"]);
    // What was written goes on exactly, what was not is told of.
    let mut written = feed.subscribe(&Start::After(cursors["b"].clone())).unwrap();
    assert_eq!([(); 2].map(|()| next(&mut written)), ["d", "e"]);
    let mut lost = feed.subscribe(&Start::After(cursors["c"].clone())).unwrap();
    assert_eq!([(); 3].map(|()| next(&mut lost)), ["log-lost", "d", "e"]);
}

/// The process that is killed.
fn publish_for_ever(folder: &Path, round: u64) -> ! {
    let feed = open(folder, 1_000 + round as i64);
    let mut client = feed.subscribe(&Start::Now).unwrap();
    let publisher = Arc::clone(&feed);
    let given = Arc::new(AtomicU64::new(0));
    let taken = Arc::clone(&given);
    std::thread::spawn(move || {
        for number in 0_u64.. {
            // Not so far ahead that a disk that is busy elsewhere is told of, and records dropped.
            while number > taken.load(Ordering::Relaxed) + AHEAD {
                std::thread::yield_now();
            }
            // Of all lengths, so that a write is cut short anywhere.
            let violation = Violation {
                id: format!("{round}-{number}"),
                nearest: "x".repeat(RandomState::new().hash_one(number) as usize % 400),
                ..Violation::default()
            };
            publisher.publish(1_000_000 + number as i64, Item::Violation(violation));
        }
    });
    let mut out = std::io::stdout();
    loop {
        let Some(response) = client.try_next() else {
            std::thread::yield_now();
            continue;
        };
        let Some(id) = id(&response) else {
            panic!(
                "a log that nobody damaged: {response:?}, {:?}",
                feed.trouble()
            );
        };
        given.fetch_add(1, Ordering::Relaxed);
        // One write, so that no half of a line is read.
        let line = format!("got {} {id}\n", response.cursor);
        out.write_all(line.as_bytes()).unwrap();
    }
}

#[test]
fn a_kill_at_any_moment_loses_nothing_that_a_client_got() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let round = std::env::var(ROUND).unwrap().parse().unwrap();
        publish_for_ever(Path::new(&folder), round);
    }
    let rounds: u64 = match std::env::var_os("LAPWING_SOAK") {
        Some(_) => 300,
        None => 15,
    };
    let folder = tempfile::tempdir().unwrap();
    // What one client got over all kills, and where it is.
    let mut got: Vec<String> = Vec::new();
    let mut cursor = open(folder.path(), 1_000).here();
    let epoch = cursor.split('-').next().unwrap().to_owned();
    let mut told = 0;
    let mut behind = 0;
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(FOLDER, folder.path())
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut all = String::new();
        while !all.contains("\ngot ") {
            assert_ne!(lines.read_line(&mut all).unwrap(), 0, "it ended: {all}");
        }
        let micros = RandomState::new().hash_one(round) % 15_000;
        std::thread::sleep(Duration::from_micros(micros));
        // What it tells is read while it runs, so that it is not held up.
        let rest = std::thread::spawn(move || {
            let mut rest = String::new();
            lines.read_to_string(&mut rest).map(|_| rest)
        });
        child.kill().unwrap();
        child.wait().unwrap();
        all += &rest.join().unwrap().unwrap();
        let mut words = all
            .lines()
            .filter_map(|line| line.strip_prefix("got "))
            .filter_map(|line| line.split_once(' '));
        let first = words.clone().next().unwrap();
        assert!(
            first.1.ends_with("-0") || round > 0,
            "the first is told: {first:?}"
        );
        // The client that was killed with it got all of these, in this order.
        let here: Vec<(&str, &str)> = words.by_ref().collect();
        told += here.len();
        let feed = open(folder.path(), 1_000_000 + round as i64);
        let mut client = feed.subscribe(&Start::After(cursor.clone())).unwrap();
        let mut resumed = Vec::new();
        while let Some(response) = client.try_next() {
            let id = id(&response).expect("no gap");
            assert!(response.cursor.starts_with(&epoch), "{}", response.cursor);
            resumed.push((response.cursor.clone(), id.to_owned()));
        }
        // What was told is what is there, number by number; what was not told may be there too.
        assert!(
            resumed.len() >= here.len(),
            "round {round}: {} were told, {} are there",
            here.len(),
            resumed.len()
        );
        for ((cursor, id), told) in resumed.iter().zip(&here) {
            assert_eq!((cursor.as_str(), id.as_str()), *told, "round {round}");
        }
        behind += resumed.len() - here.len();
        // Each is one of this round's, in the order in which they were published.
        for (number, (_, id)) in resumed.iter().enumerate() {
            assert_eq!(*id, format!("{round}-{number}"));
        }
        if let Some((last, _)) = resumed.last() {
            cursor.clone_from(last);
        }
        got.extend(resumed.into_iter().map(|(_, id)| id));
    }
    // And once more from the beginning: the log is what the client got.
    let feed = open(folder.path(), 1_000);
    let mut client = feed.subscribe(&Start::Since(0)).unwrap();
    // The log begins later than that, which is told.
    assert!(id(&client.try_next().unwrap()).is_none());
    let all: Vec<String> = std::iter::from_fn(|| client.try_next())
        .map(|response| id(&response).expect("no gap").to_owned())
        .collect();
    assert_eq!(all.len(), got.len());
    assert!(all == got, "the log is not what the client got");
    assert!(
        told as u64 > 10 * rounds,
        "hardly anything was told: {told}"
    );
    println!("{rounds} kills: {told} records told, {behind} more written and not told");
}
