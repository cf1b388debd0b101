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
    let replay = bench.judge.replay(&narrow, "", None).unwrap();
    assert_eq!(reported(&replay), []);
    assert_eq!(replay.open, ["exec: {path: /bin/ls}"]);

    assert!(violations(&ls(&mut bench, 2)).is_empty());
    let replay = bench.judge.replay(&narrow, "", None).unwrap();
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
    let replay = bench.judge.replay(&narrow, "", None).unwrap();
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
    let replay = bench.judge.replay(&own, "", None).unwrap();
    assert_eq!(reported(&replay), []);
    let [entry] = &*replay.provisional else {
        panic!("{replay:?}")
    };
    assert!(entry.contains("/bin/env"), "{entry}");
}
