//! What is synced and what cannot be, and who may read it when.

use super::*;

/// Nothing on this machine fails a sync when told to, so the test does in its place.
#[test]
fn what_cannot_be_synced_is_not_there_and_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = Spool::open(folder.path(), CAPS, 0, BOOT).unwrap();
    let history = settled(&opened.eras);
    let index = Arc::clone(&opened.index);
    let mut append = |numbers: std::ops::RangeInclusive<u64>, fails: bool| {
        let first = *numbers.start();
        let records: Vec<_> = numbers
            .map(|number| Record {
                number,
                at: 1,
                payload: vec![7].into(),
            })
            .collect();
        // Meanwhile nobody reads them.
        let settle = |_: &fs::File, _| match index.read(first, None) {
            Read::End if fails => Err(std::io::Error::other("no sync")),
            Read::End => Ok(()),
            other => panic!("{other:?}"),
        };
        opened.spool.append(&records, &history, 1, settle)
    };
    // The batch that fails began its segment; then one that did not.
    for _ in 0..3 {
        append(1..=2, true).unwrap_err();
    }
    assert!(append(1..=3, false).unwrap());
    for _ in 0..3 {
        append(4..=5, true).unwrap_err();
    }
    assert!(append(4..=6, false).unwrap());
    drop(opened);
    let found = Spool::open(folder.path(), CAPS, 2, BOOT).unwrap();
    assert_eq!((found.next, found.eras.len()), (7, 1));
    let files = segments(folder.path());
    assert_eq!(files.len(), 2);
    let size = FRAME + 1;
    let header = Header::decode(&fs::read(&files[0]).unwrap()).unwrap().1;
    for file in files {
        assert_eq!(
            fs::metadata(file).unwrap().len() as usize,
            header + 3 * size
        );
    }
}

#[test]
fn syncs_that_fail_again_and_again_are_one_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let often = Settings {
        sync: Sync::Interval(Duration::from_millis(1)),
        ..settings(folder.path())
    };
    let feed = open(folder.path(), &often);
    let until = std::time::Instant::now() + Duration::from_secs(20);
    let wait = |holds: &dyn Fn(&Memory) -> bool| {
        while !holds(&feed.shared.memory()) {
            assert!(std::time::Instant::now() < until);
            std::thread::yield_now();
        }
    };
    let null = Arc::new(fs::File::open("/dev/null").unwrap());
    null.sync_data().unwrap_err();
    for number in 1..=20 {
        let before = feed.shared.memory().sync_failed;
        feed.syncing.note(Some(Arc::clone(&null)), false);
        wait(&|memory| memory.sync_failed != before);
        fill(&feed, number..=number);
    }
    let trouble = feed.trouble().unwrap().detail;
    assert!(trouble.contains("cannot be synced"), "{trouble}");
    assert_eq!(feed.shared.memory().eras.len(), 2);
    // It is over when none failed for long, also while nothing is reported.
    let Some(failed) = feed.shared.memory().sync_failed else {
        panic!("none failed")
    };
    assert!(!feed.shared.memory().recover(failed + memory::CALM / 2));
    feed.shared.memory().sync_failed = failed.checked_sub(memory::CALM);
    wait(&|memory| memory.trouble.is_none());
    fill(&feed, 21..=21);
    assert_eq!(feed.shared.memory().eras.len(), 2);
}

#[test]
fn who_reads_the_disk_gets_nothing_before_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = Spool::open(folder.path(), CAPS, 5, BOOT).unwrap();
    let mut memory = Memory::new(limits(9), opened.log, opened.eras.clone(), 3, 0);
    let entry = |number| Entry::new(number, record(number), &Redaction::default());
    let records: Vec<_> = (1..=5_i64)
        .map(|number| Record {
            number: number.unsigned_abs(),
            at: number,
            payload: entry(number).bytes,
        })
        .collect();
    let history = settled(&opened.eras);
    (opened.spool)
        .append(&records, &history, 5, |_, _| Ok(()))
        .unwrap();
    // The writer has the last three written, and has not said so.
    (3..=5).for_each(|number| memory.push(entry(number)));
    let feed = Arc::new(Feed::of(memory, true, 5, 0));
    let disk = Disk {
        index: opened.index,
        started: 5,
        consumers: Positions::open(folder.path().join("consumers")).unwrap(),
    };
    assert!(feed.shared.disk.set(disk).is_ok());
    let mut client = feed.subscribe(&Start::After("5-0-0".into())).unwrap();
    assert_eq!(numbers(&mut client), [1, 2]);
    feed.shared.memory().written(5);
    assert_eq!(numbers(&mut client), [3, 4]);
    feed.shared.memory().written(6);
    assert_eq!(numbers(&mut client), [5]);
}
