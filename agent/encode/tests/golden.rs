//! The examples of `docs/formats.md` are what the code gives.

mod common;

use lapwing_encode::otlp::{Body, Mapper};
use lapwing_encode::redact::Redaction;
use lapwing_encode::syslog::{Header, Message};
use lapwing_encode::{Encoding, Product};
use lapwing_proto::v1::{
    Behaviour, Egress, WatchResponse, behaviour, egress, watch_response::Item,
};
use std::fs;
use std::path::Path;

const DOCUMENT: &str = "../../docs/formats.md";

/// A record as people read it: JSON over lines.
fn shown(line: &str) -> String {
    serde_json::from_str::<serde_json::Value>(line).map_or_else(
        |_| line.to_owned(),
        |value| serde_json::to_string_pretty(&value).unwrap(),
    )
}

fn behaviour() -> WatchResponse {
    common::item(Item::Behaviour(Behaviour {
        time: Some(lapwing_proto::timestamp(common::TIME)),
        cluster: "prod-eu".into(),
        node: "node-7".into(),
        outcome: behaviour::Outcome::Learned.into(),
        mode: lapwing_proto::v1::Mode::Learning.into(),
        workload: Some(common::workload()),
        container: Some(common::container()),
        process: Some(common::process()),
        detail: Some(behaviour::Detail::Egress(Egress {
            protocol: egress::Protocol::Tcp.into(),
            address: "10.0.0.9".into(),
            port: 5432,
            domain: "db.shop.example".into(),
            ..Egress::default()
        })),
    }))
}

/// By the name after `example:` in the document.
fn examples() -> Vec<(&'static str, String)> {
    let item = common::example();
    let record =
        |encoding, item: &WatchResponse| shown(&common::encoder(encoding).encode(item).unwrap());
    let cef = common::encoder(Encoding::Cef).encode(&item).unwrap();
    let message = Message::of(&item, cef, &Header::default()).unwrap();
    let syslog = String::from_utf8(message.to_bytes(usize::MAX)).unwrap();
    let mapper = Mapper::new(
        Product::lapwing("0.1.0"),
        "prod-eu".into(),
        "node-7".into(),
        Body::Text,
    );
    let otlp = serde_json::to_string_pretty(&mapper.request([&item])).unwrap();
    let mut args = ["mysql", "-u", "root", "-phunter2", "--ssl-password", "x y"].map(str::to_owned);
    Redaction::standard().arguments(&mut args);
    vec![
        ("native", record(Encoding::Native, &item)),
        ("ocsf", record(Encoding::Ocsf, &item)),
        ("ocsf-behaviour", record(Encoding::Ocsf, &behaviour())),
        (
            "ocsf-gap",
            record(Encoding::Ocsf, &common::item(Item::Gap(common::gap()))),
        ),
        ("ecs", record(Encoding::Ecs, &item)),
        ("cef", record(Encoding::Cef, &item)),
        // A mark that is not to be seen would be lost at the first edit.
        ("syslog", syslog.replacen('\u{feff}', "<BOM>", 1)),
        ("otlp", otlp),
        ("redacted", format!("{args:?}")),
    ]
}

#[test]
fn examples_are_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    let was = fs::read_to_string(&path).unwrap();
    let mut text = was.clone();
    for (name, example) in examples() {
        let start = format!("<!-- example: {name} -->\n");
        let from = text
            .find(&start)
            .unwrap_or_else(|| panic!("no example `{name}`"))
            + start.len();
        let length = text[from..].find("<!-- end -->").expect("an end");
        let language = if example.starts_with('{') {
            "json"
        } else {
            "text"
        };
        text.replace_range(
            from..from + length,
            &format!("```{language}\n{example}\n```\n"),
        );
    }
    if std::env::var_os("LAPWING_REGENERATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert!(
        text == fs::read_to_string(&path).unwrap(),
        "stale: run LAPWING_REGENERATE=1 cargo test -p lapwing-encode --test golden"
    );
}

/// The tests that a text names, as `FILE::TEST` or as a file alone.
fn tests(text: &str) -> Vec<(&str, Option<&str>)> {
    // Every second part stands within backquotes.
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|name| match name.split_once("::") {
            Some((file, test)) if file.ends_with(".rs") => Some((file, Some(test))),
            None if name.ends_with(".rs") && name.contains("/tests/") => Some((name, None)),
            _ => None,
        })
        .collect()
}

/// A test is a function, or the name of one that has no usual harness.
fn has_test(source: &str, test: &str) -> bool {
    let function = format!("fn {test}(");
    let named = [format!("\"{test}\""), format!("\"test {test} ")];
    source.contains(&function) || named.iter().any(|name| source.contains(name))
}

/// Every test that the documents name is there, and each format of their tables names one.
#[test]
fn the_tests_that_documents_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (document, formats) in [
        ("README.md", 8),
        ("docs/formats.md", 6),
        ("docs/siem.md", 0),
    ] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let named: Vec<_> = text.lines().flat_map(tests).collect();
        assert!(named.len() > formats, "{document}: {named:?}");
        for (file, test) in named {
            let source = fs::read_to_string(root.join(file))
                .unwrap_or_else(|error| panic!("{document}: {file}: {error}"));
            if let Some(test) = test {
                assert!(has_test(&source, test), "{document}: {file} has no {test}");
            }
        }
        let mut lines = text
            .lines()
            .skip_while(|line| !line.starts_with("| format |"));
        let rows: Vec<&str> = match lines.next() {
            Some(_) => lines
                .skip(1)
                .take_while(|line| line.starts_with('|'))
                .collect(),
            None => Vec::new(),
        };
        assert_eq!(rows.len(), formats, "{document}: formats in its table");
        for row in rows {
            let proofs = tests(row);
            let whole = proofs.iter().any(|(_, test)| test.is_some());
            assert!(whole, "{document}: no test proves {row}");
        }
    }
}

#[test]
fn a_test_that_is_not_there_is_not_found() {
    let source = "fn real(x: u8) {}\nbeside::test(\"other\", found, check)";
    assert!(has_test(source, "real") && has_test(source, "other"));
    assert!(!has_test(source, "rea") && !has_test(source, "gone"));
    assert_eq!(
        tests("`a/tests/b.rs::c`, `x.yaml` and `agent/tests/d.rs`, not `agent/src/e.rs`"),
        [("a/tests/b.rs", Some("c")), ("agent/tests/d.rs", None)]
    );
}
