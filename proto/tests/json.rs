//! The JSON form that SIEMs and `jq` meet.

use lapwing_proto::v1::{
    Container, Exec, Mode, Process, Violation, Workload, exec, process, violation,
};
use lapwing_proto::{nanoseconds, timestamp};
use serde_json::json;

#[test]
fn a_violation_has_every_field_in_its_documented_form() {
    let time = 1_763_892_000_123_456_789;
    let violation = Violation {
        id: "a".into(),
        fingerprint: "b".into(),
        revision: 3,
        time: Some(timestamp(time)),
        node: "n1".into(),
        rule: "exec.unknown".into(),
        severity: violation::Severity::High.into(),
        mode: Mode::Monitoring.into(),
        count: 1,
        attack: vec!["T1059".into()],
        workload: Some(Workload {
            name: "web".into(),
            ..Workload::default()
        }),
        container: Some(Container {
            cgroup_id: u64::MAX,
            ..Container::default()
        }),
        process: Some(Process {
            pid: 123,
            args: vec!["sh".into(), "a\nb\"\u{1}".into()],
            phase: process::Phase::Main.into(),
            uid: 1000,
            effective_gid: 7,
            capabilities: vec!["CAP_NET_RAW".into()],
            ancestors: vec![process::Ancestor {
                pid: 100,
                exe: "/usr/sbin/nginx".into(),
            }],
            ..Process::default()
        }),
        detail: Some(violation::Detail::Exec(Exec {
            path: "/bin/sh".into(),
            parent: "/usr/sbin/nginx".into(),
            origin: exec::Origin::Image.into(),
            ..Exec::default()
        })),
        ..Violation::default()
    };
    let expected = json!({
        "id": "a", "fingerprint": "b", "revision": 3, "time": "2025-11-23T10:00:00.123456789Z",
        "cluster": "", "node": "n1", "firstSeen": null, "lastSeen": null,
        "pending": false, "provisional": false, "newInVersion": false,
        "rule": "exec.unknown", "severity": "HIGH", "mode": "MONITORING", "count": "1",
        "attack": ["T1059"],
        "workload": {"namespace": "", "kind": "", "name": "web", "container": ""},
        "container": {"id": "", "name": "", "image": "", "pod": "", "cgroupId": u64::MAX.to_string(), "runtime": "", "imageDigest": "", "podUid": "", "podNamespace": "",
            "kind": "KIND_UNSPECIFIED", "ownerEvidence": "OWNER_EVIDENCE_UNSPECIFIED"},
        "process": {"pid": 123, "containerPid": 0, "startTime": null, "exe": "", "args": ["sh", "a\nb\"\u{1}"],
            "cwd": "", "uid": 1000, "gid": 0, "phase": "MAIN",
            "effectiveUid": 0, "effectiveGid": 7, "capabilities": ["CAP_NET_RAW"],
            "ancestors": [{"pid": 100, "exe": "/usr/sbin/nginx"}]},
        "exec": {"path": "/bin/sh", "name": "", "script": "", "origin": "IMAGE", "parent": "/usr/sbin/nginx",
            "sha256": ""},
        "nearest": "", "patch": "", "afterGap": false
    });
    let text = serde_json::to_string(&violation).unwrap();
    assert!(!text.contains('\n'), "one line: {text}");
    let mut written: serde_json::Value = serde_json::from_str(&text).unwrap();
    // Absent messages are absent.
    for (parent, key) in [
        ("", "firstSeen"),
        ("", "lastSeen"),
        ("/process", "startTime"),
    ] {
        let object = written
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap();
        assert_eq!(object.get(key).cloned().unwrap_or_default(), json!(null));
        object.insert(key.to_owned(), json!(null));
    }
    assert_eq!(written, expected);
    assert_eq!(serde_json::from_str::<Violation>(&text).unwrap(), violation);
}

#[test]
fn files_and_peers_have_every_field_too() {
    use lapwing_proto::v1::{Behaviour, Egress, File, Gap, behaviour, egress, file};
    let file = File {
        operation: file::Operation::OpenWrite.into(),
        path: "/etc/passwd".into(),
        mount: file::Mount::Image.into(),
        ..File::default()
    };
    assert_eq!(
        serde_json::to_value(&file).unwrap(),
        json!({"operation": "OPEN_WRITE", "path": "/etc/passwd", "target": "", "mount": "IMAGE", "pathFromCaller": false,
            "mode": "", "setId": "NONE", "by": ""})
    );
    let egress = Egress {
        protocol: egress::Protocol::Tcp.into(),
        address: "10.0.0.1".into(),
        port: 443,
        ..Egress::default()
    };
    assert_eq!(
        serde_json::to_value(&egress).unwrap(),
        json!({"protocol": "TCP", "address": "10.0.0.1", "port": 443, "domain": "", "service": "",
            "number": 0, "socket": "NONE"})
    );
    let behaviour = Behaviour {
        outcome: behaviour::Outcome::Learned.into(),
        detail: Some(behaviour::Detail::Egress(egress.clone())),
        ..Behaviour::default()
    };
    assert_eq!(
        serde_json::to_value(&behaviour).unwrap(),
        json!({"cluster": "", "node": "", "outcome": "LEARNED", "mode": "MODE_UNSPECIFIED", "egress": egress})
    );
    let gap = Gap {
        reason: "agent-down".into(),
        from: Some(timestamp(0)),
        to: Some(timestamp(1_500_000_000)),
        ..Gap::default()
    };
    assert_eq!(
        serde_json::to_value(&gap).unwrap(),
        json!({"reason": "agent-down", "count": "0", "from": "1970-01-01T00:00:00Z", "to": "1970-01-01T00:00:01.500Z", "scope": "", "cluster": "", "node": ""})
    );
}

#[test]
fn sockets_names_and_privileges_have_every_field_too() {
    use lapwing_proto::v1::{Dns, Listen, Privilege, egress, privilege};
    let listen = Listen {
        protocol: egress::Protocol::Unix.into(),
        address: "@bus".into(),
        ..Listen::default()
    };
    assert_eq!(
        serde_json::to_value(&listen).unwrap(),
        json!({"protocol": "UNIX", "address": "@bus", "port": 0, "number": 0})
    );
    let dns = Dns {
        name: "example.com".into(),
        r#type: "AAAA".into(),
    };
    assert_eq!(
        serde_json::to_value(&dns).unwrap(),
        json!({"name": "example.com", "type": "AAAA"})
    );
    let privilege = Privilege {
        operation: privilege::Operation::IoUring.into(),
        ..Privilege::default()
    };
    let value = serde_json::to_value(&privilege).unwrap();
    assert_eq!(value, json!({"operation": "IO_URING", "detail": ""}));
    let violation = Violation {
        detail: Some(violation::Detail::Privilege(privilege)),
        ..Violation::default()
    };
    assert_eq!(
        serde_json::to_value(&violation).unwrap()["privilege"],
        value
    );
}

#[test]
fn times_have_the_digits_that_proto3_allows() {
    for (nanoseconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (100_000_000, "1970-01-01T00:00:00.100Z"),
        (120, "1970-01-01T00:00:00.000000120Z"),
        (1_000_120_000, "1970-01-01T00:00:01.000120Z"),
    ] {
        let time = timestamp(nanoseconds);
        assert_eq!(serde_json::to_value(time).unwrap(), text);
        assert_eq!(
            serde_json::from_value::<lapwing_proto::Timestamp>(json!(text)).unwrap(),
            time
        );
    }
}

#[test]
fn times_go_both_ways() {
    for time in [0, 1, -1, 1_763_892_000_123_456_789, i64::MAX, i64::MIN] {
        assert_eq!(nanoseconds(&timestamp(time)), time);
    }
}
