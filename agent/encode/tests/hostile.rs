//! What containers may name themselves and say: every encoder gives one line without a raw control
//! character, which an independent reader reads back as what went in.

mod common;
#[path = "common/hostile.rs"]
mod texts;

use common::cef;
use lapwing_encode::syslog::{self, Message};
use lapwing_encode::{Encoding, Product, TEXT_LIMIT, document_id, otlp};
use lapwing_proto::opentelemetry::proto::collector::logs::v1::ExportLogsServiceRequest;
use lapwing_proto::v1::{Violation, WatchResponse, violation, watch_response::Item};
use proptest::prelude::*;
use serde_json::Value;
use syslog_loose::Variant;
use texts::{cut, item, shown};

fn violation_of(item: &WatchResponse) -> &Violation {
    match &item.item {
        Some(Item::Violation(violation)) => violation,
        other => panic!("no violation: {other:?}"),
    }
}

/// One line, and nothing in it that a terminal or a reader of lines takes for more than text.
fn check_line(line: &str) -> Result<(), TestCaseError> {
    let raw = line.chars().find(|c| {
        c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{200f}')
    });
    prop_assert_eq!(raw, None, "{}", line);
    Ok(())
}

fn paths(detail: &violation::Detail) -> (&str, &str) {
    match detail {
        violation::Detail::Exec(exec) => ("path", &exec.path),
        violation::Detail::File(file) => ("path", &file.path),
        violation::Detail::Egress(egress) => ("address", &egress.address),
        other => panic!("not made here: {other:?}"),
    }
}

/// A text in JSON: absent where it is empty.
fn same(value: &Value, text: &str) -> Result<(), TestCaseError> {
    let expected = (!text.is_empty()).then(|| cut(text, TEXT_LIMIT));
    prop_assert_eq!(value.as_str(), expected.as_deref());
    Ok(())
}

proptest! {
    #[test]
    fn native_is_read_back_whole(item in item()) {
        let line = common::encoder(Encoding::Native).encode(&item).unwrap();
        check_line(&line)?;
        prop_assert_eq!(serde_json::from_str::<WatchResponse>(&line).unwrap(), item);
    }

    #[test]
    fn ocsf_is_read_back(item in item()) {
        let line = common::encoder(Encoding::Ocsf).encode(&item).unwrap();
        check_line(&line)?;
        let event: Value = serde_json::from_str(&line).unwrap();
        let violation = violation_of(&item);
        let (key, path) = paths(violation.detail.as_ref().unwrap());
        let own = &event["unmapped"]["lapwing"];
        same(&own["detail"][key], path)?;
        same(&own["patch"], &violation.patch)?;
        same(&own["workload"]["name"], &violation.workload.as_ref().unwrap().name)?;
        let evidence = &event["evidences"][0];
        let process = if evidence["process"].is_null() { &evidence["actor"]["process"] } else { &evidence["process"] };
        let (was, container) = (violation.process.as_ref().unwrap(), violation.container.as_ref().unwrap());
        same(&process["path"], &was.exe)?;
        same(&process["working_directory"], &was.cwd)?;
        same(&process["ancestry"][0]["path"], &was.ancestors[0].exe)?;
        same(&process["container"]["name"], if container.id.is_empty() && container.name.is_empty() { "" } else { &container.name })?;
        let id = document_id(&item);
        prop_assert_eq!(event["metadata"]["uid"].as_str(), id.as_deref());
    }

    #[test]
    fn ecs_is_read_back(item in item()) {
        let line = common::encoder(Encoding::Ecs).encode(&item).unwrap();
        check_line(&line)?;
        let document: Value = serde_json::from_str(&line).unwrap();
        let violation = violation_of(&item);
        let was = violation.process.as_ref().unwrap();
        same(&document["process"]["executable"], &was.exe)?;
        same(&document["process"]["parent"]["executable"], &was.ancestors[0].exe)?;
        same(&document["container"]["name"], &violation.container.as_ref().unwrap().name)?;
        same(&document["host"]["name"], &violation.node)?;
        if let Some(violation::Detail::File(file)) = &violation.detail {
            same(&document["file"]["path"], &file.path)?;
        }
        let sum: usize = was.args.iter().map(|arg| arg.len() + 1).sum();
        if sum <= TEXT_LIMIT {
            let args: Vec<&str> = document["process"]["args"].as_array().map(Vec::as_slice).unwrap_or_default()
                .iter().filter_map(Value::as_str).collect();
            prop_assert_eq!(args, was.args.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    #[test]
    fn cef_is_read_back(item in item()) {
        let line = common::encoder(Encoding::Cef).encode(&item).unwrap();
        check_line(&line)?;
        let record = cef::read(&line).map_err(|error| TestCaseError::fail(format!("{error}: {line}")))?;
        prop_assert_eq!(&record.header[..5], ["0", "Lapwing", "Lapwing", "0.1.0", "exec.unknown"]);
        for (key, value) in &record.extension {
            let known = cef::DICTIONARY.iter().find(|(name, _)| name == key);
            let (_, most) = known.ok_or_else(|| TestCaseError::fail(format!("{key} is not in the dictionary")))?;
            prop_assert!(value.len() <= *most && !value.is_empty(), "{key}: {} bytes", value.len());
            if let Some(custom) = key.strip_suffix("Label") {
                prop_assert!(record.extension.contains_key(custom), "{key} labels nothing");
            }
        }
        let violation = violation_of(&item);
        let (was, container) = (violation.process.as_ref().unwrap(), violation.container.as_ref().unwrap());
        let mut expected = vec![
            ("dvchost", violation.node.as_str(), 100),
            ("cs2", &container.image, 4000),
            ("cs5", &was.ancestors[0].exe, 4000),
            ("deviceExternalId", &container.id, 255),
        ];
        match violation.detail.as_ref().unwrap() {
            violation::Detail::Exec(exec) => expected.extend([
                ("filePath", exec.path.as_str(), 1023), ("fileHash", &exec.sha256, 255), ("sproc", &exec.parent, 1023),
            ]),
            violation::Detail::File(_) => expected.push(("sproc", &was.exe, 1023)),
            _ => {}
        }
        for (key, text, most) in expected {
            let shown = shown(text, most);
            prop_assert_eq!(record.extension.get(key).map_or("", String::as_str), shown, "{}", key);
        }
    }

    #[test]
    fn syslog_is_read_back(item in item(), encoding in prop::sample::select(&[Encoding::Cef, Encoding::Ocsf][..])) {
        let body = common::encoder(encoding).encode(&item).unwrap();
        let message = Message::of(&item, body.clone(), &syslog::Header::default()).unwrap();
        let bytes = message.to_bytes(usize::MAX);
        let text = String::from_utf8(bytes.clone()).unwrap();
        check_line(&text.replacen('\u{feff}', "", 1))?;
        let read = syslog_loose::parse_message(&text, Variant::RFC5424);
        prop_assert_eq!(read.protocol, syslog_loose::Protocol::RFC5424(1), "{}", text);
        prop_assert_eq!(read.msg.strip_prefix('\u{feff}').map(str::trim_end), Some(body.trim_end()));
        prop_assert_eq!(read.msgid, Some("exec.unknown"));
        prop_assert_eq!(read.appname, Some("lapwing"));
        prop_assert_eq!(read.timestamp.unwrap().timestamp_micros(), common::TIME / 1000);
        let element = &read.structured_data[0];
        prop_assert_eq!(element.id, "lapwing@32473");
        let data: Vec<(String, String)> = element.params().map(|(key, value)| ((*key).to_owned(), value)).collect();
        let expected: Vec<(String, String)> = message.data.iter()
            .map(|(key, value)| ((*key).to_owned(), shown(value, 1024))).collect();
        prop_assert_eq!(data, expected);
        // A receiver of a stream reads the length, a space, and so many bytes.
        let framed = syslog::octet_counted(&bytes);
        let space = framed.iter().position(|byte| *byte == b' ').unwrap();
        let length: usize = std::str::from_utf8(&framed[..space]).unwrap().parse().unwrap();
        prop_assert_eq!((length, &framed[space + 1..]), (bytes.len(), bytes.as_slice()));
    }

    #[test]
    fn what_is_too_long_for_syslog_is_cut_and_marked(item in item(), limit in 1..10_000_usize) {
        let body = common::encoder(Encoding::Ocsf).encode(&item).unwrap();
        let message = Message::of(&item, body.clone(), &syslog::Header::default()).unwrap();
        let text = String::from_utf8(message.to_bytes(limit)).unwrap();
        let limit = limit.max(syslog::LEAST);
        prop_assert!(text.len() <= limit, "{} > {limit}", text.len());
        let read = syslog_loose::parse_message(&text, Variant::RFC5424);
        prop_assert_eq!(read.protocol, syslog_loose::Protocol::RFC5424(1), "{}", text);
        let whole = text.len() == message.to_bytes(usize::MAX).len();
        let marked = read.structured_data[0].params().any(|(key, value)| *key == "truncated" && value == "1");
        prop_assert_eq!(marked, !whole);
        let msg = read.msg.strip_prefix('\u{feff}').unwrap();
        if !whole {
            let kept = msg.strip_suffix('\u{2026}').unwrap().trim_end();
            prop_assert!(body.starts_with(kept));
        }
    }

    #[test]
    fn json_that_is_too_long_for_syslog_stays_json(item in item(), encoding in prop::sample::select(&Encoding::ALL[..3])) {
        let encoder = common::encoder(encoding);
        let message = Message::of(&item, encoder.encode(&item).unwrap(), &syslog::Header::default()).unwrap();
        let whole = message.to_bytes(usize::MAX);
        // The longest record whose texts are cut, and the header.
        let limit = syslog::RECEIVERS_TAKE + syslog::LEAST;
        let text = String::from_utf8(message.within(&item, &encoder, limit).to_bytes(limit)).unwrap();
        prop_assert!(text.len() <= limit, "{} > {limit}", text.len());
        prop_assert_eq!(text.as_bytes() == whole, whole.len() <= limit);
        let read = syslog_loose::parse_message(&text, Variant::RFC5424);
        let marked = read.structured_data[0].params().any(|(key, value)| *key == "truncated" && value == "1");
        prop_assert_eq!(marked, whole.len() > limit);
        let body = read.msg.strip_prefix('\u{feff}').unwrap();
        prop_assert!(serde_json::from_str::<Value>(body).is_ok(), "{}", body);
    }

    #[test]
    fn otlp_is_read_back(item in item()) {
        let mapper = otlp::Mapper::new(Product::lapwing("0.1.0"), String::new(), String::new(), otlp::Body::Ocsf);
        let request = mapper.request([&item]);
        let line = otlp::json(&request);
        check_line(&line)?;
        let read: Value = serde_json::from_str(&line).unwrap();
        let record = &read["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
        check_line(record["body"]["stringValue"].as_str().unwrap())?;
        let violation = violation_of(&item);
        let was = violation.process.as_ref().unwrap();
        let get = |key: &str| {
            let all = record["attributes"].as_array().unwrap();
            let found = all.iter().find(|one| one["key"] == key);
            found.map_or(Value::Null, |one| one["value"]["stringValue"].clone())
        };
        same(&get("process.executable.path"), &was.exe)?;
        same(&get("process.working_directory"), &was.cwd)?;
        same(&get("lapwing.patch"), &violation.patch)?;
        same(&get("k8s.container.name"), &violation.container.as_ref().unwrap().name)?;
        prop_assert_eq!(serde_json::from_str::<ExportLogsServiceRequest>(&line).unwrap(), request);
    }

    #[test]
    fn a_record_within_bounds_is_a_record(item in item(), encoding in prop::sample::select(&Encoding::ALL[..])) {
        let encoder = common::encoder(encoding);
        let (line, cut) = encoder.encode_within(&item, syslog::RECEIVERS_TAKE).unwrap();
        prop_assert!(line.len() <= syslog::RECEIVERS_TAKE, "{} bytes", line.len());
        prop_assert_eq!(cut, encoder.encode(&item).unwrap().len() > syslog::RECEIVERS_TAKE);
        check_line(&line)?;
        if encoding.is_json() {
            prop_assert!(serde_json::from_str::<Value>(&line).unwrap().is_object());
        } else {
            prop_assert!(cef::read(&line).is_ok());
        }
    }
}

#[test]
fn every_kind_has_one_line_and_a_name_in_every_encoding() {
    for encoding in Encoding::ALL {
        let encoder = common::encoder(encoding);
        for item in common::items() {
            let line = encoder.encode(&item).unwrap();
            assert!(check_line(&line).is_ok(), "{line}");
            if encoding.is_json() {
                assert!(serde_json::from_str::<Value>(&line).unwrap().is_object());
            } else {
                let record = cef::read(&line).unwrap();
                for key in record.extension.keys() {
                    assert!(cef::DICTIONARY.iter().any(|(name, _)| name == key), "{key}");
                }
            }
        }
        for item in common::silent() {
            assert_eq!((encoder.encode(&item), document_id(&item)), (None, None));
        }
    }
    let id = document_id(&common::example());
    assert_eq!(id.as_deref(), Some("35285ac1748b610de709728f25605237:1"));
    let gap = common::item(Item::Gap(common::gap()));
    assert_eq!(document_id(&gap).as_deref(), Some("gap:6a1f-42"));
    // The era in which it was given out is not its own.
    for (cursor, id) in [
        ("6a1f-42-1f.2", "gap:6a1f-42-1f.2"),
        ("6a1f.7b.40-42-1f", "gap:6a1f-42-1f"),
        ("6a1f.7c.43-42-1f", "gap:6a1f-42-1f"),
        ("6a1f.7c.43-42-1f-9", "gap:6a1f-42-1f-9"),
        ("6a.1f", "gap:6a.1f"),
        ("-", "gap:-"),
    ] {
        let cursor = cursor.to_owned();
        let again = WatchResponse {
            cursor,
            ..gap.clone()
        };
        assert_eq!(document_id(&again).as_deref(), Some(id));
    }
}

#[test]
fn names_of_encodings_go_both_ways() {
    for encoding in Encoding::ALL {
        assert_eq!(encoding.name().parse(), Ok(encoding));
        assert_eq!(serde_json::to_value(encoding).unwrap(), encoding.name());
    }
    let error = "json".parse::<Encoding>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`json` is no encoding: use native, ocsf, ecs or cef"
    );
}
