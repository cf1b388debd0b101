//! What a candidate would have reported, as this agent reports it.

use super::*;
use crate::judge::rating::Ratings;
use crate::process::{File, Image};
use lapwing_profile::rule::{Rule, Severities, Severity};

/// The container executes `/bin/ls`, as the image with this number.
fn ls(bench: &mut Bench, issuer: u64) -> Vec<Item> {
    bench.now += SECOND;
    let record = Record {
        header: Header {
            time: bench.now,
            cgroup: HOME,
            issuer,
            ..Header::default()
        },
        phase: Phase::Main,
        body: Body::Exec {
            path: b"ls\0bin\0",
            filename: b"",
            args: b"ls\0",
            cwd: b"",
            origin: Origin::Image,
        },
    };
    bench.take(&record)
}

fn approving(bench: &Bench, lines: &[&str]) -> String {
    let mut candidate = Profile::new(bench.workload(), Mode::Monitoring);
    for line in lines {
        candidate
            .approve(&Entry::parse(line).unwrap(), ANN)
            .unwrap();
    }
    candidate.to_yaml()
}

/// Each that is reported, with its rule and severity.
fn reported(replay: &v1::ReplayProfileResponse) -> Vec<(&str, &str, v1::violation::Severity)> {
    let reported = replay.reported.iter();
    reported
        .map(|one| (one.entry.as_str(), one.rule.as_str(), one.severity()))
        .collect()
}

#[test]
fn parents_for_which_a_line_without_one_stands_are_kept_and_rated_as_configured() {
    use v1::violation::Severity as Said;
    let mut bench = Bench::new();
    for (number, exe) in [(1, "/bin/entry"), (2, "/usr/sbin/nginx")] {
        let image = Image {
            exe: exe.to_owned(),
            file: File::Named,
            ..Image::default()
        };
        bench.images.insert(number, image);
    }
    let bare = approving(&bench, &["exec: {path: /bin/ls}"]);
    import(&mut bench.judge, &bare).unwrap();
    assert!(violations(&ls(&mut bench, 1)).is_empty());
    let narrow = approving(&bench, &["exec: {path: /bin/ls, parent: /bin/entry}"]);
    let replay = bench.replay(&narrow);
    assert_eq!(reported(&replay), []);
    assert_eq!(replay.open, ["exec: {path: /bin/ls}"]);

    assert!(violations(&ls(&mut bench, 2)).is_empty());
    let replay = bench.replay(&narrow);
    let by_nginx = "exec: {path: /bin/ls, parent: /usr/sbin/nginx}";
    assert_eq!(
        reported(&replay),
        [(by_nginx, "exec.lineage", Said::Medium)]
    );
    assert!(replay.open.is_empty());

    let mut severities = Severities::default();
    severities.set(Rule::ExecLineage, Severity::Low);
    bench.judge = bench.judge.with_ratings(Ratings {
        severities,
        ..Ratings::default()
    });
    let replay = bench.replay(&narrow);
    assert_eq!(reported(&replay), [(by_nginx, "exec.lineage", Said::Low)]);
}

#[test]
fn what_one_instance_alone_taught_the_candidate_is_told_apart() {
    let mut bench = Bench::new();
    for home in [21, 22, 23] {
        bench.start(home, "team/web:1", Some(1));
        bench.run(home, "ls", Origin::Image);
    }
    bench.run(22, "env", Origin::Image);
    let now = bench.moment();
    bench.judge.learn(bench.registry.running(), now);
    let own = bench.judge.profile("/Workload/web/").unwrap().1;
    let replay = bench.replay(&own);
    assert_eq!(reported(&replay), []);
    let [entry] = &*replay.provisional else {
        panic!("{replay:?}")
    };
    assert!(entry.contains("/bin/env"), "{entry}");
}

/// What a candidate that knows nothing but `/bin/ls` would have reported of `web`.
fn of_web(bench: &Bench) -> Vec<(String, v1::violation::Severity, bool)> {
    let mut candidate = Profile::new(bench.workload(), Mode::Learning);
    candidate.workload.kind = "Workload".to_owned();
    candidate.workload.name = "web".to_owned();
    let ls = "exec: {path: /bin/ls, parent: unknown}";
    candidate.approve(&Entry::parse(ls).unwrap(), ANN).unwrap();
    let replay = bench.replay(&candidate.to_yaml());
    let reported = replay.reported.into_iter().map(|one| {
        let program = one.entry.split(['/', ',']).nth(2).unwrap().to_owned();
        (program, one.severity(), one.new_in_version)
    });
    reported.collect()
}

#[test]
fn a_candidate_gives_new_versions_the_grace_that_they_have() {
    use v1::violation::Severity as Said;
    let said = |program: &str, severity, fresh| (program.to_owned(), severity, fresh);
    let mut bench = Bench::new();
    bench.start(21, "team/web:1", Some(1));
    for program in ["ls", "id"] {
        bench.run(21, program, Origin::Image);
    }
    bench.promote_web();
    // Before the new version came.
    assert!(!bench.one(21, "sh").new_in_version);
    bench.start(22, "team/web:2", Some(2));
    let live = bench.one(22, "env");
    assert_eq!((live.severity(), live.new_in_version), (Said::Medium, true));
    let drift = bench.run(22, "dropped", Origin::UpperLayer);
    assert!(!drift[0].new_in_version);
    // As long as the old version runs too, nobody can say which one it was.
    let full = |program| said(program, Said::High, false);
    let drifted = said("dropped", Said::Critical, false);
    assert_eq!(
        of_web(&bench),
        [drifted.clone(), full("env"), full("id"), full("sh")]
    );
    bench.registry.removed(21, bench.now);
    let graced = said("env", Said::Medium, true);
    assert_eq!(
        of_web(&bench),
        [drifted.clone(), graced, full("id"), full("sh")]
    );
    // What goes on when the grace is over is as bad as any other.
    bench.now += 24 * 3_600 * SECOND;
    bench.run(22, "env", Origin::Image);
    assert_eq!(
        of_web(&bench),
        [drifted, full("env"), full("id"), full("sh")]
    );
}

/// The old version goes on beside the new one, does something, and ends: what runs then is no witness
/// of who did it.
#[test]
fn what_the_old_version_did_has_no_grace() {
    use v1::violation::Severity as Said;
    let said = |program: &str, severity, fresh| (program.to_owned(), severity, fresh);
    let mut bench = Bench::new();
    bench.start(21, "team/web:1", Some(1));
    bench.run(21, "ls", Origin::Image);
    bench.promote_web();
    bench.start(22, "team/web:2", Some(2));
    bench.run(22, "env", Origin::Image);
    bench.run(22, "both", Origin::Image);
    bench.run(21, "both", Origin::Image);
    bench.run(21, "sh", Origin::Image);
    bench.registry.removed(21, bench.now);
    assert_eq!(
        of_web(&bench),
        [
            said("both", Said::High, false),
            said("env", Said::Medium, true),
            said("sh", Said::High, false),
        ]
    );
}
