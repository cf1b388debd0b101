//! What a receiver understood, held against what was sent.

use crate::items::cef;
use lapwing_encode::Encoding;
use lapwing_proto::nanoseconds;
use lapwing_proto::opentelemetry::proto::common::v1::{AnyValue, KeyValue, any_value};
use lapwing_proto::opentelemetry::proto::logs::v1::LogRecord;
use lapwing_proto::v1::Violation;
use serde_json::{Value, json};

/// Where and how something is not what was sent: a receiver may write a time in another way, and say
/// that fields are not there.
pub fn difference(sent: &Value, got: &Value, at: &str) -> Option<String> {
    match (sent, got) {
        (Value::Object(sent), Value::Object(got)) => {
            let missing = sent.iter().find_map(|(key, value)| {
                let got = got.get(key).unwrap_or(&Value::Null);
                difference(value, got, &format!("{at}/{key}"))
            });
            let mut more = got.iter().filter(|(key, _)| !sent.contains_key(*key));
            missing.or_else(|| more.find_map(|(key, value)| nothing(value, &format!("{at}/{key}"))))
        }
        (Value::Array(sent), Value::Array(got)) if sent.len() == got.len() => {
            let mut pairs = sent.iter().zip(got).enumerate();
            pairs.find_map(|(n, (sent, got))| difference(sent, got, &format!("{at}/{n}")))
        }
        (Value::String(sent), Value::String(got)) if same_time(sent, got) => None,
        (Value::Number(sent), Value::Number(got)) if sent.as_f64() == got.as_f64() => None,
        _ if sent == got => None,
        _ => Some(format!("{at} is {got}, and was {sent}")),
    }
}

fn nothing(value: &Value, at: &str) -> Option<String> {
    (!value.is_null()).then(|| format!("{at} is {value}, and was not sent"))
}

fn same_time(sent: &str, got: &str) -> bool {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    time(sent).is_some() && time(sent) == time(got)
}

/// The names of a record: the same of what was sent and of what came.
pub fn name(encoding: Encoding, record: &Value) -> String {
    let text = |pointer: &str| {
        let found = record.pointer(pointer);
        found.and_then(Value::as_str).map(ToOwned::to_owned)
    };
    match encoding {
        Encoding::Native => match text("/violation/id") {
            Some(id) => format!("{id}:{}", record["violation"]["revision"]),
            None => text("/gap/reason").map_or_else(String::new, |it| format!("gap:{it}")),
        },
        Encoding::Ocsf => text("/metadata/uid").unwrap_or_default(),
        Encoding::Ecs => text("/event/id").unwrap_or_default(),
        Encoding::Cef => cef::read(record.as_str().unwrap())
            .unwrap()
            .extension
            .remove("cs6")
            .unwrap_or_default(),
    }
}

/// The fields of a violation that people search by, where the table of formats has them.
pub fn fields(encoding: Encoding, violation: &Violation) -> Vec<(&'static str, Value)> {
    let process = violation.process.as_ref().unwrap();
    let container = violation.container.as_ref().unwrap();
    let id = format!("{}:{}", violation.id, violation.revision);
    let nanos = nanoseconds(violation.last_seen.as_ref().unwrap());
    let time = jiff::Timestamp::from_nanosecond(nanos.into()).unwrap();
    let line = "exec.unknown: /bin/sh by /usr/sbin/nginx in shop/Deployment/web/app";
    match encoding {
        Encoding::Native => vec![
            ("/violation/id", json!(violation.id)),
            ("/violation/revision", json!(violation.revision)),
            ("/violation/rule", json!(violation.rule)),
            ("/violation/severity", json!("HIGH")),
            ("/violation/lastSeen", json!(time.to_string())),
            ("/violation/container/id", json!(container.id)),
            ("/violation/container/name", json!(container.name)),
            ("/violation/process/exe", json!(process.exe)),
            ("/violation/process/pid", json!(process.pid)),
            ("/violation/process/args", json!(process.args)),
        ],
        Encoding::Ocsf => vec![
            ("/finding_info/uid", json!(violation.id)),
            ("/metadata/uid", json!(id)),
            ("/metadata/event_code", json!(violation.rule)),
            ("/severity_id", json!(4)),
            ("/time", json!(nanos / 1_000_000)),
            ("/message", json!(line)),
            ("/evidences/0/container/uid", json!(container.id)),
            ("/evidences/0/container/name", json!(container.name)),
            ("/evidences/0/process/path", json!(process.exe)),
            ("/evidences/0/process/pid", json!(process.pid)),
        ],
        Encoding::Ecs => vec![
            ("/event/id", json!(id)),
            ("/lapwing/revision", json!(violation.revision)),
            ("/rule/id", json!(violation.rule)),
            ("/event/severity", json!(73)),
            ("/@timestamp", json!(time.to_string())),
            ("/message", json!(line)),
            ("/container/id", json!(container.id)),
            ("/container/name", json!(container.name)),
            ("/process/executable", json!(process.exe)),
            ("/process/pid", json!(process.pid)),
            ("/process/args", json!(process.args)),
        ],
        Encoding::Cef => vec![
            ("/cs6", json!(id)),
            ("/class", json!(violation.rule)),
            ("/severity", json!("8")),
            ("/rt", json!((nanos / 1_000_000).to_string())),
            ("/msg", json!(line)),
            ("/deviceExternalId", json!(container.id)),
            ("/dproc", json!("/bin/sh")),
            ("/sproc", json!("/usr/sbin/nginx")),
            ("/dpid", json!(process.pid.to_string())),
        ],
    }
}

/// A record of CEF as an object of its fields.
pub fn of_cef(line: &str) -> Value {
    let record = cef::read(line).unwrap();
    let mut fields = json!(record.extension);
    fields["class"] = json!(record.header[4]);
    fields["severity"] = json!(record.header[6]);
    fields
}

/// The log record that Tenzir's event tells of.
pub fn log_record(event: &Value) -> LogRecord {
    let time = |key: &str| {
        let time: jiff::Timestamp = event[key].as_str().unwrap().parse().unwrap();
        u64::try_from(time.as_nanosecond()).unwrap()
    };
    let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
    LogRecord {
        time_unix_nano: time("time"),
        observed_time_unix_nano: time("observed_time"),
        severity_number: i32::try_from(event["severity_number"].as_i64().unwrap()).unwrap(),
        severity_text: text("severity_text"),
        body: Some(any(&event["body"])),
        attributes: attributes(&event["attributes"]),
        event_name: text("event_name"),
        ..LogRecord::default()
    }
}

/// A list of attributes.
pub fn attributes(list: &Value) -> Vec<KeyValue> {
    let list = list.as_array().unwrap().iter();
    list.map(|pair| KeyValue {
        key: pair["key"].as_str().unwrap().to_owned(),
        value: Some(any(&pair["value"])),
    })
    .collect()
}

fn any(value: &Value) -> AnyValue {
    let text = |key: &str| value[key].as_str().unwrap();
    let found = match text("kind") {
        "string" => any_value::Value::StringValue(text("string_value").to_owned()),
        "bool" => any_value::Value::BoolValue(value["bool_value"].as_bool().unwrap()),
        "int" => any_value::Value::IntValue(value["int_value"].as_i64().unwrap()),
        "array" => return serde_json::from_str(text("json_value")).unwrap(),
        other => panic!("no attribute of Lapwing's is a {other}"),
    };
    AnyValue { value: Some(found) }
}
