//! The log on disk: what is found again, whatever happened to it.

use super::*;
use crate::feed::segment::{FRAME, Header};
use crate::feed::spool::{Caps, EXTENSION, History, Read, Record, Spool};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

mod late;
mod synced;

const BOOT: [u8; 16] = [1; 16];
const CAPS: Caps = Caps {
    bytes: 1 << 20,
    segment: 1 << 18,
    age: i64::MAX,
};

fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.to_path_buf(),
        caps: CAPS,
        sync: Sync::Never,
    }
}

/// A feed with little memory, so that much is read from disk.
fn open(folder: &Path, settings: &Settings) -> Arc<Feed> {
    let settings = Settings {
        folder: folder.to_path_buf(),
        ..settings.clone()
    };
    Arc::new(Feed::open(limits(3), 50, &settings).unwrap())
}

fn fill(feed: &Feed, numbers: impl Iterator<Item = i64>) {
    for number in numbers {
        feed.publish(number * 100, record(number));
    }
    written(feed);
}

fn written(feed: &Feed) {
    let until = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let memory = feed.shared.memory();
        if memory.unwritten == memory.next {
            return;
        }
        drop(memory);
        assert!(std::time::Instant::now() < until, "{:?}", feed.trouble());
        std::thread::yield_now();
    }
}

/// Of records that are written before they are given out.
fn settled(eras: &[cursor::Era]) -> History {
    History {
        eras: eras.to_vec(),
        ahead: false,
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(EXTENSION))
        .collect();
    all.sort();
    all
}

fn all(feed: &Arc<Feed>) -> Vec<i64> {
    numbers(&mut feed.subscribe(&Start::Since(50)).unwrap())
}

fn cursor_of(feed: &Arc<Feed>, number: i64) -> String {
    let mut all = feed.subscribe(&Start::Since(50)).unwrap();
    std::iter::from_fn(|| all.try_next())
        .find(|one| one.item == Some(record(number)))
        .unwrap()
        .cursor
}

#[test]
fn a_log_goes_on_after_a_restart_and_cursors_resume_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let feed = open(folder.path(), &settings(folder.path()));
    fill(&feed, 1..=20);
    feed.publish(2_050, beat(1));
    let mut behind = feed.subscribe(&Start::Now).unwrap();
    assert_eq!(behind.try_next(), None);
    let cursor = cursor_of(&feed, 7);
    let last = cursor_of(&feed, 20);
    let epoch = feed.summary().epoch;
    drop((feed, behind));

    let feed = open(folder.path(), &settings(folder.path()));
    assert_eq!(feed.summary().epoch, epoch);
    assert_eq!(all(&feed), (1..=20).collect::<Vec<_>>());
    fill(&feed, 21..=30);
    let from = |cursor: &str| numbers(&mut feed.subscribe(&Start::After(cursor.into())).unwrap());
    assert_eq!(from(&cursor), (8..=30).collect::<Vec<_>>());
    assert_eq!(from(&last), (21..=30).collect::<Vec<_>>());
    assert_eq!(feed.behind(&cursor), Some(23));
    let since = |time| numbers(&mut feed.subscribe(&Start::Since(time)).unwrap());
    assert_eq!(since(1_550), (16..=30).collect::<Vec<_>>());
    assert_eq!(since(3_000), [30]);
    assert_eq!(segments(folder.path()).len(), 1, "it goes on in one file");
    let here = feed.here();
    fill(&feed, 31..=31);
    assert_eq!(from(&here), [31]);
    assert!(feed.is_later(&here, &cursor) && !feed.is_later(&cursor, &here));
}

#[test]
fn a_client_that_reads_the_disk_catches_up_with_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let feed = open(folder.path(), &settings(folder.path()));
    let mut client = feed.subscribe(&Start::Now).unwrap();
    fill(&feed, 1..=10);
    let mut got = Vec::new();
    for round in 1..200 {
        fill(&feed, round * 10 + 1..=round * 10 + 10);
        // Slower at first, faster later.
        let take = if round < 100 { 5 } else { 25 };
        for _ in 0..take {
            got.extend(client.try_next());
        }
    }
    let expected: Vec<_> = (1..=2_000).map(record).map(Some).collect();
    let got: Vec<_> = got.into_iter().map(|one| one.item).collect();
    assert_eq!(got, expected);
}

#[test]
fn what_a_kill_cut_short_is_cut_off_at_every_byte() {
    let folder = tempfile::tempdir().unwrap();
    let feed = open(folder.path(), &settings(folder.path()));
    fill(&feed, 1..=2);
    let file = segments(folder.path()).remove(0);
    let before = fs::metadata(&file).unwrap().len();
    fill(&feed, 3..=3);
    let epoch = feed.summary().epoch;
    drop(feed);
    let whole = fs::read(&file).unwrap();
    assert!(whole.len() as u64 > before + FRAME as u64);
    for length in before..whole.len() as u64 {
        fs::write(&file, &whole[..length as usize]).unwrap();
        let feed = open(folder.path(), &settings(folder.path()));
        assert_eq!(fs::metadata(&file).unwrap().len(), before, "{length}");
        // The number was offered to nobody, and is given anew.
        fill(&feed, 4..=4);
        assert_eq!((all(&feed), feed.summary().next), (vec![1, 2, 4], 4));
        assert_eq!(feed.summary().epoch, epoch);
    }
}

#[test]
fn no_flipped_bit_passes_and_what_is_missing_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let feed = open(folder.path(), &settings(folder.path()));
    fill(&feed, 1..=4);
    let last = cursor_of(&feed, 4);
    drop(feed);
    let file = segments(folder.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    let header = Header::decode(&whole).unwrap().1;
    let size = (whole.len() - header) / 4;
    for byte in header..whole.len() {
        let which = (byte - header) / size + 1;
        let mut damaged = whole.clone();
        damaged[byte] ^= 1 << (byte % 8);
        fs::write(&file, &damaged).unwrap();
        let feed = open(folder.path(), &settings(folder.path()));
        fill(&feed, 5..=5);
        let expected = match which {
            1 => vec![-1, 2, 3, 4, 5],
            2 => vec![1, -1, 3, 4, 5],
            3 => vec![1, 2, -1, 4, 5],
            // Nobody knows how many were behind what is damaged at the end.
            _ => vec![1, 2, 3, 5],
        };
        assert_eq!(all(&feed), expected, "byte {byte}");
        let mut resumed = feed.subscribe(&Start::After(last.clone())).unwrap();
        match which {
            1..=3 => assert_eq!(numbers(&mut resumed), [5], "byte {byte}"),
            _ => {
                assert_eq!(gap(resumed.try_next()).reason, LOG_LOST);
                assert_eq!(numbers(&mut resumed), [5], "5 has another era's number 4");
            }
        }
        drop((feed, resumed));
        for other in &segments(folder.path())[1..] {
            fs::remove_file(other).unwrap();
        }
    }
}

#[test]
fn a_damaged_header_costs_its_segment_alone() {
    let folder = tempfile::tempdir().unwrap();
    let small = Settings {
        caps: Caps {
            segment: 200,
            ..CAPS
        },
        ..settings(folder.path())
    };
    let feed = open(folder.path(), &small);
    fill(&feed, 1..=40);
    let cursor = cursor_of(&feed, 40);
    drop(feed);
    let files = segments(folder.path());
    assert!(files.len() > 6, "{}", files.len());
    let whole = open(folder.path(), &small);
    let held: Vec<i64> = all(&whole);
    assert_eq!(held, (1..=40).collect::<Vec<_>>());
    drop(whole);
    let flip = |path: &Path| {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(b"x", 12).unwrap();
    };
    flip(&files[2]);
    let feed = open(folder.path(), &small);
    let got = all(&feed);
    let missing: Vec<_> = got.iter().filter(|one| **one < 0).collect();
    assert_eq!(missing.len(), 1, "{got:?}");
    assert_eq!(got.len() as i64 - 1 - missing[0], 40, "{got:?}");
    drop(feed);
    // The last: its numbers were given out.
    flip(files.last().unwrap());
    let feed = open(folder.path(), &small);
    fill(&feed, 50..=50);
    let mut resumed = feed.subscribe(&Start::After(cursor)).unwrap();
    assert_eq!(gap(resumed.try_next()).reason, LOG_LOST);
    assert_eq!(numbers(&mut resumed), [50]);
}

#[test]
fn another_boot_is_another_era_and_a_lost_log_another_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let append = |boot: [u8; 16], now, numbers: std::ops::Range<u64>| {
        let mut opened = Spool::open(folder.path(), CAPS, now, boot).unwrap();
        assert_eq!(opened.next, numbers.start);
        let records: Vec<_> = numbers
            .map(|number| Record {
                number,
                at: now,
                payload: vec![7].into(),
            })
            .collect();
        let history = settled(&opened.eras);
        let settle = |_: &_, _| Ok(());
        (opened.spool)
            .append(&records, &history, now, settle)
            .unwrap();
        opened
    };
    let first = append(BOOT, 100, 1..11);
    assert_eq!(first.eras.len(), 1);
    let second = append(BOOT, 200, 11..21);
    assert_eq!((second.log, second.eras.len()), (first.log, 1));
    // The power failed, and the end was not synced.
    let file = segments(folder.path()).remove(0);
    let size = FRAME as u64 + 1;
    let length = fs::metadata(&file).unwrap().len();
    OpenOptions::new()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(length - 5 * size)
        .unwrap();
    let third = append([2; 16], 300, 16..31);
    assert_eq!(third.eras.last().unwrap().first, 16);
    // And the clock was set back.
    let fourth = append([3; 16], 10, 31..32);
    assert_eq!(fourth.eras.len(), 3);
    assert!(fourth.eras.is_sorted_by(|a, b| a.began < b.began));
    let cursor = |opened: &spool::Opened, eras: usize, number| Cursor {
        epoch: Epoch {
            log: opened.log,
            era: opened.eras[eras - 1],
        },
        number,
        at: 0,
        behaviour: 0,
    };
    assert_eq!(cursor(&second, 1, 20).shared_until(&fourth.eras), 16);
    assert_eq!(cursor(&third, 2, 20).shared_until(&fourth.eras), 31);
    let Read::Chunk(chunk) = fourth.index.read(1, None) else {
        panic!("nothing is read")
    };
    assert_eq!((chunk.records.len(), chunk.upto), (15, 16));
    for file in segments(folder.path()) {
        fs::remove_file(file).unwrap();
    }
    assert_ne!(append([3; 16], 500, 1..2).log, fourth.log);
}

#[test]
fn the_log_is_bounded_and_what_was_evicted_is_counted_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let small = Settings {
        caps: Caps {
            bytes: 2_000,
            segment: 400,
            age: i64::MAX,
        },
        ..settings(folder.path())
    };
    let feed = open(folder.path(), &small);
    let mut slow = feed.subscribe(&Start::Now).unwrap();
    fill(&feed, 1..=2);
    let cursor = cursor_of(&feed, 2);
    for number in 3..=300 {
        fill(&feed, number..=number);
        let bytes: u64 = segments(folder.path())
            .iter()
            .map(|file| fs::metadata(file).unwrap().len())
            .sum();
        assert!(bytes <= 2_000, "{bytes}");
    }
    let (summary, held) = (feed.summary(), segments(folder.path()).len());
    let spool = summary.spool.unwrap();
    assert_eq!(spool.segments, held as u64);
    assert!(spool.bytes <= 2_000 && spool.written > 10_000, "{spool:?}");
    let check = |subscriber: &mut Subscriber, after: i64| {
        let missing = gap(subscriber.try_next());
        assert_eq!(missing.reason, SUBSCRIBER_SLOW);
        let first = summary.first as i64;
        assert_eq!(missing.count as i64, first - after - 1);
        assert_eq!(numbers(subscriber), (first..=300).collect::<Vec<_>>());
    };
    check(&mut slow, 0);
    check(
        &mut feed.subscribe(&Start::After(cursor.clone())).unwrap(),
        2,
    );
    assert_eq!(feed.behind(&cursor), Some(298));
    drop((feed, slow));
    // A restart changes nothing.
    let feed = open(folder.path(), &small);
    check(&mut feed.subscribe(&Start::After(cursor)).unwrap(), 2);
}

#[test]
fn old_segments_go_when_the_next_one_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let caps = Caps { age: 100, ..CAPS };
    let mut opened = Spool::open(folder.path(), caps, 0, BOOT).unwrap();
    let mut numbers = 1..;
    let mut append = |spool: &mut Spool, history: &History, now: i64| {
        let record = Record {
            number: numbers.next().unwrap(),
            at: now,
            payload: vec![1].into(),
        };
        spool
            .append(&[record], history, now, |_, _| Ok(()))
            .unwrap();
        segments(folder.path()).len()
    };
    let history = settled(&opened.eras);
    let mut counts = Vec::new();
    for now in [0, 10, 26, 30, 60, 100, 127, 161] {
        counts.push(append(&mut opened.spool, &history, now));
    }
    // One each quarter of the age; the first went when the second was older than that.
    assert_eq!(counts, [1, 1, 2, 2, 3, 4, 4, 4]);
    opened.spool.evict(0, 10_000);
    assert_eq!(segments(folder.path()).len(), 1);
}

#[test]
fn without_its_folder_the_feed_goes_on_from_memory_and_recovers() {
    let base = tempfile::tempdir().unwrap();
    let folder = base.path().join("feed");
    let small = Settings {
        // Each record begins a segment, and so needs the folder.
        caps: Caps { segment: 1, ..CAPS },
        ..settings(&folder)
    };
    let feed = open(&folder, &small);
    let mut client = feed.subscribe(&Start::Now).unwrap();
    fill(&feed, 1..=2);
    let before = feed.summary().epoch;
    let away = base.path().join("away");
    fs::rename(&folder, &away).unwrap();
    fs::write(&folder, "no folder").unwrap();
    for number in 3..=7 {
        feed.publish(number * 100, record(number));
    }
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while feed.trouble().is_none() {
        assert!(std::time::Instant::now() < until);
        std::thread::yield_now();
    }
    let trouble = feed.trouble().unwrap().detail;
    assert!(trouble.contains("free space"), "{trouble}");
    assert_ne!(feed.summary().epoch, before, "an era of its own");
    assert!(numbers(&mut client).ends_with(&[5, 6, 7]));
    fs::remove_file(&folder).unwrap();
    fs::rename(&away, &folder).unwrap();
    written(&feed);
    while feed.trouble().is_some() {
        assert!(std::time::Instant::now() < until);
        std::thread::yield_now();
    }
    fill(&feed, 8..=9);
    let summary = feed.summary();
    // Memory holds three.
    assert_eq!(summary.lost, 2);
    let cursor = cursor_of(&feed, 7);
    drop((feed, client));
    let feed = open(&folder, &small);
    assert_eq!(feed.summary().epoch, summary.epoch);
    assert_eq!(all(&feed), [1, 2, -2, 5, 6, 7, 8, 9]);
    let resumed = numbers(&mut feed.subscribe(&Start::After(cursor)).unwrap());
    assert_eq!(resumed, [8, 9]);
}
