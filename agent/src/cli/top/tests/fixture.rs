//! Agents to look at.

use crate::cli::top::model::{Model, Update};
use lapwing_proto::timestamp;
use lapwing_proto::v1::get_status_response::{
    ContainerLoss, Feed, Hook, Loss, Sink, Spool, sink::State,
};
use lapwing_proto::v1::violation::{Detail, Severity};
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    Container, Coverage, Exec, File, Gap, GetStatusResponse, Learning, ListContainersResponse,
    Mode, Process, ProfileSummary, TracedContainer, Violation, WatchResponse, Workload, file,
    process,
};
use std::time::Duration;

const SECOND: i64 = 1_000_000_000;
/// 2026-11-26 10:31:07 UTC.
pub const NOW: i64 = 1_795_689_067 * SECOND;

pub fn ago(seconds: i64) -> Option<lapwing_proto::Timestamp> {
    Some(timestamp(NOW - seconds * SECOND))
}

pub fn workload(namespace: &str, name: &str) -> Workload {
    Workload {
        namespace: namespace.into(),
        kind: "Deployment".into(),
        name: name.into(),
        container: "app".into(),
    }
}

pub fn profile(of: &Workload, mode: Mode) -> ProfileSummary {
    ProfileSummary {
        name: crate::judge::name_of(of),
        workload: Some(of.clone()),
        mode: mode.into(),
        exec: 12,
        file: 31,
        egress: 4,
        instances: Some(2),
        last_learned: ago(724),
        revision: 3,
        pending: 1,
        ..ProfileSummary::default()
    }
}

fn class(kind: &str, coverage: f64) -> Coverage {
    Coverage {
        kind: kind.into(),
        samples: 40,
        behaviours: 31,
        incidences: 900,
        once: 5,
        coverage: Some(coverage),
        covered: coverage > 0.99,
        ..Coverage::default()
    }
}

pub fn learning() -> Learning {
    Learning {
        unmet: vec![
            "file, later: coverage 0.871 of 0.990".into(),
            "quiet for 6 min of 15 min".into(),
        ],
        classes: vec![
            class("exec", 0.999),
            class("file", 0.8719),
            class("egress", 0.995),
        ],
        observed_seconds: 7_300,
        instances: 2,
        ..Learning::default()
    }
}

fn container(id: &str, of: &Workload) -> TracedContainer {
    TracedContainer {
        container: Some(Container {
            id: id.repeat(64),
            name: "app".into(),
            image: "registry.example/shop/web@sha256:12".into(),
            runtime: "containerd".into(),
            ..Container::default()
        }),
        workload: Some(of.clone()),
        cgroup_path: format!("/kubepods/{id}"),
        start_time: ago(7_200),
        seen_from_start: id == "a",
        ..TracedContainer::default()
    }
}

fn hook(row: &str, tier: &str) -> Hook {
    Hook {
        row: row.into(),
        tier: tier.into(),
        ..Hook::default()
    }
}

pub fn status(seconds_later: u64) -> GetStatusResponse {
    let (web, api, mail) = (
        workload("shop", "web"),
        workload("shop", "api"),
        workload("", "mail"),
    );
    GetStatusResponse {
        version: "0.1.0".into(),
        node: "n1".into(),
        cluster: "prod".into(),
        kernel: "6.12.9".into(),
        start_time: ago(273_600),
        containers: 3,
        processes: 84,
        records: 120_000 + 412 * seconds_later,
        violations: 2,
        memory_bytes: 31 << 20,
        hooks: vec![
            hook("exec", "A1"),
            hook("file.open", "A1"),
            hook("dns", "B"),
        ],
        profiles: vec![
            profile(&web, Mode::Monitoring),
            ProfileSummary {
                learning: Some(learning()),
                ..profile(&api, Mode::Learning)
            },
            ProfileSummary {
                instances: Some(1),
                learning: Some(Learning {
                    complete: true,
                    ..learning()
                }),
                ..profile(&mail, Mode::Review)
            },
        ],
        feed: Some(Feed {
            first: 1,
            next: 1_205,
            subscribers: 2,
            spool: Some(Spool {
                bytes: 1 << 20,
                ..Spool::default()
            }),
            ..Feed::default()
        }),
        ..GetStatusResponse::default()
    }
}

pub fn violation(id: &str, of: &Workload, seconds: i64) -> Violation {
    Violation {
        id: id.into(),
        rule: "exec.unknown".into(),
        severity: Severity::High.into(),
        mode: Mode::Monitoring.into(),
        revision: 1,
        count: 1,
        first_seen: ago(seconds),
        last_seen: ago(seconds),
        workload: Some(of.clone()),
        container: Some(Container {
            id: "a".repeat(64),
            runtime: "containerd".into(),
            ..Container::default()
        }),
        process: Some(Process {
            pid: 19_918,
            container_pid: 17,
            exe: "/bin/busybox".into(),
            args: vec!["sh".into(), "-c".into(), "id".into()],
            cwd: "/".into(),
            ancestors: vec![process::Ancestor {
                pid: 1,
                exe: "/usr/bin/shop".into(),
            }],
            ..Process::default()
        }),
        detail: Some(Detail::Exec(Exec {
            path: "/bin/busybox".into(),
            name: "sh".into(),
            ..Exec::default()
        })),
        attack: vec!["T1059".into()],
        nearest: "/bin/busybox (date)".into(),
        patch: "- exec: {path: /bin/busybox, name: sh}".into(),
        ..Violation::default()
    }
}

pub fn passwd(of: &Workload) -> Violation {
    Violation {
        rule: "file.unknown".into(),
        severity: Severity::Critical.into(),
        count: 3,
        revision: 2,
        pending: true,
        detail: Some(Detail::File(File {
            operation: file::Operation::OpenWrite.into(),
            path: "/etc/passwd".into(),
            ..File::default()
        })),
        ..violation("c0ffee", of, 12)
    }
}

pub fn item(item: Item) -> Update {
    Update::Item(Box::new(WatchResponse {
        item: Some(item),
        ..WatchResponse::default()
    }))
}

pub fn update(model: &mut Model, seconds: u64, update: Update) {
    model.update(update, NOW, Duration::from_secs(seconds));
}

/// Three workloads, two violations.
pub fn calm() -> Model {
    let mut model = Model::default();
    let containers = vec![
        container("a", &workload("shop", "web")),
        container("b", &workload("shop", "api")),
    ];
    update(
        &mut model,
        0,
        Update::Containers(ListContainersResponse {
            containers,
            ..ListContainersResponse::default()
        }),
    );
    update(&mut model, 0, Update::Status(Box::new(status(0))));
    let web = workload("shop", "web");
    update(
        &mut model,
        0,
        item(Item::Violation(violation("cafe", &web, 95))),
    );
    update(
        &mut model,
        0,
        item(Item::Violation(passwd(&workload("", "mail")))),
    );
    update(&mut model, 5, Update::Status(Box::new(status(5))));
    model
}

/// Losses, a gap, a sink that is blocked and one that retries, hooks that are not attached.
pub fn troubled() -> Model {
    let mut model = calm();
    let loss = |reason: &str, count| Loss {
        reason: reason.into(),
        count,
    };
    let sink = |name: &str, state: State| Sink {
        name: name.into(),
        state: state.into(),
        ..Sink::default()
    };
    let mut status = status(6);
    status.hooks.push(hook("file.setattr", ""));
    status.losses = vec![loss("ring-full", 1_000), loss("container-budget", 204)];
    status.container_losses = vec![ContainerLoss {
        container: "a".repeat(64),
        reason: "container-budget".into(),
        class: "file".into(),
        count: 204,
    }];
    status.sinks = vec![
        sink("siem", State::Blocked),
        sink("archive", State::Delivering),
        sink("otel", State::Retrying),
    ];
    update(&mut model, 6, Update::Status(Box::new(status)));
    let gap = Gap {
        reason: "ring-full".into(),
        count: 1_000,
        from: ago(4),
        to: ago(3),
        scope: "node".into(),
        ..Gap::default()
    };
    update(&mut model, 6, item(Item::Gap(gap)));
    model
}

/// A hundred workloads, and as many violations.
pub fn many() -> Model {
    let mut model = Model::default();
    let mut status = status(0);
    status.profiles.clear();
    for number in 0..100 {
        let own = workload("many", &format!("service-{number:02}"));
        status.profiles.push(profile(&own, Mode::Monitoring));
        for one in 0..number % 3 {
            let id = format!("{number}-{one}");
            update(
                &mut model,
                0,
                item(Item::Violation(violation(&id, &own, 200 - number))),
            );
        }
    }
    update(&mut model, 0, Update::Status(Box::new(status)));
    model
}

/// Names that a hostile container, label or agent may have.
pub fn hostile() -> Model {
    let mut model = Model::default();
    let mut status = status(0);
    let names = [
        "\u{1b}[2J\u{1b}]0;owned\u{7}".to_owned(),
        "line\nbreak\r\t\0".to_owned(),
        "商店".repeat(40),
        "\u{202e}desrever".to_owned(),
        "e\u{301}\u{200b}\u{1f469}\u{200d}\u{1f4bb}".to_owned(),
        "x".repeat(500),
    ];
    status.node.clone_from(&names[0]);
    status.kernel.clone_from(&names[1]);
    status.losses = vec![Loss {
        reason: names[0].clone(),
        count: 1,
    }];
    status.sinks = vec![Sink {
        name: names[1].clone(),
        ..Sink::default()
    }];
    status.profiles.clear();
    for name in &names {
        let own = workload(name, name);
        let summary = profile(&own, Mode::Learning);
        status.profiles.push(ProfileSummary {
            learning: Some(Learning {
                unmet: vec![name.clone()],
                ..learning()
            }),
            ..summary
        });
        let mut violation = violation(name, &own, 1);
        violation.rule.clone_from(name);
        violation.nearest.clone_from(name);
        violation.detail = Some(Detail::Exec(Exec {
            path: name.clone(),
            ..Exec::default()
        }));
        update(&mut model, 0, item(Item::Violation(violation)));
        let gap = Gap {
            reason: name.clone(),
            scope: name.clone(),
            ..Gap::default()
        };
        update(&mut model, 0, item(Item::Gap(gap)));
    }
    update(&mut model, 0, Update::Status(Box::new(status)));
    model
}
