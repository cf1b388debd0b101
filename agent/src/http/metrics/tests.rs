//! The text, read by the rules of the format; and the table in `docs/`.

mod controller;
mod reader;

use super::*;
use controller::controller;
use lapwing_proto::timestamp;
use lapwing_proto::v1::behaviour::Outcome;
use lapwing_proto::v1::get_status_response::identity::{self, Source};
use lapwing_proto::v1::get_status_response::{
    Consumer, Feed, Held, Hook, Identity, Judged, Listener, Loss, Reported, Sink, Sizes, Spool,
    Table, Watch, sink,
};
use lapwing_proto::v1::violation::Severity;
use lapwing_proto::v1::{Mode, ProfileSummary};
use proptest::prelude::*;
use reader::{is_name, read, value};
use std::collections::HashSet;
use std::path::Path;

/// Of everything something. What people and servers name is `name`.
fn full(name: &str) -> Snapshot {
    let profile = |mode: Mode, pending| ProfileSummary {
        name: name.to_owned(),
        mode: mode.into(),
        pending,
        ..ProfileSummary::default()
    };
    let loss = |reason: &str, count| Loss {
        reason: reason.to_owned(),
        count,
    };
    let table = |table: &str, entries, entries_max| Table {
        name: table.to_owned(),
        entries,
        entries_max,
    };
    let at = Some(timestamp(1_700_000_000_500_000_000));
    let status = GetStatusResponse {
        version: "0.1.0".to_owned(),
        kernel: name.to_owned(),
        start_time: at,
        containers: 3,
        records: 18_446_744_073_709_551_615,
        hooks: vec![
            Hook {
                row: "file.open".to_owned(),
                tier: "A1".to_owned(),
                hits: 10,
                recalled: 7,
                ..Hook::default()
            },
            Hook {
                row: "dns.message".to_owned(),
                ..Hook::default()
            },
        ],
        losses: vec![loss("budget-spent", 5), loss("held-full", 6)],
        profiles: vec![
            profile(Mode::Learning, 1),
            profile(Mode::Monitoring, 2),
            profile(Mode::Monitoring, 4),
        ],
        feed: Some(Feed {
            next: 12,
            spool: Some(Spool::default()),
            lost: 9,
            consumers: vec![Consumer {
                name: name.to_owned(),
                behind: 8,
                ..Consumer::default()
            }],
            ..Feed::default()
        }),
        held: Some(Held::default()),
        sizes: Some(Sizes::default()),
        tables: vec![table("cgroups", 12, 256), table("calls", 3, 64)],
        sinks: vec![Sink {
            name: name.to_owned(),
            state: sink::State::Retrying.into(),
            delivered: 40,
            refused: vec![loss(name, 2)],
            last_error: name.to_owned(),
            last_error_time: at,
            last_delivered: at,
            ..Sink::default()
        }],
        listener: Some(Listener {
            certificate_expires: at,
            ..Listener::default()
        }),
        identity: Some(Identity {
            sources: vec![Source {
                protocol: "kubernetes".to_owned(),
                path: name.to_owned(),
                state: identity::source::State::Connected.into(),
                heard_time: at,
                pods: 34,
                told_before: 3,
                ..Source::default()
            }],
            ..Identity::default()
        }),
        cluster_profiles: Some(lapwing_proto::v1::get_status_response::ClusterProfiles {
            gave_way: 17,
            ..Default::default()
        }),
        watches: vec![Watch {
            what: "pods".to_owned(),
            state: identity::source::State::Connected.into(),
            heard_time: at,
            left_out: 2,
        }],
        judged: [
            ("file.open", "file"),
            ("file.open", "privilege"),
            ("", "exec"),
        ]
        .map(|(hook, kind)| Judged {
            hook: hook.to_owned(),
            kind: kind.to_owned(),
            outcome: Outcome::Deviation.into(),
            count: 11,
        })
        .into(),
        reported: vec![Reported {
            rule: "exec.unknown".to_owned(),
            severity: Severity::Medium.into(),
            count: 13,
        }],
        ..GetStatusResponse::default()
    };
    Snapshot {
        status: Some(Arc::new(status)),
        ready: true,
        quiet: std::time::Duration::from_millis(250),
        rings: vec![
            Fill {
                ring: "lifecycle",
                size: 1_024,
                waiting: 0,
                highest: 64,
            },
            Fill {
                ring: "behaviour",
                size: 4_096,
                waiting: 72,
                highest: 4_000,
            },
        ],
        refused: 1,
        process: Process {
            cpu: 0.125,
            memory: 4096,
            files: Some(9),
            files_max: Some(1024),
        },
    }
}

fn render(snapshot: &Snapshot) -> String {
    super::render(snapshot, &mut Highest::default())
}

#[test]
fn every_family_says_what_the_status_says() {
    let text = render(&full("web"));
    let of_controller = read(&render(&controller())).unwrap();
    let read = read(&text).unwrap();
    for family in Family::ALL {
        let name = family.name();
        let mut keys = read.keys().chain(of_controller.keys());
        assert!(keys.any(|(of, _)| of == name), "{name} says nothing");
    }
    for (name, labels, wanted) in [
        ("lapwing_ready", &[][..], 1.0),
        ("lapwing_pipeline_quiet_seconds", &[], 0.25),
        ("lapwing_cluster_profiles_gave_way_total", &[], 17.0),
        (
            "lapwing_build_info",
            &[("version", "0.1.0"), ("kernel", "web")],
            1.0,
        ),
        (
            "lapwing_hook_attached",
            &[("hook", "file.open"), ("tier", "A1")],
            1.0,
        ),
        (
            "lapwing_hook_attached",
            &[("hook", "dns.message"), ("tier", "none")],
            0.0,
        ),
        ("lapwing_hook_events_total", &[("hook", "file.open")], 10.0),
        ("lapwing_hook_recalled_total", &[("hook", "file.open")], 7.0),
        (
            "lapwing_judged_total",
            &[("hook", "file.open"), ("verdict", "deviation")],
            22.0,
        ),
        (
            "lapwing_judged_total",
            &[("hook", "file.open"), ("verdict", "learned")],
            0.0,
        ),
        (
            "lapwing_judged_total",
            &[("hook", "agent"), ("verdict", "deviation")],
            11.0,
        ),
        (
            "lapwing_violations_total",
            &[("rule", "exec.unknown"), ("severity", "medium")],
            13.0,
        ),
        (
            "lapwing_violations_total",
            &[("rule", "exec.unknown"), ("severity", "high")],
            0.0,
        ),
        (
            "lapwing_lost_total",
            &[
                ("stage", "kernel"),
                ("reason", "budget-spent"),
                ("hides", "true"),
            ],
            5.0,
        ),
        (
            "lapwing_lost_total",
            &[
                ("stage", "kernel"),
                ("reason", "seen-full"),
                ("hides", "false"),
            ],
            0.0,
        ),
        (
            "lapwing_lost_total",
            &[
                ("stage", "agent"),
                ("reason", "held-full"),
                ("hides", "true"),
            ],
            6.0,
        ),
        (
            "lapwing_lost_total",
            &[
                ("stage", "feed"),
                ("reason", "not-written"),
                ("hides", "true"),
            ],
            9.0,
        ),
        ("lapwing_profiles", &[("mode", "monitoring")], 2.0),
        ("lapwing_profiles", &[("mode", "review")], 0.0),
        ("lapwing_profile_entries_pending", &[], 7.0),
        ("lapwing_map_entries", &[("map", "cgroups")], 12.0),
        ("lapwing_map_entries", &[("map", "calls")], 3.0),
        ("lapwing_map_entries_max", &[("map", "cgroups")], 256.0),
        ("lapwing_map_entries_max", &[("map", "calls")], 64.0),
        ("lapwing_ring_bytes", &[("ring", "lifecycle")], 0.0),
        ("lapwing_ring_bytes", &[("ring", "behaviour")], 72.0),
        ("lapwing_ring_highest_bytes", &[("ring", "lifecycle")], 64.0),
        (
            "lapwing_ring_highest_bytes",
            &[("ring", "behaviour")],
            4_000.0,
        ),
        ("lapwing_ring_size_bytes", &[("ring", "lifecycle")], 1_024.0),
        ("lapwing_ring_size_bytes", &[("ring", "behaviour")], 4_096.0),
        ("lapwing_feed_items_total", &[], 11.0),
        ("lapwing_feed_healthy", &[], 1.0),
        ("lapwing_feed_consumer_behind_max", &[], 8.0),
        (
            "lapwing_sink_state",
            &[("sink", "web"), ("state", "retrying")],
            1.0,
        ),
        (
            "lapwing_sink_state",
            &[("sink", "web"), ("state", "delivering")],
            0.0,
        ),
        (
            "lapwing_sink_last_error_timestamp_seconds",
            &[("sink", "web")],
            1_700_000_000.5,
        ),
        ("lapwing_watch_synced", &[("what", "pods")], 1.0),
        (
            "lapwing_watch_heard_timestamp_seconds",
            &[("what", "pods")],
            1_700_000_000.5,
        ),
        ("lapwing_watch_left_out", &[("what", "pods")], 2.0),
        ("lapwing_pod_watch_pods", &[], 34.0),
        ("process_cpu_seconds_total", &[], 0.125),
    ] {
        assert_eq!(value(&read, name, labels), wanted, "{name} {labels:?}");
    }
    assert!(
        text.contains("\nlapwing_records_total 18446744073709551615\n"),
        "a count in full"
    );
}

#[test]
fn names_follow_the_conventions() {
    let mut names = HashSet::new();
    for family in Family::ALL {
        let name = family.name();
        assert!(is_name(name) && names.insert(name), "{name}");
        assert_eq!(
            family.kind() == Type::Counter,
            name.ends_with("_total"),
            "{name}: counters, and they alone, end with _total"
        );
        assert!(family.labels().iter().all(|label| is_name(label)), "{name}");
        assert!(
            family.help().ends_with('.') && !family.help().contains(['\n', '|']),
            "{name}"
        );
        for (word, unit) in [("bytes", "bytes"), ("timestamp", "timestamp_seconds")] {
            assert!(
                !name.contains(word) || name.trim_end_matches("_total").ends_with(unit),
                "{name}"
            );
        }
    }
}

/// So that there are as many series as the kernel lets hooks be, and five more.
#[test]
fn only_hooks_that_are_attached_have_verdicts() {
    let text = render(&full("web"));
    let judged = |line: &&str| line.starts_with("lapwing_judged_total{");
    let lines: Vec<&str> = text.lines().filter(judged).collect();
    let of = |hook: &str| {
        let label = format!("hook=\"{hook}\"");
        lines.iter().filter(|line| line.contains(&label)).count()
    };
    assert_eq!(
        (of("file.open"), of("agent"), of("dns.message")),
        (5, 5, 0),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 10);
}

/// Also if maps could not be read for once.
#[test]
fn counters_of_the_kernel_do_not_fall() {
    let mut highest = Highest::default();
    let mut said = |hits, recalled, lost: u64| {
        let mut snapshot = full("web");
        let mut status = GetStatusResponse::clone(snapshot.status.as_ref().unwrap());
        (status.hooks[0].hits, status.hooks[0].recalled) = (hits, recalled);
        status.losses[0].count = lost;
        snapshot.status = Some(Arc::new(status));
        let read = read(&super::render(&snapshot, &mut highest)).unwrap();
        let of_hook = |name| value(&read, name, &[("hook", "file.open")]);
        let lost = [
            ("stage", "kernel"),
            ("reason", "budget-spent"),
            ("hides", "true"),
        ];
        (
            of_hook("lapwing_hook_events_total"),
            of_hook("lapwing_hook_recalled_total"),
            value(&read, "lapwing_lost_total", &lost),
        )
    };
    assert_eq!(said(10, 7, 5), (10.0, 7.0, 5.0));
    assert_eq!(said(0, 0, 0), (10.0, 7.0, 5.0));
    assert_eq!(said(12, 8, 6), (12.0, 8.0, 6.0));
}

#[test]
fn without_a_status_it_says_what_it_knows() {
    let read = read(&render(&Snapshot::default())).unwrap();
    assert_eq!(value(&read, "lapwing_ready", &[]), 0.0);
    assert_eq!(value(&read, "process_resident_memory_bytes", &[]), 0.0);
    assert!(!read.keys().any(|(name, _)| name == "lapwing_containers"));
    // How full the rings are is asked for most when nobody reads them.
    let stuck = Snapshot {
        status: None,
        ..full("web")
    };
    let read = self::read(&render(&stuck)).unwrap();
    let ring = [("ring", "behaviour")];
    assert_eq!(value(&read, "lapwing_ring_bytes", &ring), 72.0);
    assert!(!read.keys().any(|(name, _)| name == "lapwing_map_entries"));
}

/// However many containers and workloads there are, and whatever they lose, there are as many lines.
#[test]
fn containers_make_no_series() {
    use lapwing_proto::v1::get_status_response::ContainerLoss;
    let mut snapshot = full("web");
    let before = render(&snapshot).lines().count();
    let mut status = GetStatusResponse::clone(snapshot.status.as_ref().unwrap());
    for count in 0..1_000 {
        status.profiles.push(ProfileSummary {
            name: format!("shop/Deployment/{count}/app"),
            mode: Mode::Review.into(),
            ..ProfileSummary::default()
        });
        status.container_losses.push(ContainerLoss {
            container: format!("{count:064}"),
            reason: "budget-spent".to_owned(),
            class: "exec".to_owned(),
            count: 1,
        });
        status.feed.as_mut().unwrap().consumers.push(Consumer {
            name: format!("consumer-{count}"),
            ..Consumer::default()
        });
    }
    snapshot.status = Some(Arc::new(status));
    let text = render(&snapshot);
    assert_eq!(text.lines().count(), before);
    assert!(
        !text.contains("shop") && !text.contains("consumer-"),
        "{text}"
    );
}

#[test]
fn hostile_names_stay_within_their_quotes() {
    for name in [
        "a\"} 1\nlapwing_ready 0\n#",
        "\\",
        "\\\"",
        "\\n",
        "\r\n\0\u{2028}",
        "{sink=\"x\"}",
        "",
        "\u{1F426}, \u{202E}",
    ] {
        let read = read(&render(&full(name))).unwrap();
        assert_eq!(value(&read, "lapwing_ready", &[]), 1.0, "{name:?}");
        assert_eq!(
            value(&read, "lapwing_sink_delivered_total", &[("sink", name)]),
            40.0
        );
    }
}

proptest! {
    #[test]
    fn any_name_is_read_as_it_is(name in any::<String>()) {
        let read = read(&render(&full(&name))).unwrap();
        prop_assert_eq!(value(&read, "lapwing_sink_delivered_total", &[("sink", &name)]), 40.0);
        let refused = [("sink", &*name), ("reason", &*name)];
        prop_assert_eq!(value(&read, "lapwing_sink_refused_total", &refused), 2.0);
    }
}

fn table() -> String {
    let mut text = include_str!("head.md").to_owned();
    for family in Family::ALL {
        let labels: Vec<String> = family.labels().iter().map(|it| format!("`{it}`")).collect();
        let row = [
            format!("`{}`", family.name()),
            family.kind().word().to_owned(),
            labels.join(", "),
            family.help().to_owned(),
            family.alert().to_owned(),
        ];
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text
}

#[test]
fn the_table_in_docs_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    if std::env::var_os("LAPWING_REGENERATE").is_some() {
        std::fs::write(&path, table()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == table(),
        "docs/metrics.md is stale: run LAPWING_REGENERATE=1 cargo test -p lapwing-agent --lib metrics"
    );
}
