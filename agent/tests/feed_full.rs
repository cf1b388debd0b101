//! A disk that is full, for as long as a test needs it: the process may write no file larger than a
//! few bytes, and gets an error as from a full disk.
//!
//! A file and a process of its own, because that limit is the whole process's.

use lapwing_agent::feed::spool::Caps;
use lapwing_agent::feed::{Feed, Limits, Settings, Start, Sync};
use lapwing_proto::v1::{Violation, watch_response::Item};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

const PATIENCE: Duration = Duration::from_secs(30);

fn limit(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    let limit = Rlimit {
        current: bytes.or(maximum),
        maximum,
    };
    setrlimit(Resource::Fsize, limit).unwrap();
}

fn record(number: u64) -> Item {
    Item::Violation(Violation {
        count: number,
        ..Violation::default()
    })
}

fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

async fn take(
    client: &mut lapwing_agent::feed::Subscriber,
    numbers: std::ops::RangeInclusive<u64>,
) {
    for number in numbers {
        let next = tokio::time::timeout(PATIENCE, client.next()).await;
        let item = next
            .unwrap_or_else(|_| panic!("{number} does not come"))
            .item;
        assert_eq!(item, Some(record(number)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_nothing_that_memory_holds() {
    // What is too large is an error then, and not the end.
    let _ignored = signal(SignalKind::from_raw(libc::SIGXFSZ)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        folder: folder.path().join("feed"),
        caps: Caps {
            bytes: 1 << 20,
            segment: 1 << 16,
            age: i64::MAX,
        },
        sync: Sync::Always,
    };
    let limits = Limits {
        items: 1_000,
        bytes: 1 << 20,
    };
    let feed = Arc::new(Feed::open(limits, 1, &settings).unwrap());
    let mut client = feed.subscribe(&Start::Now).unwrap();
    for number in 1..=10 {
        feed.publish(number, record(number as u64));
    }
    take(&mut client, 1..=10).await;
    let epoch = feed.summary().epoch;
    assert_eq!(feed.trouble(), None);

    // A write that is cut short in the middle of a record.
    let written = feed.summary().spool.unwrap().bytes;
    limit(Some(written + 13));
    let begun = Instant::now();
    for number in 11..=500 {
        feed.publish(number, record(number as u64));
    }
    let took = begun.elapsed();
    // If each waited for the disk, that were 49 s.
    assert!(
        took < Duration::from_secs(15),
        "publishing waited: {took:?}"
    );
    take(&mut client, 11..=500).await;
    wait_for("it says so", || feed.trouble().is_some());
    let trouble = feed.trouble().unwrap().detail;
    assert!(
        trouble.contains("memory") && trouble.contains("free space"),
        "{trouble}"
    );
    // Numbers that are in memory alone are of an era of their own.
    assert_ne!(feed.summary().epoch, epoch);
    let unwritten = feed.here();

    limit(None);
    wait_for("it recovers", || feed.trouble().is_none());
    for number in 501..=510 {
        feed.publish(number, record(number as u64));
    }
    take(&mut client, 501..=510).await;
    assert_eq!(feed.summary().lost, 0);
    let behind = feed.behind(&unwritten);
    drop(client);
    drop(feed);

    // Everything is on disk, and the cursors of that time hold.
    let feed = Arc::new(Feed::open(limits, 1, &settings).unwrap());
    let mut all = feed.subscribe(&Start::Since(1)).unwrap();
    take(&mut all, 1..=510).await;
    assert_eq!(all.try_next(), None);
    assert_eq!(behind, Some(10));
    let mut resumed = feed.subscribe(&Start::After(unwritten)).unwrap();
    take(&mut resumed, 501..=510).await;
}
