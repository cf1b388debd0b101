//! What one instance of several taught is reported of the others.

use super::*;

#[test]
fn what_one_of_three_showed_is_reported_of_the_others_until_a_person_approves() {
    let mut bench = Bench::new();
    for home in [21, 22, 23] {
        bench.start(home, "team/web:1", Some(1));
        assert!(bench.run(home, "ls", Origin::Image).is_empty());
    }
    assert!(bench.run(22, "env", Origin::Image).is_empty());
    let now = bench.moment();
    bench.judge.learn(bench.registry.running(), now);
    bench.promote_web();
    let (summary, _) = bench.judge.profile("/Workload/web/").unwrap();
    assert_eq!(summary.provisional, 1);
    assert!(bench.run(22, "env", Origin::Image).is_empty());
    let one = bench.one(21, "env");
    assert!(one.provisional && !one.pending && !one.new_in_version);
    assert_eq!(
        (one.rule.as_str(), one.severity()),
        ("exec.unknown", v1::violation::Severity::High)
    );
    assert!(bench.run(21, "env", Origin::Image).is_empty(), "it counts");
    assert!(
        bench.one(23, "env").provisional,
        "a second that does it now confirms nothing"
    );
    let unknown = bench.one(23, "id");
    assert!(!unknown.provisional);
    approve(&mut bench.judge, &one.id).unwrap();
    for home in [21, 22, 23] {
        assert!(bench.run(home, "env", Origin::Image).is_empty());
    }
}
