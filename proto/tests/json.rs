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
            ancestors: vec![process::Ancestor {
                pid: 100,
                exe: "/usr/sbin/nginx".into(),
            }],
            ..Process::default()
        }),
        detail: Some(violation::Detail::Exec(Exec {
            path: "/bin/sh".into(),
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
        "workload": {"cluster": "", "namespace": "", "kind": "", "name": "web", "container": ""},
        "container": {"id": "", "name": "", "image": "", "pod": "", "cgroupId": u64::MAX.to_string(), "runtime": ""},
        "process": {"pid": 123, "containerPid": 0, "startTime": null, "exe": "", "args": ["sh", "a\nb\"\u{1}"],
            "cwd": "", "uid": 0, "gid": 0, "phase": "MAIN",
            "ancestors": [{"pid": 100, "exe": "/usr/sbin/nginx"}]},
        "exec": {"path": "/bin/sh", "name": "", "script": "", "origin": "IMAGE"},
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
fn times_go_both_ways() {
    for time in [0, 1, -1, 1_763_892_000_123_456_789, i64::MAX, i64::MIN] {
        assert_eq!(nanoseconds(&timestamp(time)), time);
    }
}
