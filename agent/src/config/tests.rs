//! Configurations, right and wrong.

use super::*;
use crate::container::identity::{Access, Place};
use lapwing_profile::rule::{Rule, Severity};

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("lapwing.yaml"), text.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = parse("# nothing\n").unwrap();
    assert_eq!(config.state_dir, Path::new("/var/lib/lapwing"));
    assert_eq!(
        config.socket(),
        Some(Path::new("/run/lapwing/lapwing.sock"))
    );
    assert_eq!(config.mode, StartMode::Learn);
}

#[test]
fn the_file_in_deploy_has_every_key_at_its_default() {
    let text = include_str!("../../../deploy/lapwing.yaml");
    let config = parse(text).unwrap();
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    for keys in [
        Config::KEYS,
        Listen::KEYS,
        Http::KEYS,
        Cgroups::KEYS,
        Runc::KEYS,
        Identity::KEYS,
        Ring::KEYS,
        Tables::KEYS,
        Names::KEYS,
        Feed::KEYS,
        Profiles::KEYS,
        Learning::KEYS,
        Versions::KEYS,
        Suppression::KEYS,
        Signatures::KEYS,
        Redaction::KEYS,
    ] {
        for key in keys {
            let line = format!("{key}:");
            assert!(
                text.lines()
                    .any(|text| text.trim_start().starts_with(&line)),
                "{key} is not there"
            );
        }
    }
}

#[test]
fn every_key_is_read() {
    let config = parse(
        "version: 1\ncluster: c1\nnode: n1\nstateDir: /s\nendpoint: unix:///e\nhttp: {address: '127.0.0.1:1', metrics: false}\nmode: monitor\nhost: true\n\
         btf: /b\ntier: B\ncredentials: [/k]\ncgroups: {egress: /g, scope: [/a]}\nrunc: {roots: [/r]}\nidentity: {cri: unix:///c, docker: none, kubernetes: /k, nodeName: n, wait: 1s, timeout: 3s}\nring: {bytes: 65536}\ntables: {behaviours: 100, processes: 200, cgroups: 300}\nnames: {floor: 1s, ceiling: 1h, grace: 5s}\ninventory: off\nfeed: {items: 7, bytes: 65536, maxBytes: 400000, maxAge: 2h, segmentBytes: 65536, fsync: always, fsyncInterval: 2s}\n\
         learning: {slot: 1s, coverage: 0.9, newsPerDay: 0, quiet: 5s, observed: 1m, instances: 2, restarts: 3, wholeDay: true, cap: 1h, promote: automatic}\n\
         profiles: {kubernetes: /p}\nversions: {grace: 2h}\nsuppression: {new: 5, period: 1m, repeats: 30s}\nseverity: {exec.unknown: CRITICAL, dns.unknown: LOW}\n\
         signatures: {require: false, keys: []}\n",
    )
    .unwrap();
    assert_eq!(
        (config.cluster.as_str(), config.node.as_str()),
        ("c1", "n1")
    );
    assert_eq!(config.http.address, "127.0.0.1:1");
    assert!(!config.http.metrics && Config::default().http.metrics);
    assert_eq!(config.mode, StartMode::Monitor);
    assert_eq!(config.inventory, When::Off);
    assert!(config.host);
    assert_eq!(config.tier, BestTier::B);
    assert_eq!(config.credentials, ["/k"]);
    assert_eq!(config.cgroups.egress.as_deref(), Some(Path::new("/g")));
    assert_eq!(config.cgroups.scope, ["/a"]);
    assert_eq!(config.runc.roots, [Path::new("/r")]);
    let identity = config.identity.settings(Path::new("/")).unwrap();
    assert_eq!(
        (identity.cri, identity.docker),
        (Place::At("/c".into()), Place::None)
    );
    let told = (identity.kubernetes, &*identity.node);
    assert_eq!(told, (Access::File("/k".into()), "n"));
    assert_eq!(config.profiles.kubernetes, Access::File("/p".into()));
    assert_eq!(Config::default().profiles.kubernetes, Access::Off);
    let asked = (config.identity.patience(), identity.timeout.as_secs());
    assert_eq!(asked, (1_000_000_000, 3));
    assert_eq!((config.ring.bytes, config.feed.items), (Some(65536), 7));
    assert_eq!(config.feed.bytes, 65536);
    let kept = config.feed.settings(Path::new("/s"));
    assert_eq!(kept.folder, Path::new("/s/feed"));
    assert_eq!(
        (kept.caps.bytes, kept.caps.segment, kept.caps.age),
        (400_000, 65_536, 7_200_000_000_000)
    );
    assert_eq!(kept.sync, crate::feed::Sync::Always);
    let names = config.names.settings();
    assert_eq!((names.floor, names.ceiling, names.grace), (1, 3600, 5));
    const SECOND: i64 = 1_000_000_000;
    let settings = lapwing_profile::evidence::settings::Settings {
        slot: SECOND,
        coverage: 0.9,
        news_per_day: 0.0,
        quiet: 5 * SECOND,
        observed: 60 * SECOND,
        instances: 2,
        restarts: 3,
        whole_day: true,
        cap: 3_600 * SECOND,
        promote: true,
    };
    assert_eq!(config.learning.settings(), settings);
    let ratings = config.ratings();
    assert_eq!(ratings.grace, 7_200 * SECOND);
    let limit = config.suppression.limit();
    assert_eq!((limit.new, limit.period), (5, 60 * SECOND as u64));
    assert_eq!(config.suppression.repeats(), 30 * SECOND as u64);
    assert_eq!(
        Suppression::default().repeats(),
        crate::judge::episodes::PERIOD
    );
    let default = Suppression::default().limit();
    assert_eq!(default, crate::judge::limits::Limit::default());
    for (rule, severity) in [
        (Rule::ExecUnknown, Severity::Critical),
        (Rule::DnsUnknown, Severity::Low),
        (Rule::ListenUnknown, Severity::High),
    ] {
        assert_eq!(ratings.severities.of(rule, rule.severity()), severity);
    }
    let tables = &config.tables;
    assert_eq!(
        (tables.behaviours, tables.processes, tables.cgroups),
        (Some(100), Some(200), Some(300))
    );
}

#[test]
fn unknown_keys_get_a_suggestion() {
    for (text, error) in [
        (
            "stateDirr: /x\n",
            "line 1, column 1: unknown key `stateDirr`: did you mean `stateDir`?",
        ),
        (
            "cgroups: {egres: /x}\n",
            "line 1, column 11: unknown key `egres`: did you mean `egress`?",
        ),
        (
            "version: 1\nrunc:\n  zzzz: 1\n",
            "line 3, column 3: unknown key `zzzz`: those that are known here are roots",
        ),
    ] {
        let found = parse(text).unwrap_err();
        assert!(
            found.starts_with(&format!("lapwing.yaml: {error};")),
            "{found}"
        );
    }
}

#[test]
fn a_value_that_cannot_be_used_has_its_place() {
    for (text, error) in [
        (
            "version: 1\nring:\n  bytes: 5\n",
            "line 3, column 10: `ring.bytes`: 5 is not a power of two",
        ),
        (
            "cgroups: {scope: [a]}\n",
            "line 1, column 18: `cgroups.scope`: `a` must start with a slash",
        ),
        (
            "version: 2\n",
            "line 1, column 10: `version`: 2 is not known",
        ),
    ] {
        let found = parse(text).unwrap_err();
        assert!(
            found.starts_with(&format!("lapwing.yaml: {error}")),
            "{found}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_said_in_one_line_with_its_place() {
    for (bytes, words) in [
        (
            &b"cluster: c1\nnode: \xff\n"[..],
            "line 2, byte 7: not UTF-8",
        ),
        (b"cluster: c1\nnode: [\n", "line"),
        (b"ring: {bytes: many}\n", "line 1, column"),
    ] {
        let error = Config::parse(Path::new("lapwing.yaml"), bytes).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("lapwing.yaml: ") && error.contains(words),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn values_are_checked() {
    for (text, word) in [
        ("version: 2", "this agent reads 1"),
        ("ring: {bytes: 70000}", "ring.bytes"),
        ("tables: {behaviours: 3}", "tables.behaviours"),
        ("tables: {cgroups: 2000000}", "tables.cgroups"),
        ("names: {grace: 1500ms}", "names.grace"),
        ("identity: {wait: 8001ms}", "identity.wait"),
        ("identity: {timeout: 10ms}", "identity.timeout"),
        ("identity: {nodeName: n/1}", "identity.nodeName"),
        ("identity: {kubernetes: here}", "no way to the API"),
        ("names: {floor: 2h, ceiling: 1h}", "names.ceiling"),
        ("feed: {items: 0}", "feed.items"),
        ("feed: {bytes: 1}", "feed.bytes"),
        ("feed: {segmentBytes: 1}", "feed.segmentBytes"),
        ("feed: {maxBytes: 4194304}", "feed.maxBytes"),
        ("feed: {maxAge: 59s}", "feed.maxAge"),
        ("feed: {fsyncInterval: 2m}", "feed.fsyncInterval"),
        ("endpoint: tcp://1", "unix:///path"),
        ("cgroups: {scope: [a]}", "must start with a slash"),
        ("mode: both", "both"),
        ("credentials: [/etc/id_*]", "plain name"),
        ("credentials: [shadow]", "must start with a slash"),
        ("host: [", "lapwing.yaml"),
        ("learning: {slot: 5}", "as 15m"),
        ("learning: {slot: 5y}", "as 15m"),
        ("learning: {slot: 999ms}", "from 1s to 1h"),
        ("learning: {coverage: 1.1}", "learning.coverage"),
        ("learning: {coverage: .nan}", "learning.coverage"),
        ("learning: {newsPerDay: -1}", "learning.newsPerDay"),
        ("learning: {instances: 0}", "learning.instances"),
        ("learning: {restarts: 65}", "learning.restarts"),
        ("learning: {cap: 10m}", "must be longer than"),
        ("learning: {promote: yes}", "one of manual, automatic"),
        ("signatures: {require: true}", "the file of a public key"),
        (
            "signatures: {keys: [/nonexistent/k.pub]}",
            "cannot read /nonexistent/k.pub",
        ),
        ("signatures: {keys: [/dev/null]}", "-pubout"),
        (
            "redaction: {rules: [{name: n, pattern: '('}]}",
            "`redaction.rules`: redaction rule `n`: regex parse error",
        ),
        (
            "redaction: {rules: [{name: n, pattern: 'a*'}]}",
            "matches the empty text",
        ),
        ("learning: {quite: 5m}", "did you mean `quiet`"),
        ("versions: {grace: 24}", "as 15m"),
        ("suppression: {new: 0}", "suppression.new"),
        ("suppression: {period: 10ms}", "suppression.period"),
        ("suppression: {repeats: 999ms}", "suppression.repeats"),
        ("suppression: {repeats: 61m}", "must be from 1s to 1h"),
        ("suppression: {perod: 10m}", "did you mean `period`"),
        ("versions: {grase: 24h}", "did you mean `grace`"),
        (
            "severity: {exec.unknwon: LOW}",
            "`severity`: there is no rule `exec.unknwon`: did you mean `exec.unknown`?",
        ),
        ("severity: {\"\\e\": LOW}", "there is no rule `\\x1b`"),
        (
            "severity: {exec.unknown: HIHG}",
            "`severity`: `HIHG` of `exec.unknown` is no severity: write one of LOW, MEDIUM, HIGH, CRITICAL",
        ),
        ("severity: {exec.unknown: off}", "cannot be switched off"),
        (
            "severity: {exec.unknown: LOW, exec.unknown: HIGH}",
            "exec.unknown",
        ),
        ("severity: HIGH", "line 1"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(word), "{text}: {error}");
    }
}
