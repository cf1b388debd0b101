//! A real receiver: rsyslog with GnuTLS, mutual TLS and octet counting; and without, in front of another
//! agent.
//!
//! Its configurations and the sinks are those of `docs/siem.md` but for names of hosts, ports and folders.

mod beside;
mod page;
mod receiver;
mod running;
mod syslogd;

use lapwing_proto::v1::get_status_response::sink::State;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Process, Violation, WatchResponse, Workload, violation};
use receiver::{Authority, until};
use running::{Running, now};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use syslogd::{AGENT, Rsyslog, local, parsed, qradar, secure, sentinel};

/// Characters that end something somewhere.
const HOSTILE: &str = "a b\n\"c\"]\\|=\u{1b}[31m\u{7f}\u{202e}\u{e9}";

fn main() -> ExitCode {
    let found = Rsyslog::found();
    beside::test("rsyslog_reads_what_was_sent", found, async |rsyslog| {
        check(&rsyslog).await;
        behind_another(&rsyslog).await;
    })
}

fn violate(running: &Running, id: &str) {
    let violation = Violation {
        id: id.to_owned(),
        revision: 1,
        time: Some(lapwing_proto::timestamp(1_700_000_000_123_456_789)),
        node: "n1".to_owned(),
        rule: "exec.unknown".to_owned(),
        severity: violation::Severity::High.into(),
        workload: Some(Workload {
            name: HOSTILE.to_owned(),
            ..Workload::default()
        }),
        process: Some(Process {
            exe: format!("/bin/{HOSTILE}"),
            args: vec!["sh".to_owned(), HOSTILE.to_owned()],
            ..Process::default()
        }),
        ..Violation::default()
    };
    running.feed.publish(now(), Item::Violation(violation));
}

async fn check(rsyslog: &Rsyslog) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "good");
    let other = Authority::new(folder.path(), "bad");
    let address = syslogd::address();
    secure(folder.path(), &authority, address);
    let receiver = rsyslog.start(folder.path(), address).await;

    let yaml = |ca: &Path, client: Option<(PathBuf, PathBuf)>| {
        let client = client.map_or_else(String::new, |(certificate, key)| {
            format!(
                ", certificate: {}, key: {}",
                certificate.display(),
                key.display()
            )
        });
        let ca = ca.display();
        format!(
            "sinks: {{s: {{syslog: {{address: '{address}', maxBytes: 65536, tls: {{ca: {ca}, serverName: siem.test{client}}}}}, batch: {{wait: 5ms}}, retry: {{first: 5ms, longest: 40ms, blocked: 20ms}}}}}}"
        )
    };
    let right = || Some(authority.issue("client", &[AGENT]));
    for (yaml, who) in [
        (
            yaml(&other.ca(), right()),
            "a receiver that nobody vouches for",
        ),
        (
            yaml(&authority.ca(), None),
            "an agent without a certificate",
        ),
        (
            yaml(&authority.ca(), Some(other.issue("client", &[AGENT]))),
            "an agent of another authority",
        ),
        (
            yaml(
                &authority.ca(),
                Some(authority.issue("stranger", &["other.test"])),
            ),
            "an agent of another name",
        ),
    ] {
        let running = Running::start(&yaml, None, tempfile::tempdir().unwrap()).await;
        let answer = running.sinks.test("s").await.unwrap();
        println!("{who}: {}; {}", answer.answer, answer.remedy);
        assert!(!answer.delivered, "{who}: {answer:?}");
        violate(&running, "nobody");
        until(who, || running.status().state() != State::Delivering).await;
        assert_eq!(running.status().delivered, 0, "{who}");
        running.kill().await;
    }

    let running = Running::start(&yaml(&authority.ca(), right()), None, running::folder()).await;
    let answer = running.sinks.test("s").await.unwrap();
    assert!(answer.delivered, "{answer:?}");
    let ids = || -> Vec<String> {
        let found = parsed(folder.path()).into_iter();
        let ids = found.map(|message| message["id"].as_str().unwrap_or_default().to_owned());
        ids.filter(|id| !id.starts_with("lapwing-sink-test"))
            .collect()
    };
    violate(&running, "v0");
    until("the first arrives", || ids() == ["v0:1"]).await;
    // It is ended and comes back: what was reported in between arrives too.
    drop(receiver);
    violate(&running, "v1");
    until("it is missed", || {
        running.status().state() == State::Retrying
    })
    .await;
    let receiver = rsyslog.start(folder.path(), address).await;
    until("the second arrives", || {
        ids().last().is_some_and(|id| id == "v1:1")
    })
    .await;
    until("both are known to", || running.status().delivered == 2).await;

    let found = parsed(folder.path()).into_iter();
    let (samples, mut found): (Vec<_>, Vec<_>) =
        found.partition(|message| message["msgid"] == "sensor.degraded");
    assert_eq!(samples.len(), 1, "{samples:?}");
    let whose = samples[0]["workload"].as_str().unwrap();
    assert!(whose.contains("lapwing-sink-test"), "{samples:?}");
    let message = found.remove(0);
    for (field, expected) in [
        ("facility", "local0"),
        ("severity", "err"),
        ("host", "n1"),
        ("app", "lapwing"),
        ("msgid", "exec.unknown"),
        ("id", "v0:1"),
    ] {
        assert_eq!(message[field], expected, "{field} of {message}");
    }
    let time = message["time"].as_str().unwrap();
    assert!(time.starts_with("2023-11-14T22:13:20.123456"), "{time}");
    let body = message["body"]
        .as_str()
        .unwrap()
        .trim_start_matches('\u{feff}');
    let response: WatchResponse = serde_json::from_str(body).unwrap();
    let Some(Item::Violation(found)) = response.item else {
        panic!("no violation in {body}")
    };
    assert_eq!(found.process.unwrap().args, ["sh", HOSTILE]);
    assert_eq!(found.workload.unwrap().name, HOSTILE);
    // In structured data what could end a line is written out.
    for field in ["workload", "exe"] {
        let text = message[field].as_str().unwrap();
        assert!(text.contains("a b\\x0a\"c\"]"), "{field}: {text}");
    }
    running.drain().await;

    // And as the page has it.
    let yaml = qradar(&authority, address);
    let running = Running::start(&yaml, None, running::folder()).await;
    violate(&running, "v2");
    until("the third arrives", || {
        ids().last().is_some_and(|id| id == "v2:1")
    })
    .await;
    let message = parsed(folder.path()).pop().unwrap();
    let body = message["body"].as_str().unwrap();
    assert!(
        body.trim_start_matches('\u{feff}')
            .starts_with("CEF:0|Lapwing|"),
        "{body}"
    );
    running.drain().await;
    drop(receiver);
}

/// CEF over TCP to an rsyslog on the same host, as the page has it for Sentinel's agent.
async fn behind_another(rsyslog: &Rsyslog) {
    let folder = tempfile::tempdir().unwrap();
    let address = syslogd::address();
    local(folder.path(), address);
    let receiver = rsyslog.start(folder.path(), address).await;
    let running = Running::start(&sentinel(address), None, running::folder()).await;
    violate(&running, "v0");
    let mut found = Vec::new();
    until("it arrives", || {
        found = parsed(folder.path());
        !found.is_empty()
    })
    .await;
    let message = found.remove(0);
    for (field, expected) in [
        ("facility", "local4"),
        ("severity", "err"),
        ("host", "n1"),
        ("app", "lapwing"),
        ("id", "v0:1"),
    ] {
        assert_eq!(message[field], expected, "{field} of {message}");
    }
    let body = message["body"].as_str().unwrap();
    assert!(body.contains("CEF:0|Lapwing|"), "{body}");
    assert!(body.contains(" dvchost=n1 "), "{body}");
    running.drain().await;
    drop(receiver);
}
