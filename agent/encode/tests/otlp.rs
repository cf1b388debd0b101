//! Items as records of OTLP: the form that receivers decode, with what went in.

mod common;

use lapwing_encode::otlp::{self, Body, Mapper};
use lapwing_encode::{Product, document_id};
use lapwing_proto::opentelemetry::proto::collector::logs::v1::ExportLogsServiceRequest;
use lapwing_proto::opentelemetry::proto::common::v1::{AnyValue, any_value::Value};
use lapwing_proto::opentelemetry::proto::logs::v1::LogRecord;
use lapwing_proto::v1::{Gap, watch_response::Item};
use prost::Message;
use std::collections::BTreeSet;

fn mapper(body: Body) -> Mapper {
    Mapper::new(
        Product::lapwing("0.1.0"),
        "prod-eu".into(),
        "node-7".into(),
        body,
    )
}

fn get<'r>(record: &'r LogRecord, key: &str) -> Option<&'r Value> {
    let found = record.attributes.iter().find(|one| one.key == key)?;
    found.value.as_ref()?.value.as_ref()
}

fn text<'r>(record: &'r LogRecord, key: &str) -> &'r str {
    match get(record, key) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{key} is {other:?}"),
    }
}

#[test]
fn every_kind_has_a_record_that_both_forms_give_back() {
    let items = common::items();
    for body in [Body::Ocsf, Body::Text] {
        let request = mapper(body).request(&items);
        assert_eq!(otlp::count(&request), items.len());
        let bytes = request.encode_to_vec();
        assert_eq!(ExportLogsServiceRequest::decode(&*bytes).unwrap(), request);
        let json = otlp::json(&request);
        assert!(!json.chars().any(char::is_control));
        assert_eq!(
            serde_json::from_str::<ExportLogsServiceRequest>(&json).unwrap(),
            request
        );
        let records = request
            .resource_logs
            .iter()
            .flat_map(|logs| &logs.scope_logs)
            .flat_map(|scope| &scope.log_records);
        for (item, record) in items.iter().zip(records) {
            let keys: BTreeSet<&str> = record
                .attributes
                .iter()
                .map(|one| one.key.as_str())
                .collect();
            assert_eq!(
                keys.len(),
                record.attributes.len(),
                "each key once: {record:?}"
            );
            assert!(
                (1..=24).contains(&record.severity_number)
                    && record.event_name.starts_with("lapwing.")
            );
            if let Some(id) = document_id(item) {
                assert_eq!(text(record, "log.record.uid"), id, "in order");
            }
        }
    }
    assert_eq!(
        mapper(Body::Ocsf).request(&common::silent()),
        ExportLogsServiceRequest::default()
    );
}

#[test]
fn a_violation_has_the_names_of_the_conventions() {
    let item = common::example();
    let request = mapper(Body::Ocsf).request([&item]);
    let [logs] = &request.resource_logs[..] else {
        panic!("{request:?}")
    };
    let resource: Vec<&str> = logs
        .resource
        .as_ref()
        .unwrap()
        .attributes
        .iter()
        .map(|one| one.key.as_str())
        .collect();
    assert_eq!(
        resource,
        [
            "service.name",
            "service.version",
            "host.name",
            "k8s.cluster.name",
            "k8s.node.name"
        ]
    );
    let record = &logs.scope_logs[0].log_records[0];
    assert_eq!(
        (record.severity_number, record.severity_text.as_str()),
        (17, "HIGH")
    );
    assert_eq!(
        (record.event_name.as_str(), record.time_unix_nano),
        ("lapwing.violation", common::TIME as u64)
    );
    for (key, value) in [
        ("security_rule.name", "exec.unknown"),
        ("k8s.namespace.name", "shop"),
        ("k8s.deployment.name", "web"),
        ("k8s.pod.name", "web-6d5f7c-x2x8p"),
        ("k8s.container.name", "app"),
        ("container.image.name", "registry.example:5000/shop/web"),
        ("process.executable.path", "/bin/sh"),
        ("process.command_line", "sh -c 'id; uname -a'"),
        ("file.path", "/bin/sh"),
        ("lapwing.id", "35285ac1748b610de709728f25605237"),
    ] {
        assert_eq!(text(record, key), value, "{key}");
    }
    assert_eq!(get(record, "process.pid"), Some(&Value::IntValue(19918)));
    let Some(AnyValue {
        value: Some(Value::StringValue(body)),
    }) = &record.body
    else {
        panic!("no body")
    };
    let event: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(event["class_uid"], 2004);
    let record = mapper(Body::Text).record(&item).unwrap();
    let body = "exec.unknown: /bin/sh by /usr/sbin/nginx in shop/Deployment/web/app";
    assert_eq!(
        record.body.unwrap().value,
        Some(Value::StringValue(body.into()))
    );
}

#[test]
fn a_gap_takes_the_place_of_the_agent_and_keeps_the_order() {
    // As the feed has them.
    let gap = Gap {
        cluster: String::new(),
        node: String::new(),
        ..common::gap()
    };
    let (violation, gap) = (common::example(), common::item(Item::Gap(gap)));
    let request = mapper(Body::Ocsf).request([&gap, &violation, &gap]);
    assert_eq!((request.resource_logs.len(), otlp::count(&request)), (1, 3));
    let names: Vec<&str> = request.resource_logs[0].scope_logs[0]
        .log_records
        .iter()
        .map(|one| one.event_name.as_str())
        .collect();
    assert_eq!(names, ["lapwing.gap", "lapwing.violation", "lapwing.gap"]);
    let elsewhere = Mapper::new(
        Product::lapwing("0.1.0"),
        String::new(),
        "node-8".into(),
        Body::Text,
    );
    let request = elsewhere.request([&gap, &violation, &gap]);
    assert_eq!(request.resource_logs.len(), 3, "a place each, in order");
}
