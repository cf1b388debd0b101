//! More violations than anybody reads are counted, exactly, and hide nothing of another kind.

use super::*;
use crate::judge::limits::Limit;

#[test]
fn what_is_beyond_the_limit_is_counted_in_one_report() {
    let mut bench = Bench::new();
    bench.judge = bench.judge.with_limit(Limit {
        new: 10,
        period: 600 * SECOND,
    });
    bench.exec("ls");
    bench.promote().unwrap();
    let mut own = Vec::new();
    let mut limited = Vec::new();
    // 40 new ones and, of each, another occurrence.
    for number in 0..80 {
        let items = bench.exec(&format!("tool{}", number % 40));
        for violation in violations(&items) {
            match violation.rule.as_str() {
                "exec.unknown" => own.push(violation.clone()),
                _ => limited.push(violation.clone()),
            }
        }
    }
    assert_eq!((own.len(), limited.len()), (10, 1));
    let first = &limited[0];
    assert_eq!(
        (first.rule.as_str(), first.count, first.revision),
        ("sensor.degraded", 1, 1)
    );
    let Some(v1::violation::Detail::Degraded(said)) = &first.detail else {
        panic!("{first:?}")
    };
    assert_eq!(said.reason, "violations-limited");
    assert!(
        said.detail
            .starts_with("more than 10 new violations of exec.unknown of ")
            && said
                .detail
                .contains("Image/team%2Fweb/ came within 10 min: "),
        "{}",
        said.detail
    );
    assert!(!first.container.as_ref().unwrap().id.is_empty());
    // 30 new ones, and the second occurrence of each.
    let now = Moment {
        boot: bench.now + 11 * SECOND,
        ..bench.moment()
    };
    let due = bench.judge.due(now);
    let due = violations(&due);
    let counted = due
        .iter()
        .find(|one| one.rule == "sensor.degraded")
        .unwrap();
    assert_eq!((counted.count, counted.id == first.id), (60, true));
    assert!(
        due.iter()
            .filter(|one| one.rule == "exec.unknown")
            .all(|one| one.count == 2)
    );
    // They wait in the profile.
    let (_, yaml) = bench.judge.profile(&bench.name()).unwrap();
    assert_eq!(Profile::from_yaml(yaml).unwrap().pending_len(), 40);
    // Of another kind nothing is hidden, and later there is room again.
    let drift = Record {
        header: Header {
            time: bench.now,
            cgroup: HOME,
            ..Header::default()
        },
        phase: Phase::Main,
        body: Body::Exec {
            path: b"dropped\0tmp\0",
            filename: b"",
            args: b"dropped\0",
            cwd: b"",
            origin: Origin::UpperLayer,
        },
    };
    let items = bench.take(&drift);
    assert_eq!(violations(&items)[0].rule, "exec.drift");
    bench.now += 600 * SECOND;
    assert_eq!(violations(&bench.exec("later"))[0].rule, "exec.unknown");
}
