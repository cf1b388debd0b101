//! The sinks of the page for SIEM teams that Tenzir understands: how each is configured, and how what came
//! of it is held against what was sent.
#![allow(dead_code)]

use crate::engine::Engine;
use crate::items;
use crate::page::{documented, with};
use crate::receiver::Authority;
use crate::understood;
use lapwing_encode::otlp::{Body, Mapper};
use lapwing_encode::{Encoder, Encoding, Product};
use lapwing_profile::text::{canonical, visible};
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Violation, WatchResponse, violation};
use lapwing_proto::{nanoseconds, timestamp};
use serde_json::{Value, json};
use std::path::Path;

/// Characters that end something somewhere.
const HOSTILE: &str = "a b\r\n\"c\"]\\|='\u{0}\u{1b}[31m\u{7f}\u{202e}\u{e9}";
/// Bytes that are no text.
const INVALID: &[u8] = b"--name=\xff\xfe\xc3(\n";
/// Bytes of a long argument.
pub const LONG: usize = 100 << 10;
/// What lets an agent in.
pub const TOKEN: &str = "6f9a1e0c-token";

/// A sink of the page, and how to read what came of it.
pub trait Kind {
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

/// Splunk's protocol.
pub struct Splunk(pub Encoding);
/// `_bulk`, by the name of the sink.
pub struct Elastic(pub &'static str, pub Encoding);
/// OTLP over HTTP.
pub struct Collector(pub Body);
/// CEF in RFC 5424, a line each, over TCP.
pub struct Arcsight;

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
        let mut came = Vec::new();
        let mut named = None;
        for event in written {
            if let Some(id) = event["create"]["_id"].as_str() {
                // Of a request that was cut short there may be no more than this.
                named = Some(id.to_owned());
            } else {
                let id = named.take().unwrap_or_else(|| panic!("no name of {event}"));
                came.push((id, event.clone()));
            }
        }
        came
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

impl Kind for Arcsight {
    fn sink(&self) -> &'static str {
        "arcsight"
    }

    fn operator(&self) -> &'static str {
        "accept_tcp"
    }

    fn changes(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whole, to be held against what was sent; what is longer than receivers should take has tests
    /// of its own.
    fn set(&self, sink: &mut Value) {
        sink["syslog"]["maxBytes"] = json!(64 << 10);
    }

    /// What Tenzir's own parsers made of it.
    fn read(&self, written: &[Value]) -> Vec<(String, Value)> {
        let read = |event: &Value| {
            for (field, expected) in [
                ("facility", json!(16)),
                ("version", json!(1)),
                ("app_name", json!("lapwing")),
                ("hostname", json!("n1")),
            ] {
                assert_eq!(event[field], expected, "{field} of {event}");
            }
            let data = &event["structured_data"]["lapwing@32473"];
            let cef = &event["cef"];
            assert_eq!(event["message_id"], cef["signature_id"], "{event}");
            let mut fields = cef["extension"].clone();
            fields["class"] = cef["signature_id"].clone();
            fields["severity"] = cef["severity"].clone();
            (data["id"].as_str().unwrap().to_owned(), fields)
        };
        written.iter().map(read).collect()
    }

    fn expected(&self, report: &WatchResponse) -> (String, Value) {
        let line = encoded(Encoding::Cef, report);
        let mut fields = understood::of_cef(line.as_str().unwrap());
        for value in fields.as_object_mut().unwrap().values_mut() {
            // Blanks around a value are not part of it there.
            *value = json!(value.as_str().unwrap().trim_matches(' '));
        }
        (lapwing_encode::document_id(report).unwrap(), fields)
    }

    fn fields(&self, violation: &Violation, got: &Value) {
        for (pointer, expected) in understood::fields(Encoding::Cef, violation) {
            assert_eq!(got.pointer(pointer), Some(&expected), "{pointer} of {got}");
        }
        let args = &violation.process.as_ref().unwrap().args;
        if args.iter().all(|it| it.len() < LONG) {
            let line = got["cs3"].as_str().unwrap();
            let (before, _) = HOSTILE.split_once('\'').unwrap();
            assert!(line.contains(&*visible(before)), "{line}");
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
pub fn violation(id: &str, revision: u32, args: Vec<String>) -> Item {
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

/// Hostile arguments.
pub fn hostile() -> Vec<String> {
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
pub fn sink(kind: &dyn Kind, engine: &Engine, folder: &Path) -> Value {
    let name = kind.sink();
    let host = match name {
        "splunk" => "splunk.example.org:8088",
        "collector" => "collector.example.org:4318",
        "arcsight" => "connector.example.org:514",
        "opensearch" => "opensearch.example.org:9200",
        _ => "elastic.example.org:9200",
    };
    let block = documented("yaml", &format!("  {name}:"));
    let block = with(&block, &[(host, &engine.address.to_string())]);
    // Not all have files.
    let block = block.replace("/etc/lapwing/", &format!("{}/", folder.display()));
    let all: Value = serde_saphyr::from_str(&block).unwrap();
    let mut sink = all["sinks"][name].clone();
    kind.set(&mut sink);
    sink["batch"] = json!({"wait": "5ms"});
    sink["retry"] = json!({"first": "20ms", "longest": "100ms", "blocked": "50ms"});
    sink
}

/// An agent's whole configuration with that sink alone, as `s`.
pub fn configuration(kind: &dyn Kind, engine: &Engine, folder: &Path) -> String {
    json!({"sinks": {"s": sink(kind, engine, folder)}}).to_string()
}

/// Tenzir as the page has it for a sink, with an authority and secrets in a folder.
pub async fn start(program: &Path, folder: &Path, kind: &dyn Kind) -> Engine {
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
