//! A real receiver: rsyslog with GnuTLS, mutual TLS and octet counting.
//!
//! Its configuration and one of the sinks are those of `docs/siem.md` but for names of hosts, ports and
//! folders; around the former stands what has it write down what it understood.

mod beside;
mod page;
mod receiver;
mod running;

use beside::Guard;
use lapwing_proto::v1::get_status_response::sink::State;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Process, Violation, WatchResponse, Workload, violation};
use page::{documented, with};
use receiver::{Authority, until};
use running::{Running, now};
use serde_json::Value;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The name that the page lets in.
const AGENT: &str = "agent.example.org";
/// Characters that end something somewhere.
const HOSTILE: &str = "a b\n\"c\"]\\|=\u{1b}[31m\u{7f}\u{202e}\u{e9}";

fn main() -> ExitCode {
    let folder = beside::folder("rsyslog", "LAPWING_RSYSLOG");
    let found = Rsyslog::find(&folder);
    let found = found.ok_or_else(|| format!("no rsyslogd in {}", folder.display()));
    beside::test("rsyslog_reads_what_was_sent", found, check)
}

/// The program, and where it is.
struct Rsyslog {
    program: PathBuf,
    libraries: PathBuf,
    modules: PathBuf,
}

impl Rsyslog {
    fn find(folder: &Path) -> Option<Self> {
        let program = folder.join("usr/sbin/rsyslogd").canonicalize().ok()?;
        let libraries = std::fs::read_dir(folder.join("usr/lib")).ok()?.flatten();
        let libraries = { libraries }
            .map(|entry| entry.path())
            .find(|path| path.join("rsyslog/imtcp.so").is_file())?
            .canonicalize()
            .ok()?;
        Some(Self {
            program,
            modules: libraries.join("rsyslog"),
            libraries,
        })
    }

    fn start(&self, folder: &Path) -> Guard {
        let mut command = Command::new(&self.program);
        command
            .env("LD_LIBRARY_PATH", &self.libraries)
            .args([OsStr::new("-n"), OsStr::new("-f")])
            .arg(folder.join("rsyslog.conf"))
            .arg("-i")
            .arg(folder.join("pid"))
            .arg("-M")
            .arg(&self.modules);
        Guard::start(&mut command)
    }
}

/// What it writes for each message: what it understood of it.
const TEMPLATE: &str = r#"
module(load="mmpstrucdata")
template(name="parsed" type="list" option.jsonf="on") {
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="severity" name="syslogseverity-text" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="id" name="$!rfc5424-sd!lapwing@32473!id" format="jsonf")
  property(outname="workload" name="$!rfc5424-sd!lapwing@32473!workload" format="jsonf")
  property(outname="exe" name="$!rfc5424-sd!lapwing@32473!exe" format="jsonf")
  property(outname="body" name="msg" format="jsonf")
}
action(type="mmpstrucdata")
"#;

fn configuration(folder: &Path, authority: &Authority, port: u16) -> String {
    let (certificate, key) = authority.issue("rsyslog", &["siem.test", "127.0.0.1"]);
    let documented = with(
        &documented("", "global("),
        &[
            ("/etc/rsyslog/ca.pem", authority.ca().to_str().unwrap()),
            ("/etc/rsyslog/server.pem", certificate.to_str().unwrap()),
            ("/etc/rsyslog/server.key", key.to_str().unwrap()),
            (
                "port=\"6514\"",
                &format!("port=\"{port}\" address=\"127.0.0.1\""),
            ),
        ],
    );
    let folder = folder.display();
    format!(
        r#"global(workDirectory="{folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
{documented}{TEMPLATE}
action(type="omfile" file="{folder}/out" template="parsed")
"#
    )
}

/// The first sink of the page for a SIEM behind syslog.
fn qradar(authority: &Authority, address: SocketAddr) -> String {
    let block = documented("yaml", "  qradar:");
    let first = block.split("  arcsight:").next().unwrap();
    let (certificate, key) = authority.issue("client", &[AGENT]);
    with(
        first,
        &[
            ("qradar.example.org:6514", &address.to_string()),
            ("/etc/lapwing/siem-ca.pem", authority.ca().to_str().unwrap()),
            ("/etc/lapwing/client.pem", certificate.to_str().unwrap()),
            ("/etc/lapwing/client.key", key.to_str().unwrap()),
        ],
    )
}

fn parsed(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("out")).unwrap_or_default();
    let lines = text.lines().map(serde_json::from_str);
    lines.map_while(Result::ok).collect()
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

async fn check(rsyslog: Rsyslog) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "good");
    let other = Authority::new(folder.path(), "bad");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let text = configuration(folder.path(), &authority, address.port());
    std::fs::write(folder.path().join("rsyslog.conf"), text).unwrap();
    let receiver = rsyslog.start(folder.path());
    until("rsyslog listens", || {
        std::net::TcpStream::connect(address).is_ok()
    })
    .await;

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
    let ids = || -> Vec<String> {
        let found = parsed(folder.path()).into_iter();
        found
            .map(|message| message["id"].as_str().unwrap_or_default().to_owned())
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
    let receiver = rsyslog.start(folder.path());
    until("the second arrives", || {
        ids().last().is_some_and(|id| id == "v1:1")
    })
    .await;
    until("both are known to", || running.status().delivered == 2).await;

    let message = parsed(folder.path()).remove(0);
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
