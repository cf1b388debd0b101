//! A folder that cannot be used at the start, and can be later.

use super::*;
use crate::config::Config;
use crate::sink::{Origin, Sinks};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Soon enough for a test.
const SOON: Duration = Duration::from_millis(1);

fn late(folder: &Path, started: i64, held: usize) -> Arc<Feed> {
    let settings = settings(folder);
    let Err(error) = Feed::open(limits(held), started, &settings) else {
        panic!("{} can be used", folder.display())
    };
    let feed = Feed::open_later(limits(held), started, &settings, &error, SOON);
    Arc::new(feed.unwrap())
}

fn usable(feed: &Feed) {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while feed.trouble().is_some() {
        assert!(std::time::Instant::now() < until, "{:?}", feed.trouble());
        std::thread::sleep(SOON);
    }
}

/// A file where the folder is to be.
fn in_its_place(folder: &Path) -> PathBuf {
    let place = folder.join("feed");
    fs::write(&place, "not a folder").unwrap();
    place
}

#[test]
fn what_is_held_is_written_in_order_as_soon_as_that_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let place = in_its_place(folder.path());
    let feed = late(&place, 50, 9);
    let trouble = feed.trouble().unwrap().detail;
    for words in ["feed", "tried again", "write to"] {
        assert!(trouble.contains(words), "{trouble}");
    }
    assert!(feed.consumers().is_none() && feed.summary().spool.is_none());
    let mut client = feed.subscribe(&Start::Now).unwrap();
    (1..=3).for_each(|number| feed.publish(number * 100, record(number)));
    assert_eq!(numbers(&mut client), [1, 2, 3], "nobody waits for it");
    let cursor = cursor_of(&feed, 2);

    fs::remove_file(&place).unwrap();
    usable(&feed);
    assert_eq!(feed.summary().lost, 0);
    assert!(feed.consumers().is_some());
    fill(&feed, 4..=5);
    assert_eq!(numbers(&mut client), [4, 5]);
    let rest =
        |feed: &Arc<Feed>| numbers(&mut feed.subscribe(&Start::After(cursor.clone())).unwrap());
    assert_eq!(rest(&feed), [3, 4, 5]);
    drop((feed, client));
    let feed = open(&place, &settings(&place));
    assert_eq!(all(&feed), [1, 2, 3, 4, 5]);
    assert_eq!(rest(&feed), [3, 4, 5]);
}

#[test]
fn what_is_held_goes_behind_what_the_log_has_and_cursors_keep_their_meaning() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("feed");
    let feed = open(&place, &settings(&place));
    fill(&feed, 1..=6);
    let before = cursor_of(&feed, 4);
    drop(feed);
    let aside = folder.path().join("aside");
    fs::rename(&place, &aside).unwrap();
    in_its_place(folder.path());

    // Memory has not room for all of it, and one client does not read.
    let feed = late(&place, 650, 4);
    let (mut quick, mut slow) = (
        feed.subscribe(&Start::Now).unwrap(),
        feed.subscribe(&Start::Now).unwrap(),
    );
    for number in 7..=12 {
        feed.publish(number * 100, record(number));
        assert_eq!(numbers(&mut quick), [number]);
    }
    let (first, here) = (cursor_of(&feed, 10), feed.here());
    assert!(feed.knows(&here) && feed.is_later(&here, &first));
    assert_eq!(feed.behind(&first), Some(2));

    fs::remove_file(&place).unwrap();
    fs::rename(&aside, &place).unwrap();
    usable(&feed);
    assert_eq!(feed.summary().lost, 2, "7 and 8 found no room");
    assert!(feed.knows(&here) && feed.is_later(&here, &first) && feed.is_later(&first, &before));
    assert_eq!(feed.behind(&first), Some(2));
    fill(&feed, 13..=13);
    assert_eq!(numbers(&mut quick), [13]);
    assert_eq!(numbers(&mut slow), [-2, 9, 10, 11, 12, 13]);
    let from = |feed: &Arc<Feed>, cursor: &str| {
        numbers(&mut feed.subscribe(&Start::After(cursor.into())).unwrap())
    };
    // Made up, of the log that memory had: with it the numbers end.
    let log = here.split(['.', '-']).next().unwrap();
    let made_up = format!("{log}-{}-1", u64::MAX - 1);
    assert!(!feed.knows(&made_up) && feed.is_later(&made_up, &here));
    assert_eq!(feed.behind(&made_up), Some(0));
    assert!(feed.subscribe(&Start::After(made_up)).is_err());
    let whole = [5, 6, -2, 9, 10, 11, 12, 13];
    assert_eq!(from(&feed, &before), whole);
    assert_eq!(from(&feed, &first), [11, 12, 13]);
    assert_eq!(from(&feed, &here), [13]);
    let own = cursor_of(&feed, 12);
    drop((feed, quick, slow));

    let feed = open(&place, &settings(&place));
    assert_eq!(all(&feed), [[1, 2, 3, 4].as_slice(), &whole].concat());
    assert_eq!(from(&feed, &before), whole);
    assert_eq!(from(&feed, &first), [11, 12, 13]);
    assert_eq!(from(&feed, &own), [13]);
    fill(&feed, 14..=14);
    assert_eq!(from(&feed, &here), [13, 14]);
}

/// An agent that ends tries once more; and one that is started and ended in such a time loses what it
/// could not write, and nothing else.
#[test]
fn an_end_waits_for_nothing_and_tries_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let place = in_its_place(folder.path());
    let settings = settings(&place);
    let far = Duration::from_secs(100_000);
    let later = |started| {
        let error = anyhow::anyhow!("it could not be used");
        let feed = Feed::open_later(limits(9), started, &settings, &error, far).unwrap();
        feed.publish(100, record(1));
        Arc::new(feed)
    };
    let feed = later(50);
    let cursor = feed.here();
    drop(feed);
    assert!(place.is_file());

    let feed = later(60);
    let kept = feed.here();
    fs::remove_file(&place).unwrap();
    drop(feed);
    let feed = open(&place, &settings);
    let whole = numbers(&mut feed.subscribe(&Start::Since(60)).unwrap());
    assert_eq!(whole, [1]);
    let from = |cursor: &str| numbers(&mut feed.subscribe(&Start::After(cursor.into())).unwrap());
    assert_eq!(from(&kept), [0; 0]);
    assert_eq!(from(&cursor), [0, 1], "of a log that is gone");
}

/// The deliveries of an agent into a file.
struct Delivered {
    sinks: Sinks,
    file: PathBuf,
    ending: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Delivered {
    async fn start(feed: &Arc<Feed>, folder: &Path) -> Self {
        let (sinks, file) = sinks(feed, folder);
        let (ending, ends) = watch::channel(false);
        let tasks = sinks.start(&ends).await;
        Self {
            sinks,
            file,
            ending,
            tasks,
        }
    }

    fn position(&self) -> String {
        self.sinks.status().remove(0).position
    }

    /// What the file has, as [`numbers`] gives it.
    fn lines(&self) -> Vec<i64> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        let whole = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let number = |response: WatchResponse| match response.item? {
            Item::Violation(violation) => Some(violation.count.cast_signed()),
            Item::Gap(gap) => Some(-gap.count.cast_signed()),
            other => panic!("{other:?}"),
        };
        whole.filter_map(number).collect()
    }

    async fn has(&self, lines: &[i64]) {
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while self.lines() != lines {
            let late = std::time::Instant::now() > until;
            assert!(!late, "{:?} and not {lines:?}", self.lines());
            tokio::time::sleep(SOON).await;
        }
    }

    async fn end(mut self) {
        self.ending.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

fn sinks(feed: &Arc<Feed>, folder: &Path) -> (Sinks, PathBuf) {
    let file = folder.join("lines");
    let yaml = format!(
        "sinks: {{s: {{file: {{path: {}}}, batch: {{wait: 1ms}}}}}}",
        file.display()
    );
    let config = Config::parse(Path::new("test.yaml"), yaml.as_bytes()).unwrap();
    let origin = Origin {
        cluster: "c".to_owned(),
        node: "n".to_owned(),
    };
    let sinks = Sinks::open(&config.sinks, folder, origin, Arc::clone(feed)).unwrap();
    (sinks, file)
}

#[tokio::test]
async fn a_sink_has_what_it_had_not_read_once_the_log_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("feed");
    let feed = open(&place, &settings(&place));
    // It is there, and sends nothing.
    let (_, _) = sinks(&feed, folder.path());
    fill(&feed, 1..=3);
    drop(feed);
    let aside = folder.path().join("aside");
    fs::rename(&place, &aside).unwrap();
    in_its_place(folder.path());

    // An agent that ends before the log is there.
    let feed = late(&place, 350, 9);
    let delivered = Delivered::start(&feed, folder.path()).await;
    let position = delivered.position();
    feed.publish(400, record(4));
    delivered.has(&[0, 4]).await;
    assert_eq!(delivered.position(), position);
    delivered.end().await;
    drop(feed);

    // And one that has it after a while.
    let feed = late(&place, 450, 9);
    let delivered = Delivered::start(&feed, folder.path()).await;
    feed.publish(500, record(5));
    delivered.has(&[0, 4, 0, 5]).await;
    assert_eq!(delivered.position(), position);
    fs::remove_file(&place).unwrap();
    fs::rename(&aside, &place).unwrap();
    usable(&feed);
    let mut whole = vec![0, 4, 0, 5, 1, 2, 3, 5];
    delivered.has(&whole).await;
    feed.publish(600, record(6));
    whole.push(6);
    delivered.has(&whole).await;
    delivered.end().await;
    drop(feed);

    let feed = open(&place, &settings(&place));
    let delivered = Delivered::start(&feed, folder.path()).await;
    assert_eq!(feed.behind(&delivered.position()), Some(0));
    feed.publish(700, record(7));
    whole.push(7);
    delivered.has(&whole).await;
    delivered.end().await;
}
