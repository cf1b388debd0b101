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
mod receiver;
mod running;
mod understood;

use engine::Engine;
use lapwing_encode::otlp::{Body, Mapper};
use lapwing_encode::{Encoder, Encoding, Product};
use lapwing_profile::text::{canonical, visible};
use lapwing_proto::v1::get_status_response::sink::State;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Violation, WatchResponse, violation};
use lapwing_proto::{nanoseconds, timestamp};
use page::{documented, with};
use receiver::{Authority, until};
use running::{Running, now};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// Characters that end something somewhere.
const HOSTILE: &str = "a b\r\n\"c\"]\\|='\u{0}\u{1b}[31m\u{7f}\u{202e}\u{e9}";
/// Bytes that are no text.
const INVALID: &[u8] = b"--name=\xff\xfe\xc3(\n";
const LONG: usize = 100 << 10;
const TOKEN: &str = "6f9a1e0c-token";

fn main() -> ExitCode {
    let program = beside::folder("tenzir", "LAPWING_TENZIR").join("tenzir-engine");
    let found = match runs(&program) {
        true => Ok(program),
        false => Err(format!("{} does not run", program.display())),
    };
    beside::test("tenzir_reads_what_was_sent", found, check)
}

fn runs(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(["--bare-mode", "--help"]).stdin(Stdio::null());
    let output = command.stdout(Stdio::null()).stderr(Stdio::null());
    // Its help is an error.
    output.status().is_ok_and(|it| it.code().is_some())
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
        for body in [Body::Ocsf, Body::Text] {
            deliver(&program, &Collector(body)).await;
        }
    };
    tokio::join!(splunk, elastic, collector);
}

/// A sink of the page, and how to read what came of it.
trait Kind {
    /// Its name in the page.
    fn sink(&self) -> &'static str;
    /// What begins Tenzir's pipeline.
    fn operator(&self) -> &'static str;
    /// More of the page that is another here: what it has, and what stands here.
    fn changes(&self) -> &'static [(&'static str, &'static str)];
    /// Changes the configuration of the sink.
    fn set(&self, sink: &mut Value);
    /// What was written for each report, by the report's name.
    fn read(&self, written: &[Value]) -> Vec<(String, Value)>;
    /// How a report is to be written, and its name; none where it has no record.
    fn expected(&self, report: &WatchResponse) -> (String, Value);
    /// Holds a violation's fields against what was written.
    fn fields(&self, violation: &Violation, got: &Value);
}

struct Splunk(Encoding);
struct Elastic(&'static str, Encoding);
struct Collector(Body);

impl Kind for Splunk {
    fn sink(&self) -> &'static str {
        "splunk"
    }

    fn operator(&self) -> &'static str {
        "accept_splunk"
    }

    fn changes(&self) -> &'static [(&'static str, &'static str)] {
        &[("\"TOKEN\"", "\"6f9a1e0c-token\"")]
    }

    fn set(&self, sink: &mut Value) {
        sink["encoding"] = json!(self.0);
    }

    fn read(&self, written: &[Value]) -> Vec<(String, Value)> {
        let read = |event: &Value| {
            for (field, expected) in [
                ("host", "n1"),
                ("source", "lapwing"),
                ("sourcetype", "lapwing:report"),
                ("index", "security"),
            ] {
                assert_eq!(event[field], expected, "{event}");
            }
            (understood::name(self.0, &event["event"]), event.clone())
        };
        written.iter().map(read).collect()
    }

    fn expected(&self, report: &WatchResponse) -> (String, Value) {
        let record = encoded(self.0, report);
        let name = understood::name(self.0, &record);
        // The rest was looked at.
        (name, json!({"event": record}))
    }

    fn fields(&self, violation: &Violation, got: &Value) {
        let time: jiff::Timestamp = got["time"].as_str().unwrap().parse().unwrap();
        let sent = i128::from(nanoseconds(violation.last_seen.as_ref().unwrap()));
        assert!((time.as_nanosecond() - sent).abs() <= 1_000, "{time}");
        hold(self.0, violation, &got["event"]);
    }
}

impl Kind for Elastic {
    fn sink(&self) -> &'static str {
        self.0
    }

    fn operator(&self) -> &'static str {
        "accept_elasticsearch"
    }

    fn changes(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn set(&self, sink: &mut Value) {
        sink["encoding"] = json!(self.1);
    }

    fn read(&self, written: &[Value]) -> Vec<(String, Value)> {
        let (pairs, rest) = written.as_chunks::<2>();
        assert!(rest.len() < 2);
        let read = |[action, document]: &[Value; 2]| {
            let id = action["create"]["_id"].as_str().unwrap();
            (id.to_owned(), document.clone())
        };
        pairs.iter().map(read).collect()
    }

    fn expected(&self, report: &WatchResponse) -> (String, Value) {
        let record = encoded(self.1, report);
        let time = match report.item.as_ref().unwrap() {
            Item::Violation(it) => it.last_seen.as_ref(),
            Item::Gap(it) => it.to.as_ref(),
            _ => None,
        };
        let time = jiff::Timestamp::from_nanosecond(nanoseconds(time.unwrap()).into());
        let mut document = match record {
            Value::String(text) => json!({"message": text}),
            record => record,
        };
        document["@timestamp"] = json!(time.unwrap().to_string());
        (lapwing_encode::document_id(report).unwrap(), document)
    }

    fn fields(&self, violation: &Violation, got: &Value) {
        match self.1 {
            Encoding::Cef => hold(self.1, violation, &got["message"]),
            _ => hold(self.1, violation, got),
        }
    }
}

impl Collector {
    fn mapper(&self) -> Mapper {
        let product = Product::lapwing(env!("CARGO_PKG_VERSION"));
        Mapper::new(product, "c".to_owned(), "n1".to_owned(), self.0)
    }
}

impl Kind for Collector {
    fn sink(&self) -> &'static str {
        "collector"
    }

    fn operator(&self) -> &'static str {
        "accept_otlp"
    }

    fn changes(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn set(&self, sink: &mut Value) {
        sink["otlp"]["body"] = json!(self.0);
    }

    /// As Tenzir tells of it, read back into the record that it was.
    fn read(&self, written: &[Value]) -> Vec<(String, Value)> {
        let read = |event: &Value| {
            assert_eq!(event["scope"]["name"], "lapwing");
            let record = understood::log_record(event);
            let uid = record
                .attributes
                .iter()
                .find(|it| it.key == "log.record.uid");
            let uid = serde_json::to_value(uid.unwrap()).unwrap();
            let name = uid["value"]["stringValue"].as_str().unwrap().to_owned();
            let resource = understood::attributes(&event["resource"]["attributes"]);
            (name, json!({"record": record, "resource": resource}))
        };
        written.iter().map(read).collect()
    }

    fn expected(&self, report: &WatchResponse) -> (String, Value) {
        let mut request = self.mapper().request([report]);
        let mut logs = request.resource_logs.remove(0);
        let record = logs.scope_logs.remove(0).log_records.remove(0);
        let resource = logs.resource.unwrap().attributes;
        let value = json!({"record": record, "resource": resource});
        (lapwing_encode::document_id(report).unwrap(), value)
    }

    fn fields(&self, violation: &Violation, got: &Value) {
        let record = &got["record"];
        let attribute = |key: &str| {
            let list = record["attributes"].as_array().unwrap();
            let found = list.iter().find(|it| it["key"] == key);
            found.unwrap_or_else(|| panic!("no {key}"))["value"].clone()
        };
        let process = violation.process.as_ref().unwrap();
        let text = |text: &str| json!({"stringValue": text});
        let container = violation.container.as_ref().unwrap();
        for (key, expected) in [
            ("lapwing.id", text(&violation.id)),
            (
                "lapwing.revision",
                json!({"intValue": violation.revision.to_string()}),
            ),
            ("security_rule.name", text(&violation.rule)),
            ("container.id", text(&container.id)),
            ("container.name", text(&container.name)),
            ("process.executable.path", text(&process.exe)),
            ("process.pid", json!({"intValue": process.pid.to_string()})),
        ] {
            assert_eq!(attribute(key), expected, "{key}");
        }
        if process.args.iter().all(|it| it.len() < LONG) {
            let args: Vec<Value> = process.args.iter().map(|it| text(it)).collect();
            let args = json!({"arrayValue": {"values": args}});
            assert_eq!(attribute("process.command_args"), args);
        }
        let nanos = nanoseconds(violation.last_seen.as_ref().unwrap());
        assert_eq!(record["timeUnixNano"], nanos.to_string());
        assert_eq!(record["severityText"], "HIGH");
        assert_eq!(record["severityNumber"], 17);
        let body = record["body"]["stringValue"].as_str().unwrap();
        match self.0 {
            Body::Ocsf => hold(
                Encoding::Ocsf,
                violation,
                &serde_json::from_str(body).unwrap(),
            ),
            Body::Text => assert_eq!(
                body,
                "exec.unknown: /bin/sh by /usr/sbin/nginx in shop/Deployment/web/app"
            ),
        }
    }
}

/// A report as it leaves the encoder: an object, or a text.
fn encoded(encoding: Encoding, report: &WatchResponse) -> Value {
    let encoder = Encoder::new(encoding, Product::lapwing(env!("CARGO_PKG_VERSION")));
    let line = encoder.encode(report).unwrap();
    match encoding.is_json() {
        true => serde_json::from_str(&line).unwrap(),
        false => Value::String(line),
    }
}

fn hold(encoding: Encoding, violation: &Violation, got: &Value) {
    let fields = match got {
        Value::String(line) => &understood::of_cef(line),
        got => got,
    };
    let long = violation
        .process
        .as_ref()
        .unwrap()
        .args
        .iter()
        .any(|it| it.len() >= LONG);
    if encoding == Encoding::Cef && !long {
        let line = fields["cs3"].as_str().unwrap();
        let (before, _) = HOSTILE.split_once('\'').unwrap();
        assert!(line.starts_with("sh 'a b\\x0d\\x0a"), "{line}");
        assert!(line.contains(&*visible(before)), "{line}");
    }
    for (pointer, expected) in understood::fields(encoding, violation) {
        let found = fields.pointer(pointer).unwrap_or(&Value::Null);
        if long && encoding == Encoding::Ecs && pointer == "/process/args" {
            let last = found[1].as_str().unwrap();
            assert!(
                last.ends_with("xx\u{2026}") && last.len() > 31_000,
                "{}",
                last.len()
            );
            continue;
        }
        let difference = understood::difference(&expected, found, pointer);
        assert_eq!(difference, None, "{encoding} of {}", violation.id);
    }
}

/// A violation with hostile texts.
fn violation(id: &str, revision: u32, args: Vec<String>) -> Item {
    let detail = violation::Detail::Exec(items::shell());
    let mut violation = items::violation("exec.unknown", "T1059.004", detail);
    id.clone_into(&mut violation.id);
    violation.revision = revision;
    violation.count = u64::from(revision);
    violation.last_seen = Some(timestamp(items::TIME + i64::from(revision - 1) * 1_000_001));
    violation.node = "n1".to_owned();
    violation.cluster = "c".to_owned();
    violation.container.as_mut().unwrap().name = format!("app {HOSTILE}");
    let process = violation.process.as_mut().unwrap();
    process.exe = format!("/bin/{HOSTILE}");
    process.args = args;
    Item::Violation(violation)
}

fn hostile() -> Vec<String> {
    let texts = [
        "sh",
        HOSTILE,
        "",
        "{\"create\":{}}\n",
        "</script>",
        "10.0.0.1",
    ];
    let texts = texts.iter().map(ToString::to_string);
    texts
        .chain([canonical(INVALID), canonical(HOSTILE.as_bytes())])
        .collect()
}

/// The page's configuration of one sink, for a receiver.
fn configuration(kind: &dyn Kind, engine: &Engine, folder: &Path) -> String {
    let name = kind.sink();
    let host = match name {
        "splunk" => "splunk.example.org:8088",
        "collector" => "collector.example.org:4318",
        "opensearch" => "opensearch.example.org:9200",
        _ => "elastic.example.org:9200",
    };
    let block = with(
        &documented("yaml", &format!("  {name}:")),
        &[
            (host, &engine.address.to_string()),
            ("/etc/lapwing/", &format!("{}/", folder.display())),
        ],
    );
    let all: Value = serde_saphyr::from_str(&block).unwrap();
    let mut sink = all["sinks"][name].clone();
    kind.set(&mut sink);
    sink["batch"] = json!({"wait": "5ms"});
    sink["retry"] = json!({"first": "20ms", "longest": "100ms", "blocked": "50ms"});
    json!({"sinks": {"s": sink}}).to_string()
}

async fn start(program: &Path, folder: &Path, kind: &dyn Kind) -> Engine {
    let authority = Authority::new(folder, kind.sink());
    for name in [
        "splunk.token",
        "elastic.key",
        "opensearch.password",
        "collector.token",
    ] {
        std::fs::write(folder.join(name), TOKEN).unwrap();
    }
    Engine::start(program, folder, kind.operator(), &authority, kind.changes()).await
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
    engine.freeze();
    publish(violation("v2", 1, hostile()));
    until("it is sent more", || engine.has_unread()).await;
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
