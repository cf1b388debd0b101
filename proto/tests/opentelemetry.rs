//! The committed code of the OpenTelemetry protocol is what the files say, and its JSON form is that
//! of OTLP.

use lapwing_proto::opentelemetry::proto::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use lapwing_proto::opentelemetry::proto::common::v1::{AnyValue, KeyValue, any_value::Value};
use lapwing_proto::opentelemetry::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;
use serde_json::json;
use std::fs;
use std::path::Path;

const FILE: &str = "opentelemetry/proto/collector/logs/v1/logs_service.proto";

fn generate(out: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let descriptors = protox::compile([FILE], [root]).expect("the proto files compile");
    let bytes = descriptors.encode_to_vec();
    tonic_prost_build::configure()
        .out_dir(out)
        .compile_fds(descriptors)
        .expect("the code is generated");
    pbjson_build::Builder::new()
        .register_descriptors(&bytes)
        .unwrap()
        .ignore_unknown_fields()
        .out_dir(out)
        .build(&[".opentelemetry"])
        .expect("the JSON code is generated");
}

#[test]
fn generated_code_is_fresh() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/opentelemetry/generated");
    if std::env::var_os("LAPWING_REGENERATE").is_some() {
        generate(&committed);
    }
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    let mut names: Vec<_> = fs::read_dir(fresh.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names.len(), 8, "{names:?}");
    for name in names {
        let same = fs::read(fresh.path().join(&name)).unwrap()
            == fs::read(committed.join(&name)).unwrap_or_default();
        assert!(
            same,
            "{} is stale: run LAPWING_REGENERATE=1 cargo test -p lapwing-proto --test opentelemetry",
            name.display()
        );
    }
}

fn request() -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![LogRecord {
                    time_unix_nano: 1_544_712_660_300_000_000,
                    severity_number: 10,
                    body: Some(AnyValue {
                        value: Some(Value::StringValue("x".into())),
                    }),
                    attributes: vec![KeyValue {
                        key: "n".into(),
                        value: Some(AnyValue {
                            value: Some(Value::IntValue(10)),
                        }),
                    }],
                    event_name: "e".into(),
                    ..LogRecord::default()
                }],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

/// As the specification's own example has it: numbers of 64 bits are texts, enumerations numbers.
#[test]
fn json_is_that_of_otlp() {
    let expected = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "timeUnixNano": "1544712660300000000",
        "severityNumber": 10,
        "body": {"stringValue": "x"},
        "attributes": [{"key": "n", "value": {"intValue": "10"}}],
        "eventName": "e"
    }]}]}]});
    assert_eq!(serde_json::to_value(request()).unwrap(), expected);
    let read: ExportLogsServiceRequest = serde_json::from_value(expected).unwrap();
    assert_eq!(read, request());
    // Receivers may answer more than is known here, with or without anything rejected.
    let answer = r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"full","more":1},"other":[]}"#;
    let answer: ExportLogsServiceResponse = serde_json::from_str(answer).unwrap();
    assert_eq!(answer.partial_success.unwrap().rejected_log_records, 2);
    let answer: ExportLogsServiceResponse = serde_json::from_str("{}").unwrap();
    assert_eq!(answer.partial_success, None);
}

/// Tags and types on the wire, by the numbers of the specification.
#[test]
fn bytes_are_those_of_otlp() {
    let bytes = request().encode_to_vec();
    let record = [
        &[0x09][..], // 1, fixed64
        &1_544_712_660_300_000_000_u64.to_le_bytes(),
        &[0x10, 10],                                  // 2, varint
        &[0x2a, 3, 0x0a, 1, b'x'],                    // 5: 1, text
        &[0x32, 7, 0x0a, 1, b'n', 0x12, 2, 0x18, 10], // 6: 1, text; 2: 3, varint
        &[0x62, 1, b'e'],                             // 12, text
    ]
    .concat();
    let within = |tag: u8, inner: &[u8]| {
        let mut out = vec![tag, u8::try_from(inner.len()).unwrap()];
        out.extend_from_slice(inner);
        out
    };
    let expected = within(0x0a, &within(0x12, &within(0x12, &record)));
    assert_eq!(bytes, expected);
}
