//! A real collector: rotel, which takes logs over HTTP and gRPC and hands them on.
//!
//! What it hands on is what it understood. Over gRPC the sink is the one of `docs/siem.md` for a local
//! collector but for its port.

mod beside;
mod page;
mod receiver;
mod running;

use beside::Guard;
use lapwing_encode::Product;
use lapwing_encode::otlp::{Body, Mapper};
use lapwing_proto::opentelemetry::proto::collector::logs::v1::ExportLogsServiceRequest;
use lapwing_proto::opentelemetry::proto::logs::v1::LogRecord;
use lapwing_proto::opentelemetry::proto::resource::v1::Resource;
use lapwing_proto::timestamp;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Gap, Process, Violation};
use prost::Message;
use receiver::{Receiver, until};
use running::{Running, now};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

/// Characters that end something somewhere.
const HOSTILE: &str = "a b\n\"c\"]\\|=\u{1b}[31m\u{7f}\u{202e}\u{e9}";

fn main() -> ExitCode {
    let program = beside::folder("rotel", "LAPWING_ROTEL").join("rotel-agent");
    let found = match runs(&program) {
        true => Ok(program),
        false => {
            let program = program.display();
            Err(format!("{program} does not run, which needs Python 3.11"))
        }
    };
    beside::test("rotel_hands_on_what_was_sent", found, check)
}

fn runs(program: &Path) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--help")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn start(
    program: &Path,
    folder: &Path,
    http: SocketAddr,
    grpc: SocketAddr,
    to: &Receiver,
) -> Guard {
    let to = format!("http://{}", to.address);
    let mut command = Command::new(program);
    command
        .arg("start")
        .args(["--otlp-http-endpoint", &http.to_string()])
        .args(["--otlp-grpc-endpoint", &grpc.to_string()])
        .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
        .args(["--otlp-exporter-endpoint", &to])
        .args(["--batch-timeout", "50ms"])
        .arg("--pid-file")
        .arg(folder.join("pid"))
        .arg("--log-file")
        .arg(folder.join("log"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Guard::start(&mut command)
}

/// An address of the loopback that no other test listens on: nobody takes it before the collector does.
fn address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let own = Ipv4Addr::new(127, high, low, NEXT.fetch_add(1, Ordering::Relaxed));
    TcpListener::bind((own, 0)).unwrap().local_addr().unwrap()
}

/// Records in requests, each with its resource.
fn records(requests: &[ExportLogsServiceRequest]) -> Vec<(Resource, LogRecord)> {
    let all = requests.iter().flat_map(|request| &request.resource_logs);
    all.flat_map(|logs| {
        let resource = logs.resource.clone().unwrap();
        let records = logs.scope_logs.iter().flat_map(|scope| {
            let named = scope.scope.as_ref().unwrap();
            assert_eq!(named.name, "lapwing");
            &scope.log_records
        });
        records.map(move |record| (resource.clone(), record.clone()))
    })
    .collect()
}

fn handed_on(receiver: &Receiver) -> Vec<(Resource, LogRecord)> {
    let requests: Vec<_> = receiver.seen(|seen| {
        let decode = |it: &receiver::Seen| ExportLogsServiceRequest::decode(&*plain(it)).unwrap();
        seen.iter().map(decode).collect()
    });
    records(&requests)
}

/// It compresses whatever it is told; its gzip (RFC 1952) has a header without options.
fn plain(seen: &receiver::Seen) -> Vec<u8> {
    match seen.headers.get("content-encoding") {
        None => seen.bytes.to_vec(),
        Some(encoding) => {
            assert_eq!(encoding, "gzip");
            assert_eq!(seen.bytes[..4], [0x1f, 0x8b, 8, 0]);
            miniz_oxide::inflate::decompress_to_vec(&seen.bytes[10..]).unwrap()
        }
    }
}

fn publish(running: &Running) {
    for id in 0..3 {
        let violation = Violation {
            id: format!("v{id}"),
            revision: 1,
            rule: "exec.unknown".to_owned(),
            time: Some(timestamp(1_700_000_000_123_456_789)),
            process: Some(Process {
                args: vec![HOSTILE.to_owned()],
                pid: 7,
                ..Process::default()
            }),
            ..Violation::default()
        };
        running.feed.publish(now(), Item::Violation(violation));
    }
    let gap = Gap {
        reason: "ring-full".to_owned(),
        count: 9,
        ..Gap::default()
    };
    running.feed.publish(now(), Item::Gap(gap));
}

/// A sink named `s` of a collector there.
fn sink(over: &str, address: SocketAddr) -> Value {
    let mut sink = match over {
        "grpc" => {
            let block = page::documented("yaml", "  local:");
            let mut all: Value = serde_saphyr::from_str(&block).unwrap();
            all["sinks"]["local"].take()
        }
        _ => json!({"otlp": {"url": "http://127.0.0.1:4317", "over": over}}),
    };
    let url = format!("http://{address}");
    let before = std::mem::replace(&mut sink["otlp"]["url"], json!(url));
    assert_eq!(before, "http://127.0.0.1:4317");
    assert_eq!(sink["otlp"]["over"], over);
    sink["batch"] = json!({"wait": "5ms"});
    sink["retry"] = json!({"first": "20ms", "longest": "100ms"});
    json!({"sinks": {"s": sink}})
}

async fn check(program: PathBuf) {
    for (over, body) in [("http", Body::Ocsf), ("grpc", Body::Text)] {
        let folder = tempfile::tempdir().unwrap();
        let behind = Receiver::start(vec![], "", None).await;
        let (http, grpc) = (address(), address());
        let address = if over == "http" { http } else { grpc };
        let yaml = sink(over, address).to_string();
        // It does not run yet: what is published waits for it.
        let running = Running::start(&yaml, None, tempfile::tempdir().unwrap()).await;
        publish(&running);
        until("it is missed", || running.status().retried > 0).await;
        let collector = start(&program, folder.path(), http, grpc, &behind);
        until("all are taken", || running.status().delivered == 4).await;
        until("all are handed on", || handed_on(&behind).len() >= 4).await;
        let product = Product::lapwing(env!("CARGO_PKG_VERSION"));
        let mapper = Mapper::new(product, "c".to_owned(), "n1".to_owned(), body);
        let sent = records(&[mapper.request(&running.published(4).await)]);
        assert_eq!(handed_on(&behind), sent, "over {over}");
        let status = running.status();
        assert!(status.refused.is_empty(), "{status:?}");
        running.drain().await;
        drop(collector);
    }
}
