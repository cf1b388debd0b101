//! One item of every kind.
#![allow(dead_code, missing_docs)]

pub mod cef;
pub mod published;

use lapwing_encode::{Encoder, Encoding, Product};
use lapwing_proto::timestamp;
use lapwing_proto::v1::{
    Behaviour, Container, Degraded, Dns, Egress, Exec, File, Gap, Heartbeat, Listen, Mode,
    Privilege, Process, Violation, WatchResponse, Workload, behaviour, container, egress, exec,
    file, privilege, process, violation, watch_response::Item,
};

/// 2026-11-26T10:00:00.123456789Z
pub const TIME: i64 = 1_795_687_200_123_456_789;

pub fn encoder(encoding: Encoding) -> Encoder {
    Encoder::new(encoding, Product::lapwing("0.1.0"))
}

pub fn item(item: Item) -> WatchResponse {
    WatchResponse {
        cursor: "6a1f-42".into(),
        item: Some(item),
    }
}

pub fn process() -> Process {
    Process {
        pid: 19918,
        container_pid: 17,
        start_time: Some(timestamp(TIME - 1_000_000_000)),
        exe: "/bin/sh".into(),
        args: ["sh", "-c", "id; uname -a"].map(Into::into).into(),
        cwd: "/srv".into(),
        uid: 1000,
        gid: 1000,
        phase: process::Phase::Main.into(),
        ancestors: vec![
            process::Ancestor {
                pid: 19800,
                exe: "/usr/sbin/nginx".into(),
            },
            process::Ancestor {
                pid: 19790,
                exe: "/usr/bin/tini".into(),
            },
        ],
        effective_uid: 0,
        effective_gid: 1000,
        capabilities: vec!["CAP_NET_RAW".into()],
    }
}

pub fn container() -> Container {
    Container {
        id: "a1e0e96fc39e5d2b7c1f0a9e8d7c6b5a49382716f5e4d3c2b1a09f8e7d6c5b4a".into(),
        name: "app".into(),
        image: "registry.example:5000/shop/web:2.1".into(),
        pod: "web-6d5f7c-x2x8p".into(),
        cgroup_id: 4242,
        runtime: "containerd".into(),
        image_digest: format!("sha256:{}", "5e".repeat(32)),
        pod_uid: "0d7a9c52-6f3e-4b1a-9c58-2e41f7b6a3d0".into(),
        pod_namespace: "shop".into(),
        kind: container::Kind::Main.into(),
        owner_evidence: container::OwnerEvidence::Verified.into(),
    }
}

pub fn workload() -> Workload {
    Workload {
        namespace: "shop".into(),
        kind: "Deployment".into(),
        name: "web".into(),
        container: "app".into(),
    }
}

pub fn violation(rule: &str, attack: &str, detail: violation::Detail) -> Violation {
    Violation {
        id: "35285ac1748b610de709728f25605237".into(),
        fingerprint: "9f86d081884c7d659a2feaa0c55ad015".into(),
        revision: 1,
        time: Some(timestamp(TIME)),
        cluster: "prod-eu".into(),
        node: "node-7".into(),
        first_seen: Some(timestamp(TIME)),
        last_seen: Some(timestamp(TIME)),
        rule: rule.into(),
        severity: violation::Severity::High.into(),
        mode: Mode::Monitoring.into(),
        count: 1,
        attack: vec![attack.into()],
        workload: Some(workload()),
        container: Some(container()),
        process: Some(process()),
        detail: Some(detail),
        nearest: "/usr/sbin/nginx".into(),
        patch: "- exec: {path: /bin/sh, parent: /usr/sbin/nginx}".into(),
        ..Violation::default()
    }
}

pub fn shell() -> Exec {
    Exec {
        path: "/bin/sh".into(),
        origin: exec::Origin::Image.into(),
        parent: "/usr/sbin/nginx".into(),
        ..Exec::default()
    }
}

/// The example of the documents.
pub fn example() -> WatchResponse {
    item(Item::Violation(violation(
        "exec.unknown",
        "T1059.004",
        violation::Detail::Exec(shell()),
    )))
}

pub fn gap() -> Gap {
    Gap {
        reason: "ring-full".into(),
        count: 17,
        from: Some(timestamp(TIME - 2_000_000_000)),
        to: Some(timestamp(TIME)),
        scope: "node".into(),
        cluster: "prod-eu".into(),
        node: "node-7".into(),
    }
}

fn all<E>(of: fn(i32) -> Option<E>, top: i32) -> impl Iterator<Item = E> {
    (0..top).filter_map(of)
}

/// Every value of every enumeration that a detail has.
pub fn details() -> Vec<behaviour::Detail> {
    let mut out = Vec::new();
    for origin in all(|n| exec::Origin::try_from(n).ok(), 32) {
        out.push(behaviour::Detail::Exec(Exec {
            path: "/bin/busybox".into(),
            name: "sh".into(),
            script: "/srv/run.sh".into(),
            origin: origin.into(),
            parent: "runtime".into(),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        }));
    }
    for operation in all(|n| file::Operation::try_from(n).ok(), 64) {
        out.push(behaviour::Detail::File(File {
            operation: operation.into(),
            path: "/etc/passwd".into(),
            target: "/etc/passwd-".into(),
            mount: file::Mount::Image.into(),
            mode: "4755".into(),
            set_id: file::SetId::User.into(),
            by: "/bin/sh".into(),
            ..File::default()
        }));
    }
    for protocol in all(|n| egress::Protocol::try_from(n).ok(), 64) {
        for (address, port) in [
            ("10.0.0.9", 443),
            ("2001:db8::9", 443),
            ("/run/containerd/containerd.sock", 0),
            ("3", u32::MAX),
            ("", 0),
            ("", 8080),
        ] {
            out.push(behaviour::Detail::Egress(Egress {
                protocol: protocol.into(),
                address: address.into(),
                port,
                number: 47,
                ..Egress::default()
            }));
            out.push(behaviour::Detail::Listen(Listen {
                protocol: protocol.into(),
                address: address.into(),
                port,
                number: 47,
            }));
        }
        for socket in all(|n| egress::Socket::try_from(n).ok(), 32) {
            out.push(behaviour::Detail::Egress(Egress {
                protocol: protocol.into(),
                socket: socket.into(),
                domain: "db.shop.example".into(),
                service: "shop/db".into(),
                ..Egress::default()
            }));
        }
    }
    for name in ["evil.example", ""] {
        out.push(behaviour::Detail::Dns(Dns {
            name: name.into(),
            r#type: "AAAA".into(),
        }));
    }
    for operation in all(|n| privilege::Operation::try_from(n).ok(), 64) {
        out.push(behaviour::Detail::Privilege(Privilege {
            operation: operation.into(),
            detail: "tmpfs at /mnt".into(),
        }));
    }
    out
}

fn as_violation(detail: behaviour::Detail) -> violation::Detail {
    match detail {
        behaviour::Detail::Exec(one) => violation::Detail::Exec(one),
        behaviour::Detail::File(one) => violation::Detail::File(one),
        behaviour::Detail::Egress(one) => violation::Detail::Egress(one),
        behaviour::Detail::Listen(one) => violation::Detail::Listen(one),
        behaviour::Detail::Dns(one) => violation::Detail::Dns(one),
        behaviour::Detail::Privilege(one) => violation::Detail::Privilege(one),
    }
}

/// Every kind of item that has a record: with all that may be missing, and without it.
pub fn items() -> Vec<WatchResponse> {
    let mut out = Vec::new();
    for detail in details() {
        let full = Behaviour {
            time: Some(timestamp(TIME)),
            cluster: "prod-eu".into(),
            node: "node-7".into(),
            outcome: behaviour::Outcome::Learned.into(),
            mode: Mode::Learning.into(),
            workload: Some(workload()),
            container: Some(container()),
            process: Some(process()),
            detail: Some(detail.clone()),
        };
        out.push(item(Item::Behaviour(full)));
        out.push(item(Item::Behaviour(Behaviour {
            detail: Some(detail.clone()),
            ..Behaviour::default()
        })));
        let full = violation("exec.unknown", "T1059", as_violation(detail.clone()));
        out.push(item(Item::Violation(Violation {
            revision: 2,
            pending: true,
            ..full.clone()
        })));
        out.push(item(Item::Violation(full)));
        out.push(item(Item::Violation(Violation {
            detail: Some(as_violation(detail)),
            ..Violation::default()
        })));
    }
    for detail in [
        violation::Detail::Gap(gap()),
        violation::Detail::Gap(Gap::default()),
        violation::Detail::Degraded(Degraded {
            reason: "disk".into(),
            detail: "the spool is full".into(),
        }),
        violation::Detail::Degraded(Degraded::default()),
    ] {
        out.push(item(Item::Violation(Violation {
            process: None,
            ..violation("sensor.gap", "T1562.006", detail)
        })));
    }
    out.push(item(Item::Violation(Violation::default())));
    out.push(item(Item::Behaviour(Behaviour::default())));
    out.push(item(Item::Gap(gap())));
    out.push(WatchResponse {
        cursor: String::new(),
        item: Some(Item::Gap(Gap::default())),
    });
    out
}

/// Items without a record.
pub fn silent() -> Vec<WatchResponse> {
    vec![
        item(Item::Heartbeat(Heartbeat::default())),
        WatchResponse::default(),
    ]
}
