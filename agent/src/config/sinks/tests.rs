//! Sinks, right and wrong.

use super::*;
use crate::config::Config;
use std::path::Path;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("lapwing.yaml"), text.as_bytes()).map_err(|error| error.to_string())
}

fn sink(text: &str) -> Result<Sink, String> {
    let config = parse(&format!("sinks: {{s: {{{text}}}}}\n"))?;
    Ok(config.sinks.into_values().next().unwrap())
}

/// The example in the file of `deploy`, which is a comment there.
fn example() -> String {
    let text = include_str!("../../../../deploy/lapwing.yaml");
    let (_, example) = text.split_once("# sinks:\n").expect("an example of sinks");
    let lines = example.lines().map_while(|line| line.strip_prefix("# "));
    format!("sinks:\n{}\n", lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn the_example_in_deploy_is_right_and_has_every_key() {
    let example = example();
    let config = parse(&example).unwrap();
    let words: Vec<&str> = (config.sinks.values())
        .map(|sink| sink.transport().unwrap().word())
        .collect();
    for word in Transport::WORDS {
        assert!(words.contains(word), "{word} is not there");
    }
    for keys in [
        Sink::KEYS,
        Batch::KEYS,
        Retry::KEYS,
        File::KEYS,
        Rotate::KEYS,
        Webhook::KEYS,
        SplunkHec::KEYS,
        Bulk::KEYS,
        Syslog::KEYS,
        Otlp::KEYS,
        Secret::KEYS,
        Tls::KEYS,
    ] {
        for key in keys {
            let there =
                example.contains(&format!(" {key}:")) || example.contains(&format!("{{{key}:"));
            assert!(there, "{key} is not there");
        }
    }
}

#[test]
fn values_are_checked() {
    for (text, words) in [
        ("", "`sinks.s`: says not where to: add one of file, stdout"),
        (
            "stdout: {}, file: {path: /f}",
            "has both `file` and `stdout`",
        ),
        ("stdout: {}, kinds: []", "`sinks.s.kinds`"),
        ("stdout: {}, kinds: [alert]", "alert"),
        ("stdout: {}, encoding: xml", "xml"),
        ("stdout: {}, batch: {items: 0}", "`sinks.s.batch.items`"),
        ("stdout: {}, batch: {bytes: 5}", "`sinks.s.batch.bytes`"),
        ("stdout: {}, batch: {wait: 2h}", "`sinks.s.batch.wait`"),
        ("stdout: {}, retry: {first: 0s}", "`sinks.s.retry.first`"),
        ("stdout: {}, retry: {first: 2m}", "`sinks.s.retry.longest`"),
        ("stdout: {}, timeout: 1ms", "`sinks.s.timeout`"),
        ("stdout: {}, timeuot: 1s", "did you mean `timeout`"),
        ("file: {}", "`sinks.s.file.path`: must be the path"),
        ("file: {path: f}", "`sinks.s.file.path`"),
        ("file: {path: /f, rotate: {bytes: 1}}", "rotate.bytes"),
        ("file: {path: /f, rotate: {age: 1ms}}", "rotate.age"),
        ("file: {path: /f, rotate: {files: 0}}", "rotate.files"),
        ("webhook: {}", "`sinks.s.webhook.url`: must be a URL"),
        ("webhook: {url: 'http://siem/'}", "allowPlaintext: true"),
        (
            "webhook: {url: 'https://u:p@siem/'}",
            "secrets stand in files",
        ),
        (
            "webhook: {url: 'https://siem/', token: {}}",
            "by one of `{file: PATH}`",
        ),
        ("webhook: {url: 'https://siem/', token: s3cret}", "line 1"),
        (
            "webhook: {url: 'https://siem/', headers: {Authorization: x}}",
            "use `token`",
        ),
        (
            "webhook: {url: 'https://siem/', headers: {'a b': x}}",
            "is no header",
        ),
        (
            "splunkHec: {url: 'https://s:8088'}",
            "`sinks.s.splunkHec.token`: is missing",
        ),
        (
            "elasticsearch: {url: 'https://e', index: A}",
            "`sinks.s.elasticsearch.index`",
        ),
        (
            "opensearch: {url: 'https://e', username: u}",
            "need each other",
        ),
        ("opensearch: {url: 'https://e?a=1'}", "has a query"),
        (
            "opensearch: {url: 'https://e', username: u, password: {env: P}, apiKey: {env: K}}",
            "leave out the other",
        ),
        (
            "syslog: {address: siem}",
            "`sinks.s.syslog.address`: must be a host and a port",
        ),
        ("syslog: {address: 'siem:1', facility: local9}", "local9"),
        (
            "syslog: {address: 'siem:1', maxBytes: 9}",
            "`sinks.s.syslog.maxBytes`",
        ),
        (
            "syslog: {address: 'siem:1', over: udp, maxBytes: 65508}",
            "a datagram holds 65507",
        ),
        (
            "syslog: {address: 'siem:1', over: tcp, tls: {ca: /c}}",
            "has no TLS",
        ),
        (
            "syslog: {address: 'siem:1', tls: {certificate: /c}}",
            "tls.key`: is missing",
        ),
        (
            "syslog: {address: 'siem:1', tls: {serverName: 'a b'}}",
            "neither a DNS name",
        ),
        (
            "webhook: {url: 'http://localhost/', tls: {ca: /c}}",
            "has no TLS",
        ),
        ("otlp: {url: 'http://o:4318'}", "`sinks.s.otlp.url`"),
        (
            "otlp: {url: 'https://o:4317/v1/logs', over: grpc}",
            "has a path: over gRPC there is none",
        ),
        ("otlp: {url: 'https://o', over: udp}", "udp"),
        ("otlp: {url: 'https://o', body: cef}", "cef"),
        (
            "otlp: {url: 'https://o'}, encoding: ecs",
            "`sinks.s.encoding`: is not that of `otlp`",
        ),
        (
            "otlp: {url: 'https://o', secretHeaders: {X-Key: {}}}",
            "`sinks.s.otlp.secretHeaders.X-Key`",
        ),
        (
            "otlp: {url: 'https://o', secretHeaders: {Authorization: {env: T}}}",
            "use `token`",
        ),
        (
            "otlp: {url: 'https://o', secretHeaders: {x-a: {env: T}}, headers: {X-A: b}}",
            "stands in `headers` too",
        ),
        (
            "otlp: {url: 'https://o', headers: {grpc-timeout: 1S}}",
            "a name that gRPC keeps",
        ),
    ] {
        let error = sink(text).expect_err(text);
        assert!(error.contains(words), "{text}: {error}");
    }
    for (text, words) in [
        ("sinks: {A: {stdout: {}}}", "no name of a consumer"),
        (
            "sinks: {a: {stdout: {}}, b: {stdout: {}}}",
            "`a` writes there already",
        ),
        (
            "sinks: {a: {file: {path: /f}}, b: {file: {path: /f}}}",
            "another sink writes /f",
        ),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn what_is_wrong_has_its_place_or_that_of_its_parent() {
    let error = parse("version: 1\nsinks:\n  s:\n    file: {path: f}\n").unwrap_err();
    assert!(
        error.contains("line 4, column 18: `sinks.s.file.path`"),
        "{error}"
    );
    let error = parse("version: 1\nsinks:\n  s:\n    file: {}\n").unwrap_err();
    assert!(
        error.contains("line 4, column 11: `sinks.s.file.path`"),
        "{error}"
    );
}

#[test]
fn plaintext_stays_on_this_host_or_is_asked_for() {
    for url in [
        "http://127.0.0.1:1/",
        "http://[::1]:1/",
        "http://localhost/",
    ] {
        sink(&format!("webhook: {{url: '{url}'}}")).unwrap();
    }
    sink("webhook: {url: 'http://siem/', allowPlaintext: true}").unwrap();
    // An address that only begins like one of this host.
    assert!(sink("webhook: {url: 'http://127.0.0.1.example.org/'}").is_err());
}

/// Each block of YAML in a page.
fn blocks(page: &str) -> Vec<String> {
    let parts = page.split("```yaml\n").skip(1);
    parts
        .map(|part| part.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn what_the_page_for_siem_teams_says_is_a_configuration() {
    let page = include_str!("../../../../docs/siem.md");
    let blocks = blocks(page);
    let mut words: Vec<&str> = Vec::new();
    for block in &blocks {
        let config = parse(block).unwrap_or_else(|error| panic!("{error} in\n{block}"));
        for sink in config.sinks.values() {
            words.push(sink.transport().unwrap().word());
        }
        assert!(
            !config.sinks.is_empty() || block.contains("redaction:"),
            "{block}"
        );
    }
    for word in Transport::WORDS {
        assert!(words.contains(word), "no configuration with `{word}`");
    }
}
