//! Kill -9 of an agent at any moment, while rsyslog and Tenzir listen: each of them has everything that is
//! in the log, and nothing under the name of something else.
//!
//! The test starts itself as another process, which publishes without pause and delivers to four sinks
//! that are those of `docs/siem.md` but for names and folders: syslog over mutual TLS, Splunk's protocol,
//! `_bulk` and OTLP. It is killed before it is connected, between a request and its answer, before a
//! position is stored, wherever it is. Few times by default, hundreds with LAPWING_SOAK=1.

mod beside;
mod engine;
#[path = "../encode/tests/common/mod.rs"]
mod items;
mod page;
mod protocols;
mod receiver;
mod running;
mod syslogd;
mod understood;

use engine::{Engine, runs};
use lapwing_agent::config::Config;
use lapwing_agent::feed::spool::Caps;
use lapwing_agent::feed::{Feed, Limits, Settings, Start, Sync};
use lapwing_agent::sink::{Origin, Sinks};
use lapwing_encode::Encoding;
use lapwing_encode::otlp::Body;
use lapwing_proto::v1::WatchResponse;
use lapwing_proto::v1::get_status_response::Sink;
use lapwing_proto::v1::watch_response::Item;
use protocols::{Collector, Elastic, Kind, Splunk, sink, violation};
use receiver::{Authority, until};
use running::{Running, now};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;
use syslogd::{Rsyslog, parsed, qradar, secure};
use tokio::sync::watch;

const NAME: &str = "a_kill_at_any_moment_loses_nothing_at_real_receivers";
/// Set where this is the process to be killed: its folder, and its round.
const FOLDER: &str = "LAPWING_TEST_RECEIVERS_FOLDER";
const ROUND: &str = "LAPWING_TEST_RECEIVERS_ROUND";
/// How many more are published than the slowest sink has delivered.
const AHEAD: u64 = 200;

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let round = std::env::var(ROUND).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(deliver_for_ever(Path::new(&folder), &round));
    }
    let program = beside::folder("tenzir", "LAPWING_TENZIR").join("tenzir-engine");
    let found = match runs(&program) {
        true => Rsyslog::found().map(|rsyslog| (rsyslog, program)),
        false => Err(format!("{} does not run", program.display())),
    };
    beside::test(NAME, found, check)
}

fn open(folder: &Path) -> Arc<Feed> {
    let settings = Settings {
        folder: folder.join("feed"),
        caps: Caps {
            bytes: 1 << 30,
            segment: 1 << 16,
            age: i64::MAX,
        },
        sync: Sync::Interval(Duration::from_millis(10)),
    };
    let limits = Limits {
        items: 1_000, // More than `AHEAD`.
        bytes: 32 << 20,
    };
    Arc::new(Feed::open(limits, now(), &settings).unwrap())
}

/// Two revisions of each id, no two of them with the same arguments.
fn report(round: &str, number: u64) -> Item {
    let args = [
        "sh",
        &format!("{round} {number}"),
        "a b\n\"c\"]|=\u{1b}[31m",
    ];
    let id = format!("{round}-{}", number / 2);
    let revision = u32::try_from(number % 2).unwrap() + 1;
    violation(&id, revision, args.map(str::to_owned).into())
}

/// The process that is killed. It says when it began, and when each sink has delivered something.
async fn deliver_for_ever(folder: &Path, round: &str) -> ! {
    let text = fs::read(folder.join("agent.yaml")).unwrap();
    let config = Config::parse(Path::new("agent.yaml"), &text).unwrap();
    let feed = open(folder);
    let origin = Origin {
        cluster: "c".to_owned(),
        node: "n1".to_owned(),
    };
    let sinks = Sinks::open(&config.sinks, folder, origin, Arc::clone(&feed)).unwrap();
    let (_ending, ends) = watch::channel(false);
    let _tasks = sinks.start(&ends).await;
    let say = |word: &str| {
        let mut out = std::io::stdout();
        writeln!(out, "{word}").unwrap();
        out.flush().unwrap();
    };
    let mut said = false;
    let mut number = 0;
    loop {
        let delivered = sinks.status().iter().map(|sink| sink.delivered).min();
        let delivered = delivered.unwrap_or_default();
        if delivered > 0 && !said {
            said = true;
            say("delivers");
        }
        if number < delivered + AHEAD {
            feed.publish(now(), report(round, number));
            number += 1;
        }
        if number == 1 {
            say("began");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Starts it, and kills it at some moment.
fn start_and_kill(folder: &Path, round: u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    // Each fourth before it is connected, or while it connects.
    let word = if round % 4 == 3 { "began" } else { "delivers" };
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.lines().any(|line| line == word) {
        assert_ne!(lines.read_line(&mut said).unwrap(), 0, "it ended: {said}");
    }
    let micros = RandomState::new().hash_one(round) % 60_000;
    std::thread::sleep(Duration::from_micros(micros));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A kind of sink, and the Tenzir that it delivers to.
type Pair = (Box<dyn Kind>, Engine);

/// Everything in the log, as sinks have it.
async fn logged(feed: &Arc<Feed>) -> Vec<WatchResponse> {
    let mut follower = feed.subscribe(&Start::Since(0)).unwrap();
    let mut all = Vec::new();
    loop {
        let response = follower.next().await;
        match &response.item {
            Some(Item::Violation(violation)) if violation.id == "end" => {
                all.push(response);
                return all;
            }
            Some(Item::Violation(_)) => all.push(response),
            // The log does not reach back to the year 1970.
            Some(Item::Gap(gap)) if all.is_empty() => assert_eq!(gap.reason, "log-too-short"),
            other => panic!("a log that nobody damaged has {other:?}"),
        }
    }
}

async fn check((rsyslog, program): (Rsyslog, PathBuf)) {
    let rounds: u64 = match std::env::var_os("LAPWING_SOAK") {
        Some(_) => 300,
        None => 8,
    };
    let base = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let folder = base.path().join(name);
        fs::create_dir(&folder).unwrap();
        folder
    };
    let beside_it = folder("rsyslog");
    let authority = Authority::new(&beside_it, "siem");
    let address = syslogd::address();
    secure(&beside_it, &authority, address);
    let receiver = rsyslog.start(&beside_it, address).await;
    let mut config: Value = serde_saphyr::from_str(&qradar(&authority, address)).unwrap();
    let syslog = &mut config["sinks"]["qradar"];
    syslog["encoding"] = json!("native");
    syslog["syslog"]["maxBytes"] = json!(64 << 10);
    syslog["batch"] = json!({"wait": "5ms"});
    syslog["retry"] = json!({"first": "20ms", "longest": "100ms", "blocked": "50ms"});
    let mut pairs: Vec<Pair> = Vec::new();
    let kinds: [Box<dyn Kind>; 3] = [
        Box::new(Splunk(Encoding::Native)),
        Box::new(Elastic("elastic", Encoding::Ecs)),
        Box::new(Collector(Body::Ocsf)),
    ];
    for kind in kinds {
        let folder = folder(kind.sink());
        let engine = protocols::start(&program, &folder, &*kind).await;
        config["sinks"][kind.sink()] = sink(&*kind, &engine, &folder);
        pairs.push((kind, engine));
    }
    fs::write(base.path().join("agent.yaml"), config.to_string()).unwrap();

    for round in 0..rounds {
        start_and_kill(base.path(), round);
    }

    // The last one lives until everything is delivered.
    let feed = open(base.path());
    feed.publish(now(), violation("end", 1, vec!["sh".to_owned()]));
    let running = Running::start(&config.to_string(), Some(&feed), base).await;
    let reports = logged(&feed).await;
    let mut status: Vec<Sink> = Vec::new();
    until("everything is delivered", || {
        status = running.sinks.status();
        status.iter().all(|sink| sink.behind == 0)
    })
    .await;
    for sink in &status {
        assert!(sink.refused.is_empty(), "{sink:?}");
        assert!(
            sink.delivered < reports.len() as u64,
            "{}: who was killed had delivered nothing",
            sink.name
        );
    }
    let mut doubles = Vec::new();
    for (kind, engine) in &pairs {
        doubles.push((kind.sink(), held(&**kind, engine, &reports).await));
    }
    doubles.push(("syslog", held_by_rsyslog(&beside_it, &reports).await));
    let all = reports.len();
    println!("{rounds} kills, {all} violations at each of 4 sinks; twice came {doubles:?}");
    assert!(all as u64 > rounds, "hardly anything was published");
    let twice: usize = doubles.iter().map(|(_, count)| count).sum();
    assert!(twice > 0, "nothing came twice: the kills proved nothing");
    running.drain().await;
    drop(receiver);
}

/// Waits until so many names came; answers what came.
async fn came<T>(
    what: &str,
    count: usize,
    read: impl Fn() -> Vec<(String, T)>,
) -> Vec<(String, T)> {
    let mut found = Vec::new();
    until(what, || {
        // Not two of them at a time: they are large.
        drop(std::mem::take(&mut found));
        found = read();
        let names: BTreeSet<&String> = found.iter().map(|(name, _)| name).collect();
        names.len() >= count
    })
    .await;
    found
}

/// Holds what Tenzir wrote against the log; answers how many came twice.
async fn held(kind: &dyn Kind, engine: &Engine, reports: &[WatchResponse]) -> usize {
    let expected: BTreeMap<String, Value> = reports.iter().map(|it| kind.expected(it)).collect();
    assert_eq!(expected.len(), reports.len());
    let found = came(kind.sink(), expected.len(), || kind.read(&engine.written())).await;
    for (name, got) in &found {
        let sent = { expected.get(name) }.unwrap_or_else(|| panic!("nobody sent {name}: {got}"));
        let difference = match kind.sink() {
            "splunk" => understood::difference(&sent["event"], &got["event"], ""),
            _ => understood::difference(sent, got, ""),
        };
        assert_eq!(difference, None, "{name} at {}", kind.sink());
    }
    found.len() - expected.len()
}

/// The same of rsyslog.
async fn held_by_rsyslog(folder: &Path, reports: &[WatchResponse]) -> usize {
    let name = |report: &WatchResponse| lapwing_encode::document_id(report).unwrap();
    let expected: BTreeMap<String, _> = { reports.iter() }
        .map(|report| (name(report), &report.item))
        .collect();
    let read = || {
        let messages = parsed(folder).into_iter();
        let read = messages.map(|message| {
            let body = message["body"].as_str().unwrap();
            let body = body.trim_start_matches('\u{feff}');
            let report: WatchResponse = serde_json::from_str(body).unwrap();
            let id = message["id"].as_str().unwrap().to_owned();
            (id, report)
        });
        read.collect()
    };
    let found = came("syslog", expected.len(), read).await;
    for (id, report) in &found {
        assert_eq!(*id, name(report));
        let sent = { expected.get(id) }.unwrap_or_else(|| panic!("nobody sent {id}"));
        assert_eq!(**sent, report.item, "{id}");
    }
    found.len() - expected.len()
}
