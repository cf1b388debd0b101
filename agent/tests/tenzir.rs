//! A real receiver: Tenzir, with the protocols of Splunk, Elasticsearch and OpenTelemetry over TLS.
//!
//! Its pipelines, and the sinks that deliver to them, are those of `docs/siem.md` but for names of hosts
//! and folders. It writes what it understood, which is held against what was sent, in every
//! encoding that the sink has, over its kill. What it does otherwise than those whose protocols it
//! speaks stands in the page too.

mod beside;
mod engine;
#[path = "../encode/tests/common/mod.rs"]
mod items;
mod page;
mod protocols;
mod receiver;
mod running;
mod understood;

use engine::{Engine, runs};
use lapwing_encode::Encoding;
use lapwing_encode::otlp::Body;
use lapwing_proto::v1::WatchResponse;
use lapwing_proto::v1::get_status_response::sink::State;
use lapwing_proto::v1::watch_response::Item;
use protocols::{
    Arcsight, Collector, Elastic, Kind, LONG, Splunk, TOKEN, configuration, hostile, start,
    violation,
};
use receiver::until;
use running::{Running, now};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let program = beside::folder("tenzir", "LAPWING_TENZIR").join("tenzir-engine");
    let found = match runs(&program) {
        true => Ok(program),
        false => Err(format!("{} does not run", program.display())),
    };
    beside::test("tenzir_reads_what_was_sent", found, check)
}

async fn check(program: PathBuf) {
    let splunk = async {
        wrong_token(&program).await;
        for encoding in Encoding::ALL {
            deliver(&program, &Splunk(encoding)).await;
        }
    };
    let elastic = async {
        for encoding in Encoding::ALL {
            deliver(&program, &Elastic("elastic", encoding)).await;
        }
        deliver(&program, &Elastic("opensearch", Encoding::Ecs)).await;
    };
    let collector = async {
        deliver(&program, &Arcsight).await;
        for body in [Body::Ocsf, Body::Text] {
            deliver(&program, &Collector(body)).await;
        }
    };
    tokio::join!(splunk, elastic, collector);
}

/// Who has another token is told so, and what to do.
async fn wrong_token(program: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let kind = Splunk(Encoding::Native);
    let engine = start(program, folder.path(), &kind).await;
    std::fs::write(folder.path().join("splunk.token"), "another").unwrap();
    let yaml = configuration(&kind, &engine, folder.path());
    let running = Running::start(&yaml, None, tempfile::tempdir().unwrap()).await;
    let answer = running.sinks.test("s").await.unwrap();
    assert!(!answer.delivered, "{answer:?}");
    assert!(
        answer.answer.contains("Invalid token (code 4)"),
        "{answer:?}"
    );
    assert!(answer.remedy.contains("check the token"), "{answer:?}");
    running.feed.publish(now(), violation("v0", 1, hostile()));
    until("it is kept for who has no token", || {
        running.status().state() == State::Blocked
    })
    .await;
    // It is set right, without a restart.
    std::fs::write(folder.path().join("splunk.token"), TOKEN).unwrap();
    until("it is delivered", || running.status().delivered == 1).await;
    running.drain().await;
}

/// Waits until the receiver has taken so many.
async fn taken(running: &Running, count: u64) {
    let mut last = None;
    let all = async {
        until("all are taken", || {
            let status = running.status();
            let whole = status.delivered == count;
            last = Some(status);
            whole
        })
        .await;
    };
    // Says how the sink does before the wait ends by itself.
    if tokio::time::timeout(Duration::from_secs(50), all)
        .await
        .is_err()
    {
        panic!("not {count}: {last:?}");
    }
}

/// Waits until the receiver, which stands still, was sent something.
async fn unread(running: &Running, engine: &mut Engine) {
    let sent = until("it is sent more", || engine.has_unread());
    // Says how both do before the wait ends by itself.
    if tokio::time::timeout(Duration::from_secs(170), sent)
        .await
        .is_err()
    {
        let (sink, engine) = (running.status(), engine.condition());
        panic!("nothing is sent: {sink:?}; {engine}");
    }
}

/// Reports before, during and after a kill of the receiver come to it, and no others.
async fn deliver(program: &Path, kind: &dyn Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = start(program, folder.path(), kind).await;
    let yaml = configuration(kind, &engine, folder.path());
    let running = Running::start(&yaml, None, tempfile::tempdir().unwrap()).await;
    let publish = |item: Item| running.feed.publish(now(), item);
    let written = |engine: &Engine| {
        let came = kind.read(&engine.written()).into_iter();
        let names: BTreeSet<String> = came.map(|(name, _)| name).collect();
        names.len()
    };
    let answer = running.sinks.test("s").await.unwrap();
    assert!(answer.delivered, "{answer:?}");

    publish(violation("v0", 1, hostile()));
    publish(violation("v1", 1, vec!["sh".to_owned(), "x".repeat(LONG)]));
    publish(violation("v0", 2, hostile()));
    publish(Item::Gap(items::gap()));
    taken(&running, 4).await;
    // With the sample.
    until("all are written", || written(&engine) == 5).await;

    // What it was sent and has not read is lost with it, and comes again.
    engine.freeze().await;
    publish(violation("v2", 1, hostile()));
    unread(&running, &mut engine).await;
    engine.kill();
    publish(violation("v2", 2, hostile()));
    until("it is missed", || running.status().retried > 0).await;
    publish(violation("v3", 1, hostile()));
    engine.again().await;
    taken(&running, 7).await;
    until("all are written", || written(&engine) == 8).await;
    let status = running.status();
    assert!(status.refused.is_empty(), "{status:?}");

    let reports = running.published(7).await;
    let expected: BTreeMap<String, (Value, &WatchResponse)> = { reports.iter() }
        .map(|report| {
            let (name, value) = kind.expected(report);
            (name, (value, report))
        })
        .collect();
    assert_eq!(expected.len(), 7);
    let mut found = BTreeSet::new();
    for (name, got) in kind.read(&engine.written()) {
        if name.starts_with("lapwing-sink-test") {
            continue;
        }
        let (value, report) = expected
            .get(&name)
            .unwrap_or_else(|| panic!("{name}: {got}"));
        // What comes twice is the same twice.
        let difference = match kind.sink() {
            "splunk" => understood::difference(&value["event"], &got["event"], ""),
            _ => understood::difference(value, &got, ""),
        };
        assert_eq!(difference, None, "{name} by {} {yaml}", kind.sink());
        if let Some(Item::Violation(violation)) = &report.item {
            kind.fields(violation, &got);
        }
        found.insert(name);
    }
    assert!(found.iter().eq(expected.keys()), "{found:?}");
    running.drain().await;
}
