//! Reports as people read them.

use super::*;
use lapwing_proto::timestamp;
use lapwing_proto::v1::violation::Detail;

fn plain(response: &WatchResponse) -> String {
    let mut out = anstream::StripStream::new(Vec::new());
    item(&mut out, response).unwrap();
    String::from_utf8(out.into_inner()).unwrap()
}

#[test]
fn a_violation_tells_what_who_and_how_to_approve() {
    let violation = Violation {
        id: "cafe".into(),
        rule: "exec.unknown".into(),
        severity: Severity::High.into(),
        count: 3,
        last_seen: Some(timestamp(0)),
        workload: Some(Workload {
            name: "shop".into(),
            ..Workload::default()
        }),
        container: Some(Container {
            id: "c1".into(),
            ..Container::default()
        }),
        process: Some(Process {
            pid: 7,
            args: vec!["sh".into(), "-c".into(), "id".into()],
            ancestors: vec![
                process::Ancestor {
                    pid: 2,
                    exe: "/bin/loop".into(),
                },
                process::Ancestor {
                    pid: 1,
                    exe: "/bin/init".into(),
                },
            ],
            ..Process::default()
        }),
        detail: Some(Detail::Exec(lapwing_proto::v1::Exec {
            path: "/bin/busybox".into(),
            name: "sh".into(),
            ..Default::default()
        })),
        nearest: "/bin/busybox (sleep)".into(),
        patch: "- exec: {path: /bin/busybox, name: sh}".into(),
        ..Violation::default()
    };
    let text = plain(&WatchResponse {
        item: Some(Item::Violation(violation)),
        ..WatchResponse::default()
    });
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].contains("HIGH     exec.unknown     shop (c1)  x3"),
        "{text}"
    );
    assert_eq!(lines[1].trim(), "exec     /bin/busybox (sh)");
    for (marks, words) in [
        (
            Violation {
                pending: true,
                new_in_version: true,
                ..Violation::default()
            },
            "(new in version)",
        ),
        (
            Violation {
                pending: true,
                ..Violation::default()
            },
            "(still learning)",
        ),
        (
            Violation {
                provisional: true,
                ..Violation::default()
            },
            "(provisional: one other instance alone showed it)",
        ),
    ] {
        let text = plain(&WatchResponse {
            item: Some(Item::Violation(marks)),
            ..WatchResponse::default()
        });
        assert!(text.trim_end().ends_with(words), "{text}");
        assert_eq!(text.matches('(').count(), 1, "{text}");
    }
    assert_eq!(
        lines[2].trim(),
        "by       sh -c id  (pid 7, uid 0)  under /bin/init > /bin/loop"
    );
    assert_eq!(lines[3].trim(), "nearest  /bin/busybox (sleep)");
    assert_eq!(lines[4].trim(), "approve  lapwing profile approve cafe");
}

#[test]
fn nothing_hidden_reaches_the_terminal() {
    let hostile = "\u{1b}[2J\u{9b}2J\u{202e}\u{7f}".to_owned();
    let violation = Violation {
        rule: hostile.clone(),
        id: hostile.clone(),
        nearest: hostile.clone(),
        patch: hostile.clone(),
        workload: Some(Workload {
            namespace: hostile.clone(),
            name: hostile.clone(),
            container: hostile.clone(),
            ..Workload::default()
        }),
        container: Some(Container {
            id: hostile.clone(),
            ..Container::default()
        }),
        process: Some(Process {
            args: vec![hostile.clone()],
            ancestors: vec![process::Ancestor {
                pid: 2,
                exe: hostile.clone(),
            }],
            ..Process::default()
        }),
        detail: Some(Detail::File(lapwing_proto::v1::File {
            path: hostile.clone(),
            target: hostile.clone(),
            ..Default::default()
        })),
        ..Violation::default()
    };
    // Without the styles, which are control sequences of ours.
    let text = plain(&WatchResponse {
        item: Some(Item::Violation(violation)),
        ..WatchResponse::default()
    });
    let mut out = anstream::StripStream::new(Vec::new());
    table(&mut out, &["A"], &[vec![hostile]]).unwrap();
    let text = text + &String::from_utf8(out.into_inner()).unwrap();
    let raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!text.chars().any(raw), "{text:?}");
    assert_eq!(text.matches("\\x1b[2J\\xc2\\x9b2J").count(), 11, "{text:?}");
}

#[test]
fn columns_are_aligned() {
    let mut out = anstream::StripStream::new(Vec::new());
    table(
        &mut out,
        &["A", "LONG"],
        &[vec!["one".into(), "x".into()], vec!["b".into(), "y".into()]],
    )
    .unwrap();
    assert_eq!(
        String::from_utf8(out.into_inner()).unwrap(),
        "A    LONG\none  x\nb    y\n"
    );
}

#[test]
fn what_is_not_of_today_has_its_day() {
    let zone = jiff::tz::TimeZone::UTC;
    let now: jiff::Timestamp = "2026-11-25T00:00:10Z".parse().unwrap();
    let now = now.to_zoned(zone);
    for (time, text) in [
        ("2026-11-25T00:00:09.5Z", "00:00:09.500"),
        ("2026-11-24T23:59:59.123456Z", "2026-11-24 23:59:59.123"),
        ("2025-11-25T00:00:09Z", "2025-11-25 00:00:09.000"),
    ] {
        assert_eq!(clock_at(time.parse().unwrap(), &now), text);
    }
    assert_eq!(clock(None), "?");
}
